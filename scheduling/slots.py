"""Holding a time: the resources are locked first, in one order, and the constraint has the last word.

Bare inserts of fifty clients into one exclusion constraint deadlock; behind a lock they queue.
"""

import datetime as dt

from django.conf import settings
from django.db import IntegrityError, transaction
from psycopg.errors import ExclusionViolation

from scheduling.availability import FreeTime, next_free
from scheduling.models import Appointment, Practitioner
from scheduling.refusals import SlotTaken, StaleAppointment


def lock_practitioners(*practitioners: Practitioner) -> None:
    """Holds the practitioners' diaries until the end of the transaction, always in the order of keys."""
    if "resource-lock" in settings.SWITCHED_OFF:
        return
    ids = {practitioner.pk for practitioner in practitioners}
    rows = Practitioner.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    list(rows.values_list("pk"))


def lock_visit(appointment: Appointment, version: int | None = None) -> Appointment:
    """The visit as it is now, held; its practitioner's diary is held first.

    Raises StaleAppointment when `version` is given and the visit has another one by now.
    """
    lock_practitioners(appointment.practitioner)
    current = Appointment.objects.with_people().select_for_update(of=("self",)).get(pk=appointment.pk)
    if version is not None and current.version != version:
        raise StaleAppointment(current)
    return current


def put(visit: Appointment, *, new: bool = False, has_its_time: bool = False) -> None:
    """Saves a visit; raises SlotTaken with the next free times when it would take somebody else's.

    `has_its_time` says that it took its time before already: a visit that was overbooked beside it since
    then is no hindrance.
    """
    if visit.is_active and not visit.overbook_reason and not has_its_time:
        others = Appointment.objects.active().overlapping(visit.starts_at, visit.ends_at)
        if others.filter(practitioner=visit.practitioner).exclude(pk=visit.pk).exists():
            raise SlotTaken(times_after(visit))
    try:
        with transaction.atomic():
            visit.save(force_insert=new)
    except IntegrityError as error:
        if not isinstance(error.__cause__, ExclusionViolation):
            raise
        raise SlotTaken(times_after(visit)) from error


def times_after(visit: Appointment) -> list[FreeTime]:
    """The two free times nearest after the one that is taken."""
    return next_free(
        practitioner=visit.practitioner,
        appointment_type=visit.appointment_type,
        after=visit.starts_at + dt.timedelta(seconds=1),
    )
