"""What follows a reminder that did not arrive: the next channel of its rule, at last a person's call.

Each step is decided from rows by the sweep, and once: a notice for each channel that was tried, and a task
that is never opened a second time for the same rule and visit.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence

from django.db import models
from django.db.models import Exists, OuterRef, Q

from messaging.models import DeskRules, Message, Task
from messaging.outbox import withdraw_messages
from messaging.outcomes import REASONS
from messaging.refusals import AGAIN
from messaging.staff_tasks import close_task, in_office_time, open_task
from patients.models import Channel
from practices.audit import SYSTEM
from practices.tenancy import current_practice
from scheduling.models import Appointment, Confirmation, Notice, ReminderRule, Status
from scheduling.planning import AWAITING, Outlook, Tried, by_first_way, gather, outlook
from scheduling.reminding import send

S = Message.Status
LONGEST, SHORTEST = dt.timedelta(hours=4), dt.timedelta(minutes=15)
# Nothing more is tried: the patient asked for silence everywhere else as well, or enough was said.
FINAL = {"deceased", "too_late", "over_cap"}
WORTH_A_CALL = dt.timedelta(days=8)  # of visits further away the next reminder will tell
CALL_WITHIN = 60  # minutes of office time


def carry_on(rules: Sequence[ReminderRule], now: dt.datetime) -> int:
    """Sends by the next channel what did not arrive, or asks a person to call; returns how many went on."""
    adopt_repeats(now)
    stuck = [notice for notice in did_not_arrive(now) if is_over(notice, now)]
    if not stuck:
        return 0
    join_within = dt.timedelta(hours=DeskRules.of_practice().join_visits_within_hours)
    seen = outlook(rules, {notice.appointment for notice in stuck}, join_within)
    tried = channels_tried(stuck)
    asks = [by_first_way(notice.appointment, notice.rule, seen, tried) for notice in stuck if notice.rule]
    going = {(ask.visit.pk, ask.rule.pk) for ask in asks if ask.channel}
    left = [notice for notice in stuck if (notice.appointment_id, notice.rule_id) not in going]
    # What still waits would come twice; where nothing else goes it may yet arrive.
    instead = {notice.message_id for notice in stuck} - {notice.message_id for notice in left}
    withdraw_messages(messages=Message.objects.filter(pk__in=instead), reason="went another way", by=SYSTEM)
    sent = send(gather([ask for ask in asks if ask.channel], [], seen), now=now, by=SYSTEM)
    ask_to_call(left, seen, now)
    return len(sent)


def did_not_arrive(now: dt.datetime) -> "models.QuerySet[Notice]":
    """The last word of each rule to each coming visit, where it failed or may be late."""
    failed = Q(message__status__in=[S.UNDELIVERED, S.FAILED, S.SUPPRESSED])
    slow = Q(message__status__in=[S.QUEUED, S.SENDING, S.UNCERTAIN, S.SENT]) & Q(
        message__send_after__lte=now - SHORTEST
    )
    later = Notice.objects.filter(
        appointment=OuterRef("appointment"),
        rule=OuterRef("rule"),
        message__created_at__gt=OuterRef("message__created_at"),
    )
    silent = Q(message__status=S.SENT, message__channel=Channel.EMAIL)  # mail that left has arrived
    return (
        Notice.objects.filter(
            failed | slow,
            rule__isnull=False,
            message__followed=True,
            appointment__status=Status.BOOKED,
            appointment__starts_at__gt=now,
            appointment__local_date__gte=now.date() - dt.timedelta(days=1),
        )
        .filter(
            Q(appointment__confirmation__in=AWAITING)
            | Q(rule__asks=False, appointment__confirmation=Confirmation.CONFIRMED)
        )
        .exclude(silent)
        .exclude(message__reason__in=FINAL)
        .exclude(Exists(later))
        .select_related("message", "rule", "appointment__patient", "appointment__appointment_type")
        .order_by("appointment__starts_at", "pk")
    )


def is_over(notice: Notice, now: dt.datetime) -> bool:
    """Whether a message has had its time: it failed, or did not arrive within a part of what is left."""
    message = notice.message
    if message.status in {S.UNDELIVERED, S.FAILED, S.SUPPRESSED}:
        return True
    left_at = message.send_after or message.created_at
    time_left = notice.appointment.starts_at - left_at
    return bool(now - left_at >= max(min(time_left / 4, LONGEST), SHORTEST))


def channels_tried(notices: Iterable[Notice]) -> Tried:
    rows = Notice.objects.filter(
        appointment__in={notice.appointment_id for notice in notices}, rule__isnull=False
    ).exclude(message__reason__in=["no_consent", "no_address", "opted_out", "wants_calls"])
    known = rows.values_list("appointment_id", "rule_id", "message__channel")
    return frozenset((visit, rule, channel) for visit, rule, channel in known if rule is not None)


def ask_to_call(notices: Sequence[Notice], seen: Outlook, now: dt.datetime) -> None:
    """Puts those into “Needs you” whom nothing reaches; once for each visit and rule, however it ends."""
    worth = [
        notice
        for notice in notices
        if notice.rule is not None
        and notice.rule.asks
        and notice.message.status != S.SUPPRESSED  # nothing was tried: the forecast shows who is not reached
        and notice.appointment.starts_at - now < WORTH_A_CALL
        and seen.reach[notice.appointment.patient_id].phone is not None
    ]
    keys = {call_key(notice.appointment_id, notice.rule_id): notice for notice in worth}
    visits = {notice.appointment_id for notice in worth}
    known = set(Task.objects.filter(once_key__in=keys).values_list("once_key", flat=True))
    called = set(
        Task.objects.open()
        .filter(kind=Task.Kind.CALL, appointment_id__in=visits)
        .values_list("appointment_id", flat=True)
    )
    for key, notice in keys.items():
        if key not in known and notice.appointment_id not in called:
            called.add(notice.appointment_id)
            _open_call(key, notice, now)


def _open_call(key: str, notice: Notice, now: dt.datetime) -> None:
    visit = notice.appointment
    soon = visit.starts_at - now < dt.timedelta(days=1)
    words = REASONS.get(notice.message.reason, "no sign that it arrived")
    open_task(
        kind=Task.Kind.CALL,
        due_at=min(in_office_time(current_practice(), CALL_WITHIN), visit.starts_at),
        once_key=key,
        urgency=Task.Urgency.SOON if soon else Task.Urgency.ROUTINE,
        patient=visit.patient,
        message=notice.message,
        appointment_id=visit.pk,
        note=f"No reminder arrived: {words}. Call to ask whether the patient comes.",
        by=SYSTEM,
    )


def call_key(visit_id: uuid.UUID, rule_id: uuid.UUID | None) -> str:
    return f"call:{visit_id.hex}:{rule_id.hex if rule_id else ''}"


def close_answered_calls(now: dt.datetime) -> int:
    """Closes the calls that nobody needs to make any more: answered, cancelled, or begun."""
    waiting = Appointment.objects.filter(
        pk=OuterRef("appointment_id"), status=Status.BOOKED, starts_at__gt=now, confirmation__in=AWAITING
    )
    over = (
        Task.objects.open().filter(kind=Task.Kind.CALL, once_key__startswith="call:").exclude(Exists(waiting))
    )
    closed = [close_task(task=task, outcome="not needed any more", by=SYSTEM) for task in over]
    return len(closed)


def adopt_repeats(now: dt.datetime) -> None:
    """Gives a text that is tried again hours later (an unreachable phone) the notices of the first try."""
    failed = (
        Notice.objects.filter(
            message__status=S.UNDELIVERED,
            message__reason__in=["unreachable", "queue_full", "busy_line", "no_answer"],
            appointment__status=Status.BOOKED,
            appointment__starts_at__gt=now,
        )
        .select_related("message")
        .order_by("pk")
    )
    roots: dict[str, list[Notice]] = {}
    for notice in failed:
        roots.setdefault(next_try(notice.message.idempotency_key), []).append(notice)
    if not roots:
        return
    orphans = Message.objects.filter(idempotency_key__in=roots, notices=None)
    Notice.objects.bulk_create(
        (
            Notice(
                practice=orphan.practice,
                message=orphan,
                appointment_id=notice.appointment_id,
                kind=notice.kind,
                rule_id=notice.rule_id,
                version=notice.version,
            )
            for orphan in orphans
            for notice in roots[orphan.idempotency_key]
        ),
        ignore_conflicts=True,
    )


def next_try(key: str) -> str:
    """The key under which the same words go once more."""
    root, _, tries = key.partition(AGAIN)
    return f"{root}{AGAIN}{int(tries or 0) + 1}"
