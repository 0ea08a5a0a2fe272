"""The booking dialog and the visit's panel, as a page and as a part of one."""

import datetime as dt
import json
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging.models import Message, Suppression
from messaging.outbox import address_index
from patients.models import Consent, Patient
from patients.names import split_name
from patients.registry import ContactGiven, register_patient
from practices.models import AccessEvent, AuditEntry
from practices.tenancy import inside
from scheduling.models import Appointment, Change
from scheduling.wallclock import parse_clock
from tests.factories import a_patient, a_type
from tests.scheduling.conftest import a_diary, at

HTMX = {"HTTP_HX_REQUEST": "true"}
BOOKING_QUERIES = 29
PANEL_QUERIES = 16


@pytest.fixture
def desk(db: None, clock: Any) -> SimpleNamespace:
    """The diary with Dana signed in; no practice's scope is open."""
    made = a_diary()
    made.client = Client()
    made.client.force_login(made.dana.user)
    made.url = lambda name, *args: reverse(name, args=[made.practice.slug, *args])
    return made


def slot(desk: SimpleNamespace, when: str, who: Any = None) -> str:
    return f"{(who or desk.osei).pk}|{at(when):%Y-%m-%dT%H:%MZ}"


def booking(desk: SimpleNamespace, **given: Any) -> dict[str, Any]:
    values = {"patient": desk.patient.pk, "visit_type": desk.kind.pk, "slot": slot(desk, "2026-11-25 10:00")}
    return {name: value for name, value in (values | given).items() if value is not None}


def booked(desk: SimpleNamespace, **given: Any) -> Appointment:
    with inside(desk.practice):
        return desk.book(**given)


def visits(desk: SimpleNamespace) -> list[Appointment]:
    with inside(desk.practice):
        return list(
            Appointment.objects.select_related("patient", "practitioner").order_by("created_at", "starts_at")
        )


def test_a_known_caller_is_booked_and_texted(desk):
    given = booking(desk, text_ok="on", reason="Knee pain", needs=["step-free"])
    answer = desk.client.post(desk.url("book"), given)
    assert answer.status_code == 302
    assert answer["Location"] == desk.url("today") + "?d=2026-11-25"
    [visit] = visits(desk)
    assert (visit.starts_at, visit.reason, visit.booked_by) == (
        at("2026-11-25 10:00"),
        "Knee pain",
        desk.dana.user,
    )
    with inside(desk.practice):
        assert Patient.objects.get().needs == ["step-free"]
        assert Message.objects.get().kind == "confirmation"
        assert Consent.objects.count() == 1, "the consent was there already"


def test_in_the_dialog_success_closes_it_and_refreshes_the_board(desk):
    answer = desk.client.post(desk.url("book"), booking(desk), **HTMX)
    assert answer.status_code == 204
    news = json.loads(answer["HX-Trigger"])
    assert news["dialogClose"] is True
    assert news["refresh"] == f"appointments:2026-11-25:{desk.osei.pk} queue changes"
    assert news["desk:changed"] == {"appointment": str(visits(desk)[0].pk)}
    with inside(desk.practice):
        assert not Message.objects.exists(), "nobody ticked the text"


def test_a_new_patient_is_registered_inside_the_booking(desk):
    given = booking(
        desk, patient=None, name="Delia Marsh", birth_date="4/22/91", mobile="503 555 0199", text_ok="on"
    )
    assert desk.client.post(desk.url("book"), given).status_code == 302
    [visit] = visits(desk)
    assert (visit.patient.given, visit.patient.family) == ("Delia", "Marsh")
    assert visit.patient.birth_date == dt.date(1991, 4, 22)
    with inside(desk.practice):
        consent = Consent.objects.get(patient=visit.patient)
        assert (consent.granted, consent.how, consent.recorded_by) == (True, "phone", desk.dana.user)
        assert Message.objects.get().address == "+15035550199"


def test_a_number_and_a_consent_of_a_known_caller_are_kept(desk):
    with inside(desk.practice):
        tom = register_patient(given="Tom", family="Hargrove", birth_date=dt.date(1950, 1, 2), by=desk.by)
    given = booking(desk, patient=tom.pk, mobile="(503) 555-0188", text_ok="on")
    assert desk.client.post(desk.url("book"), given, **HTMX).status_code == 204
    with inside(desk.practice):
        assert Consent.objects.get(patient=tom).how == "phone"
        assert Message.objects.get().address == "+15035550188"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "Delia"}, "write the first and the last name"),
        ({"birth_date": ""}, "Ask for the birth date."),
        ({"birth_date": "2/30/91"}, "no February 30"),
        ({"mobile": "12", "text_ok": "on"}, "This phone number is too short"),
        ({"mobile": "", "text_ok": "on"}, "write the mobile number"),
        ({"visit_type": ""}, "Choose the kind of visit."),
        ({"slot": ""}, "Choose a time."),
        ({"slot": "other", "day": "", "time": ""}, "Write the day."),
        ({"slot": "other", "day": "11/26", "time": "26:00"}, "There is no such time."),
        ({"slot": "other", "day": "12/31/9999", "time": "11 PM"}, "The year 9999 is too far away."),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_all_that_was_typed_stays(desk, wrong, words):
    given = booking(
        desk,
        patient=None,
        name="Delia Marsh",
        birth_date="4/22/91",
        mobile="503 555 0199",
        reason="Knee pain",
        with_whom=str(desk.osei.pk),
    )
    answer = desk.client.post(desk.url("book"), given | wrong, **HTMX)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    for name, value in (given | wrong).items():
        if name in {"name", "birth_date", "mobile", "reason", "day", "time"} and value:
            assert f'value="{value}"' in page, name
    assert not visits(desk)
    with inside(desk.practice):
        assert Patient.objects.count() == 1, "nothing half-written"


def test_a_taken_slot_keeps_the_form_and_offers_the_next_two_times(desk):
    with inside(desk.practice):
        other = a_patient(desk.practice, "Tom", "Hargrove")
    booked(desk, patient=other)
    answer = desk.client.post(desk.url("book"), booking(desk, reason="Knee pain"), **HTMX)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "That time was just taken." in page
    assert page.count('name="take"') == 2
    assert 'value="Knee pain"' in page
    assert len(visits(desk)) == 1
    # One of them is chosen and booked.
    taken = page.split('name="take" value="')[1].split('"')[0]
    again = desk.client.post(desk.url("book-times"), booking(desk, take=taken), **HTMX).content.decode()
    assert f'value="{taken}" checked' in again
    assert desk.client.post(desk.url("book"), booking(desk, slot=taken), **HTMX).status_code == 204


def test_a_refused_slot_takes_the_new_patient_back(desk):
    booked(desk)
    given = booking(desk, patient=None, name="Delia Marsh", birth_date="4/22/91")
    assert desk.client.post(desk.url("book"), given, **HTMX).status_code == 409
    with inside(desk.practice):
        assert Patient.objects.count() == 1


def test_outside_hours_needs_a_reason_and_then_works(desk):
    given = booking(desk, slot=slot(desk, "2026-11-25 12:15"))
    answer = desk.client.post(desk.url("book"), given, **HTMX)
    assert answer.status_code == 422
    assert "Say why to book it all the same." in answer.content.decode()
    answer = desk.client.post(desk.url("book"), given | {"overbook_reason": "Dr. Osei agreed"}, **HTMX)
    assert answer.status_code == 204
    assert visits(desk)[0].overbook_reason == "Dr. Osei agreed"


def test_the_past_is_refused_in_words(desk):
    answer = desk.client.post(desk.url("book"), booking(desk, slot=slot(desk, "2026-11-23 10:00")), **HTMX)
    assert answer.status_code == 422
    assert "is over" in answer.content.decode()


@pytest.mark.parametrize(
    "asked", ["half=9999-12-31.pm", "start=9999-12-31T23:59-05:00", "start=0001-01-01T00:00%2B14:00"]
)
def test_an_address_with_a_day_beyond_the_calendar_opens_the_dialog_all_the_same(desk, asked):
    address = f"{desk.url('book')}?{asked}&practitioner={desk.osei.pk}&visit_type={desk.kind.pk}"
    assert desk.client.get(address, **HTMX).status_code == 200


def other_time(desk: SimpleNamespace, day: str, time: str, **given: Any) -> dict[str, Any]:
    return booking(desk, slot="other", day=day, time=time, with_whom=str(desk.osei.pk), **given)


def test_a_typed_day_and_time_are_read(desk):
    assert desk.client.post(desk.url("book"), other_time(desk, "tomorrow", "330p"), **HTMX).status_code == 204
    assert visits(desk)[0].starts_at == at("2026-11-25 15:30")


def test_a_time_the_clocks_jump_over_is_refused(desk):
    answer = desk.client.post(desk.url("book"), other_time(desk, "3/14/2027", "2:30 AM"), **HTMX)
    assert answer.status_code == 422
    assert "does not exist" in answer.content.decode()


def test_a_time_that_exists_twice_is_asked_for(desk):
    given = other_time(desk, "11/7/2027", "1:30 AM", overbook_reason="Night clinic")
    answer = desk.client.post(desk.url("book"), given, **HTMX)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'name="fold" value="0"' in page
    assert "(EDT)" in page
    assert "(EST)" in page
    assert desk.client.post(desk.url("book"), given | {"fold": "1"}, **HTMX).status_code == 204
    assert visits(desk)[0].starts_at == dt.datetime(2027, 11, 7, 6, 30, tzinfo=dt.UTC)


def test_the_sentence_to_read_back_follows_the_choice(desk):
    page = desk.client.post(desk.url("book-times"), booking(desk), **HTMX).content.decode()
    assert (
        "“Tomorrow, Wednesday November 25, at 10:00 AM with Dr. Osei, 30 minutes, 410 Harbor Street.”" in page
    )
    assert not visits(desk), "looking books nothing"


def test_times_follow_the_wishes(desk):
    page = desk.client.post(desk.url("book-times"), booking(desk, part="after-3"), **HTMX).content.decode()
    offered = [
        part.split("|")[1].split('"')[0] for part in page.split('name="slot"')[1:] if "|" in part[:120]
    ]
    assert offered
    assert all(
        dt.datetime.fromisoformat(one) >= dt.datetime.fromisoformat(one[:11] + "20:00Z") for one in offered
    )
    half = booking(desk, go_half="2026-11-26.am", clinician=desk.chen.pk)
    page = desk.client.post(desk.url("book-times"), half, **HTMX).content.decode()
    assert page.count("Thu, Nov 26, ") >= 5
    assert "Dr. Chen" in page


def test_the_board_hands_over_patient_clinician_and_time(desk):
    address = (
        desk.url("book") + f"?patient={desk.patient.pk}&practitioner={desk.chen.pk}&start=2026-11-25T14:00"
    )
    page = desk.client.get(address, **HTMX).content.decode()
    assert "The time you picked" in page
    assert f'value="{slot(desk, "2026-11-25 14:00", desk.chen)}" checked' in page
    assert "Marisol Vega" in page
    assert "agreed to texts before" in page


def test_without_scripts_the_dialog_is_a_page(desk):
    page = desk.client.get(desk.url("book")).content.decode()
    assert "<html" in page
    assert "Show times" in page
    assert f'formaction="{desk.url("book-times")}"' in page


def test_people_who_may_be_meant_appear_while_typing_and_are_noted_as_seen(desk):
    with inside(desk.practice):
        known = register_patient(given="Delia", family="Marsh", birth_date=dt.date(1991, 4, 22), by=desk.by)
    typed = booking(desk, patient=None, name="delia mars")
    page = desk.client.post(desk.url("book-times"), typed, **HTMX).content.decode()
    assert f'name="patient" value="{known.pk}"' in page
    assert "Born Apr 22, 1991, 35" in page
    with inside(desk.practice):
        assert AccessEvent.objects.filter(screen="booking", patient_ids__contains=[known.pk]).exists()
    # A page without scripts that never showed her asks once before making a second one.
    again = booking(desk, patient=None, name="Delia Marsch", birth_date="4/22/91")
    answer = desk.client.post(desk.url("book"), again)
    assert answer.status_code == 422
    assert "Is it one of these?" in answer.content.decode()
    assert desk.client.post(desk.url("book"), again | {"seen": str(known.pk)}).status_code == 302


@pytest.mark.parametrize(
    "shared", [{"birth_date": "4/22/91"}, {"birth_date": "1/1/80", "mobile": "5035550199"}]
)
def test_a_second_record_of_the_same_person_takes_an_explicit_word(desk, shared):
    with inside(desk.practice):
        known = register_patient(
            given="Delia",
            family="Marsh",
            birth_date=dt.date(1991, 4, 22),
            phones=[ContactGiven("+15035550199")],
            by=desk.by,
        )
    # She was on the page when it was sent: a slip of the hand must not be enough.
    typed = booking(desk, patient=None, name="Delia Marsh", seen=str(known.pk), **shared)
    answer = desk.client.post(desk.url("book"), typed, **HTMX)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Delia Marsh is here already" in page
    assert "Use this record" in page
    assert f'name="set_apart" value="{known.pk}"' in page
    assert visits(desk) == []
    other = typed | {"set_apart": str(uuid.uuid4())}
    assert desk.client.post(desk.url("book"), other, **HTMX).status_code == 422
    apart = typed | {"set_apart": str(known.pk)}
    again = desk.client.post(desk.url("book-times"), apart, **HTMX).content.decode()
    assert f'type="hidden" name="set_apart" value="{known.pk}"' in again
    assert desk.client.post(desk.url("book"), apart, **HTMX).status_code == 204
    assert visits(desk)[0].patient_id != known.pk


def test_who_said_stop_is_offered_no_text(desk):
    with inside(desk.practice):
        Suppression.objects.create(
            practice=desk.practice, channel="sms", address_index=address_index("sms", "+15035550142")
        )
    for address, typed in (
        (desk.url("book-times"), booking(desk)),
        (
            desk.url("book-times"),
            booking(desk, patient=None, name="Ann Lee", mobile="5035550142", text_ok="on"),
        ),
    ):
        page = desk.client.post(address, typed, **HTMX).content.decode()
        assert "No text goes: this number said STOP" in page
        assert "Book and text" not in page
    new = booking(desk, patient=None, name="Ann Lee", birth_date="1/1/80", mobile="5035550142", text_ok="on")
    new["seen"] = str(desk.patient.pk)
    assert desk.client.post(desk.url("book"), new, **HTMX).status_code == 204
    with inside(desk.practice):
        assert not Consent.objects.filter(patient__family="Lee").exists()


def test_the_next_visits_of_the_caller_stand_beside_the_name(desk):
    booked(desk, starts_at=at("2026-11-24 15:00"))
    page = desk.client.get(desk.url("book") + f"?patient={desk.patient.pk}", **HTMX).content.decode()
    assert "Has a visit today 3:00 PM with Dr. Osei" in page


def test_a_patient_of_another_practice_is_nobody_here(desk):
    elsewhere = a_diary("other@frontdesk.example", slug="cedar-park")
    page = desk.client.get(desk.url("book") + f"?patient={elsewhere.patient.pk}", **HTMX).content.decode()
    assert str(elsewhere.patient.pk) not in page
    answer = desk.client.post(desk.url("book"), booking(desk, patient=elsewhere.patient.pk), **HTMX)
    assert answer.status_code == 422
    visit = booked(elsewhere)
    for name in ("appointment", "appointment-move", "appointment-cancel"):
        assert desk.client.get(desk.url(name, visit.pk)).status_code == 404
    assert desk.client.get(desk.url("patient-visits", elsewhere.patient.pk)).status_code == 404


@pytest.mark.parametrize("many", [1, 40])
def test_the_dialog_costs_the_same_however_full_the_diary_is(desk, many):
    with inside(desk.practice):
        a_type(desk.practice, "Physical", 45, [desk.osei, desk.chen])
        for number in range(many):
            day = 25 + number % 5
            desk.book(f"2026-11-{day} {8 + number // 5 % 4:02d}:{'00' if number < 20 else '30'}")
    desk.client.post(desk.url("book-times"), booking(desk), **HTMX)
    with CaptureQueriesContext(connection) as asked:
        desk.client.post(desk.url("book-times"), booking(desk), **HTMX)
    assert len(asked) == BOOKING_QUERIES


# --- the panel -----------------------------------------------------------------------------------------


def post(desk: SimpleNamespace, name: str, visit: Appointment, **given: Any) -> Any:
    return desk.client.post(desk.url(name, visit.pk), {"version": visit.version} | given, **HTMX)


def test_the_panel_shows_the_visit_and_leaves_a_trace(desk):
    visit = booked(desk, reason="Knee pain")
    page = desk.client.get(desk.url("appointment", visit.pk), **HTMX).content.decode()
    for words in ("Marisol Vega", "Born Mar 14, 1986, 40", "(503) 555-0142", "Tomorrow 10:00 AM", "Knee pain",
                  "To confirm", "Texts allowed", "Booked by Dana", "waiting to go out"):  # fmt: skip
        assert words in page, words
    assert "<html" not in page
    assert "<html" in desk.client.get(desk.url("appointment", visit.pk)).content.decode()
    with inside(desk.practice):
        assert AccessEvent.objects.filter(screen="visit", patient_ids=[desk.patient.pk]).count() == 2


def test_privacy_mode_hides_the_name(desk):
    visit = booked(desk)
    desk.dana.user.privacy_mode = True
    desk.dana.user.save()
    page = desk.client.get(desk.url("appointment", visit.pk), **HTMX).content.decode()
    assert "M. V." in page
    assert "Vega" not in page


def test_privacy_mode_hides_what_the_panel_knows(desk):
    visit = booked(desk)
    with inside(desk.practice):
        patient = Patient.objects.get(pk=desk.patient.pk)
        patient.know_first = "Afraid of needles."
        patient.save(update_fields=["know_first"])
        visit = Appointment.objects.get(pk=visit.pk)
        visit.reason, visit.note = "Knee", "Bring scans"
        visit.save(update_fields=["reason", "note"])
    secrets = ("Afraid of needles.", "Knee", "Bring scans", "Born ")
    page = desk.client.get(desk.url("appointment", visit.pk), **HTMX).content.decode()
    assert all(secret in page for secret in secrets)
    desk.dana.user.privacy_mode = True
    desk.dana.user.save()
    page = desk.client.get(desk.url("appointment", visit.pk), **HTMX).content.decode()
    assert not any(secret in page for secret in secrets)
    assert "Hidden while privacy is on" in page


def test_the_steps_of_the_day(desk):
    visit = booked(desk, when="2026-11-24 10:00")
    for stage, words in (("arrived", "Arrived"), ("in-visit", "In visit"), ("done", "Done")):
        answer = post(desk, "appointment-stage", visit, stage=stage)
        assert answer.status_code == 200
        assert json.loads(answer["HX-Trigger"])["announce"] == words
        visit = visits(desk)[0]
    assert visit.stage == "done"


def test_a_stale_step_shows_both_values_and_changes_nothing(desk):
    visit = booked(desk, when="2026-11-24 10:00")
    assert post(desk, "appointment-confirm", visit).status_code == 200
    answer = post(desk, "appointment-stage", visit, stage="arrived")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "It is now: Confirmed, Today 10:00 AM. You wanted: arrived." in page
    assert visits(desk)[0].stage == "conf"


def test_a_note_is_kept_and_two_writers_see_both(desk):
    visit = booked(desk)
    page = desk.client.get(desk.url("appointment", visit.pk), **HTMX).content.decode()
    before = page.split('name="before" value="')[1].split('"')[0]
    assert post(desk, "appointment-note", visit, before=before, note="Bring the forms").status_code == 200
    assert visits(desk)[0].note == "Bring the forms"
    answer = post(desk, "appointment-note", visit, before=before, note="Asks to start later")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Bring the forms" in page
    assert ">Asks to start later</textarea>" in page
    assert visits(desk)[0].note == "Bring the forms"
    assert visits(desk)[0].version == visit.version, "a note takes no link and no undo away"


def test_cancelling_takes_a_reason_and_can_be_taken_back(desk):
    visit = booked(desk)
    assert (
        "Cancel: why?" in desk.client.get(desk.url("appointment-cancel", visit.pk), **HTMX).content.decode()
    )
    assert post(desk, "appointment-cancel", visit, reason="nonsense").status_code == 422
    assert post(desk, "appointment-cancel", visit, reason="pat").status_code == 204
    assert visits(desk)[0].stage == "off"
    with inside(desk.practice):
        change = Change.objects.get(kind="cancelled")
    bar = desk.client.get(desk.url("changes"), **HTMX).content.decode()
    assert "Marisol Vega" in bar
    assert "cancelled, Tomorrow 10:00 AM" in bar
    assert desk.client.post(desk.url("change-undo", change.pk), **HTMX).status_code == 200
    assert visits(desk)[0].stage == "book"
    answer = desk.client.post(desk.url("change-undo", change.pk), **HTMX)
    assert answer.status_code == 409
    assert "taken back already" in answer.content.decode()


def test_moving_by_the_dialog_keeps_the_chain(desk):
    visit = booked(desk)
    page = desk.client.get(desk.url("appointment-move", visit.pk), **HTMX).content.decode()
    assert "now <span" in page
    answer = post(desk, "appointment-move", visit, slot=slot(desk, "2026-11-26 09:00", desk.chen))
    assert answer.status_code == 204
    old, new = visits(desk)
    assert (old.stage, new.rescheduled_from_id, new.practitioner) == ("off", old.pk, desk.chen)
    assert post(desk, "appointment-move", new, slot="").status_code == 422
    look = desk.client.post(desk.url("appointment-move", new.pk) + "?look", {"part": "morning"}, **HTMX)
    assert look.status_code == 200
    assert len(visits(desk)) == 2


def test_a_dropped_card_answers_with_the_change_bar_or_with_words(desk):
    visit = booked(desk)
    drop = {"practitioner": desk.chen.pk, "start": "2026-11-25T11:00"}
    answer = desk.client.post(desk.url("appointment-move", visit.pk), drop | {"version": visit.version})
    assert answer.status_code == 200
    assert "moved to Tomorrow 11:00 AM with Dr. Chen" in answer.content.decode()
    stale = desk.client.post(desk.url("appointment-move", visit.pk), drop | {"version": visit.version})
    assert stale.status_code == 409
    assert "<" not in stale.content.decode()
    new = visits(desk)[-1]
    nowhere = desk.client.post(desk.url("appointment-move", new.pk), {"version": 1, "start": "soon"})
    assert nowhere.status_code == 422


def test_a_note_that_is_too_long_is_refused_whole(desk):
    visit = booked(desk)
    typed = "n" * 2001
    answer = desk.client.post(desk.url("appointment-note", visit.pk), {"note": typed, "before": ""}, **HTMX)
    assert answer.status_code == 422
    assert "1 letters too long" not in answer.content.decode()
    assert "1 letter too long" in answer.content.decode()
    assert typed in answer.content.decode()
    assert visits(desk)[0].note == ""


def test_the_text_can_be_sent_at_once(desk):
    booked(desk)
    with inside(desk.practice):
        change, message = Change.objects.get(), Message.objects.get()
    bar = desk.client.get(desk.url("changes"), **HTMX).content.decode()
    assert "Their text goes out in" in bar
    assert message.send_after.astimezone(desk.practice.zone).strftime("%Y-%m-%dT%H:%M") in bar
    assert desk.client.post(desk.url("change-send", change.pk), **HTMX).status_code == 200
    with inside(desk.practice):
        assert Message.objects.get().send_after < message.send_after
    assert desk.client.post(desk.url("change-send", uuid.uuid4()), **HTMX).status_code == 404


def test_the_record_lists_coming_and_past_visits(desk):
    visit = booked(desk)
    page = desk.client.get(desk.url("patient-visits", desk.patient.pk)).content.decode()
    assert "Tomorrow 10:00 AM" in page
    assert desk.url("appointment-move", visit.pk) in page


def test_each_door_of_a_change_leaves_an_audit_entry(desk):
    visit = booked(desk, when="2026-11-24 10:00")
    post(desk, "appointment-confirm", visit)
    post(desk, "appointment-stage", visits(desk)[0], stage="arrived")
    with inside(desk.practice):
        verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert {"appointment.booked", "appointment.confirmed", "appointment.arrived"} <= verbs


def test_the_panel_costs_a_fixed_number_of_queries(desk):
    visit = booked(desk)
    desk.client.get(desk.url("appointment", visit.pk), **HTMX)
    with CaptureQueriesContext(connection) as asked:
        desk.client.get(desk.url("appointment", visit.pk), **HTMX)
    assert len(asked) == PANEL_QUERIES


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("3:30 PM", "15:30"),
        ("330p", "15:30"),
        ("15:30", "15:30"),
        ("9", "09:00"),
        ("3", "15:00"),
        ("12 am", "00:00"),
        ("08:15", "08:15"),
        ("1.45", "13:45"),
        ("11:30AM", "11:30"),
    ],
)
def test_times_as_people_write_them(typed, meant):
    assert f"{parse_clock(typed):%H:%M}" == meant


@pytest.mark.parametrize("typed", ["", "noon", "25", "13 pm", "9:75", "3:30 PMX", "1" * 50])
def test_what_is_no_time_is_refused(typed):
    with pytest.raises(ValueError, match=r"."):
        parse_clock(typed)


def test_names_in_either_order():
    assert split_name("Delia Ann Marsh") == ("Delia Ann", "Marsh")
    assert split_name("Marsh, Delia") == ("Delia", "Marsh")
    assert split_name("Delia") == ("", "Delia")
