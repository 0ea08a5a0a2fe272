"""A clinician is late: saying so, telling those whom it concerns, and taking it back when she has caught up.

All verbs hold the clinician's diary first, so that two people who press at once come one after the other.
"""

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from messaging.models import Task
from messaging.staff_tasks import close_task, open_task
from practices import audit, changes
from practices.audit import SYSTEM, Actor
from practices.models import Practice
from practices.prepared import Prepared
from practices.tenancy import current_practice, inside
from scheduling.late_notices import (
    CLOSED,
    LateDay,
    grace,
    is_unheard,
    late_days,
    say,
    take_back,
    words_for,
)
from scheduling.lateness import WORTH_SAYING, Course, course_of, starting_point
from scheduling.models import MOST_MINUTES, Appointment, Delay, DelayNotice, DelayStep, Practitioner, Status
from scheduling.refusals import BookingRefused, ChangedSince, TooLate
from scheduling.slots import lock_resources

REGIONS = ("appointments", "queue", "messages")


class BadDelay(BookingRefused):
    """The minutes say nothing sensible, or nobody is left whom they could concern."""


@dataclass(frozen=True, slots=True)
class Told:
    """How many patients get a message, and how many a call."""

    messages: int = 0
    calls: int = 0

    @property
    def words(self) -> str:
        parts = []
        if self.messages:
            parts.append(f"{self.messages} told")
        if self.calls:
            parts.append(f"{self.calls} to call")
        return ", ".join(parts)


@transaction.atomic
def say_late(
    *,
    practitioner: Practitioner,
    minutes: int | None = None,
    more: int = 0,
    version: int | None = None,
    by: Actor,
) -> Delay:
    """Sets how many minutes a clinician is behind now, or adds `more`; tells nobody.

    What waits to be told is said anew with the new times. `version` is what was looked at (0: nothing was
    said yet). Raises BadDelay, ChangedSince.
    """
    day = held_day(practitioner, version)
    wanted = day.course.behind + more if minutes is None else minutes
    if not 0 < wanted <= MOST_MINUTES:
        raise BadDelay(f"Give the minutes from 1 to {MOST_MINUTES}.")
    since = starting_point(day.visits, timezone.now())
    if since is None:
        raise BadDelay(f"{practitioner.short_name} has nobody left to see today.")
    step = write(day, wanted, since, by)
    said_anew(day, step, by)
    return settled(day, by)


@transaction.atomic
def caught_up(*, practitioner: Practitioner, version: int | None = None, by: Actor) -> Told:
    """On time again: takes back what waits, and says so to those who were told and are still to come."""
    day = held_day(practitioner, version)
    if not day.delay.minutes:
        raise BadDelay(f"{practitioner.short_name} is on time.")
    step = write(day, 0, None, by)
    take_back([one for one in day.notices if is_unheard(one)], by=by)
    renew(day)
    told = told_of(say(words_for(day), day=day, step=step, by=by))
    settled(day, by)
    return told


@transaction.atomic
def tell_late(
    *,
    practitioner: Practitioner,
    version: int,
    visits: Collection[uuid.UUID] | None = None,
    by: Actor,
) -> Told:
    """Tells the patients whom the delay concerns, or those among them whose visits are named.

    Who was told meanwhile is not told twice. Raises ChangedSince when it is another delay by now.
    """
    day = held_day(practitioner, version)
    step = a_step(day, DelayStep.Kind.TOLD, by)
    words = [word for word in words_for(day) if visits is None or word.visit.pk in visits]
    told = told_of(say(words, day=day, step=step, by=by))
    if told.messages or told.calls:
        counts = {"messages": [0, told.messages], "calls": [0, told.calls]}
        audit.record("delay.told", day.delay, by=by, changes=counts)
    else:
        step.delete()
    settled(day, by)
    return told


@transaction.atomic
def undo_late(*, practitioner: Practitioner, version: int | None = None, by: Actor) -> Delay:
    """Takes the last step back; raises TooLate when its window is over or there is none, ChangedSince."""
    day = held_day(practitioner, version)
    step = last_step(day.delay)
    if step is None:
        raise TooLate("The time for taking this back is over.")
    take_back([one for one in day.notices if one.step_id == step.pk], by=by)
    step.undone_at = timezone.now()
    step.save(update_fields=["undone_at"])
    if step.kind == DelayStep.Kind.SAID:
        delay, before = day.delay, day.delay.minutes
        delay.minutes, delay.since = step.minutes_before, step.since_before
        delay.version += 1
        delay.save()
        audit.record("delay.undone", delay, by=by, changes={"minutes": [before, delay.minutes]})
        renew(day)
        said_anew(day, step, by)
    else:
        audit.record("delay.told.undone", day.delay, by=by)
    return settled(day, by)


def last_step(delay: Delay) -> DelayStep | None:
    """The step that can still be taken back."""
    steps = DelayStep.objects.filter(delay=delay, undone_at=None, undo_until__gt=timezone.now())
    return steps.order_by("-made_at", "-kind", "-pk").first()


def held_day(practitioner: Practitioner, version: int | None) -> LateDay:
    """Today's delay of a clinician, made if there is none, held until the end of the transaction."""
    practice = current_practice()
    lock_resources(practitioner)
    today = practice.today()
    fresh = Delay(practice=practice, practitioner=practitioner, local_date=today)
    Delay.objects.bulk_create([fresh], ignore_conflicts=True)
    delay = Delay.objects.select_for_update().get(practitioner=practitioner, local_date=today)
    if version is not None and version != delay.version:
        raise ChangedSince(
            f"Somebody changed this a moment ago: {practitioner.short_name} is now said to be "
            f"{delay.minutes} min behind. Look again, then go on."
        )
    (day,) = late_days([delay], everybody=True)
    return day


def write(day: LateDay, minutes: int, since: dt.datetime | None, by: Actor) -> DelayStep:
    step, delay = a_step(day, DelayStep.Kind.SAID, by), day.delay
    before, delay.minutes, delay.since = delay.minutes, minutes, since
    delay.said_at, delay.said_by = step.made_at, by.user
    delay.version += 1
    delay.save()
    audit.record("delay.said", delay, by=by, changes={"minutes": [before, minutes]})
    renew(day)
    return step


def a_step(day: LateDay, kind: str, by: Actor) -> DelayStep:
    now = timezone.now()
    step = DelayStep(
        practice=current_practice(),
        delay=day.delay,
        kind=kind,
        minutes_before=day.delay.minutes,
        since_before=day.delay.since,
        made_by=by.user,
        made_at=now,
        undo_until=now + grace(current_practice()),
    )
    step.save(force_insert=True)
    return step


def renew(day: LateDay) -> None:
    """Reads the day again after its delay or what was told has changed."""
    (now,) = late_days([day.delay], everybody=True)
    day.visits, day.notices, day.course = now.visits, now.notices, now.course


def said_anew(day: LateDay, step: DelayStep, by: Actor) -> None:
    """Words that still wait say the new times; nobody else is told."""
    stale = [
        one
        for one in day.told().values()
        if is_unheard(one) and one.minutes != day.course.late.get(one.appointment_id, 0)
    ]
    if not stale:
        return
    visits = {one.appointment_id for one in stale}
    take_back(stale, by=by)
    renew(day)
    say([word for word in words_for(day) if word.visit.pk in visits], day=day, step=step, by=by)


def told_of(notices: Collection[DelayNotice]) -> Told:
    calls = sum(one.task_id is not None for one in notices)
    return Told(len(notices) - calls, calls)


def settled(day: LateDay, by: Actor) -> Delay:
    """Keeps the row of “Needs you” true, and lets open pages look again."""
    renew(day)
    keep_task(day, by)
    changes.announce(current_practice(), *REGIONS)
    return day.delay


def task_key(delay: Delay) -> str:
    return f"behind:{delay.pk.hex}"


def keep_task(day: LateDay, by: Actor) -> None:
    """“Tell 4” stands in “Needs you” while there is somebody to tell."""
    practice, now = current_practice(), timezone.now()
    to_tell = day.to_tell(practice, now) if day.delay.local_date == practice.today() else []
    if to_tell and not (by is SYSTEM and was_left(day.delay)):
        open_task(
            kind=Task.Kind.DELAY,
            due_at=max(now, to_tell[0][0].starts_at + dt.timedelta(minutes=to_tell[0][1])),
            once_key=task_key(day.delay),
            subject_id=day.delay.pk,
            by=by,
        )
    if not to_tell:
        for task in Task.objects.open().filter(once_key=task_key(day.delay)):
            close_task(task=task, outcome="nobody to tell", by=by)


def was_left(delay: Delay) -> bool:
    """Whether somebody took the row out of “Needs you” since the delay was said: it does not come back."""
    mine = Task.objects.filter(once_key=task_key(delay), done_at__gte=delay.said_at)
    return mine.exclude(done_by=None).exists()


def settle_delays(practice: Practice) -> None:
    """Each minute: rows of “Needs you” that are over go, and whose visit has just run over is shown."""
    with inside(practice):
        now = timezone.now()
        for day in late_days(Delay.objects.today().select_related("practitioner"), now):
            keep_task(day, SYSTEM)
        keys = [task_key(delay) for delay in Delay.objects.today().behind()]
        over = Task.objects.open().filter(kind=Task.Kind.DELAY).exclude(once_key__in=keys)
        for task in over:
            close_task(task=task, outcome="the day is over", by=SYSTEM)
        close_calls(now)
        hint_from = now - dt.timedelta(minutes=WORTH_SAYING)
        just_over = Appointment.objects.filter(
            status=Status.ARRIVED,
            seen_at__isnull=False,
            ends_at__gt=hint_from - dt.timedelta(minutes=2),
            ends_at__lte=hint_from,
        )
        if just_over.exists():
            changes.announce(practice, "appointments")


def close_calls(now: dt.datetime) -> None:
    """Nobody calls about a delay who has come, cancelled, or would be called too late."""
    waiting = Appointment.objects.filter(pk=OuterRef("appointment_id"), status=Status.BOOKED, ends_at__gt=now)
    calls = Task.objects.open().filter(kind=Task.Kind.CALL, once_key__startswith="delay:")
    for task in calls.exclude(Exists(waiting)):
        close_task(task=task, outcome=CLOSED, by=SYSTEM)


def expected_of(visits: Collection[Appointment]) -> dict[uuid.UUID, dt.datetime]:
    """When those of the visits that are today and late will begin; one query where nobody is behind."""
    today = current_practice().today()
    who = {visit.practitioner_id for visit in visits if visit.local_date == today and visit.is_active}
    if not who:
        return {}
    wanted = {visit.pk for visit in visits}
    return {
        pk: moment
        for course in courses_of(today, who).values()
        for pk, moment in course.expected.items()
        if pk in wanted
    }


BEHIND = Prepared(lambda day: Delay.objects.filter(local_date=day).behind())
BEHIND_OF = Prepared(lambda day, who: Delay.objects.filter(local_date=day, practitioner__among=who).behind())


def courses_of(day: dt.date, who: Collection[uuid.UUID] | None = None) -> dict[uuid.UUID, Course]:
    """How the days of those who are behind go on, by clinician; one query, two where somebody is."""
    rows: list[Delay] = BEHIND.ask(day=day) if who is None else BEHIND_OF.ask(day=day, who=list(who))
    if not rows:
        return {}
    now = timezone.now()
    visits = Appointment.objects.on(day).active().filter(practitioner__in=[r.practitioner_id for r in rows])
    own: dict[uuid.UUID, list[Appointment]] = {row.practitioner_id: [] for row in rows}
    fields = ("id", "practitioner_id", "starts_at", "ends_at", "status", "confirmation", "seen_at")
    for visit in visits.order_by().only(*fields, "buffer_before", "buffer_after"):
        own[visit.practitioner_id].append(visit)
    return {row.practitioner_id: course_of(row, own[row.practitioner_id], now) for row in rows}
