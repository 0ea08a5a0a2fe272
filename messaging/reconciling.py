"""Finds out whether an uncertain text went out, by asking the supplier what it has."""

import datetime as dt
import logging
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from messaging import refusals, sms, voice
from messaging.models import Call, Message
from messaging.outcomes import UNCERTAIN, Answer
from patients.models import Channel
from practices import audit, changes
from practices.audit import SYSTEM
from practices.models import Practice
from practices.tenancy import inside

logger = logging.getLogger(__name__)

Status = Message.Status
LISTINGS = 2  # looks at the supplier's list before a text is sent again
CEILING = 20
LINK = re.compile(r"/v/([\w-]{16,})")
CLOCKS_APART = dt.timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A send whose outcome is unknown, and what to look for at the supplier."""

    id: uuid.UUID
    claim: uuid.UUID
    channel: str
    to: str
    body: str
    not_before: dt.datetime


def take_up(messages: Iterable[Message], token: uuid.UUID, now: dt.datetime) -> list[Doubt]:
    """Claims rows whose grace is over; one whose worker vanished a moment ago rests first."""
    grace = dt.timedelta(seconds=settings.DELIVERY_GRACE_SECONDS)
    doubts = []
    for message in messages:
        if "reconcile" in settings.SWITCHED_OFF:
            back_to_queue(message, now)
            continue
        rested = (message.claimed_until or now) + grace
        if message.status == Status.SENDING and now < rested:
            message.status, message.claim, message.claimed_until = Status.UNCERTAIN, None, rested
            message.reconciliations = 0
            message.save(update_fields=["status", "claim", "claimed_until", "reconciliations"])
            continue
        message.status, message.claim = Status.UNCERTAIN, token
        message.claimed_until = now + dt.timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)
        message.save(update_fields=["status", "claim", "claimed_until"])
        began = max(message.created_at, min(message.send_after or now, now)) - CLOCKS_APART
        doubts.append(Doubt(message.pk, token, message.channel, message.address, message.body, began))
    return doubts


def settle(practice: Practice, account: sms.Account, doubt: Doubt) -> Answer | None:
    """Asks the supplier, outside any transaction, and stores what that says about one message.

    Returns what it says about the line: that it answers, or not; None for a mail, which nobody lists.
    """
    if doubt.channel == Channel.EMAIL:
        with inside(practice):
            settle_mail(doubt)
        return None
    ask = voice.calls_to if doubt.channel == Channel.CALL else sms.sent_to
    try:
        listed = ask(account, from_=str(practice.line_number), to=doubt.to)
    except Exception as error:
        logger.warning("the supplier does not answer about message %s: %s", doubt.id, type(error).__name__)
        with inside(practice):
            ask_again_later(doubt)
        return UNCERTAIN
    with inside(practice):
        settle_text(doubt, listed)
    return Answer("accepted")


def ours(doubt: Doubt) -> Message | None:
    """The row, if nobody else has settled it since."""
    return (
        Message.objects.select_for_update(of=("self",))
        .select_related("patient", "contact_point")
        .filter(pk=doubt.id, claim=doubt.claim, status=Status.UNCERTAIN)
        .first()
    )


def settle_text(doubt: Doubt, listed: list[sms.Listed]) -> None:
    """Marks a text the supplier has as sent; one it twice did not have goes back to the queue."""
    message = ours(doubt)
    if message is None:
        return
    found = match(doubt, listed)
    if found is not None:
        mark_sent(message, found.sid)
        return
    message.reconciliations += 1
    message.claim = None
    if message.reconciliations < LISTINGS:
        message.claimed_until = timezone.now() + dt.timedelta(seconds=settings.DELIVERY_GRACE_SECONDS)
        message.save(update_fields=["reconciliations", "claim", "claimed_until"])
    elif message.attempts >= CEILING:
        give_up(message)
    else:
        back_to_queue(message, timezone.now())


def match(doubt: Doubt, listed: list[sms.Listed]) -> sms.Listed | None:
    """The listed text that is this message: its words or its private link, and not known as another.

    A call has no words in the list: any that we know nothing of is taken for it.
    """
    link = LINK.search(doubt.body)
    spoken = doubt.channel == Channel.CALL
    candidates = [
        text
        for text in listed
        if (text.created_at is None or text.created_at >= doubt.not_before)
        and (spoken or text.body == doubt.body or (link is not None and link[1] in text.body))
    ]
    sids = [text.sid for text in candidates]
    known = set(Message.objects.filter(supplier_id__in=sids).values_list("supplier_id", flat=True))
    if spoken:
        known |= set(Call.objects.filter(supplier_id__in=sids).values_list("supplier_id", flat=True))
    return next((text for text in candidates if text.sid not in known), None)


def settle_mail(doubt: Doubt) -> None:
    """A mail server keeps no list: one more try under the same Message-ID, then a person."""
    message = ours(doubt)
    if message is None:
        return
    if message.attempts < LISTINGS:
        back_to_queue(message, timezone.now())
    else:
        give_up(message)


def ask_again_later(doubt: Doubt) -> None:
    """The supplier does not answer: nothing is sent, and after long enough a person decides."""
    message = ours(doubt)
    if message is None:
        return
    message.attempts += 1
    if message.attempts >= CEILING:
        give_up(message)
        return
    grace = settings.DELIVERY_GRACE_SECONDS
    message.claim = None
    message.claimed_until = timezone.now() + dt.timedelta(seconds=grace * min(message.attempts, 10))
    message.save(update_fields=["attempts", "claim", "claimed_until"])


def back_to_queue(message: Message, now: dt.datetime) -> None:
    message.status, message.claim, message.claimed_until = Status.QUEUED, None, None
    message.send_after, message.reconciliations = now, 0
    message.save(update_fields=["status", "claim", "claimed_until", "send_after", "reconciliations"])


def give_up(message: Message) -> None:
    """Leaves the row uncertain for good: it is never sent again, a person is asked."""
    message.claim = message.claimed_until = None
    message.reason = "unknown"
    message.save(update_fields=["attempts", "reconciliations", "claim", "claimed_until", "reason"])
    audit.record("message.uncertain", message, by=SYSTEM, patient_id=message.patient_id)
    refusals.ask_about_unknown(message)


def mark_sent(message: Message, supplier_id: str) -> None:
    """The supplier has the text: whatever was thought of it before, it is out."""
    message.supplier_id = supplier_id
    message.claim = message.claimed_until = None
    if message.status not in {Status.SENT, Status.DELIVERED, Status.UNDELIVERED}:
        message.status, message.reason, message.error_code = Status.SENT, "", ""
        message.sent_at = message.sent_at or timezone.now()
    message.save(
        update_fields=["supplier_id", "claim", "claimed_until", "status", "reason", "error_code", "sent_at"]
    )
    changes.announce(message.practice, "messages")
