"""Holding over HTTP: the dialog and the API."""

import pytest
from django.test import Client
from django.urls import reverse

from patients.models import PatientWish
from practices.models import Location, Role, Room
from practices.tenancy import inside
from scheduling.models import Appointment, BusySlot, Hold, Participant, Resource
from scheduling.refusals import BookingRefused
from tests.factories import a_member, a_patient, a_practice, a_user
from tests.scheduling.conftest import a_diary, at
from tests.scheduling.test_api import Desk

HTMX = {"HTTP_HX_REQUEST": "true"}
DIALOG = "abcDEF123456"
SLOT_QUERIES = 49


@pytest.fixture
def desk(db, clock):
    made = a_diary()
    made.client = Client()
    made.client.force_login(made.dana.user)
    made.url = lambda name, *args: reverse(name, args=[made.practice.slug, *args])
    return made


def chosen(desk, when="2026-11-25 10:00", **given):
    slot = f"{desk.osei.pk}|{at(when):%Y-%m-%dT%H:%MZ}"
    return {"patient": desk.patient.pk, "visit_type": desk.kind.pk, "slot": slot, "hold": DIALOG} | given


def choose(desk, client=None, **given):
    return (client or desk.client).post(desk.url("book-times"), chosen(desk, **given), **HTMX)


def holds(desk):
    with inside(desk.practice):
        return list(Hold.objects.standing())


def test_choosing_a_time_holds_it_and_says_until_when(desk):
    answer = choose(desk)
    assert "Held for you until 9:05 AM" in answer.content.decode()
    [held] = holds(desk)
    assert (held.starts_at, held.held_by, held.label) == (at("2026-11-25 10:00"), desk.dana.user, "Dana")


def test_the_chosen_time_stays_in_the_list_of_its_own_dialog(desk):
    choose(desk)
    mine = choose(desk, needs=["longer"]).content.decode()
    assert 'value="' + chosen(desk)["slot"] + '" checked' in mine
    assert "Held for you" in mine


def test_a_colleague_sees_who_holds_it(desk):
    choose(desk)
    jo = Client()
    jo.force_login(a_member(desk.practice, a_user("jo@frontdesk.example"), Role.RECEPTIONIST).user)
    answer = choose(desk, jo, hold="another-dialog").content.decode()
    assert "Dana is holding this time until 9:05 AM. Choose another time." in answer
    assert len(holds(desk)) == 1


def test_a_colleagues_dialog_of_the_same_name_holds_its_own(desk):
    choose(desk)
    jo = Client()
    jo.force_login(a_member(desk.practice, a_user("jo@frontdesk.example"), Role.RECEPTIONIST).user)
    choose(desk, jo, when="2026-11-25 11:00")
    assert len(holds(desk)) == 2


def test_leaving_the_dialog_lets_it_go(desk):
    choose(desk)
    assert desk.client.post(desk.url("book-let-go"), {"hold": DIALOG}).status_code == 204
    assert not holds(desk)


def test_booking_takes_it_over(desk):
    choose(desk)
    answer = desk.client.post(desk.url("book"), chosen(desk), **HTMX)
    assert answer.status_code == 204
    assert not holds(desk)
    with inside(desk.practice):
        assert Appointment.objects.get().starts_at == at("2026-11-25 10:00")


def test_a_page_without_a_name_for_its_hold_holds_nothing(desk):
    assert choose(desk, hold="").status_code == 200
    assert not holds(desk)


def test_looking_at_the_dialog_holds_nothing(desk):
    address = f"{desk.url('book')}?practitioner={desk.osei.pk}&start=2026-11-25T10:00"
    assert desk.client.get(address, **HTMX).status_code == 200
    assert not holds(desk)


def test_choosing_costs_the_same_on_a_full_and_on_an_empty_day(desk, django_assert_num_queries):
    choose(desk, when="2026-11-26 15:00")
    with django_assert_num_queries(SLOT_QUERIES):
        choose(desk)
    somebody = a_patient(desk.practice, "Leo")
    with inside(desk.practice):
        for hour in range(8, 12):
            desk.book(f"2026-11-27 {hour:02d}:00", patient=somebody)
    desk.client.post(desk.url("book-let-go"), {"hold": DIALOG})
    choose(desk, when="2026-11-26 15:00")
    with django_assert_num_queries(SLOT_QUERIES):
        choose(desk)


@pytest.fixture
def program(db, clock):
    return Desk(a_diary())


def held(program, **fields):
    wanted = {name: value for name, value in program.booking().items() if name != "patient"}
    return program.post("appointments/$hold/", wanted | {"hold": "my-hold-01"} | fields)


def test_a_program_holds_and_books(program):
    answer = held(program)
    assert answer.status_code == 201
    assert answer.json()["expires_at"] == "2026-11-24T14:05:00Z"
    body = {"hold": "my-hold-01", "patient": str(program.diary.patient.pk)}
    booked = program.post("appointments/$book/", body)
    assert booked.status_code == 201
    assert booked.json()["starts_at"] == "2026-11-25T15:00:00Z"
    assert program.post("appointments/$book/", body).status_code == 409


def test_what_a_program_holds_is_taken_for_others(program):
    held(program)
    answer = held(program, hold="another-one")
    assert answer.status_code == 409
    assert len(answer.json()["next_times"]) == 2
    assert program.book().status_code == 409
    assert program.post("appointments/$let-go/", {"hold": "my-hold-01"}).status_code == 204
    assert program.book().status_code == 201


def test_a_hold_that_ran_out_still_books_unless_the_time_is_gone(program, clock):
    held(program)
    clock.shift(600)
    body = {"hold": "my-hold-01", "patient": str(program.diary.patient.pk)}
    assert program.post("appointments/$book/", body).status_code == 201


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"starts_at": "2026-11-25T05:00:00-05:00"}, 422),
        ({"starts_at": "yesterday"}, 400),
        ({"hold": "x"}, 400),
        ({"hold": "x" * 41}, 400),
        ({"practitioner": "00000000-0000-0000-0000-000000000001"}, 404),
        ({"type": "Botox"}, 400),
        ({"patient": "nobody"}, 400),
        ({"patient": "00000000-0000-0000-0000-000000000001"}, 404),
        ({"needs": ["a helicopter"]}, 400),
    ],
)
def test_bad_input_is_answered_in_words_and_holds_nothing(program, change, status):
    answer = held(program, **change)
    assert answer.status_code == status
    with inside(program.diary.practice):
        assert not Hold.objects.exists()


@pytest.fixture
def rosa(program):
    """The only interpreter, whom the patient needs."""
    diary = program.diary
    with inside(diary.practice):
        diary.patient.language, diary.patient.needs = "es", ["interpreter"]
        diary.patient.save()
        return Resource.objects.create(
            practice=diary.practice, kind="interpreter", name="Rosa", languages=["Spanish"]
        )


def for_the_patient(program, **fields):
    return held(program, patient=str(program.diary.patient.pk), **fields)


def with_dr_chen(program, **fields):
    return for_the_patient(program, hold="another-one", practitioner=str(program.diary.chen.pk), **fields)


def test_the_interpreter_whom_the_patient_needs_is_held_and_booked(program, rosa):
    answer = for_the_patient(program)
    assert (answer.status_code, answer.json()["resources"]) == (201, ["Rosa"])
    refused = with_dr_chen(program)
    assert refused.status_code == 422
    assert refused.json()["detail"] == "No Spanish interpreter is free then."
    body = {"hold": "my-hold-01", "patient": str(program.diary.patient.pk)}
    assert program.post("appointments/$book/", body).status_code == 201
    with inside(program.diary.practice):
        assert Participant.objects.get().resource == rosa
        assert not Hold.objects.exists()


def test_what_is_found_beside_a_held_interpreter_does_not_need_her(program, rosa):
    for_the_patient(program)
    asked = {"practitioner": str(program.diary.chen.pk), "limit": 1}
    [without] = find(program, **asked).json()
    [with_her] = find(program, **asked, patient=str(program.diary.patient.pk)).json()
    assert (without["local_time"], with_her["local_time"]) == ("2026-11-25T10:00", "2026-11-25T10:30")


def test_needs_that_are_sent_stand_in_for_those_of_the_record(program, rosa):
    assert for_the_patient(program, needs=[]).json()["resources"] == []
    assert with_dr_chen(program).json()["resources"] == ["Rosa"]
    assert held(
        program, hold="nobody-yet", starts_at="2026-11-25T14:00:00-05:00", needs=["interpreter"]
    ).json()["resources"] == ["Rosa"]


def test_a_hold_is_as_long_as_the_visit_of_the_patient(program):
    diary = program.diary
    with inside(diary.practice):
        diary.patient.needs = ["longer"]
        diary.patient.save()
        PatientWish.objects.create(
            practice=diary.practice, patient=diary.patient, kind="longer", details={"minutes": 15}
        )
    assert held(program).json()["ends_at"] == "2026-11-25T15:30:00Z"
    assert for_the_patient(program).json()["ends_at"] == "2026-11-25T15:45:00Z"
    assert program.book(starts_at="2026-11-25T10:30:00-05:00").status_code == 409


def test_the_room_and_the_second_clinician_are_held(program):
    diary = program.diary
    with inside(diary.practice):
        place = Location.objects.create(practice=diary.practice, name="Main")
        Room.objects.create(practice=diary.practice, location=place, name="Room 1")
        diary.kind.needs_room, diary.kind.clinicians = True, 2
        diary.kind.save()
        for one in (diary.osei, diary.chen):
            one.location = place
            one.save()
    answer = for_the_patient(program).json()
    assert (answer["room"], answer["resources"]) == ("Room 1", ["Dr. Chen"])
    with inside(diary.practice):
        assert BusySlot.objects.count() == 3
    assert with_dr_chen(program).status_code == 409
    body = {"hold": "my-hold-01", "patient": str(diary.patient.pk)}
    assert program.post("appointments/$book/", body).json()["room"] == "Room 1"


def test_what_is_held_again_under_its_name_is_only_held_longer(program, rosa, clock):
    for_the_patient(program)
    with inside(program.diary.practice):
        first = Hold.objects.get()
    clock.shift(60)
    assert for_the_patient(program).json()["expires_at"] == "2026-11-24T14:06:00Z"
    with inside(program.diary.practice):
        assert Hold.objects.get() == first
    assert for_the_patient(program, needs=[]).json()["resources"] == []
    with inside(program.diary.practice):
        assert BusySlot.objects.get().resource_id == program.diary.osei.pk


def test_a_patient_of_another_practice_is_not_held_for(program):
    stranger = a_patient(a_practice("cedar-park"), "Tom")
    assert held(program, patient=str(stranger.pk)).status_code == 404


def find(program, **fields):
    wanted = {
        "type": str(program.diary.kind.pk),
        "start": "2026-11-25T10:00:00-05:00",
        "end": "2026-11-25T12:00:00-05:00",
    }
    return program.post("appointments/$find/", wanted | fields)


def test_a_program_finds_times_and_hears_why_they_fit(program):
    answer = find(program, practitioner=str(program.diary.osei.pk), limit=2)
    assert answer.status_code == 200
    assert [one["local_time"] for one in answer.json()] == ["2026-11-25T10:00", "2026-11-25T10:15"]
    assert answer.json()[0]["reasons"] == ["30 min free"]


def test_what_is_held_is_not_found(program):
    held(program)
    found = find(program, practitioner=str(program.diary.osei.pk)).json()
    assert next(one["local_time"] for one in found) == "2026-11-25T10:30"


def test_one_time_is_judged_with_what_it_breaks(program):
    who = str(program.diary.osei.pk)
    [judged] = find(program, at="2026-11-25T07:00:00-05:00", practitioner=who).json()
    assert judged["breaks"]


@pytest.mark.parametrize(
    "change",
    [
        {"end": "2026-11-25T10:00:00-05:00"},
        {"end": "2027-11-25T10:00:00-05:00"},
        {"end": "2999-01-01T00:00:00Z"},
        {"limit": 100_000},
        {"needs": ["a helicopter"]},
        {"at": "2026-11-25T07:00:00-05:00"},
    ],
)
def test_what_cannot_be_found_is_refused_at_the_field(program, change):
    answer = find(program, **change)
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_the_room_and_the_interpreter_of_a_visit_are_held_too(desk):
    with inside(desk.practice):
        place = Location.objects.create(practice=desk.practice, name="Main")
        Room.objects.create(practice=desk.practice, location=place, name="Room 1")
        desk.kind.needs_room = True
        desk.kind.save()
        desk.osei.location = desk.chen.location = place
        desk.osei.save()
        desk.chen.save()
    choose(desk)
    with inside(desk.practice):
        assert BusySlot.objects.count() == 2
        with pytest.raises(BookingRefused, match="No room is free then"):
            desk.book("2026-11-25 10:00", practitioner=desk.chen)
    assert desk.client.post(desk.url("book"), chosen(desk), **HTMX).status_code == 204
    with inside(desk.practice):
        assert Appointment.objects.get().room.name == "Room 1"
