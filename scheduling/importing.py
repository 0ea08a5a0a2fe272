"""Imports of visits: rows of a file become visits of one practitioner, or refusals by line.

A visit is known again by its number, so a file may be imported twice; what was changed here since stays.
Overlaps are reported and never forced. Past days are allowed, and nobody is texted about an import.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Max, Min
from django.db.models.functions import ExtractIsoWeekDay

from patients.importfiles import Refusal
from patients.importing import IMPORT, Report, RowResult
from patients.models import Identifier, Patient
from practices import audit, changes
from practices.models import AuditEntry, Practice
from practices.tenancy import current_practice, inside
from scheduling.importfiles import VisitGiven, read_file
from scheduling.models import (
    Appointment,
    AppointmentSource,
    AppointmentType,
    AppointmentTypeOffer,
    CancellationReason,
    Practitioner,
    Status,
    WeeklyHours,
)
from scheduling.refusals import SlotTaken
from scheduling.slots import lock_resources, put
from scheduling.wallclock import ClockChange, boundary, resolve

SYSTEM, PATIENT_SYSTEM = "csv:appointment_id", "csv:patient_id"
BATCH = 200
CLINIC, TYPE = "Imported clinic", "Imported visit"


@dataclass(frozen=True, slots=True)
class Clinic:
    """Who the imported visits are with, and of which type."""

    practitioner: Practitioner
    appointment_type: AppointmentType


def import_appointments(
    path: Path,
    practice: Practice,
    *,
    practitioner: str = CLINIC,
    minutes: int = 15,
    progress: Callable[[int], None] = lambda done: None,
) -> Report:
    """Imports a file into a practice; raises UnreadableFile when not one row can be looked at."""
    report = Report()
    rows = read_file(path)
    while batch := list(islice(rows, BATCH)):
        with inside(practice):
            clinic = open_clinic(practitioner, minutes)
            lock_resources(clinic.practitioner)
            report.rows += import_rows(batch, clinic)
            changes.announce(practice, "appointments", "reviews")
        progress(len(report.rows))
    with inside(practice):
        keep_hours(practitioner)
    return report


def open_clinic(name: str, minutes: int) -> Clinic:
    """The practitioner of the import and the type of its visits, made when they are not there yet."""
    practice = current_practice()
    person = Practitioner.objects.filter(name=name).order_by("pk").first()
    if person is None:
        initials = "".join(word[0] for word in name.split()[:2]).upper()
        person = Practitioner(practice=practice, name=name, short_name=name[:40], initials=initials)
        person.position = Practitioner.objects.count()
        person.save(force_insert=True)
        audit.record("practitioner.created", person, by=IMPORT)
    kind = AppointmentType.objects.filter(name=TYPE, minutes=minutes).order_by("pk").first()
    if kind is None:
        kind = AppointmentType(practice=practice, name=TYPE, minutes=minutes, position=100)
        kind.save(force_insert=True)
        audit.record("appointment_type.created", kind, by=IMPORT)
    AppointmentTypeOffer.objects.get_or_create(practice=practice, appointment_type=kind, practitioner=person)
    return Clinic(person, kind)


def import_rows(rows: list[VisitGiven | Refusal], clinic: Clinic) -> list[RowResult]:
    """One result per row, in their order; patients and known visits are looked up for all at once."""
    given = [row for row in rows if isinstance(row, VisitGiven)]
    patients, known = patients_of(given), known_visits(given)
    results = []
    for row in rows:
        if isinstance(row, Refusal):
            results.append(RowResult(row.line, "refused", row.reason))
        elif row.patient not in patients:
            why = "no patient has this number: import the patients first"
            results.append(RowResult(row.line, "refused", why))
        else:
            results.append(import_row(row, patients[row.patient], known, clinic))
    return results


def patients_of(rows: list[VisitGiven]) -> dict[str, Patient]:
    """The patients by their numbers in the file, in two queries."""
    practice_id = current_practice().pk
    indexes = {row.patient: Identifier.index_for(practice_id, PATIENT_SYSTEM, row.patient) for row in rows}
    found = Identifier.objects.filter(system=PATIENT_SYSTEM, value_index__in=set(indexes.values()))
    by_index = {number.value_index: number.patient for number in found.select_related("patient")}
    return {number: by_index[index] for number, index in indexes.items() if index in by_index}


def known_visits(rows: list[VisitGiven]) -> dict[str, Appointment]:
    """The visits that came from this system before, by their numbers."""
    sources = AppointmentSource.objects.filter(system=SYSTEM, value__in={row.number for row in rows})
    return {source.value: source.appointment for source in sources.select_related("appointment")}


def import_row(row: VisitGiven, patient: Patient, known: dict[str, Appointment], clinic: Clinic) -> RowResult:
    """Writes one visit whole or not at all."""
    try:
        fields = fields_of(row, patient, clinic)
        with transaction.atomic():
            visit = known.get(row.number)
            if visit is None:
                known[row.number] = create(row, fields)
                return RowResult(row.line, "created", "; ".join(row.notes))
            return update(row, visit, fields)
    except ClockChange:
        return RowResult(row.line, "refused", "on that night this time does not exist, or exists twice")
    except SlotTaken:
        return RowResult(row.line, "refused", "overlaps another visit of this clinic")
    except DatabaseError:
        return RowResult(row.line, "refused", "the database did not take the row")


def fields_of(row: VisitGiven, patient: Patient, clinic: Clinic) -> dict[str, Any]:
    """What the file says of a visit, as fields; raises ClockChange."""
    zone = current_practice().zone
    starts_at = resolve(row.day, row.time, zone)
    moments = [time and boundary(row.day, time, zone) for time in (row.arrived, row.seen, row.left)]
    arrived_at, seen_at, left_at = moments
    cancelled = row.status == Status.CANCELLED
    return {
        "patient_id": patient.pk,
        "practitioner_id": clinic.practitioner.pk,
        "appointment_type_id": clinic.appointment_type.pk,
        "starts_at": starts_at,
        "ends_at": starts_at + clinic.appointment_type.length,
        "local_date": row.day,
        "local_time": row.time,
        "time_zone": zone.key,
        "status": row.status.value,
        "cancellation_reason": CancellationReason.OTHER.value if cancelled else "",
        "arrived_at": arrived_at,
        "seen_at": seen_at,
        "left_at": left_at,
    }


def create(row: VisitGiven, fields: dict[str, Any]) -> Appointment:
    practice = current_practice()
    visit = Appointment(practice=practice, **fields)
    if row.booked_on is not None:
        visit.created_at = boundary(row.booked_on, dt.time(12), practice.zone)
    put(visit, new=True)
    AppointmentSource(practice=practice, appointment=visit, system=SYSTEM, value=row.number).save(
        force_insert=True
    )
    audit.record("appointment.imported", visit, by=IMPORT, patient_id=visit.patient_id)
    return visit


def update(row: VisitGiven, visit: Appointment, fields: dict[str, Any]) -> RowResult:
    """Brings a visit that nobody touched here to what the file says now."""
    before = {name: getattr(visit, name) for name, value in fields.items() if getattr(visit, name) != value}
    if not before:
        return RowResult(row.line, "unchanged", "; ".join(row.notes))
    if visit.changes.exists() or visit.version > 1 + imports_of(visit):
        return RowResult(row.line, "unchanged", "kept as it is: it was changed here since")
    for name in before:
        setattr(visit, name, fields[name])
    visit.version += 1
    put(visit)
    changed = {name: [was, fields[name]] for name, was in before.items()}
    audit.record("appointment.reimported", visit, by=IMPORT, patient_id=visit.patient_id, changes=changed)
    return RowResult(row.line, "updated", "; ".join(row.notes))


def imports_of(visit: Appointment) -> int:
    """How often an import changed this visit."""
    return AuditEntry.objects.filter(subject_id=visit.pk, verb="appointment.reimported").count()


def keep_hours(name: str) -> None:
    """Gives a practitioner without hours those in which the imported visits lie, weekday by weekday."""
    practice = current_practice()
    person = Practitioner.objects.filter(name=name, weekly_hours=None).order_by("pk").first()
    if person is None:
        return
    days = (
        Appointment.objects.filter(practitioner=person)
        .annotate(weekday=ExtractIsoWeekDay("local_date"))
        .order_by("weekday")
        .values("weekday")
        .annotate(starts=Min("local_time"), last=Max("local_time"), length=Max("appointment_type__minutes"))
    )
    WeeklyHours.objects.bulk_create(
        WeeklyHours(
            practice=practice,
            practitioner=person,
            weekday=row["weekday"],
            starts=row["starts"],
            ends=later(row["last"], row["length"]),
        )
        for row in days
    )


def later(time: dt.time, minutes: int) -> dt.time:
    """The time so many minutes later, within the day."""
    moment = dt.datetime.combine(dt.date.min, time) + dt.timedelta(minutes=minutes)
    return moment.time() if moment.date() == dt.date.min else dt.time.max


def reasons(report: Report) -> Iterator[tuple[str, int]]:
    """How often each reason was given, the most frequent first."""
    counts: dict[str, int] = {}
    for row in report.rows:
        if row.why:
            counts[row.why] = counts.get(row.why, 0) + 1
    yield from sorted(counts.items(), key=lambda pair: -pair[1])
