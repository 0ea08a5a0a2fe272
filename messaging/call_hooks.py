"""The supplier's doors for calls: each stores what happened and says what the line does next.

What is reported twice has one effect, because calls only move forward (`call_events`); the answer to a
repeated report is made anew from the state. A call that is not ours is told nothing.
"""

import functools
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from messaging import call_events, call_words, recordings, voice
from messaging.call_events import REPORTED
from messaging.calls import call_came
from messaging.models import Call, DeskRules, Task
from messaging.webhooks import signed
from practices.tenancy import current_practice

WAIT_SECONDS = 20  # between two sentences to whoever waits
Status = Call.Status


def xml(document: str) -> HttpResponse:
    return HttpResponse(document, content_type="text/xml")


def hook(*parts: object) -> str:
    return voice.hook(current_practice(), *parts)


def seconds_of(request: HttpRequest, *names: str) -> int | None:
    """The first of the fields that is a number of seconds."""
    values = (request.POST.get(name, "") for name in names)
    return next(
        (int(value) for value in values if value.isascii() and value.isdigit() and len(value) < 7), None
    )


def of_call(view: Callable[[HttpRequest, Call], HttpResponse]) -> Callable[..., HttpResponse]:
    """A door of one call; for a call that is not this practice's there is nothing to say."""

    @functools.wraps(view)
    def with_call(request: HttpRequest, call_id: uuid.UUID) -> HttpResponse:
        call = Call.objects.filter(pk=call_id).first()
        return xml(voice.nothing()) if call is None else view(request, call)

    return signed(with_call)


@signed
def received(request: HttpRequest) -> HttpResponse:
    """Somebody calls the practice: a greeting, and the line waits until it is answered."""
    sid, form = request.POST.get("CallSid", ""), request.POST
    if not sid or form.get("To", "") != str(current_practice().line_number):
        return xml(voice.nothing())
    call = call_came(supplier_id=sid, from_=form.get("From", ""), by=REPORTED)
    return xml(waiting(call, call_words.greeting(call)))


def waiting(call: Call, words: voice.Words) -> str:
    """The line waits, after a word; one whose call is over rings off."""
    if not call.is_present:
        return voice.goodbye()
    return voice.enqueue(
        words,
        queue=voice.conference_name(call.pk),
        wait_url=hook("wait", call.pk),
        then=hook("waited", call.pk),
    )


@of_call
def wait(request: HttpRequest, call: Call) -> HttpResponse:
    """What the waiting caller hears next; after the practice's time of ringing she may leave a message."""
    waited = (timezone.now() - call.started_at).total_seconds()
    if call.status in {Status.LIVE, Status.HELD}:
        return xml(voice.wait((), seconds=2))  # answered: the line is on its way to the conference
    if call.status != Status.RINGING or waited >= DeskRules.of_practice().ring_seconds:
        return xml(voice.leave_queue())
    before = Call.objects.ringing().filter(started_at__lt=call.started_at).count()
    left = int(DeskRules.of_practice().ring_seconds - waited)
    return xml(
        voice.wait(call_words.while_waiting(call, before + 1), seconds=max(min(WAIT_SECONDS, left), 1))
    )


@of_call
def waited(request: HttpRequest, call: Call) -> HttpResponse:
    """The wait is over: answered lines are already elsewhere, the others may leave a message."""
    result = request.POST.get("QueueResult", "")
    if result in {"hangup", "bridged", "redirected", "redirected-from-bridged"}:
        return xml(voice.nothing())
    if call.status in {Status.LIVE, Status.HELD}:
        return xml(into_conference(call))
    if call.status != Status.RINGING:
        return xml(voice.goodbye())
    return xml(
        voice.voicemail(
            call_words.said("voicemail", call),
            then=hook("recorded", call.pk),
            recorded=hook("recording", call.pk),
            # The supplier writes down English only.
            transcribed=hook("transcribed", call.pk) if call_words.languages(call)[0] == "en" else "",
            after=call_words.said("kept", call),
        )
    )


@of_call
def again(request: HttpRequest, call: Call) -> HttpResponse:
    """Whoever answered was not there after all: the caller waits on."""
    return xml(waiting(call, ()))


@of_call
def joins(request: HttpRequest, call: Call) -> HttpResponse:
    """The patient's line comes to where she meets whoever answers; of a dialled one it means: picked up."""
    sid = request.POST.get("CallSid", "")
    if call.direction == Call.Direction.OUT:
        call = call_events.line_known(call, sid)
        call = call_events.line_reported(call, "answered", None)
    if call.supplier_id != sid or call.status not in {Status.LIVE, Status.HELD}:
        return xml(waiting(call, ()) if call.direction == Call.Direction.IN else voice.goodbye())
    return xml(into_conference(call))


def into_conference(call: Call, *, staff: bool = False) -> str:
    recorded = hook("recording", call.pk) if DeskRules.of_practice().record_calls else ""
    room = voice.Room(
        voice.conference_name(call.pk), events=hook("conference", call.pk), starts=staff, recorded_to=recorded
    )
    # Whoever called us heard it in the greeting; whom we called, also by an automatic call, has not yet.
    unheard = call.direction == Call.Direction.OUT or call.message_id is not None
    words = call_words.said("recorded", call) if recorded and unheard and not staff else ()
    return voice.join(room, then=hook("left", call.pk), words=words)


@of_call
def left(request: HttpRequest, call: Call) -> HttpResponse:
    """A line left the conference: by ringing off, or because the conference is over."""
    if request.POST.get("CallSid") == call.supplier_id and request.POST.get("CallStatus") == "completed":
        report(request, call)
    return xml(voice.goodbye())


@signed
def leg(request: HttpRequest, command_id: uuid.UUID) -> HttpResponse:
    """A colleague picked up her desk phone."""
    call = call_events.leg_joined(command_id, request.POST.get("CallSid", "")[:64])
    return xml(voice.goodbye() if call is None else into_conference(call, staff=True))


@signed
def leg_status(request: HttpRequest, command_id: uuid.UUID) -> HttpResponse:
    """A desk phone rang off, or was not picked up."""
    call_events.leg_ended(
        command_id, request.POST.get("CallSid", "")[:64], request.POST.get("CallStatus", "")
    )
    return HttpResponse(status=204)


@signed
def status(request: HttpRequest) -> HttpResponse:
    """The state of a line that called us, by the number's own callback; it may be the first we hear."""
    form = request.POST
    ours = form.get("To", "") == str(current_practice().line_number)
    if form.get("CallSid") and ours and form.get("Direction", "inbound") == "inbound":
        call = call_came(supplier_id=form["CallSid"], from_=form.get("From", ""), by=REPORTED)
        report(request, call)
    return HttpResponse(status=204)


@of_call
def call_status(request: HttpRequest, call: Call) -> HttpResponse:
    """The state of a line that we called."""
    call = call_events.line_known(call, request.POST.get("CallSid", ""))
    if call.supplier_id == request.POST.get("CallSid"):
        report(request, call)
    return HttpResponse(status=204)


def report(request: HttpRequest, call: Call) -> None:
    seconds = seconds_of(request, "CallDuration", "Duration")
    call_events.line_reported(call, request.POST.get("CallStatus", "").lower(), seconds)


@of_call
def conference(request: HttpRequest, call: Call) -> HttpResponse:
    """What happens in the conference: a patient who rang off there has ended her line."""
    form = request.POST
    rang_off = form.get("ReasonParticipantLeft") == "participant_hung_up"
    if rang_off and form.get("CallSid") == call.supplier_id:
        call_events.line_reported(call, "completed", None)
    return HttpResponse(status=204)


@of_call
def recorded(request: HttpRequest, call: Call) -> HttpResponse:
    """The caller has spoken on the tape."""
    tape(request, call)
    return xml(voice.goodbye(call_words.said("kept", call)))


@of_call
def recording(request: HttpRequest, call: Call) -> HttpResponse:
    """A recording can be fetched."""
    if request.POST.get("RecordingStatus", "completed") == "completed":
        tape(request, call)
    return HttpResponse(status=204)


def tape(request: HttpRequest, call: Call) -> None:
    seconds = seconds_of(request, "RecordingDuration")
    recordings.announced(call, request.POST.get("RecordingSid", ""), seconds)


@of_call
def transcribed(request: HttpRequest, call: Call) -> HttpResponse:
    """What was understood of a voicemail."""
    form = request.POST
    if form.get("TranscriptionStatus", "completed") == "completed":
        recordings.transcribed(call, form.get("RecordingSid", ""), form.get("TranscriptionText", ""))
    return HttpResponse(status=204)


@of_call
def call_back(request: HttpRequest, call: Call) -> HttpResponse:
    """The caller hears when we call back, and rings off."""
    promise = Task.objects.filter(once_key=f"call-back:{call.pk}").order_by("-created_at").first()
    if promise is None:
        return xml(voice.goodbye(call_words.said("kept", call)))
    return xml(voice.goodbye(call_words.promised(call, promise.due_at)))
