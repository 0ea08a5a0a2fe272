"""The page of phones keeps itself fresh and never takes away what a person types."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tools.pretend_supplier.client import PretendSupplier

LINE = "+15035550100"
PHONE = "+15035550142"


@pytest.fixture
def supplier() -> Iterator[PretendSupplier]:
    with PretendSupplier({LINE: ""}) as supplier:
        supplier.add_number(LINE, name="Harbor Street")
        yield supplier


def test_draft_and_focus_survive_a_new_text(page: Page, supplier: PretendSupplier) -> None:
    page.goto(f"{supplier.base_url}/phones/{PHONE}")
    field = page.get_by_label("Text to Harbor Street")
    field.press_sequentially("Half a dra")
    supplier.write(PHONE, LINE, "From elsewhere")
    expect(page.locator("#talk")).to_contain_text("From elsewhere")
    expect(field).to_have_value("Half a dra")
    expect(field).to_be_focused()
    page.keyboard.type("ft")
    page.keyboard.press("Enter")
    expect(page.locator("#talk .mine").last).to_contain_text("Half a draft")
    expect(field).to_have_value("")


def test_a_quick_answer_keeps_the_draft(page: Page, supplier: PretendSupplier) -> None:
    page.goto(f"{supplier.base_url}/phones/{PHONE}")
    field = page.get_by_label("Text to Harbor Street")
    field.fill("Not yet")
    page.get_by_role("button", name="Thumbs up").click()
    expect(page.locator("#talk .mine").last).to_contain_text("👍")
    expect(field).to_have_value("Not yet")


def test_it_works_without_scripts(browser: Browser, supplier: PretendSupplier) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(supplier.base_url)
    page.get_by_label("Find or add a phone").fill("(503) 555-0142")
    page.get_by_role("button", name="Open").click()
    page.get_by_role("button", name="YES").click()
    expect(page.locator("#talk .mine")).to_contain_text("YES")
    context.close()
