"""Wall clock to instant, on the nights when the clocks change (SECURITY.md E3)."""

import datetime as dt
import zoneinfo

import pytest

from scheduling.wallclock import (
    TimeDoesNotExist,
    TimeIsAmbiguous,
    boundary,
    days_before,
    resolve,
    say_moment,
)

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
SPRING, AUTUMN = dt.date(2027, 3, 14), dt.date(2026, 11, 1)


def utc(text):
    return dt.datetime.fromisoformat(f"{text}+00:00")


def test_an_ordinary_time_is_one_instant():
    assert resolve(dt.date(2026, 11, 24), dt.time(9), NEW_YORK) == utc("2026-11-24 14:00")


@pytest.mark.parametrize(
    "zone", ["America/New_York", "America/Chicago", "America/Denver", "America/Indiana/Knox"]
)
def test_a_time_in_the_gap_is_refused_with_the_reason(zone):
    with pytest.raises(TimeDoesNotExist, match="2:30 AM does not exist on Sunday, March 14: the clocks go"):
        resolve(SPRING, dt.time(2, 30), zoneinfo.ZoneInfo(zone))


def test_a_time_that_comes_twice_is_asked():
    with pytest.raises(TimeIsAmbiguous, match="comes twice") as asked:
        resolve(AUTUMN, dt.time(1, 30), NEW_YORK)
    assert (asked.value.first, asked.value.second) == (utc("2026-11-01 05:30"), utc("2026-11-01 06:30"))
    assert resolve(AUTUMN, dt.time(1, 30), NEW_YORK, fold=0) == utc("2026-11-01 05:30")
    assert resolve(AUTUMN, dt.time(1, 30), NEW_YORK, fold=1) == utc("2026-11-01 06:30")


@pytest.mark.parametrize("zone", ["America/Phoenix", "Pacific/Honolulu"])
def test_where_clocks_never_change_nothing_is_asked(zone):
    for day, time in ((SPRING, dt.time(2, 30)), (AUTUMN, dt.time(1, 30))):
        resolve(day, time, zoneinfo.ZoneInfo(zone))


def test_the_edges_of_hours_are_always_one_instant():
    assert boundary(SPRING, dt.time(2, 30), NEW_YORK) == utc("2027-03-14 07:00")
    assert boundary(SPRING, dt.time(2, 30), NEW_YORK, closing=True) == utc("2027-03-14 07:00")
    assert boundary(AUTUMN, dt.time(1, 30), NEW_YORK) == utc("2026-11-01 05:30")
    assert boundary(AUTUMN, dt.time(1, 30), NEW_YORK, closing=True) == utc("2026-11-01 06:30")


def test_the_day_before_is_the_same_time_on_the_clock():
    visit = utc("2026-11-02 01:30")  # 8:30 PM on November 1, in winter time
    assert days_before(visit, 1, NEW_YORK) == utc("2026-11-01 00:30")  # 8:30 PM in summer time
    assert days_before(visit, 1, NEW_YORK) != visit - dt.timedelta(hours=24)


def test_a_moment_is_said_on_the_clock_of_the_place():
    assert say_moment(utc("2026-11-24 17:05"), NEW_YORK) == "Tuesday, November 24 at 12:05 PM"
