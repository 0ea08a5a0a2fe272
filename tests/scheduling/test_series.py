"""A series: what is in the way of each date, booked whole or not at all, changed and taken back as one."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.models import Message
from practices.models import AuditEntry, Closure
from scheduling.batches import Move, cancel_visits, reschedule_visits
from scheduling.booking import cancel_appointment, reschedule_appointment
from scheduling.drafts import Slot
from scheduling.models import Appointment, Change, Series, Status, TimeOff
from scheduling.recurrence import BadRule
from scheduling.refusals import ChangedSince, DatesRefused, NotOpen, SlotTaken
from scheduling.series import book_series, dates_of, in_scope, shifted, visits_of, with_conflicts
from scheduling.undo import last_changes, undo_change
from tests.scheduling.conftest import anew, at

WEEKLY = "FREQ=WEEKLY;COUNT=8"
FIRST = "2026-12-01 09:00"
PREVIEW_QUERIES, BOOKING_QUERIES = 7, 30


def look(diary, when=FIRST, rule=WEEKLY):
    rows = dates_of(rule, Slot(diary.osei, at(when)))
    return with_conflicts(rows, diary.kind, diary.patient)


def book(diary, when=FIRST, rule=WEEKLY, **given):
    dates = [Slot(row.practitioner, row.starts_at) for row in dates_of(rule, Slot(diary.osei, at(when)))]
    values = {
        "patient": diary.patient,
        "appointment_type": diary.kind,
        "dates": dates,
        "rule": rule,
        "by": diary.by,
    }
    return book_series(**(values | given))


def waiting():
    return list(Message.objects.filter(status="queued").order_by("created_at"))


def test_a_weekly_nine_stays_nine_when_the_clocks_change(diary):
    rows = look(diary, "2027-02-23 09:00")
    assert {row.time for row in rows} == {dt.time(9)}
    assert [row.starts_at.hour for row in rows] == [14, 14, 14, 13, 13, 13, 13, 13]
    _, visits = book(diary, "2027-02-23 09:00")
    assert {visit.local_time for visit in visits} == {dt.time(9)}
    assert [visit.series_position for visit in visits] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_every_date_says_what_is_in_its_way(diary):
    diary.book("2026-12-08 09:15")
    day = dt.date(2026, 12, 15)
    Closure.objects.create(practice=diary.practice, first_day=day, last_day=day, reason="Founders’ day")
    TimeOff.objects.create(
        practice=diary.practice, practitioner=diary.osei, label="Training",
        starts_at=at("2026-12-22 08:00"), ends_at=at("2026-12-22 12:00"),
    )  # fmt: skip
    diary.osei.weekly_hours.filter(weekday=2).update(valid_until=dt.date(2027, 1, 6))
    diary.book("2027-01-05 09:00", practitioner=diary.chen)
    found = [(row.verdict.kind, row.verdict.words) for row in look(diary)]
    assert found == [
        ("", ""),
        ("taken", "Dr. Osei has another visit then."),
        ("closed", "The practice is closed that day: Founders’ day."),
        ("out", "Dr. Osei is out then: Training."),
        ("", ""),
        ("", ""),
        ("hours", "Dr. Osei does not work that day."),
        ("hours", "Dr. Osei does not work that day."),
    ]
    assert look(diary)[5].verdict.note == "The patient has a visit with Dr. Chen then."


def test_clock_change_nights_are_said_and_the_second_of_two_can_be_meant(diary):
    diary.osei.weekly_hours.all().delete()
    gap = dates_of("FREQ=WEEKLY;COUNT=3", Slot(diary.osei, at("2027-03-07 02:30")))
    assert [row.verdict.kind for row in gap] == ["", "gap", ""]
    assert gap[1].starts_at is None
    fold = dates_of("FREQ=WEEKLY;COUNT=3", Slot(diary.osei, at("2027-10-31 01:30") - dt.timedelta(hours=1)))
    assert [row.verdict.kind for row in fold] == ["", "twice", ""]
    assert [moment.hour for moment in fold[1].twice] == [5, 6]


def test_the_preview_asks_the_same_whether_two_dates_or_fifty(diary):
    for rule in ("FREQ=WEEKLY;COUNT=2", "FREQ=WEEKLY;COUNT=52"):
        rows = dates_of(rule, Slot(diary.osei, at(FIRST)))
        with CaptureQueriesContext(
            connection,
        ) as asked:
            with_conflicts(rows, diary.kind, diary.patient)
        assert len(asked) == PREVIEW_QUERIES


def test_a_series_is_booked_in_a_fixed_number_of_queries(diary):
    counts = []
    for when, rule in ((FIRST, "FREQ=WEEKLY;COUNT=2"), ("2026-12-01 10:00", "FREQ=WEEKLY;COUNT=52")):
        with anew(diary.practice), CaptureQueriesContext(connection) as asked:
            book(diary, when, rule)
        counts.append(len(asked))
    assert counts == [BOOKING_QUERIES, BOOKING_QUERIES]


def test_one_taken_date_refuses_all_and_says_which(diary):
    diary.book("2026-12-15 09:00")
    with pytest.raises(DatesRefused, match="1 of 8 times do not work") as refusal:
        book(diary)
    assert [verdict.kind for verdict in refusal.value.verdicts] == ["", "", "taken", "", "", "", "", ""]
    assert Appointment.objects.filter(series__isnull=False).count() == Series.objects.count() == 0
    assert not waiting()[1:]


def test_the_constraint_has_the_last_word_and_names_the_date(diary, monkeypatch):
    diary.book("2026-12-15 09:00")
    monkeypatch.setattr("scheduling.batches._check", lambda *_: None)
    with pytest.raises(DatesRefused) as refusal:
        book(diary)
    assert [verdict.kind for verdict in refusal.value.verdicts] == ["", "", "taken", "", "", "", "", ""]
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize(("number", "words"), [(1, "at least two"), (53, "at most 52")])
def test_too_few_and_too_many_dates_are_refused(diary, number, words):
    dates = [Slot(diary.osei, at(FIRST) + dt.timedelta(weeks=each)) for each in range(number)]
    with pytest.raises(BadRule, match=words):
        book(diary, dates=dates)


def test_dates_that_overlap_each_other_are_refused(diary):
    dates = [Slot(diary.osei, at(FIRST)), Slot(diary.osei, at("2026-12-01 09:15"))]
    with pytest.raises(DatesRefused) as refusal:
        book(diary, dates=dates)
    assert [verdict.kind for verdict in refusal.value.verdicts] == ["", "each-other"]


def test_one_text_tells_all_dates_and_a_long_list_its_first_and_last(diary):
    book(diary)
    [message] = waiting()
    assert "Dec 1, Dec 8, Dec 15, Dec 22, Dec 29, Jan 5, Jan 12 and Jan 19 at 9:00 AM" in message.body
    assert message.notices.count() == 8
    book(diary, "2026-12-01 10:00", "FREQ=WEEKLY;COUNT=52")
    assert "52 in all, first Dec 1 2026 10:00 AM, last Nov 23 2027 10:00 AM" in waiting()[-1].body


def test_a_date_that_moves_while_the_text_waits_is_in_the_new_text(diary):
    _, visits = book(diary)
    new = reschedule_appointment(
        appointment=visits[1], version=1, starts_at=at("2026-12-09 14:00"), by=diary.by
    )
    assert (new.series_id, new.series_position) == (visits[1].series_id, 2)
    cancel_appointment(appointment=visits[7], version=1, reason="pat", by=diary.by)
    [message] = waiting()
    assert "Dec 1 9:00 AM, Dec 9 2:00 PM, Dec 15 9:00 AM" in message.body
    assert "Jan 19" not in message.body
    [cancelled, moved] = last_changes(diary.dana.user)
    undo_change(change=cancelled, by=diary.by)
    undo_change(change=moved, by=diary.by)
    [message] = waiting()
    assert "Dec 1, Dec 8, Dec 15, Dec 22, Dec 29, Jan 5, Jan 12 and Jan 19 at 9:00 AM" in message.body


def test_a_series_is_taken_back_as_one(diary):
    book(diary)
    [change] = last_changes(diary.dana.user)
    assert change.size == 8
    undo_change(change=change, by=diary.by)
    assert set(Appointment.objects.values_list("status", flat=True)) == {Status.ENTERED_IN_ERROR}
    assert not waiting()
    assert not last_changes(diary.dana.user)
    book(diary)


def test_a_series_of_which_one_visit_was_changed_is_not_taken_back_in_part(diary):
    _, visits = book(diary)
    [change] = last_changes(diary.dana.user)
    reschedule_appointment(appointment=visits[3], version=1, starts_at=at("2026-12-23 09:00"), by=diary.by)
    with pytest.raises(ChangedSince, match="One of these"):
        undo_change(change=change, by=diary.by)
    assert Appointment.objects.active().count() == 8


def move(diary, visit, scope, when, person=None):
    rows = shifted(visit, in_scope(visit, scope), Slot(person or visit.practitioner, at(when)))
    moves = [Move(row.visit, row.visit.version, row.starts_at, row.practitioner) for row in rows]
    return reschedule_visits(moves=moves, by=diary.by)


def stand(series):
    return [f"{visit.local_date:%m-%d} {visit.local_time:%H:%M}" for visit in visits_of(series.pk)]


def test_this_and_the_later_ones_move_by_a_week_over_each_other(diary):
    series, visits = book(diary, rule="FREQ=WEEKLY;COUNT=4")
    move(diary, visits[1], "later", "2026-12-15 09:00")
    assert stand(series) == ["12-01 09:00", "12-15 09:00", "12-22 09:00", "12-29 09:00"]
    [moved] = last_changes(diary.dana.user)
    assert moved.size == 3
    undo_change(change=moved, by=diary.by)
    assert stand(series) == ["12-01 09:00", "12-08 09:00", "12-15 09:00", "12-22 09:00"]


def test_all_move_to_another_time_of_day_and_clinician(diary):
    series, visits = book(diary, rule="FREQ=WEEKLY;COUNT=4")
    move(diary, visits[2], "all", "2026-12-15 14:30", diary.chen)
    assert stand(series) == ["12-01 14:30", "12-08 14:30", "12-15 14:30", "12-22 14:30"]
    assert {visit.practitioner_id for visit in visits_of(series.pk)} == {diary.chen.pk}


def test_a_move_of_all_is_refused_whole_when_one_date_is_taken(diary):
    series, visits = book(diary, rule="FREQ=WEEKLY;COUNT=4")
    diary.book("2026-12-15 14:30")
    with pytest.raises(DatesRefused) as refusal:
        move(diary, visits[0], "all", "2026-12-01 14:30")
    assert [verdict.kind for verdict in refusal.value.verdicts] == ["", "", "taken", ""]
    assert stand(series) == ["12-01 09:00", "12-08 09:00", "12-15 09:00", "12-22 09:00"]


def test_a_visit_that_somebody_changed_comes_back_to_the_preview(diary):
    _, visits = book(diary, rule="FREQ=WEEKLY;COUNT=4")
    rows = shifted(visits[0], in_scope(visits[0], "all"), Slot(diary.osei, at("2026-12-01 14:30")))
    reschedule_appointment(appointment=visits[2], version=1, starts_at=at("2026-12-16 09:00"), by=diary.by)
    with pytest.raises(DatesRefused) as refusal:
        reschedule_visits(
            moves=[Move(row.visit, row.visit.version, row.starts_at, row.practitioner) for row in rows],
            by=diary.by,
        )
    assert [verdict.kind for verdict in refusal.value.verdicts] == ["", "", "changed", ""]


def test_what_is_over_or_has_begun_stays_when_all_are_changed(diary, clock):
    _, visits = book(diary, rule="FREQ=WEEKLY;COUNT=4")
    clock.move_to(at("2026-12-08 12:00"))
    assert [visit.series_position for visit in in_scope(visits[3], "all")] == [3, 4]
    clock.move_to(at("2027-01-08 12:00"))
    with pytest.raises(NotOpen, match="still to come"):
        in_scope(visits[3], "all")


def test_this_and_later_are_cancelled_with_one_text_and_taken_back(diary):
    series, visits = book(diary, rule="FREQ=WEEKLY;COUNT=4")
    Message.objects.update(status="delivered")
    gone = in_scope(visits[1], "later")
    cancel_visits(visits=[(one, one.version) for one in gone], reason="prov", by=diary.by)
    [message] = waiting()
    assert "Dec 8, Dec 15 and Dec 22 at 9:00 AM will not take place" in message.body
    change = last_changes(diary.dana.user)[0]
    assert change.size == 3
    undo_change(change=change, by=diary.by)
    assert not waiting()
    assert stand(series) == ["12-01 09:00", "12-08 09:00", "12-15 09:00", "12-22 09:00"]
    assert {visit.status for visit in visits_of(series.pk)} == {Status.BOOKED}


def test_cancelling_is_not_taken_back_in_part_when_one_time_was_given_away(diary):
    _, visits = book(diary, rule="FREQ=WEEKLY;COUNT=4")
    cancel_visits(visits=[(one, one.version) for one in visits], reason="pat", by=diary.by)
    change = last_changes(diary.dana.user)[0]
    diary.book("2026-12-15 09:00")
    with pytest.raises(SlotTaken, match="December 15 at 9:00 AM was given away"):
        undo_change(change=change, by=diary.by)
    assert Appointment.objects.active().count() == 1


def test_the_audit_names_the_series_and_each_visit(diary):
    series, _ = book(diary, rule="FREQ=WEEKLY;COUNT=4")
    assert AuditEntry.objects.get(verb="series.booked").subject_id == series.pk
    assert AuditEntry.objects.filter(verb="appointment.booked").count() == 4
    assert Change.objects.filter(batch__isnull=False).count() == 4
