"""Calls for programs: the same verbs as the pages, refusals as problem details."""

import uuid
from typing import Any

from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from messaging import call_api_shapes as shapes
from messaging import call_endings, calls
from messaging.models import Call, CallQuerySet, Recording
from patients.contacts import parse_phone
from patients.models import Patient
from practices import audit
from practices.apidoors import GatedAPIView
from practices.idempotency import HEADER, answer_once
from practices.problems import Problem

ONCE = OpenApiParameter(
    HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER, description="The same key and body: the same answer."
)
REFUSALS = dict.fromkeys((400, 404, 409, 422), shapes.CallProblem)
MOST = 100


def whole(rows: CallQuerySet) -> CallQuerySet:
    """Calls with what their shape needs, in two queries; the sound of recordings stays where it is."""
    return rows.select_related("patient", "handler").prefetch_related(
        Prefetch("recordings", Recording.objects.defer("audio").order_by("created_at"))
    )


class CallView(GatedAPIView):
    """What the doors of the calls share."""

    def found(self, call_id: uuid.UUID) -> Call:
        row: Call = get_object_or_404(whole(Call.objects.all()), pk=call_id)
        return row

    def shown(self, call: Call, *, status: int = 200) -> Response:
        row = self.found(call.pk)
        if row.patient_id is not None:
            audit.record_read(by=self.actor, patients=[row.patient_id], screen="call")
        return Response(shapes.CallShape(shapes.call_shape(row)).data, status=status)

    def read(self, serializer: Any) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class Calls(CallView):
    permissions = {"get": "call.view", "post": "call.handle"}

    @extend_schema(
        operation_id="list_calls",
        parameters=[shapes.CallsAsked],
        responses={200: shapes.CallShape(many=True), 400: shapes.CallProblem},
    )
    def get(self, request: Request) -> Response:
        """The latest calls, the newest first, at most 100; go on with `before`."""
        asked = self.read(shapes.CallsAsked(data=request.query_params))
        rows = Call.objects.all()
        if "patient" in asked:
            rows = rows.filter(patient_id=asked["patient"])
        if "before" in asked:
            rows = rows.filter(started_at__lt=asked["before"])
        rows = {
            "present": rows.present(),
            "ended": rows.filter(status=Call.Status.ENDED),
            "unanswered": rows.filter(outcome__in=call_endings.NOBODY_SPOKE),
        }.get(asked.get("state", ""), rows)
        shown = list(whole(rows).order_by("-started_at")[:MOST])
        people = [row.patient_id for row in shown if row.patient_id]
        audit.record_read(by=self.actor, patients=people, screen="calls")
        return Response(shapes.CallShape([shapes.call_shape(row) for row in shown], many=True).data)

    @extend_schema(
        operation_id="log_call",
        parameters=[ONCE],
        request=shapes.CallLogged,
        responses={201: shapes.CallShape, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Writes down a call that was made on another telephone."""
        return answer_once(self, self._log)

    def _log(self) -> Response:
        sent = self.read(shapes.CallLogged(data=self.request.data))
        number, patient = sent.get("number", ""), None
        if number:
            try:
                number = parse_phone(number)
            except ValueError as error:
                raise Problem(422, "This is no number", str(error), field="number") from None
        if "patient" in sent:
            patient = get_object_or_404(Patient.objects.all(), pk=sent["patient"])
        call = calls.log_call(direction=sent["direction"], number=number, patient=patient, by=self.actor)
        call = calls.describe(
            call=call,
            caller_name=sent.get("caller_name"),
            relation=sent.get("caller_relation"),
            matter=sent.get("matter"),
            by=self.actor,
        )
        if note := sent.get("note"):
            calls.write_note(call=call, note=note, by=self.actor)
        if not sent["open"]:
            calls.end_call(call=call, by=self.actor)
            calls.finish(call=call, by=self.actor)
        return self.shown(call, status=201)


class OneCall(CallView):
    permissions = {"get": "call.view"}

    @extend_schema(operation_id="get_call", responses={200: shapes.CallShape, 404: shapes.CallProblem})
    def get(self, request: Request, call_id: uuid.UUID) -> Response:
        """One call with its note and recordings."""
        return self.shown(self.found(call_id))


class Note(CallView):
    permissions = {"post": "call.handle"}

    @extend_schema(
        operation_id="write_call_note",
        request=shapes.NoteWritten,
        responses={200: shapes.CallShape, **REFUSALS},
    )
    def post(self, request: Request, call_id: uuid.UUID) -> Response:
        """Replaces the note; 409 with the current call when it was written since `version`."""
        sent = self.read(shapes.NoteWritten(data=request.data))
        call = self.found(call_id)
        try:
            calls.write_note(call=call, note=sent["note"], version=sent.get("version"), by=self.actor)
        except calls.StaleCall:
            current = shapes.CallShape(shapes.call_shape(self.found(call_id))).data
            raise Problem(409, "Changed meanwhile", "Read the call again.", current=current) from None
        return self.shown(call)
