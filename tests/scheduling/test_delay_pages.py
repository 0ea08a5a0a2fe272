"""A late clinician on the pages: the dialog of her column, her own day, the board, the link, the API."""

import datetime as dt
import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from frontdesk.queue import needs_you
from frontdesk.today import day_board
from messaging.models import Message
from practices.apikeys import create_api_key
from practices.models import AccessEvent, Role
from practices.tenancy import inside
from scheduling.delays import say_late, tell_late
from scheduling.links import create_link
from scheduling.models import Delay
from tests.factories import a_member, a_user
from tests.scheduling.conftest import NOW, at
from tests.scheduling.test_delays import TODAY, a_visit

HTMX = {"headers": {"HX-Request": "true"}}


@pytest.fixture
def desk(diary):
    made = SimpleNamespace(diary=diary, client=Client(), slug=diary.practice.slug)
    made.client.force_login(diary.dana.user)
    made.room = a_visit(diary, "08:30", "Gloria", status="arrived", seen_at=at(f"{TODAY} 08:31"))
    made.visits = [
        a_visit(diary, f"09:{m:02d}", n, minutes=15) for m, n in ((0, "Ann"), (15, "Ben"), (30, "Cyd"))
    ]
    made.url = lambda name, *args: reverse(name, args=[made.slug, *(args or [diary.osei.pk])])
    made.post = lambda name, **data: made.client.post(made.url(name), data, **HTMX)
    return made


def stored(desk: Any) -> Delay:
    return Delay.objects.get(practitioner=desk.diary.osei)


def test_two_steps_from_the_head_of_the_column(desk):
    page = desk.client.get(desk.url("delay"), **HTMX).content.decode()
    assert "on time" in page
    page = desk.post("delay-set", minutes="20", version="0").content.decode()
    assert "20 min behind" in page
    assert [name in page for name in ("Ann", "Ben", "Cyd", "Gloria")] == [True, True, True, False]
    assert "9:20 AM" in page
    assert "English" in page
    assert "Tell 3" in page
    assert AccessEvent.objects.filter(screen="delay").exists()
    ticked = [visit.pk for visit in desk.visits[:2]]
    answer = desk.post("delay-tell", version="1", visit=ticked)
    assert answer.status_code == 204
    assert json.loads(answer["HX-Trigger"])["announce"]["value"] == "2 told."
    assert Message.objects.filter(kind="delay").count() == 2


@pytest.mark.parametrize("typed", ["", "soon", "0", "-4", "999", "²", "9" * 5000, "1e3"])
def test_what_is_no_minutes_is_refused_beside_the_field_with_what_was_typed(desk, typed):
    answer = desk.post("delay-set", minutes=typed, version="0")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Give the minutes from 1 to 240." in page
    assert not Delay.objects.filter(minutes__gt=0).exists()


def test_somebody_was_faster(desk):
    desk.post("delay-set", more="10", version="0")
    answer = desk.post("delay-set", more="10", version="0")
    assert answer.status_code == 409
    assert "10 min behind. Look again" in answer.content.decode()
    assert stored(desk).minutes == 10


def test_nobody_ticked_is_said(desk):
    desk.post("delay-set", minutes="20")
    answer = desk.post("delay-tell", version="1", visit="nobody")
    assert answer.status_code == 422
    assert "Tick somebody to tell." in answer.content.decode()


def test_without_a_script_the_pages_lead_on(desk):
    answer = desk.client.post(desk.url("delay-set"), {"minutes": "20"})
    assert answer.headers["Location"] == desk.url("delay")
    page = desk.client.get(desk.url("delay")).content.decode()
    assert "<html" in page
    told = desk.client.post(desk.url("delay-tell"), {"version": "1", "visit": [v.pk for v in desk.visits]})
    assert told.headers["Location"] == reverse("today", args=[desk.slug])
    assert desk.client.post(desk.url("delay-undo")).status_code == 302
    assert desk.client.post(desk.url("delay-on-time"), {"version": "1"}).status_code == 302
    assert stored(desk).minutes == 0


@pytest.fixture
def osei(desk):
    """The clinician herself, at her phone."""
    user = a_user("osei@frontdesk.example", given_name="Amara", family_name="Osei")
    a_member(desk.diary.practice, user, Role.CLINICIAN)
    desk.diary.osei.user = user
    desk.diary.osei.save()
    client = Client()
    client.force_login(user)
    return client


def test_one_tap_of_the_clinician_on_her_day(desk, osei):
    day = reverse("day", args=[desk.slug])
    page = osei.get(day).content.decode()
    assert "On time" in page
    assert "+25" in page
    answer = osei.post(desk.url("delay-set"), {"more": "25", "version": "0", "next": "day"}, **HTMX)
    assert answer.status_code == 204
    page = osei.get(day).content.decode()
    assert "25 min behind" in page
    assert "Expected 9:25" in page
    assert "Tell 3" in page
    assert "Undo" in page
    osei.post(desk.url("delay-on-time"), {"next": "day", "version": "1"}, **HTMX)
    assert "On time" in osei.get(day).content.decode()


def test_the_clock_gives_a_hint_and_sends_nothing(desk, osei, clock):
    clock.shift(dt.timedelta(minutes=12))
    page = osei.get(reverse("day", args=[desk.slug])).content.decode()
    assert "12 min behind" in page
    assert "Nobody was told" in page
    assert not Message.objects.filter(kind="delay").exists()
    board = day_board(desk.diary.practice, NOW.date())
    assert board.columns[0].over == 12


def test_a_clinician_speaks_for_herself_only(desk, osei):
    other = desk.diary.chen.pk
    assert osei.post(desk.url("delay-set", other), {"minutes": "10"}).status_code == 403
    assert osei.get(desk.url("delay", other)).status_code == 200
    assert "late-set" not in osei.get(desk.url("delay", other)).content.decode()


def test_the_board_shows_it_in_the_head_and_on_the_cards(desk):
    desk.post("delay-set", minutes="18")
    page = desk.client.get(reverse("today", args=[desk.slug])).content.decode()
    assert "18 min behind" in page
    assert "see 9:18" in page
    assert "expected 9:18" in page  # for a screen reader
    assert desk.url("delay") in page
    tomorrow = desk.client.get(reverse("today", args=[desk.slug]) + "?d=2026-11-25").content.decode()
    assert "see 9:18" not in tomorrow


def test_needs_you_offers_to_tell(desk):
    desk.post("delay-set", minutes="18")
    (row,) = [row for row in needs_you(desk.diary.practice) if row.action.startswith("Tell")]
    assert (row.title, row.action) == ("Dr. Osei is 18 min behind", "Tell 3")
    assert "3 patients not told yet" in row.text
    assert row.action_url == desk.url("delay")
    tell_late(practitioner=desk.diary.osei, version=1, by=desk.diary.by)
    assert not [row for row in needs_you(desk.diary.practice) if row.action.startswith("Tell")]


def test_the_panel_says_what_to_tell_who_asks(desk):
    desk.post("delay-set", minutes="18")
    panel = desk.client.get(desk.url("appointment", desk.visits[0].pk), **HTMX).content.decode()
    assert "Running behind: say to expect 9:18 AM" in panel


class TestTheLink:
    def page(self, desk: Any, **fields: Any) -> str:
        _, token = create_link(desk.visits[0])
        return Client().get(reverse("visit", args=[token])).content.decode()

    def test_says_when_to_expect_it(self, desk):
        say_late(practitioner=desk.diary.osei, minutes=18, by=desk.diary.by)
        page = self.page(desk)
        assert "We are running late. Please expect at 9:18 AM." in page or "9:18 AM" in page
        assert "Osei" not in page

    def test_says_nothing_of_time_where_the_practice_shows_none(self, desk):
        say_late(practitioner=desk.diary.osei, minutes=18, by=desk.diary.by)
        type(desk.diary.practice).objects.update(link_shows_time=False)
        page = self.page(desk)
        assert "9:18" not in page
        assert "running late" not in page

    def test_says_nothing_when_all_is_on_time(self, desk):
        assert "running late" not in self.page(desk)


class TestApi:
    @pytest.fixture
    def api(self, desk):
        _, key = create_api_key(user=desk.diary.dana.user, by=desk.diary.by)
        client = Client(headers={"Authorization": f"Bearer {key}"})
        base = f"/api/v1/p/{desk.slug}/delays/"

        def call(path: str = "", **body: Any) -> Any:
            if not body:
                return client.get(base + path)
            return client.post(base + path, json.dumps(body), content_type="application/json")

        return SimpleNamespace(call=call, one=f"{desk.diary.osei.pk}/", get=client.get)

    def test_the_same_verbs(self, desk, api):
        said = api.call(api.one, minutes=20).json()
        assert (said["minutes"], said["behind"], said["version"]) == (20, 20, 1)
        assert [row["minutes"] for row in said["expected"]] == [20, 20, 20]
        assert {row["channel"] for row in said["to_tell"]} == {"sms"}
        assert api.call().json()[0]["practitioner"] == str(desk.diary.osei.pk)
        visits = api.get(f"/api/v1/p/{desk.slug}/appointments/?day={TODAY}").json()
        by_name = {row["patient"]["name"].split()[0]: row["expected_at"] for row in visits}
        assert by_name["Ann"] == "2026-11-24T09:20:00-05:00" or by_name["Ann"].startswith("2026-11-24T")
        assert by_name["Gloria"] is None
        assert api.call(api.one + "tell/", version=1).json() == {"messages": 3, "calls": 0}
        assert api.call(api.one + "tell/", version=1).json() == {"messages": 0, "calls": 0}
        assert api.call(api.one + "on-time/", version=1).json() == {"messages": 0, "calls": 0}
        assert not Message.objects.filter(kind="delay", status="queued").exists()

    @pytest.mark.parametrize(
        "body",
        [{"minutes": 0}, {"minutes": 241}, {"minutes": "soon"}, {"minutes": 5, "more": 5}, {"version": 1},
         {"more": -1}, {"minutes": 1e999}],
    )  # fmt: skip
    def test_bad_minutes_are_refused_in_words(self, api, body):
        answer = api.call(api.one, **body)
        assert answer.status_code == 400

    def test_a_stale_version_is_a_conflict(self, api):
        api.call(api.one, minutes=20, version=0)
        assert api.call(api.one, minutes=30, version=0).status_code == 409
        assert api.call(api.one + "tell/", version=0).status_code == 409
        assert api.call(api.one + "on-time/", version=1).status_code == 200
        assert api.call(api.one + "on-time/", version=2).status_code == 422


@pytest.mark.parametrize("visits", [1, 12])
def test_the_dialog_costs_the_same_however_many_would_be_told(desk, visits):
    for number in range(visits):
        a_visit(desk.diary, f"10:{4 * number:02d}", minutes=4)
    desk.post("delay-set", minutes="60")
    desk.client.get(desk.url("delay"), **HTMX)
    with CaptureQueriesContext(connection) as asked:
        desk.client.get(desk.url("delay"), **HTMX)
    rows = [one for one in asked if "SAVEPOINT" not in one["sql"] and "set_config" not in one["sql"]]
    assert len(rows) == DIALOG_QUERIES


DIALOG_QUERIES = 12


def test_nothing_of_another_practice(desk, db):
    from tests.scheduling.conftest import a_diary

    other = a_diary("mira@frontdesk.example", slug="cedar-park")
    for name in ("delay", "delay-set", "delay-tell", "delay-on-time", "delay-undo"):
        method = desk.client.get if name == "delay" else desk.client.post
        assert method(desk.url(name, other.osei.pk), {"minutes": "10"}).status_code == 404
    with inside(other.practice):
        assert not Delay.objects.exists()
