"""A place on its own clock: whatever a patient is told is the hour that hangs on the wall there.

The practice is in New York, the place in Phoenix, which is two hours behind it in winter and three in summer.
"""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from frontdesk.printing import slip_of
from messaging.models import Message, Task
from practices.models import Location, Room
from scheduling.asking import new_link
from scheduling.booking import cancel_appointment
from scheduling.clocks import local_start, zone_of
from scheduling.date_rows import DateRows
from scheduling.delays import say_late, tell_late
from scheduling.drafts import Diary, Slot
from scheduling.followups import order_follow_up
from scheduling.links import create_link
from scheduling.models import Practitioner, WeeklyHours
from scheduling.offering import work_openings
from scheduling.panel import panel_of
from scheduling.series import book_series, dates_of, shifted
from scheduling.time_requests import send_times
from scheduling.words import read_back
from tests.factories import a_patient, a_practitioner
from tests.scheduling.conftest import a_texted_patient, anew, at
from tests.scheduling.test_answers import ask, question, write
from tests.scheduling.test_notices import reminded
from tests.scheduling.waiting_room import a_rule, leave, texts_to, waits

RIGHT = {"birth_month": "3", "birth_day": "14", "birth_year": "1986"}
NINE = "2026-11-25 11:00"  # in New York, when it is 9:00 in Phoenix


@pytest.fixture
def west(diary):
    """Everything as ever, but Dr. Osei sees her patients in Phoenix."""
    place = Location.objects.create(practice=diary.practice, name="West", time_zone="America/Phoenix")
    diary.place, diary.room = (
        place,
        Room.objects.create(practice=diary.practice, location=place, name="Room 1"),
    )
    Practitioner.objects.filter(pk=diary.osei.pk).update(location=place)
    diary.osei.refresh_from_db()
    return diary


def said(kind):
    """The newest word of a kind."""
    return Message.objects.filter(kind=kind).latest("created_at").body


def test_a_text_says_the_hour_of_the_place_and_the_board_keeps_the_practices(west):
    visit = west.book(NINE)
    assert "Wed, Nov 25 at 9:00 AM" in said("confirmation")
    assert (visit.local_time, visit.time_zone) == (dt.time(11), "America/New_York")
    cancel_appointment(appointment=visit, version=visit.version, reason="prov", by=west.by)
    assert "9:00 AM" in said("cancelled")


def test_the_room_of_a_visit_says_where_it_is(west):
    assert zone_of(west.book(practitioner=west.chen)).key == "America/New_York"
    far = west.book("2026-11-25 14:00", practitioner=west.chen, room=west.room, overbook_reason="Helps out")
    assert local_start(far).hour == 12
    home = Location.objects.create(practice=west.practice, name="Harbor")
    near = Room.objects.create(practice=west.practice, location=home, name="Room 9")
    here = west.book("2026-11-25 15:00", room=near, overbook_reason="Is in town")
    assert zone_of(here).key == "America/New_York"


def test_who_works_in_two_places_is_on_the_clock_of_her_hours_that_day(west):
    kim = a_practitioner(west.practice, "Dr. Kim")
    west.kind.offers.create(practice=west.practice, practitioner=kim)
    WeeklyHours.objects.filter(practitioner=kim, weekday=4).update(location=west.place)
    wednesday = west.book("2026-11-25 11:00", practitioner=kim)
    thursday = west.book("2026-11-26 11:00", practitioner=kim)
    assert [local_start(one).hour for one in (wednesday, thursday)] == [11, 9]
    WeeklyHours.objects.filter(practitioner=kim, weekday=4).update(valid_until=dt.date(2026, 11, 20))
    with anew(west.practice):
        assert zone_of(thursday).key == "America/New_York"


def test_reminders_lists_and_questions_say_the_hour_of_the_place(west):
    west.book("2026-11-30 11:00")
    west.book("2026-11-30 15:00")
    assert reminded(west, at("2026-11-28 10:00")) == 1
    assert "Nov 30 9:00 AM and Nov 30 1:00 PM" in said("reminder")


def test_the_question_which_visit_is_meant_says_the_hour_of_the_place(west, clock):
    for when in (NINE, "2026-11-26 15:00"):
        ask(west.book(when))
        clock.shift(60)
    write("Yes")
    assert "1 for Wed 9:00 AM, 2 for Thu 1:00 PM" in question().body


def test_the_page_behind_the_link_says_the_hour_of_the_place(west):
    _, token = create_link(west.book(NINE))
    assert "at 9:00 AM" in Client().get(reverse("visit", args=[token])).content.decode()


def test_times_to_choose_from_are_on_the_clock_of_their_place(west):
    visit = west.book(NINE)
    send_times(appointment=visit, by=west.by)
    text = said("choose")
    assert "9:00 AM" in text
    url = reverse("choose", args=[re.search(r"/n/([\w-]+)/", text)[1]])
    client = Client()
    client.post(url, RIGHT)
    page = client.get(url).content.decode()
    assert "8:00 AM" in page
    assert "7:00 PM" not in page  # in New York she works until seven


def test_an_offered_time_is_on_the_clock_of_its_place(west, clock):
    a_rule()
    freed = west.book(NINE, tell_patient=False)
    waits(west)
    cancel_appointment(appointment=freed, version=1, reason="pat", tell_patient=False, by=west.by)
    clock.shift(dt.timedelta(minutes=6))
    work_openings(west.practice)
    (text,) = texts_to("Ana")
    assert "9:00 AM" in text
    leave()
    token = text.partition("/o/")[2].partition("/")[0]
    assert "at 9:00 AM" in Client().get(reverse("offer", args=[token])).content.decode()


def test_a_delay_is_told_on_the_clock_of_the_place_and_the_caller_names_it(west):
    west.book("2026-11-24 11:00", tell_patient=False)
    silent = a_patient(west.practice, "Leo", phone="+15035550199", preferred_channel="call")
    west.book("2026-11-24 11:30", patient=silent, tell_patient=False)
    delay = say_late(practitioner=west.osei, minutes=25, by=west.by)
    tell_late(practitioner=west.osei, version=delay.version, by=west.by)
    assert "9:25" in said("delay")
    assert "expected 9:55 AM MST instead of 9:30 AM MST" in Task.objects.get(patient=silent).note


def test_what_is_read_aloud_or_handed_over_names_the_hour_of_the_place(west):
    visit = west.book(NINE)
    sentence = read_back(
        practice=west.practice, kind=west.kind, practitioner=west.osei, starts_at=visit.starts_at
    )
    assert "at 9:00 AM MST with" in sentence
    assert "9:00 AM" in slip_of(visit, west.practice, private=False)["when"]
    assert panel_of(visit, west.practice, private=False).when == "Tomorrow 11:00 AM (9:00 AM MST)"
    zoe = a_texted_patient(west.practice, "Zoe", "+15035550177")
    here = west.book(NINE, practitioner=west.chen, patient=zoe)
    assert panel_of(here, west.practice, private=False).when == "Tomorrow 11:00 AM"


def test_a_weekly_nine_in_phoenix_stays_nine_when_new_york_changes_its_clocks(west):
    rows = dates_of("FREQ=WEEKLY;COUNT=4", Slot(west.osei, at("2027-03-02 11:00")))
    assert [row.time for row in rows] == [dt.time(9)] * 4
    assert {row.starts_at.hour for row in rows} == {16}
    _, visits = book_series(
        patient=west.patient,
        appointment_type=west.kind,
        dates=[Slot(row.practitioner, row.starts_at) for row in rows],
        rule="FREQ=WEEKLY;COUNT=4",
        by=west.by,
    )
    assert "Mar 2, Mar 9, Mar 16 and Mar 23 at 9:00 AM" in said("confirmation")
    later = shifted(visits[0], visits, Slot(west.osei, at("2027-03-03 11:00")))
    assert {row.starts_at.hour for row in later} == {16}
    earlier = shifted(visits[0], visits, Slot(west.osei, at("2027-03-02 10:30")))
    assert {f"{row.time:%H:%M} {row.starts_at:%H:%M}" for row in earlier} == {"08:30 15:30"}
    home = shifted(visits[0], visits, Slot(west.chen, at("2027-03-02 11:00")))
    assert [row.starts_at.hour for row in home] == [16, 16, 15, 15]  # eleven, as New York's clocks say


def test_a_date_keeps_its_own_hour_when_staff_type_only_another_day(west):
    dates = dates_of("FREQ=WEEKLY;COUNT=2", Slot(west.osei, at(NINE)))
    typed = {"to1": "other", "day1": "11/26/2026", "to2": "other", "time2": "12:00 PM"}
    rows = DateRows(dates, typed, kind=west.kind, patient=west.patient, diary=Diary(west.practice))
    assert rows.read()
    assert [row.slot.starts_at for row in rows.rows] == [at("2026-11-26 11:00"), at("2026-12-02 12:00")]


def test_times_for_what_is_due_are_on_the_clock_of_their_place(west):
    day = dt.date(2026, 12, 1)
    row = order_follow_up(
        patient=west.patient,
        appointment_type=west.kind,
        practitioner=west.osei,
        due_on=day,
        note="",
        by=west.by,
    )
    link, token = new_link(row)
    link.save(force_insert=True)
    client, url = Client(), reverse("due", args=[token])
    client.post(url, RIGHT)
    page = client.get(url).content.decode()
    assert "at 8:00 AM" in page
    assert "at 10:00 AM" not in page
    client.post(url, {"time": re.search(r'name="time" value="([^"]+)"', page)[1]})
    assert "at 8:00 AM" in client.get(url).content.decode()


@pytest.mark.parametrize("visits", [1, 9])
def test_the_clocks_are_read_once_however_much_is_said(west, visits):
    for number in range(visits):
        west.book(f"2026-12-{number + 1:02d} 11:00", tell_patient=False)
    booked = list(west.patient.appointments.all())
    with anew(west.practice), CaptureQueriesContext(connection) as seen:
        assert {local_start(one).utcoffset() for one in booked} == {dt.timedelta(hours=-7)}
    assert len(seen) == 4


def test_a_practice_without_such_a_place_pays_one_query(diary, django_assert_num_queries):
    visit = diary.book()
    with anew(diary.practice), django_assert_num_queries(1):
        assert local_start(visit).hour == local_start(visit).hour == 10
