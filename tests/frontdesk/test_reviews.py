"""The two reviews: started once on the practice's own clock, true when one looks, closed only when owned."""

import datetime as dt
import threading
import zoneinfo
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from frontdesk import brief, reviews, wrapup
from frontdesk.models import Finding, Handover, Review
from frontdesk.review_checks import MORNING, look
from frontdesk.reviewed_day import read_morning
from messaging.models import Message, Task
from messaging.staff_tasks import open_task
from patients.models import Consent
from practices.models import Closure, Membership, Practice
from practices.tenancy import inside
from scheduling.models import Appointment, TimeOff
from tests.factories import (
    a_member,
    a_patient,
    a_practice,
    a_practitioner,
    a_type,
    a_user,
    an_actor,
)

pytestmark = pytest.mark.django_db
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
DAY = dt.date(2026, 6, 9)


def at(hour: int, minute: int = 0, day: dt.date = DAY, zone: zoneinfo.ZoneInfo = NEW_YORK) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), tzinfo=zone)


def a_visit(practice: Practice, when: dt.datetime, *, minutes: int = 30, **fields: Any) -> Appointment:
    """A visit as a bare row, also where the diary would refuse it."""
    local = when.astimezone(practice.zone)
    with inside(practice):
        return Appointment.objects.create(
            practice=practice,
            starts_at=when,
            ends_at=when + dt.timedelta(minutes=minutes),
            local_date=local.date(),
            local_time=local.time(),
            time_zone=practice.zone.key,
            **fields,
        )


@pytest.fixture
def house() -> dict[str, Any]:
    practice = a_practice()
    osei = a_practitioner(practice, "Dr. Osei")
    return {
        "practice": practice,
        "osei": osei,
        "kind": a_type(practice, "Follow-up", 30, [osei]),
        "patient": a_patient(practice, phone="+15035550142"),
    }


def visit_in(house: dict[str, Any], when: dt.datetime, **fields: Any) -> Appointment:
    defaults = {"practitioner": house["osei"], "appointment_type": house["kind"], "patient": house["patient"]}
    return a_visit(house["practice"], when, **(defaults | fields))


def found_in(house: dict[str, Any], now: dt.datetime) -> dict[str, list[str]]:
    """What the morning checks find, by check: the details."""
    with inside(house["practice"]):
        review = Review(practice=house["practice"], kind="morning", local_date=DAY)
        found = look(review, read_morning(house["practice"], DAY, now)).values()
        result: dict[str, list[str]] = {check.name: [] for check in MORNING}
        for item in found:
            result[item.check].append(item.detail)
    return result


# Starting


def test_reviews_start_at_the_practices_own_times():
    practice = a_practice(time_zone="America/Los_Angeles")
    pacific = zoneinfo.ZoneInfo("America/Los_Angeles")
    assert reviews.due_reviews(practice, at(6, 59, zone=pacific)) == []
    assert reviews.due_reviews(practice, at(7, 0, zone=pacific)) == [("morning", DAY)]
    assert reviews.due_reviews(practice, at(17, 0, zone=pacific)) == [("morning", DAY), ("evening", DAY)]


def test_a_second_beat_starts_nothing():
    practice = a_practice()
    assert [r.kind for r in reviews.start_reviews(practice, at(7, 1))] == ["morning"]
    assert reviews.start_reviews(practice, at(7, 2)) == []
    with inside(practice):
        assert Review.objects.count() == 1


def test_after_an_outage_todays_reviews_start_late_and_yesterdays_never():
    practice = a_practice()
    started = reviews.start_reviews(practice, at(18))
    assert {(r.kind, r.local_date) for r in started} == {("morning", DAY), ("evening", DAY)}
    assert reviews.start_reviews(practice, at(0, 5, DAY + dt.timedelta(days=1))) == []
    with inside(practice):
        assert set(Review.objects.values_list("local_date", flat=True)) == {DAY}


@pytest.mark.parametrize("day", [dt.date(2026, 3, 8), dt.date(2026, 11, 1)], ids=["23 hours", "25 hours"])
@pytest.mark.parametrize("clock", [dt.time(1, 30), dt.time(2, 30), dt.time(7, 0)], ids=str)
def test_a_minutely_beat_over_a_clock_change_starts_each_review_once(day: dt.date, clock: dt.time):
    practice = a_practice(morning_review_at=clock)
    first = dt.datetime.combine(day, dt.time(0), tzinfo=NEW_YORK).astimezone(dt.UTC)
    started = [
        review
        for minute in range(0, 26 * 60, 10)
        for review in reviews.start_reviews(practice, first + dt.timedelta(minutes=minute))
        if review.local_date == day
    ]
    assert sorted(review.kind for review in started) == ["evening", "morning"]


def test_a_practice_that_moves_to_another_zone_keeps_one_review_a_date():
    practice = a_practice(time_zone="Asia/Tokyo")
    moment = dt.datetime(2026, 6, 9, 0, 30, tzinfo=dt.UTC)  # 9:30 in Tokyo, 17:30 on the 8th in Los Angeles
    assert [r.local_date for r in reviews.start_reviews(practice, moment)] == [DAY]
    Practice.objects.filter(pk=practice.pk).update(time_zone="America/Los_Angeles")
    practice = Practice.objects.get(pk=practice.pk)
    eighth = DAY - dt.timedelta(days=1)
    assert {(r.kind, r.local_date) for r in reviews.start_reviews(practice, moment)} == {
        ("morning", eighth),
        ("evening", eighth),
    }
    later = dt.datetime(2026, 6, 9, 15, 0, tzinfo=dt.UTC)  # 8:00 in Los Angeles: this date had its morning
    assert reviews.start_reviews(practice, later) == []


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_start_one_review():
    practice = a_practice()
    together, started = threading.Barrier(4), []

    def beat() -> None:
        together.wait()
        try:
            started.extend(reviews.start_reviews(practice, at(7, 1)))
        finally:
            connection.close()

    threads = [threading.Thread(target=beat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 1
    with inside(practice):
        assert Review.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_unique_rule_two_beats_would_start_two():
    """The control: it is the rule in the database that makes one of two."""
    import os

    import psycopg

    practice = a_practice()
    with inside(practice):
        Review.objects.create(practice=practice, kind="morning", local_date=DAY)
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], dbname=connection.settings_dict["NAME"]) as owner:
        owner.execute("ALTER TABLE frontdesk_review NO FORCE ROW LEVEL SECURITY")
        owner.execute("ALTER TABLE frontdesk_review DROP CONSTRAINT review_once_a_day")
        again = (
            "INSERT INTO frontdesk_review (id, practice_id, kind, local_date, started_at) SELECT "
            "gen_random_uuid(), practice_id, kind, local_date, now() FROM frontdesk_review "
            "ON CONFLICT DO NOTHING"
        )
        assert owner.execute(again).rowcount == 1
        owner.rollback()


def test_the_scan_of_practices_with_nothing_due_is_one_query(django_assert_num_queries: Any):
    for number in range(5):
        a_practice(f"practice-{number}")
    with django_assert_num_queries(1):
        assert reviews.start_everywhere(at(3)) == 0


def test_one_practice_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch):
    broken, fine = a_practice("a-broken"), a_practice("b-fine")
    start = reviews.start_waiting

    def sometimes(practice: Practice, *args: Any) -> list[Review]:
        if practice == broken:
            raise RuntimeError("disk full")
        return start(practice, *args)

    monkeypatch.setattr(reviews, "start_waiting", sometimes)
    assert reviews.start_everywhere(at(7, 1)) == 1
    with inside(fine):
        assert Review.objects.count() == 1


# What the morning looks for


def test_a_day_in_order_has_nothing_to_settle(house):
    visit_in(house, at(9), confirmation="confirmed")
    assert found_in(house, at(7)) == {check.name: [] for check in MORNING}


def test_a_visit_that_nobody_closed_stands_in_the_next_morning(house):
    """Also after an outage over the whole evening, and when it began after the day was closed."""
    days = [DAY - dt.timedelta(days=days) for days in (1, 7, 8)]
    for day in days:
        visit_in(house, at(17, 30, day))
    visit_in(house, at(9, 0, days[0]), status="fulfilled")
    assert found_in(house, at(7))["left_open"] == ["Mon, Jun 8, not closed", "Tue, Jun 2, not closed"][::-1]


def test_a_visit_that_the_wrap_up_gave_to_a_person_is_hers_and_not_the_mornings(house):
    visit = visit_in(house, at(17, 30, DAY - dt.timedelta(days=1)))
    with inside(house["practice"]):
        open_task(kind="follow-up", due_at=at(9), once_key=f"not_closed:{visit.pk}", by=an_actor())
    assert found_in(house, at(7))["left_open"] == []


def test_a_visit_of_yesterday_can_be_closed_from_the_morning(house):
    client = signed_in(house["practice"])
    visit = visit_in(house, at(17, 30, DAY - dt.timedelta(days=1)))
    with time_machine.travel(at(7, 34), tick=False):
        started(house, at(7, 30))
        with inside(house["practice"]):
            finding = Finding.objects.get(check_name="left_open")
        client.post(reverse("finding-stage", args=["harbor-street", finding.pk]), {"stage": "noshow"})
    with inside(house["practice"]):
        assert Appointment.objects.get(pk=visit.pk).status == "noshow"
        assert Finding.objects.get(pk=finding.pk).settled_at is not None


def test_overlaps_are_found_and_only_of_one_clinician(house):
    other = a_practitioner(house["practice"], "Dr. Lindqvist")
    visit_in(house, at(9), confirmation="confirmed")
    visit_in(
        house,
        at(9),
        practitioner=other,
        confirmation="confirmed",
        patient=a_patient(house["practice"], "Tom"),
    )
    assert found_in(house, at(7))["overlaps"] == []
    twin = a_patient(house["practice"], "Ana", phone="+15035550143")
    visit_in(house, at(9, 15), patient=twin, overbook_reason="squeezed in", confirmation="confirmed")
    assert found_in(house, at(7))["overlaps"] == ["15 min over the visit at 9:00 AM"]


@pytest.mark.parametrize(
    ("hour", "words"),
    [
        (7, "Outside hours"),
        (12, "Outside hours"),
        (11.75, "Ends after hours"),
        (16.5, ""),
    ],
)
def test_visits_outside_hours_are_found(house, hour: float, words: str):
    visit_in(house, at(int(hour), round(hour % 1 * 60)), confirmation="confirmed")
    assert found_in(house, at(6))["off_hours"] == ([words] if words else [])


def test_a_pair_that_overlaps_is_one_finding_whichever_comes_first(house):
    twin = a_patient(house["practice"], "Ana", phone="+15035550143")
    first = visit_in(house, at(9), confirmation="confirmed")
    second = visit_in(house, at(9), patient=twin, overbook_reason="squeezed in", confirmation="confirmed")
    review = started(house, at(7))
    member = a_member(house["practice"])
    with inside(house["practice"]):
        finding = Finding.objects.get(check_name="overlaps")
        assert finding.detail == "30 min at the same time as another visit"
        reviews.settle(finding=finding, how=reviews.AS_IT_IS, by=an_actor(member))
        Appointment.objects.filter(pk=first.pk).update(starts_at=at(9, 5), ends_at=at(9, 35))
        Appointment.objects.filter(pk=second.pk).update(starts_at=at(8, 55), ends_at=at(9, 25))
    assert [row.check_name for row in open_rows(house, review, at(7, 5))] == []


def test_visits_on_time_off_and_on_a_closure_are_found(house):
    practice = house["practice"]
    visit_in(house, at(9), confirmation="confirmed")
    with inside(practice):
        away = TimeOff.objects.create(
            practice=practice, practitioner=house["osei"], starts_at=at(9, 15), ends_at=at(12), label="Course"
        )
    assert found_in(house, at(7))["out"] == ["Out: Course"]
    with inside(practice):
        away.delete()
        Closure.objects.create(practice=practice, first_day=DAY, last_day=DAY, reason="Inventory")
    assert found_in(house, at(7))["closed"] == ["Closed: Inventory"]


def test_a_wrong_length_is_found(house):
    visit_in(house, at(9), minutes=60, confirmation="confirmed")
    assert found_in(house, at(7))["wrong_length"] == ["60 min, Follow-up takes 30"]


def test_a_patient_who_comes_twice_is_found(house):
    visit_in(house, at(9), confirmation="confirmed")
    visit_in(house, at(14), confirmation="confirmed")
    assert found_in(house, at(7))["twice"] == ["Also at 9:00 AM with Dr. Osei"]


def test_nobody_reachable_means_no_phone_and_no_consent(house):
    silent = a_patient(house["practice"], "Vera")
    visit_in(house, at(9), patient=silent, confirmation="confirmed")
    visit_in(house, at(10), confirmation="confirmed")  # has a phone, no consent: can be called
    assert found_in(house, at(7))["unreachable"] == ["No phone or e-mail"]


def test_unconfirmed_visits_are_found_until_they_begin(house):
    visit_in(house, at(9))
    assert found_in(house, at(7))["unconfirmed"] == ["No consent to texts or e-mail"]
    assert found_in(house, at(9, 30))["unconfirmed"] == []


def test_what_was_cancelled_overnight_is_found_until_the_time_is_taken(house):
    night = at(20, day=DAY - dt.timedelta(days=1))
    visit_in(house, at(9), status="cancelled", cancelled_at=night, cancellation_reason="pat")
    visit_in(house, at(10), status="cancelled", cancelled_at=night - dt.timedelta(hours=5))
    assert found_in(house, at(7))["cancelled"] == ["Free 30 min, Patient: other reason"]
    visit_in(house, at(9), confirmation="confirmed")
    assert found_in(house, at(7))["cancelled"] == []


def test_a_visit_that_was_moved_is_not_cancelled_overnight(house):
    night = at(20, day=DAY - dt.timedelta(days=1))
    old = visit_in(house, at(9), status="cancelled", cancelled_at=night, cancellation_reason="other")
    assert len(found_in(house, at(7))["cancelled"]) == 1
    visit_in(house, at(15, day=DAY + dt.timedelta(days=2)), rescheduled_from=old)
    assert found_in(house, at(7))["cancelled"] == []


# Settling


def started(house: dict[str, Any], now: dt.datetime, kind: str = "morning") -> Review:
    with inside(house["practice"]):
        review = reviews.start_review(kind=kind, date=DAY, now=now, by=an_actor())
    assert review is not None
    return review


def open_rows(house: dict[str, Any], review: Review, now: dt.datetime) -> list[Finding]:
    with inside(house["practice"]):
        return [row for row in reviews.recheck(review, now=now) if row.settled_at is None]


def test_looking_again_adds_nothing_twice_and_settles_what_is_over(house):
    visit = visit_in(house, at(9))
    review = started(house, at(7))
    assert [row.check_name for row in open_rows(house, review, at(7))] == ["unconfirmed"]
    with inside(house["practice"]):
        Appointment.objects.filter(pk=visit.pk).update(confirmation="confirmed")
    assert open_rows(house, review, at(7, 5)) == []
    with inside(house["practice"]):
        row = Finding.objects.get()
        assert (row.settled_how, row.settled_by) == ("Automatic", None)
        Appointment.objects.filter(pk=visit.pk).update(confirmation="sent")
    assert len(open_rows(house, review, at(7, 10))) == 1


def test_what_a_person_settled_stays_settled(house):
    member = a_member(house["practice"])
    visit_in(house, at(9), minutes=60, confirmation="confirmed")
    review = started(house, at(7))
    with inside(house["practice"]):
        reviews.settle(finding=Finding.objects.get(), how=reviews.AS_IT_IS, by=an_actor(member))
    assert open_rows(house, review, at(8)) == []
    with inside(house["practice"]):
        assert Finding.objects.get().settled_by == member.user


def test_texting_all_queues_one_reminder_each_and_none_without_consent(house):
    practice = house["practice"]
    with time_machine.travel(at(8, 30), tick=False):
        for number, agreed in enumerate([True, True, False]):
            patient = a_patient(practice, f"P{number}", phone=f"+1503555020{number}")
            visit_in(house, at(9 + number), patient=patient)
            with inside(practice):
                if agreed:
                    Consent.objects.create(
                        practice=practice, patient=patient, channel="sms", granted=True, how="phone"
                    )
        review = started(house, at(8, 30))
        with inside(practice):
            rows = list(Finding.objects.filter(check_name="unconfirmed").select_related("review"))
            assert reviews.text_now(findings=rows, by=an_actor()) == 2
            assert reviews.text_now(findings=rows, by=an_actor()) == 2
            assert Message.objects.filter(kind="reminder").count() == 2
        assert len(open_rows(house, review, at(8, 30))) == 1


def test_a_call_confirms_or_leaves_its_trace(house):
    reached, missed = (
        visit_in(house, at(9)),
        visit_in(house, at(11), patient=a_patient(house["practice"], "Tom")),
    )
    member = a_member(house["practice"])
    with time_machine.travel(at(7), tick=False):
        started(house, at(7))
        with inside(house["practice"]):
            for visit, answered in ((reached, True), (missed, False)):
                row = Finding.objects.get(appointment=visit, check_name="unconfirmed")
                reviews.called(finding=row, reached=answered, by=an_actor(member))
            states = dict(Appointment.objects.values_list("pk", "confirmation"))
    assert states == {reached.pk: "confirmed", missed.pk: "left_message"}


# The brief

CANARY = "Zzyzx-Canary"


def test_the_brief_goes_once_to_each_clinician_and_names_no_patient(house):
    practice = house["practice"]
    osei = a_user("osei@frontdesk.example")
    with inside(practice):
        house["osei"].user = osei
        house["osei"].save()
    a_practitioner(practice, "Dr. Idle", user=a_user("idle@frontdesk.example"))
    patient = a_patient(practice, CANARY, CANARY, know_first=CANARY, needs=["interpreter"])
    visit_in(house, at(9), patient=patient, reason=CANARY, note=CANARY)
    review = started(house, at(7))
    with inside(practice):
        for _ in range(2):
            brief.send_brief(review=review, by=an_actor())
        message = Message.objects.get(kind="brief")
        review.refresh_from_db()
    assert (message.staff, message.channel, message.patient) == (osei, "email", None)
    assert CANARY not in message.body + message.subject
    assert "1 visit, 9:00 AM to 9:30 AM." in message.body
    assert "/p/harbor-street/day/" in message.body
    assert review.finished_at is not None


def test_the_morning_says_who_got_the_brief_and_who_did_not(house):
    practice = house["practice"]
    client = signed_in(practice)
    with inside(practice):
        house["osei"].user = a_user("osei@frontdesk.example")
        house["osei"].save()
    visit_in(house, at(9))
    visit_in(house, at(9), practitioner=a_practitioner(practice, "Dr. Vale"), overbook_reason="test")
    with time_machine.travel(at(7, 34), tick=False):
        started(house, at(7, 30))
        client.post(reverse("brief-send", args=["harbor-street"]))
        page = client.get(reverse("morning", args=["harbor-street"])).content.decode()
        assert "to Dr. Osei; not to Dr. Vale (no sign-in)" in page
        with inside(practice):
            Message.objects.filter(kind="brief").update(status="failed")
        page = client.get(reverse("morning", args=["harbor-street"])).content.decode()
        assert "Dr. Osei (it did not arrive)" in page


def test_the_canary_would_be_seen_if_the_brief_named_it(house):
    """The control: the same search finds the canary where it may stand, in the hand-over note."""
    patient = a_patient(house["practice"], CANARY, CANARY)
    visit_in(house, at(9), patient=patient)
    review = started(house, at(18), "evening")
    with inside(house["practice"]):
        assert CANARY in wrapup.current_note(review, wrapup.remaining(review)).text


# The evening


def an_evening(house: dict[str, Any]) -> Review:
    """A day's end with one row of each kind."""
    practice = house["practice"]
    visit_in(house, at(9))
    visit_in(house, at(9, day=DAY + dt.timedelta(days=1)))
    with inside(practice):
        Message.objects.create(
            practice=practice, patient=house["patient"], direction="in", channel="sms", kind="inbound",
            address="+15035550142", address_index="x", body="Can I come later?", status="received",
            idempotency_key="in:1", needs_person=True,
        )  # fmt: skip
        open_task(kind="call", due_at=at(16), once_key="promise", patient=house["patient"], by=an_actor())
    return started(house, at(17), "evening")


def test_the_evening_finds_what_is_left_over(house):
    review = an_evening(house)
    rows = open_rows(house, review, at(17))
    assert [row.check_name for row in rows] == ["not_closed", "unanswered", "tasks", "tomorrow"]


def test_a_friday_evening_looks_to_monday(house):
    friday = dt.date(2026, 6, 12)
    visit_in(house, at(9, day=friday + dt.timedelta(days=3)))
    with inside(house["practice"]):
        review = reviews.start_review(kind="evening", date=friday, now=at(17, day=friday), by=an_actor())
        assert [row.check_name for row in review.findings.all()] == ["tomorrow"]


def test_the_day_cannot_be_closed_while_a_row_has_no_owner(house):
    member = a_member(house["practice"])
    review, by = an_evening(house), an_actor(member)
    tomorrow = at(9, day=DAY + dt.timedelta(days=1))
    with inside(house["practice"]):
        rows = list(Finding.objects.all())
        wrapup.hand_over(findings=rows[1:], owner=member.user, due_at=tomorrow, by=by)
        with pytest.raises(wrapup.NotEverythingOwned, match="1 row has neither"):
            wrapup.close_day(review=review, text="", now=at(18), by=by)
        assert Handover.objects.get().sent_at is None
        wrapup.hand_over(findings=rows[:1], owner=member.user, due_at=tomorrow, by=by)
        note = wrapup.close_day(review=review, text="", now=at(18), by=by)
        review.refresh_from_db()
        assert Task.objects.open().filter(owner=member.user).count() == 4
    assert note.sent_at == review.finished_at
    assert "Marisol Vega" in note.text
    assert "Dana has it" in note.text


def test_an_owner_without_a_time_keeps_the_day_open(house):
    member = a_member(house["practice"])
    review = an_evening(house)
    with inside(house["practice"]):
        Finding.objects.update(owner=member.user, due_at=None)
        with pytest.raises(wrapup.NotEverythingOwned):
            wrapup.close_day(review=review, text="", now=at(18), by=an_actor(member))


def test_nothing_can_be_handed_to_a_stranger(house):
    review = an_evening(house)
    with inside(house["practice"]), pytest.raises(ValueError, match="does not work here"):
        wrapup.hand_over(
            findings=wrapup.remaining(review), owner=a_user("x@else.example"), due_at=at(9), by=an_actor()
        )


def test_closing_a_visit_in_the_evening_takes_the_steps_between(house):
    with time_machine.travel(at(17), tick=False):
        an_evening(house)
        with inside(house["practice"]):
            row = Finding.objects.get(check_name="not_closed")
            reviews.close_visit(finding=row, stage="done", by=an_actor(a_member(house["practice"])))
            row.refresh_from_db()
            assert row.appointment.status == "fulfilled"
    assert row.settled_how == "Done"


def test_the_note_writes_itself_until_somebody_edits_it(house):
    review = an_evening(house)
    with inside(house["practice"]):
        assert "Visits not closed" in wrapup.current_note(review, wrapup.remaining(review)).text
        wrapup.save_note(review=review, text="Mind the printer.", by=an_actor())
        Finding.objects.update(settled_at=timezone.now())
        assert wrapup.current_note(review, wrapup.remaining(review)).text == "Mind the printer."
        wrapup.save_note(review=review, text="  ", by=an_actor())
        assert "Nothing is left over" in wrapup.current_note(review, []).text


# Pages


def signed_in(practice: Practice, *roles: str) -> Client:
    member = a_member(practice, a_user(f"{'-'.join(roles) or 'dana'}@frontdesk.example"), *roles)
    client = Client()
    client.force_login(member.user)
    return client


def many_visits(house: dict[str, Any], count: int, when: dt.datetime) -> None:
    for number in range(count):
        patient = a_patient(house["practice"], f"P{number}", phone=f"+1503556{number:04d}")
        visit_in(
            house,
            when + dt.timedelta(minutes=5 * number),
            minutes=30,
            patient=patient,
            overbook_reason="test",
        )


@pytest.mark.parametrize("count", [1, 40])
def test_the_morning_page_takes_as_many_queries_for_forty_findings_as_for_one(
    house, count: int, django_assert_num_queries: Any
):
    client = signed_in(house["practice"])
    many_visits(house, count, at(9))
    with time_machine.travel(at(7, 34), tick=False):
        started(house, at(7, 30))
        with django_assert_num_queries(48):
            page = client.get(reverse("morning", args=["harbor-street"]))
    assert page.content.decode().count("data-row") >= count


def an_emergency(house: dict[str, Any]) -> Message:
    """A text that may be an emergency, with its task; beside it two that can wait."""
    practice = house["practice"]
    with inside(practice):
        texts = [
            Message.objects.create(
                practice=practice, patient=house["patient"], direction="in", channel="sms", kind="inbound",
                address="+15035550142", address_index="x", body=body, status="received",
                idempotency_key=f"in:{body}", needs_person=True,
            )
            for body in ("Is parking free?", "chest pain", "See you")
        ]  # fmt: skip
        open_task(
            kind="answer", due_at=at(17), once_key="emergency", urgency=Task.Urgency.EMERGENCY,
            patient=house["patient"], message=texts[1], by=an_actor(),
        )  # fmt: skip
    return texts[1]


def test_a_possible_emergency_is_not_handed_over_with_the_rest(house):
    client = signed_in(house["practice"])
    with time_machine.travel(at(17, 30), tick=False):
        pressing = an_emergency(house)
        started(house, at(17), "evening")
        page = client.get(reverse("wrap", args=["harbor-street"])).content.decode()
        assert "Hand 2 over" in page
        assert page.count("Needs a person now. Waits since") == 1
        owners = reverse("finding-owners", args=["harbor-street", "unanswered"])
        with inside(house["practice"]):
            dana = Membership.objects.get().user
        client.post(owners, {"person": str(dana.pk), "term": "1.0900"})
        with inside(house["practice"]):
            kept = Finding.objects.get(check_name="unanswered", owner=None)
            task = Task.objects.get(once_key="emergency")
        assert (kept.message_id, task.owner_id, task.due_at) == (pressing.pk, None, at(17))
        one = client.get(reverse("finding-owner", args=["harbor-street", kept.pk])).content.decode()
        assert "This needs a person now" in one
        assert one.index("Within the hour") < one.index("9:00")


def test_a_section_without_a_loose_row_counts_as_settled(house):
    client = signed_in(house["practice"])
    with time_machine.travel(at(17, 30), tick=False):
        an_evening(house)
        wrap = reverse("wrap", args=["harbor-street"])
        assert "1 of 5 settled" in client.get(wrap).content.decode()
        with inside(house["practice"]):
            dana = Membership.objects.get().user
            tomorrow = at(9, day=DAY + dt.timedelta(days=1))
            rows = list(Finding.objects.all())
            wrapup.hand_over(findings=rows, owner=dana, due_at=tomorrow, by=an_actor())
        page = client.get(wrap).content.decode()
    assert "5 of 5 settled" in page
    assert "Everything has an end or an owner." in page
