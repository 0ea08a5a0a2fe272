"""The pages on which a person plays the patient: the phones, and one phone's conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlencode

from . import texts
from .call_pages import CallPages
from .carrier import Carrier
from .control import wanted_number, writing
from .ledger import Message, Phone
from .markup import HEADERS, day_words, enclosing, escape, linked, page, time_tag
from .pictures import ENCLOSURES
from .wire import BadRequest, Request, Response, see_other

STATIC = Path(__file__).with_name("static")
STATIC_TYPES = {
    "phone.css": "text/css; charset=utf-8",
    "phone.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
# The thumb is drawn, because not every machine has a font with it.
THUMB = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M7 10v11H4V10zm0 0 4-8c2 0 3 1 3 3l-1 4h6'
    'c1.5 0 2.3 1.2 2 2.5l-1.6 7.5c-.3 1.2-1.2 2-2.4 2H7"/></svg>'
)
QUICK = (
    ("YES", ">YES"),
    ("NO", ">NO"),
    ("👍", f' aria-label="Thumbs up">{THUMB}'),
    ("STOP", ">STOP"),
)
SHOWN_PHONES = 200
STATES = {
    "queued": ("…", "on its way"),
    "sent": ("✓", "sent"),
    "delivered": ("✓✓", "delivered"),
    "undelivered": ("!", "not delivered"),
    "failed": ("!", "failed"),
    "canceled": ("×", "cancelled"),
}


class Pages:
    """Answers browsers; each page works by plain forms, the script only saves reloading."""

    def __init__(self, carrier: Carrier, calls: CallPages) -> None:
        self.carrier, self.calls = carrier, calls
        self.ledger = carrier.ledger

    # Phones

    def home(self, request: Request, found: dict[str, str]) -> Response:
        """List the phones, newest text first."""
        wanted = request.query.get("q", "").strip()
        body = f"""<main class="two"><h1 class="hide">Phones</h1>{self._aside(wanted)}
<section class="pane empty" aria-label="Conversation">
<div><h2>Play the patient</h2>
<p>Choose a phone to read its texts and answer them.
A text that the practice sends shows up here at once.</p></div></section></main>"""
        return page("Phones", "/", body, "home")

    def find_phone(self, request: Request, found: dict[str, str]) -> Response:
        """Go to the phone whose number was typed; a part of a number or name filters the list."""
        typed = request.query.get("q", "").strip()
        number = texts.typed_number(typed)
        if number is None:
            return see_other("/?" + urlencode({"q": typed[:40]}))
        return see_other(f"/phones/{quote(number)}")

    def phone(self, request: Request, found: dict[str, str]) -> Response:
        """Show one phone."""
        number = wanted_number(found["number"])
        line = self._line(number, request.query.get("line", ""))
        body = f"""<main class="two">{self._aside("", number)}
<section class="pane" aria-label="Conversation">{self._head(number, line)}
<ol class="calls" id="calls" data-keep>{self.calls.panel(number, line, self._label(line))}</ol>
<ol class="talk" id="talk" aria-live="polite" aria-label="Texts" data-keep>{self._talk(number, line)}</ol>
{self._writing(number, line)}</section></main>"""
        return page(texts.shown_number(number), "/", body, "talking")

    def write(self, request: Request, found: dict[str, str]) -> Response:
        """Send what was typed, or a quick answer, to the practice."""
        number, form = wanted_number(found["number"]), request.form()
        line = wanted_number(form.get("line", ""))
        body = form.get("quick") or form.get("body", "")
        enclosed = [] if "quick" in form else request.values("enclosed")
        if body.strip() or enclosed:
            writing(self.carrier, number, line, body.strip().replace("\r\n", "\n"), enclosed)
        return see_other(f"/phones/{quote(number)}?{urlencode({'line': line})}#write")

    def set_kind(self, request: Request, found: dict[str, str]) -> Response:
        """Change how a phone behaves."""
        number, form = wanted_number(found["number"]), request.form()
        kind = form.get("kind", "mobile")
        if kind not in texts.PHONE_KINDS:
            raise BadRequest("no such kind of phone")
        known = self.ledger.phones.get(number, Phone(number))
        answers = form.get("answers", known.answers)
        if answers not in texts.PHONE_ANSWERS:
            raise BadRequest("no such way to take calls")
        name = form.get("name", known.name).strip()[:80]
        self.ledger.keep_phone(replace(known, kind=kind, name=name, answers=answers))
        return see_other(f"/phones/{quote(number)}?{urlencode({'line': form.get('line', '')})}")

    def _line(self, number: str, wanted: str) -> str:
        """Return the line to show: the one asked for, the last one in use, or the first there is."""
        if (asked := texts.normal_number(wanted)) is not None:
            return asked
        calling = [leg.line for leg in self.calls.board.of_phone(number) if not leg.is_over]
        spoken = [message.line for message in self.ledger.conversation(number)] + calling
        return spoken[-1] if spoken else next(iter(self.carrier.settings.lines), "")

    def _label(self, line: str) -> str:
        known = self.carrier.settings.lines.get(line)
        return known.label if known and known.name else texts.shown_number(line)

    def _aside(self, wanted: str, current: str = "") -> str:
        return f"""<aside class="list" aria-label="Phones">
<form action="/phones" role="search"><label class="hide" for="q">Find or add a phone</label>
<input id="q" name="q" type="search" inputmode="tel" autocomplete="off" placeholder="Find or add a number"
 value="{escape(wanted)}"><button class="soft">Open</button></form>
<ul id="phones" data-keep>{self._phones(wanted, current)}</ul></aside>"""

    def _phones(self, wanted: str, current: str) -> str:
        last: dict[str, Message] = {}
        for message in self.ledger.snapshot():
            last.pop(message.phone, None)
            last[message.phone] = message
        with self.ledger.changed:
            silent = [phone for number, phone in self.ledger.phones.items() if number not in last]
            rows = [(self.ledger.phones[number], last[number]) for number in reversed(last)]
        everyone: list[tuple[Phone, Message | None]] = [*rows, *((phone, None) for phone in silent)]
        everyone.sort(key=lambda entry: not self.calls.now(entry[0].number))
        digits = "".join(filter(str.isdigit, wanted))
        chosen = [
            self._row(phone, message, current)
            for phone, message in everyone
            if not wanted or (digits and digits in phone.number) or wanted.lower() in phone.name.lower()
        ]
        if not chosen:
            words = "No phone fits." if wanted else "No phone has got a text yet."
            return f'<li class="none" data-key="none"><p>{words} Type a number above to open one.</p></li>'
        return "".join(chosen[:SHOWN_PHONES])

    def _row(self, phone: Phone, message: Message | None, current: str) -> str:
        number = texts.shown_number(phone.number)
        mark = ' aria-current="page"' if phone.number == current else ""
        second = f'<span class="num">{escape(number)}</span>' if phone.name else ""
        preview = when = ""
        if (now := self.calls.now(phone.number)) != "":
            when, preview = f'<b class="now">{now}</b>', '<span class="preview">&nbsp;</span>'
        elif message is not None:
            who = "You: " if not message.outbound else ""
            preview = f'<span class="preview">{escape(who + message.body[:120])}</span>'
            when = time_tag(message.created, with_day=True)
        return f"""<li data-key="{escape(phone.number)}"><a href="/phones/{quote(phone.number)}"{mark}>
<span class="who"><b>{escape(phone.name or number)}</b>{second}</span>{when}{preview}</a></li>"""

    def _head(self, number: str, line: str) -> str:
        phone = self.ledger.phones.get(number, Phone(number))
        spoken = {message.line for message in self.ledger.conversation(number)}
        lines = [*self.carrier.settings.lines, *sorted(spoken - set(self.carrier.settings.lines))]
        tabs = "".join(
            f'<a href="/phones/{quote(number)}?{urlencode({"line": one})}"'
            f"{' aria-current=true' if one == line else ''}>{escape(self._label(one))}</a>"
            for one in lines
        )
        kinds = options(texts.PHONE_KINDS, phone.kind)
        answers = options(texts.PHONE_ANSWERS, phone.answers)
        shown = texts.shown_number(number)
        return f"""<div class="head"><a class="back" href="/" aria-label="All phones">‹</a>
<div class="peer"><h1>{escape(self._label(line) if line else "No line yet")}</h1>
<p>on {escape(phone.name + ", " if phone.name else "")}<span class="num">{escape(shown)}</span></p></div>
<details><summary>This phone</summary><form method="post" action="/phones/{quote(number)}/kind">
<label>Name <input name="name" value="{escape(phone.name)}" maxlength="80" autocomplete="off"></label>
<label>Takes texts as <select name="kind">{kinds}</select></label>
<label>Takes calls as <select name="answers">{answers}</select></label>
<input type="hidden" name="line" value="{escape(line)}"><button class="strong">Save</button></form>
</details></div>
{f'<nav class="lines" aria-label="Practices">{tabs}</nav>' if len(lines) > 1 else ""}"""

    def _talk(self, number: str, line: str) -> str:
        items, day = [], ""
        spoken = [m for m in self.ledger.conversation(number) if m.line == line]
        entries = [(message.created, self._bubble(message)) for message in spoken]
        for moment, item in sorted([*entries, *self.calls.past(number, line)], key=lambda entry: entry[0]):
            if (words := day_words(moment)) != day:
                day = words
                items.append(f'<li class="day" data-key="day {escape(day)}">{escape(day)}</li>')
            items.append(item)
        if not items:
            return '<li class="none" data-key="none"><p>No texts between these two yet.</p></li>'
        if (line, number) in self.ledger.opt_outs:
            items.append('<li class="day" data-key="stopped">This phone has opted out. START lifts it.</li>')
        return "".join(items)

    def _bubble(self, message: Message) -> str:
        side = "theirs" if message.outbound else "mine"
        sign, words = STATES.get(message.status, ("", ""))
        if message.error_code:
            words += f": {texts.ERROR_WORDS.get(message.error_code, '').lower()} ({message.error_code})"
        state = f'<span class="sign" aria-hidden="true">{sign}</span> {escape(words)}' if words else ""
        note = f'<span class="note">{escape(message.note)}</span>' if message.note else ""
        bad = " bad" if message.status in ("undelivered", "failed", "canceled") else ""
        with_it = ", ".join(ENCLOSURES[one["what"]].words for one in message.media)
        text = linked(message.body) if message.body or with_it else "<i>The text was erased.</i>"
        text += f"<i>{' ' if message.body else ''}[{escape(with_it)}]</i>" if with_it else ""
        return f"""<li class="{side}{bad}" data-key="{escape(message.sid)}"><p class="bubble">{text}</p>
<p class="state" data-live>{time_tag(message.created)} {state}{note}</p></li>"""

    def _writing(self, number: str, line: str) -> str:
        if not line:
            return '<p class="hint">No practice has a number here yet.</p>'
        quick = "".join(f'<button name="quick" value="{one}"{face}</button>' for one, face in QUICK)
        return f"""<form class="write" id="write" method="post" action="/phones/{quote(number)}" data-send>
<input type="hidden" name="line" value="{escape(line)}">
<div class="quick" role="group" aria-label="Quick answers">{quick}</div>
<div class="type"><label class="hide" for="body">Text to {escape(self._label(line))}</label>
<textarea id="body" name="body" rows="1" maxlength="1600" autocomplete="off"
 placeholder="Text message"></textarea>
<button class="strong" name="send" value="1">Send</button></div>{enclosing()}</form>"""

    def static(self, request: Request, found: dict[str, str]) -> Response:
        """Answer with the stylesheet, the script or the icon."""
        kind = STATIC_TYPES.get(found["name"])
        if kind is None:
            return Response(404, b"not here")
        return Response(200, (STATIC / found["name"]).read_bytes(), kind, dict(HEADERS))


def options(words: Mapping[str, str], chosen: str) -> str:
    """Return the choices of a list."""
    return "".join(
        f"<option value={key}{' selected' if key == chosen else ''}>{escape(text)}</option>"
        for key, text in words.items()
    )
