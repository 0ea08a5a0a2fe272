"""From “every two weeks, eight times” to days, by dateutil; bounded, so that no rule can run away.

A rule names days only. The time of day is the practice's wall clock on each of them: a weekly 9:00 stays
9:00 when the clocks change.
"""

import datetime as dt
from collections.abc import Iterator
from itertools import islice

from dateutil.relativedelta import relativedelta
from dateutil.rrule import rrule, rrulestr

from scheduling.models import Series
from scheduling.refusals import BookingRefused
from scheduling.wallclock import within_reach

LONGEST = relativedelta(years=2)
EVERY = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"})
KEYS = {
    "DAILY": EVERY,
    "WEEKLY": EVERY | {"BYDAY"},
    "MONTHLY": EVERY | {"BYDAY", "BYMONTHDAY", "BYSETPOS"},
}
CYCLE = 400  # years after which the calendar comes again to the weekday
FREQUENCIES = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month"}
LONGEST_RULE = 200
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
ORDINALS = ("first", "second", "third", "fourth")
REPEATS = {
    "weekly": "Every week",
    "biweekly": "Every two weeks",
    "monthly-weekday": "Every month, same weekday",
    "monthly-date": "Every month, same date",
}


class BadRule(BookingRefused):
    """A recurrence that cannot be booked; `field` is repeat, count, until or rule."""

    def __init__(self, words: str, field: str = "rule") -> None:
        self.field = field
        super().__init__(words)


def rule_for(repeat: str, first: dt.date, *, count: int | None = None, until: dt.date | None = None) -> str:
    """The rule of one of REPEATS that begins on a day; raises BadRule when it has no end or two."""
    if repeat not in REPEATS:
        raise BadRule("Choose how often it repeats.", "repeat")
    weekday, week = WEEKDAYS[first.weekday()], (first.day - 1) // 7
    parts = {
        "weekly": ["FREQ=WEEKLY"],
        "biweekly": ["FREQ=WEEKLY", "INTERVAL=2"],
        # The fifth Tuesday comes in a third of the months only: then the last is meant.
        "monthly-weekday": ["FREQ=MONTHLY", f"BYDAY={week + 1 if week < 4 else -1}{weekday}"],
        "monthly-date": ["FREQ=MONTHLY", *_day_of_month(first.day)],
    }[repeat]
    if count is not None and until is not None:
        raise BadRule("Say how many times, or until when; not both.", "until")
    if count is not None:
        parts.append(f"COUNT={count}")
    if until is not None:
        parts.append(f"UNTIL={until:%Y%m%d}")
    return ";".join(parts)


def _day_of_month(day: int) -> list[str]:
    """The 31st is the last day of a shorter month, not a month left out."""
    if day <= 28:
        return [f"BYMONTHDAY={day}"]
    return [f"BYMONTHDAY={','.join(str(each) for each in range(28, day + 1))}", "BYSETPOS=-1"]


def days_of(rule: str, first: dt.date) -> list[dt.date]:
    """The days of a rule that begins on a day: 2 to 52, within two years; raises BadRule in words."""
    parts = read_rule(rule)
    count, until = _count(parts), _until(parts, first)
    if count is None and until is None:
        raise BadRule("The series has no end: say how many times, or until when.", "count")
    if count is not None and until is not None:
        raise BadRule("Say how many times, or until when; not both.", "until")
    end = min(until or dt.date.max, within_reach(first) + LONGEST)
    days = list(islice(_days(parts, first, end), (count or Series.MOST_DATES) + 1))
    if count is not None and len(days) < count:
        raise BadRule(f"{count} dates would take longer than two years. Ask for fewer.", "count")
    days = days[:count]
    if len(days) > Series.MOST_DATES:
        raise BadRule(f"That would be more than {Series.MOST_DATES} dates. Choose an earlier end.", "until")
    if len(days) < 2:
        raise BadRule("That is a single visit: a series has at least two dates.", "until")
    return days


def _days(parts: dict[str, str], first: dt.date, end: dt.date) -> Iterator[dt.date]:
    """The days from first to end, found in the last of the calendar's cycles that dateutil can reach.

    It looks for a day that never comes (the fifth 31st of a month) until the year 9999, whatever the end:
    from there it is not far.
    """
    kept = ";".join(f"{key}={value}" for key, value in parts.items() if key not in {"COUNT", "UNTIL"})
    later = (dt.MAXYEAR - end.year) // CYCLE * CYCLE
    start, last = (dt.datetime(day.year + later, day.month, day.day) for day in (first, end))
    try:
        made = rrulestr(kept, dtstart=start)
        if isinstance(made, rrule):
            found = made.replace(until=last)
            return (moment.date().replace(year=moment.year - later) for moment in found)
    except (ValueError, TypeError, KeyError, IndexError):
        pass
    raise BadRule("This rule cannot be read. Write it like FREQ=WEEKLY;COUNT=8.") from None


def read_rule(rule: str) -> dict[str, str]:
    """The parts of an RRULE; raises BadRule for whatever names more than days, or makes no sense."""
    text = rule.strip().upper().removeprefix("RRULE:")
    if len(text) > LONGEST_RULE or not text.isascii():
        raise BadRule("This rule cannot be read. Write it like FREQ=WEEKLY;COUNT=8.")
    pairs = [part.partition("=") for part in text.split(";") if part]
    parts = {key: value for key, _, value in pairs}
    if len(parts) != len(pairs) or not all(parts.values()):
        raise BadRule("This rule cannot be read. Write it like FREQ=WEEKLY;COUNT=8.")
    if parts.get("FREQ") not in FREQUENCIES:
        raise BadRule("A series repeats daily, weekly or monthly.")
    if unknown := sorted(set(parts) - KEYS[parts["FREQ"]]):
        raise BadRule(f"{unknown[0][:20]} is not known here in a series that repeats so.")
    if not 1 <= _number(parts.get("INTERVAL", "1"), "INTERVAL") <= 26:
        raise BadRule("The distance is 1 to 26 days, weeks or months.")
    return parts


def _number(text: str, name: str) -> int:
    if not text.isdigit() or len(text) > 6:
        raise BadRule(f"{name} is a whole number.", "count" if name == "COUNT" else "rule")
    return int(text)


def _count(parts: dict[str, str]) -> int | None:
    if "COUNT" not in parts:
        return None
    count = _number(parts["COUNT"], "COUNT")
    if not 2 <= count <= Series.MOST_DATES:
        raise BadRule(f"A series has 2 to {Series.MOST_DATES} dates.", "count")
    return count


def _until(parts: dict[str, str], first: dt.date) -> dt.date | None:
    if "UNTIL" not in parts:
        return None
    try:
        until = dt.datetime.strptime(parts["UNTIL"][:8], "%Y%m%d").date()
    except ValueError:
        raise BadRule("The last day cannot be read: write UNTIL=20270331.", "until") from None
    if until <= first:
        raise BadRule("The last day comes after the first.", "until")
    if until > within_reach(first) + LONGEST:
        raise BadRule("A series is booked at most two years ahead. Choose an earlier end.", "until")
    return until


def say_rule(rule: str) -> str:
    """Weekly; every 2 weeks; monthly, on the second Tuesday."""
    parts = read_rule(rule)
    step, unit = int(parts.get("INTERVAL", "1")), FREQUENCIES[parts["FREQ"]]
    often = (
        {"day": "daily", "week": "weekly", "month": "monthly"}[unit] if step == 1 else f"every {step} {unit}s"
    )
    by_day = parts.get("BYDAY", "")
    if unit == "month" and by_day[-2:] in WEEKDAYS and by_day[:-2] in {"1", "2", "3", "4", "-1"}:
        which = "last" if by_day[0] == "-" else ORDINALS[int(by_day[0]) - 1]
        return f"{often}, on the {which} {DAY_NAMES[WEEKDAYS.index(by_day[-2:])]}"
    return often


DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
