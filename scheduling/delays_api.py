"""Delays for programs: how late clinicians are today, saying so, telling patients, on time again."""

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from practices import audit
from practices.apidoors import GatedAPIView
from practices.problems import Problem
from scheduling.api_shapes import BookingProblemShape
from scheduling.delays import caught_up, say_late, tell_late, undo_late
from scheduling.late_notices import LateDay, Word, late_days, words_for
from scheduling.late_page import day_of, may_change
from scheduling.models import MOST_MINUTES, Delay, Practitioner
from scheduling.refusals import BookingRefused, ChangedSince, TooLate

REFUSED = {
    400: BookingProblemShape,
    404: BookingProblemShape,
    409: BookingProblemShape,
    422: BookingProblemShape,
}
VERSION: dict[str, Any] = {"min_value": 0, "max_value": 2_000_000_000}


class SayingLate(serializers.Serializer[Any]):
    """`minutes` behind now, or so many `more`; one of the two. `version` is the delay's that was read."""

    minutes = serializers.IntegerField(min_value=1, max_value=MOST_MINUTES, required=False)
    more = serializers.IntegerField(min_value=1, max_value=MOST_MINUTES, required=False)
    version = serializers.IntegerField(required=False, **VERSION)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("minutes" in attrs) == ("more" in attrs):
            raise serializers.ValidationError({"minutes": "Send either minutes or more."})
        return attrs


class Telling(serializers.Serializer[Any]):
    """`appointments` narrows who is told; without it everybody whom the delay concerns."""

    version = serializers.IntegerField(**VERSION)
    appointments = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=200)


class OnTimeAgain(serializers.Serializer[Any]):
    version = serializers.IntegerField(required=False, **VERSION)


class TakingBack(serializers.Serializer[Any]):
    """`version` is the delay's that was read: with it nobody else's step is taken back unseen."""

    version = serializers.IntegerField(required=False, **VERSION)


class ExpectedShape(serializers.Serializer[Any]):
    appointment = serializers.UUIDField()
    starts_at = serializers.DateTimeField()
    expected_at = serializers.DateTimeField()
    minutes = serializers.IntegerField()


class WordShape(ExpectedShape):
    language = serializers.CharField()
    channel = serializers.CharField(help_text="sms, email, call, or empty where there is no way.")


class DelayShape(serializers.Serializer[Any]):
    """`behind` is what is left of `minutes` at present; `to_tell` says who would hear what, by which way."""

    practitioner = serializers.UUIDField()
    day = serializers.DateField()
    minutes = serializers.IntegerField()
    behind = serializers.IntegerField()
    version = serializers.IntegerField()
    expected = ExpectedShape(many=True)
    to_tell = WordShape(many=True)


class ToldShape(serializers.Serializer[Any]):
    messages = serializers.IntegerField()
    calls = serializers.IntegerField()


def delay_shape(day: LateDay) -> dict[str, Any]:
    """A delay as the API says it."""
    expected = [
        {
            "appointment": visit.pk,
            "starts_at": visit.starts_at,
            "expected_at": day.course.expected[visit.pk],
            "minutes": day.course.late[visit.pk],
        }
        for visit in day.visits
        if visit.pk in day.course.expected
    ]
    return {
        "practitioner": day.delay.practitioner_id,
        "day": day.delay.local_date,
        "minutes": day.delay.minutes,
        "behind": day.course.behind,
        "version": day.delay.version,
        "expected": expected,
        "to_tell": [word_shape(word) for word in words_for(day)],
    }


def word_shape(word: Word) -> dict[str, Any]:
    return {
        "appointment": word.visit.pk,
        "starts_at": word.visit.starts_at,
        "expected_at": word.expected,
        "minutes": word.late,
        "language": word.visit.patient.language,
        "channel": word.channel,
    }


class DelayView(GatedAPIView):
    """What the doors share."""

    def clinician(self, practitioner_id: uuid.UUID) -> Practitioner:
        found: Practitioner = get_object_or_404(Practitioner.objects.in_use(), pk=practitioner_id)
        if self.request.method == "POST" and not may_change(self.admission, found):
            raise PermissionDenied("A clinician says so for herself; others work at the desk.")
        return found

    def shown(self, days: list[LateDay]) -> list[dict[str, Any]]:
        seen = [visit.patient_id for day in days for visit in day.visits if visit.pk in day.course.expected]
        audit.record_read(by=self.actor, patients=seen, screen="delay")
        return [dict(DelayShape(delay_shape(day)).data) for day in days]

    def carried_out(self, verb: Any, **asked: Any) -> Any:
        """What the verb returns; its refusals as problem details."""
        try:
            return verb(by=self.actor, **asked)
        except ChangedSince as changed:
            raise Problem(409, "The delay was changed", str(changed)) from None
        except TooLate as late:
            raise Problem(422, "It is too late", str(late)) from None
        except BookingRefused as refusal:
            raise Problem(422, "The delay cannot be said so", str(refusal)) from None

    def stands_after(self, verb: Any, asked: Any, practitioner_id: uuid.UUID) -> Response:
        """Carries out what was asked and answers with the delay as it stands then."""
        practitioner = self.clinician(practitioner_id)
        asked.is_valid(raise_exception=True)
        self.carried_out(verb, practitioner=practitioner, **asked.validated_data)
        (body,) = self.shown([day_of(practitioner)])
        return Response(body)


class Delays(DelayView):
    permissions = {"get": "delay.view"}

    @extend_schema(operation_id="list_delays", responses=DelayShape(many=True))
    def get(self, request: Request) -> Response:
        """Who is behind today, and what that makes of the visits ahead."""
        return Response(self.shown(late_days(Delay.objects.today().order_by("said_at"))))


class OneDelay(DelayView):
    permissions = {"get": "delay.view", "post": "delay.change"}

    @extend_schema(operation_id="get_delay", responses={200: DelayShape, 404: BookingProblemShape})
    def get(self, request: Request, practitioner_id: uuid.UUID) -> Response:
        """How late one clinician is today, and who would be told."""
        (body,) = self.shown([day_of(self.clinician(practitioner_id))])
        return Response(body)

    @extend_schema(operation_id="say_late", request=SayingLate, responses={200: DelayShape, **REFUSED})
    def post(self, request: Request, practitioner_id: uuid.UUID) -> Response:
        """Says how many minutes a clinician is behind; tells nobody."""
        return self.stands_after(say_late, SayingLate(data=request.data), practitioner_id)


class Tell(DelayView):
    permissions = {"post": "delay.change"}

    @extend_schema(operation_id="tell_late", request=Telling, responses={200: ToldShape, **REFUSED})
    def post(self, request: Request, practitioner_id: uuid.UUID) -> Response:
        """Tells the patients whom the delay concerns; who was told already is not told again."""
        asked, practitioner = Telling(data=request.data), self.clinician(practitioner_id)
        asked.is_valid(raise_exception=True)
        sent = asked.validated_data
        visits = set(sent["appointments"]) if "appointments" in sent else None
        told = self.carried_out(tell_late, practitioner=practitioner, version=sent["version"], visits=visits)
        return Response(ToldShape(told).data)


class OnTime(DelayView):
    permissions = {"post": "delay.change"}

    @extend_schema(operation_id="caught_up", request=OnTimeAgain, responses={200: ToldShape, **REFUSED})
    def post(self, request: Request, practitioner_id: uuid.UUID) -> Response:
        """On time again; those who were told of a delay and still come hear so."""
        asked, practitioner = OnTimeAgain(data=request.data), self.clinician(practitioner_id)
        asked.is_valid(raise_exception=True)
        told = self.carried_out(caught_up, practitioner=practitioner, **asked.validated_data)
        return Response(ToldShape(told).data)


class UndoStep(DelayView):
    permissions = {"post": "delay.change"}

    @extend_schema(operation_id="undo_late", request=TakingBack, responses={200: DelayShape, **REFUSED})
    def post(self, request: Request, practitioner_id: uuid.UUID) -> Response:
        """Takes the last step back, within the practice’s window: what was said, or whom it told."""
        return self.stands_after(undo_late, TakingBack(data=request.data), practitioner_id)
