"""Measures a call of the product in its own process and prints the milliseconds: `suggest_times`."""

from __future__ import annotations

import json
import sys

import django

from tools.bench.load import timed


def main() -> int:
    django.setup()
    from practices.models import Practice
    from practices.tenancy import inside
    from scheduling.availability import suggest_times
    from scheduling.models import AppointmentType

    slug, kind_id, times = sys.argv[1:4]
    practice = Practice.objects.get(slug=slug)

    def suggested() -> object:
        with inside(practice):
            kind = AppointmentType.objects.get(pk=kind_id)
            return suggest_times(appointment_type=kind, needs=["step-free"], part_of_day="any")

    if not suggested():
        raise LookupError("no times were suggested")
    json.dump(timed(suggested, int(times)).each, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
