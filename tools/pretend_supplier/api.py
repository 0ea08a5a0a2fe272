"""The part of the Messages API that the product uses, answers and errors in the supplier's shapes."""

from __future__ import annotations

import base64
import binascii
import hmac
import threading
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from . import texts
from .carrier import Carrier, Refused
from .faults import DropConnection, Fault, FaultPlan
from .ledger import API_VERSION, FINAL, Message
from .wire import Request, Response, json_answer

MORE_INFO = "https://www.twilio.com/docs/errors/{code}"


def error(code: int, status: int, words: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Answer with an error in the supplier's shape."""
    data = {
        "code": code,
        "message": words or texts.ERROR_WORDS[code],
        "more_info": MORE_INFO.format(code=code),
        "status": int(status),
    }
    return json_answer(data, status, headers)


def fault_answer(fault: Fault) -> Response | None:
    """Return the failure to answer with, nothing when the true answer stands, or drop the connection."""
    if fault.kind == "429":
        return error(20429, 429, headers={"Retry-After": str(max(1, round(fault.seconds)))})
    if fault.kind == "503":
        return error(20503, 503)
    if fault.kind in ("500", "500-after"):
        return error(20500, 500)
    if fault.kind == "garbage":
        return Response(201, b'<html>{"sid": "SM', "application/json")
    if fault.kind.startswith(("hang", "reset")):
        raise DropConnection(fault.seconds, reset=fault.kind.startswith("reset"))
    return None


class MessagesApi:
    """Answers the paths below ``/2010-04-01/Accounts/``."""

    def __init__(self, carrier: Carrier, faults: FaultPlan, stopping: threading.Event) -> None:
        self.carrier = carrier
        self.faults = faults
        self.stopping = stopping

    def answer(self, request: Request, found: dict[str, str]) -> Response:
        """Check who asks, then answer."""
        settings = self.carrier.settings
        if not allowed(request.headers.get("authorization", ""), settings.account_sid, settings.auth_token):
            return error(20003, 401, headers={"WWW-Authenticate": 'Basic realm="Twilio API"'})
        if found["account"] != settings.account_sid:
            return self._missing(request)
        if "sid" not in found:
            return self._send(request) if request.method == "POST" else self._list(request)
        message = self.carrier.ledger.messages.get(found["sid"])
        if message is None:
            return self._missing(request)
        if request.method == "DELETE":
            self.carrier.ledger.drop_message(message.sid)
            return Response(HTTPStatus.NO_CONTENT)
        if request.method == "POST":
            return self._change(request, message)
        broken = self._trouble("fetch", message.to)
        return broken or json_answer(message.as_api())

    def _missing(self, request: Request) -> Response:
        return error(20404, 404, f"The requested resource {request.path} was not found")

    def _trouble(self, on: str, to: str) -> Response | None:
        """Have the ordered fault, if any, on a request that changes nothing."""
        fault = self.faults.draw(on, to)
        if fault is None:
            return None
        if fault.kind == "slow":
            self.stopping.wait(fault.seconds)
        return fault_answer(fault)

    def _send(self, request: Request) -> Response:
        form = request.form()
        fault = self.faults.draw("send", texts.normal_number(form.get("To", "")) or "")
        kind = fault.kind if fault else ""
        taken_first = kind in ("500-after", "hang-after", "reset-after", "garbage", "slow", "")
        if fault and not taken_first:
            return fault_answer(fault) or error(20500, 500)
        try:
            order = self.carrier.check(form)
        except Refused as refused:
            return error(refused.code, 400, str(refused))
        if fault and kind == "slow":
            self.stopping.wait(fault.seconds)
        message = self.carrier.take(order, fault=kind)
        # The true answer is made now: a callback may move the status before it is on its way.
        answer = json_answer({**message.as_api(), "status": "queued"}, HTTPStatus.CREATED)
        return (fault_answer(fault) if fault else None) or answer

    def _change(self, request: Request, message: Message) -> Response:
        form = request.form()
        ledger = self.carrier.ledger
        with ledger.changed:
            if "Status" in form:
                if form["Status"] != "canceled" or message.status not in ("queued", "accepted", "scheduled"):
                    return error(20001, 400, f"A message that is {message.status} cannot be cancelled.")
                message.status = "canceled"
            elif form.get("Body") == "" and message.status in FINAL | {"sent"}:
                message.body = ""
            else:
                return error(20001, 400, "Only Status=canceled, or an empty Body once sent, can be set.")
            ledger.keep_message(message)
            return json_answer(message.as_api())

    def _list(self, request: Request) -> Response:
        query = request.query
        broken = self._trouble("list", query.get("To", ""))
        if broken is not None:
            return broken
        try:
            size = max(1, min(1000, int(query.get("PageSize", "50"))))
            page = max(0, int(query.get("Page", "0")))
            found = [message for message in self._newest_first() if matches(message, query)]
        except ValueError:
            return error(20001, 400)
        start = page * size
        if (anchor := query.get("PageToken", "").removeprefix("PA")) != "":
            sids = [message.sid for message in found]
            start = sids.index(anchor) + 1 if anchor in sids else start
        return json_answer(self._page(request, found, start, size, page))

    def _newest_first(self) -> list[Message]:
        return list(reversed(self.carrier.ledger.snapshot()))

    def _page(
        self, request: Request, found: list[Message], start: int, size: int, page: int
    ) -> dict[str, Any]:
        shown = found[start : start + size]
        base = f"/{API_VERSION}/Accounts/{self.carrier.settings.account_sid}/Messages.json"
        wishes = {
            key: value for key, value in request.query.items() if key not in ("Page", "PageToken", "PageSize")
        }

        def uri(number: int, token: str = "") -> str:
            tail = {"PageToken": token} if token else {}
            return f"{base}?{urlencode({**wishes, 'PageSize': size, 'Page': number, **tail})}"

        more = start + size < len(found)
        return {
            "end": max(0, start + len(shown) - 1),
            "first_page_uri": uri(0),
            "messages": [message.as_api() for message in shown],
            "next_page_uri": uri(page + 1, "PA" + shown[-1].sid) if more else None,
            "page": page,
            "page_size": size,
            "previous_page_uri": uri(page - 1) if page else None,
            "start": start,
            "uri": uri(page),
        }


def allowed(header: str, account_sid: str, auth_token: str) -> bool:
    """Return whether a basic authorization names the account and its token."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, f"{account_sid}:{auth_token}".encode())


def matches(message: Message, query: Mapping[str, str]) -> bool:
    """Return whether a message belongs in a list; one not yet sent has no day to match."""
    if query.get("To") and message.to != texts.normal_number(query["To"]):
        return False
    if query.get("From") and message.from_ != texts.normal_number(query["From"]):
        return False
    days = [name for name in ("DateSent", "DateSent<", "DateSent>") if query.get(name)]
    if not days:
        return True
    if not message.sent:
        return False
    sent = datetime.fromisoformat(message.sent).date()
    compare = {"DateSent": sent.__eq__, "DateSent<": sent.__le__, "DateSent>": sent.__ge__}
    return all(compare[name](datetime.fromisoformat(query[name]).date()) for name in days)
