"""Files of visits: the CSV of an outpatient clinic, read line by line, whatever is in it.

Yields a `VisitGiven` or a `Refusal` per line and never raises for a row. Reasons name the field and never
its content.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patients.importfiles import (
    Refusal,
    RowRefused,
    UnreadableFile,
    check_start,
    one_row,
    physical_lines,
    split,
)
from scheduling.models import Status
from scheduling.wallclock import YEARS

NEEDED = ("appointment_id", "appointment_date", "appointment_time", "status", "patient_id")
TIMES = ("check_in_time", "start_time", "end_time")
KNOWN = (*NEEDED, *TIMES, "scheduling_date")
STATUSES = {
    "attended": Status.FULFILLED,
    "cancelled": Status.CANCELLED,
    "canceled": Status.CANCELLED,
    "did not attend": Status.NOSHOW,
    "no-show": Status.NOSHOW,
    "scheduled": Status.BOOKED,
    "booked": Status.BOOKED,
}
LONGEST_NUMBER = 100


@dataclass(slots=True)
class VisitGiven:
    """A visit as a file gives it: wall-clock times of its day; `notes` say what was left out."""

    line: int
    number: str
    patient: str
    day: dt.date
    time: dt.time
    status: Status
    booked_on: dt.date | None = None
    arrived: dt.time | None = None
    seen: dt.time | None = None
    left: dt.time | None = None
    notes: list[str] = field(default_factory=list)


def read_file(path: Path) -> Iterator[VisitGiven | Refusal]:
    """The rows of a file; raises UnreadableFile before the first one."""
    with path.open("rb") as file:
        start = file.read(65_536)
        check_start(start)
        file.seek(3 if start.startswith(b"\xef\xbb\xbf") else 0)
        lines = physical_lines(file)
        columns = header(next((text for _, text in lines if text is None or text.strip()), None))

        def parse(line: int, text: str) -> Any:
            return visit(line, columns, split(text))

        for number, text in lines:
            if text is None or text.strip():
                row: Any = one_row(number, text, parse)
                yield row


def header(text: str | None) -> dict[str, int]:
    """Position of each known column; UnreadableFile if one is missing or there twice."""
    names = [cell.strip().lower() for cell in split(text) or []]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise UnreadableFile(f"This is no CSV of visits: the first line lacks {', '.join(missing)}.")
    twice = [name for name in KNOWN if names.count(name) > 1]
    if twice:
        raise UnreadableFile(f"The first line names {', '.join(twice)} twice.")
    return {name: names.index(name) for name in KNOWN if name in names}


def visit(line: int, columns: dict[str, int], cells: list[str] | None) -> VisitGiven:
    """A visit of a row; raises RowRefused."""
    if cells is None:
        raise RowRefused("a quotation mark is never closed")
    if len(cells) <= max(columns.values()):
        raise RowRefused("the row has fewer cells than the header")
    cell = {name: cells[place].strip() for name, place in columns.items()}
    for name, what in (("appointment_id", "the visit's number"), ("patient_id", "the patient's number")):
        if not 0 < len(cell[name]) <= LONGEST_NUMBER:
            raise RowRefused(f"{what} is missing or too long")
    day, time = a_day(cell["appointment_date"]), a_time(cell["appointment_time"])
    if day is None or time is None:
        raise RowRefused("the date or the time of the visit is none")
    status = STATUSES.get(cell["status"].lower())
    row = VisitGiven(line, cell["appointment_id"], cell["patient_id"], day, time, status or Status.BOOKED)
    if status is None:
        row.notes.append("imported as booked: its status is not known")
    row.booked_on = a_day(cell.get("scheduling_date", ""))
    if status == Status.FULFILLED:
        read_times(row, [cell.get(name, "") for name in TIMES])
    return row


def read_times(row: VisitGiven, texts: list[str]) -> None:
    """When the patient came, was seen and left; times that contradict each other are left out and noted."""
    times = [a_time(text) for text in texts]
    known = [time for time in times if time is not None]
    if len(known) < len([text for text in texts if text]) or known != sorted(known):
        row.notes.append("the times of arriving, being seen and leaving were left out: they cannot be right")
        return
    row.arrived, row.seen, row.left = times


def a_day(text: str) -> dt.date | None:
    """A day written as 2026-11-24."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in YEARS else None


def a_time(text: str) -> dt.time | None:
    """A time written as 15:00 or 15:00:00, without a zone."""
    try:
        time = dt.time.fromisoformat(text)
    except ValueError:
        return None
    return time.replace(microsecond=0) if time.tzinfo is None else None
