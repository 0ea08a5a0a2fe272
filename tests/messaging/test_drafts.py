"""What is typed is kept: for its writer, on every machine, until it is sent or emptied."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from messaging import drafts
from messaging.models import Draft
from practices.tenancy import inside
from tests.factories import a_member, a_practice, a_user

KEY = "call:0193:note"


@pytest.fixture
def desk(db: Any) -> SimpleNamespace:
    practice = a_practice()
    dana = a_member(practice)
    client = Client()
    client.force_login(dana.user)
    return SimpleNamespace(practice=practice, dana=dana.user, client=client)


def put(desk: SimpleNamespace, **fields: Any) -> Any:
    return desk.client.post(reverse("drafts", args=[desk.practice.slug]), {"key": KEY} | fields)


def kept(desk: SimpleNamespace, user: Any = None) -> Any:
    with inside(desk.practice):
        return drafts.kept(user or desk.dana, KEY)


def test_what_is_typed_comes_back_as_typed(desk: SimpleNamespace) -> None:
    answer = put(desk, note="  She said 9:30 👍\n", needs=["video", "ramp"])
    assert answer.status_code == 204
    assert ":" in answer["X-Saved-At"]
    assert kept(desk) == {"note": "  She said 9:30 👍\n", "needs": ["video", "ramp"]}


def test_the_later_words_replace_the_earlier_ones(desk: SimpleNamespace) -> None:
    put(desk, note="one", matter="billing")
    put(desk, note="two")
    assert kept(desk) == {"note": "two"}
    with inside(desk.practice):
        assert Draft.objects.count() == 1


@pytest.mark.parametrize("fields", [{}, {"note": ""}, {"note": ["", ""]}])
def test_nothing_typed_is_no_draft(desk: SimpleNamespace, fields: dict[str, Any]) -> None:
    put(desk, note="one")
    put(desk, **fields)
    assert kept(desk) is None


def test_a_draft_is_its_writers_alone(desk: SimpleNamespace) -> None:
    put(desk, note="only mine")
    jo = a_member(desk.practice, a_user("jo@frontdesk.example")).user
    assert kept(desk, jo) is None


def test_a_draft_is_of_one_practice(desk: SimpleNamespace) -> None:
    put(desk, note="harbor")
    other = a_practice("cedar-park")
    a_member(other, desk.dana)
    with inside(other):
        assert drafts.kept(desk.dana, KEY) is None


@pytest.mark.parametrize("key", ["", "Thread:1", "thread 1", "x" * 121, "thread:<script>"])
def test_a_key_that_names_nothing_is_refused(desk: SimpleNamespace, key: str) -> None:
    assert put(desk, key=key, note="x").status_code == 422
    with inside(desk.practice):
        assert not Draft.objects.exists()


def test_more_than_a_form_holds_is_refused_and_the_last_good_one_stays(desk: SimpleNamespace) -> None:
    put(desk, note="good")
    answer = put(desk, note="x" * 20_001)
    assert answer.status_code == 422
    assert "too long" in answer.content.decode()
    assert kept(desk) == {"note": "good"}


def test_what_is_stored_cannot_be_read_in_the_table(desk: SimpleNamespace) -> None:
    put(desk, note="tintinnabulation")
    with inside(desk.practice), connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, ' ') FROM messaging_draft t")
        (row,) = cursor.fetchone()
    assert KEY in row
    assert "tintinnabulation" not in row
    assert b"tintinnabulation".hex() not in row
