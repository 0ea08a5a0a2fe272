"""A message for a colleague, by keyboard alone: from a call, read back, saved; and the link that takes it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from messaging import ack_links, staff_messages
from messaging.models import Call, StaffMessage
from practices.models import Membership, Practice, Role
from practices.tenancy import inside
from tests.browser.conftest import Desk
from tests.factories import a_member, a_patient, a_practice, a_user, an_actor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def team(desk_server: Desk) -> dict[str, Any]:
    practice = a_practice()
    dana = a_member(practice)
    ama = a_member(practice, a_user("ama@frontdesk.example"), Role.CLINICIAN)
    patient = a_patient(practice, phone="+15035550142")
    with inside(practice):
        call = Call.objects.create(
            practice=practice, direction="in", status="live", handler=dana.user,
            address="+15035550142", patient=patient,
        )  # fmt: skip
    return {"practice": practice, "dana": dana, "ama": ama, "call": call}


def the_messages(practice: Practice) -> list[StaffMessage]:
    with inside(practice):
        return list(StaffMessage.objects.select_related("patient"))


def test_a_message_from_a_call_by_keyboard_alone(page: Page, desk_server: Desk, team: dict[str, Any]) -> None:
    practice, call = team["practice"], team["call"]
    base = f"/p/{practice.slug}/team/"
    desk_server.sign_in(page, then=base)
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="Take a message")
    expect(dialog).to_be_visible()
    dialog.get_by_label("For", exact=True).select_option("on-call")
    expect(dialog.locator("#goes-to")).to_contain_text("on call")
    expect(dialog.get_by_label("For", exact=True)).to_have_value("on-call")
    page.keyboard.press("Escape")
    page.goto(f"{desk_server.url}{base}new/?call={call.pk}")
    expect(page.get_by_label("Call back at")).to_have_value("(503) 555-0142")
    expect(page.get_by_role("checkbox", name="Marisol Vega")).to_be_checked()
    # The kind by its digit, the words, and Ctrl+Enter: nothing is saved before it was read back.
    page.locator("input[name=kind]").first.focus()
    page.keyboard.press("2")
    expect(page.locator("input[name=kind][value=refill]")).to_be_checked()
    expect(page.locator("#goes-to")).to_contain_text("Goes to the clinicians: Ama.")
    expect(page.locator("#id_body")).to_be_focused()
    page.keyboard.type("Out of lisinopril since Friday.")
    page.keyboard.press("Control+Enter")
    sentence = page.locator(".say")
    expect(sentence).to_contain_text("about Marisol Vega: “Out of lisinopril since Friday.”")
    expect(sentence).to_contain_text("(503) 555-0142")
    assert the_messages(practice) == []
    expect(page.locator("input[name=read_back]")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/team/\?tab=open"))
    expect(page.get_by_text("Refill for the clinicians, about Marisol Vega")).to_be_visible()
    (message,) = the_messages(practice)
    assert (message.read_back, message.call_id) == (True, call.pk)


def test_what_was_typed_survives_a_reload(page: Page, desk_server: Desk, team: dict[str, Any]) -> None:
    practice, call = team["practice"], team["call"]
    address = f"/p/{practice.slug}/team/new/?call={call.pk}"
    desk_server.sign_in(page, then=f"/p/{practice.slug}/team/")
    page.goto(f"{desk_server.url}{address}")
    with page.expect_response(lambda answer: "/drafts/" in answer.url):
        page.locator("#id_body").fill("Half a sent")
    page.goto(f"{desk_server.url}{address}")
    expect(page.locator("#id_body")).to_have_value("Half a sent")


def urgent(team: dict[str, Any]) -> StaffMessage:
    member: Membership = team["dana"]
    with inside(team["practice"]):
        return staff_messages.take_message(
            kind="clinical", body="Chest pain", recipient="person", to_user=team["ama"].user, urgency=0,
            read_back=True, once_key="urgent", by=an_actor(member),
        )  # fmt: skip


def test_the_link_on_a_phone_without_scripts(browser: Any, desk_server: Desk, team: dict[str, Any]) -> None:
    message = urgent(team)
    with inside(team["practice"]):
        path = re.sub(r"^https?://[^/]+", "", ack_links.address_for(message, team["ama"].user))
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 780})
    phone = context.new_page()
    phone.goto(f"{desk_server.url}{path}")
    expect(phone.get_by_role("heading", name="Urgent message")).to_be_visible()
    assert the_messages(team["practice"])[0].acknowledged_at is None
    phone.keyboard.press("Tab")
    button = phone.get_by_role("button", name="I have it")
    for _ in range(3):
        if button.evaluate("node => node === document.activeElement"):
            break
        phone.keyboard.press("Tab")
    phone.keyboard.press("Enter")
    expect(phone.get_by_text("You have it")).to_be_visible()
    (row,) = the_messages(team["practice"])
    assert (row.acknowledged_by_id, row.acknowledged_how) == (team["ama"].user.pk, "link")
    context.close()
