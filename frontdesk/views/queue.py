"""“Needs you”: the page, and the short form of it beside the board."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from frontdesk.queue import first_rows
from practices.access import DeskRequest, requires
from practices.audit import record_read

IN_PANEL = 6
TEMPLATES = {"panel": "frontdesk/queue_panel.html", "rows": "frontdesk/queue_rows.html"}


@require_GET
@requires("queue.view")
def queue(request: DeskRequest) -> HttpResponse:
    """All rows with what each offers; `fragment=panel` gives the first few for the board's side."""
    part = request.GET.get("fragment", "")
    limit = IN_PANEL if part == "panel" else None
    shown, waiting = first_rows(request.practice, viewer=request.user, limit=limit)
    request.waiting = waiting
    record_read(by=request.actor, patients=[r.patient_id for r in shown if r.patient_id], screen="queue")
    return render(request, TEMPLATES.get(part, "frontdesk/queue.html"), {"rows": shown, "waiting": waiting})
