"""The team's messages for programs: listed, taken once, read back, accepted, answered."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from messaging.models import StaffMessage
from practices.apikeys import create_api_key
from practices.models import AccessEvent, Role
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, a_user, an_actor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api(practice: Any) -> SimpleNamespace:
    dana = a_member(practice)
    ama = a_member(practice, a_user("ama@frontdesk.example"), Role.CLINICIAN)
    with inside(practice):
        _, key = create_api_key(user=dana.user, by=an_actor(dana))
    base = f"/api/v1/p/{practice.slug}/staff-messages/"
    return SimpleNamespace(practice=practice, dana=dana, ama=ama, base=base, key=key, client=Client())


def post(api: SimpleNamespace, path: str, body: Any, **headers: str) -> Any:
    headers |= {"Authorization": f"Bearer {api.key}"}
    return api.client.post(f"{api.base}{path}", body, content_type="application/json", headers=headers)


def get(api: SimpleNamespace, query: str = "") -> Any:
    return api.client.get(f"{api.base}{query}", headers={"Authorization": f"Bearer {api.key}"})


def test_a_message_is_taken_listed_accepted_and_answered(api):
    patient = a_patient(api.practice)
    body = {"kind": "refill", "body": "Out of pills.", "patient": str(patient.pk)}
    taken = post(api, "", body)
    assert taken.status_code == 201
    made = taken.json()
    assert (made["recipient"], made["to_role"], made["urgency"]) == ("role", "clinician", 1)
    assert made["patient"] == {"id": str(patient.pk), "name": "Marisol Vega"}
    assert [row["id"] for row in get(api, "?state=unacknowledged").json()] == [made["id"]]
    accepted = post(api, f"{made['id']}/acknowledge/", {})
    assert accepted.json()["acknowledged_by"]["name"] == "Dana Ruiz"
    assert accepted.json()["acknowledged_how"] == "api"
    assert get(api, "?state=unacknowledged").json() == []
    assert len(get(api).json()) == 1
    done = post(api, f"{made['id']}/done/", {"outcome": "At the pharmacy."})
    assert done.json()["outcome"] == "At the pharmacy."
    assert post(api, f"{made['id']}/done/", {"outcome": "Again"}).status_code == 409
    assert [row["id"] for row in get(api, "?state=done").json()] == [made["id"]]
    with inside(api.practice):
        assert AccessEvent.objects.filter(screen="team-messages", door="api").exists()


def test_what_was_not_read_back_answers_with_the_sentence(api):
    body = {"kind": "clinical", "body": "Rash.", "recipient": "person", "to_user": api.ama.user.pk}
    refused = post(api, "", body | {"callback_number": "(503) 555-0142"})
    assert refused.status_code == 422
    assert refused.json()["sentence"] == "I will tell Ama: “Rash.” We call you back at (503) 555-0142."
    assert post(api, "", body | {"callback_number": "5035550142", "read_back": True}).status_code == 201


def test_the_same_key_is_one_message(api):
    body = {"kind": "other", "body": "Once."}
    answers = [post(api, "", body, **{"Idempotency-Key": "k1"}) for _ in range(3)]
    assert {answer.json()["id"] for answer in answers} == {answers[0].json()["id"]}
    with inside(api.practice):
        assert StaffMessage.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ([], 400),
        ("text", 400),
        ({"kind": "gossip", "body": "x"}, 400),
        ({"kind": "other", "body": ""}, 400),
        ({"kind": "other", "body": "x" * 2001}, 400),
        ({"kind": "other", "body": "x\x00"}, 400),
        ({"kind": "other", "body": "x", "to_user": 10**12}, 400),
        ({"kind": "other", "body": "x", "recipient": "person"}, 422),
        ({"kind": "other", "body": "x", "recipient": "person", "to_user": 99999}, 422),
        ({"kind": "other", "body": "x", "recipient": "role"}, 422),
        ({"kind": "other", "body": "x", "callback_number": "nine"}, 422),
        ({"kind": "other", "body": "x", "promised_by": "2020-01-01T00:00:00Z"}, 422),
        ({"kind": "other", "body": "x", "promised_by": "soon"}, 400),
        ({"kind": "other", "body": "x", "patient": "2c3a3a0e-1111-4111-8111-111111111111"}, 404),
        ({"kind": "other", "body": "x", "call": "2c3a3a0e-1111-4111-8111-111111111111"}, 404),
        ({"kind": "other", "body": "x", "patient": "1"}, 400),
    ],
)
def test_bad_input_is_refused_in_words(api, body, status):
    answer = post(api, "", body)
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("application/problem+json")
    with inside(api.practice):
        assert not StaffMessage.objects.exists()


def test_states_and_strangers(api):
    assert get(api, "?state=lost").status_code == 400
    assert api.client.get(api.base).status_code == 401
    a_practice("cedar-park")
    other = api.base.replace(api.practice.slug, "cedar-park")
    assert api.client.get(other, headers={"Authorization": f"Bearer {api.key}"}).status_code in {401, 404}
    assert post(api, "2c3a3a0e-1111-4111-8111-111111111111/acknowledge/", {}).status_code == 404
