"""Silence: by words of the law and of free speech, by text, mail and voice, one channel at a time."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging import delivery, inbox, recordings, templates
from messaging.models import Call, Conversation, Message, Suppression, Task
from messaging.outbox import address_index
from messaging.phrases import STOP
from messaging.replies import keyword, read_reply
from patients.models import Channel
from practices.audit import SYSTEM
from practices.tenancy import inside
from tests.messaging.conftest import PHONE, a_text, agree, stored

# A machine that is busy with other tests is no fault of a text.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
pytestmark = pytest.mark.django_db

FCC = ["stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"]
DRESSES = ["{}", "{}!", "  {}. ", "{} 🛑", "“{}”", "{} please"]


@pytest.mark.parametrize("word", [*FCC, "stopall", "parar", "alto"])
@pytest.mark.parametrize("dress", DRESSES)
def test_every_word_of_the_law_stops_in_any_dress(word, dress):
    for letters in (word, word.upper(), word.title()):
        assert read_reply(dress.format(letters)) == "stop"


def test_a_stop_counts_before_the_next_claim(practice, patient, supplier):
    waiting = a_text(practice, patient)
    with inside(practice):
        inbox.receive(supplier_id="SM1", from_=PHONE, body="STOP")
    delivery.deliver_all(practice)
    assert stored(practice, waiting).status == "cancelled"
    assert supplier.ledger() == []


def test_silence_is_of_one_channel(practice, patient):
    agree(practice, patient, "email")
    with inside(practice):
        inbox.receive(supplier_id="SM1", from_=PHONE, body="STOP")
        assert list(Suppression.objects.values_list("channel", flat=True)) == ["sms"]


@pytest.mark.parametrize(
    ("words", "channels"),
    [
        ("Hi this is Ana, please stop calling me, thank you", ["call", "sms"]),
        ("por favor dejen de mandar mensajes", ["call", "sms"]),
        ("Hello, I have a question about my visit on Thursday", []),
        ("", []),
    ],
)
def test_what_is_said_to_the_voicemail_counts_too(practice, patient, words, channels):
    with inside(practice):
        wished = inbox.heard(text=words, channel=Channel.CALL, address=PHONE, patient=patient, by=SYSTEM)
        assert wished == bool(channels)
        rows = Suppression.objects.filter(lifted_at=None).order_by("channel")
        assert [(row.channel, row.source) for row in rows] == [(channel, "possible") for channel in channels]
        assert Task.objects.open().count() == bool(channels)
        assert all(row.address_index == address_index("call", PHONE) for row in rows)


def words_of_the_house():
    """Every wording that leaves the house, with its kind and language."""
    for kind, languages in templates.TEXTS.items():
        for language, body in languages.items():
            yield kind, language, body
    for kind, languages in templates.MAILS.items():
        for language, (subject, body) in languages.items():
            yield kind, language, f"{subject} {body}"


def test_a_transcript_is_listened_to(practice, patient):
    with inside(practice):
        call = Call.objects.create(
            practice=practice,
            direction="in",
            status="ended",
            outcome="voicemail",
            address=PHONE,
            patient=patient,
        )
        text = "This is Ana, take me off your list please."
        recordings.transcribed(call, "RE" + "0" * 32, text)
        channels = Suppression.objects.filter(source="possible").values_list("channel", flat=True)
        assert sorted(channels) == ["call", "sms"]


ASKS = ("reply", "respond", "text", "send", "answer", "responda", "envie", "escriba", "mande")


def test_no_wording_of_the_house_asks_for_an_opt_out_word():
    """A patient who does as she is told must not silence us by it (SECURITY.md D10)."""
    for kind, language, body in words_of_the_house():
        said = [keyword(word) for word in body.split()]
        for asks, word in itertools.pairwise(said):
            assert not (asks in ASKS and word in STOP), (kind, language, body)
    asked = set()
    for _, _, body in words_of_the_house():
        asked |= {word for asks, word in itertools.pairwise(map(keyword, body.split())) if asks in ASKS}
    assert {"yes", "si"} <= asked  # the test sees what is asked for


def test_the_threads_know(practice, patient):
    with inside(practice):
        inbox.receive(supplier_id="SM1", from_=PHONE, body="Do I have to come without breakfast?")
        thread = Conversation.objects.get()
        assert (thread.patient, thread.state, thread.last_from_them) == (patient, "needs-action", True)
        assert thread.last_line == "Do I have to come without breakfast?"
        message = Message.objects.get()
        inbox.mark_handled(message=message, by=SYSTEM)
        thread.refresh_from_db()
        assert thread.state == "done"
        inbox.receive(supplier_id="SM2", from_=PHONE, body="STOP")
        thread.refresh_from_db()
        assert (thread.state, thread.last_line) == ("done", "STOP")
        inbox.undo_reading(message=Message.objects.get(supplier_id="SM2"), by=SYSTEM)
        thread.refresh_from_db()
        assert thread.state == "needs-action"
        assert not Suppression.objects.filter(lifted_at=None).exists()


def test_an_emergency_lifts_the_thread(practice, patient):
    with inside(practice):
        inbox.receive(supplier_id="SM1", from_=PHONE, body="I have chest pain")
        assert Conversation.objects.get().urgency == Task.Urgency.EMERGENCY


@unhurried
@given(st.text(max_size=30))
def test_a_stop_word_among_others_is_no_stop(more):
    """“stop by at three” is no wish for silence; what may be one is a person's."""
    if any(char.isalpha() for char in more):
        assert read_reply(f"stop {more} tomorrowish") != "stop"
