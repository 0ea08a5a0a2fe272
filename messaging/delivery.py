"""Takes what is due to the suppliers, each message exactly once.

1. Claim rows (`FOR UPDATE SKIP LOCKED`) with a lease and a token, and ask again whether they may go.
2. Call the supplier outside any transaction.
3. Store what came of it, if the claim is still ours: accepted, refused, or uncertain.
4. An uncertain send, or one whose worker vanished, rests for the grace; then the supplier is asked twice
   whether it has the text. Only a text it does not have is sent again (SECURITY.md section 4).
"""

import datetime as dt
import logging
import random
import uuid
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from threading import Event

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from messaging import email, reconciling, refusals, sms
from messaging.models import Message, MessageQuerySet
from messaging.outbox import permissions_for, why_not
from messaging.outcomes import Answer, Then, Verdict
from patients.models import Channel
from practices import audit, changes
from practices.audit import SYSTEM
from practices.encryption import CannotDecrypt
from practices.models import Practice
from practices.tenancy import inside

logger = logging.getLogger(__name__)

Status = Message.Status
AT_ONCE = 8  # calls to the supplier at the same time, per worker process
CEILING = 20  # tries of one message, about four hours of them
LONGEST_PAUSE = dt.timedelta(minutes=20)
ACCOUNT_PAUSE = dt.timedelta(minutes=15)


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
    valid_for: float | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one worker took upon itself: to send, and to ask the supplier about."""

    account: sms.Account
    parcels: list[Parcel]
    doubts: list[reconciling.Doubt]
    looked_at: int


def deliver_all(practice: Practice, batches: int = 40) -> None:
    """Works through what is due; bounded, so that one practice cannot keep a worker to itself."""
    for _ in range(batches):
        if not deliver_due(practice):
            return


def deliver_due(practice: Practice, limit: int = 50) -> int:
    """Sends up to `limit` messages that are due, and settles doubts; returns how many rows it dealt with."""
    with inside(practice):
        batch = claim(practice, limit)
    if batch.parcels:
        send_all(practice, batch)
    for doubt in batch.doubts:
        reconciling.settle(practice, batch.account, doubt)
    if batch.looked_at:
        with inside(practice):
            changes.announce(practice, "messages")
    return batch.looked_at


def claim(practice: Practice, limit: int) -> Batch:
    """Takes due rows nobody holds; those that may not go now are stored so."""
    now = timezone.now()
    rows = list(
        Message.objects.due(now)
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("patient", "contact_point", "in_reply_to")
        .order_by("send_after")[:limit]
    )
    if not rows:
        return Batch(sms.Account("", ""), [], [], 0)
    readable = [row for row in rows if can_be_read(row)]
    queued = [row for row in readable if row.status == Status.QUEUED]
    doubtful = [row for row in readable if row.status != Status.QUEUED]
    permissions = permissions_for(queued)
    going = [row for row in queued if may_go(practice, row, why_not(row, permissions), now)]
    token, lease_ends = uuid.uuid4(), now + dt.timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)
    Message.objects.filter(pk__in=[row.pk for row in going]).update(
        status=Status.SENDING, claim=token, claimed_until=lease_ends, attempts=F("attempts") + 1
    )
    parcels = [
        Parcel(
            id=row.pk,
            claim=token,
            lease_ends=lease_ends,
            channel=row.channel,
            to=row.address,
            subject=row.subject,
            body=row.body,
            valid_for=(row.useful_until - now).total_seconds() if row.useful_until else None,
        )
        for row in going
    ]
    doubts = reconciling.take_up(doubtful, token, now)
    return Batch(sms.account_of(practice), parcels, doubts, len(rows))


def can_be_read(message: Message) -> bool:
    """Whether a row opens; one whose key is lost fails alone and goes to a person, the others go out."""
    try:
        _ = message.address, message.body
    except CannotDecrypt:
        logger.exception("message %s cannot be read", message.pk)
        message.status, message.reason = Status.FAILED, "unreadable"
        message.claim = message.claimed_until = None
        message.save(update_fields=["status", "reason", "claim", "claimed_until"])
        audit.record("message.refused", message, by=SYSTEM, patient_id=message.patient_id)
        refusals.ask_to_call(message, "it can no longer be read")
        return False
    return True


def may_go(practice: Practice, message: Message, reason: str, now: dt.datetime) -> bool:
    """The last look before a message leaves; stores why it does not, or until when it waits."""
    if not reason and message.useful_until is not None and message.useful_until <= now:
        reason = "too_late"
    if reason:
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
        return False
    if practice.is_quiet(now) and not message.ignores_quiet_hours:
        message.send_after = practice.after_quiet(now)
        message.save(update_fields=["send_after"])
        return False
    return True


def send_all(practice: Practice, batch: Batch) -> None:
    """Hands over a batch by a few threads that do nothing but call; this one stores the answers."""
    broken = Event()
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(batch.parcels))) as pool:
        futures: dict[Future[Answer | None], Parcel] = {
            pool.submit(hand_over, practice, batch.account, parcel, broken): parcel
            for parcel in batch.parcels
        }
        for future in as_completed(futures):
            answer = future.result()
            with inside(practice):
                store(practice, futures[future], answer)
            if answer is not None and answer.verdict is not None and answer.verdict.then is Then.BREAK:
                broken.set()


def hand_over(practice: Practice, account: sms.Account, parcel: Parcel, broken: Event) -> Answer | None:
    """Calls the supplier; None when it was not called: the lease is nearly over, or the account refused."""
    ends = parcel.lease_ends - dt.timedelta(seconds=settings.TWILIO_TIMEOUT_SECONDS)
    if broken.is_set() or timezone.now() >= ends:
        return None
    if parcel.channel == Channel.EMAIL:
        return email.send(
            sender=practice.email_sender,
            sender_name=practice.public_name,
            to=parcel.to,
            subject=parcel.subject,
            body=parcel.body,
            identity=parcel.id,
        )
    return sms.send(
        account,
        from_=str(practice.line_number),
        to=parcel.to,
        body=parcel.body,
        callback=sms.callback_url(practice, parcel.id),
        valid_for=parcel.valid_for,
    )


def store(practice: Practice, parcel: Parcel, answer: Answer | None) -> None:
    """Writes down what came of a call; a claim that was lost meanwhile keeps its hands off."""
    ours = Message.objects.filter(pk=parcel.id, claim=parcel.claim, status=Status.SENDING)
    now = timezone.now()
    if answer is None:
        ours.update(
            status=Status.QUEUED, claim=None, claimed_until=None, attempts=F("attempts") - 1, send_after=now
        )
    elif answer.outcome == "accepted":
        sent = ours.update(
            status=Status.SENT,
            supplier_id=answer.supplier_id,
            sent_at=now,
            claim=None,
            claimed_until=None,
            reason="",
            error_code="",
        )
        if not sent:
            store_late(parcel.id, answer.supplier_id)
    elif answer.outcome == "uncertain":
        store_uncertain(ours, answer, now)
    elif (message := ours.select_for_update().first()) is not None and answer.verdict is not None:
        store_refused(practice, message, answer, answer.verdict, now)


def store_late(message_id: uuid.UUID, supplier_id: str) -> None:
    """An acceptance that came after the claim was lost: the text is out, so it may not go again."""
    message = Message.objects.select_for_update().get(pk=message_id)
    if message.supplier_id == supplier_id:
        return  # the supplier's report was faster than its answer
    if message.supplier_id:
        logger.error("message %s was accepted twice", message_id)
        return
    reconciling.mark_sent(message, supplier_id)


def store_uncertain(rows: MessageQuerySet, answer: Answer, now: dt.datetime) -> None:
    """The text may be out: it rests, then the supplier is asked."""
    if "reconcile" in settings.SWITCHED_OFF:
        rows.update(status=Status.QUEUED, claim=None, claimed_until=None, send_after=now)
        return
    rows.update(
        status=Status.UNCERTAIN,
        claim=None,
        claimed_until=now + dt.timedelta(seconds=settings.DELIVERY_GRACE_SECONDS),
        error_code=answer.code,
        reconciliations=0,
    )


def store_refused(
    practice: Practice, message: Message, answer: Answer, line: Verdict, now: dt.datetime
) -> None:
    """Follows the table for a message the supplier did not take."""
    message.claim = message.claimed_until = None
    message.error_code, message.reason = answer.code, line.reason
    wait_and_see = line.then in {Then.RETRY, Then.BREAK}
    if wait_and_see and message.attempts < CEILING:
        message.status = Status.QUEUED
        message.send_after = now + pause_before(message.attempts, answer.retry_after)
        if line.then is Then.BREAK:
            hold_texts(message, now)
            refusals.report_account_refused(line)
    else:
        message.status = Status.FAILED
        message.reason = "gave_up" if wait_and_see else line.reason
    message.save(
        update_fields=["status", "claim", "claimed_until", "error_code", "reason", "send_after", "attempts"]
    )
    if message.status == Status.FAILED:
        audit.record("message.refused", message, by=SYSTEM, patient_id=message.patient_id)
        refusals.follow(message, line)
        changes.announce(practice, "messages", "queue")


def hold_texts(message: Message, now: dt.datetime) -> None:
    """The account is refused: every text that is due waits, instead of being refused one by one."""
    message.send_after = now + ACCOUNT_PAUSE
    Message.objects.waiting().filter(channel=message.channel, send_after__lte=now + ACCOUNT_PAUSE).update(
        send_after=now + ACCOUNT_PAUSE
    )


def pause_before(attempts: int, retry_after: float | None) -> dt.timedelta:
    """Twice as long each time, with jitter so that not all come back at once, never sooner than asked."""
    doubled = settings.DELIVERY_BACKOFF_SECONDS * 2 ** min(max(attempts, 1) - 1, 12)
    pause = min(dt.timedelta(seconds=doubled), LONGEST_PAUSE) * random.uniform(1.0, 1.5)  # noqa: S311
    return max(pause, dt.timedelta(seconds=retry_after or 0))
