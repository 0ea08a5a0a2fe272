"""The part of a phone's page that rings: calling a practice, answering, keys, a voicemail."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from . import texts
from .calls import Leg
from .control import clean, wanted_number
from .markup import escape, time_tag
from .switchboard import Switchboard
from .wire import BadRequest, Request, Response, see_other

KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#")
RINGING = (
    ("answer", "Answer", "strong"),
    ("decline", "Decline", "soft"),
    ("machine", "Voicemail box", "soft"),
)
HEARD = {"say": "Voice", "play": "♪", "press": "You pressed", "said": "You said", "joined": "", "told": ""}
SHOWN_LINES = 5
STATES = {
    "completed": "ended",
    "busy": "declined",
    "no-answer": "not answered",
    "failed": "could not be connected",
    "canceled": "given up by the practice",
}


class CallPages:
    """Shows and plays the calls of one phone."""

    def __init__(self, exchange: Switchboard) -> None:
        self.exchange, self.board = exchange, exchange.board

    def act(self, request: Request, found: dict[str, str]) -> Response:
        """Do what a button says: call, answer, press a key, speak, hang up."""
        number, form = wanted_number(found["number"]), request.form()
        line, deed = wanted_number(form.get("line", "")), form.get("do", "press" if "key" in form else "")
        back = see_other(f"/phones/{quote(number)}?{urlencode({'line': line})}")
        if deed == "call":
            self.exchange.come_in(number, line)
            return back
        leg = self.board.legs.get(form.get("sid", ""))
        if leg is None or leg.phone != number or leg.is_over:
            return back
        self.play(leg, deed, form.get("key", ""), form.get("words", ""))
        return back

    def play(self, leg: Leg, deed: str, keys: str = "", words: str = "") -> None:
        """Let the phone do one thing in a call; BadRequest for a thing phones cannot do."""
        if deed in ("answer", "decline", "machine", "ignore"):
            self.exchange.decide(leg, deed)
        elif deed == "press":
            self.exchange.press(leg, keys[:40])
        elif deed == "say":
            if words.strip():
                self.exchange.speak(leg, clean(words, 2_000).strip())
        elif deed == "hang-up":
            self.exchange.hang_up(leg)
            self.board.wait(lambda: leg.is_over, 1.0)
        else:
            raise BadRequest("a phone can answer, decline, machine, ignore, press, say or hang-up")

    def panel(self, number: str, line: str, label: str) -> str:
        """Return the items of the call panel: one for each call that is there, or the button to call."""
        here = [leg for leg in self.board.of_phone(number) if not leg.is_over and leg.decision != "ignore"]
        if here:
            return "".join(self._item(leg, number) for leg in here)
        if not line:
            return ""
        return f"""<li class="idle" data-key="idle"><form method="post" action="/phones/{quote(number)}/call">
<input type="hidden" name="line" value="{escape(line)}">
<button class="soft" name="do" value="call">Call {escape(label)}</button></form></li>"""

    def _item(self, leg: Leg, number: str) -> str:
        ringing = not leg.inbound and leg.status in ("queued", "ringing")
        who = self.exchange.settings.lines.get(leg.line)
        name = who.label if who else texts.shown_number(leg.line)
        head = f"{name} is calling" if ringing else f"On the phone with {name}"
        if leg.status == "ringing" and leg.inbound:
            head = f"Calling {name} …"
        start = f"""<form method="post" action="/phones/{quote(number)}/call">
<input type="hidden" name="line" value="{escape(leg.line)}">
<input type="hidden" name="sid" value="{escape(leg.sid)}">"""
        parts = [self._ringing()] if ringing else self._talking(leg)
        forms = "".join(f"{start}{part}</form>" for part in parts)
        return f"""<li class="call" data-key="{escape(leg.sid)}">
<div class="play"><h2>{escape(head)}</h2>{forms}</div>
<div class="heard" data-live aria-live="polite">{self._heard(leg)}</div></li>"""

    def _ringing(self) -> str:
        buttons = "".join(
            f'<button class="{face}" name="do" value="{deed}">{words}</button>'
            for deed, words, face in RINGING
        )
        return f"""<div class="keys-row">{buttons}
<button class="soft" name="do" value="ignore">Let it ring</button></div>"""

    def _talking(self, leg: Leg) -> list[str]:
        """Forms of their own, so that the return key says what was typed and presses no key."""
        keys = "".join(
            f'<button name="key" value="{key}" aria-label="Key {key}">{key}</button>' for key in KEYS
        )
        id_ = f"words-{leg.sid[-6:]}"
        hang_up = '<button class="end" name="do" value="hang-up">Hang up</button>'
        pad = f'<div class="keypad" role="group" aria-label="Keypad">{keys}</div>'
        say = f"""<div class="type"><label class="hide" for="{id_}">Say on the phone</label>
<input id="{id_}" name="words" autocomplete="off" maxlength="500"
 placeholder="Say something; after the tone it is a voicemail">
<button class="soft" name="do" value="say">Say</button></div>"""
        return [pad, say, hang_up]

    def _heard(self, leg: Leg) -> str:
        lines = [
            f"<p><b>{escape(HEARD.get(entry['kind'], ''))}</b> {escape(entry['words'])}</p>"
            for entry in leg.log
            if HEARD.get(entry["kind"])
        ][-SHOWN_LINES:]
        place = f'<p class="place">{escape(leg.place)}</p>' if leg.place else ""
        return "".join(lines) + place

    def past(self, number: str, line: str) -> list[tuple[str, str]]:
        """Return the ended calls between a phone and a line, each with its time, as items of the talk."""
        legs = [leg for leg in self.board.of_phone(number) if leg.is_over and leg.line == line]
        return [(leg.created, self._past(leg)) for leg in legs]

    def _past(self, leg: Leg) -> str:
        side = "mine" if leg.inbound else "theirs"
        what = "You called" if leg.inbound else "The practice called"
        long = f", {leg.seconds // 60}:{leg.seconds % 60:02d}" if leg.seconds else ""
        note = f'<span class="note">{escape(leg.note)}</span>' if leg.note else ""
        left = [entry["words"] for entry in leg.log if entry["kind"] == "say"]
        box = leg.answered_by.startswith("machine") and left
        heard = f"<br>In the voicemail box: {escape(' '.join(left))}" if box else ""
        return f"""<li class="{side} phoned" data-key="{escape(leg.sid)}">
<p class="bubble">{what} ({STATES.get(leg.status, leg.status)}{long}){heard}</p>
<p class="state" data-live>{time_tag(leg.created)}{note}</p></li>"""

    def now(self, number: str) -> str:
        """Return what is going on with a phone in a few words, for the list of phones."""
        for leg in self.board.of_phone(number):
            if not leg.is_over:
                ringing = not leg.inbound and leg.status in ("queued", "ringing")
                return "Rings" if ringing else "On the phone"
        return ""
