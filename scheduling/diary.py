"""What is known of practitioners' time, read in four queries: hours, time off, closures, what is taken."""

import datetime as dt
import uuid
import zoneinfo
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from django.db.models import Aggregate, BigIntegerField, Func, Q, TextField
from django.utils import timezone

from practices.models import Closure
from practices.prepared import Prepared
from practices.tenancy import current_practice
from scheduling.models import LONGEST_VISIT, BusySlot, Practitioner, TimeOff, WeeklyHours
from scheduling.stretches import Stretch, merge
from scheduling.wallclock import boundary


class Seconds(Func):
    """Seconds since 1970: reading a month of visits as datetimes costs more than the sweep."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)::bigint"
    output_field = BigIntegerField()


class MergedEdges(Aggregate):
    """The stretches of many rows, those that touch made one: their edges in seconds, with commas between."""

    template = """(
        SELECT string_agg(
            date_part('epoch', lower(one))::bigint || ',' || date_part('epoch', upper(one))::bigint, ','
        )
        FROM unnest(range_agg(tstzrange(%(expressions)s))) one
    )"""
    output_field = TextField()

    def __init__(self, starts: str = "starts_at", ends: str = "ends_at", **extra: Any) -> None:
        super().__init__(starts, ends, **extra)


class Place(NamedTuple):
    """Where hours are worked, and on which clock."""

    location_id: uuid.UUID | None
    room_id: uuid.UUID | None
    zone: zoneinfo.ZoneInfo
    reachable: bool = True  # whether it can be reached without steps, as far as anybody noted


class Shift(NamedTuple):
    """A stretch of somebody's hours at one place; shifts read together share the places that are the same."""

    opens: int
    closes: int
    place: Place

    @property
    def location_id(self) -> uuid.UUID | None:
        return self.place.location_id

    @property
    def room_id(self) -> uuid.UUID | None:
        return self.place.room_id

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return self.place.zone


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


def taken_of(
    ids: Any, opens: Any, closes: Any, now: Any, since: Any, own_hold: str = "", leaves: Any = None
) -> Any:
    """One row for each of the resources: thousands of rows would cost more than everything that follows."""
    rows = BusySlot.objects.standing(now).between(opens, closes, since).order_by()
    rows = rows.filter(resource_id__among=ids)
    if own_hold:
        rows = rows.exclude(hold__key=own_hold)
    if leaves:
        rows = rows.exclude(appointment=leaves)
    return rows.values("resource_id").annotate(edges=MergedEdges()).values_list("resource_id", "edges")


def weekly_of(ids: Any, days: Any, *, with_rooms: bool = False) -> Any:
    """The hours of some people on some weekdays, and of everybody who works in a room."""
    whose = Q(practitioner__among=ids)
    if with_rooms:
        whose |= Q(practitioner__active=True) & (Q(room__isnull=False) | Q(practitioner__room__isnull=False))
    return WeeklyHours.objects.filter(whose, weekday__among=days).order_by().values_list(
        "practitioner_id", "weekday", "starts", "ends", "valid_from", "valid_until",
        "location_id", "room_id", "practitioner__location_id", "practitioner__room_id",
        "location__time_zone", "practitioner__location__time_zone",
        "location__step_free", "practitioner__location__step_free",
    )  # fmt: skip


CLOSURES = Prepared(lambda first, last: Closure.objects.filter(first_day__lte=last, last_day__gte=first))
TIME_OFF = Prepared(
    lambda ids, opens, closes: (
        TimeOff.objects.filter(practitioner__among=ids, starts_at__lt=closes, ends_at__gt=opens)
        .order_by()
        .values_list("practitioner_id", "starts_at", "ends_at", "label")
    )
)
TAKEN = Prepared(taken_of)
TAKEN_BUT = Prepared(taken_of)  # the time of one hold
WEEKLY = Prepared(weekly_of)
WEEKLY_WITH_ROOMS = Prepared(partial(weekly_of, with_rooms=True))


def read_diary(
    practitioners: Sequence[Practitioner],
    first: dt.date,
    last: dt.date,
    *,
    visits: bool = True,
    also: Collection[uuid.UUID] = (),
    with_rooms: bool = False,
    own_hold: str = "",
    leaves: uuid.UUID | None = None,
) -> Diary:
    """The diary of these practitioners from the first to the last day, both included; four queries.

    Three without `visits`: that is enough to know whether somebody is there at all. `also` are rooms and
    other resources whose taken time is read along; `with_rooms` reads the hours of everybody who works in a
    room, so that it is known whose a room is. The hold under the key `own_hold` takes nothing, nor does the
    visit `leaves`, which would go elsewhere.
    """
    zone = current_practice().zone
    ids = [practitioner.pk for practitioner in practitioners]
    opens = boundary(first, dt.time(0), zone)
    closes = boundary(last + dt.timedelta(days=1), dt.time(0), zone)
    closures = CLOSURES.ask(first=first, last=last)
    out: dict[uuid.UUID, list[tuple[int, int, str]]] = defaultdict(list)
    for row in TIME_OFF.ask(ids=ids, opens=opens, closes=closes):
        out[row.practitioner_id].append(
            (int(row.starts_at.timestamp()), int(row.ends_at.timestamp()), row.label)
        )
    taken = taken_time({*ids, *also}, opens, closes, own_hold, leaves) if visits else defaultdict(list)
    read = WEEKLY_WITH_ROOMS if with_rooms else WEEKLY
    rows = read.ask(ids=ids, days=sorted(weekdays_of(first, last)))
    shifts = shifts_of(_weekly(rows, zone), first, last, closures, zone)
    hours = {key: merge((one.opens, one.closes) for one in rows) for key, rows in shifts.items()}
    return Diary(zone, defaultdict(list, hours), out, taken, closures, defaultdict(list, shifts))


def taken_time(
    ids: Collection[uuid.UUID],
    opens: dt.datetime,
    closes: dt.datetime,
    own_hold: str = "",
    leaves: uuid.UUID | None = None,
) -> dict[uuid.UUID, list[Stretch]]:
    """What is taken of practitioners, rooms and other resources, buffers included; one query."""
    taken: dict[uuid.UUID, list[Stretch]] = defaultdict(list)
    asked = {"ids": list(ids), "opens": opens, "closes": closes, "now": timezone.now()}
    asked["since"] = opens - LONGEST_VISIT
    if leaves:
        rows = taken_of(**asked, own_hold=own_hold, leaves=leaves)
    else:
        rows = TAKEN_BUT.ask(**asked, own_hold=own_hold) if own_hold else TAKEN.ask(**asked)
    for key, edges in rows:
        seconds = iter(map(int, edges.split(",")))
        taken[key] = list(zip(seconds, seconds, strict=True))
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

    @property
    def place(self) -> Place:
        return Place(self.location_id, self.room_id, self.zone, self.reachable)


def weekdays_of(first: dt.date, last: dt.date) -> set[int]:
    """The weekdays between two days, and one to either side: other clocks may be a day ahead or behind."""
    days = range(-1, min((last - first).days + 2, 8))
    return {(first + dt.timedelta(days=offset)).isoweekday() for offset in days}


def _weekly(rows: Iterable[Any], zone: zoneinfo.ZoneInfo) -> list[Weekly]:
    """Rows of WEEKLY with place and clock: their own, else the clinician's."""
    found = []
    room: uuid.UUID | None
    make: Any = Weekly
    for *facts, location, room, own_location, own_room, clock, own_clock, free, own_free in rows:
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
    days: dict[int, list[dt.date]] = defaultdict(list)
    for offset in range(-1, (last - first).days + 2):
        day = first + dt.timedelta(days=offset)
        if not any(closure.first_day <= day <= closure.last_day for closure in closures):
            days[day.isoweekday()].append(day)
    known: dict[tuple[Any, ...], list[Stretch]] = {}  # colleagues keep the same hours
    places: dict[Place, Place] = {}
    found: dict[uuid.UUID, list[Shift]] = defaultdict(list)
    for row in weekly:
        pattern = (*row[1:6], row.zone)
        if pattern not in known:
            worked = [day for day in days[row.weekday] if row.zone != zone or first <= day <= last]
            known[pattern] = [_instants(row, day) for day in worked if _holds(row, day)]
        if known[pattern]:
            place = row.place
            place = places.setdefault(place, place)
            found[row.whose] += [Shift(opens, closes, place) for opens, closes in known[pattern]]
    return {key: _joined(shifts) for key, shifts in found.items()}


def _instants(row: Weekly, day: dt.date) -> Stretch:
    opens = boundary(day, row.starts, row.zone)
    closes = boundary(day, row.ends, row.zone, closing=True)
    return int(opens.timestamp()), int(closes.timestamp())


def _holds(row: Weekly, day: dt.date) -> bool:
    return (row.valid_from is None or row.valid_from <= day) and (
        row.valid_until is None or day <= row.valid_until
    )


def _joined(shifts: list[Shift]) -> list[Shift]:
    joined: list[Shift] = []
    for shift in sorted(shifts, key=lambda one: one[:2]):
        last = joined[-1] if joined else None
        if last is not None and shift.opens <= last.closes and shift.place == last.place:
            joined[-1] = last._replace(closes=max(last.closes, shift.closes))
        elif last is not None and shift.opens < last.closes:
            # Two places at once is a slip that settings refuse; nobody is at both.
            if shift.closes > last.closes:
                joined.append(shift._replace(opens=last.closes))
        elif shift.opens < shift.closes:
            joined.append(shift)
    return joined
