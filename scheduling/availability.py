"""Free time, computed whenever it is asked for and never stored: hours minus visits, time off and closures.

Nothing here writes. The number of queries is the same for one practitioner and for ten.
What fits whom, and why, is `scheduling.fitting`.
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.utils import timezone

from patients.models import Patient
from practices.tenancy import current_practice
from scheduling.diary import Diary, read_diary
from scheduling.fits import Fit, fit_of
from scheduling.models import Appointment, AppointmentType, Practitioner, Status
from scheduling.needs import wants_of
from scheduling.search import Search, Start, ceil, search, who_offers
from scheduling.wallclock import boundary, say_moment

PARTS_OF_DAY: dict[str, tuple[dt.time, dt.time]] = {
    "any": (dt.time.min, dt.time.max),
    "morning": (dt.time.min, dt.time(12)),
    "afternoon": (dt.time(12), dt.time.max),
    "after-3": (dt.time(15), dt.time.max),
}
AHEAD = dt.timedelta(weeks=4)
APART = 2 * 60 * 60  # seconds; two offers of one clinician on one day are at least this far apart


class FreeTime(NamedTuple):
    """A time that can be booked; instants in UTC."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    practitioner: Practitioner


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A time worth offering: why it is among the few, and how it fits."""

    free: FreeTime
    why: str
    fit: Fit

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be thought of: all reasons but how much is free."""
        return self.fit.reasons[1:]


@dataclass(frozen=True, slots=True)
class HalfDays:
    """How many times are free before and after noon of a day."""

    day: dt.date
    morning: int
    afternoon: int


def free_times(
    *,
    appointment_type: AppointmentType,
    practitioners: Sequence[Practitioner] | None = None,
    from_: dt.datetime,
    until: dt.datetime,
    step_minutes: int | None = None,
    now: dt.datetime | None = None,
    limit: int | None = None,
) -> list[FreeTime]:
    """Times at which the type can begin, from `from_` to before `until`, soonest first, none in the past.

    For nobody in particular: `fitting.find_times` knows what a patient needs, and says why a time fits.
    """
    now = now or timezone.now()
    people = who_offers(appointment_type) if practitioners is None else practitioners
    from_ = max(from_, now)
    if not people or from_ >= until:
        return []
    zone = current_practice().zone
    first, last = from_.astimezone(zone).date(), until.astimezone(zone).date()
    known = search(appointment_type, people, first, last, now=now)
    if step_minutes is not None:
        known.step = step_minutes * 60
    return free_in(known, known.starts(ceil(from_), ceil(until))[:limit])


def free_in(known: Search, starts: Sequence[Start]) -> list[FreeTime]:
    """The starts of a search as free times."""
    moment, people = dt.datetime.fromtimestamp, known.people
    length = dt.timedelta(seconds=known.span.length)
    return [FreeTime(at := moment(start.at, dt.UTC), at + length, people[start.place]) for start in starts]


def next_free(
    *,
    practitioner: Practitioner,
    appointment_type: AppointmentType,
    after: dt.datetime,
    count: int = 2,
) -> list[FreeTime]:
    """The nearest free times of one practitioner from `after` on, within four weeks."""
    return free_times(
        appointment_type=appointment_type,
        practitioners=[practitioner],
        from_=after,
        until=max(after, timezone.now()) + dt.timedelta(weeks=4),
        limit=count,
    )


def why_closed(practitioner: Practitioner, starts_at: dt.datetime, ends_at: dt.datetime) -> str:
    """Why a practitioner sees nobody then, in words; empty when she does."""
    zone = current_practice().zone
    day = starts_at.astimezone(zone).date()
    diary = read_diary([practitioner], day, ends_at.astimezone(zone).date(), visits=False)
    for closure in diary.closures:
        if closure.first_day <= day <= closure.last_day:
            return f"The practice is closed that day: {closure.reason}."
    starts, ends = int(starts_at.timestamp()), int(ends_at.timestamp())
    for out_from, out_until, label in diary.out[practitioner.pk]:
        if out_from < ends and out_until > starts:
            return f"{practitioner.short_name} is out then: {label}."
    hours = diary.hours[practitioner.pk]
    if any(opens <= starts and ends <= closes for opens, closes in hours):
        return ""
    if not hours:
        return f"{practitioner.short_name} does not work that day."
    if any(opens <= starts < closes for opens, closes in hours):
        return f"The visit would end after {practitioner.short_name}’s hours."
    return f"{practitioner.short_name} does not see patients on {say_moment(starts_at, zone)}."


def usual_practitioner(patient: Patient, among: Sequence[Practitioner]) -> Practitioner | None:
    """Whom the patient saw most; among equals the one seen last. None where that is none of `among`."""
    seen = Appointment.objects.filter(patient=patient, status__in=[Status.FULFILLED, Status.BOOKED])
    rows = seen.order_by("-starts_at").values_list("practitioner_id", flat=True)[:20]
    if not rows:
        return None
    [(practitioner_id, _)] = Counter(rows).most_common(1)
    return next((person for person in among if person.pk == practitioner_id), None)


def look_ahead(
    *,
    appointment_type: AppointmentType,
    practitioner: Practitioner | None = None,
    patient: Patient | None = None,
    needs: Sequence[str] = (),
    own_hold: str = "",
    now: dt.datetime | None = None,
) -> Search:
    """What is known of the next four weeks, for suggestions, openings and a chosen time alike."""
    now = now or timezone.now()
    people = [
        person
        for person in who_offers(appointment_type)
        if practitioner is None or person.pk == practitioner.pk
    ]
    first = now.astimezone(current_practice().zone).date()
    return search(
        appointment_type,
        people,
        first,
        first + AHEAD,
        now=now,
        patient=patient,
        wants=wants_of(patient, needs),
        own_hold=own_hold,
    )


def suggest_times(
    *,
    appointment_type: AppointmentType,
    practitioner: Practitioner | None = None,
    patient: Patient | None = None,
    part_of_day: str = "any",
    needs: Sequence[str] = (),
    count: int = 5,
    now: dt.datetime | None = None,
    known: Search | None = None,
) -> list[Suggestion]:
    """Up to `count` times of the next four weeks, in order of time, spread over days and clinicians.

    `known` is what `look_ahead` gave already.
    """
    now = now or timezone.now()
    known = known or look_ahead(
        appointment_type=appointment_type, practitioner=practitioner, patient=patient, needs=needs, now=now
    )
    starts = known.starts(ceil(now), ceil(now + AHEAD))
    low, high = PARTS_OF_DAY[part_of_day]
    if part_of_day != "any":
        starts = [start for start in starts if low <= _local(start, known).time() < high]
    usual = usual_practitioner(patient, known.people) if patient is not None else None
    picked = _pick(starts, count, known, usual)
    times = free_in(known, [start for start, _ in picked])
    return [
        Suggestion(free, why, fit_of(known, start)) for free, (start, why) in zip(times, picked, strict=True)
    ]


def _pick(
    starts: Sequence[Start], count: int, known: Search, usual: Practitioner | None
) -> list[tuple[Start, str]]:
    picked: list[tuple[Start, str]] = []
    for why, fits in _wishes(known, usual, picked):
        if len(picked) == count:
            break
        found = next((start for start in starts if _apart(start, picked) and fits(start)), None)
        if found is not None:
            picked.append((found, why))
    return sorted(picked, key=lambda pick: pick[0].at)


def _wishes(
    known: Search, usual: Practitioner | None, picked: list[tuple[Start, str]]
) -> Iterator[tuple[str, Callable[[Start], bool]]]:
    """Reasons in the order in which they are tried; the last ones come again until nothing is left."""
    openings = [_openings(known.diary, person.pk) for person in known.people]
    yield "Soonest", lambda start: True
    if usual is not None:
        yield "Usual clinician", lambda start: known.people[start.place].pk == usual.pk
    yield "First of the day", lambda start: start.at in openings[start.place]
    yield "After 3", lambda start: _local(start, known).hour >= 15

    def new_day(start: Start) -> bool:
        return _local(start, known).date() not in {_local(one, known).date() for one, _ in picked}

    def new_clinician(start: Start) -> bool:
        return start.place not in {one.place for one, _ in picked}

    yield "Another clinician", lambda start: new_clinician(start) and new_day(start)
    for _ in range(10):
        yield "Another clinician", new_clinician
        yield "Another day", new_day
        yield "Also free", lambda start: True


def _local(start: Start, known: Search) -> dt.datetime:
    return dt.datetime.fromtimestamp(start.at, known.diary.zone)


def _openings(diary: Diary, practitioner_id: uuid.UUID) -> set[int]:
    """The first minute of each working day."""
    first: dict[dt.date, int] = {}
    for opens, _ in diary.hours[practitioner_id]:
        first.setdefault(dt.datetime.fromtimestamp(opens, diary.zone).date(), opens)
    return set(first.values())


def _apart(start: Start, picked: Sequence[tuple[Start, str]]) -> bool:
    return not any(
        start.at == other.at or (start.place == other.place and abs(start.at - other.at) < APART)
        for other, _ in picked
    )


def openings_by_half_day(
    *,
    appointment_type: AppointmentType,
    practitioners: Sequence[Practitioner] | None = None,
    from_day: dt.date | None = None,
    days: int = 14,
    now: dt.datetime | None = None,
    known: Search | None = None,
) -> list[HalfDays]:
    """Free starts per half day, for `days` days in a row; one row a day, zeroes where nothing is free.

    `known` is what `look_ahead` gave already, of somebody's needs.
    """
    now = now or timezone.now()
    zone = current_practice().zone
    first = from_day or now.astimezone(zone).date()
    last = first + dt.timedelta(days=days - 1)
    if known is None:
        people = who_offers(appointment_type) if practitioners is None else practitioners
        known = search(appointment_type, people, first, last, now=now)
    until = boundary(last + dt.timedelta(days=1), dt.time(0), zone)
    counts: Counter[tuple[dt.date, bool]] = Counter()
    for start in known.starts(ceil(now), ceil(until)):
        local = dt.datetime.fromtimestamp(start.at, zone)
        counts[local.date(), local.hour >= 12] += 1
    return [
        HalfDays(day, counts[day, False], counts[day, True])
        for day in (first + dt.timedelta(days=offset) for offset in range(days))
    ]
