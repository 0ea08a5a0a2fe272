"""Follow-ups and recalls for programs: the same verbs as the pages."""

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from patients.models import Channel, Patient
from practices import audit
from practices.idempotency import answer_once
from practices.problems import Problem
from scheduling import api_shapes as shapes
from scheduling import followups
from scheduling.api import ONCE, REFUSALS, DiaryView, refusals
from scheduling.due_list import READ, group_of
from scheduling.followups import TOLERANCES, FollowUpRefused, StaleFollowUp
from scheduling.models import AppointmentType, FollowUp, Practitioner, RecallRule
from scheduling.recalls import RecallRefused, save_rule, take_down

GROUPS = ("overdue", "due", "waiting", "later", "booked", "ended")


class FollowUpShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    version = serializers.IntegerField()
    group = serializers.ChoiceField([(name, name) for name in GROUPS])
    recall = serializers.BooleanField()
    patient = shapes.Named()
    type = shapes.Named()
    practitioner = serializers.UUIDField(allow_null=True)
    due_on = serializers.DateField()
    tolerance_days = serializers.IntegerField()
    work_from = serializers.DateField()
    wait_until = serializers.DateField(allow_null=True)
    asked_at = serializers.DateTimeField(allow_null=True)
    ordered_in = serializers.UUIDField(allow_null=True)
    note = serializers.CharField()
    closed_as = serializers.CharField()


class FollowUpProblemShape(shapes.BookingProblemShape):
    """A stale version adds `current_follow_up`."""

    current_follow_up = FollowUpShape(required=False)


ANSWERS: dict[int, Any] = {**REFUSALS, 409: FollowUpProblemShape}


class Ordering(serializers.Serializer[Any]):
    patient = serializers.UUIDField(required=False)
    appointment = serializers.UUIDField(required=False)
    type = serializers.UUIDField()
    practitioner = serializers.UUIDField(required=False, allow_null=True)
    due_on = serializers.DateField()
    tolerance_days = serializers.ChoiceField([(days, words) for days, words in TOLERANCES.items()], default=7)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True)

    def validate_due_on(self, value: dt.date) -> dt.date:
        return shapes.in_years(value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("patient" in attrs) == ("appointment" in attrs):
            words = "Send the patient, or the visit in which it is ordered; one of the two."
            raise serializers.ValidationError({"patient": words})
        return attrs


class BookingDue(shapes.NewTime, shapes.Versioned):
    practitioner = serializers.UUIDField()
    tell_patient = serializers.BooleanField(required=False)


class PuttingOff(shapes.Versioned):
    until = serializers.DateField()


class Ending(shapes.Versioned):
    reason = serializers.ChoiceField([(code.value, code.label) for code in FollowUp.BY_HAND])


class Counting(shapes.Versioned):
    appointment = serializers.UUIDField()


class RecallRuleShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(read_only=True)
    type = serializers.UUIDField()
    months = serializers.IntegerField(min_value=1, max_value=RecallRule.MOST_MONTHS)
    weeks_before = serializers.IntegerField(min_value=0, max_value=RecallRule.MOST_WEEKS)
    channel = serializers.ChoiceField(Channel.choices)


def shape_of(row: FollowUp, group: str) -> dict[str, Any]:
    names = ("id", "version", "due_on", "tolerance_days", "work_from", "wait_until", "asked_at", "note")
    return {name: getattr(row, name) for name in (*names, "closed_as")} | {
        "group": group,
        "recall": row.is_recall,
        "patient": {"id": row.patient_id, "name": row.patient.full_name},
        "type": {"id": row.appointment_type_id, "name": row.appointment_type.name},
        "practitioner": row.practitioner_id,
        "ordered_in": row.visit_id,
    }


@contextmanager
def follow_up_refusals() -> Iterator[None]:
    """What the verbs refuse as problem details: 409 for what changed meanwhile, 422 for the rest."""
    try:
        with refusals():
            yield
    except StaleFollowUp as stale:
        group = "ended" if stale.current.closed_at else "due"
        body = FollowUpShape(shape_of(stale.current, group)).data
        raise Problem(409, "The follow-up was changed", str(stale), current_follow_up=body) from None
    except FollowUpRefused as refusal:
        raise Problem(422, "This cannot be done with the follow-up", str(refusal)) from None


class FollowUpView(DiaryView):
    def row(self, follow_up_id: uuid.UUID) -> FollowUp:
        found: FollowUp = get_object_or_404(FollowUp.objects.with_people(), pk=follow_up_id)
        return found

    def shown_row(self, row: FollowUp, *, status: int = 200) -> Response:
        row = self.row(row.pk)
        audit.record_read(by=self.actor, patients=[row.patient_id], screen="follow-up")
        return Response(FollowUpShape(shape_of(row, self.group(row))).data, status=status)

    def group(self, row: FollowUp) -> str:
        if row.closed_at is not None:
            return "ended"
        today = self.admission.practice.today()
        return "booked" if followups.is_booked(row) else group_of(row, today)


class FollowUps(FollowUpView):
    permissions = {"get": "follow-up.view", "post": "follow-up.change"}

    @extend_schema(
        operation_id="list_follow_ups",
        parameters=[OpenApiParameter("recalls", OpenApiTypes.BOOL, description="Only recalls, or none.")],
        responses={200: FollowUpShape(many=True)},
    )
    def get(self, request: Request) -> Response:
        """What is due and waits for a visit, the soonest first; at most a thousand."""
        rows = FollowUp.objects.unbooked().with_people().order_by("due_on", "pk")
        wanted = request.query_params.get("recalls", "").lower()
        if wanted in {"true", "false"}:
            rows = rows.filter(rule__isnull=wanted == "false")
        found = list(rows[:READ])
        today = self.admission.practice.today()
        audit.record_read(by=self.actor, patients=[row.patient_id for row in found], screen="follow-ups")
        body = [shape_of(row, group_of(row, today)) for row in found]
        return Response(FollowUpShape(body, many=True).data)

    @extend_schema(
        operation_id="order_follow_up",
        parameters=[ONCE],
        request=Ordering,
        responses={201: FollowUpShape, **ANSWERS},
    )
    def post(self, request: Request) -> Response:
        """Orders a visit around a day, after a visit or for a patient."""
        return answer_once(self, self._order)

    def _order(self) -> Response:
        sent = self.read(Ordering(data=self.request.data)).validated_data
        visit = self.visit(sent["appointment"]) if "appointment" in sent else None
        patient = visit.patient if visit else get_object_or_404(Patient, pk=sent["patient"])
        who = sent.get("practitioner")
        with follow_up_refusals():
            row = followups.order_follow_up(
                patient=patient,
                visit=visit,
                appointment_type=get_object_or_404(AppointmentType, pk=sent["type"]),
                practitioner=get_object_or_404(Practitioner, pk=who) if who else None,
                due_on=sent["due_on"],
                tolerance_days=int(sent["tolerance_days"]),
                note=sent.get("note", ""),
                by=self.actor,
            )
        return self.shown_row(row, status=201)


class OneFollowUp(FollowUpView):
    permissions = {"get": "follow-up.view"}

    @extend_schema(
        operation_id="get_follow_up", responses={200: FollowUpShape, 404: shapes.BookingProblemShape}
    )
    def get(self, request: Request, follow_up_id: uuid.UUID) -> Response:
        """One follow-up or recall."""
        return self.shown_row(self.row(follow_up_id))


class AskPatient(FollowUpView):
    permissions = {"post": "follow-up.change"}

    @extend_schema(
        operation_id="ask_for_follow_up",
        request=shapes.Versioned,
        responses={200: FollowUpShape, **ANSWERS},
    )
    def post(self, request: Request, follow_up_id: uuid.UUID) -> Response:
        """Writes to the patient with a link to choose a time."""
        row = self.row(follow_up_id)
        sent = self.read(shapes.Versioned(data=request.data)).validated_data
        with follow_up_refusals():
            row = followups.ask_patient(follow_up=row, by=self.actor, **sent)
        return self.shown_row(row)


class BookFollowUp(FollowUpView):
    permissions = {"post": "appointment.book"}

    @extend_schema(
        operation_id="book_follow_up",
        parameters=[ONCE],
        request=BookingDue,
        responses={201: shapes.AppointmentShape, **ANSWERS},
    )
    def post(self, request: Request, follow_up_id: uuid.UUID) -> Response:
        """Books the visit that ends it."""
        return answer_once(self, lambda: self._book(follow_up_id))

    def _book(self, follow_up_id: uuid.UUID) -> Response:
        row = self.row(follow_up_id)
        asked = self.read(BookingDue(data=self.request.data))
        sent = asked.validated_data
        with follow_up_refusals():
            visit = followups.book_follow_up(
                follow_up=row,
                version=sent["version"],
                practitioner=get_object_or_404(Practitioner, pk=sent["practitioner"]),
                starts_at=asked.instant(),
                by=self.actor,
                **self.only(asked, "tell_patient"),
            )
        return self.shown(visit, status=201)


class PutOff(FollowUpView):
    permissions = {"post": "follow-up.change"}

    @extend_schema(
        operation_id="put_off_follow_up", request=PuttingOff, responses={200: FollowUpShape, **ANSWERS}
    )
    def post(self, request: Request, follow_up_id: uuid.UUID) -> Response:
        """Lets it rest until a day within half a year."""
        row = self.row(follow_up_id)
        sent = self.read(PuttingOff(data=request.data)).validated_data
        with follow_up_refusals():
            row = followups.put_off(follow_up=row, by=self.actor, **sent)
        return self.shown_row(row)


class EndFollowUp(FollowUpView):
    permissions = {"post": "follow-up.change"}

    @extend_schema(operation_id="end_follow_up", request=Ending, responses={200: FollowUpShape, **ANSWERS})
    def post(self, request: Request, follow_up_id: uuid.UUID) -> Response:
        """Ends it without a visit."""
        row = self.row(follow_up_id)
        sent = self.read(Ending(data=request.data)).validated_data
        with follow_up_refusals():
            row = followups.end_follow_up(follow_up=row, by=self.actor, **sent)
        return self.shown_row(row)


class LetCount(FollowUpView):
    permissions = {"post": "follow-up.change"}

    @extend_schema(
        operation_id="count_for_follow_up", request=Counting, responses={200: FollowUpShape, **ANSWERS}
    )
    def post(self, request: Request, follow_up_id: uuid.UUID) -> Response:
        """Says that a visit of the patient is the one."""
        row = self.row(follow_up_id)
        sent = self.read(Counting(data=request.data)).validated_data
        visit = self.visit(sent["appointment"])
        with follow_up_refusals():
            row = followups.let_count(
                follow_up=row, version=sent["version"], appointment=visit, by=self.actor
            )
        return self.shown_row(row)


class OpenAgain(FollowUpView):
    permissions = {"post": "follow-up.change"}

    @extend_schema(
        operation_id="reopen_follow_up", request=shapes.Versioned, responses={200: FollowUpShape, **ANSWERS}
    )
    def post(self, request: Request, follow_up_id: uuid.UUID) -> Response:
        """What was ended without a visit waits again."""
        row = self.row(follow_up_id)
        sent = self.read(shapes.Versioned(data=request.data)).validated_data
        with follow_up_refusals():
            row = followups.open_again(follow_up=row, by=self.actor, **sent)
        return self.shown_row(row)


class UndoStep(FollowUpView):
    permissions = {"post": "follow-up.change"}

    @extend_schema(
        operation_id="undo_follow_up_step",
        request=shapes.Versioned,
        responses={200: FollowUpShape, **ANSWERS},
    )
    def post(self, request: Request, follow_up_id: uuid.UUID) -> Response:
        """Takes the last step back, within the practice's window."""
        row = self.row(follow_up_id)
        sent = self.read(shapes.Versioned(data=request.data)).validated_data
        with follow_up_refusals():
            row = followups.undo_step(follow_up=row, by=self.actor, **sent)
        return self.shown_row(row)


class RecallRules(DiaryView):
    permissions = {"get": "practice.view", "post": "practice.change"}

    @extend_schema(operation_id="list_recall_rules", responses={200: RecallRuleShape(many=True)})
    def get(self, request: Request) -> Response:
        """The rules by which patients are recalled."""
        rows = RecallRule.objects.filter(active=True).order_by("pk")
        return Response(RecallRuleShape([rule_shape(row) for row in rows], many=True).data)

    @extend_schema(
        operation_id="save_recall_rule", request=RecallRuleShape, responses={200: RecallRuleShape, **REFUSALS}
    )
    def post(self, request: Request) -> Response:
        """Writes the rule of a type of visit; each type has one."""
        sent = dict(self.read(RecallRuleShape(data=request.data)).validated_data)
        kind = get_object_or_404(AppointmentType, pk=sent.pop("type"))
        try:
            rule = save_rule(appointment_type=kind, by=self.actor, **sent)
        except RecallRefused as refusal:
            raise Problem(422, "The rule cannot be so", str(refusal)) from None
        return Response(RecallRuleShape(rule_shape(rule)).data)


class OneRecallRule(DiaryView):
    permissions = {"delete": "practice.change"}

    @extend_schema(operation_id="end_recall_rule", responses={204: None, 404: shapes.BookingProblemShape})
    def delete(self, request: Request, recall_rule_id: uuid.UUID) -> Response:
        """Ends a rule; whom it found already stays on the list."""
        rule = get_object_or_404(RecallRule.objects.filter(active=True), pk=recall_rule_id)
        take_down(rule=rule, by=self.actor)
        return Response(status=204)


def rule_shape(rule: RecallRule) -> dict[str, Any]:
    names = ("id", "months", "weeks_before", "channel")
    return {name: getattr(rule, name) for name in names} | {"type": rule.appointment_type_id}
