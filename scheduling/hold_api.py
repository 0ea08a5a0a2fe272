"""Holding a time and booking what is held, in the shape of FHIR scheduling’s `$hold` and `$book`."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from patients.models import Need, Patient
from practices import audit
from practices.idempotency import answer_once
from practices.problems import Problem
from scheduling import api_shapes as shapes
from scheduling.api import ONCE, REFUSALS, DiaryView, refusals
from scheduling.booking import book_appointment
from scheduling.fits import HOURS, NEED, RULE, TAKEN, Fit
from scheduling.fitting import judge
from scheduling.held_choice import taken_with
from scheduling.holding import hold_time, release_hold
from scheduling.means import wants_to_take
from scheduling.models import AppointmentType, Hold, Practitioner
from scheduling.refusals import RuleBroken

NAME: dict[str, Any] = {"max_length": 40, "min_length": 8}


class Holding(shapes.NewTime):
    """`hold` is a name of the program's own choice: a second time under the same name replaces the first.

    With the `patient` all that the visit takes is held, as `$find` names it; `needs` stand in for those of
    the record. A time at which something of it cannot be had is refused.
    """

    practitioner = serializers.UUIDField()
    type = serializers.UUIDField()
    patient = serializers.UUIDField(required=False)
    needs = serializers.ListField(child=serializers.ChoiceField(Need.choices), required=False, max_length=20)
    hold = serializers.SlugField(**NAME)


class BookingHeld(serializers.Serializer[Any]):
    hold = serializers.SlugField(**NAME)
    patient = serializers.UUIDField()
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    tell_patient = serializers.BooleanField(required=False)


class LettingGo(serializers.Serializer[Any]):
    hold = serializers.SlugField(**NAME)


class HoldShape(serializers.Serializer[Any]):
    hold = serializers.CharField()
    practitioner = serializers.UUIDField()
    type = serializers.UUIDField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    room = serializers.CharField()
    resources = serializers.ListField(child=serializers.CharField())


class HoldDoor(DiaryView):
    def key(self, name: str) -> str:
        """A program's hold is its own: another key of the practice cannot take it over."""
        return f"{self.actor.user.pk}:{name}" if self.actor.user is not None else name


class HoldTime(HoldDoor):
    permissions = {"post": "appointment.book"}

    @extend_schema(operation_id="hold_time", request=Holding, responses={201: HoldShape, **REFUSALS})
    def post(self, request: Request) -> Response:
        """Keeps a time and what the visit takes for five minutes; a taken one answers 409 with free ones."""
        asked = self.read(Holding(data=request.data))
        key = self.key(asked.validated_data["hold"])
        with refusals():
            wanted = self._wanted(asked)
            fit = judge(**wanted, **self._for_whom(asked.validated_data), own_hold=key)
            refuse_unmet(fit)
            held = hold_time(**wanted, **taken_with(fit), key=key, by=self.actor)
        body = hold_shape(held, asked.validated_data["hold"], fit)
        return Response(HoldShape(body).data, status=201)

    def _wanted(self, asked: Any) -> dict[str, Any]:
        sent = asked.validated_data
        people = Practitioner.objects.select_related("room")
        return {
            "practitioner": get_object_or_404(people, pk=sent["practitioner"]),
            "appointment_type": get_object_or_404(AppointmentType, pk=sent["type"]),
            "starts_at": asked.instant(),
        }

    def _for_whom(self, sent: dict[str, Any]) -> dict[str, Any]:
        """The patient, where one is named, and what has to be there for the visit."""
        patient = get_object_or_404(Patient, pk=sent["patient"]) if "patient" in sent else None
        if patient is not None:
            audit.record_read(by=self.actor, patients=[patient.pk], screen="hold-time")
        needs = sent.get("needs", patient.needs if patient is not None else ())
        return {"patient": patient, "wants": wants_to_take(patient, needs)}


class LetGo(HoldDoor):
    permissions = {"post": "appointment.book"}

    @extend_schema(operation_id="let_time_go", request=LettingGo, responses={204: None, 400: REFUSALS[400]})
    def post(self, request: Request) -> Response:
        """Lets a held time go; one that was not held is as good as gone."""
        sent = self.read(LettingGo(data=request.data)).validated_data
        release_hold(key=self.key(sent["hold"]), by=self.actor)
        return Response(status=204)


class BookHeld(HoldDoor):
    permissions = {"post": "appointment.book"}

    @extend_schema(
        operation_id="book_held_time",
        parameters=[ONCE],
        request=BookingHeld,
        responses={201: shapes.AppointmentShape, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Books what is held for a patient. A hold that ran out still books, unless the time was taken."""
        return answer_once(self, self._book)

    def _book(self) -> Response:
        asked = self.read(BookingHeld(data=self.request.data))
        sent = asked.validated_data
        key = self.key(sent["hold"])
        rows = Hold.objects.select_related("practitioner__room", "appointment_type")
        held = rows.filter(key=key, held_by=self.actor.user).first()
        if held is None:
            raise Problem(409, "Nothing is held", "No time is held under this name. Hold one first.")
        with refusals():
            visit = book_appointment(
                patient=get_object_or_404(Patient, pk=sent["patient"]),
                practitioner=held.practitioner,
                appointment_type=held.appointment_type,
                starts_at=held.starts_at,
                hold_key=key,
                by=self.actor,
                **self.only(asked, "reason", "note", "tell_patient"),
            )
        return self.shown(visit, status=201)


def refuse_unmet(fit: Fit) -> None:
    """Refuses to hold what could not be booked, or what lacks something that was asked for."""
    unmet = fit.broken(RULE, NEED)
    # Who has the time, and that it is outside of hours, the hold itself says better.
    if unmet and not fit.broken(HOURS, TAKEN):
        raise RuleBroken(" ".join(unmet))


def hold_shape(held: Hold, name: str, fit: Fit) -> dict[str, Any]:
    return {
        "hold": name,
        "practitioner": held.practitioner_id,
        "type": held.appointment_type_id,
        "starts_at": held.starts_at,
        "ends_at": held.ends_at,
        "expires_at": held.expires_at,
        "room": fit.room.name if fit.room else "",
        "resources": [str(one) for one in (*fit.resources, *fit.colleagues)],
    }
