"""A stranger's thread turns out to be a patient's: what was said goes to her thread."""

from django.db import transaction

from messaging import conversations, inbox
from messaging.conversations import State
from messaging.models import Call, Conversation, Message, TeamNote
from messaging.thread import belongs
from patients.models import Patient
from practices import audit, changes
from practices.audit import Actor


class NotHers(ValueError):
    """The number is not in this patient's record."""


@transaction.atomic
def give_thread(*, thread: Conversation, patient: Patient, by: Actor) -> Conversation:
    """Gives a stranger's thread to a patient who has the number; returns her thread.

    Where she alone has the number, all that was ever said goes along. Where several share it, only what
    nobody has dealt with does: who wrote the rest is not known. Raises NotHers.
    """
    calls = Call.objects.filter(**belongs(thread)).order_by("pk").select_for_update()
    list(calls.values_list("pk"))  # before its work and the thread, as whatever ends a call does
    thread = conversations.locked_with_work(thread, None)
    people = {person.pk for person in conversations.same_number(thread.address_index)}
    if thread.patient_id is not None or patient.pk not in people:
        raise NotHers("This number is not in that patient’s record. Add it there first.")
    alone = len(people) == 1
    hers = conversations.conversation_with(patient=patient)
    _move_tasks(thread, patient)
    question = conversations.waiting_messages(thread).order_by("-created_at").first()
    if question is not None:
        inbox.give_to_patient(message=question, patient=patient, by=by)
    _move_rows(thread, patient, hers, everything=alone)
    return _hand_on(thread, hers, by, alone=alone)


def _move_tasks(thread: Conversation, patient: Patient) -> None:
    for task in conversations.tasks_of(thread).exclude(kind="answer").select_for_update():
        task.patient = patient
        task.save(update_fields=["patient"])
        if task.subject_id is not None:
            Call.objects.filter(pk=task.subject_id, patient=None).update(patient=patient)


def _move_rows(thread: Conversation, patient: Patient, hers: Conversation, *, everything: bool) -> None:
    if everything:
        Message.objects.filter(**belongs(thread)).update(patient=patient)
        Call.objects.filter(**belongs(thread)).update(patient=patient)
        TeamNote.objects.filter(conversation=thread).update(conversation=hers)


def _hand_on(thread: Conversation, hers: Conversation, by: Actor, *, alone: bool) -> Conversation:
    """What the inbox sorts by goes along too, so that the patient's thread stands where the other did."""
    hers.refresh_from_db()
    if thread.last_at >= hers.last_at or not hers.last_line:
        hers.last_at, hers.last_line, hers.last_kind = thread.last_at, thread.last_line, thread.last_kind
        hers.last_from_them, hers.channel = thread.last_from_them, thread.channel
    hers.last_in_at = max(filter(None, (hers.last_in_at, thread.last_in_at)), default=None)
    before: dict[str, object] = {"state": hers.state}
    if thread.state == State.NEEDS_ACTION:
        hers.state, hers.needs_since, hers.later_until = State.NEEDS_ACTION, thread.needs_since, None
        hers.urgency = min(hers.urgency, thread.urgency)
    if hers.owner_id is None and not hers.owner_role:
        hers.owner, hers.owner_role = thread.owner, thread.owner_role
    stored = conversations.store(hers, "given", before, by)
    audit.record(
        "conversation.claimed",
        thread,
        by=by,
        patient_id=hers.patient_id,
        changes={"patient_id": [None, hers.patient_id]},
    )
    if alone:
        thread.delete()
    else:
        conversations.settle(thread, State.DONE)
        thread.version += 1
        thread.save()
    changes.announce(hers.practice, "messages", "calls")
    return stored
