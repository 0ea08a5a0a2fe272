"""The roster in words, its settings, and the digests."""

import datetime as dt
import threading
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.test import Client
from django.utils import timezone

from messaging import on_call, routing
from messaging.digests import send_due
from messaging.models import DeskRules, Message, OnCallShift, RoutingRule, StaffMessage
from messaging.on_call import ShiftRefused, remarks, save_shift
from messaging.staff_messages import take_message
from practices.models import AuditEntry, Closure, Membership, OfficeHours, Role
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_user, an_actor

pytestmark = pytest.mark.django_db(transaction=True)

NOON = dt.datetime(2026, 11, 23, 17, 0, tzinfo=dt.UTC)  # Monday noon in New York


@pytest.fixture
def team(practice: Any) -> SimpleNamespace:
    ama = a_member(practice, a_user("ama@frontdesk.example"), Role.CLINICIAN)
    ben = a_member(practice, a_user("ben@frontdesk.example"), Role.CLINICIAN)
    mira = a_member(practice, a_user("mira@frontdesk.example"), Role.MANAGER)
    client = Client()
    client.force_login(mira.user)
    base = f"/p/{practice.slug}/settings/"
    return SimpleNamespace(practice=practice, ama=ama, ben=ben, mira=mira, client=client, base=base)


def shift(member: Membership, start: float, hours: float, rank: int = 1) -> OnCallShift:
    """A shift by hours from NOON."""
    with inside(member.practice):
        begins = NOON + dt.timedelta(hours=start)
        return save_shift(
            user=member.user, rank=rank, starts_at=begins, ends_at=begins + dt.timedelta(hours=hours),
            by=an_actor(),
        )  # fmt: skip


def names(team: SimpleNamespace, hours: float) -> list[list[str]]:
    with inside(team.practice):
        found = on_call.ranks_at(NOON + dt.timedelta(hours=hours))
        return [[person.short_name for person in people] for people in found]


def test_who_is_on_call_goes_by_rank_and_ends_with_the_shift(team):
    with time_machine.travel(NOON, tick=False):
        shift(team.ama, 0, 8)
        shift(team.ben, 0, 16, rank=2)
    assert names(team, 1) == [["Ama"], ["Ben"]]
    assert names(team, 8) == [["Ben"]]
    assert names(team, 16) == []
    with inside(team.practice):
        assert on_call.on_call_at(NOON + dt.timedelta(hours=1)) == [team.ama.user, team.ben.user]
    with inside(team.practice):
        Membership.objects.filter(pk=team.ama.pk).update(active=False)
    assert names(team, 1) == [["Ben"]]


def test_gaps_and_overlaps_are_said_in_words(team):
    with time_machine.travel(NOON, tick=False):
        rows = [shift(team.ama, 0, 8), shift(team.ben, 6, 4), shift(team.mira, 12, 12)]
    zone = team.practice.zone
    said = [one.words for one in remarks(rows, NOON, NOON + dt.timedelta(hours=24), zone)]
    assert said == [
        "Ama and Ben are both rank 1, Mon, Nov 23, 6:00 PM to 8:00 PM: both are asked.",
        "Nobody is on call, Mon, Nov 23, 10:00 PM to Tue, Nov 24, 12:00 AM: "
        "urgent messages go to the managers.",
    ]


@pytest.mark.parametrize(
    ("start", "hours", "rank", "words"),
    [
        (1, 0, 1, "ends before it begins"),
        (1, -3, 1, "ends before it begins"),
        (1, 24 * 15, 1, "longer than two weeks"),
        (24 * 400, 8, 1, "more than a year away"),
        (2, 3, 2, "is on call then already"),
        (1, 3, 0, "A rank is a number"),
    ],
)
def test_a_shift_that_contradicts_itself_is_refused(team, start, hours, rank, words):
    with time_machine.travel(NOON, tick=False):
        shift(team.ama, 0, 8)
        with pytest.raises(ShiftRefused, match=words):
            shift(team.ama, start, hours, rank)


def test_the_nights_when_clocks_change(team):
    zone = team.practice.zone
    with pytest.raises(ShiftRefused, match="does not exist"):
        on_call.instant(dt.date(2027, 3, 14), dt.time(2, 30), zone)
    twice = on_call.instant(dt.date(2026, 11, 1), dt.time(1, 30), zone)
    assert twice == dt.datetime(2026, 11, 1, 5, 30, tzinfo=dt.UTC)  # the first of the two
    evening, morning = (
        on_call.instant(day, time, zone)
        for day, time in ((dt.date(2026, 10, 31), dt.time(17)), (dt.date(2026, 11, 1), dt.time(8)))
    )
    assert morning - evening == dt.timedelta(hours=16)
    assert on_call.clock_change(evening, morning, zone) == (
        "The clocks go back in this shift: it is 1 hour longer."
    )
    assert on_call.clock_change(morning, morning + dt.timedelta(hours=9), zone) == ""


def typed(team: SimpleNamespace, **fields: Any) -> dict[str, Any]:
    values = {"user": str(team.ama.user.pk), "rank": "1", "first_day": "2026-11-23", "starts": "17:00"}
    return values | {"last_day": "2026-11-24", "ends": "08:00"} | fields


def test_the_page_adds_changes_and_removes(team):
    with time_machine.travel(NOON, tick=False):
        team.client.force_login(team.mira.user)
        page = f"{team.base}on-call/"
        assert team.client.post(page, typed(team)).status_code == 302
        assert "Mon, Nov 23, 5:00 PM to Tue, Nov 24, 8:00 AM" in team.client.get(page).content.decode()
        with inside(team.practice):
            row = OnCallShift.objects.get()
        assert row.starts_at == dt.datetime(2026, 11, 23, 22, 0, tzinfo=dt.UTC)
        one = f"{page}{row.pk}/"
        assert team.client.get(one).status_code == 200
        assert team.client.post(one, typed(team, rank="2", ends="09:00")).status_code == 302
        for wrong in (
            {"ends": "16:00", "last_day": "2026-11-23"},
            {"user": "999"},
            {"user": ""},
            {"starts": "25:00"},
            {"first_day": "2026-13-01"},
        ):
            assert team.client.post(page, typed(team, **wrong)).status_code == 422
        assert team.client.post(f"{one}remove/").status_code == 302
        with inside(team.practice):
            assert not OnCallShift.objects.exists()
            verbs = AuditEntry.objects.filter(verb__startswith="on_call")
            assert sorted(verbs.values_list("verb", flat=True)) == [
                "on_call.added", "on_call.changed", "on_call.removed",
            ]  # fmt: skip


@pytest.mark.parametrize("week", ["2026-11-25", "nonsense", "0001-01-01", "9999-12-31"])
def test_any_week_can_be_asked_for(team, week):
    assert team.client.get(f"{team.base}on-call/?week={week}").status_code == 200


def rules(team: SimpleNamespace, **fields: str) -> dict[str, str]:
    values = {"digest_at": "12:00, 16:30", "escalate_every_minutes": "2", "escalate_times": "5"}
    for kind in StaffMessage.Kind.values:
        values |= {f"{kind}-to_whom": "role:manager", f"{kind}-urgency": "1"}
        values |= {f"{kind}-answer_within_minutes": "120"}
    return values | fields


def test_the_rules_are_stored_and_contradictions_said(team):
    page = f"{team.base}team-messages/"
    assert team.client.get(page).status_code == 200
    sent = rules(team, digest_at="15:15 09:00", **{"refill-to_whom": f"person:{team.ben.user.pk}"})
    assert team.client.post(page, sent).status_code == 302
    with inside(team.practice):
        assert DeskRules.objects.get().digest_at == [dt.time(9), dt.time(15, 15)]
        assert routing.route_for("refill").to_user == team.ben.user
        assert RoutingRule.objects.count() == 7
    for wrong in (
        {"digest_at": "noon"},
        {"digest_at": "1:00 2:00 3:00 4:00 5:00 6:00 7:00"},
        {"escalate_every_minutes": "0"},
        {"escalate_every_minutes": "60", "escalate_times": "20"},
        {"refill-urgency": "0", "refill-answer_within_minutes": "600"},
        {"refill-to_whom": "person:999"},
        {"refill-to_whom": ""},
    ):
        assert team.client.post(page, rules(team, **wrong)).status_code == 422, wrong


CALLS = {
    "ring_seconds": "45", "record_calls": "on", "promise_warn_minutes": "10", "complaint_target_hours": "24",
}  # fmt: skip


def test_the_rules_of_calls_are_stored_beside_the_others(team):
    page = f"{team.base}calls/"
    assert 'value="120"' in team.client.get(page).content.decode()
    assert team.client.post(f"{team.base}team-messages/", rules(team, digest_at="09:00")).status_code == 302
    assert team.client.post(page, CALLS).status_code == 302
    with inside(team.practice):
        stored = DeskRules.objects.get()
        assert (stored.ring_seconds, stored.promise_warn_minutes) == (45, 10)
        assert stored.complaint_target_hours == 24
        assert (stored.record_calls, stored.missed_call_text) == (True, False)
        assert stored.digest_at == [dt.time(9)]  # what another page set stays
        entry = AuditEntry.objects.filter(verb="desk_rules.changed").latest("at")
        assert entry.changes["record_calls"] == [False, True]
    for wrong in ({"ring_seconds": "5"}, {"promise_warn_minutes": "481"}, {"complaint_target_hours": "0"}):
        assert team.client.post(page, CALLS | wrong).status_code == 422, wrong


def test_only_managers_set_them(team):
    team.client.force_login(team.ama.user)
    for name in ("on-call/", "team-messages/", "calls/"):
        assert team.client.get(f"{team.base}{name}").status_code == 403


def routine(team: SimpleNamespace, key: str, to: Membership) -> StaffMessage:
    patient = a_patient(team.practice, given=f"P{key}")
    with inside(team.practice):
        return take_message(
            kind="refill", body="Out of pills.", recipient="person", to_user=to.user, urgency=2,
            patient=patient, once_key=key, by=an_actor(team.mira),
        )  # fmt: skip


def mails(team: SimpleNamespace) -> list[tuple[str, str]]:
    with inside(team.practice):
        return list(Message.objects.order_by("created_at").values_list("address", "subject"))


def test_a_digest_is_one_mail_a_person_and_hour_without_a_patient(team):
    with time_machine.travel(NOON - dt.timedelta(minutes=30), tick=False) as clock:
        for key, to in (("1", team.ama), ("2", team.ama), ("3", team.ben)):
            routine(team, key, to)
        assert send_due(team.practice) == 0
        clock.move_to(NOON + dt.timedelta(seconds=20))
        assert send_due(team.practice) == 2
        assert send_due(team.practice) == 0
        with inside(team.practice):
            mail = Message.objects.get(staff=team.ama.user)
            assert mail.subject == "2 messages wait for you at Harbor Street"
            assert f"/p/{team.practice.slug}/team/" in mail.body
            assert "P1" not in mail.body
            assert "Vega" not in mail.body
        routine(team, "4", team.ama)
        assert send_due(team.practice) == 0  # waits for the next hour
        clock.move_to(NOON + dt.timedelta(hours=4, minutes=31))
        assert send_due(team.practice) == 1
    assert len(mails(team)) == 3


def test_two_beats_write_one_digest(team):
    with time_machine.travel(NOON + dt.timedelta(minutes=1), tick=False):
        with time_machine.travel(NOON - dt.timedelta(minutes=5), tick=False):
            routine(team, "1", team.ama)

        def beat() -> None:
            try:
                send_due(team.practice)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=beat) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert len(mails(team)) == 1


def test_no_digest_on_a_day_off_and_none_for_what_is_accepted(team):
    with time_machine.travel(NOON - dt.timedelta(minutes=5), tick=False) as clock:
        routine(team, "1", team.ama)
        clock.move_to(NOON + dt.timedelta(minutes=1))
        with inside(team.practice):
            OfficeHours.objects.create(
                practice=team.practice, weekday=2, opens=dt.time(8), closes=dt.time(17)
            )
        assert send_due(team.practice) == 0
        with inside(team.practice):
            OfficeHours.objects.create(
                practice=team.practice, weekday=1, opens=dt.time(8), closes=dt.time(17)
            )
            day = timezone.localdate(timezone=team.practice.zone)
            off = Closure.objects.create(
                practice=team.practice, first_day=day, last_day=day, reason="Holiday"
            )
        assert send_due(team.practice) == 0
        with inside(team.practice):
            off.delete()
            StaffMessage.objects.update(acknowledged_at=timezone.now())
        assert send_due(team.practice) == 0
