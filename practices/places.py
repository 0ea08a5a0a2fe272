"""The verbs of a manager for locations and their rooms."""

from typing import Any

from django.db import transaction

from practices import audit, changes
from practices.administration import NotAllowed
from practices.audit import Actor
from practices.models import Location, Room
from practices.tenancy import current_practice

MOST_LOCATIONS, MOST_ROOMS = 50, 200


@transaction.atomic
def save_location(*, location: Location | None, values: dict[str, Any], by: Actor) -> Location:
    """Adds a location or changes one; hours there follow its clock from now on."""
    if location is None and Location.objects.count() >= MOST_LOCATIONS:
        raise NotAllowed(f"A practice has at most {MOST_LOCATIONS} locations.")
    row: Location = location or Location(practice=current_practice())
    _write(row, values, "location", new=location is None, by=by)
    return row


@transaction.atomic
def save_room(*, room: Room | None, location: Location, values: dict[str, Any], by: Actor) -> Room:
    """Adds a room to a location or changes one."""
    if room is None and Room.objects.count() >= MOST_ROOMS:
        raise NotAllowed(f"A practice has at most {MOST_ROOMS} rooms.")
    row: Room = room or Room(practice=current_practice(), location=location)
    _write(row, values, "room", new=room is None, by=by)
    return row


def _write(row: Location | Room, values: dict[str, Any], what: str, *, new: bool, by: Actor) -> None:
    before = {name: str(getattr(row, name) or "") for name in values}
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    different = {n: [before[n], str(v or "")] for n, v in values.items() if before[n] != str(v or "")}
    audit.record(f"{what}.added" if new else f"{what}.changed", row, by=by, changes=different)
    changes.announce(current_practice(), "appointments", "reviews")
