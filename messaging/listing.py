"""The inbox as a list: which threads are in it, in which order, and what each row says."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.utils import timezone

from messaging.models import Conversation, ConversationQuerySet, ConversationRead, Task
from messaging.thread import clock
from patients.contacts import show_phone
from patients.models import Channel
from practices.models import Practice, Role, User

State, Line = Conversation.State, Conversation.Line
PAGE = 50
FARTHEST = 2_000

TABS = (("todo", "To do"), ("mine", "Mine"), ("waiting", "Waiting"), ("closed", "Closed"))
URGENCIES = {"emergency": Task.Urgency.EMERGENCY, "soon": Task.Urgency.SOON, "routine": Task.Urgency.ROUTINE}
ICONS = {
    Line.TEXT: "msg",
    Line.EMAIL: "mail",
    Line.CALL: "phone",
    Line.MISSED: "phone-x",
    Line.VOICEMAIL: "voicemail",
    Line.NOTE: "note",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants to see of the inbox; whatever is not understood counts as not wished."""

    tab: str = "todo"
    channel: str = ""
    owner: str = ""  # me, nobody, role:<role>, or a person's number
    urgency: str = ""
    start: int = 0

    @staticmethod
    def read(data: Mapping[str, Any]) -> "Wish":
        def one_of(name: str, known: Any) -> str:
            value = str(data.get(name, ""))
            return value if value in known else ""

        owner = str(data.get("owner", ""))[:40]
        role = owner.removeprefix("role:") if owner.startswith("role:") else ""
        person = owner if owner.isascii() and owner.isdigit() and len(owner) < 10 else ""
        start = str(data.get("start", ""))
        return Wish(
            tab=one_of("tab", dict(TABS)) or "todo",
            channel=one_of("channel", Channel.values),
            owner=owner if owner in {"me", "nobody"} or role in Role.values else person,
            urgency=one_of("urgency", URGENCIES),
            start=min(int(start), FARTHEST) if start.isascii() and start.isdigit() and len(start) < 6 else 0,
        )

    @property
    def narrowed(self) -> bool:
        """Whether a filter beside the tab is set."""
        return bool(self.channel or self.owner or self.urgency)

    def query(self, **other: Any) -> str:
        """The wish as the query of an address, with other values for some of it."""
        values = {name: getattr(self, name) for name in ("tab", "channel", "owner", "urgency", "start")}
        values = {name: value for name, value in (values | other).items() if value}
        if values.get("tab") == "todo":
            del values["tab"]
        return "?" + "&".join(f"{name}={value}" for name, value in values.items()) if values else "?"


@dataclass(frozen=True, slots=True)
class Row:
    """One thread of the list, ready to be drawn."""

    pk: uuid.UUID
    name: str
    initials: str
    icon: str
    icon_label: str
    tone: str
    line: str
    when: str
    tags: list[tuple[str, str]]  # tone, words
    unread: bool
    urgency: int
    last_at: dt.datetime
    patient_id: uuid.UUID | None
    practice: Practice


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the list with the counts of its tabs."""

    rows: list[Row]
    counts: dict[str, int]
    more: bool
    wish: Wish = field(default_factory=Wish)

    @property
    def patients(self) -> list[uuid.UUID]:
        return [row.patient_id for row in self.rows if row.patient_id]


def threads(user: User, wish: Wish, now: dt.datetime) -> ConversationQuerySet:
    """The threads of a wish, emergencies first, then what was said last."""
    every = Conversation.objects.all()
    tabs = {
        "todo": every.to_do(now),
        "mine": every.mine(user),
        "waiting": every.waiting(now),
        "closed": every.done(),
    }
    rows = tabs[wish.tab]
    if wish.channel:
        rows = rows.filter(channel=wish.channel)
    if wish.urgency:
        rows = rows.filter(urgency=URGENCIES[wish.urgency])
    if wish.owner:
        rows = rows.filter(_owned(wish.owner, user))
    seen = ConversationRead.objects.filter(conversation=OuterRef("pk"), user=user).values("seen_at")[:1]
    rows = rows.select_related("patient", "owner").annotate(seen_at=Subquery(seen))
    order = ("-last_at", "-id") if wish.tab == "closed" else ("urgency", "-last_at", "-id")
    return rows.order_by(*order)


def _owned(owner: str, user: User) -> Q:
    if owner == "me":
        return Q(owner=user)
    if owner == "nobody":
        return Q(owner=None, owner_role="")
    if owner.startswith("role:"):
        return Q(owner_role=owner.removeprefix("role:"))
    return Q(owner_id=int(owner))


def counts(user: User, now: dt.datetime) -> dict[str, int]:
    """How many threads wait in each tab, in one query; nobody counts the closed ones."""
    every = Conversation.objects.exclude(state=State.DONE)
    put_off = Q(later_until__gt=now)
    todo = Q(state=State.NEEDS_ACTION) & (Q(later_until=None) | Q(later_until__lte=now))
    found: dict[str, int] = every.aggregate(
        todo=Count("pk", filter=todo),
        mine=Count("pk", filter=Q(owner=user)),
        waiting=Count("pk", filter=Q(state=State.WAITING) | Q(state=State.NEEDS_ACTION) & put_off),
    )
    return found


def to_do_count(now: dt.datetime | None = None) -> int:
    """How many threads of the open practice need somebody, for the rail."""
    return Conversation.objects.all().to_do(now or timezone.now()).count()


def list_threads(practice: Practice, user: User, wish: Wish) -> Listed:
    """A page of the inbox of the open practice, in two queries however many rows it has."""
    now = timezone.now()
    found = list(threads(user, wish, now)[wish.start : wish.start + PAGE + 1])
    rows = [row_of(thread, practice, user, now) for thread in found[:PAGE]]
    return Listed(rows, counts(user, now), len(found) > PAGE, wish)


def row_of(thread: Conversation, practice: Practice, user: User, now: dt.datetime) -> Row:
    """A thread as a row; while names are hidden, neither number nor words are shown."""
    private = user.privacy_mode
    kind = Line(thread.last_kind)
    line = kind.label if private else thread.last_line or kind.label
    if not thread.last_from_them and kind in {Line.TEXT, Line.EMAIL}:
        line = f"We wrote: {line}"
    seen = getattr(thread, "seen_at", None)
    return Row(
        pk=thread.pk,
        name=name_of(thread, private=private),
        initials=thread.patient.initials if thread.patient else "",
        icon=ICONS[kind],
        icon_label=kind.label,
        tone=_tone(thread),
        line=line,
        when=ago(thread.last_at, practice, now),
        tags=_tags(thread, practice, user, now),
        unread=thread.last_in_at is not None and (seen is None or seen < thread.last_in_at),
        urgency=thread.urgency,
        last_at=thread.last_at,
        patient_id=thread.patient_id,
        practice=practice,
    )


def name_of(thread: Conversation, *, private: bool) -> str:
    """Whom a thread is with: the patient, or the number or address of a stranger."""
    if thread.patient is not None:
        return str(thread.patient.shown_name(private=private))
    address = str(thread.address)
    if not address:
        return "Number withheld"
    if private:
        return f"Number …{address[-2:]}" if "@" not in address else "An e-mail address"
    return address if "@" in address else show_phone(address)


def _tone(thread: Conversation) -> str:
    if thread.urgency == Task.Urgency.EMERGENCY and thread.is_open:
        return "bad"
    if thread.state == State.NEEDS_ACTION:
        return "book" if thread.last_kind in {Line.MISSED, Line.VOICEMAIL} else "acc"
    return "off"


def _tags(thread: Conversation, practice: Practice, user: User, now: dt.datetime) -> list[tuple[str, str]]:
    tags = []
    if thread.is_open and thread.urgency == Task.Urgency.EMERGENCY:
        tags.append(("bad", "Possible emergency"))
    elif thread.is_open and thread.urgency == Task.Urgency.SOON:
        tags.append(("book", "Soon"))
    if thread.later_until is not None and thread.later_until > now:
        tags.append(("off", f"Back {clock(thread.later_until, practice)}"))
    elif thread.state == State.WAITING:
        tags.append(("off", "Waits for the patient" if thread.patient_id else "Waits for an answer"))
    if owner := owner_words(thread, user):
        tags.append(("acc" if thread.owner_id == user.pk else "off", owner))
    return tags


def owner_words(thread: Conversation, user: User) -> str:
    """“You”, “Jo is on it”, “For managers”, or nothing."""
    if thread.owner is not None:
        return "You" if thread.owner_id == user.pk else f"{thread.owner.short_name} is on it"
    return f"For {Role(thread.owner_role).label.lower()}s" if thread.owner_role else ""


def ago(moment: dt.datetime, practice: Practice, now: dt.datetime) -> str:
    """“now”, “3 min”, then “9:51” today, “Mon” this week, “Apr 30” before."""
    minutes = int((now - moment).total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min" if minutes > 0 else "now"
    local = moment.astimezone(practice.zone)
    days = (now.astimezone(practice.zone).date() - local.date()).days
    if days == 0:
        return f"{local:%I:%M}".lstrip("0")
    return f"{local:%a}" if days < 7 else f"{local:%b} {local.day}"


def as_one_list(rows: list[Row], *, closed: bool) -> list[Row]:
    """Rows of several practices as one list, ordered as one practice's is."""
    return sorted(rows, key=lambda row: (0 if closed else row.urgency, -row.last_at.timestamp()))
