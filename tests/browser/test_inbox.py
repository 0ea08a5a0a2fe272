"""The inbox in a real browser: keys, drafts that outlive a page, notes that cannot be sent, live arrival."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from playwright.sync_api import Browser, Page, expect

from messaging import inbox
from messaging.models import Conversation, Draft, Message, TeamNote
from messaging.saved_replies import save_reply
from messaging.templates import PLAIN, segments
from practices.models import Practice
from practices.tenancy import inside
from tests.browser.conftest import Desk
from tests.factories import a_member, a_practice, an_actor
from tests.messaging.conftest import PHONE, a_texting_patient


@pytest.fixture
def desk(desk_server: Desk, page: Page) -> Iterator[SimpleNamespace]:
    practice = a_practice()
    dana = a_member(practice)
    patient = a_texting_patient(practice, PHONE, given="Ruth", family="Adeyemi")
    with inside(practice):
        save_reply(
            reply=None, name="Parking", body_en="Hi $name, park behind the house.",
            body_es="Hola $name, atrás.", by=an_actor(dana),
        )  # fmt: skip
    made = SimpleNamespace(server=desk_server, practice=practice, patient=patient)
    made.list = f"/p/{practice.slug}/inbox/"
    yield made
    # What the page still asks for in the background must be answered before the tables are emptied.
    page.goto("about:blank")
    page.wait_for_timeout(1_000)


def wrote(desk: SimpleNamespace, body: str, number: int = 1, from_: str = PHONE) -> Conversation:
    with inside(desk.practice):
        message = inbox.receive(supplier_id=f"SM{number}", from_=from_, body=body)
        assert message is not None
        found: Conversation = Conversation.objects.get(
            patient=message.patient, address_index="" if message.patient else message.address_index
        )
        return found


def messages_out(practice: Practice) -> list[str]:
    with inside(practice):
        return [str(row.body) for row in Message.objects.filter(direction="out").order_by("created_at")]


def saved(page: Page) -> None:
    expect(page.locator("[data-save-state]")).to_contain_text("Saved")


def test_by_keyboard_from_the_list_to_the_answer_and_closed(page: Page, desk: SimpleNamespace) -> None:
    wrote(desk, "Are you open on Friday?", 1)
    wrote(desk, "Do you take new patients?", 2, "+15035550177")
    desk.server.sign_in(page, then=desk.list)
    page.keyboard.press("j")
    expect(page.locator(".th:focus")).to_contain_text("(503) 555-0177")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    box = page.get_by_label("Write to Ruth Adeyemi")
    box.click()
    page.keyboard.type("/")
    expect(page.get_by_label("Find a template")).to_be_focused()
    page.keyboard.type("park")
    page.keyboard.press("Enter")
    expect(box).to_have_value("Hi Ruth, park behind the house.")
    expect(box).to_be_focused()
    page.keyboard.type(" Yes we are.")
    expect(page.locator("#compose-count")).to_have_text("1 text, 43 of 160")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".bub.me")).to_have_text("Hi Ruth, park behind the house. Yes we are.")
    expect(page.get_by_label("Write to Ruth Adeyemi")).to_have_value("")
    assert messages_out(desk.practice) == ["Hi Ruth, park behind the house. Yes we are."]
    page.locator(".who-line h2").click()
    page.keyboard.press("e")
    expect(page.get_by_text("Ruth Adeyemi is done")).to_be_visible()
    page.keyboard.press("z")
    expect(page.get_by_role("heading", name="Ruth Adeyemi")).to_be_visible()


def test_a_draft_outlives_the_page_and_the_browser(
    page: Page, browser: Browser, desk: SimpleNamespace
) -> None:
    thread = wrote(desk, "Are you open on Friday?")
    address = f"{desk.list}{thread.pk}/"
    desk.server.sign_in(page, then=address)
    page.get_by_text("ES", exact=True).click()
    page.get_by_label("Write to Ruth Adeyemi").fill("Buenos días, estamos")
    saved(page)
    page.reload()
    expect(page.get_by_label("Write to Ruth Adeyemi")).to_have_value("Buenos días, estamos")
    other = browser.new_context().new_page()
    desk.server.sign_in(other, then=address)
    expect(other.get_by_label("Write to Ruth Adeyemi")).to_have_value("Buenos días, estamos")
    expect(other.get_by_label("Spanish")).to_be_checked()
    other.get_by_label("Write to Ruth Adeyemi").fill("")
    saved(other)
    page.wait_for_timeout(300)
    with inside(desk.practice):
        assert not Draft.objects.exists()
    stored = page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    assert "Buenos" not in stored
    other.context.close()


def test_a_note_cannot_be_sent_also_when_its_form_is_bent(page: Page, desk: SimpleNamespace) -> None:
    thread = wrote(desk, "Are you open on Friday?")
    desk.server.sign_in(page, then=f"{desk.list}{thread.pk}/")
    page.get_by_text("Team note", exact=True).click()
    expect(page.get_by_role("button", name="Send")).to_be_hidden()
    page.get_by_label("Write to Ruth Adeyemi").fill("She owes us $200")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".bub.team")).to_have_text("She owes us $200")
    page.get_by_text("Team note", exact=True).click()
    page.get_by_label("Write to Ruth Adeyemi").fill("And more")
    # Somebody bends the page: the note calls itself a text, and is saved by the button of notes.
    page.locator("[name=channel][value=note]").evaluate("field => { field.value = 'sms'; }")
    page.locator("#compose").evaluate("form => form.requestSubmit()")
    expect(page.locator(".bub.team")).to_have_count(2)
    # And the button that sends, for what still calls itself a note.
    page.get_by_text("Team note", exact=True).click()
    page.get_by_label("Write to Ruth Adeyemi").fill("Still a note")
    page.locator("button.for-send.pri").evaluate("button => button.click()")
    expect(page.locator("#compose .errs")).to_contain_text("A team note is not sent to anybody")
    expect(page.get_by_label("Write to Ruth Adeyemi")).to_have_value("Still a note")
    assert messages_out(desk.practice) == []
    with inside(desk.practice):
        assert TeamNote.objects.count() == 2


def test_a_text_arrives_while_one_types(page: Page, desk: SimpleNamespace) -> None:
    thread = wrote(desk, "Are you open on Friday?")
    desk.server.sign_in(page, then=f"{desk.list}{thread.pk}/")
    expect(page.locator("[data-save-state]")).to_contain_text("Live")
    box = page.get_by_label("Write to Ruth Adeyemi")
    box.fill("We are op")
    wrote(desk, "And on Saturday?", 2)
    wrote(desk, "Who are you?", 3, "+15035550177")
    expect(page.locator("#thread-log")).to_contain_text("And on Saturday?")
    expect(page.locator("#inbox-list")).to_contain_text("Who are you?")
    expect(box).to_be_focused()
    expect(box).to_have_value("We are op")
    page.keyboard.type("en on both.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".bub.me")).to_have_text("We are open on both.")
    assert messages_out(desk.practice) == ["We are open on both."]


def test_the_counter_counts_as_the_server_does(page: Page, desk: SimpleNamespace) -> None:
    thread = wrote(desk, "Are you open on Friday?")
    desk.server.sign_in(page, then=f"{desk.list}{thread.pk}/")
    for text in (
        "Hi",
        "x" * 160,
        "x" * 161,
        "x" * 307,
        "[" * 81,
        "é" * 160,
        "á" * 70,
        "á" * 71,
        "👍" * 36,
        "Don’t – …",
    ):
        page.get_by_label("Write to Ruth Adeyemi").fill(text)
        count = segments(text.translate(PLAIN))
        expect(page.locator("#compose-count")).to_have_text(re.compile(f"^{count} text"))


def test_without_a_script_everything_can_be_done(browser: Browser, desk: SimpleNamespace) -> None:
    thread = wrote(desk, "Are you open on Friday?")
    plain = browser.new_context(java_script_enabled=False)
    page = plain.new_page()
    desk.server.sign_in(page, then=desk.list)
    page.get_by_text("Are you open on Friday?").click()
    page.locator("#reply-menu summary").click()
    page.get_by_role("button", name="Parking").click()
    expect(page.get_by_label("Write to Ruth Adeyemi")).to_have_value("Hi Ruth, park behind the house.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".bub.me")).to_have_text("Hi Ruth, park behind the house.")
    page.get_by_text("Team note", exact=True).click()
    page.get_by_label("Write to Ruth Adeyemi").fill("Told her")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator(".bub.team")).to_have_text("Told her")
    page.locator("summary", has_text="Later").click()
    page.get_by_role("button", name=re.compile("^Tomorrow morning")).click()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Ruth Adeyemi is done")).to_be_visible()
    assert messages_out(desk.practice) == ["Hi Ruth, park behind the house."]
    assert thread.pk
    plain.close()
