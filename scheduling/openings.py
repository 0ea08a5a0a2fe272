"""What became free: a row `Opening` beside the change that freed it, closed by whatever takes it again.

The verbs of the diary call `freeing.freed` and `taken` in their own transaction; nobody looks for gaps later.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from messaging.models import Task
from messaging.staff_tasks import close_task
from practices import audit, changes
from practices.audit import Actor
from practices.prepared import Prepared
from practices.tenancy import current_practice
from scheduling.availability import why_closed
from scheduling.models import (
    Appointment,
    BusySlot,
    Hold,
    Offer,
    Opening,
    Practitioner,
    WaitlistEntry,
    WaitlistEntryQuerySet,
    WaitlistRule,
)
from scheduling.offer_news import give_up
from scheduling.refusals import BookingRefused
from scheduling.slots import span_of
from scheduling.waitlist_rules import next_step_at, rule_of

SHORTEST = dt.timedelta(minutes=10)  # what is shorter is no visit of anybody
Span = tuple[dt.datetime, dt.datetime]
REGION = "waitlist"


def region_of(opening: Opening) -> list[str]:
    """Under which names open pages hear of an opening: the waitlist, and its column of the board."""
    day = opening.starts_at.astimezone(current_practice().zone).date()
    return [REGION, f"appointments:{day}:{opening.practitioner_id}"]


def task_key(opening: Opening) -> str:
    return f"opening:{opening.pk}"


def new_opening(
    rule: WaitlistRule,
    *,
    practitioner: Practitioner,
    span: Span,
    cause: str,
    freed_by: Appointment | None = None,
    session: uuid.UUID | None = None,
    shown_from: dt.datetime | None = None,
    by: Actor,
) -> Opening:
    """An unsaved opening. What a person did may be taken back: until then nobody is asked."""
    now = timezone.now()
    undo = current_practice().undo_window if by.user is not None and freed_by is not None else dt.timedelta()
    shown_from = shown_from or now + undo
    return Opening(
        practice=current_practice(),
        practitioner=practitioner,
        starts_at=span[0],
        ends_at=span[1],
        cause=cause,
        freed_by=freed_by,
        session=session,
        opened_at=now,
        shown_from=shown_from,
        due_at=next_step_at(rule, span[0], shown_from + dt.timedelta(minutes=rule.first_delay_minutes)),
    )


def store_openings(openings: Sequence[Opening], *, by: Actor) -> list[Opening]:
    """Writes new openings, in the same few statements however many."""
    if openings:
        Opening.objects.bulk_create(openings)
        causes = [("opening.opened", one, None, {"cause": ["", one.cause]}) for one in openings]
        audit.record_each(causes, by=by)
        changes.announce(current_practice(), *{name for one in openings for name in region_of(one)})
    return list(openings)


def open_time(*, by: Actor, **fields: Any) -> Opening:
    """A new opening, as `new_opening` takes it."""
    return store_openings([new_opening(rule_of(), by=by, **fields)], by=by)[0]


def free_parts(practitioner: Practitioner, starts_at: dt.datetime, ends_at: dt.datetime) -> list[Span]:
    """What visits leave free of a stretch of a clinician's time; holds end by themselves and do not count."""
    busy = BusySlot.objects.between(starts_at, ends_at).filter(resource_id=practitioner.pk, hold=None)
    return subtract((starts_at, ends_at), busy.order_by("starts_at").values_list("starts_at", "ends_at"))


def subtract(whole: Span, taken: Iterable[Span]) -> list[Span]:
    """The parts of a span that are left, in order, without what is too short for any visit."""
    parts, at = [], whole[0]
    for starts, ends in taken:
        parts.append((at, min(starts, whole[1])))
        at = max(at, ends)
    parts.append((at, whole[1]))
    return [part for part in parts if part[1] - part[0] >= SHORTEST]


OPEN_THERE = Prepared(
    lambda who, ends, begins: (
        Opening.objects.open()
        .filter(practitioner__among=who, starts_at__lt=ends, ends_at__gt=begins)
        .select_for_update()
        .order_by("opened_at", "pk")
    )
)


def taken(*visits: Appointment, by: Actor) -> None:
    """Closes what visits have just taken: its offers are gone, a part that is left stays open.

    One query where nothing is open there, however many visits.
    """
    spans = [span_of(visit) for visit in visits]
    found: list[Opening] = OPEN_THERE.ask(
        who=list({visit.practitioner_id for visit in visits}),
        ends=max(ends for _, ends in spans),
        begins=min(begins for begins, _ in spans),
    )
    for visit, (begins, ends) in zip(visits, spans, strict=True):
        for opening in [one for one in found if _takes(visit, begins, ends, one)]:
            found.remove(opening)
            _fill(opening, visit, by)
            if visit.session is not None:
                break  # one seat


def _takes(visit: Appointment, begins: dt.datetime, ends: dt.datetime, opening: Opening) -> bool:
    same = opening.practitioner_id == visit.practitioner_id and opening.session == visit.session
    return same and opening.starts_at < ends and opening.ends_at > begins


def _fill(opening: Opening, visit: Appointment, by: Actor) -> None:
    own = opening.freed_by_id == visit.pk
    lost, rest = _divide(opening, visit)
    opening.state = Opening.State.CLOSED if own else Opening.State.FILLED
    opening.closed_at, opening.due_at = timezone.now(), None
    opening.closed_why = "The visit stands again." if own else ""
    opening.filled_by = None if own else visit
    opening.save()
    give_up(lost, by=by, winner=visit)
    _keep_rest(opening, rest, by)
    _end(opening, "filled", by)


def _divide(opening: Opening, visit: Appointment) -> tuple[list[Offer], list[tuple[Span, list[Offer]]]]:
    """Which offers are gone with a visit, and which parts of the opening are left with which offers."""
    offers = list(Offer.objects.standing().filter(opening=opening).held().with_all())
    if opening.session is not None:
        return offers, []
    parts = subtract((opening.starts_at, opening.ends_at), [span_of(visit)])
    rest = [
        (part, [one for one in offers if part[0] <= one.starts_at and one.ends_at <= part[1]])
        for part in parts
    ]
    kept = {one.pk for _, some in rest for one in some}
    return [one for one in offers if one.pk not in kept], rest


def _keep_rest(opening: Opening, rest: Sequence[tuple[Span, list[Offer]]], by: Actor) -> None:
    for span, offers in rest:
        if span[0] <= timezone.now():
            continue
        left = open_time(
            practitioner=opening.practitioner,
            span=span,
            cause=Opening.Cause.REST,
            freed_by=opening.freed_by,
            shown_from=opening.shown_from,
            by=by,
        )
        Offer.objects.filter(pk__in=[one.pk for one in offers]).update(opening=left)
        if offers:
            left.batch = opening.batch
            left.save(update_fields=["batch"])


@transaction.atomic
def close_opening(*, opening: Opening, why: str, by: Actor, state: str = Opening.State.CLOSED) -> Opening:
    """Ends an opening; whoever was asked and has not answered hears that it is gone. Twice is once."""
    opening = Opening.objects.select_for_update().get(pk=opening.pk)
    if not opening.is_open:
        return opening
    opening.state, opening.closed_at, opening.closed_why = state, timezone.now(), why[:80]
    opening.due_at = None
    opening.save()
    give_up(list(Offer.objects.standing().filter(opening=opening).held().with_all()), by=by)
    _end(opening, "closed", by)
    return opening


def _end(opening: Opening, outcome: str, by: Actor) -> None:
    for task in Task.objects.open().filter(once_key=task_key(opening)):
        close_task(task=task, outcome=outcome, by=by)
    audit.record(f"opening.{outcome}", opening, by=by, changes={"why": ["", opening.closed_why]})
    changes.announce(current_practice(), *region_of(opening))


@transaction.atomic
def place_opening(
    *, practitioner: Practitioner, starts_at: dt.datetime, ends_at: dt.datetime, by: Actor
) -> Opening:
    """Offers free time of a clinician by hand; the one that is open there already is returned.

    Raises BookingRefused where the time is over, closed or taken.
    """
    there = Opening.objects.coming().filter(
        practitioner=practitioner, starts_at__lt=ends_at, ends_at__gt=starts_at
    )
    if (found := there.order_by("starts_at").first()) is not None:
        return found
    if starts_at <= timezone.now():
        raise BookingRefused("That time is over.")
    if closed := why_closed(practitioner, starts_at, ends_at):
        raise BookingRefused(closed)
    parts = free_parts(practitioner, starts_at, ends_at)
    if not parts or parts[0][0] != starts_at:
        raise BookingRefused("That time is taken.")
    return open_time(practitioner=practitioner, span=parts[0], cause=Opening.Cause.PLACED, by=by)


def released(hold: Hold, *, at: dt.datetime, by: Actor) -> Opening | None:
    """A held time is let go: an opening, if somebody waits for just this time."""
    if hold.starts_at <= timezone.now() or not wished(hold.starts_at, hold.ends_at).exists():
        return None
    open_there = Q(practitioner=hold.practitioner_id, starts_at__lt=hold.ends_at, ends_at__gt=hold.starts_at)
    if Opening.objects.coming().filter(open_there).exists():
        return None
    parts = free_parts(hold.practitioner, hold.starts_at, hold.ends_at)
    if not parts:
        return None
    return open_time(
        practitioner=hold.practitioner, span=parts[0], cause=Opening.Cause.RELEASED, shown_from=at, by=by
    )


def wished(starts_at: dt.datetime, ends_at: dt.datetime) -> WaitlistEntryQuerySet:
    """Who waits for a certain time within a span."""
    return WaitlistEntry.objects.waiting().filter(wished_at__gte=starts_at, wished_at__lt=ends_at)


def wake() -> None:
    """Somebody new waits: openings that have nobody who was asked are looked at without waiting longer."""
    rule, now = rule_of(), timezone.now()
    delay = dt.timedelta(minutes=rule.first_delay_minutes)
    idle = Opening.objects.coming().filter(Q(due_at=None) | Q(batch=0))
    idle = idle.exclude(offers__state__in=Offer.STANDING)
    # One that is being worked on is passed over: it looks again by itself after a pause.
    for opening in idle.select_for_update(skip_locked=True, of=("self",)):
        due = next_step_at(rule, opening.starts_at, max(now, opening.shown_from + delay))
        if due is not None and (opening.due_at is None or due < opening.due_at):
            opening.due_at = due
            opening.save(update_fields=["due_at"])
