"""A clinician is out: the time off, every visit in it with times to offer, and what becomes of each.

One case belongs to all who work here: whoever presses first sends, the second sees that it was sent.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from messaging.models import Message
from messaging.outbox import withdraw_messages
from patients.contacts import reachability
from practices import audit, changes
from practices.administration import NotAllowed
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling import notices
from scheduling.administration import add_time_off, remove_time_off
from scheduling.booking import cancel_appointment
from scheduling.models import (
    Appointment,
    CancellationReason,
    Change,
    OutCase,
    Practitioner,
    Status,
    TimeOff,
    TimeRequest,
    VisitLink,
)
from scheduling.out_visits import MOST_VISITS, booked_with, visits_in
from scheduling.refusals import BookingRefused, SlotTaken
from scheduling.replacing import replacements
from scheduling.slots import lock_resources
from scheduling.time_requests import State, advance, lock_request, open_call, send_links
from scheduling.undo import ChangedSince, TooLate, undo_change
from scheduling.words import short_when

Plan = TimeRequest.Plan
LONGEST = dt.timedelta(days=92)
LONGEST_LABEL = 60


class CaseRefused(BookingRefused):
    """The case does not allow this step; the words say why."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What taking a case back could not undo: visits that were cancelled and stay so."""

    case: OutCase
    stay_cancelled: int


@transaction.atomic
def open_case(
    *,
    practitioner: Practitioner,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    label: str,
    by: Actor,
) -> tuple[OutCase, bool]:
    """Writes the time off, and plans what becomes of each visit in it. Nobody is told yet.

    Returns the case, and whether it is new: two receptionists who say the same get the same case. Raises
    CaseRefused for a span that is none, is over, or lies over another open case of the clinician, and where
    she has too much time off ahead.
    """
    check_span(starts_at, ends_at)
    # Requests before diaries, as the pages of the patients hold them: the other way round they deadlock.
    hold_requests(practitioner, starts_at, ends_at)
    lock_resources(practitioner)
    there = (
        OutCase.objects.open()
        .filter(practitioner=practitioner, starts_at__lt=ends_at, ends_at__gt=starts_at)
        .select_related("practitioner", "opened_by")
        .first()
    )
    if there is not None:
        if (there.starts_at, there.ends_at) == (starts_at, ends_at):
            return there, False
        raise CaseRefused(overlap_words(there))
    off = time_off_over(practitioner, starts_at, ends_at)
    wrote = off is None
    label = label.strip()[:LONGEST_LABEL] or "Out"
    if off is None:
        try:
            off = add_time_off(
                practitioner=practitioner, starts_at=starts_at, ends_at=ends_at, label=label, by=by
            )
        except NotAllowed as refusal:
            raise CaseRefused(str(refusal)) from refusal
    case = OutCase(
        practice=current_practice(),
        practitioner=practitioner,
        time_off=off,
        wrote_time_off=wrote,
        starts_at=starts_at,
        ends_at=ends_at,
        label=label,
        opened_by=by.user,
    )
    case.save(force_insert=True)
    audit.record("out-case.opened", case, by=by, changes={"starts_at": [None, str(starts_at)]})
    add_visits(case, by=by)
    changes.announce(current_practice(), "out")
    return case, True


def hold_requests(practitioner: Practitioner, starts_at: dt.datetime, ends_at: dt.datetime) -> None:
    """Holds the requests of a clinician's visits in a span, in the order of `take_over`; one query."""
    visits = booked_with(practitioner.pk, starts_at, ends_at)
    rows = TimeRequest.objects.live().filter(appointment__in=visits)
    list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def check_span(starts_at: dt.datetime, ends_at: dt.datetime) -> None:
    if ends_at <= starts_at:
        raise CaseRefused("The time out ends before it begins.")
    if ends_at <= timezone.now():
        raise CaseRefused("That time is over.")
    if ends_at - starts_at > LONGEST:
        raise CaseRefused("At most three months at once. Write longer leave as time off in the settings.")


def overlap_words(case: OutCase) -> str:
    practice = current_practice()
    who = f" by {case.opened_by.short_name}" if case.opened_by else ""
    return (
        f"{case.practitioner.short_name} is out already, {short_when(case.starts_at, practice)} to "
        f"{short_when(case.ends_at, practice)}, opened{who}. Go on there, or take that one back first."
    )


def time_off_over(practitioner: Practitioner, starts_at: dt.datetime, ends_at: dt.datetime) -> TimeOff | None:
    """Time off that was written before and covers the span: from the settings, say."""
    rows = TimeOff.objects.filter(practitioner=practitioner, starts_at__lte=starts_at, ends_at__gte=ends_at)
    found: TimeOff | None = rows.order_by("-starts_at").first()
    return found


@transaction.atomic
def add_visits(case: OutCase, *, by: Actor) -> int:
    """Takes in the visits that the case does not know yet; a fixed number of statements. Returns how many."""
    visits = visits_in(case)
    if len(visits) > MOST_VISITS:
        raise CaseRefused(f"More than {MOST_VISITS} visits lie in it. Take a shorter time first.")
    known = set(
        TimeRequest.objects.filter(case=case, appointment__in=visits).values_list("appointment_id", flat=True)
    )
    new = [visit for visit in visits if visit.pk not in known]
    if not new:
        return 0
    take_over(new, by)
    offers = replacements(new)
    reach = reachability({visit.patient for visit in new})
    rows = []
    for visit in new:
        writes = notices.channel_for(visit.patient, reach[visit.patient_id]) is not None
        rows.append(
            TimeRequest(
                practice=case.practice,
                case=case,
                appointment=visit,
                offers=[offer.key for offer in offers[visit.pk]],
                plan=Plan.ASK if writes else Plan.CALL,
            )
        )
        # Whether it moves or another colleague comes along is for the patient and both clinicians to say.
        if rows[-1].takes_part:
            rows[-1].plan = Plan.CALL
    store_requests(rows)
    audit.record_each(
        (("time-request.planned", row, row.appointment.patient_id, {"plan": ["", row.plan]}) for row in rows),
        by=by,
    )
    return len(rows)


def store_requests(rows: Sequence[TimeRequest]) -> None:
    """Writes what is planned; raises CaseRefused where one of the visits is planned elsewhere just now."""
    try:
        TimeRequest.objects.bulk_create(rows)
    except IntegrityError as error:
        raise CaseRefused(
            "A colleague is looking after one of these visits at this moment. Try again."
        ) from error


def take_over(visits: Sequence[Appointment], by: Actor) -> None:
    """A link that staff sent before for one of these visits gives way to the case."""
    before = TimeRequest.objects.live().filter(case=None, appointment__in=visits).select_for_update()
    for request in before.order_by("pk"):
        if request.link_id:
            VisitLink.objects.filter(pk=request.link_id).update(revoked_at=timezone.now())
        advance(lock_request(request), State.WITHDRAWN, by=by)


def lock_case(case: OutCase, *states: str) -> OutCase:
    """The case, held; raises CaseRefused unless it is in one of the states."""
    found = OutCase.objects.select_for_update(of=("self",)).select_related("practitioner", "sent_by")
    held: OutCase = found.get(pk=case.pk)
    if held.state not in states:
        who = f" by {held.sent_by.short_name}" if held.sent_by else ""
        raise CaseRefused(
            {
                OutCase.State.SENT: f"The patients were told already{who}.",
                OutCase.State.CLOSED: "This is finished: no visit is left over.",
                OutCase.State.TAKEN_BACK: "This was taken back.",
            }.get(OutCase.State(held.state), "The patients were not told yet.")
        )
    return held


@transaction.atomic
def plan_visit(*, request: TimeRequest, version: int, values: dict[str, Any], by: Actor) -> TimeRequest:
    """Changes by hand what becomes of one visit: `plan`, `offers`, `cancellation_reason`, `keep_reason`.

    Raises SettledMeanwhile for a version that is not the present one, CaseRefused once patients were told.
    """
    assert request.case is not None  # noqa: S101 - only visits of a case are planned
    lock_case(request.case, OutCase.State.PLANNED)
    held = lock_request(request, version)
    if held.state != State.PLANNED:
        raise CaseRefused("This visit is not planned any more.")
    plan = values.get("plan", held.plan)
    if plan not in Plan.values:
        raise CaseRefused("Choose what becomes of the visit.")
    if plan == Plan.KEEP and not (values.get("keep_reason") or held.keep_reason).strip():
        raise CaseRefused("Say why the visit stays although the clinician is out.")
    if values.get("cancellation_reason", held.cancellation_reason) not in CancellationReason.values:
        raise CaseRefused("Choose why the visit is cancelled.")
    before = {name: getattr(held, name) for name in values}
    for name, value in values.items():
        setattr(held, name, value)
    held.version += 1
    held.save()
    audit.record(
        "time-request.replanned",
        held,
        by=by,
        patient_id=held.appointment.patient_id,
        changes={name: [before[name], value] for name, value in values.items()},
    )
    changes.announce(current_practice(), "out")
    return held


@transaction.atomic
def send_case(*, case: OutCase, by: Actor) -> OutCase:
    """The one press: links go out, calls become rows, what is kept stays and what is cancelled is closed.

    Raises CaseRefused when a colleague was faster.
    """
    case = lock_case(case, OutCase.State.PLANNED)
    case.state, case.sent_by, case.sent_at = OutCase.State.SENT, by.user, timezone.now()
    case.save(update_fields=["state", "sent_by", "sent_at"])
    audit.record("out-case.sent", case, by=by, changes={"state": [OutCase.State.PLANNED, case.state]})
    carry_out_planned(case, by)
    close_if_done(case, by=by)
    changes.announce(current_practice(), "out", "queue")
    return case


@transaction.atomic
def take_in(*, case: OutCase, by: Actor) -> int:
    """Takes in what was booked into the time since; where the others were told, these are told too."""
    case = lock_case(case, OutCase.State.PLANNED, OutCase.State.SENT)
    count = add_visits(case, by=by)
    if case.state == OutCase.State.SENT:
        carry_out_planned(case, by)
    changes.announce(current_practice(), "out", "queue")
    return count


def carry_out_planned(case: OutCase, by: Actor) -> None:
    """Does what is planned for each visit that nothing was done about yet."""
    planned = TimeRequest.objects.with_people().filter(case=case, state=State.PLANNED)
    requests = list(planned.select_for_update(of=("self",)).order_by("appointment__starts_at", "pk"))
    for request in requests:
        request.case = case
    gone = [one for one in requests if one.appointment.status != Status.BOOKED]
    for request in gone:  # moved or cancelled while this was planned
        advance(request, State.CANCELLED, by=by)
    standing = [one for one in requests if one not in gone]
    hold_places([one for one in standing if one.plan == Plan.CANCEL])
    send_links([one for one in standing if one.plan == Plan.ASK], by=by)
    for request in standing:
        if request.plan != Plan.ASK:
            carry_out(request, by)


def hold_places(requests: Sequence[TimeRequest]) -> None:
    """Holds what the visits take, all at once: one by one they would hold a room and wait for the next."""
    visits = [request.appointment for request in requests]
    lock_resources(*(one for visit in visits for one in (visit.practitioner, visit.room)))


def carry_out(request: TimeRequest, by: Actor) -> None:
    """A visit that is called for, kept or cancelled."""
    visit = request.appointment
    if request.plan == Plan.CALL:
        advance(request, State.TO_CALL, by=by)
        open_call(request, by=by)
    elif request.plan == Plan.KEEP:
        advance(request, State.KEPT, by=by)
    else:
        cancel_appointment(
            appointment=visit, version=visit.version, reason=request.cancellation_reason, by=by
        )
        advance(request, State.CANCELLED, by=by)


def close_if_done(case: OutCase | None, *, by: Actor) -> bool:
    """A case in which no visit is left over is finished."""
    if case is None or case.state != OutCase.State.SENT:
        return False
    if TimeRequest.objects.live().filter(case=case).exists():
        return False
    OutCase.objects.filter(pk=case.pk, state=OutCase.State.SENT).update(
        state=OutCase.State.CLOSED, ended_at=timezone.now()
    )
    case.state = OutCase.State.CLOSED
    audit.record("out-case.closed", case, by=by, changes={"state": [OutCase.State.SENT, case.state]})
    changes.announce(current_practice(), "out")
    return True


@transaction.atomic
def take_back(*, case: OutCase, by: Actor) -> TakenBack:
    """The clinician comes after all: time off, links, waiting texts and calls go; who was told hears it.

    Only while nobody has answered and no visit was moved: raises CaseRefused after that.
    """
    case = lock_case(case, OutCase.State.PLANNED, OutCase.State.SENT)
    requests = list(
        TimeRequest.objects.with_people().filter(case=case).select_for_update(of=("self",)).order_by("pk")
    )
    answered = [one for one in requests if one.state in {*TimeRequest.ANSWERED, State.MOVED}]
    if answered or any(one.is_live and one.appointment.status != Status.BOOKED for one in requests):
        raise CaseRefused(
            "Somebody has answered already: this cannot be taken back as a whole. "
            "Move the visits back one by one."
        )
    hold_places([one for one in requests if one.state == State.CANCELLED])
    cancelled = [restored(one, by) for one in requests if one.state == State.CANCELLED]
    for request in requests:
        if request.is_live:
            unsay(request, by)
    if case.time_off is not None and case.wrote_time_off:
        remove_time_off(time_off=case.time_off, by=by)
    was, case.state, case.ended_at, case.time_off = case.state, OutCase.State.TAKEN_BACK, timezone.now(), None
    case.save(update_fields=["state", "ended_at", "time_off"])
    audit.record("out-case.taken-back", case, by=by, changes={"state": [was, case.state]})
    changes.announce(current_practice(), "out", "queue", "appointments")
    return TakenBack(case, cancelled.count(False))


def unsay(request: TimeRequest, by: Actor) -> None:
    """The visit stays: what waits is withdrawn, the link closes, and who was told hears that it stays."""
    told = False
    if request.message_id:
        withdraw_messages(messages=Message.objects.filter(pk=request.message_id), reason="taken back", by=by)
        told = Message.objects.filter(pk=request.message_id, status__in=notices.LEFT).exists()
    if request.link_id:
        VisitLink.objects.filter(pk=request.link_id, revoked_at=None).update(revoked_at=timezone.now())
    advance(request, State.WITHDRAWN, by=by)
    if told:
        notices.tell(request.appointment, "stays", by=by)


def restored(request: TimeRequest, by: Actor) -> bool:
    """Whether a visit that the case cancelled could be put back."""
    change = (
        Change.objects.filter(appointment=request.appointment, kind=Change.Kind.CANCELLED, undone_at=None)
        .select_related("appointment", "previous")
        .order_by("-made_at")
        .first()
    )
    if change is None:
        return bool(request.appointment.is_open)
    try:
        undo_change(change=change, by=by)
    except (TooLate, ChangedSince, SlotTaken):
        return False
    return True
