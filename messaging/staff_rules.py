"""What a practice wants of messages and calls: digests, the pace of urgent ones, ringing, recording."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from messaging.models import DeskRules
from practices import audit
from practices.audit import Actor
from practices.tenancy import current_practice

PACE = ("digest_at", "escalate_every_minutes", "escalate_times")
CALLS = (
    "ring_seconds",
    "missed_call_text",
    "record_calls",
    "promise_warn_minutes",
    "complaint_target_hours",
)


@transaction.atomic
def save_rules(*, values: Mapping[str, Any], by: Actor) -> DeskRules:
    """Stores the named rules; what is unchanged writes nothing. Raises ValueError for other names."""
    if not set(values) <= {*PACE, *CALLS}:
        raise ValueError("There is no such rule.")
    DeskRules.objects.bulk_create([DeskRules(practice=current_practice())], ignore_conflicts=True)
    rules: DeskRules = DeskRules.objects.select_for_update().get()
    changed = {}
    for name, value in values.items():
        before, after = plain(getattr(rules, name)), plain(value)
        if before != after:
            changed[name] = [before, after]
        setattr(rules, name, value)
    if changed:
        rules.save(update_fields=list(changed))
        audit.record("desk_rules.changed", rules, by=by, changes=changed)
    return rules


def plain(value: Any) -> Any:
    return [f"{time:%H:%M}" for time in value] if isinstance(value, list) else value
