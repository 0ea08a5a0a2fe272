"""Changing what a visit is: type, length, room, reason, note, needs of this visit, meeting address.

Two people may have it open. A change names the values that were seen; where one of them is another by now, or
the version is, nothing is written and the caller is handed the visit as it stands.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from patients.models import Need
from practices import audit, changes
from practices.audit import Actor
from practices.models import Room
from practices.tenancy import current_practice
from scheduling import freeing
from scheduling.availability import why_closed
from scheduling.meetings import MeetingRefused, read_address
from scheduling.models import Appointment, AppointmentType, Change, Opening, Status
from scheduling.refusals import BookingRefused, NotOffered, NotOpen, OutsideHours, StaleAppointment
from scheduling.regions import columns_of
from scheduling.slots import lock_resources, lock_visit, put, span_of
from scheduling.undo import record_change

FIELDS = ("appointment_type", "minutes", "room", "reason", "note", "needs", "meeting_address")
LONGEST = {"reason": 500, "note": 2000}
KEPT = ("appointment_type_id", "buffer_before", "buffer_after", "room_id", "reason", "note", "needs")


class FieldRefused(BookingRefused):
    """A value that cannot be; `field` is where a form says it."""

    def __init__(self, words: str, field: str) -> None:
        super().__init__(words)
        self.field = field


def values_of(visit: Appointment) -> dict[str, Any]:
    """What can be edited, as plain values: ids as text, empty text for nothing."""
    return {
        "appointment_type": str(visit.appointment_type_id),
        "minutes": visit.minutes,
        "room": str(visit.room_id or ""),
        "reason": str(visit.reason),
        "note": str(visit.note),
        "needs": sorted(visit.needs),
        "meeting_address": str(visit.meeting_address or ""),
    }


@transaction.atomic
def edit_appointment(
    *,
    appointment: Appointment,
    version: int,
    values: Mapping[str, Any],
    seen: Mapping[str, Any] | None = None,
    by: Actor,
) -> Appointment:
    """Writes those of FIELDS that `values` holds; `seen` are the values the person had before her.

    Raises StaleAppointment (with the visit as it is) when one of them was changed meanwhile, NotOpen,
    FieldRefused, NotOffered, OutsideHours, and SlotTaken when a longer visit or its room is in the way.
    """
    room = _room(values.get("room", "")) if "room" in values else appointment.room
    lock_resources(appointment.practitioner, appointment.room, room)
    visit = lock_visit(appointment)
    current = values_of(visit)
    if visit.version != version or any(
        current[name] != seen[name] for name in values if seen and name in seen
    ):
        raise StaleAppointment(visit)
    if visit.status not in {Status.BOOKED, Status.ARRIVED}:
        raise NotOpen(f"This visit is {visit.get_status_display().lower()}: it cannot be changed.")
    wanted = {name: value for name, value in _clean(values).items() if current[name] != value}
    if not wanted:
        return visit
    before, took = _kept(visit), span_of(visit)
    _apply(visit, wanted, room)
    visit.version += 1
    put(visit, has_its_time=not {"minutes", "room"} & set(wanted), insists_on_room="room" in wanted)
    record_change(kind=Change.Kind.EDITED, appointment=visit, before=before, by=by)
    freeing.resized(visit, before=took, cause=Opening.Cause.MOVED, by=by)
    differs = {name: [current[name], value] for name, value in wanted.items()}
    audit.record("appointment.edited", visit, by=by, patient_id=visit.patient_id, changes=differs)
    changes.announce(current_practice(), *columns_of(visit))
    return visit


def _room(value: Any) -> Room | None:
    if not value:
        return None
    room = Room.objects.filter(pk=value).select_related("location").first()
    if room is None:
        raise FieldRefused("There is no such room.", "room")
    return room


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values in their plain form; raises FieldRefused for one that cannot be."""
    cleaned = dict(values)
    for name in ("reason", "note"):
        if name in cleaned:
            cleaned[name] = str(cleaned[name]).replace("\r\n", "\n").strip()
            if len(cleaned[name]) > LONGEST[name]:
                raise FieldRefused(f"At most {LONGEST[name]} letters.", name)
    if "minutes" in cleaned:
        minutes = cleaned["minutes"]
        if not isinstance(minutes, int) or not 5 <= minutes <= 480 or minutes % 5:
            raise FieldRefused("Between 5 and 480 minutes, in steps of five.", "minutes")
    if "needs" in cleaned:
        cleaned["needs"] = sorted(set(cleaned["needs"]))
        if not set(cleaned["needs"]) <= set(Need.values):
            raise FieldRefused("Choose among the needs.", "needs")
    if "meeting_address" in cleaned:
        try:
            cleaned["meeting_address"] = read_address(str(cleaned["meeting_address"] or ""))
        except MeetingRefused as refusal:
            raise FieldRefused(str(refusal), "meeting_address") from None
    return cleaned


def _kept(visit: Appointment) -> dict[str, Any]:
    """The columns as they were, for taking it back."""
    before = {name: getattr(visit, name) for name in KEPT}
    before |= {"ends_at": visit.ends_at.isoformat(), "meeting_address": visit.meeting_address or None}
    return {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in before.items()}


def _apply(visit: Appointment, wanted: Mapping[str, Any], room: Room | None) -> None:
    if visit.session is not None and {"appointment_type", "minutes", "room"} & set(wanted):
        raise NotOpen("This visit is one of a group: its type, length and room belong to the whole group.")
    if "appointment_type" in wanted:
        kind = AppointmentType.objects.filter(pk=wanted["appointment_type"], active=True).first()
        if kind is None or not kind.offers.filter(practitioner=visit.practitioner_id).exists():
            raise NotOffered(f"{visit.practitioner.short_name} does not offer this type of visit.")
        visit.appointment_type = kind
        visit.buffer_before, visit.buffer_after = kind.buffer_before, kind.buffer_after
    if "minutes" in wanted:
        longer = wanted["minutes"] > visit.minutes
        visit.ends_at = visit.starts_at + dt.timedelta(minutes=wanted["minutes"])
        closed = longer and not visit.overbook_reason
        words = why_closed(visit.practitioner, visit.starts_at, visit.ends_at) if closed else ""
        if words:
            raise OutsideHours(words)
    if "room" in wanted:
        visit.room = room
    for name in ("reason", "note", "needs"):
        if name in wanted:
            setattr(visit, name, wanted[name])
    if "meeting_address" in wanted:
        visit.meeting_address = wanted["meeting_address"] or None
