"""What goes into the API of the calls and what comes out."""

from typing import Any

from rest_framework import serializers

from messaging.models import Call, Recording
from practices.api_shapes import SomebodyShape
from practices.models import User

LONGEST_NOTE = 10_000


class RecordingShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    seconds = serializers.IntegerField()
    state = serializers.ChoiceField(Recording.State.choices)
    transcript = serializers.CharField(help_text="As the supplier wrote it down; it errs.")


class CallShape(serializers.Serializer[Any]):
    """A call; `number` is empty where it was withheld, `waited_seconds` is the wait for a person."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    direction = serializers.ChoiceField(Call.Direction.choices)
    by_hand = serializers.BooleanField()
    status = serializers.ChoiceField(Call.Status.choices)
    outcome = serializers.ChoiceField([("", "Still open"), *Call.Outcome.choices])
    number = serializers.CharField()
    patient = SomebodyShape(allow_null=True)
    handler = SomebodyShape(allow_null=True)
    caller_name = serializers.CharField()
    caller_relation = serializers.CharField()
    matter = serializers.CharField()
    note = serializers.CharField()
    problem = serializers.CharField()
    started_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    waited_seconds = serializers.IntegerField()
    held_seconds = serializers.IntegerField()
    recordings = RecordingShape(many=True)


class CallProblem(serializers.Serializer[Any]):
    """RFC 9457; a note that was written meanwhile adds the `current` call."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    current = CallShape(required=False)


class CallsAsked(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        ["present", "ended", "unanswered"], required=False, help_text="All calls without one."
    )
    patient = serializers.UUIDField(required=False)
    before = serializers.DateTimeField(required=False, help_text="Only calls that began earlier.")


class CallLogged(serializers.Serializer[Any]):
    """A call on another telephone; it is written down as ended unless it is still `open`."""

    direction = serializers.ChoiceField(Call.Direction.choices)
    number = serializers.CharField(max_length=40, required=False, allow_blank=True)
    patient = serializers.UUIDField(required=False)
    caller_name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    caller_relation = serializers.CharField(max_length=40, required=False, allow_blank=True)
    matter = serializers.ChoiceField(Call.Matter.choices, required=False)
    note = serializers.CharField(max_length=LONGEST_NOTE, required=False, allow_blank=True)
    open = serializers.BooleanField(default=False)


class NoteWritten(serializers.Serializer[Any]):
    """The whole note, and the `version` of the call it was read at."""

    note = serializers.CharField(max_length=LONGEST_NOTE, allow_blank=True)
    version = serializers.IntegerField(min_value=1, max_value=2_147_483_647, required=False)


def call_shape(call: Call) -> dict[str, Any]:
    """A call as the API says it."""
    names = ("id", "version", "direction", "by_hand", "status", "outcome", "caller_name", "caller_relation")
    more = ("matter", "note", "problem", "started_at", "answered_at", "ended_at", "held_seconds")
    patient = call.patient
    return {name: getattr(call, name) for name in (*names, *more)} | {
        "number": call.address,
        "patient": {"id": str(patient.pk), "name": patient.full_name} if patient else None,
        "handler": person(call.handler),
        "waited_seconds": max(int(call.waited.total_seconds()), 0),
        "recordings": list(call.recordings.all()),
    }


def person(user: User | None) -> dict[str, str] | None:
    return {"id": str(user.pk), "name": user.full_name or user.short_name} if user else None
