"""The dialog that books visits which belong together: who, what, with whom, and what fits all of them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils import timezone

from patients.dates import parse_day
from patients.models import Patient
from patients.search import Match, find_patients
from practices.models import Practice
from scheduling.booking_page import born_words
from scheduling.drafts import Diary, Slot, patient_of
from scheduling.linked import BadParts, Combination, Part, find_together
from scheduling.models import AppointmentType, LinkedVisits, Practitioner
from scheduling.wallclock import boundary, within_reach
from scheduling.words import clock, short_when

LOOKS_AHEAD = 28
SHOWN = 4


@dataclass(slots=True)
class PartRow:
    """One visit of those that are wanted together, as far as it was filled in."""

    number: int
    patient: Patient | None = None
    name: str = ""
    born: str = ""
    typed: str = ""
    matches: list[tuple[Match, str, str]] = field(default_factory=list)
    kind: AppointmentType | None = None
    clinician: Practitioner | None = None
    error: str = ""

    @property
    def part(self) -> Part | None:
        if self.patient is None or self.kind is None:
            return None
        return Part(self.patient, self.kind, self.clinician)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A combination as a line to choose."""

    value: str
    when: str
    words: list[str]
    checked: bool = False


@dataclass(slots=True)
class LinkingPage:
    """What the template reads, and what the view acts on."""

    diary: Diary
    rows: list[PartRow]
    shape: str
    gap: str
    day: str
    proposals: list[Proposal] = field(default_factory=list)
    looked: bool = False
    problem: str = ""
    problem_at: str = ""

    @property
    def shapes(self) -> list[tuple[str, str, bool]]:
        return [(value, label, value == self.shape) for value, label in LinkedVisits.Shape.choices]

    @property
    def parts(self) -> list[Part]:
        return [row.part for row in self.rows if row.part is not None]

    @property
    def complete(self) -> bool:
        return len(self.parts) == len(self.rows)


def linking_page(data: Mapping[str, str], practice: Practice, *, private: bool) -> LinkingPage:
    """The dialog from what was posted, or from the address that opened it (`patient`)."""
    diary = Diary(practice)
    asked = int(data["rows"]) if data.get("rows", "").isdigit() and len(data["rows"]) < 3 else 2
    number = min(max(asked + ("more" in data), 2), LinkedVisits.MOST)
    rows = [_row(place, data, diary, private=private) for place in range(1, number + 1)]
    shape = data.get("shape", "")
    return LinkingPage(
        diary,
        rows,
        shape if shape in LinkedVisits.Shape.values else LinkedVisits.Shape.IN_TURN,
        data.get("gap", "15").strip()[:6],
        data.get("day", "").strip()[:40],
    )


def _row(place: int, data: Mapping[str, str], diary: Diary, *, private: bool) -> PartRow:
    chosen = data.get(f"pick{place}") or data.get(f"patient{place}")
    if place <= 2 and chosen is None and f"who{place}" not in data:
        chosen = data.get("patient")
    patient = patient_of(chosen)
    row = PartRow(
        place,
        patient,
        kind=diary.type_of(data.get(f"type{place}")),
        clinician=diary.practitioner_of(data.get(f"clinician{place}")),
        typed=data.get(f"who{place}", "").strip()[:200],
    )
    today = diary.practice.today()
    if patient is not None:
        row.name, row.born = patient.shown_name(private=private), born_words(patient, today)
        row.typed = ""
    elif len(row.typed) > 1:
        row.matches = [
            (match, match.patient.shown_name(private=private), born_words(match.patient, today))
            for match in find_patients(row.typed, limit=SHOWN)
            if not match.patient.deceased
        ]
        row.error = "Choose who is meant." if row.matches else "Nobody of this name is here yet."
    return row


def look(page: LinkingPage, chosen: str = "") -> None:
    """Fills the proposals; what keeps them from being looked for is said at its field."""
    page.looked = True
    for row in page.rows:
        if row.patient is None and not row.error:
            row.error = "Say who comes."
        elif row.kind is None and not row.error:
            row.error = "Choose the kind of visit."
    if not page.complete:
        return
    try:
        begins = first_moment(page)
        found = find_together(
            page.parts,
            page.shape,
            from_=begins,
            until=begins + dt.timedelta(days=LOOKS_AHEAD),
            gap=gap_of(page),
        )
    except BadParts as wrong:
        page.problem, page.problem_at = str(wrong), wrong.field
        return
    page.proposals = [_proposal(one, page, chosen) for one in found]


def first_moment(page: LinkingPage) -> dt.datetime:
    """From when on times are looked for: the day that was written, or now."""
    practice = page.diary.practice
    if not page.day:
        return timezone.now()
    try:
        day = within_reach(parse_day(page.day, practice.today()))
    except ValueError as unreadable:
        raise BadParts(str(unreadable), "day") from None
    return max(boundary(day, dt.time(0), practice.zone), timezone.now())


def gap_of(page: LinkingPage) -> int:
    if not (page.gap.isascii() and page.gap.isdigit()):
        raise BadParts("Write the pause in minutes, like 15.", "gap")
    return int(page.gap)


def _proposal(found: Combination, page: LinkingPage, chosen: str) -> Proposal:
    practice = page.diary.practice
    value = ";".join(slot.value for slot in found.slots)
    words = [
        f"{clock(slot.starts_at.astimezone(practice.zone))} {row.name},"
        f" {row.kind.name if row.kind else ''} with {slot.practitioner.short_name}"
        for slot, row in zip(found.slots, page.rows, strict=True)
    ]
    return Proposal(value, short_when(found.starts_at, practice), words, value == chosen)


def slots_of(text: str, page: LinkingPage) -> list[Slot]:
    """The times of a proposal that was chosen; empty for anything that is none."""
    slots = [Slot.read(part, page.diary) for part in text[:2000].split(";")]
    found = [slot for slot in slots if slot is not None]
    return found if len(found) == len(slots) == len(page.rows) else []
