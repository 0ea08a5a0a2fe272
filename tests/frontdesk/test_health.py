"""/healthz names what is down."""

import pytest

from frontdesk import health
from practices.changes import client as redis_client
from practices.changes import impatient

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_marks():
    redis_client().delete("heartbeat:worker", "heartbeat:timetable")


def test_all_parts_up(client):
    health.mark("worker")
    health.mark("timetable")
    response = client.get("/healthz")
    assert response.status_code == 200
    assert set(response.json().values()) == {"up"}


@pytest.mark.parametrize("part", ["worker", "timetable"])
def test_a_part_that_left_no_mark_is_named(client, part):
    health.mark({"worker": "timetable", "timetable": "worker"}[part])
    response = client.get("/healthz")
    assert response.status_code == 503
    assert [name for name, state in response.json().items() if state == "down"] == [part]


def test_a_broker_that_is_away_is_named_and_nothing_hangs(client, monkeypatch):
    away = impatient("redis://127.0.0.1:1/0")
    monkeypatch.setattr(health, "client", lambda: away)
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json()["broker"] == "down"
    assert response.json()["database"] == "up"


def test_the_answer_tells_a_stranger_nothing_else(client):
    assert set(client.get("/healthz").json()) == {"database", "broker", "worker", "timetable"}
