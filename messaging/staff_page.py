"""Messages for the staff in words: the rows of the list, the log of one, what may be done with it."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Prefetch
from django.utils import timezone

from messaging.models import EscalationStep, StaffMessage, StaffMessageQuerySet
from messaging.routing import House, for_whom
from messaging.staff_lists import hers
from messaging.staff_messages import Urgency, say_when
from patients.contacts import show_phone
from practices.models import Membership, Practice, User

MOST = 100  # rows of a list
PEOPLE = ("patient", "to_user", "acknowledged_by", "done_by", "created_by")
TABS = (
    ("mine", "For me"),
    ("unacknowledged", "Not accepted"),
    ("open", "Open"),
    ("done", "Done"),
)
ICONS = {
    "clinical": "stetho",
    "refill": "refresh",
    "results": "file",
    "billing": "card",
    "referral": "referral",
    "complaint": "flag",
    "other": "note",
}
TONES = {Urgency.URGENT: "bad", Urgency.TODAY: "acc", Urgency.ROUTINE: "off"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log: when, what, and how it looks."""

    clock: str
    words: str
    tone: str = "off"
    icon: str = "dot"


@dataclass(slots=True)
class Row:
    """One message for the staff, in words."""

    message: StaffMessage
    title: str
    name: str
    body: str
    tone: str
    icon: str
    facts: list[str] = field(default_factory=list)
    overdue: bool = False
    unaccepted: bool = False
    number: str = ""
    why: str = ""
    mine: bool = False

    @property
    def pk(self) -> uuid.UUID:
        pk: uuid.UUID = self.message.pk
        return pk

    @property
    def is_open(self) -> bool:
        return self.message.done_at is None


def of_tab(tab: str, member: Membership) -> StaffMessageQuerySet:
    """The messages of a tab, the most pressing first."""
    everybody = StaffMessage.objects.all()
    rows = {
        "mine": hers(member).open(),
        "unacknowledged": everybody.unacknowledged(),
        "done": everybody.exclude(done_at=None),
    }.get(tab, everybody.open())
    order = ("-done_at",) if tab == "done" else ("urgency", "created_at")
    return rows.select_related(*PEOPLE).order_by(*order)


def list_rows(tab: str, member: Membership, practice: Practice, house: House) -> list[Row]:
    """The rows of a tab: what is overdue first, then urgent ones."""
    now = timezone.now()
    messages = list(of_tab(tab, member)[:MOST])
    rows = [row_of(message, practice, house, member.user, now) for message in messages]
    return rows if tab == "done" else sorted(rows, key=lambda row: not row.overdue)


def counts(member: Membership) -> dict[str, int]:
    """How many messages each tab holds; done ones are not counted."""
    return {
        "mine": hers(member).open().count(),
        "unacknowledged": StaffMessage.objects.unacknowledged().count(),
        "open": StaffMessage.objects.open().count(),
    }


def row_of(message: StaffMessage, practice: Practice, house: House, viewer: User, now: dt.datetime) -> Row:
    private = viewer.privacy_mode
    overdue = message.done_at is None and message.promised_by is not None and message.promised_by <= now
    reached = house.of(message)
    row = Row(
        message=message,
        title=f"{message.get_kind_display()} for {for_whom(message)}",
        name=message.patient.shown_name(private=private) if message.patient else "",
        body="" if private else str(message.body),
        tone="bad" if overdue else TONES.get(Urgency(message.urgency), "acc"),
        icon="alert" if message.urgency == Urgency.URGENT else ICONS.get(message.kind, "note"),
        overdue=overdue,
        unaccepted=message.acknowledged_at is None and message.done_at is None,
        number="" if private else show_phone(str(message.callback_number)),
        why=reached.why if message.done_at is None and message.acknowledged_at is None else "",
        mine=message.acknowledged_by_id == viewer.pk or viewer in reached.people,
    )
    row.facts = list(facts(message, practice, overdue, reached.names))
    return row


def facts(message: StaffMessage, practice: Practice, overdue: bool, names: str) -> Iterable[str]:
    """What a list says under the title."""
    if message.promised_by is not None and message.done_at is None:
        yield f"{'was promised' if overdue else 'promised'} by {say_when(message.promised_by, practice)}"
    if message.done_at is not None:
        who = message.done_by.short_name if message.done_by else "Somebody"
        yield f"{who} answered {short(message.done_at, practice)}"
    elif message.acknowledged_at is not None:
        who = message.acknowledged_by.short_name if message.acknowledged_by else "Somebody"
        yield f"{who} has it"
    else:
        yield f"nobody has it yet, it is with {names}" if names else "nobody has it yet"
    taker = f" by {message.created_by.short_name}" if message.created_by else ""
    yield f"taken {short(message.created_at, practice)}{taker}"


def short(moment: dt.datetime, practice: Practice) -> str:
    """10:42 AM, or Nov 21, 10:42 AM on another day."""
    local = moment.astimezone(practice.zone)
    clock = f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"
    return clock if local.date() == practice.today() else f"{local:%b} {local.day}, {clock}"


def with_log(message_id: uuid.UUID) -> StaffMessageQuerySet:
    """One message with its people and its steps."""
    steps = EscalationStep.objects.select_related("to_user", "message").order_by("number", "at", "id")
    rows = StaffMessage.objects.filter(pk=message_id).select_related("call", *PEOPLE)
    return rows.prefetch_related(Prefetch("steps", queryset=steps))


HOW = {"page": "here", "link": "by the link", "text": "by text", "api": "by a program"}


def log_of(message: StaffMessage, practice: Practice) -> list[Line]:
    """What happened to a message, the first thing first."""
    who = message.created_by.short_name if message.created_by else "A program"
    found = [(message.created_at, Line(short(message.created_at, practice), f"{who} took it", "acc", "note"))]
    for step in message.steps.all():
        state = state_of(step)
        words = f"{step.words}: {state}" if state else step.words
        lost = step.channel == ""
        icon = {"sms": "msg", "email": "mail", "desk": "transfer"}.get(step.channel, "alert")
        found.append((step.at, Line(short(step.at, practice), words, "bad" if lost else "off", icon)))
    if message.acknowledged_at is not None:
        name = message.acknowledged_by.short_name if message.acknowledged_by else "Somebody"
        words = f"{name} accepted it {HOW.get(message.acknowledged_how, '')}".strip()
        clock = short(message.acknowledged_at, practice)
        found.append((message.acknowledged_at, Line(clock, words, "conf", "check")))
    if message.done_at is not None:
        words = f"{message.done_by.short_name if message.done_by else 'Somebody'} answered"
        line = Line(short(message.done_at, practice), words, "conf", "check-circle")
        found.append((message.done_at, line))
    return [line for _, line in sorted(found, key=lambda pair: pair[0])]


def state_of(step: EscalationStep) -> str:
    """What became of a step's text, where that is worth saying."""
    if step.message is None:
        return ""
    if step.message.status in {"failed", "undelivered", "suppressed"}:
        return "did not arrive"
    if step.message.status == "cancelled" and step.message.reason == "asked again":
        return "asked again before it left"
    return {"delivered": "arrived", "cancelled": "withdrawn"}.get(step.message.status, "")
