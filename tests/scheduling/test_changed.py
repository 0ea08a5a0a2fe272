"""What changed since a person last looked: by whom, what was told, and when a look ends."""

import datetime as dt
import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging.models import Message
from practices import audit
from practices.apikeys import create_api_key
from practices.audit import Actor
from practices.models import AccessEvent
from practices.tenancy import inside
from scheduling.booking import cancel_appointment, confirm_appointment, reschedule_appointment
from scheduling.changed import COUNTED, Wish, count_unseen, last_look, mark_seen, what_changed
from scheduling.models import LastLook
from scheduling.undo import undo_change
from tests.factories import a_member, a_user, an_actor
from tests.scheduling.conftest import a_texted_patient, at

LIST_QUERIES = 3
PATIENT = Actor(kind="patient", door="link")


@pytest.fixture
def jo(diary):
    return a_member(diary.practice, a_user("jo@frontdesk.example", given_name="Jo"))


@pytest.fixture
def client(diary, jo):
    client = Client()
    client.force_login(jo.user)
    return client


def seen_by(diary, member, since=None, **wish):
    return what_changed(diary.practice, member.user, Wish(since or last_look(member.user), **wish))[0]


def kinds(entries):
    return [entry.kind for entry in entries]


def later(clock, minutes=1):
    clock.shift(dt.timedelta(minutes=minutes))


def test_each_change_says_what_by_whom_and_what_it_was(diary, jo, clock):
    visit = diary.book()
    later(clock)
    moved = reschedule_appointment(
        appointment=visit,
        starts_at=at("2026-11-27 11:00"),
        practitioner=diary.chen,
        version=visit.version,
        by=diary.by,
    )
    later(clock)
    confirm_appointment(appointment=moved, how="link", by=PATIENT)
    later(clock)
    moved.refresh_from_db()
    cancel_appointment(appointment=moved, reason="pat", version=moved.version, by=diary.by)
    cancelled, confirmed, change, booked = seen_by(diary, jo)
    assert [one.words for one in (booked, change, confirmed, cancelled)] == [
        "Booked", "Moved", "Confirmed", "Cancelled",
    ]  # fmt: skip
    assert change.was == "Tomorrow 10:00 AM, Dr. Osei"
    assert (booked.by, confirmed.by) == (diary.dana.user.short_name, "the patient by the link")
    assert cancelled.url("harbor-street").startswith("/p/harbor-street/appointments/")


def test_ones_own_changes_are_no_news_unless_asked_for(diary, jo):
    diary.book()
    assert seen_by(diary, diary.dana) == []
    assert kinds(seen_by(diary, diary.dana, mine=True)) == ["booked"]
    assert (count_unseen(diary.practice, diary.dana.user), count_unseen(diary.practice, jo.user)) == (0, 1)


def test_a_booking_that_was_taken_back_says_so(diary, jo, clock):
    visit = diary.book()
    later(clock)
    undo_change(change=visit.changes.get(), by=diary.by)
    assert [entry.words for entry in seen_by(diary, jo)] == ["Booking taken back", "Booked"]


def test_what_was_told_and_what_did_not_arrive(diary, jo, clock):
    visit = diary.book()
    message = Message.objects.get(notices__appointment=visit)
    assert kinds(seen_by(diary, jo)) == ["booked"]  # it waits: nobody was told yet
    later(clock, 4)
    Message.objects.filter(pk=message.pk).update(status="sent", sent_at=timezone.now())
    assert seen_by(diary, jo)[0].words == "Told by text: confirmation"
    Message.objects.filter(pk=message.pk).update(status="undelivered")
    assert seen_by(diary, jo)[0].words == "The text did not arrive: confirmation"
    assert kinds(seen_by(diary, jo, kind="told")) == ["told"]
    assert seen_by(diary, jo, practitioner=diary.chen.pk) == []


def test_the_list_is_of_a_clinician_or_a_day_also_of_what_left_them(diary, jo, clock):
    visit = diary.book()
    later(clock)
    reschedule_appointment(
        appointment=visit,
        starts_at=at("2026-11-27 11:00"),
        practitioner=diary.chen,
        version=visit.version,
        by=diary.by,
    )
    assert kinds(seen_by(diary, jo, practitioner=diary.chen.pk)) == ["moved"]
    assert kinds(seen_by(diary, jo, practitioner=diary.osei.pk)) == ["moved", "booked"]
    assert kinds(seen_by(diary, jo, day=dt.date(2026, 11, 25))) == ["moved", "booked"]
    assert kinds(seen_by(diary, jo, day=dt.date(2026, 11, 27))) == ["moved"]
    assert count_unseen(diary.practice, jo.user, diary.chen.pk) == 1


def test_a_look_ends_where_the_list_was_drawn_and_two_pages_only_move_it_forward(diary, jo, clock):
    diary.book()
    first_page = timezone.now()
    later(clock)
    diary.book("2026-11-25 11:00", patient=a_texted_patient(diary.practice, "Owen", "+15035550143"))
    second_page = timezone.now()
    mark_seen(until=first_page, by=an_actor(jo))
    assert kinds(seen_by(diary, jo)) == ["booked"]  # what came after the first page stays new
    mark_seen(until=second_page, by=an_actor(jo))
    mark_seen(until=first_page, by=an_actor(jo))
    assert last_look(jo.user) == second_page
    mark_seen(until=second_page + dt.timedelta(days=400), by=an_actor(jo))
    assert last_look(jo.user) == timezone.now()
    assert LastLook.objects.count() == 1
    assert count_unseen(diary.practice, jo.user) == 0


def test_who_never_looked_sees_a_day_and_a_look_of_long_ago_a_month(diary, jo, clock):
    diary.book("2027-03-30 10:00")
    clock.shift(dt.timedelta(hours=25))
    assert seen_by(diary, jo) == []
    mark_seen(until=timezone.now() - dt.timedelta(days=300), by=an_actor(jo))
    assert kinds(seen_by(diary, jo)) == ["booked"]
    clock.shift(dt.timedelta(days=31))
    assert seen_by(diary, jo) == []
    assert count_unseen(diary.practice, jo.user) == 0


def test_the_page_shows_names_leads_to_the_visit_and_writes_down_who_was_seen(diary, client):
    visit = diary.book()
    text = client.get("/p/harbor-street/changed/").content.decode()
    assert "Marisol" in text
    assert f"/p/harbor-street/today/?d=2026-11-25&amp;at=all#visit-{visit.pk}" in text
    assert AccessEvent.objects.get(screen="changed").patient_ids == [visit.patient_id]
    board = client.get("/p/harbor-street/today/").content.decode()
    assert '<b class="cnt acc num">1</b>' in board
    until = text.partition('name="until" value="')[2].partition('"')[0]
    client.post("/p/harbor-street/changed/seen/", {"until": until})
    assert "Nothing new" in client.get("/p/harbor-street/changed/").content.decode()
    assert "Marisol" in client.get("/p/harbor-street/changed/?span=1").content.decode()
    assert '<b class="cnt acc num">' not in client.get("/p/harbor-street/today/").content.decode()


@pytest.mark.parametrize("until", ["", "soon", "2026-11-24T10:00", "9999-99-99T00:00Z", "1e9", "\x00"])
def test_a_senseless_end_of_a_look_ends_nothing(diary, client, until):
    assert client.post("/p/harbor-street/changed/seen/", {"until": until}).status_code == 302
    assert not LastLook.objects.exists()


@pytest.mark.parametrize("query", ["day=someday", "who=1", "kind=burnt", "span=9999", "day=9999-12-31"])
def test_a_senseless_filter_is_said_or_left_out(diary, client, query):
    diary.book()
    answer = client.get(f"/p/harbor-street/changed/?{query}")
    assert answer.status_code == 200
    assert ('id="ch-problem"' in answer.content.decode()) == (query == "day=someday")


def test_privacy_mode_shows_initials(diary, jo, client):
    diary.book()
    jo.user.privacy_mode = True
    jo.user.save()
    text = client.get("/p/harbor-street/changed/").content.decode()
    assert "Marisol" not in text
    assert "M. V." in text


@pytest.mark.parametrize("count", [1, 40])
def test_it_costs_the_same_with_one_change_and_with_many(diary, jo, count):
    visit = diary.book()
    Message.objects.filter(notices__appointment=visit).update(status="sent", sent_at=timezone.now())
    audit.record_each([("appointment.confirmed", visit, visit.patient_id, None)] * count, by=diary.by)
    with CaptureQueriesContext(connection) as seen:
        found = what_changed(diary.practice, jo.user, Wish(timezone.now() - dt.timedelta(hours=1)))[0]
    assert len(found) == count + 2
    assert len(seen) == LIST_QUERIES
    with CaptureQueriesContext(connection) as counted:
        assert count_unseen(diary.practice, jo.user) == min(count + 1, COUNTED)
    assert len(counted) == 1


def test_the_api_lists_the_same_and_ends_a_look(diary, jo, clock):
    visit = diary.book()
    _, key = create_api_key(user=jo.user, by=diary.by)
    program = Client(headers={"Authorization": f"Bearer {key}"})
    root = "/api/v1/p/harbor-street/changes/"
    answer = program.get(root).json()
    assert [(one["kind"], one["appointment"]) for one in answer["changes"]] == [("booked", str(visit.pk))]
    assert "Marisol" not in json.dumps(answer)
    assert program.get(root, {"since": "1970-01-01T00:00:00Z"}).status_code == 400
    assert program.get(root, {"since": "2026-10-01T00:00:00Z"}).status_code == 400
    assert program.get(root, {"practitioner": "x", "day": "2026-13-40", "kind": "burnt"}).status_code == 400
    later(clock)
    sent = program.post(
        f"{root}seen/", json.dumps({"until": answer["until"]}), content_type="application/json"
    )
    assert sent.status_code == 200
    assert program.get(root).json()["changes"] == []
    assert program.post(f"{root}seen/", "{}", content_type="application/json").status_code == 400
    with inside(diary.practice):
        assert last_look(jo.user) == dt.datetime.fromisoformat(sent.json()["seen_until"])
