"""What staff do with one message or one task: handled, undone, handed over, put off."""

import datetime as dt
import json
import uuid

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from messaging import inbox, opt_outs
from messaging.conversations import conversation_with
from messaging.forms import OutcomeForm, OwnerForm, SnoozeForm, tomorrow_morning
from messaging.handling import HasItsOwnPage, finish_task
from messaging.models import Message, Task
from messaging.staff_tasks import hand_over_task, snooze_task
from practices import audit
from practices.access import DeskRequest, requires


def back(request: DeskRequest, patient_id: uuid.UUID | None, words: str) -> HttpResponse:
    """After a change: the script hears what to refresh, a plain form goes back to where it was."""
    if request.htmx:
        heard = {"refresh": "messages inbox queue", "announce": words, "dialogClose": True}
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(heard)})
    wish = request.POST.get("next", "")
    if wish.startswith("/") and url_has_allowed_host_and_scheme(wish, allowed_hosts=None):
        return redirect(wish)
    if patient_id is None:
        return redirect("queue", practice=request.practice.slug)
    return redirect("patient-messages", practice=request.practice.slug, patient_id=patient_id)


@requires("message.send")
@require_GET
def answer(request: DeskRequest, message_id: uuid.UUID) -> HttpResponse:
    """Leads from a row of “Needs you” into the conversation it belongs to."""
    message = incoming(message_id)
    thread = conversation_with(
        patient=message.patient,
        address=str(message.address),
        address_index=message.address_index,
        channel=message.channel,
    )
    return redirect("thread", practice=request.practice.slug, conversation_id=thread.pk)


def incoming(message_id: uuid.UUID) -> Message:
    """A patient's text, or 404."""
    rows = Message.objects.select_related("patient", "contact_point").filter(direction=Message.Direction.IN)
    return get_object_or_404(rows, pk=message_id)


@requires("queue.change")
@require_POST
def handled(request: DeskRequest, message_id: uuid.UUID) -> HttpResponse:
    message = incoming(message_id)
    inbox.mark_handled(message=message, by=request.actor)
    return back(request, message.patient_id, "Marked as handled")


@requires("queue.change")
@require_POST
def undo_reading(request: DeskRequest, message_id: uuid.UUID) -> HttpResponse:
    message = incoming(message_id)
    inbox.undo_reading(message=message, by=request.actor)
    return back(request, message.patient_id, "Left to a person")


@requires("message.send")
@require_POST
def opt_out(request: DeskRequest, message_id: uuid.UUID) -> HttpResponse:
    message = incoming(message_id)
    stop = request.POST.get("decision") == "stop"
    inbox.decide_opt_out(message=message, stop_texts=stop, by=request.actor)
    return back(request, message.patient_id, "Texts are stopped" if stop else "Texts go on")


@requires("queue.change")
@require_POST
def task_done(request: DeskRequest, task_id: uuid.UUID) -> HttpResponse:
    task = get_object_or_404(Task.objects.all(), pk=task_id)
    form = OutcomeForm(request.POST)
    outcome = form.cleaned_data["outcome"] if form.is_valid() else "done"
    try:
        finish_task(task=task, outcome=outcome, by=request.actor)
        opt_outs.decided(task=task, outcome=outcome, by=request.actor)
    except HasItsOwnPage as refusal:
        return back(request, None, str(refusal))
    return back(request, None, "Done")


@requires("queue.change")
@require_http_methods(["GET", "POST"])
def task_owner(request: DeskRequest, task_id: uuid.UUID) -> HttpResponse:
    task = get_object_or_404(Task.objects.open().select_related("patient"), pk=task_id)
    audit.record_read(by=request.actor, patients=filter(None, [task.patient_id]), screen="task")
    with timezone.override(request.practice.zone):
        initial = {"owner": task.owner_id, "due_at": max(task.due_at, tomorrow_morning(request.practice))}
        form = OwnerForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            owner, due_at = form.cleaned_data["owner"], form.cleaned_data["due_at"]
            hand_over_task(task=task, owner=owner, due_at=due_at, by=request.actor)
            return back(request, None, f"Handed to {owner.short_name}")
        name = task.patient.shown_name(private=request.user.privacy_mode) if task.patient else ""
        queue = reverse("queue", args=[request.practice.slug])
        context = {"form": form, "task": task, "name": name, "next": queue}
        status = 422 if request.method == "POST" else 200
        return render(request, "messaging/hand_over.html", context, status=status)


@requires("queue.change")
@require_POST
def task_snooze(request: DeskRequest, task_id: uuid.UUID) -> HttpResponse:
    task = get_object_or_404(Task.objects.open(), pk=task_id)
    form = SnoozeForm(request.POST)
    minutes = form.cleaned_data["minutes"] if form.is_valid() else 60
    until = timezone.now() + dt.timedelta(minutes=minutes)
    snooze_task(task=task, until=until, by=request.actor)
    return back(request, None, f"Back in {minutes} minutes")
