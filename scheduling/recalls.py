"""Recalls by rule: who was seen so long ago that it is time again, found once for each last visit, and told.

The sweep is a query for each rule and day, whatever the number of patients. A row that was found stops by
itself when such a visit is booked, and for good when the patient asked for no messages or wants no recalls.
"""

import calendar
import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from messaging.models import Message, Suppression
from messaging.outbox import compose, hold_back, store_messages, withdraw_messages
from messaging.templates import render
from patients.contacts import Reach, reachability
from patients.models import Channel
from practices import audit, changes
from practices.audit import SYSTEM, Actor
from practices.models import Practice
from practices.tenancy import current_practice, inside
from scheduling import asking
from scheduling.followups import REGION, WAIT
from scheduling.models import (
    ACTIVE,
    Appointment,
    AppointmentType,
    FollowUp,
    FollowUpLink,
    RecallRule,
    Status,
)
from scheduling.models.followups import ending_visits
from scheduling.rules import order_of_channels
from scheduling.wallclock import boundary

REACHES_BACK = 6  # months: whoever should have come before that is not written to by a machine
SWEEP_AT = dt.time(6)  # on the practice's clock
TELL_AT = dt.time(10)
BATCH = 200
LATE_BY = 30  # days after its day a recall is overdue
MOST_BATCHES = 25


class RecallRefused(ValueError):
    """The rule cannot be, in words; `field` is where to say it."""

    def __init__(self, words: str, field: str) -> None:
        super().__init__(words)
        self.field = field


def months_after(day: dt.date, months: int) -> dt.date:
    """The same day some months later, or earlier; the last of a month that is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@transaction.atomic
def save_rule(
    *, appointment_type: AppointmentType, months: int, weeks_before: int, channel: str, by: Actor
) -> RecallRule:
    """Writes the rule of a type of visit, or changes the one it has; raises RecallRefused."""
    if not 1 <= months <= RecallRule.MOST_MONTHS:
        raise RecallRefused(f"Between 1 and {RecallRule.MOST_MONTHS} months.", "months")
    if not 0 <= weeks_before <= RecallRule.MOST_WEEKS:
        raise RecallRefused(f"Between 0 and {RecallRule.MOST_WEEKS} weeks.", "weeks_before")
    if weeks_before * 7 >= months * 28:
        raise RecallRefused(
            "That would be before the last visit: fewer weeks, or more months.", "weeks_before"
        )
    rule = (
        RecallRule.objects.select_for_update(of=("self",)).filter(appointment_type=appointment_type).first()
    )
    rule = rule or RecallRule(practice=current_practice(), appointment_type=appointment_type, active=False)
    wanted: dict[str, Any] = {
        "months": months, "weeks_before": weeks_before, "channel": channel, "active": True,
    }  # fmt: skip
    differs = {name: [getattr(rule, name), value] for name, value in wanted.items()}
    for name, value in wanted.items():
        setattr(rule, name, value)
    rule.swept_on = None  # what it says now is looked for today
    rule.save()
    changed = {name: pair for name, pair in differs.items() if pair[0] != pair[1]}
    audit.record("recall_rule.saved", rule, by=by, changes=changed)
    return rule


@transaction.atomic
def take_down(*, rule: RecallRule, by: Actor) -> None:
    """Ends a rule: it finds nobody any more; whom it found already stays on the list."""
    rule.active = False
    rule.save(update_fields=["active"])
    audit.record("recall_rule.taken_down", rule, by=by, changes={"active": [True, False]})


def sweep(practice: Practice, now: dt.datetime | None = None) -> int:
    """Finds whose turn it is and tells them, each once; returns how many rows it made."""
    now = now or timezone.now()
    local = now.astimezone(practice.zone)
    with inside(practice):
        withdraw_booked()
        stop_silent()
    if local.time() < SWEEP_AT:
        return 0
    if local.hour == SWEEP_AT.hour:
        with inside(practice):
            settle(local.date())
    made = 0
    while (found := sweep_rule(practice, local.date())) is not None:
        made += found
    for _ in range(MOST_BATCHES):
        if tell_batch(practice, now) < BATCH:
            break
    return made


def sweep_rule(practice: Practice, today: dt.date) -> int | None:
    """One rule that was not looked at today; how many rows it made, None when all were.

    Another worker may be at it: its rule is passed over, and the unique key has the last word.
    """
    with inside(practice):
        waiting = RecallRule.objects.filter(Q(swept_on=None) | Q(swept_on__lt=today), active=True)
        rule = waiting.select_for_update(skip_locked=True, of=("self",)).order_by("pk").first()
        if rule is None:
            return None
        rows = find(rule, today)
        FollowUp.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
        stored = FollowUp.objects.filter(pk__among=[row.pk for row in rows])
        audit.record_each(
            (
                ("follow-up.recalled", row, row.patient_id, {"due_on": [None, row.due_on]})
                for row in stored.only("pk", "patient_id", "due_on", "practice_id")
            ),
            by=SYSTEM,
        )
        RecallRule.objects.filter(pk=rule.pk).update(swept_on=today)
        if rows:
            changes.announce(practice, REGION)
        return len(rows)


def find(rule: RecallRule, today: dt.date) -> list[FollowUp]:
    """Rows, not stored yet, for the last visits whose time has come; one query.

    Not for who died or is not in use, has been or will be here since, has such a follow-up already, was
    found for the same visit before, or does not want to be recalled for this.
    """
    lead = dt.timedelta(weeks=rule.weeks_before)
    first = months_after(today, -rule.months - REACHES_BACK)
    last = months_after(today + lead, -rule.months) + dt.timedelta(days=3)
    mine = FollowUp.objects.filter(patient=OuterRef("patient"))
    later = Appointment.objects.filter(
        patient=OuterRef("patient"),
        appointment_type=rule.appointment_type_id,
        status__in=ACTIVE,
        starts_at__gt=OuterRef("starts_at"),
    )
    kept_away = mine.filter(
        Q(rule=rule, visit=OuterRef("pk"))
        | Q(rule=rule, closed_as__in=[FollowUp.Closed.DECLINED, FollowUp.Closed.OPTED_OUT])
        | Q(
            appointment_type=rule.appointment_type_id,
            closed_at=None,
            counts_from__gt=OuterRef("local_date"),  # ordered after this visit, not a recall that it ended
        )
    )
    visits = Appointment.objects.filter(
        ~Exists(later.order_by()),
        ~Exists(kept_away),
        appointment_type=rule.appointment_type_id,
        status=Status.FULFILLED,
        local_date__range=(first, last),
        patient__deceased=False,
        patient__active=True,
    ).order_by()
    return [
        row
        for visit in visits.values_list("pk", "patient_id", "practitioner_id", "local_date", named=True)
        if (row := recall(rule, visit)).work_from <= today
    ]


def recall(rule: RecallRule, visit: Any) -> FollowUp:
    due_on = months_after(visit.local_date, rule.months)
    return FollowUp(
        practice=current_practice(),
        patient_id=visit.patient_id,
        appointment_type_id=rule.appointment_type_id,
        visit_id=visit.pk,
        rule=rule,
        due_on=due_on,
        tolerance_days=LATE_BY,
        counts_from=visit.local_date + dt.timedelta(days=1),
        latest_on=due_on + dt.timedelta(days=LATE_BY),
        work_from=due_on - dt.timedelta(weeks=rule.weeks_before),
    )


def stop_silent() -> int:
    """Ends recalls of patients who answered them by asking for silence; one statement."""
    silent = Suppression.objects.filter(
        channel=OuterRef("message__channel"),
        address_index=OuterRef("message__address_index"),
        lifted_at=None,
        since__gte=OuterRef("asked_at"),
    )
    told = FollowUp.objects.filter(Exists(silent), rule__isnull=False, closed_at=None, asked_at__isnull=False)
    rows = list(told.only("pk", "patient_id", "practice_id"))
    return _opted_out(rows)


def _opted_out(rows: Sequence[FollowUp]) -> int:
    keys = [row.pk for row in rows]
    if not keys:
        return 0
    closed = {"closed_at": timezone.now(), "closed_as": FollowUp.Closed.OPTED_OUT}
    FollowUp.objects.filter(pk__in=keys, closed_at=None).update(**closed)
    audit.record_each(
        (("follow-up.opted-out", row, row.patient_id, {"closed_as": ["", "opted-out"]}) for row in rows),
        by=SYSTEM,
    )
    changes.announce(current_practice(), REGION)
    return len(keys)


def tell_batch(practice: Practice, now: dt.datetime) -> int:
    """Writes to those who were found and not told yet, where one may; how many rows it looked at."""
    today = now.astimezone(practice.zone).date()
    with inside(practice):
        untold = FollowUp.objects.unbooked().filter(
            rule__isnull=False, rule__active=True, asked_at=None, why_not="", work_from__lte=today
        )
        # Another worker's rows are passed over; who waits is not told, since she was seen to by hand.
        rows = list(
            untold.filter(wait_until=None)
            .exclude(rule__channel=Channel.CALL)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("patient", "rule")
            .order_by("work_from", "pk")[:BATCH]
        )
        if rows:
            tell(rows, practice, now)
        return len(rows)


def tell(rows: Sequence[FollowUp], practice: Practice, now: dt.datetime) -> None:
    """Messages for many rows in a few statements; who cannot be written to stays on the list to be called."""
    reach = reachability({row.patient for row in rows})
    silent = who_is_silent(reach)
    at = max(now, boundary(now.astimezone(practice.zone).date(), TELL_AT, practice.zone))
    goes: list[tuple[FollowUp, Message]] = []
    links: list[FollowUpLink] = []
    stopped: list[FollowUp] = []
    for row in rows:
        channel, why_not = way_to(row, reach[row.patient_id], silent)
        if channel:
            goes.append((row, message_for(row, channel, reach[row.patient_id], at, links)))
        elif why_not == "opted_out":
            stopped.append(row)
        else:
            row.why_not = why_not
    _opted_out(stopped)
    FollowUpLink.objects.bulk_create(links)
    stored = store_messages([message for _, message in goes], by=SYSTEM) if goes else []
    for (row, _), message in zip(goes, stored, strict=True):
        row.message, row.asked_at = message, now
        row.wait_until = at.astimezone(practice.zone).date() + WAIT
        row.version += 1
    left = [row for row in rows if row not in stopped]
    FollowUp.objects.bulk_update(left, ["message", "asked_at", "wait_until", "why_not", "version"])
    changes.announce(practice, REGION)


def who_is_silent(reach: dict[Any, Reach]) -> frozenset[tuple[str, str]]:
    """Which of these numbers and mailboxes asked for silence; one query."""
    points = [point for one in reach.values() for point in (one.text_to, one.email_to) if point]
    found = Suppression.objects.filter(
        address_index__in={point.value_index for point in points}, lifted_at=None
    )
    return frozenset(found.values_list("channel", "address_index"))


def way_to(row: FollowUp, reach: Reach, silent: frozenset[tuple[str, str]]) -> tuple[str, str]:
    """The channel by which a recall goes, or why none does, as `messaging.outcomes.REASONS` words it.

    The rule's own first; the other one where the patient agreed to that alone. Who asked for calls is called.
    """
    assert row.rule is not None  # noqa: S101 - a recall has one
    both = sorted([Channel.SMS, Channel.EMAIL], key=lambda channel: channel != row.rule.channel)
    wanted = order_of_channels(row.patient, both)
    if not wanted:
        return "", "wants_calls"
    points = {channel: reach.point_for(channel) for channel in wanted}
    if any(point and (channel, point.value_index) in silent for channel, point in points.items()):
        return "", "opted_out"
    for channel in wanted:
        if reach.may_go_by(channel) and points[channel] is not None:
            return channel, ""
    return "", "no_consent" if any(points.values()) else "no_address"


def message_for(
    row: FollowUp, channel: str, reach: Reach, at: dt.datetime, links: list[FollowUpLink]
) -> Message:
    point = reach.point_for(channel)
    link, token = asking.new_link(row)
    links.append(link)
    patient = row.patient
    words = render("recall", patient.language, asking.words_for(patient, token), channel=channel)
    message = compose(
        patient=patient,
        contact_point=point,
        channel=channel,
        kind=Message.Kind.RECALL,
        language=patient.language,
        address=str(point.value) if point is not None else "",
        subject=words.subject,
        body=words.body,
        idempotency_key=f"recall:{row.pk}:rule",
        send_after=at,
        useful_until=at + asking.WORTH_SENDING,
    )
    hold_back(message, "" if point is not None else "no_address")
    return message


def withdraw_booked() -> int:
    """Takes back messages that wait about what was booked, ended or died meanwhile; returns how many."""
    asked = FollowUp.objects.filter(message__status=Message.Status.QUEUED)
    over = asked.exclude(pk__in=FollowUp.objects.unbooked().filter(message__status=Message.Status.QUEUED))
    waiting = Message.objects.filter(pk__in=list(over.values_list("message", flat=True)))
    return withdraw_messages(messages=waiting, reason="booked meanwhile", by=SYSTEM)


def settle(today: dt.date) -> int:
    """Closes what was seen more than a week ago, so that what stands does not grow for ever."""
    seen = ending_visits().filter(status=Status.FULFILLED, local_date__lt=today - dt.timedelta(days=7))
    over = FollowUp.objects.filter(Exists(seen), closed_at=None)
    return int(over.update(closed_at=timezone.now(), closed_as=FollowUp.Closed.SEEN))
