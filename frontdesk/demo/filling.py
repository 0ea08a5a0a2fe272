"""Which visits a demo's diary holds: chosen by chance around those that are there already."""

import datetime as dt
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from frontdesk.demo import names
from frontdesk.demo.houses import HARBOR, House
from patients.models import Patient
from practices.audit import Actor
from practices.models import AuditEntry, Practice
from scheduling.booking import book_appointment
from scheduling.diary import Diary, read_diary
from scheduling.models import (
    Appointment,
    AppointmentType,
    AppointmentTypeOffer,
    Confirmation,
    Practitioner,
    Status,
)

PAST_DAYS, FUTURE_DAYS = 21, 56
SPARE = 3  # people without a visit that day, for whoever is squeezed in
CAST = 63  # people of the first practice whose names the board shows first
QUARTER = 15 * 60
TYPICAL_VISIT = 27.0  # minutes
ENOUGH = 0.12  # so close to the wanted share of taken time, a day is left alone


@dataclass(frozen=True)
class Plan:
    """A visit to be."""

    patient: Patient
    practitioner: Practitioner
    kind: AppointmentType
    starts_at: dt.datetime
    reason: str


@dataclass
class Desk:
    """A practice at work: who is there, what they offer, whom they look after."""

    house: House
    practice: Practice
    patients: Sequence[Patient]
    by: Actor
    rng: random.Random
    now: dt.datetime
    scale: float = 1.0
    silent: set[uuid.UUID] = field(default_factory=set)  # patients who have not answered anything

    def __post_init__(self) -> None:
        self.today = self.now.astimezone(self.practice.zone).date()
        self.practitioners = list(Practitioner.objects.in_use().select_related("room"))
        self.kinds = {kind.pk: kind for kind in AppointmentType.objects.all()}
        self.offers: dict[object, list[AppointmentType]] = {}
        weights = {clinician.initials: clinician.offers for clinician in self.house.clinicians}
        ordered = sorted(self.kinds.values(), key=lambda kind: kind.position)
        for one in self.practitioners:
            self.offers[one.pk] = [ordered[n] for n in weights.get(one.initials, ())] or self._offered(one)
            one.practice = self.practice

    def _offered(self, practitioner: Practitioner) -> list[AppointmentType]:
        rows = AppointmentTypeOffer.objects.filter(practitioner=practitioner)
        return [self.kinds[row.appointment_type_id] for row in rows]

    def instant(self, day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
        """A wall-clock time of the practice as an instant."""
        return dt.datetime.combine(day, dt.time(hour, minute), tzinfo=self.practice.zone).astimezone(dt.UTC)

    def reason(self) -> str:
        if self.house.children:
            return self.rng.choice(names.CHILD_REASONS)
        dental = self.house.slug.endswith("dental")
        return self.rng.choice(names.DENTAL_REASONS if dental else names.REASONS)


def wanted_share(offset: int, weekday: int) -> float:
    """How much of a day's time is taken, by its distance from today: full now, thinner ahead."""
    if offset == 0:
        return 0.82
    weekend = 0.6 if weekday > 5 else 1.0
    if offset < 0:
        return 0.68 * weekend
    return max(0.7 - 0.008 * offset, 0.28) * weekend


def plans(desk: Desk) -> dict[dt.date, list[Plan]]:
    """What is missing on each day of the window, for a first run as well as for a later one."""
    past, future = max(round(PAST_DAYS * desk.scale), 2), max(round(FUTURE_DAYS * desk.scale), 3)
    first, last = (desk.today + dt.timedelta(days=days) for days in (-past, future))
    diary = read_diary(desk.practitioners, first, last)
    found: dict[dt.date, list[Plan]] = {}
    for offset in range(-past, future + 1):
        day = desk.today + dt.timedelta(days=offset)
        found[day] = _day(desk, diary, day, wanted_share(offset, day.isoweekday()))
    return found


def _day(desk: Desk, diary: Diary, day: dt.date, wanted: float) -> list[Plan]:
    low, high = desk.instant(day, 0).timestamp(), desk.instant(day + dt.timedelta(days=1), 0).timestamp()
    open_gaps: list[tuple[Practitioner, int, int]] = []
    hours = taken = 0
    for practitioner in desk.practitioners:
        busy = diary.taken(practitioner.pk)
        for opens, closes in diary.hours[practitioner.pk]:
            if low <= opens < high:
                within = [(max(a, opens), min(b, closes)) for a, b in busy if a < closes and b > opens]
                hours += closes - opens
                taken += sum(b - a for a, b in within)
                open_gaps += [(practitioner, a, b) for a, b in _between(opens, closes, within)]
    have = taken / hours if hours else 1.0
    if have > wanted - ENOUGH:
        return []
    share = (wanted - have) / (1 - have)
    seen_today = set(
        Appointment.objects.active().on(day).values_list("patient_id", flat=True) if taken else ()
    )
    chance = 15 * share / (TYPICAL_VISIT * (1 - share) + 15 * share)
    people = _people(desk, seen_today, first=taken == 0 and day == desk.today)
    return [plan for who, a, b in open_gaps for plan in _gap(desk, who, a, b, chance, people)]


def _between(opens: int, closes: int, busy: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    at = opens
    for starts, ends in busy:
        if starts > at:
            yield at, starts
        at = max(at, ends)
    if closes > at:
        yield at, closes


def _people(desk: Desk, seen: set[uuid.UUID], *, first: bool) -> Iterator[Patient]:
    """Patients in a chance order, each once a day; the first day begins with the practice's cast."""
    order = list(desk.patients)
    head = order[:CAST] if first and desk.house is HARBOR else []
    rest = order[len(head) :]
    rest = rest[:-SPARE] or rest
    desk.rng.shuffle(head)
    desk.rng.shuffle(rest)
    yield from (one for one in [*head, *rest] if one.pk not in seen)


def _gap(
    desk: Desk, who: Practitioner, at: int, until: int, chance: float, people: Iterator[Patient]
) -> Iterator[Plan]:
    while at + QUARTER <= until:
        kinds = [kind for kind in desk.offers[who.pk] if at + kind.minutes * 60 <= until]
        patient = next(people, None) if kinds and desk.rng.random() < chance else None
        if patient is None:
            at += QUARTER
            continue
        kind = desk.rng.choice(kinds)
        yield Plan(patient, who, kind, dt.datetime.fromtimestamp(at, dt.UTC), desk.reason())
        at += -(-kind.minutes * 60 // QUARTER) * QUARTER


def book(desk: Desk, plan: Plan, **more: object) -> Appointment:
    """Books through the verb; nobody is told, see `frontdesk.demo.post`."""
    return book_appointment(
        patient=plan.patient,
        practitioner=plan.practitioner,
        appointment_type=plan.kind,
        starts_at=plan.starts_at,
        reason=plan.reason,
        tell_patient=False,
        by=desk.by,
        **more,  # type: ignore[arg-type]
    )


def bring_over(desk: Desk, planned: Sequence[Plan]) -> int:
    """Stores visits far from today as a move from an earlier system would: many rows in one statement.

    Lived through one by one they would take minutes. Past ones are closed, some were missed.
    """
    by = Actor(kind="system", door="import")
    visits = [_row(desk, plan) for plan in planned]
    Appointment.objects.bulk_create(visits, batch_size=1000)
    AuditEntry.objects.bulk_create(
        (
            AuditEntry(
                practice=desk.practice,
                verb="appointment.imported",
                actor_kind=by.kind,
                door=by.door,
                subject_type=visit._meta.label_lower,
                subject_id=visit.pk,
                patient_id=visit.patient_id,
            )
            for visit in visits
        ),
        batch_size=1000,
    )
    return len(visits)


def _row(desk: Desk, plan: Plan) -> Appointment:
    local = plan.starts_at.astimezone(desk.practice.zone)
    visit = Appointment(
        practice=desk.practice,
        patient=plan.patient,
        practitioner=plan.practitioner,
        appointment_type=plan.kind,
        room=plan.practitioner.room,
        starts_at=plan.starts_at,
        ends_at=plan.starts_at + plan.kind.length,
        local_date=local.date(),
        local_time=local.time(),
        time_zone=desk.practice.zone.key,
        reason=plan.reason,
        created_at=plan.starts_at
        - dt.timedelta(days=desk.rng.randint(2, 70), minutes=desk.rng.randint(0, 400)),
    )
    visit.created_at = min(visit.created_at, desk.now - dt.timedelta(days=2))
    if visit.starts_at < desk.now:
        _close(visit, desk.rng)
    return visit


def _close(visit: Appointment, rng: random.Random) -> None:
    luck = rng.random()
    if luck < 0.04:
        visit.status = Status.NOSHOW
        return
    if luck < 0.09:
        visit.status, visit.cancellation_reason = Status.CANCELLED, "pat"
        visit.cancelled_at = visit.starts_at - dt.timedelta(days=1)
        return
    visit.status = Status.FULFILLED
    if rng.random() < 0.8:
        visit.confirmation, visit.confirmed_by = Confirmation.CONFIRMED, "text"
        visit.confirmed_at = visit.starts_at - dt.timedelta(days=2)
    visit.arrived_at = visit.starts_at - dt.timedelta(minutes=rng.randint(2, 14))
    visit.seen_at = visit.starts_at + dt.timedelta(minutes=rng.randint(0, 9))
    visit.left_at = visit.ends_at + dt.timedelta(minutes=rng.randint(0, 6))
