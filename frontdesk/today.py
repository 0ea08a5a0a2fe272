"""A day's board, ready to be drawn: all words, places and addresses made here, the template only loops."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString

from frontdesk.cards import LEGEND, STAGES, Block, Card, FreePlace
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
from patients.models import Need, shown_name
from patients.records import NEED_ICONS
from practices.models import Closure, Practice
from scheduling.models import (
    Appointment,
    AppointmentType,
    Practitioner,
    Status,
    TimeOff,
    WeeklyHours,
    board_stage,
)

STEP = 5  # minutes; the classes of static/css/steps.css count in these
USUAL_DAY = Span(8 * 60, 17 * 60)
LATE_AFTER = dt.timedelta(minutes=5)
NOTE_FROM = dt.timedelta(minutes=45)  # a shorter card has no line for a note
NIL = uuid.UUID(int=0)
VISIT = (
    *("id", "practitioner_id", "patient_id", "appointment_type_id", "starts_at", "ends_at", "status"),
    *("confirmation", "arrived_at", "seen_at", "note", "version", "rescheduled_from_id"),
    *("walk_in", "overbook_reason", "needs"),
    *("patient__given", "patient__family", "patient__preferred", "patient__needs"),
)
KIND = ("id", "name", "minutes", "video", "active")
PERSON = ("id", "name", "short_name", "initials", "position", "active", "room__name")


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

    def drawn(self) -> SafeString:
        """Visits and free places in the order of the day."""
        return SafeString("".join(item.drawn() for item in self.items))


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


@dataclass(frozen=True, slots=True)
class Look:
    """What of a day is looked at: `now` on the day itself, `who` for some columns, `private` for initials."""

    practice: Practice
    day: dt.date
    now: dt.datetime | None
    private: bool
    who: frozenset[uuid.UUID]


def day_board(
    practice: Practice,
    day: dt.date,
    *,
    private: bool = False,
    who: Iterable[uuid.UUID] = (),
    window: Span | None = None,
) -> Board:
    """The board of a practice-local date, in six queries whatever the day holds.

    `private` shows initials instead of names and leaves notes out. `who` asks for these columns only, drawn
    into the `window` of the others: counts are then of theirs. Raises LookupError where one of them has no
    place in it.
    """
    now = practice.now()
    look = Look(practice, day, now if now.date() == day else None, private, frozenset(who))
    closed = Closure.objects.filter(first_day__lte=day, last_day__gte=day).values_list("reason", flat=True)
    reason = next(iter(closed), "")
    columns = _columns(look, reason)
    kinds = {kind.id: kind for kind in AppointmentType.objects.order_by().values_list(*KIND, named=True)}
    rows = _cards(look, columns, kinds)
    shown = [column for column in columns.values() if column.open or column.cards]
    needed = _window(shown)
    if window and (len(shown) < len(look.who) or overlap([window], needed) != [needed]):
        raise LookupError("the board has to be drawn anew")
    window = window or needed
    bookable = minute_of(now.time()) if look.now else (DAY if day < now.date() else 0)
    shortest = min((kind.minutes for kind in kinds.values() if kind.active), default=QUARTER)
    for column in shown:
        _lay_out(column, window, look.now, reason)
        _offer_places(column, practice, day, window, bookable, shortest)
    start = dt.datetime.combine(day, dt.time(), tzinfo=practice.zone) + dt.timedelta(minutes=window.start)
    return Board(
        day=day,
        is_today=look.now is not None,
        window=window,
        day_start=start.isoformat(),
        zone=str(practice.time_zone),
        closed=reason,
        columns=shown,
        rows=rows,
        counts=Counter(card.stage for card in rows),
    )


def stages_of(day: dt.date) -> Counter[str]:
    """How many visits of a date are at which stage, for the legend beside columns drawn alone."""
    visits = Appointment.objects.on(day).order_by()
    return Counter(board_stage(*row) for row in visits.values_list("status", "confirmation", "seen_at"))


def _columns(look: Look, closed: str) -> dict[uuid.UUID, Column]:
    """The column of everybody who works here or did, in the practice's order, with the hours of that day."""
    people = Practitioner.objects.order_by().values_list(*PERSON, named=True)
    weekly = WeeklyHours.objects.filter(weekday=look.day.isoweekday()).order_by()
    zone = look.practice.zone
    midnight = dt.datetime.combine(look.day, dt.time(), tzinfo=zone)
    tomorrow = dt.datetime.combine(look.day + dt.timedelta(days=1), dt.time(), tzinfo=zone)
    absent = TimeOff.objects.filter(starts_at__lt=tomorrow, ends_at__gt=midnight).order_by()
    if look.who:
        people, weekly = people.filter(pk__in=look.who), weekly.filter(practitioner__in=look.who)
        absent = absent.filter(practitioner__in=look.who)
    in_order = sorted(people, key=attrgetter("position", "name"))
    # Who left stands behind the others, on days with visits only.
    in_order.sort(key=attrgetter("active"), reverse=True)
    columns = {p.id: Column(p.id, p.short_name, p.initials, sub=p.room__name or "") for p in in_order}
    active = {p.id for p in in_order if p.active}
    for hours in weekly:
        if hours.practitioner_id in active and hours.valid_on(look.day):
            span = Span(minute_of(hours.starts), minute_of(hours.ends))
            columns[hours.practitioner_id].open.append(span)
    for off in sorted(absent, key=attrgetter("starts_at")):
        column = columns[off.practitioner_id]
        away = span_of(off.starts_at.astimezone(zone), off.ends_at.astimezone(zone), look.day)
        if away and column.open:
            column.away.append((away, off.label))
    for column in columns.values():
        column.open = merge(column.open)
        column.away = [(part, label) for span, label in column.away for part in overlap(column.open, span)]
        if closed:
            column.away = [(span, closed) for span in column.open]
    return columns


def _cards(look: Look, columns: dict[uuid.UUID, Column], kinds: dict[uuid.UUID, Any]) -> list[Card]:
    """The day's visits by time, cancelled ones too; each goes to its column, cancelled ones do not."""
    visits = Appointment.objects.on(look.day).exclude(status=Status.ENTERED_IN_ERROR).order_by()
    if look.who:
        visits = visits.filter(practitioner__in=look.who)
    place = {key: at for at, key in enumerate(columns)}
    rows = list(visits.values_list(*VISIT, named=True))
    rows.sort(key=lambda row: (row.starts_at, place[row.practitioner_id], row.id))
    before, after = reverse("appointment", args=[look.practice.slug, NIL]).split(str(NIL))
    cards = []
    for row in rows:
        column = columns[row.practitioner_id]
        card = _card(row, kinds[row.appointment_type_id], column.name, f"{before}{row.id}{after}", look)
        cards.append(card)
        if card.stage != "off":
            column.cards.append(card)
    return cards


def _card(row: Any, kind: Any, practitioner: str, url: str, look: Look) -> Card:
    """One row of VISIT as a card."""
    stage = board_stage(row.status, row.confirmation, row.seen_at)
    length = row.ends_at - row.starts_at
    start = minute_of(row.starts_at.astimezone(look.practice.zone).time())
    end = min(start + round(length.total_seconds() / 60), DAY)
    words = (row.patient__given, row.patient__family, row.patient__preferred)
    card = Card(
        id=row.id,
        patient_id=row.patient_id,
        practitioner=practitioner,
        span=Span(start, max(end, start + STEP)),
        stage=stage,
        name=shown_name(*words, private=look.private),
        kind=kind.name,
        url=url,
        version=row.version,
        moved_from=row.rescheduled_from_id,
        flags=_flags(kind.video, [*row.patient__needs, *row.needs]) + _ways_in(row),
        line=_line(row, stage, kind.name, look.practice),
        note="" if look.private or length < NOTE_FROM else _note(row, look.practice),
    )
    if look.now and stage == "arr" and row.arrived_at:
        card.since = row.arrived_at.isoformat()
        card.waited = max(0, int((look.now - row.arrived_at).total_seconds() // 60))
    if look.now and stage in {"book", "conf"} and look.now - row.starts_at > LATE_AFTER:
        card.since = row.starts_at.isoformat()
        card.late = int((look.now - row.starts_at).total_seconds() // 60)
    card.label = _label(card)
    return card


def _note(row: Any, practice: Practice) -> str:
    """The sealed note: opening one needs its row and its practice."""
    return str(Appointment(id=row.id, practice=practice, note=row.note).note) if row.note else ""


def _flags(video: bool, needs: Iterable[str]) -> list[tuple[str, str]]:
    flags = [("video", "video")] if video else []
    named = dict.fromkeys(n for n in needs if n in NEED_ICONS)
    return flags + [(NEED_ICONS[Need(n)], Need(n).label.lower()) for n in named]


def _ways_in(row: Any) -> list[tuple[str, str]]:
    """How the visit came onto the board, where it was not the usual way."""
    walked = [("walk", "walked in")] if row.walk_in else []
    return walked + ([("squeeze", "squeezed in")] if row.overbook_reason else [])


def _line(row: Any, stage: str, kind: str, practice: Practice) -> str:
    """The second line of a card: the kind of visit, and what the moment adds to it."""
    if stage == "vis":
        seen = row.seen_at.astimezone(practice.zone)
        return f"{kind}, since {clock(minute_of(seen.time()))}"
    if stage == "arr" and row.arrived_at and row.arrived_at < row.starts_at:
        return f"{kind}, here early"
    return f"No-show, {kind}" if stage == "bad" else kind


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
    return Block(f"ap blk {_place(span, window)}", label)


def _offer_places(
    column: Column, practice: Practice, day: dt.date, window: Span, earliest: int, shortest: int
) -> None:
    """Puts the bookable places between the visits, in the order of the day."""
    address = f"{reverse('book', args=[practice.slug])}?practitioner={column.id}&start={day:%Y-%m-%d}T"
    taken = [card.span for card in column.cards] + [span for span, _ in column.away]
    places = free_places(column.open, taken, earliest=earliest, shortest=shortest)
    free = [_free_place(place, column, address, window) for place in places]
    column.places = bool(free)
    column.items = sorted([*column.cards, *free], key=attrgetter("span"))


def _free_place(place: Place, column: Column, address: str, window: Span) -> FreePlace:
    span = Span(place.start, place.end)
    return FreePlace(
        span=span,
        css=f"ap free{' first' if place.first else ''} {_place(span, window)}",
        url=f"{address}{place.start // 60:02d}%3A{place.start % 60:02d}",
        label=f"{clock(place.start)}, free, {place.until - place.start} min, {column.name}",
        words=f"Free until {clock(place.until)}",
        key=f"free-{column.id}-{place.start}",
    )
