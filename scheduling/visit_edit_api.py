"""Walk-ins and edits of visits for programs: the same verbs as the pages."""

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from patients.models import Need, Patient
from practices.idempotency import answer_once
from scheduling import api_shapes as shapes
from scheduling.api import ONCE, REFUSALS, DiaryView, refusals
from scheduling.editing import LONGEST, edit_appointment
from scheduling.models import Appointment, AppointmentType, Practitioner
from scheduling.walk_ins import walk_in


class WalkingIn(shapes.NewTime):
    patient = serializers.UUIDField()
    practitioner = serializers.UUIDField()
    type = serializers.UUIDField()
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)
    overbook_reason = serializers.CharField(max_length=80, required=False, allow_blank=True)


class Editing(shapes.Versioned):
    """Only what is sent is changed; with a new note send the one that was read as `note_was`."""

    type = serializers.UUIDField(required=False)
    minutes = serializers.IntegerField(min_value=5, max_value=480, required=False)
    room = serializers.UUIDField(required=False, allow_null=True)
    reason = serializers.CharField(max_length=LONGEST["reason"], required=False, allow_blank=True)
    note = serializers.CharField(max_length=LONGEST["note"], required=False, allow_blank=True)
    note_was = serializers.CharField(max_length=LONGEST["note"], required=False, allow_blank=True)
    needs = serializers.ListField(child=serializers.ChoiceField(Need.choices), required=False, max_length=20)
    meeting_address = serializers.CharField(max_length=500, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "note" in attrs and "note_was" not in attrs:
            raise serializers.ValidationError({"note_was": "Send the note as it was read, so none is lost."})
        return attrs

    def values(self) -> dict[str, Any]:
        sent = self.validated_data
        plain = {
            name: sent[name] for name in ("minutes", "reason", "note", "meeting_address") if name in sent
        }
        if "type" in sent:
            plain["appointment_type"] = str(sent["type"])
        if "room" in sent:
            plain["room"] = str(sent["room"] or "")
        if "needs" in sent:
            plain["needs"] = sorted(set(sent["needs"]))
        return plain


class WalkIns(DiaryView):
    permissions = {"post": "appointment.book"}

    @extend_schema(
        operation_id="walk_in",
        parameters=[ONCE],
        request=WalkingIn,
        responses={201: shapes.AppointmentShape, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Books somebody who is here today, arrived at once; the reason counts only where it is needed."""
        return answer_once(self, self._let_in)

    def _let_in(self) -> Response:
        asked = self.read(WalkingIn(data=self.request.data))
        sent = asked.validated_data
        with refusals():
            visit = walk_in(
                person=get_object_or_404(Patient, pk=sent["patient"]),
                kind=get_object_or_404(AppointmentType, pk=sent["type"]),
                practitioner=get_object_or_404(
                    Practitioner.objects.select_related("room"), pk=sent["practitioner"]
                ),
                starts_at=asked.instant(),
                by=self.actor,
                **self.only(asked, "reason", "overbook_reason"),
            )
        return self.shown(visit, status=201)


class EditAppointment(DiaryView):
    permissions = {"post": "appointment.change"}

    @extend_schema(
        operation_id="edit_appointment", request=Editing, responses={200: shapes.AppointmentShape, **REFUSALS}
    )
    def post(self, request: Request, appointment_id: uuid.UUID) -> Response:
        """Changes what a visit is; one that somebody changed meanwhile answers 409 with `current`."""
        found = self.visit(appointment_id)
        asked = self.read(Editing(data=request.data))
        sent = asked.validated_data
        seen = {"note": sent["note_was"]} if "note_was" in sent else None
        with refusals():
            visit: Appointment = edit_appointment(
                appointment=found,
                version=sent["version"],
                values=asked.values(),
                seen=seen,
                by=self.actor,
            )
        return self.shown(self.visit(visit.pk))
