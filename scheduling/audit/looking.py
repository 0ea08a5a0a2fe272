"""Looking: the audit of one practice in its own scope, and the limits of what may be asked."""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from practices.tenancy import current_practice
from scheduling.audit.check import Check, Found, Raw
from scheduling.audit.checks import BY_NAME, CHECKS
from scheduling.audit.statement import statement

LONGEST = 92  # days of one look
FARTHEST = 731  # days from today, either way
AHEAD = 13  # days that the page looks at where nobody chose any


class BadRange(ValueError):
    """A range that cannot be looked at, in words; `field` is from or until."""

    def __init__(self, words: str, field: str) -> None:
        super().__init__(words)
        self.field = field


def check_range(first: dt.date, last: dt.date, today: dt.date) -> None:
    """Raises BadRange for what is the wrong way round, too long, or centuries away."""
    if last < first:
        raise BadRange("The last day comes before the first.", "until")
    for day, field in ((first, "from"), (last, "until")):
        if abs((day - today).days) > FARTHEST:
            raise BadRange("Choose days within two years of today.", field)
    if (last - first).days >= LONGEST:
        raise BadRange(f"Choose at most {LONGEST} days at once.", "until")


def parameters(asked: Sequence[tuple[int, dt.date, dt.date]]) -> dict[str, list[Any]]:
    """What the statement is given: for each practice its own first and last day."""
    return {
        "practices": [practice for practice, _, _ in asked],
        "first": [first for _, first, _ in asked],
        "last": [last for _, _, last in asked],
    }


def look(first: dt.date, last: dt.date, checks: Sequence[Check] = CHECKS) -> list[Found]:
    """What the checks find in the open practice, in their order and by time; one statement.

    Raises BadRange. One more query or two where a wish is sealed.
    """
    practice = current_practice()
    check_range(first, last, practice.today())
    return ask(practice.pk, first, last, checks)


def look_at(day: dt.date, checks: Sequence[Check] = CHECKS) -> list[Found]:
    """What the checks find on one day of the open practice, however long ago."""
    return ask(current_practice().pk, day, day, checks)


def ask(practice_id: int, first: dt.date, last: dt.date, checks: Sequence[Check]) -> list[Found]:
    with connection.cursor() as cursor:
        cursor.execute(statement(checks), parameters([(practice_id, first, last)]))
        rows = [raw_of(row) for row in cursor.fetchall()]
    return finish(rows)


def raw_of(row: Sequence[Any]) -> Raw:
    name, practice_id, visit, other, patient_id, facts = row
    # Django hands jsonb over as text, a plain connection as what it says.
    plain = json.loads(facts) if isinstance(facts, str) else facts
    return Raw(name, practice_id, visit, other, patient_id, plain)


def finish(rows: Iterable[Raw]) -> list[Found]:
    """The rows of one practice as findings, in its scope: judged where that needs what is sealed."""
    by_check: dict[str, list[Raw]] = defaultdict(list)
    for row in rows:
        by_check[row.check].append(row)
    found: dict[str, Found] = {}
    for name, check in BY_NAME.items():
        mine: Sequence[Raw] = by_check.get(name, [])
        for raw in check.judge(mine) if check.judge and mine else mine:
            one = check.found(raw)
            found.setdefault(one.key, one)
    return list(found.values())
