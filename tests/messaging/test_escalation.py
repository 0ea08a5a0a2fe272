"""Urgent messages: who is asked when, that each step happens once, and what stops it."""

import contextlib
import datetime as dt
import re
import threading
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connections
from django.utils import timezone

from messaging import delivery, escalation
from messaging.ack_links import secret_of
from messaging.escalation import carry_all, carry_due, text_from_colleague
from messaging.models import DeskRules, EscalationStep, Message, StaffMessage, Task
from messaging.on_call import save_shift
from messaging.staff_messages import acknowledge, hand_over, take_message
from messaging.staff_page import log_of, with_log
from practices.models import AuditEntry, Membership, Practice, Role
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_user, an_actor

pytestmark = pytest.mark.django_db(transaction=True)

START = dt.datetime(2026, 11, 24, 3, 10, tzinfo=dt.UTC)  # 10:10 at night in New York


def colleague(practice: Practice, name: str, mobile: str, role: str = Role.CLINICIAN) -> Membership:
    member = a_member(practice, a_user(f"{name}@frontdesk.example"), role)
    with inside(practice):
        Membership.objects.filter(pk=member.pk).update(mobile=mobile)
    member.mobile = mobile
    return member


@pytest.fixture
def team(practice: Practice) -> SimpleNamespace:
    dana = a_member(practice)
    ama = colleague(practice, "ama", "+15035550171")
    ben = colleague(practice, "ben", "+15035550172")
    mira = colleague(practice, "mira", "+15035550173", Role.MANAGER)
    return SimpleNamespace(practice=practice, dana=dana, ama=ama, ben=ben, mira=mira)


def on_call(member: Membership, rank: int) -> None:
    with inside(member.practice):
        save_shift(
            user=member.user, rank=rank, starts_at=timezone.now() - dt.timedelta(hours=1),
            ends_at=timezone.now() + dt.timedelta(hours=10), by=an_actor(),
        )  # fmt: skip


def an_urgent_one(team: SimpleNamespace, **fields: Any) -> StaffMessage:
    values = {"kind": "clinical", "body": "Chest pain since noon.", "urgency": 0, "read_back": True}
    values |= {"recipient": "on-call", "once_key": "urgent", "by": an_actor(team.dana)}
    with inside(team.practice):
        return take_message(**(values | fields))


def steps(practice: Practice, channel: str = "sms") -> list[tuple[int, str]]:
    with inside(practice):
        rows = EscalationStep.objects.filter(channel=channel).order_by("number", "id")
        return list(rows.values_list("number", "to_user__given_name"))


def stored(message: StaffMessage) -> StaffMessage:
    with inside(message.practice):
        return StaffMessage.objects.get(pk=message.pk)


def the_task(message: StaffMessage) -> Task:
    with inside(message.practice):
        return Task.objects.get(once_key=f"staff-message:{message.pk}")


def texts(practice: Practice) -> list[Message]:
    with inside(practice):
        return list(Message.objects.filter(kind="urgent", channel="sms").order_by("created_at", "pk"))


def test_the_first_step_goes_out_at_once_at_night_and_without_a_word_of_the_patient(team):
    Practice.objects.filter(pk=team.practice.pk).update(quiet_from=dt.time(21), quiet_until=dt.time(8))
    team.practice.refresh_from_db()
    with time_machine.travel(START, tick=False):
        on_call(team.ama, 1)
        patient = a_patient(team.practice)
        message = an_urgent_one(team, patient=patient, callback_number="+15035550142")
        assert carry_due(team.practice) == 1
        (text,) = texts(team.practice)
        assert (text.address, text.send_after, text.status) == ("+15035550171", START, "queued")
        code = stored(message).ack_code
        link = rf"http\S+/a/{team.practice.link_code}\S{{22}}\.{team.ama.user.pk}\.\S{{10}}/"
        assert re.fullmatch(
            rf"Urgent message at Harbor Street. Read and accept: {link} Or reply {code}\.", text.body
        )
        with inside(team.practice):
            mail = Message.objects.get(channel="email")
        assert mail.address == team.ama.user.email
        for said in (text.body, mail.body, mail.subject):
            assert not re.search("Marisol|Vega|Chest|0142|clinical", said, re.IGNORECASE)


def test_every_two_minutes_five_times_then_the_next_then_the_managers_then_a_red_row(team):
    """The roster is walked to its end, with the times of each step as the practice has set them."""
    with time_machine.travel(START, tick=False) as clock:
        on_call(team.ama, 1)
        on_call(team.ben, 2)
        message = an_urgent_one(team)
        seen: list[tuple[float, str]] = []
        for _ in range(4 * 32):  # half an hour of sweeps
            before = len(steps(team.practice))
            carry_all(team.practice)
            for _, name in steps(team.practice)[before:]:
                seen.append(((timezone.now() - START).total_seconds() / 60, name))
            clock.shift(15)
    wanted = [(0, "Ama"), (2, "Ama"), (4, "Ama"), (6, "Ama"), (8, "Ama")]
    wanted += [(minute, "Ben") for minute in (10, 12, 14, 16, 18)]
    wanted += [(minute, "Mira") for minute in (20, 22, 24, 26, 28)]
    assert [name for _, name in seen] == [name for _, name in wanted]
    assert [minute for minute, _ in seen] == pytest.approx([minute for minute, _ in wanted], abs=0.1)
    assert (stored(message).next_step_at, stored(message).step) == (None, 16)
    assert steps(team.practice, channel="") == [(16, None)]
    task = the_task(message)
    assert (task.urgency, task.done_at, task.owner_id) == (Task.Urgency.EMERGENCY, None, None)
    with inside(team.practice):
        words = list(EscalationStep.objects.filter(channel="sms").values_list("words", flat=True)[:6])
        assert words[:2] == ["Text to Ama", "Text to Ama, 2nd time"]
        assert words[5] == "Text to Ben, on call"
        assert AuditEntry.objects.filter(verb="staff_message.not-taken").count() == 1


def test_the_pace_is_the_practices(team):
    with inside(team.practice):
        DeskRules.objects.create(practice=team.practice, escalate_every_minutes=1, escalate_times=1)
    with time_machine.travel(START, tick=False) as clock:
        on_call(team.ama, 1)
        an_urgent_one(team, recipient="person", to_user=team.ben.user)
        for _ in range(4):
            carry_all(team.practice)
            clock.shift(60)
    assert [name for _, name in steps(team.practice)] == ["Ben", "Ama", "Mira"]


def test_a_role_is_asked_all_at_once_and_nobody_reachable_goes_to_the_managers(team):
    an_urgent_one(team, recipient="role", to_role=Role.CLINICIAN, once_key="role")
    carry_all(team.practice)
    assert {name for _, name in steps(team.practice)} == {"Ama", "Ben"}
    an_urgent_one(team, once_key="nobody")
    carry_all(team.practice)
    assert steps(team.practice)[-1] == (1, "Mira")


def test_without_anybody_at_all_the_row_turns_red_at_once(practice):
    dana = a_member(practice)
    message = an_urgent_one(SimpleNamespace(practice=practice, dana=dana))
    carry_all(practice)
    assert the_task(message).urgency == Task.Urgency.EMERGENCY
    with inside(practice):
        assert EscalationStep.objects.get().words == "Nobody could be reached"


def test_accepting_stops_everything_at_once(team):
    with time_machine.travel(START, tick=False) as clock:
        on_call(team.ama, 1)
        message = an_urgent_one(team)
        carry_all(team.practice)
        with inside(team.practice):
            acknowledge(message=message, by=an_actor(team.ama))
        clock.shift(dt.timedelta(hours=1))
        assert carry_due(team.practice) == 0
    with inside(team.practice):
        assert set(Message.objects.values_list("status", "reason")) == {("cancelled", "accepted")}
    assert len(steps(team.practice)) == 1


def test_a_second_asking_replaces_the_first_that_still_waits(team):
    with time_machine.travel(START, tick=False) as clock:
        on_call(team.ama, 1)
        an_urgent_one(team)
        carry_all(team.practice)
        clock.shift(dt.timedelta(minutes=2))
        carry_all(team.practice)
    assert [text.status for text in texts(team.practice)] == ["cancelled", "queued"]


def test_after_a_long_pause_there_is_one_step_and_not_a_burst(team):
    with time_machine.travel(START, tick=False) as clock:
        on_call(team.ama, 1)
        an_urgent_one(team)
        carry_all(team.practice)
        clock.shift(dt.timedelta(hours=1))
        carry_all(team.practice)
        assert len(steps(team.practice)) == 2


def test_handing_over_starts_anew_also_with_one_who_was_asked_before(team):
    with time_machine.travel(START, tick=False) as clock:
        message = an_urgent_one(team, recipient="person", to_user=team.ama.user)
        for _ in range(6):
            carry_all(team.practice)
            clock.shift(dt.timedelta(minutes=2))
        assert steps(team.practice)[-1][1] == "Mira"
        with inside(team.practice):
            hand_over(message=message, recipient="person", to_user=team.ama.user, by=an_actor(team.dana))
        carry_all(team.practice)
        assert steps(team.practice)[-1][1] == "Ama"
        assert stored(message).next_step_at == timezone.now() + dt.timedelta(minutes=2)


def test_the_code_from_her_own_number_takes_it(team):
    on_call(team.ama, 1)
    message = an_urgent_one(team)
    carry_all(team.practice)
    code = stored(message).ack_code
    with inside(team.practice):
        assert text_from_colleague(from_="+15035550171", body=f"ok {code} on my way")
    row = stored(message)
    assert (row.acknowledged_by_id, row.acknowledged_how) == (team.ama.user.pk, "text")
    heard = texts(team.practice)[-1]
    assert (heard.body, heard.address) == ("Harbor Street: you have it. Sign in to read it.", "+15035550171")
    with inside(team.practice):
        assert text_from_colleague(from_="+15035550171", body=code)  # twice is once
    assert len(texts(team.practice)) == 2


@pytest.mark.parametrize("number", ["+15035550199", "+15035550172", ""])
def test_the_right_code_from_another_number_does_nothing_and_is_written_down(team, number):
    """A stranger, and a colleague who was not asked."""
    on_call(team.ama, 1)
    message = an_urgent_one(team)
    carry_all(team.practice)
    with inside(team.practice):
        assert not text_from_colleague(from_=number, body=stored_code(message))
        assert AuditEntry.objects.filter(verb="staff_message.foreign-code").count() == 1
    assert stored(message).acknowledged_at is None


def stored_code(message: StaffMessage) -> str:
    return str(StaffMessage.objects.get(pk=message.pk).ack_code)


@pytest.mark.parametrize("body", ["0000", "yes", "", "12345", "my code is 48 21", "\u0664\u0668\u0662\u0661"])
def test_other_texts_of_a_colleague_are_ordinary_texts(team, body):
    on_call(team.ama, 1)
    an_urgent_one(team)
    carry_all(team.practice)
    with inside(team.practice):
        assert not text_from_colleague(from_="+15035550171", body=body)


def test_who_is_later_hears_who_has_it(team):
    on_call(team.ama, 1)
    message = an_urgent_one(team, recipient="role", to_role=Role.CLINICIAN)
    carry_all(team.practice)
    code = stored(message).ack_code
    with inside(team.practice):
        acknowledge(message=message, by=an_actor(team.ben))
        assert text_from_colleague(from_="+15035550171", body=code)
    assert stored(message).acknowledged_by_id == team.ben.user.pk
    assert texts(team.practice)[-1].body == "Harbor Street: Ben has it."


def test_the_text_arrives_at_the_colleagues_mobile(team, supplier):
    on_call(team.ama, 1)
    an_urgent_one(team)
    carry_all(team.practice)
    delivery.deliver_all(team.practice)
    (sent,) = supplier.ledger()
    assert sent["to"] == "+15035550171"


def test_a_text_that_does_not_arrive_is_in_the_log_and_no_work_of_its_own(team, supplier):
    supplier.set_phone("+15035550171", "invalid")
    on_call(team.ama, 1)
    message = an_urgent_one(team)
    carry_all(team.practice)
    delivery.deliver_all(team.practice)
    with inside(team.practice):
        assert list(Task.objects.values_list("kind", flat=True)) == ["staff-message"]
        said = [line.words for line in log_of(with_log(message.pk).get(), team.practice)]
    assert "Text to Ama: did not arrive" in said


def at_once(work: Any, count: int = 4) -> list[BaseException]:
    """Runs the work in some threads that start together."""
    gate, failed = threading.Barrier(count), []

    def run() -> None:
        try:
            gate.wait(10)
            work()
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return failed


def many_urgent(team: SimpleNamespace, count: int = 6) -> None:
    on_call(team.ama, 1)
    for number in range(count):
        an_urgent_one(team, once_key=f"urgent-{number}")


def asked_each(practice: Practice) -> Counter[int]:
    """How many texts each step of each message made."""
    with inside(practice):
        return Counter(text.idempotency_key.split(":")[1] for text in Message.objects.filter(channel="sms"))


def test_two_workers_and_two_beats_give_each_step_once(team):
    many_urgent(team)
    assert at_once(lambda: carry_all(team.practice)) == []
    assert set(asked_each(team.practice).values()) == {1}
    assert len(asked_each(team.practice)) == 6


def test_without_the_lock_steps_are_doubled(team, settings, monkeypatch):
    """The control: it is the lock and the key that keep a second worker from asking again."""
    settings.SWITCHED_OFF = frozenset({"escalation-lock"})
    many_urgent(team)
    both = threading.Barrier(2)
    take = escalation.take_step

    def slowly(*given: Any) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(2)
        take(*given)

    monkeypatch.setattr(escalation, "take_step", slowly)
    at_once(lambda: carry_due(team.practice), count=2)
    assert max(asked_each(team.practice).values()) > 1


def test_a_worker_that_dies_in_a_step_leaves_it_to_the_next(team, monkeypatch):
    """What was written before the death is gone with its transaction: the step happens once, later."""
    many_urgent(team, count=2)
    real, calls = escalation.log, []

    def dies(*given: Any) -> Any:
        calls.append(given)
        if len(calls) == 2:
            raise SystemExit("killed")
        return real(*given)

    monkeypatch.setattr(escalation, "log", dies)
    with pytest.raises(SystemExit):
        carry_due(team.practice)
    assert asked_each(team.practice) == Counter()
    monkeypatch.setattr(escalation, "log", real)
    carry_all(team.practice)
    assert set(asked_each(team.practice).values()) == {1}


def test_a_second_row_of_one_step_is_impossible(team):
    message = an_urgent_one(team, recipient="person", to_user=team.ama.user)
    carry_all(team.practice)
    with pytest.raises(IntegrityError), inside(team.practice):
        EscalationStep.objects.create(
            practice=team.practice, staff_message=message, number=1, to_user=team.ama.user, channel="sms",
            words="again",
        )  # fmt: skip


def test_codes_differ_and_the_secret_is_not_stored(team):
    messages = [an_urgent_one(team, once_key=f"c{number}") for number in range(20)]
    assert len({message.ack_code for message in messages}) == 20
    for message in messages:
        assert secret_of(message.pk) not in (message.ack_token_hash, message.ack_code)
