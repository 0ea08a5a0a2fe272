"""The doors for tests that concern calls and mails, all JSON, below ``/pretend/``."""

from __future__ import annotations

from .call_pages import CallPages
from .calls import Leg
from .control import clean, wanted_number
from .mail_out import MailOut
from .settings import DELAYS
from .switchboard import Switchboard
from .wire import BadRequest, Request, Response, json_answer, problem


class CallControl:
    """Answers the control paths of calls."""

    def __init__(self, exchange: Switchboard, pages: CallPages, mails: MailOut) -> None:
        self.exchange, self.pages, self.mails_out = exchange, pages, mails
        self.board = exchange.board

    def calls(self, request: Request, found: dict[str, str]) -> Response:
        """List all calls, oldest first."""
        with self.board.changed:
            return json_answer([leg.as_control() for leg in self.board.legs.values()])

    def of_phone(self, request: Request, found: dict[str, str]) -> Response:
        """List the calls of one phone, or with POST let it call the line ``to``."""
        number = wanted_number(found["number"])
        if request.method == "POST":
            data = request.json_object()
            leg = self.exchange.come_in(
                number, wanted_number(data.get("to")), clean(data.get("presses", ""), 20)
            )
            return json_answer(leg.as_control(), 201)
        return json_answer([leg.as_control() for leg in self.board.of_phone(number)])

    def call(self, request: Request, found: dict[str, str]) -> Response:
        """Show one call."""
        leg = self._leg(found["sid"])
        return json_answer(leg.as_control()) if leg else problem("no call has this sid", 404)

    def act(self, request: Request, found: dict[str, str]) -> Response:
        """Let the phone of a call do something: answer, decline, machine, press, say, hang-up."""
        leg, data = self._leg(found["sid"]), request.json_object()
        if leg is None:
            return problem("no call has this sid", 404)
        if leg.is_over:
            return problem("this call is over", 409)
        self.pages.play(leg, found["deed"], str(data.get("keys", "")), str(data.get("words", "")))
        return json_answer(leg.as_control())

    def _leg(self, sid: str) -> Leg | None:
        with self.board.changed:
            return self.board.legs.get(sid)

    def conferences(self, request: Request, found: dict[str, str]) -> Response:
        """List the conferences with who is in them."""
        with self.board.changed:
            return json_answer(
                [
                    {
                        "sid": room.sid,
                        "name": room.name,
                        "status": room.status,
                        "people": [
                            {
                                "sid": one.leg.sid,
                                "phone": one.leg.phone,
                                "hold": one.hold,
                                "muted": one.muted,
                                "label": one.label,
                            }
                            for one in room.people.values()
                        ],
                    }
                    for room in self.board.rooms.values()
                ]
            )

    def recordings(self, request: Request, found: dict[str, str]) -> Response:
        """List the recordings that are kept, and the sids of those that were deleted."""
        with self.board.changed:
            kept = [tape.as_api() | {"words": tape.words} for tape in self.board.tapes.values()]
            return json_answer({"kept": kept, "deleted": list(self.board.deleted_tapes)})

    def delays(self, request: Request, found: dict[str, str]) -> Response:
        """Show or change how long things take: the delays, and the pace of a telephone's seconds."""
        settings = self.exchange.settings
        if request.method == "POST":
            for name, value in request.json_object().items():
                if name not in DELAYS or not isinstance(value, int | float) or not 0 <= value <= 3600:
                    raise BadRequest(f"give seconds for any of: {', '.join(DELAYS)}")
                setattr(settings, name, float(value))
        return json_answer({name: getattr(settings, name) for name in DELAYS})

    def write_mail(self, request: Request, found: dict[str, str]) -> Response:
        """Let a patient write a mail, or answer the one whose id is in ``answer``."""
        data = request.json_object()
        enclosed = [str(one) for one in data.get("enclosed", [])]
        body = clean(data.get("body"), 20_000)
        if data.get("answer"):
            mail = self.mails_out.ledger.mails.get(str(data["answer"]))
            if mail is None:
                return problem("no mail has this id", 404)
            sent = self.mails_out.answer(mail, body, enclosed)
        else:
            words = {name: clean(data.get(name), 300) for name in ("from", "to", "subject")}
            sent = self.mails_out.write(words["from"], words["to"], words["subject"], body, enclosed)
        return json_answer({"id": sent.id, "message_id": sent.message_id, "note": sent.note}, 201)
