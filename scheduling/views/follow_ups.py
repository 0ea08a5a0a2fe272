"""Follow-ups and recalls: the worklist, ordering from a visit, and what is done with a row."""

import json
import uuid
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from patients.models import Patient
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling import due_list, followups
from scheduling.booking import BookingRefused, SlotTaken
from scheduling.booking_page import next_choices
from scheduling.drafts import Diary, Draft, Slot, as_uuid, as_version
from scheduling.follow_up_forms import REASONS, LaterForm, OrderForm
from scheduling.followups import FollowUpRefused, StaleFollowUp
from scheduling.models import Appointment, FollowUp
from scheduling.panel import find_visit
from scheduling.regions import columns_of
from scheduling.views.booking import CONFLICT, UNFINISHED
from scheduling.words import short_when

REGION = followups.REGION


def row_or_404(follow_up_id: uuid.UUID) -> FollowUp:
    return get_object_or_404(FollowUp.objects.with_people(), pk=follow_up_id)


@require_GET
@requires("follow-up.view")
def follow_ups(request: DeskRequest) -> HttpResponse:
    """Visits that are due: overdue, due, waiting for an answer, later; and what was ended lately."""
    return page(request)


def page(request: DeskRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    """The whole list, as a part for htmx."""
    shown = due_list.due_list(request.practice, private=request.user.privacy_mode)
    steps = due_list.last_steps(request.practice, request.user)
    seen = [*shown.patient_ids, *(step.follow_up.patient_id for step in steps)]
    record_read(by=request.actor, patients=seen, screen="follow-ups")
    context = {"list": shown, "steps": steps, "reasons": REASONS} | more
    part = request.htmx and not request.htmx.boosted
    template = "scheduling/follow_ups_rows.html" if part else "scheduling/follow_ups.html"
    return render(request, template, context, status=status)


@require_http_methods(["GET", "POST"])
@requires("follow-up.change")
def order(request: DeskRequest, appointment_id: uuid.UUID) -> HttpResponse:
    """From a visit: when the patient is to come again, for what, with whom."""
    visit = find_visit(str(appointment_id))
    if visit is None:
        raise Http404
    form = OrderForm(visit, request.practice, request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return show_order(request, visit, form, status=200 if request.method == "GET" else UNFINISHED)
    said = form.cleaned_data
    try:
        made = followups.order_follow_up(
            patient=visit.patient,
            appointment_type=said["kind"],
            practitioner=said["with_whom"],
            due_on=said["due_on"],
            tolerance_days=said["tolerance"],
            note=said["note"],
            visit=visit,
            by=request.actor,
        )
    except FollowUpRefused as refusal:
        form.add_error(refusal.field or None, str(refusal))
        return show_order(request, visit, form, status=UNFINISHED)
    return ordered(request, visit, made)


def ordered(request: DeskRequest, visit: Appointment, made: FollowUp) -> HttpResponse:
    """The dialog closes; without scripts whoever ordered goes back to the visit, a clinician to her day."""
    if not request.htmx:
        if request.POST.get("back") == "day":
            return redirect("day", request.practice.slug)
        return redirect("appointment", request.practice.slug, visit.pk)
    words = f"Ordered: {due_list.around_words(made, request.practice)}."
    response = HttpResponse(status=204)
    news = {"dialogClose": True, "refresh": " ".join([*columns_of(visit), REGION]), "announce": words}
    response["HX-Trigger"] = json.dumps(news | {"desk:changed": {"appointment": str(visit.pk)}})
    return response


def show_order(
    request: DeskRequest, visit: Appointment, form: OrderForm, *, status: int = 200
) -> HttpResponse:
    record_read(by=request.actor, patients=[visit.patient_id], screen="follow-up")
    context = {
        "visit": visit,
        "form": form,
        "name": visit.patient.shown_name(private=request.user.privacy_mode),
        "when": short_when(visit.starts_at, request.practice),
        "back": request.POST.get("back", request.GET.get("back", "")),
    }
    template = "scheduling/follow_up_dialog.html" if request.htmx else "scheduling/follow_up.html"
    return render(request, template, context, status=status)


def act(request: DeskRequest, follow_up_id: uuid.UUID, do: Callable[[FollowUp], str]) -> HttpResponse:
    """Does something with a row and answers with the list; a refusal stands above it in words."""
    row = row_or_404(follow_up_id)
    try:
        words = do(row)
    except StaleFollowUp as stale:
        return refused(request, row, stale)
    except (FollowUpRefused, BookingRefused) as refusal:
        return refused(request, row, refusal)
    if not request.htmx:
        back = as_uuid(request.POST.get("patient"))
        if back is not None:
            return redirect("patient", request.practice.slug, back)
        return redirect("follow-ups", request.practice.slug)
    response = page(request)
    visit = row.visit
    stood = columns_of(visit) if visit else []
    news = {"refresh": " ".join(["changes", "appointments", *stood]), "announce": words}
    response["HX-Trigger"] = json.dumps(news)
    return response


def refused(request: DeskRequest, row: FollowUp, refusal: ValueError) -> HttpResponse:
    """The list as it is now, with why nothing was done and, where a time was taken, the next ones."""
    draft = Draft(Diary(request.practice))
    times = next_choices(refusal.next_times, draft) if isinstance(refusal, SlotTaken) else []
    now = row_or_404(row.pk)
    name = now.patient.shown_name(private=request.user.privacy_mode)
    more = {"problem": str(refusal), "problem_row": now, "problem_name": name, "next_times": times}
    return page(request, status=CONFLICT, **more)


@require_POST
@requires("follow-up.change")
def ask(request: DeskRequest, follow_up_id: uuid.UUID) -> HttpResponse:
    """Writes to the patient with a link to choose a time."""

    def do(row: FollowUp) -> str:
        followups.ask_patient(follow_up=row, version=version_of(request), by=request.actor)
        return "The message goes out when the time to take it back is over."

    return act(request, follow_up_id, do)


@require_POST
@requires("appointment.book")
def book(request: DeskRequest, follow_up_id: uuid.UUID) -> HttpResponse:
    """Books the offered time in one press."""
    slot = Slot.read(request.POST.get("slot"), Diary(request.practice))

    def do(row: FollowUp) -> str:
        if slot is None:
            raise FollowUpRefused("Choose a time.")
        visit = followups.book_follow_up(
            follow_up=row,
            version=version_of(request),
            practitioner=slot.practitioner,
            starts_at=slot.starts_at,
            by=request.actor,
        )
        return f"Booked {short_when(visit.starts_at, request.practice)}."

    return act(request, follow_up_id, do)


@require_POST
@requires("follow-up.change")
def later(request: DeskRequest, follow_up_id: uuid.UUID) -> HttpResponse:
    """Lets the row rest until a day."""
    form = LaterForm(request.practice, request.POST)

    def do(row: FollowUp) -> str:
        if not form.is_valid():
            raise FollowUpRefused(str(next(iter(form.errors["until"]))), "until")
        until = form.cleaned_data["until"]
        followups.put_off(follow_up=row, version=version_of(request), until=until, by=request.actor)
        return f"Rests until {until:%b} {until.day}."

    return act(request, follow_up_id, do)


@require_POST
@requires("follow-up.change")
def end(request: DeskRequest, follow_up_id: uuid.UUID) -> HttpResponse:
    """Ends it without a visit, with the reason."""

    def do(row: FollowUp) -> str:
        reason = request.POST.get("reason", "")
        followups.end_follow_up(follow_up=row, version=version_of(request), reason=reason, by=request.actor)
        return "Ended. It stands below for two weeks."

    return act(request, follow_up_id, do)


@require_POST
@requires("follow-up.change")
def open_again(request: DeskRequest, follow_up_id: uuid.UUID) -> HttpResponse:
    """What was ended waits again."""

    def do(row: FollowUp) -> str:
        followups.open_again(follow_up=row, version=version_of(request), by=request.actor)
        return "Open again."

    return act(request, follow_up_id, do)


@require_POST
@requires("follow-up.change")
def count(request: DeskRequest, follow_up_id: uuid.UUID) -> HttpResponse:
    """A visit that is booked, earlier than ordered or with somebody else, is the one."""
    visit = find_visit(request.POST.get("appointment", ""))
    if visit is None:
        raise Http404

    def do(row: FollowUp) -> str:
        followups.let_count(follow_up=row, version=version_of(request), appointment=visit, by=request.actor)
        return "That visit counts."

    return act(request, follow_up_id, do)


@require_POST
@requires("follow-up.change")
def undo(request: DeskRequest, follow_up_id: uuid.UUID) -> HttpResponse:
    """Takes the last step back."""

    def do(row: FollowUp) -> str:
        followups.undo_step(follow_up=row, version=version_of(request), by=request.actor)
        return "Taken back."

    return act(request, follow_up_id, do)


def version_of(request: DeskRequest) -> int:
    return as_version(request.POST.get("version"))


@require_GET
@requires("follow-up.view")
def of_patient(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    """What is due on a patient's record."""
    patient = get_object_or_404(Patient.objects.all(), pk=patient_id)
    waiting, rest = due_list.of_patient(patient.pk, request.practice, private=request.user.privacy_mode)
    record_read(by=request.actor, patients=[patient.pk], screen="follow-ups")
    context = {"patient": patient, "waiting": waiting, "rest": rest}
    return render(request, "scheduling/patient_follow_ups.html", context)
