"""The day in small: a column per clinician, a bar per visit, hatched where nobody works."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk.dayplan import DAY, Span, hour_words, merge, minute_of, span_of, subtract
from practices.models import Closure, Practice
from scheduling.models import Appointment, Practitioner, TimeOff, WeeklyHours
from scheduling.wallclock import boundary

STEP = 5
USUAL = Span(8 * 60, 17 * 60)
SHORTEST_OPENING = 30


@dataclass(frozen=True, slots=True)
class Bar:
    """A visit, a closed stretch (`x`) or an opening (`o`), with its place as classes."""

    css: str


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns, the length of the day as a class, and the hours beside it."""

    columns: list[Column]
    length: str
    hours: list[tuple[str, str]]


def place(span: Span, window: Span) -> str:
    """The classes that put a span onto the column."""
    start, end = max(span.start, window.start), min(span.end, window.end)
    return f"s-{(start - window.start) // STEP} d-{max(1, (end - start) // STEP)}"


def day_shape(practice: Practice, day: dt.date, visits: Sequence[Appointment]) -> Shape:
    """Four queries, whatever the number of clinicians and visits."""
    shown = [visit for visit in visits if visit.is_active]
    busy = {visit.practitioner_id for visit in shown}
    hours = working_hours(practice, day)
    people = [p for p in Practitioner.objects.all() if p.pk in busy or (p.active and hours.get(p.pk))]
    spans = {visit.pk: local_span(visit, practice, day) for visit in shown}
    everything = [USUAL, *(s for s in spans.values() if s), *(s for own in hours.values() for s in own)]
    window = Span(min(s.start for s in everything) // 60 * 60, -(-max(s.end for s in everything) // 60) * 60)
    columns = []
    for person in people:
        mine = [visit for visit in shown if visit.practitioner_id == person.pk]
        columns.append(Column(surname(person), bars_of(mine, spans, hours.get(person.pk, []), window)))
    marks = range(window.start + 60, window.end, 60)
    labels = [(f"s-{(m - window.start) // STEP}", hour_words(m).split()[0]) for m in marks]
    return Shape(columns, f"d-{(window.end - window.start) // STEP}", labels)


def surname(person: Practitioner) -> str:
    """Short enough for a narrow column: Osei of Dr. Osei, Raman of Priya Raman, NP."""
    return person.short_name.partition(",")[0].split()[-1]


def bars_of(
    mine: Sequence[Appointment], spans: dict[uuid.UUID, Span | None], hours: Sequence[Span], window: Span
) -> list[Bar]:
    taken = [span for visit in mine if (span := spans[visit.pk])]
    closed = subtract([window], hours)
    free = [span for span in subtract(hours, taken) if span.end - span.start >= SHORTEST_OPENING]
    bars = [Bar(f"x {place(span, window)}") for span in closed]
    bars += [Bar(f"o {place(span, window)}") for span in free]
    for visit in mine:
        if span := spans[visit.pk]:
            tone = "st-book" if visit.stage == "book" else "st-conf"
            bars.append(Bar(f"{tone} {place(span, window)}"))
    return bars


def working_hours(practice: Practice, day: dt.date) -> dict[uuid.UUID, list[Span]]:
    """The wall-clock hours of everybody who works that day, without time off; none on a closure."""
    if Closure.objects.filter(first_day__lte=day, last_day__gte=day).exists():
        return {}
    hours: dict[uuid.UUID, list[Span]] = {}
    for row in WeeklyHours.objects.filter(weekday=day.isoweekday()):
        if row.valid_on(day):
            hours.setdefault(row.practitioner_id, []).append(Span(minute_of(row.starts), minute_of(row.ends)))
    opens = boundary(day, dt.time(), practice.zone)
    closes = boundary(day + dt.timedelta(days=1), dt.time(), practice.zone)
    for off in TimeOff.objects.filter(starts_at__lt=closes, ends_at__gt=opens):
        span = span_of(off.starts_at.astimezone(practice.zone), off.ends_at.astimezone(practice.zone), day)
        if span and off.practitioner_id in hours:
            hours[off.practitioner_id] = subtract(hours[off.practitioner_id], [span])
    return {key: merge(spans) for key, spans in hours.items()}


def local_span(visit: Appointment, practice: Practice, day: dt.date) -> Span | None:
    starts, ends = visit.starts_at.astimezone(practice.zone), visit.ends_at.astimezone(practice.zone)
    span = span_of(starts, ends, day)
    return Span(span.start, min(span.end, DAY)) if span else None
