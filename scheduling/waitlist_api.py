"""The waitlist for programs: who waits, what opened, who fits, asking, and what was answered."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from patients.models import Patient
from practices import audit
from practices.apidoors import GatedAPIView
from practices.idempotency import HEADER, answer_once
from practices.problems import Problem
from scheduling import api_shapes
from scheduling import waitlist_shapes as shapes
from scheduling.accepting import HeldJustNow, OfferAnswered, OfferGone, accept_offer, award, decline_offer
from scheduling.matching import Ranking, matches_for
from scheduling.models import Appointment, Offer, Opening, WaitlistEntry
from scheduling.offering import offer_next, offer_to
from scheduling.openings import close_opening
from scheduling.refusals import BookingRefused, NotOpen
from scheduling.waitlist import BadWish, add_entry, change_entry, remove_entry

PROBLEMS = dict.fromkeys((400, 404, 409, 422), api_shapes.BookingProblemShape)
ONCE = OpenApiParameter(
    HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER, description="The same key and body: the same answer."
)
SHOWN = 500


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what the waitlist refuses into problems: 409 for what changed meanwhile, 422 for the rest."""
    try:
        yield
    except BadWish as wrong:
        raise ValidationError({wrong.field: str(wrong)}) from None
    except (OfferGone, HeldJustNow, OfferAnswered, NotOpen) as gone:
        raise Problem(409, "The time or the entry is not open", str(gone)) from None
    except BookingRefused as refusal:
        raise Problem(422, "The waitlist does not allow this", str(refusal)) from None


class WaitlistView(GatedAPIView):
    """What the doors of the waitlist share."""

    def read(self, shape: Any) -> dict[str, Any]:
        shape.is_valid(raise_exception=True)
        return dict(shape.validated_data)

    def entry(self, entry_id: uuid.UUID) -> WaitlistEntry:
        found: WaitlistEntry = get_object_or_404(WaitlistEntry.objects.with_people(), pk=entry_id)
        return found

    def opening(self, opening_id: uuid.UUID) -> Opening:
        found: Opening = get_object_or_404(Opening.objects.with_people(), pk=opening_id)
        return found

    def shown(self, entry: WaitlistEntry, status: int = 200) -> Response:
        audit.record_read(by=self.actor, patients=[entry.patient_id], screen="waitlist")
        return Response(shapes.WaitlistEntryShape(entry).data, status=status)

    def visit(self, visit: Appointment) -> Response:
        audit.record_read(by=self.actor, patients=[visit.patient_id], screen="appointment")
        full = Appointment.objects.with_people().get(pk=visit.pk)
        return Response(api_shapes.AppointmentShape(api_shapes.appointment_shape(full)).data, status=201)


class Entries(WaitlistView):
    permissions = {"get": "waitlist.view", "post": "waitlist.change"}

    @extend_schema(
        operation_id="list_waitlist",
        parameters=[OpenApiParameter("patient", OpenApiTypes.UUID)],
        responses={200: shapes.WaitlistEntryShape(many=True), 400: api_shapes.BookingProblemShape},
    )
    def get(self, request: Request) -> Response:
        """Who waits, in the order in which they would be asked."""
        rows = WaitlistEntry.objects.waiting()
        if wanted := request.query_params.get("patient"):
            try:
                rows = rows.filter(patient=uuid.UUID(wanted))
            except ValueError:
                raise ValidationError({"patient": "Send the id of a patient."}) from None
        found = list(rows.order_by("urgency", "created_at", "pk")[:SHOWN])
        audit.record_read(by=self.actor, patients=[one.patient_id for one in found], screen="waitlist")
        return Response(shapes.WaitlistEntryShape(found, many=True).data)

    @extend_schema(
        operation_id="add_to_waitlist",
        parameters=[ONCE],
        request=shapes.AddingEntry,
        responses={201: shapes.WaitlistEntryShape, **PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        """Puts a patient on the list."""
        return answer_once(self, self._add)

    def _add(self) -> Response:
        sent = self.read(shapes.AddingEntry(data=self.request.data))
        patient = get_object_or_404(Patient, pk=sent.pop("patient"))
        wanted = sent.pop("appointment", None)
        visit = get_object_or_404(Appointment.objects.with_people(), pk=wanted) if wanted else None
        with refusals():
            entry = add_entry(patient=patient, source="api", appointment=visit, by=self.actor, **sent)
        return self.shown(entry, 201)


class OneEntry(WaitlistView):
    permissions = {"get": "waitlist.view", "patch": "waitlist.change"}

    @extend_schema(
        operation_id="get_waitlist_entry",
        responses={200: shapes.WaitlistEntryShape, 404: api_shapes.BookingProblemShape},
    )
    def get(self, request: Request, entry_id: uuid.UUID) -> Response:
        """What somebody waits for."""
        return self.shown(self.entry(entry_id))

    @extend_schema(
        operation_id="change_waitlist_entry",
        request=shapes.WishesShape,
        responses={200: shapes.WaitlistEntryShape, **PROBLEMS},
    )
    def patch(self, request: Request, entry_id: uuid.UUID) -> Response:
        """Changes the wishes that are sent."""
        found = self.entry(entry_id)
        sent = self.read(shapes.WishesShape(data=request.data))
        with refusals():
            changed = change_entry(entry=found, by=self.actor, **sent)
        return self.shown(changed)


class RemoveEntry(WaitlistView):
    permissions = {"post": "waitlist.change"}

    @extend_schema(
        operation_id="remove_from_waitlist",
        request=shapes.RemovingEntry,
        responses={200: shapes.WaitlistEntryShape, **PROBLEMS},
    )
    def post(self, request: Request, entry_id: uuid.UUID) -> Response:
        """Takes somebody off the list."""
        found = self.entry(entry_id)
        sent = self.read(shapes.RemovingEntry(data=request.data))
        return self.shown(remove_entry(entry=found, why=sent["why"], by=self.actor))


class Openings(WaitlistView):
    permissions = {"get": "waitlist.view"}

    @extend_schema(operation_id="list_openings", responses=shapes.OpeningShape(many=True))
    def get(self, request: Request) -> Response:
        """What is open, soonest first."""
        rows = Opening.objects.coming().order_by("starts_at")[:SHOWN]
        return Response(shapes.OpeningShape(rows, many=True).data)


class OneOpening(WaitlistView):
    permissions = {"get": "waitlist.view"}

    @extend_schema(
        operation_id="get_opening",
        responses={200: shapes.OpeningLogShape, 404: api_shapes.BookingProblemShape},
    )
    def get(self, request: Request, opening_id: uuid.UUID) -> Response:
        """One opening: who fits, who was asked in which order and why, who is passed over and why."""
        found = self.opening(opening_id)
        ranking = matches_for(found) if found.is_open else Ranking()
        offers = list(found.offers.select_related("entry"))
        passed: list[Any] = [*ranking.passed] or list(found.passed_over.select_related("entry"))
        body = shapes.log_shape(found, ranking, offers, passed)
        people = {row["patient"] for name in ("matches", "passed_over") for row in body[name]}
        people |= {offer.entry.patient_id for offer in offers}
        audit.record_read(by=self.actor, patients=list(people), screen="opening")
        return Response(shapes.OpeningLogShape(body).data)


class OfferOpening(WaitlistView):
    permissions = {"post": "waitlist.change"}

    @extend_schema(
        operation_id="offer_opening",
        parameters=[ONCE],
        request=shapes.Offering,
        responses={201: shapes.OfferShape(many=True), **PROBLEMS},
    )
    def post(self, request: Request, opening_id: uuid.UUID) -> Response:
        """Asks the named entries, or the next group of the rule."""
        return answer_once(self, lambda: self._offer(opening_id))

    def _offer(self, opening_id: uuid.UUID) -> Response:
        found = self.opening(opening_id)
        sent = self.read(shapes.Offering(data=self.request.data))
        with refusals():
            if sent.get("entries"):
                made = offer_to(opening=found, entries=sent["entries"], by=self.actor)
            else:
                made = offer_next(opening=found, by=self.actor)
        people = [offer.entry.patient_id for offer in made]
        audit.record_read(by=self.actor, patients=people, screen="opening")
        return Response(shapes.OfferShape(made, many=True).data, status=201)


class CloseOpening(WaitlistView):
    permissions = {"post": "waitlist.change"}

    @extend_schema(
        operation_id="close_opening", request=None, responses={200: shapes.OpeningShape, **PROBLEMS}
    )
    def post(self, request: Request, opening_id: uuid.UUID) -> Response:
        """Offers it to nobody any more."""
        found = close_opening(opening=self.opening(opening_id), why="Ended by a program.", by=self.actor)
        return Response(shapes.OpeningShape(found).data)


class AwardOpening(WaitlistView):
    permissions = {"post": "waitlist.change"}

    @extend_schema(
        operation_id="award_opening",
        parameters=[ONCE],
        request=shapes.Awarding,
        responses={201: api_shapes.AppointmentShape, **PROBLEMS},
    )
    def post(self, request: Request, opening_id: uuid.UUID) -> Response:
        """Books it for somebody who said yes; 409 when it does not fit any more."""
        return answer_once(self, lambda: self._award(opening_id))

    def _award(self, opening_id: uuid.UUID) -> Response:
        found = self.opening(opening_id)
        sent = self.read(shapes.Awarding(data=self.request.data))
        with refusals():
            visit = award(opening=found, entry=self.entry(sent["entry"]), how="api", by=self.actor)
        return self.visit(visit)


class AcceptOffer(WaitlistView):
    permissions = {"post": "waitlist.change"}

    @extend_schema(
        operation_id="accept_offer", request=None, responses={201: api_shapes.AppointmentShape, **PROBLEMS}
    )
    def post(self, request: Request, offer_id: uuid.UUID) -> Response:
        """Books the offered time; the first wins, 409 for the others. Twice is the same visit."""
        found = get_object_or_404(Offer.objects.with_all(), pk=offer_id)
        with refusals():
            return self.visit(accept_offer(offer=found, how="api", by=self.actor))


class DeclineOffer(WaitlistView):
    permissions = {"post": "waitlist.change"}

    @extend_schema(operation_id="decline_offer", request=None, responses={200: shapes.OfferShape, **PROBLEMS})
    def post(self, request: Request, offer_id: uuid.UUID) -> Response:
        """Not this time; the entry stays on the list."""
        found = get_object_or_404(Offer.objects.with_all(), pk=offer_id)
        with refusals():
            declined = decline_offer(offer=found, how="api", by=self.actor)
        audit.record_read(by=self.actor, patients=[declined.entry.patient_id], screen="opening")
        return Response(shapes.OfferShape(declined).data)
