"""The doors for tests and for the demo, all JSON, below ``/pretend/``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from . import texts
from .carrier import Carrier
from .faults import FaultPlan
from .ledger import Phone
from .pictures import ENCLOSURES
from .settings import LINE_FACTS
from .wire import BadRequest, Request, Response, json_answer, problem

TEXT_LIMIT = 4_000


def wanted_number(text: Any) -> str:
    """Return a number from a request, or say that it is none."""
    number = texts.typed_number(str(text or ""))
    if number is None:
        raise BadRequest(f"{str(text)[:40]!r} is not a phone number; write it like +15035550100")
    return number


def clean(value: Any, limit: int) -> str:
    """Return words from a request, cut to a limit, without what cannot be written in UTF-8."""
    return str(value or "")[:limit].encode("utf-8", errors="replace").decode("utf-8")


def writing(
    carrier: Carrier, phone: str, line: str, body: str, enclosed: Sequence[str] = ()
) -> dict[str, Any]:
    """Let a phone write a text to a practice's line, with pictures or without."""
    body = clean(body, TEXT_LIMIT + 1)
    if not (body.strip() or enclosed) or len(body) > TEXT_LIMIT:
        raise BadRequest(f"a text has 1 to {TEXT_LIMIT} letters, or something sent along")
    unknown = [one for one in enclosed if one not in ENCLOSURES]
    if unknown or len(enclosed) > 10:
        raise BadRequest(f"up to ten of these can be sent along: {', '.join(ENCLOSURES)}")
    return carrier.write(phone, line, body, enclosed).as_control()


class Control:
    """Answers the control paths."""

    def __init__(self, carrier: Carrier, faults: FaultPlan, forget_calls: Callable[[], None]) -> None:
        self.carrier, self.forget_calls = carrier, forget_calls
        self.ledger = carrier.ledger
        self.faults = faults

    def healthz(self, request: Request, found: dict[str, str]) -> Response:
        """Say that the program runs."""
        lines = sorted(self.carrier.settings.lines)
        return json_answer({"status": "ok", "numbers": lines, "messages": len(self.ledger.messages)})

    def list_ledger(self, request: Request, found: dict[str, str]) -> Response:
        """List the accepted sends in order; ``?all=1`` adds replies and inbound texts."""
        chosen = [
            message.as_control()
            for message in self.ledger.snapshot()
            if "all" in request.query or message.direction == "outbound-api"
        ]
        return json_answer(chosen)

    def phone(self, request: Request, found: dict[str, str]) -> Response:
        """Show one phone: how it behaves, what it stopped, and its whole conversation."""
        number = wanted_number(found["number"])
        stopped = sorted(line for line, phone in self.ledger.opt_outs if phone == number)
        messages = [message.as_control() for message in self.ledger.conversation(number)]
        known = self.ledger.phones.get(number, Phone(number))
        return json_answer({**asdict(known), "opted_out_of": stopped, "messages": messages})

    def set_phone(self, request: Request, found: dict[str, str]) -> Response:
        """Set how a phone behaves, and its name."""
        number, data = wanted_number(found["number"]), request.json_object()
        known = self.ledger.phones.get(number, Phone(number))
        kind = str(data.get("kind", known.kind))
        if kind not in texts.PHONE_KINDS:
            return problem(f"unknown kind {kind!r}; known: {', '.join(texts.PHONE_KINDS)}")
        answers = str(data.get("answers", known.answers))
        if answers not in texts.PHONE_ANSWERS:
            return problem(f"unknown answers {answers!r}; known: {', '.join(texts.PHONE_ANSWERS)}")
        presses = "".join(key for key in str(data.get("presses", known.presses)) if key in texts.KEYS)[:20]
        phone = Phone(number, kind, clean(data.get("name", known.name), 80), answers, presses)
        self.ledger.keep_phone(phone)
        return json_answer(asdict(phone))

    def write(self, request: Request, found: dict[str, str]) -> Response:
        """Let a patient write ``body`` to the line ``to``."""
        data = request.json_object()
        phone, line = wanted_number(found["number"]), wanted_number(data.get("to"))
        enclosed = [str(one) for one in data.get("enclosed", [])]
        return json_answer(writing(self.carrier, phone, line, str(data.get("body", "")), enclosed), 201)

    def numbers(self, request: Request, found: dict[str, str]) -> Response:
        """List the practices' lines, or with POST add or change one or several."""
        settings = self.carrier.settings
        if request.method == "POST":
            data = request.json()
            for entry in data if isinstance(data, list) else [data]:
                if not isinstance(entry, dict):
                    raise BadRequest("send {number, url, name}, or a list of such")
                number = wanted_number(entry.get("number"))
                settings.add_line(number, **{name: clean(entry.get(name), 500) for name in LINE_FACTS})
        return json_answer([asdict(line) for line in settings.lines.values()])

    def set_faults(self, request: Request, found: dict[str, str]) -> Response:
        """Show, order or clear faults."""
        if request.method == "POST":
            self.faults.order(request.json())
        elif request.method == "DELETE":
            self.faults.clear()
        return json_answer(self.faults.report())

    def reset(self, request: Request, found: dict[str, str]) -> Response:
        """Forget all texts, calls, phones, opt-outs, mails, faults and what was still to be sent."""
        self.carrier.courier.forget_jobs()
        self.carrier.courier.deliveries.clear()
        self.faults.clear()
        self.ledger.clear()
        self.forget_calls()
        return json_answer({"status": "empty"})

    def mails(self, request: Request, found: dict[str, str]) -> Response:
        """List the mails, oldest first."""
        with self.ledger.changed:
            return json_answer([asdict(mail) for mail in self.ledger.mails.values()])

    def webhooks(self, request: Request, found: dict[str, str]) -> Response:
        """List the webhooks posted, oldest first, with the status of each try."""
        return json_answer([delivery.as_control() for delivery in list(self.carrier.courier.deliveries)])

    def replay(self, request: Request, found: dict[str, str]) -> Response:
        """Post the webhook of one text again, ``times`` times, ``at_once`` from as many threads."""
        data = request.json_object()
        message = self.ledger.messages.get(str(data.get("sid", "")))
        times = data.get("times", 1)
        if message is None:
            return problem("no text has this sid", 404)
        if not isinstance(times, int) or not 1 <= times <= 200:
            return problem("times is 1 to 200")
        outcomes: list[list[str]] = []

        def once() -> None:
            delivery = self.carrier.replay(message)
            outcomes.append(delivery.tries if delivery else ["nobody listens"])

        repeat(once, times, bool(data.get("at_once")))
        return json_answer({"sid": message.sid, "tries": outcomes})


def repeat(job: Callable[[], None], times: int, at_once: bool) -> None:
    """Do a job some times, one after the other or all at once."""
    if not at_once:
        for _ in range(times):
            job()
        return
    threads = [threading.Thread(target=job, daemon=True) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
