"""What is taken: one row per resource of each visit and each hold, and the one constraint over them all."""

import datetime as dt
import uuid
from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from practices.models import Room, User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped
from scheduling.models.appointment import LONGEST_VISIT, Appointment, Span
from scheduling.models.resources import Resource
from scheduling.models.roster import AppointmentType, Practitioner

SESSIONS = uuid.UUID("8f0c6f4e-0f6c-4a9c-9d53-5b8a3b1e7c21")  # the namespace of group visits' names


class HoldQuerySet(models.QuerySet["Hold"]):
    def standing(self) -> "HoldQuerySet":
        """Holds that have not run out: a hold ends by its clock, no job is needed."""
        return self.filter(expires_at__gt=timezone.now())


class Hold(PracticeOwned):
    """A time kept for somebody who is choosing it (FHIR R4: pending and busy-tentative, with an expiry).

    `key` is the dialog or link that holds: a second choice there takes the place of the first.
    """

    practitioner = PracticeForeignKey(Practitioner, models.CASCADE, related_name="holds", db_index=False)
    appointment_type = PracticeForeignKey(AppointmentType, models.CASCADE, related_name="+")
    room = PracticeForeignKey(Room, models.CASCADE, null=True, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    held_by = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    key = models.CharField(max_length=64)
    label = models.CharField(max_length=60)  # who holds it, as the board says
    session = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[HoldQuerySet] = scoped(HoldQuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="hold_in_order"),
            models.UniqueConstraint(fields=["practice", "key"], name="one_hold_per_dialog"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "practitioner", "starts_at"], name="holds_of_practitioner"),
        ]

    def __str__(self) -> str:
        return f"Hold {self.pk}"


class Participant(PracticeOwned):
    """Somebody else whom a visit needs beside its own clinician (FHIR R4 Appointment.participant)."""

    appointment = PracticeForeignKey(Appointment, models.CASCADE, related_name="participants", db_index=False)
    practitioner = PracticeForeignKey(Practitioner, null=True, related_name="+")
    resource = PracticeForeignKey(Resource, null=True, related_name="+")

    objects: ClassVar["models.QuerySet[Participant]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["practice", "appointment", "practitioner"], name="participant_once"
            ),
            models.UniqueConstraint(
                fields=["practice", "appointment", "resource"], name="participating_resource_once"
            ),
            models.CheckConstraint(
                condition=Q(practitioner__isnull=False, resource=None)
                | Q(practitioner=None, resource__isnull=False),
                name="participant_is_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"Participant of {self.appointment_id}"


class BusySlotQuerySet(models.QuerySet["BusySlot"]):
    def standing(self, now: dt.datetime | None = None) -> "BusySlotQuerySet":
        """What is taken now: a hold that has run out takes nothing."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now or timezone.now()))

    def between(
        self, starts_at: dt.datetime, ends_at: dt.datetime, since: dt.datetime | None = None
    ) -> "BusySlotQuerySet":
        """What takes some of this time. `since`, LONGEST_VISIT before it, keeps the look out of history."""
        since = since or starts_at - LONGEST_VISIT
        return self.filter(starts_at__lt=ends_at, starts_at__gt=since, ends_at__gt=starts_at)


class BusySlot(PracticeOwned):
    """A stretch of a resource's time that a visit or a hold takes (FHIR R4 Slot, busy or busy-tentative).

    The rows of visits are written by a trigger on the visits' own table, with the buffers of the visit: no
    way of saving a visit goes past the constraint. `party` is the visit or the hold, or the session that the
    members of a group share. Only binding rows exclude each other: a visit that was squeezed in on purpose
    is busy and binds nobody.
    """

    resource_id = models.UUIDField()  # a practitioner, room or other resource
    appointment = PracticeForeignKey(
        Appointment, models.CASCADE, null=True, related_name="busy_slots", db_index=False
    )
    hold = PracticeForeignKey(Hold, models.CASCADE, null=True, related_name="busy_slots", db_index=False)
    party = models.UUIDField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)  # of holds
    binding = models.BooleanField(default=True)

    objects: ClassVar[BusySlotQuerySet] = scoped(BusySlotQuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="busy_in_order"),
            models.CheckConstraint(
                condition=Q(appointment__isnull=False, hold=None, expires_at=None)
                | Q(appointment=None, hold__isnull=False, expires_at__isnull=False),
                name="busy_by_a_visit_or_a_hold",
            ),
            ExclusionConstraint(
                name="no_double_booking",
                expressions=[
                    ("practice", RangeOperators.EQUAL),
                    ("resource_id", RangeOperators.EQUAL),
                    (Span("starts_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
                    ("party", RangeOperators.NOT_EQUAL),
                ],
                condition=Q(binding=True),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["practice", "resource_id", "starts_at"],
                include=["ends_at", "expires_at", "party"],
                name="busy_of_resource",
            ),
            models.Index(fields=["practice", "appointment"], name="busy_of_visit"),
            models.Index(fields=["practice", "hold"], name="busy_of_hold"),
        ]

    def __str__(self) -> str:
        return f"{self.resource_id} busy"


def session_of(practitioner_id: uuid.UUID, type_id: uuid.UUID, starts_at: dt.datetime) -> uuid.UUID:
    """The name that all visits of one group share: same clinician, same type, same start (an instant)."""
    return uuid.uuid5(SESSIONS, f"{practitioner_id}|{type_id}|{starts_at.timestamp():.0f}")
