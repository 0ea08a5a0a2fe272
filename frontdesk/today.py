"""A day's board, ready to be drawn: all words, places and addresses made here, the template only loops."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone

from frontdesk.behind import mark_late
from frontdesk.cards import LEGEND, STAGES, Card, HeldPlace, Linked
from frontdesk.columns import (
    Choice,
    Column,
    arranged,
    column_of,
    enter_hours,
    people_in_order,
    read_hours,
    read_time_off,
    room_columns,
    stands_at,
)
from frontdesk.dayplan import DAY, QUARTER, Span, clock, hour_words, minute_of, overlap, span_of
from frontdesk.laying import STEP, lay_out, offer_places, window_of
from patients.models import Need, shown_name
from patients.records import NEED_ICONS
from practices.models import Closure, Practice
from practices.prepared import Prepared
from scheduling.models import Appointment, AppointmentType, Hold, Participant, Status, board_stage

__all__ = ["NIL", "STEP", "Board", "Card", "Column", "day_board", "stages_of"]

LATE_AFTER = dt.timedelta(minutes=5)
NOTE_FROM = dt.timedelta(minutes=45)  # a shorter card has no line for a note
NIL = uuid.UUID(int=0)
VISIT = (
    *("id", "practitioner_id", "patient_id", "appointment_type_id", "starts_at", "ends_at", "status"),
    *("confirmation", "arrived_at", "seen_at", "note", "version", "rescheduled_from_id", "room_id"),
    *("walk_in", "overbook_reason", "needs", "local_date"),
    *("patient__given", "patient__family", "patient__preferred", "patient__needs"),
)
KIND = ("id", "name", "minutes", "video", "active")
HELD = ("id", "practitioner_id", "starts_at", "ends_at", "expires_at", "label")
PARTICIPANT = ("appointment_id", "practitioner_id", "resource_id")


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
    unseen_columns: int = 0  # left out by choice or location
    unseen_visits: int = 0
    in_parts: bool = False  # whether a column can be drawn anew without the others

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

    @property
    def groups(self) -> list[tuple[uuid.UUID | None, int]]:
        """The locations over the columns, each with how many stand below it."""
        groups: list[tuple[uuid.UUID | None, int]] = []
        for column in self.columns:
            if groups and groups[-1][0] == column.place:
                groups[-1] = (column.place, groups[-1][1] + 1)
            else:
                groups.append((column.place, 1))
        return groups


@dataclass(frozen=True, slots=True)
class Look:
    """A day that is looked at: `now` on the day itself, `who` for some columns, `private` for initials."""

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
    choice: Choice | None = None,
) -> Board:
    """The board of a practice-local date, in a fixed number of queries whatever the day holds.

    `private` shows initials instead of names and leaves notes out. `choice` leaves columns out and orders the
    rest. `who` asks for these columns only, drawn into the `window` of the others: counts are then of theirs.
    Raises LookupError where one of them has no place in it, or stands in another column too.
    """
    choice = choice or Choice()
    now = practice.now()
    look = Look(practice, day, now if now.date() == day else None, private, frozenset(who))
    reason = closed_on(day)
    columns = _columns(look, reason, choice)
    kinds = read_kinds()
    rows = _cards(look, columns, kinds)
    _hold(look, columns)
    rooms = [] if look.who else room_columns(choice)
    linked = _link(look, columns, rooms, rows)
    busy = [column for column in columns.values() if column.open or column.cards or column.linked]
    shown = arranged([c for c in busy if c.id not in choice.hidden and stands_at(c, choice)] + rooms, choice)
    needed = window_of(shown)
    if window and (linked or len(shown) < len(look.who) or overlap([window], needed) != [needed]):
        raise LookupError("the board has to be drawn anew")
    window = window or needed
    finish(shown, look, window, reason, kinds)
    if look.now:
        mark_late(practice, [column for column in shown if not column.room], look.now)
    elif day > practice.today():
        for column in shown:
            column.out_url = "" if column.room else out_url(practice, column.id, day)
    keys = {column.id for column in shown}
    seen = [card for card in rows if card.practitioner_id in keys]
    return Board(
        day=day,
        is_today=look.now is not None,
        window=window,
        day_start=day_start(practice, day, window),
        zone=str(practice.time_zone),
        closed=reason,
        columns=shown,
        rows=seen,
        counts=Counter(card.stage for card in seen),
        unseen_columns=len(busy) - len(shown) + len(rooms),
        unseen_visits=len(rows) - len(seen),
        in_parts=not (linked or rooms or len(busy) > len(shown)),
    )


def closed_on(day: dt.date) -> str:
    """Why the practice sees nobody that day; empty when it does."""
    return next((row.reason for row in CLOSED.ask(day=day)), "")


def read_kinds() -> dict[uuid.UUID, Any]:
    return {kind.id: kind for kind in KINDS.ask()}


def day_start(practice: Practice, day: dt.date, window: Span) -> str:
    start = dt.datetime.combine(day, dt.time(), tzinfo=practice.zone) + dt.timedelta(minutes=window.start)
    return start.isoformat()


def finish(
    columns: Iterable[Column], look: Look, window: Span, closed: str, kinds: Mapping[uuid.UUID, Any]
) -> None:
    """Gives everything its place, and the free time between."""
    now = look.practice.now()
    bookable = minute_of(now.time()) if look.now else (DAY if look.day < now.date() else 0)
    shortest = min((kind.minutes for kind in kinds.values() if kind.active), default=QUARTER)
    for column in columns:
        lay_out(column, window, look.now, closed)
        offer_places(column, look.practice, look.day, window, bookable, shortest)


def stages_of(day: dt.date) -> Counter[str]:
    """How many visits of a date are at which stage, for the legend beside columns drawn alone."""
    visits = Appointment.objects.on(day).order_by()
    return Counter(board_stage(*row) for row in visits.values_list("status", "confirmation", "seen_at"))


def _columns(look: Look, closed: str, choice: Choice) -> dict[uuid.UUID, Column]:
    """The column of everybody who works here or did, in the person's order, with the hours of that day."""
    people = [person for person in people_in_order(choice) if not look.who or person.id in look.who]
    columns = {person.id: column_of(person) for person in people}
    active = {person.id for person in people if person.active}
    weekly = read_hours([look.day]).get(look.day.isoweekday(), [])
    absent = read_time_off(look.practice, look.day, look.day)
    weekly = [hours for hours in weekly if hours.practitioner_id in active]
    enter_hours(columns, look.day, look.practice, weekly, absent, closed, choice.location)
    return columns


def out_url(practice: Practice, practitioner_id: uuid.UUID, day: dt.date) -> str:
    """Where a clinician is said to be out on a day."""
    where = reverse("out", args=[practice.slug])
    return f"{where}?practitioner={practitioner_id}&span=day&first_day={day}"


def _cards(look: Look, columns: dict[uuid.UUID, Column], kinds: Mapping[uuid.UUID, Any]) -> list[Card]:
    """The day's visits by time, cancelled ones too; each goes to its column, cancelled ones do not."""
    place = {key: at for at, key in enumerate(columns)}
    if not look.who:
        rows = VISITS_ON.ask(day=look.day)
    else:  # one column is the rule
        rows = [row for who in look.who for row in VISITS_OF.ask(day=look.day, who=who)]
    rows.sort(key=lambda row: (row.starts_at, place[row.practitioner_id], row.id))
    draw = card_maker(look, kinds)
    cards = []
    for row in rows:
        column = columns[row.practitioner_id]
        card = draw(row, column.name)
        cards.append(card)
        if card.stage != "off":
            column.cards.append(card)
    return cards


def read_visits(visits: Any) -> Any:
    """Rows of VISIT, without what never was."""
    return visits.exclude(status=Status.ENTERED_IN_ERROR).order_by().values_list(*VISIT, named=True)


def holds_between(opens: dt.datetime, closes: dt.datetime, now: dt.datetime) -> Any:
    holds = Hold.objects.filter(expires_at__gt=now, starts_at__lt=closes, ends_at__gt=opens)
    return holds.order_by().values_list(*HELD)


CLOSED = Prepared(
    lambda day: Closure.objects.filter(first_day__lte=day, last_day__gte=day).values_list("reason")
)
KINDS = Prepared(lambda: AppointmentType.objects.order_by().values_list(*KIND))
VISITS_ON = Prepared(lambda day: read_visits(Appointment.objects.on(day)))
VISITS_OF = Prepared(lambda day, who: read_visits(Appointment.objects.on(day).filter(practitioner=who)))
HOLDS = Prepared(holds_between)
TAKING = Prepared(
    lambda day: Participant.objects.filter(appointment__local_date=day).order_by().values_list(*PARTICIPANT)
)


def card_maker(look: Look, kinds: Mapping[uuid.UUID, Any]) -> Any:
    """A function from a row of VISIT and the clinician's name to its card."""
    before, after = reverse("appointment", args=[look.practice.slug, NIL]).split(str(NIL))

    def draw(row: Any, practitioner: str) -> Card:
        kind = kinds[row.appointment_type_id]
        return _card(row, kind, practitioner, f"{before}{row.id}{after}", look)

    return draw


def _hold(look: Look, columns: Mapping[uuid.UUID, Column]) -> None:
    """Puts the times that somebody is choosing just now into their columns."""
    zone = look.practice.zone
    opens = dt.datetime.combine(look.day, dt.time(), tzinfo=zone)
    closes = dt.datetime.combine(look.day + dt.timedelta(days=1), dt.time(), tzinfo=zone)
    for hold in HOLDS.ask(opens=opens, closes=closes, now=timezone.now()):
        span = span_of(hold.starts_at.astimezone(zone), hold.ends_at.astimezone(zone), look.day)
        column = columns.get(hold.practitioner_id)
        if column and span:
            until = hold.expires_at.isoformat()
            column.held.append(HeldPlace(hold.id, span, hold.label or "somebody", until))


def _link(
    look: Look, columns: Mapping[uuid.UUID, Column], rooms: Sequence[Column], cards: Iterable[Card]
) -> bool:
    """Puts visits into the columns of their rooms and of all who take part; whether anybody does."""
    drawn = {card.id: card for card in cards if card.stage != "off"}
    by_room = {column.id: column for column in rooms}
    for card in drawn.values():
        if card.room_id in by_room:
            by_room[card.room_id].linked.append(Linked(card, card.room_id))
    found = False
    for visit_id, practitioner_id, resource_id in TAKING.ask(day=look.day):
        found = found or practitioner_id is not None
        column = columns.get(practitioner_id) or by_room.get(resource_id)
        visit = drawn.get(visit_id)
        if column and visit and visit.practitioner_id != column.id:
            column.linked.append(Linked(visit, column.id))
    return found


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
        room_id=row.room_id,
        practitioner_id=row.practitioner_id,
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
