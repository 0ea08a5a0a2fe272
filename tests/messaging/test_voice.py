"""Whole calls over HTTP: the real client, a live server, a pretend supplier that follows our documents."""

import datetime as dt
from typing import Any

import pytest

from messaging import calls, delivery, recordings, telephone
from messaging.models import Call, Conversation, DeskRules, Message, Recording, Task
from patients.models import Consent, Patient
from practices.models import Practice
from practices.tenancy import inside
from tests.messaging.conftest import PHONE, a_text
from tests.messaging.telephones import DANA, KIM, Desk, incoming, lines_of, open_lines, place, problems
from tests.messaging.test_calls import now
from tools.pretend_supplier.client import PretendSupplier

pytest_plugins = ["tests.messaging.telephones"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.messaging.urls")]


def test_a_call_is_answered_held_resumed_handed_over_and_ended(practice, patient, exchange, desk, kim):
    call, sid = incoming(practice, exchange)
    greeting = " ".join(exchange.the_call(sid)["heard"])
    assert "Thank you for calling Harbor Street" in greeting
    assert "Gracias" not in greeting  # the number is one patient's, who speaks English

    desk(calls.answer_call, call)
    desk.when(call, lambda row: row.staff_leg_id)
    exchange.wait_for(lambda: place(exchange, sid) == "in conference")
    (room,) = exchange.conferences()
    assert (room["name"], room["status"]) == (f"fd-{call.pk}", "in-progress")

    desk(calls.hold_call, call)
    assert place(exchange, sid) == "on hold"
    desk(calls.resume_call, call)
    assert place(exchange, sid) == "in conference"

    danas = now(practice, call).staff_leg_id
    desk(calls.transfer_call, call, to=kim.user, summary="asks about a refill")
    desk.when(call, lambda row: row.staff_leg_id not in {"", danas})
    telephone.carry_out_all(practice)
    exchange.wait_for(lambda: exchange.the_call(danas)["status"] == "completed")
    row = now(practice, call)
    assert (row.status, row.handler, place(exchange, sid)) == ("live", kim.user, "in conference")

    Desk(practice, kim, exchange)(calls.end_call, call)
    exchange.wait_for(lambda: exchange.the_call(sid)["status"] == "completed")
    exchange.wait_for(lambda: not open_lines(exchange, KIM))
    exchange.settle()
    row = now(practice, call)
    assert (row.status, row.outcome) == ("wrap-up", "answered")
    assert problems(practice) == []


def test_a_second_call_takes_the_desk_phone_along(practice, patient, exchange, desk):
    """One open line of the desk phone: it moves between the callers, it does not ring again."""
    first, one = incoming(practice, exchange)
    second, two = incoming(practice, exchange, "+15035550177")
    desk(calls.answer_call, first)
    desk.when(first, lambda row: row.staff_leg_id)
    exchange.wait_for(lambda: place(exchange, one) == "in conference")
    desk(calls.answer_call, second)
    desk.when(second, lambda row: row.staff_leg_id)
    exchange.wait_for(lambda: place(exchange, two) == "in conference")
    assert place(exchange, one) == "on hold"
    assert len(lines_of(exchange, DANA)) == 1

    desk(calls.resume_call, first)
    desk.when(first, lambda row: row.staff_leg_id)
    assert (place(exchange, one), place(exchange, two)) == ("in conference", "on hold")
    assert len(lines_of(exchange, DANA)) == 1

    # She rings off in the first: the held caller waits on, and resuming rings the desk phone.
    desk(calls.end_call, first)
    exchange.wait_for(lambda: not open_lines(exchange, DANA))
    exchange.settle()
    assert (now(practice, second).status, place(exchange, two)) == ("held", "on hold")
    desk(calls.resume_call, second)
    desk.when(second, lambda row: row.staff_leg_id)
    assert (len(lines_of(exchange, DANA)), place(exchange, two)) == (2, "in conference")
    assert problems(practice) == []


def test_the_caller_rings_off_and_the_desk_phone_is_let_go(practice, patient, exchange, desk):
    call, sid = incoming(practice, exchange)
    desk(calls.answer_call, call)
    desk.when(call, lambda row: row.staff_leg_id)
    exchange.hang_up(sid)
    desk.when(call, lambda row: row.status == "wrap-up")
    telephone.carry_out_all(practice)
    exchange.wait_for(lambda: not open_lines(exchange, DANA))
    assert now(practice, call).outcome == "answered"


def test_the_desk_phone_rings_off_and_so_does_the_caller(practice, patient, exchange, desk):
    call, sid = incoming(practice, exchange)
    desk(calls.answer_call, call)
    leg = desk.when(call, lambda row: row.staff_leg_id)
    exchange.wait_for(lambda: place(exchange, sid) == "in conference")
    exchange.hang_up(leg)
    desk.when(call, lambda row: row.status == "wrap-up")
    telephone.carry_out_all(practice)
    exchange.wait_for(lambda: exchange.the_call(sid)["status"] == "completed")


def test_a_desk_phone_that_is_not_picked_up_lets_the_call_ring_again(practice, patient, exchange, desk, kim):
    exchange.set_phone(DANA, answers="busy")
    call, sid = incoming(practice, exchange)
    desk(calls.answer_call, call)
    desk.when(call, lambda row: row.status == "ringing" and row.problem)
    telephone.carry_out_all(practice)
    exchange.wait_for(lambda: place(exchange, sid) == "waiting for the practice")
    row = now(practice, call)
    assert (row.handler, row.problem) == (None, "Dana’s desk phone was not picked up.")
    Desk(practice, kim, exchange)(calls.answer_call, call)
    desk.when(call, lambda row: row.staff_leg_id)
    exchange.wait_for(lambda: place(exchange, sid) == "in conference")
    assert now(practice, call).handler == kim.user


def test_a_colleague_who_does_not_pick_up_gives_the_call_back(practice, patient, exchange, desk, dana, kim):
    exchange.set_phone(KIM, answers="busy")
    call, sid = incoming(practice, exchange)
    desk(calls.answer_call, call)
    desk.when(call, lambda row: row.staff_leg_id)
    desk(calls.transfer_call, call, to=kim.user, summary="")
    row = desk.when(call, lambda row: row.handler == dana.user and row)
    assert (row.status, row.problem) == ("live", "Kim did not pick up. The caller is still with you.")
    exchange.wait_for(lambda: place(exchange, sid) == "in conference")


def test_a_caller_who_was_gone_when_somebody_answered_is_missed(practice, patient, exchange, desk):
    call, sid = incoming(practice, exchange)
    with inside(practice):
        calls.answer_call(call=call, by=desk.by)
    exchange.hang_up(sid)
    exchange.wait_for(lambda: exchange.the_call(sid)["status"] == "completed")
    telephone.carry_out_all(practice)
    row = desk.when(call, lambda row: row.status == "ended" and row)
    assert (row.outcome, row.handler, row.problem) == (
        "missed", None, "The caller rang off before you were connected.",
    )  # fmt: skip
    with inside(practice):
        assert [task.kind for task in Task.objects.open()] == ["missed-call"]
    assert not open_lines(exchange, DANA)


def test_a_caller_keeps_her_place_and_is_told_when(practice, patient, exchange, desk):
    call, sid = incoming(practice, exchange)
    at = practice.now().replace(hour=15, minute=30, second=0, microsecond=0) + dt.timedelta(days=1)
    desk(calls.keep_place, call, at=at)
    exchange.wait_for(lambda: exchange.the_call(sid)["status"] == "completed")
    assert exchange.the_call(sid)["heard"][-1] == (
        "You keep your place. We will call you back at 3:30 p.m. Goodbye."
    )
    assert now(practice, call).outcome == "call-back"


def test_nobody_answers_and_the_caller_leaves_a_message(practice, patient, exchange, desk):
    with inside(practice):
        DeskRules.objects.create(practice=practice, ring_seconds=1)
    call, sid = incoming(practice, exchange)
    exchange.wait_for(lambda: place(exchange, sid) == "recorded after the tone")
    exchange.say(sid, "I have chest pain since this morning, please call me")
    exchange.hang_up(sid)
    desk.when(call, lambda row: row.outcome == "voicemail")

    def row() -> Recording:
        with inside(practice):
            return Recording.objects.get()

    exchange.wait_for(lambda: row().transcript)
    exchange.settle()
    assert recordings.fetch_due(practice) == 1
    stored = row()
    assert (stored.state, stored.content_type, stored.next_try_at) == ("stored", "audio/mpeg", None)
    assert stored.audio
    assert stored.audio[:3] == b"ID3" or stored.audio[0] == 0xFF
    assert exchange.recordings()["deleted"] == [stored.supplier_id]
    with inside(practice):
        task = Task.objects.open().get()
        assert (task.kind, task.urgency, task.subject_id) == ("voicemail", 0, call.pk)
        thread = Conversation.objects.get()
        assert (thread.last_kind, thread.urgency, thread.state) == ("voicemail", 0, "needs-action")
        assert "chest pain" in thread.last_line
        assert Message.objects.get().kind == "missed-call"


def test_a_patient_is_called_from_the_desk(practice, patient, exchange, desk):
    exchange.set_phone(PHONE, answers="ask")
    with inside(practice):
        call = calls.dial(patient=patient, by=desk.by)
    telephone.carry_out_all(practice)
    desk.when(call, lambda row: row.status == "ringing")
    telephone.carry_out_all(practice)
    line = exchange.wait_for(lambda: [c for c in exchange.calls(PHONE) if c["status"] == "ringing"])[0]
    exchange.answer(line["sid"])
    row = desk.when(call, lambda row: row.status == "live" and row)
    assert row.supplier_id == line["sid"]
    exchange.wait_for(lambda: place(exchange, line["sid"]) == "in conference")
    desk(calls.hold_call, call)
    assert place(exchange, line["sid"]) == "on hold"
    desk(calls.resume_call, call)
    desk(calls.end_call, call)
    exchange.wait_for(lambda: not open_lines(exchange, PHONE) and not open_lines(exchange, DANA))
    assert now(practice, call).outcome == "answered"
    assert problems(practice) == []


@pytest.mark.parametrize(("answers", "outcome"), [("busy", "busy"), ("no-answer", "no-answer")])
def test_a_patient_who_is_not_reached(practice, patient, exchange, desk, answers, outcome):
    exchange.set_phone(PHONE, answers=answers)
    with inside(practice):
        call = calls.dial(patient=patient, by=desk.by)
    telephone.carry_out_all(practice)
    desk.when(call, lambda row: row.status == "ringing")
    telephone.carry_out_all(practice)
    desk.when(call, lambda row: row.outcome == outcome)
    telephone.carry_out_all(practice)
    exchange.wait_for(lambda: not open_lines(exchange, DANA))
    assert now(practice, call).status == "wrap-up"


# Automatic calls.


def an_automatic_call(practice: Practice, patient: Patient, body: str = "", **more: Any) -> Message:
    with inside(practice):
        Consent.objects.create(practice=practice, patient=patient, channel="call", granted=True, how="phone")
        point = patient.contact_points.get()
    body = body or "Hello, this is Harbor Street. You have an appointment on Tuesday at 10:30."
    return a_text(practice, patient, body, channel="call", kind="reminder", contact_point=point, **more)


def the_line(exchange: PretendSupplier) -> dict[str, Any]:
    return dict(exchange.wait_for(lambda: exchange.calls(PHONE))[0])


def message_now(practice: Practice, message: Message) -> Message:
    with inside(practice):
        return Message.objects.get(pk=message.pk)


@pytest.fixture
def handled(settings: Any) -> list[str]:
    """What the apps above were asked to do with a key."""
    settings.REPLY_HANDLERS = ["tests.messaging.test_voice.take"]
    TAKEN.clear()
    return TAKEN


TAKEN: list[str] = []


def take(message: Message, reading: str) -> bool:
    TAKEN.append(reading)
    return True


def test_key_1_of_an_automatic_call_confirms(practice, patient, exchange, handled):
    exchange.set_phone(PHONE, answers="ask")
    message = an_automatic_call(practice, patient)
    delivery.deliver_due(practice)
    sid = exchange.wait_for(lambda: the_line(exchange)["status"] == "ringing" and the_line(exchange)["sid"])
    exchange.answer(sid)
    exchange.wait_for(lambda: any("press 1" in words for words in exchange.the_call(sid)["heard"]))
    exchange.press(sid, "1")
    exchange.wait_for(lambda: exchange.the_call(sid)["status"] == "completed")
    exchange.settle()
    heard = " ".join(exchange.the_call(sid)["heard"])
    assert "Tuesday at 10:30" in heard
    assert "Marisol" not in heard
    assert "Vega" not in heard
    assert handled == ["yes"]
    assert message_now(practice, message).status == "delivered"
    with inside(practice):
        reply = Message.objects.get(direction="in")
        assert (reply.reading, reply.in_reply_to_id, reply.channel) == ("yes", message.pk, "call")


def test_key_9_of_an_automatic_call_rings_at_the_desk(practice, patient, exchange, desk):
    with inside(practice):
        DeskRules.objects.create(practice=practice, record_calls=True)
    exchange.set_phone(PHONE, answers="ask", presses="9")
    message = an_automatic_call(practice, patient)
    delivery.deliver_due(practice)
    sid = exchange.wait_for(lambda: the_line(exchange)["status"] == "ringing" and the_line(exchange)["sid"])
    exchange.answer(sid)
    if not any("press 9" in words for words in exchange.the_call(sid)["heard"]):
        exchange.wait_for(lambda: any("press 9" in words for words in exchange.the_call(sid)["heard"]))
    if place(exchange, sid) != "waiting for the practice":
        exchange.press(sid, "9")
    exchange.wait_for(lambda: place(exchange, sid) == "waiting for the practice")
    with inside(practice):
        call = Call.objects.get()
        assert (call.status, call.message_id, call.patient, call.direction) == (
            "ringing", message.pk, patient, "in",
        )  # fmt: skip
    desk(calls.answer_call, call)
    desk.when(call, lambda row: row.staff_leg_id)
    exchange.wait_for(lambda: place(exchange, sid) == "in conference")
    # No greeting said it to her: she is told before she is recorded.
    assert "may be recorded" in " ".join(exchange.the_call(sid)["heard"])
    exchange.hang_up(sid)
    desk.when(call, lambda row: row.status == "wrap-up")
    assert message_now(practice, message).status == "delivered"


@pytest.mark.parametrize("silent", [False, True])
def test_a_machine_hears_practice_and_number_and_no_more(practice, patient, exchange, silent):
    with inside(practice):
        Patient.objects.filter(pk=patient.pk).update(no_voicemail=silent)
    exchange.set_phone(PHONE, answers="machine")
    message = an_automatic_call(practice, patient)
    delivery.deliver_due(practice)
    exchange.wait_for(lambda: the_line(exchange)["status"] == "completed")
    exchange.settle()
    heard = the_line(exchange)["heard"]
    if silent:
        assert heard == []
    else:
        (words,) = heard
        assert words.startswith("This is Harbor Street. Please call us at (503) 555-")
        assert "appointment" not in words
    assert message_now(practice, message).status == "undelivered"


def test_words_that_name_the_patient_wait_for_a_key(practice, patient, exchange, handled):
    exchange.set_phone(PHONE, answers="ask")
    an_automatic_call(practice, patient, "Hello Marisol Vega, you have an appointment on Tuesday.")
    delivery.deliver_due(practice)
    sid = exchange.wait_for(lambda: the_line(exchange)["status"] == "ringing" and the_line(exchange)["sid"])
    exchange.answer(sid)
    exchange.wait_for(lambda: exchange.the_call(sid)["heard"])
    assert "Marisol" not in " ".join(exchange.the_call(sid)["heard"])
    exchange.press(sid, "1")
    exchange.wait_for(lambda: any("Marisol" in words for words in exchange.the_call(sid)["heard"]))
    exchange.press(sid, "2")
    exchange.wait_for(lambda: exchange.the_call(sid)["status"] == "completed")
    assert handled == ["new-time"]
