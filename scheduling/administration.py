"""A manager's verbs of the diary: clinicians, their hours and time off, the types of visit."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from practices import audit, changes
from practices.administration import Hours, NotAllowed
from practices.audit import Actor
from practices.models import Location, Weekday
from practices.tenancy import current_practice
from scheduling.models import (
    Appointment,
    AppointmentType,
    AppointmentTypeOffer,
    Practitioner,
    TimeOff,
    WeeklyHours,
)
from scheduling.resources import MOST_TIME_OFF, check_span
from scheduling.wallclock import boundary
from scheduling.words import clock

REGIONS = ("appointments", "reviews")
MOST_HOURS = 200  # stretches of one clinician
WINTER, SUMMER = dt.date(2027, 1, 11), dt.date(2027, 7, 12)


@dataclass(frozen=True, slots=True)
class Period:
    """From when until when hours hold, both days included (None is without end), and at which place.

    Without a place they are worked where the clinician usually is.
    """

    first: dt.date | None
    last: dt.date | None
    location_id: uuid.UUID | None = None
    room_id: uuid.UUID | None = None

    def meets(self, other: "Period") -> bool:
        return (self.first is None or other.last is None or self.first <= other.last) and (
            other.first is None or self.last is None or other.first <= self.last
        )

    @property
    def words(self) -> str:
        begins = f"from {self.first:%b} {self.first.day}, {self.first.year}" if self.first else ""
        ends = f"until {self.last:%b} {self.last.day}, {self.last.year}" if self.last else ""
        return f"{begins} {ends}".strip() or "always"


@transaction.atomic
def save_practitioner(
    *, practitioner: Practitioner | None, values: dict[str, Any], by: Actor
) -> Practitioner:
    """Adds a clinician or changes one; who sees nobody any more keeps the visits that were booked."""
    row = practitioner or Practitioner(practice=current_practice(), position=Practitioner.objects.count())
    before = {name: str(getattr(row, name, "")) for name in values}
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    different = {
        name: [before[name], str(value)] for name, value in values.items() if before[name] != str(value)
    }
    verb = "practitioner.changed" if practitioner else "practitioner.added"
    audit.record(verb, row, by=by, changes=different)
    changes.announce(current_practice(), *REGIONS)
    return row


def periods_of(rows: Iterable[WeeklyHours]) -> dict[Period, list[Hours]]:
    """A clinician's hours by the time for which they hold, the oldest first."""
    found: dict[Period, list[Hours]] = {}
    for row in rows:
        period = Period(row.valid_from, row.valid_until, row.location_id, row.room_id)
        found.setdefault(period, []).append(Hours(row.weekday, row.starts, row.ends))
    return dict(sorted(found.items(), key=lambda item: item[0].first or dt.date.min))


@transaction.atomic
def set_hours(
    *,
    practitioner: Practitioner,
    period: Period,
    week: Sequence[Hours],
    instead_of: Period | None = None,
    end_earlier: bool = False,
    by: Actor,
) -> None:
    """Writes the hours of a period; `instead_of` are the ones that go, an empty week only takes them away.

    With `end_earlier` hours that hold already end the day before the new ones begin. Raises NotAllowed for
    hours that would hold beside contradicting ones.
    """
    practitioner = Practitioner.objects.select_for_update().get(pk=practitioner.pk)
    mine = WeeklyHours.objects.filter(practitioner=practitioner)
    before = [str(row) for row in mine]
    if instead_of is not None:
        place = {"location": instead_of.location_id, "room": instead_of.room_id}
        mine.filter(valid_from=instead_of.first, valid_until=instead_of.last, **place).delete()
    if end_earlier and period.first:
        end_before(mine, period.first)
    if mine.all().count() + len(week) > MOST_HOURS:
        raise NotAllowed(f"At most {MOST_HOURS} stretches of hours. Take away those that are over.")
    check_against(list(mine.all()), period, week, Clocks(practitioner))
    rows = [
        WeeklyHours(
            practice=current_practice(),
            practitioner=practitioner,
            weekday=span.weekday,
            starts=span.starts,
            ends=span.ends,
            valid_from=period.first,
            valid_until=period.last,
            location_id=period.location_id,
            room_id=period.room_id,
        )
        for span in week
    ]
    WeeklyHours.objects.bulk_create(rows)
    audit.record(
        "practitioner.hours-changed", practitioner, by=by, changes={"hours": [before, [str(r) for r in rows]]}
    )
    changes.announce(current_practice(), *REGIONS)


def end_before(mine: "QuerySet[WeeklyHours]", day: dt.date) -> None:
    """Ends what holds on `day` the day before; what would begin later stays."""
    for row in mine:
        if row.valid_on(day) and (row.valid_from is None or row.valid_from < day):
            row.valid_until = day - dt.timedelta(days=1)
            row.save(update_fields=["valid_until"])


class Clocks:
    """The clocks of the places at which a clinician works."""

    def __init__(self, practitioner: Practitioner) -> None:
        self.usual, self.practice = practitioner.location_id, current_practice().zone
        self.zones = {row.pk: row.zone for row in Location.objects.all()}

    def moments(self, location_id: uuid.UUID | None, span: Hours, monday: dt.date) -> tuple[dt.datetime, ...]:
        """When a stretch of hours begins and ends in the week of a Monday."""
        place: uuid.UUID | None = location_id or self.usual
        zone = (self.zones.get(place) if place is not None else None) or self.practice
        day = monday + dt.timedelta(days=span.weekday - 1)
        return boundary(day, span.starts, zone), boundary(day, span.ends, zone, closing=True)


def check_against(
    others: Sequence[WeeklyHours], period: Period, week: Sequence[Hours], clocks: Clocks
) -> None:
    """Refuses hours that lie over others while both hold: nobody is at two places at once.

    Two places may keep two clocks, so moments are compared, in a week of winter and in one of summer.
    """
    for span, other in product(week, others):
        held = Period(other.valid_from, other.valid_until)
        theirs = Hours(other.weekday, other.starts, other.ends)
        if held.meets(period) and any(
            clocks.moments(period.location_id, span, monday)[0]
            < clocks.moments(other.location_id, theirs, monday)[1]
            and clocks.moments(other.location_id, theirs, monday)[0]
            < clocks.moments(period.location_id, span, monday)[1]
            for monday in (WINTER, SUMMER)
        ):
            raise NotAllowed(
                f"{Weekday(span.weekday).label} {clock(span.starts)} to {clock(span.ends)} lies over "
                f"{clock(other.starts)} to {clock(other.ends)}, which holds {held.words}. "
                "Change those hours, or let them end before the new ones begin."
            )


@transaction.atomic
def add_time_off(
    *, practitioner: Practitioner, starts_at: dt.datetime, ends_at: dt.datetime, label: str, by: Actor
) -> TimeOff:
    """A span in which the clinician sees nobody; visits in it stay until somebody moves them."""
    check_span(starts_at, ends_at)
    ahead = TimeOff.objects.filter(practitioner=practitioner, ends_at__gt=timezone.now())
    if ahead.count() >= MOST_TIME_OFF:
        raise NotAllowed(f"At most {MOST_TIME_OFF} spans of time off ahead. Join those that touch.")
    row = TimeOff(
        practice=current_practice(),
        practitioner=practitioner,
        starts_at=starts_at,
        ends_at=ends_at,
        label=label,
    )
    row.save(force_insert=True)
    audit.record("time-off.added", row, by=by, changes={"starts_at": [None, str(starts_at)]})
    changes.announce(current_practice(), *REGIONS)
    return row


@transaction.atomic
def remove_time_off(*, time_off: TimeOff, by: Actor) -> None:
    audit.record("time-off.removed", time_off, by=by, changes={"starts_at": [str(time_off.starts_at), None]})
    time_off.delete()
    changes.announce(current_practice(), *REGIONS)


def visits_hit(time_off: TimeOff) -> dict[dt.date, int]:
    """How many booked visits lie in a span of time off, by day."""
    rows = Appointment.objects.filter(practitioner=time_off.practitioner_id, status="booked")
    days = rows.overlapping(time_off.starts_at, time_off.ends_at).values_list("local_date", flat=True)
    counts: dict[dt.date, int] = {}
    for day in days.order_by("local_date"):
        counts[day] = counts.get(day, 0) + 1
    return counts


@transaction.atomic
def save_type(
    *, kind: AppointmentType | None, values: dict[str, Any], offered_by: Iterable[uuid.UUID], by: Actor
) -> AppointmentType:
    """Adds a type of visit or changes one, and who offers it; booked visits keep their length."""
    row = kind or AppointmentType(practice=current_practice(), position=AppointmentType.objects.count())
    before = {name: str(getattr(row, name, "")) for name in values}
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    wanted = set(offered_by)
    row.offers.exclude(practitioner__in=wanted).delete()
    there = set(row.offers.values_list("practitioner_id", flat=True))
    AppointmentTypeOffer.objects.bulk_create(
        AppointmentTypeOffer(practice=current_practice(), appointment_type=row, practitioner_id=key)
        for key in sorted(wanted - there)
    )
    different: dict[str, Any] = {
        name: [before[name], str(value)] for name, value in values.items() if before[name] != str(value)
    }
    different["offered_by"] = [sorted(map(str, there)), sorted(map(str, wanted))]
    audit.record("type.changed" if kind else "type.added", row, by=by, changes=different)
    changes.announce(current_practice(), *REGIONS)
    return row
