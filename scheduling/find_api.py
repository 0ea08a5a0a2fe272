"""Finding times, in the shape of FHIR scheduling’s `$find`: what fits and why, what another time breaks."""

import datetime as dt
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from patients.models import Need, Patient
from practices import audit
from scheduling import api_shapes as shapes
from scheduling.api import DiaryView
from scheduling.fits import Fit
from scheduling.fitting import find_times, judge
from scheduling.models import AppointmentType, Practitioner
from scheduling.search import who_offers

MOST, LONGEST = 200, dt.timedelta(days=62)


class Finding(serializers.Serializer[Any]):
    """`start` to `end` at most 62 days; with `at` one time is judged instead, whatever it breaks."""

    type = serializers.UUIDField()
    practitioner = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)
    needs = serializers.ListField(child=serializers.ChoiceField(Need.choices), required=False, max_length=20)
    audience = serializers.ChoiceField(["staff", "patient"], default="staff")
    start = shapes.InstantField(required=False)
    end = shapes.InstantField(required=False)
    at = shapes.InstantField(required=False)
    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=50)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "at" in attrs:
            if "practitioner" not in attrs:
                raise serializers.ValidationError({"practitioner": "Say whose time is to be judged."})
            return attrs
        if "start" not in attrs or "end" not in attrs:
            raise serializers.ValidationError({"start": "Send start and end, or one time in at."})
        if not dt.timedelta() < attrs["end"] - attrs["start"] <= LONGEST:
            raise serializers.ValidationError({"end": "The end comes after the start, at most 62 days."})
        return attrs


class FitShape(shapes.FreeShape):
    room = serializers.CharField()
    resources = serializers.ListField(child=serializers.CharField())
    reasons = serializers.ListField(child=serializers.CharField())
    breaks = serializers.ListField(child=serializers.CharField())


class FindTimes(DiaryView):
    permissions = {"post": "appointment.view"}

    @extend_schema(
        operation_id="find_times",
        request=Finding,
        responses={
            200: FitShape(many=True),
            400: shapes.BookingProblemShape,
            404: shapes.BookingProblemShape,
        },
    )
    def post(self, request: Request) -> Response:
        """Times that fit a type and the patient’s needs, soonest first, each with why; changes nothing."""
        sent = self.read(Finding(data=request.data)).validated_data
        kind = get_object_or_404(AppointmentType, pk=sent["type"])
        wanted: dict[str, Any] = {"appointment_type": kind, "needs": sent.get("needs")}
        if "patient" in sent:
            wanted["patient"] = get_object_or_404(Patient, pk=sent["patient"])
            audit.record_read(by=self.actor, patients=[sent["patient"]], screen="find-times")
        fits = self._judged(sent, wanted) if "at" in sent else self._found(sent, wanted)
        return Response(FitShape([fit_shape(fit) for fit in fits], many=True).data)

    def _judged(self, sent: dict[str, Any], wanted: dict[str, Any]) -> list[Fit]:
        who = get_object_or_404(Practitioner.objects.select_related("room"), pk=sent["practitioner"])
        return [judge(**wanted, practitioner=who, starts_at=sent["at"])]

    def _found(self, sent: dict[str, Any], wanted: dict[str, Any]) -> list[Fit]:
        people = who_offers(wanted["appointment_type"])
        if "practitioner" in sent:
            get_object_or_404(Practitioner, pk=sent["practitioner"])
            people = [one for one in people if one.pk == sent["practitioner"]]
        span = {"from_": sent["start"], "until": sent["end"], "limit": sent["limit"]}
        return find_times(**wanted, **span, practitioners=people, audience=sent["audience"])


def fit_shape(fit: Fit) -> dict[str, Any]:
    return shapes.free_shape(fit) | {
        "room": fit.room.name if fit.room else "",
        "resources": [str(one) for one in (*fit.resources, *fit.colleagues)],
        "reasons": list(fit.reasons),
        "breaks": list(fit.breaks),
    }
