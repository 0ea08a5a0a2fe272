"""Booking for a caller: the person, what was agreed, what is needed and the visit, all or nothing."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from patients.contacts import consent_state
from patients.models import Channel, Consent, Patient
from patients.registry import (
    ConsentGiven,
    ContactGiven,
    record_consent,
    register_patient,
    update_patient,
)
from practices.audit import Actor
from scheduling.booking import book_appointment
from scheduling.drafts import Slot
from scheduling.models import Appointment, AppointmentType


@dataclass(frozen=True, slots=True)
class NewCaller:
    """A person who is not in the practice's records yet."""

    given: str
    family: str
    birth_date: dt.date
    mobile: str = ""


@transaction.atomic
def book_for_caller(
    *,
    caller: Patient | NewCaller,
    kind: AppointmentType,
    slot: Slot,
    needs: Iterable[str],
    reason: str,
    agreed_to_texts: bool,
    overbook_reason: str = "",
    by: Actor,
) -> Appointment:
    """The booked visit; whatever refuses it takes a new patient, a consent and changed needs back with it."""
    wanted = sorted(set(needs))
    if isinstance(caller, NewCaller):
        patient = register(caller, wanted, agreed_to_texts=agreed_to_texts, by=by)
    else:
        patient = bring_up_to_date(caller, wanted, agreed_to_texts=agreed_to_texts, by=by)
    return book_appointment(
        patient=patient,
        practitioner=slot.practitioner,
        appointment_type=kind,
        starts_at=slot.starts_at,
        room=slot.practitioner.room,
        reason=reason,
        overbook_reason=overbook_reason,
        tell_patient=agreed_to_texts,
        by=by,
    )


def register(caller: NewCaller, needs: list[str], *, agreed_to_texts: bool, by: Actor) -> Patient:
    agreed = agreed_to_texts and bool(caller.mobile)
    return register_patient(
        given=caller.given,
        family=caller.family,
        birth_date=caller.birth_date,
        needs=needs,
        phones=[ContactGiven(caller.mobile)] if caller.mobile else [],
        consents=[ConsentGiven(Channel.SMS, True, Consent.How.PHONE)] if agreed else [],
        by=by,
    )


def bring_up_to_date(patient: Patient, needs: list[str], *, agreed_to_texts: bool, by: Actor) -> Patient:
    """Writes only what the call changed: other needs, a consent that was not there."""
    if agreed_to_texts and not consent_state(patient, Channel.SMS):
        record_consent(patient=patient, channel=Channel.SMS, granted=True, how=Consent.How.PHONE, by=by)
    if sorted(patient.needs) == needs:
        return patient
    return update_patient(patient=patient, version=patient.version, changes={"needs": needs}, by=by)
