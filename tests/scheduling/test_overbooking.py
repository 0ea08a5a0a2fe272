"""Squeezing in needs a right: refused with words in the dialog, on the board and in the API."""

import datetime as dt
import json

import pytest
from django.test import Client
from django.urls import reverse

from practices.access import PERMISSIONS, allows
from practices.apikeys import create_api_key
from practices.models import AuditEntry, Membership, Role
from practices.tenancy import inside
from scheduling.booking import MayNotOverbook, reschedule_appointment
from scheduling.models import Appointment
from tests.factories import a_member, a_user, an_actor
from tests.scheduling.conftest import a_diary, at

HTMX = {"HTTP_HX_REQUEST": "true"}
WORDS = "You may not squeeze visits in."


@pytest.fixture
def desk(db, clock):
    made = a_diary()
    with inside(made.practice):
        Membership.objects.filter(pk=made.dana.pk).update(may_overbook=False)
        made.dana.refresh_from_db()
        made.book()
    made.client = Client()
    made.client.force_login(made.dana.user)
    made.url = lambda name, *args: reverse(name, args=[made.practice.slug, *args])
    return made


def taken(desk, **more):
    slot = f"{desk.osei.pk}|{at('2026-11-25 10:00'):%Y-%m-%dT%H:%MZ}"
    return {"patient": desk.patient.pk, "visit_type": desk.kind.pk, "slot": slot} | more


def count(desk):
    with inside(desk.practice):
        return Appointment.objects.count()


@pytest.mark.parametrize(
    ("roles", "given", "may"),
    [
        ([Role.RECEPTIONIST], False, False),
        ([Role.RECEPTIONIST], True, True),
        ([Role.CLINICIAN], False, True),
        ([Role.MANAGER], False, True),
        ([Role.RECEPTIONIST, Role.CLINICIAN], False, True),
    ],
)
def test_the_right_comes_with_a_role_or_from_a_manager(roles, given, may):
    assert allows(Membership(roles=roles, may_overbook=given), "appointment.overbook") is may


def test_a_grant_gives_nothing_else():
    receptionist = Membership(roles=[Role.RECEPTIONIST], may_overbook=True)
    allowed = {name for name in PERMISSIONS if allows(receptionist, name)}
    assert allowed == {name for name, roles in PERMISSIONS.items() if Role.RECEPTIONIST in roles} | {
        "appointment.overbook"
    }


def test_the_dialog_refuses_with_words_at_the_field_and_keeps_what_was_typed(desk):
    answer = desk.client.post(desk.url("book"), taken(desk, overbook_reason="It is urgent"), **HTMX)
    assert answer.status_code == 422
    assert WORDS in answer.content.decode()
    assert 'value="It is urgent"' in answer.content.decode()
    assert count(desk) == 1


def test_whoever_may_not_is_not_shown_the_field(desk):
    shown = desk.client.get(desk.url("book"), {"visit_type": desk.kind.pk}, **HTMX).content.decode()
    assert "id_overbook_reason" not in shown
    assert "a clinician or a manager may book it" in shown
    with inside(desk.practice):
        Membership.objects.filter(pk=desk.dana.pk).update(may_overbook=True)
    shown = desk.client.get(desk.url("book"), {"visit_type": desk.kind.pk}, **HTMX).content.decode()
    assert "id_overbook_reason" in shown


def test_with_the_right_it_is_booked_recorded_and_on_the_card(desk):
    with inside(desk.practice):
        Membership.objects.filter(pk=desk.dana.pk).update(may_overbook=True)
    given = taken(desk, overbook_reason="Dr. Osei agreed")
    assert desk.client.post(desk.url("book"), given, **HTMX).status_code == 204
    with inside(desk.practice):
        visit = Appointment.objects.get(overbook_reason="Dr. Osei agreed")
        entry = AuditEntry.objects.get(verb="appointment.booked", subject_id=visit.pk)
        assert entry.changes["overbook_reason"] == ["", "Dr. Osei agreed"]
    panel = desk.client.get(desk.url("appointment", visit.pk), **HTMX).content.decode()
    assert "Squeezed in: Dr. Osei agreed" in panel
    board = desk.client.get(desk.url("today"), {"d": "2026-11-25"}).content.decode()
    assert "squeezed in" in board


def test_moving_beside_others_needs_the_right_too(desk):
    with inside(desk.practice):
        other = desk.book("2026-11-25 11:00")
        with pytest.raises(MayNotOverbook):
            reschedule_appointment(
                appointment=other,
                version=other.version,
                starts_at=at("2026-11-25 10:00"),
                overbook_reason="Because",
                by=an_actor(desk.dana),
            )


def test_the_api_answers_403_in_words(desk):
    with inside(desk.practice):
        _, key = create_api_key(user=desk.dana.user, by=desk.by)
    body = {
        "patient": str(desk.patient.pk),
        "practitioner": str(desk.osei.pk),
        "type": str(desk.kind.pk),
        "starts_at": at("2026-11-25 10:00").isoformat(),
        "overbook_reason": "Because",
    }
    answer = Client().post(
        f"/api/v1/p/{desk.practice.slug}/appointments/",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )
    assert answer.status_code == 403
    assert WORDS in answer.json()["detail"]
    assert count(desk) == 1


def test_a_manager_gives_the_right_on_the_page_of_a_person(desk):
    mira = a_member(desk.practice, a_user("mira@frontdesk.example"), Role.MANAGER)
    boss = Client()
    boss.force_login(mira.user)
    given = {"roles": ["receptionist"], "active": "on", "may_overbook": "on"}
    assert boss.post(desk.url("practice-person", desk.dana.pk), given).status_code == 302
    with inside(desk.practice):
        assert Membership.objects.get(pk=desk.dana.pk).may_overbook
        entry = AuditEntry.objects.get(verb="member.changed")
        assert entry.changes["may_overbook"] == [False, True]


def test_it_is_a_question_of_the_moment_and_not_of_the_session(desk):
    """The control: the same request is refused, allowed and refused again as the right comes and goes."""
    codes = []
    for day, may in ((26, False), (27, True), (28, False)):
        with inside(desk.practice):
            desk.book(f"2026-11-{day} 10:00", by=an_actor())
            Membership.objects.filter(pk=desk.dana.pk).update(may_overbook=may)
        moment = at("2026-11-25 10:00") + dt.timedelta(days=day - 25)
        given = taken(desk, slot=f"{desk.osei.pk}|{moment:%Y-%m-%dT%H:%MZ}", overbook_reason="Because")
        codes.append(desk.client.post(desk.url("book"), given, **HTMX).status_code)
    assert codes == [422, 204, 422]
