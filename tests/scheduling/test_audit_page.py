"""The page of the audit: a range, what is found, the ways out with undo, and a word where it is right."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from practices.models import AccessEvent, AuditEntry, Location, Role, Room
from practices.tenancy import inside
from scheduling.audit.checks import CHECKS
from scheduling.audit.looking import look
from scheduling.editing import edit_appointment
from scheduling.mending import change_room
from scheduling.models import Appointment, Change, SettledFinding, WeeklyHours
from scheduling.undo import undo_change
from tests.factories import a_member, a_user
from tests.scheduling.conftest import a_diary
from tests.scheduling.test_audit_checks import DAY, other, plant, squeezed

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}
QUERIES = 21


@pytest.fixture
def desk(db: None, clock: Any) -> SimpleNamespace:
    made = a_diary()
    made.client = Client()
    made.client.force_login(made.dana.user)
    made.url = lambda name, *args: reverse(name, args=[made.practice.slug, *args])
    return made


def planted(desk: SimpleNamespace, when: str = "2026-11-25 10:00", minutes: int = 60, **fields: Any) -> Any:
    with inside(desk.practice):
        return plant(desk, when, minutes=minutes, **fields)


def form(visit: Appointment, check: str = "wrong_length", **more: Any) -> dict[str, Any]:
    return {"check": check, "appointment": visit.pk, "version": visit.version} | more


def now(desk: SimpleNamespace, visit: Appointment) -> Appointment:
    with inside(desk.practice):
        return Appointment.objects.with_people().get(pk=visit.pk)


def found(desk: SimpleNamespace) -> list[str]:
    with inside(desk.practice):
        return [one.check for one in look(DAY, DAY)]


def test_an_empty_look_says_what_was_looked_at(desk):
    planted(desk, minutes=30)
    page = desk.client.get(desk.url("audit"), {"from": "2026-11-25", "until": "2026-11-27"})
    text = page.content.decode()
    assert "Nothing to repair" in text
    assert "Looked at 1 visit" in text
    assert all(check.title in text for check in CHECKS)


def test_findings_stand_below_their_check_with_its_why_and_their_ways_out(desk):
    visit = planted(desk)
    text = desk.client.get(desk.url("audit")).content.decode()
    assert "Wrong length for the visit" in text
    assert "The visit is longer or shorter than its kind takes." in text
    assert "60 min, Follow-up takes 30" in text
    assert "Set the length" in text
    assert "Overlaps" not in text
    with inside(desk.practice):
        assert AccessEvent.objects.filter(screen="audit").count() == 1
    fragment = desk.client.get(desk.url("audit"), {"fragment": "list"}, **HTMX).content.decode()
    assert str(visit.pk) in fragment
    assert "<html" not in fragment


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2026-11-27", "2026-11-25", "The last day comes before the first."),
        ("0001-01-01", "9999-12-31", "Choose days within two years of today."),
        ("2026-11-25", "2026-12-32", "Write the day as 2026-11-25."),
        ("2026-11-25'; DROP", "", "Write the day as 2026-11-25."),
        ("2026-11-25", "2027-10-01", "Choose at most 92 days at once."),
    ],
)
def test_bad_days_are_refused_at_the_field_and_stay_as_typed(desk, first, last, words):
    page = desk.client.get(desk.url("audit"), {"from": first, "until": last})
    assert page.status_code == 422
    assert words in page.content.decode()
    assert 'aria-invalid="true"' in page.content.decode()
    assert page.context["sent"] == {"first": first, "last": last}


def test_the_page_takes_as_many_queries_for_many_findings_as_for_one(desk):
    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert desk.client.get(desk.url("audit")).status_code == 200
        return len(queries)

    planted(desk)
    asked()
    one = asked()
    for minute in range(0, 60, 15):
        with inside(desk.practice):
            squeezed(desk, f"2026-11-25 14:{minute:02}", minutes=60)
    assert asked() == one == QUERIES


def test_a_length_is_set_with_one_click_and_taken_back(desk):
    visit = planted(desk)
    answer = desk.client.post(desk.url("audit-mend"), form(visit, repair="length"), **HTMX)
    assert answer.status_code == 204
    assert "The length is set." in answer.headers["HX-Trigger"]
    assert now(desk, visit).minutes == 30
    assert found(desk) == []
    with inside(desk.practice):
        assert AuditEntry.objects.filter(verb="appointment.edited").count() == 1
        undo_change(change=Change.objects.get(kind="edited"), by=desk.by)
    assert now(desk, visit).minutes == 60
    assert found(desk) == ["wrong_length"]


def test_morning_and_evening_are_put_right_with_one_click_and_taken_back(desk):
    visit = planted(desk, "2026-11-25 02:00", minutes=30)
    desk.client.post(desk.url("audit-mend"), form(visit, "am_pm", repair="shift"))
    with inside(desk.practice):
        moved = Appointment.objects.get(rescheduled_from=visit)
        assert moved.local_time == dt.time(14)
        assert look(DAY, DAY) == []
        undo_change(change=Change.objects.get(kind="moved"), by=desk.by)
    assert now(desk, visit).status == "booked"


def test_where_the_other_half_of_the_day_is_taken_nothing_is_offered(desk):
    visit = planted(desk, "2026-11-25 02:00", minutes=30)
    with inside(desk.practice):
        plant(desk, "2026-11-25 14:15", patient=other(desk))
    assert "Move 12 hours" not in desk.client.get(desk.url("audit")).content.decode()
    answer = desk.client.post(desk.url("audit-mend"), form(visit, "am_pm", repair="shift"), follow=True)
    assert "cannot be done about this any more" in answer.content.decode()
    assert now(desk, visit).status == "booked"


def test_a_room_that_is_given_twice_becomes_a_free_one_and_is_taken_back(desk):
    with inside(desk.practice):
        place = Location.objects.create(practice=desk.practice, name="Main")
        two, three = (
            Room.objects.create(practice=desk.practice, location=place, name=f"Room {n}") for n in (2, 3)
        )
        first = plant(desk, room=two)
        second = squeezed(desk, "2026-11-25 10:15", practitioner=desk.chen, patient=other(desk), room=two)
    desk.client.post(desk.url("audit-mend"), form(second, "room", repair="room"))
    assert now(desk, second).room == three
    assert found(desk) == []
    with inside(desk.practice):
        undo_change(change=Change.objects.get(kind="edited"), by=desk.by)
        assert Appointment.objects.get(pk=second.pk).room_id == two.pk
        three.delete()
    refused = desk.client.post(
        desk.url("audit-mend"), form(now(desk, second), "room", repair="room"), follow=True
    )
    assert "No other room is free at that time." in refused.content.decode()
    assert now(desk, first).room == two


def test_who_needs_a_way_without_steps_is_given_such_a_room(desk):
    with inside(desk.practice):
        place = Location.objects.create(practice=desk.practice, name="Main")
        steps, other_steps, level = (
            Room.objects.create(practice=desk.practice, location=place, name=name, step_free=free)
            for name, free in (("A", False), ("B", False), ("C", True))
        )
        visit = plant(desk, room=steps, patient=other(desk, needs=["step-free"]))
        changed = change_room(appointment=visit, version=1, by=desk.by)
        assert changed.room == level
        assert changed.room != other_steps


def test_several_unmet_needs_are_one_finding_and_steps_are_mended_by_a_room(desk):
    with inside(desk.practice):
        place = Location.objects.create(practice=desk.practice, name="Main")
        steps, level = (
            Room.objects.create(practice=desk.practice, location=place, name=name, step_free=free)
            for name, free in (("A", False), ("C", True))
        )
        visit = plant(desk, room=steps, patient=other(desk, needs=["step-free", "interpreter"]))
        (found_one,) = look(DAY, DAY)
        assert "A has none" in found_one.detail
        assert "interpreter" in found_one.detail
    desk.client.post(desk.url("audit-mend"), form(visit, "need", repair="room"))
    assert now(desk, visit).room == level
    with inside(desk.practice):
        (left,) = look(DAY, DAY)
    assert left.detail == "Needs an interpreter, none is booked with the visit"
    assert "Give it a free room" not in desk.client.get(desk.url("audit")).content.decode()


def test_the_practice_without_hours_reads_only_what_it_shows(desk):
    """Sixty rows of a check are shown and the others counted."""
    with inside(desk.practice):
        WeeklyHours.objects.filter(practitioner=desk.osei).delete()
        for number in range(62):
            hour, minute = divmod(number * 10, 60)
            plant(desk, f"2026-11-25 {7 + hour:02}:{minute:02}", minutes=10, overbook_reason="x",
                  patient=other(desk) if not number else desk.patient)  # fmt: skip
    text = desk.client.get(desk.url("audit"), {"from": "2026-11-25"}).content.decode()
    assert "60 of 62 are shown, the soonest first." in text


def test_a_duplicate_is_cancelled_with_one_click_and_taken_back(desk):
    planted(desk, minutes=30)
    second = planted(desk, "2026-11-25 14:00", minutes=30)
    desk.client.post(desk.url("audit-mend"), form(second, "twice", repair="duplicate"))
    assert now(desk, second).cancellation_reason == "oth-err"
    with inside(desk.practice):
        undo_change(change=Change.objects.get(kind="cancelled"), by=desk.by)
    assert found(desk) == ["twice"]


def test_the_visit_of_somebody_who_died_is_closed_and_nobody_is_written_to(desk):
    with inside(desk.practice):
        dead = other(desk, deceased=True)
        visit = plant(desk, patient=dead)
    desk.client.post(desk.url("audit-mend"), form(visit, "gone", repair="deceased"))
    assert now(desk, visit).cancellation_reason == "pat-dec"
    with inside(desk.practice):
        from messaging.models import Message

        assert not Message.objects.exists()


def test_a_repair_of_what_is_not_so_any_more_says_so(desk):
    visit = planted(desk)
    with inside(desk.practice):
        edit_appointment(appointment=visit, version=1, values={"minutes": 30}, by=desk.by)
    answer = desk.client.post(desk.url("audit-mend"), form(visit, repair="length"), follow=True)
    assert "This is not so any more" in answer.content.decode()


def test_a_stale_version_is_refused(desk):
    visit = planted(desk)
    answer = desk.client.post(
        desk.url("audit-mend"), form(visit, repair="length") | {"version": 0}, follow=True
    )
    assert answer.status_code == 200
    assert now(desk, visit).minutes == 60


@pytest.mark.parametrize(
    "sent", [{"check": "no-such"}, {"appointment": "x"}, {"appointment": "", "check": ""}]
)
def test_a_form_that_names_nothing_is_not_found(desk, sent):
    visit = planted(desk)
    for door in ("audit-mend", "audit-settle"):
        assert desk.client.post(desk.url(door), form(visit) | sent).status_code == 404


def test_a_finding_is_settled_with_a_word_until_it_says_something_else(desk):
    visit = planted(desk)
    desk.client.post(desk.url("audit-settle"), form(visit, word="  Long talk  "))
    with inside(desk.practice):
        assert SettledFinding.objects.get().word == "Long talk"
    text = desk.client.get(desk.url("audit")).content.decode()
    assert "Long talk" in text
    assert "Nothing to repair" in text
    with inside(desk.practice):
        edit_appointment(appointment=visit, version=1, values={"minutes": 45}, by=desk.by)
    assert "Set the length" in desk.client.get(desk.url("audit")).content.decode()


def test_a_settled_finding_is_opened_again(desk):
    visit = planted(desk)
    desk.client.post(desk.url("audit-settle"), form(visit, word="Fine"))
    with inside(desk.practice):
        key = SettledFinding.objects.get().pk
    desk.client.post(desk.url("audit-again", key))
    with inside(desk.practice):
        assert not SettledFinding.objects.exists()
        # The clock of the test stands still: keys of one moment have no order.
        verbs = AuditEntry.objects.filter(verb__startswith="finding.").values_list("verb", flat=True)
        assert sorted(verbs) == ["finding.opened-again", "finding.settled"]
    assert "Set the length" in desk.client.get(desk.url("audit")).content.decode()


@pytest.mark.parametrize("word", ["", "   ", "x" * 41])
def test_a_word_that_says_nothing_or_too_much_is_refused(desk, word):
    visit = planted(desk)
    answer = desk.client.post(desk.url("audit-settle"), form(visit, word=word), follow=True)
    assert "Say " in answer.content.decode()
    with inside(desk.practice):
        assert not SettledFinding.objects.exists()


def test_a_clinician_sees_the_audit_but_settles_nothing(desk):
    member = a_member(desk.practice, a_user("osei@frontdesk.example"), Role.CLINICIAN)
    client = Client()
    client.force_login(member.user)
    visit = planted(desk)
    assert client.get(desk.url("audit")).status_code == 200
    assert client.post(desk.url("audit-settle"), form(visit, word="Fine")).status_code == 403


def test_names_are_initials_while_the_screen_is_private(desk):
    planted(desk)
    desk.dana.user.privacy_mode = True
    desk.dana.user.save()
    text = desk.client.get(desk.url("audit")).content.decode()
    assert "Vega" not in text
    desk.dana.user.privacy_mode = False
    desk.dana.user.save()
    assert "Vega" in desk.client.get(desk.url("audit")).content.decode()
