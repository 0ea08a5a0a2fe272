"""What is said becomes a row in the caller's transaction, once, and only if it may be said."""

import datetime as dt
import threading

import kombu
import pytest
import time_machine
from celery import current_app
from django.db import connections, transaction
from django.utils import timezone

from messaging import outbox
from messaging.models import Message, Suppression
from messaging.outbox import send_now, withdraw_messages
from practices import changes
from practices.audit import SYSTEM
from practices.models import AuditEntry
from practices.tenancy import inside
from tests.factories import a_patient, a_practice, a_user
from tests.messaging.conftest import PHONE, a_text, a_texting_patient, agree, stored, the_phone

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_message_is_one_row_of_the_callers_transaction(practice, patient):
    def book_and_fail() -> None:
        with inside(practice):
            a_text(practice, patient)
            raise RuntimeError("the booking failed after all")

    with pytest.raises(RuntimeError):
        book_and_fail()
    with inside(practice):
        assert not Message.objects.exists()


def test_the_same_key_returns_the_first_row(practice, patient):
    first = a_text(practice, patient, "one", idempotency_key="confirmation:7:1")
    second = a_text(practice, patient, "two", idempotency_key="confirmation:7:1")
    assert (first.pk, second.body) == (second.pk, "one")
    with inside(practice):
        assert AuditEntry.objects.filter(verb="message.queued").count() == 1


def test_the_same_key_at_the_same_time_makes_one_row(practice, patient):
    barrier, found = threading.Barrier(8), []

    def say() -> None:
        barrier.wait()
        found.append(a_text(practice, patient, idempotency_key="once").pk)
        connections.close_all()

    threads = [threading.Thread(target=say) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_without_consent_nothing_goes_and_the_row_says_so(practice):
    patient = a_patient(practice, phone=PHONE)
    message = a_text(practice, patient)
    assert (message.status, message.reason) == ("suppressed", "no_consent")
    agree(practice, patient)
    assert a_text(practice, patient).status == "queued"
    agree(practice, patient, granted=False)
    assert a_text(practice, patient).reason == "no_consent"


def test_consent_to_texts_is_none_to_mail(practice, patient):
    with inside(practice):
        patient.contact_points.create(practice=practice, system="email", value="m@example.org")
    assert a_text(practice, patient, channel="email").reason == "no_consent"


def test_the_dead_the_silent_and_the_unreachable_get_nothing(practice, patient):
    with inside(practice):
        Suppression.objects.create(
            practice=practice,
            channel="sms",
            address_index=the_phone(practice, patient).value_index,
            source="text",
        )
    assert a_text(practice, patient).reason == "opted_out"
    assert a_text(practice, a_texting_patient(practice, "", given="No phone")).reason == "no_address"
    dead = a_texting_patient(practice, "+15035550143", given="Gone", deceased=True)
    assert a_text(practice, dead).reason == "deceased"


def test_a_brief_to_a_colleague_needs_no_consent(practice):
    message = a_text(practice, None, channel="email", kind="brief", staff=a_user("osei@frontdesk.example"))
    assert (message.status, message.address) == ("queued", "osei@frontdesk.example")


@pytest.mark.parametrize(
    ("asked", "leaves"),
    [
        ("2026-06-10 07:59:59", "2026-06-10 08:00"),
        ("2026-06-10 08:00:00", "2026-06-10 08:00"),
        ("2026-06-10 20:59:59", "2026-06-10 20:59:59"),
        ("2026-06-10 21:00:00", "2026-06-11 08:00"),
        ("2026-06-11 00:30:00", "2026-06-11 08:00"),
        ("2026-10-31 23:00:00", "2026-11-01 08:00"),  # the night with two one o'clocks
    ],
)
def test_quiet_hours_move_a_message_to_the_morning(asked, leaves):
    practice = a_practice("cedar-park", time_zone="America/Chicago")
    patient = a_texting_patient(practice)

    def local(text: str) -> dt.datetime:
        return dt.datetime.fromisoformat(text).replace(tzinfo=practice.zone)

    with time_machine.travel(local("2026-06-10 06:00")):
        assert a_text(practice, patient, send_after=local(asked)).send_after == local(leaves)
        kept = a_text(practice, patient, send_after=local(asked), ignores_quiet_hours=True)
        assert kept.send_after == local(asked)


def test_withdrawing_takes_back_only_what_waits(practice, patient):
    waiting, sent = a_text(practice, patient), a_text(practice, patient)
    with inside(practice):
        Message.objects.filter(pk=sent.pk).update(status="sent")
        count = withdraw_messages(messages=Message.objects.all(), reason="moved", by=SYSTEM)
    assert count == 1
    assert (stored(practice, waiting).status, stored(practice, waiting).reason) == ("cancelled", "moved")
    assert stored(practice, sent).status == "sent"


def test_send_now_brings_a_message_forward(practice, patient):
    later = a_text(practice, patient, send_after=timezone.now() + dt.timedelta(hours=3))
    with inside(practice):
        assert send_now(message=later, by=SYSTEM).send_after <= timezone.now()


def test_a_due_message_wakes_a_worker_after_the_commit(practice, patient, monkeypatch):
    calls: list[tuple[str, object]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **_: calls.append((name, args)))
    with transaction.atomic():
        a_text(practice, patient)
        assert calls == []
    assert calls == [("messaging.tasks.deliver_due", [practice.pk])]
    a_text(practice, patient, send_after=timezone.now() + dt.timedelta(minutes=3))
    assert len(calls) == 1


@pytest.mark.parametrize("error", [kombu.exceptions.OperationalError("gone"), ConnectionRefusedError()])
def test_a_broker_that_is_away_does_not_touch_the_booking(practice, patient, monkeypatch, error):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(current_app, "send_task", fail)
    assert stored(practice, a_text(practice, patient)).status == "queued"


def test_a_dead_broker_address_is_survived_in_reality(practice, patient, monkeypatch, caplog):
    from celery import Celery

    dead = Celery(broker="redis://127.0.0.1:1/0", set_as_current=False)
    monkeypatch.setattr(outbox, "current_app", dead)
    away = changes.impatient("redis://127.0.0.1:1/0")
    monkeypatch.setattr(changes, "client", lambda: away)
    assert stored(practice, a_text(practice, patient)).status == "queued"
    assert "broker is away" in caplog.text
