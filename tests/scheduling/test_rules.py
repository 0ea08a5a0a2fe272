"""Reminder rules: which apply, when they come due, several visits in one message, and the next channel."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from messaging.models import DeskRules, Message, Suppression, Task
from patients.models import Channel, Consent, ContactPoint
from practices.models import AuditEntry
from scheduling.booking import cancel_appointment, confirm_appointment
from scheduling.models import Appointment, Notice, ReminderRule
from scheduling.next_channel import close_answered_calls
from scheduling.notices import tell
from scheduling.planning import plan
from scheduling.reminders import queue_reminders
from scheduling.rules import active_rules, due_at
from tests.factories import a_patient, a_rule, a_type
from tests.scheduling.conftest import at

VISIT = "2026-11-30 10:00"
DUE = at("2026-11-28 10:00")
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)


@pytest.fixture
def ways(diary: Any) -> Any:
    """A rule by text, e-mail and call, and a patient who takes all three."""
    ReminderRule.objects.update(channels=["sms", "email", "call"])
    ContactPoint.objects.create(
        practice=diary.practice, patient=diary.patient, system="email", value="m@example.org"
    )
    Consent.objects.create(
        practice=diary.practice, patient=diary.patient, channel="email", granted=True, how="phone"
    )
    return diary


def sweep(diary: Any, clock: Any, moment: dt.datetime) -> list[Message]:
    """What one run of the sweep adds."""
    clock.move_to(moment)
    before = set(Message.objects.values_list("pk", flat=True))
    queue_reminders(diary.practice)
    return list(Message.objects.exclude(pk__in=before).filter(kind="reminder").order_by("created_at"))


def fate(message: Message, status: str, reason: str = "") -> None:
    Message.objects.filter(pk=message.pk).update(status=status, reason=reason, sent_at=message.send_after)


def test_own_rules_of_a_type_replace_the_general_ones(diary, clock):
    long = a_type(diary.practice, "Long", practitioners=[diary.osei])
    a_rule(diary.practice, days_before=4, appointment_type=long)
    own = diary.book("2026-12-02 10:00", appointment_type=long)
    (message,) = sweep(diary, clock, at("2026-11-28 10:00"))
    assert Notice.objects.get(message=message).appointment == own
    assert sweep(diary, clock, at("2026-11-30 10:00")) == []


def test_hours_before_are_hours_before_and_come_before_the_night(diary, clock):
    ReminderRule.objects.all().delete()
    rule = a_rule(diary.practice, hours_before=2)
    diary.book("2026-11-30 14:00")
    assert sweep(diary, clock, at("2026-11-30 11:59")) == []
    assert len(sweep(diary, clock, at("2026-11-30 12:00"))) == 1
    early = diary.book("2026-12-02 08:30")
    assert due_at(rule, early, diary.practice) == at("2026-12-01 20:00")
    assert len(sweep(diary, clock, at("2026-12-01 20:00"))) == 1


def test_a_rule_that_asks_nothing_reaches_those_who_confirmed(diary, clock):
    a_rule(diary.practice, hours_before=3, asks=False)
    visit = diary.book("2026-11-30 14:00")
    confirm_appointment(appointment=visit, how="phone", by=diary.by)
    assert sweep(diary, clock, DUE) == []
    (message,) = sweep(diary, clock, at("2026-11-30 11:00"))
    assert "we expect you" in message.body
    assert "YES" not in message.body


def test_visits_of_one_patient_close_together_are_one_message(diary, clock):
    first, second = diary.book(VISIT), diary.book("2026-12-01 09:00")
    far = diary.book("2026-12-04 09:00")
    (message,) = sweep(diary, clock, DUE)
    assert {n.appointment_id for n in message.notices.all()} == {first.pk, second.pk}
    assert "Nov 30 10:00 AM and Dec 1 9:00 AM" in message.body
    assert sweep(diary, clock, at("2026-11-29 10:00")) == []
    (later,) = sweep(diary, clock, at("2026-12-02 10:00"))
    assert later.notices.get().appointment == far


def test_a_household_is_told_once_by_first_names(diary, clock):
    leo = a_patient(diary.practice, "Leo", phone="+15035550142")
    Consent.objects.create(practice=diary.practice, patient=leo, channel="sms", granted=True, how="phone")
    diary.book(VISIT)
    diary.book("2026-11-30 10:30", patient=leo)
    (message,) = sweep(diary, clock, DUE)
    assert message.notices.count() == 2
    assert "Marisol Nov 30 10:00 AM and Leo Nov 30 10:30 AM" in message.body


@pytest.mark.parametrize("wish", ["neutral_name", "no_voicemail"])
def test_who_asked_for_confidence_is_never_named_beside_others(diary, clock, wish):
    leo = a_patient(diary.practice, "Leo", phone="+15035550142", **{wish: True})
    Consent.objects.create(practice=diary.practice, patient=leo, channel="sms", granted=True, how="phone")
    diary.book(VISIT)
    diary.book("2026-11-30 10:30", patient=leo)
    bodies = [message.body for message in sweep(diary, clock, DUE)]
    assert len(bodies) == 2
    assert any(body.startswith("Your care team") for body in bodies) is (wish == "neutral_name")


def test_a_practice_may_join_nothing(diary, clock):
    DeskRules.objects.create(practice=diary.practice, join_visits_within_hours=0)
    diary.book(VISIT)
    diary.book("2026-11-30 11:00")
    assert len(sweep(diary, clock, DUE)) == 2


def test_when_one_of_two_visits_goes_the_other_is_reminded_again(diary, clock):
    first, second = diary.book(VISIT), diary.book("2026-11-30 11:00")
    sweep(diary, clock, DUE)
    cancel_appointment(appointment=first, version=1, reason="pat", by=diary.by)
    (message,) = sweep(diary, clock, DUE + MINUTE)
    assert message.notices.get().appointment == second


def test_what_fails_goes_by_the_next_way_and_at_last_to_a_person(ways, clock):
    visit = ways.book(VISIT)
    (text,) = sweep(ways, clock, DUE)
    assert (text.channel, text.followed) == ("sms", True)
    fate(text, "undelivered", "landline")
    (mail,) = sweep(ways, clock, DUE + MINUTE)
    assert (mail.channel, mail.address) == ("email", "m@example.org")
    fate(mail, "failed", "no_such_address")
    (call,) = sweep(ways, clock, DUE + 2 * MINUTE)
    assert call.channel == "call"
    assert "You have an appointment on Mon, Nov 30 at 10:00 AM" in call.body
    assert not Task.objects.exists()
    fate(call, "undelivered", "voicemail")
    assert sweep(ways, clock, DUE + 3 * MINUTE) == []
    task = Task.objects.open().get()
    assert (task.kind, task.appointment_id) == ("call", visit.pk)
    assert "practice and number were left" in task.note
    visit.refresh_from_db()
    assert visit.confirmation == "left_message"
    for step in range(4, 7):
        sweep(ways, clock, DUE + step * MINUTE)
    assert (Task.objects.count(), Message.objects.filter(kind="reminder").count()) == (1, 3)


@pytest.mark.parametrize("status", ["sent", "queued", "uncertain"])
def test_what_does_not_arrive_in_time_goes_by_the_next_way(ways, clock, status):
    ways.book(VISIT)
    (text,) = sweep(ways, clock, DUE)
    fate(text, status)
    assert sweep(ways, clock, DUE + 4 * HOUR - MINUTE) == []
    (mail,) = sweep(ways, clock, DUE + 4 * HOUR)
    assert mail.channel == "email"
    text.refresh_from_db()
    assert text.status == ("cancelled" if status == "queued" else status)


def test_what_arrived_is_not_said_again(ways, clock):
    ways.book(VISIT)
    (text,) = sweep(ways, clock, DUE)
    fate(text, "delivered")
    assert sweep(ways, clock, DUE + 5 * HOUR) == []


def test_an_answer_ends_the_chain_and_closes_the_call(ways, clock):
    ReminderRule.objects.update(channels=["sms"])
    visit = ways.book(VISIT)
    (text,) = sweep(ways, clock, DUE)
    fate(text, "undelivered", "filtered")
    sweep(ways, clock, DUE + MINUTE)
    assert Task.objects.open().get().kind == "call"
    confirm_appointment(appointment=visit, how="phone", by=ways.by)
    assert close_answered_calls(DUE + 2 * MINUTE) == 1
    assert not Task.objects.open().exists()


def test_a_call_that_was_dealt_with_is_not_asked_for_again(ways, clock):
    ReminderRule.objects.update(channels=["sms"])
    ways.book(VISIT)
    (text,) = sweep(ways, clock, DUE)
    fate(text, "undelivered", "filtered")
    sweep(ways, clock, DUE + MINUTE)
    Task.objects.update(done_at=DUE + MINUTE)
    sweep(ways, clock, DUE + 2 * MINUTE)
    assert not Task.objects.open().exists()


def test_who_cannot_be_reached_at_all_is_stored_with_the_reason(diary, clock):
    silent = a_patient(diary.practice, "Ana", phone="+15035550143")
    diary.book(VISIT, patient=silent)
    (row,) = sweep(diary, clock, DUE)
    assert (row.status, row.reason) == ("suppressed", "no_consent")
    assert AuditEntry.objects.filter(verb="message.suppressed").count() == 1
    assert sweep(diary, clock, DUE + MINUTE) == []
    assert not Task.objects.exists()


def test_the_same_message_twice_is_once(diary, clock):
    diary.book(VISIT)
    (message,) = sweep(diary, clock, DUE)
    rule = ReminderRule.objects.get()
    assert message.idempotency_key.startswith(f"rule:{rule.pk.hex}:")
    assert ":sms:" in message.idempotency_key
    Notice.objects.filter(message=message).delete()  # as if the run had died before
    assert [one.pk for one in sweep(diary, clock, DUE + MINUTE)] == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    preferred=some.sampled_from(Channel.values),
    agreed=some.sets(some.sampled_from(["sms", "email"])),
    refused=some.sets(some.sampled_from(Channel.values)),
    silent=some.sets(some.sampled_from(Channel.values)),
    unusable=some.sampled_from(["", "landline", "no such number"]),
    neutral=some.booleans(),
    kind=some.sampled_from(["confirmation", "moved", "cancelled", "rule"]),
)
def test_no_sender_goes_past_the_patients_word(
    ways, clock, preferred, agreed, refused, silent, unusable, neutral, kind
):
    """SECURITY.md D13: preference, consent, silence and address, whoever sends."""
    Message.objects.all().delete()
    Appointment.objects.all().update(status="cancelled")
    Suppression.objects.all().delete()
    clock.move_to(DUE - 3 * 24 * HOUR)
    patient = ways.patient
    patient.preferred_channel, patient.neutral_name = preferred, neutral
    patient.save()
    phone = ContactPoint.objects.get(patient=patient, system="phone")
    phone.unusable = unusable
    phone.save()
    Consent.objects.all().delete()
    for channel in Channel.values:
        if channel in agreed | refused:
            Consent.objects.create(practice=ways.practice, patient=patient, channel=channel,
                                   granted=channel not in refused, how="phone")  # fmt: skip
    for channel in silent:
        point = ContactPoint.objects.get(patient=patient, system="email" if channel == "email" else "phone")
        Suppression.objects.create(
            practice=ways.practice, channel=channel, address_index=point.value_index, source="text"
        )
    visit = ways.book(VISIT, tell_patient=False)
    if kind == "rule":
        sweep(ways, clock, DUE)
    else:
        tell(visit, kind, by=ways.by)
    for message in Message.objects.filter(status="queued"):
        assert message.channel not in refused | silent
        assert message.channel == "call" or message.channel in agreed
        assert message.channel == "call" or preferred != "call"
        assert message.address in {"+15035550142", "m@example.org"}
        assert (
            message.channel == "email"
            or unusable == ""
            or (message.channel, unusable) == ("call", "landline")
        )
        assert ("Your care team" in message.body + message.subject) is neutral
        assert not (neutral and "Harbor Street" in message.body + message.subject)
    visit.refresh_from_db()
    Appointment.objects.all().update(status="cancelled")


def test_planning_writes_nothing(diary, clock):
    diary.book(VISIT)
    count = Message.objects.count()
    assert len(plan(active_rules(), since=DUE - HOUR, until=DUE, now=DUE - HOUR)) == 1
    assert Message.objects.count() == count
