"""The verbs on a patient's record: register, update, record consent.

Each writes the search words, the blind indexes and the audit entry in the transaction of the change.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import F

from patients.cleaning import InvalidPatient, clean_consents, clean_contacts, clean_person
from patients.models import Consent, ContactPoint, Identifier, MisspelledWord, Patient, PatientWord
from patients.names import misspellings, searchable_words
from practices import audit
from practices.audit import Actor
from practices.changes import announce
from practices.models import Language
from practices.tenancy import current_practice

__all__ = [
    "ConsentGiven",
    "ContactGiven",
    "IdentifierGiven",
    "InvalidPatient",
    "StalePatient",
    "record_consent",
    "register_patient",
    "update_patient",
]


@dataclass(frozen=True, slots=True)
class ContactGiven:
    """A phone number or e-mail address as somebody wrote it; rank 1 is tried first."""

    value: str
    use: str = ContactPoint.Use.MOBILE.value
    rank: int = 1


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """That the patient said yes or no to a channel, and how."""

    channel: str
    granted: bool
    how: str
    given_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class IdentifierGiven:
    """The patient's number in another system."""

    system: str
    value: str


class StalePatient(Exception):
    """Somebody else changed the record meanwhile; `current` is what is stored now."""

    def __init__(self, current: Patient) -> None:
        super().__init__("Somebody else changed this record meanwhile.")
        self.current = current


@dataclass(slots=True)
class NewPatient:
    """A checked patient with all its rows, not yet written; see `prepare` and `write`."""

    patient: Patient
    contacts: list[ContactPoint] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    identifiers: list[Identifier] = field(default_factory=list)


@transaction.atomic
def register_patient(
    *,
    given: str,
    family: str,
    birth_date: dt.date | None = None,
    preferred: str = "",
    sex: str = "unknown",
    pronouns: str = "",
    language: str = Language.ENGLISH.value,
    preferred_channel: str = "sms",
    needs: Iterable[str] = (),
    need_note: str = "",
    know_first: str = "",
    address: Mapping[str, str] | None = None,
    phones: Sequence[ContactGiven] = (),
    emails: Sequence[ContactGiven] = (),
    consents: Sequence[ConsentGiven] = (),
    identifiers: Sequence[IdentifierGiven] = (),
    by: Actor,
) -> Patient:
    """A new patient of the current practice; raises InvalidPatient with a message per field."""
    person = {
        "given": given,
        "family": family,
        "birth_date": birth_date,
        "preferred": preferred,
        "sex": sex,
        "pronouns": pronouns,
        "language": language,
        "preferred_channel": preferred_channel,
        "needs": list(needs),
        "need_note": need_note,
        "know_first": know_first,
        "address": dict(address) if address else None,
    }
    new = prepare(person, phones=phones, emails=emails, consents=consents, identifiers=identifiers, by=by)
    write([new], by=by)
    return new.patient


def prepare(
    person: Mapping[str, Any],
    *,
    phones: Sequence[ContactGiven] = (),
    emails: Sequence[ContactGiven] = (),
    consents: Sequence[ConsentGiven] = (),
    identifiers: Sequence[IdentifierGiven] = (),
    by: Actor,
) -> NewPatient:
    """Checks a new patient and makes its rows without writing them; raises InvalidPatient."""
    practice = current_practice()
    cleaned, errors = clean_person(person, today=practice.today())
    contacts, contact_errors = clean_contacts(phones, emails)
    errors |= contact_errors | clean_consents(consents)
    if not (cleaned.get("given") or cleaned.get("family") or errors):
        errors["given"] = "Write a name."
    if errors:
        raise InvalidPatient(errors)
    patient = Patient(practice=practice, **cleaned)
    new = NewPatient(patient)
    for given in contacts:
        new.contacts.append(ContactPoint(practice=practice, patient=patient, **given))
    for consent in consents:
        row = Consent(
            practice=practice,
            patient=patient,
            channel=consent.channel,
            granted=consent.granted,
            how=consent.how,
            recorded_by=by.user,
        )
        row.given_at = consent.given_at or row.given_at
        new.consents.append(row)
    for number in identifiers:
        index = Identifier.index_for(practice.pk, number.system, number.value)
        new.identifiers.append(
            Identifier(
                practice=practice,
                patient=patient,
                system=number.system,
                value=number.value.strip(),
                value_index=index,
            )
        )
    return new


@transaction.atomic
def write(new: Sequence[NewPatient], *, by: Actor) -> None:
    """Writes prepared patients with search words and audit, in a fixed number of statements."""
    practice = current_practice()
    patients = [item.patient for item in new]
    for patient in patients:
        patient.index()
    Patient.objects.bulk_create(patients)
    contacts = [contact for item in new for contact in item.contacts]
    for contact in contacts:
        contact.index()
    ContactPoint.objects.bulk_create(contacts)
    Consent.objects.bulk_create([consent for item in new for consent in item.consents])
    Identifier.objects.bulk_create([number for item in new for number in item.identifiers])
    write_words(patients)
    audit.record_many("patient.registered", patients, by=by)
    announce(practice, "patients")


@transaction.atomic
def update_patient(
    *,
    patient: Patient,
    version: int,
    changes: Mapping[str, Any],
    phones: Sequence[ContactGiven] | None = None,
    emails: Sequence[ContactGiven] | None = None,
    by: Actor,
) -> Patient:
    """Changes the named fields, and the phones or e-mails where given; nothing to change writes nothing.

    Raises StalePatient if the record is no longer at `version`, InvalidPatient with a message per field.
    """
    current = Patient.objects.select_for_update().get(pk=patient.pk)
    if current.version != version:
        raise StalePatient(current)
    cleaned, errors = clean_person(changes, today=current_practice().today())
    contacts, contact_errors = clean_contacts(phones or (), emails or ())
    errors |= contact_errors
    if not (cleaned.get("given", current.given) or cleaned.get("family", current.family) or errors):
        errors["given"] = "Write a name."
    if errors:
        raise InvalidPatient(errors)
    changed = {
        name: [getattr(current, name), value]
        for name, value in cleaned.items()
        if getattr(current, name) != value
    }
    for name, (_, after) in changed.items():
        setattr(current, name, after)
    for system, wanted in ((ContactPoint.System.PHONE, phones), (ContactPoint.System.EMAIL, emails)):
        if wanted is not None:
            changed |= _replace_contacts(current, system, [c for c in contacts if c["system"] == system])
    if changed:
        current.version += 1
        current.save()
        if changed.keys() & {"given", "family", "preferred"}:
            write_words([current])
        audit.record("patient.updated", current, by=by, patient_id=current.pk, changes=changed)
        announce(current.practice, "patients")
    return current


@transaction.atomic
def record_consent(
    *, patient: Patient, channel: str, granted: bool, how: str, given_at: dt.datetime | None = None, by: Actor
) -> Consent:
    """Adds the patient's latest word on texts or e-mail; earlier ones stay."""
    errors = clean_consents([ConsentGiven(channel, granted, how, given_at)])
    if errors:
        raise InvalidPatient(errors)
    consent = Consent(
        practice=current_practice(),
        patient=patient,
        channel=channel,
        granted=granted,
        how=how,
        recorded_by=by.user,
    )
    consent.given_at = given_at or consent.given_at
    consent.save(force_insert=True)
    audit.record(
        "consent.given" if granted else "consent.withdrawn",
        consent,
        by=by,
        patient_id=patient.pk,
        changes={"channel": [None, channel], "how": [None, how]},
    )
    announce(consent.practice, "patients")
    return consent


def write_words(patients: Sequence[Patient]) -> None:
    """Makes the search words of the patients those of their names.

    Words that nobody bears any more stay in the vocabulary: they lead to no patient and cost one row.
    """
    practice = current_practice()
    wanted = {(p.pk, word) for p in patients for word in searchable_words(p.given, p.family, p.preferred)}
    stored = {
        (patient_id, word): key
        for key, patient_id, word in PatientWord.objects.filter(patient__in=patients).values_list(
            "pk", "patient_id", "word"
        )
    }
    gone = [key for pair, key in stored.items() if pair not in wanted]
    if gone:
        PatientWord.objects.filter(pk__in=gone).delete()
    missing = sorted(wanted - stored.keys())
    PatientWord.objects.bulk_create(
        PatientWord(practice=practice, patient_id=patient_id, word=word) for patient_id, word in missing
    )
    # Sorted: two registrations that add the same words take the locks in the same order.
    fresh = {word for _, word in missing}
    known = MisspelledWord.objects.filter(key__in=sorted(fresh), word=F("key")).values_list("word", flat=True)
    pairs = sorted((key, word) for word in fresh - set(known) for key in misspellings(word))
    MisspelledWord.objects.bulk_create(
        [MisspelledWord(practice=practice, key=key, word=word) for key, word in pairs],
        ignore_conflicts=True,
        batch_size=2000,
    )


def _replace_contacts(patient: Patient, system: str, wanted: list[dict[str, Any]]) -> dict[str, Any]:
    """Makes the contact points of one kind the wanted ones; returns what changed, for the audit entry.

    A value that stays keeps its row, and with it what the supplier said about it.
    """
    stored = {point.value: point for point in ContactPoint.objects.filter(patient=patient, system=system)}
    before = [[p.value, p.use, p.rank] for p in stored.values()]
    for given in wanted:
        point = stored.pop(given["value"], None)
        if point is None:
            point = ContactPoint(practice=patient.practice, patient=patient, system=system)
        if point._state.adding or (point.use, point.rank) != (given["use"], given["rank"]):
            point.value, point.use, point.rank = given["value"], given["use"], given["rank"]
            point.save()
    for point in stored.values():
        point.delete()
    after = [[given["value"], given["use"], given["rank"]] for given in wanted]
    name = "phones" if system == ContactPoint.System.PHONE else "emails"
    return {name: [before, after]} if sorted(before) != sorted(after) else {}
