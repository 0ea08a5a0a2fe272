"""Writing down that time became free: the hook of the verbs that cancel, move, edit and take back.

Set-based: one cancelled visit and a cancelled series of fifty ask the database the same few questions.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import copy

from django.utils import timezone

from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.diary import Diary, read_diary
from scheduling.models import Appointment, BusySlot, CancellationReason, Opening, WaitlistEntry
from scheduling.openings import SHORTEST, Span, new_opening, store_openings, subtract, taken
from scheduling.slots import span_of
from scheduling.stretches import common, gaps
from scheduling.waitlist_rules import rule_of

HORIZON = dt.timedelta(days=60)  # what opens later is no news for anybody who waits
QUARTER = dt.timedelta(minutes=15)
# Cancelled because nobody can be seen then: the time is not free.
NOT_FREE = {CancellationReason.PROVIDER, CancellationReason.PROVIDER_PERSONAL, CancellationReason.WEATHER}
State = WaitlistEntry.State


def freed(*visits: Appointment, cause: str, by: Actor) -> list[Opening]:
    """Writes down that the time of visits is free now, as far as it is: not over, taken beside, or closed.

    Call it in the transaction of the change, once the visits' rows are as they will be.
    """
    _follow_entries(visits, cause)
    return _open(visits, cause, by)


def resized(visit: Appointment, *, before: Span, cause: str, by: Actor) -> None:
    """Closes what a visit takes since it was changed, and opens what it took `before` and takes no more.

    Call it as `freed`, with what the visit takes held. Whoever waits for an earlier time keeps her visit.
    """
    begins, ends = span_of(visit)
    if (begins, ends) == before:
        return
    taken(visit, by=by)
    if before[0] < begins or ends < before[1]:
        # As if all of it had gone: what the visit takes now counts as taken, so that only the rest opens.
        was = copy(visit)
        was.starts_at, was.ends_at = before
        _open([was], cause, by)


def _open(visits: Sequence[Appointment], cause: str, by: Actor) -> list[Opening]:
    soonest = _next_quarter(timezone.now())
    near = [
        visit
        for visit in visits
        if visit.cancellation_reason not in NOT_FREE
        and visit.ends_at - max(visit.starts_at, soonest) >= SHORTEST
        and visit.starts_at < soonest + HORIZON
    ]
    if not near:
        return []
    busy, diary, rule = _busy(near), _hours(near), rule_of()
    opened = [
        new_opening(
            rule,
            practitioner=visit.practitioner,
            span=span,
            cause=cause,
            freed_by=visit,
            session=visit.session,
            by=by,
        )
        for visit in near
        if (span := _longest(_parts(visit, soonest, busy, diary))) is not None
    ]
    return store_openings(opened, by=by)


def _next_quarter(moment: dt.datetime) -> dt.datetime:
    over = dt.timedelta(minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond)
    return moment + (QUARTER - over if over else dt.timedelta())


def _busy(visits: Sequence[Appointment]) -> dict[uuid.UUID, list[Span]]:
    """What other visits take of these clinicians, sorted; holds end by themselves and do not count."""
    rows = BusySlot.objects.between(
        min(visit.starts_at for visit in visits), max(visit.ends_at for visit in visits)
    ).filter(resource_id__in={visit.practitioner_id for visit in visits}, hold=None)
    found: dict[uuid.UUID, list[Span]] = defaultdict(list)
    for key, starts, ends in rows.order_by("starts_at").values_list("resource_id", "starts_at", "ends_at"):
        found[key].append((starts, ends))
    return found


def _hours(visits: Sequence[Appointment]) -> Diary:
    zone = current_practice().zone
    return read_diary(
        list({visit.practitioner_id: visit.practitioner for visit in visits}.values()),
        min(visit.starts_at for visit in visits).astimezone(zone).date(),
        max(visit.ends_at for visit in visits).astimezone(zone).date(),
        visits=False,
    )


def _parts(
    visit: Appointment, soonest: dt.datetime, busy: dict[uuid.UUID, list[Span]], diary: Diary
) -> list[Span]:
    """What is free of a visit's time: hours, less time off, less other visits."""
    who = visit.practitioner_id
    here = common(diary.hours[who], gaps(diary.off(who)))
    if visit.session is not None:  # a seat: the group meets as it did
        whole = int(visit.starts_at.timestamp()), int(visit.ends_at.timestamp())
        there = any(opens <= whole[0] and whole[1] <= closes for opens, closes in here)
        return [(visit.starts_at, visit.ends_at)] if there and visit.starts_at >= soonest else []
    parts = []
    for opens, closes in here:
        begins = max(visit.starts_at, soonest, dt.datetime.fromtimestamp(max(opens, 0), dt.UTC))
        ends = min(visit.ends_at, dt.datetime.fromtimestamp(min(closes, 2**33), dt.UTC))
        if ends - begins >= SHORTEST:
            parts += subtract((begins, ends), busy[who])
    return parts


def _longest(parts: Iterable[Span]) -> Span | None:
    return max(parts, key=lambda span: span[1] - span[0], default=None)


def _follow_entries(visits: Sequence[Appointment], cause: str) -> None:
    """Entries go with their visit: to where it was moved, and back when that is taken back."""
    waiting = WaitlistEntry.objects.waiting().filter(appointment__in=visits)
    if cause == Opening.Cause.MOVED:
        for entry in waiting:
            entry.appointment = entry.appointment.rescheduled_to.order_by("-created_at").first()
            entry.save(update_fields=["appointment"])
    if cause != Opening.Cause.UNDONE:
        return
    for entry in waiting.select_related("appointment"):
        entry.appointment_id = entry.appointment.rescheduled_from_id
        entry.save(update_fields=["appointment"])
    # Whoever got a booking that is taken back is on the list again, with the visit she had before.
    for entry in WaitlistEntry.objects.filter(booked__in=visits, state=State.BOOKED).select_related("booked"):
        entry.state, entry.ended_at, entry.appointment_id = (
            State.WAITING,
            None,
            entry.booked.rescheduled_from_id,
        )
        entry.booked = None
        entry.save(update_fields=["state", "ended_at", "appointment", "booked"])
