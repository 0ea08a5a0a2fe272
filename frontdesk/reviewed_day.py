"""A day as a review reads it: everything its checks need, in a number of queries that does not grow."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Max

from frontdesk.models import Review
from messaging.models import Message, Task
from patients.contacts import Reach, reachability
from practices.models import Practice
from scheduling.models import Appointment, FollowUp, Notice, Status
from scheduling.wallclock import boundary

HERE = (Status.BOOKED, Status.ARRIVED)
OVERNIGHT_FROM = dt.time(17, 0)  # where no evening review said when the day was over
DAYS_BEFORE = 7
MOST_OVERDUE = 50
NEXT_DAY_WITHIN = 4  # a Friday's wrap-up looks to Monday


@dataclass(frozen=True, slots=True)
class Day:
    """Everything the checks of one review need to know."""

    practice: Practice
    date: dt.date
    now: dt.datetime
    since: dt.datetime  # the end of the day before
    visits: list[Appointment]
    tomorrow: list[Appointment]
    reach: dict[uuid.UUID, Reach]
    asked: dict[uuid.UUID, dt.datetime]
    unanswered: list[Message]
    tasks: list[Task]
    left_open: list[Appointment] = field(default_factory=list)  # of the days before
    overdue: list[FollowUp] = field(default_factory=list)  # follow-ups that nobody booked in time
    moved: set[uuid.UUID] = field(default_factory=set)  # cancelled, because they stand elsewhere now

    def open_visits(self) -> list[Appointment]:
        return [visit for visit in self.visits if visit.is_open]

    def local(self, moment: dt.datetime) -> dt.datetime:
        return moment.astimezone(self.practice.zone)


def read_morning(practice: Practice, date: dt.date, now: dt.datetime) -> Day:
    """Today's visits, whoever was cancelled since the last evening too."""
    visits = list(Appointment.objects.on(date).with_people())
    return Day(
        practice,
        date,
        now,
        since=evening_before(practice, date),
        visits=visits,
        tomorrow=[],
        reach=reachability({visit.patient for visit in visits if visit.is_open}),
        asked=last_asked(visits),
        unanswered=[],
        tasks=[],
        left_open=visits_left_open(date),
        moved=moved_away(visits),
    )


def read_evening(practice: Practice, date: dt.date, now: dt.datetime) -> Day:
    """Today's visits, what nobody answered, the tasks that are open, and who comes next."""
    visits = list(Appointment.objects.on(date).with_people())
    tomorrow = next_visits(date)
    return Day(
        practice,
        date,
        now,
        since=evening_before(practice, date),
        visits=visits,
        tomorrow=tomorrow,
        reach=reachability({visit.patient for visit in tomorrow}),
        asked=last_asked(tomorrow),
        unanswered=list(Message.objects.to_read().select_related("patient").order_by("created_at")),
        tasks=list(Task.objects.open().select_related("patient", "owner", "message")),
        overdue=overdue_follow_ups(date),
    )


def overdue_follow_ups(date: dt.date) -> list[FollowUp]:
    """Follow-ups and recalls whose last day is over and that nobody works on, the oldest first."""
    rows = FollowUp.objects.to_do(date).filter(latest_on__lt=date)
    return list(rows.select_related("appointment_type").order_by("latest_on", "pk")[:MOST_OVERDUE])


def moved_away(visits: Iterable[Appointment]) -> set[uuid.UUID]:
    """Which of the cancelled visits have a successor: moved is not cancelled."""
    cancelled = [visit.pk for visit in visits if visit.status == Status.CANCELLED]
    moved = Appointment.objects.filter(rescheduled_from__in=cancelled).order_by()
    return set(moved.values_list("rescheduled_from_id", flat=True))


def visits_left_open(date: dt.date) -> list[Appointment]:
    """Visits of the last days that nobody closed: no evening review came, or they went on after it."""
    before = (date - dt.timedelta(days=DAYS_BEFORE), date - dt.timedelta(days=1))
    visits = Appointment.objects.filter(local_date__range=before, status__in=HERE).with_people()
    # What the wrap-up gave to a person is in her queue already.
    given = set(
        Task.objects.open().filter(once_key__startswith="not_closed:").values_list("once_key", flat=True)
    )
    return [visit for visit in visits if f"not_closed:{visit.pk}" not in given]


def evening_before(practice: Practice, date: dt.date) -> dt.datetime:
    """When the last day ended: with its evening review, else at five."""
    yesterday = date - dt.timedelta(days=1)
    review = Review.objects.filter(kind=Review.Kind.EVENING, local_date=yesterday).first()
    return review.started_at if review else boundary(yesterday, OVERNIGHT_FROM, practice.zone)


def next_visits(date: dt.date) -> list[Appointment]:
    """The visits of the next day that has any."""
    soon = (date + dt.timedelta(days=1), date + dt.timedelta(days=NEXT_DAY_WITHIN))
    ahead = list(Appointment.objects.filter(local_date__range=soon).on_board().with_people())
    first = min((visit.local_date for visit in ahead), default=None)
    return [visit for visit in ahead if visit.local_date == first]


def last_asked(visits: Iterable[Appointment]) -> dict[uuid.UUID, dt.datetime]:
    """When the patient was last written to about each visit."""
    rows = Notice.objects.filter(
        appointment__in=[visit.pk for visit in visits], message__sent_at__isnull=False
    )
    return dict(rows.values_list("appointment_id").annotate(Max("message__sent_at")))
