"""The manager's page that joins two records: found, looked at, joined, and nothing for others."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from patients.models import Patient
from patients.registry import write_words
from practices.models import AuditEntry, Role
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, a_user

BORN = dt.date(1971, 2, 3)


@pytest.fixture
def desk(db: Any) -> SimpleNamespace:
    practice = a_practice()
    manager = a_member(practice, a_user(), Role.MANAGER)
    keep = a_patient(practice, "Marisol", "Vega", phone="+15035550142", birth_date=BORN)
    other = a_patient(practice, "Marisol", "Vega", phone="+15035550199", birth_date=BORN)
    stranger = a_patient(practice, "Owen", "Park")
    with inside(practice):
        write_words([keep, other, stranger])
    client = Client()
    client.force_login(manager.user)
    page = f"/p/{practice.slug}/patients/{keep.pk}/join/"
    return SimpleNamespace(practice=practice, keep=keep, other=other, client=client, page=page)


def test_the_twin_is_found_looked_at_and_joined(desk):
    record = desk.client.get(f"/p/{desk.practice.slug}/patients/{desk.keep.pk}/").content.decode()
    assert f'href="{desk.page}"' in record
    found = desk.client.get(desk.page).content.decode()
    assert f"?with={desk.other.pk}" in found
    assert "Owen" not in found
    looked = desk.client.get(desk.page, {"with": desk.other.pk}).content.decode()
    assert "1</span> contact points" in looked
    with inside(desk.practice):
        assert Patient.objects.get(pk=desk.other.pk).active  # looking changes nothing
    assert desk.client.post(desk.page, {"other": desk.other.pk}).status_code == 302
    with inside(desk.practice):
        assert not Patient.objects.get(pk=desk.other.pk).active
        assert Patient.objects.get(pk=desk.keep.pk).contact_points.count() == 2
        assert AuditEntry.objects.filter(verb="patient.joined").count() == 2
    assert str(desk.other.pk) not in desk.client.get(desk.page).content.decode()


def test_twice_the_same_and_what_is_no_record_is_refused(desk):
    with_itself = desk.client.post(desk.page, {"other": desk.keep.pk})
    assert (with_itself.status_code, b"the same record" in with_itself.content) == (422, True)
    assert desk.client.post(desk.page, {"other": desk.other.pk}).status_code == 302
    assert desk.client.post(desk.page, {"other": desk.other.pk}).status_code == 422
    elsewhere = a_patient(a_practice("elm"), "Marisol", "Vega")
    for wrong in ("", "x", elsewhere.pk):
        assert desk.client.post(desk.page, {"other": wrong}).status_code == 404
        assert desk.client.get(desk.page, {"with": wrong}).status_code == 404


def test_only_managers_join(desk):
    desk.client.force_login(a_member(desk.practice, a_user("jo@frontdesk.example"), Role.RECEPTIONIST).user)
    assert desk.client.get(desk.page).status_code == 403
    assert desk.client.post(desk.page, {"other": desk.other.pk}).status_code == 403
    record = desk.client.get(f"/p/{desk.practice.slug}/patients/{desk.keep.pk}/").content.decode()
    assert desk.page not in record
