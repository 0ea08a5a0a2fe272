"""Visits that belong together: a series of one patient, or visits that are linked to each other."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from patients.models import Patient
from practices.models import User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped


class Series(PracticeOwned):
    """Visits of one patient at regular distances. Each visit keeps its own place (`series_position`).

    `rule` is the recurrence it was made from (RFC 5545, without times), `total` the number of dates booked.
    """

    MOST_DATES = 52

    patient = PracticeForeignKey(Patient, related_name="series", db_index=False)
    rule = models.CharField(max_length=200)
    total = models.PositiveSmallIntegerField()
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar["models.QuerySet[Series]"] = scoped(models.QuerySet)

    class Meta:
        verbose_name_plural = "series"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(total__gte=2, total__lte=52), name="series_within_reason"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient"], name="series_of_patient"),
        ]

    def __str__(self) -> str:
        return f"Series {self.pk}"


class LinkedVisits(PracticeOwned):
    """Visits that belong together on one day: nurse then doctor, or a parent and children side by side."""

    class Shape(models.TextChoices):
        IN_TURN = "in-turn", "One after the other"
        SIDE_BY_SIDE = "side-by-side", "At the same time"

    MOST = 6

    shape = models.CharField(max_length=12, choices=Shape.choices)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar["models.QuerySet[LinkedVisits]"] = scoped(models.QuerySet)

    class Meta:
        verbose_name_plural = "linked visits"

    def __str__(self) -> str:
        return f"Linked visits {self.pk}"
