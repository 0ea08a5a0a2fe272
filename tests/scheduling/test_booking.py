"""Booking, moving, cancelling and confirming, and what each refuses."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from practices.keys import uuid7
from practices.models import AuditEntry, Closure
from scheduling.booking import (
    BookingRefused,
    InThePast,
    NotOffered,
    NotOpen,
    OutsideHours,
    SlotTaken,
    StaleAppointment,
    cancel_appointment,
    confirm_appointment,
    reschedule_appointment,
)
from scheduling.models import Appointment, Change, Confirmation, Status, TimeOff
from scheduling.slots import lock_resources
from tests.factories import a_practitioner
from tests.scheduling.conftest import anew, at

BOOKING_QUERIES = 22


def test_a_booking_keeps_the_wall_clock_that_was_agreed(diary):
    visit = diary.book(reason="  sore knee ")
    assert visit.ends_at - visit.starts_at == dt.timedelta(minutes=30)
    assert (visit.local_date, visit.local_time) == (dt.date(2026, 11, 25), dt.time(10))
    assert visit.time_zone == "America/New_York"
    assert visit.reason == "sore knee"
    assert visit.booked_by == diary.dana.user
    assert AuditEntry.objects.get(verb="appointment.booked").patient_id == diary.patient.pk


def test_a_taken_time_is_refused_with_the_next_two(diary):
    diary.book("2026-11-25 10:00")
    with pytest.raises(SlotTaken) as refusal:
        diary.book("2026-11-25 10:15")
    assert [free.starts_at for free in refusal.value.next_times] == [
        at("2026-11-25 10:30"),
        at("2026-11-25 10:45"),
    ]
    assert Appointment.objects.count() == 1


def test_an_overlap_by_one_minute_is_taken(diary):
    diary.book("2026-11-25 10:00")
    with pytest.raises(SlotTaken):
        diary.book("2026-11-25 10:29")
    diary.book("2026-11-25 10:30")


def test_the_constraint_has_the_last_word(diary):
    """The control of the check in Python: a bare row is stopped by the database alone."""
    visit = diary.book()
    double = Appointment.objects.get(pk=visit.pk)
    double.pk, double.reason, double.note = uuid7(), "", ""
    with pytest.raises(IntegrityError, match="no_double_booking"), transaction.atomic():
        double.save(force_insert=True)


def test_what_the_constraint_refuses_is_told_as_a_taken_slot(diary, monkeypatch):
    diary.book()
    monkeypatch.setattr("scheduling.models.AppointmentQuerySet.active", lambda self: self.none())
    with pytest.raises(SlotTaken):
        diary.book()


def test_overbooking_is_a_recorded_reason_and_needs_nothing_else(diary):
    diary.book()
    second = diary.book(overbook_reason="Twins, seen together")
    evening = diary.book("2026-11-25 19:00", overbook_reason="Dr. Osei agreed")
    assert {second.overbook_reason, evening.overbook_reason} == {"Twins, seen together", "Dr. Osei agreed"}


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("2026-11-25 19:00", "does not see patients on Wednesday, November 25 at 7:00 PM"),
        ("2026-11-25 11:45", "would end after"),
        ("2026-11-25 12:15", "does not see patients"),
    ],
)
def test_outside_hours_is_refused_in_words(diary, when, words):
    with pytest.raises(OutsideHours, match=words):
        diary.book(when)


def test_time_off_and_closures_are_refused_in_words(diary):
    TimeOff.objects.create(
        practice=diary.practice,
        practitioner=diary.osei,
        starts_at=at("2026-11-25 09:00"),
        ends_at=at("2026-11-25 11:00"),
        label="Training",
    )
    day = dt.date(2026, 11, 26)
    Closure.objects.create(practice=diary.practice, first_day=day, last_day=day, reason="Thanksgiving")
    with pytest.raises(OutsideHours, match="out then: Training"):
        diary.book("2026-11-25 10:00")
    with pytest.raises(OutsideHours, match="closed that day: Thanksgiving"):
        diary.book("2026-11-26 10:00")


def test_the_past_is_refused_even_deliberately_but_the_present_quarter_is_open(diary, clock):
    clock.move_to(at("2026-11-24 10:14"))
    diary.book("2026-11-24 10:00")
    for values in ({}, {"overbook_reason": "Forgot to write it down"}):
        with pytest.raises(InThePast, match="is over"):
            diary.book("2026-11-24 09:30", **values)


def test_only_what_is_offered_can_be_booked(diary):
    other = a_practitioner(diary.practice, "Dr. Lund")
    with pytest.raises(NotOffered, match=r"Dr\. Lund does not offer Follow-up"):
        diary.book(practitioner=other)
    diary.patient.deceased = True
    with pytest.raises(NotOffered, match="died"):
        diary.book()


def test_a_time_without_a_zone_is_a_mistake_of_the_caller(diary):
    with pytest.raises(TypeError):
        diary.book(starts_at=dt.datetime(2026, 11, 25, 10))


def test_a_move_keeps_the_chain_and_what_belongs_to_the_visit(diary):
    old = diary.book(reason="sore knee", note="bring the pictures")
    new = reschedule_appointment(
        appointment=old, version=old.version, starts_at=at("2026-11-26 14:00"), by=diary.by
    )
    old.refresh_from_db()
    assert (new.rescheduled_from, new.status, new.reason, new.note) == (
        old,
        Status.BOOKED,
        "sore knee",
        "bring the pictures",
    )
    assert (old.status, old.cancellation_reason) == (Status.CANCELLED, "other")


def test_a_move_by_a_quarter_of_an_hour_is_not_in_its_own_way(diary):
    old = diary.book()
    new = reschedule_appointment(appointment=old, version=1, starts_at=at("2026-11-25 10:15"), by=diary.by)
    assert new.starts_at == at("2026-11-25 10:15")


def test_a_refused_move_leaves_everything_as_it_was(diary):
    diary.book("2026-11-25 14:00")
    old = diary.book("2026-11-25 10:00")
    with pytest.raises(SlotTaken):
        reschedule_appointment(appointment=old, version=1, starts_at=at("2026-11-25 14:00"), by=diary.by)
    old.refresh_from_db()
    assert (old.status, old.version) == (Status.BOOKED, 1)
    assert Change.objects.filter(kind="moved").count() == 0


def test_what_the_patient_said_counts_for_the_time_it_was_said_of(diary):
    old = confirm_appointment(appointment=diary.book(), how="phone", by=diary.by)
    other_clinician = reschedule_appointment(
        appointment=old, version=2, starts_at=old.starts_at, practitioner=diary.chen, by=diary.by
    )
    assert other_clinician.confirmation == Confirmation.CONFIRMED
    other_time = reschedule_appointment(
        appointment=other_clinician, version=1, starts_at=at("2026-11-25 11:00"), by=diary.by
    )
    assert other_time.confirmation == Confirmation.UNSENT
    assert other_time.confirmed_at is None


def test_a_move_to_the_same_time_is_refused(diary):
    visit = diary.book()
    with pytest.raises(NotOpen, match="already"):
        reschedule_appointment(appointment=visit, version=1, starts_at=visit.starts_at, by=diary.by)


def test_a_stale_page_is_refused_with_how_it_is_now(diary):
    visit = diary.book()
    confirm_appointment(appointment=visit, how="phone", by=diary.by)
    with pytest.raises(StaleAppointment) as refusal:
        reschedule_appointment(appointment=visit, version=1, starts_at=at("2026-11-25 11:00"), by=diary.by)
    assert refusal.value.current.confirmation == Confirmation.CONFIRMED
    with pytest.raises(StaleAppointment):
        cancel_appointment(appointment=visit, version=1, reason="pat", by=diary.by)


def test_cancelling_frees_the_time_and_keeps_the_reason(diary):
    visit = cancel_appointment(appointment=diary.book(), version=1, reason="pat-lt", by=diary.by)
    assert (visit.status, visit.cancellation_reason) == (Status.CANCELLED, "pat-lt")
    assert diary.book().status == Status.BOOKED
    with pytest.raises(NotOpen, match="is cancelled"):
        cancel_appointment(appointment=visit, version=2, reason="pat", by=diary.by)


def test_a_reason_that_nobody_knows_is_refused(diary):
    with pytest.raises(BookingRefused, match="Choose why"):
        cancel_appointment(appointment=diary.book(), version=1, reason="because", by=diary.by)


def test_confirming_twice_is_confirming_once(diary):
    visit = diary.book()
    for _ in range(2):
        visit = confirm_appointment(appointment=visit, how="phone", by=diary.by)
    assert (visit.version, visit.confirmed_by) == (2, "phone")
    assert AuditEntry.objects.filter(verb="appointment.confirmed").count() == 1


def test_a_cancelled_visit_cannot_be_confirmed(diary):
    visit = cancel_appointment(appointment=diary.book(), version=1, reason="pat", by=diary.by)
    with pytest.raises(NotOpen, match="cannot be confirmed"):
        confirm_appointment(appointment=visit, how="phone", by=diary.by)


def test_a_booking_costs_the_same_queries_beside_one_visit_and_beside_twenty(
    diary, django_assert_num_queries
):
    """A literal: what one more query costs is seen here first."""
    with anew(diary.practice), django_assert_num_queries(BOOKING_QUERIES):
        diary.book("2026-11-30 10:00")
    for minutes in range(0, 600, 30):
        moment = at("2026-12-01 06:00") + dt.timedelta(minutes=minutes)
        diary.book(starts_at=moment, overbook_reason="Full house")
    with anew(diary.practice), django_assert_num_queries(BOOKING_QUERIES):
        diary.book("2026-12-01 16:15")


def test_resources_are_locked_by_one_statement_in_the_order_of_their_keys(diary):
    with CaptureQueriesContext(connection) as seen:
        lock_resources(diary.chen, None, diary.osei)
    keys = sorted([str(diary.chen.pk), str(diary.osei.pk)])
    assert len(seen) == 1
    assert f"'{{{','.join(keys)}}}'" in seen[0]["sql"]


def test_with_the_lock_off_nothing_is_locked(diary, settings, django_assert_num_queries):
    settings.SWITCHED_OFF = frozenset({"resource-lock"})
    with django_assert_num_queries(0):
        lock_resources(diary.osei)
