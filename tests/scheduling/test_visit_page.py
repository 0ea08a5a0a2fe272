"""The patient's page (SECURITY.md C): looking changes nothing, yes needs no more, the rest a birth date."""

import datetime as dt
import hashlib
import threading
from types import SimpleNamespace
from typing import Any

import icalendar
import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from messaging.models import Task
from patients.flags import raise_flag
from patients.related import add_related
from practices.audit import SYSTEM
from practices.models import AccessEvent, AuditEntry
from practices.tenancy import inside
from scheduling.booking import cancel_appointment
from scheduling.links import create_link
from scheduling.models import Appointment, AppointmentType, VisitLink
from scheduling.visit_words import WORDS
from tests.conftest import owner_connection
from tests.scheduling.conftest import NOW, a_diary

RIGHT = {"birth_month": "3", "birth_day": "14", "birth_year": "1986"}
WRONG = RIGHT | {"birth_day": "15"}
PAGES = ("visit", "visit-confirm", "visit-details", "visit-new-time", "visit-none", "visit-cancel")
PAGES += ("visit-calendar",)
DETAILS = ("Marisol", "Dr. Osei", "410 Harbor Street", "Park behind the house")


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def open_door(**fields: Any) -> SimpleNamespace:
    door = a_diary(directions="Park behind the house", **fields)
    with inside(door.practice):
        door.visit = door.book(tell_patient=False)
        door.link, door.token = create_link(door.visit)
    door.client = Client(enforce_csrf_checks=True)
    door.url = lambda name="visit": reverse(name, args=[door.token])
    return door


@pytest.fixture
def door(db: None, clock: Any) -> SimpleNamespace:
    return open_door()


def visit_now(door: SimpleNamespace) -> Appointment:
    with inside(door.practice):
        return Appointment.objects.get(pk=door.visit.pk)


def entries(door: SimpleNamespace, verb: str) -> int:
    with inside(door.practice):
        return AuditEntry.objects.filter(verb=verb, actor_kind="patient", door="link").count()


def prove(door: SimpleNamespace, name: str = "visit-details") -> Any:
    return door.client.post(door.url(name), RIGHT)


def fingerprint() -> str:
    """A hash of every row of every table, as the owner sees them."""
    digest = hashlib.sha256()
    name = str(connection.settings_dict["NAME"])
    # Row security binds the owner too; it is lifted in a transaction that never commits.
    with owner_connection(name) as owner, owner.transaction(force_rollback=True):
        tables = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        for (table,) in tables.fetchall():
            owner.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')  # type: ignore[arg-type]
            rows = owner.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1').fetchall()  # type: ignore[arg-type]
            digest.update(repr((table, rows)).encode())
    return digest.hexdigest()


@pytest.mark.django_db(transaction=True)
def test_looking_changes_nothing_in_the_whole_database(clock):
    door = open_door()
    before = fingerprint()
    for name in PAGES:
        for method in ("get", "head", "options"):
            for _ in range(3):
                answer = getattr(door.client, method)(door.url(name))
                assert answer.status_code in {200, 302, 405}, (name, method)
    assert fingerprint() == before
    # A person then still gets through, and the same measure does notice that.
    assert door.client.post(door.url("visit-confirm")).status_code == 302
    assert fingerprint() != before


def test_before_the_birth_date_it_says_practice_and_time_only(door):
    for name in ("visit", "visit-details", "visit-new-time", "visit-cancel"):
        page = door.client.get(door.url(name)).content.decode()
        assert "Harbor Street" in page
        assert not [one for one in DETAILS if one in page], name
        assert "Vega" not in page
    assert "Wednesday, November 25" in door.client.get(door.url()).content.decode()


def test_the_practice_may_hide_even_the_time(door):
    door.practice.link_shows_time = False
    door.practice.save()
    page = door.client.get(door.url()).content.decode()
    assert "November" not in page
    assert "10:00" not in page
    assert "Yes, I’ll be there" in page


def test_yes_needs_no_more_and_twice_is_once(door):
    for _ in range(2):
        answer = door.client.post(door.url("visit-confirm"))
        assert answer.status_code == 302
    visit = visit_now(door)
    assert (visit.confirmation, visit.confirmed_by, visit.version) == ("confirmed", "link", 2)
    assert entries(door, "appointment.confirmed") == 1
    assert "Thank you. We expect you." in door.client.get(door.url()).content.decode()


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_leave_one_audit_entry():
    with time_machine.travel(NOW, tick=True):
        door = open_door()
        start, codes = threading.Barrier(10), []

        def press() -> None:
            start.wait()
            codes.append(Client().post(door.url("visit-confirm")).status_code)
            connection.close()

        threads = [threading.Thread(target=press) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert codes == [302] * 10
        assert entries(door, "appointment.confirmed") == 1
        assert visit_now(door).version == 2


def test_the_birth_date_opens_the_details_for_a_quarter_of_an_hour(door, clock):
    answer = prove(door)
    assert answer.status_code == 302
    cookie = answer.cookies["visit"]
    assert (cookie["path"], cookie["httponly"], cookie["max-age"]) == (door.url(), True, 900)
    page = door.client.get(door.url("visit-details")).content.decode()
    assert all(one in page for one in DETAILS)
    assert "Vega" not in page
    assert "Follow-up" not in page, "no reason and no kind of visit"
    with inside(door.practice):
        [seen] = AccessEvent.objects.filter(screen="visit-link")
        assert (seen.actor_kind, seen.door, seen.patient_ids) == ("patient", "link", [door.patient.pk])
    clock.shift(dt.timedelta(minutes=16))
    assert "Marisol" not in door.client.get(door.url("visit-details")).content.decode()


def test_a_proof_is_good_for_its_own_link_only(door):
    prove(door)
    value = door.client.cookies["visit"].value
    with inside(door.practice):
        _, other = create_link(door.book("2026-11-26 10:00", tell_patient=False))
    stranger = Client()
    stranger.cookies["visit"] = value
    page = stranger.get(reverse("visit-details", args=[other])).content.decode()
    assert "Marisol" not in page
    stranger.cookies["visit"] = str(door.link.pk)  # not signed by us
    assert "Marisol" not in stranger.get(door.url("visit-details")).content.decode()


def test_five_wrong_dates_lock_the_link_with_the_same_words(door):
    answers = [door.client.post(door.url("visit-details"), WRONG) for _ in range(6)]
    right = door.client.post(door.url("visit-details"), RIGHT)
    words = {answer.content.decode().replace('value="15"', 'value="14"') for answer in [*answers, right]}
    assert {answer.status_code for answer in [*answers, right]} == {403}
    assert len(words) == 1, "nothing tells a locked link from a wrong date"
    with inside(door.practice):
        link = VisitLink.objects.get()
        assert (link.wrong_dates, link.locked_at) == (5, NOW)
        assert Task.objects.get().kind == "link-locked"
    assert door.client.post(door.url("visit-confirm")).status_code == 409
    assert entries(door, "visit_link.locked") == 1
    assert visit_now(door).confirmation == "unsent"


@pytest.mark.parametrize(
    "given", [{"birth_year": ""}, {"birth_day": "31", "birth_month": "2"}, {"birth_year": "x" * 500}]
)
def test_an_unfinished_date_is_no_guess(door, given):
    answer = door.client.post(door.url("visit-details"), RIGHT | given)
    assert answer.status_code == 422
    assert "Please fill in month, day and year." in answer.content.decode()
    with inside(door.practice):
        assert VisitLink.objects.get().wrong_dates == 0


def test_numbers_beyond_the_calendar_are_no_dates(door):
    given = RIGHT | {"birth_year": "9" * 30}
    assert door.client.post(door.url("visit-details"), given).status_code == 422
    assert door.client.post(door.url("visit-details"), RIGHT).status_code == 302
    answer = door.client.post(door.url("visit-new-time"), {"wish": "00010101T0000Z"})
    assert answer.status_code == 422
    assert door.client.get(f"/v/%00ab{'x' * 22}/").status_code == 404


def test_a_wish_goes_to_a_person_where_no_times_are_open_to_patients(door):
    with inside(door.practice):
        AppointmentType.objects.update(patients_may_choose=False)
    prove(door)
    page = door.client.get(door.url("visit-new-time")).content.decode()
    values = [part.split('"')[0] for part in page.split('name="wish" value="')[1:]]
    assert len(values) == 6
    assert door.client.post(door.url("visit-new-time"), {"text": " "}).status_code == 422
    assert door.client.post(door.url("visit-new-time"), {"wish": values[:4]}).status_code == 422
    given = {"wish": [values[0], "nonsense"], "text": "Rather in the morning"}
    assert door.client.post(door.url("visit-new-time"), given).status_code == 302
    visit = visit_now(door)
    assert (visit.stage, visit.confirmation) == ("book", "change_requested")
    with inside(door.practice):
        task = Task.objects.get()
        assert (task.kind, task.appointment_id) == ("new-time", visit.pk)
        assert task.note.startswith("Today ")
        assert task.note.endswith("\nRather in the morning")
    assert entries(door, "appointment.change_requested") == 1
    assert "We have your wish" in door.client.get(door.url()).content.decode()


def test_cancelling_asks_first_and_closes_the_link(door):
    assert door.client.post(door.url("visit-cancel")).status_code == 200, "the birth date is asked for"
    assert visit_now(door).stage == "book"
    prove(door, "visit-cancel")
    assert "Cancel this appointment?" in door.client.get(door.url("visit-cancel")).content.decode()
    assert "is cancelled" in door.client.post(door.url("visit-cancel")).content.decode()
    visit = visit_now(door)
    assert (visit.stage, visit.cancellation_reason) == ("off", "pat-cpp")
    assert entries(door, "appointment.cancelled") == 1


def test_yes_after_a_cancellation_is_409_with_the_phone(door):
    with inside(door.practice):
        cancel_appointment(appointment=door.visit, version=1, reason="prov", by=door.by)
    answer = door.client.post(door.url("visit-confirm"))
    assert answer.status_code == 409
    assert str(door.practice.line_number) in answer.content.decode()
    assert door.client.get(door.url()).status_code == 410
    assert visit_now(door).confirmation == "unsent"


def test_the_calendar_file_says_when_and_where_and_not_why(door):
    assert door.client.get(door.url("visit-calendar")).status_code == 302, "first the birth date"
    prove(door)
    answer = door.client.get(door.url("visit-calendar"))
    assert answer["Content-Type"].startswith("text/calendar")
    calendar = icalendar.Calendar.from_ical(answer.content)
    [event] = calendar.walk("VEVENT")
    assert event.decoded("dtstart") == door.visit.starts_at
    assert event.decoded("dtend") == door.visit.ends_at
    assert str(event["summary"]) == "Appointment, Harbor Street"
    assert "410 Harbor Street" in str(event["location"])
    for word in (b"Osei", b"Follow-up", b"Marisol", b"Vega"):
        assert word not in answer.content


def test_unknown_links_answer_all_the_same(door):
    bodies = set()
    for token in (door.token[:-1] + "!", "zzzz" + door.token[4:], "x", door.token + "x", "x" * 300, "é" * 26):
        for name in ("visit", "visit-details", "visit-calendar"):
            answer = door.client.get(reverse(name, args=[token]))
            assert answer.status_code == 404
            bodies.add(answer.content)
    assert len(bodies) == 1
    assert b"Harbor" not in bodies.pop()


def test_a_link_of_one_practice_is_unknown_in_another(door):
    elsewhere = a_diary("other@frontdesk.example", slug="cedar-park")
    swapped = elsewhere.practice.link_code + door.token[len(door.practice.link_code) :]
    assert door.client.get(reverse("visit", args=[swapped])).status_code == 404
    assert door.client.post(reverse("visit-confirm", args=[swapped])).status_code == 404
    assert visit_now(door).confirmation == "unsent"


def test_both_languages_say_everything(door):
    assert all(len(pair) == 2 and all(pair) for pair in WORDS.values())
    page = door.client.get(door.url() + "?lang=es").content.decode()
    assert '<html lang="es">' in page
    assert "Miércoles, 25 de noviembre" in page
    assert "a las 10:00 a. m." in page
    assert "Sí, allí estaré" in page
    assert "?lang=es" in page.split("<form")[1].split(">")[0], "the language stays"
    with inside(door.practice):
        door.patient.language = "es"
        door.patient.save()
    assert '<html lang="es">' in door.client.get(door.url()).content.decode()


def test_headers_keep_the_address_to_itself(door):
    for answer in (door.client.get(door.url()), door.client.get(reverse("visit", args=["x"]))):
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Cache-Control"] == "no-store"
        assert "noindex" in answer["X-Robots-Tag"]
        page = answer.content.decode()
        assert "<script" not in page
        assert "style=" not in page
        assert "http" not in page.replace(settings.STATIC_URL, "")


def test_what_staff_know_first_shows_on_no_page_of_the_patient(door: SimpleNamespace) -> None:
    with inside(door.practice):
        patient = door.visit.patient
        patient.privacy_note = "Never at work"
        patient.save()
        raise_flag(patient=patient, kind="upset", words="Shouted at Jo", by=SYSTEM)
        add_related(patient=patient, name="Rosa Quist", relationship="parent", by=SYSTEM)
    shown = door.client.get(door.url()).content
    prove(door)
    for name in PAGES:
        shown += door.client.get(door.url(name)).content
    assert b"Dr. Osei" in shown  # the details were open
    for secret in (b"Shouted", b"Never at work", b"Rosa", b"Know first", b"upset", b"Upset"):
        assert secret not in shown
