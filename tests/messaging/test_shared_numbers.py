"""A text from a number that several patients share: whose it is, a person says."""

import pytest

from frontdesk.queue import needs_you
from messaging import inbox
from messaging.models import Conversation, Message, Task
from practices.models import AuditEntry
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, an_actor

pytestmark = pytest.mark.django_db
NUMBER = "+15035550187"


@pytest.fixture
def practice():
    return a_practice()


@pytest.fixture
def desk(practice, client):
    client.force_login(a_member(practice).user)
    return client


@pytest.fixture
def family(practice):
    return [a_patient(practice, given, "Vega", phone=NUMBER) for given in ("Ana", "Leo")]


def written(practice, body="Can we come earlier?"):
    with inside(practice):
        return inbox.receive(supplier_id="SM1", from_=NUMBER, body=body)


def test_the_queue_shows_the_number_and_offers_to_answer(practice, family):
    message = written(practice)
    with inside(practice):
        (row,) = needs_you(practice)
    assert "(503) 555-0187" in row.text
    assert row.action == "Answer"
    assert str(message.pk) in row.action_url


def thread_of(desk, practice, message):
    """Where the row's button leads: the address of the conversation."""
    response = desk.get(f"/p/{practice.slug}/messages/{message.pk}/answer/")
    assert response.status_code == 302
    return response.url


def test_the_conversation_asks_who_wrote(practice, family, desk):
    page = desk.get(thread_of(desk, practice, written(practice))).content.decode()
    assert "Ana Vega" in page
    assert "Leo Vega" in page


def test_choosing_a_patient_takes_the_text_and_its_task_along(practice, family, desk):
    message = written(practice)
    leo = family[1]
    response = desk.post(f"{thread_of(desk, practice, message)}give/", {"patient": str(leo.pk)})
    with inside(practice):
        assert Message.objects.get(pk=message.pk).patient == leo
        assert Task.objects.open().get().patient == leo
        assert AuditEntry.objects.get(verb="message.given_to_patient").patient_id == leo.pk
        hers = Conversation.objects.get(patient=leo)
    assert response.url == f"/p/{practice.slug}/inbox/{hers.pk}/"


def test_only_a_bearer_of_the_number_can_be_chosen(practice, family, desk):
    message = written(practice)
    stranger = a_patient(practice, "Tom", "Hargrove")
    response = desk.post(f"{thread_of(desk, practice, message)}give/", {"patient": str(stranger.pk)})
    assert response.status_code == 422
    with inside(practice):
        assert Message.objects.get(pk=message.pk).patient is None
        with pytest.raises(ValueError, match="not in that patient"):
            inbox.give_to_patient(message=message, patient=stranger, by=an_actor())


@pytest.mark.parametrize("garbage", ["", "x", "00000000-0000-7000-8000-000000000000"])
def test_garbage_is_nobody(practice, family, desk, garbage):
    url = thread_of(desk, practice, written(practice))
    assert desk.post(f"{url}give/", {"patient": garbage}).status_code == 404


def test_a_number_of_nobody_can_be_answered(practice, desk):
    url = thread_of(desk, practice, written(practice))
    assert desk.get(url).status_code == 200
    assert desk.post(f"{url}write/", {"body": "", "channel": "sms"}).status_code == 422
    desk.post(f"{url}write/", {"body": "Please call us.", "channel": "sms"})
    with inside(practice):
        assert Message.objects.get(direction="out").status == "queued"
        assert not Task.objects.open().exists()


def test_a_form_that_is_sent_twice_is_one_text(practice, desk):
    url = thread_of(desk, practice, written(practice))
    typed = {"body": "Please call us.", "channel": "sms", "once": "019f3a52-7c1e-7b7e-9d3a-0d6c5f1b2a33"}
    desk.post(f"{url}write/", typed)
    desk.post(f"{url}write/", typed)
    with inside(practice):
        assert Message.objects.filter(direction="out").count() == 1
