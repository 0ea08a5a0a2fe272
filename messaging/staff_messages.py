"""Messages somebody takes for a colleague, a role, or whoever is on call: taken, accepted, answered.

Each one has a task until it is done, due when the caller was promised to hear: an overdue promise rises in
“Needs you” by itself. Urgent ones are carried by `messaging.escalation`, by the rows made here.
"""

import datetime as dt
import secrets

from django.db import transaction
from django.utils import timezone

from messaging import ack_links
from messaging.models import (
    Call,
    DeskRules,
    EscalationStep,
    Message,
    Recipient,
    StaffMessage,
    Task,
)
from messaging.outbox import wake_delivery, withdraw_messages
from messaging.routing import Route, for_whom, route_for
from messaging.staff_tasks import close_task, in_office_time, open_task
from patients.contacts import parse_phone, show_phone
from patients.models import Patient
from practices import audit, changes
from practices.audit import Actor
from practices.models import Membership, Practice, Role, User
from practices.tenancy import current_practice

Kind, Urgency = StaffMessage.Kind, StaffMessage.Urgency
LONGEST = 2_000
MOST_AHEAD = dt.timedelta(days=60)
HANDED_OVER = "desk"  # the channel of a step that people took at the desk


class MessageRefused(ValueError):
    """A message that cannot be taken so, in words; `field` is where to say it."""

    def __init__(self, words: str, field: str = "body") -> None:
        super().__init__(words)
        self.field = field


class NotReadBack(MessageRefused):
    """An urgent message, or one with a number, must be read back first; `sentence` is what to say."""

    def __init__(self, sentence: str) -> None:
        super().__init__("Read it back to the caller, then confirm that it is right.", "read_back")
        self.sentence = sentence


class AlreadyDone(ValueError):
    """The message was answered meanwhile."""


@transaction.atomic
def take_message(
    *,
    kind: str,
    body: str,
    recipient: str = "",
    to_user: User | None = None,
    to_role: str = "",
    patient: Patient | None = None,
    call: Call | None = None,
    callback_number: str = "",
    read_back: bool = False,
    urgency: int | None = None,
    promised_by: dt.datetime | None = None,
    once_key: str,
    by: Actor,
) -> StaffMessage:
    """Takes a message once per `once_key`; without a recipient the practice's route chooses.

    Raises NotReadBack for an urgent one, or one with a number, that was not read back to the caller, and
    MessageRefused for what nobody could act on.
    """
    if kind not in Kind.values:
        raise MessageRefused("Choose what it is about.", "kind")
    earlier = StaffMessage.objects.filter(once_key=once_key[:120]).first()
    if earlier is not None:
        return earlier
    route = route_for(kind)
    message = StaffMessage(
        practice=current_practice(), kind=kind, patient=patient, call=call, read_back=read_back,
        promised_by=promised_by, created_by=by.user, once_key=once_key[:120],
    )  # fmt: skip
    message.urgency = route.urgency if urgency is None else urgency
    message.body, message.callback_number = _body(body), number_of(callback_number)
    if recipient:
        address(message, recipient, to_user, to_role)
    else:
        address(message, route.recipient, route.to_user, route.to_role)
    judge(message)
    return _store(message, route, by)


def _body(text: str) -> str:
    words = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not words:
        raise MessageRefused("Write the message.")
    if len(words) > LONGEST:
        raise MessageRefused(f"This is longer than {LONGEST:,} letters. Say it shorter.")
    return words


def number_of(text: str) -> str:
    """The callback number as E.164; empty stays empty."""
    if not text.strip():
        return ""
    try:
        return parse_phone(text)
    except ValueError as wrong:
        raise MessageRefused(str(wrong), "callback_number") from None


def address(message: StaffMessage, recipient: str, to_user: User | None, to_role: str) -> None:
    """Says for whom a message is; MessageRefused where that is nobody."""
    message.recipient = recipient
    message.to_user = to_user if recipient == Recipient.PERSON else None
    message.to_role = to_role if recipient == Recipient.ROLE else ""
    if recipient == Recipient.PERSON:
        works_here = to_user and Membership.objects.active().filter(user=to_user).exists()
        if not works_here:
            raise MessageRefused("Choose a colleague who works here.", "to_whom")
    elif recipient == Recipient.ROLE:
        if to_role not in Role.values:
            raise MessageRefused("Choose a role.", "to_whom")
    elif recipient != Recipient.ON_CALL:
        raise MessageRefused("Choose for whom the message is.", "to_whom")


def judge(message: StaffMessage) -> None:
    """Refuses what contradicts itself or was not read back."""
    now = timezone.now()
    if message.urgency not in Urgency.values:
        raise MessageRefused("Choose how urgent it is.", "urgency")
    if message.promised_by is not None and message.promised_by <= now:
        raise MessageRefused("This time has passed. Promise a later one.", "promised_by")
    if message.promised_by is not None and message.promised_by > now + MOST_AHEAD:
        raise MessageRefused("This is more than two months away. Promise an earlier time.", "promised_by")
    if needs_read_back(message) and not message.read_back:
        raise NotReadBack(sentence_for(message))


def needs_read_back(message: StaffMessage) -> bool:
    return message.urgency == Urgency.URGENT or bool(message.callback_number)


def sentence_for(message: StaffMessage) -> str:
    """What is read back to the caller, word for word."""
    practice, parts = current_practice(), [f"I will tell {for_whom(message)}"]
    if message.patient is not None:
        parts.append(f" about {message.patient.full_name}")
    parts.append(f": “{message.body}”")
    if message.callback_number:
        number = show_phone(str(message.callback_number))
        parts.append(f" We call you back at {number}.")
    if message.promised_by is not None:
        parts.append(f" You hear from us by {say_when(message.promised_by, practice)}.")
    return "".join(parts)


def say_when(moment: dt.datetime, practice: Practice) -> str:
    """3:30 PM today; 9:00 AM on Thursday, November 26."""
    local = moment.astimezone(practice.zone)
    clock = f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"
    ahead = (local.date() - practice.today()).days
    near = {0: "today", 1: "tomorrow"}.get(ahead)
    return f"{clock} {near}" if near else f"{clock} on {local:%A, %B} {local.day}"


def _store(message: StaffMessage, route: Route, by: Actor) -> StaffMessage:
    """Inserts the row, or finds the one that was there first; makes its task and wakes who carries it."""
    message.in_digest = message.urgency == Urgency.ROUTINE and bool(DeskRules.of_practice().digest_at)
    if message.urgency == Urgency.URGENT:
        start_carrying(message)
    StaffMessage.objects.bulk_create([message], ignore_conflicts=True)
    stored: StaffMessage = StaffMessage.objects.get(once_key=message.once_key)
    if stored.pk != message.pk:
        return stored
    practice = current_practice()
    audit.record(
        "staff_message.taken",
        message,
        by=by,
        patient_id=message.patient_id,
        changes={"kind": ["", message.kind], "for": ["", for_whom(message)]},
    )
    due = message.promised_by or in_office_time(practice, route.answer_within_minutes)
    if message.urgency == Urgency.URGENT:  # somebody shall have it before the next person is asked
        pace = dt.timedelta(minutes=DeskRules.of_practice().escalate_every_minutes)
        due = min(due, timezone.now() + pace)
    open_its_task(message, due, by)
    changes.announce(practice, "staff-messages", "queue")
    if message.urgency == Urgency.URGENT:
        wake(practice)
    return message


def start_carrying(message: StaffMessage) -> None:
    """Makes an urgent message due for its first step, with a code and a link to take it by."""
    message.next_step_at, message.step = timezone.now(), message.step
    message.ack_code = message.ack_code or new_code()
    message.ack_token_hash = ack_links.hash_of(ack_links.secret_of(message.pk))


def new_code() -> str:
    """Four digits that no other urgent message of the last days answers to."""
    lately = timezone.now() - 2 * ack_links.LIVES
    taken = set(StaffMessage.objects.filter(created_at__gte=lately).values_list("ack_code", flat=True))
    for _ in range(200):
        code = f"{secrets.randbelow(9000) + 1000}"
        if code not in taken:
            return code
    return f"{secrets.randbelow(900_000) + 100_000}"


def open_its_task(message: StaffMessage, due_at: dt.datetime, by: Actor) -> Task:
    urgent = message.urgency == Urgency.URGENT
    return open_task(
        kind=Task.Kind.STAFF_MESSAGE,
        due_at=due_at,
        once_key=task_key(message),
        urgency=Task.Urgency.SOON if urgent else Task.Urgency.ROUTINE,
        patient=message.patient,
        subject_id=message.pk,
        note=f"{message.get_kind_display()} for {for_whom(message)}",
        owner=None if urgent else message.to_user,
        by=by,
    )


def task_key(message: StaffMessage) -> str:
    return f"staff-message:{message.pk}"


def wake(practice: Practice) -> None:
    """Asks a worker to carry what is due; if nobody hears, the timetable does."""
    wake_delivery(practice, "messaging.tasks.carry_urgent")


def locked(message: StaffMessage) -> StaffMessage:
    """The message as it stands, locked, with its people."""
    rows = StaffMessage.objects.select_for_update(of=("self",)).select_related("patient", "to_user")
    found: StaffMessage = rows.select_related("acknowledged_by", "done_by").get(pk=message.pk)
    return found


@transaction.atomic
def acknowledge(*, message: StaffMessage, how: str = "page", by: Actor) -> StaffMessage:
    """Says that `by` has the message: nobody is asked any more, what still waits to go out is withdrawn.

    The first one counts; a second one changes nothing and gets the message as it stands.
    """
    message = locked(message)
    if message.acknowledged_at is not None or message.done_at is not None:
        return message
    message.acknowledged_at, message.acknowledged_by = timezone.now(), by.user
    message.acknowledged_how = how[:10]
    _rest(message)
    audit.record(
        "staff_message.acknowledged",
        message,
        by=by,
        patient_id=message.patient_id,
        changes={"how": ["", message.acknowledged_how]},
    )
    _own_task(message, by.user)
    changes.announce(message.practice, "staff-messages", "queue")
    return message


def _rest(message: StaffMessage) -> None:
    """Ends the carrying: no step is due, no text that waits goes out any more."""
    message.next_step_at = None
    message.version += 1
    message.save()
    waiting = Message.objects.filter(
        pk__in=EscalationStep.objects.filter(staff_message=message).values("message")
    )
    withdraw_messages(messages=waiting, reason="accepted", by=Actor(kind="system", door="timetable"))


def _own_task(message: StaffMessage, owner: User | None) -> None:
    """The task is hers who has the message; what was raised because nobody took it comes down again."""
    soon = Task.Urgency.SOON if message.urgency == Urgency.URGENT else Task.Urgency.ROUTINE
    Task.objects.open().filter(once_key=task_key(message)).update(owner=owner, urgency=soon)


@transaction.atomic
def finish(*, message: StaffMessage, outcome: str, by: Actor) -> StaffMessage:
    """Closes a message with what came of it; raises MessageRefused without one, AlreadyDone a second time."""
    outcome = outcome.replace("\x00", "").strip()
    if not outcome:
        raise MessageRefused("Write what came of it, so that the next caller can be told.", "outcome")
    if len(outcome) > LONGEST:
        raise MessageRefused(f"This is longer than {LONGEST:,} letters. Say it shorter.", "outcome")
    message = locked(message)
    if message.done_at is not None:
        raise AlreadyDone("This message was answered meanwhile.")
    now = timezone.now()
    if message.acknowledged_at is None:
        message.acknowledged_at, message.acknowledged_by, message.acknowledged_how = now, by.user, "page"
    message.done_at, message.done_by, message.outcome = now, by.user, outcome
    _rest(message)
    audit.record("staff_message.done", message, by=by, patient_id=message.patient_id)
    for task in Task.objects.open().filter(once_key=task_key(message)):
        close_task(task=task, outcome="answered", by=by)
    changes.announce(message.practice, "staff-messages", "queue")
    return message


@transaction.atomic
def hand_over(
    *, message: StaffMessage, recipient: str, to_user: User | None = None, to_role: str = "", by: Actor
) -> StaffMessage:
    """Gives a message to somebody else, who has to accept it anew; an urgent one is carried to them at once.

    Raises AlreadyDone, or MessageRefused for a recipient who is nobody.
    """
    message = locked(message)
    if message.done_at is not None:
        raise AlreadyDone("This message was answered meanwhile.")
    before = for_whom(message)
    address(message, recipient, to_user, to_role)
    message.acknowledged_at = message.acknowledged_by = None
    message.acknowledged_how = ""
    _rest(message)
    if message.urgency == Urgency.URGENT:
        start_carrying(message)
        message.save(update_fields=["next_step_at", "ack_code", "ack_token_hash"])
        wake(message.practice)
    _log_hand_over(message, by)
    owner = None if message.urgency == Urgency.URGENT else message.to_user
    _own_task(message, owner)
    audit.record(
        "staff_message.handed-over",
        message,
        by=by,
        patient_id=message.patient_id,
        changes={"for": [before, for_whom(message)]},
    )
    changes.announce(message.practice, "staff-messages", "queue")
    return message


def _log_hand_over(message: StaffMessage, by: Actor) -> None:
    """A line in the log; who was asked before it may be asked again."""
    message.step += 1
    message.save(update_fields=["step"])
    EscalationStep.objects.create(
        practice=message.practice,
        staff_message=message,
        number=message.step,
        to_user=message.to_user,
        channel=HANDED_OVER,
        words=f"{by.name} handed it to {for_whom(message)}"[:160],
    )
