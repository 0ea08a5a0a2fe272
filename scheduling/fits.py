"""A time for a visit: with whom, where, with what; what speaks for it and what it breaks."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from practices.models import Room
from scheduling.models import Practitioner, Resource
from scheduling.needs import GENDERS
from scheduling.search import Search, Start
from scheduling.stretches import Stretch, has

HOURS, TAKEN, RULE, NEED = "hours", "taken", "rule", "need"


class Break(str):
    """What a time breaks, in words; `kind` says whose it is: hours, taken, rule (the practice's) or need."""

    kind: str

    def __new__(cls, words: str, kind: str) -> "Break":
        made = super().__new__(cls, words)
        made.kind = kind
        return made


@dataclass(frozen=True, slots=True)
class Fit:
    """A time for a visit: with whom, where and with what; what speaks for it, and what it breaks."""

    starts_at: dt.datetime  # instants in UTC
    ends_at: dt.datetime
    practitioner: Practitioner
    room: Room | None = None
    resources: tuple[Resource, ...] = ()
    colleagues: tuple[Practitioner, ...] = ()
    reasons: tuple[str, ...] = ()
    breaks: tuple[Break, ...] = ()

    @property
    def fits(self) -> bool:
        return not self.breaks

    def lies_over(self, stretch: Stretch) -> bool:
        """Whether the visit itself, without its buffers, would lie over a stretch of time."""
        starts, ends = stretch
        return starts < self.ends_at.timestamp() and self.starts_at.timestamp() < ends

    def broken(self, *kinds: str) -> tuple[Break, ...]:
        """What it breaks of some kinds."""
        return tuple(one for one in self.breaks if one.kind in kinds)


def fit_of(known: Search, start: Start) -> Fit:
    """A start of a search with its room and resources, and why it fits."""
    person, shift = known.people[start.place], start.shift
    wanted = known.wants_room(shift)
    room = known.room_for(person, shift, start.at, wanted=wanted)
    resources: tuple[Resource | None, ...] = ()
    if start.session is not None:
        room = known.rooms.by_id.get(start.session.room_id) if start.session.room_id else room
    else:
        resources = tuple(pool.choose(shift.location_id, start.at) for pool in known.pools)
    taken = tuple(one for one in resources if one is not None)
    others = tuple(with_whom(known, start))
    starts_at = dt.datetime.fromtimestamp(start.at, dt.UTC)
    return Fit(
        starts_at=starts_at,
        ends_at=starts_at + dt.timedelta(seconds=known.span.length),
        practitioner=person,
        room=room,
        resources=taken,
        colleagues=others,
        reasons=tuple(reasons_for(known, start, room, taken, others)),
    )


def with_whom(known: Search, start: Start) -> Iterator[Practitioner]:
    """The second clinician, where the type takes two: the first who is free."""
    if known.kind.clinicians > 1 and start.session is None:
        for other in known.colleagues(known.people[start.place]):
            if has(known.beside(other, start.shift), start.at):
                yield other
                return


def reasons_for(
    known: Search,
    start: Start,
    room: Room | None,
    resources: Sequence[Resource],
    others: Sequence[Practitioner],
) -> Iterator[str]:
    """Why a time fits, as short tags; the least that can be said is how much is free."""
    wants, person = known.wants, known.people[start.place]
    if start.session is not None:
        yield f"{known.kind.capacity - start.session.taken} of {known.kind.capacity} places left"
    else:
        yield free_words(known)
    ends = start.at + known.span.length
    for kept in known.kept(person, start.shift.zone):
        if kept.open and kept.stretch[0] < ends and start.at < kept.stretch[1]:
            yield kept.block.name
    if wants.step_free:
        yield step_words(known, start, room)
    elif known.kind.needs_room and room is not None:
        yield room.name
    for one in resources:
        yield f"{one.name}" if not wants.language else f"{one.name}, {wants.language}"
    if others:
        yield f"With {others[0].short_name}"
    if wants.gender:
        yield f"With {GENDERS.get(wants.gender, wants.gender)}"
    yield from (only.fits for only in wants.only)
    yield from known.missing
    yield from wants.notes


def free_words(known: Search) -> str:
    kind = known.kind
    words = f"{kind.minutes + known.wants.extra_minutes} min free"
    around = [f"{kind.buffer_before} before"] if kind.buffer_before else []
    around += [f"{kind.buffer_after} after"] if kind.buffer_after else []
    return f"{words}, {' and '.join(around)}" if around else words


def step_words(known: Search, start: Start, room: Room | None) -> str:
    if room is not None:
        own = start.shift.room_id == room.pk
        return "Step-free room" if own else f"Step-free room: {room.name}"
    return "Step-free room" if start.shift.location_id is not None else "Ask for a step-free room"
