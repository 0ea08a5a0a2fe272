"""Somebody stands at the desk: found or added, booked into the next free time, here at once."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils import timezone

from patients.models import Patient
from practices import audit, changes
from practices.audit import Actor
from practices.models import Practice
from practices.tenancy import current_practice
from scheduling import notices
from scheduling.availability import free_times
from scheduling.calling import NewCaller, book_for_caller
from scheduling.drafts import Slot
from scheduling.fits import NEED
from scheduling.judging import judged
from scheduling.models import Appointment, AppointmentType, Change, Practitioner, Status
from scheduling.needs import wants_of
from scheduling.refusals import BookingRefused, OutsideHours, SlotTaken
from scheduling.regions import columns_of
from scheduling.search import search, who_offers

REASON = "walked in"


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody who stands here can go: a clinician, from when, and whether beside others."""

    slot: Slot
    beside: bool
    minutes: int  # until it begins
    unmet: tuple[str, ...] = ()  # what the patient needs and would not have


def present_quarter(now: dt.datetime) -> dt.datetime:
    """The start of the quarter of an hour that has begun."""
    return now - dt.timedelta(minutes=now.minute % 15, seconds=now.second, microseconds=now.microsecond)


def places(
    kind: AppointmentType, practice: Practice, now: dt.datetime, patient: Patient | None = None
) -> list[Place]:
    """The next free time today of each clinician, soonest first, then the present beside her others."""
    people = who_offers(kind)
    start = present_quarter(now)
    midnight = dt.datetime.combine(practice.today() + dt.timedelta(days=1), dt.time(), tzinfo=practice.zone)
    free = free_times(appointment_type=kind, practitioners=people, from_=start, until=midnight, now=start)
    first: dict[object, Place] = {}
    for one in free:
        if one.practitioner.pk not in first:
            minutes = max(0, int((one.starts_at - now).total_seconds() // 60))
            first[one.practitioner.pk] = Place(Slot(one.practitioner, one.starts_at), False, minutes)
    now_beside = [
        Place(Slot(person, start), True, 0)
        for person in people
        if person.pk not in first or first[person.pk].slot.starts_at > start
    ]
    found = [*sorted(first.values(), key=lambda place: place.slot.starts_at), *now_beside]
    return with_needs(found, kind, people, patient, start) if patient is not None else found


def with_needs(
    found: Sequence[Place],
    kind: AppointmentType,
    people: Sequence[Practitioner],
    patient: Patient,
    now: dt.datetime,
) -> list[Place]:
    """The places with what the patient needs and would not have there; one search for all of them.

    None is left out: whoever stands at the desk may agree to it, and has to be told.
    """
    wants = wants_of(patient)
    if not wants.bind or not found:
        return list(found)
    today = current_practice().today()
    known = search(kind, people, today, today, now=now, patient=patient, wants=wants)
    numbers = {person.pk: number for number, person in enumerate(people)}

    def unmet(slot: Slot) -> tuple[str, ...]:
        fit = judged(known, int(slot.starts_at.timestamp()), numbers[slot.practitioner.pk])
        return fit.broken(NEED)

    return [replace(place, unmet=unmet(place.slot)) for place in found]


@transaction.atomic
def walk_in(
    *,
    person: Patient | NewCaller,
    kind: AppointmentType,
    practitioner: Practitioner,
    starts_at: dt.datetime,
    needs: Iterable[str] | None = None,
    reason: str = "",
    overbook_reason: str = "",
    mobile: str = "",
    agreed_to_texts: bool = False,
    by: Actor,
) -> Appointment:
    """Books somebody who is here today and lets her wait from now on, all or nothing.

    `overbook_reason` is used only where the time is taken or outside hours. Raises what booking raises, and
    BookingRefused for another day.
    """
    practice = current_practice()
    if starts_at.astimezone(practice.zone).date() != practice.today():
        raise BookingRefused("Who is here is seen today. For another day use the booking dialog.")
    own = list(person.needs) if isinstance(person, Patient) else []
    wanted = own if needs is None else list(needs)

    def book(squeezed: str) -> Appointment:
        return book_for_caller(
            caller=person,
            kind=kind,
            slot=Slot(practitioner, starts_at),
            needs=wanted,
            reason=reason,
            agreed_to_texts=agreed_to_texts,
            mobile=mobile,
            overbook_reason=squeezed,
            by=by,
        )

    try:
        visit = book("")
    except (SlotTaken, OutsideHours):
        if not overbook_reason.strip():
            raise
        visit = book(overbook_reason)
    return _is_here(visit, by)


def _is_here(visit: Appointment, by: Actor) -> Appointment:
    """Arrived in the same step: one change, which is taken back as one; nobody texts who stands here."""
    visit.walk_in, visit.status, visit.arrived_at = True, Status.ARRIVED, timezone.now()
    visit.version += 1
    visit.save()
    changed = Change.objects.filter(appointment=visit, kind=Change.Kind.BOOKED, undone_at=None)
    changed.update(kind=Change.Kind.WALKED_IN, version=visit.version)
    notices.fall_silent(visit, reason=REASON, by=by)
    audit.record("appointment.walked-in", visit, by=by, patient_id=visit.patient_id)
    changes.announce(current_practice(), *columns_of(visit), "queue")
    return visit
