"""Places and takes calls: ringing, answering, hanging up, and telling the practice what happens."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from . import sounds, texts
from .calls import Board, Doc, Found, Leg, Room, Taped, timestamp
from .courier import Courier, Delivery
from .ledger import Ledger, Phone, now
from .settings import Settings

# The name of an event in StatusCallbackEvent for each status.
EVENTS = {"ringing": "ringing", "in-progress": "answered"}


class HungUp(Exception):
    """The call is over."""


class Turned(Exception):
    """The practice sent the call to another document."""


@dataclass
class Lane:
    """Callbacks that go out one after the other."""

    waiting: deque[Callable[[], object]] = field(default_factory=deque)
    busy: bool = False


class Switchboard:
    """Carries calls between lines and phones."""

    def __init__(self, settings: Settings, ledger: Ledger, courier: Courier) -> None:
        self.settings, self.ledger, self.courier = settings, ledger, courier
        self.board = Board()
        self._lanes: dict[str, Lane] = {}
        self.follow: Callable[[Leg, Doc], None] = lambda leg, doc: None  # the script, set by who builds us

    # Time and waiting

    def seconds(self, spoken: float) -> float:
        """Return how long something takes here that would take some seconds on a real telephone."""
        return spoken * self.settings.pace

    def wait(self, leg: Leg, seconds: float, look: Callable[[], Found | None] = lambda: None) -> Found | None:
        """Wait for something in a call; raise when it ends or is sent elsewhere first."""
        until = time.monotonic() + seconds
        board = self.board
        with board.changed:
            while True:
                if leg.over:
                    raise HungUp
                if leg.turn is not None:
                    raise Turned
                found = look()
                if found or (left := until - time.monotonic()) <= 0:
                    return found
                board.changed.wait(min(left, 60))

    # Callbacks

    def later(self, lane: str, job: Callable[[], object]) -> None:
        """Do a job soon, after those before it in the same lane."""
        with self.board.changed:
            entry = self._lanes.setdefault(lane, Lane())
            entry.waiting.append(job)
            if entry.busy:
                return
            entry.busy = True
        self.courier.later(0, partial(self._drain, lane))

    def _drain(self, lane: str) -> None:
        while True:
            with self.board.changed:
                entry = self._lanes[lane]
                if not entry.waiting:
                    del self._lanes[lane]
                    return
                job = entry.waiting.popleft()
            job()

    def report(self, leg: Leg, event: str) -> None:
        """Tell the practice how a call is, where it wants to know."""
        if leg.callback and event in leg.events:
            params = leg.params() | {
                "CallbackSource": "call-progress-events",
                "SequenceNumber": str(leg.sequence),
                "Timestamp": timestamp(),
            }
            if event == "initiated":
                params["CallStatus"] = event
            if leg.is_over:
                params |= {"CallDuration": str(leg.seconds), "Duration": str(-(-leg.seconds // 60))}
            self.later(leg.sid, partial(self.courier.post, leg.callback, params))
        leg.sequence += 1

    def post(self, leg: Leg, url: str, extra: dict[str, str]) -> Delivery:
        """Post a webhook of a call and wait for the answer."""
        return self.courier.post(url, leg.params() | extra)

    # A phone calls a line

    def come_in(self, phone: str, line: str, presses: str = "") -> Leg:
        """Let a phone call a practice."""
        known = self.settings.lines.get(line)
        leg = Leg(self.settings.account_sid, "inbound", phone, line, status="ringing", presses=presses)
        leg.callback = known.voice_status_url if known else ""
        self.ledger.keep_phone(self.ledger.phones.get(phone, Phone(phone)))
        self.board.add(leg)
        if known is None or not known.voice_url:
            leg.note = "Nobody answers calls on this number."
            self.finish(leg, "failed")
            return leg
        self._start(leg, Doc(known.voice_url))
        return leg

    # The practice calls a phone

    def place(self, leg: Leg, doc: Doc) -> Leg:
        """Call a phone; what happens when it answers is in the document."""
        self.ledger.keep_phone(self.ledger.phones.get(leg.phone, Phone(leg.phone)))
        leg.presses = leg.presses or self.ledger.phones[leg.phone].presses
        self.board.add(leg)
        self._start(leg, doc)
        return leg

    def _start(self, leg: Leg, doc: Doc) -> None:
        threading.Thread(target=self._carry, args=(leg, doc), name=f"call-{leg.sid}", daemon=True).start()

    def _carry(self, leg: Leg, doc: Doc) -> None:
        try:
            if not leg.inbound:
                self.report(leg, "initiated")
                self.wait(leg, self.seconds(self.settings.dial_after))
                self.change(leg, "ringing")
                how = self.ring(leg)
                if how:
                    self.finish(leg, how)
                    return
                self.pick_up(leg)
            self.follow(leg, doc)
            self.finish(leg, "completed")
        except (HungUp, Turned):
            self.finish(leg, leg.over or "completed")

    def ring(self, leg: Leg) -> str:
        """Let a phone ring; return nothing when it was answered, else how the call ended."""
        phone = self.ledger.phones.get(leg.phone, Phone(leg.phone))
        if phone.kind in ("unknown", "invalid"):
            self.wait(leg, self.seconds(1))
            return "failed"
        answers = "no-answer" if phone.kind == "unreachable" else phone.answers
        rest = self.seconds(leg.timeout)
        if answers == "desk":
            self.wait(leg, min(rest, self.settings.desk_answers_after))
            leg.decision = "answer"
        elif answers in ("busy", "machine"):
            self.wait(leg, self.seconds(1 if answers == "busy" else 4))
            leg.decision = "decline" if answers == "busy" else "machine"
        elif answers == "no-answer":
            self.wait(leg, rest)
            return "no-answer"
        while True:
            decision = self.wait(leg, rest, lambda: leg.decision)
            if decision == "decline":
                return "busy"
            if decision in ("answer", "machine"):
                leg.answered_by = "human" if decision == "answer" else "machine_end_beep"
                return ""
            return "no-answer"

    def pick_up(self, leg: Leg) -> None:
        """Note that a call is answered."""
        if leg.status != "in-progress":
            leg.answered = now()
            self.change(leg, "in-progress")

    def change(self, leg: Leg, status: str) -> None:
        """Move a call on and tell of it."""
        with self.board.changed:
            if leg.is_over:
                return
            leg.status = status
            self.board.changed.notify_all()
        self.report(leg, EVENTS.get(status, "completed"))

    def finish(self, leg: Leg, status: str) -> None:
        """End a call; those it had called for it end too."""
        with self.board.changed:
            if leg.is_over:
                return
            leg.over, leg.ended, leg.place = status, now(), ""
            if status == "completed" and not leg.answered:
                status = "no-answer" if leg.inbound else "canceled"
            leg.status = status
            children = [one for one in self.board.legs.values() if one.parent == leg.sid]
            self.board.changed.notify_all()
        self.report(leg, "completed")
        for child in children:
            self.hang_up(child)

    # What phones and the practice do to a call

    def hang_up(self, leg: Leg, status: str = "completed") -> None:
        """End a call from outside."""
        with self.board.changed:
            if not leg.is_over and not leg.over:
                leg.over = status
            self.board.changed.notify_all()

    def turn(self, leg: Leg, doc: Doc) -> None:
        """Send a call to another document."""
        with self.board.changed:
            leg.turn = doc
            self.board.changed.notify_all()

    def decide(self, leg: Leg, decision: str) -> None:
        """Answer or refuse a ringing call."""
        with self.board.changed:
            leg.decision = decision
            self.board.changed.notify_all()

    def press(self, leg: Leg, keys: str) -> None:
        """Press keys in a call."""
        with self.board.changed:
            leg.keys.extend(key for key in keys if key in texts.KEYS)
            leg.tell("press", keys)
            self.board.changed.notify_all()

    def speak(self, leg: Leg, words: str) -> None:
        """Say something; after a tone it is recorded."""
        with self.board.changed:
            leg.words = (leg.words + " " + words).strip()
            leg.tell("said", words)
            self.board.changed.notify_all()

    # Recordings

    def tape(self, leg: Leg, words: str, source: str, room: Room | None = None) -> Taped:
        """Keep a recording."""
        tape = Taped(leg.account_sid, leg.sid, words, sounds.seconds_of(words), source)
        tape.conference_sid = room.sid if room else ""
        with self.board.changed:
            self.board.tapes[tape.sid] = tape
            self.board.changed.notify_all()
        return tape

    def tape_params(self, tape: Taped) -> dict[str, str]:
        """Return what a callback says of a recording."""
        url = self.settings.base_url + tape.uri.removesuffix(".json")
        params = {
            "RecordingSid": tape.sid,
            "RecordingUrl": url,
            "RecordingStatus": "completed",
            "RecordingDuration": str(tape.seconds),
            "RecordingChannels": "1",
            "RecordingSource": tape.source,
            "RecordingStartTime": timestamp(),
        }
        return params | ({"ConferenceSid": tape.conference_sid} if tape.conference_sid else {})
