"""Patients choose a time themselves: what a link shows, what a press does, and what it refuses."""

import datetime as dt
import re
from types import SimpleNamespace

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from messaging.models import Message, Task
from practices.tenancy import inside
from scheduling.booking import book_appointment, reschedule_appointment
from scheduling.choosing import choose_time, opened
from scheduling.editing import edit_appointment
from scheduling.links import create_link
from scheduling.models import Appointment, AppointmentType, TimeOff, TimeRequest, VisitLink
from scheduling.time_requests import CannotBeTold, send_times
from tests.factories import a_practitioner, a_type
from tests.scheduling.conftest import NOW, a_diary, a_texted_patient, at

RIGHT = {"birth_month": "3", "birth_day": "14", "birth_year": "1986"}
WRONG = RIGHT | {"birth_day": "15"}


@pytest.fixture
def door(db):
    """A patient who was sent times to choose from, and the link of the text."""
    with time_machine.travel(NOW, tick=False) as clock:
        made = a_diary()
        with inside(made.practice):
            made.visit = made.book(tell_patient=False)
            made.request = send_times(appointment=made.visit, by=made.by)
            text = Message.objects.get(kind="choose").body
        made.token = re.search(r"/n/([\w-]+)/", text)[1]
        made.clock, made.client = clock, Client(enforce_csrf_checks=True)
        made.url = lambda name="choose": reverse(name, args=[made.token])
        yield made


def prove(door: SimpleNamespace) -> str:
    assert door.client.post(door.url(), RIGHT).status_code == 302
    return door.client.get(door.url()).content.decode()


def times_on(page: str) -> list[str]:
    return re.findall(r'name="time" value="([^"]+)"', page)


def chain(door: SimpleNamespace) -> list[tuple[str, bool]]:
    with inside(door.practice):
        rows = [(row.status, row.rescheduled_from_id is not None) for row in Appointment.objects.all()]
        return sorted(rows, key=lambda row: row[1])  # the clock stands still: what replaced comes last


def test_before_the_birth_date_it_says_practice_and_appointment_only(door):
    for name in ("choose", "choose-none", "choose-cancel"):
        answer = door.client.get(door.url(name))
        page = answer.content.decode()
        assert "Harbor Street" in page
        assert not [word for word in ("Marisol", "Vega", "Osei", "Chen", 'name="time"') if word in page]
        assert answer["Referrer-Policy"] == "no-referrer"
    assert door.client.post(door.url(), {"time": "x"}).status_code == 200  # only the question again
    assert chain(door) == [("booked", False)]


def test_the_chosen_time_moves_the_visit_at_once_and_twice_is_once(door):
    page = prove(door)
    times = times_on(page)
    assert 3 <= len(times) <= 12
    for _ in range(2):
        answer = door.client.post(door.url(), {"time": times[1], "text": "I bring my son"})
        assert answer.status_code == 302
    assert chain(door) == [("cancelled", False), ("booked", True)]
    page = door.client.get(door.url()).content.decode()
    assert "Your appointment is now" in page
    with inside(door.practice):
        new = Appointment.objects.get(status="booked")
        assert (new.confirmation, new.confirmed_by) == ("confirmed", "link")
        assert "I bring my son" in new.note
        request = TimeRequest.objects.get()
        assert (request.state, request.chosen) == ("chosen", new)
        assert Message.objects.filter(kind="chosen").count() == 1
        assert not Message.objects.filter(kind="choose", status="queued").exists()


def test_a_time_that_is_gone_answers_with_the_next_ones_and_keeps_what_was_typed(door):
    times = times_on(prove(door))
    with inside(door.practice):
        (person, moment), *_ = sorted(door.request.offered, key=lambda offer: offer[1])
        practitioner = {door.osei.pk: door.osei, door.chen.pk: door.chen}[person]
        book_appointment(
            patient=a_texted_patient(door.practice, "Ben", "+15035550777"),
            practitioner=practitioner,
            appointment_type=door.kind,
            starts_at=dt.datetime.fromisoformat(moment),
            by=door.by,
        )
        visits = Appointment.objects.count()
    gone = next(
        value for value in times if value not in times_on(door.client.get(door.url()).content.decode())
    )
    answer = door.client.post(door.url(), {"time": gone, "text": "Mornings, please"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "That time was just taken" in page
    assert "Mornings, please" in page
    assert len(times_on(page)) >= 3
    with inside(door.practice):
        assert Appointment.objects.count() == visits
        assert Appointment.objects.get(pk=door.visit.pk).is_open


def test_only_a_time_that_was_shown_can_be_taken(door):
    (first, *_) = times_on(prove(door))
    forged = [first[:-2] + "xx", f"{door.osei.pk}|2026-11-27T15:00Z", "", "x" * 5000]
    for value in forged:
        answer = door.client.post(door.url(), {"time": value})
        assert answer.status_code == 422
        assert "Please choose one of the times" in answer.content.decode()
    with inside(door.practice):
        other = door.book("2026-11-26 10:00", tell_patient=False)
        link, token = create_link(other)
        del link
    # A time shown by another link is none of this one.
    there = Client()
    there.post(reverse("visit-new-time", args=[token]), RIGHT)
    (theirs, *_) = times_on(there.get(reverse("visit-new-time", args=[token])).content.decode())
    assert door.client.post(door.url(), {"time": theirs}).status_code == 422
    door.clock.shift(dt.timedelta(minutes=61))
    door.client.post(door.url(), RIGHT)
    assert door.client.post(door.url(), {"time": first}).status_code == 422, "shown more than an hour ago"
    assert chain(door)[0] == ("booked", False)


def test_a_link_is_good_for_its_purpose_alone(door):
    with inside(door.practice):
        _, token = create_link(door.visit)
    assert Client().get(reverse("choose", args=[token])).status_code == 404
    assert Client().get(reverse("visit", args=[door.token])).status_code == 404


def test_five_wrong_dates_lock_it_and_call_a_person(door):
    for _ in range(5):
        assert door.client.post(door.url(), WRONG).status_code == 403
    assert door.client.post(door.url(), RIGHT).status_code == 403
    with inside(door.practice):
        assert VisitLink.objects.get(purpose="choose").locked_at is not None
        assert Task.objects.open().filter(kind="link-locked").count() == 1


def test_none_of_these_becomes_a_wish_and_a_call(door):
    prove(door)
    assert door.client.post(door.url("choose-none"), {"text": " "}).status_code == 422
    answer = door.client.post(
        door.url("choose-none"), {"hours": ["mornings", "nonsense"], "text": "Not on Fridays"}
    )
    assert "We will call you" in answer.content.decode()
    with inside(door.practice):
        task = Task.objects.open().get()
        assert (task.kind, task.note) == ("new-time", "Mornings\nNot on Fridays")
        assert TimeRequest.objects.get().state == "wishes"
    # And who finds a time after all may still take it.
    page = door.client.get(door.url()).content.decode()
    assert door.client.post(door.url(), {"time": times_on(page)[0]}).status_code == 302
    with inside(door.practice):
        assert TimeRequest.objects.get().state == "chosen"
        assert not Task.objects.open().exists()


def test_no_other_time_at_all_cancels(door):
    prove(door)
    assert "Cancel this appointment?" in door.client.get(door.url("choose-cancel")).content.decode()
    assert chain(door) == [("booked", False)]
    assert "is cancelled" in door.client.post(door.url("choose-cancel")).content.decode()
    with inside(door.practice):
        assert Appointment.objects.get().cancellation_reason == "pat-cpp"
        assert TimeRequest.objects.get().state == "cancelled"
    assert door.client.get(door.url()).status_code == 410


def test_what_staff_moved_meanwhile_is_no_business_of_the_old_link(door):
    prove(door)
    with inside(door.practice):
        reschedule_appointment(
            appointment=door.visit, version=1, starts_at=at("2026-11-27 10:00"), by=door.by
        )
    answer = door.client.get(door.url())
    assert answer.status_code == 410
    assert "November 27" not in answer.content.decode()


def test_the_practice_opens_no_times_then_only_what_was_offered_shows(door):
    with inside(door.practice):
        AppointmentType.objects.update(patients_may_choose=False)
        assert len(door.request.offers) == 3
    assert len(times_on(prove(door))) == 3


def test_in_spanish_every_word_is_there(door):
    prove(door)
    page = door.client.get(f"{door.url()}?lang=es").content.decode()
    assert "Elija otra hora" in page
    assert "Ninguna me conviene" in page
    assert "choose" not in re.sub(r"<[^>]+>", "", page)


def test_sending_twice_is_once_and_who_cannot_be_told_is_said(door):
    with inside(door.practice):
        again = send_times(appointment=door.visit, by=door.by)
        assert again == door.request
        assert Message.objects.filter(kind="choose").count() == 1
        silent = a_texted_patient(door.practice, "Cal", "+15035550778", preferred_channel="call")
        visit = door.book("2026-11-26 11:00", patient=silent, tell_patient=False)
        with pytest.raises(CannotBeTold, match="asked to be called"):
            send_times(appointment=visit, by=door.by)


def test_one_press_in_the_panel(door):
    with inside(door.practice):
        TimeRequest.objects.all().delete()
        Message.objects.all().delete()
    client = Client()
    client.force_login(door.dana.user)
    url = reverse("appointment-send-times", args=[door.practice.slug, door.visit.pk])
    assert client.get(url).status_code == 405
    assert client.post(url, headers={"HX-Request": "true"}).status_code == 204
    with inside(door.practice):
        assert Message.objects.filter(kind="choose").count() == 1


def all_day_but(door, gaps, day="2026-11-25"):
    """Books Dr. Osei's day full but for the half hours that are named; Dr. Chen is out until Christmas."""
    TimeOff.objects.create(
        practice=door.practice, practitioner=door.chen, starts_at=NOW, ends_at=NOW + dt.timedelta(days=30)
    )
    other = a_texted_patient(door.practice, "Ben", "+15035550777")
    halves = [f"{hour:02}:{minute:02}" for hour in (8, 9, 10, 11, 13, 14, 15, 16) for minute in (0, 30)]
    for half in set(halves) - {*gaps, "10:00"}:  # at ten is the visit itself
        door.book(f"{day} {half}", patient=other, tell_patient=False)


def shown_on(door, visit, day="2026-11-25"):
    local = [time.starts_at.astimezone(door.practice.zone) for time in opened(visit)]
    return [f"{moment:%H:%M}" for moment in local if f"{moment:%Y-%m-%d}" == day]


def test_a_visit_that_was_made_longer_is_shown_only_times_that_are_long_enough(door):
    with inside(door.practice):
        all_day_but(door, {"08:00", "10:30", "14:30", "15:00"})
        assert shown_on(door, door.visit) == ["08:00", "14:30"]
        longer = edit_appointment(appointment=door.visit, version=1, values={"minutes": 60}, by=door.by)
        assert shown_on(door, longer) == ["14:30"]
        choose_time(visit=longer, practitioner_id=door.osei.pk, starts_at=at("2026-11-25 14:30"), by=door.by)
        assert Appointment.objects.get(patient=door.patient, status="booked").minutes == 60


def test_a_patient_is_not_shown_times_at_which_she_is_with_somebody_else(door):
    with inside(door.practice):
        all_day_but(door, {"08:00", "11:00"})
        assert shown_on(door, door.visit) == ["08:00"]
        nurse = a_practitioner(door.practice, "Nurse Bell", position=3)
        tests = a_type(door.practice, "Tests", 15, [nurse])
        door.book("2026-11-25 08:15", practitioner=nurse, appointment_type=tests, tell_patient=False)
        assert shown_on(door, door.visit) == ["11:00"]


def test_what_the_practice_does_not_open_to_patients_is_not_shown(door):
    with inside(door.practice):
        door.clock.move_to(at("2026-11-25 08:10"))
        assert shown_on(door, door.visit)[0] == "09:15", "nobody takes a time that begins while she reads"
        door.visit.appointment_type.patients_may_choose = False
        assert opened(door.visit) == []
