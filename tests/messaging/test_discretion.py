"""Who asked for a neutral name or for no voicemail gets it from every sender."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from messaging import broadcasts, call_endings
from messaging.automatic_calls import words_url
from messaging.broadcasts import Addressee, Audience
from messaging.models import Call, Message
from messaging.saved_replies import offered, save_reply
from patients.models import Patient
from practices.audit import SYSTEM
from practices.models import Practice
from practices.tenancy import inside
from tests.factories import a_member, a_patient, an_actor
from tests.messaging.conftest import PHONE, a_texting_patient
from tests.messaging.test_calls import ring
from tests.messaging.test_voice_hooks import BASE, TOKEN, caller, post

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.messaging.urls")]


def a_discreet_patient(practice: Practice, language: str = "es", **wishes: Any) -> Patient:
    patient = a_texting_patient(practice, PHONE, given="Rosa", language=language)
    with inside(practice):
        Patient.objects.filter(pk=patient.pk).update(**wishes)
        return Patient.objects.get(pk=patient.pk)


def test_a_broadcast_does_not_name_the_practice_to_whom_it_must_not(
    practice: Practice, monkeypatch: Any
) -> None:
    patient = a_discreet_patient(practice, neutral_name=True)
    one = Addressee(patient, patient.pk, timezone.now() + dt.timedelta(hours=3), "")
    everybody = Audience("all", "All", lambda: [], lambda args: [one])
    monkeypatch.setattr(broadcasts, "audiences", lambda: {"all": everybody})
    by = an_actor(a_member(practice))
    with inside(practice):
        told = f"{practice.public_name} cierra hoy. {practice.name}. Llame al $phone."
        broadcast = broadcasts.draft(audience="all", args={}, body_en="We close.", body_es=told, by=by)
        broadcasts.start(broadcast=broadcast, by=by)
    broadcasts.send_all(practice)
    with inside(practice):
        body = Message.objects.get(kind="broadcast").body
    assert practice.public_name not in body
    assert practice.name not in body
    assert practice.name_in("es", neutral=True) in body
    assert practice.name_in("en", neutral=True) not in body


def test_a_saved_reply_names_the_practice_as_the_patient_wants(practice: Practice) -> None:
    patient = a_discreet_patient(practice, neutral_name=True)
    with inside(practice):
        save_reply(
            reply=None, name="Hours", body_en="$practice is open.", body_es="$practice abre.", by=SYSTEM
        )
        (reply,) = offered(practice, patient)
        (for_a_stranger,) = offered(practice, None)
    assert reply.en == f"{practice.name_in('en', neutral=True)} is open."
    assert reply.es == f"{practice.name_in('es', neutral=True)} abre."
    assert for_a_stranger.en == f"{practice.public_name} is open."


def test_a_shared_telephone_is_not_told_what_one_of_its_owners_keeps_to_herself(practice: Practice) -> None:
    a_discreet_patient(practice, neutral_name=True)
    a_patient(practice, phone=PHONE, given="Beto")
    call = ring(practice)
    assert call.patient is None
    with inside(practice):
        call_endings.nobody_answered(Call.objects.get(pk=call.pk), 60)
        body = Message.objects.get(kind="missed-call").body
    assert practice.public_name not in body
    assert practice.name_in("en", neutral=True) in body


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("answered_by", ["machine_end_beep", "unknown", "human"])
def test_without_a_key_nothing_stays_on_the_tape_of_whoever_wants_no_voicemail(
    practice: Practice, settings: Any, silent: bool, answered_by: str
) -> None:
    settings.TWILIO_AUTH_TOKEN, settings.PUBLIC_URL = TOKEN, BASE
    patient = a_discreet_patient(practice, "en", no_voicemail=silent)
    with inside(practice):
        message = Message.objects.create(
            practice=practice, patient=patient, direction="out", channel="call", kind="reminder",
            language="en", address=PHONE, body="You have an appointment.", status="sent",
            idempotency_key="call", sent_at=timezone.now(),
        )  # fmt: skip
    tail = words_url(practice, message.pk).split("/voice/")[1].partition("#")[0]
    answer = post(practice, tail, caller(practice, AnsweredBy=answered_by))
    assert answer.status_code == 200
    assert ("Please call us" in answer.content.decode()) is not silent
