"""The dialog says why a time fits, what another breaks, and how it can be had all the same."""

import datetime as dt

import pytest

from patients.models import Need, PatientWish, WishKind
from practices.models import AuditEntry
from practices.tenancy import inside
from scheduling.models import Appointment, AppointmentType, ReservedBlock, Resource
from tests.scheduling.test_pages import HTMX, booking, desk  # noqa: F401  # the fixture


@pytest.fixture
def wished(desk):  # noqa: F811
    with inside(desk.practice):
        PatientWish.objects.create(
            practice=desk.practice,
            patient=desk.patient,
            kind=WishKind.NOT_BEFORE,
            details={"starts": "10:00"},
        )
    return desk


def typed(desk, time, **more):  # noqa: F811
    day = {"slot": "other", "day": "11/25/2026", "time": time, "with_whom": str(desk.osei.pk)}
    return booking(desk, **day, **more)


def look(desk, fields):  # noqa: F811
    return desk.client.post(desk.url("book-times"), fields, **HTMX).content.decode()


def test_offered_times_say_why_they_fit(wished):
    page = look(wished, booking(wished))
    assert "<span>Soonest</span><span>Not before 10:00 AM</span>" in page
    assert "9:00 AM" not in page


def test_a_half_day_offers_only_what_fits(wished):
    page = look(wished, booking(wished, half="2026-11-25.am"))
    assert "tomorrow 10:00 AM" in page.lower() or "Tomorrow 10:00 AM" in page
    assert "8:00 AM" not in page


def test_a_typed_time_says_what_it_breaks(wished):
    page = look(wished, typed(wished, "9:00 AM"))
    assert 'id="book-against"' in page
    assert "Before 10:00 AM." in page
    assert 'name="agreed"' in page
    fine = look(wished, typed(wished, "10:00 AM"))
    assert 'id="book-against"' not in fine
    assert '<span class="tag num">30 min free</span><span class="tag num">Not before 10:00 AM</span>' in fine


def test_what_a_patient_needs_is_missed_only_once_she_agreed(wished):
    answer = wished.client.post(wished.url("book"), typed(wished, "9:00 AM"), **HTMX)
    assert answer.status_code == 422
    assert "Before 10:00 AM. Ask the patient, and tick below that it was agreed." in answer.content.decode()
    with inside(wished.practice):
        assert not Appointment.objects.exists()
    agreed = {"agreed": f"{wished.osei.pk}|2026-11-25T14:00Z"}
    other = wished.client.post(wished.url("book"), typed(wished, "9:15 AM", **agreed), **HTMX)
    assert other.status_code == 422  # the tick was for another time
    done = wished.client.post(wished.url("book"), typed(wished, "9:00 AM", **agreed), **HTMX)
    assert done.status_code == 204
    with inside(wished.practice):
        entry = AuditEntry.objects.get(verb="appointment.booked")
        assert entry.changes["despite"] == ["", ["Before 10:00 AM."]]
        assert Appointment.objects.get().overbook_reason == ""


def test_time_that_is_kept_cannot_be_agreed_away(desk):  # noqa: F811
    with inside(desk.practice):
        ReservedBlock.objects.create(
            practice=desk.practice, name="Walk-ins", weekday=3, starts=dt.time(8), ends=dt.time(10)
        )
    page = look(desk, typed(desk, "9:00 AM"))
    assert "That time is kept: Walk-ins." in page
    assert 'name="agreed"' not in page
    answer = desk.client.post(desk.url("book"), typed(desk, "9:00 AM"), **HTMX)
    assert answer.status_code == 422
    assert "That time is kept: Walk-ins." in answer.content.decode()


def test_needs_ticked_in_the_dialog_count_at_once(desk):  # noqa: F811
    with inside(desk.practice):
        Resource.objects.create(
            practice=desk.practice, kind="interpreter", name="Rosa", languages=["Spanish"]
        )
    page = look(desk, booking(desk, needs=[Need.INTERPRETER]))
    assert "<span>Rosa</span>" in page


def test_a_move_says_what_the_new_time_breaks(wished):
    with inside(wished.practice):
        visit = wished.book("2026-11-26 11:00")
    fields = {"version": visit.version, "slot": "other", "day": "11/25/2026", "time": "9:00 AM"}
    fields["with_whom"] = str(wished.osei.pk)
    answer = wished.client.post(wished.url("appointment-move", visit.pk), fields, **HTMX)
    assert answer.status_code == 422
    fields["agreed"] = f"{wished.osei.pk}|2026-11-25T14:00Z"
    assert wished.client.post(wished.url("appointment-move", visit.pk), fields, **HTMX).status_code == 204


def test_the_kind_of_visit_brings_its_length_for_a_patient_who_needs_longer(desk):  # noqa: F811
    with inside(desk.practice):
        desk.patient.needs = [Need.LONGER]
        desk.patient.save()
        PatientWish.objects.create(
            practice=desk.practice, patient=desk.patient, kind=WishKind.LONGER, details={"minutes": 15}
        )
        AppointmentType.objects.update(buffer_after=5)
    page = look(desk, typed(desk, "9:00 AM", needs=[Need.LONGER]))
    assert "45 min free, 5 after" in page
