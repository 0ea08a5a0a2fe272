"""What follows when a message was refused or did not arrive."""

import datetime as dt

from django.utils import timezone

from messaging.models import Message, MessageQuerySet, Suppression, Task
from messaging.outbox import disturbed, withdraw_messages
from messaging.outcomes import Then, Verdict
from messaging.staff_tasks import in_office_time, open_task
from patients.models import Channel
from patients.zones import after_quiet
from practices import audit
from practices.audit import SYSTEM
from practices.tenancy import current_practice

# An unreachable phone: two more tries, hours apart; a telephone that rang in vain, an hour apart.
AGAIN_AFTER = (dt.timedelta(hours=2), dt.timedelta(hours=4))
CALL_AGAIN_AFTER = (dt.timedelta(hours=1), dt.timedelta(hours=1))
AGAIN = "|again-"
ENOUGH_TO_JUDGE, MOST_FILTERED = 20, 0.02  # of fewer texts one that is filtered says nothing of the line


def follow(message: Message, line: Verdict) -> None:
    """Does what the table says about a message whose row already tells its fate."""
    if line.then is Then.BAD_NUMBER:
        mark_unusable(message, line)
        ask_to_call(message, line.words)
    elif line.then is Then.OPTED_OUT:
        suppress(message, source="supplier")
    elif line.then is not Then.AGAIN_LATER or not send_again_later(message):
        ask_to_call(message, line.words)


def mark_unusable(message: Message, line: Verdict) -> None:
    """Remembers that a number or address cannot be used, so that nothing more is tried there."""
    point = message.contact_point
    if point is None or point.unusable:
        return
    point.unusable = line.words[:60]
    point.save(update_fields=["unusable"])
    audit.record(
        "contact.unusable",
        point,
        by=SYSTEM,
        patient_id=point.patient_id,
        changes={"unusable": ["", point.unusable]},
    )


def suppress(message: Message, *, source: str) -> Suppression:
    """Silences the message's address on its channel and takes back what waits for it."""
    Suppression.objects.bulk_create(
        [
            Suppression(
                practice=current_practice(),
                channel=message.channel,
                address_index=message.address_index,
                source=source,
                message=message,
            )
        ],
        ignore_conflicts=True,
    )
    row: Suppression = Suppression.objects.get(
        channel=message.channel, address_index=message.address_index, lifted_at=None
    )
    if row.source == "possible" != source:
        row.source, row.message = source, message
        row.save(update_fields=["source", "message"])
    audit.record("messages.stopped", row, by=SYSTEM, patient_id=message.patient_id)
    withdraw_messages(messages=waiting_for(message), reason="stopped", by=SYSTEM)
    return row


def waiting_for(message: Message) -> MessageQuerySet:
    """What still waits to go to the address of a message."""
    return Message.objects.waiting().filter(channel=message.channel, address_index=message.address_index)


def send_again_later(message: Message) -> bool:
    """Queues the text once more, as a row of its own, while it is still worth sending; two times at most."""
    root, _, tries = message.idempotency_key.partition(AGAIN)
    done = int(tries or 0)
    pauses = CALL_AGAIN_AFTER if message.channel == Channel.CALL else AGAIN_AFTER
    if done >= len(pauses):
        return False
    practice = current_practice()
    when = after_quiet(practice, disturbed(message), timezone.now() + pauses[done])
    if message.useful_until is not None and when >= message.useful_until:
        return False
    again = Message(
        practice=practice,
        send_after=when,
        status=Message.Status.QUEUED,
        idempotency_key=f"{root}{AGAIN}{done + 1}",
        created_by_id=message.created_by_id,
        **{name: getattr(message, name) for name in COPIED},
    )
    Message.objects.bulk_create([again], ignore_conflicts=True)
    return True


def cancel_again(message: Message) -> None:
    """Takes back the second text: the first arrived after all."""
    root, _, tries = message.idempotency_key.partition(AGAIN)
    key = f"{root}{AGAIN}{int(tries or 0) + 1}"
    withdraw_messages(
        messages=Message.objects.filter(idempotency_key=key), reason="delivered after all", by=SYSTEM
    )


COPIED = (
    "patient_id", "contact_point_id", "staff_id", "direction", "channel", "kind", "language", "address",
    "address_index", "subject", "body", "calendar", "useful_until", "ignores_quiet_hours", "in_reply_to_id",
    "followed",
)  # fmt: skip


def ask_to_call(message: Message, words: str) -> Task | None:
    """Leaves the patient to a person: the message did not arrive, call instead.

    Whoever queued a message that is `followed` does that, when no other channel is left.
    """
    if message.followed:
        return None
    what = {Channel.EMAIL: "E-mail", Channel.CALL: "Automatic call"}.get(Channel(message.channel), "Text")
    return open_task(
        kind=Task.Kind.UNDELIVERED,
        due_at=in_office_time(current_practice(), 60),
        once_key=f"undelivered:{message.pk}",
        urgency=Task.Urgency.SOON if is_pressing(message) else Task.Urgency.ROUTINE,
        patient=message.patient,
        message=message,
        note=(
            f"The e-mail to {message.staff} did not arrive: {words}."
            if message.staff
            else f"{what} not delivered: {words}. Call instead."
        ),
        by=SYSTEM,
    )


def ask_about_unknown(message: Message) -> Task | None:
    """Leaves a send whose outcome nobody knows to a person: it is not sent a second time."""
    if message.followed:
        return None
    return open_task(
        kind=Task.Kind.UNCERTAIN,
        due_at=in_office_time(current_practice(), 60),
        once_key=f"uncertain:{message.pk}",
        urgency=Task.Urgency.SOON if is_pressing(message) else Task.Urgency.ROUTINE,
        patient=message.patient,
        message=message,
        note="The service does not say whether this message went out. Call the patient to be sure.",
        by=SYSTEM,
    )


def watch_for_filtering(message: Message) -> Task | None:
    """Raises an alarm when carriers filter more than two in a hundred texts of an hour."""
    lately = Message.objects.filter(
        direction=Message.Direction.OUT,
        channel=message.channel,
        sent_at__gt=timezone.now() - dt.timedelta(hours=1),
    )
    sent = lately.count()
    filtered = lately.filter(error_code="30007").count()
    if sent < ENOUGH_TO_JUDGE or filtered <= sent * MOST_FILTERED:
        return None
    return open_task(
        kind=Task.Kind.LINE,
        due_at=timezone.now() + dt.timedelta(minutes=15),
        once_key=f"line:{message.channel}:filtered",
        urgency=Task.Urgency.SOON,
        note=f"Carriers filter texts: {filtered} of {sent} in an hour. Look at wording and registration.",
        by=SYSTEM,
    )


def is_pressing(message: Message) -> bool:
    """Whether what the message is about comes within a day."""
    return message.useful_until is not None and message.useful_until - timezone.now() < dt.timedelta(days=1)
