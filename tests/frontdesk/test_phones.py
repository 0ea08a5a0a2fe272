"""The page of the phones: who waits, the day in numbers, repeats, promises; few queries."""

import datetime as dt
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from frontdesk.phones import phones_of
from messaging import calls
from messaging.models import Call
from patients.models import ContactPoint
from practices.models import OfficeHours, Role
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, a_user, an_actor

QUERIES_OF_ONE_CALL, QUERIES_OF_MANY = 3, 4  # the numbers of repeats only where there are any
NOON = dt.datetime(2026, 6, 9, 16, 30, tzinfo=dt.UTC)  # 12:30 in New York


@pytest.fixture
def desk(db: Any) -> Any:
    practice = a_practice()
    dana = a_member(practice, a_user(), Role.RECEPTIONIST)
    patient = a_patient(practice, phone="+15035550142")
    client = Client()
    with time_machine.travel(NOON, tick=False):
        client.force_login(dana.user)
        yield SimpleNamespace(practice=practice, dana=dana, patient=patient, client=client)


def a_call(desk: Any, minutes_ago: float, **fields: Any) -> Call:
    number = fields.pop("number", "")
    started = NOON - dt.timedelta(minutes=minutes_ago)
    values: dict[str, Any] = {"direction": "in", "status": "ended", "outcome": "answered"}
    if (fields | values)["outcome"] == "answered" and "answered_after" in fields:
        values["answered_at"] = started + dt.timedelta(seconds=fields.pop("answered_after"))
    with inside(desk.practice):
        index = ContactPoint.index_for(desk.practice.pk, "phone", number) if number else ""
        return Call.objects.create(
            practice=desk.practice, started_at=started, address=number, address_index=index,
            **(values | fields),
        )  # fmt: skip


def page(desk: Any) -> Any:
    with inside(desk.practice):
        return phones_of(desk.practice, desk.dana.user)


def shown(desk: Any) -> str:
    return str(desk.client.get(f"/p/{desk.practice.slug}/phones/").content.decode())


def test_the_day_in_numbers(desk: Any) -> None:
    for seconds in (10, 20, 90):
        a_call(desk, 60, answered_after=seconds, handler=desk.dana.user)
    a_call(desk, 120, outcome="missed")
    a_call(desk, 121, outcome="abandoned")
    a_call(desk, 122, outcome="voicemail")
    a_call(desk, 24 * 60, outcome="missed")  # yesterday
    a_call(desk, 5, direction="out", outcome="no-answer", handler=desk.dana.user)
    found = page(desk)
    assert found.counts == {"answered": 3, "missed": 1, "abandoned": 1, "voicemail": 1}
    assert (found.came, found.made, found.median, found.people) == (6, 1, "0:20", [("Dana", 4)])
    assert found.plot is not None
    assert found.plot.words == "10 AM: 3, 11 AM: 3"
    assert max(bar.height for bar in found.plot.bars) == 100
    text = shown(desk)
    assert "style=" not in text.split('id="phones"')[1]
    assert "10 AM: 3, 11 AM: 3" in text


def test_who_waits_and_how_long_in_the_order_they_came(desk: Any) -> None:
    a_call(desk, 2, status="ringing", outcome="", number="+15035550111")
    a_call(desk, 7, status="ringing", outcome="", number="+15035550112", patient=desk.patient)
    a_call(desk, 9, status="live", outcome="", handler=desk.dana.user, answered_after=5)
    held = NOON - dt.timedelta(minutes=1)
    a_call(desk, 8, status="held", outcome="", handler=desk.dana.user, answered_after=5, held_since=held)
    found = page(desk)
    assert [one.name for one in found.waiting] == ["Withheld number", "Marisol Vega", "(503) 555-0111"]
    assert found.longest == NOON - dt.timedelta(minutes=7)
    text = shown(desk)
    assert "on hold with Dana" in text
    assert text.count("Keep my place") == 2


def test_repeats_are_of_one_caller_one_matter_and_seven_days(desk: Any) -> None:
    for number in ("+15035550111", "+15035550112"):  # one patient, two numbers
        a_call(desk, 60 * 24, number=number, patient=desk.patient, matter="refill")
    a_call(desk, 50, number="+15035550111", patient=desk.patient, matter="billing")
    a_call(desk, 60 * 24 * 8, number="+15035550111", patient=desk.patient, matter="billing")
    for _ in range(3):
        a_call(desk, 90, number="+15035550133", outcome="missed")
        a_call(desk, 91, outcome="missed")  # withheld: nobody knows whether it is one person
    found = [(one.name, one.matter, one.count) for one in page(desk).repeats]
    assert found == [("(503) 555-0133", "matter not written down", 3), ("Marisol Vega", "refill", 2)]


def test_promised_call_backs_are_owed_until_done(desk: Any) -> None:
    ringing = a_call(desk, 3, status="ringing", outcome="", number="+15035550142", patient=desk.patient)
    with inside(desk.practice):
        at = NOON + dt.timedelta(minutes=40)
        task = calls.keep_place(call=ringing, at=at, by=an_actor(desk.dana))
    (owed,) = page(desk).promises
    assert (owed.name, owed.overdue, owed.when) == ("Marisol Vega", False, "Today 1:10 PM")
    assert 'name="patient"' in shown(desk)
    desk.client.post(f"/p/{desk.practice.slug}/tasks/{task.pk}/done/", {"outcome": "called back"})
    assert page(desk).promises == []


def test_a_place_is_kept_until_the_office_is_open(desk: Any) -> None:
    ringing = a_call(desk, 3, status="ringing", outcome="", number="+15035550142", patient=desk.patient)
    with inside(desk.practice):
        for weekday in range(1, 8):
            OfficeHours.objects.create(
                practice=desk.practice, weekday=weekday, opens=dt.time(8), closes=dt.time(13)
            )
    address = f"/p/{desk.practice.slug}/calls/{ringing.pk}/keep-place/"
    text = desk.client.get(address).content.decode()
    assert "12:40 PM" in text  # in ten minutes
    assert "Tomorrow 9:30 AM" in text  # two hours of office time: half an hour today, the rest tomorrow
    desk.client.post(address, {"minutes": "120"})
    assert [one.when for one in page(desk).promises] == ["Tomorrow 9:30 AM"]


def test_in_privacy_mode_it_names_nobody(desk: Any) -> None:
    a_call(desk, 3, status="ringing", outcome="", number="+15035550142", patient=desk.patient)
    a_call(desk, 30, number="+15035550111", outcome="missed")
    desk.dana.user.privacy_mode = True
    desk.dana.user.save()
    text = shown(desk)
    assert "Vega" not in text
    assert "555-01" not in text


def asked_by(look: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as asked:
        look()
    return len(asked)


def test_one_call_and_three_hundred_cost_the_same(desk: Any) -> None:
    def look() -> int:
        with inside(desk.practice):
            return asked_by(lambda: phones_of(desk.practice, desk.dana.user))

    a_call(desk, 60, patient=desk.patient, number="+15035550142")
    assert look() == QUERIES_OF_ONE_CALL
    shown(desk)  # the first one opens the session
    first_look = asked_by(lambda: shown(desk))
    for number in range(299):
        patient = a_patient(desk.practice, f"P{number}") if number % 3 == 0 else None
        phone = f"+1503555{1000 + number % 90:04d}"
        a_call(desk, 1 + number, number=phone, patient=patient, handler=desk.dana.user)
        if number == 99:
            assert look() == QUERIES_OF_MANY
    assert look() == QUERIES_OF_MANY
    assert asked_by(lambda: shown(desk)) - first_look == QUERIES_OF_MANY - QUERIES_OF_ONE_CALL
    assert (len(page(desk).lines), page(desk).total) == (100, 300)
