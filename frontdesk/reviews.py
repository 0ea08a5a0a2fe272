"""The two reviews of a day: started once, checked anew whenever somebody looks, settled row by row.

The timetable only knocks. Whether a review is due is asked of the practice's own wall clock, and that it
starts once is a unique key of the database: two beats, a restart or a change of zone cannot start a second.
"""

import datetime as dt
import logging
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from frontdesk.models import Finding, Handover, Review
from frontdesk.review_checks import Found, look, read_day
from patients.contacts import reachability
from patients.models import Channel
from practices import audit, changes
from practices.audit import SYSTEM, Actor
from practices.models import Practice
from practices.tenancy import current_practice, inside
from scheduling import notices
from scheduling.audit.check import Raw
from scheduling.audit.sweep import sweep
from scheduling.booking import confirm_appointment
from scheduling.call_list import note_left_message
from scheduling.flow import TRANSITIONS, set_stage, stage_of
from scheduling.models import Appointment
from scheduling.refusals import NotOpen

logger = logging.getLogger(__name__)

AUTOMATIC = "Automatic"
AS_IT_IS = "Right as it is"
TEXTED = "Texted"
MAILED = "E-mailed"
REACHED = "Confirmed by phone"
LEFT_MESSAGE = "Left a message"
REGIONS = ("reviews", "queue")


def due_reviews(practice: Practice, now: dt.datetime) -> list[tuple[str, dt.date]]:
    """Which reviews of the practice's present local date should have begun by `now`.

    Wall-clock times are compared, so a time that the clocks jump over counts as passed after the jump. A
    day that is over is not reviewed any more.
    """
    local = now.astimezone(practice.zone)
    times = {
        Review.Kind.MORNING.value: practice.morning_review_at,
        Review.Kind.EVENING.value: practice.evening_review_at,
    }
    return [(kind, local.date()) for kind, at in times.items() if local.time() >= at]


def start_reviews(practice: Practice, now: dt.datetime) -> list[Review]:
    """Starts what is due and was not started; returns only what this call started."""
    return start_waiting(practice, waiting_reviews(practice, now), now)


def waiting_reviews(practice: Practice, now: dt.datetime) -> list[tuple[str, dt.date]]:
    """What is due and was not started."""
    due = due_reviews(practice, now)
    if not due:
        return []
    with inside(practice):
        there = set(Review.objects.filter(local_date=due[0][1]).values_list("kind", "local_date"))
    return [one for one in due if one not in there]


def start_waiting(
    practice: Practice,
    waiting: Sequence[tuple[str, dt.date]],
    now: dt.datetime,
    raw: Sequence[Raw] | None = None,
) -> list[Review]:
    """Starts these; `raw` is what a sweep found for the morning."""
    started = []
    for kind, date in waiting:
        # One transaction each: an evening that fails takes no morning with it.
        with inside(practice):
            started.append(start_review(kind=kind, date=date, now=now, raw=raw, by=SYSTEM))
    return [review for review in started if review]


def start_everywhere(now: dt.datetime | None = None) -> int:
    """Starts what is due in every practice; a practice that fails is tried again with the next beat."""
    now = now or timezone.now()
    due: list[tuple[Practice, list[tuple[str, dt.date]]]] = []
    for practice in Practice.objects.all():
        try:
            due.append((practice, waiting_reviews(practice, now)))
        except Exception:
            logger.exception("reviews of practice %s could not be asked for", practice.pk)
    # One statement looks into all the mornings; what it found is stored inside each practice.
    mornings = [(p.pk, date, date) for p, rows in due for kind, date in rows if kind == Review.Kind.MORNING]
    found, started = sweep(mornings), 0
    for practice, waiting in due:
        try:
            started += len(start_waiting(practice, waiting, now, found.get(practice.pk)))
        except Exception:
            logger.exception("reviews of practice %s did not start", practice.pk)
    return started


@transaction.atomic
def start_review(
    *,
    kind: str,
    date: dt.date,
    now: dt.datetime | None = None,
    raw: Sequence[Raw] | None = None,
    by: Actor,
) -> Review | None:
    """Starts one review and looks for the first time; None where it had begun already."""
    now = now or timezone.now()
    practice = current_practice()
    review = Review(practice=practice, kind=kind, local_date=date, started_at=now)
    Review.objects.bulk_create([review], ignore_conflicts=True)
    if not Review.objects.filter(pk=review.pk).exists():
        return None
    if kind == Review.Kind.EVENING:
        Handover(practice=practice, review=review).save(force_insert=True)
    audit.record("review.started", review, by=by)
    recheck(review, now=now, raw=raw)
    changes.announce(practice, *REGIONS)
    return review


@transaction.atomic
def recheck(
    review: Review, *, now: dt.datetime | None = None, raw: Sequence[Raw] | None = None
) -> list[Finding]:
    """Looks again: adds what is new, settles what is no longer true, reopens what came back.

    What a person settled stays settled. `raw` is what a sweep found of the day just now. Returns the
    findings, in the order in which they were found.
    """
    now = now or timezone.now()
    # Two people who look at once would both add the same finding; one waits for the other.
    locked = Review.objects.select_for_update().get(pk=review.pk)
    day = read_day(locked, current_practice(), now)
    known = {finding.once_key: finding for finding in locked.findings.all()}
    if locked.finished_at and locked.kind == Review.Kind.EVENING:
        return list(known.values())  # the day is closed: its list is a record now
    found = look(locked, day, raw)
    changed = store(locked, found, known, now)
    locked.checked_at = now
    locked.save(update_fields=["checked_at"])
    if changed:
        changes.announce(current_practice(), "reviews")
    order = {key: at for at, key in enumerate(found)}
    return sorted(known.values(), key=lambda finding: order.get(finding.once_key, len(order)))


def store(review: Review, found: dict[str, Found], known: dict[str, Finding], now: dt.datetime) -> bool:
    """Writes the difference in at most two statements and updates `known`; whether there was one."""
    new = [as_finding(review, item) for key, item in found.items() if key not in known]
    other = [finding for key, finding in known.items() if brought_up_to_date(finding, found.get(key), now)]
    if new:
        Finding.objects.bulk_create(new, ignore_conflicts=True)
        known.update({finding.once_key: finding for finding in new})
    if other:
        Finding.objects.bulk_update(other, ["detail", "settled_at", "settled_how", "owner", "due_at"])
    return bool(new or other)


def as_finding(review: Review, item: Found) -> Finding:
    return Finding(
        practice=review.practice,
        review=review,
        check_name=item.check,
        appointment_id=item.appointment_id,
        other_appointment_id=item.other_id,
        patient_id=item.patient_id,
        message=item.message,
        detail=item.detail,
        owner=item.owner,
        due_at=item.due_at,
        once_key=item.key,
    )


def brought_up_to_date(finding: Finding, item: Found | None, now: dt.datetime) -> bool:
    """Lets a finding follow the facts, where no person has settled it; whether it changed."""
    if item is None:
        if finding.settled_at is not None:
            return False
        finding.settled_at, finding.settled_how = now, AUTOMATIC
        return True
    before = (finding.detail, finding.settled_at, finding.owner_id, finding.due_at)
    if finding.settled_how == AUTOMATIC:
        finding.settled_at, finding.settled_how = None, ""
    finding.detail = item.detail
    if item.owner is not None:
        finding.owner, finding.due_at = item.owner, item.due_at
    return before != (finding.detail, finding.settled_at, finding.owner_id, finding.due_at)


@transaction.atomic
def settle(*, finding: Finding, how: str, by: Actor) -> Finding:
    """A person says that a row is done, and how; one that was settled before stays as it was."""
    finding = Finding.objects.select_for_update().get(pk=finding.pk)
    if finding.settled_at is not None and finding.settled_how != AUTOMATIC:
        return finding
    finding.settled_at, finding.settled_by, finding.settled_how = timezone.now(), by.user, how[:40]
    finding.save(update_fields=["settled_at", "settled_by", "settled_how"])
    audit.record(
        "finding.settled", finding, by=by, patient_id=finding.patient_id, changes={"settled_how": ["", how]}
    )
    changes.announce(current_practice(), *REGIONS)
    return finding


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The rows by their keys, with their reviews locked: two people at once wait instead of deadlocking.

    Call it inside a transaction. `recheck` takes the same lock before it writes.
    """
    rows = sorted(findings, key=lambda finding: finding.pk)
    keys = {row.review_id for row in rows}
    list(Review.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk"))
    return rows


@transaction.atomic
def text_now(*, findings: Iterable[Finding], by: Actor) -> int:
    """Reminds the patients of these rows by text, once each; how many texts will go out."""
    rows = in_order(findings)
    visits = Appointment.objects.with_people().in_bulk([row.appointment_id for row in rows])
    reach = reachability({visit.patient for visit in visits.values()})
    going = 0
    for row in rows:
        visit = visits.get(row.appointment_id)
        if visit is None or not visit.can_confirm:
            continue
        message = notices.tell(
            visit,
            "reminder",
            rule=f"reminder-{row.review.kind}",
            send_after=timezone.now(),
            reach=reach[visit.patient_id],
            by=by,
        )
        if message is not None and not message.reason:
            settle(finding=row, how=TEXTED if message.channel == Channel.SMS else MAILED, by=by)
            going += 1
    return going


@transaction.atomic
def called(*, finding: Finding, reached: bool, by: Actor) -> Finding:
    """A call came of a row: the patient will come, or a message was left."""
    if finding.appointment is None:
        raise NotOpen("This row is not about a visit.")
    if reached:
        confirm_appointment(appointment=finding.appointment, how="phone", by=by)
        return settle(finding=finding, how=REACHED, by=by)
    note_left_message(visit=finding.appointment, by=by)
    return settle(finding=finding, how=LEFT_MESSAGE, by=by)


@transaction.atomic
def close_visit(*, finding: Finding, stage: str, by: Actor) -> Finding:
    """Brings a visit that nobody closed to `stage` (done, noshow, arrived), by the steps between."""
    visit = finding.appointment
    if visit is None:
        raise NotOpen("This row is not about a visit.")
    for step in way_to(stage_of(visit), stage):
        visit = set_stage(appointment=visit, stage=step, version=visit.version, by=by)
    if stage == "arrived":
        return finding  # here, but not gone: the row stays until the visit is over
    return settle(finding=finding, how=visit.get_status_display(), by=by)


def way_to(stage: str, wanted: str) -> list[str]:
    """The shortest allowed steps from one stage to another; just the wanted one where there are none."""
    ways = [[stage]]
    for way in ways:
        if way[-1] == wanted:
            return way[1:]
        ways.extend([*way, step] for step in TRANSITIONS.get(way[-1], ()) if step not in way)
    return [wanted]
