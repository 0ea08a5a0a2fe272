"""What a visit may take beside clinician and room, when it can be had, and time kept for some visits only."""

import datetime as dt
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint

from practices.models import Location, Weekday
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped
from scheduling.models.roster import AppointmentType, Practitioner, ResourceKind


class ResourceQuerySet(models.QuerySet["Resource"]):
    def in_use(self) -> "ResourceQuerySet":
        return self.filter(active=True)


class Resource(PracticeOwned):
    """An interpreter, a device, or something else of which a visit takes one at a time.

    One without hours can be had whenever the practice is open.
    """

    kind = models.CharField(max_length=12, choices=ResourceKind.choices)
    name = models.CharField(max_length=60)
    languages = ArrayField(models.CharField(max_length=30), default=list, blank=True)  # of an interpreter
    location = PracticeForeignKey(Location, null=True, blank=True, related_name="+")
    active = models.BooleanField(default=True)

    objects: ClassVar[ResourceQuerySet] = scoped(ResourceQuerySet)

    class Meta:
        ordering = ("kind", "name")

    def __str__(self) -> str:
        return self.name

    def speaks(self, language: str) -> bool:
        """Whether an interpreter has the language, however it is written; any will do for none."""
        wanted = language.strip().casefold()
        return not wanted or wanted in {one.strip().casefold() for one in self.languages}


class ResourceHours(PracticeOwned):
    """When a resource can be had on a weekday, on the wall clock of its place, while valid."""

    resource = PracticeForeignKey(Resource, models.CASCADE, related_name="weekly_hours", db_index=False)
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    starts = models.TimeField()
    ends = models.TimeField()
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)  # included

    objects: ClassVar["models.QuerySet[ResourceHours]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("weekday", "starts")
        verbose_name_plural = "resource hours"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="resource_hours_in_order"),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_from=None) | Q(valid_until__gte=F("valid_from")),
                name="resource_validity_in_order",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "resource", "weekday"], name="hours_of_resource"),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.starts:%H:%M}–{self.ends:%H:%M}"

    def valid_on(self, day: dt.date) -> bool:
        return within(self, day)


class ResourceTimeOff(PracticeOwned):
    """A span in which a resource cannot be had: an interpreter on leave, a device in repair."""

    resource = PracticeForeignKey(Resource, models.CASCADE, related_name="time_off", db_index=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    label = models.CharField(max_length=60, default="Out")

    objects: ClassVar["models.QuerySet[ResourceTimeOff]"] = scoped(models.QuerySet)

    class Meta:
        verbose_name_plural = "resource time off"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="resource_time_off_in_order"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "resource", "starts_at"], name="time_off_of_resource"),
        ]

    def __str__(self) -> str:
        return self.label


class ReservedBlock(PracticeOwned):
    """Weekly time kept for some visits: certain types, new patients, or nobody until it opens.

    Without a practitioner it is kept with everybody. From `opens_at` on the wall clock, `opens_days_before`
    days before the day itself, anybody may have what is left: a same-day spot is a block that names no type
    and opens on its own day.
    """

    name = models.CharField(max_length=40)
    practitioner = PracticeForeignKey(
        Practitioner, models.CASCADE, null=True, blank=True, related_name="reserved_blocks"
    )
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    starts = models.TimeField()
    ends = models.TimeField()
    new_patients_only = models.BooleanField(default=False)
    opens_days_before = models.PositiveSmallIntegerField(null=True, blank=True)
    opens_at = models.TimeField(null=True, blank=True)
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)  # included

    objects: ClassVar["models.QuerySet[ReservedBlock]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("weekday", "starts", "name")
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="block_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_from=None) | Q(valid_until__gte=F("valid_from")),
                name="block_validity_in_order",
            ),
            models.CheckConstraint(
                condition=Q(opens_days_before=None, opens_at=None)
                | Q(opens_days_before__lte=60, opens_at__isnull=False),
                name="block_opens_by_day_and_hour",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "weekday"], name="blocks_of_weekday"),
        ]

    def __str__(self) -> str:
        return self.name

    def valid_on(self, day: dt.date) -> bool:
        return within(self, day)


class ReservedBlockType(PracticeOwned):
    """A type of visit for which a block is kept."""

    block = PracticeForeignKey(ReservedBlock, models.CASCADE, related_name="kept_for", db_index=False)
    appointment_type = PracticeForeignKey(AppointmentType, models.CASCADE, related_name="+")

    objects: ClassVar["models.QuerySet[ReservedBlockType]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "block", "appointment_type"], name="block_type_once"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


def within(row: ResourceHours | ReservedBlock, day: dt.date) -> bool:
    """Whether a row holds on a day; both ends of its validity are included."""
    return (row.valid_from is None or row.valid_from <= day) and (
        row.valid_until is None or day <= row.valid_until
    )
