"""Work for people: opened once per cause, handed over, put off, closed."""

import datetime as dt
import uuid

from django.db import transaction
from django.utils import timezone

from messaging.models import Message, Task
from patients.models import Patient
from practices import audit, changes
from practices.audit import Actor
from practices.models import Membership, OfficeHours, Practice, User
from practices.tenancy import current_practice


class NotAColleague(ValueError):
    """The person does not work for this practice."""


@transaction.atomic
def open_task(
    *,
    kind: str,
    due_at: dt.datetime,
    once_key: str,
    urgency: int = Task.Urgency.ROUTINE,
    patient: Patient | None = None,
    message: Message | None = None,
    appointment_id: uuid.UUID | None = None,
    subject_id: uuid.UUID | None = None,
    note: str = "",
    owner: User | None = None,
    by: Actor,
) -> Task:
    """Puts work into “Needs you”, or returns the open task of the same cause, made more urgent if need be."""
    practice = current_practice()
    task = Task(
        practice=practice,
        kind=kind,
        urgency=urgency,
        patient=patient,
        message=message,
        appointment_id=appointment_id,
        subject_id=subject_id,
        note=note,
        due_at=due_at,
        owner=owner,
        once_key=once_key,
    )
    stored: Task | None = None
    while stored is None:  # whoever closes the open one between the two statements lets this one in
        Task.objects.bulk_create([task], ignore_conflicts=True)
        stored = Task.objects.open().select_for_update().filter(once_key=once_key).first()
    if stored.pk != task.pk:
        return _sharpen(stored, urgency, due_at)
    audit.record("task.opened", stored, by=by, patient_id=stored.patient_id)
    changes.announce(practice, "queue")
    return stored


def _sharpen(task: Task, urgency: int, due_at: dt.datetime) -> Task:
    if urgency < task.urgency:
        task.urgency, task.due_at = urgency, min(task.due_at, due_at)
        task.snoozed_until = None
        task.save(update_fields=["urgency", "due_at", "snoozed_until"])
        changes.announce(task.practice, "queue")
    return task


@transaction.atomic
def close_task(*, task: Task, outcome: str, by: Actor) -> Task:
    """Ends a task with what came of it (`answered`, `called`, …); a closed one stays as it is."""
    task = Task.objects.select_for_update().get(pk=task.pk)
    if task.done_at is not None:
        return task
    task.done_at, task.done_by, task.outcome = timezone.now(), by.user, outcome[:40]
    task.save(update_fields=["done_at", "done_by", "outcome"])
    audit.record(
        "task.closed", task, by=by, patient_id=task.patient_id, changes={"outcome": ["", task.outcome]}
    )
    changes.announce(current_practice(), "queue")
    return task


@transaction.atomic
def hand_over_task(*, task: Task, owner: User, due_at: dt.datetime, by: Actor) -> Task:
    """Gives a task to a colleague with a time; raises NotAColleague for anybody else."""
    if not Membership.objects.active().filter(user=owner).exists():
        raise NotAColleague("This person does not work here.")
    task = Task.objects.select_for_update().get(pk=task.pk)
    before = [task.owner_id, task.due_at]
    task.owner, task.due_at, task.snoozed_until = owner, due_at, None
    task.save(update_fields=["owner", "due_at", "snoozed_until"])
    audit.record(
        "task.handed-over",
        task,
        by=by,
        patient_id=task.patient_id,
        changes={"owner": [before[0], owner.pk], "due_at": [before[1], due_at]},
    )
    changes.announce(current_practice(), "queue")
    return task


@transaction.atomic
def snooze_task(*, task: Task, until: dt.datetime, by: Actor) -> Task:
    """Takes a task out of sight until a time; it is due then at the latest."""
    task = Task.objects.select_for_update().get(pk=task.pk)
    before = task.snoozed_until
    task.snoozed_until, task.due_at = until, max(task.due_at, until)
    task.save(update_fields=["snoozed_until", "due_at"])
    audit.record(
        "task.snoozed",
        task,
        by=by,
        patient_id=task.patient_id,
        changes={"snoozed_until": [before, until]},
    )
    changes.announce(current_practice(), "queue")
    return task


def in_office_time(practice: Practice, minutes: int, start: dt.datetime | None = None) -> dt.datetime:
    """The instant after so many minutes of office hours; plain minutes where none are set."""
    start = start or timezone.now()
    hours = list(OfficeHours.objects.all())
    if not hours:
        return start + dt.timedelta(minutes=minutes)
    left = dt.timedelta(minutes=minutes)
    local = start.astimezone(practice.zone)
    for ahead in range(15):
        day = local.date() + dt.timedelta(days=ahead)
        for span in hours:
            if span.weekday != day.isoweekday():
                continue
            opens = max(start, dt.datetime.combine(day, span.opens, tzinfo=practice.zone).astimezone(dt.UTC))
            closes = dt.datetime.combine(day, span.closes, tzinfo=practice.zone).astimezone(dt.UTC)
            if closes - opens >= left:
                return opens + left
            left -= max(closes - opens, dt.timedelta())
    return start + dt.timedelta(minutes=minutes)
