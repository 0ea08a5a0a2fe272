"""Whom to call because no message will arrive in time: the visits of the next two days, soonest first."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from messaging.lines import WORDS
from messaging.models import Message, Task
from messaging.outcomes import REASONS
from messaging.staff_tasks import close_task, open_task, snooze_task
from patients.contacts import Reach, reachability, show_phone
from patients.models import Channel, ContactPoint
from practices import audit, changes
from practices.audit import Actor
from practices.models import Practice
from practices.tenancy import current_practice
from scheduling.booking import confirm_appointment
from scheduling.models import Appointment, Confirmation, Notice, Status
from scheduling.refusals import NotOpen
from scheduling.slots import lock_visit
from scheduling.words import clock, short_when

S = Message.Status
AHEAD = dt.timedelta(days=2)
TRY_AGAIN = dt.timedelta(hours=1)
UNHEARD = [Confirmation.UNSENT, Confirmation.SENT, Confirmation.UNDELIVERABLE]
OUTCOMES = {
    "confirmed": "Confirmed",
    "message": "Left a message",
    "no-answer": "No answer",
    "wrong-number": "Wrong number",
}
WRONG = "wrong number"


@dataclass(frozen=True, slots=True)
class Row:
    """One call to make."""

    visit: Appointment
    name: str
    when: str
    number: str
    dial: str
    why: str
    tried: str  # that somebody called in vain, and when it is time again


def call_list(practice: Practice, now: dt.datetime, *, private: bool) -> list[Row]:
    """The calls to make, in a fixed number of queries; those who were just tried come last."""
    visits = list(
        Appointment.objects.filter(
            status=Status.BOOKED, starts_at__gt=now, starts_at__lte=now + AHEAD, confirmation__in=UNHEARD
        )
        .select_related("patient", "practitioner", "appointment_type")
        .order_by("starts_at", "pk")
    )
    if not visits:
        return []
    ids = [visit.pk for visit in visits]
    messages: dict[uuid.UUID, list[Message]] = defaultdict(list)
    for notice in Notice.objects.filter(appointment__in=ids).select_related("message").order_by("pk"):
        messages[notice.appointment_id].append(notice.message)
    tasks = {task.appointment_id: task for task in open_calls(ids)}
    reach = reachability({visit.patient for visit in visits})
    rows = []
    for visit in visits:
        task = tasks.get(visit.pk)
        why = why_nothing_arrives(visit, messages[visit.pk], reach[visit.patient_id], practice)
        if why or task is not None:
            rows.append(row_of(visit, reach[visit.patient_id], why, task, practice, private))
    return sorted(rows, key=lambda row: bool(row.tried))


def open_calls(visits: Sequence[uuid.UUID]) -> "list[Task]":
    return list(Task.objects.open().filter(kind=Task.Kind.CALL, appointment_id__in=visits))


def why_nothing_arrives(
    visit: Appointment, messages: Sequence[Message], reach: Reach, practice: Practice
) -> str:
    """Why no message will tell this patient in time; nothing where one did or will."""
    if any(m.status == S.DELIVERED or (m.status == S.SENT and m.channel == Channel.EMAIL) for m in messages):
        return ""
    waiting = [m for m in messages if m.status in {S.QUEUED, S.SENDING, S.UNCERTAIN}]
    if any(m.channel not in practice.lines_out for m in waiting):
        return ""
    if waiting:
        return f"{WORDS[Channel(waiting[0].channel)]} not go out"
    failed = [m for m in messages if m.status in {S.UNDELIVERED, S.FAILED, S.SUPPRESSED}]
    if failed:
        return REASONS.get(failed[-1].reason, failed[-1].reason) or "not delivered"
    if messages:
        return ""
    if visit.patient.preferred_channel == Channel.CALL:
        return REASONS["wants_calls"]
    return reach.why_not


def row_of(
    visit: Appointment, reach: Reach, why: str, task: Task | None, practice: Practice, private: bool
) -> Row:
    tried = ""
    if task is not None and task.snoozed_until is not None and task.snoozed_until > timezone.now():
        tried = f"No answer; again at {clock(task.snoozed_until.astimezone(practice.zone))}"
    phone = reach.phone if reach.phone is not None and reach.phone.unusable != WRONG else None
    return Row(
        visit=visit,
        name=visit.patient.shown_name(private=private),
        when=short_when(visit.starts_at, practice),
        number=show_phone(str(phone.value)) if phone and not private else "",
        dial=str(phone.value) if phone else "",
        why=why_called(why, task),
        tried=tried,
    )


def why_called(why: str, task: Task | None) -> str:
    """What the call is about: a late clinician comes before a reminder that did not arrive."""
    if task is not None and task.once_key.startswith("delay:"):
        return str(task.note)
    return (why or "no reminder arrived").capitalize()


@transaction.atomic
def record_call(*, visit: Appointment, outcome: str, by: Actor) -> None:
    """Writes down what came of a call (one of OUTCOMES); raises NotOpen for a visit that is over."""
    if outcome == "confirmed":
        confirm_appointment(appointment=visit, how="phone", by=by)
        close_calls(visit, "confirmed", by)
    elif outcome == "message":
        note_left_message(visit=visit, by=by)
        close_calls(visit, "left a message", by)
    elif outcome == "no-answer":
        try_again_later(visit, by)
    else:
        mark_wrong_number(visit, by)
    changes.announce(current_practice(), "appointments", "queue", "lines")


def close_calls(visit: Appointment, outcome: str, by: Actor) -> None:
    for task in open_calls([visit.pk]):
        close_task(task=task, outcome=outcome, by=by)


def note_left_message(*, visit: Appointment, by: Actor) -> None:
    """The patient was called and did not answer; an answer that is known already stays."""
    visit = lock_visit(visit)
    if not visit.can_confirm:
        return
    before, visit.confirmation = visit.confirmation, Confirmation.LEFT_MESSAGE
    visit.version += 1
    visit.save(update_fields=["confirmation", "version", "updated_at"])
    audit.record(
        "appointment.left-message",
        visit,
        by=by,
        patient_id=visit.patient_id,
        changes={"confirmation": [before, visit.confirmation]},
    )
    changes.announce(current_practice(), "appointments")


def try_again_later(visit: Appointment, by: Actor) -> None:
    """Nobody answered: the call comes back in an hour."""
    if not visit.is_open:
        raise NotOpen("This visit is not open any more.")
    task = next(iter(open_calls([visit.pk])), None) or open_task(
        kind=Task.Kind.CALL,
        due_at=min(timezone.now() + TRY_AGAIN, visit.starts_at),
        once_key=f"call:{visit.pk.hex}:list",
        patient=visit.patient,
        appointment_id=visit.pk,
        note="Called, no answer. Call to ask whether the patient comes.",
        by=by,
    )
    snooze_task(task=task, until=timezone.now() + TRY_AGAIN, by=by)
    audit.record("appointment.no-answer", visit, by=by, patient_id=visit.patient_id)


def mark_wrong_number(visit: Appointment, by: Actor) -> None:
    """The number is somebody else's: nothing goes there any more."""
    reach = reachability([visit.patient])[visit.patient_id]
    point: ContactPoint | None = reach.phone
    if point is None or point.unusable == WRONG:
        return
    before, point.unusable = point.unusable, WRONG
    point.save(update_fields=["unusable"])
    audit.record(
        "contact.unusable",
        point,
        by=by,
        patient_id=visit.patient_id,
        changes={"unusable": [before, WRONG]},
    )
