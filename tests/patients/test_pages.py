"""The pages of the patients: search, palette, new patient, record, details, consent, access log."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from patients.models import Consent, Patient
from patients.registry import ConsentGiven, ContactGiven, register_patient
from practices.models import AccessEvent, AuditEntry, Membership, Practice, Role
from practices.tenancy import inside
from tests import factories as make

BY = make.an_actor()
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def practice(db: None) -> Practice:
    return make.a_practice()


@pytest.fixture
def member(practice: Practice) -> Membership:
    return make.a_member(practice, None, Role.RECEPTIONIST)


@pytest.fixture
def desk(member: Membership) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


@pytest.fixture
def vega(practice: Practice) -> Patient:
    with inside(practice):
        return register_patient(
            given="Marisol",
            family="Vega",
            birth_date=make.dt.date(1986, 3, 14),
            pronouns="she, her",
            needs=["interpreter"],
            know_first="Hard of hearing on the left.",
            phones=[ContactGiven("5035550187")],
            emails=[ContactGiven("m.vega@example.com")],
            consents=[ConsentGiven("sms", True, "phone")],
            by=BY,
        )


def url(name: str, *args: Any) -> str:
    return reverse(name, args=["harbor-street", *args])


def seen(practice: Practice) -> list[tuple[str, list[uuid.UUID]]]:
    with inside(practice):
        return [(event.screen, event.patient_ids) for event in AccessEvent.objects.order_by("at")]


def test_the_palette_writes_down_who_was_shown(desk: Client, practice: Practice, vega: Patient) -> None:
    answer = desk.post(url("patient-search"), {"q": "vega 86"}, **HTMX)
    page = desk.post(url("patient-search"), {"q": "vega"}, **HTMX).content.decode()
    assert answer.status_code == 200
    assert "Marisol Vega" in page
    assert "Mar 14, 1986" in page
    assert "phone …0187" in page
    assert "<html" not in page
    assert seen(practice)[-1] == ("search", [vega.pk])


def test_a_search_without_a_match_offers_to_add_what_was_typed(desk: Client, vega: Patient) -> None:
    page = desk.post(url("patient-search"), {"q": "<b>Nobody"}, **HTMX).content.decode()
    assert "No patient matches “&lt;b&gt;Nobody”" in page
    assert f'formaction="{url("patient-new")}"' in page
    whole = desk.post(url("patients"), {"q": "Nobody 4/22/91"}).content.decode()
    assert 'name="q" value="Nobody 4/22/91"' in whole
    form = desk.post(url("patient-new"), {"q": "Hargrove, tom 4/22/91 (503) 555-0142"}).context["form"]
    assert form.initial == {
        "family": "Hargrove",
        "given": "Tom",
        "birth_date": "04/22/1991",
        "phone_1": "5035550142",
    }


def test_the_search_page_works_without_scripts_and_never_by_address(desk: Client, vega: Patient) -> None:
    assert "Find a patient" in desk.get(url("patients")).content.decode()
    assert "Marisol Vega" in desk.post(url("patients"), {"q": "0187"}).content.decode()
    assert "Marisol Vega" in desk.post(url("patient-search"), {"q": "0187"}).content.decode()
    assert "Marisol Vega" not in desk.get(url("patients") + "?q=vega").content.decode()
    too_long = desk.post(url("patients"), {"q": "x" * 201})
    assert too_long.status_code == 422
    assert "x" * 201 in too_long.content.decode()


def a_form(**fields: Any) -> dict[str, Any]:
    return {
        "given": "Tom",
        "family": "Hargrove",
        "birth_date": "4/22/91",
        "sex": "male",
        "language": "es",
        "preferred_channel": "sms",
        "needs": ["step-free"],
        "phone_1": "(503) 555-0142",
        "phone_1_use": "mobile",
        "email_1": "tom@example.com",
        "text_consent": "on",
        "consent_how": "in-person",
    } | fields


def test_a_new_patient_is_registered_with_consent(
    desk: Client, practice: Practice, member: Membership
) -> None:
    answer = desk.post(url("patient-new"), a_form())
    with inside(practice):
        patient = Patient.objects.get()
        assert (patient.full_name, str(patient.birth_date), patient.language) == (
            "Tom Hargrove",
            "1991-04-22",
            "es",
        )
        consent = Consent.objects.get()
        assert (consent.channel, consent.how, consent.recorded_by) == ("sms", "in-person", member.user)
        assert {point.value for point in patient.contact_points.all()} == {"+15035550142", "tom@example.com"}
        entry = AuditEntry.objects.get(verb="patient.registered")
        assert entry.actor == member.user
    assert (answer.status_code, answer["Location"]) == (303, url("patient", patient.pk))


def test_wrong_fields_keep_what_was_typed_and_write_nothing(desk: Client, practice: Practice) -> None:
    answer = desk.post(
        url("patient-new"),
        a_form(birth_date="31/12/1990", phone_1="", phone_2="555-0142", phone_2_use="home", email_1="tom@"),
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "There is no month 31. Use month, day, year." in page
    assert 'value="31/12/1990"' in page
    answer = desk.post(
        url("patient-new"), a_form(phone_1="", phone_2="555-0142", phone_2_use="home", email_1="tom@")
    )
    errors = answer.context["form"].errors
    assert errors["phone_2"] == ["This phone number is too short. Write it with its area code."]
    assert "not an e-mail address" in errors["email_1"][0]
    assert answer.content.decode().count('aria-invalid="true"') == 2
    with inside(practice):
        assert not Patient.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"given": "", "family": ""},
        {"given": "\x00", "family": "\u202e"},
        {"sex": "f"},
        {"needs": ["moon"]},
        {"given": "x" * 201},
        {"phone_1_use": "fax"},
        {"birth_date": "9" * 5000},
    ],
)
def test_hostile_forms_are_refused(desk: Client, practice: Practice, fields: dict[str, Any]) -> None:
    answer = desk.post(url("patient-new"), a_form(**fields))
    assert answer.status_code == 422
    assert answer.context["form"].errors
    with inside(practice):
        assert not Patient.objects.exists()


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{7*7}}", "O'Brien", "Null", "a" * 200])
def test_hostile_names_are_shown_as_text(desk: Client, practice: Practice, name: str) -> None:
    page = desk.post(url("patient-new"), a_form(given=name), follow=True).content.decode()
    assert "<script>alert" not in page
    assert "49" not in page.partition("<h1")[2].partition("</h1>")[0]
    with inside(practice):
        assert Patient.objects.get().given == name


def test_likely_duplicates_appear_beside_the_name(desk: Client, practice: Practice, vega: Patient) -> None:
    page = desk.post(
        url("patient-duplicates"), {"given": "Marysol", "family": "Vega", "birth_date": "3/14/86"}, **HTMX
    ).content.decode()
    assert "Marisol Vega" in page
    assert seen(practice) == [("duplicates", [vega.pk])]
    nobody = desk.post(url("patient-duplicates"), {"given": "Q", "family": "", "birth_date": "3/"}, **HTMX)
    assert nobody.content.decode().strip() == ""
    form = desk.get(url("patient-new")).content.decode()
    assert f'hx-post="{url("patient-duplicates")}"' in form


def test_the_record_shows_what_must_be_known(desk: Client, practice: Practice, vega: Patient) -> None:
    page = desk.get(url("patient", vega.pk)).content.decode()
    for words in (
        "Marisol Vega",
        "she, her",
        "Mar 14, 1986",
        "(503) 555-0187",
        "m.vega@example.com",
        "Hard of hearing on the left.",
        "Interpreter",
        "on the phone",
    ):
        assert words in page
    assert "Access log" not in page
    assert seen(practice) == [("record", [vega.pk])]


def test_privacy_mode_shows_initials(desk: Client, member: Membership, vega: Patient) -> None:
    member.user.privacy_mode = True
    member.user.save()
    for page in (
        desk.get(url("patient", vega.pk)),
        desk.post(url("patient-search"), {"q": "0187"}, **HTMX),
        desk.post(url("patients"), {"q": "0187"}),
    ):
        text = page.content.decode()
        assert "M. V." in text
        assert "Vega" not in text


def edited(vega: Patient, **fields: Any) -> dict[str, Any]:
    return {
        "given": "Marisol",
        "family": "Vega",
        "birth_date": "03/14/1986",
        "sex": "unknown",
        "pronouns": "she, her",
        "language": "en",
        "preferred_channel": "sms",
        "needs": ["interpreter"],
        "know_first": "Hard of hearing on the left.",
        "phone_1": "(503) 555-0187",
        "phone_1_use": "mobile",
        "email_1": "m.vega@example.com",
        "email_1_use": "mobile",
        "version": vega.version,
    } | fields


def test_needs_are_boxes_that_keep_their_state(desk: Client, vega: Patient) -> None:
    page = desk.get(url("patient-edit", vega.pk)).content.decode()
    boxes = [tag for tag in page.split("<") if tag.startswith("input") and 'name="needs"' in tag]
    assert len(boxes) == 8
    assert [tag.split('value="')[1].split('"')[0] for tag in boxes if "checked" in tag] == ["interpreter"]


def test_all_that_is_wrong_is_said_at_once(desk: Client) -> None:
    wrong = a_form(birth_date="31/12/1990", phone_1="555", phone_2="12", phone_2_use="home", email_1="tom@")
    errors = desk.post(url("patient-new"), wrong).context["form"].errors
    assert set(errors) == {"birth_date", "phone_1", "phone_2", "email_1"}


def test_details_are_changed_and_only_what_changed_is_recorded(
    desk: Client, practice: Practice, vega: Patient
) -> None:
    assert 'value="(503) 555-0187"' in desk.get(url("patient-edit", vega.pk)).content.decode()
    answer = desk.post(url("patient-edit", vega.pk), edited(vega, family="Luna", phone_2="5035550100"))
    assert answer.status_code == 303
    with inside(practice):
        entry = AuditEntry.objects.get(verb="patient.updated")
        assert entry.field_names == ["family", "phones"]


def choices_of(answer: Any) -> list[tuple[str, str, str, bool]]:
    return [(one.part, one.typed, one.stored, one.theirs) for one in answer.context["choices"]]


def test_the_second_of_two_writers_sees_both_values(desk: Client, practice: Practice, vega: Patient) -> None:
    first = edited(vega, pronouns="they", family="Lima", phone_2="5035550100", phone_2_use="home")
    desk.post(url("patient-edit", vega.pk), first)
    answer = desk.post(url("patient-edit", vega.pk), edited(vega, family="Luna", birth_date="3/14/86"))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Dana changed this record at" in page
    assert 'name="family" value="Luna"' in page
    assert choices_of(answer) == [
        ("family", "Luna", "Lima", False),
        ("pronouns", "she, her", "they", True),  # left as it was by the second writer
        ("phones", "(503) 555-0187, mobile", "(503) 555-0187, mobile\n(503) 555-0100, home", True),
    ]
    again = desk.post(url("patient-edit", vega.pk), edited(vega, family="Luna", version=2))
    assert again.status_code == 303
    with inside(practice):
        assert Patient.objects.get().family == "Luna"


def test_the_picked_values_are_stored(desk: Client, practice: Practice, vega: Patient) -> None:
    first = edited(vega, pronouns="they", family="Lima", needs=["carer"], email_1="lima@example.com")
    desk.post(url("patient-edit", vega.pk), first)
    mine = edited(vega, family="Luna", pronouns="he", needs=["sight"], email_1="luna@example.com", version=2)
    picks = {
        "pick_family": "mine",
        "pick_pronouns": "theirs",
        "pick_needs": "theirs",
        "pick_emails": "theirs",
    }
    assert desk.post(url("patient-edit", vega.pk), mine | picks).status_code == 303
    with inside(practice):
        patient = Patient.objects.get()
        emails = [point.value for point in patient.contact_points.all() if point.system == "email"]
        assert (patient.family, patient.pronouns, patient.needs) == ("Luna", "they", ["carer"])
        assert emails == ["lima@example.com"]


def test_two_who_wrote_the_same_have_nothing_to_choose(
    desk: Client, practice: Practice, vega: Patient
) -> None:
    desk.post(url("patient-edit", vega.pk), edited(vega, family="Luna"))
    answer = desk.post(url("patient-edit", vega.pk), edited(vega, family="Luna"))
    assert (answer.status_code, choices_of(answer)) == (409, [])
    assert "Both of you wrote the same." in answer.content.decode()


def test_consent_is_recorded_with_how(desk: Client, practice: Practice, vega: Patient) -> None:
    desk.post(url("patient-consent", vega.pk), {"channel": "sms", "granted": "no", "how": "phone"})
    desk.post(url("patient-consent", vega.pk), {"channel": "email", "granted": "yes", "how": "paper"})
    wrong = desk.post(url("patient-consent", vega.pk), {"channel": "call", "granted": "yes", "how": "paper"})
    assert wrong.status_code == 422
    assert desk.get(url("patient-consent", vega.pk)).status_code == 405
    with inside(practice):
        states = {c.channel: c.granted for c in Consent.objects.in_force()}
        assert states == {"sms": False, "email": True}


def test_managers_see_who_looked(desk: Client, practice: Practice, vega: Patient) -> None:
    desk.get(url("patient", vega.pk))
    assert desk.get(url("patient-access", vega.pk)).status_code == 403
    boss = Client()
    boss.force_login(make.a_member(practice, make.a_user("mira@frontdesk.example"), Role.MANAGER).user)
    page = boss.get(url("patient-access", vega.pk)).content.decode()
    assert "Dana Ruiz" in page
    assert "Saw the record" in page
    assert "Registered the patient" in page
    with inside(practice):
        assert AuditEntry.objects.filter(verb="access_log.viewed", patient_id=vega.pk).exists()


@pytest.mark.parametrize("name", ["patient", "patient-edit", "patient-consent"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_another_practices_patient_is_not_there(
    desk: Client, practice: Practice, name: str, method: str
) -> None:
    other = make.a_practice("cedar-park")
    with inside(other):
        stranger = register_patient(given="Stranger", family="Canary", by=BY)
    data = edited(stranger) | {"channel": "sms", "granted": "yes", "how": "phone"}
    answers = [
        getattr(desk, method)(url(name, key), data if method == "post" else {})
        for key in (stranger.pk, uuid.uuid4())
    ]
    assert {answer.status_code for answer in answers} <= {404, 405}
    assert answers[0].status_code == answers[1].status_code
    assert b"Canary" not in answers[0].content
    with inside(other):
        assert Patient.objects.get().version == 1
        assert not Consent.objects.exists()


def test_looks_of_one_minute_are_one_row(practice: Practice, vega: Patient) -> None:
    boss = Client()
    boss.force_login(make.a_member(practice, make.a_user("mira@frontdesk.example"), Role.MANAGER).user)
    at = make.dt.datetime(2026, 6, 9, 14, 0, tzinfo=make.dt.UTC)
    with inside(practice):
        for second, screen in ((1, "record"), (2, "visits"), (3, "visits"), (70, "details")):
            AccessEvent.objects.create(
                practice=practice,
                at=at + make.dt.timedelta(seconds=second),
                actor_kind="system",
                door="page",
                screen=screen,
                patient_ids=[vega.pk],
            )
    rows = boss.get(url("patient-access", vega.pk)).context["events"]
    assert [row["what"] for row in rows if row["at"].date() == at.date()] == [
        "saw the details",
        "saw the record, visits",
    ]


def test_strangers_are_sent_to_sign_in(practice: Practice, vega: Patient) -> None:
    for address in (url("patients"), url("patient-new"), url("patient", vega.pk)):
        assert Client().get(address).status_code == 302
    assert Client().post(url("patient-search"), {"q": "vega"}, **HTMX).status_code == 401


def test_the_palette_takes_thirteen_queries_for_one_and_for_many(desk: Client, practice: Practice) -> None:
    desk.post(url("patient-search"), {"q": "garcia"}, **HTMX)  # the first request of a session writes it
    for size in (1, 30):
        with inside(practice):
            for n in range(size):
                register_patient(
                    given="Ana", family="Garcia", phones=[ContactGiven(f"50355501{n:02d}")], by=BY
                )
        with CaptureQueriesContext(connection) as captured:
            desk.post(url("patient-search"), {"q": "garcia"}, **HTMX)
        assert len(captured) == 13


def test_the_search_page_takes_as_many_queries_for_one_as_for_many(desk: Client, practice: Practice) -> None:
    desk.post(url("patients"), {"q": "garcia"})
    counts = set()
    for size in (1, 30):
        with inside(practice):
            for _ in range(size):
                register_patient(given="Ana", family="Garcia", by=BY)
        with CaptureQueriesContext(connection) as captured:
            desk.post(url("patients"), {"q": "garcia"})
        counts.add(len(captured))
    assert len(counts) == 1
