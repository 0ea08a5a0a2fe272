"""The verbs of the diary: book, move, cancel, confirm.

Each locks the practitioner's diary, changes, writes the audit entry, queues or withdraws the texts, and
records the change so that it can be taken back, all in one transaction.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from patients.models import Patient
from practices import audit, changes
from practices.audit import Actor
from practices.models import Room
from practices.prepared import Prepared
from practices.tenancy import current_practice
from scheduling import freeing, joint_notices, notices, openings
from scheduling.fitting import HOURS, RULE, Fit, judge
from scheduling.means import Means, hold_move, means_of, put_with
from scheduling.models import (
    Appointment,
    AppointmentType,
    AppointmentTypeOffer,
    CancellationReason,
    Change,
    Confirmation,
    Opening,
    Practitioner,
    Status,
)
from scheduling.overbooking import check_right
from scheduling.refusals import (
    BookingRefused,
    InThePast,
    MayNotOverbook,
    NotOffered,
    NotOpen,
    OutsideHours,
    RuleBroken,
    SlotTaken,
    StaleAppointment,
)
from scheduling.regions import columns_of
from scheduling.slots import lock_resources, lock_visit, take_seat
from scheduling.undo import as_it_was, record_change
from scheduling.wallclock import say_moment

__all__ = [
    "BookingRefused",
    "InThePast",
    "MayNotOverbook",
    "NotOffered",
    "NotOpen",
    "OutsideHours",
    "SlotTaken",
    "StaleAppointment",
    "book_appointment",
    "cancel_appointment",
    "confirm_appointment",
    "reschedule_appointment",
]


def book_appointment(
    *,
    patient: Patient,
    practitioner: Practitioner,
    appointment_type: AppointmentType,
    starts_at: dt.datetime,
    room: Room | None = None,
    reason: str = "",
    note: str = "",
    overbook_reason: str = "",
    tell_patient: bool = True,
    hold_key: str = "",
    despite: Sequence[str] = (),
    by: Actor,
) -> Appointment:
    """Books a visit of the type's length; `starts_at` is an instant, `overbook_reason` at most 80 characters.

    Raises SlotTaken (with the next times), OutsideHours, InThePast, NotOffered, MayNotOverbook. An
    `overbook_reason` is the recorded, deliberate way past the first two. `hold_key` names the hold that the
    booking takes over.
    """
    check_right(overbook_reason.strip(), by)
    means = means_of(appointment_type, patient)
    visit = new_visit(
        patient=patient,
        practitioner=practitioner,
        appointment_type=appointment_type,
        starts_at=starts_at,
        ends_at=starts_at + dt.timedelta(minutes=appointment_type.minutes + means.wants.extra_minutes),
        buffer_before=appointment_type.buffer_before,
        buffer_after=appointment_type.buffer_after,
        room=room or practitioner.room,
        reason=reason.strip(),
        note=note.strip(),
        overbook_reason=overbook_reason.strip(),
        booked_by=by.user,
    )
    check_offered(patient, practitioner, appointment_type)
    _take_time(visit, means, room, hold_key)
    # Every refusal came before the first row, so the practice's open transaction needs no savepoint: what
    # fails from here on is no refusal, and takes the visit with it.
    with transaction.atomic(savepoint=False):
        record_change(kind=Change.Kind.BOOKED, appointment=visit, by=by)
        openings.taken(visit, by=by)
        if tell_patient:
            notices.tell_booked(visit, by=by)
        facts = {"starts_at": [None, visit.starts_at]} | _squeezed(visit) | _despite(despite)
        _leave_trace("appointment.booked", visit, by, **facts)
    return visit


@transaction.atomic
def reschedule_appointment(
    *,
    appointment: Appointment,
    version: int,
    starts_at: dt.datetime,
    practitioner: Practitioner | None = None,
    overbook_reason: str = "",
    tell_patient: bool = True,
    despite: Sequence[str] = (),
    by: Actor,
) -> Appointment:
    """Moves a visit: a new one, `rescheduled_from` the old, which is cancelled in the same transaction.

    Length, reason, note and type go along. What the patient said of the old time does not count for the new
    one: whenever the start changes the confirmation begins anew. Raises what booking raises, and
    StaleAppointment, NotOpen.
    """
    check_right(overbook_reason.strip(), by)
    to = practitioner or appointment.practitioner
    means = hold_move(appointment, to)
    old = lock_visit(appointment, version)
    if not old.is_open:
        raise NotOpen(f"This visit is {state_words(old)}: it cannot be moved.")
    if old.starts_at == starts_at and old.practitioner_id == to.pk:
        raise NotOpen("The visit is at that time already.")
    if to.pk != old.practitioner_id:
        check_offered(old.patient, to, old.appointment_type)
    new = moved_visit(old, to, starts_at, overbook_reason.strip(), by)
    # The constraint would see the old visit in the way of a move by a quarter of an hour. If the new one
    # is refused, this goes with it.
    _close(old, CancellationReason.OTHER)
    fit = _check_time(new, means)
    if not new.overbook_reason:
        take_seat(new, old.appointment_type.capacity)
    if means.any or new.room_id in {None, to.room_id}:  # another room was chosen on purpose: it goes along
        new.room = fit.room
    put_with(new, fit, insists_on_room=old.appointment_type.needs_room)
    record_change(kind=Change.Kind.MOVED, appointment=new, previous=old, by=by)
    openings.taken(new, by=by)
    freeing.freed(old, cause=Opening.Cause.MOVED, by=by)
    joint_notices.tell_moved(old, new, by=by, aloud=tell_patient)
    moved = {"starts_at": [old.starts_at, new.starts_at]} | _squeezed(new) | _despite(despite)
    _leave_trace("appointment.rescheduled", new, by, old, **moved)
    return new


@transaction.atomic
def cancel_appointment(
    *, appointment: Appointment, version: int, reason: str, tell_patient: bool = True, by: Actor
) -> Appointment:
    """Cancels a booked visit for a reason of CancellationReason; raises StaleAppointment, NotOpen."""
    visit = lock_visit(appointment, version)
    if not visit.is_open:
        raise NotOpen(f"This visit is {state_words(visit)}: it cannot be cancelled.")
    if reason not in CancellationReason.values:
        raise BookingRefused("Choose why the visit is cancelled.")
    _close(visit, reason)
    record_change(kind=Change.Kind.CANCELLED, appointment=visit, by=by)
    freeing.freed(visit, cause=Opening.Cause.CANCELLED, by=by)
    joint_notices.tell_cancelled(visit, by=by, aloud=tell_patient)
    _leave_trace("appointment.cancelled", visit, by, cancellation_reason=["", reason])
    return visit


@transaction.atomic
def confirm_appointment(
    *, appointment: Appointment, how: str, by: Actor, version: int | None = None
) -> Appointment:
    """Records that the patient will come; `how` is text, link, phone, staff or api. Twice is once.

    Raises NotOpen for a visit that is not booked any more, StaleAppointment.
    """
    visit = lock_visit(appointment)
    if visit.is_open and visit.confirmation == Confirmation.CONFIRMED:
        return visit
    if version is not None and visit.version != version:
        raise StaleAppointment(visit)
    if not visit.is_open:
        raise NotOpen(f"This visit is {state_words(visit)}: it cannot be confirmed.")
    before, was = as_it_was(visit), visit.confirmation
    visit.confirmation, visit.confirmed_at, visit.confirmed_by = Confirmation.CONFIRMED, timezone.now(), how
    visit.version += 1
    visit.save()
    record_change(kind=Change.Kind.STATUS, appointment=visit, before=before, by=by)
    notices.stop_reminding(visit, reason="confirmed", comes=True, by=by)
    _leave_trace("appointment.confirmed", visit, by, confirmation=[was, visit.confirmation])
    return visit


def new_visit(**fields: Any) -> Appointment:
    """An unsaved visit of the open practice, with the wall clock that was agreed."""
    practice = current_practice()
    starts_at: dt.datetime = fields["starts_at"]
    if starts_at.tzinfo is None:
        raise TypeError("starts_at is an instant: resolve the wall-clock time first (scheduling.wallclock)")
    local = starts_at.astimezone(practice.zone)
    return Appointment(
        practice=practice,
        local_date=local.date(),
        local_time=local.time(),
        time_zone=practice.zone.key,
        **fields,
    )


def moved_visit(
    old: Appointment, to: Practitioner, starts_at: dt.datetime, overbook_reason: str, by: Actor
) -> Appointment:
    new = new_visit(
        patient=old.patient,
        practitioner=to,
        appointment_type=old.appointment_type,
        room=old.room if to.pk == old.practitioner_id else to.room,
        starts_at=starts_at,
        ends_at=starts_at + (old.ends_at - old.starts_at),
        buffer_before=old.buffer_before,
        buffer_after=old.buffer_after,
        reason=old.reason,
        note=old.note,
        needs=old.needs,
        meeting_address=old.meeting_address,
        follow_up_id=old.follow_up_id,
        overbook_reason=overbook_reason,
        series_id=old.series_id,
        series_position=old.series_position,
        linked_id=old.linked_id,
        rescheduled_from=old,
        booked_by=by.user,
    )
    if old.starts_at == starts_at:  # only the clinician changes: the patient's word still holds
        new.confirmation, new.confirmed_at, new.confirmed_by = (
            old.confirmation,
            old.confirmed_at,
            old.confirmed_by,
        )
    return new


OFFERED = Prepared(
    lambda kind, who: AppointmentTypeOffer.objects.filter(
        appointment_type=kind, practitioner=who
    ).values_list("pk")
)


def check_offered(patient: Patient, practitioner: Practitioner, appointment_type: AppointmentType) -> None:
    if patient.deceased:
        raise NotOffered("The record says that this patient has died.")
    if not practitioner.active:
        raise NotOffered(f"{practitioner.short_name} does not see patients any more.")
    if not appointment_type.active:
        raise NotOffered(f"{appointment_type.name} is not offered any more.")
    if not OFFERED.ask(kind=appointment_type.pk, who=practitioner.pk):
        raise NotOffered(f"{practitioner.short_name} does not offer {appointment_type.name}.")


def _take_time(visit: Appointment, means: Means, room: Room | None, hold_key: str) -> None:
    """Locks, judges and writes down what a new visit takes; `room` is one that was chosen on purpose."""
    kind = visit.appointment_type
    lock_resources(visit.practitioner, visit.room, *means.to_hold)
    fit = _check_time(visit, means, hold_key)
    if not visit.overbook_reason:
        take_seat(visit, kind.capacity)
    if room is None:
        visit.room = fit.room
    put_with(visit, fit, insists_on_room=room is not None or kind.needs_room, hold_key=hold_key)


def _check_time(visit: Appointment, means: Means, hold_key: str = "") -> Fit:
    """Refuses the past, closed hours and what the rules keep; gives what else the visit takes.

    Somebody who walks in may be booked into the present quarter.
    """
    zone = current_practice().zone
    now = timezone.now()
    quarter = now - dt.timedelta(minutes=now.minute % 15, seconds=now.second, microseconds=now.microsecond)
    if visit.starts_at < quarter:
        raise InThePast(f"{say_moment(visit.starts_at, zone)} is over.")
    extra = visit.minutes - visit.appointment_type.minutes
    fit = judge(
        appointment_type=visit.appointment_type,
        practitioner=visit.practitioner,
        starts_at=visit.starts_at,
        patient=visit.patient,
        wants=replace(means.wants, extra_minutes=extra),
        own_hold=hold_key,
        visits=means.any or visit.appointment_type.capacity > 1,
    )
    if not visit.overbook_reason and (closed := fit.broken(HOURS)):
        raise OutsideHours(closed[0])
    if not visit.overbook_reason and (kept := fit.broken(RULE)):
        raise RuleBroken(" ".join(kept))
    return fit


def _despite(unmet: Sequence[str]) -> dict[str, Any]:
    """What the patient needs and agreed to miss, for the trace."""
    return {"despite": ["", [str(one) for one in unmet]]} if unmet else {}


def _close(visit: Appointment, reason: str) -> None:
    visit.status, visit.cancellation_reason = Status.CANCELLED, reason
    visit.cancelled_at = timezone.now()
    visit.version += 1
    visit.save()


def _squeezed(visit: Appointment) -> dict[str, Any]:
    """What the audit entry says of a visit that was booked beside others on purpose."""
    return {"overbook_reason": ["", visit.overbook_reason]} if visit.overbook_reason else {}


def state_words(visit: Appointment) -> str:
    return visit.get_status_display().lower()


def _leave_trace(verb: str, visit: Appointment, by: Actor, *also: Appointment, **fields: Any) -> None:
    audit.record(verb, visit, by=by, patient_id=visit.patient_id, changes=fields)
    changes.announce(current_practice(), *columns_of(visit, *also), "queue")
