"""What stands in a column of the board, and its markup.

A board holds hundreds of these. A template's loop costs more for each than everything else of the page
together, so their markup is written here, once a kind. Texts, which people typed, pass `escape`; the rest
is keys, numbers and words of ours.
"""

import uuid
from dataclasses import dataclass
from html import escape

from frontdesk.dayplan import Span, clock
from practices.templatetags.desk import icon

# Stage → icon, words. The order is that of the legend.
STAGES = {
    "book": ("st-book", "to confirm"),
    "conf": ("st-conf", "confirmed"),
    "arr": ("st-arr", "arrived"),
    "vis": ("st-vis", "in visit"),
    "done": ("st-done", "done"),
    "bad": ("st-bad", "no-show"),
    "off": ("st-cancel", "cancelled"),
}
LEGEND = ("book", "conf", "arr", "vis", "done", "bad")
CARD = (
    '<a class="{css}" id="visit-{id}" data-key-id="visit-{id}" href="{url}" aria-label="{label}"'
    ' data-v="{version}"{was}><span class="tm">{time}</span><span class="l1">{icon}'
    '<span class="n">{name}</span><span class="fl">{flags}</span></span><span class="l2">{line}</span>{note}'
    '<span class="ws">{status}</span></a>'
)
FREE = (
    '<a class="{css}" id="{key}" data-key-id="{key}" href="{url}" data-dialog aria-label="{label}">'
    '<span class="tm">{time}</span><span class="n">{words}</span></a>'
)
LINKED = (
    '<a class="{css}" id="{key}" data-key-id="{key}" data-for="{id}" href="{url}" aria-label="{label}">'
    '<span class="tm">{time}</span><span class="l1">{icon}<span class="n">{name}</span></span>'
    '<span class="l2">{line}</span><span class="ws">{status}</span></a>'
)
HELD = (
    '<div class="{css}" id="hold-{id}" data-until="{until}"><span class="tm">{time}</span>'
    '<span class="l1">{icon}<span class="n">Held by {who}</span></span></div>'
)

BLOCK = '<div class="{css}">{label}</div>'
COLUMN = (
    '<div class="bcol" id="column-{key}" role="group" aria-labelledby="head-{key}"{whose}'
    ' data-name="{name}"{part}{oob}>\n<p class="bname" aria-hidden="true"><b>{title}</b> {sub}</p>\n'
    "{blocks}{items}</div>\n"
)


@dataclass(slots=True)
class Card:
    """A visit as the board, the list and a screen reader show it."""

    id: uuid.UUID
    patient_id: uuid.UUID
    practitioner: str
    span: Span
    stage: str
    name: str
    kind: str
    url: str
    version: int
    moved_from: uuid.UUID | None
    flags: list[tuple[str, str]]
    line: str
    note: str = ""
    since: str = ""
    waited: int | None = None
    late: int = 0
    css: str = ""
    label: str = ""
    free: bool = False
    room_id: uuid.UUID | None = None
    practitioner_id: uuid.UUID | None = None

    @property
    def look(self) -> str:
        """Its classes, without its place."""
        return f"ap st-{self.stage} late-card" if self.late else f"ap st-{self.stage}"

    @property
    def icon(self) -> str:
        return STAGES[self.stage][0]

    @property
    def status(self) -> str:
        return STAGES[self.stage][1]

    @property
    def time(self) -> str:
        return clock(self.span.start, half=True)

    def drawn(self) -> str:
        """The card on the board."""
        return CARD.format(
            css=self.css,
            id=self.id,
            url=self.url,
            label=escape(self.label),
            version=self.version,
            was=f' data-was="{self.moved_from}"' if self.moved_from else "",
            time=self.time,
            icon=icon(self.icon, 13),
            name=escape(self.name),
            flags=self._flags(),
            line=escape(self.line),
            note=f'<span class="l2 l3">{escape(self.note)}</span>' if self.note else "",
            status=self.status,
        )

    def _flags(self) -> str:
        """What stands out, at the right of the name: lateness, needs, how long somebody has waited."""
        drawn = [str(icon(name, 13)) for name, _ in self.flags]
        if self.late:
            drawn.insert(0, f'<span class="lt" data-since="{self.since}">{self.late}m</span>')
        if self.waited is not None:
            drawn.append(f'<span class="w" data-since="{self.since}">{self.waited}m</span>')
        return "".join(drawn)


@dataclass(slots=True)
class FreePlace:
    """A quarter of an hour to book at."""

    span: Span
    css: str
    url: str
    label: str
    words: str
    key: str
    free: bool = True

    def drawn(self) -> str:
        """The place on the board: nothing to see until it is reached."""
        return FREE.format(
            css=self.css,
            key=self.key,
            url=escape(self.url),
            label=escape(self.label),
            time=clock(self.span.start, half=True),
            words=self.words,
        )


@dataclass(slots=True)
class Linked:
    """A visit once more, in the column of a room or of somebody else who takes part."""

    card: Card
    column: uuid.UUID
    css: str = ""
    free: bool = False

    @property
    def span(self) -> Span:
        return self.card.span

    @property
    def look(self) -> str:
        return f"ap also st-{self.card.stage}"

    def drawn(self) -> str:
        """A quiet block that names the visit and whose it is."""
        card = self.card
        return LINKED.format(
            css=self.css,
            id=card.id,
            key=f"also-{self.column}-{card.id}",
            url=card.url,
            label=escape(f"{card.label}, also here"),
            time=card.time,
            icon=icon("link", 13),
            name=escape(card.name),
            line=escape(card.practitioner),
            status=card.status,
        )


@dataclass(slots=True)
class HeldPlace:
    """A time that somebody is choosing just now; it ends by its clock."""

    id: uuid.UUID
    span: Span
    who: str
    until: str
    css: str = ""
    free: bool = False

    def drawn(self) -> str:
        """Grey, with a lock and the holder's name; nothing to press."""
        return HELD.format(
            css=self.css,
            id=self.id,
            until=self.until,
            time=clock(self.span.start, half=True),
            icon=icon("lock", 13),
            who=escape(self.who),
        )


@dataclass(slots=True)
class Block:
    """Closed time: lunch, time off, a closure."""

    css: str
    label: str

    def drawn(self) -> str:
        return BLOCK.format(css=self.css, label=f"<span>{escape(self.label)}</span>" if self.label else "")
