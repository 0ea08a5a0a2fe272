"""A practice with a line, a pretend supplier behind it, and patients who agreed to texts."""

import datetime as dt
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection
from django.utils import timezone

from messaging.models import Message
from messaging.outbox import queue_message
from patients.models import Consent, ContactPoint, Patient
from practices.audit import SYSTEM
from practices.models import Practice
from practices.tenancy import inside
from tests.factories import a_patient, a_practice
from tools.drills.workers import Worker
from tools.pretend_supplier.client import PretendSupplier

ROOT = Path(__file__).parents[2]
PHONE = "+15035550142"


@pytest.fixture
def practice(db: Any) -> Practice:
    """Awake all day, so that no test depends on the hour it runs at."""
    return a_practice(quiet_from=dt.time(0), quiet_until=dt.time(0))


@pytest.fixture
def supplier(practice: Practice, settings: Any) -> Iterator[PretendSupplier]:
    with PretendSupplier({str(practice.line_number): ""}) as running:
        settings.TWILIO_BASE_URL = running.base_url
        settings.TWILIO_ACCOUNT_SID = running.account_sid
        settings.TWILIO_AUTH_TOKEN = running.auth_token
        settings.TWILIO_TIMEOUT_SECONDS = 0.4
        settings.DELIVERY_GRACE_SECONDS = 0.0
        settings.DELIVERY_BACKOFF_SECONDS = 0.0
        # What is posted back has nobody to go to; tests that want it use a live server.
        settings.PUBLIC_URL = "http://127.0.0.1:1"
        yield running


@pytest.fixture
def patient(practice: Practice) -> Patient:
    return a_texting_patient(practice, PHONE)


def a_texting_patient(practice: Practice, phone: str = PHONE, **fields: Any) -> Patient:
    patient = a_patient(practice, phone=phone, **fields)
    agree(practice, patient)
    return patient


def agree(practice: Practice, patient: Patient, channel: str = "sms", granted: bool = True) -> None:
    with inside(practice):
        Consent.objects.create(
            practice=practice, patient=patient, channel=channel, granted=granted, how="phone"
        )


_keys = itertools.count(1)


def a_text(practice: Practice, patient: Patient | None, body: str = "", **fields: Any) -> Message:
    """A message in the outbox, due now."""
    number = next(_keys)
    values: dict[str, Any] = {
        "patient": patient,
        "channel": "sms",
        "kind": Message.Kind.NOTE,
        "body": body or f"Note {number}",
        "language": "en",
        "send_after": timezone.now(),
        "idempotency_key": f"test:{number}",
        "by": SYSTEM,
    }
    with inside(practice):
        return queue_message(**(values | fields))


def stored(practice: Practice, message: Message) -> Message:
    with inside(practice):
        return Message.objects.select_related("contact_point").get(pk=message.pk)


def the_phone(practice: Practice, patient: Patient) -> ContactPoint:
    with inside(practice):
        return ContactPoint.objects.get(patient=patient, system="phone")


@pytest.fixture
def worker_for(settings: Any, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Makes workers that talk to the given supplier; none survives the test."""
    made: list[Worker] = []

    def make(supplier: PretendSupplier, **more: str) -> Worker:
        name = str(connection.settings_dict["NAME"])
        database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}")
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.messaging.worker_settings",
            "DATABASE_URL": urlunsplit(database),
            "TWILIO_BASE_URL": supplier.base_url,
            "TWILIO_ACCOUNT_SID": supplier.account_sid,
            "TWILIO_AUTH_TOKEN": supplier.auth_token,
            "PUBLIC_URL": "http://127.0.0.1:1",
            **more,
        }
        worker = Worker(environment, tmp_path / f"worker-{len(made)}.log", "tools.drills.app")
        made.append(worker)
        return worker

    yield make
    for worker in made:
        worker.kill()
        print(worker.log.read_text()[-4_000:])  # shown when the test failed
