"""The waitlist's pages: who fits and why, two steps to offer, putting somebody on the list, the rule."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse

from practices.apikeys import create_api_key
from practices.models import AccessEvent, Membership, Role
from practices.tenancy import inside
from scheduling.booking import cancel_appointment
from scheduling.models import Appointment, Offer, Opening, WaitlistEntry, WaitlistRule
from scheduling.waitlist_rules import rule_in_words, rule_of
from tests.scheduling.conftest import a_texted_patient, at
from tests.scheduling.waiting_room import a_rule, leave, opened, states, waits

SLOT = "2026-11-25 10:00"


@pytest.fixture
def desk(diary):
    client = Client()
    client.force_login(diary.dana.user)
    diary.client = client
    diary.url = lambda name, *ids: reverse(name, args=[diary.practice.slug, *ids])
    return diary


@pytest.fixture
def open_slot(desk):
    a_rule(mode="manual", group_size=1)
    visit = desk.book(SLOT, tell_patient=False)
    waits(desk, "Ana")
    waits(desk, "Ben", weekdays=[1])
    cancel_appointment(appointment=visit, version=1, reason="pat", by=desk.by)
    return opened()


def text(response):
    return response.content.decode()


def test_the_page_shows_what_is_open_who_fits_and_who_waits(desk, open_slot):
    page = text(desk.client.get(desk.url("waitlist")))
    assert "Tomorrow 10:00 AM" in page
    assert "Follow-up, fills it, Waits less than an hour, Not asked yet" in page
    assert "1 passed over" in page
    assert page.count('class="main-cell name"') == 2
    with inside(desk.practice):
        assert AccessEvent.objects.filter(screen="waitlist").exists()


def test_empty_says_why_and_what_comes_next(desk):
    page = text(desk.client.get(desk.url("waitlist")))
    assert "No time is open" in page
    assert "Nobody waits" in page


def test_the_page_asks_the_database_the_same_for_one_and_for_many(desk, open_slot, django_assert_num_queries):
    address = desk.url("waitlist") + "?fragment=body"
    desk.client.get(address, headers={"HX-Request": "true"})
    with django_assert_num_queries(21):
        desk.client.get(address, headers={"HX-Request": "true"})
    for number in range(8):
        waits(desk, patient=a_texted_patient(desk.practice, f"P{number}", f"+1503555{2000 + number}"))
        visit = desk.book(f"2026-11-26 {9 + number % 3:02d}:30", tell_patient=False)
        cancel_appointment(appointment=visit, version=1, reason="pat", by=desk.by)
    with django_assert_num_queries(21):
        desk.client.get(address, headers={"HX-Request": "true"})


def test_offer_and_send_are_two_steps(desk, open_slot):
    dialog = text(desk.client.get(desk.url("opening", open_slot.pk), headers={"HX-Request": "true"}))
    assert dialog.count(" checked") == 1
    assert "Comes on Mon only" in dialog
    entry = WaitlistEntry.objects.get(patient__given="Ana")
    sent = desk.client.post(
        desk.url("opening-offer", open_slot.pk), {"entry": entry.pk}, headers={"HX-Request": "true"}
    )
    assert sent.status_code == 204
    assert "1 person is asked." in sent.headers["HX-Trigger"]
    assert states() == {"Ana": "queued"}
    again = desk.client.post(
        desk.url("opening-offer", open_slot.pk), {"entry": entry.pk}, headers={"HX-Request": "true"}
    )
    assert (again.status_code, "None of them fits any more" in text(again)) == (409, True)


def test_without_scripts_it_is_a_page_with_the_same_buttons(desk, open_slot):
    assert "Send" in text(desk.client.get(desk.url("opening", open_slot.pk)))
    posted = desk.client.post(desk.url("opening-offer", open_slot.pk), {})
    assert posted.headers["Location"] == desk.url("waitlist")
    assert states() == {"Ana": "queued"}


def test_somebody_who_says_yes_on_the_phone_is_booked(desk, open_slot):
    entry = WaitlistEntry.objects.get(patient__given="Ana")
    desk.client.post(desk.url("opening-book", open_slot.pk, entry.pk))
    assert Appointment.objects.get(patient__given="Ana").starts_at == at(SLOT)
    log = text(desk.client.get(desk.url("waitlist-log")))
    assert "Said yes by phone" in log
    assert "Asked by a person" in log


def test_an_answer_on_the_phone_to_an_offer(desk, open_slot):
    desk.client.post(desk.url("opening-offer", open_slot.pk), {})
    leave()
    offer = Offer.objects.get()
    assert desk.client.post(desk.url("offer-answered", offer.pk), {"answer": "maybe"}).status_code == 422
    desk.client.post(desk.url("offer-answered", offer.pk), {"answer": "no"})
    assert states() == {"Ana": "declined"}
    desk.client.post(desk.url("offer-answered", offer.pk), {"answer": "yes"})
    assert states() == {"Ana": "accepted"}


def test_an_opening_may_be_offered_to_nobody(desk, open_slot):
    desk.client.post(desk.url("opening-close", open_slot.pk))
    assert Opening.objects.get().closed_why == "Ended by Dana."


def test_from_the_record_with_wishes_and_bad_ones_at_their_field(desk):
    address = desk.url("waitlist-add")
    dialog = text(desk.client.get(f"{address}?patient={desk.patient.pk}"))
    assert "Put on the waitlist" in dialog
    form = {"patient": desk.patient.pk, "notice_hours": "4", "urgency": "1", "weekdays": ["1", "3"]}
    bad = desk.client.post(address, form | {"not_before": "15:00", "not_after": "09:00"})
    assert bad.status_code == 422
    assert "Choose a kind of visit." in text(bad)
    bad = desk.client.post(
        address, form | {"types": [desk.kind.pk], "not_before": "15:00", "not_after": "09:00"}
    )
    assert "The end of the hours comes before their beginning." in text(bad)
    assert 'value="15:00"' in text(bad)
    desk.client.post(address, form | {"types": [desk.kind.pk], "not_before": "15:00"})
    entry = WaitlistEntry.objects.get()
    assert (entry.weekdays, entry.not_before, entry.urgency) == ([1, 3], dt.time(15), 1)
    panel = text(desk.client.get(desk.url("patient-waiting", desk.patient.pk)))
    assert "Mon, Wed; from 3:00 PM" in panel


def test_a_wished_time_that_is_over_is_said_above_the_fields(desk, clock):
    entry = waits(desk, "Ana", wished_at=at(SLOT))
    clock.move_to(at("2026-11-25 10:01"))
    desk.client.force_login(desk.dana.user)
    form = {"types": [desk.kind.pk], "notice_hours": "0", "urgency": "2"}
    answer = desk.client.post(desk.url("waitlist-entry", entry.pk), form)
    assert (answer.status_code, "That time is over." in text(answer)) == (422, True)


def test_from_the_panel_of_a_visit_that_is_given_up(desk):
    visit = desk.book("2026-12-01 14:00", tell_patient=False)
    assert "Waitlist for an earlier time" in text(desk.client.get(desk.url("appointment", visit.pk)))
    desk.client.post(
        desk.url("waitlist-add"),
        {"patient": desk.patient.pk, "appointment": visit.pk, "notice_hours": "2", "urgency": "2"},
    )
    entry = WaitlistEntry.objects.get()
    assert (entry.appointment, entry.types) == (visit, [desk.kind.pk])


def test_wishes_are_changed_and_somebody_taken_off(desk):
    entry = waits(desk, "Ana")
    address = desk.url("waitlist-entry", entry.pk)
    assert "Take off the list" in text(desk.client.get(address))
    form = {"types": [desk.kind.pk], "notice_hours": "1", "urgency": "0"}
    desk.client.post(address, form)
    entry.refresh_from_db()
    assert entry.urgency == 0
    desk.client.post(desk.url("waitlist-remove", entry.pk))
    entry.refresh_from_db()
    assert entry.state == "removed"
    assert desk.client.post(address, form).status_code == 422


def test_one_press_on_a_taken_time_in_the_booking_dialog(desk):
    taken = desk.book(SLOT, tell_patient=False)
    ana = a_texted_patient(desk.practice, "Ana", "+15035550171")
    slot = f"{desk.osei.pk}|2026-11-25T15:00Z"
    form = {"patient": ana.pk, "visit_type": desk.kind.pk, "slot": slot, "reason": ""}
    refused = desk.client.post(desk.url("book"), form, headers={"HX-Request": "true"})
    assert refused.status_code == 409
    assert f'value="{slot}"' in text(refused)
    assert "Text Ana when 10:00 AM opens" in text(refused)
    said = desk.client.post(desk.url("waitlist-wish"), form | {"wish": slot}, headers={"HX-Request": "true"})
    assert "Noted: asked by text when tomorrow 10:00 AM with Dr. Osei opens." in text(said)
    assert WaitlistEntry.objects.get().wished_at == taken.starts_at
    nobody = desk.client.post(desk.url("waitlist-wish"), {"wish": slot}, headers={"HX-Request": "true"})
    assert "Choose the patient and the visit first" in text(nobody)


def test_the_rule_is_a_manager_s_with_words_and_refuses_contradictions(desk):
    address = desk.url("settings-waitlist")
    assert desk.client.get(address).status_code == 403
    Membership.objects.update(roles=[Role.MANAGER])
    page = text(desk.client.get(address))
    assert "it stands under Needs you with the first 3 who fit." in page
    form = {
        "mode": "automatic", "group_size": "2", "pause_minutes": "10", "first_delay_minutes": "0",
        "send_from": "08:00", "send_to": "19:00", "stop_before_minutes": "120", "cutoff_minutes": "60",
        "rest_hours": "24",
    }  # fmt: skip
    look = text(desk.client.post(address, form | {"look": "1"}))
    assert "the first 2 who fit are asked by text, between 8:00 AM and 7:00 PM." in look
    assert not WaitlistRule.objects.exists()
    bad = desk.client.post(address, form | {"send_to": "07:00", "cutoff_minutes": "240", "group_size": "50"})
    assert bad.status_code == 422
    for words in ("The hours end before they begin.", "People would still be asked", "Between 1 and 20."):
        assert words in text(bad)
    desk.client.post(address, form)
    assert rule_of().group_size == 2


def test_the_rule_in_words():
    words = rule_in_words(WaitlistRule(mode="automatic", group_size=1, rest_hours=0))
    assert words[0] == ("When a time opens the first who fits is asked by text, between 8:00 AM and 7:00 PM.")
    assert words[-1] == "Whoever was asked may be asked again at once."


def test_privacy_hides_the_names(desk, open_slot):
    desk.dana.user.privacy_mode = True
    desk.dana.user.save()
    page = text(desk.client.get(desk.url("waitlist")))
    assert "Ana" not in page


def test_beside_the_board_of_the_day_stands_what_is_open_and_who_fits(desk, open_slot):
    board = text(desk.client.get(desk.url("today") + "?d=2026-11-25"))
    address = desk.url("waitlist") + "?fragment=panel&d=2026-11-25"
    assert address.replace("&", "&amp;") in board
    panel = text(desk.client.get(address, headers={"HX-Request": "true"}))
    assert "1 on the waitlist fits" in panel
    assert "Follow-up, fills it" in panel
    other = desk.client.get(address.replace("11-25", "11-26"), headers={"HX-Request": "true"})
    assert "on the waitlist" not in text(other)


def test_the_api_puts_on_the_list_shows_the_log_offers_and_books_the_first(desk):
    with inside(desk.practice):
        _, key = create_api_key(user=desk.dana.user, by=desk.by)
        a_rule(mode="manual")
        visit = desk.book(SLOT, tell_patient=False)
        ana, ben = (
            a_texted_patient(desk.practice, name, phone)
            for name, phone in (("Ana", "+15035550171"), ("Ben", "+15035550172"))
        )
    base = f"/api/v1/p/{desk.practice.slug}"
    headers = {"Authorization": f"Bearer {key}"}

    def call(method, path, body=None):
        answer = getattr(Client(), method)(
            f"{base}/{path}", body, content_type="application/json", headers=headers
        )
        return answer.status_code, answer.json()

    wish = {"types": [str(desk.kind.pk)], "notice_hours": 0}
    status, first = call("post", "waitlist/", wish | {"patient": str(ana.pk)})
    assert (status, first["state"]) == (201, "waiting")
    assert call("post", "waitlist/", wish | {"patient": str(ben.pk)})[0] == 201
    bad = call("post", "waitlist/", wish | {"patient": str(ben.pk), "last_day": "2300-01-01"})
    assert bad[0] == 400
    assert call("patch", f"waitlist/{first['id']}/", {"urgency": 0})[1]["urgency"] == 0
    with inside(desk.practice):
        cancel_appointment(appointment=visit, version=1, reason="pat", by=desk.by)
    _, (opening,) = call("get", "openings/")
    _, seen = call("get", f"openings/{opening['id']}/")
    assert seen["matches"][0]["entry"] == first["id"]
    offered = call("post", f"openings/{opening['id']}/offers/", {})
    assert (offered[0], [row["place"] for row in offered[1]]) == (201, [1, 2])
    status, booked = call("post", f"offers/{offered[1][1]['id']}/accept/")
    assert (status, booked["patient"]["id"]) == (201, str(ben.pk))
    assert call("post", f"offers/{offered[1][0]['id']}/accept/")[0] == 409
    _, seen = call("get", f"openings/{opening['id']}/")
    assert [row["state"] for row in seen["offers"]] == ["withdrawn", "accepted"]
    assert call("post", f"waitlist/{first['id']}/remove/", {"why": "moved"})[1]["state"] == "removed"
