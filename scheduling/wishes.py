"""A patient's wish for another time: it books nothing, a person answers it."""

from django.db import transaction

from messaging.models import Task
from messaging.staff_tasks import in_office_time, open_task
from practices import audit, changes
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling import notices
from scheduling.models import Appointment, Confirmation
from scheduling.refusals import NotOpen
from scheduling.slots import lock_visit

MINUTES_TO_ANSWER = 120


@transaction.atomic
def ask_for_another_time(*, appointment: Appointment, wishes: list[str], text: str, by: Actor) -> Appointment:
    """Puts the wish before a person and marks the visit; it stays booked. Raises NotOpen."""
    visit = lock_visit(appointment)
    if not visit.is_open:
        raise NotOpen("This visit cannot be moved any more.")
    was = visit.confirmation
    if was != Confirmation.CHANGE_REQUESTED:
        visit.confirmation, visit.confirmed_at, visit.confirmed_by = Confirmation.CHANGE_REQUESTED, None, ""
        visit.version += 1
        visit.save()
    notices.stop_reminding(visit, reason="wants another time", by=by)
    audit.record(
        "appointment.change_requested",
        visit,
        by=by,
        patient_id=visit.patient_id,
        changes={"confirmation": [was, visit.confirmation], "wishes": ["", wishes], "text": ["", text]},
    )
    open_task(
        kind=Task.Kind.NEW_TIME,
        due_at=in_office_time(current_practice(), MINUTES_TO_ANSWER),
        once_key=f"new-time:{visit.pk}",
        patient=visit.patient,
        appointment_id=visit.pk,
        note="\n".join(filter(None, ["; ".join(wishes), text])),
        by=by,
    )
    changes.announce(current_practice(), "appointments", "queue")
    return visit
