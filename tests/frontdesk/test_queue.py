"""“Needs you”: what is in it, in which order, and what each row offers."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from frontdesk.queue import later_rows, needs_you, queue_count
from frontdesk.queue_rows import QueueRow
from frontdesk.queue_steps import OF_CALLS
from messaging import inbox
from messaging.models import Call, Message, Task
from patients.models import Patient
from practices.card import save_card
from practices.models import AccessEvent, Practice
from practices.tenancy import inside
from scheduling.models import Appointment
from tests.factories import a_member, a_patient, a_practice, a_practitioner, a_type, a_user, an_actor

QUEUE_QUERIES = 6  # with the calls behind missed ones; five where there are none


class Desk:
    def __init__(self) -> None:
        self.practice: Practice = a_practice()
        self.dana = a_member(self.practice)
        self.jo = a_member(self.practice, a_user("jo@frontdesk.example"))
        self.osei = a_practitioner(self.practice)
        self.kind = a_type(self.practice, "Follow-up", 30, [self.osei])
        self.now = timezone.now()

    def patient(self, family: str = "Vega") -> Patient:
        return a_patient(self.practice, "Marisol", family, phone="+15035550187")

    def task(self, family: str, minutes: int, **fields: Any) -> Task:
        values = {"kind": Task.Kind.FOLLOW_UP, "patient": self.patient(family)} | fields
        with inside(self.practice):
            due = self.now + dt.timedelta(minutes=minutes)
            return Task.objects.create(practice=self.practice, due_at=due, once_key=f"key-{family}", **values)

    def message(self, family: str, body: str) -> Message:
        patient = self.patient(family)
        with inside(self.practice):
            return Message.objects.create(
                practice=self.practice,
                patient=patient,
                direction="in",
                channel="sms",
                kind="inbound",
                address="+15035550187",
                address_index="index",
                body=body,
                status="received",
                idempotency_key=f"key-{family}",
                needs_person=True,
            )

    def visit(self, family: str, minutes: int, **fields: Any) -> Appointment:
        patient = self.patient(family)
        start = self.now + dt.timedelta(minutes=minutes)
        with inside(self.practice):
            return Appointment.objects.create(
                practice=self.practice,
                patient=patient,
                practitioner=self.osei,
                appointment_type=self.kind,
                starts_at=start,
                ends_at=start + dt.timedelta(minutes=5),
                local_date=start.astimezone(self.practice.zone).date(),
                local_time=start.astimezone(self.practice.zone).time(),
                time_zone="America/New_York",
                **fields,
            )

    def call(self, family: str | None) -> Call:
        patient = self.patient(family) if family else None
        with inside(self.practice):
            return Call.objects.create(
                practice=self.practice,
                direction="in",
                status="ended",
                outcome="missed",
                address="+15035550188",
                patient=patient,
            )

    def rows(self) -> list[QueueRow]:
        with inside(self.practice):
            rows = needs_you(self.practice, viewer=self.dana.user, now=self.now)
            assert queue_count(self.practice, self.now, viewer=self.dana.user) == len(rows)
        return rows

    def later(self) -> list[QueueRow]:
        with inside(self.practice):
            return later_rows(self.practice, viewer=self.dana.user, now=self.now)


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


def test_the_order_is_emergency_promises_visits_unanswered_the_rest(desk: Desk) -> None:
    desk.task("Rest", 600)
    unread = desk.message("Unanswered", "Could I come Thursday instead?")
    desk.visit("Soon", 60)
    desk.visit("Late", -20)
    desk.task("Promise", 30, kind=Task.Kind.CALL)
    desk.task("Overdue", -30, kind=Task.Kind.UNDELIVERED)
    desk.task("Emergency", 5, urgency=Task.Urgency.EMERGENCY, kind=Task.Kind.ANSWER)
    rows = desk.rows()
    titles = [row.title for row in rows]
    assert titles == [
        "Marisol Emergency waits for an answer",
        "Text to Marisol Overdue did not arrive",
        "Call Marisol Promise",
        "Marisol Late is 20 min late",
        "Marisol Soon has not confirmed",
        "“Could I come Thursday instead?”",
        "Follow up with Marisol Rest",
    ]
    assert (rows[0].first, rows[0].tone) == (True, "bad")
    assert rows[1].overdue
    assert rows[5].action == "Answer"
    assert str(unread.patient_id) in rows[5].action_url


@pytest.mark.parametrize(
    ("minutes", "fields", "shown"),
    [
        (-14, {"confirmation": "confirmed"}, False),
        (-16, {"confirmation": "confirmed"}, True),
        (-16, {"status": "arrived"}, False),
        (60, {}, True),
        (60, {"confirmation": "confirmed"}, False),
        (121, {}, False),
        (60, {"status": "cancelled"}, False),
        (-13 * 60, {}, False),
    ],
)
def test_visits_appear_when_late_or_soon_and_unconfirmed(
    desk: Desk, minutes: int, fields: dict[str, Any], shown: bool
) -> None:
    desk.visit("Vega", minutes, **fields)
    assert bool(desk.rows()) is shown


def test_a_task_of_the_practice_names_nobody(desk: Desk) -> None:
    desk.task("Texts", 10, patient=None, note="Texts do not go out: the account is refused.")
    (row,) = desk.rows()
    assert row.title == "Texts do not go out: the account is refused."
    assert "unknown" not in row.title + row.text


def test_a_visit_with_a_task_is_one_row(desk: Desk) -> None:
    visit = desk.visit("Vega", 60)
    desk.task("Other", 90, kind=Task.Kind.NEW_TIME, appointment_id=visit.pk)
    (row,) = desk.rows()
    assert row.action == "Open visit"
    assert row.text.startswith("Visit T")  # today, or tomorrow late in the evening


def test_a_message_with_a_task_is_one_row(desk: Desk) -> None:
    message = desk.message("Vega", "Is parking free?")
    desk.task("Other", 90, kind=Task.Kind.ANSWER, message=message)
    (row,) = desk.rows()
    assert row.title == "“Is parking free?”"


def test_snoozed_and_finished_tasks_are_not_shown(desk: Desk) -> None:
    desk.task("Snoozed", 5, snoozed_until=desk.now + dt.timedelta(minutes=5))
    desk.task("Done", 5, done_at=desk.now)
    desk.task("Back", 5, snoozed_until=desk.now - dt.timedelta(minutes=5))
    assert [row.title for row in desk.rows()] == ["Follow up with Marisol Back"]


def test_a_row_says_whose_it_is(desk: Desk) -> None:
    desk.task("Mine", -5, owner=desk.dana.user)
    desk.task("Theirs", -4, owner=desk.jo.user)
    mine, theirs = desk.rows()
    assert (mine.owner, mine.mine) == ("Yours", True)
    assert (theirs.owner, theirs.mine) == ("Jo is on it", False)


def test_what_a_colleague_has_or_what_is_taken_for_tomorrow_is_later(desk: Desk) -> None:
    day = 24 * 60
    desk.task("Theirs", 6, owner=desk.jo.user)
    desk.task("Mine", day, owner=desk.dana.user)
    desk.task("Nobody", day)
    desk.task("Missed", -1, owner=desk.jo.user)
    desk.task("Emergency", day, owner=desk.jo.user, urgency=Task.Urgency.EMERGENCY)
    assert [row.title.split()[-1] for row in desk.rows()] == ["Emergency", "Missed", "Nobody"]
    theirs, mine = desk.later()
    assert theirs.owner == "Jo is on it"
    assert theirs.text.endswith("due in 6 min")
    assert (mine.owner, mine.title) == ("Yours", "Follow up with Marisol Mine")
    assert "Tomorrow" in mine.text


def test_a_late_visit_stands_there_although_a_colleague_has_a_task_of_it(desk: Desk) -> None:
    visit = desk.visit("Vega", -20)
    desk.task("Other", 90, owner=desk.jo.user, appointment_id=visit.pk)
    assert [row.title for row in desk.rows()] == ["Marisol Vega is 20 min late"]


def test_the_page_folds_what_is_for_later_and_records_who_is_in_it(desk: Desk) -> None:
    task = desk.task("Vega", 24 * 60, owner=desk.jo.user)
    client = Client()
    client.force_login(desk.dana.user)
    text = client.get("/p/harbor-street/queue/").content.decode()
    assert text.index("<h2>Later</h2>") < text.index("Follow up with Marisol Vega")
    with inside(desk.practice):
        assert AccessEvent.objects.get(screen="queue").patient_ids == [task.patient_id]
    panel = client.get("/p/harbor-street/queue/?fragment=panel").content.decode()
    assert "Vega" not in panel


def test_a_call_shows_the_number_and_dials_it(desk: Desk) -> None:
    desk.task("Vega", 5, kind=Task.Kind.CALL)
    (row,) = desk.rows()
    assert (row.action, row.method, row.values) == ("Call", "post", (("patient", str(row.patient_id)),))
    assert row.action_url.endswith("/calls/dial/")
    assert row.text.startswith("(503) 555-0187")
    assert [step.label for step in row.more] == ["Done", "Hand to somebody", "In an hour", "Tomorrow morning"]


def test_privacy_mode_hides_names_and_words(desk: Desk) -> None:
    desk.dana.user.privacy_mode = True
    desk.message("Vega", "My knee hurts again")
    desk.task("Marsh", 5, note="About the biopsy")
    said = " ".join(row.title + row.text for row in desk.rows())
    assert "M. V." in said
    for secret in ("Vega", "Marsh", "knee", "biopsy"):
        assert secret not in said


OWN_PAGES = {
    Task.Kind.STAFF_MESSAGE: ("Open", "/team/"),
    Task.Kind.COMPLAINT: ("Open", "/complaints/"),
    Task.Kind.PROMISE: ("Open record", "/patients/"),
    Task.Kind.LINE: ("Call list", "/call-list/"),
    Task.Kind.CALL_BACK: ("Call back", "/calls/dial/"),
    Task.Kind.MISSED_CALL: ("Call back", "/calls/dial/"),
    Task.Kind.VOICEMAIL: ("Listen", "/thread/"),
}


@pytest.mark.parametrize("kind", OWN_PAGES)
def test_each_kind_of_work_offers_the_step_that_does_it(desk: Desk, kind: Task.Kind) -> None:
    call = desk.call("Vega")
    subject = call.pk if kind in OF_CALLS else uuid.uuid4()
    desk.task("Vega", 600, kind=kind, subject_id=subject, note="Refill for Ama")
    (row,) = desk.rows()
    action, address = OWN_PAGES[kind]
    assert row.action == action
    assert address in row.action_url
    labels = {step.label for step in row.more}
    # What has a page of its own is ended there, with what came of it.
    assert ("Done" in labels) is (kind not in {Task.Kind.STAFF_MESSAGE, Task.Kind.COMPLAINT})


@pytest.mark.parametrize(("kind", "action"), [("voicemail", "Listen"), ("missed-call", "Call back")])
def test_a_call_of_nobody_shows_its_number_and_is_called_back(desk: Desk, kind: str, action: str) -> None:
    call = desk.call(None)
    desk.task("Vega", 600, kind=kind, patient=None, subject_id=call.pk, note="Missed.")
    (row,) = desk.rows()
    assert "(503) 555-0188" in row.title
    assert row.action == action
    back = row if action == "Call back" else row.more[0]
    assert back.values == (("call", str(call.pk)),)
    desk.dana.user.privacy_mode = True
    assert "0188" not in str(desk.rows()[0])
    call.address = ""
    with inside(desk.practice):
        call.save(update_fields=["address"])
    assert "Call back" not in str(desk.rows()[0])


def test_an_overdue_promise_rises_above_the_visits(desk: Desk) -> None:
    desk.visit("Soon", 60)
    desk.task("Late", -5, kind=Task.Kind.STAFF_MESSAGE, subject_id=uuid.uuid4(), note="Refill for Ama")
    desk.task("Later", 300, kind=Task.Kind.STAFF_MESSAGE, subject_id=uuid.uuid4(), note="Results for Ama")
    titles = [row.title for row in desk.rows()]
    assert titles[0] == "Refill for Ama, about Marisol Late"
    assert titles[-1] == "Results for Ama, about Marisol Later"
    assert desk.rows()[0].overdue


def test_an_urgent_message_stands_with_the_promises(desk: Desk) -> None:
    desk.visit("Soon", 60)
    desk.task(
        "Vega", 300, kind=Task.Kind.STAFF_MESSAGE, subject_id=uuid.uuid4(), note="Clinical question for Ama",
        urgency=Task.Urgency.SOON,
    )  # fmt: skip
    assert [row.tone for row in desk.rows()] == ["bad", "book"]


def test_an_urgent_message_that_nobody_took_is_red_and_no_emergency_of_a_patient(desk: Desk) -> None:
    desk.task(
        "Vega", -5, kind=Task.Kind.STAFF_MESSAGE, subject_id=uuid.uuid4(), note="Clinical question for Ama",
        urgency=Task.Urgency.EMERGENCY,
    )  # fmt: skip
    (row,) = desk.rows()
    assert (row.first, row.tone, row.spoken, row.script) == (True, "bad", "Nobody has it", None)
    assert row.text.startswith("Nobody has taken it")


def test_a_possible_emergency_shows_the_practices_script(desk: Desk) -> None:
    desk.task("Vega", 5, kind=Task.Kind.ANSWER, urgency=Task.Urgency.EMERGENCY)
    with inside(desk.practice):
        save_card(content={"emergency": "Ask where she is, then 911."}, base=0, by=an_actor(desk.dana))
    client = Client()
    client.force_login(desk.dana.user)
    assert "Ask where she is, then 911." in client.get(f"/p/{desk.practice.slug}/queue/").content.decode()


def test_queries_do_not_grow_with_rows(desk: Desk) -> None:
    def fill(few: range) -> None:
        for n in few:
            visit = desk.visit(f"Soon{n}", 30 + n, overbook_reason="many")
            told = desk.visit(f"Told{n}", 30 + n, overbook_reason="many")
            desk.message(f"Wrote{n}", "Hello")
            desk.task(f"Task{n}", 5, appointment_id=told.pk)
            missed = desk.call(f"Missed{n}")
            desk.task(f"Missed{n}", 90, kind=Task.Kind.MISSED_CALL, subject_id=missed.pk)
            assert visit.pk != told.pk

    def queries() -> int:
        with inside(desk.practice), CaptureQueriesContext(connection) as seen:
            needs_you(desk.practice, viewer=desk.dana.user, now=desk.now)
        return len(seen)

    fill(range(1))
    assert queries() == QUEUE_QUERIES
    fill(range(1, 40))
    assert len(desk.rows()) == 160
    assert queries() == QUEUE_QUERIES
    with inside(desk.practice), CaptureQueriesContext(connection) as seen:
        queue_count(desk.practice, desk.now)
    assert len(seen) == 1


def test_the_page_shows_the_rows_and_records_who_was_shown(desk: Desk) -> None:
    task = desk.task("Vega", 5, kind=Task.Kind.CALL)
    client = Client()
    client.force_login(desk.dana.user)
    text = client.get("/p/harbor-street/queue/").content.decode()
    assert "Call Marisol Vega" in text
    assert f"/tasks/{task.pk}/done/" in text
    with inside(desk.practice):
        assert AccessEvent.objects.get(screen="queue").patient_ids == [task.patient_id]
    panel = client.get("/p/harbor-street/queue/?fragment=panel").content.decode()
    assert "Call Marisol Vega" in panel
    assert "<html" not in panel


def test_done_takes_a_row_away(desk: Desk) -> None:
    task = desk.task("Vega", 5)
    client = Client()
    client.force_login(desk.dana.user)
    client.post(f"/p/harbor-street/tasks/{task.pk}/done/")
    assert desk.rows() == []


@pytest.mark.django_db
def test_a_text_that_names_a_time_is_offered_one() -> None:
    """Of somebody whose visit it can be; a number of nobody is asked first who wrote."""
    desk = Desk()
    a_patient(desk.practice, "Ruth", "Adeyemi", phone="+15035550100")
    said = [("can I come Thursday after 2?", True), ("can I come Friday after 2?", False)]
    with inside(desk.practice):
        for number, (body, offered) in enumerate(said):
            message = inbox.receive(supplier_id=f"SM{number}", from_=f"+150355501{number:02d}", body=body)
            assert message is not None
            (row,) = [one for one in needs_you(desk.practice) if one.title.strip("“”") == body]
            wanted = f"/p/{desk.practice.slug}/messages/{message.pk}/suggestion/"
            assert ((row.action, row.action_url) == ("Offer a time", wanted)) is offered
