"""What is due in the demo: follow-ups in each state, a recall rule, and where video visits take place."""

import datetime as dt

from frontdesk.demo.clock import at
from frontdesk.demo.filling import Desk
from scheduling.followups import FollowUpRefused, order_follow_up, put_off
from scheduling.meetings import save_addresses
from scheduling.models import Appointment, FollowUp, RecallRule, Status
from scheduling.recalls import save_rule

# Days until it is due, counted from the visit; how much earlier or later; what the note says.
ORDERS = (
    (7, 3, ""),
    (14, 7, "Bring the home readings"),
    (14, 7, ""),
    (21, 7, "Stitches out"),
    (42, 14, ""),
    (90, 14, "Fasting"),
)


def order(desk: Desk) -> None:
    """Once for each practice; what was ordered on an earlier day goes on by itself."""
    if FollowUp.objects.exists():
        return
    seen = Appointment.objects.filter(status=Status.FULFILLED, local_date__lt=desk.today).with_people()
    once: dict[object, Appointment] = {}
    for visit in seen.order_by("local_date", "starts_at", "pk")[:60]:
        coming = Appointment.objects.active().filter(patient=visit.patient, starts_at__gt=visit.starts_at)
        if not coming.exists():
            once.setdefault(visit.patient_id, visit)
        if len(once) == len(ORDERS):
            break
    made = [
        one
        for visit, wanted in zip(once.values(), ORDERS, strict=False)
        if (one := _one(desk, visit, *wanted))
    ]
    if len(made) > 2:
        row = FollowUp.objects.get(pk=made[2].pk)
        put_off(follow_up=row, version=row.version, until=desk.today + dt.timedelta(days=2), by=desk.by)


def _one(desk: Desk, visit: Appointment, days: int, tolerance: int, note: str) -> FollowUp | None:
    try:
        with at(visit.ends_at):
            return order_follow_up(
                patient=visit.patient,
                appointment_type=visit.appointment_type,
                practitioner=visit.practitioner,
                visit=visit,
                due_on=visit.local_date + dt.timedelta(days=days),
                tolerance_days=tolerance,
                note=note,
                by=desk.by,
            )
    except FollowUpRefused:
        return None


def rules(desk: Desk) -> None:
    """A yearly recall for the last type of the list, and the practice's room for visits by video."""
    if not RecallRule.objects.exists():
        kind = max(desk.kinds.values(), key=lambda one: (not one.for_new_patients, one.position))
        save_rule(appointment_type=kind, months=12, weeks_before=4, channel="sms", by=desk.by)
        save_addresses(addresses={None: f"https://meet.example.org/{desk.house.slug}"}, by=desk.by)
