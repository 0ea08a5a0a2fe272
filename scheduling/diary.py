"""What is known of practitioners' time, read in four queries, and the sweep that finds the gaps in it."""

import datetime as dt
import uuid
import zoneinfo
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import BigIntegerField, Func

from practices.models import Closure
from practices.tenancy import current_practice
from scheduling.models import BusySlot, Practitioner, TimeOff, WeeklyHours
from scheduling.wallclock import boundary

Stretch = tuple[int, int]  # from and to, in seconds since 1970
LONGEST_VISIT = dt.timedelta(hours=24)  # lets the index of taken time be cut off at the left


def sweep(hours: Sequence[Stretch], taken: Sequence[Stretch], length: int, step: int) -> list[int]:
    """The starts at which `length` fits into the hours beside what is taken.

    Both lists are sorted and free of overlaps (`merge`). Starts lie on a grid of `step` that begins
    anew with each stretch of hours.
    """
    starts: list[int] = []
    at = 0
    for opens, closes in hours:
        start = opens
        while start + length <= closes:
            while at < len(taken) and taken[at][1] <= start:
                at += 1
            if at < len(taken) and taken[at][0] < start + length:
                # Over what is in the way, to the next line of the grid.
                start += -(-(taken[at][1] - start) // step) * step
            else:
                starts.append(start)
                start += step
    return starts


def merge(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Sorted, without overlaps: stretches that touch become one."""
    merged: list[Stretch] = []
    for starts, ends in sorted(stretches):
        if merged and starts <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ends))
        else:
            merged.append((starts, ends))
    return merged


class Seconds(Func):
    """Seconds since 1970: reading a month of visits as datetimes costs more than the sweep."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)::bigint"
    output_field = BigIntegerField()


@dataclass(frozen=True, slots=True)
class Diary:
    """What is known of some practitioners' time between two days."""

    zone: zoneinfo.ZoneInfo
    hours: dict[uuid.UUID, list[Stretch]]
    out: dict[uuid.UUID, list[tuple[int, int, str]]]
    visits: dict[uuid.UUID, list[Stretch]]
    closures: list[Closure]

    def taken(self, practitioner_id: uuid.UUID) -> list[Stretch]:
        """Visits and time off of a practitioner, merged."""
        out = [(starts, ends) for starts, ends, _ in self.out[practitioner_id]]
        return merge(self.visits[practitioner_id] + out)


def read_diary(
    practitioners: Sequence[Practitioner], first: dt.date, last: dt.date, *, visits: bool = True
) -> Diary:
    """The diary of these practitioners from the first to the last day, both included; four queries.

    Three without `visits`: that is enough to know whether somebody is there at all.
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
    taken = _taken(ids, opens, closes) if visits else defaultdict(list)
    days = [first + dt.timedelta(days=offset) for offset in range(min((last - first).days + 1, 7))]
    weekly = WeeklyHours.objects.filter(practitioner__in=ids, weekday__in={day.isoweekday() for day in days})
    return Diary(zone, _hours(weekly, first, last, closures, zone), out, taken, closures)


def _taken(
    ids: Sequence[uuid.UUID], opens: dt.datetime, closes: dt.datetime
) -> dict[uuid.UUID, list[Stretch]]:
    taken: dict[uuid.UUID, list[Stretch]] = defaultdict(list)
    rows = BusySlot.objects.standing().between(opens, closes).order_by()
    rows = rows.filter(resource_id__in=ids, starts_at__gt=opens - LONGEST_VISIT)
    seconds = rows.values_list("resource_id", Seconds("starts_at"), Seconds("ends_at"))
    for practitioner_id, starts, ends in seconds:
        taken[practitioner_id].append((starts, ends))
    return taken


def _hours(
    weekly: Iterable[WeeklyHours],
    first: dt.date,
    last: dt.date,
    closures: Sequence[Closure],
    zone: zoneinfo.ZoneInfo,
) -> dict[uuid.UUID, list[Stretch]]:
    by_weekday: dict[int, list[WeeklyHours]] = defaultdict(list)
    for row in weekly:
        by_weekday[row.weekday].append(row)
    known: dict[tuple[dt.date, dt.time, bool], int] = {}  # colleagues keep the same hours

    def instant(day: dt.date, time: dt.time, closing: bool) -> int:
        key = (day, time, closing)
        if key not in known:
            known[key] = int(boundary(day, time, zone, closing=closing).timestamp())
        return known[key]

    hours: dict[uuid.UUID, list[Stretch]] = defaultdict(list)
    for offset in range((last - first).days + 1):
        day = first + dt.timedelta(days=offset)
        if any(closure.first_day <= day <= closure.last_day for closure in closures):
            continue
        for row in by_weekday[day.isoweekday()]:
            if row.valid_on(day):
                stretch = (instant(day, row.starts, False), instant(day, row.ends, True))
                hours[row.practitioner_id].append(stretch)
    return defaultdict(list, {key: merge(stretches) for key, stretches in hours.items()})
