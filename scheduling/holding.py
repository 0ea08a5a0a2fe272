"""Keeping a time for somebody who is choosing it: five minutes, visible to all, gone by itself.

A hold stands in the same table and under the same constraint as the visits (`BusySlot`). It ends when it is
released, taken over by a booking, or by its clock: whoever reads asks for what stands, no job cleans up.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from psycopg.errors import ExclusionViolation

from practices import audit, changes
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.availability import next_free, why_closed
from scheduling.models import Appointment, AppointmentType, BusySlot, Hold, Practitioner, session_of
from scheduling.openings import released
from scheduling.refusals import InThePast, NotOffered, OutsideHours, SlotTaken
from scheduling.slots import FULL, in_the_way, lock_resources, why_taken

HELD_FOR = dt.timedelta(minutes=5)
LONGEST_KEY = 64


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a hold is to take: whose time, from when to when with buffers, as which party."""

    practitioner: Practitioner
    kind: AppointmentType
    starts_at: dt.datetime
    ends_at: dt.datetime
    also: Sequence[Any]

    @property
    def span(self) -> tuple[dt.datetime, dt.datetime]:
        before, after = (dt.timedelta(minutes=m) for m in (self.kind.buffer_before, self.kind.buffer_after))
        return self.starts_at - before, self.ends_at + after

    @property
    def session(self) -> uuid.UUID | None:
        if self.kind.capacity < 2:
            return None
        return session_of(self.practitioner.pk, self.kind.pk, self.starts_at)


@transaction.atomic
def hold_time(
    *,
    practitioner: Practitioner,
    appointment_type: AppointmentType,
    starts_at: dt.datetime,
    key: str,
    ends_at: dt.datetime | None = None,
    also: Sequence[Any] = (),
    by: Actor,
) -> Hold:
    """Keeps a time of a practitioner, and of `also` (rooms, others), for five minutes under a `key`.

    `key` (at most 64 characters) names the dialog or link: what it held before is let go. Without `ends_at`
    it is as long as the type. Raises SlotTaken, OutsideHours, InThePast, NotOffered, as booking does.
    """
    ends_at = ends_at or starts_at + appointment_type.length
    wanted = Wanted(practitioner, appointment_type, starts_at, ends_at, also)
    _check(wanted, key)
    lock_dialog(key)
    lock_resources(practitioner, *also)
    if (same := _the_same(wanted, key)) is not None:
        return _longer(same)
    _let_go(key, by)
    resources = [practitioner.pk, *(one.pk for one in also)]
    party = wanted.session or uuid.uuid4()
    if taken := in_the_way(resources, *wanted.span, party=party):
        raise SlotTaken(times_after(wanted), why_taken(min(taken), *wanted.span))
    _check_seats(wanted)
    hold = Hold(
        practice=current_practice(),
        practitioner=practitioner,
        appointment_type=appointment_type,
        starts_at=starts_at,
        ends_at=wanted.ends_at,
        expires_at=timezone.now() + HELD_FOR,
        held_by=by.user,
        key=key,
        label=who_holds(by),
        session=wanted.session,
    )
    _put(hold, resources, wanted, party)
    audit.record("hold.placed", hold, by=by, changes={"starts_at": [None, starts_at]})
    changes.announce(current_practice(), *columns_held(hold))
    return hold


def lock_dialog(key: str) -> None:
    """Lets a dialog hold one time after the other, to the end of the transaction.

    Arrow keys choose faster than the server answers, and each time may be another clinician's: the lock of
    the diaries does not see that the second is to take the place of the first.
    """
    if "dialog-lock" in settings.SWITCHED_OFF:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('hold ' || %s, 0))", [key])


def release_hold(*, key: str, by: Actor) -> bool:
    """Lets a held time go; whether there was one that still stood. Somebody else's is not touched."""
    lock_dialog(key)
    return _let_go(key, by)


def _let_go(key: str, by: Actor) -> bool:
    held = Hold.objects.filter(key=key, held_by=by.user).first()
    if held is None:
        return False
    stood = held.expires_at > timezone.now()
    held.delete()
    changes.announce(current_practice(), *columns_held(held))
    if stood:
        released(held, at=timezone.now(), by=by)
    return stood


def held_time(key: str) -> Hold | None:
    """The hold that stands under a key."""
    return Hold.objects.standing().select_related("practitioner", "appointment_type").filter(key=key).first()


def who_holds(by: Actor) -> str:
    """The name beside a held time on the board: a colleague's first name, or where the patient chooses."""
    if by.user is not None:
        return str(by.user.given_name or by.user.email.partition("@")[0])[:60]
    return "A patient"


def columns_held(hold: Hold) -> list[str]:
    """The columns of boards on which a hold is drawn."""
    day = hold.starts_at.astimezone(current_practice().zone).date()
    return [f"appointments:{day}:{hold.practitioner_id}"]


def times_after(wanted: Wanted) -> list[Any]:
    return next_free(
        practitioner=wanted.practitioner,
        appointment_type=wanted.kind,
        after=wanted.starts_at + dt.timedelta(seconds=1),
    )


def _the_same(wanted: Wanted, key: str) -> Hold | None:
    """What is held under the key already, where it is just this."""
    held = held_time(key)
    if held is None or held.practitioner_id != wanted.practitioner.pk or held.ends_at != wanted.ends_at:
        return None
    if (held.starts_at, held.appointment_type_id) != (wanted.starts_at, wanted.kind.pk):
        return None
    takes = set(BusySlot.objects.filter(hold=held).values_list("resource_id", flat=True))
    return held if takes == {wanted.practitioner.pk, *(one.pk for one in wanted.also)} else None


def _longer(hold: Hold) -> Hold:
    """The same hold from now on: whoever still types keeps the time."""
    hold.expires_at = timezone.now() + HELD_FOR
    hold.save(update_fields=["expires_at"])
    BusySlot.objects.filter(hold=hold).update(expires_at=hold.expires_at)
    return hold


def _check(wanted: Wanted, key: str) -> None:
    if not key or len(key) > LONGEST_KEY:
        raise ValueError("A hold needs a key of at most 64 characters.")
    if wanted.starts_at <= timezone.now() - dt.timedelta(minutes=15):
        raise InThePast("That time is over.")
    if not wanted.practitioner.active or not wanted.kind.active:
        raise NotOffered("This visit is not offered any more.")
    if not wanted.kind.offers.filter(practitioner=wanted.practitioner).exists():
        raise NotOffered(f"{wanted.practitioner.short_name} does not offer {wanted.kind.name}.")
    if closed := why_closed(wanted.practitioner, wanted.starts_at, wanted.ends_at):
        raise OutsideHours(closed)


def _check_seats(wanted: Wanted) -> None:
    """A group's hold takes a place of it, as a booking does."""
    if wanted.session is None:
        return
    booked = Appointment.objects.active().filter(session=wanted.session, overbook_reason="").count()
    held = Hold.objects.standing().filter(session=wanted.session).count()
    if booked + held >= wanted.kind.capacity:
        raise SlotTaken(times_after(wanted), FULL)


def _put(hold: Hold, resources: Sequence[uuid.UUID], wanted: Wanted, party: uuid.UUID) -> None:
    """Writes a hold and what it takes; a hold that has run out makes room first."""
    begins, ends = wanted.span
    over = BusySlot.objects.between(begins, ends).filter(
        resource_id__in=resources, expires_at__lte=timezone.now()
    )
    Hold.objects.filter(pk__in=over.values("hold")).delete()
    try:
        with transaction.atomic():
            hold.save(force_insert=True)
            BusySlot.objects.bulk_create(
                BusySlot(
                    practice=hold.practice,
                    resource_id=resource,
                    hold=hold,
                    party=party,
                    starts_at=begins,
                    ends_at=ends,
                    expires_at=hold.expires_at,
                )
                for resource in sorted(resources, key=str)
            )
    except IntegrityError as error:
        if not isinstance(error.__cause__, ExclusionViolation):
            raise
        raise SlotTaken(times_after(wanted)) from error
