"""Several visits booked, moved or cancelled as one: all or none, under one lock, taken back together.

What is in the way is looked at under the lock, and the constraint keeps the last word. Either every visit is
written or none: `DatesRefused` says of each wanted time why it cannot be had.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from psycopg.errors import ExclusionViolation, UniqueViolation

from patients.models import Patient
from practices import audit, changes
from practices.audit import Actor
from practices.models import Room
from practices.tenancy import current_practice
from scheduling import freeing, joint_notices, openings
from scheduling.booking import check_offered, moved_visit, new_visit, state_words
from scheduling.collisions import CHANGED, Verdict, Wanted, look_at, wanted
from scheduling.fits import TAKEN
from scheduling.means import Means, means_of, parts_of, with_its_group
from scheduling.models import (
    Appointment,
    AppointmentType,
    CancellationReason,
    Change,
    Hold,
    Opening,
    Participant,
    Practitioner,
    Resource,
    Status,
)
from scheduling.refusals import BookingRefused, DatesRefused, NotOpen, SlotTaken
from scheduling.regions import columns_of
from scheduling.slots import FULL, forget_expired, lock_resources, take_seat
from scheduling.undo import record_changes

STALE = "Somebody changed this visit a moment ago."


Asks = tuple[AppointmentType, Patient, tuple[str, ...]]  # with the needs that count


@dataclass(frozen=True, slots=True)
class Plan:
    """A visit to be booked with others; `starts_at` is an instant."""

    patient: Patient
    practitioner: Practitioner
    appointment_type: AppointmentType
    starts_at: dt.datetime
    room: Room | None = None
    reason: str = ""

    @property
    def asks(self) -> Asks:
        return self.appointment_type, self.patient, tuple(self.patient.needs)

    def wanted(self, extra: int = 0) -> Wanted:
        """What it would take, with the minutes more that the patient needs."""
        return wanted(
            self.appointment_type, self.practitioner, self.starts_at, self.patient, self.room, extra
        )


@dataclass(frozen=True, slots=True)
class Move:
    """Where a visit shall go, and the version of it that was seen."""

    visit: Appointment
    version: int
    starts_at: dt.datetime
    practitioner: Practitioner

    @property
    def asks(self) -> Asks:
        visit = self.visit
        return visit.appointment_type, visit.patient, tuple(visit.all_needs)

    def wanted(self, *, left: bool = False) -> Wanted:
        """What it would take; `left` says that the visit has given up its time already.

        A room that was chosen on purpose goes along, the clinician's own does not.
        """
        visit = self.visit
        stays = self.practitioner.pk == visit.practitioner_id and visit.room_id != visit.practitioner.room_id
        return Wanted(
            practitioner=self.practitioner,
            kind=visit.appointment_type,
            starts_at=self.starts_at,
            ends_at=self.starts_at + (visit.ends_at - visit.starts_at),
            buffer_before=visit.buffer_before,
            buffer_after=visit.buffer_after,
            patient=visit.patient,
            room=visit.room if stays else None,
            leaves=None if left else visit.pk,
            needs=tuple(visit.all_needs),
        )


@transaction.atomic
def book_visits(
    *,
    plans: Sequence[Plan],
    belongs: Sequence[Mapping[str, Any]] = (),
    hold_key: str = "",
    tell_patient: bool = True,
    by: Actor,
) -> list[Appointment]:
    """Books all of the plans or raises DatesRefused, NotOffered; `belongs` are more fields of each visit.

    `hold_key` is the caller's own hold, which the booking takes over.
    """
    for patient, practitioner, kind in {
        (one.patient, one.practitioner, one.appointment_type): None for one in plans
    }:
        check_offered(patient, practitioner, kind)
    means = _means([plan.asks for plan in plans])
    _lock([(plan.practitioner, plan.room) for plan in plans], means)
    asked = [plan.wanted(means[plan.asks].wants.extra_minutes) for plan in plans]
    verdicts = look_at(asked, key=hold_key)
    _check(verdicts)
    if hold_key:
        Hold.objects.filter(key=hold_key).delete()
    visits = [
        _planned(plan, place, verdict, fields, by)
        for plan, place, verdict, fields in zip(
            plans, asked, verdicts, belongs or [{}] * len(plans), strict=True
        )
    ]
    _insert(visits, verdicts)
    record_changes(kind=Change.Kind.BOOKED, visits=[(visit, None) for visit in visits], by=by)
    openings.taken(*visits, by=by)
    if tell_patient:
        joint_notices.tell_many(visits, "confirmation", by=by)
    _leave_traces(
        "appointment.booked", visits, by, lambda visit: {"starts_at": [None, visit.starts_at.isoformat()]}
    )
    return visits


def _planned(
    plan: Plan, place: Wanted, verdict: Verdict, fields: Mapping[str, Any], by: Actor
) -> Appointment:
    kind = plan.appointment_type
    return new_visit(
        patient=plan.patient,
        practitioner=plan.practitioner,
        appointment_type=kind,
        starts_at=plan.starts_at,
        ends_at=place.ends_at,
        buffer_before=kind.buffer_before,
        buffer_after=kind.buffer_after,
        room=(plan.room or _room_of(verdict)) if verdict.room_free else None,
        reason=plan.reason.strip(),
        booked_by=by.user,
        **fields,
    )


@transaction.atomic
def reschedule_visits(*, moves: Sequence[Move], tell_patient: bool = True, by: Actor) -> list[Appointment]:
    """Moves all or raises DatesRefused, NotOffered, NotOpen; a visit that would stay where it is stays."""
    means = _means([move.asks for move in moves])
    places = [(one, one.room) for move in moves for one in (move.practitioner, move.visit.practitioner)]
    _lock([*places, *((move.visit.practitioner, move.visit.room) for move in moves)], means)
    now = _held([move.visit for move in moves])
    _check([_still(now[move.visit.pk], move.version, "moved") for move in moves])
    going = [move for move in moves if (move.starts_at, move.practitioner.pk) != _place(now[move.visit.pk])]
    if not going:
        raise NotOpen("The visits are at that time already.")
    for move in going:
        if move.practitioner.pk != move.visit.practitioner_id:
            check_offered(move.visit.patient, move.practitioner, move.visit.appointment_type)
    pairs = [
        (old := now[move.visit.pk], moved_visit(old, move.practitioner, move.starts_at, "", by))
        for move in going
    ]
    # The visits would be in each other's way, and in their own. If one is refused, this goes with it.
    _close([old for old, _ in pairs], CancellationReason.OTHER)
    asked = [move.wanted(left=True) for move in going]
    verdicts = look_at(asked)
    _check(verdicts, [move in going for move in moves])
    for place, verdict, (_, new) in zip(asked, verdicts, pairs, strict=True):
        new.room = (place.room or _room_of(verdict)) if verdict.room_free else None
    _insert([new for _, new in pairs], verdicts)
    record_changes(kind=Change.Kind.MOVED, visits=[(new, old) for old, new in pairs], by=by)
    openings.taken(*(new for _, new in pairs), by=by)
    freeing.freed(*(old for old, _ in pairs), cause=Opening.Cause.MOVED, by=by)
    joint_notices.move_all(pairs, by=by, aloud=tell_patient)
    before = {new.pk: old.starts_at.isoformat() for old, new in pairs}
    _leave_traces(
        "appointment.rescheduled",
        [new for _, new in pairs],
        by,
        lambda visit: {"starts_at": [before[visit.pk], visit.starts_at.isoformat()]},
        also=[old for old, _ in pairs],
    )
    return [new for _, new in pairs]


@transaction.atomic
def cancel_visits(
    *,
    visits: Sequence[tuple[Appointment, int]],
    reason: str,
    tell_patient: bool = True,
    by: Actor,
) -> list[Appointment]:
    """Cancels all, each seen at a version, or raises DatesRefused, BookingRefused."""
    if reason not in CancellationReason.values:
        raise BookingRefused("Choose why the visits are cancelled.")
    lock_resources(*(one for visit, _ in visits for one in (visit.practitioner, visit.room)))
    now = _held([visit for visit, _ in visits])
    _check([_still(now[visit.pk], version, "cancelled") for visit, version in visits])
    gone = [now[visit.pk] for visit, _ in visits]
    _close(gone, reason)
    record_changes(kind=Change.Kind.CANCELLED, visits=[(visit, None) for visit in gone], by=by)
    freeing.freed(*gone, cause=Opening.Cause.CANCELLED, by=by)
    joint_notices.cancel_all(gone, by=by, aloud=tell_patient)
    _leave_traces("appointment.cancelled", gone, by, lambda _: {"cancellation_reason": ["", reason]})
    return gone


def _means(asked: Sequence[Asks]) -> dict[Asks, Means]:
    """What the visits need beside their clinicians; looked up once for each type, patient and needs."""
    return {one: means_of(*one) for one in dict.fromkeys(asked)}


def _lock(places: Sequence[tuple[Practitioner, Room | None]], means: Mapping[Asks, Means]) -> None:
    """Holds everything that any of the visits may take, in one order."""
    named = [resource for who, room in places for resource in (who, who.room, room)]
    lock_resources(*named, *(one for each in means.values() for one in each.to_hold))


def _room_of(verdict: Verdict) -> Room | None:
    return verdict.fit.room if verdict.fit is not None else None


def _held(visits: Sequence[Appointment]) -> dict[uuid.UUID, Appointment]:
    """The visits as they are now, held in one order."""
    rows = Appointment.objects.with_people().select_for_update(of=("self",)).order_by("pk")
    return {visit.pk: visit for visit in rows.filter(pk__in=[visit.pk for visit in visits])}


def _still(visit: Appointment, version: int, what: str) -> Verdict:
    if visit.version != version:
        return Verdict(CHANGED, STALE)
    if not visit.is_open:
        return Verdict(CHANGED, f"This visit is {state_words(visit)}: it cannot be {what}.")
    return Verdict()


def _place(visit: Appointment) -> tuple[dt.datetime, uuid.UUID]:
    return visit.starts_at, visit.practitioner_id


def _check(verdicts: Sequence[Verdict], asked: Sequence[bool] = ()) -> None:
    """Raises DatesRefused unless all fit; `asked` says which of the wanted times the verdicts are about."""
    if all(verdict.fits for verdict in verdicts):
        return
    rest = iter(verdicts)
    raise DatesRefused([next(rest) if one else Verdict() for one in asked] if asked else verdicts)


def _close(visits: Sequence[Appointment], reason: str) -> None:
    now = timezone.now()
    closed = {"status": Status.CANCELLED, "cancellation_reason": reason, "cancelled_at": now}
    Appointment.objects.filter(pk__in=[visit.pk for visit in visits]).update(
        **closed, updated_at=now, version=F("version") + 1
    )
    for visit in visits:
        visit.version += 1
        for name, value in closed.items():
            setattr(visit, name, value)


def _insert(visits: Sequence[Appointment], verdicts: Sequence[Verdict]) -> None:
    """Writes all visits with what they take; a hold that has run out makes room once."""
    _seat(visits)
    takes = [_takes(visit, verdict) for visit, verdict in zip(visits, verdicts, strict=True)]
    try:
        _write(visits, takes)
    except SlotTaken:
        for visit, others in zip(visits, takes, strict=True):
            forget_expired(visit, also=[one.pk for one in others])
        try:
            _write(visits, takes)
        except SlotTaken:
            raise DatesRefused(_who_is_in_the_way(visits, takes)) from None


def _takes(visit: Appointment, verdict: Verdict) -> list[Resource | Practitioner]:
    """Resources and colleagues beside its own clinician; a group shares what it has."""
    fit = verdict.fit
    return with_its_group(visit) or ([*fit.resources, *fit.colleagues] if fit is not None else [])


def _seat(visits: Sequence[Appointment]) -> None:
    """Places in groups; several of these visits may be in one group."""
    given: set[tuple[uuid.UUID, int]] = set()
    for visit in visits:
        if visit.appointment_type.capacity < 2:
            continue
        take_seat(visit, visit.appointment_type.capacity)
        while visit.session is not None and (visit.session, visit.seat) in given:
            visit.seat += 1
        if visit.seat >= visit.seats:
            raise DatesRefused([Verdict(TAKEN, FULL) if one is visit else Verdict() for one in visits])
        if visit.session is not None:
            given.add((visit.session, visit.seat))


def _write(visits: Sequence[Appointment], takes: Sequence[Sequence[Resource | Practitioner]]) -> None:
    try:
        with transaction.atomic():
            Appointment.objects.bulk_create(visits)
            rows = [
                row for visit, others in zip(visits, takes, strict=True) for row in parts_of(visit, others)
            ]
            if rows:
                Participant.objects.bulk_create(rows)
    except IntegrityError as error:
        if isinstance(error.__cause__, ExclusionViolation | UniqueViolation):
            raise SlotTaken from error
        raise


def _who_is_in_the_way(
    visits: Sequence[Appointment], takes: Sequence[Sequence[Resource | Practitioner]]
) -> list[Verdict]:
    """Which of the visits the database refuses, tried one by one and taken back."""
    verdicts = []
    with transaction.atomic():
        for visit, others in zip(visits, takes, strict=True):
            try:
                _write([visit], [others])
                verdicts.append(Verdict())
            except SlotTaken as taken:
                verdicts.append(Verdict(TAKEN, str(taken)))
        transaction.set_rollback(True)
    return verdicts


def _leave_traces(
    verb: str, visits: Sequence[Appointment], by: Actor, fields: Any, also: Sequence[Appointment] = ()
) -> None:
    audit.record_each(((verb, visit, visit.patient_id, fields(visit)) for visit in visits), by=by)
    changes.announce(current_practice(), *columns_of(*visits, *also), "queue")
