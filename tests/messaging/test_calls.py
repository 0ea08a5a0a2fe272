"""Calls: one winner, one live call a person, and nothing that ends is lost."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from messaging import call_endings, calls, refusals
from messaging.models import Call, CallCommand, Conversation, Message, Task
from patients.models import Consent, ContactPoint, Patient
from practices.audit import SYSTEM, Actor
from practices.models import AuditEntry, Membership, Practice
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, a_user, an_actor
from tests.messaging.conftest import PHONE

pytestmark = pytest.mark.django_db(transaction=True)

STRANGER = "+15035550177"


def at_desk(practice: Practice, email: str, phone: str = "+15035550901") -> Actor:
    """A receptionist with a desk phone."""
    member = a_member(practice, a_user(email))
    with inside(practice):
        Membership.objects.filter(pk=member.pk).update(desk_phone=phone)
    return an_actor(member)


@pytest.fixture
def dana(practice: Practice) -> Actor:
    return at_desk(practice, "dana@x.example", "+15035550901")


@pytest.fixture
def kim(practice: Practice) -> Actor:
    return at_desk(practice, "kim@x.example", "+15035550902")


def ring(practice: Practice, sid: str = "CA1", number: str = PHONE) -> Call:
    with inside(practice):
        return calls.call_came(supplier_id=sid, from_=number, by=SYSTEM)


def now(practice: Practice, call: Call) -> Call:
    with inside(practice):
        return Call.objects.select_related("handler", "patient").get(pk=call.pk)


def orders(practice: Practice) -> list[str]:
    with inside(practice):
        return [command.verb for command in CallCommand.objects.all()]


def together(jobs: list[Any]) -> list[Any]:
    """What each of the jobs gave or raised, all started at the same instant."""
    barrier, results = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = jobs[number]()
        except Exception as error:
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_an_incoming_call_rings_once_and_knows_its_only_patient(practice, patient):
    call = ring(practice)
    assert ring(practice).pk == call.pk
    assert (call.status, call.patient, call.address) == ("ringing", patient, PHONE)
    with inside(practice):
        assert Call.objects.count() == 1
        assert [p.pk for p in calls.candidates(call)] == [patient.pk]


def test_a_shared_number_names_nobody_and_offers_all(practice, patient):
    other = a_patient(practice, given="Tom", phone=PHONE)
    call = ring(practice)
    assert call.patient is None
    with inside(practice):
        assert {p.pk for p in calls.candidates(call)} == {patient.pk, other.pk}


@pytest.mark.parametrize("number", ["anonymous", "+266696687", "Restricted", "", "client:dana", "+1503"])
def test_a_withheld_number_is_nobodys(practice, patient, number):
    call = ring(practice, number=number)
    assert (call.address, call.address_index, call.patient) == ("", "", None)
    with inside(practice):
        assert calls.candidates(call) == []
        call_endings.nobody_answered(call, 10)
        assert Task.objects.get().once_key == f"missed:{call.pk}"
        assert not Conversation.objects.exists()
        assert not Message.objects.exists()


def test_of_two_who_press_answer_one_wins(practice, patient, dana, kim):
    """Twelve rounds, each with both people at the same instant."""
    for turn in range(12):
        call = ring(practice, f"CA{turn}")

        def press(by: Actor, call: Call = call) -> Call:
            with inside(practice):
                return calls.answer_call(call=call, by=by)

        results = together([lambda: press(dana), lambda: press(kim)])
        losers = [result for result in results if isinstance(result, calls.AlreadyTaken)]
        winners = [result for result in results if isinstance(result, Call)]
        assert (len(winners), len(losers)) == (1, 1), results
        assert losers[0].by_whom == winners[0].handler == now(practice, call).handler
        with inside(practice):
            assert CallCommand.objects.filter(call=call, verb="answer").count() == 1


def test_without_the_lock_both_would_win(practice, patient, dana, kim, settings, monkeypatch):
    """The control: both have read the call before either has written."""
    settings.SWITCHED_OFF = frozenset({"answer-lock"})
    both_have_read, looked = threading.Barrier(2), calls.desk_phone_of

    def look(*args: Any) -> str:
        number = looked(*args)
        both_have_read.wait(10)
        return number

    monkeypatch.setattr(calls, "desk_phone_of", look)
    call = ring(practice)

    def press(by: Actor) -> Call:
        with inside(practice):
            return calls.answer_call(call=call, by=by)

    results = together([lambda: press(dana), lambda: press(kim)])
    assert [type(result) for result in results] == [Call, Call]


def test_answering_again_changes_nothing_and_without_a_phone_is_refused(practice, patient, dana):
    call = ring(practice)
    with inside(practice):
        nobody = an_actor(a_member(practice, a_user("new@x.example")))
        with pytest.raises(calls.NoTelephone):
            calls.answer_call(call=call, by=nobody)
        calls.answer_call(call=call, by=dana)
        calls.answer_call(call=call, by=dana)
    assert orders(practice) == ["answer"]


def test_a_caller_who_has_gone_cannot_be_answered(practice, patient, dana):
    call = ring(practice)
    with inside(practice):
        call_endings.nobody_answered(call, 5)
        with pytest.raises(calls.AlreadyTaken) as gone:
            calls.answer_call(call=call, by=dana)
    assert gone.value.by_whom is None


def test_taking_the_second_call_puts_the_first_on_hold(practice, patient, dana):
    first, second = ring(practice), ring(practice, "CA2", STRANGER)
    with inside(practice):
        calls.answer_call(call=first, by=dana)
        calls.answer_call(call=second, by=dana)
        assert (now(practice, first).status, now(practice, second).status) == ("held", "live")
        calls.resume_call(call=first, by=dana)
    assert (now(practice, first).status, now(practice, second).status) == ("live", "held")
    assert orders(practice) == ["answer", "hold", "answer", "hold", "resume"]


def test_swapping_two_calls_from_two_tabs_never_locks_up(practice, patient, dana):
    first, second = ring(practice), ring(practice, "CA2", STRANGER)
    with inside(practice):
        calls.answer_call(call=first, by=dana)
        calls.answer_call(call=second, by=dana)

    def resume(call: Call) -> None:
        with inside(practice):
            calls.resume_call(call=call, by=dana)

    for _ in range(8):
        assert together([lambda: resume(first), lambda: resume(second)]) == [None, None]
        states = sorted([now(practice, first).status, now(practice, second).status])
        assert states == ["held", "live"]


def test_two_tabs_that_answer_two_calls_leave_one_live(practice, patient, dana):
    for turn in range(6):
        pair = [ring(practice, f"CA{turn}a"), ring(practice, f"CA{turn}b", STRANGER)]

        def answer(call: Call) -> str:
            with inside(practice):
                return calls.answer_call(call=call, by=dana).status

        results = together([lambda: answer(pair[0]), lambda: answer(pair[1])])  # noqa: B023
        assert results == ["live", "live"]
        with inside(practice):
            assert Call.objects.filter(status="live").count() == 1


def test_a_call_in_another_practice_goes_on_hold_too(practice, patient, dana):
    other = a_practice("cedar-park")
    there = a_member(other, dana.user)
    with inside(other):
        Membership.objects.filter(pk=there.pk).update(desk_phone="+15035550903")
    elsewhere, here = ring(other, "CA9"), ring(practice)
    with inside(other):
        calls.answer_call(call=elsewhere, by=an_actor(there))
    with inside(practice):
        calls.answer_call(call=here, by=dana)
        assert Call.objects.count() == 1  # the scope is this practice's again
    assert (now(other, elsewhere).status, now(practice, here).status) == ("held", "live")


def test_only_the_person_who_speaks_may_hold_resume_end(practice, patient, dana, kim):
    call = ring(practice)
    with inside(practice):
        calls.answer_call(call=call, by=dana)
        for verb in (calls.hold_call, calls.resume_call, calls.end_call):
            with pytest.raises(calls.NotYours):
                verb(call=call, by=kim)
    assert orders(practice) == ["answer"]


def test_hold_is_counted_and_the_end_leaves_seconds_to_write(practice, patient, dana):
    call = ring(practice)
    with inside(practice):
        calls.answer_call(call=call, by=dana)
        calls.hold_call(call=call, by=dana)
        Call.objects.update(held_since=timezone.now() - dt.timedelta(seconds=42))
        ended = calls.end_call(call=call, by=dana)
        assert (ended.status, ended.outcome, ended.held_seconds) == ("wrap-up", "answered", 42)
        assert call_endings.sweep() == 0
        Call.objects.update(wrap_up_until=timezone.now())
        assert call_endings.sweep() == 1
        thread = Conversation.objects.get()
        assert (thread.last_kind, thread.patient, thread.state) == ("call", patient, "done")
    assert now(practice, call).status == "ended"


def test_writing_up_can_end_early(practice, patient, dana):
    call = ring(practice)
    with inside(practice):
        calls.answer_call(call=call, by=dana)
        calls.end_call(call=call, by=dana)
        assert calls.finish(call=call, by=dana).status == "ended"


def test_a_transfer_takes_the_summary_along(practice, patient, dana, kim):
    call = ring(practice)
    with inside(practice):
        calls.answer_call(call=call, by=dana)
        calls.write_note(call=call, note="Wants Friday.", by=dana)
        moved = calls.transfer_call(call=call, to=kim.user, summary="asks about the bill", by=dana)
        assert moved.handler == kim.user
        assert moved.note == "Wants Friday.\nDana → Kim: asks about the bill"
        with pytest.raises(calls.NotYours):
            calls.hold_call(call=call, by=dana)
        stranger = a_user("nobody@y.example")
        with pytest.raises(ValueError, match="does not work here"):
            calls.transfer_call(call=call, to=stranger, summary="", by=kim)


@pytest.mark.parametrize(
    ("waited", "outcome"),
    [(0, "missed"), (29, "missed"), (30, "abandoned"), (119, "abandoned"), (120, "missed"), (500, "missed")],
)
def test_missed_and_abandoned_are_told_apart(practice, patient, waited, outcome):
    call = ring(practice)
    with inside(practice):
        call_endings.nobody_answered(call, waited)
        call_endings.nobody_answered(call, 0)
        task = Task.objects.get()
        assert (task.kind, task.patient, task.subject_id) == ("missed-call", patient, call.pk)
        assert task.due_at > timezone.now()
        thread = Conversation.objects.get()
        assert (thread.state, thread.last_kind) == ("needs-action", "missed")
    assert (now(practice, call).status, now(practice, call).outcome) == ("ended", outcome)


def test_a_number_is_texted_once_a_day_and_the_task_counts(practice, patient):
    for sid in ("CA1", "CA2", "CA3"):
        with inside(practice):
            call_endings.nobody_answered(ring(practice, sid), 12)
    with inside(practice):
        text = Message.objects.get()
        assert (text.kind, text.status, text.address) == ("missed-call", "queued", PHONE)
        assert text.ignores_quiet_hours
        assert Task.objects.get().note.startswith("Called 3 times.")
    ring_of_a_stranger = ring(practice, "CA4", STRANGER)
    with inside(practice):
        call_endings.nobody_answered(ring_of_a_stranger, 12)
        assert Message.objects.filter(status="queued").count() == 2


def test_a_text_that_does_not_arrive_leaves_no_second_task(practice, patient):
    with inside(practice):
        call_endings.nobody_answered(ring(practice), 12)
        assert refusals.ask_to_call(Message.objects.get(), "landline") is None
        assert [task.kind for task in Task.objects.open()] == ["missed-call"]


def test_a_no_to_texts_an_opt_out_and_a_landline_are_not_texted(practice, patient):
    with inside(practice):
        Consent.objects.create(practice=practice, patient=patient, channel="sms", granted=False, how="phone")
        call_endings.nobody_answered(ring(practice), 12)
        assert not Message.objects.exists()
        home = a_patient(practice, given="Lou", phone="+15035550188")
        ContactPoint.objects.filter(patient=home).update(use="home")
        call_endings.nobody_answered(ring(practice, "CA2", "+15035550188"), 12)
        assert not Message.objects.exists()


def test_an_opted_out_number_keeps_its_silence(practice, patient):
    from messaging import inbox

    with inside(practice):
        inbox.receive(supplier_id="SM1", from_=STRANGER, body="STOP")
        call_endings.nobody_answered(ring(practice, "CA2", STRANGER), 12)
        text = Message.objects.get(kind="missed-call")
        assert (text.status, text.reason) == ("suppressed", "opted_out")


def test_speaking_with_the_number_closes_what_was_missed(practice, patient, dana):
    with inside(practice):
        call_endings.nobody_answered(ring(practice), 12)
        again = ring(practice, "CA2")
        calls.answer_call(call=again, by=dana)
        calls.end_call(call=again, by=dana)
        assert not Task.objects.open().exists()
        assert Conversation.objects.get().state == "done"


def test_a_voicemail_takes_the_place_of_missed_in_both_orders(practice, patient):
    for first in (True, False):
        call = ring(practice, f"CA{first}")
        with inside(practice):
            if first:
                call_endings.nobody_answered(call, 130)
            call_endings.voicemail_left(now(practice, call))
            if not first:
                call_endings.nobody_answered(now(practice, call), 130)
            assert [task.kind for task in Task.objects.open()] == ["voicemail"]
        assert (now(practice, call).status, now(practice, call).outcome) == ("ended", "voicemail")


def test_a_promise_to_call_back_is_a_task_and_rings_off(practice, patient, dana):
    call = ring(practice)
    at = timezone.now() + dt.timedelta(hours=2)
    with inside(practice):
        with pytest.raises(ValueError, match="still to come"):
            calls.keep_place(call=call, at=timezone.now(), by=dana)
        task = calls.keep_place(call=call, at=at, by=dana)
        assert (task.kind, task.due_at, task.once_key) == ("call-back", at, f"call-back:{call.pk}")
        with pytest.raises(call_endings.CallIsOver):
            calls.keep_place(call=call, at=at, by=dana)
        assert not Message.objects.exists()
    assert now(practice, call).outcome == "call-back"
    assert orders(practice) == ["call-back"]


def test_a_call_logged_by_hand_moves_no_telephone(practice, patient, dana):
    with inside(practice):
        call = calls.log_call(direction="in", number=PHONE, patient=patient, by=dana)
        assert (call.status, call.by_hand, call.handler) == ("live", True, dana.user)
        calls.hold_call(call=call, by=dana)
        calls.resume_call(call=call, by=dana)
        calls.end_call(call=call, by=dana)
    assert orders(practice) == []


def test_dialling_holds_the_other_call_and_needs_a_number(practice, patient, dana):
    live = ring(practice, "CA2", STRANGER)
    nameless = a_patient(practice, given="Lou")
    with inside(practice):
        calls.answer_call(call=live, by=dana)
        call = calls.dial(patient=patient, by=dana)
        assert (call.direction, call.status, call.address) == ("out", "queued", PHONE)
        with pytest.raises(ValueError, match="no number"):
            calls.dial(patient=nameless, by=dana)
    assert now(practice, live).status == "held"
    assert orders(practice) == ["answer", "hold", "dial"]


def test_choosing_the_patient_takes_task_and_thread_along(practice, patient):
    tom: Patient = a_patient(practice, given="Tom", phone=PHONE)
    call = ring(practice)
    with inside(practice):
        call_endings.nobody_answered(call, 12)
        calls.choose_patient(call=call, patient=tom, by=SYSTEM)
        assert Task.objects.get().patient == tom
        assert Conversation.objects.get(patient=tom).state == "needs-action"
        assert Conversation.objects.get(patient=None).state == "done"


def test_what_is_said_about_a_call_is_kept_sealed_and_in_the_audit(practice, patient, dana):
    call = ring(practice)
    with inside(practice):
        calls.describe(
            call=call, caller_name="Rosa Vega", relation="mother", matter="billing", outcome=None, by=dana
        )
        with pytest.raises(ValueError, match="no such matter"):
            calls.describe(call=call, matter="gossip", by=dana)
        stored = now(practice, call)
        assert (stored.caller_name, stored.caller_relation, stored.matter) == (
            "Rosa Vega",
            "mother",
            "billing",
        )
        entry = AuditEntry.objects.get(verb="call.described")
        assert "Rosa" not in str(entry.field_names)


def test_ringing_whose_end_was_never_reported_is_missed(practice, patient):
    call = ring(practice)
    with inside(practice):
        assert call_endings.sweep() == 0
        Call.objects.update(started_at=timezone.now() - dt.timedelta(minutes=8))
        assert call_endings.sweep() == 1
    assert now(practice, call).outcome == "missed"
