"""Every wording in every language: no canary, no opt-out word asked for, one text where it can be."""

import re

import pytest

from messaging.replies import STOP
from messaging.spoken import CALLS
from messaging.templates import ALLOWED, UnknownWording, render, segments
from messaging.usual_mails import MAILS
from messaging.usual_texts import TEXTS

VALUES = {
    "practice": "Harbor Street Clinic",
    "name": "Marisol",
    "clinician": "Dr. Osei",
    "date": "Wed, Mar 14",
    "time": "10:30 AM",
    "visits": "Nov 24 9:00 AM and Nov 25 10:30 AM",
    "phone": "(503) 555-0100",
    "link": "https://desk.example/v/abcd" + "x" * 22,
    "count": "9",
}
SPANISH = VALUES | {
    "date": "sábado 14 de marzo",
    "time": "10:30 a. m.",
    "visits": "24 nov 9:00 y 25 nov 10:30",
}
CANARIES = {
    "reason": "XANAX-REFILL", "appointment_type": "OB ultrasound", "note": "HIV", "birth_date": "1986-03-14",
    "insurance": "AETNA-1", "know_first": "angry son",
}  # fmt: skip
WORDINGS = [("sms", kind, language) for kind in TEXTS for language in TEXTS[kind]]
WORDINGS += [("email", kind, language) for kind in MAILS for language in MAILS[kind]]
WORDINGS += [("call", kind, language) for kind in CALLS for language in CALLS[kind]]
every_wording = pytest.mark.parametrize(("channel", "kind", "language"), WORDINGS)
ASKS = re.compile(r"(?:reply|text|send|respond[ae]|conteste|envíe)\s+[\"“']?(\w+)", re.IGNORECASE)


def words(channel, kind, language):
    return render(kind, language, SPANISH if language == "es" else VALUES, channel=channel)


@every_wording
def test_only_allowed_variables_reach_a_wording(channel, kind, language):
    table = {"sms": TEXTS, "email": MAILS, "call": CALLS}[channel]
    source = " ".join(table[kind][language]) if channel == "email" else table[kind][language]
    assert set(re.findall(r"\$\{?(\w+)", source)) <= ALLOWED
    for name, value in CANARIES.items():
        with pytest.raises(UnknownWording):
            render(kind, language, VALUES | {name: value}, channel=channel)


@every_wording
def test_no_wording_asks_for_an_opt_out_word(channel, kind, language):
    wording = words(channel, kind, language)
    asked = {word.lower() for word in ASKS.findall(wording.body)}
    assert not asked & STOP


def test_the_lint_would_notice():
    """The control."""
    assert {word.lower() for word in ASKS.findall("Reply CANCEL to cancel. Responda PARAR.")} & STOP


@every_wording
def test_every_message_names_the_practice_and_no_subject_names_a_patient(channel, kind, language):
    wording = words(channel, kind, language)
    assert "Harbor Street Clinic" in wording.body + wording.subject
    assert "Marisol" not in wording.subject
    assert "Osei" not in wording.subject
    assert "$" not in wording.body + wording.subject


@pytest.mark.parametrize(
    ("kind", "language"), [(kind, language) for kind in TEXTS for language in TEXTS[kind]]
)
def test_a_text_fits_into_one(kind, language):
    body = words("sms", kind, language).body
    assert segments(body) == 1, f"{len(body)}: {body}"


@pytest.mark.parametrize("kind", CALLS)
def test_a_call_is_over_within_a_minute(kind):
    for language in CALLS[kind]:
        assert len(words("call", kind, language).body.split()) < 60  # a voice says more than one a second


def test_a_text_keeps_to_one_line_whatever_a_name_holds():
    body = render("thanks", "en", VALUES | {"practice": "Harbor\r\nStreet"}).body
    assert "\n" not in body


def test_an_unknown_language_falls_back_to_english():
    assert render("thanks", "fr", VALUES).body.startswith("Harbor Street Clinic: thank you")


def test_a_missing_variable_is_refused():
    with pytest.raises(UnknownWording):
        render("reminder", "en", {"practice": "X"})


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("é" * 160, 1),
        ("á" * 70, 1),
        ("á" * 71, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("👍" * 35, 1),
        ("👍" * 36, 2),
    ],
)
def test_texts_are_counted_as_the_carrier_counts(text, count):
    assert segments(text) == count
