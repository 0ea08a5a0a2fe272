"""When digests go out and how fast an urgent message goes from one to the next."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from messaging.models import DeskRules
from practices import audit
from practices.audit import Actor
from practices.tenancy import current_practice

NAMES = ("digest_at", "escalate_every_minutes", "escalate_times")


@transaction.atomic
def save_pace(*, values: Mapping[str, Any], by: Actor) -> DeskRules:
    """Stores the practice's hours and pace; what is unchanged writes nothing."""
    DeskRules.objects.bulk_create([DeskRules(practice=current_practice())], ignore_conflicts=True)
    rules: DeskRules = DeskRules.objects.select_for_update().get()
    changed = {}
    for name in NAMES:
        before, after = plain(getattr(rules, name)), plain(values[name])
        if before != after:
            changed[name] = [before, after]
        setattr(rules, name, values[name])
    if changed:
        rules.save(update_fields=list(NAMES))
        audit.record("desk_rules.changed", rules, by=by, changes=changed)
    return rules


def plain(value: Any) -> Any:
    return [f"{time:%H:%M}" for time in value] if isinstance(value, list) else value
