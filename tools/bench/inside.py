"""Measures a call of the product in its own process and prints the milliseconds: `suggest_times`."""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import Any

import django

from tools.bench.load import timed

NEEDS = ["interpreter", "step-free", "carer"]


def demanding(kind: Any) -> tuple[Any, Any]:
    """A type with buffers that takes a room, offered by the same clinicians, and a patient of many needs."""
    from patients.models import Patient, PatientWish
    from scheduling.models import AppointmentType, AppointmentTypeOffer, Resource, ResourceHours

    practice = kind.practice
    patient = Patient.objects.order_by("pk")[0]
    rules = {"minutes": 15, "buffer_before": 5, "buffer_after": 5, "needs_room": True}
    demanding, made = AppointmentType.objects.get_or_create(
        practice=practice, name="Consultation with needs", defaults=rules
    )
    if made:
        offers = [
            AppointmentTypeOffer(practice=practice, appointment_type=demanding, practitioner_id=who)
            for who in kind.offers.values_list("practitioner_id", flat=True)
        ]
        AppointmentTypeOffer.objects.bulk_create(offers)
        interpreters = [
            Resource(practice=practice, kind="interpreter", name=f"Interpreter {n}", languages=["Spanish"])
            for n in range(3)
        ]
        Resource.objects.bulk_create(interpreters)
        ResourceHours.objects.bulk_create(
            ResourceHours(practice=practice, resource=one, weekday=day, starts=dt.time(8), ends=dt.time(16))
            for one in interpreters
            for day in range(1, 6)
        )
        for wish, details in (
            ("interpreter", {"language": "Spanish"}),
            ("not-before", {"starts": "09:00"}),
            ("carer", {"starts": "09:00", "ends": "16:30", "weekdays": [1, 2, 3, 4]}),
        ):
            PatientWish.objects.create(practice=practice, patient=patient, kind=wish, details=details)
    return demanding, patient


def main() -> int:
    django.setup()
    from practices.models import Practice
    from practices.tenancy import inside
    from scheduling.availability import suggest_times
    from scheduling.models import AppointmentType

    slug, kind_id, times = sys.argv[1:4]
    practice = Practice.objects.get(slug=slug)
    with inside(practice):
        wanted, patient = demanding(AppointmentType.objects.get(pk=kind_id))
        demanding_id = wanted.pk

    def suggested() -> object:
        with inside(practice):
            kind = AppointmentType.objects.get(pk=demanding_id)
            return suggest_times(appointment_type=kind, patient=patient, needs=NEEDS)

    if not suggested():
        raise LookupError("no times were suggested")
    json.dump(timed(suggested, int(times)).each, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
