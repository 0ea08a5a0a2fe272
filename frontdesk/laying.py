"""Where things stand in the columns of a board: cards, closed time, free places, and the hours drawn."""

import datetime as dt
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from django.urls import reverse

from frontdesk.cards import Block, FreePlace
from frontdesk.columns import Column
from frontdesk.dayplan import Place, Span, clock, free_places, lanes, minute_of, subtract
from practices.models import Practice

STEP = 5  # minutes; the classes of static/css/steps.css count in these
USUAL_DAY = Span(8 * 60, 17 * 60)


def window_of(columns: Iterable[Column]) -> Span:
    """The hours that the board draws: whole ones around everything that happens."""
    spans = [
        span
        for c in columns
        for span in (
            *c.open,
            *(card.span for card in c.cards),
            *(one.span for one in c.linked),
            *(one.span for one in c.held),
        )
    ]
    if not spans:
        return USUAL_DAY
    first, last = min(span.start for span in spans), max(span.end for span in spans)
    return Span(first // 60 * 60, -(-last // 60) * 60)


def place_of(span: Span, window: Span) -> str:
    return f"s-{(span.start - window.start) // STEP} d-{max(1, (span.end - span.start) // STEP)}"


def lay_out(column: Column, window: Span, now: dt.datetime | None, closed: str) -> None:
    """Gives cards and closed time their places, and says in the head who is out."""
    _lay_side_by_side(column, window)
    if column.room:
        return
    for gap in subtract([window], column.open):
        column.blocks.append(_block(gap, _gap_label(gap, column.open), window))
    for span, label in column.away:
        column.blocks.append(_block(span, label, window))
    minute = minute_of(now.time()) if now else -1
    away = next((span for span, _ in column.away if span.start <= minute < span.end), None)
    here = subtract(column.open, [span for span, _ in column.away])
    if closed:
        column.sub, column.out = "Closed", True
    elif away and here and away.end < column.open[-1].end:
        column.sub, column.out = f"Out until {clock(away.end, half=True)}", True
    elif not here:
        column.sub, column.out = "Out", True
    elif here[0].start > window.start and here[0].start > minute:
        column.sub = ", ".join(filter(None, [column.sub, f"from {clock(here[0].start)}"]))


def _lay_side_by_side(column: Column, window: Span) -> None:
    column.cards.sort(key=attrgetter("span"))
    lying: list[Any] = sorted([*column.cards, *column.linked], key=attrgetter("span"))
    for one, (of, at) in zip(lying, lanes([each.span for each in lying]), strict=True):
        side = f" of-{of} at-{at}" if of > 1 else ""
        one.css = f"{one.look} {place_of(one.span, window)}{side}"
    for held in column.held:
        held.css = f"ap held {place_of(held.span, window)}"


def _gap_label(gap: Span, hours: list[Span]) -> str:
    inside = hours and hours[0].end <= gap.start and gap.end <= hours[-1].start
    if not inside:
        return ""
    return "Lunch" if gap.start >= 11 * 60 and gap.end <= 15 * 60 else "Break"


def _block(span: Span, label: str, window: Span) -> Block:
    return Block(f"ap blk {place_of(span, window)}", label)


def offer_places(
    column: Column, practice: Practice, day: dt.date, window: Span, earliest: int, shortest: int
) -> None:
    """Puts the bookable places between what is there, in the order of the day."""
    address = f"{reverse('book', args=[practice.slug])}?practitioner={column.id}&start={day:%Y-%m-%d}T"
    there: list[Any] = [*column.cards, *column.linked, *column.held]
    taken = [one.span for one in there] + [span for span, _ in column.away]
    places = [] if column.room else free_places(column.open, taken, earliest=earliest, shortest=shortest)
    free = [_free_place(place, column, address, window) for place in places]
    column.items = sorted([*there, *free], key=attrgetter("span"))


def _free_place(place: Place, column: Column, address: str, window: Span) -> FreePlace:
    span = Span(place.start, place.end)
    return FreePlace(
        span=span,
        css=f"ap free{' first' if place.first else ''} {place_of(span, window)}",
        url=f"{address}{place.start // 60:02d}%3A{place.start % 60:02d}",
        label=f"{clock(place.start)}, free, {place.until - place.start} min, {column.name}",
        words=f"Free until {clock(place.until)}",
        key=f"free-{column.key}-{place.start}",
    )
