"""The morning's word to each clinician: an e-mail of counts and a link, which names nobody.

What is in it may lie on a phone's lock screen, so everything about a patient stays behind the sign-in.
"""

import datetime as dt
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from frontdesk.models import Review
from messaging.models import Message
from messaging.outbox import queue_message
from patients.models import Channel, Need
from practices import audit, changes
from practices.audit import Actor
from practices.models import Language, Practice
from practices.tenancy import current_practice
from scheduling.models import Appointment, Practitioner
from scheduling.words import clock


@transaction.atomic
def send_brief(*, review: Review, by: Actor) -> list[Message]:
    """Queues one e-mail to each clinician who signs in and has visits that day; twice is the same as once.

    Ends the morning review: it is finished by whoever sends first.
    """
    locked = Review.objects.select_for_update().get(pk=review.pk)
    practice = current_practice()
    sent = [
        queue_message(
            patient=None,
            channel=Channel.EMAIL,
            kind=Message.Kind.BRIEF,
            subject=f"Your day, {day_words(locked.local_date)}",
            body=brief_text(practice, practitioner, visits),
            language=Language.ENGLISH,
            send_after=timezone.now(),
            idempotency_key=f"brief:{locked.pk}:{practitioner.pk}",
            ignores_quiet_hours=True,
            staff=practitioner.user,
            by=by,
        )
        for practitioner, visits in readers(locked.local_date)
    ]
    if locked.finished_at is None:
        locked.finished_at, locked.finished_by = timezone.now(), by.user
        locked.save(update_fields=["finished_at", "finished_by"])
        audit.record("review.finished", locked, by=by)
    changes.announce(practice, "reviews")
    return sent


def readers(date: dt.date) -> list[tuple[Practitioner, list[Appointment]]]:
    """Who gets a brief: clinicians with a sign-in and at least one visit."""
    by_clinician: dict[Practitioner, list[Appointment]] = {}
    visits = Appointment.objects.on(date).on_board().select_related("practitioner__user", "patient")
    for visit in visits.filter(practitioner__user__is_active=True):
        by_clinician.setdefault(visit.practitioner, []).append(visit)
    return list(by_clinician.items())


def reached_by(review: Review) -> set[int]:
    """The people whose brief went out or still waits."""
    gone = {Message.Status.UNDELIVERED, Message.Status.FAILED, Message.Status.SUPPRESSED}
    briefs = Message.objects.filter(idempotency_key__startswith=f"brief:{review.pk}:").exclude(
        status__in=gone
    )
    return {staff for staff in briefs.values_list("staff_id", flat=True) if staff is not None}


def day_words(date: dt.date) -> str:
    return f"{date:%A}, {date:%B} {date.day}"


def brief_text(practice: Practice, practitioner: Practitioner, visits: Sequence[Appointment]) -> str:
    """Counts and a link."""
    first, last = visits[0].starts_at, max(visit.ends_at for visit in visits)
    hours = f"{clock(first.astimezone(practice.zone))} to {clock(last.astimezone(practice.zone))}"
    waiting = sum(visit.can_confirm for visit in visits)
    interpreters = sum(Need.INTERPRETER in visit.all_needs for visit in visits)
    facts = [f"{len(visits)} visit{'' if len(visits) == 1 else 's'}, {hours}."]
    facts += [f"{waiting} not confirmed yet."] if waiting else ["Everybody confirmed."]
    facts += [f"{interpreters} with an interpreter."] if interpreters else []
    link = settings.PUBLIC_URL.rstrip("/") + reverse("day", args=[practice.slug])
    greeting = f"Good morning, {practitioner.name}."
    return "\n".join([greeting, "", *facts, "", f"Your day: {link}", "", practice.name])
