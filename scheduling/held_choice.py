"""The time that is chosen in a dialog is held while the dialog is open."""

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from practices.audit import Actor
from scheduling.drafts import Draft
from scheduling.holding import hold_time, release_hold
from scheduling.models import Hold
from scheduling.refusals import BookingRefused, OutsideHours, SlotTaken
from scheduling.wallclock import say_time

LONGEST = 40


@dataclass(frozen=True, slots=True)
class HeldChoice:
    """What came of holding: until when, or why not, in words."""

    until: str = ""
    problem: str = ""


def hold_key(data: QueryDict, by: Actor) -> str:
    """The key of a dialog's hold, of this person only; empty where the page sent none."""
    given = data.get("hold", "")[:LONGEST]
    return f"{by.user.pk}:{given}" if given and by.user is not None else ""


def hold_choice(draft: Draft, data: QueryDict, *, by: Actor) -> HeldChoice | None:
    """Holds the chosen time for the dialog, or lets go what it held; None where there is nothing to hold.

    A time outside of hours is not held: it needs a reason, and nobody is offered it.
    """
    key = hold_key(data, by)
    if not key:
        return None
    slot, kind = draft.slot, draft.kind
    if slot is None or kind is None:
        release_hold(key=key, by=by)
        return None
    wanted: dict[str, Any] = {"practitioner": slot.practitioner, "appointment_type": kind}
    try:
        held = hold_time(**wanted, starts_at=slot.starts_at, key=key, by=by)
    except BookingRefused as refusal:
        release_hold(key=key, by=by)
        taken = isinstance(refusal, SlotTaken)
        return (
            None if isinstance(refusal, OutsideHours) else HeldChoice(problem=refused_words(refusal, taken))
        )
    return HeldChoice(until=until_words(held))


def refused_words(refusal: BookingRefused, taken: bool) -> str:
    return f"{refusal} Choose another time." if taken else str(refusal)


def until_words(held: Hold) -> str:
    """10:42 AM, on the practice's wall clock."""
    return say_time(held.expires_at.astimezone(held.practice.zone).time())
