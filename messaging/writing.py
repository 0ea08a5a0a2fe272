"""What staff write to a patient by hand: whether it may go, and the verb that sends it.

Only `send` leads from here to a patient. A note for colleagues is `conversations.note`, a row of another
table that nothing that sends ever reads.
"""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from messaging import conversations, inbox
from messaging.models import Conversation, Message, Suppression
from messaging.outbox import queue_message
from messaging.templates import PLAIN, render
from messaging.thread import belongs
from patients.contacts import Reach, practice_name_for, show_phone
from patients.models import Channel
from practices.audit import Actor
from practices.models import Language

WRITTEN = (Channel.SMS, Channel.EMAIL)
LINES = {Channel.SMS: Conversation.Line.TEXT, Channel.EMAIL: Conversation.Line.EMAIL}

NOT_ALLOWED = {
    "deceased": "The patient has died. Nothing is sent.",
    "no_address": "There is no mobile number to text. Add one to the record, or call.",
    "opted_out": "The patient stopped texts. Only the patient can start them again, by texting START.",
    "no_consent": "The patient has not agreed to texts. Ask, then note the consent in the record.",
    "never_wrote": "This number has not texted us, so it may not be texted first. Call instead.",
}
NOT_BY_MAIL = {
    "deceased": NOT_ALLOWED["deceased"],
    "no_address": "There is no e-mail address. Add one to the record, or call.",
    "opted_out": "The patient wants no e-mails. Call instead.",
    "no_consent": "The patient has not agreed to e-mail. Ask, then note the consent in the record.",
    "never_wrote": "Nobody has written to us from an address here. Call instead.",
}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to write in a thread: where it would go, or in words why it may not."""

    channel: str
    to: str = ""
    why_not: str = ""

    @property
    def open(self) -> bool:
        return not self.why_not


class CannotWrite(ValueError):
    """Nothing may be written this way; the text says why and what else may be done."""


def words_for(reason: str, channel: str) -> str:
    """Why a message may not go, for the person who wrote it."""
    table = NOT_BY_MAIL if channel == Channel.EMAIL else NOT_ALLOWED
    return table.get(reason, "This message cannot be sent. Call instead.")


def ways(thread: Conversation, reach: Reach | None) -> dict[str, Way]:
    """How may be written in this thread, by channel; `reach` is how its patient may be reached."""
    questions = {channel: last_from_them(thread, channel) for channel in WRITTEN}
    targets = {channel: _target(channel, reach, questions[channel]) for channel in WRITTEN}
    silent = set(
        Suppression.objects.filter(
            address_index__in={index for _, index in targets.values()}, lifted_at=None
        ).values_list("channel", "address_index")
    )
    found = {}
    for channel, (address, index) in targets.items():
        why = _why_not(thread, channel, reach, questions[channel], (channel, index) in silent)
        shown = address if channel == Channel.EMAIL else show_phone(address)
        found[channel.value] = Way(channel, "", words_for(why, channel)) if why else Way(channel, shown)
    return found


def _target(channel: str, reach: Reach | None, question: Message | None) -> tuple[str, str]:
    """Where a message would go: back to who asks, else to what the record tries first."""
    point = reach.point_for(channel) if reach else None
    if question is not None and (reach is None or waits(question)):
        return str(question.address), question.address_index
    return (str(point.value), point.value_index) if point else ("", "")


def _why_not(
    thread: Conversation, channel: str, reach: Reach | None, question: Message | None, silent: bool
) -> str:
    if thread.patient is not None and thread.patient.deceased:
        return "deceased"
    if question is None and reach is None:
        return "never_wrote"
    answers = question is not None and (reach is None or waits(question))
    if not answers and reach is not None and reach.point_for(channel) is None:
        return "no_address"
    if silent:
        return "opted_out"
    if not answers and reach is not None and not reach.may_go_by(channel):
        return "no_consent"
    return ""


def waits(message: Message) -> bool:
    """Whether a person still has to answer this."""
    return message.needs_person and message.handled_at is None


def last_from_them(thread: Conversation, channel: str) -> Message | None:
    """The last thing they wrote by this channel: what an answer answers."""
    rows = Message.objects.filter(direction=Message.Direction.IN, channel=channel, **belongs(thread))
    return rows.select_related("patient", "contact_point").order_by("-created_at", "-id").first()


@transaction.atomic
def send(
    *,
    thread: Conversation,
    channel: str,
    body: str,
    language: str,
    key: str,
    version: int | None = None,
    by: Actor,
) -> Message:
    """Writes to the patient or stranger of a thread, once per `key`; all that waited in it is answered.

    Raises CannotWrite, with the reason in words, and SomebodyWasFaster where the thread has changed since
    `version`. Who may not be written to gets a row that says so (`reason`), and nothing is answered.
    """
    if channel not in WRITTEN:
        raise CannotWrite("A team note is not sent to anybody. Choose Text or E-mail.")
    # A second click waits for the lock and then finds the row of the first; no version counts for it.
    thread = conversations.locked_with_work(thread, None)
    earlier: Message | None = Message.objects.filter(idempotency_key=key[:120]).first()
    if earlier is not None:
        return earlier
    thread = conversations.locked(thread, version)
    question = last_from_them(thread, channel)
    if thread.patient is None and question is None:
        raise CannotWrite(words_for("never_wrote", channel))
    answers = question if question and (waits(question) or thread.patient is None) else None
    message = _queued(thread, channel, body, language, key[:120], answers, by)
    if not message.reason:
        _answered(thread, message, by)
    return message


def _queued(
    thread: Conversation,
    channel: str,
    body: str,
    language: str,
    key: str,
    answers: Message | None,
    by: Actor,
) -> Message:
    now = timezone.now()
    language = language if language in Language.values else Language.ENGLISH
    subject = ""
    if channel == Channel.EMAIL:
        subject = render(
            "note", language, {"practice": practice_name_for(thread.patient, language)}, channel=channel
        ).subject
    else:
        body = body.translate(PLAIN)
    return queue_message(
        patient=thread.patient,
        channel=channel,
        kind=Message.Kind.NOTE,
        body=body,
        subject=subject,
        language=language,
        send_after=now,
        idempotency_key=key,
        ignores_quiet_hours=answers is not None and now - answers.created_at < inbox.FRESH,
        in_reply_to=answers,
        by=by,
    )


def _answered(thread: Conversation, message: Message, by: Actor) -> None:
    """What waited in the thread was read by who answers it; the thread waits for the patient now."""
    asked = thread.state == conversations.State.NEEDS_ACTION
    for waiting in conversations.waiting_messages(thread).order_by("address_index").distinct("address_index"):
        inbox.mark_handled(message=waiting, outcome="answered", by=by)
    thread = conversations.touch(
        patient=thread.patient,
        address=thread.address,
        address_index=thread.address_index,
        channel=message.channel,
        kind=LINES[Channel(message.channel)],
        line=message.body,
        from_them=False,
        by=by,
    )
    if asked and thread.state == conversations.State.DONE:  # handling the last question closed it
        conversations.settle(thread, conversations.State.WAITING)
        thread.save()
