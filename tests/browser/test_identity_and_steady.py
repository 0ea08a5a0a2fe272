"""Who speaks, and the steady card, in a real browser and by the keyboard alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from messaging.models import Call, Complaint, IdentityCheck, Task
from patients.models import ContactPoint, Patient, PatientFlag, RelatedPerson
from practices.models import Practice, PracticeCard
from practices.tenancy import inside
from tests.browser.conftest import Desk
from tests.factories import a_member, a_patient, a_practice, a_user


class Line:
    """Marisol Vega on the line with Dana."""

    def __init__(self) -> None:
        self.practice: Practice = a_practice()
        self.dana = a_member(self.practice)
        self.jo = a_member(self.practice, a_user("jo@frontdesk.example"))
        self.patient: Patient = a_patient(
            self.practice, phone="+15035550142", birth_date=dt.date(1986, 3, 14),
            address={"postal_code": "04101"},
        )  # fmt: skip
        with inside(self.practice):
            self.mother = RelatedPerson.objects.create(
                practice=self.practice, patient=self.patient, name="Rosa Vega", relationship="parent",
                phone="+15035550199", may=["appointments"],
            )  # fmt: skip
            ContactPoint.objects.create(
                practice=self.practice, patient=self.patient, system="email", value="m@example.org"
            )
            PracticeCard.objects.create(
                practice=self.practice, number=1, content={"emergency": "Hang up and dial 911."}
            )
            self.call = Call.objects.create(
                practice=self.practice, direction="in", status="live", address="+15035550142",
                patient=self.patient, handler=self.dana.user, by_hand=True,
            )  # fmt: skip

    @property
    def path(self) -> str:
        return f"/p/{self.practice.slug}/calls/{self.call.pk}/"

    def results(self) -> list[str]:
        with inside(self.practice):
            return list(IdentityCheck.objects.order_by("at", "id").values_list("result", flat=True))


@pytest.fixture
def line(desk_server: Desk) -> Line:
    return Line()


@pytest.fixture
def workspace(page: Page, desk_server: Desk, line: Line) -> Iterator[Page]:
    desk_server.sign_in(page, then=line.path)
    expect(page.locator(".idc-chip")).to_contain_text("Not verified")
    page.locator("body").focus()
    yield page
    page.goto("about:blank")  # nothing asks the desk any more while the tables are emptied


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.name"))


def tab_to(page: Page, name: str) -> None:
    for _ in range(20):
        if focused(page) == name:
            return
        press(page, "Tab")
    pytest.fail(f"{name} cannot be reached by Tab")


def test_two_facts_are_checked_by_keys_alone(workspace: Page, line: Line) -> None:
    press(workspace, "i")
    expect(workspace.locator("#dialog h2")).to_contain_text("Who speaks about Marisol Vega?")
    tab_to(workspace, "fact_birth_date")
    workspace.keyboard.type("3/15/86")
    tab_to(workspace, "fact_postal_code")
    workspace.keyboard.type("04101")
    press(workspace, "Control+Enter")
    expect(workspace.locator("#dialog")).to_contain_text("That does not match the record.")
    assert workspace.locator("#dialog [aria-invalid=true]").count() == 0
    tab_to(workspace, "fact_birth_date")
    press(workspace, "Control+a")
    workspace.keyboard.type("3/14/86")
    press(workspace, "Control+Enter")
    expect(workspace.locator("#dialog")).not_to_be_visible()
    expect(workspace.locator(".idc-chip")).to_contain_text("Verified")
    assert line.results() == ["wrong", "verified"]


def test_a_mother_is_chosen_by_her_digit_and_told_only_what_she_may_know(workspace: Page, line: Line) -> None:
    press(workspace, "i")
    expect(workspace.locator("#dialog")).to_contain_text("Rosa Vega, parent")
    press(workspace, "2")
    tab_to(workspace, "fact_birth_date")
    workspace.keyboard.type("March 14 1986")
    tab_to(workspace, "fact_email")
    workspace.keyboard.type("m@example.org")
    press(workspace, "Control+Enter")
    expect(workspace.locator("#dialog")).not_to_be_visible()
    expect(workspace.locator(".idc")).to_contain_text("Say nothing more than times of visits.")


def test_f_promises_in_three_steps(workspace: Page, line: Line) -> None:
    press(workspace, "f")
    expect(workspace.locator("#dialog h2")).to_contain_text("Steady: Marisol Vega")
    assert focused(workspace) == "what_happened"
    workspace.keyboard.type("Waited forty minutes twice.")
    press(workspace, "Control+Enter")
    expect(workspace.locator("#dialog")).not_to_be_visible()
    with inside(line.practice):
        task = Task.objects.get(kind="promise")
        kinds = set(PatientFlag.objects.values_list("kind", flat=True))
    assert (task.owner_id, kinds) == (line.dana.user.pk, {"promise", "upset"})


def test_the_words_bring_script_and_grounds_and_a_person_decides(workspace: Page, line: Line) -> None:
    press(workspace, "f")
    expect(workspace.locator("#dialog h2")).to_contain_text("Steady")
    workspace.keyboard.type("He has chest pain, my lawyer will call")
    expect(workspace.locator("#steady-reading")).to_contain_text("Hang up and dial 911.")
    legal = workspace.locator("#steady-reading input[name=grounds][value=legal]")
    expect(legal).to_be_checked()
    tab_to(workspace, "grounds")
    press(workspace, "Space")
    expect(legal).not_to_be_checked()
    press(workspace, "Alt+c")
    expect(workspace.locator("#dialog")).not_to_be_visible()
    with inside(line.practice):
        assert Complaint.objects.get().grounds == []


def test_half_a_text_is_there_again_after_a_reload(workspace: Page) -> None:
    press(workspace, "f")
    expect(workspace.locator("#dialog h2")).to_contain_text("Steady")
    with workspace.expect_response(lambda answer: answer.url.endswith("/drafts/")):
        workspace.keyboard.type("Half a sentence")
    workspace.reload()
    workspace.locator("body").focus()
    press(workspace, "f")
    expect(workspace.locator("#dialog textarea[name=what_happened]")).to_have_value("Half a sentence")
