"""Patients who choose a time against each other and against the desk: somebody waits, nobody deadlocks."""

import datetime as dt
import threading

import pytest

from practices.models import Location, Room
from practices.tenancy import inside
from scheduling import choosing, out_cases
from scheduling.choosing import choose_time
from scheduling.models import Appointment, OutCase, TimeRequest
from scheduling.out_cases import open_case, send_case, take_back
from scheduling.time_requests import send_times
from tests.factories import a_patient
from tests.scheduling.conftest import a_diary
from tests.scheduling.test_race_of_resources import all_at_once, slot_of

pytestmark = pytest.mark.django_db(transaction=True)
A_MOMENT = 0.3  # seconds, for the other one to get as far as it can


@pytest.fixture
def diary(db):
    return a_diary()


@pytest.fixture
def pause(monkeypatch):
    """Makes a verb wait a moment after one of its steps, and says when it got there."""

    def after(step, module=choosing):
        there, original = threading.Event(), getattr(module, step)

        def slowly(*args, **kwargs):
            found = original(*args, **kwargs)
            there.set()
            threading.Event().wait(A_MOMENT)
            return found

        monkeypatch.setattr(module, step, slowly)
        return there

    return after


def choosing_of(diary, visit, practitioner, later=dt.timedelta()):
    starts_at = visit.starts_at + later
    return lambda: choose_time(visit=visit, practitioner_id=practitioner.pk, starts_at=starts_at, by=diary.by)


def booked(diary, practitioner, given):
    """A visit as a link opens it."""
    with inside(diary.practice):
        visit = diary.book(
            starts_at=slot_of(diary),
            practitioner=practitioner,
            patient=a_patient(diary.practice, given),
            tell_patient=False,
        )
        return Appointment.objects.with_people().get(pk=visit.pk)


def test_two_patients_who_swap_clinicians_wait_for_each_other(diary, pause):
    mine, theirs = booked(diary, diary.osei, "Ana"), booked(diary, diary.chen, "Ben")
    pause("lock_visit")
    later = dt.timedelta(hours=1)
    came = all_at_once(
        diary, choosing_of(diary, mine, diary.chen, later), choosing_of(diary, theirs, diary.osei, later)
    )
    assert came == {"done": 2}


def with_rooms(diary):
    """Every visit takes one of the practice's rooms; each clinician has one of her own."""
    with inside(diary.practice):
        place = Location.objects.create(practice=diary.practice, name="Main")
        for person in (diary.osei, diary.chen, None):
            room = Room.objects.create(practice=diary.practice, location=place, name=f"Room {person}")
            if person is not None:
                person.room = room
                person.save()
        diary.kind.needs_room = True
        diary.kind.save()


def test_a_patient_who_chooses_and_the_desk_that_books_one_of_the_rooms_wait_for_each_other(diary, pause):
    with_rooms(diary)
    visit, third = booked(diary, diary.osei, "Ana"), a_patient(diary.practice, "Cleo")
    there = pause("lock_visit")

    def book():
        there.wait()
        diary.book(starts_at=slot_of(diary), practitioner=diary.chen, patient=third, tell_patient=False)

    came = all_at_once(diary, choosing_of(diary, visit, diary.chen), book)
    assert came == {"done": 1, "taken": 1}


def test_a_patient_who_chooses_and_the_desk_that_sends_other_times_wait_for_each_other(diary, pause):
    visit = asked(diary, "wishes")
    there = pause("lock_request")

    def send():
        there.wait()
        send_times(appointment=visit, by=diary.by)

    came = all_at_once(diary, choosing_of(diary, visit, diary.chen), send)
    assert came == {"done": 1, "refused": 1}, "the visit that was moved is none to send times for"
    with inside(diary.practice):
        assert TimeRequest.objects.get().state == "chosen"


def test_a_patient_who_chooses_and_a_clinician_who_is_written_out_wait_for_each_other(diary, pause):
    visit = asked(diary, "asked")
    there = pause("lock_request")

    def write_out():
        there.wait()
        day = {"starts_at": visit.starts_at, "ends_at": visit.starts_at + dt.timedelta(hours=8)}
        open_case(practitioner=diary.osei, label="Out sick", **day, by=diary.by)

    assert all_at_once(diary, choosing_of(diary, visit, diary.chen), write_out) == {"done": 2}
    with inside(diary.practice):
        assert TimeRequest.objects.get().state == "chosen", "her visit is not in the case any more"


@pytest.mark.parametrize("back", [False, True])
def test_a_case_that_cancels_many_visits_and_a_booking_of_a_room_wait_for_each_other(diary, pause, back):
    case = all_to_be_cancelled(diary)
    step, verb = ("restored", take_back) if back else ("cancel_appointment", send_case)
    if back:
        with inside(diary.practice):
            send_case(case=case, by=diary.by)
            OutCase.objects.update(state="sent")  # as if another visit of it were left
    there, later = pause(step, out_cases), slot_of(diary) + dt.timedelta(hours=4)

    def book():
        there.wait()
        third = a_patient(diary.practice, "Cleo")
        diary.book(starts_at=later, practitioner=diary.chen, patient=third, tell_patient=False)

    assert all_at_once(diary, lambda: verb(case=case, by=diary.by), book) == {"done": 2}


def all_to_be_cancelled(diary):
    """Dr. Osei is out, and her visits are to be cancelled; the first is in the room that is locked last."""
    with_rooms(diary)
    with inside(diary.practice):
        day = slot_of(diary)
        rooms = Room.objects.order_by("-pk")[:2]
        for hour, room in enumerate(rooms):
            given = {"patient": a_patient(diary.practice, f"Dee {hour}"), "room": room, "tell_patient": False}
            diary.book(starts_at=day + dt.timedelta(hours=hour), **given)
        case, _ = open_case(
            practitioner=diary.osei,
            starts_at=day,
            ends_at=day + dt.timedelta(hours=3),
            label="Out",
            by=diary.by,
        )
        TimeRequest.objects.update(plan="cancel")
        return case


def asked(diary, state):
    """A visit whose patient was asked for another time, and may still take one."""
    visit = booked(diary, diary.osei, "Ana")
    with inside(diary.practice):
        TimeRequest.objects.create(practice=diary.practice, appointment=visit, state=state)
    return visit
