"""What a visit takes beside its clinician when it is booked: a room, an interpreter, a device, a colleague.

They are held before anything is looked up, chosen among what is free, and written as participants, whose
time the database guards as it does the clinician's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction
from psycopg.errors import ExclusionViolation

from patients.models import Need, Patient
from practices.models import Room
from scheduling.fits import Fit
from scheduling.models import Appointment, AppointmentType, Participant, Practitioner, Resource
from scheduling.needs import NOTHING, ROOM_NEEDS, Wants, wants_of
from scheduling.pools import members_of
from scheduling.refusals import SlotTaken
from scheduling.search import who_offers
from scheduling.slots import forget_expired, lock_resources, put, times_after

BEARING = {*ROOM_NEEDS, Need.INTERPRETER, Need.LONGER}


@dataclass(frozen=True, slots=True)
class Means:
    """What a visit needs beside its clinician, and everything that may have to be held to choose it."""

    wants: Wants = NOTHING
    to_hold: Sequence[Any] = ()

    @property
    def any(self) -> bool:
        return bool(self.to_hold)


def means_of(kind: AppointmentType, patient: Patient, needs: Sequence[str] | None = None) -> Means:
    """What a visit of a type takes for a patient; no query where neither asks for anything.

    `needs` stand in for those of the record.
    """
    wants = wants_to_take(patient, patient.needs if needs is None else needs)
    held: list[Any] = list(members_of(kind.needs_resource, wants.language))
    if kind.needs_room or wants.step_free:
        held += Room.objects.all()
    if kind.clinicians > 1:
        held += who_offers(kind)
    return Means(wants, held)


def wants_to_take(patient: Patient | None, needs: Sequence[str]) -> Wants:
    """What has to be there for a visit; hours, and who it is with, are agreed with the patient."""
    if not BEARING.intersection(needs):
        return NOTHING
    return replace(wants_of(patient, needs), only=(), gender="", notes=())


def hold_move(visit: Appointment, to: Practitioner, *also: Any) -> Means:
    """Holds all that a visit may leave and take when it goes to a clinician, and gives its means."""
    means = means_of(visit.appointment_type, visit.patient, visit.all_needs)
    lock_resources(visit.practitioner, to, visit.room, to.room, *also, *means.to_hold)
    return means


def put_with(visit: Appointment, fit: Fit, *, insists_on_room: bool, hold_key: str = "") -> None:
    """Saves a new visit with all that it takes, or nothing; raises SlotTaken."""
    others = with_its_group(visit) or [*fit.resources, *fit.colleagues]
    if not others:
        put(visit, new=True, hold_key=hold_key, insists_on_room=insists_on_room)
        return
    with transaction.atomic():
        put(visit, new=True, hold_key=hold_key, insists_on_room=insists_on_room)
        take_part(visit, others)


def with_its_group(visit: Appointment) -> list[Resource | Practitioner]:
    """What the others of a group have already: whoever joins them shares it."""
    if visit.session is None:
        return []
    members = Appointment.objects.active().filter(session=visit.session).exclude(pk=visit.pk)
    rows = Participant.objects.filter(appointment__in=members).select_related("resource", "practitioner")
    found = {one.pk: one for row in rows if (one := row.resource or row.practitioner) is not None}
    return list(found.values())


def take_part(visit: Appointment, others: Sequence[Resource | Practitioner]) -> None:
    forget_expired(visit, also=[one.pk for one in others])
    rows = parts_of(visit, others)
    try:
        with transaction.atomic():
            Participant.objects.bulk_create(rows)
    except IntegrityError as error:
        if not isinstance(error.__cause__, ExclusionViolation):
            raise
        raise SlotTaken(times_after(visit)) from error


def parts_of(visit: Appointment, others: Sequence[Resource | Practitioner]) -> list[Participant]:
    """Unsaved rows of what a visit takes beside its clinician."""
    return [
        Participant(
            practice=visit.practice,
            appointment=visit,
            resource=one if isinstance(one, Resource) else None,
            practitioner=one if isinstance(one, Practitioner) else None,
        )
        for one in others
    ]


def names_of(fit: Fit) -> list[str]:
    """What a visit takes beside its clinician, for its trace."""
    return [str(one) for one in (*fit.resources, *fit.colleagues)]
