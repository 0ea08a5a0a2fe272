"""The pages of the team's messages, and the link by which an urgent one is taken."""

import datetime as dt
import re
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging import ack_links, drafts
from messaging.models import Call, StaffMessage
from messaging.staff_messages import take_message
from practices.models import AccessEvent, Role
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, a_user, an_actor

pytestmark = pytest.mark.django_db(transaction=True)

LIST_QUERIES = 15  # the gate, the tab, its counts, who works here and is on call, and who was shown


@pytest.fixture
def desk(practice: Any) -> SimpleNamespace:
    dana = a_member(practice, a_user("dana@frontdesk.example"))
    ama = a_member(practice, a_user("ama@frontdesk.example"), Role.CLINICIAN)
    client = Client()
    client.force_login(dana.user)
    base = f"/p/{practice.slug}/team/"
    return SimpleNamespace(practice=practice, dana=dana, ama=ama, client=client, base=base)


def typed(desk: SimpleNamespace, **fields: Any) -> dict[str, Any]:
    values = {
        "kind": "refill", "to_whom": f"person:{desk.ama.user.pk}", "body": "Out of lisinopril.",
        "callback_number": "", "urgency": "", "promise": "60", "promised_at": "",
        "once": "2c3a3a0e-1111-4111-8111-111111111111", "call": "", "find": "",
    }  # fmt: skip
    return values | fields


def taken(desk: SimpleNamespace, key: str = "k", **fields: Any) -> StaffMessage:
    values = {"kind": "clinical", "body": "Rash after the new pill.", "read_back": True}
    values |= {"recipient": "person", "to_user": desk.ama.user}
    with inside(desk.practice):
        return take_message(**(values | fields), once_key=key, by=an_actor(desk.dana))


def everything(desk: SimpleNamespace) -> list[StaffMessage]:
    with inside(desk.practice):
        return list(StaffMessage.objects.all())


def test_a_message_is_taken_and_listed_for_whom_it_is(desk):
    answer = desk.client.post(f"{desk.base}new/", typed(desk))
    assert answer.status_code == 302
    desk.client.force_login(desk.ama.user)
    page = desk.client.get(desk.base).content.decode()
    assert "Refill for Ama" in page
    assert "Out of lisinopril." in page
    assert "nobody has it yet" in page.lower()


def test_a_number_shows_the_sentence_and_is_saved_after_it_was_confirmed(desk):
    patient = a_patient(desk.practice)
    fields = typed(desk, callback_number="503 555 0142", patient=str(patient.pk))
    page = desk.client.post(f"{desk.base}new/", fields)
    assert page.status_code == 200
    sentence = page.context["sentence"]
    assert "Marisol Vega" in sentence
    assert "(503) 555-0142" in sentence
    assert everything(desk) == []
    # Without the tick, or with other words than were read back, the sentence comes again.
    assert desk.client.post(f"{desk.base}new/", fields | {"sentence": sentence}).status_code == 200
    changed = fields | {"sentence": sentence, "read_back": "yes", "body": "Something else"}
    assert desk.client.post(f"{desk.base}new/", changed).context["sentence"] != sentence
    assert everything(desk) == []
    confirmed = fields | {"sentence": sentence, "read_back": "yes"}
    assert desk.client.post(f"{desk.base}new/", confirmed).status_code == 302
    assert desk.client.post(f"{desk.base}new/", confirmed).status_code == 302  # the page sent again
    (message,) = everything(desk)
    assert (message.read_back, message.callback_number) == (True, "+15035550142")


def test_without_a_name_the_form_says_where_it_goes(desk):
    fields = {"kind": "refill", "to_whom": "", "body": "secret", "callback_number": "1"}
    said = desk.client.get(f"{desk.base}goes-to/", fields).content.decode()
    assert said.strip() == "Goes to the clinicians: Ama. Usually today."
    nobody = desk.client.get(f"{desk.base}goes-to/", {"kind": "clinical", "to_whom": ""}).content.decode()
    assert nobody.startswith("Nobody is on call now. There is no manager either. Add somebody")
    assert "Goes to the clinicians" not in desk.client.get(f"{desk.base}new/").content.decode()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"body": ""}, "body"),
        ({"kind": "gossip"}, "kind"),
        ({"to_whom": "person:999999"}, "to_whom"),
        ({"to_whom": "role:pilot"}, "to_whom"),
        ({"callback_number": "12"}, "callback_number"),
        ({"promise": "at"}, "promised_at"),
        ({"promise": "at", "promised_at": "2020-01-01T10:00"}, "promised_at"),
        ({"patient": "not an id"}, "patient"),
        ({"patient": "2c3a3a0e-1111-4111-8111-111111111112"}, "patient"),
        ({"urgency": "9"}, "urgency"),
        ({"body": "x" * 2001}, "body"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(desk, fields, field):
    page = desk.client.post(f"{desk.base}new/", typed(desk, **fields))
    assert page.status_code == 422
    errors = page.context["form"].errors
    assert field in errors
    assert everything(desk) == []


def test_the_form_of_a_call_knows_its_number_patient_and_draft(desk):
    patient = a_patient(desk.practice)
    with inside(desk.practice):
        call = Call.objects.create(
            practice=desk.practice, direction="in", status="live", address="+15035550142", patient=patient
        )
    page = desk.client.get(f"{desk.base}new/?call={call.pk}").content.decode()
    assert "(503) 555-0142" in page
    assert "Marisol Vega" in page
    assert f'data-draft-key="call:{call.pk}:message"' in page
    with inside(desk.practice):
        drafts.keep(desk.dana.user, f"call:{call.pk}:message", {"body": "Half a sentence"})
    assert "Half a sentence" in desk.client.get(f"{desk.base}new/?call={call.pk}").content.decode()
    sent = typed(desk, call=str(call.pk))
    assert desk.client.post(f"{desk.base}new/", sent).status_code == 302
    with inside(desk.practice):
        assert drafts.kept(desk.dana.user, f"call:{call.pk}:message") is None
    assert everything(desk)[0].call_id == call.pk


def test_a_patient_is_found_without_a_script_and_nothing_is_lost(desk, patient):
    from patients.registry import write_words

    with inside(desk.practice):
        write_words([patient])
    page = desk.client.post(f"{desk.base}new/", typed(desk, find="Vega", step="find")).content.decode()
    assert f'value="{patient.pk}"' in page
    assert "Out of lisinopril." in page
    assert everything(desk) == []


def test_accepting_passing_on_and_answering(desk):
    message = taken(desk)
    url = f"{desk.base}{message.pk}/"
    assert desk.client.post(f"{url}accept/").status_code == 302
    assert desk.client.post(f"{url}accept/", headers={"HX-Request": "true"}).status_code == 204
    assert "Dana accepted it here" in desk.client.get(url).content.decode()
    passed = desk.client.post(f"{url}hand-over/", {"to_whom": "role:clinician"})
    assert passed.status_code == 302
    assert "Dana handed it to the clinicians" in desk.client.get(f"{url}?fragment=log").content.decode()
    assert desk.client.post(f"{url}hand-over/", {"to_whom": ""}).status_code == 422
    assert desk.client.post(f"{url}done/", {"outcome": ""}).status_code == 422
    assert desk.client.post(f"{url}done/", {"outcome": "Called her."}).status_code == 302
    assert desk.client.post(f"{url}done/", {"outcome": "Again"}).status_code == 409
    assert "Called her." in desk.client.get(url).content.decode()
    assert desk.client.get(f"{desk.base}?tab=done").context["rows"][0].pk == message.pk


def test_what_was_promised_and_not_kept_comes_first(desk):
    soon = timezone.now() + dt.timedelta(minutes=10)
    urgent = taken(desk, "urgent", urgency=0)
    late = taken(desk, "late", urgency=2, promised_by=soon)
    with time_machine.travel(soon + dt.timedelta(minutes=1)):
        desk.client.force_login(desk.ama.user)
        rows = desk.client.get(desk.base).context["rows"]
    assert [row.pk for row in rows] == [late.pk, urgent.pk]
    assert rows[0].overdue
    assert rows[0].tone == "bad"


def test_who_was_shown_is_written_down_and_privacy_hides_it(desk):
    patient = a_patient(desk.practice)
    message = taken(desk, patient=patient)
    assert "Rash" in desk.client.get(f"{desk.base}?tab=open").content.decode()
    with inside(desk.practice):
        assert AccessEvent.objects.filter(screen="team-messages", patient_ids=[patient.pk]).exists()
    type(desk.dana.user).objects.filter(pk=desk.dana.user.pk).update(privacy_mode=True)
    for address in (f"{desk.base}?tab=open", f"{desk.base}{message.pk}/"):
        page = desk.client.get(address).content.decode()
        assert "Rash" not in page
        assert "Marisol" not in page


@pytest.mark.parametrize("number", [1, 30])
def test_the_list_asks_as_much_for_thirty_as_for_one(desk, number):
    patient = a_patient(desk.practice)
    for key in range(number):
        taken(desk, f"k{key}", patient=patient)
    desk.client.get(f"{desk.base}?tab=open&fragment=rows")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = desk.client.get(f"{desk.base}?tab=open&fragment=rows", headers={"HX-Request": "true"})
    assert len(page.context["rows"]) == number
    assert len(queries) == LIST_QUERIES


def link_of(desk: SimpleNamespace, message: StaffMessage) -> str:
    with inside(desk.practice):
        return re.sub(r"^https?://[^/]+", "", ack_links.address_for(message, desk.ama.user))


def test_the_link_says_nothing_of_the_patient_and_looking_changes_nothing(desk):
    patient = a_patient(desk.practice)
    message = taken(desk, urgency=0, patient=patient, callback_number="+15035550142")
    address, stranger = link_of(desk, message), Client()
    for _ in range(2):
        page = stranger.get(address)
        assert page.status_code == 200
        body = page.content.decode()
        assert not re.search("Marisol|Vega|Rash|0142|clinical", body, re.IGNORECASE)
        assert "<script" not in body
        assert page["Referrer-Policy"] == "no-referrer"
    assert everything(desk)[0].acknowledged_at is None
    assert "You have it" in stranger.post(address).content.decode()
    (row,) = everything(desk)
    assert (row.acknowledged_by_id, row.acknowledged_how) == (desk.ama.user.pk, "link")
    assert "You have it" in stranger.get(address).content.decode()
    with inside(desk.practice):
        other = ack_links.address_for(message, desk.dana.user)
    again = stranger.post(re.sub(r"^https?://[^/]+", "", other))
    assert "Ama has it" in again.content.decode()


def test_a_link_that_is_not_quite_right_is_no_link(desk):
    message = taken(desk, urgency=0)
    address = link_of(desk, message)
    cedar = a_practice("cedar-park")
    wrong = [
        address.replace(f".{desk.ama.user.pk}.", f".{desk.dana.user.pk}."),
        address[:-2] + "!/",
        address.replace(desk.practice.link_code, cedar.link_code),
        "/a/x/",
        f"/a/{desk.practice.link_code}/",
        "/a/" + "y" * 300 + "/",
        f"/a/{message.pk}/",
    ]
    for one in wrong:
        assert Client().post(one).status_code == 404, one
    assert everything(desk)[0].acknowledged_at is None


def test_a_link_lives_two_days_and_ends_with_the_membership(desk):
    message = taken(desk, urgency=0)
    address = link_of(desk, message)
    with time_machine.travel(timezone.now() + dt.timedelta(days=2, minutes=1)):
        assert Client().post(address).status_code == 410
    with inside(desk.practice):
        type(desk.ama).objects.filter(pk=desk.ama.pk).update(active=False)
    assert Client().post(address).status_code == 404
    assert everything(desk)[0].acknowledged_at is None
    assert message.ack_token_hash not in address
