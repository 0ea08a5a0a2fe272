"""Our own clusters: several at once, and two roles of which the running one can do little."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from psycopg import errors

from tools import postgres, processes
from tools.postgres import APP_ROLE, OWNER_ROLE, Postgres
from tools.testing import run_folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    with run_folder() as folder:
        made = postgres.throw_away(folder)
        made.start()
        try:
            yield made
        finally:
            made.stop()
            made.remove()


@pytest.fixture
def table(cluster: Postgres) -> Iterator[str]:
    """A table of the owner with row security that shows nobody anything."""
    with cluster.connect(OWNER_ROLE, postgres.DATABASE) as owner:
        owner.execute("CREATE TABLE notes (id serial PRIMARY KEY, text text)")
        owner.execute("INSERT INTO notes (text) VALUES ('one')")
        owner.execute("ALTER TABLE notes ENABLE ROW LEVEL SECURITY")
        yield "notes"
        owner.execute("DROP TABLE notes")


@pytest.fixture
def app(cluster: Postgres) -> Iterator[psycopg.Connection]:
    with cluster.connect(APP_ROLE, postgres.DATABASE) as connection:
        yield connection


def test_two_clusters_run_at_once_and_know_nothing_of_each_other(cluster: Postgres) -> None:
    with run_folder() as folder:
        other = postgres.throw_away(folder)
        other.start()
        try:
            assert other.port != cluster.port
            with other.connect(OWNER_ROLE, postgres.DATABASE) as there:
                there.execute("CREATE TABLE only_there ()")
            with cluster.connect(OWNER_ROLE, postgres.DATABASE) as here:
                assert here.execute("SELECT to_regclass('only_there')").fetchone() == (None,)
        finally:
            other.stop()
            other.remove()
        assert not other.data.exists()


def test_the_running_role_is_bound_by_row_security(app: psycopg.Connection, table: str) -> None:
    assert app.execute("SELECT count(*) FROM notes").fetchone() == (0,)
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute("INSERT INTO notes (text) VALUES ('two')")


def test_the_owner_sees_what_row_security_hides(cluster: Postgres, table: str) -> None:
    """The negative control of the test above: there is a row, and only the policy hides it."""
    with cluster.connect(OWNER_ROLE, postgres.DATABASE) as owner:
        assert owner.execute("SELECT count(*) FROM notes").fetchone() == (1,)


@pytest.mark.parametrize(
    "statement",
    [
        "SET row_security = off; SELECT * FROM notes",
        "ALTER TABLE notes DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON notes USING (true)",
        "TRUNCATE notes",
        "DROP TABLE notes",
        "CREATE TABLE mine ()",
        "CREATE TEMPORARY TABLE mine ()",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        "ALTER ROLE frontdesk_app BYPASSRLS",
        "SET ROLE frontdesk_owner",
    ],
)
def test_the_running_role_cannot(app: psycopg.Connection, table: str, statement: str) -> None:
    *before, last = statement.split(";")
    for part in before:
        app.execute(part.encode())
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(last.encode())


def test_the_running_role_owns_nothing(cluster: Postgres) -> None:
    with cluster.connect() as superuser:
        row = superuser.execute(
            "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication,"
            " EXISTS (SELECT FROM pg_shdepend WHERE refobjid = pg_roles.oid AND deptype = 'o')"
            " FROM pg_roles WHERE rolname = %s",
            [APP_ROLE],
        ).fetchone()
    assert row == (False,) * 6


def test_databases_of_the_tests_inherit_extensions_and_privileges(cluster: Postgres) -> None:
    with cluster.connect(OWNER_ROLE, postgres.DATABASE) as owner:
        owner.execute("CREATE DATABASE another")
    with cluster.connect(OWNER_ROLE, "another") as owner:
        owner.execute("CREATE TABLE shared (id serial)")
        assert owner.execute("SELECT unaccent('José')").fetchone() == ("Jose",)
        found = owner.execute("SELECT extname FROM pg_extension").fetchall()
        assert {"btree_gist", "pg_trgm", "unaccent"} <= {name for (name,) in found}
    with cluster.connect(APP_ROLE, "another") as app:
        app.execute("INSERT INTO shared DEFAULT VALUES")
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute("CREATE TABLE mine ()")


def test_trigrams_keep_letters_outside_ascii(cluster: Postgres) -> None:
    with cluster.connect(OWNER_ROLE, postgres.DATABASE) as owner:
        row = owner.execute("SELECT similarity('łęóż', 'łęóż'), lower('ŁÉ')").fetchone()
    assert row == (1.0, "łé")


def test_a_wrong_password_is_refused_and_the_right_one_is_private(cluster: Postgres) -> None:
    address = cluster.url(APP_ROLE).replace(cluster.passwords[APP_ROLE], "guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(address)
    assert (cluster.folder / "passwords.json").stat().st_mode & 0o077 == 0


def test_a_run_that_was_killed_is_cleared_away_by_the_next() -> None:
    with run_folder() as folder:
        abandoned = folder.parent / f"{folder.name}-abandoned"
        abandoned.mkdir()
        (abandoned / "lock").touch()
        made = postgres.throw_away(abandoned)
        made.start()
        assert made.process is not None
        remembered = processes.remember([made.process.pid])
        (abandoned / "servers.json").write_text(json.dumps(remembered))
        with run_folder():
            assert not abandoned.exists()
        made.process.wait(10)
        assert folder.exists(), "the run that still holds its lock was cleared away"
    with suppress(FileNotFoundError):
        made.remove()
