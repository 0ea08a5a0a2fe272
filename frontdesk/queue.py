"""“Needs you”: everything that waits for a person, the most pressing first.

Rows come from open tasks, messages to read, and today's visits that are late or about to start unconfirmed.
The order is that of UX.md: possible emergencies, promises due, visits within two hours, unanswered, the rest.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from messaging.models import Message, Task
from patients.contacts import show_phone
from patients.models import ContactPoint, Patient
from practices.models import Practice, User
from scheduling.models import Appointment, AppointmentQuerySet, Status
from scheduling.wallclock import boundary
from scheduling.words import clock, short_when

SOON = dt.timedelta(hours=2)
LATE = dt.timedelta(minutes=15)
QUOTE_LETTERS = 70
EMERGENCY, PROMISE, VISIT, UNANSWERED, REST = range(5)
PROMISES = {Task.Kind.CALL, Task.Kind.FOLLOW_UP, Task.Kind.CALL_BACK, Task.Kind.PROMISE}
UNANSWERED_KINDS = {
    Task.Kind.ANSWER,
    Task.Kind.NEW_TIME,
    Task.Kind.CANCEL,
    Task.Kind.MISSED_CALL,
    Task.Kind.VOICEMAIL,
}

# Kind of task → tone, icon, what it says of the patient.
LOOKS = {
    Task.Kind.ANSWER: ("acc", "msg", "{name} waits for an answer"),
    Task.Kind.UNDELIVERED: ("bad", "phone-x", "Text to {name} did not arrive"),
    Task.Kind.NEW_TIME: ("acc", "cal-move", "{name} wants another time"),
    Task.Kind.CANCEL: ("book", "cal-x", "{name} wants to cancel"),
    Task.Kind.LINK_LOCKED: ("book", "lock", "{name}’s link is locked: wrong birth dates"),
    Task.Kind.UNCERTAIN: ("book", "alert", "Did the text to {name} go out?"),
    Task.Kind.CALL: ("acc", "phone", "Call {name}"),
    Task.Kind.FOLLOW_UP: ("acc", "flag", "Follow up with {name}"),
    Task.Kind.CALL_BACK: ("book", "phone", "Call {name} back, as promised"),
    Task.Kind.MISSED_CALL: ("book", "phone-x", "Missed call of {name}"),
    Task.Kind.VOICEMAIL: ("acc", "voicemail", "Voicemail of {name}"),
    Task.Kind.PROMISE: ("book", "flag", "Promised to {name}"),
    Task.Kind.STAFF_MESSAGE: ("acc", "note", "Message about {name}"),
    Task.Kind.COMPLAINT: ("bad", "flag", "Complaint of {name}"),
    Task.Kind.LINE: ("bad", "alert", "The line of the practice"),
}
BY_PHONE = {
    Task.Kind.UNDELIVERED,
    Task.Kind.LINK_LOCKED,
    Task.Kind.UNCERTAIN,
    Task.Kind.CALL,
    Task.Kind.CALL_BACK,
    Task.Kind.MISSED_CALL,
}
ABOUT_VISIT = {Task.Kind.NEW_TIME, Task.Kind.CANCEL}


@dataclass(slots=True)
class Step:
    """Something a row offers: a link, or a small form that posts `values`."""

    label: str
    url: str
    method: str = "post"
    values: tuple[tuple[str, str], ...] = ()
    icon: str = ""
    dialog: bool = False


@dataclass(slots=True)
class QueueRow:
    """One row of “Needs you”, in words."""

    id: str
    rank: int
    due: dt.datetime
    tone: str
    icon: str
    title: str
    text: str
    url: str
    action: str
    action_url: str
    method: str = "get"
    dialog: bool = False
    first: bool = False
    owner: str = ""
    mine: bool = False
    overdue: bool = False
    patient_id: uuid.UUID | None = None
    more: list[Step] = field(default_factory=list)

    @property
    def dial(self) -> bool:
        return self.action_url.startswith("tel:")


@dataclass(frozen=True, slots=True)
class Desk:
    """Whose queue this is, and when: what every row needs to find its words."""

    practice: Practice
    viewer: User | None
    now: dt.datetime
    phones: dict[uuid.UUID, str]

    @property
    def private(self) -> bool:
        return self.viewer is not None and self.viewer.privacy_mode

    @property
    def minutes_to_morning(self) -> int:
        tomorrow = self.now.astimezone(self.practice.zone).date() + dt.timedelta(days=1)
        nine = dt.datetime.combine(tomorrow, dt.time(9), tzinfo=self.practice.zone)
        return int((nine - self.now).total_seconds() // 60)

    def name(self, patient: Patient | None) -> str:
        return patient.shown_name(private=self.private) if patient else "An unknown number"

    def to(self, name: str, *ids: object) -> str:
        return reverse(name, args=[self.practice.slug, *ids])

    def left(self, due: dt.datetime) -> str:
        """When something is due, in words."""
        minutes = int((due - self.now).total_seconds() // 60)
        if minutes < 0:
            return f"overdue since {short_when(due, self.practice).removeprefix('Today ')}"
        if minutes < 60:
            return f"due in {minutes} min"
        return f"due {short_when(due, self.practice).removeprefix('Today ')}"


def needs_you(
    practice: Practice, *, viewer: User | None = None, now: dt.datetime | None = None
) -> list[QueueRow]:
    """The rows in their order, in five queries whatever waits; a viewer in privacy mode gets initials."""
    return first_rows(practice, viewer=viewer, now=now, limit=None)[0]


def first_rows(
    practice: Practice, *, viewer: User | None, limit: int | None, now: dt.datetime | None = None
) -> tuple[list[QueueRow], int]:
    """The most pressing rows of `needs_you`, and how many there are; only what is shown is put in words."""
    now = now or timezone.now()
    pressing = open_tasks(now).exclude(for_later(practice, viewer, now))
    tasks = list(pressing.select_related("patient", "message", "owner").order_by())
    told = {task.appointment_id for task in tasks if task.appointment_id}
    starts = _starts(pressing_visits(now) | Appointment.objects.filter(pk__in=told))
    messages = unread_messages().select_related("patient").order_by()
    waiting: list[tuple[int, dt.datetime, str, Task | Message | uuid.UUID]] = [
        *(
            (_rank(task, starts.get(task.appointment_id), now), task.due_at, _key(task), task)
            for task in tasks
        ),
        *((UNANSWERED, message.created_at, _key(message), message) for message in messages),
        *((VISIT, at, f"visit-row-{pk}", pk) for pk, at in starts.items() if pk and pk not in told),
    ]
    waiting.sort(key=lambda one: one[:3])
    return in_words([subject for *_, subject in waiting[:limit]], practice, viewer, now), len(waiting)


def later_rows(practice: Practice, *, viewer: User | None, now: dt.datetime | None = None) -> list[QueueRow]:
    """What somebody else has, and what was taken on for another day, the soonest first."""
    now = now or timezone.now()
    tasks = open_tasks(now).filter(for_later(practice, viewer, now)).order_by("due_at", "pk")
    return in_words(list(tasks.select_related("patient", "message", "owner")), practice, viewer, now)


def in_words(
    shown: Sequence[Task | Message | uuid.UUID], practice: Practice, viewer: User | None, now: dt.datetime
) -> list[QueueRow]:
    visits = _visits_of(shown)
    people = [one.patient_id for one in (*shown, *visits.values()) if not isinstance(one, uuid.UUID)]
    desk = Desk(practice, viewer, now, phones_of(filter(None, people)))
    return [_row(subject, visits, desk) for subject in shown]


def _starts(visits: AppointmentQuerySet) -> dict[uuid.UUID | None, dt.datetime]:
    return dict(visits.order_by().values_list("pk", "starts_at"))


def _key(row: Task | Message) -> str:
    return f"{'task' if isinstance(row, Task) else 'message'}-{row.pk}"


def _visits_of(shown: Iterable[Task | Message | uuid.UUID]) -> dict[uuid.UUID | None, Appointment]:
    """The visits that the shown rows are about, with their people, in one query."""
    keys = [one if isinstance(one, uuid.UUID) else getattr(one, "appointment_id", None) for one in shown]
    return dict(Appointment.objects.with_people().in_bulk([key for key in keys if key]))


def _row(
    subject: Task | Message | uuid.UUID, visits: dict[uuid.UUID | None, Appointment], desk: Desk
) -> QueueRow:
    if isinstance(subject, Task):
        return _task_row(subject, visits.get(subject.appointment_id), desk)
    if isinstance(subject, Message):
        return _message_row(subject, desk)
    return _visit_row(visits[subject], desk)


def queue_count(practice: Practice, now: dt.datetime | None = None, *, viewer: User | None = None) -> int:
    """How many rows `needs_you` has for this person, in one query; for the rail."""
    now = now or timezone.now()
    tasks = open_tasks(now).exclude(for_later(practice, viewer, now)).order_by()
    told = tasks.filter(appointment_id=OuterRef("pk"))
    parts = (unread_messages(), pressing_visits(now).exclude(Exists(told)))
    ids: QuerySet[Task, uuid.UUID] = tasks.values_list("pk", flat=True)
    return ids.union(*(part.order_by().values_list("pk", flat=True) for part in parts), all=True).count()


def _awake(now: dt.datetime) -> Q:
    return Q(snoozed_until=None) | Q(snoozed_until__lte=now)


def for_later(practice: Practice, viewer: User | None, now: dt.datetime) -> Q:
    """Tasks that somebody has taken for a time to come: a colleague, or the viewer for another day.

    A possible emergency never waits, what nobody has taken never hides, what is overdue comes back.
    """
    tomorrow = boundary(now.astimezone(practice.zone).date() + dt.timedelta(days=1), dt.time(), practice.zone)
    not_hers = Q(due_at__gte=tomorrow) if viewer is None else Q(due_at__gte=tomorrow) | ~Q(owner=viewer)
    return Q(owner__isnull=False, due_at__gt=now) & ~Q(urgency=Task.Urgency.EMERGENCY) & not_hers


def open_tasks(now: dt.datetime) -> "QuerySet[Task]":
    """Tasks that wait and are not put off."""
    return Task.objects.open().filter(_awake(now))


def unread_messages() -> "QuerySet[Message]":
    """Messages that a person has to read and that no open task stands for."""
    return Message.objects.to_read().exclude(Exists(Task.objects.open().filter(message=OuterRef("pk"))))


def pressing_visits(now: dt.datetime) -> AppointmentQuerySet:
    """Booked visits that should have begun, and unconfirmed ones that start within two hours.

    Half a day back is far enough: what is older belongs to the wrap-up.
    """
    late = Q(starts_at__lte=now - LATE, starts_at__gt=now - dt.timedelta(hours=12))
    soon = Q(starts_at__gt=now - LATE, starts_at__lte=now + SOON) & ~Q(confirmation="confirmed")
    return Appointment.objects.filter(late | soon, status=Status.BOOKED)


def phones_of(patients: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The first phone number of each patient, in one query."""
    points = ContactPoint.objects.phones().filter(patient__in=set(patients)).order_by("-rank")
    return {point.patient_id: point.value for point in points}


def _rank(task: Task, visit_starts_at: dt.datetime | None, now: dt.datetime) -> int:
    if task.urgency == Task.Urgency.EMERGENCY:
        return EMERGENCY
    if task.due_at <= now or (task.kind in PROMISES and task.due_at <= now + SOON):
        return PROMISE
    if visit_starts_at and now - SOON <= visit_starts_at <= now + SOON:
        return VISIT
    return UNANSWERED if task.kind in UNANSWERED_KINDS else REST


def _task_row(task: Task, visit: Appointment | None, desk: Desk) -> QueueRow:
    tone, icon, words = LOOKS[Task.Kind(task.kind)]
    name = desk.name(task.patient)
    emergency = task.urgency == Task.Urgency.EMERGENCY
    title, rest = words.format(name=name), [task.note.rstrip(".")] if task.note and not desk.private else []
    quote = _quote(task.message, desk)
    if quote and task.kind in UNANSWERED_KINDS:
        title, rest = quote, [name if task.patient_id else _from(task.message, desk)]
    elif task.patient_id is None and (task.message is None or task.message.staff_id):  # of no patient
        title, rest = task.note or task.get_kind_display(), []
    if visit:
        rest.append(f"visit {short_when(visit.starts_at, desk.practice)}")
    row = QueueRow(
        id=f"task-{task.pk}",
        rank=_rank(task, visit.starts_at if visit else None, desk.now),
        due=task.due_at,
        tone="bad" if emergency else tone,
        icon="alert" if emergency else icon,
        title=title,
        text=_sentence(*rest, desk.left(task.due_at)),
        url=desk.to("patient", task.patient_id) if task.patient_id else "",
        action="",
        action_url="",
        first=emergency,
        overdue=task.due_at <= desk.now,
        patient_id=task.patient_id,
    )
    if task.owner is not None:
        row.mine = desk.viewer is not None and task.owner_id == desk.viewer.pk
        row.owner = "Yours" if row.mine else f"{task.owner.short_name} is on it"
    _offer(row, task, visit, desk)
    return row


def _offer(row: QueueRow, task: Task, visit: Appointment | None, desk: Desk) -> None:
    """The one main step of a task, and the others behind it."""
    later = Step("In an hour", desk.to("task-snooze", task.pk), values=(("minutes", "60"),), icon="clock")
    morning = (("minutes", str(desk.minutes_to_morning)),)
    ends = [
        Step("Done", desk.to("task-done", task.pk), icon="check"),
        Step("Hand to somebody", desk.to("task-owner", task.pk), "get", icon="transfer", dialog=True),
        later,
        Step("Tomorrow morning", desk.to("task-snooze", task.pk), values=morning, icon="sunrise"),
    ]
    ways = []
    if task.kind in ABOUT_VISIT and visit:
        ways.append(Step("Open visit", desk.to("appointment", visit.pk), "get", icon="calendar"))
    if task.kind in BY_PHONE or not task.message_id:
        ways += _call(task.patient_id, desk)
    if task.patient_id and (task.message_id or task.kind in UNANSWERED_KINDS):
        ways.append(Step("Answer", desk.to("patient-messages", task.patient_id), "get", icon="msg"))
    if not task.patient_id and task.message_id and task.kind in UNANSWERED_KINDS:
        # A number of nobody or of several: the answer page asks who wrote.
        ways.append(
            Step("Answer", desk.to("message-answer", task.message_id), "get", icon="msg", dialog=True)
        )
    if not (task.kind in BY_PHONE or not task.message_id):
        ways += _call(task.patient_id, desk)
    if visit and task.kind not in ABOUT_VISIT:
        ways.append(Step("Open visit", desk.to("appointment", visit.pk), "get", icon="calendar"))
    _take_first(row, [*ways, *ends])


def _message_row(message: Message, desk: Desk) -> QueueRow:
    name = desk.name(message.patient)
    row = QueueRow(
        id=f"message-{message.pk}",
        rank=UNANSWERED,
        due=message.created_at,
        tone="acc",
        icon="msg",
        title=_quote(message, desk) or f"{name} wrote",
        text=_sentence(name, short_when(message.created_at, desk.practice)),
        url=desk.to("patient", message.patient_id) if message.patient_id else "",
        action="",
        action_url="",
        patient_id=message.patient_id,
    )
    ways = []
    if message.patient_id:
        ways.append(Step("Answer", desk.to("patient-messages", message.patient_id), "get", icon="msg"))
    else:
        ways.append(Step("Answer", desk.to("message-answer", message.pk), "get", icon="msg", dialog=True))
    handled = Step("Handled", desk.to("message-handled", message.pk), icon="check")
    _take_first(row, [*ways, *_call(message.patient_id, desk), handled])
    return row


def _visit_row(visit: Appointment, desk: Desk) -> QueueRow:
    name, minutes = desk.name(visit.patient), int((visit.starts_at - desk.now).total_seconds() // 60)
    late = minutes < 0
    start = clock(visit.starts_at.astimezone(desk.practice.zone))
    row = QueueRow(
        id=f"visit-row-{visit.pk}",
        rank=VISIT,
        due=visit.starts_at,
        tone="book",
        icon="clock" if late else "st-book",
        title=f"{name} is {-minutes} min late" if late else f"{name} has not confirmed",
        text=_sentence(f"visit {start}", visit.practitioner.short_name, "" if late else f"in {minutes} min"),
        url=desk.to("appointment", visit.pk),
        action="",
        action_url="",
        patient_id=visit.patient_id,
    )
    opened = Step("Open visit", desk.to("appointment", visit.pk), "get", icon="calendar")
    _take_first(row, [*_call(visit.patient_id, desk), opened])
    return row


def _from(message: Message | None, desk: Desk) -> str:
    """The number of a text that is not one patient's."""
    return "Hidden number" if message is None or desk.private else show_phone(str(message.address))


def _call(patient_id: uuid.UUID | None, desk: Desk) -> list[Step]:
    number = desk.phones.get(patient_id) if patient_id else None
    return [Step(f"Call {show_phone(number)}", f"tel:{number}", "get", icon="phone")] if number else []


def _take_first(row: QueueRow, steps: list[Step]) -> None:
    """The first step becomes the row's button; a call shows its number in the row."""
    main, *row.more = steps
    row.action, row.action_url, row.method, row.dialog = main.label, main.url, main.method, main.dialog
    if row.dial:
        row.action, number = "Call", main.label.removeprefix("Call ")
        row.text = f"{number}, {row.text[:1].lower()}{row.text[1:]}"


def _quote(message: Message | None, desk: Desk) -> str:
    if message is None or message.direction != Message.Direction.IN or desk.private:
        return ""
    words = " ".join(message.body.split())
    short = words if len(words) <= QUOTE_LETTERS else f"{words[: QUOTE_LETTERS - 1].rstrip()}…"
    return f"“{short}”" if short else ""


def _sentence(*parts: str) -> str:
    words = ", ".join(part for part in parts if part)
    return words[:1].upper() + words[1:]
