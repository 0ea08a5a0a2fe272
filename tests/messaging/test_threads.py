"""The inbox: its list, one conversation, what is written in it, and where it goes."""

import ast
import datetime as dt
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from messaging import conversations, drafts, inbox
from messaging.conversations import Line, State
from messaging.models import (
    Attachment,
    Call,
    Conversation,
    ConversationRead,
    Message,
    Recording,
    Suppression,
    Task,
    TeamNote,
)
from messaging.saved_replies import save_reply
from messaging.writing import send
from patients.models import Patient
from practices.audit import SYSTEM
from practices.models import AccessEvent, AuditEntry, Role
from practices.tenancy import inside
from tests.factories import a_member, a_patient, a_practice, a_user, an_actor
from tests.messaging.conftest import PHONE, a_text, a_texting_patient, agree

HTMX = {"HX-Request": "true"}
INBOX_QUERIES = 19
THREAD_QUERIES = 35


@pytest.fixture
def desk(db: Any, settings: Any) -> SimpleNamespace:
    """A practice that is awake all day, with Dana at its desk and Jo beside her."""
    settings.REPLY_HANDLERS = []
    practice = a_practice(quiet_from=dt.time(0), quiet_until=dt.time(0))
    dana, jo = a_member(practice), a_member(practice, a_user("jo@frontdesk.example"))
    client = Client()
    client.force_login(dana.user)
    patient = a_texting_patient(practice, PHONE, given="Ruth", family="Adeyemi")
    made = SimpleNamespace(practice=practice, dana=dana, jo=jo, client=client, patient=patient)
    made.by, made.jo_by = an_actor(dana), an_actor(jo)
    made.url = lambda name, *args: reverse(name, args=[practice.slug, *args])
    return made


def wrote(desk: SimpleNamespace, body: str = "Could I come by?", from_: str = PHONE) -> Message:
    """A text that waits for a person, as the supplier brings it."""
    with inside(desk.practice):
        message = inbox.receive(supplier_id=f"SM{uuid.uuid4()}", from_=from_, body=body)
    assert message is not None
    assert message.needs_person
    return message


def thread_of(desk: SimpleNamespace, patient: Patient | None = None) -> Conversation:
    with inside(desk.practice):
        return Conversation.objects.select_related("patient", "owner").get(patient=patient or desk.patient)


def state_of(desk: SimpleNamespace, thread: Conversation) -> tuple[str, Any]:
    with inside(desk.practice):
        now = Conversation.objects.select_related("owner").get(pk=thread.pk)
        return now.state, now.owner


def page(desk: SimpleNamespace, name: str, *args: Any, **query: Any) -> str:
    answer = desk.client.get(desk.url(name, *args), query)
    assert answer.status_code == 200, answer.content[:500]
    return str(answer.content.decode())


def write(
    desk: SimpleNamespace, thread: Conversation, body: str, to: str = "thread-write", **fields: Any
) -> Any:
    headers = fields.pop("headers", {})
    values = {"body": body, "channel": "sms", "language": "en", "version": thread.version} | fields
    return desk.client.post(desk.url(to, thread.pk), values, headers=headers)


def sent(desk: SimpleNamespace) -> list[Message]:
    with inside(desk.practice):
        return list(Message.objects.filter(direction="out").order_by("created_at"))


# The list.


def test_a_text_comes_to_the_list_and_leaves_it_when_answered(desk: SimpleNamespace) -> None:
    wrote(desk)
    assert "Could I come by?" in page(desk, "inbox")
    write(desk, thread_of(desk), "Thursday at 2?")
    assert "All clear" in page(desk, "inbox")
    assert "We wrote: Thursday at 2?" in page(desk, "inbox", tab="waiting")
    assert state_of(desk, thread_of(desk))[0] == State.WAITING


def test_the_list_costs_the_same_with_one_row_and_with_thirty(desk: SimpleNamespace) -> None:
    wrote(desk)
    page(desk, "inbox")  # the session's first request writes its clock
    for more in (0, 29):
        for number in range(more):
            patient = a_texting_patient(desk.practice, f"+1503555{2000 + number}", family=f"F{number}")
            assert patient
            wrote(desk, f"Text {number}", f"+1503555{2000 + number}")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            body = page(desk, "inbox")
        assert body.count('class="th ') == more + 1
        assert len(asked) == INBOX_QUERIES


def test_an_emergency_stands_on_top_and_the_newest_next(desk: SimpleNamespace) -> None:
    for number, text in ((1, "Are you open?"), (2, "I have chest pain"), (3, "Is there parking?")):
        wrote(desk, text, f"+1503555000{number}")
    body = page(desk, "inbox")
    found = [body.index(words) for words in ("I have chest pain", "Is there parking?", "Are you open?")]
    assert found == sorted(found)
    assert "Possible emergency" in body


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ({"channel": "sms"}, True), ({"channel": "email"}, False), ({"owner": "nobody"}, True),
        ({"owner": "me"}, False), ({"urgency": "routine"}, True), ({"urgency": "emergency"}, False),
        ({"owner": "role:manager"}, False), ({"channel": "fax", "owner": "'", "urgency": "9"}, True),
        ({"start": "50"}, False), ({"start": "-1"}, True), ({"start": "9" * 30}, True),
        ({"tab": "nope"}, True),
    ],
)  # fmt: skip
def test_the_filters(desk: SimpleNamespace, query: dict[str, str], there: bool) -> None:
    wrote(desk)
    assert ("Could I come by?" in page(desk, "inbox", **query)) is there


def test_a_filter_by_a_colleague(desk: SimpleNamespace) -> None:
    wrote(desk)
    desk.client.post(desk.url("thread-owner", thread_of(desk).pk), {"to": str(desk.jo.user.pk)})
    assert "Jo is on it" in page(desk, "inbox", owner=str(desk.jo.user.pk))
    assert "Nothing fits the filter" in page(desk, "inbox", owner="me")


def test_what_was_not_seen_is_marked_for_each_person(desk: SimpleNamespace) -> None:
    wrote(desk)
    thread = thread_of(desk)
    assert "Not read yet" in page(desk, "inbox")
    page(desk, "thread", thread.pk)
    assert "Not read yet" not in page(desk, "inbox")
    jo = Client()
    jo.force_login(desk.jo.user)
    assert "Not read yet" in jo.get(desk.url("inbox")).content.decode()
    wrote(desk, "And another thing")
    assert "Not read yet" in page(desk, "inbox")
    desk.client.get(desk.url("thread", thread.pk), headers=HTMX | {"X-Live": "1", "HX-Target": "thread-now"})
    assert "Not read yet" in page(desk, "inbox"), "a page that refreshes itself has not been looked at"
    assert desk.client.post(desk.url("thread-seen", thread.pk)).status_code == 204
    assert "Not read yet" not in page(desk, "inbox")
    with inside(desk.practice):
        assert ConversationRead.objects.get().user == desk.dana.user


def test_names_hidden_are_hidden_in_the_list_and_the_thread(desk: SimpleNamespace) -> None:
    desk.dana.user.privacy_mode = True
    desk.dana.user.save()
    wrote(desk, "I am Ruth and it is about my knee")
    wrote(desk, "Who are you?", "+15035550119")
    listed = page(desk, "inbox")
    for secret in ("Ruth", "Adeyemi", "knee", "0142", "0119", "Who are you?"):
        assert secret not in listed
    assert "R. A." in listed
    opened = page(desk, "thread", thread_of(desk).pk)
    assert "Adeyemi" not in opened
    assert "(503) 555-0142" not in opened


def test_who_was_shown_is_written_down(desk: SimpleNamespace) -> None:
    wrote(desk)
    page(desk, "inbox")
    page(desk, "thread", thread_of(desk).pk)
    with inside(desk.practice):
        screens = {event.screen: event.patient_ids for event in AccessEvent.objects.all()}
    assert screens["inbox"] == [desk.patient.pk]
    assert screens["messages"] == [desk.patient.pk]


# One conversation.


def everything_in(desk: SimpleNamespace, times: int) -> None:
    """A text, an e-mail, calls with a voicemail, an attachment and a note, so many times."""
    with inside(desk.practice):
        thread = conversations.conversation_with(patient=desk.patient)
        for number in range(times):
            message = a_text(desk.practice, desk.patient)
            Attachment.objects.create(practice=desk.practice, message=message, state="quarantine")
            call = Call.objects.create(
                practice=desk.practice, direction="in", status="ended", outcome="voicemail",
                handler=desk.dana.user, patient=desk.patient, address=PHONE, note=f"Call {number}",
            )  # fmt: skip
            Recording.objects.create(
                practice=desk.practice, call=call, supplier_id=f"RE{uuid.uuid4()}", seconds=7, state="stored",
                transcript=f"Said {number}", audio=b"RIFF",
            )  # fmt: skip
            conversations.note(thread=thread, body=f"Note {number}", key=f"n:{uuid.uuid4()}", by=desk.by)


def test_a_thread_costs_the_same_with_few_entries_and_with_many(desk: SimpleNamespace) -> None:
    everything_in(desk, 2)
    thread = thread_of(desk)
    page(desk, "thread", thread.pk)
    for more, expected in ((0, 6), (32, 100)):
        everything_in(desk, more)
        with CaptureQueriesContext(connection) as asked:
            body = page(desk, "thread", thread.pk)
        assert body.count('class="bub') + body.count("call-entry") == expected
        assert len(asked) == THREAD_QUERIES
    assert "Show earlier" in body
    assert "Show earlier" not in page(desk, "thread", thread.pk, show="200")


def test_a_thread_shows_everything_that_was_said(desk: SimpleNamespace) -> None:
    everything_in(desk, 1)
    with inside(desk.practice):
        Call.objects.create(
            practice=desk.practice, direction="in", status="ended", outcome="missed", patient=desk.patient,
            address=PHONE, started_at=timezone.now() - dt.timedelta(seconds=31), ended_at=timezone.now(),
        )  # fmt: skip
    body = page(desk, "thread", thread_of(desk).pk)
    for words in ("“Said 0”", "Call 0", "Note 0", "Team note, not sent", "waits for the virus scanner",
                  "Missed call, rang 0:31"):  # fmt: skip
        assert words in body


@pytest.mark.parametrize(
    ("state", "words", "opens"),
    [
        ("clean", "checked", True), ("refused", "File refused: not a picture", False),
        ("announced", "being fetched", False),
    ],
)  # fmt: skip
def test_only_a_clean_file_can_be_opened(desk: SimpleNamespace, state: str, words: str, opens: bool) -> None:
    message = wrote(desk)
    with inside(desk.practice):
        file = Attachment.objects.create(
            practice=desk.practice,
            message=message,
            state=state,
            reason="not a picture",
            size=7,
            found_type="image/png",
        )
    body = page(desk, "thread", thread_of(desk).pk)
    assert words in body
    assert (str(file.pk) in body) <= opens


def test_the_record_shows_the_same_conversation(desk: SimpleNamespace) -> None:
    wrote(desk)
    body = page(desk, "patient-messages", desk.patient.pk)
    assert "Could I come by?" in body
    assert desk.url("thread-write", thread_of(desk).pk) in body
    assert 'name="place" value="record"' in body
    answer = write(desk, thread_of(desk), "Yes", place="record")
    assert answer["Location"] == desk.url("patient-messages", desk.patient.pk)


def test_a_row_of_the_queue_leads_into_the_thread(desk: SimpleNamespace) -> None:
    message = wrote(desk)
    answer = desk.client.get(desk.url("message-answer", message.pk))
    assert answer["Location"] == desk.url("thread", thread_of(desk).pk)


def test_a_patient_of_another_practice_has_no_thread_here(desk: SimpleNamespace) -> None:
    other = a_practice("cedar-park")
    theirs = a_patient(other, "Xanthippe", "Quorlowe")
    with inside(other):
        thread = conversations.conversation_with(patient=theirs)
    for name in (
        "thread",
        "thread-write",
        "thread-note",
        "thread-close",
        "thread-owner",
        "thread-later",
        "thread-give",
    ):
        answer = desk.client.post(desk.url(name, thread.pk), {"body": "x", "to": "me"})
        assert answer.status_code in {404, 405}, name
    assert desk.client.get(desk.url("thread", thread.pk)).status_code == 404
    assert desk.client.get(desk.url("patient-thread", theirs.pk)).status_code == 404


# Writing.


def test_an_answer_goes_out_once_however_often_it_is_sent(desk: SimpleNamespace) -> None:
    wrote(desk)
    thread, once = thread_of(desk), str(uuid.uuid4())
    for _ in range(3):
        assert write(desk, thread, "Thursday at 2?", once=once).status_code == 303
    (message,) = sent(desk)
    assert (message.body, message.created_by, message.language) == ("Thursday at 2?", desk.dana.user, "en")
    with inside(desk.practice):
        assert Task.objects.get().outcome == "answered"


def test_a_script_gets_an_empty_composer_and_hears_what_to_refresh(desk: SimpleNamespace) -> None:
    wrote(desk)
    answer = write(desk, thread_of(desk), "Thursday at 2?", headers=HTMX)
    body = answer.content.decode()
    assert answer.status_code == 200
    assert "inbox" in answer["HX-Trigger"]
    assert 'class="bub me"' in body
    assert "Thursday at 2?</textarea>" not in body


@pytest.mark.parametrize(
    ("body", "words"), [("", "Write what you want to say."), ("word " * 190, "Say it shorter or call.")]
)
def test_what_cannot_go_keeps_what_was_typed(desk: SimpleNamespace, body: str, words: str) -> None:
    wrote(desk)
    answer = write(desk, thread_of(desk), body)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert f"{body.strip()[:60]}" in answer.content.decode()
    assert not sent(desk)


def test_without_consent_the_page_says_why_not_and_nothing_goes(desk: SimpleNamespace) -> None:
    silent = a_patient(desk.practice, "Tom", "Hargrove", phone="+15035550119")
    body = page(desk, "patient-messages", silent.pk)
    assert "has not agreed to texts" in body
    assert "There is no e-mail address" in body
    assert 'value="note" checked' in body
    answer = write(desk, thread_of(desk, silent), "Hello")
    assert answer.status_code == 422
    assert "has not agreed to texts" in answer.content.decode()
    assert ">\nHello</textarea>" in answer.content.decode()
    assert [message.status for message in sent(desk)] == ["suppressed"]


def test_an_e_mail_goes_to_who_agreed(desk: SimpleNamespace) -> None:
    agree(desk.practice, desk.patient, "email")
    with inside(desk.practice):
        desk.patient.contact_points.create(practice=desk.practice, system="email", value="ruth@example.org")
        conversations.conversation_with(patient=desk.patient)
    assert write(desk, thread_of(desk), "A long answer", channel="email", language="es").status_code == 303
    (message,) = sent(desk)
    assert (message.channel, message.language, message.subject) == (
        "email",
        "es",
        "Un mensaje de Harbor Street",
    )


def test_a_number_that_stopped_texts_is_not_written_to(desk: SimpleNamespace) -> None:
    message = wrote(desk)
    with inside(desk.practice):
        Suppression.objects.create(
            practice=desk.practice, channel="sms", address_index=message.address_index, source="text"
        )
    assert "stopped texts" in page(desk, "thread", thread_of(desk).pk)
    assert write(desk, thread_of(desk), "Hello").status_code == 422
    with inside(desk.practice):
        assert Task.objects.open().exists(), "what was asked still waits"


def test_typographic_letters_do_not_make_a_text_longer(desk: SimpleNamespace) -> None:
    wrote(desk)
    write(desk, thread_of(desk), "Don’t worry – we’ll call…")
    assert sent(desk)[0].body == "Don't worry - we'll call..."


# A note is never sent.


@pytest.mark.parametrize("channel", ["note", "sms", "email", "", "call", "staff"])
def test_the_address_of_notes_never_sends_whatever_the_form_says(desk: SimpleNamespace, channel: str) -> None:
    wrote(desk)
    thread = thread_of(desk)
    answer = write(desk, thread, "She owes us $200", "thread-note", channel=channel, once=str(uuid.uuid4()))
    assert answer.status_code == 303
    assert not sent(desk)
    with inside(desk.practice):
        assert TeamNote.objects.get().body == "She owes us $200"
    assert state_of(desk, thread)[0] == State.NEEDS_ACTION, "a note answers nobody"


@pytest.mark.parametrize("channel", ["note", "", "call", "staff", "NOTE", "push"])
def test_the_address_that_sends_refuses_what_is_no_text_and_no_e_mail(
    desk: SimpleNamespace, channel: str
) -> None:
    wrote(desk)
    answer = write(desk, thread_of(desk), "She owes us $200", channel=channel)
    assert answer.status_code == 422
    assert "She owes us $200" in answer.content.decode()
    assert not sent(desk)
    with inside(desk.practice):
        assert not TeamNote.objects.exists()


def test_a_note_is_left_once(desk: SimpleNamespace) -> None:
    wrote(desk)
    once = str(uuid.uuid4())
    for _ in range(2):
        write(desk, thread_of(desk), "Careful", "thread-note", once=once)
    with inside(desk.practice):
        assert TeamNote.objects.count() == 1
        assert Conversation.objects.get(patient=desk.patient).last_line == "Dana: Careful"


def test_nothing_that_sends_knows_of_notes() -> None:
    """No module on the way out imports the table of notes, and no key of the outbox leads to it."""
    folder = Path(conversations.__file__).parent
    on_the_way = ["outbox", "delivery", "writing", "sms", "email", "reconciling", "tasks", "inbox"]
    for name in on_the_way:
        tree = ast.parse((folder / f"{name}.py").read_text())
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.alias)}
        names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert "TeamNote" not in names, name
        assert "note" not in names & {"note"} or name != "writing"
    related = {field.related_model for field in Message._meta.get_fields()}
    assert TeamNote not in related
    assert Message not in {field.related_model for field in TeamNote._meta.get_fields()}


# Two at once.


def test_who_answers_after_somebody_else_sees_both(desk: SimpleNamespace) -> None:
    wrote(desk)
    thread = thread_of(desk)
    with inside(desk.practice):
        send(thread=thread, channel="sms", body="Friday at 9?", language="en", key="jo", by=desk.jo_by)
    answer = write(desk, thread, "Thursday at 2?")
    body = answer.content.decode()
    assert answer.status_code == 409
    for words in ("Friday at 9?", "Thursday at 2?", "Nothing was changed"):
        assert words in body
    assert len(sent(desk)) == 1
    assert f'value="{thread_of(desk).version}" form="compose"' in body
    assert write(desk, thread_of(desk), "Thursday at 2?").status_code == 303, "seen, and sent all the same"


@pytest.mark.parametrize(
    ("name", "fields"), [("thread-close", {}), ("thread-owner", {"to": "me"}), ("thread-later", None)]
)
def test_a_change_from_a_stale_page_is_shown_and_not_made(
    desk: SimpleNamespace, name: str, fields: Any
) -> None:
    wrote(desk)
    stale = thread_of(desk)
    wrote(desk, "It hurts a lot now")
    fields = fields if fields is not None else {"until": tomorrow()}
    answer = desk.client.post(desk.url(name, stale.pk), fields | {"version": stale.version})
    assert answer.status_code == 409
    assert "It hurts a lot now" in answer.content.decode()
    assert state_of(desk, stale) == (State.NEEDS_ACTION, None)


def tomorrow() -> str:
    return f"{timezone.now() + dt.timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"


# Where it goes.


def test_it_is_given_to_a_colleague_to_a_role_and_to_nobody(desk: SimpleNamespace) -> None:
    wrote(desk)
    thread = thread_of(desk)
    target = desk.url("thread-owner", thread.pk)
    desk.client.post(target, {"to": str(desk.jo.user.pk)})
    assert state_of(desk, thread)[1] == desk.jo.user
    with inside(desk.practice):
        assert Task.objects.get().owner == desk.jo.user
    desk.client.post(target, {"to": f"role:{Role.MANAGER}"})
    assert "For managers" in page(desk, "inbox")
    desk.client.post(target, {"to": "me"})
    assert "Could I come by?" in page(desk, "inbox", tab="mine")
    desk.client.post(target, {"to": "nobody"})
    assert state_of(desk, thread)[1] is None


@pytest.mark.parametrize("to", ["", "role:boss", "999999", "²", "me2", "role:", "9" * 40])
def test_it_is_given_to_nobody_who_is_not_there(desk: SimpleNamespace, to: str) -> None:
    wrote(desk)
    a_user("stranger@frontdesk.example")
    answer = desk.client.post(desk.url("thread-owner", thread_of(desk).pk), {"to": to})
    assert answer.status_code in ({422} if to != "role:" else {303})
    assert state_of(desk, thread_of(desk))[1] is None


def test_put_off_it_waits_and_comes_back(desk: SimpleNamespace) -> None:
    wrote(desk)
    thread = thread_of(desk)
    assert desk.client.post(desk.url("thread-later", thread.pk), {"until": tomorrow()}).status_code == 303
    assert "All clear" in page(desk, "inbox")
    assert "Back " in page(desk, "inbox", tab="waiting")
    with inside(desk.practice):
        assert Task.objects.get().snoozed_until is not None
        Conversation.objects.update(later_until=timezone.now())
    assert "Could I come by?" in page(desk, "inbox")


@pytest.mark.parametrize("until", ["", "yesterday", "2020-01-01T09:00", "2999-01-01T09:00"])
def test_a_time_that_makes_no_sense_is_said_to_make_none(desk: SimpleNamespace, until: str) -> None:
    wrote(desk)
    answer = desk.client.post(desk.url("thread-later", thread_of(desk).pk), {"until": until})
    assert answer.status_code == 422
    assert 'id="clash"' in answer.content.decode()


def test_a_possible_emergency_cannot_be_put_off(desk: SimpleNamespace) -> None:
    wrote(desk, "chest pain")
    answer = desk.client.post(desk.url("thread-later", thread_of(desk).pk), {"until": tomorrow()})
    assert answer.status_code == 422
    assert "cannot wait" in answer.content.decode()


def test_closing_settles_what_waited_and_can_be_taken_back(desk: SimpleNamespace) -> None:
    wrote(desk)
    thread = thread_of(desk)
    answer = desk.client.post(desk.url("thread-close", thread.pk), {"version": thread.version})
    assert answer.status_code == 303
    assert "Ruth Adeyemi is done" in desk.client.get(answer["Location"]).content.decode()
    with inside(desk.practice):
        assert not Task.objects.open().exists()
        assert not Message.objects.to_read().exists()
    assert "Could I come by?" in page(desk, "inbox", tab="closed")
    desk.client.post(desk.url("thread-reopen", thread.pk))
    assert state_of(desk, thread)[0] == State.NEEDS_ACTION
    with inside(desk.practice):
        verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert verbs >= {"conversation.closed", "conversation.reopened"}


# Drafts.


def test_a_draft_is_there_on_another_machine_and_goes_with_the_sending(desk: SimpleNamespace) -> None:
    wrote(desk)
    thread = thread_of(desk)
    typed = {"body": "Thursday at 2", "channel": "note", "language": "es", "once": str(uuid.uuid4())}
    desk.client.post(desk.url("drafts"), typed | {"key": f"thread:{thread.pk}"})
    other = Client()
    other.force_login(desk.dana.user)
    body = other.get(desk.url("thread", thread.pk)).content.decode()
    assert "Thursday at 2</textarea>" in body
    assert 'value="note" checked' in body
    assert typed["once"] in body
    write(desk, thread, "Thursday at 2 then", "thread-note")
    assert "Thursday at 2</textarea>" not in page(desk, "thread", thread.pk)


def test_a_draft_that_arrives_after_its_text_has_left_does_not_come_back(desk: SimpleNamespace) -> None:
    wrote(desk)
    thread, once = thread_of(desk), str(uuid.uuid4())
    write(desk, thread, "Thursday at 2?", once=once)
    with inside(desk.practice):
        drafts.keep(desk.dana.user, f"thread:{thread.pk}", {"body": "Thursday at", "once": once})
    assert "Thursday at</textarea>" not in page(desk, "thread", thread.pk)


# Saved replies.


def test_a_saved_reply_is_offered_filled_in_both_languages(desk: SimpleNamespace) -> None:
    wrote(desk)
    with inside(desk.practice):
        reply = save_reply(
            reply=None,
            name="Parking",
            body_en="Hi $name, park behind $practice.",
            body_es="Hola $name.",
            by=desk.by,
        )
    body = page(desk, "thread", thread_of(desk).pk)
    assert 'data-en="Hi Ruth, park behind Harbor Street."' in body
    assert 'data-es="Hola Ruth."' in body
    answer = write(desk, thread_of(desk), "Of course.", "thread-insert", insert=str(reply.pk))
    assert "Of course.\nHi Ruth, park behind Harbor Street.</textarea>" in answer.content.decode()
    assert not sent(desk)


# Strangers.


def stranger(desk: SimpleNamespace) -> Conversation:
    with inside(desk.practice):
        return Conversation.objects.get(patient=None)


def test_a_stranger_can_be_answered_and_registered(desk: SimpleNamespace) -> None:
    wrote(desk, "Do you take new patients?", "+15035550177")
    thread = stranger(desk)
    body = page(desk, "thread", thread.pk)
    assert "This number is in nobody’s record" in body
    assert 'name="q" value="(503) 555-0177"' in body
    assert write(desk, thread, "Yes we do.").status_code == 303
    assert sent(desk)[0].address == "+15035550177"


def test_a_number_that_only_called_is_not_texted(desk: SimpleNamespace) -> None:
    with inside(desk.practice):
        thread = conversations.touch(
            patient=None, address="+15035550177", address_index="a" * 32, channel="call", kind=Line.MISSED,
            line="Missed call", from_them=True, needs_person=True, by=SYSTEM,
        )  # fmt: skip
    assert "Call instead" in page(desk, "thread", thread.pk)
    answer = write(desk, thread, "You called?")
    assert answer.status_code == 422
    assert not sent(desk)


def test_a_shared_number_is_given_to_one_of_its_patients(desk: SimpleNamespace) -> None:
    son = a_texting_patient(desk.practice, PHONE, given="Sam", family="Adeyemi")
    wrote(desk, "Is Sam’s visit at 3?")
    thread = stranger(desk)
    body = page(desk, "thread", thread.pk)
    assert "Several patients share this number" in body
    answer = desk.client.post(desk.url("thread-give", thread.pk), {"patient": str(son.pk)})
    assert answer["Location"] == desk.url("thread", thread_of(desk, son).pk)
    assert "Is Sam’s visit at 3?" in page(desk, "thread", thread_of(desk, son).pk)
    assert state_of(desk, thread_of(desk, son))[0] == State.NEEDS_ACTION
    assert state_of(desk, thread)[0] == State.DONE
    with inside(desk.practice):
        assert Task.objects.open().get().patient == son


def test_the_whole_story_goes_to_the_only_one_with_the_number(desk: SimpleNamespace) -> None:
    wrote(desk, "Do you take new patients?", "+15035550177")
    thread = stranger(desk)
    write(desk, thread, "Sounds new", "thread-note")
    write(desk, stranger(desk), "Yes we do.")
    new = a_patient(desk.practice, "Nadia", "Rahman", phone="+15035550177")
    desk.client.post(desk.url("thread-give", thread.pk), {"patient": str(new.pk)})
    body = page(desk, "thread", thread_of(desk, new).pk)
    for words in ("Do you take new patients?", "Yes we do.", "Sounds new"):
        assert words in body
    with inside(desk.practice):
        assert not Conversation.objects.filter(patient=None).exists()


@pytest.mark.parametrize("patient", ["", "nobody", "somebody else"])
def test_a_thread_is_not_given_to_who_has_not_the_number(desk: SimpleNamespace, patient: str) -> None:
    wrote(desk, "Hello?", "+15035550177")
    given = str(desk.patient.pk) if patient == "somebody else" else patient
    answer = desk.client.post(desk.url("thread-give", stranger(desk).pk), {"patient": given})
    assert answer.status_code == (422 if patient == "somebody else" else 404)
    with inside(desk.practice):
        assert Message.objects.get().patient is None


def test_a_new_message_finds_its_patient_without_a_name_in_the_address(desk: SimpleNamespace) -> None:
    answer = desk.client.post(desk.url("inbox-new"), {"q": "503 555 0142"})
    assert desk.url("patient-thread", desk.patient.pk) in answer.content.decode()
    opened = desk.client.get(desk.url("patient-thread", desk.patient.pk))
    assert opened["Location"] == desk.url("thread", thread_of(desk).pk)
    assert "Nobody found" in desk.client.post(desk.url("inbox-new"), {"q": "zzz"}).content.decode()
