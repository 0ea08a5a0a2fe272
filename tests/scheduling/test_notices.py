"""What patients are told, when it is withdrawn, and reminders: each once, none after an answer."""

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.models import Message
from patients.models import Consent, ContactPoint
from practices.tenancy import inside
from scheduling.booking import cancel_appointment, confirm_appointment, reschedule_appointment
from scheduling.models import (
    Appointment,
    Change,
    Confirmation,
    Notice,
    ReminderRule,
    VisitLink,
)
from scheduling.notices import channel_for
from scheduling.reminders import follow_deliveries, queue_reminders
from scheduling.undo import undo_change
from tests.factories import a_patient, a_rule
from tests.scheduling.conftest import NOW, a_diary, at


def left(message, status=Message.Status.DELIVERED):
    """As if delivery had carried a message out."""
    message.status, message.sent_at = status, message.send_after
    message.save(update_fields=["status", "sent_at"])
    return message


def waiting(kind):
    return Message.objects.waiting().get(kind=kind)


def texted(diary, body_of="YES", phone="+15035550142", **fields):
    """An incoming text as the inbox stores it."""
    message = Message(
        practice=diary.practice,
        patient=diary.patient,
        contact_point=ContactPoint.objects.filter(patient=diary.patient).first(),
        direction="in",
        channel="sms",
        kind="inbound",
        status="received",
        address=phone,
        address_index=ContactPoint.index_for(diary.practice.pk, "phone", phone),
        body=body_of,
        idempotency_key=f"in:{Message.objects.count()}",
        **fields,
    )
    message.save(force_insert=True)
    return message


def test_the_confirmation_waits_for_the_undo_window(diary):
    visit = diary.book(reason="sore knee")
    message = waiting("confirmation")
    assert message.send_after == NOW + diary.practice.undo_window
    assert message.useful_until == visit.starts_at
    assert message.body.startswith("Harbor Street: ")
    assert "Wed, Nov 25 at 10:00 AM" in message.body
    assert "knee" not in message.body
    assert "Osei" not in message.body
    notice = Notice.objects.get(message=message)
    assert (notice.appointment, notice.kind, notice.version) == (visit, "confirmation", 1)


def test_the_link_in_the_text_is_stored_as_a_hash_only(diary):
    visit = diary.book()
    token = waiting("confirmation").body.rpartition("/v/")[2].rstrip("/")
    link = VisitLink.objects.get()
    assert token.startswith(diary.practice.link_code)
    assert link.token_hash == VisitLink.hash_of(token)
    assert link.expires_at == visit.ends_at


def test_patients_are_written_to_in_their_language(diary):
    diary.patient.language = "es"
    diary.patient.save()
    diary.book()
    assert "el miércoles 25 de noviembre a las 10:00 AM" in waiting("confirmation").body


def test_the_channel_follows_preference_and_consent(diary):
    ana = a_patient(diary.practice, "Ana", preferred_channel="email")
    assert channel_for(ana) is None
    ContactPoint.objects.create(practice=diary.practice, patient=ana, system="email", value="ana@example.com")
    assert channel_for(ana) is None
    Consent.objects.create(practice=diary.practice, patient=ana, channel="email", granted=True, how="phone")
    assert channel_for(ana) == "email"
    ana.preferred_channel = "sms"
    assert channel_for(ana) == "email"
    ana.preferred_channel = "call"
    assert channel_for(ana) is None
    assert channel_for(diary.patient) == "sms"


def test_who_may_not_be_written_to_is_not(diary):
    diary.book(patient=a_patient(diary.practice, "Ana", phone="+15035550143"))
    diary.book("2026-11-25 11:00", tell_patient=False)
    assert not Message.objects.exists()


def test_a_text_that_would_come_after_the_visit_is_not_queued(diary):
    diary.book("2026-11-24 09:00")
    assert not Message.objects.exists()


def test_a_move_within_the_window_tells_only_the_new_time(diary):
    old = diary.book()
    reschedule_appointment(appointment=old, version=1, starts_at=at("2026-11-26 14:00"), by=diary.by)
    assert Message.objects.get(kind="confirmation", status="cancelled")
    fresh = Message.objects.waiting().get()
    assert fresh.kind == "confirmation"
    assert "Thu, Nov 26 at 2:00 PM" in fresh.body


def test_whoever_heard_the_old_time_is_told_of_the_move(diary):
    old = diary.book()
    left(waiting("confirmation"))
    reschedule_appointment(appointment=old, version=1, starts_at=at("2026-11-26 14:00"), by=diary.by)
    assert "Thu, Nov 26 at 2:00 PM" in waiting("moved").body
    assert VisitLink.objects.get(appointment=old).revoked_at is not None


def test_a_move_of_a_move_still_corrects_what_was_heard_first(diary):
    first = diary.book()
    left(waiting("confirmation"))
    second = reschedule_appointment(
        appointment=first, version=1, starts_at=at("2026-11-26 14:00"), by=diary.by
    )
    reschedule_appointment(appointment=second, version=1, starts_at=at("2026-11-27 14:00"), by=diary.by)
    assert [m.kind for m in Message.objects.waiting()] == ["moved"]
    assert "Fri, Nov 27" in waiting("moved").body


def test_a_cancelled_visit_is_told_unless_only_the_patient_knew(diary):
    cancel_appointment(appointment=diary.book(), version=1, reason="pat", by=diary.by)
    assert not Message.objects.waiting().exists()
    cancel_appointment(appointment=diary.book(), version=1, reason="prov", by=diary.by)
    assert "Wed, Nov 25 at 10:00 AM" in waiting("cancelled").body


def test_a_move_taken_back_after_its_text_left_is_corrected(diary):
    old = diary.book()
    left(waiting("confirmation"))
    reschedule_appointment(appointment=old, version=1, starts_at=at("2026-11-26 14:00"), by=diary.by)
    left(waiting("moved"))
    undo_change(change=Change.objects.get(kind="moved"), by=diary.by)
    assert "Wed, Nov 25 at 10:00 AM" in waiting("moved").body


def reminded(diary, moment, days=(2,)):
    for number in days:
        if not ReminderRule.objects.filter(days_before=number).exists():
            a_rule(diary.practice, days_before=number)
    ReminderRule.objects.exclude(days_before__in=days).update(active=False)
    with time_machine.travel(moment, tick=False):
        return queue_reminders(diary.practice)


def test_a_reminder_goes_out_once_at_the_practices_time(diary):
    diary.book("2026-11-30 10:00")
    assert reminded(diary, at("2026-11-28 09:59")) == 0
    assert reminded(diary, at("2026-11-28 10:00")) == 1
    assert reminded(diary, at("2026-11-28 10:01")) == 0
    assert "Mon, Nov 30 at 10:00 AM" in waiting("reminder").body
    assert Notice.objects.get(kind="reminder-2d").version == 1


def test_a_change_of_version_does_not_remind_twice(diary):
    visit = diary.book("2026-11-30 10:00")
    assert reminded(diary, at("2026-11-28 10:00")) == 1
    Appointment.objects.filter(pk=visit.pk).update(version=7)
    assert reminded(diary, at("2026-11-28 10:05")) == 0


def test_a_missed_run_is_caught_up_within_a_day_and_not_later(diary):
    diary.book("2026-11-30 10:00")
    assert reminded(diary, at("2026-11-29 10:00")) == 0
    assert reminded(diary, at("2026-11-29 09:59")) == 1


def test_each_rule_reminds_by_itself(diary):
    diary.book("2026-12-01 10:00")
    assert reminded(diary, at("2026-11-28 10:00"), days=(3, 1)) == 1
    assert reminded(diary, at("2026-11-30 10:00"), days=(3, 1)) == 1
    assert set(Notice.objects.values_list("kind", flat=True)) >= {"reminder-1d", "reminder-3d"}


def test_nobody_is_reminded_who_answered_cancelled_or_booked_just_now(diary):
    confirmed = diary.book("2026-11-30 09:00")
    confirm_appointment(appointment=confirmed, how="phone", by=diary.by)
    cancel_appointment(appointment=diary.book("2026-11-30 10:00"), version=1, reason="pat", by=diary.by)
    with time_machine.travel(at("2026-11-28 10:30"), tick=False):
        diary.book("2026-11-30 11:00")
    assert reminded(diary, at("2026-11-28 10:31")) == 0


def test_a_waiting_reminder_is_withdrawn_with_the_answer(diary):
    visit = diary.book("2026-11-30 10:00")
    reminded(diary, at("2026-11-28 10:00"))
    confirm_appointment(appointment=visit, how="phone", by=diary.by)
    assert [m.kind for m in Message.objects.waiting()] == ["confirmation"]


@pytest.mark.parametrize("day", ["2026-11-01", "2027-03-14"])
def test_the_day_before_is_on_the_clock_on_clock_change_nights(db, day):
    sunday = dt.date.fromisoformat(day)
    with time_machine.travel(dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC), tick=False) as clock:
        diary = a_diary(reminder_days=[1], reminder_time=dt.time(20, 30))
        with inside(diary.practice):
            diary.book(
                starts_at=dt.datetime.combine(sunday, dt.time(16), diary.practice.zone),
                practitioner=diary.osei,
            )
            eve = dt.datetime.combine(sunday - dt.timedelta(days=1), dt.time(20, 30), diary.practice.zone)
            clock.move_to(eve - dt.timedelta(minutes=1))
            assert queue_reminders(diary.practice) == 0
            clock.move_to(eve)
            assert queue_reminders(diary.practice) == 1


@pytest.mark.parametrize("visits", [1, 9])
def test_candidates_are_found_in_the_same_queries_however_many_there_are(diary, visits):
    for place in range(visits):
        patient = a_patient(diary.practice, f"Ana{place}", phone=f"+1503555{place:04d}")
        diary.book(starts_at=at("2026-11-30 08:00") + dt.timedelta(minutes=30 * place), patient=patient,
                   overbook_reason="Full")  # fmt: skip
    with CaptureQueriesContext(connection) as seen:
        assert reminded(diary, at("2026-11-28 10:00")) == 0  # nobody agreed to texts
    assert len(seen) == 32  # two of them are this test’s own


def test_what_became_of_the_texts_is_carried_to_the_visits(diary):
    visit = diary.book()
    message = waiting("confirmation")
    steps = [
        (Message.Status.QUEUED, Confirmation.UNSENT),
        (Message.Status.SENT, Confirmation.SENT),
        (Message.Status.UNDELIVERED, Confirmation.UNDELIVERABLE),
        (Message.Status.DELIVERED, Confirmation.DELIVERED),
    ]
    for status, confirmation in steps:
        left(message, status)
        follow_deliveries()
        visit.refresh_from_db()
        assert (visit.confirmation, visit.version) == (confirmation, 1)
