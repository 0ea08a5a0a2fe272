"""What a person does with a message that came in: answers it, says that it is dealt with, reads it anew."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from messaging import conversations, opt_outs
from messaging.acting import FRESH, Reading, leave_to_person
from messaging.models import (
    Complaint,
    Conversation,
    Message,
    MessageQuerySet,
    StaffMessage,
    Suppression,
    Task,
)
from messaging.outbox import new_key, queue_message
from messaging.staff_tasks import close_task
from patients.models import Channel, ContactPoint, Patient
from practices import audit, changes
from practices.audit import Actor
from practices.tenancy import current_practice

Line = Conversation.Line


def candidates(message: Message) -> list[Patient]:
    """The patients whose number this is; more than one share a phone."""
    points = ContactPoint.objects.filter(value_index=message.address_index).select_related("patient")
    return list({point.patient_id: point.patient for point in points if point.patient.active}.values())


def unanswered(message: Message) -> MessageQuerySet:
    """All that this number wrote and nobody dealt with; one answer answers all of it."""
    return Message.objects.to_read().filter(address_index=message.address_index)


def hold_waiting(message: Message) -> list[Message]:
    """Locks what this number wrote and nobody dealt with, and its task: like a text, before the thread."""
    rows = list(unanswered(message).order_by("pk").select_for_update())
    list(Task.objects.open().filter(once_key=f"answer:{message.address_index}").select_for_update())
    return rows


@transaction.atomic
def answer_message(*, message: Message, body: str, key: str = "", by: Actor) -> Message:
    """Answers a patient's text, once per `key`; everything this number wrote so far counts as handled."""
    now = timezone.now()
    hold_waiting(message)
    answer = queue_message(
        patient=message.patient,
        channel=message.channel,
        kind=Message.Kind.NOTE,
        body=body,
        language=message.language,
        send_after=now,
        idempotency_key=key or new_key("answer"),
        ignores_quiet_hours=now - message.created_at < FRESH,
        in_reply_to=message,
        by=by,
    )
    if not answer.reason:
        tell_thread(message, line=body, from_them=False, by=by)
        mark_handled(message=message, outcome="answered", by=by)
    return answer


def tell_thread(
    message: Message,
    *,
    line: str,
    from_them: bool,
    needs_person: bool = False,
    urgency: int = Task.Urgency.ROUTINE,
    by: Actor,
) -> Conversation:
    """Tells the thread of a message's writer that something was said there."""
    return conversations.touch(
        patient=message.patient,
        address=message.address,
        address_index=message.address_index,
        channel=message.channel,
        kind=Line.EMAIL if message.channel == Channel.EMAIL else Line.TEXT,
        line=line,
        from_them=from_them,
        needs_person=needs_person,
        urgency=urgency,
        by=by,
    )


@transaction.atomic
def mark_handled(*, message: Message, outcome: str = "handled", by: Actor) -> int:
    """Says that a person dealt with what this number wrote, and closes its task; returns how many texts."""
    rows = hold_waiting(message)
    for row in rows:
        row.handled_at, row.handled_by = timezone.now(), by.user
        row.save(update_fields=["handled_at", "handled_by"])
        audit.record(
            "message.handled", row, by=by, patient_id=row.patient_id, changes={"outcome": ["", outcome]}
        )
    for task in Task.objects.open().filter(once_key=f"answer:{message.address_index}"):
        close_task(task=task, outcome=outcome, by=by)
    conversations.settled_if_quiet(patient=message.patient, address_index=message.address_index)
    changes.announce(current_practice(), "messages", "queue")
    return len(rows)


class HasItsOwnPage(ValueError):
    """The work ends where it is written down what came of it."""


@transaction.atomic
def finish_task(*, task: Task, outcome: str, by: Actor) -> Task:
    """Ends a row of “Needs you”, and with it what it stands for: unread texts, the call in its thread.

    Raises HasItsOwnPage for a staff message or a complaint that is still open.
    """
    if is_open_elsewhere(task):
        raise HasItsOwnPage("Open it and write what came of it: that ends the row, too.")
    if task.kind == Task.Kind.ANSWER and task.message is not None:
        mark_handled(message=task.message, outcome=outcome, by=by)
    done = close_task(task=task, outcome=outcome, by=by)
    if task.kind in {Task.Kind.MISSED_CALL, Task.Kind.VOICEMAIL}:
        conversations.settled_if_quiet(patient=task.patient, address_index=task.once_key.partition(":")[2])
    return done


def is_open_elsewhere(task: Task) -> bool:
    """Whether a staff message or complaint is behind the task, and not dealt with."""
    if task.subject_id is None:
        return False
    if task.kind == Task.Kind.STAFF_MESSAGE:
        return StaffMessage.objects.filter(pk=task.subject_id, done_at=None).exists()
    if task.kind == Task.Kind.COMPLAINT:
        return Complaint.objects.filter(pk=task.subject_id, resolved_at=None).exists()
    return False


@transaction.atomic
def decide_opt_out(*, message: Message, stop_texts: bool, by: Actor) -> None:
    """A person decides what “please no more” meant: messages stop for good, or go on."""
    rows = Suppression.objects.select_for_update().filter(
        channel=message.channel, address_index=message.address_index, lifted_at=None, source="possible"
    )
    for row in rows:
        row.source, row.lifted_at = ("staff", None) if stop_texts else (row.source, timezone.now())
        row.save(update_fields=["source", "lifted_at"])
        verb = "messages.stopped" if stop_texts else "messages.resumed"
        audit.record(verb, row, by=by, patient_id=message.patient_id)
        if stop_texts:
            opt_outs.record_consent(message, granted=False)
    mark_handled(message=message, outcome="texts stopped" if stop_texts else "texts go on", by=by)


@transaction.atomic
def give_to_patient(*, message: Message, patient: Patient, by: Actor) -> int:
    """Says whose an unanswered text is, when one number serves several; returns how many texts went along.

    Only a patient who has the number can be chosen: raises ValueError otherwise.
    """
    if patient.pk not in {candidate.pk for candidate in candidates(message)}:
        raise ValueError("This number is not in that patient’s record.")
    rows = hold_waiting(message)
    for row in rows:
        row.patient, row.language = patient, patient.language
        row.save(update_fields=["patient", "language"])
        audit.record(
            "message.given_to_patient",
            row,
            by=by,
            patient_id=patient.pk,
            changes={"patient": [None, patient.pk]},
        )
    urgency: int = Task.Urgency.ROUTINE
    for task in Task.objects.open().filter(once_key=f"answer:{message.address_index}", patient=None):
        task.patient, urgency = patient, min(urgency, task.urgency)
        task.save(update_fields=["patient"])
    if rows:
        last = max(rows, key=lambda row: row.created_at)
        tell_thread(last, line=last.body, from_them=True, needs_person=True, urgency=urgency, by=by)
        conversations.settled(patient=None, address_index=message.address_index)
    changes.announce(current_practice(), "messages", "queue")
    return len(rows)


@transaction.atomic
def undo_reading(*, message: Message, by: Actor) -> Message:
    """Takes an automatic reading back and leaves the text to a person.

    A handler's module may offer `undo_reply(message, by)` beside its handler to take back what it did.
    """
    message = Message.objects.select_for_update(of=("self",)).select_related("patient").get(pk=message.pk)
    if not message.read_automatically or message.reading_undone_at is not None:
        return message
    message.reading_undone_at = timezone.now()
    message.handled_at = message.handled_by = None
    message.save(update_fields=["reading_undone_at", "handled_at", "handled_by"])
    audit.record(
        "message.reading-undone",
        message,
        by=by,
        patient_id=message.patient_id,
        changes={"reading": [message.reading, ""]},
    )
    if message.reading == Reading.STOP:
        opt_outs.undo_stop(message, by)
    undo_what_followed(message, by)
    leave_to_person(message, 0, by)
    thread = conversations.conversation_with(
        patient=message.patient,
        address=message.address,
        address_index=message.address_index,
        channel=message.channel,
    )
    if thread.state != Conversation.State.NEEDS_ACTION:
        conversations.reopen(thread=thread, by=by)
    changes.announce(message.practice, "messages", "queue")
    return message


def undo_what_followed(message: Message, by: Actor) -> None:
    for module in dict.fromkeys(path.rpartition(".")[0] for path in settings.REPLY_HANDLERS):
        try:
            undo: Any = import_string(f"{module}.undo_reply")
        except ImportError:
            continue
        undo(message, by)
