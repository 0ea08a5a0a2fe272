"""Taking back what was done to a visit, for programs: the same verb as the pages."""

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from scheduling import api_shapes as shapes
from scheduling.api import REFUSALS, DiaryView, refusals
from scheduling.undo import last_change_of, undo_change


class UndoChange(DiaryView):
    permissions = {"post": "appointment.change"}

    @extend_schema(
        operation_id="undo_appointment_change",
        request=shapes.Versioned,
        responses={200: shapes.AppointmentShape, **REFUSALS},
    )
    def post(self, request: Request, appointment_id: uuid.UUID) -> Response:
        """Takes the last change of a visit back, within the practice’s window, and answers what stands now.

        A booking becomes entered in error, a move the visit it was before, a cancelled visit booked again;
        what was changed as one, like a series, is taken back as one. Once more goes a change further back.
        """
        found = self.visit(appointment_id)
        sent = self.read(shapes.Versioned(data=request.data)).validated_data
        with refusals():
            change = last_change_of(found, sent["version"])
            undo_change(change=change, by=self.actor)
        return self.shown(self.visit(change.previous_id or found.pk))
