"""What answers do to visits: where it is plain which is meant; else asked by number; undone by a click."""

import datetime as dt

import pytest

from messaging import inbox
from messaging.models import Message, Task
from patients.models import Consent
from practices.models import AuditEntry
from scheduling.answers import handle_reply, undo_reply
from scheduling.booking import cancel_appointment, confirm_appointment, reschedule_appointment
from scheduling.models import Appointment, Confirmation, Status
from tests.scheduling.conftest import NOW, a_texted_patient, at
from tests.scheduling.test_notices import left, texted, waiting

PHONE = "+15035550142"
_number = iter(range(1, 10_000))


def write(body, phone=PHONE):
    """A text as it comes by the webhook, with all that follows from it."""
    return inbox.receive(supplier_id=f"SM{next(_number)}", from_=phone, body=body)


def ask(visit):
    """As if the confirmation of a visit had arrived."""
    return left(Message.objects.waiting().get(notices__appointment=visit))


def question():
    return Message.objects.filter(kind="reply").latest("created_at")


def deliver(message, clock):
    clock.shift(1)
    message.status, message.sent_at = Message.Status.DELIVERED, message.send_after
    message.save(update_fields=["status", "sent_at"])
    clock.shift(1)
    return message


@pytest.fixture
def family(diary, clock):
    """One phone, two children, two visits that were asked about; texts that may name them."""
    diary.practice.own_words = {"reminder": {"sms": {"en": {"body": "$practice: $name, $date at $time"}}}}
    diary.practice.save()
    ana = diary.book("2026-11-25 09:00", patient=a_texted_patient(diary.practice, "Ana"))
    ask(ana)
    clock.shift(60)
    leo = diary.book("2026-11-25 09:30", patient=a_texted_patient(diary.practice, "Leo"))
    ask(leo)
    clock.shift(60)
    Appointment.objects.update(confirmation=Confirmation.DELIVERED)
    return ana, leo


def confirmations(*visits):
    return [Appointment.objects.get(pk=visit.pk).confirmation for visit in visits]


def test_a_mothers_yes_for_two_children_is_asked_back(family, clock):
    message = write("Yes")
    assert confirmations(*family) == ["delivered", "delivered"]
    assert not message.needs_person
    asked = question()
    assert asked.body == (
        "Harbor Street: which one do you mean? "
        "Reply 1 for Ana Wed 9:00 AM, 2 for Leo Wed 9:30 AM, 3 for both."
    )
    assert (asked.status, asked.in_reply_to, asked.patient) == ("queued", message, None)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("1", ["confirmed", "delivered"]),
        ("2", ["delivered", "confirmed"]),
        ("3", ["confirmed", "confirmed"]),
        ("Both", ["confirmed", "confirmed"]),
        ("los dos", ["confirmed", "confirmed"]),
        ("1 y 2", ["confirmed", "confirmed"]),
        ("1 and 2 please", ["confirmed", "confirmed"]),
        ("yes both", ["confirmed", "confirmed"]),
        ("the first", ["confirmed", "delivered"]),
        ("1️⃣", ["confirmed", "delivered"]),
    ],
)
def test_the_number_applies_the_yes_to_the_chosen_visits(family, clock, words, expected):
    write("Yes")
    asked = deliver(question(), clock)
    message = write(words)
    assert (message.reading, message.in_reply_to) == ("choice", asked)
    assert confirmations(*family) == expected
    assert not Task.objects.open().exists()
    assert Message.objects.filter(kind="reply").count() == 2  # the question, and one thanks


@pytest.mark.parametrize(
    "words",
    [
        "4",
        "yes",
        "1 or 2",
        "not 1",
        "1?",
        "12",
        "1 and 3",
        "Ana",
        "no",
        "1 minute",
        "0",
        "the second one later",
    ],
)
def test_what_is_unclear_again_is_for_a_person_and_not_asked_twice(family, clock, words):
    write("Yes")
    deliver(question(), clock)
    message = write(words)
    assert message.needs_person
    assert confirmations(*family) == ["delivered", "delivered"]
    assert Message.objects.filter(kind="reply").count() == 1
    assert [task.kind for task in Task.objects.open()] == ["answer"]


def test_a_question_is_answered_once(family, clock):
    write("Yes")
    deliver(question(), clock)
    write("1")
    clock.shift(5)
    message = write("2")
    assert message.needs_person
    assert confirmations(*family) == ["confirmed", "delivered"]


def test_a_question_expires(family, clock):
    write("Yes")
    deliver(question(), clock)
    later = NOW + dt.timedelta(days=5)
    Appointment.objects.update(
        starts_at=later, ends_at=later + dt.timedelta(hours=1), overbook_reason="both at one time"
    )
    clock.shift(dt.timedelta(hours=25))
    assert write("1").needs_person
    assert "confirmed" not in confirmations(*family)


def test_a_number_without_a_question_says_nothing(family):
    message = write("1")
    assert (message.reading, message.needs_person) == ("unclear", True)


def test_a_visit_that_was_moved_meanwhile_is_not_confirmed_by_its_number(family, clock, diary):
    ana, leo = family
    write("Yes")
    deliver(question(), clock)
    reschedule_appointment(
        appointment=ana,
        version=ana.version,
        starts_at=at("2026-11-27 10:00"),
        tell_patient=False,
        by=diary.by,
    )
    assert write("3").needs_person
    assert confirmations(leo) == ["delivered"]


def test_the_choice_is_undone_by_one_click(family, clock, diary):
    write("Yes")
    deliver(question(), clock)
    message = write("both")
    inbox.undo_reading(message=message, by=diary.by)
    assert confirmations(*family) == ["delivered", "delivered"]
    assert [task.kind for task in Task.objects.open()] == ["answer"]


def test_a_no_for_one_of_two_opens_the_suggestion_for_that_one(family, clock):
    write("No")
    deliver(question(), clock)
    write("2")
    assert confirmations(*family) == ["delivered", "declined"]
    task = Task.objects.open().get()
    assert (task.kind, task.appointment_id) == ("cancel", family[1].pk)


def test_texts_that_name_nobody_ask_by_time_only(family, diary):
    diary.practice.own_words = {}
    diary.practice.save()
    write("Yes")
    assert "1 for Wed 9:00 AM, 2 for Wed 9:30 AM, 3 for both" in question().body


def test_who_asked_for_a_neutral_name_is_not_named(family, diary):
    family[0].patient.neutral_name = True
    family[0].patient.save()
    write("Yes")
    assert "1 for Wed 9:00 AM, 2 for Leo Wed" in question().body


def test_spanish_households_are_asked_in_spanish(family):
    for visit in family:
        visit.patient.language = "es"
        visit.patient.save()
    write("Sí")
    assert question().body == (
        "Harbor Street: ¿cual de ellas? "
        "Responda 1 para Ana mie 9:00 AM, 2 para Leo mie 9:30 AM, 3 para las dos."
    )


def test_visits_that_cannot_be_told_apart_are_for_a_person(diary, clock):
    """Two children at the same time with two clinicians, and texts that name nobody."""
    for given, who in (("Ana", diary.osei), ("Leo", diary.chen)):
        ask(diary.book("2026-11-25 09:00", patient=a_texted_patient(diary.practice, given), practitioner=who))
        clock.shift(60)
    assert write("Yes").needs_person
    assert not Message.objects.filter(kind="reply").exists()


def test_two_visits_of_one_patient_are_asked_back_too(diary, clock):
    for when in ("2026-11-25 09:00", "2026-11-26 14:00"):
        ask(diary.book(when))
        clock.shift(60)
    message = write("Yes")
    assert (message.patient, message.needs_person) == (diary.patient, False)
    assert "1 for Wed 9:00 AM, 2 for Thu 2:00 PM" in question().body


def test_a_single_visit_is_confirmed_as_before(diary):
    visit = diary.book()
    ask(visit)
    write("Yes")
    assert confirmations(visit) == ["confirmed"]


@pytest.mark.parametrize(
    "words", ["cancel my appt", "I need to cancel", "Quiero cancelar mi cita", "can’t make it"]
)
def test_a_wish_to_cancel_opens_the_suggestion_and_cancels_nothing(diary, words):
    visit = diary.book()
    ask(visit)
    message = write(words)
    visit.refresh_from_db()
    assert (visit.status, visit.confirmation) == (Status.BOOKED, Confirmation.DECLINED)
    task = Task.objects.open().get()
    assert (task.kind, task.appointment_id, task.message) == ("cancel", visit.pk, message)


def test_a_wish_to_cancel_out_of_the_blue_is_about_the_only_visit_to_come(diary):
    visit = diary.book(tell_patient=False)
    write("please cancel my appointment")
    assert confirmations(visit) == ["declined"]
    diary.book("2026-11-26 10:00", tell_patient=False)
    Appointment.objects.filter(pk=visit.pk).update(confirmation="unsent")
    assert write("cancel my appointment").needs_person


def test_another_time_is_wished_for_and_a_person_answers(diary):
    visit = diary.book()
    ask(visit)
    message = write("can I come Thursday instead?")
    visit.refresh_from_db()
    assert (message.reading, message.needs_person) == ("new-time", False)
    assert (visit.status, visit.confirmation) == (Status.BOOKED, Confirmation.CHANGE_REQUESTED)
    task = Task.objects.open().get()
    assert (task.kind, task.message, task.note) == ("new-time", message, "can I come Thursday instead?")
    inbox.undo_reading(message=message, by=diary.by)
    assert confirmations(visit) == ["unsent"]
    assert [task.kind for task in Task.objects.open()] == ["answer"]


@pytest.mark.parametrize("words", ["here", "I’m outside", "Llegué"])
def test_here_marks_the_only_visit_of_this_hour_as_arrived(diary, words):
    visit = diary.book("2026-11-24 10:00", tell_patient=False)
    diary.book("2026-11-25 10:00", tell_patient=False)
    message = write(words)
    visit.refresh_from_db()
    assert (visit.status, visit.arrived_at) == (Status.ARRIVED, NOW)
    assert not message.needs_person
    inbox.undo_reading(message=message, by=diary.by)
    visit.refresh_from_db()
    assert (visit.status, visit.arrived_at) == (Status.BOOKED, None)
    assert AuditEntry.objects.filter(verb="appointment.answer-undone").exists()


@pytest.mark.parametrize("case", ["later today", "two of them", "tomorrow", "nobody", "arrived already"])
def test_here_without_exactly_one_visit_is_for_a_person(diary, case):
    if case == "later today":
        diary.book("2026-11-24 13:00", tell_patient=False)
    if case == "two of them":
        diary.book("2026-11-24 10:00", tell_patient=False)
        diary.book("2026-11-24 10:30", patient=a_texted_patient(diary.practice, "Leo"), tell_patient=False)
    if case == "tomorrow":
        diary.book("2026-11-25 09:00", tell_patient=False)
    if case == "arrived already":
        visit = diary.book("2026-11-24 10:00", tell_patient=False)
        Appointment.objects.filter(pk=visit.pk).update(status=Status.ARRIVED)
    assert write("here", phone="+15035550199" if case == "nobody" else PHONE).needs_person
    assert not Appointment.objects.filter(arrived_at__isnull=False).exists()


def test_running_late_is_known_at_the_desk_and_on_the_visit_and_moves_nothing(diary):
    visit = diary.book("2026-11-24 10:00", tell_patient=False, note="Bring forms")
    message = write("running 10 late")
    visit.refresh_from_db()
    assert visit.note == "Running late, about 10 min (texted 9:00 AM).\nBring forms"
    assert (visit.status, visit.starts_at) == (Status.BOOKED, at("2026-11-24 10:00"))
    task = Task.objects.open().get()
    assert (task.kind, task.appointment_id, task.message) == ("follow-up", visit.pk, message)
    assert task.note.startswith("Running late, about 10 min. Tell Dr. Osei")
    second = write("voy tarde 25 min")
    visit.refresh_from_db()
    assert visit.note == "Running late, about 25 min (texted 9:00 AM).\nBring forms"
    assert Task.objects.open().get().message == second
    inbox.undo_reading(message=second, by=diary.by)
    visit.refresh_from_db()
    assert visit.note == "Bring forms"
    assert [task.kind for task in Task.objects.open()] == ["answer"]


def test_late_for_no_visit_is_for_a_person(diary):
    assert write("running late").needs_person


@pytest.mark.parametrize("case", ["moved", "cancelled", "over"])
def test_an_answer_after_a_move_is_for_a_person(diary, case, clock):
    visit = diary.book("2026-11-24 13:00", tell_patient=False)
    asked = diary.book("2026-11-25 10:00")
    ask(asked)
    if case == "moved":
        reschedule_appointment(
            appointment=asked, version=1, starts_at=at("2026-11-27 10:00"), tell_patient=False, by=diary.by
        )
    if case == "cancelled":
        cancel_appointment(appointment=asked, version=1, reason="prov", tell_patient=False, by=diary.by)
    if case == "over":
        clock.shift(dt.timedelta(days=2))
    message = write("yes")
    assert message.needs_person
    assert "confirmed" not in confirmations(visit, asked)


def press(diary, digit, status=Message.Status.SENT):
    """A key in an automatic call about the visit that was asked about."""
    asked = Message.objects.get(kind="confirmation")
    asked.channel, asked.status = "call", status
    asked.save(update_fields=["channel", "status"])
    return inbox.key_pressed(message=asked, digit=digit, by=diary.by)


def test_key_one_confirms_once(diary):
    visit = diary.book()
    first, again = press(diary, "1"), press(diary, "1")
    assert (first.pk, first.reading, first.channel) == (again.pk, "yes", "call")
    visit.refresh_from_db()
    assert (visit.confirmation, visit.confirmed_by) == ("confirmed", "phone")
    assert not Message.objects.filter(kind="reply").exists()  # the voice says thank you, no text does
    inbox.undo_reading(message=first, by=diary.by)
    assert confirmations(visit) == ["unsent"]


def test_key_two_asks_for_another_time_and_key_nine_for_a_person(diary):
    visit = diary.book()
    press(diary, "2")
    assert confirmations(visit) == ["change_requested"]
    assert press(diary, "5") is None


def test_key_nine_leaves_the_rest_to_the_telephone(diary):
    visit = diary.book()
    assert press(diary, "9").reading == "person"
    assert confirmations(visit) == ["unsent"]
    assert not Task.objects.open().exists()


def test_a_key_about_a_visit_that_was_moved_goes_to_a_person(diary):
    visit = diary.book()
    left(waiting("confirmation"))
    reschedule_appointment(
        appointment=visit, version=1, starts_at=at("2026-11-27 10:00"), tell_patient=False, by=diary.by
    )
    assert press(diary, "1").needs_person


def test_consent_is_untouched_by_all_this(diary):
    before = Consent.objects.count()
    write("here")
    write("yes")
    assert Consent.objects.count() == before


@pytest.mark.parametrize("reading", ["yes", "no", "cancel", "new-time"])
def test_an_undone_reading_takes_nothing_from_who_changed_the_visit_since(diary, reading):
    visit = diary.book()
    left(waiting("confirmation"))
    message = texted(diary)
    assert handle_reply(message, reading)
    visit.refresh_from_db()
    if reading == "yes":
        cancel_appointment(appointment=visit, version=visit.version, reason="prov", by=diary.by)
    else:
        confirm_appointment(appointment=visit, how="phone", by=diary.by)
    undo_reply(message, diary.by)
    visit.refresh_from_db()
    assert (visit.status, visit.confirmation) in [("cancelled", "confirmed"), ("booked", "confirmed")]


def test_a_yes_confirms_and_is_thanked_once(diary):
    visit = diary.book()
    asked = left(waiting("confirmation"))
    for _ in range(2):
        message = texted(diary)
        assert handle_reply(message, "yes")
        assert message.in_reply_to == asked
    visit.refresh_from_db()
    assert (visit.confirmation, visit.confirmed_by) == (Confirmation.CONFIRMED, "text")
    thanks = Message.objects.get(kind="reply")
    assert thanks.ignores_quiet_hours
    assert "Wed, Nov 25 at 10:00 AM" in thanks.body
    entry = AuditEntry.objects.get(verb="appointment.confirmed")
    assert (entry.actor_kind, entry.door) == ("patient", "text")


@pytest.mark.parametrize("reading", ["yes", "no"])
def test_a_reading_that_is_undone_leaves_the_visit_as_it_was(diary, reading):
    visit = diary.book()
    left(waiting("confirmation"))
    message = texted(diary)
    assert handle_reply(message, reading)
    undo_reply(message, diary.by)
    visit.refresh_from_db()
    assert (visit.confirmation, visit.confirmed_at, visit.confirmed_by) == (Confirmation.UNSENT, None, "")
    assert not Task.objects.open().exists()


def test_a_no_is_noted_and_a_person_decides(diary):
    visit = diary.book()
    left(waiting("confirmation"))
    assert handle_reply(texted(diary, "NO"), "no")
    visit.refresh_from_db()
    assert (visit.status, visit.confirmation) == (Status.BOOKED, Confirmation.DECLINED)
    task = Task.objects.get()
    assert (task.kind, task.appointment_id) == ("cancel", visit.pk)
    assert Message.objects.filter(kind="reply").count() == 1
    assert not handle_reply(texted(diary), "yes")


def test_what_is_left_of_two_questions_is_for_a_person(diary, clock):
    """A household: two children, one number."""
    diary.book()
    left(waiting("confirmation"))
    clock.shift(60)  # rows of one frozen millisecond have no order
    leo = a_texted_patient(diary.practice, "Leo")
    second = diary.book("2026-11-25 10:30", patient=leo)
    left(waiting("confirmation"))
    confirm_appointment(appointment=second, how="phone", by=diary.by)
    assert not handle_reply(texted(diary), "yes")  # the last question was about Leo


@pytest.mark.parametrize(
    "case", ["never asked", "a week ago", "cancelled", "over", "another number", "unclear"]
)
def test_without_exactly_one_open_question_nothing_is_claimed(diary, clock, case):
    visit = diary.book("2026-12-09 10:00")
    asked = waiting("confirmation")
    phone, reading = "+15035550142", "yes"
    if case != "never asked":
        left(asked)
    if case == "a week ago":
        clock.shift(dt.timedelta(days=7, hours=1))
    if case == "cancelled":
        cancel_appointment(appointment=visit, version=1, reason="prov", by=diary.by)
    if case == "over":
        Appointment.objects.filter(pk=visit.pk).update(starts_at=NOW - dt.timedelta(hours=2))
    if case == "another number":
        phone = "+15035550199"
    if case == "unclear":
        reading = "unclear"
    assert not handle_reply(texted(diary, phone=phone), reading)
    assert not Appointment.objects.filter(confirmation="confirmed").exists()


def test_the_control_one_open_question_is_claimed(diary):
    diary.book("2026-12-09 10:00")
    left(waiting("confirmation"))
    assert handle_reply(texted(diary), "yes")
