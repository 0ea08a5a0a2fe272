"""Who waits for a time, what opened, who was asked for it and who was not: the rows of the waitlist."""

import datetime as dt
import hashlib
import secrets
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from messaging.models import Message
from patients.models import Patient
from practices.encryption import EncryptedTextField
from practices.models import User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped
from scheduling.models.appointment import Appointment, Status
from scheduling.models.roster import AppointmentType, Practitioner


class WaitlistRule(PracticeOwned):
    """How a practice offers what opened: to how many at once, when, and who presses. No row: the defaults.

    Manual shows who fits. Assisted also puts the proposal before a person. Automatic sends it by itself.
    """

    class Mode(models.TextChoices):
        MANUAL = "manual", "By hand: who fits is shown"
        ASSISTED = "assisted", "Assisted: proposed under Needs you, a person presses"
        AUTOMATIC = "automatic", "Automatic: texts go out by themselves"

    mode = models.CharField(max_length=9, choices=Mode.choices, default=Mode.ASSISTED)
    group_size = models.PositiveSmallIntegerField(default=3)
    pause_minutes = models.PositiveSmallIntegerField(default=15)
    first_delay_minutes = models.PositiveSmallIntegerField(default=0)
    send_from = models.TimeField(default=dt.time(8))
    send_to = models.TimeField(default=dt.time(19))
    stop_before_minutes = models.PositiveSmallIntegerField(default=120)  # nobody is asked later than that
    cutoff_minutes = models.PositiveSmallIntegerField(default=60)  # nobody can accept later than that
    rest_hours = models.PositiveSmallIntegerField(default=24)  # whoever was asked is left alone so long

    objects: ClassVar["models.QuerySet[WaitlistRule]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice"], name="one_waitlist_rule"),
            models.CheckConstraint(
                condition=Q(group_size__gte=1, group_size__lte=20), name="waitlist_group_is_sane"
            ),
            models.CheckConstraint(condition=Q(send_from__lt=F("send_to")), name="waitlist_hours_in_order"),
            models.CheckConstraint(
                condition=Q(cutoff_minutes__lte=F("stop_before_minutes")), name="waitlist_asks_before_it_ends"
            ),
        ]

    def __str__(self) -> str:
        return self.mode


class WaitlistEntryQuerySet(models.QuerySet["WaitlistEntry"]):
    def waiting(self) -> "WaitlistEntryQuerySet":
        return self.filter(state=WaitlistEntry.State.WAITING)

    def outlived(self) -> "WaitlistEntryQuerySet":
        """Still waiting for something earlier than a visit that is cancelled, or that the patient came to."""
        return self.waiting().exclude(appointment=None).exclude(appointment__status=Status.BOOKED)

    def with_people(self) -> "WaitlistEntryQuerySet":
        return self.select_related("patient", "appointment__practitioner", "appointment__appointment_type")


class WaitlistEntry(PracticeOwned):
    """Somebody who would come when a time opens, and which times those are.

    Empty wishes mean any. `appointment` is the visit the patient has now: it is given up when an earlier one
    is taken. `wished_at` is one certain time (an instant) that was taken when it was asked for.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        BOOKED = "booked", "Booked"
        REMOVED = "removed", "Taken off the list"
        EXPIRED = "expired", "Expired"

    class Urgency(models.IntegerChoices):
        URGENT = 0, "Urgent"
        SOON = 1, "Soon"
        ROUTINE = 2, "When it suits"

    class Source(models.TextChoices):
        RECORD = "record", "From the record"
        BOOKING = "booking", "While booking"
        PANEL = "panel", "From the visit"
        API = "api", "By a program"

    patient = PracticeForeignKey(Patient, related_name="waitlist_entries", db_index=False)
    types = ArrayField(models.UUIDField(), default=list)
    practitioners = ArrayField(models.UUIDField(), default=list, blank=True)
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)  # 1 is Monday
    not_before = models.TimeField(null=True, blank=True)
    not_after = models.TimeField(null=True, blank=True)  # when the visit has to be over
    notice_hours = models.PositiveSmallIntegerField(default=2)
    first_day = models.DateField(null=True, blank=True)
    last_day = models.DateField(null=True, blank=True)  # after it the entry expires
    urgency = models.PositiveSmallIntegerField(choices=Urgency.choices, default=Urgency.ROUTINE)
    wished_at = models.DateTimeField(null=True, blank=True)
    appointment = PracticeForeignKey(Appointment, null=True, blank=True, related_name="+")
    note = EncryptedTextField(blank=True, default="")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.RECORD)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    last_asked_at = models.DateTimeField(null=True)
    times_asked = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=80, blank=True)
    booked = PracticeForeignKey(Appointment, null=True, related_name="+")  # what came of it

    objects: ClassVar[WaitlistEntryQuerySet] = scoped(WaitlistEntryQuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(not_before=None) | Q(not_after=None) | Q(not_before__lt=F("not_after")),
                name="waitlist_wish_in_order",
            ),
            models.UniqueConstraint(
                fields=["practice", "patient", "wished_at"],
                condition=Q(state="waiting", wished_at__isnull=False),
                name="wished_time_once",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["practice", "urgency", "created_at"],
                name="waitlist_waiting",
                condition=Q(state="waiting"),
            ),
            models.Index(fields=["practice", "patient"], name="waitlist_of_patient"),
            models.Index(
                fields=["practice", "last_day"],
                name="waitlist_to_expire",
                condition=Q(state="waiting", last_day__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Entry {self.pk}"

    @property
    def is_waiting(self) -> bool:
        return self.state == self.State.WAITING

    @property
    def visit_given_up(self) -> Appointment | None:
        """The visit that an earlier one takes the place of, as long as it is to come."""
        visit: Appointment | None = self.appointment
        return visit if visit is not None and visit.is_open else None

    @property
    def is_outlived(self) -> bool:
        """Whether it waits for something earlier than a visit that does not stand any more."""
        return self.appointment_id is not None and self.visit_given_up is None


class OpeningQuerySet(models.QuerySet["Opening"]):
    def open(self) -> "OpeningQuerySet":
        return self.filter(state=Opening.State.OPEN)

    def coming(self) -> "OpeningQuerySet":
        return self.open().filter(ends_at__gt=timezone.now())

    def with_people(self) -> "OpeningQuerySet":
        return self.select_related(
            "practitioner__room", "practitioner__location", "freed_by__appointment_type"
        )


class Opening(PracticeOwned):
    """A stretch of a clinician's time that became free, written with the change that freed it.

    `due_at` is when the next thing happens by itself: the next group is asked, or the proposal is put before
    a person. Before `shown_from` the change may still be taken back, or a hold stands.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        FILLED = "filled", "Filled"
        CLOSED = "closed", "Closed"

    class Cause(models.TextChoices):
        CANCELLED = "cancelled", "A visit was cancelled"
        MOVED = "moved", "A visit was moved"
        RELEASED = "released", "A held time was let go"
        UNDONE = "undone", "A booking was taken back"
        REST = "rest", "A part of an opening is left"
        PLACED = "placed", "Offered by hand"

    practitioner = PracticeForeignKey(Practitioner, related_name="openings")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    cause = models.CharField(max_length=9, choices=Cause.choices)
    freed_by = PracticeForeignKey(Appointment, null=True, related_name="openings")
    session = models.UUIDField(null=True)  # a seat of a group visit of the type of `freed_by`
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField(default=timezone.now)
    shown_from = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(null=True)
    batch = models.PositiveSmallIntegerField(default=0)  # groups asked so far
    closed_at = models.DateTimeField(null=True)
    closed_why = models.CharField(max_length=80, blank=True)
    filled_by = PracticeForeignKey(Appointment, null=True, related_name="+")

    objects: ClassVar[OpeningQuerySet] = scoped(OpeningQuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="opening_in_order"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["practice", "practitioner", "starts_at"],
                name="openings_open",
                condition=Q(state="open"),
            ),
            models.Index(
                fields=["practice", "due_at"],
                name="openings_due",
                condition=Q(state="open", due_at__isnull=False),
            ),
            models.Index(fields=["practice", "-opened_at"], name="openings_latest"),
        ]

    def __str__(self) -> str:
        return f"Opening {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def minutes(self) -> int:
        return round((self.ends_at - self.starts_at).total_seconds() / 60)


class OfferQuerySet(models.QuerySet["Offer"]):
    def standing(self) -> "OfferQuerySet":
        """Asked, and neither answered nor gone."""
        return self.filter(state__in=Offer.STANDING)

    def held(self) -> "OfferQuerySet":
        """Locked, in one order for everybody who locks several of them."""
        return self.select_for_update(of=("self",)).order_by("pk")

    def not_in_use(self) -> "OfferQuerySet":
        """Locked, without those that somebody is answering or ending at this moment."""
        return self.select_for_update(of=("self",), skip_locked=True).order_by("pk")

    def with_all(self) -> "OfferQuerySet":
        return self.select_related(
            "entry__patient",
            "entry__appointment",
            "opening__practitioner__room",
            "opening__practitioner__location",
            "appointment_type",
            "message",
        )


class Offer(PracticeOwned):
    """That one opening was offered to one entry: by which message, in which place of the order, and why.

    The link's token is stored hashed (SECURITY.md C1). At most one offer of an opening is ever accepted: the
    database says so, whoever answers how.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Goes out"
        SENT = "sent", "Asked"
        ACCEPTED = "accepted", "Said yes"
        DECLINED = "declined", "Not this one"
        EXPIRED = "expired", "No answer in time"
        LOST = "lost", "Somebody else had it first"
        WITHDRAWN = "withdrawn", "Taken back before it left"

    STANDING = (State.QUEUED, State.SENT)
    WRONG_DATES_ALLOWED = 5

    opening = PracticeForeignKey(Opening, models.CASCADE, related_name="offers", db_index=False)
    entry = PracticeForeignKey(WaitlistEntry, models.CASCADE, related_name="offers", db_index=False)
    appointment_type = PracticeForeignKey(AppointmentType, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    message = PracticeForeignKey(Message, models.SET_NULL, null=True, related_name="+", db_index=False)
    told = PracticeForeignKey(Message, models.SET_NULL, null=True, related_name="+")  # that it is gone
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    batch = models.PositiveSmallIntegerField()
    place = models.PositiveSmallIntegerField()  # in the order of this opening
    reasons = ArrayField(models.CharField(max_length=120), default=list)
    token_hash = models.CharField(max_length=64)
    wrong_dates = models.PositiveSmallIntegerField(default=0)
    locked_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=10, blank=True)  # text, email, link, phone, api
    visit = PracticeForeignKey(Appointment, null=True, related_name="+")

    objects: ClassVar[OfferQuerySet] = scoped(OfferQuerySet)

    class Meta:
        ordering = ("place",)
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "token_hash"], name="offer_link_once"),
            models.UniqueConstraint(fields=["practice", "opening", "entry"], name="asked_once_per_opening"),
            models.UniqueConstraint(
                fields=["practice", "opening"],
                condition=Q(state="accepted"),
                name="one_winner_per_opening",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "entry", "-created_at"], name="offers_of_entry"),
            models.Index(fields=["practice", "message"], name="offers_of_message"),
            models.Index(
                fields=["practice", "expires_at"],
                name="offers_standing",
                condition=Q(state__in=["queued", "sent"]),
            ),
        ]

    def __str__(self) -> str:
        return f"Offer {self.pk}"

    @property
    def stands(self) -> bool:
        return self.state in self.STANDING

    @property
    def visit_to_come(self) -> Appointment | None:
        """The visit that a yes booked, unless it was cancelled or moved, or has been."""
        visit: Appointment | None = self.visit
        yes = self.state == self.State.ACCEPTED
        return visit if yes and visit is not None and visit.is_open else None

    @staticmethod
    def new_token(link_code: str) -> str:
        """The practice's public code, then 128 random bits."""
        return link_code + secrets.token_urlsafe(16)

    @staticmethod
    def hash_of(token: str) -> str:
        """Bound to its purpose: the same token under /v/ is another hash."""
        return hashlib.sha256(f"offer:{token}".encode()).hexdigest()


class PassedOver(PracticeOwned):
    """That an entry was looked at for an opening and not asked, and why; the newest look counts."""

    opening = PracticeForeignKey(Opening, models.CASCADE, related_name="passed_over", db_index=False)
    entry = PracticeForeignKey(WaitlistEntry, models.CASCADE, related_name="+")
    why = models.CharField(max_length=120)
    at = models.DateTimeField(default=timezone.now)

    objects: ClassVar["models.QuerySet[PassedOver]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("at",)
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "opening", "entry"], name="passed_over_once"),
        ]

    def __str__(self) -> str:
        return self.why
