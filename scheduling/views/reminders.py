"""What will be sent, who will not be reached, and the calls to make instead."""

import datetime as dt
import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from messaging.lines import words_of
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.booking import BookingRefused
from scheduling.call_list import OUTCOMES, call_list, record_call
from scheduling.forecast import ICONS, NOWHERE, SHOWN, WORDS, forecast
from scheduling.models import Appointment


@require_GET
@requires("message.view")
def reminders(request: DeskRequest) -> HttpResponse:
    """Seven days of reminders: a bar a day, one day's lines, and whom nothing reaches."""
    seen = forecast(request.practice, timezone.now(), private=request.user.privacy_mode)
    chosen = chosen_day(request.GET.get("day", ""), [day.date for day in seen.days if day.total])
    lines = seen.of(chosen, request.practice.zone) if chosen else []
    shown, unreached = lines[:SHOWN], seen.unreached[:SHOWN]
    record_read(
        by=request.actor, patients=[line.patient_id for line in (*shown, *unreached)], screen="reminders"
    )
    context: dict[str, Any] = {
        "forecast": seen,
        "chosen": chosen,
        "lines": shown,
        "more": len(lines) - len(shown),
    }
    legend = [(name, ICONS[name], words) for name, words in WORDS.items()]
    context |= {"unreached": unreached, "legend": legend, "nowhere": NOWHERE}
    return render(request, "scheduling/reminders.html", context)


def chosen_day(text: str, days: list[dt.date]) -> dt.date | None:
    """The day of the address if something goes out then, else the first one."""
    return next((day for day in days if day.isoformat() == text), days[0] if days else None)


@require_GET
@requires("message.view")
def calls_to_make(request: DeskRequest) -> HttpResponse:
    """The visits of two days whose message cannot arrive in time; `fragment=banner` says only why."""
    if request.GET.get("fragment") == "banner":
        return render(request, "scheduling/lines.html", {"line_words": words_of(request.practice)})
    rows = call_list(request.practice, timezone.now(), private=request.user.privacy_mode)
    record_read(by=request.actor, patients=[row.visit.patient_id for row in rows], screen="call-list")
    part = "scheduling/call_list_rows.html" if request.GET.get("fragment") else "scheduling/call_list.html"
    return render(request, part, {"rows": rows, "outcomes": OUTCOMES.items()})


@require_POST
@requires("appointment.change")
def called(request: DeskRequest, appointment_id: uuid.UUID) -> HttpResponse:
    """What came of one call; the list is drawn again without those who need none."""
    visit = get_object_or_404(Appointment.objects.with_people(), pk=appointment_id)
    outcome = request.POST.get("outcome", "")
    if outcome not in OUTCOMES:
        return HttpResponse("Say what came of the call.", status=422, content_type="text/plain")
    try:
        record_call(visit=visit, outcome=outcome, by=request.actor)
    except BookingRefused as refusal:
        return HttpResponse(str(refusal), status=409, content_type="text/plain")
    if not request.htmx:
        return redirect("call-list", request.practice.slug)
    rows = call_list(request.practice, timezone.now(), private=request.user.privacy_mode)
    record_read(by=request.actor, patients=[row.visit.patient_id for row in rows], screen="call-list")
    context = {"rows": rows, "outcomes": OUTCOMES.items()}
    return render(request, "scheduling/call_list_rows.html", context)
