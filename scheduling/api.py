"""The diary for programs: the same verbs as the pages, refusals as problem details."""

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from patients.models import Patient
from practices import audit
from practices.apidoors import GatedAPIView
from practices.idempotency import HEADER, answer_once
from practices.prepared import Prepared
from practices.problems import Problem
from scheduling import api_shapes as shapes
from scheduling.availability import free_times
from scheduling.booking import (
    BookingRefused,
    MayNotOverbook,
    NotOpen,
    SlotTaken,
    StaleAppointment,
    book_appointment,
    cancel_appointment,
    confirm_appointment,
    reschedule_appointment,
)
from scheduling.delays import expected_of
from scheduling.flow import set_stage
from scheduling.models import Appointment, AppointmentType, Practitioner
from scheduling.refusals import ChangedSince, TooLate
from scheduling.wallclock import ClockChange, TimeIsAmbiguous, boundary

REFUSALS = {400: shapes.BookingProblemShape, 404: shapes.BookingProblemShape, 409: shapes.BookingProblemShape}
REFUSALS |= {403: shapes.BookingProblemShape, 422: shapes.BookingProblemShape}
ONCE = OpenApiParameter(
    HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER, description="The same key and body: the same answer."
)


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what the diary refuses into problem details: 409 for what changed meanwhile, 422 for the rest."""
    try:
        yield
    except SlotTaken as taken:
        times = shapes.FreeShape([shapes.free_shape(free) for free in taken.next_times], many=True).data
        raise Problem(409, "The time is taken", str(taken), next_times=times) from None
    except StaleAppointment as stale:
        current = shapes.AppointmentShape(shapes.appointment_shape(stale.current)).data
        raise Problem(409, "The visit was changed", str(stale), current=current) from None
    except ChangedSince as changed:
        raise Problem(409, "The visit was changed", str(changed)) from None
    except TooLate as late:
        raise Problem(422, "It is too late", str(late)) from None
    except NotOpen as closed:
        raise Problem(409, "The visit does not allow this", str(closed)) from None
    except TimeIsAmbiguous as twice:
        instants = [twice.first.isoformat(), twice.second.isoformat()]
        raise Problem(422, "The time comes twice", str(twice), instants=instants) from None
    except ClockChange as gap:
        raise Problem(422, "The time does not exist", str(gap)) from None
    except MayNotOverbook as refusal:
        raise Problem(403, "The right to squeeze in is missing", str(refusal)) from None
    except BookingRefused as refusal:
        raise Problem(422, "The visit cannot be booked so", str(refusal)) from None


PATIENT = Prepared(lambda pk: Patient.objects.filter(pk=pk).order_by())
PRACTITIONER = Prepared(lambda pk: Practitioner.objects.filter(pk=pk).select_related("room").order_by())
KIND = Prepared(lambda pk: AppointmentType.objects.filter(pk=pk).order_by())


def one_or_404(question: Prepared, key: uuid.UUID) -> Any:
    """The row with this key; Http404 where this practice has none."""
    found = next(iter(question.ask(pk=key)), None)
    if found is None:
        raise Http404("This practice has no such row.")
    return found


class DiaryView(GatedAPIView):
    """What the doors of the diary share."""

    def visit(self, appointment_id: uuid.UUID) -> Appointment:
        found: Appointment = get_object_or_404(Appointment.objects.with_people(), pk=appointment_id)
        return found

    def shown(self, visit: Appointment, *, status: int = 200) -> Response:
        audit.record_read(by=self.actor, patients=[visit.patient_id], screen="appointment")
        expected = expected_of([visit]).get(visit.pk)
        body = shapes.AppointmentShape(shapes.appointment_shape(visit, expected)).data
        return Response(body, status=status)

    def read(self, serializer: Any) -> Any:
        serializer.is_valid(raise_exception=True)
        return serializer

    def only(self, serializer: Any, *names: str) -> dict[str, Any]:
        """Those of the fields that were sent."""
        sent = serializer.validated_data
        return {name: sent[name] for name in names if name in sent}


class Practitioners(DiaryView):
    permissions = {"get": "practice.view"}

    @extend_schema(operation_id="list_practitioners", responses=shapes.PractitionerShape(many=True))
    def get(self, request: Request) -> Response:
        """Who sees patients, in the order of the board."""
        rows = Practitioner.objects.in_use()
        return Response(shapes.PractitionerShape(rows, many=True).data)


class AppointmentTypes(DiaryView):
    permissions = {"get": "practice.view"}

    @extend_schema(operation_id="list_appointment_types", responses=shapes.TypeShape(many=True))
    def get(self, request: Request) -> Response:
        """The kinds of visits, how long each takes and who offers it."""
        rows = AppointmentType.objects.filter(active=True).prefetch_related("offers")
        body = [
            {
                "id": row.pk,
                "name": row.name,
                **{name: getattr(row, name) for name in shapes.TYPE_RULES},
                "practitioners": [offer.practitioner_id for offer in row.offers.all()],
            }
            for row in rows
        ]
        return Response(shapes.TypeShape(body, many=True).data)


class Availability(DiaryView):
    permissions = {"get": "appointment.view"}

    @extend_schema(
        operation_id="list_free_times",
        parameters=[
            OpenApiParameter("type", OpenApiTypes.UUID, required=True),
            OpenApiParameter("practitioner", OpenApiTypes.UUID),
            OpenApiParameter("from", OpenApiTypes.DATE, required=True),
            OpenApiParameter("until", OpenApiTypes.DATE, required=True),
        ],
        responses={
            200: shapes.FreeShape(many=True),
            400: shapes.BookingProblemShape,
            404: shapes.BookingProblemShape,
        },
    )
    def get(self, request: Request) -> Response:
        """Times at which a type can begin, soonest first; both days included, at most 31."""
        asked = self.read(shapes.TimesAsked(data=request.query_params)).validated_data
        kind = get_object_or_404(AppointmentType, pk=asked["type"])
        people = None
        if "practitioner" in asked:
            offering = Practitioner.objects.in_use().filter(offers__appointment_type=kind)
            people = [get_object_or_404(offering, pk=asked["practitioner"])]
        zone = self.admission.practice.zone
        times = free_times(
            appointment_type=kind,
            practitioners=people,
            from_=boundary(asked["from"], dt.time(0), zone),
            until=boundary(asked["until"] + dt.timedelta(days=1), dt.time(0), zone),
        )
        return Response(shapes.FreeShape([shapes.free_shape(free) for free in times], many=True).data)


class Appointments(DiaryView):
    permissions = {"get": "appointment.view", "post": "appointment.book"}

    @extend_schema(
        operation_id="list_appointments",
        parameters=[OpenApiParameter("day", OpenApiTypes.DATE, required=True)],
        responses={200: shapes.AppointmentShape(many=True), 400: shapes.BookingProblemShape},
    )
    def get(self, request: Request) -> Response:
        """All visits of a day of the practice, cancelled ones too."""
        day = self.read(shapes.DayAsked(data=request.query_params)).validated_data["day"]
        visits = list(Appointment.objects.on(day).with_people())
        audit.record_read(by=self.actor, patients=[visit.patient_id for visit in visits], screen="day")
        expected = expected_of(visits)
        rows = [shapes.appointment_shape(visit, expected.get(visit.pk)) for visit in visits]
        return Response(shapes.AppointmentShape(rows, many=True).data)

    @extend_schema(
        operation_id="book_appointment",
        parameters=[ONCE],
        request=shapes.Booking,
        responses={201: shapes.AppointmentShape, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Books a visit; a taken time answers 409 with the next free ones."""
        return answer_once(self, self._book)

    def _book(self) -> Response:
        asked = self.read(shapes.Booking(data=self.request.data))
        sent = asked.validated_data
        with refusals():
            visit = book_appointment(
                patient=one_or_404(PATIENT, sent["patient"]),
                practitioner=one_or_404(PRACTITIONER, sent["practitioner"]),
                appointment_type=one_or_404(KIND, sent["type"]),
                starts_at=asked.instant(),
                by=self.actor,
                **self.only(asked, "reason", "note", "overbook_reason", "tell_patient"),
            )
        return self.shown(visit, status=201)


class OneAppointment(DiaryView):
    permissions = {"get": "appointment.view"}

    @extend_schema(
        operation_id="get_appointment",
        responses={200: shapes.AppointmentShape, 404: shapes.BookingProblemShape},
    )
    def get(self, request: Request, appointment_id: uuid.UUID) -> Response:
        """One visit."""
        return self.shown(self.visit(appointment_id))


class Reschedule(DiaryView):
    permissions = {"post": "appointment.change"}

    @extend_schema(
        operation_id="reschedule_appointment",
        parameters=[ONCE],
        request=shapes.Rescheduling,
        responses={201: shapes.AppointmentShape, **REFUSALS},
    )
    def post(self, request: Request, appointment_id: uuid.UUID) -> Response:
        """Moves a visit: answers the new one, whose `rescheduled_from` is the old."""
        return answer_once(self, lambda: self._move(appointment_id))

    def _move(self, appointment_id: uuid.UUID) -> Response:
        asked = self.read(shapes.Rescheduling(data=self.request.data))
        sent = asked.validated_data
        to = get_object_or_404(Practitioner, pk=sent["practitioner"]) if "practitioner" in sent else None
        with refusals():
            visit = reschedule_appointment(
                appointment=self.visit(appointment_id),
                version=sent["version"],
                starts_at=asked.instant(),
                practitioner=to,
                by=self.actor,
                **self.only(asked, "overbook_reason", "tell_patient"),
            )
        return self.shown(visit, status=201)


class Cancel(DiaryView):
    permissions = {"post": "appointment.change"}

    @extend_schema(
        operation_id="cancel_appointment",
        parameters=[ONCE],
        request=shapes.Cancelling,
        responses={200: shapes.AppointmentShape, **REFUSALS},
    )
    def post(self, request: Request, appointment_id: uuid.UUID) -> Response:
        """Cancels a booked visit, with a reason."""
        return answer_once(self, lambda: self._cancel(appointment_id))

    def _cancel(self, appointment_id: uuid.UUID) -> Response:
        asked = self.read(shapes.Cancelling(data=self.request.data))
        with refusals():
            visit = cancel_appointment(
                appointment=self.visit(appointment_id),
                by=self.actor,
                **self.only(asked, "version", "reason", "tell_patient"),
            )
        return self.shown(visit)


class Confirm(DiaryView):
    permissions = {"post": "appointment.change"}

    @extend_schema(
        operation_id="confirm_appointment",
        request=shapes.Confirming,
        responses={200: shapes.AppointmentShape, **REFUSALS},
    )
    def post(self, request: Request, appointment_id: uuid.UUID) -> Response:
        """Records that the patient will come; twice is the same as once."""
        asked = self.read(shapes.Confirming(data=request.data))
        with refusals():
            visit = confirm_appointment(
                appointment=self.visit(appointment_id),
                how="api",
                by=self.actor,
                **self.only(asked, "version"),
            )
        return self.shown(visit)


class SetStatus(DiaryView):
    permissions = {"post": "appointment.flow"}

    @extend_schema(
        operation_id="set_appointment_stage",
        request=shapes.SettingStage,
        responses={200: shapes.AppointmentShape, **REFUSALS},
    )
    def post(self, request: Request, appointment_id: uuid.UUID) -> Response:
        """Arrived, in visit, done, no-show, or one step back."""
        asked = self.read(shapes.SettingStage(data=request.data))
        with refusals():
            visit = set_stage(
                appointment=self.visit(appointment_id), by=self.actor, **self.only(asked, "version", "stage")
            )
        return self.shown(visit)
