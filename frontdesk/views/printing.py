"""Pages for the printer."""

import uuid

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from frontdesk.board_bar import asked, words_of
from frontdesk.printing import day_sheets, slip_of
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.models import Appointment, Practitioner


@require_GET
@requires("board.view")
def day_sheet(request: DeskRequest) -> HttpResponse:
    """The day on paper, a page a clinician; notes only where `notes` asks for them."""
    shown = asked(request, "today")
    notes = request.GET.get("notes") == "1"
    private = request.user.privacy_mode
    sheets, patients = day_sheets(request.practice, shown, private=private, notes=notes)
    record_read(by=request.actor, patients=patients, screen="day sheet")
    context = {
        "sheets": sheets,
        "shown": shown,
        "notes": notes,
        "people": Practitioner.objects.in_use(),
        "day_words": words_of(shown.day, request.practice.today()),
        "printed_at": request.practice.now(),
    }
    return render(request, "frontdesk/day_sheet.html", context)


@require_GET
@requires("appointment.view")
def route_slip(request: DeskRequest, appointment_id: uuid.UUID) -> HttpResponse:
    """A visit's slip, for the patient's hand."""
    visit = get_object_or_404(Appointment.objects.with_people(), pk=appointment_id)
    record_read(by=request.actor, patients=[visit.patient_id], screen="slip")
    context = slip_of(visit, request.practice, private=request.user.privacy_mode)
    return render(request, "frontdesk/route_slip.html", context)
