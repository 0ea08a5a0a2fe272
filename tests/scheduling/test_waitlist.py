"""The waitlist from the freed slot to the first yes: who is asked, in which order and why, and who is not."""

import datetime as dt

import pytest

from messaging.inbox import undo_reading
from messaging.models import Message, Task
from messaging.outbox import queue_message
from patients.models import Patient, PatientWish
from practices.audit import Actor
from practices.models import AuditEntry, Location, Room
from scheduling.accepting import OfferAnswered, OfferGone, accept_offer, award, decline_offer, stop_asking
from scheduling.booking import cancel_appointment, reschedule_appointment
from scheduling.flow import mark_arrived
from scheduling.holding import hold_time, release_hold
from scheduling.matching import matches_for
from scheduling.models import Appointment, Change, Offer, Opening, PassedOver, TimeOff, WaitlistEntry
from scheduling.offering import NothingToOffer, offer_next, offer_to, work_openings
from scheduling.refusals import NotOffered, NotOpen
from scheduling.undo import undo_change
from scheduling.waitlist import BadWish, change_entry, expire_entries, remove_entry
from tests.factories import a_patient, a_type
from tests.scheduling.conftest import NOW, a_texted_patient, at
from tests.scheduling.waiting_room import PHONES, a_rule, leave, opened, states, texts_to, waits, write

SLOT = "2026-11-25 10:00"


def cancel(visit, reason="pat", by=None, **given):
    visit.refresh_from_db()
    return cancel_appointment(
        appointment=visit,
        version=visit.version,
        reason=reason,
        by=by or Actor(kind="patient", door="link"),
        **given,
    )


@pytest.fixture
def slot(diary):
    """A visit of the next morning that its patient gives up."""
    visit = diary.book(SLOT, tell_patient=False)
    return visit


# What frees a time.


def test_a_cancelled_visit_leaves_an_opening_in_the_same_transaction(diary, slot):
    cancel(slot)
    opening = opened()
    assert (opening.starts_at, opening.ends_at, opening.cause) == (
        at(SLOT),
        at("2026-11-25 10:30"),
        "cancelled",
    )
    assert opening.freed_by == slot
    assert AuditEntry.objects.filter(verb="opening.opened", subject_id=opening.pk).exists()


def test_what_a_person_cancels_is_shown_at_once_and_offered_after_the_undo_time(diary, slot):
    a_rule()
    cancel(slot, by=diary.by)
    assert opened().due_at == NOW + diary.practice.undo_window


def test_a_moved_visit_leaves_its_old_time(diary, slot):
    reschedule_appointment(appointment=slot, version=1, starts_at=at("2026-11-26 09:00"), by=diary.by)
    assert (opened().starts_at, opened().cause) == (at(SLOT), "moved")


def test_a_move_by_a_quarter_leaves_only_the_quarter(diary, slot):
    reschedule_appointment(appointment=slot, version=1, starts_at=at("2026-11-25 10:15"), by=diary.by)
    assert (opened().starts_at, opened().ends_at) == (at(SLOT), at("2026-11-25 10:15"))


def test_a_booking_that_is_taken_back_leaves_its_time(diary, slot):
    undo_change(change=Change.objects.get(appointment=slot), by=diary.by)
    assert opened().cause == "undone"


@pytest.mark.parametrize("reason", ["prov-pers", "prov", "oth-weath"])
def test_nobody_is_there_so_nothing_opens(diary, slot, reason):
    cancel(slot, reason=reason)
    assert not Opening.objects.exists()


def test_time_off_closes_what_would_open(diary, slot):
    TimeOff.objects.create(
        practice=diary.practice, practitioner=diary.osei, label="Away",
        starts_at=at("2026-11-25 08:00"), ends_at=at("2026-11-25 12:00"),
    )  # fmt: skip
    cancel(slot)
    assert not Opening.objects.exists()


def test_beside_an_overbooked_visit_nothing_opens(diary, slot):
    diary.book(
        SLOT, patient=a_texted_patient(diary.practice, "Zoe", "+15035550190"), overbook_reason="agreed"
    )
    cancel(slot)
    assert not Opening.objects.exists()


def test_the_undo_of_a_cancellation_closes_the_opening_and_tells_who_was_asked(diary, slot):
    a_rule()
    waits(diary, "Ana")
    cancel(slot, by=diary.by)
    offer_next(opening=opened(), by=diary.by)
    leave()
    undo_change(change=Change.objects.get(appointment=slot, kind="cancelled"), by=diary.by)
    assert (opened().state, opened().closed_why) == ("closed", "The visit stands again.")
    assert states() == {"Ana": "lost"}
    assert "is taken; we ask you again" in texts_to("Ana")[-1]


def test_a_held_time_that_is_let_go_opens_for_whoever_wished_it(diary):
    given = {"practitioner": diary.osei, "appointment_type": diary.kind, "starts_at": at(SLOT)}
    hold_time(key="dialog", by=diary.by, **given)
    release_hold(key="dialog", by=diary.by)
    assert not Opening.objects.exists()
    hold_time(key="dialog", by=diary.by, **given)
    waits(diary, "Ana", wished_at=at(SLOT))
    opening = opened()  # it opens by itself when the hold runs out
    assert (opening.cause, opening.shown_from) == ("released", NOW + dt.timedelta(minutes=5))
    diary.book(SLOT, hold_key="dialog")
    assert opened().state == "filled"


# Who fits.


def test_matches_are_ranked_with_reasons_and_the_others_passed_over_with_one(diary, slot, clock):
    clock.shift(dt.timedelta(days=-3))
    waits(diary, "Ana")
    clock.shift(dt.timedelta(days=3))
    waits(diary, "Ben", urgency=0)
    waits(diary, "Cleo", weekdays=[1])
    waits(diary, "Dora", practitioners=[diary.chen.pk])
    cancel(slot)
    ranking = matches_for(opened())
    assert [match.entry.patient.given for match in ranking.matches] == ["Ben", "Ana"]
    assert ranking.matches[1].reasons == ["Follow-up, fills it", "Waits 3 days", "Not asked yet"]
    assert [(one.entry.patient.given, one.why) for one in ranking.passed] == [("Cleo", "Comes on Mon only")]


@pytest.mark.parametrize(
    ("wishes", "why"),
    [
        ({"not_before": dt.time(10, 15)}, "Not before 10:15 AM"),
        ({"not_after": dt.time(10, 15)}, "Not after 10:15 AM"),
        ({"notice_hours": 48}, "Needs 2 days notice"),
        ({"first_day": dt.date(2026, 11, 26)}, "Not in the days that were asked for"),
        ({"last_day": dt.date(2026, 11, 24)}, "Not in the days that were asked for"),
        ({"weekdays": [1, 5]}, "Comes on Mon, Fri only"),
    ],
)
def test_each_wish_that_is_not_met_is_named(diary, slot, wishes, why):
    waits(diary, "Ana", **wishes)
    cancel(slot)
    assert [one.why for one in matches_for(opened()).passed] == [why]


def test_who_needs_more_time_than_is_free_does_not_fit(diary, slot):
    long = a_type(diary.practice, "Physical", 45, [diary.osei])
    waits(diary, "Ana", types=[long.pk])
    cancel(slot)
    assert [one.why for one in matches_for(opened()).passed] == ["Needs 45 min, 30 are free"]


def test_a_step_free_room_is_asked_of_the_clinician(diary, slot):
    place = Location.objects.create(practice=diary.practice, name="Main")
    diary.osei.room = Room.objects.create(
        practice=diary.practice, location=place, name="Attic", step_free=False
    )
    diary.osei.save()
    entry = waits(diary, "Ana")
    entry.patient.needs = ["step-free"]
    entry.patient.save()
    cancel(slot)
    assert [one.why for one in matches_for(opened()).passed] == ["Needs a step-free room"]


@pytest.mark.parametrize(
    ("spelling", "passed"),
    [
        ("female", []),
        ("Female", []),
        (" FEMALE ", []),
        ("Male", ["Asked for a woman"]),
        ("", ["Asked for a woman"]),
    ],
)
def test_a_woman_is_a_woman_however_her_record_spells_it(diary, slot, spelling, passed):
    diary.osei.gender = spelling
    diary.osei.save()
    entry = waits(diary, "Ana")
    PatientWish.objects.create(
        practice=diary.practice, patient=entry.patient, kind="gender", details={"gender": "female"}
    )
    cancel(slot)
    ranking = matches_for(opened())
    assert [one.why for one in ranking.passed] == passed
    assert len(ranking.matches) + len(ranking.passed) == 1


def test_the_wished_time_alone_matches_a_wished_time_and_comes_first(diary, slot):
    waits(diary, "Ana")
    waits(diary, "Ben", wished_at=at(SLOT))
    waits(diary, "Cleo", wished_at=at("2026-11-25 11:00"))
    cancel(slot)
    assert [one.entry.patient.given for one in matches_for(opened()).matches] == ["Ben", "Ana"]
    assert matches_for(opened()).matches[0].reasons[0] == "Asked for 10:00 AM"


def test_ranking_asks_the_database_the_same_for_one_and_for_twenty(diary, slot, django_assert_num_queries):
    waits(diary, "Ana")
    cancel(slot)
    opening = opened()
    with django_assert_num_queries(8):
        matches_for(opening)
    for number in range(20):
        patient = a_texted_patient(diary.practice, f"P{number}", f"+1503555{2000 + number}")
        waits(diary, patient=patient)
    with django_assert_num_queries(8):
        assert len(matches_for(opening).matches) == 21


def test_whoever_waits_for_something_else_takes_nobody_s_place_in_the_look(
    diary, slot, clock, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr("scheduling.matching.MOST", 2)
    other = a_type(diary.practice, "Skin", 30, [diary.chen])
    visit = diary.book(
        "2026-12-02 10:00",
        practitioner=diary.chen,
        appointment_type=other,
        patient=a_texted_patient(diary.practice, "Dora", "+15035550174"),
    )
    given = [
        {"types": [other.pk]},
        {"practitioners": [diary.chen.pk]},
        {"wished_at": at("2026-11-25 16:00")},
        {"patient": visit.patient, "appointment": visit},
    ]
    for wishes in given:
        waits(diary, **({"patient": a_texted_patient(diary.practice, "P")} | wishes))
        clock.shift(1)
    waits(diary, "Ana", practitioners=[diary.osei.pk])
    clock.shift(1)
    waits(diary, "Ben", weekdays=[1])
    clock.shift(1)
    waits(diary, "Cleo")  # behind the bound
    cancel(slot)
    opening = opened()
    with django_assert_num_queries(8):
        ranking = matches_for(opening)
    assert [one.entry.patient.given for one in ranking.matches] == ["Ana"]
    assert [one.entry.patient.given for one in ranking.passed] == ["Ben"]


def test_a_visit_that_is_given_up_says_what_is_waited_for(diary, slot):
    patient = a_texted_patient(diary.practice, "Ana", PHONES["Ana"])
    visit = diary.book("2026-12-02 10:00", patient=patient)
    other = a_type(diary.practice, "Skin", 30, [diary.chen])
    entry = waits(diary, patient=patient, appointment=visit)
    entry.types = [other.pk]
    entry.save()
    cancel(slot)
    assert [one.entry for one in matches_for(opened()).matches] == [entry]


# Asking.


def test_groups_go_out_in_order_with_a_pause_least_recently_asked_first(diary, slot, clock):
    a_rule(group_size=2, pause_minutes=10)
    entries = {}
    for name in ("Ana", "Ben", "Cleo"):
        entries[name] = waits(diary, name)
        clock.shift(60)
    WaitlistEntry.objects.filter(pk=entries["Ana"].pk).update(last_asked_at=NOW - dt.timedelta(days=2))
    cancel(slot)
    work_openings(diary.practice)
    assert states() == {"Ben": "queued", "Cleo": "queued"}
    assert [offer.place for offer in Offer.objects.all()] == [1, 2]
    work_openings(diary.practice)
    assert len(states()) == 2  # not before the pause is over
    clock.shift(dt.timedelta(minutes=10))
    leave()
    work_openings(diary.practice)
    assert states() == {"Ben": "sent", "Cleo": "sent", "Ana": "queued"}
    assert Offer.objects.get(place=3).batch == 2
    clock.shift(dt.timedelta(minutes=10))
    work_openings(diary.practice)
    assert Offer.objects.count() == 3  # nobody is asked twice


def test_outside_the_sending_hours_nothing_leaves_until_they_begin(diary, slot, clock):
    a_rule(send_from=dt.time(9, 30))
    waits(diary, "Ana")
    cancel(slot)  # at 9:00
    work_openings(diary.practice)
    assert not Offer.objects.exists()
    clock.shift(dt.timedelta(minutes=30))
    work_openings(diary.practice)
    assert states() == {"Ana": "queued"}


def test_too_near_the_start_nobody_is_asked_any_more(diary, slot, clock):
    a_rule(stop_before_minutes=120, cutoff_minutes=60)
    waits(diary, "Ana")
    clock.move_to(at("2026-11-25 08:30"))
    cancel(slot)
    assert opened().due_at is None
    with pytest.raises(NothingToOffer, match="too late to ask"):
        offer_next(opening=opened(), by=diary.by)


def test_whoever_was_asked_of_late_is_left_alone(diary, slot, clock):
    a_rule(rest_hours=24)
    entry = waits(diary, "Ana")
    WaitlistEntry.objects.filter(pk=entry.pk).update(last_asked_at=NOW - dt.timedelta(hours=3))
    cancel(slot)
    work_openings(diary.practice)
    assert not Offer.objects.exists()
    assert PassedOver.objects.get().why == "Was asked 3 hours ago"


def test_a_time_that_was_held_for_a_moment_is_offered_after_the_pause(diary, slot, clock):
    a_rule(pause_minutes=10)
    waits(diary, "Ana")
    cancel(slot)
    hold_time(practitioner=diary.osei, appointment_type=diary.kind, starts_at=at(SLOT), key="k", by=diary.by)
    work_openings(diary.practice)
    assert not Offer.objects.exists()
    release_hold(key="k", by=diary.by)
    clock.shift(dt.timedelta(minutes=10))
    work_openings(diary.practice)
    assert states() == {"Ana": "queued"}


def test_a_proposal_is_made_once_somebody_has_been_left_alone_long_enough(diary, slot, clock):
    a_rule(mode="assisted", rest_hours=24, pause_minutes=15)
    entry = waits(diary, "Ana")
    WaitlistEntry.objects.filter(pk=entry.pk).update(last_asked_at=NOW - dt.timedelta(hours=23, minutes=50))
    cancel(slot)
    work_openings(diary.practice)
    assert not Task.objects.open().exists()
    clock.shift(dt.timedelta(minutes=15))
    work_openings(diary.practice)
    assert Task.objects.open().get().note.endswith("1 on the waitlist fits")


def test_nobody_is_looked_for_any_more_once_it_is_too_late_to_ask(diary, slot, clock):
    a_rule(stop_before_minutes=120, pause_minutes=30, send_from=dt.time(7))
    clock.move_to(at("2026-11-25 07:45"))
    cancel(slot)
    assert opened().due_at == at("2026-11-25 07:45")
    work_openings(diary.practice)
    assert opened().due_at is None


def test_manual_asks_nobody_by_itself_and_assisted_puts_it_before_a_person(diary, slot, clock):
    a_rule(mode="manual")
    waits(diary, "Ana")
    cancel(slot)
    work_openings(diary.practice)
    assert not Offer.objects.exists()
    assert not Task.objects.open().exists()
    undo_change(change=Change.objects.get(appointment=slot, kind="cancelled"), by=diary.by)
    a_rule(mode="assisted")
    clock.shift(60)
    cancel(slot)
    work_openings(diary.practice)
    assert not Offer.objects.exists()
    task = Task.objects.open().get()
    assert task.note == "Dr. Osei has time tomorrow 10:00 AM: 1 on the waitlist fits"
    offer_next(opening=opened(), by=diary.by)
    assert not Task.objects.open().exists()


def test_a_person_chooses_whom_to_ask(diary, slot):
    a_rule(mode="manual")
    waits(diary, "Ana")
    ben = waits(diary, "Ben")
    cancel(slot)
    offer_to(opening=opened(), entries=[ben.pk], by=diary.by)
    assert states() == {"Ben": "queued"}
    with pytest.raises(NothingToOffer):
        offer_to(opening=opened(), entries=[ben.pk], by=diary.by)


def test_whoever_was_asked_since_the_list_was_looked_at_is_not_asked_again(diary, slot, monkeypatch):
    a_rule(mode="manual")
    entry = waits(diary, "Ana")
    later = diary.book("2026-11-25 11:00", tell_patient=False)
    cancel(slot)
    cancel(later)
    first, second = Opening.objects.with_people().order_by("starts_at")
    seen = matches_for(second)
    offer_next(opening=first, by=diary.by)
    monkeypatch.setattr("scheduling.offering.matches_for", lambda opening: seen)
    with pytest.raises(NothingToOffer):
        offer_to(opening=second, entries=[entry.pk], by=diary.by)
    entry.refresh_from_db()
    assert (states(), entry.times_asked) == ({"Ana": "queued"}, 1)


def test_somebody_without_consent_to_texts_is_passed_over_and_can_be_called(diary, slot):
    a_rule()
    waits(diary, patient=a_patient(diary.practice, "Ana", phone=PHONES["Ana"]))
    cancel(slot)
    work_openings(diary.practice)
    assert not Offer.objects.exists()
    assert PassedOver.objects.get().entry.patient.given == "Ana"
    (match,) = matches_for(opened()).matches
    assert match.reasons[-1] == "Call: no text or e-mail may go"
    visit = award(opening=opened(), entry=match.entry, by=diary.by)
    assert (visit.starts_at, opened().state) == (at(SLOT), "filled")


def test_the_text_names_time_and_link_and_never_why(diary, slot):
    a_rule()
    waits(diary, "Ana", note="chest pain")
    cancel(slot)
    work_openings(diary.practice)
    (text,) = texts_to("Ana")
    assert "an appointment is free Wed, Nov 25 at 10:00 AM. First to reply YES gets it." in text
    assert "/o/" in text
    assert not {"chest", "Osei"} & set(text.split())


def test_an_undelivered_question_leaves_the_next_one_her_turn(diary, slot, clock):
    a_rule(group_size=1, pause_minutes=5)
    waits(diary, "Ana")
    clock.shift(60)
    waits(diary, "Ben")
    cancel(slot)
    work_openings(diary.practice)
    Message.objects.update(status=Message.Status.UNDELIVERED, reason="no_such_number")
    clock.shift(dt.timedelta(minutes=5))
    work_openings(diary.practice)
    assert states() == {"Ana": "withdrawn", "Ben": "queued"}


# Answers by text.


@pytest.fixture
def three(diary, slot, clock):
    """Three people were asked about the freed time."""
    a_rule(group_size=3)
    for name in ("Ana", "Ben", "Cleo"):
        waits(diary, name)
        clock.shift(1)
    cancel(slot)
    work_openings(diary.practice)
    clock.shift(10)
    leave()
    clock.shift(60)
    work_openings(diary.practice)
    return opened()


def test_the_first_yes_wins_and_two_who_are_late_hear_kindly_once(diary, three, clock):
    message = write("Ben", "Yes")
    visit = Appointment.objects.get(patient__given="Ben")
    assert (visit.starts_at, visit.practitioner, visit.confirmation) == (at(SLOT), diary.osei, "confirmed")
    assert not message.needs_person
    assert states() == {"Ana": "lost", "Ben": "accepted", "Cleo": "lost"}
    three.refresh_from_db()
    assert (three.state, three.filled_by) == ("filled", visit)
    assert "is yours. Details:" in texts_to("Ben")[-1]
    clock.shift(30)
    late = [write("Ana", "yes!"), write("Cleo", "Sí")]
    assert not any(message.needs_person for message in late)
    for name in ("Ana", "Cleo"):
        kind = [
            text
            for text in texts_to(name)
            if "is taken; we ask you again" in text and "cancelled" not in text
        ]
        assert len(kind) == 1
    clock.shift(30)
    leave()
    write("Ana", "YES")
    leave()
    assert len([text for text in texts_to("Ana") if text.startswith("delivered") and "is taken" in text]) == 1
    assert Appointment.objects.active().filter(starts_at=at(SLOT)).count() == 1
    assert WaitlistEntry.objects.waiting().count() == 2  # they stay on the list
    assert not Task.objects.open().exists()


def test_a_second_yes_of_the_winner_changes_nothing(diary, three, clock):
    write("Ben", "Yes")
    clock.shift(30)
    leave()
    message = write("Ben", "yes")
    assert not message.needs_person
    assert Appointment.objects.filter(patient__given="Ben").count() == 1


def test_a_second_yes_after_the_visit_was_cancelled_goes_to_a_person(diary, three, clock):
    write("Ben", "Yes")
    cancel(Appointment.objects.get(patient__given="Ben"), by=diary.by, tell_patient=False)
    clock.shift(30)
    leave()
    assert write("Ben", "yes").needs_person
    assert not Appointment.objects.active().filter(patient__given="Ben").exists()
    assert not [text for text in texts_to("Ben") if "is taken" in text]


def test_no_is_this_one_only_and_she_stays_on_the_list(diary, three):
    write("Ben", "No")
    assert states()["Ben"] == "declined"
    assert WaitlistEntry.objects.waiting().count() == 3
    assert "we noted it" in texts_to("Ben")[-1]
    assert not Task.objects.open().exists()


def test_somebody_who_said_no_to_a_time_is_not_asked_about_it_again(diary, three, clock):
    write("Ben", "No")
    visit = diary.book(SLOT, tell_patient=False)
    cancel(visit)
    passed = {one.entry.patient.given: one.why for one in matches_for(opened()).passed}
    assert passed["Ben"] == "Said no to this time"


def test_a_booking_by_anybody_ends_the_offers(diary, three):
    diary.book(SLOT, tell_patient=False)
    assert set(states().values()) == {"lost"}
    assert opened().state == "filled"


def test_a_part_that_is_booked_leaves_the_rest_to_those_it_was_offered(diary, clock):
    a_rule(group_size=3)
    long = diary.book("2026-11-25 10:00", tell_patient=False)
    Appointment.objects.filter(pk=long.pk).update(ends_at=at("2026-11-25 11:00"))
    waits(diary, "Ana")
    waits(diary, "Ben", not_before=dt.time(10, 30))
    cancel(long)
    work_openings(diary.practice)
    leave()
    work_openings(diary.practice)
    clock.shift(60)
    write("Ana", "Yes")
    assert states() == {"Ana": "accepted", "Ben": "sent"}
    assert (opened().cause, opened().starts_at) == ("rest", at("2026-11-25 10:30"))
    write("Ben", "Yes")
    assert states() == {"Ana": "accepted", "Ben": "accepted"}


def test_a_yes_after_the_cut_off_is_too_late(diary, three, clock):
    clock.move_to(at("2026-11-25 09:30"))
    work_openings(diary.practice)
    assert set(states().values()) == {"expired"}
    message = write("Ben", "Yes")
    assert not message.needs_person
    assert not Appointment.objects.filter(patient__given="Ben").exists()
    assert "is taken" in texts_to("Ben")[-1]


def test_a_yes_while_somebody_holds_the_time_goes_to_a_person(diary, three):
    hold_time(practitioner=diary.osei, appointment_type=diary.kind, starts_at=at(SLOT), key="k", by=diary.by)
    message = write("Ben", "Yes")
    assert message.needs_person
    assert states()["Ben"] == "sent"


def test_the_visit_before_is_given_up_in_the_same_step(diary, slot, clock):
    a_rule()
    later = diary.book("2026-12-01 14:00", patient=a_texted_patient(diary.practice, "Ana", PHONES["Ana"]))
    leave()
    waits(diary, patient=later.patient, appointment=later)
    cancel(slot)
    work_openings(diary.practice)
    offer = Offer.objects.get()
    assert offer.reasons[1] == "Has Tue, Dec 1, 6 days later"
    clock.shift(60)
    new = accept_offer(offer=offer, how="link", by=diary.by)
    later.refresh_from_db()
    assert (new.rescheduled_from, later.status) == (later, "cancelled")
    assert (opened().starts_at, opened().cause) == (at("2026-12-01 14:00"), "moved")  # and so on
    assert "Dec 1 2:00 PM is given up" in texts_to("Ana")[-1]


def test_if_the_new_time_cannot_be_had_the_visit_before_stands(diary, slot):
    a_rule()
    later = diary.book("2026-12-01 14:00", patient=a_texted_patient(diary.practice, "Ana", PHONES["Ana"]))
    waits(diary, patient=later.patient, appointment=later)
    cancel(slot)
    work_openings(diary.practice)
    diary.book(SLOT, tell_patient=False)
    with pytest.raises(OfferGone):
        accept_offer(offer=Offer.objects.get(), how="link", by=diary.by)
    later.refresh_from_db()
    assert later.status == "booked"


def test_an_entry_follows_its_visit_when_it_is_moved(diary):
    visit = diary.book("2026-12-01 14:00")
    entry = waits(diary, patient=diary.patient, appointment=visit)
    moved = reschedule_appointment(
        appointment=visit, version=1, starts_at=at("2026-12-02 14:00"), by=diary.by
    )
    entry.refresh_from_db()
    assert entry.appointment == moved


# Somebody who waits for an earlier time than a visit she has.


@pytest.fixture
def later(diary, slot):
    """A visit of Ana's that she would rather have earlier."""
    a_rule()
    visit = diary.book("2026-12-01 14:00", patient=a_texted_patient(diary.practice, "Ana", PHONES["Ana"]))
    waits(diary, patient=visit.patient, appointment=visit)
    return visit


def comes(visit, by):
    mark_arrived(appointment=visit, version=visit.version, by=by)


def test_whose_visit_is_cancelled_is_not_asked_for_an_earlier_one(diary, slot, later):
    cancel(later, by=diary.by)
    cancel(slot)
    work_openings(diary.practice)
    assert not Offer.objects.exists()
    ranking = matches_for(Opening.objects.with_people().get(starts_at=at(SLOT)))
    assert not ranking.matches
    assert ranking.passed[0].why == "The visit that was to be earlier does not stand any more"


def test_nor_if_it_is_cancelled_while_she_is_about_to_be_asked(diary, slot, later, monkeypatch):
    cancel(slot)
    seen = matches_for(opened())
    assert [match.entry.patient.given for match in seen.matches] == ["Ana"]
    opening = opened()
    cancel(later, by=diary.by)
    monkeypatch.setattr("scheduling.offering.matches_for", lambda opening: seen)
    with pytest.raises(NothingToOffer):
        offer_to(opening=opening, entries=[seen.matches[0].entry.pk], by=diary.by)


@pytest.mark.parametrize("ends", [cancel, comes], ids=["cancelled", "seen"])
def test_the_entry_ends_with_the_visit_once_that_cannot_be_taken_back(diary, later, clock, ends):
    clock.move_to(at("2026-12-01 13:50"))
    ends(later, by=diary.by)
    work_openings(diary.practice)
    assert WaitlistEntry.objects.get().is_waiting
    clock.shift(diary.practice.undo_window + dt.timedelta(seconds=1))
    work_openings(diary.practice)
    entry = WaitlistEntry.objects.get()
    assert (entry.state, entry.ended_why) == (
        "expired", "The visit that was to be earlier does not stand any more.",
    )  # fmt: skip


def test_the_entry_goes_on_with_a_visit_whose_cancellation_is_taken_back(diary, later, clock):
    cancel(later, by=diary.by)
    undo_change(change=Change.objects.get(appointment=later, kind="cancelled"), by=diary.by)
    clock.shift(dt.timedelta(hours=1))
    work_openings(diary.practice)
    assert WaitlistEntry.objects.get().is_waiting


def test_what_she_was_asked_is_taken_back_with_the_entry(diary, slot, later, clock):
    cancel(slot)
    work_openings(diary.practice)
    assert states() == {"Ana": "queued"}
    cancel(later, by=diary.by)
    clock.shift(dt.timedelta(minutes=5))
    work_openings(diary.practice)
    assert states() == {"Ana": "withdrawn"}


def test_a_reading_is_taken_back_by_one_click_also_after_the_bar_is_gone(diary, three, clock):
    message = write("Ben", "Yes")
    clock.shift(dt.timedelta(hours=1))
    undo_reading(message=message, by=diary.by)
    assert not Appointment.objects.active().filter(patient__given="Ben").exists()
    assert WaitlistEntry.objects.get(patient__given="Ben").state == "waiting"
    assert opened().cause == "undone"
    assert Task.objects.open().filter(message=message).exists()


# Which question a short answer is about.


def asked_visit(diary, clock, name="Ben"):
    """The same phone was asked about a visit of its own and has not answered."""
    visit = diary.book("2026-11-27 09:00", patient=Patient.objects.get(given=name))
    clock.shift(5)
    leave()
    clock.shift(5)
    return visit


def test_a_yes_is_asked_back_while_a_visit_waits_for_an_answer_too(diary, three, clock):
    visit = asked_visit(diary, clock)
    message = write("Ben", "Yes")
    assert not message.needs_person
    visit.refresh_from_db()
    assert visit.confirmation != "confirmed"
    assert states()["Ben"] == "sent"
    assert (
        "which one do you mean? Reply 1 for Wed 10:00 AM, 2 for Fri 9:00 AM, 3 for both."
        in texts_to("Ben")[-1]
    )
    clock.shift(5)
    leave()
    clock.shift(5)
    write("Ben", "1")
    visit.refresh_from_db()
    assert (states()["Ben"], visit.confirmation != "confirmed") == ("accepted", True)


def test_a_yes_asked_back_may_mean_both(diary, three, clock):
    visit = asked_visit(diary, clock)
    write("Ben", "Yes")
    clock.shift(5)
    leave()
    clock.shift(5)
    write("Ben", "both")
    visit.refresh_from_db()
    assert (states()["Ben"], visit.confirmation) == ("accepted", "confirmed")


def test_a_visit_asked_about_days_ago_makes_no_doubt(diary, slot, clock):
    a_rule()
    patient = a_texted_patient(diary.practice, "Ben", PHONES["Ben"])
    clock.shift(dt.timedelta(days=-3))
    visit = diary.book("2026-11-27 09:00", patient=patient)
    leave()
    clock.shift(dt.timedelta(days=3))
    waits(diary, patient=patient)
    cancel(slot)
    work_openings(diary.practice)
    leave()
    clock.shift(60)
    write("Ben", "Yes")
    visit.refresh_from_db()
    assert (states()["Ben"], visit.confirmation) == ("accepted", "unsent")


def test_a_yes_to_a_visit_with_no_offer_open_is_the_visits(diary, three, clock):
    visit = asked_visit(diary, clock)
    diary.book(SLOT, patient=a_texted_patient(diary.practice, "Zoe", "+15035550190"), tell_patient=False)
    visit.refresh_from_db()
    Message.objects.waiting().filter(patient__given="Ben").update(status="cancelled")
    write("Ben", "Yes")
    visit.refresh_from_db()
    assert (states()["Ben"], visit.confirmation) == ("lost", "confirmed")


def test_after_a_note_from_the_desk_a_yes_is_for_a_person(diary, three, clock):
    note = queue_message(
        patient=Patient.objects.get(given="Ben"), channel="sms", kind="note", body="Shall we call you?",
        language="en", send_after=NOW, idempotency_key="note-1", ignores_quiet_hours=True, by=diary.by,
    )  # fmt: skip
    clock.shift(60)
    note.status, note.sent_at = "delivered", NOW + dt.timedelta(minutes=5)
    note.save()
    assert write("Ben", "Yes").needs_person
    assert states()["Ben"] == "sent"


# Other ends.


def test_stop_asking_takes_her_off_the_list(diary, three):
    offer = Offer.objects.with_all().get(entry__patient__given="Ben")
    entry = stop_asking(offer=offer, how="link", by=diary.by)
    assert (entry.state, states()["Ben"]) == ("removed", "declined")


def test_an_accepted_offer_cannot_be_declined(diary, three):
    write("Ben", "Yes")
    with pytest.raises(OfferAnswered):
        decline_offer(
            offer=Offer.objects.with_all().get(entry__patient__given="Ben"), how="link", by=diary.by
        )


def test_a_no_may_become_a_yes_while_the_time_is_open(diary, three):
    write("Ben", "No")
    accept_offer(offer=Offer.objects.get(entry__patient__given="Ben"), how="link", by=diary.by)
    assert states() == {"Ana": "lost", "Ben": "accepted", "Cleo": "lost"}


def test_entries_end_with_their_last_day_and_with_the_wished_time(diary, clock):
    waits(diary, "Ana", last_day=dt.date(2026, 11, 25))
    waits(diary, "Ben", wished_at=at("2026-11-25 10:00"))
    waits(diary, "Cleo")
    clock.move_to(at("2026-11-26 00:30"))
    expire_entries()
    found = {entry.patient.given: entry.state for entry in WaitlistEntry.objects.all()}
    assert found == {"Ana": "expired", "Ben": "expired", "Cleo": "waiting"}


def test_an_opening_that_begins_is_closed(diary, slot, clock):
    cancel(slot)
    clock.move_to(at("2026-11-25 10:01"))
    work_openings(diary.practice)
    assert (opened().state, opened().closed_why) == ("closed", "Nobody took it.")


def test_removing_an_entry_takes_back_what_has_not_left(diary, slot):
    a_rule()
    entry = waits(diary, "Ana")
    cancel(slot)
    work_openings(diary.practice)
    remove_entry(entry=entry, why="Found another doctor", by=diary.by)
    assert states() == {"Ana": "withdrawn"}
    assert not Message.objects.waiting().exists()


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"types": []}, "types"),
        ({"practitioners": ["0190f7a0-0000-7000-8000-000000000000"]}, "practitioners"),
        ({"weekdays": [8]}, "weekdays"),
        ({"not_before": dt.time(15), "not_after": dt.time(9)}, "not_after"),
        ({"notice_hours": 400}, "notice_hours"),
        ({"urgency": 7}, "urgency"),
        ({"note": "x" * 501}, "note"),
        ({"last_day": dt.date(2026, 11, 23)}, "last_day"),
        ({"last_day": dt.date(2300, 1, 1)}, "last_day"),
        ({"first_day": dt.date(2026, 12, 2), "last_day": dt.date(2026, 12, 1)}, "last_day"),
        ({"wished_at": NOW - dt.timedelta(hours=1)}, "wished_at"),
    ],
)
def test_wishes_that_nothing_can_fulfil_are_refused_at_their_field(diary, wishes, field):
    with pytest.raises(BadWish) as refused:
        waits(diary, "Ana", **wishes)
    assert refused.value.field == field


def test_a_wished_time_is_kept_once(diary):
    one = waits(diary, "Ana", wished_at=at(SLOT))
    assert waits(diary, patient=one.patient, wished_at=at(SLOT)) == one


def test_somebody_else_s_or_a_past_visit_cannot_be_given_up(diary):
    visit = diary.book("2026-12-01 14:00")
    with pytest.raises(NotOpen):
        waits(diary, "Ana", appointment=visit)


def test_of_one_patient_only_so_many_entries(diary):
    patient = a_texted_patient(diary.practice, "Ana", PHONES["Ana"])
    for _ in range(10):
        waits(diary, patient=patient)
    with pytest.raises(NotOffered):
        waits(diary, patient=patient)


def test_changed_wishes_count_at_once(diary, slot):
    entry = waits(diary, "Ana", weekdays=[1])
    cancel(slot)
    assert not matches_for(opened()).matches
    change_entry(entry=entry, weekdays=[3], by=diary.by)
    assert matches_for(opened()).matches


def test_a_new_entry_wakes_an_opening_that_had_nobody(diary, slot):
    a_rule(pause_minutes=30)
    cancel(slot)
    work_openings(diary.practice)
    assert opened().due_at == NOW + dt.timedelta(minutes=30)
    waits(diary, "Ana")
    work_openings(diary.practice)
    assert states() == {"Ana": "queued"}


def test_a_new_entry_does_not_cut_the_wait_before_the_first_question_short(diary, slot):
    a_rule(first_delay_minutes=20)
    cancel(slot)
    waits(diary, "Ana")
    assert opened().due_at == NOW + dt.timedelta(minutes=20)
