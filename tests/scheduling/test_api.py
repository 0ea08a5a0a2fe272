"""The diary's API: the verbs behind HTTP, refusals as problem details, the same answer to the same key."""

import datetime as dt
import json
import uuid

import pytest
from django.test import Client

from practices.apikeys import create_api_key
from practices.models import AccessEvent, IdempotencyKey
from practices.tenancy import inside
from scheduling.models import Appointment
from tests.factories import a_member, a_patient, a_practice, a_practitioner, a_type, a_user, an_actor
from tests.scheduling.conftest import a_diary, at

pytestmark = pytest.mark.django_db


class Desk:
    """A program that holds a key of the diary's practice."""

    def __init__(self, diary) -> None:
        self.diary, self.root = diary, f"/api/v1/p/{diary.practice.slug}/"
        with inside(diary.practice):
            _, self.key = create_api_key(user=diary.dana.user, by=diary.by)
        self.client = Client(headers={"Authorization": f"Bearer {self.key}"})

    def get(self, path, **query):
        return self.client.get(self.root + path, query)

    def post(self, path, body, **headers):
        return self.client.post(
            self.root + path, json.dumps(body), content_type="application/json", headers=headers
        )

    def booking(self, **fields):
        return {
            "patient": str(self.diary.patient.pk),
            "practitioner": str(self.diary.osei.pk),
            "type": str(self.diary.kind.pk),
            "starts_at": "2026-11-25T10:00:00-05:00",
        } | fields

    def book(self, **fields):
        return self.post("appointments/", self.booking(**fields))


@pytest.fixture
def desk(db, clock):
    return Desk(a_diary())


def test_a_booking_answers_201_with_the_visit(desk):
    answer = desk.book(reason="sore knee")
    assert answer.status_code == 201
    body = answer.json()
    assert body["starts_at"] == "2026-11-25T15:00:00Z"
    assert (body["local_time"], body["time_zone"]) == ("2026-11-25T10:00", "America/New_York")
    assert (body["status"], body["stage"], body["reason"]) == ("booked", "booked", "sore knee")
    assert desk.get(f"appointments/{body['id']}/").json() == body


def test_the_wall_clock_of_the_practice_is_understood(desk):
    body = desk.booking(local_time="2026-11-25T10:00")
    del body["starts_at"]
    assert desk.post("appointments/", body).json()["starts_at"] == "2026-11-25T15:00:00Z"


def test_a_taken_time_answers_409_with_the_next_free_ones(desk):
    desk.book()
    answer = desk.book()
    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert [free["local_time"] for free in answer.json()["next_times"]] == [
        "2026-11-25T10:30",
        "2026-11-25T10:45",
    ]


@pytest.mark.parametrize(
    ("fields", "status", "title"),
    [
        ({"starts_at": "2026-11-24T08:00:00-05:00"}, 422, "cannot be booked"),
        ({"starts_at": "2026-11-25T19:00:00-05:00"}, 422, "cannot be booked"),
        ({"starts_at": "2026-11-25T10:00:00"}, 400, "another look"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, 400, "another look"),
        ({"starts_at": "9999-12-31T23:59:59-14:00"}, 400, "another look"),
        ({"starts_at": 1e300}, 400, "another look"),
        ({"starts_at": None}, 400, "another look"),
        ({"local_time": "2026-11-25T10:00"}, 400, "another look"),
        ({"patient": "nobody"}, 400, "another look"),
        ({"reason": "x" * 501}, 400, "another look"),
        ({"note": "a\x00b"}, 400, "another look"),
    ],
)
def test_bad_bookings_are_told_in_problem_details(desk, fields, status, title):
    answer = desk.book(**fields)
    assert answer.status_code == status
    assert title in answer.json()["title"]
    with inside(desk.diary.practice):
        assert not Appointment.objects.exists()


@pytest.mark.parametrize("body", [[], "text", 7, None, {}])
def test_a_body_that_is_no_booking_is_refused(desk, body):
    assert desk.post("appointments/", body).status_code == 400


def test_a_time_that_does_not_exist_is_refused_and_one_that_comes_twice_is_asked(desk):
    body = desk.booking(local_time="2027-03-14T02:30")
    del body["starts_at"]
    gap = desk.post("appointments/", body)
    assert (gap.status_code, gap.json()["title"]) == (422, "The time does not exist")
    fold = desk.post("appointments/", body | {"local_time": "2026-11-01T01:30"})
    assert fold.status_code == 422
    assert fold.json()["instants"] == ["2026-11-01T05:30:00+00:00", "2026-11-01T06:30:00+00:00"]


@pytest.mark.parametrize("field", ["patient", "practitioner", "type"])
def test_another_practices_rows_are_not_found(desk, field):
    cedar = a_practice("cedar-park")
    lund = a_practitioner(cedar, "Dr. Lund")
    theirs = {"patient": a_patient(cedar, "Tom"), "practitioner": lund, "type": a_type(cedar)}
    answer = desk.book(**{field: str(theirs[field].pk)})
    assert answer.status_code == 404
    assert "Tom" not in answer.content.decode()


def test_another_practices_visit_is_not_found(desk):
    theirs = a_diary(slug="cedar-park", email="mira@frontdesk.example")
    with inside(theirs.practice):
        visit = theirs.book()
    for pk in (visit.pk, uuid.uuid4()):
        assert desk.get(f"appointments/{pk}/").status_code == 404
        assert desk.post(f"appointments/{pk}/confirm/", {}).status_code == 404
        cancelled = desk.post(f"appointments/{pk}/cancel/", {"version": 1, "reason": "pat"})
        assert cancelled.status_code == 404


def test_a_day_lists_its_visits_and_records_who_was_shown(desk):
    desk.book()
    desk.book(starts_at="2026-11-26T10:00:00-05:00")
    rows = desk.get("appointments/", day="2026-11-25").json()
    assert [row["patient"]["name"] for row in rows] == ["Marisol Vega"]
    with inside(desk.diary.practice):
        assert AccessEvent.objects.get(screen="day").patient_ids == [desk.diary.patient.pk]


@pytest.mark.parametrize("day", ["", "tomorrow", "2026-02-30", "1999-12-31", "2101-01-01"])
def test_a_day_that_is_none_is_refused(desk, day):
    assert desk.get("appointments/", day=day).status_code == 400


def test_availability_lists_times_and_refuses_more_than_a_month(desk):
    kind = str(desk.diary.kind.pk)
    rows = desk.get("availability/", type=kind, **{"from": "2026-11-25", "until": "2026-11-25"}).json()
    assert rows[0]["local_time"] == "2026-11-25T08:00"
    one = str(desk.diary.chen.pk)
    chen = desk.get(
        "availability/", type=kind, practitioner=one, **{"from": "2026-11-25", "until": "2026-11-25"}
    ).json()
    assert {row["practitioner"] for row in chen} == {one}
    assert len(rows) == 2 * len(chen)
    for until in ("2026-12-26", "2026-11-24"):
        answer = desk.get("availability/", type=kind, **{"from": "2026-11-25", "until": until})
        assert answer.status_code == 400


def test_the_lists_of_the_practice(desk):
    assert [row["short_name"] for row in desk.get("practitioners/").json()] == ["Dr. Osei", "Dr. Chen"]
    (kind,) = desk.get("appointment-types/").json()
    assert (kind["name"], kind["minutes"], len(kind["practitioners"])) == ("Follow-up", 30, 2)


def test_move_confirm_arrive_and_cancel(desk, clock):
    first = desk.book().json()
    path = f"appointments/{first['id']}/"
    moved = desk.post(f"{path}reschedule/", {"version": 1, "starts_at": "2026-11-24T10:00:00-05:00"}).json()
    assert moved["rescheduled_from"] == first["id"]
    stale = desk.post(f"{path}cancel/", {"version": 1, "reason": "pat"})
    assert (stale.status_code, stale.json()["current"]["status"]) == (409, "cancelled")
    path = f"appointments/{moved['id']}/"
    for _ in range(2):
        assert desk.post(f"{path}confirm/", {}).json()["confirmation"] == "confirmed"
    arrived = desk.post(f"{path}status/", {"version": 2, "stage": "arrived"}).json()
    assert arrived["stage"] == "arrived"
    refused = desk.post(f"{path}cancel/", {"version": 3, "reason": "pat"})
    assert refused.status_code == 409
    back = desk.post(f"{path}status/", {"version": 3, "stage": "booked"}).json()
    gone = desk.post(f"{path}cancel/", {"version": back["version"], "reason": "pat-lt"}).json()
    assert (gone["status"], gone["cancellation_reason"]) == ("cancelled", "pat-lt")


def test_the_same_key_gets_the_same_answer_and_books_once(desk):
    first = desk.post("appointments/", desk.booking(), **{"Idempotency-Key": "call-17"})
    again = desk.post("appointments/", desk.booking(), **{"Idempotency-Key": "call-17"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    other = desk.post("appointments/", desk.booking(reason="else"), **{"Idempotency-Key": "call-17"})
    assert other.status_code == 422
    with inside(desk.diary.practice):
        assert Appointment.objects.count() == 1


def test_a_refusal_is_remembered_like_any_answer(desk):
    desk.book()
    first = desk.post("appointments/", desk.booking(), **{"Idempotency-Key": "call-18"})
    again = desk.post("appointments/", desk.booking(), **{"Idempotency-Key": "call-18"})
    assert (first.status_code, again.status_code) == (409, 409)
    assert again.json() == first.json()
    assert again["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_key_that_is_none_is_refused(desk, key):
    assert desk.post("appointments/", desk.booking(), **{"Idempotency-Key": key}).status_code == 400
    with inside(desk.diary.practice):
        assert not IdempotencyKey.objects.exists()


def test_without_a_key_of_this_practice_there_is_no_door(desk):
    path = f"{desk.root}appointments/"
    assert Client().get(path).status_code == 401
    cedar = a_practice("cedar-park")
    member = a_member(cedar, a_user("mira@frontdesk.example"))
    with inside(cedar):
        _, foreign = create_api_key(user=member.user, by=an_actor(member))
    assert Client(headers={"Authorization": f"Bearer {foreign}"}).get(path).status_code == 404


@pytest.mark.parametrize("visits", [1, 12])
def test_a_day_costs_the_same_queries_however_full_it_is(desk, django_assert_num_queries, visits):
    with inside(desk.diary.practice):
        for place in range(visits):
            desk.diary.book(
                starts_at=at("2026-11-25 08:00") + dt.timedelta(minutes=20 * place), overbook_reason="Full"
            )
    desk.get("practitioners/")  # the key's day of last use is written once
    with django_assert_num_queries(9):
        assert len(desk.get("appointments/", day="2026-11-25").json()) == visits
