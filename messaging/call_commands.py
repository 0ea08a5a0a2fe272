"""Gives the telephone its orders: a row in the caller's transaction, carried out after the commit."""

from django.db import connection

from messaging.models import Call, CallCommand
from messaging.outbox import wake_delivery
from practices.audit import Actor
from practices.models import User

Verb = CallCommand.Verb
TASK = "messaging.tasks.carry_out_calls"
A_PERSONS_CALLS = 7305  # the class of the advisory lock; no other lock of the house has it


def order(
    call: Call, verb: str, *, by: Actor, to_user: User | None = None, leg_id: str = ""
) -> CallCommand | None:
    """Orders `verb` for a call; nothing for one that was logged by hand, whose telephone is not ours."""
    if call.by_hand:
        return None
    command = CallCommand(
        practice=call.practice, call=call, verb=verb, to_user=to_user, leg_id=leg_id, created_by=by.user
    )
    command.save(force_insert=True)
    wake_delivery(call.practice, TASK)
    return command


def take_turn(user_id: int | None) -> None:
    """One thing at a time happens to a person’s calls: two tabs cannot make two live ones."""
    if user_id is not None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [A_PERSONS_CALLS, user_id])
