"""Asking patients to choose another time, and what comes of it; each step goes forward only.

The text goes out with a link that is good for choosing and for nothing else. Who cannot be told, and who has
not answered by `due_at`, becomes a call: a row of “Needs you” that comes before the visit does.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from messaging.models import Message, Task
from messaging.outbox import compose, hold_back, permissions_for, store_messages, why_not, withdraw_messages
from messaging.outcomes import REASONS
from messaging.staff_tasks import close_task, in_office_time, open_task
from messaging.templates import render
from patients.contacts import Reach, practice_name_for, reachability, show_phone
from patients.models import Channel
from practices import audit, changes
from practices.audit import Actor
from practices.models import Practice, User
from practices.tenancy import current_practice
from scheduling.clocks import local_start
from scheduling.links import address_of, new_link
from scheduling.models import Appointment, Notice, TimeRequest, VisitLink
from scheduling.notices import channel_for, leaves_too_late, say_date
from scheduling.refusals import BookingRefused, NotOpen
from scheduling.replacing import replacements
from scheduling.wallclock import say_time
from scheduling.words import short_when

State, Plan = TimeRequest.State, TimeRequest.Plan
CHOOSE = "choose"  # the kind of the text, and of its notice
ANSWER_WITHIN = 240  # minutes of office hours
SOON = dt.timedelta(hours=24)
ANSWER_SOON_WITHIN = 60
BEFORE_THE_VISIT = dt.timedelta(hours=2)
AT_LEAST = dt.timedelta(minutes=15)
MINUTES_TO_CALL = 120
DID_NOT_ARRIVE = [Message.Status.UNDELIVERED, Message.Status.FAILED, Message.Status.SUPPRESSED]


class CannotBeTold(BookingRefused):
    """Nothing can be written to this patient; the words say why."""


class SettledMeanwhile(BookingRefused):
    """Somebody, or the patient, was faster; `current` is how it stands."""

    def __init__(self, current: TimeRequest) -> None:
        self.current = current
        super().__init__(
            "Somebody changed this a moment ago, or the patient has answered. Look at it as it is now."
        )


def lock_request(request: TimeRequest, version: int | None = None) -> TimeRequest:
    """The request as it is now, held; raises SettledMeanwhile when it is not the version that was seen."""
    found = TimeRequest.objects.with_people().select_for_update(of=("self",)).get(pk=request.pk)
    if version is not None and found.version != version:
        raise SettledMeanwhile(found)
    return found


def advance(request: TimeRequest, state: str, *, by: Actor, **values: object) -> TimeRequest:
    """Brings a held request forward; raises SettledMeanwhile where the state is behind it or it has ended."""
    if not request.may_become(state):
        raise SettledMeanwhile(request)
    was, request.state = request.state, state
    for name, value in values.items():
        setattr(request, name, value)
    if not request.is_live:
        request.settled_at, request.settled_by = timezone.now(), by.user
    request.version += 1
    request.save()
    audit.record(
        "time-request.changed",
        request,
        by=by,
        patient_id=request.appointment.patient_id,
        changes={"state": [was, state]},
    )
    if not request.is_live:
        close_rows(request, state, by)
    changes.announce(current_practice(), "out", "queue")
    return request


def close_rows(request: TimeRequest, outcome: str, by: Actor) -> None:
    """What was open about it in “Needs you” is done."""
    keys = [request.task_key]
    if request.state != State.KEPT:
        keys += [f"new-time:{request.appointment_id}", f"cancel:{request.appointment_id}"]
    for task in Task.objects.open().filter(once_key__in=keys):
        close_task(task=task, outcome=outcome, by=by)


@transaction.atomic
def send_times(*, appointment: Appointment, by: Actor) -> TimeRequest:
    """One press: the patient gets a link with times to choose from. Twice is once while it waits.

    Raises NotOpen for a visit that is over, CannotBeTold where no message would arrive, SettledMeanwhile.
    """
    # The request before the visit, as the patient's page holds them: the other way round they deadlock.
    held = TimeRequest.objects.live().select_for_update().filter(appointment=appointment).first()
    visit = Appointment.objects.with_people().select_for_update(of=("self",)).get(pk=appointment.pk)
    if not visit.is_open or visit.starts_at <= timezone.now():
        raise NotOpen("This visit is not open any more: there is nothing to choose.")
    there = TimeRequest.objects.live().filter(appointment=visit).first()
    if there is not None and there.state == State.ASKED:
        return there
    if there is not None and there.case_id is not None:
        raise NotOpen("This visit is looked after on the page of the clinician who is out.")
    if there is not None and there != held:  # it came while the visit was waited for
        raise SettledMeanwhile(there)
    if there is not None:
        advance(lock_request(there), State.WITHDRAWN, by=by)
    offers = replacements([visit])[visit.pk]
    request = TimeRequest(practice=current_practice(), appointment=visit)
    request.offers = [offer.key for offer in offers]
    request.save(force_insert=True)
    send_links([request], by=by)
    if request.state != State.ASKED:
        raise CannotBeTold(f"Nothing can be sent: {request.why_call}. Call the patient.")
    settle_wish(visit, by)
    return request


def settle_wish(visit: Appointment, by: Actor) -> None:
    """A wish for another time is answered by the times that were sent; it comes back if nobody answers."""
    for task in Task.objects.open().filter(once_key=f"new-time:{visit.pk}"):
        close_task(task=task, outcome="sent times to choose", by=by)


def send_links(requests: Sequence[TimeRequest], *, by: Actor) -> None:
    """Writes to every patient at once; who cannot be told becomes a call. The requests are held.

    A fixed number of statements, and a few more for each call.
    """
    if not requests:
        return
    now, visits = timezone.now(), {request.pk: request.appointment for request in requests}
    reach = reachability({visit.patient for visit in visits.values()})
    office = office_times(current_practice(), now)
    ready: list[tuple[TimeRequest, Message]] = []
    links: list[VisitLink] = []
    for request in requests:
        visit = visits[request.pk]
        message = letter(request, visit, reach[visit.patient_id], links, now, by)
        if message is None:
            request.why_call = why_nothing(visit, reach[visit.patient_id])
        else:
            ready.append((request, message))
        request.due_at = answer_by(visit, now, office)
        request.asked_at = now
    permissions = permissions_for([message for _, message in ready])
    for _, message in ready:
        hold_back(message, why_not(message, permissions))
    VisitLink.objects.bulk_create(links)
    stored = store_messages([message for _, message in ready], by=by)
    note_messages(ready, stored)
    stop_reminders([request.appointment for request in requests if request.case_id], by)
    file_away(requests, by)


def file_away(requests: Sequence[TimeRequest], by: Actor) -> None:
    """Stores what became of each: asked, or to call."""
    for request in requests:
        message = request.message
        told = message is not None and message.status not in DID_NOT_ARRIVE
        if message is not None and not told:
            request.why_call = REASONS.get(message.reason, message.reason)[:60]
        request.state = State.ASKED if told else State.TO_CALL
        request.version += 1
    fields = ["state", "link", "message", "why_call", "asked_at", "due_at", "version"]
    TimeRequest.objects.bulk_update(requests, fields)
    audit.record_each(
        (
            ("time-request.sent", one, one.appointment.patient_id, {"state": [State.PLANNED, one.state]})
            for one in requests
        ),
        by=by,
    )
    for request in requests:
        if request.state == State.TO_CALL:
            open_call(request, by=by)
    changes.announce(current_practice(), "out", "queue", "messages")


def note_messages(ready: Sequence[tuple[TimeRequest, Message]], stored: Sequence[Message]) -> None:
    notices = []
    for (request, _), message in zip(ready, stored, strict=True):
        request.message = message
        visit = request.appointment
        notices.append(
            Notice(
                practice=message.practice,
                message=message,
                appointment=visit,
                kind=CHOOSE,
                version=visit.version,
            )
        )
    Notice.objects.bulk_create(notices, ignore_conflicts=True)


def stop_reminders(visits: Sequence[Appointment], by: Actor) -> None:
    """Nobody is asked whether she comes to a visit that has to move."""
    waiting = Message.objects.waiting().filter(
        notices__appointment__in=[visit.pk for visit in visits], notices__kind__startswith="reminder"
    )
    withdraw_messages(messages=waiting, reason="needs another time", by=by)


def letter(
    request: TimeRequest,
    visit: Appointment,
    reach: Reach,
    links: list[VisitLink],
    now: dt.datetime,
    by: Actor,
) -> Message | None:
    """The text or e-mail with the link; None where none can be written or it would come too late."""
    practice, channel = current_practice(), channel_for(visit.patient, reach)
    send_after = now + practice.undo_window
    if channel is None or leaves_too_late(visit, channel, reach, send_after):
        return None
    point = reach.point_for(channel)
    link, token = new_link(visit, VisitLink.Purpose.CHOOSE)
    links.append(link)
    request.link = link
    language = visit.patient.language
    local = local_start(visit)
    variables = {
        "practice": practice_name_for(visit.patient),
        "name": visit.patient.preferred or visit.patient.given,
        "date": say_date(local.date(), language),
        "time": say_time(local.time()),
        "phone": show_phone(str(practice.line_number)),
        "link": address_of(token, VisitLink.Purpose.CHOOSE),
    }
    words = render(CHOOSE, language, variables, channel=channel)
    return compose(
        patient=visit.patient,
        contact_point=point,
        channel=channel,
        kind=Message.Kind.CHOOSE,
        language=language,
        address=str(point.value) if point is not None else "",
        subject=words.subject,
        body=words.body,
        idempotency_key=f"choose:{request.pk}",
        created_by=by.user,
        send_after=send_after,
        useful_until=visit.starts_at,
        followed=True,
    )


def why_nothing(visit: Appointment, reach: Reach) -> str:
    """Why no message goes to this patient, in a few words."""
    if visit.patient.deceased:
        return "the record says that the patient died"
    if visit.patient.preferred_channel == Channel.CALL:
        return "asked to be called"
    return (reach.why_not or "the visit is too close for a message")[:60]


def office_times(practice: Practice, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """By when an answer is awaited: for a visit within a day, and for all others."""
    return in_office_time(practice, ANSWER_SOON_WITHIN, now), in_office_time(practice, ANSWER_WITHIN, now)


def answer_by(visit: Appointment, now: dt.datetime, office: tuple[dt.datetime, dt.datetime]) -> dt.datetime:
    """When silence becomes a call: well before the visit, whatever the office hours."""
    soon = visit.starts_at - now <= SOON
    return max(min(office[0] if soon else office[1], visit.starts_at - BEFORE_THE_VISIT), now + AT_LEAST)


def open_call(request: TimeRequest, *, by: Actor, owner: User | None = None) -> Task:
    """A row of “Needs you”, due before the visit, with an owner."""
    visit, now = request.appointment, timezone.now()
    latest = max(visit.starts_at - BEFORE_THE_VISIT, now + AT_LEAST)
    case = request.case
    head = f"{case.practitioner.short_name} is out" if case is not None else "Times were sent"
    head = f"{head}, {part_words(request)}" if request.takes_part else head
    why = f"{head}: {request.why_call}" if request.why_call else head
    return open_task(
        kind=Task.Kind.REBOOK,
        due_at=min(in_office_time(current_practice(), MINUTES_TO_CALL), latest),
        once_key=request.task_key,
        urgency=Task.Urgency.SOON if visit.starts_at - now <= SOON else Task.Urgency.ROUTINE,
        patient=visit.patient,
        appointment_id=visit.pk,
        subject_id=request.case_id,
        note=why,
        owner=owner or (case.sent_by if case is not None else None),
        by=by,
    )


def part_words(request: TimeRequest) -> str:
    """What a visit is to the clinician who is out, where it is a colleague's."""
    return f"takes part in the visit of {request.appointment.practitioner.short_name}"


def offer_words(request: TimeRequest, practice: Practice, names: dict[uuid.UUID, str]) -> list[str]:
    """The times that are offered, as staff read them: “Thu, Nov 26, 2:30 PM, Dr. Chen”."""
    return [
        f"{short_when(dt.datetime.fromisoformat(moment), practice)}, {names.get(person, 'a colleague')}"
        for person, moment in request.offered
    ]
