"""What waited for a person before there were threads has one after the migration."""

import importlib
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction

from messaging.models import Conversation, Message, Task
from practices.tenancy import inside
from tests.factories import a_patient, a_practice

pytestmark = pytest.mark.django_db(transaction=True)

step: Any = importlib.import_module("messaging.migrations.0009_threads_of_what_waits")


def came(practice: Any, body: str, index: str, **more: Any) -> Message:
    fields = {"direction": "in", "channel": "sms", "kind": "inbound", "status": "received"}
    fields |= {"address": "+15035550111", "address_index": index, "needs_person": True} | more
    with inside(practice):
        return Message.objects.create(practice=practice, body=body, idempotency_key=body, **fields)


def migrate() -> None:
    with transaction.atomic(), connection.schema_editor() as editor:
        step.write_threads(apps, editor)


def test_what_waits_gets_one_thread_each_and_nothing_else_does(practice):
    patient, other = a_patient(practice), a_practice("elm")
    came(practice, "first", "a1", patient=patient)
    came(practice, "chest  pain\nagain", "a1", patient=patient)
    came(practice, "who are you", "b2")
    came(practice, "dealt with", "c3", handled_at="2026-11-01T10:00Z")
    came(practice, "yes", "d4", needs_person=False)
    came(other, "next door", "b2")
    with inside(practice):
        Task.objects.create(
            practice=practice, kind="answer", urgency=0, due_at="2026-11-01T10:00Z", once_key="answer:a1"
        )
    migrate()
    migrate()  # twice is once
    with inside(practice):
        known, stranger = Conversation.objects.order_by("urgency")
        assert (known.patient, known.last_line, known.urgency) == (patient, "chest pain again", 0)
        assert (known.state, known.address, known.address_index) == ("needs-action", "", "")
        assert known.needs_since < known.last_in_at == known.last_at
        assert (stranger.patient, stranger.address_index) == (None, "b2")
        assert (stranger.address, stranger.urgency) == ("+15035550111", 2)
        assert set(Conversation.objects.to_do()) == {known, stranger}
    with inside(other):
        assert Conversation.objects.get().last_line == "next door"


def test_a_thread_that_is_there_stays_as_it_is(practice):
    patient = a_patient(practice)
    came(practice, "first", "a1", patient=patient)
    with inside(practice):
        Conversation.objects.create(practice=practice, patient=patient, state="done", last_line="kept")
    migrate()
    with inside(practice):
        assert Conversation.objects.get().last_line == "kept"
