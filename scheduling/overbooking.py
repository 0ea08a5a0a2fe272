"""Who may squeeze a visit in: beside others or outside hours, on purpose, with a reason that is kept.

A clinician's day gets longer by it, so clinicians and managers may, and whom a manager gave it on the page
of her person. The patient, the timetable and imports never book so by themselves.
"""

from practices.access import allows
from practices.audit import Actor
from scheduling.refusals import MayNotOverbook

PERMISSION = "appointment.overbook"


def may_overbook(by: Actor) -> bool:
    """Whether this actor may; what acts for no person was allowed by whoever let it act."""
    return by.membership is None or allows(by.membership, PERMISSION)


def check_right(overbook_reason: str, by: Actor) -> None:
    """Raises MayNotOverbook for a reason that comes from somebody without the right to give one."""
    if overbook_reason and not may_overbook(by):
        raise MayNotOverbook
