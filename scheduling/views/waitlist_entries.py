"""Putting somebody on the waitlist, changing the wishes, taking her off; one press from a taken time."""

import json
import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from patients.models import Patient
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.drafts import Diary, Slot, as_uuid, patient_of
from scheduling.models import Appointment, Status, WaitlistEntry
from scheduling.refusals import BookingRefused
from scheduling.waitlist import BadWish, add_entry, change_entry, remove_entry
from scheduling.waitlist_forms import EntryForm, values_of
from scheduling.words import inside_words, short_when

UNFINISHED = 422


def visit_given_up(data: QueryDict, patient: Patient | None) -> Appointment | None:
    """The visit to come that the address names, if it is this patient's."""
    wanted = as_uuid(data.get("appointment"))
    rows = Appointment.objects.with_people().filter(
        pk__in=[wanted] if wanted else [], patient=patient, status=Status.BOOKED
    )
    return rows.first() if wanted and patient else None


@require_http_methods(["GET", "POST"])
@requires("waitlist.change")
def add(request: DeskRequest) -> HttpResponse:
    """The dialog for a patient (`patient`), perhaps instead of a visit she has (`appointment`)."""
    data = request.POST if request.method == "POST" else request.GET
    patient = patient_of(data.get("patient"))
    visit = visit_given_up(data, patient)
    if request.method != "POST":
        return show_entry(request, EntryForm(initial=first_wishes(visit)), patient=patient, visit=visit)
    form = EntryForm(request.POST, fixed_types=visit is not None)
    if patient is None:
        form.add_error(None, "Choose a patient first: open her record and press Waitlist there.")
    if form.is_valid() and patient is not None:
        try:
            source = "panel" if visit is not None else "record"
            add_entry(patient=patient, source=source, appointment=visit, by=request.actor, **form.wishes)
            return done(request, "On the waitlist.")
        except BadWish as wrong:
            form.refuse(wrong)
        except BookingRefused as refusal:
            form.add_error(None, str(refusal))
    return show_entry(request, form, patient=patient, visit=visit, status=UNFINISHED)


def first_wishes(visit: Appointment | None) -> dict[str, Any]:
    if visit is None:
        return {}
    return {"types": [str(visit.appointment_type_id)], "last_day": visit.local_date}


@require_http_methods(["GET", "POST"])
@requires("waitlist.change")
def entry(request: DeskRequest, entry_id: uuid.UUID) -> HttpResponse:
    """What somebody waits for, to look at and to change."""
    found = get_object_or_404(WaitlistEntry.objects.with_people(), pk=entry_id)
    shown = {"patient": found.patient, "visit": found.appointment, "entry": found}
    if request.method != "POST":
        return show_entry(request, EntryForm(initial=values_of(found)), **shown)
    form = EntryForm(request.POST, fixed_types=found.appointment is not None)
    if form.is_valid():
        try:
            change_entry(entry=found, by=request.actor, **form.wishes)
            return done(request, "Saved.")
        except BadWish as wrong:
            form.refuse(wrong)
        except BookingRefused as refusal:
            form.add_error(None, str(refusal))
    return show_entry(request, form, status=UNFINISHED, **shown)


def show_entry(request: DeskRequest, form: EntryForm, *, status: int = 200, **shown: Any) -> HttpResponse:
    patient: Patient | None = shown.get("patient")
    visit: Appointment | None = shown.get("visit")
    if patient is not None:
        record_read(by=request.actor, patients=[patient.pk], screen="waitlist-entry")
        shown["name"] = patient.shown_name(private=request.user.privacy_mode)
    if visit is not None:
        shown["when"] = inside_words(short_when(visit.starts_at, request.practice))
    template = "scheduling/waitlist_entry_dialog.html" if request.htmx else "scheduling/waitlist_entry.html"
    return render(request, template, {"form": form, **shown}, status=status)


@require_POST
@requires("waitlist.change")
def remove(request: DeskRequest, entry_id: uuid.UUID) -> HttpResponse:
    """Takes somebody off the list."""
    found = get_object_or_404(WaitlistEntry.objects.with_people(), pk=entry_id)
    remove_entry(entry=found, why=f"Taken off by {request.user.short_name}.", by=request.actor)
    return done(request, "Off the waitlist.")


@require_POST
@requires("waitlist.change")
def wish(request: DeskRequest) -> HttpResponse:
    """“Text me when 3 PM opens”: one press on a taken time, with what the dialog knows of the caller."""
    diary = Diary(request.practice)
    patient, kind = patient_of(request.POST.get("patient")), diary.type_of(request.POST.get("visit_type"))
    slot = Slot.read(request.POST.get("wish"), diary)
    said = "Choose the patient and the visit first, then press it again."
    status = UNFINISHED
    if patient is not None and kind is not None and slot is not None:
        try:
            add_entry(
                patient=patient,
                source="booking",
                types=[kind.pk],
                practitioners=[slot.practitioner.pk],
                wished_at=slot.starts_at,
                notice_hours=0,
                by=request.actor,
            )
            when = inside_words(short_when(slot.starts_at, request.practice))
            said, status = f"Noted: asked by text when {when} with {slot.practitioner.short_name} opens.", 200
        except (BadWish, BookingRefused) as refusal:
            said = str(refusal)
    if not request.htmx:
        (messages.success if status == 200 else messages.error)(request, said)
        return redirect("waitlist", request.practice.slug)
    return render(request, "scheduling/wish_said.html", {"said": said, "fine": status == 200})


def done(request: DeskRequest, words: str) -> HttpResponse:
    if not request.htmx:
        messages.success(request, words)
        return redirect("waitlist", request.practice.slug)
    told = {"dialogClose": True, "refresh": "waitlist appointments", "announce": words}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(told)})
