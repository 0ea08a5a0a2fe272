"""Two records of one person become one: nothing of the second is lost, and their threads become one."""

import datetime as dt
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import models
from django.utils import timezone

from messaging import conversations, drafts
from messaging.complaints import open_complaint
from messaging.models import Broadcast, BroadcastRecipient, Call, Conversation, ConversationRead, TeamNote
from messaging.promises import promise
from patients.flags import in_force, raise_flag
from patients.joining import CannotBeJoined, join_records, pointing_at
from patients.models import ContactPoint, Patient, PatientWord, RelatedPerson
from patients.privacy import disclose, disclosures
from patients.registry import ContactGiven, register_patient
from patients.related import add_related
from practices.tenancy import inside
from tests.factories import a_member, a_practice, a_user, an_actor


@pytest.fixture
def desk(db: Any) -> Any:
    practice = a_practice()
    dana = a_member(practice, a_user())
    by = an_actor(dana)
    with inside(practice):
        keep = register_patient(
            given="Marisol", family="Vega", birth_date=dt.date(1986, 3, 14),
            phones=[ContactGiven("+15035550142")], by=by,
        )  # fmt: skip
        other = register_patient(
            given="Mari", family="Vega", know_first="Needs a ramp.",
            phones=[ContactGiven("+15035550142"), ContactGiven("+15035550143")], by=by,
        )  # fmt: skip
        yield SimpleNamespace(practice=practice, dana=dana, by=by, keep=keep, other=other)


def touched(desk: Any, patient: Patient, line: str, **more: Any) -> Conversation:
    return conversations.touch(
        patient=patient, channel="sms", kind="text", line=line, from_them=True, by=desk.by, **more
    )


def filled(desk: Any, patient: Patient) -> None:
    """One of everything that can point at a patient from here."""
    call = Call.objects.create(practice=desk.practice, direction="in", status="ended", patient=patient)
    raise_flag(patient=patient, kind="upset", words="Waited", by=desk.by)
    add_related(patient=patient, name="Rosa", relationship="parent", by=desk.by)
    open_complaint(what_happened="Waited", patient=patient, call=call, once_key=str(patient.pk), by=desk.by)
    promise(
        patient=patient, words="Call", owner=desk.dana.user, key=uuid.uuid4(),
        by_when=timezone.now() + dt.timedelta(hours=1), by=desk.by,
    )  # fmt: skip
    disclose(patient=patient, subject=call, recipient="Rosa", what="Billing", why="Asked", by=desk.by)


def test_whatever_points_at_the_second_record_comes_to_the_first(desk: Any) -> None:
    filled(desk, desk.other)
    touched(desk, desk.other, "Hello")
    before = {
        (rows, name): rows._default_manager.filter(**{name: desk.other}).count()
        for rows, name in pointing_at(Patient)
    }
    assert sum(before.values()) >= 9
    join_records(keep=desk.keep, other=desk.other, by=desk.by)
    for rows, name in before:
        assert not rows._default_manager.filter(**{name: desk.other}).exists(), (rows, name)
    assert {flag.kind for flag in in_force([desk.keep.pk])} == {"upset", "promise"}
    assert RelatedPerson.objects.get().patient_id == desk.keep.pk
    assert [line.recipient for line in disclosures(desk.keep.pk)] == ["Rosa"]


def test_the_walk_finds_references_without_a_way_back() -> None:
    found = {rows for rows, _ in pointing_at(Patient)}
    assert BroadcastRecipient in found
    assert all(issubclass(rows, models.Model) for rows in found)


def test_the_record_keeps_what_only_the_other_knew(desk: Any) -> None:
    desk.other.no_voicemail = True
    desk.other.save()
    kept = join_records(keep=desk.keep, other=desk.other, by=desk.by)
    assert (kept.given, kept.know_first, kept.no_voicemail) == ("Marisol", "Needs a ramp.", True)
    points = ContactPoint.objects.filter(patient=kept).order_by("rank")
    assert [point.value for point in points] == ["+15035550142", "+15035550143"]
    gone = Patient.objects.get(pk=desk.other.pk)
    assert not gone.active
    assert not PatientWord.objects.filter(patient=gone).exists()


def test_two_threads_become_one_with_the_more_pressing_state(desk: Any) -> None:
    stays = touched(desk, desk.keep, "Thanks")
    goes = touched(desk, desk.other, "Please call me", needs_person=True)
    for thread, key in ((stays, "a"), (goes, "b")):
        conversations.note(thread=thread, body=f"Note {key}", key=key, by=desk.by)
    drafts.keep(desk.dana.user, f"thread:{goes.pk}", {"body": "Dear Mari"})
    conversations.read(thread=stays, user=desk.dana.user)
    join_records(keep=desk.keep, other=desk.other, by=desk.by)
    (thread,) = Conversation.objects.all()
    assert (thread.pk, thread.patient_id, thread.state) == (stays.pk, desk.keep.pk, "needs-action")
    assert thread.needs_since is not None
    assert {note.body for note in TeamNote.objects.filter(conversation=thread)} == {"Note a", "Note b"}
    assert drafts.kept(desk.dana.user, f"thread:{thread.pk}") == {"body": "Dear Mari"}
    # She had read one of the two: what came in the other is still unread.
    assert not ConversationRead.objects.filter(conversation=thread).exists()


def test_a_broadcast_to_both_keeps_one_row(desk: Any) -> None:
    broadcast = Broadcast.objects.create(
        practice=desk.practice, audience="day", body_en="Late", created_by=desk.dana.user
    )
    for patient in (desk.keep, desk.other):
        BroadcastRecipient.objects.create(
            practice=desk.practice, broadcast=broadcast, patient=patient, language="en"
        )
    join_records(keep=desk.keep, other=desk.other, by=desk.by)
    assert BroadcastRecipient.objects.get().patient_id == desk.keep.pk


def test_a_record_is_not_joined_twice_nor_with_itself(desk: Any) -> None:
    with pytest.raises(CannotBeJoined, match="same record"):
        join_records(keep=desk.keep, other=desk.keep, by=desk.by)
    join_records(keep=desk.keep, other=desk.other, by=desk.by)
    with pytest.raises(CannotBeJoined, match="not in use"):
        join_records(keep=desk.keep, other=desk.other, by=desk.by)
