"""Two things at the same instant: neither is lost, and the database never has to choose a victim."""

import datetime as dt
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from messaging import call_events, calls, conversations, inbox
from messaging.closing import close_conversation
from messaging.models import Call, CallCommand, Conversation, Message, Task
from messaging.writing import send
from patients.models import Patient
from practices.models import Practice
from practices.tenancy import inside
from tests.factories import a_member, an_actor
from tests.messaging.conftest import PHONE
from tests.messaging.test_calls import at_desk, ring, together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def by(practice: Practice) -> Any:
    return an_actor(a_member(practice))


@pytest.fixture
def slow_thread(monkeypatch: Any) -> threading.Event:
    """Whoever brings something in holds its task and is slow to tell the thread; the event says when."""
    at_the_thread, touch = threading.Event(), conversations.touch

    def slowly(**said: Any) -> Conversation:
        if said["from_them"]:
            at_the_thread.set()
            time.sleep(0.5)
        return touch(**said)

    monkeypatch.setattr(conversations, "touch", slowly)
    return at_the_thread


def wrote(practice: Practice, body: str) -> Message | None:
    with inside(practice):
        return inbox.receive(supplier_id=f"SM{uuid.uuid4()}", from_=PHONE, body=body)


def answered(thread: Conversation, by: Any) -> Any:
    return send(thread=thread, channel="sms", body="Yes, do.", language="en", key="once", by=by)


def answered_by_row(thread: Conversation, by: Any) -> Any:
    first = Message.objects.filter(direction="in").earliest("created_at")
    return inbox.answer_message(message=first, body="Yes, do.", key="once", by=by)


def given(thread: Conversation, by: Any) -> Any:
    return conversations.assign(thread=thread, owner=by.user, by=by)


def put_off(thread: Conversation, by: Any) -> Any:
    until = conversations.timezone.now() + dt.timedelta(hours=2)
    return conversations.put_off(thread=thread, until=until, by=by)


def closed(thread: Conversation, by: Any) -> Any:
    return close_conversation(thread=thread, by=by)


@pytest.mark.parametrize("verb", [answered, answered_by_row, given, put_off, closed])
def test_a_text_that_arrives_while_a_person_works_on_the_thread_is_not_lost(
    practice: Practice,
    patient: Patient,
    by: Any,
    settings: Any,
    slow_thread: threading.Event,
    verb: Callable[..., Any],
) -> None:
    settings.REPLY_HANDLERS = []
    wrote(practice, "Could I come by?")
    slow_thread.clear()

    def meanwhile() -> Any:
        assert slow_thread.wait(5)
        with inside(practice):
            return verb(Conversation.objects.get(patient=patient), by)

    text, done = together([lambda: wrote(practice, "With my mother?"), meanwhile])
    assert isinstance(text, Message), text
    assert not isinstance(done, Exception), done
    with inside(practice):
        assert Message.objects.filter(direction="in").count() == 2
        assert Task.objects.filter(kind="answer").count() == 1


def test_a_desk_phone_that_rings_off_does_not_stand_in_the_way_of_its_order(
    practice: Practice, patient: Patient
) -> None:
    """The worker that stores what came of an order holds the call, and then its order."""
    dana = at_desk(practice, "dana@x.example")
    call = ring(practice)
    with inside(practice):
        calls.answer_call(call=call, by=dana)
        command = CallCommand.objects.get()
    held = threading.Event()

    def stored() -> None:
        with inside(practice):
            assert call_events.find(call.pk) is not None
            held.set()
            time.sleep(0.5)
            CallCommand.objects.filter(pk=command.pk).update(status="done")

    def rang_off() -> None:
        assert held.wait(5)
        with inside(practice):
            call_events.leg_ended(command.pk, "CAleg", "busy")

    assert together([stored, rang_off]) == [None, None]
    with inside(practice):
        assert Call.objects.get().status == "ringing"
        assert CallCommand.objects.get(pk=command.pk).leg_id == "CAleg"


def test_whoever_picks_up_a_call_that_is_handed_to_her_speaks_with_one_caller(practice: Practice) -> None:
    dana = at_desk(practice, "dana@x.example")
    kim = at_desk(practice, "kim@x.example", "+15035550902")
    hers, handed = ring(practice, "CA1", "+15035550171"), ring(practice, "CA2", "+15035550172")
    with inside(practice):
        calls.answer_call(call=hers, by=kim)
        calls.answer_call(call=handed, by=dana)
        calls.transfer_call(call=handed, to=kim.user, summary="", by=dana)
        command = CallCommand.objects.get(verb="transfer")
        assert call_events.leg_joined(command.pk, "CAkim") is not None
        states = {call.supplier_id: call.status for call in Call.objects.of(kim.user)}
    assert states == {"CA1": "held", "CA2": "live"}
