"""Every answer the supplier can give, and what the row, the number and the queue look like afterwards."""

import datetime as dt
import threading
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from messaging import delivery, email, lines, outcomes, sms, storing
from messaging.models import LineState, Message, Suppression, Task
from messaging.outbox import withdraw_messages
from messaging.outcomes import Answer, Then, verdict
from patients.models import Patient
from practices.audit import SYSTEM
from practices.models import Practice
from practices.tenancy import inside
from tests.factories import a_practice
from tests.messaging.conftest import PHONE, a_text, a_texting_patient, agree, stored, the_phone

pytestmark = pytest.mark.django_db(transaction=True)

SOON = dt.timedelta(days=3)


def tasks(practice: Practice) -> list[Task]:
    with inside(practice):
        return list(Task.objects.open())


def settle(practice: Practice, rounds: int = 8) -> None:
    """Works until nothing is due; the waits of these tests are zero."""
    for _ in range(rounds):
        delivery.deliver_due(practice)


def test_an_accepted_text_is_sent_with_its_words_and_its_callback(practice, supplier, patient):
    message = a_text(
        practice, patient, "See you Monday.", useful_until=timezone.now() + dt.timedelta(hours=2)
    )
    assert delivery.deliver_due(practice) == 1
    row = stored(practice, message)
    assert (row.status, row.attempts, row.claim) == ("sent", 1, None)
    (taken,) = supplier.ledger()
    assert (taken["to"], taken["body"], taken["sid"]) == (PHONE, "See you Monday.", row.supplier_id)
    callback = f"/hooks/twilio/{practice.slug}/status/{message.pk}/#rc=3&rp=all"
    assert taken["status_callback"].endswith(callback)
    assert 7_000 < taken["validity_period"] <= 7_200


def test_a_text_that_cannot_be_read_fails_alone(practice, supplier, patient):
    lost, fine = a_text(practice, patient, "Lost."), a_text(practice, patient, "Fine.")
    with inside(practice), connections["default"].cursor() as cursor:
        # Sealed for another row: it opens here as little as one whose key is gone.
        cursor.execute(
            "UPDATE messaging_message SET body = other.body FROM messaging_message other"
            " WHERE other.id = %s AND messaging_message.id = %s",
            [fine.pk, lost.pk],
        )
    settle(practice)
    with inside(practice):
        assert Message.objects.values_list("status", "reason").get(pk=lost.pk) == ("failed", "unreadable")
    assert stored(practice, fine).status == "sent"
    assert [taken["body"] for taken in supplier.ledger()] == ["Fine."]
    (task,) = tasks(practice)
    assert (task.kind, task.message_id) == ("undelivered", lost.pk)


@pytest.mark.parametrize(
    ("kind", "reason", "unusable"),
    [("landline", "landline", "landline"), ("invalid", "no_such_number", "no such number")],
)
def test_a_bad_number_is_marked_and_left_to_a_person(practice, supplier, patient, kind, reason, unusable):
    supplier.set_phone(PHONE, kind)
    message = a_text(practice, patient)
    settle(practice)
    row = stored(practice, message)
    assert (row.status, row.reason, row.attempts) == ("failed", reason, 1)
    assert the_phone(practice, patient).unusable == unusable
    (task,) = tasks(practice)
    assert task.kind == "undelivered"
    assert "Call instead" in task.note
    assert a_text(practice, patient).reason == "no_address"


def test_a_carrier_opt_out_is_remembered_and_nothing_more_is_tried(practice, supplier, patient):
    supplier.write(PHONE, str(practice.line_number), "STOP")
    later = a_text(practice, patient, send_after=timezone.now() + SOON)
    message = a_text(practice, patient)
    settle(practice)
    assert (stored(practice, message).status, stored(practice, message).reason) == ("failed", "opted_out")
    assert stored(practice, later).status == "cancelled"
    with inside(practice):
        assert Suppression.objects.get().source == "supplier"
    assert a_text(practice, patient).reason == "opted_out"
    assert supplier.ledger() == []


@pytest.mark.parametrize("kind", ["429", "503", "500", "500-after", "hang-after", "reset-after", "garbage"])
def test_after_each_fault_the_patient_has_exactly_one_text(practice, supplier, patient, kind):
    supplier.fault(kind, seconds=0.8)
    message = a_text(practice, patient)
    delivery.deliver_due(practice)
    first = stored(practice, message)
    assert first.status == ("queued" if kind == "429" else "uncertain")
    with inside(practice):
        Message.objects.filter(status="queued").update(send_after=timezone.now())  # what 429 asked for
    settle(practice)
    assert stored(practice, message).status == "sent"
    assert len(supplier.ledger()) == 1


@pytest.mark.parametrize("kind", ["500-after", "hang-after", "reset-after"])
def test_without_reconciling_the_same_faults_send_twice(practice, supplier, patient, settings, kind):
    """The control: it is the reconciling that keeps the second text from going."""
    settings.SWITCHED_OFF = frozenset({"reconcile"})
    supplier.fault(kind, seconds=0.8)
    a_text(practice, patient)
    settle(practice)
    assert len(supplier.ledger()) == 2


def test_an_uncertain_text_is_looked_up_twice_before_it_goes_again(practice, supplier, patient):
    supplier.fault("reset-before")
    message = a_text(practice, patient)
    delivery.deliver_due(practice)
    for reconciliations in (1, 0):  # the second look sends it back to the queue
        assert supplier.ledger() == []
        delivery.deliver_due(practice)
        assert stored(practice, message).reconciliations == reconciliations
    assert stored(practice, message).status == "queued"
    delivery.deliver_due(practice)
    assert len(supplier.ledger()) == 1


def test_the_grace_is_waited_for(practice, supplier, patient, settings):
    settings.DELIVERY_GRACE_SECONDS = 60
    supplier.fault("500-after")
    message = a_text(practice, patient)
    settle(practice)
    assert stored(practice, message).status == "uncertain"
    with time_machine.travel(timezone.now() + dt.timedelta(seconds=61)):
        delivery.deliver_due(practice)
    assert stored(practice, message).status == "sent"


def test_an_uncertain_text_is_told_from_an_equal_one_that_is_known(practice, supplier, patient):
    first = a_text(practice, patient, "Please call us.")
    delivery.deliver_due(practice)
    supplier.fault("reset-before")
    second = a_text(practice, patient, "Please call us.")
    settle(practice)
    assert stored(practice, second).supplier_id != stored(practice, first).supplier_id
    assert len(supplier.ledger()) == 2


def never_resting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a line that was found not to work be tried at once; `test_lines` waits for it."""
    monkeypatch.setattr(lines, "LONGEST_PAUSE", dt.timedelta(0))
    monkeypatch.setattr(lines, "FULL_QUEUE_PAUSE", dt.timedelta(0))


def test_when_the_supplier_stays_silent_a_person_decides_and_nothing_is_sent_again(
    practice, supplier, patient, monkeypatch
):
    never_resting(monkeypatch)
    supplier.faults([{"kind": "500-after"}, {"kind": "503", "on": "list", "rate": 1}])
    message = a_text(practice, patient)
    settle(practice, rounds=30)
    row = stored(practice, message)
    assert (row.status, row.claimed_until) == ("uncertain", None)
    assert {task.kind for task in tasks(practice)} == {"uncertain", "line"}
    assert len(supplier.ledger()) == 1


def test_a_refused_connection_is_retried_and_given_up_at_the_ceiling(
    practice, supplier, patient, settings, monkeypatch
):
    settings.TWILIO_BASE_URL = "http://127.0.0.1:1"
    monkeypatch.setattr(storing, "CEILING", 3)
    message = a_text(practice, patient)
    settle(practice)
    row = stored(practice, message)
    assert (row.status, row.reason, row.attempts) == ("failed", "gave_up", 3)
    assert [task.kind for task in tasks(practice)] == ["undelivered"]


def test_a_busy_supplier_is_given_the_time_it_asks_for(practice, supplier, patient):
    supplier.fault("429", seconds=30)
    message = a_text(practice, patient)
    delivery.deliver_due(practice)
    row = stored(practice, message)
    assert row.status == "queued"
    assert row.send_after - timezone.now() > dt.timedelta(seconds=25)


def test_pauses_double_with_jitter_and_end_at_a_bound(settings):
    settings.DELIVERY_BACKOFF_SECONDS = 2
    for attempts, least, most in ((1, 2, 3), (2, 4, 6), (5, 32, 48), (19, 1200, 1800)):
        pause = storing.pause_before(attempts, None).total_seconds()
        assert least <= pause <= most


def test_a_refused_account_stops_every_text_of_the_practice_and_tells_it_once(
    practice, supplier, patient, settings
):
    settings.TWILIO_AUTH_TOKEN = "wrong"
    messages = [a_text(practice, patient) for _ in range(12)]
    settle(practice)
    rows = [stored(practice, message) for message in messages]
    assert {row.status for row in rows} == {"queued"}
    with inside(practice):
        line = LineState.objects.get(channel="sms")
    assert line.resting_until > timezone.now() + dt.timedelta(minutes=14)
    assert [task.once_key for task in tasks(practice)] == ["line:sms"]


@pytest.mark.parametrize(
    ("code", "status", "then"),
    [
        ("20429", 429, Then.RETRY), ("", 429, Then.RETRY), ("21611", 400, Then.RETRY),
        ("20500", 500, Then.RECONCILE), ("", 502, Then.RECONCILE), ("20503", 503, Then.RECONCILE),
        ("21211", 400, Then.BAD_NUMBER), ("21614", 400, Then.BAD_NUMBER),
        ("30005", 0, Then.BAD_NUMBER), ("30006", 0, Then.BAD_NUMBER), ("21610", 400, Then.OPTED_OUT),
        ("30003", 0, Then.AGAIN_LATER), ("30001", 0, Then.AGAIN_LATER), ("30007", 0, Then.STOP),
        ("30034", 0, Then.BREAK), ("20003", 401, Then.BREAK), ("", 401, Then.BREAK),
        ("99999", 400, Then.STOP), ("", 404, Then.STOP),
    ],
)  # fmt: skip
def test_the_outcome_map(code, status, then):
    assert verdict(code, status).then is then


@pytest.mark.parametrize("line", [*outcomes.OUTCOMES.values(), outcomes.UNKNOWN, outcomes.NOT_CONNECTED])
def test_no_answer_of_the_supplier_is_repeated_for_ever(practice, patient, monkeypatch, settings, line):
    settings.DELIVERY_BACKOFF_SECONDS = settings.DELIVERY_GRACE_SECONDS = 0.0
    monkeypatch.setattr(storing, "CEILING", 3)
    never_resting(monkeypatch)
    calls: list[str] = []

    def answer(*_: Any, **fields: Any) -> Answer:
        calls.append(fields["to"])
        return Answer("refused", code="x", verdict=line)

    monkeypatch.setattr(sms, "send", answer)
    message = a_text(practice, patient)
    settle(practice, rounds=12)
    assert 1 <= len(calls) <= 3
    assert stored(practice, message).status == "failed"
    assert line.then is Then.OPTED_OUT or tasks(practice) or line.then is Then.AGAIN_LATER


def test_a_late_acceptance_of_a_lost_lease_is_stored_and_never_sent_again(
    practice, supplier, patient, settings
):
    message = a_text(practice, patient)
    with inside(practice):
        batch = delivery.claim(practice, 10)
    with inside(practice):  # another worker took the row over, and is asking the supplier
        Message.objects.filter(pk=message.pk).update(status="queued", claim=None, claimed_until=None)
        delivery.keep(practice, [(batch.parcels[0], Answer("accepted", supplier_id="SMlate"))])
    settle(practice)
    row = stored(practice, message)
    assert (row.status, row.supplier_id) == ("sent", "SMlate")
    assert supplier.ledger() == []


def test_a_sender_that_slept_past_its_lease_does_not_send(practice, supplier, patient, settings):
    settings.DELIVERY_LEASE_SECONDS = 0.1
    message = a_text(practice, patient)
    delivery.deliver_due(practice)
    assert supplier.ledger() == []
    assert (stored(practice, message).status, stored(practice, message).attempts) == ("queued", 0)


def test_two_workers_never_send_the_same_text(practice, supplier):
    people = [a_texting_patient(practice, f"+1503556{n:04d}", given=f"P{n}") for n in range(30)]
    for person in people:
        a_text(practice, person)
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        delivery.deliver_all(practice)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(text["to"] for text in supplier.ledger()) == [f"+1503556{n:04d}" for n in range(30)]


def test_what_changed_since_it_was_queued_stops_a_text(practice, supplier):
    def one(number: int) -> tuple[Patient, Message]:
        person = a_texting_patient(practice, f"+1503557{number:04d}", given=f"P{number}")
        return person, a_text(practice, person, useful_until=timezone.now() + SOON)

    (died, to_dead), (refused, to_refused), (gone, to_gone), (_, withdrawn), (_, late) = map(one, range(5))
    with inside(practice):
        died.deceased = True
        died.save()
        point = gone.contact_points.get()
        point.unusable = "landline"
        point.save()
        withdraw_messages(messages=Message.objects.filter(pk=withdrawn.pk), reason="moved", by=SYSTEM)
        Message.objects.filter(pk=late.pk).update(useful_until=timezone.now())
    agree(practice, refused, granted=False)
    settle(practice)
    fates = [
        (row.status, row.reason)
        for row in (stored(practice, m) for m in (to_dead, to_refused, to_gone, withdrawn, late))
    ]
    assert fates == [
        ("suppressed", "deceased"),
        ("suppressed", "no_consent"),
        ("suppressed", "no_address"),
        ("cancelled", "moved"),
        ("suppressed", "too_late"),
    ]
    assert supplier.ledger() == []


@pytest.mark.parametrize(
    ("clock", "leaves"),
    [("07:59:59", False), ("08:00:00", True), ("20:59:59", True), ("21:00:00", False), ("03:00:00", False)],
)
def test_nothing_leaves_in_the_quiet_hours_though_it_was_queued_before(supplier, clock, leaves):
    practice = a_practice("cedar-park", time_zone="America/Chicago")
    supplier.add_number(str(practice.line_number))
    patient = a_texting_patient(practice)
    moment = dt.datetime.combine(dt.date(2026, 6, 10), dt.time.fromisoformat(clock), tzinfo=practice.zone)
    message = a_text(practice, patient, send_after=moment)
    with inside(practice):
        Message.objects.filter(pk=message.pk).update(send_after=moment)
    with time_machine.travel(moment):
        delivery.deliver_due(practice)
        assert bool(supplier.ledger()) is leaves
        row = stored(practice, message)
        assert row.status == ("sent" if leaves else "queued")
        assert leaves or not practice.is_quiet(row.send_after)


def test_an_answer_may_leave_at_night(supplier):
    practice = a_practice("cedar-park", quiet_from=dt.time(0), quiet_until=dt.time(23, 59, 59))
    supplier.add_number(str(practice.line_number))
    patient = a_texting_patient(practice)
    a_text(practice, patient, ignores_quiet_hours=True)
    delivery.deliver_due(practice)
    assert len(supplier.ledger()) == 1


def test_mail_leaves_with_our_id_and_an_answer_address(practice, supplier, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = supplier.smtp_host, supplier.smtp_port
    settings.EMAIL_HOST_USER, settings.EMAIL_USE_TLS = "", False
    patient = a_texting_patient(practice)
    with inside(practice):
        patient.contact_points.create(practice=practice, system="email", value="m.vega@example.org")
    agree(practice, patient, "email")
    message = a_text(practice, patient, channel="email", subject="Your appointment at Harbor Street")
    delivery.deliver_due(practice)
    assert stored(practice, message).status == "sent"
    (mail,) = supplier.mails("m.vega@example.org")
    assert practice.email_sender in str(mail["sender"])
    assert mail["subject"] == "Your appointment at Harbor Street"


def test_a_mail_server_that_is_away_is_tried_again(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    answer = email.send(
        sender="a@b.example", sender_name="B", to="c@d.example", subject="x", body="y", identity="1"
    )
    assert (answer.outcome, answer.verdict.then) == ("refused", Then.RETRY)


def test_a_sender_that_mail_cannot_carry_is_a_refusal_and_no_exception():
    answer = email.send(
        sender="a@praxis-köln.example", sender_name="B", to="c@d.example", subject="x", body="y", identity="1"
    )
    assert answer.outcome in {"refused", "accepted"}


def test_looking_when_nothing_is_due_costs_one_query_per_practice(practice, django_assert_max_num_queries):
    with django_assert_max_num_queries(4):  # begin, practice setting, the look, commit
        assert delivery.deliver_due(practice) == 0


def test_the_supplier_is_never_called_inside_a_transaction(practice, patient, monkeypatch):
    seen: list[bool] = []

    def answer(*_: Any, **__: Any) -> Answer:
        from django.db import connection

        seen.append(connection.in_atomic_block)
        return Answer("accepted", supplier_id="SM1")

    monkeypatch.setattr(delivery, "AT_ONCE", 1)
    monkeypatch.setattr(delivery, "ThreadPoolExecutor", InThisThread)
    monkeypatch.setattr(sms, "send", answer)
    a_text(practice, patient)
    delivery.deliver_due(practice)
    assert seen == [False]


class InThisThread:
    """Runs what a pool would run, where the test can see its transaction."""

    def __init__(self, max_workers: int) -> None:
        pass

    def __enter__(self) -> "InThisThread":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, function: Any, *args: Any) -> Any:
        from concurrent.futures import Future

        future: Any = Future()
        future.set_result(function(*args))
        return future
