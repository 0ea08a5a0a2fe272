"""Rows that the bench of messaging needs, made inside the desk's environment; prints what it made as JSON.

`due N` puts N reminders into the outbox that wait for a word; `asked N` texts N of tomorrow's patients, so
that they can answer.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import uuid
from typing import Any

import django

from tools.bench.messaging import LINKS
from tools.bench.world import copy_rows


def due(practice: Any, count: int) -> dict[str, Any]:
    """Reminders to as many patients, each with a link; held back until the clock runs.

    To nobody who was written to before: one who has had her texts of a day gets the next one tomorrow.
    """
    from django.utils import timezone

    from messaging.models import Message
    from patients.models import ContactPoint

    far = timezone.now() + dt.timedelta(days=300)
    written_to = Message.objects.filter(patient__isnull=False).values("patient")
    points = ContactPoint.objects.exclude(patient__in=written_to).select_related("patient")
    points = points.order_by("value_index")[:count]
    copy_rows(text_to(practice, point, Message.Status.QUEUED, far) for point in points)
    return {"count": count}


def text_to(practice: Any, point: Any, status: str, send_after: dt.datetime) -> Any:
    from messaging.models import Message

    token = uuid.uuid4().hex[:22]
    return Message(
        practice=practice,
        patient=point.patient,
        contact_point=point,
        direction="out",
        channel="sms",
        kind="reminder",
        address=point.value,
        address_index=point.value_index,
        body=f"Harbor Street: your appointment is tomorrow. Reply YES. {LINKS}{token}",
        status=status,
        idempotency_key=f"bench:{'asked' if status == 'delivered' else 'due'}:{token}",
        send_after=send_after,
        useful_until=send_after + dt.timedelta(days=2),
    )


def asked(practice: Any, count: int) -> dict[str, Any]:
    """Texts about tomorrow's visits that arrived an hour ago, each with its notice."""
    from django.utils import timezone

    from patients.models import ContactPoint
    from scheduling.models import Appointment, Notice

    tomorrow = practice.today() + dt.timedelta(days=1)
    visits: dict[Any, Any] = {}
    open_ones = Appointment.objects.filter(local_date=tomorrow, status="booked").exclude(
        confirmation="confirmed"
    )
    for visit in open_ones:
        visits.setdefault(visit.patient_id, visit)  # one question a number: a second would be asked back
        if len(visits) == count:
            break
    hour_ago = timezone.now() - dt.timedelta(hours=1)
    made = []
    for point in ContactPoint.objects.filter(patient__in=visits).select_related("patient"):
        message = text_to(practice, point, "delivered", hour_ago)
        message.save(force_insert=True)
        visit = visits[point.patient_id]
        Notice.objects.create(
            practice=practice, message=message, appointment=visit, kind="reminder-1d", version=visit.version
        )
        made.append([str(visit.pk), str(point.value)])
    return {"asked": made, "day": tomorrow.isoformat()}


def main() -> int:
    django.setup()
    from practices.models import Practice
    from practices.tenancy import inside

    what, slug, count = sys.argv[1:4]
    # Awake all day: the bench may run at night.
    Practice.objects.filter(slug=slug).update(quiet_from=dt.time(0), quiet_until=dt.time(0))
    practice = Practice.objects.get(slug=slug)
    with inside(practice):
        made = {"due": due, "asked": asked}[what](practice, int(count))
    json.dump(made | {"line": str(practice.line_number)}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
