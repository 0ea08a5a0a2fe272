"""The breaker of a line: when it opens, what rests, how it is tried, what happens after hours without it."""

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from messaging import delivery, lines, receipts
from messaging.models import DeskRules, LineState, Message, Task
from messaging.outcomes import NOT_CONNECTED, OUTCOMES, UNCERTAIN, Answer
from practices.models import Practice
from practices.tenancy import inside
from tests.factories import a_practice
from tests.messaging.conftest import PHONE, a_text, a_texting_patient, agree, stored

pytestmark = pytest.mark.django_db(transaction=True)

GOOD, REFUSED = Answer("accepted", supplier_id="SM1"), Answer("refused", verdict=NOT_CONNECTED)
SOON = dt.timedelta(days=2)


def hear(practice: Practice, *answers: Answer, channel: str = "sms") -> LineState | None:
    with inside(practice):
        state = LineState.objects.filter(channel=channel).first()
        was_out = state is not None and bool(state.reason)
        lines.heard(practice, channel, answers, was_out=was_out)
        practice.refresh_from_db()
        return LineState.objects.filter(channel=channel).first()


def test_while_all_is_well_nothing_is_written(practice):
    assert hear(practice, GOOD, GOOD) is None


@pytest.mark.parametrize("bad", [REFUSED, UNCERTAIN])
def test_five_failures_in_a_row_open_it_and_one_success_between_does_not(practice, bad):
    state = hear(practice, bad, bad)
    assert state is not None
    assert (state.reason, state.failures) == ("", 2)
    assert hear(practice, bad, GOOD).failures == 0
    assert hear(practice, bad, bad, bad, bad).reason == ""
    state = hear(practice, bad)
    assert state.reason
    assert practice.lines_out.keys() == {"sms"}
    assert dt.timedelta(0) < state.resting_until - timezone.now() <= lines.FIRST_PAUSE
    assert "Texts do not go out since" in lines.words_of(practice)


def test_each_probe_in_vain_makes_the_pause_longer_up_to_a_bound(practice):
    hear(practice, *[REFUSED] * 9)
    pauses = [hear(practice, REFUSED).resting_until - timezone.now() for _ in range(6)]
    minutes = [round(pause.total_seconds() / 60) for pause in pauses]
    assert minutes == [2, 4, 8, 15, 15, 15]


@pytest.mark.parametrize("code", ["30034", "20003"])
def test_a_refused_account_opens_it_at_once_and_a_success_closes_everything(practice, code):
    state = hear(practice, Answer("refused", code=code, verdict=OUTCOMES[code]))
    assert state.resting_until - timezone.now() > dt.timedelta(minutes=14)
    with inside(practice):
        assert Task.objects.open().get().once_key == "line:sms"
    state = hear(practice, GOOD)
    assert (state.reason, state.failures, state.resting_until) == ("", 0, None)
    assert practice.lines_out == {}
    with inside(practice):
        assert not Task.objects.open().exists()


def test_a_report_that_the_number_is_not_registered_opens_it_too(practice, supplier, patient):
    message = a_text(practice, patient)
    delivery.deliver_due(practice)
    with inside(practice):
        sid = stored(practice, message).supplier_id
        receipts.status_reported(message_id=message.pk, supplier_id=sid, status="undelivered", code="30034")
        assert LineState.objects.get().reason


def test_a_full_queue_only_slows_down(practice):
    state = hear(practice, Answer("refused", code="21611", verdict=OUTCOMES["21611"]))
    assert state.reason == ""
    assert state.resting_until - timezone.now() <= lines.FULL_QUEUE_PAUSE
    assert practice.lines_out == {}


def test_a_resting_line_is_not_claimed_and_mail_goes_on(practice, supplier, patient, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with inside(practice):
        patient.contact_points.create(practice=practice, system="email", value="m@example.org")
    agree(practice, patient, "email")
    hear(practice, *[REFUSED] * 5)
    text, mail = a_text(practice, patient), a_text(practice, patient, channel="email", subject="Hello")
    delivery.deliver_all(practice)
    assert (stored(practice, text).status, stored(practice, mail).status) == ("queued", "sent")
    assert supplier.ledger() == []


def test_one_message_probes_and_then_all_go(practice, supplier):
    people = [a_texting_patient(practice, f"+1503556{n:04d}", given=f"P{n}") for n in range(6)]
    for person in people:
        a_text(practice, person)
    hear(practice, *[REFUSED] * 5)
    with inside(practice):
        LineState.objects.update(resting_until=timezone.now())
    delivery.deliver_due(practice)
    assert len(supplier.ledger()) == 1
    delivery.deliver_all(practice)
    assert len(supplier.ledger()) == 6
    practice.refresh_from_db()
    assert practice.lines_out == {}


def test_what_is_uncertain_is_looked_up_before_anything_new_goes(practice, supplier, patient):
    doubt = a_text(practice, patient, "First.")
    supplier.fault("reset-after")
    delivery.deliver_due(practice)
    assert stored(practice, doubt).status == "uncertain"
    a_text(practice, patient, "Second.")
    hear(practice, *[REFUSED] * 5)
    with inside(practice):
        LineState.objects.update(resting_until=timezone.now())
    delivery.deliver_due(practice)
    assert stored(practice, doubt).status == "sent"
    assert [text["body"] for text in supplier.ledger()] == ["First."]
    delivery.deliver_all(practice)
    assert len(supplier.ledger()) == 2


def test_after_six_hours_without_the_supplier_nothing_stale_and_nothing_at_night(supplier, settings):
    practice = a_practice("cedar-park", time_zone="America/New_York")
    supplier.add_number(str(practice.line_number))
    patient = a_texting_patient(practice)
    base, settings.TWILIO_BASE_URL = settings.TWILIO_BASE_URL, "http://127.0.0.1:1"
    evening = dt.datetime(2026, 6, 10, 16, 0, tzinfo=practice.zone)
    with time_machine.travel(evening, tick=False) as clock:
        stale = a_text(practice, patient, "Stale.", useful_until=evening + dt.timedelta(hours=3))
        fresh = a_text(practice, patient, "Fresh.", useful_until=evening + SOON)
        others = [a_text(practice, patient, f"Fresh {n}.", useful_until=evening + SOON) for n in range(6)]
        for _ in range(6 * 12):  # every five minutes
            delivery.deliver_all(practice)
            clock.shift(dt.timedelta(minutes=5))
        practice.refresh_from_db()
        assert practice.lines_out
        settings.TWILIO_BASE_URL = base  # 22:00: back, but it is night
        for _ in range(12):
            delivery.deliver_all(practice)
            clock.shift(dt.timedelta(minutes=5))
        assert supplier.ledger() == []
        clock.move_to(evening.replace(hour=8, minute=0) + dt.timedelta(days=1))
        for _ in range(6):
            delivery.deliver_all(practice)
            clock.shift(dt.timedelta(minutes=5))
        assert (stored(practice, stale).status, stored(practice, stale).reason) == ("suppressed", "too_late")
        assert {stored(practice, one).status for one in (fresh, *others)} == {"sent"}
        assert sorted(text["body"] for text in supplier.ledger()) == sorted(
            ["Fresh.", *(f"Fresh {n}." for n in range(6))]
        )
        practice.refresh_from_db()
        assert practice.lines_out == {}


def reminder(practice: Practice, patient: object, **fields: object) -> Message:
    return a_text(
        practice, patient, kind="reminder", **({"useful_until": timezone.now() + 5 * SOON} | fields)
    )


def test_a_second_reminder_of_a_day_waits_and_a_fourth_of_a_week_too(practice, supplier, patient):
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        messages = [reminder(practice, patient) for _ in range(5)]
        for _ in range(4):
            delivery.deliver_all(practice)
            clock.shift(dt.timedelta(days=1))
        sent = [message for message in messages if stored(practice, message).status == "sent"]
        assert len(sent) == 3
        assert len(supplier.ledger()) == 3


def test_what_is_over_the_limit_and_worth_nothing_later_says_so(practice, supplier, patient):
    reminder(practice, patient)
    late = reminder(practice, patient, useful_until=timezone.now() + dt.timedelta(hours=20))
    delivery.deliver_all(practice)
    assert (stored(practice, late).status, stored(practice, late).reason) == ("suppressed", "over_cap")


@pytest.mark.parametrize(
    ("kind", "hours"),
    [("moved", 200), ("cancelled", 200), ("note", 200), ("missed-call", 20), ("confirmation", 20)],
)
def test_news_answers_and_what_comes_soon_are_not_held_back(practice, supplier, patient, kind, hours):
    reminder(practice, patient)
    useful = timezone.now() + dt.timedelta(hours=hours)
    news = a_text(practice, patient, kind=kind, useful_until=useful)
    delivery.deliver_all(practice)
    assert stored(practice, news).status == "sent"


def test_the_practice_sets_the_limits(practice, supplier, patient):
    with inside(practice):
        DeskRules.objects.create(practice=practice, most_a_day=2, most_a_week=2)
    messages = [reminder(practice, patient) for _ in range(3)]
    delivery.deliver_all(practice)
    assert [stored(practice, message).status for message in messages].count("sent") == 2


def test_filtered_texts_raise_an_alarm_above_two_in_a_hundred(practice, patient):
    messages = [a_text(practice, patient) for _ in range(50)]
    with inside(practice):
        Message.objects.update(status="sent", sent_at=timezone.now(), supplier_id="")
    for number, message in enumerate(messages[:2], start=1):
        with inside(practice):
            receipts.status_reported(
                message_id=message.pk, supplier_id=f"SM{number}", status="undelivered", code="30007"
            )
            alarms = Task.objects.open().filter(kind="line")
            assert alarms.exists() is (number == 2)


@pytest.mark.parametrize(
    ("status", "machine", "state", "reason"),
    [
        ("completed", False, "delivered", ""),
        ("completed", True, "undelivered", "voicemail"),
        ("busy", False, "undelivered", "busy_line"),
        ("no-answer", False, "undelivered", "no_answer"),
        ("failed", False, "undelivered", "no_connection"),
        ("ringing", False, "sent", ""),
    ],
)
def test_a_call_reports_what_came_of_it(practice, supplier, patient, status, machine, state, reason):
    message = a_text(practice, patient, channel="call", useful_until=timezone.now() + SOON)
    with inside(practice):
        Message.objects.filter(pk=message.pk).update(status="sent", supplier_id="CA1")
        receipts.call_reported(message_id=message.pk, supplier_id="CA1", status=status, machine=machine)
        again = list(Message.objects.filter(idempotency_key__contains="|again-"))
    row = stored(practice, message)
    assert (row.status, row.reason) == (state, reason)
    rings_again = reason in {"busy_line", "no_answer"}
    assert len(again) == rings_again
    if again:
        assert dt.timedelta(minutes=59) < again[0].send_after - timezone.now() <= dt.timedelta(hours=1)


def test_a_telephone_rings_three_times_at_most(practice, patient):
    message = a_text(practice, patient, channel="call", useful_until=timezone.now() + SOON)
    for number in range(4):
        with inside(practice):
            row = Message.objects.filter(status__in=["queued", "sent"]).order_by("created_at").last()
            if row is None:
                break
            Message.objects.filter(pk=row.pk).update(status="sent", supplier_id=f"CA{number}")
            receipts.call_reported(message_id=row.pk, supplier_id=f"CA{number}", status="no-answer")
    with inside(practice):
        assert Message.objects.filter(direction="out").count() == 3
        assert Task.objects.open().get(kind="undelivered").message.idempotency_key.endswith("|again-2")
    assert message.address == PHONE
