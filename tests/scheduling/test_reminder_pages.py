"""The forecast, the call list and the rules, as pages."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging.lines import break_line
from messaging.models import Message, Task
from patients.models import ContactPoint
from practices.models import Membership, Role
from practices.tenancy import inside
from scheduling.forecast import forecast
from scheduling.models import Appointment, ReminderRule
from scheduling.reminders import queue_reminders
from tests.factories import a_patient, a_rule, a_type
from tests.scheduling.conftest import NOW, a_diary, a_texted_patient, at

FORECAST_QUERIES = 27
CALL_LIST_QUERIES = 21


@pytest.fixture
def desk(db: None, clock: Any) -> SimpleNamespace:
    made = a_diary()
    with inside(made.practice):
        Membership.objects.filter(pk=made.dana.pk).update(roles=[Role.RECEPTIONIST, Role.MANAGER])
    made.clock = clock
    made.client = Client()
    made.client.force_login(made.dana.user)
    made.url = lambda name, *args: reverse(name, args=[made.practice.slug, *args])
    return made


def shown(desk: SimpleNamespace, name: str, *args: Any) -> str:
    answer = desk.client.get(desk.url(name, *args))
    assert answer.status_code == 200
    return answer.content.decode()


def booked(desk: SimpleNamespace, *args: Any, **given: Any) -> Appointment:
    with inside(desk.practice):
        return desk.book(*args, **given)


def again(desk: SimpleNamespace, visit: Appointment) -> Appointment:
    with inside(desk.practice):
        return Appointment.objects.get(pk=visit.pk)


def stuck(desk: SimpleNamespace, visit: Appointment, status: str = "undelivered", reason: str = "landline"):
    with inside(desk.practice):
        Message.objects.filter(notices__appointment=visit).update(status=status, reason=reason, followed=True)


def test_the_forecast_says_what_the_sweep_then_does(desk):
    booked(desk, "2026-11-30 10:00")
    with inside(desk.practice):
        seen = forecast(desk.practice, NOW, private=False)
        assert not Message.objects.filter(kind="reminder").exists(), "a forecast writes nothing"
    (line,) = seen.lines
    assert (line.at, line.channel, line.rule) == (at("2026-11-28 10:00"), "sms", "2 days before at 10:00 AM")
    desk.clock.move_to(line.at)
    queue_reminders(desk.practice)
    with inside(desk.practice):
        message = Message.objects.get(kind="reminder")
    assert (message.send_after, message.channel) == (line.at, line.channel)


def test_the_page_shows_days_lines_and_whom_nothing_reaches(desk):
    booked(desk, "2026-11-30 10:00")
    silent = a_patient(desk.practice, "Ana", "Nobody", phone="+15035550143")
    booked(desk, "2026-11-30 11:00", patient=silent)
    page = shown(desk, "reminders")
    assert "Marisol Vega" in page
    assert "Nothing reaches them" in page
    assert "Ana Nobody" in page
    assert "No consent" in page
    assert reverse("call-list", args=[desk.practice.slug]) in page


@pytest.mark.parametrize("visits", [1, 30])
def test_the_forecast_costs_the_same_however_many_visits(desk, visits):
    for place in range(visits):
        patient = a_texted_patient(desk.practice, f"Ana{place}", phone=f"+1503555{place:04d}")
        when = at("2026-11-30 08:00") + dt.timedelta(minutes=10 * place)
        booked(desk, starts_at=when, patient=patient, overbook_reason="Full")
    desk.client.get(desk.url("reminders"))
    with CaptureQueriesContext(connection) as asked:
        desk.client.get(desk.url("reminders"))
    assert len(asked) == FORECAST_QUERIES


def test_a_second_reminder_of_a_day_waits_for_the_next(desk):
    booked(desk, "2026-11-30 10:00")
    other = a_type(desk.practice, "Other", practitioners=[desk.osei])
    a_rule(desk.practice, days_before=3, appointment_type=other)
    booked(desk, "2026-12-01 15:00", appointment_type=other)
    with inside(desk.practice):
        lines = forecast(desk.practice, NOW, private=False).lines
    assert [line.at for line in lines] == [at("2026-11-28 10:00"), at("2026-11-29 10:00")]
    assert "enough messages" in lines[1].note


def test_what_did_not_arrive_is_a_call_until_somebody_ticks_it(desk):
    visit = booked(desk)
    assert "Nobody has to be called" in shown(desk, "call-list")
    stuck(desk, visit)
    page = shown(desk, "call-list")
    assert "Marisol Vega" in page
    assert "(503) 555-0142" in page
    assert "Landline" in page
    answer = desk.client.post(desk.url("call-list-outcome", visit.pk), {"outcome": "confirmed"})
    assert answer.status_code == 302
    visit = again(desk, visit)
    assert (visit.confirmation, visit.confirmed_by) == ("confirmed", "phone")
    assert "Nobody has to be called" in shown(desk, "call-list")


@pytest.mark.parametrize(
    ("outcome", "confirmation", "stays"),
    [("message", "left_message", False), ("no-answer", "unsent", True), ("wrong-number", "unsent", True)],
)
def test_each_outcome_leaves_its_mark(desk, outcome, confirmation, stays):
    visit = booked(desk)
    stuck(desk, visit)
    desk.client.post(desk.url("call-list-outcome", visit.pk), {"outcome": outcome})
    visit = again(desk, visit)
    assert visit.confirmation == confirmation
    page = shown(desk, "call-list")
    assert ("Marisol Vega" in page) is stays
    if outcome == "no-answer":
        assert "again at" in page
        with inside(desk.practice):
            assert Task.objects.open().get(kind="call").snoozed_until == NOW + dt.timedelta(hours=1)
    if outcome == "wrong-number":
        assert "No number" in page
        with inside(desk.practice):
            assert ContactPoint.objects.get(patient=desk.patient).unusable == "wrong number"


def test_an_outcome_that_is_none_is_refused(desk):
    visit = booked(desk)
    assert desk.client.post(desk.url("call-list-outcome", visit.pk), {"outcome": "x"}).status_code == 422


@pytest.mark.parametrize("visits", [1, 30])
def test_the_call_list_costs_the_same_however_long_it_is(desk, visits):
    for place in range(visits):
        patient = a_texted_patient(desk.practice, f"Ana{place}", phone=f"+1503555{place:04d}")
        when = at("2026-11-25 08:00") + dt.timedelta(minutes=10 * place)
        stuck(desk, booked(desk, starts_at=when, patient=patient, overbook_reason="Full"))
    desk.client.get(desk.url("call-list"))
    with CaptureQueriesContext(connection) as asked:
        desk.client.get(desk.url("call-list"))
    assert len(asked) == CALL_LIST_QUERIES


def test_a_line_that_is_out_is_said_on_every_page_and_its_patients_are_to_call(desk):
    booked(desk)
    assert "do not go out" not in shown(desk, "today")
    with inside(desk.practice):
        break_line(desk.practice, "sms", "the number is not registered")
    assert "Texts do not go out since 9:00 AM." in shown(desk, "today")
    page = shown(desk, "call-list")
    assert "Marisol Vega" in page
    assert "Texts do not go out" in page


def rule(**given: Any) -> dict[str, Any]:
    values = {"unit": "days", "number": "1", "at": "16:00", "first": "sms", "second": "email", "asks": "on"}
    return values | given


def test_a_manager_sets_rules_by_type(desk):
    posted = rule(unit="hours", number="2", at="", appointment_type=str(desk.kind.pk), second="call")
    assert desk.client.post(desk.url("settings-reminders"), posted).status_code == 302
    with inside(desk.practice):
        made = ReminderRule.objects.get(appointment_type=desk.kind)
    assert (made.hours_before, made.at, made.channels, made.asks) == (2, None, ["sms", "call"], True)
    page = shown(desk, "settings-reminders")
    assert "2 hours before" in page
    assert "Text, then automatic call" in page
    desk.client.post(desk.url("rule-remove", made.pk))
    assert "2 hours before" not in shown(desk, "settings-reminders")
    desk.client.post(desk.url("settings-reminders"), posted | {"asks": ""})
    with inside(desk.practice):
        back = ReminderRule.objects.get(appointment_type=desk.kind)
    assert (back.pk, back.active, back.asks) == (made.pk, True, False)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"at": ""}, "Say at what time of the day it goes out."),
        ({"unit": "hours"}, "Hours before have no time of the day"),
        ({"number": "31"}, "Between 0 and 30 days."),
        ({"unit": "hours", "at": "", "number": "0"}, "Between 1 and 96 hours"),
        ({"second": "sms"}, "it is tried once"),
        ({"second": "", "third": "call"}, "a last way but none before it"),
        ({"number": "2"}, "There is a rule for this moment already"),
        ({"number": "soon"}, "Enter a whole number"),
        ({"first": "fax"}, "valid choice"),
    ],
)
def test_what_contradicts_itself_is_said_at_its_field(desk, given, words):
    answer = desk.client.post(desk.url("settings-reminders"), rule(**given))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    with inside(desk.practice):
        assert ReminderRule.objects.count() == 1


@pytest.mark.parametrize(
    ("day", "week", "words"),
    [("3", "2", "A week cannot hold less"), ("0", "2", "a patient hears nothing"), ("2", "6", "")],
)
def test_limits_that_make_no_sense_are_refused(desk, day, week, words):
    posted = {"caps-most_a_day": day, "caps-most_a_week": week, "caps-join_visits_within_hours": "24"}
    answer = desk.client.post(desk.url("rule-caps"), posted)
    assert answer.status_code == (422 if words else 302)
    assert words in answer.content.decode()


def test_a_receptionist_does_not_set_rules(desk):
    with inside(desk.practice):
        Membership.objects.filter(pk=desk.dana.pk).update(roles=[Role.RECEPTIONIST])
    assert desk.client.get(desk.url("settings-reminders")).status_code == 403
    assert desk.client.get(desk.url("reminders")).status_code == 200


def test_a_new_practice_has_the_usual_rule(desk):
    with inside(desk.practice):
        ReminderRule.objects.all().delete()
    assert "2 days before at 10:00 AM" in shown(desk, "settings-reminders")
