"""Clinicians who are out, for programs: open a case, plan, press, read the answers; and times to choose."""

import datetime as dt
import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from practices import audit
from practices.apidoors import GatedAPIView
from practices.problems import Problem
from scheduling import out_cases
from scheduling.api_shapes import BookingProblemShape, InstantField
from scheduling.models import Appointment, CancellationReason, OutCase, Practitioner, TimeRequest
from scheduling.out_page import read_offers
from scheduling.refusals import BookingRefused, NotOpen
from scheduling.time_requests import CannotBeTold, SettledMeanwhile, send_times

REFUSED = {400: BookingProblemShape, 404: BookingProblemShape, 409: BookingProblemShape}
REFUSED |= {422: BookingProblemShape}


class Opening(serializers.Serializer[Any]):
    """Who is out, from when until when; at most three months."""

    practitioner = serializers.UUIDField()
    starts_at = InstantField()
    ends_at = InstantField()
    label = serializers.CharField(max_length=60, default="Out")  # type: ignore[assignment]


class TimeToOffer(serializers.Serializer[Any]):
    practitioner = serializers.UUIDField()
    starts_at = InstantField()


class Planning(serializers.Serializer[Any]):
    """What becomes of one visit; `version` is the one that was read."""

    version = serializers.IntegerField(min_value=0, max_value=2_000_000_000)
    plan = serializers.ChoiceField(TimeRequest.Plan.choices)
    offers = TimeToOffer(many=True, required=False)
    keep_reason = serializers.CharField(max_length=80, required=False)
    cancellation_reason = serializers.ChoiceField(CancellationReason.choices, required=False)


class TimeRequestShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    appointment = serializers.UUIDField(source="appointment_id")
    patient = serializers.UUIDField(source="appointment.patient_id")
    starts_at = serializers.DateTimeField(source="appointment.starts_at")
    state = serializers.ChoiceField(TimeRequest.State.choices)
    plan = serializers.ChoiceField(TimeRequest.Plan.choices)
    offers = serializers.SerializerMethodField()
    chosen = serializers.UUIDField(source="chosen_id", allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField()

    @extend_schema_field(TimeToOffer(many=True))
    def get_offers(self, request: TimeRequest) -> list[dict[str, str]]:
        return [{"practitioner": person, "starts_at": moment} for person, moment in request.offers]


class OutCaseShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    practitioner = serializers.UUIDField(source="practitioner_id")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    label = serializers.CharField()  # type: ignore[assignment]
    state = serializers.ChoiceField(OutCase.State.choices)
    visits = serializers.SerializerMethodField()

    @extend_schema_field(TimeRequestShape(many=True))
    def get_visits(self, case: OutCase) -> Any:
        return TimeRequestShape(requests_of(case), many=True).data


class CaseInListShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    practitioner = serializers.UUIDField(source="practitioner_id")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    label = serializers.CharField()  # type: ignore[assignment]
    state = serializers.ChoiceField(OutCase.State.choices)


def requests_of(case: OutCase) -> list[TimeRequest]:
    return list(TimeRequest.objects.with_people().filter(case=case).order_by("appointment__starts_at", "pk"))


class OutView(GatedAPIView):
    """What the doors of the cases share."""

    def case(self, case_id: uuid.UUID) -> OutCase:
        found: OutCase = get_object_or_404(OutCase.objects.select_related("practitioner"), pk=case_id)
        return found

    def shown(self, case: OutCase, *, status: int = 200) -> Response:
        patients = [request.appointment.patient_id for request in requests_of(case)]
        audit.record_read(by=self.actor, patients=patients, screen="out")
        return Response(OutCaseShape(self.case(case.pk)).data, status=status)

    def refuse(self, refusal: BookingRefused) -> Problem:
        met = isinstance(refusal, out_cases.CaseRefused | SettledMeanwhile | NotOpen)
        return Problem(409 if met else 422, "The case does not allow this", str(refusal))


class OutCases(OutView):
    permissions = {"get": "appointment.view", "post": "out.change"}

    @extend_schema(operation_id="list_out_cases", responses=CaseInListShape(many=True))
    def get(self, request: Request) -> Response:
        """The cases that are open, soonest first."""
        return Response(CaseInListShape(OutCase.objects.open().order_by("starts_at")[:100], many=True).data)

    @extend_schema(
        operation_id="open_out_case",
        request=Opening,
        responses={201: OutCaseShape, 200: OutCaseShape, **REFUSED},
    )
    def post(self, request: Request) -> Response:
        """Writes the time off and plans each visit in it; the same span again answers with the same case."""
        asked = Opening(data=request.data)
        asked.is_valid(raise_exception=True)
        sent = dict(asked.validated_data)
        practitioner = get_object_or_404(Practitioner.objects.in_use(), pk=sent.pop("practitioner"))
        try:
            case, new = out_cases.open_case(practitioner=practitioner, by=self.actor, **sent)
        except BookingRefused as refusal:
            raise self.refuse(refusal) from None
        return self.shown(case, status=201 if new else 200)


class OneOutCase(OutView):
    permissions = {"get": "appointment.view"}

    @extend_schema(operation_id="get_out_case", responses={200: OutCaseShape, 404: BookingProblemShape})
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """A case with its visits and what came of each."""
        return self.shown(self.case(case_id))


class SendOutCase(OutView):
    permissions = {"post": "out.change"}

    @extend_schema(operation_id="send_out_case", request=None, responses={200: OutCaseShape, **REFUSED})
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """The one press: links go out, calls become rows, what is kept stays, what is cancelled is closed."""
        try:
            return self.shown(out_cases.send_case(case=self.case(case_id), by=self.actor))
        except BookingRefused as refusal:
            raise self.refuse(refusal) from None


class TakeOutCaseBack(OutView):
    permissions = {"post": "out.change"}

    @extend_schema(operation_id="take_out_case_back", request=None, responses={200: OutCaseShape, **REFUSED})
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """The clinician comes after all; only while nobody has answered."""
        try:
            return self.shown(out_cases.take_back(case=self.case(case_id), by=self.actor).case)
        except BookingRefused as refusal:
            raise self.refuse(refusal) from None


class PlanVisit(OutView):
    permissions = {"post": "out.change"}

    @extend_schema(
        operation_id="plan_out_visit", request=Planning, responses={200: TimeRequestShape, **REFUSED}
    )
    def post(self, request: Request, case_id: uuid.UUID, request_id: uuid.UUID) -> Response:
        """Changes by hand what becomes of one visit."""
        rows = TimeRequest.objects.with_people().select_related("case__practitioner")
        row: TimeRequest = get_object_or_404(rows, pk=request_id, case=case_id)
        asked = Planning(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        version = values.pop("version")
        if "offers" in values:
            values["offers"] = self.offers(values["offers"], row)
        try:
            row = out_cases.plan_visit(request=row, version=version, values=values, by=self.actor)
        except BookingRefused as refusal:
            raise self.refuse(refusal) from None
        audit.record_read(by=self.actor, patients=[row.appointment.patient_id], screen="out")
        return Response(TimeRequestShape(row).data)

    def offers(self, given: list[dict[str, Any]], row: TimeRequest) -> list[list[str]]:
        values = [f"{one['practitioner']}|{moment_of(one).isoformat()}" for one in given]
        try:
            return read_offers(values, row.appointment)
        except ValidationError as refusal:
            raise serializers.ValidationError({"offers": refusal.messages}) from None


def moment_of(one: dict[str, Any]) -> dt.datetime:
    moment: dt.datetime = one["starts_at"]
    return moment


class SendTimes(OutView):
    permissions = {"post": "message.send"}

    @extend_schema(operation_id="send_times", request=None, responses={200: TimeRequestShape, **REFUSED})
    def post(self, request: Request, appointment_id: uuid.UUID) -> Response:
        """Sends the patient a link with times to choose from; twice is once while it waits."""
        visit = get_object_or_404(Appointment.objects.with_people(), pk=appointment_id)
        try:
            row = send_times(appointment=visit, by=self.actor)
        except CannotBeTold as refusal:
            raise Problem(422, "Nothing can be sent", str(refusal)) from None
        except BookingRefused as refusal:
            raise self.refuse(refusal) from None
        audit.record_read(by=self.actor, patients=[visit.patient_id], screen="out")
        return Response(TimeRequestShape(row).data)
