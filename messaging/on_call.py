"""Who is on call: shifts with a rank, kept as instants, spoken of on the practice's wall clock."""

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from messaging.models import OnCallShift
from practices import audit, changes
from practices.audit import Actor
from practices.models import Membership, User
from practices.tenancy import current_practice

LONGEST_SHIFT = dt.timedelta(days=14)
FURTHEST = dt.timedelta(days=366)
RANKS = {1: "First", 2: "Second", 3: "Third"}


class ShiftRefused(ValueError):
    """A shift that contradicts itself or another one, in words; `field` is where to say it."""

    def __init__(self, words: str, field: str = "ends") -> None:
        super().__init__(words)
        self.field = field


@dataclass(frozen=True, slots=True)
class Remark:
    """Something the roster does not say by itself: a stretch without anybody, or with two of one rank."""

    words: str
    tone: str  # bad: nobody, book: look at it


def on_call_at(moment: dt.datetime | None = None) -> list[User]:
    """Who is on call at an instant, the first to be asked first; only who still works here."""
    return [person for people in ranks_at(moment) for person in people]


def ranks_at(moment: dt.datetime | None = None) -> list[list[User]]:
    """Who is on call at an instant, by rank: people of the same rank are asked together."""
    moment = moment or timezone.now()
    shifts = OnCallShift.objects.filter(starts_at__lte=moment, ends_at__gt=moment).select_related("user")
    here = set(Membership.objects.active().values_list("user_id", flat=True))
    ranks: dict[int, list[User]] = {}
    known: set[int] = set()
    for shift in shifts.order_by("rank", "starts_at"):
        if shift.user_id in here and shift.user_id not in known:
            known.add(shift.user_id)
            ranks.setdefault(shift.rank, []).append(shift.user)
    return list(ranks.values())


def shifts_between(start: dt.datetime, end: dt.datetime) -> list[OnCallShift]:
    """The shifts that touch a stretch of time, in their order."""
    touching = OnCallShift.objects.filter(starts_at__lt=end, ends_at__gt=start)
    return list(touching.select_related("user").order_by("starts_at", "rank"))


def instant(day: dt.date, time: dt.time, zone: zoneinfo.ZoneInfo, field: str = "starts") -> dt.datetime:
    """The instant of a wall-clock time; of a time that comes twice the first, so that hand-overs meet.

    Raises ShiftRefused for a time that the clocks jump over.
    """
    local = dt.datetime.combine(day, time, tzinfo=zone)
    moment = local.astimezone(dt.UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ShiftRefused(
            f"{say_clock(local)} does not exist on {say_day(day)}: the clocks go forward that night. "
            "Choose another time.",
            field,
        )
    return moment


def clock_change(start: dt.datetime, end: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
    """What a clock change does to a shift, in words; empty where there is none."""
    first, last = start.astimezone(zone).utcoffset(), end.astimezone(zone).utcoffset()
    if first is None or last is None or first == last:
        return ""
    hours = abs(int((last - first).total_seconds() // 3600)) or 1
    longer = last < first
    way, change = ("back", "longer") if longer else ("forward", "shorter")
    return f"The clocks go {way} in this shift: it is {hours} hour {change}."


@transaction.atomic
def save_shift(
    *,
    shift: OnCallShift | None = None,
    user: User,
    rank: int,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    by: Actor,
) -> OnCallShift:
    """Adds a shift, or changes one; raises ShiftRefused for what contradicts itself.

    Two people of one rank at once are allowed, and said by `remarks`: both are asked. Urgent messages
    that wait ask whoever is on call when their next step comes.
    """
    _judge(shift, user, rank, starts_at, ends_at)
    row = OnCallShift.objects.select_for_update().get(pk=shift.pk) if shift else OnCallShift()
    was = spoken(row) if shift else None
    row.practice, row.user, row.rank = current_practice(), user, rank
    row.starts_at, row.ends_at = starts_at, ends_at
    row.save()
    verb = "on_call.changed" if shift else "on_call.added"
    audit.record(verb, row, by=by, changes={"shift": [was, spoken(row)]})
    changes.announce(current_practice(), "staff-messages")
    return row


def spoken(shift: OnCallShift) -> list[str]:
    """A shift as the audit keeps it."""
    return [shift.starts_at.isoformat(), shift.ends_at.isoformat(), f"rank {shift.rank}"]


def _judge(
    shift: OnCallShift | None, user: User, rank: int, starts_at: dt.datetime, ends_at: dt.datetime
) -> None:
    if not 1 <= rank <= 9:
        raise ShiftRefused("A rank is a number from 1 to 9: 1 is asked first.", "rank")
    if ends_at <= starts_at:
        raise ShiftRefused("The shift ends before it begins. Set the day or the time of its end.")
    if ends_at - starts_at > LONGEST_SHIFT:
        raise ShiftRefused("This shift is longer than two weeks. Set its end, or make several of it.")
    if starts_at > timezone.now() + FURTHEST:
        raise ShiftRefused("This is more than a year away. Choose an earlier day.", "starts")
    if not Membership.objects.active().filter(user=user).exists():
        raise ShiftRefused("This person does not work here any more. Choose a colleague.", "user")
    same = OnCallShift.objects.filter(user=user, starts_at__lt=ends_at, ends_at__gt=starts_at)
    if shift is not None:
        same = same.exclude(pk=shift.pk)
    other = same.first()
    if other is not None:
        zone = current_practice().zone
        raise ShiftRefused(
            f"{user.short_name} is on call then already: {say_span(other.starts_at, other.ends_at, zone)}. "
            "Change that shift instead.",
            "starts",
        )


@transaction.atomic
def remove_shift(*, shift: OnCallShift, by: Actor) -> None:
    """Takes a shift off the roster."""
    audit.record("on_call.removed", shift, by=by, changes={"shift": [spoken(shift), None]})
    shift.delete()
    changes.announce(current_practice(), "staff-messages")


def remarks(
    shifts: Sequence[OnCallShift], start: dt.datetime, end: dt.datetime, zone: zoneinfo.ZoneInfo
) -> list[Remark]:
    """Gaps and overlaps of a roster between two instants, in words and in their order."""
    found: list[tuple[dt.datetime, Remark]] = []
    covered = start
    for shift in sorted(shifts, key=lambda one: one.starts_at):
        if shift.starts_at > covered:
            found.append((covered, _gap(covered, shift.starts_at, zone)))
        covered = max(covered, shift.ends_at)
    if covered < end:
        found.append((covered, _gap(covered, end, zone)))
    for number, one in enumerate(shifts):
        for other in shifts[number + 1 :]:
            first, last = max(one.starts_at, other.starts_at), min(one.ends_at, other.ends_at)
            if one.rank == other.rank and first < last:
                names = f"{one.user.short_name} and {other.user.short_name}"
                words = f"{names} are both rank {one.rank}, {say_span(first, last, zone)}: both are asked."
                found.append((first, Remark(words, "book")))
    return [remark for _, remark in sorted(found, key=lambda pair: pair[0])]


def _gap(start: dt.datetime, end: dt.datetime, zone: zoneinfo.ZoneInfo) -> Remark:
    span = say_span(start, end, zone)
    return Remark(f"Nobody is on call, {span}: urgent messages go to the managers.", "bad")


def say_clock(moment: dt.datetime) -> str:
    return f"{moment.hour % 12 or 12}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}"


def say_day(day: dt.date) -> str:
    return f"{day:%a}, {day:%b} {day.day}"


def say_span(start: dt.datetime, end: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
    """Mon, Nov 23, 5:00 PM to Tue, Nov 24, 8:00 AM; the second day only where it is another one."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    until = say_clock(last) if first.date() == last.date() else f"{say_day(last.date())}, {say_clock(last)}"
    return f"{say_day(first.date())}, {say_clock(first)} to {until}"
