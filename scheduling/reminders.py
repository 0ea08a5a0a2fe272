"""The sweep of reminders.

A reminder is due on the wall clock. Rows decide; a run that was missed is caught up within a day. Once the
patient has answered nothing asks any more.
"""

import datetime as dt
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from messaging.models import Message
from practices import changes
from practices.audit import SYSTEM
from practices.models import Practice
from practices.tenancy import current_practice, inside
from scheduling.models import Appointment, Confirmation, Notice, Status
from scheduling.next_channel import carry_on, close_answered_calls
from scheduling.notices import LEFT
from scheduling.planning import plan
from scheduling.reminding import send
from scheduling.rules import active_rules

CATCH_UP = dt.timedelta(hours=24)


def queue_reminders(practice: Practice, *, now: dt.datetime | None = None) -> int:
    """Queues the reminders that are due, each once; returns how many. Two at the same time do it once.

    What did not arrive goes on by its next channel; a run that was missed is caught up within a day.
    """
    now = now or timezone.now()
    with inside(practice):
        if not _alone(practice):
            return 0
        rules = active_rules(store=True)
        queued = send(plan(rules, since=now - CATCH_UP, until=now, now=now), now=now, by=SYSTEM)
        went_on = carry_on(rules, now)
        follow_deliveries(now)
        close_answered_calls(now)
        return sum(not message.reason for message in queued) + went_on


def _alone(practice: Practice) -> bool:
    """Whether no other worker reminds for this practice; ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtext('reminders'), %s::int)", [practice.pk % 2**31]
        )
        return bool(cursor.fetchone()[0])


def follow_deliveries(now: dt.datetime | None = None) -> int:
    """Carries what became of the texts to the visits: asked, delivered, could not be reached. Set-based.

    The visit's version stays: nobody's open form goes stale because a text arrived.
    """
    now = now or timezone.now()
    told = Notice.objects.filter(appointment=OuterRef("pk"))
    coming = Appointment.objects.filter(status=Status.BOOKED, starts_at__gt=now)
    lost = Notice.objects.filter(message__status__in=[Message.Status.UNDELIVERED, Message.Status.FAILED])
    # Few, and asked for first: beside the second question a planner without statistics reads all against all.
    failed = set(lost.filter(appointment__in=coming).values_list("appointment_id", flat=True))
    reached = told.filter(message__status__in=[*LEFT, Message.Status.QUEUED])
    unsent, sent, delivered = Confirmation.UNSENT, Confirmation.SENT, Confirmation.DELIVERED
    steps: list[tuple[list[str], Any, str]] = [
        (
            [unsent, sent, Confirmation.UNDELIVERABLE],
            Exists(told.filter(message__status=Message.Status.DELIVERED)),
            delivered,
        ),
        ([unsent], Exists(told.filter(message__status=Message.Status.SENT)), sent),
        (
            [unsent, sent, Confirmation.UNDELIVERABLE],
            Exists(told.filter(message__status=Message.Status.UNDELIVERED, message__reason="voicemail")),
            Confirmation.LEFT_MESSAGE,
        ),
    ]
    if failed:
        steps.append(([unsent, sent], Q(pk__in=failed) & ~Exists(reached), Confirmation.UNDELIVERABLE))
    moved = sum(
        coming.filter(condition, confirmation__in=before).update(confirmation=after)
        for before, condition, after in steps
    )
    if moved:
        changes.announce(current_practice(), "appointments")
    return moved
