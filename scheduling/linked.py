"""Visits that belong together on one day: nurse then doctor, or a family side by side; all or nothing."""

import datetime as dt
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from patients.models import Patient
from practices import audit
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.availability import next_free
from scheduling.batches import Move, Plan, book_visits
from scheduling.collisions import look_at
from scheduling.drafts import Slot
from scheduling.fits import Fit
from scheduling.fitting import find_times
from scheduling.models import Appointment, AppointmentType, LinkedVisits, Practitioner, Status
from scheduling.refusals import BookingRefused
from scheduling.search import who_offers
from scheduling.wallclock import resolve

Shape = LinkedVisits.Shape
MOST_GAP = 240  # minutes between two visits
MOST_DAYS = 31
PER_DAY = 2  # proposals of one day: the next ones hardly differ
WEEK = dt.timedelta(days=7)
TRIED = 24  # times that are tried when all move along


@dataclass(frozen=True, slots=True)
class Part:
    """One of the visits that are wanted together; without a practitioner anybody who offers it."""

    patient: Patient
    kind: AppointmentType
    practitioner: Practitioner | None = None


@dataclass(frozen=True, slots=True)
class Combination:
    """A proposal: a time for each part, in the order of the parts."""

    times: tuple[Fit, ...]

    @property
    def starts_at(self) -> dt.datetime:
        return min(one.starts_at for one in self.times)

    @property
    def ends_at(self) -> dt.datetime:
        return max(one.ends_at for one in self.times)

    @property
    def slots(self) -> list[Slot]:
        return [Slot(one.practitioner, one.starts_at) for one in self.times]


class BadParts(BookingRefused):
    """What cannot be booked together, whatever the time; `field` is parts, shape, gap or until."""

    def __init__(self, words: str, field: str = "parts") -> None:
        self.field = field
        super().__init__(words)


def check_parts(parts: Sequence[Part], shape: str, gap: int = 0) -> None:
    """Refuses too few, too many, and a patient in two places at once; raises BadParts."""
    if shape not in Shape.values:
        raise BadParts("Choose: one after the other, or at the same time.", "shape")
    if not 2 <= len(parts) <= LinkedVisits.MOST:
        raise BadParts(f"2 to {LinkedVisits.MOST} visits are booked together.")
    if not 0 <= gap <= MOST_GAP:
        raise BadParts(f"The pause is 0 to {MOST_GAP} minutes.", "gap")
    if shape == Shape.SIDE_BY_SIDE:
        if len({part.patient.pk for part in parts}) < len(parts):
            raise BadParts("At the same time needs different patients: choose one after the other.")
        named = [part.practitioner.pk for part in parts if part.practitioner is not None]
        if len(set(named)) < len(named):
            raise BadParts("At the same time needs different clinicians.")


def find_together(
    parts: Sequence[Part],
    shape: str,
    *,
    from_: dt.datetime,
    until: dt.datetime,
    gap: int = 15,
    limit: int = 6,
) -> list[Combination]:
    """Combinations that fit every part, soonest first, at most two a day; raises BadParts.

    In turn each part begins at most `gap` minutes after the one before ends.
    """
    check_parts(parts, shape, gap)
    until = min(until, from_ + dt.timedelta(days=MOST_DAYS))
    found: list[Combination] = []
    # Week by week: what is asked for is mostly near, and a month of every clinician is much to read.
    while from_ < until and len(found) < limit:
        free = [_times(part, from_, min(from_ + WEEK, until)) for part in parts]
        if all(free):
            found += _combined(free, shape, dt.timedelta(minutes=gap), limit - len(found))
        from_ += WEEK
    return found


def _combined(free: Sequence[Sequence[Fit]], shape: str, gap: dt.timedelta, limit: int) -> list[Combination]:
    found: list[Combination] = []
    zone, a_day = current_practice().zone, Counter[dt.date]()
    puzzle = _Puzzle(free, shape, gap)
    for first in free[0]:
        day = first.starts_at.astimezone(zone).date()
        # The same moment with another clinician is no other proposal.
        if a_day[day] >= PER_DAY or (found and found[-1].times[0].starts_at == first.starts_at):
            continue
        chosen = puzzle.solve((first,))
        if chosen is not None:
            a_day[day] += 1
            found.append(Combination(chosen))
            if len(found) == limit:
                break
    return found


@dataclass(slots=True)
class _Puzzle:
    """Fills the parts one by one, each beginning as soon as it can; gives up after so many steps."""

    free: Sequence[Sequence[Fit]]
    shape: str
    gap: dt.timedelta
    steps: int = 20_000
    dead: set[tuple[int, dt.datetime]] = field(default_factory=set)  # in turn only the last end matters

    def solve(self, chosen: tuple[Fit, ...]) -> tuple[Fit, ...] | None:
        if len(chosen) == len(self.free):
            return chosen
        in_turn = self.shape == Shape.IN_TURN
        end = (len(chosen), chosen[-1].ends_at)
        if in_turn and end in self.dead:
            return None
        for fit in self._next(chosen):
            self.steps -= 1
            if self.steps < 0:
                return None
            if all(_apart(fit, other) for other in chosen):
                solved = self.solve((*chosen, fit))
                if solved is not None:
                    return solved
        if in_turn:
            self.dead.add(end)
        return None

    def _next(self, chosen: tuple[Fit, ...]) -> Iterator[Fit]:
        earliest = latest = chosen[0].starts_at
        if self.shape == Shape.IN_TURN:
            earliest, latest = chosen[-1].ends_at, chosen[-1].ends_at + self.gap
        times = self.free[len(chosen)]
        for fit in times[bisect_left(times, earliest, key=lambda one: one.starts_at) :]:
            if fit.starts_at > latest:
                return
            yield fit


def _times(part: Part, from_: dt.datetime, until: dt.datetime) -> list[Fit]:
    people = [part.practitioner] if part.practitioner is not None else who_offers(part.kind)
    return find_times(
        appointment_type=part.kind, practitioners=people, patient=part.patient, from_=from_, until=until
    )


def _apart(fit: Fit, other: Fit) -> bool:
    """Whether two visits take nothing of each other: clinician, room or other resources."""
    if fit.starts_at >= other.ends_at or fit.ends_at <= other.starts_at:
        return True
    same_room = fit.room is not None and other.room is not None and fit.room.pk == other.room.pk
    shared = {one.pk for one in fit.resources} & {one.pk for one in other.resources}
    return fit.practitioner.pk != other.practitioner.pk and not same_room and not shared


@transaction.atomic
def book_together(
    *,
    parts: Sequence[Part],
    slots: Sequence[Slot],
    shape: str,
    reason: str = "",
    tell_patient: bool = True,
    by: Actor,
) -> tuple[LinkedVisits, list[Appointment]]:
    """Books every part at its slot, or none; raises BadParts, and DatesRefused with what is in the way."""
    check_parts(parts, shape)
    if len(slots) != len(parts):
        raise BadParts("Choose a time for each visit.")
    linked = LinkedVisits(practice=current_practice(), shape=shape, made_by=by.user)
    linked.save(force_insert=True)
    visits = book_visits(
        plans=[
            Plan(part.patient, slot.practitioner, part.kind, slot.starts_at, reason=reason)
            for part, slot in zip(parts, slots, strict=True)
        ],
        belongs=[{"linked": linked}] * len(parts),
        tell_patient=tell_patient,
        by=by,
    )
    audit.record("linked-visits.booked", linked, by=by, changes={"visits": [None, len(visits)]})
    return linked, visits


def others_of(visit: Appointment) -> list[Appointment]:
    """The other visits as they stand, in order of time; one query, none for a lone visit."""
    if visit.linked_id is None:
        return []
    rows = Appointment.objects.with_people().filter(linked=visit.linked_id)
    known = list(rows.exclude(status=Status.ENTERED_IN_ERROR).order_by("starts_at", "pk"))
    moved_away = {one.rescheduled_from_id for one in known}
    return [one for one in known if one.pk not in moved_away and one.pk != visit.pk]


def open_others(visit: Appointment) -> list[Appointment]:
    """Those of the others that can still be moved or cancelled."""
    now = timezone.now()
    return [one for one in others_of(visit) if one.is_open and one.starts_at > now]


def along(
    visit: Appointment, others: Sequence[tuple[Appointment, int]], version: int, to: Slot
) -> list[Move]:
    """The moves when a visit goes to a slot and the others keep their distance on the wall clock.

    `others` come with the versions that were seen. Raises ClockChange on the nights when clocks change.
    """
    zone = current_practice().zone
    local = to.starts_at.astimezone(zone).replace(tzinfo=None)
    by_how_much = local - dt.datetime.combine(visit.local_date, visit.local_time)
    moves = [Move(visit, version, to.starts_at, to.practitioner)]
    for other, seen in others:
        there = dt.datetime.combine(other.local_date, other.local_time) + by_how_much
        moves.append(Move(other, seen, resolve(there.date(), there.time(), zone), other.practitioner))
    return moves


def next_along(visit: Appointment, others: Sequence[Appointment], to: Slot, *, count: int = 2) -> list[Slot]:
    """The nearest times of a clinician at which the others fit as well."""
    times = next_free(
        practitioner=to.practitioner,
        appointment_type=visit.appointment_type,
        after=to.starts_at + dt.timedelta(seconds=1),
        count=TRIED,
    )
    pairs = [(other, other.version) for other in others]
    tried: list[tuple[Slot, list[Move]]] = []
    for time in times:
        slot = Slot(time.practitioner, time.starts_at)
        try:
            tried.append((slot, along(visit, pairs, visit.version, slot)))
        except ValueError:
            continue
    found = []
    for slot, moves in tried:
        if all(verdict.fits for verdict in look_at([move.wanted() for move in moves])):
            found.append(slot)
            if len(found) == count:
                break
    return found
