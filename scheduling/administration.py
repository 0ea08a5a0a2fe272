"""A manager's verbs of the diary: clinicians, their hours and time off, the types of visit."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from practices import audit, changes
from practices.administration import Hours, NotAllowed
from practices.audit import Actor
from practices.models import Weekday
from practices.tenancy import current_practice
from scheduling.models import (
    Appointment,
    AppointmentType,
    AppointmentTypeOffer,
    Practitioner,
    TimeOff,
    WeeklyHours,
)
from scheduling.words import clock

REGIONS = ("appointments", "reviews")


@dataclass(frozen=True, slots=True)
class Period:
    """From when until when hours hold, both days included; None is without end."""

    first: dt.date | None
    last: dt.date | None

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
        period = Period(row.valid_from, row.valid_until)
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
        mine.filter(valid_from=instead_of.first, valid_until=instead_of.last).delete()
    if end_earlier and period.first:
        end_before(mine, period.first)
    check_against(list(mine), period, week)
    rows = [
        WeeklyHours(
            practice=current_practice(),
            practitioner=practitioner,
            weekday=span.weekday,
            starts=span.starts,
            ends=span.ends,
            valid_from=period.first,
            valid_until=period.last,
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


def check_against(others: Sequence[WeeklyHours], period: Period, week: Sequence[Hours]) -> None:
    """Refuses hours that lie over others of the same weekday while both hold."""
    for span in week:
        for other in others:
            held = Period(other.valid_from, other.valid_until)
            same_time = (
                other.weekday == span.weekday and other.starts < span.ends and span.starts < other.ends
            )
            if same_time and held.meets(period):
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
    if ends_at <= starts_at:
        raise NotAllowed("The time off ends before it begins.")
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
