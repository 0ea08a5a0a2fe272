"""Editing a visit: bounded, taken back, and where two people wrote the second sees both and picks."""

import datetime as dt
import re
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from practices.models import AuditEntry, Location, Room
from practices.tenancy import inside
from scheduling.booking import NotOpen, OutsideHours, SlotTaken, StaleAppointment, cancel_appointment
from scheduling.editing import FieldRefused, edit_appointment, values_of
from scheduling.models import Appointment, AppointmentType, Change
from scheduling.noting import fingerprint, save_note
from scheduling.refusals import NotOffered
from scheduling.undo import undo_change
from tests.factories import a_type
from tests.scheduling.conftest import a_diary, a_texted_patient, at

HTMX = {"HTTP_HX_REQUEST": "true"}


def edit(diary: Any, visit: Appointment, **values: Any) -> Appointment:
    return edit_appointment(
        appointment=visit, version=visit.version, values=values, seen=values_of(visit), by=diary.by
    )


def a_room(practice: Any, name: str = "Room 2") -> Room:
    place, _ = Location.objects.get_or_create(practice=practice, name="House")
    return Room.objects.create(practice=practice, location=place, name=name)


def test_all_of_it_is_changed_in_one_step_and_taken_back_in_one(diary):
    visit = diary.book(reason="Knee", note="Bring films")
    before = values_of(visit)
    room, kind = a_room(diary.practice), a_type(diary.practice, "Long", 45, [diary.osei])
    changed = edit(
        diary,
        visit,
        appointment_type=str(kind.pk),
        minutes=45,
        room=str(room.pk),
        reason="Hip",
        note="None",
        needs=["hearing"],
        meeting_address="https://meet.example.org/x",
    )
    assert changed.ends_at == at("2026-11-25 10:45")
    assert values_of(Appointment.objects.get())["needs"] == ["hearing"]
    undo_change(change=Change.objects.get(kind="edited"), by=diary.by)
    assert values_of(Appointment.objects.select_related("practitioner").get()) == before
    undo_change(change=Change.objects.get(kind="booked"), by=diary.by)
    assert Appointment.objects.get().status == "entered-in-error"


def test_what_was_written_is_in_the_audit(diary):
    visit = diary.book(reason="Knee")
    edit(diary, visit, reason="Hip")
    assert AuditEntry.objects.get(verb="appointment.edited").changes == {"reason": ["Knee", "Hip"]}


def test_nothing_changed_writes_nothing(diary):
    visit = diary.book(reason="Knee")
    assert edit(diary, visit, reason="Knee").version == visit.version
    assert not Change.objects.filter(kind="edited").exists()


@pytest.mark.parametrize("minutes", [0, -5, 4, 7, 485, 10**9])
def test_lengths_that_make_no_sense_are_refused(diary, minutes):
    with pytest.raises(FieldRefused) as refused:
        edit(diary, diary.book(), minutes=minutes)
    assert refused.value.field == "minutes"


def test_a_longer_visit_does_not_run_into_the_next_nor_over_the_hours(diary):
    visit = diary.book("2026-11-25 10:00")
    diary.book("2026-11-25 10:30", patient=a_texted_patient(diary.practice, "Owen", "+15035550143"))
    with pytest.raises(SlotTaken):
        edit(diary, visit, minutes=45)
    late = diary.book("2026-11-25 16:30")
    with pytest.raises(OutsideHours):
        edit(diary, late, minutes=60)
    assert edit(diary, visit, minutes=15).minutes == 15


def test_a_room_that_is_taken_is_refused(diary):
    room = a_room(diary.practice)
    diary.book(
        "2026-11-25 10:00",
        practitioner=diary.chen,
        room=room,
        patient=a_texted_patient(diary.practice, "Owen", "+15035550143"),
    )
    visit = diary.book("2026-11-25 10:00")
    with pytest.raises(SlotTaken, match="Room 2 is taken"):
        edit(diary, visit, room=str(room.pk))


def test_a_type_that_the_clinician_does_not_offer_and_a_room_of_nobody_are_refused(diary):
    visit = diary.book()
    other = a_type(diary.practice, "Other", 15, [diary.chen])
    with pytest.raises(NotOffered):
        edit(diary, visit, appointment_type=str(other.pk))
    with pytest.raises(FieldRefused, match="no such room"):
        edit(diary, visit, room=str(diary.kind.pk))
    with pytest.raises(FieldRefused, match="letters"):
        edit(diary, visit, note="x" * 2001)
    for address in ("http://meet.example.org", "javascript:alert(1)", "https://", "https://a b.example"):
        with pytest.raises(FieldRefused):
            edit(diary, visit, meeting_address=address)


def test_a_cancelled_visit_is_not_edited(diary):
    visit = diary.book()
    gone = cancel_appointment(appointment=visit, version=1, reason="pat", by=diary.by)
    with pytest.raises(NotOpen):
        edit(diary, gone, reason="x")


def test_the_second_of_two_is_refused_with_the_visit_as_it_is(diary):
    visit = diary.book(reason="Knee")
    edit(diary, visit, reason="Hip")
    with pytest.raises(StaleAppointment) as stale:
        edit(diary, visit, reason="Shoulder")
    assert stale.value.current.reason == "Hip"
    assert Appointment.objects.get().reason == "Hip"


def test_a_note_written_beside_which_makes_no_version_is_seen_too(diary):
    visit = diary.book(note="One")
    save_note(appointment=visit, before=fingerprint("One"), note="Two", by=diary.by)
    with pytest.raises(StaleAppointment):
        edit(diary, visit, note="Three")


# The dialog.


@pytest.fixture
def desk(db: None, clock: Any) -> SimpleNamespace:
    made = a_diary()
    made.client = Client()
    made.client.force_login(made.dana.user)
    with inside(made.practice):
        made.room = a_room(made.practice)
        made.visit = made.book(reason="Knee", note="Bring films")
    made.url = reverse("appointment-edit", args=[made.practice.slug, made.visit.pk])
    return made


def fields_in(html: str) -> dict[str, Any]:
    """What a browser would send back of the dialog."""
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", html):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name is None or (('type="checkbox"' in tag or 'type="radio"' in tag) and "checked" not in tag):
            continue
        if name[1] == "needs":
            sent.setdefault("needs", []).append(value[1] if value else "")
        else:
            sent[name[1]] = value[1] if value else ""
    for name, inner in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', html, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', inner)
        sent[name] = chosen[1] if chosen else ""
    for name, inner in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', html, re.S):
        sent[name] = inner.lstrip("\n")
    return sent


def opened(desk: Any) -> dict[str, Any]:
    return fields_in(desk.client.get(desk.url, **HTMX).content.decode())


def now(desk: Any) -> dict[str, Any]:
    with inside(desk.practice):
        return values_of(Appointment.objects.get())


def test_the_dialog_saves_what_was_changed(desk):
    sent = opened(desk)
    assert (sent["reason"], sent["note"], sent["minutes"]) == ("Knee", "Bring films", "30")
    answer = desk.client.post(desk.url, sent | {"reason": "Hip", "needs": ["hearing"]}, **HTMX)
    assert answer.status_code == 204
    assert (now(desk)["reason"], now(desk)["needs"]) == ("Hip", ["hearing"])


def test_a_new_type_brings_its_own_length_unless_one_was_typed(desk):
    with inside(desk.practice):
        kind = a_type(desk.practice, "Long", 45, [desk.osei])
    sent = opened(desk)
    desk.client.post(desk.url, sent | {"appointment_type": str(kind.pk)}, **HTMX)
    assert now(desk)["minutes"] == 45
    sent = opened(desk)
    with inside(desk.practice):
        usual = AppointmentType.objects.get(name="Follow-up")
    desk.client.post(desk.url, sent | {"appointment_type": str(usual.pk), "minutes": "20"}, **HTMX)
    assert now(desk)["minutes"] == 20


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"minutes": "7"}, "in steps of five"),
        ({"minutes": "many"}, "whole number"),
        ({"room": "x"}, "not one of the available choices"),
        ({"needs": ["gold"]}, "not one of the available choices"),
        ({"note": "x" * 2001}, "at most 2000"),
        ({"meeting_address": "http://meet.example.org/x"}, "https://"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field_and_the_rest_kept(desk, wrong, words):
    answer = desk.client.post(desk.url, opened(desk) | {"reason": "Kept"} | wrong, **HTMX)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert 'value="Kept"' in answer.content.decode()
    assert now(desk)["reason"] == "Knee"


def test_edited_by_both_shows_both_values_and_writes_what_was_picked(desk):
    mine, theirs = opened(desk), opened(desk)
    desk.client.post(desk.url, theirs | {"reason": "Hip", "room": str(desk.room.pk)}, **HTMX)
    answer = desk.client.post(desk.url, mine | {"reason": "Shoulder", "note": "No films"}, **HTMX)
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert "Edited by both" in shown
    for words in ("Shoulder", "Hip", "No films", "Bring films", "Room 2", "No room"):
        assert words in shown
    assert now(desk)["reason"] == "Hip", "nothing is overwritten"
    again = fields_in(shown)
    assert (again.get("pick_note"), again.get("pick_room")) == ("mine", "theirs")
    assert "pick_reason" not in again, "both changed it: nobody picks for the person"
    unpicked = desk.client.post(desk.url, again, **HTMX)
    assert unpicked.status_code == 422
    assert "Choose which one counts." in unpicked.content.decode()
    assert desk.client.post(desk.url, again | {"pick_reason": "mine"}, **HTMX).status_code == 204
    assert (now(desk)["reason"], now(desk)["note"], now(desk)["room"]) == (
        "Shoulder",
        "No films",
        str(desk.room.pk),
    )


def test_picking_theirs_keeps_theirs(desk):
    mine, theirs = opened(desk), opened(desk)
    desk.client.post(desk.url, theirs | {"reason": "Hip"}, **HTMX)
    shown = desk.client.post(desk.url, mine | {"reason": "Shoulder"}, **HTMX).content.decode()
    picked = fields_in(shown) | {"pick_reason": "theirs"}
    assert desk.client.post(desk.url, picked, **HTMX).status_code == 204
    assert now(desk)["reason"] == "Hip"


def test_while_one_picks_a_third_may_write_and_is_not_overwritten_either(desk):
    mine, theirs, third = opened(desk), opened(desk), opened(desk)
    desk.client.post(desk.url, theirs | {"reason": "Hip"}, **HTMX)
    shown = desk.client.post(desk.url, mine | {"reason": "Shoulder"}, **HTMX).content.decode()
    third = opened(desk)
    desk.client.post(desk.url, third | {"reason": "Elbow"}, **HTMX)
    answer = desk.client.post(desk.url, fields_in(shown) | {"pick_reason": "mine"}, **HTMX)
    assert answer.status_code == 409
    assert "Elbow" in answer.content.decode()
    assert now(desk)["reason"] == "Elbow"


def test_with_privacy_on_nothing_of_it_is_in_the_page(desk):
    desk.dana.user.privacy_mode = True
    desk.dana.user.save()
    shown = desk.client.get(desk.url, **HTMX).content.decode()
    for secret in ("Knee", "Bring films", "Vega"):
        assert secret not in shown


@pytest.mark.django_db(transaction=True)
def test_two_who_save_at_once_one_is_asked():
    diary = a_diary()
    day = (timezone.now() + dt.timedelta(days=3)).astimezone(diary.practice.zone).date()
    with inside(diary.practice):
        visit = diary.book(
            starts_at=dt.datetime.combine(day, dt.time(10), diary.practice.zone), reason="Knee"
        )
        seen = values_of(visit)
    gate, results = threading.Barrier(2), []

    def press(reason: str) -> None:
        try:
            gate.wait()
            with inside(diary.practice):
                edit_appointment(
                    appointment=visit, version=1, values={"reason": reason}, seen=seen, by=diary.by
                )
            results.append(reason)
        except StaleAppointment:
            results.append("asked")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press, args=[one]) for one in ("Hip", "Shoulder")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count("asked") == 1
    with inside(diary.practice):
        assert Appointment.objects.get().reason in results
