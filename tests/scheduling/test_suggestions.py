"""Times offered for what a text asks: nothing is written before a click, and that is undone like a move."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging import inbox
from messaging.models import Conversation, Message, Task
from messaging.models import Conversation as Thread
from patients.models import Consent, PatientWish, WishKind
from practices.tenancy import inside
from scheduling.booking import SlotTaken, StaleAppointment
from scheduling.editing import edit_appointment
from scheduling.models import Appointment, AppointmentTypeOffer, Change, Notice, Status, TimeOff
from scheduling.suggestions import suggest, take
from scheduling.undo import undo_change
from tests.factories import PASSWORD, a_practitioner
from tests.scheduling.conftest import a_diary, a_texted_patient, at

PHONE = "+15035550142"
_number = iter(range(1, 10_000))


def write(body, phone=PHONE):
    return inbox.receive(supplier_id=f"SMs{next(_number)}", from_=phone, body=body)


def offered(message):
    found = suggest(message)
    return [slot.words for slot in found.slots] if found else None


NEXT_WEEK = ("Mon, Nov 30", "Tue, Dec 1", "Wed, Dec 2")


def hourly(day, *hours):
    return [f"{day} {hour}:00 PM" for hour in hours]


@pytest.fixture
def visit(diary):
    """A visit on Wednesday at ten; it is Tuesday, nine o'clock."""
    return diary.book("2026-11-25 10:00", tell_patient=False)


@pytest.mark.parametrize(
    ("words", "times"),
    [
        ("I would rather come Thursday after 2", hourly("Thu, Nov 26", 2, 3, 4)),
        ("no puedo, mejor mañana por la tarde", hourly("Tomorrow", 1, 2, 3)),
        ("could you do 3pm on the 27th, my car broke", hourly("Fri, Nov 27", 2, 3, 4)),
        ("the mornings of next week are best for us", [f"{day} 8:00 AM" for day in NEXT_WEEK]),
        ("Monday or Wednesday before 9 works too", ["Tomorrow 8:00 AM", "Mon, Nov 30 8:00 AM"]),
    ],
)  # fmt: skip
def test_a_time_in_the_text_is_offered_with_its_availability(diary, visit, words, times):
    message = write(words)
    assert (message.reading, message.needs_person) == ("unclear", True)
    assert offered(message) == times


def test_a_wish_without_a_time_is_offered_the_next_days(diary, visit):
    message = write("can I reschedule?")
    assert message.reading == "new-time"
    assert offered(message) == ["Today 9:00 AM", "Tomorrow 8:00 AM", "Thu, Nov 26 8:00 AM"]


def test_times_that_are_taken_or_off_are_not_offered(diary, visit):
    diary.book("2026-11-26 14:00", patient=a_texted_patient(diary.practice, "Leo", "+15035550143"))
    TimeOff.objects.create(
        practice=diary.practice,
        practitioner=diary.osei,
        starts_at=at("2026-11-26 15:00"),
        ends_at=at("2026-11-26 17:00"),
    )
    assert offered(write("rather Thursday after 2 please ok")) == ["Thu, Nov 26 2:30 PM"]


def test_a_day_without_a_free_time_says_so_and_offers_the_next_two(diary, visit):
    TimeOff.objects.create(
        practice=diary.practice,
        practitioner=diary.osei,
        starts_at=at("2026-11-26 00:00"),
        ends_at=at("2026-11-27 00:00"),
    )
    found = suggest(write("rather Thursday ok with you"))
    assert found.words == "Dr. Osei has no free time then. The next ones are"
    assert [slot.words for slot in found.slots] == ["Fri, Nov 27 8:00 AM", "Fri, Nov 27 8:15 AM"]


@pytest.mark.parametrize("body", ["who is this", "yes", "here", "my son is sick"])
def test_a_text_without_a_time_offers_nothing(diary, visit, body):
    assert suggest(write(body)) is None


def test_without_a_plain_visit_nothing_is_offered(diary):
    assert suggest(write("can I come Thursday instead?")) is None  # no visit at all
    for given in ("Ana", "Leo"):
        diary.book(
            "2026-11-25 09:00" if given == "Ana" else "2026-11-25 11:00",
            patient=a_texted_patient(diary.practice, given, "+15035550150"), tell_patient=False,
        )  # fmt: skip
    assert suggest(write("can I come Thursday instead?", "+15035550150")) is None


def test_looking_writes_nothing_in_a_fixed_number_of_queries(diary, visit):
    message = write("rather Thursday after 2 ok")
    before = (
        Appointment.objects.count(),
        Message.objects.count(),
        Change.objects.count(),
        Task.objects.count(),
    )
    with CaptureQueriesContext(connection) as seen:
        suggest(message)
    assert len(seen) == 12
    assert not [query for query in seen if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert before == (
        Appointment.objects.count(), Message.objects.count(), Change.objects.count(), Task.objects.count()
    )  # fmt: skip


def test_more_visits_and_clinicians_are_no_more_queries(diary, visit):
    message = write("rather Thursday after 2 ok")
    more = a_practitioner(diary.practice, "Dr. Ito", position=3)
    AppointmentTypeOffer.objects.create(
        practice=diary.practice, appointment_type=diary.kind, practitioner=more
    )
    leo = a_texted_patient(diary.practice, "Leo", "+15035550143")
    for hour in (14, 15, 16):
        diary.book(f"2026-11-26 {hour}:00", patient=leo, tell_patient=False)
    with CaptureQueriesContext(connection) as seen:
        assert suggest(message).slots
    assert len(seen) == 12


def test_a_visit_that_was_made_longer_is_offered_only_times_that_are_long_enough(diary, visit):
    diary.book("2026-11-26 15:00", patient=a_texted_patient(diary.practice, "Leo", "+15035550143"))
    message = write("I would rather come Thursday after 2")
    assert offered(message) == ["Thu, Nov 26 2:00 PM", "Thu, Nov 26 3:30 PM", "Thu, Nov 26 4:30 PM"]
    edit_appointment(appointment=visit, version=visit.version, values={"minutes": 90}, by=diary.by)
    assert offered(message) == ["Thu, Nov 26 3:30 PM"]


def test_what_a_visit_needs_and_where_the_patient_is_anyway_are_thought_of(diary, visit):
    PatientWish.objects.create(
        practice=diary.practice,
        patient=diary.patient,
        kind=WishKind.NOT_BEFORE,
        details={"starts": "15:00"},
    )
    message = write("can I come Thursday after 2?")
    assert offered(message) == ["Thu, Nov 26 3:00 PM", "Thu, Nov 26 4:00 PM"]
    diary.book("2026-11-26 16:00", practitioner=diary.chen, tell_patient=False)
    assert offered(message) == ["Thu, Nov 26 3:00 PM", "Thu, Nov 26 4:30 PM"]


def test_a_click_moves_the_visit_answers_and_can_be_undone(diary, visit):
    message = write("can I come Thursday after 2?")
    visit.refresh_from_db()
    slot = suggest(message).slots[0]
    moved = take(message=message, visit=visit, version=visit.version, starts_at=slot.starts_at, by=diary.by)
    assert moved.starts_at == at("2026-11-26 14:00")
    told = Message.objects.waiting().get()
    assert "Thu, Nov 26 at 2:00 PM" in told.body
    assert not Task.objects.open().exists()
    assert not Message.objects.to_read().exists()
    undo_change(change=Change.objects.get(appointment=moved), by=diary.by)
    visit.refresh_from_db()
    assert (visit.status, visit.starts_at) == (Status.BOOKED, at("2026-11-25 10:00"))
    told.refresh_from_db()
    assert told.status == "cancelled"


def test_who_gave_no_consent_is_still_answered_what_was_asked(diary, visit):
    Consent.objects.all().delete()
    message = write("can I come Thursday after 2?")
    visit.refresh_from_db()
    moved = take(
        message=message, visit=visit, version=visit.version, starts_at=at("2026-11-26 14:00"), by=diary.by
    )
    told = Message.objects.waiting().get()
    assert (told.in_reply_to, told.kind) == (message, "moved")
    assert Notice.objects.get(message=told).appointment == moved


def test_a_time_that_was_taken_meanwhile_changes_nothing(diary, visit):
    message = write("rather Thursday at 2 ok")
    diary.book("2026-11-26 14:00", patient=a_texted_patient(diary.practice, "Leo", "+15035550143"))
    with pytest.raises(SlotTaken) as taken:
        take(
            message=message, visit=visit, version=visit.version, starts_at=at("2026-11-26 14:00"), by=diary.by
        )
    assert len(taken.value.next_times) == 2
    with pytest.raises(StaleAppointment):
        take(message=message, visit=visit, version=99, starts_at=at("2026-11-26 15:00"), by=diary.by)
    visit.refresh_from_db()
    assert visit.status == Status.BOOKED
    assert Message.objects.to_read().exists()


@pytest.fixture
def desk(db, clock):
    """The desk in a browser's place, with a text that waits."""
    diary = a_diary(quiet_from=dt.time(0), quiet_until=dt.time(0))
    client = Client()
    client.login(email="dana@frontdesk.example", password=PASSWORD)
    with inside(diary.practice):
        diary.visit = diary.book("2026-11-25 10:00", tell_patient=False)
        diary.message = write("rather Thursday after 2 ok")
        diary.thread = Thread.objects.get(patient=diary.patient)
    diary.client = client

    def url(name, *ids):
        return reverse(name, args=[diary.practice.slug, *ids])

    diary.url = url
    return diary


def test_the_conversation_shows_the_bar_and_a_click_answers_with_the_board(desk):
    answer = desk.client.get(desk.url("thread-suggestion", desk.thread.pk), headers={"HX-Request": "true"})
    assert b"Thu, Nov 26 2:00 PM" in answer.content
    assert answer.content.count(b'name="start"') == 3
    chosen = {"visit": str(desk.visit.pk), "version": "1", "start": "2026-11-26T19:00:00+00:00"}
    done = desk.client.post(
        desk.url("suggestion-take", desk.message.pk), chosen, headers={"HX-Request": "true"}
    )
    assert done.status_code == 204
    assert "Moved to Thu, Nov 26, 2:00 PM." in done["HX-Trigger"]
    again = desk.client.get(desk.url("thread-suggestion", desk.thread.pk), headers={"HX-Request": "true"})
    assert (again.status_code, again.content) == (200, b"")
    with inside(desk.practice):
        assert Conversation.objects.get(pk=desk.thread.pk).state == "done"


def test_the_next_two_after_a_stale_time_are_long_enough_too(desk):
    with inside(desk.practice):
        leo = a_texted_patient(desk.practice, "Leo", "+15035550143")
        for hour in (15, 16):
            desk.book(f"2026-11-26 {hour}:00", patient=leo, tell_patient=False)
        edit_appointment(appointment=desk.visit, version=1, values={"minutes": 60}, by=desk.by)
    chosen = {"visit": str(desk.visit.pk), "version": "2", "start": "2026-11-26T19:30:00+00:00"}
    answer = desk.client.post(desk.url("suggestion-take", desk.message.pk), chosen)
    assert answer.status_code == 409
    starts = re.findall(r'name="start" value="([^"]+)"', answer.content.decode())
    assert starts == ["2026-11-27T13:00:00+00:00", "2026-11-27T13:15:00+00:00"]


def test_a_stale_time_says_so_and_offers_the_next_two(desk):
    with inside(desk.practice):
        leo = a_texted_patient(desk.practice, "Leo", "+15035550143")
        desk.book("2026-11-26 14:00", patient=leo, tell_patient=False)
    chosen = {"visit": str(desk.visit.pk), "version": "1", "start": "2026-11-26T19:00:00+00:00"}
    answer = desk.client.post(
        desk.url("suggestion-take", desk.message.pk), chosen, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 409
    assert "That time was just taken." in answer.content.decode()
    assert answer.content.count(b'name="start"') == 2


@pytest.mark.parametrize(
    "start", ["", "x", "2026-11-26", "9999-12-31T23:59:59+00:00", "1900-01-01T00:00:00+00:00"]
)
def test_senseless_times_move_nothing(desk, start):
    chosen = {"visit": str(desk.visit.pk), "version": "1", "start": start}
    answer = desk.client.post(desk.url("suggestion-take", desk.message.pk), chosen)
    assert answer.status_code in {404, 409}
    with inside(desk.practice):
        assert Appointment.objects.get().starts_at == at("2026-11-25 10:00")


def test_without_scripts_the_conversation_leads_to_it_and_back(desk):
    conversation, offer = desk.url("thread", desk.thread.pk), desk.url("thread-suggestion", desk.thread.pk)
    assert f'<noscript><a class="btn" href="{offer}">' in desk.client.get(conversation).content.decode()
    assert b"asks for another time" in desk.client.get(offer).content
    with inside(desk.practice):
        inbox.mark_handled(message=desk.message, by=desk.by)
    assert desk.client.get(offer)["Location"] == conversation


def test_without_scripts_it_is_a_page(desk):
    answer = desk.client.get(desk.url("message-suggestion", desk.message.pk))
    assert answer.status_code == 200
    assert b"asks for another time" in answer.content


def test_a_wish_that_was_understood_waits_in_the_inbox_and_is_offered_too(desk):
    """It was read automatically, but only a person can answer it; once answered the conversation is done."""
    with inside(desk.practice):
        inbox.mark_handled(message=desk.message, by=desk.by)
        wish = write("can I come Thursday instead?")
        assert (wish.reading, wish.needs_person) == ("new-time", False)
        assert Thread.objects.get(pk=desk.thread.pk).state == "needs-action"
    answer = desk.client.get(desk.url("thread-suggestion", desk.thread.pk), headers={"HX-Request": "true"})
    assert b"Thu, Nov 26 8:00 AM" in answer.content
    with inside(desk.practice):
        visit = Appointment.objects.get(pk=desk.visit.pk)
    chosen = {"visit": str(visit.pk), "version": str(visit.version), "start": "2026-11-26T13:00:00+00:00"}
    assert desk.client.post(desk.url("suggestion-take", wish.pk), chosen).status_code == 302
    with inside(desk.practice):
        assert Thread.objects.get(pk=desk.thread.pk).state == "done"
        assert not Task.objects.open().exists()
