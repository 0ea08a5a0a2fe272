"""One line a practice: its hour, its phones, its day in numbers. No patient is named.

Each practice is asked inside its own scope, one after the other (decision 0005), by nine statements, and
one more where somebody runs behind.
"""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from frontdesk.cards import LEGEND, STAGES
from frontdesk.models import Finding, Review
from frontdesk.queue import LATE, queue_count
from messaging.models import Call, Task
from messaging.on_call import on_call_at
from messaging.routing import join
from practices.access import Admission
from practices.models import Practice
from practices.office import office_of
from scheduling.delays import courses_of
from scheduling.models import Appointment, Confirmation, Practitioner, Status, board_stage
from scheduling.words import clock

BEHIND_AFTER = dt.timedelta(minutes=10)
MOST_NAMES = 3


@dataclass(slots=True)
class House:
    """A practice as its row shows it."""

    practice: Practice
    local: str
    day: str
    zone: str
    is_open: bool
    office: str
    answers: str
    waiting: int = 0
    longest: dt.datetime | None = None
    stages: list[tuple[str, str, str, int]] = field(default_factory=list)
    unconfirmed: int = 0
    late_patients: int = 0
    findings: int | None = None  # None for who may not see the reviews
    urgent: int = 0
    needs: int = 0
    behind: list[str] = field(default_factory=list)

    @property
    def visits(self) -> int:
        return sum(count for *_, count in self.stages)

    def url(self, name: str) -> str:
        return reverse(name, args=[self.practice.slug])

    @property
    def links(self) -> dict[str, str]:
        names = ("today", "phones", "queue", "morning", "reminders")
        return {name: self.url(name) for name in names} | {"unconfirmed": f"{self.url('today')}?status=book"}


def house_of(admission: Admission, now: dt.datetime | None = None) -> House:
    """One practice's row; its scope is open."""
    practice, now = admission.practice, now or timezone.now()
    local = now.astimezone(practice.zone)
    office = office_of(practice, now)
    house = House(
        practice=practice,
        local=clock(local),
        day=f"{local:%a}, {local:%b} {local.day}",
        zone=f"{local.tzname()}, {str(practice.time_zone).rpartition('/')[2].replace('_', ' ')}",
        is_open=office.is_open,
        office=office.now_words,
        answers="",
    )
    _phones(house, now)
    _visits(house, local.date(), now)
    complaints = admission.may("complaint.view")
    house.needs = queue_count(practice, now, viewer=admission.actor.user, complaints=complaints)
    emergency = Task.Urgency.EMERGENCY
    house.urgent = Task.objects.open().filter(Q(urgency=emergency) | Q(due_at__lte=now)).count()
    if admission.may("review.view"):
        today = Review.objects.filter(local_date=local.date())
        house.findings = Finding.objects.filter(review__in=today, settled_at=None, owner=None).count()
    return house


def _phones(house: House, now: dt.datetime) -> None:
    """Who speaks or holds, who waits, and since when; out of hours who is on call."""
    present = Call.objects.filter(status__in=Call.PRESENT).order_by()
    rows = list(present.values_list("status", "direction", "started_at", "held_since", "handler__given_name"))
    held, ringing = Call.Status.HELD, Call.Status.RINGING
    since = [h or s for status, _, s, h, _ in rows if status == held]
    since += [s for status, way, s, _, _ in rows if status == ringing and way == Call.Direction.IN]
    house.waiting, house.longest = len(since), min(since, default=None)
    speaking = sorted({name for status, *_, name in rows if name and status != ringing})
    on_call = [person.short_name for person in on_call_at(now)] if not house.is_open else []
    if speaking:
        house.answers = f"{_names(speaking)} on the phone"
    elif on_call:
        house.answers = f"{_names(on_call)} on call"


def _names(names: list[str]) -> str:
    shown = names[:MOST_NAMES]
    return (
        join(shown) if len(names) == len(shown) else f"{', '.join(shown)} and {len(names) - len(shown)} more"
    )


def _visits(house: House, day: dt.date, now: dt.datetime) -> None:
    """The day by status, who is late, and which clinicians run behind: one look at the day's rows."""
    visits = Appointment.objects.on(day).on_board().order_by()
    rows: list[Any] = list(
        visits.values_list(
            "status", "confirmation", "seen_at", "starts_at", "ends_at", "arrived_at", "practitioner_id"
        )
    )
    counts = Counter(board_stage(*row[:3]) for row in rows)
    house.stages = [(stage, *STAGES[stage], counts.get(stage, 0)) for stage in LEGEND]
    booked = [row for row in rows if row[0] == Status.BOOKED]
    house.unconfirmed = sum(row[1] != Confirmation.CONFIRMED and row[3] > now for row in booked)
    house.late_patients = sum(row[3] <= now - LATE for row in booked)
    behind: dict[Any, dt.timedelta] = {}
    for status, _, seen_at, starts_at, ends_at, arrived_at, who in rows:
        waits = status == Status.ARRIVED and not seen_at and arrived_at
        over = status == Status.ARRIVED and seen_at and now - ends_at
        late = now - max(starts_at, arrived_at) if waits else over or dt.timedelta()
        if late > BEHIND_AFTER:
            behind[who] = max(late, behind.get(who, late))
    # What somebody said goes before what the clock makes of it.
    said = courses_of(day)
    behind |= {who: dt.timedelta(minutes=course.behind) for who, course in said.items() if course.behind}
    names = dict(Practitioner.objects.filter(pk__in=behind).values_list("pk", "short_name"))
    house.behind = [
        f"{names[who]} {int(late.total_seconds() // 60)} min"
        for who, late in sorted(behind.items(), key=lambda pair: -pair[1])
    ]
