"""The bar of what was just done: taking it back, sending its text now, and the earlier changes."""

import json
import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from messaging.outbox import send_now
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.booking import BookingRefused
from scheduling.change_bar import change_rows
from scheduling.models import Change
from scheduling.regions import columns_of
from scheduling.undo import undo_change


def bar(request: DeskRequest, *, status: int = 200, problem: str = "") -> HttpResponse:
    """The bar as a part of a page; empty when nothing can be taken back."""
    rows = change_rows(request.practice, request.user)
    record_read(
        by=request.actor, patients=[row.change.appointment.patient_id for row in rows], screen="changes"
    )
    context = {"rows": rows, "problem": problem}
    return render(request, "scheduling/change_bar.html", context, status=status)


@require_GET
@requires("appointment.view")
def changes(request: DeskRequest) -> HttpResponse:
    """What this person did last and can still take back; the page asks again when something changed."""
    return bar(request)


@require_GET
@requires("appointment.view")
def earlier(request: DeskRequest) -> HttpResponse:
    """All changes that can still be taken back, as a dialog."""
    rows = change_rows(request.practice, request.user)
    record_read(
        by=request.actor, patients=[row.change.appointment.patient_id for row in rows], screen="changes"
    )
    return render(request, "scheduling/changes.html", {"rows": rows})


@require_POST
@requires("appointment.change")
def undo(request: DeskRequest, change_id: uuid.UUID) -> HttpResponse:
    """Takes one change back, within the window and as long as nothing followed it."""
    change = find_change(change_id)
    try:
        visit = undo_change(change=change, by=request.actor)
    except BookingRefused as refusal:
        return answered(request, bar(request, status=409, problem=str(refusal)), str(refusal))
    stood = columns_of(*filter(None, (visit, change.appointment, change.previous)))
    return answered(request, bar(request), "Taken back.", *stood, day=visit.local_date.isoformat())


@require_POST
@requires("message.send")
def send(request: DeskRequest, change_id: uuid.UUID) -> HttpResponse:
    """Lets the text about a change leave now; after that a change back costs another text."""
    find_change(change_id)
    for row in change_rows(request.practice, request.user):
        if row.change.pk == change_id and row.waiting is not None:
            send_now(message=row.waiting, by=request.actor)
            return answered(request, bar(request), "The text is on its way.")
    return answered(request, bar(request, status=409, problem="That text has left already."), "")


def find_change(change_id: uuid.UUID) -> Change:
    change = (
        Change.objects.select_related("appointment", "previous__practitioner").filter(pk=change_id).first()
    )
    if change is None:
        raise Http404
    return change


def answered(
    request: DeskRequest, response: HttpResponse, words: str, *stood: str, day: str = ""
) -> HttpResponse:
    """The bar for htmx, with news for the columns that changed or the whole board; else the board's page."""
    if not request.htmx:
        where = reverse("today", args=[request.practice.slug])
        return redirect(f"{where}?d={day}" if day else where)
    refresh = " ".join([*(stood or ["appointments"]), "queue"])
    response["HX-Trigger"] = json.dumps({"refresh": refresh, "announce": words})
    return response
