"""A manager's verbs for interpreters, devices and kept time."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction

from practices import audit, changes
from practices.administration import Hours, NotAllowed
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.models import (
    ReservedBlock,
    ReservedBlockType,
    Resource,
    ResourceHours,
    ResourceTimeOff,
)

MOST_RESOURCES, MOST_BLOCKS, MOST_TIME_OFF = 200, 200, 200
LONGEST_TIME_OFF = dt.timedelta(days=732)
REGIONS = ("appointments", "reviews")


@transaction.atomic
def save_resource(
    *, resource: Resource | None, values: dict[str, Any], week: Sequence[Hours] | None = None, by: Actor
) -> Resource:
    """Adds an interpreter, a device or another resource, or changes one; `week` replaces its hours.

    Visits that have it keep it. Without any hours it can be had whenever the practice is open.
    """
    if resource is None and Resource.objects.count() >= MOST_RESOURCES:
        raise NotAllowed(f"A practice has at most {MOST_RESOURCES} of them. Take one out of use instead.")
    row: Resource = resource or Resource(practice=current_practice())
    different = write(row, values)
    if week is not None:
        mine = ResourceHours.objects.filter(resource=row)
        before = [str(one) for one in mine]
        mine.delete()
        rows = [
            ResourceHours(
                practice=current_practice(),
                resource=row,
                weekday=span.weekday,
                starts=span.starts,
                ends=span.ends,
            )
            for span in week
        ]
        ResourceHours.objects.bulk_create(rows)
        different["hours"] = [before, [str(one) for one in rows]]
    audit.record("resource.changed" if resource else "resource.added", row, by=by, changes=different)
    changes.announce(current_practice(), *REGIONS)
    return row


def write(row: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Sets and saves fields; what became different, before and after."""
    before = {name: str(getattr(row, name, None)) for name in values}
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    return {name: [before[name], str(v)] for name, v in values.items() if before[name] != str(v)}


@transaction.atomic
def add_resource_time_off(
    *, resource: Resource, starts_at: dt.datetime, ends_at: dt.datetime, label: str, by: Actor
) -> ResourceTimeOff:
    """A span in which the resource cannot be had; visits that have it keep it until somebody moves them."""
    check_span(starts_at, ends_at)
    if ResourceTimeOff.objects.filter(resource=resource).count() >= MOST_TIME_OFF:
        raise NotAllowed(f"At most {MOST_TIME_OFF} spans of time off. Remove some that are over.")
    row = ResourceTimeOff(
        practice=current_practice(), resource=resource, starts_at=starts_at, ends_at=ends_at, label=label
    )
    row.save(force_insert=True)
    audit.record("resource.time-off-added", row, by=by, changes={"starts_at": [None, str(starts_at)]})
    changes.announce(current_practice(), *REGIONS)
    return row


def check_span(starts_at: dt.datetime, ends_at: dt.datetime) -> None:
    """Refuses time off that ends before it begins, or takes years."""
    if ends_at <= starts_at:
        raise NotAllowed("The time off ends before it begins.")
    if ends_at - starts_at > LONGEST_TIME_OFF:
        raise NotAllowed("At most two years at once. Who is away for good can be taken out of use.")


@transaction.atomic
def remove_resource_time_off(*, time_off: ResourceTimeOff, by: Actor) -> None:
    audit.record("resource.time-off-removed", time_off, by=by)
    time_off.delete()
    changes.announce(current_practice(), *REGIONS)


@transaction.atomic
def save_block(
    *, block: ReservedBlock | None, values: dict[str, Any], types: Iterable[uuid.UUID], by: Actor
) -> ReservedBlock:
    """Keeps weekly time for some visits, or changes what is kept; visits that are booked in it stay."""
    if block is None and ReservedBlock.objects.count() >= MOST_BLOCKS:
        raise NotAllowed(f"At most {MOST_BLOCKS} kept times. Remove some that are over.")
    row: ReservedBlock = block or ReservedBlock(practice=current_practice())
    different = write(row, values)
    wanted = set(types)
    row.kept_for.exclude(appointment_type__in=wanted).delete()
    there = set(row.kept_for.values_list("appointment_type_id", flat=True))
    ReservedBlockType.objects.bulk_create(
        ReservedBlockType(practice=current_practice(), block=row, appointment_type_id=key)
        for key in sorted(wanted - there)
    )
    different["types"] = [sorted(map(str, there)), sorted(map(str, wanted))]
    audit.record("block.changed" if block else "block.added", row, by=by, changes=different)
    changes.announce(current_practice(), *REGIONS)
    return row


@transaction.atomic
def remove_block(*, block: ReservedBlock, by: Actor) -> None:
    audit.record("block.removed", block, by=by, changes={"name": [block.name, None]})
    block.delete()
    changes.announce(current_practice(), *REGIONS)
