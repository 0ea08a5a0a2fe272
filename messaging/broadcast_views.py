"""Messages to many: written and looked through, then sent, watched and stopped."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from messaging import broadcast_page, broadcasts
from messaging.broadcast_forms import BroadcastForm
from messaging.broadcasts import BroadcastRefused
from messaging.models import Broadcast
from practices import audit
from practices.access import DeskRequest, requires

LATEST = 20


@require_http_methods(["GET", "HEAD", "POST"])
@requires("broadcast.send")
def new(request: DeskRequest) -> HttpResponse:
    """Step one: whom and what. Nothing is sent from here."""
    known = broadcasts.audiences()
    form = BroadcastForm(request.POST or None, audiences=known, initial={"audience": next(iter(known))})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            row = broadcasts.draft(
                audience=data["audience"], args=form.args(), body_en=data["body_en"],
                body_es=data["body_es"], by=request.actor,
            )  # fmt: skip
            return redirect("broadcast", request.practice.slug, row.pk)
        except BroadcastRefused as refused:
            form.add_error(refused.field, str(refused))
    latest = Broadcast.objects.select_related("created_by").order_by("-created_at")[:LATEST]
    labels = {key: audience.label for key, audience in known.items()}
    context = {"form": form, "latest": [(row, labels.get(row.audience, "")) for row in latest]}
    context["variables"] = [f"${name}" for name in broadcasts.VARIABLES]
    return render(request, "messaging/broadcasts.html", context, status=422 if form.errors else 200)


def the_broadcast(broadcast_id: uuid.UUID) -> Broadcast:
    rows = Broadcast.objects.select_related("practice", "created_by")
    return get_object_or_404(rows, pk=broadcast_id)


def shown(request: DeskRequest, row: Broadcast, status: int = 200, **more: Any) -> HttpResponse:
    recipients = broadcast_page.rows_of(row)
    lines = broadcast_page.lines(row, recipients, request.user)
    audit.record_read(by=request.actor, patients=[line.patient_id for line in lines], screen="broadcast")
    context = {
        "broadcast": row,
        "label": broadcasts.label_of(row),
        "lines": lines,
        "calls": [(line, broadcast_page.number(line)) for line in lines if line.call],
        "tally": broadcasts.tally(recipients),
        **more,
    }
    part = "broadcast_body" if request.GET.get("fragment") == "body" else "broadcast"
    return render(request, f"messaging/{part}.html", context, status=status)


@require_GET
@requires("broadcast.send")
def one(request: DeskRequest, broadcast_id: uuid.UUID) -> HttpResponse:
    """Step two: each recipient, how many, what it costs; later what came of it."""
    return shown(request, the_broadcast(broadcast_id))


@require_POST
@requires("broadcast.send")
def send(request: DeskRequest, broadcast_id: uuid.UUID) -> HttpResponse:
    row = the_broadcast(broadcast_id)
    try:
        broadcasts.start(broadcast=row, by=request.actor)
    except BroadcastRefused as refused:
        return shown(request, row, 422, problem=str(refused))
    return redirect("broadcast", request.practice.slug, row.pk)


@require_POST
@requires("broadcast.send")
def stop(request: DeskRequest, broadcast_id: uuid.UUID) -> HttpResponse:
    row = the_broadcast(broadcast_id)
    broadcasts.stop(broadcast=row, by=request.actor)
    return redirect("broadcast", request.practice.slug, row.pk)
