"""Conferences: who is in, who is on hold, and what the practice is told of it."""

from __future__ import annotations

from functools import partial
from urllib.parse import urljoin

from .calls import Leg, Participant, Room, timestamp
from .ledger import now
from .switchboard import Switchboard
from .twiml import TwimlError
from .voice_xml import Verb, read_voice

STAY = 4 * 3600.0
# The event of a callback, and the word that asks for it.
ASKED_BY = {
    "conference-start": "start",
    "conference-end": "end",
    "participant-join": "join",
    "participant-leave": "leave",
    "participant-hold": "hold",
    "participant-unhold": "hold",
    "participant-mute": "mute",
    "participant-unmute": "mute",
}


class Rooms:
    """All conferences of the exchange."""

    def __init__(self, exchange: Switchboard) -> None:
        self.exchange, self.board = exchange, exchange.board

    def stay(self, leg: Leg, noun: Verb, dial: Verb, base: str) -> dict[str, str]:
        """Keep a leg in a conference until it is taken out, ends, or is sent elsewhere."""
        room = self.enter(leg, noun, dial, base)
        try:
            self.exchange.wait(leg, STAY, lambda: leg.sid not in room.people)
        finally:
            self.leave(room, leg)
        return {"DialCallStatus": "answered"}

    def enter(self, leg: Leg, noun: Verb, dial: Verb, base: str) -> Room:
        """Put a leg into the conference of that name; it begins with the second one."""
        with self.board.changed:
            room = self.board.open_room(noun.text)
            if room is None:
                room = Room(leg.account_sid, noun.text)
                room.record = noun.get("record", "do-not-record") != "do-not-record"
                room.record_callback = absolute(base, noun.get("recordingStatusCallback"))
                self.board.rooms[room.sid] = room
            if not room.callback and noun.get("statusCallback"):
                room.callback = absolute(base, noun.get("statusCallback"))
                room.events = frozenset(noun.get("statusCallbackEvent", "start end").split())
            one = Participant(leg, noun.get("participantLabel"), noun.yes("muted"))
            one.starts = noun.yes("startConferenceOnEnter", True)
            one.ends = noun.yes("endConferenceOnExit")
            room.people[leg.sid] = one
            leg.place = "in conference"
            leg.tell("joined", room.name)
            begins = room.status == "init" and len(room.people) > 1
            begins = begins and any(person.starts for person in room.people.values())
            if begins:
                room.status, room.began = "in-progress", now()
            self.board.changed.notify_all()
        self.tell(room, "participant-join", one)
        if begins:
            self.tell(room, "conference-start")
        return room

    def leave(self, room: Room, leg: Leg) -> None:
        """Note that a leg is out; the conference ends with its last or with one that takes all along."""
        with self.board.changed:
            one = room.people.pop(leg.sid, None) or Participant(leg)
            leg.place = ""
            over = room.status != "completed" and (one.ends or not room.people)
            if over:
                room.status, room.ended = "completed", now()
                room.people.clear()
            self.board.changed.notify_all()
        self.tell(room, "participant-leave", one)
        if over:
            self.tell(room, "conference-end")
            self._tape(room, leg)

    def _tape(self, room: Room, leg: Leg) -> None:
        if not room.record or not room.began:
            return
        tape = self.exchange.tape(leg, "A conversation that was recorded.", "Conference", room)
        if room.record_callback:
            params = {"AccountSid": room.account_sid} | self.exchange.tape_params(tape)
            self._send(room, room.record_callback, params)

    def end(self, room: Room) -> None:
        """End a conference and let everybody in it go on."""
        with self.board.changed:
            people = list(room.people.values())
            for one in people:
                one.ends = True
            room.people.clear()
            self.board.changed.notify_all()

    def put_out(self, room: Room, one: Participant) -> None:
        """Take one out; what its document says after the conference comes next."""
        with self.board.changed:
            if not one.ends:
                room.people.pop(one.leg.sid, None)
            else:
                room.people.clear()
            self.board.changed.notify_all()

    def set(self, room: Room, one: Participant, form: dict[str, str]) -> None:
        """Hold, mute or make a participant the one whose going ends the conference."""
        changes = []
        with self.board.changed:
            for field, name, words in (("Hold", "hold", "hold"), ("Muted", "muted", "mute")):
                if field not in form:
                    continue
                wanted = form[field].lower() == "true"
                if getattr(one, name) != wanted:
                    setattr(one, name, wanted)
                    changes.append(f"participant-{'' if wanted else 'un'}{words}")
            if "EndConferenceOnExit" in form:
                one.ends = form["EndConferenceOnExit"].lower() == "true"
            one.leg.place = "on hold" if one.hold else "in conference"
            self.board.changed.notify_all()
        for change in changes:
            one.leg.tell("told", change)
            self.tell(room, change, one)
        for field in ("HoldUrl", "AnnounceUrl"):
            if form.get(field) and (field != "HoldUrl" or one.hold):
                self._play(room, one.leg, form[field])

    def _play(self, room: Room, leg: Leg, url: str) -> None:
        """Let one who may only listen hear a document."""

        def hear() -> None:
            answer = self.exchange.post(leg, url, {"ConferenceSid": room.sid})
            try:
                verbs = read_voice(answer.body) if answer.ok else []
            except TwimlError as error:
                leg.note = f"What should be played cannot be followed: {error}."
                return
            for verb in verbs:
                leg.tell("say" if verb.name == "Say" else "play", verb.text or "music")
            self.board.note()

        self.exchange.later(room.sid, hear)

    def find(self, sid: str) -> Room | None:
        """Return a conference by its sid."""
        with self.board.changed:
            return self.board.rooms.get(sid)

    def participant(self, room: Room, key: str) -> Participant | None:
        """Return a participant by the sid of the call or by its label."""
        with self.board.changed:
            by_sid = room.people.get(key)
            return by_sid or next((p for p in room.people.values() if p.label and p.label == key), None)

    def tell(self, room: Room, event: str, one: Participant | None = None) -> None:
        """Tell the practice what happened in a conference."""
        with self.board.changed:
            room.sequence += 1
            number = room.sequence
        if not room.callback or ASKED_BY[event] not in room.events:
            return
        params = {
            "AccountSid": room.account_sid,
            "ConferenceSid": room.sid,
            "FriendlyName": room.name,
            "SequenceNumber": str(number),
            "StatusCallbackEvent": event,
            "Timestamp": timestamp(),
        }
        if one is not None:
            params |= {
                "CallSid": one.leg.sid,
                "EndConferenceOnExit": str(one.ends).lower(),
                "Hold": str(one.hold).lower(),
                "Muted": str(one.muted).lower(),
                "StartConferenceOnEnter": str(one.starts).lower(),
                "Coaching": "false",
            }
            if one.label:
                params["ParticipantLabel"] = one.label
        self._send(room, room.callback, params)

    def _send(self, room: Room, url: str, params: dict[str, str]) -> None:
        self.exchange.later(room.sid, partial(self.exchange.courier.post, url, params))


def absolute(base: str, url: str) -> str:
    """Return an address from a document in full."""
    return urljoin(base, url) if url else ""
