"""Queries whose SQL is made once a process: of small queries the making costs more than the asking.

A page that is drawn all day asks the same dozen questions with other values. `Prepared` has the ORM write the
SQL of such a question the first time, with stand-ins for the values and for the practice, and sends it from
then on with the real ones; the database keeps its plan. What comes back passes the same converters as always,
and both walls stand as always.
"""

import datetime as dt
import uuid
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.models import Field, ForeignKey, Lookup, QuerySet
from django.db.models.query import get_related_populators
from django_scopes import scope

from practices.models import Practice
from practices.tenancy import current_practice

STATEMENTS = 200  # that a connection keeps planned; there are fewer questions
PRACTICE = -(1 << 40)  # no practice has this key
MIDNIGHT = dt.datetime(1903, 3, 3, 3, 3, 3, 333, tzinfo=dt.UTC)


@contextmanager
def plans_kept() -> Iterator[None]:
    """What is asked in the block is bound by the server, and keeps its plan from the second time on.

    Only here: PostgreSQL settles on one plan for all values after a few times, which suits a question that
    begins with a key of its practice, and would let others walk through a long history. And a statement
    that is bound by the server has 65,535 values at most.
    """
    connection.ensure_connection()
    driver = connection.connection
    # Where statements are logged, they are with their values: a kept one says neither.
    if not settings.KEEP_PLANS or connection.queries_logged:
        yield
        return
    usual = driver.cursor_factory
    driver.prepared_max, driver.prepare_threshold = STATEMENTS, 1
    driver.cursor_factory = ServerBindingCursor
    try:
        yield
    finally:
        driver.prepare_threshold, driver.cursor_factory = None, usual


@Field.register_lookup
@ForeignKey.register_lookup
class Among(Lookup):
    """`practitioner__among=[…]`: `= ANY` of an array, so that it is one statement however many there are."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        left, params = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s)", [*params, list(self.rhs)]


def stand_in(value: Any, number: int) -> Any:
    """A value of the same type that nobody means; of a list a list of one."""
    if isinstance(value, dt.datetime):
        return MIDNIGHT + dt.timedelta(days=number)
    if isinstance(value, dt.date):
        return MIDNIGHT.date() + dt.timedelta(days=number)
    if isinstance(value, uuid.UUID):
        return uuid.UUID(int=(0xFEED << 100) + number)
    if isinstance(value, int):
        return 31_000 + number  # within the smallest of integers
    if isinstance(value, str):
        return f"nobody writes this {number}"
    if isinstance(value, list):
        return [stand_in(value[0] if value else uuid.UUID(int=0), number)]
    raise TypeError(f"no stand-in for a {type(value).__name__}")


def _key(value: Any) -> Any:
    """By what a stand-in is known again among the values of a statement."""
    return (list, *value[:1]) if isinstance(value, list) else value


class Prepared:
    """A question as a function from its values to a queryset; asked inside a practice's scope.

    A `values_list` comes as named tuples, anything else as rows of the model with what `select_related` says;
    `prefetch_related` and annotations of such rows are left out. A value is a parameter: `None`, and moments
    that the function takes from the clock itself, would be kept for ever and are refused. What is `owned`
    names its practice: one that is not says so.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], *, owned: bool = True) -> None:
        self.build, self.owned = build, owned
        self.sql = ""
        self.names: frozenset[str] = frozenset()
        self.params: list[tuple[bool, Any]] = []  # whether it is a name of a value, and that or the value
        self.locks = False
        self.compiler: Any = None
        self.converters: Any = {}
        self.row: Callable[[Any], Any] = tuple

    def ask(self, **given: Any) -> list[Any]:
        """The rows; one statement."""
        if not self.sql:
            self._make(given)
        if given.keys() != self.names or any(value is None for value in given.values()):
            raise LookupError("a prepared question takes the same values each time, and none that is None")
        if self.locks and connection.get_autocommit():
            raise transaction.TransactionManagementError("rows are held inside a transaction only")
        known = given | {"": current_practice().pk} if self.owned else given
        with plans_kept(), connection.cursor() as cursor:
            cursor.execute(self.sql, [known[value] if named else value for named, value in self.params])
            rows = cursor.fetchall()
        if self.converters:
            rows = self.compiler.apply_converters(rows, self.converters)
        row = self.row
        return [row(each) for each in rows]

    def _make(self, given: dict[str, Any]) -> None:
        instead = {name: stand_in(value, number) for number, (name, value) in enumerate(given.items())}
        names = {_key(value): name for name, value in instead.items()} | {_key(PRACTICE): ""}
        with scope(practice=Practice(pk=PRACTICE)):
            query = self.build(**instead)
        compiler = query.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        self.params = [(_key(value) in names, names.get(_key(value), value)) for value in params]
        if {value for named, value in self.params if named} != {*given, *([""] if self.owned else [])}:
            raise LookupError("a value of this question does not stand in its SQL as it was given")
        if any(isinstance(value, dt.date) for named, value in self.params if not named):
            raise LookupError("a moment of the clock would be kept for ever: give it as a value")
        self.names, self.locks = frozenset(given), query.query.select_for_update
        self.compiler = compiler
        self.converters = compiler.get_converters([column for column, *_ in compiler.select])
        self.row = _maker(query, compiler)
        self.sql = sql


def _maker(query: Any, compiler: Any) -> Callable[[Any], Any]:
    """A function from a row as it comes to what is handed out."""
    if query._fields is not None:
        drawn: Any = namedtuple("Row", query._fields)  # type: ignore[misc]
        make_row: Callable[[Any], Any] = drawn._make
        return make_row
    facts, using = compiler.klass_info, connection.alias
    first, last = facts["select_fields"][0], facts["select_fields"][-1] + 1
    names = [compiler.select[at][0].target.attname for at in facts["select_fields"]]
    related = get_related_populators(facts, compiler.select, using)  # type: ignore[call-arg]

    def make(row: Any) -> Any:
        made = query.model.from_db(using, names, row[first:last])
        for populator in related:
            populator.populate(row, made)
        return made

    return make
