"""Arithmetic of stretches of time, in whole seconds since 1970; nothing here knows what they mean.

A list of stretches is sorted and free of overlaps (`merge`). The question “when can something of this
length begin?” is asked of free time as another such list, of starts: a stretch of them holds its first
second and not its last.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

Stretch = tuple[int, int]  # from and to
FOREVER: list[Stretch] = [(-(2**62), 2**62)]


def sweep(hours: Sequence[Stretch], taken: Sequence[Stretch], length: int, step: int) -> list[int]:
    """The starts at which `length` fits into the hours beside what is taken.

    Starts lie on a grid of `step` that begins anew with each stretch of hours.
    """
    starts: list[int] = []
    at = 0
    for opens, closes in hours:
        start = opens
        while start + length <= closes:
            while at < len(taken) and taken[at][1] <= start:
                at += 1
            if at < len(taken) and taken[at][0] < start + length:
                # Over what is in the way, to the next line of the grid.
                start += -(-(taken[at][1] - start) // step) * step
            else:
                starts.append(start)
                start += step
    return starts


def merge(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Sorted, without overlaps: stretches that touch become one."""
    ordered = sorted(stretches)
    if not ordered:
        return []
    merged: list[Stretch] = []
    low, high = ordered[0]
    for starts, ends in ordered:
        if starts > high:
            merged.append((low, high))
            low, high = starts, ends
        elif ends > high:
            high = ends
    merged.append((low, high))
    return merged


def gaps(taken: Sequence[Stretch], within: Sequence[Stretch] = FOREVER) -> list[Stretch]:
    """What is left of `within` beside what is taken."""
    left: list[Stretch] = []
    at = 0
    for opens, closes in within:
        while at < len(taken) and taken[at][1] <= opens:
            at += 1
        place, start = at, opens
        while place < len(taken) and taken[place][0] < closes:
            if taken[place][0] > start:
                left.append((start, taken[place][0]))
            start = max(start, taken[place][1])
            place += 1
        if start < closes:
            left.append((start, closes))
    return left


def common(one: Sequence[Stretch], other: Sequence[Stretch]) -> list[Stretch]:
    """What lies in both."""
    both: list[Stretch] = []
    i = j = 0
    while i < len(one) and j < len(other):
        starts, ends = one[i]
        from_, until = other[j]
        if ends < until:
            i += 1
        else:
            j += 1
            ends = until
        if from_ > starts:
            starts = from_
        if starts < ends:
            both.append((starts, ends))
    return both


def beginnings(free: Iterable[Stretch], length: int, before: int = 0, after: int = 0) -> list[Stretch]:
    """The starts at which `length` fits into free time, with so much free before and after it."""
    return [
        (opens + before, closes - after - length + 1)
        for opens, closes in free
        if opens + before + length + after <= closes
    ]


def avoiding(stretch: Stretch, length: int) -> Stretch:
    """The starts at which `length` would lie over a stretch."""
    return stretch[0] - length + 1, stretch[1]


def on_grid(opens: int, last: int, step: int, allowed: Sequence[Stretch]) -> list[int]:
    """The lines of a grid from `opens` to `last`, both included, that are allowed starts."""
    found: list[int] = []
    at = max(bisect_right(allowed, (opens, 2**62)) - 1, 0)
    for starts, ends in allowed[at:]:
        if starts > last:
            break
        first = opens if starts <= opens else opens - (opens - starts) // step * step
        found.extend(range(first, min(ends, last + 1), step))
    return found


def has(allowed: Sequence[Stretch], second: int) -> bool:
    """Whether a second lies in one of the stretches."""
    at = bisect_right(allowed, (second, 2**62)) - 1
    return at >= 0 and allowed[at][0] <= second < allowed[at][1]


def is_clear(taken: Sequence[Stretch], starts: int, ends: int) -> bool:
    """Whether nothing that is taken lies between two seconds."""
    at = bisect_left(taken, (ends, ends))
    return at == 0 or taken[at - 1][1] <= starts
