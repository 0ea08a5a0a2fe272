"""One visit as the panel beside the board shows it: who, what, what is known, and what happened to it."""

import datetime as dt
from dataclasses import dataclass, field

from messaging.models import Message
from messaging.outcomes import REASONS
from patients.contacts import Reach, reachability, show_phone
from patients.models import Channel, Need
from patients.records import NEED_ICONS
from practices.models import Practice
from practices.prepared import Prepared
from scheduling.belonging import Belonging, belonging_of
from scheduling.booking_page import born_words
from scheduling.clocks import zone_of
from scheduling.delays import expected_of
from scheduling.drafts import as_uuid
from scheduling.due_list import Due, ordered_in
from scheduling.flow import Stage, next_stages, stage_of
from scheduling.meetings import is_by_video, meeting_of
from scheduling.models import Appointment, AppointmentQuerySet, Confirmation, Notice, Status
from scheduling.noting import fingerprint
from scheduling.words import clock_named, short_when, stage_symbol, stage_words, when_there

NO_MEETING = "Video visit: no meeting address is set. Edit the visit, or ask a manager"
HIDDEN = "Hidden while privacy is on"
HOW = {"text": "by text", "link": "by the link", "phone": "on the phone", "staff": "at the desk", "api": ""}
FINE = {Message.Status.SENT, Message.Status.DELIVERED}
BAD = {Message.Status.UNDELIVERED, Message.Status.FAILED, Message.Status.SUPPRESSED, Message.Status.UNCERTAIN}
WITH_REASON = BAD | {Message.Status.CANCELLED, Message.Status.QUEUED}
MEDIA = {Channel.SMS: ("Text", "msg"), Channel.EMAIL: ("E-mail", "mail"), Channel.CALL: ("Call", "phone")}
STAGE_BUTTONS = {
    Stage.ARRIVED: ("Arrived", "st-arr"),
    Stage.IN_VISIT: ("In visit", "st-vis"),
    Stage.DONE: ("Done", "st-done"),
    Stage.NOSHOW: ("No-show", "st-bad"),
    Stage.BOOKED: ("Back to booked", "undo"),
}
FORWARD: dict[str, str] = {
    Stage.BOOKED: Stage.ARRIVED,
    Stage.ARRIVED: Stage.IN_VISIT,
    Stage.IN_VISIT: Stage.DONE,
}


@dataclass(frozen=True, slots=True)
class Line:
    """A fact with its icon and colour."""

    tone: str
    symbol: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """A button that brings the visit to another stage."""

    stage: str
    label: str
    symbol: str


@dataclass(slots=True)
class Panel:
    """What the template reads."""

    visit: Appointment
    name: str
    born: str
    phone: str
    when: str
    what: str
    words: str
    symbol: str
    facts: list[Line]
    history: list[Line]
    next_step: Step | None
    other_steps: list[Step]
    note: str = ""  # what was typed, while it could not be saved
    problem: str = ""
    private: bool = False  # what is known first stays hidden too
    belongs: Belonging = field(default_factory=Belonging)
    theirs: str = ""  # the note somebody else wrote meanwhile
    due: list[Due] = field(default_factory=list)  # follow-ups that were ordered in this visit
    may_follow: bool = False  # one can be ordered: the visit is here or over

    @property
    def note_seen(self) -> str:
        return fingerprint(self.visit.note)


def visits_with_all() -> AppointmentQuerySet:
    """Visits with whatever their lines name, in one query."""
    return Appointment.objects.with_people().select_related(
        "booked_by", "rescheduled_from__practitioner", "practitioner__room", "practitioner__location"
    )


def find_visit(text: str) -> Appointment | None:
    """The visit of the open practice with this id."""
    wanted = as_uuid(text)
    return next(iter(VISIT.ask(pk=wanted)), None) if wanted else None


# At most one row: `first` would sort by every column that is read.
VISIT = Prepared(lambda pk: visits_with_all().filter(pk=pk).order_by())
NOTICES = Prepared(
    lambda visit: (
        Notice.objects.filter(appointment=visit).select_related("message").order_by("message__created_at")
    )
)


def panel_of(visit: Appointment, practice: Practice, *, private: bool) -> Panel:
    """Everything the panel shows, in a fixed number of queries."""
    notices: list[Notice] = NOTICES.ask(visit=visit.pk)
    steps = [
        Step(stage, *STAGE_BUTTONS[Stage(stage)])
        for stage in next_stages(visit)
        if may_be(stage, visit, practice)
    ]
    forward = FORWARD.get(stage_of(visit))
    patient = visit.patient
    reach = reachability([patient])[patient.pk]
    return Panel(
        visit=visit,
        name=patient.shown_name(private=private),
        born=HIDDEN if private else born_words(patient, practice.today()),
        phone=show_phone(reach.phone.value) if reach.phone and not private else "",
        when=when_there(visit, practice),
        what=what_words(visit),
        words=stage_words(visit),
        symbol=stage_symbol(visit),
        facts=facts_of(visit, reach, notices, practice),
        history=history_of(visit, notices, practice),
        next_step=next((step for step in steps if step.stage == forward), None),
        other_steps=[step for step in steps if step.stage != forward],
        note=visit.note,
        private=private,
        due=ordered_in(visit, practice),
        may_follow=visit.local_date <= practice.today() and visit.is_active,
        belongs=belonging_of(visit, practice, private=private),
    )


def may_be(stage: str, visit: Appointment, practice: Practice) -> bool:
    """Nobody arrives before the day, and nobody is missed before the hour."""
    if stage == Stage.ARRIVED:
        return visit.local_date <= practice.today()
    return stage != Stage.NOSHOW or visit.starts_at <= practice.now()


def what_words(visit: Appointment) -> str:
    """Follow-up, 30 min, Dr. Osei, Room 2."""
    room = visit.room.name if visit.room else ""
    parts = [visit.appointment_type.name, f"{visit.minutes} min", visit.practitioner.short_name, room]
    return ", ".join(filter(None, parts))


def facts_of(visit: Appointment, reach: Reach, notices: list[Notice], practice: Practice) -> list[Line]:
    """The checklist: confirmation, how the patient may be written to, needs, what became of the texts."""
    lines = [confirmation_line(visit, practice)]
    if reach.can_text:
        lines.append(Line("conf", "msg", "Texts allowed"))
    if reach.can_email:
        lines.append(Line("conf", "mail", "E-mail allowed"))
    if reach.why_not:
        lines.append(Line("book", "msg", reach.why_not.capitalize()))
    if moment := expected_of([visit]).get(visit.pk):
        expected = clock_named(moment.astimezone(zone_of(visit)), practice)
        lines.append(Line("book", "clock", f"Running behind: say to expect {expected}"))
    if visit.walk_in:
        lines.append(Line("arr", "walk", "Walked in"))
    if is_by_video(visit):
        words = "Video visit: the link stands on the patient’s page" if meeting_of(visit) else NO_MEETING
        lines.append(Line("acc" if words != NO_MEETING else "bad", "video", words))
    lines += [Line("acc", NEED_ICONS.get(need, "heart"), Need(need).label) for need in visit.patient.needs]
    own = [need for need in visit.needs if need not in visit.patient.needs]
    lines += [Line("acc", NEED_ICONS.get(need, "heart"), f"{Need(need).label}, this visit") for need in own]
    if notices:
        lines.append(message_line(notices[-1].message, practice))
    return lines


def confirmation_line(visit: Appointment, practice: Practice) -> Line:
    label = Confirmation(visit.confirmation).label
    if visit.confirmation == Confirmation.CONFIRMED and visit.confirmed_at:
        how = HOW.get(visit.confirmed_by, "")
        when = short_when(visit.confirmed_at, practice)
        return Line("conf", "check-circle", " ".join(filter(None, ["Confirmed", how])) + f", {when}")
    bad = {Confirmation.DECLINED, Confirmation.UNDELIVERABLE}
    return Line("bad" if visit.confirmation in bad else "book", "st-book", label)


def message_line(message: Message, practice: Practice) -> Line:
    """What became of a text or e-mail, truly."""
    medium, symbol = MEDIA[Channel(message.channel)]
    status = Message.Status(message.status)
    words = f"{medium}, {message.get_kind_display().lower()}: {status.label.lower()}"
    if status == Message.Status.QUEUED and message.send_after:
        words += f", {short_when(message.send_after, practice)}"
    if message.reason and status in WITH_REASON:
        words += f" ({REASONS.get(message.reason, message.reason)})"
    tone = "conf" if status in FINE else "bad" if status in BAD else "book"
    return Line(tone, symbol, words)


def history_of(visit: Appointment, notices: list[Notice], practice: Practice) -> list[Line]:
    """What happened to the visit, in order."""

    def at(moment: dt.datetime | None, words: str, symbol: str) -> list[tuple[dt.datetime, Line]]:
        if moment is None:
            return []
        return [(moment, Line("off", symbol, f"{short_when(moment, practice)}: {words}"))]

    who = f" by {visit.booked_by.short_name}" if visit.booked_by else ""
    came_from = visit.rescheduled_from
    begun = f"Booked{who}"
    if came_from is not None:
        before = short_when(came_from.starts_at, practice)
        begun = f"Moved{who} from {before}, {came_from.practitioner.short_name}"
    rows = at(visit.created_at, begun, "cal-plus" if came_from is None else "cal-move")
    for notice in notices:
        line = message_line(notice.message, practice)
        rows += at(notice.message.created_at, line.text, line.symbol)
    rows += at(visit.confirmed_at, f"Confirmed {HOW.get(visit.confirmed_by, '')}".strip(), "check-circle")
    rows += at(visit.arrived_at, "Arrived", "st-arr")
    rows += at(visit.seen_at, "In visit", "st-vis")
    rows += at(visit.left_at, "Done", "st-done")
    if visit.status == Status.CANCELLED:
        rows += at(visit.cancelled_at, f"Cancelled, {visit.get_cancellation_reason_display()}", "st-cancel")
    return [line for _, line in sorted(rows, key=lambda row: row[0])]
