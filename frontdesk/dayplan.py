"""A day on the wall clock, in minutes after midnight: open and closed hours, free places, overlaps.

Nothing here knows the database. Wall-clock minutes are what a board draws: on the night of a clock change
its rows stay an hour apart.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

DAY = 24 * 60
QUARTER = 15
MOST_LANES = 6  # narrower cards could not be read; the seventh lies over the sixth


class Span(NamedTuple):
    """Minutes after midnight; the end is not included."""

    start: int
    end: int


class Place(NamedTuple):
    """A free place to book at; `until` is where its gap ends, `first` marks the gap's first place."""

    start: int
    end: int
    until: int
    first: bool


def minute_of(clock: dt.time) -> int:
    return clock.hour * 60 + clock.minute


def span_of(starts: dt.datetime, ends: dt.datetime, day: dt.date) -> Span | None:
    """The part of a span of local datetimes that lies on `day`; None when no minute of it does."""
    if starts.date() > day or ends.date() < day:
        return None
    start = minute_of(starts.time()) if starts.date() == day else 0
    end = minute_of(ends.time()) if ends.date() == day else DAY
    return Span(start, end) if end > start else None


def merge(spans: Iterable[Span]) -> list[Span]:
    """Sorted spans without overlaps; neighbours that touch become one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def subtract(spans: Iterable[Span], cuts: Iterable[Span]) -> list[Span]:
    """What is left of spans after the cuts."""
    left = merge(spans)
    for cut in merge(cuts):
        left = [
            piece
            for span in left
            for piece in (
                Span(span.start, min(span.end, cut.start)),
                Span(max(span.start, cut.end), span.end),
            )
            if piece.end > piece.start
        ]
    return left


def overlap(spans: Iterable[Span], window: Span) -> list[Span]:
    """The parts of spans inside a window."""
    parts = (Span(max(span.start, window.start), min(span.end, window.end)) for span in spans)
    return [part for part in parts if part.end > part.start]


def free_places(
    open_: Iterable[Span], taken: Iterable[Span], *, earliest: int = 0, shortest: int = QUARTER
) -> Iterator[Place]:
    """The places in the open hours where a visit of `shortest` minutes still fits.

    Each gap offers its beginning and every quarter of an hour in it, from `earliest` on.
    """
    for gap in subtract(open_, taken):
        first = True
        start = max(gap.start, -(-earliest // 5) * 5)
        while start + shortest <= gap.end:
            end = min((start // QUARTER + 1) * QUARTER, gap.end)
            yield Place(start, end, gap.end, first)
            first = False
            start = end


def lanes(spans: Sequence[Span]) -> list[tuple[int, int]]:
    """For each span (sorted by start) how many lie side by side, and in which lane it lies itself."""
    places: list[tuple[int, int]] = [(1, 0)] * len(spans)
    cluster: list[int] = []
    ends: list[int] = []

    def close() -> None:
        for index in cluster:
            places[index] = (min(len(ends), MOST_LANES), min(places[index][1], MOST_LANES - 1))

    for index, span in enumerate(spans):
        if ends and span.start >= max(ends):
            close()
            cluster, ends = [], []
        lane = next((at for at, end in enumerate(ends) if end <= span.start), len(ends))
        ends[lane : lane + 1] = [span.end]
        places[index] = (1, lane)
        cluster.append(index)
    close()
    return places


def clock(minute: int, *, half: bool = False) -> str:
    """A time as the staff read it: 9:15, or 9:15 AM with its half of the day."""
    hour, rest = divmod(minute % DAY, 60)
    words = f"{hour % 12 or 12}:{rest:02d}"
    return f"{words} {'AM' if hour < 12 else 'PM'}" if half else words


def hour_words(minute: int) -> str:
    hour = minute // 60 % 24
    return f"{hour % 12 or 12} {'AM' if hour < 12 else 'PM'}"
