"""What is in the way of many wanted times at once: in a fixed number of queries, however many they are."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q
from django.utils import timezone

from patients.models import Patient
from practices.models import Room
from practices.tenancy import current_practice
from scheduling.fits import HOURS, NEED, RULE, TAKEN, Fit
from scheduling.judging import closed, judged, off_hours, out
from scheduling.means import means_of
from scheduling.models import (
    LONGEST_VISIT,
    Appointment,
    AppointmentType,
    BusySlot,
    Practitioner,
    session_of,
)
from scheduling.needs import NOTHING
from scheduling.search import Search, search
from scheduling.wallclock import say_moment

PAST, CLOSED, OUT, EACH_OTHER, CHANGED = "past", "closed", "out", "each-other", "changed"
Span = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A time that a visit shall have; instants. `leaves` is the visit that would go there from elsewhere."""

    practitioner: Practitioner
    kind: AppointmentType
    starts_at: dt.datetime
    ends_at: dt.datetime
    buffer_before: int
    buffer_after: int
    patient: Patient | None = None
    room: Room | None = None
    leaves: uuid.UUID | None = None
    needs: tuple[str, ...] | None = None  # those of a visit that is there already, else the record's

    @property
    def span(self) -> Span:
        before, after = (dt.timedelta(minutes=m) for m in (self.buffer_before, self.buffer_after))
        return self.starts_at - before, self.ends_at + after

    @property
    def patient_id(self) -> uuid.UUID | None:
        return self.patient.pk if self.patient is not None else None

    @property
    def extra(self) -> int:
        """How many minutes longer than its type."""
        return round((self.ends_at - self.starts_at).total_seconds() / 60) - self.kind.minutes

    @property
    def group(self) -> tuple[Any, ...]:
        """What is looked for in one search."""
        return self.practitioner.pk, self.kind.pk, self.patient_id, self.extra, self.needs

    @property
    def session(self) -> uuid.UUID | None:
        if self.kind.capacity < 2:
            return None
        return session_of(self.practitioner.pk, self.kind.pk, self.starts_at)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a wanted time cannot be had (`kind`, `words`), or nothing; a `note` is no hindrance.

    `fit` is what else the visit takes there: a room, resources, a second clinician.
    """

    kind: str = ""
    words: str = ""
    note: str = ""
    room_free: bool = True
    fit: Fit | None = None

    @property
    def fits(self) -> bool:
        return not self.kind


def wanted(
    kind: AppointmentType,
    practitioner: Practitioner,
    starts_at: dt.datetime,
    patient: Patient | None = None,
    room: Room | None = None,
    extra: int = 0,
) -> Wanted:
    """A new visit of a type, with its length and buffers, and the `extra` minutes that a patient needs."""
    return Wanted(
        practitioner=practitioner,
        kind=kind,
        starts_at=starts_at,
        ends_at=starts_at + kind.length + dt.timedelta(minutes=extra),
        buffer_before=kind.buffer_before,
        buffer_after=kind.buffer_after,
        patient=patient,
        room=room,
    )


def look_at(asked: Sequence[Wanted], *, key: str = "") -> list[Verdict]:
    """What is in the way of each; `key` is one's own hold.

    The same queries for two and for fifty: one search for each clinician, type and patient, two more in all.
    """
    if not asked:
        return []
    fits = _fits(asked, key)
    asked = [
        one if one.room else replace(one, room=fit.room) for one, (fit, _) in zip(asked, fits, strict=True)
    ]
    busy, full, others = _busy(asked, key), _full(asked), _other_visits(asked)
    verdicts = []
    for place, (one, (fit, why)) in enumerate(zip(asked, fits, strict=True)):
        taken = _taken_of(one, busy)
        reason = why or _against_others(one, asked[:place], taken, full)
        kind, words = reason or ("", "")
        free = one.room is None or one.room.pk not in taken
        free = free and not any(_same_room(one, earlier) for earlier in asked[:place])
        note = _note(one, others) or " ".join(fit.broken(NEED))
        verdicts.append(Verdict(kind, words, note, free, fit))
    return verdicts


Judged = tuple[Fit, tuple[str, str] | None]


def _fits(asked: Sequence[Wanted], key: str) -> list[Judged]:
    """Each time judged by its own search; what hours, rules and means say against it."""
    zone, now = current_practice().zone, timezone.now()
    # Visits that would leave stand in their own way in a search: then it is asked for hours and rules alone.
    visits = not any(one.leaves for one in asked)
    groups: dict[Any, list[int]] = defaultdict(list)
    for place, one in enumerate(asked):
        groups[one.group].append(place)
    found: dict[int, Judged] = {}
    for places in groups.values():
        one = asked[places[0]]
        wants = means_of(one.kind, one.patient, one.needs).wants if one.patient is not None else NOTHING
        days = [
            moment.astimezone(zone).date()
            for n in places
            for moment in (asked[n].starts_at, asked[n].ends_at)
        ]
        known = search(
            one.kind,
            [one.practitioner],
            min(days),
            max(days),
            now=now,
            patient=one.patient,
            wants=replace(wants, extra_minutes=one.extra),
            own_hold=key,
            visits=visits,
        )
        for place in places:
            at = int(asked[place].starts_at.timestamp())
            found[place] = judged(known, at), _why_not(known, at)
    return [found[place] for place in range(len(asked))]


def _why_not(known: Search, at: int) -> tuple[str, str] | None:
    """What is against a time, as kind and words; what a patient needs is said and is no hindrance."""
    if at < known.now.replace(minute=known.now.minute // 15 * 15, second=0, microsecond=0).timestamp():
        return PAST, f"{say_moment(dt.datetime.fromtimestamp(at, dt.UTC), known.diary.zone)} is over."
    person = known.people[0]
    hours = (CLOSED, closed(known, at)), (OUT, out(known, at, person)), (HOURS, off_hours(known, at, person))
    for kind, words in hours:
        if words:
            return kind, words
    fit = judged(known, at)
    if kept := fit.broken(RULE):
        return RULE, " ".join(kept)
    if taken := fit.broken(TAKEN):
        return TAKEN, taken[0]
    return None


def _against_others(
    one: Wanted,
    earlier: Sequence[Wanted],
    taken: Collection[uuid.UUID],
    full: Collection[uuid.UUID],
) -> tuple[str, str] | None:
    if one.session in full:
        return TAKEN, "All places of this group are taken."
    if one.practitioner.pk in taken:
        return TAKEN, f"{one.practitioner.short_name} has another visit then."
    if any(_meet(one, other) for other in earlier):
        return EACH_OTHER, "It overlaps another of these visits."
    return None


def _busy(asked: Sequence[Wanted], key: str) -> list[BusySlot]:
    """What is taken of clinicians and rooms then; visits that would leave are not in the way."""
    places = [
        Q(
            resource_id__in=[resource.pk for resource in (one.practitioner, one.room) if resource],
            starts_at__lt=one.span[1],
            starts_at__gt=one.span[0] - LONGEST_VISIT,
            ends_at__gt=one.span[0],
        )
        for one in asked
    ]
    rows = BusySlot.objects.standing().filter(reduce(or_, places)).filter(binding=True).order_by()
    leaving = [one.leaves for one in asked if one.leaves]
    if leaving:
        rows = rows.exclude(appointment__in=leaving)
    if key:
        rows = rows.exclude(hold__key=key)
    return list(rows.only("practice_id", "resource_id", "party", "starts_at", "ends_at"))


def _taken_of(one: Wanted, busy: Sequence[BusySlot]) -> set[uuid.UUID]:
    begins, ends = one.span
    return {
        row.resource_id
        for row in busy
        if row.starts_at < ends and row.ends_at > begins and row.party != one.session
    }


def _full(asked: Sequence[Wanted]) -> set[uuid.UUID]:
    """The sessions of groups in which no place is left; nothing is asked where none is a group."""
    room_for = {one.session: one.kind.capacity for one in asked if one.session}
    if not room_for:
        return set()
    rows = Appointment.objects.active().filter(session__in=room_for, overbook_reason="")
    leaving = [one.leaves for one in asked if one.leaves]
    taken: dict[uuid.UUID, int] = {}
    for session in rows.exclude(pk__in=leaving).values_list("session", flat=True):
        if session is not None:
            taken[session] = taken.get(session, 0) + 1
    return {session for session, places in room_for.items() if taken.get(session, 0) >= places}


def _other_visits(asked: Sequence[Wanted]) -> list[Appointment]:
    """Visits that the same patients have at those times already."""
    places = [
        Q(patient=one.patient_id, starts_at__lt=one.ends_at, ends_at__gt=one.starts_at)
        for one in asked
        if one.patient_id
    ]
    if not places:
        return []
    rows = Appointment.objects.active().filter(reduce(or_, places)).order_by()
    leaving = [one.leaves for one in asked if one.leaves]
    return list(rows.exclude(pk__in=leaving).select_related("practitioner"))


def _note(one: Wanted, others: Sequence[Appointment]) -> str:
    for other in others:
        at_once = other.starts_at < one.ends_at and other.ends_at > one.starts_at
        if at_once and other.patient_id == one.patient_id:
            return f"The patient has a visit with {other.practitioner.short_name} then."
    return ""


def _same_room(one: Wanted, other: Wanted) -> bool:
    both = one.room is not None and other.room is not None and one.room.pk == other.room.pk
    return both and one.span[0] < other.span[1] and one.span[1] > other.span[0]


def _meet(one: Wanted, other: Wanted) -> bool:
    """Whether two of the wanted visits would be in each other's way, or one patient in two places."""
    (begins, ends), (from_, until) = one.span, other.span
    same_place = one.practitioner.pk == other.practitioner.pk and begins < until and ends > from_
    if same_place and not (one.session and one.session == other.session):
        return True
    at_once = one.starts_at < other.ends_at and one.ends_at > other.starts_at
    return at_once and one.patient_id is not None and one.patient_id == other.patient_id
