"""Complaints as tickets, and promises: targets, grounds, watchers, what rises by itself."""

import datetime as dt
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from frontdesk.queue import needs_you
from messaging import complaints, promises
from messaging.complaint_words import grounds_in, speaks_of_emergency
from messaging.models import Complaint, DeskRules, Message, Task
from messaging.tasks import watch_promises_everywhere
from patients.models import PatientFlag
from practices.models import AuditEntry, Role
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, a_user, an_actor


@pytest.fixture
def desk(db: Any) -> SimpleNamespace:
    practice = a_practice(quiet_from=dt.time(0), quiet_until=dt.time(0))
    dana = a_member(practice, a_user(), Role.RECEPTIONIST)
    mira = a_member(practice, a_user("mira@frontdesk.example"), Role.MANAGER)
    client = Client()
    client.force_login(dana.user)
    return SimpleNamespace(
        practice=practice, dana=dana, mira=mira, client=client, patient=a_patient(practice)
    )


def complaint(desk: Any, key: str = "one", **fields: Any) -> Complaint:
    values = {"what_happened": "Waited an hour.", "patient": desk.patient, "by": an_actor(desk.dana)}
    with inside(desk.practice):
        return complaints.open_complaint(**(values | fields), once_key=key)


def url(desk: Any, row: Complaint, rest: str = "") -> str:
    return f"/p/{desk.practice.slug}/complaints/{row.pk}/{rest}"


def mails(desk: Any) -> list[Message]:
    with inside(desk.practice):
        return list(Message.objects.filter(staff__isnull=False).order_by("created_at", "pk"))


def test_a_complaint_has_a_target_and_a_row_of_needs_you(desk: Any) -> None:
    with inside(desk.practice):
        DeskRules.objects.create(practice=desk.practice, complaint_target_hours=5)
    before = timezone.now()
    row = complaint(desk)
    assert dt.timedelta(hours=5) <= row.target_at - before < dt.timedelta(hours=5, minutes=1)
    with inside(desk.practice):
        task = Task.objects.get(kind="complaint")
    assert (task.subject_id, task.due_at, task.once_key) == (row.pk, row.target_at, f"complaint:{row.pk}")
    assert complaint(desk).pk == row.pk
    page = desk.client.get(f"/p/{desk.practice.slug}/complaints/").content.decode()
    assert "Waited an hour." in page


def test_the_ticket_is_taken_noted_watched_and_resolved(desk: Any) -> None:
    row = complaint(desk)
    for rest, typed in (
        ("take/", {"person": desk.dana.user.pk, "version": "1"}),
        ("watch/", {"person": desk.mira.user.pk}),
        ("note/", {"words": "Called her, she was kind."}),
        ("resolve/", {"resolution": "A letter and a free parking card."}),
    ):
        assert desk.client.post(url(desk, row, rest), typed).status_code == 302
    page = desk.client.get(url(desk, row)).content.decode()
    assert "Called her, she was kind." in page
    assert "A letter and a free parking card." in page
    with inside(desk.practice):
        stored = Complaint.objects.get()
        task = Task.objects.get(kind="complaint")
    assert (stored.owner_id, stored.resolved_by_id) == (desk.dana.user.pk, desk.dana.user.pk)
    assert (task.done_at is not None, task.owner_id) == (True, desk.dana.user.pk)
    told = mails(desk)
    assert [mail.subject.split(" at ")[0] for mail in told] == [
        "A complaint has a new entry", "A complaint was resolved"
    ]  # fmt: skip
    assert {mail.staff_id for mail in told} == {desk.mira.user.pk}


def test_no_mail_says_a_word_of_the_patient(desk: Any) -> None:
    complaint(desk, grounds=["legal"], what_happened="My lawyer will call.")
    (mail,) = mails(desk)
    for word in ("Marisol", "Vega", "lawyer"):
        assert word not in f"{mail.subject} {mail.body}"
    assert "/complaints/" in mail.body


def test_a_stale_page_and_an_empty_resolution_change_nothing(desk: Any) -> None:
    row = complaint(desk)
    desk.client.post(url(desk, row, "take/"), {"version": "1"})
    stale = desk.client.post(url(desk, row, "resolve/"), {"version": "1", "resolution": "Done so"})
    assert stale.status_code == 422
    assert "Done so" in stale.content.decode()
    empty = desk.client.post(url(desk, row, "resolve/"), {"resolution": " "})
    assert "Write how it was resolved." in empty.content.decode()
    stranger = desk.client.post(url(desk, row, "take/"), {"person": a_user("x@y.example").pk})
    assert stranger.status_code == 422
    with inside(desk.practice):
        assert Complaint.objects.get().resolved_at is None


def test_a_second_complaint_within_ninety_days_goes_higher(desk: Any) -> None:
    with time_machine.travel(timezone.now() - dt.timedelta(days=91)):
        complaint(desk, "long ago")
    assert complaint(desk, "first").grounds == []
    second = complaint(desk, "second")
    assert second.grounds == ["repeat"]
    assert second.escalated_at is not None
    assert desk.mira.user.pk in second.watchers
    with inside(desk.practice):
        assert Task.objects.get(subject_id=second.pk).urgency == Task.Urgency.SOON


def test_a_person_sends_it_to_the_managers_with_a_reason(desk: Any) -> None:
    row = complaint(desk)
    none = desk.client.post(url(desk, row, "escalate/"), {})
    assert "Choose why" in none.content.decode()
    assert desk.client.post(url(desk, row, "escalate/"), {"grounds": ["threat"]}).status_code == 302
    page = desk.client.get(url(desk, row)).content.decode()
    assert "Went to the manager: threatens somebody." in page
    assert desk.client.post(url(desk, row, "escalate/"), {"grounds": ["overdue"]}).status_code == 422


def test_what_passes_its_target_goes_higher_once(desk: Any) -> None:
    row = complaint(desk)
    done = complaint(desk, "done", patient=None)
    with inside(desk.practice):
        complaints.resolve(complaint=done, resolution="Said sorry.", by=an_actor(desk.dana))
    with time_machine.travel(row.target_at + dt.timedelta(minutes=1)):
        watch_promises_everywhere()
        watch_promises_everywhere()
    with inside(desk.practice):
        assert Complaint.objects.get(pk=row.pk).grounds == ["overdue"]
        assert Complaint.objects.get(pk=done.pk).grounds == []
        assert AuditEntry.objects.filter(verb="complaint.escalated").count() == 1
    assert len([mail for mail in mails(desk) if "needs the manager" in mail.subject]) == 1


@pytest.mark.parametrize(
    ("text", "grounds"),
    [
        ("I will call my lawyer", ["legal"]),
        ("Voy a hablar con mi abogada", ["legal"]),
        ("I will come down there and hurt you", ["threat"]),
        ("This goes on Facebook, and I am suing", ["legal", "public"]),
        ("They gave me the wrong medication", ["clinical"]),
        ("I waited an hour and nobody cared", []),
        ("My issue is with parking", []),
    ],
)
def test_words_propose_grounds(text: str, grounds: list[str]) -> None:
    assert sorted(grounds_in(text)) == grounds


def test_emergency_words_are_known() -> None:
    assert speaks_of_emergency("I can't breathe")
    assert not speaks_of_emergency("I can't find parking")


def test_the_list_asks_as_much_for_thirty_as_for_one(desk: Any, django_assert_num_queries: Any) -> None:
    def look() -> None:
        assert desk.client.get(f"/p/{desk.practice.slug}/complaints/").status_code == 200

    complaint(desk)
    look()  # the first one opens the session
    with CaptureQueriesContext(connection) as one:
        look()
    for number in range(29):
        complaint(desk, f"more {number}", patient=a_patient(desk.practice, f"P{number}"))
    with django_assert_num_queries(len(one)):
        look()
    with inside(desk.practice), django_assert_num_queries(1):
        assert len({row.patient.family for row in complaints.open_ones() if row.patient}) == 1


def a_promise(desk: Any, minutes: int, key: uuid.UUID | None = None) -> Task:
    with inside(desk.practice):
        return promises.promise(
            patient=desk.patient, words="Call her about the bill.", owner=desk.dana.user,
            by_when=timezone.now() + dt.timedelta(minutes=minutes), key=key or uuid.uuid4(),
            by=an_actor(desk.dana),
        )  # fmt: skip


def test_a_promise_is_a_timed_task_and_stands_under_know_first(desk: Any) -> None:
    key = uuid.uuid4()
    task = a_promise(desk, 90, key)
    assert a_promise(desk, 90, key).pk == task.pk
    with inside(desk.practice):
        (flag,) = PatientFlag.objects.all()
    assert flag.kind == "promise"
    assert flag.words.startswith("Dana promised by ")


@pytest.mark.parametrize("minutes", [-5, 0, 61 * 24 * 60])
def test_nobody_promises_a_time_that_cannot_be_kept(desk: Any, minutes: int) -> None:
    with pytest.raises(promises.PromiseRefused):
        a_promise(desk, minutes)


def test_a_promise_rises_before_it_breaks_also_when_it_was_put_off(desk: Any) -> None:
    task = a_promise(desk, 45)
    with inside(desk.practice):
        Task.objects.filter(pk=task.pk).update(snoozed_until=task.due_at)
    watch_promises_everywhere()
    with inside(desk.practice):
        assert needs_you(desk.practice, viewer=desk.dana.user) == []
    with time_machine.travel(task.due_at - dt.timedelta(minutes=29)):
        watch_promises_everywhere()
        with inside(desk.practice):
            (row,) = needs_you(desk.practice, viewer=desk.dana.user)
    assert "due in 2" in row.text
    with inside(desk.practice):
        assert Task.objects.get().urgency == Task.Urgency.SOON


def test_a_promise_about_to_break_stands_before_what_is_unanswered(desk: Any) -> None:
    a_promise(desk, 20)
    with inside(desk.practice):
        Task.objects.create(
            practice=desk.practice, kind="answer", due_at=timezone.now() + dt.timedelta(minutes=1),
            patient=desk.patient, once_key="answer:x",
        )  # fmt: skip
        rows = needs_you(desk.practice, viewer=desk.dana.user)
    assert rows[0].title == "Promised to Marisol Vega"
