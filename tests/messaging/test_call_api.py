"""The API of the calls: the verbs of the pages, bounds on every field, nothing of another practice."""

import uuid
from typing import Any

import pytest
from django.test import Client

from messaging import call_endings
from messaging.models import Call, Recording
from practices.apikeys import create_api_key
from practices.models import AccessEvent, Practice
from practices.tenancy import inside
from tests.factories import a_member, a_practice, an_actor
from tests.messaging.conftest import PHONE
from tests.messaging.test_calls import ring

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.messaging.urls")]

ROOT = "/api/v1/p/harbor-street/calls/"


@pytest.fixture
def api(practice: Practice) -> Client:
    member = a_member(practice)
    with inside(practice):
        _, key = create_api_key(user=member.user, by=an_actor())
    return Client(headers={"Authorization": f"Bearer {key}"})


def send(api: Client, path: str, body: Any, **headers: str) -> Any:
    return api.post(path, body, content_type="application/json", headers=headers)


def test_a_call_is_logged_once_and_read_back(api, practice, patient):
    body = {
        "direction": "in", "number": "(503) 555-0142", "patient": str(patient.pk),
        "note": "Asks about Friday.", "matter": "appointment",
        "caller_name": "Rosa Vega", "caller_relation": "mother",
    }  # fmt: skip
    first = send(api, ROOT, body, **{"Idempotency-Key": "once"})
    again = send(api, ROOT, body, **{"Idempotency-Key": "once"})
    assert (first.status_code, again.json()) == (201, first.json())
    call = first.json()
    assert (call["status"], call["outcome"], call["by_hand"], call["number"]) == (
        "ended", "answered", True, PHONE,
    )  # fmt: skip
    assert (call["patient"]["id"], call["caller_name"], call["note"]) == (
        str(patient.pk), "Rosa Vega", "Asks about Friday.",
    )  # fmt: skip
    assert api.get(f"{ROOT}{call['id']}/").json() == call
    with inside(practice):
        assert Call.objects.count() == 1
        assert AccessEvent.objects.filter(screen="call", patient_ids=[patient.pk]).exists()


def test_an_open_call_stays_on_the_strip(api, patient):
    call = send(api, ROOT, {"direction": "out", "open": True}).json()
    assert call["status"] == "live"
    present = api.get(ROOT, {"state": "present"}).json()
    assert [row["id"] for row in present] == [call["id"]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"direction": "sideways"}, 400),
        ({"direction": "in", "number": "call me"}, 422),
        ({"direction": "in", "patient": str(uuid.uuid4())}, 404),
        ({"direction": "in", "matter": "gossip"}, 400),
        ({"direction": "in", "note": "x" * 10_001}, 400),
        ({"direction": "in", "note": "nul \x00 here"}, 400),
    ],
)
def test_what_cannot_be_logged_is_told_in_words(api, practice, body, status):
    answer = send(api, ROOT, body)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["title"]
    with inside(practice):
        assert not Call.objects.exists()


def test_a_note_written_meanwhile_is_not_lost(api, practice, patient):
    call = ring(practice)
    url = f"{ROOT}{call.pk}/note/"
    assert send(api, url, {"note": "First words.", "version": 1}).json()["version"] == 2
    stale = send(api, url, {"note": "Other words.", "version": 1})
    assert (stale.status_code, stale.json()["current"]["note"]) == (409, "First words.")
    assert send(api, url, {"note": "Last words."}).json()["note"] == "Last words."


def test_lists_are_bounded_filtered_and_ask_the_same_queries(
    api, practice, patient, django_assert_num_queries
):
    with inside(practice):
        for number in range(30):
            call = ring(practice, f"CA{number}", f"+1503555{number:04d}" if number else PHONE)
            call_endings.nobody_answered(call, 10)
            Recording.objects.create(practice=practice, call=call, supplier_id=f"RE{number}", audio=b"x")
    assert len(api.get(ROOT, {"state": "unanswered"}).json()) == 30
    assert len(api.get(ROOT, {"patient": str(patient.pk)}).json()) == 1
    assert api.get(ROOT, {"state": "present"}).json() == []
    assert api.get(ROOT, {"state": "sideways"}).status_code == 400
    with django_assert_num_queries(QUERIES):
        api.get(ROOT, {"patient": str(patient.pk)})
    with django_assert_num_queries(QUERIES):
        api.get(ROOT)


QUERIES = 9


def test_another_practice_s_calls_are_not_there(api, practice):
    other = a_practice("cedar-park")
    call = ring(other, "CA9")
    assert api.get(f"{ROOT}{call.pk}/").status_code == 404
    assert send(api, f"{ROOT}{call.pk}/note/", {"note": "x"}).status_code == 404
    assert api.get(ROOT).json() == []
