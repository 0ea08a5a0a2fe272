"""Free time: the sweep against two oracles, clock-change nights, suggestions with their reasons."""

import datetime as dt
import itertools
import zoneinfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patients.models import Need
from practices.models import Closure, Location, Room
from practices.tenancy import inside
from scheduling.availability import (
    free_times,
    next_free,
    openings_by_half_day,
    suggest_times,
    usual_practitioner,
)
from scheduling.models import Appointment, Status, TimeOff, WeeklyHours
from scheduling.stretches import merge, sweep
from tests.factories import a_practice, a_practitioner, a_type
from tests.scheduling.conftest import NOW, at

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
stretches = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 60)).map(lambda pair: (pair[0], sum(pair))), max_size=8
)


def slowly(hours, taken, length, step):
    """The obvious way: each line of the grid, each minute of the visit."""
    free = {minute for opens, closes in hours for minute in range(opens, closes)}
    free -= {minute for starts, ends in taken for minute in range(starts, ends)}
    return [
        start
        for opens, closes in hours
        for start in range(opens, closes, step)
        if all(minute in free for minute in range(start, start + length))
    ]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(hours=stretches, taken=stretches, length=st.integers(1, 45), step=st.integers(1, 30))
def test_the_sweep_finds_what_the_obvious_way_finds(hours, taken, length, step):
    hours, taken = merge(hours), merge(taken)
    assert sweep(hours, taken, length, step) == slowly(hours, taken, length, step)


MULTIRANGES = """
WITH free AS (
    SELECT unnest(%s::int8multirange - %s::int8multirange) AS gap
), grid AS (
    SELECT generate_series(lower(h), upper(h) - 1, %s) AS start FROM unnest(%s::int8multirange) AS h
)
SELECT start FROM grid, free WHERE int8range(start, start + %s) <@ gap ORDER BY start
"""


def multirange(stretches):
    return "{" + ",".join(f"[{starts},{ends})" for starts, ends in stretches) + "}"


@pytest.mark.django_db
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(hours=stretches, taken=stretches, length=st.integers(1, 45), step=st.integers(1, 30))
def test_the_sweep_finds_what_postgres_finds_with_multiranges(hours, taken, length, step):
    hours, taken = merge(hours), merge(taken)
    open_, busy = multirange(hours), multirange(taken)
    with connection.cursor() as cursor:
        cursor.execute(MULTIRANGES, [open_, busy, step, open_, length])
        found = [start for (start,) in cursor.fetchall()]
    assert sweep(hours, taken, length, step) == found


def starts(times):
    return [f"{time.starts_at.astimezone(NEW_YORK):%H:%M}" for time in times]


def of_day(diary, day="2026-11-25", **values):
    return free_times(
        appointment_type=diary.kind,
        practitioners=[diary.osei],
        from_=at(f"{day} 00:00"),
        until=at(f"{day} 23:59"),
        **values,
    )


def test_hours_minus_visits_time_off_and_closures(diary):
    diary.book("2026-11-25 08:30")
    TimeOff.objects.create(
        practice=diary.practice,
        practitioner=diary.osei,
        starts_at=at("2026-11-25 09:30"),
        ends_at=at("2026-11-25 16:00"),
    )
    assert starts(of_day(diary)) == ["08:00", "09:00", "16:00", "16:15", "16:30"]
    Closure.objects.create(
        practice=diary.practice,
        first_day=dt.date(2026, 11, 25),
        last_day=dt.date(2026, 11, 25),
        reason="Snow",
    )
    assert of_day(diary) == []


def test_cancelled_time_is_free_again_and_overbooked_time_is_not(diary):
    visit = diary.book("2026-11-25 08:00", overbook_reason="Urgent")
    assert starts(of_day(diary))[0] == "08:30"
    Appointment.objects.filter(pk=visit.pk).update(status=Status.CANCELLED)
    assert starts(of_day(diary))[0] == "08:00"


def test_hours_count_only_while_they_are_valid(diary):
    WeeklyHours.objects.filter(practitioner=diary.osei).update(valid_until=dt.date(2026, 11, 24))
    assert of_day(diary) == []


def test_nothing_in_the_past_is_offered(diary):
    assert starts(of_day(diary, "2026-11-24"))[0] == "09:00"


def test_steps_and_limits(diary):
    assert starts(of_day(diary, step_minutes=60))[:3] == ["08:00", "09:00", "10:00"]
    assert len(of_day(diary, limit=2)) == 2


def night_hours(practice, opens, closes):
    practitioner = a_practitioner(practice, "Dr. Night")
    with inside(practice):
        WeeklyHours.objects.filter(practitioner=practitioner).delete()
        WeeklyHours.objects.create(
            practice=practice, practitioner=practitioner, weekday=7, starts=opens, ends=closes
        )
    return practitioner


@pytest.mark.parametrize(
    ("day", "hours"), [(dt.date(2027, 3, 14), 3), (dt.date(2026, 11, 1), 5), (dt.date(2026, 11, 8), 4)]
)
def test_a_night_shift_is_as_long_as_the_night_really_is(db, day, hours):
    practice = a_practice()
    practitioner = night_hours(practice, dt.time(0), dt.time(4))
    kind = a_type(practice, minutes=60, practitioners=[practitioner])
    with inside(practice):
        times = free_times(
            appointment_type=kind,
            from_=dt.datetime.combine(day, dt.time(0), NEW_YORK),
            until=dt.datetime.combine(day, dt.time(12), NEW_YORK),
            step_minutes=60,
            now=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        )
    assert len(times) == hours
    gaps = {second.starts_at - first.starts_at for first, second in itertools.pairwise(times)}
    assert gaps == {dt.timedelta(hours=1)}


def test_nine_o_clock_stays_nine_o_clock_over_a_clock_change(diary):
    after = free_times(
        appointment_type=diary.kind,
        practitioners=[diary.osei],
        from_=at("2027-03-15 00:00"),
        until=at("2027-03-16 00:00"),
    )
    assert starts(after)[0] == "08:00"


def test_the_nearest_times_after_a_taken_one(diary):
    found = next_free(practitioner=diary.osei, appointment_type=diary.kind, after=at("2026-11-25 16:31"))
    assert [time.starts_at for time in found] == [at("2026-11-26 08:00"), at("2026-11-26 08:15")]


def test_five_suggestions_are_spread_and_say_why(diary):
    for _ in range(2):
        diary.book("2026-11-26 09:00", practitioner=diary.chen, overbook_reason="History")
    offered = suggest_times(appointment_type=diary.kind, patient=diary.patient)
    assert len(offered) == 5
    assert offered[0].why == "Soonest"
    assert {"Usual clinician", "First of the day", "After 3"} <= {each.why for each in offered}
    usual = next(each for each in offered if each.why == "Usual clinician")
    assert usual.free.practitioner == diary.chen == usual_practitioner(diary.patient, [diary.chen])
    moments = [each.free.starts_at for each in offered]
    assert moments == sorted(moments)
    for one, two in itertools.pairwise(offered):
        same = one.free.practitioner == two.free.practitioner
        assert not same or two.free.starts_at - one.free.starts_at >= dt.timedelta(hours=2)


@pytest.mark.parametrize(
    ("part", "low", "high"),
    [("morning", 0, 12), ("afternoon", 12, 24), ("after-3", 15, 24)],
)
def test_a_part_of_the_day_is_respected(diary, part, low, high):
    offered = suggest_times(appointment_type=diary.kind, part_of_day=part)
    assert offered
    assert all(low <= each.free.starts_at.astimezone(NEW_YORK).hour < high for each in offered)


def test_needs_choose_the_room_and_leave_a_note(diary):
    harbor = Location.objects.create(practice=diary.practice, name="Harbor")
    for person, step_free in ((diary.osei, False), (diary.chen, True)):
        person.room = Room.objects.create(
            practice=diary.practice, location=harbor, name=person.initials, step_free=step_free
        )
        person.save()
    offered = suggest_times(appointment_type=diary.kind, needs=[Need.STEP_FREE, Need.INTERPRETER])
    assert {each.free.practitioner for each in offered} == {diary.chen}
    assert offered[0].fit.reasons == ("30 min free", "Step-free room", "Interpreter needed")


def test_one_practitioner_can_be_asked_for(diary):
    offered = suggest_times(appointment_type=diary.kind, practitioner=diary.chen, count=3)
    assert [each.free.practitioner for each in offered] == [diary.chen] * 3


def test_two_weeks_at_a_glance(diary):
    Closure.objects.create(
        practice=diary.practice,
        first_day=dt.date(2026, 11, 26),
        last_day=dt.date(2026, 11, 27),
        reason="Thanks",
    )
    days = openings_by_half_day(appointment_type=diary.kind, practitioners=[diary.osei])
    assert len(days) == 14
    assert (days[0].day, days[0].morning, days[0].afternoon) == (dt.date(2026, 11, 24), 11, 15)
    assert [(day.morning, day.afternoon) for day in days[2:4]] == [(0, 0), (0, 0)]
    assert (days[4].morning, days[4].afternoon) == (15, 15)


@pytest.mark.parametrize("people", [1, 10])
def test_ten_clinicians_cost_the_queries_of_one(db, people):
    practice = a_practice()
    crowd = [a_practitioner(practice, f"Dr. {place}", position=place) for place in range(people)]
    kind = a_type(practice, practitioners=crowd)
    with inside(practice), CaptureQueriesContext(connection) as seen:
        free_times(appointment_type=kind, from_=NOW, until=NOW + dt.timedelta(weeks=4), now=NOW)
    assert len(seen) == 6
    assert not any(query["sql"].startswith(("INSERT", "UPDATE", "DELETE")) for query in seen)
