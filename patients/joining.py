"""Two records of one person become one: everything that points at the second comes to the first.

What points at a patient is found by walking the models (ARCHITECTURE.md rule 9), so that no app is forgotten.
Where the database allows one row a patient, the app that owns the rows joins them first (RECORD_JOINERS).
"""

import uuid
from collections.abc import Callable

from django.conf import settings
from django.db import models, transaction
from django.utils.module_loading import import_string

from patients.models import ContactPoint, Patient, PatientWord
from practices import audit, changes
from practices.audit import Actor
from practices.models import AuditEntry

JOINED = "patient.joined"
Joiner = Callable[[Patient, Patient], None]
# Words are those of a record's own names: they do not move.
STAY = (PatientWord,)


class CannotBeJoined(ValueError):
    """The two are not two records of one living practice's patient, in words."""


@transaction.atomic
def join_records(*, keep: Patient, other: Patient, by: Actor) -> Patient:
    """Moves whatever belongs to `other` to `keep`; `other` stays as an empty record that is not in use.

    Raises CannotBeJoined for the same record, and for one that is not in use any more.
    """
    if keep.pk == other.pk:
        raise CannotBeJoined("This is the same record.")
    rows = Patient.objects.select_for_update(of=("self",)).filter(pk__in=[keep.pk, other.pk]).order_by("pk")
    both = {patient.pk: patient for patient in rows}
    if len(both) < 2 or not all(patient.active for patient in both.values()):
        raise CannotBeJoined("One of these records is not in use any more.")
    keep, other = both[keep.pk], both[other.pk]
    join_contacts(keep, other)
    for name in settings.RECORD_JOINERS:
        joiner: Joiner = import_string(name)
        joiner(keep, other)
    moved = move_rows(keep, other)
    _fill_gaps(keep, other)
    other.active = False
    PatientWord.objects.filter(patient=other).delete()  # nobody finds it by name any more
    for patient in (keep, other):
        patient.version += 1
        patient.save()
    changed = {"other": [str(other.pk), str(keep.pk)], "rows": [0, moved]}
    audit.record(JOINED, keep, by=by, patient_id=keep.pk, changes=changed)
    audit.record(JOINED, other, by=by, patient_id=other.pk, changes=changed)
    changes.announce(keep.practice, "patients", "appointments", "queue", "inbox", "calls")
    return keep


def move_rows(keep: Patient, other: Patient) -> int:
    """Points every row of every model at the kept record; returns how many there were."""
    return sum(
        rows._default_manager.filter(**{name: other}).update(**{name: keep})
        for rows, name in pointing_at(Patient)
        if rows not in STAY
    )


def pointing_at(model: type[models.Model]) -> list[tuple[type[models.Model], str]]:
    """Each model with a reference to `model` and the reference's name, also those without a way back."""
    relations = model._meta.get_fields(include_hidden=True)
    return [
        (relation.related_model, relation.field.name)
        for relation in relations
        if isinstance(relation, models.ManyToOneRel) and not isinstance(relation.related_model, str)
    ]


def join_contacts(keep: Patient, other: Patient) -> None:
    """A number both have is kept once, with what the supplier said about it; the others come last."""
    held = {point.value_index: point for point in ContactPoint.objects.filter(patient=keep)}
    last = max((point.rank for point in held.values()), default=0)
    for point in ContactPoint.objects.filter(patient=other).order_by("rank", "id"):
        same = held.get(point.value_index)
        if same is None:
            last += 1
            ContactPoint.objects.filter(pk=point.pk).update(rank=min(last, 100))
            continue
        if point.unusable and not same.unusable:
            same.unusable = point.unusable
            same.save(update_fields=["unusable"])
        refer_to(same, point)
        point.delete()


def refer_to(same: ContactPoint, point: ContactPoint) -> None:
    """Messages sent to a number that goes point at the one that stays."""
    for rows, name in pointing_at(ContactPoint):
        rows._default_manager.filter(**{name: point}).update(**{name: same})


def also_known_as(patient_id: uuid.UUID) -> list[uuid.UUID]:
    """The record and those that were joined into it: what was seen and told of them is told of her."""
    found, asked = [patient_id], [patient_id]
    while asked:
        joined = AuditEntry.objects.filter(verb=JOINED, subject_id__in=asked)
        others = [uuid.UUID(entry.changes["other"][0]) for entry in joined if entry.changes]
        asked = [key for key in others if key not in found]
        found += asked
    return found


def _fill_gaps(keep: Patient, other: Patient) -> None:
    """What only the second record knew; wishes for confidence hold if either had them."""
    for name in ("birth_date", "preferred", "pronouns", "address", "need_note", "privacy_note"):
        if not getattr(keep, name):
            setattr(keep, name, getattr(other, name))
    if other.know_first and other.know_first not in keep.know_first:
        keep.know_first = "\n".join(filter(None, [keep.know_first, other.know_first]))
    keep.needs = list(dict.fromkeys([*keep.needs, *other.needs]))
    keep.no_voicemail = keep.no_voicemail or other.no_voicemail
    keep.neutral_name = keep.neutral_name or other.neutral_name
