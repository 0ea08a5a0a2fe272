"""Follow-ups: ordered in a visit, worked until booked, never lost."""

import datetime as dt
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging.models import Message, Suppression
from messaging.outbox import address_index
from patients.joining import join_records
from patients.models import Patient
from practices.models import AccessEvent, AuditEntry
from practices.tenancy import inside
from scheduling.booking import cancel_appointment, reschedule_appointment
from scheduling.due_list import count_to_do, due_list
from scheduling.flow import mark_noshow
from scheduling.followups import (
    FollowUpRefused,
    StaleFollowUp,
    ask_patient,
    book_follow_up,
    end_follow_up,
    is_booked,
    let_count,
    open_again,
    order_follow_up,
    put_off,
    undo_step,
)
from scheduling.models import Appointment, Change, FollowUp
from scheduling.refusals import TooLate
from scheduling.undo import undo_change
from tests.factories import a_type
from tests.scheduling.conftest import a_diary, a_texted_patient, at

HTMX = {"HTTP_HX_REQUEST": "true"}
PAGE_QUERIES = 28
TODAY = dt.date(2026, 11, 24)  # a Tuesday


def ordered(diary: Any, due: str = "2027-01-05", **given: Any) -> FollowUp:
    values = {
        "patient": diary.patient,
        "appointment_type": diary.kind,
        "practitioner": diary.osei,
        "due_on": dt.date.fromisoformat(due),
        "by": diary.by,
    }
    return order_follow_up(**(values | given))


def waits(row: FollowUp) -> bool:
    return FollowUp.objects.unbooked().filter(pk=row.pk).exists()


# The rule: when a row waits and when it does not.


def test_it_is_worked_on_two_weeks_before_its_earliest_day(diary, clock):
    row = ordered(diary)
    assert (row.counts_from, row.latest_on) == (dt.date(2026, 12, 29), dt.date(2027, 1, 12))
    assert row.work_from == dt.date(2026, 12, 15)
    assert count_to_do(diary.practice) == 0
    for day, group in (("12-14", "later"), ("12-15", "due"), ("01-12", "due"), ("01-13", "overdue")):
        year = 2027 if day.startswith("01") else 2026
        clock.move_to(dt.datetime.fromisoformat(f"{year}-{day}T15:00:00+00:00"))
        [shown] = due_list(diary.practice, private=False).groups
        assert shown.name == group, day
        assert count_to_do(diary.practice) == (group != "later")


@pytest.mark.parametrize(
    ("when", "who", "ends"),
    [
        ("2026-12-28 10:00", "osei", False),  # a day too early
        ("2026-12-29 10:00", "osei", True),
        ("2027-02-16 10:00", "osei", True),  # late is better than never
        ("2027-01-05 10:00", "chen", False),  # with somebody else
    ],
)
def test_a_visit_of_its_kind_clinician_and_days_ends_it(diary, when, who, ends):
    row = ordered(diary)
    diary.book(when, practitioner=getattr(diary, who))
    assert waits(row) is not ends


def test_without_a_clinician_anybody_ends_it(diary):
    row = ordered(diary, practitioner=None)
    diary.book("2027-01-05 10:00", practitioner=diary.chen)
    assert not waits(row)


def test_another_type_or_another_patient_ends_nothing(diary):
    row = ordered(diary)
    diary.book("2027-01-05 10:00", appointment_type=a_type(diary.practice, "Other", 15, [diary.osei]))
    diary.book("2027-01-05 11:00", patient=a_texted_patient(diary.practice, "Owen", "+15035550143"))
    assert waits(row)


def test_it_is_here_again_when_the_visit_is_cancelled_missed_or_taken_back(diary, clock):
    row = ordered(diary)
    visit = diary.book("2027-01-05 10:00")
    assert not waits(row)
    cancel_appointment(appointment=visit, version=visit.version, reason="pat", by=diary.by)
    assert waits(row)
    undo_change(change=Change.objects.get(kind="cancelled"), by=diary.by)
    assert not waits(row)
    visit.refresh_from_db()
    moved = reschedule_appointment(
        appointment=visit, version=visit.version, starts_at=at("2027-01-07 10:00"), by=diary.by
    )
    assert not waits(row), "a move keeps it ended"
    clock.move_to(at("2027-01-07 12:00"))
    missed = mark_noshow(appointment=moved, version=moved.version, by=diary.by)
    assert missed.status == "noshow"
    assert waits(row)


def test_a_visit_booked_for_it_ends_it_on_any_day_and_through_a_move(diary):
    row = ordered(diary)
    visit = book_follow_up(
        follow_up=row,
        version=row.version,
        practitioner=diary.chen,
        starts_at=at("2026-12-01 10:00"),
        by=diary.by,
    )
    assert visit.follow_up_id == row.pk
    assert not waits(row)
    moved = reschedule_appointment(
        appointment=visit, version=visit.version, starts_at=at("2026-12-02 10:00"), by=diary.by
    )
    assert moved.follow_up_id == row.pk
    assert not waits(row)
    undo_change(change=Change.objects.get(kind="moved"), by=diary.by)
    assert not waits(row)
    undo_change(change=Change.objects.get(kind="booked"), by=diary.by)
    assert waits(row)


def test_a_visit_that_was_booked_for_one_does_not_end_another(diary):
    first = ordered(diary)
    second = ordered(diary, "2027-07-06")
    book_follow_up(
        follow_up=second,
        version=1,
        practitioner=diary.osei,
        starts_at=at("2027-07-06 10:00"),
        by=diary.by,
    )
    assert waits(first)
    assert not waits(second)


def test_the_visit_it_was_ordered_in_does_not_end_it(diary, clock):
    visit = diary.book("2026-11-24 10:00")
    row = ordered(diary, "2026-11-27", visit=visit)
    assert row.counts_from == dt.date(2026, 11, 25)
    assert waits(row)


def test_nobody_waits_for_who_died_or_whose_record_was_joined(diary):
    row = ordered(diary)
    Patient.objects.filter(pk=diary.patient.pk).update(deceased=True)
    assert not waits(row)
    Patient.objects.filter(pk=diary.patient.pk).update(deceased=False)
    twin = a_texted_patient(diary.practice, "Marisol", "+15035550177")
    join_records(keep=twin, other=diary.patient, by=diary.by)
    row.refresh_from_db()
    assert row.patient_id == twin.pk
    assert waits(row), "it goes along to the record that stays"


# Ordering.


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"due_on": TODAY}, "Choose a day to come"),
        ({"due_on": dt.date(2033, 1, 1)}, "within five years"),
        ({"due_on": dt.date.max}, "within five years"),
        ({"tolerance_days": 5000}, "how much earlier or later"),
        ({"tolerance_days": -1}, "how much earlier or later"),
    ],
)
def test_days_that_make_no_sense_are_refused_in_words(diary, given, words):
    with pytest.raises(FollowUpRefused, match=words):
        ordered(diary, **given)
    assert not FollowUp.objects.exists()


def test_the_same_twice_is_refused_and_another_later_one_is_not(diary):
    ordered(diary)
    with pytest.raises(FollowUpRefused, match="ordered already, for around Jan 5"):
        ordered(diary, "2027-01-08")
    ordered(diary, "2027-07-05")
    ordered(diary, practitioner=diary.chen)
    assert FollowUp.objects.count() == 3


def test_a_visit_to_come_orders_nothing_and_a_record_not_in_use_neither(diary):
    with pytest.raises(FollowUpRefused, match="has not been yet"):
        ordered(diary, visit=diary.book("2026-11-25 10:00"))
    diary.patient.deceased = True
    with pytest.raises(FollowUpRefused, match="not in use"):
        ordered(diary)


def test_who_does_not_offer_it_is_named(diary):
    other = a_type(diary.practice, "Other", 15, [diary.chen])
    with pytest.raises(FollowUpRefused, match=r"Dr\. Osei does not offer Other"):
        ordered(diary, appointment_type=other)


# Asking.


def test_the_text_says_neither_what_for_nor_with_whom_and_leaves_after_the_undo_window(diary):
    row = ordered(diary, note="blood pressure")
    asked = ask_patient(follow_up=row, version=row.version, by=diary.by)
    message = Message.objects.get()
    assert message.kind == "recall"
    for secret in ("Follow-up", "Osei", "blood", "Jan"):
        assert secret not in message.body
    assert "/f/" in message.body
    assert message.send_after == at("2026-11-24 09:00") + diary.practice.undo_window
    assert asked.wait_until == dt.date(2026, 11, 29)
    [group] = due_list(diary.practice, private=False).groups
    assert group.name == "waiting"


def test_a_spanish_patient_reads_spanish(diary):
    maria = a_texted_patient(diary.practice, "María", "+15035550188", language="es")
    row = ordered(diary, patient=maria)
    ask_patient(follow_up=row, version=1, by=diary.by)
    assert "Elija la hora" in Message.objects.get().body


def test_who_waits_in_vain_is_here_again(diary, clock):
    row = ordered(diary, "2026-12-08")
    ask_patient(follow_up=row, version=1, by=diary.by)
    assert count_to_do(diary.practice) == 0
    clock.move_to(at("2026-11-29 09:00"))
    assert count_to_do(diary.practice) == 1


def test_who_may_not_be_written_to_is_to_be_called(diary):
    row = ordered(diary)
    Suppression.objects.create(
        practice=diary.practice,
        channel="sms",
        address_index=address_index("sms", "+15035550142"),
        source="text",
    )
    with pytest.raises(FollowUpRefused, match="Call instead"):
        ask_patient(follow_up=row, version=1, by=diary.by)
    assert not Message.objects.exists(), "not even a suppressed one is left behind"
    silent = a_texted_patient(diary.practice, "Owen", "+15035550143", preferred_channel="call")
    row = ordered(diary, patient=silent)
    with pytest.raises(FollowUpRefused, match="asked to be called"):
        ask_patient(follow_up=row, version=1, by=diary.by)


# Taking back, ending, opening again.


def test_each_step_is_taken_back_within_the_window(diary, clock):
    row = ordered(diary)
    asked = ask_patient(follow_up=row, version=row.version, by=diary.by)
    back = undo_step(follow_up=asked, version=asked.version, by=diary.by)
    assert (back.asked_at, back.wait_until, back.message_id) == (None, None, None)
    assert Message.objects.get().status == "cancelled"
    rests = put_off(follow_up=back, version=back.version, until=dt.date(2026, 12, 1), by=diary.by)
    back = undo_step(follow_up=rests, version=rests.version, by=diary.by)
    assert back.wait_until is None
    gone = end_follow_up(follow_up=back, version=back.version, reason="declined", by=diary.by)
    assert not waits(gone)
    back = undo_step(follow_up=gone, version=gone.version, by=diary.by)
    assert waits(back)
    assert (back.closed_at, back.closed_as, back.closed_by_id) == (None, "", None)
    with pytest.raises(TooLate):
        undo_step(follow_up=back, version=back.version, by=diary.by)


def test_an_order_is_taken_back_as_a_mistake(diary):
    row = ordered(diary)
    back = undo_step(follow_up=row, version=row.version, by=diary.by)
    assert back.closed_as == "error"
    assert not waits(back)


def test_after_the_window_nothing_is_taken_back_but_an_ended_one_is_opened_again(diary, clock):
    row = ordered(diary)
    gone = end_follow_up(follow_up=row, version=1, reason="not-needed", by=diary.by)
    clock.shift(diary.practice.undo_window + dt.timedelta(seconds=1))
    with pytest.raises(TooLate):
        undo_step(follow_up=gone, version=gone.version, by=diary.by)
    clock.shift(dt.timedelta(days=300))
    assert waits(open_again(follow_up=gone, version=gone.version, by=diary.by))


def test_a_visit_too_early_counts_when_somebody_says_so_and_not_any_more_when_taken_back(diary):
    row = ordered(diary)
    visit = diary.book("2026-12-10 10:00")
    assert waits(row)
    counted = let_count(follow_up=row, version=1, appointment=visit, by=diary.by)
    assert not waits(counted)
    back = undo_step(follow_up=counted, version=counted.version, by=diary.by)
    assert waits(back)
    assert Appointment.objects.get(pk=visit.pk).follow_up_id is None


def test_a_visit_of_somebody_else_does_not_count(diary):
    row = ordered(diary)
    theirs = diary.book(patient=a_texted_patient(diary.practice, "Owen", "+15035550143"))
    with pytest.raises(FollowUpRefused, match="cannot be the one"):
        let_count(follow_up=row, version=1, appointment=theirs, by=diary.by)


def test_the_second_of_two_is_told(diary):
    row = ordered(diary)
    ask_patient(follow_up=row, version=1, by=diary.by)
    for do in (ask_patient, lambda **k: end_follow_up(reason="declined", **k)):
        with pytest.raises(StaleFollowUp, match="Somebody else saw to this"):
            do(follow_up=row, version=1, by=diary.by)
    assert Message.objects.count() == 1


def test_what_is_booked_or_ended_is_neither_asked_nor_booked_again(diary):
    row = ordered(diary)
    diary.book("2027-01-05 10:00")
    assert is_booked(row)
    for do in (
        lambda: ask_patient(follow_up=row, version=1, by=diary.by),
        lambda: book_follow_up(
            follow_up=row, version=1, practitioner=diary.osei, starts_at=at("2027-01-06 10:00"), by=diary.by
        ),
    ):
        with pytest.raises(FollowUpRefused, match="booked for this already"):
            do()


def test_each_step_is_in_the_audit(diary):
    row = ordered(diary)
    ask_patient(follow_up=row, version=1, by=diary.by)
    verbs = AuditEntry.objects.filter(subject_id=row.pk).values_list("verb", flat=True)
    assert set(verbs) == {"follow-up.ordered", "follow-up.asked"}


# The pages.


@pytest.fixture
def desk(db: None, clock: Any) -> SimpleNamespace:
    made = a_diary()
    made.client = Client()
    made.client.force_login(made.dana.user)
    made.url = lambda name, *args: reverse(name, args=[made.practice.slug, *args])
    return made


def soon(desk: Any, due: str = "2026-12-01", **given: Any) -> FollowUp:
    with inside(desk.practice):
        return ordered(desk, due, **given)


def the_row(desk: Any, row: FollowUp) -> FollowUp:
    with inside(desk.practice):
        return FollowUp.objects.get(pk=row.pk)


def test_it_is_ordered_from_the_visit_in_one_dialog(desk):
    with inside(desk.practice):
        visit = desk.book("2026-11-24 10:00")
    panel = desk.client.get(desk.url("appointment", visit.pk), **HTMX).content.decode()
    address = desk.url("follow-up-order", visit.pk)
    assert address in panel
    dialog = desk.client.get(address, **HTMX).content.decode()
    assert "Again in" in dialog
    given = {
        "span": "6 weeks",
        "visit_type": desk.kind.pk,
        "clinician": desk.osei.pk,
        "tolerance": "14",
        "note": "Bring the diary",
    }
    answer = desk.client.post(address, given, **HTMX)
    assert answer.status_code == 204
    with inside(desk.practice):
        row = FollowUp.objects.get()
        assert (row.due_on, row.tolerance_days, row.note) == (dt.date(2027, 1, 5), 14, "Bring the diary")
        assert (row.visit, row.ordered_by) == (visit, desk.dana.user)
    panel = desk.client.get(desk.url("appointment", visit.pk), **HTMX).content.decode()
    assert "Follow-up ordered: Follow-up, Dr. Osei" in panel
    assert desk.url("follow-up-undo", row.pk) in panel


@pytest.mark.parametrize(
    ("typed", "due"),
    [
        ("in six weeks", "2027-01-05"),
        ("10 weeks", "2027-02-02"),
        ("3 months", "2027-02-24"),
        ("1/7", "2027-01-07"),
        ("March 3", "2027-03-03"),
    ],
)
def test_when_is_read_as_people_say_it(desk, typed, due):
    with inside(desk.practice):
        visit = desk.book("2026-11-24 10:00")
    given = {"when": typed, "visit_type": desk.kind.pk, "clinician": "", "tolerance": "7"}
    assert desk.client.post(desk.url("follow-up-order", visit.pk), given).status_code == 302
    with inside(desk.practice):
        assert FollowUp.objects.get().due_on == dt.date.fromisoformat(due)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"when": "whenever"}, "not a date"),
        ({"when": "yesterday"}, "Choose a day to come."),
        ({"when": "12/31/2099"}, "within five years"),
        ({"span": ""}, "Say when the patient is to come again."),
        ({"tolerance": "99999"}, "not one of the available choices"),
        ({"visit_type": "6d7f"}, "not one of the available choices"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field_and_kept(desk, given, words):
    with inside(desk.practice):
        visit = desk.book("2026-11-24 10:00")
    whole = {"span": "6 weeks", "visit_type": desk.kind.pk, "clinician": "", "tolerance": "7", "note": "Kept"}
    answer = desk.client.post(desk.url("follow-up-order", visit.pk), whole | given, **HTMX)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert 'value="Kept"' in answer.content.decode()


def test_the_list_books_in_one_press(desk):
    row = soon(desk)
    shown = desk.client.get(desk.url("follow-ups")).content.decode()
    assert "Book Tue, Dec 1, 8:00 AM" in shown
    slot = f"{desk.osei.pk}|2026-12-01T13:00Z"
    answer = desk.client.post(desk.url("follow-up-book", row.pk), {"version": 1, "slot": slot}, **HTMX)
    assert answer.status_code == 200
    assert f"due-{row.pk}" not in answer.content.decode()
    with inside(desk.practice):
        visit = Appointment.objects.get()
        assert (visit.starts_at, visit.follow_up_id) == (at("2026-12-01 08:00"), row.pk)
        assert Message.objects.get().kind == "confirmation"


def test_a_time_that_went_meanwhile_is_answered_with_the_next_ones(desk):
    row = soon(desk)
    with inside(desk.practice):
        desk.book("2026-12-01 08:00", patient=a_texted_patient(desk.practice, "Owen", "+15035550143"))
    slot = f"{desk.osei.pk}|2026-12-01T13:00Z"
    answer = desk.client.post(desk.url("follow-up-book", row.pk), {"version": 1, "slot": slot}, **HTMX)
    assert answer.status_code == 409
    assert "That time was just taken." in answer.content.decode()
    assert "2026-12-01T13:30Z" in answer.content.decode()


def test_a_patient_with_needs_is_offered_times_in_the_dialog_only(desk):
    with inside(desk.practice):
        desk.patient.needs = ["step-free"]
        desk.patient.save()
    soon(desk)
    shown = desk.client.get(desk.url("follow-ups")).content.decode()
    assert "Find a time" in shown
    assert "Book Tue" not in shown
    assert f"patient={desk.patient.pk}" in shown


def test_text_later_end_and_open_again_by_a_press(desk):
    row = soon(desk)
    press = lambda name, **data: desk.client.post(  # noqa: E731
        desk.url(name, row.pk), {"version": the_row(desk, row).version} | data, **HTMX
    )
    asked = press("follow-up-ask")
    assert "Waiting for an answer" in asked.content.decode()
    assert "Undo" in asked.content.decode()
    assert "Due" in press("follow-up-undo").content.decode()
    assert "Rests until" in press("follow-up-later", until="in 1 week").content.decode()
    assert press("follow-up-later", until="9/9/9999").status_code == 409
    ended = press("follow-up-end", reason="declined").content.decode()
    assert "The patient does not want it by Dana" in ended
    assert press("follow-up-end", reason="declined").status_code == 409
    assert "To be booked" in press("follow-up-open").content.decode()
    assert press("follow-up-end", reason="seen").status_code == 409, "nobody says by hand that it took place"


def test_a_stale_press_shows_the_row_as_it_is(desk):
    row = soon(desk)
    desk.client.post(desk.url("follow-up-ask", row.pk), {"version": 1}, **HTMX)
    answer = desk.client.post(desk.url("follow-up-ask", row.pk), {"version": 1}, **HTMX)
    assert answer.status_code == 409
    assert "Somebody else saw to this a moment ago." in answer.content.decode()


def test_without_scripts_a_press_goes_back_to_the_list(desk):
    row = soon(desk)
    answer = desk.client.post(desk.url("follow-up-ask", row.pk), {"version": 1})
    assert (answer.status_code, answer["Location"]) == (302, desk.url("follow-ups"))


def test_the_rail_counts_what_is_to_do(desk):
    soon(desk)
    soon(desk, "2027-06-01")
    shown = desk.client.get(desk.url("patients")).content.decode()
    assert 'id="count-follow-ups">1</span>' in shown


def test_the_record_shows_what_is_due_and_what_was(desk):
    row = soon(desk)
    address = desk.url("patient-follow-ups", desk.patient.pk)
    assert "To be booked" in desk.client.get(address).content.decode()
    assert address in desk.client.get(desk.url("patient", desk.patient.pk)).content.decode()
    with inside(desk.practice):
        desk.book("2026-12-01 10:00")
    assert "Booked" in desk.client.get(address).content.decode()
    with inside(desk.practice):
        assert AccessEvent.objects.filter(screen="follow-ups").exists()
        assert FollowUp.objects.get(pk=row.pk).closed_at is None


def test_privacy_hides_names_notes_and_numbers(desk):
    soon(desk, note="Blood pressure")
    desk.dana.user.privacy_mode = True
    desk.dana.user.save()
    shown = desk.client.get(desk.url("follow-ups")).content.decode()
    for secret in ("Vega", "Blood pressure", "555-0142", "5555550142", "+1503555"):
        assert secret not in shown
    assert "M. V." in shown


def test_one_row_and_twenty_cost_the_same_queries(desk):
    soon(desk)
    desk.client.get(desk.url("follow-ups"))

    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            desk.client.get(desk.url("follow-ups"))
        return len(queries)

    assert asked() == PAGE_QUERIES
    for number in range(20):
        patient = a_texted_patient(desk.practice, f"P{number}", f"+1503555{1000 + number}")
        soon(desk, patient=patient, note="x")
    assert asked() == PAGE_QUERIES


# Two who press at once.


@pytest.mark.django_db(transaction=True)
def test_two_who_book_at_once_make_one_visit():
    diary = a_diary()
    with inside(diary.practice):
        day = diary.practice.today() + dt.timedelta(days=7)
        row = ordered(diary, day.isoformat())
        ten = dt.datetime.combine(day, dt.time(10), diary.practice.zone)
    gate, results = threading.Barrier(2), []

    def press(hours: int) -> None:
        try:
            gate.wait()
            with inside(diary.practice):
                book_follow_up(
                    follow_up=row,
                    version=1,
                    practitioner=diary.osei if hours else diary.chen,
                    starts_at=ten + dt.timedelta(hours=hours),
                    by=diary.by,
                )
            results.append("booked")
        except StaleFollowUp:
            results.append("stale")
        finally:
            connections.close_all()

    run(press)
    assert sorted(results) == ["booked", "stale"]
    with inside(diary.practice):
        assert Appointment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_order_the_same_at_once_order_one():
    diary = a_diary()
    due = dt.date.today() + dt.timedelta(days=60)
    gate, results = threading.Barrier(2), []

    def press(_: int) -> None:
        try:
            gate.wait()
            with inside(diary.practice):
                ordered(diary, due.isoformat())
            results.append("ordered")
        except FollowUpRefused:
            results.append("refused")
        finally:
            connections.close_all()

    run(press)
    assert sorted(results) == ["ordered", "refused"]


def run(press: Any) -> None:
    threads = [threading.Thread(target=press, args=[number]) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
