"""Follows the documents of one call, verb by verb, as the supplier does."""

from __future__ import annotations

import secrets
import time
from functools import partial
from urllib.parse import urljoin

from .calls import Doc, Leg
from .rooms import Rooms
from .switchboard import HungUp, Switchboard, Turned
from .twiml import TwimlError
from .voice_xml import Verb, read_voice

SORRY = "We are sorry, an application error has occurred. Goodbye."
SECONDS_A_WORD = 0.35
MOST_STEPS = 500


class LeftQueue(Exception):
    """The wait document let the caller out of the queue."""


class Script:
    """The interpreter; each call runs in a thread of its own."""

    def __init__(self, exchange: Switchboard, rooms: Rooms) -> None:
        self.exchange, self.rooms = exchange, rooms
        self.board = exchange.board

    def follow(self, leg: Leg, doc: Doc) -> None:
        """Follow a document and those it leads to, until none is left or the call ends."""
        step: Doc | None = doc
        for _ in range(MOST_STEPS):
            if step is None:
                return
            try:
                step = self._one(leg, step)
            except Turned:
                step = self._turn(leg)
            except TwimlError as error:
                leg.note = f"The call could not go on: {error}."
                self.exchange.pick_up(leg)
                leg.tell("say", SORRY)
                return
        leg.note = "The documents lead in a circle."

    def _turn(self, leg: Leg) -> Doc | None:
        with self.board.changed:
            doc, leg.turn = leg.turn, None
            return doc

    def _one(self, leg: Leg, doc: Doc) -> Doc | None:
        verbs = self._read(leg, doc)
        self.exchange.wait(leg, 0)
        for verb in verbs:
            jump = self._verb(leg, verb, doc)
            if jump is not None:
                return jump
        return None

    def _read(self, leg: Leg, doc: Doc) -> list[Verb]:
        if not doc.url:
            return read_voice(doc.xml)
        answer = self.exchange.post(leg, doc.url, doc.extra)
        if not answer.ok:
            raise TwimlError(f"the practice's system answered {answer.tries[-1]}")
        return read_voice(answer.body) if answer.body.strip() else []

    def _verb(self, leg: Leg, verb: Verb, doc: Doc) -> Doc | None:
        """Do one verb; return the document to go on with, or nothing for the next verb."""
        if verb.name == "Hangup":
            raise HungUp
        if verb.name == "Reject":
            leg.over = "no-answer" if verb.get("reason") == "rejected" else "busy"
            raise HungUp
        if verb.name == "Redirect":
            return Doc(urljoin(doc.url, verb.text))
        if verb.name == "Leave":
            raise LeftQueue
        if verb.name == "Pause":
            self.exchange.wait(leg, self.exchange.seconds(verb.number("length", 1)))
            return None
        self.exchange.pick_up(leg)
        if verb.name in ("Say", "Play"):
            self._sound(leg, verb)
            return None
        long = {"Gather": self._gather, "Enqueue": self._enqueue, "Dial": self._dial, "Record": self._record}
        return long[verb.name](leg, verb, doc)

    def _action(self, verb: Verb, doc: Doc, extra: dict[str, str]) -> Doc | None:
        action = verb.get("action")
        return Doc(urljoin(doc.url, action), extra=extra) if action else None

    def _afterwards(self, leg: Leg, verb: Verb, doc: Doc, extra: dict[str, str], over: bool = True) -> None:
        """Post an action whose answer counts for nobody: the call is gone from here already."""
        action = self._action(verb, doc, extra)
        if action is not None:
            params = leg.params() | action.extra | ({"CallStatus": "completed"} if over else {})
            self.exchange.later(leg.sid, partial(self.exchange.courier.post, action.url, params))

    # Sounds and keys

    def _sound(self, leg: Leg, verb: Verb, keys: bool = False) -> bool:
        """Say or play; with keys a key ends it. Return whether one did."""
        if verb.name == "Say":
            leg.tell("say", verb.text)
            seconds = len(verb.text.split()) * SECONDS_A_WORD
        else:
            leg.tell("play", verb.text or verb.get("digits"))
            seconds = 3600.0 if verb.get("loop") == "0" else 3.0
        self.board.note()
        look = (lambda: bool(leg.keys)) if keys else (lambda: False)
        return bool(self.exchange.wait(leg, self.exchange.seconds(seconds), look))

    def _gather(self, leg: Leg, verb: Verb, doc: Doc) -> Doc | None:
        leg.keys.clear()
        if leg.presses and leg.answered_by != "machine_end_beep":
            count = int(verb.number("numDigits", len(leg.presses))) or 1
            now_pressed, leg.presses = leg.presses[:count], leg.presses[count:]
            self.exchange.press(leg, now_pressed)
        for inner in verb.inner:
            if inner.name == "Pause":
                ended = self.exchange.wait(
                    leg, self.exchange.seconds(inner.number("length", 1)), lambda: bool(leg.keys)
                )
            else:
                ended = self._sound(leg, inner, keys=True)
            if ended:
                break
        digits, finished = self._keys(leg, verb)
        if not digits and not verb.yes("actionOnEmptyResult"):
            return None
        extra = {"Digits": digits} | ({"FinishedOnKey": finished} if finished else {})
        return self._action(verb, doc, extra) or Doc(doc.url, doc.xml, extra)

    def _keys(self, leg: Leg, verb: Verb) -> tuple[str, str]:
        """Collect keys until there are enough, the closing key comes, or none comes for a while."""
        most = int(verb.number("numDigits", 0)) or 100
        close = verb.get("finishOnKey", "#")
        pause = self.exchange.seconds(verb.number("timeout", 5))
        digits = ""
        while len(digits) < most:
            if not self.exchange.wait(leg, pause, lambda: bool(leg.keys)):
                break
            with self.board.changed:
                key = leg.keys.popleft()
            if close and key in close:
                return digits, key
            digits += key
        return digits, ""

    # Waiting in a queue

    def _enqueue(self, leg: Leg, verb: Verb, doc: Doc) -> Doc | None:
        queue, result, began = verb.text or "queue", "hangup", time.monotonic()
        with self.board.changed:
            self.board.queues.setdefault(queue, []).append(leg)
            leg.place = "waiting for the practice"
            self.board.changed.notify_all()

        def facts() -> dict[str, str]:
            return {"QueueResult": result, "QueueTime": str(int(time.monotonic() - began))} | self._queue(
                queue
            )

        try:
            self._wait_in(leg, queue, verb, doc, began)
        except LeftQueue:
            result = "leave"
            return self._action(verb, doc, facts())
        except (HungUp, Turned) as end:
            result = "hangup" if isinstance(end, HungUp) else "redirected"
            self._afterwards(leg, verb, doc, facts(), over=isinstance(end, HungUp))
            raise
        finally:
            with self.board.changed:
                waiting = self.board.queues.get(queue, [])
                if leg in waiting:
                    waiting.remove(leg)
                leg.place = ""
        return None

    def _queue(self, queue: str) -> dict[str, str]:
        size = len(self.board.queues.get(queue, []))
        return {
            "QueueSid": "QU" + queue.encode().hex()[:32].ljust(32, "0"),
            "CurrentQueueSize": str(size),
            "AvgQueueTime": "0",
        }

    def _wait_in(self, leg: Leg, queue: str, verb: Verb, doc: Doc, began: float) -> None:
        wait_url = verb.get("waitUrl")
        while True:
            started = time.monotonic()
            if wait_url and not leg.note:
                self._wait_document(leg, queue, Doc(urljoin(doc.url, wait_url)), began)
            else:
                leg.tell("play", "music")
            # A wait document that is done at once would otherwise be asked for without a rest.
            rest = 0.5 - (time.monotonic() - started)
            self.exchange.wait(leg, max(0.0, rest) if wait_url and not leg.note else 3600)

    def _wait_document(self, leg: Leg, queue: str, doc: Doc, began: float) -> None:
        step: Doc | None = doc
        try:
            while step is not None:
                with self.board.changed:
                    waiting = self.board.queues.get(queue, [])
                    place = waiting.index(leg) + 1 if leg in waiting else 1
                extra = {"QueuePosition": str(place), "QueueTime": str(int(time.monotonic() - began))}
                step = self._one(leg, Doc(step.url, step.xml, step.extra | extra | self._queue(queue)))
        except TwimlError as error:
            leg.note = f"The document for those who wait cannot be followed: {error}."

    # Others on the line

    def _dial(self, leg: Leg, verb: Verb, doc: Doc) -> Doc | None:
        conference = verb.find("Conference")
        try:
            if conference is not None:
                extra = self.rooms.stay(leg, conference, verb, doc.url)
            else:
                number = verb.find("Number") or Verb("Number", text=verb.text)
                extra = self._call_number(leg, verb, number, doc)
        except HungUp:
            self._afterwards(leg, verb, doc, {"DialCallStatus": "completed"})
            raise
        return self._action(verb, doc, extra)

    def _call_number(self, leg: Leg, verb: Verb, number: Verb, doc: Doc) -> dict[str, str]:
        child = Leg(leg.account_sid, "outbound-dial", verb.get("callerId") or leg.line, number.text)
        child.parent, child.timeout = leg.sid, verb.number("timeout", 30)
        child.callback = (
            urljoin(doc.url, number.get("statusCallback")) if number.get("statusCallback") else ""
        )
        child.events = frozenset(number.get("statusCallbackEvent", "completed").split())
        leg.place = "connected through"
        whisper = number.get("url")
        self.exchange.place(child, Doc(urljoin(doc.url, whisper)) if whisper else Doc(xml=BRIDGE))
        try:
            self.exchange.wait(leg, 4 * 3600, lambda: child.is_over)
        finally:
            leg.place = ""
            self.exchange.hang_up(child)
        facts = {"DialCallSid": child.sid, "DialCallStatus": child.status}
        return facts | ({"DialCallDuration": str(child.seconds)} if child.answered else {})

    # Recording

    def _record(self, leg: Leg, verb: Verb, doc: Doc) -> Doc | None:
        leg.words, leg.place = "", "recorded after the tone"
        leg.keys.clear()
        if verb.yes("playBeep", True):
            leg.tell("play", "a tone")
        close = verb.get("finishOnKey", "1234567890*#")
        ended, digits = False, ""
        try:
            done = self.exchange.wait(
                leg, verb.number("maxLength", 3600), lambda: leg.words or bool(leg.keys)
            )
            if done and leg.keys and leg.keys[0] in close:
                digits = leg.keys.popleft()
        except HungUp:
            ended, digits = True, "hangup"
        finally:
            leg.place = ""
        if not leg.words:
            if ended:
                raise HungUp
            return None
        extra = self._tell_recording(leg, verb, doc) | ({"Digits": digits} if digits else {})
        if ended:
            self._afterwards(leg, verb, doc, extra)
            raise HungUp
        return self._action(verb, doc, extra) or Doc(doc.url, doc.xml, extra)

    def _tell_recording(self, leg: Leg, verb: Verb, doc: Doc) -> dict[str, str]:
        exchange = self.exchange
        tape = exchange.tape(leg, leg.words, "RecordVerb")
        facts = exchange.tape_params(tape)
        if callback := verb.get("recordingStatusCallback"):
            params = {"AccountSid": leg.account_sid, "CallSid": leg.sid} | facts
            exchange.later(leg.sid, partial(exchange.courier.post, urljoin(doc.url, callback), params))
        if callback := verb.get("transcribeCallback"):
            sid = "TR" + secrets.token_hex(16)
            params = leg.params() | {
                "RecordingSid": tape.sid,
                "RecordingUrl": facts["RecordingUrl"],
                "TranscriptionSid": sid,
                "TranscriptionStatus": "completed",
                "TranscriptionText": leg.words,
                "TranscriptionType": "fast",
                "TranscriptionUrl": facts["RecordingUrl"].replace(f"Recordings/{tape.sid}", "Transcriptions/")
                + sid,
            }
            job = partial(exchange.courier.post, urljoin(doc.url, callback), params)
            exchange.courier.later(exchange.seconds(2), job)
        return facts


# What a called phone follows when it is simply connected: it stays until one side hangs up.
BRIDGE = '<Response><Pause length="14400"/></Response>'
