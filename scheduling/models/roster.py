"""Who sees patients when, and which kinds of visits they offer."""

import datetime as dt
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint

from practices.models import Location, Room, User, Weekday
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped

USUAL_STEP = 15


class ResourceKind(models.TextChoices):
    """What a visit may take beside clinician and room."""

    INTERPRETER = "interpreter", "Interpreter"
    DEVICE = "device", "Device"
    OTHER = "other", "Other"


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
    # Minutes kept free around each visit, and how many patients one visit of this type can take.
    buffer_before = models.PositiveSmallIntegerField(default=0)
    buffer_after = models.PositiveSmallIntegerField(default=0)
    capacity = models.PositiveSmallIntegerField(default=1)
    # When it can begin: every so many minutes, with so much notice (minutes), so far ahead (days).
    slot_interval = models.PositiveSmallIntegerField(null=True, blank=True)
    minimum_notice = models.PositiveIntegerField(default=0)
    maximum_horizon = models.PositiveSmallIntegerField(null=True, blank=True)
    patients_may_choose = models.BooleanField(default=True)
    # What it takes beside its clinician.
    needs_room = models.BooleanField(default=False)
    needs_resource = models.CharField(max_length=12, blank=True, choices=ResourceKind.choices)
    clinicians = models.PositiveSmallIntegerField(default=1)
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
            models.CheckConstraint(
                condition=Q(buffer_before__lte=240, buffer_after__lte=240), name="type_has_sane_buffers"
            ),
            models.CheckConstraint(
                condition=Q(capacity__gte=1, capacity__lte=100), name="type_has_a_sane_capacity"
            ),
            models.CheckConstraint(
                condition=Q(slot_interval=None) | Q(slot_interval__gte=5, slot_interval__lte=480),
                name="type_has_a_sane_interval",
            ),
            models.CheckConstraint(condition=Q(minimum_notice__lte=129_600), name="type_has_a_sane_notice"),
            models.CheckConstraint(
                condition=Q(clinicians__gte=1, clinicians__lte=2), name="type_has_one_or_two_clinicians"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def length(self) -> dt.timedelta:
        return dt.timedelta(minutes=self.minutes)

    @property
    def step(self) -> int:
        """How many minutes lie between two starts."""
        return self.slot_interval or USUAL_STEP


class AppointmentTypeOffer(PracticeOwned):
    """That a practitioner offers a type of visit."""

    appointment_type = PracticeForeignKey(
        AppointmentType, models.CASCADE, related_name="offers", db_index=False
    )
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
    """When a practitioner sees patients on a weekday, on the wall clock of the place, while valid.

    A lunch break is the gap between two rows of a day. Without a location or room of its own the
    practitioner's counts; a location may keep another clock than the practice.
    """

    practitioner = PracticeForeignKey(
        Practitioner, models.CASCADE, related_name="weekly_hours", db_index=False
    )
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    starts = models.TimeField()
    ends = models.TimeField()
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)  # included
    location = PracticeForeignKey(Location, null=True, blank=True, related_name="+")
    room = PracticeForeignKey(Room, models.SET_NULL, null=True, blank=True, related_name="+")

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

    practitioner = PracticeForeignKey(Practitioner, models.CASCADE, related_name="time_off", db_index=False)
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
