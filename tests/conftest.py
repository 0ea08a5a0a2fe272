"""The suite's own database: made by the owner role, used as the running role, emptied by the owner.

A suite that ran as owner or superuser would prove nothing about row security, so it refuses to.
"""

import gc
import hashlib
import os
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import TransactionTestCase
from psycopg import sql

OWNER_URL = os.environ.get("DATABASE_OWNER_URL", "")
# On a database of the caller's own, which outlives the run, migrating once is enough.
KEEP_PATTERN = os.environ.get("FRONTDESK_KEEP_PATTERN") == "1"


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: the collector need not walk it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def owner_connection(name: str) -> psycopg.Connection:
    """A connection of the owner role to one of the cluster's databases."""
    return psycopg.connect(OWNER_URL, dbname=name, autocommit=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any, worker_id: str, testrun_uid: str) -> Iterator[None]:
    if not OWNER_URL:
        pytest.exit("The tests need DATABASE_OWNER_URL and DATABASE_URL: run them with ./dev test", 4)
    name = f"test_frontdesk_{worker_id}_{os.getpid()}"
    pattern = f"pattern_{hash_of_migrations()}" if KEEP_PATTERN else f"test_frontdesk_{testrun_uid[:12]}"
    with django_db_blocker.unblock():
        copy_of(pattern, name)
        use_as_app(name)
        refuse_to_run_above_row_security()
        yield
        connections.close_all()
    drop_when_free(name)
    if not KEEP_PATTERN:
        drop_when_free(pattern)


def hash_of_migrations() -> str:
    """A name for what the migrations make: the same files, the same pattern."""
    files = sorted(settings.BASE_DIR.glob("*/migrations/*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def copy_of(pattern: str, name: str) -> None:
    """A database for this worker: the first one of a run migrates the pattern, all of them copy it."""
    with owner_connection("postgres") as owner:
        owner.execute("SELECT pg_advisory_lock(hashtext(%s))", [pattern])
        made = owner.execute("SELECT 1 FROM pg_database WHERE datname = %s", [pattern]).fetchone()
        if made is None:
            draft = f"{pattern}_{os.getpid()}"  # a run that is killed meanwhile leaves no half pattern
            owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
            grant_to_app(draft)
            migrate_as_owner(draft)
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            owner.execute(rename.format(sql.Identifier(draft), sql.Identifier(pattern)))
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        owner.execute(copy.format(sql.Identifier(name), sql.Identifier(pattern)))


def grant_to_app(name: str) -> None:
    with owner_connection(name) as owner:
        owner.execute(sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC"))
        owner.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO frontdesk_app"))
        for privilege in (
            "SELECT, INSERT, UPDATE, DELETE ON TABLES",
            "USAGE, SELECT ON SEQUENCES",
        ):
            owner.execute(
                f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {privilege} TO frontdesk_app"  # type: ignore[arg-type]
            )


def drop_when_free(name: str) -> None:
    """Drops the database once the desks and workers of the tests let go: the owner may not throw them out."""
    for _ in range(20):
        try:
            with owner_connection("postgres") as owner:
                owner.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
            return
        except psycopg.errors.ObjectInUse:
            time.sleep(0.25)
        except psycopg.errors.InvalidCatalogName:
            return  # the pattern: another worker was first


def migrate_as_owner(name: str) -> None:
    as_app = dict(connection.settings_dict)
    owner = psycopg.conninfo.conninfo_to_dict(OWNER_URL)
    connection.close()
    connection.settings_dict.update(
        NAME=name, USER=owner["user"], PASSWORD=owner["password"], HOST=owner["host"], PORT=owner["port"]
    )
    call_command("migrate", verbosity=0, interactive=False)
    connection.close()
    connection.settings_dict.update(as_app)


def use_as_app(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name
    settings.DATABASES["default"]["NAME"] = name


def refuse_to_run_above_row_security() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        (above,) = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tableowner = current_user")
        (owned,) = cursor.fetchone()
    if above or owned:
        pytest.exit("The tests run with a role that row security does not bind: they would prove nothing.", 4)


ONLY_ADDED = ("practices_auditentry", "practices_accessevent", "practices_practicecard")
KEPT = ("django_migrations", "django_content_type", "auth_permission")
# The superuser of a throw-away cluster, given by ./dev test and used for nothing but emptying tables.
SUPERUSER_URL = os.environ.get("DATABASE_SUPERUSER_URL", "")
MUCH = 4_000_000  # bytes of rows, dead ones included: beyond it deleting costs more than it saves


def empty_tables(self: TransactionTestCase) -> None:
    """Empties the tables above the running role, which may not truncate and never will."""
    name = str(connection.settings_dict["NAME"])
    connections.close_all()
    if not (SUPERUSER_URL and swept(name)):
        truncate(name)


def swept(name: str) -> bool:
    """Whether deleting was enough: most tests fill a dozen of a hundred tables.

    Not while anyone else is connected, whose rows might come later, and not after a test that wrote much.
    """
    with psycopg.connect(SUPERUSER_URL, dbname=name, autocommit=True) as broom:
        for pause in (0.002, 0.005, 0.01, 0.02, 0):  # a closed connection is gone a moment later
            others = broom.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            ).fetchone()
            if others is None:
                break
            time.sleep(pause)
        else:
            return False
        grown = broom.execute(
            "SELECT quote_ident(relname), pg_relation_size(oid) FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace = 'public'::regnamespace AND relname <> ALL (%s) AND pg_relation_size(oid) > 0",
            [list(KEPT)],
        ).fetchall()
        if sum(size for _, size in grown) > MUCH:
            return False
        with broom.transaction():
            # No trigger and no reference is asked: all goes, and nobody else is there.
            broom.execute("SET LOCAL session_replication_role = replica")
            for table, _ in grown:
                broom.execute(f"DELETE FROM {table}")  # type: ignore[arg-type]
    return True


def truncate(name: str) -> None:
    """Empties all tables as owner.

    A page that a browser test left may still be asking: one of the two is let go, and we come again.
    """
    for pause in [0.2] * 20 + [0.0]:
        try:
            return truncate_once(name)
        except psycopg.errors.DeadlockDetected:
            if not pause:
                raise
            time.sleep(pause)


def truncate_once(name: str) -> None:
    with owner_connection(name) as owner, owner.transaction():
        for table in ONLY_ADDED:
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")  # type: ignore[arg-type]
        tables = owner.execute(
            "SELECT string_agg(format('%%I', tablename), ', ') FROM pg_tables WHERE schemaname = 'public' "
            "AND tablename <> ALL (%s)",
            [list(KEPT)],
        ).fetchone()
        owner.execute(f"TRUNCATE {tables[0]} RESTART IDENTITY CASCADE")  # type: ignore[index, arg-type]
        for table in ONLY_ADDED:
            owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER append_only")  # type: ignore[arg-type]


TransactionTestCase._fixture_teardown = empty_tables  # type: ignore[method-assign]
