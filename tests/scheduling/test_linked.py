"""Visits that belong together: found together, booked whole or not at all, moved along, taken back as one."""

import datetime as dt
import time

import pytest

from messaging.models import Message
from scheduling.batches import reschedule_visits
from scheduling.drafts import Slot
from scheduling.linked import (
    BadParts,
    Part,
    along,
    book_together,
    find_together,
    next_along,
    open_others,
    others_of,
)
from scheduling.models import Appointment, Status
from scheduling.refusals import DatesRefused
from scheduling.undo import last_changes, undo_change
from tests.factories import a_patient, a_practitioner, a_type
from tests.scheduling.conftest import at

MONDAY = "2026-11-30"


@pytest.fixture
def house(diary):
    """A nurse beside the two doctors, and a child of the patient."""
    diary.nurse = a_practitioner(diary.practice, "Nurse Bell", position=3)
    diary.tests = a_type(diary.practice, "Tests", 15, [diary.nurse])
    diary.child = a_patient(diary.practice, "Leo", birth_date=dt.date(2018, 5, 1))
    return diary


def find(house, parts, shape="in-turn", gap=15, days=7, **given):
    begins = at(f"{MONDAY} 00:00")
    return find_together(parts, shape, from_=begins, until=begins + dt.timedelta(days=days), gap=gap, **given)


def said(combination):
    return [f"{one.starts_at.hour - 5}:{one.starts_at:%M} {one.practitioner}" for one in combination.times]


def nurse_then_doctor(house):
    return [Part(house.patient, house.tests), Part(house.patient, house.kind, house.osei)]


def family(house):
    return [Part(house.patient, house.kind), Part(house.child, house.kind)]


def book(house, parts, when, shape="in-turn", **given):
    slots = [Slot(who, at(f"{MONDAY} {clock}")) for who, clock in when]
    return book_together(parts=parts, slots=slots, shape=shape, by=house.by, **given)


def test_nurse_then_doctor_with_a_pause_of_at_most_so_long(house):
    house.book(f"{MONDAY} 08:00", patient=house.child)
    assert said(find(house, nurse_then_doctor(house))[0]) == ["8:00 Nurse Bell", "8:30 Dr. Osei"]
    assert said(find(house, nurse_then_doctor(house), gap=0)[0]) == ["8:15 Nurse Bell", "8:30 Dr. Osei"]
    house.book(f"{MONDAY} 08:30", patient=house.child)
    assert said(find(house, nurse_then_doctor(house), gap=0)[0]) == ["8:45 Nurse Bell", "9:00 Dr. Osei"]
    assert said(find(house, nurse_then_doctor(house), gap=45)[0]) == ["8:00 Nurse Bell", "9:00 Dr. Osei"]


def test_a_family_side_by_side_needs_different_clinicians_at_one_time(house):
    house.book(f"{MONDAY} 08:00", practitioner=house.chen)
    first, *_ = find(house, family(house), "side-by-side")
    assert said(first) == ["8:30 Dr. Osei", "8:30 Dr. Chen"]


def test_a_family_one_after_the_other_may_have_one_clinician(house):
    parts = [Part(person, house.kind, house.osei) for person in (house.patient, house.child)]
    assert said(find(house, parts)[0]) == ["8:00 Dr. Osei", "8:30 Dr. Osei"]


def test_at_most_two_proposals_a_day_and_six_in_all(house):
    found = find(house, family(house), "side-by-side", days=31)
    assert len(found) == 6
    assert [one.starts_at.day for one in found] == [30, 30, 1, 1, 2, 2]


def test_nothing_fits_is_an_empty_list(house):
    house.nurse.weekly_hours.all().delete()
    assert find(house, nurse_then_doctor(house)) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"gap": 241}, "0 to 240"),
        ({"gap": -1}, "0 to 240"),
        ({"shape": "sideways"}, "Choose: one after"),
        ({"parts": 1}, "2 to 6"),
        ({"parts": 7}, "2 to 6"),
        ({"parts": 2, "shape": "side-by-side"}, "different patients"),
    ],
)
def test_what_cannot_be_together_is_refused_in_words(house, given, words):
    parts = [Part(house.patient, house.kind)] * given.get("parts", 2)
    with pytest.raises(BadParts, match=words):
        find(house, parts, given.get("shape", "in-turn"), gap=given.get("gap", 15))


def test_a_puzzle_without_an_answer_is_given_up_in_time(house):
    late = a_type(house.practice, "Evening", 30, [house.osei])
    parts = [*[Part(house.patient, house.tests)] * 5, Part(house.patient, late, house.osei)]
    house.osei.weekly_hours.update(starts=dt.time(6), ends=dt.time(6, 45))
    began = time.perf_counter()
    assert find(house, parts, gap=240, days=31) == []
    assert time.perf_counter() - began < 10


def test_all_are_booked_with_one_text_for_one_patient(house):
    linked, visits = book(house, nurse_then_doctor(house), [(house.nurse, "08:00"), (house.osei, "08:15")])
    assert {visit.linked_id for visit in visits} == {linked.pk}
    assert "Nov 30 8:00 AM and Nov 30 8:15 AM" in Message.objects.get().body
    assert [one.pk for one in others_of(visits[0])] == [visits[1].pk]


def test_one_taken_part_refuses_all(house):
    house.book(f"{MONDAY} 08:15", patient=house.child)
    with pytest.raises(DatesRefused) as refusal:
        book(house, nurse_then_doctor(house), [(house.nurse, "08:00"), (house.osei, "08:15")])
    assert [verdict.kind for verdict in refusal.value.verdicts] == ["", "taken"]
    assert Appointment.objects.filter(linked__isnull=False).count() == 0


def test_one_patient_in_two_places_at_once_is_refused(house):
    with pytest.raises(DatesRefused) as refusal:
        book(house, nurse_then_doctor(house), [(house.nurse, "08:00"), (house.osei, "08:00")])
    assert refusal.value.verdicts[1].kind == "each-other"


def test_the_others_move_along_and_all_come_back(house):
    _, visits = book(house, nurse_then_doctor(house), [(house.nurse, "08:00"), (house.osei, "08:15")])
    others = [(one, one.version) for one in open_others(visits[1])]
    moves = along(visits[1], others, 1, Slot(house.chen, at(f"{MONDAY} 14:00")))
    moved = reschedule_visits(moves=moves, by=house.by)
    assert {f"{one.local_time:%H:%M} {one.practitioner}" for one in moved} == {
        "13:45 Nurse Bell",
        "14:00 Dr. Chen",
    }
    assert {one.linked_id for one in moved} == {visits[0].linked_id}
    undo_change(change=last_changes(house.dana.user)[0], by=house.by)
    standing = Appointment.objects.filter(status=Status.BOOKED).order_by("starts_at")
    assert [f"{one.local_time:%H:%M}" for one in standing] == ["08:00", "08:15"]


def test_a_move_along_that_finds_another_taken_changes_nothing_and_offers_what_fits_all(house):
    _, visits = book(house, nurse_then_doctor(house), [(house.nurse, "08:00"), (house.osei, "08:15")])
    house.book(f"{MONDAY} 09:00", patient=house.child, practitioner=house.nurse, appointment_type=house.tests)
    to = Slot(house.osei, at(f"{MONDAY} 09:15"))
    others = open_others(visits[1])
    with pytest.raises(DatesRefused):
        reschedule_visits(moves=along(visits[1], [(one, 1) for one in others], 1, to), by=house.by)
    assert Appointment.objects.filter(status=Status.BOOKED, linked__isnull=False).count() == 2
    assert [slot.starts_at for slot in next_along(visits[1], others, to)] == [
        at(f"{MONDAY} 09:30"),
        at(f"{MONDAY} 09:45"),
    ]


def test_a_visit_that_stands_alone_has_no_others(house):
    assert others_of(house.book()) == []
