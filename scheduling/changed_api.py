"""What changed, for programs: the same list as the page, and the same press that ends a look."""

import datetime as dt
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from practices import audit
from practices.api_shapes import ProblemShape
from practices.apidoors import GatedAPIView
from scheduling.api_shapes import InstantField
from scheduling.changed import KINDS, LONGEST, Wish, last_look, mark_seen, patients_of, what_changed


class ChangesAsked(serializers.Serializer[Any]):
    """From when on, and of whom."""

    since = InstantField(
        required=False, help_text="Without it since the person last looked; 31 days at most."
    )
    practitioner = serializers.UUIDField(required=False)
    day = serializers.DateField(
        required=False, help_text="Visits that are or were on this local date.", input_formats=["%Y-%m-%d"]
    )
    kind = serializers.ChoiceField(KINDS, required=False)
    mine = serializers.BooleanField(default=False, help_text="With what the person did herself.")

    def validate_since(self, since: dt.datetime) -> dt.datetime:
        if since < timezone.now() - LONGEST:
            raise serializers.ValidationError(f"At most {LONGEST.days} days back.")
        return since


class ChangeShape(serializers.Serializer[Any]):
    """One thing that happened to a visit; no patient is named, her key is given."""

    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(KINDS)
    words = serializers.CharField()
    by = serializers.CharField()
    appointment = serializers.UUIDField(source="visit.pk")
    patient = serializers.UUIDField(source="patient_id")
    practitioner = serializers.UUIDField(source="visit.practitioner_id")
    starts_at = serializers.DateTimeField(source="visit.starts_at")
    was = serializers.CharField(help_text="The time before, in words; of moves.")


class ChangesShape(serializers.Serializer[Any]):
    """The list, newest first, and the moment it was drawn."""

    until = serializers.DateTimeField()
    more = serializers.BooleanField()
    changes = ChangeShape(many=True)


class SeenAsked(serializers.Serializer[Any]):
    """Up to when the person has seen it: the `until` of the list."""

    until = InstantField()


class SeenShape(serializers.Serializer[Any]):
    seen_until = serializers.DateTimeField()


class Changes(GatedAPIView):
    """What changed in the diary."""

    permissions = {"get": "appointment.view"}

    @extend_schema(parameters=[ChangesAsked], responses={200: ChangesShape, 400: ProblemShape})
    def get(self, request: Request) -> Response:
        """What others changed since the key's person last looked."""
        asked = ChangesAsked(data=request.query_params)
        asked.is_valid(raise_exception=True)
        said, now = asked.validated_data, timezone.now()
        user = self.admission.membership.user
        since = said.get("since") or last_look(user)
        who, day, kind = said.get("practitioner"), said.get("day"), said.get("kind", "")
        wish = Wish(since, who, day, kind, said["mine"])
        entries, more = what_changed(self.admission.practice, user, wish)
        audit.record_read(by=self.actor, patients=patients_of(entries), screen="changed")
        return Response(ChangesShape({"until": now, "more": more, "changes": entries}).data)


class ChangesSeen(GatedAPIView):
    """The press that ends a look."""

    permissions = {"post": "appointment.view"}

    @extend_schema(request=SeenAsked, responses={200: SeenShape, 400: ProblemShape})
    def post(self, request: Request) -> Response:
        """Marks everything up to `until` as seen; never later than now, never back."""
        asked = SeenAsked(data=request.data)
        asked.is_valid(raise_exception=True)
        look = mark_seen(until=asked.validated_data["until"], by=self.actor)
        return Response(SeenShape({"seen_until": look.seen_until}).data)
