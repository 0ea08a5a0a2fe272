"""What the pages of the two reviews show, ready to be drawn: words, places and next steps."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone

from frontdesk.models import Finding, Handover, Review
from frontdesk.review_checks import EVENING, Check, checks_of
from frontdesk.reviews import AUTOMATIC
from frontdesk.wrapup import pressing_keys
from messaging.models import Message
from patients.contacts import Reach, reachability
from practices.models import OfficeHours, Practice, User
from scheduling.models import Appointment, Confirmation
from scheduling.notices import channel_for
from scheduling.wallclock import boundary
from scheduling.words import clock, short_when

OVERNIGHT_SHOWN = 5
EVENING_NAMES = {check.name for check in EVENING}


@dataclass(frozen=True, slots=True)
class Step:
    """A button of a row."""

    label: str
    url: str
    symbol: str = ""
    post: bool = False
    dialog: bool = False
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Row:
    """A finding as one line."""

    finding: Finding
    time: str
    name: str
    who: str
    detail: str
    steps: list[Step]
    url: str = ""
    starts: float = 0
    owner: str = ""
    pressing: bool = False

    @property
    def id(self) -> uuid.UUID:
        return self.finding.pk

    @property
    def loose(self) -> bool:
        return self.finding.owner_id is None or self.finding.due_at is None


@dataclass(slots=True)
class Section:
    """A check with what it found: open rows, or who settled the last one and when."""

    check: Check
    rows: list[Row]
    by: str
    summary: str = ""
    textable: int = 0

    @property
    def loose(self) -> int:
        """How many rows have neither an end nor an owner with a time."""
        return sum(row.loose for row in self.rows)

    @property
    def together(self) -> int:
        """How many of them may be handed over at once: what needs a person now is not among them."""
        return sum(row.loose and not row.pressing for row in self.rows)

    @property
    def done(self) -> bool:
        return not self.rows


@dataclass(slots=True)
class ReviewPage:
    """A review's list and how far it is."""

    review: Review
    sections: list[Section]
    patients: set[uuid.UUID]

    @property
    def done(self) -> int:
        """Sections in which nothing is loose."""
        return sum(not section.loose for section in self.sections)

    @property
    def total(self) -> int:
        return len(self.sections)

    @property
    def steps(self) -> list[str]:
        """One word for each step of the progress bar: settled ones first, then the present one."""
        return ["on"] * self.done + ["cur"][: self.total - self.done] + [""] * (self.total - self.done - 1)


class Rows:
    """Makes rows of findings; reads what all of them need at once."""

    def __init__(self, practice: Practice, findings: Sequence[Finding], user: User) -> None:
        self.practice, self.user = practice, user
        self.private = user.privacy_mode
        visits = {finding.appointment_id for finding in findings if finding.settled_at is None}
        self.visits: dict[uuid.UUID, Appointment] = Appointment.objects.with_people().in_bulk(visits - {None})
        self.reach = reachability({visit.patient for visit in self.visits.values()})
        self.pressing = pressing_keys(finding for finding in findings if finding.settled_at is None)

    def row(self, finding: Finding) -> Row:
        row = self.about(finding)
        if finding.check_name in EVENING_NAMES:
            both = finding.check_name == "not_closed" and finding.owner_id is None
            row.steps = [*row.steps[: 2 if both else 1], self.hand_over(finding)]
        if finding.pk in self.pressing:
            row.pressing, row.detail = True, f"Needs a person now. {row.detail}"
        if finding.owner and finding.due_at:
            row.owner = f"{finding.owner.short_name}, {short_when(finding.due_at, self.practice)}"
        return row

    def about(self, finding: Finding) -> Row:
        """The line of a visit, or of a message or task that may be about nobody in the records."""
        visit = self.visits.get(finding.appointment_id) if finding.appointment_id else None
        if visit is None:
            patient = finding.patient
            name = patient.shown_name(private=self.private) if patient else "Not in the records"
            url = self.to("patient", patient.pk) if patient else ""
            return Row(finding, "", name, "", finding.detail, self.without_visit(finding), url)
        return Row(
            finding,
            clock(visit.starts_at.astimezone(self.practice.zone)),
            visit.patient.shown_name(private=self.private),
            visit.practitioner.short_name,
            finding.detail,
            STEPS[finding.check_name](self, finding, visit),
            self.to("appointment", visit.pk),
            visit.starts_at.timestamp(),
        )

    def without_visit(self, finding: Finding) -> list[Step]:
        if finding.check_name == "tasks":
            return [Step("Done", self.to("finding-done", finding.pk), "check", post=True)]
        if finding.check_name == "follow_ups":
            return [Step("Follow-ups", f"{self.to('follow-ups')}#due-{finding.once_key[11:]}", "recall")]
        if finding.patient_id:
            return [Step("Answer", self.to("patient-messages", finding.patient_id), "msg")]
        return [Step("Open", self.to("queue"), "queue")]

    def hand_over(self, finding: Finding) -> Step:
        label = "Change" if finding.owner_id else "Hand over"
        return Step(label, self.to("finding-owner", finding.pk), "transfer", dialog=True)

    def to(self, name: str, *args: object) -> str:
        return reverse(name, args=[self.practice.slug, *args])

    def move(self, finding: Finding, visit: Appointment) -> list[Step]:
        return [
            Step("Move", self.to("appointment-move", visit.pk), "cal-move", dialog=True),
            self.as_it_is(finding),
        ]

    def off(self, finding: Finding, visit: Appointment) -> list[Step]:
        """Beside hours a visit is moved; where the clinician is out, all of them are looked after at once."""
        if not finding.detail.startswith("Out: "):
            return self.move(finding, visit)
        url = f"{self.to('out')}?practitioner={visit.practitioner_id}&visit={visit.pk}"
        return [Step("Clinician out", url, "cal-x"), *self.move(finding, visit)]

    def open(self, finding: Finding, visit: Appointment) -> list[Step]:
        return [
            Step("Open visit", self.to("appointment", visit.pk), "calendar", dialog=True),
            self.as_it_is(finding),
        ]

    def add_number(self, finding: Finding, visit: Appointment) -> list[Step]:
        return [
            Step("Add a number", self.to("patient-edit", visit.patient_id), "phone", dialog=True),
            self.as_it_is(finding),
        ]

    def fill(self, finding: Finding, visit: Appointment) -> list[Step]:
        start = visit.starts_at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%MZ")
        url = f"{self.to('book')}?practitioner={visit.practitioner_id}&start={start}"
        return [Step("Fill the time", url, "cal-plus", dialog=True), self.as_it_is(finding, "Leave it open")]

    def ask(self, finding: Finding, visit: Appointment) -> list[Step]:
        """Text where a text may go and can help; else the phone."""
        call = Step("Call", self.to("finding-call", finding.pk), "phone", dialog=True)
        if visit.confirmation in {Confirmation.DECLINED, Confirmation.CHANGE_REQUESTED}:
            return [Step("New time", self.to("appointment-move", visit.pk), "cal-move", dialog=True), call]
        if can_be_written_to(visit, self.practice, self.reach.get(visit.patient_id)):
            return [Step("Text", self.to("finding-text", finding.pk), "msg", post=True), call]
        return [call]

    def close(self, finding: Finding, visit: Appointment) -> list[Step]:
        here = visit.stage in {"arr", "vis"}
        url = self.to("finding-stage", finding.pk)
        steps = [Step("Done", url, "st-done", post=True, fields=(("stage", "done"),))]
        if not here:
            steps.append(Step("No-show", url, "st-bad", post=True, fields=(("stage", "noshow"),)))
        return steps

    def as_it_is(self, finding: Finding, label: str = "Right as it is") -> Step:
        return Step(label, self.to("finding-settle", finding.pk), post=True)


STEPS: dict[str, Callable[[Rows, Finding, Appointment], list[Step]]] = {
    "overlaps": Rows.move,
    "closed": Rows.move,
    "out": Rows.off,
    "am_pm": Rows.move,
    "off_hours": Rows.off,
    "at_once": Rows.move,
    "room": Rows.move,
    "need": Rows.move,
    "gone": Rows.open,
    "asked": Rows.ask,
    "wrong_length": Rows.open,
    "twice": Rows.open,
    "unreachable": Rows.add_number,
    "cancelled": Rows.fill,
    "unconfirmed": Rows.ask,
    "left_open": Rows.close,
    "not_closed": Rows.close,
    "tomorrow": Rows.ask,
}


def can_be_written_to(visit: Appointment, practice: Practice, reach: Reach | None) -> bool:
    """Whether a reminder can go now: not to who asked for calls, was not reached, or would hear too late."""
    if visit.confirmation == Confirmation.UNDELIVERABLE or channel_for(visit.patient, reach) is None:
        return False
    return practice.after_quiet(timezone.now()) < visit.starts_at


def review_page(review: Review, findings: Sequence[Finding], user: User) -> ReviewPage:
    """The sections of a review: what is open first, then what is settled, each in the order of the checks."""
    rows = Rows(review.practice, findings, user)
    sections = [section_of(check, findings, rows, review) for check in checks_of(review.kind)]
    patients = {visit.patient_id for visit in rows.visits.values()}
    patients |= {finding.patient_id for finding in findings if finding.patient_id and not finding.settled_at}
    return ReviewPage(review, sorted(sections, key=lambda section: not section.done), patients)


def section_of(check: Check, findings: Sequence[Finding], rows: Rows, review: Review) -> Section:
    mine = [finding for finding in findings if finding.check_name == check.name]
    open_rows = [rows.row(finding) for finding in mine if finding.settled_at is None]
    open_rows.sort(key=lambda row: (not row.pressing, row.starts))
    settled = [finding for finding in mine if finding.settled_at is not None]
    textable = sum(any(step.label == "Text" for step in row.steps) for row in open_rows)
    return Section(check, open_rows, who_settled(settled, rows, review), summary(settled), textable)


def who_settled(settled: Sequence[Finding], rows: Rows, review: Review) -> str:
    """Who settled the last one and when: “You, 7:21”."""
    people = [finding for finding in settled if finding.settled_by_id]
    last = max(people or settled, key=lambda finding: finding.settled_at or review.started_at, default=None)
    moment = last.settled_at if last and last.settled_at else review.started_at
    name = AUTOMATIC
    if last and last.settled_by:
        name = "You" if last.settled_by_id == rows.user.pk else last.settled_by.short_name
    return f"{name}, {clock(moment.astimezone(rows.practice.zone)).rpartition(' ')[0]}"


def summary(settled: Sequence[Finding]) -> str:
    """What became of what was found: “2 texted, 1 right as it is”."""
    if not settled:
        return "Nothing found"
    counts: dict[str, int] = {}
    for finding in settled:
        word = "no longer so" if finding.settled_how == AUTOMATIC else finding.settled_how.lower()
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def findings_with_people(findings: Iterable[Finding]) -> list[Finding]:
    """The same rows in the same order, with who they are about and who settled them; one query."""
    order = [finding.pk for finding in findings]
    people = Finding.objects.select_related("patient", "settled_by", "owner", "message").in_bulk(order)
    return [people[key] for key in order if key in people]


@dataclass(frozen=True, slots=True)
class Overnight:
    """Messages that came while nobody was here."""

    count: int
    rows: list[tuple[Message, str, str]]


def overnight_messages(practice: Practice, since: dt.datetime, user: User) -> Overnight:
    waiting = Message.objects.to_read().filter(created_at__gte=since).select_related("patient")
    messages = list(waiting.order_by("-created_at"))
    rows = [
        (
            message,
            message.patient.shown_name(private=user.privacy_mode) if message.patient else "Unknown number",
            short_when(message.created_at, practice).removeprefix("Today "),
        )
        for message in messages[:OVERNIGHT_SHOWN]
    ]
    return Overnight(len(messages), rows)


def last_note(practice: Practice, date: dt.date) -> Handover | None:
    """The newest note of an earlier day."""
    notes = Handover.objects.filter(sent_at__isnull=False, review__local_date__lt=date)
    return notes.select_related("sent_by", "read_by").order_by("-sent_at").first()


def phones_open(practice: Practice, now: dt.datetime) -> str:
    """When the phones are answered today, in words; empty where no hours are set."""
    today = now.astimezone(practice.zone).date()
    hours = list(OfficeHours.objects.filter(weekday=today.isoweekday()))
    if not hours:
        return ""
    opens = boundary(today, hours[0].opens, practice.zone)
    closes = boundary(today, hours[-1].closes, practice.zone, closing=True)
    if now >= closes:
        return "The phones are closed."
    minutes = -int((now - opens).total_seconds() // 60)
    if minutes <= 0:
        return "The phones are open."
    if minutes < 60:
        return f"Phones open in {minutes} minute{'' if minutes == 1 else 's'}."
    return f"Phones open at {clock(hours[0].opens)}."
