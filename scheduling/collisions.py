"""What is in the way of many wanted times at once: in a fixed number of queries, however many they are."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Q
from django.utils import timezone

from practices.models import Room
from practices.tenancy import current_practice
from scheduling.diary import Diary, read_diary
from scheduling.models import Appointment, AppointmentType, BusySlot, Practitioner, session_of
from scheduling.wallclock import say_moment

PAST, CLOSED, OUT, HOURS, TAKEN, EACH_OTHER, CHANGED = (
    "past", "closed", "out", "hours", "taken", "each-other", "changed",
)  # fmt: skip
LONGEST = dt.timedelta(
    hours=36
)  # of a visit with its buffers; cuts the index of what is taken off at the left
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
    patient_id: uuid.UUID | None = None
    room: Room | None = None
    leaves: uuid.UUID | None = None

    @property
    def span(self) -> Span:
        before, after = (dt.timedelta(minutes=m) for m in (self.buffer_before, self.buffer_after))
        return self.starts_at - before, self.ends_at + after

    @property
    def session(self) -> uuid.UUID | None:
        if self.kind.capacity < 2:
            return None
        return session_of(self.practitioner.pk, self.kind.pk, self.starts_at)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a wanted time cannot be had (`kind`, `words`), or nothing; a `note` is no hindrance."""

    kind: str = ""
    words: str = ""
    note: str = ""
    room_free: bool = True

    @property
    def fits(self) -> bool:
        return not self.kind


def wanted(
    kind: AppointmentType,
    practitioner: Practitioner,
    starts_at: dt.datetime,
    patient_id: uuid.UUID | None = None,
    room: Room | None = None,
) -> Wanted:
    """A new visit of a type, with the type's length and buffers."""
    return Wanted(
        practitioner=practitioner,
        kind=kind,
        starts_at=starts_at,
        ends_at=starts_at + kind.length,
        buffer_before=kind.buffer_before,
        buffer_after=kind.buffer_after,
        patient_id=patient_id,
        room=room or practitioner.room,
    )


def look_at(asked: Sequence[Wanted], *, keys: Collection[str] = ()) -> list[Verdict]:
    """What is in the way of each; `keys` are one's own holds. Five queries, one more for groups."""
    if not asked:
        return []
    zone = current_practice().zone
    people = list({one.practitioner.pk: one.practitioner for one in asked}.values())
    days = [moment.astimezone(zone).date() for one in asked for moment in (one.starts_at, one.ends_at)]
    diary = read_diary(people, min(days), max(days), visits=False)
    busy = _busy(asked, keys)
    full = _full(asked)
    others = _other_visits(asked)
    return [_verdict(place, asked, diary, busy, full, others) for place in range(len(asked))]


def _verdict(
    place: int,
    asked: Sequence[Wanted],
    diary: Diary,
    busy: Sequence[BusySlot],
    full: Collection[uuid.UUID],
    others: Sequence[Appointment],
) -> Verdict:
    one = asked[place]
    reason = closed_words(diary, one.practitioner, one.starts_at, one.ends_at)
    in_the_way = _taken_of(one, busy)
    if not reason and one.practitioner.pk in in_the_way:
        reason = TAKEN, f"{one.practitioner.short_name} has another visit then."
    if not reason and one.session in full:
        reason = TAKEN, "All places of this group are taken."
    if not reason and any(_meet(one, earlier) for earlier in asked[:place]):
        reason = EACH_OTHER, "It overlaps another of these dates."
    kind, words = reason or ("", "")
    room_free = one.room is None or not (
        one.room.pk in in_the_way or any(_same_room(one, earlier) for earlier in asked[:place])
    )
    return Verdict(kind, words, _note(one, others), room_free)


def closed_words(
    diary: Diary, person: Practitioner, starts_at: dt.datetime, ends_at: dt.datetime
) -> tuple[str, str] | None:
    """Why nobody is seen then, as kind and words; from a diary that was read already."""
    day = starts_at.astimezone(diary.zone).date()
    starts, ends = int(starts_at.timestamp()), int(ends_at.timestamp())
    now = timezone.now()
    if starts_at < now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0):
        return PAST, f"{say_moment(starts_at, diary.zone)} is over."
    for closure in diary.closures:
        if closure.first_day <= day <= closure.last_day:
            return CLOSED, f"The practice is closed: {closure.reason}."
    for out_from, out_until, label in diary.out[person.pk]:
        if out_from < ends and out_until > starts:
            return OUT, f"{person.short_name} is out then: {label}."
    hours = diary.hours[person.pk]
    if any(opens <= starts and ends <= closes for opens, closes in hours):
        return None
    if any(opens <= starts < closes for opens, closes in hours):
        return HOURS, f"The visit would end after {person.short_name}’s hours."
    works = any(dt.datetime.fromtimestamp(opens, diary.zone).date() == day for opens, _ in hours)
    if works:
        return HOURS, f"{person.short_name} does not see patients at that hour."
    return HOURS, f"{person.short_name} does not work that day."


def _busy(asked: Sequence[Wanted], keys: Collection[str]) -> list[BusySlot]:
    """What is taken of clinicians and rooms then; visits that would leave are not in the way."""
    places = [
        Q(
            resource_id__in=[resource.pk for resource in (one.practitioner, one.room) if resource],
            starts_at__lt=one.span[1],
            starts_at__gt=one.span[0] - LONGEST,
            ends_at__gt=one.span[0],
        )
        for one in asked
    ]
    rows = BusySlot.objects.standing().filter(reduce(or_, places)).filter(binding=True).order_by()
    leaving = [one.leaves for one in asked if one.leaves]
    if leaving:
        rows = rows.exclude(appointment__in=leaving)
    if keys:
        rows = rows.exclude(hold__key__in=keys)
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
