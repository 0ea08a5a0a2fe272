"""axe-core on every page with data in it, in both themes: nothing serious, nothing critical."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page

from frontdesk import reviews
from messaging.models import Task
from patients.models import Patient
from practices.audit import SYSTEM
from practices.models import Membership, Practice, Role
from practices.tenancy import inside
from scheduling.links import create_link
from scheduling.models import Appointment, AppointmentType, Practitioner
from tests.browser.conftest import Desk
from tests.browser.lived_in import a_lived_in_practice, sign_in

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RUN = """async (rules) => {
    const only = rules ? {runOnly: {type: "rule", values: rules}} : {};
    const found = await axe.run(document, {resultTypes: ["violations"], preload: false, ...only});
    return found.violations.filter(one => ["serious", "critical"].includes(one.impact)).map(
        one => one.id + ": " + one.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(" | "));
}"""
# Nothing but colours depends on the theme.
COLOURS = ["color-contrast"]


def look(page: Page) -> list[str]:
    """What axe finds on the open page, in the light and in the dark."""
    page.evaluate(AXE)
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    found = [f"light {line}" for line in page.evaluate(RUN, None)]
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found += [f"dark {line}" for line in page.evaluate(RUN, COLOURS)]
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    return found


def pages_of(practice: Practice) -> Iterator[str]:
    """The addresses of all pages that staff open, each with something on it."""
    visit = Appointment.objects.on(practice.today()).filter(status="booked").latest("starts_at")
    patient = Patient.objects.filter(messages__direction="in").first() or visit.patient
    rows = {
        "": [
            "today",
            "week",
            "month",
            "list",
            "columns",
            "changed",
            "day-sheet",
            "queue",
            "morning",
            "wrap",
            "day",
            "book",
            "patients",
            "patient-new",
            "changes-earlier",
            "inbox",
            "inbox-new",
        ],
        str(visit.pk): ["appointment", "appointment-move", "appointment-cancel", "route-slip"],
        str(patient.pk): ["patient", "patient-edit", "patient-access", "patient-messages"],
    }
    settings = [
        "practice-settings",
        "practice-hours",
        "practice-people",
        "wordings",
        "saved-replies",
        "settings-clinicians",
        "settings-types",
        "settings-news",
    ]
    rows[""] += settings
    rows[str(Practitioner.objects.first().pk)] = ["settings-clinician", "settings-hours-new"]  # type: ignore[union-attr]
    rows[str(AppointmentType.objects.first().pk)] = ["settings-type"]  # type: ignore[union-attr]
    rows[str(Membership.objects.first().pk)] = ["practice-person"]  # type: ignore[union-attr]
    if task := Task.objects.open().first():
        rows[str(task.pk)] = ["task-owner"]
    for key, names in rows.items():
        for name in names:
            yield reverse(name, args=[practice.slug, key] if key else [practice.slug])
    yield reverse("week", args=[practice.slug]) + f"?who={visit.practitioner_id}"
    yield reverse("all-today")
    yield reverse("book", args=[practice.slug]) + f"?patient={patient.pk}"
    yield reverse("today", args=[practice.slug]) + f"?visit={visit.pk}"
    yield f"/p/{practice.slug}/nothing-here/"


def with_reviews(practice: Practice) -> list[str]:
    """Both reviews of the day, and a manager who may see every page; the addresses to walk."""
    with inside(practice):
        for kind in ("morning", "evening"):
            reviews.start_review(kind=kind, date=practice.today(), by=SYSTEM)
        dana = Membership.objects.get(user__email="dana@frontdesk.example")
        dana.roles = [Role.RECEPTIONIST, Role.MANAGER]
        dana.save()
        return list(pages_of(practice))


def complaints(page: Page, addresses: list[str], expected: tuple[int, ...] = (200, 404)) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for address in addresses:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status in expected, address
        if worst := look(page):
            found[address] = worst
    return found


def test_no_staff_page_has_a_serious_finding(page: Page, desk_server: Desk) -> None:
    practice = a_lived_in_practice()
    addresses = with_reviews(practice)
    sign_in(page, desk_server, "dana@frontdesk.example")
    page.emulate_media(reduced_motion="reduce")
    assert not complaints(page, [desk_server.url + address for address in addresses])


def test_no_page_of_a_patient_or_a_stranger_has_a_serious_finding(
    page: Page, browser: Browser, desk_server: Desk
) -> None:
    practice = a_lived_in_practice(scale=0.03)
    with inside(practice):
        visits = Appointment.objects.unconfirmed().filter(starts_at__gt=timezone.now())
        token = create_link(visits[0])[1]
    page.emulate_media(reduced_motion="reduce")
    names = ["visit", "visit-details", "visit-new-time", "visit-cancel"]
    addresses = [reverse(name, args=[token]) for name in names]
    addresses += [reverse("visit", args=[token]) + "?lang=es", "/v/nobodysxxxxxxxxxxxxxxxxxxxxx/"]
    addresses += ["/account/login/", "/account/password/reset/", "/nothing-here/"]
    found = complaints(page, [desk_server.url + address for address in addresses])
    page.goto(desk_server.url + addresses[0])
    page.locator("form button").first.click()
    if worst := look(page):
        found["after yes"] = worst
    assert not found


def test_axe_finds_what_is_wrong(page: Page) -> None:
    """The control: grey on grey and a picture without words are found."""
    page.set_content(
        "<html lang=en><title>x</title><main><p style='color:#999;background:#aaa'>grey</p><img src=x>"
    )
    assert {line.split(":")[0] for line in look(page)} == {
        "light color-contrast",
        "light image-alt",
        "dark color-contrast",
    }
