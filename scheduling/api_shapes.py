"""What goes into the diary's API and what comes out: bounded fields, words at each of them."""

import datetime as dt
from typing import Any

from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from practices.api_shapes import ProblemShape
from practices.tenancy import current_practice
from scheduling.flow import Stage, stage_of
from scheduling.models import Appointment, CancellationReason, Confirmation, Status
from scheduling.wallclock import YEARS, resolve


def read_moment(data: object) -> dt.datetime | None:
    """A date and time in ISO 8601 within the years that make sense; None for anything else."""
    try:
        moment = parse_datetime(data) if isinstance(data, str) and len(data) <= 40 else None
    except ValueError:
        return None
    return moment if moment is not None and moment.year in YEARS else None


@extend_schema_field(OpenApiTypes.DATETIME)
class InstantField(serializers.Field):  # type: ignore[type-arg]
    """An instant with its offset; one without is refused, because nobody can know whose clock it means."""

    def to_internal_value(self, data: object) -> dt.datetime:
        moment = read_moment(data)
        if moment is None or moment.tzinfo is None:
            raise serializers.ValidationError(
                "Send a date and time with its offset, like 2026-11-24T15:00:00-05:00, from 2000 to 2100."
            )
        return moment.astimezone(dt.UTC)

    def to_representation(self, value: dt.datetime) -> str:
        return value.isoformat()


@extend_schema_field({"type": "string", "example": "2026-11-24T15:00", "maxLength": 40})
class WallClockField(serializers.Field):  # type: ignore[type-arg]
    """A date and time on the practice's wall clock, without an offset."""

    def to_internal_value(self, data: object) -> dt.datetime:
        moment = read_moment(data)
        if moment is None or moment.tzinfo is not None:
            raise serializers.ValidationError(
                "Send the practice's own date and time without an offset, like 2026-11-24T15:00."
            )
        return moment

    def to_representation(self, value: dt.datetime) -> str:
        return value.strftime("%Y-%m-%dT%H:%M")


class NewTime(serializers.Serializer[Any]):
    """When: an instant in `starts_at`, or the practice's wall clock in `local_time`; one of the two."""

    starts_at = InstantField(required=False)
    local_time = WallClockField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("starts_at" in attrs) == ("local_time" in attrs):
            raise serializers.ValidationError({"starts_at": "Send either starts_at or local_time."})
        return attrs

    def instant(self) -> dt.datetime:
        """The instant that was asked for; raises ClockChange on the nights when clocks change."""
        local: dt.datetime | None = self.validated_data.get("local_time")
        if local is None:
            starts_at: dt.datetime = self.validated_data["starts_at"]
            return starts_at
        return resolve(local.date(), local.time(), current_practice().zone)


class Booking(NewTime):
    patient = serializers.UUIDField()
    practitioner = serializers.UUIDField()
    type = serializers.UUIDField()
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    overbook_reason = serializers.CharField(max_length=80, required=False, allow_blank=True)
    tell_patient = serializers.BooleanField(required=False)


class Versioned(serializers.Serializer[Any]):
    """The version that was read: a visit that changed since then answers 409."""

    version = serializers.IntegerField(min_value=1, max_value=2_000_000_000)


class Rescheduling(NewTime, Versioned):
    practitioner = serializers.UUIDField(required=False)
    overbook_reason = serializers.CharField(max_length=80, required=False, allow_blank=True)
    tell_patient = serializers.BooleanField(required=False)


class Cancelling(Versioned):
    reason = serializers.ChoiceField(CancellationReason.choices)
    tell_patient = serializers.BooleanField(required=False)


class Confirming(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=2_000_000_000, required=False)


class SettingStage(Versioned):
    stage = serializers.ChoiceField(Stage.choices)


class DayAsked(serializers.Serializer[Any]):
    day = serializers.DateField()

    def validate_day(self, value: dt.date) -> dt.date:
        return in_years(value)


class TimesAsked(serializers.Serializer[Any]):
    """`from` and `until` are days of the practice, both included, at most 31 of them."""

    MOST_DAYS = 31

    type = serializers.UUIDField()
    practitioner = serializers.UUIDField(required=False)
    until = serializers.DateField()

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"from": serializers.DateField()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = in_years(attrs["from"]), in_years(attrs["until"])
        if not 0 <= (last - first).days < self.MOST_DAYS:
            raise serializers.ValidationError(
                {"until": f"Ask for 1 to {self.MOST_DAYS} days: until comes after from."}
            )
        return attrs


def in_years(day: dt.date) -> dt.date:
    """The day, if it is in the years that make sense."""
    if day.year not in YEARS:
        raise serializers.ValidationError("Choose a day from 2000 to 2100.")
    return day


class Named(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class PractitionerShape(Named):
    short_name = serializers.CharField()
    languages = serializers.CharField()


TYPE_RULES = (
    "minutes", "buffer_before", "buffer_after", "step", "minimum_notice", "maximum_horizon", "capacity",
    "patients_may_choose", "needs_room", "needs_resource", "clinicians",
)  # fmt: skip


class TypeShape(Named):
    """A type with its rules: minutes, minutes of notice, days ahead, places, what it takes."""

    minutes = serializers.IntegerField()
    buffer_before = serializers.IntegerField()
    buffer_after = serializers.IntegerField()
    step = serializers.IntegerField()
    minimum_notice = serializers.IntegerField()
    maximum_horizon = serializers.IntegerField(allow_null=True)
    capacity = serializers.IntegerField()
    patients_may_choose = serializers.BooleanField()
    needs_room = serializers.BooleanField()
    needs_resource = serializers.CharField()
    clinicians = serializers.IntegerField()
    practitioners = serializers.ListField(child=serializers.UUIDField())


class FreeShape(serializers.Serializer[Any]):
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    local_time = serializers.CharField()
    practitioner = serializers.UUIDField()


class AppointmentShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    version = serializers.IntegerField()
    status = serializers.ChoiceField(Status.choices)
    confirmation = serializers.ChoiceField(Confirmation.choices)
    stage = serializers.ChoiceField([*Stage.choices, ("", "Not on the board")])
    patient = Named()
    practitioner = Named()
    type = Named()
    room = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    local_time = serializers.CharField()
    expected_at = serializers.DateTimeField(
        allow_null=True, help_text="When a visit of today will begin, if its clinician is late."
    )
    time_zone = serializers.CharField()
    reason = serializers.CharField()
    note = serializers.CharField()
    overbook_reason = serializers.CharField()
    arrived_at = serializers.DateTimeField(allow_null=True)
    seen_at = serializers.DateTimeField(allow_null=True)
    left_at = serializers.DateTimeField(allow_null=True)
    needs = serializers.ListField(child=serializers.CharField())
    walk_in = serializers.BooleanField()
    follow_up = serializers.UUIDField(allow_null=True)
    rescheduled_from = serializers.UUIDField(allow_null=True)
    cancellation_reason = serializers.CharField()


class BookingProblemShape(ProblemShape):
    """A taken time adds `next_times`, a stale version `current`, an ambiguous time `instants`."""

    next_times = FreeShape(many=True, required=False)
    current = AppointmentShape(required=False)
    instants = serializers.ListField(child=serializers.DateTimeField(), required=False)


def free_shape(free: Any) -> dict[str, Any]:
    """A FreeTime as the API says it."""
    return {
        "starts_at": free.starts_at,
        "ends_at": free.ends_at,
        "local_time": free.starts_at.astimezone(current_practice().zone).strftime("%Y-%m-%dT%H:%M"),
        "practitioner": free.practitioner.pk,
    }


def appointment_shape(visit: Appointment, expected_at: dt.datetime | None = None) -> dict[str, Any]:
    """A visit as the API says it; needs `with_people()` rows to stay at one query."""
    names = ("id", "version", "status", "confirmation", "starts_at", "ends_at", "time_zone", "reason", "note")
    more = ("overbook_reason", "arrived_at", "seen_at", "left_at", "cancellation_reason")
    return {name: getattr(visit, name) for name in (*names, *more)} | {
        "stage": stage_of(visit),
        "patient": {"id": visit.patient_id, "name": visit.patient.full_name},
        "practitioner": {"id": visit.practitioner_id, "name": visit.practitioner.name},
        "type": {"id": visit.appointment_type_id, "name": visit.appointment_type.name},
        "room": visit.room.name if visit.room else "",
        "local_time": f"{visit.local_date}T{visit.local_time:%H:%M}",
        "expected_at": expected_at,
        "needs": visit.needs,
        "walk_in": visit.walk_in,
        "follow_up": visit.follow_up_id,
        "rescheduled_from": visit.rescheduled_from_id,
    }
