"""What the two reviews look for; a check is one function over a day that was read before.

A day is read in a number of queries that does not grow with its visits. Findings carry no patient's name
or words: the page reads those anew, through the gate.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.db.models import Max

from frontdesk.models import Review
from messaging.models import Message, Task
from patients.contacts import Reach, reachability
from practices.models import Practice, User
from scheduling.diary import Diary, read_diary
from scheduling.models import Appointment, Confirmation, Notice, Practitioner, Status
from scheduling.wallclock import boundary
from scheduling.words import clock

HERE = (Status.BOOKED, Status.ARRIVED)
OVERNIGHT_FROM = dt.time(17, 0)  # where no evening review said when the day was over
DAYS_BEFORE = 7
NEXT_DAY_WITHIN = 4  # a Friday's wrap-up looks to Monday


@dataclass(frozen=True, slots=True)
class Found:
    """One thing to settle; `key` names it for ever within its review."""

    check: str
    key: str
    detail: str = ""
    appointment: Appointment | None = None
    other: Appointment | None = None
    message: Message | None = None
    patient_id: uuid.UUID | None = None
    owner: User | None = None
    due_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """Everything the checks of one review need to know."""

    practice: Practice
    date: dt.date
    now: dt.datetime
    since: dt.datetime  # the end of the day before
    visits: list[Appointment]
    tomorrow: list[Appointment]
    diary: Diary
    reach: dict[uuid.UUID, Reach]
    asked: dict[uuid.UUID, dt.datetime]
    unanswered: list[Message]
    tasks: list[Task]
    left_open: list[Appointment] = field(default_factory=list)  # of the days before
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
        diary=read_diary(list(Practitioner.objects.all()), date, date),
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
        diary=read_diary([], date, date),
        reach=reachability({visit.patient for visit in tomorrow}),
        asked=last_asked(tomorrow),
        unanswered=list(Message.objects.to_read().select_related("patient").order_by("created_at")),
        tasks=list(Task.objects.open().select_related("patient", "owner", "message")),
    )


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


def overlaps(day: Day) -> list[Found]:
    """Two visits of one clinician at the same time, overbooked on purpose or not."""
    found = []
    active = [visit for visit in day.visits if visit.is_active]
    for at, later in enumerate(active):
        for earlier in active[:at]:
            if earlier.practitioner_id != later.practitioner_id or earlier.ends_at <= later.starts_at:
                continue
            if later.is_open:
                minutes = round((min(earlier.ends_at, later.ends_at) - later.starts_at).total_seconds() / 60)
                words = f"{minutes} min over the visit at {clock(day.local(earlier.starts_at))}"
                if earlier.starts_at == later.starts_at:
                    words = f"{minutes} min at the same time as another visit"
                # One pair is one finding, whichever of the two the diary names first.
                key = ":".join(["overlaps", *sorted([str(earlier.pk), str(later.pk)])])
                found.append(Found("overlaps", key, words, later, earlier))
    return found


def off_hours(day: Day) -> list[Found]:
    """Visits on a closure, on time off, or beyond the clinician's hours."""
    closed = next(iter(day.diary.closures), None)
    found = []
    for visit in day.open_visits():
        words = f"Closed: {closed.reason}" if closed else why_off(visit, day.diary)
        if words:
            found.append(Found("off_hours", f"off_hours:{visit.pk}", words[:120], visit))
    return found


def why_off(visit: Appointment, diary: Diary) -> str:
    """Why the clinician is not there during a visit; empty when she is."""
    starts, ends = visit.starts_at.timestamp(), visit.ends_at.timestamp()
    for away_from, away_until, label in diary.out[visit.practitioner_id]:
        if away_from < ends and away_until > starts:
            return f"Out: {label}"
    hours = diary.hours[visit.practitioner_id]
    if any(opens <= starts and ends <= closes for opens, closes in hours):
        return ""
    if not hours:
        return "Does not work today"
    if any(opens <= starts < closes for opens, closes in hours):
        return "Ends after hours"
    return "Outside hours"


def wrong_length(day: Day) -> list[Found]:
    """Visits that are longer or shorter than their type takes."""
    return [
        Found(
            "wrong_length",
            f"wrong_length:{visit.pk}",
            f"{visit.minutes} min, {visit.appointment_type.name} takes {visit.appointment_type.minutes}",
            visit,
        )
        for visit in day.open_visits()
        if visit.minutes != visit.appointment_type.minutes
    ]


def same_patient_twice(day: Day) -> list[Found]:
    """A second visit of a patient on the same day."""
    first: dict[uuid.UUID, Appointment] = {}
    found = []
    for visit in day.visits:
        if not visit.is_active:
            continue
        earlier = first.setdefault(visit.patient_id, visit)
        if earlier is not visit and visit.is_open:
            words = f"Also at {clock(day.local(earlier.starts_at))} with {earlier.practitioner.short_name}"
            found.append(Found("twice", f"twice:{earlier.pk}:{visit.pk}", words, visit, earlier))
    return found


def nobody_reachable(day: Day) -> list[Found]:
    """Visits whose patient can be neither called nor written to."""
    found = []
    for visit in day.open_visits():
        reach = day.reach[visit.patient_id]
        if not (reach.has_phone or reach.can_text or reach.can_email):
            words = reach.why_not[:1].upper() + reach.why_not[1:]
            found.append(Found("unreachable", f"unreachable:{visit.pk}", words, visit))
    return found


def not_confirmed(day: Day) -> list[Found]:
    """Visits that are still to come and that nobody said yes to."""
    return [
        Found("unconfirmed", f"unconfirmed:{visit.pk}", answer_words(visit, day), visit)
        for visit in day.open_visits()
        if visit.can_confirm and visit.starts_at > day.now
    ]


def day_and_time(moment: dt.datetime, day: Day) -> str:
    """Mon 10:32 AM, or today 10:32 AM."""
    local = day.local(moment)
    return f"{'today' if local.date() == day.local(day.now).date() else f'{local:%a}'} {clock(local)}"


def answer_words(visit: Appointment, day: Day) -> str:
    """What is known of the patient's answer."""
    asked = day.asked.get(visit.pk)
    when = day_and_time(asked, day) if asked else ""
    match visit.confirmation:
        case Confirmation.DECLINED:
            return "Said no"
        case Confirmation.CHANGE_REQUESTED:
            return "Wants another time"
        case Confirmation.CALLBACK_REQUESTED:
            return "Wants a call"
        case Confirmation.LEFT_MESSAGE:
            return "Left a message, no answer"
        case Confirmation.UNDELIVERABLE:
            return "The text did not arrive"
    reach = day.reach.get(visit.patient_id)
    if when:
        return f"Asked {when}, no reply"
    if reach and reach.why_not:
        return reach.why_not[:1].upper() + reach.why_not[1:]
    return "Not asked yet"


def left_open(day: Day) -> list[Found]:
    """Visits of the days before of which nobody said how they ended."""
    return [
        Found(
            "left_open",
            f"left_open:{visit.pk}",
            f"{visit.local_date:%a, %b} {visit.local_date.day}, "
            f"{'never left' if visit.status == Status.ARRIVED else 'not closed'}",
            visit,
        )
        for visit in day.left_open
    ]


def cancelled_overnight(day: Day) -> list[Found]:
    """Times of today that came free since the last evening and that nobody took."""
    active = [visit for visit in day.visits if visit.is_active]
    found = []
    for visit in day.visits:
        if visit.status != Status.CANCELLED or visit.cancelled_at is None or visit.cancelled_at < day.since:
            continue
        if visit.pk in day.moved:
            continue
        taken = any(
            other.practitioner_id == visit.practitioner_id
            and other.starts_at < visit.ends_at
            and other.ends_at > visit.starts_at
            for other in active
        )
        if not taken and visit.starts_at > day.now:
            words = (
                f"Free {visit.minutes} min, {visit.get_cancellation_reason_display() or 'no reason given'}"
            )
            found.append(Found("cancelled", f"cancelled:{visit.pk}", words, visit))
    return found


def visits_not_closed(day: Day) -> list[Found]:
    """Visits whose time is over and of which nobody said how they ended."""
    return [
        Found(
            "not_closed",
            f"not_closed:{visit.pk}",
            "Still here" if visit.status == Status.ARRIVED else "Not closed",
            visit,
        )
        for visit in day.visits
        if visit.status in HERE and visit.starts_at <= day.now
    ]


def messages_unanswered(day: Day) -> list[Found]:
    """Messages of patients that a person has to answer."""
    return [
        Found(
            "unanswered",
            f"unanswered:{message.pk}",
            f"Waits since {day_and_time(message.created_at, day)}",
            message=message,
            patient_id=message.patient_id,
        )
        for message in day.unanswered
    ]


def tasks_open(day: Day) -> list[Found]:
    """Everything else that somebody still has to do; one that has an owner and a time brings them along."""
    answered_above = {message.pk for message in day.unanswered}
    # A row that was handed over is a task too: it shall not stand here a second time.
    handed_over = {found.key for found in [*visits_not_closed(day), *tomorrow_unconfirmed(day)]}
    found = []
    for task in day.tasks:
        if task.message_id in answered_above or task.once_key in handed_over:
            continue
        owned = task.owner is not None and task.due_at > day.now
        found.append(
            Found(
                "tasks",
                f"tasks:{task.pk}",
                f"{task.get_kind_display()}, due {day_and_time(task.due_at, day)}",
                patient_id=task.patient_id,
                owner=task.owner if owned else None,
                due_at=task.due_at if owned else None,
            )
        )
    return found


def tomorrow_unconfirmed(day: Day) -> list[Found]:
    """Visits of the next working day that nobody said yes to."""
    return [
        Found("tomorrow", f"tomorrow:{visit.pk}", answer_words(visit, day), visit)
        for visit in day.tomorrow
        if visit.can_confirm
    ]


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a review, with what the page says of it."""

    name: str
    title: str
    symbol: str
    tone: str
    find: Callable[[Day], list[Found]]


MORNING = (
    Check("overlaps", "Overlaps", "cal-move", "bad", overlaps),
    Check("off_hours", "Outside hours or time off", "clock", "bad", off_hours),
    Check("wrong_length", "Wrong length for the visit", "calendar", "book", wrong_length),
    Check("twice", "One patient twice", "users", "book", same_patient_twice),
    Check("unreachable", "Nobody reachable", "phone-off", "bad", nobody_reachable),
    Check("cancelled", "Cancelled overnight", "cal-x", "acc", cancelled_overnight),
    Check("unconfirmed", "Not confirmed", "st-book", "book", not_confirmed),
    Check("left_open", "Left open the days before", "st-arr", "arr", left_open),
)
EVENING = (
    Check("not_closed", "Visits not closed", "st-arr", "arr", visits_not_closed),
    Check("unanswered", "Messages to answer", "inbox", "acc", messages_unanswered),
    Check("tasks", "Promises and tasks", "list", "acc", tasks_open),
    Check("tomorrow", "Next day, not confirmed", "st-book", "book", tomorrow_unconfirmed),
)


def checks_of(kind: str) -> tuple[Check, ...]:
    return MORNING if kind == Review.Kind.MORNING else EVENING


def read_day(review: Review, practice: Practice, now: dt.datetime) -> Day:
    """The day of a review, as its kind needs it."""
    read = read_morning if review.kind == Review.Kind.MORNING else read_evening
    return read(practice, review.local_date, now)


def look(review: Review, day: Day) -> dict[str, Found]:
    """All that the review's checks find, by key."""
    return {found.key: found for check in checks_of(review.kind) for found in check.find(day)}
