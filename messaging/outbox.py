"""The only way to say something to a patient: a row in the caller's transaction.

Nothing leaves from here. `messaging.delivery` takes what is due to the suppliers, after the commit.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict, Unpack

import redis
from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import KombuError

from messaging.models import Message, MessageQuerySet, Suppression
from patients.contacts import Reach, email_contact, reachability, textable_contact
from patients.models import Channel, Consent, ContactPoint, Patient
from patients.zones import after_quiet
from practices import audit, changes
from practices.audit import Actor
from practices.models import Practice, User
from practices.tenancy import current_practice

logger = logging.getLogger(__name__)

SYSTEM_OF = {
    Channel.SMS: ContactPoint.System.PHONE,
    Channel.EMAIL: ContactPoint.System.EMAIL,
    Channel.CALL: ContactPoint.System.PHONE,
}


def address_index(channel: str, address: str) -> str:
    """The blind index of a number or e-mail address of the open practice."""
    system = SYSTEM_OF.get(Channel(channel), ContactPoint.System.PHONE)
    return ContactPoint.index_for(current_practice().pk, system, address)


class Said(TypedDict):
    """What a message says, in which language, when it may leave and until when it is worth it."""

    kind: str
    body: str
    language: str
    send_after: dt.datetime
    idempotency_key: str
    subject: NotRequired[str]
    calendar: NotRequired[str | None]  # of an e-mail: an iCalendar object, METHOD and all
    useful_until: NotRequired[dt.datetime | None]
    ignores_quiet_hours: NotRequired[bool]
    followed: NotRequired[bool]


# No savepoint: nothing is refused here, and what fails takes the caller's change with it.
@transaction.atomic(savepoint=False)
def queue_message(
    *,
    patient: Patient | None,
    channel: str,
    contact_point: ContactPoint | None = None,
    reach: Reach | None = None,
    staff: User | None = None,
    in_reply_to: Message | None = None,
    address: str = "",
    by: Actor,
    **said: Unpack[Said],
) -> Message:
    """Stores what shall be said; returns the row of the same key if there is one already.

    A message that may not go is stored as `suppressed` with its reason: `no_consent`, `opted_out`,
    `no_address`, `deceased`. `send_after` moves out of the quiet hours of practice and patient. An answer
    (`in_reply_to`) goes to the address that wrote, and needs no consent but no opt-out either; so does the
    word after a missed call, to the number that called (`address`). A caller that has read how the patient
    may be reached hands it on in `reach`.
    """
    if contact_point is None:
        contact_point = _usual_point(patient, channel, reach, in_reply_to)
    message = compose(
        patient=patient,
        contact_point=contact_point,
        staff=staff,
        channel=channel,
        address=address or _address(contact_point, channel, staff, in_reply_to),
        in_reply_to=in_reply_to,
        created_by=by.user,
        **said,
    )
    hold_back(message, why_not(message, permissions_for([message], reach=reach)))
    return store_messages([message], by=by)[0]


def compose(**fields: Any) -> Message:
    """An outgoing message that is not stored yet; `send_after` moves out of the quiet hours."""
    message = Message(
        practice=current_practice(),
        direction=Message.Direction.OUT,
        status=Message.Status.QUEUED,
        address_index=address_index(fields["channel"], fields["address"]),
        **fields,
    )
    if not message.ignores_quiet_hours and message.send_after is not None:
        message.send_after = after_quiet(message.practice, disturbed(message), message.send_after)
    return message


def hold_back(message: Message, reason: str) -> None:
    """Makes a message that may not go one that says why."""
    if reason:
        message.status, message.reason = Message.Status.SUPPRESSED, reason


def disturbed(message: Message) -> str:
    """The number whose owner may be asleep; colleagues and mailboxes keep the practice's hours."""
    return "" if message.staff_id or message.channel == Channel.EMAIL else str(message.address)


def _usual_point(
    patient: Patient | None, channel: str, reach: Reach | None, in_reply_to: Message | None
) -> ContactPoint | None:
    if in_reply_to is not None:
        wrote_from: ContactPoint | None = in_reply_to.contact_point
        return wrote_from
    if reach is not None:
        return reach.point_for(channel)
    if patient is None:
        return None
    if channel == Channel.CALL:
        return reachability([patient])[patient.pk].call_to
    return email_contact(patient) if channel == Channel.EMAIL else textable_contact(patient)


def _address(
    point: ContactPoint | None, channel: str, staff: User | None, in_reply_to: Message | None
) -> str:
    if staff is not None:
        return staff.email
    if in_reply_to is not None:
        return str(in_reply_to.address)
    return str(point.value) if point is not None and point.takes(channel) else ""


@dataclass(frozen=True, slots=True)
class Permissions:
    """Who asked for silence and who agreed, for a number of messages at once."""

    silent: frozenset[tuple[str, str]]  # channel, address index
    agreed: frozenset[tuple[uuid.UUID, str]]  # patient, channel


def permissions_for(messages: Iterable[Message], *, reach: Reach | None = None) -> Permissions:
    """What must be known to send these messages, in two queries however many they are.

    `reach` says what is known of their one patient already: only who asked for silence is read then.
    """
    rows = list(messages)
    silent = Suppression.objects.filter(
        address_index__in={message.address_index for message in rows}, lifted_at=None
    ).values_list("channel", "address_index")
    patient_ids = {message.patient_id for message in rows if message.patient_id}
    agreed: set[tuple[uuid.UUID, str]]
    if reach is not None:
        agreed = {(pk, channel) for pk in patient_ids for channel in SYSTEM_OF if reach.may_go_by(channel)}
    else:
        said = {
            (patient_id, channel): granted
            for patient_id, channel, granted in Consent.objects.in_force()
            .filter(patient_id__in=patient_ids)
            .values_list("patient_id", "channel", "granted")
        }
        agreed = {asked for asked, granted in said.items() if granted}
        # A reminder by voice needs no word for it, only none against it.
        agreed |= {(pk, call) for pk in patient_ids if said.get((pk, call := Channel.CALL.value), True)}
    return Permissions(frozenset(silent), frozenset(agreed))


def why_not(message: Message, permissions: Permissions) -> str:
    """Why this message may not go, or nothing; asked when it is queued and again when it leaves."""
    if message.staff_id is not None:
        return ""  # a brief to a colleague
    if message.patient is not None and message.patient.deceased:
        return "deceased"
    point = message.contact_point
    if not message.address or (point is not None and not point.takes(message.channel)):
        return "no_address"
    if message.is_last_word:
        return ""
    if (message.channel, message.address_index) in permissions.silent:
        return "opted_out"
    if message.in_reply_to_id is not None or message.kind == Message.Kind.MISSED_CALL:
        return ""
    if message.patient_id is None or (message.patient_id, message.channel) not in permissions.agreed:
        return "no_consent"
    return ""


def suppressed(channel: str, index: str) -> bool:
    """Whether an address asked for silence."""
    return Suppression.objects.filter(channel=channel, address_index=index, lifted_at=None).exists()


@transaction.atomic(savepoint=False)
def store_messages(messages: Sequence[Message], *, by: Actor) -> list[Message]:
    """Inserts rows, or finds those of the same key that were there first; three statements however many.

    The constraint decides, never a look before.
    """
    Message.objects.bulk_create(messages, ignore_conflicts=True)
    same_keys = Message.objects.filter(idempotency_key__in=[message.idempotency_key for message in messages])
    there = dict(same_keys.values_list("idempotency_key", "pk"))
    new = [message for message in messages if there[message.idempotency_key] == message.pk]
    audit.record_each(
        (
            (
                "message.suppressed" if message.reason else "message.queued",
                message,
                message.patient_id,
                {"kind": ["", message.kind], "reason": ["", message.reason]},
            )
            for message in new
        ),
        by=by,
    )
    if new:
        changes.announce(current_practice(), "messages")
    now = timezone.now()
    waiting = [message for message in new if message.status == Message.Status.QUEUED]
    if any(message.send_after is not None and message.send_after <= now for message in waiting):
        wake_delivery(current_practice())
    if len(new) == len(messages):
        return list(messages)
    earlier = {message.idempotency_key: message for message in same_keys}
    return [message if message in new else earlier[message.idempotency_key] for message in messages]


@transaction.atomic
def withdraw_messages(*, messages: MessageQuerySet, reason: str, by: Actor) -> int:
    """Takes back what has not left yet and returns how many; what is on its way stays as it is."""
    waiting = list(messages.waiting().select_for_update().only("id", "practice_id", "patient_id", "status"))
    for message in waiting:
        audit.record(
            "message.withdrawn",
            message,
            by=by,
            patient_id=message.patient_id,
            changes={"reason": ["", reason]},
        )
    Message.objects.filter(pk__in=[message.pk for message in waiting]).update(
        status=Message.Status.CANCELLED, reason=reason[:40]
    )
    if waiting:
        changes.announce(current_practice(), "messages")
    return len(waiting)


@transaction.atomic
def send_now(*, message: Message, by: Actor) -> Message:
    """Lets a waiting message leave at once, or at the end of the quiet hours."""
    stored: Message = Message.objects.select_for_update().get(pk=message.pk)
    if stored.status != Message.Status.QUEUED:
        return stored
    before, now = stored.send_after, timezone.now()
    stored.send_after = (
        now if stored.ignores_quiet_hours else after_quiet(stored.practice, disturbed(stored), now)
    )
    stored.save(update_fields=["send_after"])
    audit.record(
        "message.hurried",
        stored,
        by=by,
        patient_id=stored.patient_id,
        changes={"send_after": [before, stored.send_after]},
    )
    if stored.send_after <= now:
        wake_delivery(stored.practice)
    return stored


def wake_delivery(practice: Practice, task: str = "messaging.tasks.deliver_due") -> None:
    """After the commit, asks a worker to look at what is due; if nobody hears, the timetable does."""

    def wake() -> None:
        try:
            changes.client().ping()  # tells at once; the task library would try for seconds
            current_app.send_task(task, args=[practice.pk], retry=False, expires=60, ignore_result=True)
        except (KombuError, redis.RedisError, OSError):
            logger.warning("worker not woken: the broker is away, the timetable carries it")

    transaction.on_commit(wake, robust=True)


def new_key(kind: str) -> str:
    """A key for a message that is its own cause, such as a note."""
    return f"{kind}:{uuid.uuid4()}"
