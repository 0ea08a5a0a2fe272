"""Finding patients: every spelling a receptionist types, and a number of queries that does not grow."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patients.models import Patient
from patients.registry import ContactGiven, prepare, register_patient, write
from patients.search import find_patients, likely_duplicates, read
from practices.models import Practice
from practices.tenancy import inside
from tests import factories as make

BY = make.an_actor()
PEOPLE = [
    ("Marisol", "Vega", dt.date(1986, 3, 14), "5035550187"),
    ("Mariela", "Vegas", dt.date(1971, 7, 2), "5035550188"),
    ("Tom", "Hargrove", dt.date(1986, 3, 14), "5035551986"),
    ("Zoë", "O'Brien-Müller", dt.date(1991, 4, 22), "5035550142"),
    ("Jean Luc", "de la Cruz", dt.date(1991, 4, 22), "2075550142"),
    ("Li", "Ng", None, ""),
    ("John", "Marsh", dt.date(1991, 4, 22), "6035550111"),
]


@pytest.fixture
def practice(db: None) -> Practice:
    practice = make.a_practice()
    with inside(practice):
        for given, family, born, phone in PEOPLE:
            phones = [ContactGiven(phone)] if phone else []
            register_patient(
                given=given,
                family=family,
                birth_date=born,
                phones=phones,
                emails=[ContactGiven(f"{given[:2].lower()}@example.com")] if phone else [],
                by=BY,
            )
    return practice


def found(practice: Practice, text: str) -> list[str]:
    with inside(practice):
        return [match.patient.given for match in find_patients(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vega", ["Marisol", "Mariela"]),
        ("VEG", ["Marisol", "Mariela"]),
        ("marisol vega", ["Marisol"]),
        ("Vega, Marisol", ["Marisol"]),
        ("marisl", ["Marisol"]),
        ("marisool", ["Marisol"]),
        ("amrisol", ["Marisol"]),
        ("marizol vega", ["Marisol"]),
        ("hargove", ["Tom"]),
        ("zoe", ["Zoë"]),
        ("muller", ["Zoë"]),
        ("Müller", ["Zoë"]),
        ("obrien", ["Zoë"]),
        ("o brien", ["Zoë"]),
        ("o’brien", ["Zoë"]),
        ("delacruz", ["Jean Luc"]),
        ("jean de la cruz", ["Jean Luc"]),
        ("ng", ["Li"]),
        ("(503) 555-0187", ["Marisol"]),
        ("503.555.0187", ["Marisol"]),
        ("+1 503 555 0187", ["Marisol"]),
        ("5035550187", ["Marisol"]),
        ("555-0187", ["Marisol"]),
        ("0187", ["Marisol"]),
        ("0142", ["Jean Luc", "Zoë"]),
        ("zoe 0142", ["Zoë"]),
        ("vega 1986", ["Marisol"]),
        ("tom 1986", ["Tom"]),
        ("1986", ["Tom"]),
        ("3/14/86", ["Tom", "Marisol"]),
        ("March 14 1986", ["Tom", "Marisol"]),
        ("1986-03-14", ["Tom", "Marisol"]),
        ("19860314", ["Tom", "Marisol"]),
        ("marsh 4/22/91", ["John"]),
        ("22 apr 1991 marsh", ["John"]),
        ("marsh 4/23/91", ["John"]),
        ("zo@example.com", ["Zoë"]),
        ("nobody", []),
        ("   ", []),
        ("-", []),
        ("12", []),
        ("'; drop table", []),
        ("x" * 5000, []),
        ("\u202e\u0000%_\\", []),
        ("٣٤٥٦", []),
    ],
)
def test_what_a_receptionist_types(practice: Practice, text: str, expected: list[str]) -> None:
    assert found(practice, text) == expected


def test_a_match_says_why(practice: Practice) -> None:
    with inside(practice):
        assert find_patients("vega")[0].why == "name"
        assert find_patients("0187")[0].why == "phone"
        assert find_patients("marsh 4/22/91")[0].why == "birth date"
        assert find_patients("zo@example.com")[0].why == "e-mail"
        assert find_patients("vega 1986")[0].why == "birth date"


def test_the_exact_name_comes_before_longer_ones_and_typos(practice: Practice) -> None:
    with inside(practice):
        register_patient(given="Ana", family="Veg", by=BY)
        assert [m.patient.family for m in find_patients("veg")] == ["Veg", "Vega", "Vegas"]


def test_a_person_who_died_comes_last(practice: Practice) -> None:
    with inside(practice):
        died = register_patient(given="Abel", family="Vega", by=BY)
        died.deceased = True
        died.save()
        assert [m.patient.given for m in find_patients("vega")][-1] == "Abel"


def test_another_practices_patients_are_not_found(practice: Practice) -> None:
    assert found(make.a_practice("cedar-park"), "vega") == []


def crowd(practice: Practice, size: int) -> None:
    with inside(practice):
        people = [
            prepare(
                {
                    "given": f"Maria {chr(97 + n % 26)}{chr(97 + n // 26)}",
                    "family": "Garcia",
                    "birth_date": dt.date(1980, 1, 1),
                },
                phones=[ContactGiven(f"503555{n:04d}")],
                by=BY,
            )
            for n in range(size)
        ]
        write(people, by=BY)


@pytest.mark.parametrize(
    ("text", "queries"),
    [("garcia", 4), ("maria garcia", 4), ("garsia 1/1/1980", 5), ("maria 0000", 5), ("0000", 3)],
)
def test_the_number_of_queries_is_the_same_for_one_and_for_three_hundred(
    db: None, text: str, queries: int
) -> None:
    for slug, size in (("one", 1), ("many", 300)):
        practice = make.a_practice(slug)
        crowd(practice, size)
        with (
            inside(practice),
            CaptureQueriesContext(
                connection,
            ) as captured,
        ):
            matches = find_patients(text, limit=20)
            assert [match.patient.birth_date for match in matches]
        assert len(captured) == queries, (slug, [q["sql"][:90] for q in captured])


def test_the_database_is_asked_for_a_bounded_number_of_rows(db: None) -> None:
    practice = make.a_practice()
    crowd(practice, 500)
    with inside(practice):
        assert len(find_patients("garcia", limit=1000)) <= 400


def test_search_uses_only_operators_that_row_security_lets_index(practice: Practice) -> None:
    with inside(practice), CaptureQueriesContext(connection) as captured:
        find_patients("marsh garcia 0142")
        find_patients("marsh 4/22/91")
    sql = " ".join(query["sql"].upper() for query in captured)
    for operator in ("LIKE", " % ", "SIMILARITY", "@@", "~"):
        assert operator not in sql


def duplicates(practice: Practice, **fields: object) -> list[str]:
    with inside(practice):
        return [m.patient.given for m in likely_duplicates(**({"given": "", "family": ""} | fields))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"given": "Marisol", "family": "Vega"}, ["Marisol"]),
        ({"given": "Marysol", "family": "Vega", "birth_date": dt.date(1986, 3, 14)}, ["Marisol"]),
        ({"given": "Mari", "family": "Vega Luna", "phone": "(503) 555-0187"}, ["Marisol"]),
        ({"given": "Marisol", "family": "Vega", "birth_date": dt.date(2001, 1, 1)}, ["Marisol"]),
        ({"given": "Marc", "family": "Vega", "birth_date": dt.date(2001, 1, 1)}, []),
        ({"given": "Mar", "family": ""}, []),
        ({"given": "Quentin", "family": "Zapf", "birth_date": dt.date(1986, 3, 14)}, []),
        ({"given": "Quentin", "family": "Zapf", "phone": "not a phone"}, []),
        ({"given": "", "family": "", "birth_date": dt.date(1986, 3, 14), "phone": "5035550187"}, ["Marisol"]),
    ],
)
def test_likely_duplicates(practice: Practice, fields: dict[str, object], expected: list[str]) -> None:
    assert duplicates(practice, **fields) == expected


def test_a_text_is_taken_apart(practice: Practice) -> None:
    with inside(practice):
        question = read("Vega, Marisol (503) 555-0187 b. March 14, 1986 m.vega@example.com")
    assert question.birth_date == dt.date(1986, 3, 14)
    assert question.digits == "5035550187"
    assert question.email == "m.vega@example.com"
    assert question.words[:2] == ["vega", "marisol"]


def test_a_name_change_changes_what_is_found(practice: Practice) -> None:
    from patients.registry import update_patient

    with inside(practice):
        patient = Patient.objects.get(given="Tom")
        update_patient(patient=patient, version=1, changes={"family": "Ashby"}, by=BY)
    assert found(practice, "hargrove") == []
    assert found(practice, "ashby") == ["Tom"]
