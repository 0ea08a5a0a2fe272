"""Before anything is told: two facts, who speaks, three wrong answers, an override, and what is kept."""

import datetime as dt
import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from messaging import identity
from messaging.models import Call, Conversation, IdentityCheck
from patients.flags import raise_flag
from patients.models import ContactPoint, Patient, RelatedPerson
from patients.privacy import disclosures
from practices.models import AuditEntry, PracticeCard, Role
from practices.tenancy import inside
from scheduling.models import Appointment, Status
from tests.factories import a_member, a_patient, a_practice, a_practitioner, a_type, a_user, an_actor

BIRTH, PHONE, ZIP = "fact_birth_date", "fact_phone", "fact_postal_code"
MAIL, VISIT = "fact_email", "fact_last_visit"


@pytest.fixture
def desk(db: Any) -> SimpleNamespace:
    """Marisol Vega on the line, from a number that is also on file."""
    practice = a_practice()
    member = a_member(practice, a_user(), Role.RECEPTIONIST)
    patient = a_patient(
        practice, phone="+15035550142", address={"postal_code": "04101-2233"}, birth_date=dt.date(1986, 3, 14)
    )
    with inside(practice):
        for system, value in (("phone", "+15035550177"), ("email", "marisol@example.org")):
            ContactPoint.objects.create(practice=practice, patient=patient, system=system, value=value)
        call = Call.objects.create(
            practice=practice, direction="in", status="live", address="+15035550142", patient=patient
        )
        start = practice.now().replace(hour=10, minute=0) - dt.timedelta(days=9)
        visit = Appointment.objects.create(
            practice=practice, patient=patient, practitioner=a_practitioner(practice),
            appointment_type=a_type(practice), starts_at=start, ends_at=start + dt.timedelta(minutes=30),
            local_date=start.date(), local_time=start.time(), time_zone=str(practice.time_zone),
            status=Status.FULFILLED,
        )  # fmt: skip
    client = Client()
    client.force_login(member.user)
    return SimpleNamespace(
        practice=practice, member=member, patient=patient, call=call, visit=visit, client=client
    )


def address(desk: Any, patient: Patient | None = None, end: str = "") -> str:
    subject = patient or desk.patient
    return f"/p/{desk.practice.slug}/calls/{desk.call.pk}/identity/{subject.pk}/{end}"


def ask(desk: Any, patient: Patient | None = None, end: str = "", **typed: str) -> Any:
    return desk.client.post(address(desk, patient, end), typed, headers={"HX-Request": "true"})


def chip(desk: Any, patient: Patient | None = None) -> str:
    answer = desk.client.get(address(desk, patient, "chip/"))
    assert answer.status_code == 200
    return answer.content.decode()


def results(desk: Any) -> list[str]:
    with inside(desk.practice):
        return list(IdentityCheck.objects.order_by("at", "id").values_list("result", flat=True))


def test_two_right_facts_open_the_details_of_this_patient_alone(desk: Any) -> None:
    sister = a_patient(desk.practice, "Lucia", "Vega", phone="+15035550142")
    assert "Not verified" in chip(desk)
    answer = ask(desk, **{BIRTH: "3/14/86", ZIP: "04101"})
    assert answer.status_code == 204
    assert json.loads(answer["HX-Trigger"]) == {
        "refresh": "calls", "announce": "Verified.", "dialogClose": True
    }  # fmt: skip
    assert "st-conf" in chip(desk)
    assert "birth date, zip code" in chip(desk)
    assert "Not verified" in chip(desk, sister)


@pytest.mark.parametrize(
    "typed",
    [
        {BIRTH: "March 14, 1986", MAIL: " Marisol@Example.org "},
        {PHONE: "503 555 0177", ZIP: "04101-9999"},
        {PHONE: "+1 (503) 555-0177", BIRTH: "1986-03-14"},
        {VISIT: "{visit:%B} {visit.day}", BIRTH: "14 de marzo de 1986"},
        {VISIT: "{visit.month}/{visit.day}", MAIL: "marisol@example.org"},
    ],
)
def test_facts_may_be_written_as_they_are_said(desk: Any, typed: dict[str, str]) -> None:
    day = desk.visit.starts_at.astimezone(desk.practice.zone).date()
    typed = {name: text.format(visit=day) for name, text in typed.items()}
    assert ask(desk, **typed).status_code == 204
    assert results(desk) == ["verified"]


def test_one_fact_is_not_enough_and_counts_as_nothing(desk: Any) -> None:
    answer = ask(desk, **{BIRTH: "3/14/86"})
    assert answer.status_code == 422
    assert "Ask for two facts." in answer.content.decode()
    assert results(desk) == []


def test_the_number_of_the_call_is_no_fact(desk: Any) -> None:
    answer = ask(desk, **{PHONE: "(503) 555-0142", BIRTH: "3/14/86"})
    assert answer.status_code == 422
    assert "proves nothing" in answer.content.decode()
    assert results(desk) == []


def test_what_cannot_be_read_is_said_beside_the_field_and_not_counted(desk: Any) -> None:
    answer = ask(desk, **{BIRTH: "13/45/86", ZIP: "04101"})
    assert answer.status_code == 422
    assert "There is no month 13" in answer.content.decode()
    assert results(desk) == []


def test_nobody_learns_which_of_the_facts_was_wrong(desk: Any) -> None:
    first = ask(desk, **{BIRTH: "3/15/86", ZIP: "04101"}).content.decode()
    second = ask(desk, **{BIRTH: "3/14/86", ZIP: "04102"}).content.decode()
    for said in (first, second):
        assert identity.SOMETHING_WRONG in said
        assert 'aria-invalid="true"' not in said
    with inside(desk.practice):
        rows = list(IdentityCheck.objects.all())
        assert {tuple(row.facts) for row in rows} == {("birth-date", "postal-code")}
        entries = AuditEntry.objects.filter(verb="identity.wrong")
        assert [entry.changes for entry in entries] == [None, None]
        assert {entry.patient_id for entry in entries} == {desk.patient.pk}
        assert disclosures(desk.patient.pk) == []


def test_a_third_right_fact_does_not_outvote_a_wrong_one(desk: Any) -> None:
    assert ask(desk, **{BIRTH: "3/14/86", ZIP: "04101", MAIL: "else@example.org"}).status_code == 422
    assert results(desk) == ["wrong"]


def test_after_three_wrong_answers_only_a_call_back_is_left(desk: Any) -> None:
    for _ in range(3):
        last = ask(desk, **{BIRTH: "3/15/86", ZIP: "04101"})
    assert "Ask for a call back to the number on file" in last.content.decode()
    right = ask(desk, **{BIRTH: "3/14/86", ZIP: "04101"})
    assert right.status_code == 422
    assert results(desk) == ["wrong"] * 3
    assert "Say nothing. Ask for a call back" in chip(desk)


def test_telling_without_facts_needs_a_reason_which_is_sealed(desk: Any) -> None:
    assert ask(desk, end="override/", reason=" ").status_code == 422
    assert results(desk) == []
    assert ask(desk, end="override/", reason="Known by voice for years").status_code == 204
    assert "Told without two facts" in chip(desk)
    with inside(desk.practice):
        (line,) = disclosures(desk.patient.pk)
        (check,) = IdentityCheck.objects.all()
        with connection.cursor() as cursor:
            cursor.execute("SELECT reason FROM messaging_identitycheck")
            (stored,) = cursor.fetchone()
    assert (line.recipient, line.by) == ("The patient", desk.member.user.short_name)
    assert line.why == "Told without two facts: Known by voice for years"
    assert check.reason == "Known by voice for years"
    assert b"Known" not in bytes(stored)


def a_mother(desk: Any, *may: str, **fields: Any) -> RelatedPerson:
    with inside(desk.practice):
        return RelatedPerson.objects.create(
            practice=desk.practice, patient=desk.patient, name="Rosa Vega", relationship="parent",
            may=list(may), **fields,
        )  # fmt: skip


def test_a_related_person_hears_what_she_may_hear_and_not_a_word_more(desk: Any) -> None:
    mother = a_mother(desk, "appointments", "billing")
    answer = ask(desk, speaker=str(mother.pk), **{BIRTH: "3/14/86", ZIP: "04101"})
    assert answer.status_code == 204
    said = "Say nothing more than times of visits and billing."
    assert said in json.loads(answer["HX-Trigger"])["announce"]
    assert said in chip(desk)
    assert "Rosa Vega, parent" in chip(desk)
    with inside(desk.practice):
        assert identity.state_of(desk.call, desk.patient).may == ("appointments", "billing")
        (line,) = disclosures(desk.patient.pk)
    assert (line.recipient, line.what) == ("Rosa Vega, parent", "Told of: times of visits and billing")


def test_whose_permission_was_taken_back_cannot_be_chosen(desk: Any) -> None:
    gone = a_mother(desk, "appointments", ended_at=desk.practice.now())
    assert "Rosa" not in desk.client.get(address(desk)).content.decode()
    answer = ask(desk, speaker=str(gone.pk), **{BIRTH: "3/14/86", ZIP: "04101"})
    assert answer.status_code == 422
    assert results(desk) == []


def test_whoever_takes_over_the_telephone_is_asked_anew(desk: Any) -> None:
    ask(desk, **{BIRTH: "3/14/86", ZIP: "04101"})
    assert ask(desk, speaker="other", speaker_name="A neighbour", do="note").status_code == 204
    shown = chip(desk)
    assert "Not verified" in shown
    assert "A neighbour" in shown
    assert "Say nothing more than that you will pass a message on." in shown
    with inside(desk.practice):
        assert identity.state_of(desk.call, desk.patient).may == ()


def test_a_stranger_is_not_opened_by_facts_that_a_stranger_may_know(desk: Any) -> None:
    ask(desk, speaker="other", **{BIRTH: "3/14/86", ZIP: "04101"})
    assert results(desk) == ["noted"]
    assert "Not verified" in chip(desk)


def test_confidential_wishes_stand_beside_the_chip(desk: Any) -> None:
    with inside(desk.practice):
        desk.patient.no_voicemail = desk.patient.neutral_name = True
        desk.patient.privacy_note = "Never call at work."
        desk.patient.save()
    shown = chip(desk)
    for wish in ("Leave no voicemail", "your care team", "Never call at work."):
        assert wish in shown
    desk.member.user.privacy_mode = True
    desk.member.user.save()
    assert "Never call" not in chip(desk)


def test_an_ended_call_tells_nothing_more(desk: Any) -> None:
    with inside(desk.practice):
        Call.objects.filter(pk=desk.call.pk).update(status="ended")
    assert ask(desk, **{BIRTH: "3/14/86", ZIP: "04101"}).status_code == 422
    assert results(desk) == []


def test_the_chip_asks_the_database_a_fixed_number_of_times(
    desk: Any, django_assert_num_queries: Any
) -> None:
    with inside(desk.practice), django_assert_num_queries(1):
        identity.state_of(desk.call, desk.patient)
    for _ in range(3):
        ask(desk, **{BIRTH: "3/15/86", ZIP: "04101"})
    with inside(desk.practice), django_assert_num_queries(1):
        assert identity.state_of(desk.call, desk.patient).wrong == 3


def test_beside_a_conversation_stands_what_to_know_first_and_who_may_speak(desk: Any) -> None:
    a_mother(desk, "billing")
    with inside(desk.practice):
        raise_flag(patient=desk.patient, kind="upset", words="Waited twice", by=an_actor(desk.member))
        own = Conversation.objects.create(practice=desk.practice, patient=desk.patient)
        nobodys = Conversation.objects.create(practice=desk.practice, address_index="x")
    beside = f"/p/{desk.practice.slug}/inbox/{{}}/context/"
    text = desk.client.get(beside.format(own.pk)).content.decode()
    for said in ("Born Mar 14, 1986", "Waited twice", "Rosa Vega, parent", "Billing"):
        assert said in text
    assert desk.client.get(beside.format(nobodys.pk)).content == b""
    desk.member.user.privacy_mode = True
    desk.member.user.save()
    hidden = desk.client.get(beside.format(own.pk)).content.decode()
    for secret in ("1986", "Waited", "Rosa"):
        assert secret not in hidden


def test_an_open_conversation_of_a_possible_emergency_shows_the_script(desk: Any) -> None:
    with inside(desk.practice):
        PracticeCard.objects.create(practice=desk.practice, number=1, content={"emergency": "Dial 911 now."})
        thread = Conversation.objects.create(practice=desk.practice, patient=desk.patient, urgency=0)
    address = f"/p/{desk.practice.slug}/inbox/{thread.pk}/"
    assert "Dial 911 now." in desk.client.get(address).content.decode()
    with inside(desk.practice):
        Conversation.objects.filter(pk=thread.pk).update(urgency=2)
    assert "Dial 911 now." not in desk.client.get(address).content.decode()
