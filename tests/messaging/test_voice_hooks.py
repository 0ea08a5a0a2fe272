"""The supplier's doors for calls: only what it signed, each report once, in any order."""

import itertools
import uuid
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from messaging import call_endings, calls
from messaging.models import (
    Call,
    CallCommand,
    Conversation,
    DeskRules,
    Message,
    Recording,
    Task,
    WebhookReceipt,
)
from patients.models import Patient
from practices.audit import Actor
from practices.models import AuditEntry, Practice, PracticeCard
from practices.tenancy import inside
from tests.factories import a_patient, a_practice
from tests.messaging.conftest import PHONE
from tests.messaging.test_calls import at_desk, now, ring, together

pytest_plugins = ["tests.messaging.telephones"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.messaging.urls")]

TOKEN, BASE = "a-token-of-the-house", "https://desk.example"
TAPE = "RE" + "0123456789abcdef" * 2
MANY = hypothesis_settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(autouse=True)
def house(settings: Any) -> None:
    settings.TWILIO_AUTH_TOKEN, settings.PUBLIC_URL = TOKEN, BASE
    settings.REPLY_HANDLERS = []


def url_of(practice: Practice, tail: str) -> str:
    return f"/hooks/twilio/{practice.slug}/voice/{tail}"


def post(practice: Practice, tail: str, form: dict[str, Any], signed: str | None = None) -> Any:
    url = url_of(practice, tail)
    right = str(RequestValidator(TOKEN).compute_signature(BASE + url, form))
    return Client().post(url, form, headers={"X-Twilio-Signature": right if signed is None else signed})


def caller(practice: Practice, sid: str = "CA1", **more: str) -> dict[str, str]:
    line = str(practice.line_number)
    return {"CallSid": sid, "From": PHONE, "To": line, "Direction": "inbound", "CallStatus": "ringing"} | more


def verbs(answer: Any) -> list[str]:
    """The verbs of a document."""
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/xml")
    return [element.tag for element in ElementTree.fromstring(answer.content)]  # noqa: S314


def everything(practice: Practice) -> dict[str, int]:
    with inside(practice):
        models = (Call, CallCommand, Message, Task, Recording, Conversation, WebhookReceipt, AuditEntry)
        return {model.__name__: model.objects.count() for model in models}


def doors(call: Call, message: uuid.UUID) -> list[str]:
    own = ("status", "wait", "waited", "again", "joins", "left", "conference", "recorded", "recording")
    more = ("transcribed", "call-back", "leg", "leg-status")
    of_call = [f"{name}/{call.pk}/" for name in (*own, *more)]
    of_message = [f"message/{message}/{tail}" for tail in ("", "opening/", "key/", "status/")]
    return ["received/", "status/", *of_call, *of_message]


def test_every_door_wants_the_supplier_s_signature(practice, patient):
    call = ring(practice)
    before = everything(practice)
    form = caller(practice, "CA2", CallStatus="completed", RecordingSid=TAPE, RecordingDuration="9")
    for tail in doors(call, uuid.uuid4()):
        right = str(RequestValidator(TOKEN).compute_signature(BASE + url_of(practice, tail), form))
        assert post(practice, tail, form, "").status_code == 403, tail
        assert post(practice, tail, form, "bm90IGEgc2lnbmF0dXJl").status_code == 403, tail
        assert post(practice, tail, form | {"Added": "1"}, right).status_code == 403, tail
        assert Client().post(url_of(practice, tail), form).status_code == 403, tail
        assert Client().get(url_of(practice, tail)).status_code == 405, tail
        large = Client().post(
            url_of(practice, tail), b"x" * 70_000, content_type="application/x-www-form-urlencoded"
        )
        assert large.status_code == 413, tail
    assert everything(practice) == before
    assert now(practice, call).status == "ringing"


def test_without_the_check_a_forged_call_would_ring(practice, settings):
    """The control."""
    settings.SWITCHED_OFF = frozenset({"webhook-signature"})
    assert post(practice, "received/", caller(practice), "forged").status_code == 200
    assert everything(practice)["Call"] == 1


def test_a_field_sent_twice_is_read_as_it_was_signed(practice):
    """The validator signs each value once; a second value that was not signed is refused."""
    form = caller(practice)
    right = str(RequestValidator(TOKEN).compute_signature(BASE + url_of(practice, "received/"), form))
    twice = {**form, "From": [PHONE, "+15035550199"]}
    answer = Client().post(url_of(practice, "received/"), twice, headers={"X-Twilio-Signature": right})
    assert answer.status_code == 403
    assert everything(practice)["Call"] == 0


def test_a_number_that_is_not_ours_and_an_unknown_call_have_nothing(practice):
    before = everything(practice)
    for form in (caller(practice, To="+15035559999"), caller(practice, CallSid="")):
        answer = post(practice, "received/", form)
        assert verbs(answer) == []
        assert post(practice, "status/", form | {"CallStatus": "completed"}).status_code == 204
    for name in ("wait", "joins", "recorded", "status", "transcribed"):
        answer = post(practice, f"{name}/{uuid.uuid4()}/", caller(practice, RecordingSid=TAPE))
        assert verbs(answer) == []
    assert verbs(post(practice, f"leg/{uuid.uuid4()}/", caller(practice))) == ["Hangup"]
    assert verbs(post(practice, f"message/{uuid.uuid4()}/", caller(practice))) == ["Hangup"]
    assert everything(practice) == before


def test_a_call_of_another_practice_is_unknown_here(practice, patient):
    other = a_practice("cedar-park")
    call = ring(practice)
    form = caller(other, CallStatus="completed", CallDuration="200")
    assert verbs(post(other, f"status/{call.pk}/", form)) == []
    assert now(practice, call).status == "ringing"


def test_twenty_reports_at_once_are_one_call(practice, patient):
    answers = together([lambda: post(practice, "received/", caller(practice)).status_code] * 20)
    assert answers == [200] * 20
    assert everything(practice)["Call"] == 1
    with inside(practice):
        assert AuditEntry.objects.filter(verb="call.came").count() == 1


def test_garbage_in_the_fields_is_survived(practice, patient):
    long = "9" * 3_000
    form = caller(practice, "CA2", From="\u202e" + long, CallDuration=long)
    assert verbs(post(practice, "received/", form)) == ["Say", "Say", "Enqueue"]
    call = ring(practice)
    for name in ("recorded", "recording", "transcribed", "waited", "left", "conference", "status"):
        broken = caller(
            practice, RecordingSid="../../secrets", RecordingDuration="-1", TranscriptionText="\x01" * 50,
            QueueResult=long, CallStatus="no such thing", CallDuration="many",
        )  # fmt: skip
        assert post(practice, f"{name}/{call.pk}/", broken).status_code == 400  # no id of the supplier's
        broken["RecordingSid"] = ""
        assert post(practice, f"{name}/{call.pk}/", broken).status_code in {200, 204}
    assert everything(practice)["Recording"] == 0
    assert now(practice, call).status == "ringing"


# What callers hear.


def spoken(answer: Any) -> list[tuple[str, str]]:
    return [
        (element.get("language") or "", element.text or "")
        for element in ElementTree.fromstring(answer.content).iter("Say")  # noqa: S314
    ]


def test_a_stranger_is_greeted_in_both_languages_and_a_patient_in_hers(practice, patient):
    words = spoken(post(practice, "received/", caller(practice, "CA1", From="+15035550177")))
    assert [language for language, _ in words] == ["en-US", "es-US"]
    assert words[1][1].startswith("Gracias por llamar a Harbor Street.")
    with inside(practice):
        Patient.objects.filter(pk=patient.pk).update(language="es")
    words = spoken(post(practice, "received/", caller(practice, "CA2")))
    assert [language for language, _ in words] == ["es-US"]


def test_the_card_s_greeting_is_spoken_and_a_recorded_call_says_so(practice):
    with inside(practice):
        PracticeCard(practice=practice, number=1, content={"greeting": "Harbor Street, hello!"}).save(
            force_insert=True
        )
        DeskRules.objects.create(practice=practice, record_calls=True)
    english = spoken(post(practice, "received/", caller(practice)))[0][1]
    assert english.startswith("Harbor Street, hello!")
    assert "9 1 1" in english
    assert "may be recorded" in english


def test_a_greeting_that_names_who_speaks_is_for_people_only(practice):
    with inside(practice):
        content = {"greeting": "Harbor Street, this is {your name}. May I have your birth date?"}
        PracticeCard(practice=practice, number=1, content=content).save(force_insert=True)
    english = spoken(post(practice, "received/", caller(practice)))[0][1]
    assert english.startswith("Thank you for calling")
    assert "your name" not in english
    assert "birth date" not in english


def test_no_caller_ever_hears_a_patient_s_name(practice, patient):
    call = ring(practice)
    for tail in doors(call, uuid.uuid4()):
        heard = post(practice, tail, caller(practice)).content.decode()
        assert "Marisol" not in heard
        assert "Vega" not in heard


# Any order, any number of times.


def shuffled(events: list[Any]) -> Any:
    """All the events in any order, some of them twice."""
    twice = st.lists(st.sampled_from(range(len(events))), max_size=4)
    return twice.flatmap(lambda more: st.permutations([*range(len(events)), *more]))


_numbers = itertools.count(1)


@MANY
@given(order=shuffled(list(range(6))), first=st.sampled_from(["received/", "status/"]))
def test_a_voicemail_ends_the_same_in_any_order(practice: Practice, order: Any, first: str) -> None:
    number = next(_numbers)
    sid, phone, tape = f"CA{number}", f"+1503559{number:04d}", f"RE{number:032x}"
    a_patient(practice, given=f"P{number}", phone=phone)
    form = caller(practice, sid, From=phone)
    done = form | {"CallStatus": "completed", "CallDuration": "140"}
    post(practice, first, done if first == "status/" else form)
    with inside(practice):
        call = Call.objects.get(supplier_id=sid)
    said = form | {"RecordingSid": tape, "RecordingDuration": "9"}
    text = {
        "RecordingSid": tape,
        "TranscriptionStatus": "completed",
        "TranscriptionText": "Chest pain since noon",
    }
    events = [
        ("received/", form),
        ("status/", done),
        (f"wait/{call.pk}/", form),
        (f"recorded/{call.pk}/", said),
        (f"recording/{call.pk}/", said | {"RecordingStatus": "completed"}),
        (f"transcribed/{call.pk}/", form | text),
    ]
    for which in order:
        assert post(practice, *events[which]).status_code in {200, 204}
    with inside(practice):
        row, tape_row = now(practice, call), Recording.objects.get(call=call)
        tasks = [(task.kind, task.urgency) for task in Task.objects.open().filter(subject_id=call.pk)]
        thread = Conversation.objects.get(patient=row.patient)
        texts = Message.objects.filter(patient=row.patient, kind="missed-call").count()
    assert (row.status, row.outcome, row.handler) == ("ended", "voicemail", None)
    assert (tape_row.transcript, tape_row.seconds) == ("Chest pain since noon", 9)
    assert tasks == [("voicemail", Task.Urgency.EMERGENCY)]
    assert (thread.last_kind, thread.state, thread.urgency) == ("voicemail", "needs-action", 0)
    assert thread.last_line == "Voicemail: Chest pain since noon"
    assert texts == 1


@MANY
@given(order=shuffled(list(range(6))))
def test_a_conversation_ends_the_same_in_any_order(practice: Practice, order: Any) -> None:
    number = next(_numbers)
    sid, leg = f"CA{number}", f"CAleg{number}"
    by = at_desk(practice, f"u{number}@x.example")
    call = ring(practice, sid, f"+1503558{number:04d}")
    with inside(practice):
        calls.answer_call(call=call, by=by)
        command = CallCommand.objects.get(call=call)
    post(practice, f"leg/{command.pk}/", {"CallSid": leg})
    form = caller(practice, sid)
    events = [
        (f"joins/{call.pk}/", form),
        (f"leg-status/{command.pk}/", {"CallSid": leg, "CallStatus": "in-progress"}),
        (f"leg-status/{command.pk}/", {"CallSid": leg, "CallStatus": "completed", "CallDuration": "61"}),
        (f"conference/{call.pk}/", form | {"StatusCallbackEvent": "participant-leave"}),
        ("status/", form | {"CallStatus": "completed", "CallDuration": "70"}),
        ("received/", form),
    ]
    for which in order:
        assert post(practice, *events[which]).status_code in {200, 204}
    row = now(practice, call)
    with inside(practice):
        ends = CallCommand.objects.filter(call=call, verb="end").count()
        open_tasks = Task.objects.open().filter(subject_id=call.pk).count()
        thread = Conversation.objects.get(address_index=row.address_index)
    assert (row.status, row.outcome, row.handler, row.staff_leg_id) == ("wrap-up", "answered", by.user, "")
    assert (ends, open_tasks, thread.last_kind) == (1, 0, "call")


@MANY
@given(order=shuffled(list(range(5))))
def test_an_outgoing_call_ends_the_same_in_any_order(practice: Practice, order: Any) -> None:
    number = next(_numbers)
    sid, leg = f"CA{number}", f"CAleg{number}"
    by = at_desk(practice, f"u{number}@x.example")
    with inside(practice):
        call = calls.dial(number=f"+1503557{number:04d}", by=by)
        command = CallCommand.objects.get(call=call)
    post(practice, f"leg/{command.pk}/", {"CallSid": leg})
    events = [
        (f"status/{call.pk}/", {"CallSid": sid, "CallStatus": "ringing"}),
        (f"status/{call.pk}/", {"CallSid": sid, "CallStatus": "in-progress"}),
        (f"joins/{call.pk}/", {"CallSid": sid}),
        (f"leg-status/{command.pk}/", {"CallSid": leg, "CallStatus": "completed"}),
        (f"status/{call.pk}/", {"CallSid": sid, "CallStatus": "completed", "CallDuration": "55"}),
    ]
    # The desk phone may ring off before the patient is reached: that is another story.
    order = [which for which in order if which != 3] + [3]
    for which in order:
        assert post(practice, *events[which]).status_code in {200, 204}
    row = now(practice, call)
    assert (row.status, row.outcome, row.supplier_id, row.staff_leg_id) == ("wrap-up", "answered", sid, "")
    assert row.answered_at is not None


@pytest.mark.parametrize(("seconds", "outcome"), [("12", "missed"), ("45", "abandoned"), ("130", "missed")])
@pytest.mark.parametrize("first", ["received/", "status/"])
def test_missed_and_abandoned_do_not_depend_on_which_report_is_first(practice, seconds, outcome, first):
    done = caller(practice, CallStatus="completed", CallDuration=seconds)
    for tail in (first, "status/", "received/"):
        post(practice, tail, done if tail == "status/" else caller(practice))
    with inside(practice):
        assert Call.objects.get().outcome == outcome


def test_a_call_of_minutes_ago_that_is_reported_again_rings_no_more(practice, patient):
    call = ring(practice)
    with inside(practice):
        call_endings.nobody_answered(call, 10)
    assert verbs(post(practice, "received/", caller(practice))) == ["Hangup"]
    assert everything(practice)["Call"] == 1


def test_a_dead_leg_lets_nobody_in(practice, patient, dana: Actor):
    """The desk phone's end was reported before its pick-up: the late document puts nobody into the call."""
    call = ring(practice)
    with inside(practice):
        calls.answer_call(call=call, by=dana)
        command = CallCommand.objects.get()
    post(practice, f"leg-status/{command.pk}/", {"CallSid": "CAleg", "CallStatus": "completed"})
    assert verbs(post(practice, f"leg/{command.pk}/", {"CallSid": "CAleg"})) == ["Hangup"]


def test_the_automatic_call_s_reports_come_in_any_order(practice, patient):
    for order in itertools.permutations(["completed", "key", "ringing"]):
        number = next(_numbers)
        with inside(practice):
            message = Message(
                practice=practice, patient=patient, direction="out", channel="call", kind="reminder",
                body="Hello.", address=PHONE, address_index="x", status="sending",
                idempotency_key=f"auto:{number}",
            )  # fmt: skip
            message.save(force_insert=True)
        form = {"CallSid": f"CA{number}", "AnsweredBy": "human"}
        for event in order:
            if event == "key":
                post(practice, f"message/{message.pk}/key/", form | {"Digits": "1"})
            else:
                post(practice, f"message/{message.pk}/status/", form | {"CallStatus": event})
        with inside(practice):
            assert Message.objects.get(pk=message.pk).status == "delivered"
            assert Message.objects.filter(in_reply_to=message, reading="yes").count() == 1
            assert not Task.objects.open().filter(message=message, kind="undelivered").exists()
