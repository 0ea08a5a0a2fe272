"""The API of the patients: the verbs of the pages, bounds on every field, nothing of another practice."""

import uuid
from typing import Any

import pytest
from django.test import Client

from patients.models import Patient
from patients.registry import register_patient
from practices.apikeys import create_api_key
from practices.models import AccessEvent, Practice
from practices.tenancy import inside
from tests import factories as make

BY = make.an_actor()
ROOT = "/api/v1/p/harbor-street/patients/"
PERSON = {
    "given": "Marisol",
    "family": "Vega",
    "birth_date": "1986-03-14",
    "needs": ["interpreter"],
    "phones": [{"value": "(503) 555-0187"}],
    "emails": [{"value": "M.Vega@example.com", "use": "home"}],
    "address": {"city": "Portland"},
    "consents": [{"channel": "sms", "granted": True, "how": "phone"}],
}


@pytest.fixture
def practice(db: None) -> Practice:
    return make.a_practice()


@pytest.fixture
def api(practice: Practice) -> Client:
    member = make.a_member(practice)
    with inside(practice):
        _, key = create_api_key(user=member.user, by=BY)
    return Client(headers={"Authorization": f"Bearer {key}"})


def send(api: Client, method: str, path: str, body: Any) -> Any:
    return getattr(api, method)(path, body, content_type="application/json")


def test_create_read_update_and_search(api: Client, practice: Practice) -> None:
    created = send(api, "post", ROOT, PERSON)
    assert created.status_code == 201, created.content
    body = created.json()
    assert body["phones"] == [{"value": "+15035550187", "use": "mobile", "rank": 1}]
    assert body["consents"] == [{"channel": "sms", "granted": True, "how": "phone"}]
    record = f"{ROOT}{body['id']}/"
    assert api.get(record).json() == body
    changed = send(api, "patch", record, {"version": 1, "family": "Luna", "emails": []})
    assert (changed.status_code, changed.json()["family"], changed.json()["emails"]) == (200, "Luna", [])
    assert changed.json()["version"] == 2
    found = send(api, "post", f"{ROOT}search/", {"text": "luna 3/14/86"}).json()
    assert [(row["why"], row["patient"]["id"]) for row in found["results"]] == [("birth date", body["id"])]
    with inside(practice):
        assert set(AccessEvent.objects.values_list("screen", flat=True)) == {"record", "search"}


def test_a_stale_version_is_a_conflict(api: Client, practice: Practice) -> None:
    record = f"{ROOT}{send(api, 'post', ROOT, PERSON).json()['id']}/"
    assert send(api, "patch", record, {"version": 1, "pronouns": "she"}).status_code == 200
    stale = send(api, "patch", record, {"version": 1, "pronouns": "they"})
    assert (stale.status_code, stale.json()["version"]) == (409, 2)
    assert stale["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"given": "x" * 201}, "given"),
        ({"given": None}, "given"),
        ({"given": "", "family": ""}, "given"),
        ({"birth_date": "1986-02-30"}, "birth_date"),
        ({"birth_date": "0161-01-01"}, "birth_date"),
        ({"birth_date": "2999-01-01"}, "birth_date"),
        ({"sex": "f"}, "sex"),
        ({"needs": ["moon"]}, "needs.0"),
        ({"needs": ["carer"] * 100}, "needs"),
        ({"phones": [{"value": "12"}]}, "phones.0"),
        ({"phones": [{"value": "5035550187", "rank": 0}]}, "phones.0.rank"),
        ({"phones": [{"value": "5035550187"}] * 11}, "phones.non_field_errors"),
        ({"emails": [{"value": "no"}]}, "emails.0"),
        ({"know_first": "x" * 1001}, "know_first"),
        ({"address": {"city": "x" * 121}}, "address.city"),
        ({"consents": [{"channel": "call", "granted": True, "how": "phone"}]}, "consents.0.channel"),
    ],
)
def test_every_field_is_bounded(api: Client, practice: Practice, change: dict[str, Any], field: str) -> None:
    answer = send(api, "post", ROOT, PERSON | change)
    assert answer.status_code == 400
    assert field in {error["field"] for error in answer.json()["errors"]}
    with inside(practice):
        assert not Patient.objects.exists()


@pytest.mark.parametrize("body", ["{", "[]", '"x"', "{}", '{"text": ""}', '{"text": "a", "limit": 101}'])
def test_a_body_that_is_none_is_refused(api: Client, body: str) -> None:
    assert send(api, "post", f"{ROOT}search/", body).status_code == 400


def test_another_practices_patient_is_not_there(api: Client) -> None:
    other = make.a_practice("cedar-park")
    with inside(other):
        stranger = register_patient(given="Stranger", family="Canary", by=BY)
    for key in (stranger.pk, uuid.uuid4()):
        record = f"{ROOT}{key}/"
        for answer in (api.get(record), send(api, "patch", record, {"version": 1, "given": "Mine"})):
            assert answer.status_code == 404
            assert b"Canary" not in answer.content
    assert send(api, "post", f"{ROOT}search/", {"text": "canary"}).json() == {"results": []}
    assert api.get(f"/api/v1/p/cedar-park/patients/{stranger.pk}/").status_code == 404
    with inside(other):
        assert Patient.objects.get().given == "Stranger"


def test_without_a_key_there_is_nothing(practice: Practice) -> None:
    assert send(Client(), "post", f"{ROOT}search/", {"text": "vega"}).status_code == 401
