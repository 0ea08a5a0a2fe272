"""What can wait, gathered: one e-mail a person and hour with a count and a link, and no word of a patient.

Rows decide: a message that waits for the digest carries no time yet, and gets one with the e-mail.
"""

import datetime as dt
from collections import Counter

from django.conf import settings
from django.utils import timezone

from messaging.models import DeskRules, Message, StaffMessage
from messaging.outbox import queue_message
from messaging.routing import House
from patients.models import Channel
from practices.audit import SYSTEM
from practices.models import Closure, Language, OfficeHours, Practice, User
from practices.tenancy import current_practice, inside

LATE = dt.timedelta(hours=3)  # a digest that nobody sent for so long waits for the next hour


def send_due(practice: Practice) -> int:
    """Sends the digest whose hour has come; returns how many e-mails were written."""
    with inside(practice):
        now = timezone.now()
        slot = current_slot(practice, DeskRules.of_practice().digest_at, now)
        if slot is None:
            return 0
        waiting = list(
            StaffMessage.objects.unacknowledged()
            .filter(in_digest=True, digested_at=None, created_at__lte=slot)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("to_user")
        )
        if not waiting:
            return 0
        house, counts, people = House.now(now), Counter[int](), dict[int, User]()
        for message in waiting:
            for person in house.of(message).people:
                people[person.pk] = person
                counts[person.pk] += 1
        for pk, count in sorted(counts.items()):
            write(people[pk], count, slot)
        StaffMessage.objects.filter(pk__in=[message.pk for message in waiting]).update(digested_at=now)
        return len(counts)


def current_slot(practice: Practice, hours: list[dt.time], now: dt.datetime) -> dt.datetime | None:
    """The last digest hour that has come today, unless it is long past or the practice is closed today."""
    today = now.astimezone(practice.zone).date()
    passed = [
        moment
        for hour in hours
        if (moment := dt.datetime.combine(today, hour, tzinfo=practice.zone).astimezone(dt.UTC)) <= now
    ]
    if not passed or now - max(passed) > LATE or not is_open_on(today):
        return None
    return max(passed)


def is_open_on(day: dt.date) -> bool:
    """Whether the practice works that day; where no hours are set it does."""
    if Closure.objects.filter(first_day__lte=day, last_day__gte=day).exists():
        return False
    hours = OfficeHours.objects.all()
    return hours.filter(weekday=day.isoweekday()).exists() or not hours.exists()


def write(person: User, count: int, slot: dt.datetime) -> Message:
    """One e-mail; a second one of the same hour is the same row."""
    practice = current_practice()
    many = "1 message waits" if count == 1 else f"{count} messages wait"
    link, name = f"{settings.PUBLIC_URL}/p/{practice.slug}/team/", practice.public_name
    return queue_message(
        patient=None,
        channel=Channel.EMAIL,
        kind=Message.Kind.DIGEST,
        subject=f"{many} for you at {name}"[:120],
        body=f"{many} for you at {name}.\n\nSign in to read: {link}\n\n{name}",
        language=Language.ENGLISH,
        send_after=timezone.now(),
        idempotency_key=f"digest:{slot:%Y%m%dT%H%MZ}:{person.pk}",
        ignores_quiet_hours=True,
        staff=person,
        by=SYSTEM,
    )
