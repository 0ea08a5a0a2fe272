"""The calls that are left of a case: one press for each thing that can come of one."""

import datetime as dt
import uuid

from django.db import transaction
from django.utils import timezone

from messaging.models import Task
from messaging.staff_tasks import snooze_task
from practices.audit import Actor
from scheduling.booking import cancel_appointment, reschedule_appointment
from scheduling.call_list import mark_wrong_number, note_left_message
from scheduling.models import Appointment, CancellationReason, Practitioner, TimeRequest
from scheduling.out_cases import CaseRefused, close_if_done
from scheduling.time_requests import SettledMeanwhile, State, advance, lock_request

TRY_AGAIN = dt.timedelta(hours=1)
AFTER_A_MESSAGE = dt.timedelta(hours=2)
OUTCOMES = {
    "no-answer": "No answer",
    "message": "Left a message",
    "wrong-number": "Wrong number",
    "cannot": "Cancels",
}


@transaction.atomic
def record_outcome(*, request: TimeRequest, outcome: str, by: Actor) -> TimeRequest:
    """Writes down what came of a call (one of OUTCOMES). Raises SettledMeanwhile, CaseRefused."""
    held = open_request(request)
    if outcome == "cannot":
        cancel_appointment(
            appointment=held.appointment,
            version=held.appointment.version,
            reason=CancellationReason.PATIENT,
            by=by,
        )
        advance(held, State.CANCELLED, by=by)
        close_if_done(held.case, by=by)
    elif outcome == "wrong-number":
        mark_wrong_number(held.appointment, by)
    elif outcome in OUTCOMES:
        if outcome == "message":
            note_left_message(visit=held.appointment, by=by)
        put_off(held, TRY_AGAIN if outcome == "no-answer" else AFTER_A_MESSAGE, by)
    else:
        raise CaseRefused("Say what came of the call.")
    return held


@transaction.atomic
def take_time(
    *, request: TimeRequest, practitioner: Practitioner, starts_at: dt.datetime, by: Actor
) -> Appointment:
    """The patient took a time on the phone: the visit moves, and the patient gets it in writing.

    Raises what moving raises, SettledMeanwhile.
    """
    held = open_request(request)
    visit = held.appointment
    moved = reschedule_appointment(
        appointment=visit, version=visit.version, starts_at=starts_at, practitioner=practitioner, by=by
    )
    advance(held, State.MOVED, by=by, chosen=moved)
    close_if_done(held.case, by=by)
    return moved


def open_request(request: TimeRequest) -> TimeRequest:
    """The request, held, while its visit still waits for a time."""
    held = lock_request(request)
    if not held.is_live or held.state == State.PLANNED:
        raise SettledMeanwhile(held)
    return held


def put_off(request: TimeRequest, by_how_long: dt.timedelta, by: Actor) -> None:
    """The call comes back, but never after the visit."""
    until = min(timezone.now() + by_how_long, request.appointment.starts_at)
    for task in open_tasks([request]).values():
        snooze_task(task=task, until=until, by=by)


def open_tasks(requests: list[TimeRequest]) -> dict[uuid.UUID, Task]:
    """The open rows of “Needs you” of some requests; one query."""
    keys = {request.task_key: request.pk for request in requests}
    keys |= {f"new-time:{request.appointment_id}": request.pk for request in requests}
    tasks = Task.objects.open().filter(once_key__in=list(keys)).select_related("owner")
    return {keys[task.once_key]: task for task in tasks}
