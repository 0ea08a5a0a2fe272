"""Taking back over the API what was done to a visit: what stands then, and what is refused in which words."""

import datetime as dt

import pytest
from django.test import Client

from practices.apikeys import create_api_key
from practices.models import AuditEntry, Role
from practices.tenancy import inside
from scheduling.models import Change
from tests.factories import a_member, a_practitioner, a_user, an_actor
from tests.scheduling.conftest import a_diary
from tests.scheduling.test_api import Desk


@pytest.fixture
def desk(db, clock):
    return Desk(a_diary())


def undo(desk, visit):
    return desk.post(f"appointments/{visit['id']}/undo/", {"version": visit["version"]})


def verbs(desk):
    with inside(desk.diary.practice):
        rows = AuditEntry.objects.filter(verb__endswith=".undone").order_by("pk")
        return [row.verb for row in rows]


def act(desk, visit, verb, **body):
    answer = desk.post(f"appointments/{visit['id']}/{verb}/", {"version": visit["version"]} | body)
    assert answer.status_code in {200, 201}, answer.json()
    return answer.json()


def test_a_booking_taken_back_is_entered_in_error_and_its_time_is_free(desk):
    answer = undo(desk, desk.book().json())
    assert (answer.status_code, answer.json()["status"]) == (200, "entered-in-error")
    assert verbs(desk) == ["appointment.booked.undone"]
    assert desk.book().status_code == 201


def test_a_move_taken_back_answers_the_visit_that_stands_again(desk):
    first = desk.book().json()
    moved = act(desk, first, "reschedule", starts_at="2026-11-26T10:00:00-05:00")
    back = undo(desk, moved).json()
    assert (back["id"], back["status"], back["starts_at"]) == (first["id"], "booked", first["starts_at"])
    assert desk.get(f"appointments/{moved['id']}/").json()["status"] == "entered-in-error"


def test_one_step_after_the_other_goes_back(desk):
    visit = desk.book().json()
    edited = act(desk, visit, "edit", minutes=45)
    gone = act(desk, edited, "cancel", reason="pat")
    stands = undo(desk, gone).json()
    assert (stands["status"], stands["ends_at"]) == ("booked", edited["ends_at"])
    stands = undo(desk, stands).json()
    assert stands["ends_at"] == visit["ends_at"]
    assert undo(desk, stands).json()["status"] == "entered-in-error"
    assert verbs(desk) == [f"appointment.{kind}.undone" for kind in ("cancelled", "edited", "booked")]


def test_a_step_of_the_day_goes_back(desk):
    visit = desk.book(starts_at="2026-11-24T10:00:00-05:00").json()
    arrived = act(desk, visit, "status", stage="arrived")
    back = undo(desk, arrived).json()
    assert (back["stage"], back["arrived_at"]) == ("booked", None)


def test_what_was_read_before_a_change_is_stale(desk):
    visit = desk.book().json()
    confirmed = act(desk, visit, "confirm")
    answer = undo(desk, visit)
    assert (answer.status_code, answer.json()["title"]) == (409, "The visit was changed")
    assert answer.json()["current"]["confirmation"] == confirmed["confirmation"]
    assert not verbs(desk)


def test_the_window_closes(desk, clock):
    visit = desk.book().json()
    clock.shift(desk.diary.practice.undo_window + dt.timedelta(seconds=1))
    answer = undo(desk, visit)
    assert (answer.status_code, answer.json()["title"]) == (422, "It is too late")
    assert answer["Content-Type"] == "application/problem+json"


def test_twice_is_refused(desk):
    gone = undo(desk, desk.book().json()).json()
    answer = undo(desk, gone)
    assert (answer.status_code, answer.json()["title"]) == (422, "It is too late")


def test_a_time_that_was_given_away_meanwhile_stays_so(desk):
    gone = act(desk, desk.book().json(), "cancel", reason="pat")
    assert desk.book().status_code == 201
    answer = undo(desk, gone)
    assert answer.status_code == 409
    assert len(answer.json()["next_times"]) == 2


def test_a_change_that_something_followed_is_a_conflict(desk):
    visit = desk.book(starts_at="2026-11-24T10:00:00-05:00").json()
    with inside(desk.diary.practice):  # the visit went on, as where two act at the same moment
        Change.objects.update(kind="walked-in")
    answer = undo(desk, visit)
    assert (answer.status_code, answer.json()["title"]) == (409, "The visit was changed")
    assert "went on after that" in answer.json()["detail"]


def test_what_was_booked_as_one_goes_as_one_and_the_asked_visit_is_answered(desk):
    wanted = desk.booking() | {"rule": "FREQ=WEEKLY;COUNT=3"}
    booked = desk.post("series/", wanted)
    assert booked.status_code == 201, booked.json()
    last = booked.json()["visits"][-1]
    answer = undo(desk, last).json()
    assert (answer["id"], answer["status"]) == (last["id"], "entered-in-error")
    day = last["local_time"][:10]
    assert {row["status"] for row in desk.get("appointments/", day=day).json()} <= {"entered-in-error"}
    assert len(verbs(desk)) == 3


@pytest.mark.parametrize("body", [{}, {"version": 0}, {"version": "last"}, []])
def test_a_body_without_a_version_is_refused(desk, body):
    visit = desk.book().json()
    assert desk.post(f"appointments/{visit['id']}/undo/", body).status_code == 400


def test_another_practices_visit_is_not_found(desk):
    theirs = a_diary(slug="cedar-park", email="mira@frontdesk.example")
    with inside(theirs.practice):
        visit = theirs.book()
    assert undo(desk, {"id": visit.pk, "version": 1}).status_code == 404


# --- delays ------------------------------------------------------------------------------------------------


@pytest.fixture
def today(desk):
    """Somebody is still to come to Dr. Osei today, so that she can be late."""
    desk.book(starts_at="2026-11-24T10:00:00-05:00")
    return desk


def late(desk, path="", **body):
    return desk.post(f"delays/{desk.diary.osei.pk}/{path}", body)


def test_what_was_said_of_a_delay_goes_back_step_by_step(today):
    late(today, minutes=20)
    said = late(today, more=10).json()
    back = late(today, "undo/", version=said["version"])
    assert (back.status_code, back.json()["minutes"]) == (200, 20)
    assert late(today, "undo/").json()["minutes"] == 0
    assert verbs(today) == ["delay.undone", "delay.undone"]


def test_a_delay_that_somebody_changed_is_a_conflict(today):
    read = late(today, minutes=20).json()
    late(today, more=10)
    answer = late(today, "undo/", version=read["version"])
    assert (answer.status_code, answer.json()["title"]) == (409, "The delay was changed")


def test_nothing_said_and_a_window_that_is_over_are_too_late(today, clock):
    assert late(today, "undo/").json()["title"] == "It is too late"
    assert late(today, minutes=20).status_code == 200
    clock.shift(today.diary.practice.undo_window + dt.timedelta(seconds=1))
    answer = late(today, "undo/")
    assert (answer.status_code, answer.json()["title"]) == (422, "It is too late")


def test_a_clinician_takes_back_only_what_is_said_of_herself(today):
    late(today, minutes=20)
    diary = today.diary
    kim = a_member(diary.practice, a_user("kim@frontdesk.example"), Role.CLINICIAN)
    with inside(diary.practice):
        own = a_practitioner(diary.practice, "Dr. Kim", user=kim.user)
        _, key = create_api_key(user=kim.user, by=an_actor(kim))
        diary.kind.offers.create(practice=diary.practice, practitioner=own)
        diary.book("2026-11-24 10:00", practitioner=own)
    today.client = Client(headers={"Authorization": f"Bearer {key}"})
    assert late(today, "undo/").status_code == 403
    assert today.post(f"delays/{own.pk}/", {"minutes": 5}).status_code == 200
    assert today.post(f"delays/{own.pk}/undo/", {}).json()["minutes"] == 0
