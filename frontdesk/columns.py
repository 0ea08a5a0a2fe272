"""The columns of a board: whose they are, in which order a person wants them, a day’s hours in them."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from django.utils.safestring import SafeString

from frontdesk.cards import Block, Card, FreePlace, HeldPlace, Linked
from frontdesk.dayplan import Span, merge, minute_of, overlap, span_of
from practices.models import Location, Practice, Room, User
from scheduling.models import BoardChoice, Practitioner, Resource, TimeOff, WeeklyHours
from scheduling.wallclock import boundary

PERSON = ("id", "name", "short_name", "initials", "position", "active", "location_id")
PERSON += ("room__name", "room__location_id")
EVERYWHERE = "all"


@dataclass(slots=True)
class Column:
    """A clinician's day; in a week one day of a clinician; or the day of a room."""

    id: uuid.UUID
    name: str
    initials: str
    sub: str = ""
    place: uuid.UUID | None = None  # the location that heads it
    room: bool = False
    day: dt.date | None = None  # of a week's columns
    places: set[uuid.UUID | None] = field(default_factory=set)  # where she works that day
    out: bool = False
    open: list[Span] = field(default_factory=list)
    away: list[tuple[Span, str]] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    linked: list[Linked] = field(default_factory=list)
    held: list[HeldPlace] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    items: list[Card | FreePlace | Linked | HeldPlace] = field(default_factory=list)
    behind: int = 0  # minutes, as somebody said
    over: int = 0  # minutes, by the clock alone
    late_url: str = ""

    @property
    def key(self) -> str:
        """The part of its id in the page."""
        return self.day.isoformat() if self.day else str(self.id)

    def drawn(self) -> SafeString:
        """Visits and free places in the order of the day."""
        return SafeString("".join(item.drawn() for item in self.items))


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person wants to see: columns in order, one location or all, grouped by location or not."""

    order: tuple[uuid.UUID, ...] = ()
    hidden: frozenset[uuid.UUID] = frozenset()
    location: uuid.UUID | None = None
    by_location: bool = False
    locations: tuple[Location, ...] = ()
    remembered: uuid.UUID | None = None  # the location of her choice, where the address names another

    def place_of(self, key: uuid.UUID) -> int:
        """Chosen columns first, in their order; the others behind them."""
        return self.order.index(key) if key in self.order else len(self.order)

    @property
    def several(self) -> bool:
        return len(self.locations) > 1

    @property
    def at(self) -> str:
        """The location as addresses say it; empty where it is what she would see anyway."""
        if self.location == self.remembered:
            return ""
        return str(self.location) if self.location else EVERYWHERE

    @property
    def location_name(self) -> str:
        return next((place.name for place in self.locations if place.id == self.location), "")


def choice_of(user: User, at: str = "") -> Choice:
    """A person's choice of this practice's columns; `at` names another location for now. Two queries."""
    locations = tuple(Location.objects.order_by("name"))
    row = next(iter(BoardChoice.objects.filter(user=user).order_by()), BoardChoice())
    known = {str(place.id): place.id for place in locations}
    location = None if at == EVERYWHERE else known.get(at, row.location_id)
    return Choice(
        order=tuple(row.order),
        hidden=frozenset(row.hidden),
        location=location,
        by_location=row.by_location and len(locations) > 1,
        locations=locations,
        remembered=row.location_id,
    )


def people_in_order(choice: Choice) -> list[Any]:
    """Rows of PERSON, everybody who works here or did: the chosen first, who left behind the others."""
    people = sorted(
        Practitioner.objects.order_by().values_list(*PERSON, named=True), key=attrgetter("position", "name")
    )
    people.sort(key=lambda person: (not person.active, choice.place_of(person.id)))
    return people


def column_of(person: Any) -> Column:
    """The empty column of a row of PERSON."""
    place = person.location_id or person.room__location_id
    return Column(person.id, person.short_name, person.initials, sub=person.room__name or "", place=place)


def room_columns(choice: Choice) -> list[Column]:
    """The rooms, interpreters and devices that were chosen, as columns; two queries, or none."""
    if not choice.order:
        return []
    columns = [
        Column(room.id, room.name, room.name[:2].upper(), place=room.location_id, room=True)
        for room in Room.objects.filter(pk__in=choice.order).order_by()
    ]
    columns += [
        Column(one.id, one.name, one.name[:2].upper(), one.get_kind_display(), one.location_id, room=True)
        for one in Resource.objects.in_use().filter(pk__in=choice.order).order_by()
    ]
    here = [column for column in columns if choice.location in (None, column.place)]
    return sorted(here, key=lambda column: choice.place_of(column.id))


def arranged(columns: Iterable[Column], choice: Choice) -> list[Column]:
    """All columns, chosen order first, then what stands together by location."""
    shown = sorted(columns, key=lambda column: choice.place_of(column.id))
    if choice.by_location:
        names = {place.id: at for at, place in enumerate(choice.locations)}
        shown.sort(key=lambda column: names.get(column.place, len(names)) if column.place else len(names))
    return shown


def stands_at(column: Column, choice: Choice) -> bool:
    """Whether a clinician's column belongs to the location that is looked at."""
    return choice.location is None or choice.location in (column.places or {column.place})


def read_hours(days: Iterable[dt.date], who: Iterable[uuid.UUID]) -> dict[int, list[WeeklyHours]]:
    """Weekly hours of some weekdays with their places, by weekday; of `who` only, if it names anybody."""
    weekly = WeeklyHours.objects.filter(weekday__in={day.isoweekday() for day in days}).order_by()
    weekly = weekly.select_related("location", "room__location")
    wanted = list(who)
    found: dict[int, list[WeeklyHours]] = {}
    for hours in weekly.filter(practitioner__in=wanted) if wanted else weekly:
        found.setdefault(hours.weekday, []).append(hours)
    return found


def read_time_off(
    practice: Practice, first: dt.date, last: dt.date, who: Iterable[uuid.UUID]
) -> list[TimeOff]:
    """Time off between two dates, both included, in the order it begins."""
    opens = dt.datetime.combine(first, dt.time(), tzinfo=practice.zone)
    closes = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), tzinfo=practice.zone)
    absent = TimeOff.objects.filter(starts_at__lt=closes, ends_at__gt=opens).order_by()
    wanted = list(who)
    return sorted(absent.filter(practitioner__in=wanted) if wanted else absent, key=attrgetter("starts_at"))


def enter_hours(
    columns: Mapping[uuid.UUID, Column],
    day: dt.date,
    practice: Practice,
    weekly: Iterable[WeeklyHours],
    absent: Iterable[TimeOff],
    closed: str,
    at: uuid.UUID | None = None,
) -> None:
    """Writes one day's open and closed time into the columns of practitioners.

    Where somebody works at another place that day, her column stands there; `at` leaves out the hours that
    she spends elsewhere.
    """
    zone = practice.zone
    for hours in weekly:
        column = columns.get(hours.practitioner_id)
        if not column or not hours.valid_on(day):
            continue
        place = hours.location or (hours.room.location if hours.room else None)
        column.places.add(place.pk if place else column.place)
        if at is None or at == (place.pk if place else column.place):
            column.open.append(on_practice_clock(hours, place, day, practice))
    for off in absent:
        column = columns.get(off.practitioner_id)
        away = span_of(off.starts_at.astimezone(zone), off.ends_at.astimezone(zone), day)
        if column and away and column.open:
            column.away.append((away, off.label))
    for column in columns.values():
        if len(column.places) == 1:
            column.place = next(iter(column.places))
        column.open = merge(column.open)
        column.away = [(part, label) for span, label in column.away for part in overlap(column.open, span)]
        if closed:
            column.away = [(span, closed) for span in column.open]


def on_practice_clock(hours: WeeklyHours, place: Location | None, day: dt.date, practice: Practice) -> Span:
    """Hours as the board draws them: those of a place with a clock of its own, on the practice's."""
    if place is None or place.zone is None or place.zone == practice.zone:
        return Span(minute_of(hours.starts), minute_of(hours.ends))
    opens = boundary(day, hours.starts, place.zone).astimezone(practice.zone)
    closes = boundary(day, hours.ends, place.zone, closing=True).astimezone(practice.zone)
    return span_of(opens, closes, day) or Span(0, 0)
