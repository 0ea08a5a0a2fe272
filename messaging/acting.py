"""What follows from a reading: an app above takes it, or a person gets it. Nothing in between."""

import datetime as dt
import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from messaging import opt_outs, replies
from messaging.models import Message, Task
from messaging.outbox import queue_message
from messaging.staff_tasks import in_office_time, open_task
from messaging.templates import render
from patients.contacts import practice_name_at, show_phone
from patients.models import Channel
from practices.audit import Actor
from practices.tenancy import current_practice

logger = logging.getLogger(__name__)

Reading = Message.Reading
ANSWER_WITHIN = 30  # minutes of office time
FRESH = dt.timedelta(hours=1)  # an answer this soon is part of a conversation, also at night
HANDED_ON = {
    Reading.YES,
    Reading.NO,
    Reading.CANCEL,
    Reading.NEW_TIME,
    Reading.HERE,
    Reading.LATE,
    Reading.CHOICE,
}
# What is said of a reading that nobody could act on.
NOTES = {
    Reading.CANCEL: "Wants to cancel.",
    Reading.NEW_TIME: "Wants another time.",
    Reading.HERE: "Says that she is here.",
    Reading.LATE: "Is running late.",
    Reading.PERSON: "Asks for a person.",
}


def act_on(message: Message, opt_out_type: str, media: int, by: Actor) -> Task | None:
    """Does what the reading asks for; what nobody takes goes to a person, whose task is returned."""
    if message.reading == Reading.STOP:
        stop(message, by)
        return None
    if opt_out_type == "START" or message.reading == Reading.START:
        opt_outs.lift(message, by)
        opt_outs.record_consent(message, granted=True)
    if message.reading == Reading.HELP:
        if opt_out_type != "HELP":
            answer_automatically(message, "help", by)
        return None
    if message.reading == Reading.START:
        return None
    if message.reading in HANDED_ON and claimed(message):
        return None
    return leave_to_person(message, media, by)


def claimed(message: Message) -> bool:
    """Whether an app above took the reply, asked in the order of settings.REPLY_HANDLERS.

    One that fails takes back what it wrote and no more: the patient's words stay, and go to a person.
    """
    try:
        with transaction.atomic():
            return any(import_string(path)(message, message.reading) for path in settings.REPLY_HANDLERS)
    except Exception:
        logger.exception("the answer in message %s was not taken", message.pk)
        return False


def stop(message: Message, by: Actor) -> None:
    """Silence from now on: what waits is taken back. Where the carrier confirms, we do not."""
    opt_outs.silence(
        channel=message.channel,
        index=message.address_index,
        source="text",
        message=message,
        patient_id=message.patient_id,
    )
    opt_outs.record_consent(message, granted=False)
    if message.channel == Channel.SMS and not replies.carrier_answers(message.body):
        answer_automatically(message, "stopped", by)
    if replies.may_cancel(message.body):
        # CANCEL is an opt-out word by law; the patient may have meant the visit (SECURITY.md finding 9).
        open_task(
            kind=Task.Kind.CANCEL,
            due_at=in_office_time(current_practice(), ANSWER_WITHIN),
            once_key=f"cancel:{message.address_index}",
            urgency=Task.Urgency.SOON,
            patient=message.patient,
            message=message,
            note="Texted CANCEL. Texts have stopped; the visit may be meant too. Call to ask.",
            by=by,
        )


def answer_automatically(message: Message, wording: str, by: Actor) -> Message | None:
    """Answers a text that just came, at any hour, once; a mail is never answered by a machine."""
    if message.channel != Channel.SMS:
        return None
    practice = current_practice()
    phone = show_phone(str(practice.line_number))
    words = render(
        wording,
        message.language,
        {
            "practice": practice_name_at(message.address_index, message.patient, message.language),
            "phone": phone,
        },
    )
    return queue_message(
        patient=message.patient,
        channel=message.channel,
        kind=Message.Kind.REPLY,
        body=words.body,
        language=message.language,
        send_after=timezone.now(),
        useful_until=timezone.now() + FRESH,
        idempotency_key=f"{wording}:{message.pk}",
        ignores_quiet_hours=True,
        in_reply_to=message,
        by=by,
    )


def leave_to_person(message: Message, media: int, by: Actor, note: str = "") -> Task:
    """Puts what was not understood, or what nobody took, into the queue."""
    message.needs_person = True
    message.save(update_fields=["needs_person"])
    urgency = Task.Urgency.SOON if message.reading in NOTES else Task.Urgency.ROUTINE
    note = note or NOTES.get(Reading(message.reading), "")
    if media:
        note = "Sent pictures or documents; they are shown once they were checked."
    if replies.may_opt_out(message.body):
        opt_outs.silence(
            channel=message.channel,
            index=message.address_index,
            source="possible",
            message=message,
            patient_id=message.patient_id,
        )
        what = "mails" if message.channel == Channel.EMAIL else "texts"
        urgency = Task.Urgency.SOON
        note = f"May want no more {what}: they are paused until somebody decides."
    if replies.may_be_emergency(message.body):
        urgency, note = Task.Urgency.EMERGENCY, "Possible emergency: read this first."
    due = in_office_time(current_practice(), ANSWER_WITHIN)
    return open_task(
        kind=Task.Kind.ANSWER,
        due_at=timezone.now() if urgency == Task.Urgency.EMERGENCY else due,
        once_key=f"answer:{message.address_index}",
        urgency=urgency,
        patient=message.patient,
        message=message,
        note=note,
        by=by,
    )


def remember(message: Message, **facts: object) -> None:
    """Keeps facts beside what a message speaks of: what was done because of it, so that it can be undone."""
    message.spoke_of = {**(message.spoke_of or {}), **facts}
    message.save(update_fields=["spoke_of"])
