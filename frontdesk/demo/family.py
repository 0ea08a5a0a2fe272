"""A mother with two children on one number, and what the demo knows around some patients."""

import datetime as dt

from frontdesk.demo.clock import at
from frontdesk.demo.filling import Desk, Plan, book
from frontdesk.demo.houses import CEDAR, HARBOR
from frontdesk.demo.people import BIRTHS, CHILDREN, MOTHERS_PHONE
from patients.flags import raise_flag
from patients.models import Patient, PatientFlag, RelatedPerson
from patients.related import add_related
from scheduling.availability import free_times
from scheduling.models import Appointment

MOTHER = "Lucía Ramos"
MAY = RelatedPerson.May
MINUTE = dt.timedelta(minutes=1)


def children(desk: Desk) -> list[Patient]:
    """Mateo and Sofía Ramos of Cedar Park; nobody elsewhere."""
    if desk.house.slug != CEDAR.slug:
        return []
    found = Patient.objects.living().filter(family="Ramos", given__in=CHILDREN).order_by("given")
    return [one for one in found if one.birth_date in BIRTHS]


def bring_tomorrow(desk: Desk) -> None:
    """Both have a visit tomorrow, one after the other, and nobody has answered for them yet."""
    tomorrow = desk.today + dt.timedelta(days=1)
    family = children(desk)
    desk.silent = {one.pk for one in family}
    begins = desk.instant(tomorrow, 9)
    with at(desk.instant(desk.today - dt.timedelta(days=6), 11)):
        for child in family:
            if Appointment.objects.filter(patient=child, local_date=tomorrow).exists():
                continue
            practitioner = desk.practitioners[0]
            kind = desk.offers[practitioner.pk][1]
            free = free_times(
                appointment_type=kind,
                practitioners=[practitioner],
                from_=begins,
                until=desk.instant(tomorrow, 17),
                limit=1,
            )
            if free:
                visit = book(desk, Plan(child, practitioner, kind, free[0].starts_at, "Well child"))
                begins = visit.ends_at


def know(desk: Desk) -> None:
    """Who may speak for whom, what to know first, and a wish for confidence; once."""
    if RelatedPerson.objects.exists():
        return
    for child in children(desk):
        add_related(
            patient=child,
            name=MOTHER,
            relationship="parent",
            phone=MOTHERS_PHONE,
            may=[MAY.APPOINTMENTS, MAY.BOOK, MAY.BILLING, MAY.RESULTS, MAY.CLINICAL],
            by=desk.by,
        )
    people = list(desk.patients[:6])
    if len(people) < 6:
        return
    add_related(
        patient=people[0],
        name=f"Nora {people[0].family}",
        relationship="spouse",
        phone="+18025550171",
        may=[MAY.APPOINTMENTS, MAY.MESSAGES],
        note="Drives to the visits.",
        by=desk.by,
    )
    add_related(
        patient=people[1],
        name="Harriet Stone",
        relationship="carer",
        phone="+18025550172",
        may=[MAY.APPOINTMENTS, MAY.BOOK, MAY.MESSAGES],
        by=desk.by,
    )
    if desk.house.slug == HARBOR.slug:
        _wishes(people[2], people[3], desk)


def _wishes(upset: Patient, private: Patient, desk: Desk) -> None:
    words = "Waited 50 minutes last week and left. Apologize first, then offer the first slot of a morning."
    raise_flag(patient=upset, kind=PatientFlag.Kind.UPSET, words=words, by=desk.by)
    private.no_voicemail = private.neutral_name = True
    private.privacy_note = "Call the mobile only, never the house."
    private.save(update_fields=["no_voicemail", "neutral_name", "privacy_note"])
