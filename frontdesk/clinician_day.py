"""A clinician's own day: the visits in their order, when each will really begin, breaks and open times."""

import datetime as dt
import itertools
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.urls import reverse

from frontdesk.behind import Bar, bar_of
from frontdesk.day_shape import local_span, working_hours
from frontdesk.dayplan import Span, clock, minute_of, subtract
from patients.models import Need
from patients.records import NEED_ICONS
from practices.models import Practice
from practices.models import User as Person
from scheduling.flow import Stage
from scheduling.models import Appointment, Practitioner
from scheduling.words import STAGE_WORDS

SHORTEST_OPENING = 30
WORTH_SAYING = dt.timedelta(minutes=5)
LUNCH = Span(11 * 60, 14 * 60)
NEXT = {
    "book": (Stage.ARRIVED, "Arrived"),
    "conf": (Stage.ARRIVED, "Arrived"),
    "arr": (Stage.IN_VISIT, "Start visit"),
    "vis": (Stage.DONE, "Done"),
}


@dataclass(slots=True)
class VisitRow:
    """A visit as the clinician sees it."""

    visit: Appointment
    name: str
    time: str
    expected: str
    line: str
    needs: list[tuple[str, str]]
    since: dt.datetime | None
    start: int = 0
    kind: str = "visit"
    private: bool = False
    whose: str = ""  # the colleague in whose visit she takes part

    @property
    def stage(self) -> str:
        return self.visit.stage

    @property
    def symbol(self) -> str:
        return "st-cancel" if self.stage == "off" else f"st-{self.stage}"

    @property
    def words(self) -> str:
        return STAGE_WORDS[self.stage]

    @property
    def next_stage(self) -> str:
        return NEXT[self.stage][0] if self.stage in NEXT else ""

    @property
    def next_label(self) -> str:
        return NEXT[self.stage][1] if self.stage in NEXT else ""


class Gap(NamedTuple):
    """A break, or an open time that can be booked."""

    kind: str
    start: int
    time: str
    words: str
    url: str = ""


@dataclass(slots=True)
class ClinicianDay:
    """The day in order; `now` is the visit in the room, `groups` are the rows between the breaks."""

    practitioner: Practitioner
    now: VisitRow | None
    past: list[VisitRow]
    groups: list[tuple[Gap | None, list[VisitRow | Gap]]]
    behind: int
    bar: Bar
    rows: list[VisitRow] = field(default_factory=list)

    def row(self, visit_id: uuid.UUID | None) -> VisitRow | None:
        """The chosen visit, else the one in the room, else the next."""
        upcoming = [item for _, items in self.groups for item in items if isinstance(item, VisitRow)]
        chosen = next((row for row in self.rows if row.visit.pk == visit_id), None)
        return chosen or self.now or next(iter(upcoming), None)


def expected_starts(visits: Iterable[Appointment], now: dt.datetime) -> dict[uuid.UUID, dt.datetime]:
    """When each waiting visit will begin: after the one in the room and those before it, never too early.

    Who is late and not here yet holds nobody up.
    """
    expected: dict[uuid.UUID, dt.datetime] = {}
    free_at = now
    busy = [visit for visit in visits if visit.stage == "vis"]
    for visit in busy:
        free_at = max(free_at, (visit.seen_at or visit.starts_at) + (visit.ends_at - visit.starts_at))
    for visit in visits:
        if visit.stage not in {"book", "conf", "arr"}:
            continue
        start = max(visit.starts_at, free_at)
        expected[visit.pk] = start
        if visit.stage == "arr" or visit.starts_at > now:
            free_at = start + (visit.ends_at - visit.starts_at)
    return expected


def clinician_day(
    practice: Practice, practitioner: Practitioner, day: dt.date, now: dt.datetime, user: Person
) -> ClinicianDay:
    """Five queries, whatever the number of visits; three more once she has said how late she is."""
    visits = list(Appointment.objects.on(day).on_board().with_clinician(practitioner).with_people())
    hours = working_hours(practice, day).get(practitioner.pk, [])
    by_clock = expected_starts(visits, now)
    behind = minutes_behind(visits, by_clock)
    bar = bar_of(practitioner, practice, visits, behind, now)
    # What somebody said is what patients are told: the clock's own guess then stands back.
    expected = bar.course.expected if bar.minutes else by_clock
    rows = [visit_row(visit, practice, expected.get(visit.pk), user) for visit in visits]
    for row in rows:
        if row.visit.practitioner_id != practitioner.pk:
            row.whose = row.visit.practitioner.short_name
            row.line = f"{row.line}, with {row.whose}"
        span = local_span(row.visit, practice, day)
        row.start = span.start if span else 0
    ahead = [row for row in rows if row.stage in {"book", "conf", "arr"}]
    minute = minute_of(now.astimezone(practice.zone).time())
    gaps = [*breaks(hours, minute), *openings(practice, practitioner, day, hours, visits, minute)]
    return ClinicianDay(
        practitioner,
        now=next((row for row in rows if row.stage == "vis"), None),
        past=[row for row in rows if row.stage in {"done", "bad"}],
        groups=grouped(ahead, gaps),
        behind=behind,
        bar=bar,
        rows=rows,
    )


def minutes_behind(visits: Sequence[Appointment], expected: dict[uuid.UUID, dt.datetime]) -> int:
    """How late the next one begins who is here already; nobody waits, nobody is behind."""
    waiting = [visit for visit in visits if visit.stage == "arr"]
    late = max((expected[visit.pk] - visit.starts_at for visit in waiting), default=dt.timedelta())
    return int(late.total_seconds() // 60) if late >= WORTH_SAYING else 0


def visit_row(visit: Appointment, practice: Practice, expected: dt.datetime | None, user: Person) -> VisitRow:
    late = expected is not None and expected - visit.starts_at >= WORTH_SAYING
    reason = "" if user.privacy_mode else str(visit.reason)
    since = {"arr": visit.arrived_at, "vis": visit.seen_at}.get(visit.stage)
    return VisitRow(
        visit,
        name=visit.patient.shown_name(private=user.privacy_mode),
        time=clock(minute_of(visit.starts_at.astimezone(practice.zone).time())),
        expected=clock(minute_of(expected.astimezone(practice.zone).time())) if expected and late else "",
        line=", ".join(filter(None, [visit.appointment_type.name, reason])),
        needs=needs_of(visit),
        since=since,
        private=user.privacy_mode,
    )


def needs_of(visit: Appointment) -> list[tuple[str, str]]:
    """Icon and words of what the visit has to provide."""
    wanted = visit.all_needs
    known = [Need(need) for need in wanted if need in Need.values]
    video = [("video", "Video visit")] if visit.appointment_type.video else []
    return video + [(NEED_ICONS[need], str(need.label)) for need in known]


def breaks(hours: Sequence[Span], minute: int) -> list[Gap]:
    """The pauses between a clinician's hours that are not over."""
    pauses = [Span(before.end, after.start) for before, after in itertools.pairwise(hours)]
    return [
        Gap("break", pause.start, clock(pause.start), "Lunch" if is_lunch(pause) else "Break")
        for pause in pauses
        if pause.end > minute
    ]


def is_lunch(pause: Span) -> bool:
    return LUNCH.start <= pause.start and pause.end <= LUNCH.end and pause.end - pause.start >= 30


def openings(
    practice: Practice,
    practitioner: Practitioner,
    day: dt.date,
    hours: Sequence[Span],
    visits: Sequence[Appointment],
    minute: int,
) -> list[Gap]:
    """Free stretches of the rest of the day, each with the address that books it."""
    taken = [span for visit in visits if visit.is_active and (span := local_span(visit, practice, day))]
    past = [Span(0, -(-minute // 15) * 15)] if minute else []
    free = [span for span in subtract(hours, [*taken, *past]) if span.end - span.start >= SHORTEST_OPENING]
    book = reverse("book", args=[practice.slug])
    return [
        Gap(
            "open",
            span.start,
            clock(span.start),
            f"Open, {length_words(span.end - span.start)}",
            f"{book}?practitioner={practitioner.pk}&start={day}T{span.start // 60:02d}:{span.start % 60:02d}",
        )
        for span in free
    ]


def length_words(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    words = [f"{hours} hour{'' if hours == 1 else 's'}"] if hours else []
    return " ".join(words + ([f"{rest} minutes"] if rest else []))


def grouped(rows: Sequence[VisitRow], gaps: Sequence[Gap]) -> list[tuple[Gap | None, list[VisitRow | Gap]]]:
    """Lists between the breaks; each with the break before it."""
    groups: list[tuple[Gap | None, list[VisitRow | Gap]]] = [(None, [])]
    items: list[VisitRow | Gap] = [*rows, *gaps]
    for item in sorted(items, key=lambda item: item.start):
        if isinstance(item, Gap) and item.kind == "break":
            groups.append((item, []))
        else:
            groups[-1][1].append(item)
    return [group for group in groups if group[0] or group[1]]
