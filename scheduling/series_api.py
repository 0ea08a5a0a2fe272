"""Series and linked visits for programs: looked at, booked, moved and cancelled as one, by the same verbs."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from patients.models import Patient
from practices import audit
from practices.idempotency import answer_once
from practices.problems import Problem
from scheduling import api_shapes as shapes
from scheduling.api import ONCE, REFUSALS, DiaryView, refusals
from scheduling.batches import Move, cancel_visits, reschedule_visits
from scheduling.belonging import TOGETHER, come_along
from scheduling.drafts import Slot
from scheduling.linked import along
from scheduling.models import Appointment, AppointmentType, CancellationReason, Practitioner, Series
from scheduling.refusals import DatesRefused
from scheduling.series import Dated, book_series, dates_of, in_scope, shifted, visits_of, with_conflicts

MOST = Series.MOST_DATES


class Instead(serializers.Serializer[Any]):
    """Another time, or clinician, for one date of a series."""

    position = serializers.IntegerField(min_value=1, max_value=MOST)
    starts_at = shapes.InstantField()
    practitioner = serializers.UUIDField(required=False)


class Decided(serializers.Serializer[Any]):
    """What is done about single dates: left out (`skip`), or put elsewhere (`instead`)."""

    skip = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MOST), required=False, max_length=MOST
    )
    instead = serializers.ListField(child=Instead(), required=False, max_length=MOST)


class AskedSeries(shapes.NewTime):
    """A recurrence by days (RFC 5545) from a first time; `COUNT` or `UNTIL` ends it."""

    patient = serializers.UUIDField()
    practitioner = serializers.UUIDField()
    type = serializers.UUIDField()
    rule = serializers.CharField(max_length=200)


class BookingSeries(AskedSeries, Decided):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)
    tell_patient = serializers.BooleanField(required=False)


class MovingSeries(shapes.NewTime, shapes.Versioned, Decided):
    scope = serializers.ChoiceField(
        [("later", "This and later"), ("all", "All"), (TOGETHER, "Linked visits")]
    )
    practitioner = serializers.UUIDField(required=False)
    tell_patient = serializers.BooleanField(required=False)


class CancellingSeries(shapes.Versioned):
    scope = serializers.ChoiceField(
        [("later", "This and later"), ("all", "All"), (TOGETHER, "Linked visits")]
    )
    reason = serializers.ChoiceField(CancellationReason.choices)
    tell_patient = serializers.BooleanField(required=False)


class DateShape(serializers.Serializer[Any]):
    """`against` is past, closed, out, hours, rule, taken, each-other, changed, gap or twice; empty fits.

    `local_time` is on the clock of the place, `time_zone`, which the series keeps.
    """

    position = serializers.IntegerField()
    local_time = serializers.CharField()
    time_zone = serializers.CharField()
    starts_at = serializers.DateTimeField(allow_null=True)
    practitioner = serializers.UUIDField()
    against = serializers.CharField()
    words = serializers.CharField()
    note = serializers.CharField()
    instants = serializers.ListField(child=serializers.DateTimeField())


class SeriesShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    rule = serializers.CharField()
    total = serializers.IntegerField()
    visits = shapes.AppointmentShape(many=True)


class VisitsShape(serializers.Serializer[Any]):
    visits = shapes.AppointmentShape(many=True)


class DatesProblemShape(shapes.BookingProblemShape):
    """`verdicts`: for each of the times that were wanted, in order, why it cannot be had; empty fits."""

    verdicts = serializers.ListField(child=serializers.CharField(), required=False)


PROBLEMS = REFUSALS | {409: DatesProblemShape}


@contextmanager
def date_refusals() -> Iterator[None]:
    """As `refusals`; times that cannot be had together are a conflict that names each."""
    with refusals():
        try:
            yield
        except DatesRefused as refusal:
            words = [verdict.words for verdict in refusal.verdicts]
            raise Problem(409, "Some of the times do not work", str(refusal), verdicts=words) from None


class SeriesDoor(DiaryView):
    def visits(self, visits: Sequence[Appointment]) -> list[Any]:
        """The visits as the API says them; that they were read is noted."""
        audit.record_read(by=self.actor, patients=[visit.patient_id for visit in visits], screen="series")
        rows = [shapes.appointment_shape(visit) for visit in visits]
        return list(shapes.AppointmentShape(rows, many=True).data)

    def series(self, series: Series, visits: Sequence[Appointment], *, status: int = 200) -> Response:
        body = {"id": series.pk, "rule": series.rule, "total": series.total}
        return Response(body | {"visits": self.visits(visits)}, status=status)

    def dates(self, asked: Any) -> list[Dated]:
        """The dates of the rule that was asked for."""
        sent = asked.validated_data
        practitioner = get_object_or_404(Practitioner.objects.select_related("room"), pk=sent["practitioner"])
        return dates_of(sent["rule"], Slot(practitioner, asked.instant()))

    def slots(self, rows: Sequence[Dated], sent: dict[str, Any]) -> list[tuple[Dated, Slot]]:
        """The dates that shall take place, each where it shall be; a time that is none must be decided."""
        skip = set(sent.get("skip", ()))
        instead = {one["position"]: one for one in sent.get("instead", ())}
        found = []
        for row in rows:
            other = instead.get(row.position)
            if other is not None:
                who = other.get("practitioner")
                person = get_object_or_404(Practitioner, pk=who) if who else row.practitioner
                found.append((row, Slot(person, other["starts_at"])))
            elif row.position not in skip and row.starts_at is not None:
                found.append((row, Slot(row.practitioner, row.starts_at)))
            elif row.position not in skip:
                raise DatesRefused([each.verdict for each in rows])
        return sorted(found, key=lambda pair: pair[1].starts_at)


class LookAtSeries(SeriesDoor):
    permissions = {"post": "appointment.view"}

    @extend_schema(
        operation_id="look_at_series", request=AskedSeries, responses={200: DateShape(many=True), **REFUSALS}
    )
    def post(self, request: Request) -> Response:
        """Every date of a series with what is in its way; nothing is saved."""
        asked = self.read(AskedSeries(data=request.data))
        sent = asked.validated_data
        patient = get_object_or_404(Patient, pk=sent["patient"])
        kind = get_object_or_404(AppointmentType, pk=sent["type"])
        with date_refusals():
            rows = with_conflicts(self.dates(asked), kind, patient)
        audit.record_read(by=self.actor, patients=[patient.pk], screen="series")
        return Response(DateShape([date_shape(row) for row in rows], many=True).data)


class BookSeries(SeriesDoor):
    permissions = {"post": "appointment.book"}

    @extend_schema(
        operation_id="book_series",
        parameters=[ONCE],
        request=BookingSeries,
        responses={201: SeriesShape, **PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        """Books every date that is not left out, or none; what is in the way answers 409."""
        return answer_once(self, self._book)

    def _book(self) -> Response:
        asked = self.read(BookingSeries(data=self.request.data))
        sent = asked.validated_data
        with date_refusals():
            series, visits = book_series(
                patient=get_object_or_404(Patient, pk=sent["patient"]),
                appointment_type=get_object_or_404(AppointmentType, pk=sent["type"]),
                dates=[slot for _, slot in self.slots(self.dates(asked), sent)],
                rule=sent["rule"],
                by=self.actor,
                **self.only(asked, "reason", "tell_patient"),
            )
        return self.series(series, visits, status=201)


class OneSeries(SeriesDoor):
    permissions = {"get": "appointment.view"}

    @extend_schema(operation_id="get_series", responses={200: SeriesShape, 404: REFUSALS[404]})
    def get(self, request: Request, series_id: uuid.UUID) -> Response:
        """A series with its visits as they stand."""
        series = get_object_or_404(Series, pk=series_id)
        return self.series(series, visits_of(series.pk))


class RescheduleTogether(SeriesDoor):
    permissions = {"post": "appointment.change"}

    @extend_schema(
        operation_id="reschedule_together",
        parameters=[ONCE],
        request=MovingSeries,
        responses={201: VisitsShape, **PROBLEMS},
    )
    def post(self, request: Request, appointment_id: uuid.UUID) -> Response:
        """Moves a visit and with it those of its series or its links, all or none."""
        return answer_once(self, lambda: self._move(appointment_id))

    def _move(self, appointment_id: uuid.UUID) -> Response:
        visit = self.visit(appointment_id)  # before the fields: a stranger's id is never told apart
        asked = self.read(MovingSeries(data=self.request.data))
        sent = asked.validated_data
        who = sent.get("practitioner")
        with date_refusals():
            to = Slot(get_object_or_404(Practitioner, pk=who) if who else visit.practitioner, asked.instant())
            moved = reschedule_visits(
                moves=self.moves(visit, to, sent), by=self.actor, **self.only(asked, "tell_patient")
            )
        return Response({"visits": self.visits(moved)}, status=201)

    def moves(self, visit: Appointment, to: Slot, sent: dict[str, Any]) -> list[Move]:
        if sent["scope"] == TOGETHER:
            return along(visit, come_along(visit, {"scope": TOGETHER}), sent["version"], to)
        rows = shifted(visit, in_scope(visit, sent["scope"]), to)
        return [
            Move(
                row.visit,
                sent["version"] if row.visit.pk == visit.pk else row.visit.version,
                slot.starts_at,
                slot.practitioner,
            )
            for row, slot in self.slots(rows, sent)
            if row.visit is not None
        ]


class CancelTogether(SeriesDoor):
    permissions = {"post": "appointment.change"}

    @extend_schema(
        operation_id="cancel_together",
        parameters=[ONCE],
        request=CancellingSeries,
        responses={200: VisitsShape, **PROBLEMS},
    )
    def post(self, request: Request, appointment_id: uuid.UUID) -> Response:
        """Cancels a visit and with it those of its series or its links, all or none."""
        return answer_once(self, lambda: self._cancel(appointment_id))

    def _cancel(self, appointment_id: uuid.UUID) -> Response:
        visit = self.visit(appointment_id)  # before the fields: a stranger's id is never told apart
        asked = self.read(CancellingSeries(data=self.request.data))
        sent = asked.validated_data
        with date_refusals():
            others = come_along(visit, {"scope": sent["scope"]})
            gone = cancel_visits(
                visits=[(visit, sent["version"]), *others],
                by=self.actor,
                **self.only(asked, "reason", "tell_patient"),
            )
        return Response({"visits": self.visits(gone)})


def date_shape(row: Dated) -> dict[str, Any]:
    """A date of a series as the API says it."""
    return {
        "position": row.position,
        "local_time": f"{row.day}T{row.time:%H:%M}",
        "time_zone": row.zone.key,
        "starts_at": row.starts_at,
        "practitioner": row.practitioner.pk,
        "against": row.verdict.kind,
        "words": row.verdict.words,
        "note": row.verdict.note,
        "instants": list(row.twice),
    }
