"""The demo's day looks lived in, comes out the same twice, and sends nothing."""

import datetime as dt
import io
import zoneinfo
from collections import Counter
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import TestCase

from frontdesk.demo.houses import CEDAR, HOUSES, NORTHSIDE, PASSWORD, House
from frontdesk.demo.people import MOTHERS_PHONE
from frontdesk.demo.seeding import seed
from messaging import inbox, on_call
from messaging.models import (
    Attachment,
    Call,
    CallCommand,
    Complaint,
    Conversation,
    Message,
    Recording,
    SavedReply,
    StaffMessage,
    Task,
    TeamNote,
)
from patients.models import Consent, Patient, PatientFlag, RelatedPerson
from patients.search import find_patients
from practices.access import practices_of
from practices.card import current_card
from practices.models import Practice, User
from practices.tenancy import inside
from scheduling.models import Appointment, ReminderRule, Status, TimeOff

MOMENT = dt.datetime(2026, 6, 9, 14, 42, tzinfo=dt.UTC)  # 10:42 in New York, 7:42 in Los Angeles
SCALE = 0.1

pytestmark = pytest.mark.django_db


def seed_at(moment: dt.datetime, *houses: House, tick: bool = True) -> bool:
    with time_machine.travel(moment, tick=tick):
        return seed(lambda words: None, scale=SCALE, houses=houses or HOUSES)


def harbor() -> Practice:
    return Practice.objects.get(slug="harbor-street")


def diary() -> list[tuple[Any, ...]]:
    """Every visit of the three practices in plain words, without keys."""
    found: list[tuple[Any, ...]] = []
    for practice in Practice.objects.order_by("slug"):
        with inside(practice):
            found += [
                (
                    visit.local_date,
                    visit.local_time,
                    visit.practitioner.name,
                    visit.patient.full_name,
                    visit.patient.birth_date,
                    visit.appointment_type.name,
                    visit.status,
                    visit.confirmation,
                    visit.reason,
                )
                for visit in Appointment.objects.with_people()
            ]
    return sorted(found, key=str)


def check_sign_ins() -> None:
    roles = {"dana": 3, "jo": 3, "osei": 1, "mira": 1, "feld": 1, "mori": 1}
    for name, practices in roles.items():
        user = User.objects.get(email=f"{name}@frontdesk.example")
        assert user.check_password(PASSWORD)
        assert len(practices_of(user)) == practices
    with inside(harbor()):
        assert Appointment.objects.filter(practitioner__user__email="osei@frontdesk.example").exists()


def check_team() -> None:
    urgent = StaffMessage.objects.get(urgency=StaffMessage.Urgency.URGENT)
    assert urgent.acknowledged_by is not None
    assert urgent.next_step_at is None
    assert urgent.steps.exists()
    assert not StaffMessage.objects.due(MOMENT + dt.timedelta(days=1)).exists()
    assert StaffMessage.objects.filter(in_digest=True).exists()
    assert Complaint.objects.get().entries.exists()
    assert Task.objects.open().filter(kind=Task.Kind.PROMISE).exists()
    assert [person.email.partition("@")[0] for person in on_call.on_call_at(MOMENT)] == [
        "osei",
        "mira",
        "dana",
    ]
    assert RelatedPerson.objects.exists()
    assert PatientFlag.objects.exists()
    assert SavedReply.objects.exists()
    assert ReminderRule.objects.filter(hours_before=2, asks=False).exists()


class TestTheDay(TestCase):
    """One morning of all three practices, made once and put back after each test."""

    made = False

    @classmethod
    def setUpTestData(cls) -> None:
        cls.made = seed_at(MOMENT)

    def test_the_day_around_the_present_hour_shows_every_state_and_nothing_waits_to_leave(self) -> None:
        assert self.made
        assert set(Practice.objects.values_list("slug", flat=True)) == {house.slug for house in HOUSES}
        assert len({str(practice.time_zone) for practice in Practice.objects.all()}) == 3
        check_sign_ins()
        practice = harbor()
        today = dt.date(2026, 6, 9)
        with inside(practice):
            assert Patient.objects.count() == 45
            stages = Counter(visit.stage for visit in Appointment.objects.on(today))
            assert set(stages) >= {"book", "conf", "vis", "done", "off", "bad"}
            late = Appointment.objects.on(today).filter(status=Status.BOOKED, starts_at__lt=MOMENT)
            assert late.exists()
            assert Appointment.objects.on(today).exclude(overbook_reason="").count() == 1
            lengths = [
                (visit.minutes, visit.appointment_type.minutes) for visit in Appointment.objects.on(today)
            ]
            assert sum(booked != usual for booked, usual in lengths) == 1
            twice = Counter(Appointment.objects.on(today).active().values_list("patient_id", flat=True))
            assert max(twice.values()) == 2
            assert TimeOff.objects.count() == 2
            assert not Message.objects.waiting().exists()
            assert {Message.Status.DELIVERED, Message.Status.RECEIVED} <= set(
                Message.objects.values_list("status", flat=True)
            )
            assert Message.objects.to_read().exists()
            assert Task.objects.open().exists()
            assert not Message.objects.filter(created_at__gt=MOMENT + dt.timedelta(minutes=5)).exists()
            assert {True, False} <= set(
                Consent.objects.filter(channel="sms").values_list("granted", flat=True)
            )
            [marisol] = find_patients("vega 3/14/1986")
            assert marisol.patient.full_name == "Marisol Vega"
            assert find_patients("(503) 555-0187")[0].patient == marisol.patient
            assert not marisol.patient.appointments.exists()

    def test_every_page_of_conversations_has_something_to_show(self) -> None:
        with inside(harbor()):
            states = Conversation.State
            assert set(Conversation.objects.values_list("state", flat=True)) == set(states)
            assert Conversation.objects.filter(later_until__gt=MOMENT).exists()
            assert Conversation.objects.filter(patient=None).count() == 3
            assert Conversation.objects.exclude(owner=None).exists()
            outcomes = set(Call.objects.values_list("outcome", flat=True))
            assert outcomes == {"answered", "missed", "abandoned", "voicemail"}
            assert not Call.objects.present().exists()
            assert not CallCommand.objects.filter(status="due").exists()
            recording = Recording.objects.get()
            assert recording.audio is not None
            assert bytes(recording.audio[:4]) == b"RIFF"
            assert "mornings are best" in recording.transcript
            assert Attachment.objects.get().state == Attachment.State.QUARANTINE
            assert TeamNote.objects.count() == 2
            check_team()
            assert current_card().answers
            assert not Message.objects.waiting().exists()

    def test_a_mothers_yes_for_two_children_is_asked_back(self) -> None:
        practice = Practice.objects.get(slug="cedar-park")
        with inside(practice), time_machine.travel(MOMENT, tick=True):
            visits = Appointment.objects.filter(patient__family="Ramos", local_date=dt.date(2026, 6, 10))
            assert {visit.stage for visit in visits} == {"book"}
            assert visits.count() == 2
            before = Message.objects.count()
            inbox.receive(supplier_id="SM" + "0" * 32, from_=MOTHERS_PHONE, body="Yes")
            assert not visits.filter(confirmation="confirmed").exists()
            asked = Message.objects.order_by("created_at")[before:]
            questions = [one.body for one in asked if one.direction == "out"]
            assert len(questions) == 1
            assert all(word in questions[0] for word in ("1", "2"))


def test_the_same_day_changes_nothing_and_a_new_day_is_lived_in_again() -> None:
    seed_at(MOMENT, CEDAR)
    before = diary()
    assert not seed_at(MOMENT + dt.timedelta(hours=3), CEDAR)
    assert diary() == before

    with inside(Practice.objects.get()):
        patients = Patient.objects.count()
    next_day = MOMENT + dt.timedelta(days=1)
    assert seed_at(next_day, CEDAR)
    with inside(Practice.objects.get()):
        assert Patient.objects.count() == patients
        earlier = Appointment.objects.filter(local_date__lte=dt.date(2026, 6, 9))
        assert not earlier.filter(status__in=[Status.BOOKED, Status.ARRIVED]).exists()
        stages = {visit.stage for visit in Appointment.objects.on(dt.date(2026, 6, 10))}
        assert stages >= {"conf", "done", "vis"}
        assert not Message.objects.waiting().filter(send_after__lte=next_day).exists()


def test_the_same_moment_gives_the_same_diary() -> None:
    seen = []
    for _ in range(2):
        with transaction.atomic():
            seed_at(MOMENT, CEDAR, tick=False)  # a slow machine would be at another moment
            seen.append(diary())
            transaction.set_rollback(True)
    assert seen[0] == seen[1]
    assert len(seen[0]) > 150


@pytest.mark.parametrize("hour", [3, 23])
def test_at_night_there_is_a_day_to_show(hour: int) -> None:
    moment = dt.datetime(2026, 6, 13, hour, 5, tzinfo=zoneinfo.ZoneInfo(NORTHSIDE.zone))  # a Saturday
    seed_at(moment.astimezone(dt.UTC), NORTHSIDE)
    with inside(Practice.objects.get()):
        visits = Appointment.objects.on(dt.date(2026, 6, 13)).on_board()
        done = [visit for visit in visits if visit.stage in {"done", "bad"}]
        assert visits.count() > 8
        assert len(done) == (0 if hour == 3 else visits.count())


def test_production_refuses(settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="for the demo"):
        call_command("seed_demo", stderr=io.StringIO())
    assert not Practice.objects.exists()
