"""The columns of a board: whose they are, in which order a person wants them, a day’s hours in them."""

import datetime as dt
import uuid
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from operator import attrgetter
from typing import Any

from django.utils.safestring import SafeString

from frontdesk.cards import COLUMN, Block, Card, FreePlace, HeldPlace, Linked
from frontdesk.dayplan import Span, merge, minute_of, overlap, span_of
from practices.models import Location, Practice, Room, User
from practices.prepared import Prepared
from scheduling.models import BoardChoice, Practitioner, Resource, TimeOff, WeeklyHours
from scheduling.wallclock import boundary

PERSON: tuple[str, ...] = ("id", "name", "short_name", "initials", "position", "active", "location_id")
PERSON += ("room__name", "room__location_id")
HOURS: tuple[str, ...] = (
    "practitioner_id",
    "weekday",
    "starts",
    "ends",
    "valid_from",
    "valid_until",
    "location_id",
)
HOURS += ("location__time_zone", "room__location_id", "room__location__time_zone")
AWAY = ("practitioner_id", "starts_at", "ends_at", "label")
CHOICE = ("order", "hidden", "location_id", "by_location")
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
    out_url: str = ""  # of a clinician's column on a day ahead

    @property
    def key(self) -> str:
        """The part of its id in the page."""
        return self.day.isoformat() if self.day else str(self.id)

    def drawn(self) -> SafeString:
        """Visits and free places in the order of the day."""
        return SafeString("".join(item.drawn() for item in self.items))

    def whole(self) -> SafeString:
        """The column with everything in it."""
        return self._whole("")

    def alone(self) -> SafeString:
        """The same, to be put out of band into the place of the one that is drawn."""
        return self._whole(' hx-swap-oob="true"')

    def _whole(self, oob: str) -> SafeString:
        whose = "" if self.room else f' data-practitioner="{self.id}"'
        markup = COLUMN.format(
            key=self.key,
            whose=f'{whose} data-day="{self.day}"' if self.day else whose,
            name=escape(self.name),
            part="" if self.day else f' data-live-part="{self.id}"',
            oob=oob,
            title=f"{self.day:%A, %B} {self.day.day}" if self.day else escape(self.name),
            sub=f"{self.behind} min behind" if self.behind else escape(self.sub),
            blocks="".join(block.drawn() for block in self.blocks),
            items=self.drawn(),
        )
        return SafeString(markup)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person wants to see: columns in order, one location or all, grouped by location or not."""

    order: tuple[uuid.UUID, ...] = ()
    hidden: frozenset[uuid.UUID] = frozenset()
    location: uuid.UUID | None = None
    by_location: bool = False
    locations: tuple[Any, ...] = ()  # id and name
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
    locations = tuple(LOCATIONS.ask())
    row = next(iter(CHOICES.ask(user=user.pk)), BoardChoice())
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
    people = sorted(PEOPLE.ask(), key=attrgetter("position", "name"))
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


def hours_on(weekday: int) -> Any:
    return WeeklyHours.objects.filter(weekday=weekday).order_by().values_list(*HOURS, named=True)


def time_off_between(opens: dt.datetime, closes: dt.datetime) -> Any:
    absent = TimeOff.objects.filter(starts_at__lt=closes, ends_at__gt=opens)
    return absent.order_by().values_list(*AWAY, named=True)


LOCATIONS = Prepared(lambda: Location.objects.order_by("name").values_list("id", "name"))
CHOICES = Prepared(lambda user: BoardChoice.objects.filter(user=user).order_by().values_list(*CHOICE))
PEOPLE = Prepared(lambda: Practitioner.objects.order_by().values_list(*PERSON))
HOURS_ON = Prepared(hours_on)
TIME_OFF = Prepared(time_off_between)


def read_hours(days: Iterable[dt.date]) -> dict[int, list[Any]]:
    """Rows of HOURS of some weekdays, by weekday; one query for one day or for all of a week."""
    weekdays = {day.isoweekday() for day in days}
    if len(weekdays) == 1:
        (weekday,) = weekdays
        return {weekday: HOURS_ON.ask(weekday=weekday)}
    found: dict[int, list[Any]] = {}
    for hours in WeeklyHours.objects.order_by().values_list(*HOURS, named=True):
        found.setdefault(hours.weekday, []).append(hours)
    return found


def read_time_off(practice: Practice, first: dt.date, last: dt.date) -> list[Any]:
    """Rows of AWAY between two dates, both included, in the order they begin."""
    opens = dt.datetime.combine(first, dt.time(), tzinfo=practice.zone)
    closes = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), tzinfo=practice.zone)
    return sorted(TIME_OFF.ask(opens=opens, closes=closes), key=attrgetter("starts_at"))


def enter_hours(
    columns: Mapping[uuid.UUID, Column],
    day: dt.date,
    practice: Practice,
    weekly: Iterable[Any],
    absent: Iterable[Any],
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
        if not column or not valid_on(hours, day):
            continue
        place = hours.location_id or hours.room__location_id or column.place
        column.places.add(place)
        if at in (None, place):
            column.open.append(on_practice_clock(hours, day, practice))
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


def valid_on(hours: Any, day: dt.date) -> bool:
    """`WeeklyHours.valid_on` of a row of HOURS."""
    return (hours.valid_from is None or hours.valid_from <= day) and (
        hours.valid_until is None or day <= hours.valid_until
    )


def on_practice_clock(hours: Any, day: dt.date, practice: Practice) -> Span:
    """Hours as the board draws them: those of a place with a clock of its own, on the practice's."""
    clock = hours.location__time_zone if hours.location_id else hours.room__location__time_zone
    if not clock or str(clock) == str(practice.time_zone):
        return Span(minute_of(hours.starts), minute_of(hours.ends))
    zone = zoneinfo.ZoneInfo(str(clock))
    opens = boundary(day, hours.starts, zone).astimezone(practice.zone)
    closes = boundary(day, hours.ends, zone, closing=True).astimezone(practice.zone)
    return span_of(opens, closes, day) or Span(0, 0)
