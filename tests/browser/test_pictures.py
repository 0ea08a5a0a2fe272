"""The pictures in the README: made by FRONTDESK_PICTURES=1, looked at in every run."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from pathlib import Path

from django.utils import timezone
from playwright.sync_api import Page, expect

from frontdesk.demo.houses import CEDAR, NORTHSIDE, desk_actor, hire, open_house
from messaging import calls
from messaging.call_endings import first_number
from messaging.models import Call
from patients.models import ContactPoint
from practices.audit import Actor
from practices.models import Membership, Practice, User
from practices.tenancy import inside
from scheduling.models import Appointment
from tests.browser.conftest import Desk
from tests.browser.lived_in import a_lived_in_practice, sign_in

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
WANTED = os.environ.get("FRONTDESK_PICTURES") == "1"
LINE = Actor(kind="system", door="hook")


def taken(page: Page, name: str) -> None:
    if WANTED:
        page.mouse.move(0, 0)
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=str(PICTURES / name))


def a_number_of_today(practice: Practice) -> str:
    """The number of a patient of today which no other patient has."""
    held = Counter(str(point.value) for point in ContactPoint.objects.phones())
    visits = Appointment.objects.on(practice.today()).on_board().order_by("-starts_at")
    numbers = [first_number(visit.patient) for visit in visits]
    return next(number for number in numbers if held[number] == 1)


def answered(practice: Practice, dana: User, number: str, seconds_ago: int) -> None:
    Membership.objects.filter(user=dana).update(desk_phone="+18025550111")
    call = calls.call_came(supplier_id=f"CA{number}", from_=number, by=LINE)
    calls.answer_call(call=call, by=desk_actor(practice, dana))
    at = timezone.now() - dt.timedelta(seconds=seconds_ago)
    Call.objects.filter(pk=call.pk).update(started_at=at, answered_at=at)


def three_calls(practice: Practice) -> None:
    """Dana speaks with a patient, another caller holds, and one of another practice rings."""
    users = hire()
    dental, children = (open_house(house, users) for house in (NORTHSIDE, CEDAR))
    with inside(dental):
        answered(dental, users["dana"], "+12065550187", 240)
    with inside(practice):
        answered(practice, users["dana"], a_number_of_today(practice), 134)
    with inside(dental):
        Call.objects.filter(status="held").update(held_since=timezone.now() - dt.timedelta(seconds=92))
    with inside(children):
        calls.call_came(supplier_id="CA3", from_="+13125550142", by=LINE)


def test_the_pictures_of_the_board_and_the_inbox(page: Page, desk_server: Desk) -> None:
    practice = a_lived_in_practice(scale=1.0 if WANTED else 0.1)
    page.set_viewport_size({"width": 1440, "height": 900})
    sign_in(page, desk_server, "dana@frontdesk.example")
    three_calls(practice)
    page.goto(f"{desk_server.url}/p/{practice.slug}/today/")
    cards = page.locator("#board .ap[data-v]")
    with inside(practice):
        assert cards.count() == Appointment.objects.on(practice.today()).on_board().count()
    expect(page.locator("[data-save-state]")).to_have_text("Live")
    expect(page.locator("#board .now b")).to_be_visible()
    for kind in ("live", "hold", "ring"):
        expect(page.locator(f"#calls .call.{kind}")).to_have_count(1)
    page.locator("#board .ap.st-arr, #board .ap.st-conf, #board .ap.st-book").first.click()
    expect(page.locator("#visit-panel")).to_contain_text("min")
    expect(page.locator("#board .ap.sel")).to_have_count(1)
    taken(page, "board.png")

    page.goto(f"{desk_server.url}/p/{practice.slug}/inbox/")
    page.locator("#inbox-rows a.th:has(.x)").nth(2).click()
    expect(page.locator("#thread-log")).to_be_visible()
    expect(page.locator("#calls .call:not(.box)")).to_have_count(3)
    expect(page.locator("#patient-visits, .ctx .card").first).to_be_visible()
    taken(page, "inbox.png")
