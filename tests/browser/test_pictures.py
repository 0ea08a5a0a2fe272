"""The picture of the board in the README: made by FRONTDESK_PICTURES=1, looked at in every run."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page, expect

from practices.tenancy import inside
from scheduling.models import Appointment
from tests.browser.conftest import Desk
from tests.browser.lived_in import a_lived_in_practice, sign_in

BOARD = Path(__file__).parents[2] / "docs" / "pictures" / "board.png"
WANTED = os.environ.get("FRONTDESK_PICTURES") == "1"


def test_the_picture_of_the_board(page: Page, desk_server: Desk) -> None:
    practice = a_lived_in_practice(scale=1.0 if WANTED else 0.1)
    page.set_viewport_size({"width": 1440, "height": 900})
    sign_in(page, desk_server, "dana@frontdesk.example")
    page.goto(f"{desk_server.url}/p/{practice.slug}/today/")
    cards = page.locator("#board .ap[data-v]")
    with inside(practice):
        assert cards.count() == Appointment.objects.on(practice.today()).on_board().count()
    expect(page.locator("[data-save-state]")).to_have_text("Live")
    expect(page.locator("#board .now b")).to_be_visible()
    page.locator("#board .ap.st-arr, #board .ap.st-conf, #board .ap.st-book").first.click()
    expect(page.locator("#visit-panel")).to_contain_text("min")
    expect(page.locator("#board .ap.sel")).to_have_count(1)
    if WANTED:
        page.mouse.move(0, 0)
        BOARD.parent.mkdir(exist_ok=True)
        page.screenshot(path=str(BOARD))
