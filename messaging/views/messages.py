"""The conversation with a patient, and what staff do about it."""

import datetime as dt
import json
import uuid
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from messaging import inbox
from messaging.forms import OutcomeForm, OwnerForm, SnoozeForm, TextForm, tomorrow_morning
from messaging.models import Message, Task
from messaging.outbox import queue_message
from messaging.staff_tasks import close_task, hand_over_task, snooze_task
from messaging.templates import segments
from messaging.thread import NOT_ALLOWED, may_text, thread_of
from patients.contacts import show_phone
from patients.models import Channel, Patient
from patients.records import head
from practices import audit
from practices.access import DeskRequest, requires


def page_of(request: DeskRequest, patient: Patient, **more: Any) -> dict[str, Any]:
    """What the thread template shows."""
    point, why_not = may_text(patient)
    lines = thread_of(patient, request.practice)
    audit.record_read(by=request.actor, patients=[patient.pk], screen="messages")
    return {
        "patient": patient,
        "name": patient.shown_name(private=request.user.privacy_mode),
        "lines": lines,
        "paused": any(line.can_handle and inbox.is_paused(line.message) for line in lines),
        "waiting": next((line.message for line in reversed(lines) if line.can_handle), None),
        "may_text": not why_not,
        "why_not": why_not,
        "number": show_phone(str(point.value)) if point else "",
        "form": TextForm(),
        "quiet": request.practice.is_quiet(timezone.now()),
        "quiet_until": request.practice.quiet_until,
        **more,
    }


def show(request: DeskRequest, patient: Patient, status: int = 200, **more: Any) -> HttpResponse:
    """The whole page, or for a script only the conversation."""
    name = "messaging/thread.html#conversation" if request.htmx else "messaging/thread.html"
    context = page_of(request, patient, **more)
    if not request.htmx:
        context = head(patient, request.admission, "messages") | context
    return render(request, name, context, status=status)


def back(request: DeskRequest, patient_id: uuid.UUID | None, words: str) -> HttpResponse:
    """After a change: the script hears what to refresh, a plain form goes back to where it was."""
    if request.htmx:
        heard = {"refresh": "messages queue", "announce": words, "dialogClose": True}
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(heard)})
    wish = request.POST.get("next", "")
    if wish.startswith("/") and url_has_allowed_host_and_scheme(wish, allowed_hosts=None):
        return redirect(wish)
    if patient_id is None:
        return redirect("queue", practice=request.practice.slug)
    return redirect("patient-messages", practice=request.practice.slug, patient_id=patient_id)


def refused(request: DeskRequest, message: Message) -> TextForm:
    """The form again with what was typed, why it did not go, and the right to try once more."""
    again = request.POST.copy()
    again["once"] = str(uuid.uuid4())
    form = TextForm(again)
    form.add_error("body", NOT_ALLOWED.get(message.reason, "This text cannot be sent."))
    return form


def written(request: DeskRequest, patient: Patient, send: Callable[[TextForm], Message]) -> HttpResponse:
    """Sends what was typed, or shows the thread again with the draft and what is wrong."""
    form = TextForm(request.POST)
    if not form.is_valid():
        body = request.POST.get("body", "")
        return show(request, patient, 422, form=form, segments=segments(body))
    message = send(form)
    if message.reason:
        form = refused(request, message)
        return show(request, patient, 422, form=form)
    return back(request, patient.pk, "Text on its way")


@requires("message.view")
@require_GET
def patient_messages(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    return show(request, get_object_or_404(Patient.objects.all(), pk=patient_id))


@requires("message.send")
@require_POST
def text_patient(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    patient = get_object_or_404(Patient.objects.all(), pk=patient_id)
    point, why_not = may_text(patient)
    if why_not:
        form = TextForm(request.POST)
        form.add_error("body", why_not)
        return show(request, patient, 422, form=form)

    def send(form: TextForm) -> Message:
        return queue_message(
            patient=patient,
            channel=Channel.SMS,
            kind=Message.Kind.NOTE,
            body=form.cleaned_data["body"],
            language=patient.language,
            contact_point=point,
            send_after=timezone.now(),
            idempotency_key=form.key("note"),
            by=request.actor,
        )

    return written(request, patient, send)


@requires("message.send")
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: DeskRequest, message_id: uuid.UUID) -> HttpResponse:
    message = incoming(message_id)
    if message.patient is None:
        return answer_unknown(request, message)
    if request.method != "POST":
        return redirect("patient-messages", practice=request.practice.slug, patient_id=message.patient_id)
    return written(
        request,
        message.patient,
        lambda form: inbox.answer_message(
            message=message, body=form.cleaned_data["body"], key=form.key("answer"), by=request.actor
        ),
    )


def answer_unknown(request: DeskRequest, message: Message) -> HttpResponse:
    """An answer to a number that is nobody's, or several patients'."""
    form = TextForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        sent = inbox.answer_message(
            message=message, body=form.cleaned_data["body"], key=form.key("answer"), by=request.actor
        )
        if not sent.reason:
            return back(request, None, "Text on its way")
        form = refused(request, sent)
    people = inbox.candidates(message)
    audit.record_read(by=request.actor, patients=[person.pk for person in people], screen="message")
    private = request.user.privacy_mode
    context = {
        "form": form,
        "message_row": message,
        "number": show_phone(str(message.address)),
        "people": [(person.pk, person.shown_name(private=private)) for person in people],
    }
    return render(request, "messaging/answer.html", context, status=422 if form.errors else 200)


@requires("message.send")
@require_POST
def give(request: DeskRequest, message_id: uuid.UUID) -> HttpResponse:
    """Says whose a text from a shared number is, and goes on to the conversation."""
    message = incoming(message_id)
    patient = get_object_or_404(Patient.objects.all(), pk=form_uuid(request.POST.get("patient", "")))
    try:
        inbox.give_to_patient(message=message, patient=patient, by=request.actor)
    except ValueError as refusal:
        return HttpResponse(str(refusal), status=422, content_type="text/plain")
    return redirect("patient-messages", practice=request.practice.slug, patient_id=patient.pk)


def form_uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Http404 from None


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
    if task.kind == Task.Kind.ANSWER and task.message is not None:
        inbox.mark_handled(message=task.message, outcome=outcome, by=request.actor)
    close_task(task=task, outcome=outcome, by=request.actor)
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
