"""What a log line may hold: where and which kind, never what was typed."""

import logging

import pytest

from practices.logs import Quiet, ScrubPaths, drop_details, mask


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("GET /v/hs3kQmzT_9abc/ 200", "GET /v/…/ 200"),
        ("POST /o/hs3kQmzT_9abc/yes/ 302", "POST /o/…/yes/ 302"),
        ("GET /v/hs3kQmzT_9abc/calendar.ics", "GET /v/…/calendar.ics"),
        ("GET /cal/hs3kQmzT_9abc/feed.ics 304", "GET /cal/…/feed.ics 304"),
        ("GET /n/hs3kQmzT_9abc/", "GET /n/…/"),
        ("GET /p/harbor-street/patients/?q=Vega", "GET /p/harbor-street/patients/?…"),
        ("GET /p/harbor-street/today/", "GET /p/harbor-street/today/"),
    ],
)
def test_tokens_and_query_strings_are_masked(written, kept):
    assert mask(written) == kept


def failure() -> BaseException:
    try:
        secret = "Marisol Vega"
        raise ValueError(f"{secret} is not a number")
    except ValueError as error:
        return error


def test_a_traceback_tells_the_place_and_the_kind_but_not_the_words():
    error = failure()
    text = Quiet().formatException((type(error), error, error.__traceback__))
    assert "ValueError" in text
    assert "test_logs.py" in text
    assert "Marisol" not in text


def test_the_standard_formatter_would_have_told_it():
    """The control."""
    error = failure()
    assert "Marisol" in logging.Formatter().formatException((type(error), error, error.__traceback__))


def test_structured_events_lose_their_details():
    event = drop_details(None, "error", {"event": "failed", "exc_info": failure(), "user_agent": "x"})
    assert "Marisol" not in str(event)
    assert "user_agent" not in event


def test_arguments_are_masked_with_the_message():
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "GET %s", ("/v/secrettoken/",), None)
    ScrubPaths().filter(record)
    assert "secrettoken" not in record.getMessage()
