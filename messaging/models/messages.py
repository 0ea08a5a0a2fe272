"""Texts, e-mails and automatic calls between a practice and its patients; the outgoing row is the outbox."""

import datetime as dt
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from patients.models import Channel, ContactPoint, Patient
from practices.encryption import EncryptedJSONField, EncryptedTextField
from practices.models import Language, User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self, now: dt.datetime | None = None) -> "MessageQuerySet":
        """Outgoing rows whose time has come, and rows whose sender vanished."""
        now = now or timezone.now()
        return self.filter(
            Q(status=Message.Status.QUEUED, send_after__lte=now)
            | Q(status__in=[Message.Status.SENDING, Message.Status.UNCERTAIN], claimed_until__lte=now)
        )

    def waiting(self) -> "MessageQuerySet":
        """Queued, and not yet on the way: these can still be withdrawn."""
        return self.filter(status=Message.Status.QUEUED)

    def to_read(self) -> "MessageQuerySet":
        """Incoming messages that a person has to answer."""
        return self.filter(direction=Message.Direction.IN, needs_person=True, handled_at=None)


class Message(PracticeOwned):
    """One text or e-mail, in either direction. An outgoing row is the outbox itself.

    States only move forward: queued → sending → sent → delivered or undelivered; `uncertain` is a send
    whose outcome the supplier never told; `suppressed` was never sent, `reason` says why.
    """

    class Direction(models.TextChoices):
        OUT = "out", "To the patient"
        IN = "in", "From the patient"

    class Kind(models.TextChoices):
        CONFIRMATION = "confirmation", "Confirmation"
        REMINDER = "reminder", "Reminder"
        MOVED = "moved", "Moved"
        CANCELLED = "cancelled", "Cancelled"
        CHOOSE = "choose", "Times to choose"
        CHOSEN = "chosen", "Chose a time"
        STAYS = "stays", "Stays as it was"
        DELAY = "delay", "Running late"
        REPLY = "reply", "Automatic answer"
        NOTE = "note", "Written by staff"
        BRIEF = "brief", "Brief to a clinician"
        URGENT = "urgent", "Urgent message to a colleague"
        DIGEST = "digest", "Messages gathered for a colleague"
        MISSED_CALL = "missed-call", "After a missed call"
        BROADCAST = "broadcast", "To many at once"
        RECALL = "recall", "Time for a visit"
        OFFER = "offer", "A time that opened"
        INBOUND = "inbound", "From the patient"

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting to go out"
        SENDING = "sending", "On its way"
        UNCERTAIN = "uncertain", "Checking with the supplier"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        UNDELIVERED = "undelivered", "Not delivered"
        FAILED = "failed", "Refused by the supplier"
        SUPPRESSED = "suppressed", "Not sent"
        CANCELLED = "cancelled", "Withdrawn"
        RECEIVED = "received", "Received"

    class Reading(models.TextChoices):
        """What an incoming text was understood to say."""

        YES = "yes", "Yes"
        NO = "no", "No"
        STOP = "stop", "Stop"
        START = "start", "Start"
        HELP = "help", "Help"
        HERE = "here", "Is here"
        LATE = "late", "Is running late"
        NEW_TIME = "new-time", "Wants another time"
        CANCEL = "cancel", "Wants to cancel"
        CHOICE = "choice", "Chose by number"
        PERSON = "person", "Wants to talk to a person"
        UNCLEAR = "unclear", "For a person"

    patient = PracticeForeignKey(Patient, null=True, related_name="messages", db_index=False)
    contact_point = PracticeForeignKey(ContactPoint, models.SET_NULL, null=True, related_name="+")
    staff = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")  # a brief's reader
    direction = models.CharField(max_length=3, choices=Direction.choices)
    channel = models.CharField(max_length=5, choices=Channel.choices)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.ENGLISH)
    address = EncryptedTextField()  # the patient's number or e-mail address
    address_index = models.CharField(max_length=32)
    subject = models.CharField(max_length=120, blank=True)  # e-mail; never about a patient
    body = EncryptedTextField()
    calendar = EncryptedTextField(null=True)  # e-mail: the iCalendar object that goes along
    status = models.CharField(max_length=11, choices=Status.choices)
    reason = models.CharField(max_length=40, blank=True)  # why suppressed, refused or not delivered
    idempotency_key = models.CharField(max_length=120, help_text="What makes a second one impossible.")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    # Outgoing: when it may leave, until when it is worth sending, who holds it.
    send_after = models.DateTimeField(null=True)
    useful_until = models.DateTimeField(null=True)
    ignores_quiet_hours = models.BooleanField(default=False)  # an answer to what was just written
    # Whoever queued it looks after what does not arrive (another channel, a call): no task at once.
    followed = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    reconciliations = models.PositiveSmallIntegerField(default=0)
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    supplier_id = models.CharField(max_length=64, blank=True)
    error_code = models.CharField(max_length=10, blank=True)
    # Incoming: how it was read, and whether a person has to.
    in_reply_to = PracticeForeignKey("self", models.SET_NULL, null=True, related_name="replies")
    reading = models.CharField(max_length=8, choices=Reading.choices, blank=True)
    reading_undone_at = models.DateTimeField(null=True)
    spoke_of = EncryptedJSONField(null=True)  # what an unclear text mentions: a day, a time, minutes late
    needs_person = models.BooleanField(default=False)
    handled_at = models.DateTimeField(null=True)
    handled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects: ClassVar[MessageQuerySet] = scoped(MessageQuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "idempotency_key"], name="message_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "send_after"], name="outbox_due", condition=Q(status="queued")),
            models.Index(
                fields=["practice", "claimed_until"],
                name="outbox_claimed",
                condition=Q(status__in=["sending", "uncertain"]),
            ),
            models.Index(fields=["practice", "patient", "-created_at"], name="messages_of_patient"),
            models.Index(fields=["practice", "address_index", "-created_at"], name="messages_by_address"),
            models.Index(fields=["practice", "supplier_id"], name="message_by_supplier_id"),
            models.Index(
                fields=["practice", "created_at"],
                name="messages_to_read",
                condition=Q(needs_person=True, handled_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_last_word(self) -> bool:
        """The one text that may follow an opt-out: that it was heard (47 CFR 64.1200(a)(12))."""
        return (
            self.kind == self.Kind.REPLY
            and self.in_reply_to is not None
            and self.in_reply_to.reading == self.Reading.STOP
        )

    @property
    def read_automatically(self) -> bool:
        return bool(self.reading) and self.reading != self.Reading.UNCLEAR


class Suppression(PracticeOwned):
    """An address that asked for silence: nothing leaves to it until it says otherwise."""

    channel = models.CharField(max_length=5, choices=Channel.choices)
    address_index = models.CharField(max_length=32)
    since = models.DateTimeField(default=timezone.now)
    lifted_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=20)  # text, supplier, staff
    message = PracticeForeignKey(Message, models.SET_NULL, null=True, related_name="+")

    objects: ClassVar["models.QuerySet[Suppression]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["practice", "channel", "address_index"],
                condition=Q(lifted_at=None),
                name="suppressed_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} since {self.since}"


class WebhookReceipt(PracticeOwned):
    """A supplier's call that had its effect; the same one again has none."""

    key = models.CharField(max_length=120)
    received_at = models.DateTimeField(default=timezone.now)
    raw = EncryptedJSONField()

    objects: ClassVar["models.QuerySet[WebhookReceipt]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "key"], name="webhook_once"),
        ]

    def __str__(self) -> str:
        return self.key
