"""The visits themselves, on three axes."""

import datetime as dt
import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from patients.models import Need, Patient
from practices.encryption import EncryptedTextField
from practices.models import Room, User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped
from scheduling.models.roster import AppointmentType, Practitioner
from scheduling.models.series import LinkedVisits, Series


class Span(Func):
    """tstzrange(starts_at, ends_at), for the exclusion constraint over what is taken (`BusySlot`)."""

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


# With buffers: no visit is longer (types take eight hours at most), so no index is read further back.
LONGEST_VISIT = dt.timedelta(hours=36)
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

    def with_clinician(self, practitioner: Practitioner | uuid.UUID) -> "AppointmentQuerySet":
        """Visits of a clinician, and those of colleagues in which she takes part; each once."""
        from scheduling.models.busy import Participant  # which itself refers to visits

        part = Participant.objects.filter(appointment=OuterRef("pk"), practitioner=practitioner)
        return self.filter(Q(practitioner=practitioner) | Exists(part))

    def overlapping(self, starts_at: dt.datetime, ends_at: dt.datetime) -> "AppointmentQuerySet":
        """Visits at some of this time; nothing that began LONGEST_VISIT before it is looked at."""
        since = starts_at - LONGEST_VISIT
        return self.filter(starts_at__lt=ends_at, starts_at__gt=since, ends_at__gt=starts_at)


class Appointment(PracticeOwned):
    """A visit (FHIR R4 Appointment) on three axes: booking, confirmation, flow.

    The wall clock and zone that were agreed are kept beside the instant, so that a change of zone rules
    can be carried out. `version` grows with each change: pages send it back, a stale one is refused.
    """

    patient = PracticeForeignKey(Patient, related_name="appointments", db_index=False)
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
    # As the type of visit asked when it was booked, in minutes; the time they take is taken too.
    buffer_before = models.PositiveSmallIntegerField(default=0)
    buffer_after = models.PositiveSmallIntegerField(default=0)
    session = models.UUIDField(null=True)  # of a group: its members do not exclude each other
    seat = models.PositiveSmallIntegerField(default=0)
    seats = models.PositiveSmallIntegerField(default=1)
    overbook_reason = models.CharField(max_length=80, blank=True)
    series = PracticeForeignKey(Series, null=True, related_name="visits", db_index=False)
    series_position = models.PositiveSmallIntegerField(null=True)  # the third of eight; kept when it moves
    linked = PracticeForeignKey(LinkedVisits, null=True, related_name="visits", db_index=False)
    needs = ArrayField(  # of this visit, beside the patient's own
        models.CharField(max_length=20, choices=Need.choices), default=list, blank=True
    )
    meeting_address = EncryptedTextField(null=True, blank=True)  # of this visit alone; https
    walk_in = models.BooleanField(default=False)
    follow_up = PracticeForeignKey(  # what it was booked for
        "FollowUp", null=True, related_name="+", db_index=False
    )
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
            models.CheckConstraint(condition=Q(seat__lt=F("seats")), name="seat_is_in_the_room"),
            models.CheckConstraint(
                condition=Q(series=None, series_position=None)
                | Q(series__isnull=False, series_position__isnull=False),
                name="series_has_places",
            ),
            models.UniqueConstraint(
                fields=["practice", "session", "seat"],
                condition=Q(status__in=ACTIVE) & Q(overbook_reason="") & Q(session__isnull=False),
                name="one_patient_per_seat",
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
            models.Index(
                fields=["practice", "series", "series_position"],
                name="visits_of_series",
                condition=Q(series__isnull=False),
            ),
            models.Index(
                fields=["practice", "linked"], name="visits_linked", condition=Q(linked__isnull=False)
            ),
            models.Index(
                fields=["practice", "appointment_type", "local_date"],
                name="visits_done_of_type",
                condition=Q(status=Status.FULFILLED),
            ),
        ]

    def __str__(self) -> str:
        return f"Appointment {self.pk}"

    @property
    def stage(self) -> str:
        """The one word the board shows: book, conf, arr, vis, done, bad or off."""
        return board_stage(self.status, self.confirmation, self.seen_at)

    @property
    def minutes(self) -> int:
        return round((self.ends_at - self.starts_at).total_seconds() / 60)

    @property
    def all_needs(self) -> list[str]:
        """What the visit has to provide for: the needs of the record, and those entered on it alone."""
        return list(dict.fromkeys([*self.patient.needs, *self.needs]))

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

    appointment = PracticeForeignKey(Appointment, models.CASCADE, related_name="sources", db_index=False)
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


def board_stage(status: str, confirmation: str, seen_at: dt.datetime | None) -> str:
    """`Appointment.stage` of a row that was read as plain values."""
    if status in {Status.CANCELLED, Status.ENTERED_IN_ERROR}:
        return "off"
    if status == Status.NOSHOW:
        return "bad"
    if status == Status.FULFILLED:
        return "done"
    if status == Status.ARRIVED:
        return "vis" if seen_at else "arr"
    return "conf" if confirmation == Confirmation.CONFIRMED else "book"
