"""Registering and changing patients: words, indexes, audit, and what is refused."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients import registry
from patients.models import Consent, ContactPoint, Identifier, MisspelledWord, Patient, PatientWord
from patients.names import fold, misspellings, tidy
from patients.registry import ConsentGiven, ContactGiven, IdentifierGiven, InvalidPatient, StalePatient
from practices.models import AuditEntry, Practice
from practices.tenancy import inside
from tests import factories as make

BY = make.an_actor()


@pytest.fixture
def practice(db: None) -> Practice:
    return make.a_practice()


def words_of(patient: Patient) -> set[str]:
    return set(PatientWord.objects.filter(patient=patient).values_list("word", flat=True))


def test_registering_writes_every_row_of_the_patient(practice: Practice) -> None:
    with inside(practice):
        patient = registry.register_patient(
            given="Marisol",
            family="Vega",
            birth_date=dt.date(1986, 3, 14),
            needs=["step-free", "interpreter"],
            know_first="Hard of hearing on the left.",
            address={"line": "410 Harbor Street", "city": "Portland"},
            phones=[ContactGiven("(503) 555-0187")],
            emails=[ContactGiven("M.Vega@Example.com")],
            consents=[ConsentGiven("sms", True, "phone")],
            identifiers=[IdentifierGiven("csv:patient_id", "00005")],
            by=BY,
        )
        stored = Patient.objects.get(pk=patient.pk)
        assert stored.birth_date == dt.date(1986, 3, 14)
        assert stored.birth_index == Patient.birth_index_for(practice.pk, dt.date(1986, 3, 14))
        assert stored.needs == ["interpreter", "step-free"]
        assert stored.know_first == "Hard of hearing on the left."
        assert stored.address == {"line": "410 Harbor Street", "city": "Portland"}
        assert words_of(patient) == {"marisol", "vega"}
        assert MisspelledWord.objects.filter(word="vega").count() == len(misspellings("vega"))
        points = {point.system: point for point in ContactPoint.objects.filter(patient=patient)}
        assert points["phone"].value == "+15035550187"
        assert points["phone"].last_four_index == ContactPoint.last_four_index_for(practice.pk, "0187")
        assert points["email"].value == "m.vega@example.com"
        assert Consent.objects.get(patient=patient).granted
        assert Identifier.objects.get(patient=patient).value == "00005"
        entry = AuditEntry.objects.get(verb="patient.registered")
        assert entry.patient_id == patient.pk


def test_every_wrong_field_is_named_and_nothing_is_written(practice: Practice) -> None:
    with inside(practice), pytest.raises(InvalidPatient) as refused:
        registry.register_patient(
            given="",
            family="x" * 201,
            birth_date=dt.date(2999, 1, 1),
            sex="f",
            needs=["moon"],
            phones=[ContactGiven("(503) 555-0187"), ContactGiven("12")],
            emails=[ContactGiven("nobody")],
            consents=[ConsentGiven("call", True, "phone")],
            by=BY,
        )
    assert set(refused.value.errors) == {
        "family",
        "birth_date",
        "sex",
        "needs",
        "phones.1",
        "emails.0",
        "consents",
    }
    assert refused.value.errors["family"] == "At most 200 letters; this has 201."
    with inside(practice):
        assert not Patient.objects.exists()
        assert not AuditEntry.objects.exists()


def test_a_patient_without_any_name_is_refused(practice: Practice) -> None:
    with inside(practice), pytest.raises(InvalidPatient, match="Write a name"):
        registry.register_patient(given=" \u200b", family="\u202e", by=BY)


def test_changing_keeps_words_indexes_and_audit_right(practice: Practice) -> None:
    with inside(practice):
        patient = registry.register_patient(
            given="Marisol",
            family="Vega",
            phones=[ContactGiven("5035550187"), ContactGiven("5035550100")],
            by=BY,
        )
        kept = next(point for point in ContactPoint.objects.all() if point.value == "+15035550187")
        kept.unusable = "landline"
        kept.save()
        changed = registry.update_patient(
            patient=patient,
            version=1,
            changes={"family": "Vega-Luna", "birth_date": dt.date(1986, 3, 14), "given": "Marisol"},
            phones=[ContactGiven("503 555 0187"), ContactGiven("503 555 0199", use="home", rank=2)],
            by=BY,
        )
        assert changed.version == 2
        assert words_of(patient) == {"marisol", "vega", "luna", "vegaluna"}
        assert Patient.objects.get(birth_index=Patient.birth_index_for(practice.pk, dt.date(1986, 3, 14)))
        values = {p.value: p.unusable for p in ContactPoint.objects.filter(patient=patient)}
        assert values == {"+15035550187": "landline", "+15035550199": ""}
        entry = AuditEntry.objects.get(verb="patient.updated")
        assert entry.field_names == ["birth_date", "family", "phones"]
        assert entry.changes is not None
        assert entry.changes["family"] == ["Vega", "Vega-Luna"]


def test_a_change_of_nothing_writes_nothing(practice: Practice) -> None:
    with inside(practice):
        patient = registry.register_patient(given="Marisol", family="Vega", by=BY)
        same = registry.update_patient(
            patient=patient, version=1, changes={"given": " Marisol "}, phones=[], by=BY
        )
        assert same.version == 1
        assert not AuditEntry.objects.filter(verb="patient.updated").exists()


def test_the_second_of_two_writers_is_told(practice: Practice) -> None:
    with inside(practice):
        patient = registry.register_patient(given="Marisol", family="Vega", by=BY)
        registry.update_patient(patient=patient, version=1, changes={"pronouns": "she, her"}, by=BY)
        with pytest.raises(StalePatient) as stale:
            registry.update_patient(patient=patient, version=1, changes={"pronouns": "they"}, by=BY)
        assert stale.value.current.pronouns == "she, her"


def test_the_last_word_on_a_channel_counts(practice: Practice) -> None:
    with inside(practice):
        patient = registry.register_patient(
            given="Marisol", family="Vega", consents=[ConsentGiven("sms", True, "phone")], by=BY
        )
        registry.record_consent(patient=patient, channel="sms", granted=False, how="text", by=BY)
        assert [c.granted for c in Consent.objects.in_force()] == [False]
        assert Consent.objects.count() == 2
        assert AuditEntry.objects.filter(verb="consent.withdrawn", patient_id=patient.pk).exists()


def test_one_identifier_belongs_to_one_patient_of_a_practice(practice: Practice) -> None:
    other = make.a_practice("cedar-park")
    number = IdentifierGiven("mrn", "1")
    for house in (practice, other):
        with inside(house):
            registry.register_patient(given="Marisol", family="Vega", identifiers=[number], by=BY)
            assert Identifier.objects.count() == 1


HOSTILE = [
    "Robert'); DROP TABLE patients_patient;--",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "Null",
    "O'Brien",
    "=cmd|' /C calc'!A0",
    "e" + "\u0301" * 100,
    "👩\u200d👩\u200d👧",
    "محمد",
    "王小明",
    "A",
    "x" * 200,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_name(practice: Practice, name: str) -> None:
    with inside(practice):
        patient = registry.register_patient(given=name, family="Vega", by=BY)
        assert Patient.objects.get(pk=patient.pk).given == tidy(name)


def test_signs_that_hide_or_turn_text_are_left_out() -> None:
    assert tidy("Mar\u202eisol\u200b  V\x00ega\ufeff") == "Marisol Vega"
    assert tidy("one\r\ntwo  three", lines=True) == "one\ntwo three"


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text("abcdefgh", min_size=4, max_size=12), st.data())
def test_words_one_letter_apart_share_a_misspelling(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("abcdefghz"))
    assert misspellings(word) & misspellings(word[:at] + letter + word[at + 1 :])
    if len(word) > 4:
        assert misspellings(word) & misspellings(word[:at] + word[at + 1 :])
