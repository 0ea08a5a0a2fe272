"""One message to a chosen set of patients: drafted with everybody's name on it, then sent, or stopped.

Whom an audience holds is known to the app above (`settings.AUDIENCES`). A broadcast is sent by batches of
recipients whose row has no message yet, so a worker that dies leaves the rest to the next one; a patient who
is no longer in the audience when her turn comes is left out with the reason.
"""

import datetime as dt
import string
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from messaging.models import Broadcast, BroadcastRecipient, Message, Suppression
from messaging.outbox import address_index, queue_message, wake_delivery, withdraw_messages
from messaging.templates import PLAIN, segments
from patients.contacts import Reach, practice_name_for, reachability, show_phone
from patients.models import Channel, Patient
from practices import audit, changes
from practices.audit import Actor
from practices.models import Language, Practice
from practices.tenancy import current_practice, inside

Status = Broadcast.Status
BATCH = 25
MOST = 500  # recipients of one broadcast
VARIABLES = ("practice", "name", "phone")
NOT_ANY_MORE = "changed meanwhile"
STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Addressee:
    """A patient of an audience, with the visit that puts her there and until when the word is of use."""

    patient: Patient
    appointment_id: uuid.UUID
    until: dt.datetime
    words: str


@dataclass(frozen=True, slots=True)
class Audience:
    """A set of patients one can write to: how it is called, what must be chosen, and who is in it."""

    key: str
    label: str
    options: Callable[[], list[tuple[str, str]]]
    find: Callable[[Mapping[str, str]], list[Addressee]]
    asks: str = ""  # what the options are: “Clinician”


class BroadcastRefused(ValueError):
    """Something that cannot be sent so, in words; `field` is where to say it."""

    def __init__(self, words: str, where: str = "body_en") -> None:
        super().__init__(words)
        self.field = where


def audiences() -> dict[str, Audience]:
    """The sets there are, by key."""
    found: dict[str, Audience] = import_string(settings.AUDIENCES)
    return found


def label_of(broadcast: Broadcast) -> str:
    """Whom a broadcast is for: “The rest of today, Dr. Osei”."""
    audience = audiences().get(broadcast.audience)
    if audience is None:
        return "Some patients"
    chosen = dict(audience.options()).get(broadcast.audience_args.get("option", ""), "")
    return f"{audience.label}, {chosen}" if chosen else audience.label


@transaction.atomic
def draft(*, audience: str, args: Mapping[str, str], body_en: str, body_es: str = "", by: Actor) -> Broadcast:
    """Writes down whom a broadcast would reach, by what, and why not; nothing is sent yet.

    Raises BroadcastRefused for an empty audience, and for words that must not be in a text.
    """
    chosen = audiences().get(audience)
    if chosen is None:
        raise BroadcastRefused("Choose who shall get it.", "audience")
    people = unique(chosen.find(args))
    if not people:
        raise BroadcastRefused("Nobody is in this group now. Choose another one.", "audience")
    if len(people) > MOST:
        raise BroadcastRefused(f"These are more than {MOST} people. Choose a smaller group.", "audience")
    if by.user is None:
        raise BroadcastRefused("A broadcast has an author.", "audience")
    practice = current_practice()
    day = people[0].until.astimezone(practice.zone).date()  # sent after midnight it is still about this one
    broadcast = Broadcast.objects.create(
        practice=practice,
        audience=audience,
        audience_args={"day": day.isoformat(), **args},
        body_en=body_en,
        body_es=body_es,
        created_by=by.user,
    )
    reach = reachability([one.patient for one in people])
    rows = [recipient(broadcast, one, reach[one.patient.pk]) for one in people]
    leave_out_silent(rows, reach)
    BroadcastRecipient.objects.bulk_create(rows)
    audit.record("broadcast.drafted", broadcast, by=by, changes={"recipients": [0, len(rows)]})
    return broadcast


def unique(people: list[Addressee]) -> list[Addressee]:
    """Each patient once, with her first visit."""
    first: dict[uuid.UUID, Addressee] = {}
    for one in people:
        first.setdefault(one.patient.pk, one)
    return list(first.values())


def recipient(broadcast: Broadcast, one: Addressee, reach: Reach) -> BroadcastRecipient:
    patient = one.patient
    channel = channel_for(patient, reach)
    spanish = patient.language == Language.SPANISH and broadcast.body_es
    row = BroadcastRecipient(
        practice=broadcast.practice,
        broadcast=broadcast,
        patient=patient,
        appointment_id=one.appointment_id,
        channel=channel,
        language=Language.SPANISH if spanish else Language.ENGLISH,
        why_not="" if channel else reach.why_not[:40],
    )
    row.segments = segments(words_for(broadcast, row)) if channel == Channel.SMS else 0
    return row


def channel_for(patient: Patient, reach: Reach) -> str:
    """The channel the patient prefers where it may be used, else the other one, else nothing."""
    usable = [channel for channel in (Channel.SMS, Channel.EMAIL) if reach.may_go_by(channel)]
    wish = patient.preferred_channel
    return wish if wish in usable else usable[0] if usable else ""


def leave_out_silent(rows: list[BroadcastRecipient], reach: Mapping[uuid.UUID, Reach]) -> None:
    """Says of whom it is known already that she asked for silence."""
    where: dict[uuid.UUID, str] = {}
    for row in rows:
        point = reach[row.patient_id].point_for(row.channel) if row.channel else None
        if point is not None:
            where[row.patient_id] = address_index(row.channel, str(point.value))
    silent = set(
        Suppression.objects.filter(address_index__in=where.values(), lifted_at=None).values_list(
            "channel", "address_index"
        )
    )
    for row in rows:
        if (row.channel, where.get(row.patient_id)) in silent:
            row.channel, row.why_not, row.segments = "", "opted_out", 0


def words_for(broadcast: Broadcast, row: BroadcastRecipient) -> str:
    """What one patient reads: in her language, beginning with the name of the practice."""
    body = broadcast.body_es if row.language == Language.SPANISH else broadcast.body_en
    practice, patient = current_practice(), row.patient
    name = practice_name_for(patient, row.language)
    if patient.neutral_name:  # also where the author wrote the name out
        for told in sorted((practice.public_name, practice.name), key=len, reverse=True):
            body = body.replace(told, name)
    phone = show_phone(str(practice.line_number))
    values = {"practice": name, "name": patient.preferred or patient.given, "phone": phone}
    said = string.Template(body).safe_substitute(values)
    said = said if name in said else f"{name}: {said}"
    return said.translate(PLAIN) if row.channel == Channel.SMS else said


@transaction.atomic
def start(*, broadcast: Broadcast, by: Actor) -> Broadcast:
    """Lets a draft go out; raises BroadcastRefused when nobody in it can be reached. Twice is once."""
    broadcast = Broadcast.objects.select_for_update(of=("self",)).get(pk=broadcast.pk)
    if broadcast.status != Status.DRAFT:
        return broadcast
    if not waiting_rows(broadcast).exists():
        raise BroadcastRefused("Nobody in this group can be written to. Call them instead.", "audience")
    broadcast.status, broadcast.started_at = Status.SENDING, timezone.now()
    broadcast.save(update_fields=["status", "started_at"])
    audit.record("broadcast.started", broadcast, by=by)
    changes.announce(broadcast.practice, "messages")
    wake_delivery(broadcast.practice, "messaging.tasks.send_broadcasts")
    return broadcast


@transaction.atomic
def stop(*, broadcast: Broadcast, by: Actor) -> int:
    """Stops a broadcast: what has not left is withdrawn; returns for how many it came in time."""
    broadcast = Broadcast.objects.select_for_update(of=("self",)).get(pk=broadcast.pk)
    if broadcast.status not in {Status.SENDING, Status.DONE}:
        return 0
    queued = Message.objects.filter(pk__in=broadcast.recipients.exclude(message=None).values("message"))
    count = withdraw_messages(messages=queued, reason=STOPPED, by=by)
    count += waiting_rows(broadcast).update(why_not=STOPPED)
    broadcast.status, broadcast.ended_at = Status.STOPPED, timezone.now()
    broadcast.save(update_fields=["status", "ended_at"])
    audit.record("broadcast.stopped", broadcast, by=by, changes={"in_time": [0, count]})
    changes.announce(broadcast.practice, "messages")
    return count


def waiting_rows(broadcast: Broadcast) -> "QuerySet[BroadcastRecipient]":
    """Recipients whose message is still to be written."""
    rows: QuerySet[BroadcastRecipient] = broadcast.recipients.filter(message=None, why_not="").exclude(
        channel=""
    )
    return rows


def send_all(practice: Practice, batches: int = 40) -> None:
    """Goes on with what is being sent; bounded, so that one practice cannot keep a worker to itself."""
    for _ in range(batches):
        if not send_batch(practice):
            return


def send_batch(practice: Practice) -> int:
    """Queues the messages of one batch, each recipient once; returns how many rows it dealt with."""
    with inside(practice):
        sending = Broadcast.objects.filter(status=Status.SENDING).order_by("started_at")
        # One batch of a broadcast at a time; Stop waits for it, other workers take other broadcasts.
        broadcast = sending.select_for_update(skip_locked=True, of=("self",)).first()
        if broadcast is None:
            return 0
        rows = list(waiting_rows(broadcast).select_related("patient").order_by("pk")[:BATCH])
        still = {one.patient.pk: one for one in audiences()[broadcast.audience].find(broadcast.audience_args)}
        for row in rows:
            send_one(broadcast, row, still.get(row.patient_id))
        if len(rows) < BATCH:
            broadcast.status, broadcast.ended_at = Status.DONE, timezone.now()
            broadcast.save(update_fields=["status", "ended_at"])
        changes.announce(practice, "messages")
        return len(rows)


def send_one(broadcast: Broadcast, row: BroadcastRecipient, one: Addressee | None) -> None:
    """Queues one message, or writes down why not."""
    if one is None:
        row.why_not = NOT_ANY_MORE
    else:
        author = Actor(kind="staff", door="broadcast", user=broadcast.created_by)
        row.message = queue_message(
            patient=row.patient,
            channel=row.channel,
            kind=Message.Kind.BROADCAST,
            subject=f"A message from {practice_name_for(row.patient, row.language)}"[:120]
            if row.channel == Channel.EMAIL
            else "",
            body=words_for(broadcast, row),
            language=row.language,
            send_after=timezone.now(),
            useful_until=one.until,
            idempotency_key=f"broadcast:{broadcast.pk}:{row.patient_id}",
            by=author,
        )
        row.why_not = row.message.reason
    row.save(update_fields=["message", "why_not"])


@dataclass(slots=True)
class Tally:
    """How far a broadcast is: numbers for the bar, and what came of each recipient."""

    everybody: int = 0
    waiting: int = 0
    on_its_way: int = 0
    arrived: int = 0
    failed: int = 0
    left_out: int = 0
    segments: int = 0
    by_channel: Counter[str] = field(default_factory=Counter)

    @property
    def reachable(self) -> int:
        return self.everybody - self.left_out

    @property
    def settled(self) -> int:
        return self.arrived + self.failed + self.left_out


IN_HAND = {Message.Status.QUEUED, Message.Status.SENDING, Message.Status.UNCERTAIN}
LOST = {Message.Status.FAILED, Message.Status.UNDELIVERED}
GONE = {Message.Status.SENT, Message.Status.DELIVERED}


def tally(rows: list[BroadcastRecipient]) -> Tally:
    """Counts the recipients of one broadcast; give rows with their messages."""
    count = Tally(everybody=len(rows))
    for row in rows:
        count.segments += row.segments
        if row.channel:
            count.by_channel[row.channel] += 1
        status = row.message.status if row.message else None
        if status is None and not row.why_not and row.channel:
            count.waiting += 1
        elif status in IN_HAND:
            count.on_its_way += 1
        elif status in GONE:
            count.arrived += 1
        elif status in LOST:
            count.failed += 1
        else:
            count.left_out += 1
    return count
