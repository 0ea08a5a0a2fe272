"""The steady card: one text, and three ways on."""

import json
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from messaging import drafts
from messaging.models import Call, CallCommand, Complaint, Task
from patients.models import PatientFlag
from practices.models import PracticeCard, Role
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, a_user

WHAT = "Waited forty minutes and was sent home."


@pytest.fixture
def desk(db: Any) -> SimpleNamespace:
    practice = a_practice()
    dana = a_member(practice, a_user(), Role.RECEPTIONIST)
    jo = a_member(practice, a_user("jo@frontdesk.example"), Role.RECEPTIONIST)
    patient = a_patient(practice, phone="+15035550142")
    with inside(practice):
        for person, number in ((dana, "+15035554001"), (jo, "+15035554002")):
            person.desk_phone = number
            person.save()
        call = Call.objects.create(
            practice=practice, direction="in", status="live", address="+15035550142", patient=patient,
            handler=dana.user, supplier_id="CA1",
        )  # fmt: skip
        PracticeCard.objects.create(
            practice=practice, number=1,
            content={"emergency": "Hang up and dial 911.", "never_say": ["Calm down"], "notes": "Parking"},
        )  # fmt: skip
    client = Client()
    client.force_login(dana.user)
    return SimpleNamespace(practice=practice, dana=dana, jo=jo, patient=patient, call=call, client=client)


def url(desk: Any, rest: str = "") -> str:
    return f"/p/{desk.practice.slug}/steady/{rest}"


def send(desk: Any, way: str, **typed: Any) -> Any:
    given = {
        "what_happened": WHAT, "flag": "on", "promise": "Call back with an answer.",
        "owner": desk.dana.user.pk, "by_when": "2099-01-01T09:00", "once": str(uuid.uuid4()),
        "call": str(desk.call.pk), "patient": str(desk.patient.pk),
    }  # fmt: skip
    return desk.client.post(url(desk, way), given | typed, headers={"HX-Request": "true"})


def soon(desk: Any) -> str:
    at = desk.practice.now().replace(second=0, microsecond=0)
    return f"{at.replace(year=at.year, day=at.day):%Y-%m-%d}T23:59"


@pytest.mark.parametrize("how", ["call", "patient", "path"])
def test_the_card_opens_for_a_call_and_for_a_patient(desk: Any, how: str) -> None:
    address = {
        "call": url(desk) + f"?call={desk.call.pk}",
        "patient": url(desk) + f"?patient={desk.patient.pk}",
        "path": url(desk, f"calls/{desk.call.pk}/"),
    }[how]
    page = desk.client.get(address).content.decode()
    for said in ("Marisol Vega", "Calm down", "What you may offer"):
        assert said in page
    assert desk.client.get(url(desk) + f"?patient={uuid.uuid4()}").status_code == 404
    assert desk.client.get(url(desk) + "?call=nonsense").status_code == 404


def test_a_promise_is_a_task_and_a_flag(desk: Any) -> None:
    answer = send(desk, "promise/", by_when=soon(desk))
    assert answer.status_code == 204, answer.content.decode()
    assert "Promised." in json.loads(answer["HX-Trigger"])["announce"]
    with inside(desk.practice):
        task = Task.objects.get(kind="promise")
        kinds = set(PatientFlag.objects.values_list("kind", flat=True))
    assert (task.owner_id, task.patient_id) == (desk.dana.user.pk, desk.patient.pk)
    assert WHAT in task.note
    assert kinds == {"promise", "upset"}


def test_a_promise_without_a_time_says_so_and_keeps_the_text(desk: Any) -> None:
    answer = send(desk, "promise/", by_when="")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Promise a time that is still to come" in page
    assert WHAT in page
    with inside(desk.practice):
        assert not Task.objects.exists()
        assert not PatientFlag.objects.exists()


def test_the_caller_is_put_through_with_the_summary(desk: Any) -> None:
    answer = send(desk, "transfer/", to=desk.jo.user.pk)
    assert answer.status_code == 204, answer.content.decode()
    with inside(desk.practice):
        call = Call.objects.get()
        assert CallCommand.objects.get().verb == "transfer"
    assert call.handler_id == desk.jo.user.pk
    assert WHAT in call.note


def test_without_a_caller_the_colleague_gets_a_task(desk: Any) -> None:
    assert send(desk, "transfer/", call="", to=desk.jo.user.pk).status_code == 204
    with inside(desk.practice):
        task = Task.objects.get(kind="follow-up")
    assert (task.owner_id, task.note) == (desk.jo.user.pk, WHAT)


def test_a_colleague_without_a_desk_phone_is_said_at_the_field(desk: Any) -> None:
    with inside(desk.practice):
        desk.jo.desk_phone = ""
        desk.jo.save()
    answer = send(desk, "transfer/", to=desk.jo.user.pk)
    assert answer.status_code == 422
    assert "has no desk phone" in answer.content.decode()
    assert "Choose a colleague." in send(desk, "transfer/", to="").content.decode()


def test_a_complaint_opens_and_its_words_raise_the_grounds(desk: Any) -> None:
    key = str(uuid.uuid4())
    for _ in range(2):
        answer = send(desk, "complaint/", what_happened="I will sue you", wanted="An apology", once=key)
        assert answer.status_code == 204
    with inside(desk.practice):
        (row,) = Complaint.objects.all()
        assert Call.objects.get().matter == "complaint"
    assert (row.grounds, row.call_id, row.wanted) == (["legal"], desk.call.pk, "An apology")


def test_a_person_decides_against_a_ground_that_was_shown(desk: Any) -> None:
    send(desk, "complaint/", what_happened="We met in court, as judges", offered=["legal"])
    with inside(desk.practice):
        assert Complaint.objects.get().grounds == []


def test_the_words_are_read_while_they_are_written(desk: Any) -> None:
    typed = {"what_happened": "He has chest pain and will sue", "call": str(desk.call.pk)}
    page = desk.client.post(url(desk, "reading/"), typed).content.decode()
    assert "Hang up and dial 911." in page
    assert 'value="legal" checked' in page
    calm = desk.client.post(url(desk, "reading/"), typed | {"what_happened": "Late"}).content.decode()
    assert "911" not in calm
    assert "checked" not in calm


def test_what_was_typed_is_there_again_until_it_is_used(desk: Any) -> None:
    key = f"steady:{desk.call.pk}"
    typed = {"key": key, "what_happened": "Half a sentence", "wanted": ""}
    assert desk.client.post(f"/p/{desk.practice.slug}/drafts/", typed).status_code == 204
    assert "Half a sentence" in desk.client.get(url(desk, f"calls/{desk.call.pk}/")).content.decode()
    send(desk, "complaint/")
    with inside(desk.practice):
        assert drafts.kept(desk.dana.user, key) is None


def test_without_scripts_it_is_a_page_that_goes_back_to_the_call(desk: Any) -> None:
    answer = desk.client.post(url(desk, "complaint/"), {"what_happened": WHAT, "call": str(desk.call.pk)})
    assert answer.status_code == 302
    assert answer["Location"].endswith(f"/calls/{desk.call.pk}/")


def test_a_clinician_may_promise_but_not_open_complaints(desk: Any) -> None:
    doctor = a_member(desk.practice, a_user("osei@frontdesk.example"), Role.CLINICIAN)
    desk.client.force_login(doctor.user)
    assert "Open a complaint" not in desk.client.get(url(desk)).content.decode()
    assert send(desk, "complaint/").status_code == 403
