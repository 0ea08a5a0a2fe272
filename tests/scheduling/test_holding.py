"""Holds: five minutes for one person, under the constraint of the visits, gone without a job."""

import datetime as dt
import uuid

import pytest
from django.db import IntegrityError, transaction

from practices.models import Role
from practices.tenancy import inside
from scheduling.availability import free_times
from scheduling.holding import HELD_FOR, held_time, hold_time, release_hold
from scheduling.models import Appointment, BusySlot, Hold
from scheduling.refusals import InThePast, NotOffered, OutsideHours, SlotTaken
from tests.factories import a_member, a_practice, a_practitioner, a_type, a_user, an_actor
from tests.scheduling.conftest import at

WHEN = "2026-11-25 10:00"


@pytest.fixture
def jo(diary):
    return an_actor(a_member(diary.practice, a_user("jo@frontdesk.example"), Role.RECEPTIONIST))


def hold(diary, when=WHEN, key="dialog-1", by=None, **fields):
    wanted = {"practitioner": diary.osei, "appointment_type": diary.kind} | fields
    return hold_time(**wanted, starts_at=at(when), key=key, by=by or diary.by)


def free_starts(diary, when=WHEN):
    day = at(when)
    found = free_times(
        appointment_type=diary.kind, practitioners=[diary.osei], from_=day, until=day + dt.timedelta(hours=1)
    )
    return [free.starts_at for free in found]


def test_a_held_time_is_offered_to_nobody(diary):
    assert at(WHEN) in free_starts(diary)
    hold(diary)
    assert at(WHEN) not in free_starts(diary)


def test_somebody_else_cannot_hold_it_and_is_told_who_does(diary, jo):
    hold(diary)
    with pytest.raises(SlotTaken, match=r"Dana is holding this time until 9:05 AM\.") as refusal:
        hold(diary, key="dialog-2", by=jo)
    assert len(refusal.value.next_times) == 2


def test_somebody_else_cannot_book_it(diary, jo):
    hold(diary)
    with pytest.raises(SlotTaken, match="Dana is holding this time"):
        diary.book(WHEN, by=jo)
    assert not Appointment.objects.exists()


def test_the_holder_books_it_and_the_hold_is_gone(diary):
    hold(diary)
    visit = diary.book(WHEN, hold_key="dialog-1")
    assert not Hold.objects.exists()
    [slot] = BusySlot.objects.all()
    assert (slot.appointment_id, slot.resource_id) == (visit.pk, diary.osei.pk)


def test_a_hold_runs_out_by_its_clock_alone(diary, clock, jo):
    hold(diary)
    clock.shift(HELD_FOR + dt.timedelta(seconds=1))
    assert held_time("dialog-1") is None
    assert at(WHEN) in free_starts(diary)
    assert hold(diary, key="dialog-2", by=jo).held_by == jo.user
    assert Hold.objects.count() == 1


def test_a_booking_takes_the_place_of_a_hold_that_ran_out(diary, clock):
    hold(diary)
    clock.shift(HELD_FOR + dt.timedelta(seconds=1))
    diary.book(WHEN)
    assert not Hold.objects.exists()


def test_an_overlap_by_a_minute_is_refused(diary, jo):
    hold(diary)
    with pytest.raises(SlotTaken):
        hold(diary, "2026-11-25 10:29", key="dialog-2", by=jo)
    assert hold(diary, "2026-11-25 10:30", key="dialog-2", by=jo)


def test_another_choice_in_the_same_dialog_lets_the_first_go(diary, jo):
    hold(diary)
    hold(diary, "2026-11-25 11:00")
    assert hold(diary, key="dialog-2", by=jo)


def test_choosing_the_same_again_keeps_it_longer(diary, clock):
    first = hold(diary)
    clock.shift(dt.timedelta(minutes=3))
    again = hold(diary)
    assert again.pk == first.pk
    assert again.expires_at - first.expires_at == dt.timedelta(minutes=3)
    assert BusySlot.objects.get().expires_at == again.expires_at


def test_nobody_lets_go_what_somebody_else_holds(diary, jo):
    hold(diary)
    assert not release_hold(key="dialog-1", by=jo)
    assert release_hold(key="dialog-1", by=diary.by)
    assert at(WHEN) in free_starts(diary)


@pytest.mark.parametrize(
    ("when", "refusal"),
    [("2026-11-25 07:00", OutsideHours), ("2026-11-25 11:45", OutsideHours), ("2026-11-23 10:00", InThePast)],
)
def test_what_cannot_be_booked_cannot_be_held(diary, when, refusal):
    with pytest.raises(refusal):
        hold(diary, when)
    assert not BusySlot.objects.exists()


def test_a_visit_nobody_offers_cannot_be_held(diary):
    other = a_type(diary.practice, "Botox")
    with pytest.raises(NotOffered):
        hold(diary, appointment_type=other)


def test_buffers_are_held_and_booked_too(diary, jo):
    diary.kind.buffer_before, diary.kind.buffer_after = 5, 10
    diary.kind.save()
    hold(diary)
    with pytest.raises(SlotTaken):
        hold(diary, "2026-11-25 10:30", key="dialog-2", by=jo)
    visit = diary.book(WHEN, hold_key="dialog-1")
    slot = BusySlot.objects.get()
    assert (slot.starts_at, slot.ends_at) == (at("2026-11-25 09:55"), at("2026-11-25 10:40"))
    assert (visit.buffer_before, visit.buffer_after) == (5, 10)
    with pytest.raises(SlotTaken):
        diary.book("2026-11-25 10:40")
    diary.book("2026-11-25 10:45")


def test_the_places_of_a_group_are_counted_with_their_holds(diary, jo):
    group = a_type(diary.practice, "Group", practitioners=[diary.osei])
    group.capacity = 3
    group.save()
    seats = [diary.book(WHEN, appointment_type=group).seat for _ in range(2)]
    hold(diary, appointment_type=group)
    assert seats == [0, 1]
    with pytest.raises(SlotTaken, match="All places of this group are taken"):
        hold(diary, appointment_type=group, key="dialog-2", by=jo)
    assert diary.book(WHEN, appointment_type=group, hold_key="dialog-1").seat == 2
    with pytest.raises(SlotTaken, match="All places of this group are taken"):
        diary.book(WHEN, appointment_type=group)


def test_a_group_excludes_everything_else(diary):
    group = a_type(diary.practice, "Group", practitioners=[diary.osei])
    group.capacity = 3
    group.save()
    diary.book(WHEN, appointment_type=group)
    with pytest.raises(SlotTaken):
        diary.book(WHEN)
    with pytest.raises(SlotTaken):
        diary.book("2026-11-25 10:15", appointment_type=group)


def test_a_seat_is_had_once_whatever_the_code_says(diary):
    group = a_type(diary.practice, "Group", practitioners=[diary.osei])
    group.capacity = 2
    group.save()
    first = diary.book(WHEN, appointment_type=group)
    second = diary.book(WHEN, appointment_type=group)
    second.seat = first.seat
    with pytest.raises(IntegrityError, match="one_patient_per_seat"), transaction.atomic():
        second.save()
    with pytest.raises(IntegrityError, match="seat_is_in_the_room"), transaction.atomic():
        Appointment.objects.filter(pk=second.pk).update(seat=2)


def test_what_a_visit_takes_follows_it_through_its_states(diary):
    visit = diary.book(WHEN)
    Appointment.objects.filter(pk=visit.pk).update(status="cancelled")
    assert not BusySlot.objects.exists()
    Appointment.objects.filter(pk=visit.pk).update(status="booked", overbook_reason="Squeezed in")
    assert not BusySlot.objects.get().binding
    Appointment.objects.filter(pk=visit.pk).update(practitioner=diary.chen, overbook_reason="")
    assert (BusySlot.objects.get().resource_id, BusySlot.objects.get().binding) == (diary.chen.pk, True)


def test_a_row_is_for_a_visit_or_for_a_hold(diary):
    row = {"resource_id": uuid.uuid4(), "party": uuid.uuid4(), "starts_at": at(WHEN)}
    with pytest.raises(IntegrityError, match="busy_by_a_visit_or_a_hold"), transaction.atomic():
        BusySlot.objects.create(practice=diary.practice, ends_at=at("2026-11-25 10:30"), **row)


def test_one_practice_cannot_take_the_time_of_another(diary):
    """The practice is part of the constraint: a stranger's row with her key does not block a clinician."""
    other = a_practice("cedar-park")
    someone = a_practitioner(other, "Dr. Vale")
    kind = a_type(other, practitioners=[someone])
    nobody = an_actor()
    with inside(other):
        held = hold_time(
            practitioner=someone, appointment_type=kind, starts_at=at(WHEN), key="theirs", by=nobody
        )
        BusySlot.objects.filter(hold=held).update(resource_id=diary.osei.pk)
    assert diary.book(WHEN)
