"""Two walls between practices: scoped managers, and row security in the database.

Wall one raises when a query runs outside a practice's scope. Wall two is Postgres row-level security on
every table of a practice, steered by `app.practice_id`, a setting that lives as long as the transaction.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, ParamSpec, TypeVar, cast

from celery import shared_task
from django.conf import settings
from django.db import connection, models, transaction
from django.db.migrations.operations.base import Operation
from django_scopes import ScopedManager, get_scope, scope

from practices.keys import uuid7

if TYPE_CHECKING:
    from practices.models import Practice

Q = TypeVar("Q", bound="models.QuerySet[Any]")
P = ParamSpec("P")
R = TypeVar("R")


def scoped(queryset: type[Q]) -> Q:
    """A manager with the queryset's methods that raises ScopeError outside a practice."""
    manager = ScopedManager(_manager_class=models.Manager.from_queryset(queryset), practice="practice")
    return cast(Q, manager)


class PracticeForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """A foreign key to a row of the same practice.

    Plain foreign keys are checked outside row security, so one practice could point into another: the
    constraint is composite, (practice_id, x_id), and is made by `ProtectTables`.
    """

    def __init__(self, to: Any, on_delete: Any = models.PROTECT, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(to, on_delete, **kwargs)

    def formfield(self, **kwargs: Any) -> Any:
        """A choice among nothing: a form fills it inside the scope, in its __init__."""
        return super().formfield(**({"queryset": self.remote_field.model._default_manager.none()} | kwargs))


class PracticeOwned(models.Model):
    """A row of one practice: keyed before the insert, scoped, protected by row security."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No index of its own: every index of the table begins with the practice. One on the practice alone is
    # written with every row, and tempts the planner to walk a whole practice.
    practice = models.ForeignKey("practices.Practice", models.PROTECT, related_name="+", db_index=False)

    objects: ClassVar[Any] = scoped(models.QuerySet)

    class Meta:
        abstract = True


def set_practice(practice_id: int | None) -> None:
    """Points row security at a practice for the rest of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.practice_id', %s, true)", [str(practice_id or "")])


def current_practice() -> "Practice":
    """The practice whose scope is open; raises LookupError outside one."""
    practice = get_scope().get("practice")
    if practice is None:
        raise LookupError("No practice's scope is open.")
    return cast("Practice", practice)


@contextmanager
def inside(practice: "Practice") -> Iterator[None]:
    """Opens the practice's scope and a transaction in which only its rows exist."""
    outer = get_scope().get("practice")
    nested = connection.in_atomic_block
    with transaction.atomic(), scope(practice=practice):
        if outer != practice or not nested:
            set_practice(practice.pk)
        yield
        if nested and outer != practice:
            # The setting lives as long as the outermost transaction: hand it back as it was.
            set_practice(outer.pk if outer else None)


def practice_task(
    function: Callable[Concatenate["Practice", P], R],
) -> Any:
    """A Celery task that takes a practice's id first and runs outside any transaction.

    The body opens `inside(practice)` for the parts that touch rows: a supplier must never be called
    while a transaction is open.
    """

    @shared_task(name=f"{function.__module__}.{function.__name__}")
    @functools.wraps(function)
    def run(practice_id: int, *args: P.args, **kwargs: P.kwargs) -> None:
        from practices.models import Practice

        function(Practice.objects.get(pk=practice_id), *args, **kwargs)

    return run


class ProtectTables(Operation):
    """Puts wall two around the tables of models: row security, composite keys and references.

    For each model: row security enabled and forced, one policy for reading and writing, UNIQUE
    (practice_id, id), and a composite foreign key for each PracticeForeignKey.
    """

    reversible = True
    reduces_to_sql = True

    def __init__(self, models: Sequence[str]) -> None:
        self.models = list(models)

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        tables = [to_state.apps.get_model(app_label, name) for name in self.models]
        for model in tables:
            for statement in protect_statements(model._meta.db_table):
                schema_editor.execute(statement)
        for model in tables:
            for field in model._meta.local_fields:
                if isinstance(field, PracticeForeignKey):
                    schema_editor.execute(reference_statement(model._meta.db_table, field))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        pass  # the tables go, and their protection with them

    def describe(self) -> str:
        return f"Protect the tables of {', '.join(self.models)}"


class ProtectReference(Operation):
    """The composite foreign key of a PracticeForeignKey that was added to a protected table."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, model: str, field: str) -> None:
        self.model, self.field = model, field

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model)
        schema_editor.execute(reference_statement(model._meta.db_table, model._meta.get_field(self.field)))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        pass

    def describe(self) -> str:
        return f"Bind {self.model}.{self.field} to its own practice"


class Unindexed(Operation):
    """Takes the index of their own away from foreign keys, where a longer index begins with the same columns.

    As one step: an AlterField for each would draw all models anew each time, which is what migrating takes
    its time for, and would check every foreign key again. `fields` names the fields of each model, in small
    letters.
    """

    reversible = True

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self.fields = fields

    def state_forwards(self, app_label: str, state: Any) -> None:
        for model, names in self.fields.items():
            drawn = state.models[app_label, model].fields
            for name in names:
                drawn[name] = drawn[name].clone()
                drawn[name].db_index = False
        state.__dict__.pop("apps", None)  # drawn anew, once, when somebody asks for it

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for table, column in self._columns(app_label, to_state):
            with schema_editor.connection.cursor() as cursor:
                cursor.execute(INDEXES_OF_ONE, [column, table])
                for (index,) in cursor.fetchall():
                    schema_editor.execute(f"DROP INDEX {index}")

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for table, column in self._columns(app_label, to_state):
            name = schema_editor._create_index_name(table, [column])
            schema_editor.execute(f'CREATE INDEX "{name}" ON "{table}" ("{column}")')

    def _columns(self, app_label: str, state: Any) -> Iterator[tuple[str, str]]:
        for model, names in self.fields.items():
            meta = state.apps.get_model(app_label, model)._meta
            for field in map(meta.get_field, names):
                yield meta.db_table, field.column

    def describe(self) -> str:
        return f"Leave {', '.join(self.fields)} to their longer indexes"


# Plain indexes of one column and no condition.
INDEXES_OF_ONE = """
    SELECT i.indexrelid::regclass::text FROM pg_index i
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = %s
    WHERE i.indrelid = %s::regclass AND i.indnatts = 1 AND i.indkey[0] = a.attnum
        AND NOT i.indisunique AND i.indpred IS NULL
"""


def protect_statements(table: str) -> list[str]:
    """SQL that closes a table to all practices but the one in `app.practice_id`."""
    # NULLIF: after a transaction with a LOCAL setting the value reads '' and not NULL.
    mine = "practice_id = NULLIF(current_setting('app.practice_id', true), '')::bigint"
    return [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'CREATE POLICY own_practice ON "{table}" USING ({mine}) WITH CHECK ({mine})',
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_own_row" UNIQUE (practice_id, id)',
    ]


def reference_statement(table: str, field: Any) -> str:
    """SQL of the composite foreign key of one field, checked at commit as Django's own are."""
    target = field.remote_field.model._meta.db_table
    return (
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{field.column}_same_practice" '
        f'FOREIGN KEY (practice_id, "{field.column}") REFERENCES "{target}" (practice_id, id) '
        "DEFERRABLE INITIALLY DEFERRED"
    )


class AppendOnly(Operation):
    """Lets the running role insert and read a table and nothing else; a trigger stops everybody."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, model: str) -> None:
        self.model = model

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = to_state.apps.get_model(app_label, self.model)._meta.db_table
        schema_editor.execute(
            """
            CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME; END $$
            """,
            None,
        )
        schema_editor.execute(
            f'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON "{table}" '
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        schema_editor.execute(
            f'REVOKE UPDATE, DELETE, TRUNCATE ON "{table}" FROM "{settings.DATABASE_APP_ROLE}"'
        )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = from_state.apps.get_model(app_label, self.model)._meta.db_table
        schema_editor.execute(f'DROP TRIGGER append_only ON "{table}"')

    def describe(self) -> str:
        return f"Make {self.model} append-only"
