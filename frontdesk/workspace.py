"""A call's workspace: who may be on the line, what may be seen of the patient, and what comes next."""

import uuid
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from frontdesk.strip import number_of, person_or_number
from messaging import calls
from messaging.identity import Identity, state_of
from messaging.models import Call
from patients.flags import in_force
from patients.models import Patient
from patients.search import find_patients
from practices.audit import Actor
from practices.models import Practice, User
from scheduling.booking_page import born_words
from scheduling.models import Appointment
from scheduling.words import short_when, stage_symbol, stage_words

MOST_FOUND = 8
SHOWN_VISITS = 3


@dataclass(frozen=True, slots=True)
class Person:
    """A patient who may be meant."""

    pk: uuid.UUID
    name: str
    born: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit ahead, in words."""

    pk: uuid.UUID
    when: str
    what: str
    stage: str
    symbol: str
    css: str


@dataclass(slots=True)
class Workspace:
    """Everything the page of a call reads."""

    call: Call
    title: str
    number: str
    mine: bool
    patient: Patient | None = None
    name: str = ""
    born: str = ""
    identity: Identity | None = None
    visits: list[Visit] = field(default_factory=list)
    something_to_know: bool = False  # flags, or the record's own words
    candidates: list[Person] = field(default_factory=list)
    shared_by: int = 0
    text: str = ""
    found: list[Person] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether more than name and next visit time may be seen."""
        return self.identity is not None and self.identity.is_open

    @property
    def next_visit(self) -> Visit | None:
        return self.visits[0] if self.visits else None

    @property
    def is_over(self) -> bool:
        return self.call.status == Call.Status.ENDED

    @property
    def steps(self) -> set[str]:
        """Which buttons the call has now, for the person who handles it."""
        status, Status = self.call.status, Call.Status
        if status == Status.RINGING and self.call.direction == Call.Direction.IN and not self.call.handler_id:
            return {"answer"}
        if not self.mine:
            return set()
        by_status: dict[str, set[str]] = {
            Status.QUEUED: {"end"},
            Status.RINGING: {"end"},
            Status.LIVE: {"hold", "transfer", "end"},
            Status.HELD: {"resume", "transfer", "end"},
            Status.WRAP_UP: {"finish"},
        }
        return by_status.get(status, set())

    @property
    def can_promise(self) -> bool:
        return bool({"hold", "resume"} & self.steps) and bool(self.call.address or self.patient)

    @property
    def seen(self) -> list[uuid.UUID]:
        """The patients the page shows, for the access log."""
        shown = [person.pk for person in (*self.candidates, *self.found)]
        return [*shown, self.patient.pk] if self.patient else shown


def workspace_of(call: Call, practice: Practice, viewer: User, *, text: str = "") -> Workspace:
    """The page of a call; `text` looks for another patient."""
    private = viewer.privacy_mode
    page = Workspace(
        call, person_or_number(call, private=private), number_of(call), call.handler_id == viewer.pk
    )
    sharing = calls.candidates(call)
    page.shared_by = len(sharing)
    today = practice.today()
    page.candidates = [person_of(one, private=private) for one in sharing if one.pk != call.patient_id]
    if call.patient is not None:
        page.patient, page.identity = call.patient, state_of(call, call.patient)
        page.name = call.patient.shown_name(private=private)
        page.visits = visits_ahead(call.patient, practice, private=private)
        page.something_to_know = bool(call.patient.know_first or in_force([call.patient.pk]))
        if page.is_open and not private:
            page.born = born_words(call.patient, today)
    page.text = " ".join(text[:200].split())
    if page.text:
        page.found = [
            person_of(match.patient, why=match.why, born=born_words(match.patient, today), private=private)
            for match in find_patients(page.text, limit=MOST_FOUND)
            if match.patient.pk != call.patient_id and not match.patient.deceased
        ]
    return page


def person_of(patient: Patient, *, private: bool, why: str = "", born: str = "") -> Person:
    """A row to choose; of those who share the number no birth date: it is what the caller shall say."""
    return Person(patient.pk, patient.shown_name(private=private), "" if private else born, why)


def visits_ahead(patient: Patient, practice: Practice, *, private: bool) -> list[Visit]:
    coming = Appointment.objects.active().filter(patient=patient, ends_at__gt=timezone.now())
    rows = coming.select_related("practitioner", "appointment_type").order_by("starts_at")[:SHOWN_VISITS]
    return [
        Visit(
            one.pk,
            short_when(one.starts_at, practice),
            "" if private else f"{one.appointment_type.name} with {one.practitioner.short_name}",
            stage_words(one),
            stage_symbol(one),
            f"st-{one.stage}",
        )
        for one in rows
    ]


@transaction.atomic
def keep_note(*, call: Call, note: str, was: str, by: Actor) -> tuple[str, str]:
    """Keeps what is typed; where somebody else wrote meanwhile, hers comes first and both stay.

    Returns the note as it is kept now, and what the other one had written, or nothing.
    """
    stored = str(Call.objects.select_for_update(of=("self",)).get(pk=call.pk).note)
    theirs = "" if same_words(stored, was) or same_words(stored, note) else stored
    whole = f"{theirs}\n{note}".strip() if theirs else note
    return str(calls.write_note(call=call, note=whole, by=by).note), theirs


def same_words(one: str, other: str) -> bool:
    """Whether two texts differ in nothing but line ends: a form sends its own."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()
