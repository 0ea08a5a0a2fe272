"""Texts through Twilio: this file and `messaging.voice` know the supplier, no other.

The official client, without its own retries and without its log: numbers and words stay out of logs.
"""

import datetime as dt
import functools
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from django.conf import settings
from django.http import QueryDict
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from messaging.outcomes import BY_STATUS, NOT_CONNECTED, UNCERTAIN, Answer, Then, verdict
from practices.models import Practice, TextingAccount

SUPPLIER_URL = "https://api.twilio.com"
LONGEST_VALIDITY = 36_000  # seconds; Twilio keeps a text in its queue for ten hours at most
SHORTEST_VALIDITY = 60

_silent = logging.getLogger("messaging.sms.silent")
_silent.disabled = True


@dataclass(frozen=True, slots=True)
class Account:
    """The account a practice texts with."""

    sid: str
    token: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A text as the supplier lists it."""

    sid: str
    body: str
    created_at: dt.datetime | None


class Busy(Exception):
    """The supplier asked for patience (429), with the seconds it named."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("the supplier is busy")
        self.retry_after = retry_after


class _Http(TwilioHttpClient):  # type: ignore[misc]
    """Goes to the configured address, never retries, never logs, and keeps the answer's Retry-After."""

    def __init__(self, base_url: str, timeout: float) -> None:
        super().__init__(timeout=timeout, logger=_silent, max_retries=0)
        self.base_url = base_url
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, HTTPAdapter(max_retries=0, pool_maxsize=16))

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        response = super().request(method, self.base_url + url.removeprefix(SUPPLIER_URL), *args, **kwargs)
        if response.status_code == 429:
            raise Busy(_seconds(response.headers.get("Retry-After")))
        return response


def _seconds(header: str | None) -> float | None:
    return min(float(header), 3600.0) if header and header.isascii() and header.isdigit() else None


@functools.lru_cache(maxsize=64)
def _client(account: Account, base_url: str, timeout: float, process: int) -> Client:
    # One per process: a forked worker must not share its parent's sockets.
    return Client(account.sid, account.token, http_client=_Http(base_url or SUPPLIER_URL, timeout))


def client_for(account: Account) -> Client:
    return _client(
        account, settings.TWILIO_BASE_URL.rstrip("/"), settings.TWILIO_TIMEOUT_SECONDS, os.getpid()
    )


def account_of(practice: Practice) -> Account:
    """The practice's own account, else the installation's; call it inside the practice's scope."""
    own = TextingAccount.objects.first()
    if own is not None:
        return Account(own.account_sid, own.auth_token)
    return Account(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN)


def send(
    account: Account, *, from_: str, to: str, body: str, callback: str, valid_for: float | None = None
) -> Answer:
    """Hands one text to the supplier; never raises, an answer that is not understood is uncertain."""
    more: dict[str, Any] = {}
    if valid_for is not None:
        more["validity_period"] = int(min(max(valid_for, SHORTEST_VALIDITY), LONGEST_VALIDITY))
    return handed_over(
        lambda: client_for(account).messages.create(
            from_=from_, to=to, body=body, status_callback=callback, **more
        )
    )


def handed_over(act: Callable[[], Any]) -> Answer:
    """What came of a request that gives the supplier something to do; its row's `sid` proves it was taken."""
    try:
        taken = act()
        return Answer("accepted", supplier_id=str(taken.sid)) if taken.sid else UNCERTAIN
    except Busy as busy:
        return Answer("refused", code="20429", verdict=BY_STATUS[429], retry_after=busy.retry_after)
    except requests.ConnectionError as error:
        return Answer("refused", verdict=NOT_CONNECTED) if never_connected(error) else UNCERTAIN
    except TwilioException as error:
        return _refusal(error)
    except Exception:
        # Time-outs, resets, half an answer: it may be on its way.
        return UNCERTAIN


def _refusal(error: TwilioException) -> Answer:
    status, code = int(getattr(error, "status", 0) or 0), str(getattr(error, "code", "") or "")
    if not 400 <= status < 500:
        return UNCERTAIN
    line = verdict(code, status)
    if line.then is Then.RECONCILE:
        return Answer("uncertain", code=code[:10], verdict=line)
    return Answer("refused", code=code[:10], verdict=line)


def never_connected(error: requests.ConnectionError) -> bool:
    """Whether the request cannot have reached the supplier: no connection was ever made."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    cause = getattr(cause, "reason", cause)
    return isinstance(cause, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.NameResolutionError))


def sent_to(account: Account, *, from_: str, to: str) -> list[Listed]:
    """The latest texts from our line to a number, newest first; raises when the supplier does not answer.

    Not by date sent: a text that is still queued has none.
    """
    found: Iterable[Any] = client_for(account).messages.list(from_=from_, to=to, limit=100)
    return [Listed(str(text.sid), text.body or "", text.date_created) for text in found]


class NotFetched(Exception):
    """A file was not fetched; `gone` when the supplier says that it has no such file."""

    def __init__(self, words: str, *, gone: bool = False) -> None:
        super().__init__(words)
        self.gone = gone


def fetch(account: Account, path: str, *, largest: int) -> tuple[bytes, str]:
    """A file of the account and its declared type, from the supplier's own host and no other.

    The address is made here from `path`, below the account: never from what a webhook says, and a redirect
    is not followed, so that our credentials go nowhere else. Raises NotFetched.
    """
    base = settings.TWILIO_BASE_URL.rstrip("/") or SUPPLIER_URL
    session: requests.Session = client_for(account).http_client.session
    try:
        with session.get(
            f"{base}/2010-04-01/Accounts/{account.sid}/{path}",
            auth=(account.sid, account.token),
            allow_redirects=False,
            stream=True,
            timeout=settings.TWILIO_TIMEOUT_SECONDS,
        ) as answer:
            if answer.status_code != 200:
                words = f"the supplier answered {answer.status_code}"
                raise NotFetched(words, gone=answer.status_code in {404, 410})
            content = bytearray()
            for piece in answer.iter_content(64 * 1024):
                content += piece
                if len(content) > largest:
                    raise NotFetched("the file is too large", gone=True)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise NotFetched(type(error).__name__) from None
    return bytes(content), answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def callback_url(practice: Practice, message_id: object) -> str:
    """Where the supplier reports on a text: our id is in the path, so a lost answer can be found again.

    The fragment is Twilio's wish list: three retries, after any failure.
    """
    return f"{settings.PUBLIC_URL}/hooks/twilio/{practice.slug}/status/{message_id}/#rc=3&rp=all"


def signature_is_valid(account: Account, *, path: str, form: QueryDict, signature: str | None) -> bool:
    """Whether a webhook was signed with the account's token for the address we gave out.

    The address is made from the configured public URL: what Host says is the caller's choice.
    """
    if not signature or not account.token or urlsplit(path).query:
        return False  # an empty token would sign anything
    return bool(RequestValidator(account.token).validate(settings.PUBLIC_URL + path, form, signature))
