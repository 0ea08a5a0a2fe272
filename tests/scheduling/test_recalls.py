"""Recalls by rule: found once for each last visit, told with consent, stopped by itself."""

import datetime as dt
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from messaging.models import Message, Suppression
from messaging.outbox import address_index
from patients.joining import join_records
from patients.models import Consent, Patient
from practices.models import AuditEntry, Role
from practices.tenancy import inside
from scheduling.due_list import due_list
from scheduling.followups import ask_patient, end_follow_up
from scheduling.models import Appointment, FollowUp, RecallRule
from scheduling.recalls import (
    RecallRefused,
    find,
    months_after,
    save_rule,
    settle,
    stop_silent,
    sweep,
    take_down,
)
from tests.factories import a_member, a_patient, a_type, a_user
from tests.scheduling.conftest import a_diary, a_texted_patient, at

FIND_QUERIES = 1


def seen(diary: Any, day: str, patient: Any = None, kind: Any = None, status: str = "fulfilled") -> Any:
    """A visit of the past as a bare row."""
    starts = at(f"{day} 10:00")
    kind = kind or diary.kind
    with inside(diary.practice):
        return Appointment.objects.create(
            practice=diary.practice,
            patient=patient or diary.patient,
            practitioner=diary.osei,
            appointment_type=kind,
            starts_at=starts,
            ends_at=starts + kind.length,
            local_date=dt.date.fromisoformat(day),
            local_time=dt.time(10),
            time_zone="America/New_York",
            status=status,
            overbook_reason="history",
        )


def a_rule(diary: Any, **given: Any) -> RecallRule:
    values = {
        "appointment_type": diary.kind, "months": 12, "weeks_before": 4, "channel": "sms", "by": diary.by,
    }  # fmt: skip
    with inside(diary.practice):
        return save_rule(**(values | given))


@pytest.fixture
def house(db: None, clock: Any) -> SimpleNamespace:
    """A practice that nobody has opened yet, as the timetable finds it."""
    return a_diary()


def rows(house: Any) -> list[FollowUp]:
    with inside(house.practice):
        return list(FollowUp.objects.with_people().order_by("due_on"))


def messages(house: Any) -> list[Message]:
    with inside(house.practice):
        return list(Message.objects.all())


# Finding.


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-01-15", -12, "2025-01-15"),
    ],
)
def test_months_end_where_the_month_ends(day, months, after):
    assert months_after(dt.date.fromisoformat(day), months) == dt.date.fromisoformat(after)


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2025-12-23", False),  # a day too early: told from Nov 25 on
        ("2025-12-22", True),
        ("2025-11-24", True),
        ("2025-05-25", True),  # due half a year ago
        ("2025-05-20", False),  # longer than the reach back
        ("2019-01-10", False),
    ],
)
def test_whose_turn_it_is(house, day, found):
    seen(house, day)
    a_rule(house)
    assert sweep(house.practice) == found
    assert len(rows(house)) == found


def test_a_recall_is_due_a_year_after_the_last_visit_and_told_four_weeks_before(house):
    visit = seen(house, "2025-12-15")
    seen(house, "2025-08-01")
    a_rule(house)
    sweep(house.practice)
    [row] = rows(house)
    assert (row.visit_id, row.due_on, row.work_from) == (
        visit.pk,
        dt.date(2026, 12, 15),
        dt.date(2026, 11, 17),
    )
    assert row.is_recall


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered-in-error", "booked"])
def test_only_visits_that_took_place_count(house, status):
    seen(house, "2025-11-24", status=status)
    a_rule(house)
    assert sweep(house.practice) == 0


def test_whoever_has_been_or_will_be_here_since_is_left_alone(house):
    seen(house, "2025-11-24")
    a_rule(house)
    with inside(house.practice):
        coming = house.book("2026-12-01 10:00")
    assert sweep(house.practice) == 0
    with inside(house.practice):
        Appointment.objects.filter(pk=coming.pk).update(status="cancelled")
        RecallRule.objects.update(swept_on=None)
    assert sweep(house.practice) == 1


def test_a_visit_of_another_type_is_no_reason(house):
    other = a_type(house.practice, "Other", 15, [house.osei])
    seen(house, "2025-11-24", kind=other)
    a_rule(house)
    assert sweep(house.practice) == 0


def test_the_dead_and_records_not_in_use_are_left_alone(house):
    seen(house, "2025-11-24")
    a_rule(house)
    for fields in ({"deceased": True}, {"deceased": False, "active": False}):
        with inside(house.practice):
            Patient.objects.update(**fields)
            RecallRule.objects.update(swept_on=None)
        assert sweep(house.practice) == 0


def test_it_is_found_once_for_each_cycle(house, clock):
    seen(house, "2025-11-24")
    rule = a_rule(house)
    assert sweep(house.practice) == 1
    assert sweep(house.practice) == 0, "not twice on a day"
    clock.shift(dt.timedelta(days=1))
    assert sweep(house.practice) == 0, "nor on the next"
    seen(house, "2026-11-25", status="fulfilled")  # she came
    clock.move_to(at("2027-10-30 09:00"))
    assert sweep(house.practice) == 1, "a year later it is her turn again"
    assert len({row.visit_id for row in rows(house)}) == 2
    assert rows(house)[0].rule_id == rule.pk


def test_a_follow_up_that_stands_for_the_same_is_enough(house):
    visit = seen(house, "2025-11-24")
    a_rule(house)
    with inside(house.practice):
        FollowUp.objects.create(
            practice=house.practice,
            patient=house.patient,
            appointment_type=house.kind,
            visit=visit,
            due_on=dt.date(2026, 12, 1),
            counts_from=dt.date(2026, 11, 25),
            latest_on=dt.date(2026, 12, 8),
            work_from=dt.date(2026, 11, 24),
        )
    assert sweep(house.practice) == 0


def test_finding_asks_once_whatever_the_number_of_patients(house):
    rule = a_rule(house)
    with inside(house.practice):
        for number in range(30):
            patient = a_patient(house.practice, f"P{number}")
            seen(house, "2025-11-24", patient=patient)
        with CaptureQueriesContext(connection) as asked:
            found = find(rule, dt.date(2026, 11, 24))
    assert (len(found), len(asked)) == (30, FIND_QUERIES)


def test_the_whole_sweep_costs_the_same_for_one_and_for_many(house):
    def cost(people: int) -> int:
        for number in range(people):
            patient = a_texted_patient(house.practice, f"P{number}", f"+1503555{2000 + cost.next + number}")
            seen(house, "2025-11-24", patient=patient)
        cost.next += people
        with inside(house.practice):
            RecallRule.objects.update(swept_on=None)
        with CaptureQueriesContext(connection) as asked:
            assert sweep(house.practice) == people
        return len(asked)

    cost.next = 0
    a_rule(house)
    sweep(house.practice)
    assert cost(1) == cost(20)


def test_not_before_six_in_the_morning(house, clock):
    seen(house, "2025-11-24")
    a_rule(house)
    clock.move_to(at("2026-11-24 05:59"))
    assert sweep(house.practice) == 0
    clock.move_to(at("2026-11-24 06:00"))
    assert sweep(house.practice) == 1


# Telling.


def told(house: Any, **given: Any) -> tuple[list[FollowUp], list[Message]]:
    seen(house, "2025-11-24", **given)
    a_rule(house)
    sweep(house.practice)
    return rows(house), messages(house)


def test_who_agreed_is_texted_at_ten_with_a_link_and_no_reason(house, clock):
    [row], [message] = told(house)
    assert (message.kind, message.status, message.channel) == ("recall", "queued", "sms")
    assert message.send_after == at("2026-11-24 10:00")
    assert "/f/" in message.body
    for secret in ("Follow-up", "Osei", "12", "year"):
        assert secret not in message.body.partition("http")[0]
    assert row.message_id == message.pk
    assert row.wait_until == dt.date(2026, 11, 29)


def test_twice_is_not_told_twice(house, clock):
    told(house)
    for _ in range(3):
        clock.shift(dt.timedelta(days=1))
        sweep(house.practice)
    assert len(messages(house)) == 1


def test_without_consent_nothing_goes_and_a_person_calls(house):
    patient = a_patient(house.practice, "Owen", phone="+15035550143")
    [row], sent = told(house, patient=patient)
    assert sent == []
    assert (row.why_not, row.closed_at) == ("no_consent", None)
    with inside(house.practice):
        [group] = due_list(house.practice, private=False).groups
        assert group.name == "due"
        assert "agree" in group.rows[0].why_not.lower() or "consent" in group.rows[0].why_not.lower()


def test_who_said_stop_is_left_in_peace(house):
    with inside(house.practice):
        Suppression.objects.create(
            practice=house.practice,
            channel="sms",
            address_index=address_index("sms", "+15035550142"),
            source="text",
        )
    [row], sent = told(house)
    assert sent == []
    assert row.closed_as == "opted-out"
    with inside(house.practice):
        assert due_list(house.practice, private=False).rows == []
        RecallRule.objects.update(swept_on=None)
    assert sweep(house.practice) == 0


def test_stop_as_the_answer_ends_the_recall(house, clock):
    told(house)
    clock.shift(dt.timedelta(hours=3))
    with inside(house.practice):
        assert stop_silent() == 0
        Suppression.objects.create(
            practice=house.practice,
            channel="sms",
            address_index=address_index("sms", "+15035550142"),
            source="text",
            since=timezone.now(),
        )
    sweep(house.practice)
    [row] = rows(house)
    assert row.closed_as == "opted-out"
    with inside(house.practice):
        assert AuditEntry.objects.filter(verb="follow-up.opted-out").count() == 1


def test_who_asked_to_be_called_is_called(house):
    with inside(house.practice):
        Patient.objects.update(preferred_channel="call")
    [row], sent = told(house)
    assert (sent, row.why_not) == ([], "wants_calls")


def test_a_rule_by_phone_sends_nothing(house):
    seen(house, "2025-11-24")
    a_rule(house, channel="call")
    assert sweep(house.practice) == 1
    assert messages(house) == []
    with inside(house.practice):
        assert due_list(house.practice, private=False).to_do == 1


def test_mail_where_only_mail_was_agreed_to(house):
    with inside(house.practice):
        Consent.objects.all().delete()
        from patients.models import ContactPoint

        ContactPoint.objects.create(
            practice=house.practice, patient=house.patient, system="email", value="m@example.org"
        )
        Consent.objects.create(
            practice=house.practice, patient=house.patient, channel="email", granted=True, how="phone"
        )
    _, [message] = told(house)
    assert message.channel == "email"
    assert "Follow-up" not in message.subject + message.body


def test_booked_before_it_leaves_it_does_not_leave(house):
    assert len(told(house)[1]) == 1
    with inside(house.practice):
        house.book("2026-12-01 10:00", tell_patient=False)
    sweep(house.practice)
    assert messages(house)[0].status == "cancelled"
    with inside(house.practice):
        assert due_list(house.practice, private=False).rows == []


def test_no_recall_wanted_is_for_good_and_not_needed_now_is_for_this_time(house, clock):
    seen(house, "2025-11-24")
    a_rule(house)
    sweep(house.practice)
    [row] = rows(house)
    with inside(house.practice):
        end_follow_up(follow_up=row, version=row.version, reason="declined", by=house.by)
    seen(house, "2026-11-23")
    clock.move_to(at("2027-11-20 09:00"))
    assert sweep(house.practice) == 0
    with inside(house.practice):
        FollowUp.objects.update(closed_as="not-needed")
        RecallRule.objects.update(swept_on=None)
    assert sweep(house.practice) == 1


def test_joined_records_make_one_recall(house):
    twin = a_texted_patient(house.practice, "Marisol", "+15035550177")
    seen(house, "2025-11-20")
    later = seen(house, "2025-11-24", patient=twin)
    a_rule(house)
    assert sweep(house.practice) == 2
    with inside(house.practice):
        join_records(keep=twin, other=house.patient, by=house.by)
        waiting = FollowUp.objects.unbooked()
        assert [row.visit_id for row in waiting] == [later.pk]


def test_a_person_may_write_again(house, clock):
    [row], _ = told(house)
    clock.shift(dt.timedelta(days=6))
    with inside(house.practice):
        ask_patient(follow_up=row, version=row.version, by=house.by)
        assert Message.objects.count() == 2


def test_what_was_seen_is_closed_after_a_week_and_not_before(house, clock):
    told(house)
    seen(house, "2026-11-25")
    with inside(house.practice):
        assert settle(dt.date(2026, 12, 2)) == 0
        assert settle(dt.date(2026, 12, 3)) == 1
        assert FollowUp.objects.get().closed_as == "seen"


# Rules.


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"months": 0}, "months"),
        ({"months": 61}, "months"),
        ({"months": 10**9}, "months"),
        ({"weeks_before": -1}, "weeks_before"),
        ({"weeks_before": 27}, "weeks_before"),
        ({"months": 1, "weeks_before": 4}, "weeks_before"),
    ],
)
def test_rules_that_make_no_sense_are_refused_at_their_field(house, given, field):
    with pytest.raises(RecallRefused) as refused:
        a_rule(house, **given)
    assert refused.value.field == field
    with inside(house.practice):
        assert not RecallRule.objects.exists()


def test_a_type_has_one_rule_and_a_rule_that_was_taken_down_comes_back(house):
    first = a_rule(house)
    with inside(house.practice):
        take_down(rule=first, by=house.by)
    seen(house, "2025-11-24")
    assert sweep(house.practice) == 0
    again = a_rule(house, months=11)
    assert again.pk == first.pk
    assert sweep(house.practice) == 1


def test_a_manager_sets_rules_and_a_receptionist_does_not(house):
    mira = a_member(house.practice, a_user("mira@frontdesk.example"), Role.MANAGER)
    boss, dana = Client(), Client()
    boss.force_login(mira.user)
    dana.force_login(house.dana.user)
    address = reverse("settings-recalls", args=[house.practice.slug])
    given = {"appointment_type": house.kind.pk, "months": "12", "weeks_before": "4", "channel": "sms"}
    assert dana.post(address, given).status_code == 403
    assert boss.post(address, given).status_code == 302
    shown = boss.get(address).content.decode()
    assert "12 months after the last Follow-up" in shown
    wrong = boss.post(address, given | {"months": "700", "weeks_before": "x"})
    assert wrong.status_code == 422
    wrong = boss.post(address, given | {"months": "700"})
    assert "Between 1 and 60 months." in wrong.content.decode()
    with inside(house.practice):
        rule = RecallRule.objects.get()
        assert (rule.months, rule.weeks_before) == (12, 4)
    assert boss.post(reverse("recall-remove", args=[house.practice.slug, rule.pk])).status_code == 302
    assert "No rule: nobody is recalled." in boss.get(address).content.decode()


# Two workers at once.


@pytest.mark.django_db(transaction=True)
def test_two_workers_make_and_tell_each_once():
    house = a_diary()
    day = (timezone.now() - dt.timedelta(days=360)).date().isoformat()
    for number in range(12):
        patient = a_texted_patient(house.practice, f"P{number}", f"+1503555{3000 + number}")
        seen(house, day, patient=patient)
    a_rule(house)
    noon = dt.datetime.combine(timezone.now().astimezone(house.practice.zone).date(), dt.time(12))
    now = noon.replace(tzinfo=house.practice.zone)
    gate = threading.Barrier(3)

    def work() -> None:
        try:
            gate.wait()
            sweep(house.practice, now)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sweep(house.practice, now)
    assert len(rows(house)) == 12
    assert len(messages(house)) == 12
    assert all(row.message_id for row in rows(house))
