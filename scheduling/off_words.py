"""Time off in words, of clinicians and of resources."""

import datetime as dt
from typing import Protocol

from practices.models import Practice
from scheduling.words import short_when


class Off(Protocol):
    """A span of time off."""

    starts_at: dt.datetime
    ends_at: dt.datetime


def off_words(off: Off, practice: Practice) -> str:
    """All of Tue, Nov 24; or from when to when."""
    starts, ends = off.starts_at.astimezone(practice.zone), off.ends_at.astimezone(practice.zone)
    if starts.time() != dt.time() or ends.time() != dt.time():
        return f"{short_when(off.starts_at, practice)} to {short_when(off.ends_at, practice)}"
    first, last = starts.date(), ends.date() - dt.timedelta(days=1)
    if first == last:
        return f"All of {first:%A, %b} {first.day}"
    return f"{first:%A, %b} {first.day} to {last:%A, %b} {last.day}, all day"
