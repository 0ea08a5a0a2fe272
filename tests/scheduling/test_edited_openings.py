"""A visit that becomes shorter or longer: what opens for the waitlist, what closes, and taking it back."""

import datetime as dt

import pytest

from practices.tenancy import current_practice
from scheduling.booking import cancel_appointment
from scheduling.editing import edit_appointment
from scheduling.models import Change, Opening
from scheduling.offering import offer_next, work_openings
from scheduling.undo import undo_change
from scheduling.waitlist_page import opening_rows
from tests.factories import a_type
from tests.scheduling.conftest import NOW, a_texted_patient, at
from tests.scheduling.waiting_room import a_rule, leave, opened, states, texts_to, waits

TEN, HALF_PAST, ELEVEN = (f"2026-11-25 {clock}" for clock in ("10:00", "10:30", "11:00"))


def edit(diary, visit, **values):
    return edit_appointment(appointment=visit, version=visit.version, values=values, by=diary.by)


def take_back(diary, visit):
    change = Change.objects.filter(appointment=visit, kind="edited").latest("made_at")
    return undo_change(change=change, by=diary.by)


def open_now():
    rows = Opening.objects.open().order_by("starts_at")
    return [(one.starts_at, one.ends_at, one.cause) for one in rows]


@pytest.fixture
def hour(diary):
    """A visit from ten to eleven."""
    kind = a_type(diary.practice, "Long", 60, [diary.osei])
    return diary.book(TEN, appointment_type=kind, tell_patient=False)


@pytest.fixture
def beside(diary):
    """A visit from ten to half past, and an hour open after it: Ana fits its first half, Ben its second."""
    a_rule()
    visit = diary.book(TEN, tell_patient=False)
    kind = a_type(diary.practice, "Long", 60, [diary.osei])
    owen = a_texted_patient(diary.practice, "Owen", "+15035550143")
    gone = diary.book(HALF_PAST, appointment_type=kind, patient=owen, tell_patient=False)
    cancel_appointment(appointment=gone, version=1, reason="pat", tell_patient=False, by=diary.by)
    waits(diary, "Ana")
    waits(diary, "Ben", not_before=dt.time(11))
    offer_next(opening=opened(), by=diary.by)
    leave()
    work_openings(diary.practice)
    assert states() == {"Ana": "sent", "Ben": "sent"}
    return visit


def test_a_shortened_visit_opens_what_it_left_after_the_undo_time(diary, hour):
    a_rule()
    edit(diary, hour, minutes=30)
    assert open_now() == [(at(HALF_PAST), at(ELEVEN), "moved")]
    assert (opened().freed_by, opened().due_at) == (hour, NOW + diary.practice.undo_window)
    (row,) = opening_rows(current_practice(), private=False)
    assert row.state.startswith("A visit was shortened less than an hour ago")


def test_what_is_too_short_for_a_visit_does_not_open(diary, hour):
    edit(diary, hour, minutes=55)
    assert not Opening.objects.exists()


@pytest.mark.parametrize("values", [{"reason": "Hip"}, {"needs": ["hearing"]}, {"minutes": 75}])
def test_nothing_opens_where_no_time_is_left(diary, hour, values):
    edit(diary, hour, **values)
    assert not Opening.objects.exists()


def test_an_edit_that_leaves_the_time_alone_does_not_look_for_openings(
    diary, hour, django_assert_num_queries
):
    with django_assert_num_queries(10) as asked:
        edit(diary, hour, reason="Hip")
    assert not [one for one in asked.captured_queries if "scheduling_opening" in one["sql"]]


def test_buffers_count_as_taken_before_and_after(diary):
    kind = a_type(diary.practice, "Long", 60, [diary.osei])
    kind.buffer_after = 15
    kind.save()
    visit = diary.book(TEN, appointment_type=kind)
    edit(diary, visit, minutes=30)
    assert open_now() == [(at("2026-11-25 10:45"), at("2026-11-25 11:15"), "moved")]


def test_a_type_without_a_buffer_opens_the_buffer(diary):
    kind = a_type(diary.practice, "With rest", 30, [diary.osei])
    kind.buffer_after = 20
    kind.save()
    visit = diary.book(TEN, appointment_type=kind)
    edit(diary, visit, appointment_type=str(diary.kind.pk))
    assert open_now() == [(at(HALF_PAST), at("2026-11-25 10:50"), "moved")]


def test_the_undo_of_a_shorter_visit_closes_what_opened_and_tells_who_was_asked(diary, hour):
    a_rule()
    waits(diary, "Ana")
    edit(diary, hour, minutes=30)
    offer_next(opening=opened(), by=diary.by)
    leave()
    assert take_back(diary, hour).ends_at == at(ELEVEN)
    assert (opened().state, opened().closed_why) == ("closed", "The visit stands again.")
    assert open_now() == []
    assert states() == {"Ana": "lost"}
    assert "is taken; we ask you again" in texts_to("Ana")[-1]


def test_a_longer_visit_takes_what_was_open_and_leaves_the_rest_to_those_it_was_offered(diary, beside):
    edit(diary, beside, minutes=60)
    assert open_now() == [(at(ELEVEN), at("2026-11-25 11:30"), "rest")]
    assert states() == {"Ana": "lost", "Ben": "sent"}
    filled = Opening.objects.get(state="filled")
    assert filled.filled_by == beside


def test_a_visit_as_long_as_all_that_was_open_closes_it(diary, beside):
    edit(diary, beside, minutes=90)
    assert open_now() == []
    assert states() == {"Ana": "lost", "Ben": "lost"}


def test_the_undo_of_a_longer_visit_opens_what_it_took(diary, beside):
    edit(diary, beside, minutes=60)
    take_back(diary, beside)
    assert open_now() == [
        (at(HALF_PAST), at(ELEVEN), "undone"),
        (at(ELEVEN), at("2026-11-25 11:30"), "rest"),
    ]


def test_who_waits_for_an_earlier_time_keeps_her_visit(diary, beside):
    entry = waits(diary, patient=diary.patient, appointment=beside)
    edit(diary, beside, minutes=60)
    stands = take_back(diary, beside)
    edit(diary, stands, minutes=15)
    entry.refresh_from_db()
    assert entry.appointment == beside


def test_a_visit_that_is_under_way_opens_only_what_is_to_come(diary, clock):
    kind = a_type(diary.practice, "Long", 60, [diary.osei])
    visit = diary.book(TEN, appointment_type=kind)
    clock.move_to(at("2026-11-25 10:20"))
    edit(diary, visit, minutes=15)
    assert open_now() == [(at(HALF_PAST), at(ELEVEN), "moved")]
