"""The panel of one visit, and the steps it offers: next status, confirm, move, cancel, note."""

import json
import uuid
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from patients.models import Patient
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.batches import cancel_visits
from scheduling.belonging import choices_for, come_along, fellows_of
from scheduling.booking import (
    BookingRefused,
    StaleAppointment,
    cancel_appointment,
    confirm_appointment,
)
from scheduling.drafts import as_version
from scheduling.flow import set_stage
from scheduling.forms import CancelForm
from scheduling.models import Appointment, CancellationReason
from scheduling.noting import NoteChanged, save_note
from scheduling.panel import find_visit, panel_of, visits_with_all
from scheduling.regions import columns_of
from scheduling.views.booking import CONFLICT, UNFINISHED, done
from scheduling.words import short_when, stage_symbol, stage_words

LONGEST_NOTE = 2000
REASONS_FIRST = ("pat", "pat-crs", "pat-fb", "pat-lt", "prov-pers", "prov", "oth-int", "oth-err", "other")


def visit_or_404(appointment_id: uuid.UUID) -> Appointment:
    visit = find_visit(str(appointment_id))
    if visit is None:
        raise Http404
    return visit


def show_panel(request: DeskRequest, visit: Appointment, *, status: int = 200, **more: Any) -> HttpResponse:
    """The panel as a part for htmx, else as a page of its own."""
    panel = panel_of(visit, request.practice, private=request.user.privacy_mode)
    for name, value in more.items():
        setattr(panel, name, value)
    shown: list[uuid.UUID] = [visit.patient_id, *panel.belongs.patients]
    record_read(by=request.actor, patients=shown, screen="visit")
    template = "scheduling/panel.html" if request.htmx else "scheduling/appointment.html"
    return render(request, template, {"panel": panel, "visit": visit}, status=status)


@require_GET
@requires("appointment.view")
def appointment(request: DeskRequest, appointment_id: uuid.UUID) -> HttpResponse:
    """One visit."""
    return show_panel(request, visit_or_404(appointment_id))


def stepped(request: DeskRequest, visit: Appointment, words: str) -> HttpResponse:
    """The panel after a step, with news for the board; without scripts the visit's page."""
    if not request.htmx:
        return redirect(reverse("appointment", args=[request.practice.slug, visit.pk]))
    response = show_panel(request, visit_or_404(visit.pk))
    changed = " ".join([*columns_of(visit), "queue", "changes"])
    response["HX-Trigger"] = json.dumps({"refresh": changed, "announce": words})
    return response


def not_done(request: DeskRequest, visit: Appointment, refusal: ValueError, wanted: str) -> HttpResponse:
    """The panel as the visit is now, what was wanted beside it, and the note as it was typed."""
    now = visit_or_404(visit.pk)
    problem = str(refusal)
    if isinstance(refusal, StaleAppointment):
        when = short_when(now.starts_at, request.practice)
        problem = f"Somebody changed this visit meanwhile. It is now: {stage_words(now)}, {when}. {wanted}"
    return show_panel(request, now, status=CONFLICT, problem=problem)


@require_POST
@requires("appointment.flow")
def stage(request: DeskRequest, appointment_id: uuid.UUID) -> HttpResponse:
    """Arrived, in visit, done, no-show, or one step back."""
    visit, wanted = visit_or_404(appointment_id), request.POST.get("stage", "")
    version = as_version(request.POST.get("version"))
    try:
        visit = set_stage(appointment=visit, stage=wanted, version=version, by=request.actor)
    except BookingRefused as refusal:
        return not_done(request, visit, refusal, f"You wanted: {wanted.replace('-', ' ')}.")
    return stepped(request, visit, stage_words(visit))


@require_POST
@requires("appointment.change")
def confirm(request: DeskRequest, appointment_id: uuid.UUID) -> HttpResponse:
    """The patient said so on the phone."""
    visit = visit_or_404(appointment_id)
    version = as_version(request.POST.get("version"))
    try:
        visit = confirm_appointment(appointment=visit, how="phone", version=version, by=request.actor)
    except BookingRefused as refusal:
        return not_done(request, visit, refusal, "You wanted: confirmed.")
    return stepped(request, visit, "Confirmed")


@require_POST
@requires("appointment.change")
def note(request: DeskRequest, appointment_id: uuid.UUID) -> HttpResponse:
    """Keeps the note; where two people wrote, both texts are shown."""
    visit, typed = visit_or_404(appointment_id), request.POST.get("note", "").strip().replace("\r\n", "\n")
    if len(typed) > LONGEST_NOTE:
        over = len(typed) - LONGEST_NOTE
        problem = f"The note is {over} letter{'s' * (over > 1)} too long. Shorten it and save again."
        return show_panel(request, visit, status=UNFINISHED, problem=problem, note=typed)
    try:
        visit = save_note(
            appointment=visit, before=request.POST.get("before", ""), note=typed, by=request.actor
        )
    except NoteChanged as refusal:
        now = visit_or_404(visit.pk)
        return show_panel(request, now, status=CONFLICT, problem=str(refusal), note=typed, theirs=now.note)
    return stepped(request, visit, "Note saved")


@require_http_methods(["GET", "POST"])
@requires("appointment.change")
def cancel(request: DeskRequest, appointment_id: uuid.UUID) -> HttpResponse:
    """Asks why and cancels: two steps, and a bar to take it back."""
    visit = visit_or_404(appointment_id)
    if request.method == "GET":
        return show_cancel(request, visit)
    form = CancelForm(request.POST)
    if not form.is_valid():
        return show_cancel(request, visit, status=UNFINISHED, problem="Choose why the visit is cancelled.")
    try:
        gone = cancel_as_asked(request, visit, form.cleaned_data)
    except BookingRefused as refusal:
        return show_cancel(request, visit_or_404(visit.pk), status=CONFLICT, problem=str(refusal))
    words = "Cancelled." if len(gone) == 1 else f"{len(gone)} visits cancelled."
    return done(request, gone[0], words, *gone[1:])


def cancel_as_asked(request: DeskRequest, visit: Appointment, said: dict[str, Any]) -> list[Appointment]:
    """This visit, or with it those of its series or its links that were chosen in the same dialog."""
    told = {"reason": said["reason"], "tell_patient": said["tell_patient"], "by": request.actor}
    others = come_along(visit, request.POST)
    if not others and request.POST.get("scope", "one") == "one":
        return [cancel_appointment(appointment=visit, version=said["version"], **told)]
    return cancel_visits(visits=[(visit, said["version"]), *others], **told)


def show_cancel(
    request: DeskRequest, visit: Appointment, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    labels = dict(CancellationReason.choices)
    rest = [(code, label) for code, label in CancellationReason.choices if code not in REASONS_FIRST]
    context = {
        "visit": visit,
        "name": visit.patient.shown_name(private=request.user.privacy_mode),
        "when": short_when(visit.starts_at, request.practice),
        "first": [(code, labels[code]) for code in REASONS_FIRST],
        "rest": rest,
        "problem": problem,
        "tell": request.method == "GET" or "tell_patient" in request.POST,
        "scopes": choices_for(visit, request.POST),
        "fellows": fellows_of(visit),
    }
    record_read(by=request.actor, patients=[visit.patient_id], screen="cancel")
    template = "scheduling/cancel_dialog.html" if request.htmx else "scheduling/cancel.html"
    return render(request, template, context, status=status)


@require_GET
@requires("appointment.view")
def patient_visits(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The next and past visits on a patient's record."""
    patient = Patient.objects.filter(pk=patient_id).first()
    if patient is None:
        raise Http404
    visits = list(visits_with_all().filter(patient=patient).order_by("-starts_at")[:60])
    record_read(by=request.actor, patients=[patient.pk], screen="visits")
    now = request.practice.now()
    rows = [
        (one, short_when(one.starts_at, request.practice), stage_words(one), stage_symbol(one))
        for one in visits
    ]
    context = {
        "patient": patient,
        "coming": [row for row in reversed(rows) if row[0].ends_at >= now and row[0].is_active],
        "past": [row for row in rows if row[0].ends_at < now or not row[0].is_active],
    }
    return render(request, "scheduling/patient_visits.html", context)
