"""The two reviews of a day, what they found, and the note one shift leaves to the next."""

from typing import ClassVar

from django.db import models
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from messaging.models import Message
from patients.models import Patient
from practices.encryption import EncryptedTextField
from practices.models import User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped
from scheduling.models import Appointment


class Review(PracticeOwned):
    """A morning or evening review: once per practice and local date, whoever starts it."""

    class Kind(models.TextChoices):
        MORNING = "morning", "Morning review"
        EVENING = "evening", "Wrap-up"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    local_date = models.DateField()
    started_at = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    finished_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects: ClassVar["models.QuerySet[Review]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "kind", "local_date"], name="review_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.local_date}"


class Finding(PracticeOwned):
    """Something a review wants settled: in the morning a repair, in the evening an owner and a time."""

    review = PracticeForeignKey(Review, models.CASCADE, related_name="findings", db_index=False)
    check_name = models.CharField(max_length=30)
    appointment = PracticeForeignKey(Appointment, null=True, related_name="+")
    other_appointment = PracticeForeignKey(Appointment, null=True, related_name="+")
    patient = PracticeForeignKey(Patient, null=True, related_name="+")
    message = PracticeForeignKey(Message, null=True, related_name="+")
    detail = models.CharField(max_length=120, blank=True)  # never a patient's words or name
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    settled_how = models.CharField(max_length=40, blank=True)
    owner = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    due_at = models.DateTimeField(null=True)
    once_key = models.CharField(max_length=120)

    objects: ClassVar["models.QuerySet[Finding]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "review", "once_key"], name="finding_once"),
        ]

    def __str__(self) -> str:
        return f"{self.check_name} {self.pk}"


class Handover(PracticeOwned):
    """The note that writes itself from what remains, and that a person may edit before it is sent."""

    review = PracticeForeignKey(Review, models.CASCADE, related_name="handovers", db_index=False)
    text = EncryptedTextField(blank=True, default="")
    edited = models.BooleanField(default=False)
    sent_at = models.DateTimeField(null=True)
    sent_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    read_at = models.DateTimeField(null=True)
    read_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects: ClassVar["models.QuerySet[Handover]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "review"], name="one_handover_per_review"),
        ]

    def __str__(self) -> str:
        return f"Handover {self.pk}"
