"""The bar in a conversation that offers times for what a text asked; a click moves the visit."""

import datetime as dt
import json
import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from messaging.conversations import waiting_messages
from messaging.models import Conversation, Message, Task
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.booking import BookingRefused, SlotTaken
from scheduling.drafts import as_instant, as_version
from scheduling.models import Appointment
from scheduling.panel import find_visit
from scheduling.suggestions import Slot, Suggestion, next_times, slots_of, speaks_of_time, suggest, take
from scheduling.views.booking import CONFLICT, done
from scheduling.words import short_when

LATEST = 10  # messages of a conversation that are looked at


@require_GET
@requires("appointment.view")
def thread_suggestion(request: DeskRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """What may be done about the newest message of a conversation that is not settled; empty when nothing."""
    thread = Conversation.objects.filter(pk=conversation_id).first()
    if thread is None:
        raise Http404
    for message in unsettled(thread):
        if speaks_of_time(message) and (found := suggest(message)) is not None:
            return show(request, found)
    return HttpResponse() if request.htmx else redirect("thread", request.practice.slug, thread.pk)


def unsettled(thread: Conversation) -> list[Message]:
    """What was written in a conversation and waits: for an answer, or as an open wish about a visit."""
    kinds = [Task.Kind.NEW_TIME, Task.Kind.CANCEL]
    wishes = Task.objects.open().filter(kind__in=kinds, message__isnull=False)
    whose = (
        {"patient_id": thread.patient_id} if thread.patient_id else {"address_index": thread.address_index}
    )
    wished = Message.objects.filter(pk__in=wishes.values("message"), **whose)
    rows = (waiting_messages(thread) | wished).select_related("patient").order_by("-created_at")
    return list(rows[:LATEST])


@require_GET
@requires("appointment.view")
def message_suggestion(request: DeskRequest, message_id: uuid.UUID) -> HttpResponse:
    """The same for one message: where a row of “Needs you” leads to."""
    found = suggest(message_or_404(message_id))
    if found is None:
        return redirect(reverse("today", args=[request.practice.slug]))
    return show(request, found)


@require_POST
@requires("appointment.change")
def take_suggestion(request: DeskRequest, message_id: uuid.UUID) -> HttpResponse:
    """Moves the visit to the chosen time; one that was taken meanwhile is answered with the next two."""
    message = message_or_404(message_id)
    visit = find_visit(str(request.POST.get("visit", "")))
    starts_at = as_instant(str(request.POST.get("start", "")), request.practice)
    if visit is None or starts_at is None:
        raise Http404
    version = as_version(request.POST.get("version"))
    try:
        moved = take(message=message, visit=visit, version=version, starts_at=starts_at, by=request.actor)
    except SlotTaken as taken:
        others = next_times(visit, starts_at + dt.timedelta(seconds=1))
        return again(request, message, str(taken), slots_of(others, request.practice))
    except BookingRefused as refusal:
        return again(request, message, str(refusal), [])
    response = done(request, moved, f"Moved to {short_when(moved.starts_at, request.practice)}.", visit)
    if request.htmx:
        told = json.loads(response["HX-Trigger"])
        told["refresh"] += " messages inbox"
        response["HX-Trigger"] = json.dumps(told)
    return response


def again(request: DeskRequest, message: Message, problem: str, slots: list[Slot]) -> HttpResponse:
    """The bar as it is now, with why nothing was done."""
    found = suggest(message)
    if found is None:
        return HttpResponse(problem, status=CONFLICT, content_type="text/plain; charset=utf-8")
    found.slots = slots or found.slots
    return show(request, found, problem=problem, status=CONFLICT)


def show(request: DeskRequest, found: Suggestion, *, problem: str = "", status: int = 200) -> HttpResponse:
    visit: Appointment = found.visit
    record_read(by=request.actor, patients=[visit.patient_id], screen="suggestion")
    name = visit.patient.shown_name(private=request.user.privacy_mode)
    context = {"found": found, "name": name, "problem": problem, "quote": found.message.body}
    template = "scheduling/suggestion.html" if request.htmx else "scheduling/suggestion_page.html"
    return render(request, template, context, status=status)


def message_or_404(message_id: uuid.UUID) -> Message:
    message = Message.objects.select_related("patient").filter(pk=message_id).first()
    if message is None or message.direction != Message.Direction.IN:
        raise Http404
    return message
