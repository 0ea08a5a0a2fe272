"""The steps of a day and taking things back."""

import datetime as dt

import pytest

from messaging.models import Message
from practices.models import AuditEntry
from scheduling.booking import cancel_appointment, confirm_appointment, reschedule_appointment
from scheduling.flow import (
    TRANSITIONS,
    Stage,
    mark_arrived,
    mark_done,
    mark_in_visit,
    mark_noshow,
    next_stages,
    set_stage,
    stage_of,
)
from scheduling.models import Change, Confirmation, Notice, Status, VisitLink
from scheduling.refusals import ChangedSince, NotOpen, SlotTaken, StaleAppointment, TooLate
from scheduling.undo import last_changes, undo_change
from tests.factories import an_actor
from tests.scheduling.conftest import NOW, at

MINUTES = dt.timedelta(minutes=1)


def the_change(**fields):
    return Change.objects.get(**fields)


def brought_to(diary, clock, stage):
    """A visit of today in a stage, an hour after it began."""
    visit = diary.book("2026-11-24 10:00")
    clock.move_to(at("2026-11-24 11:00"))
    path = {
        Stage.BOOKED: [],
        Stage.ARRIVED: [Stage.ARRIVED],
        Stage.IN_VISIT: [Stage.ARRIVED, Stage.IN_VISIT],
        Stage.DONE: [Stage.ARRIVED, Stage.IN_VISIT, Stage.DONE],
        Stage.NOSHOW: [Stage.NOSHOW],
    }[stage]
    for step in path:
        visit = set_stage(appointment=visit, stage=step, version=visit.version, by=diary.by)
    return visit


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("wanted", list(Stage))
def test_only_the_next_step_and_the_step_back_are_allowed(diary, clock, stage, wanted):
    visit = brought_to(diary, clock, stage)
    assert next_stages(visit) == TRANSITIONS[stage]
    if wanted in TRANSITIONS[stage]:
        after = set_stage(appointment=visit, stage=wanted, version=visit.version, by=diary.by)
        assert stage_of(after) == wanted
    else:
        with pytest.raises(NotOpen, match=f"This visit is “{stage.label}”"):
            set_stage(appointment=visit, stage=wanted, version=visit.version, by=diary.by)


def test_the_times_of_a_visit_are_kept(diary, clock):
    visit = diary.book("2026-11-24 10:00")
    moments = [at(f"2026-11-24 {time}") for time in ("09:50", "10:05", "10:40")]
    for verb, moment in zip((mark_arrived, mark_in_visit, mark_done), moments, strict=True):
        clock.move_to(moment)
        visit = verb(appointment=visit, version=visit.version, by=diary.by)
    assert [visit.arrived_at, visit.seen_at, visit.left_at] == moments
    assert visit.status == Status.FULFILLED
    back = set_stage(appointment=visit, stage=Stage.IN_VISIT, version=visit.version, by=diary.by)
    assert (back.seen_at, back.left_at) == (moments[1], None)


def test_nobody_arrives_on_another_day_or_misses_what_has_not_begun(diary):
    visit = diary.book("2026-11-25 10:00")
    with pytest.raises(NotOpen, match="later day"):
        mark_arrived(appointment=visit, version=1, by=diary.by)
    with pytest.raises(NotOpen, match="not begun"):
        mark_noshow(appointment=visit, version=1, by=diary.by)


def test_a_step_from_a_stale_page_is_refused(diary):
    visit = diary.book("2026-11-24 10:00")
    confirm_appointment(appointment=visit, how="phone", by=diary.by)
    with pytest.raises(StaleAppointment):
        mark_arrived(appointment=visit, version=1, by=diary.by)


def test_an_overbooked_neighbour_does_not_keep_anybody_from_arriving(diary):
    visit = diary.book("2026-11-24 10:00")
    diary.book("2026-11-24 10:00", overbook_reason="Twins")
    assert mark_arrived(appointment=visit, version=1, by=diary.by).status == Status.ARRIVED


def test_a_no_show_cannot_come_back_into_a_time_that_was_given_away(diary, clock):
    visit = brought_to(diary, clock, Stage.NOSHOW)
    clock.move_to(at("2026-11-24 10:05"))
    diary.book("2026-11-24 10:00")
    with pytest.raises(SlotTaken):
        set_stage(appointment=visit, stage=Stage.BOOKED, version=visit.version, by=diary.by)


def test_a_booking_taken_back_never_was(diary):
    visit = diary.book()
    assert [change.appointment for change in last_changes(diary.dana.user)] == [visit]
    undo_change(change=the_change(kind="booked"), by=diary.by)
    visit.refresh_from_db()
    assert visit.status == Status.ENTERED_IN_ERROR
    assert Message.objects.get().status == Message.Status.CANCELLED
    assert last_changes(diary.dana.user) == []
    assert AuditEntry.objects.filter(verb="appointment.booked.undone").count() == 1
    diary.book()  # the time is free again


def test_a_move_taken_back_restores_the_old_visit_and_what_was_said(diary):
    old = diary.book()
    token = VisitLink.objects.get(appointment=old)
    new = reschedule_appointment(appointment=old, version=1, starts_at=at("2026-11-26 14:00"), by=diary.by)
    token.refresh_from_db()
    assert token.revoked_at is not None
    standing = undo_change(change=the_change(kind="moved"), by=diary.by)
    old.refresh_from_db(), new.refresh_from_db(), token.refresh_from_db()
    assert standing == old
    assert (old.status, new.status) == (Status.BOOKED, Status.ENTERED_IN_ERROR)
    assert token.revoked_at is None
    waiting = Message.objects.waiting()
    assert [m.kind for m in waiting] == ["confirmation"]
    assert "10:00 AM" in waiting[0].body


def test_a_cancelled_visit_comes_back_if_its_time_is_still_free(diary):
    visit = diary.book()
    cancel_appointment(appointment=visit, version=1, reason="pat", by=diary.by)
    assert undo_change(change=the_change(kind="cancelled"), by=diary.by).status == Status.BOOKED
    visit.refresh_from_db()
    assert (visit.cancelled_at, visit.cancellation_reason) == (None, "")


def test_a_cancelled_visit_whose_time_was_given_away_stays_cancelled(diary):
    visit = cancel_appointment(appointment=diary.book(), version=1, reason="pat", by=diary.by)
    change = the_change(kind="cancelled")
    diary.book()
    with pytest.raises(SlotTaken):
        undo_change(change=change, by=diary.by)
    visit.refresh_from_db(), change.refresh_from_db()
    assert (visit.status, change.undone_at) == (Status.CANCELLED, None)


def test_a_step_taken_back_restores_the_fields(diary, clock):
    visit = confirm_appointment(appointment=diary.book("2026-11-24 10:00"), how="phone", by=diary.by)
    arrived = mark_arrived(appointment=visit, version=visit.version, by=diary.by)
    assert arrived.arrived_at == NOW
    back = undo_change(change=the_change(version=3), by=diary.by)
    assert (back.status, back.arrived_at) == (Status.BOOKED, None)
    assert (back.confirmation, back.confirmed_at) == (Confirmation.CONFIRMED, NOW)


def test_a_change_is_taken_back_once_and_only_within_the_window(diary, clock):
    diary.book()
    first = the_change()
    undo_change(change=first, by=diary.by)
    with pytest.raises(TooLate, match="already"):
        undo_change(change=first, by=diary.by)
    diary.book("2026-11-25 11:00")
    second = the_change(undone_at=None)
    clock.shift(diary.practice.undo_window + dt.timedelta(seconds=1))
    with pytest.raises(TooLate, match="over"):
        undo_change(change=second, by=diary.by)
    assert last_changes(diary.dana.user) == []


def test_what_was_changed_again_is_not_taken_back(diary):
    visit = diary.book()
    change = the_change()
    confirm_appointment(appointment=visit, how="phone", by=diary.by)
    with pytest.raises(ChangedSince):
        undo_change(change=change, by=an_actor())
    assert change not in last_changes(diary.dana.user)


def test_whoever_arrived_is_not_texted_any_more(diary):
    visit = diary.book("2026-11-24 10:00")
    assert Message.objects.waiting().count() == 1
    mark_arrived(appointment=visit, version=1, by=diary.by)
    assert Message.objects.waiting().count() == 0
    assert Notice.objects.count() == 1


def test_steps_are_taken_back_one_after_the_other(diary, clock):
    visit = diary.book("2026-11-24 10:00")
    clock.move_to(NOW + MINUTES)
    other = diary.book("2026-11-24 14:00")
    for stage in (Stage.ARRIVED, Stage.IN_VISIT):
        clock.shift(1)
        visit = set_stage(appointment=visit, stage=stage, version=visit.version, by=diary.by)
    seen = []
    for _ in range(4):
        newest = last_changes(diary.dana.user)[0]
        after = undo_change(change=newest, by=diary.by)
        seen.append((after.pk, after.status))
    assert seen[:2] == [(visit.pk, Status.ARRIVED), (visit.pk, Status.BOOKED)]
    # Only then the change before: the other patient's booking, and at last the visit's own.
    assert seen[2:] == [(other.pk, Status.ENTERED_IN_ERROR), (visit.pk, Status.ENTERED_IN_ERROR)]
    assert last_changes(diary.dana.user) == []


def test_after_a_move_is_taken_back_the_booking_can_be_too(diary, clock):
    visit = diary.book("2026-11-25 10:00")
    moved = reschedule_appointment(
        appointment=visit, version=visit.version, starts_at=at("2026-11-25 11:00"), by=diary.by
    )
    undo_change(change=the_change(appointment=moved), by=diary.by)
    [left] = last_changes(diary.dana.user)
    assert undo_change(change=left, by=diary.by).status == Status.ENTERED_IN_ERROR


def test_a_step_that_somebody_else_followed_stays(diary, clock):
    """Taking the later step back must not open an earlier one across a change that left no row."""
    visit = brought_to(diary, clock, Stage.ARRIVED)
    visit.version += 1
    visit.save()
    visit = set_stage(appointment=visit, stage=Stage.IN_VISIT, version=visit.version, by=diary.by)
    undo_change(change=last_changes(diary.dana.user)[0], by=diary.by)
    assert last_changes(diary.dana.user) == []
