"""What the two reviews look for; a check is one function over a day that was read before.

A day is read in a number of queries that does not grow with its visits. Findings carry no patient's name
or words: the page reads those anew, through the gate.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from frontdesk.models import Review
from frontdesk.reviewed_day import HERE, Day, read_evening, read_morning
from messaging.models import Message
from practices.models import Practice, User
from scheduling.diary import Diary
from scheduling.models import Appointment, Confirmation, Status
from scheduling.words import clock


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
    rows = [*visits_not_closed(day), *tomorrow_unconfirmed(day), *follow_ups_overdue(day)]
    handed_over = {found.key for found in rows}
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


def follow_ups_overdue(day: Day) -> list[Found]:
    """Visits that were due and that nobody booked, asked for or put off."""
    return [
        Found(
            "follow_ups",
            f"follow_ups:{row.pk}",
            f"{row.appointment_type.name}, due by {row.latest_on:%a, %b} {row.latest_on.day}, not booked"[
                :120
            ],
            patient_id=row.patient_id,
        )
        for row in day.overdue
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
    Check("follow_ups", "Follow-ups overdue", "recall", "bad", follow_ups_overdue),
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
