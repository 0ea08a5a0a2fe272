"""How calls end, and what they leave: a thread that knows, a task, a text after a missed call.

What the telephone reports may come in any order and twice: each function here moves a call forward once.
A voicemail has the last word over “missed”, whichever was reported first.
"""

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import timezone

from messaging import conversations
from messaging.models import Call, Conversation, DeskRules, Message, Task
from messaging.outbox import queue_message
from messaging.staff_tasks import close_task, in_office_time, open_task
from messaging.templates import render
from patients.contacts import practice_name_at, show_phone
from patients.models import Channel, Consent, ContactPoint, Patient
from practices import audit, changes
from practices.audit import SYSTEM, Actor
from practices.tenancy import current_practice

Status, Outcome, Line = Call.Status, Call.Outcome, Conversation.Line
WRAP_UP = dt.timedelta(seconds=10)
GAVE_UP_AFTER = 30  # seconds of waiting from which a caller has not just misdialled
LOST_AFTER = dt.timedelta(minutes=3)  # beyond the time of ringing: its end was never reported
FRESH = dt.timedelta(hours=1)
CALL_BACK_WITHIN = {Outcome.MISSED: 30, Outcome.ABANDONED: 15, Outcome.VOICEMAIL: 30}  # office minutes
NOBODY_SPOKE = (Outcome.MISSED, Outcome.ABANDONED, Outcome.VOICEMAIL)


class CallIsOver(ValueError):
    """The call has moved on: it cannot be done any more."""


def shown(call: Call) -> Call:
    """Tells open pages that calls changed."""
    changes.announce(current_practice(), "calls")
    return call


def remember(call: Call, verb: str, by: Actor, **changed: Any) -> Call:
    """Saves the call as changed by `verb`, with its audit entry and word to open pages."""
    call.version += 1
    call.save()
    audit.record(f"call.{verb}", call, by=by, patient_id=call.patient_id, changes=changed)
    return shown(call)


def first_number(patient: Patient | None) -> str:
    """The patient's number that is called first, or nothing."""
    if patient is None:
        return ""
    point = ContactPoint.objects.phones().filter(patient=patient).order_by("rank", "id").first()
    return str(point.value) if point is not None else ""


@transaction.atomic
def conversation_over(call: Call, outcome: str, by: Actor) -> Call:
    """The line is closed: a person who spoke keeps ten seconds to finish the note."""
    if call.status in {Status.WRAP_UP, Status.ENDED}:
        return call
    now, before = timezone.now(), call.status
    if call.held_since is not None:
        call.held_seconds += max(int((now - call.held_since).total_seconds()), 0)
        call.held_since = None
    call.ended_at, call.outcome, call.staff_leg_id = now, call.outcome or outcome, ""
    call.status = Status.WRAP_UP if call.handler_id else Status.ENDED
    call.wrap_up_until = now + WRAP_UP if call.handler_id else None
    remember(call, "ended", by, status=[before, call.status], outcome=["", call.outcome])
    if call.outcome == Outcome.ANSWERED:
        for task in close_missed(call, "spoke", by):  # a shared number's may be a thread of its own
            conversations.settled_if_quiet(patient=task.patient, address_index=call.address_index)
    tell_thread(call, Line.CALL, words_of(call), needs_person=False, by=by)
    return call


def words_of(call: Call) -> str:
    """An ended call in one line for the inbox."""
    if call.outcome == Outcome.ANSWERED and call.answered_at and call.ended_at:
        minutes = max(round((call.ended_at - call.answered_at).total_seconds() / 60), 1)
        who = f" with {call.handler.short_name}" if call.handler else ""
        return f"{call.get_direction_display()} call{who}, {minutes} min"
    return f"{call.get_direction_display()} call: {call.get_outcome_display().lower()}"


@transaction.atomic
def promised_call_back(call: Call, by: Actor) -> Call:
    """The caller keeps the place and rings off; the promise is a task of its own."""
    if call.status in {Status.WRAP_UP, Status.ENDED}:
        return call
    if call.handler_id is None:
        call.handler = by.user
    call.outcome = Outcome.CALL_BACK
    return conversation_over(call, Outcome.CALL_BACK, by)


@transaction.atomic
def nobody_answered(call: Call, waited: int, by: Actor = SYSTEM) -> Call:
    """The caller rang off, or nobody came in time, after `waited` seconds: missed, or gave up waiting."""
    if call.status in {Status.WRAP_UP, Status.ENDED}:
        return call
    gave_up = GAVE_UP_AFTER <= waited < DeskRules.of_practice().ring_seconds
    before, call.status, call.ended_at = call.status, Status.ENDED, timezone.now()
    call.handler = call.answered_at = None
    call.staff_leg_id, call.held_since = "", None
    call.outcome = call.outcome or (Outcome.ABANDONED if gave_up else Outcome.MISSED)
    remember(call, "missed", by, status=[before, call.status], outcome=["", call.outcome])
    if call.outcome in {Outcome.MISSED, Outcome.ABANDONED}:
        leave_to_call_back(call, by)
        tell_thread(call, Line.MISSED, call.get_outcome_display(), needs_person=True, by=by)
    text_after_missed(call, by)
    return call


@transaction.atomic
def caller_was_gone(call: Call, by: Actor = SYSTEM) -> Call:
    """Somebody answered, but the caller had just rung off: nobody spoke, whatever the state says."""
    if call.direction != Call.Direction.IN or call.outcome not in {"", Outcome.ANSWERED}:
        return call
    call.status, call.outcome, call.wrap_up_until = Status.RINGING, "", None
    call.problem = "The caller rang off before you were connected."
    waited = int(((call.answered_at or timezone.now()) - call.started_at).total_seconds())
    return nobody_answered(call, waited, by)


@transaction.atomic
def voicemail_left(call: Call, by: Actor = SYSTEM) -> Call:
    """The caller spoke on the tape: somebody has to listen. It takes the place of “missed”."""
    if call.outcome == Outcome.VOICEMAIL or call.answered_at is not None or call.outcome == Outcome.CALL_BACK:
        return call
    before, call.outcome, call.status = call.outcome, Outcome.VOICEMAIL, Status.ENDED
    call.ended_at = call.ended_at or timezone.now()
    remember(call, "voicemail", by, outcome=[before, call.outcome])
    close_missed(call, "left a voicemail", by)
    ask_to_listen(call, Task.Urgency.ROUTINE, "", by)
    tell_thread(call, Line.VOICEMAIL, "Voicemail", needs_person=True, by=by)
    text_after_missed(call, by)
    return call


def ask_to_listen(call: Call, urgency: int, note: str, by: Actor) -> Task:
    """Puts a voicemail into “Needs you”; heard again as an emergency it rises."""
    at_once = urgency == Task.Urgency.EMERGENCY
    task = open_task(
        kind=Task.Kind.VOICEMAIL,
        due_at=timezone.now() if at_once else in_time(call),
        once_key=f"voicemail:{call.address_index or call.pk}",
        urgency=urgency,
        patient=call.patient,
        subject_id=call.pk,
        note=note,
        by=by,
    )
    if task.subject_id != call.pk or (note and task.note != note):
        task.subject_id, task.note = call.pk, note or task.note
        task.save(update_fields=["subject_id", "note"])
    return task


def leave_to_call_back(call: Call, by: Actor) -> Task:
    """Puts a missed call into “Needs you”: one task a number, which counts its calls."""
    task = open_task(
        kind=Task.Kind.MISSED_CALL,
        due_at=in_time(call),
        once_key=f"missed:{call.address_index or call.pk}",
        patient=call.patient,
        subject_id=call.pk,
        note=call.get_outcome_display() + ".",
        by=by,
    )
    if task.subject_id != call.pk:
        again = Call.objects.filter(
            address_index=call.address_index, outcome__in=NOBODY_SPOKE, ended_at__gte=task.created_at
        )
        task.subject_id, task.note = (
            call.pk,
            f"Called {again.count() + 1} times. {call.get_outcome_display()}.",
        )
        task.save(update_fields=["subject_id", "note"])
    return task


def in_time(call: Call) -> dt.datetime:
    return in_office_time(current_practice(), CALL_BACK_WITHIN[Outcome(call.outcome)])


def close_missed(call: Call, outcome: str, by: Actor) -> list[Task]:
    """What this number missed is dealt with; returns the tasks it closed."""
    rows = Task.objects.open().filter(once_key=f"missed:{call.address_index or call.pk}")
    return [close_task(task=task, outcome=outcome, by=by) for task in rows]


def tell_thread(
    call: Call, kind: str, line: str, *, needs_person: bool, urgency: int = Task.Urgency.ROUTINE, by: Actor
) -> None:
    """Writes the call into the thread with the patient or the number; a withheld number has none."""
    if call.patient is None and not call.address_index:
        return
    conversations.touch(
        patient=call.patient,
        address=call.address,
        address_index=call.address_index,
        channel=Channel.CALL,
        kind=kind,
        line=line,
        from_them=call.direction == Call.Direction.IN,
        needs_person=needs_person,
        urgency=urgency,
        by=by,
    )
    if not needs_person:
        conversations.settled_if_quiet(patient=call.patient, address_index=call.address_index)


def text_after_missed(call: Call, by: Actor) -> Message | None:
    """Answers a call nobody took with a text, once a day a number; not to landlines, nor after a no."""
    practice = current_practice()
    if not call.address_index or not DeskRules.of_practice().missed_call_text:
        return None
    points = list(ContactPoint.objects.filter(value_index=call.address_index).select_related("patient"))
    if any(not point.textable for point in points) or refused_texts(points):
        return None
    language = call.patient.language if call.patient else str(practice.languages[0])
    phone = show_phone(str(practice.line_number))
    words = render(
        "missed-call",
        language,
        {"practice": practice_name_at(call.address_index, call.patient, language), "phone": phone},
    )
    now = timezone.now()
    text = queue_message(
        patient=call.patient,
        contact_point=next((p for p in points if p.patient_id == call.patient_id), None),
        address=call.address,
        channel=Channel.SMS,
        kind=Message.Kind.MISSED_CALL,
        body=words.body,
        language=language,
        send_after=now,
        useful_until=now + FRESH,
        idempotency_key=f"missed-call:{call.address_index}:{practice.today()}",
        ignores_quiet_hours=True,  # whoever called a moment ago is awake
        by=by,
    )
    # A text that does not arrive leaves no second task: the missed call is one.
    Message.objects.filter(pk=text.pk).update(followed=True)
    return text


def refused_texts(points: list[ContactPoint]) -> bool:
    """Whether one of those who have the number said no to texts."""
    people = {point.patient_id for point in points}
    last_words = Consent.objects.in_force().filter(patient_id__in=people, channel=Channel.SMS)
    return any(not consent.granted for consent in last_words)


def finish(call: Call, by: Actor = SYSTEM) -> Call:
    """The note is finished, or its seconds are over."""
    call.status, call.wrap_up_until = Status.ENDED, None
    return remember(call, "finished", by, status=[Status.WRAP_UP, call.status])


def sweep() -> int:
    """Ends what is over: seconds of writing up, and ringing whose end was never reported."""
    now = timezone.now()
    waited = DeskRules.of_practice().ring_seconds
    rows = Call.objects.select_for_update(skip_locked=True)
    written_up = list(rows.filter(status=Status.WRAP_UP, wrap_up_until__lte=now))
    for call in written_up:
        finish(call)
    lost = list(rows.ringing().filter(started_at__lte=now - dt.timedelta(seconds=waited) - LOST_AFTER))
    for call in lost:
        nobody_answered(call, waited)
    return len(written_up) + len(lost)


def carry_along(call: Call, patient: Patient | None, by: Actor) -> None:
    """Work and thread of an unanswered call go along to the patient it was about; before the change."""
    moved = Task.objects.open().filter(subject_id=call.pk).update(patient=patient)
    if not moved or call.outcome not in NOBODY_SPOKE or patient is None:
        return
    conversations.settled(patient=call.patient, address_index=call.address_index)
    call.patient = patient
    kind = Line.VOICEMAIL if call.outcome == Outcome.VOICEMAIL else Line.MISSED
    tell_thread(call, kind, call.get_outcome_display(), needs_person=True, by=by)
