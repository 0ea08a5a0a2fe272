"""Where a visit can begin: everything that bears on it read once, then arithmetic with stretches of time.

A search writes nothing, and asks the database the same few questions for one clinician and for ten.
"""

import datetime as dt
import uuid
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from django.db.models import Q, prefetch_related_objects

from patients.models import Patient
from practices.models import Room
from practices.prepared import Prepared
from scheduling.diary import Diary, Seconds, Shift, read_diary, weekdays_of
from scheduling.models import (
    Appointment,
    AppointmentType,
    Hold,
    Practitioner,
    ReservedBlock,
    Resource,
    ResourceKind,
)
from scheduling.needs import NOTHING, Wants
from scheduling.pools import Pool, Rooms, Span, means_of, members_of
from scheduling.stretches import Stretch, common, gaps, has, merge, on_grid
from scheduling.wallclock import boundary

END = 2**62


class Session(NamedTuple):
    """A group that has places left: how many are taken, and in which room it meets."""

    taken: int
    room_id: uuid.UUID | None


class Start(NamedTuple):
    """A moment at which the visit can begin, in seconds; where, and whose group it would join."""

    at: int
    place: int  # of the practitioner in `Search.people`
    shift: Shift
    session: Session | None


@dataclass(slots=True)
class Kept:
    """A block on one day: the time itself, whether this visit may have it, and what it is called."""

    stretch: Stretch
    open: bool
    block: ReservedBlock


def ceil(moment: dt.datetime) -> int:
    """The first whole second that is not before a moment."""
    return -int(-moment.timestamp() // 1)


def who_offers(appointment_type: AppointmentType) -> list[Practitioner]:
    """The practitioners in use who offer a type, in the order of the columns; one query."""
    offering = Practitioner.objects.in_use().filter(offers__appointment_type=appointment_type)
    return list(offering.select_related("room__location", "location"))


@dataclass
class Search:
    """All that is known about where visits of a type can begin between two days, both included."""

    kind: AppointmentType
    people: Sequence[Practitioner]
    offering: Sequence[Practitioner]  # a second clinician may be one of these
    first: dt.date
    last: dt.date
    now: dt.datetime
    patient: Patient | None
    wants: Wants
    span: Span
    step: int
    diary: Diary
    known_rooms: Sequence[Room] | None  # None: no room is asked for, they are read when one is named
    pools: list[Pool]
    missing: tuple[str, ...]  # what the practice has none of at all: somebody has to see to it
    blocks: Sequence[ReservedBlock]
    sessions: dict[tuple[uuid.UUID, int], Session]
    lead: dt.timedelta = dt.timedelta()  # the least notice for whoever asks
    _clear: dict[uuid.UUID, list[Stretch]] = field(default_factory=dict)
    _kept: dict[tuple[uuid.UUID, zoneinfo.ZoneInfo], list[Kept]] = field(default_factory=dict)
    _hours: dict[zoneinfo.ZoneInfo, list[Stretch]] = field(default_factory=dict)

    def starts(self, low: int = -END, high: int = END) -> list[Start]:
        """Every start from `low` to before `high`, soonest first."""
        low, high = max(low, self.earliest), min(high, self.latest)
        found = [
            start
            for place, person in enumerate(self.people)
            if self.wants.may_see(person)
            for start in self._starts_of(place, person, [(low, high)])
        ]
        found.sort(key=lambda start: (start.at, start.place))
        return found

    def _starts_of(self, place: int, person: Practitioner, window: list[Stretch]) -> list[Start]:
        by_place: dict[int, list[Shift]] = {}
        for shift in self.diary.shifts[person.pk]:
            by_place.setdefault(id(shift.place), []).append(shift)
        found: list[Start] = []
        length, step = self.span.length, self.step
        for shifts in by_place.values():
            if not self.can_reach(shifts[0]):
                continue
            rules = self.rules(person, shifts[0], window)
            allowed = self.allowed(person, shifts[0], rules)
            for shift in shifts:
                lines = on_grid(shift.opens, shift.closes - length, step, allowed)
                found += [Start(at, place, shift, None) for at in lines]
                if self.sessions:
                    found += self._joinable(place, person, shift, rules)
        return found

    def _joinable(self, place: int, person: Practitioner, shift: Shift, rules: list[Stretch]) -> list[Start]:
        """The groups that begin in a shift and have places left."""
        return [
            Start(at, place, shift, session)
            for (whose, at), session in self.sessions.items()
            if whose == person.pk and shift.opens <= at <= shift.closes - self.span.length and has(rules, at)
        ]

    def allowed(self, person: Practitioner, shift: Shift, rules: list[Stretch]) -> list[Stretch]:
        """The starts that the rules leave and at which everything a visit takes is to be had there."""
        found = common(rules, self.clear(person))
        if self.wants_room(shift):
            found = common(found, self.rooms.allowed(shift, step_free=self.wants.step_free))
        for pool in self.pools:
            found = common(found, pool.allowed(shift.location_id))
        if self.kind.clinicians > 1:
            beside = [s for other in self.colleagues(person) for s in self.beside(other, shift)]
            found = common(found, merge(beside))
        return found

    def rules(self, person: Practitioner, shift: Shift, window: list[Stretch]) -> list[Stretch]:
        """The starts in a window that kept time and the patient's hours leave."""
        closed = [kept.stretch for kept in self.kept(person, shift.zone) if not kept.open]
        found = gaps(Span(self.span.length).in_the_way(closed), window)
        return common(found, self.hours_wanted(shift.zone)) if self.wants.only else found

    def clear(self, person: Practitioner) -> list[Stretch]:
        """The starts at which neither visits nor time off of a practitioner are in the way."""
        if person.pk not in self._clear:
            off = Span(self.span.length).in_the_way(self.diary.off(person.pk))
            busy = self.span.in_the_way(self.diary.visits[person.pk])
            self._clear[person.pk] = gaps(merge(off + busy) if off else busy)
        return self._clear[person.pk]

    def colleagues(self, person: Practitioner) -> list[Practitioner]:
        return [other for other in self.offering if other.pk != person.pk and self.wants.may_see(other)]

    def beside(self, other: Practitioner, shift: Shift) -> list[Stretch]:
        """The starts at which a second clinician is free at the same place."""
        hers = [
            (s.opens, s.closes) for s in self.diary.shifts[other.pk] if s.location_id == shift.location_id
        ]
        return common(self.clear(other), self.span.fitting(merge(hers)))

    def hours_wanted(self, zone: zoneinfo.ZoneInfo) -> list[Stretch]:
        """The starts that all of the patient's wishes about hours allow, on a clock."""
        if zone not in self._hours:
            found = [(-END, END)]
            for only in self.wants.only:
                found = common(found, self.span.fitting(only.stretches(self.first, self.last, zone)))
            self._hours[zone] = found
        return self._hours[zone]

    def kept(self, person: Practitioner, zone: zoneinfo.ZoneInfo) -> list[Kept]:
        """The blocks of a practitioner's days, on the clock of the place."""
        key = (person.pk, zone)
        if key not in self._kept:
            mine = [block for block in self.blocks if block.practitioner_id in {None, person.pk}]
            days = [self.first + dt.timedelta(days=n) for n in range(-1, (self.last - self.first).days + 2)]
            self._kept[key] = [
                self._kept_on(day, block, zone)
                for day in days
                for block in mine
                if block.weekday == day.isoweekday() and block.valid_on(day)
            ]
        return self._kept[key]

    def _kept_on(self, day: dt.date, block: ReservedBlock, zone: zoneinfo.ZoneInfo) -> Kept:
        starts = int(boundary(day, block.starts, zone).timestamp())
        ends = int(boundary(day, block.ends, zone, closing=True).timestamp())
        is_open = self.may_have(block)
        if not is_open and block.opens_days_before is not None and block.opens_at is not None:
            opens = boundary(day - dt.timedelta(days=block.opens_days_before), block.opens_at, zone)
            is_open = self.now >= opens
        return Kept((starts, ends), is_open, block)

    def may_have(self, block: ReservedBlock) -> bool:
        """Whether a block is kept for just such a visit."""
        types = {one.appointment_type_id for one in block.kept_for.all()}
        if not types and not block.new_patients_only:
            return False
        return (not types or self.kind.pk in types) and (not block.new_patients_only or self.is_new)

    def room_for(self, person: Practitioner, shift: Shift, at: int, *, wanted: bool) -> Room | None:
        """The clinician's own room of that day or, where one is wanted, another that is free."""
        if self.known_rooms is None and shift.room_id in {None, person.room_id}:
            return person.room if shift.room_id else None
        return self.rooms.choose(shift, at, step_free=self.wants.step_free, wanted=wanted)

    @cached_property
    def rooms(self) -> Rooms:
        """The rooms; one query where none had to be known for the search itself."""
        if self.known_rooms is None:
            return Rooms(list(Room.objects.select_related("location")), {}, self.diary.visits, self.span)
        return Rooms(self.known_rooms, self.diary.shifts, self.diary.visits, self.span)

    @cached_property
    def is_new(self) -> bool:
        """Whether the visit is a new patient's: by its type, or because the patient had none yet."""
        if self.kind.for_new_patients:
            return True
        return (
            self.patient is not None
            and not Appointment.objects.active().filter(patient=self.patient).exists()
        )

    def wants_room(self, shift: Shift) -> bool:
        """Whether a visit there has to have a room: by its type, or to be reached without steps.

        Somebody of whom no room is known is asked for one, not passed over.
        """
        return self.kind.needs_room or (self.wants.step_free and shift.room_id is not None)

    def can_reach(self, shift: Shift) -> bool:
        """Whether nothing is known against a place for somebody who cannot take steps."""
        return shift.place.reachable or not self.wants.step_free

    @property
    def earliest(self) -> int:
        notice = max(dt.timedelta(minutes=self.kind.minimum_notice), self.lead)
        return ceil(self.now + notice)

    @property
    def latest(self) -> int:
        """The first second that is too far ahead."""
        if self.kind.maximum_horizon is None:
            return END
        day = self.now.astimezone(self.diary.zone).date() + dt.timedelta(days=self.kind.maximum_horizon + 1)
        return int(boundary(day, dt.time(0), self.diary.zone).timestamp())


def search(
    kind: AppointmentType,
    people: Sequence[Practitioner],
    first: dt.date,
    last: dt.date,
    *,
    now: dt.datetime,
    patient: Patient | None = None,
    wants: Wants = NOTHING,
    lead: dt.timedelta = dt.timedelta(),
    own_hold: str = "",
    visits: bool = True,
    leaves: uuid.UUID | None = None,
) -> Search:
    """Reads all that bears on visits of a type with these people on these days.

    Five queries. One more for kept time where there is any, for rooms, for resources (and two where there are
    any), for groups, for a second clinician: only where the type or the patient asks for it. `own_hold` is
    the key of a hold that is not in the way, `leaves` a visit that is not because it would go elsewhere;
    without `visits` nothing else is either.
    """
    span = Span((kind.minutes + wants.extra_minutes) * 60, kind.buffer_before * 60, kind.buffer_after * 60)
    offering = who_offers(kind) if kind.clinicians > 1 else []
    everybody = list({person.pk: person for person in [*people, *offering]}.values())
    with_rooms = kind.needs_room or wants.step_free
    rooms = list(Room.objects.select_related("location")) if with_rooms else None
    members = members_of(kind.needs_resource, wants.language)
    also = {one.pk for one in members} | {room.pk for room in rooms or ()}
    diary = read_diary(
        everybody,
        first,
        last,
        visits=visits,
        also=also,
        with_rooms=with_rooms,
        own_hold=own_hold,
        leaves=leaves,
    )
    means = means_of(members, first, last, diary.closures, diary.zone)
    clear = means.clear(members, span, diary.visits)
    pools, missing = pools_of(kind, wants, members, clear)
    return Search(
        kind=kind, people=people, offering=offering, first=first, last=last, now=now, patient=patient,
        wants=wants, span=span, step=kind.step * 60, diary=diary,
        known_rooms=rooms, pools=pools, missing=missing, blocks=blocks_of(everybody, first, last),
        sessions=sessions_of(kind, people, first, last, own_hold, leaves), lead=lead,
    )  # fmt: skip


def pools_of(
    kind: AppointmentType,
    wants: Wants,
    members: Sequence[Resource],
    clear: dict[uuid.UUID, list[Stretch]],
) -> tuple[list[Pool], tuple[str, ...]]:
    """One pool for each kind of resource that is wanted, and what the practice has none of.

    A type that needs a resource cannot do without; an interpreter whom the practice has not got is somebody
    else's, and has to be arranged.
    """
    pools, missing = [], []
    interpreted = wants.language is not None
    wanted = {kind.needs_resource} - {""} | ({ResourceKind.INTERPRETER.value} if interpreted else set())
    for name in sorted(wanted):
        some = [one for one in members if one.kind == name]
        label = ResourceKind(name).label.lower()
        if name == ResourceKind.INTERPRETER and wants.language:
            label = f"{wants.language} interpreter"
        if some or name == kind.needs_resource:
            pools.append(Pool(some, clear, label, by_type=name == kind.needs_resource))
        else:
            missing.append(f"{label[0].upper()}{label[1:]} needed")
    return pools, tuple(missing)


def blocks_of(people: Sequence[Practitioner], first: dt.date, last: dt.date) -> list[ReservedBlock]:
    """The blocks that are valid on some of the days, each with the types it is kept for.

    One query, and one more where there are any.
    """
    rows: list[ReservedBlock] = BLOCKS.ask(
        people=[person.pk for person in people],
        first=first,
        last=last,
        days=sorted(weekdays_of(first, last)),
    )
    prefetch_related_objects(rows, "kept_for")
    return rows


BLOCKS = Prepared(
    lambda people, first, last, days: ReservedBlock.objects.filter(
        Q(practitioner=None) | Q(practitioner__among=people),
        Q(valid_from=None) | Q(valid_from__lte=last),
        Q(valid_until=None) | Q(valid_until__gte=first),
        weekday__among=days,
    )
)


def sessions_of(
    kind: AppointmentType,
    people: Sequence[Practitioner],
    first: dt.date,
    last: dt.date,
    own_hold: str,
    leaves: uuid.UUID | None = None,
) -> dict[tuple[uuid.UUID, int], Session]:
    """The groups of a type that have places left; two queries, none for a type that is no group's."""
    if kind.capacity <= 1:
        return {}
    groups = Q(appointment_type=kind, practitioner__in=[person.pk for person in people])
    booked = Appointment.objects.active().filter(groups, overbook_reason="", local_date__range=(first, last))
    held = Hold.objects.standing().filter(groups, session__isnull=False).exclude(key=own_hold)
    if leaves:
        booked = booked.exclude(pk=leaves)
    seats = [
        *booked.order_by().values_list("practitioner_id", Seconds("starts_at"), "room_id"),
        *held.order_by().values_list("practitioner_id", Seconds("starts_at"), "room_id"),
    ]
    found: dict[tuple[uuid.UUID, int], Session] = {}
    for whose, at, room_id in seats:
        taken, room = found.get((whose, at), Session(0, None))
        found[whose, at] = Session(taken + 1, room or room_id)
    return {start: session for start, session in found.items() if session.taken < kind.capacity}
