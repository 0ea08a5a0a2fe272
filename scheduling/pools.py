"""What a visit takes beside its clinician, one of several: a room, an interpreter, a device."""

import datetime as dt
import uuid
import zoneinfo
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from practices.models import Closure, Location, Room
from scheduling.diary import Shift, Weekly, shifts_of
from scheduling.models import Resource, ResourceHours, ResourceKind, ResourceTimeOff
from scheduling.stretches import Stretch, beginnings, common, gaps, has, merge

Taken = dict[uuid.UUID, list[Stretch]]


@dataclass(frozen=True, slots=True)
class Span:
    """How long something takes, with its buffers, in seconds."""

    length: int
    before: int = 0
    after: int = 0

    def in_the_way(self, taken: Sequence[Stretch]) -> list[Stretch]:
        """The starts at which it would lie over what is taken."""
        back, on = self.length + self.after - 1, self.before
        return merge([(low - back, high + on) for low, high in taken])

    def fitting(self, free: Sequence[Stretch]) -> list[Stretch]:
        """The starts at which it fits into free time; its buffers may lie outside."""
        return beginnings(free, self.length)


class Rooms:
    """The rooms of a practice: whose they are when, and which is free."""

    def __init__(
        self, rooms: Sequence[Room], shifts: dict[uuid.UUID, list[Shift]], taken: Taken, span: Span
    ) -> None:
        self.by_id = {room.pk: room for room in rooms}
        self.span = span
        self.clear = {pk: gaps(span.in_the_way(taken[pk])) for pk in self.by_id}
        # A room in which a colleague works that day is hers, also between two of her visits.
        hers: dict[uuid.UUID | None, list[Stretch]] = defaultdict(list)
        for rows in shifts.values():
            for shift in rows:
                hers[shift.room_id].append(shift[:2])
        self.lent = {pk: common(self.clear[pk], gaps(span.in_the_way(hers[pk]))) for pk in self.by_id}
        self._lent: dict[tuple[uuid.UUID | None, bool], list[Stretch]] = {}
        self._allowed: dict[tuple[uuid.UUID | None, uuid.UUID | None, bool], list[Stretch]] = {}

    def others(self, shift: Shift, *, step_free: bool) -> list[Room]:
        """The rooms of the same place that are not the clinician's own."""
        return [
            room
            for room in self.by_id.values()
            if room.pk != shift.room_id
            and (shift.location_id is None or room.location_id == shift.location_id)
            and (not step_free or suits_steps(room))
        ]

    def own(self, shift: Shift, *, step_free: bool) -> Room | None:
        room = self.by_id.get(shift.room_id) if shift.room_id else None
        return room if room is not None and (not step_free or suits_steps(room)) else None

    def allowed(self, shift: Shift, *, step_free: bool) -> list[Stretch]:
        """The starts at which a room can be had there."""
        key = (shift.location_id, shift.room_id, step_free)
        if key not in self._allowed:
            own = self.own(shift, step_free=step_free)
            lent = self._lent_at(shift, step_free=step_free)
            self._allowed[key] = merge(self.clear[own.pk] + lent) if own else lent
        return self._allowed[key]

    def _lent_at(self, shift: Shift, *, step_free: bool) -> list[Stretch]:
        """When some room of a place is nobody's; the same for all who work there.

        One's own room may be among them: it is lent only when it is clear.
        """
        key = (shift.location_id, step_free)
        if key not in self._lent:
            nobodys = shift._replace(place=shift.place._replace(room_id=None))
            rooms = self.others(nobodys, step_free=step_free)
            self._lent[key] = merge(stretch for room in rooms for stretch in self.lent[room.pk])
        return self._lent[key]

    def choose(self, shift: Shift, start: int, *, step_free: bool, wanted: bool) -> Room | None:
        """The clinician's own room where it is free, else, where one is wanted, another that is."""
        own = self.own(shift, step_free=step_free)
        if own is not None and has(self.clear[own.pk], start):
            return own
        others = self.others(shift, step_free=step_free) if wanted else []
        return next((room for room in others if has(self.lent[room.pk], start)), None)


def suits_steps(place: Room | Location) -> bool:
    """A step-free room in a place that can be reached without steps."""
    if isinstance(place, Room):
        return place.step_free and place.location.step_free
    return place.step_free


class Pool:
    """Resources of which a visit takes one."""

    def __init__(
        self, members: Sequence[Resource], clear: dict[uuid.UUID, list[Stretch]], label: str, *, by_type: bool
    ) -> None:
        self.members, self.clear, self.label = members, clear, label
        self.by_type = by_type  # the type of visit asks for it, and not the patient alone
        self._allowed: dict[uuid.UUID | None, list[Stretch]] = {}

    def at(self, location_id: uuid.UUID | None) -> list[Resource]:
        """Those that are there, or come along everywhere."""
        return [one for one in self.members if one.location_id is None or one.location_id == location_id]

    def allowed(self, location_id: uuid.UUID | None) -> list[Stretch]:
        if location_id not in self._allowed:
            free = [stretch for one in self.at(location_id) for stretch in self.clear[one.pk]]
            self._allowed[location_id] = merge(free)
        return self._allowed[location_id]

    def choose(self, location_id: uuid.UUID | None, start: int) -> Resource | None:
        return next((one for one in self.at(location_id) if has(self.clear[one.pk], start)), None)


def members_of(kind: str, language: str | None) -> list[Resource]:
    """The resources in use that a visit of these wants may take; one query, none where it takes none."""
    kinds = {kind} - {""} | ({ResourceKind.INTERPRETER} if language is not None else set())
    if not kinds:
        return []
    rows = Resource.objects.in_use().filter(kind__in=kinds)
    return [row for row in rows if row.kind != ResourceKind.INTERPRETER or row.speaks(language or "")]


@dataclass(frozen=True, slots=True)
class Means:
    """When resources can be had at all: their hours and time off, read once for visits of any length."""

    weekly: Sequence[Weekly]
    off: Taken
    first: dt.date
    last: dt.date
    closures: Sequence[Closure]
    zone: zoneinfo.ZoneInfo

    def clear(self, members: Sequence[Resource], span: Span, taken: Taken) -> dict[uuid.UUID, list[Stretch]]:
        """The starts at which each can be had: in its hours, beside its time off and what it is taken for."""
        shifts = shifts_of(self.weekly, self.first, self.last, self.closures, self.zone)
        ever = {row.whose for row in self.weekly}
        away = Span(span.length)
        found = {}
        for one in members:
            out = away.in_the_way(merge(self.off.get(one.pk, [])))
            free = gaps(merge(span.in_the_way(merge(taken[one.pk])) + out))
            hours = merge((shift.opens, shift.closes) for shift in shifts.get(one.pk, []))
            found[one.pk] = common(free, span.fitting(hours)) if one.pk in ever else free
        return found


def means_of(
    members: Sequence[Resource],
    first: dt.date,
    last: dt.date,
    closures: Sequence[Closure],
    zone: zoneinfo.ZoneInfo,
) -> Means:
    """Two queries, none without members."""
    ids = [one.pk for one in members]
    off: Taken = {pk: [] for pk in ids}
    if not ids:
        return Means([], off, first, last, closures, zone)
    opens = dt.datetime.combine(first - dt.timedelta(days=2), dt.time(), dt.UTC)
    closes = dt.datetime.combine(last + dt.timedelta(days=2), dt.time(), dt.UTC)
    for row in ResourceTimeOff.objects.filter(resource__in=ids, starts_at__lt=closes, ends_at__gt=opens):
        off[row.resource_id].append((int(row.starts_at.timestamp()), int(row.ends_at.timestamp())))
    return Means(_weekly(ids, zone), off, first, last, closures, zone)


def _weekly(ids: Sequence[uuid.UUID], zone: zoneinfo.ZoneInfo) -> list[Weekly]:
    values: Any = (
        ResourceHours.objects.filter(resource__in=ids)
        .order_by()
        .values_list(
            "resource_id", "weekday", "starts", "ends", "valid_from", "valid_until",
            "resource__location_id", "resource__location__time_zone",
        )
    )  # fmt: skip
    make: Any = Weekly
    found = []
    for *facts, place, clock in values:
        found.append(make(*facts, place, None, zoneinfo.ZoneInfo(str(clock)) if clock else zone))
    return found
