"""What a patient is told of a visit that is due: that it is time, a link to choose, never what for."""

import datetime as dt

from django.conf import settings
from django.utils import timezone

from messaging.models import Message
from messaging.outbox import queue_message, withdraw_messages
from messaging.outcomes import REASONS
from messaging.templates import render
from patients.contacts import Reach, practice_name_for, reachability, show_phone
from patients.models import Channel, Patient
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.models import FollowUp, FollowUpLink
from scheduling.notices import channel_for

GOOD_FOR = dt.timedelta(days=21)  # a link to choose a time
WORTH_SENDING = dt.timedelta(days=3)


class CannotAsk(ValueError):
    """The patient may not be written to; the text says why."""


def new_link(follow_up: FollowUp) -> tuple[FollowUpLink, str]:
    """A new link to choose a time, not stored yet, and its token, which is not kept."""
    practice = current_practice()
    token = FollowUpLink.new_token(practice.link_code)
    link = FollowUpLink(
        practice=practice,
        follow_up=follow_up,
        token_hash=FollowUpLink.hash_of(token),
        expires_at=timezone.now() + GOOD_FOR,
    )
    return link, token


def address_of(token: str) -> str:
    """The full address of a link, for a message."""
    return f"{settings.PUBLIC_URL}/f/{token}/"


def words_for(patient: Patient, token: str) -> dict[str, str]:
    """The variables of the wording `recall`."""
    return {
        "practice": practice_name_for(patient),
        "name": patient.preferred or patient.given,
        "phone": show_phone(str(current_practice().line_number)),
        "link": address_of(token),
    }


def queue_invitation(follow_up: FollowUp, *, reach: Reach | None = None, by: Actor) -> Message:
    """Queues the text or e-mail with a link of its own; raises CannotAsk where nothing may go."""
    patient = follow_up.patient
    reach = reach or reachability([patient])[patient.pk]
    channel = channel_for(patient, reach)
    if channel is None:
        wants_calls = patient.preferred_channel == Channel.CALL
        why = "asked to be called" if wants_calls else reach.why_not or "nothing may go"
        raise CannotAsk(f"No message may go: {why}. Call instead.")
    link, token = new_link(follow_up)
    link.save(force_insert=True)
    language = patient.language
    words = render("recall", language, words_for(patient, token), channel=channel)
    now = timezone.now()
    message = queue_message(
        patient=patient,
        channel=channel,
        reach=reach,
        kind=Message.Kind.RECALL,
        body=words.body,
        subject=words.subject,
        language=language,
        send_after=now + current_practice().undo_window,
        useful_until=now + WORTH_SENDING,
        idempotency_key=f"recall:{follow_up.pk}:{follow_up.version}",
        by=by,
    )
    if message.status == Message.Status.SUPPRESSED:
        raise CannotAsk(f"No message may go: {REASONS.get(message.reason, message.reason)}. Call instead.")
    return message


def withdraw(follow_up: FollowUp, *, reason: str, by: Actor) -> int:
    """Takes back the message that has not left yet; returns whether there was one."""
    if follow_up.message_id is None:
        return 0
    waiting = Message.objects.filter(pk=follow_up.message_id)
    return withdraw_messages(messages=waiting, reason=reason, by=by)
