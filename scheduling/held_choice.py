"""The time that is chosen in a dialog is held while the dialog is open."""

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from practices.audit import Actor
from scheduling.drafts import Draft, Slot
from scheduling.fits import Fit
from scheduling.fitting import judge
from scheduling.holding import hold_time, release_hold
from scheduling.means import BEARING
from scheduling.models import AppointmentType, Hold
from scheduling.refusals import BookingRefused, OutsideHours, SlotTaken
from scheduling.wallclock import say_time

LONGEST = 40


@dataclass(frozen=True, slots=True)
class HeldChoice:
    """What came of holding: until when, or why not, in words."""

    until: str = ""
    problem: str = ""
    taken: bool = False  # somebody else has the time: it may be waited for


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
    if draft.slot is None or draft.kind is None:
        release_hold(key=key, by=by)
        return None
    try:
        held = hold_time(**wanted_of(draft, draft.slot, draft.kind, key), key=key, by=by)
    except BookingRefused as refusal:
        release_hold(key=key, by=by)
        taken = isinstance(refusal, SlotTaken)
        return (
            None
            if isinstance(refusal, OutsideHours)
            else HeldChoice(problem=refused_words(refusal, taken), taken=taken)
        )
    return HeldChoice(until=until_words(held))


def wanted_of(draft: Draft, slot: Slot, kind: AppointmentType, key: str) -> dict[str, Any]:
    """What has to be held: the clinician's time, and where the visit needs more, the room and the others."""
    wanted: dict[str, Any] = {
        "practitioner": slot.practitioner,
        "appointment_type": kind,
        "starts_at": slot.starts_at,
    }
    asks = kind.needs_room or kind.needs_resource or kind.clinicians > 1
    if not asks and not BEARING.intersection(draft.needs):
        return wanted
    return wanted | taken_with(judge(**wanted, patient=draft.patient, needs=draft.needs, own_hold=key))


def taken_with(fit: Fit) -> dict[str, Any]:
    """What a visit takes beside the time of its clinician, and how long, as `hold_time` asks for it."""
    others = [one for one in (fit.room, *fit.resources, *fit.colleagues) if one is not None]
    return {"ends_at": fit.ends_at, "also": others}


def refused_words(refusal: BookingRefused, taken: bool) -> str:
    return f"{refusal} Choose another time." if taken else str(refusal)


def until_words(held: Hold) -> str:
    """10:42 AM, on the practice's wall clock."""
    return say_time(held.expires_at.astimezone(held.practice.zone).time())
