"""Work that messages and calls leave for people: the rows of “Needs you”."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from messaging.models.messages import Message
from patients.models import Patient
from practices.encryption import EncryptedTextField
from practices.models import User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped


class TaskQuerySet(models.QuerySet["Task"]):
    def open(self) -> "TaskQuerySet":
        return self.filter(done_at=None)


class Task(PracticeOwned):
    """Work for a person, a row of “Needs you”: due by a time, and sooner or later with an owner."""

    class Kind(models.TextChoices):
        ANSWER = "answer", "Answer a message"
        UNDELIVERED = "undelivered", "A message did not arrive"
        NEW_TIME = "new-time", "Wants another time"
        CANCEL = "cancel", "Wants to cancel"
        LINK_LOCKED = "link-locked", "A link was locked"
        UNCERTAIN = "uncertain", "A send whose outcome is unknown"
        CALL = "call", "Call the patient"
        FOLLOW_UP = "follow-up", "Follow up"
        CALL_BACK = "call-back", "Call back as promised"
        MISSED_CALL = "missed-call", "A call was missed"
        VOICEMAIL = "voicemail", "Listen to a voicemail"
        PROMISE = "promise", "A promise to keep"
        STAFF_MESSAGE = "staff-message", "A message for the staff"
        COMPLAINT = "complaint", "A complaint"
        LINE = "line", "The line of the practice"
        REBOOK = "rebook", "Find another time"
        DELAY = "delay", "A clinician is behind"
        OPENING = "opening", "A time opened"

    class Urgency(models.IntegerChoices):
        EMERGENCY = 0, "Possible emergency"
        SOON = 1, "Soon"
        ROUTINE = 2, "Routine"

    kind = models.CharField(max_length=14, choices=Kind.choices)
    urgency = models.PositiveSmallIntegerField(choices=Urgency.choices, default=Urgency.ROUTINE)
    patient = PracticeForeignKey(Patient, null=True, related_name="tasks", db_index=False)
    message = PracticeForeignKey(Message, null=True, related_name="tasks")
    appointment_id = models.UUIDField(null=True)  # a fact of a higher app: carried, not constrained
    subject_id = models.UUIDField(null=True)  # the call, staff message or complaint behind it
    note = EncryptedTextField(blank=True, default="")
    due_at = models.DateTimeField()
    owner = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    snoozed_until = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=40, blank=True)
    once_key = models.CharField(max_length=120, help_text="One open task per cause.")

    objects: ClassVar[TaskQuerySet] = scoped(TaskQuerySet)

    class Meta:
        ordering = ("urgency", "due_at")
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["practice", "once_key"], condition=Q(done_at=None), name="open_task_once"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["practice", "urgency", "due_at"], name="tasks_open", condition=Q(done_at=None)
            ),
            models.Index(fields=["practice", "patient"], name="tasks_of_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
