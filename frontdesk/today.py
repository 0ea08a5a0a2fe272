"""A day's board, ready to be drawn: all words, places and addresses made here, the template only loops."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from urllib.parse import urlencode

from django.db.models import Min
from django.urls import reverse

from frontdesk.dayplan import (
    DAY,
    QUARTER,
    Place,
    Span,
    clock,
    free_places,
    hour_words,
    lanes,
    merge,
    minute_of,
    overlap,
    span_of,
    subtract,
)
from patients.models import Need
from practices.models import Closure, Practice
from scheduling.models import Appointment, AppointmentType, Practitioner, Status, TimeOff, WeeklyHours

STEP = 5  # minutes; the classes of static/css/steps.css count in these
USUAL_DAY = Span(8 * 60, 17 * 60)
LATE_AFTER = dt.timedelta(minutes=5)
NIL = uuid.UUID(int=0)

# Stage → icon, words. The order is that of the legend.
STAGES = {
    "book": ("st-book", "to confirm"),
    "conf": ("st-conf", "confirmed"),
    "arr": ("st-arr", "arrived"),
    "vis": ("st-vis", "in visit"),
    "done": ("st-done", "done"),
    "bad": ("st-bad", "no-show"),
    "off": ("st-cancel", "cancelled"),
}
LEGEND = ("book", "conf", "arr", "vis", "done", "bad")
NEED_ICONS = {
    Need.INTERPRETER: "lang",
    Need.STEP_FREE: "access",
    Need.WHEELCHAIR: "access",
    Need.CARER: "users",
    Need.SIGHT: "eye",
    Need.HEARING: "mic",
    Need.LONGER: "clock",
    Need.TRANSPORT: "move",
}


@dataclass(slots=True)
class Card:
    """A visit as the board, the list and a screen reader show it."""

    id: uuid.UUID
    patient_id: uuid.UUID
    practitioner: str
    span: Span
    stage: str
    name: str
    kind: str
    url: str
    version: int
    moved_from: uuid.UUID | None
    flags: list[tuple[str, str]]
    line: str
    note: str = ""
    since: str = ""
    waited: int | None = None
    late: int = 0
    times: str = ""
    css: str = ""
    label: str = ""
    free: bool = False

    @property
    def icon(self) -> str:
        return STAGES[self.stage][0]

    @property
    def status(self) -> str:
        return STAGES[self.stage][1]

    @property
    def time(self) -> str:
        return clock(self.span.start, half=True)


@dataclass(slots=True)
class FreePlace:
    """A quarter of an hour to book at."""

    span: Span
    css: str
    url: str
    label: str
    words: str
    key: str
    free: bool = True

    @property
    def time(self) -> str:
        return clock(self.span.start, half=True)


@dataclass(slots=True)
class Block:
    """Closed time: lunch, time off, a closure."""

    css: str
    label: str
    times: str


@dataclass(slots=True)
class Column:
    """A clinician's day."""

    id: uuid.UUID
    name: str
    initials: str
    sub: str = ""
    out: bool = False
    places: bool = False
    open: list[Span] = field(default_factory=list)
    away: list[tuple[Span, str]] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    items: list[Card | FreePlace] = field(default_factory=list)


@dataclass(slots=True)
class Board:
    """One practice's day: columns for the board, rows for the list, counts for the legend."""

    day: dt.date
    is_today: bool
    window: Span
    day_start: str
    zone: str
    closed: str
    columns: list[Column]
    rows: list[Card]
    counts: dict[str, int]

    @property
    def steps(self) -> int:
        return (self.window.end - self.window.start) // STEP

    @property
    def hours(self) -> list[tuple[int, str]]:
        return [
            ((minute - self.window.start) // STEP, hour_words(minute))
            for minute in range(self.window.start, self.window.end, 60)
        ]

    @property
    def legend(self) -> list[tuple[str, str, str, int]]:
        return [(stage, *STAGES[stage], self.counts.get(stage, 0)) for stage in LEGEND]

    @property
    def patient_ids(self) -> list[uuid.UUID]:
        return [card.patient_id for card in self.rows]


def day_board(practice: Practice, day: dt.date, *, private: bool = False) -> Board:
    """The board of a practice-local date, in six queries whatever the day holds.

    `private` shows initials instead of names and leaves notes out.
    """
    now = practice.now()
    is_today = now.date() == day
    closed = _closure(day)
    columns = _columns(practice, day, closed)
    shortest = AppointmentType.objects.filter(active=True).aggregate(least=Min("minutes"))["least"]
    rows = []
    for card, practitioner in _cards(practice, day, now if is_today else None, private):
        rows.append(card)
        if card.stage != "off":
            columns.setdefault(practitioner.pk, _column(practitioner)).cards.append(card)
    shown = [column for column in columns.values() if column.open or column.cards]
    window = _window(shown)
    bookable = minute_of(now.time()) if is_today else (DAY if day < now.date() else 0)
    for column in shown:
        _lay_out(column, window, now if is_today else None, closed)
        _offer_places(column, practice, day, window, bookable, shortest or QUARTER)
    start = dt.datetime.combine(day, dt.time(), tzinfo=practice.zone) + dt.timedelta(minutes=window.start)
    return Board(
        day=day,
        is_today=is_today,
        window=window,
        day_start=start.isoformat(),
        zone=str(practice.time_zone),
        closed=closed,
        columns=shown,
        rows=rows,
        counts=Counter(card.stage for card in rows),
    )


def _closure(day: dt.date) -> str:
    closure = Closure.objects.filter(first_day__lte=day, last_day__gte=day).first()
    return closure.reason if closure else ""


def _column(practitioner: Practitioner) -> Column:
    room = practitioner.room.name if practitioner.room else ""
    return Column(practitioner.pk, practitioner.short_name, practitioner.initials, sub=room)


def _columns(practice: Practice, day: dt.date, closed: str) -> dict[uuid.UUID, Column]:
    """Every clinician's column, in the practice's order, with the hours of that day."""
    columns = {p.pk: _column(p) for p in Practitioner.objects.in_use().select_related("room")}
    for hours in WeeklyHours.objects.filter(weekday=day.isoweekday()):
        column = columns.get(hours.practitioner_id)
        if column and hours.valid_on(day):
            column.open.append(Span(minute_of(hours.starts), minute_of(hours.ends)))
    midnight = dt.datetime.combine(day, dt.time(), tzinfo=practice.zone)
    tomorrow = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=practice.zone)
    for off in TimeOff.objects.filter(starts_at__lt=tomorrow, ends_at__gt=midnight).order_by("starts_at"):
        column = columns.get(off.practitioner_id)
        span = span_of(off.starts_at.astimezone(practice.zone), off.ends_at.astimezone(practice.zone), day)
        if column and span and column.open:
            column.away.append((span, off.label))
    for column in columns.values():
        hours_of_day = merge(column.open)
        column.away = [(part, label) for span, label in column.away for part in overlap(hours_of_day, span)]
        if closed:
            column.away = [(span, closed) for span in hours_of_day]
        column.open = hours_of_day
    return columns


def _cards(
    practice: Practice, day: dt.date, now: dt.datetime | None, private: bool
) -> Iterator[tuple[Card, Practitioner]]:
    """The day's visits by time, cancelled ones too; `now` is given on the day itself."""
    visits = (
        Appointment.objects.on(day)
        .exclude(status=Status.ENTERED_IN_ERROR)
        .select_related("patient", "practitioner", "practitioner__room", "appointment_type")
        .only(
            *("starts_at", "ends_at", "status", "confirmation", "arrived_at", "seen_at", "note", "version"),
            # A sealed note opens with its practice's id: without it each note would cost a query.
            *("practice_id", "rescheduled_from_id"),
            *("patient__given", "patient__family", "patient__preferred", "patient__needs"),
            *("practitioner__short_name", "practitioner__initials", "practitioner__room__name"),
            *("appointment_type__name", "appointment_type__video"),
        )
        .order_by("starts_at", "practitioner__position", "id")
    )
    address = reverse("appointment", args=[practice.slug, NIL])
    for visit in visits:
        url = address.replace(str(NIL), str(visit.pk))
        yield _card(visit, url, practice, now, private), visit.practitioner


def _card(visit: Appointment, url: str, practice: Practice, now: dt.datetime | None, private: bool) -> Card:
    start = minute_of(visit.starts_at.astimezone(practice.zone).time())
    end = min(start + visit.minutes, DAY)
    card = Card(
        id=visit.pk,
        patient_id=visit.patient_id,
        practitioner=visit.practitioner.short_name,
        span=Span(start, max(end, start + STEP)),
        stage=visit.stage,
        name=visit.patient.shown_name(private=private),
        kind=visit.appointment_type.name,
        url=url,
        version=visit.version,
        moved_from=visit.rescheduled_from_id,
        flags=_flags(visit),
        line=_line(visit, practice),
        note="" if private or visit.minutes < 45 else visit.note,
        times=f"{clock(start)} to {clock(end, half=True)}",
    )
    if now and card.stage == "arr" and visit.arrived_at:
        card.since = visit.arrived_at.isoformat()
        card.waited = max(0, int((now - visit.arrived_at).total_seconds() // 60))
    if now and card.stage in {"book", "conf"} and now - visit.starts_at > LATE_AFTER:
        card.since = visit.starts_at.isoformat()
        card.late = int((now - visit.starts_at).total_seconds() // 60)
    card.label = _label(card)
    return card


def _flags(visit: Appointment) -> list[tuple[str, str]]:
    flags = [("video", "video")] if visit.appointment_type.video else []
    for need in visit.patient.needs:
        known = NEED_ICONS.get(need)
        if known:
            flags.append((known, Need(need).label.lower()))
    return flags


def _line(visit: Appointment, practice: Practice) -> str:
    """The second line of a card: the kind of visit, and what the moment adds to it."""
    kind = visit.appointment_type.name
    if visit.stage == "vis" and visit.seen_at:
        seen = visit.seen_at.astimezone(practice.zone)
        return f"{kind}, since {clock(minute_of(seen.time()))}"
    if visit.stage == "arr" and visit.arrived_at and visit.arrived_at < visit.starts_at:
        return f"{kind}, here early"
    return f"No-show, {kind}" if visit.stage == "bad" else kind


def _label(card: Card) -> str:
    """What a screen reader says: time, name, status, clinician, then what stands out."""
    words = [clock(card.span.start), card.name, card.status, card.practitioner]
    if card.waited is not None:
        words.append(f"waiting {card.waited} min")
    if card.late:
        words.append(f"{card.late} min late")
    return ", ".join(words + [label for _, label in card.flags])


def _window(columns: Iterable[Column]) -> Span:
    """The hours that the board draws: whole ones around everything that happens."""
    spans = [span for c in columns for span in (*c.open, *(card.span for card in c.cards))]
    if not spans:
        return USUAL_DAY
    first, last = min(span.start for span in spans), max(span.end for span in spans)
    return Span(first // 60 * 60, -(-last // 60) * 60)


def _place(span: Span, window: Span) -> str:
    return f"s-{(span.start - window.start) // STEP} d-{max(1, (span.end - span.start) // STEP)}"


def _lay_out(column: Column, window: Span, now: dt.datetime | None, closed: str) -> None:
    """Gives cards and closed time their places, and says in the head who is out."""
    column.cards.sort(key=attrgetter("span"))
    for card, (of, at) in zip(column.cards, lanes([c.span for c in column.cards]), strict=True):
        side = f" of-{of} at-{at}" if of > 1 else ""
        late = " late-card" if card.late else ""
        card.css = f"ap st-{card.stage} {_place(card.span, window)}{side}{late}"
    for gap in subtract([window], column.open):
        column.blocks.append(_block(gap, _gap_label(gap, column.open), window))
    for span, label in column.away:
        column.blocks.append(_block(span, label, window))
    minute = minute_of(now.time()) if now else -1
    away = next((span for span, _ in column.away if span.start <= minute < span.end), None)
    here = subtract(column.open, [span for span, _ in column.away])
    if closed:
        column.sub, column.out = "Closed", True
    elif away and here and away.end < column.open[-1].end:
        column.sub, column.out = f"Out until {clock(away.end, half=True)}", True
    elif not here:
        column.sub, column.out = "Out", True
    elif here[0].start > window.start and here[0].start > minute:
        column.sub = ", ".join(filter(None, [column.sub, f"from {clock(here[0].start)}"]))


def _gap_label(gap: Span, hours: list[Span]) -> str:
    inside = hours and hours[0].end <= gap.start and gap.end <= hours[-1].start
    if not inside:
        return ""
    return "Lunch" if gap.start >= 11 * 60 and gap.end <= 15 * 60 else "Break"


def _block(span: Span, label: str, window: Span) -> Block:
    return Block(f"ap blk {_place(span, window)}", label, f"{clock(span.start)} to {clock(span.end)}")


def _offer_places(
    column: Column, practice: Practice, day: dt.date, window: Span, earliest: int, shortest: int
) -> None:
    """Puts the bookable places between the visits, in the order of the day."""
    address = reverse("book", args=[practice.slug])
    taken = [card.span for card in column.cards] + [span for span, _ in column.away]
    places = list(free_places(column.open, taken, earliest=earliest, shortest=shortest))
    free = [_free_place(place, column, address, day, window) for place in places]
    column.places = bool(free)
    column.items = sorted([*column.cards, *free], key=attrgetter("span"))


def _free_place(place: Place, column: Column, address: str, day: dt.date, window: Span) -> FreePlace:
    span = Span(place.start, place.end)
    start = f"{day:%Y-%m-%d}T{place.start // 60:02d}:{place.start % 60:02d}"
    length = place.until - place.start
    return FreePlace(
        span=span,
        css=f"ap free{' first' if place.first else ''} {_place(span, window)}",
        url=f"{address}?{urlencode({'practitioner': column.id, 'start': start})}",
        label=f"{clock(place.start)}, free, {length} min, {column.name}",
        words=f"Free until {clock(place.until)}",
        key=f"free-{column.id}-{place.start}",
    )
