"""Somebody stands at the desk: in the next free time or beside others, arrived at once."""

import datetime as dt
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging.models import Message
from patients.models import Patient, PatientWish, WishKind
from patients.registry import register_patient
from practices.models import AuditEntry, Membership
from practices.tenancy import inside
from scheduling.booking import BookingRefused, MayNotOverbook, OutsideHours, SlotTaken
from scheduling.flow import mark_in_visit
from scheduling.models import (
    Appointment,
    Change,
    Practitioner,
    Resource,
    ResourceTimeOff,
    WeeklyHours,
)
from scheduling.refusals import ChangedSince
from scheduling.undo import undo_change
from scheduling.walk_ins import places, present_quarter, walk_in
from tests.scheduling.conftest import a_diary, a_texted_patient, at

HTMX = {"HTTP_HX_REQUEST": "true"}
PLACES_QUERIES = 6


def let_in(diary: Any, when: str = "2026-11-24 09:00", **given: Any) -> Appointment:
    values = {
        "person": diary.patient,
        "kind": diary.kind,
        "practitioner": diary.osei,
        "starts_at": at(when),
        "by": diary.by,
    }
    return walk_in(**(values | given))


def test_she_is_here_at_once_and_waits(diary, clock):
    clock.move_to(at("2026-11-24 09:07"))
    visit = let_in(diary)
    assert (visit.status, visit.walk_in) == ("arrived", True)
    assert visit.arrived_at == at("2026-11-24 09:07")
    assert not Message.objects.exists(), "nobody is texted who stands at the desk"
    verbs = set(AuditEntry.objects.filter(subject_id=visit.pk).values_list("verb", flat=True))
    assert verbs == {"appointment.booked", "appointment.walked-in"}


def test_the_quarter_that_has_begun_is_free_for_her(diary, clock):
    clock.move_to(at("2026-11-24 09:14"))
    assert present_quarter(timezone.now()) == at("2026-11-24 09:00")
    first = places(diary.kind, diary.practice, timezone.now())
    assert [(one.slot.practitioner.short_name, one.beside, one.minutes) for one in first] == [
        ("Dr. Osei", False, 0),
        ("Dr. Chen", False, 0),
    ]


def test_where_somebody_is_in_the_way_the_next_free_time_and_beside_are_offered(diary):
    diary.book("2026-11-24 09:00", patient=a_texted_patient(diary.practice, "Owen", "+15035550143"))
    found = places(diary.kind, diary.practice, timezone.now())
    assert [(one.slot.practitioner.short_name, one.slot.starts_at, one.beside) for one in found] == [
        ("Dr. Chen", at("2026-11-24 09:00"), False),
        ("Dr. Osei", at("2026-11-24 09:30"), False),
        ("Dr. Osei", at("2026-11-24 09:00"), True),
    ]


def test_in_the_evening_nobody_is_free_and_beside_needs_a_reason(diary, clock):
    clock.move_to(at("2026-11-24 18:00"))
    found = places(diary.kind, diary.practice, timezone.now())
    assert [one.beside for one in found] == [True, True]
    with pytest.raises(OutsideHours):
        let_in(diary, "2026-11-24 18:00")
    visit = let_in(diary, "2026-11-24 18:00", overbook_reason="Bleeding")
    assert visit.overbook_reason == "Bleeding"


def test_beside_others_only_with_a_reason_and_the_right(diary):
    diary.book("2026-11-24 09:00", patient=a_texted_patient(diary.practice, "Owen", "+15035550143"))
    with pytest.raises(SlotTaken):
        let_in(diary)
    Membership.objects.filter(pk=diary.dana.pk).update(may_overbook=False)
    diary.by.membership.refresh_from_db()
    with pytest.raises(MayNotOverbook):
        let_in(diary, overbook_reason="Urgent")
    assert Appointment.objects.count() == 1


def test_a_reason_that_is_not_needed_is_not_kept(diary):
    assert let_in(diary, overbook_reason="Urgent").overbook_reason == ""


@pytest.mark.parametrize("when", ["2026-11-25 09:00", "2027-11-24 09:00"])
def test_who_is_here_is_not_seen_another_day(diary, when):
    with pytest.raises(BookingRefused, match="is seen today"):
        let_in(diary, when)


def test_one_undo_takes_all_of_it_back_while_she_waits(diary):
    visit = let_in(diary)
    change = Change.objects.get()
    assert change.kind == "walked-in"
    undo_change(change=change, by=diary.by)
    visit.refresh_from_db()
    assert (visit.status, visit.arrived_at) == ("entered-in-error", None)
    let_in(diary)  # the time is free again


def test_nobody_is_taken_back_from_the_room(diary):
    visit = let_in(diary)
    change = Change.objects.get()
    mark_in_visit(appointment=visit, version=visit.version, by=diary.by)
    with pytest.raises(ChangedSince):
        undo_change(change=change, by=diary.by)


def test_places_say_what_the_patient_needs_and_would_not_have_there(diary):
    diary.patient.needs = ["interpreter"]
    diary.patient.save()
    PatientWish.objects.create(
        practice=diary.practice, patient=diary.patient, kind=WishKind.GENDER, details={"gender": "female"}
    )
    Practitioner.objects.filter(pk=diary.chen.pk).update(gender="female")
    rosa = Resource.objects.create(practice=diary.practice, kind="interpreter", name="Rosa", languages=[])
    ResourceTimeOff.objects.create(
        practice=diary.practice,
        resource=rosa,
        starts_at=at("2026-11-24 08:00"),
        ends_at=at("2026-11-24 12:00"),
    )
    found = places(diary.kind, diary.practice, timezone.now(), diary.patient)
    assert [(one.slot.practitioner.short_name, one.unmet) for one in found] == [
        ("Dr. Osei", ("The patient asked for a woman.", "No interpreter is free then.")),
        ("Dr. Chen", ("No interpreter is free then.",)),
    ]


def test_places_of_who_needs_nothing_cost_one_question_more(diary, django_assert_num_queries):
    with django_assert_num_queries(PLACES_QUERIES):
        anybodys = places(diary.kind, diary.practice, timezone.now())
    with django_assert_num_queries(PLACES_QUERIES + 1):
        assert places(diary.kind, diary.practice, timezone.now(), diary.patient) == anybodys


# The dialog.


@pytest.fixture
def desk(db: None, clock: Any) -> SimpleNamespace:
    made = a_diary()
    made.client = Client()
    made.client.force_login(made.dana.user)
    made.url = lambda name, *args: reverse(name, args=[made.practice.slug, *args])
    return made


def given(desk: Any, **more: Any) -> dict[str, Any]:
    slot = f"{desk.osei.pk}|2026-11-24T14:00Z"
    values = {"patient": desk.patient.pk, "visit_type": desk.kind.pk, "slot": slot}
    return {name: value for name, value in (values | more).items() if value is not None}


def test_the_dialog_finds_a_patient_and_shows_where_to(desk):
    with inside(desk.practice):
        known = register_patient(given="Delia", family="Marsh", birth_date=dt.date(1991, 4, 22), by=desk.by)
    looked = desk.client.post(desk.url("walk-in-look"), {"name": "Delia Marsh"}, **HTMX).content.decode()
    assert str(known.pk) in looked
    assert desk.url("walk-in-look") in looked
    looked = desk.client.post(desk.url("walk-in-look"), given(desk, slot=None), **HTMX).content.decode()
    assert "Dr. Osei" in looked
    assert "free" in looked


def test_the_dialog_says_an_unmet_need_beside_the_place(desk):
    fine = desk.client.post(desk.url("walk-in-look"), given(desk, slot=None), **HTMX).content.decode()
    assert "Before 11:00 AM." not in fine
    with inside(desk.practice):
        PatientWish.objects.create(
            practice=desk.practice,
            patient=desk.patient,
            kind=WishKind.NOT_BEFORE,
            details={"starts": "11:00"},
        )
    looked = desk.client.post(desk.url("walk-in-look"), given(desk, slot=None), **HTMX).content.decode()
    assert looked.count("Before 11:00 AM.") == 2, "at each of the two places"


def test_one_press_lets_in_and_the_board_counts_the_minutes(desk, clock):
    answer = desk.client.post(desk.url("walk-in"), given(desk, reason="Cut her hand"), **HTMX)
    assert answer.status_code == 204
    bar = desk.client.get(desk.url("changes"), **HTMX).content.decode()
    assert "walked in, with Dr. Osei" in bar
    clock.shift(dt.timedelta(minutes=12))
    board = desk.client.get(desk.url("today")).content.decode()
    assert "waiting 12 min" in board
    assert "walked in" in board


def test_a_new_patient_is_added_in_the_dialog(desk):
    new = given(desk, patient=None, name="Delia Marsh", birth_date="4/22/91", mobile="503 555 0199")
    assert desk.client.post(desk.url("walk-in"), new).status_code == 302
    with inside(desk.practice):
        visit = Appointment.objects.select_related("patient").get()
        assert (visit.patient.family, visit.walk_in) == ("Marsh", True)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"patient": None, "name": "Delia"}, "first and the last name"),
        ({"patient": None, "name": "Delia Marsh", "birth_date": "2/30/91"}, "no February 30"),
        ({"visit_type": ""}, "Choose the kind of visit."),
        ({"slot": ""}, "Choose where to go."),
        ({"slot": "x|y"}, "Choose where to go."),
        ({"patient": None, "name": "Delia Marsh", "birth_date": "4/22/91", "mobile": "12"}, "too short"),
        ({"slot": "tomorrow"}, "Choose where to go."),
    ],
)
def test_what_is_missing_is_said_and_the_rest_kept(desk, wrong, words):
    typed = given(desk, reason="Kept") | {name: value or "" for name, value in wrong.items()}
    answer = desk.client.post(desk.url("walk-in"), typed, **HTMX)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert 'value="Kept"' in answer.content.decode()
    with inside(desk.practice):
        assert not Appointment.objects.exists()
        assert Patient.objects.count() == 1


def test_a_place_that_went_meanwhile_answers_409_and_asks_why(desk):
    with inside(desk.practice):
        desk.book("2026-11-24 09:00", patient=a_texted_patient(desk.practice, "Owen", "+15035550143"))
    answer = desk.client.post(desk.url("walk-in"), given(desk), **HTMX)
    assert answer.status_code == 409
    assert "Say why beside others" in answer.content.decode()
    with inside(desk.practice):
        Membership.objects.filter(pk=desk.dana.pk).update(may_overbook=False)
    answer = desk.client.post(desk.url("walk-in"), given(desk), **HTMX)
    assert "Say why beside others" not in answer.content.decode()
    answer = desk.client.post(desk.url("walk-in"), given(desk, overbook_reason="Urgent"), **HTMX)
    assert answer.status_code == 422
    assert "You may not squeeze visits in." in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_who_let_in_at_once_into_one_place_have_one_winner():
    diary = a_diary()
    with inside(diary.practice):
        WeeklyHours.objects.update(starts=dt.time(0), ends=dt.time(23, 45))
        other = a_texted_patient(diary.practice, "Owen", "+15035550143")
    start = present_quarter(timezone.now())
    if (start + dt.timedelta(minutes=45)).astimezone(diary.practice.zone).date() != diary.practice.today():
        pytest.skip("the minutes before midnight have no room for a visit")
    gate, results = threading.Barrier(2), []

    def press(person: Patient) -> None:
        try:
            gate.wait()
            with inside(diary.practice):
                let_in(diary, person=person, starts_at=start)
            results.append("in")
        except SlotTaken:
            results.append("taken")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press, args=[one]) for one in (diary.patient, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["in", "taken"]
