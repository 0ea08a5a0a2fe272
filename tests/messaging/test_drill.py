"""Exactly one text each: real workers killed in mid-send, the broker emptied, the supplier failing.

A small form of `./dev drill messaging`, with its tools.

SECURITY.md D2, small enough for every run. The control runs the same day without reconciling.
"""

import time
from collections import Counter
from collections.abc import Callable

import pytest
import redis
from django.conf import settings

from practices.models import Practice
from tools.drills.day import due_texts, in_hand, left, sweep, sweep_until, texts_each
from tools.drills.workers import Worker
from tools.pretend_supplier.client import PretendSupplier

pytestmark = pytest.mark.django_db(transaction=True)

PATIENTS = 40
KILLS = 2
LONG_ENOUGH = 60.0  # seconds; only a failing day takes them
FAULTS = [
    {"kind": kind, "rate": 0.08, "seconds": 1.0} for kind in ("429", "500-after", "hang-after", "reset-after")
] + [{"kind": "slow", "rate": 0.7, "seconds": 0.2}]


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
        orphans += in_hand(practice)
        if kill == kills - 1:
            redis.Redis.from_url(settings.REDIS_URL).flushall()
    worker.start()
    return orphans


def test_every_patient_gets_exactly_one_text(
    practice: Practice, supplier: PretendSupplier, worker_for: Callable[..., Worker]
) -> None:
    numbers = due_texts(practice, PATIENTS)
    supplier.faults(FAULTS, seed=11)
    orphans = run_day(practice, supplier, worker_for(supplier))
    sweep_until(lambda: left(practice) == 0, LONG_ENOUGH)
    assert texts_each(supplier) == Counter(numbers)
    assert left(practice) == 0
    assert orphans > 0, "no worker was killed in mid-send: the day proved nothing"
    assert sum(supplier.happened().values()) > 5


def test_without_reconciling_some_get_two(
    practice: Practice, supplier: PretendSupplier, worker_for: Callable[..., Worker]
) -> None:
    """The control: the same day, the same faults, and duplicates."""
    due_texts(practice, PATIENTS)
    supplier.faults(FAULTS, seed=11)
    run_day(practice, supplier, worker_for(supplier, TEST_SWITCHED_OFF="reconcile"), kills=1)
    sweep_until(lambda: max(texts_each(supplier).values()) > 1, LONG_ENOUGH)
    assert max(texts_each(supplier).values()) > 1
