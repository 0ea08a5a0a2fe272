"""Exactly one text each: real workers killed in mid-send, the broker emptied, the supplier failing.

SECURITY.md D2, small enough for every run. The control runs the same day without reconciling.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Callable

import pytest
import redis
from celery import current_app
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import KombuError

from messaging.models import Message
from messaging.outbox import queue_message
from patients.models import Consent, ContactPoint, Patient
from practices.audit import SYSTEM
from practices.models import Practice
from practices.tenancy import inside
from tests.messaging.conftest import Worker
from tools.pretend_supplier.client import PretendSupplier

pytestmark = pytest.mark.django_db(transaction=True)

PATIENTS = 40
KILLS = 2
LONG_ENOUGH = 60.0  # seconds; only a failing day takes them
FAULTS = [
    {"kind": kind, "rate": 0.08, "seconds": 1.0} for kind in ("429", "500-after", "hang-after", "reset-after")
] + [{"kind": "slow", "rate": 0.7, "seconds": 0.2}]


def due_texts(practice: Practice) -> list[str]:
    numbers = [f"+1503558{n:04d}" for n in range(PATIENTS)]
    with inside(practice):
        for number in numbers:
            patient = Patient.objects.create(practice=practice, given="P", family=number[-4:])
            ContactPoint.objects.create(practice=practice, patient=patient, system="phone", value=number)
            Consent.objects.create(
                practice=practice, patient=patient, channel="sms", granted=True, how="phone"
            )
            queue_message(
                patient=patient,
                channel="sms",
                kind=Message.Kind.REMINDER,
                body=f"Your appointment: {settings.PUBLIC_URL}/v/abcd{number[-4:]}ABCDEFGHIJKLMNOP",
                language="en",
                send_after=timezone.now(),
                idempotency_key=f"drill:{number}",
                by=SYSTEM,
            )
    return numbers


def sweep() -> None:
    """What the timetable does every five seconds, more often."""
    with contextlib.suppress(KombuError, OSError, redis.RedisError):
        current_app.send_task("messaging.tasks.deliver_due_everywhere", retry=False, expires=5)


def left(practice: Practice) -> int:
    with inside(practice):
        return Message.objects.filter(status__in=["queued", "sending", "uncertain"]).count()


def run_day(practice: Practice, supplier: PretendSupplier, worker: Worker, kills: int = KILLS) -> int:
    """Kills the worker group in mid-send, empties the broker once, and leaves a new worker at it.

    Returns how many rows the killed workers held in their hands.
    """
    orphans = 0
    for kill in range(kills):
        worker.start()
        target = len(supplier.ledger()) + 5
        until = time.monotonic() + LONG_ENOUGH
        while len(supplier.ledger()) < target and time.monotonic() < until:
            sweep()
            time.sleep(0.05)
        worker.kill()
        with inside(practice):
            orphans += Message.objects.filter(status="sending").count()
        if kill == kills - 1:
            redis.Redis.from_url(settings.REDIS_URL).flushall()
    worker.start()
    return orphans


def sweep_until(ended: Callable[[], bool]) -> None:
    until = time.monotonic() + LONG_ENOUGH
    while not ended() and time.monotonic() < until:
        sweep()
        time.sleep(0.1)


def texts_each(supplier: PretendSupplier) -> Counter[str]:
    return Counter(text["to"] for text in supplier.ledger())


def test_every_patient_gets_exactly_one_text(
    practice: Practice, supplier: PretendSupplier, worker_for: Callable[..., Worker]
) -> None:
    numbers = due_texts(practice)
    supplier.faults(FAULTS, seed=11)
    orphans = run_day(practice, supplier, worker_for(supplier))
    sweep_until(lambda: left(practice) == 0)
    assert texts_each(supplier) == Counter(numbers)
    assert left(practice) == 0
    assert orphans > 0, "no worker was killed in mid-send: the day proved nothing"
    assert sum(supplier.happened().values()) > 5


def test_without_reconciling_some_get_two(
    practice: Practice, supplier: PretendSupplier, worker_for: Callable[..., Worker]
) -> None:
    """The control: the same day, the same faults, and duplicates."""
    due_texts(practice)
    supplier.faults(FAULTS, seed=11)
    run_day(practice, supplier, worker_for(supplier, TEST_SWITCHED_OFF="reconcile"), kills=1)
    sweep_until(lambda: max(texts_each(supplier).values()) > 1)
    assert max(texts_each(supplier).values()) > 1
