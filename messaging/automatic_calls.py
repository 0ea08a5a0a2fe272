"""Automatic calls: what they say, the keys, and what is left where no person listens.

The words of the message are said only when a person answers, and only if they name nobody; else a key
comes first. An answering machine hears practice and number, or nothing where the patient wants no voicemail.
"""

import functools
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from messaging import call_events, call_words, inbox, receipts, voice
from messaging.call_hooks import hook, seconds_of, waiting, xml
from messaging.calls import call_came
from messaging.models import Call, Message
from messaging.webhooks import signed
from patients.models import Channel
from practices.audit import Actor
from practices.models import Practice

PRESSED = Actor(kind="patient", door="telephone")
HUMAN = "human"


def words_url(practice: Practice, message_id: object) -> str:
    """The document of an automatic call."""
    return voice.hook(practice, "message", message_id)


def callback_url(practice: Practice, message_id: object) -> str:
    """Where the supplier reports what became of an automatic call."""
    return voice.hook(practice, "message", message_id, "status")


def of_message(view: Callable[[HttpRequest, Message], HttpResponse]) -> Callable[..., HttpResponse]:
    """A door of one automatic call; for a message that is not this practice's there is nothing to say."""

    @functools.wraps(view)
    def with_message(request: HttpRequest, message_id: uuid.UUID) -> HttpResponse:
        sent = Message.objects.filter(direction=Message.Direction.OUT, channel=Channel.CALL)
        message = sent.select_related("patient").filter(pk=message_id).first()
        return xml(voice.goodbye()) if message is None else view(request, message)

    return signed(with_message)


@of_message
def answered(request: HttpRequest, message: Message) -> HttpResponse:
    """Somebody or something picked up."""
    sid, by = request.POST.get("CallSid", ""), request.POST.get("AnsweredBy", "")
    receipts.call_reported(message_id=message.pk, supplier_id=sid, status="in-progress")
    if by.startswith("machine") or by == "fax":
        return xml(voice.goodbye(() if by == "fax" else left_behind(message)))
    if by == HUMAN and not call_words.names_somebody(message):
        heard(request, message)
        return xml(whole(message))
    return xml(
        voice.ask_for_key(
            call_words.opening(message),
            action=hook("message", message.pk, "opening"),
            otherwise=left_behind(message),
        )
    )


def left_behind(message: Message) -> voice.Words:
    """What is said where no key tells a person from a tape; nothing where nothing may stay on a voicemail."""
    silent = message.patient is not None and message.patient.no_voicemail
    return () if silent else call_words.call_us(message)


def whole(message: Message) -> str:
    """The message and its keys; without a key, practice and number."""
    return voice.ask_for_key(
        call_words.to_a_person(message),
        action=hook("message", message.pk, "key"),
        otherwise=left_behind(message),
    )


@of_message
def opening_key(request: HttpRequest, message: Message) -> HttpResponse:
    """Whoever wants to hear the message is a person."""
    heard(request, message)
    if request.POST.get("Digits", "").startswith("9"):
        return xml(to_the_desk(request, message))
    return xml(whole(message))


def heard(request: HttpRequest, message: Message) -> None:
    """A person hears it: whatever is reported later, it arrived."""
    sid = request.POST.get("CallSid", "")[:64]
    receipts.call_reported(message_id=message.pk, supplier_id=sid, status="completed")


@of_message
def key(request: HttpRequest, message: Message) -> HttpResponse:
    """1 confirms, 2 asks for another time, 9 for a person; anything else is asked again."""
    digit = request.POST.get("Digits", "")[:1]
    heard(request, message)
    if digit == "9":
        return xml(to_the_desk(request, message))
    if digit not in {"1", "2"} or inbox.key_pressed(message=message, digit=digit, by=PRESSED) is None:
        return xml(whole(message))
    return xml(voice.goodbye(call_words.thanks(message, digit)))


def to_the_desk(request: HttpRequest, message: Message) -> str:
    """The line waits for a person like one that came in."""
    inbox.key_pressed(message=message, digit="9", by=PRESSED)
    sid = request.POST.get("CallSid", "")
    call = call_came(supplier_id=sid, from_=message.address, message=message, by=PRESSED)
    return waiting(call, call_words.said("soon", call))


@of_message
def reported(request: HttpRequest, message: Message) -> HttpResponse:
    """What became of an automatic call; one that went on to the desk ends there too."""
    form = request.POST
    sid, status = form.get("CallSid", ""), form.get("CallStatus", "").lower()
    if not sid or not status:
        return HttpResponse("CallSid and CallStatus are required.", status=400, content_type="text/plain")
    # What a person heard has arrived by now: an end without that was a machine's, or nobody pressed a key.
    receipts.call_reported(message_id=message.pk, supplier_id=sid[:64], status=status, machine=True)
    call = Call.objects.filter(supplier_id=sid).first()
    if call is not None:
        call_events.line_reported(call, status, seconds_of(request, "CallDuration", "Duration"))
    return HttpResponse(status=204)
