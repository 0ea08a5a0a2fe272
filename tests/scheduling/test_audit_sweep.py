"""The look into many practices at once: the same findings, by a role that can read no more than it needs."""

import datetime as dt
import os
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import time_machine
from django.apps import apps
from django.db import connection

from frontdesk import reviews
from frontdesk.models import Finding
from practices.encryption import EncryptedDateField, EncryptedJSONField, EncryptedTextField
from practices.tenancy import inside
from scheduling.audit.looking import finish, look
from scheduling.audit.sweep import READS, ROLE, openable, opening, sweep
from tests.scheduling.conftest import NOW, a_diary, at
from tests.scheduling.test_audit_checks import DAY, PLANTED, plant

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not os.environ.get("SWEEP_DATABASE_URL"),
        reason="SWEEP_DATABASE_URL is not set: run tools/roles.sql with a password for the role",
    ),
]


def sweep_url() -> str:
    """The role's address in the database of this worker."""
    facts = psycopg.conninfo.conninfo_to_dict(os.environ["SWEEP_DATABASE_URL"])
    return psycopg.conninfo.make_conninfo(**(facts | {"dbname": connection.settings_dict["NAME"]}))


@pytest.fixture
def two(transactional_db: None, settings: Any) -> Any:
    settings.SWEEP_DATABASE_URL = sweep_url()
    with time_machine.travel(NOW, tick=False):
        harbor = a_diary()
        cedar = a_diary("jo@frontdesk.example", slug="cedar-park", time_zone="Pacific/Honolulu")
        yield SimpleNamespace(harbor=harbor, cedar=cedar)


def swept(*practices: Any) -> dict[int, Any]:
    return sweep([(practice.pk, DAY, DAY) for practice in practices])


def test_one_statement_finds_in_each_practice_what_it_finds_by_itself(two):
    for diary in (two.harbor, two.cedar):
        with inside(diary.practice):
            plant(diary, minutes=60, local_date=DAY)
    found = swept(two.harbor.practice, two.cedar.practice)
    assert set(found) == {two.harbor.practice.pk, two.cedar.practice.pk}
    for diary in (two.harbor, two.cedar):
        with inside(diary.practice):
            alone = look(DAY, DAY)
            assert finish(found[diary.practice.pk]) == alone
            assert alone


@pytest.mark.parametrize(
    ("fault", "check", "words"), PLANTED, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_sweep_finds_every_planted_fault_and_none_elsewhere(two, fault, check, words):
    with inside(two.harbor.practice):
        fault(two.harbor)
    found = swept(two.harbor.practice, two.cedar.practice)
    with inside(two.harbor.practice):
        assert [(one.check, one.detail) for one in finish(found[two.harbor.practice.pk])] == [(check, words)]
    assert found[two.cedar.practice.pk] == []


def test_the_role_reads_the_columns_of_the_list_and_no_other():
    with psycopg.connect(sweep_url()) as reader:
        allowed = reader.execute(
            """
            SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
                AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(c.oid, a.attnum, 'SELECT')
            """
        ).fetchall()
        wrong = reader.execute(
            """
            SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
                AND c.relkind IN ('r', 'p', 'v', 'm') AND (
                has_any_column_privilege(c.oid, 'INSERT') OR has_any_column_privilege(c.oid, 'UPDATE')
                OR has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE'))
            """
        ).fetchall()
    assert {f"{t}.{c}" for t, c in allowed} == {f"{t}.{c}" for t, cs in READS.items() for c in cs.split()}
    assert wrong == []


def test_nothing_that_is_sealed_and_no_name_is_on_the_list():
    sealed = (EncryptedTextField, EncryptedDateField, EncryptedJSONField)
    tables = {model._meta.db_table: model for model in apps.get_models()}
    for table, columns in READS.items():
        fields = {field.column: field for field in tables[table]._meta.local_fields}
        for column in columns.split():
            assert not isinstance(fields[column], sealed), f"{table}.{column}"
    people = set(READS["patients_patient"].split())
    assert not people & {"given", "family", "preferred", "sort_name", "birth_index"}


def test_the_role_is_no_superuser_and_row_security_binds_it():
    with psycopg.connect(sweep_url()) as reader:
        facts = reader.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
            "WHERE rolname = current_user"
        ).fetchone()
        owned = reader.execute("SELECT 1 FROM pg_class WHERE relowner = current_user::regrole").fetchall()
        assert reader.execute("SELECT current_user").fetchone() == (ROLE,)
    assert facts == (False, False, False, False)
    assert owned == []


def test_its_policies_are_on_the_list_and_for_reading_only():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename, cmd, roles::text FROM pg_policies WHERE %s = ANY (roles)", [ROLE])
        rows = cursor.fetchall()
    assert {table for table, _, _ in rows} == set(READS) - {"practices_practice"}
    assert {(command, roles) for _, command, roles in rows} == {("SELECT", f"{{{ROLE}}}")}


def test_the_running_role_gains_nothing_by_it(two):
    """The control stands beside it: the same rows are there for the sweep."""
    with inside(two.harbor.practice):
        plant(two.harbor)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM scheduling_appointment")
        assert cursor.fetchone() == (0,)
    with psycopg.connect(sweep_url()) as reader:
        assert reader.execute("SELECT count(id) FROM scheduling_appointment").fetchone() == (1,)


def test_without_its_policy_the_role_sees_nothing(two):
    """The control: it is the policy that shows the rows, and only the policy."""
    with inside(two.harbor.practice):
        plant(two.harbor, minutes=60)
    name = connection.settings_dict["NAME"]
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], dbname=name, autocommit=True) as owner:
        owner.execute("DROP POLICY sweep ON scheduling_appointment")
        try:
            assert swept(two.harbor.practice) == {two.harbor.practice.pk: []}
        finally:
            for command in opening("scheduling_appointment", READS["scheduling_appointment"].split()):
                owner.execute(command)
    assert len(swept(two.harbor.practice)[two.harbor.practice.pk]) == 1


def test_no_other_role_is_used_for_it(two, settings):
    """An address of the owner or of a superuser by mistake opens nothing."""
    with inside(two.harbor.practice):
        plant(two.harbor, minutes=60)
    facts = psycopg.conninfo.conninfo_to_dict(os.environ["DATABASE_OWNER_URL"])
    settings.SWEEP_DATABASE_URL = psycopg.conninfo.make_conninfo(
        **(facts | {"dbname": connection.settings_dict["NAME"]})
    )
    assert swept(two.harbor.practice) == {}


def test_where_no_sweep_is_set_up_or_it_fails_each_practice_looks_by_itself(two, settings):
    with inside(two.harbor.practice):
        plant(two.harbor, "2026-11-24 14:00", minutes=60)
    for address in ("", "postgresql://frontdesk_sweep:wrong@127.0.0.1:1/none"):
        settings.SWEEP_DATABASE_URL = address
        assert swept(two.harbor.practice) == {}
        with inside(two.harbor.practice):
            Finding.objects.all().delete()
            reviews.Review.objects.all().delete()
        assert reviews.start_everywhere(at("2026-11-24 09:00")) >= 1
        with inside(two.harbor.practice):
            assert Finding.objects.filter(check_name="wrong_length").count() == 1


def test_the_mornings_of_all_practices_are_looked_into_at_once_and_stored_in_each(two):
    for diary in (two.harbor, two.cedar):
        with inside(diary.practice):
            plant(diary, minutes=60, local_date=dt.date(2026, 11, 24))
    assert reviews.start_everywhere(dt.datetime(2026, 11, 24, 21, 0, tzinfo=dt.UTC)) >= 2
    for diary in (two.harbor, two.cedar):
        with inside(diary.practice):
            found = Finding.objects.filter(review__kind="morning", check_name="wrong_length")
            assert [one.practice_id for one in found] == [diary.practice.pk]


def test_a_table_that_lacks_a_column_yet_stays_closed():
    """Migrations that stop half way end without an error, and open nothing too early."""
    there = {table: set(columns.split()) for table, columns in READS.items()}
    assert [table for table, _ in openable(there)] == list(READS)
    there["practices_location"].remove("time_zone")
    del there["scheduling_resource"]
    assert {table for table, _ in openable(there)} == set(READS) - {
        "practices_location",
        "scheduling_resource",
    }
