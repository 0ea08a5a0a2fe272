"""The verbs of follow-ups: order, ask by text, book, put off, end, and take the last step back.

A follow-up ends by itself when such a visit is booked and is here again when that is cancelled: nothing is
stored about it (`models.followups.ending_visits`). Each verb holds the row and looks at its version, so that
of two people who press at once the second is told what the first did.
"""

import datetime as dt
import uuid
from typing import Any

from django.db import transaction
from django.db.models import Exists
from django.utils import timezone

from patients.models import Patient
from practices import audit, changes
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling import asking
from scheduling.booking import book_appointment
from scheduling.models import Appointment, AppointmentType, FollowUp, Practitioner
from scheduling.models.followups import ending_visits
from scheduling.refusals import TooLate
from scheduling.regions import columns_of

LEAD = dt.timedelta(days=14)  # so long before its earliest day somebody begins to look for a time
WAIT = dt.timedelta(days=5)  # so long a patient who was written to has to answer
LONGEST_WAIT = dt.timedelta(days=190)
FURTHEST = dt.timedelta(days=5 * 366)
TOLERANCES = {3: "3 days", 7: "a week", 14: "2 weeks", 30: "a month"}
TAKEN_BACK = ("message_id", "asked_at", "wait_until", "closed_at", "closed_as", "closed_by_id")
REGION = "follow-ups"


class FollowUpRefused(ValueError):
    """What cannot be done with a follow-up, in words; `field` is where a form says it."""

    def __init__(self, words: str, field: str = "") -> None:
        super().__init__(words)
        self.field = field


class StaleFollowUp(FollowUpRefused):
    """Somebody else did something about it meanwhile; `current` is how it stands now."""

    def __init__(self, current: FollowUp) -> None:
        super().__init__("Somebody else saw to this a moment ago. Look at it as it is now.")
        self.current = current


@transaction.atomic
def order_follow_up(
    *,
    patient: Patient,
    appointment_type: AppointmentType,
    due_on: dt.date,
    tolerance_days: int = 7,
    practitioner: Practitioner | None = None,
    visit: Appointment | None = None,
    note: str = "",
    by: Actor,
) -> FollowUp:
    """Orders a visit around a day, so many days earlier or later; without a clinician anybody will do.

    `visit` is the one in which it was ordered. Raises FollowUpRefused for days that make no sense, for a
    patient who died, and for what is ordered already.
    """
    today = current_practice().today()
    base = max(today, visit.local_date) if visit else today
    _check_order(patient, appointment_type, practitioner, visit, due_on, tolerance_days, today)
    tolerance = dt.timedelta(days=tolerance_days)
    earliest = max(due_on - tolerance, base + dt.timedelta(days=1))
    row = FollowUp(
        practice=current_practice(),
        patient=patient,
        appointment_type=appointment_type,
        practitioner=practitioner,
        visit=visit,
        due_on=due_on,
        tolerance_days=tolerance_days,
        counts_from=earliest,
        latest_on=due_on + tolerance,
        work_from=max(earliest - LEAD, today),
        note=note.strip(),
        ordered_by=by.user,
    )
    # The patient's row is held: two who order the same at once would both find nothing there.
    Patient.objects.select_for_update(no_key=True, of=("self",)).get(pk=patient.pk)
    _refuse_twice(row)
    _stamp(row, "ordered", by)
    row.save(force_insert=True)
    _trace("ordered", row, by, due_on=[None, due_on])
    return row


def _check_order(
    patient: Patient,
    appointment_type: AppointmentType,
    practitioner: Practitioner | None,
    visit: Appointment | None,
    due_on: dt.date,
    tolerance_days: int,
    today: dt.date,
) -> None:
    if patient.deceased or not patient.active:
        raise FollowUpRefused("This record is not in use any more.")
    if visit is not None and visit.local_date > today:
        raise FollowUpRefused("This visit has not been yet. Order the next one when it is there.")
    if not today < due_on <= today + FURTHEST:
        raise FollowUpRefused("Choose a day to come, within five years.", "when")
    if tolerance_days not in TOLERANCES:
        raise FollowUpRefused("Choose how much earlier or later it may be.", "tolerance")
    if not appointment_type.active:
        raise FollowUpRefused(f"{appointment_type.name} is not offered any more.", "visit_type")
    if practitioner is not None and not appointment_type.offers.filter(practitioner=practitioner).exists():
        words = f"{practitioner.short_name} does not offer {appointment_type.name}."
        raise FollowUpRefused(words, "clinician")


def _refuse_twice(row: FollowUp) -> None:
    same = FollowUp.objects.unbooked().filter(
        patient=row.patient,
        appointment_type=row.appointment_type,
        practitioner=row.practitioner,
        counts_from__lte=row.latest_on,
        latest_on__gte=row.counts_from,
        rule=None,
    )
    other = same.first()
    if other is not None:
        raise FollowUpRefused(
            f"This is ordered already, for around {other.due_on:%b} {other.due_on.day}, {other.due_on.year}."
        )


def lock_follow_up(follow_up: FollowUp, version: int) -> FollowUp:
    """The row as it is now, held; raises StaleFollowUp when it has another version by now."""
    rows = FollowUp.objects.select_for_update(of=("self",)).with_people()
    current: FollowUp = rows.get(pk=follow_up.pk)
    if current.version != version:
        raise StaleFollowUp(current)
    return current


def is_booked(follow_up: FollowUp) -> bool:
    """Whether a visit stands that ends it."""
    return FollowUp.objects.filter(Exists(ending_visits()), pk=follow_up.pk).exists()


def _open_row(follow_up: FollowUp, version: int) -> FollowUp:
    """The same for what still waits for a visit; raises FollowUpRefused for the rest."""
    row = lock_follow_up(follow_up, version)
    if row.closed_at is not None:
        raise FollowUpRefused(f"This is ended: {row.get_closed_as_display().lower()}.")
    if row.patient.deceased or not row.patient.active:
        raise FollowUpRefused("This record is not in use any more.")
    if is_booked(row):
        raise FollowUpRefused("A visit is booked for this already.")
    return row


@transaction.atomic
def ask_patient(*, follow_up: FollowUp, version: int, by: Actor) -> FollowUp:
    """Writes to the patient with a link to choose a time, and waits some days for the answer.

    Raises StaleFollowUp, and FollowUpRefused where the patient may not be written to.
    """
    row = _open_row(follow_up, version)
    before = _as_it_was(row)
    try:
        row.message = asking.queue_invitation(row, by=by)
    except asking.CannotAsk as why:
        raise FollowUpRefused(str(why)) from None
    row.asked_at, row.wait_until = timezone.now(), current_practice().today() + WAIT
    _save(row, "asked", by, before)
    return row


@transaction.atomic
def put_off(*, follow_up: FollowUp, version: int, until: dt.date, by: Actor) -> FollowUp:
    """Lets it rest until a day, such as after a call that nobody took."""
    row = _open_row(follow_up, version)
    today = current_practice().today()
    if not today < until <= today + LONGEST_WAIT:
        raise FollowUpRefused("Choose a day to come, within half a year.", "until")
    before = _as_it_was(row)
    row.wait_until = until
    _save(row, "put-off", by, before)
    return row


@transaction.atomic
def end_follow_up(*, follow_up: FollowUp, version: int, reason: str, by: Actor) -> FollowUp:
    """Ends it without a visit, for one of FollowUp.BY_HAND; what was not sent yet is withdrawn."""
    row = _open_row(follow_up, version)
    if reason not in FollowUp.BY_HAND:
        raise FollowUpRefused("Choose why it is ended.", "reason")
    before = _as_it_was(row)
    asking.withdraw(row, reason="ended", by=by)
    row.closed_at, row.closed_as, row.closed_by = timezone.now(), reason, by.user
    _save(row, "ended", by, before)
    return row


@transaction.atomic
def open_again(*, follow_up: FollowUp, version: int, by: Actor) -> FollowUp:
    """What was ended without a visit waits again: at any time, so that nothing is lost by a slip."""
    row = lock_follow_up(follow_up, version)
    if row.closed_at is None:
        raise FollowUpRefused("This is not ended.")
    before = _as_it_was(row)
    row.closed_at, row.closed_as, row.closed_by, row.wait_until = None, "", None, None
    _save(row, "opened", by, before)
    return row


@transaction.atomic
def book_follow_up(
    *,
    follow_up: FollowUp,
    version: int,
    practitioner: Practitioner,
    starts_at: dt.datetime,
    tell_patient: bool = True,
    by: Actor,
) -> Appointment:
    """Books the visit that ends it, at whatever time was agreed; raises what booking raises too."""
    row = _open_row(follow_up, version)
    visit = book_appointment(
        patient=row.patient,
        practitioner=practitioner,
        appointment_type=row.appointment_type,
        starts_at=starts_at,
        note=str(row.note),
        tell_patient=tell_patient,
        by=by,
    )
    visit.follow_up = row
    visit.save(update_fields=["follow_up", "updated_at"])
    asking.withdraw(row, reason="booked", by=by)
    # The booking is taken back as a booking: the row is here again by itself.
    row.version += 1
    row.save(update_fields=["version"])
    _trace("booked", row, by, appointment=[None, visit.pk])
    return visit


@transaction.atomic
def let_count(*, follow_up: FollowUp, version: int, appointment: Appointment, by: Actor) -> FollowUp:
    """Says that a visit of the patient is the one: earlier than ordered, or with somebody else."""
    row = _open_row(follow_up, version)
    visit = Appointment.objects.select_for_update(of=("self",)).get(pk=appointment.pk)
    if visit.patient_id != row.patient_id or not visit.is_active or visit.pk == row.visit_id:
        raise FollowUpRefused("That visit cannot be the one.")
    before = _as_it_was(row) | {"appointment": str(visit.pk)}
    visit.follow_up = row
    visit.save(update_fields=["follow_up", "updated_at"])
    asking.withdraw(row, reason="booked", by=by)
    _save(row, "counted", by, before)
    return row


@transaction.atomic
def undo_step(*, follow_up: FollowUp, version: int, by: Actor) -> FollowUp:
    """Takes the last step back within the practice's window; a text that waits is withdrawn.

    Raises StaleFollowUp, and TooLate when the window is over or there is nothing to take back.
    """
    row = lock_follow_up(follow_up, version)
    window = current_practice().undo_window
    if not row.step or row.step_at is None or timezone.now() > row.step_at + window:
        raise TooLate("The time for taking this back is over.")
    step, before = row.step, dict(row.before or {})
    if step == "ordered":
        before = {"closed_at": timezone.now().isoformat(), "closed_as": FollowUp.Closed.ERROR}
    if step == "asked":
        asking.withdraw(row, reason="taken back", by=by)
    counted = before.pop("appointment", None)
    if counted:
        Appointment.objects.filter(pk=counted, follow_up=row).update(follow_up=None)
    for name, value in before.items():
        setattr(row, name, _read(name, value))
    row.step, row.before, row.version = "", None, row.version + 1
    row.save()
    _trace(f"{step}.undone", row, by)
    return row


def _read(name: str, value: Any) -> Any:
    if value is None or name.endswith("_id") or name == "closed_as":
        return uuid.UUID(value) if name == "message_id" and value else value
    return dt.date.fromisoformat(value) if name == "wait_until" else dt.datetime.fromisoformat(value)


def _as_it_was(row: FollowUp) -> dict[str, Any]:
    """The fields that steps change, as plain values."""
    values = {name: getattr(row, name) for name in TAKEN_BACK}
    return {
        name: value.isoformat()
        if isinstance(value, dt.date)
        else str(value)
        if isinstance(value, uuid.UUID)
        else value
        for name, value in values.items()
    }


def _stamp(row: FollowUp, step: str, by: Actor, before: dict[str, Any] | None = None) -> None:
    row.step, row.step_at, row.step_by, row.before = step, timezone.now(), by.user, before


def _save(row: FollowUp, step: str, by: Actor, before: dict[str, Any]) -> None:
    _stamp(row, step, by, before)
    row.version += 1
    row.save()
    _trace(
        step, row, by, **{name: [before[name], getattr(row, name)] for name in ("wait_until", "closed_as")}
    )


def _trace(step: str, row: FollowUp, by: Actor, **fields: Any) -> None:
    differs = {name: pair for name, pair in fields.items() if pair[0] != pair[1]}
    audit.record(f"follow-up.{step}", row, by=by, patient_id=row.patient_id, changes=differs)
    visit = row.visit
    changes.announce(current_practice(), REGION, *(columns_of(visit) if visit else []))
