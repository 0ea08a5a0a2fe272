"""Queries whose SQL is made once a process: of small queries the making costs more than the asking.

A page that is drawn all day asks the same dozen questions with other values. `Prepared` has the ORM write the
SQL of such a question the first time, with stand-ins for the values and for the practice, and sends it from
then on with the real ones. What comes back passes the same converters as always; both walls stand as always.
"""

import datetime as dt
import uuid
from collections import namedtuple
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django_scopes import scope

from practices.models import Practice
from practices.tenancy import current_practice

PRACTICE = -(1 << 40)  # no practice has this key
MIDNIGHT = dt.datetime(1903, 3, 3, 3, 3, 3, 333, tzinfo=dt.UTC)


def stand_in(value: Any, number: int) -> Any:
    """A value of the same type that nobody means."""
    if isinstance(value, dt.datetime):
        return MIDNIGHT + dt.timedelta(days=number)
    if isinstance(value, dt.date):
        return MIDNIGHT.date() + dt.timedelta(days=number)
    if isinstance(value, uuid.UUID):
        return uuid.UUID(int=(0xFEED << 100) + number)
    if isinstance(value, int):
        return 31_000 + number  # within the smallest of integers
    raise TypeError(f"no stand-in for a {type(value).__name__}")


class Prepared:
    """A question as a function from its values to a `values_list`; asked inside a practice's scope."""

    def __init__(self, build: Callable[..., QuerySet[Any, Any]]) -> None:
        self.build = build
        self.sql = ""
        self.params: list[tuple[bool, Any]] = []  # whether it is a name of a value, and that or the value
        self.compiler: Any = None
        self.converters: Any = {}
        self.row: Any = None

    def ask(self, **given: Any) -> list[Any]:
        """The rows as named tuples; one statement."""
        if not self.sql:
            self._make(given)
        known = given | {"": current_practice().pk}
        with connection.cursor() as cursor:
            cursor.execute(self.sql, [known[value] if named else value for named, value in self.params])
            rows = cursor.fetchall()
        if self.converters:
            rows = self.compiler.apply_converters(rows, self.converters)
        return [self.row(*each) for each in rows]

    def _make(self, given: dict[str, Any]) -> None:
        instead = {name: stand_in(value, number) for number, (name, value) in enumerate(given.items())}
        names = {value: name for name, value in instead.items()} | {PRACTICE: ""}
        with scope(practice=Practice(pk=PRACTICE)):
            query = self.build(**instead)
        compiler = query.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        found = [(type(value) is not str and value in names, value) for value in params]
        self.params = [(named, names[value] if named else value) for named, value in found]
        if {value for named, value in self.params if named} != {*given, ""}:
            raise LookupError("a value of this question does not stand in its SQL as it was given")
        self.compiler = compiler
        self.converters = compiler.get_converters([column for column, *_ in compiler.select])
        self.row = namedtuple("Row", query._fields)  # type: ignore[misc, attr-defined]
        self.sql = sql
