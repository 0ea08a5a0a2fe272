"""The clinician's day: whose it is, when things will really begin, and what stays out of sight."""

import datetime as dt
import uuid
import zoneinfo
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from frontdesk.clinician_day import clinician_day, expected_starts
from practices.models import AccessEvent, Practice, Role
from practices.tenancy import inside
from scheduling.models import Appointment, Participant, Practitioner
from tests.factories import a_member, a_patient, a_practice, a_practitioner, a_type, a_user
from tests.frontdesk.test_reviews import DAY, a_visit, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> dict[str, Any]:
    practice = a_practice()
    doctor = a_user("osei@frontdesk.example", given_name="Amara", family_name="Osei")
    a_member(practice, doctor, Role.CLINICIAN)
    osei = a_practitioner(practice, "Dr. Osei", user=doctor)
    return {
        "practice": practice,
        "osei": osei,
        "doctor": doctor,
        "kind": a_type(practice, "Follow-up", 30, [osei]),
    }


def visit_of(
    house: dict[str, Any], hour: int, minute: int = 0, given: str = "Marisol", **fields: Any
) -> Appointment:
    patient = fields.pop("patient", None) or a_patient(house["practice"], given)
    defaults = {"practitioner": house["osei"], "appointment_type": house["kind"], "patient": patient}
    return a_visit(house["practice"], at(hour, minute), **(defaults | fields))


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def get(client: Client, query: str = "", now: dt.datetime | None = None) -> Any:
    with time_machine.travel(now or at(10), tick=False):
        return client.get(reverse("day", args=["harbor-street"]) + query)


def test_a_clinician_sees_her_own_visits_and_nobody_elses(house):
    other = a_practitioner(house["practice"], "Dr. Lindqvist")
    visit_of(house, 11, given="Marisol")
    visit_of(house, 11, given="Tom", practitioner=other)
    page = get(client_of(house["doctor"]), f"?who={other.pk}").content.decode()
    assert "Marisol Vega" in page
    assert "Tom Vega" not in page


def along(house: dict[str, Any], hour: int, minute: int = 0, **fields: Any) -> Appointment:
    """A visit of a colleague in which Dr. Osei takes part."""
    visit = visit_of(house, hour, minute, **fields)
    with inside(house["practice"]):
        Participant.objects.create(practice=house["practice"], appointment=visit, practitioner=house["osei"])
    return visit


def test_a_visit_in_which_she_takes_part_is_on_her_day_and_takes_her_time(house):
    lind = a_practitioner(house["practice"], "Dr. Lindqvist")
    visit = along(house, 11, practitioner=lind)
    visit_of(house, 14, given="Tom", practitioner=lind)
    with time_machine.travel(at(10), tick=False), inside(house["practice"]):
        day = clinician_day(house["practice"], house["osei"], DAY, at(10), house["doctor"])
    assert [(row.visit, row.line) for row in day.rows] == [(visit, "Follow-up, with Dr. Lindqvist")]
    assert [getattr(item, "words", "") for item in day.groups[0][1]] == [
        "Open, 1 hour", "To confirm", "Open, 30 minutes",
    ]  # fmt: skip
    page = get(client_of(house["doctor"]), f"?v={visit.pk}").content.decode()
    assert "<dt>With</dt><dd>Dr. Lindqvist</dd>" in page
    assert "Tom Vega" not in page


def test_the_desk_may_choose_a_clinician_and_is_asked_for_one(house):
    visit_of(house, 11)
    dana = client_of(a_member(house["practice"]).user)
    assert "Whose day?" in get(dana).content.decode()
    assert "Marisol Vega" in get(dana, f"?who={house['osei'].pk}").content.decode()
    assert get(dana, f"?who={uuid.uuid4()}").status_code == 404


def test_a_clinician_of_another_practice_is_not_there(house):
    cedar = a_practice("cedar-park")
    stranger = a_practitioner(cedar, "Dr. Far")
    dana = client_of(a_member(house["practice"]).user)
    assert get(dana, f"?who={stranger.pk}").status_code == 404


def test_a_visit_that_runs_over_pushes_those_who_wait_and_lunch_takes_it_up(house):
    running = visit_of(house, 10, status="arrived", arrived_at=at(10), seen_at=at(10, 20))
    waiting = visit_of(house, 10, 30, status="arrived", arrived_at=at(10, 25))
    coming = visit_of(house, 11)
    afternoon = visit_of(house, 14)
    expected = expected_starts([running, waiting, coming, afternoon], at(10, 40))
    assert expected == {waiting.pk: at(10, 50), coming.pk: at(11, 20), afternoon.pk: at(14)}


def test_who_is_late_holds_nobody_up(house):
    late, next_one = visit_of(house, 10), visit_of(house, 10, 45)
    assert expected_starts([late, next_one], at(10, 40))[next_one.pk] == at(10, 45)


def test_the_page_says_how_late_and_when(house):
    visit_of(house, 10, status="arrived", arrived_at=at(10), seen_at=at(10, 20))
    visit_of(house, 10, 30, status="arrived", arrived_at=at(10, 25))
    page = get(client_of(house["doctor"]), now=at(10, 40)).content.decode()
    assert "20 min behind" in page
    assert "Expected 10:50" in page


def test_breaks_and_open_times_stand_between_the_visits(house):
    visit_of(house, 11)
    with time_machine.travel(at(10), tick=False), inside(house["practice"]):
        day = clinician_day(house["practice"], house["osei"], DAY, at(10), house["doctor"])
    words = [
        (pause.words if pause else "", [getattr(item, "words", "") for item in items])
        for pause, items in day.groups
    ]
    assert words == [("", ["Open, 1 hour", "To confirm", "Open, 30 minutes"]), ("Lunch", ["Open, 4 hours"])]


def test_what_to_know_first_is_on_the_visit_and_not_in_the_list(house):
    patient = a_patient(house["practice"], know_first="Afraid of needles.", needs=["interpreter"])
    visit = visit_of(house, 11, patient=patient)
    visit_of(house, 10, 30, given="Tom")
    client = client_of(house["doctor"])
    assert "Afraid of needles." not in get(client, now=at(10)).content.decode()
    page = get(client, f"?v={visit.pk}").content.decode()
    assert "Afraid of needles." in page
    assert "Interpreter" in page


def test_privacy_mode_shows_initials(house):
    visit_of(house, 11)
    house["doctor"].privacy_mode = True
    house["doctor"].save()
    page = get(client_of(house["doctor"])).content.decode()
    assert "Marisol" not in page
    assert "M. V." in page


def test_privacy_mode_hides_reason_note_and_what_to_know_first(house):
    patient = a_patient(house["practice"], know_first="Afraid of needles.")
    visit = visit_of(house, 11, patient=patient, reason="Knee", note="Bring scans")
    client = client_of(house["doctor"])
    secrets = ("Afraid of needles.", "Knee", "Bring scans")
    page = get(client, f"?v={visit.pk}").content.decode()
    assert all(secret in page for secret in secrets)
    house["doctor"].privacy_mode = True
    house["doctor"].save()
    page = get(client, f"?v={visit.pk}").content.decode()
    assert not any(secret in page for secret in secrets)
    assert "Hidden while privacy is on" in page


def test_who_was_shown_is_recorded_once(house):
    visits = [visit_of(house, 11), visit_of(house, 14, given="Tom")]
    get(client_of(house["doctor"]))
    with inside(house["practice"]):
        event = AccessEvent.objects.get()
    assert event.screen == "day"
    assert set(event.patient_ids) == {visit.patient_id for visit in visits}


def test_the_next_step_needs_the_present_version(house):
    visit = visit_of(house, 10, status="arrived", arrived_at=at(9, 55))
    url = reverse("day-stage", args=["harbor-street", visit.pk])
    client = client_of(house["doctor"])
    with time_machine.travel(at(10), tick=False):
        for version in ("7", "²", "", "9" * 5000):
            assert client.post(url, {"stage": "in-visit", "version": version}).status_code == 302
        with inside(house["practice"]):
            assert Appointment.objects.get(pk=visit.pk).seen_at is None
        assert client.post(url, {"stage": "in-visit", "version": str(visit.version)}).status_code == 302
    with inside(house["practice"]):
        assert Appointment.objects.get(pk=visit.pk).seen_at == at(10)


@pytest.mark.parametrize("count", [1, 40])
def test_the_day_takes_as_many_queries_for_forty_visits_as_for_one(
    house, count: int, django_assert_num_queries: Any
):
    for number in range(count):
        visit_of(house, 10 + number // 12, 5 * (number % 12), given=f"P{number}", overbook_reason="test")
    client = client_of(house["doctor"])
    with time_machine.travel(at(9), tick=False), django_assert_num_queries(27):
        client.get(reverse("day", args=["harbor-street"]))


def test_visits_of_colleagues_take_no_query_more(house, django_assert_num_queries: Any):
    lind = a_practitioner(house["practice"], "Dr. Lindqvist")
    for number in range(12):
        along(house, 10, 5 * number, given=f"P{number}", overbook_reason="test", practitioner=lind)
    client = client_of(house["doctor"])
    with time_machine.travel(at(9), tick=False), django_assert_num_queries(27):
        client.get(reverse("day", args=["harbor-street"]))


def test_on_the_night_of_a_clock_change_the_day_still_has_its_order():
    zone = zoneinfo.ZoneInfo("America/New_York")
    practice: Practice = a_practice()
    osei: Practitioner = a_practitioner(practice)
    kind, user = a_type(practice, practitioners=[osei]), a_user()
    day = dt.date(2026, 11, 1)
    for hour in (9, 10):
        when = dt.datetime.combine(day, dt.time(hour), tzinfo=zone)
        a_visit(
            practice, when, practitioner=osei, appointment_type=kind, patient=a_patient(practice, f"H{hour}")
        )
    with inside(practice):
        now = dt.datetime.combine(day, dt.time(0), tzinfo=zone)
        shown = clinician_day(practice, osei, day, now, user)
    assert [row.time for row in shown.rows] == ["9:00", "10:00"]
