"""A month at a glance: how full each day is, what still waits for a yes, and when nobody works."""

import calendar
import datetime as dt
from dataclasses import dataclass

from frontdesk.columns import Choice
from frontdesk.week import Cell, cell_of, columns_by_day, counts_by_day, taken_minutes
from practices.models import Practice


@dataclass(slots=True)
class Month:
    """Whole weeks around a month; days of other months are drawn quietly."""

    first: dt.date
    weeks: list[list[Cell]]

    @property
    def words(self) -> str:
        return f"{self.first:%B} {self.first.year}"

    @property
    def before(self) -> dt.date:
        return (self.first - dt.timedelta(days=1)).replace(day=1)

    @property
    def after(self) -> dt.date:
        return (self.first + dt.timedelta(days=32)).replace(day=1)


def month_of(practice: Practice, day: dt.date, choice: Choice) -> Month:
    """The month of a date, for the columns and the location that a person looks at; six queries."""
    weeks = calendar.Calendar().monthdatescalendar(day.year, day.month)
    days = [each for week in weeks for each in week]
    by_day = columns_by_day(practice, days, choice)
    taken = taken_minutes(days[0], days[-1], practice)
    counts = {(on, who): (many, waiting) for on, who, many, waiting in counts_by_day(days[0], days[-1])}
    cells = {}
    for on, columns in by_day.items():
        cell = Cell(on)
        for column in columns:
            one = cell_of(column, on, taken.get((on, column.id), []), counts)
            cell.visits += one.visits
            cell.unconfirmed += one.unconfirmed
            cell.open += one.open
            cell.taken += one.taken
        everybody = [column for column in columns if column.open]
        labels = {label for column in everybody for _, label in column.away}
        if everybody and not cell.open:
            cell.closed = next(iter(labels)) if len(labels) == 1 else "Nobody is here"
        cells[on] = cell
    return Month(day.replace(day=1), [[cells[on] for on in week] for week in weeks])
