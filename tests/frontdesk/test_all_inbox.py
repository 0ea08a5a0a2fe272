"""The inbox of all practices: each read in its own scope, and nothing of those one does not work for."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging import conversations
from messaging.conversations import Line
from messaging.models import Conversation, Task
from practices.audit import SYSTEM
from practices.models import AccessEvent, Practice
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, a_user

QUERIES_OF_TWO = 26  # six of them are the session, the person and the switcher; ten a practice


@pytest.fixture
def desk(db: Any) -> SimpleNamespace:
    """Dana works at Harbor Street and Cedar Park, and not at North Dental."""
    dana = a_user()
    harbor, cedar, north = (a_practice(slug) for slug in ("harbor-street", "cedar-park", "north-dental"))
    a_member(harbor, dana)
    a_member(cedar, dana)
    client = Client()
    client.force_login(dana)
    return SimpleNamespace(harbor=harbor, cedar=cedar, north=north, dana=dana, client=client)


def wrote(practice: Practice, family: str, line: str, urgency: int = Task.Urgency.ROUTINE) -> Conversation:
    patient = a_patient(practice, "Ruth", family)
    with inside(practice):
        return conversations.touch(
            patient=patient, channel="sms", kind=Line.TEXT, line=line, from_them=True, needs_person=True,
            urgency=urgency, by=SYSTEM,
        )  # fmt: skip


def page(desk: SimpleNamespace, **query: str) -> str:
    answer = desk.client.get(reverse("all-inbox"), query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_threads_of_all_practices_stand_in_one_list_emergencies_first(desk: SimpleNamespace) -> None:
    first = wrote(desk.harbor, "Adeyemi", "Is there parking?")
    wrote(desk.cedar, "Pruitt", "My chest hurts", Task.Urgency.EMERGENCY)
    wrote(desk.cedar, "Rahman", "The newest of all")
    body = page(desk)
    order = [body.index(words) for words in ("My chest hurts", "The newest of all", "Is there parking?")]
    assert order == sorted(order)
    assert f'href="{reverse("thread", args=["harbor-street", first.pk])}"' in body
    assert 'To do <span class="num">3</span>' in body


def test_a_practice_one_does_not_work_for_is_not_there(desk: SimpleNamespace) -> None:
    wrote(desk.north, "Quorlowe", "zibeline")
    for query in ({}, {"practice": "north-dental"}, {"tab": "closed"}, {"owner": "nobody"}):
        body = page(desk, **query)
        assert "zibeline" not in body
        assert "North Dental" not in body
    with inside(desk.north):
        assert not AccessEvent.objects.exists()


def test_one_practice_of_them(desk: SimpleNamespace) -> None:
    wrote(desk.harbor, "Adeyemi", "Is there parking?")
    wrote(desk.cedar, "Rahman", "Do you have stairs?")
    body = page(desk, practice="cedar-park")
    assert "Do you have stairs?" in body
    assert "Is there parking?" not in body


def test_who_was_shown_is_written_down_where_it_belongs(desk: SimpleNamespace) -> None:
    ours, theirs = wrote(desk.harbor, "Adeyemi", "one"), wrote(desk.cedar, "Rahman", "two")
    page(desk)
    for practice, thread in ((desk.harbor, ours), (desk.cedar, theirs)):
        with inside(practice):
            assert AccessEvent.objects.get(screen="inbox").patient_ids == [thread.patient_id]


def test_it_costs_the_same_with_one_row_and_with_thirty(desk: SimpleNamespace) -> None:
    for practice in (desk.harbor, desk.cedar):
        wrote(practice, "Adeyemi", "one")
    page(desk)
    for more, rows in ((0, 2), (29, 60)):
        for practice in (desk.harbor, desk.cedar):
            for number in range(more):
                wrote(practice, f"F{number}", f"Text {number}")
        with CaptureQueriesContext(connection) as asked:
            body = page(desk)
        assert body.count('class="th ') == rows
        assert len(asked) == QUERIES_OF_TWO


def test_a_stranger_to_all_practices_finds_nothing(desk: SimpleNamespace) -> None:
    client = Client()
    assert client.get(reverse("all-inbox")).status_code == 302
    client.force_login(a_user("nobody@frontdesk.example"))
    assert client.get(reverse("all-inbox")).status_code == 404
