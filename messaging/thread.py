"""A conversation as the desk reads it: who said what in which way, and what became of it, in words."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from messaging.models import Attachment, Call, Conversation, Message, Recording, TeamNote
from messaging.outcomes import REASONS
from patients.models import Channel
from practices.models import Practice

Status = Message.Status
LATEST = 100  # entries a page begins with
MOST = 1_000

ICONS = {Channel.SMS: "msg", Channel.EMAIL: "mail", Channel.CALL: "phone"}
# What a call was, by its outcome; the others by where it stands.
MISSED = {Call.Outcome.MISSED, Call.Outcome.ABANDONED}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened in a conversation; `side` says who spoke: them, me, team, or mid for a call."""

    kind: str  # message, call, note
    pk: uuid.UUID
    side: str
    at: dt.datetime  # on the practice's wall clock
    order: tuple[dt.datetime, uuid.UUID]
    icon: str
    writer: str = ""
    title: str = ""
    body: str = ""
    fate: str = ""
    tone: str = ""  # "bad" where a person should look
    done: bool = False  # it arrived
    can_undo: bool = False
    can_handle: bool = False
    attachments: list[Attachment] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    row: Any = None


@dataclass(frozen=True, slots=True)
class Read:
    """The entries of a thread, oldest first, and whether there are earlier ones."""

    entries: list[Entry]
    more: bool


def belongs(thread: Conversation) -> dict[str, Any]:
    """What finds the messages and calls of a thread: its patient, or a number that is nobody's."""
    if thread.patient_id is not None:
        return {"patient_id": thread.patient_id}
    return {"patient": None, "address_index": thread.address_index}


def read_thread(thread: Conversation, practice: Practice, *, most: int = LATEST) -> Read:
    """The latest entries of a thread, in five queries however many they are."""
    most = max(1, min(most, MOST))
    mine = belongs(thread)
    messages = Message.objects.filter(staff=None, **mine).select_related("created_by", "handled_by")
    calls = Call.objects.filter(**mine).select_related("handler")
    notes = TeamNote.objects.filter(conversation=thread).select_related("author")
    found = [
        *_messages(list(messages.order_by("-created_at", "-id")[: most + 1]), practice),
        *_calls(list(calls.order_by("-started_at", "-id")[: most + 1]), practice),
        *(_note(row, practice) for row in notes.order_by("-created_at", "-id")[: most + 1]),
    ]
    found.sort(key=lambda entry: entry.order)
    return Read(found[-most:], len(found) > most)


def _messages(rows: list[Message], practice: Practice) -> Iterable[Entry]:
    came: dict[uuid.UUID, list[Attachment]] = {}
    files = Attachment.objects.filter(message__in=[row.pk for row in rows]).defer("content", "source_url")
    for file in files.order_by("position"):
        came.setdefault(file.message_id, []).append(file)
    return [entry_of(row, practice, came.get(row.pk, [])) for row in rows]


def entry_of(message: Message, practice: Practice, attachments: Iterable[Attachment] = ()) -> Entry:
    """One message with its fate in words."""
    mine = message.direction == Message.Direction.OUT
    open_question = message.needs_person and message.handled_at is None
    bad = message.status in {Status.UNDELIVERED, Status.FAILED, Status.SUPPRESSED} or open_question
    automatic = "Automatic call" if message.channel == Channel.CALL else "Automatic"
    return Entry(
        kind="message",
        pk=message.pk,
        side="me" if mine else "them",
        at=(message.sent_at or message.created_at).astimezone(practice.zone),
        order=(message.created_at, message.pk),
        icon=ICONS.get(Channel(message.channel), "msg"),
        writer=(message.created_by.short_name if message.created_by else automatic) if mine else "",
        title=message.subject if message.channel == Channel.EMAIL else "",
        body=message.body,
        fate=fate_of(message, practice) if mine else reading_of(message),
        tone="bad" if bad else "",
        done=message.status == Status.DELIVERED,
        can_undo=not mine and message.read_automatically and message.reading_undone_at is None,
        can_handle=open_question,
        attachments=list(attachments),
        row=message,
    )


def _calls(rows: list[Call], practice: Practice) -> Iterable[Entry]:
    kept: dict[uuid.UUID, list[Recording]] = {}
    recordings = Recording.objects.filter(call__in=[row.pk for row in rows]).defer("audio")
    for recording in recordings.order_by("pk"):
        kept.setdefault(recording.call_id, []).append(recording)
    return [call_entry(row, practice, kept.get(row.pk, [])) for row in rows]


def call_entry(call: Call, practice: Practice, recordings: Iterable[Recording] = ()) -> Entry:
    """One call: what it was, who had it and for how long, with its note and voicemail."""
    missed = call.outcome in MISSED
    icon = "voicemail" if call.outcome == Call.Outcome.VOICEMAIL else "phone-x" if missed else "phone"
    if icon == "phone" and call.direction == Call.Direction.IN:
        icon = "phone-in"
    return Entry(
        kind="call",
        pk=call.pk,
        side="mid",
        at=call.started_at.astimezone(practice.zone),
        order=(call.started_at, call.pk),
        icon=icon,
        writer=call.handler.short_name if call.handler else "",
        title=call_words(call),
        body=call.note,
        fate=call.problem,
        tone="bad" if missed or call.problem else "",
        recordings=list(recordings),
        row=call,
    )


def call_words(call: Call) -> str:
    """“Call answered by Dana, 4:10”, “Missed call, rang 0:31”."""
    who = f" by {call.handler.short_name}" if call.handler else ""
    if call.outcome in MISSED:
        what = "Missed call" if call.outcome == Call.Outcome.MISSED else "Gave up waiting"
        return f"{what}, rang {span(call)}"
    if call.outcome == Call.Outcome.VOICEMAIL:
        return "Voicemail"
    if call.is_present:
        return f"Call, {call.get_status_display().lower()}"
    if call.outcome and call.outcome != Call.Outcome.ANSWERED:
        return f"Call{who}: {call.get_outcome_display().lower()}"
    talked = _minutes(call.answered_at, call.ended_at)
    what = f"Called{who}" if call.direction == Call.Direction.OUT else f"Call answered{who}"
    return f"{what}, {talked}" if talked else what


def span(call: Call) -> str:
    """How long it rang, as “0:31”."""
    return _clock(int(call.waited.total_seconds()))


def _minutes(start: dt.datetime | None, end: dt.datetime | None) -> str:
    return _clock(int((end - start).total_seconds())) if start and end else ""


def _clock(seconds: int) -> str:
    minutes, rest = divmod(max(0, seconds), 60)
    return f"{minutes}:{rest:02d}"


def _note(note: TeamNote, practice: Practice) -> Entry:
    return Entry(
        kind="note",
        pk=note.pk,
        side="team",
        at=note.created_at.astimezone(practice.zone),
        order=(note.created_at, note.pk),
        icon="note",
        writer=note.author.short_name,
        body=note.body,
        fate="Team note, not sent",
        row=note,
    )


def fate_of(message: Message, practice: Practice) -> str:
    """What became of a message of ours: “Delivered 8:00 AM”, “Not delivered: landline”."""
    why = REASONS.get(message.reason, message.reason)
    if message.status == Status.SUPPRESSED and message.reason == "no_consent":
        why = f"no consent to {'e-mail' if message.channel == Channel.EMAIL else 'texts'}"
    if message.status == Status.QUEUED and message.send_after is not None:
        return f"Goes out {clock(message.send_after, practice)}"
    words = {
        Status.SENDING: "On its way",
        Status.UNCERTAIN: "Checking with the text service" if message.claimed_until else "Nobody knows: call",
        Status.SENT: "Sent",
        Status.DELIVERED: "Delivered",
        Status.UNDELIVERED: f"Not delivered: {why}",
        Status.FAILED: f"Not delivered: {why}",
        Status.SUPPRESSED: f"Not sent: {why}",
        Status.CANCELLED: f"Not sent: {why or 'withdrawn'}",
    }.get(Status(message.status), "")
    if message.status in {Status.SENT, Status.DELIVERED} and message.sent_at is not None:
        return f"{words} {clock(message.sent_at, practice)}"
    return words


def reading_of(message: Message) -> str:
    """How a text was read, and who dealt with it."""
    if message.reading_undone_at is not None:
        read = f"Read automatically as {message.get_reading_display()}, undone"
    elif message.read_automatically:
        read = f"Read automatically: {message.get_reading_display()}"
    else:
        read = ""
    if message.handled_at is not None:
        return f"Handled by {message.handled_by.short_name if message.handled_by else 'Front Desk'}"
    if message.needs_person:
        return f"{read}. Waits for an answer" if read else "Waits for an answer"
    return read


def clock(moment: dt.datetime, practice: Practice) -> str:
    """A time of day, with its date when it is not today."""
    local = moment.astimezone(practice.zone)
    time = f"{local:%I:%M %p}".lstrip("0")
    return time if local.date() == practice.today() else f"{local:%b} {local.day}, {time}"
