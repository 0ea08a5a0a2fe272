"""Taking a change back: within the practice's window, by anybody who may change, if nothing followed."""

import datetime as dt
import uuid
from collections.abc import Container, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from practices import audit, changes
from practices.audit import Actor
from practices.keys import uuid7
from practices.models import User
from practices.prepared import Prepared
from practices.tenancy import current_practice
from scheduling import freeing, joint_notices, openings
from scheduling.models import Appointment, Change, Opening, Status
from scheduling.refusals import ChangedSince, SlotTaken, StaleAppointment, TooLate
from scheduling.regions import columns_of
from scheduling.slots import lock_resources, lock_visit, put, span_of
from scheduling.wallclock import say_moment

__all__ = [
    "ChangedSince",
    "TooLate",
    "as_it_was",
    "last_change_of",
    "last_changes",
    "record_change",
    "undo_change",
]

MOMENTS = ("confirmed_at", "arrived_at", "seen_at", "left_at")
Visits = dict[uuid.UUID, Appointment]
FIELDS = ("status", "confirmation", "confirmed_by", *MOMENTS)


def as_it_was(visit: Appointment) -> dict[str, Any]:
    """The fields that a step of the day changes, as plain values."""
    return {
        name: value.isoformat() if isinstance(value := getattr(visit, name), dt.datetime) else value
        for name in FIELDS
    }


def record_change(
    *,
    kind: str,
    appointment: Appointment,
    by: Actor,
    previous: Appointment | None = None,
    before: dict[str, Any] | None = None,
) -> Change:
    """Remembers a change that was just made, until the practice's undo window closes."""
    practice, now = current_practice(), timezone.now()
    change = Change(
        practice=practice,
        kind=kind,
        appointment=appointment,
        previous=previous,
        before=before,
        version=appointment.version,
        made_by=by.user,
        made_at=now,
        undo_until=now + practice.undo_window,
    )
    change.save(force_insert=True)
    return change


def record_changes(
    *, kind: str, visits: Sequence[tuple[Appointment, Appointment | None]], by: Actor
) -> uuid.UUID:
    """Remembers changes that were made as one: each visit with the one that it was before, if it moved.

    They carry one batch, by which they are taken back together.
    """
    practice, now, batch = current_practice(), timezone.now(), uuid7()
    Change.objects.bulk_create(
        Change(
            practice=practice,
            kind=kind,
            appointment=visit,
            previous=previous,
            version=visit.version,
            batch=batch,
            made_by=by.user,
            made_at=now,
            undo_until=now + practice.undo_window,
        )
        for visit, previous in visits
    )
    return batch


MINE = Prepared(
    lambda user, now: (
        Change.objects.filter(made_by=user, undone_at=None, undo_until__gt=now)
        .order_by("-made_at")
        .values_list("pk", "batch")
    )
)


def last_changes(user: User, *, limit: int = 5) -> list[Change]:
    """The person's changes that can still be taken back, newest first; one query, two where there are any.

    Only the newest are read with their people: whoever books by the hundred has as many in the window.
    """
    made: dict[uuid.UUID, list[uuid.UUID]] = {}
    for pk, batch in MINE.ask(user=user.pk, now=timezone.now()):
        made.setdefault(batch or pk, []).append(pk)
    newest = list(made.values())[:limit]
    if not newest:
        return []
    wanted = [pk for together in newest for pk in together]
    found = Change.objects.filter(pk__in=wanted, undone_at=None).select_related(
        "appointment__patient", "appointment__practitioner", "previous__practitioner"
    )
    rows = {change.pk: change for change in found}
    shown = []
    for keys in newest:
        together = [rows[pk] for pk in keys if pk in rows]
        # Changes that were made as one stand and fall together; the first visit's speaks for them.
        stands = all(change.version == change.appointment.version for change in together)
        if len(together) == len(keys) and stands:
            first = min(together, key=lambda change: change.appointment.starts_at)
            first.size = len(together)
            shown.append(first)
    return shown


def last_change_of(appointment: Appointment, version: int) -> Change:
    """The change that made a visit what somebody read; raises StaleAppointment, and TooLate without any."""
    if appointment.version != version:
        raise StaleAppointment(appointment)
    made = Change.objects.filter(appointment=appointment, version=version, undone_at=None)
    change = made.select_related("previous__practitioner").order_by("-made_at", "-pk").first()
    if change is None:
        raise TooLate("Nothing was done to this visit that could be taken back.")
    return change


@transaction.atomic
def undo_change(*, change: Change, by: Actor) -> Appointment:
    """Takes a change back and returns the visit that stands now; a booking taken back is entered in error.

    Raises TooLate, ChangedSince, and SlotTaken when the time of a cancelled visit was given away meanwhile.
    """
    _check_window(Change.objects.get(pk=change.pk))
    if change.batch is not None:
        return undo_batch(batch=change.batch, by=by)[0]
    seen = Appointment.objects.with_people().get(pk=change.appointment_id)
    previous = change.previous
    both = filter(None, (seen, previous))
    lock_resources(*(one for visit in both for one in (visit.practitioner, visit.room)))
    # Under the lock: two people may have pressed Undo.
    change = Change.objects.select_for_update(of=("self",)).get(pk=change.pk)
    _check_window(change)
    visit = lock_visit(seen)
    if visit.version != change.version:
        raise ChangedSince("This visit was changed again after that: it cannot be taken back any more.")
    before = visit.status
    standing = TAKE_BACK[change.kind](visit, change, by)
    change.undone_at = timezone.now()
    change.save(update_fields=["undone_at"])
    _relink(standing)
    audit.record(
        f"appointment.{change.kind}.undone",
        visit,
        by=by,
        patient_id=visit.patient_id,
        changes={"status": [before, visit.status]},
    )
    stood = columns_of(*filter(None, (visit, previous)))
    changes.announce(current_practice(), *stood, "queue", "messages")
    return standing


def _check_window(change: Change) -> None:
    if change.undone_at is not None:
        raise TooLate("This was taken back already.")
    if timezone.now() > change.undo_until:
        raise TooLate("The time for taking this back is over.")


def _relink(standing: Appointment) -> None:
    """Lets the steps before the one that was taken back be taken back in turn.

    The visit is as it was before that step, but two versions on: the step and its undoing each wrote one.
    """
    earlier = Change.objects.filter(appointment=standing, undone_at=None)
    earlier.update(version=F("version") + 2)


def _never_was(visit: Appointment, by: Actor, *, aloud: bool) -> bool:
    """Enters a visit in error; returns whether the patient had heard of it."""
    if visit.status != Status.BOOKED:
        raise ChangedSince("This visit went on after that: it cannot be taken back any more.")
    visit.status = Status.ENTERED_IN_ERROR
    visit.version += 1
    visit.save()
    return joint_notices.take_back(visit, by=by, aloud=aloud)


def _take_back_booking(visit: Appointment, change: Change, by: Actor) -> Appointment:
    _never_was(visit, by, aloud=True)
    freeing.freed(visit, cause=Opening.Cause.UNDONE, by=by)
    return visit


def _take_back_move(visit: Appointment, change: Change, by: Actor) -> Appointment:
    told = _never_was(visit, by, aloud=False)
    assert change.previous is not None  # noqa: S101 - a move always has one
    stands = _restore(lock_visit(change.previous), by, corrects=told)
    freeing.freed(visit, cause=Opening.Cause.UNDONE, by=by)
    return stands


def _take_back_cancelling(visit: Appointment, change: Change, by: Actor) -> Appointment:
    return _restore(visit, by)


def _restore(visit: Appointment, by: Actor, *, corrects: bool = False) -> Appointment:
    closed_at = visit.cancelled_at
    visit.status, visit.cancelled_at, visit.cancellation_reason = Status.BOOKED, None, ""
    visit.version += 1
    put(visit)
    openings.taken(visit, by=by)
    joint_notices.tell_again(visit, closed_at, corrects=corrects, by=by)
    return visit


def _take_back_walk_in(visit: Appointment, change: Change, by: Actor) -> Appointment:
    """Who walked in by mistake was never here; who is with the clinician already stays."""
    if visit.status != Status.ARRIVED or visit.seen_at is not None:
        raise ChangedSince("This visit went on after that: it cannot be taken back any more.")
    visit.status, visit.arrived_at = Status.ENTERED_IN_ERROR, None
    visit.version += 1
    visit.save()
    return visit


def _take_back_edit(visit: Appointment, change: Change, by: Actor) -> Appointment:
    """The fields as they were; raises SlotTaken where the longer time was given away meanwhile."""
    took = span_of(visit)
    for name, value in (change.before or {}).items():
        kept = uuid.UUID(value) if name.endswith("_id") and value else value
        setattr(visit, name, dt.datetime.fromisoformat(value) if name == "ends_at" else kept)
    visit.version += 1
    put(visit, insists_on_room=True)
    freeing.resized(visit, before=took, cause=Opening.Cause.UNDONE, by=by)
    return visit


def _take_back_step(visit: Appointment, change: Change, by: Actor) -> Appointment:
    had_its_time = visit.is_active
    for name, value in (change.before or {}).items():
        setattr(visit, name, dt.datetime.fromisoformat(value) if name in MOMENTS and value else value)
    visit.version += 1
    put(visit, has_its_time=had_its_time)
    return visit


TAKE_BACK = {
    Change.Kind.BOOKED.value: _take_back_booking,
    Change.Kind.MOVED.value: _take_back_move,
    Change.Kind.CANCELLED.value: _take_back_cancelling,
    Change.Kind.STATUS.value: _take_back_step,
    Change.Kind.WALKED_IN.value: _take_back_walk_in,
    Change.Kind.EDITED.value: _take_back_edit,
}


def undo_batch(*, batch: uuid.UUID, by: Actor) -> list[Appointment]:
    """Takes back changes that were made as one, all or none; returns the visits that stand now, in order.

    Raises what `undo_change` raises; call it in a transaction.
    """
    people = ("practitioner", "room", "appointment_type", "patient")
    seen = Change.objects.filter(batch=batch).select_related(
        *(f"{visit}__{who}" for visit in ("appointment", "previous") for who in people)
    )
    touched = [visit for one in seen for visit in (one.appointment, one.previous) if visit is not None]
    lock_resources(*(resource for visit in touched for resource in (visit.practitioner, visit.room)))
    made = list(Change.objects.select_for_update(of=("self",)).filter(batch=batch).order_by("pk"))
    for change in made:
        _check_window(change)
    rows = Appointment.objects.with_people().select_for_update(of=("self",))
    visits = {visit.pk: visit for visit in rows.filter(pk__in=[visit.pk for visit in touched]).order_by("pk")}
    if any(visits[change.appointment_id].version != change.version for change in made):
        raise ChangedSince("One of these visits was changed again: they cannot be taken back together.")
    before = {change.pk: visits[change.appointment_id].status for change in made}
    standing = TAKE_ALL_BACK[made[0].kind](made, visits, by)
    Change.objects.filter(batch=batch).update(undone_at=timezone.now())
    for visit in standing:
        _relink(visit)
    _leave_traces(made, visits, before, by)
    return sorted(standing, key=lambda visit: visit.starts_at)


def _leave_traces(made: Sequence[Change], visits: Visits, before: dict[uuid.UUID, str], by: Actor) -> None:
    audit.record_each(
        (
            (
                f"appointment.{change.kind}.undone",
                visits[change.appointment_id],
                visits[change.appointment_id].patient_id,
                {"status": [before[change.pk], visits[change.appointment_id].status]},
            )
            for change in made
        ),
        by=by,
    )
    changes.announce(current_practice(), *columns_of(*visits.values()), "queue", "messages")


def _take_bookings_back(made: Sequence[Change], visits: Visits, by: Actor) -> list[Appointment]:
    gone = _never_were(made, visits)
    joint_notices.take_all_back(gone, by=by)
    freeing.freed(*gone, cause=Opening.Cause.UNDONE, by=by)
    return gone


def _take_moves_back(made: Sequence[Change], visits: Visits, by: Actor) -> list[Appointment]:
    gone = _never_were(made, visits)
    told = joint_notices.take_all_back(gone, by=by, aloud=False)
    heard = {visit.rescheduled_from_id for visit in told}
    stand = _restore_all([visits[one.previous_id] for one in made if one.previous_id], by, heard)
    freeing.freed(*gone, cause=Opening.Cause.UNDONE, by=by)
    return stand


def _take_cancellings_back(made: Sequence[Change], visits: Visits, by: Actor) -> list[Appointment]:
    return _restore_all([visits[change.appointment_id] for change in made], by, set())


def _never_were(made: Sequence[Change], visits: Visits) -> list[Appointment]:
    gone = [visits[change.appointment_id] for change in made]
    if any(visit.status != Status.BOOKED for visit in gone):
        raise ChangedSince("One of these visits went on after that: they cannot be taken back any more.")
    for visit in gone:
        visit.status = Status.ENTERED_IN_ERROR
        visit.version += 1
        visit.save()
    return gone


def _restore_all(visits: Sequence[Appointment], by: Actor, heard: Container[Any]) -> list[Appointment]:
    closed_at = {visit.pk: visit.cancelled_at for visit in visits}
    for visit in visits:
        visit.status, visit.cancelled_at, visit.cancellation_reason = Status.BOOKED, None, ""
        visit.version += 1
        try:
            put(visit)
        except SlotTaken as taken:
            when = say_moment(visit.starts_at, current_practice().zone)
            raise SlotTaken(
                taken.next_times, f"{when} was given away meanwhile: nothing was taken back."
            ) from None
    openings.taken(*visits, by=by)
    joint_notices.tell_all_again(visits, closed_at, corrects=heard, by=by)
    return list(visits)


TAKE_ALL_BACK = {
    Change.Kind.BOOKED.value: _take_bookings_back,
    Change.Kind.MOVED.value: _take_moves_back,
    Change.Kind.CANCELLED.value: _take_cancellings_back,
}
