"""When a patient was seen last: a fact that a caller may be asked for."""

import datetime as dt

from patients.models import Patient
from practices.tenancy import current_practice
from scheduling.models import Appointment, Status


def last_visit_day(patient: Patient) -> dt.date | None:
    """The local day of the patient's last visit that took place; None before the first one."""
    visits = Appointment.objects.filter(patient=patient, status__in=[Status.FULFILLED, Status.ARRIVED])
    last = visits.order_by("-starts_at").values_list("starts_at", flat=True).first()
    return last.astimezone(current_practice().zone).date() if last else None
