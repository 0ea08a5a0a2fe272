"""When the phones of a practice are answered: its hours and closures on its own wall clock."""

import datetime as dt
from dataclasses import dataclass

from practices.models import Closure, OfficeHours, Practice, Weekday

AHEAD_DAYS = 60
LOOKS_AHEAD = 14


@dataclass(frozen=True, slots=True)
class Office:
    """The week, the closed days ahead, and whether somebody is there now."""

    is_open: bool
    now_words: str
    week: list[tuple[str, str, bool]]  # weekday, hours, today
    closures: list[tuple[str, str]]


def clock(moment: dt.time) -> str:
    """8 AM, 5:30 PM."""
    minutes = f":{moment:%M}" if moment.minute else ""
    return f"{moment.hour % 12 or 12}{minutes} {'AM' if moment.hour < 12 else 'PM'}"


def office_of(practice: Practice, now: dt.datetime | None = None) -> Office:
    """The office as it stands at this moment, in two queries."""
    local = (now or practice.now()).astimezone(practice.zone)
    today = local.date()
    hours: dict[int, list[OfficeHours]] = {}
    for row in OfficeHours.objects.order_by("weekday", "opens"):
        hours.setdefault(row.weekday, []).append(row)
    until = today + dt.timedelta(days=AHEAD_DAYS)
    closed = list(Closure.objects.filter(last_day__gte=today, first_day__lte=until).order_by("first_day"))
    is_open, words = state(local, hours, closed)
    week = [
        (day.label, spans_words(hours.get(day.value, [])), day.value == today.isoweekday()) for day in Weekday
    ]
    return Office(is_open, words, week, [(days_words(one), one.reason) for one in closed])


def state(local: dt.datetime, hours: dict[int, list[OfficeHours]], closed: list[Closure]) -> tuple[bool, str]:
    """Whether it is open at a local moment, and the words for it."""
    if not hours:
        return False, "No office hours are written down"
    today = local.date()
    closure = next((one for one in closed if one.first_day <= today <= one.last_day), None)
    spans = [] if closure else hours.get(today.isoweekday(), [])
    here = next((span for span in spans if span.opens <= local.time() < span.closes), None)
    if here is not None:
        return True, f"Open now, until {clock(here.closes)}"
    why = f"Closed today: {closure.reason}" if closure else "Closed now"
    return False, f"{why}{opens_again(local, hours, closed)}"


def opens_again(local: dt.datetime, hours: dict[int, list[OfficeHours]], closed: list[Closure]) -> str:
    for ahead in range(LOOKS_AHEAD):
        day = local.date() + dt.timedelta(days=ahead)
        if any(one.first_day <= day <= one.last_day for one in closed):
            continue
        for span in hours.get(day.isoweekday(), []):
            if ahead or span.opens > local.time():
                when = {0: "", 1: "tomorrow "}.get(ahead, f"{day:%a}, {day:%b} {day.day}, ")
                return f", opens {when}{clock(span.opens)}"
    return ""


def spans_words(spans: list[OfficeHours]) -> str:
    return ", ".join(f"{clock(span.opens)} to {clock(span.closes)}" for span in spans) or "Closed"


def days_words(closure: Closure) -> str:
    first, last = closure.first_day, closure.last_day
    start = f"{first:%a}, {first:%b} {first.day}"
    return start if first == last else f"{start} to {last:%a}, {last:%b} {last.day}"
