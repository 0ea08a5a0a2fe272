"""Settings: only managers come in, contradictions are refused in words, everything leaves a trace."""

import datetime as dt
import io
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from practices.administration import NotAllowed, change_member
from practices.models import ApiKey, AuditEntry, Closure, Membership, OfficeHours, Practice, Role, User
from practices.tenancy import inside
from scheduling.administration import Hours, Period, set_hours, visits_hit
from scheduling.models import AppointmentType, Practitioner, TimeOff, WeeklyHours
from tests.factories import a_member, a_patient, a_practice, a_practitioner, a_type, a_user, an_actor
from tests.frontdesk.test_reviews import a_visit, at

pytestmark = pytest.mark.django_db
PAGES = ["practice-settings", "practice-hours", "practice-people", "settings-clinicians", "settings-types"]


@pytest.fixture
def practice() -> Practice:
    return a_practice()


@pytest.fixture
def manager(practice: Practice) -> Client:
    client = Client()
    client.force_login(a_member(practice, a_user("mira@frontdesk.example"), Role.MANAGER).user)
    return client


def url(name: str, *args: object) -> str:
    return reverse(name, args=["harbor-street", *args])


def details(practice: Practice, **changes: Any) -> dict[str, Any]:
    """What the form of the practice's facts posts."""
    return {
        "name": "Harbor Street", "line_number": str(practice.line_number),
        "email_sender": "desk@harbor.example",
        "time_zone": "America/New_York", "languages": ["en"], "undo_minutes": "3", "quiet_from": "21:00",
        "quiet_until": "08:00",
        "morning_review_at": "07:00", "evening_review_at": "17:00",
        "late_tell_from": "10", "late_tell_hours": "4",
    } | changes  # fmt: skip


def week(**days: str) -> dict[str, str]:
    """Fields of a week: monday="8:00-12:00 13:00-17:00"."""
    numbers = {"monday": 1, "tuesday": 2}
    fields = {}
    for day, spans in days.items():
        for number, span in enumerate(spans.split()):
            starts, ends = span.split("-")
            fields[f"starts_{numbers[day]}_{number}"] = starts
            fields[f"ends_{numbers[day]}_{number}"] = ends
    return fields


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("role", [Role.RECEPTIONIST, Role.CLINICIAN])
def test_only_managers_see_settings(practice, manager, name: str, role: Role):
    client = Client()
    client.force_login(a_member(practice, a_user("x@frontdesk.example"), role).user)
    assert client.get(url(name)).status_code == 403
    assert manager.get(url(name)).status_code == 200


def test_the_practice_is_changed_with_a_trace_of_each_field(practice, manager):
    answer = manager.post(
        url("practice-settings"), details(practice, display_name="Harbor", evening_review_at="18:30")
    )
    assert answer.status_code == 302
    practice.refresh_from_db()
    assert practice.display_name == "Harbor"
    assert practice.evening_review_at == dt.time(18, 30)
    with inside(practice):
        entry = AuditEntry.objects.get(verb="practice.changed")
    assert "evening_review_at" in entry.field_names
    assert entry.changes["evening_review_at"] == ["17:00:00", "18:30:00"]


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("evening_review_at", "06:00", "comes after the morning review"),
        ("quiet_until", "21:00", "say nothing"),
        ("line_number", "12", "phone number"),
        ("email_sender", "nobody", "valid email"),
        ("time_zone", "Mars/Olympus", "not one of the available choices"),
        ("name", "", "required"),
    ],
)
def test_bad_input_is_refused_at_its_field_and_stays_typed(
    practice, manager, field: str, typed: str, words: str
):
    answer = manager.post(url("practice-settings"), details(practice, **{field: typed}))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in " ".join(answer.context["form"].errors[field])
    assert not typed or field == "time_zone" or f'value="{typed}' in page
    before = Practice.objects.get(pk=practice.pk)
    assert before.email_sender == practice.email_sender


def test_office_hours_with_a_lunch_break_are_saved(practice, manager):
    assert manager.post(url("practice-hours"), week(monday="8:00-12:00 13:00-17:00")).status_code == 302
    with inside(practice):
        assert [(r.weekday, r.opens.hour, r.closes.hour) for r in OfficeHours.objects.all()] == [
            (1, 8, 12),
            (1, 13, 17),
        ]


@pytest.mark.parametrize(
    ("spans", "words"),
    [
        ("12:00-8:00", "Monday ends before it begins."),
        ("8:00-12:00 11:00-17:00", "begin before the first end"),
        ("8:00-", "needs both times"),
        ("8:00-25:00", "valid time"),
    ],
)
def test_contradictory_hours_are_refused_in_words(practice, manager, spans: str, words: str):
    answer = manager.post(url("practice-hours"), week(monday=spans))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    with inside(practice):
        assert not OfficeHours.objects.exists()


def test_a_closure_comes_and_goes_and_is_never_backwards(practice, manager):
    day = practice.today() + dt.timedelta(days=30)
    backwards = {
        "closure-first_day": day,
        "closure-last_day": day - dt.timedelta(days=1),
        "closure-reason": "Holiday",
    }
    assert manager.post(url("closure-add"), backwards).status_code == 422
    assert manager.post(url("closure-add"), backwards | {"closure-last_day": ""}).status_code == 302
    with inside(practice):
        closure = Closure.objects.get()
        assert (closure.first_day, closure.last_day) == (day, day)
    assert manager.post(url("closure-remove", closure.pk)).status_code == 302
    with inside(practice):
        assert not Closure.objects.exists()


# People


@pytest.mark.django_db(transaction=True)
def test_an_invited_person_gets_a_link_to_choose_a_password():
    practice = a_practice()
    client = Client()
    client.force_login(a_member(practice, a_user("mira@frontdesk.example"), Role.MANAGER).user)
    invitation = {
        "email": "New@Frontdesk.example",
        "given_name": "Nora",
        "family_name": "New",
        "roles": ["receptionist"],
    }
    assert client.post(url("practice-people"), invitation).status_code == 302
    user = User.objects.get(email="new@frontdesk.example")
    assert not user.has_usable_password()
    assert [message.to for message in mail.outbox] == [["new@frontdesk.example"]]
    assert "/account/password/reset/key/" in mail.outbox[0].body
    again = client.post(url("practice-people"), invitation)
    assert again.status_code == 422
    assert "works here already" in again.content.decode()


def test_somebody_who_works_elsewhere_is_added_without_a_new_password(practice, manager):
    jo = a_user("jo@frontdesk.example")
    a_member(a_practice("cedar-park"), jo)
    data = {"email": "jo@frontdesk.example", "given_name": "X", "family_name": "Y", "roles": ["clinician"]}
    assert manager.post(url("practice-people"), data).status_code == 302
    jo.refresh_from_db()
    assert jo.given_name == "Jo"
    with inside(practice):
        assert Membership.objects.get(user=jo).roles == ["clinician"]


def test_the_last_manager_stays(practice, manager):
    with inside(practice):
        mira = Membership.objects.get()
        with pytest.raises(NotAllowed, match="at least one manager"):
            change_member(membership=mira, roles=["receptionist"], active=True, by=an_actor(mira))
        with pytest.raises(NotAllowed, match="at least one manager"):
            change_member(membership=mira, roles=["manager"], active=False, by=an_actor(mira))
    answer = manager.post(url("practice-person", mira.pk), {"roles": ["receptionist"], "active": "on"})
    assert answer.status_code == 422
    second = a_member(practice, a_user("two@frontdesk.example"), Role.MANAGER)
    assert (
        manager.post(url("practice-person", mira.pk), {"roles": ["receptionist"], "active": "on"}).status_code
        == 302
    )
    assert manager.get(url("practice-people")).status_code == 403
    assert second.active


def test_another_practices_people_are_not_there(practice, manager):
    stranger = a_member(a_practice("cedar-park"), a_user("far@frontdesk.example"))
    assert manager.get(url("practice-person", stranger.pk)).status_code == 404


# The diary


def test_hours_that_lie_over_others_are_refused_and_can_end_them(practice):
    osei, by = a_practitioner(practice), an_actor()
    new = [Hours(1, dt.time(10), dt.time(14))]
    july = Period(dt.date(2027, 7, 1), None)
    with inside(practice):
        with pytest.raises(NotAllowed, match="Monday 10:00 AM to 2:00 PM lies over 8:00 AM to 12:00 PM"):
            set_hours(practitioner=osei, period=july, week=new, by=by)
        set_hours(practitioner=osei, period=july, week=new, end_earlier=True, by=by)
        ends = set(WeeklyHours.objects.filter(valid_from=None).values_list("valid_until", flat=True))
        assert ends == {dt.date(2027, 6, 30)}
        assert WeeklyHours.objects.filter(valid_from=july.first).count() == 1


def test_refused_hours_leave_everything_as_it_was(practice, manager):
    osei = a_practitioner(practice)
    answer = manager.post(url("settings-hours-new", osei.pk), week(monday="9:00-10:00"))
    assert answer.status_code == 422
    assert "lies over" in answer.content.decode()
    with inside(practice):
        assert WeeklyHours.objects.count() == 14


def test_time_off_says_how_many_visits_it_hits_and_links_to_the_day(practice, manager):
    osei = a_practitioner(practice)
    kind, day = a_type(practice, practitioners=[osei]), practice.today() + dt.timedelta(days=9)
    for hour in (9, 14):
        a_visit(
            practice,
            at(hour, day=day),
            practitioner=osei,
            appointment_type=kind,
            patient=a_patient(practice, f"H{hour}"),
        )
    data = {"off-first_day": day, "off-first_time": "08:00", "off-last_time": "12:00", "off-label": "Course"}
    page = manager.post(url("time-off-add", osei.pk), data, follow=True).content.decode()
    assert "1 booked visit lies in it" in page
    assert f"?d={day:%Y-%m-%d}" in page
    with inside(practice):
        assert visits_hit(TimeOff.objects.get()) == {day: 1}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"off-last_time": "07:00"}, "ends before it begins"),
        ({"off-first_day": "2027-03-14", "off-first_time": "02:30"}, "does not exist"),
        ({"off-first_day": "2026-11-01", "off-first_time": "01:30"}, "comes twice"),
        ({"off-first_day": "never"}, "valid date"),
    ],
)
def test_time_off_that_makes_no_sense_is_refused(practice, manager, changes: dict[str, str], words: str):
    osei = a_practitioner(practice)
    data = {
        "off-first_day": "2027-06-01",
        "off-first_time": "08:00",
        "off-last_time": "12:00",
        "off-label": "Out",
    }
    answer = manager.post(url("time-off-add", osei.pk), data | changes)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    with inside(practice):
        assert not TimeOff.objects.exists()


def test_a_clinician_is_added_with_a_room_of_this_practice_only(practice, manager):
    data = {
        "name": "Dr. Ada Moss",
        "short_name": "Dr. Moss",
        "initials": "AM",
        "position": "0",
        "active": "on",
    }
    assert (
        manager.post(
            url("settings-clinicians"), data | {"room": "00000000-0000-0000-0000-000000000000"}
        ).status_code
        == 422
    )
    assert manager.post(url("settings-clinicians"), data).status_code == 302
    with inside(practice):
        assert Practitioner.objects.get().short_name == "Dr. Moss"


def test_a_type_is_changed_with_who_offers_it(practice, manager):
    osei, raman = a_practitioner(practice), a_practitioner(practice, "Dr. Raman")
    kind = a_type(practice, practitioners=[osei])
    data = {
        "name": "Long visit",
        "minutes": "60",
        "position": "0",
        "active": "on",
        "offered_by": [str(raman.pk)],
    }
    assert manager.post(url("settings-type", kind.pk), data | {"minutes": "7"}).status_code == 422
    assert manager.post(url("settings-type", kind.pk), data).status_code == 302
    with inside(practice):
        kind = AppointmentType.objects.get()
        assert (kind.name, kind.minutes, list(kind.practitioners.all())) == ("Long visit", 60, [raman])
        assert AuditEntry.objects.filter(verb="type.changed").count() == 1


# Commands


def run(name: str, *words: str) -> str:
    out = io.StringIO()
    call_command(name, *words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


NEW = (
    "--name",
    "Elm",
    "--time-zone",
    "America/Chicago",
    "--line-number",
    "+15035550100",
    "--email-sender",
    "d@elm.example",
)


def test_a_practice_its_member_and_a_key_are_made_from_the_command_line():
    assert "/p/elm/" in run("create_practice", *NEW)
    assert "receptionist" in run(
        "add_member", "--practice", "elm", "--email", "a@elm.example", "--role", "receptionist"
    )
    key = run("create_api_key", "--practice", "elm", "--user", "a@elm.example").strip()
    with inside(Practice.objects.get(slug="elm")):
        assert ApiKey.objects.get().key_hash == ApiKey.hash_of(key)
        assert key not in str(ApiKey.objects.values())


@pytest.mark.parametrize(
    ("command", "words", "refusal"),
    [
        ("create_practice", [*NEW[:3], "Mars/Olympus", *NEW[4:]], "--time-zone"),
        ("create_practice", [*NEW[:5], "12", *NEW[6:]], "--line-number"),
        ("create_practice", [*NEW, "--slug", "a b"], "--slug"),
        ("create_practice", [*NEW, "--slug", "harbor-street"], "--slug"),
        (
            "add_member",
            ["--practice", "nowhere", "--email", "a@b.example", "--role", "manager"],
            "Known: harbor-street",
        ),
        (
            "add_member",
            ["--practice", "harbor-street", "--email", "nobody", "--role", "manager"],
            "not an e-mail address",
        ),
        ("create_api_key", ["--practice", "harbor-street", "--user", "x@y.example"], "does not work for"),
    ],
)
def test_commands_say_in_words_what_is_wrong(practice, command: str, words: list[str], refusal: str):
    with pytest.raises(CommandError, match=refusal):
        run(command, *words)
    assert Practice.objects.count() == 1
