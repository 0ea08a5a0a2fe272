"""Closes a conversation: everything that waited in it is dealt with."""

from django.db import transaction

from messaging import inbox
from messaging.conversations import State, locked_with_work, settle, store, tasks_of, waiting_messages
from messaging.models import Conversation
from messaging.staff_tasks import close_task
from practices.audit import Actor


@transaction.atomic
def close_conversation(*, thread: Conversation, version: int | None = None, by: Actor) -> Conversation:
    """Closes a thread: what was unanswered in it counts as handled, its tasks are done.

    Raises SomebodyWasFaster for a stale `version`.
    """
    thread = locked_with_work(thread, version)
    was = thread.state
    for message in waiting_messages(thread).order_by("address_index").distinct("address_index"):
        inbox.mark_handled(message=message, outcome="closed", by=by)
    for task in tasks_of(thread):
        close_task(task=task, outcome="closed", by=by)
    thread.refresh_from_db()
    settle(thread, State.DONE)
    return store(thread, "closed", {"state": was}, by)
