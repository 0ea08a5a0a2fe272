"""Messages for the staff for programs: the same verbs as the pages, refusals as problem details."""

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

from messaging.models import Call, Recipient, StaffMessage
from messaging.staff_messages import (
    LONGEST,
    AlreadyDone,
    MessageRefused,
    NotReadBack,
    acknowledge,
    finish,
    take_message,
)
from messaging.staff_page import PEOPLE
from patients.models import Patient
from practices import audit
from practices.api_shapes import SomebodyShape
from practices.apidoors import GatedAPIView
from practices.idempotency import HEADER, answer_once
from practices.models import Role, User
from practices.problems import Problem

ONCE = OpenApiParameter(
    HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER, description="The same key and body: the same answer."
)
MOST = 100


class StaffMessageShape(serializers.Serializer[Any]):
    """A message for the staff; `urgency` 0 is urgent, 1 today, 2 routine."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    kind = serializers.ChoiceField(StaffMessage.Kind.choices)
    urgency = serializers.ChoiceField(StaffMessage.Urgency.choices)
    recipient = serializers.ChoiceField(Recipient.choices)
    to_user = SomebodyShape(allow_null=True)
    to_role = serializers.CharField()
    patient = SomebodyShape(allow_null=True)
    call = serializers.UUIDField(allow_null=True)
    body = serializers.CharField()
    callback_number = serializers.CharField()
    read_back = serializers.BooleanField()
    promised_by = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = SomebodyShape(allow_null=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    acknowledged_by = SomebodyShape(allow_null=True)
    acknowledged_how = serializers.CharField()
    done_at = serializers.DateTimeField(allow_null=True)
    done_by = SomebodyShape(allow_null=True)
    outcome = serializers.CharField()


class StaffMessageProblem(serializers.Serializer[Any]):
    """RFC 9457; an urgent message that was not read back adds the `sentence` to say to the caller."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    field = serializers.CharField(required=False)
    sentence = serializers.CharField(required=False)


class Asked(serializers.Serializer[Any]):
    state = serializers.ChoiceField(["open", "unacknowledged", "done"], required=False)


class Taking(serializers.Serializer[Any]):
    """A message to take; without `recipient` the practice's route chooses."""

    kind = serializers.ChoiceField(StaffMessage.Kind.choices)
    body = serializers.CharField(max_length=LONGEST)
    recipient = serializers.ChoiceField(Recipient.choices, required=False)
    to_user = serializers.IntegerField(required=False, min_value=1, max_value=2_000_000_000)
    to_role = serializers.ChoiceField(Role.choices, required=False)
    patient = serializers.UUIDField(required=False)
    call = serializers.UUIDField(required=False)
    callback_number = serializers.CharField(max_length=40, required=False, allow_blank=True)
    read_back = serializers.BooleanField(required=False)
    urgency = serializers.ChoiceField(StaffMessage.Urgency.choices, required=False)
    promised_by = serializers.DateTimeField(required=False)


class Answering(serializers.Serializer[Any]):
    outcome = serializers.CharField(max_length=LONGEST)


REFUSALS = dict.fromkeys((400, 404, 409, 422), StaffMessageProblem)


def person(user: User | None) -> dict[str, str] | None:
    return {"id": str(user.pk), "name": user.full_name or user.short_name} if user else None


def shape(message: StaffMessage) -> dict[str, Any]:
    """A message as the API says it."""
    names = ("id", "version", "kind", "urgency", "recipient", "to_role", "body", "callback_number")
    more = ("read_back", "promised_by", "created_at", "acknowledged_at", "acknowledged_how", "done_at")
    patient = message.patient
    return {name: getattr(message, name) for name in (*names, *more, "outcome")} | {
        "to_user": person(message.to_user),
        "patient": {"id": str(patient.pk), "name": patient.full_name} if patient else None,
        "call": message.call_id,
        "created_by": person(message.created_by),
        "acknowledged_by": person(message.acknowledged_by),
        "done_by": person(message.done_by),
    }


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what a verb refuses into problem details."""
    try:
        yield
    except NotReadBack as back:
        raise Problem(
            422, "Read it back first", str(back), field="read_back", sentence=back.sentence
        ) from None
    except MessageRefused as refused:
        raise Problem(422, "The message cannot be taken so", str(refused), field=refused.field) from None
    except AlreadyDone as late:
        raise Problem(409, "The message was answered", str(late)) from None


class StaffMessageView(GatedAPIView):
    """What the doors share."""

    def found(self, staff_message_id: uuid.UUID) -> StaffMessage:
        row: StaffMessage = get_object_or_404(
            StaffMessage.objects.select_related(*PEOPLE), pk=staff_message_id
        )
        return row

    def shown(self, message: StaffMessage, *, status: int = 200) -> Response:
        row = self.found(message.pk)
        if row.patient_id is not None:
            audit.record_read(by=self.actor, patients=[row.patient_id], screen="team-message")
        return Response(StaffMessageShape(shape(row)).data, status=status)

    def read(self, serializer: Any) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class StaffMessages(StaffMessageView):
    permissions = {"get": "staff-message.view", "post": "staff-message.send"}

    @extend_schema(
        operation_id="list_staff_messages",
        parameters=[Asked],
        responses={200: StaffMessageShape(many=True), 400: StaffMessageProblem},
    )
    def get(self, request: Request) -> Response:
        """The latest messages of a state (open without one), the newest first, at most 100."""
        state = self.read(Asked(data=request.query_params)).get("state", "open")
        rows = StaffMessage.objects.select_related(*PEOPLE)
        rows = {"done": rows.exclude(done_at=None), "unacknowledged": rows.unacknowledged()}.get(
            state, rows.open()
        )
        shown = list(rows.order_by("-created_at")[:MOST])
        people = [row.patient_id for row in shown if row.patient_id]
        audit.record_read(by=self.actor, patients=people, screen="team-messages")
        return Response(StaffMessageShape([shape(row) for row in shown], many=True).data)

    @extend_schema(
        operation_id="take_staff_message",
        parameters=[ONCE],
        request=Taking,
        responses={201: StaffMessageShape, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Takes a message; an urgent one, or one with a number, must have been read back."""
        return answer_once(self, self._take)

    def _take(self) -> Response:
        sent = self.read(Taking(data=self.request.data))
        if "patient" in sent:
            sent["patient"] = get_object_or_404(Patient.objects.all(), pk=sent["patient"])
        if "call" in sent:
            sent["call"] = get_object_or_404(Call.objects.all(), pk=sent["call"])
        if "to_user" in sent:
            # Whether she works here is judged by the verb: a stranger is refused like nobody.
            sent["to_user"] = User.objects.filter(pk=sent["to_user"]).first()
        with refusals():
            message = take_message(**sent, once_key=f"api:{uuid.uuid4()}", by=self.actor)
        return self.shown(message, status=201)


class Acknowledge(StaffMessageView):
    permissions = {"post": "staff-message.view"}

    @extend_schema(
        operation_id="acknowledge_staff_message",
        request=None,
        responses={200: StaffMessageShape, 404: StaffMessageProblem},
    )
    def post(self, request: Request, staff_message_id: uuid.UUID) -> Response:
        """Accepts a message as the person of the key; the first one counts, a second changes nothing."""
        return self.shown(acknowledge(message=self.found(staff_message_id), how="api", by=self.actor))


class Done(StaffMessageView):
    permissions = {"post": "staff-message.view"}

    @extend_schema(
        operation_id="answer_staff_message",
        parameters=[ONCE],
        request=Answering,
        responses={200: StaffMessageShape, **REFUSALS},
    )
    def post(self, request: Request, staff_message_id: uuid.UUID) -> Response:
        """Closes a message with what came of it."""
        return answer_once(self, lambda: self._finish(staff_message_id))

    def _finish(self, staff_message_id: uuid.UUID) -> Response:
        sent = self.read(Answering(data=self.request.data))
        with refusals():
            message = finish(message=self.found(staff_message_id), outcome=sent["outcome"], by=self.actor)
        return self.shown(message)
