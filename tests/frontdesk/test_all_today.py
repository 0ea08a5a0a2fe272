"""Today in all practices: counts and hours, nobody's name, the same cost however full a day is."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from frontdesk.all_today import house_of
from messaging.models import Call, Task
from messaging.staff_tasks import open_task
from practices.access import admit
from practices.audit import SYSTEM
from practices.models import Role
from practices.tenancy import inside
from scheduling.models import Appointment
from tests.factories import a_member, a_patient, a_practice, a_practitioner, a_type, a_user

HOUSE_QUERIES = 10


@pytest.fixture
def houses(db: None) -> Any:
    harbor = a_practice("harbor-street", time_zone="America/New_York")
    cedar = a_practice("cedar-park", time_zone="Pacific/Honolulu")
    dana = a_user()
    for practice in (harbor, cedar):
        a_member(practice, dana, Role.RECEPTIONIST)
    foreign = a_practice("foreign-house")
    return SimpleNamespace(harbor=harbor, cedar=cedar, foreign=foreign, dana=dana)


def visits_in(practice: Any, count: int, **fields: Any) -> None:
    who = a_practitioner(practice, "Dr. Osei")
    kind, patient = a_type(practice, practitioners=[who]), a_patient(practice, "Marisol", "Vega")
    now = timezone.now()
    with inside(practice):
        Appointment.objects.bulk_create(
            Appointment(
                **(
                    {
                        "practice": practice, "patient": patient, "practitioner": who,
                        "appointment_type": kind, "starts_at": now + dt.timedelta(minutes=n + 1),
                        "ends_at": now + dt.timedelta(minutes=n + 31), "local_date": practice.today(),
                        "local_time": dt.time(9), "time_zone": str(practice.time_zone),
                        "overbook_reason": "many",
                    }
                    | fields
                )
            )
            for n in range(count)
        )  # fmt: skip


def page(houses: Any, **headers: str) -> str:
    client = Client()
    client.force_login(houses.dana)
    answer = client.get("/all/today/", headers=headers)
    assert answer.status_code == 200
    return str(answer.content.decode())


def house(houses: Any, practice: Any) -> Any:
    with admit(houses.dana, practice.slug, "board.view", door="page") as admission:
        return house_of(admission)


def test_each_practice_has_a_row_with_its_own_hour_and_nobody_elses(houses: Any) -> None:
    text = page(houses)
    assert 'id="house-harbor-street"' in text
    assert 'id="house-cedar-park"' in text
    assert "foreign-house" not in text
    assert "HST, Honolulu" in text
    assert house(houses, houses.harbor).local != house(houses, houses.cedar).local


def test_counts_say_how_the_day_stands_and_name_no_patient(houses: Any) -> None:
    now = timezone.now()
    visits_in(houses.harbor, 2)
    with inside(houses.harbor):
        first = Appointment.objects.first()
        assert first is not None
        Appointment.objects.filter(pk=first.pk).update(
            status="arrived",
            arrived_at=now - dt.timedelta(minutes=40),
            starts_at=now - dt.timedelta(minutes=35),
        )
        Call.objects.create(
            practice=houses.harbor, direction="in", status="ringing", address="+15035550142",
            started_at=now - dt.timedelta(minutes=3),
        )  # fmt: skip
        Call.objects.create(
            practice=houses.harbor, direction="in", status="live", address="+15035550143",
            handler=houses.dana, started_at=now,
        )  # fmt: skip
        open_task(kind=Task.Kind.CALL, due_at=now - dt.timedelta(hours=1), once_key="late", by=SYSTEM)
    row = house(houses, houses.harbor)
    assert (row.visits, row.unconfirmed, row.waiting, row.urgent) == (2, 1, 1, 1)
    assert row.longest == now - dt.timedelta(minutes=3)
    assert row.behind == ["Dr. Osei 35 min"]
    assert row.answers == f"{houses.dana.short_name} on the phone"
    text = page(houses)
    assert "Marisol" not in text
    assert "Vega" not in text
    assert "5550142" not in text
    assert "Dr. Osei 35 min" in text


def test_a_fragment_is_the_rows_alone(houses: Any) -> None:
    text = page(houses, **{"HX-Request": "true", "HX-Target": "all-today"})
    assert "<html" not in text
    assert 'id="house-cedar-park"' in text


def test_a_clinician_sees_no_findings_and_a_stranger_nothing(houses: Any) -> None:
    clinician = a_user("osei@frontdesk.example")
    a_member(houses.harbor, clinician, Role.CLINICIAN)
    client = Client()
    client.force_login(clinician)
    assert "Findings unsettled" not in client.get("/all/today/").content.decode()
    client.force_login(a_user("stranger@frontdesk.example"))
    assert client.get("/all/today/").status_code == 404


@pytest.mark.parametrize("count", [1, 300])
def test_a_practice_costs_the_same_with_one_visit_and_with_three_hundred(houses: Any, count: int) -> None:
    visits_in(houses.harbor, count)
    with (
        admit(houses.dana, "harbor-street", "board.view", door="page") as admission,
        CaptureQueriesContext(connection) as seen,
    ):
        house_of(admission)
    assert len(seen) == HOUSE_QUERIES
