"""What goes on paper: the day of one clinician or all, and a patient's way through one visit."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from frontdesk.board_bar import Shown
from frontdesk.dayplan import clock
from patients.models import Need, Patient
from practices.models import Practice
from scheduling.clocks import local_start
from scheduling.models import Appointment, Participant, Status
from scheduling.words import clock as clock_words
from scheduling.words import long_day, place


@dataclass(slots=True)
class Line:
    """A visit on a day sheet."""

    time: str
    until: str
    name: str
    born: str
    kind: str
    status: str
    room: str
    needs: str
    note: str


@dataclass(slots=True)
class Sheet:
    """A clinician's day, on a page of its own."""

    id: uuid.UUID
    name: str
    lines: list[Line] = field(default_factory=list)


def day_sheets(
    practice: Practice, shown: Shown, *, private: bool, notes: bool
) -> tuple[list[Sheet], list[uuid.UUID]]:
    """The sheets of a day in the person's order of columns, and whose visits they show; one query."""
    visits = Appointment.objects.on(shown.day).on_board().with_people()
    if shown.who:
        visits = visits.filter(practitioner=shown.who)
    sheets: dict[uuid.UUID, Sheet] = {}
    patients = []
    choice = shown.choice
    for visit in visits.order_by("starts_at", "pk"):
        who = visit.practitioner
        if who.pk in choice.hidden and not shown.who:
            continue
        sheet = sheets.setdefault(who.pk, Sheet(who.pk, who.name))
        sheet.lines.append(line_of(visit, practice, private=private, notes=notes and not private))
        patients.append(visit.patient_id)
    ordered = sorted(sheets.values(), key=lambda sheet: choice.place_of(sheet.id))
    return ordered, patients


def line_of(visit: Appointment, practice: Practice, *, private: bool, notes: bool) -> Line:
    starts, ends = (at.astimezone(practice.zone) for at in (visit.starts_at, visit.ends_at))
    patient = visit.patient
    return Line(
        time=clock(starts.hour * 60 + starts.minute),
        until=clock(ends.hour * 60 + ends.minute),
        name=patient.shown_name(private=private),
        born=born_words(patient, private=private),
        kind=visit.appointment_type.name,
        status="No-show" if visit.status == Status.NOSHOW else "",
        room=visit.room.name if visit.room else "",
        needs=", ".join(need_words(patient)),
        note=str(visit.note) if notes else "",
    )


def born_words(patient: Patient, *, private: bool) -> str:
    born = patient.birth_date
    return "" if private or not born else f"{born.month}/{born.day}/{born.year}"


def need_words(patient: Patient) -> list[str]:
    return [str(Need(need).label) for need in patient.needs if need in Need.values]


def slip_of(visit: Appointment, practice: Practice, *, private: bool) -> dict[str, Any]:
    """A patient's way through a visit: where to go, in which order; nothing of why she comes."""
    local = local_start(visit)
    others = Participant.objects.filter(appointment=visit).select_related("practitioner", "resource")
    stations = ["Front desk: check in"]
    where = visit.room.name if visit.room else place(visit.practitioner, practice)
    stations.append(", ".join(filter(None, [visit.practitioner.name, where])))
    stations += [one.practitioner.name if one.practitioner else one.resource.name for one in others]
    stations.append("Front desk: next visit, papers")
    return {
        "visit": visit,
        "name": visit.patient.shown_name(private=private),
        "when": f"{long_day(local.date(), practice.today())}, {clock_words(local)}",
        "stations": stations,
        "needs": need_words(visit.patient),
    }
