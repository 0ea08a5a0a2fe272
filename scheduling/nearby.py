"""Other times near those that cannot be had: a few on the same day, one at the same hour with a colleague."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from django.utils import timezone

from patients.models import Patient
from practices.tenancy import current_practice
from scheduling.drafts import Slot
from scheduling.models import AppointmentType, Practitioner
from scheduling.needs import wants_of
from scheduling.search import search, who_offers

SAME_DAY, NEXT_DAYS = 3, 2
COLLEAGUES = 3
REACH = dt.timedelta(days=3)
Sought = tuple[dt.date, dt.time, Practitioner]


def times_near(
    sought: Sequence[Sought], kind: AppointmentType, patient: Patient | None = None
) -> list[list[Slot]]:
    """For each day, time and clinician the free times nearest to it; one search for all of them."""
    if not sought:
        return []
    asked = list({person.pk: person for _, _, person in sought}.values())
    others = [person for person in who_offers(kind) if person.pk not in {one.pk for one in asked}]
    first = min(day for day, _, _ in sought) - dt.timedelta(days=1)
    last = max(day for day, _, _ in sought) + REACH
    known = search(
        kind,
        [*asked, *others[:COLLEAGUES]],
        first,
        last,
        now=timezone.now(),
        patient=patient,
        wants=wants_of(patient, None),
    )
    free: dict[tuple[object, dt.date], list[dt.datetime]] = defaultdict(list)
    zone, days = current_practice().zone, _days_near(sought)
    for start in known.starts():
        local = dt.datetime.fromtimestamp(start.at, zone)
        if local.date() in days:
            free[known.people[start.place].pk, local.date()].append(local)
    return [_near(day, time, person, free, known.people) for day, time, person in sought]


def _days_near(sought: Sequence[Sought]) -> set[dt.date]:
    around = range(-1, REACH.days + 1)
    return {day + dt.timedelta(days=offset) for day, _, _ in sought for offset in around}


def _near(
    day: dt.date,
    time: dt.time,
    person: Practitioner,
    free: dict[tuple[object, dt.date], list[dt.datetime]],
    people: Sequence[Practitioner],
) -> list[Slot]:
    minute = time.hour * 60 + time.minute

    def distance(moment: dt.datetime) -> int:
        return abs(moment.hour * 60 + moment.minute - minute)

    same_day = sorted(free[person.pk, day], key=distance)[:SAME_DAY]
    colleagues = [
        (other, moment)
        for other in people
        if other.pk != person.pk
        for moment in free[other.pk, day]
        if not distance(moment)
    ]
    around = (day + dt.timedelta(days=offset) for offset in (-1, *range(1, REACH.days + 1)))
    next_days = [min(free[person.pk, each], key=distance) for each in around if free[person.pk, each]]
    found = [(person, moment) for moment in sorted(same_day)] + colleagues[:1]
    found += [(person, moment) for moment in next_days[: NEXT_DAYS if same_day else SAME_DAY]]
    return [Slot(who, moment.astimezone(dt.UTC)) for who, moment in found]
