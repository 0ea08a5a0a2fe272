"""Visits that are due and not booked yet: follow-ups that somebody ordered, recalls that a rule ordered."""

import datetime as dt
import hashlib
import secrets
from typing import ClassVar

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.constraints import BaseConstraint
from django.db.models.functions import Coalesce
from django.utils import timezone

from messaging.models import Message
from patients.models import Channel, Patient
from practices.encryption import EncryptedJSONField, EncryptedTextField
from practices.models import User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped
from scheduling.models.appointment import ACTIVE, Appointment
from scheduling.models.roster import AppointmentType, Practitioner


class RecallRule(PracticeOwned):
    """Whose turn it is again: so many months after the last visit of a type, told some weeks before.

    With the channel `call` nothing is sent: the row waits for a person. `swept_on` is the practice's day on
    which the sweep last looked.
    """

    MOST_MONTHS, MOST_WEEKS = 60, 26

    appointment_type = PracticeForeignKey(
        AppointmentType, models.CASCADE, related_name="recall_rules", db_index=False
    )
    months = models.PositiveSmallIntegerField()
    weeks_before = models.PositiveSmallIntegerField()
    channel = models.CharField(max_length=5, choices=Channel.choices, default=Channel.SMS)
    active = models.BooleanField(default=True)
    swept_on = models.DateField(null=True)

    objects: ClassVar["models.QuerySet[RecallRule]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(months__gte=1, months__lte=60, weeks_before__lte=26), name="recall_within_reason"
            ),
            models.UniqueConstraint(fields=["practice", "appointment_type"], name="recall_rule_once"),
        ]

    def __str__(self) -> str:
        return f"{self.months} months"


class FollowUpQuerySet(models.QuerySet["FollowUp"]):
    def standing(self) -> "FollowUpQuerySet":
        """What no person has ended, booked or not, of patients who can still come."""
        return self.filter(closed_at=None, patient__deceased=False, patient__active=True)

    def unbooked(self) -> "FollowUpQuerySet":
        """What waits for a visit. When one is cancelled nothing has to be undone: the row is here again."""
        return self.standing().filter(~Exists(ending_visits()))

    def to_do(self, today: dt.date) -> "FollowUpQuerySet":
        """What somebody has to act on: its time has come, and nobody waits for the patient's answer."""
        asked = Q(wait_until=None) | Q(wait_until__lte=today)
        return self.unbooked().filter(asked, work_from__lte=today)

    def with_people(self) -> "FollowUpQuerySet":
        return self.select_related(
            "patient", "appointment_type", "practitioner__room", "visit__practitioner", "rule", "message"
        )


def ending_visits() -> "models.QuerySet[Appointment]":
    """The visits that end a follow-up, for EXISTS: derived whenever it is asked, so that no row is lost.

    One of its type and clinician from its earliest day on, or one that was booked for it. What is cancelled,
    missed or was an error ends nothing.
    """
    such = Q(
        follow_up=None,
        appointment_type=OuterRef("appointment_type"),
        practitioner=Coalesce(OuterRef("practitioner"), F("practitioner_id")),
        local_date__gte=OuterRef("counts_from"),
    )
    visits: models.QuerySet[Appointment] = Appointment.objects.filter(
        Q(follow_up=OuterRef("pk")) | such, status__in=ACTIVE, patient=OuterRef("patient")
    ).order_by()
    return visits


class FollowUp(PracticeOwned):
    """That a patient is to come again around a day, until such a visit is booked.

    A recall is one that a `rule` ordered, once for each last `visit`. Visits from `counts_from` on end it; it
    is worked on from `work_from`, and overdue after `latest_on`.
    """

    class Closed(models.TextChoices):
        NOT_NEEDED = "not-needed", "Not needed any more"
        DECLINED = "declined", "The patient does not want it"
        ELSEWHERE = "elsewhere", "Is seen somewhere else"
        UNREACHABLE = "unreachable", "Cannot be reached"
        ERROR = "error", "Ordered by mistake"
        OPTED_OUT = "opted-out", "Asked for no messages"
        SEEN = "seen", "The visit took place"

    BY_HAND = (Closed.NOT_NEEDED, Closed.DECLINED, Closed.ELSEWHERE, Closed.UNREACHABLE, Closed.ERROR)

    patient = PracticeForeignKey(Patient, related_name="follow_ups", db_index=False)
    appointment_type = PracticeForeignKey(AppointmentType, related_name="+")
    practitioner = PracticeForeignKey(Practitioner, null=True, blank=True, related_name="+")  # None: anybody
    visit = PracticeForeignKey(Appointment, null=True, related_name="follow_ups")  # after which it is due
    rule = PracticeForeignKey(RecallRule, null=True, related_name="recalls")
    due_on = models.DateField()
    tolerance_days = models.PositiveSmallIntegerField(default=7)
    counts_from = models.DateField()
    latest_on = models.DateField()
    work_from = models.DateField()
    note = EncryptedTextField(blank=True, default="")
    ordered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    ordered_at = models.DateTimeField(default=timezone.now)
    message = PracticeForeignKey(Message, models.SET_NULL, null=True, related_name="+")  # the last word
    asked_at = models.DateTimeField(null=True)
    wait_until = models.DateField(null=True)  # the day on which somebody looks again
    why_not = models.CharField(max_length=40, blank=True)  # why a recall was not told by itself
    closed_at = models.DateTimeField(null=True)
    closed_as = models.CharField(max_length=12, choices=Closed.choices, blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    # The last step, so that it can be taken back within the practice's window.
    step = models.CharField(max_length=12, blank=True)
    step_at = models.DateTimeField(null=True)
    step_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    before = EncryptedJSONField(null=True)
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar[FollowUpQuerySet] = scoped(FollowUpQuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(counts_from__lte=F("latest_on"), due_on__lte=F("latest_on")),
                name="follow_up_in_order",
            ),
            models.UniqueConstraint(
                fields=["practice", "rule", "visit"],
                condition=Q(rule__isnull=False),
                name="recall_once_a_cycle",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["practice", "work_from"], name="follow_ups_open", condition=Q(closed_at=None)
            ),
            models.Index(fields=["practice", "patient", "due_on"], name="follow_ups_of_patient"),
            models.Index(fields=["practice", "step_by", "-step_at"], name="follow_up_steps"),
        ]

    def __str__(self) -> str:
        return f"FollowUp {self.pk}"

    @property
    def is_recall(self) -> bool:
        return self.rule_id is not None


class FollowUpLink(PracticeOwned):
    """A patient's private link to choose a time for what is due: stored hashed, soon over."""

    WRONG_DATES_ALLOWED = 5

    follow_up = PracticeForeignKey(FollowUp, models.CASCADE, related_name="links")
    token_hash = models.CharField(max_length=64)
    expires_at = models.DateTimeField()
    wrong_dates = models.PositiveSmallIntegerField(default=0)
    locked_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar["models.QuerySet[FollowUpLink]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "token_hash"], name="follow_up_link_once"),
        ]

    def __str__(self) -> str:
        return f"FollowUpLink {self.pk}"

    @staticmethod
    def new_token(link_code: str) -> str:
        """The practice's public code, then 128 random bits."""
        return link_code + secrets.token_urlsafe(16)

    @staticmethod
    def hash_of(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()


class MeetingAddress(PracticeOwned):
    """Where visits by video take place: a clinician's own room, or without one the practice's."""

    practitioner = PracticeForeignKey(
        Practitioner, models.CASCADE, null=True, related_name="+", db_index=False
    )
    address = EncryptedTextField()

    objects: ClassVar["models.QuerySet[MeetingAddress]"] = scoped(models.QuerySet)

    class Meta:
        verbose_name_plural = "meeting addresses"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["practice", "practitioner"], nulls_distinct=False, name="meeting_address_once"
            ),
        ]

    def __str__(self) -> str:
        return f"MeetingAddress {self.pk}"
