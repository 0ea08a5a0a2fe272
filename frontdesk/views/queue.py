"""“Needs you”: the page, and the short form of it beside the board."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from frontdesk.queue import needs_you
from practices.access import DeskRequest, requires
from practices.audit import record_read
from practices.models import Membership

IN_PANEL = 6


@require_GET
@requires("queue.view")
def queue(request: DeskRequest) -> HttpResponse:
    """All rows with what each offers; `fragment=panel` gives the first few for the board's side."""
    rows = needs_you(request.practice, viewer=request.user)
    part = request.GET.get("fragment", "")
    if part == "panel":
        context = {"rows": rows[:IN_PANEL], "waiting": len(rows)}
        record_read(
            by=request.actor, patients=[r.patient_id for r in rows[:IN_PANEL] if r.patient_id], screen="queue"
        )
        return render(request, "frontdesk/queue_panel.html", context)
    record_read(by=request.actor, patients=[row.patient_id for row in rows if row.patient_id], screen="queue")
    colleagues = [
        m.user for m in Membership.objects.active().select_related("user").order_by("user__given_name")
    ]
    context = {"rows": rows, "waiting": len(rows), "colleagues": colleagues}
    return render(request, "frontdesk/queue_rows.html" if part == "rows" else "frontdesk/queue.html", context)
