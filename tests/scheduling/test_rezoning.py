"""A practice changes its time zone: hours and time off follow the clock, visits what the manager chose."""

import datetime as dt

import pytest

from practices.administration import NotAllowed, change_practice
from practices.models import AuditEntry, Practice
from practices.tenancy import inside
from scheduling.availability import free_times
from scheduling.models import Appointment, BusySlot, TimeOff
from tests.factories import a_patient
from tests.scheduling.conftest import at

CHICAGO = "America/Chicago"


def change(diary, keep):
    change_practice(values={"time_zone": CHICAGO}, visits_keep=keep, by=diary.by)
    return Practice.objects.get(pk=diary.practice.pk)


@pytest.fixture
def booked(diary):
    """Two visits that touch, one that was, and a day off."""
    diary.book("2026-11-25 10:00")
    diary.book("2026-11-25 10:30", patient=a_patient(diary.practice, "Ngozi"))
    TimeOff.objects.create(
        practice=diary.practice,
        practitioner=diary.osei,
        starts_at=at("2026-11-26 00:00"),
        ends_at=at("2026-11-27 00:00"),
    )
    return diary


def hours(visit):
    return (f"{visit.starts_at:%H:%M}", f"{visit.local_time:%H:%M}", visit.time_zone)


def test_visits_keep_the_moment(booked):
    change(booked, "moment")
    first, second = Appointment.objects.order_by("starts_at")
    assert hours(first) == ("15:00", "09:00", CHICAGO)
    assert hours(second) == ("15:30", "09:30", CHICAGO)
    assert first.version == 2


def test_visits_keep_the_clock_and_neighbours_do_not_collide(booked):
    practice = change(booked, "clock")
    first, second = Appointment.objects.order_by("starts_at")
    assert hours(first) == ("16:00", "10:00", CHICAGO)
    assert hours(second) == ("16:30", "10:30", CHICAGO)
    assert first.minutes == 30
    taken = BusySlot.objects.filter(resource_id=booked.osei.pk).order_by("starts_at")
    assert [f"{row.starts_at:%H:%M}" for row in taken] == ["16:00", "16:30"]
    off = TimeOff.objects.get()
    assert (off.starts_at, off.ends_at) == (
        dt.datetime(2026, 11, 26, 6, tzinfo=dt.UTC),
        dt.datetime(2026, 11, 27, 6, tzinfo=dt.UTC),
    )
    with inside(practice):
        free = free_times(
            appointment_type=booked.kind,
            practitioners=[booked.osei],
            from_=dt.datetime(2026, 11, 25, 6, tzinfo=dt.UTC),
            until=dt.datetime(2026, 11, 25, 18, tzinfo=dt.UTC),
        )
    # Eight o'clock is eight o'clock in Chicago now: 14:00 in Greenwich.
    assert f"{free[0].starts_at:%H:%M}" == "14:00"
    entry = AuditEntry.objects.get(verb="practice.clock-followed")
    assert entry.changes == {"keep": ["", "clock"], "visits": [0, 2]}


def test_visits_that_would_lie_over_others_are_not_moved(booked):
    # In New York's zone still, though it was booked by another clock: it stays where it is.
    kept = booked.book("2026-11-25 11:00", patient=a_patient(booked.practice, "Ida"))
    Appointment.objects.filter(pk=kept.pk).update(time_zone="America/Denver")
    with pytest.raises(NotAllowed, match="would lie over others"):
        change(booked, "clock")
    assert str(Practice.objects.get(pk=booked.practice.pk).time_zone) == "America/New_York"
    assert BusySlot.objects.count() == 3
