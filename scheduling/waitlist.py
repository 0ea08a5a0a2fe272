"""The waitlist's entries: putting somebody on it, changing the wishes, taking her off, letting it expire."""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from patients.models import Patient
from practices import audit, changes
from practices.audit import SYSTEM, Actor
from practices.tenancy import current_practice
from scheduling.matching import OUTLIVED
from scheduling.models import (
    Appointment,
    AppointmentType,
    Change,
    Hold,
    Offer,
    Practitioner,
    WaitlistEntry,
)
from scheduling.offer_news import end
from scheduling.openings import released, wake
from scheduling.refusals import NotOffered, NotOpen

MOST_EXPIRED = 200  # of a kind, in one sweep
PASSED = "The time that was asked for is over."
MOST_OPEN = 10  # entries of one patient that may wait at the same time
State = WaitlistEntry.State
WISHES = (
    *("types", "practitioners", "weekdays", "not_before", "not_after", "notice_hours", "first_day"),
    *("last_day", "urgency", "note"),
)


class Wishes(TypedDict, total=False):
    """What somebody waits for; what is left out means any."""

    types: Sequence[uuid.UUID]
    practitioners: Sequence[uuid.UUID]
    weekdays: Sequence[int]
    not_before: dt.time | None
    not_after: dt.time | None
    notice_hours: int
    first_day: dt.date | None
    last_day: dt.date | None
    urgency: int
    note: str


class BadWish(ValueError):
    """A wish that nothing can fulfil; `field` says which, the text why."""

    def __init__(self, field: str, words: str) -> None:
        self.field = field
        super().__init__(words)


@transaction.atomic
def add_entry(
    *,
    patient: Patient,
    source: str,
    appointment: Appointment | None = None,
    wished_at: dt.datetime | None = None,
    by: Actor,
    **wishes: Unpack[Wishes],
) -> WaitlistEntry:
    """Puts a patient on the list, once for the same wished time; raises BadWish, NotOffered.

    `appointment` is the visit she has now: an earlier time of the same kind takes its place. `wished_at` is
    one certain time (an instant) that is taken at present.
    """
    if patient.deceased or not patient.active:
        raise NotOffered("This record is not in use any more.")
    if appointment is not None:
        if appointment.patient_id != patient.pk or not appointment.is_open:
            raise NotOpen("This visit cannot be moved any more.")
        wishes["types"] = [appointment.appointment_type_id]
    _check(wishes, wished_at)
    # The patient's row is held: two who press at once would both find nothing there.
    Patient.objects.select_for_update(no_key=True, of=("self",)).get(pk=patient.pk)
    there = list(WaitlistEntry.objects.waiting().filter(patient=patient).order_by("created_at"))
    same = [one for one in there if wished_at is not None and one.wished_at == wished_at]
    if same:
        return same[0]
    if len(there) >= MOST_OPEN:
        raise NotOffered(
            f"There are {MOST_OPEN} entries of this patient already. Take one off the list first."
        )
    entry = WaitlistEntry(
        practice=current_practice(),
        patient=patient,
        appointment=appointment,
        wished_at=wished_at,
        source=source,
        created_by=by.user,
        **{name: list(v) if isinstance(v, (list, tuple, set)) else v for name, v in wishes.items()},
    )
    entry.save(force_insert=True)
    audit.record("waitlist.added", entry, by=by, patient_id=patient.pk, changes={"source": ["", source]})
    changes.announce(current_practice(), "waitlist", "appointments")
    wake()
    if wished_at is not None:
        _after_holds(entry, by)
    return entry


def _after_holds(entry: WaitlistEntry, by: Actor) -> None:
    """A wished time that is only held opens with the end of the hold; a booking of it closes it again."""
    holds = Hold.objects.standing().filter(starts_at__lte=entry.wished_at, ends_at__gt=entry.wished_at)
    if entry.practitioners:
        holds = holds.filter(practitioner__in=entry.practitioners)
    for hold in holds.select_related("practitioner"):
        released(hold, at=hold.expires_at, by=by)


@transaction.atomic
def change_entry(*, entry: WaitlistEntry, by: Actor, **wishes: Unpack[Wishes]) -> WaitlistEntry:
    """Changes what somebody waits for; raises BadWish, and NotOpen once the entry has ended."""
    entry = WaitlistEntry.objects.select_for_update(no_key=True, of=("self",)).with_people().get(pk=entry.pk)
    if not entry.is_waiting:
        raise NotOpen(f"This entry is {entry.get_state_display().lower()} already.")
    now = {name: getattr(entry, name) for name in WISHES}
    if entry.appointment_id is not None:
        wishes["types"] = now["types"]
    wanted: dict[str, Any] = {**now, **wishes}
    _check(wanted, entry.wished_at)  # type: ignore[arg-type]
    differs = {name: [now[name], value] for name, value in wanted.items() if now[name] != value}
    for name, value in wanted.items():
        setattr(entry, name, value)
    entry.save()
    audit.record("waitlist.changed", entry, by=by, patient_id=entry.patient_id, changes=plain(differs))
    changes.announce(current_practice(), "waitlist", "appointments")
    wake()
    return entry


def plain(differs: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: [str(was), str(now)] for name, (was, now) in differs.items()}


@transaction.atomic
def remove_entry(*, entry: WaitlistEntry, why: str, by: Actor) -> WaitlistEntry:
    """Takes somebody off the list; what she is being asked is taken back. Twice is once."""
    return _close(entry, State.REMOVED, why, by)


@transaction.atomic
def expire_entries(now: dt.datetime | None = None) -> int:
    """Ends the entries of the open practice for which there is nothing to wait for any more."""
    over = dict(_over(now or timezone.now()))
    # All are held at once, in one order; one that somebody is at is left for the next time.
    waiting = WaitlistEntry.objects.waiting().filter(pk__in=over).order_by("pk")
    held = list(waiting.select_for_update(no_key=True, skip_locked=True))
    list(Offer.objects.standing().filter(entry__in=held).held())
    for entry in held:
        _close(entry, State.EXPIRED, over[entry.pk], SYSTEM)
    return len(held)


def _over(now: dt.datetime) -> Iterator[tuple[uuid.UUID, str]]:
    """Entries whose day or time has come and gone, or whose visit was cancelled or seen, and why they end."""
    waiting = WaitlistEntry.objects.waiting()
    today = now.astimezone(current_practice().zone).date()
    undoable = Change.objects.filter(
        appointment=OuterRef("appointment"), undone_at=None, undo_until__gte=now
    ).order_by()
    for rows, why in (
        (WaitlistEntry.objects.outlived().exclude(Exists(undoable)), f"{OUTLIVED}."),
        (waiting.filter(last_day__lt=today), PASSED),
        (waiting.filter(wished_at__lte=now), PASSED),
    ):
        for key in rows.order_by("pk").values_list("pk", flat=True)[:MOST_EXPIRED]:
            yield key, why


def _close(entry: WaitlistEntry, state: str, why: str, by: Actor) -> WaitlistEntry:
    entry = WaitlistEntry.objects.select_for_update(no_key=True, of=("self",)).with_people().get(pk=entry.pk)
    if not entry.is_waiting:
        return entry
    entry.state, entry.ended_at, entry.ended_why = state, timezone.now(), why.strip()[:80]
    entry.save(update_fields=["state", "ended_at", "ended_why"])
    for offer in Offer.objects.standing().filter(entry=entry).held().with_all():
        end(offer, "withdrawn", by=by)
    audit.record(
        f"waitlist.{state}", entry, by=by, patient_id=entry.patient_id, changes={"why": ["", entry.ended_why]}
    )
    changes.announce(current_practice(), "waitlist", "appointments")
    return entry


def _check(wishes: Wishes, wished_at: dt.datetime | None) -> None:
    """Refuses wishes that contradict each other or name what the practice does not have."""
    types, who = set(wishes.get("types", ())), set(wishes.get("practitioners", ()))
    if not types:
        raise BadWish("types", "Choose at least one kind of visit.")
    if AppointmentType.objects.filter(pk__in=types, active=True).count() != len(types):
        raise BadWish("types", "One of these kinds of visit is not offered any more.")
    offering = Practitioner.objects.in_use().filter(pk__in=who)
    if offering.count() != len(who):
        raise BadWish("practitioners", "One of these clinicians does not see patients any more.")
    if who and not offering.filter(appointment_types__in=types).exists():
        raise BadWish("practitioners", "None of these clinicians offers that kind of visit.")
    if any(not 1 <= day <= 7 for day in wishes.get("weekdays", ())):
        raise BadWish("weekdays", "Choose days from Monday to Sunday.")
    after, before = wishes.get("not_before"), wishes.get("not_after")
    if after and before and after >= before:
        raise BadWish("not_after", "The end of the hours comes before their beginning.")
    if not 0 <= wishes.get("notice_hours", 0) <= 336:
        raise BadWish("notice_hours", "Between 0 hours and 14 days.")
    if wishes.get("urgency", 2) not in WaitlistEntry.Urgency.values:
        raise BadWish("urgency", "Choose how urgent it is.")
    if len(wishes.get("note", "")) > 500:
        raise BadWish("note", "At most 500 letters.")
    _check_days(wishes, wished_at)


def _check_days(wishes: Wishes, wished_at: dt.datetime | None) -> None:
    first, last, today = wishes.get("first_day"), wishes.get("last_day"), current_practice().today()
    if last and last < today:
        raise BadWish("last_day", "This day is over.")
    if last and last > today + dt.timedelta(days=730):
        raise BadWish("last_day", "At most two years ahead.")
    if first and first > today + dt.timedelta(days=730):
        raise BadWish("first_day", "At most two years ahead.")
    if first and last and first > last:
        raise BadWish("last_day", "The last day comes before the first.")
    if wished_at is not None and wished_at <= timezone.now():
        raise BadWish("wished_at", "That time is over.")
