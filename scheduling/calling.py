"""Booking for a caller: the person, what was agreed, what is needed and the visit, all or nothing."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction

from patients.contacts import consent_state, textable_contact
from patients.models import Channel, Consent, ContactPoint, Patient
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
from scheduling.series import book_series


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
    mobile: str = "",
    overbook_reason: str = "",
    hold_key: str = "",
    despite: Sequence[str] = (),
    by: Actor,
) -> Appointment:
    """The booked visit; whatever refuses it takes a new patient, a consent and changed needs back with it."""
    patient = the_caller(caller, needs, mobile, agreed_to_texts=agreed_to_texts, by=by)
    return book_appointment(
        patient=patient,
        practitioner=slot.practitioner,
        appointment_type=kind,
        starts_at=slot.starts_at,
        reason=reason,
        overbook_reason=overbook_reason,
        hold_key=hold_key,
        despite=despite,
        tell_patient=agreed_to_texts,
        by=by,
    )


@transaction.atomic
def book_series_for_caller(
    *,
    caller: Patient | NewCaller,
    kind: AppointmentType,
    slots: Sequence[Slot],
    rule: str,
    needs: Iterable[str],
    reason: str,
    agreed_to_texts: bool,
    mobile: str = "",
    hold_key: str = "",
    by: Actor,
) -> list[Appointment]:
    """The visits of a series, all or nothing, in order."""
    patient = the_caller(caller, needs, mobile, agreed_to_texts=agreed_to_texts, by=by)
    _, visits = book_series(
        patient=patient,
        appointment_type=kind,
        dates=slots,
        rule=rule,
        reason=reason,
        hold_key=hold_key,
        tell_patient=agreed_to_texts,
        by=by,
    )
    return visits


def the_caller(
    caller: Patient | NewCaller, needs: Iterable[str], mobile: str, *, agreed_to_texts: bool, by: Actor
) -> Patient:
    """The caller's record, made or brought up to date with what was said."""
    wanted = sorted(set(needs))
    if isinstance(caller, NewCaller):
        return register(caller, wanted, agreed_to_texts=agreed_to_texts, by=by)
    return bring_up_to_date(caller, wanted, mobile, agreed_to_texts=agreed_to_texts, by=by)


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


def bring_up_to_date(
    patient: Patient, needs: list[str], mobile: str, *, agreed_to_texts: bool, by: Actor
) -> Patient:
    """Writes only what the call changed: other needs, a number or a consent that was not there."""
    phones = None
    if mobile:
        known = ContactPoint.objects.phones().filter(patient=patient).order_by("rank", "id")
        phones = [ContactGiven(point.value, point.use, point.rank) for point in known]
        if mobile not in {given.value for given in phones}:
            phones.append(ContactGiven(mobile, rank=len(phones) + 1))
    if phones is not None or sorted(patient.needs) != needs:
        changed = {"needs": needs}
        patient = update_patient(
            patient=patient, version=patient.version, changes=changed, phones=phones, by=by
        )
    if agreed_to_texts and textable_contact(patient) and not consent_state(patient, Channel.SMS):
        record_consent(patient=patient, channel=Channel.SMS, granted=True, how=Consent.How.PHONE, by=by)
    return patient
