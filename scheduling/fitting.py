"""The right time for the right person: which times fit a visit and why, and what a time that does not breaks.

Nothing here writes. `find_times` gives the times that break nothing; `judge` says of any time what speaks
for it and what against it.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Literal

from django.utils import timezone

from patients.models import Patient
from practices.tenancy import current_practice
from scheduling.fits import HOURS, NEED, RULE, TAKEN, Break, Fit, fit_of
from scheduling.judging import judged
from scheduling.models import AppointmentType, Practitioner
from scheduling.needs import Wants, wants_of
from scheduling.search import ceil, search, who_offers

__all__ = ["HOURS", "NEED", "RULE", "TAKEN", "Break", "Fit", "find_times", "judge"]

Audience = Literal["staff", "patient"]
MOST_DAYS = 366
PATIENTS_LEAD = dt.timedelta(hours=1)  # nobody on a link takes a time that begins while she reads it


def find_times(
    *,
    appointment_type: AppointmentType,
    from_: dt.datetime,
    until: dt.datetime,
    patient: Patient | None = None,
    needs: Sequence[str] | None = None,
    practitioners: Sequence[Practitioner] | None = None,
    limit: int | None = None,
    audience: Audience = "staff",
    own_hold: str = "",
    now: dt.datetime | None = None,
) -> list[Fit]:
    """The times that fit, from `from_` to before `until` (instants, at most a year apart), soonest first.

    `needs` stand in for those of the record; `own_hold` is the key of a hold that is not in the way. To
    patients only what the practice opens to them is given.
    """
    if audience == "patient" and not appointment_type.patients_may_choose:
        return []
    now = now or timezone.now()
    people = who_offers(appointment_type) if practitioners is None else practitioners
    from_, until = max(from_, now), min(until, from_ + dt.timedelta(days=MOST_DAYS))
    if not people or from_ >= until:
        return []
    zone = current_practice().zone
    found = search(
        appointment_type,
        people,
        from_.astimezone(zone).date(),
        until.astimezone(zone).date(),
        now=now,
        patient=patient,
        wants=wants_of(patient, needs),
        lead=PATIENTS_LEAD if audience == "patient" else dt.timedelta(),
        own_hold=own_hold,
    )
    starts = found.starts(ceil(from_), ceil(until))[:limit]
    return [fit_of(found, start) for start in starts]


def judge(
    *,
    appointment_type: AppointmentType,
    practitioner: Practitioner,
    starts_at: dt.datetime,
    patient: Patient | None = None,
    needs: Sequence[str] | None = None,
    wants: Wants | None = None,
    own_hold: str = "",
    visits: bool = True,
    leaves: uuid.UUID | None = None,
    now: dt.datetime | None = None,
) -> Fit:
    """What speaks for a time (an instant) and what against it; outside all hours too.

    `needs` or `wants` stand in for those of the record. Without `visits` nobody is in the way;
    `leaves` is a visit that would go there, and does not stand in its own way.
    """
    wants = wants_of(patient, needs) if wants is None else wants
    zone = current_practice().zone
    length = appointment_type.length + dt.timedelta(minutes=wants.extra_minutes)
    first, last = starts_at.astimezone(zone).date(), (starts_at + length).astimezone(zone).date()
    known = search(
        appointment_type,
        [practitioner],
        first,
        last,
        now=now or timezone.now(),
        patient=patient,
        wants=wants,
        own_hold=own_hold,
        visits=visits,
        leaves=leaves,
    )
    return judged(known, int(starts_at.timestamp()))
