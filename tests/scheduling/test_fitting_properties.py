"""Availability against a slow, obvious second implementation and against Postgres; clock-change nights."""

import datetime as dt
import itertools
import zoneinfo

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from practices.models import Location
from scheduling import search
from scheduling.fitting import find_times
from scheduling.models import Appointment, AppointmentType, BusySlot, WeeklyHours
from scheduling.pools import Span

EARLY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
ZONES = ["America/New_York", "America/Phoenix", "Pacific/Honolulu", "Europe/London", "Australia/Lord_Howe"]
# A day before the clocks change there, and an ordinary one.
DAYS = [dt.date(2027, 3, 13), dt.date(2026, 10, 31), dt.date(2027, 3, 27), dt.date(2026, 10, 24),
        dt.date(2026, 10, 3), dt.date(2027, 4, 3), dt.date(2027, 1, 12)]  # fmt: skip
ORDINARY = [dt.date(2027, 1, 12), dt.date(2027, 6, 22), dt.date(2027, 8, 3)]

five = st.integers(0, 285).map(lambda n: n * 5)
hours = st.lists(
    st.tuples(st.integers(0, 2), five, st.integers(1, 120).map(lambda n: n * 5)).filter(
        lambda span: span[1] + span[2] < 1440
    ),
    min_size=1,
    max_size=4,
)
visits = st.lists(
    st.tuples(st.integers(0, 4300), st.integers(5, 90), st.integers(0, 30), st.integers(0, 30)),
    max_size=6,
)
kinds = st.fixed_dictionaries(
    {
        "minutes": st.integers(1, 12).map(lambda n: n * 5),
        "buffer_before": st.integers(0, 30),
        "buffer_after": st.integers(0, 30),
        "slot_interval": st.sampled_from([None, 5, 10, 20, 45]),
    }
)
quietly = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def clock_time(minute):
    return dt.time(minute // 60, minute % 60)


def set_up(diary, zone, day, spans, taken, kind):
    """Writes the drawn hours, visits and type down; gives the first moment of the days that are asked for."""
    diary.practice.time_zone = zone
    diary.practice.save()
    AppointmentType.objects.filter(pk=diary.kind.pk).update(**kind)
    diary.kind.refresh_from_db()
    WeeklyHours.objects.all().delete()
    WeeklyHours.objects.bulk_create(
        WeeklyHours(
            practice=diary.practice,
            practitioner=diary.osei,
            weekday=(day + dt.timedelta(days=offset)).isoweekday(),
            starts=clock_time(start),
            ends=clock_time(start + length),
        )
        for offset, start, length in spans
    )
    midnight = dt.datetime.combine(day, dt.time(), zoneinfo.ZoneInfo(zone)).astimezone(dt.UTC)
    Appointment.objects.bulk_create(
        Appointment(
            practice=diary.practice,
            patient=diary.patient,
            practitioner=diary.osei,
            appointment_type=diary.kind,
            starts_at=midnight + start * MINUTE,
            ends_at=midnight + (start + length) * MINUTE,
            buffer_before=before,
            buffer_after=after,
            local_date=day,
            local_time=dt.time(),
            time_zone=zone,
            overbook_reason="drawn",
        )
        for start, length, before, after in taken
    )
    return midnight


def asked(diary, day):
    zone = diary.practice.zone
    first, last = (dt.datetime.combine(day + dt.timedelta(days=n), dt.time(), zone) for n in (0, 3))
    times = find_times(
        appointment_type=diary.kind, practitioners=[diary.osei], from_=first, until=last, now=EARLY
    )
    return [fit.starts_at for fit in times]


def slowly(zone, midnight, day, kind):
    """Each minute of three days is looked at on the wall clock; each line of the grid is tried."""
    clock = zoneinfo.ZoneInfo(zone)
    minutes = [(midnight + n * MINUTE) for n in range(3 * 1440 + 120)]
    local = [(one, one.astimezone(clock)) for one in minutes]
    open_minutes = set()
    for row in WeeklyHours.objects.all():
        for offset in range(3):
            date = day + dt.timedelta(days=offset)
            if date.isoweekday() != row.weekday:
                continue
            within = [one for one, at in local if at.date() == date and row.starts <= at.time() < row.ends]
            if within:  # an hour that comes twice is worked through
                count = int((within[-1] - within[0]) / MINUTE) + 1
                open_minutes |= {within[0] + n * MINUTE for n in range(count)}
    stretches = []
    for one in sorted(open_minutes):
        if stretches and one - stretches[-1][-1] == MINUTE:
            stretches[-1].append(one)
        else:
            stretches.append([one])
    busy = list(BusySlot.objects.values_list("starts_at", "ends_at"))
    length, step = kind.minutes, kind.slot_interval or 15
    before, after = kind.buffer_before * MINUTE, kind.buffer_after * MINUTE
    return [
        start
        for stretch in stretches
        for start in stretch[::step]
        if stretch[-1] + MINUTE >= start + length * MINUTE
        and not any(
            start - before < ends and starts < start + length * MINUTE + after for starts, ends in busy
        )
    ]


def rolled_back(run):
    with transaction.atomic():
        run()
        transaction.set_rollback(True)


any_three_days = given(
    zone=st.sampled_from(ZONES), day=st.sampled_from(DAYS), spans=hours, taken=visits, kind=kinds
)


def compared(diary, zone, day, spans, taken, kind):
    def run():
        midnight = set_up(diary, zone, day, spans, taken, kind)
        assert asked(diary, day) == slowly(zone, midnight, day, diary.kind)

    rolled_back(run)


@quietly
@any_three_days
def test_what_the_obvious_way_finds_minute_by_minute(diary, zone, day, spans, taken, kind):
    compared(diary, zone, day, spans, taken, kind)


def test_the_control_a_search_that_ignores_buffers_is_found_out(diary, monkeypatch):
    monkeypatch.setattr(search, "Span", lambda length, before=0, after=0: Span(length))

    # The same draws each time, and the first that differs is enough.
    @settings(
        quietly, max_examples=100, derandomize=True, phases=[Phase.generate], report_multiple_bugs=False
    )
    @any_three_days
    def comparison(zone, day, spans, taken, kind):
        compared(diary, zone, day, spans, taken, kind)

    with pytest.raises(AssertionError):
        comparison()


MULTIRANGES = """
WITH days AS (
    SELECT d::date AS day FROM generate_series(%(day)s::date, %(day)s::date + 2, '1 day') AS d
), hours AS (
    SELECT range_agg(
        tstzrange((day + starts) AT TIME ZONE %(zone)s, (day + ends) AT TIME ZONE %(zone)s)
    ) AS open
    FROM days JOIN scheduling_weeklyhours ON weekday = extract(isodow FROM day)
), busy AS (
    SELECT coalesce(range_agg(tstzrange(starts_at, ends_at)), '{}') AS taken FROM scheduling_busyslot
), grid AS (
    SELECT generate_series(lower(r), upper(r) - %(length)s, %(step)s) AS start FROM hours, unnest(open) AS r
)
SELECT start FROM grid, hours, busy
WHERE tstzrange(start, start + %(length)s) <@ open
  AND NOT taken && tstzrange(start - %(before)s, start + %(length)s + %(after)s)
ORDER BY start
"""


@quietly
@given(zone=st.sampled_from(ZONES), day=st.sampled_from(ORDINARY), spans=hours, taken=visits, kind=kinds)
def test_what_postgres_finds_with_multiranges(diary, zone, day, spans, taken, kind):
    def run():
        set_up(diary, zone, day, spans, taken, kind)
        given_ = {
            "day": day,
            "zone": zone,
            "length": diary.kind.minutes * MINUTE,
            "step": diary.kind.step * MINUTE,
        }
        given_ |= {"before": kind["buffer_before"] * MINUTE, "after": kind["buffer_after"] * MINUTE}
        with connection.cursor() as cursor:
            cursor.execute(MULTIRANGES, given_)
            found = [start for (start,) in cursor.fetchall()]
        assert asked(diary, day) == found

    rolled_back(run)


def only_hours(diary, zone, weekday, starts, ends):
    diary.practice.time_zone = zone
    diary.practice.save()
    WeeklyHours.objects.all().delete()
    WeeklyHours.objects.create(
        practice=diary.practice, practitioner=diary.osei, weekday=weekday, starts=starts, ends=ends
    )
    AppointmentType.objects.filter(pk=diary.kind.pk).update(slot_interval=30)
    diary.kind.refresh_from_db()


@pytest.mark.parametrize(
    ("zone", "forward", "back", "longer"),
    [
        ("America/New_York", dt.date(2027, 3, 14), dt.date(2026, 11, 1), 2),
        ("America/Phoenix", dt.date(2027, 3, 14), dt.date(2026, 11, 1), 0),
        ("Pacific/Honolulu", dt.date(2027, 3, 14), dt.date(2026, 11, 1), 0),
        ("Europe/London", dt.date(2027, 3, 28), dt.date(2026, 10, 25), 2),
        ("Australia/Lord_Howe", dt.date(2026, 10, 4), dt.date(2027, 4, 4), 1),  # half an hour
    ],
)
def test_a_night_is_as_long_as_it_really_is_and_nine_stays_nine(diary, zone, forward, back, longer):
    for day, count in ((forward, 8 - longer), (back, 8 + longer), (forward + dt.timedelta(days=7), 8)):
        only_hours(diary, zone, 7, dt.time(0), dt.time(4))
        night = [start for start in asked(diary, day) if start.astimezone(diary.practice.zone).date() == day]
        assert len(night) == count, day
        assert {b - a for a, b in itertools.pairwise(night)} == {dt.timedelta(minutes=30)}
    only_hours(diary, zone, 1, dt.time(9), dt.time(10))
    for week in range(-2, 3):
        monday = forward + dt.timedelta(days=1 + 7 * week)
        clocks = [start.astimezone(diary.practice.zone) for start in asked(diary, monday)]
        assert [(one.date(), one.time()) for one in clocks] == [
            (monday, dt.time(9)),
            (monday, dt.time(9, 30)),
        ]


def test_a_clinician_who_works_in_two_zones(diary):
    west = Location.objects.create(practice=diary.practice, name="West", time_zone="America/Los_Angeles")
    only_hours(diary, "America/New_York", 2, dt.time(8), dt.time(9))
    WeeklyHours.objects.create(
        practice=diary.practice,
        practitioner=diary.osei,
        weekday=2,
        starts=dt.time(21),
        ends=dt.time(22),
        location=west,
    )
    moments = [start.strftime("%d %H:%M") for start in asked(diary, dt.date(2027, 1, 12))]
    # 8:00 in New York is 13:00 in Greenwich; 21:00 in Los Angeles is 5:00 there, Wednesday in New York.
    assert moments == ["12 13:00", "12 13:30", "13 05:00", "13 05:30"]
