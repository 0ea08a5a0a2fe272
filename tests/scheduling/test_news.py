"""Clinicians hear of late changes within the horizon: once, together, and without a patient."""

import datetime as dt

import pytest

from messaging.models import Message
from practices.models import Role
from practices.tenancy import inside
from scheduling.booking import cancel_appointment, reschedule_appointment
from scheduling.models import Change, ClinicianNews, NewsRule
from scheduling.news import RuleRefused, save_news_rule, tell_due
from scheduling.undo import undo_change
from tests.factories import a_member, a_user, an_actor
from tests.scheduling.conftest import a_texted_patient, at

AFTER_UNDO = dt.timedelta(minutes=4)


@pytest.fixture
def osei(diary):
    """Dr. Osei signs in here."""
    user = a_user("osei@frontdesk.example", given_name="Amara")
    diary.osei.user = user
    diary.osei.save()
    return a_member(diary.practice, user, Role.CLINICIAN)


def told(user):
    return list(Message.objects.filter(staff=user).order_by("created_at"))


def cancel(diary, visit, by=None):
    visit.refresh_from_db()
    cancel_appointment(appointment=visit, reason="pat", version=visit.version, by=by or diary.by)


def booked(diary, when="2026-11-25 10:00", name="Marisol", phone="+15035550142"):
    patient = diary.patient if name == "Marisol" else a_texted_patient(diary.practice, name, phone)
    visit = diary.book(when, patient=patient)
    Change.objects.update(news_at=visit.created_at)  # long known
    return visit


def rule(diary, **values):
    usual = {"tells": True, "horizon_days": 2, "channels": ["email"], "new_visits": False}
    return save_news_rule(values=usual | values, by=diary.by)


def test_a_cancellation_of_tomorrow_is_told_once_and_names_nobody(diary, osei, clock):
    cancel(diary, booked(diary))
    assert tell_due(diary.practice) == 0  # it can still be taken back
    clock.shift(AFTER_UNDO)
    assert tell_due(diary.practice) == 1
    (message,) = told(osei.user)
    assert message.channel == "email"
    assert message.address == "osei@frontdesk.example"
    assert "Tomorrow 10:00 AM: cancelled" in message.body
    assert "/p/harbor-street/changed/" in message.body
    for word in ("Marisol", "Vega", "Follow-up", "5550142"):
        assert word not in message.body + message.subject
    clock.shift(dt.timedelta(hours=1))
    assert tell_due(diary.practice) == 0
    assert len(told(osei.user)) == 1


def test_what_is_taken_back_in_time_is_never_told(diary, osei, clock):
    visit = booked(diary)
    cancel(diary, visit)
    undo_change(change=Change.objects.get(kind="cancelled"), by=diary.by)
    clock.shift(AFTER_UNDO)
    assert tell_due(diary.practice) == 0
    assert told(osei.user) == []


@pytest.mark.parametrize(
    ("day", "horizon", "messages"),
    [("2026-11-26", 2, 1), ("2026-11-27", 2, 0), ("2026-11-25", 0, 0), ("2026-12-07", 14, 1)],
)
def test_what_lies_beyond_the_horizon_is_never_told(diary, osei, clock, day, horizon, messages):
    rule(diary, horizon_days=horizon)
    cancel(diary, booked(diary, f"{day} 10:00"))
    clock.shift(AFTER_UNDO)
    assert tell_due(diary.practice) == messages
    clock.shift(dt.timedelta(days=3))
    tell_due(diary.practice)
    assert len(told(osei.user)) == messages  # neither later, when it would be near


def test_what_comes_together_is_one_message_and_the_next_one_waits(diary, osei, clock):
    first, second = booked(diary), booked(diary, "2026-11-25 11:00", "Owen", "+15035550143")
    third = booked(diary, "2026-11-26 11:00", "Ida", "+15035550144")
    cancel(diary, first)
    cancel(diary, second)
    clock.shift(AFTER_UNDO)
    assert tell_due(diary.practice) == 1
    assert "2 late changes" in told(osei.user)[0].subject
    cancel(diary, third)
    clock.shift(AFTER_UNDO)
    assert tell_due(diary.practice) == 0  # told four minutes ago
    clock.shift(dt.timedelta(minutes=12))
    assert tell_due(diary.practice) == 1
    assert ClinicianNews.objects.count() == 3


def test_a_move_is_told_to_who_loses_and_to_who_gains_the_visit(diary, osei, clock):
    chen = a_member(diary.practice, a_user("chen@frontdesk.example"), Role.CLINICIAN)
    diary.chen.user = chen.user
    diary.chen.save()
    visit, when = booked(diary), at("2026-11-26 11:00")
    reschedule_appointment(
        appointment=visit, starts_at=when, practitioner=diary.chen, version=visit.version, by=diary.by
    )
    clock.shift(AFTER_UNDO)
    assert tell_due(diary.practice) == 2
    assert "Tomorrow 10:00 AM: moved away" in told(osei.user)[0].body
    assert "11:00 AM: moved to here" in told(chen.user)[0].body


def test_ones_own_doing_and_what_is_over_are_no_news(diary, osei, clock):
    cancel(diary, booked(diary), by=an_actor(osei))
    late = booked(diary, "2026-11-24 09:30", "Owen", "+15035550143")
    cancel(diary, late)
    clock.shift(dt.timedelta(hours=3))
    assert tell_due(diary.practice) == 0
    assert not Change.objects.filter(news_at=None, kind="cancelled").exists()


def test_new_visits_are_told_where_the_practice_wants_it(diary, osei, clock):
    diary.book()
    clock.shift(AFTER_UNDO)
    assert tell_due(diary.practice) == 0
    rule(diary, new_visits=True)
    diary.book("2026-11-25 11:00", patient=a_texted_patient(diary.practice, "Owen", "+15035550143"))
    clock.shift(AFTER_UNDO)
    assert tell_due(diary.practice) == 1
    assert "new visit" in told(osei.user)[0].body


def test_a_text_goes_to_the_mobile_and_an_e_mail_where_there_is_none(diary, osei, clock):
    rule(diary, channels=["sms"])
    cancel(diary, booked(diary))
    clock.shift(AFTER_UNDO)
    tell_due(diary.practice)
    osei.mobile = "+15035550190"
    osei.save()
    cancel(diary, booked(diary, "2026-11-25 11:00", "Owen", "+15035550143"))
    clock.shift(dt.timedelta(minutes=20))
    tell_due(diary.practice)
    assert [message.channel for message in told(osei.user)] == ["email", "sms"]


def test_who_left_and_a_practice_that_tells_nothing_hear_nothing(diary, osei, clock):
    osei.active = False
    osei.save()
    cancel(diary, booked(diary))
    clock.shift(AFTER_UNDO)
    assert tell_due(diary.practice) == 0
    osei.active = True
    osei.save()
    rule(diary, tells=False)
    cancel(diary, booked(diary, "2026-11-25 11:00", "Owen", "+15035550143"))
    clock.shift(AFTER_UNDO)
    assert tell_due(diary.practice) == 0
    assert told(osei.user) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"horizon_days": 15}, "0 to 14"),
        ({"horizon_days": -1}, "0 to 14"),
        ({"channels": []}, "e-mail, text or both"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_words(diary, values, words):
    with pytest.raises(RuleRefused, match=words):
        rule(diary, **values)
    assert not NewsRule.objects.exists()


def test_a_manager_sets_the_rule_on_its_page(diary, client):
    client.force_login(a_member(diary.practice, a_user("mira@frontdesk.example"), Role.MANAGER).user)
    assert client.get("/p/harbor-street/settings/news/").status_code == 200
    sent = {"tells": "on", "horizon_days": "5", "channels": ["email", "sms"]}
    assert client.post("/p/harbor-street/settings/news/", sent).status_code == 302
    with inside(diary.practice):
        saved = NewsRule.objects.get()
    assert (saved.horizon_days, saved.channels, saved.new_visits) == (5, ["email", "sms"], False)
    wrong = client.post("/p/harbor-street/settings/news/", sent | {"horizon_days": "500"})
    assert wrong.status_code == 422
    client.force_login(diary.dana.user)
    assert client.get("/p/harbor-street/settings/news/").status_code == 403
