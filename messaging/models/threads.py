"""Conversations: one per patient, and one per number or address that is nobody's; what staff add to them."""

import datetime as dt
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from messaging.models.messages import Message
from messaging.models.tasks import Task
from patients.models import Channel, Patient
from practices.encryption import EncryptedBytesField, EncryptedJSONField, EncryptedTextField
from practices.models import Role, User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def to_do(self, now: dt.datetime | None = None) -> "ConversationQuerySet":
        """What needs somebody now: put off ones come back when their time is up."""
        now = now or timezone.now()
        return self.filter(
            Q(state=Conversation.State.NEEDS_ACTION) & (Q(later_until=None) | Q(later_until__lte=now))
        )

    def mine(self, user: User) -> "ConversationQuerySet":
        return self.exclude(state=Conversation.State.DONE).filter(owner=user)

    def waiting(self, now: dt.datetime | None = None) -> "ConversationQuerySet":
        now = now or timezone.now()
        return self.filter(
            Q(state=Conversation.State.WAITING)
            | Q(state=Conversation.State.NEEDS_ACTION, later_until__gt=now)
        )

    def done(self) -> "ConversationQuerySet":
        return self.filter(state=Conversation.State.DONE)


class Conversation(PracticeOwned):
    """The thread with one patient over texts, e-mails, calls, voicemails and notes; or with one stranger.

    Its messages, calls and notes are found by patient, or by `address_index` where there is no patient. The
    row holds what the inbox sorts by: the state, the owner, the last line.
    """

    class State(models.TextChoices):
        NEEDS_ACTION = "needs-action", "To do"
        WAITING = "waiting", "Waiting for the patient"
        DONE = "done", "Closed"

    class Line(models.TextChoices):
        """What the last line is."""

        TEXT = "text", "Text"
        EMAIL = "email", "E-mail"
        CALL = "call", "Call"
        MISSED = "missed", "Missed call"
        VOICEMAIL = "voicemail", "Voicemail"
        NOTE = "note", "Team note"

    patient = PracticeForeignKey(Patient, models.CASCADE, null=True, related_name="conversations")
    address = EncryptedTextField(blank=True, default="")  # of a stranger: the number or e-mail address
    address_index = models.CharField(max_length=32, blank=True)  # of a stranger; empty with a patient
    channel = models.CharField(max_length=5, choices=Channel.choices, default=Channel.SMS)  # of the last line
    state = models.CharField(max_length=12, choices=State.choices, default=State.NEEDS_ACTION)
    urgency = models.PositiveSmallIntegerField(choices=Task.Urgency.choices, default=Task.Urgency.ROUTINE)
    owner = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    owner_role = models.CharField(max_length=20, choices=Role.choices, blank=True)
    last_at = models.DateTimeField(default=timezone.now)
    last_in_at = models.DateTimeField(null=True)  # unread for a person who has not looked since
    last_line = EncryptedTextField(blank=True, default="")
    last_kind = models.CharField(max_length=9, choices=Line.choices, default=Line.TEXT)
    last_from_them = models.BooleanField(default=True)
    needs_since = models.DateTimeField(null=True)
    later_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar[ConversationQuerySet] = scoped(ConversationQuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["practice", "patient"],
                condition=Q(patient__isnull=False),
                name="one_thread_a_patient",
            ),
            models.UniqueConstraint(
                fields=["practice", "address_index"],
                condition=Q(patient__isnull=True),
                name="one_thread_a_stranger",
            ),
            models.CheckConstraint(
                condition=Q(patient__isnull=False) | ~Q(address_index=""), name="thread_is_with_somebody"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["practice", "urgency", "-last_at"],
                name="threads_open",
                condition=~Q(state="done"),
            ),
            models.Index(fields=["practice", "-last_at"], name="threads_by_time"),
            models.Index(fields=["practice", "address_index"], name="threads_by_address"),
        ]

    def __str__(self) -> str:
        return f"Conversation {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state != self.State.DONE


class ConversationRead(PracticeOwned):
    """Until when a person has seen a conversation."""

    conversation = PracticeForeignKey(Conversation, models.CASCADE, related_name="reads", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    seen_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar["models.QuerySet[ConversationRead]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "conversation", "user"], name="seen_once_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} saw {self.conversation_id}"


class TeamNote(PracticeOwned):
    """What colleagues tell each other beside a conversation. No way leads from here to a patient."""

    conversation = PracticeForeignKey(Conversation, models.CASCADE, related_name="notes", db_index=False)
    body = EncryptedTextField()
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    once_key = models.CharField(max_length=120)

    objects: ClassVar["models.QuerySet[TeamNote]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "once_key"], name="team_note_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "conversation", "created_at"], name="notes_of_thread"),
        ]

    def __str__(self) -> str:
        return f"Note {self.pk}"


class Draft(PracticeOwned):
    """What a person typed and has not sent: kept as typed, on every machine, until it is used or let go.

    `key` names form and subject: `thread:<id>`, `call:<id>:note`, `call:<id>:booking`.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=120)
    fields = EncryptedJSONField()  # name → value, or list of values, as the form would send them
    updated_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar["models.QuerySet[Draft]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "user", "key"], name="one_draft_a_form"),
        ]

    def __str__(self) -> str:
        return self.key


class SavedReply(PracticeOwned):
    """Words the practice often sends, offered by `/` in the composer, with the variables of a template."""

    name = models.CharField(max_length=60)
    body_en = models.TextField()
    body_es = models.TextField(blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar["models.QuerySet[SavedReply]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("position", "name")
        verbose_name_plural = "saved replies"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "name"], name="saved_reply_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Attachment(PracticeOwned):
    """A picture or document that came with a message: in quarantine until it was scanned.

    Content is fetched from the supplier's own host only (SECURITY.md I), judged by its bytes and not by its
    name, and never shown while `state` is anything but clean.
    """

    class State(models.TextChoices):
        ANNOUNCED = "announced", "Not fetched yet"
        QUARANTINE = "quarantine", "Waiting for the virus scanner"
        CLEAN = "clean", "Checked"
        REFUSED = "refused", "Refused"

    message = PracticeForeignKey(Message, models.CASCADE, related_name="attachments", db_index=False)
    position = models.PositiveSmallIntegerField(default=0)
    source_url = EncryptedTextField(blank=True, default="")
    declared_type = models.CharField(max_length=100, blank=True)
    found_type = models.CharField(max_length=40, blank=True)  # by content
    size = models.PositiveIntegerField(default=0)
    content = EncryptedBytesField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ANNOUNCED)
    reason = models.CharField(max_length=60, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar["models.QuerySet[Attachment]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "message", "position"], name="attachment_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["practice", "next_try_at"],
                name="attachments_due",
                condition=Q(state__in=["announced", "quarantine"]),
            ),
        ]

    def __str__(self) -> str:
        return f"Attachment {self.pk}"
