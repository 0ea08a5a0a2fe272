"""Whom a delay concerns, and telling them: by text or e-mail, where neither may go by a person's call.

Told is who is not here yet, begins within the practice's hours ahead and is late by its minutes or more; and
again only when what was said has changed by a quarter of an hour, or all is on time again.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.utils import timezone

from messaging.models import Message, Task
from messaging.outbox import queue_message, withdraw_messages
from messaging.staff_tasks import close_task, open_task
from messaging.templates import render
from patients.contacts import Reach, practice_name_for, reachability, show_phone
from patients.models import Channel
from patients.zones import after_quiet
from practices.audit import Actor
from practices.models import Practice
from practices.tenancy import current_practice
from scheduling.clocks import zone_of
from scheduling.lateness import Course, course_of
from scheduling.links import address_of, create_link
from scheduling.models import Appointment, Delay, DelayNotice, DelayStep, Notice
from scheduling.notices import channel_for, say_date
from scheduling.wallclock import say_time
from scheduling.words import clock_named

CHANGE_WORTH_SAYING = 15  # minutes between two words to one patient
LONGEST_GRACE = dt.timedelta(minutes=3)  # however long other texts wait: this one is urgent
CLOSED = "not needed any more"


@dataclass(slots=True)
class LateDay:
    """A clinician's delay with the visits of the day and who was told what."""

    delay: Delay
    visits: list[Appointment]
    notices: list[DelayNotice]
    course: Course

    def told(self) -> dict[uuid.UUID, DelayNotice]:
        """The last word to each visit that still stands."""
        return {one.appointment_id: one for one in self.notices if one.withdrawn_at is None}

    def to_tell(self, practice: Practice, now: dt.datetime) -> list[tuple[Appointment, int]]:
        """The visits whose patients should hear something now, with the minutes to say."""
        told, found = self.told(), []
        for visit in self.visits:
            late = self.course.late.get(visit.pk, 0)
            before = told[visit.pk].minutes if visit.pk in told else None
            if visit.stage in {"book", "conf"} and is_news(visit, late, before, practice, now):
                found.append((visit, late))
        return found


@dataclass(frozen=True, slots=True)
class Word:
    """What one patient would hear, and how."""

    visit: Appointment
    late: int
    reach: Reach
    channel: str  # sms, email, call; empty where there is no way at all

    @property
    def expected(self) -> dt.datetime:
        return self.visit.starts_at + dt.timedelta(minutes=self.late)

    @property
    def kind(self) -> str:
        return "delay" if self.late else "delay-over"


def is_news(visit: Appointment, late: int, before: int | None, practice: Practice, now: dt.datetime) -> bool:
    """Whether a patient who was told `before` (None: nothing) should hear of `late` minutes."""
    if visit.starts_at + dt.timedelta(minutes=late) <= now:
        return False
    if before is None:
        near = visit.starts_at <= now + dt.timedelta(hours=practice.late_tell_hours)
        return near and late >= practice.late_tell_from
    if before and not late:
        return True
    return abs(late - before) >= CHANGE_WORTH_SAYING


def late_days(
    delays: Iterable[Delay], now: dt.datetime | None = None, *, everybody: bool = False
) -> list[LateDay]:
    """The days behind some delays of one date, in two queries; of those on time only with `everybody`."""
    now = now or timezone.now()
    rows = [delay for delay in delays if delay.minutes or everybody]
    if not rows:
        return []
    visits: dict[uuid.UUID, list[Appointment]] = {row.practitioner_id: [] for row in rows}
    found = Appointment.objects.on(rows[0].local_date).active().filter(practitioner__in=visits)
    for visit in found.with_people().order_by("starts_at", "pk"):
        visits[visit.practitioner_id].append(visit)
    notices: dict[uuid.UUID, list[DelayNotice]] = {row.pk: [] for row in rows}
    told = DelayNotice.objects.filter(delay__in=notices).select_related("message", "task")
    for notice in told.order_by("number"):
        notices[notice.delay_id].append(notice)
    return [
        LateDay(row, own, notices[row.pk], course_of(row, own, now))
        for row in rows
        for own in [visits[row.practitioner_id]]
    ]


def words_for(day: LateDay, now: dt.datetime | None = None) -> list[Word]:
    """What would be said to whom, soonest first, in two queries more."""
    practice, now = current_practice(), now or timezone.now()
    news = day.to_tell(practice, now)
    reach = reachability({visit.patient for visit, _ in news}) if news else {}
    return [word_for(visit, late, reach[visit.patient_id], practice, now) for visit, late in news]


def word_for(visit: Appointment, late: int, reach: Reach, practice: Practice, now: dt.datetime) -> Word:
    """By text or e-mail if one may go and leaves in time, else by a call."""
    channel = channel_for(visit.patient, reach)
    if channel is not None:
        point = reach.point_for(channel)
        number = str(point.value) if point is not None and channel != Channel.EMAIL else ""
        useful = visit.starts_at + dt.timedelta(minutes=late)
        if after_quiet(practice, number, now + grace(practice)) >= useful:
            channel = None
    if channel is None and reach.phone is not None and not visit.patient.deceased:
        channel = Channel.CALL
    return Word(visit, late, reach, str(channel or ""))


def grace(practice: Practice) -> dt.timedelta:
    """How long a word about a delay can be taken back."""
    return min(practice.undo_window, LONGEST_GRACE)


def say(words: Iterable[Word], *, day: LateDay, step: DelayStep, by: Actor) -> list[DelayNotice]:
    """Writes down who is told and queues messages, or leaves calls; the constraint lets each pass once."""
    numbers = {one.appointment_id: one.number for one in day.notices}  # the last one of each
    wanted = {
        word.visit.pk: (
            word,
            DelayNotice(
                practice=current_practice(),
                delay=day.delay,
                step=step,
                appointment=word.visit,
                number=numbers.get(word.visit.pk, 0) + 1,
                minutes=word.late,
                told_at=step.made_at,
            ),
        )
        for word in words
        if word.channel
    }
    DelayNotice.objects.bulk_create([notice for _, notice in wanted.values()], ignore_conflicts=True)
    ours = set(
        DelayNotice.objects.filter(pk__in=[notice.pk for _, notice in wanted.values()]).values_list(
            "pk", flat=True
        )
    )
    said = []
    for word, notice in wanted.values():
        if notice.pk in ours:
            withdraw_earlier(day, word.visit, by)
            carry_out(word, notice, day.delay, by)
            notice.save(update_fields=["message", "task"])
            said.append(notice)
    return said


def withdraw_earlier(day: LateDay, visit: Appointment, by: Actor) -> None:
    """What still waits to say something older to this patient does not go."""
    take_back([one for one in day.notices if one.appointment_id == visit.pk], by=by)


def take_back(notices: Collection[DelayNotice], *, by: Actor) -> int:
    """Withdraws words that have not been heard yet and returns how many; what has left stays said."""
    keys = [one.pk for one in notices if one.withdrawn_at is None]
    standing = DelayNotice.objects.filter(pk__in=keys).select_related("message", "task")
    unheard = [one for one in standing if is_unheard(one)]
    messages = [one.message_id for one in unheard if one.message_id]
    withdraw_messages(messages=Message.objects.filter(pk__in=messages), reason="taken back", by=by)
    for one in unheard:
        if one.task is not None:
            close_task(task=one.task, outcome=CLOSED, by=by)
    DelayNotice.objects.filter(pk__in=[one.pk for one in unheard]).update(withdrawn_at=timezone.now())
    return len(unheard)


def is_unheard(notice: DelayNotice) -> bool:
    """Whether the message waits still, or the call was not made yet."""
    if notice.task is not None:
        return notice.task.done_at is None
    return notice.message is not None and notice.message.status == Message.Status.QUEUED


def carry_out(word: Word, notice: DelayNotice, delay: Delay, by: Actor) -> None:
    """The message, or the call that a person makes."""
    if word.channel == Channel.CALL:
        notice.task = open_task(
            kind=Task.Kind.CALL,
            due_at=word.visit.starts_at if word.visit.starts_at > timezone.now() else timezone.now(),
            once_key=f"delay:{word.visit.pk.hex}:{notice.number}",
            urgency=Task.Urgency.SOON,
            patient=word.visit.patient,
            appointment_id=word.visit.pk,
            note=call_words(word),
            by=by,
        )
        return
    notice.message = message_of(word, notice, by)
    # The tie to the visit: who arrives, cancels or is moved does not hear of it any more.
    told = Notice(
        practice=delay.practice,
        message=notice.message,
        appointment=word.visit,
        kind=word.kind,
        version=word.visit.version,
    )
    Notice.objects.bulk_create([told], ignore_conflicts=True)


def message_of(word: Word, notice: DelayNotice, by: Actor) -> Message:
    visit, practice = word.visit, current_practice()
    language = visit.patient.language
    words = render(word.kind, language, variables(word, language), channel=word.channel)
    return queue_message(
        patient=visit.patient,
        channel=word.channel,
        reach=word.reach,
        kind=Message.Kind.DELAY,
        body=words.body,
        subject=words.subject,
        language=language,
        send_after=timezone.now() + grace(practice),
        useful_until=word.expected,
        idempotency_key=f"delay:{visit.pk}:{notice.number}:{word.channel}",
        by=by,
    )


def variables(word: Word, language: str) -> dict[str, str]:
    """What the wordings may hold: never why somebody is seen, nor by whom."""
    practice, visit = current_practice(), word.visit
    local = word.expected.astimezone(zone_of(visit))
    return {
        "practice": practice_name_for(visit.patient),
        "name": visit.patient.preferred or visit.patient.given,
        "date": say_date(local.date(), language),
        "time": say_time(local.time()),
        "phone": show_phone(str(practice.line_number)),
        "link": address_of(create_link(visit)[1]) if word.late else "",
    }


def call_words(word: Word) -> str:
    """What whoever calls says."""
    zone, who = zone_of(word.visit), word.visit.practitioner.short_name
    planned = clock_named(word.visit.starts_at.astimezone(zone), current_practice())
    if not word.late:
        return f"{who} is on time again: the visit begins at {planned}, as planned."
    expected = clock_named(word.expected.astimezone(zone), current_practice())
    return f"{who} is late: expected {expected} instead of {planned}. Offer another time."
