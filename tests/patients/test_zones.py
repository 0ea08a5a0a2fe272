"""When a number may be disturbed: to the second, where it is and where the practice is."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from patients.zones import after_quiet, before_quiet, is_quiet, zones_of
from practices.models import Practice

NEW_YORK, PHOENIX, HONOLULU = "+12125550142", "+16025550142", "+18085550142"
NOWHERE = "+19995550142"  # an area code nobody has
DAY = dt.date(2026, 6, 10)


def practice(zone: str = "America/New_York", line: str = "+15035550100", **hours: dt.time) -> Practice:
    return Practice(name="Harbor Street", time_zone=zone, line_number=line, **hours)


def at(clock: str, zone: str, day: dt.date = DAY) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.fromisoformat(clock), ZoneInfo(zone)).astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        (NEW_YORK, "America/New_York"),
        (PHOENIX, "America/Phoenix"),
        (HONOLULU, "Pacific/Honolulu"),
        (NOWHERE, "America/New_York"),  # the practice's own
        ("+18005551234", "America/New_York"),  # toll-free: no place
    ],
)
@pytest.mark.parametrize(
    ("clock", "quiet"), [("07:59:59", True), ("08:00:00", False), ("20:59:59", False), ("21:00:00", True)]
)
def test_the_bounds_are_kept_to_the_second(number, zone, clock, quiet):
    house = practice(zone)
    assert is_quiet(house, number, at(clock, zone)) is quiet
    assert (after_quiet(house, number, at(clock, zone)) != at(clock, zone)) is quiet


def test_both_have_to_be_awake():
    """Hawaii is six hours behind New York in summer."""
    house, zone = practice(), "America/New_York"
    assert after_quiet(house, HONOLULU, at("09:00", zone)) == at("08:00", "Pacific/Honolulu")
    assert not is_quiet(house, HONOLULU, at("20:59:59", zone))
    assert is_quiet(house, HONOLULU, at("21:00:00", zone))  # 15:00 there, but the practice sleeps
    assert after_quiet(house, HONOLULU, at("21:00:00", zone)) == at(
        "08:00", "Pacific/Honolulu", DAY + dt.timedelta(days=1)
    )
    assert after_quiet(house, PHOENIX, at("08:00", zone)) == at("08:00", "America/Phoenix")


def test_an_area_code_of_two_zones_waits_for_both():
    assert len(zones_of("+12085550142")) == 2  # Idaho
    house = practice("America/Denver")
    assert is_quiet(house, "+12085550142", at("08:30", "America/Denver"))
    assert not is_quiet(house, "+12085550142", at("08:00", "America/Los_Angeles"))


def test_a_number_of_the_practices_own_area_code_is_where_the_practice_is():
    house = practice("America/Denver", line="+12085550100")
    assert not is_quiet(house, "+12085550142", at("08:00", "America/Denver"))


def test_waking_hours_that_never_meet_leave_the_patients():
    house = practice(quiet_from=dt.time(9), quiet_until=dt.time(8))
    leaves = after_quiet(house, HONOLULU, at("10:00", "America/New_York"))
    assert leaves == at("08:00", "Pacific/Honolulu")


def test_a_mailbox_has_no_place_and_equal_bounds_are_none():
    house = practice()
    assert not is_quiet(house, "", at("08:00", "America/New_York"))
    awake = practice(quiet_from=dt.time(0), quiet_until=dt.time(0))
    assert not is_quiet(awake, HONOLULU, at("03:00", "Pacific/Honolulu"))


def test_what_would_come_at_night_comes_an_hour_before_it():
    house, zone = practice(), "America/New_York"
    lead = dt.timedelta(hours=1)
    evening = at("20:00", zone, DAY - dt.timedelta(days=1))
    assert before_quiet(house, NEW_YORK, at("06:30", zone), lead) == evening
    assert before_quiet(house, NEW_YORK, at("12:30", zone), lead) == at("12:30", zone)


@pytest.mark.parametrize("night", ["2026-11-01", "2027-03-14"])
def test_the_night_of_the_clock_change_ends_at_eight_too(night):
    day = dt.date.fromisoformat(night)
    late = at("23:30", "America/New_York", day - dt.timedelta(days=1))
    assert after_quiet(practice(), NEW_YORK, late) == at("08:00", "America/New_York", day)
