"""The question which visit was meant: its words, its length, and what counts as an answer to it."""

import datetime as dt
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.asking import MOST, Option, may_name, question, read_choice
from messaging.templates import segments
from practices.models import Practice
from practices.tenancy import inside
from tests.factories import a_practice

# A machine that is busy with other tests is no fault of a text.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NEW_YORK_NINE = dt.datetime(2026, 11, 25, 14, 0, tzinfo=dt.UTC)


def an_option(name="Ana", minutes=0):
    return Option(uuid.uuid4(), name, NEW_YORK_NINE + dt.timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("text", "count", "chosen"),
    [
        ("1", 2, {1}),
        ("2.", 2, {2}),
        ("3", 2, {1, 2}),
        ("#1", 2, {1}),
        ("1 2", 2, {1, 2}),
        ("1 y 2", 2, {1, 2}),
        ("2, 3", 3, {2, 3}),
        ("4", 3, {1, 2, 3}),
        ("all", 3, {1, 2, 3}),
        ("todas", 3, {1, 2, 3}),
        ("both of them", 2, {1, 2}),
        ("3 both", 2, {1, 2}),
        ("para las dos por favor", 2, {1, 2}),
        ("el primero", 2, None),
        ("primero", 2, {1}),
        ("number two please", 2, {2}),
        ("yes 1", 2, {1}),
        ("٢", 2, None),
        ("both but later", 2, None),
        ("not both", 2, None),
        ("1 both", 2, None),
        ("5", 2, None),
        ("0", 2, None),
        ("", 2, None),
        ("please", 2, None),
        ("1 or 2", 2, None),
        ("1?", 2, None),
        ("-1", 2, {1}),
        ("1" * 70, 2, None),
    ],
)
def test_only_plain_numbers_choose(text, count, chosen):
    assert read_choice(text, count, "yes") == (frozenset(chosen) if chosen else None)


def test_yes_agrees_only_with_a_yes():
    assert read_choice("yes both", 2, "yes") == frozenset({1, 2})
    assert read_choice("yes both", 2, "no") is None


@unhurried
@given(st.text(max_size=60), st.integers(2, MOST))
def test_no_letters_choose_what_is_not_there(text, count):
    chosen = read_choice(text, count, "yes")
    assert chosen is None or (chosen and chosen <= set(range(1, count + 1)))


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_question_is_two_texts_at_most_or_not_asked(language):
    practice = a_practice()
    with inside(practice):
        for number in range(2, MOST + 1):
            words = question([an_option("Maximiliana", 30 * n) for n in range(number)], language)
            assert words is None or segments(words) <= 2
            assert number > 2 or words is not None
        assert question([an_option()], language) is None
        assert question([an_option(minutes=n) for n in range(MOST + 1)], language) is None
        assert question([an_option(), an_option()], language) is None  # the same words twice
        assert question([an_option("李小龍" * 30, n) for n in range(MOST)], language) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("own", "named"),
    [
        ({}, False),
        ({"reminder": {"sms": {"en": {"body": "$practice: $date"}}}}, False),
        ({"reminder": {"email": {"en": {"body": "Hello $name"}}}}, False),
        ({"reminder": {"sms": {"es": {"body": "$practice: $name"}}}}, True),
        ({"reminder": "garbage"}, False),
        ([], False),
    ],
)
def test_texts_name_patients_only_where_the_practice_wrote_so(own, named):
    assert may_name(Practice(own_words=own)) is named
