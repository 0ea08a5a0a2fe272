"""The rows of “Needs you” in words: what each says, and the one main step it offers."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from frontdesk.queue_steps import OF_CALLS, UNANSWERED_KINDS, Desk, Step, call_steps, steps_of
from messaging.models import Call, Message, Task
from patients.contacts import show_phone
from patients.models import ContactPoint
from practices.card import current_card
from practices.models import Practice, User
from practices.prepared import Prepared
from scheduling.late_notices import LateDay, late_days
from scheduling.models import Appointment, Delay
from scheduling.words import clock, short_when

SOON = dt.timedelta(hours=2)
QUOTE_LETTERS = 70
EMERGENCY, PROMISE, VISIT, UNANSWERED, REST = range(5)
PROMISES = {Task.Kind.CALL, Task.Kind.REBOOK, Task.Kind.FOLLOW_UP, Task.Kind.CALL_BACK, Task.Kind.PROMISE}
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
    Task.Kind.MISSED_CALL: ("book", "phone-x", "Missed call from {name}"),
    Task.Kind.VOICEMAIL: ("acc", "voicemail", "Voicemail from {name}"),
    Task.Kind.PROMISE: ("book", "flag", "Promised to {name}"),
    Task.Kind.STAFF_MESSAGE: ("acc", "note", "Message about {name}"),
    Task.Kind.COMPLAINT: ("bad", "flag", "Complaint of {name}"),
    Task.Kind.REBOOK: ("book", "cal-move", "Find another time for {name}"),
    Task.Kind.LINE: ("bad", "alert", "The line of the practice"),
    Task.Kind.DELAY: ("book", "clock", "A clinician is behind"),
    Task.Kind.OPENING: ("acc", "waitlist", "A time opened"),
}


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
    values: tuple[tuple[str, str], ...] = ()
    spoken: str = ""  # what the icon of a red row says
    script: str | None = None  # the practice's words for an emergency, which a person reads first
    more: list[Step] = field(default_factory=list)


def in_words(
    shown: Sequence[Task | Message | uuid.UUID], practice: Practice, viewer: User | None, now: dt.datetime
) -> list[QueueRow]:
    visits = _visits_of(shown)
    people = [one.patient_id for one in (*shown, *visits.values()) if not isinstance(one, uuid.UUID)]
    tasks = [one for one in shown if isinstance(one, Task)]
    script = current_card().emergency if any(map(may_be_emergency, tasks)) else ""
    phones = phones_of(filter(None, people))
    desk = Desk(practice, viewer, now, phones, _calls_of(tasks), script, late=_late_of(tasks, now))
    return [_row(subject, visits, desk) for subject in shown]


def _calls_of(tasks: Iterable[Task]) -> dict[uuid.UUID, Call]:
    """The calls that the shown rows are about; asks nothing where there are none."""
    keys = {task.subject_id for task in tasks if task.kind in OF_CALLS and task.subject_id}
    return dict(Call.objects.in_bulk(keys)) if keys else {}


def _late_of(tasks: Iterable[Task], now: dt.datetime) -> dict[uuid.UUID, LateDay]:
    """The late days that the shown rows are about; asks nothing where there are none."""
    keys = [task.subject_id for task in tasks if task.kind == Task.Kind.DELAY and task.subject_id]
    if not keys:
        return {}
    delays = Delay.objects.today().filter(pk__in=keys).select_related("practitioner")
    return {day.delay.pk: day for day in late_days(delays, now)}


def may_be_emergency(task: Task) -> bool:
    """Whether somebody may be in danger; an urgent message that nobody took is red for another reason."""
    return task.urgency == Task.Urgency.EMERGENCY and task.kind not in {
        Task.Kind.STAFF_MESSAGE,
        Task.Kind.LINE,
    }


def _visits_of(shown: Iterable[Task | Message | uuid.UUID]) -> dict[uuid.UUID | None, Appointment]:
    """The visits that the shown rows are about, with their people, in one query."""
    keys = [one if isinstance(one, uuid.UUID) else getattr(one, "appointment_id", None) for one in shown]
    wanted = [key for key in keys if key]
    return {visit.pk: visit for visit in VISITS.ask(keys=wanted)} if wanted else {}


VISITS = Prepared(lambda keys: Appointment.objects.filter(pk__among=keys).with_people().order_by())
PHONES = Prepared(
    lambda patients: ContactPoint.objects.phones().filter(patient__among=patients).order_by("-rank")
)


def _row(
    subject: Task | Message | uuid.UUID, visits: dict[uuid.UUID | None, Appointment], desk: Desk
) -> QueueRow:
    if isinstance(subject, Task):
        return _task_row(subject, visits.get(subject.appointment_id), desk)
    if isinstance(subject, Message):
        return _message_row(subject, desk)
    return _visit_row(visits[subject], desk)


def rank_of(task: Task, visit_starts_at: dt.datetime | None, now: dt.datetime) -> int:
    if task.urgency == Task.Urgency.EMERGENCY:
        return EMERGENCY
    if task.kind == Task.Kind.DELAY:
        return VISIT
    if task.kind == Task.Kind.STAFF_MESSAGE and task.urgency == Task.Urgency.SOON:
        return PROMISE
    if task.due_at <= now or (task.kind in PROMISES and task.due_at <= now + SOON):
        return PROMISE
    if visit_starts_at and now - SOON <= visit_starts_at <= now + SOON:
        return VISIT
    return UNANSWERED if task.kind in UNANSWERED_KINDS else REST


def _task_row(task: Task, visit: Appointment | None, desk: Desk) -> QueueRow:
    tone, icon, _ = LOOKS[Task.Kind(task.kind)]
    if task.kind == Task.Kind.STAFF_MESSAGE and task.urgency == Task.Urgency.SOON:
        tone, icon = "bad", "alert"
    red = task.urgency == Task.Urgency.EMERGENCY
    title, rest = _said(task, desk)
    if visit:
        rest.append(f"visit {short_when(visit.starts_at, desk.practice)}")
    row = QueueRow(
        id=f"task-{task.pk}",
        rank=rank_of(task, visit.starts_at if visit else None, desk.now),
        due=task.due_at,
        tone="bad" if red else tone,
        icon="alert" if red else icon,
        title=title,
        text=_sentence(*rest, desk.left(task.due_at)),
        url=desk.to("patient", task.patient_id) if task.patient_id else "",
        action="",
        action_url="",
        first=red,
        overdue=task.due_at <= desk.now,
        patient_id=task.patient_id,
    )
    if red:
        row.spoken = "Possible emergency" if may_be_emergency(task) else "Nobody has it"
        row.script = desk.script if may_be_emergency(task) else None
    if task.owner is not None:
        row.mine = desk.viewer is not None and task.owner_id == desk.viewer.pk
        row.owner = "Yours" if row.mine else f"{task.owner.short_name} is on it"
    _take_first(row, steps_of(task, visit, desk))
    return row


def _said(task: Task, desk: Desk) -> tuple[str, list[str]]:
    """The title of a task's row, and what follows it."""
    name = _who(task, desk)
    note = "" if desk.private else task.note.rstrip(".")
    title, rest = LOOKS[Task.Kind(task.kind)][2].format(name=name), [note] if note else []
    quote = _quote(task.message, desk)
    if task.kind == Task.Kind.STAFF_MESSAGE:  # its note says the kind and for whom, nothing of the patient
        title = f"{task.note}, about {name}" if task.patient_id else task.note
        return title, ["nobody has taken it"] if task.urgency == Task.Urgency.EMERGENCY else []
    if task.kind in OF_CALLS:
        return title, rest
    if task.subject_id in desk.late:
        day = desk.late[task.subject_id]
        count = len(day.to_tell(desk.practice, desk.now))
        left = f"{count} patient{'' if count == 1 else 's'} not told yet"
        return f"{day.delay.practitioner.short_name} is {day.course.behind} min behind", [left]
    if quote and task.kind in UNANSWERED_KINDS:
        return quote, [name if task.patient_id else _from(task.message, desk)]
    if task.patient_id is None and (task.message is None or task.message.staff_id):  # of no patient
        return task.note or task.get_kind_display(), []
    return title, rest


def _who(task: Task, desk: Desk) -> str:
    """The patient, or for a call of nobody's the number."""
    call = desk.calls.get(task.subject_id) if task.subject_id else None
    if task.patient_id is not None or call is None:
        return desk.name(task.patient)
    return show_phone(str(call.address)) if call.address and not desk.private else "a hidden number"


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
        ways.append(Step("Answer", desk.to("patient-thread", message.patient_id), "get", icon="msg"))
    else:
        ways.append(Step("Answer", desk.to("message-answer", message.pk), "get", icon="msg"))
    handled = Step("Handled", desk.to("message-handled", message.pk), icon="check")
    _take_first(row, [*ways, *call_steps(message.patient_id, desk), handled])
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
    _take_first(row, [*call_steps(visit.patient_id, desk), opened])
    return row


def _from(message: Message | None, desk: Desk) -> str:
    """The number of a text that is not one patient's."""
    return "Hidden number" if message is None or desk.private else show_phone(str(message.address))


def _take_first(row: QueueRow, steps: list[Step]) -> None:
    """The first step becomes the row's button; a call shows its number in the row."""
    main, *row.more = steps
    row.action, row.action_url, row.method, row.dialog = main.label, main.url, main.method, main.dialog
    row.values = main.values
    if row.action.startswith("Call ("):
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


def phones_of(patients: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The first phone number of each patient, in one query."""
    wanted = list(set(patients))
    return {point.patient_id: point.value for point in PHONES.ask(patients=wanted)} if wanted else {}
