"""Silence that somebody asked for, by channel: rows that every send looks at before it leaves."""

import uuid

from django.db import transaction
from django.utils import timezone

from messaging import replies
from messaging.models import Message, Suppression, Task
from messaging.outbox import address_index, withdraw_messages
from messaging.staff_tasks import in_office_time, open_task
from patients.models import Channel, Consent, Patient
from practices import audit
from practices.audit import SYSTEM, Actor
from practices.tenancy import current_practice

DECIDE_WITHIN = 30  # minutes of office time
TO_DECIDE = "opt-out:"  # begins the key of a task that asks what was meant
NO_MORE, GO_ON = "no more messages", "messages go on"


@transaction.atomic
def silence(
    *,
    channel: str,
    index: str,
    source: str,
    message: Message | None = None,
    patient_id: uuid.UUID | None = None,
) -> Suppression:
    """Silences an address on one channel and takes back what waits for it there; other channels go on.

    `source` is text, supplier, staff or `possible`: free words that a person still has to judge.
    """
    row = Suppression(
        practice=current_practice(), channel=channel, address_index=index, source=source, message=message
    )
    Suppression.objects.bulk_create([row], ignore_conflicts=True)
    stored: Suppression = Suppression.objects.get(channel=channel, address_index=index, lifted_at=None)
    if stored.source == "possible" != source:
        stored.source, stored.message = source, message
        stored.save(update_fields=["source", "message"])
    audit.record("messages.stopped", stored, by=SYSTEM, patient_id=patient_id)
    waiting = Message.objects.waiting().filter(channel=channel, address_index=index)
    withdraw_messages(messages=waiting, reason="stopped", by=SYSTEM)
    return stored


def lift(message: Message, by: Actor) -> None:
    """The patient wants to hear from us again on the channel she wrote by."""
    rows = Suppression.objects.filter(
        channel=message.channel, address_index=message.address_index, lifted_at=None
    )
    for row in rows.select_for_update():
        row.lifted_at = timezone.now()
        row.save(update_fields=["lifted_at"])
        audit.record("messages.resumed", row, by=by, patient_id=message.patient_id)


def record_consent(message: Message, *, granted: bool) -> None:
    """STOP and START are also the patient's word on the channel, seen wherever consent is shown."""
    if message.patient_id is None:
        return
    Consent.objects.create(
        practice=current_practice(),
        patient_id=message.patient_id,
        channel=message.channel,
        granted=granted,
        how=Consent.How.TEXT,
    )


def undo_stop(message: Message, by: Actor) -> None:
    """Messages go on as if this one had not come."""
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


def is_paused(message: Message) -> bool:
    """Whether messages to this address wait for a person's word on “please no more”."""
    return Suppression.objects.filter(
        channel=message.channel, address_index=message.address_index, lifted_at=None, source="possible"
    ).exists()


@transaction.atomic
def heard(*, text: str, channel: str, address: str, patient: Patient | None = None, by: Actor) -> bool:
    """Looks for a wish for silence in words that came another way, such as a voicemail's transcript.

    True when there was one: the channel (and texts to a telephone, if these are what was spoken of) rests
    and a person decides.
    """
    if not (replies.may_opt_out(text) or replies.read_reply(text) == Message.Reading.STOP):
        return False
    channels = {channel} | ({Channel.SMS.value} if channel == Channel.CALL else set())
    for one in sorted(channels):
        silence(
            channel=one,
            index=address_index(one, address),
            source="possible",
            patient_id=patient.pk if patient else None,
        )
    open_task(
        kind=Task.Kind.FOLLOW_UP,
        due_at=in_office_time(current_practice(), DECIDE_WITHIN),
        once_key=f"{TO_DECIDE}{address_index(channel, address)}",
        urgency=Task.Urgency.SOON,
        patient=patient,
        note="May want to hear no more from us: messages rest until somebody has asked and decided.",
        by=by,
    )
    return True


@transaction.atomic
def decided(*, task: Task, outcome: str, by: Actor) -> None:
    """A person has asked what a voicemail meant: silence for good, or messages go on; else they rest on."""
    if not task.once_key.startswith(TO_DECIDE) or outcome not in {NO_MORE, GO_ON}:
        return
    index = task.once_key.removeprefix(TO_DECIDE)
    rows = Suppression.objects.select_for_update().filter(
        address_index=index, lifted_at=None, source="possible", message=None
    )
    for row in rows.order_by("pk"):
        stop = outcome == NO_MORE
        row.source, row.lifted_at = ("staff", None) if stop else (row.source, timezone.now())
        row.save(update_fields=["source", "lifted_at"])
        verb = "messages.stopped" if stop else "messages.resumed"
        audit.record(verb, row, by=by, patient_id=task.patient_id)
        if stop and task.patient_id is not None:
            Consent.objects.create(
                practice=current_practice(),
                patient_id=task.patient_id,
                channel=row.channel,
                granted=False,
                how=Consent.How.PHONE,
            )
