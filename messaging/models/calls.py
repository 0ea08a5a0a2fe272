"""Calls: each one a workspace with its own patient, note and half-done booking."""

import datetime as dt
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from messaging.models.messages import Message
from patients.models import Patient, RelatedPerson
from practices.encryption import EncryptedBytesField, EncryptedTextField
from practices.models import User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped


class CallQuerySet(models.QuerySet["Call"]):
    def present(self) -> "CallQuerySet":
        """What the strip shows: ringing, live, held, or in its last seconds of writing up."""
        return self.filter(status__in=Call.PRESENT)

    def ringing(self) -> "CallQuerySet":
        return self.filter(status=Call.Status.RINGING, direction=Call.Direction.IN)

    def of(self, user: User) -> "CallQuerySet":
        return self.filter(handler=user)


class Call(PracticeOwned):
    """One telephone call of a practice, carried by the supplier or logged by hand.

    queued (outgoing, not dialled yet) → ringing → live ⇄ held → wrap-up → ended. `outcome` says how it ended.
    """

    class Direction(models.TextChoices):
        IN = "in", "Incoming"
        OUT = "out", "Outgoing"

    class Status(models.TextChoices):
        QUEUED = "queued", "About to be dialled"
        RINGING = "ringing", "Ringing"
        LIVE = "live", "Speaking"
        HELD = "held", "On hold"
        WRAP_UP = "wrap-up", "Finish the note"
        ENDED = "ended", "Ended"

    class Outcome(models.TextChoices):
        ANSWERED = "answered", "Answered"
        MISSED = "missed", "Missed"  # nobody answered in time, or the caller rang off soon
        ABANDONED = "abandoned", "Caller gave up waiting"  # rang off after 30 s or more
        VOICEMAIL = "voicemail", "Left a voicemail"
        CALL_BACK = "call-back", "Keeps the place: call back"
        BUSY = "busy", "Busy"
        NO_ANSWER = "no-answer", "No answer"
        LEFT_MESSAGE = "left-message", "Message left"
        FAILED = "failed", "Could not be connected"

    class Matter(models.TextChoices):
        """What it was about, one word, for repeats and reports."""

        APPOINTMENT = "appointment", "Appointment"
        CLINICAL = "clinical", "Clinical question"
        REFILL = "refill", "Refill"
        RESULTS = "results", "Results"
        BILLING = "billing", "Billing"
        REFERRAL = "referral", "Referral"
        RECORDS = "records", "Records and forms"
        COMPLAINT = "complaint", "Complaint"
        OTHER = "other", "Something else"

    PRESENT: ClassVar[list[str]] = [Status.QUEUED, Status.RINGING, Status.LIVE, Status.HELD, Status.WRAP_UP]

    direction = models.CharField(max_length=3, choices=Direction.choices)
    by_hand = models.BooleanField(default=False)  # logged without telephony
    status = models.CharField(max_length=7, choices=Status.choices)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    address = EncryptedTextField(blank=True, default="")  # E.164; empty for a withheld number
    address_index = models.CharField(max_length=32, blank=True)
    patient = PracticeForeignKey(Patient, models.SET_NULL, null=True, related_name="calls", db_index=False)
    appointment_id = models.UUIDField(null=True)  # a fact of a higher app: carried, not constrained
    # The automatic call in which the patient asked for a person.
    message = PracticeForeignKey(Message, models.SET_NULL, null=True, related_name="calls")
    handler = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    supplier_id = models.CharField(max_length=64, blank=True)  # the patient's leg
    staff_leg_id = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True)
    held_since = models.DateTimeField(null=True)
    held_seconds = models.PositiveIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    wrap_up_until = models.DateTimeField(null=True)
    note = EncryptedTextField(blank=True, default="")
    caller_name = EncryptedTextField(blank=True, default="")  # who speaks, when it is not the patient
    caller_relation = models.CharField(max_length=40, blank=True)
    matter = models.CharField(max_length=12, choices=Matter.choices, blank=True)
    problem = models.CharField(max_length=120, blank=True)  # why the telephone did not follow, in words
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar[CallQuerySet] = scoped(CallQuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["practice", "supplier_id"], condition=~Q(supplier_id=""), name="call_once"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["practice", "started_at"], name="calls_present", condition=~Q(status="ended")
            ),
            models.Index(fields=["practice", "-started_at"], name="calls_by_time"),
            models.Index(fields=["practice", "patient", "-started_at"], name="calls_of_patient"),
            models.Index(fields=["practice", "address_index", "-started_at"], name="calls_by_address"),
        ]

    def __str__(self) -> str:
        return f"Call {self.pk}"

    @property
    def is_present(self) -> bool:
        return self.status in self.PRESENT

    @property
    def waited(self) -> dt.timedelta:
        """How long the caller waited for a person, until now if she still does."""
        return (self.answered_at or self.ended_at or timezone.now()) - self.started_at


class CallCommand(PracticeOwned):
    """What the telephone shall do with a call: an intent in the caller's transaction, done after the commit.

    Commands of one call are carried out one after the other, in the order they were given.
    """

    class Verb(models.TextChoices):
        ANSWER = "answer", "Answer"
        HOLD = "hold", "Hold"
        RESUME = "resume", "Resume"
        TRANSFER = "transfer", "Transfer"
        END = "end", "End"
        DIAL = "dial", "Dial"
        CALL_BACK = "call-back", "Promise a call back and ring off"
        REQUEUE = "requeue", "Let the caller wait again"

    class Status(models.TextChoices):
        DUE = "due", "Due"
        SENDING = "sending", "On its way"
        DONE = "done", "Done"
        FAILED = "failed", "Not carried out"

    call = PracticeForeignKey(Call, models.CASCADE, related_name="commands")
    verb = models.CharField(max_length=9, choices=Verb.choices)
    to_user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")  # of a transfer
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.DUE)
    attempts = models.PositiveSmallIntegerField(default=0)
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    leg_id = models.CharField(max_length=64, blank=True)  # of a colleague's telephone it rang, or rings off
    error_code = models.CharField(max_length=10, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects: ClassVar["models.QuerySet[CallCommand]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("created_at", "id")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["practice", "created_at"],
                name="call_commands_due",
                condition=Q(status__in=["due", "sending"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.call_id}"


class Recording(PracticeOwned):
    """A voicemail or a recorded call, fetched from the supplier, sealed here, and then deleted there."""

    class State(models.TextChoices):
        ANNOUNCED = "announced", "Not fetched yet"
        STORED = "stored", "Stored"
        FAILED = "failed", "Could not be fetched"

    call = PracticeForeignKey(Call, models.CASCADE, related_name="recordings")
    supplier_id = models.CharField(max_length=64)
    seconds = models.PositiveIntegerField(default=0)
    audio = EncryptedBytesField(null=True)
    content_type = models.CharField(max_length=40, default="audio/mpeg")
    transcript = EncryptedTextField(blank=True, default="")
    state = models.CharField(max_length=9, choices=State.choices, default=State.ANNOUNCED)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Of fetching it, and then of deleting it at the supplier; empty when nothing is left to do.
    next_try_at = models.DateTimeField(null=True, default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar["models.QuerySet[Recording]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "supplier_id"], name="recording_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["practice", "next_try_at"],
                name="recordings_due",
                condition=Q(next_try_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Recording {self.pk}"


class IdentityCheck(PracticeOwned):
    """How it was made sure who speaks before anything was told (45 CFR 164.514(h)). Rows are only added."""

    class Result(models.TextChoices):
        VERIFIED = "verified", "Verified by two facts"
        WRONG = "wrong", "A fact was wrong"
        OVERRIDDEN = "overridden", "Told without two facts"
        NOTED = "noted", "Who speaks was noted"  # nothing was shown yet: it begins anew for this person

    class Fact(models.TextChoices):
        BIRTH_DATE = "birth-date", "Birth date"
        PHONE = "phone", "Phone number on file"
        POSTAL_CODE = "postal-code", "ZIP code"
        EMAIL = "email", "E-mail on file"
        LAST_VISIT = "last-visit", "Date of the last visit"

    call = PracticeForeignKey(Call, models.CASCADE, null=True, related_name="identity_checks", db_index=False)
    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="identity_checks")
    # Who speaks for the patient; empty when she speaks herself.
    speaker = PracticeForeignKey(RelatedPerson, models.SET_NULL, null=True, related_name="+")
    # Who speaks when it is neither the patient nor one of her people: “a neighbour”, “Metro Pharmacy”.
    speaker_name = EncryptedTextField(null=True, blank=True)
    result = models.CharField(max_length=10, choices=Result.choices)
    facts = ArrayField(models.CharField(max_length=12, choices=Fact.choices), default=list)
    reason = EncryptedTextField(blank=True, default="")  # of an override
    checked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    objects: ClassVar["models.QuerySet[IdentityCheck]"] = scoped(models.QuerySet)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "call", "patient", "-at"], name="checks_of_call"),
        ]

    def __str__(self) -> str:
        return f"{self.result} {self.pk}"
