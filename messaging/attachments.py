"""Pictures and documents that came with a message: fetched, judged by content, scanned, and only then shown.

1. A text names addresses (`announce`), a mail brings the bytes (`store`): rows, and nothing else happens yet.
2. `check_due` fetches what was announced, from the supplier's own hosts only, outside any transaction.
3. What is one of a few kinds of file waits in quarantine until the virus scanner has called it clean.

A row that is due is claimed with `SKIP LOCKED` and a lease: its next try lies in the future meanwhile.
"""

import datetime as dt
import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import requests
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from messaging import filetypes, scanning, sms
from messaging.models import Attachment, Message
from practices import audit, changes
from practices.audit import SYSTEM
from practices.models import Practice
from practices.tenancy import current_practice, inside

logger = logging.getLogger(__name__)

State = Attachment.State
LARGEST = 25 * 1024 * 1024
MOST = 10  # of one message
MOST_REDIRECTS = 2
TRIES = 8  # to fetch; the scanner is waited for as long as it takes
LEASE = dt.timedelta(minutes=3)
WHOLE_SECONDS = 60.0  # for one file, however slowly it drips
FIRST_PAUSE, LONGEST_PAUSE = dt.timedelta(seconds=20), dt.timedelta(minutes=30)
WAITING = "waiting for the virus scanner"


@dataclass(frozen=True, slots=True)
class Part:
    """A file that came inside a mail."""

    declared_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Job:
    """What it takes to fetch or scan one file without touching the database."""

    id: uuid.UUID
    attempts: int
    source_url: str
    content: bytes | None


class Refused(Exception):
    """The file is not taken; the text says why, in words."""


class Later(Exception):
    """It cannot be had now; the text says why, in words."""


def announce(message: Message, pictures: Sequence[tuple[str, str]]) -> None:
    """Remembers what came with a text; more than ten are only counted."""
    rows = [
        Attachment(
            practice=current_practice(),
            message=message,
            position=position,
            source_url=url[:1000],
            declared_type=declared[:100],
        )
        for position, (url, declared) in enumerate(pictures[:MOST])
    ]
    Attachment.objects.bulk_create(rows, ignore_conflicts=True)


def store(message: Message, parts: Sequence[Part]) -> None:
    """Keeps what came inside a mail in quarantine; what no desk needs is refused without its bytes."""
    rows = []
    for position, part in enumerate(parts[:MOST]):
        why = "too large" if len(part.content) > LARGEST else filetypes.why_refused(part.content)
        rows.append(
            Attachment(
                practice=current_practice(),
                message=message,
                position=position,
                declared_type=part.declared_type[:100],
                found_type=filetypes.type_of(part.content),
                size=len(part.content),
                content=None if why else part.content,
                state=State.REFUSED if why else State.QUARANTINE,
                reason=why or WAITING,
                next_try_at=None if why else timezone.now(),
            )
        )
    Attachment.objects.bulk_create(rows, ignore_conflicts=True)


def check_due(practice: Practice, limit: int = 10) -> int:
    """Fetches and scans what is due for one practice; returns how many files it dealt with."""
    with inside(practice):
        jobs = claim(limit)
        account = sms.account_of(practice)
    for job in jobs:
        outcome: dict[str, object]
        try:
            content = job.content if job.content is not None else fetch(job.source_url, account)
            why = filetypes.why_refused(content)
            if why:
                raise Refused(why)
            verdict = scanning.scan(content)
            if not verdict.clean:
                raise Refused("a virus was found")
            outcome = {"state": State.CLEAN, "reason": "", "content": content}
        except Refused as refusal:
            outcome = {"state": State.REFUSED, "reason": str(refusal), "content": None}
        except scanning.ScannerAway:
            outcome = {"state": State.QUARANTINE, "reason": WAITING, "content": content}
        except Later as wait:
            outcome = {"state": State.ANNOUNCED, "reason": str(wait), "content": None}
        except Exception:
            # This one waits for the end of its lease; it must not keep the others from being looked at.
            logger.exception("attachment %s could not be looked at", job.id)
            continue
        with inside(practice):
            write_down(job, outcome)
    return len(jobs)


def claim(limit: int) -> list[Job]:
    """Takes due rows that nobody holds."""
    now = timezone.now()
    due = Attachment.objects.filter(state__in=[State.ANNOUNCED, State.QUARANTINE], next_try_at__lte=now)
    rows = list(due.select_for_update(skip_locked=True, of=("self",)).order_by("next_try_at")[:limit])
    Attachment.objects.filter(pk__in=[row.pk for row in rows]).update(
        next_try_at=now + LEASE, attempts=F("attempts") + 1
    )
    return [Job(row.pk, row.attempts + 1, row.source_url, row.content) for row in rows]


def write_down(job: Job, outcome: dict[str, object]) -> None:
    """Stores what came of a file, if the claim is still ours."""
    row = (
        Attachment.objects.select_for_update(of=("self",)).select_related("message").filter(pk=job.id).first()
    )
    if row is None or row.attempts != job.attempts or row.state in {State.CLEAN, State.REFUSED}:
        return
    before = row.state
    row.state, row.reason = str(outcome["state"]), str(outcome["reason"])[:60]
    content = outcome["content"]
    if row.state == State.ANNOUNCED and row.attempts >= TRIES:
        row.state, row.reason = State.REFUSED, "could not be fetched"
    if row.state in {State.CLEAN, State.QUARANTINE} and isinstance(content, bytes):
        row.found_type, row.size = filetypes.type_of(content), len(content)
        if job.content is None:
            row.content = content
    if row.state == State.REFUSED:
        row.content = None
    settled = row.state in {State.CLEAN, State.REFUSED}
    row.next_try_at = None if settled else timezone.now() + pause(row.attempts)
    row.save()
    if row.state != before:
        audit.record(
            f"attachment.{row.state}",
            row,
            by=SYSTEM,
            patient_id=row.message.patient_id,
            changes={"state": [before, row.state], "reason": ["", row.reason]},
        )
        changes.announce(row.practice, "messages", "inbox")


def pause(attempts: int) -> dt.timedelta:
    return min(FIRST_PAUSE * (1 << min(attempts, 10)), LONGEST_PAUSE)


def fetch(url: str, account: sms.Account) -> bytes:
    """The file from the supplier; raises Refused for any other host, Later when it cannot be had now."""
    base = urlsplit(settings.TWILIO_BASE_URL or sms.SUPPLIER_URL)
    try:
        where = urlsplit(url)
    except ValueError as error:
        raise Refused("not from the supplier") from error
    if (where.scheme, where.netloc) not in {(base.scheme, base.netloc), ("https", "api.twilio.com")}:
        raise Refused("not from the supplier")
    if (where.scheme, where.netloc) == ("https", "api.twilio.com"):
        url = url.replace("https://api.twilio.com", f"{base.scheme}://{base.netloc}", 1)
    deadline = time.monotonic() + WHOLE_SECONDS
    auth: tuple[str, str] | None = (account.sid, account.token)
    with requests.Session() as session:
        session.trust_env = False  # no password of this machine goes along
        for _ in range(MOST_REDIRECTS + 1):
            try:
                with session.get(
                    url,
                    auth=auth,
                    stream=True,
                    allow_redirects=False,
                    timeout=settings.TWILIO_TIMEOUT_SECONDS,
                ) as answer:
                    if not answer.is_redirect:
                        return _read(answer, deadline)
                    url, auth = media_address(urljoin(url, answer.headers["Location"])), None
            except (requests.RequestException, OSError, ValueError) as error:
                raise Later("the supplier does not answer") from error
    raise Refused("sent on too often")


def media_address(url: str) -> str:
    """Where the supplier sends us for the bytes: one of its own media hosts, else Refused."""
    where, base = urlsplit(url), urlsplit(settings.TWILIO_BASE_URL or sms.SUPPLIER_URL)
    own = (where.scheme, where.netloc) == (base.scheme, base.netloc)
    if not own and not (where.scheme == "https" and where.netloc in settings.TWILIO_MEDIA_HOSTS):
        raise Refused("not from the supplier")
    return url


def _read(answer: requests.Response, deadline: float) -> bytes:
    if answer.status_code in {400, 401, 403, 404, 410}:
        raise Refused("no longer at the supplier")
    if answer.status_code != 200:
        raise Later("the supplier does not answer")
    content = bytearray()
    for part in answer.iter_content(64 * 1024):
        content += part
        if len(content) > LARGEST:
            raise Refused("too large")
        if time.monotonic() > deadline:
            raise Later("the supplier is too slow")
    return bytes(content)
