"""Writes down what came of handing messages over, many at a time, where the claim is still ours."""

import datetime as dt
import logging
import random
import uuid
from collections.abc import Sequence

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone

from messaging import reconciling, refusals
from messaging.models import Message, MessageQuerySet
from messaging.outcomes import Answer, Then, Verdict
from practices import audit, changes
from practices.audit import SYSTEM
from practices.models import Practice

logger = logging.getLogger(__name__)

Status = Message.Status
Handed = tuple[uuid.UUID, uuid.UUID, Answer | None]  # message, claim, what came of it
CEILING = 20  # tries of one message, about four hours of them
LONGEST_PAUSE = dt.timedelta(minutes=20)

SENT = """
    UPDATE messaging_message AS m
    SET status = 'sent', supplier_id = sent.supplier_id, sent_at = now(), claim = NULL, claimed_until = NULL,
        reason = '', error_code = ''
    FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS sent(id, claim, supplier_id)
    WHERE m.practice_id = %s AND m.id = sent.id AND m.claim = sent.claim AND m.status = 'sending'
    RETURNING m.id
"""


def store_all(practice: Practice, handed: Sequence[Handed]) -> None:
    """Stores answers: the accepted ones in one statement, the others each by its own."""
    accepted = [
        (key, claim, answer.supplier_id)
        for key, claim, answer in handed
        if answer is not None and answer.outcome == "accepted"
    ]
    for key, supplier_id in lost_claims(practice, accepted):
        store_late(key, supplier_id)
    for key, claim, answer in handed:
        if answer is None or answer.outcome != "accepted":
            store(practice, key, claim, answer)


def lost_claims(
    practice: Practice, accepted: Sequence[tuple[uuid.UUID, uuid.UUID, str]]
) -> list[tuple[uuid.UUID, str]]:
    """Marks rows as sent; returns those that somebody else took over meanwhile."""
    if not accepted:
        return []
    # In the order of keys: a report of the supplier locks the same rows one by one.
    ids, claims, sids = zip(*sorted(accepted), strict=True)
    with connection.cursor() as cursor:
        # The database's clock and ours are compared nowhere: sent_at is for people.
        cursor.execute(SENT, [list(ids), list(claims), list(sids), practice.pk])
        done = {row[0] for row in cursor.fetchall()}
    return [(key, supplier_id) for key, _, supplier_id in accepted if key not in done]


def store(practice: Practice, key: uuid.UUID, claim: uuid.UUID, answer: Answer | None) -> None:
    """Writes down what came of a call that was not accepted; a claim that was lost keeps its hands off."""
    ours = Message.objects.filter(pk=key, claim=claim, status=Status.SENDING)
    now = timezone.now()
    if answer is None:
        ours.update(
            status=Status.QUEUED, claim=None, claimed_until=None, attempts=F("attempts") - 1, send_after=now
        )
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


def pause_before(attempts: int, retry_after: float | None) -> dt.timedelta:
    """Twice as long each time, with jitter so that not all come back at once, never sooner than asked."""
    doubled = settings.DELIVERY_BACKOFF_SECONDS * 2 ** min(max(attempts, 1) - 1, 12)
    pause = min(dt.timedelta(seconds=doubled), LONGEST_PAUSE) * random.uniform(1.0, 1.5)  # noqa: S311
    return max(pause, dt.timedelta(seconds=retry_after or 0))
