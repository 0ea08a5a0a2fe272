"""A person chooses her columns of a practice's board: which, in which order, of which location."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from practices.audit import Actor
from practices.models import Location, Room
from practices.tenancy import current_practice
from scheduling.models import BoardChoice, Practitioner, Resource

MOST = 200  # nobody has so many columns: what is longer is no form of ours


class ChoiceRefused(ValueError):
    """Why the columns cannot be kept so, in words."""


@transaction.atomic
def choose_columns(
    *,
    order: Sequence[uuid.UUID],
    shown: Sequence[uuid.UUID],
    location: uuid.UUID | None = None,
    by_location: bool = False,
    by: Actor,
) -> BoardChoice:
    """Keeps what a person wants to see; `order` names columns, of which those in `shown` show.

    Keys of nobody are left out. Raises ChoiceRefused where no column would be left. It is how she looks at
    things, and no fact of the practice: no audit entry.
    """
    if len(order) > MOST:
        raise ChoiceRefused("Those are too many columns.")
    people = list(Practitioner.objects.in_use().values_list("pk", flat=True))
    rooms = {*Room.objects.values_list("pk", flat=True), *Resource.objects.values_list("pk", flat=True)}
    wanted = set(shown)
    keys = list(dict.fromkeys(key for key in [*order, *people] if key in {*people, *rooms}))
    hidden = [key for key in people if key not in wanted]
    kept = [key for key in keys if key in wanted]
    if not kept:
        raise ChoiceRefused("Keep at least one column.")
    if location is not None and not Location.objects.filter(pk=location).exists():
        raise ChoiceRefused("That location is not there any more.")
    values: dict[str, Any] = {
        "order": [key for key in keys if key in wanted or key in set(people)],
        "hidden": hidden,
    }
    values |= {"location_id": location, "by_location": by_location}
    choice, _ = BoardChoice.objects.update_or_create(
        practice=current_practice(), user=by.user, defaults=values
    )
    return choice


def forget_columns(*, by: Actor) -> None:
    """Back to all clinicians in the practice's order."""
    BoardChoice.objects.filter(user=by.user).delete()
