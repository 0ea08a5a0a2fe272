"""The next seven days of reminders: what will go to whom, by what and when, and who hears nothing.

The plan of the sweep, read ahead and not carried out: what it says is what will happen, unless something
changes.
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from messaging.caps import Heard, put_off
from messaging.models import Message
from messaging.outcomes import REASONS
from patients.models import Channel
from practices.models import Practice
from practices.tenancy import current_practice
from scheduling.models import Notice, ReminderRule
from scheduling.planning import Planned, plan
from scheduling.reminding import key_of
from scheduling.rules import active_rules
from scheduling.wallclock import boundary
from scheduling.words import clock, short_day, short_when

DAYS = 7
NOWHERE = "none"
SHOWN = 200  # lines of one day; a day of more is a day for the numbers
ICONS = {Channel.SMS.value: "msg", Channel.EMAIL.value: "mail", Channel.CALL.value: "phone", NOWHERE: "ban"}
WORDS = {Channel.SMS.value: "Text", Channel.EMAIL.value: "E-mail", Channel.CALL.value: "Automatic call"}


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the forecast, or one that will not be."""

    at: dt.datetime
    time: str
    name: str
    visits: str
    rule: str
    channel: str
    patient_id: uuid.UUID
    visit_id: uuid.UUID
    why_not: str = ""
    note: str = ""  # that it waits for its turn, or goes to several

    @property
    def icon(self) -> str:
        return ICONS[self.channel]

    @property
    def channel_words(self) -> str:
        return WORDS.get(self.channel, "Nothing goes")


@dataclass(slots=True)
class Day:
    """A day's numbers, as parts of a bar."""

    date: dt.date
    words: str
    counts: Counter[str] = field(default_factory=Counter)
    longest: int = 1

    @property
    def total(self) -> int:
        return sum(count for channel, count in self.counts.items() if channel != NOWHERE)

    @property
    def bars(self) -> list[tuple[str, str, str]]:
        """Channel, begin and width, of a hundred."""
        parts, begin = [], 0.0
        for channel in (*WORDS, NOWHERE):
            width = self.counts[channel] * 100 / self.longest
            if width:
                parts.append((channel, f"{begin:.2f}", f"{width:.2f}"))
            begin += width
        return parts


@dataclass(slots=True)
class Forecast:
    """Seven days with their lines, and those who will not be reached."""

    days: list[Day]
    lines: list[Line]
    unreached: list[Line]

    def of(self, day: dt.date, zone: dt.tzinfo) -> list[Line]:
        return [line for line in self.lines if line.at.astimezone(zone).date() == day]

    @property
    def total(self) -> int:
        return len(self.lines)


def forecast(practice: Practice, now: dt.datetime, *, private: bool) -> Forecast:
    """What the rules will send in seven days, with what waits in the outbox already; nothing is written."""
    rules = active_rules()
    today = now.astimezone(practice.zone).date()
    until = boundary(today + dt.timedelta(days=DAYS), dt.time(), practice.zone)
    planned = plan(rules, since=now, until=until, now=now)
    lines = [*waiting_lines(now, until, practice, private), *planned_lines(planned, now, practice, private)]
    lines.sort(key=lambda line: (line.at, line.name))
    days = [today + dt.timedelta(days=number) for number in range(DAYS)]
    by_day = {day: Day(day, short_day(day, today)) for day in days}
    for line in lines:
        day = by_day.get(line.at.astimezone(practice.zone).date())
        if day is not None:
            day.counts[NOWHERE if line.why_not else line.channel] += 1
    longest = max([sum(day.counts.values()) for day in by_day.values()] + [1])
    for day in by_day.values():
        day.longest = longest
    return Forecast(
        list(by_day.values()),
        [line for line in lines if not line.why_not],
        [line for line in lines if line.why_not],
    )


def planned_lines(
    planned: Sequence[Planned], now: dt.datetime, practice: Practice, private: bool
) -> list[Line]:
    """Lines of what is not a row yet, after the caps have had their say."""
    rows = [(one, _as_row(one)) for one in planned]
    heard = Heard([row for _, row in rows], now)
    lines = []
    for one, row in rows:
        at, why_not, note = one.at, one.lead.why_not, ""
        if at >= one.lead.visit.starts_at:
            why_not = why_not or "too_late"
        while not why_not and heard.over(row, at):
            later = put_off(row, at)
            at, why_not = (later, "") if later is not None else (at, "over_cap")
            note = "Waits: enough messages that day"
        lines.append(line_of(one, at, why_not, note, practice, private))
    return lines


def _as_row(one: Planned) -> Message:
    """The message as the outbox will know it, as far as the caps look."""
    return Message(
        practice=current_practice(),
        patient_id=one.patient.pk,
        kind=Message.Kind.REMINDER,
        idempotency_key=key_of(one),
        useful_until=one.lead.visit.starts_at,
    )


def line_of(
    one: Planned, at: dt.datetime, why_not: str, note: str, practice: Practice, private: bool
) -> Line:
    names = dict.fromkeys(ask.visit.patient.shown_name(private=private) for ask in one.asks)
    visits = "; ".join(short_when(ask.visit.starts_at, practice) for ask in one.asks)
    return Line(
        at=at,
        time=clock(at.astimezone(practice.zone)),
        name=", ".join(names),
        visits=visits,
        rule=rule_words(one.lead.rule),
        channel=one.lead.channel or NOWHERE,
        patient_id=one.patient.pk,
        visit_id=one.lead.visit.pk,
        why_not=REASONS.get(why_not, why_not),
        note=note,
    )


def waiting_lines(now: dt.datetime, until: dt.datetime, practice: Practice, private: bool) -> Iterable[Line]:
    """Reminders that are rows already and wait for their time."""
    waiting = Notice.objects.filter(
        kind__startswith="reminder", message__status=Message.Status.QUEUED, message__send_after__lte=until
    ).select_related("message", "rule", "appointment__patient")
    seen: set[uuid.UUID] = set()
    for notice in waiting.order_by("message__send_after", "appointment__starts_at", "pk"):
        if notice.message_id in seen:
            continue
        seen.add(notice.message_id)
        at = max(notice.message.send_after or now, now)
        yield Line(
            at=at,
            time=clock(at.astimezone(practice.zone)),
            name=notice.appointment.patient.shown_name(private=private),
            visits=short_when(notice.appointment.starts_at, practice),
            rule=rule_words(notice.rule) if notice.rule else "By hand",
            channel=notice.message.channel,
            patient_id=notice.appointment.patient_id,
            visit_id=notice.appointment_id,
            note="In the outbox",
        )


def rule_words(rule: ReminderRule) -> str:
    """2 days before at 10:00 AM; 2 hours before."""
    if rule.days_before is not None:
        days = {0: "On the day", 1: "The day before"}.get(rule.days_before, f"{rule.days_before} days before")
        return f"{days} at {clock(rule.at or dt.time(10))}"
    return f"{rule.hours_before} hour{'s' if rule.hours_before != 1 else ''} before"
