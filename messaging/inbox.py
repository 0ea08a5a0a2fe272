"""What patients write, text or press: stored, read where it is plain, left to a person where it is not.

The verbs of what a person then does with it are in `messaging.handling`; they are offered here too.
"""

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from messaging import asking, attachments, conversations, escalation, replies
from messaging.acting import (
    FRESH,
    NOTES,
    act_on,
    answer_automatically,
    claimed,
    leave_to_person,
)
from messaging.handling import (
    answer_message,
    candidates,
    decide_opt_out,
    give_to_patient,
    mark_handled,
    tell_thread,
    unanswered,
    undo_reading,
)
from messaging.mentions import mentions
from messaging.models import Message, Task
from messaging.opt_outs import heard, is_paused, lift, record_consent
from messaging.outbox import address_index
from patients.models import Channel, ContactPoint, Patient
from practices import audit, changes
from practices.audit import Actor
from practices.tenancy import current_practice

__all__ = [
    "FRESH",
    "answer_automatically",
    "answer_message",
    "candidates",
    "claimed",
    "decide_opt_out",
    "give_to_patient",
    "heard",
    "is_paused",
    "key_pressed",
    "leave_to_person",
    "lift",
    "mark_handled",
    "receive",
    "receive_mail",
    "record_consent",
    "unanswered",
    "undo_reading",
]


Reading = Message.Reading
TEXTED = Actor(kind="patient", door="text")
MAILED = Actor(kind="patient", door="mail")
LONGEST = 4_000  # letters kept of one text
LONGEST_MAIL = 20_000
TALKED_LATELY = dt.timedelta(days=14)
KEYS = {"1": Reading.YES, "2": Reading.NEW_TIME, "9": Reading.PERSON}
FORGEABLE = "Reads like “{}”. A sender of a mail can be forged: ask, then change the visit yourself."


@transaction.atomic
def receive(
    *,
    supplier_id: str,
    from_: str,
    body: str,
    opt_out_type: str = "",
    media: int = 0,
    pictures: Sequence[tuple[str, str]] = (),
    by: Actor = TEXTED,
) -> Message | None:
    """Stores a text a patient wrote and acts on it; every text ends as read or with a person.

    `opt_out_type` is what the supplier did already (STOP, START, HELP): it answered, we do not. `pictures`
    are addresses and declared types of what came along. None: a colleague answered an urgent message.
    """
    body = clean(body)
    if escalation.text_from_colleague(from_=from_, body=body):
        return None
    message = incoming(Channel.SMS, from_[:80], body[:LONGEST], f"in:{supplier_id}", supplier_id)
    message.in_reply_to = last_said_to(message.address_index)
    message.reading = understand(body, opt_out_type, media)
    question = asking.answers_question(body, message.address_index) if not media else None
    if question is not None and message.reading in {Reading.UNCLEAR, Reading.YES}:
        message.reading, message.in_reply_to = Reading.CHOICE, question
    take_in(message, opt_out_type, media, by)
    attachments.announce(message, pictures)
    return message


@transaction.atomic
def receive_mail(
    *,
    key: str,
    from_: str,
    body: str,
    original: str,
    answers: Message | None,
    automatic: bool = False,
    parts: Sequence[attachments.Part] = (),
    by: Actor = MAILED,
) -> Message:
    """Stores a mail a patient wrote; once per `key`.

    A sender can be forged, so a reading counts only where the mail answers one that we sent to that very
    address (`answers`); else a person reads it. What a machine wrote (`automatic`) is kept and asks nobody.
    """
    earlier = Message.objects.filter(idempotency_key=key).first()
    if earlier is not None:
        return earlier
    message = incoming(Channel.EMAIL, from_[:254], clean(body)[:LONGEST_MAIL], key, "")
    if answers is not None and answers.address_index == message.address_index:
        message.in_reply_to = answers
        message.patient = message.patient or answers.patient
    said = replies.read_reply(message.body)
    silencing = said in {Reading.STOP, Reading.START}
    trusted = message.in_reply_to is not None and not parts
    message.reading = "" if automatic else said if silencing or trusted else Reading.UNCLEAR
    if message.reading == Reading.HELP:
        message.reading = Reading.UNCLEAR
    message.needs_person = False
    note = FORGEABLE.format(Reading(said).label) if message.reading != said and said in KNOWN else ""
    kept: dict[str, object] = {"original": clean(original)[:LONGEST_MAIL]} if original != body else {}
    if automatic:
        store(message, kept, by)
        tell_thread(message, line=message.body, from_them=True, by=by)
    else:
        take_in(message, "", len(parts), by, note=note, kept=kept)
    attachments.store(message, parts)
    return message


KNOWN = {Reading.YES, Reading.NO, *NOTES}


def clean(text: str) -> str:
    """The text as it can be kept: lone halves of letters become question marks."""
    return text.encode("utf-8", "replace").decode()


def incoming(channel: str, from_: str, body: str, key: str, supplier_id: str) -> Message:
    """An unsaved message that came in, with whose it is as far as the address tells."""
    index = address_index(channel, from_)
    patient, point = writer(index)
    return Message(
        practice=current_practice(),
        patient=patient,
        contact_point=point,
        direction=Message.Direction.IN,
        channel=channel,
        kind=Message.Kind.INBOUND,
        language=patient.language if patient else "en",
        address=from_,
        address_index=index,
        body=body,
        status=Message.Status.RECEIVED,
        idempotency_key=key[:120],
        supplier_id=supplier_id[:64],
    )


def store(message: Message, kept: dict[str, object], by: Actor) -> None:
    spoke_of: dict[str, object] = mentions(message.body, current_practice().today()).kept()
    if message.reading == Reading.LATE:
        spoke_of["minutes"] = replies.minutes_late(message.body)
    message.spoke_of = {**spoke_of, **kept} or None
    message.save(force_insert=True)
    audit.record("message.received", message, by=by, patient_id=message.patient_id)


def take_in(
    message: Message,
    opt_out_type: str,
    media: int,
    by: Actor,
    *,
    note: str = "",
    kept: dict[str, object] | None = None,
) -> None:
    """Stores the message, does what follows from its reading, and tells its thread."""
    store(message, kept or {}, by)
    task = (
        leave_to_person(message, media, by, note=note)
        if message.reading == Reading.UNCLEAR
        else act_on(message, opt_out_type, media, by)
    )
    tell_thread(
        message,
        line=message.body or ("Picture" if media else ""),
        from_them=True,
        # A wish for another time was understood, but only a person can answer it.
        needs_person=message.needs_person or message.reading == Reading.NEW_TIME,
        urgency=task.urgency if task else Task.Urgency.ROUTINE,
        by=by,
    )
    changes.announce(message.practice, "messages", "queue")


def writer(index: str) -> tuple[Patient | None, ContactPoint | None]:
    """The patient whose number this is, when it is exactly one's."""
    points = [
        point
        for point in ContactPoint.objects.filter(value_index=index).select_related("patient")
        if point.patient.active
    ]
    if len({point.patient_id for point in points}) != 1:
        return None, None
    return points[0].patient, points[0]


def last_said_to(index: str) -> Message | None:
    """Our last text to this number, which an answer probably answers."""
    said = Message.objects.filter(
        address_index=index,
        channel=Channel.SMS,
        direction=Message.Direction.OUT,
        status__in=[Message.Status.SENT, Message.Status.DELIVERED, Message.Status.UNCERTAIN],
        sent_at__gte=timezone.now() - TALKED_LATELY,
    )
    return said.order_by("-sent_at").first()


def understand(body: str, opt_out_type: str, media: int) -> str:
    """The reading of a text; what the supplier did about it counts more than our own ear."""
    reading = replies.read_reply(body)
    by_supplier = {"STOP": Reading.STOP, "START": Reading.START, "HELP": Reading.HELP}.get(opt_out_type)
    if by_supplier is Reading.START and reading is Reading.YES:
        return reading  # to a number that was stopped, YES is both
    if by_supplier is not None:
        return by_supplier
    return Reading.UNCLEAR if media else reading


@transaction.atomic
def key_pressed(*, message: Message, digit: str, by: Actor) -> Message | None:
    """Takes the key a patient pressed in an automatic call about `message`, the first of each call.

    1 confirms, 2 asks for another time, 9 for a person (who is called by the telephone, not from here).
    None for a key that means nothing.
    """
    reading = KEYS.get(digit)
    if reading is None:
        return None
    key = f"key:{message.pk}"
    earlier = Message.objects.filter(idempotency_key=key).first()
    if earlier is not None:
        return earlier
    answer = pressed(message, digit, reading, key)
    answer.save(force_insert=True)
    audit.record("message.received", answer, by=by, patient_id=answer.patient_id)
    task = None
    if reading != Reading.PERSON and not claimed(answer):
        task = leave_to_person(answer, 0, by)
    conversations.touch(
        patient=answer.patient,
        address=answer.address,
        address_index=answer.address_index,
        channel=Channel.CALL,
        kind=conversations.Line.CALL,
        line=f"Pressed {digit} in the automatic call: {Reading(reading).label}",
        from_them=True,
        needs_person=task is not None,
        urgency=task.urgency if task else Task.Urgency.ROUTINE,
        by=by,
    )
    changes.announce(answer.practice, "messages", "queue")
    return answer


def pressed(message: Message, digit: str, reading: str, key: str) -> Message:
    """An unsaved message that says which key was pressed in answer to ours."""
    return Message(
        practice=current_practice(),
        patient=message.patient,
        contact_point=message.contact_point,
        direction=Message.Direction.IN,
        channel=message.channel,
        kind=Message.Kind.INBOUND,
        language=message.language,
        address=message.address,
        address_index=message.address_index,
        body=f"Pressed {digit}",
        status=Message.Status.RECEIVED,
        idempotency_key=key,
        in_reply_to=message,
        reading=reading,
    )
