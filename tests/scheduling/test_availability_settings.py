"""Settings of availability: rules that contradict are refused in words at their field, the rest is kept."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse

from practices.administration import NotAllowed, add_closure
from practices.models import AuditEntry, Closure, Location, Role, Room
from practices.tenancy import inside
from scheduling import administration, resources
from scheduling.models import (
    AppointmentType,
    ReservedBlock,
    Resource,
    ResourceTimeOff,
    TimeOff,
    WeeklyHours,
)
from tests.factories import a_member, a_practice, a_practitioner, a_type, a_user, an_actor

pytestmark = pytest.mark.django_db
PAGES = ["settings-places", "settings-resources", "settings-blocks", "settings-types", "settings-holidays"]


@pytest.fixture
def practice(clock):
    return a_practice()


@pytest.fixture
def manager(practice):
    client = Client()
    client.force_login(a_member(practice, a_user("mira@frontdesk.example"), Role.MANAGER).user)
    return client


def url(name, *args):
    return reverse(name, args=["harbor-street", *args])


def wrong(answer):
    """The words of a refused form, as the page shows them."""
    assert answer.status_code == 422
    return answer.content.decode()


@pytest.mark.parametrize("name", PAGES)
def test_only_managers_see_the_page(practice, manager, name):
    assert manager.get(url(name)).status_code == 200
    receptionist = Client()
    receptionist.force_login(a_member(practice, a_user("dana@frontdesk.example")).user)
    assert receptionist.get(url(name)).status_code == 403


# --- types -----------------------------------------------------------------------------------------------


def a_type_form(**more):
    return {"name": "Follow-up", "minutes": "30", "position": "0", "active": "on"} | more


def test_a_type_keeps_its_rules(practice, manager):
    kind = a_type(practice)
    rules = a_type_form(
        buffer_before="5", buffer_after="10", slot_interval="20", capacity="8", notice_hours="48",
        maximum_horizon="90", needs_room="on", needs_resource="device", clinicians="2",
    )  # fmt: skip
    assert manager.post(url("settings-type", kind.pk), rules).status_code == 302
    with inside(practice):
        kind.refresh_from_db()
    assert (kind.buffer_before, kind.buffer_after, kind.step, kind.capacity) == (5, 10, 20, 8)
    assert (kind.minimum_notice, kind.maximum_horizon, kind.clinicians) == (48 * 60, 90, 2)
    assert (kind.needs_room, kind.needs_resource, kind.patients_may_choose) == (True, "device", False)
    assert 'value="48"' in manager.get(url("settings-type", kind.pk)).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("buffer_before", "1440", "At most 240 minutes"),
        ("buffer_after", "99999999999", "At most 240 minutes"),
        ("buffer_after", "-5", "greater than or equal to 0"),
        ("slot_interval", "0", "Between 5 and 480 minutes"),
        ("slot_interval", "7", "in steps of five"),
        ("capacity", "0", "Between 1 and 100 places"),
        ("capacity", "100000", "Between 1 and 100 places"),
        ("clinicians", "3", "One or two"),
        ("notice_hours", "1000000", "less than or equal to 2160"),
        ("maximum_horizon", "0", "Between 1 and 1095 days"),
    ],
)
def test_rules_of_a_type_out_of_all_measure_are_refused(practice, manager, field, value, words):
    assert words in wrong(manager.post(url("settings-types"), a_type_form(**{field: value})))
    with inside(practice):
        assert not AppointmentType.objects.exists()


def test_notice_beyond_the_horizon_contradicts_itself(manager):
    page = wrong(manager.post(url("settings-types"), a_type_form(notice_hours="72", maximum_horizon="2")))
    assert "The notice is longer than this: nothing could be booked." in page


def test_two_together_are_two(practice, manager):
    osei = a_practitioner(practice)
    form = a_type_form(clinicians="2", offered_by=[str(osei.pk)])
    assert "tick at least two" in wrong(manager.post(url("settings-types"), form))


# --- places and hours --------------------------------------------------------------------------------------


def test_a_place_with_its_clock_and_rooms(practice, manager):
    hill = {"name": "Hill", "time_zone": "America/Chicago", "step_free": "on"}
    assert manager.post(url("settings-places"), hill).status_code == 302
    with inside(practice):
        place = Location.objects.get()
    assert manager.post(url("settings-rooms", place.pk), {"room-name": "Hill 2"}).status_code == 302
    with inside(practice):
        room = Room.objects.get()
        assert (room.step_free, str(place.time_zone)) == (False, "America/Chicago")
    changed = {"room-name": "Hill 3", "room-step_free": "on"}
    assert manager.post(url("settings-room", place.pk, room.pk), changed).status_code == 302
    page = manager.get(url("settings-place", place.pk)).content.decode()
    assert "Hill 3" in page
    assert "America/Chicago" in page
    assert wrong(manager.post(url("settings-places"), {"name": "X", "time_zone": "Mars/Olympus"}))
    with inside(practice):
        verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert {"location.added", "room.added", "room.changed"} <= verbs


def hours(*spans, **more):
    """Fields of hours: (1, "8:00", "12:00") is a Monday morning."""
    fields = {}
    for weekday, starts, ends in spans:
        number = sum(f"starts_{weekday}_" in name for name in fields)
        fields |= {f"starts_{weekday}_{number}": starts, f"ends_{weekday}_{number}": ends}
    return fields | more


def test_hours_at_two_places_stand_side_by_side_and_never_over_each_other(practice, manager):
    osei = a_practitioner(practice)
    with inside(practice):
        WeeklyHours.objects.filter(practitioner=osei).delete()
        hill = Location.objects.create(practice=practice, name="Hill")
        room = Room.objects.create(practice=practice, location=hill, name="Hill 2")
        other = Location.objects.create(practice=practice, name="Bay")
    new = url("settings-hours-new", osei.pk)
    assert manager.post(new, hours((1, "8:00", "12:00"))).status_code == 302
    there = {"location": str(hill.pk), "room": str(room.pk)}
    assert "lies over" in wrong(manager.post(new, hours((1, "11:00", "15:00"), **there)))
    assert manager.post(new, hours((1, "13:00", "17:00"), **there)).status_code == 302
    mixed = {"location": str(other.pk), "room": str(room.pk)}
    assert "Hill 2 is not a room of Bay." in wrong(manager.post(new, hours((2, "8:00", "9:00"), **mixed)))
    page = manager.get(url("settings-clinician", osei.pk)).content.decode()
    assert "Holds always, at Hill, Hill 2" in page
    # Changing the one leaves the other.
    answer = manager.post(url("settings-hours", osei.pk, 0), hours((1, "9:00", "12:00")))
    assert answer.status_code == 302, answer.context["when"].errors
    with inside(practice):
        assert sorted(str(row) for row in WeeklyHours.objects.all()) == [
            "Monday 09:00–12:00",
            "Monday 13:00–17:00",
        ]


def test_two_places_with_two_clocks_are_compared_by_the_moment(practice, manager):
    osei = a_practitioner(practice)
    with inside(practice):
        WeeklyHours.objects.filter(practitioner=osei).delete()
        west = Location.objects.create(practice=practice, name="West", time_zone="America/Los_Angeles")
    new = url("settings-hours-new", osei.pk)
    assert manager.post(new, hours((1, "8:00", "12:00"))).status_code == 302  # 8 to 12 in New York
    at_west = {"location": str(west.pk)}
    # 8:00 in Los Angeles is 11:00 in New York.
    assert "lies over" in wrong(manager.post(new, hours((1, "8:00", "12:00"), **at_west)))
    assert manager.post(new, hours((1, "9:00", "12:00"), **at_west)).status_code == 302


def test_hours_and_time_off_are_bounded(practice):
    osei, by = a_practitioner(practice), an_actor()
    with inside(practice):
        week = [
            administration.Hours(1, dt.time(h, m), dt.time(h, m + 1))
            for h in range(24)
            for m in range(0, 58, 6)
        ]
        period = administration.Period(dt.date(2030, 1, 1), None)
        with pytest.raises(NotAllowed, match="At most 200 stretches"):
            administration.set_hours(practitioner=osei, period=period, week=week, by=by)
        start = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
        with pytest.raises(NotAllowed, match="At most two years"):
            administration.add_time_off(
                practitioner=osei, starts_at=start, ends_at=start.replace(year=2199), label="Out", by=by
            )
        TimeOff.objects.bulk_create(
            TimeOff(
                practice=practice,
                practitioner=osei,
                starts_at=start + dt.timedelta(days=n),
                ends_at=start + dt.timedelta(days=n, hours=1),
            )
            for n in range(200)
        )
        with pytest.raises(NotAllowed, match="At most 200 spans"):
            administration.add_time_off(
                practitioner=osei, starts_at=start, ends_at=start + dt.timedelta(hours=1), label="Out", by=by
            )


# --- interpreters, devices, kept time ----------------------------------------------------------------------


def test_an_interpreter_with_languages_hours_and_leave(practice, manager):
    form = {"kind": "interpreter", "name": "Rosa", "active": "on"}
    assert "Say which languages" in wrong(manager.post(url("settings-resources"), form))
    answer = manager.post(url("settings-resources"), form | {"languages": "Spanish,  Vietnamese , Spanish"})
    assert answer.status_code == 302
    with inside(practice):
        rosa = Resource.objects.get()
        assert rosa.languages == ["Spanish", "Vietnamese"]
    page = url("settings-resource", rosa.pk)
    full = form | {"languages": "Spanish"}
    assert "ends before it begins" in wrong(manager.post(page, full | hours((3, "12:00", "9:00"))))
    assert manager.post(page, full | hours((3, "9:00", "12:00"))).status_code == 302
    with inside(practice):
        assert [str(row) for row in rosa.weekly_hours.all()] == ["Wednesday 09:00–12:00"]
    off = {"off-first_day": "2026-12-01", "off-last_day": "2026-12-05", "off-label": "Leave"}
    assert manager.post(url("resource-off-add", rosa.pk), off).status_code == 302
    assert "Tuesday, Dec 1 to Saturday, Dec 5, all day" in manager.get(page).content.decode()
    assert "before it begins" in wrong(
        manager.post(url("resource-off-add", rosa.pk), off | {"off-last_day": "2026-11-30"})
    )
    centuries = off | {"off-last_day": "2199-01-01"}
    assert "At most two years" in wrong(manager.post(url("resource-off-add", rosa.pk), centuries))
    with inside(practice):
        leave = ResourceTimeOff.objects.get()
    assert manager.post(url("resource-off-remove", leave.pk)).status_code == 302
    with inside(practice):
        assert not ResourceTimeOff.objects.exists()
    device = {"kind": "device", "name": "Scanner", "languages": "Spanish", "active": "on"}
    assert "Only an interpreter has languages" in wrong(manager.post(url("settings-resources"), device))


def a_block_form(**more):
    values = {"name": "New patients", "weekday": "3", "starts": "8:00", "ends": "10:00"}
    return values | {"new_patients_only": "on"} | more


def test_time_is_kept_changed_and_given_back(practice, manager):
    kind = a_type(practice)
    answer = manager.post(
        url("settings-blocks"),
        a_block_form(types=[str(kind.pk)], opens_days_before="1", opens_at="12:00", valid_from="2026-12-01"),
    )
    assert answer.status_code == 302
    with inside(practice):
        block = ReservedBlock.objects.get()
        assert (block.opens_days_before, block.opens_at, block.new_patients_only) == (1, dt.time(12), True)
        assert [row.appointment_type_id for row in block.kept_for.all()] == [kind.pk]
    page = manager.get(url("settings-block", block.pk)).content.decode()
    assert (
        "Wednesday 8:00 AM to 10:00 AM, everybody, Follow-up, new patients; opens 12:00 PM 1 day before"
        in page
    )
    assert manager.post(url("settings-block", block.pk), a_block_form()).status_code == 302
    with inside(practice):
        assert not ReservedBlock.objects.get().kept_for.exists()
    assert manager.post(url("block-remove", block.pk)).status_code == 302
    with inside(practice):
        assert not ReservedBlock.objects.exists()
        assert AuditEntry.objects.filter(verb__startswith="block.").count() == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ends": "7:00"}, "It ends before it begins."),
        ({"valid_from": "2027-01-02", "valid_until": "2027-01-01"}, "The last day comes before the first."),
        ({"opens_days_before": "0"}, "Say at what time it opens."),
        ({"opens_at": "7:00"}, "Say on which day it opens."),
        ({"new_patients_only": ""}, "Kept for nobody and never opened"),
        ({"valid_until": "9999-12-31"}, "Use a year between 1970 and 2200."),
        ({"weekday": "8"}, "Select a valid choice"),
    ],
)
def test_kept_time_that_contradicts_itself_is_refused(practice, manager, changes, words):
    assert words in wrong(manager.post(url("settings-blocks"), a_block_form(**changes)))
    with inside(practice):
        assert not ReservedBlock.objects.exists()


def test_there_is_an_end_to_how_many(practice):
    by = an_actor()
    with inside(practice):
        Resource.objects.bulk_create(
            Resource(practice=practice, kind="device", name=f"Scanner {n}") for n in range(200)
        )
        with pytest.raises(NotAllowed, match="at most 200"):
            resources.save_resource(resource=None, values={"kind": "device", "name": "One more"}, by=by)
        ReservedBlock.objects.bulk_create(
            ReservedBlock(practice=practice, name="Kept", weekday=1, starts=dt.time(8), ends=dt.time(9))
            for _ in range(200)
        )
        with pytest.raises(NotAllowed, match="At most 200 kept times"):
            resources.save_block(block=None, values={"name": "One more"}, types=[], by=by)
        day = dt.date(2027, 1, 1)
        Closure.objects.bulk_create(
            Closure(practice=practice, first_day=day, last_day=day, reason="Snow") for _ in range(200)
        )
        with pytest.raises(NotAllowed, match="At most 200 closures"):
            add_closure(first_day=day, last_day=day, reason="Snow", by=by)


# --- public holidays ---------------------------------------------------------------------------------------


def test_ticked_holidays_of_the_state_become_closures(practice, manager):
    page = manager.get(url("settings-holidays")).content.decode()
    assert "Thanksgiving Day" in page
    assert "Patriots&#x27; Day" in page  # Maine's own
    assert page.count('name="days"') == 14
    ticked = {"country": "US", "part": "ME", "days": ["2026-11-26", "2026-12-25", "2026-12-24", "nonsense"]}
    assert manager.post(url("settings-holidays"), ticked).status_code == 302
    with inside(practice):
        closed = [(row.first_day.isoformat(), row.reason) for row in Closure.objects.all()]
    assert closed == [("2026-11-26", "Thanksgiving Day"), ("2026-12-25", "Christmas Day")]
    assert manager.get(url("settings-holidays")).content.decode().count("Closed already") == 2
    assert manager.post(url("settings-holidays"), ticked).status_code == 302
    with inside(practice):
        assert Closure.objects.count() == 2


def test_another_country_and_one_that_nobody_knows(practice, manager):
    page = manager.get(url("settings-holidays"), {"country": "GB", "part": "SCT"}).content.decode()
    assert "Boxing Day" in page
    assert "Thanksgiving" not in page
    given = {"country": "GB", "part": "SCT", "days": ["2027-01-01"]}
    assert manager.post(url("settings-holidays"), given).status_code == 302
    practice.refresh_from_db()
    assert practice.country == "GB"
    assert "Select a valid choice" in wrong(manager.get(url("settings-holidays"), {"country": "XX"}))


def test_a_closure_of_centuries_is_refused(manager):
    long = {"closure-first_day": "2027-01-01", "closure-last_day": "2199-01-01", "closure-reason": "Ice"}
    assert "At most a year at once." in wrong(manager.post(url("closure-add"), long))
