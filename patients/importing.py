"""Imports of patients: rows of a file become created, updated or unchanged patients, or refusals.

A patient is known again by system and value of its numbers, so a file may be imported twice. The file
wins over what is stored for the fields it carries; phones and e-mails are added, none is taken away, and
no consent is ever made up. Batches commit one by one; a row is written whole or not at all.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from django.db import DatabaseError, transaction

from patients.cleaning import ADDRESS_PARTS, MOST_CONTACTS
from patients.contacts import parse_email, parse_phone
from patients.importfiles import PatientGiven, Refusal, read_file
from patients.models import Identifier, Patient
from patients.names import tidy
from patients.registry import ContactGiven, InvalidPatient, NewPatient, prepare, update_patient, write
from practices.audit import Actor
from practices.models import Practice
from practices.tenancy import current_practice, inside

BATCH = 500
IMPORT = Actor(kind="system", door="import")
Outcome = Literal["created", "updated", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one line; `why` never holds anything of the patient."""

    line: int
    outcome: Outcome
    why: str = ""


@dataclass(slots=True)
class Report:
    """What became of a file."""

    rows: list[RowResult] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        return sum(row.outcome == outcome for row in self.rows)

    @property
    def usable(self) -> int:
        """Rows that are now in the practice as the file gives them."""
        return len(self.rows) - self.count("refused")


def import_patients(
    path: Path, practice: Practice, *, progress: Callable[[int], None] = lambda done: None
) -> Report:
    """Imports a file into a practice; raises UnreadableFile when not one row can be looked at."""
    report = Report()
    rows = read_file(path)
    while batch := list(islice(rows, BATCH)):
        with inside(practice):
            for part in without_repeats(batch):
                report.rows += import_rows(part)
        progress(len(report.rows))
    report.rows.sort(key=lambda row: row.line)
    return report


def without_repeats(batch: list[PatientGiven | Refusal]) -> Iterator[list[PatientGiven | Refusal]]:
    """Cuts a batch before a row that names a patient named above it: that one must be stored first."""
    part: list[PatientGiven | Refusal] = []
    seen: set[tuple[str, str]] = set()
    for row in batch:
        numbers = {(n.system, n.value) for n in row.identifiers} if isinstance(row, PatientGiven) else set()
        if numbers & seen:
            yield part
            part, seen = [], set()
        part.append(row)
        seen |= numbers
    yield part


def import_rows(rows: list[PatientGiven | Refusal]) -> list[RowResult]:
    """Writes rows that name different patients; the new ones together, the changed ones one by one."""
    results: list[RowResult] = []
    new: list[tuple[PatientGiven, NewPatient]] = []
    known = known_patients([row for row in rows if isinstance(row, PatientGiven)])
    for row in rows:
        if isinstance(row, Refusal):
            results.append(RowResult(row.line, "refused", row.reason))
            continue
        drop_unusable_contacts(row)
        patients = known[row.line]
        if len(patients) > 1:
            results.append(RowResult(row.line, "refused", "its numbers belong to two patients"))
        elif patients:
            results.append(update(row, patients[0]))
        else:
            try:
                new.append((row, prepared(row)))
            except InvalidPatient as error:
                results.append(refused(row, error))
    return results + create(new)


def known_patients(rows: list[PatientGiven]) -> dict[int, list[Patient]]:
    """The stored patients of each line by their numbers, in three queries."""
    practice_id = current_practice().pk
    asked = [
        (row.line, number.system, Identifier.index_for(practice_id, number.system, number.value))
        for row in rows
        for number in row.identifiers
    ]
    stored = {
        (number.system, number.value_index): number.patient_id
        for number in Identifier.objects.filter(value_index__in={index for _, _, index in asked})
    }
    people = Patient.objects.prefetch_related("contact_points").in_bulk(list(set(stored.values())))
    found: dict[int, dict[Any, Patient]] = {row.line: {} for row in rows}
    for line, system, index in asked:
        if patient_id := stored.get((system, index)):
            found[line][patient_id] = people[patient_id]
    return {line: list(patients.values()) for line, patients in found.items()}


def drop_unusable_contacts(row: PatientGiven) -> None:
    """A patient without a phone is better than none: what is no phone is left out and noted."""
    kinds: tuple[tuple[str, list[ContactGiven], Callable[[str], str]], ...] = (
        ("a phone", row.phones, parse_phone),
        ("an e-mail", row.emails, parse_email),
    )
    for name, contacts, parse in kinds:
        for contact in list(contacts):
            try:
                parse(contact.value)
            except ValueError:
                contacts.remove(contact)
                row.notes.append(f"{name} was left out: it is none")
        del contacts[MOST_CONTACTS:]


def prepared(row: PatientGiven) -> NewPatient:
    return prepare(row.person, phones=row.phones, emails=row.emails, identifiers=row.identifiers, by=IMPORT)


def create(new: list[tuple[PatientGiven, NewPatient]]) -> list[RowResult]:
    """Writes new patients in one go; if the database refuses the batch, one by one."""
    if not new:
        return []
    try:
        with transaction.atomic():
            write([patient for _, patient in new], by=IMPORT)
    except DatabaseError:
        if len(new) == 1:
            return [RowResult(new[0][0].line, "refused", "the database did not take the row")]
        return [result for row, _ in new for result in create([(row, prepared(row))])]
    return [RowResult(row.line, "created", "; ".join(row.notes)) for row, _ in new]


def update(row: PatientGiven, patient: Patient) -> RowResult:
    """Brings a stored patient to what the file says; what it does not say stays."""
    try:
        with transaction.atomic():
            updated = update_patient(
                patient=patient,
                version=patient.version,
                changes=changes_of(row, patient),
                phones=added(patient, "phone", row.phones, parse_phone),
                emails=added(patient, "email", row.emails, parse_email),
                by=IMPORT,
            )
    except InvalidPatient as error:
        return refused(row, error)
    except DatabaseError:
        return RowResult(row.line, "refused", "the database did not take the row")
    outcome: Outcome = "updated" if updated.version != patient.version else "unchanged"
    return RowResult(row.line, outcome, "; ".join(row.notes))


def changes_of(row: PatientGiven, patient: Patient) -> dict[str, Any]:
    """The fields the file carries; nobody comes back to life by a file that does not know of a death."""
    given = {name: value for name, value in row.person.items() if value not in ("", None, "unknown")}
    if patient.deceased:
        given.pop("deceased", None)
    if address := given.get("address"):
        given["address"] = {part: tidy(address.get(part, "")) for part in ADDRESS_PARTS}
    return given


def added(
    patient: Patient, system: str, contacts: list[ContactGiven], parse: Callable[[str], str]
) -> list[ContactGiven] | None:
    """The stored contacts and the new ones behind them; None where nothing is new."""
    stored = [point for point in patient.contact_points.all() if point.system == system]
    values = {point.value for point in stored}
    fresh = [contact for contact in contacts if parse(contact.value) not in values]
    if not fresh:
        return None
    last = max((point.rank for point in stored), default=0)
    kept = [ContactGiven(point.value, point.use, point.rank) for point in stored]
    return kept + [
        ContactGiven(contact.value, contact.use, last + at) for at, contact in enumerate(fresh, start=1)
    ]


def refused(row: PatientGiven, error: InvalidPatient) -> RowResult:
    """The fields at fault, without what they hold."""
    fields = ", ".join(name.replace("_", " ") for name in error.errors)
    known = {"given": "name"}
    return RowResult(row.line, "refused", f"not accepted: {known.get(fields, fields)}")
