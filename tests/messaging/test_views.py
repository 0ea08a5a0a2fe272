"""The conversation page and the buttons around it."""

import datetime as dt
import uuid

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging import inbox
from messaging.models import Message, Task
from messaging.staff_tasks import open_task
from practices.audit import SYSTEM
from practices.models import AccessEvent
from practices.tenancy import inside
from tests.factories import a_member, a_practice, a_user
from tests.messaging.conftest import PHONE, a_text, a_texting_patient

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.messaging.urls")]


@pytest.fixture(autouse=True)
def no_handlers(settings):
    settings.REPLY_HANDLERS = []
    # The shell's own links belong to the apps above.
    (engine,) = settings.TEMPLATES
    processors = [
        name for name in engine["OPTIONS"]["context_processors"] if not name.startswith("frontdesk")
    ]
    # A copy: what is changed in place stays changed for every later test.
    settings.TEMPLATES = [{**engine, "OPTIONS": {**engine["OPTIONS"], "context_processors": processors}}]


@pytest.fixture
def dana(practice):
    member = a_member(practice)
    client = Client()
    client.force_login(member.user)
    return client


def url(practice, name, **kwargs):
    return reverse(name, kwargs={"practice": practice.slug} | kwargs)


def thread(practice, patient):
    return url(practice, "patient-messages", patient_id=patient.pk)


def test_the_thread_tells_what_became_of_each_message(practice, patient, dana):
    for fate in (
        {"status": "delivered", "sent_at": timezone.now()},
        {"status": "failed", "reason": "landline"},
        {"status": "suppressed", "reason": "no_consent"},
        {"status": "uncertain", "claimed_until": timezone.now()},
    ):
        message = a_text(practice, patient)
        with inside(practice):
            Message.objects.filter(pk=message.pk).update(**fate)
    with inside(practice):
        inbox.receive(supplier_id="SM1", from_=PHONE, body="No")
    page = dana.get(thread(practice, patient)).content.decode()
    for words in ("Delivered ", "Not delivered: landline", "Not sent: no consent to texts", "Checking with",
                  "Read automatically: No. Waits for an answer", "Undo", "Marisol Vega"):  # fmt: skip
        assert words in page
    with inside(practice):
        assert AccessEvent.objects.get(screen="messages").patient_ids == [patient.pk]


@pytest.mark.parametrize("name", ["message-handled", "message-undo-reading", "message-opt-out"])
def test_the_buttons_of_a_message(practice, patient, dana, name):
    with inside(practice):
        message = inbox.receive(supplier_id="SM1", from_=PHONE, body="no")
    answer = dana.post(url(practice, name, message_id=message.pk), {"decision": "stop"})
    assert answer.status_code == 302
    with inside(practice):
        message.refresh_from_db()
    assert bool(message.handled_at) is (name != "message-undo-reading")
    assert bool(message.reading_undone_at) is (name == "message-undo-reading")


def a_task(practice):
    with inside(practice):
        return open_task(kind="call", due_at=timezone.now(), once_key="call:1", by=SYSTEM)


def test_a_task_is_done_put_off_and_handed_over(practice, dana):
    task, mira = a_task(practice), a_user("mira@frontdesk.example")
    a_member(practice, mira)
    assert dana.post(url(practice, "task-snooze", task_id=task.pk), {"minutes": "30"}).status_code == 302
    due = practice.now() + dt.timedelta(days=1)
    target = url(practice, "task-owner", task_id=task.pk)
    assert dana.get(target).status_code == 200
    answer = dana.post(
        target, {"owner": mira.pk, "due_at": f"{due:%Y-%m-%dT%H:%M}", "next": "//evil.example"}
    )
    assert answer.status_code == 302
    assert "evil" not in answer["Location"]
    with inside(practice):
        task.refresh_from_db()
    assert (task.owner, task.snoozed_until) == (mira, None)
    assert task.due_at == due.replace(second=0, microsecond=0)
    assert dana.post(url(practice, "task-done", task_id=task.pk), {"outcome": "called"}).status_code == 302
    with inside(practice):
        task.refresh_from_db()
    assert (task.outcome, task.done_by.email) == ("called", "dana@frontdesk.example")


def test_a_hand_over_into_the_past_or_to_a_stranger_is_refused(practice, dana):
    task, stranger = a_task(practice), a_user("stranger@frontdesk.example")
    answer = dana.post(
        url(practice, "task-owner", task_id=task.pk), {"owner": stranger.pk, "due_at": "2020-01-01T09:00"}
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This time has passed" in page
    assert "Choose who takes this." in page


def test_a_hand_over_beyond_a_year_is_refused(practice, dana):
    task = a_task(practice)
    given = {"owner": "", "due_at": "9999-12-31T23:59"}
    answer = dana.post(url(practice, "task-owner", task_id=task.pk), given)
    assert "more than a year away" in answer.content.decode()


@pytest.mark.parametrize("private", [False, True])
def test_the_hand_over_shows_a_patient_as_wished_and_writes_it_down(practice, patient, private):
    member = a_member(practice)
    member.user.privacy_mode = private
    member.user.save()
    client = Client()
    client.force_login(member.user)
    with inside(practice):
        task = open_task(kind="call", due_at=timezone.now(), once_key="c", patient=patient, by=SYSTEM)
    page = client.get(url(practice, "task-owner", task_id=task.pk)).content.decode()
    assert (patient.full_name in page) is not private
    with inside(practice):
        assert AccessEvent.objects.get(screen="task").patient_ids == [patient.pk]


def test_another_practices_rows_are_not_there(practice, dana):
    other = a_practice("cedar-park")
    foreign = a_texting_patient(other)
    with inside(other):
        message = inbox.receive(supplier_id="SM1", from_=PHONE, body="hello")
        task = Task.objects.get()
    for name, kwargs in (
        ("message-handled", {"message_id": message.pk}),
        ("message-undo-reading", {"message_id": message.pk}),
        ("message-opt-out", {"message_id": message.pk}),
        ("task-done", {"task_id": task.pk}),
        ("task-owner", {"task_id": task.pk}),
        ("task-snooze", {"task_id": task.pk}),
    ):
        assert dana.post(url(practice, name, **kwargs), {"body": "x"}).status_code == 404
        assert dana.post(url(other, name, **kwargs), {"body": "x"}).status_code == 404
    assert dana.get(url(practice, "message-answer", message_id=message.pk)).status_code == 404
    assert dana.get(thread(practice, foreign)).status_code == 404
    assert dana.get(url(practice, "patient-messages", patient_id=uuid.uuid4())).status_code == 404
