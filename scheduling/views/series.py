"""A visit that repeats: every date with what is in its way, moved or left out one by one, saved as one."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from patients.registry import InvalidPatient, StalePatient
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.batches import Move, reschedule_visits
from scheduling.booking import BookingRefused
from scheduling.booking_page import said_stop
from scheduling.calling import NewCaller, book_series_for_caller
from scheduling.date_rows import DateRows
from scheduling.drafts import Diary, Draft, Slot, as_version, read_draft
from scheduling.forms import BookingForm, WhenForm
from scheduling.held_choice import hold_key
from scheduling.models import Appointment
from scheduling.recurrence import BadRule, say_rule
from scheduling.refusals import DatesRefused
from scheduling.series import dates_of, first_of, in_scope, shifted, with_conflicts
from scheduling.series_forms import RepeatForm
from scheduling.views.booking import (
    CONFLICT,
    UNFINISHED,
    call_done,
    done,
    doubt_about,
    show_booking,
)
from scheduling.views.moving import draft_of, show_move
from scheduling.views.visits import visit_or_404

OWN_FIELDS = ("to", "day", "time", "v")


@requires("appointment.book")
@require_http_methods(["GET", "POST"])
def book_series(request: DeskRequest) -> HttpResponse:
    """POST: the dates of the booking that was filled in; with `save` they are booked."""
    if request.method == "GET":
        return redirect("book", request.practice.slug)
    draft = read_draft(request.POST, Diary(request.practice))
    form = BookingForm(draft, data=request.POST)
    repeats = RepeatForm(request.POST, today=request.practice.today())
    if not form.is_valid():
        return show_booking(request, draft, form, status=UNFINISHED, repeats=repeats)
    draft.slot = form.cleaned_data["slot"]
    if draft.patient is None and (doubt := doubt_about(request)):
        form.add_error("name", doubt)
        return show_booking(request, draft, form, status=UNFINISHED, repeats=repeats)
    dates = dates_or_none(request, draft, repeats)
    if dates is None:
        return show_booking(request, draft, form, status=UNFINISHED, repeats=repeats)
    if "save" not in request.POST:
        return show_dates(request, draft, dates, repeats)
    return save(request, draft, form, dates, repeats)


def dates_or_none(request: DeskRequest, draft: Draft, repeats: RepeatForm) -> DateRows | None:
    """The dates with what is in their way; None, with words at the field, when the rule makes no series."""
    slot, kind = draft.slot, draft.kind
    if slot is None or kind is None:
        return None
    rule = repeats.rule_from(first_of(slot).date())
    try:
        if repeats.errors:
            return None
        rows = dates_of(rule, slot)
    except BadRule as wrong:
        repeats.refuse(wrong)
        return None
    found = with_conflicts(rows, kind, draft.patient, hold_key=hold_key(request.POST, request.actor))
    return DateRows(found, request.POST, kind=kind, patient=draft.patient, diary=draft.diary)


def save(
    request: DeskRequest, draft: Draft, form: BookingForm, dates: DateRows, repeats: RepeatForm
) -> HttpResponse:
    """Books what was kept, or shows the dates again with what is in the way now."""
    if not dates.read():
        return show_dates(request, draft, dates, repeats, status=UNFINISHED)
    going = dates.going()
    try:
        visits = carry_out(request, draft, form, [row.slot for row in going if row.slot])
    except DatesRefused as refusal:
        dates.refuse(going, refusal.verdicts)
        return show_dates(request, draft, dates, repeats, status=CONFLICT, problem=str(refusal))
    except (InvalidPatient, StalePatient, BookingRefused) as refusal:
        return show_dates(request, draft, dates, repeats, status=UNFINISHED, problem=str(refusal))
    call_done(request, visits[0])
    return done(request, visits[0], f"Booked {len(visits)} visits.", *visits[1:])


def carry_out(request: DeskRequest, draft: Draft, form: BookingForm, slots: list[Slot]) -> list[Appointment]:
    said, mobile = form.cleaned_data, form.cleaned_data.get("mobile") or ""
    repeats = RepeatForm(request.POST, today=request.practice.today())
    first = first_of(said["slot"]).date()
    if draft.kind is None:
        raise BookingRefused("Choose the kind of visit.")
    return book_series_for_caller(
        caller=draft.patient or NewCaller(said["given"], said["family"], said["birth_date"], mobile),
        kind=draft.kind,
        slots=slots,
        rule=repeats.rule_from(first),
        needs=said["needs"],
        reason=said["reason"],
        agreed_to_texts=said["text_ok"] and not said_stop(mobile),
        mobile=mobile,
        hold_key=hold_key(request.POST, request.actor),
        by=request.actor,
    )


def show_dates(
    request: DeskRequest,
    draft: Draft,
    dates: DateRows,
    repeats: RepeatForm,
    *,
    status: int = 200,
    problem: str = "",
) -> HttpResponse:
    """The dates of a new series."""
    slot, patient = draft.slot, draft.patient
    first = first_of(slot).date() if slot else request.practice.today()
    name = patient.shown_name(private=request.user.privacy_mode) if patient else request.POST.get("name", "")
    if patient is not None:
        record_read(by=request.actor, patients=[patient.pk], screen="booking")
    return preview(
        request,
        dates,
        status=status,
        problem=problem,
        title="Book a series",
        name=name[:200],
        what=draft.kind.name if draft.kind else "",
        often=say_rule(repeats.rule_from(first)),
        action=reverse("book-series", args=[request.practice.slug]),
        back=reverse("book-times", args=[request.practice.slug]),
        verb="Book",
    )


def preview(request: DeskRequest, dates: DateRows, *, status: int, **words: Any) -> HttpResponse:
    """The dates as a part for htmx or as a page; what was filled in before goes along unseen."""
    context = words | {"dates": dates.finish(), "kept": kept_fields(request)}
    template = "scheduling/series_dialog.html" if request.htmx else "scheduling/series.html"
    return render(request, template, context, status=status)


def kept_fields(request: DeskRequest) -> list[tuple[str, str]]:
    """What the booking dialog was filled with, for hidden fields."""
    return [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in {"csrfmiddlewaretoken", "save", "leave_out", "tell_patient"}
        and not (name.startswith(OWN_FIELDS) and name[-1:].isdigit())
    ][:80]


@requires("appointment.change")
@require_http_methods(["GET", "POST"])
def move_series(request: DeskRequest, appointment_id: uuid.UUID) -> HttpResponse:
    """POST: where this and the later visits of a series, or all, would go; with `save` they are moved."""
    visit = visit_or_404(appointment_id)
    if request.method == "GET":
        return redirect("appointment-move", request.practice.slug, visit.pk)
    draft = draft_of(request, visit)
    form = WhenForm(draft, data=request.POST)
    if not form.is_valid():
        return show_move(request, visit, draft, form, status=UNFINISHED)
    try:
        visits = in_scope(visit, request.POST.get("scope", "all"))
    except BookingRefused as refusal:
        return show_move(request, visit, draft, form, status=CONFLICT, refused=str(refusal))
    rows = with_conflicts(shifted(visit, visits, form.cleaned_data["slot"]), visit.appointment_type)
    dates = DateRows(
        rows, request.POST, kind=visit.appointment_type, patient=visit.patient, diary=draft.diary
    )
    if "save" not in request.POST:
        return show_moves(request, visit, dates)
    return save_moves(request, visit, dates)


def save_moves(request: DeskRequest, visit: Appointment, dates: DateRows) -> HttpResponse:
    """Moves what was kept, or shows where they would go again with what is in the way now."""
    if not dates.read():
        return show_moves(request, visit, dates, status=UNFINISHED)
    going = dates.going()
    moves = [
        Move(
            row.dated.visit,
            as_version(request.POST.get(f"v{row.number}")),
            row.slot.starts_at,
            row.slot.practitioner,
        )
        for row in going
        if row.slot is not None and row.dated.visit is not None
    ]
    told = "tell_patient" in request.POST
    try:
        moved = reschedule_visits(moves=moves, tell_patient=told, by=request.actor)
    except DatesRefused as refusal:
        dates.refuse(going, refusal.verdicts)
        return show_moves(request, visit, dates, status=CONFLICT, problem=str(refusal))
    except BookingRefused as refusal:
        return show_moves(request, visit, dates, status=UNFINISHED, problem=str(refusal))
    return done(request, moved[0], f"{len(moved)} visits moved.", *moved[1:], *(move.visit for move in moves))


def show_moves(
    request: DeskRequest, visit: Appointment, dates: DateRows, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    """Where the visits of a series would go."""
    record_read(by=request.actor, patients=[visit.patient_id], screen="move")
    return preview(
        request,
        dates,
        status=status,
        problem=problem,
        title="Move a series",
        name=visit.patient.shown_name(private=request.user.privacy_mode),
        what=visit.appointment_type.name,
        action=reverse("appointment-move-series", args=[request.practice.slug, visit.pk]),
        back=f"{reverse('appointment-move', args=[request.practice.slug, visit.pk])}?look",
        tells=True,
        tell="tell_patient" in request.POST,
        verb="Move",
    )
