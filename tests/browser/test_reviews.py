"""A day in a browser, from the first look to the hand-over: morning review, clinician's phone, wrap-up."""

import datetime as dt
import os
import zoneinfo
from pathlib import Path
from typing import Any

from django.utils import timezone
from playwright.sync_api import Page, expect

from frontdesk import reviews, wrapup
from frontdesk.models import Finding, Handover, Review
from messaging.models import Message
from patients.models import Consent
from practices.models import Location as Place
from practices.models import OfficeHours, Practice, Role, Room
from practices.tenancy import inside
from scheduling.models import Appointment
from tests.browser.conftest import Desk
from tests.factories import a_member, a_patient, a_practice, a_practitioner, a_type, a_user, an_actor

NAMES = (
    ("Kyle", "Rennick"), ("Zoe", "Martin"), ("Henry", "Voss"), ("Samuel", "Greene"), ("Marisol", "Vega"),
    ("Peter", "Sandoval"), ("Irene", "Castell"), ("Noah", "Brandt"), ("Tara", "Oyelaran"), ("Bernard", "Cho"),
)  # fmt: skip


def zone_where_it_is(hour: int) -> zoneinfo.ZoneInfo:
    """A zone on whose wall clocks this hour has begun: the desk's own clock cannot be moved."""
    ahead = (hour - timezone.now().hour + 12) % 24 - 12
    return zoneinfo.ZoneInfo(f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT")


def a_working_day(hour: int) -> dict[str, Any]:
    """A practice where it is `hour`, with two clinicians and ten visits today."""
    zone = zone_where_it_is(hour)
    practice = a_practice(
        time_zone=str(zone), morning_review_at=dt.time(0), evening_review_at=dt.time(23, 59)
    )
    a_member(practice)
    doctor = a_user("osei@frontdesk.example", given_name="Amara", family_name="Osei")
    a_member(practice, doctor, Role.CLINICIAN)
    osei, raman = a_practitioner(practice, "Dr. Osei", user=doctor), a_practitioner(practice, "Dr. Raman")
    kind = a_type(practice, "Follow-up", 30, [osei, raman])
    today = practice.today()
    with inside(practice):
        place = Place.objects.create(practice=practice, name="Harbor")
        room = Room.objects.create(practice=practice, location=place, name="Room 2")
        OfficeHours.objects.create(
            practice=practice, weekday=today.isoweekday(), opens=dt.time(8), closes=dt.time(17)
        )
    visits = []
    for number, (given, family) in enumerate(NAMES):
        patient = a_patient(practice, given, family, phone=f"+1503555{number:04d}")
        start = dt.datetime.combine(today, dt.time(8), tzinfo=zone) + dt.timedelta(minutes=45 * number)
        visits.append(
            a_visit(practice, patient, osei if number % 3 else raman, kind, start, room, number % 2 == 0)
        )
    return {"practice": practice, "osei": osei, "visits": visits, "room": room}


def a_visit(
    practice: Practice, patient: Any, who: Any, kind: Any, start: dt.datetime, room: Any, agreed: bool
) -> Appointment:
    with inside(practice):
        if agreed:
            Consent.objects.create(
                practice=practice, patient=patient, channel="sms", granted=True, how="phone"
            )
        return Appointment.objects.create(
            practice=practice,
            patient=patient,
            practitioner=who,
            appointment_type=kind,
            room=room,
            starts_at=start,
            ends_at=start + dt.timedelta(minutes=30),
            local_date=start.date(),
            local_time=start.time(),
            time_zone=practice.zone.key,
            confirmation="confirmed" if patient.given in {"Peter", "Noah", "Tara"} else "unsent",
        )


def picture(page: Page, name: str, *, narrow: bool = True) -> None:
    """Keeps what the page looks like, where somebody asked for it (REVIEW_PICTURES names a folder)."""
    folder = os.environ.get("REVIEW_PICTURES")
    if not folder:
        return
    before = page.viewport_size
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        for width in (1440, 1100, 390) if narrow else (1440, 390):
            page.set_viewport_size({"width": width, "height": 844 if width == 390 else 900})
            page.screenshot(path=str(Path(folder) / f"{name}-{theme}-{width}.png"))
    if before:
        page.set_viewport_size(before)


def test_the_morning_review_from_the_first_look_to_the_brief(page: Page, desk_server: Desk) -> None:
    house = a_working_day(6)
    practice = house["practice"]
    yesterday = practice.today() - dt.timedelta(days=1)
    with inside(practice):
        evening = Review.objects.create(practice=practice, kind="evening", local_date=yesterday)
        Handover.objects.create(
            practice=practice, review=evening, text="Ruth Adeyemi was promised a call by noon.",
            sent_at=timezone.now() - dt.timedelta(hours=12), sent_by=a_user("jo@frontdesk.example"),
        )  # fmt: skip
    desk_server.sign_in(page, then="/p/harbor-street/morning/")
    expect(page.get_by_role("heading", name="The review starts at")).to_be_visible()
    page.get_by_role("button", name="Start it now").click()
    expect(page.get_by_text("14 of 16 settled")).to_be_visible()  # two visits lie in the lunch break
    picture(page, "morning")
    page.get_by_role("button", name="Got it").click()
    expect(page.get_by_text("Read by Dana")).to_be_visible()
    for left in (1, 0):
        page.get_by_role("button", name="Right as it is").first.click()
        expect(page.get_by_role("button", name="Right as it is")).to_have_count(left)
    row = page.locator(".rr", has_text="Zoe Martin")
    row.get_by_role("link", name="Call").click()
    page.get_by_role("button", name="Reached, confirmed").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Text all").click()
    expect(page.locator(".rr", has_text="Henry Voss")).to_have_count(0)
    # Kyle comes at eight, when the quiet hours end: a text would come too late, so he is called.
    for name in ("Kyle Rennick", "Samuel Greene", "Bernard Cho"):
        left = page.locator(".rr", has_text=name)
        left.get_by_role("link", name="Call").click()
        page.get_by_role("button", name="Left a message").click()
        expect(left).to_have_count(0)
    expect(page.get_by_text("16 of 16 settled")).to_be_visible()
    picture(page, "morning-done")
    page.get_by_role("button", name="Send brief to clinicians").click()
    expect(page.get_by_text("Brief: Sent by you")).to_be_visible()
    with inside(practice):
        assert Message.objects.filter(kind="brief").count() == 1
        assert Appointment.objects.get(patient__given="Zoe").confirmed_by == "phone"


def test_the_day_is_closed_only_when_every_row_is_owned(page: Page, desk_server: Desk) -> None:
    house = a_working_day(18)
    desk_server.sign_in(page, then="/p/harbor-street/wrap/")
    page.get_by_role("button", name="Start it now").click()
    expect(page.get_by_text("10 rows to finish or hand over")).to_be_visible()
    picture(page, "wrap")
    page.locator(".rr", has_text="Kyle Rennick").get_by_role("button", name="Done").click()
    expect(page.locator(".rr", has_text="Kyle Rennick")).to_have_count(0)
    page.get_by_role("button", name="Send and close the day").click()
    expect(page.get_by_role("alert").filter(has_text="9 rows have neither")).to_be_visible()
    picture(page, "wrap-refused", narrow=False)
    page.get_by_role("link", name="Hand all 9 over").click()
    page.get_by_role("dialog").get_by_role("button", name="Hand over").click()
    expect(page.get_by_text("Everything has an end or an owner")).to_be_visible()
    page.get_by_role("button", name="Send and close the day").click()
    expect(page.get_by_role("heading", name="The day is closed")).to_be_visible()
    with inside(house["practice"]):
        assert Handover.objects.get().sent_at is not None
        assert wrapup.without_owner(Finding.objects.all()) == []


def test_a_clinician_takes_a_visit_through_on_the_phone(page: Page, desk_server: Desk) -> None:
    house = a_working_day(10)
    practice, visits = house["practice"], house["visits"]
    here = visits[2]
    with inside(practice):
        patient = here.patient
        patient.needs, patient.know_first = ["interpreter"], "Afraid of needles."
        patient.save()
        ago = timezone.now() - dt.timedelta(minutes=14)
        Appointment.objects.filter(pk=here.pk).update(status="arrived", arrived_at=ago)
        Appointment.objects.filter(pk=visits[1].pk).update(status="arrived", arrived_at=ago, seen_at=ago)
    page.set_viewport_size({"width": 390, "height": 844})
    desk_server.sign_in(page, "osei@frontdesk.example", then="/p/harbor-street/day/")
    expect(page.locator(".now-card .what").first).to_have_text("Zoe Martin")
    expect(page.get_by_text("Kyle Rennick")).to_have_count(0)  # another clinician's
    picture(page, "day")
    page.locator(".ph-body").get_by_role("button", name="Done").click()
    expect(page.locator(".ph-body .now-card")).to_have_count(0)
    page.locator("a.mrow", has_text="Henry Voss").click()
    page.get_by_text("Know first").click()
    expect(page.get_by_text("Afraid of needles.")).to_be_visible()
    picture(page, "day-visit")
    page.get_by_role("button", name="Start visit").click()
    expect(page.locator(".ph-detail").get_by_role("button", name="Done")).to_be_visible()


def test_what_a_colleague_settles_leaves_the_open_page_by_itself(page: Page, desk_server: Desk) -> None:
    house = a_working_day(6)
    practice = house["practice"]
    desk_server.sign_in(page, then="/p/harbor-street/morning/")
    page.get_by_role("button", name="Start it now").click()
    row = page.locator(".rr", has_text="Samuel Greene")
    expect(row).to_be_visible()
    expect(page.locator("[data-save-state]")).to_contain_text("Live")
    with inside(practice):
        finding = Finding.objects.get(appointment=house["visits"][3], check_name="unconfirmed")
        reviews.settle(finding=finding, how="Right as it is", by=an_actor())
    expect(row).to_have_count(0)


def test_a_manager_sets_up_hours_and_time_off(page: Page, desk_server: Desk) -> None:
    house = a_working_day(9)
    practice, osei = house["practice"], house["osei"]
    a_member(practice, a_user("mira@frontdesk.example"), Role.MANAGER)
    desk_server.sign_in(page, "mira@frontdesk.example", then="/p/harbor-street/settings/")
    page.get_by_label("Wrap-up at").fill("00:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The wrap-up comes after the morning review.")).to_be_visible()
    picture(page, "settings")
    page.get_by_role("link", name="Hours and closures").click()
    picture(page, "settings-hours")
    page.get_by_role("link", name="People").click()
    picture(page, "settings-people")
    page.get_by_role("link", name="Clinicians").click()
    page.get_by_role("link", name="Dr. Osei").click()
    page.get_by_label("From").fill(practice.today().isoformat())
    page.get_by_role("button", name="Add time off").click()
    expect(page.get_by_text("6 visits on")).to_be_visible()
    picture(page, "settings-clinician")
    page.get_by_role("link", name="Visit types").click()
    picture(page, "settings-types")
    with inside(practice):
        assert osei.time_off.count() == 1
