"""The bar below the board: the person's last change, how long it can be taken back, and the earlier ones."""

import datetime as dt
from dataclasses import dataclass

from messaging.models import Message
from practices.models import Practice, User
from scheduling.models import Change, Notice
from scheduling.undo import last_changes
from scheduling.words import short_when, stage_words

SOON = dt.timedelta(minutes=1)
THEIRS = {"female": "Her", "male": "His"}


@dataclass(frozen=True, slots=True)
class BarRow:
    """One change that can still be taken back."""

    change: Change
    title: str
    text: str
    expires: dt.datetime
    waiting: Message | None
    countdown: str


def change_rows(practice: Practice, user: User) -> list[BarRow]:
    """The person's changes that can be taken back, newest first; two queries."""
    changes = last_changes(user)
    if not changes:
        return []
    notices = Notice.objects.filter(
        appointment__in=[change.appointment_id for change in changes],
        message__status=Message.Status.QUEUED,
    ).exclude(kind__startswith="reminder")
    notices = notices.select_related("message")
    waiting = {notice.appointment_id: notice.message for notice in notices.order_by("-message__send_after")}
    private = user.privacy_mode
    return [row_of(change, waiting.get(change.appointment_id), practice, private) for change in changes]


def row_of(change: Change, message: Message | None, practice: Practice, private: bool) -> BarRow:
    visit = change.appointment
    name = visit.patient.shown_name(private=private)
    when = short_when(visit.starts_at, practice)
    text = {
        Change.Kind.BOOKED: f"booked for {when} with {visit.practitioner.short_name}",
        Change.Kind.MOVED: f"moved to {when} with {visit.practitioner.short_name}",
        Change.Kind.CANCELLED: f"cancelled, {when}",
        Change.Kind.WALKED_IN: f"walked in, with {visit.practitioner.short_name}",
        Change.Kind.EDITED: f"changed, {when}",
    }.get(Change.Kind(change.kind), f"is now “{stage_words(visit)}”")
    if change.size > 1:
        text = f"and {change.size - 1} more: {change.size} visits {change.get_kind_display()}, {text}"
    their = THEIRS.get(visit.patient.sex, "Their")
    medium = "e-mail" if message and message.channel == "email" else "text"
    if message is None or message.send_after is None:
        return BarRow(change, name, text, change.undo_until, None, "Undo within")
    if message.send_after > change.undo_until + SOON:  # quiet hours: not within anybody's patience
        text += f". {their} {medium} goes out {short_when(message.send_after, practice)}"
        return BarRow(change, name, text, change.undo_until, message, "Undo within")
    return BarRow(change, name, text, message.send_after, message, f"{their} {medium} goes out in")
