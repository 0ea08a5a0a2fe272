"""The steps of a visit on its day: arrived, in visit, done, no-show, and one step back."""

from django.db import transaction
from django.db.models import TextChoices
from django.utils import timezone

from practices import audit, changes
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling import joint_notices, notices
from scheduling.models import Appointment, Change, Status
from scheduling.refusals import NotOpen, SlotTaken, StaleAppointment
from scheduling.regions import columns_of
from scheduling.slots import lock_visit, put
from scheduling.undo import as_it_was, record_change

__all__ = [
    "TRANSITIONS",
    "NotOpen",
    "SlotTaken",
    "Stage",
    "StaleAppointment",
    "mark_arrived",
    "mark_done",
    "mark_in_visit",
    "mark_noshow",
    "next_stages",
    "set_stage",
    "stage_of",
]


class Stage(TextChoices):
    """Where a visit stands on its day."""

    BOOKED = "booked", "Booked"
    ARRIVED = "arrived", "Arrived"
    IN_VISIT = "in-visit", "In visit"
    DONE = "done", "Done"
    NOSHOW = "noshow", "No-show"


# From a stage to those it may become; the last one of each is the step back.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    Stage.BOOKED: (Stage.ARRIVED, Stage.NOSHOW),
    Stage.ARRIVED: (Stage.IN_VISIT, Stage.BOOKED),
    Stage.IN_VISIT: (Stage.DONE, Stage.ARRIVED),
    Stage.DONE: (Stage.IN_VISIT,),
    Stage.NOSHOW: (Stage.BOOKED,),
}


def stage_of(visit: Appointment) -> str:
    """The stage of a visit; empty for one that was cancelled or entered in error."""
    if visit.status == Status.ARRIVED:
        return Stage.IN_VISIT if visit.seen_at else Stage.ARRIVED
    return {
        Status.BOOKED: Stage.BOOKED,
        Status.FULFILLED: Stage.DONE,
        Status.NOSHOW: Stage.NOSHOW,
    }.get(Status(visit.status), "")


def next_stages(visit: Appointment) -> tuple[str, ...]:
    """The stages that `set_stage` allows now, the likely one first."""
    return TRANSITIONS.get(stage_of(visit), ())


@transaction.atomic
def set_stage(*, appointment: Appointment, stage: str, version: int, by: Actor) -> Appointment:
    """Brings a visit to a stage that may follow its present one.

    Raises NotOpen for any other, StaleAppointment, and SlotTaken when a no-show comes back into a time that
    was given away.
    """
    visit = lock_visit(appointment, version)
    was = stage_of(visit)
    _check(visit, was, stage)
    before = as_it_was(visit)
    _enter(visit, was, stage)
    visit.version += 1
    put(visit, has_its_time=was != Stage.NOSHOW)
    record_change(kind=Change.Kind.STATUS, appointment=visit, before=before, by=by)
    if was == Stage.BOOKED:
        joint_notices.tell_anew(visit, by=by)
        notices.fall_silent(visit, reason=stage, by=by)
    audit.record(
        f"appointment.{stage}", visit, by=by, patient_id=visit.patient_id, changes={"stage": [was, stage]}
    )
    changes.announce(current_practice(), *columns_of(visit), "queue")
    return visit


def _check(visit: Appointment, was: str, stage: str) -> None:
    if stage not in TRANSITIONS.get(was, ()):
        now = Stage(was).label if was else visit.get_status_display()
        wanted = Stage(stage).label if stage in Stage.values else stage
        raise NotOpen(f"This visit is “{now}”: it cannot become “{wanted}” from there.")
    practice = current_practice()
    if stage == Stage.ARRIVED and visit.local_date > practice.today():
        raise NotOpen("This visit is on a later day.")
    if stage == Stage.NOSHOW and visit.starts_at > timezone.now():
        raise NotOpen("This visit has not begun yet: nobody can have missed it.")


def _enter(visit: Appointment, was: str, stage: str) -> None:
    """Sets status and times; a step back wipes the time that the step forward had set."""
    now = timezone.now()
    if stage == Stage.BOOKED:
        visit.status, visit.arrived_at = Status.BOOKED, None
    elif stage == Stage.NOSHOW:
        visit.status = Status.NOSHOW
    elif stage == Stage.ARRIVED:
        visit.status, visit.seen_at = Status.ARRIVED, None
        visit.arrived_at = visit.arrived_at if was == Stage.IN_VISIT else now
    elif stage == Stage.IN_VISIT:
        visit.status, visit.left_at = Status.ARRIVED, None
        visit.seen_at = visit.seen_at if was == Stage.DONE else now
    else:
        visit.status, visit.left_at = Status.FULFILLED, now


def mark_arrived(*, appointment: Appointment, version: int, by: Actor) -> Appointment:
    """The patient is here."""
    return set_stage(appointment=appointment, stage=Stage.ARRIVED, version=version, by=by)


def mark_in_visit(*, appointment: Appointment, version: int, by: Actor) -> Appointment:
    """The clinician sees the patient."""
    return set_stage(appointment=appointment, stage=Stage.IN_VISIT, version=version, by=by)


def mark_done(*, appointment: Appointment, version: int, by: Actor) -> Appointment:
    """The visit is over."""
    return set_stage(appointment=appointment, stage=Stage.DONE, version=version, by=by)


def mark_noshow(*, appointment: Appointment, version: int, by: Actor) -> Appointment:
    """The patient did not come."""
    return set_stage(appointment=appointment, stage=Stage.NOSHOW, version=version, by=by)
