"""Each check of the diary finds the fault that was planted for it, and nothing else does."""

import datetime as dt
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from patients.models import Consent, ContactPoint, PatientWish
from practices.models import Closure, Location, Practice, Room
from practices.tenancy import inside
from scheduling.audit.checks import CHECKS
from scheduling.audit.looking import FARTHEST, LONGEST, BadRange, look
from scheduling.models import (
    Appointment,
    LinkedVisits,
    Participant,
    Resource,
    TimeOff,
    WeeklyHours,
)
from tests.factories import a_patient
from tests.scheduling.conftest import a_diary, a_texted_patient, at

DAY = dt.date(2026, 11, 25)


def plant(diary: SimpleNamespace, when: str = "2026-11-25 10:00", minutes: int = 30, **fields: Any) -> Any:
    """A visit as a bare row, also where the diary would refuse it."""
    starts = at(when)
    local = starts.astimezone(diary.practice.zone)
    values = {
        "practice": diary.practice,
        "patient": diary.patient,
        "practitioner": diary.osei,
        "appointment_type": diary.kind,
        "starts_at": starts,
        "ends_at": starts + dt.timedelta(minutes=minutes),
        "local_date": local.date(),
        "local_time": local.time(),
        "time_zone": diary.practice.zone.key,
    }
    return Appointment.objects.create(**(values | fields))


def other(diary: SimpleNamespace, **fields: Any) -> Any:
    return a_texted_patient(diary.practice, "Ana", "+15035550143", **fields)


def squeezed(diary: SimpleNamespace, when: str, **fields: Any) -> Any:
    return plant(diary, when, overbook_reason="squeezed in", **fields)


def overlap(diary: SimpleNamespace) -> None:
    plant(diary)
    squeezed(diary, "2026-11-25 10:15", patient=other(diary))


def second_clinician(diary: SimpleNamespace) -> None:
    """Dr. Chen is taken along by one visit and has another of her own."""
    diary.kind.clinicians = 2
    diary.kind.save()
    along = plant(diary)
    squeezed(diary, "2026-11-25 10:15", practitioner=diary.chen, patient=other(diary))
    Participant.objects.create(practice=diary.practice, appointment=along, practitioner=diary.chen)


def closure(diary: SimpleNamespace) -> None:
    plant(diary)
    Closure.objects.create(practice=diary.practice, first_day=DAY, last_day=DAY, reason="Inventory")


def course(diary: SimpleNamespace) -> None:
    plant(diary)
    TimeOff.objects.create(
        practice=diary.practice,
        practitioner=diary.osei,
        starts_at=at("2026-11-25 10:15"),
        ends_at=at("2026-11-25 12:00"),
        label="Course",
    )


def left(diary: SimpleNamespace) -> None:
    plant(diary)
    diary.osei.active = False
    diary.osei.save()


def colleague_out(diary: SimpleNamespace) -> None:
    """Dr. Chen is on a course while a visit of Dr. Osei takes her along."""
    diary.kind.clinicians = 2
    diary.kind.save()
    Participant.objects.create(practice=diary.practice, appointment=plant(diary), practitioner=diary.chen)
    TimeOff.objects.create(
        practice=diary.practice,
        practitioner=diary.chen,
        starts_at=at("2026-11-25 10:15"),
        ends_at=at("2026-11-25 12:00"),
        label="Course",
    )


def colleague_left(diary: SimpleNamespace) -> None:
    diary.kind.clinicians = 2
    diary.kind.save()
    Participant.objects.create(practice=diary.practice, appointment=plant(diary), practitioner=diary.chen)
    diary.chen.active = False
    diary.chen.save()


def two_am(diary: SimpleNamespace) -> None:
    plant(diary, "2026-11-25 02:00")


def two_am_taken(diary: SimpleNamespace) -> None:
    plant(diary, "2026-11-25 02:00")
    plant(diary, "2026-11-25 14:15", patient=other(diary))


def lunch(diary: SimpleNamespace) -> None:
    plant(diary, "2026-11-25 12:15")


def runs_late(diary: SimpleNamespace) -> None:
    plant(diary, "2026-11-25 11:45")


def day_off(diary: SimpleNamespace) -> None:
    plant(diary)
    WeeklyHours.objects.filter(practitioner=diary.osei, weekday=3).delete()


def no_more_valid(diary: SimpleNamespace) -> None:
    plant(diary)
    WeeklyHours.objects.filter(practitioner=diary.osei).update(valid_until=DAY - dt.timedelta(days=1))


def other_clock(diary: SimpleNamespace) -> None:
    """Hours from eight at a place three hours behind: ten in New York is seven there."""
    plant(diary)
    place = Location.objects.create(practice=diary.practice, name="West", time_zone="America/Los_Angeles")
    diary.osei.location = place
    diary.osei.save()


def long(diary: SimpleNamespace) -> None:
    plant(diary, minutes=60)


def again(diary: SimpleNamespace) -> None:
    plant(diary)
    plant(diary, "2026-11-25 14:00")


def both_at_once(diary: SimpleNamespace) -> None:
    plant(diary)
    plant(diary, "2026-11-25 10:15", practitioner=diary.chen)


def a_room(diary: SimpleNamespace, **fields: Any) -> Room:
    place = Location.objects.create(practice=diary.practice, name="Main")
    return Room.objects.create(practice=diary.practice, location=place, name="Room 2", **fields)


def one_room(diary: SimpleNamespace) -> None:
    room = a_room(diary)
    plant(diary, room=room)
    squeezed(diary, "2026-11-25 10:15", practitioner=diary.chen, patient=other(diary), room=room)


def steps(diary: SimpleNamespace) -> None:
    plant(diary, room=a_room(diary, step_free=False), patient=other(diary, needs=["wheelchair"]))


def no_interpreter(diary: SimpleNamespace) -> None:
    plant(diary, patient=other(diary, needs=["interpreter"]))


def usual_length(diary: SimpleNamespace) -> None:
    plant(diary, needs=["longer"])


def too_early(diary: SimpleNamespace) -> None:
    wish = {"weekdays": [], "starts": "11:00"}
    PatientWish.objects.create(
        practice=diary.practice, patient=diary.patient, kind="not-before", details=wish
    )
    plant(diary)


def a_man(diary: SimpleNamespace) -> None:
    PatientWish.objects.create(
        practice=diary.practice, patient=diary.patient, kind="gender", details={"gender": "female"}
    )
    plant(diary)


def died(diary: SimpleNamespace) -> None:
    plant(diary, patient=other(diary, deceased=True))


def joined(diary: SimpleNamespace) -> None:
    plant(diary, patient=other(diary, active=False))


def silent(diary: SimpleNamespace) -> None:
    plant(diary, patient=a_patient(diary.practice, "Vera"))


def mail_without_consent(diary: SimpleNamespace) -> None:
    vera = a_patient(diary.practice, "Vera")
    ContactPoint.objects.create(
        practice=diary.practice, patient=vera, system="email", value="vera@example.org"
    )
    for hour, granted in ((8, True), (9, False)):  # the last word counts
        Consent.objects.create(
            practice=diary.practice, patient=vera, channel="email", granted=granted, how="phone",
            given_at=at(f"2026-11-20 0{hour}:00"),
        )  # fmt: skip
    plant(diary, patient=vera)


def wants_another(diary: SimpleNamespace) -> None:
    plant(diary, confirmation="change_requested")


PLANTED = [
    (overlap, "overlaps", "15 min over the visit at 10:00 AM"),
    (second_clinician, "overlaps", "15 min over the visit at 10:00 AM"),
    (closure, "closed", "Closed: Inventory"),
    (course, "out", "Out: Course"),
    (left, "out", "Dr. Osei does not see patients any more"),
    (colleague_out, "out", "Dr. Chen takes part and is out: Course"),
    (colleague_left, "out", "Dr. Chen takes part and does not see patients any more"),
    (two_am, "am_pm", "2:00 AM lies outside hours, 2:00 PM would fit"),
    (two_am_taken, "am_pm", "2:00 AM lies outside hours, 2:00 PM would fit but is taken"),
    (lunch, "off_hours", "Outside hours"),
    (runs_late, "off_hours", "Ends after hours"),
    (day_off, "off_hours", "Does not work that day"),
    (no_more_valid, "off_hours", "Does not work that day"),
    (other_clock, "off_hours", "Outside hours"),
    (long, "wrong_length", "60 min, Follow-up takes 30"),
    (again, "twice", "Also at 10:00 AM with Dr. Osei"),
    (both_at_once, "at_once", "Also with Dr. Osei at 10:00 AM"),
    (one_room, "room", "Room 2 is taken by the visit at 10:00 AM with Dr. Osei"),
    (steps, "need", "Needs a way without steps, Room 2 has none"),
    (no_interpreter, "need", "Needs an interpreter, none is booked with the visit"),
    (usual_length, "need", "Asked for a longer visit, has the usual 30 min"),
    (too_early, "need", "Before 11:00 AM"),
    (a_man, "need", "Wants to see a woman"),
    (died, "gone", "The record says that this patient has died"),
    (joined, "gone", "The record is not in use any more"),
    (silent, "unreachable", "No phone or e-mail"),
    (mail_without_consent, "unreachable", "No consent to texts or e-mail"),
    (wants_another, "asked", "Asked for another time"),
]


@pytest.mark.parametrize(
    ("fault", "check", "words"), PLANTED, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_planted_fault_is_found_by_its_check_and_by_no_other(diary, fault, check, words):
    fault(diary)
    assert [(found.check, found.detail) for found in look(DAY, DAY)] == [(check, words)]


def test_where_both_clinicians_are_out_the_visit_is_one_finding_about_its_own(diary):
    colleague_out(diary)
    diary.osei.active = False
    diary.osei.save()
    assert [found.detail for found in look(DAY, DAY)] == ["Dr. Osei does not see patients any more"]


def test_every_check_has_a_planted_fault():
    assert {check for _, check, _ in PLANTED} == {check.name for check in CHECKS}


def in_order(diary: SimpleNamespace) -> None:
    """What comes near each fault and is none."""
    practice, room = diary.practice, a_room(diary)
    plant(diary, room=room)
    plant(diary, "2026-11-25 10:30", patient=other(diary), room=room)  # touches
    plant(diary, "2026-11-25 10:00", practitioner=diary.chen, patient=a_texted_patient(practice, "Bo"))
    long_one = a_texted_patient(practice, "Cy", needs=["longer", "interpreter", "step-free"])
    interpreted = plant(diary, "2026-11-25 13:00", patient=long_one, minutes=45, room=room)
    interpreter = Resource.objects.create(practice=practice, kind="interpreter", name="Lin")
    Participant.objects.create(practice=practice, appointment=interpreted, resource=interpreter)
    linked = LinkedVisits.objects.create(practice=practice)
    nurse = a_texted_patient(practice, "Di")
    plant(diary, "2026-11-25 08:00", patient=nurse, linked=linked)
    plant(diary, "2026-11-25 08:30", patient=nurse, linked=linked, practitioner=diary.chen)
    plant(diary, "2026-11-25 09:00", minutes=60, status="cancelled")
    plant(diary, "2026-11-25 02:00", status="noshow")
    mail = a_patient(practice, "Ed")
    ContactPoint.objects.create(practice=practice, patient=mail, system="email", value="ed@example.org")
    Consent.objects.create(practice=practice, patient=mail, channel="email", granted=True, how="phone")
    plant(diary, "2026-11-25 16:30", patient=mail)


def test_a_day_in_order_has_no_finding(diary):
    in_order(diary)
    assert look(DAY, DAY) == []


@pytest.mark.parametrize("spelling", ["female", "Female", " FEMALE "])
def test_a_woman_is_a_woman_however_her_record_spells_it(diary, spelling):
    diary.osei.gender = spelling
    diary.osei.save()
    a_man(diary)
    assert look(DAY, DAY) == []


def test_a_group_and_a_lunch_between_two_shifts_are_no_fault(diary):
    session = uuid.UUID(int=7)
    for number, name in enumerate(("Ana", "Bo")):
        plant(
            diary, patient=a_texted_patient(diary.practice, name), session=session, seat=number, seats=4,
        )  # fmt: skip
    assert look(DAY, DAY) == []


def test_only_the_days_that_were_asked_for_are_looked_at(diary):
    plant(diary, minutes=60)
    assert look(DAY - dt.timedelta(days=9), DAY - dt.timedelta(days=1)) == []
    assert look(DAY + dt.timedelta(days=1), DAY + dt.timedelta(days=9)) == []
    assert len(look(DAY - dt.timedelta(days=1), DAY + dt.timedelta(days=1))) == 1


def test_two_practices_never_see_each_others_findings(diary):
    plant(diary, minutes=60)
    cedar = a_diary("jo@frontdesk.example", slug="cedar-park")
    with inside(cedar.practice):
        assert look(DAY, DAY) == []
        theirs = plant(cedar, minutes=45)
        assert [found.visit for found in look(DAY, DAY)] == [theirs.pk]
    assert [found.detail for found in look(DAY, DAY)] == ["60 min, Follow-up takes 30"]


def test_a_pair_has_one_name_whichever_comes_first(diary):
    first = plant(diary)
    second = squeezed(diary, "2026-11-25 10:15", patient=other(diary))
    (before,) = look(DAY, DAY)
    Appointment.objects.filter(pk=first.pk).update(
        starts_at=at("2026-11-25 10:20"), ends_at=at("2026-11-25 10:50")
    )
    Appointment.objects.filter(pk=second.pk).update(
        starts_at=at("2026-11-25 10:00"), ends_at=at("2026-11-25 10:30")
    )
    (after,) = look(DAY, DAY)
    assert (before.visit, after.visit) == (second.pk, first.pk)
    assert before.key == after.key


def test_a_visit_in_the_night_of_the_clock_change_is_judged_by_the_wall_clock(diary):
    """Eight to twelve stays eight to twelve on the day that has 25 hours, and on the one that has 23."""
    for day in (dt.date(2026, 11, 1), dt.date(2027, 3, 14)):
        for hour, wrong in ((7, True), (8, False), (11, False)):
            starts = dt.datetime.combine(day, dt.time(hour), tzinfo=diary.practice.zone).astimezone(dt.UTC)
            visit = plant(diary, starts_at=starts, ends_at=starts + dt.timedelta(minutes=30), local_date=day)
            assert bool(look(day, day)) == wrong
            visit.delete()


@pytest.mark.parametrize(
    "clock", ["America/Phoenix", "Pacific/Honolulu", "Europe/London", "Australia/Lord_Howe"]
)
def test_hours_are_those_of_the_practices_own_clock(diary, clock: str):
    Practice.objects.filter(pk=diary.practice.pk).update(time_zone=clock)
    practice = Practice.objects.get(pk=diary.practice.pk)
    for hour, wrong in ((7, True), (8, False), (12, True)):
        starts = dt.datetime.combine(DAY, dt.time(hour), tzinfo=practice.zone).astimezone(dt.UTC)
        visit = plant(diary, starts_at=starts, ends_at=starts + dt.timedelta(minutes=30), local_date=DAY)
        assert bool(look(DAY, DAY)) == wrong, hour
        visit.delete()


@pytest.mark.parametrize(
    ("first", "last", "words", "field"),
    [
        (DAY, DAY - dt.timedelta(days=1), "The last day comes before the first.", "until"),
        (dt.date(1, 1, 1), dt.date(9999, 12, 31), "Choose days within two years of today.", "from"),
        (DAY, dt.date(2126, 1, 1), "Choose days within two years of today.", "until"),
        (DAY, DAY + dt.timedelta(days=LONGEST), f"Choose at most {LONGEST} days at once.", "until"),
    ],
)
def test_bad_ranges_are_refused_in_words(diary, first, last, words, field):
    with pytest.raises(BadRange, match=words) as refused:
        look(first, last)
    assert refused.value.field == field


def test_the_widest_range_is_looked_at(diary):
    last = DAY + dt.timedelta(days=FARTHEST - 2)
    assert look(last - dt.timedelta(days=LONGEST - 1), last) == []


def test_a_look_is_one_statement_however_much_it_finds(diary, django_assert_num_queries: Any):
    for minute in range(0, 60, 15):
        squeezed(diary, f"2026-11-25 10:{minute:02}", minutes=60)
    with django_assert_num_queries(1):
        found = look(DAY, DAY)
    assert len(found) > 8
