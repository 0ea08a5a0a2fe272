"""A clinician's calendar address: what it shows, to whom, and how it ends."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from icalendar import Calendar

from practices.models import AccessEvent, AuditEntry, Membership, Role
from practices.tenancy import inside
from scheduling.booking import cancel_appointment, reschedule_appointment
from scheduling.feeds import MOST_A_MINUTE, address_of, end_feed, open_feed
from scheduling.models import Appointment, CalendarFeed, Participant
from tests.factories import a_member, a_user
from tests.scheduling.conftest import a_diary, at
from tests.scheduling.test_delays import a_visit


@pytest.fixture
def desk(diary):
    made = SimpleNamespace(diary=diary, client=Client())
    made.feed, made.token = open_feed(practitioner=diary.osei, by=diary.by)
    made.visit = diary.book("2026-11-25 10:00", reason="QUORLOWE rash", note="QUORLOWE")

    def read(token: str = made.token, **headers: str) -> Any:
        return made.client.get(reverse("calendar-feed", args=[token]), headers=headers)

    made.read = read
    return made


def events(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.content
    return list(Calendar.from_ical(answer.content).walk("VEVENT"))


def names_shown(diary: Any, shown: bool = True) -> None:
    type(diary.practice).objects.filter(pk=diary.practice.pk).update(calendar_names=shown)


def test_without_names_it_says_when_what_kind_and_where(desk):
    answer = desk.read()
    (event,) = events(answer)
    assert (event["summary"], event["class"], event["status"]) == ("Follow-up", "PRIVATE", "CONFIRMED")
    assert event["dtstart"].dt == at("2026-11-25 10:00")
    assert event["dtend"].dt == at("2026-11-25 10:30")
    for hidden in (b"Marisol", b"Vega", b"QUORLOWE"):
        assert hidden not in answer.content
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Cache-Control"] == "private, no-cache"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert not AccessEvent.objects.exists()


def test_with_names_it_says_who_and_no_kind_and_that_is_recorded(desk):
    names_shown(desk.diary)
    (event,) = events(desk.read())
    assert event["summary"] == "Marisol Vega"
    assert b"Follow-up" not in desk.read().content
    shown = AccessEvent.objects.filter(screen="calendar-feed")
    assert {key for row in shown for key in row.patient_ids} == {desk.diary.patient.pk}


def test_an_unchanged_calendar_is_not_sent_again(desk, clock):
    etag = desk.read()["ETag"]
    clock.shift(dt.timedelta(minutes=20))
    again = desk.read(**{"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    names_shown(desk.diary)
    assert desk.read(**{"If-None-Match": etag}).status_code == 200


def test_a_moved_visit_keeps_its_uid_and_counts_up_and_a_cancelled_one_goes(desk, clock):
    (before,) = events(desk.read())
    clock.shift(dt.timedelta(minutes=5))
    moved = reschedule_appointment(
        appointment=desk.visit, version=desk.visit.version, starts_at=at("2026-11-26 11:00"), by=desk.diary.by
    )
    (after,) = events(desk.read())
    assert after["uid"] == before["uid"]
    assert after["sequence"] > before["sequence"]
    assert after["dtstart"].dt == at("2026-11-26 11:00")
    cancel_appointment(appointment=moved, version=moved.version, reason="pat", by=desk.diary.by)
    assert events(desk.read()) == []


def test_it_holds_a_bounded_stretch_of_her_own_visits(desk):
    diary = desk.diary
    a_visit(diary, "10:00")
    for days in (-31, 181):
        last = a_visit(diary, "11:00")
        day = dt.timedelta(days=days)
        Appointment.objects.filter(pk=last.pk).update(
            starts_at=last.starts_at + day, ends_at=last.ends_at + day, local_date=last.local_date + day
        )
    a_visit(diary, "12:00", practitioner=diary.chen)
    assert len(events(desk.read())) == 2
    with_her = a_visit(diary, "14:00", practitioner=diary.chen)
    Participant.objects.create(practice=diary.practice, appointment=with_her, practitioner=diary.osei)
    assert len(events(desk.read())) == 3


def test_whoever_asks_with_anything_else_learns_nothing(desk):
    code = desk.diary.practice.link_code
    answers = [
        desk.read(token)
        for token in ("x", code, code + "A" * 32, "A" * 32, desk.token[:-1] + "?", "9" * 2000)
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


def test_only_the_hash_is_stored_and_it_has_192_bits(desk):
    assert len(desk.token) == len(desk.diary.practice.link_code) + 32
    assert desk.feed.token_hash == CalendarFeed.hash_of(desk.token)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(f)::text FROM scheduling_calendarfeed f")
        assert desk.token[-32:] not in cursor.fetchone()[0]


def test_a_new_address_ends_the_old_and_ending_ends_it(desk):
    _, new = open_feed(practitioner=desk.diary.osei, by=desk.diary.by)
    assert desk.read().status_code == 404
    assert desk.read(new).status_code == 200
    assert end_feed(practitioner=desk.diary.osei, by=desk.diary.by) == 1
    assert end_feed(practitioner=desk.diary.osei, by=desk.diary.by) == 0
    assert desk.read(new).status_code == 404
    verbs = AuditEntry.objects.filter(verb__startswith="calendar-feed").values_list("verb", flat=True)
    assert sorted(verbs) == ["calendar-feed.ended"] * 2 + ["calendar-feed.opened"] * 2


def test_it_ends_with_the_work_of_the_clinician(desk):
    user = a_user("osei@frontdesk.example")
    member = a_member(desk.diary.practice, user, Role.CLINICIAN)
    type(desk.diary.osei).objects.filter(pk=desk.diary.osei.pk).update(user=user)
    assert desk.read().status_code == 200
    Membership.objects.filter(pk=member.pk).update(active=False)
    assert desk.read().status_code == 404
    Membership.objects.filter(pk=member.pk).update(active=True)
    assert desk.read().status_code == 200
    type(desk.diary.osei).objects.filter(pk=desk.diary.osei.pk).update(active=False)
    assert desk.read().status_code == 404


def test_thirty_times_a_minute_and_no_more(desk, clock):
    for _ in range(MOST_A_MINUTE):
        assert desk.read().status_code == 200
    over = desk.read()
    assert (over.status_code, over["Retry-After"]) == (429, "60")
    clock.shift(dt.timedelta(minutes=1, seconds=1))
    assert desk.read().status_code == 200


def test_reading_changes_nothing_but_its_own_count(desk):
    before = (Appointment.objects.get().updated_at, AuditEntry.objects.count())
    desk.read()
    assert (Appointment.objects.get().updated_at, AuditEntry.objects.count()) == before
    assert desk.client.post(reverse("calendar-feed", args=[desk.token])).status_code == 405


@pytest.mark.parametrize("visits", [1, 15])
def test_it_costs_the_same_queries_however_many_visits(desk, visits):
    for number in range(visits):
        a_visit(desk.diary, f"13:{4 * number:02d}" if number < 15 else "16:00", minutes=4)
    with CaptureQueriesContext(connection) as asked:
        desk.read()
    rows = [one for one in asked if "SAVEPOINT" not in one["sql"] and "set_config" not in one["sql"]]
    assert len(rows) == FEED_QUERIES


FEED_QUERIES = 8


def test_hostile_words_stay_in_their_property(desk):
    type(desk.diary.kind).objects.update(name="Visit\r\nATTENDEE:mailto:evil@example.org")
    (event,) = events(desk.read())
    assert "attendee" not in event
    assert event["summary"] == "Visit ATTENDEE:mailto:evil@example.org"


class TestThePage:
    @pytest.fixture
    def clinician(self, desk):
        user = a_user("osei@frontdesk.example")
        a_member(desk.diary.practice, user, Role.CLINICIAN)
        type(desk.diary.osei).objects.filter(pk=desk.diary.osei.pk).update(user=user)
        client = Client()
        client.force_login(user)
        return client

    def url(self, desk: Any, who: Any = None) -> str:
        return reverse("calendar-settings", args=[desk.diary.practice.slug, (who or desk.diary.osei).pk])

    def test_she_makes_her_own_and_sees_it_once(self, desk, clinician):
        page = clinician.post(self.url(desk), {"step": "new"}).content.decode()
        token = page.partition("/cal/")[2].partition("/feed.ics")[0]
        assert address_of(token) in page
        assert desk.read(token).status_code == 200
        assert "/cal/" not in clinician.get(self.url(desk)).content.decode()
        page = clinician.post(self.url(desk), {"step": "end"}).content.decode()
        assert "does not work any more" in page
        assert desk.read(token).status_code == 404

    def test_her_day_leads_there(self, desk, clinician):
        assert (
            self.url(desk) in clinician.get(reverse("day", args=[desk.diary.practice.slug])).content.decode()
        )

    def test_nobody_elses_and_not_from_the_desk(self, desk, clinician):
        assert clinician.get(self.url(desk, desk.diary.chen)).status_code == 403
        desk.client.force_login(desk.diary.dana.user)
        assert desk.client.post(self.url(desk), {"step": "new"}).status_code == 403

    def test_a_manager_for_anybody(self, desk):
        manager = a_user("mira@frontdesk.example")
        a_member(desk.diary.practice, manager, Role.MANAGER)
        desk.client.force_login(manager)
        page = desk.client.post(self.url(desk, desk.diary.chen), {"step": "new"}).content.decode()
        assert "/cal/" in page
        settings = reverse("settings-clinician", args=[desk.diary.practice.slug, desk.diary.chen.pk])
        assert self.url(desk, desk.diary.chen) in desk.client.get(settings).content.decode()


def test_another_practice_has_another_calendar(desk, db):
    other = a_diary("zoe@frontdesk.example", slug="cedar-park")
    secret = desk.token[-32:]
    assert desk.read(other.practice.link_code + secret).status_code == 404
    with inside(other.practice):
        assert not CalendarFeed.objects.exists()
