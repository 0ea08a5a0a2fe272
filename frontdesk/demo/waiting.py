"""Who waits for an earlier time: a list that any cancelled visit of the demo finds somebody on."""

import datetime as dt

from frontdesk.demo.clock import at
from frontdesk.demo.filling import Desk
from frontdesk.demo.houses import HARBOR
from patients.contacts import reachability
from patients.models import Patient
from scheduling.models import Appointment, AppointmentType, Status, WaitlistEntry, WaitlistRule
from scheduling.notices import channel_for
from scheduling.waitlist import add_entry

WISHES = (
    {"urgency": 1},
    {"not_before": dt.time(9), "not_after": dt.time(17)},
    {"notice_hours": 0},
    {"weekdays": [1, 2, 3, 4, 5]},
    {"not_before": dt.time(12)},
    {"notice_hours": 24},
    {"not_after": dt.time(12)},
    {"weekdays": [2, 4, 6]},
)
WAITING = 14
SOONEST = dt.timedelta(days=3)


def wait(desk: Desk) -> None:
    """Fills the list of the first practice up, once a day; the others keep the rule they began with."""
    if not WaitlistRule.objects.exists():
        WaitlistRule.objects.create(practice=desk.practice, group_size=3)
    missing = WAITING - WaitlistEntry.objects.waiting().count()
    if desk.house is not HARBOR or missing <= 0:
        return
    for number, (patient, visit) in enumerate(_people(desk, missing)):
        kinds = AppointmentType.objects.filter(active=True, for_new_patients=False)
        given = {"types": list(kinds.values_list("pk", flat=True))} if visit is None else {}
        with at(desk.now - dt.timedelta(days=2 + number % 9, hours=number % 5)):
            add_entry(
                patient=patient,
                source="record" if visit is None else "panel",
                appointment=visit,
                by=desk.by,
                **(given | WISHES[number % len(WISHES)]),
            )


def _people(desk: Desk, count: int) -> list[tuple[Patient, Appointment | None]]:
    """People who may be texted: some without a visit to come, some who would give a later one up."""
    coming = Appointment.objects.with_people().filter(status=Status.BOOKED, starts_at__gt=desk.now)
    later = {visit.patient_id: visit for visit in coming.order_by("starts_at")}
    waiting = set(WaitlistEntry.objects.waiting().values_list("patient_id", flat=True))
    reach = reachability(desk.patients)
    willing = [
        one
        for one in desk.patients
        if one.pk not in waiting and channel_for(one, reach[one.pk]) == "sms" and not one.needs
    ]
    free = [(one, None) for one in willing if one.pk not in later]
    with_visit = [
        (one, later[one.pk])
        for one in willing
        if one.pk in later and later[one.pk].starts_at > desk.now + SOONEST
    ]
    return [*free[: count - count // 3], *with_visit[: count // 3]]
