"""The demo's first practice on a smaller scale, in mid-morning, for tests that look at whole pages."""

from __future__ import annotations

import dataclasses

from playwright.sync_api import Page

from frontdesk.demo.houses import HARBOR, PASSWORD
from frontdesk.demo.seeding import seed
from practices.models import Practice
from tests.browser.conftest import Desk
from tests.houses import zone_where_it_is


def a_lived_in_practice(scale: float = 0.1) -> Practice:
    """Harbor Street as `./dev demo` makes it, in a zone where it is about ten."""
    house = dataclasses.replace(HARBOR, zone=zone_where_it_is(10))
    seed(lambda words: None, scale=scale, houses=[house])
    return Practice.objects.get(slug=house.slug)


def sign_in(page: Page, desk: Desk, email: str) -> None:
    """Signs one of the demo's people in."""
    page.goto(f"{desk.url}/account/login/")
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(f"{desk.url}/p/**")
