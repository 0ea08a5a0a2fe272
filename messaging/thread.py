"""A conversation as the desk reads it: who said what, and what became of it, in words."""

import datetime as dt
from dataclasses import dataclass

from messaging.models import Message, Suppression
from messaging.outcomes import REASONS
from patients.contacts import consent_state, textable_contact
from patients.models import Channel, ContactPoint, Patient
from practices.models import Practice

Status = Message.Status
LATEST = 200

NOT_ALLOWED = {
    "deceased": "The patient has died. Nothing is sent.",
    "no_address": "There is no mobile number to text. Add one to the record, or call.",
    "opted_out": "The patient stopped texts. Only the patient can start them again, by texting START.",
    "no_consent": "The patient has not agreed to texts. Ask, then note the consent in the record.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a thread, with its fate in words."""

    message: Message
    mine: bool  # from the practice
    at: dt.datetime
    fate: str
    tone: str  # "bad" where a person should look
    writer: str
    can_undo: bool
    can_handle: bool


def thread_of(patient: Patient, practice: Practice) -> list[Line]:
    """Everything said with a patient, oldest first, in one query."""
    rows = (
        Message.objects.filter(patient=patient)
        .select_related("created_by", "handled_by")
        .order_by("-created_at", "-id")[:LATEST]
    )
    return [line_of(message, practice) for message in reversed(rows)]


def line_of(message: Message, practice: Practice) -> Line:
    mine = message.direction == Message.Direction.OUT
    open_question = message.needs_person and message.handled_at is None
    return Line(
        message=message,
        mine=mine,
        at=(message.sent_at or message.created_at).astimezone(practice.zone),
        fate=fate_of(message, practice) if mine else reading_of(message),
        tone="bad" if message.status in {Status.UNDELIVERED, Status.FAILED} or open_question else "",
        writer=message.created_by.short_name if message.created_by else "automatic",
        can_undo=message.read_automatically and message.reading_undone_at is None,
        can_handle=open_question,
    )


def fate_of(message: Message, practice: Practice) -> str:
    """What became of a message of ours: “Delivered 8:00 AM”, “Not delivered: landline”."""
    why = REASONS.get(message.reason, message.reason)
    if message.status == Status.SUPPRESSED and message.reason == "no_consent":
        return f"Not sent: no consent to {'e-mail' if message.channel == Channel.EMAIL else 'texts'}"
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


def may_text(patient: Patient) -> tuple[ContactPoint | None, str]:
    """The number staff may text, or why not, in words."""
    point = textable_contact(patient)
    if patient.deceased:
        return None, NOT_ALLOWED["deceased"]
    if point is None:
        return None, NOT_ALLOWED["no_address"]
    if Suppression.objects.filter(
        channel=Channel.SMS, address_index=point.value_index, lifted_at=None
    ).exists():
        return None, NOT_ALLOWED["opted_out"]
    if not consent_state(patient, Channel.SMS):
        return None, NOT_ALLOWED["no_consent"]
    return point, ""
