"""“Needs you”: everything that waits for a person, the most pressing first.

Rows come from open tasks, messages to read, and today's visits that are late or about to start unconfirmed.
The order is that of UX.md: possible emergencies, promises due, visits within two hours, unanswered, the rest.
"""

import datetime as dt
import uuid

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from frontdesk.queue_rows import SOON, UNANSWERED, VISIT, QueueRow, in_words, rank_of
from messaging.models import Message, Task
from practices.models import Practice, User
from practices.prepared import Prepared
from scheduling.models import Appointment, AppointmentQuerySet, Status
from scheduling.wallclock import boundary

LATE = dt.timedelta(minutes=15)


def needs_you(
    practice: Practice, *, viewer: User | None = None, now: dt.datetime | None = None
) -> list[QueueRow]:
    """The rows in their order, in five queries whatever waits; a viewer in privacy mode gets initials."""
    return first_rows(practice, viewer=viewer, now=now, limit=None)[0]


def first_rows(
    practice: Practice,
    *,
    viewer: User | None,
    limit: int | None,
    now: dt.datetime | None = None,
    complaints: bool = True,
) -> tuple[list[QueueRow], int]:
    """The most pressing rows of `needs_you`, and how many there are; only what is shown is put in words."""
    now = now or timezone.now()
    pressing = open_tasks(now, complaints=complaints).exclude(for_later(practice, viewer, now))
    tasks = list(pressing.select_related("patient", "message", "owner").order_by())
    told = {task.appointment_id for task in tasks if task.appointment_id}
    starts = _starts(pressing_visits(now) | Appointment.objects.filter(pk__in=told))
    messages: list[Message] = UNREAD.ask()
    waiting: list[tuple[int, dt.datetime, str, Task | Message | uuid.UUID]] = [
        *(
            (rank_of(task, starts.get(task.appointment_id), now), task.due_at, _key(task), task)
            for task in tasks
        ),
        *((UNANSWERED, message.created_at, _key(message), message) for message in messages),
        *((VISIT, at, f"visit-row-{pk}", pk) for pk, at in starts.items() if pk and pk not in told),
    ]
    waiting.sort(key=lambda one: one[:3])
    return in_words([subject for *_, subject in waiting[:limit]], practice, viewer, now), len(waiting)


def later_rows(
    practice: Practice, *, viewer: User | None, now: dt.datetime | None = None, complaints: bool = True
) -> list[QueueRow]:
    """What somebody else has, and what was taken on for another day, the soonest first."""
    now = now or timezone.now()
    tasks = open_tasks(now, complaints=complaints).filter(for_later(practice, viewer, now))
    tasks = tasks.order_by("due_at", "pk")
    return in_words(list(tasks.select_related("patient", "message", "owner")), practice, viewer, now)


def _starts(visits: AppointmentQuerySet) -> dict[uuid.UUID | None, dt.datetime]:
    return dict(visits.order_by().values_list("pk", "starts_at"))


def _key(row: Task | Message) -> str:
    return f"{'task' if isinstance(row, Task) else 'message'}-{row.pk}"


def queue_count(
    practice: Practice, now: dt.datetime | None = None, *, viewer: User | None = None, complaints: bool = True
) -> int:
    """How many rows `needs_you` has for this person, in one query; for the rail."""
    now = now or timezone.now()
    tasks = open_tasks(now, complaints=complaints).exclude(for_later(practice, viewer, now)).order_by()
    told = tasks.filter(appointment_id=OuterRef("pk"))
    parts = (unread_messages(), pressing_visits(now).exclude(Exists(told)))
    ids: QuerySet[Task, uuid.UUID] = tasks.values_list("pk", flat=True)
    return ids.union(*(part.order_by().values_list("pk", flat=True) for part in parts), all=True).count()


def _awake(now: dt.datetime) -> Q:
    return Q(snoozed_until=None) | Q(snoozed_until__lte=now)


def for_later(practice: Practice, viewer: User | None, now: dt.datetime) -> Q:
    """Tasks that somebody has taken for a time to come: a colleague, or the viewer for another day.

    A possible emergency never waits, what nobody has taken never hides, what is overdue comes back.
    """
    tomorrow = boundary(now.astimezone(practice.zone).date() + dt.timedelta(days=1), dt.time(), practice.zone)
    not_hers = Q(due_at__gte=tomorrow) if viewer is None else Q(due_at__gte=tomorrow) | ~Q(owner=viewer)
    return Q(owner__isnull=False, due_at__gt=now) & ~Q(urgency=Task.Urgency.EMERGENCY) & not_hers


def open_tasks(now: dt.datetime, *, complaints: bool = True) -> "QuerySet[Task]":
    """Tasks that wait and are not put off; without `complaints` for whoever may not read them."""
    tasks = Task.objects.open().filter(_awake(now))
    return tasks if complaints else tasks.exclude(kind=Task.Kind.COMPLAINT)


def unread_messages() -> "QuerySet[Message]":
    """Messages that a person has to read and that no open task stands for."""
    return Message.objects.to_read().exclude(Exists(Task.objects.open().filter(message=OuterRef("pk"))))


UNREAD = Prepared(lambda: unread_messages().select_related("patient").order_by())


def pressing_visits(now: dt.datetime) -> AppointmentQuerySet:
    """Booked visits that should have begun, and unconfirmed ones that start within two hours.

    Half a day back is far enough: what is older belongs to the wrap-up.
    """
    late = Q(starts_at__lte=now - LATE, starts_at__gt=now - dt.timedelta(hours=12))
    soon = Q(starts_at__gt=now - LATE, starts_at__lte=now + SOON) & ~Q(confirmation="confirmed")
    return Appointment.objects.filter(late | soon, status=Status.BOOKED)
