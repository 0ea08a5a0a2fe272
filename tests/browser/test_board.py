"""The board in a real browser: by keys, by dragging, and while somebody else works on it."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect

from patients.models import Patient
from practices.models import Practice
from practices.tenancy import inside
from scheduling.flow import mark_arrived
from scheduling.models import Appointment, AppointmentType, Practitioner, Status
from tests.browser.conftest import Desk
from tests.factories import a_member, a_patient, a_practice, a_practitioner, a_type, a_user, an_actor

BOARD = "/p/harbor-street/today/"
BEFORE_OPENING = 5


def a_zone_at(hour: int) -> str:
    """A time zone in which it is about this hour now."""
    ahead = (hour - timezone.now().hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/UTC"


class Day:
    """Today, early in the morning, with two clinicians and a few visits: nothing is in the past yet."""

    def __init__(self) -> None:
        self.practice: Practice = a_practice(time_zone=a_zone_at(BEFORE_OPENING))
        self.dana = a_member(self.practice)
        self.day = self.practice.today()
        self.osei: Practitioner = a_practitioner(self.practice, "Dr. Osei", position=1)
        self.lind: Practitioner = a_practitioner(self.practice, "Dr. Lindqvist", position=2)
        self.kind: AppointmentType = a_type(self.practice, "Follow-up", 30, [self.osei, self.lind])
        self.vega = self.visit("Marisol Vega", self.osei, 9, confirmation="confirmed")
        self.park = self.visit("Owen Park", self.osei, 10)
        self.lin = self.visit("Oscar Lind", self.lind, 9)

    def patient(self, name: str) -> Patient:
        given, family = name.split()
        return a_patient(self.practice, given, family)

    def visit(self, name: str, who: Practitioner, hour: int, **fields: object) -> Appointment:
        start = dt.datetime.combine(self.day, dt.time(hour), tzinfo=self.practice.zone)
        with inside(self.practice):
            return Appointment.objects.create(
                practice=self.practice,
                patient=self.patient(name),
                practitioner=who,
                appointment_type=self.kind,
                starts_at=start,
                ends_at=start + dt.timedelta(minutes=30),
                local_date=self.day,
                local_time=start.time(),
                time_zone=str(self.practice.time_zone),
                **fields,
            )

    def standing(self, name: str) -> Appointment:
        with inside(self.practice):
            visits = Appointment.objects.active().select_related("practitioner")
            return visits.get(patient__family=name.split()[1])


@pytest.fixture
def day(desk_server: Desk) -> Day:
    return Day()


@pytest.fixture
def board(page: Page, desk_server: Desk, day: Day) -> Page:
    desk_server.sign_in(page, then=BOARD)
    live(page)
    return page


def live(page: Page) -> None:
    expect(page.locator("[data-save-state]")).to_have_text("Live")


def card(page: Page, name: str) -> Locator:
    return page.locator("#board .ap[data-v]", has_text=name)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def focus_label(page: Page) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('aria-label')"))


def test_the_board_is_one_tab_stop_and_arrows_reach_visits_and_free_times(board: Page, day: Day) -> None:
    expect(board.locator("#board [tabindex='0']")).to_have_count(1)
    card(board, "Marisol Vega").focus()
    assert focus_label(board) == "9:00, Marisol Vega, confirmed, Dr. Osei"
    press(board, "ArrowRight")
    assert focus_label(board) == "9:00, Oscar Lind, to confirm, Dr. Lindqvist"
    press(board, "ArrowLeft", "ArrowDown")
    assert focus_label(board) == "9:30, free, 30 min, Dr. Osei"
    press(board, "ArrowDown")
    assert focus_label(board) == "10:00, Owen Park, to confirm, Dr. Osei"
    press(board, "Home")
    assert focus_label(board) == "8:00, free, 60 min, Dr. Osei"
    expect(board.locator("#board [tabindex='0']")).to_have_count(1)
    press(board, "Tab")
    assert not board.evaluate("document.querySelector('#board').contains(document.activeElement)")


def test_keys_open_a_visit_and_set_its_next_status(board: Page, day: Day) -> None:
    card(board, "Marisol Vega").focus()
    press(board, "Enter")
    expect(board.locator("#visit-panel")).to_contain_text("Marisol Vega")
    expect(card(board, "Marisol Vega")).to_have_class(re.compile(r"\bsel\b"))
    # The visit under the focus is meant, not the one that was opened before.
    card(board, "Owen Park").focus()
    press(board, "s")
    expect(card(board, "Owen Park")).to_have_class(re.compile("st-arr"))
    expect(card(board, "Marisol Vega")).to_have_class(re.compile("st-conf"))
    expect(card(board, "Owen Park")).to_be_focused()
    assert day.standing("Owen Park").status == Status.ARRIVED


def test_move_by_keys_and_undo(board: Page, day: Day) -> None:
    card(board, "Owen Park").focus()
    press(board, "m", "ArrowRight", "ArrowDown")
    expect(board.locator(".ap.ghost")).to_contain_text("10:15")
    expect(board.locator("#say")).to_have_text("10:15, Dr. Lindqvist, free")
    press(board, "Enter")
    expect(board.locator("#change-bar")).to_contain_text("Owen Park")
    moved = day.standing("Owen Park")
    assert (moved.local_time, moved.practitioner.short_name) == (dt.time(10, 15), "Dr. Lindqvist")
    expect(card(board, "Owen Park")).to_be_focused()
    expect(card(board, "Owen Park")).to_have_attribute(
        "aria-label", "10:15, Owen Park, to confirm, Dr. Lindqvist"
    )
    press(board, "z")
    expect(card(board, "Owen Park")).to_have_attribute("aria-label", "10:00, Owen Park, to confirm, Dr. Osei")
    assert day.standing("Owen Park").pk == day.park.pk


def test_move_mode_refuses_closed_and_taken_times_and_escape_leaves_it(board: Page, day: Day) -> None:
    card(board, "Owen Park").focus()
    press(board, "m", "PageDown", "PageDown")
    expect(board.locator(".ap.ghost")).to_have_class(re.compile(r"\bno\b"))
    expect(board.locator("#say")).to_have_text("12:00, Dr. Osei, closed")
    press(board, "Enter")
    expect(board.locator(".ap.ghost")).to_have_count(1)
    press(board, "Escape")
    expect(board.locator(".ap.ghost")).to_have_count(0)
    expect(card(board, "Owen Park")).to_be_focused()
    assert day.standing("Owen Park").pk == day.park.pk


def drag(page: Page, what: Locator, to: Locator) -> None:
    start, end = what.bounding_box(), to.bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + 40, start["y"] + 6)
    page.mouse.down()
    page.mouse.move(start["x"] + 60, start["y"] + 20, steps=3)
    page.mouse.move(end["x"] + 40, end["y"] + 6, steps=6)


def test_drag_moves_a_visit_and_undo_brings_it_back(board: Page, day: Day) -> None:
    drag(board, card(board, "Owen Park"), board.get_by_label("10:00, free, 120 min, Dr. Lindqvist"))
    expect(card(board, "Owen Park")).to_have_class(re.compile("dragging"))
    expect(board.locator(".ap.ghost")).to_contain_text("10:00")
    board.mouse.up()
    expect(board.locator("#change-bar")).to_contain_text("moved to")
    expect(card(board, "Owen Park")).to_have_attribute(
        "aria-label", "10:00, Owen Park, to confirm, Dr. Lindqvist"
    )
    assert day.standing("Owen Park").practitioner.short_name == "Dr. Lindqvist"
    expect(board.locator("#visit-panel")).to_be_empty()  # a drag is no click
    board.get_by_role("button", name="Undo").click()
    expect(card(board, "Owen Park")).to_have_attribute("aria-label", "10:00, Owen Park, to confirm, Dr. Osei")
    assert day.standing("Owen Park").pk == day.park.pk


def test_a_time_taken_meanwhile_sends_the_card_back_with_words(board: Page, day: Day) -> None:
    # Stored without a word to open pages, so this one cannot know.
    day.visit("Late Comer", day.lind, 11)
    drag(board, card(board, "Owen Park"), board.get_by_label("11:00, free, 60 min, Dr. Lindqvist"))
    board.mouse.up()
    expect(board.locator("#board-say")).to_be_visible()
    expect(card(board, "Owen Park")).to_have_attribute("aria-label", "10:00, Owen Park, to confirm, Dr. Osei")
    column = board.locator(".bcol", has_text="Owen Park")
    expect(column).to_have_attribute("data-name", "Dr. Osei")
    expect(card(board, "Late Comer")).to_be_visible()
    assert day.standing("Owen Park").pk == day.park.pk


def test_a_drag_over_closed_hours_is_refused(board: Page, day: Day) -> None:
    drag(board, card(board, "Owen Park"), board.locator(".bcol").nth(1).locator(".blk", has_text="Lunch"))
    expect(board.locator(".ap.ghost")).to_have_class(re.compile(r"\bno\b"))
    board.mouse.up()
    expect(board.locator("#board-say")).to_contain_text("closed")
    assert day.standing("Owen Park").pk == day.park.pk


def test_free_time_is_booked_from_the_keyboard(board: Page, day: Day) -> None:
    board.get_by_label("9:30, free, 30 min, Dr. Osei").focus()
    press(board, "b")
    expect(board.locator("#dialog")).to_be_visible()
    expect(board.locator("#dialog")).to_contain_text("9:30")


def test_another_persons_change_arrives_and_takes_no_focus_and_no_draft(
    board: Page, browser: Browser, desk_server: Desk, day: Day
) -> None:
    a_member(day.practice, a_user("jo@frontdesk.example"))
    other = browser.new_context().new_page()
    desk_server.sign_in(other, "jo@frontdesk.example", then=BOARD)
    live(other)
    card(board, "Marisol Vega").click()
    note = board.get_by_label("Note", exact=True)
    note.press_sequentially("Half a dra")
    card(other, "Owen Park").focus()
    press(other, "m", "ArrowDown", "Enter")
    moved = card(board, "Owen Park")
    expect(moved).to_have_attribute("aria-label", "10:15, Owen Park, to confirm, Dr. Osei")
    expect(moved).to_have_class(re.compile("changed"))
    expect(card(board, "Marisol Vega")).to_have_class(re.compile(r"\bsel\b"))
    expect(note).to_be_focused()
    board.keyboard.type("ft")
    expect(note).to_have_value("Half a draft")
    other.context.close()


def test_the_focused_card_keeps_the_focus_when_somebody_else_moves_it_on(board: Page, day: Day) -> None:
    card(board, "Owen Park").focus()
    with inside(day.practice):
        mark_arrived(appointment=day.park, version=day.park.version, by=an_actor(day.dana))
    expect(card(board, "Owen Park")).to_have_class(re.compile("st-arr"))
    expect(card(board, "Owen Park")).to_be_focused()


def test_a_visit_being_moved_is_not_taken_out_of_the_hand(board: Page, day: Day) -> None:
    card(board, "Owen Park").focus()
    press(board, "m", "ArrowDown")
    with inside(day.practice):
        mark_arrived(appointment=day.lin, version=day.lin.version, by=an_actor(day.dana))
    expect(board.locator("#day")).to_have_attribute("data-stale", "")
    expect(board.locator(".ap.ghost")).to_contain_text("10:15")
    press(board, "Escape")
    expect(card(board, "Oscar Lind")).to_have_class(re.compile("st-arr"))


def test_news_between_the_press_and_the_drag_wait_for_the_drop(board: Page, day: Day) -> None:
    box = card(board, "Marisol Vega").bounding_box()
    assert box
    board.mouse.move(box["x"] + 20, box["y"] + 8)
    board.mouse.down()
    with inside(day.practice):
        mark_arrived(appointment=day.park, version=day.park.version, by=an_actor(day.dana))
    expect(board.locator("#day")).to_have_attribute("data-stale", "")
    board.mouse.move(box["x"] + 20, box["y"] + 40, steps=4)
    expect(board.locator(".ap.ghost")).to_have_count(1)
    board.keyboard.press("Escape")
    board.mouse.up()
    expect(card(board, "Owen Park")).to_have_class(re.compile("st-arr"))


def test_the_legend_filters_and_keeps_doing_so(board: Page, day: Day) -> None:
    board.locator("#legend-conf").click()
    expect(card(board, "Owen Park")).to_have_css("opacity", "0.28")
    expect(card(board, "Marisol Vega")).to_have_css("opacity", "1")
    with inside(day.practice):
        mark_arrived(appointment=day.lin, version=day.lin.version, by=an_actor(day.dana))
    expect(card(board, "Oscar Lind")).to_have_class(re.compile("st-arr"))
    expect(card(board, "Owen Park")).to_have_css("opacity", "0.28")


def test_without_scripts_the_day_is_a_list_of_links(browser: Browser, desk_server: Desk, day: Day) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    desk_server.sign_in(page, then=BOARD)
    first = card(page, "Marisol Vega")
    expect(first).to_be_visible()
    expect(first).to_contain_text("9:00 AM")
    expect(first).to_contain_text("confirmed")
    assert first.get_attribute("tabindex") is None
    first.click()
    expect(page.get_by_role("heading", name="Marisol Vega").first).to_be_visible()
    page.context.close()


def test_a_phone_shows_the_list_and_opens_a_visit_as_a_page(page: Page, desk_server: Desk, day: Day) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    desk_server.sign_in(page, then=BOARD)
    expect(page.locator("#board")).to_have_css("display", "block")
    card(page, "Owen Park").click()
    page.wait_for_url(re.compile(str(day.park.pk)))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
