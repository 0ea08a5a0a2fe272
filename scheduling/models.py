"""The diary: who sees patients when, and the visits themselves."""

import datetime as dt
import hashlib
import secrets
from typing import Any, ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from messaging.models import Message
from patients.models import Patient
from practices.encryption import EncryptedJSONField, EncryptedTextField
from practices.models import Location, Room, User, Weekday
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped


class PractitionerQuerySet(models.QuerySet["Practitioner"]):
    def in_use(self) -> "PractitionerQuerySet":
        return self.filter(active=True)


class Practitioner(PracticeOwned):
    """Somebody who sees patients (FHIR R4 Practitioner); may or may not sign in."""

    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=80, help_text="As patients know them: Dr. Amara Osei.")
    short_name = models.CharField(max_length=40, help_text="As staff say: Dr. Osei.")
    initials = models.CharField(max_length=3)
    gender = models.CharField(max_length=10, blank=True)
    languages = models.CharField(max_length=40, blank=True)
    room = PracticeForeignKey(Room, models.SET_NULL, null=True, blank=True, related_name="+")
    location = PracticeForeignKey(Location, null=True, blank=True, related_name="+")
    position = models.PositiveSmallIntegerField(default=0, help_text="Order of the columns.")
    active = models.BooleanField(default=True)

    objects: ClassVar[PractitionerQuerySet] = scoped(PractitionerQuerySet)

    class Meta:
        ordering = ("position", "name")

    def __str__(self) -> str:
        return self.short_name


class AppointmentType(PracticeOwned):
    """A kind of visit: how long it takes and who offers it. What patients read never names it."""

    name = models.CharField(max_length=60)
    minutes = models.PositiveSmallIntegerField()
    practitioners: Any = models.ManyToManyField(
        Practitioner, through="AppointmentTypeOffer", related_name="appointment_types"
    )
    for_new_patients = models.BooleanField(default=False)
    video = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(default=True)

    objects: ClassVar["models.QuerySet[AppointmentType]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("position", "name")
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(minutes__gte=5) & Q(minutes__lte=480), name="type_has_a_sane_length"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def length(self) -> dt.timedelta:
        return dt.timedelta(minutes=self.minutes)


class AppointmentTypeOffer(PracticeOwned):
    """That a practitioner offers a type of visit."""

    appointment_type = PracticeForeignKey(AppointmentType, models.CASCADE, related_name="offers")
    practitioner = PracticeForeignKey(Practitioner, models.CASCADE, related_name="offers")

    objects: ClassVar["models.QuerySet[AppointmentTypeOffer]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["practice", "appointment_type", "practitioner"], name="offer_once"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class WeeklyHours(PracticeOwned):
    """When a practitioner sees patients on a weekday, on the practice's wall clock, while valid.

    A lunch break is the gap between two rows of a day.
    """

    practitioner = PracticeForeignKey(Practitioner, models.CASCADE, related_name="weekly_hours")
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    starts = models.TimeField()
    ends = models.TimeField()
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)  # included

    objects: ClassVar["models.QuerySet[WeeklyHours]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("weekday", "starts")
        verbose_name_plural = "weekly hours"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="hours_end_after_they_start"),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_from=None) | Q(valid_until__gte=F("valid_from")),
                name="hours_validity_in_order",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "practitioner", "weekday"], name="hours_of_practitioner"),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.starts:%H:%M}–{self.ends:%H:%M}"

    def valid_on(self, day: dt.date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


class TimeOff(PracticeOwned):
    """A span in which a practitioner sees nobody."""

    practitioner = PracticeForeignKey(Practitioner, models.CASCADE, related_name="time_off")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    label = models.CharField(max_length=60, default="Out")  # shown on the board: no private reason

    objects: ClassVar["models.QuerySet[TimeOff]"] = scoped(models.QuerySet)

    class Meta:
        verbose_name_plural = "time off"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="time_off_in_order"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "practitioner", "starts_at"], name="time_off_of_practitioner"),
        ]

    def __str__(self) -> str:
        return self.label


class Span(Func):
    """tstzrange(starts_at, ends_at), for the exclusion constraint."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class Status(models.TextChoices):
    """Booking status, FHIR R4 Appointment.status."""

    BOOKED = "booked", "Booked"
    ARRIVED = "arrived", "Arrived"
    FULFILLED = "fulfilled", "Done"
    CANCELLED = "cancelled", "Cancelled"
    NOSHOW = "noshow", "No-show"
    ENTERED_IN_ERROR = "entered-in-error", "Entered in error"


ACTIVE = [Status.BOOKED, Status.ARRIVED, Status.FULFILLED]


class Confirmation(models.TextChoices):
    """What is known of the patient's intention; its own axis beside booking and flow."""

    UNSENT = "unsent", "Not asked yet"
    SENT = "sent", "Asked"
    DELIVERED = "delivered", "Asked, delivered"
    LEFT_MESSAGE = "left_message", "Left a message"
    CONFIRMED = "confirmed", "Confirmed"
    CHANGE_REQUESTED = "change_requested", "Wants another time"
    CALLBACK_REQUESTED = "callback_requested", "Wants a call"
    DECLINED = "declined", "Cannot come"
    UNDELIVERABLE = "undeliverable", "Could not be reached"


class CancellationReason(models.TextChoices):
    """FHIR appointment-cancellation-reason, the codes a front desk uses, in its own words."""

    PATIENT = "pat", "Patient: other reason"
    PATIENT_REMINDER = "pat-crs", "Patient: answered a reminder"
    PATIENT_LINK = "pat-cpp", "Patient: by the link"
    PATIENT_BETTER = "pat-fb", "Patient: feels better"
    PATIENT_TRANSPORT = "pat-lt", "Patient: no transport"
    PATIENT_MOVED = "pat-mv", "Patient: moved away"
    PATIENT_OTHER_PROVIDER = "pat-ucp", "Patient: sees somebody else"
    PATIENT_DECEASED = "pat-dec", "Patient: died"
    PROVIDER = "prov", "Clinician: other reason"
    PROVIDER_PERSONAL = "prov-pers", "Clinician: away"
    NO_INTERPRETER = "oth-int", "No interpreter"
    NO_ROOM = "oth-room", "No room"
    WEATHER = "oth-weath", "Weather"
    ERROR = "oth-err", "Booked by mistake"
    OTHER = "other", "Other"


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def active(self) -> "AppointmentQuerySet":
        """Visits that take up their time."""
        return self.filter(status__in=ACTIVE)

    def on(self, day: dt.date) -> "AppointmentQuerySet":
        """Visits of a practice-local date."""
        return self.filter(local_date=day)

    def on_board(self) -> "AppointmentQuerySet":
        """What a day's board shows: everything but what was cancelled or never was."""
        return self.exclude(status__in=[Status.CANCELLED, Status.ENTERED_IN_ERROR])

    def unconfirmed(self) -> "AppointmentQuerySet":
        return self.filter(status=Status.BOOKED).exclude(confirmation=Confirmation.CONFIRMED)

    def with_people(self) -> "AppointmentQuerySet":
        return self.select_related("patient", "practitioner", "appointment_type", "room")

    def overlapping(self, starts_at: dt.datetime, ends_at: dt.datetime) -> "AppointmentQuerySet":
        return self.filter(starts_at__lt=ends_at, ends_at__gt=starts_at)


class Appointment(PracticeOwned):
    """A visit (FHIR R4 Appointment) on three axes: booking, confirmation, flow.

    The wall clock and zone that were agreed are kept beside the instant, so that a change of zone rules
    can be carried out. `version` grows with each change: pages send it back, a stale one is refused.
    """

    patient = PracticeForeignKey(Patient, related_name="appointments")
    practitioner = PracticeForeignKey(Practitioner, related_name="appointments")
    appointment_type = PracticeForeignKey(AppointmentType, related_name="appointments")
    room = PracticeForeignKey(Room, models.SET_NULL, null=True, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    local_date = models.DateField()
    local_time = models.TimeField()
    time_zone = models.CharField(max_length=40)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.BOOKED)
    confirmation = models.CharField(max_length=20, choices=Confirmation.choices, default=Confirmation.UNSENT)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.CharField(max_length=10, blank=True)  # text, link, phone, staff, api
    arrived_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    reason = EncryptedTextField(blank=True, default="")
    note = EncryptedTextField(blank=True, default="")
    overbook_reason = models.CharField(max_length=80, blank=True)
    rescheduled_from = PracticeForeignKey("self", null=True, related_name="rescheduled_to")
    cancelled_at = models.DateTimeField(null=True)
    cancellation_reason = models.CharField(max_length=10, choices=CancellationReason.choices, blank=True)
    booked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar[AppointmentQuerySet] = scoped(AppointmentQuerySet)

    class Meta:
        ordering = ("starts_at",)
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="visit_in_order"),
            ExclusionConstraint(
                name="no_double_booking",
                expressions=[
                    ("practitioner", RangeOperators.EQUAL),
                    (Span("starts_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=Q(status__in=ACTIVE) & Q(overbook_reason=""),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "local_date", "practitioner"], name="visits_of_day"),
            models.Index(
                fields=["practice", "practitioner", "starts_at"],
                include=["ends_at"],
                name="visits_taken",
                condition=Q(status__in=ACTIVE),
            ),
            models.Index(fields=["practice", "patient", "-starts_at"], name="visits_of_patient"),
        ]

    def __str__(self) -> str:
        return f"Appointment {self.pk}"

    @property
    def stage(self) -> str:
        """The one word the board shows: book, conf, arr, vis, done, bad or off."""
        if self.status in {Status.CANCELLED, Status.ENTERED_IN_ERROR}:
            return "off"
        if self.status == Status.NOSHOW:
            return "bad"
        if self.status == Status.FULFILLED:
            return "done"
        if self.status == Status.ARRIVED:
            return "vis" if self.seen_at else "arr"
        return "conf" if self.confirmation == Confirmation.CONFIRMED else "book"

    @property
    def minutes(self) -> int:
        return round((self.ends_at - self.starts_at).total_seconds() / 60)

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def is_open(self) -> bool:
        """Booked, and neither here nor over: it can be moved, confirmed or cancelled."""
        return self.status == Status.BOOKED

    @property
    def can_confirm(self) -> bool:
        return self.is_open and self.confirmation != Confirmation.CONFIRMED


class AppointmentSource(PracticeOwned):
    """A visit's number in another system, for imports that run twice."""

    appointment = PracticeForeignKey(Appointment, models.CASCADE, related_name="sources")
    system = models.CharField(max_length=60)
    value = models.CharField(max_length=100)

    objects: ClassVar["models.QuerySet[AppointmentSource]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "system", "value"], name="appointment_source_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "appointment"], name="sources_of_visit"),
        ]

    def __str__(self) -> str:
        return f"{self.system} of {self.appointment_id}"


class Change(PracticeOwned):
    """One change to the diary that can be taken back until `undo_until`; the bar below the board shows it."""

    class Kind(models.TextChoices):
        BOOKED = "booked", "booked"
        MOVED = "moved", "moved"
        CANCELLED = "cancelled", "cancelled"
        STATUS = "status", "changed"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    appointment = PracticeForeignKey(Appointment, related_name="changes")
    previous = PracticeForeignKey(Appointment, null=True, related_name="+")  # moved: the visit it was before
    before = EncryptedJSONField(null=True)  # status: the fields as they were
    version = models.PositiveIntegerField()  # of the appointment after the change
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    undo_until = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    objects: ClassVar["models.QuerySet[Change]"] = scoped(models.QuerySet)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "made_by", "-made_at"], name="changes_of_person"),
            models.Index(fields=["practice", "appointment", "-made_at"], name="changes_of_visit"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Notice(PracticeOwned):
    """That a message speaks of a visit: which rule asked for it, and of which version of the visit."""

    appointment = PracticeForeignKey(Appointment, models.CASCADE, related_name="notices")
    message = PracticeForeignKey(Message, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=20)  # confirmation, reminder-2, moved, cancelled
    version = models.PositiveIntegerField()

    objects: ClassVar["models.QuerySet[Notice]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "message"], name="notice_of_message"),
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

    WRONG_DATES_ALLOWED = 5

    appointment = PracticeForeignKey(Appointment, models.CASCADE, related_name="links")
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
