"""Visits at regular distances: the dates of a rule with what is in their way, booked and changed as one."""

import datetime as dt
import uuid
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from django.db import transaction
from django.utils import timezone

from patients.models import Patient
from practices import audit
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.batches import Move, Plan, book_visits
from scheduling.clocks import local_start, zone_at, zone_of
from scheduling.collisions import Verdict, Wanted, look_at, wanted
from scheduling.drafts import Slot
from scheduling.means import means_of
from scheduling.models import Appointment, AppointmentType, Practitioner, Series, Status
from scheduling.recurrence import LONGEST, BadRule, days_of, read_rule
from scheduling.refusals import BookingRefused, NotOpen
from scheduling.wallclock import TimeDoesNotExist, TimeIsAmbiguous, resolve

GAP, TWICE = "gap", "twice"
Scope = Literal["one", "later", "all"]
SCOPES: dict[str, str] = {
    "one": "Only this one",
    "later": "This and the later ones",
    "all": "All of the series",
}


@dataclass(frozen=True, slots=True)
class Dated:
    """A date of a series: the wall clock that is meant, the instant if there is one, what is in the way."""

    position: int
    day: dt.date
    time: dt.time
    practitioner: Practitioner
    starts_at: dt.datetime | None
    zone: zoneinfo.ZoneInfo  # of the wall clock
    verdict: Verdict = Verdict()  # noqa: RUF009 - frozen
    twice: tuple[dt.datetime, ...] = ()  # the two instants, where the clocks pass the time twice
    visit: Appointment | None = None  # the one that would move there

    @property
    def fits(self) -> bool:
        return self.starts_at is not None and self.verdict.fits


def dated(
    position: int,
    day: dt.date,
    time: dt.time,
    practitioner: Practitioner,
    zone: zoneinfo.ZoneInfo,
    visit: Appointment | None = None,
) -> Dated:
    """A date on the wall clock; one in the gap or the fold of a clock change says so."""
    row = Dated(position, day, time, practitioner, None, zone, visit=visit)
    try:
        return replace(row, starts_at=resolve(day, time, zone))
    except TimeIsAmbiguous as twice:
        words = "That time comes twice, the clocks go back: say which is meant."
        return replace(row, verdict=Verdict(TWICE, words), twice=(twice.first, twice.second))
    except TimeDoesNotExist:
        return replace(row, verdict=Verdict(GAP, "That time does not exist: the clocks go forward."))


def first_of(slot: Slot) -> dt.datetime:
    """Where a series begins, on the clock that all its dates keep: that of the place, not the practice's."""
    return slot.starts_at.astimezone(zone_at(slot.starts_at, slot.practitioner))


def dates_of(rule: str, first: Slot) -> list[Dated]:
    """The dates of a rule that begins at a slot, on the wall clock of its place; raises BadRule."""
    local = first_of(first)
    zone = zone_at(first.starts_at, first.practitioner)
    time = local.time().replace(fold=0)
    rows = [
        dated(place, day, time, first.practitioner, zone)
        for place, day in enumerate(days_of(rule, local.date()), start=1)
    ]
    # The first time was chosen as an instant: it is known which of two it is.
    return [
        replace(row, starts_at=first.starts_at, verdict=Verdict(), twice=())
        if row.day == local.date()
        else row
        for row in rows
    ]


def with_conflicts(
    rows: Sequence[Dated], kind: AppointmentType, patient: Patient | None = None, *, hold_key: str = ""
) -> list[Dated]:
    """The same dates, each with what is in its way; the same number of queries for two and for fifty."""
    extra = means_of(kind, patient).wants.extra_minutes if patient is not None else 0
    asked: list[tuple[int, Wanted]] = []
    for place, row in enumerate(rows):
        if row.starts_at is None:
            continue
        if row.visit is not None:
            move = Move(row.visit, row.visit.version, row.starts_at, row.practitioner)
            asked.append((place, move.wanted()))
        else:
            asked.append((place, wanted(kind, row.practitioner, row.starts_at, patient, extra=extra)))
    verdicts = look_at([one for _, one in asked], key=hold_key)
    found = {place: verdict for (place, _), verdict in zip(asked, verdicts, strict=True)}
    return [replace(row, verdict=found.get(place, row.verdict)) for place, row in enumerate(rows)]


@transaction.atomic
def book_series(
    *,
    patient: Patient,
    appointment_type: AppointmentType,
    dates: Sequence[Slot],
    rule: str,
    reason: str = "",
    hold_key: str = "",
    tell_patient: bool = True,
    by: Actor,
) -> tuple[Series, list[Appointment]]:
    """Books every date or none; raises DatesRefused with what is in the way of each, BadRule, NotOffered."""
    check_dates(dates)
    read_rule(rule)
    dates = sorted(dates, key=lambda slot: slot.starts_at)
    series = Series(
        practice=current_practice(),
        patient=patient,
        rule=rule.strip()[:200],
        total=len(dates),
        made_by=by.user,
    )
    series.save(force_insert=True)
    visits = book_visits(
        plans=[
            Plan(patient, slot.practitioner, appointment_type, slot.starts_at, reason=reason)
            for slot in dates
        ],
        belongs=[{"series": series, "series_position": place} for place in range(1, len(dates) + 1)],
        hold_key=hold_key,
        tell_patient=tell_patient,
        by=by,
    )
    audit.record("series.booked", series, by=by, patient_id=patient.pk, changes={"total": [None, len(dates)]})
    return series, visits


def check_dates(dates: Sequence[Slot]) -> None:
    """Refuses what no rule would have given: too few, too many, too far apart."""
    if len(dates) < 2:
        raise BadRule("A series has at least two dates: book a single visit instead.", "count")
    if len(dates) > Series.MOST_DATES:
        raise BadRule(f"A series has at most {Series.MOST_DATES} dates.", "count")
    moments = sorted(slot.starts_at for slot in dates)
    if moments[-1] > moments[0] + LONGEST + dt.timedelta(days=31):
        raise BadRule("A series is booked at most two years ahead.", "until")


def visits_of(series_id: uuid.UUID) -> list[Appointment]:
    """The visits of a series as they stand, by their place; one query."""
    found = Appointment.objects.with_people().filter(series=series_id)
    rows = list(found.exclude(status=Status.ENTERED_IN_ERROR))
    moved_away = {visit.rescheduled_from_id for visit in rows}
    standing = [visit for visit in rows if visit.pk not in moved_away]
    return sorted(standing, key=lambda visit: visit.series_position or 0)


def in_scope(visit: Appointment, scope: str) -> list[Appointment]:
    """The visits that a change of one, of this and later, or of all is about; only what is still to come."""
    if scope not in SCOPES:
        raise BookingRefused("Choose: only this one, this and the later ones, or all.")
    if scope == "one" or visit.series_id is None:
        return [visit]
    now = timezone.now()
    coming = [one for one in visits_of(visit.series_id) if one.is_open and one.starts_at > now]
    if scope == "later":
        coming = [one for one in coming if (one.series_position or 0) >= (visit.series_position or 0)]
    if not coming:
        raise NotOpen("No visit of the series is still to come.")
    return coming


def shifted(visit: Appointment, visits: Sequence[Appointment], to: Slot) -> list[Dated]:
    """Where the visits go when one of them goes to a slot: as many days on, at the new time of day.

    The time of day and the clinician of the others change only where they change for this one. Each stays on
    the clock of its place, unless all go to another clinician's.
    """
    local, was = first_of(to), local_start(visit)
    days = local.date() - was.date()
    time = local.time().replace(fold=0)
    new_time = time != was.time().replace(fold=0)
    new_person = to.practitioner if to.practitioner.pk != visit.practitioner_id else None
    rows = []
    for place, one in enumerate(visits, start=1):
        now = local_start(one)
        clock = time if new_time else now.time().replace(fold=0)
        person = new_person or one.practitioner
        zone = zone_at(to.starts_at, to.practitioner) if new_person else zone_of(one)
        row = dated(one.series_position or place, now.date() + days, clock, person, zone, visit=one)
        if one.pk == visit.pk:
            row = replace(row, starts_at=to.starts_at, verdict=Verdict(), twice=())
        rows.append(row)
    return rows
