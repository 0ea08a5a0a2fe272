"""The identity chip of a call and its dialog: who speaks, two facts, or a reason."""

import json
import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from messaging import identity
from messaging.identity import Identity, IdentityRefused
from messaging.identity_forms import IdentityForm
from messaging.models import Call
from patients.models import Patient, RelatedPerson
from practices.access import DeskRequest, requires
from practices.audit import record_read


def pair(call_id: uuid.UUID, patient_id: uuid.UUID) -> tuple[Call, Patient]:
    call = get_object_or_404(Call.objects.all(), pk=call_id)
    return call, get_object_or_404(Patient.objects.all(), pk=patient_id)


def form_of(request: DeskRequest, call: Call, patient: Patient) -> IdentityForm:
    people = RelatedPerson.objects.filter(patient=patient, ended_at=None).order_by("since", "pk")
    return IdentityForm(request.POST or None, people=people, facts=identity.on_file(call, patient))


@requires("identity.check")
@require_GET
def identity_chip(request: DeskRequest, call_id: uuid.UUID, patient_id: uuid.UUID) -> HttpResponse:
    """The chip alone; `?brief` leaves out the sentences under it."""
    call, patient = pair(call_id, patient_id)
    record_read(by=request.actor, patients=[patient.pk], screen="call")
    context = {
        "practice": request.practice,
        "identity": identity.state_of(call, patient),
        "private": request.user.privacy_mode,
        "brief": "brief" in request.GET,
    }
    return render(request, "messaging/identity_chip.html", context)


@requires("identity.check")
@require_http_methods(["GET", "POST"])
def identity_check(request: DeskRequest, call_id: uuid.UUID, patient_id: uuid.UUID) -> HttpResponse:
    """Two facts, or only who speaks (`do=note`)."""
    call, patient = pair(call_id, patient_id)
    form = form_of(request, call, patient)
    if request.method == "GET" or not form.is_valid():
        return show(request, call, patient, form)
    try:
        if request.POST.get("do") == "note" or form.stranger:
            now = identity.speaks(
                call=call, patient=patient, speaker=form.person, stranger=form.stranger, by=request.actor
            )
        else:
            now = identity.check(
                call=call, patient=patient, facts=form.facts, speaker=form.person, by=request.actor
            )
    except IdentityRefused as refused:
        form.refuse(str(refused), refused.errors)
        return show(request, call, patient, form)
    return done(request, now)


@requires("identity.override")
@require_POST
def identity_override(request: DeskRequest, call_id: uuid.UUID, patient_id: uuid.UUID) -> HttpResponse:
    """Opens the details without two facts, for a reason that is kept."""
    call, patient = pair(call_id, patient_id)
    form = form_of(request, call, patient)
    if not form.is_valid():
        return show(request, call, patient, form)
    try:
        now = identity.override(
            call=call,
            patient=patient,
            reason=form.cleaned_data["reason"],
            speaker=form.person,
            stranger=form.stranger,
            by=request.actor,
        )
    except IdentityRefused as refused:
        form.refuse(str(refused), refused.errors)
        return show(request, call, patient, form)
    return done(request, now)


def show(request: DeskRequest, call: Call, patient: Patient, form: IdentityForm) -> HttpResponse:
    record_read(by=request.actor, patients=[patient.pk], screen="call")
    now = identity.state_of(call, patient)
    private = request.user.privacy_mode
    context = {
        "call": call,
        "patient": patient,
        "name": patient.shown_name(private=private),
        "identity": now,
        "private": private,
        "form": form,
        "people": [(person, told(person)) for person in form.people.values()],
        "chosen": form.data.get("speaker") or chosen(now),
        "left": identity.MOST_WRONG - now.wrong,
    }
    return render(request, "messaging/identity_check.html", context, status=422 if form.errors else 200)


def chosen(now: Identity) -> str:
    return "other" if now.stranger else str(now.speaker.pk) if now.speaker else "patient"


def told(person: RelatedPerson) -> dict[str, Any]:
    """What one of the patient's people may be told, and where to stop."""
    return {"may": person.told, "limit": identity.limit_of(person)}


def done(request: DeskRequest, now: Identity) -> HttpResponse:
    words = " ".join(filter(None, [f"{now.words}.", now.limit]))
    if request.htmx:
        heard = {"refresh": "calls", "announce": words, "dialogClose": True}
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(heard)})
    return redirect(
        "identity-check", practice=request.practice.slug, call_id=now.call_id, patient_id=now.patient.pk
    )
