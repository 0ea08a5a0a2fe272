"""The practice card: versions that are only added, two who write at once, what stands in the way in words."""

import datetime as dt
from typing import Any

import pytest
from django.db import transaction
from django.db.utils import DatabaseError
from django.test import Client

from practices.card import (
    Answer,
    Card,
    InvalidCard,
    StaleCard,
    card_of,
    current_card,
    find_answers,
    restore,
    save_card,
    versions,
)
from practices.models import AuditEntry, Closure, OfficeHours, Practice, PracticeCard, Role
from practices.office import office_of
from practices.tenancy import inside
from tests.factories import a_member, a_practice, a_user, an_actor

pytestmark = pytest.mark.django_db
URL = "/p/harbor-street/settings/card/"
ANSWERS = [
    {"topic": "Directions", "question": "Where can I park?", "answer": "In the yard.", "answer_es": ""},
    {
        "topic": "Refills",
        "question": "How do I get a refill?",
        "answer": "We ask; no parking.",
        "answer_es": "",
    },
]
CONTENT: dict[str, Any] = {
    "greeting": "Harbor Street, good morning",
    "never_say": ["Calm down", " calm  down ", "", "It is policy"],
    "plans": ["Blue Hill", "Blue Hill"],
    "answers": ANSWERS,
}


@pytest.fixture
def practice() -> Practice:
    return a_practice()


@pytest.fixture
def mira(practice: Practice) -> Any:
    return a_member(practice, a_user("mira@frontdesk.example"), Role.MANAGER)


def posted(base: int, **fields: Any) -> dict[str, Any]:
    rows = fields.pop("answers", ANSWERS)
    return {
        "base": base,
        "greeting": "Hello",
        **{f"one_{name}": [row[name] for row in rows] for name in rows[0]},
        **fields,
    }


def test_a_version_is_tidied_kept_and_told(practice: Practice, mira: Any) -> None:
    with inside(practice):
        assert current_card().is_empty
        card = save_card(content=CONTENT, base=0, by=an_actor(mira))
        assert card == current_card() == card_of(1)
        assert (card.number, card.made_by) == (1, "Mira Ruiz")
        assert card.never_say == ["Calm down", "calm down", "It is policy"]
        assert card.plans == ["Blue Hill"]
        assert card.topics == ["Directions", "Refills"]
        entry = AuditEntry.objects.get(verb="card.changed")
        assert entry.field_names == ["answers", "greeting", "never_say", "plans"]


def test_the_same_words_make_no_version(practice: Practice, mira: Any) -> None:
    with inside(practice):
        save_card(content=CONTENT, base=0, by=an_actor(mira))
        assert save_card(content=CONTENT, base=1, by=an_actor(mira)).number == 1
        assert PracticeCard.objects.count() == 1


def test_whoever_writes_from_an_older_version_is_told(practice: Practice, mira: Any) -> None:
    with inside(practice):
        save_card(content=CONTENT, base=0, by=an_actor(mira))
        with pytest.raises(StaleCard) as stale:
            save_card(content={"greeting": "Mine"}, base=0, by=an_actor(mira))
        assert stale.value.current.greeting == "Harbor Street, good morning"


def test_an_earlier_version_comes_back_as_the_newest(practice: Practice, mira: Any) -> None:
    by = an_actor(mira)
    with inside(practice):
        save_card(content=CONTENT, base=0, by=by)
        save_card(content=CONTENT | {"greeting": "Hi", "plans": ["Blue Hill", "Ayer"]}, base=1, by=by)
        assert restore(number=1, base=2, by=by).greeting == "Harbor Street, good morning"
        told = [(card.number, changed) for card, changed in versions()]
        assert told == [
            (3, ["Greeting", "Plans accepted: 1 taken out"]),
            (2, ["Greeting", "Plans accepted: 1 added"]),
            (
                1,
                [
                    "Greeting",
                    "Never say: 3 added",
                    "Plans accepted: 1 added",
                    "Approved answers: 2 added",
                ],
            ),
        ]


def test_versions_cannot_be_changed(practice: Practice, mira: Any) -> None:
    with inside(practice):
        save_card(content=CONTENT, base=0, by=an_actor(mira))
        with pytest.raises(DatabaseError), transaction.atomic():
            PracticeCard.objects.update(number=7)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"greeting": "x" * 201}, "greeting"),
        ({"emergency": "x" * 2001}, "emergency"),
        ({"plans": [str(n) for n in range(121)]}, "plans"),
        ({"never_say": ["x" * 201]}, "never_say"),
        ({"answers": [{"question": "Only a question?"}]}, "answers"),
        ({"answers": [{"question": "Q", "answer": "x" * 1201}]}, "answers"),
        ({"answers": [{"question": f"Q{n}", "answer": "A"} for n in range(61)]}, "answers"),
    ],
)
def test_what_is_too_much_is_said_at_its_field(
    practice: Practice, mira: Any, content: dict[str, Any], field: str
) -> None:
    with inside(practice), pytest.raises(InvalidCard) as wrong:
        save_card(content=content, base=0, by=an_actor(mira))
    assert list(wrong.value.errors) == [field]


def test_every_word_is_looked_for_and_a_question_counts_more() -> None:
    with_answers = Card(answers=[Answer(**row) for row in ANSWERS])
    assert [one.topic for one in find_answers(with_answers, "park")] == ["Directions", "Refills"]
    assert [one.topic for one in find_answers(with_answers, "REFILL get")] == ["Refills"]
    assert [one.topic for one in find_answers(with_answers, "", "Refills")] == ["Refills"]
    assert find_answers(with_answers, "park invoice") == []


def test_two_managers_see_both_versions_and_pick(practice: Practice, mira: Any) -> None:
    client = Client()
    client.force_login(mira.user)
    assert client.get(URL).status_code == 200
    assert client.post(URL, posted(0, plans="Blue Hill\n")).status_code == 302
    both = client.post(URL, posted(0, greeting="Good day", plans=""))
    assert both.status_code == 409
    page = both.content.decode()
    assert "Good day" in page
    assert 'value="greeting"' in page
    assert 'value="plans"' in page
    assert 'value="answers"' not in page
    picked = client.post(URL, posted(1, greeting="Good day", plans="", theirs=["plans"]))
    assert picked.status_code == 302
    with inside(practice):
        card = current_card()
    assert (card.number, card.greeting, card.plans) == (2, "Good day", ["Blue Hill"])


def test_wrong_fields_keep_what_was_typed(practice: Practice, mira: Any) -> None:
    client = Client()
    client.force_login(mira.user)
    answer = client.post(URL, posted(0, greeting="y" * 300))
    assert answer.status_code == 422
    assert "y" * 300 in answer.content.decode()
    assert "Shorten it to 200 letters" in answer.content.decode()


def test_versions_are_looked_at_and_taken_back_by_pages(practice: Practice, mira: Any) -> None:
    client = Client()
    client.force_login(mira.user)
    client.post(URL, posted(0))
    client.post(URL, posted(1, greeting="Second"))
    assert "Mira Ruiz" in client.get(f"{URL}versions/").content.decode()
    assert "Hello" in client.get(f"{URL}versions/1/").content.decode()
    assert client.get(f"{URL}versions/9/").status_code == 404
    assert client.post(f"{URL}versions/1/back/", {"base": 1}).url.endswith("/versions/")
    assert client.post(f"{URL}versions/1/back/", {"base": 2}).url.endswith("/card/")
    with inside(practice):
        assert (current_card().number, current_card().greeting) == (3, "Hello")


def test_only_managers_write(practice: Practice) -> None:
    client = Client()
    client.force_login(a_member(practice).user)
    assert client.get(URL).status_code == 403


@pytest.mark.parametrize(
    ("moment", "is_open", "words"),
    [
        ("2026-06-09T12:00", True, "Open now, until 5 PM"),
        ("2026-06-09T07:30", False, "Closed now, opens 8:30 AM"),
        ("2026-06-09T17:00", False, "Closed now, opens tomorrow 8:30 AM"),
        ("2026-06-12T18:00", False, "Closed now, opens Tue, Jun 16, 8:30 AM"),
        ("2026-06-15T10:00", False, "Closed today: Regatta, opens tomorrow 8:30 AM"),
    ],
)
def test_open_now_is_told_on_the_practices_clock(
    practice: Practice, moment: str, is_open: bool, words: str
) -> None:
    with inside(practice):
        for weekday in range(1, 6):
            OfficeHours.objects.create(
                practice=practice, weekday=weekday, opens=dt.time(8, 30), closes=dt.time(17)
            )
        day = dt.date(2026, 6, 15)
        Closure.objects.create(practice=practice, first_day=day, last_day=day, reason="Regatta")
        office = office_of(practice, dt.datetime.fromisoformat(moment).replace(tzinfo=practice.zone))
    assert (office.is_open, office.now_words) == (is_open, words)
