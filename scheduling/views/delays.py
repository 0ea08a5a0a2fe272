"""A clinician is late: the dialog of her column, and the one tap of her own day."""

import json
import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.delays import Told, caught_up, say_late, tell_late, undo_late
from scheduling.drafts import as_uuid
from scheduling.late_page import may_change, page_of
from scheduling.models import Practitioner
from scheduling.refusals import BookingRefused, ChangedSince
from scheduling.views.booking import CONFLICT, UNFINISHED

REGIONS = "appointments queue changes"


def clinician_or_404(request: DeskRequest, practitioner_id: uuid.UUID) -> Practitioner:
    found: Practitioner = get_object_or_404(Practitioner.objects.in_use(), pk=practitioner_id)
    if request.method == "POST" and not may_change(request.admission, found):
        raise PermissionDenied
    return found


def show(request: DeskRequest, practitioner: Practitioner, *, status: int = 200, **more: Any) -> HttpResponse:
    """The dialog, or its page; what was typed and ticked stays."""
    chosen = more.pop("chosen", None)
    context = page_of(practitioner, request.practice, private=request.user.privacy_mode, chosen=chosen)
    shown = [row.visit.patient_id for row in context["rows"]]
    record_read(by=request.actor, patients=shown, screen="delay")
    context["may_change"] = may_change(request.admission, practitioner)
    template = "scheduling/delay_dialog.html" if request.htmx else "scheduling/delay.html"
    return render(request, template, context | more, status=status)


def number(text: str | None) -> int:
    """The typed minutes; -1 for what is no number, which the verb refuses in words."""
    typed = (text or "").strip()
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 4 else -1


def as_seen(request: DeskRequest) -> int | None:
    """The version that the page showed; None where it sent none."""
    seen = number(request.POST.get("version"))
    return seen if seen >= 0 else None


def from_day(request: DeskRequest) -> bool:
    return request.POST.get("next") == "day"


def answered(request: DeskRequest, practitioner: Practitioner, words: str) -> HttpResponse:
    """Done: quietly to a script, else back to the page that asked."""
    if request.htmx:
        response = HttpResponse(status=204)
        events = {"dialogClose": {}, "refresh": {"value": REGIONS}, "announce": {"value": words}}
        response["HX-Trigger"] = json.dumps(events)
        return response
    messages.success(request, words)
    return back(request, practitioner)


def back(request: DeskRequest, practitioner: Practitioner) -> HttpResponse:
    if not from_day(request):
        return redirect("today", request.practice.slug)
    own = practitioner.user_id == request.user.pk
    return redirect(reverse("day", args=[request.practice.slug]) + ("" if own else f"?who={practitioner.pk}"))


def refused(
    request: DeskRequest, practitioner: Practitioner, refusal: BookingRefused, **typed: Any
) -> HttpResponse:
    """The words of the refusal: in the dialog with what was typed, or on the day they concern."""
    if from_day(request):
        messages.error(request, str(refusal))
        if not request.htmx:
            return back(request, practitioner)
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"
        return response
    status = CONFLICT if isinstance(refusal, ChangedSince) else UNFINISHED
    return show(request, practitioner, status=status, problem=str(refusal), **typed)


@requires("delay.view")
@require_GET
def delay(request: DeskRequest, practitioner_id: uuid.UUID) -> HttpResponse:
    """How late a clinician is, and who would be told."""
    return show(request, clinician_or_404(request, practitioner_id))


@requires("delay.change")
@require_POST
def set_delay(request: DeskRequest, practitioner_id: uuid.UUID) -> HttpResponse:
    """So many minutes behind, or so many more; nobody is told yet."""
    practitioner = clinician_or_404(request, practitioner_id)
    more, typed = request.POST.get("more", ""), request.POST.get("minutes", "")
    asked: dict[str, Any] = {"more": max(number(more), 0)} if more else {"minutes": number(typed)}
    try:
        row = say_late(practitioner=practitioner, version=as_seen(request), by=request.actor, **asked)
    except BookingRefused as refusal:
        return refused(request, practitioner, refusal, typed=typed)
    words = f"{practitioner.short_name} is {row.minutes} min behind."
    if from_day(request):
        return answered(request, practitioner, words)
    if not request.htmx:
        return redirect("delay", request.practice.slug, practitioner.pk)
    response = show(request, practitioner)
    events = {"refresh": {"value": REGIONS}, "announce": {"value": words}}
    response["HX-Trigger"] = json.dumps(events)
    return response


@requires("delay.change")
@require_POST
def tell(request: DeskRequest, practitioner_id: uuid.UUID) -> HttpResponse:
    """Sends what the preview showed, to those who are ticked."""
    practitioner = clinician_or_404(request, practitioner_id)
    chosen = {key for key in map(as_uuid, request.POST.getlist("visit")) if key}
    version = as_seen(request) or 0
    if not chosen:
        return show(request, practitioner, status=UNFINISHED, problem="Tick somebody to tell.", chosen=chosen)
    try:
        told = tell_late(practitioner=practitioner, version=version, visits=chosen, by=request.actor)
    except BookingRefused as refusal:
        return refused(request, practitioner, refusal, chosen=chosen)
    return answered(request, practitioner, sentence(told) or "They were told already.")


@requires("delay.change")
@require_POST
def on_time(request: DeskRequest, practitioner_id: uuid.UUID) -> HttpResponse:
    """Caught up."""
    practitioner = clinician_or_404(request, practitioner_id)
    try:
        told = caught_up(practitioner=practitioner, version=as_seen(request), by=request.actor)
    except BookingRefused as refusal:
        return refused(request, practitioner, refusal)
    words = f"{practitioner.short_name} is on time again. {sentence(told)}".strip()
    return answered(request, practitioner, words)


@requires("delay.change")
@require_POST
def undo(request: DeskRequest, practitioner_id: uuid.UUID) -> HttpResponse:
    """Takes the last step back, while its window is open."""
    practitioner = clinician_or_404(request, practitioner_id)
    try:
        undo_late(practitioner=practitioner, by=request.actor)
    except BookingRefused as refusal:
        return refused(request, practitioner, refusal)
    return answered(request, practitioner, "Taken back.")


def sentence(told: Told) -> str:
    """4 told, 1 to call."""
    return f"{told.words}." if told.words else ""
