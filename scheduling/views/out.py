"""A clinician is out: who and when, what becomes of each visit, one press, and who has answered."""

import json
import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from patients.contacts import reachability
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling import out_calls, out_cases
from scheduling.drafts import as_instant, as_uuid, uuids
from scheduling.models import (
    Appointment,
    CancellationReason,
    OutCase,
    Participant,
    Practitioner,
    TimeOff,
    TimeRequest,
)
from scheduling.off_words import off_words
from scheduling.out_page import out_page, read_offers, row_of, span_words, times_to_offer
from scheduling.out_span import OutForm
from scheduling.refusals import BookingRefused
from scheduling.views.booking import CONFLICT, UNFINISHED

Plan = TimeRequest.Plan


@require_http_methods(["GET", "POST"])
@requires("out.change")
def out(request: DeskRequest) -> HttpResponse:
    """Who is out, and when; the cases that are open. POST writes the time off and goes to the plan."""
    asked = asked_for(request)
    form = OutForm(request.POST or None, practice=request.practice, initial=asked)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            case, new = out_cases.open_case(
                **{name: data[name] for name in ("practitioner", "starts_at", "ends_at", "label")},
                by=request.actor,
            )
        except BookingRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            if not new:
                messages.info(request, "A colleague has opened this already.")
            return redirect("out-case", request.practice.slug, case.pk)
    status = UNFINISHED if form.is_bound else 200
    chosen = uuids(str(form["time_off"].value() or ""))  # text where it was sent, a key where it was found
    off = TimeOff.objects.select_related("practitioner").filter(pk__in=chosen).first()
    context = {"form": form, "cases": cases_of(request), "off": off and off_words(off, request.practice)}
    context["who"] = off.practitioner.short_name if off else ""
    return render(request, "scheduling/out.html", context, status=status)


def asked_for(request: DeskRequest) -> dict[str, Any]:
    """What the address names: a clinician, days, or a time off that is there (`visit` lies in it)."""
    data = request.GET
    asked: dict[str, Any] = {
        name: data[name] for name in ("span", "first_day", "last_day", "label") if name in data
    }
    asked |= {name: as_uuid(data.get(name)) for name in ("practitioner", "time_off")}
    visit = Appointment.objects.filter(pk__in=uuids(data.get("visit"))).first() if "visit" in data else None
    if visit is not None:
        parts = Participant.objects.filter(appointment=visit, practitioner__isnull=False)
        rows = TimeOff.objects.filter(
            Q(practitioner=visit.practitioner_id) | Q(practitioner__in=parts.values("practitioner")),
            starts_at__lt=visit.ends_at,
            ends_at__gt=visit.starts_at,
        )
        # Where both are out, her own clinician comes first, as the audit names them.
        hit = min(rows, key=lambda off: off.practitioner_id != visit.practitioner_id, default=None)
        asked["time_off"] = hit.pk if hit else None
    return asked


def cases_of(request: DeskRequest) -> list[tuple[OutCase, str]]:
    cases = OutCase.objects.open().select_related("practitioner")
    return [(case, span_words(case, request.practice)) for case in cases.order_by("starts_at")[:20]]


def case_or_404(case_id: uuid.UUID) -> OutCase:
    rows = OutCase.objects.select_related("practitioner", "sent_by", "opened_by", "time_off")
    found: OutCase = get_object_or_404(rows, pk=case_id)
    return found


def request_or_404(case_id: uuid.UUID, request_id: uuid.UUID) -> TimeRequest:
    rows = TimeRequest.objects.with_people().select_related("case__practitioner")
    found: TimeRequest = get_object_or_404(rows, pk=request_id, case=case_id)
    return found


@require_GET
@requires("appointment.view")
def case(request: DeskRequest, case_id: uuid.UUID) -> HttpResponse:
    """The plan, or after the press the board of answers; `fragment` is the part that lives."""
    return show(request, case_or_404(case_id))


def show(request: DeskRequest, shown: OutCase, *, status: int = 200, problem: str = "") -> HttpResponse:
    page = out_page(shown, request.practice, private=request.user.privacy_mode)
    patients = [row.request.appointment.patient_id for row in page.rows]
    record_read(by=request.actor, patients=patients, screen="out")
    part = request.GET.get("fragment") or request.htmx
    template = "scheduling/out_case_body.html" if part else "scheduling/out_case.html"
    return render(request, template, {"page": page, "case": shown, "problem": problem}, status=status)


def back(request: DeskRequest, case_id: uuid.UUID, words: str = "") -> HttpResponse:
    """The case as it is now: its live part for htmx, else its page."""
    if not request.htmx:
        if words:
            messages.success(request, words)
        return redirect("out-case", request.practice.slug, case_id)
    response = show(request, case_or_404(case_id))
    response["HX-Trigger"] = json.dumps({"refresh": "queue appointments", "announce": words})
    return response


@require_http_methods(["GET", "POST"])
@requires("out.change")
def plan(request: DeskRequest, case_id: uuid.UUID, request_id: uuid.UUID) -> HttpResponse:
    """One visit by hand: other times, call instead, keep, cancel."""
    row = request_or_404(case_id, request_id)
    if request.method == "GET":
        return show_plan(request, row)
    try:
        values = read_plan(request, row)
        version = int(request.POST.get("version", "0")[:9])
        out_cases.plan_visit(request=row, version=version, values=values, by=request.actor)
    except ValidationError as refusal:
        return show_plan(request, row, status=UNFINISHED, problem=" ".join(refusal.messages))
    except (BookingRefused, ValueError) as refusal:
        now = request_or_404(case_id, request_id)
        return show_plan(request, now, status=CONFLICT, problem=str(refusal))
    if not request.htmx:
        return redirect("out-case", request.practice.slug, case_id)
    told = {"dialogClose": True, "refresh": "out", "announce": "Saved."}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(told)})


def read_plan(request: DeskRequest, row: TimeRequest) -> dict[str, Any]:
    """What was chosen for a visit; raises ValidationError."""
    data = request.POST
    values: dict[str, Any] = {"plan": data.get("plan", "")}
    if values["plan"] == Plan.ASK:
        values["offers"] = read_offers(data.getlist("offer"), row.appointment)
    elif values["plan"] == Plan.KEEP:
        values["keep_reason"] = data.get("keep_reason", "").strip()[:80]
    elif values["plan"] == Plan.CANCEL:
        values["cancellation_reason"] = data.get("cancellation_reason", "")
    return values


def show_plan(
    request: DeskRequest, row: TimeRequest, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    record_read(by=request.actor, patients=[row.appointment.patient_id], screen="out")
    typed = request.POST if request.method == "POST" else None
    ticked = set(typed.getlist("offer")) if typed else {f"{p}|{m}" for p, m in row.offered}
    offers = [(offer, offer.value in ticked) for offer in times_to_offer(row, request.practice)]
    reach = reachability([row.appointment.patient])[row.appointment.patient_id]
    context = {
        "row": row_of(row, reach, {}, request.practice, private=request.user.privacy_mode),
        "request_row": row,
        "offers": offers,
        "plan": typed.get("plan", row.plan) if typed else row.plan,
        "keep_reason": typed.get("keep_reason", "") if typed else row.keep_reason,
        "reasons": CancellationReason.choices,
        "reason": typed.get("cancellation_reason", "") if typed else row.cancellation_reason,
        "problem": problem,
    }
    template = "scheduling/out_plan_dialog.html" if request.htmx else "scheduling/out_plan.html"
    return render(request, template, context, status=status)


@require_POST
@requires("out.change")
def send(request: DeskRequest, case_id: uuid.UUID) -> HttpResponse:
    """The one press."""
    shown = case_or_404(case_id)
    try:
        out_cases.send_case(case=shown, by=request.actor)
    except BookingRefused as refusal:
        return show(request, case_or_404(case_id), status=CONFLICT, problem=str(refusal))
    return back(request, case_id, "Done. The answers come in here.")


@require_POST
@requires("out.change")
def add(request: DeskRequest, case_id: uuid.UUID) -> HttpResponse:
    """Takes in visits that were booked into the time since then."""
    shown = case_or_404(case_id)
    try:
        count = out_cases.take_in(case=shown, by=request.actor)
    except BookingRefused as refusal:
        return show(request, shown, status=CONFLICT, problem=str(refusal))
    return back(request, case_id, f"{count} added.")


@require_POST
@requires("out.change")
def take_back(request: DeskRequest, case_id: uuid.UUID) -> HttpResponse:
    """The clinician comes after all."""
    shown = case_or_404(case_id)
    try:
        done = out_cases.take_back(case=shown, by=request.actor)
    except BookingRefused as refusal:
        return show(request, case_or_404(case_id), status=CONFLICT, problem=str(refusal))
    words = f"Taken back: {shown.practitioner.short_name} sees patients again."
    if done.stay_cancelled:
        words += f" {done.stay_cancelled} cancelled visits stay cancelled: book them anew."
    messages.success(request, words)
    where = reverse("out", args=[request.practice.slug])
    return HttpResponse(status=204, headers={"HX-Redirect": where}) if request.htmx else redirect(where)


@require_POST
@requires("out.change")
def called(request: DeskRequest, case_id: uuid.UUID, request_id: uuid.UUID) -> HttpResponse:
    """What came of a call: `take` moves the visit to an offered time, `outcome` is one of the others."""
    row = request_or_404(case_id, request_id)
    try:
        if "take" in request.POST:
            take(request, row)
        else:
            outcome = request.POST.get("outcome", "")
            out_calls.record_outcome(request=row, outcome=outcome, by=request.actor)
    except BookingRefused as refusal:
        return show(request, case_or_404(case_id), status=CONFLICT, problem=str(refusal))
    return back(request, case_id, "Saved.")


def take(request: DeskRequest, row: TimeRequest) -> None:
    person, _, moment = request.POST["take"].partition("|")
    starts_at = as_instant(moment, request.practice)
    practitioner = Practitioner.objects.select_related("room").filter(pk__in=uuids(person)).first()
    if starts_at is None or practitioner is None:
        raise out_cases.CaseRefused("Choose one of the times.")
    out_calls.take_time(request=row, practitioner=practitioner, starts_at=starts_at, by=request.actor)
