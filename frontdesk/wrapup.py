"""The end of a day: every row gets an end, or an owner and a time, and the next shift gets a note."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from frontdesk.models import Finding, Handover, Review
from frontdesk.review_checks import EVENING
from frontdesk.reviews import REGIONS, in_order, recheck
from messaging import handling
from messaging.models import Task
from messaging.staff_tasks import NotAColleague, hand_over_task, open_task
from practices import audit, changes
from practices.audit import Actor
from practices.models import Membership, Practice, User
from practices.tenancy import current_practice
from scheduling.wallclock import boundary
from scheduling.words import clock, short_when

PRESSING = (Task.Urgency.EMERGENCY, Task.Urgency.SOON)
NOTHING_LEFT = "Nothing is left over. Every visit is closed and every message answered."
MORNING, NOON, AFTERNOON = dt.time(9), dt.time(12), dt.time(15)
TASK_OF_CHECK = {
    "not_closed": Task.Kind.FOLLOW_UP,
    "unanswered": Task.Kind.ANSWER,
    "tasks": Task.Kind.FOLLOW_UP,
    "follow_ups": Task.Kind.FOLLOW_UP,
    "tomorrow": Task.Kind.CALL,
}


class NotEverythingOwned(ValueError):
    """Rows are left that nobody has taken for a time."""

    def __init__(self, count: int) -> None:
        self.count = count
        rows = "1 row has" if count == 1 else f"{count} rows have"
        super().__init__(f"{rows} neither an end nor an owner with a time. Finish or hand them over.")


class AlreadyClosed(ValueError):
    """The day was closed by somebody meanwhile."""


@dataclass(frozen=True, slots=True)
class Term:
    """A time to hand something over to, in words."""

    value: str
    words: str
    moment: dt.datetime


def terms(practice: Practice, now: dt.datetime, *, pressing: bool = False) -> list[Term]:
    """The times one hands work over to, from tomorrow on; what presses is offered the next hour first."""
    today = now.astimezone(practice.zone).date()
    places = [(1, MORNING), (1, NOON), (1, AFTERNOON), (2, MORNING), (3, MORNING), (7, MORNING)]
    found = [Term("now", "Within the hour", now + dt.timedelta(hours=1))] if pressing else []
    for days, time in places:
        moment = boundary(today + dt.timedelta(days=days), time, practice.zone)
        found.append(Term(f"{days}.{time:%H%M}", short_when(moment, practice), moment))
    return found


@transaction.atomic
def hand_over(*, findings: Iterable[Finding], owner: User, due_at: dt.datetime, by: Actor) -> int:
    """Gives rows of the wrap-up to a colleague with a time; raises NotAColleague.

    What is not a task yet becomes one, so that it stands in “Needs you” of the next days.
    """
    if not Membership.objects.active().filter(user=owner).exists():
        raise NotAColleague("This person does not work here.")
    count = 0
    for finding in in_order(findings):
        finding = Finding.objects.select_for_update().get(pk=finding.pk)
        before = [finding.owner_id, finding.due_at]
        finding.owner, finding.due_at = owner, due_at
        finding.save(update_fields=["owner", "due_at"])
        hand_over_task(task=task_for(finding, due_at, by), owner=owner, due_at=due_at, by=by)
        audit.record(
            "finding.handed-over",
            finding,
            by=by,
            patient_id=finding.patient_id,
            changes={"owner": [before[0], owner.pk], "due_at": [before[1], due_at]},
        )
        count += 1
    changes.announce(current_practice(), *REGIONS)
    return count


def pressing_keys(findings: Iterable[Finding]) -> set[uuid.UUID]:
    """Which rows need a person now: their task is a possible emergency or cannot wait; one query."""
    rows = [finding for finding in findings if finding.check_name in {"unanswered", "tasks"}]
    if not rows:
        return set()
    urgent = Task.objects.open().filter(urgency__in=PRESSING).order_by().values_list("pk", "message_id")
    known = {str(pk) for pk, _ in urgent}
    messages = {message for _, message in urgent if message}
    return {
        finding.pk
        for finding in rows
        if finding.once_key.partition(":")[2] in known or finding.message_id in messages
    }


def task_for(finding: Finding, due_at: dt.datetime, by: Actor) -> Task:
    """The open task behind a row, opened where there is none."""
    check, _, subject = finding.once_key.partition(":")
    mine = Task.objects.open()
    task = mine.filter(pk=subject).first() if check == "tasks" else None
    if task is None and finding.message_id:
        task = mine.filter(message_id=finding.message_id).first()
    return task or open_task(
        kind=TASK_OF_CHECK[finding.check_name],
        due_at=due_at,
        once_key=finding.once_key,
        patient=finding.patient,
        message=finding.message,
        appointment_id=finding.appointment_id,
        note=finding.detail,
        by=by,
    )


@transaction.atomic
def finish_task(*, finding: Finding, outcome: str, by: Actor) -> None:
    """Ends the task behind a row; the next look at the day settles the row. Raises HasItsOwnPage."""
    task = Task.objects.filter(pk=finding.once_key.partition(":")[2]).first()
    if task is not None:
        handling.finish_task(task=task, outcome=outcome, by=by)


def without_owner(findings: Iterable[Finding]) -> list[Finding]:
    """The rows that keep the day open."""
    return [
        finding
        for finding in findings
        if finding.settled_at is None and (finding.owner_id is None or finding.due_at is None)
    ]


def remaining(review: Review) -> list[Finding]:
    """What is left of a review, with the people in it, in the order of the visits."""
    rows = review.findings.filter(settled_at=None).order_by("appointment__starts_at", "id")
    return list(rows.select_related("patient", "owner", "appointment__practitioner", "message"))


def compose(practice: Practice, findings: Sequence[Finding]) -> str:
    """The hand-over note that follows from what remains, one line a row."""
    titles = {check.name: check.title for check in EVENING}
    lines: list[str] = []
    for name, title in titles.items():
        rows = [finding for finding in findings if finding.check_name == name]
        if rows:
            lines += [f"{title}:", *(f"- {line_of(finding, practice)}" for finding in rows), ""]
    return "\n".join(lines).strip() or NOTHING_LEFT


def line_of(finding: Finding, practice: Practice) -> str:
    """One row in words: who, what, who has it and until when."""
    who = finding.patient.full_name if finding.patient else "Somebody not in the records"
    visit = finding.appointment
    if visit:
        local = visit.starts_at.astimezone(practice.zone)
        who = f"{who}, {clock(local)} with {visit.practitioner.short_name}"
    words = f"{who}: {finding.detail[:1].lower()}{finding.detail[1:]}."
    if finding.owner and finding.due_at:
        words += f" {finding.owner.short_name} has it, {short_when(finding.due_at, practice)}."
    return words


def current_note(review: Review, findings: Sequence[Finding]) -> Handover:
    """The note as it stands: written anew from what remains until a person edits it."""
    note: Handover = Handover.objects.filter(review=review).first() or Handover(
        practice=review.practice, review=review
    )
    if not note.edited and note.sent_at is None:
        note.text = compose(review.practice, findings)
    return note


@transaction.atomic
def save_note(*, review: Review, text: str, by: Actor) -> Handover:
    """Keeps what a person wrote; an empty text lets the note write itself again."""
    note = current_note(Review.objects.select_for_update().get(pk=review.pk), remaining(review))
    if note.sent_at is not None:
        raise AlreadyClosed("The note is sent already.")
    note.edited = bool(text.strip()) and text.strip() != compose(review.practice, remaining(review))
    note.text = text.strip() if note.edited else compose(review.practice, remaining(review))
    note.save()
    audit.record("handover.written", note, by=by)
    return note


@transaction.atomic
def close_day(*, review: Review, text: str, now: dt.datetime | None = None, by: Actor) -> Handover:
    """Sends the note and ends the day.

    Raises NotEverythingOwned while a row has neither an end nor an owner and a time, and AlreadyClosed for
    the second of two people.
    """
    locked = Review.objects.select_for_update().get(pk=review.pk)
    if locked.finished_at is not None:
        raise AlreadyClosed("The day was closed a moment ago.")
    loose = without_owner(recheck(locked, now=now))
    if loose:
        raise NotEverythingOwned(len(loose))
    note = save_note(review=locked, text=text, by=by)
    note.sent_at, note.sent_by = timezone.now(), by.user
    note.save()
    Review.objects.filter(pk=locked.pk).update(finished_at=note.sent_at, finished_by=by.user)
    audit.record("review.finished", locked, by=by)
    changes.announce(current_practice(), *REGIONS)
    return note


@transaction.atomic
def read_note(*, note: Handover, by: Actor) -> Handover:
    """The next shift has read it; the first who says so is remembered."""
    note = Handover.objects.select_for_update().get(pk=note.pk)
    if note.read_at is None:
        note.read_at, note.read_by = timezone.now(), by.user
        note.save(update_fields=["read_at", "read_by"])
        audit.record("handover.read", note, by=by)
        changes.announce(current_practice(), "reviews")
    return note
