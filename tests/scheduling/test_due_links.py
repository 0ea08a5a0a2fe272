"""The patient's page to choose a time: nothing before the birth date, booked once after it."""

import datetime as dt
import re
import threading
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.test import Client
from django.urls import reverse

from messaging.models import Message, Task
from practices.models import AccessEvent
from practices.tenancy import inside
from scheduling.asking import new_link
from scheduling.followups import ask_patient, end_follow_up, is_booked, order_follow_up
from scheduling.models import Appointment, FollowUp, FollowUpLink
from tests.factories import a_practitioner, a_type
from tests.scheduling.conftest import NOW, a_diary, at

RIGHT = {"birth_month": "3", "birth_day": "14", "birth_year": "1986"}
WRONG = RIGHT | {"birth_day": "15"}
SECRETS = ("Marisol", "Vega", "Dr. Osei", "Follow-up", "blood", "555-0142")


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def open_door(due: dt.date = dt.date(2026, 12, 1)) -> SimpleNamespace:
    door = a_diary()
    with inside(door.practice):
        door.row = order_follow_up(
            patient=door.patient,
            appointment_type=door.kind,
            practitioner=door.osei,
            due_on=due,
            note="blood pressure",
            by=door.by,
        )
        door.link, door.token = new_link(door.row)
        door.link.save(force_insert=True)
    door.client = Client(enforce_csrf_checks=True)
    door.url = reverse("due", args=[door.token])
    return door


@pytest.fixture
def door(db: None, clock: Any) -> SimpleNamespace:
    return open_door()


def let_in(door: Any) -> Any:
    return door.client.post(door.url, RIGHT)


def first_time(door: Any) -> str:
    shown = door.client.get(door.url).content.decode()
    return re.findall(r'name="time" value="([^"]+)"', shown)[0]


def test_before_the_birth_date_it_says_only_whose_it_is(door):
    shown = door.client.get(door.url)
    assert "Harbor Street" in shown.content.decode()
    for secret in SECRETS:
        assert secret not in shown.content.decode()
    assert shown["Referrer-Policy"] == "no-referrer"
    assert door.client.post(door.url, {"time": f"{door.osei.pk}|20261125T1300Z"}).status_code == 200
    with inside(door.practice):
        assert not Appointment.objects.exists(), "a time without the birth date books nothing"


def test_after_it_times_in_the_days_of_what_is_due_and_one_press_books(door):
    assert let_in(door).status_code == 302
    shown = door.client.get(door.url).content.decode()
    assert "Wednesday, November 25" in shown
    assert "Follow-up" not in shown
    answer = door.client.post(door.url, {"time": first_time(door)})
    assert answer.status_code == 302
    assert "Your appointment is booked." in door.client.get(door.url).content.decode()
    with inside(door.practice):
        visit = Appointment.objects.get()
        assert visit.starts_at == at("2026-11-25 08:00")
        assert visit.follow_up_id == door.row.pk
        assert is_booked(door.row)
        assert Message.objects.get().kind == "confirmation"
        assert AccessEvent.objects.filter(screen="due-link").count() == 1


def test_a_time_that_went_meanwhile_is_said_and_the_rest_shown(door):
    let_in(door)
    wanted = first_time(door)
    with inside(door.practice):
        door.book("2026-11-25 08:00")
        Appointment.objects.update(patient=door.patient, appointment_type=door.kind)
        FollowUp.objects.update(counts_from=dt.date(2026, 11, 26))
    answer = door.client.post(door.url, {"time": wanted})
    assert answer.status_code == 409
    assert "That time was just taken." in answer.content.decode()


def test_a_time_at_which_she_is_with_somebody_else_is_neither_shown_nor_booked(door):
    let_in(door)
    wanted = first_time(door)
    with inside(door.practice):
        nurse = a_practitioner(door.practice, "Nurse Bell", position=3)
        tests = a_type(door.practice, "Tests", 15, [nurse])
        door.book("2026-11-25 08:15", practitioner=nurse, appointment_type=tests, tell_patient=False)
    assert wanted.endswith("|20261125T1300Z")
    assert first_time(door).endswith("|20261125T1330Z")
    assert door.client.post(door.url, {"time": wanted}).status_code == 409
    with inside(door.practice):
        assert not is_booked(door.row)


@pytest.mark.parametrize("time", ["", "x|y", "0|20261125T1300Z", "a" * 5000])
def test_nonsense_books_nothing(door, time):
    let_in(door)
    assert door.client.post(door.url, {"time": time}).status_code in {409, 422}
    with inside(door.practice):
        assert not Appointment.objects.exists()


def test_what_the_practice_keeps_for_the_desk_is_not_offered(door):
    with inside(door.practice):
        door.kind.patients_may_choose = False
        door.kind.save()
    let_in(door)
    shown = door.client.get(door.url).content.decode()
    assert "Please call us and we will find one." in shown
    assert door.client.post(door.url, {"time": f"{door.osei.pk}|20261125T1300Z"}).status_code == 409


def test_five_wrong_dates_lock_it_and_call_a_person(door):
    for _ in range(5):
        assert door.client.post(door.url, WRONG).status_code == 403
    assert door.client.post(door.url, RIGHT).status_code == 403
    with inside(door.practice):
        assert Task.objects.get().kind == Task.Kind.LINK_LOCKED


def test_an_unfinished_date_is_no_guess(door):
    assert door.client.post(door.url, RIGHT | {"birth_year": ""}).status_code == 422
    with inside(door.practice):
        assert FollowUpLink.objects.get().wrong_dates == 0


def test_one_that_is_ended_expired_or_unknown_is_over(door, clock):
    with inside(door.practice):
        end_follow_up(follow_up=door.row, version=1, reason="not-needed", by=door.by)
    assert door.client.get(door.url).status_code == 410
    with inside(door.practice):
        FollowUp.objects.update(closed_at=None, closed_as="")
    assert door.client.get(door.url).status_code == 200
    clock.shift(dt.timedelta(days=22))
    assert door.client.get(door.url).status_code == 410
    assert door.client.get(reverse("due", args=["x" * 30])).status_code == 404


def test_it_speaks_spanish(door):
    with inside(door.practice):
        type(door.patient).objects.update(language="es")
    assert "fecha de nacimiento" in door.client.get(door.url).content.decode()
    let_in(door)
    assert "¿Cuándo desea venir?" in door.client.get(door.url).content.decode()


def test_the_link_of_the_text_opens(door):
    with inside(door.practice):
        ask_patient(follow_up=door.row, version=1, by=door.by)
        address = re.search(r"/f/[^/]+/", Message.objects.get().body)
    assert address is not None
    assert door.client.get(address[0]).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_two_browsers_at_once_book_one_visit():
    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=8)
    door = open_door(day)
    clients = [Client(), Client()]
    for client in clients:
        client.post(door.url, RIGHT)
    shown = clients[0].get(door.url).content.decode()
    times = re.findall(r'name="time" value="([^"]+)"', shown)[:2]
    gate, codes = threading.Barrier(2), []

    def press(client: Client, time: str) -> None:
        try:
            gate.wait()
            codes.append(client.post(door.url, {"time": time}).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press, args=pair) for pair in zip(clients, times, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [302, 302], "both are told that it is booked"
    with inside(door.practice):
        assert Appointment.objects.count() == 1
