"""Races beyond one slot: overlaps by a minute, moves against bookings, crossing resources, holds.

Each guard is also tried switched off: the lock (then the constraint has the last word) and, where a race is
about waiting for each other, the one order of the locks.
"""

import datetime as dt
import threading
import time
from collections import Counter
from itertools import pairwise

import pytest
from django.db import IntegrityError, OperationalError, connections

from practices.models import Location, Role, Room
from practices.tenancy import inside
from scheduling import slots
from scheduling.booking import BookingRefused, SlotTaken, reschedule_appointment
from scheduling.holding import hold_time
from scheduling.models import Appointment, BusySlot, Hold
from scheduling.slots import lock_resources
from tests.factories import a_member, a_patient, a_user, an_actor
from tests.scheduling.conftest import a_diary
from tests.scheduling.test_race import a_coming_slot, without_the_constraint

CLIENTS = 50
A_FEW = 16
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def diary(db):
    return a_diary()


def slot_of(diary):
    return dt.datetime.fromisoformat(a_coming_slot(diary.practice))


def all_at_once(diary, *acts):
    """Runs the acts at the same moment, each on a connection and in a practice's transaction of its own."""
    gate, came = threading.Barrier(len(acts)), []

    def run(act):
        try:
            gate.wait()
            with inside(diary.practice):
                act()
            came.append("done")
        except SlotTaken:
            came.append("taken")
        except BookingRefused:
            came.append("refused")
        except OperationalError as error:
            came.append("deadlock" if "deadlock" in str(error) else "error")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(came)


def booking(diary, starts_at, **given):
    return lambda: diary.book(starts_at=starts_at, **given)


def overlaps(diary):
    """Pairs of binding rows of one resource that overlap: there must never be one."""
    rows = list(BusySlot.objects.filter(binding=True).order_by("resource_id", "starts_at"))
    return [
        (one, other)
        for one, other in pairwise(rows)
        if one.resource_id == other.resource_id and other.starts_at < one.ends_at and one.party != other.party
    ]


def for_one_time(diary, clients):
    """Everybody books the same half hour."""
    return [booking(diary, slot_of(diary)) for _ in range(clients)]


def by_a_minute(diary, clients):
    """Every second booking begins a minute before the others end."""
    first = slot_of(diary)
    return [booking(diary, first + dt.timedelta(minutes=29 * (n % 2))) for n in range(clients)]


def a_move_and_bookings(diary, clients):
    """A visit is moved to a time that all the others book, for another patient."""
    wanted = slot_of(diary)
    with inside(diary.practice):
        other = a_patient(diary.practice, "Leo")
        visit = diary.book(starts_at=wanted + dt.timedelta(hours=1))

    def move():
        reschedule_appointment(appointment=visit, version=visit.version, starts_at=wanted, by=diary.by)

    return [move, *(booking(diary, wanted, patient=other) for _ in range(clients - 1))]


RACES = pytest.mark.parametrize("race", [for_one_time, by_a_minute, a_move_and_bookings])


def test_fifty_who_overlap_by_a_minute_are_one(diary):
    assert all_at_once(diary, *by_a_minute(diary, CLIENTS)) == {"done": 1, "taken": CLIENTS - 1}


def test_a_move_against_a_booking_has_one_winner(diary):
    assert all_at_once(diary, *a_move_and_bookings(diary, 8)) == {"done": 1, "taken": 7}
    with inside(diary.practice):
        assert not overlaps(diary)
        assert Appointment.objects.active().filter(starts_at=slot_of(diary)).count() == 1
        # The move that lost left the visit where it was; the one that won left nothing behind.
        assert Appointment.objects.active().filter(patient=diary.patient).count() == 1


@RACES
def test_without_the_lock_the_constraint_has_the_last_word(diary, settings, race):
    settings.SWITCHED_OFF = frozenset({"resource-lock"})
    came = all_at_once(diary, *race(diary, A_FEW))
    # Those who wait for each other before the constraint may be sent away by the database instead.
    assert (came["done"], came["taken"] + came["deadlock"]) == (1, A_FEW - 1)
    with inside(diary.practice):
        assert not overlaps(diary)


@RACES
def test_the_control_without_lock_and_constraint_everybody_has_the_time(diary, settings, monkeypatch, race):
    acts = race(diary, A_FEW)
    settings.SWITCHED_OFF = frozenset({"resource-lock"})
    all_look_first(monkeypatch, A_FEW)
    with without_the_constraint():
        assert all_at_once(diary, *acts) == {"done": A_FEW}
        with inside(diary.practice):
            assert overlaps(diary)


def all_look_first(monkeypatch, clients):
    """Nobody writes before everybody has seen the time free: what the guards are there to forbid."""
    gate, look = threading.Barrier(clients, timeout=30), slots.in_the_way

    def look_and_wait(*resources, **span):
        found = look(*resources, **span)
        gate.wait()
        return found

    monkeypatch.setattr(slots, "in_the_way", look_and_wait)


def a_room(diary, name):
    place, _ = Location.objects.get_or_create(practice=diary.practice, name="Main")
    return Room.objects.create(practice=diary.practice, location=place, name=name)


def test_two_clinicians_and_one_room_wait_in_one_order(diary):
    starts_at = slot_of(diary)
    with inside(diary.practice):
        room = a_room(diary, "Room 1")
    acts = [
        booking(diary, starts_at, practitioner=who, room=room)
        for _ in range(10)
        for who in (diary.osei, diary.chen)
    ]
    assert all_at_once(diary, *acts) == {"done": 1, "taken": 19}


def crossing(diary, first, second, order):
    """Twenty writers who take two resources each, half of them the other way round, in `order`."""

    def take(one, other):
        def act():
            for batch in order(one, other):
                lock_resources(*batch)
                threading.Event().wait(0.02)

        return act

    return all_at_once(
        diary, *(take(*pair) for _ in range(10) for pair in ((first, second), (second, first)))
    )


def test_two_resources_in_opposite_order_never_wait_for_each_other(diary):
    assert crossing(diary, diary.osei, diary.chen, lambda a, b: [(a, b)]) == {"done": 20}


def test_the_control_locks_taken_one_by_one_deadlock(diary):
    came = crossing(diary, diary.osei, diary.chen, lambda a, b: [(a,), (b,)])
    assert came["deadlock"] > 0


def test_a_hold_and_bookings_have_one_winner(diary):
    starts_at = slot_of(diary)

    def hold():
        hold_time(
            practitioner=diary.osei,
            appointment_type=diary.kind,
            starts_at=starts_at,
            key="the-dialog",
            by=diary.by,
        )

    came = all_at_once(diary, hold, *(booking(diary, starts_at) for _ in range(9)))
    assert came == {"done": 1, "taken": 9}


def test_fifty_holds_of_one_time_are_one(diary):
    starts_at = slot_of(diary)
    people = [
        an_actor(a_member(diary.practice, a_user(f"p{n}@frontdesk.example"), Role.RECEPTIONIST))
        for n in range(A_FEW)
    ]

    def hold(number):
        return lambda: hold_time(
            practitioner=diary.osei,
            appointment_type=diary.kind,
            starts_at=starts_at,
            key=f"dialog-{number}",
            by=people[number],
        )

    assert all_at_once(diary, *map(hold, range(A_FEW))) == {"done": 1, "taken": A_FEW - 1}


@pytest.mark.parametrize("lock", [True, False])
def test_without_the_lock_holds_are_kept_apart_by_the_constraint(diary, settings, lock):
    settings.SWITCHED_OFF = frozenset() if lock else frozenset({"resource-lock"})
    starts_at = slot_of(diary)

    def hold(number):
        return lambda: hold_time(
            practitioner=diary.osei,
            appointment_type=diary.kind,
            starts_at=starts_at,
            key=f"dialog-{number}",
            by=an_actor(),
        )

    came = all_at_once(diary, *map(hold, range(A_FEW)))
    assert came["done"] == 1
    with inside(diary.practice):
        assert Hold.objects.count() == 1


def test_the_last_seat_of_a_group_is_had_once(diary):
    starts_at = slot_of(diary)
    with inside(diary.practice):
        diary.kind.capacity = 3
        diary.kind.save()
        patients = [a_patient(diary.practice, f"Guest {n}") for n in range(A_FEW)]
    came = all_at_once(diary, *(booking(diary, starts_at, patient=patient) for patient in patients))
    assert came == {"done": 3, "taken": A_FEW - 3}
    with inside(diary.practice):
        assert sorted(Appointment.objects.active().values_list("seat", flat=True)) == [0, 1, 2]


def test_a_transaction_that_fails_takes_its_hold_with_it(diary):
    starts_at = slot_of(diary)

    def fail():
        with inside(diary.practice):
            hold_time(
                practitioner=diary.osei,
                appointment_type=diary.kind,
                starts_at=starts_at,
                key="the-dialog",
                by=diary.by,
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with inside(diary.practice):
        assert diary.book(starts_at=starts_at)


def one_after_the_other_in_one_dialog(diary):
    """A dialog chooses another clinician before its first choice was answered; what became of the second."""
    start, chosen, came = slot_of(diary), threading.Event(), []

    def hold(practitioner):
        hold_time(
            practitioner=practitioner,
            appointment_type=diary.kind,
            starts_at=start,
            key="dialog-1",
            by=diary.by,
        )

    def first():
        with inside(diary.practice):
            hold(diary.osei)
            chosen.set()
            time.sleep(0.5)  # the page is still being drawn
        connections.close_all()

    def second():
        chosen.wait()
        try:
            with inside(diary.practice):
                hold(diary.chen)
            came.append("held")
        except IntegrityError:
            came.append("broken")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act) for act in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came


def test_two_choices_of_one_dialog_follow_each_other(diary):
    assert one_after_the_other_in_one_dialog(diary) == ["held"]
    with inside(diary.practice):
        assert Hold.objects.get().practitioner == diary.chen


def test_without_the_dialogs_lock_the_second_choice_breaks(diary, settings):
    settings.SWITCHED_OFF = frozenset({"dialog-lock"})
    assert one_after_the_other_in_one_dialog(diary) == ["broken"]
