"""What the supplier reports about a text it took. Reports come in any order, late, and more than once."""

import logging
import uuid

from django.utils import timezone

from messaging import lines, reconciling, refusals
from messaging.models import Message, Task
from messaging.outcomes import Then, verdict
from messaging.staff_tasks import close_task
from practices import audit, changes
from practices.audit import SYSTEM
from practices.tenancy import current_practice

logger = logging.getLogger(__name__)

Status = Message.Status
# The supplier's words → ours. What is not here (queued, sending, accepted, …) says only that it has the text.
MEANING = {
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.UNDELIVERED,
    "canceled": Status.UNDELIVERED,
}
# States only move forward; that it arrived has the last word.
RANK = {Status.SENT: 1, Status.UNDELIVERED: 2, Status.DELIVERED: 3}


def status_reported(*, message_id: uuid.UUID, supplier_id: str, status: str, code: str) -> bool:
    """Moves a text forward by one report; the same final state whatever the order. False: no such text."""
    message = (
        Message.objects.select_for_update(of=("self",))
        .select_related("patient", "contact_point")
        .filter(pk=message_id, direction=Message.Direction.OUT)
        .first()
    )
    if message is None:
        return False
    if not message.supplier_id:
        # Faster than the answer to our own call, or all that is left of it: this settles an uncertain send.
        reconciling.mark_sent(message, supplier_id)
    elif message.supplier_id != supplier_id:
        logger.error("the supplier reports message %s under a second id", message_id)
        return True
    new = MEANING.get(status, Status.SENT)
    if RANK[new] > RANK.get(Status(message.status), 0):
        advance(message, new, code)
    return True


# What the supplier says of an automatic call → whether its words were heard.
CALL_ENDS = {"busy": "busy", "no-answer": "no-answer", "failed": "no-route", "canceled": "no-route"}


def call_reported(
    *, message_id: uuid.UUID, supplier_id: str, status: str, code: str = "", machine: bool = False
) -> bool:
    """Moves an automatic call forward by one report (`completed`, `busy`, `no-answer`, `failed`, …).

    `machine`: an answering machine took it, so no more than practice and number was said. A call that was
    heard counts as delivered, with or without a key. Any order, any number of times; False: no such call.
    """
    if status == "completed":
        status, code = ("undelivered", "voicemail") if machine else ("delivered", "")
    elif status in CALL_ENDS:
        status, code = "undelivered", code or CALL_ENDS[status]
    return status_reported(message_id=message_id, supplier_id=supplier_id, status=status, code=code)


def advance(message: Message, new: Message.Status, code: str) -> None:
    """Stores the new state and does what follows from it."""
    before, message.status = message.status, new
    line = verdict(code) if new == Status.UNDELIVERED else None
    message.error_code, message.reason = (code[:10], line.reason) if line else ("", "")
    message.claim = message.claimed_until = None
    message.sent_at = message.sent_at or timezone.now()
    message.save(update_fields=["status", "error_code", "reason", "claim", "claimed_until", "sent_at"])
    if line is not None:
        audit.record(
            "message.undelivered",
            message,
            by=SYSTEM,
            patient_id=message.patient_id,
            changes={"status": [before, new], "reason": ["", line.reason]},
        )
        refusals.follow(message, line)
        if line.then is Then.BREAK:
            lines.break_line(message.practice, message.channel, line.words)
        if code == "30007":
            refusals.watch_for_filtering(message)
    elif before == Status.UNDELIVERED:
        take_back_worry(message)
    changes.announce(current_practice(), "messages", "queue")


def take_back_worry(message: Message) -> None:
    """It arrived after all: the task is closed, the number works, and no second text goes."""
    for task in Task.objects.open().filter(message=message, kind=Task.Kind.UNDELIVERED):
        close_task(task=task, outcome="delivered after all", by=SYSTEM)
    point = message.contact_point
    if point is not None and point.unusable:
        point.unusable = ""
        point.save(update_fields=["unusable"])
    refusals.cancel_again(message)
