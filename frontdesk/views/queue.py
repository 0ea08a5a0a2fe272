"""“Needs you”: the page, and the short form of it beside the board."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from frontdesk.queue import first_rows, later_rows
from practices.access import DeskRequest, requires
from practices.audit import record_read

IN_PANEL = 6
TEMPLATES = {"panel": "frontdesk/queue_panel.html", "rows": "frontdesk/queue_rows.html"}


@require_GET
@requires("queue.view")
def queue(request: DeskRequest) -> HttpResponse:
    """All rows with what each offers, and what is for later; `fragment=panel` gives the first."""
    part = request.GET.get("fragment", "")
    limit = IN_PANEL if part == "panel" else None
    viewer, complaints = request.user, request.admission.may("complaint.view")
    shown, waiting = first_rows(request.practice, viewer=viewer, limit=limit, complaints=complaints)
    request.waiting = waiting
    later = [] if part == "panel" else later_rows(request.practice, viewer=viewer, complaints=complaints)
    people = [row.patient_id for row in (*shown, *later) if row.patient_id]
    record_read(by=request.actor, patients=people, screen="queue")
    context = {"rows": shown, "waiting": waiting, "later": later}
    return render(request, TEMPLATES.get(part, "frontdesk/queue.html"), context)
