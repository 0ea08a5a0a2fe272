"""The card as everybody reads it: answers, hours, who is in, who is on call."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from messaging.models import OnCallShift
from practices.card import save_card
from practices.models import Membership, Practice
from practices.tenancy import inside
from scheduling.models import TimeOff
from tests.factories import a_member, a_practice, a_practitioner, a_user, an_actor

pytestmark = pytest.mark.django_db
URL = "/p/harbor-street/card/"


@pytest.fixture
def practice() -> Practice:
    return a_practice()


@pytest.fixture
def dana(practice: Practice) -> Membership:
    return a_member(practice)


@pytest.fixture
def client(dana: Membership) -> Client:
    client = Client()
    client.force_login(dana.user)
    return client


def a_card(practice: Practice, dana: Membership, answers: int) -> None:
    content = {
        "greeting": "Harbor Street, this is {your name}, good morning",
        "emergency": "Hang up and dial 911.",
        "never_say": ["Calm down"],
        "plans": ["Blue Hill"],
        "answers": [
            {"topic": "Refills", "question": f"Question {n}?", "answer": "Answer", "answer_es": ""}
            for n in range(answers)
        ],
    }
    with inside(practice):
        save_card(content=content, base=0, by=an_actor(dana))


def test_the_page_tells_everything(client: Client, practice: Practice, dana: Membership) -> None:
    a_card(practice, dana, 2)
    osei = a_practitioner(practice)
    jo = a_member(practice, a_user("jo@frontdesk.example"))
    now = timezone.now()
    with inside(practice):
        midnight = practice.now().replace(hour=0, minute=0, second=0, microsecond=0)
        TimeOff.objects.create(
            practice=practice, practitioner=osei, label="Course",
            starts_at=midnight + dt.timedelta(hours=8), ends_at=midnight + dt.timedelta(hours=12),
        )  # fmt: skip
        OnCallShift.objects.create(
            practice=practice, user=jo.user, starts_at=now - dt.timedelta(hours=1),
            ends_at=now + dt.timedelta(hours=1),
        )  # fmt: skip
    page = client.get(URL).content.decode()
    for words in ("Hang up and dial 911.", "Calm down", "Blue Hill", "Question 1?", "Jo Ruiz",
                  "1:00 PM to 5:00 PM. Course", "No office hours are written down"):  # fmt: skip
        assert words in page


def test_words_are_looked_for_by_post(client: Client, practice: Practice, dana: Membership) -> None:
    a_card(practice, dana, 3)
    headers = {"HX-Request": "true", "HX-Target": "card-answers"}
    part = client.post(URL, {"q": "question 2"}, headers=headers).content.decode()
    assert "Question 2?" in part
    assert "Question 1?" not in part
    assert "<html" not in part
    assert "No approved answer" in client.post(URL, {"q": "dragons"}, headers=headers).content.decode()
    assert "Question 2?" in client.post(URL, {"q": "question 2"}).content.decode()


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_asks_as_often_for_one_answer_as_for_thirty(
    client: Client, practice: Practice, dana: Membership, rows: int, django_assert_num_queries: object
) -> None:
    a_card(practice, dana, rows)
    for n in range(rows):
        a_practitioner(practice, f"Dr. N{n}")
    client.get(URL)
    with django_assert_num_queries(23):  # type: ignore[operator]
        client.get(URL)
