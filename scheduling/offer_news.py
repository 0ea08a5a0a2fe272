"""What people on the waitlist are told: that a time is free, that it is theirs, or kindly that it is gone."""

import datetime as dt
from collections.abc import Iterable

from django.conf import settings
from django.utils import timezone

from messaging.models import Message
from messaging.outbox import queue_message, withdraw_messages
from messaging.templates import render
from patients.contacts import Reach, email_contact, practice_name_for, show_phone
from patients.models import Channel, ContactPoint
from practices import audit
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.clocks import local_start, offered_start
from scheduling.links import address_of, create_link
from scheduling.models import Appointment, Notice, Offer
from scheduling.notices import LEFT, channel_for, say_date, say_short
from scheduling.visit_calendar import invitation
from scheduling.wallclock import say_time

ANSWERED_WITHIN = dt.timedelta(hours=2)
WON = "offer-won"  # of the notice, whether or not an earlier visit was given up
State = Offer.State


def offer_address(token: str) -> str:
    """The full address of an offer's page, for a message."""
    return f"{settings.PUBLIC_URL}/o/{token}/"


def variables(offer: Offer, *, link: str = "", before: Appointment | None = None) -> dict[str, str]:
    """What the wordings of an offer may name."""
    practice, patient = current_practice(), offer.entry.patient
    local = offered_start(offer)
    words = {
        "practice": practice_name_for(patient),
        "name": patient.preferred or patient.given,
        "date": say_date(local.date(), patient.language),
        "time": say_time(local.time()),
        "phone": show_phone(str(practice.line_number)),
        "link": link,
    }
    if before is not None:
        was = local_start(before)
        words["visits"] = f"{say_short(was.date(), patient.language)} {say_time(was.time())}"
    return words


def ask(offer: Offer, token: str, *, reach: Reach, send_after: dt.datetime, by: Actor) -> Message | None:
    """Queues the question; None when the patient may not be written to."""
    patient = offer.entry.patient
    channel = channel_for(patient, reach)
    if channel is None:
        return None
    before = offer.entry.visit_given_up
    kind = "offer-earlier" if before is not None else "offer"
    known = variables(offer, link=offer_address(token), before=before)
    words = render(kind, patient.language, known, channel=channel)
    return queue_message(
        patient=patient,
        channel=channel,
        reach=reach,
        kind=Message.Kind.OFFER,
        body=words.body,
        subject=words.subject,
        language=patient.language,
        send_after=send_after,
        useful_until=offer.expires_at,
        idempotency_key=f"offer:{offer.pk}",
        followed=True,
        by=by,
    )


def tell_won(
    offer: Offer, visit: Appointment, *, before: Appointment | None, to: Message | None, by: Actor
) -> None:
    """Says that the time is theirs: as an answer to whoever wrote, else by the way of the offer."""
    kind = "offer-won-earlier" if before is not None else WON
    known = variables(offer, link=address_of(create_link(visit)[1]), before=before)
    message = _say(
        offer, kind, known, to=to, key=f"won:{offer.pk}", until=visit.starts_at, visit=visit, by=by
    )
    if message is not None:
        notice = Notice(
            practice=offer.practice,
            message=message,
            appointment=visit,
            kind=WON,
            version=visit.version,
        )
        Notice.objects.bulk_create([notice], ignore_conflicts=True)


def tell_declined(offer: Offer, *, to: Message, by: Actor) -> None:
    """Thanks for a no, to whoever wrote it."""
    _say(offer, "offer-no", variables(offer), to=to, key=f"no:{offer.pk}", until=offer.starts_at, by=by)


def give_up(offers: Iterable[Offer], *, by: Actor, winner: Appointment | None = None) -> None:
    """Ends standing offers: what has not left is taken back, whoever was asked hears once that it is gone."""
    for offer in offers:
        if winner is not None and offer.entry.patient_id == winner.patient_id:
            end(offer, State.WITHDRAWN, by=by)  # she has it herself, whoever booked it
        elif asked(offer):
            end(offer, State.LOST, by=by)
            tell_gone(offer, by=by)
        else:
            end(offer, State.WITHDRAWN, by=by)


def asked(offer: Offer) -> bool:
    """Whether the patient has the question, or may have it."""
    return offer.message is None or offer.message.status in LEFT


def end(offer: Offer, state: str, *, how: str = "", by: Actor) -> None:
    """Writes down what became of an offer; a question that still waits is taken back."""
    was = offer.state
    offer.state, offer.answered_by = state, how
    offer.answered_at = timezone.now()
    offer.save(update_fields=["state", "answered_at", "answered_by"])
    if offer.message_id is not None:
        withdraw_messages(messages=Message.objects.filter(pk=offer.message_id), reason=state, by=by)
    audit.record(
        f"offer.{state}",
        offer,
        by=by,
        patient_id=offer.entry.patient_id,
        changes={"state": [was, state]},
    )


def tell_gone(offer: Offer, *, to: Message | None = None, by: Actor) -> None:
    """Says kindly, once, that a time is gone; to somebody who just wrote at once, also at night."""
    known = offer.told
    if known is not None and to is not None and known.status == Message.Status.QUEUED:
        withdraw_messages(messages=Message.objects.filter(pk=known.pk), reason="answered", by=by)
        known = None
    if known is not None:
        return
    key = f"gone:{offer.pk}:{to.pk}" if to else f"gone:{offer.pk}"
    offer.told = _say(offer, "offer-gone", variables(offer), to=to, key=key, until=offer.starts_at, by=by)
    offer.save(update_fields=["told"])


def _say(
    offer: Offer,
    kind: str,
    known: dict[str, str],
    *,
    to: Message | None,
    key: str,
    until: dt.datetime,
    visit: Appointment | None = None,
    by: Actor,
) -> Message | None:
    """Answers the message `to`, or speaks by the way the offer went; a `visit` goes to the calendar too."""
    asked_by = to or offer.message
    patient, now = offer.entry.patient, timezone.now()
    channel = asked_by.channel if asked_by is not None else channel_for(patient)
    if channel is None or (to is not None and channel == "call"):
        return None
    words = render(kind, patient.language, known, channel=channel)
    point = asked_by.contact_point if asked_by is not None else None
    return queue_message(
        patient=patient,
        channel=channel,
        contact_point=point,
        kind=Message.Kind.REPLY if to else Message.Kind.OFFER,
        body=words.body,
        subject=words.subject,
        calendar=_event(visit, point) if visit is not None and channel == Channel.EMAIL else None,
        language=patient.language,
        send_after=now,
        useful_until=now + ANSWERED_WITHIN if to else until,
        idempotency_key=key,
        ignores_quiet_hours=to is not None,
        in_reply_to=to,
        by=by,
    )


def _event(visit: Appointment, point: ContactPoint | None) -> str | None:
    """The won time for the patient's calendar: in place of the visit that was given up, where one was."""
    to = point or email_contact(visit.patient)
    return invitation(visit, WON, to=str(to.value), language=visit.patient.language) if to else None
