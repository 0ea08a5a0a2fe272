"""What patients write is stored, acted on once, and never left without a person when it is unclear."""

import datetime as dt

import pytest
from django.utils import timezone

from messaging import inbox
from messaging.models import Message, Suppression, Task
from messaging.staff_tasks import NotAColleague, hand_over_task, in_office_time, open_task, snooze_task
from patients.contacts import consent_state
from practices.audit import SYSTEM
from practices.models import AuditEntry, OfficeHours
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_user, an_actor
from tests.messaging.conftest import PHONE, a_text, a_texting_patient

pytestmark = pytest.mark.django_db

heard: list[tuple[str, str]] = []


def claim_yes(message: Message, reading: str) -> bool:
    heard.append((str(message.pk), reading))
    return reading == "yes"


def claim_nothing(message: Message, reading: str) -> bool:
    heard.append(("nothing", reading))
    return False


def break_down(message: Message, reading: str) -> bool:
    Message.objects.filter(pk=message.pk).update(error_code="half")
    raise RuntimeError("a fault in an app above")


def undo_reply(message: Message, by: object) -> None:
    heard.append((str(message.pk), "undone"))


HERE = "tests.messaging.test_inbox"


@pytest.fixture(autouse=True)
def handlers(settings):
    heard.clear()
    settings.REPLY_HANDLERS = [f"{HERE}.claim_nothing", f"{HERE}.claim_yes"]


def write(practice, body, sid="SM1", from_=PHONE, **more):
    with inside(practice):
        return inbox.receive(supplier_id=sid, from_=from_, body=body, **more)


def open_tasks(practice):
    with inside(practice):
        return list(Task.objects.open())


def test_a_claimed_yes_needs_nobody_and_handlers_are_asked_in_order(practice, patient):
    message = write(practice, "Yes!")
    assert heard == [("nothing", "yes"), (str(message.pk), "yes")]
    assert (message.reading, message.needs_person) == ("yes", False)
    assert open_tasks(practice) == []


def test_a_handler_that_fails_loses_no_text_and_writes_nothing(practice, patient, settings):
    settings.REPLY_HANDLERS = [f"{HERE}.break_down"]
    message = write(practice, "Yes!")
    with inside(practice):
        message.refresh_from_db()
    assert (message.needs_person, message.error_code) == (True, "")
    assert [task.kind for task in open_tasks(practice)] == ["answer"]


def test_what_nobody_claims_goes_to_a_person_within_half_an_hour(practice, patient):
    message = write(practice, "No")
    assert message.needs_person
    (task,) = open_tasks(practice)
    assert (task.kind, task.message_id, task.patient_id) == ("answer", message.pk, patient.pk)
    assert task.due_at - timezone.now() < dt.timedelta(minutes=31)


def test_an_unclear_text_is_never_answered_by_a_machine(practice, patient):
    message = write(practice, "Can I bring my sister?")
    assert (message.reading, message.needs_person) == ("unclear", True)
    assert heard == []
    with inside(practice):
        assert not Message.objects.filter(direction="out").exists()


def test_several_texts_of_one_number_are_one_task_and_one_answer_settles_them(practice, patient):
    write(practice, "Hello?", "SM1")
    last = write(practice, "Anybody there?", "SM2")
    assert len(open_tasks(practice)) == 1
    staff = an_actor(a_member(practice))
    with inside(practice):
        answer = inbox.answer_message(message=last, body="Yes, how can we help?", by=staff)
        assert answer.status == "queued"
        assert answer.ignores_quiet_hours
        assert not Message.objects.to_read().exists()
        assert Task.objects.get().outcome == "answered"


@pytest.mark.parametrize("phones_of", [0, 2])
def test_a_number_of_nobody_or_of_several_is_not_guessed(practice, phones_of):
    for n in range(phones_of):
        a_texting_patient(practice, PHONE, given=f"P{n}")
    message = write(practice, "yes")
    assert message.patient is None
    with inside(practice):
        assert len(inbox.candidates(message)) == phones_of


@pytest.mark.parametrize("word", ["STOP", "Parar", "unsubscribe", "opt out", "Stop please"])
def test_stop_silences_at_once_and_takes_back_what_waits(practice, patient, word):
    waiting = a_text(practice, patient, send_after=timezone.now() + dt.timedelta(days=1))
    write(practice, word)
    with inside(practice):
        assert Suppression.objects.get(lifted_at=None).source == "text"
        assert Message.objects.get(pk=waiting.pk).status == "cancelled"
        assert not consent_state(patient, "sms")
    assert a_text(practice, patient).reason == "opted_out"
    assert open_tasks(practice) == []


@pytest.mark.parametrize(
    ("word", "ours"), [("STOP", 0), ("CANCEL", 0), ("opt out", 0), ("PARAR", 1), ("alto", 1)]
)
def test_an_opt_out_is_confirmed_once_by_the_carrier_or_by_us(practice, patient, word, ours):
    write(practice, word)
    with inside(practice):
        answers = list(Message.objects.filter(kind="reply"))
        assert len(answers) == ours
        assert all(answer.status == "queued" for answer in answers)


def test_cancel_stops_texts_and_leaves_a_suggestion(practice, patient):
    write(practice, "CANCEL")
    (task,) = open_tasks(practice)
    assert (task.kind, task.urgency) == ("cancel", Task.Urgency.SOON)
    assert a_text(practice, patient).reason == "opted_out"


def test_start_opens_again_and_counts_as_consent(practice, patient):
    write(practice, "STOP", "SM1")
    write(practice, "start", "SM2")
    with inside(practice):
        assert not Suppression.objects.filter(lifted_at=None).exists()
    assert a_text(practice, patient).status == "queued"


def test_help_names_practice_and_phone_at_any_hour(practice, patient):
    write(practice, "HELP")
    with inside(practice):
        answer = Message.objects.get(kind="reply")
    assert practice.public_name in answer.body
    assert "(503) 555-" in answer.body
    assert (answer.status, answer.ignores_quiet_hours) == ("queued", True)


@pytest.mark.parametrize("kind", ["HELP", "STOP", "START"])
def test_what_the_supplier_answered_is_not_answered_twice(practice, patient, kind):
    message = write(practice, kind, opt_out_type=kind)
    assert message.reading == kind.lower()
    with inside(practice):
        assert not Message.objects.filter(kind="reply").exists()


def test_yes_to_a_stopped_number_is_both_a_start_and_a_yes(practice, patient):
    write(practice, "STOP", "SM1")
    message = write(practice, "YES", "SM2", opt_out_type="START")
    assert message.reading == "yes"
    assert (str(message.pk), "yes") in heard
    assert a_text(practice, patient).status == "queued"


def test_please_no_more_pauses_texts_until_a_person_decides(practice, patient):
    message = write(practice, "please stop texting me")
    assert a_text(practice, patient).reason == "opted_out"
    (task,) = open_tasks(practice)
    assert task.urgency == Task.Urgency.SOON
    staff = an_actor(a_member(practice))
    with inside(practice):
        assert inbox.is_paused(message)
        inbox.decide_opt_out(message=message, stop_texts=False, by=staff)
    assert a_text(practice, patient).status == "queued"
    assert open_tasks(practice) == []


def test_a_person_may_decide_that_texts_stop(practice, patient):
    message = write(practice, "please stop texting me")
    with inside(practice):
        inbox.decide_opt_out(message=message, stop_texts=True, by=an_actor(a_member(practice)))
        assert Suppression.objects.get(lifted_at=None).source == "staff"
    assert a_text(practice, patient).reason == "opted_out"


def test_a_possible_emergency_comes_first(practice, patient):
    write(practice, "hello")
    write(practice, "I have chest pain", "SM2")
    (task,) = open_tasks(practice)
    assert task.urgency == Task.Urgency.EMERGENCY
    assert task.due_at <= timezone.now()


def test_pictures_are_for_a_person_whatever_stands_beside_them(practice, patient):
    assert write(practice, "yes", media=1).needs_person


def test_a_reading_is_undone_in_one_step(practice, patient):
    message = write(practice, "yes")
    with inside(practice):
        inbox.undo_reading(message=message, by=an_actor(a_member(practice)))
        inbox.undo_reading(message=message, by=SYSTEM)
        message.refresh_from_db()
        assert message.needs_person
        assert message.reading_undone_at is not None
        assert AuditEntry.objects.filter(verb="message.reading-undone").count() == 1
    assert heard[-1] == (str(message.pk), "undone")
    assert heard.count((str(message.pk), "undone")) == 1
    assert len(open_tasks(practice)) == 1


def test_undoing_a_stop_lets_texts_go_on(practice, patient):
    message = write(practice, "end")
    with inside(practice):
        inbox.undo_reading(message=message, by=an_actor(a_member(practice)))
    assert a_text(practice, patient).status == "queued"


def test_an_answer_to_a_stopped_number_is_refused_and_leaves_the_text_open(practice, patient):
    write(practice, "Hello?", "SM1")
    message = write(practice, "what time", "SM2")
    with inside(practice):
        Suppression.objects.create(
            practice=practice, channel="sms", address_index=message.address_index, source="text"
        )
        assert inbox.answer_message(message=message, body="At 3.", by=SYSTEM).reason == "opted_out"
        assert Message.objects.to_read().count() == 2


def test_someone_without_consent_who_asks_may_be_answered(practice):
    a_patient(practice, phone=PHONE)
    message = write(practice, "what time do you open?")
    with inside(practice):
        assert inbox.answer_message(message=message, body="At 8.", by=SYSTEM).status == "queued"


def test_hostile_words_are_stored_as_they_are(practice, patient):
    for n, body in enumerate(
        ["\x00", "<script>", "'; drop", "{{7*7}}", "\u202etxet", "x" * 10_000, "👨‍👩‍👧" * 50]
    ):
        message = write(practice, body, f"SMx{n}")
        with inside(practice):
            assert Message.objects.get(pk=message.pk).body == body[:4_000]


def test_due_times_skip_the_hours_nobody_answers(practice):
    with inside(practice):
        for day in range(1, 6):
            OfficeHours.objects.create(practice=practice, weekday=day, opens=dt.time(8), closes=dt.time(17))
        friday = dt.datetime(2026, 6, 12, 16, 50, tzinfo=practice.zone)
        assert in_office_time(practice, 30, friday) == dt.datetime(2026, 6, 15, 8, 20, tzinfo=practice.zone)
        noon = dt.datetime(2026, 6, 10, 12, tzinfo=practice.zone)
        assert in_office_time(practice, 30, noon) == noon + dt.timedelta(minutes=30)


def test_a_task_is_one_per_cause_and_goes_only_to_colleagues(practice):
    member, now = a_member(practice), timezone.now()
    with inside(practice):
        task = open_task(kind="call", due_at=now, once_key="call:1", by=SYSTEM)
        assert open_task(kind="call", due_at=now, once_key="call:1", by=SYSTEM).pk == task.pk
        with pytest.raises(NotAColleague):
            hand_over_task(task=task, owner=a_user("stranger@x.example"), due_at=now, by=SYSTEM)
        handed = hand_over_task(task=task, owner=member.user, due_at=now, by=an_actor(member))
        assert handed.owner == member.user
        later = now + dt.timedelta(hours=1)
        assert snooze_task(task=task, until=later, by=SYSTEM).snoozed_until == later
