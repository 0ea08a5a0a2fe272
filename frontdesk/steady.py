"""The steady card for an upset caller: what happened, what one may offer, and three ways on."""

import datetime as dt
from dataclasses import dataclass

from messaging.complaint_words import grounds_in, speaks_of_emergency
from messaging.complaints import GIVEN_GROUNDS, ordered
from messaging.models import Call, Complaint
from messaging.staff_tasks import in_office_time
from patients.models import Patient
from practices.card import Card, current_card
from practices.models import Practice

PROMISE_MINUTES = 120  # of office time: the time that is offered first
USUAL_OFFERS = (
    "Say back in one sentence what happened, and that you are sorry for it.",
    "A person with a name who calls back, and the time of it.",
    "The next free time, or the wait list.",
    "Somebody with more say, now or today.",
    "A complaint in writing: it changes nothing about the care.",
)


@dataclass(frozen=True, slots=True)
class Ground:
    """A reason to go to the manager; ticked by the words, or by a person."""

    value: str
    label: str
    ticked: bool
    offered: bool  # was shown ticked once: who unticked it has decided


@dataclass(frozen=True, slots=True)
class Reading:
    """What the words of the text call for; a person decides."""

    grounds: list[Ground]
    emergency: bool


@dataclass(frozen=True, slots=True)
class Steady:
    """Whose card it is, and what stands on it."""

    call: Call | None
    patient: Patient | None
    card: Card

    @property
    def key(self) -> str:
        """Under which its half-written text is kept."""
        subject = self.call or self.patient
        return f"steady:{subject.pk}" if subject else "steady:new"

    @property
    def offers(self) -> tuple[str, ...]:
        return USUAL_OFFERS

    @property
    def can_transfer(self) -> bool:
        """Whether there is a caller who can be put through."""
        return self.call is not None and self.call.status in {Call.Status.LIVE, Call.Status.HELD}


def steady_of(call: Call | None, patient: Patient | None) -> Steady:
    """The card of a call (and its patient), of a patient, or of nobody known."""
    return Steady(call, patient or (call.patient if call else None), current_card())


def read(text: str, chosen: list[str], offered: list[str]) -> Reading:
    """The grounds that a person ticked, and those the words suggest that were not shown to her yet."""
    ticked = grounds_for(text, chosen, offered)
    shown = {*offered, *ticked}
    rows = [
        Ground(g.value, Complaint.Ground(g).label, g.value in ticked, g.value in shown) for g in GIVEN_GROUNDS
    ]
    return Reading(rows, speaks_of_emergency(text))


def grounds_for(text: str, chosen: list[str], offered: list[str]) -> list[str]:
    """What a complaint goes higher for: shown and left ticked, or in the words and never shown."""
    found = [ground for ground in grounds_in(text) if ground not in offered]
    return ordered([*(ground for ground in chosen if ground in GIVEN_GROUNDS), *found])


def first_time(practice: Practice) -> dt.datetime:
    """The time a promise is offered for first, on the quarter hour."""
    at = in_office_time(practice, PROMISE_MINUTES)
    past = dt.timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    return at - past + dt.timedelta(minutes=15) if past else at
