"""Dates in every common spelling, and words for the impossible ones."""

import datetime as dt
import string
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from patients.dates import parse_birth_date, parse_day

TODAY = dt.date(2026, 11, 23)
BORN = dt.date(1991, 4, 22)


@pytest.mark.parametrize(
    "text",
    [
        "4/22/91",
        "04/22/1991",
        "4-22-91",
        "1991-04-22",
        "1991/4/22",
        "April 22 1991",
        "April 22, 1991",
        "apr 22nd 91",
        "22 Apr 1991",
        "22 April, 1991",
        "22nd of April 1991",
        "22.04.1991",
        "22.4.91",
        "4.22.1991",
        "19910422",
        "04221991",
        "042291",
        " 4 / 22 / 1991 ",
        "4 22 1991",
        "22 de abril de 1991",
    ],
)
def test_one_birth_date_in_many_spellings(text: str) -> None:
    assert parse_birth_date(text, TODAY) == BORN


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("31/12/1990", "There is no month 31. Use month, day, year."),
        ("2/30/1990", "There is no February 30 in 1990."),
        ("2/29/1991", "There is no February 29 in 1991."),
        ("00/00/1990", "There is no month 0."),
        ("1/0/1990", "There is no January 0 in 1990."),
        ("1/1/2030", "still to come"),
        ("11/24/2026", "still to come"),
        ("1/1/1850", "too long ago"),
        ("4.5.1991", "April or in May"),
        ("4/22", "This is not a date"),
        ("yesterday", "This is not a date"),
        ("", "This is not a date"),
        ("1" * 500, "This is not a date"),
        ("²²/²/1991", "This is not a date"),
        ("٤/٢٢/١٩٩١", "This is not a date"),
        ("0000-01-01", "There is no year 0"),
    ],
)
def test_an_impossible_birth_date_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("(", "\\(")):
        parse_birth_date(text, TODAY)


def test_a_two_digit_year_has_come_already() -> None:
    assert parse_birth_date("11/23/26", TODAY) == TODAY
    assert parse_birth_date("11/24/26", TODAY) == dt.date(1926, 11, 24)
    assert parse_birth_date("2/29/00", TODAY) == dt.date(2000, 2, 29)


@given(st.dates(dt.date(1900, 1, 1), TODAY))
def test_what_is_written_is_read_back(born: dt.date) -> None:
    for shape in ("%m/%d/%Y", "%m-%d-%Y", "%Y-%m-%d", "%Y%m%d", "%B %d, %Y", "%d %b %Y", "%m%d%Y"):
        assert parse_birth_date(born.strftime(shape), TODAY) == born


@given(st.text(max_size=80))
@example("9" * 4300)
@example("april 22 99999")
def test_any_text_is_a_date_or_a_refusal(text: str) -> None:
    for parse in (parse_birth_date, parse_day):
        assert str(outcome(parse, text))[0] in string.ascii_uppercase + string.digits


def outcome(parse: Callable[[str, dt.date], dt.date], text: str) -> dt.date | str:
    try:
        return parse(text, TODAY)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", dt.date(2026, 11, 23)),
        ("Tomorrow", dt.date(2026, 11, 24)),
        ("in 3 weeks", dt.date(2026, 12, 14)),
        ("in a week", dt.date(2026, 11, 30)),
        ("in 2 days", dt.date(2026, 11, 25)),
        ("in 3 months", dt.date(2027, 2, 23)),
        ("tuesday", dt.date(2026, 11, 24)),
        ("next tue", dt.date(2026, 11, 24)),
        ("monday", dt.date(2026, 11, 30)),
        ("4/22", dt.date(2027, 4, 22)),
        ("12/1", dt.date(2026, 12, 1)),
        ("april 22", dt.date(2027, 4, 22)),
        ("2/29", dt.date(2028, 2, 29)),
        ("4/22/27", dt.date(2027, 4, 22)),
        ("2027-04-22", dt.date(2027, 4, 22)),
    ],
)
def test_a_day_near_today(text: str, day: dt.date) -> None:
    assert parse_day(text, TODAY) == day


def test_the_end_of_a_month_stays_in_its_month() -> None:
    assert parse_day("in 1 month", dt.date(2027, 1, 31)) == dt.date(2027, 2, 28)


@pytest.mark.parametrize("text", ["in 0 weeks", "in many weeks", "13/1", "2/30", "someday", "99/99/99"])
def test_a_day_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        parse_day(text, TODAY)
