"""Visits that belong together, for programs: combinations found, and booked all or none."""

import datetime as dt
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from patients.models import Patient
from practices import audit
from practices.idempotency import answer_once
from scheduling import api_shapes as shapes
from scheduling.api import ONCE, REFUSALS
from scheduling.drafts import Slot
from scheduling.linked import MOST_DAYS, MOST_GAP, Part, book_together, find_together
from scheduling.models import AppointmentType, LinkedVisits, Practitioner
from scheduling.series_api import PROBLEMS, SeriesDoor, date_refusals
from scheduling.wallclock import boundary


class PartAsked(serializers.Serializer[Any]):
    patient = serializers.UUIDField()
    type = serializers.UUIDField()
    practitioner = serializers.UUIDField(required=False)


class PartTaken(PartAsked):
    practitioner = serializers.UUIDField()
    starts_at = shapes.InstantField()


class TogetherAsked(serializers.Serializer[Any]):
    """`gap`: the longest pause between two visits in turn, in minutes; at most 31 days, both included."""

    parts = serializers.ListField(child=PartAsked(), min_length=2, max_length=LinkedVisits.MOST)
    shape = serializers.ChoiceField(LinkedVisits.Shape.choices)
    gap = serializers.IntegerField(min_value=0, max_value=MOST_GAP, default=15)
    until = serializers.DateField()

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"from": serializers.DateField()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = shapes.in_years(attrs["from"]), shapes.in_years(attrs["until"])
        if not 0 <= (last - first).days < MOST_DAYS:
            raise serializers.ValidationError(
                {"until": f"Ask for 1 to {MOST_DAYS} days: until comes after from."}
            )
        return attrs


class BookingTogether(serializers.Serializer[Any]):
    parts = serializers.ListField(child=PartTaken(), min_length=2, max_length=LinkedVisits.MOST)
    shape = serializers.ChoiceField(LinkedVisits.Shape.choices)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)
    tell_patient = serializers.BooleanField(required=False)


class CombinationShape(serializers.Serializer[Any]):
    """A time for each part, in the order of the parts."""

    times = shapes.FreeShape(many=True)


class LinkedShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    shape = serializers.ChoiceField(LinkedVisits.Shape.choices)
    visits = shapes.AppointmentShape(many=True)


class TogetherDoor(SeriesDoor):
    def parts(self, sent: list[dict[str, Any]]) -> list[Part]:
        people = Practitioner.objects.in_use().select_related("room__location", "location")
        return [
            Part(
                get_object_or_404(Patient, pk=one["patient"]),
                get_object_or_404(AppointmentType, pk=one["type"]),
                get_object_or_404(people, pk=one["practitioner"]) if "practitioner" in one else None,
            )
            for one in sent
        ]


class FindTogether(TogetherDoor):
    permissions = {"post": "appointment.view"}

    @extend_schema(
        operation_id="find_linked_times",
        request=TogetherAsked,
        responses={200: CombinationShape(many=True), **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Combinations of times that fit every part, soonest first, six at most."""
        sent = self.read(TogetherAsked(data=request.data)).validated_data
        zone = self.admission.practice.zone
        parts = self.parts(sent["parts"])
        with date_refusals():
            found = find_together(
                parts,
                sent["shape"],
                from_=max(boundary(sent["from"], dt.time(0), zone), timezone.now()),
                until=boundary(sent["until"] + dt.timedelta(days=1), dt.time(0), zone),
                gap=sent["gap"],
            )
        audit.record_read(by=self.actor, patients=[part.patient.pk for part in parts], screen="linked-visits")
        rows = [{"times": [shapes.free_shape(fit) for fit in one.times]} for one in found]
        return Response(CombinationShape(rows, many=True).data)


class BookTogether(TogetherDoor):
    permissions = {"post": "appointment.book"}

    @extend_schema(
        operation_id="book_linked_visits",
        parameters=[ONCE],
        request=BookingTogether,
        responses={201: LinkedShape, **PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        """Books every part at its time, or none."""
        return answer_once(self, self._book)

    def _book(self) -> Response:
        asked = self.read(BookingTogether(data=self.request.data))
        sent = asked.validated_data
        parts = self.parts(sent["parts"])
        slots = [
            Slot(part.practitioner, one["starts_at"])
            for part, one in zip(parts, sent["parts"], strict=True)
            if part.practitioner is not None
        ]
        with date_refusals():
            linked, visits = book_together(
                parts=parts,
                slots=slots,
                shape=sent["shape"],
                by=self.actor,
                **self.only(asked, "reason", "tell_patient"),
            )
        body = {"id": linked.pk, "shape": linked.shape, "visits": self.visits(visits)}
        return Response(body, status=201)
