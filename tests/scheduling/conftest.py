"""The diary the tests of this folder share: one practice, two clinicians, a patient who may be texted."""

import datetime as dt
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine

from patients.models import Consent
from practices.models import Practice, Role
from practices.tenancy import inside
from scheduling.booking import book_appointment
from tests.factories import a_member, a_patient, a_practice, a_practitioner, a_type, a_user, an_actor

# A Tuesday, 9:00 in New York.
NOW = dt.datetime(2026, 11, 24, 14, 0, tzinfo=dt.UTC)


def at(text: str) -> dt.datetime:
    """An instant from New York winter time: at("2026-11-25 10:00")."""
    return dt.datetime.fromisoformat(f"{text}-05:00").astimezone(dt.UTC)


def a_texted_patient(
    practice: Any, given: str = "Marisol", phone: str = "+15035550142", **fields: Any
) -> Any:
    patient = a_patient(practice, given, phone=phone, **fields)
    with inside(practice):
        Consent.objects.create(practice=practice, patient=patient, channel="sms", granted=True, how="phone")
    return patient


def anew(practice: Any) -> AbstractContextManager[None]:
    """The practice's scope as a request opens it: nothing of it was read before."""
    return inside(Practice.objects.get(pk=practice.pk))


def a_diary(email: str = "dana@frontdesk.example", **fields: Any) -> SimpleNamespace:
    practice = a_practice(**fields)
    dana = a_member(practice, a_user(email), Role.RECEPTIONIST)
    osei, chen = (
        a_practitioner(practice, "Dr. Osei", position=1),
        a_practitioner(practice, "Dr. Chen", position=2),
    )
    kind = a_type(practice, practitioners=[osei, chen])
    diary = SimpleNamespace(
        practice=practice,
        dana=dana,
        by=an_actor(dana),
        osei=osei,
        chen=chen,
        kind=kind,
        patient=a_texted_patient(practice),
    )

    def book(when: str = "2026-11-25 10:00", **given: Any) -> Any:
        values = {
            "patient": diary.patient,
            "practitioner": osei,
            "appointment_type": kind,
            "starts_at": at(when),
            "by": diary.by,
        }
        return book_appointment(**(values | given))

    diary.book = book
    return diary


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def diary(db, clock):
    made = a_diary()
    with inside(made.practice):
        yield made
