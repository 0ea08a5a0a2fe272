"""The ways in which the diary says no; each text is for a receptionist."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scheduling.availability import FreeTime
    from scheduling.collisions import Verdict
    from scheduling.models import Appointment


class BookingRefused(ValueError):
    """Base of all refusals of the diary."""


class SlotTaken(BookingRefused):
    """Somebody else has the time; `next_times` are the nearest free ones."""

    def __init__(
        self, next_times: Sequence["FreeTime"] = (), words: str = "That time was just taken."
    ) -> None:
        self.next_times = list(next_times)
        super().__init__(words)


class OutsideHours(BookingRefused):
    """The practitioner does not work then; an `overbook_reason` is the recorded way around."""


class MayNotOverbook(BookingRefused):
    """Squeezing in needs a right of its own."""

    def __init__(self) -> None:
        super().__init__(
            "You may not squeeze visits in. Ask a clinician or a manager to, or choose a free time."
        )


class RuleBroken(OutsideHours):
    """The practice's rules for such visits are against it; an `overbook_reason` is the way around."""


class InThePast(BookingRefused):
    """The time is over."""


class NotOffered(BookingRefused):
    """This visit cannot be had: the type, the practitioner or the patient does not allow it."""


class NotOpen(BookingRefused):
    """The visit's state does not allow this step."""


class StaleAppointment(BookingRefused):
    """Somebody changed the visit meanwhile; `current` is how it stands now."""

    def __init__(self, current: "Appointment") -> None:
        self.current = current
        super().__init__("Somebody changed this visit a moment ago. Look at it as it is now, then try again.")


class TooLate(BookingRefused):
    """The window for taking a change back is over."""


class ChangedSince(BookingRefused):
    """The visit was changed again after the change that should be taken back."""


class DatesRefused(BookingRefused):
    """Some of several wanted times cannot be had, so none was taken; `verdicts` says why, in order."""

    def __init__(self, verdicts: "Sequence[Verdict]") -> None:
        self.verdicts = list(verdicts)
        bad = [verdict for verdict in self.verdicts if not verdict.fits]
        many = f"{len(bad)} of {len(self.verdicts)} times do not work. " if len(self.verdicts) > 1 else ""
        super().__init__(f"{many}{bad[0].words} Nothing was changed." if bad else "Nothing was changed.")
