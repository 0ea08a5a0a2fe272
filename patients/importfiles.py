"""Files of patients: FHIR R4 Patient NDJSON and CSV, read line by line, whatever is in them.

Yields a `PatientGiven` or a `Refusal` per line and never raises for a row: one bad row stops nothing.
Reasons name the field and never its content, because a report ends up in logs.
"""

import csv
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from patients.cleaning import LIMITS
from patients.dates import parse_birth_date
from patients.models import ContactPoint, Sex
from patients.names import fold
from patients.registry import ContactGiven, IdentifierGiven

LONGEST_LINE = 1_000_000
MOST_LINES_OF_A_ROW = 20
SSN = re.compile(r"\d{3}[- ]\d{2}[- ]\d{4}")
COLUMNS = {
    "patient_id": {"patient_id", "id", "mrn", "record", "chart"},
    "name": {"name", "full_name", "patient_name"},
    "given": {"given", "given_name", "first", "first_name", "firstname", "forename"},
    "family": {"family", "family_name", "last", "last_name", "lastname", "surname"},
    "preferred": {"preferred", "preferred_name", "nickname"},
    "birth_date": {"dob", "birth_date", "birthdate", "date_of_birth", "born"},
    "sex": {"sex", "gender"},
    "mobile": {"mobile", "mobile_phone", "cell", "cell_phone"},
    "home": {"phone", "home_phone", "telephone"},
    "email": {"email", "e_mail", "mail"},
    "language": {"language", "lang"},
}
SEXES = {"f": "female", "m": "male", "o": "other"} | {value: value for value in Sex.values}


class UnreadableFile(Exception):
    """The file as a whole cannot be read; says why in words."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not taken, and why."""

    line: int
    reason: str


@dataclass(slots=True)
class PatientGiven:
    """A patient as a file gives it; `notes` say what was left out."""

    line: int
    person: dict[str, Any]
    identifiers: list[IdentifierGiven] = field(default_factory=list)
    phones: list[ContactGiven] = field(default_factory=list)
    emails: list[ContactGiven] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class RowRefused(ValueError):
    """A row that cannot be read; the text is the reason in words."""


def read_file(path: Path) -> Iterator[PatientGiven | Refusal]:
    """The rows of a file, its format told by its content; raises UnreadableFile before the first row."""
    from patients.fhir import read_patient

    with path.open("rb") as file:
        start = file.read(65_536)
        check_start(start)
        file.seek(3 if start.startswith(b"\xef\xbb\xbf") else 0)
        lines = physical_lines(file)
        if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            for number, text in lines:
                if text is None or text.strip():
                    yield one_row(number, text, read_patient)
        else:
            yield from csv_rows(lines)


def check_start(start: bytes) -> None:
    """Refuses what is no text, by its first bytes."""
    if not start.strip():
        raise UnreadableFile("The file is empty.")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile("The file is UTF-16. Save it as UTF-8 and import it again.")
    if start.count(b"\0") * 10 > len(start):
        raise UnreadableFile("The file is not text. It must be NDJSON or CSV, in UTF-8.")


def physical_lines(file: BinaryIO) -> Iterator[tuple[int, str | None]]:
    """Line numbers and texts; None stands for a line that is too long or not UTF-8."""
    number = 0
    while raw := file.readline(LONGEST_LINE):
        number += 1
        too_long = len(raw) == LONGEST_LINE and not raw.endswith(b"\n")
        while too_long and (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass
        try:
            yield number, None if too_long or b"\0" in raw else raw.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            yield number, None


def one_row(number: int, text: str | None, parse: Any) -> PatientGiven | Refusal:
    """Parses one row; whatever goes wrong becomes a refusal of that row."""
    if text is None:
        return Refusal(number, "the line is longer than a million bytes, or not UTF-8 text")
    try:
        given: PatientGiven = parse(number, text)
    except RowRefused as error:
        return Refusal(number, str(error))
    except Exception as error:  # the boundary: a file from outside may hold anything
        return Refusal(number, f"the row cannot be read ({type(error).__name__})")
    return given


def csv_rows(lines: Iterator[tuple[int, str | None]]) -> Iterator[PatientGiven | Refusal]:
    """The rows below a header line whose columns are known by many names."""
    columns = header(next((text for _, text in lines if text is None or text.strip()), None))
    waiting: list[tuple[int, str | None]] = []
    while True:
        number, text = waiting.pop(0) if waiting else next(lines, (0, None))
        if not number:
            return
        if text is not None and not text.strip():
            continue
        cells = split(text)
        if cells is None and text is not None:  # a quote is open: the row may go on below
            cells, waiting = continued(text, waiting, lines)
        if text is not None and cells is None:
            yield Refusal(number, "a quotation mark is never closed")
        else:
            yield one_row(number, text, lambda line, _, cells=cells: csv_patient(line, columns, cells))


def split(text: str | None) -> list[str] | None:
    """The cells of a row; None while a quotation mark is open."""
    if text is None:
        return None
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        return None


def continued(
    text: str, waiting: list[tuple[int, str | None]], lines: Iterator[tuple[int, str | None]]
) -> tuple[list[str] | None, list[tuple[int, str | None]]]:
    """The cells of a row over several lines and what then waits; all lines wait if it never ends."""
    taken: list[tuple[int, str | None]] = []
    for _ in range(MOST_LINES_OF_A_ROW):
        step = waiting.pop(0) if waiting else next(lines, None)
        if step is None:
            break
        taken.append(step)
        if step[1] is None:
            break
        text = f"{text}\n{step[1]}"
        if (cells := split(text)) is not None:
            return cells, waiting
    return None, taken + waiting


def header(text: str | None) -> dict[str, int]:
    """Position of each known column; UnreadableFile without a name column."""
    cells = split(text)
    names = [re.sub(r"[\W_]+", "_", cell.strip().lower()).strip("_") for cell in cells or []]
    columns: dict[str, int] = {}
    for known, spellings in COLUMNS.items():
        places = [place for place, name in enumerate(names) if name in spellings]
        if len(places) > 1:
            raise UnreadableFile(f"Two columns of the header mean the same: {known.replace('_', ' ')}.")
        if places:
            columns[known] = places[0]
    if not columns.keys() & {"name", "family"}:
        raise UnreadableFile(
            "This is neither FHIR NDJSON nor a CSV of patients: the first line must name the columns, "
            "with name, or with given and family."
        )
    return columns


def csv_patient(line: int, columns: dict[str, int], cells: list[str] | None) -> PatientGiven:
    """A patient of a CSV row; raises RowRefused."""
    if cells is None or len(cells) <= max(columns.values()):
        raise RowRefused("the row has fewer cells than the header")
    cell = {name: cells[place].strip() for name, place in columns.items()}
    given, family = cell.get("given", ""), cell.get("family", "")
    if not (given or family):
        given, _, family = cell.get("name", "").rpartition(" ")
    person: dict[str, Any] = {"given": given, "family": family, "preferred": cell.get("preferred", "")}
    person["birth_date"] = birth_date(cell.get("birth_date", ""))
    row = PatientGiven(line, person)
    person["sex"] = sex(cell.get("sex", ""), row)
    person["language"] = "es" if cell.get("language", "").lower().startswith(("es", "spa")) else "en"
    row.identifiers = [csv_identifier(cell.get("patient_id", ""), person)]
    for name, use in (("mobile", ContactPoint.Use.MOBILE), ("home", ContactPoint.Use.HOME)):
        if cell.get(name):
            row.phones.append(ContactGiven(cell[name], use.value, len(row.phones) + 1))
    if cell.get("email"):
        row.emails.append(ContactGiven(cell["email"]))
    return row


def csv_identifier(number: str, person: dict[str, Any]) -> IdentifierGiven:
    """The number of the row, or name and birth date where a file has no numbers."""
    if number:
        if SSN.fullmatch(number):
            raise RowRefused("the patient's number is a social security number, which is never stored")
        return IdentifierGiven("csv:patient_id", number[:200])
    if not person["birth_date"]:
        raise RowRefused("without a number and a birth date the row cannot be told from others")
    name = fold(f"{person['family']} {person['given']}")
    return IdentifierGiven("csv:name", f"{name} {person['birth_date']}")


def birth_date(text: str) -> dt.date | None:
    """The date of a cell; RowRefused says no more than that it is none."""
    try:
        return parse_birth_date(text) if text else None
    except ValueError:
        raise RowRefused("the birth date is not a date between 1900 and today") from None


def sex(text: str, row: PatientGiven) -> str:
    """FHIR's word for a sex; an unknown one is left out and noted."""
    found = SEXES.get(text.strip().lower())
    if found is None and text:
        row.notes.append("the sex was left out: not a known word")
    return found or Sex.UNKNOWN.value


def shortened(text: str, name: str) -> str:
    """A text for a field; RowRefused if it is too long for it."""
    if len(text) > LIMITS[name]:
        raise RowRefused(f"the {name} name is longer than {LIMITS[name]} letters")
    return text
