"""Holding a time: the resources are locked first, in one order, and the constraint has the last word.

Bare inserts of fifty clients into one exclusion constraint deadlock; behind a lock they queue.
"""

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from psycopg.errors import ExclusionViolation, UniqueViolation

from practices.prepared import Prepared
from practices.tenancy import current_practice
from scheduling.availability import FreeTime, next_free
from scheduling.models import LONGEST_VISIT, Appointment, BusySlot, Hold, session_of
from scheduling.refusals import SlotTaken, StaleAppointment
from scheduling.wallclock import say_time

TAKEN, FULL = "That time was just taken.", "All places of this group are taken."


def lock_resources(*resources: Any) -> None:
    """Holds the diaries of clinicians, rooms and other resources until the end of the transaction.

    One statement, always in the order of keys: two bookings that need the same two cannot wait for each
    other. None among them is passed over.
    """
    if "resource-lock" in settings.SWITCHED_OFF:
        return
    keys = sorted({str(one.pk) for one in resources if one is not None})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(%s::text[]) AS key", [keys]
        )


def lock_visit(appointment: Appointment, version: int | None = None) -> Appointment:
    """The visit as it is now, held; what it takes is held first.

    Raises StaleAppointment when `version` is given and the visit has another one by now.
    """
    lock_resources(appointment.practitioner, appointment.room)
    current = Appointment.objects.with_people().select_for_update(of=("self",)).get(pk=appointment.pk)
    if version is not None and current.version != version:
        raise StaleAppointment(current)
    return current


def in_the_way(
    resources: Collection[uuid.UUID],
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    *,
    party: uuid.UUID,
    keys: Collection[str] = (),
) -> set[uuid.UUID]:
    """Which of the resources are taken then by others; `keys` are holds of one's own. One query."""
    asked: dict[str, Any] = {"among": list(resources), "starts": starts_at, "ends": ends_at, "party": party}
    asked["since"] = starts_at - LONGEST_VISIT
    asked |= {"keys": list(keys)} if keys else {}
    return {row.resource_id for row in (TAKEN_BUT if keys else TAKEN_BY).ask(now=timezone.now(), **asked)}


def _taken(among: Any, starts: Any, ends: Any, since: Any, party: Any, now: Any, keys: Any = ()) -> Any:
    rows = BusySlot.objects.standing(now).between(starts, ends, since).filter(resource_id__among=among)
    if keys:
        rows = rows.exclude(hold__key__among=keys)
    return rows.exclude(party=party).order_by().values_list("resource_id")


TAKEN_BY = Prepared(_taken)
TAKEN_BUT = Prepared(_taken)  # the time of one's own holds


def why_taken(resource: uuid.UUID, starts_at: dt.datetime, ends_at: dt.datetime) -> str:
    """Why a time cannot be had, in words: somebody is choosing it just now, or it is booked."""
    rows = BusySlot.objects.standing().between(starts_at, ends_at).filter(resource_id=resource)
    holder = next(iter(rows.filter(hold__isnull=False).values_list("hold__label", "expires_at")), None)
    name, until = holder or ("", None)
    if until is None or rows.filter(hold=None).exists():
        return TAKEN
    local = until.astimezone(current_practice().zone)
    return f"{name} is holding this time until {say_time(local.time())}."


def span_of(visit: Appointment) -> tuple[dt.datetime, dt.datetime]:
    """From when to when a visit takes its resources, buffers included."""
    before, after = (dt.timedelta(minutes=m) for m in (visit.buffer_before, visit.buffer_after))
    return visit.starts_at - before, visit.ends_at + after


def put(
    visit: Appointment,
    *,
    new: bool = False,
    has_its_time: bool = False,
    hold_key: str = "",
    insists_on_room: bool = False,
) -> None:
    """Saves a visit; raises SlotTaken with the next free times when it would take somebody else's.

    `has_its_time` says that it took its time before already: a visit that was overbooked beside it since
    then is no hindrance. `hold_key` is the hold that this booking takes over. A room that is taken is let go
    unless the visit `insists_on_room`.
    """
    if visit.is_active and not visit.overbook_reason and not has_its_time:
        wanted = [key for key in (visit.practitioner_id, visit.room_id) if key]
        keys = [hold_key] if hold_key else []
        taken = in_the_way(wanted, *span_of(visit), party=visit.session or visit.pk, keys=keys)
        if visit.practitioner_id in taken:
            raise SlotTaken(times_after(visit), why_taken(visit.practitioner_id, *span_of(visit)))
        if visit.room_id in taken:
            if insists_on_room:
                raise SlotTaken(times_after(visit), f"{visit.room} is taken at that time.")
            visit.room = None
    if hold_key:
        Hold.objects.filter(key=hold_key).delete()
    try:
        save(visit, new=new)
    except SlotTaken as taken_now:
        # The row in the way may be a hold that has run out: the constraint knows no clock.
        if not forget_expired(visit):
            raise SlotTaken(times_after(visit), str(taken_now)) from None
        save(visit, new=new)


def save(visit: Appointment, *, new: bool) -> None:
    """Saves a visit; SlotTaken is what the database says of its time or its seat."""
    try:
        with transaction.atomic():
            visit.save(force_insert=new)
    except IntegrityError as error:
        if isinstance(error.__cause__, ExclusionViolation):
            raise SlotTaken from error
        if isinstance(error.__cause__, UniqueViolation) and "one_patient_per_seat" in str(error):
            raise SlotTaken([], FULL) from error
        raise


def forget_expired(visit: Appointment, also: Collection[uuid.UUID] = ()) -> int:
    """Deletes holds that have run out and stand where the visit wants to be; how many rows went."""
    wanted = [key for key in (visit.practitioner_id, visit.room_id, *also) if key]
    over = BusySlot.objects.between(*span_of(visit)).filter(
        resource_id__in=wanted, expires_at__lte=timezone.now()
    )
    gone, _ = Hold.objects.filter(pk__in=over.values("hold")).delete()
    return gone


def take_seat(visit: Appointment, capacity: int) -> None:
    """Gives a visit of a group its session and the lowest free seat; raises SlotTaken when all are taken.

    Call it with the clinician's diary held.
    """
    if capacity < 2:
        return
    visit.session = session_of(visit.practitioner_id, visit.appointment_type_id, visit.starts_at)
    visit.seats = capacity
    others = Appointment.objects.active().filter(session=visit.session, overbook_reason="")
    used = set(others.exclude(pk=visit.pk).values_list("seat", flat=True))
    free = next((seat for seat in range(capacity) if seat not in used), None)
    if free is None:
        raise SlotTaken(times_after(visit), FULL)
    visit.seat = free


def times_after(visit: Appointment) -> list[FreeTime]:
    """The two free times nearest after the one that is taken."""
    return next_free(
        practitioner=visit.practitioner,
        appointment_type=visit.appointment_type,
        after=visit.starts_at + dt.timedelta(seconds=1),
    )
