"""How late clinicians are, on the board and on a clinician's own day."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.urls import reverse

from frontdesk.cards import Card
from frontdesk.dayplan import clock, minute_of
from practices.models import Practice
from scheduling.delays import courses_of, last_step
from scheduling.late_notices import LateDay, late_days
from scheduling.late_page import undo_words
from scheduling.lateness import ON_TIME, WORTH_SAYING, Course, running_over
from scheduling.models import Appointment, Delay, Practitioner

FORGOTTEN = 120  # minutes over its end: nobody pressed Done


class LateColumn(Protocol):
    """What of a column of the board changes when its clinician is late."""

    id: uuid.UUID
    cards: list[Card]
    behind: int
    over: int
    late_url: str


def mark_late(practice: Practice, columns: Iterable[LateColumn], now: dt.datetime) -> None:
    """Writes expected times onto the cards of today and lateness into the heads; one query, two if any is."""
    shown = list(columns)
    courses = courses_of(now.date(), [column.id for column in shown])
    minute = minute_of(now.time())
    for column in shown:
        column.late_url = reverse("delay", args=[practice.slug, column.id])
        course = courses.get(column.id, ON_TIME)
        column.behind = course.behind
        ends = [card.span.end for card in column.cards if card.stage == "vis"]
        over = minute - max(ends, default=minute)
        column.over = over if WORTH_SAYING <= over <= FORGOTTEN and not column.behind else 0
        for card in column.cards:
            say_expected(card, course.late, practice, course.expected)


def say_expected(
    card: Card, late: Mapping[uuid.UUID, int], practice: Practice, expected: Mapping[uuid.UUID, dt.datetime]
) -> None:
    """Follow-up, see 11:48."""
    if late.get(card.id, 0) < WORTH_SAYING:
        return
    words = clock(minute_of(expected[card.id].astimezone(practice.zone).time()))
    card.line = f"{card.line}, see {words}"
    card.label = f"{card.label}, expected {words}"


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar above a clinician's day: how late, who knows, and what one tap does."""

    practitioner: Practitioner
    course: Course
    minutes: int
    version: int
    hint: int  # minutes by the clock, where nothing was said
    to_tell: int
    told: int
    undo: str

    @property
    def quick(self) -> tuple[int, ...]:
        return (5, 10) if self.minutes else (10, 25)


def bar_of(
    practitioner: Practitioner,
    practice: Practice,
    visits: Sequence[Appointment],
    waiting: int,
    now: dt.datetime,
) -> Bar:
    """One query, four more where something was said today; `waiting`: how late who waits will begin."""
    delay = Delay.objects.filter(local_date=practice.today(), practitioner=practitioner).first()
    hint = max(running_over(visits, now), waiting)
    if delay is None:
        return Bar(practitioner, ON_TIME, 0, 0, hint, 0, 0, "")
    days: list[LateDay] = late_days([delay], now)
    day = days[0] if days else LateDay(delay, [], [], ON_TIME)
    return Bar(
        practitioner,
        day.course,
        delay.minutes,
        delay.version,
        hint if hint - day.course.behind >= WORTH_SAYING else 0,
        len(day.to_tell(practice, now)),
        sum(1 for one in day.told().values() if one.minutes),
        undo_words(last_step(delay)),
    )
