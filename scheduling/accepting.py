"""What people answer to an offer: yes, not this one, or no more of these. The first yes wins.

All that a visit takes is locked first, then the opening, the entry and the offer; the exclusion constraint
over what is taken and the one-winner constraint over the offers have the last word.
"""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from psycopg.errors import UniqueViolation

from messaging.models import Message
from practices import audit, changes
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.booking import book_appointment, confirm_appointment, reschedule_appointment
from scheduling.matching import Match, matches_for
from scheduling.means import means_of
from scheduling.models import (
    Appointment,
    AppointmentType,
    BusySlot,
    Confirmation,
    Offer,
    Opening,
    WaitlistEntry,
)
from scheduling.offer_news import end, tell_declined, tell_gone, tell_won
from scheduling.openings import region_of
from scheduling.refusals import BookingRefused
from scheduling.slots import lock_resources
from scheduling.waitlist import remove_entry
from scheduling.waitlist_rules import accept_until, rule_of

State = Offer.State
SURE_WITHIN_DAYS = 3  # a yes to a time so near is its confirmation too; a later one is still reminded
STOPPED = "Asked not to be offered times any more."


class OfferGone(BookingRefused):
    """Somebody else was first, or the time is over."""


class HeldJustNow(BookingRefused):
    """Somebody at the desk is choosing this very time; in a few minutes it is known."""


class OfferAnswered(BookingRefused):
    """The offer was answered already, in another way."""


def accept_offer(*, offer: Offer, how: str, message: Message | None = None, by: Actor) -> Appointment:
    """Books the offered time and gives up the visit it replaces; the same yes twice is the same visit.

    `how` is text, email, link, phone or api; `message` is the text that said yes. Raises OfferGone when
    somebody was first (the patient is told then, once), HeldJustNow, OfferAnswered.
    """
    try:
        with transaction.atomic():
            return _accept(offer, how, message, by)
    except OfferGone:
        lose(offer, message=message, by=by)
        raise


def _accept(offer: Offer, how: str, message: Message | None, by: Actor) -> Appointment:
    before = _locked(offer)
    offer = Offer.objects.with_all().get(pk=offer.pk)
    if offer.state == State.ACCEPTED and offer.visit is not None:
        return _had_already(offer.visit)
    # A change of mind counts while nobody else has it; a person at the desk may still use one that ran out.
    again = {State.DECLINED} if by.user is None else {State.DECLINED, State.EXPIRED, State.WITHDRAWN}
    if not (offer.stands or offer.state in again) or not offer.opening.is_open or not offer.entry.is_waiting:
        raise OfferGone("Somebody else was first.")
    if by.user is None and timezone.now() > accept_until(rule_of(), offer.starts_at):
        raise OfferGone("It is too late for this time.")
    _win(offer, how, by)
    visit = _book(offer, before, by)
    _finish(offer, visit, how, by)
    tell_won(offer, visit, before=before, to=message, by=by)
    changes.announce(current_practice(), *region_of(offer.opening), "queue")
    return visit


def _had_already(visit: Appointment) -> Appointment:
    if not visit.is_active:
        raise OfferGone("This was hers, and the visit was cancelled or moved since.")
    return visit


def _locked(offer: Offer) -> Appointment | None:
    """Holds all that a yes touches, the offer last; returns the visit that is given up."""
    known = Offer.objects.with_all().get(pk=offer.pk)
    before = _hold(known.opening, known.entry, known.appointment_type)
    if "opening-lock" not in settings.SWITCHED_OFF:
        Offer.objects.select_for_update().get(pk=known.pk)
    return before


def _hold(opening: Opening, entry: WaitlistEntry, kind: AppointmentType) -> Appointment | None:
    """Holds diaries, rooms and interpreters, then the opening, then the entries; returns what is given up."""
    before: Appointment | None = entry.visit_given_up
    who = opening.practitioner
    means = means_of(before.appointment_type if before else kind, entry.patient)
    given_up = [before.practitioner, before.room] if before else []
    # In one step: who took the clinician first and the room in a second could wait in a circle.
    lock_resources(who, who.room, *given_up, *means.to_hold)
    if "opening-lock" not in settings.SWITCHED_OFF:
        Opening.objects.select_for_update().get(pk=opening.pk)
        own = Q(pk=entry.pk) | Q(appointment=before) if before else Q(pk=entry.pk)
        list(WaitlistEntry.objects.filter(own).order_by("pk").select_for_update(no_key=True))
    return before


def _win(offer: Offer, how: str, by: Actor) -> None:
    """Marks the offer as the opening's one winner; the database refuses a second."""
    offer.state, offer.answered_at, offer.answered_by = State.ACCEPTED, timezone.now(), how
    try:
        with transaction.atomic():
            offer.save(update_fields=["state", "answered_at", "answered_by"])
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            raise OfferGone("Somebody else was first.") from error
        raise


def _book(offer: Offer, before: Appointment | None, by: Actor) -> Appointment:
    """The new visit; the one before goes in the same transaction, and the two are a chain."""
    who = offer.opening.practitioner
    try:
        if before is not None:
            return reschedule_appointment(
                appointment=before,
                version=before.version,
                starts_at=offer.starts_at,
                practitioner=who,
                tell_patient=False,
                by=by,
            )
        return book_appointment(
            patient=offer.entry.patient,
            practitioner=who,
            appointment_type=offer.appointment_type,
            starts_at=offer.starts_at,
            note=offer.entry.note,
            tell_patient=False,
            by=by,
        )
    except BookingRefused as refusal:
        if _only_held(offer):
            raise HeldJustNow(
                "Somebody is choosing this time just now. Try again in a few minutes."
            ) from None
        raise OfferGone(str(refusal)) from refusal


def _only_held(offer: Offer) -> bool:
    """Whether nothing but a hold is in the way."""
    there = BusySlot.objects.standing().between(offer.starts_at, offer.ends_at)
    there = there.filter(resource_id=offer.opening.practitioner_id)
    holds = list(there.values_list("hold", flat=True))
    return bool(holds) and all(holds)


def _finish(offer: Offer, visit: Appointment, how: str, by: Actor) -> None:
    """The entry has what it waited for; a yes to a time that is near counts as its confirmation."""
    offer.visit = visit
    offer.save(update_fields=["visit"])
    entry = offer.entry
    entry.state, entry.booked, entry.ended_at = WaitlistEntry.State.BOOKED, visit, timezone.now()
    entry.appointment = entry.appointment and visit
    entry.save(update_fields=["state", "booked", "ended_at", "appointment"])
    for other in entry.offers.standing().exclude(pk=offer.pk).with_all():
        end(other, State.WITHDRAWN, by=by)
    near = (visit.local_date - current_practice().today()).days <= SURE_WITHIN_DAYS
    if near and visit.confirmation != Confirmation.CONFIRMED:
        confirm_appointment(appointment=visit, how=how if how != "api" else "phone", by=by)
        visit.refresh_from_db()
    audit.record(
        "offer.accepted",
        offer,
        by=by,
        patient_id=entry.patient_id,
        changes={"visit": [None, visit.pk], "by": ["", how]},
    )


@transaction.atomic
def lose(offer: Offer, *, message: Message | None = None, by: Actor) -> Offer:
    """Writes down that a yes came too late, and says so kindly, once."""
    offer = Offer.objects.select_for_update(of=("self",)).with_all().get(pk=offer.pk)
    if offer.state == State.ACCEPTED:
        return offer  # nobody was faster: it was hers, and was cancelled or moved since
    if offer.stands:
        end(offer, State.LOST, by=by)
    tell_gone(offer, to=message, by=by)
    return offer


@transaction.atomic
def decline_offer(*, offer: Offer, how: str, message: Message | None = None, by: Actor) -> Offer:
    """“Not this one”: she stays on the list and is not asked about this time again. Twice is once."""
    # The entry before the offer, as whoever takes her off the list holds them.
    WaitlistEntry.objects.select_for_update(no_key=True).get(pk=offer.entry_id)
    offer = Offer.objects.select_for_update(of=("self",)).with_all().get(pk=offer.pk)
    if offer.state == State.ACCEPTED:
        raise OfferAnswered("This time is hers already. Cancel the visit instead.")
    if offer.stands:
        end(offer, State.DECLINED, how=how, by=by)
        if message is not None:
            tell_declined(offer, to=message, by=by)
        changes.announce(current_practice(), *region_of(offer.opening))
    return offer


@transaction.atomic
def stop_asking(*, offer: Offer, how: str, by: Actor) -> WaitlistEntry:
    """“Do not ask me any more”: the offer is declined and the entry comes off the list."""
    if offer.stands:
        decline_offer(offer=offer, how=how, by=by)
    entry: WaitlistEntry = offer.entry
    return remove_entry(entry=entry, why=STOPPED, by=by)


@transaction.atomic
def award(*, opening: Opening, entry: WaitlistEntry, how: str = "phone", by: Actor) -> Appointment:
    """Books an opening for somebody who said yes to a person; raises OfferGone, HeldJustNow."""
    opening = Opening.objects.with_people().get(pk=opening.pk)
    asked = Offer.objects.filter(opening=opening, entry=entry)
    there = asked.first()
    if there is None:
        ranking = matches_for(opening)
        match = next((one for one in ranking.matches if one.entry.pk == entry.pk), None)
        if match is None or not opening.is_open:
            raise OfferGone("This does not fit any more. Look at it as it is now.")
        # Before the first row: who presses it twice finds the offer of the first time.
        _hold(opening, match.entry, match.kind)
        there = asked.first() or _by_a_person(opening, match, by)
    return accept_offer(offer=there, how=how, by=by)


def _by_a_person(opening: Opening, match: Match, by: Actor) -> Offer:
    """The offer that was made by word of mouth."""
    offer = Offer(
        practice=current_practice(),
        opening=opening,
        entry=match.entry,
        appointment_type=match.kind,
        starts_at=match.starts_at,
        ends_at=match.ends_at,
        state=State.SENT,
        batch=opening.batch,
        place=opening.offers.count() + 1,
        reasons=[*match.reasons[:8], "Asked by a person"],
        token_hash=Offer.hash_of(Offer.new_token(current_practice().link_code)),
        expires_at=match.starts_at,
        created_by=by.user,
    )
    offer.save(force_insert=True)
    return offer
