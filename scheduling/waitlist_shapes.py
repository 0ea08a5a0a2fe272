"""What goes into the waitlist's API and what comes out."""

from typing import Any

from rest_framework import serializers

from scheduling.api_shapes import InstantField
from scheduling.matching import Ranking
from scheduling.models import Offer, Opening

LONG_AGO, FAR_AHEAD = 2000, 2100


class DayField(serializers.DateField):
    """A date of the years that make sense."""

    def to_internal_value(self, value: Any) -> Any:
        day = super().to_internal_value(value)
        if not LONG_AGO <= day.year <= FAR_AHEAD:
            raise serializers.ValidationError("Send a date from 2000 to 2100.")
        return day


class WishesShape(serializers.Serializer[Any]):
    """What somebody waits for; what is left out means any."""

    types = serializers.ListField(child=serializers.UUIDField(), max_length=20, required=False)
    practitioners = serializers.ListField(child=serializers.UUIDField(), max_length=50, required=False)
    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=7), max_length=7, required=False
    )
    not_before = serializers.TimeField(required=False, allow_null=True)
    not_after = serializers.TimeField(required=False, allow_null=True)
    notice_hours = serializers.IntegerField(min_value=0, max_value=336, required=False)
    first_day = DayField(required=False, allow_null=True)
    last_day = DayField(required=False, allow_null=True)
    urgency = serializers.IntegerField(min_value=0, max_value=2, required=False)
    note = serializers.CharField(max_length=500, allow_blank=True, required=False)


class AddingEntry(WishesShape):
    """Who waits, perhaps instead of a visit she has, perhaps for one certain time."""

    patient = serializers.UUIDField()
    appointment = serializers.UUIDField(required=False, help_text="The visit that an earlier time replaces.")
    wished_at = InstantField(required=False)


class RemovingEntry(serializers.Serializer[Any]):
    why = serializers.CharField(max_length=80, allow_blank=True, default="")


class WaitlistEntryShape(WishesShape):
    id = serializers.UUIDField()
    patient = serializers.UUIDField(source="patient_id")
    appointment = serializers.UUIDField(source="appointment_id", allow_null=True)
    wished_at = InstantField(allow_null=True)
    state = serializers.CharField()
    booked = serializers.UUIDField(source="booked_id", allow_null=True)
    created_at = serializers.DateTimeField()
    last_asked_at = serializers.DateTimeField(allow_null=True)
    times_asked = serializers.IntegerField()


class OpeningShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    practitioner = serializers.UUIDField(source="practitioner_id")
    starts_at = InstantField()
    ends_at = InstantField()
    cause = serializers.CharField()
    state = serializers.CharField()
    next_step_at = serializers.DateTimeField(source="due_at", allow_null=True)
    filled_by = serializers.UUIDField(source="filled_by_id", allow_null=True)


class OfferShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    entry = serializers.UUIDField(source="entry_id")
    patient = serializers.UUIDField(source="entry.patient_id")
    place = serializers.IntegerField(help_text="In the order in which people were asked.")
    batch = serializers.IntegerField()
    starts_at = InstantField()
    reasons = serializers.ListField(child=serializers.CharField())
    state = serializers.CharField()
    answered_at = serializers.DateTimeField(allow_null=True)
    answered_by = serializers.CharField()
    appointment = serializers.UUIDField(source="visit_id", allow_null=True)


class MatchShape(serializers.Serializer[Any]):
    entry = serializers.UUIDField()
    patient = serializers.UUIDField()
    type = serializers.UUIDField()
    starts_at = InstantField()
    ends_at = InstantField()
    reasons = serializers.ListField(child=serializers.CharField())
    can_be_written_to = serializers.BooleanField()


class PassedShape(serializers.Serializer[Any]):
    entry = serializers.UUIDField()
    patient = serializers.UUIDField()
    why = serializers.CharField()


class OpeningLogShape(serializers.Serializer[Any]):
    """Who fits, who was asked in which order and why, who is passed over and why."""

    opening = OpeningShape()
    matches = MatchShape(many=True)
    offers = OfferShape(many=True)
    passed_over = PassedShape(many=True)


class Offering(serializers.Serializer[Any]):
    """Whom to ask; without `entries` the next group of the practice's rule."""

    entries = serializers.ListField(child=serializers.UUIDField(), max_length=20, required=False)


class Awarding(serializers.Serializer[Any]):
    entry = serializers.UUIDField()


def log_shape(opening: Opening, ranking: Ranking, offers: list[Offer], passed: list[Any]) -> dict[str, Any]:
    """One opening with everybody it concerns, as plain values."""
    return {
        "opening": opening,
        "matches": [
            {
                "entry": one.entry.pk,
                "patient": one.entry.patient_id,
                "type": one.kind.pk,
                "starts_at": one.starts_at,
                "ends_at": one.ends_at,
                "reasons": one.reasons,
                "can_be_written_to": one.channel is not None,
            }
            for one in ranking.matches
        ],
        "offers": offers,
        "passed_over": [
            {"entry": one.entry.pk, "patient": one.entry.patient_id, "why": one.why} for one in passed
        ],
    }
