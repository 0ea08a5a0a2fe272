"""One message to many, and how the practice's lines are."""

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


class Broadcast(PracticeOwned):
    """One message to a chosen set of patients, sent in two steps and stopped in one."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Not sent"
        SENDING = "sending", "Being sent"
        STOPPED = "stopped", "Stopped"
        DONE = "done", "Sent"

    audience = models.CharField(max_length=30)  # rest-of-day, unconfirmed-tomorrow: the diary knows them
    audience_args = models.JSONField(default=dict)
    body_en = EncryptedTextField()
    body_es = EncryptedTextField(blank=True, default="")
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.DRAFT)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects: ClassVar["models.QuerySet[Broadcast]"] = scoped(models.QuerySet)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "-created_at"], name="broadcasts_by_time"),
            models.Index(fields=["practice"], name="broadcasts_sending", condition=Q(status="sending")),
        ]

    def __str__(self) -> str:
        return f"Broadcast {self.pk}"


class BroadcastRecipient(PracticeOwned):
    """One patient of a broadcast: by which channel, in which language, and what came of it."""

    broadcast = PracticeForeignKey(Broadcast, models.CASCADE, related_name="recipients", db_index=False)
    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="+")
    appointment_id = models.UUIDField(null=True)
    channel = models.CharField(max_length=5, blank=True)  # empty: cannot be written to
    language = models.CharField(max_length=2)
    segments = models.PositiveSmallIntegerField(default=0)
    why_not = models.CharField(max_length=40, blank=True)
    message = PracticeForeignKey(Message, models.SET_NULL, null=True, related_name="+")

    objects: ClassVar["models.QuerySet[BroadcastRecipient]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["practice", "broadcast", "patient"], name="broadcast_once_a_patient"
            ),
        ]

    def __str__(self) -> str:
        return f"Recipient {self.pk}"


class LineState(PracticeOwned):
    """How a practice's line is: whether sending rests, since when and why. One row a practice and channel."""

    channel = models.CharField(max_length=5)
    resting_until = models.DateTimeField(null=True)  # the breaker: no claim before this instant
    reason = models.CharField(max_length=40, blank=True)
    since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)  # in a row, without one success between
    last_good_at = models.DateTimeField(null=True)

    objects: ClassVar["models.QuerySet[LineState]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "channel"], name="one_state_a_line"),
        ]

    def __str__(self) -> str:
        return f"Line {self.channel}"
