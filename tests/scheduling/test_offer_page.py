"""The page of an offered time (SECURITY.md C): looking changes nothing, one press takes it, once."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from messaging.models import Message, Task
from practices.administration import change_practice
from practices.models import AuditEntry
from practices.tenancy import inside
from scheduling.accepting import OfferGone, accept_offer
from scheduling.booking import cancel_appointment, reschedule_appointment
from scheduling.flow import mark_arrived
from scheduling.holding import hold_time
from scheduling.models import Appointment, Offer, WaitlistEntry
from scheduling.offer_words import WORDS
from scheduling.offering import work_openings
from tests.scheduling.conftest import NOW, a_diary, a_texted_patient, at
from tests.scheduling.test_visit_page import RIGHT, WRONG, fingerprint
from tests.scheduling.waiting_room import PHONES, a_rule, leave, waits

SLOT = "2026-11-25 10:00"
PAGES = ("offer", "offer-yes", "offer-no", "offer-stop", "offer-details")


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def open_offers(*names: str, before: str = "", **fields: Any) -> SimpleNamespace:
    """People who were asked about a freed time; each has the link of her text."""
    door = a_diary(**fields)
    door.links = {}
    with inside(door.practice):
        a_rule(group_size=20)
        visit = door.book(SLOT, tell_patient=False)
        for number, name in enumerate(names):
            phone = PHONES.get(name, f"+1503555{3000 + number}")
            patient = a_texted_patient(door.practice, name, phone)
            wishes = {"appointment": door.book(before, patient=patient)} if before else {}
            waits(door, patient=patient, **wishes)
        leave()
        cancel_appointment(appointment=visit, version=1, reason="pat", tell_patient=False, by=door.by)
        Offer.objects.all().delete()
    with time_machine.travel(NOW + door.practice.undo_window + dt.timedelta(minutes=3), tick=False):
        work_openings(door.practice)
    with inside(door.practice):
        for offer in Offer.objects.select_related("message", "entry__patient"):
            door.links[offer.entry.patient.given] = offer.message.body.partition("/o/")[2].partition("/")[0]
        leave()
    door.client = Client(enforce_csrf_checks=True)
    door.url = lambda name="offer", who=names[0]: reverse(name, args=[door.links[who]])
    door.offer = lambda who=names[0]: Offer.objects.with_all().get(entry__patient__given=who)
    return door


@pytest.fixture
def door(db: None, clock: Any) -> SimpleNamespace:
    return open_offers("Ana", "Ben")


@pytest.mark.django_db(transaction=True)
def test_looking_changes_nothing_in_the_whole_database(clock):
    door = open_offers("Ana")
    before = fingerprint()
    for name in PAGES:
        for method in ("get", "head", "options"):
            assert getattr(door.client, method)(door.url(name)).status_code in {200, 405}
    assert fingerprint() == before


def test_the_page_says_whose_and_when_and_nothing_of_the_patient(door):
    text = door.client.get(door.url()).content.decode()
    assert "Harbor Street" in text
    assert "Wednesday, November 25" in text
    assert not [word for word in ("Ana", "Vega", "Osei", "Follow-up") if word in text]
    assert door.client.get(door.url()).headers["Referrer-Policy"] == "no-referrer"


def test_where_the_practice_does_not_allow_it_not_even_the_time(db, clock):
    door = open_offers("Ana", link_shows_time=False)
    assert "November" not in door.client.get(door.url()).content.decode()


def test_one_press_takes_it_and_twice_is_once(door):
    for _ in range(2):
        assert door.client.post(door.url("offer-yes")).status_code == 302
    assert WORDS["yours"][0] in door.client.get(door.url()).content.decode()
    with inside(door.practice):
        visit = Appointment.objects.active().get(patient__given="Ana")
        assert (visit.starts_at, visit.confirmation) == (at(SLOT), "confirmed")
        assert AuditEntry.objects.filter(verb="offer.accepted", door="link").count() == 1


def taken(door):
    """Ana said yes; the visit that is hers."""
    door.client.post(door.url("offer-yes"))
    return Appointment.objects.active().get(patient__given="Ana")


@pytest.mark.parametrize("act", ["cancelled", "moved", "seen"])
def test_what_is_not_to_come_any_more_is_not_called_yours(door, clock, act):
    with inside(door.practice):
        visit = taken(door)
        given = {"appointment": visit, "version": visit.version, "by": door.by}
        if act == "cancelled":
            cancel_appointment(reason="pat", **given)
        elif act == "moved":
            reschedule_appointment(starts_at=at("2026-11-26 09:00"), **given)
        else:
            clock.move_to(at("2026-11-25 09:55"))
            mark_arrived(**given)
    page = door.client.get(door.url())
    assert (page.status_code, WORDS["ended_why"][0] in page.content.decode()) == (410, True)
    assert WORDS["yours"][0] not in page.content.decode()


def test_a_second_yes_to_a_visit_that_was_cancelled_brings_nothing_back(door):
    with inside(door.practice):
        visit = taken(door)
        cancel_appointment(appointment=visit, version=visit.version, reason="pat", by=door.by)
        with pytest.raises(OfferGone):
            accept_offer(offer=door.offer(), how="phone", by=door.by)
        told = Message.objects.filter(patient=visit.patient).count()
    again = door.client.post(door.url("offer-yes"))
    assert (again.status_code, WORDS["ended_why"][0] in again.content.decode()) == (409, True)
    with inside(door.practice):
        assert door.offer().told is None  # nobody was faster
        assert Message.objects.filter(patient=visit.patient).count() == told


def test_what_is_yours_has_the_time_that_it_has_now(door):
    with inside(door.practice):
        taken(door)
        change_practice(values={"time_zone": "America/Chicago"}, visits_keep="clock", by=door.by)
    page = door.client.get(door.url()).content.decode()
    assert WORDS["yours"][0] in page
    assert "at 10:00 AM" in page


def test_who_is_late_hears_so_kindly_on_the_page(door):
    door.client.post(door.url("offer-yes", "Ben"))
    late = door.client.post(door.url("offer-yes"))
    assert (late.status_code, WORDS["gone_why"][0] in late.content.decode()) == (409, True)
    assert door.client.get(door.url()).status_code == 410
    with inside(door.practice):
        assert not Appointment.objects.filter(patient__given="Ana").exists()
        assert WaitlistEntry.objects.waiting().get().patient.given == "Ana"


def test_a_visit_is_given_up_only_after_the_birth_date(db, clock):
    door = open_offers("Ana", before="2026-12-01 14:00")
    page = door.client.get(door.url()).content.decode()
    assert WORDS["needs_proof"][0] in page
    assert "December" not in page
    assert door.client.post(door.url("offer-yes")).headers["Location"].startswith(door.url("offer-details"))
    with inside(door.practice):
        assert door.offer().stands
    assert door.client.post(door.url("offer-details"), RIGHT).status_code == 302
    page = door.client.get(door.url("offer-details")).content.decode()
    assert "In place of yours on Tuesday, December 1 at 2:00 PM" in page
    assert "Dr. Osei" in page
    assert door.client.post(door.url("offer-yes")).headers["Location"].startswith(door.url())
    with inside(door.practice):
        visit = Appointment.objects.active().get(patient__given="Ana")
        assert visit.rescheduled_from is not None
        assert visit.rescheduled_from.status == "cancelled"


def test_five_wrong_birth_dates_lock_the_link_and_call_a_person(door):
    for _ in range(5):
        assert door.client.post(door.url("offer-details"), WRONG).status_code == 403
    assert door.client.post(door.url("offer-details"), RIGHT).status_code == 403
    assert door.client.post(door.url("offer-yes")).status_code == 409
    with inside(door.practice):
        assert Task.objects.open().get(kind="link-locked").patient.given == "Ana"
        assert door.offer().stands


def test_an_unfinished_date_is_no_guess(door):
    assert door.client.post(door.url("offer-details"), RIGHT | {"birth_day": ""}).status_code == 422
    with inside(door.practice):
        assert door.offer().wrong_dates == 0


def test_not_this_one_and_a_change_of_mind(door):
    door.client.post(door.url("offer-no"))
    assert WORDS["again"][0] in door.client.get(door.url()).content.decode()
    with inside(door.practice):
        assert door.offer().state == "declined"
    door.client.post(door.url("offer-yes"))
    with inside(door.practice):
        assert door.offer().state == "accepted"


def test_stop_asking_me(door):
    door.client.post(door.url("offer-stop"))
    assert WORDS["stopped"][0] in door.client.get(door.url()).content.decode()
    with inside(door.practice):
        assert WaitlistEntry.objects.get(patient__given="Ana").state == "removed"
    assert door.client.post(door.url("offer-yes")).status_code == 409


def test_a_held_time_may_be_tried_again(door):
    with inside(door.practice):
        hold_time(practitioner=door.osei, appointment_type=door.kind, starts_at=at(SLOT), key="k", by=door.by)
    held = door.client.post(door.url("offer-yes"))
    assert (held.status_code, WORDS["held_why"][0] in held.content.decode()) == (409, True)
    with inside(door.practice):
        assert door.offer().stands


def test_what_is_yours_cannot_be_declined_or_stopped_here(door):
    door.client.post(door.url("offer-yes"))
    assert door.client.post(door.url("offer-no")).status_code == 409
    assert door.client.post(door.url("offer-stop")).status_code == 409


def test_guesses_and_tokens_of_another_purpose_are_not_found(door):
    with inside(door.practice):
        code = door.practice.link_code
    answers = {door.client.get(f"/o/{code}{'x' * 22}/").content, door.client.get("/o/zzzz/").content}
    assert len(answers) == 1
    assert door.client.get(f"/v/{door.links['Ana']}/").status_code == 404
    assert door.client.get(f"/o/%00ab{'x' * 22}/").status_code == 404


def test_the_page_speaks_spanish(door):
    assert WORDS["take"][1] in door.client.get(door.url() + "?lang=es").content.decode()
