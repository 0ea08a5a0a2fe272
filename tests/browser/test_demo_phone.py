"""The page of phones keeps itself fresh and never takes away what a person types."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from twilio.rest import Client

from tests.tools.test_pretend_supplier import Elsewhere
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


GREETING = (
    '<Response><Gather numDigits="1" timeout="900" action="/key"><Say>{words}</Say></Gather></Response>'
)


def calling(supplier: PretendSupplier, words: str) -> str:
    """Lets the practice call the phone, as its own system would."""
    client = Client(supplier.account_sid, supplier.auth_token)
    client.http_client = Elsewhere(supplier.base_url)
    twiml = GREETING.format(words=words)
    return str(client.calls.create(to=PHONE, from_=LINE, twiml=twiml).sid)


def test_a_ringing_phone_is_answered_and_keys_are_pressed(page: Page, supplier: PretendSupplier) -> None:
    page.goto(f"{supplier.base_url}/phones/{PHONE}")
    field = page.get_by_label("Text to Harbor Street")
    field.fill("Half a draft")
    supplier.delays(pace=1)
    sid = calling(supplier, "Press 1 to confirm.")
    page.get_by_role("button", name="Answer").click()
    expect(page.locator("#calls")).to_contain_text("Press 1 to confirm.")
    expect(field).to_have_value("Half a draft")
    words = page.get_by_label("Say on the phone")
    words.press_sequentially("Hello?")
    page.keyboard.press("Enter")
    expect(page.locator("#calls .heard")).to_contain_text("Hello?")
    page.get_by_role("button", name="Key 1").click()
    supplier.wait_for(lambda: "1" in [e["words"] for e in supplier.the_call(sid)["log"]])


def test_a_practice_is_called_and_the_call_is_in_the_talk(
    browser: Browser, supplier: PretendSupplier
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{supplier.base_url}/phones/{PHONE}")
    page.get_by_role("button", name="Call Harbor Street").click()
    expect(page.locator("#talk")).to_contain_text("You called (could not be connected)")
    context.close()
