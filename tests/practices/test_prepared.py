"""Questions whose SQL is made once and whose plan is kept: the same rows, the same walls, nothing stale."""

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.db.transaction import TransactionManagementError
from django.utils import timezone
from django_scopes import scope, scopes_disabled

from patients.models import ContactPoint, Patient
from practices.models import Practice
from practices.prepared import Prepared
from practices.tenancy import inside
from tests.factories import a_patient, a_practice

pytestmark = pytest.mark.django_db

KEPT = "SELECT count(*), coalesce(sum(generic_plans), 0) FROM pg_prepared_statements WHERE statement LIKE %s"


def everybody() -> Prepared:
    return Prepared(lambda: Patient.objects.order_by("given"))


def kept(about: str) -> tuple[int, int]:
    """How many statements about a table this connection keeps, and how often one plan served all values."""
    with connection.cursor() as cursor:
        cursor.execute(KEPT, [f"SELECT%{about}%"])
        return cursor.fetchone()


def names(question: Prepared, practice: Practice) -> list[str]:
    with inside(practice):
        return [patient.given for patient in question.ask()]


@pytest.fixture
def harbor():
    return a_practice("harbor-street")


def test_a_plan_that_is_kept_for_one_practice_shows_another_only_its_own(harbor):
    cedar, question = a_practice("cedar-park"), everybody()
    a_patient(harbor, "Marisol"), a_patient(cedar, "Tom")
    before, _ = kept("patients_patient")
    assert [names(question, harbor) for _ in range(12)] == [["Marisol"]] * 12
    assert names(question, cedar) == ["Tom"]
    assert names(question, harbor) == ["Marisol"]
    after, served = kept("patients_patient")
    assert after == before + 1
    assert served > 0  # PostgreSQL had settled on one plan for both


def test_nothing_else_keeps_a_plan(harbor):
    a_patient(harbor, "Marisol")
    before, _ = kept("patients_patient")
    names(everybody(), harbor)
    for _ in range(12):
        with inside(harbor):
            assert Patient.objects.filter(family__gte="A").count() == 1
    assert kept("patients_patient")[0] <= before + 1


def test_no_plan_is_kept_where_a_pooler_cannot_carry_it(harbor, settings):
    settings.KEEP_PLANS = False
    question = Prepared(lambda given: Patient.objects.filter(given=given, sex="unknown").order_by())
    before, _ = kept("patients_patient")
    with inside(harbor):
        for _ in range(8):
            assert question.ask(given="Nobody") == []
    assert kept("patients_patient")[0] == before


def test_rows_come_with_what_was_selected_along(harbor, django_assert_num_queries):
    marisol = a_patient(harbor, "Marisol", phone="+15035550187")
    question = Prepared(lambda ids: ContactPoint.objects.filter(patient__among=ids).select_related("patient"))
    with inside(harbor):
        stored = list(ContactPoint.objects.filter(patient=marisol))
        assert stored
        assert question.ask(ids=[]) == []
        with django_assert_num_queries(1):
            points = question.ask(ids=[marisol.pk])
            assert [point.patient.given for point in points] == ["Marisol"] * len(stored)
        assert [point.value for point in points] == [point.value for point in stored]  # unsealed as always
        assert points[0]._state.adding is False


def test_many_keys_are_one_statement(harbor):
    people = [a_patient(harbor, name) for name in ("Ana", "Ben", "Cho")]
    question = Prepared(lambda ids: Patient.objects.filter(pk__among=ids).order_by("given").only("given"))
    before, _ = kept("patients_patient")
    with inside(harbor):
        for count in (1, 2, 3, 1, 2, 3):
            assert len(question.ask(ids=[one.pk for one in people[:count]])) == count
    assert kept("patients_patient")[0] == before + 1


def test_a_moment_of_the_clock_is_refused(harbor):
    question = Prepared(lambda: Patient.objects.filter(created_at__lte=timezone.now()))
    with inside(harbor), pytest.raises(LookupError, match="moment of the clock"):
        question.ask()


def test_a_value_that_is_not_in_the_statement_is_refused(harbor):
    question = Prepared(lambda day: Patient.objects.filter(created_at__year=day.year))
    with inside(harbor), pytest.raises(LookupError, match="does not stand in its SQL"):
        question.ask(day=dt.date(2026, 1, 1))


def test_a_question_of_a_practice_is_refused_outside_one(harbor):
    a_patient(harbor, "Marisol")
    question = everybody()
    with pytest.raises(LookupError):
        question.ask()
    assert names(question, harbor) == ["Marisol"]
    with pytest.raises(LookupError):
        question.ask()


def test_the_same_values_are_asked_each_time_and_none_is_none(harbor):
    question = Prepared(lambda given: Patient.objects.filter(given=given).order_by())
    with inside(harbor):
        assert question.ask(given="Nobody") == []
        for wrong in ({}, {"given": None}, {"given": "Nobody", "family": "Nowhere"}):
            with pytest.raises(LookupError, match="the same values each time"):
                question.ask(**wrong)


def test_a_question_that_lost_its_practice_is_refused(harbor):
    def everywhere():
        with scopes_disabled():
            return Patient.objects.order_by("given")

    with inside(harbor), pytest.raises(LookupError, match="does not stand in its SQL"):
        Prepared(everywhere).ask()


@pytest.mark.django_db(transaction=True)
def test_rows_are_held_inside_a_transaction_only():
    house = a_practice("harbor-street")
    a_patient(house, "Marisol")
    question = Prepared(lambda: Patient.objects.select_for_update().order_by("given"))
    with inside(house):
        assert len(question.ask()) == 1
    with scope(practice=house), pytest.raises(TransactionManagementError):
        question.ask()


def test_more_values_than_the_server_binds_still_pass(harbor):
    """Whatever is no prepared question is bound by the driver."""
    with inside(harbor):
        keys = [uuid.UUID(int=number) for number in range(70_000)]
        assert Patient.objects.filter(pk__in=keys).count() == 0


def test_a_question_about_practices_needs_no_scope(harbor):
    question = Prepared(lambda slug: Practice.objects.filter(slug=slug).order_by(), owned=False)
    assert [one.pk for one in question.ask(slug="harbor-street")] == [harbor.pk]
    assert question.ask(slug="nowhere") == []
