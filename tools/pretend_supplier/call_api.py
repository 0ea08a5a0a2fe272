"""The Calls API: placing, fetching, listing and changing calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from . import texts
from .api import AFTER, Doors, error, fault_answer
from .calls import Doc, Leg
from .switchboard import Switchboard
from .twiml import TwimlError
from .voice_xml import read_voice
from .wire import Request, Response, json_answer


class CallRefused(Exception):
    """A call that cannot be placed or changed, with the supplier's code."""

    def __init__(self, code: int, words: str = "", status: int = 400) -> None:
        super().__init__(words)
        self.code, self.words, self.status = code, words, status


class CallsApi:
    """Answers below ``Calls``."""

    def __init__(self, doors: Doors, exchange: Switchboard) -> None:
        self.doors, self.exchange, self.board = doors, exchange, exchange.board

    def answer(self, request: Request, found: dict[str, str]) -> Response:
        """Check who asks, then answer."""
        refused = self.doors.check(request, found)
        if refused is not None:
            return refused
        if "sid" not in found:
            return self._place(request) if request.method == "POST" else self._list(request)
        leg = self.board.legs.get(found["sid"])
        if leg is None:
            return self.doors.missing(request)
        if request.method == "POST":
            return self._change(request, leg)
        if request.method == "DELETE":
            with self.board.changed:
                self.board.legs.pop(leg.sid, None)
            return Response(HTTPStatus.NO_CONTENT)
        return self.doors.trouble("fetch", leg.to) or json_answer(leg.as_api())

    def _place(self, request: Request) -> Response:
        form = request.form()
        fault = self.doors.faults.draw("call", texts.normal_number(form.get("To", "")) or "")
        kind = fault.kind if fault else ""
        if fault and kind not in AFTER:
            return fault_answer(fault) or error(20500, 500)
        try:
            leg = self.order(form, request.values("StatusCallbackEvent"))
            doc = wanted_doc(form)
        except CallRefused as refused:
            return error(refused.code, refused.status, refused.words)
        if fault and kind == "slow":
            self.doors.stopping.wait(fault.seconds)
        leg.fault = kind
        # The true answer is made now: the call may ring before it is on its way.
        answer = json_answer(leg.as_api(), HTTPStatus.CREATED)
        self.exchange.place(leg, doc)
        return (fault_answer(fault) if fault else None) or answer

    def order(self, form: Mapping[str, str], events: list[str]) -> Leg:
        """Return the call that a form asks for, or refuse it the way the supplier would."""
        to_text, from_text = form.get("To", ""), form.get("From", "")
        if not to_text.strip():
            raise CallRefused(21201)
        if not from_text.strip():
            raise CallRefused(21213)
        to, from_ = texts.normal_number(to_text), texts.normal_number(from_text)
        if to is None or self.exchange.ledger.kind_of(to) == "invalid":
            raise CallRefused(21211, texts.ERROR_WORDS[21211].format(to=to_text))
        lines = self.exchange.settings.lines
        if from_ is None or (lines and from_ not in lines):
            raise CallRefused(21212, texts.ERROR_WORDS[21212].format(from_=from_text))
        leg = Leg(self.exchange.settings.account_sid, "outbound-api", from_, to)
        leg.callback = wanted_url(form.get("StatusCallback", ""))
        leg.events = frozenset(word for one in events for word in one.split()) or leg.events
        leg.detect_machine = bool(form.get("MachineDetection"))
        timeout = form.get("Timeout", "60")
        if not timeout.isdigit() or int(timeout[:5]) > 600:
            raise CallRefused(20001, "Timeout is 1 to 600 seconds.")
        leg.timeout = float(timeout) or 60.0
        return leg

    def _change(self, request: Request, leg: Leg) -> Response:
        form = request.form()
        fault = self.doors.faults.draw("command", leg.to)
        if fault and fault.kind not in AFTER:
            return fault_answer(fault) or error(20500, 500)
        try:
            self.apply(leg, form)
        except CallRefused as refused:
            return error(refused.code, refused.status, refused.words)
        answer = json_answer(leg.as_api())
        return (self.doors.failing(fault) if fault else None) or answer

    def apply(self, leg: Leg, form: dict[str, str]) -> None:
        """Hang up, cancel, or send a call to another document."""
        status = form.get("Status", "")
        if status:
            if status not in ("completed", "canceled"):
                raise CallRefused(20001, "Status is completed or canceled.")
            if leg.is_over:
                raise CallRefused(21220)
            if status == "completed" or leg.status in ("queued", "ringing"):
                self.exchange.hang_up(leg, status)
                # The answer already says how it is: the call ends at once.
                self.board.wait(lambda: leg.is_over, 1.0)
            return
        doc = wanted_doc(form)
        if leg.is_over or (leg.status != "in-progress" and not leg.inbound):
            raise CallRefused(21220)
        self.exchange.turn(leg, doc)

    def _list(self, request: Request) -> Response:
        broken = self.doors.trouble("list", request.query.get("To", ""))
        if broken is not None:
            return broken
        with self.board.changed:
            newest = list(reversed(self.board.legs.values()))
        try:
            chosen = [leg for leg in newest if fits(leg, request.query)]
            return json_answer(self.doors.page(request, "calls", chosen, lambda leg: leg.sid, Leg.as_api))
        except ValueError:
            return error(20001, 400)


def wanted_url(url: str) -> str:
    """Return an address given in a form, or refuse what is none."""
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise CallRefused(21205, texts.ERROR_WORDS[21205].format(url=url))
    return url


def wanted_doc(form: Mapping[str, str]) -> Doc:
    """Return the document a form names by address or brings along."""
    url, xml = wanted_url(form.get("Url", "")), form.get("Twiml", "")
    if not url and not xml:
        raise CallRefused(21205, "Give Url or Twiml.")
    if xml:
        try:
            read_voice(xml)
        except TwimlError as refused:
            raise CallRefused(20001, f"The Twiml cannot be followed: {refused}.") from refused
    return Doc(url, "" if url else xml)


def fits(leg: Leg, query: Mapping[str, Any]) -> bool:
    """Return whether a call belongs in a list."""
    wanted = (
        (leg.to, texts.normal_number(query.get("To", ""))),
        (leg.from_, texts.normal_number(query.get("From", ""))),
        (leg.status, query.get("Status")),
        (leg.parent, query.get("ParentCallSid")),
    )
    if any(want and have != want for have, want in wanted):
        return False
    if (query.get("To") and not wanted[0][1]) or (query.get("From") and not wanted[1][1]):
        return False
    began = datetime.fromisoformat(leg.created)
    if query.get("StartTime") and began.date() != datetime.fromisoformat(query["StartTime"]).date():
        return False
    for name, holds in (("StartTime<", began.__le__), ("StartTime>", began.__ge__)):
        if query.get(name) and not holds(datetime.fromisoformat(query[name]).replace(tzinfo=began.tzinfo)):
            return False
    return True
