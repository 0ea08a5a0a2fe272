"""Imports: whatever stands in a file, the report is true, nothing is half-written, no number leaks."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patients.importfiles import UnreadableFile
from patients.importing import import_patients
from patients.models import Consent, ContactPoint, Identifier, Patient
from patients.search import find_patients
from practices.models import AuditEntry, Practice
from practices.tenancy import inside
from tests import factories as make

DATA = Path(__file__).parent.parent / "data"
HEADER = "patient_id,name,sex,dob"


@pytest.fixture
def practice(db: None) -> Practice:
    return make.a_practice()


def outcomes(practice: Practice, path: Path) -> list[tuple[int, str]]:
    return [(row.line, row.outcome) for row in import_patients(path, practice).rows]


def csv_file(tmp_path: Path, *lines: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    path = tmp_path / "patients.csv"
    path.write_bytes("\n".join([header, *lines]).encode(encoding))
    return path


def fhir_file(tmp_path: Path, *resources: Any) -> Path:
    path = tmp_path / "patients.ndjson"
    rows = [row if isinstance(row, str) else json.dumps(row) for row in resources]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def a_resource(number: str = "1", **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:mrn", "value": number}],
        "name": [{"use": "official", "given": ["Marisol"], "family": "Vega"}],
        "birthDate": "1986-03-14",
        "gender": "female",
    } | fields


def test_fhir_rows_become_patients(practice: Practice) -> None:
    report = import_patients(DATA / "patients.ndjson", practice)
    lines = (DATA / "patients.ndjson").read_text().splitlines()
    assert [(row.line, row.outcome) for row in report.rows] == [
        (line, "created") for line in range(1, len(lines) + 1)
    ]
    with inside(practice):
        for line in map(json.loads, lines):
            index = Identifier.index_for(
                practice.pk, line["identifier"][0]["system"], line["identifier"][0]["value"]
            )
            number = Identifier.objects.get(system=line["identifier"][0]["system"], value_index=index)
            patient = number.patient
            assert patient.family == line["name"][0]["family"]
            assert str(patient.birth_date) == line["birthDate"]
            assert patient.deceased == ("deceasedDateTime" in line)
            assert patient.sex == line["gender"]
            assert [point.use for point in patient.contact_points.all()] == ["home"]
        assert Patient.objects.filter(deceased=True).count() == 2
        assert AuditEntry.objects.filter(verb="patient.registered").count() == len(lines)
        assert not Consent.objects.exists()
        assert find_patients(json.loads(lines[0])["name"][0]["family"])


def test_numbers_from_outside_health_care_are_in_no_table(practice: Practice) -> None:
    import_patients(DATA / "patients.ndjson", practice)
    import_patients(DATA / "patients.ndjson", practice)
    numbers: set[str] = set()
    for line in map(json.loads, (DATA / "patients.ndjson").read_text().splitlines()):
        for number in line["identifier"]:
            code = number.get("type", {}).get("coding", [{}])[0].get("code")
            if code in {"SS", "DL", "PPN"}:
                numbers.add(number["value"])
    assert len(numbers) > 8
    with inside(practice):
        stored = {number.value for number in Identifier.objects.all()}
        assert stored
        assert not stored & numbers
        dump = whole_database()
        assert not {number for number in numbers if number in dump}
        assert "us-ssn" not in dump
        for entry in AuditEntry.objects.all():
            assert not any(number in json.dumps(entry.changes) for number in numbers)


def whole_database() -> str:
    """Every row of every table that a practice's scope shows, as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        dump = ""
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            dump += "\n".join(row for (row,) in cursor.fetchall())
    return dump


def test_csv_rows_become_patients_and_a_second_run_changes_nothing(practice: Practice) -> None:
    created = outcomes(practice, DATA / "patients.csv")
    assert created == [(line, "created") for line in range(2, 8)]
    assert outcomes(practice, DATA / "patients.csv") == [(line, "unchanged") for line in range(2, 8)]
    with inside(practice):
        assert Patient.objects.count() == 6
        martinez = find_patients("samantha martinez 6/21/1938")[0].patient
        assert martinez.sex == "female"
        assert Identifier.objects.get(patient=martinez).value == "00005"


def test_a_changed_row_updates_its_patient(practice: Practice, tmp_path: Path) -> None:
    import_patients(fhir_file(tmp_path, a_resource()), practice)
    phone = {"system": "phone", "use": "mobile", "value": "503-555-0187"}
    changed = a_resource(
        name=[{"given": ["Marisol"], "family": "Luna"}], telecom=[phone], deceasedBoolean=True
    )
    assert outcomes(practice, fhir_file(tmp_path, changed)) == [(1, "updated")]
    assert outcomes(practice, fhir_file(tmp_path, a_resource(birthDate="1986-03-15"))) == [(1, "updated")]
    with inside(practice):
        patient = Patient.objects.get()
        assert (patient.family, patient.deceased, str(patient.birth_date)) == ("Vega", True, "1986-03-15")
        assert [(p.value, p.use) for p in ContactPoint.objects.all()] == [("+15035550187", "mobile")]
        assert [match.patient for match in find_patients("vega")] == [patient]


def test_one_patient_twice_in_a_file_is_one_patient(practice: Practice, tmp_path: Path) -> None:
    path = fhir_file(tmp_path, a_resource(), a_resource(), a_resource(gender="other"))
    assert outcomes(practice, path) == [(1, "created"), (2, "unchanged"), (3, "updated")]


def test_numbers_of_two_patients_in_one_row_are_refused(practice: Practice, tmp_path: Path) -> None:
    both = a_resource(identifier=[{"system": "urn:mrn", "value": "1"}, {"system": "urn:mrn", "value": "2"}])
    path = fhir_file(tmp_path, a_resource("1"), a_resource("2"), both)
    assert outcomes(practice, path) == [(1, "created"), (2, "created"), (3, "refused")]


def test_one_bad_row_stops_nothing(practice: Practice, tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "1,Ana Good,Female,1980-01-01",
        "2,Bea Baddate,Female,1980-02-30",
        "3,Cleo Zero,Female,00/00/1980",
        "4,Dora Short",
        '5,"Eva Open,Female,1980-01-01',
        "6,Fay Good,purple,1/2/80",
        "7," + "x" * 300 + " Long,Female,1980-01-01",
        "8,Gil Future,Male,2999-01-01",
        "123-45-6789,Ida Number,Female,1980-01-01",
        ",Joy Nonumber,Female,1980-01-01",
        ",Kim Nothing,Female,",
        '9,"Liv ""Lee"" Good",F,1980-01-01',
        "10,,Female,1980-01-01",
        '11,"Mia',
        'Twolines",Female,1980-01-01',
        "",
        "12,O'Brien <script>,Female,1980-01-01",
        "13,=cmd|' /C calc'!A0 Null,Female,1980-01-01",
    )
    report = import_patients(path, practice)
    said = {row.line: (row.outcome, row.why) for row in report.rows}
    good = {2, 7, 11, 13, 15, 18, 19}
    assert {line for line, (outcome, _) in said.items() if outcome == "created"} == good
    assert set(said) == set(range(2, 16)) | {18, 19}
    assert said[3][1] == said[4][1] == said[9][1] == "the birth date is not a date between 1900 and today"
    assert said[5][1] == "the row has fewer cells than the header"
    assert said[6][1] == "a quotation mark is never closed"
    assert said[7] == ("created", "the sex was left out: not a known word")
    assert said[10][1].startswith("the patient's number is a social security number")
    with inside(practice):
        assert Patient.objects.count() == len(good)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("{", "the line is not JSON (at character 2)"),
        ("[1]", "the line is not a FHIR Patient"),
        ('{"resourceType": "Practitioner"}', "the line is not a FHIR Patient"),
        ('{"resourceType": "Patient", "resourceType": "Patient"}', "a key appears twice in the JSON"),
        ('{"resourceType": "Patient", "x": NaN}', "the JSON holds a number that is none"),
        ('{"resourceType": "Patient", "x": 1e999}', "the JSON holds a number that is none"),
        ('{"resourceType": "Patient", "x": ' + "[" * 100 + "]" * 100 + "}", "the JSON is nested too deeply"),
        ('{"resourceType": "Patient", "x": ' + "[" * 90_000, "the JSON is nested too deeply"),
        (a_resource(birthDate="1986-02-30"), "the birth date is not a date between 1900 and today"),
        (a_resource(birthDate=19860314), "the birth date is not a date between 1900 and today"),
        (a_resource(name="Vega"), "name is not a list of objects"),
        (a_resource(name=[{"family": {"a": 1}}]), "not valid FHIR at name.0.family"),
        (a_resource("9", name=[]), "not accepted: name"),
        (a_resource(identifier=[]), "there is no number by which the patient could be known again"),
        (a_resource(name=[{"family": "x" * 300}]), "the family name is longer than 200 letters"),
        ("9" * 1_500_000, "the line is longer than a million bytes, or not UTF-8 text"),
        ("\0\0", "the line is longer than a million bytes, or not UTF-8 text"),
    ],
)
def test_a_bad_fhir_row_is_refused_between_good_ones(
    practice: Practice, tmp_path: Path, row: Any, why: str
) -> None:
    path = fhir_file(tmp_path, a_resource("1"), row, a_resource("2"))
    report = import_patients(path, practice)
    assert [(r.line, r.outcome) for r in report.rows] == [(1, "created"), (2, "refused"), (3, "created")]
    assert report.rows[1].why == why


def test_what_is_unusable_beside_the_patient_is_left_out_and_said(practice: Practice, tmp_path: Path) -> None:
    resource = a_resource(
        telecom=[
            {"system": "phone", "value": "call me"},
            {"system": "phone", "value": "503-555-0100", "use": "home"},
            {"system": "email", "value": "nobody"},
            {"system": "fax", "value": "503-555-0101"},
        ],
        birthDate="1986",
        unknownField={"deep": [1]},
        communication=[{"language": {"coding": [{"code": "pt", "display": "Portuguese"}]}}],
    )
    report = import_patients(fhir_file(tmp_path, resource), practice)
    assert report.rows[0].outcome == "created"
    assert "birth date was left out" in report.rows[0].why
    assert "a phone was left out" in report.rows[0].why
    assert "an e-mail was left out" in report.rows[0].why
    with inside(practice):
        patient = Patient.objects.get()
        assert patient.birth_date is None
        assert patient.need_note == "Speaks Portuguese"
        assert [(p.value, p.textable) for p in patient.contact_points.all()] == [("+15035550100", False)]


UNREADABLE = {
    "empty": b"",
    "blank": b" \n\n",
    "utf-16": f"{HEADER}\n1,Ana Good,Female,1980-01-01\n".encode("utf-16"),
    "nul": b"\0" * 1000,
    "garbage": bytes(range(256)) * 50,
    "no columns": b"hello\nworld\n",
    "two name columns": b"name,full_name\nAna,Ana\n",
    "json list": b"[]",
    "image": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_file_is_a_sentence_and_nothing_is_written(
    practice: Practice, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"^[A-Z].*\.$"):
        import_patients(path, practice)
    with pytest.raises(CommandError, match="Nothing was imported"):
        run(practice, path)
    with inside(practice):
        assert not Patient.objects.exists()


def test_other_encodings_lose_only_the_rows_that_cannot_be_read(practice: Practice, tmp_path: Path) -> None:
    rows = ("1,José Good,Male,1980-01-01", "2,Ana Good,Female,1980-01-01")
    assert outcomes(practice, csv_file(tmp_path, *rows, encoding="latin-1")) == [
        (2, "refused"),
        (3, "created"),
    ]
    assert outcomes(practice, csv_file(tmp_path, *rows, encoding="utf-8-sig")) == [
        (2, "created"),
        (3, "unchanged"),
    ]


def test_a_cell_of_ten_megabytes_is_one_refused_row(practice: Practice, tmp_path: Path) -> None:
    path = csv_file(tmp_path, "1," + "x" * 10_000_000, "2,Ana Good,Female,1980-01-01")
    assert outcomes(practice, path) == [(2, "refused"), (3, "created")]


def test_given_and_family_columns_and_phones(practice: Practice, tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "María José,de la Cruz,4/22/91,(503) 555-0187,503-555-0100,m@example.com,Spanish,999-99-9999",
        header="First Name,Last Name,DOB,Cell Phone,Home Phone,E-Mail,Language,SSN",
    )
    assert outcomes(practice, path) == [(2, "created")]
    assert outcomes(practice, path) == [(2, "unchanged")]
    with inside(practice):
        patient = Patient.objects.get()
        assert (patient.given, patient.family, patient.language) == ("María José", "de la Cruz", "es")
        uses = {point.value: point.use for point in patient.contact_points.phones()}  # type: ignore[attr-defined]
        assert uses == {"+15035550187": "mobile", "+15035550100": "home"}
        assert "999-99-9999" not in whole_database()


def test_a_batch_takes_as_many_queries_as_one_row(practice: Practice, tmp_path: Path) -> None:
    counts = []
    for size in (1, 100):
        rows = [f"{size}-{n},Ana Good{n},Female,1980-01-01" for n in range(size)]
        with CaptureQueriesContext(connection) as captured:
            import_patients(csv_file(tmp_path, *rows), practice)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def run(practice: Practice, path: Path, *arguments: str) -> str:
    out = io.StringIO()
    call_command(
        "import_patients",
        str(path),
        "--practice",
        practice.slug,
        *arguments,
        stdout=out,
        stderr=io.StringIO(),
    )
    return out.getvalue()


def test_the_report_tells_each_line_and_no_name(practice: Practice, tmp_path: Path) -> None:
    path = csv_file(tmp_path, "1,Ana Canary,Female,1980-01-01", "2,Bea Canary,Female,1980-13-45")
    report = tmp_path / "report.csv"
    said = run(practice, path, "--report", str(report))
    assert "line 2: created" in said
    assert "line 3: refused (the birth date is not a date between 1900 and today)" in said
    assert said.endswith("2 rows: 1 created, 0 updated, 0 unchanged, 1 refused.\n")
    assert report.read_text().splitlines()[1:] == [
        "2,created,",
        "3,refused,the birth date is not a date between 1900 and today",
    ]
    for words in (said, report.read_text()):
        assert "Canary" not in words
        assert "1980" not in words


def test_the_command_refuses_in_words(practice: Practice, tmp_path: Path) -> None:
    good = DATA / "patients.csv"
    for arguments, words in (
        ((str(good), "--practice", "nowhere"), "no practice nowhere"),
        ((str(tmp_path / "none"), "--practice", practice.slug), "There is no file"),
        ((str(tmp_path), "--practice", practice.slug), "There is no file"),
        (
            (str(good), "--practice", practice.slug, "--report", str(tmp_path / "no" / "report")),
            "report cannot be written",
        ),
        ((str(csv_file(tmp_path, "1,A B,F,never")), "--practice", practice.slug), "no usable row"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("import_patients", *arguments, stdout=io.StringIO(), stderr=io.StringIO())
    with inside(practice):
        assert not Patient.objects.exists()


def test_another_practice_has_its_own_patients_of_the_same_file(practice: Practice) -> None:
    import_patients(DATA / "patients.csv", practice)
    other = make.a_practice("cedar-park")
    assert {outcome for _, outcome in outcomes(other, DATA / "patients.csv")} == {"created"}
