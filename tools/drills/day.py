"""A day of a drill: texts that are due, wake-ups for them, and what came of it."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable

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
from tools.pretend_supplier.client import SupplierClient

WAITING = ["queued", "sending", "uncertain"]


def due_texts(practice: Practice, count: int, area: int = 503) -> list[str]:
    """Queue a text to each of some new patients; return their numbers."""
    numbers = [f"+1{area}558{n:04d}" for n in range(count)]
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


def ask(task: str, *arguments: object) -> None:
    """Put one wake-up into the broker; what is lost there is asked again by the next one."""
    with contextlib.suppress(KombuError, OSError, redis.RedisError):
        current_app.send_task(task, args=arguments, retry=False, expires=5)


def sweep() -> None:
    """What the timetable does every five seconds, more often."""
    ask("messaging.tasks.deliver_due_everywhere")


def left(practice: Practice) -> int:
    """How many texts have not come to an end."""
    with inside(practice):
        return Message.objects.filter(status__in=WAITING).count()


def in_hand(practice: Practice) -> int:
    """How many texts some worker holds just now."""
    with inside(practice):
        return Message.objects.filter(status="sending").count()


def sweep_until(
    ended: Callable[[], bool], seconds: float, sweep: Callable[[], None] = sweep, pause: float = 0.1
) -> bool:
    """Wake the workers again and again until something holds; return whether it did in time."""
    until = time.monotonic() + seconds
    while not (held := ended()) and time.monotonic() < until:
        sweep()
        time.sleep(pause)
    return held


def texts_each(supplier: SupplierClient, line: str = "") -> Counter[str]:
    """How many texts each number was sent, from one line or from all."""
    return Counter(text["to"] for text in supplier.ledger() if line in ("", text["from"]))


def tally(sent: Counter[str], wanted: Iterable[str]) -> dict[str, int]:
    """What a person asks: how many got one, how many none, how many several."""
    counts = [sent[number] for number in wanted]
    return {"once": counts.count(1), "lost": counts.count(0), "twice": sum(n > 1 for n in counts)}
