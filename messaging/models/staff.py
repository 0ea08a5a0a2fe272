"""Messages between staff, who is on call, complaints; what a practice wants of all this."""

import datetime as dt
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from messaging.models.calls import Call
from messaging.models.messages import Message
from patients.models import Patient
from practices.encryption import EncryptedTextField
from practices.models import Role, User
from practices.tenancy import PracticeForeignKey, PracticeOwned, current_practice, scoped


class Recipient(models.TextChoices):
    """For whom a message is."""

    PERSON = "person", "One person"
    ROLE = "role", "A role"
    ON_CALL = "on-call", "Whoever is on call"


class StaffMessageQuerySet(models.QuerySet["StaffMessage"]):
    def open(self) -> "StaffMessageQuerySet":
        return self.filter(done_at=None)

    def unacknowledged(self) -> "StaffMessageQuerySet":
        return self.filter(done_at=None, acknowledged_at=None)

    def due(self, now: dt.datetime | None = None) -> "StaffMessageQuerySet":
        """Urgent ones whose next step has come."""
        return self.unacknowledged().filter(next_step_at__lte=now or timezone.now())


class StaffMessage(PracticeOwned):
    """A message somebody took for a colleague, a role, or whoever is on call."""

    class Kind(models.TextChoices):
        CLINICAL = "clinical", "Clinical question"
        REFILL = "refill", "Refill"
        RESULTS = "results", "Results"
        BILLING = "billing", "Billing"
        REFERRAL = "referral", "Referral"
        COMPLAINT = "complaint", "Complaint"
        OTHER = "other", "Something else"

    class Urgency(models.IntegerChoices):
        URGENT = 0, "Urgent: until somebody has it"
        TODAY = 1, "Today"
        ROUTINE = 2, "Routine: can wait for the digest"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    urgency = models.PositiveSmallIntegerField(choices=Urgency.choices, default=Urgency.TODAY)
    recipient = models.CharField(max_length=7, choices=Recipient.choices)
    to_user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    to_role = models.CharField(max_length=20, choices=Role.choices, blank=True)
    patient = PracticeForeignKey(Patient, null=True, related_name="staff_messages", db_index=False)
    call = PracticeForeignKey(Call, models.SET_NULL, null=True, related_name="staff_messages")
    body = EncryptedTextField()
    callback_number = EncryptedTextField(blank=True, default="")  # E.164
    read_back = models.BooleanField(default=False)  # number and message were read back to the caller
    promised_by = models.DateTimeField(null=True)  # when the caller was told to hear from us
    in_digest = models.BooleanField(default=False)  # waits for the next digest
    digested_at = models.DateTimeField(null=True)
    # Escalation: rows that are due, not sleeping tasks.
    next_step_at = models.DateTimeField(null=True)
    step = models.PositiveSmallIntegerField(default=0)
    ack_code = models.CharField(max_length=6, blank=True)
    ack_token_hash = models.CharField(max_length=64, blank=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    acknowledged_how = models.CharField(max_length=10, blank=True)  # page, link, text
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    outcome = EncryptedTextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    once_key = models.CharField(max_length=120)
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar[StaffMessageQuerySet] = scoped(StaffMessageQuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "once_key"], name="staff_message_once"),
            models.CheckConstraint(
                condition=Q(recipient="person", to_user__isnull=False)
                | (Q(recipient="role") & ~Q(to_role=""))
                | Q(recipient="on-call"),
                name="staff_message_is_for_somebody",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["practice", "next_step_at"],
                name="staff_messages_due",
                condition=Q(done_at=None, acknowledged_at=None),
            ),
            models.Index(
                fields=["practice", "-created_at"], name="staff_messages_open", condition=Q(done_at=None)
            ),
            models.Index(fields=["practice", "patient", "-created_at"], name="staff_messages_of_patient"),
        ]

    def __str__(self) -> str:
        return f"Staff message {self.pk}"


class EscalationStep(PracticeOwned):
    """One step of carrying an urgent message: whom, by what, when. Rows are only added."""

    staff_message = PracticeForeignKey(StaffMessage, models.CASCADE, related_name="steps", db_index=False)
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField(default=timezone.now)
    to_user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    channel = models.CharField(max_length=5, blank=True)  # sms, email; empty: nobody could be reached
    message = PracticeForeignKey(Message, models.SET_NULL, null=True, related_name="+")
    words = models.CharField(max_length=160)  # for the log; nothing of a patient

    objects: ClassVar["models.QuerySet[EscalationStep]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("number", "at", "id")
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["practice", "staff_message", "number", "to_user", "channel"],
                name="escalation_step_once",
            ),
        ]

    def __str__(self) -> str:
        return f"Step {self.number} of {self.staff_message_id}"


class RoutingRule(PracticeOwned):
    """Who gets messages of a kind when nobody is named; one row a kind."""

    kind = models.CharField(max_length=10, choices=StaffMessage.Kind.choices)
    recipient = models.CharField(max_length=7, choices=Recipient.choices)
    to_user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    to_role = models.CharField(max_length=20, choices=Role.choices, blank=True)
    urgency = models.PositiveSmallIntegerField(
        choices=StaffMessage.Urgency.choices, default=StaffMessage.Urgency.TODAY
    )
    answer_within_minutes = models.PositiveIntegerField(default=240)

    objects: ClassVar["models.QuerySet[RoutingRule]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "kind"], name="one_route_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}"


class OnCallShift(PracticeOwned):
    """Who is on call from when to when; rank 1 is asked first, then 2 and so on."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(9)]
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    objects: ClassVar["models.QuerySet[OnCallShift]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("starts_at", "rank")
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="shift_ends_after_it_starts"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "ends_at"], name="shifts_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} from {self.starts_at}"


class Complaint(PracticeOwned):
    """A complaint as a ticket: a target, people who watch, a resolution, and when it goes higher."""

    class Ground(models.TextChoices):
        """Why a complaint goes to the manager at once."""

        LEGAL = "legal", "Speaks of lawyers or authorities"
        THREAT = "threat", "Threatens somebody"
        CLINICAL = "clinical", "Disputes the treatment"
        REPEAT = "repeat", "Complained before"
        PUBLIC = "public", "Press or social media"
        OVERDUE = "overdue", "Its target has passed"

    patient = PracticeForeignKey(Patient, null=True, related_name="complaints", db_index=False)
    call = PracticeForeignKey(Call, models.SET_NULL, null=True, related_name="complaints")
    what_happened = EncryptedTextField()
    wanted = EncryptedTextField(blank=True, default="")  # what the caller asks for
    target_at = models.DateTimeField()
    owner = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    watchers = ArrayField(models.BigIntegerField(), default=list)  # ids of colleagues
    escalated_at = models.DateTimeField(null=True)
    grounds = ArrayField(models.CharField(max_length=8, choices=Ground.choices), default=list)
    resolution = EncryptedTextField(blank=True, default="")
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    once_key = models.CharField(max_length=120)
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar["models.QuerySet[Complaint]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "once_key"], name="complaint_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["practice", "target_at"], name="complaints_open", condition=Q(resolved_at=None)
            ),
            models.Index(fields=["practice", "patient", "-created_at"], name="complaints_of_patient"),
        ]

    def __str__(self) -> str:
        return f"Complaint {self.pk}"


class ComplaintEntry(PracticeOwned):
    """What was done about a complaint. Rows are only added."""

    complaint = PracticeForeignKey(Complaint, models.CASCADE, related_name="entries")
    words = EncryptedTextField()
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects: ClassVar["models.QuerySet[ComplaintEntry]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"Entry {self.pk}"


def usual_digests() -> list[dt.time]:
    return [dt.time(12, 0), dt.time(16, 30)]


class DeskRules(PracticeOwned):
    """What a practice wants of calls, urgent messages and automatic sending; one row a practice."""

    digest_at = ArrayField(models.TimeField(), default=usual_digests, blank=True)
    escalate_every_minutes = models.PositiveSmallIntegerField(
        default=2, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    escalate_times = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(20)]
    )
    missed_call_text = models.BooleanField(default=True)
    ring_seconds = models.PositiveSmallIntegerField(
        default=120, validators=[MinValueValidator(15), MaxValueValidator(600)]
    )
    record_calls = models.BooleanField(default=False)
    most_a_day = models.PositiveSmallIntegerField(default=1, validators=[MaxValueValidator(10)])
    most_a_week = models.PositiveSmallIntegerField(default=3, validators=[MaxValueValidator(30)])
    join_visits_within_hours = models.PositiveSmallIntegerField(
        default=24, validators=[MaxValueValidator(168)]
    )
    promise_warn_minutes = models.PositiveSmallIntegerField(default=30, validators=[MaxValueValidator(480)])
    complaint_target_hours = models.PositiveSmallIntegerField(default=48, validators=[MinValueValidator(1)])

    objects: ClassVar["models.QuerySet[DeskRules]"] = scoped(models.QuerySet)

    class Meta:
        verbose_name_plural = "desk rules"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice"], name="one_set_of_desk_rules"),
        ]

    def __str__(self) -> str:
        return f"Rules of {self.practice_id}"

    @classmethod
    def of_practice(cls) -> "DeskRules":
        """The open practice's rules, or the usual ones (not stored) where it has set none."""
        return cls.objects.first() or cls(practice=current_practice())
