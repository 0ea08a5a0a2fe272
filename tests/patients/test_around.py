"""The people around a patient, what to know first, wishes for confidence, and what was told to whom."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.test import Client

from patients.contacts import parse_phone
from patients.flags import in_force, raise_flag
from patients.models import ContactPoint, Patient, PatientFlag, RelatedPerson
from patients.privacy import disclose
from patients.related import speaking_from
from practices.models import AuditEntry, Role
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, a_user, an_actor

UPSET = "Waited forty minutes twice."


@pytest.fixture
def desk(db: Any) -> SimpleNamespace:
    practice = a_practice()
    member = a_member(practice, a_user(), Role.RECEPTIONIST, Role.MANAGER)
    client = Client()
    client.force_login(member.user)
    patient = a_patient(practice, phone="+15035550142")
    return SimpleNamespace(practice=practice, member=member, patient=patient, client=client)


def url(desk: Any, rest: str) -> str:
    return f"/p/{desk.practice.slug}/{rest}"


def record(desk: Any) -> str:
    return str(desk.client.get(url(desk, f"patients/{desk.patient.pk}/")).content.decode())


def add(desk: Any, **typed: Any) -> Any:
    given = {"name": "Rosa Vega", "relationship": "parent", "may": ["appointments"], "phone": "", "note": ""}
    return desk.client.post(url(desk, f"patients/{desk.patient.pk}/related/new/"), given | typed)


def test_somebody_may_speak_until_the_permission_ends_and_stays_on_record(desk: Any) -> None:
    assert "Nobody. Whoever else calls is told nothing." in record(desk)
    assert add(desk, phone="503 555 0199", may=["appointments", "billing"]).status_code == 303
    shown = record(desk)
    assert "Rosa Vega" in shown
    assert "times of visits and billing" in shown
    assert "(503) 555-0199" in shown
    with inside(desk.practice):
        person = RelatedPerson.objects.get()
    changed = {
        "name": "Rosa Vega",
        "relationship": "parent",
        "may": ["billing"],
        "phone": "",
        "note": "Nights",
    }
    assert desk.client.post(url(desk, f"related/{person.pk}/"), changed).status_code == 303
    assert "May: billing" in record(desk)
    assert desk.client.post(url(desk, f"related/{person.pk}/end/")).status_code == 303
    assert "Ended (1)" in record(desk)
    assert desk.client.get(url(desk, f"related/{person.pk}/")).status_code == 404
    with inside(desk.practice):
        assert RelatedPerson.objects.get().ended_at is not None
        verbs = list(AuditEntry.objects.order_by("at").values_list("verb", flat=True))
    assert [verb for verb in verbs if verb.startswith("related.")] == [
        "related.added", "related.changed", "related.ended"
    ]  # fmt: skip


def test_what_cannot_be_stored_is_said_at_its_field_and_nothing_typed_is_lost(desk: Any) -> None:
    answer = add(desk, name=" ", phone="12")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Write a name." in page
    assert "too short" in page
    assert 'value="12"' in page
    with inside(desk.practice):
        assert not RelatedPerson.objects.exists()


def test_a_caller_is_found_by_the_number_of_a_related_person(
    desk: Any, django_assert_num_queries: Any
) -> None:
    brother = a_patient(desk.practice, "Leo", "Vega")
    with inside(desk.practice):
        index = ContactPoint.index_for(desk.practice.pk, "phone", parse_phone("503-555-0199"))
    for patient in (desk.patient, brother):
        desk.client.post(
            url(desk, f"patients/{patient.pk}/related/new/"),
            {"name": "Rosa Vega", "relationship": "parent", "phone": "(503) 555-0199"},
        )
    with inside(desk.practice):
        with django_assert_num_queries(1):
            found = {person.patient.given for person in speaking_from(index)}
        assert found == {"Marisol", "Leo"}
        assert speaking_from("") == []
        RelatedPerson.objects.filter(patient=brother).update(ended_at=desk.practice.now())
        assert [person.patient.given for person in speaking_from(index)] == ["Marisol"]


def raised(desk: Any, **typed: str) -> Any:
    return desk.client.post(
        url(desk, f"patients/{desk.patient.pk}/flags/new/"),
        {"kind": "upset", "words": UPSET, "days": "30"} | typed,
    )


def test_a_flag_stands_under_know_first_for_its_days(desk: Any) -> None:
    assert raised(desk).status_code == 303
    assert UPSET in record(desk)
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=31)):
        desk.client.force_login(desk.member.user)
        assert UPSET not in record(desk)
    with inside(desk.practice):
        flag = PatientFlag.objects.get()
    desk.client.force_login(desk.member.user)
    assert desk.client.post(url(desk, f"flags/{flag.pk}/down/")).status_code == 303
    assert UPSET not in record(desk)


def test_the_same_flag_again_is_the_same_flag_for_longer(desk: Any) -> None:
    raised(desk, days="2")
    raised(desk, days="9")
    with inside(desk.practice):
        (flag,) = in_force([desk.patient.pk])
    assert flag.until > desk.practice.now() + dt.timedelta(days=8)


@pytest.mark.parametrize(
    ("typed", "words"),
    [({"words": ""}, "Write what to know."), ({"days": "0"}, "greater than or equal to 1")],
)
def test_a_flag_says_something_for_a_time(desk: Any, typed: dict[str, str], words: str) -> None:
    answer = raised(desk, **typed)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    with inside(desk.practice):
        assert not PatientFlag.objects.exists()


def test_wishes_for_confidence_are_edited_and_stand_first(desk: Any) -> None:
    typed = {
        "version": "1", "given": "Marisol", "family": "Vega", "birth_date": "3/14/1986", "sex": "unknown",
        "language": "en", "preferred_channel": "sms", "phone_1": "5035550142", "no_voicemail": "on",
        "neutral_name": "on", "privacy_note": "Never call at work.",
    }  # fmt: skip
    assert desk.client.post(url(desk, f"patients/{desk.patient.pk}/edit/"), typed).status_code == 303
    with inside(desk.practice):
        patient = Patient.objects.get()
    assert (patient.no_voicemail, patient.neutral_name, patient.privacy_note) == (
        True, True, "Never call at work."
    )  # fmt: skip
    shown = record(desk)
    assert "Never call at work." in shown
    assert "Leave no voicemail" in shown


def test_the_log_accounts_for_what_was_told(desk: Any) -> None:
    by = an_actor(desk.member)
    with inside(desk.practice):
        disclose(
            patient=desk.patient, subject=desk.patient, recipient="Rosa Vega, parent",
            what="Told of: billing", why="Caller verified by two facts", by=by,
        )  # fmt: skip
    page = desk.client.get(url(desk, f"patients/{desk.patient.pk}/access/")).content.decode()
    for said in ("What was told to whom (1)", "Rosa Vega, parent", "Told of: billing", "by two facts"):
        assert said in page


def test_a_flag_of_one_patient_is_not_shown_for_another(desk: Any) -> None:
    other = a_patient(desk.practice, "Leo", "Vega")
    with inside(desk.practice):
        raise_flag(patient=other, kind="upset", words="Of Leo", by=an_actor(desk.member))
        assert in_force([desk.patient.pk]) == []
    assert "Of Leo" not in record(desk)
