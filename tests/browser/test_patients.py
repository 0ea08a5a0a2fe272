"""Patients by keyboard alone: find with a typo, register beside likely duplicates, edit with an error."""

import pytest
from playwright.sync_api import Page, expect

from patients.models import Patient
from patients.registry import ContactGiven, register_patient
from practices.models import Practice
from practices.tenancy import inside
from tests.browser.conftest import Desk
from tests.factories import a_member, a_practice, an_actor, dt

PATIENTS = "/p/harbor-street/patients/"


@pytest.fixture
def practice(desk_server: Desk) -> Practice:
    practice = a_practice()
    a_member(practice)
    with inside(practice):
        for given, family in (("Marisol", "Vega"), ("Owen", "Park"), ("Oscar", "Lind")):
            register_patient(
                given=given,
                family=family,
                birth_date=dt.date(1986, 3, 14),
                needs=["interpreter"],
                phones=[ContactGiven("5035550187")],
                by=an_actor(),
            )
    return practice


def expect_the_record(page: Page, name: str) -> None:
    """The record with its panels: none of its requests is still under way when the tables are emptied."""
    page.wait_for_load_state()  # before that no key is heard
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator("#patient-visits")).to_be_visible()
    expect(page.locator("#conversation")).to_be_visible()


def test_a_typo_finds_and_keys_open_the_record(page: Page, desk_server: Desk, practice: Practice) -> None:
    desk_server.sign_in(page, then=PATIENTS)
    expect(page.locator("#id_q")).to_be_focused()
    page.locator("h1").click()  # leaves the field, so that the single key is heard
    page.keyboard.press("/")
    page.keyboard.type("marysol vgea")
    expect(page.get_by_role("option", selected=True)).to_contain_text("Marisol Vega")
    page.keyboard.press("Enter")
    expect_the_record(page, "Marisol Vega")
    expect(page.locator("#patient-visits")).to_contain_text("No visit is booked.")
    page.keyboard.press("b")
    expect(page.get_by_role("dialog")).to_contain_text("Marisol Vega")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    expect(page.locator("#conversation textarea")).to_be_focused()  # for a note; it says why no text
    expect(page.locator("#conversation")).to_contain_text("has not agreed to texts")


def test_nobody_found_is_added_with_what_was_typed(page: Page, desk_server: Desk, practice: Practice) -> None:
    desk_server.sign_in(page, then=PATIENTS)
    page.locator("h1").click()
    page.keyboard.press("/")
    page.keyboard.type("Zyx Quirke 4/22/91")
    expect(page.locator("#find-results")).to_contain_text("No patient matches")
    page.keyboard.press("Enter")
    expect(page.locator("#id_given")).to_be_focused()
    expect(page.locator("#id_given")).to_have_value("Zyx")
    expect(page.locator("#id_family")).to_have_value("Quirke")
    expect(page.locator("#id_birth_date")).to_have_value("04/22/1991")


def test_likely_duplicates_show_while_typing_and_leave_the_focus(
    page: Page, desk_server: Desk, practice: Practice
) -> None:
    desk_server.sign_in(page, then=f"{PATIENTS}new/")
    page.keyboard.type("Marysol")
    page.keyboard.press("Tab")
    page.keyboard.type("Vega")
    expect(page.locator("#duplicates")).to_contain_text("Marisol Vega")
    expect(page.locator("#id_family")).to_be_focused()
    page.keyboard.type("-Ruiz")
    expect(page.locator("#id_family")).to_have_value("Vega-Ruiz")
    page.keyboard.press("Control+Enter")
    expect_the_record(page, "Marysol Vega-Ruiz")


def test_an_error_keeps_what_was_typed_and_takes_the_focus(
    page: Page, desk_server: Desk, practice: Practice
) -> None:
    with inside(practice):
        patient = Patient.objects.first()
    assert patient is not None
    desk_server.sign_in(page, then=f"{PATIENTS}{patient.pk}/edit/")
    page.get_by_label("Pronouns").fill("they")
    page.get_by_label("Longer visit").check()
    page.get_by_label("Birth date").fill("31/12/1990")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_label("Birth date")).to_be_focused()
    expect(page.locator("#id_birth_date_error")).to_contain_text("There is no month 31.")
    expect(page.get_by_label("Pronouns")).to_have_value("they")
    expect(page.get_by_label("Interpreter")).to_be_checked()
    expect(page.get_by_label("Longer visit")).to_be_checked()
    page.get_by_label("Birth date").fill("12/31/1990")
    page.keyboard.press("Control+Enter")
    expect_the_record(page, patient.full_name)
    expect(page.get_by_text("Born Dec 31, 1990")).to_be_visible()
    with inside(practice):
        assert Patient.objects.get(pk=patient.pk).needs == ["interpreter", "longer"]


def test_two_writers_pick_field_by_field(page: Page, desk_server: Desk, practice: Practice) -> None:
    with inside(practice):
        patient = Patient.objects.first()
    assert patient is not None
    address = f"{desk_server.url}{PATIENTS}{patient.pk}/edit/"
    desk_server.sign_in(page, then=f"{PATIENTS}{patient.pk}/edit/")
    other = page.context.new_page()
    other.goto(address)
    other.get_by_label("Goes by").fill("Mari")
    other.get_by_label("Pronouns").fill("they")
    other.get_by_role("button", name="Save").click()
    expect(other.locator("#conversation")).to_be_visible()
    expect(other.locator("#patient-visits")).to_be_visible()
    page.get_by_label("Goes by").fill("Sol")
    page.get_by_label("Pronouns").fill("she")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#main .note[role=alert]")).to_contain_text("Dana changed this record")
    expect(page.get_by_role("radio", name="You Sol")).to_be_focused()
    page.get_by_role("radio", name="Stored now they").check()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#conversation")).to_be_visible()
    expect(page.locator("#patient-visits")).to_be_visible()
    with inside(practice):
        stored = Patient.objects.get(pk=patient.pk)
        assert (stored.preferred, stored.pronouns) == ("Sol", "they")
