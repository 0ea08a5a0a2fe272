"""What ends a row of “Needs you”, and who does not see one."""

import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from frontdesk.queue import needs_you
from messaging import complaints, conversations, opt_outs
from messaging.call_endings import nobody_answered
from messaging.models import Conversation, Suppression, Task
from messaging.staff_messages import finish, take_message
from practices.audit import SYSTEM
from practices.models import Role
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, a_user, an_actor
from tests.messaging.conftest import PHONE
from tests.messaging.test_calls import ring


@pytest.fixture
def desk(db: Any) -> SimpleNamespace:
    practice = a_practice()
    dana = a_member(practice)
    ama = a_member(practice, a_user("ama@frontdesk.example"), Role.CLINICIAN)
    return SimpleNamespace(practice=practice, dana=dana, ama=ama, patient=a_patient(practice))


def client_of(member: Any) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def done(desk: SimpleNamespace, task: Task) -> Any:
    url = f"/p/{desk.practice.slug}/tasks/{task.pk}/done/"
    return client_of(desk.dana).post(url, headers={"HX-Request": "true"})


def a_complaint(desk: SimpleNamespace) -> Any:
    with inside(desk.practice):
        return complaints.open_complaint(
            patient=desk.patient, what_happened="Waited.", once_key=str(uuid.uuid4()), by=an_actor(desk.dana)
        )


def test_a_staff_message_is_not_lost_by_ending_its_row(desk: SimpleNamespace) -> None:
    with inside(desk.practice):
        message = take_message(kind="other", body="Call Leo.", once_key="one", by=an_actor(desk.dana))
        task = Task.objects.get(kind="staff-message")
    answer = done(desk, task)
    assert "write what came of it" in answer["HX-Trigger"]
    with inside(desk.practice):
        assert Task.objects.open().filter(pk=task.pk).exists()
        finish(message=message, outcome="Called.", by=an_actor(desk.dana))
        assert not Task.objects.open().exists()


def test_nor_is_a_complaint(desk: SimpleNamespace) -> None:
    a_complaint(desk)
    with inside(desk.practice):
        task = Task.objects.get(kind="complaint")
    done(desk, task)
    with inside(desk.practice):
        assert Task.objects.open().filter(pk=task.pk).exists()


def test_a_missed_call_that_was_dealt_with_waits_in_the_inbox_no_longer(desk: SimpleNamespace) -> None:
    call = ring(desk.practice, number="+15035550177")
    with inside(desk.practice):
        nobody_answered(call, 60)
        task = Task.objects.get(kind="missed-call")
        assert Conversation.objects.get().state == conversations.State.NEEDS_ACTION
    done(desk, task)
    with inside(desk.practice):
        assert not Task.objects.open().exists()
        assert Conversation.objects.get().state == conversations.State.DONE


def test_complaints_are_no_rows_of_a_clinician(desk: SimpleNamespace) -> None:
    row = a_complaint(desk)
    with inside(desk.practice):
        Task.objects.filter(kind="complaint").update(due_at=timezone.now())
    page = f"/p/{desk.practice.slug}/queue/"
    link = f"/complaints/{row.pk}/"
    assert link in client_of(desk.dana).get(page).content.decode()
    hers = client_of(desk.ama).get(page).content.decode()
    assert link not in hers
    assert "Complaint of" not in hers
    for part in ("panel", "rows"):
        assert link not in client_of(desk.ama).get(f"{page}?fragment={part}").content.decode()
    assert link not in client_of(desk.ama).get(f"/p/{desk.practice.slug}/today/").content.decode()


@pytest.mark.parametrize(("label", "source"), [("Messages go on", None), ("No more messages", "staff")])
def test_a_person_decides_what_a_voicemail_meant(
    desk: SimpleNamespace, label: str, source: str | None
) -> None:
    """Until then texts rest; no other door would let them go on."""
    with inside(desk.practice):
        opt_outs.heard(text="Please stop texting me.", channel="call", address=PHONE, by=SYSTEM)
        assert Suppression.objects.filter(lifted_at=None, source="possible").count() == 2
        (row,) = needs_you(desk.practice)
    (step,) = [one for one in row.more if one.label == label] or [
        SimpleNamespace(url=row.action_url, values=row.values)
    ]
    client_of(desk.dana).post(step.url, dict(step.values), headers={"HX-Request": "true"})
    with inside(desk.practice):
        left = set(Suppression.objects.filter(lifted_at=None).values_list("source", flat=True))
        assert left == ({source} if source else set())
        assert needs_you(desk.practice) == []
