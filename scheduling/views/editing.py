"""The edit dialog of a visit."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling import edit_page
from scheduling.booking import BookingRefused, OutsideHours, SlotTaken, StaleAppointment
from scheduling.drafts import as_version
from scheduling.edit_page import EditForm
from scheduling.editing import FieldRefused, edit_appointment, values_of
from scheduling.models import Appointment
from scheduling.refusals import NotOffered
from scheduling.views.booking import CONFLICT, UNFINISHED, done
from scheduling.views.visits import visit_or_404
from scheduling.words import short_when


@require_http_methods(["GET", "POST"])
@requires("appointment.change")
def edit(request: DeskRequest, appointment_id: uuid.UUID) -> HttpResponse:
    """What the visit is; where somebody else changed it meanwhile, both values are shown to pick from."""
    visit = visit_or_404(appointment_id)
    if request.user.privacy_mode:
        return draw(request, visit, EditForm(visit), [], visit.version, status=200)
    if request.method == "GET":
        return show(request, visit, EditForm(visit))
    form = EditForm(visit, edit_page.settled(request.POST))
    if not form.is_valid():
        return show(request, visit, form, status=UNFINISHED)
    if edit_page.unpicked(request.POST):
        return show_both(request, visit, form, asked=True, status=UNFINISHED)
    try:
        edited = edit_appointment(
            appointment=visit,
            version=as_version(request.POST.get("version")),
            values=form.values,
            seen=edit_page.seen_in(request.POST),
            by=request.actor,
        )
    except StaleAppointment:
        return show_both(request, visit_or_404(visit.pk), form, asked=False, status=CONFLICT)
    except BookingRefused as refusal:
        return refused(request, visit, form, refusal)
    return done(request, edited, "Saved.")


def refused(
    request: DeskRequest, visit: Appointment, form: EditForm, refusal: BookingRefused
) -> HttpResponse:
    """The dialog with everything typed, and why at the field it concerns."""
    field = None
    if isinstance(refusal, FieldRefused):
        field = refusal.field
    elif isinstance(refusal, SlotTaken | OutsideHours):
        field = "minutes"
        if isinstance(refusal, SlotTaken) and form.cleaned_data["room"] != str(visit.room_id or ""):
            field = "room"
    elif isinstance(refusal, NotOffered):
        field = "appointment_type"
    words = "The time after this visit is taken." if field == "minutes" else str(refusal)
    form.add_error(field, words if isinstance(refusal, SlotTaken) else str(refusal))
    return show(request, visit, form, status=CONFLICT if isinstance(refusal, SlotTaken) else UNFINISHED)


def show(request: DeskRequest, visit: Appointment, form: EditForm, *, status: int = 200) -> HttpResponse:
    """The form; what was seen when it was opened goes along, also through errors."""
    seen = edit_page.seen_in(request.POST) if request.method == "POST" else values_of(visit)
    version = request.POST.get("version", visit.version)
    return draw(request, visit, form, edit_page.hidden_of(seen), version, status=status)


def show_both(
    request: DeskRequest, visit: Appointment, form: EditForm, *, asked: bool, status: int
) -> HttpResponse:
    """Both values of each field that differs; saving again is measured against what is shown here."""
    mine, seen = form.values, edit_page.seen_in(request.POST)
    both = edit_page.differences(form, mine, seen, visit, asked=asked)
    typed = [(name, one) for name, value in mine.items() for one in as_list(value)]
    hidden = edit_page.hidden_of(values_of(visit))
    more = {"both": both, "names": ",".join(one.name for one in both), "typed": typed}
    return draw(request, visit, form, hidden, visit.version, status=status, **more)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def draw(
    request: DeskRequest,
    visit: Appointment,
    form: EditForm,
    hidden: list[tuple[str, str]],
    version: Any,
    *,
    status: int,
    **more: Any,
) -> HttpResponse:
    record_read(by=request.actor, patients=[visit.patient_id], screen="edit")
    context = {
        "visit": visit,
        "form": form,
        "hidden": hidden,
        "version": version,
        "private": request.user.privacy_mode,
        "name": visit.patient.shown_name(private=request.user.privacy_mode),
        "when": short_when(visit.starts_at, request.practice),
    } | more
    template = "scheduling/edit_dialog.html" if request.htmx else "scheduling/edit.html"
    return render(request, template, context, status=status)
