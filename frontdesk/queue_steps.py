"""What a row of “Needs you” offers: the one step that does its work first, and the others behind it."""

import datetime as dt
import uuid
from dataclasses import dataclass, field

from django.urls import NoReverseMatch, reverse

from messaging import opt_outs
from messaging.models import Call, Task
from patients.contacts import show_phone
from patients.models import Patient
from practices.models import Practice, User
from scheduling.late_notices import LateDay
from scheduling.models import Appointment
from scheduling.suggestions import speaks_of_time
from scheduling.words import short_when

UNANSWERED_KINDS = {
    Task.Kind.ANSWER,
    Task.Kind.NEW_TIME,
    Task.Kind.CANCEL,
    Task.Kind.MISSED_CALL,
    Task.Kind.VOICEMAIL,
}
OF_CALLS = {Task.Kind.MISSED_CALL, Task.Kind.VOICEMAIL, Task.Kind.CALL_BACK}
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


@dataclass(frozen=True, slots=True)
class Desk:
    """Whose queue this is, and when: what every row needs to find its words."""

    practice: Practice
    viewer: User | None
    now: dt.datetime
    phones: dict[uuid.UUID, str]
    calls: dict[uuid.UUID, Call] = field(default_factory=dict)
    script: str = ""
    late: dict[uuid.UUID, LateDay] = field(default_factory=dict)

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


def call_steps(patient_id: uuid.UUID | None, desk: Desk) -> list[Step]:
    """Calls a patient at the number that is tried first; the call gets its chip and its note."""
    number = desk.phones.get(patient_id) if patient_id else None
    if not number:
        return []
    label = "Call" if desk.private else f"Call {show_phone(number)}"
    return [Step(label, desk.to("call-dial"), values=(("patient", str(patient_id)),), icon="phone")]


def steps_of(task: Task, visit: Appointment | None, desk: Desk) -> list[Step]:
    """The one main step of a task, and the others behind it."""
    own = OWN_STEPS.get(Task.Kind(task.kind))
    ends = _ends(task, desk)
    if own is not None and (steps := own(task, desk)):
        return [*steps, *ends]
    return [*_ways(task, visit, desk), *ends]


def _ends(task: Task, desk: Desk) -> list[Step]:
    """What ends or puts off a row; what has a page of its own is ended there, with what came of it."""
    morning = (("minutes", str(desk.minutes_to_morning)),)
    done = Step("Done", desk.to("task-done", task.pk), icon="check")
    give = Step("Hand to somebody", desk.to("task-owner", task.pk), "get", icon="transfer", dialog=True)
    later = [
        Step("In an hour", desk.to("task-snooze", task.pk), values=(("minutes", "60"),), icon="clock"),
        Step("Tomorrow morning", desk.to("task-snooze", task.pk), values=morning, icon="sunrise"),
    ]
    if task.once_key.startswith(opt_outs.TO_DECIDE):
        return [*_what_was_meant(done), give, *later]
    return later if task.kind in {Task.Kind.STAFF_MESSAGE, Task.Kind.COMPLAINT} else [done, give, *later]


def _what_was_meant(done: Step) -> list[Step]:
    """Somebody may have asked for silence: whoever has called says what was meant, and the row is done."""
    answers = (("Messages go on", opt_outs.GO_ON), ("No more messages", opt_outs.NO_MORE))
    return [Step(label, done.url, values=(("outcome", words),), icon="msg") for label, words in answers]


def _ways(task: Task, visit: Appointment | None, desk: Desk) -> list[Step]:
    """Calling, answering or opening the visit, the likeliest first."""
    ways = []
    # A time is offered to somebody whose visit it is, and to nobody who may need help at once.
    known = task.patient_id is not None and task.urgency != Task.Urgency.EMERGENCY
    if known and task.kind in UNANSWERED_KINDS and task.message and speaks_of_time(task.message):
        to = desk.to("message-suggestion", task.message.pk)
        ways.append(Step("Offer a time", to, "get", icon="cal-move", dialog=True))
    if task.kind in ABOUT_VISIT and visit:
        ways.append(Step("Open visit", desk.to("appointment", visit.pk), "get", icon="calendar"))
    if task.kind == Task.Kind.NEW_TIME and visit and visit.is_open:
        ways.append(Step("Send times", desk.to("appointment-send-times", visit.pk), icon="cal-move"))
    if task.kind in BY_PHONE or not task.message_id:
        ways += call_steps(task.patient_id, desk)
    if task.patient_id and (task.message_id or task.kind in UNANSWERED_KINDS):
        ways.append(Step("Answer", desk.to("patient-thread", task.patient_id), "get", icon="msg"))
    if not task.patient_id and task.message_id and task.kind in UNANSWERED_KINDS:
        # A number of nobody or of several: its conversation asks who wrote.
        ways.append(Step("Answer", desk.to("message-answer", task.message_id), "get", icon="msg"))
    if not (task.kind in BY_PHONE or not task.message_id):
        ways += call_steps(task.patient_id, desk)
    if visit and task.kind not in ABOUT_VISIT:
        ways.append(Step("Open visit", desk.to("appointment", visit.pk), "get", icon="calendar"))
    return ways


def _back(task: Task, desk: Desk) -> list[Step]:
    """Calls the number back that called; the conversation behind it."""
    if task.patient_id is not None:
        values: tuple[tuple[str, str], ...] = (("patient", str(task.patient_id)),)
        talk = [Step("Open conversation", desk.to("patient-thread", task.patient_id), "get", icon="msg")]
    else:
        values = (("call", str(task.subject_id)),) if task.subject_id in desk.calls else ()
        talk = [Step("Open call", desk.to("call", task.subject_id), "get", icon="phone")] if values else []
    if not values or (task.subject_id in desk.calls and not (task.patient_id or _number(task, desk))):
        return talk
    return [Step("Call back", desk.to("call-dial"), values=values, icon="phone"), *talk]


def _number(task: Task, desk: Desk) -> str:
    return str(desk.calls[task.subject_id].address) if task.subject_id in desk.calls else ""


def _listen(task: Task, desk: Desk) -> list[Step]:
    """A voicemail is heard where it stands: in the conversation, or on the page of a stranger's call."""
    steps = _back(task, desk)
    steps.sort(key=lambda step: step.method != "get")
    if steps and steps[0].method == "get":
        steps[0].label = "Listen"
    return steps


def _message_page(task: Task, desk: Desk) -> list[Step]:
    give = desk.to("staff-message-hand-over", task.subject_id)
    return [
        Step("Open", desk.to("staff-message", task.subject_id), "get", icon="note"),
        Step("Hand over", give, "get", icon="transfer", dialog=True),
    ]


def _complaint_page(task: Task, desk: Desk) -> list[Step]:
    return [Step("Open", desk.to("complaint", task.subject_id), "get", icon="flag")]


def _record(task: Task, desk: Desk) -> list[Step]:
    if task.patient_id is None:
        return []
    record = Step("Open record", desk.to("patient", task.patient_id), "get", icon="user")
    return [record, *call_steps(task.patient_id, desk)]


def _opening(task: Task, desk: Desk) -> list[Step]:
    return [Step("Offer", desk.to("opening", task.subject_id), "get", icon="waitlist", dialog=True)]


def _call_list(task: Task, desk: Desk) -> list[Step]:
    try:
        return [Step("Call list", desk.to("call-list"), "get", icon="phone")]
    except NoReverseMatch:
        return []


def _tell(task: Task, desk: Desk) -> list[Step]:
    day = desk.late.get(task.subject_id) if task.subject_id else None
    if day is None:
        return []
    to = desk.to("delay", day.delay.practitioner_id)
    return [Step(f"Tell {len(day.to_tell(desk.practice, desk.now))}", to, "get", icon="msg", dialog=True)]


def _rebook(task: Task, desk: Desk) -> list[Step]:
    """Calls; the page of the case knows the times that were offered and what can come of a call."""
    steps = call_steps(task.patient_id, desk)
    if task.subject_id:
        steps.append(Step("Open", desk.to("out-case", task.subject_id), "get", icon="calendar"))
    elif task.appointment_id:
        move = desk.to("appointment-move", task.appointment_id)
        steps.append(Step("Other time", move, "get", icon="cal-move", dialog=True))
    return steps


# Kinds whose work is done on a page of their own, or by calling back.
OWN_STEPS = {
    Task.Kind.CALL_BACK: _back,
    Task.Kind.MISSED_CALL: _back,
    Task.Kind.VOICEMAIL: _listen,
    Task.Kind.STAFF_MESSAGE: _message_page,
    Task.Kind.COMPLAINT: _complaint_page,
    Task.Kind.PROMISE: _record,
    Task.Kind.LINE: _call_list,
    Task.Kind.DELAY: _tell,
    Task.Kind.REBOOK: _rebook,
    Task.Kind.OPENING: _opening,
}
