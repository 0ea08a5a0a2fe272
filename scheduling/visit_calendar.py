"""The visit as a calendar file: when and where, never why or with whom."""

import datetime as dt

from icalendar import Calendar, Event

from practices.models import Practice
from scheduling.models import Appointment
from scheduling.visit_words import words_in


def calendar_file(visit: Appointment, practice: Practice, where: str, language: str) -> bytes:
    """An iCalendar file with one event, in UTC so that no zone rules have to travel along."""
    event = Event()
    event.add("uid", f"{visit.pk}@front-desk")
    event.add("dtstamp", dt.datetime.now(dt.UTC))
    event.add("sequence", visit.version)
    event.add("dtstart", visit.starts_at.astimezone(dt.UTC))
    event.add("dtend", visit.ends_at.astimezone(dt.UTC))
    event.add("summary", f"{words_in(language)['calendar_title']}, {practice.public_name}")
    if where:
        event.add("location", where)
    calendar = Calendar()
    calendar.add("prodid", "-//Front Desk//Appointment//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content
