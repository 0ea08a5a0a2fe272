"""Visits by video: where they take place, who is told, and that no message ever says it."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging.models import Message
from practices.models import AuditEntry, Membership, Role
from practices.tenancy import inside
from scheduling.editing import edit_appointment
from scheduling.links import create_link
from scheduling.meetings import MeetingRefused, meeting_of, meetings_of, read_address, save_addresses
from scheduling.models import Appointment, MeetingAddress
from tests.factories import a_member, a_user
from tests.scheduling.conftest import a_diary

HOUSE, ROOM, OWN = (
    "https://meet.example.org/house",
    "https://video.example.com/osei",
    "https://z.example/1?p=2",
)
RIGHT = {"birth_month": "3", "birth_day": "14", "birth_year": "1986"}


@pytest.fixture
def desk(db: None, clock: Any) -> SimpleNamespace:
    made = a_diary()
    with inside(made.practice):
        made.kind.video = True
        made.kind.save()
        save_addresses(addresses={None: HOUSE, made.osei: ROOM}, by=made.by)
        made.visit = made.book("2026-11-24 10:00")
    return made


@pytest.mark.parametrize(
    "text",
    [
        "http://meet.example.org/x",
        "javascript:alert(1)",
        "meet.example.org/x",
        "https://",
        "https://localhost",
        "https://.example",
        "https://user:secret@meet.example.org",
        "https://meet.example.org/a b",
        "https://meet.example.org/\r\nSet-Cookie: x",
        "https://[::1",
        "https://meet.example.org:99999/x",
        "https://meet.example.org/" + "x" * 600,
    ],
)
def test_only_one_whole_https_address_is_taken(text):
    with pytest.raises(MeetingRefused):
        read_address(text)


def test_an_address_stays_as_it_was_copied():
    assert read_address(f"  {OWN} ") == OWN
    assert read_address("") == ""


def test_the_visits_own_comes_before_the_clinicians_and_that_before_the_practices(desk):
    with inside(desk.practice):
        visit, other = desk.visit, desk.book("2026-11-25 10:00", practitioner=desk.chen)
        assert (meeting_of(visit), meeting_of(other)) == (ROOM, HOUSE)
        changed = edit_appointment(
            appointment=visit, version=visit.version, values={"meeting_address": OWN}, by=desk.by
        )
        assert meeting_of(changed) == OWN
        with CaptureQueriesContext(connection) as asked:
            assert len(meetings_of([changed, other] * 10)) == 2
        assert len(asked) == 1


def test_a_visit_in_person_has_none_and_asks_nothing(desk):
    with inside(desk.practice):
        desk.kind.video = False
        desk.kind.save()
        visit = Appointment.objects.with_people().get()
        with CaptureQueriesContext(connection) as asked:
            assert meeting_of(visit) == ""
        assert len(asked) == 0


def test_no_message_holds_it(desk):
    with inside(desk.practice):
        bodies = [message.body + message.subject for message in Message.objects.all()]
        assert bodies
        for address in (HOUSE, ROOM):
            assert not any(address in body for body in bodies)


def test_the_patient_finds_it_after_the_birth_date_and_not_before(desk):
    with inside(desk.practice):
        _, token = create_link(desk.visit)
    client = Client()
    before = client.get(reverse("visit", args=[token])).content.decode()
    assert ROOM not in before
    assert "ideo" not in before.replace("video.svg", "")
    client.post(reverse("visit-details", args=[token]), RIGHT)
    after = client.get(reverse("visit-details", args=[token])).content.decode()
    assert f'href="{ROOM}"' in after
    assert "Join by video" in after
    assert 'rel="noopener noreferrer"' in after
    with inside(desk.practice):
        MeetingAddress.objects.all().delete()
    after = client.get(reverse("visit-details", args=[token])).content.decode()
    assert "The link to join appears here before your visit." in after


def test_the_clinician_joins_from_her_day_and_the_panel_says_what_is_missing(desk):
    osei = a_member(desk.practice, a_user("osei@frontdesk.example"), Role.CLINICIAN)
    with inside(desk.practice):
        desk.osei.user = osei.user
        desk.osei.save()
    client = Client()
    client.force_login(osei.user)
    day = reverse("day", args=[desk.practice.slug]) + f"?v={desk.visit.pk}"
    assert f'href="{ROOM}"' in client.get(day).content.decode()
    panel = reverse("appointment", args=[desk.practice.slug, desk.visit.pk])
    assert "the link stands on the patient’s page" in client.get(panel).content.decode()
    assert ROOM not in client.get(panel).content.decode()
    with inside(desk.practice):
        MeetingAddress.objects.all().delete()
    assert "No meeting address is set" in client.get(day).content.decode()
    assert "no meeting address is set" in client.get(panel).content.decode()


def test_a_manager_sets_addresses_and_what_is_wrong_is_said_at_its_field(desk):
    client = Client()
    client.force_login(desk.dana.user)
    address = reverse("settings-video", args=[desk.practice.slug])
    assert client.get(address).status_code == 403
    with inside(desk.practice):
        Membership.objects.filter(pk=desk.dana.pk).update(roles=[Role.MANAGER])
    wrong = client.post(address, {"practice": HOUSE, str(desk.chen.pk): "http://x.example"})
    assert wrong.status_code == 422
    assert "begins with https://" in wrong.content.decode()
    assert client.post(address, {"practice": "", str(desk.chen.pk): OWN}).status_code == 302
    with inside(desk.practice):
        [row] = MeetingAddress.objects.all()
        assert (row.practitioner_id, row.address) == (desk.chen.pk, OWN)
        assert AuditEntry.objects.filter(verb="meeting_address.saved").count() == 5
