"""Taking a change back: within the practice's window, by anybody who may change, if nothing followed."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from practices import audit, changes
from practices.audit import Actor
from practices.models import User
from practices.tenancy import current_practice
from scheduling import notices
from scheduling.models import Appointment, Change, Status
from scheduling.refusals import ChangedSince, TooLate
from scheduling.regions import columns_of
from scheduling.slots import lock_resources, lock_visit, put

__all__ = ["ChangedSince", "TooLate", "as_it_was", "last_changes", "record_change", "undo_change"]

MOMENTS = ("confirmed_at", "arrived_at", "seen_at", "left_at")
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


def last_changes(user: User, *, limit: int = 5) -> list[Change]:
    """The person's changes that can still be taken back, newest first; one query."""
    rows = Change.objects.filter(made_by=user, undone_at=None, undo_until__gt=timezone.now())
    rows = rows.select_related(
        "appointment__patient", "appointment__practitioner", "previous__practitioner"
    ).order_by()
    newest = sorted(rows, key=lambda change: change.made_at, reverse=True)[:limit]
    return [change for change in newest if change.version == change.appointment.version]


@transaction.atomic
def undo_change(*, change: Change, by: Actor) -> Appointment:
    """Takes a change back and returns the visit that stands now; a booking taken back is entered in error.

    Raises TooLate, ChangedSince, and SlotTaken when the time of a cancelled visit was given away meanwhile.
    """
    _check_window(Change.objects.get(pk=change.pk))
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
    return notices.take_back(visit, by=by, aloud=aloud)


def _take_back_booking(visit: Appointment, change: Change, by: Actor) -> Appointment:
    _never_was(visit, by, aloud=True)
    return visit


def _take_back_move(visit: Appointment, change: Change, by: Actor) -> Appointment:
    told = _never_was(visit, by, aloud=False)
    assert change.previous is not None  # noqa: S101 - a move always has one
    return _restore(lock_visit(change.previous), by, corrects=told)


def _take_back_cancelling(visit: Appointment, change: Change, by: Actor) -> Appointment:
    return _restore(visit, by)


def _restore(visit: Appointment, by: Actor, *, corrects: bool = False) -> Appointment:
    closed_at = visit.cancelled_at
    visit.status, visit.cancelled_at, visit.cancellation_reason = Status.BOOKED, None, ""
    visit.version += 1
    put(visit)
    notices.tell_again(visit, closed_at, corrects=corrects, by=by)
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
}
