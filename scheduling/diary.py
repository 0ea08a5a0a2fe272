"""What is known of practitioners' time, read in four queries: hours, time off, closures, what is taken."""

import datetime as dt
import uuid
import zoneinfo
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import BigIntegerField, Func, Q, TextField
from django.db.models.functions import Cast

from practices.models import Closure
from practices.tenancy import current_practice
from scheduling.models import BusySlot, Practitioner, TimeOff, WeeklyHours
from scheduling.stretches import Stretch, merge
from scheduling.wallclock import boundary

LONGEST_VISIT = dt.timedelta(hours=36)  # with buffers; lets the index of taken time be cut off at the left


class Seconds(Func):
    """Seconds since 1970: reading a month of visits as datetimes costs more than the sweep."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)::bigint"
    output_field = BigIntegerField()


class Shift(NamedTuple):
    """A stretch of somebody's hours, and where it is worked."""

    opens: int
    closes: int
    location_id: uuid.UUID | None
    room_id: uuid.UUID | None
    zone: zoneinfo.ZoneInfo
    reachable: bool = True  # whether the place can be reached without steps, as far as anybody noted


@dataclass(frozen=True, slots=True)
class Diary:
    """What is known of some practitioners' time between two days."""

    zone: zoneinfo.ZoneInfo
    hours: dict[uuid.UUID, list[Stretch]]
    out: dict[uuid.UUID, list[tuple[int, int, str]]]
    visits: dict[uuid.UUID, list[Stretch]]
    closures: list[Closure]
    shifts: dict[uuid.UUID, list[Shift]]  # the same hours, apart where the place changes

    def off(self, practitioner_id: uuid.UUID) -> list[Stretch]:
        """Time off, merged."""
        return merge((starts, ends) for starts, ends, _ in self.out[practitioner_id])

    def taken(self, practitioner_id: uuid.UUID) -> list[Stretch]:
        """Visits and time off of a practitioner, merged."""
        return merge(self.visits[practitioner_id] + self.off(practitioner_id))


def read_diary(
    practitioners: Sequence[Practitioner],
    first: dt.date,
    last: dt.date,
    *,
    visits: bool = True,
    also: Collection[uuid.UUID] = (),
    with_rooms: bool = False,
    own_hold: str = "",
) -> Diary:
    """The diary of these practitioners from the first to the last day, both included; four queries.

    Three without `visits`: that is enough to know whether somebody is there at all. `also` are rooms and
    other resources whose taken time is read along; `with_rooms` reads the hours of everybody who works in a
    room, so that it is known whose a room is. The hold under the key `own_hold` takes nothing.
    """
    zone = current_practice().zone
    ids = [practitioner.pk for practitioner in practitioners]
    opens = boundary(first, dt.time(0), zone)
    closes = boundary(last + dt.timedelta(days=1), dt.time(0), zone)
    closures = list(Closure.objects.filter(first_day__lte=last, last_day__gte=first))
    out: dict[uuid.UUID, list[tuple[int, int, str]]] = defaultdict(list)
    for row in TimeOff.objects.filter(practitioner__in=ids, starts_at__lt=closes, ends_at__gt=opens):
        out[row.practitioner_id].append(
            (int(row.starts_at.timestamp()), int(row.ends_at.timestamp()), row.label)
        )
    taken = taken_time({*ids, *also}, opens, closes, own_hold) if visits else defaultdict(list)
    whose = Q(practitioner__in=ids)
    if with_rooms:
        whose |= Q(practitioner__active=True) & (Q(room__isnull=False) | Q(practitioner__room__isnull=False))
    shifts = shifts_of(_weekly(whose, first, last, zone), first, last, closures, zone)
    hours = {key: merge((one.opens, one.closes) for one in rows) for key, rows in shifts.items()}
    return Diary(zone, defaultdict(list, hours), out, taken, closures, defaultdict(list, shifts))


def taken_time(
    ids: Collection[uuid.UUID], opens: dt.datetime, closes: dt.datetime, own_hold: str = ""
) -> dict[uuid.UUID, list[Stretch]]:
    """What is taken of practitioners, rooms and other resources, buffers included; one query."""
    taken: dict[uuid.UUID, list[Stretch]] = defaultdict(list)
    rows = BusySlot.objects.standing().between(opens, closes).order_by()
    rows = rows.filter(resource_id__in=ids, starts_at__gt=opens - LONGEST_VISIT)
    if own_hold:
        rows = rows.exclude(hold__key=own_hold)
    # One row for each of them: thousands of rows would cost more than everything that follows.
    listed = {
        f"all_{name}": StringAgg(Cast(Seconds(name), TextField()), ",", order_by=("starts_at", "ends_at"))
        for name in ("starts_at", "ends_at")
    }
    each = rows.values("resource_id").annotate(**listed)
    for key, starts, ends in each.values_list("resource_id", *listed):
        taken[key] = list(zip(map(int, starts.split(",")), map(int, ends.split(",")), strict=True))
    return taken


class Weekly(NamedTuple):
    """A row of weekly hours, of a practitioner or a resource, with its own clock."""

    whose: uuid.UUID
    weekday: int
    starts: dt.time
    ends: dt.time
    valid_from: dt.date | None
    valid_until: dt.date | None
    location_id: uuid.UUID | None
    room_id: uuid.UUID | None
    zone: zoneinfo.ZoneInfo
    reachable: bool = True


def weekdays_of(first: dt.date, last: dt.date) -> set[int]:
    """The weekdays between two days, and one to either side: other clocks may be a day ahead or behind."""
    days = range(-1, min((last - first).days + 2, 8))
    return {(first + dt.timedelta(days=offset)).isoweekday() for offset in days}


def _weekly(whose: Q, first: dt.date, last: dt.date, zone: zoneinfo.ZoneInfo) -> list[Weekly]:
    rows = WeeklyHours.objects.filter(whose, weekday__in=weekdays_of(first, last)).order_by()
    values: Any = rows.values_list(
        "practitioner_id", "weekday", "starts", "ends", "valid_from", "valid_until",
        "location_id", "room_id", "practitioner__location_id", "practitioner__room_id",
        "location__time_zone", "practitioner__location__time_zone",
        "location__step_free", "practitioner__location__step_free",
    )  # fmt: skip
    found = []
    room: uuid.UUID | None
    make: Any = Weekly
    for *facts, location, room, own_location, own_room, clock, own_clock, free, own_free in values:
        name, step_free = (clock, free) if location else (own_clock, own_free)
        # A room of one place is of no use at another.
        room = room or (own_room if location in {None, own_location} else None)
        zone_there = zoneinfo.ZoneInfo(str(name)) if name else zone
        found.append(make(*facts, location or own_location, room, zone_there, step_free is not False))
    return found


def shifts_of(
    weekly: Iterable[Weekly],
    first: dt.date,
    last: dt.date,
    closures: Sequence[Closure],
    zone: zoneinfo.ZoneInfo,
) -> dict[uuid.UUID, list[Shift]]:
    """The hours of each on the days from first to last, in order; those that touch at one place are one."""
    by_weekday: dict[int, list[Weekly]] = defaultdict(list)
    for row in weekly:
        by_weekday[row.weekday].append(row)
    known: dict[tuple[dt.date, dt.time, bool, zoneinfo.ZoneInfo], int] = {}  # colleagues keep the same hours

    def instant(day: dt.date, time: dt.time, closing: bool, clock: zoneinfo.ZoneInfo) -> int:
        key = (day, time, closing, clock)
        if key not in known:
            known[key] = int(boundary(day, time, clock, closing=closing).timestamp())
        return known[key]

    found: dict[uuid.UUID, list[Shift]] = defaultdict(list)
    for offset in range(-1, (last - first).days + 2):
        day = first + dt.timedelta(days=offset)
        if any(closure.first_day <= day <= closure.last_day for closure in closures):
            continue
        for row in by_weekday[day.isoweekday()]:
            if (row.zone == zone and not first <= day <= last) or not _holds(row, day):
                continue
            opens, closes = instant(day, row.starts, False, row.zone), instant(day, row.ends, True, row.zone)
            found[row.whose].append(Shift(opens, closes, *row[6:]))
    return {key: _joined(shifts) for key, shifts in found.items()}


def _holds(row: Weekly, day: dt.date) -> bool:
    return (row.valid_from is None or row.valid_from <= day) and (
        row.valid_until is None or day <= row.valid_until
    )


def _joined(shifts: list[Shift]) -> list[Shift]:
    joined: list[Shift] = []
    for shift in sorted(shifts, key=lambda one: one[:2]):
        last = joined[-1] if joined else None
        if last is not None and shift.opens <= last.closes and shift[2:] == last[2:]:
            joined[-1] = last._replace(closes=max(last.closes, shift.closes))
        elif last is not None and shift.opens < last.closes:
            # Two places at once is a slip that settings refuse; nobody is at both.
            if shift.closes > last.closes:
                joined.append(shift._replace(opens=last.closes))
        elif shift.opens < shift.closes:
            joined.append(shift)
    return joined
