"""A patient's link: what opens it, what closes it, and five wrong birth dates (SECURITY.md C)."""

import datetime as dt

import pytest

from messaging.models import Task
from practices.tenancy import inside
from scheduling.booking import cancel_appointment
from scheduling.links import LinkClosed, UnknownLink, address_of, check_birth_date, create_link, open_link
from scheduling.models import VisitLink
from tests.scheduling.conftest import a_diary, at

RIGHT, WRONG = dt.date(1986, 3, 14), dt.date(1986, 3, 15)


@pytest.fixture
def link(diary):
    diary.visit = diary.book(tell_patient=False)
    return create_link(diary.visit)


def test_a_link_opens_its_visit_and_writes_nothing(diary, link):
    row, token = link
    before = VisitLink.objects.values().get()
    with open_link(token) as opened:
        assert opened == row
        assert opened.appointment.patient == diary.patient
    assert VisitLink.objects.values().get() == before
    assert address_of(token).endswith(f"/v/{token}/")


def test_nobody_guesses_a_link(diary, link):
    _, token = link
    for wrong in ("", "x", token[:-1] + "!", token[:-1], "zzzz" + token[4:], token * 40, "é" * 26):
        with pytest.raises(UnknownLink), open_link(wrong):
            pass


def test_a_link_of_one_practice_does_not_open_in_another(db, clock):
    harbor, cedar = a_diary(), a_diary(slug="cedar-park", email="mira@frontdesk.example")
    with inside(harbor.practice):
        _, token = create_link(harbor.book())
    with pytest.raises(UnknownLink), open_link(cedar.practice.link_code + token[4:]):
        pass


def test_a_link_closes_when_the_visit_is_cancelled_or_over(diary, link, clock):
    _, token = link
    clock.move_to(at("2026-11-25 10:29"))
    with open_link(token):
        pass
    clock.move_to(at("2026-11-25 10:30"))
    with pytest.raises(LinkClosed), open_link(token):
        pass
    clock.move_to(at("2026-11-24 09:00"))
    cancel_appointment(appointment=diary.visit, version=1, reason="pat", by=diary.by)
    with pytest.raises(LinkClosed), open_link(token):
        pass


def test_the_right_birth_date_opens_and_wrong_ones_before_it_are_forgiven(link):
    row, _ = link
    assert [check_birth_date(link=row, birth_date=WRONG) for _ in range(4)] == [False] * 4
    assert check_birth_date(link=row, birth_date=RIGHT)
    row.refresh_from_db()
    assert (row.wrong_dates, row.locked_at) == (0, None)
    assert row.opened_at is not None


def test_five_wrong_birth_dates_lock_the_link_and_call_a_person(diary, link):
    row, _ = link
    for _ in range(5):
        assert not check_birth_date(link=row, birth_date=WRONG)
    assert not check_birth_date(link=row, birth_date=RIGHT)
    row.refresh_from_db()
    assert row.locked_at is not None
    task = Task.objects.get()
    assert (task.kind, task.patient, task.appointment_id) == ("link-locked", diary.patient, diary.visit.pk)


def test_a_patient_without_a_birth_date_cannot_be_guessed(diary, link):
    diary.patient.birth_date = None
    diary.patient.save()
    assert not check_birth_date(link=link[0], birth_date=None)
