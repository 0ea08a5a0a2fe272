"""The lines of the dialog of columns: read from a choice or from what was sent, and moved up or down."""

import uuid
from dataclasses import dataclass
from typing import Any

from frontdesk.columns import Choice
from practices.models import Room
from scheduling.board_choice import MOST
from scheduling.drafts import as_uuid
from scheduling.models import Practitioner, Resource


@dataclass(slots=True)
class Line:
    """A column that can be shown."""

    key: uuid.UUID
    name: str
    sub: str
    shown: bool
    room: bool = False  # or an interpreter, or a device: shows only when chosen


def _all() -> dict[uuid.UUID, Line]:
    """Every column there could be, clinicians first; three queries."""
    people = Practitioner.objects.in_use().select_related("room", "location").order_by("position", "name")
    lines = [Line(p.pk, p.short_name, p.location.name if p.location else "", True) for p in people]
    rooms = Room.objects.select_related("location").order_by("name")
    lines += [Line(room.pk, room.name, f"Room, {room.location.name}", False, room=True) for room in rooms]
    others = Resource.objects.in_use().order_by("kind", "name")
    lines += [Line(one.pk, one.name, one.get_kind_display(), False, room=True) for one in others]
    return {line.key: line for line in lines}


def lines_of(choice: Choice) -> list[Line]:
    """All columns as a person has them."""
    known = _all()
    for line in known.values():
        line.shown = line.key in choice.order if line.room else line.key not in choice.hidden
    lines = list(known.values())
    lines.sort(key=lambda line: choice.place_of(line.key))
    return lines


def read_lines(sent: Any) -> list[Line]:
    """The lines as they were sent; unknown keys are left out, missing ones stand at the end."""
    known, shown = _all(), {as_uuid(key) for key in sent.getlist("show")[:MOST]}
    order = [key for text in sent.getlist("order")[:MOST] if (key := as_uuid(text)) in known]
    keys = dict.fromkeys([*order, *known])
    lines = [known[key] for key in keys if key is not None]
    for line in lines:
        line.shown = line.key in shown
    return lines


def moved(lines: list[Line], step: str) -> list[Line]:
    """One line up or down: `up:<key>`, `down:<key>`."""
    way, _, key = step.partition(":")
    at = next((n for n, line in enumerate(lines) if str(line.key) == key), None)
    if at is None:
        return lines
    to = max(0, min(len(lines) - 1, at + (-1 if way == "up" else 1)))
    lines.insert(to, lines.pop(at))
    return lines
