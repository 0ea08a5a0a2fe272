"""What a YES or NO by text or mail does to an offer; which one is meant is never guessed.

An answer is about an offer when the offer is our last word to that number and nothing else we asked there of
late is still open. Where more than one thing is, the patient is asked back by number, as for visits.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from messaging import asking
from messaging.acting import remember
from messaging.models import Message
from patients.models import Channel
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling import answers
from scheduling.accepting import HeldJustNow, OfferGone, accept_offer, decline_offer
from scheduling.clocks import zone_of, zone_offered
from scheduling.models import Appointment, Change, Notice, Offer
from scheduling.notices import LEFT
from scheduling.planning import AWAITING
from scheduling.refusals import BookingRefused
from scheduling.undo import undo_change

Reading = Message.Reading
BY_TEXT = Actor(kind="patient", door="text")
BESIDE = dt.timedelta(hours=48)  # so long before, another open question makes a short answer doubtful
COUNTS_FOR = dt.timedelta(days=7)
State = Offer.State


@transaction.atomic
def handle_reply(message: Message, reading: str) -> bool:
    """Takes an answer where it is plain that it is about an offer; True when it was taken."""
    if reading == Reading.CHOICE:
        return _chosen(message)
    if reading not in {Reading.YES, Reading.NO}:
        return False
    if message.channel != Channel.SMS:
        offer = _of_message(message.in_reply_to_id)
        return offer is not None and answer(message, reading, offer)
    return _texted(message, reading)


def _texted(message: Message, reading: str) -> bool:
    offers = _offers_at(message.address_index)
    if not offers:
        return False
    standing = [offer for offer in offers if offer.stands and offer.opening.is_open]
    visits = _visits_asked(message.address_index)
    last = offers[0]
    if len(standing) + len(visits) > 1 and standing:
        return _ask_which(message, standing, visits, reading)
    if _speaks_of(last, message.in_reply_to_id):
        return answer(message, reading, last)
    return False  # our last word was about something else: a visit's handler or a person takes it


def _offers_at(index: str) -> list[Offer]:
    """Offers that went to a number of late, the newest first; those that ended otherwise come after."""
    sent = Offer.objects.filter(
        message__address_index=index,
        message__status__in=LEFT,
        message__send_after__gt=timezone.now() - COUNTS_FOR,
    )
    return list(sent.with_all().order_by("-message__send_after", "-pk")[:10])


def _visits_asked(index: str) -> list[Appointment]:
    """Visits to come that we asked this number about of late and that wait for an answer."""
    asked = Notice.objects.filter(
        message__address_index=index,
        message__channel=Channel.SMS,
        message__direction=Message.Direction.OUT,
        message__status__in=LEFT,
        message__send_after__gt=timezone.now() - BESIDE,
        appointment__confirmation__in=AWAITING,
    ).exclude(kind__in=["cancelled", "offer-won"])
    rows = asked.select_related("appointment__patient", "appointment__practitioner")
    found = {row.appointment_id: row.appointment for row in rows}
    return [visit for visit in found.values() if answers.is_coming(visit)]


def _speaks_of(offer: Offer, message_id: uuid.UUID | None) -> bool:
    """Whether our last message was this offer, or the word that it is gone."""
    return message_id is not None and message_id in {offer.message_id, offer.told_id}


def _of_message(message_id: uuid.UUID | None) -> Offer | None:
    if message_id is None:
        return None
    return Offer.objects.with_all().filter(message=message_id).first()


def answer(message: Message, reading: str, offer: Offer) -> bool:
    """Does what was said; False leaves the words to a person."""
    how = "text" if message.channel == Channel.SMS else "email"
    if message.in_reply_to_id is None:
        message.in_reply_to = offer.message
        message.save(update_fields=["in_reply_to"])
    to = message if message.channel == Channel.SMS else None
    try:
        if reading == Reading.NO:
            decline_offer(offer=offer, how=how, message=to, by=BY_TEXT)
        else:
            visit = accept_offer(offer=offer, how=how, message=to, by=BY_TEXT)
            remember(message, offer={"id": str(offer.pk), "visit": str(visit.pk)})
    except OfferGone:
        offer.refresh_from_db(fields=["state"])
        if offer.state == State.ACCEPTED:
            return False  # it was hers, and was cancelled or moved since: a person knows what is now
        remember(message, offer={"id": str(offer.pk), "visit": ""})  # told kindly, once
    except (HeldJustNow, BookingRefused):
        return False
    return True


def _ask_which(
    message: Message, offers: Sequence[Offer], visits: Sequence[Appointment], reading: str
) -> bool:
    """Asks back by number: the offered times and the visits that wait for an answer."""
    names = asking.may_name(current_practice())
    options = [
        asking.Option(row.pk, _first_name(patient) if names and not patient.neutral_name else "", at, zone)
        for row, patient, at, zone in sorted(
            [
                *((offer, offer.entry.patient, offer.starts_at, zone_offered(offer)) for offer in offers),
                *((visit, visit.patient, visit.starts_at, zone_of(visit)) for visit in visits),
            ],
            key=lambda row: (row[2], str(row[0].pk)),
        )
    ]
    people = {offer.entry.patient for offer in offers} | {visit.patient for visit in visits}
    language = "es" if all(person.language == "es" for person in people) else "en"
    about = offers[0].message_id
    return asking.ask_which(message, options, about=about, reading=reading, language=language, by=BY_TEXT)


def _first_name(patient: object) -> str:
    return str(getattr(patient, "preferred", "") or getattr(patient, "given", ""))


def _chosen(message: Message) -> bool:
    """A number that answers such a question: offers among the chosen are answered, visits as ever."""
    question = message.in_reply_to
    which = (question.spoke_of or {}).get("which") if question is not None else None
    named = [uuid.UUID(key) for key in which["options"]] if which else []
    if not named or not Offer.objects.filter(pk__in=named).exists():
        return False
    choice = asking.chosen(message)
    if choice is None:
        return False
    offers = list(Offer.objects.with_all().filter(pk__in=choice.chosen).order_by("starts_at"))
    rest = [key for key in choice.chosen if key not in {offer.pk for offer in offers}]
    visits = list(Appointment.objects.with_people().filter(pk__in=rest))
    if len(visits) != len(rest) or not all(answers.is_coming(visit) for visit in visits):
        return False
    done = [answer(message, choice.reading, offer) for offer in offers]
    return all(done) and (not visits or answers.apply(message, choice.reading, visits))


@transaction.atomic
def undo_reply(message: Message, by: Actor) -> None:
    """Takes a booking back that a text was read to ask for; the visit before stands again."""
    did = (message.spoke_of or {}).get("offer")
    if not did or not did["visit"]:
        return
    visit = Appointment.objects.filter(pk=did["visit"]).first()
    made = Change.objects.filter(appointment=did["visit"], undone_at=None).exclude(kind=Change.Kind.STATUS)
    change = made.order_by("-made_at").first()
    if visit is None or change is None or not visit.is_open:
        return
    # The patient's yes and its confirmation are one step; a person may take it back after the bar is gone.
    change.version, change.undo_until = visit.version, timezone.now() + dt.timedelta(minutes=1)
    change.save(update_fields=["version", "undo_until"])
    try:
        undo_change(change=change, by=by)
    except BookingRefused:
        return
    Offer.objects.filter(pk=did["id"]).update(state=State.DECLINED, visit=None)
