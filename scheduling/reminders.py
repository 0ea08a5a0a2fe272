"""The sweep of reminders, and what patients answer to them.

A reminder is due on the wall clock. Rows decide; a run that was missed is caught up within a day. Once the
patient has answered nothing asks any more.
"""

import datetime as dt

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from messaging.models import Message, Task
from messaging.staff_tasks import close_task, in_office_time, open_task
from practices import audit, changes
from practices.audit import SYSTEM, Actor
from practices.models import Practice
from practices.tenancy import current_practice, inside
from scheduling.booking import confirm_appointment
from scheduling.models import Appointment, Change, Confirmation, Notice, Status
from scheduling.next_channel import carry_on, close_answered_calls
from scheduling.notices import LEFT, answer, stop_reminding
from scheduling.planning import AWAITING, plan
from scheduling.reminding import send
from scheduling.rules import active_rules
from scheduling.slots import lock_visit
from scheduling.undo import as_it_was, record_change

BY_TEXT = Actor(kind="patient", door="text")
CATCH_UP = dt.timedelta(hours=24)
ANSWERS_COUNT_FOR = dt.timedelta(days=7)
MINUTES_TO_ACT = 120
READ_WITHIN = dt.timedelta(minutes=1)  # a text is read in the request that brings it


def queue_reminders(practice: Practice, *, now: dt.datetime | None = None) -> int:
    """Queues the reminders that are due, each once; returns how many. Two at the same time do it once.

    What did not arrive goes on by its next channel; a run that was missed is caught up within a day.
    """
    now = now or timezone.now()
    with inside(practice):
        if not _alone(practice):
            return 0
        rules = active_rules(store=True)
        queued = send(plan(rules, since=now - CATCH_UP, until=now, now=now), now=now, by=SYSTEM)
        went_on = carry_on(rules, now)
        follow_deliveries(now)
        close_answered_calls(now)
        return sum(not message.reason for message in queued) + went_on


def _alone(practice: Practice) -> bool:
    """Whether no other worker reminds for this practice; ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtext('reminders'), %s::int)", [practice.pk % 2**31]
        )
        return bool(cursor.fetchone()[0])


def follow_deliveries(now: dt.datetime | None = None) -> int:
    """Carries what became of the texts to the visits: asked, delivered, could not be reached. Set-based.

    The visit's version stays: nobody's open form goes stale because a text arrived.
    """
    now = now or timezone.now()
    told = Notice.objects.filter(appointment=OuterRef("pk"))
    coming = Appointment.objects.filter(status=Status.BOOKED, starts_at__gt=now)
    failed = told.filter(message__status__in=[Message.Status.UNDELIVERED, Message.Status.FAILED])
    reached = told.filter(message__status__in=[*LEFT, Message.Status.QUEUED])
    unsent, sent, delivered = Confirmation.UNSENT, Confirmation.SENT, Confirmation.DELIVERED
    steps = [
        (
            [unsent, sent, Confirmation.UNDELIVERABLE],
            Exists(told.filter(message__status=Message.Status.DELIVERED)),
            delivered,
        ),
        ([unsent], Exists(told.filter(message__status=Message.Status.SENT)), sent),
        (
            [unsent, sent, Confirmation.UNDELIVERABLE],
            Exists(told.filter(message__status=Message.Status.UNDELIVERED, message__reason="voicemail")),
            Confirmation.LEFT_MESSAGE,
        ),
        ([unsent, sent], Exists(failed) & ~Exists(reached), Confirmation.UNDELIVERABLE),
    ]
    moved = sum(
        coming.filter(condition, confirmation__in=before).update(confirmation=after)
        for before, condition, after in steps
    )
    if moved:
        changes.announce(current_practice(), "appointments")
    return moved


@transaction.atomic
def handle_reply(message: Message, reading: str) -> bool:
    """A YES or NO to the visit that was last asked about at this number; True when it was understood so.

    More than one visit awaiting an answer, or none: a person decides.
    """
    if reading not in {Message.Reading.YES, Message.Reading.NO}:
        return False
    notice = _question(message)
    if notice is None:
        return False
    if message.in_reply_to_id is None:
        message.in_reply_to = notice.message
        message.save(update_fields=["in_reply_to"])
    visit = notice.appointment
    if reading == Message.Reading.NO:
        _decline(visit, message)
        return True
    repeated = visit.confirmation == Confirmation.CONFIRMED
    if visit.confirmation not in [*AWAITING, Confirmation.CONFIRMED]:
        return False  # after “I cannot come” a YES needs a person
    confirm_appointment(appointment=visit, how="text", by=BY_TEXT)
    if not repeated:
        answer(visit, "thanks", to=message, by=BY_TEXT)
    return True


def _question(message: Message) -> Notice | None:
    """The notice that a text answers: the last one to its number, if it leaves no doubt about the visit."""
    said = Notice.objects.filter(
        message__address_index=message.address_index,
        message__direction=Message.Direction.OUT,
        message__status__in=LEFT,
        message__send_after__gt=timezone.now() - ANSWERS_COUNT_FOR,
    ).select_related("message", "appointment__patient", "appointment__practitioner")
    notices = list(said.order_by("-message__send_after", "-pk")[:20])
    if not notices:
        return None
    last = notices[0]
    asked = {n.appointment_id: n.appointment for n in notices if n.kind != "cancelled"}
    now = timezone.now()
    coming = {pk for pk, visit in asked.items() if visit.is_open and visit.starts_at > now}
    open_questions = {pk for pk in coming if asked[pk].confirmation in AWAITING}
    if last.appointment_id not in coming or open_questions - {last.appointment_id}:
        return None
    return last


def _decline(appointment: Appointment, message: Message) -> None:
    """Records that the patient cannot come; whether the visit is cancelled or moved a person decides."""
    visit = lock_visit(appointment)
    before, was = as_it_was(visit), visit.confirmation
    if was != Confirmation.DECLINED:
        visit.confirmation, visit.confirmed_at, visit.confirmed_by = Confirmation.DECLINED, None, ""
        visit.version += 1
        visit.save()
        record_change(kind=Change.Kind.STATUS, appointment=visit, before=before, by=BY_TEXT)
        stop_reminding(visit, reason="declined", by=BY_TEXT)
        audit.record(
            "appointment.declined",
            visit,
            by=BY_TEXT,
            patient_id=visit.patient_id,
            changes={"confirmation": [was, visit.confirmation]},
        )
        answer(visit, "noted", to=message, by=BY_TEXT)
    open_task(
        kind=Task.Kind.CANCEL,
        due_at=in_office_time(current_practice(), MINUTES_TO_ACT),
        once_key=f"cancel:{visit.pk}",
        urgency=Task.Urgency.SOON,
        patient=visit.patient,
        message=message,
        appointment_id=visit.pk,
        by=BY_TEXT,
    )
    changes.announce(current_practice(), "appointments", "queue")


@transaction.atomic
def undo_reply(message: Message, by: Actor) -> None:
    """Takes back what a text was read to say of a visit, unless somebody changed the visit since."""
    done = Change.objects.filter(
        kind=Change.Kind.STATUS,
        made_by=None,
        undone_at=None,
        made_at__range=(message.created_at, message.created_at + READ_WITHIN),
        appointment__notices__message__address_index=message.address_index,
    )
    change = done.select_related("appointment__practitioner").order_by("made_at").first()
    if change is None:
        return
    visit = lock_visit(change.appointment)
    if visit.version != change.version:
        return
    was, before = visit.confirmation, change.before or {}
    moment = before["confirmed_at"]
    visit.confirmation, visit.confirmed_by = before["confirmation"], before["confirmed_by"]
    visit.confirmed_at = dt.datetime.fromisoformat(moment) if moment else None
    visit.version += 1
    visit.save()
    change.undone_at = timezone.now()
    change.save(update_fields=["undone_at"])
    for task in Task.objects.open().filter(message=message, kind=Task.Kind.CANCEL):
        close_task(task=task, outcome="read wrongly", by=by)
    audit.record(
        "appointment.answer-undone",
        visit,
        by=by,
        patient_id=visit.patient_id,
        changes={"confirmation": [was, visit.confirmation]},
    )
    changes.announce(current_practice(), "appointments", "queue")
