"""A receptionist and a patient, each in a browser of their own: booked on the phone, answered outside."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from messaging import delivery
from practices.models import Practice, TextingAccount
from practices.tenancy import inside
from scheduling.models import Appointment
from tests.browser.conftest import Desk
from tests.factories import a_member, a_practice, a_practitioner, a_type
from tests.houses import rows_of, zone_where_it_is
from tools.pretend_supplier.client import PretendSupplier

MOBILE = "+15035550188"
PHONE_SCREEN = {"width": 320, "height": 700}
SCANNER_SECONDS = 15


@pytest.fixture
def supplier(settings: Any, desk_server: Desk) -> Iterator[PretendSupplier]:
    with PretendSupplier({}) as running:
        settings.TWILIO_BASE_URL, settings.PUBLIC_URL = running.base_url, desk_server.url
        yield running


@pytest.fixture
def practice(supplier: PretendSupplier, desk_server: Desk) -> Practice:
    """A practice in mid-morning whose texts leave at once, by an account of its own."""
    made = a_practice(
        time_zone=zone_where_it_is(9), undo_minutes=0, quiet_from=dt.time(0), quiet_until=dt.time(0)
    )
    a_member(made)
    a_type(made, practitioners=[a_practitioner(made)])
    with inside(made):
        TextingAccount.objects.create(
            practice=made, account_sid=supplier.account_sid, auth_token=supplier.auth_token
        )
    hooks = f"{desk_server.url}/hooks/twilio/{made.slug}"
    supplier.add_number(str(made.line_number), f"{hooks}/received/", made.name)
    return made


def book_by_phone(page: Page, name: str, birth_date: str, mobile: str) -> None:
    """What is typed while the caller speaks; ends with the dialog closed."""
    page.keyboard.press("b")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("Birth date").fill(birth_date)
    dialog.get_by_label("Mobile").fill(mobile)
    expect(dialog.get_by_text("New patient: no match")).to_be_visible()
    dialog.get_by_role("radio", name=re.compile("Follow-up")).check()
    dialog.locator("#slot-1").check()
    expect(dialog.get_by_text("Read back:")).to_be_visible()
    dialog.locator("#text-ok").check()
    expect(dialog.get_by_role("button", name="Book and text")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(dialog).to_be_hidden()


def board_of(page: Page, desk: Desk, practice: Practice) -> None:
    """The board of the day of the last booking, with a mark that a reload would wipe out."""
    with inside(practice):
        day = Appointment.objects.latest("created_at").local_date.isoformat()
    page.goto(f"{desk.url}/p/{practice.slug}/today/?d={day}")
    expect(page.locator("[data-save-state]")).to_have_text("Live")
    page.evaluate("window.notReloaded = true")


def link_in(supplier: PretendSupplier, number: str) -> str:
    (text,) = supplier.texts_to(number)
    (link,) = re.findall(r"http://\S+/v/[\w-]+/", text["body"])
    return str(link)


def confirmed_without_reload(page: Page, name: str) -> None:
    expect(page.locator("#board .ap[data-v]", has_text=name)).to_have_class(re.compile("st-conf"))
    assert page.evaluate("window.notReloaded")


def test_booked_on_the_phone_answered_by_link_and_by_text(
    page: Page, browser: Browser, desk_server: Desk, practice: Practice, supplier: PretendSupplier
) -> None:
    desk_server.sign_in(page, then=f"/p/{practice.slug}/today/")
    book_by_phone(page, "Delia Marsh", "4/22/91", "(503) 555-0188")
    board_of(page, desk_server, practice)
    card = page.locator("#board .ap[data-v]", has_text="Delia Marsh")
    expect(card).to_have_class(re.compile("st-book"))
    delivery.deliver_due(practice)
    phone = browser.new_context(viewport=PHONE_SCREEN).new_page()  # type: ignore[arg-type]
    phone.goto(link_in(supplier, MOBILE))
    expect(phone.get_by_text("Delia")).to_have_count(0)  # nothing of her before the birth date
    phone.get_by_role("button", name="Yes, I’ll be there").click()
    expect(phone.get_by_role("status")).to_contain_text("Thank you")
    confirmed_without_reload(page, "Delia Marsh")
    phone.get_by_role("link", name="details").click()
    phone.get_by_label("Month").select_option("4")
    phone.get_by_label("Day").fill("22")
    phone.get_by_label("Year").fill("1991")
    phone.get_by_role("button").last.click()
    expect(phone.get_by_text("Dr. Osei, about 30 minutes")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE_SCREEN["width"]
    phone.context.close()
    book_by_phone(page, "Owen Park", "7/1/80", "(503) 555-0189")
    board_of(page, desk_server, practice)
    delivery.deliver_due(practice)
    supplier.write("+15035550189", str(practice.line_number), "yes")
    confirmed_without_reload(page, "Owen Park")
    with inside(practice):
        how = Appointment.objects.order_by("created_at").values_list("confirmed_by", flat=True)
        assert list(how) == ["link", "text"]


def at_rest(practice: Practice) -> dict[str, str]:
    """All rows once the desk's last request, a live refresh, has left its trace."""
    rows = rows_of(practice)
    while rows != (later := rows_after(practice, 1.0)):
        rows = later
    return rows


def rows_after(practice: Practice, seconds: float) -> dict[str, str]:
    time.sleep(seconds)
    return rows_of(practice)


def test_a_scanner_opens_the_link_and_nothing_changes(
    page: Page, browser: Browser, desk_server: Desk, practice: Practice, supplier: PretendSupplier
) -> None:
    desk_server.sign_in(page, then=f"/p/{practice.slug}/today/")
    book_by_phone(page, "Delia Marsh", "4/22/91", "(503) 555-0188")
    delivery.deliver_due(practice)
    supplier.settle()
    page.goto("about:blank")
    link = link_in(supplier, MOBILE)
    before = at_rest(practice)
    scanner = browser.new_context(java_script_enabled=True)
    first = scanner.new_page()
    first.goto(link)
    hosts = {link.split("/")[2]}
    for address in first.eval_on_selector_all("a[href]", "all => all.map(a => a.href)"):
        if address.startswith("http"):
            tab = scanner.new_page()
            tab.on("request", lambda request: hosts.add(request.url.split("/")[2]))
            tab.goto(address)
    first.wait_for_timeout(SCANNER_SECONDS * 1000)
    assert len(scanner.pages) > 4
    assert rows_of(practice) == before
    assert hosts == {link.split("/")[2]}
    first.get_by_role("button", name="Yes, I’ll be there").click()  # and a person still can
    expect(first.get_by_role("status")).to_contain_text("Thank you")
    scanner.close()
    assert rows_of(practice) != before
