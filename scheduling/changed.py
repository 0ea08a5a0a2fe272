"""What changed in the diary since a person last looked: by whom, when, and what patients were told of it.

The audit says what was done, the outbox what was told. A look ends by a press and at the moment the list was
drawn: leaving the page is no reading, and two open pages can only move it forward.
"""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from messaging.models import Message
from practices.audit import Actor
from practices.models import AuditEntry, Practice, User
from practices.tenancy import current_practice
from scheduling.models import Appointment, LastLook, Notice
from scheduling.words import short_when

FIRST_LOOK = dt.timedelta(days=1)  # what who never looked sees
LONGEST = dt.timedelta(days=31)
MOST = 200
QUEUED_BEFORE = dt.timedelta(days=1)  # a text may wait so long between its row and its leaving
COUNTED = 100  # “99+” is enough to know
# Verb → kind, drawing, words.
VERBS = {
    "appointment.booked": ("booked", "cal-plus", "Booked"),
    "appointment.rescheduled": ("moved", "cal-move", "Moved"),
    "appointment.cancelled": ("cancelled", "cal-x", "Cancelled"),
    "appointment.confirmed": ("confirmed", "st-conf", "Confirmed"),
    "appointment.declined": ("cancelled", "st-bad", "Cannot come"),
    "appointment.change_requested": ("moved", "cal-move", "Wants another time"),
    "appointment.noshow": ("cancelled", "st-bad", "Did not come"),
    "appointment.booked.undone": ("cancelled", "undo", "Booking taken back"),
    "appointment.moved.undone": ("moved", "undo", "Move taken back"),
    "appointment.cancelled.undone": ("booked", "undo", "Stands again"),
}
KINDS = ("booked", "moved", "cancelled", "confirmed", "told")
S = Message.Status
TOLD = {S.SENT: "Told", S.DELIVERED: "Told, delivered"}
NOT_TOLD = {S.UNDELIVERED: "did not arrive", S.FAILED: "was refused", S.SUPPRESSED: "was not sent"}
MEDIA = {"sms": "text", "email": "e-mail", "call": "call"}
DOORS = {"text": " by text", "link": " by the link", "call": " by phone"}


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose and which day's changes are asked for, from when on, and whether one's own count."""

    since: dt.datetime
    practitioner: uuid.UUID | None = None
    day: dt.date | None = None
    kind: str = ""
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to a visit."""

    at: dt.datetime
    kind: str
    symbol: str
    words: str
    by: str
    visit: Appointment
    when: str
    was: str = ""

    @property
    def patient_id(self) -> uuid.UUID:
        return self.visit.patient_id

    def url(self, slug: str) -> str:
        """The visit on the board of its day; its own page where the board does not show it."""
        if not self.visit.is_active:
            return reverse("appointment", args=[slug, self.visit.pk])
        return f"{reverse('today', args=[slug])}?d={self.visit.local_date}&at=all#visit-{self.visit.pk}"


def last_look(user: User) -> dt.datetime:
    """Up to when a person has seen what changed."""
    seen = LastLook.objects.filter(user=user).order_by().values_list("seen_until", flat=True)
    return next(iter(seen), timezone.now() - FIRST_LOOK)


def count_unseen(practice: Practice, user: User, practitioner: uuid.UUID | None = None) -> int:
    """How many changes others made since the last look, at most COUNTED; one query."""
    looked = LastLook.objects.filter(user=user).order_by().values("seen_until")[:1]
    since = Coalesce(Subquery(looked), timezone.now() - FIRST_LOOK)
    entries = _entries(user, mine=False).filter(Q(at__gt=since), at__gt=timezone.now() - LONGEST)
    return _of(entries, practitioner, None).order_by()[:COUNTED].count()


def what_changed(practice: Practice, user: User, wish: Wish) -> tuple[list[Entry], bool]:
    """The changes since `wish.since`, newest first, and whether there are more; three queries."""
    since = max(wish.since, timezone.now() - LONGEST)
    found = _of(_entries(user, mine=wish.mine).filter(at__gt=since), wish.practitioner, wish.day)
    rows = list(found.select_related("actor").order_by("-at")[: MOST + 1])
    told = list(_notices(since, wish)[: MOST + 1])
    ids = {row.subject_id for row in rows}
    visits = Appointment.objects.with_people().select_related("rescheduled_from__practitioner")
    by_id = visits.in_bulk(ids)
    entries = [_entry(row, by_id[row.subject_id], practice) for row in rows if row.subject_id in by_id]
    entries += [_told(notice, practice) for notice in told]
    if wish.kind:
        entries = [entry for entry in entries if entry.kind == wish.kind]
    entries.sort(key=lambda entry: entry.at, reverse=True)
    return entries[:MOST], len(rows) > MOST or len(told) > MOST or len(entries) > MOST


def _entries(user: User, *, mine: bool) -> QuerySet[AuditEntry]:
    entries = AuditEntry.objects.filter(verb__in=list(VERBS))
    return entries if mine else entries.exclude(actor=user)


def _of(
    entries: QuerySet[AuditEntry], practitioner: uuid.UUID | None, day: dt.date | None
) -> QuerySet[AuditEntry]:
    """What concerns a clinician, also what left her, and visits that are or were on a day."""
    wanted = Q()
    if practitioner:
        wanted &= Q(practitioner=practitioner) | Q(rescheduled_from__practitioner=practitioner)
    if day:
        wanted &= Q(local_date=day) | Q(rescheduled_from__local_date=day)
    if not wanted:
        return entries
    return entries.filter(Exists(Appointment.objects.filter(wanted, pk=OuterRef("subject_id"))))


def _notices(since: dt.datetime, wish: Wish) -> QuerySet[Notice]:
    """Texts and e-mails about visits that left since then, or did not; found by keys, which hold time."""
    first = key_of_moment(since - QUEUED_BEFORE)
    gone = Q(message__sent_at__gt=since, message__status__in=[*TOLD, *NOT_TOLD])
    kept = Q(message__sent_at=None, message__status__in=list(NOT_TOLD), message__created_at__gt=since)
    notices = Notice.objects.filter(gone | kept, pk__gte=first)
    if wish.practitioner:
        notices = notices.filter(appointment__practitioner=wish.practitioner)
    if wish.day:
        notices = notices.filter(appointment__local_date=wish.day)
    people = ("appointment__patient", "appointment__practitioner", "appointment__appointment_type")
    return notices.select_related("message", *people).order_by("-pk")


def key_of_moment(moment: dt.datetime) -> uuid.UUID:
    """The smallest key that a row made at this moment can have (practices.keys.uuid7)."""
    return uuid.UUID(int=(int(moment.timestamp() * 1000) & ((1 << 48) - 1)) << 80)


def _entry(row: AuditEntry, visit: Appointment, practice: Practice) -> Entry:
    kind, symbol, words = VERBS[row.verb]
    was, before = "", visit.rescheduled_from
    if row.verb == "appointment.rescheduled" and before is not None:
        was = short_when(before.starts_at, practice)
        if before.practitioner_id != visit.practitioner_id:
            was += f", {before.practitioner.short_name}"
    when = short_when(visit.starts_at, practice)
    return Entry(row.at, kind, symbol, words, actor_words(row), visit, when, was)


def actor_words(row: Any) -> str:
    """Who did it: a colleague by name, the patient and by which way, a program, or the house itself."""
    if row.actor is not None:
        return (
            f"{row.actor.short_name}, by a program" if row.actor_kind == "api" else str(row.actor.short_name)
        )
    kind = {"patient": "the patient", "system": "Front Desk"}.get(row.actor_kind, str(row.actor_kind))
    return kind + DOORS.get(row.door, "")


def _told(notice: Notice, practice: Practice) -> Entry:
    message, visit = notice.message, notice.appointment
    medium = MEDIA.get(message.channel, message.channel)
    left = TOLD.get(S(message.status))
    words = f"{left} by {medium}" if left else f"The {medium} {NOT_TOLD[S(message.status)]}"
    at = message.sent_at or message.created_at
    about = notice.kind.partition("-")[0]
    symbol = "send" if left else "alert"
    return Entry(
        at, "told", symbol, f"{words}: {about}", "Front Desk", visit, short_when(visit.starts_at, practice)
    )


@transaction.atomic
def mark_seen(*, until: dt.datetime, by: Actor) -> LastLook:
    """Ends a person's look at `until`, the moment her list was drawn; never later than now, never back.

    How far a person has read is no fact of the practice: no audit entry.
    """
    until = min(until, timezone.now())
    mine = LastLook.objects.filter(user=by.user)
    LastLook.objects.bulk_create(
        [LastLook(practice=current_practice(), user=by.user, seen_until=until)], ignore_conflicts=True
    )
    mine.filter(seen_until__lt=until).update(seen_until=until)
    return mine.get()


def patients_of(entries: Iterable[Entry]) -> list[uuid.UUID]:
    return [entry.patient_id for entry in entries]
