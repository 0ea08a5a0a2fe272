"""A chosen time is held: seen on a colleague's board, refused in her dialog, free when the dialog is left."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from practices.tenancy import inside
from scheduling.models import Hold
from tests.browser.conftest import Desk
from tests.browser.test_board import BOARD, Day, live
from tests.factories import a_member, a_user


@pytest.fixture
def day(desk_server: Desk) -> Day:
    made = Day()
    a_member(made.practice, a_user("jo@frontdesk.example"))
    return made


def choose_the_first_time(page: Page) -> None:
    page.keyboard.press("b")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Follow-up").check()
    dialog.locator("#slot-1").check()
    expect(dialog.locator("#book-hold")).to_be_visible()


def holds(day: Day) -> int:
    with inside(day.practice):
        return int(Hold.objects.standing().count())


def test_a_chosen_time_is_held_for_one_and_free_again_when_the_dialog_is_left(
    page: Page, browser: Browser, desk_server: Desk, day: Day
) -> None:
    desk_server.sign_in(page, then=BOARD)
    live(page)
    context = browser.new_context()
    theirs = context.new_page()
    desk_server.sign_in(theirs, "jo@frontdesk.example", then=BOARD)
    live(theirs)

    choose_the_first_time(page)
    expect(page.locator("#book-hold")).to_contain_text("Held for you until")
    assert holds(day) == 1
    expect(theirs.locator("#board")).to_contain_text("Dana")

    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(theirs.locator("#board")).not_to_contain_text("Dana")
    assert holds(day) == 0
    context.close()
