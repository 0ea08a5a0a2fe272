"""Free time, computed whenever it is asked for and never stored: hours minus visits, time off and closures.

Nothing here writes. The number of queries is the same for one practitioner and for ten.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.utils import timezone

from patients.models import Need, Patient
from practices.tenancy import current_practice
from scheduling.diary import Diary, read_diary, sweep
from scheduling.models import Appointment, AppointmentType, Practitioner, Status
from scheduling.wallclock import say_moment

PARTS_OF_DAY: dict[str, tuple[dt.time, dt.time]] = {
    "any": (dt.time.min, dt.time.max),
    "morning": (dt.time.min, dt.time(12)),
    "afternoon": (dt.time(12), dt.time.max),
    "after-3": (dt.time(15), dt.time.max),
}
AHEAD = dt.timedelta(weeks=4)
APART = dt.timedelta(hours=2)  # two offers of one clinician on one day are at least this far apart


class FreeTime(NamedTuple):
    """A time that can be booked; instants in UTC."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    practitioner: Practitioner


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A time worth offering: why, and what has to be thought of (`notes`)."""

    free: FreeTime
    why: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HalfDays:
    """How many times are free before and after noon of a day."""

    day: dt.date
    morning: int
    afternoon: int


def who_offers(appointment_type: AppointmentType) -> list[Practitioner]:
    """The practitioners in use who offer a type, in the order of the columns; one query."""
    offering = Practitioner.objects.in_use().filter(offers__appointment_type=appointment_type)
    return list(offering.select_related("room", "location"))


def free_times(
    *,
    appointment_type: AppointmentType,
    practitioners: Sequence[Practitioner] | None = None,
    from_: dt.datetime,
    until: dt.datetime,
    step_minutes: int = 15,
    now: dt.datetime | None = None,
    limit: int | None = None,
) -> list[FreeTime]:
    """Times at which the type can begin, from `from_` to before `until`, soonest first, none in the past."""
    people = who_offers(appointment_type) if practitioners is None else practitioners
    from_ = max(from_, now or timezone.now())
    if not people or from_ >= until:
        return []
    zone = current_practice().zone
    # The day before too: hours that run to midnight on a clock-change night still begin on their own day.
    diary = read_diary(people, from_.astimezone(zone).date(), until.astimezone(zone).date())
    return free_in(diary, people, appointment_type, from_, until, step_minutes)[:limit]


def free_in(
    diary: Diary,
    people: Sequence[Practitioner],
    appointment_type: AppointmentType,
    from_: dt.datetime,
    until: dt.datetime,
    step_minutes: int = 15,
) -> list[FreeTime]:
    """The same from a diary that was read already."""
    length, step = appointment_type.minutes * 60, step_minutes * 60
    low, high = from_.timestamp(), until.timestamp()
    found = [
        (start, place)
        for place, person in enumerate(people)
        for start in sweep(diary.hours[person.pk], diary.taken(person.pk), length, step)
        if low <= start < high
    ]
    found.sort()
    moment, span = dt.datetime.fromtimestamp, appointment_type.length
    return [FreeTime(at := moment(start, dt.UTC), at + span, people[place]) for start, place in found]


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
    if any(closure.first_day <= day <= closure.last_day for closure in diary.closures):
        return f"The practice is closed that day: {diary.closures[0].reason}."
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


def usual_practitioner(patient: Patient) -> Practitioner | None:
    """Whom the patient saw most; among equals the one seen last."""
    seen = Appointment.objects.filter(patient=patient, status__in=[Status.FULFILLED, Status.BOOKED])
    rows = seen.order_by("-starts_at").values_list("practitioner_id", flat=True)[:20]
    if not rows:
        return None
    [(practitioner_id, _)] = Counter(rows).most_common(1)
    return Practitioner.objects.filter(pk=practitioner_id).first()


def suits(practitioner: Practitioner, needs: Sequence[str]) -> bool:
    """Whether the practitioner's room meets the needs; a room nobody described is not held against her."""
    if not {Need.STEP_FREE, Need.WHEELCHAIR}.intersection(needs):
        return True
    place = practitioner.room or practitioner.location
    return place is None or place.step_free


def notes_for(practitioner: Practitioner, needs: Sequence[str]) -> tuple[str, ...]:
    """What the needs ask of whoever books."""
    notes = []
    if {Need.STEP_FREE, Need.WHEELCHAIR}.intersection(needs):
        place = practitioner.room or practitioner.location
        notes.append("Step-free room" if place else "Ask for a step-free room")
    if Need.INTERPRETER in needs:
        notes.append("Interpreter needed")
    if Need.LONGER in needs:
        notes.append("Asked for a longer visit")
    if Need.TRANSPORT in needs:
        notes.append("Transport to be arranged")
    return tuple(notes)


def suggest_times(
    *,
    appointment_type: AppointmentType,
    practitioner: Practitioner | None = None,
    patient: Patient | None = None,
    part_of_day: str = "any",
    needs: Sequence[str] = (),
    count: int = 5,
    now: dt.datetime | None = None,
) -> list[Suggestion]:
    """Up to `count` times of the next four weeks, in order of time, spread over days and clinicians."""
    now = now or timezone.now()
    people = [
        person
        for person in who_offers(appointment_type)
        if suits(person, needs) and (practitioner is None or person.pk == practitioner.pk)
    ]
    if not people:
        return []
    zone = current_practice().zone
    first = now.astimezone(zone).date()
    diary = read_diary(people, first, first + AHEAD)
    times = free_in(diary, people, appointment_type, now, now + AHEAD)
    low, high = PARTS_OF_DAY[part_of_day]
    if part_of_day != "any":
        times = [time for time in times if low <= time.starts_at.astimezone(zone).time() < high]
    usual = usual_practitioner(patient) if patient is not None else None
    picked = _pick(times, count, diary, usual)
    return [Suggestion(free, why, notes_for(free.practitioner, needs)) for free, why in picked]


def _pick(
    times: Sequence[FreeTime], count: int, diary: Diary, usual: Practitioner | None
) -> list[tuple[FreeTime, str]]:
    picked: list[tuple[FreeTime, str]] = []
    for why, fits in _wishes(diary, usual, picked):
        if len(picked) == count:
            break
        free = next((time for time in times if _apart(time, picked, diary) and fits(time)), None)
        if free is not None:
            picked.append((free, why))
    return sorted(picked, key=lambda pick: pick[0].starts_at)


def _wishes(
    diary: Diary, usual: Practitioner | None, picked: list[tuple[FreeTime, str]]
) -> Iterator[tuple[str, Callable[[FreeTime], bool]]]:
    """Reasons in the order in which they are tried; the last ones come again until nothing is left."""
    zone = diary.zone
    openings = {pk: _openings(diary, pk) for pk in diary.hours}
    yield "Soonest", lambda time: True
    if usual is not None:
        yield "Usual clinician", lambda time: time.practitioner.pk == usual.pk
    yield "First of the day", lambda time: time.starts_at.timestamp() in openings[time.practitioner.pk]
    yield "After 3", lambda time: time.starts_at.astimezone(zone).hour >= 15

    def new_day(time: FreeTime) -> bool:
        days = {free.starts_at.astimezone(zone).date() for free, _ in picked}
        return time.starts_at.astimezone(zone).date() not in days

    def new_clinician(time: FreeTime) -> bool:
        return time.practitioner.pk not in {free.practitioner.pk for free, _ in picked}

    yield "Another clinician", lambda time: new_clinician(time) and new_day(time)
    for _ in range(10):
        yield "Another clinician", new_clinician
        yield "Another day", new_day
        yield "Also free", lambda time: True


def _openings(diary: Diary, practitioner_id: object) -> set[int]:
    """The first minute of each working day."""
    first: dict[dt.date, int] = {}
    for opens, _ in diary.hours[practitioner_id]:  # type: ignore[index]
        first.setdefault(dt.datetime.fromtimestamp(opens, diary.zone).date(), opens)
    return set(first.values())


def _apart(time: FreeTime, picked: Sequence[tuple[FreeTime, str]], diary: Diary) -> bool:
    for free, _ in picked:
        close = abs(time.starts_at - free.starts_at) < APART
        if close and (time.practitioner.pk == free.practitioner.pk or time.starts_at == free.starts_at):
            return False
    return True


def openings_by_half_day(
    *,
    appointment_type: AppointmentType,
    practitioners: Sequence[Practitioner] | None = None,
    from_day: dt.date | None = None,
    days: int = 14,
    now: dt.datetime | None = None,
) -> list[HalfDays]:
    """Free starts per half day, for `days` days in a row; one row a day, zeroes where nothing is free."""
    now = now or timezone.now()
    zone = current_practice().zone
    first = from_day or now.astimezone(zone).date()
    last = first + dt.timedelta(days=days - 1)
    people = who_offers(appointment_type) if practitioners is None else practitioners
    diary = read_diary(people, first, last)
    counts: Counter[tuple[dt.date, bool]] = Counter()
    for time in free_in(diary, people, appointment_type, now, now + dt.timedelta(days=800)):
        local = time.starts_at.astimezone(zone)
        counts[local.date(), local.hour >= 12] += 1
    return [
        HalfDays(day, counts[day, False], counts[day, True])
        for day in (first + dt.timedelta(days=offset) for offset in range(days))
    ]
