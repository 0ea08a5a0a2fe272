"""From what a person said (“9:00 on March 14”) to an instant, once, at the edge, and back into words.

On the night when clocks go forward some times do not exist; when they go back some exist twice. The first
are refused and the second asked (SECURITY.md E3); the edges of working hours just move to the next real time.
"""

import datetime as dt
import functools
import re
import zoneinfo
from typing import TypeVar

Day = TypeVar("Day", bound=dt.date)  # a date, or a datetime
TIME = re.compile(r"(\d{1,2})(?:[:.h]?(\d{2}))?\s*([ap])?\.?(?:m\.?)?", re.IGNORECASE)
YEARS = range(2000, 2101)  # nobody books outside: what is further away is a slip, and breaks date arithmetic


class ClockChange(ValueError):
    """A wall-clock time that does not name one instant; the text is for the person who typed it."""


class TimeDoesNotExist(ClockChange):
    """The clocks jump over this time."""

    def __init__(self, day: dt.date, time: dt.time) -> None:
        self.day, self.time = day, time
        super().__init__(
            f"{say_time(time)} does not exist on {say_day(day)}: the clocks go forward that night. "
            "Choose another time."
        )


class TimeIsAmbiguous(ClockChange):
    """The clocks pass this time twice; `first` and `second` are the two instants, in UTC."""

    def __init__(self, day: dt.date, time: dt.time, first: dt.datetime, second: dt.datetime) -> None:
        self.day, self.time, self.first, self.second = day, time, first, second
        super().__init__(
            f"{say_time(time)} comes twice on {say_day(day)}: the clocks go back that night. "
            "Say whether the first or the second is meant."
        )


def within_reach(day: Day) -> Day:
    """The same day; ValueError in words when its year is none in which a practice has visits."""
    if day.year not in YEARS:
        raise ValueError(f"The year {day.year} is too far away.")
    return day


def parse_clock(text: str) -> dt.time:
    """3:30 PM, 330p, 15:30, 9; one to six without a letter is in the afternoon."""
    match = TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError("Write the time like 3:30 PM or 15:30.")
    hour, minute, letter = int(match[1]), int(match[2] or 0), (match[3] or "").lower()
    if letter and not 1 <= hour <= 12:
        raise ValueError("With AM or PM the hour is 1 to 12.")
    if letter:
        hour = hour % 12 + (12 if letter == "p" else 0)
    elif 1 <= hour <= 6 and not text.strip().startswith("0"):
        hour += 12
    if hour > 23 or minute > 59:
        raise ValueError("There is no such time. Write it like 3:30 PM or 15:30.")
    return dt.time(hour, minute)


def resolve(day: dt.date, time: dt.time, zone: zoneinfo.ZoneInfo, *, fold: int | None = None) -> dt.datetime:
    """The instant, in UTC, of a wall-clock time; TimeDoesNotExist, or TimeIsAmbiguous without a `fold`."""
    first, second = _both(day, time, zone)
    if first == second:
        return first
    if first > second:  # before the jump the offset is smaller: both readings miss the clock's face
        raise TimeDoesNotExist(day, time)
    if fold is None:
        raise TimeIsAmbiguous(day, time, first, second)
    return second if fold else first


@functools.lru_cache(maxsize=8192)  # each search asks for the same hours of the same days
def boundary(day: dt.date, time: dt.time, zone: zoneinfo.ZoneInfo, *, closing: bool = False) -> dt.datetime:
    """The instant at which hours begin, or end when `closing`: always one, also on clock-change nights."""
    first, second = _both(day, time, zone)
    if first <= second:
        return second if closing else first
    # In the gap: the moment of the jump itself, which lies between the two readings.
    low, high = second, first
    offset = low.astimezone(zone).utcoffset()
    while high - low > dt.timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == offset else (low, middle)
    return high.replace(second=0, microsecond=0)


def _both(day: dt.date, time: dt.time, zone: zoneinfo.ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    local = dt.datetime.combine(day, time.replace(fold=0), tzinfo=zone)
    return local.astimezone(dt.UTC), local.replace(fold=1).astimezone(dt.UTC)


def days_before(moment: dt.datetime, days: int, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """The same wall-clock time some days earlier: not minus 24 hours on a clock-change night."""
    local = moment.astimezone(zone)
    return boundary(local.date() - dt.timedelta(days=days), local.time(), zone)


def say_time(time: dt.time) -> str:
    """9:15 AM."""
    return f"{time.hour % 12 or 12}:{time.minute:02d} {'AM' if time.hour < 12 else 'PM'}"


def say_day(day: dt.date) -> str:
    """Tuesday, November 24."""
    return f"{day:%A, %B} {day.day}"


def say_moment(moment: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
    """Tuesday, November 24 at 9:15 AM, on the zone's wall clock."""
    local = moment.astimezone(zone)
    return f"{say_day(local.date())} at {say_time(local.time())}"
