"""When the visits of a late clinician will begin: from their lengths and the gaps between them.

A delay is carried from visit to visit and grows smaller by each gap: a free time, lunch, a break, the visit
of somebody who did not come. Nothing here asks the database.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from scheduling.models import Appointment, Delay, Status

NONE = dt.timedelta()
FORGOTTEN = dt.timedelta(hours=2)  # after its end: nobody pressed Done, the clinician went on
WORTH_SAYING = 5  # minutes; less is no delay to anybody
WAITING = frozenset({"book", "conf", "arr"})


@dataclass(frozen=True, slots=True)
class Course:
    """How a clinician's day goes on: minutes behind now, and of each visit ahead how late it will be."""

    behind: int = 0
    late: dict[uuid.UUID, int] = field(default_factory=dict)
    expected: dict[uuid.UUID, dt.datetime] = field(default_factory=dict)


ON_TIME = Course()


def course_of(delay: Delay | None, visits: Iterable[Appointment], now: dt.datetime) -> Course:
    """What a delay makes of the visits of that clinician's day."""
    if delay is None or not delay.minutes or delay.since is None:
        return ON_TIME
    taking = sorted(
        (visit for visit in visits if visit.is_active and visit.starts_at >= delay.since), key=in_order
    )
    carried = carry(taking, delay.since, dt.timedelta(minutes=delay.minutes))
    late = {
        visit.pk: int(carried[visit.pk].total_seconds() // 60)
        for visit in taking
        if visit.stage in WAITING and carried[visit.pk] >= dt.timedelta(minutes=WORTH_SAYING)
    }
    expected = {visit.pk: visit.starts_at + carried[visit.pk] for visit in taking if visit.pk in late}
    present = present_visit(taking, carried, now)
    behind = int(carried[present.pk].total_seconds() // 60) if present else 0
    return Course(behind, late, expected)


def in_order(visit: Appointment) -> tuple[dt.datetime, uuid.UUID]:
    return visit.starts_at, visit.pk


def carry(
    visits: Sequence[Appointment], since: dt.datetime, delay: dt.timedelta
) -> dict[uuid.UUID, dt.timedelta]:
    """How late each visit begins, the first one by `delay`; buffers are work, what lies between is a gap.

    Visits that overlap on purpose, or share a group's time, are equally late.
    """
    carried: dict[uuid.UUID, dt.timedelta] = {}
    free_from = since
    for visit in visits:
        begins = visit.starts_at - dt.timedelta(minutes=visit.buffer_before)
        delay = max(NONE, delay - max(NONE, begins - free_from))
        carried[visit.pk] = delay
        free_from = max(free_from, visit.ends_at + dt.timedelta(minutes=visit.buffer_after))
    return carried


def present_visit(
    visits: Sequence[Appointment], late: dict[uuid.UUID, dt.timedelta], now: dt.datetime
) -> Appointment | None:
    """The visit in the room, else the next one that waits; None when nobody is left."""
    going_on = [visit for visit in visits if visit.ends_at + late.get(visit.pk, NONE) + FORGOTTEN > now]
    in_room = [visit for visit in going_on if visit.stage == "vis"]
    if in_room:
        return in_room[-1]
    return next((visit for visit in going_on if still_comes(visit, now, late.get(visit.pk, NONE))), None)


def still_comes(visit: Appointment, now: dt.datetime, late: dt.timedelta = NONE) -> bool:
    """Whether a visit has its turn before it; who is not here when the time is over holds nobody up."""
    return visit.stage == "arr" or (visit.stage in WAITING and visit.ends_at + late > now)


def starting_point(visits: Iterable[Appointment], now: dt.datetime) -> dt.datetime | None:
    """From which planned start on a delay that is said now counts; None when nobody is left."""
    taking = sorted(
        (visit for visit in visits if visit.status in {Status.BOOKED, Status.ARRIVED}), key=in_order
    )
    present = present_visit(taking, {}, now)
    return present.starts_at if present else None


def running_over(visits: Iterable[Appointment], now: dt.datetime) -> int:
    """By how many minutes the visit in the room is over its end, as far as that is known; a hint, no more."""
    ends = [v.ends_at for v in visits if v.stage == "vis" and v.seen_at and v.ends_at + FORGOTTEN > now]
    over = int((now - max(ends)).total_seconds() // 60) if ends else 0
    return over if over >= WORTH_SAYING else 0
