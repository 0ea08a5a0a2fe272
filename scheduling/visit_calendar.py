"""The visit as a calendar object: when, and at which practice; never why or with whom.

One appointment keeps its UID however often it is moved, and each word about it has a higher SEQUENCE
(RFC 5546), so that a calendar that was told of it changes or drops its own entry. Times are UTC: no rules of
zones have to travel along, and the nights of clock changes are no matter.
"""

import datetime as dt

from icalendar import Calendar, Event, vCalAddress, vText

from patients.contacts import practice_name_for
from practices.models import Practice
from practices.tenancy import current_practice
from scheduling.chains import roots_of, words_about
from scheduling.models import Appointment
from scheduling.visit_words import words_in

PRODUCT = "-//Front Desk//Appointment//EN"
# Kind of notice → what its message asks of the patient's calendar; also where she moved the visit herself.
METHODS = {
    "confirmation": "REQUEST",
    "moved": "REQUEST",
    "chosen": "REQUEST",
    "offer-won": "REQUEST",
    "cancelled": "CANCEL",
}


def plain(text: str) -> str:
    """One line without what could end a property or a parameter of it."""
    return " ".join("".join(c if c.isprintable() and c != '"' else " " for c in text).split())


def event_of(visit: Appointment, *, title: str, sequence: int) -> Event:
    """What every calendar object about a visit holds."""
    root = roots_of([visit.pk])[visit.pk]
    event = Event()
    event.add("uid", f"{root}@front-desk")
    event.add("dtstamp", dt.datetime.now(dt.UTC))
    event.add("sequence", sequence)
    event.add("dtstart", visit.starts_at.astimezone(dt.UTC))
    event.add("dtend", visit.ends_at.astimezone(dt.UTC))
    event.add("summary", plain(title))
    return event


def wrapped(event: Event, method: str) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def said_so_far(visit: Appointment) -> int:
    """How many words that a calendar follows there have been about this appointment."""
    return words_about(roots_of([visit.pk])[visit.pk], METHODS)


def calendar_file(visit: Appointment, practice: Practice, where: str, language: str) -> bytes:
    """A file with one event, for whoever opened the private page; as new as the last message."""
    title = f"{words_in(language)['calendar_title']}, {practice.public_name}"
    event = event_of(visit, title=title, sequence=max(0, said_so_far(visit) - 1))
    if where:
        event.add("location", plain(where))
    return wrapped(event, "PUBLISH")


def invitation(visit: Appointment, kind: str, *, to: str, language: str) -> str | None:
    """What goes along with an e-mail of this kind: an event to enter, to change or to drop.

    The practice asks as the organizer, the address that is written to attends: mail programs act on a
    METHOD only with both. No place, nobody's name, no link: calendars are shared and synchronised.
    """
    method = METHODS.get(kind)
    if method is None:
        return None
    practice = current_practice()
    name = practice_name_for(visit.patient, language)
    title = f"{words_in(language)['calendar_title']}, {name}"
    event = event_of(visit, title=title, sequence=said_so_far(visit))
    organizer = vCalAddress(f"mailto:{plain(practice.email_sender)}")
    organizer.params["CN"] = vText(plain(name))
    event.add("organizer", organizer, encode=False)
    attendee = vCalAddress(f"mailto:{plain(to)}")
    attendee.params["PARTSTAT"] = vText("NEEDS-ACTION")
    attendee.params["RSVP"] = vText("FALSE")
    event.add("attendee", attendee, encode=False)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("transp", "OPAQUE")
    return wrapped(event, method).decode()
