"""What the two reviews look for: in the morning what the schedule audit finds, and what only a review knows.

A check of the audit is SQL (`scheduling.audit.checks`); a review's own check is one function over a day that
was read before, in a number of queries that does not grow with its visits. Findings carry no patient's name
or words: the page reads those anew, through the gate.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from frontdesk.models import Review
from frontdesk.reviewed_day import HERE, Day, read_evening, read_morning
from messaging.models import Message
from practices.models import Practice, User
from scheduling.audit.check import Found as AuditFound
from scheduling.audit.check import Raw
from scheduling.audit.checks import CHECKS
from scheduling.audit.looking import finish
from scheduling.audit.looking import look_at as audit_of
from scheduling.audit.people import ASKED
from scheduling.audit.settling import settled_of
from scheduling.models import Appointment, Confirmation, Status
from scheduling.words import clock


@dataclass(frozen=True, slots=True)
class Found:
    """One thing to settle; `key` names it for ever within its review."""

    check: str
    key: str
    detail: str = ""
    appointment_id: uuid.UUID | None = None
    other_id: uuid.UUID | None = None
    message: Message | None = None
    patient_id: uuid.UUID | None = None
    owner: User | None = None
    due_at: dt.datetime | None = None


def about(visit: Appointment, check: str, detail: str) -> Found:
    """What is found of one visit."""
    return Found(check, f"{check}:{visit.pk}", detail, visit.pk, patient_id=visit.patient_id)


def from_audit(found: AuditFound) -> Found:
    """What the schedule audit found, as a row of the review."""
    return Found(found.check, found.key, found.detail, found.visit, found.other, patient_id=found.patient_id)


def not_confirmed(day: Day) -> list[Found]:
    """Visits that are still to come and that nobody said yes to."""
    return [
        about(visit, "unconfirmed", answer_words(visit, day))
        for visit in day.open_visits()
        if visit.can_confirm and visit.starts_at > day.now and visit.confirmation not in ASKED
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
        about(
            visit,
            "left_open",
            f"{visit.local_date:%a, %b} {visit.local_date.day}, "
            f"{'never left' if visit.status == Status.ARRIVED else 'not closed'}",
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
            found.append(about(visit, "cancelled", words))
    return found


def visits_not_closed(day: Day) -> list[Found]:
    """Visits whose time is over and of which nobody said how they ended."""
    return [
        about(visit, "not_closed", "Still here" if visit.status == Status.ARRIVED else "Not closed")
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
    return [about(visit, "tomorrow", answer_words(visit, day)) for visit in day.tomorrow if visit.can_confirm]


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
    """One check of a review, with what the page says of it; those of the audit bring no `find`."""

    name: str
    title: str
    symbol: str
    tone: str
    find: Callable[[Day], list[Found]] | None = None


MORNING = (
    *(Check(one.name, one.title, one.symbol, one.tone) for one in CHECKS),
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


def look(review: Review, day: Day, raw: Sequence[Raw] | None = None) -> dict[str, Found]:
    """All that the review's checks find, by key; `raw` is what a sweep found of this day already.

    What somebody settled in the audit is not asked about again.
    """
    found: list[Found] = []
    if review.kind == Review.Kind.MORNING:
        audited = audit_of(review.local_date) if raw is None else finish(raw)
        said = settled_of(audited)
        found = [from_audit(one) for one in audited if one.key not in said]
    own = [one for check in checks_of(review.kind) if check.find for one in check.find(day)]
    return {one.key: one for one in [*found, *own]}
