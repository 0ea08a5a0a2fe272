"""Days, times and visits in the words a receptionist says aloud."""

import datetime as dt

from practices.models import Practice
from scheduling.clocks import local_start, zone_at
from scheduling.models import Appointment, AppointmentType, Practitioner

STAGE_WORDS = {
    "book": "To confirm",
    "conf": "Confirmed",
    "arr": "Arrived",
    "vis": "In visit",
    "done": "Done",
    "bad": "No-show",
    "off": "Cancelled",
}


def clock(moment: dt.time | dt.datetime) -> str:
    """3:30 PM."""
    return f"{moment.hour % 12 or 12}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}"


def short_day(day: dt.date, today: dt.date) -> str:
    """Today, Tomorrow, or "Thu, Jun 11"; the year only where it is another one."""
    near = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}.get((day - today).days)
    if near:
        return near
    year = "" if day.year == today.year else f", {day.year}"
    return f"{day:%a}, {day:%b} {day.day}{year}"


def long_day(day: dt.date, today: dt.date) -> str:
    """Tuesday June 9, with "Today," or "Tomorrow," before it; the year only where it is another one."""
    near = {0: "Today, ", 1: "Tomorrow, "}.get((day - today).days, "")
    year = "" if day.year == today.year else f" {day.year}"
    return f"{near}{day:%A} {day:%B} {day.day}{year}"


def short_when(moment: dt.datetime, practice: Practice) -> str:
    """Today 3:30 PM; Thu, Jun 11, 8:00 AM; on the practice's wall clock."""
    local = moment.astimezone(practice.zone)
    day = short_day(local.date(), practice.today())
    return f"{day}{',' if ',' in day else ''} {clock(local)}"


def clock_named(local: dt.datetime, practice: Practice) -> str:
    """9:00 AM, and 9:00 AM MST where that is not what the practice's own clock shows."""
    same = local.utcoffset() == local.astimezone(practice.zone).utcoffset()
    return clock(local) if same else f"{clock(local)} {local:%Z}"


def when_there(visit: Appointment, practice: Practice) -> str:
    """As `short_when`, with the hour at the place where its clock shows another: 11:00 AM (9:00 AM MST)."""
    words, local = short_when(visit.starts_at, practice), local_start(visit)
    named = clock_named(local, practice)
    return words if named == clock(local) else f"{words} ({named})"


def inside_words(when: str) -> str:
    """A day's words inside a sentence: today 3:00 PM, but Thu, Jun 11, 8:00 AM."""
    return when[0].lower() + when[1:] if when.startswith(("Today", "Tomorrow", "Yesterday")) else when


def place(practitioner: Practitioner, practice: Practice) -> str:
    """The street and the room; the practice's own street where the clinician has no other location."""
    location = practitioner.location or (practitioner.room.location if practitioner.room else None)
    street = (location.street if location else "") or practice.street
    return ", ".join(filter(None, [street, practitioner.room.name if practitioner.room else ""]))


def read_back(
    *, practice: Practice, kind: AppointmentType, practitioner: Practitioner, starts_at: dt.datetime
) -> str:
    """The one sentence that is read to the caller before anything is saved, on the clock of the place."""
    local = starts_at.astimezone(zone_at(starts_at, practitioner))
    at = clock_named(local, practice)
    parts = [
        f"{long_day(local.date(), practice.today())}, at {at} with {practitioner.short_name}",
        f"{kind.minutes} minutes",
        place(practitioner, practice),
    ]
    return ", ".join(filter(None, parts)) + "."


def stage_symbol(appointment: Appointment) -> str:
    """The drawing of the visit's stage."""
    stage = appointment.stage
    return "st-cancel" if stage == "off" else f"st-{stage}"


def stage_words(appointment: Appointment) -> str:
    """The visit's place in the day as one word."""
    return STAGE_WORDS[appointment.stage]
