"""Follow-ups that nobody booked in time stand in the wrap-up until they are booked, rest or have an owner."""

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from frontdesk.models import Finding, Review
from frontdesk.reviews import recheck, start_review
from frontdesk.wrapup import hand_over, without_owner
from messaging.models import Task
from practices.models import Role
from practices.tenancy import inside
from scheduling.followups import order_follow_up, put_off
from scheduling.models import FollowUp
from tests.factories import a_member, a_user
from tests.scheduling.conftest import NOW, a_diary


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def house(db: None, clock: Any) -> Any:
    """A follow-up that was due on December 1, a week earlier or later; it is December 9 now."""
    made = a_diary()
    with inside(made.practice):
        made.row = order_follow_up(
            patient=made.patient,
            appointment_type=made.kind,
            due_on=dt.date(2026, 12, 1),
            note="blood pressure",
            by=made.by,
        )
    clock.move_to(NOW + dt.timedelta(days=15))
    return made


def evening(house: Any) -> Review:
    with inside(house.practice):
        review = start_review(kind="evening", date=house.practice.today(), by=house.by)
        assert review is not None
        return review


def open_rows(review: Review) -> list[Finding]:
    return [one for one in recheck(review) if one.check_name == "follow_ups" and one.settled_at is None]


def test_it_is_found_once_and_says_neither_name_nor_note(house):
    review = evening(house)
    with inside(house.practice):
        [found] = open_rows(review)
        assert found.detail == "Follow-up, due by Tue, Dec 8, not booked"
        assert found.patient_id == house.patient.pk
        assert len(open_rows(review)) == 1


def test_it_is_settled_when_booked_and_when_it_rests(house):
    review = evening(house)
    with inside(house.practice):
        row = FollowUp.objects.get()
        rests = put_off(
            follow_up=row,
            version=row.version,
            until=house.practice.today() + dt.timedelta(days=3),
            by=house.by,
        )
        assert open_rows(review) == []
        FollowUp.objects.filter(pk=rests.pk).update(wait_until=None)
        assert len(open_rows(review)) == 1
        house.book("2026-12-11 10:00")
        assert open_rows(review) == []


def test_one_that_is_not_overdue_is_not_there(house, clock):
    clock.move_to(NOW + dt.timedelta(days=13))
    review = evening(house)
    with inside(house.practice):
        assert open_rows(review) == []


def test_handed_over_it_is_a_task_and_stands_there_once(house):
    review = evening(house)
    with inside(house.practice):
        [found] = open_rows(review)
        due = house.practice.now() + dt.timedelta(days=1)
        hand_over(findings=[found], owner=house.dana.user, due_at=due, by=house.by)
        task = Task.objects.get()
        assert (task.kind, task.owner) == (Task.Kind.FOLLOW_UP, house.dana.user)
        rows = recheck(review)
        assert [one.check_name for one in rows if one.settled_at is None] == ["follow_ups"]
        assert without_owner(rows) == []


def test_the_page_leads_to_the_worklist(house):
    evening(house)
    mira = a_member(house.practice, a_user("mira@frontdesk.example"), Role.MANAGER)
    client = Client()
    client.force_login(mira.user)
    shown = client.get(reverse("wrap", args=[house.practice.slug])).content.decode()
    assert "Follow-ups overdue" in shown
    assert f"{reverse('follow-ups', args=[house.practice.slug])}#due-{house.row.pk}" in shown
    assert "blood pressure" not in shown
