"""Times that fit and why, others and what they break; what a visit takes is guarded when it is booked."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patients.models import Need, PatientWish, WishKind
from practices.models import Location, Room
from scheduling.booking import (
    OutsideHours,
    RuleBroken,
    SlotTaken,
    cancel_appointment,
    reschedule_appointment,
)
from scheduling.fitting import find_times, judge
from scheduling.models import (
    AppointmentType,
    AppointmentTypeOffer,
    BusySlot,
    Participant,
    ReservedBlock,
    ReservedBlockType,
    Resource,
    ResourceHours,
    ResourceTimeOff,
    TimeOff,
    WeeklyHours,
)
from tests.factories import a_patient, an_actor
from tests.scheduling.conftest import at

CLINICIAN = an_actor()  # acts for no person: may squeeze in


def clock_of(fit):
    return f"{fit.starts_at - dt.timedelta(hours=5):%H:%M}"  # New York in winter


def found(diary, day="2026-11-25", **asked):
    asked = {"practitioners": [diary.osei]} | asked
    return find_times(
        appointment_type=diary.kind, from_=at(f"{day} 00:00"), until=at(f"{day} 23:59"), **asked
    )


def of_day(diary, day="2026-11-25", **asked):
    return [clock_of(fit) for fit in found(diary, day, **asked)]


def judged(diary, when, **asked):
    asked = {"practitioner": diary.osei} | asked
    return judge(appointment_type=diary.kind, starts_at=at(when), **asked)


def change(diary, **fields):
    AppointmentType.objects.filter(pk=diary.kind.pk).update(**fields)
    diary.kind.refresh_from_db()


def a_wish(diary, kind, **details):
    return PatientWish.objects.create(
        practice=diary.practice, patient=diary.patient, kind=kind, details=details
    )


def need(diary, *needs):
    diary.patient.needs = list(needs)
    diary.patient.save()


def a_room(diary, name, *, place=None, step_free=True):
    place = place or Location.objects.get_or_create(practice=diary.practice, name="Harbor")[0]
    return Room.objects.create(practice=diary.practice, location=place, name=name, step_free=step_free)


def an_interpreter(diary, name="Rosa", languages=("Spanish",), **hours):
    one = Resource.objects.create(
        practice=diary.practice, kind="interpreter", name=name, languages=list(languages)
    )
    for weekday in hours.get("weekdays", ()):
        ResourceHours.objects.create(
            practice=diary.practice,
            resource=one,
            weekday=weekday,
            starts=hours["starts"],
            ends=hours["ends"],
        )
    return one


def a_block(diary, *types, **fields):
    values = {"name": "Kept", "weekday": 3, "starts": dt.time(8), "ends": dt.time(10)}
    block = ReservedBlock.objects.create(practice=diary.practice, **(values | fields))
    for kind in types:
        ReservedBlockType.objects.create(practice=diary.practice, block=block, appointment_type=kind)
    return block


# --- the type's own rules ------------------------------------------------------------------------------


def test_starts_lie_apart_as_the_type_says(diary):
    change(diary, slot_interval=40)
    assert of_day(diary)[:4] == ["08:00", "08:40", "09:20", "10:00"]
    assert of_day(diary)[-1] == "16:20"


def test_buffers_keep_visits_apart_and_may_lie_outside_hours(diary):
    change(diary, buffer_before=10, buffer_after=20)
    diary.book("2026-11-25 10:00")
    free = of_day(diary)
    # The visit takes 9:50 to 10:50; another needs ten minutes before and twenty after its thirty.
    assert free[:5] == ["08:00", "08:15", "08:30", "08:45", "09:00"]
    assert free[5] == "11:00"
    assert "16:30" in free
    assert found(diary)[0].reasons == ("30 min free, 10 before and 20 after",)
    close = judged(diary, "2026-11-25 09:15")
    assert close.breaks == ("It leaves too little time beside another visit.",)
    with pytest.raises(SlotTaken):
        diary.book("2026-11-25 09:15")


def test_notice_and_horizon_are_whole_rules(diary):
    change(diary, minimum_notice=24 * 60, maximum_horizon=7)
    assert of_day(diary)[0] == "09:00"  # it is nine on the day before
    assert of_day(diary, "2026-12-01")
    assert not of_day(diary, "2026-12-02")
    assert judged(diary, "2026-11-25 08:00").breaks == ("Follow-up needs 1 day’s notice.",)
    assert judged(diary, "2026-12-02 08:00").breaks == ("Follow-up is booked at most 7 days ahead.",)
    with pytest.raises(RuleBroken, match="1 day’s notice"):
        diary.book("2026-11-25 08:00")
    assert diary.book("2026-11-25 08:00", overbook_reason="Sent by the ward", by=CLINICIAN).pk


def test_patients_choose_only_what_is_open_to_them(diary):
    now = dt.datetime(2026, 11, 25, 13, 30, tzinfo=dt.UTC)  # 8:30
    assert of_day(diary, now=now)[0] == "08:30"
    assert of_day(diary, now=now, audience="patient")[0] == "09:30"
    change(diary, patients_may_choose=False)
    assert of_day(diary, now=now, audience="patient") == []
    assert of_day(diary, now=now)


def test_a_group_has_places_until_it_is_full(diary):
    change(diary, capacity=2)
    diary.book("2026-11-25 10:00")
    other = a_patient(diary.practice, "Ngozi")
    joining = next(fit for fit in found(diary) if clock_of(fit) == "10:00")
    assert joining.reasons == ("1 of 2 places left",)
    assert "10:15" not in of_day(diary)
    diary.book("2026-11-25 10:00", patient=other)
    assert "10:00" not in of_day(diary)
    assert judged(diary, "2026-11-25 10:00").breaks == ("Dr. Osei has another visit then.",)


# --- time that is kept ---------------------------------------------------------------------------------


def test_time_kept_for_a_type_is_offered_to_it_alone(diary):
    other = AppointmentType.objects.create(practice=diary.practice, name="Physical", minutes=30)
    AppointmentTypeOffer.objects.create(
        practice=diary.practice, appointment_type=other, practitioner=diary.osei
    )
    a_block(diary, other, name="Physicals")
    assert of_day(diary)[0] == "10:00"
    diary_kind, diary.kind = diary.kind, other
    assert found(diary)[0].reasons == ("30 min free", "Physicals")
    diary.kind = diary_kind
    assert judged(diary, "2026-11-25 09:45").breaks == ("That time is kept: Physicals.",)
    with pytest.raises(RuleBroken, match="That time is kept: Physicals"):
        diary.book("2026-11-25 09:45")


def test_time_kept_for_new_patients(diary):
    a_block(diary, name="New patients", new_patients_only=True)
    assert of_day(diary)[0] == "10:00"
    assert of_day(diary, patient=diary.patient)[0] == "08:00"
    diary.book("2026-11-26 10:00")
    assert of_day(diary, patient=diary.patient)[0] == "10:00"
    change(diary, for_new_patients=True)
    assert of_day(diary)[0] == "08:00"


def test_same_day_spots_open_at_their_hour(diary):
    a_block(diary, name="Same day", opens_days_before=0, opens_at=dt.time(7, 30))
    early, late = (dt.datetime(2026, 11, 25, 12, m, tzinfo=dt.UTC) for m in (29, 30))
    assert of_day(diary, now=early)[0] == "10:00"
    assert of_day(diary, now=late)[0] == "08:00"
    assert judged(diary, "2026-11-25 08:00", now=early).breaks == (
        "That time is kept: Same day, open to all from 7:30 AM that day.",
    )


def test_a_block_of_one_clinician_and_of_its_dates_only(diary):
    a_block(diary, practitioner=diary.chen, valid_from=dt.date(2026, 11, 26))
    assert of_day(diary)[0] == "08:00"
    assert of_day(diary, practitioners=[diary.chen])[0] == "08:00"
    assert of_day(diary, "2026-12-02", practitioners=[diary.chen])[0] == "10:00"
    assert of_day(diary, "2026-12-02")[0] == "08:00"


# --- rooms ---------------------------------------------------------------------------------------------


def test_a_room_is_the_clinicians_own_else_another_free_one(diary):
    own, spare = a_room(diary, "Room 1"), a_room(diary, "Spare")
    diary.osei.room = diary.chen.room = own
    diary.osei.save()
    diary.chen.save()
    change(diary, needs_room=True)
    first = diary.book("2026-11-25 10:00", practitioner=diary.chen)
    assert first.room == own
    fit = next(one for one in found(diary) if clock_of(one) == "10:00")
    assert (fit.room, fit.reasons) == (spare, ("30 min free", "Spare"))
    second = diary.book("2026-11-25 10:00", patient=a_patient(diary.practice, "Ngozi"))
    assert second.room == spare
    spare.delete()


def test_without_a_free_room_there_is_no_time(diary):
    own = a_room(diary, "Room 1")
    for person in (diary.osei, diary.chen):
        person.room = own
        person.save()
    change(diary, needs_room=True)
    diary.book("2026-11-25 10:00", practitioner=diary.chen)
    assert "10:00" not in of_day(diary)
    assert judged(diary, "2026-11-25 10:00").breaks == ("No room is free then.",)
    with pytest.raises(RuleBroken, match="No room is free"):
        diary.book("2026-11-25 10:00", patient=a_patient(diary.practice, "Ngozi"))


def test_a_colleagues_room_is_hers_while_she_works(diary):
    hers = a_room(diary, "Chen")
    diary.chen.room = hers
    diary.chen.save()
    change(diary, needs_room=True)
    assert of_day(diary) == []
    WeeklyHours.objects.filter(practitioner=diary.chen, starts__gte=dt.time(12)).delete()
    assert of_day(diary)[0] == "13:00"


def test_hours_at_a_place_bring_its_room(diary):
    hill = Location.objects.create(practice=diary.practice, name="Hill")
    there = a_room(diary, "Hill 2", place=hill)
    WeeklyHours.objects.filter(practitioner=diary.osei, weekday=3, starts=dt.time(13)).update(
        location=hill, room=there
    )
    diary.osei.room = a_room(diary, "Room 1")
    diary.osei.location = diary.osei.room.location
    diary.osei.save()
    rooms = {clock_of(fit): fit.room.name for fit in found(diary)}
    assert (rooms["08:00"], rooms["13:00"]) == ("Room 1", "Hill 2")


# --- resources and colleagues --------------------------------------------------------------------------


def test_an_interpreter_has_to_be_free(diary):
    rosa = an_interpreter(diary, weekdays=[3], starts=dt.time(9), ends=dt.time(12))
    an_interpreter(diary, "Linh", ["Vietnamese"])
    need(diary, Need.INTERPRETER)
    diary.patient.language = "es"
    diary.patient.save()
    free = found(diary, patient=diary.patient)
    assert [clock_of(fit) for fit in free][:2] == ["09:00", "09:15"]
    assert clock_of(free[-1]) == "11:30"
    assert free[0].resources == (rosa,)
    assert free[0].reasons == ("30 min free", "Rosa, Spanish")
    visit = diary.book("2026-11-25 09:00")
    assert [row.resource for row in Participant.objects.filter(appointment=visit)] == [rosa]
    assert BusySlot.objects.filter(resource_id=rosa.pk).count() == 1
    again = of_day(diary, patient=diary.patient, practitioners=[diary.chen])
    assert again[0] == "09:30"
    fit = judged(diary, "2026-11-25 09:00", patient=diary.patient, practitioner=diary.chen)
    assert fit.breaks == ("No Spanish interpreter is free then.",)
    assert fit.breaks[0].kind == "need"
    cancel_appointment(appointment=visit, version=visit.version, reason="pat", by=diary.by)
    assert of_day(diary, patient=diary.patient, practitioners=[diary.chen])[0] == "09:00"


def test_an_interpreter_on_leave_and_one_whom_nobody_has(diary):
    rosa = an_interpreter(diary)
    ResourceTimeOff.objects.create(
        practice=diary.practice,
        resource=rosa,
        starts_at=at("2026-11-25 00:00"),
        ends_at=at("2026-11-25 12:00"),
    )
    need(diary, Need.INTERPRETER)
    a_wish(diary, WishKind.INTERPRETER, language="spanish")
    assert of_day(diary, patient=diary.patient)[0] == "13:00"
    PatientWish.objects.all().delete()
    a_wish(diary, WishKind.INTERPRETER, language="Somali")
    fit = found(diary, patient=diary.patient)[0]
    assert (clock_of(fit), fit.reasons) == ("08:00", ("30 min free", "Somali interpreter needed"))


def test_a_device_of_the_type_binds_whoever_books(diary):
    change(diary, needs_resource="device")
    assert of_day(diary) == []
    scanner = Resource.objects.create(practice=diary.practice, kind="device", name="Scanner")
    diary.book("2026-11-25 10:00", practitioner=diary.chen)
    assert "10:00" not in of_day(diary)
    with pytest.raises(RuleBroken, match="No device is free then"):
        diary.book("2026-11-25 10:15", patient=a_patient(diary.practice, "Ngozi"))
    moved = diary.book("2026-11-25 14:00", patient=a_patient(diary.practice, "Ida"))
    moved = reschedule_appointment(
        appointment=moved, version=1, starts_at=at("2026-11-25 15:00"), by=diary.by
    )
    assert [row.resource for row in Participant.objects.filter(appointment=moved)] == [scanner]
    assert BusySlot.objects.filter(resource_id=scanner.pk).count() == 2


def test_two_clinicians_together(diary):
    change(diary, clinicians=2)
    TimeOff.objects.create(
        practice=diary.practice,
        practitioner=diary.chen,
        starts_at=at("2026-11-25 08:00"),
        ends_at=at("2026-11-25 09:00"),
    )
    first = found(diary)[0]
    assert (clock_of(first), first.colleagues) == ("09:00", (diary.chen,))
    assert first.reasons == ("30 min free", "With Dr. Chen")
    with pytest.raises(RuleBroken, match="No second clinician"):
        diary.book("2026-11-25 08:30")
    diary.book("2026-11-25 09:00")
    change(diary, clinicians=1)
    assert of_day(diary, practitioners=[diary.chen])[0] == "09:30"


# --- what the patient needs ----------------------------------------------------------------------------


def test_not_before_ten_and_over_by_noon(diary):
    a_wish(diary, WishKind.NOT_BEFORE, starts="10:00")
    a_wish(diary, WishKind.NOT_AFTER, ends="11:00", weekdays=[3])
    free = found(diary, patient=diary.patient)
    assert [clock_of(fit) for fit in free] == ["10:00", "10:15", "10:30"]
    assert free[0].reasons == ("30 min free", "Not before 10:00 AM", "Over by 11:00 AM")
    assert of_day(diary, "2026-11-26", patient=diary.patient)[-1] == "16:30"
    assert judged(diary, "2026-11-25 09:00", patient=diary.patient).breaks == ("Before 10:00 AM.",)
    # Agreed with the patient, it can be had: nothing of the practice's is against it.
    assert diary.book("2026-11-25 09:00").pk


def test_a_carers_windows_and_transport(diary):
    need(diary, Need.CARER, Need.TRANSPORT)
    a_wish(diary, WishKind.CARER, weekdays=[3], starts="08:00", ends="09:00")
    a_wish(diary, WishKind.CARER, weekdays=[3], starts="15:00", ends="17:00")
    a_wish(diary, WishKind.TRANSPORT, starts="08:30", ends="16:00")
    free = found(diary, patient=diary.patient)
    assert [clock_of(fit) for fit in free] == ["08:30", "15:00", "15:15", "15:30"]
    assert free[0].reasons[1:] == ("Carer can come", "Transport runs", "Transport to be arranged")
    assert of_day(diary, "2026-11-26", patient=diary.patient) == []
    assert of_day(diary, needs=[], patient=diary.patient)[0] == "08:00"


def test_longer_visits_take_their_minutes(diary):
    need(diary, Need.LONGER)
    a_wish(diary, WishKind.LONGER, minutes=20)
    free = found(diary, patient=diary.patient)
    assert clock_of(free[-1]) == "16:00"
    assert free[0].ends_at - free[0].starts_at == dt.timedelta(minutes=50)
    assert free[0].reasons == ("50 min free",)
    assert diary.book("2026-11-25 10:00").minutes == 50
    assert "10:45" not in of_day(diary)


def test_a_woman_or_a_man(diary):
    diary.osei.gender, diary.chen.gender = "male", "Female"
    diary.osei.save()
    diary.chen.save()
    a_wish(diary, WishKind.GENDER, gender="female")
    free = found(diary, patient=diary.patient, practitioners=[diary.osei, diary.chen])
    assert {fit.practitioner for fit in free} == {diary.chen}
    assert free[0].reasons == ("30 min free", "With a woman")
    assert judged(diary, "2026-11-25 09:00", patient=diary.patient).breaks == (
        "The patient asked for a woman.",
    )


def test_steps_are_in_the_way(diary):
    need(diary, Need.WHEELCHAIR)
    steep, flat = a_room(diary, "Steep", step_free=False), a_room(diary, "Flat")
    diary.osei.room = steep
    diary.osei.location = steep.location
    diary.osei.save()
    fit = found(diary, patient=diary.patient)[0]
    assert (fit.room, fit.reasons) == (flat, ("30 min free", "Step-free room: Flat"))
    assert diary.book("2026-11-25 08:00").room == flat
    flat.step_free = False
    flat.save()
    assert of_day(diary, patient=diary.patient) == []
    assert judged(diary, "2026-11-25 11:00", patient=diary.patient).breaks == (
        "No step-free room is free then.",
    )


def test_a_time_that_breaks_much_says_all_of_it(diary):
    change(diary, minimum_notice=72 * 60)
    a_wish(diary, WishKind.NOT_BEFORE, starts="10:00")
    diary.book("2026-11-25 06:00", overbook_reason="Early", by=CLINICIAN)
    fit = judged(diary, "2026-11-25 06:15", patient=diary.patient)
    assert fit.breaks == (
        "Dr. Osei does not see patients on Wednesday, November 25 at 6:15 AM.",
        "Follow-up needs 3 days’ notice.",
        "Before 10:00 AM.",
        "Dr. Osei has another visit then.",
    )
    assert not fit.fits
    with pytest.raises(OutsideHours, match="does not see patients"):
        diary.book("2026-11-25 06:00", patient=a_patient(diary.practice, "Ngozi"))


@pytest.mark.parametrize("many", [1, 12])
def test_everything_at_once_costs_a_fixed_number_of_queries(diary, many):
    change(diary, needs_room=True, needs_resource="device", buffer_after=5, capacity=3)
    need(diary, Need.INTERPRETER, Need.CARER)
    a_wish(diary, WishKind.CARER, starts="08:00", ends="17:00")
    diary.osei.room = a_room(diary, "Own")
    diary.osei.save()
    for number in range(many):
        a_room(diary, f"Room {number}")
        an_interpreter(diary, f"Rosa {number}", weekdays=[3], starts=dt.time(8), ends=dt.time(17))
        Resource.objects.create(practice=diary.practice, kind="device", name=f"Scanner {number}")
        a_block(diary, name=f"Kept {number}", new_patients_only=True)
    with CaptureQueriesContext(connection) as seen:
        assert found(diary, patient=diary.patient, practitioners=None)
    assert len(seen) == 15
    assert not any(query["sql"].startswith(("INSERT", "UPDATE", "DELETE")) for query in seen)
