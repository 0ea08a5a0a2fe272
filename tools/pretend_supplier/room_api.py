"""The Conferences and Participants API, and the one for recordings and the media of texts."""

from __future__ import annotations

import html
from functools import partial
from http import HTTPStatus

from . import sounds
from .api import AFTER, Doors, error, fault_answer
from .call_api import CallRefused, CallsApi
from .calls import Doc, Participant, Room, Taped
from .carrier import Carrier
from .ledger import Message, rfc2822
from .pictures import ENCLOSURES
from .rooms import Rooms
from .wire import Request, Response, json_answer


class RoomsApi:
    """Answers below ``Conferences``."""

    def __init__(self, doors: Doors, calls: CallsApi, rooms: Rooms) -> None:
        self.doors, self.calls, self.rooms = doors, calls, rooms
        self.board = rooms.board

    def answer(self, request: Request, found: dict[str, str]) -> Response:
        """List conferences, show or end one."""
        refused = self.doors.check(request, found)
        if refused is not None:
            return refused
        if "sid" not in found:
            return self._list(request)
        room = self.rooms.find(found["sid"])
        if room is None:
            return self.doors.missing(request)
        if request.method == "POST" and request.form().get("Status") == "completed":
            self.rooms.end(room)
        return json_answer(room.as_api())

    def _list(self, request: Request) -> Response:
        broken = self.doors.trouble("list", "")
        if broken is not None:
            return broken
        query = request.query
        with self.board.changed:
            rooms = [
                room
                for room in reversed(self.board.rooms.values())
                if query.get("FriendlyName") in (None, "", room.name)
                and query.get("Status") in (None, "", room.status)
            ]
        try:
            return json_answer(
                self.doors.page(request, "conferences", rooms, lambda room: room.sid, Room.as_api)
            )
        except ValueError:
            return error(20001, 400)

    def participants(self, request: Request, found: dict[str, str]) -> Response:
        """List participants, or call somebody into a conference; only for that its name will do."""
        refused = self.doors.check(request, found)
        if refused is not None:
            return refused
        if request.method == "POST":
            return self._call_in(request, found["sid"])
        room = self.rooms.find(found["sid"])
        if room is None:
            return self.doors.missing(request)
        with self.board.changed:
            people = list(room.people.values())
        return json_answer(
            self.doors.page(request, "participants", people, lambda one: one.leg.sid, room.participant_as_api)
        )

    def _call_in(self, request: Request, key: str) -> Response:
        form = request.form()
        fault = self.doors.faults.draw("call", form.get("To", ""))
        if fault and fault.kind not in AFTER:
            return fault_answer(fault) or error(20500, 500)
        known = self.rooms.find(key)
        if known is None and key.startswith("CF") and len(key) == 34:
            return self.doors.missing(request)
        if known is not None and known.status == "completed":
            return self.doors.missing(request)
        name = known.name if known else key
        try:
            leg = self.calls.order(form, request.values("StatusCallbackEvent"))
        except CallRefused as refused:
            return error(refused.code, refused.status, refused.words)
        room = known or self.board.open_room(name) or Room(leg.account_sid, name)
        with self.board.changed:
            self.board.rooms.setdefault(room.sid, room)
        leg.fault = fault.kind if fault else ""
        one = Participant(leg, form.get("Label", ""))
        answer = json_answer(room.participant_as_api(one) | {"status": "queued"}, HTTPStatus.CREATED)
        events = " ".join(request.values("ConferenceStatusCallbackEvent"))
        self.calls.exchange.place(leg, Doc(xml=joining(name, form, events)))
        return (self.doors.failing(fault) if fault else None) or answer

    def participant(self, request: Request, found: dict[str, str]) -> Response:
        """Show, hold, mute or take out one participant."""
        refused = self.doors.check(request, found)
        if refused is not None:
            return refused
        room = self.rooms.find(found["sid"])
        one = self.rooms.participant(room, found["call"]) if room else None
        if room is None or one is None:
            return self.doors.missing(request)
        if request.method == "GET":
            return json_answer(room.participant_as_api(one))
        fault = self.doors.faults.draw("command", one.leg.phone)
        if fault and fault.kind not in AFTER:
            return fault_answer(fault) or error(20500, 500)
        if request.method == "DELETE":
            self.rooms.put_out(room, one)
            return (self.doors.failing(fault) if fault else None) or Response(HTTPStatus.NO_CONTENT)
        self.rooms.set(room, one, request.form())
        answer = json_answer(room.participant_as_api(one))
        return (self.doors.failing(fault) if fault else None) or answer


def joining(name: str, form: dict[str, str], events: str) -> str:
    """Return the document that puts whoever answers into a conference."""
    names = {
        "Label": "participantLabel",
        "Muted": "muted",
        "Beep": "beep",
        "StartConferenceOnEnter": "startConferenceOnEnter",
        "EndConferenceOnExit": "endConferenceOnExit",
        "WaitUrl": "waitUrl",
        "ConferenceStatusCallback": "statusCallback",
        "ConferenceRecordingStatusCallback": "recordingStatusCallback",
        "ConferenceRecord": "record",
    }
    given = {names[key]: value for key, value in form.items() if key in names}
    given |= {"statusCallbackEvent": events} if events else {}
    attributes = "".join(f' {key}="{html.escape(value)}"' for key, value in given.items())
    return f"<Response><Dial><Conference{attributes}>{html.escape(name)}</Conference></Dial></Response>"


class MediaApi:
    """Answers for recordings and for pictures that came with texts."""

    def __init__(self, doors: Doors, rooms: Rooms, carrier: Carrier) -> None:
        self.doors, self.board, self.carrier = doors, rooms.board, carrier

    def recordings(self, request: Request, found: dict[str, str]) -> Response:
        """List the recordings, all or those of one call."""
        refused = self.doors.check(request, found)
        if refused is not None:
            return refused
        call = found.get("call") or request.query.get("CallSid")
        with self.board.changed:
            tapes = [tape for tape in reversed(self.board.tapes.values()) if call in (None, tape.call_sid)]
        return json_answer(
            self.doors.page(request, "recordings", tapes, lambda tape: tape.sid, self._tape_as_api)
        )

    def _tape_as_api(self, tape: Taped) -> dict[str, object]:
        return tape.as_api(self.carrier.settings.base_url)

    def recording(self, request: Request, found: dict[str, str]) -> Response:
        """Show, play or delete one recording."""
        refused = self.doors.check(request, found)
        if refused is not None:
            return refused
        tape = self.board.tapes.get(found["sid"])
        if tape is None:
            return self.doors.missing(request)
        broken = self.doors.trouble("media", "")
        if broken is not None:
            return broken
        if request.method == "DELETE":
            with self.board.changed:
                self.board.tapes.pop(tape.sid, None)
                self.board.deleted_tapes.append(tape.sid)
                self.board.changed.notify_all()
            return Response(HTTPStatus.NO_CONTENT)
        if found["kind"] == ".json":
            return json_answer(self._tape_as_api(tape))
        if found["kind"] == ".mp3":
            return Response(200, sounds.mp3(tape.words, tape.seconds), "audio/mpeg")
        return Response(200, sounds.wav(tape.words, tape.seconds), "audio/x-wav")

    def all_media(self, request: Request, found: dict[str, str]) -> Response:
        """List what came with a text."""
        refused = self.doors.check(request, found)
        if refused is not None:
            return refused
        message = self.carrier.ledger.messages.get(found["message"])
        if message is None:
            return self.doors.missing(request)
        return json_answer(
            self.doors.page(
                request,
                "media_list",
                message.media,
                lambda piece: piece["sid"],
                partial(media_as_api, message),
            )
        )

    def media(self, request: Request, found: dict[str, str]) -> Response:
        """Hand out or delete one picture of a text."""
        refused = self.doors.check(request, found)
        if refused is not None:
            return refused
        message = self.carrier.ledger.messages.get(found["message"])
        piece = next((one for one in message.media if one["sid"] == found["sid"]), None) if message else None
        if message is None or piece is None:
            return self.doors.missing(request)
        broken = self.doors.trouble("media", "")
        if broken is not None:
            return broken
        if request.method == "DELETE":
            with self.carrier.ledger.changed:
                message.media.remove(piece)
                self.carrier.ledger.keep_message(message)
            return Response(HTTPStatus.NO_CONTENT)
        if found["kind"]:
            return json_answer(media_as_api(message, piece))
        enclosure = ENCLOSURES[piece["what"]]
        return Response(200, enclosure.content, enclosure.declared)


def media_as_api(message: Message, piece: dict[str, str]) -> dict[str, object]:
    """Return one picture in the shape of the Media API."""
    return {
        "account_sid": message.account_sid,
        "content_type": ENCLOSURES[piece["what"]].declared,
        "date_created": rfc2822(message.created),
        "date_updated": rfc2822(message.created),
        "parent_sid": message.sid,
        "sid": piece["sid"],
        "uri": f"{message.uri.removesuffix('.json')}/Media/{piece['sid']}.json",
    }
