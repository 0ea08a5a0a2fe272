"""What a visit leaves: changes to take back, texts about it, links to it."""

import hashlib
import secrets
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from messaging.models import Message
from patients.models import Channel
from practices.encryption import EncryptedJSONField
from practices.models import User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped
from scheduling.models.appointment import Appointment
from scheduling.models.roster import AppointmentType


def usual_channels() -> list[str]:
    return [Channel.SMS, Channel.EMAIL, Channel.CALL]


class Change(PracticeOwned):
    """One change to the diary that can be taken back until `undo_until`; the bar below the board shows it."""

    size = 1  # how many were made as one, where somebody counted

    class Kind(models.TextChoices):
        BOOKED = "booked", "booked"
        MOVED = "moved", "moved"
        CANCELLED = "cancelled", "cancelled"
        STATUS = "status", "changed"
        WALKED_IN = "walked-in", "walked in"
        EDITED = "edited", "edited"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    appointment = PracticeForeignKey(Appointment, related_name="changes", db_index=False)
    previous = PracticeForeignKey(Appointment, null=True, related_name="+")  # moved: the visit it was before
    before = EncryptedJSONField(null=True)  # status: the fields as they were
    version = models.PositiveIntegerField()  # of the appointment after the change
    batch = models.UUIDField(null=True)  # changes that were made as one, and are taken back as one
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    undo_until = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    news_at = models.DateTimeField(null=True)  # when it was told to the clinician, or found not worth it

    objects: ClassVar["models.QuerySet[Change]"] = scoped(models.QuerySet)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "made_by", "-made_at"], name="changes_of_person"),
            models.Index(fields=["practice", "appointment", "-made_at"], name="changes_of_visit"),
            models.Index(
                fields=["practice", "batch"], name="changes_of_batch", condition=Q(batch__isnull=False)
            ),
            models.Index(
                fields=["practice", "undo_until"],
                name="changes_for_news",
                condition=Q(news_at=None, undone_at=None, kind__in=["booked", "moved", "cancelled"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class ReminderRule(PracticeOwned):
    """When patients are reminded of a visit and by what: days before at a time of day, or hours before.

    `channels` are tried in their order until one arrives. Without a visit type the rule is for all types that
    have none of their own. A rule that `asks` stops once the patient has answered; one that does not is
    sent to those who confirmed, too.
    """

    appointment_type = PracticeForeignKey(
        AppointmentType, models.CASCADE, null=True, blank=True, related_name="reminder_rules", db_index=False
    )
    days_before = models.PositiveSmallIntegerField(null=True, blank=True)
    at = models.TimeField(null=True, blank=True)
    hours_before = models.PositiveSmallIntegerField(null=True, blank=True)
    channels = ArrayField(models.CharField(max_length=5, choices=Channel.choices), default=usual_channels)
    asks = models.BooleanField(default=True)
    active = models.BooleanField(default=True)

    objects: ClassVar["models.QuerySet[ReminderRule]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("-days_before", "-hours_before")
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(days_before__isnull=False, at__isnull=False, hours_before=None)
                | Q(days_before=None, at=None, hours_before__isnull=False),
                name="reminder_is_by_days_or_by_hours",
            ),
            models.UniqueConstraint(
                fields=["practice", "appointment_type", "days_before", "hours_before"],
                nulls_distinct=False,
                name="reminder_rule_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.days_before} days" if self.days_before is not None else f"{self.hours_before} hours"


class Notice(PracticeOwned):
    """That a message speaks of a visit: which rule asked for it, and of which version of the visit."""

    appointment = PracticeForeignKey(Appointment, models.CASCADE, related_name="notices", db_index=False)
    message = PracticeForeignKey(Message, models.CASCADE, related_name="notices", db_index=False)
    kind = models.CharField(max_length=20)  # confirmation, reminder-2d, reminder-2h, moved, cancelled
    rule = PracticeForeignKey(ReminderRule, models.SET_NULL, null=True, related_name="+")
    version = models.PositiveIntegerField()

    objects: ClassVar["models.QuerySet[Notice]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "message", "appointment"], name="notice_of_message"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "appointment", "kind"], name="notices_of_visit"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.appointment_id}"


class VisitLinkQuerySet(models.QuerySet["VisitLink"]):
    def usable(self) -> "VisitLinkQuerySet":
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())


class VisitLink(PracticeOwned):
    """A patient's private link to one visit (SECURITY.md C): stored hashed, expiring, single-purpose."""

    class Purpose(models.TextChoices):
        VISIT = "visit", "Answer and details"
        CHOOSE = "choose", "Choose another time"

    WRONG_DATES_ALLOWED = 5

    appointment = PracticeForeignKey(Appointment, models.CASCADE, related_name="links", db_index=False)
    purpose = models.CharField(max_length=6, choices=Purpose.choices, default=Purpose.VISIT)
    version = models.PositiveIntegerField()
    token_hash = models.CharField(max_length=64)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    wrong_dates = models.PositiveSmallIntegerField(default=0)
    locked_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[VisitLinkQuerySet] = scoped(VisitLinkQuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "token_hash"], name="visit_link_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "appointment"], name="links_of_visit"),
        ]

    def __str__(self) -> str:
        return f"Link {self.pk}"

    @staticmethod
    def new_token(link_code: str) -> str:
        """The practice's public code, then 128 random bits."""
        return link_code + secrets.token_urlsafe(16)

    @staticmethod
    def hash_of(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()
