"""The phones of a practice today: who waits, how it went by the hour, who calls again, what is owed.

A fixed number of queries, however many calls there were.
"""

import datetime as dt
import statistics
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Case, Count, F, Max, Q, TextField, Value, When
from django.utils import timezone

from messaging.models import Call, Task
from patients.contacts import show_phone
from patients.models import Patient
from practices.models import Practice, User
from scheduling.wallclock import boundary
from scheduling.words import clock, short_when

REPEATS_WITHIN = dt.timedelta(days=7)
MOST_REPEATS, MOST_LISTED = 12, 100
FIRST_HOUR, LAST_HOUR = 8, 17  # of the plot, where no call came earlier or later
PLOT_HEIGHT, BAR, GAP = 100, 8, 2
NOT_SAID = "matter not written down"
HIDDEN = "Hidden number"
Outcome, Status, Direction = Call.Outcome, Call.Status, Call.Direction
# How an incoming call ended → which part of its bar it is.
PARTS = {
    Outcome.ANSWERED: "answered",
    Outcome.MISSED: "missed",
    Outcome.ABANDONED: "abandoned",
    Outcome.VOICEMAIL: "voicemail",
    Outcome.CALL_BACK: "call-back",
}
TONES = {
    "answered": "conf",
    "missed": "bad",
    "abandoned": "bad",
    "voicemail": "acc",
    "call-back": "book",
    "now": "arr",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of the plot, in the units of its picture."""

    x: int
    y: float
    height: float
    part: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Calls by the hour; `words` says the same for those who cannot see it."""

    width: int
    bars: list[Bar]
    hours: list[str]
    most: int
    words: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller who waits: ringing, or on hold with somebody."""

    call: Call
    name: str
    since: dt.datetime
    words: str
    can_promise: bool


@dataclass(frozen=True, slots=True)
class Repeat:
    """Somebody who called about the same matter more than once within seven days."""

    name: str
    matter: str
    count: int
    last: str
    patient_id: uuid.UUID | None
    call_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Promise:
    """A call back that was promised."""

    task: Task
    name: str
    when: str
    overdue: bool
    owner: str
    patient_id: uuid.UUID | None
    number: str


@dataclass(frozen=True, slots=True)
class Line:
    """A call of today in the list."""

    call: Call
    at: str
    name: str
    words: str
    tone: str
    length: str
    who: str


@dataclass(slots=True)
class Phones:
    """Everything the page reads."""

    waiting: list[Waiting] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    came: int = 0
    made: int = 0
    median: str = ""
    plot: Plot | None = None
    people: list[tuple[str, int]] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    total: int = 0
    seen: set[uuid.UUID] = field(default_factory=set)

    @property
    def longest(self) -> dt.datetime | None:
        return min((one.since for one in self.waiting), default=None)


def phones_of(practice: Practice, viewer: User, now: dt.datetime | None = None) -> Phones:
    """The page of the phones as it stands now."""
    now = now or timezone.now()
    day = boundary(now.astimezone(practice.zone).date(), dt.time(), practice.zone)
    recent = Call.objects.select_related("patient", "handler").order_by("-started_at", "-pk")
    calls = list(recent.filter(Q(started_at__gte=day) | Q(status__in=Call.PRESENT)))
    today = [call for call in calls if call.started_at >= day]
    came = [call for call in today if call.direction == Direction.IN]
    words = Words(practice, private=viewer.privacy_mode)
    page = Phones(total=len(today), came=len(came), made=len(today) - len(came))
    page.waiting = [words.waiting(call) for call in reversed(calls) if waits(call)]
    page.counts = dict(Counter(part_of(call) for call in came))
    page.median = median_words(came)
    page.plot = plot_of(came, practice)
    people = Counter(call.handler.short_name for call in today if call.handler)
    page.people = sorted(people.items(), key=lambda pair: (-pair[1], pair[0]))
    page.lines = [words.line(call) for call in today[:MOST_LISTED]]
    page.repeats = repeats_of(words, now)
    page.promises = promises_of(words, now)
    shown = [*(one.call.patient_id for one in page.waiting), *(one.call.patient_id for one in page.lines)]
    told = [*(one.patient_id for one in page.repeats), *(one.patient_id for one in page.promises)]
    page.seen = {key for key in (*shown, *told) if key}
    return page


def waits(call: Call) -> bool:
    ringing = call.status == Status.RINGING and call.direction == Direction.IN
    return ringing or call.status == Status.HELD


def part_of(call: Call) -> str:
    """Which part of the day an incoming call is; still going on counts as answered or waiting."""
    if call.is_present and not call.outcome:
        return "answered" if call.answered_at else "now"
    return PARTS.get(Outcome(call.outcome), "missed") if call.outcome else "missed"


def median_words(came: Iterable[Call]) -> str:
    """The median time until somebody answered, as 0:24; empty where nobody was answered by telephone."""
    waits_s = [
        (call.answered_at - call.started_at).total_seconds()
        for call in came
        if call.answered_at and not call.by_hand
    ]
    return length_words(int(statistics.median(waits_s))) if waits_s else ""


def length_words(seconds: int) -> str:
    return f"{max(seconds, 0) // 60}:{max(seconds, 0) % 60:02d}"


def plot_of(came: Sequence[Call], practice: Practice) -> Plot:
    """Incoming calls by local hour, answered ones below the others."""
    by_hour: dict[int, Counter[str]] = {}
    for call in came:
        hour = call.started_at.astimezone(practice.zone).hour
        by_hour.setdefault(hour, Counter())[part_of(call)] += 1
    first, last = min([FIRST_HOUR, *by_hour]), max([LAST_HOUR, *by_hour])
    most = max((sum(parts.values()) for parts in by_hour.values()), default=0)
    bars, said = [], []
    for hour in range(first, last + 1):
        parts, y = by_hour.get(hour, Counter()), float(PLOT_HEIGHT)
        for part in TONES:
            if parts[part]:
                height = PLOT_HEIGHT * parts[part] / most
                y -= height
                bars.append(Bar((hour - first) * (BAR + GAP), round(y, 2), round(height, 2), part))
        if parts:
            said.append(f"{hour_words(hour)}: {sum(parts.values())}")
    hours = [hour_words(hour) for hour in range(first, last + 1)]
    width = len(hours) * (BAR + GAP) - GAP
    return Plot(width, bars, hours, most, ", ".join(said) or "No calls yet")


def hour_words(hour: int) -> str:
    return f"{hour % 12 or 12} {'AM' if hour < 12 else 'PM'}"


def repeats_of(words: "Words", now: dt.datetime) -> list[Repeat]:
    """Who called about one matter more than once in seven days, the most often first; three queries."""
    lately = Call.objects.filter(direction=Direction.IN, started_at__gte=now - REPEATS_WITHIN)
    # A patient is one caller from whichever number.
    number = Case(
        When(patient__isnull=False, then=Value("")), default=F("address_index"), output_field=TextField()
    )
    groups = list(
        lately.exclude(patient=None, address_index="")
        .annotate(number=number)
        .values("patient_id", "number", "matter")
        .annotate(count=Count("pk"), last=Max("started_at"))
        .filter(count__gte=2)
        .order_by("-count", "-last")[:MOST_REPEATS]
    )
    people = Patient.objects.in_bulk([group["patient_id"] for group in groups if group["patient_id"]])
    numbers = [group["number"] for group in groups if group["number"]]
    strangers = lately.filter(patient=None, address_index__in=numbers)
    latest = {
        call.address_index: call
        for call in strangers.order_by("address_index", "-started_at").distinct("address_index")
    }
    found = []
    for group in groups:
        patient, call = people.get(group["patient_id"]), latest.get(group["number"])
        matter = Call.Matter(group["matter"]).label.lower() if group["matter"] else NOT_SAID
        name = words.name(patient, call)
        last = short_when(group["last"], words.practice)
        key = patient.pk if patient else None
        found.append(Repeat(name, matter, group["count"], last, key, call.pk if call else None))
    return found


def promises_of(words: "Words", now: dt.datetime) -> list[Promise]:
    """The call-backs that are owed, the soonest first; two queries."""
    owed = Task.objects.open().filter(kind=Task.Kind.CALL_BACK).select_related("patient", "owner")
    tasks = list(owed.order_by("due_at", "pk"))
    calls = Call.objects.in_bulk([task.subject_id for task in tasks if task.subject_id])
    found = []
    for task in tasks:
        call = calls.get(task.subject_id) if task.subject_id else None
        number = str(call.address) if call and call.address and not words.private else ""
        found.append(
            Promise(
                task,
                words.name(task.patient, call),
                short_when(task.due_at, words.practice),
                task.due_at <= now,
                task.owner.short_name if task.owner else "",
                task.patient_id,
                number,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Words:
    """Calls in words, as this person may see them."""

    practice: Practice
    private: bool

    def name(self, patient: Patient | None, call: Call | None) -> str:
        if patient is not None:
            return patient.shown_name(private=self.private)
        if call is None or not call.address:
            return "Withheld number"
        return HIDDEN if self.private else show_phone(str(call.address))

    def waiting(self, call: Call) -> Waiting:
        held = call.status == Status.HELD
        since = call.held_since if held and call.held_since else call.started_at
        words = f"on hold with {call.handler.short_name}" if held and call.handler else "waits for a person"
        can_promise = bool(call.address or call.patient_id)
        return Waiting(call, self.name(call.patient, call), since, words, can_promise)

    def line(self, call: Call) -> Line:
        part = part_of(call) if call.direction == Direction.IN else "answered"
        words = call.get_outcome_display() or call.get_status_display()
        if call.direction == Direction.OUT:
            words = f"Called, {words[:1].lower()}{words[1:]}"
        length = ""
        if call.answered_at and call.ended_at:
            length = length_words(int((call.ended_at - call.answered_at).total_seconds()))
        tone = TONES[part] if call.outcome or part != "answered" else "acc"
        who = call.handler.short_name if call.handler else ""
        at = clock(call.started_at.astimezone(self.practice.zone))
        return Line(call, at, self.name(call.patient, call), words, tone, length, who)
