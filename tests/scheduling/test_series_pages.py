"""A series in the booking dialog: its dates before saving, moved or left out one by one, booked as one."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.models import Message
from patients.models import Patient
from practices.models import Closure
from practices.tenancy import inside
from scheduling.models import Appointment, Series
from tests.scheduling.conftest import at
from tests.scheduling.test_pages import HTMX, booked, booking, desk, slot, visits

__all__ = ["desk"]
REPEATS = {"repeat": "weekly", "repeat_count": "4", "text_ok": "on"}


def weekly(desk, **given):
    return booking(desk, **({"slot": slot(desk, "2026-12-01 09:00")} | REPEATS | given))


def dates(desk, **given):
    return desk.client.post(desk.url("book-series"), weekly(desk, **given))


def save(desk, **given):
    return dates(desk, save="1", **given)


def words(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def stand(desk):
    rows = sorted(visits(desk), key=lambda visit: (visit.series_position or 0, visit.starts_at))
    return [f"{visit.local_date:%m-%d} {visit.local_time:%H:%M}" for visit in rows]


def test_a_single_booking_has_no_step_more_and_a_repeat_is_never_booked_unseen(desk):
    page = desk.client.get(desk.url("book")).content.decode()
    assert "Does not repeat" in page
    assert '<details class="other-time repeats" ' in page
    answer = desk.client.post(desk.url("book"), weekly(desk))
    assert (answer.status_code, answer["Location"]) == (307, desk.url("book-series"))
    assert not visits(desk)


def test_the_button_says_that_the_dates_come_first(desk):
    answer = desk.client.post(desk.url("book-times"), weekly(desk), **HTMX)
    assert "Show the dates" in words(answer)
    assert f'formaction="{desk.url("book-series")}"' in answer.content.decode()


def test_the_dates_are_shown_and_saved_as_one(desk):
    shown = dates(desk)
    assert shown.status_code == 200
    for date in (
        "Tue, Dec 1, 9:00 AM",
        "Tue, Dec 8, 9:00 AM",
        "Tue, Dec 15, 9:00 AM",
        "Tue, Dec 22, 9:00 AM",
    ):
        assert date in words(shown)
    assert not visits(desk)
    answer = save(desk)
    assert answer.status_code == 302
    assert stand(desk) == ["12-01 09:00", "12-08 09:00", "12-15 09:00", "12-22 09:00"]
    with inside(desk.practice):
        assert Series.objects.get().total == 4
        assert Message.objects.count() == 1


def test_what_is_in_the_way_is_said_and_must_be_settled(desk):
    booked(desk, starts_at=at("2026-12-08 09:00"))
    day = dt.date(2026, 12, 15)
    with inside(desk.practice):
        Closure.objects.create(practice=desk.practice, first_day=day, last_day=day, reason="Inventory")
    shown = words(dates(desk))
    assert "Dr. Osei has another visit then." in shown
    assert "The practice is closed that day: Inventory." in shown
    assert "2 of 4 do not work" in shown
    refused = save(desk)
    assert refused.status_code == 422
    assert "Choose another time, or leave this date out." in words(refused)
    assert len(visits(desk)) == 1
    answer = save(desk, to2=slot(desk, "2026-12-08 09:30"), to3="skip")
    assert answer.status_code == 302
    assert stand(desk)[1:] == ["12-01 09:00", "12-08 09:30", "12-22 09:00"]
    assert sorted(visit.series_position or 0 for visit in visits(desk)) == [0, 1, 2, 3]


def test_times_near_a_taken_one_are_offered_and_a_colleague_at_the_same_hour(desk):
    booked(desk, starts_at=at("2026-12-08 09:00"))
    menu = dates(desk).content.decode().split('name="to2"')[1].split("</select>")[0]
    assert "Tue, Dec 8, 9:30 AM" in menu
    assert "Tue, Dec 8, 9:00 AM, Dr. Chen" in menu
    assert slot(desk, "2026-12-08 09:30") in menu


def test_one_press_leaves_out_all_that_does_not_work(desk):
    booked(desk, starts_at=at("2026-12-08 09:00"))
    shown = dates(desk, leave_out="1")
    assert "Book 3 of 4" in words(shown)
    assert '<option value="skip" selected>' in shown.content.decode()


def test_another_day_and_time_can_be_written(desk):
    answer = save(desk, to2="other", day2="12/9", time2="2:15p")
    assert answer.status_code == 302
    assert stand(desk)[1] == "12-09 14:15"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"to2": "other", "day2": "someday", "time2": ""},
            "not a date",
        ),
        ({"to2": "other", "day2": "", "time2": "25:00"}, "no such time"),
        ({"to2": "other", "day2": "", "time2": ""}, "Write the day or the time."),
        ({"to2": "other", "day2": "1/1/2999", "time2": ""}, "too far away|2999"),
        ({"to2": "x' OR 1=1"}, "Choose another time"),
        ({"to2": "other", "day2": "3/14/2027", "time2": "2:30 AM"}, "does not exist"),
    ],
)
def test_what_cannot_be_read_is_said_at_the_date_and_nothing_is_booked(desk, given, said):
    answer = save(desk, **given)
    assert answer.status_code == 422
    assert re.search(said, words(answer))
    assert not visits(desk)


def test_a_time_that_comes_twice_is_asked_for(desk):
    with inside(desk.practice):
        desk.osei.weekly_hours.update(starts=dt.time(0))
        desk.osei.weekly_hours.filter(ends=dt.time(17)).delete()
    given = {"to2": "other", "day2": "11/7/2027", "time2": "1:30 AM", "repeat_count": "2"}
    asked = save(desk, **given)
    assert "The first 1:30 AM (EDT)" in words(asked)
    assert "The second 1:30 AM (EST)" in words(asked)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"repeat_count": ""}, "The series has no end"),
        ({"repeat_count": "53"}, "2 to 52 dates"),
        ({"repeat_count": "many"}, "Write a number"),
        ({"repeat_count": "8", "repeat_until": "3/1/2027"}, "not both"),
        ({"repeat_count": "", "repeat_until": "3/1/2036"}, "two years"),
        ({"repeat": "rule", "repeat_rule": "FREQ=WEEKLY"}, "The series has no end"),
        ({"repeat": "rule", "repeat_rule": "FREQ=SECONDLY;COUNT=4"}, "daily, weekly or monthly"),
        ({"repeat": "hourly"}, "Select a valid choice"),
    ],
)
def test_a_rule_that_makes_no_series_is_said_at_its_field_and_the_rest_is_kept(desk, given, said):
    answer = dates(desk, reason="Knee pain", **given)
    assert answer.status_code == 422
    assert said in words(answer)
    assert "Knee pain" in answer.content.decode()
    assert not visits(desk)


def test_its_own_rule_by_days_of_the_week(desk):
    dates_of_rule = {"repeat": "rule", "repeat_rule": "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=4", "repeat_count": ""}
    assert save(desk, **dates_of_rule).status_code == 302
    assert stand(desk) == ["12-01 09:00", "12-03 09:00", "12-08 09:00", "12-10 09:00"]


def test_a_date_taken_meanwhile_comes_back_to_the_dates_and_nothing_is_half_written(desk, monkeypatch):
    given = {"name": "Ana Lopez", "birth_date": "4/22/91", "patient": None, "text_ok": None}
    booked(desk, starts_at=at("2026-12-15 09:00"))
    # As the dates were looked at before: the browser sends "keep" for what is taken by now.
    answer = save(desk, to3="asis", **given)
    assert answer.status_code == 409
    assert "Dr. Osei has another visit then." in words(answer)
    assert '<option value="" selected>' in answer.content.decode()
    with inside(desk.practice):
        assert Appointment.objects.count() == 1
        assert Patient.objects.count() == 1, "the new patient went with the series"


def test_a_new_patient_is_made_with_the_series(desk):
    given = {"name": "Ana Lopez", "birth_date": "4/22/91", "patient": None, "text_ok": None}
    assert save(desk, **given).status_code == 302
    assert {visit.patient.given for visit in visits(desk)} == {"Ana"}


def test_the_page_asks_the_same_for_four_dates_and_for_forty(desk):
    counts = []
    for number in ("4", "40"):
        dates(desk, repeat_count=number)
        with CaptureQueriesContext(connection) as asked:
            dates(desk, repeat_count=number)
        counts.append(len(asked))
    assert counts[0] == counts[1]
