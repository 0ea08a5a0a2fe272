"""What may be done about a text that speaks of a time: free times of the same clinician, and moving there.

Read anew whenever it is looked at; nothing is written before somebody clicks.
"""

import datetime as dt
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from messaging import inbox
from messaging.models import Message, Task
from messaging.outbox import queue_message
from messaging.staff_tasks import close_task
from messaging.templates import render
from patients.contacts import practice_name_for, show_phone
from patients.models import Channel
from practices.audit import Actor
from practices.models import Practice
from practices.tenancy import current_practice
from scheduling.availability import AHEAD, FreeTime
from scheduling.booking import BookingRefused, reschedule_appointment
from scheduling.clocks import local_start
from scheduling.links import address_of, create_link
from scheduling.models import Appointment, Notice, Status
from scheduling.notices import say_date
from scheduling.together import times_instead
from scheduling.visit_calendar import invitation
from scheduling.wallclock import boundary, say_time
from scheduling.words import clock, inside_words, short_day, short_when

MOST = 3
APART = dt.timedelta(minutes=60)  # two offers of one day, so that three are a choice
TIMED = ("day", "days", "last_day", "time", "after", "before")
Reading = Message.Reading


@dataclass(frozen=True, slots=True)
class Slot:
    """A free time, as a button says it and as it comes back."""

    starts_at: dt.datetime
    words: str

    @property
    def value(self) -> str:
        return self.starts_at.isoformat()


@dataclass(slots=True)
class Suggestion:
    """What may be done about a message: in words, with up to three times of the visit's own clinician."""

    message: Message
    visit: Appointment
    words: str
    slots: list[Slot] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a text asked for, on the practice's wall clock."""

    days: tuple[dt.date, ...] = ()
    last_day: dt.date | None = None
    time: dt.time | None = None
    after: dt.time | None = None
    before: dt.time | None = None

    def fits(self, moment: dt.time) -> bool:
        return (self.after is None or moment >= self.after) and (self.before is None or moment < self.before)


def speaks_of_time(message: Message) -> bool:
    """Whether there is something to suggest about a message, told from the row alone."""
    if message.direction != Message.Direction.IN or message.reading_undone_at is not None:
        return False
    named = any((message.spoke_of or {}).get(name) for name in TIMED)
    return message.reading == Reading.NEW_TIME or (
        named and message.reading in {Reading.UNCLEAR, Reading.CANCEL, Reading.NO}
    )


def suggest(message: Message) -> Suggestion | None:
    """Times that a message may mean, of its visit's clinician and length; None where there is nothing to say.

    Reads, in a few queries, and writes nothing.
    """
    if not speaks_of_time(message):
        return None
    visit = visit_of(message)
    if visit is None:
        return None
    wish = wish_of(message)
    found = times_for(visit, wish)
    practice = current_practice()
    when = inside_words(short_when(visit.starts_at, practice))
    if found:
        words = f"Move the visit of {when} with {visit.practitioner.short_name} to"
        return Suggestion(message, visit, words, slots_of(found, practice))
    others = next_times(visit, _first_moment(wish, practice))
    words = f"{visit.practitioner.short_name} has no free time then. The next ones are"
    if not others:
        words = f"{visit.practitioner.short_name} has no free time in the next four weeks."
    return Suggestion(message, visit, words, slots_of(others, practice))


def visit_of(message: Message) -> Appointment | None:
    """The visit a message is about: that of its task, else the only one to come of whoever wrote."""
    coming = Appointment.objects.with_people().filter(status=Status.BOOKED, starts_at__gt=timezone.now())
    told = Task.objects.filter(message=message, appointment_id__isnull=False)
    by_task: Appointment | None = coming.filter(pk__in=told.values("appointment_id")).first()
    if by_task is not None:
        return by_task
    people = [message.patient_id] if message.patient_id else [one.pk for one in inbox.candidates(message)]
    found = list(coming.filter(patient_id__in=people).order_by("starts_at")[:2])
    return found[0] if len(found) == 1 or (found and message.patient_id) else None


def wish_of(message: Message) -> Wish:
    """What the message was found to speak of when it came."""
    said = message.spoke_of or {}
    days = said.get("days") or ([said["day"]] if said.get("day") else [])
    hours = {
        name: dt.time.fromisoformat(said[name]) for name in ("time", "after", "before") if said.get(name)
    }
    last = dt.date.fromisoformat(said["last_day"]) if said.get("last_day") else None
    return Wish(tuple(dt.date.fromisoformat(day) for day in days), last, **hours)


def times_for(visit: Appointment, wish: Wish) -> list[FreeTime]:
    """Up to three free times that fit, nearest to what was asked; never the visit's own."""
    practice = current_practice()
    windows = _windows(wish, practice)
    free_then = _of_its_clinician(visit, min(windows)[0], max(until for _, until in windows))
    fitting = [
        free
        for from_, until in windows
        for free in free_then
        if from_ <= free.starts_at < until
        and wish.fits(free.starts_at.astimezone(practice.zone).time())
        and free.starts_at != visit.starts_at
    ]
    if wish.time is not None:
        wanted = wish.time

        def distance(free: FreeTime) -> tuple[float, dt.datetime]:
            local = free.starts_at.astimezone(practice.zone)
            asked = dt.datetime.combine(local.date(), wanted, tzinfo=practice.zone)
            return abs((local - asked).total_seconds()), free.starts_at

        fitting.sort(key=distance)
    return sorted(_spread(fitting, of_one_day=len(wish.days) == 1 and wish.last_day is None))


def next_times(visit: Appointment, after: dt.datetime) -> list[FreeTime]:
    """The nearest two times from `after` on to which the visit could go with its clinician."""
    until = max(after, timezone.now()) + AHEAD
    return [free for free in _of_its_clinician(visit, after, until) if free.starts_at != visit.starts_at][:2]


def _of_its_clinician(visit: Appointment, from_: dt.datetime, until: dt.datetime) -> list[FreeTime]:
    times = times_instead(visit, from_, until)
    return [free for free in times if free.practitioner.pk == visit.practitioner_id]


def _windows(wish: Wish, practice: Practice) -> list[tuple[dt.datetime, dt.datetime]]:
    """Where to look: the named days, the named week, or two weeks from tomorrow on."""

    def span(first: dt.date, last: dt.date) -> tuple[dt.datetime, dt.datetime]:
        zone = practice.zone
        return boundary(first, dt.time(), zone), boundary(last + dt.timedelta(days=1), dt.time(), zone)

    if wish.last_day is not None and wish.days:
        return [span(wish.days[0], wish.last_day)]
    if wish.days:
        return [span(day, day) for day in wish.days]
    today = practice.today()
    return [span(today, today + dt.timedelta(days=14))]


def _first_moment(wish: Wish, practice: Practice) -> dt.datetime:
    first = wish.days[0] if wish.days else practice.today()
    return min(boundary(first, wish.after or dt.time(), practice.zone), timezone.now() + AHEAD)


def _spread(fitting: list[FreeTime], *, of_one_day: bool) -> list[FreeTime]:
    """Of many the first few that are a choice: an hour apart, and over several days one a day."""
    picked: list[FreeTime] = []
    for free in fitting:
        near = any(
            abs(free.starts_at - other.starts_at) < (APART if of_one_day else dt.timedelta(hours=12))
            for other in picked
        )
        if not near:
            picked.append(free)
        if len(picked) == MOST:
            break
    return picked


def slots_of(times: list[FreeTime], practice: Practice) -> list[Slot]:
    """Free times as buttons: “Thu, Nov 26, 2:30 PM”."""
    rows = []
    for free in times:
        local = free.starts_at.astimezone(practice.zone)
        rows.append(Slot(free.starts_at, f"{short_day(local.date(), practice.today())} {clock(local)}"))
    return rows


@transaction.atomic
def take(
    *, message: Message, visit: Appointment, version: int, starts_at: dt.datetime, by: Actor
) -> Appointment:
    """Moves the visit to a suggested time, tells the patient, and counts the message as answered.

    The move can be taken back like any other, and its text waits until then. Raises what moving raises.
    """
    if visit_of(message) != visit:
        raise BookingRefused("This message is not about that visit any more. Look at it as it is now.")
    moved = reschedule_appointment(appointment=visit, version=version, starts_at=starts_at, by=by)
    if not Notice.objects.filter(appointment=moved).exists():
        _answer(message, moved, by)
    for key in (f"new-time:{visit.pk}", f"cancel:{visit.pk}"):
        for task in Task.objects.open().filter(once_key=key):
            close_task(task=task, outcome="moved", by=by)
    inbox.mark_handled(message=message, outcome="moved", by=by)
    return moved


def _answer(message: Message, moved: Appointment, by: Actor) -> None:
    """Says the new time to whoever wrote and is not told otherwise: an answer needs no consent of its own."""
    if message.channel == Channel.CALL:
        return
    practice, language = current_practice(), moved.patient.language
    local = local_start(moved)
    words = render(
        "moved",
        language,
        {
            "practice": practice_name_for(moved.patient),
            "name": moved.patient.preferred or moved.patient.given,
            "date": say_date(local.date(), language),
            "time": say_time(local.time()),
            "phone": show_phone(str(practice.line_number)),
            "link": address_of(create_link(moved)[1]),
        },
        channel=message.channel,
    )
    mailed = message.channel == Channel.EMAIL
    answer = queue_message(
        patient=message.patient,
        channel=message.channel,
        kind=Message.Kind.MOVED,
        calendar=invitation(moved, "moved", to=str(message.address), language=language) if mailed else None,
        body=words.body,
        subject=words.subject,
        language=language,
        send_after=timezone.now() + practice.undo_window,
        useful_until=moved.starts_at,
        idempotency_key=f"moved:{moved.pk}:{message.pk}",
        in_reply_to=message,
        by=by,
    )
    notice = Notice(practice=practice, message=answer, appointment=moved, kind="moved", version=moved.version)
    Notice.objects.bulk_create([notice], ignore_conflicts=True)
