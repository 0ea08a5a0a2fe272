"""A clinician's visits in a calendar of her own: one private address, read by programs, and what they read.

The address is all it takes, so it is shown once and kept as a hash, ends with the person's work here, and
holds a bounded stretch of days. Names of patients are in it only where the practice wants them.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from icalendar import Calendar, Event

from practices import audit
from practices.audit import Actor, record_read
from practices.models import Membership, Practice
from practices.tenancy import current_practice, inside
from scheduling.chains import roots_of
from scheduling.models import Appointment, CalendarFeed, Practitioner
from scheduling.slots import lock_resources
from scheduling.visit_calendar import plain

RANDOM_PART = 32  # letters of 192 random bits; what stands before them is the practice's code
DAYS_BACK, DAYS_AHEAD, MOST_EVENTS = 30, 180, 5000
MOST_A_MINUTE = 30
PRODUCT = "-//Front Desk//Clinician//EN"
READ_EVERY = dt.timedelta(hours=1)  # how exactly is kept when it was last read
EPOCH = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


class UnknownFeed(LookupError):
    """No clinician has such an address, or not any more: the door says the same for all of these."""


class TooOften(Exception):
    """The address was asked more often than any calendar needs."""


@transaction.atomic
def open_feed(*, practitioner: Practitioner, by: Actor) -> tuple[CalendarFeed, str]:
    """A new address, which is not kept; the one before stops. Returns the row and the token."""
    lock_resources(practitioner)
    end_feed(practitioner=practitioner, by=by)
    token = CalendarFeed.new_token(current_practice().link_code)
    feed = CalendarFeed(
        practice=current_practice(),
        practitioner=practitioner,
        token_hash=CalendarFeed.hash_of(token),
        created_by=by.user,
    )
    feed.save(force_insert=True)
    audit.record("calendar-feed.opened", feed, by=by)
    return feed, token


@transaction.atomic
def end_feed(*, practitioner: Practitioner, by: Actor) -> int:
    """Stops the address of a clinician; returns how many there were, none or one."""
    feeds = list(CalendarFeed.objects.select_for_update().filter(practitioner=practitioner, revoked_at=None))
    for feed in feeds:
        feed.revoked_at = timezone.now()
        feed.save(update_fields=["revoked_at"])
        audit.record("calendar-feed.ended", feed, by=by)
    return len(feeds)


def feed_of(practitioner: Practitioner) -> CalendarFeed | None:
    """The address in use, if there is one."""
    return CalendarFeed.objects.filter(practitioner=practitioner, revoked_at=None).first()


def address_of(token: str) -> str:
    return f"{settings.PUBLIC_URL}/cal/{token}/feed.ics"


@contextmanager
def reading(token: str) -> Iterator[CalendarFeed]:
    """Opens the practice of a token, in a transaction, and gives the feed with its clinician.

    Counts the reading, and notes to the hour that there was one. Raises UnknownFeed.
    """
    code = token[:-RANDOM_PART]
    sane = len(token) <= 64 and len(code) <= 8 and code.isalnum()
    practice = Practice.objects.filter(link_code=code).first() if sane else None
    if practice is None:
        raise UnknownFeed
    with inside(practice):
        feeds = CalendarFeed.objects.select_related("practitioner__user")
        feed = feeds.filter(token_hash=CalendarFeed.hash_of(token), revoked_at=None).first()
        if feed is None or not works_here(feed.practitioner):
            raise UnknownFeed
        yield feed


def works_here(practitioner: Practitioner) -> bool:
    """A clinician who left, or whose sign-in was closed, has no calendar here any more."""
    if not practitioner.active or practitioner.user is None:
        return bool(practitioner.active)
    member = Membership.objects.active().filter(user=practitioner.user)
    return bool(practitioner.user.is_active and member.exists())


def count_reading(feed: CalendarFeed, now: dt.datetime) -> bool:
    """Whether this reading is within the bound; one or two statements."""
    mine = CalendarFeed.objects.filter(pk=feed.pk)
    if not mine.filter(counted_from__gt=now - dt.timedelta(minutes=1)).update(counted=F("counted") + 1):
        mine.update(counted_from=now, counted=1)
    mine.filter(Q(read_at=None) | Q(read_at__lte=now - READ_EVERY)).update(read_at=now)
    return mine.filter(counted__lte=MOST_A_MINUTE).exists()


def visits_for(practitioner: Practitioner, now: dt.datetime) -> list[Appointment]:
    """Her visits, and those in which she takes part, of a bounded stretch of days."""
    today = now.astimezone(current_practice().zone).date()
    rows = Appointment.objects.active().filter(
        local_date__gte=today - dt.timedelta(days=DAYS_BACK),
        local_date__lte=today + dt.timedelta(days=DAYS_AHEAD),
    )
    rows = rows.with_clinician(practitioner).select_related("patient", "appointment_type", "room__location")
    return list(rows.order_by("starts_at", "pk")[:MOST_EVENTS])


def feed_calendar(feed: CalendarFeed, now: dt.datetime) -> bytes:
    """What the calendar program reads: the same bytes while nothing changes; two queries."""
    practice = current_practice()
    visits = visits_for(feed.practitioner, now)
    roots = roots_of([visit.pk for visit in visits])
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", plain(f"{practice.public_name}, {feed.practitioner.short_name}"))
    calendar.add("x-published-ttl", "PT15M")
    for visit in visits:
        calendar.add_component(event_of(visit, str(roots[visit.pk]), names=practice.calendar_names))
    content: bytes = calendar.to_ical()
    return content


def event_of(visit: Appointment, root: str, *, names: bool) -> Event:
    """One visit: with names the patient's and nothing else, without them the kind of visit alone."""
    event = Event()
    event.add("uid", f"{root}-{visit.practitioner_id}@front-desk")
    changed = visit.updated_at.astimezone(dt.UTC).replace(microsecond=0)
    event.add("dtstamp", changed)
    event.add("last-modified", changed)
    event.add("sequence", max(0, int((changed - EPOCH).total_seconds() // 60)))
    event.add("dtstart", visit.starts_at.astimezone(dt.UTC))
    event.add("dtend", visit.ends_at.astimezone(dt.UTC))
    event.add("summary", plain(visit.patient.full_name if names else visit.appointment_type.name))
    if visit.room is not None:
        event.add("location", plain(f"{visit.room.name}, {visit.room.location.name}"))
    event.add("status", "CONFIRMED")
    event.add("class", "PRIVATE")
    return event


def note_names_read(feed: CalendarFeed, now: dt.datetime) -> None:
    """A calendar that is given names shows patients to somebody, and that is recorded as on every page."""
    if current_practice().calendar_names:
        by = Actor(kind="api", door="calendar", user=feed.practitioner.user)
        shown = [visit.patient_id for visit in visits_for(feed.practitioner, now)]
        record_read(by=by, patients=shown, screen="calendar-feed")
