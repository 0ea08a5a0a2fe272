"""The worklist of visits that are due: follow-ups and recalls as rows, in a fixed number of queries."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from messaging.outcomes import REASONS
from patients.contacts import Reach, reachability, show_phone
from patients.models import Channel
from practices.models import Practice, User
from practices.prepared import Prepared
from scheduling.availability import FreeTime, free_times
from scheduling.drafts import Slot
from scheduling.followups import TOLERANCES
from scheduling.models import Appointment, AppointmentType, FollowUp, Practitioner, Status
from scheduling.notices import channel_for
from scheduling.words import inside_words, short_day, short_when

SHOWN = 100  # of each group; how many there are is said beside it
READ = 1000
ENDED_DAYS = 14
LOOKS_AHEAD = dt.timedelta(weeks=6)
MOST_TYPES = 6  # times are looked up for these many types of visit
BY = {Channel.SMS: ("Text a link", "msg"), Channel.EMAIL: ("E-mail a link", "mail")}
STEP_WORDS = {
    "ordered": "ordered",
    "asked": "is written to",
    "put-off": "rests until later",
    "ended": "ended",
    "opened": "opened again",
    "counted": "has the visit",
}


@dataclass(frozen=True, slots=True)
class Other:
    """A visit of the patient that does not count by itself: too early, or with somebody else."""

    pk: uuid.UUID
    words: str


@dataclass(slots=True)
class Row:
    """One follow-up as the page shows it."""

    follow_up: FollowUp
    name: str
    what: str
    around: str
    state: str
    tone: str = ""
    phone: str = ""
    dial: str = ""
    ask: tuple[str, str] | None = None
    why_not: str = ""
    slot: Slot | None = None
    when: str = ""
    other: Other | None = None
    book_query: str = ""
    private: bool = False

    @property
    def pk(self) -> uuid.UUID:
        return self.follow_up.pk


@dataclass(slots=True)
class Group:
    """Rows that stand together, and how many there are of them."""

    name: str
    title: str
    tone: str
    rows: list[Row] = field(default_factory=list)
    count: int = 0


@dataclass(slots=True)
class DueList:
    """The whole page."""

    groups: list[Group]
    ended: list[Row]

    @property
    def rows(self) -> list[Row]:
        return [row for group in self.groups for row in group.rows]

    @property
    def to_do(self) -> int:
        return sum(group.count for group in self.groups if group.name in {"overdue", "due"})

    @property
    def patient_ids(self) -> list[uuid.UUID]:
        return [row.follow_up.patient_id for row in (*self.rows, *self.ended)]


GROUPS = (
    ("overdue", "Overdue", "bad"),
    ("due", "Due", "book"),
    ("waiting", "Waiting for an answer", "arr"),
    ("later", "Later", "off"),
)


def count_to_do(practice: Practice) -> int:
    """How many follow-ups and recalls somebody has to act on; one query, for the rail."""
    return FollowUp.objects.to_do(practice.today()).count()


def group_of(row: FollowUp, today: dt.date) -> str:
    """Which group a row is in that waits for a visit."""
    if row.wait_until is not None and row.wait_until > today:
        return "waiting"
    if row.latest_on < today:
        return "overdue"
    return "due" if row.work_from <= today else "later"


def due_list(practice: Practice, *, private: bool) -> DueList:
    """All that waits, by group, and what was ended lately."""
    today = practice.today()
    waiting = list(FollowUp.objects.unbooked().with_people().order_by("due_on", "pk")[:READ])
    since = timezone.now() - dt.timedelta(days=ENDED_DAYS)
    ended = FollowUp.objects.filter(closed_at__gte=since, closed_as__in=FollowUp.BY_HAND)
    gone = list(ended.with_people().order_by("-closed_at")[:SHOWN])
    groups = [Group(*group) for group in GROUPS]
    by_name = {group.name: group for group in groups}
    shown: list[tuple[Group, FollowUp]] = []
    for row in waiting:
        group = by_name[group_of(row, today)]
        group.count += 1
        if group.count <= SHOWN:
            shown.append((group, row))
    drawn = rows_of([row for _, row in shown], practice, private=private)
    for (group, _), made in zip(shown, drawn, strict=True):
        made.tone = group.tone
        group.rows.append(made)
    plain = [plain_row(row, practice, private=private) for row in gone]
    return DueList([group for group in groups if group.rows], plain)


def rows_of(
    follow_ups: Sequence[FollowUp], practice: Practice, *, private: bool, offer: bool = True
) -> list[Row]:
    """Rows with what can be done: who may be written to, a time to take, a visit that may count."""
    reach = reachability({row.patient for row in follow_ups})
    others = other_visits(follow_ups)
    times = offered_times(follow_ups, practice) if offer else {}
    rows = []
    for one in follow_ups:
        row = plain_row(one, practice, private=private)
        reach_out(row, reach[one.patient_id], private=private)
        row.other = next((other_of(v, practice) for v in others[one.pk]), None)
        take_time(row, times.get(one.appointment_type_id, []), practice)
        rows.append(row)
    return rows


def plain_row(row: FollowUp, practice: Practice, *, private: bool) -> Row:
    return Row(
        follow_up=row,
        name=row.patient.shown_name(private=private),
        what=what_words(row),
        around=around_words(row, practice),
        state=state_words(row, practice),
        book_query=book_query(row, practice),
        private=private,
    )


def what_words(row: FollowUp) -> str:
    """Blood pressure check, Dr. Osei; any clinician where nobody is named."""
    who = row.practitioner.short_name if row.practitioner else "any clinician"
    return f"{row.appointment_type.name}, {who}"


def around_words(row: FollowUp, practice: Practice) -> str:
    """Around Thu, Jan 7, a week earlier or later."""
    day = inside_words(short_day(row.due_on, practice.today()))
    if row.is_recall:
        return f"Due {day}"
    return f"Around {day}, {TOLERANCES.get(row.tolerance_days, f'{row.tolerance_days} days')} either way"


def state_words(row: FollowUp, practice: Practice) -> str:
    """What the row waits for, in words."""
    today = practice.today()
    if row.closed_at is not None:
        who = f" by {row.closed_by.short_name}" if row.closed_by_id and row.closed_by else ""
        day = short_day(row.closed_at.astimezone(practice.zone).date(), today)
        return f"{row.get_closed_as_display()}{who}, {day}"
    group = group_of(row, today)
    if group == "waiting" and row.wait_until is not None:
        asked = row.asked_at is not None
        until = inside_words(short_day(row.wait_until, today))
        if not asked:
            return f"Rests until {until}"
        told = short_day(row.asked_at.astimezone(practice.zone).date(), today) if row.asked_at else ""
        told = inside_words(told) if told else ""
        return f"Written to {told}, looks again {until}"
    if group == "overdue":
        days = (today - row.latest_on).days
        return f"{days} day{'s' * (days != 1)} overdue"
    if group == "later":
        return f"From {short_day(row.work_from, today)}"
    if row.asked_at is not None:
        return "Written to, no visit yet"
    return "To be booked"


def book_query(row: FollowUp, practice: Practice) -> str:
    """What the booking dialog starts with."""
    day = max(row.counts_from, practice.today())
    parts = {"patient": row.patient_id, "visit_type": row.appointment_type_id}
    if row.practitioner_id:
        parts["clinician"] = row.practitioner_id
    asked = "&".join(f"{name}={value}" for name, value in parts.items())
    return f"{asked}&half={day.isoformat()}.am"


def reach_out(row: Row, reach: Reach, *, private: bool) -> None:
    """How the patient may be asked; the number to call stays hidden while privacy is on."""
    channel = channel_for(row.follow_up.patient, reach)
    row.ask = BY.get(Channel(channel)) if channel else None
    if row.ask is None:
        wants_calls = row.follow_up.patient.preferred_channel == Channel.CALL
        row.why_not = "Asked to be called" if wants_calls else reach.why_not.capitalize()
    elif row.follow_up.why_not:
        row.why_not = REASONS.get(row.follow_up.why_not, row.follow_up.why_not).capitalize()
    if reach.phone is not None and not private:
        row.phone, row.dial = show_phone(str(reach.phone.value)), str(reach.phone.value)


def other_visits(follow_ups: Iterable[FollowUp]) -> dict[uuid.UUID, list[Appointment]]:
    """Coming visits of the same type that do not end the row by themselves; one query."""
    rows = list(follow_ups)
    found: dict[uuid.UUID, list[Appointment]] = defaultdict(list)
    visits = Appointment.objects.filter(
        patient__in={row.patient_id for row in rows},
        appointment_type__in={row.appointment_type_id for row in rows},
        status=Status.BOOKED,
        starts_at__gt=timezone.now(),
        follow_up=None,
    )
    by_patient: dict[object, list[Appointment]] = defaultdict(list)
    for visit in visits.select_related("practitioner").order_by("starts_at"):
        by_patient[visit.patient_id, visit.appointment_type_id].append(visit)
    for row in rows:
        coming = by_patient[row.patient_id, row.appointment_type_id]
        found[row.pk] = [visit for visit in coming if visit.pk != row.visit_id]
    return found


def other_of(visit: Appointment, practice: Practice) -> Other:
    when = short_when(visit.starts_at, practice)
    return Other(visit.pk, f"Has {inside_words(when)} with {visit.practitioner.short_name}")


def offered_times(follow_ups: Iterable[FollowUp], practice: Practice) -> dict[uuid.UUID, list[FreeTime]]:
    """Free times of the coming weeks by type of visit; so many queries for each type, not for each row."""
    kinds: dict[uuid.UUID, AppointmentType] = {}
    for row in follow_ups:
        if row.appointment_type.active and len(kinds) < MOST_TYPES:
            kinds[row.appointment_type_id] = row.appointment_type
    now = timezone.now()
    return {
        key: free_times(appointment_type=kind, from_=now, until=now + LOOKS_AHEAD)
        for key, kind in kinds.items()
    }


def take_time(row: Row, times: list[FreeTime], practice: Practice) -> None:
    """The time nearest to its day that suits as it is: with its clinician, for a patient without needs.

    Needs are weighed in the dialog. Two rows of the list are not offered the same time.
    """
    one, today = row.follow_up, practice.today()
    if one.patient.needs or row.other is not None:
        return
    best: tuple[int, FreeTime] | None = None
    for free in times:
        day = free.starts_at.astimezone(practice.zone).date()
        late = one.latest_on >= today and day > one.latest_on
        if late or (best is not None and day > one.due_on and (day - one.due_on).days >= best[0]):
            break
        if day < one.counts_from or not is_with(free.practitioner, one):
            continue
        away = abs((day - max(one.due_on, today)).days)
        if best is None or away < best[0]:
            best = (away, free)
    if best is not None:
        row.slot = Slot(best[1].practitioner, best[1].starts_at)
        row.when = short_when(best[1].starts_at, practice)
        times.remove(best[1])


def is_with(practitioner: Practitioner, row: FollowUp) -> bool:
    return row.practitioner_id in {None, practitioner.pk}


@dataclass(frozen=True, slots=True)
class LastStep:
    """What this person just did to a follow-up, and can still take back."""

    follow_up: FollowUp
    words: str


def last_steps(practice: Practice, user: User, *, limit: int = 3) -> list[LastStep]:
    """The person's steps that can be taken back, newest first; one query."""
    since = timezone.now() - practice.undo_window
    rows = FollowUp.objects.filter(step_by=user, step_at__gt=since).exclude(step="")
    newest = rows.select_related("patient").order_by("-step_at")[:limit]
    private = user.privacy_mode
    return [
        LastStep(row, f"{row.patient.shown_name(private=private)}: {STEP_WORDS.get(row.step, row.step)}")
        for row in newest
    ]


def of_patient(patient_id: uuid.UUID, practice: Practice, *, private: bool) -> tuple[list[Row], list[Row]]:
    """A patient's follow-ups that wait, and those that are booked or ended, the newest first."""
    everything = FollowUp.objects.filter(patient=patient_id)
    waiting = list(everything.unbooked().with_people().order_by("due_on"))
    rest = everything.exclude(pk__in=[row.pk for row in waiting]).with_people().order_by("-due_on")[:20]
    today = practice.today()
    rows = [plain_row(row, practice, private=private) for row in waiting]
    for row in rows:
        row.tone = next(tone for name, _, tone in GROUPS if name == group_of(row.follow_up, today))
    done = [plain_row(row, practice, private=private) for row in rest]
    for row in done:
        row.tone = "off" if row.follow_up.closed_at else "conf"
        row.state = row.state if row.follow_up.closed_at else "Booked"
    return rows, done


@dataclass(frozen=True, slots=True)
class Due:
    """A follow-up as the panel of its visit says it."""

    pk: uuid.UUID
    version: int
    words: str
    undo: bool


def ordered_in(visit: Appointment, practice: Practice) -> list[Due]:
    """What was ordered in a visit and stands; one query."""
    since = timezone.now() - practice.undo_window
    return [
        Due(
            row.pk,
            row.version,
            f"Follow-up ordered: {what_words(row)}. {around_words(row, practice)}.",
            row.step == "ordered" and row.step_at is not None and row.step_at > since,
        )
        for row in ORDERED.ask(visit=visit.pk)
    ]


ORDERED = Prepared(
    lambda visit: (
        FollowUp.objects.filter(visit=visit, closed_at=None, rule=None)
        .select_related("appointment_type", "practitioner")
        .order_by("due_on")
    )
)
