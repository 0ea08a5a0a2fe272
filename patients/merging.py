"""Two people changed one record: what each of them wrote, field by field, and the choice between the two."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from patients.cleaning import clean_contacts, clean_person
from patients.forms import CONFIDENCE, PERSON, ROW, EditPatientForm, initial_of
from patients.models import ContactPoint, Patient
from practices.models import AuditEntry
from practices.tenancy import current_practice

GROUPS = {"address": "Address", "phones": "Phones", "emails": "E-mail addresses"}
PICK = "pick_"


@dataclass(frozen=True, slots=True)
class Choice:
    """One part of the record in which the typed and the stored values differ; `theirs` is picked first
    where the person left that part as it was."""

    part: str
    label: str
    typed: str
    stored: str
    theirs: bool

    @property
    def name(self) -> str:
        return f"{PICK}{self.part}"


def part_of(field: str) -> str:
    """The part of the record a field belongs to: phones, e-mails and the address are picked as a whole."""
    if row := ROW.fullmatch(field.removesuffix("_use")):
        return f"{row[1]}s"
    return "address" if field.startswith("address_") else field


def choices(form: EditPatientForm, current: Patient) -> list[Choice]:
    """The parts in which a valid form differs from the record as it is stored now."""
    before = values_before(current, form.cleaned_data["version"])
    typed, stored = plain_of_form(form), plain_of_record(current)
    shown = EditPatientForm(patient=current)
    return [
        Choice(
            part,
            GROUPS.get(part) or str(form.fields[part].label or part.capitalize()),
            words(form, part),
            words(shown, part),
            theirs=part in before and before[part] == typed.get(part),
        )
        for part in (*PERSON, *CONFIDENCE, *GROUPS)
        if typed.get(part) != stored[part]
    ]


def last_change(patient: Patient) -> AuditEntry | None:
    """Who changed the record last, and when."""
    last: AuditEntry | None = _changes_of(patient).select_related("actor").first()
    return last


def values_before(current: Patient, version: int) -> dict[str, Any]:
    """What the parts held that were changed since `version`."""
    before: dict[str, Any] = {}
    for entry in _changes_of(current)[: max(current.version - version, 0)]:
        for part, pair in (entry.changes or {}).items():
            before[part] = sorted(pair[0]) if part in {"phones", "emails"} else pair[0]
    return before


def settled(data: QueryDict, patient: Patient) -> QueryDict:
    """The sent form, with the stored values in the parts for which they were picked."""
    picked = {name.removeprefix(PICK) for name in data if name.startswith(PICK) and data[name] == "theirs"}
    merged = data.copy()
    for name in [name for name in data if name.startswith(PICK) or part_of(name) in picked]:
        del merged[name]
    for name, value in initial_of(patient).items():
        if part_of(name) in picked:
            merged.setlist(name, value if isinstance(value, list) else [value or ""])
    return merged


def words(form: forms.Form, part: str) -> str:
    """The value of a part as a person reads it."""
    said = []
    for bound in form:
        if part_of(bound.name) != part or bound.name.endswith("_use") or not bound.value():
            continue
        text = _labels(form, bound.name)
        use = f"{bound.name}_use"
        said.append(f"{text}, {_labels(form, use).lower()}" if part == "phones" else text)
    return "\n".join(said) or "Nothing"


def plain_of_form(form: EditPatientForm) -> dict[str, Any]:
    cleaned, _ = clean_person(form.person(), today=current_practice().today())
    contacts, _ = clean_contacts(form.contacts("phone"), form.contacts("email"))
    rows = {
        f"{kind}s": sorted([c["value"], c["use"], c["rank"]] for c in contacts if c["system"] == kind)
        for kind in ContactPoint.System.values
    }
    return _plain(cleaned) | rows


def plain_of_record(patient: Patient) -> dict[str, Any]:
    points = list(patient.contact_points.all())
    rows = {
        f"{kind}s": sorted([p.value, p.use, p.rank] for p in points if p.system == kind)
        for kind in ContactPoint.System.values
    }
    return _plain({name: getattr(patient, name) for name in (*PERSON, *CONFIDENCE, "address")}) | rows


def _plain(person: Mapping[str, Any]) -> dict[str, Any]:
    # As the audit entry keeps them: a date as text.
    born = person.get("birth_date")
    return {**person, "birth_date": str(born) if born else born}


def _labels(form: forms.Form, name: str) -> str:
    field, value = form.fields[name], form[name].value()
    if isinstance(field, forms.BooleanField):
        return "Yes"
    if not isinstance(field, forms.ChoiceField):
        return str(value)
    known = {str(key): str(label) for key, label in field.choices}  # type: ignore[union-attr,misc]
    given = value if isinstance(value, list) else [value]
    return ", ".join(known.get(str(one), str(one)) for one in given)


def _changes_of(patient: Patient) -> Any:
    return AuditEntry.objects.filter(subject_id=patient.pk, verb="patient.updated").order_by("-at")
