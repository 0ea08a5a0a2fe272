"""Which days a rule means, and which rules are refused in words before they can run away."""

import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.recurrence import REPEATS, BadRule, days_of, rule_for, say_rule

TUESDAY = dt.date(2026, 12, 1)


def days(rule, first=TUESDAY):
    return [f"{day:%m-%d}" for day in days_of(rule, first)]


def test_weekly_biweekly_and_monthly():
    assert days(rule_for("weekly", TUESDAY, count=3)) == ["12-01", "12-08", "12-15"]
    assert days(rule_for("biweekly", TUESDAY, count=3)) == ["12-01", "12-15", "12-29"]
    assert days(rule_for("monthly-weekday", TUESDAY, count=3)) == ["12-01", "01-05", "02-02"]
    assert days(rule_for("monthly-date", TUESDAY, count=3)) == ["12-01", "01-01", "02-01"]


def test_the_last_day_of_a_month_and_a_fifth_weekday_leave_no_month_out():
    end = dt.date(2026, 12, 31)
    assert days(rule_for("monthly-date", end, count=4), end) == ["12-31", "01-31", "02-28", "03-31"]
    fifth = dt.date(2026, 12, 29)
    assert days(rule_for("monthly-weekday", fifth, count=4), fifth) == ["12-29", "01-26", "02-23", "03-30"]


def test_until_counts_the_last_day():
    assert days(rule_for("weekly", TUESDAY, until=dt.date(2026, 12, 15))) == ["12-01", "12-08", "12-15"]


@pytest.mark.parametrize(
    ("rule", "field", "words"),
    [
        ("FREQ=WEEKLY", "count", "has no end"),
        ("FREQ=WEEKLY;COUNT=53", "count", "2 to 52"),
        ("FREQ=WEEKLY;COUNT=1", "count", "2 to 52"),
        ("FREQ=WEEKLY;COUNT=-4", "count", "whole number"),
        ("FREQ=WEEKLY;COUNT=999999999999", "count", "whole number"),
        ("FREQ=WEEKLY;COUNT=8;UNTIL=20270101", "until", "not both"),
        ("FREQ=WEEKLY;UNTIL=20261130", "until", "after the first"),
        ("FREQ=WEEKLY;UNTIL=22261130", "until", "two years"),
        ("FREQ=WEEKLY;UNTIL=20281130", "until", "more than 52"),
        ("FREQ=WEEKLY;UNTIL=soon", "until", "cannot be read"),
        ("FREQ=MONTHLY;COUNT=30", "count", "longer than two years"),
        ("FREQ=SECONDLY;COUNT=8", "rule", "daily, weekly or monthly"),
        ("FREQ=YEARLY;COUNT=8", "rule", "daily, weekly or monthly"),
        ("FREQ=WEEKLY;BYHOUR=9,10,11;COUNT=8", "rule", "BYHOUR is not known"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=MO;COUNT=8", "rule", "BYDAY is not known"),
        ("FREQ=WEEKLY;BYDAY=XX;COUNT=8", "rule", "cannot be read"),
        ("FREQ=WEEKLY;INTERVAL=0;COUNT=8", "rule", "1 to 26"),
        ("FREQ=WEEKLY;INTERVAL=1000000;COUNT=8", "rule", "1 to 26|whole number"),
        ("FREQ=WEEKLY;COUNT=8;COUNT=9", "rule", "cannot be read"),
        ("DTSTART:20200101\nRRULE:FREQ=DAILY;COUNT=3", "rule", "daily, weekly or monthly|cannot be read"),
        ("FREQ=MONTHLY;BYMONTHDAY=99;COUNT=8", "rule", "cannot be read|two years"),
        ("nonsense", "rule", "cannot be read"),
        ("", "rule", "daily, weekly or monthly"),
        ("X" * 5000, "rule", "cannot be read"),
    ],
)
def test_what_makes_no_series_is_refused_in_words_at_its_field(rule, field, words):
    with pytest.raises(BadRule, match=words) as refusal:
        days_of(rule, TUESDAY)
    assert refusal.value.field in {field, "count"}


@pytest.mark.parametrize(
    "rule", ["FREQ=MONTHLY;BYMONTHDAY=31;BYSETPOS=5;COUNT=8", "FREQ=MONTHLY;BYDAY=5TU;BYMONTHDAY=1;COUNT=9"]
)
def test_a_rule_that_never_comes_true_is_looked_for_two_years_and_no_longer(rule):
    began = time.perf_counter()
    with pytest.raises(BadRule):
        days_of(rule, TUESDAY)
    assert time.perf_counter() - began < 1


@given(
    repeat=st.sampled_from(list(REPEATS)),
    first=st.dates(dt.date(2020, 1, 1), dt.date(2060, 1, 1)),
    count=st.integers(2, 24),
)
def test_every_choice_begins_on_the_first_day_and_gives_as_many_as_asked(repeat, first, count):
    found = days_of(rule_for(repeat, first, count=count), first)
    assert found[0] == first
    assert len(found) == len(set(found)) == count
    assert found == sorted(found)
    if repeat != "monthly-date":
        assert {day.weekday() for day in found} == {first.weekday()}


def test_a_rule_in_words():
    assert say_rule("FREQ=WEEKLY;COUNT=8") == "weekly"
    assert say_rule("RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=8") == "every 2 weeks"
    assert say_rule(rule_for("monthly-weekday", dt.date(2026, 12, 8), count=8)) == (
        "monthly, on the second Tuesday"
    )
    assert say_rule(rule_for("monthly-weekday", dt.date(2026, 12, 29), count=8)) == (
        "monthly, on the last Tuesday"
    )
