"""The dialog for visits that belong together: people found, proposals, booked whole."""

import datetime as dt
import re

import pytest

from patients.registry import register_patient
from practices.tenancy import inside
from scheduling.models import Appointment
from tests.factories import a_practitioner, a_type
from tests.scheduling.conftest import at
from tests.scheduling.test_pages import HTMX, booked, desk, slot
from tests.scheduling.test_series_pages import words

__all__ = ["desk"]


@pytest.fixture
def house(desk):
    desk.nurse = a_practitioner(desk.practice, "Nurse Bell", position=3)
    desk.tests = a_type(desk.practice, "Tests", 15, [desk.nurse])
    return desk


def filled(house, **given):
    me = house.patient.pk
    values = {
        "rows": "2", "patient1": me, "type1": house.tests.pk, "patient2": me, "type2": house.kind.pk,
        "clinician2": house.osei.pk, "shape": "in-turn", "gap": "15", "day": "11/30",
    }  # fmt: skip
    return {name: value for name, value in (values | given).items() if value is not None}


def ask(house, **given):
    return house.client.post(house.url("book-linked"), filled(house, **given), **HTMX)


def first_of(answer):
    return re.search(r'name="take" id="take-1" value="([^"]+)"', answer.content.decode())[1]


def linked(house):
    with inside(house.practice):
        rows = Appointment.objects.filter(linked__isnull=False).order_by("starts_at")
        return [f"{row.local_time:%H:%M} {row.practitioner}" for row in rows.select_related("practitioner")]


def test_it_opens_with_the_patient_in_both_rows(house):
    page = house.client.get(house.url("book-linked") + f"?patient={house.patient.pk}")
    assert words(page).count("Marisol Vega") == 2
    with_more = ask(house, more="1")
    assert 'name="who3"' in with_more.content.decode()


def test_proposals_fit_all_and_one_press_books_them(house):
    found = ask(house, find="1")
    assert "8:00 AM Marisol Vega, Tests with Nurse Bell" in words(found)
    assert "8:15 AM Marisol Vega, Follow-up with Dr. Osei" in words(found)
    answer = ask(house, save="1", take=first_of(found))
    assert answer.status_code == 204
    assert linked(house) == ["08:00 Nurse Bell", "08:15 Dr. Osei"]


def test_a_part_taken_meanwhile_books_nothing_and_proposes_anew(house):
    taken = first_of(ask(house, find="1"))
    booked(house, starts_at=at("2026-11-30 08:30"))
    answer = ask(house, save="1", take=taken)
    assert answer.status_code == 409
    assert "Dr. Osei has another visit then. Nothing was changed." in words(answer)
    assert linked(house) == []
    assert first_of(answer) != taken


def test_somebody_is_found_by_name_and_chosen(house):
    with inside(house.practice):
        ana = register_patient(given="Ana", family="Lopez", birth_date=dt.date(1991, 4, 22), by=house.by)
    shown = ask(house, patient2=None, who2="Lopez", find="1")
    assert "Choose who is meant." in words(shown)
    assert f'name="pick2" value="{ana.pk}"' in shown.content.decode()
    assert "Ana Lopez" in words(ask(house, patient2=None, pick2=ana.pk))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"patient2": None, "who2": ""}, "Say who comes."),
        ({"patient2": None, "who2": "Nobody Known"}, "Nobody of this name is here yet."),
        ({"type1": ""}, "Choose the kind of visit."),
        ({"gap": "soon"}, "Write the pause in minutes"),
        ({"gap": "999"}, "0 to 240 minutes"),
        ({"day": "nonsense"}, "not a date"),
        ({"day": "1/1/2999"}, "too far away"),
        ({"shape": "side-by-side"}, "different patients"),
        ({"patient1": "x'--"}, "Say who comes."),
        ({"rows": "99"}, "Say who comes."),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_the_rest_is_kept(house, given, said):
    answer = ask(house, find="1", **given)
    assert answer.status_code == 200
    assert said in words(answer)
    assert 'name="take"' not in answer.content.decode()


@pytest.mark.parametrize("take", ["", "nonsense", ";", "x|y;z"])
def test_a_proposal_that_is_none_books_nothing(house, take):
    answer = ask(house, save="1", take=take)
    assert answer.status_code == 422
    assert "Choose one of the proposals." in words(answer)
    assert linked(house) == []


def test_one_slot_for_two_visits_is_no_proposal(house):
    assert ask(house, save="1", take=slot(house, "2026-11-30 08:00")).status_code == 422
