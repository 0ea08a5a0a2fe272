"""When patients are reminded and by what: the rules of a practice, in general and per type of visit."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from patients.models import Channel, Patient
from patients.zones import before_quiet
from practices import audit, changes
from practices.audit import Actor
from practices.models import Practice
from practices.tenancy import current_practice
from scheduling.models import Appointment, Notice, ReminderRule
from scheduling.models.traces import usual_channels
from scheduling.wallclock import boundary

USUAL = {"days_before": 2, "at": dt.time(10, 0)}
MOST_DAYS, MOST_HOURS = 30, 96
LEAD = dt.timedelta(hours=1)  # how long before the quiet hours a reminder of the next morning goes
NIGHT = dt.timedelta(hours=20)  # the longest that quiet hours can bring one forward


def active_rules(*, store: bool = False) -> list[ReminderRule]:
    """The rules in force, earliest reminder first; a practice that never set any has the usual one.

    `store` writes that one down, so that what is sent by it can name it.
    """
    everything = list(ReminderRule.objects.all())
    if not everything:
        everything = [ReminderRule(practice=current_practice(), channels=usual_channels(), **USUAL)]
        if store:
            # Two workers may find the practice without one: the first one's row is the rule of both.
            ReminderRule.objects.bulk_create(everything, ignore_conflicts=True)
            everything = list(ReminderRule.objects.all())
    return sorted((rule for rule in everything if rule.active), key=lambda rule: -lead_hours(rule))


def lead_hours(rule: ReminderRule) -> int:
    """About how many hours before the visit."""
    return rule.days_before * 24 if rule.days_before is not None else int(rule.hours_before or 0)


def rules_for(rules: Iterable[ReminderRule], type_id: uuid.UUID) -> list[ReminderRule]:
    """Those of a type of visit: its own, or where it has none the general ones."""
    rules = list(rules)
    own = [rule for rule in rules if rule.appointment_type_id == type_id]
    return own or [rule for rule in rules if rule.appointment_type_id is None]


def due_at(rule: ReminderRule, visit: Appointment, practice: Practice, number: str = "") -> dt.datetime:
    """When a rule asks to remind of a visit, on the wall clock.

    So many hours before may fall into the quiet hours of `number`; it comes before them then, not after:
    what leaves at eight says nothing to somebody who is due at half past.
    """
    if rule.days_before is not None:
        day = visit.local_date - dt.timedelta(days=rule.days_before)
        return boundary(day, rule.at or dt.time(10), practice.zone)
    asked = visit.starts_at - dt.timedelta(hours=rule.hours_before or 0)
    return before_quiet(practice, number, asked, LEAD)


def kind_of(rule: ReminderRule) -> str:
    """The kind of its notices: reminder-2d, reminder-2h."""
    if rule.days_before is not None:
        return f"reminder-{rule.days_before}d"
    return f"reminder-{rule.hours_before}h"


def visits_reached(rules: Sequence[ReminderRule], since: dt.datetime, until: dt.datetime) -> Q:
    """Visits for which a rule can come due after `since` and not after `until`; `due_at` is exact."""
    practice = current_practice()
    typed = {rule.appointment_type_id for rule in rules if rule.appointment_type_id}
    found = Q(pk=None)
    for rule in rules:
        own = Q(appointment_type=rule.appointment_type_id)
        whose = own if rule.appointment_type_id else ~Q(appointment_type__in=typed)
        found |= whose & _moments(rule, since, until, practice) & Q(~_told_by(rule))
    return found


def _told_by(rule: ReminderRule) -> Exists:
    """Whether a rule has spoken of a visit already; what was withdrawn does not count."""
    return Exists(
        Notice.objects.filter(appointment=OuterRef("pk"), rule=rule.pk).exclude(message__status="cancelled")
    )


def _moments(rule: ReminderRule, since: dt.datetime, until: dt.datetime, practice: Practice) -> Q:
    if rule.days_before is None:
        lead = dt.timedelta(hours=rule.hours_before or 0)
        return Q(starts_at__gt=since + lead, starts_at__lte=until + lead + NIGHT) & Q(
            created_at__lt=F("starts_at") - lead
        )
    found = Q(pk=None)
    day, last = since.astimezone(practice.zone).date(), until.astimezone(practice.zone).date()
    while day <= last:
        due = boundary(day, rule.at or dt.time(10), practice.zone)
        if since < due <= until:
            found |= Q(local_date=day + dt.timedelta(days=rule.days_before), created_at__lt=due)
        day += dt.timedelta(days=1)
    return found


def order_of_channels(patient: Patient, channels: Sequence[str]) -> list[str]:
    """A rule's channels as this patient likes them: the preferred one first.

    Somebody who asked to be called is never written to.
    """
    if patient.preferred_channel == Channel.CALL:
        return [channel for channel in channels if channel == Channel.CALL]
    return sorted(channels, key=lambda channel: channel != patient.preferred_channel)


class RuleRefused(ValueError):
    """The rule cannot be; the text says why."""


@transaction.atomic
def save_rule(*, rule: ReminderRule | None, values: dict[str, Any], by: Actor) -> ReminderRule:
    """Writes a rule, or a new one; raises RuleRefused where another says the same moment already."""
    rule = rule or ReminderRule(practice=current_practice())
    same = ReminderRule.objects.filter(
        appointment_type=values["appointment_type"],
        days_before=values["days_before"],
        hours_before=values["hours_before"],
    )
    other = same.exclude(pk=rule.pk).first()
    if other is not None and other.active:
        raise RuleRefused("There is a rule for this moment already. Change that one instead.")
    if other is not None:  # taken down earlier: it comes back, with what it has sent
        rule = other
    fields = ["appointment_type", "days_before", "hours_before", "at", "channels", "asks"]
    before = {name: getattr(rule, name) for name in fields}
    for name in fields:
        setattr(rule, name, values[name])
    rule.active = True
    rule.save()
    differs = {
        name: [_plain(was), _plain(values[name])] for name, was in before.items() if was != values[name]
    }
    audit.record("reminder_rule.saved", rule, by=by, changes=differs)
    changes.announce(current_practice(), "reminders")
    return rule


@transaction.atomic
def take_down(*, rule: ReminderRule, by: Actor) -> None:
    """Ends a rule; the row stays, for what was sent by it."""
    rule.active = False
    rule.save(update_fields=["active"])
    audit.record("reminder_rule.taken_down", rule, by=by, changes={"active": [True, False]})
    changes.announce(current_practice(), "reminders")


def _plain(value: Any) -> Any:
    return str(value.pk) if hasattr(value, "pk") else value
