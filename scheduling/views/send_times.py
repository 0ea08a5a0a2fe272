"""One press in the panel, a thread or a row of “Needs you”: the patient gets times to choose from."""

import json
import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from practices.access import DeskRequest, requires
from scheduling.refusals import BookingRefused
from scheduling.regions import columns_of
from scheduling.time_requests import send_times
from scheduling.views.booking import CONFLICT
from scheduling.views.visits import visit_or_404


@require_POST
@requires("message.send")
def send(request: DeskRequest, appointment_id: uuid.UUID) -> HttpResponse:
    """Sends the link; says why where nothing can be sent."""
    visit = visit_or_404(appointment_id)
    try:
        sent = send_times(appointment=visit, by=request.actor)
    except BookingRefused as refusal:
        if request.htmx:
            return HttpResponse(str(refusal), status=CONFLICT, content_type="text/plain; charset=utf-8")
        messages.error(request, str(refusal))
        return redirect("appointment", request.practice.slug, visit.pk)
    words = f"Times to choose are on their way: {len(sent.offers)} of them and what is open to patients."
    if not request.htmx:
        messages.success(request, words)
        return redirect("appointment", request.practice.slug, visit.pk)
    told = {"refresh": " ".join([*columns_of(visit), "queue", "messages", "changes"]), "announce": words}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(told)})
