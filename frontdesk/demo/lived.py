"""A day as it was lived: who came, who came late, who did not come, and who is with whom just now."""

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frontdesk.demo.clock import at
from frontdesk.demo.filling import Desk
from scheduling.flow import Stage, set_stage
from scheduling.models import Appointment, Status

MINUTE = dt.timedelta(minutes=1)
# How much of the planned time a clinician takes; the first one of a practice runs late.
PACES = (1.17, 0.86, 0.82, 0.9, 0.75)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one visit."""

    moment: dt.datetime
    visit: Appointment
    stage: Stage


def live_through(desk: Desk, visits: Sequence[Appointment], until: dt.datetime) -> int:
    """Takes open visits through their day up to a moment, each step at its own time; returns how many."""
    steps = [step for step in _steps(desk, visits, until) if step.moment <= until]
    versions = {visit.pk: visit.version for visit in visits}
    for step in sorted(steps, key=lambda one: one.moment):
        with at(step.moment):
            done = set_stage(
                appointment=step.visit, stage=step.stage, version=versions[step.visit.pk], by=desk.by
            )
        versions[step.visit.pk] = done.version
    return len(steps)


def _steps(desk: Desk, visits: Sequence[Appointment], until: dt.datetime) -> Iterator[Step]:
    columns: dict[object, list[Appointment]] = defaultdict(list)
    for visit in sorted(visits, key=lambda one: one.starts_at):
        if visit.status in {Status.BOOKED, Status.ARRIVED}:
            columns[visit.practitioner_id].append(visit)
    order = [one.pk for one in desk.practitioners]
    late = _late_one(visits, until, order[0])
    for place, key in enumerate(order):
        # The third visit of the second column is missed, whatever chance says: every day has one.
        missed = columns[key][2] if place == 1 and len(columns[key]) > 2 else None
        pace = PACES[place % len(PACES)]
        yield from _column(columns[key], pace, missed, late, desk.rng)


def _late_one(visits: Sequence[Appointment], until: dt.datetime, not_of: object) -> Appointment | None:
    """A visit that began a few minutes ago and whose patient is still on the way."""
    just = [
        visit
        for visit in visits
        if visit.practitioner_id != not_of and 2 * MINUTE <= until - visit.starts_at <= 35 * MINUTE
    ]
    return max(just, key=lambda one: one.starts_at, default=None)


def _column(
    visits: Sequence[Appointment],
    pace: float,
    missed: Appointment | None,
    late: Appointment | None,
    rng: random.Random,
) -> Iterator[Step]:
    free_at = dt.datetime.min.replace(tzinfo=dt.UTC)
    for visit in visits:
        if visit.status == Status.ARRIVED:  # an earlier run left it in the middle
            yield from _rest_of(visit)
            continue
        if visit is missed or (visit is not late and rng.random() < 0.03):
            yield Step(visit.starts_at + 16 * MINUTE, visit, Stage.NOSHOW)
            continue
        arrives = visit.starts_at - rng.randint(2, 14) * MINUTE
        if visit is late:
            arrives = visit.starts_at + 41 * MINUTE
        elif rng.random() < 0.07:
            arrives = visit.starts_at + rng.randint(3, 9) * MINUTE
        seen = max(visit.starts_at, free_at, arrives + MINUTE)
        # Whoever is far behind hurries.
        hurry = 0.7 if seen - visit.starts_at > 18 * MINUTE else pace
        leaves = seen + (visit.ends_at - visit.starts_at) * hurry * rng.uniform(0.9, 1.1)
        free_at = leaves + MINUTE
        yield Step(arrives, visit, Stage.ARRIVED)
        yield Step(seen, visit, Stage.IN_VISIT)
        yield Step(leaves, visit, Stage.DONE)


def _rest_of(visit: Appointment) -> Iterator[Step]:
    leaves = max(visit.ends_at, visit.seen_at or visit.arrived_at or visit.ends_at) + 4 * MINUTE
    if visit.seen_at is None:
        yield Step(leaves - 2 * MINUTE, visit, Stage.IN_VISIT)
    yield Step(leaves, visit, Stage.DONE)
