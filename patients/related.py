"""Who may speak for a patient, and what each of them may be told; a permission is ended, never deleted."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from patients.contacts import parse_phone
from patients.models import Patient, RelatedPerson
from patients.names import tidy
from practices import audit, changes
from practices.audit import Actor

FIELDS = ("name", "relationship", "phone", "may", "note")
MOST = 20


class InvalidRelatedPerson(ValueError):
    """What cannot be stored; `errors` maps field names to words for the person who typed."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


@transaction.atomic
def add_related(
    *,
    patient: Patient,
    name: str,
    relationship: str,
    phone: str = "",
    may: Iterable[str] = (),
    note: str = "",
    by: Actor,
) -> RelatedPerson:
    """Writes down who may speak for the patient; raises InvalidRelatedPerson with a text per field."""
    values = cleaned(name=name, relationship=relationship, phone=phone, may=may, note=note)
    if speaking_for(patient).count() >= MOST:
        raise InvalidRelatedPerson({"name": f"There are {MOST} already. End a permission first."})
    person = RelatedPerson(practice=patient.practice, patient=patient, recorded_by=by.user, **values)
    person.save(force_insert=True)
    _told("related.added", person, {field: [None, value] for field, value in values.items()}, by)
    return person


@transaction.atomic
def change_related(*, person: RelatedPerson, by: Actor, **given: Any) -> RelatedPerson:
    """Changes what is written about somebody; nothing to change writes nothing.

    Raises InvalidRelatedPerson with a text per field, also for one whose permission has ended.
    """
    now: RelatedPerson = RelatedPerson.objects.select_for_update(of=("self",)).get(pk=person.pk)
    if now.ended_at is not None:
        raise InvalidRelatedPerson({"name": "This permission was ended. Add the person anew."})
    values = cleaned(**({field: getattr(now, field) for field in FIELDS} | given))
    before = {field: getattr(now, field) for field in FIELDS}
    changed = {field: [before[field], value] for field, value in values.items() if before[field] != value}
    if changed:
        for field, (_, after) in changed.items():
            setattr(now, field, after)
        now.save()
        _told("related.changed", now, changed, by)
    return now


@transaction.atomic
def end_related(*, person: RelatedPerson, by: Actor) -> RelatedPerson:
    """Takes the permission back from now on; what was told before stays on record."""
    now: RelatedPerson = RelatedPerson.objects.select_for_update(of=("self",)).get(pk=person.pk)
    if now.ended_at is None:
        now.ended_at = timezone.now()
        now.save(update_fields=["ended_at"])
        _told("related.ended", now, {"may": [now.may, []]}, by)
    return now


def speaking_for(patient: Patient) -> "QuerySet[RelatedPerson]":
    """Those who may speak for a patient now, the longest known first."""
    return RelatedPerson.objects.filter(patient=patient, ended_at=None).order_by("since", "pk")


def speaking_from(index: str) -> list[RelatedPerson]:
    """Those whose number this is, with the living patients they may speak for, in one query.

    `index` is the blind index of the number, as `ContactPoint.index_for` and calls keep it.
    """
    if not index:
        return []
    rows = RelatedPerson.objects.filter(phone_index=index, ended_at=None, patient__active=True)
    return list(rows.select_related("patient").order_by("since", "pk"))


def cleaned(*, name: str, relationship: str, phone: str, may: Iterable[str], note: str) -> dict[str, Any]:
    """Tidied values; raises InvalidRelatedPerson."""
    values: dict[str, Any] = {
        "name": tidy(name),
        "note": tidy(note, lines=True),
        "relationship": relationship,
    }
    errors = {}
    if not values["name"]:
        errors["name"] = "Write a name."
    elif len(values["name"]) > 200:
        errors["name"] = "At most 200 letters."
    if len(values["note"]) > 500:
        errors["note"] = "At most 500 letters."
    if relationship not in RelatedPerson.Relationship.values:
        errors["relationship"] = "Choose one of the list."
    wanted = set(may)
    values["may"] = [one for one in RelatedPerson.May.values if one in wanted]
    if wanted - set(RelatedPerson.May.values):
        errors["may"] = "Choose from the list."
    try:
        values["phone"] = parse_phone(phone) if phone.strip() else ""
    except ValueError as unreadable:
        errors["phone"] = str(unreadable)
    if errors:
        raise InvalidRelatedPerson(errors)
    return values


def _told(verb: str, person: RelatedPerson, changed: Mapping[str, Any], by: Actor) -> None:
    audit.record(verb, person, by=by, patient_id=person.patient_id, changes=changed)
    changes.announce(person.practice, "patients")
