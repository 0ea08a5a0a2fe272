"""Phones and e-mail in any spelling, and who may be reached how."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from patients.contacts import (
    Reach,
    consent_state,
    email_contact,
    parse_email,
    parse_phone,
    reachability,
    show_phone,
    textable_contact,
)
from patients.models import Patient
from patients.registry import ConsentGiven, ContactGiven, record_consent, register_patient
from practices.models import Practice
from practices.tenancy import inside
from tests import factories as make

BY = make.an_actor()


@pytest.mark.parametrize(
    "text",
    [
        "(503) 555-0142",
        "503-555-0142",
        "503.555.0142",
        "5035550142",
        "+1 503 555 0142",
        "1-503-555-0142",
        "\u202a503 555 0142",
    ],
)
def test_one_phone_in_many_spellings(text: str) -> None:
    assert parse_phone(text) == "+15035550142"


def test_a_foreign_phone_keeps_its_country() -> None:
    assert parse_phone("+44 20 7946 0018") == "+442079460018"
    assert show_phone("+442079460018") == "+44 20 7946 0018"
    assert show_phone("+15035550142") == "(503) 555-0142"
    assert show_phone("what") == "what"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("555-0142", "too short"),
        ("50355501425035550142", "too many digits|not a phone"),
        ("call me", "not a phone number"),
        ("", "not a phone number"),
        ("503-555-CALL", "not a phone number"),
        ("503-555-0142 ext. 7", "extension"),
        ("503-555-0142x7", "extension"),
        ("5" * 300, "not a phone number"),
    ],
)
def test_what_is_no_phone_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_phone(text)


@given(st.text(max_size=50))
def test_any_text_is_a_phone_or_a_refusal(text: str) -> None:
    assert outcome(text)[0] in "+TL"


def outcome(text: str) -> str:
    try:
        return parse_phone(text)
    except ValueError as error:
        return str(error)


@given(st.integers(2_000_000_000, 9_999_999_999))
def test_a_phone_that_is_shown_reads_back(number: int) -> None:
    text = f"+1{number}"
    assert parse_phone(show_phone(text)) == text


def test_email_addresses() -> None:
    assert parse_email(" M.Vega@Example.COM ") == "m.vega@example.com"
    for wrong in ("vega", "vega@", "a@b", "a b@example.com", "x" * 250 + "@example.com", ""):
        with pytest.raises(ValueError, match="e-mail address"):
            parse_email(wrong)


@pytest.fixture
def practice(db: None) -> Practice:
    return make.a_practice()


def person(*phones: ContactGiven, email: str = "", consents: tuple[str, ...] = ()) -> Patient:
    return register_patient(
        given="Marisol",
        family="Vega",
        phones=phones,
        emails=[ContactGiven(email)] if email else [],
        consents=[ConsentGiven(channel, True, "phone") for channel in consents],
        by=BY,
    )


HOME, MOBILE = ContactGiven("5035550100", "home", 1), ContactGiven("5035550187", "mobile", 2)


def test_reach_of_each_kind_of_patient(practice: Practice) -> None:
    with inside(practice):
        cases = [
            (person(HOME, MOBILE, email="m@example.com", consents=("sms", "email")), Reach(True, True, True)),
            (person(HOME, consents=("sms",)), Reach(True, False, False, "no mobile number or e-mail")),
            (person(MOBILE), Reach(True, False, False, "no consent to texts or e-mail")),
            (person(email="m@example.com", consents=("email",)), Reach(False, False, True)),
            (person(), Reach(False, False, False, "no phone or e-mail")),
        ]
        reach = reachability([patient for patient, _ in cases])
        assert [reach[patient.pk] for patient, _ in cases] == [expected for _, expected in cases]


def test_nobody_who_died_is_reached(practice: Practice) -> None:
    with inside(practice):
        patient = person(MOBILE, consents=("sms",))
        patient.deceased = True
        patient.save()
        assert reachability([patient])[patient.pk] == Reach(True, False, False, "died")


def test_consent_taken_back_ends_texts(practice: Practice) -> None:
    with inside(practice):
        patient = person(MOBILE, consents=("sms",))
        assert consent_state(patient, "sms")
        assert not consent_state(patient, "email")
        record_consent(patient=patient, channel="sms", granted=False, how="text", by=BY)
        assert not consent_state(patient, "sms")
        assert not reachability([patient])[patient.pk].can_text


def test_the_number_that_is_texted(practice: Practice) -> None:
    with inside(practice):
        patient = person(HOME, MOBILE, email="m@example.com")
        point = textable_contact(patient)
        assert point is not None
        assert point.value == "+15035550187"
        point.unusable = "landline"
        point.save()
        assert textable_contact(patient) is None
        email = email_contact(patient)
        assert email is not None
        assert email.value == "m@example.com"


def test_reach_takes_two_queries_for_one_and_for_many(practice: Practice) -> None:
    with inside(practice):
        for size in (1, 30):
            patients = [person(MOBILE, consents=("sms",)) for _ in range(size)]
            with CaptureQueriesContext(connection) as captured:
                reachability(patients)
            assert len(captured) == 2
