"""What the page and the dialog of a clinician's delay show."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from patients.models import Channel
from practices.access import Admission
from practices.models import Language, Practice, Role
from practices.tenancy import current_practice
from scheduling.delays import last_step
from scheduling.late_notices import LateDay, Word, late_days, words_for
from scheduling.lateness import ON_TIME, running_over
from scheduling.models import Appointment, Delay, DelayStep, Practitioner
from scheduling.words import clock

QUICK = (5, 10, 15, 25, 40)
WAYS = {Channel.SMS: ("msg", "Text"), Channel.EMAIL: ("mail", "E-mail"), Channel.CALL: ("phone", "Call")}
NO_WAY = ("ban", "No phone or e-mail")


@dataclass(frozen=True, slots=True)
class Row:
    """One patient who would be told."""

    visit: Appointment
    name: str
    planned: str
    expected: str
    language: str
    symbol: str
    way: str
    ticked: bool
    over: bool  # hears that all is on time again


def may_change(admission: Admission, practitioner: Practitioner) -> bool:
    """Who works at the desk says it for anybody, a clinician for herself."""
    member = admission.membership
    at_desk = member.has(Role.RECEPTIONIST) or member.has(Role.MANAGER)
    return at_desk or practitioner.user_id == member.user_id


def day_of(practitioner: Practitioner) -> LateDay:
    """Today's delay of a clinician, an empty one if nothing was said; three queries."""
    date = current_practice().today()
    said = Delay.objects.filter(local_date=date, practitioner=practitioner).select_related("said_by").first()
    if said is None:
        visits = Appointment.objects.on(date).active().filter(practitioner=practitioner).with_people()
        fresh = Delay(practitioner=practitioner, local_date=date, minutes=0)
        return LateDay(fresh, list(visits.order_by("starts_at", "pk")), [], ON_TIME)
    (day,) = late_days([said], everybody=True)
    return day


def page_of(
    practitioner: Practitioner, practice: Practice, *, private: bool, chosen: set[uuid.UUID] | None = None
) -> dict[str, Any]:
    """The context of the dialog."""
    now = timezone.now()
    day = day_of(practitioner)
    words = words_for(day, now)
    step = last_step(day.delay) if day.delay.version else None
    rows = [row_of(word, practice, private, chosen) for word in words]
    return {
        "clinician": practitioner,
        "delay": day.delay,
        "behind": day.course.behind,
        "rows": rows,
        "tellable": sum(word.channel != "" for word in words),
        "affected": len(day.course.late),
        "told": sum(1 for one in day.told().values() if one.minutes),
        "over": running_over(day.visits, now),
        "undo": undo_words(step),
        "quick": QUICK,
        "from_minutes": practice.late_tell_from,
    }


def undo_words(step: DelayStep | None) -> str:
    if step is None:
        return ""
    return "Take the messages back" if step.kind == DelayStep.Kind.TOLD else "Undo"


def row_of(word: Word, practice: Practice, private: bool, chosen: set[uuid.UUID] | None) -> Row:
    symbol, way = WAYS.get(Channel(word.channel), NO_WAY) if word.channel else NO_WAY
    return Row(
        visit=word.visit,
        name=word.visit.patient.shown_name(private=private),
        planned=clock(word.visit.starts_at.astimezone(practice.zone)),
        expected=clock(word.expected.astimezone(practice.zone)),
        language=str(Language(word.visit.patient.language).label),
        symbol=symbol,
        way=way,
        ticked=bool(word.channel) and (chosen is None or word.visit.pk in chosen),
        over=not word.late,
    )
