"""A broadcast in words: each recipient with language, channel and outcome, the bar, and whom to call."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from messaging import broadcasts
from messaging.models import Broadcast, BroadcastRecipient, Message
from messaging.outcomes import REASONS
from patients.contacts import show_phone
from patients.models import ContactPoint
from practices.models import Language, User

CHANNELS = {"sms": "Text", "email": "E-mail", "call": "Call"}
WHY = {
    "opted_out": "asked for no texts",
    "no_consent": "no consent",
    "no_address": "no number that works",
    "deceased": "died",
    "died": "died",
    "too_late": "its time had passed",
    broadcasts.NOT_ANY_MORE: "cancelled, moved, begun or confirmed meanwhile",
    broadcasts.STOPPED: "stopped before it left",
}
DONE = {
    "queued": "waits to go out",
    "sending": "on its way",
    "uncertain": "being checked",
    "sent": "sent",
    "delivered": "arrived",
}
NO_CALL = {"died", "deceased", broadcasts.NOT_ANY_MORE}


@dataclass(slots=True)
class Line:
    """One recipient in words."""

    patient_id: uuid.UUID
    name: str
    language: str
    channel: str
    segments: int
    outcome: str
    tone: str
    words: str
    lately: int
    phone: str = ""
    call: bool = False


def rows_of(broadcast: Broadcast) -> list[BroadcastRecipient]:
    """The recipients by name, with their messages."""
    rows = broadcast.recipients.select_related("patient", "message").order_by("pk")
    return sorted(rows, key=lambda row: (row.patient.family, row.patient.given))


def lines(broadcast: Broadcast, rows: list[BroadcastRecipient], viewer: User) -> list[Line]:
    """The recipients in words, in three queries however many they are."""
    people = [row.patient_id for row in rows]
    lately, phones = sent_lately(people), phones_of(people)
    return [line_of(broadcast, row, viewer, lately[row.patient_id], phones) for row in rows]


def sent_lately(people: Iterable[uuid.UUID]) -> Counter[uuid.UUID]:
    """How many automatic messages each got in the last day: the caps of reminders do not hold here."""
    since = timezone.now() - dt.timedelta(days=1)
    kinds = [Message.Kind.CONFIRMATION, Message.Kind.REMINDER, Message.Kind.MOVED, Message.Kind.BROADCAST]
    gone = Message.objects.filter(
        patient__in=list(people), kind__in=kinds, status__in=["sent", "delivered"], sent_at__gte=since
    )
    return Counter(gone.values_list("patient", flat=True))


def phones_of(people: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    points = ContactPoint.objects.phones().filter(patient__in=list(people)).order_by("-rank")
    return {point.patient_id: str(point.value) for point in points}


def line_of(
    broadcast: Broadcast, row: BroadcastRecipient, viewer: User, lately: int, phones: dict[uuid.UUID, str]
) -> Line:
    status = row.message.status if row.message else ""
    lost = status in {"failed", "undelivered"}
    left_out = bool(row.why_not) or not row.channel
    why = WHY.get(row.why_not, row.why_not)
    outcome = why if left_out else "did not arrive" if lost else DONE.get(status, status or "is next")
    if status == "cancelled":
        outcome, left_out = "withdrawn before it left", True
    elif row.message and status == "suppressed":  # the last look before it left said no
        outcome, left_out = REASONS.get(row.message.reason, "not sent"), True
    tone = "bad" if lost else "off" if left_out else "conf" if status in {"sent", "delivered"} else "book"
    if not status and not left_out and broadcast.status == Broadcast.Status.DRAFT:
        outcome, tone = "will get it", "acc"
    phone = phones.get(row.patient_id, "")
    return Line(
        patient_id=row.patient_id,
        name=row.patient.shown_name(private=viewer.privacy_mode),
        language=Language(row.language).label,
        channel=CHANNELS.get(row.channel, "None"),
        segments=row.segments,
        outcome=outcome,
        tone=tone,
        words=broadcasts.words_for(broadcast, row),
        lately=lately,
        phone=phone,
        call=bool(phone) and (lost or left_out) and row.why_not not in NO_CALL,
    )


def number(line: Line) -> str:
    return show_phone(line.phone)
