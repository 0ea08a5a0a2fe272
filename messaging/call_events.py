"""What the telephone reports about calls. Reports come in any order, late, and more than once.

Each locks the call and moves it forward at most once; the state at the end does not depend on the order.
A leg is the line to a colleague's desk phone; the command that rang it is how it is known.
"""

import datetime as dt
import uuid

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from messaging import call_endings
from messaging.call_commands import Verb, order, take_turn
from messaging.call_endings import remember, shown
from messaging.calls import hold_others
from messaging.models import Call, CallCommand
from practices.audit import SYSTEM, Actor

Status, Outcome, Direction = Call.Status, Call.Outcome, Call.Direction
LEG_VERBS = (Verb.ANSWER, Verb.RESUME, Verb.TRANSFER, Verb.DIAL)
OVER = (Status.WRAP_UP, Status.ENDED)
ENDS = {
    "completed": Outcome.ANSWERED,
    "busy": Outcome.BUSY,
    "no-answer": Outcome.NO_ANSWER,
    "canceled": Outcome.NO_ANSWER,
    "failed": Outcome.FAILED,
}
REPORTED = Actor(kind="system", door="telephone")
RANG_OFF = "rang-off"


def find(call_id: uuid.UUID) -> Call | None:
    """The call, locked."""
    return Call.objects.select_for_update().filter(pk=call_id).first()


# The patient's line.


@transaction.atomic
def line_reported(call: Call, status: str, seconds: int | None) -> Call:
    """The patient's line rings, is answered or has ended, after `seconds` as the supplier counts them."""
    call = Call.objects.select_for_update().get(pk=call.pk)
    if status in ENDS:
        return line_ended(call, status, seconds)
    if status in {"answered", "in-progress"} and call.direction == Direction.OUT:
        return patient_answered(call)
    return call


@transaction.atomic
def line_known(call: Call, sid: str) -> Call:
    """The line of a call that we placed, told by its first report: the answer to placing it may be lost."""
    call = Call.objects.select_for_update().get(pk=call.pk)
    if sid and not call.supplier_id and call.direction == Direction.OUT:
        call.supplier_id = sid[:64]
        call.save(update_fields=["supplier_id"])
    return call


def line_ended(call: Call, status: str, seconds: int | None) -> Call:
    if call.status in OVER:
        return call
    if call.direction == Direction.IN and call.status == Status.RINGING:
        waited = int((timezone.now() - call.started_at).total_seconds())
        if seconds is not None and call.message_id is None:
            waited = seconds  # of an automatic call these include what was said before key 9
        return call_endings.nobody_answered(call, waited, REPORTED)
    if call.direction == Direction.IN and call.status == Status.LIVE and never_connected(call):
        order(call, Verb.END, by=REPORTED)
        return call_endings.caller_was_gone(call, REPORTED)
    if status == "completed" and call.answered_at is None:
        call.answered_at = timezone.now() - dt.timedelta(seconds=seconds or 0)
    order(call, Verb.END, by=REPORTED)  # the desk phone is alone on the line
    return call_endings.conversation_over(call, ENDS[status], REPORTED)


def never_connected(call: Call) -> bool:
    """Whether the one who answered has not picked up the desk phone yet."""
    last = legs_of(call.pk).last()
    return not call.staff_leg_id and last is not None and last.verb == Verb.ANSWER


def patient_answered(call: Call) -> Call:
    """A dialled patient picked up."""
    if call.status not in {Status.QUEUED, Status.RINGING}:
        return call
    before, call.status, call.answered_at = call.status, Status.LIVE, timezone.now()
    return remember(call, "connected", REPORTED, status=[before, call.status])


# The legs to the desk phones.


@transaction.atomic
def leg_joined(command_id: uuid.UUID, leg: str) -> Call | None:
    """A colleague picked up: her leg comes into the call. None when there is nothing left to come into."""
    command = CallCommand.objects.filter(pk=command_id).first()
    if command is not None:
        take_turn(owner_of(command))  # her leg comes from another of her calls: no verb between the two
    call = find(command.call_id) if command else None
    if command is None or call is None or call.status in OVER or owner_of(command) != call.handler_id:
        return None
    if leg_has_ended(leg):
        return None
    remember_leg(command, leg)
    if call.staff_leg_id == leg:
        return call
    if call.staff_leg_id and command.verb == Verb.TRANSFER:
        order(call, Verb.TRANSFER, by=REPORTED, leg_id=call.staff_leg_id)  # whoever handed over leaves
    if command.verb == Verb.TRANSFER and command.to_user is not None:
        hold_others(command.to_user, REPORTED, but=call)  # she speaks with one caller at a time
    Call.objects.filter(staff_leg_id=leg).exclude(pk=call.pk).update(staff_leg_id="")
    call.staff_leg_id = leg
    if command.verb == Verb.DIAL and call.status == Status.QUEUED:
        call.status = Status.RINGING
        order(call, Verb.DIAL, by=REPORTED)  # now the patient's telephone
    call.save(update_fields=["staff_leg_id", "status"])
    return shown(call)


def owner_of(command: CallCommand) -> int | None:
    """Whose desk phone a command rings."""
    return command.to_user_id if command.verb == Verb.TRANSFER else command.created_by_id


def remember_leg(command: CallCommand, leg: str) -> None:
    CallCommand.objects.filter(pk=command.pk).update(leg_id=leg)


def leg_has_ended(leg: str) -> bool:
    return CallCommand.objects.filter(leg_id=leg, error_code=RANG_OFF).exists()


@transaction.atomic
def leg_ended(command_id: uuid.UUID, leg: str, status: str) -> None:
    """A desk phone rang off, or was never picked up; a leg may have moved to another call meanwhile."""
    command = CallCommand.objects.filter(pk=command_id).first()
    if command is None or status not in ENDS:
        return
    there = Call.objects.filter(staff_leg_id=leg).values_list("pk", flat=True).first()
    call = find(there or command.call_id)  # before its orders, as whoever carries them out does
    CallCommand.objects.filter(pk=command.pk).update(leg_id=leg, error_code=RANG_OFF)
    if call is None or call.status in OVER:
        return
    if status != "completed":
        not_picked_up(call, command)
    elif call.staff_leg_id == leg or (not call.staff_leg_id and is_latest(command)):
        desk_rang_off(call, command)


def is_latest(command: CallCommand) -> bool:
    """Whether no later command rang a desk phone for the call."""
    last = legs_of(command.call_id).last()
    return last is not None and last.pk == command.pk


def legs_of(call_id: uuid.UUID) -> QuerySet[CallCommand]:
    """The commands that rang a desk phone for a call, oldest first."""
    rings = CallCommand.objects.filter(call_id=call_id, verb__in=LEG_VERBS)
    # Without a colleague these are the second halves: the patient's telephone, and whoever leaves.
    return rings.exclude(verb__in=[Verb.DIAL, Verb.TRANSFER], to_user=None)


def desk_rang_off(call: Call, command: CallCommand) -> None:
    """The person put the receiver down: the call she speaks on is over, a held one waits on."""
    call.staff_leg_id = ""
    # Whoever handed the call over has left already: the colleague's telephone still rings.
    handed_over = owner_of(command) != call.handler_id
    if call.status == Status.LIVE and not handed_over:
        order(call, Verb.END, by=REPORTED)
        call_endings.conversation_over(call, Outcome.ANSWERED, REPORTED)
    elif call.status in {Status.QUEUED, Status.RINGING} and call.direction == Direction.OUT:
        order(call, Verb.END, by=REPORTED)
        call_endings.conversation_over(call, Outcome.NO_ANSWER, REPORTED)
    else:
        call.save(update_fields=["staff_leg_id"])
        shown(call)


def not_picked_up(call: Call, command: CallCommand) -> None:
    """A desk phone that should have been answered was not: the state goes back to what is true."""
    if not is_latest(command) or owner_of(command) != call.handler_id:
        return
    who = command.to_user if command.verb == Verb.TRANSFER else command.created_by
    name = who.short_name if who else "Nobody"
    if command.verb == Verb.TRANSFER and call.staff_leg_id and command.created_by_id:
        give_back(call, command, f"{name} did not pick up. The caller is still with you.")
    else:
        undo(call, command, f"{name}’s desk phone was not picked up.")


@transaction.atomic
def undo(call: Call, command: CallCommand, words: str) -> Call:
    """What a command should have done did not happen: says so, and takes the state back."""
    if command.verb != Verb.REQUEUE or not call.problem:  # why she waits again says more
        call.problem = words[:120]
    if call.status in OVER:
        return remember(call, "problem", REPORTED, problem=["", call.problem])
    if command.verb == Verb.ANSWER or command.verb == Verb.TRANSFER:
        return ring_again(call)
    if command.verb == Verb.RESUME and call.status == Status.LIVE:
        call.status, call.held_since = Status.HELD, timezone.now()
    if command.verb == Verb.DIAL:
        return call_endings.conversation_over(call, Outcome.FAILED, REPORTED)
    return remember(call, "problem", REPORTED, problem=["", call.problem])


def give_back(call: Call, command: CallCommand, words: str) -> Call:
    """A colleague did not take the call over: it stays with whoever gave it."""
    call.handler_id, call.problem = command.created_by_id, words[:120]
    return remember(call, "given-back", REPORTED, handler=[command.to_user_id, call.handler_id])


def ring_again(call: Call) -> Call:
    """The caller goes back to the line, where everybody sees the call ring."""
    if call.direction == Direction.OUT:
        return call_endings.conversation_over(call, Outcome.FAILED, REPORTED)
    before, call.status = call.status, Status.RINGING
    call.handler_id = call.answered_at = call.held_since = None
    call.staff_leg_id = ""
    order(call, Verb.REQUEUE, by=SYSTEM)
    return remember(call, "rings-again", REPORTED, status=[before, call.status])
