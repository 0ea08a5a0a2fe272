"""A booking that is being made: what the form holds so far, read forgivingly and never stored."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from django.http import QueryDict

from patients.models import Need, Patient
from practices.models import Location, Practice
from scheduling.fits import Fit
from scheduling.models import AppointmentType, Practitioner
from scheduling.wallclock import resolve, within_reach

PARTS = {"any": "Any time", "morning": "Morning", "afternoon": "Afternoon", "after-3": "After 3"}
NOON = dt.time(12)


def as_uuid(text: str | None) -> uuid.UUID | None:
    """The id a page sent, or None for anything else."""
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None


def uuids(text: str | None) -> list[uuid.UUID]:
    """The same as a list of one or none, for a look-up that may find nothing."""
    found = as_uuid(text)
    return [found] if found else []


def as_version(text: str | None) -> int:
    """The version a page was made from; anything else counts as stale."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


def as_instant(text: str, practice: Practice) -> dt.datetime | None:
    """An ISO instant; one without a zone is on the practice's wall clock, and must exist there once."""
    try:
        moment = dt.datetime.fromisoformat(text.strip())
        within_reach(moment)
        return moment if moment.tzinfo else resolve(moment.date(), moment.time(), practice.zone)
    except (ValueError, OverflowError):
        return None


class Diary:
    """The kinds of visit and the clinicians of a practice, each read once per page."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice

    @cached_property
    def types(self) -> list[AppointmentType]:
        return list(AppointmentType.objects.filter(active=True))

    @cached_property
    def practitioners(self) -> list[Practitioner]:
        return list(Practitioner.objects.in_use().select_related("location", "room__location"))

    @property
    def locations(self) -> list[Location]:
        """Where the clinicians see patients, as far as their rows say."""
        places = [one.location or (one.room.location if one.room else None) for one in self.practitioners]
        return sorted({place.pk: place for place in places if place}.values(), key=lambda place: place.name)

    def location_of(self, text: str | None) -> Location | None:
        wanted = as_uuid(text)
        return next((place for place in self.locations if place.pk == wanted), None) if wanted else None

    def type_of(self, text: str | None) -> AppointmentType | None:
        wanted = as_uuid(text)
        return next((kind for kind in self.types if kind.pk == wanted), None)

    def practitioner_of(self, text: str | None) -> Practitioner | None:
        wanted = as_uuid(text)
        return next((person for person in self.practitioners if person.pk == wanted), None)


@dataclass(frozen=True, slots=True)
class Slot:
    """A clinician and an instant; how long it takes is the kind of visit's business."""

    practitioner: Practitioner
    starts_at: dt.datetime

    @property
    def value(self) -> str:
        return f"{self.practitioner.pk}|{self.starts_at.astimezone(dt.UTC):%Y-%m-%dT%H:%MZ}"

    @staticmethod
    def read(text: str | None, diary: Diary) -> "Slot | None":
        who, _, when = (text or "").partition("|")
        practitioner, starts_at = diary.practitioner_of(who), as_instant(when, diary.practice)
        return Slot(practitioner, starts_at) if practitioner and starts_at else None


@dataclass(frozen=True, slots=True)
class HalfDay:
    """A morning or an afternoon of one local date, or the whole of it (where somebody moves on the board)."""

    day: dt.date
    half: Literal["am", "pm", "day"]

    @property
    def value(self) -> str:
        return f"{self.day.isoformat()}.{self.half}"

    @staticmethod
    def read(text: str | None) -> "HalfDay | None":
        day, _, half = (text or "").partition(".")
        try:
            parsed = within_reach(dt.date.fromisoformat(day))
        except ValueError:
            return None
        return HalfDay(parsed, "pm" if half == "pm" else "day" if half == "day" else "am")

    def span(self, practice: Practice) -> tuple[dt.datetime, dt.datetime]:
        noon = dt.datetime.combine(self.day, NOON, tzinfo=practice.zone)
        midnight = dt.datetime.combine(self.day, dt.time(), tzinfo=practice.zone)
        if self.half == "am":
            return midnight, noon
        ends = dt.datetime.combine(self.day + dt.timedelta(days=1), dt.time(), tzinfo=practice.zone)
        return (noon if self.half == "pm" else midnight), ends


@dataclass(slots=True)
class Draft:
    """What was chosen so far. Whatever is unknown, malformed or of another practice reads as not chosen."""

    diary: Diary
    patient: Patient | None = None
    kind: AppointmentType | None = None
    clinician: Practitioner | None = None
    location: Location | None = None
    part: str = "any"
    half: HalfDay | None = None
    needs: list[str] = field(default_factory=list)
    picked: Slot | None = None  # offered by nobody: the board's slot, or the next one after a taken one
    slot: Slot | None = None
    holds: bool = False  # the chosen time is held for this dialog
    other: bool = False  # "other day and time" is the choice
    hold_key: str = ""  # under which this dialog holds its time
    fit: Fit | None = None  # the chosen time, where it was judged already
    leaves: uuid.UUID | None = None  # the visit that would go there: it is not in its own way


def read_draft(data: QueryDict, diary: Diary) -> Draft:
    """The draft in a posted form, or in the address that opened the dialog."""
    patient = patient_of(data.get("patient"))
    part = data.get("part", "any")
    picked = Slot.read(data.get("take") or data.get("picked") or _from_board(data), diary)
    chosen = data.get("slot", "")
    slot = picked if data.get("take") else Slot.read(chosen, diary)
    if slot is None and not chosen:
        slot = picked
    typed = bool(data.get("day", "").strip() and data.get("time", "").strip())
    return Draft(
        diary=diary,
        patient=patient,
        kind=diary.type_of(data.get("visit_type")),
        clinician=diary.practitioner_of(data.get("clinician")),
        location=diary.location_of(data.get("location")),
        part=part if part in PARTS else "any",
        half=HalfDay.read(data.get("go_half") if "go_half" in data else data.get("half")),
        needs=[need for need in data.getlist("needs") if need in Need.values],
        picked=picked,
        slot=None if chosen == "other" and not data.get("take") else slot,
        other=not data.get("take") and (chosen == "other" or (typed and slot is None)),
    )


def patient_of(text: str | None) -> Patient | None:
    """A living patient of the practice whose scope is open."""
    wanted = as_uuid(text)
    return Patient.objects.living().filter(pk=wanted).first() if wanted else None


def _from_board(data: Mapping[str, str]) -> str:
    return f"{data.get('practitioner', '')}|{data.get('start', '')}" if data.get("start") else ""
