"""What patients write: stored, read where it is plain, and left to a person where it is not."""

import datetime as dt
import logging
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from messaging import replies
from messaging.models import Message, MessageQuerySet, Suppression, Task
from messaging.outbox import address_index, new_key, queue_message
from messaging.refusals import suppress
from messaging.staff_tasks import close_task, in_office_time, open_task
from messaging.templates import render
from patients.contacts import show_phone
from patients.models import Channel, Consent, ContactPoint, Patient
from practices import audit, changes
from practices.audit import Actor
from practices.tenancy import current_practice

logger = logging.getLogger(__name__)

Reading = Message.Reading
TEXTED = Actor(kind="patient", door="text")
LONGEST = 4_000  # letters kept of one text
ANSWER_WITHIN = 30  # minutes of office time
FRESH = dt.timedelta(hours=1)  # an answer this soon is part of a conversation, also at night
TALKED_LATELY = dt.timedelta(days=14)


@transaction.atomic
def receive(
    *, supplier_id: str, from_: str, body: str, opt_out_type: str = "", media: int = 0, by: Actor = TEXTED
) -> Message:
    """Stores a text a patient wrote and acts on it; every text ends as read or with a person.

    `opt_out_type` is what the supplier did already (STOP, START, HELP): it answered, we do not.
    """
    index = address_index(Channel.SMS, from_)
    patient, point = writer(index)
    message = Message(
        practice=current_practice(),
        patient=patient,
        contact_point=point,
        direction=Message.Direction.IN,
        channel=Channel.SMS,
        kind=Message.Kind.INBOUND,
        language=patient.language if patient else "en",
        address=from_[:80],
        address_index=index,
        body=body[:LONGEST],
        status=Message.Status.RECEIVED,
        idempotency_key=f"in:{supplier_id}"[:120],
        supplier_id=supplier_id[:64],
        in_reply_to=last_said_to(index),
        reading=understand(body, opt_out_type, media),
    )
    message.save(force_insert=True)
    audit.record("message.received", message, by=by, patient_id=message.patient_id)
    act_on(message, opt_out_type, media, by)
    changes.announce(message.practice, "messages", "queue")
    return message


def candidates(message: Message) -> list[Patient]:
    """The patients whose number this is; more than one share a phone."""
    points = ContactPoint.objects.filter(value_index=message.address_index).select_related("patient")
    return list({point.patient_id: point.patient for point in points if point.patient.active}.values())


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


def act_on(message: Message, opt_out_type: str, media: int, by: Actor) -> None:
    """Does what the reading asks for; what nobody takes goes to a person."""
    if message.reading == Reading.STOP:
        stop(message, by)
        return
    if opt_out_type == "START" or message.reading == Reading.START:
        lift(message, by)
        record_consent(message, granted=True)
    if message.reading == Reading.HELP:
        if opt_out_type != "HELP":
            answer_automatically(message, "help", by)
        return
    if message.reading == Reading.START:
        return
    if message.reading in {Reading.YES, Reading.NO} and claimed(message):
        return
    leave_to_person(message, media, by)


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
    suppress(message, source="text")
    record_consent(message, granted=False)
    if not replies.carrier_answers(message.body):
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


def lift(message: Message, by: Actor) -> None:
    """The patient wants texts again."""
    rows = Suppression.objects.filter(
        channel=message.channel, address_index=message.address_index, lifted_at=None
    )
    for row in rows.select_for_update():
        row.lifted_at = timezone.now()
        row.save(update_fields=["lifted_at"])
        audit.record("messages.resumed", row, by=by, patient_id=message.patient_id)


def record_consent(message: Message, *, granted: bool) -> None:
    """STOP and START are also the patient's word on texts, seen wherever consent is shown."""
    if message.patient_id is None:
        return
    Consent.objects.create(
        practice=current_practice(),
        patient_id=message.patient_id,
        channel=message.channel,
        granted=granted,
        how=Consent.How.TEXT,
    )


def answer_automatically(message: Message, wording: str, by: Actor) -> Message:
    """Answers what was just written, at any hour, once."""
    practice = current_practice()
    phone = show_phone(str(practice.line_number))
    words = render(wording, message.language, {"practice": practice.public_name, "phone": phone})
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


def leave_to_person(message: Message, media: int, by: Actor) -> Task:
    """Puts a text that was not understood, or that nobody took, into the queue."""
    message.needs_person = True
    message.save(update_fields=["needs_person"])
    urgency, note = Task.Urgency.ROUTINE, ""
    if media:
        note = "Sent pictures by text. They are not kept here; ask the patient to bring them."
    if replies.may_opt_out(message.body):
        suppress(message, source="possible")
        urgency, note = Task.Urgency.SOON, "May want no more texts: they are paused until somebody decides."
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


@transaction.atomic
def undo_reading(*, message: Message, by: Actor) -> Message:
    """Takes an automatic reading back and leaves the text to a person.

    A handler's module may offer `undo_reply(message, by)` beside its handler to take back what it did.
    """
    message = Message.objects.select_for_update(of=("self",)).select_related("patient").get(pk=message.pk)
    if not message.read_automatically or message.reading_undone_at is not None:
        return message
    message.reading_undone_at = timezone.now()
    message.handled_at = message.handled_by = None
    message.save(update_fields=["reading_undone_at", "handled_at", "handled_by"])
    audit.record(
        "message.reading-undone",
        message,
        by=by,
        patient_id=message.patient_id,
        changes={"reading": [message.reading, ""]},
    )
    if message.reading == Reading.STOP:
        undo_stop(message, by)
    undo_what_followed(message, by)
    leave_to_person(message, 0, by)
    changes.announce(message.practice, "messages", "queue")
    return message


def undo_stop(message: Message, by: Actor) -> None:
    """Texts go on as if this text had not come."""
    if not Suppression.objects.filter(message=message, lifted_at=None).exists():
        return
    lift(message, by)
    if message.patient_id is None:
        return
    earlier = Consent.objects.filter(
        patient_id=message.patient_id, channel=message.channel, given_at__lt=message.created_at
    )
    before = earlier.order_by("-given_at", "-id").first()
    if before is not None and before.granted:
        record_consent(message, granted=True)


def undo_what_followed(message: Message, by: Actor) -> None:
    for module in dict.fromkeys(path.rpartition(".")[0] for path in settings.REPLY_HANDLERS):
        try:
            undo: Any = import_string(f"{module}.undo_reply")
        except ImportError:
            continue
        undo(message, by)


def unanswered(message: Message) -> MessageQuerySet:
    """All that this number wrote and nobody dealt with; one answer answers all of it."""
    return Message.objects.to_read().filter(address_index=message.address_index)


@transaction.atomic
def answer_message(*, message: Message, body: str, key: str = "", by: Actor) -> Message:
    """Answers a patient's text, once per `key`; everything this number wrote so far counts as handled."""
    now = timezone.now()
    answer = queue_message(
        patient=message.patient,
        channel=message.channel,
        kind=Message.Kind.NOTE,
        body=body,
        language=message.language,
        send_after=now,
        idempotency_key=key or new_key("answer"),
        ignores_quiet_hours=now - message.created_at < FRESH,
        in_reply_to=message,
        by=by,
    )
    if not answer.reason:
        mark_handled(message=message, outcome="answered", by=by)
    return answer


@transaction.atomic
def mark_handled(*, message: Message, outcome: str = "handled", by: Actor) -> int:
    """Says that a person dealt with what this number wrote, and closes its task; returns how many texts."""
    rows = list(unanswered(message).select_for_update())
    for row in rows:
        row.handled_at, row.handled_by = timezone.now(), by.user
        row.save(update_fields=["handled_at", "handled_by"])
        audit.record(
            "message.handled", row, by=by, patient_id=row.patient_id, changes={"outcome": ["", outcome]}
        )
    for task in Task.objects.open().filter(once_key=f"answer:{message.address_index}"):
        close_task(task=task, outcome=outcome, by=by)
    changes.announce(current_practice(), "messages", "queue")
    return len(rows)


def is_paused(message: Message) -> bool:
    """Whether texts to this number wait for a person's word on “please no more”."""
    return Suppression.objects.filter(
        channel=message.channel, address_index=message.address_index, lifted_at=None, source="possible"
    ).exists()


@transaction.atomic
def decide_opt_out(*, message: Message, stop_texts: bool, by: Actor) -> None:
    """A person decides what “please no more” meant: texts stop for good, or go on."""
    rows = Suppression.objects.select_for_update().filter(
        channel=message.channel, address_index=message.address_index, lifted_at=None, source="possible"
    )
    for row in rows:
        row.source, row.lifted_at = ("staff", None) if stop_texts else (row.source, timezone.now())
        row.save(update_fields=["source", "lifted_at"])
        verb = "messages.stopped" if stop_texts else "messages.resumed"
        audit.record(verb, row, by=by, patient_id=message.patient_id)
        if stop_texts:
            record_consent(message, granted=False)
    mark_handled(message=message, outcome="texts stopped" if stop_texts else "texts go on", by=by)


@transaction.atomic
def give_to_patient(*, message: Message, patient: Patient, by: Actor) -> int:
    """Says whose an unanswered text is, when one number serves several; returns how many texts went along.

    Only a patient who has the number can be chosen: raises ValueError otherwise.
    """
    if patient.pk not in {candidate.pk for candidate in candidates(message)}:
        raise ValueError("This number is not in that patient’s record.")
    rows = list(unanswered(message).select_for_update())
    for row in rows:
        row.patient, row.language = patient, patient.language
        row.save(update_fields=["patient", "language"])
        audit.record(
            "message.given_to_patient",
            row,
            by=by,
            patient_id=patient.pk,
            changes={"patient": [None, patient.pk]},
        )
    for task in Task.objects.open().filter(once_key=f"answer:{message.address_index}", patient=None):
        task.patient = patient
        task.save(update_fields=["patient"])
    changes.announce(current_practice(), "messages", "queue")
    return len(rows)
