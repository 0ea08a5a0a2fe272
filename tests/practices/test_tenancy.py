"""Both walls between practices, each alone, and both with a negative control."""

import datetime as dt
import os

import psycopg
import pytest
import time_machine
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django_scopes import ScopeError, scopes_disabled

from patients.models import ContactPoint, Patient
from practices.keys import uuid7
from practices.models import Membership
from practices.tenancy import PracticeForeignKey, PracticeOwned, inside
from tests.factories import a_member, a_patient, a_practice, a_user

pytestmark = pytest.mark.django_db

OWNED = [model for model in apps.get_models() if issubclass(model, PracticeOwned)]
# Tables that hold nothing of one practice; each is here on purpose.
SHARED_TABLES = {
    "account_emailaddress", "account_emailconfirmation", "auth_group", "auth_group_permissions",
    "auth_permission", "django_admin_log", "django_content_type", "django_migrations", "django_session",
    "practices_practice", "practices_user", "practices_user_groups", "practices_user_user_permissions",
}  # fmt: skip


def rows(query: str, *values: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
def test_wall_one_refuses_a_query_outside_a_practice(model):
    with pytest.raises(ScopeError):
        list(model.objects.all())


def test_wall_two_shows_only_the_open_practice_even_to_unscoped_queries():
    harbor, cedar = a_practice("harbor-street"), a_practice("cedar-park")
    a_patient(harbor, "Marisol"), a_patient(cedar, "Tom")
    with inside(harbor), scopes_disabled():
        assert [p.given for p in Patient.objects.all()] == ["Marisol"]
        assert rows("SELECT given FROM patients_patient") == [("Marisol",)]


def test_wall_two_shows_nothing_when_no_practice_is_open():
    a_patient(a_practice("harbor-street"))
    with scopes_disabled():
        assert list(Patient.objects.all()) == []
    assert rows("SELECT 1 FROM patients_patient") == []


@pytest.mark.django_db(transaction=True)
def test_without_row_security_the_same_query_sees_both_practices():
    """The control: what wall two hides is really there."""
    a_patient(a_practice("harbor-street"), "Marisol")
    a_patient(a_practice("cedar-park"), "Tom")
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], dbname=connection.settings_dict["NAME"]) as owner:
        owner.execute("ALTER TABLE patients_patient NO FORCE ROW LEVEL SECURITY")
        seen = owner.execute("SELECT given FROM patients_patient ORDER BY given").fetchall()
        owner.rollback()
    assert seen == [("Marisol",), ("Tom",)]


def test_wall_two_refuses_to_write_into_another_practice():
    harbor, cedar = a_practice("harbor-street"), a_practice("cedar-park")
    with pytest.raises(Exception, match="row-level security"), inside(harbor):
        Patient.objects.create(practice=cedar, given="Tom", family="Hargrove")


@pytest.mark.parametrize(
    ("model", "field"),
    [(m, f) for m in OWNED for f in m._meta.local_fields if isinstance(f, PracticeForeignKey)],
    ids=lambda value: getattr(value, "__name__", getattr(value, "name", "")),
)
def test_each_reference_is_bound_to_its_own_practice(model, field):
    found = rows(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'",
        model._meta.db_table,
    )
    assert any(f"FOREIGN KEY (practice_id, {field.column})" in definition for (definition,) in found)


@pytest.mark.django_db(transaction=True)
def test_a_contact_point_cannot_belong_to_another_practices_patient():
    harbor, cedar = a_practice("harbor-street"), a_practice("cedar-park")
    stranger = a_patient(cedar, "Tom")
    with pytest.raises(IntegrityError), inside(harbor):
        ContactPoint.objects.create(
            practice=harbor, patient_id=stranger.pk, system="phone", value="+15035550142"
        )


def test_every_table_is_protected_or_known_to_be_shared():
    bare = rows(
        """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT (
            c.relrowsecurity AND c.relforcerowsecurity
            AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polqual IS NOT NULL
                        AND p.polwithcheck IS NOT NULL)
            AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'practice_id'
                        AND a.attnotnull))
        """
    )
    assert {name for (name,) in bare} == SHARED_TABLES


def test_every_unique_rule_of_a_practice_contains_the_practice():
    loose = rows(
        """
        SELECT i.indexrelid::regclass::text FROM pg_index i
        JOIN pg_class c ON c.oid = i.indrelid AND c.relrowsecurity
        WHERE i.indisunique AND NOT i.indisprimary AND NOT EXISTS (
            SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'practice_id'
            AND a.attnum = ANY (i.indkey))
        """
    )
    assert loose == []


def test_no_index_says_what_a_longer_one_says():
    """An index of practice_id alone is written with every row, and led the audit to walk whole practices."""
    needless = rows(
        """
        WITH kept AS (
            SELECT i.indrelid, i.indexrelid, i.indisunique, i.indpred IS NULL AS whole,
                   i.indkey::int2[] AS keys, a.attnum AS practice
            FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid AND c.relrowsecurity
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'practice_id'
        )
        SELECT short.indexrelid::regclass::text FROM kept short
        WHERE cardinality(short.keys) = 1 AND NOT short.indisunique AND short.whole AND EXISTS (
            SELECT FROM kept longer JOIN pg_constraint f ON f.conrelid = longer.indrelid AND f.contype = 'f'
            WHERE longer.indrelid = short.indrelid AND longer.indexrelid <> short.indexrelid AND longer.whole
            -- int2vector counts from zero
            AND longer.keys[0] = longer.practice
            AND (short.keys[0] = longer.practice
                 OR (longer.keys[1] = short.keys[0] AND f.conkey = ARRAY[longer.practice, short.keys[0]])))
        """
    )
    assert needless == []


def test_the_running_role_owns_nothing_and_may_not_truncate_or_create():
    assert rows("SELECT 1 FROM pg_class WHERE relowner = current_user::regrole") == []
    assert rows("SELECT has_schema_privilege('public', 'CREATE')") == [(False,)]
    assert rows("SELECT has_table_privilege('patients_patient', 'TRUNCATE')") == [(False,)]


@pytest.mark.parametrize("table", ["practices_auditentry", "practices_accessevent"])
def test_the_records_of_what_was_done_only_grow(table):
    for privilege in ("UPDATE", "DELETE", "TRUNCATE"):
        assert rows("SELECT has_table_privilege(%s, %s)", table, privilege) == [(False,)]


def test_a_nested_scope_hands_the_setting_back():
    harbor, cedar = a_practice("harbor-street"), a_practice("cedar-park")
    a_patient(harbor, "Marisol"), a_patient(cedar, "Tom")
    with inside(harbor):
        with inside(cedar):
            assert [p.given for p in Patient.objects.all()] == ["Tom"]
        assert [p.given for p in Patient.objects.all()] == ["Marisol"]


@pytest.mark.django_db(transaction=True)
def test_the_setting_ends_with_the_transaction():
    harbor = a_practice("harbor-street")
    a_patient(harbor)
    with inside(harbor):
        assert Patient.objects.count() == 1
    assert rows("SELECT current_setting('app.practice_id', true)") in ([("",)], [(None,)])
    with transaction.atomic(), scopes_disabled():
        assert Patient.objects.count() == 0


@pytest.mark.parametrize("tick", [True, False])
def test_keys_keep_the_order_in_which_they_are_made(tick):
    """Also more of them than one millisecond has numbers for, and while the clock stands still."""
    with time_machine.travel(dt.datetime(2026, 6, 9, tzinfo=dt.UTC), tick=tick):
        keys = [uuid7() for _ in range(9000)]
    assert keys == sorted(set(keys))
    assert {key.version for key in keys} == {7}
    assert keys[-1].int >> 80 == pytest.approx(
        dt.datetime(2026, 6, 9, tzinfo=dt.UTC).timestamp() * 1000, abs=5000
    )


def test_a_person_sees_her_own_memberships_across_practices():
    from practices.access import practices_of

    dana, jo = a_user("dana@frontdesk.example"), a_user("jo@frontdesk.example")
    harbor, cedar = a_practice("harbor-street"), a_practice("cedar-park")
    a_member(harbor, dana), a_member(cedar, dana), a_member(cedar, jo)
    assert [p.slug for p in practices_of(dana)] == ["cedar-park", "harbor-street"]
    assert [p.slug for p in practices_of(jo)] == ["cedar-park"]
    with scopes_disabled():
        assert Membership.objects.count() == 0
