"""Conversations for programs: the inbox's verbs behind HTTP, and the same answer to the same key."""

import json
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging import conversations, inbox
from messaging.models import Conversation, Message, TeamNote
from practices.apikeys import create_api_key
from practices.models import AccessEvent
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, a_user, an_actor
from tests.messaging.conftest import PHONE, a_texting_patient

LIST_QUERIES = 9


class Program:
    """Holds Dana's key and asks the inbox of her practice."""

    def __init__(self) -> None:
        self.practice = a_practice()
        self.dana = a_member(self.practice)
        self.patient = a_texting_patient(self.practice, PHONE)
        with inside(self.practice):
            _, key = create_api_key(user=self.dana.user, by=an_actor(self.dana))
        self.client = Client(headers={"Authorization": f"Bearer {key}"})
        self.root = f"/api/v1/p/{self.practice.slug}/"

    def wrote(self, body: str = "Could I come by?", from_: str = PHONE) -> Conversation:
        with inside(self.practice):
            message = inbox.receive(supplier_id=f"SM{uuid.uuid4()}", from_=from_, body=body)
            assert message is not None
            return Conversation.objects.get(
                patient=message.patient, address_index="" if message.patient else message.address_index
            )

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(self.root + path, query)

    def ask(self, method: str, path: str, body: Any, **headers: str) -> Any:
        return self.client.generic(
            method, self.root + path, json.dumps(body), content_type="application/json", headers=headers
        )

    def write(self, body: str = "At 2?", **more: Any) -> Any:
        headers = more.pop("headers", {})
        asked = {"channel": "sms", "body": body} | more
        return self.ask("POST", f"patients/{self.patient.pk}/messages/", asked, **headers)


@pytest.fixture
def program(db: Any, settings: Any) -> Program:
    settings.REPLY_HANDLERS = []
    return Program()


def test_threads_are_listed_by_pages(program: Program) -> None:
    for number in range(3):
        program.wrote(f"Question {number}?", f"+1503555019{number}")
    first = program.get("threads/", limit=2).json()
    assert [thread["last_line"] for thread in first["threads"]] == ["Question 2?", "Question 1?"]
    assert first["threads"][0]["name"] == "(503) 555-0192"
    second = program.get("threads/", limit=2, cursor=first["next"]).json()
    assert [thread["last_line"] for thread in second["threads"]] == ["Question 0?"]
    assert second["next"] is None
    assert program.get("threads/", tab="closed").json()["threads"] == []


def test_the_list_costs_the_same_with_one_row_and_with_thirty(program: Program) -> None:
    program.wrote()
    program.get("threads/")
    for more, rows in ((0, 1), (29, 30)):
        for number in range(more):
            a_texting_patient(program.practice, f"+1503555{2000 + number}")
            program.wrote("Hello?", f"+1503555{2000 + number}")
        with CaptureQueriesContext(connection) as asked:
            found = program.get("threads/").json()
        assert len(found["threads"]) == rows
        assert len(asked) == LIST_QUERIES


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": 101}, {"cursor": "x"}, {"cursor": 10**9}, {"tab": "x"}, {"owner": "'"},
        {"urgency": 1},
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(program: Program, query: dict[str, Any]) -> None:
    answer = program.get("threads/", **query)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_one_thread_with_what_was_said(program: Program) -> None:
    thread = program.wrote()
    program.write()
    body = program.get(f"threads/{thread.pk}/").json()
    assert [(entry["side"], entry["body"]) for entry in body["entries"]] == [
        ("them", "Could I come by?"), ("me", "At 2?"),
    ]  # fmt: skip
    assert (body["state"], body["more"]) == ("waiting", False)
    assert program.get(f"threads/{thread.pk}/", limit=1).json()["more"] is True
    with inside(program.practice):
        assert AccessEvent.objects.filter(screen="inbox", patient_ids=[program.patient.pk]).exists()


def test_the_same_key_sends_once(program: Program) -> None:
    answers = [program.write(headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert program.write("Other words", headers={"Idempotency-Key": "one"}).status_code == 422
    with inside(program.practice):
        assert Message.objects.get().body == "At 2?"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"channel": "note"}, 400), ({"channel": "call"}, 400), ({"body": ""}, 400),
        ({"body": "x" * 4_001}, 400), ({"body": "word " * 190}, 422), ({"language": "de"}, 400),
        ({"channel": "email"}, 422), ({"version": 99}, 409),
    ],
)  # fmt: skip
def test_what_may_not_be_written_is_not(program: Program, asked: dict[str, Any], status: int) -> None:
    assert program.write(**asked).status_code == status
    with inside(program.practice):
        assert not Message.objects.exclude(status="suppressed").exists()


def test_without_consent_it_says_why_not(program: Program) -> None:
    silent = a_patient(program.practice, phone="+15035550119")
    answer = program.ask("POST", f"patients/{silent.pk}/messages/", {"channel": "sms", "body": "Hi"})
    assert answer.status_code == 422
    assert "has not agreed to texts" in answer.json()["detail"]


def test_a_note_is_left_once_and_never_sent(program: Program) -> None:
    thread = program.wrote()
    for _ in range(2):
        answer = program.ask(
            "POST", f"threads/{thread.pk}/notes/", {"body": "Careful", "channel": "sms"},
            **{"Idempotency-Key": "n"},
        )  # fmt: skip
        assert answer.status_code == 201
    with inside(program.practice):
        assert TeamNote.objects.get().body == "Careful"
        assert not Message.objects.filter(direction="out").exists()


def test_state_and_owner_change_with_the_version(program: Program) -> None:
    path = f"threads/{program.wrote().pk}/"
    jo = a_member(program.practice, a_user("jo@frontdesk.example")).user

    def change(**asked: Any) -> Any:
        version = program.get(path).json()["version"]
        return program.ask("PATCH", path, {"version": version} | asked)

    assert change(owner=jo.pk).json()["owner"]["id"] == str(jo.pk)
    given = change(role="manager").json()
    assert (given["owner"], given["role"]) == (None, "manager")
    assert change(owner=None).json()["role"] == ""
    assert change(later_until=f"{timezone.now().year + 1}-01-01T09:00:00Z").json()["later_until"]
    assert change(state="done").json()["state"] == "done"
    assert change(state="needs-action").json()["state"] == "needs-action"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"state": "waiting"}, 400), ({}, 400), ({"state": "done", "owner": None}, 400),
        ({"owner": 999_999}, 422), ({"role": "boss"}, 400), ({"later_until": "2020-01-01T09:00:00Z"}, 422),
        ({"state": "done", "version": 0}, 409), ({"state": "needs-action", "version": 0}, 409),
    ],
)  # fmt: skip
def test_a_change_that_makes_no_sense_is_refused(
    program: Program, asked: dict[str, Any], status: int
) -> None:
    thread = program.wrote()
    version = program.get(f"threads/{thread.pk}/").json()["version"]
    answer = program.ask("PATCH", f"threads/{thread.pk}/", {"version": version} | asked)
    assert answer.status_code == status
    if status == 409:
        assert answer.json()["current"]["version"] == version


def test_another_practices_thread_is_not_there(program: Program) -> None:
    other = a_practice("cedar-park")
    theirs = a_patient(other)
    with inside(other):
        thread = conversations.conversation_with(patient=theirs)
    assert program.get(f"threads/{thread.pk}/").status_code == 404
    assert program.ask("POST", f"threads/{thread.pk}/notes/", {"body": "x"}).status_code == 404
    answer = program.ask("POST", f"patients/{theirs.pk}/messages/", {"channel": "sms", "body": "x"})
    assert answer.status_code == 404
    assert Client().get(f"{program.root}threads/").status_code == 401
