"""The thread with a patient or a stranger: whose it is, what it waits for, and when it comes back.

Messages, calls and notes are not hung onto the thread: they are found by patient, or by number. What
happens is told to it by `touch`, and every change of state goes through a verb here.
"""

import datetime as dt
from collections.abc import Iterable, Mapping

from django.db import transaction
from django.utils import timezone

from messaging.models import (
    Conversation,
    ConversationRead,
    Message,
    MessageQuerySet,
    Task,
    TaskQuerySet,
    TeamNote,
)
from patients.models import Channel, ContactPoint, Patient
from practices import audit, changes
from practices.audit import Actor
from practices.models import Membership, Role, User
from practices.tenancy import current_practice

State, Line = Conversation.State, Conversation.Line
LAST_LINE = 140  # letters of the last line that the inbox shows


class SomebodyWasFaster(Exception):
    """The conversation changed since the page was drawn; `now` is how it stands."""

    def __init__(self, now: Conversation) -> None:
        super().__init__("the conversation has changed")
        self.now = now


def conversation_with(
    *, patient: Patient | None, address: str = "", address_index: str = "", channel: str = Channel.SMS
) -> Conversation:
    """The one thread with a patient, or with a number that is nobody's; made when there is none yet, locked.

    Raises ValueError when neither is given.
    """
    if patient is None and not address_index:
        raise ValueError("A conversation is with a patient or with a number.")
    thread = Conversation(
        practice=current_practice(),
        patient=patient,
        address="" if patient else address,
        address_index="" if patient else address_index,
        channel=channel,
        state=State.DONE,
    )
    same = {"patient": patient} if patient else {"patient": None, "address_index": address_index}
    found: Conversation | None = None
    while found is None:  # a stranger's thread may be given away between the two statements
        Conversation.objects.bulk_create([thread], ignore_conflicts=True)
        found = Conversation.objects.select_for_update(of=("self",)).filter(**same).first()
    return found


@transaction.atomic
def touch(
    *,
    patient: Patient | None,
    address: str = "",
    address_index: str = "",
    channel: str,
    kind: str,
    line: str,
    from_them: bool,
    needs_person: bool = False,
    urgency: int = Task.Urgency.ROUTINE,
    by: Actor,
) -> Conversation:
    """Tells the thread that something was said; `needs_person` brings it to the top of the inbox.

    What the patient says in a closed thread without need of a person leaves it closed. An answer of staff
    turns “to do” into “waiting for the patient”.
    """
    thread = conversation_with(patient=patient, address=address, address_index=address_index, channel=channel)
    now = timezone.now()
    thread.last_at, thread.last_line = now, " ".join(line.split())[:LAST_LINE]
    thread.last_kind, thread.last_from_them, thread.channel = kind, from_them, channel
    if from_them:
        thread.last_in_at = now
    if needs_person:
        if thread.state != State.NEEDS_ACTION:
            thread.needs_since = now
        thread.state, thread.later_until = State.NEEDS_ACTION, None
        thread.urgency = min(thread.urgency, urgency)
    elif not from_them and by.user is not None and kind != Line.NOTE and thread.state == State.NEEDS_ACTION:
        thread.state, thread.needs_since, thread.urgency = State.WAITING, None, Task.Urgency.ROUTINE
    thread.version += 1
    thread.save()
    changes.announce(thread.practice, "inbox")
    return thread


def locked(thread: Conversation, version: int | None) -> Conversation:
    """The thread as it stands, locked; raises SomebodyWasFaster for a stale version."""
    now: Conversation = Conversation.objects.select_for_update(of=("self",)).get(pk=thread.pk)
    if version is not None and now.version != version:
        raise SomebodyWasFaster(now)
    return now


def locked_with_work(thread: Conversation, version: int | None) -> Conversation:
    """The thread as `locked` gives it; what waits in it is locked before: messages, tasks, then the row.

    Whatever comes in takes them in this order, too: a text that arrives while one is answered waits for it.
    """
    list(waiting_messages(thread).order_by("pk").select_for_update().values_list("pk"))
    list(tasks_of(thread).order_by("kind", "pk").select_for_update().values_list("pk"))
    return locked(thread, version)


def store(thread: Conversation, verb: str, before: Mapping[str, object], by: Actor) -> Conversation:
    """Saves the thread as changed by `verb`, with its audit entry and word to open pages."""
    thread.version += 1
    thread.save()
    audit.record(
        f"conversation.{verb}",
        thread,
        by=by,
        patient_id=thread.patient_id,
        changes={name: [was, getattr(thread, name)] for name, was in before.items()},
    )
    changes.announce(thread.practice, "inbox", "queue")
    return thread


@transaction.atomic
def assign(
    *, thread: Conversation, owner: User | None = None, role: str = "", version: int | None = None, by: Actor
) -> Conversation:
    """Gives a thread to a colleague or a role, or to nobody; its open tasks go along.

    Raises ValueError for somebody who does not work here, SomebodyWasFaster for a stale `version`.
    """
    if owner is not None and not Membership.objects.active().filter(user=owner).exists():
        raise ValueError("This person does not work here.")
    if role and role not in Role.values:
        raise ValueError("There is no such role.")
    thread = locked_with_work(thread, version)
    before = {"owner_id": thread.owner_id, "owner_role": thread.owner_role}
    thread.owner, thread.owner_role = owner, "" if owner else role
    tasks_of(thread).update(owner=owner)
    return store(thread, "assigned", before, by)


@transaction.atomic
def put_off(
    *, thread: Conversation, until: dt.datetime, version: int | None = None, by: Actor
) -> Conversation:
    """Takes a thread out of “to do” until a time; a possible emergency cannot be put off (ValueError)."""
    thread = locked_with_work(thread, version)
    if thread.urgency == Task.Urgency.EMERGENCY:
        raise ValueError("A possible emergency cannot wait. Hand it to somebody instead.")
    before = {"later_until": thread.later_until}
    thread.later_until = until
    tasks_of(thread).update(snoozed_until=until)
    return store(thread, "put-off", before, by)


@transaction.atomic
def reopen(*, thread: Conversation, by: Actor) -> Conversation:
    """Takes a closed thread back into “to do”."""
    thread = locked(thread, None)
    before: dict[str, object] = {"state": thread.state}
    thread.state, thread.needs_since = State.NEEDS_ACTION, timezone.now()
    return store(thread, "reopened", before, by)


def settle(thread: Conversation, state: str) -> None:
    """Sets a state in which nothing is asked of staff."""
    thread.state, thread.needs_since, thread.later_until = state, None, None
    thread.urgency = Task.Urgency.ROUTINE


@transaction.atomic
def settled(*, patient: Patient | None, address_index: str, state: str = State.DONE) -> None:
    """What was asked in a thread was dealt with elsewhere (the queue, an undo); makes no thread."""
    same = {"patient": patient} if patient else {"patient": None, "address_index": address_index}
    thread = Conversation.objects.select_for_update(of=("self",)).filter(**same).first()
    if thread is None or thread.state != State.NEEDS_ACTION:
        return
    settle(thread, state)
    thread.version += 1
    thread.save()
    changes.announce(thread.practice, "inbox")


def settled_if_quiet(*, patient: Patient | None, address_index: str) -> None:
    """Settles the thread unless something else in it waits: another number's text, a call, a voicemail."""
    same = {"patient": patient} if patient else {"patient": None, "address_index": address_index}
    thread = Conversation.objects.filter(**same).first()
    if thread is None or waiting_messages(thread).exists() or tasks_of(thread).exists():
        return
    settled(patient=patient, address_index=address_index)


@transaction.atomic
def note(*, thread: Conversation, body: str, key: str, by: Actor) -> TeamNote:
    """Leaves a note for colleagues, once per `key`. It is a row of its own table: no sender looks there."""
    if by.user is None:
        raise ValueError("A note has an author.")
    row = TeamNote(
        practice=thread.practice, conversation=thread, body=body, author=by.user, once_key=key[:120]
    )
    TeamNote.objects.bulk_create([row], ignore_conflicts=True)
    stored: TeamNote = TeamNote.objects.get(once_key=row.once_key)
    if stored.pk != row.pk:
        return stored
    audit.record("conversation.noted", stored, by=by, patient_id=thread.patient_id)
    thread = locked(thread, None)
    thread.last_at, thread.last_kind, thread.last_from_them = timezone.now(), Line.NOTE, False
    thread.last_line = f"{by.user.short_name}: {' '.join(body.split())}"[:LAST_LINE]
    thread.version += 1
    thread.save()
    changes.announce(thread.practice, "inbox")
    return stored


def read(*, thread: Conversation, user: User) -> None:
    """Says that a person has seen the thread up to now."""
    row = ConversationRead(practice=thread.practice, conversation=thread, user=user)
    ConversationRead.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["practice", "conversation", "user"],
        update_fields=["seen_at"],
    )


def tasks_of(thread: Conversation) -> TaskQuerySet:
    """The open tasks behind a thread: what a message or call of it left."""
    open_rows = Task.objects.open().filter(
        kind__in=[Task.Kind.ANSWER, Task.Kind.MISSED_CALL, Task.Kind.VOICEMAIL]
    )
    if thread.patient_id is not None:
        return open_rows.filter(patient_id=thread.patient_id)
    return open_rows.filter(patient=None, once_key__endswith=f":{thread.address_index}")


def waiting_messages(thread: Conversation) -> MessageQuerySet:
    """What was written in the thread and waits for a person."""
    rows = Message.objects.to_read()
    if thread.patient_id is not None:
        return rows.filter(patient_id=thread.patient_id)
    return rows.filter(patient=None, address_index=thread.address_index)


def same_number(index: str) -> Iterable[Patient]:
    """The living, active patients who have this number."""
    points = ContactPoint.objects.filter(value_index=index, patient__active=True).select_related("patient")
    return list({point.patient_id: point.patient for point in points}.values())
