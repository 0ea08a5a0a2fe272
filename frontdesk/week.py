"""A week at a glance: everybody's days in a table of counts, or one clinician's days as columns."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q, QuerySet

from frontdesk.columns import (
    Choice,
    Column,
    column_of,
    enter_hours,
    people_in_order,
    read_hours,
    read_time_off,
    stands_at,
)
from frontdesk.dayplan import Span, overlap, subtract
from frontdesk.laying import window_of
from frontdesk.today import Board, Look, card_maker, day_start, finish, read_kinds, read_visits
from practices.models import Closure, Practice
from scheduling.models import Appointment, Status

FULL = 10  # a day's fill is said in tenths
TAKES = [Status.BOOKED, Status.ARRIVED, Status.FULFILLED]


@dataclass(slots=True)
class Cell:
    """One clinician's day, or everybody's, in numbers."""

    day: dt.date
    visits: int = 0
    unconfirmed: int = 0
    open: int = 0  # minutes
    taken: int = 0
    closed: str = ""
    out: str = ""

    @property
    def free(self) -> int:
        return max(0, self.open - self.taken)

    @property
    def free_words(self) -> str:
        hours, minutes = divmod(self.free, 60)
        return " ".join(filter(None, [f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]))

    @property
    def fill(self) -> int:
        """How full the day is, in tenths."""
        return min(FULL, round(FULL * self.taken / self.open)) if self.open else 0

    @property
    def words(self) -> str:
        """What a screen reader says of it."""
        said = [self.closed or self.out]
        said += [f"{self.visits} visit{'' if self.visits == 1 else 's'}"] if self.visits or self.open else []
        said += [f"{self.unconfirmed} to confirm"] if self.unconfirmed else []
        said += [f"{self.free_words} free"] if self.free else []
        return ", ".join(filter(None, said)) or "nobody works"


@dataclass(slots=True)
class Row:
    """A clinician's days."""

    id: uuid.UUID
    name: str
    initials: str
    cells: list[Cell] = field(default_factory=list)


def days_of_week(day: dt.date) -> list[dt.date]:
    monday = day - dt.timedelta(days=day.isoweekday() - 1)
    return [monday + dt.timedelta(days=offset) for offset in range(7)]


def columns_by_day(practice: Practice, days: list[dt.date], choice: Choice) -> dict[dt.date, list[Column]]:
    """The hours of everybody who is wanted, day by day; four queries however many days."""
    people = [p for p in people_in_order(choice) if p.id not in choice.hidden]
    weekly = read_hours(days)
    absent = read_time_off(practice, days[0], days[-1])
    closures = list(Closure.objects.filter(first_day__lte=days[-1], last_day__gte=days[0]))
    active = {person.id for person in people if person.active}
    found = {}
    for day in days:
        columns = {person.id: column_of(person) for person in people}
        hours = [each for each in weekly.get(day.isoweekday(), []) if each.practitioner_id in active]
        reason = next((c.reason for c in closures if c.first_day <= day <= c.last_day), "")
        enter_hours(columns, day, practice, hours, absent, reason, choice.location)
        found[day] = [one for one in columns.values() if stands_at(one, choice)]
    return found


def counts_by_day(first: dt.date, last: dt.date) -> QuerySet[Any, Any]:
    """Visits of each date and clinician: how many, and how many wait for a yes; one query."""
    waiting = Q(status=Status.BOOKED) & ~Q(confirmation="confirmed")
    visits = Appointment.objects.filter(local_date__range=(first, last), status__in=TAKES).order_by()
    return visits.values_list("local_date", "practitioner_id").annotate(
        many=Count("pk"), unconfirmed=Count("pk", filter=waiting)
    )


def taken_minutes(
    first: dt.date, last: dt.date, practice: Practice
) -> dict[tuple[dt.date, uuid.UUID], list[Span]]:
    """Which minutes of which day each clinician has given away."""
    visits = Appointment.objects.filter(local_date__range=(first, last), status__in=TAKES).order_by()
    found: dict[tuple[dt.date, uuid.UUID], list[Span]] = defaultdict(list)
    for day, who, time, starts, ends in visits.values_list(
        "local_date", "practitioner_id", "local_time", "starts_at", "ends_at"
    ):
        start = time.hour * 60 + time.minute
        found[day, who].append(Span(start, start + round((ends - starts).total_seconds() / 60)))
    return found


def week_table(practice: Practice, days: list[dt.date], choice: Choice) -> list[Row]:
    """Everybody's week in numbers: six queries, whatever it holds."""
    by_day = columns_by_day(practice, days, choice)
    taken = taken_minutes(days[0], days[-1], practice)
    counts = {(day, who): (many, waiting) for day, who, many, waiting in counts_by_day(days[0], days[-1])}
    rows: dict[uuid.UUID, Row] = {}
    for day, columns in by_day.items():
        for column in columns:
            row = rows.setdefault(column.id, Row(column.id, column.name, column.initials))
            row.cells.append(cell_of(column, day, taken.get((day, column.id), []), counts))
    return [row for row in rows.values() if any(cell.open or cell.visits for cell in row.cells)]


def cell_of(
    column: Column, day: dt.date, taken: list[Span], counts: dict[tuple[dt.date, uuid.UUID], tuple[int, int]]
) -> Cell:
    many, waiting = counts.get((day, column.id), (0, 0))
    here = subtract(column.open, [span for span, _ in column.away])
    used = [part for span in here for part in overlap(subtract([span], subtract([span], taken)), span)]
    away = next((label for _, label in column.away), "") if column.open and not here else ""
    return Cell(day, many, waiting, minutes(here), minutes(used), out=away)


def minutes(spans: Iterable[Span]) -> int:
    return sum(span.end - span.start for span in spans)


def week_board(
    practice: Practice, days: list[dt.date], who: uuid.UUID, choice: Choice, *, private: bool
) -> Board | None:
    """One clinician's week as a board: a column a day, seven queries; None for nobody of ours."""
    person = next((person for person in people_in_order(choice) if person.id == who), None)
    if person is None:
        return None
    kinds, now = read_kinds(), practice.now()
    weekly, absent = read_hours(days), read_time_off(practice, days[0], days[-1])
    closures = list(Closure.objects.filter(first_day__lte=days[-1], last_day__gte=days[0]))
    rows = list(
        read_visits(Appointment.objects.filter(local_date__range=(days[0], days[-1]), practitioner=who))
    )
    columns, looks, cards = [], [], []
    for day in days:
        look = Look(practice, day, now if now.date() == day else None, private, frozenset([who]))
        column = column_of(person)
        column.day = day
        reason = next((c.reason for c in closures if c.first_day <= day <= c.last_day), "")
        hours = weekly.get(day.isoweekday(), []) if person.active else []
        enter_hours({who: column}, day, practice, hours, absent, reason, choice.location)
        draw = card_maker(look, kinds)
        mine = [draw(row, person.short_name) for row in rows if row.local_date == day]
        column.cards += [card for card in mine if card.stage != "off"]
        cards += mine
        columns.append(column)
        looks.append((look, reason))
    window = window_of(columns)
    for column, (look, reason) in zip(columns, looks, strict=True):
        finish([column], look, window, reason, kinds)
    weekend = [c for c in columns if c.day and (c.open or c.cards or c.day.isoweekday() < 6)]
    return Board(
        day=days[0], is_today=False, window=window, day_start=day_start(practice, days[0], window),
        zone=str(practice.time_zone), closed="", columns=weekend, rows=cards, counts={},
    )  # fmt: skip
