"""Two small repairs of a visit that stays where it is: its length, its room. Both can be taken back."""

import datetime as dt
from typing import Any

from django.db import transaction

from patients.models import Need
from practices import audit, changes
from practices.audit import Actor
from practices.models import Room
from practices.tenancy import current_practice
from scheduling.booking import state_words
from scheduling.models import Appointment, BusySlot, Change
from scheduling.refusals import BookingRefused, NotOpen
from scheduling.regions import columns_of
from scheduling.slots import lock_resources, lock_visit, put, span_of
from scheduling.undo import record_change

STEP_FREE = {Need.STEP_FREE, Need.WHEELCHAIR}


@transaction.atomic
def set_length(*, appointment: Appointment, version: int, minutes: int, by: Actor) -> Appointment:
    """Lets a booked visit take so many minutes; raises SlotTaken where the next one begins before that.

    Raises StaleAppointment, NotOpen.
    """
    visit = _open_visit(appointment, version, "changed")
    if visit.session is not None:
        raise BookingRefused("A group visit keeps its length: move it, or change the kind of visit.")
    if not 5 <= minutes <= 480:
        raise BookingRefused("A visit takes between 5 minutes and 8 hours.")
    before = {"ends_at": visit.ends_at.isoformat()}
    was = visit.minutes
    visit.ends_at = visit.starts_at + dt.timedelta(minutes=minutes)
    return _put_back(visit, before, {"minutes": [was, minutes]}, by)


@transaction.atomic
def change_room(
    *, appointment: Appointment, version: int, room: Room | None = None, by: Actor
) -> Appointment:
    """Gives a booked visit another room: `room`, else the first that is free then and that its needs allow.

    Raises SlotTaken, StaleAppointment, NotOpen; BookingRefused where no room is free.
    """
    rooms = [room] if room else list(Room.objects.select_related("location"))
    lock_resources(appointment.practitioner, appointment.room, *rooms)
    visit = _open_visit(appointment, version, "changed")
    chosen = room or free_room(visit, rooms)
    if chosen is None:
        raise BookingRefused("No other room is free at that time. Move the visit instead.")
    before = {"room_id": str(visit.room_id) if visit.room_id else None}
    was, visit.room = str(visit.room or ""), chosen
    return _put_back(visit, before, {"room": [was, str(chosen)]}, by)


def free_room(visit: Appointment, rooms: list[Room]) -> Room | None:
    """The first free room of the place where the visit is, without steps where that is needed."""
    here = visit.room or visit.practitioner.room
    place = here.location_id if here else visit.practitioner.location_id
    needs = STEP_FREE & {*visit.patient.needs, *visit.needs}
    fit = [
        one
        for one in rooms
        if one.pk != visit.room_id
        and (place is None or one.location_id == place)
        and (not needs or (one.step_free and one.location.step_free))
    ]
    rows = BusySlot.objects.standing().between(*span_of(visit)).filter(resource_id__in=[r.pk for r in fit])
    taken = set(rows.exclude(party=visit.session or visit.pk).values_list("resource_id", flat=True))
    return next((one for one in fit if one.pk not in taken), None)


def _open_visit(appointment: Appointment, version: int, what: str) -> Appointment:
    visit = lock_visit(appointment, version)
    if not visit.is_open:
        raise NotOpen(f"This visit is {state_words(visit)}: it cannot be {what}.")
    return visit


def _put_back(visit: Appointment, before: dict[str, Any], changed: dict[str, Any], by: Actor) -> Appointment:
    visit.version += 1
    put(visit, insists_on_room=True)
    record_change(kind=Change.Kind.EDITED, appointment=visit, before=before, by=by)
    audit.record("appointment.edited", visit, by=by, patient_id=visit.patient_id, changes=changed)
    changes.announce(current_practice(), *columns_of(visit), "queue")
    return visit
