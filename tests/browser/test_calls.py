"""Calls in two real browsers: Dana's and Jo's."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from messaging import calls
from messaging.models import Call, Draft
from practices.audit import Actor
from practices.card import save_card
from practices.models import Membership, Practice, User
from practices.tenancy import inside
from scheduling.models import Appointment
from tests.browser.conftest import Desk
from tests.browser.test_accessibility import look
from tests.browser.test_board import BEFORE_OPENING, a_zone_at
from tests.factories import PASSWORD, a_member, a_patient, a_practice, a_practitioner, a_type, a_user

LINE = Actor(kind="system", door="hook")
TODAY = "/p/harbor-street/today/"


class House:
    """Dana works for two practices, Jo for one; both have a desk phone."""

    def __init__(self) -> None:
        zone = a_zone_at(BEFORE_OPENING)
        self.harbor: Practice = a_practice(time_zone=zone)
        self.cedar: Practice = a_practice("cedar-park", time_zone=zone)
        self.dana: User = a_user()
        self.works(self.harbor, self.dana)
        self.works(self.cedar, self.dana)
        self.works(self.harbor, a_user("jo@frontdesk.example"))
        a_patient(self.harbor, phone="+15035550187")
        a_type(self.harbor, "Follow-up", 30, [a_practitioner(self.harbor)])

    def works(self, practice: Practice, user: User) -> None:
        member = a_member(practice, user)
        with inside(practice):
            Membership.objects.filter(pk=member.pk).update(desk_phone="+15035550199")

    def rings(self, number: str, practice: Practice | None = None) -> Call:
        with inside(practice or self.harbor):
            return calls.call_came(supplier_id=f"CA{number}", from_=number, by=LINE)

    def now(self, call: Call) -> Call:
        with inside(self.harbor):
            return Call.objects.get(pk=call.pk)


@pytest.fixture
def house(desk_server: Desk) -> House:
    return House()


def opened(browser: Browser, desk: Desk, email: str = "dana@frontdesk.example") -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    desk.sign_in(page, email, then=TODAY)
    expect(page.locator("[data-save-state]")).to_have_text("Live")
    return page


@pytest.fixture
def dana(browser: Browser, desk_server: Desk, house: House) -> Iterator[Page]:
    page = opened(browser, desk_server)
    yield page
    page.context.close()


@pytest.fixture
def jo(browser: Browser, desk_server: Desk, house: House) -> Iterator[Page]:
    page = opened(browser, desk_server, "jo@frontdesk.example")
    yield page
    page.context.close()


def chip(page: Page, kind: str) -> Locator:
    return page.locator(f"#calls .call.{kind}")


def saved(page: Page) -> None:
    expect(page.locator("[data-save-state]")).to_have_text(re.compile(r"^Saved \d"))


def test_a_call_rings_at_both_and_goes_when_one_answers(house: House, dana: Page, jo: Page) -> None:
    house.rings("+15035550187")
    for page in (dana, jo):
        expect(chip(page, "ring")).to_contain_text("Marisol Vega")
        expect(page.locator("#say-now")).to_contain_text("Call for Harbor Street: Marisol Vega")
    dana.keyboard.press("a")
    dana.wait_for_url("**/calls/*/")
    expect(chip(dana, "live")).to_contain_text("Marisol Vega")
    expect(chip(jo, "ring")).to_have_count(0)
    expect(jo.locator("#say")).to_have_text("Dana has taken the call for Harbor Street.")


def test_a_caller_who_rings_off_is_told_too(house: House, jo: Page) -> None:
    call = house.rings("+15035550187")
    expect(chip(jo, "ring")).to_be_visible()
    from messaging.call_endings import nobody_answered

    with inside(house.harbor):
        nobody_answered(call, 5)
    expect(chip(jo, "ring")).to_have_count(0)
    expect(jo.locator("#say")).to_have_text("The caller rang off.")


def test_both_answer_at_once_and_one_is_told(house: House, dana: Page, jo: Page) -> None:
    call = house.rings("+15035550187")
    answer = jo.locator(f"#answer-{call.pk}")
    expect(answer).to_be_visible()
    jo.route("**/all/calls/**", lambda route: route.abort())  # her strip is a moment behind
    dana.locator(f"#answer-{call.pk}").click()
    dana.wait_for_url("**/calls/*/")
    answer.click()
    expect(jo.locator("#say-now")).to_have_text("Dana Ruiz has taken this call.")
    assert jo.url.endswith(TODAY)


def half_book(page: Page) -> None:
    page.locator("#call-book").click()
    expect(page.locator("#id_mobile")).to_have_value("(503) 555-0142")
    page.locator("#id_name").fill("Ana Lima")
    page.locator("#id_birth_date").fill("4/22/91")
    page.keyboard.press("Tab")
    page.locator("#kind-1").check(force=True)
    expect(page.locator("#book-slots input")).not_to_have_count(0)
    page.locator("#book-slots input").nth(1).check(force=True)
    expect(page.locator("#book-foot")).to_contain_text("Read back")
    page.locator("#id_reason").fill("A cough since Monday")
    saved(page)
    page.wait_for_timeout(900)


def is_half_booked(page: Page) -> None:
    expect(page.locator("#id_name")).to_have_value("Ana Lima")
    expect(page.locator("#id_birth_date")).to_have_value("4/22/91")
    expect(page.locator("#id_reason")).to_have_value("A cough since Monday")
    expect(page.locator("#kind-1")).to_be_checked()
    expect(page.locator("#book-slots input:checked")).to_have_count(1)
    expect(page.locator("#book-foot")).to_contain_text("Read back")


def test_two_calls_one_held_half_written_half_booked(
    house: House, dana: Page, browser: Browser, desk_server: Desk
) -> None:
    first = house.rings("+15035550142")
    expect(chip(dana, "ring")).to_contain_text("(503) 555-0142")
    dana.keyboard.press("a")
    dana.wait_for_url(f"**/calls/{first.pk}/")
    dana.locator("#id_note").fill("Wants to come before the")
    saved(dana)
    half_book(dana)

    # A second caller while the dialog lies over the page: the strip is within reach, by key and by pointer.
    second = house.rings("+15035550187", house.cedar)
    expect(dana.locator("#dialog #calls .call.ring")).to_contain_text("Cedar Park")
    dana.locator(f"#answer-{second.pk}").click()
    dana.wait_for_url(f"**/cedar-park/calls/{second.pk}/")
    expect(chip(dana, "hold")).to_contain_text("booking half done", ignore_case=True)
    assert house.now(first).status == "held"

    dana.reload()
    expect(chip(dana, "live")).to_have_count(1)
    dana.keyboard.press("Alt+1")
    dana.wait_for_url(f"**/harbor-street/calls/{first.pk}/")
    expect(dana.locator("#id_note")).to_have_value("Wants to come before the")
    dana.keyboard.press("b")
    is_half_booked(dana)
    dana.context.close()  # the browser is closed in mid-call

    other = opened(browser, desk_server)  # and she goes on at another machine
    expect(chip(other, "live")).to_have_count(1)
    chip(other, "live").locator("a.who").click()
    other.wait_for_url(
        f"**/calls/{first.pk}/"
    )  # loaded: a key pressed before its scripts ran is heard by nobody
    expect(other.locator("#id_note")).to_have_value("Wants to come before the")
    other.keyboard.press("b")
    is_half_booked(other)
    other.locator("#book-go").click()
    expect(other.locator("#dialog")).not_to_be_visible()
    expect(other.locator("#change-bar")).to_contain_text("Undo")
    with inside(house.harbor):
        assert Appointment.objects.get().patient.family == "Lima"
        assert not Draft.objects.exists()
    assert house.now(first).patient_id is not None
    other.context.close()


def test_closing_the_page_at_once_loses_no_letter(house: House, dana: Page) -> None:
    call = house.rings("+15035550142")
    expect(chip(dana, "ring")).to_be_visible()
    dana.keyboard.press("a")
    dana.wait_for_url(f"**/calls/{call.pk}/")
    dana.locator("#id_note").press_sequentially("Typed and gone")
    dana.goto("about:blank")  # before the 600 ms are over
    dana.wait_for_timeout(600)
    assert house.now(call).note == "Typed and gone"


def test_the_strip_never_takes_focus_or_words(house: House, dana: Page) -> None:
    call = house.rings("+15035550142")
    expect(chip(dana, "ring")).to_be_visible()
    dana.keyboard.press("a")
    dana.wait_for_url(f"**/calls/{call.pk}/")
    note = dana.locator("#id_note")
    note.press_sequentially("First words")
    house.rings("+15035550111")
    expect(chip(dana, "ring")).to_be_visible()
    note.press_sequentially(" and more")
    expect(note).to_be_focused()
    expect(note).to_have_value("First words and more")
    dana.locator(f"#hold-{call.pk}").focus()
    house.rings("+15035550112")
    expect(chip(dana, "ring")).to_have_count(2)
    expect(dana.locator(f"#hold-{call.pk}")).to_be_focused()


def test_answering_keeps_what_nothing_else_keeps(house: House, dana: Page, context: BrowserContext) -> None:
    """A booking outside of a call has no draft: the page stays, and the call waits in its chip."""
    dana.keyboard.press("b")
    dana.locator("#id_name").fill("Ana Lima")
    house.rings("+15035550142")
    expect(dana.locator("#dialog #calls .call.ring")).to_be_visible()
    dana.locator("#dialog .call.ring .btn.pri").click()
    expect(chip(dana, "live")).to_be_visible()
    expect(dana.locator("#id_name")).to_have_value("Ana Lima")
    assert dana.url.endswith(TODAY)
    dana.keyboard.press("Escape")
    expect(dana.locator("#calls-place #calls .call.live")).to_be_visible()


def test_hold_and_end_by_keys_and_the_note_in_the_last_seconds(house: House, dana: Page) -> None:
    call = house.rings("+15035550187")
    expect(chip(dana, "ring")).to_be_visible()
    dana.keyboard.press("a")
    dana.wait_for_url(f"**/calls/{call.pk}/")
    dana.keyboard.press("h")
    expect(chip(dana, "hold")).to_be_visible()
    dana.keyboard.press("Alt+1")
    expect(chip(dana, "live")).to_be_visible()
    dana.locator(f"#end-{call.pk}").click()
    expect(chip(dana, "wrap")).to_contain_text("Finish the note")
    dana.locator("#id_note").fill("Will call again")
    saved(dana)
    expect(chip(dana, "wrap")).to_have_count(0, timeout=15_000)
    assert house.now(call).note == "Will call again"


def test_a_call_is_logged_by_hand_with_c(house: House, dana: Page) -> None:
    dana.keyboard.press("c")
    dana.locator("#id_number").fill("(503) 555-0187")
    dana.keyboard.press("Control+Enter")
    dana.wait_for_url("**/calls/*/")
    expect(chip(dana, "live")).to_contain_text("Marisol Vega")


def test_who_shares_the_number_is_chosen_by_a_press(house: House, dana: Page) -> None:
    """Their buttons stand outside of the form they belong to."""
    a_patient(house.harbor, "Ana", "Vega", phone="+15035550187")
    call = house.rings("+15035550187")
    expect(chip(dana, "ring")).to_contain_text("Ana Vega")
    dana.keyboard.press("a")
    dana.wait_for_url(f"**/calls/{call.pk}/")
    dana.get_by_role("button", name="Ana Vega").click()
    expect(dana.locator("#call-facts h2").first).to_have_text("Ana Vega")
    dana.get_by_role("button", name="Somebody else").click()
    expect(dana.locator("#call-facts h2").first).to_have_text("Who is it about?")
    dana.get_by_role("button", name="Marisol Vega").click()
    expect(dana.locator("#call-facts h2").first).to_have_text("Marisol Vega")


def test_without_scripts_calls_are_answered_and_written_down(
    browser: Browser, desk_server: Desk, house: House
) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{desk_server.url}/account/login/?next={TODAY}")
    page.locator("input[name=login]").fill("dana@frontdesk.example")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
    house.rings("+15035550187")
    page.get_by_role("link", name="Calls", exact=True).click()
    page.get_by_role("button", name="Answer").click()
    page.locator("#id_note").fill("By hand")
    page.get_by_role("button", name="Keep the note").click()
    expect(page.locator("#id_note")).to_have_value("By hand")
    page.context.close()


def test_nothing_serious_is_found_by_axe(house: House, dana: Page, desk_server: Desk) -> None:
    """Every kind of chip at once, the workspace, its dialogs as pages, and the practice card."""
    with inside(house.harbor):
        member = Membership.objects.select_related("user").get(user=house.dana)
        Membership.objects.filter(pk=member.pk).update(roles=["receptionist", "manager"])
        by = Actor(kind="staff", door="page", user=house.dana, membership=member)
        answers = [
            {"topic": "Refills", "question": "A refill?", "answer": "Ask us.", "answer_es": "Pregunte."}
        ]
        for number, greeting in enumerate(("Hello", "Good day")):
            content = {"greeting": greeting, "emergency": "Dial 911", "never_say": ["No"], "answers": answers}
            save_card(content=content, base=number, by=by)
        for number in ("+15035550142", "+15035550143", "+15035550187"):
            call = calls.answer_call(call=house.rings(number), by=by)
        first = Call.objects.order_by("started_at")[0]
        calls.end_call(call=first, by=by)
        Call.objects.filter(pk=first.pk).update(wrap_up_until=timezone.now() + dt.timedelta(hours=1))
    house.rings("+15035550144")
    work = f"/p/harbor-street/calls/{call.pk}/"
    edit = "/p/harbor-street/settings/card/"
    pages = [work, f"{work}transfer/", f"{work}keep-place/", "/all/calls/", "/p/harbor-street/calls/log/",
             "/p/harbor-street/my-numbers/", "/p/harbor-street/card/", edit, f"{edit}versions/",
             f"{edit}versions/1/"]  # fmt: skip
    found = {}
    for address in pages:
        dana.goto(desk_server.url + address)
        expect(dana.locator("#calls .call")).to_have_count(5)
        if complaints := look(dana):
            found[address] = complaints
    assert found == {}
