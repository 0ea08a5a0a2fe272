"""What the booking dialog shows: the people who may be meant, the caller, the times, the read-back."""

import datetime as dt
import secrets
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from django import forms
from django.http import QueryDict

from messaging.outbox import address_index, suppressed
from patients.contacts import Reach, parse_phone, reachability, show_phone, textable_contact
from patients.dates import parse_birth_date
from patients.models import Channel, Need, Patient
from patients.names import fold, split_name
from patients.records import NEED_ICONS
from patients.search import Match, find_patients, likely_duplicates
from practices.models import Practice
from scheduling.availability import FreeTime
from scheduling.drafts import PARTS, Draft, Slot, as_uuid
from scheduling.fitting import NEED, Break, Fit
from scheduling.held_choice import LONGEST, HeldChoice
from scheduling.models import Appointment
from scheduling.objections import fit_of_choice, objections
from scheduling.offers import Offers, offers_for
from scheduling.words import clock, inside_words, read_back, short_when

T = TypeVar("T")
SHOWN_MATCHES = 4
SHOWN_VISITS = 2


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
    same: list[Match] = field(default_factory=list)  # of the matches, who can hardly be somebody else
    set_apart: str = ""  # the ids of `same`, once it was said that the caller is none of them
    silence: str = ""  # why no confirmation goes, whatever is ticked
    call: str = ""  # the call it is booked in: what is half done is kept with it
    asked_for: str = ""  # the patient of that call when the dialog was opened
    hold: str = ""  # the name under which this dialog holds the chosen time
    held: HeldChoice | None = None  # what came of holding it
    refused_slot: Slot | None = None  # the time that was wanted and that somebody else has
    fit: Fit | None = None  # the chosen time, judged
    repeats: forms.Form | None = None  # how often, where a series can be made of it
    hides: bool = False  # in a call, until it is known who speaks: name and next visit time alone

    @property
    def against(self) -> tuple[Break, ...]:
        """What the chosen time breaks; that it is taken is said by the hold."""
        return objections(self.fit)

    @property
    def asks_agreement(self) -> bool:
        """Whether the patient would miss what she needs: it can be had if she agrees."""
        return any(one.kind == NEED for one in self.against)

    @property
    def agreed(self) -> bool:
        slot = self.draft.slot
        return slot is not None and self.form.data.get("agreed") == slot.value

    @property
    def people(self) -> list[Person]:
        """Who may be meant, without those who can hardly be somebody else."""
        return [self.person(match) for match in self.matches if match not in self.same]

    @property
    def here_already(self) -> list[Person]:
        return [self.person(match) for match in self.same]

    @property
    def all_of_them(self) -> str:
        return ids_of(self.same)

    @property
    def coming(self) -> list[str]:
        """The caller's next visits: "today 3:00 PM with Dr. Osei"."""
        if self.caller is None:
            return []
        visits = coming_visits(self.caller.patient, self.draft.diary.practice)
        return [visit.partition(" with ")[0] for visit in visits[:1]] if self.hides else visits

    def person(self, match: Match) -> Person:
        return Person(
            match.patient.pk,
            match.patient.shown_name(private=self.private),
            born_words(match.patient, self.draft.diary.practice.today()),
            match.why,
        )

    @property
    def fold_names(self) -> tuple[str, str]:
        """EDT and EST, where a typed time exists twice."""
        twice = getattr(self.form, "twice", None)
        zone = self.draft.diary.practice.zone
        if twice is None:
            return "", ""
        return f"{twice.first.astimezone(zone):%Z}", f"{twice.second.astimezone(zone):%Z}"

    @property
    def wish(self) -> Slot | None:
        """A taken time that the caller may wait for with one press."""
        if self.caller is None or self.draft.kind is None:
            return None
        held = self.held is not None and self.held.taken
        return self.refused_slot or (self.draft.slot if held else None)

    @property
    def wish_words(self) -> str:
        """Text Ana when 3:00 PM opens."""
        if self.wish is None or self.caller is None:
            return ""
        patient, zone = self.caller.patient, self.draft.diary.practice.zone
        name = "the patient" if self.private else patient.preferred or patient.given
        return f"Text {name} when {clock(self.wish.starts_at.astimezone(zone))} opens"

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
    page.call = str(as_uuid(data.get("call")) or "")
    page.asked_for = str(as_uuid(data.get("asked_for")) or "")
    # A booking that is made in a call holds its time under the call's name, on every machine.
    page.hold = page.call or data.get("hold", "")[:LONGEST] or secrets.token_urlsafe(9)
    page.fit = fit_of_choice(draft, page.offers.known)
    if draft.patient is not None:
        page.caller = caller_of(draft.patient, draft.diary.practice.today(), private=private)
    else:
        page.matches, page.asked = people_like(data)
        page.same = same_person(page.matches, data)
        page.set_apart = page.all_of_them if said_apart(page.same, data) else ""
    page.silence = silence_of(page.caller, data)
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
    given, family = split_name(name)
    alike = likely_duplicates(given=given, family=family, birth_date=born, phone=phone or "")
    found = alike + (find_patients(name, limit=SHOWN_MATCHES) if name and not (born and alike) else [])
    best = {match.patient.pk: match for match in reversed(found)}
    ordered = [match for match in found if best.pop(match.patient.pk, None)]
    return ordered[:SHOWN_MATCHES], True


def same_person(matches: list[Match], data: QueryDict) -> list[Match]:
    """The living matches of the same name who share the birth date or the number too."""
    given, family = split_name(data.get("name", "").strip()[:200])
    written = fold(f"{given} {family}")
    born, phone = quiet(parse_birth_date, data.get("birth_date")), quiet(parse_phone, data.get("mobile"))

    def is_same(patient: Patient) -> bool:
        names = {fold(f"{first} {patient.family}") for first in (patient.given, patient.preferred) if first}
        if patient.deceased or written not in names:
            return False
        known = {point.value for point in patient.contact_points.all()}
        return (born is not None and patient.birth_date == born) or phone in known

    return [match for match in matches if is_same(match.patient)]


def ids_of(matches: Iterable[Match]) -> str:
    return ",".join(sorted(str(match.patient.pk) for match in matches))


def said_apart(same: list[Match], data: QueryDict) -> bool:
    """Whether it was said of each of them that the caller is somebody else."""
    apart = set(data.get("set_apart", "").split(","))
    return bool(same) and all(str(match.patient.pk) in apart for match in same)


def silence_of(caller: Caller | None, data: QueryDict) -> str:
    """Why no confirmation goes to the number that is known or typed; nothing where one may."""
    if caller is not None and caller.reach.text_to is not None:
        return said_stop(caller.reach.text_to.value)
    if caller is not None and caller.reach.can_email and caller.reach.email_to is not None:
        index = address_index(Channel.EMAIL, caller.reach.email_to.value)
        return "No e-mail goes: this address asked for none" if suppressed(Channel.EMAIL, index) else ""
    return said_stop(quiet(parse_phone, data.get("mobile")) or "")


def said_stop(number: str) -> str:
    """The words where a number (E.164) asked for no texts."""
    silent = bool(number) and suppressed(Channel.SMS, address_index(Channel.SMS, number))
    return "No text goes: this number said STOP" if silent else ""


def coming_visits(patient: Patient, practice: Practice) -> list[str]:
    visits = Appointment.objects.active().filter(patient=patient, ends_at__gt=practice.now())
    rows = visits.select_related("practitioner").order_by("starts_at")[:SHOWN_VISITS]
    return [
        f"{inside_words(short_when(visit.starts_at, practice))} with {visit.practitioner.short_name}"
        for visit in rows
    ]


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


def choice_of(slot: Slot, practice: Practice) -> Choice:
    """A time as a button says it."""
    return Choice(slot.value, f"{short_when(slot.starts_at, practice)}, {slot.practitioner.short_name}")


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
