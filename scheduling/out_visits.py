"""The visits that a clinician who is out leaves: her own, and those in which she takes part."""

import datetime as dt
import uuid

from django.db.models import Exists, OuterRef
from django.utils import timezone

from scheduling.models import (
    LONGEST_VISIT,
    Appointment,
    AppointmentQuerySet,
    OutCase,
    Status,
    TimeRequest,
)

MOST_VISITS = 400
TWO_DAYS = dt.timedelta(days=2)  # the date of a moment is never further off, in whatever zone


def booked_with(
    practitioner_id: uuid.UUID, starts_at: dt.datetime, ends_at: dt.datetime
) -> AppointmentQuerySet:
    """Booked visits at some of this time that a clinician has, or in which she takes part."""
    # By date, too: no index of all clinicians' visits begins with the time.
    dates = (starts_at - LONGEST_VISIT - TWO_DAYS).date(), (ends_at + TWO_DAYS).date()
    visits = Appointment.objects.filter(local_date__range=dates, status=Status.BOOKED)
    return visits.overlapping(starts_at, ends_at).with_clinician(practitioner_id)


def visits_in(case: OutCase) -> list[Appointment]:
    """Booked visits with the clinician that lie in the span, are still to come and are nobody else's case.

    A visit of two clinicians who are both out is looked after once, on the page where it was planned first.
    """
    elsewhere = TimeRequest.objects.live().filter(appointment=OuterRef("pk"), case__isnull=False)
    rows = booked_with(case.practitioner_id, case.starts_at, case.ends_at).filter(
        ~Exists(elsewhere.exclude(case=case)), starts_at__gt=timezone.now()
    )
    return list(rows.with_people().order_by("starts_at", "pk")[: MOST_VISITS + 1])
