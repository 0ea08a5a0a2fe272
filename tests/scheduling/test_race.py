"""Fifty programs want one slot at the same moment, over HTTP, with real keys and real connections."""

import datetime as dt
import http.client
import json
import os
import threading
from collections import Counter
from contextlib import closing, contextmanager

import psycopg
import pytest
from django.db import connection, connections
from django.utils import timezone

from practices.apikeys import create_api_key
from practices.models import AuditEntry
from practices.tenancy import inside
from scheduling.booking import confirm_appointment
from scheduling.models import Appointment
from tests.scheduling.conftest import a_diary

CLIENTS = 50
A_FEW = 16  # enough to sell a slot twice where nothing forbids it
pytestmark = pytest.mark.django_db(transaction=True)


def a_coming_slot(practice):
    day = timezone.now().astimezone(practice.zone).date() + dt.timedelta(days=3)
    return dt.datetime.combine(day, dt.time(10), practice.zone).isoformat()


def connected(server):
    """A connection that is open already: fifty at once would overrun the test server's short queue."""
    line = http.client.HTTPConnection(server.thread.host, server.thread.port, timeout=60)
    line.connect()
    return line


@pytest.fixture
def race(live_server):
    """Posts the same booking from many threads at once; returns what each was answered."""
    diary = a_diary()
    with inside(diary.practice):
        _, key = create_api_key(user=diary.dana.user, by=diary.by)
    body = {
        "patient": str(diary.patient.pk),
        "practitioner": str(diary.osei.pk),
        "type": str(diary.kind.pk),
        "starts_at": a_coming_slot(diary.practice),
    }
    path = f"/api/v1/p/{diary.practice.slug}/appointments/"
    sent = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    # The first use of a key on a day writes that day into its row, which would queue the fifty up.
    first = connected(live_server)
    with closing(first):
        first.request("GET", f"/api/v1/p/{diary.practice.slug}/practitioners/", headers=sent)
        assert first.getresponse().status == 200

    def run(clients=CLIENTS, **headers):
        gate, answers = threading.Barrier(clients), []

        def client(line):
            with closing(line):
                gate.wait()
                line.request("POST", path, json.dumps(body), sent | headers)
                response = line.getresponse()
                answers.append((response.status, json.load(response)))

        threads = [threading.Thread(target=client, args=[connected(live_server)]) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    run.diary = diary
    return run


def standing(diary):
    with inside(diary.practice):
        return Appointment.objects.active().count()


def codes(answers):
    return Counter(status for status, _ in answers)


@contextmanager
def without_the_constraint():
    """Takes the database's last word away, as its owner, and gives it back."""
    name = str(connection.settings_dict["NAME"])
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], dbname=name, autocommit=True) as owner:
        (definition,) = owner.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'no_double_booking'"
        ).fetchone()
        owner.execute("ALTER TABLE scheduling_busyslot DROP CONSTRAINT no_double_booking")
        try:
            yield
        finally:
            connections.close_all()
            owner.execute("TRUNCATE scheduling_appointment CASCADE")
            owner.execute(f"ALTER TABLE scheduling_busyslot ADD CONSTRAINT no_double_booking {definition}")


def test_fifty_programs_one_slot_one_booking(race):
    answers = race()
    assert codes(answers) == {201: 1, 409: CLIENTS - 1}
    assert standing(race.diary) == 1
    refused = [answer for status, answer in answers if status == 409]
    assert all(len(answer["next_times"]) == 2 for answer in refused)


def test_without_the_lock_the_constraint_still_has_the_last_word(race, settings):
    settings.SWITCHED_OFF = frozenset({"resource-lock"})
    found = codes(race(A_FEW))
    assert found == {201: 1, 409: A_FEW - 1}
    assert standing(race.diary) == 1


def test_the_control_without_lock_and_constraint_the_slot_is_sold_more_than_once(race, settings):
    settings.SWITCHED_OFF = frozenset({"resource-lock"})
    with without_the_constraint():
        found = codes(race(A_FEW))
        sold = standing(race.diary)
    assert found[201] > 1
    assert sold == found[201]


def test_the_lock_alone_is_enough(race):
    with without_the_constraint():
        assert codes(race(A_FEW)) == {201: 1, 409: A_FEW - 1}


def test_one_key_from_fifty_programs_is_one_booking_and_fifty_same_answers(race):
    answers = race(**{"Idempotency-Key": "the-same-call"})
    assert codes(answers) == {201: CLIENTS}
    assert len({answer["id"] for _, answer in answers}) == 1
    assert standing(race.diary) == 1


def test_ten_confirmations_are_one(db):
    diary = a_diary()
    with inside(diary.practice):
        visit = diary.book(starts_at=dt.datetime.fromisoformat(a_coming_slot(diary.practice)))
    gate = threading.Barrier(10)

    def confirm():
        try:
            gate.wait()
            with inside(diary.practice):
                confirm_appointment(appointment=visit, how="link", by=diary.by)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=confirm) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with inside(diary.practice):
        assert AuditEntry.objects.filter(verb="appointment.confirmed").count() == 1
        assert Appointment.objects.get().version == 2
