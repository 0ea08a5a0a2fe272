"""Takes what is due to the suppliers, each message exactly once.

1. Claim rows (`FOR UPDATE SKIP LOCKED`) with a lease and a token, and ask again whether they may go.
2. Call the supplier outside any transaction, by a few threads.
3. Store what came of it, many at a time, where the claim is still ours: accepted, refused, or uncertain.
4. An uncertain send, or one whose worker vanished, rests for the grace; then the supplier is asked twice
   whether it has the text. Only a text it does not have is sent again (SECURITY.md section 4).

A line that does not work rests (`messaging.lines`): its rows are not claimed, but for one probe at a time.
"""

import datetime as dt
import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from threading import Event

from django.conf import settings
from django.db.models import Case, F, IntegerField, Value, When
from django.utils import timezone

from messaging import email, lines, reconciling, refusals, sms, voice
from messaging.caps import Heard, put_off
from messaging.models import Message
from messaging.outbox import disturbed, permissions_for, why_not
from messaging.outcomes import Answer, Then
from messaging.storing import store_all
from patients.contacts import practice_name_for
from patients.models import Channel
from patients.zones import after_quiet, is_quiet
from practices import audit, changes
from practices.audit import SYSTEM
from practices.encryption import CannotDecrypt
from practices.models import Practice
from practices.tenancy import inside

logger = logging.getLogger(__name__)

Status = Message.Status
AT_ONCE = 8  # calls to the supplier at the same time, per worker process
AT_A_TIME = 100  # rows of one claim
STORED_AT_ONCE = 25  # answers that one statement writes down
RING_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Parcel:
    """What it takes to hand over one message without touching the database."""

    id: uuid.UUID
    claim: uuid.UUID
    lease_ends: dt.datetime
    channel: str
    to: str
    subject: str
    body: str
    sender_name: str
    valid_for: float | None
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one worker took upon itself: to send, and to ask the supplier about."""

    account: sms.Account
    parcels: list[Parcel]
    doubts: list[reconciling.Doubt]
    looked_at: int
    out: frozenset[str] = frozenset()  # channels whose line was known as not working


def deliver_all(practice: Practice, batches: int = 40) -> None:
    """Works through what is due; bounded, so that one practice cannot keep a worker to itself."""
    for _ in range(batches):
        if not deliver_due(practice):
            return


def deliver_due(practice: Practice, limit: int = AT_A_TIME) -> int:
    """Sends up to `limit` messages that are due, and settles doubts; returns how many rows it dealt with."""
    with inside(practice):
        batch = claim(practice, limit)
    if batch.parcels:
        send_all(practice, batch)
    for doubt in batch.doubts:
        answers = reconciling.settle(practice, batch.account, doubt)
        if answers is not None:
            with inside(practice):
                lines.heard(practice, doubt.channel, [answers], was_out=doubt.channel in batch.out)
    if batch.looked_at:
        with inside(practice):
            changes.announce(practice, "messages")
    return batch.looked_at


def claim(practice: Practice, limit: int) -> Batch:
    """Takes due rows nobody holds, doubtful ones first; those that may not go now are stored so."""
    now = timezone.now()
    rows = list(
        Message.objects.due(now)
        .exclude(lines.resting(now))
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("patient", "contact_point", "in_reply_to")
        .annotate(
            is_out=lines.out(),
            place=Case(
                When(status=Status.QUEUED, then=Value(1)), default=Value(0), output_field=IntegerField()
            ),
        )
        .order_by("place", "send_after")[:limit]
    )
    if not rows:
        return Batch(sms.Account("", ""), [], [], 0)
    out = frozenset(str(row.channel) for row in rows if getattr(row, "is_out", False))
    rows = only_probes(rows, out, now)
    readable = [row for row in rows if can_be_read(row)]
    queued = [row for row in readable if row.status == Status.QUEUED]
    doubtful = [row for row in readable if row.status != Status.QUEUED]
    going = those_that_may_go(practice, queued, now)
    token, lease_ends = uuid.uuid4(), now + dt.timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)
    Message.objects.filter(pk__in=[row.pk for row in going]).update(
        status=Status.SENDING, claim=token, claimed_until=lease_ends, attempts=F("attempts") + 1
    )
    parcels = [parcel_of(row, token, lease_ends, now) for row in going]
    doubts = reconciling.take_up(doubtful, token, now)
    return Batch(sms.account_of(practice), parcels, doubts, len(rows), out)


def only_probes(rows: Sequence[Message], out: Iterable[str], now: dt.datetime) -> list[Message]:
    """All rows whose line works; of a line that does not, the first one, if it is our turn to try it."""
    if not out:
        return list(rows)
    probes = lines.take_probes(out, now)
    kept: list[Message] = []
    for row in rows:
        if row.channel in out:
            if row.channel not in probes:
                continue
            probes.discard(row.channel)
        kept.append(row)
    return kept


def parcel_of(row: Message, token: uuid.UUID, lease_ends: dt.datetime, now: dt.datetime) -> Parcel:
    return Parcel(
        id=row.pk,
        claim=token,
        lease_ends=lease_ends,
        channel=row.channel,
        to=row.address,
        subject=row.subject,
        body=row.body,
        sender_name=practice_name_for(row.patient),
        valid_for=(row.useful_until - now).total_seconds() if row.useful_until else None,
        calendar=row.calendar,
    )


def can_be_read(message: Message) -> bool:
    """Whether a row opens; one whose key is lost fails alone and goes to a person, the others go out."""
    try:
        _ = message.address, message.body, message.calendar
    except CannotDecrypt:
        logger.exception("message %s cannot be read", message.pk)
        message.status, message.reason = Status.FAILED, "unreadable"
        message.claim = message.claimed_until = None
        message.save(update_fields=["status", "reason", "claim", "claimed_until"])
        audit.record("message.refused", message, by=SYSTEM, patient_id=message.patient_id)
        refusals.ask_to_call(message, "it can no longer be read")
        return False
    return True


def those_that_may_go(practice: Practice, rows: Sequence[Message], now: dt.datetime) -> list[Message]:
    """The last look before messages leave; stores why some do not, or until when they wait."""
    permissions, told = permissions_for(rows), Heard(rows, now)
    going = []
    for row in rows:
        reason = why_not(row, permissions)
        if not reason and row.useful_until is not None and row.useful_until <= now:
            reason = "too_late"
        if reason:
            stays_here(row, reason)
        elif is_quiet(practice, disturbed(row), now) and not row.ignores_quiet_hours:
            waits(row, after_quiet(practice, disturbed(row), now))
        elif told.over(row, now):
            later = put_off(row, now)
            if later is None:
                stays_here(row, "over_cap")
            else:
                waits(row, after_quiet(practice, disturbed(row), later))
        else:
            going.append(row)
    return going


def waits(message: Message, until: dt.datetime) -> None:
    message.send_after = until
    message.save(update_fields=["send_after"])


def stays_here(message: Message, reason: str) -> None:
    """It is not sent, and says why."""
    message.status, message.reason = Status.SUPPRESSED, reason
    message.save(update_fields=["status", "reason"])
    audit.record(
        "message.suppressed",
        message,
        by=SYSTEM,
        patient_id=message.patient_id,
        changes={"reason": ["", reason]},
    )
    if reason == "too_late":
        refusals.ask_to_call(message, "its time had passed before it could go")


def send_all(practice: Practice, batch: Batch) -> None:
    """Hands over a batch by a few threads that do nothing but call; this one stores the answers."""
    broken = Event()
    said: dict[str, list[Answer]] = defaultdict(list)
    waiting: list[tuple[Parcel, Answer | None]] = []
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(batch.parcels))) as pool:
        futures: dict[Future[Answer | None], Parcel] = {
            pool.submit(hand_over, practice, batch.account, parcel, broken): parcel
            for parcel in batch.parcels
        }
        for future in as_completed(futures):
            answer, parcel = future.result(), futures[future]
            waiting.append((parcel, answer))
            if answer is not None:
                said[parcel.channel].append(answer)
                if lines.then(answer) is Then.BREAK:
                    broken.set()
            if len(waiting) >= STORED_AT_ONCE:
                keep(practice, waiting)
                waiting = []
    keep(practice, waiting)
    with inside(practice):
        for channel, answers in said.items():
            lines.heard(practice, channel, answers, was_out=channel in batch.out)


def keep(practice: Practice, answers: Sequence[tuple[Parcel, Answer | None]]) -> None:
    """Writes down what came of some calls, in a transaction of its own."""
    with inside(practice):
        store_all(practice, [(parcel.id, parcel.claim, answer) for parcel, answer in answers])


def hand_over(practice: Practice, account: sms.Account, parcel: Parcel, broken: Event) -> Answer | None:
    """Calls the supplier; None when it was not called: the lease is nearly over, or the account refused."""
    ends = parcel.lease_ends - dt.timedelta(seconds=settings.TWILIO_TIMEOUT_SECONDS)
    if broken.is_set() or timezone.now() >= ends:
        return None
    if parcel.channel == Channel.EMAIL:
        return email.send(
            sender=practice.email_sender,
            sender_name=parcel.sender_name,
            to=parcel.to,
            subject=parcel.subject,
            body=parcel.body,
            identity=parcel.id,
            calendar=parcel.calendar,
        )
    if parcel.channel == Channel.CALL:
        return voice.place_call(
            account,
            from_=str(practice.line_number),
            to=parcel.to,
            url=voice.hook(practice, "message", parcel.id),
            callback=voice.hook(practice, "message", parcel.id, "status"),
            timeout=RING_SECONDS,
        )
    return sms.send(
        account,
        from_=str(practice.line_number),
        to=parcel.to,
        body=parcel.body,
        callback=sms.callback_url(practice, parcel.id),
        valid_for=parcel.valid_for,
    )
