"""What the booking dialog shows: the people who may be meant, the caller, the times, the read-back."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from django import forms
from django.http import QueryDict

from patients.contacts import Reach, parse_phone, reachability, show_phone, textable_contact
from patients.dates import parse_birth_date
from patients.models import Need, Patient
from patients.search import Match, find_patients, likely_duplicates
from scheduling.availability import FreeTime
from scheduling.drafts import PARTS, Draft, Slot
from scheduling.offers import Offers, offers_for
from scheduling.words import read_back, short_when

T = TypeVar("T")
SHOWN_MATCHES = 4
NEED_ICONS = {
    "interpreter": "lang",
    "step-free": "access",
    "wheelchair": "access",
    "hearing": "mic",
    "sight": "eye",
    "carer": "users",
    "longer": "clock",
    "transport": "pin",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A radio button or a box to tick."""

    value: str
    label: str
    checked: bool = False
    symbol: str = ""


@dataclass(slots=True)
class Caller:
    """The chosen patient as the dialog shows her."""

    patient: Patient
    name: str
    born: str
    phone: str
    reach: Reach


@dataclass(frozen=True, slots=True)
class Person:
    """A patient who may be the one that is meant."""

    pk: uuid.UUID
    name: str
    born: str
    why: str


@dataclass(slots=True)
class BookingPage:
    """Everything the dialog's template reads."""

    draft: Draft
    form: forms.Form
    offers: Offers
    caller: Caller | None
    matches: list[Match] = field(default_factory=list)
    asked: bool = False  # whether enough was typed to look for somebody
    next_times: list[Choice] = field(default_factory=list)
    refused: str = ""
    private: bool = False

    @property
    def people(self) -> list[Person]:
        today = self.draft.diary.practice.today()
        return [
            Person(
                match.patient.pk,
                match.patient.shown_name(private=self.private),
                born_words(match.patient, today),
                match.why,
            )
            for match in self.matches
        ]

    @property
    def fold_names(self) -> tuple[str, str]:
        """EDT and EST, where a typed time exists twice."""
        twice = getattr(self.form, "twice", None)
        zone = self.draft.diary.practice.zone
        if twice is None:
            return "", ""
        return f"{twice.first.astimezone(zone):%Z}", f"{twice.second.astimezone(zone):%Z}"

    @property
    def parts(self) -> list[Choice]:
        return [Choice(value, label, value == self.draft.part) for value, label in PARTS.items()]

    @property
    def needs(self) -> list[Choice]:
        chosen = self.draft.needs
        return [Choice(value, label, value in chosen, NEED_ICONS[value]) for value, label in Need.choices]

    @property
    def sentence(self) -> str:
        """The read-back; empty until kind and time are chosen."""
        slot, kind = self.draft.slot, self.draft.kind
        if slot is None or kind is None:
            return ""
        practice = self.draft.diary.practice
        return read_back(
            practice=practice, kind=kind, practitioner=slot.practitioner, starts_at=slot.starts_at
        )

    @property
    def text_ok(self) -> bool:
        return bool(self.form["text_ok"].value())

    @property
    def by_email(self) -> bool:
        """Whether the confirmation can only go by e-mail, to which the patient agreed."""
        caller = self.caller
        return bool(caller and not caller.phone and caller.reach.can_email)

    @property
    def agreed_before(self) -> bool:
        return bool(self.caller and (self.caller.reach.can_text or self.by_email))

    @property
    def seen(self) -> str:
        return ",".join(str(match.patient.pk) for match in self.matches)


def booking_page(draft: Draft, form: forms.Form, data: QueryDict, *, private: bool) -> BookingPage:
    """The page for a draft; a new patient's matches come from what was typed."""
    page = BookingPage(draft, form, offers_for(draft), None, private=private)
    if draft.patient is not None:
        page.caller = caller_of(draft.patient, draft.diary.practice.today(), private=private)
    else:
        page.matches, page.asked = people_like(data)
    return page


def caller_of(patient: Patient, today: dt.date, *, private: bool) -> Caller:
    mobile = textable_contact(patient)
    return Caller(
        patient=patient,
        name=patient.shown_name(private=private),
        born=born_words(patient, today),
        phone=show_phone(mobile.value) if mobile else "",
        reach=reachability([patient])[patient.pk],
    )


def born_words(patient: Patient, today: dt.date) -> str:
    """Born Mar 14, 1986, 40."""
    born: dt.date | None = patient.birth_date
    if born is None:
        return "Birth date not known"
    return f"Born {born:%b} {born.day}, {born.year}, {patient.age_on(today)}"


def people_like(data: QueryDict) -> tuple[list[Match], bool]:
    """Patients who may be the one whose name, birth date or number is being typed, best first."""
    name = data.get("name", "").strip()[:200]
    born, phone = quiet(parse_birth_date, data.get("birth_date")), quiet(parse_phone, data.get("mobile"))
    if len(name) < 2 and not born and not phone:
        return [], False
    given, _, family = name.rpartition(" ")
    alike = likely_duplicates(given=given, family=family, birth_date=born, phone=phone or "")
    found = alike + (find_patients(name, limit=SHOWN_MATCHES) if name and not (born and alike) else [])
    best = {match.patient.pk: match for match in reversed(found)}
    ordered = [match for match in found if best.pop(match.patient.pk, None)]
    return ordered[:SHOWN_MATCHES], True


def quiet(parse: Callable[[str], T], text: str | None) -> T | None:
    """The parsed value, or None for what is not finished yet."""
    try:
        return parse(text) if text else None
    except ValueError:
        return None


def unseen(matches: list[Match], data: QueryDict) -> bool:
    """Whether somebody very much alike was not on the page yet when it was sent (a page without scripts)."""
    shown = set(data.get("seen", "").split(","))
    return any(str(match.patient.pk) not in shown for match in matches)


def first_values(draft: Draft, data: QueryDict) -> dict[str, object]:
    """The form's values while nothing is checked yet: what was typed, and what is known of the caller."""
    values: dict[str, object] = {**data.dict()}
    values["needs"] = draft.needs
    values["text_ok"] = "text_ok" in data
    return values


def next_choices(times: Iterable[FreeTime], draft: Draft) -> list[Choice]:
    """The nearest free times after one that was taken."""
    practice = draft.diary.practice
    return [
        Choice(
            Slot(free.practitioner, free.starts_at).value,
            f"{short_when(free.starts_at, practice)}, {free.practitioner.short_name}",
        )
        for free in times
    ]
