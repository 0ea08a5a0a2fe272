"""When two records of one patient become one: their two threads become one, with what was read and noted."""

from django.db.models import QuerySet

from messaging.models import (
    BroadcastRecipient,
    Conversation,
    ConversationRead,
    Draft,
    TeamNote,
)
from patients.models import Patient

State = Conversation.State
MOST_PRESSING = [State.NEEDS_ACTION, State.WAITING, State.DONE]


def join_threads(keep: Patient, other: Patient) -> None:
    """Joins the thread of `other` into that of `keep`: there may be one a patient."""
    _join_recipients(keep, other)
    locked = Conversation.objects.select_for_update(of=("self",)).filter(patient__in=[keep, other])
    threads = {thread.patient_id: thread for thread in locked}
    stays, goes = threads.get(keep.pk), threads.get(other.pk)
    if goes is None or stays is None:
        return  # one of them at most: it moves with the other rows
    _take_over(stays, goes)
    TeamNote.objects.filter(conversation=goes).update(conversation=stays)
    _join_reads(stays, goes)
    own = Draft.objects.filter(key=f"thread:{stays.pk}").values("user")
    Draft.objects.filter(key=f"thread:{goes.pk}").exclude(user__in=own).update(key=f"thread:{stays.pk}")
    goes.delete()
    stays.version += 1
    stays.save()


def _take_over(stays: Conversation, goes: Conversation) -> None:
    """The more pressing state and the later line; an owner is kept where only one thread had one."""
    if MOST_PRESSING.index(State(goes.state)) < MOST_PRESSING.index(State(stays.state)):
        stays.state, stays.later_until = goes.state, goes.later_until
    elif goes.state == stays.state and goes.later_until is None:
        stays.later_until = None
    stays.urgency = min(stays.urgency, goes.urgency)
    since = [moment for moment in (stays.needs_since, goes.needs_since) if moment]
    stays.needs_since = min(since) if since and stays.state == State.NEEDS_ACTION else None
    if stays.owner_id is None and not stays.owner_role:
        stays.owner, stays.owner_role = goes.owner, goes.owner_role
    if goes.last_at > stays.last_at:
        stays.last_at, stays.last_line, stays.last_kind = goes.last_at, goes.last_line, goes.last_kind
        stays.last_from_them, stays.channel = goes.last_from_them, goes.channel
    came = [moment for moment in (stays.last_in_at, goes.last_in_at) if moment]
    stays.last_in_at = max(came) if came else None


def _join_reads(stays: Conversation, goes: Conversation) -> None:
    """Who read only one of the two has not read the other: the earlier look counts."""
    looks = {row.user_id: row for row in ConversationRead.objects.filter(conversation=stays)}
    seen_both = []
    for row in ConversationRead.objects.filter(conversation=goes):
        mine = looks.get(row.user_id)
        if mine is not None:
            mine.seen_at = min(mine.seen_at, row.seen_at)
            mine.save(update_fields=["seen_at"])
            seen_both.append(mine.pk)
    ConversationRead.objects.filter(conversation=stays).exclude(pk__in=seen_both).delete()


def _join_recipients(keep: Patient, other: Patient) -> None:
    """A broadcast that had both on its list keeps the row of the record that stays."""
    rows: QuerySet[BroadcastRecipient] = BroadcastRecipient.objects.filter(patient=keep)
    BroadcastRecipient.objects.filter(patient=other, broadcast__in=rows.values("broadcast")).delete()
