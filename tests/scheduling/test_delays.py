"""A clinician is late: what that makes of her day, who hears of it, and who does not."""

import datetime as dt
import threading
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.delivery import those_that_may_go
from messaging.models import Message, Task
from patients.models import Consent, ContactPoint
from practices.models import AuditEntry
from practices.tenancy import inside
from scheduling.booking import cancel_appointment
from scheduling.call_list import call_list
from scheduling.delays import (
    BadDelay,
    caught_up,
    courses_of,
    expected_of,
    say_late,
    settle_delays,
    tell_late,
    undo_late,
)
from scheduling.flow import set_stage
from scheduling.late_notices import late_days, words_for
from scheduling.lateness import carry, course_of, running_over
from scheduling.models import Appointment, Delay, DelayNotice, Status
from scheduling.refusals import ChangedSince, TooLate
from tests.factories import a_patient
from tests.scheduling.conftest import NOW, a_diary, a_texted_patient, at

TODAY = "2026-11-24"
S = Message.Status
MINUTE = dt.timedelta(minutes=1)


def a_visit(diary: Any, when: str, given: str = "", *, minutes: int = 30, **fields: Any) -> Appointment:
    """A visit of today at a wall-clock time, whether it is over or not; its patient may be texted."""
    starts_at = at(f"{TODAY} {when}")
    number = 200 + Appointment.objects.count()
    patient = fields.pop("patient", None) or a_texted_patient(
        diary.practice, given or f"P{number}", phone=f"+1503555{number:04d}"
    )
    return Appointment.objects.create(
        practice=diary.practice, patient=patient, practitioner=fields.pop("practitioner", diary.osei),
        appointment_type=diary.kind, starts_at=starts_at, ends_at=starts_at + dt.timedelta(minutes=minutes),
        local_date=starts_at.date(), local_time=dt.time.fromisoformat(when), time_zone="America/New_York",
        **fields,
    )  # fmt: skip


@pytest.fixture
def morning(diary):
    """It is 9:00. One is in the room, one has come, four more follow until lunch, one comes after it."""
    day = SimpleNamespace(
        room=a_visit(diary, "08:30", status="arrived", seen_at=at(f"{TODAY} 08:31")),
        here=a_visit(diary, "09:00", status="arrived", arrived_at=at(f"{TODAY} 08:55")),
        first=a_visit(diary, "09:30", "Ann"),
        second=a_visit(diary, "10:00", "Ben"),
        third=a_visit(diary, "10:30", "Cyd"),
        fourth=a_visit(diary, "11:00", "Dee"),
        after_lunch=a_visit(diary, "13:00", "Eve"),
    )  # fmt: skip
    day.four = [day.first, day.second, day.third, day.fourth]
    return day


def expected(visits: list[Appointment]) -> list[str]:
    found = expected_of(visits)
    return [(found[v.pk] - dt.timedelta(hours=5)).strftime("%H:%M") if v.pk in found else "" for v in visits]


def told(diary: Any) -> dict[str, str]:
    """Whom messages about delays wait for, and what they say."""
    waiting = Message.objects.filter(kind="delay", status=S.QUEUED).select_related("patient")
    return {message.patient.given: message.body for message in waiting}


def deliver(diary: Any) -> None:
    """All that waits has left and arrived."""
    for message in Message.objects.filter(kind="delay", status=S.QUEUED):
        Message.objects.filter(pk=message.pk).update(status=S.DELIVERED, sent_at=message.send_after)


def test_plus_25_tells_four_and_only_four(diary, morning):
    other = a_visit(diary, "10:00", "Zoe", practitioner=diary.chen)
    gone = a_visit(diary, "11:30", "Gus", status=Status.CANCELLED)
    delay = say_late(practitioner=diary.osei, more=25, by=diary.by)
    assert told(diary) == {}  # saying so tells nobody
    done = tell_late(practitioner=diary.osei, version=delay.version, by=diary.by)
    assert (done.messages, done.calls) == (4, 0)
    assert set(told(diary)) == {"Ann", "Ben", "Cyd", "Dee"}
    assert "9:55" in told(diary)["Ann"]
    assert Message.objects.filter(kind="delay").count() == 4
    assert expected([*morning.four, morning.after_lunch, morning.here, other, gone]) == [
        "09:55", "10:25", "10:55", "11:25", "", "09:25", "", "",
    ]  # fmt: skip


def test_a_gap_takes_the_delay_in_and_lunch_takes_the_rest(diary, clock):
    room = a_visit(diary, "08:30", status="arrived", arrived_at=NOW, seen_at=NOW)
    one, after_gap, far = a_visit(diary, "09:00"), a_visit(diary, "09:40"), a_visit(diary, "10:40")
    say_late(practitioner=diary.osei, minutes=20, by=diary.by)
    assert expected([room, one, after_gap, far]) == ["", "09:20", "09:50", ""]


def test_a_cancelled_or_missed_visit_becomes_a_gap(diary, morning):
    say_late(practitioner=diary.osei, minutes=25, by=diary.by)
    cancel_appointment(appointment=morning.second, version=1, reason="pat", by=diary.by)
    assert expected(morning.four) == ["09:55", "", "", ""]


def test_buffers_are_work_and_no_gap(diary, clock):
    a_visit(diary, "08:30", status="arrived", arrived_at=NOW, seen_at=NOW, buffer_after=10)
    nxt = a_visit(diary, "09:15", buffer_before=5)
    say_late(practitioner=diary.osei, minutes=15, by=diary.by)
    assert expected([nxt]) == ["09:30"]


def test_the_same_minutes_later_in_the_day_count_from_there(diary, morning, clock):
    say_late(practitioner=diary.osei, minutes=25, by=diary.by)
    clock.move_to(at(f"{TODAY} 12:50"))  # nobody has pressed Done: the clinician went on all the same
    assert courses_of(NOW.date())[diary.osei.pk].behind == 0  # lunch took it in
    say_late(practitioner=diary.osei, more=10, by=diary.by)
    assert courses_of(NOW.date())[diary.osei.pk].behind == 10
    assert expected([morning.after_lunch]) == ["13:10"]


def test_below_the_threshold_nobody_is_told_and_the_practice_sets_it(diary, morning):
    delay = say_late(practitioner=diary.osei, minutes=9, by=diary.by)
    assert not tell_late(practitioner=diary.osei, version=delay.version, by=diary.by).messages
    diary.practice.late_tell_from = 5
    assert tell_late(practitioner=diary.osei, version=delay.version, by=diary.by).messages == 4


def test_who_comes_far_later_is_not_told_yet(diary, clock):
    a_visit(diary, "09:00")
    for hour in range(9, 12):
        a_visit(diary, f"{hour:02d}:30", minutes=60)
    diary.practice.late_tell_hours = 1
    delay = say_late(practitioner=diary.osei, minutes=30, by=diary.by)
    assert tell_late(practitioner=diary.osei, version=delay.version, by=diary.by).messages == 2
    deliver(diary)
    clock.shift(dt.timedelta(hours=1))
    assert tell_late(practitioner=diary.osei, version=delay.version, by=diary.by).messages == 1


def test_only_those_who_were_chosen(diary, morning):
    delay = say_late(practitioner=diary.osei, minutes=25, by=diary.by)
    some = {morning.second.pk}
    assert tell_late(practitioner=diary.osei, version=delay.version, visits=some, by=diary.by).messages == 1
    assert set(told(diary)) == {"Ben"}


def test_a_landline_and_a_no_become_calls_and_who_has_nothing_is_named(diary, clock):
    a_visit(diary, "08:30", status="arrived", arrived_at=NOW, seen_at=NOW)
    landline = a_patient(diary.practice, "Lou", phone="+15035550777")
    ContactPoint.objects.filter(patient=landline).update(use="home")
    nothing = a_patient(diary.practice, "Nil")
    visits = [
        a_visit(diary, "09:00", patient=landline),
        a_visit(diary, "09:30", patient=nothing),
        a_visit(diary, "10:00", "Tess"),
    ]
    delay = say_late(practitioner=diary.osei, minutes=20, by=diary.by)
    (day,) = late_days([delay])
    assert [word.channel for word in words_for(day)] == ["call", "", "sms"]
    done = tell_late(practitioner=diary.osei, version=delay.version, by=diary.by)
    assert (done.messages, done.calls) == (1, 1)
    task = Task.objects.get(kind="call")
    assert task.patient == landline
    assert task.appointment_id == visits[0].pk
    assert task.note == "Dr. Osei is late: expected 9:20 AM instead of 9:00 AM. Offer another time."
    (row,) = [row for row in call_list(diary.practice, NOW - MINUTE, private=False) if row.visit == visits[0]]
    assert row.why == task.note


def test_in_the_quiet_hours_a_person_calls(diary, morning):
    diary.practice.quiet_from, diary.practice.quiet_until = dt.time(8), dt.time(12)
    delay = say_late(practitioner=diary.osei, minutes=25, by=diary.by)
    done = tell_late(practitioner=diary.osei, version=delay.version, by=diary.by)
    assert (done.messages, done.calls) == (0, 4)


def test_the_daily_cap_does_not_hold_it_back(diary, morning, clock):
    diary.patient = morning.first.patient
    delay = say_late(practitioner=diary.osei, minutes=25, by=diary.by)
    tell_late(practitioner=diary.osei, version=delay.version, by=diary.by)
    deliver(diary)
    say_late(practitioner=diary.osei, minutes=45, by=diary.by)
    tell_late(practitioner=diary.osei, version=2, by=diary.by)
    clock.shift(dt.timedelta(minutes=4))
    second = list(Message.objects.filter(kind="delay", status=S.QUEUED))
    assert len(those_that_may_go(diary.practice, second, dt.datetime.now(dt.UTC))) == len(second) == 4


class TestAgain:
    """Never more than one message per patient per 15 minutes of change."""

    @pytest.fixture
    def told_25(self, diary, morning):
        delay = say_late(practitioner=diary.osei, minutes=25, by=diary.by)
        tell_late(practitioner=diary.osei, version=delay.version, by=diary.by)
        deliver(diary)
        return delay

    @pytest.mark.parametrize(("minutes", "hear"), [(25, 0), (39, 0), (40, 4), (11, 0), (10, 4)])
    def test_only_a_quarter_of_an_hour_is_said_again(self, diary, told_25, minutes, hear):
        delay = say_late(practitioner=diary.osei, minutes=minutes, by=diary.by)
        assert tell_late(practitioner=diary.osei, version=delay.version, by=diary.by).messages == hear

    def test_pressing_again_tells_nobody(self, diary, told_25):
        assert not tell_late(practitioner=diary.osei, version=told_25.version, by=diary.by).messages
        assert Message.objects.filter(kind="delay").count() == 4

    def test_a_wait_that_is_corrected_says_only_the_last(self, diary, morning):
        delay = say_late(practitioner=diary.osei, minutes=25, by=diary.by)
        tell_late(practitioner=diary.osei, version=delay.version, by=diary.by)
        say_late(practitioner=diary.osei, minutes=20, by=diary.by)  # before anything has left
        assert len(told(diary)) == 4
        assert "9:50" in told(diary)["Ann"]
        assert Message.objects.filter(kind="delay", status=S.CANCELLED).count() == 4

    def test_caught_up_is_said_once_to_those_who_were_told(self, diary, morning, told_25, clock):
        clock.move_to(at(f"{TODAY} 10:05"))
        set_stage(appointment=morning.third, stage="arrived", version=1, by=diary.by)
        done = caught_up(practitioner=diary.osei, by=diary.by)
        assert (done.messages, done.calls) == (1, 0)  # 9:30 and 10:00 are over, 10:30 is here
        assert set(told(diary)) == {"Dee"}
        assert "on time again" in told(diary)["Dee"]
        assert "/v/" not in told(diary)["Dee"]
        with pytest.raises(BadDelay):
            caught_up(practitioner=diary.osei, by=diary.by)
        deliver(diary)
        delay = say_late(practitioner=diary.osei, minutes=14, by=diary.by)
        assert not tell_late(practitioner=diary.osei, version=delay.version, by=diary.by).messages

    def test_caught_up_is_silent_when_nobody_was_told(self, diary, morning):
        say_late(practitioner=diary.osei, minutes=25, by=diary.by)
        assert not caught_up(practitioner=diary.osei, by=diary.by).messages
        assert not Message.objects.filter(kind="delay").exists()

    def test_caught_up_before_it_left_takes_it_back(self, diary, morning):
        delay = say_late(practitioner=diary.osei, minutes=25, by=diary.by)
        tell_late(practitioner=diary.osei, version=delay.version, by=diary.by)
        assert not caught_up(practitioner=diary.osei, by=diary.by).messages
        assert set(Message.objects.filter(kind="delay").values_list("status", flat=True)) == {S.CANCELLED}


def test_who_arrives_cancels_or_moves_does_not_hear_of_it(diary, morning):
    delay = say_late(practitioner=diary.osei, minutes=25, by=diary.by)
    tell_late(practitioner=diary.osei, version=delay.version, by=diary.by)
    set_stage(appointment=morning.first, stage="arrived", version=1, by=diary.by)
    cancel_appointment(appointment=morning.second, version=1, reason="pat", by=diary.by)
    assert set(told(diary)) == {"Cyd", "Dee"}


def test_a_call_that_nobody_needs_any_more_is_closed(diary, clock):
    a_visit(diary, "08:30", status="arrived", arrived_at=NOW, seen_at=NOW)
    lou = a_patient(diary.practice, "Lou", phone="+15035550777")
    visit = a_visit(diary, "09:00", patient=lou)
    delay = say_late(practitioner=diary.osei, minutes=20, by=diary.by)
    tell_late(practitioner=diary.osei, version=delay.version, by=diary.by)
    assert Task.objects.open().filter(kind="call").count() == 1
    set_stage(appointment=visit, stage="arrived", version=1, by=diary.by)
    settle_delays(diary.practice)
    assert not Task.objects.open().filter(kind="call").exists()


def test_taking_back_within_the_window(diary, morning, clock):
    delay = say_late(practitioner=diary.osei, minutes=25, by=diary.by)
    clock.shift(dt.timedelta(seconds=20))
    tell_late(practitioner=diary.osei, version=delay.version, by=diary.by)
    undo_late(practitioner=diary.osei, by=diary.by)
    assert told(diary) == {}
    assert expected([morning.first]) == ["09:55"]
    assert tell_late(practitioner=diary.osei, version=delay.version, by=diary.by).messages == 4
    undo_late(practitioner=diary.osei, by=diary.by)
    undo_late(practitioner=diary.osei, by=diary.by)
    assert expected([morning.first]) == [""]
    with pytest.raises(TooLate):
        undo_late(practitioner=diary.osei, by=diary.by)


def test_after_the_window_nothing_is_taken_back(diary, morning, clock):
    say_late(practitioner=diary.osei, minutes=25, by=diary.by)
    clock.shift(dt.timedelta(minutes=3, seconds=1))
    with pytest.raises(TooLate):
        undo_late(practitioner=diary.osei, by=diary.by)


@pytest.mark.parametrize("minutes", [0, -5, 241, 10**6])
def test_minutes_that_say_nothing_are_refused_in_words(diary, morning, minutes):
    with pytest.raises(BadDelay, match="from 1 to 240"):
        say_late(practitioner=diary.osei, minutes=minutes, by=diary.by)


def test_a_day_with_nobody_left_has_no_delay(diary, clock):
    a_visit(diary, "08:00", status=Status.FULFILLED)
    with pytest.raises(BadDelay, match="nobody left"):
        say_late(practitioner=diary.osei, minutes=10, by=diary.by)


def test_a_stale_look_is_refused(diary, morning):
    say_late(practitioner=diary.osei, more=10, version=0, by=diary.by)
    with pytest.raises(ChangedSince, match="10 min behind"):
        say_late(practitioner=diary.osei, more=10, version=0, by=diary.by)
    with pytest.raises(ChangedSince):
        tell_late(practitioner=diary.osei, version=0, by=diary.by)


def test_the_delay_ends_with_the_day_without_any_job(diary, morning, clock):
    say_late(practitioner=diary.osei, minutes=25, by=diary.by)
    assert Task.objects.open().filter(kind="delay").count() == 1
    clock.move_to(at("2026-11-25 00:01"))
    assert not Delay.objects.today().exists()
    assert expected([morning.first]) == [""]
    settle_delays(diary.practice)
    assert not Task.objects.open().filter(kind="delay").exists()


def test_the_row_of_needs_you_goes_with_its_reason_and_stays_gone(diary, morning, clock):
    delay = say_late(practitioner=diary.osei, minutes=25, by=diary.by)
    task = Task.objects.get(kind="delay", done_at=None)
    assert task.subject_id == delay.pk
    task.done_at, task.done_by = dt.datetime.now(dt.UTC), diary.dana.user
    task.save()
    settle_delays(diary.practice)
    assert not Task.objects.open().filter(kind="delay").exists()
    clock.shift(dt.timedelta(seconds=1))
    say_late(practitioner=diary.osei, minutes=30, by=diary.by)
    assert Task.objects.open().filter(kind="delay").exists()
    tell_late(practitioner=diary.osei, version=2, by=diary.by)
    assert not Task.objects.open().filter(kind="delay").exists()


def test_spanish_is_spoken_and_nobody_hears_why(diary, clock):
    a_visit(diary, "08:30", status="arrived", arrived_at=NOW, seen_at=NOW)
    luz = a_texted_patient(diary.practice, "Luz", phone="+15035550333", language="es")
    a_visit(diary, "09:00", patient=luz, reason="QUORLOWE rash")
    delay = say_late(practitioner=diary.osei, minutes=20, by=diary.by)
    tell_late(practitioner=diary.osei, version=delay.version, by=diary.by)
    text = told(diary)["Luz"]
    assert "vamos con retraso" in text
    assert "QUORLOWE" not in text
    assert "Osei" not in text
    assert "/v/" in text


def test_saying_and_telling_are_in_the_audit(diary, morning):
    delay = say_late(practitioner=diary.osei, minutes=25, by=diary.by)
    tell_late(practitioner=diary.osei, version=delay.version, by=diary.by)
    verbs = set(AuditEntry.objects.filter(verb__startswith="delay.").values_list("verb", flat=True))
    assert verbs == {"delay.said", "delay.told"}


def test_the_hint_says_by_how_much_the_room_is_over_and_sends_nothing(diary, morning, clock):
    visits = list(Appointment.objects.filter(practitioner=diary.osei))
    assert running_over(visits, NOW) == 0
    assert running_over(visits, NOW + dt.timedelta(minutes=4)) == 0
    assert running_over(visits, NOW + dt.timedelta(minutes=8)) == 8
    settle_delays(diary.practice)
    assert not Message.objects.filter(kind="delay").exists()


def test_the_expected_times_take_two_queries_and_one_where_nobody_is_late(
    diary, morning, django_assert_num_queries
):
    with django_assert_num_queries(1):
        courses_of(NOW.date())
    say_late(practitioner=diary.osei, minutes=25, by=diary.by)
    with django_assert_num_queries(2):
        courses_of(NOW.date())
    for number in range(12):
        a_visit(diary, f"14:{4 * number:02d}", minutes=4)
    with django_assert_num_queries(2):
        courses_of(NOW.date())


def test_over_a_clock_change_minutes_stay_minutes(diary):
    """Lord Howe goes back by half an hour at 2:00 on April 4: instants are added, never wall clocks."""
    begins, half = dt.datetime(2027, 4, 3, 14, 30, tzinfo=dt.UTC), dt.timedelta(minutes=30)
    visits = [
        Appointment(
            practice=diary.practice, practitioner=diary.osei, status="booked",
            starts_at=begins + n * half, ends_at=begins + n * half + half,
        )
        for n in range(3)
    ]  # fmt: skip
    course = course_of(Delay(minutes=25, since=begins), visits, begins)
    assert [course.expected[v.pk] - v.starts_at for v in visits] == [dt.timedelta(minutes=25)] * 3


spans = st.lists(st.tuples(st.integers(0, 600), st.integers(5, 90), st.integers(0, 20)), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spans, st.integers(1, 240))
def test_the_carried_delay_agrees_with_living_through_the_day(raw, minutes):
    """Against the obvious: who begins when, if nobody begins early and all take their time."""
    begin, visits, free = dt.datetime(2026, 11, 24, 13, tzinfo=dt.UTC), [], 0
    for gap, length, buffer in raw:
        start = free + gap % 40
        visits.append((start, length, buffer))
        free = start + length + buffer
    rows = [
        Appointment(
            starts_at=begin + dt.timedelta(minutes=a), ends_at=begin + dt.timedelta(minutes=a + n),
            buffer_after=b,
        )
        for a, n, b in visits
    ]  # fmt: skip
    ready, lived = minutes, []
    for start, length, buffer in visits:
        really = max(start, ready)
        lived.append(really - start)
        ready = really + length + buffer
    carried = carry(rows, begin, dt.timedelta(minutes=minutes))
    assert [int(carried[row.pk].total_seconds() // 60) for row in rows] == lived


class TestRace:
    """Two people press at once, on two connections."""

    pytestmark = pytest.mark.django_db(transaction=True)

    def press_at_once(self, diary: Any, what: Any, people: int = 8) -> list[Any]:
        gate, answers = threading.Barrier(people), []

        def press() -> None:
            try:
                gate.wait()
                with inside(diary.practice):
                    answers.append(what())
            except ChangedSince as refused:
                answers.append(refused)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=press) for _ in range(people)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    @pytest.fixture
    def late(self, transactional_db):
        with time_machine.travel(NOW, tick=True):
            diary = a_diary()
            with inside(diary.practice):
                a_visit(diary, "08:30", status="arrived", arrived_at=NOW, seen_at=NOW)
                for when in ("09:00", "09:30", "10:00"):
                    a_visit(diary, when)
                diary.delay = say_late(practitioner=diary.osei, minutes=30, by=diary.by)
            yield diary

    def tell(self, diary: Any) -> Any:
        return tell_late(practitioner=diary.osei, version=diary.delay.version, by=diary.by)

    def test_eight_who_press_tell_are_one_message_each(self, late):
        answers = self.press_at_once(late, lambda: self.tell(late))
        with inside(late.practice):
            assert Message.objects.filter(kind="delay").count() == 3
            assert DelayNotice.objects.count() == 3
        assert sorted(told.messages for told in answers) == [0] * 7 + [3]

    def test_without_the_lock_the_constraint_still_lets_each_through_once(self, late, settings, monkeypatch):
        settings.SWITCHED_OFF = frozenset({"resource-lock"})
        monkeypatch.setattr(type(Delay.objects.none()), "select_for_update", lambda self, **_: self)
        self.press_at_once(late, lambda: self.tell(late))
        with inside(late.practice):
            assert Message.objects.filter(kind="delay", status="queued").count() == 3
            assert DelayNotice.objects.filter(withdrawn_at=None).count() == 3

    def test_two_taps_on_the_same_look_are_one(self, late):
        def tap() -> Any:
            return say_late(practitioner=late.osei, more=10, version=late.delay.version, by=late.by)

        answers = self.press_at_once(late, tap)
        assert sum(isinstance(one, Delay) for one in answers) == 1
        with inside(late.practice):
            assert Delay.objects.get().minutes == 40


def test_consent_taken_away_makes_it_a_call(diary, morning, clock):
    clock.shift(dt.timedelta(seconds=1))
    Consent.objects.create(
        practice=diary.practice, patient=morning.first.patient, channel="sms", granted=False, how="phone"
    )
    delay = say_late(practitioner=diary.osei, minutes=25, by=diary.by)
    done = tell_late(practitioner=diary.osei, version=delay.version, by=diary.by)
    assert (done.messages, done.calls) == (3, 1)
