"""How a practice offers what opened: its rule, when it lets a text leave, and the rule in words."""

import datetime as dt
from typing import Any

from django.db import transaction

from practices import audit, changes
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.models import WaitlistRule
from scheduling.wallclock import boundary, say_time

FIELDS = (
    *("mode", "group_size", "pause_minutes", "first_delay_minutes", "send_from", "send_to"),
    *("stop_before_minutes", "cutoff_minutes", "rest_hours"),
)


def rule_of() -> WaitlistRule:
    """The open practice's rule; the defaults, not stored, where it never set one."""
    return next(iter(WaitlistRule.objects.order_by()), None) or WaitlistRule(practice=current_practice())


def may_leave_at(rule: WaitlistRule, moment: dt.datetime) -> dt.datetime:
    """The same instant, or the next at which the rule's sending hours begin, on the practice's wall clock."""
    zone = current_practice().zone
    local = moment.astimezone(zone)
    if local.time() < rule.send_from:
        return boundary(local.date(), rule.send_from, zone)
    if local.time() >= rule.send_to:
        return boundary(local.date() + dt.timedelta(days=1), rule.send_from, zone)
    return moment


def ask_until(rule: WaitlistRule, starts_at: dt.datetime) -> dt.datetime:
    """Until when somebody may still be asked about a time."""
    return starts_at - dt.timedelta(minutes=rule.stop_before_minutes)


def accept_until(rule: WaitlistRule, starts_at: dt.datetime) -> dt.datetime:
    """Until when somebody may still say yes to a time."""
    return starts_at - dt.timedelta(minutes=rule.cutoff_minutes)


def next_step_at(rule: WaitlistRule, starts_at: dt.datetime, moment: dt.datetime) -> dt.datetime | None:
    """When something happens by itself about an opening, not before a moment; None for never."""
    if rule.mode == WaitlistRule.Mode.MANUAL:
        return None
    at = may_leave_at(rule, moment) if rule.mode == WaitlistRule.Mode.AUTOMATIC else moment
    return at if at <= ask_until(rule, starts_at) else None


@transaction.atomic
def save_rule(*, values: dict[str, Any], by: Actor) -> WaitlistRule:
    """Writes the practice's rule; what is under way already goes on by it from its next step."""
    rule = WaitlistRule.objects.select_for_update().order_by().first() or WaitlistRule(
        practice=current_practice()
    )
    before = {name: getattr(rule, name) for name in FIELDS}
    for name in FIELDS:
        setattr(rule, name, values[name])
    rule.save()
    differs = {name: [was, values[name]] for name, was in before.items() if was != values[name]}
    audit.record("waitlist_rule.saved", rule, by=by, changes=differs)
    changes.announce(current_practice(), "waitlist")
    return rule


def rule_in_words(rule: WaitlistRule) -> list[str]:
    """What the rule does, as sentences a receptionist reads."""
    hours = f"between {say_time(rule.send_from)} and {say_time(rule.send_to)}"
    many = f"the first {rule.group_size} who fit" if rule.group_size > 1 else "the first who fits"
    are = "are" if rule.group_size > 1 else "is"
    delay = f", {in_words(rule.first_delay_minutes)} after the undo time," if rule.first_delay_minutes else ""
    group = "the next" if rule.group_size == 1 else f"the next {rule.group_size}"
    ends = f"An answer counts until {in_words(rule.cutoff_minutes)} before the visit."
    if rule.mode == WaitlistRule.Mode.MANUAL:
        return ["Nothing goes out by itself: who fits is shown, a person chooses whom to ask.", ends]
    if rule.mode == WaitlistRule.Mode.ASSISTED:
        first = f"When a time opens{delay} it stands under Needs you with {many}."
        then = f"A person presses Offer; the texts leave {hours}."
    else:
        first = f"When a time opens{delay} {many} {are} asked by text, {hours}."
        then = f"If nobody takes it within {in_words(rule.pause_minutes)}, {group} are asked, and so on."
    rest = (
        f"Whoever was asked is left alone for {in_words(rule.rest_hours * 60)}."
        if rule.rest_hours
        else "Whoever was asked may be asked again at once."
    )
    stop = f"Nobody is asked later than {in_words(rule.stop_before_minutes)} before the visit."
    return [first, then, stop, ends, rest]


def in_words(minutes: int) -> str:
    """45 minutes; 2 hours; 1 day."""
    for size, name in ((1440, "day"), (60, "hour")):
        if minutes and minutes % size == 0:
            return f"{minutes // size} {name}{'s' * (minutes != size)}"
    return f"{minutes} minute{'s' * (minutes != 1)}"
