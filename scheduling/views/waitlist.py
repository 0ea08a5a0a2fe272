"""The waitlist: what opened and who fits, who waits, what was asked; offering, booking, ending."""

import json
import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from patients.models import Patient
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.accepting import accept_offer, award, decline_offer
from scheduling.drafts import as_uuid
from scheduling.models import Appointment, Offer, Opening, WaitlistEntry
from scheduling.offering import offer_next, offer_to
from scheduling.openings import close_opening
from scheduling.refusals import BookingRefused
from scheduling.regions import columns_of
from scheduling.waitlist_page import (
    OpeningRow,
    entry_rows,
    kept_passed,
    log_rows,
    opening_rows,
    patient_rows,
    rows_of,
)

CONFLICT = 409


def of_practice(request: DeskRequest, opening_id: uuid.UUID) -> Opening:
    found: Opening = get_object_or_404(Opening.objects.with_people(), pk=opening_id)
    return found


@require_GET
@requires("waitlist.view")
def waitlist(request: DeskRequest) -> HttpResponse:
    """What is open with who fits, and everybody who waits."""
    private = request.user.privacy_mode
    if request.GET.get("fragment") == "panel":
        return beside_the_board(request)
    openings = opening_rows(request.practice, private=private)
    entries = entry_rows(request.practice, private=private)
    people = [one for row in openings for one in row.patient_ids]
    record_read(
        by=request.actor,
        patients=[*people, *(row.entry.patient_id for row in entries)],
        screen="waitlist",
    )
    part = "scheduling/waitlist_body.html" if request.GET.get("fragment") else "scheduling/waitlist.html"
    return render(request, part, {"openings": openings, "entries": entries, "tab": "now"})


def beside_the_board(request: DeskRequest) -> HttpResponse:
    """What is open on the board's day, with the first who fit."""
    rows = opening_rows(request.practice, private=request.user.privacy_mode, shown=2)
    day = request.GET.get("d", "")
    zone = request.practice.zone
    rows = [row for row in rows if f"{row.opening.starts_at.astimezone(zone):%Y-%m-%d}" == day]
    people = [match.patient_id for row in rows for match in row.matches]
    record_read(by=request.actor, patients=people, screen="waitlist")
    return render(request, "scheduling/waitlist_panel.html", {"openings": rows})


@require_GET
@requires("waitlist.view")
def log(request: DeskRequest) -> HttpResponse:
    """What opened in the last two weeks: who was asked, in which order and why, who was passed over."""
    rows = log_rows(request.practice, private=request.user.privacy_mode)
    record_read(
        by=request.actor, patients=[one for row in rows for one in row.patient_ids], screen="waitlist-log"
    )
    return render(request, "scheduling/waitlist_log.html", {"rows": rows, "tab": "log"})


@require_GET
@requires("waitlist.view")
def opening(request: DeskRequest, opening_id: uuid.UUID) -> HttpResponse:
    """One opening: who fits, the first group ticked; who was asked; who is passed over and why."""
    return show_opening(request, of_practice(request, opening_id))


def show_opening(
    request: DeskRequest, found: Opening, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    private = request.user.privacy_mode
    row: OpeningRow = rows_of([found], request.practice, private=private, shown=12)[0]
    if not found.is_open:
        row.passed = kept_passed(found, private)
    record_read(by=request.actor, patients=row.patient_ids, screen="opening")
    template = "scheduling/opening_dialog.html" if request.htmx else "scheduling/opening.html"
    return render(request, template, {"row": row, "problem": problem}, status=status)


def done(request: DeskRequest, words: str, opening: Opening, *visits: Appointment) -> HttpResponse:
    """The dialog closes and what changed is read anew; without scripts the waitlist's page says so."""
    if not request.htmx:
        messages.success(request, words)
        return redirect("waitlist", request.practice.slug)
    day = opening.starts_at.astimezone(request.practice.zone).date()
    regions = {f"appointments:{day}:{opening.practitioner_id}", "waitlist", "queue", *columns_of(*visits)}
    told = {"dialogClose": True, "refresh": " ".join(sorted(regions)), "announce": words}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(told)})


@require_POST
@requires("waitlist.change")
def offer(request: DeskRequest, opening_id: uuid.UUID) -> HttpResponse:
    """Asks the ticked ones, or with nobody ticked the next group of the rule."""
    found = of_practice(request, opening_id)
    chosen = [key for text in request.POST.getlist("entry") if (key := as_uuid(text))]
    try:
        if chosen:
            sent = offer_to(opening=found, entries=chosen, by=request.actor)
        else:
            sent = offer_next(opening=found, by=request.actor)
    except BookingRefused as refusal:
        return show_opening(request, of_practice(request, opening_id), status=CONFLICT, problem=str(refusal))
    many = "1 person is asked." if len(sent) == 1 else f"{len(sent)} people are asked."
    return done(request, many, found)


@require_POST
@requires("waitlist.change")
def book(request: DeskRequest, opening_id: uuid.UUID, entry_id: uuid.UUID) -> HttpResponse:
    """Books it for somebody who said yes on the phone."""
    found = of_practice(request, opening_id)
    entry = get_object_or_404(WaitlistEntry.objects.with_people(), pk=entry_id)
    try:
        visit = award(opening=found, entry=entry, by=request.actor)
    except BookingRefused as refusal:
        return show_opening(request, of_practice(request, opening_id), status=CONFLICT, problem=str(refusal))
    return done(request, "Booked from the waitlist.", found, visit)


@require_POST
@requires("waitlist.change")
def close(request: DeskRequest, opening_id: uuid.UUID) -> HttpResponse:
    """Nobody is asked about it any more; whoever was hears that it is gone."""
    found = of_practice(request, opening_id)
    close_opening(opening=found, why=f"Ended by {request.user.short_name}.", by=request.actor)
    return done(request, "Nobody is asked about this time any more.", found)


@require_POST
@requires("waitlist.change")
def answered(request: DeskRequest, offer_id: uuid.UUID) -> HttpResponse:
    """What somebody who was asked said on the phone: `answer` is yes or no."""
    asked = get_object_or_404(Offer.objects.with_all(), pk=offer_id)
    said = request.POST.get("answer", "")
    if said not in {"yes", "no"}:
        return show_opening(request, asked.opening, status=422, problem="Say what the answer was.")
    try:
        if said == "no":
            decline_offer(offer=asked, how="phone", by=request.actor)
            return done(request, "Noted: not this time.", asked.opening)
        visit = accept_offer(offer=asked, how="phone", by=request.actor)
    except BookingRefused as refusal:
        return show_opening(request, asked.opening, status=CONFLICT, problem=str(refusal))
    return done(request, "Booked from the waitlist.", asked.opening, visit)


@require_GET
@requires("waitlist.view")
def patient_waiting(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    """What a patient waits for, on her record."""
    patient = Patient.objects.filter(pk=patient_id).first()
    if patient is None:
        raise Http404
    rows = patient_rows(patient.pk, request.practice, private=request.user.privacy_mode)
    record_read(by=request.actor, patients=[patient.pk], screen="waitlist")
    return render(request, "scheduling/patient_waiting.html", {"patient": patient, "rows": rows})
