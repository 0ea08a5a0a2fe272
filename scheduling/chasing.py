"""What is left over of requests for another time: silence and lost texts become calls, the rest is filed."""

import datetime as dt
import uuid
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from messaging.outcomes import REASONS
from practices.audit import Actor
from practices.models import Practice
from practices.tenancy import current_practice, inside
from scheduling.models import Appointment, Status, TimeRequest
from scheduling.out_cases import close_if_done
from scheduling.time_requests import DID_NOT_ARRIVE, State, advance, open_call

NOBODY_PRESSED = dt.timedelta(hours=3)  # before the visit
SYSTEM = Actor(kind="system", door="timetable")


def chase_requests(practice: Practice) -> int:
    """Looks at a practice's requests; returns how many were changed."""
    with inside(practice):
        return chase(timezone.now(), by=SYSTEM)


@transaction.atomic
def chase(now: dt.datetime, *, by: Actor, most: int = 100) -> int:
    """Makes calls of what got no answer in time or did not arrive, and files what was settled elsewhere.

    Each row once, whoever else is looking at the same time. Returns how many were changed.
    """
    late = Q(due_at__lte=now) | Q(message__status__in=DID_NOT_ARRIVE)
    found = list(
        TimeRequest.objects.with_people()
        .filter(late, state=State.ASKED)
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("due_at")[:most]
    )
    for request in found:
        if request.appointment.status != Status.BOOKED:
            continue
        message = request.message
        failed = message is not None and message.status in DID_NOT_ARRIVE
        why = REASONS.get(message.reason, message.reason) if message is not None and failed else ""
        words = why or ("the message did not arrive" if failed else "no answer")
        advance(request, State.TO_CALL, by=by, why_call=words[:60])
        open_call(request, by=by)
    forgotten = call_for_forgotten(now, by=by, most=most)
    return len(found) + forgotten + file_settled(now, by=by, most=most)


def call_for_forgotten(now: dt.datetime, *, by: Actor, most: int) -> int:
    """Visits of a plan that nobody has sent, while their time comes near: somebody has to call."""
    near = (
        TimeRequest.objects.with_people()
        .filter(state=State.PLANNED, case__isnull=False, appointment__status=Status.BOOKED)
        .filter(appointment__starts_at__range=(now, now + NOBODY_PRESSED))
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("appointment__starts_at")[:most]
    )
    found = list(near)
    for request in found:
        advance(request, State.TO_CALL, by=by, why_call="nobody was told yet")
        open_call(request, by=by)
    return len(found)


def file_settled(now: dt.datetime, *, by: Actor, most: int) -> int:
    """Requests whose visit was moved or cancelled on another page are over, once that stands for good."""
    gone = now - current_practice().undo_window
    over = (
        TimeRequest.objects.with_people()
        .filter(state__in=TimeRequest.LIVE)
        .exclude(appointment__status=Status.BOOKED)
        .filter(Q(appointment__cancelled_at=None) | Q(appointment__cancelled_at__lte=gone))
        .select_for_update(of=("self",), skip_locked=True)[:most]
    )
    found = list(over)
    after = successors([request.appointment_id for request in found])
    for request in found:
        moved = after.get(request.appointment_id)
        advance(request, State.MOVED if moved else State.CANCELLED, by=by, chosen=moved)
        close_if_done(request.case, by=by)
    return len(found)


def successors(visits: Iterable[uuid.UUID]) -> dict[uuid.UUID | None, Appointment]:
    """The booked visits that some others were moved to, by the one that was moved."""
    rows = Appointment.objects.active().filter(rescheduled_from__in=list(visits))
    return {row.rescheduled_from_id: row for row in rows.select_related("practitioner")}
