"""The part of the Messages API that the product uses, answers and errors in the supplier's shapes."""

from __future__ import annotations

import base64
import binascii
import hmac
import threading
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus

from . import texts
from .carrier import Carrier, Refused
from .faults import DropConnection, Fault, FaultPlan
from .ledger import FINAL, Message
from .paging import page_of
from .settings import Settings
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


# Faults that strike when the order was already taken.
AFTER = ("500-after", "hang-after", "reset-after", "garbage", "slow")


class Doors:
    """What all parts of the API share: who may come in, ordered faults, pages of lists."""

    page = staticmethod(page_of)

    def __init__(self, settings: Settings, faults: FaultPlan, stopping: threading.Event) -> None:
        self.settings, self.faults, self.stopping = settings, faults, stopping

    def check(self, request: Request, found: dict[str, str]) -> Response | None:
        """Return the refusal for whoever is not let in."""
        settings = self.settings
        if not allowed(request.headers.get("authorization", ""), settings.account_sid, settings.auth_token):
            return error(20003, 401, headers={"WWW-Authenticate": 'Basic realm="Twilio API"'})
        return None if found["account"] == settings.account_sid else self.missing(request)

    def missing(self, request: Request) -> Response:
        """Answer that there is no such thing."""
        return error(20404, 404, f"The requested resource {request.path} was not found")

    def trouble(self, on: str, to: str) -> Response | None:
        """Have the ordered fault, if any, on a request that changes nothing."""
        fault = self.faults.draw(on, to)
        return self.failing(fault) if fault else None

    def failing(self, fault: Fault) -> Response | None:
        """Fail as ordered; a slow answer is the true one, only later."""
        if fault.kind == "slow":
            self.stopping.wait(fault.seconds)
        return fault_answer(fault)


class MessagesApi:
    """Answers the paths of texts below ``/2010-04-01/Accounts/``."""

    def __init__(self, carrier: Carrier, doors: Doors) -> None:
        self.carrier, self.doors = carrier, doors
        self.faults, self.stopping = doors.faults, doors.stopping

    def answer(self, request: Request, found: dict[str, str]) -> Response:
        """Check who asks, then answer."""
        refused = self.doors.check(request, found)
        if refused is not None:
            return refused
        if "sid" not in found:
            return self._send(request) if request.method == "POST" else self._list(request)
        message = self.carrier.ledger.messages.get(found["sid"])
        if message is None:
            return self.doors.missing(request)
        if request.method == "DELETE":
            self.carrier.ledger.drop_message(message.sid)
            return Response(HTTPStatus.NO_CONTENT)
        if request.method == "POST":
            return self._change(request, message)
        return self.doors.trouble("fetch", message.to) or json_answer(message.as_api())

    def _send(self, request: Request) -> Response:
        form = request.form()
        fault = self.faults.draw("send", texts.normal_number(form.get("To", "")) or "")
        kind = fault.kind if fault else ""
        if fault and kind not in AFTER:
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
        broken = self.doors.trouble("list", query.get("To", ""))
        if broken is not None:
            return broken
        try:
            found = [one for one in reversed(self.carrier.ledger.snapshot()) if matches(one, query)]
            return json_answer(
                self.doors.page(request, "messages", found, lambda one: one.sid, Message.as_api)
            )
        except ValueError:
            return error(20001, 400)


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
