"""Sets of patients that the diary knows and a broadcast may go to."""

import datetime as dt
import uuid
from collections.abc import Mapping

from django.utils import timezone

from messaging.broadcasts import Addressee, Audience
from practices.tenancy import current_practice
from scheduling.models import Appointment, AppointmentQuerySet, Confirmation, Practitioner, Status
from scheduling.words import short_when


def clinicians() -> list[tuple[str, str]]:
    return [(str(one.pk), one.short_name) for one in Practitioner.objects.in_use()]


def whole_days() -> list[tuple[str, str]]:
    return [("today", "Today"), ("tomorrow", "Tomorrow")]


def rest_of_day(args: Mapping[str, str]) -> list[Addressee]:
    """Today's visits of one clinician that have not begun."""
    clinician = read_id(args.get("option", ""))
    visits = ahead(Appointment.objects.on(day_of(args, current_practice().today())))
    return addressees(visits.filter(practitioner=clinician))


def unconfirmed_tomorrow(args: Mapping[str, str]) -> list[Addressee]:
    tomorrow = current_practice().today() + dt.timedelta(days=1)
    visits = ahead(Appointment.objects.on(day_of(args, tomorrow)))
    return addressees(visits.exclude(confirmation=Confirmation.CONFIRMED))


def all_of_day(args: Mapping[str, str]) -> list[Addressee]:
    today = current_practice().today()
    wished = today + dt.timedelta(days=args.get("option") == "tomorrow")
    return addressees(ahead(Appointment.objects.on(day_of(args, wished))))


def day_of(args: Mapping[str, str], wished: dt.date) -> dt.date:
    """The day that a broadcast was drafted for, or the wished one while it is drafted."""
    try:
        return dt.date.fromisoformat(args["day"])
    except (KeyError, ValueError):
        return wished


def ahead(visits: AppointmentQuerySet) -> AppointmentQuerySet:
    """Visits that are booked and still to come."""
    return visits.filter(status=Status.BOOKED, starts_at__gt=timezone.now()).with_people()


def addressees(visits: AppointmentQuerySet) -> list[Addressee]:
    practice = current_practice()
    return [
        Addressee(
            patient=visit.patient,
            appointment_id=visit.pk,
            until=visit.starts_at,
            words=f"{short_when(visit.starts_at, practice)}, {visit.practitioner.short_name}",
        )
        for visit in visits.order_by("starts_at", "pk")
    ]


def read_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


AUDIENCES = {
    audience.key: audience
    for audience in (
        Audience("rest-of-day", "The rest of today’s visits", clinicians, rest_of_day, "Clinician"),
        Audience("unconfirmed-tomorrow", "Tomorrow’s visits to confirm", list, unconfirmed_tomorrow),
        Audience("day", "Everybody of a day", whole_days, all_of_day, "Day"),
    )
}
