"""Needs that were entered on one visit bind wherever that visit is moved, as those of the record do."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.urls import reverse

from scheduling.batches import Move, reschedule_visits
from scheduling.booking import reschedule_appointment
from scheduling.choose_page import WISH
from scheduling.choosing import times_for
from scheduling.editing import edit_appointment
from scheduling.links import create_link
from scheduling.models import AppointmentType, Participant, Resource, ResourceHours
from scheduling.out_cases import open_case
from scheduling.out_page import out_page
from scheduling.replacing import replacements
from tests.scheduling.conftest import at


@pytest.fixture
def visit(diary):
    """A visit that needs an interpreter, which the patient's other visits do not; Rosa comes 9 to 11."""
    rosa = Resource.objects.create(
        practice=diary.practice, kind="interpreter", name="Rosa", languages=["Spanish"]
    )
    diary.rosa = rosa
    for day in range(1, 8):
        ResourceHours.objects.create(
            practice=diary.practice, resource=rosa, weekday=day, starts=dt.time(9), ends=dt.time(11)
        )
    diary.patient.language = "es"
    diary.patient.save()
    booked = diary.book("2026-11-25 14:00", tell_patient=False)
    return edit_appointment(
        appointment=booked, version=booked.version, values={"needs": ["interpreter"]}, by=diary.by
    )


def while_rosa_is_here(diary, moments):
    local = [moment.astimezone(diary.practice.zone).time() for moment in moments]
    return bool(local) and all(dt.time(9) <= time <= dt.time(10, 30) for time in local)


def test_times_to_offer_instead_meet_them(diary, visit):
    offers = replacements([visit])[visit.pk]
    assert while_rosa_is_here(diary, [offer.starts_at for offer in offers])


def test_times_that_patients_choose_from_meet_them(diary, visit):
    assert while_rosa_is_here(diary, [time.starts_at for time in times_for(visit)])


def test_times_that_patients_may_wish_for_meet_them(diary, visit):
    AppointmentType.objects.update(patients_may_choose=False)
    _, token = create_link(visit)
    client, url = Client(), reverse("visit-new-time", args=[token])
    client.post(url, {"birth_month": "3", "birth_day": "14", "birth_year": "1986"})
    wishes = re.findall(r'name="wish" value="([^"]+)"', client.get(url).content.decode())
    assert while_rosa_is_here(diary, [dt.datetime.strptime(f"{one}+0000", f"{WISH}%z") for one in wishes])


def interpreters_of(visit):
    return [row.resource for row in Participant.objects.filter(appointment=visit)]


def test_a_visit_that_is_moved_takes_what_they_ask_for(diary, visit):
    moved = reschedule_appointment(
        appointment=visit, version=visit.version, starts_at=at("2026-11-26 09:00"), by=diary.by
    )
    assert (moved.needs, interpreters_of(moved)) == (["interpreter"], [diary.rosa])


def test_visits_that_are_moved_as_one_take_what_they_ask_for(diary, visit):
    move = Move(visit, visit.version, at("2026-11-26 09:00"), diary.osei)
    (moved,) = reschedule_visits(moves=[move], by=diary.by)
    assert interpreters_of(moved) == [diary.rosa]


def test_the_dialog_to_move_it_offers_what_meets_them(diary, visit):
    client = Client()
    client.force_login(diary.dana.user)
    page = client.get(reverse("appointment-move", args=[diary.practice.slug, visit.pk])).content.decode()
    assert "Rosa, Spanish" in page


def test_the_page_of_a_clinician_who_is_out_names_them(diary, visit):
    day = {"starts_at": at("2026-11-25 00:00"), "ends_at": at("2026-11-26 00:00")}
    case, _ = open_case(practitioner=diary.osei, label="Out sick", **day, by=diary.by)
    (row,) = out_page(case, diary.practice, private=False).rows
    assert [words for _, words in row.needs] == ["Interpreter"]
