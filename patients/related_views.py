"""Pages of a record's flags and of the people who may speak for the patient."""

import uuid

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from patients import flags, related
from patients.dialogs import back
from patients.models import Patient, PatientFlag, RelatedPerson
from patients.related import InvalidRelatedPerson
from patients.related_forms import FlagForm, RelatedForm
from practices.access import DeskRequest, requires
from practices.audit import record_read


def show(
    request: DeskRequest, patient: Patient, form: RelatedForm, person: RelatedPerson | None
) -> HttpResponse:
    record_read(by=request.actor, patients=[patient.pk], screen="related people")
    name = patient.shown_name(private=request.user.privacy_mode)
    context = {"patient": patient, "name": name, "form": form, "person": person}
    return render(request, "patients/related.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@requires("patient.change")
def related_new(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Adds somebody who may speak for the patient."""
    patient = get_object_or_404(Patient.objects.all(), pk=patient_id)
    form = RelatedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            person = related.add_related(patient=patient, **form.cleaned_data, by=request.actor)
            return back(request, patient.pk, f"{person.name} added")
        except InvalidRelatedPerson as refused:
            form.refuse(refused.errors)
    return show(request, patient, form, None)


@require_http_methods(["GET", "POST"])
@requires("patient.change")
def related_change(request: DeskRequest, related_id: uuid.UUID) -> HttpResponse:
    """Changes what is written about somebody, and what she may be told."""
    people = RelatedPerson.objects.select_related("patient").filter(ended_at=None)
    person = get_object_or_404(people, pk=related_id)
    initial = RelatedForm.initial_of(person)
    form = RelatedForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            related.change_related(person=person, **form.cleaned_data, by=request.actor)
            return back(request, person.patient_id, "Saved")
        except InvalidRelatedPerson as refused:
            form.refuse(refused.errors)
    return show(request, person.patient, form, person)


@require_POST
@requires("patient.change")
def related_end(request: DeskRequest, related_id: uuid.UUID) -> HttpResponse:
    """Takes a permission back; the person stays in the record's history."""
    person = get_object_or_404(RelatedPerson.objects.all(), pk=related_id)
    related.end_related(person=person, by=request.actor)
    return back(request, person.patient_id, f"{person.name} may no longer speak for the patient")


@require_http_methods(["GET", "POST"])
@requires("patient.change")
def flag_new(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Puts something under “Know first” for a time."""
    patient = get_object_or_404(Patient.objects.all(), pk=patient_id)
    form = FlagForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            flags.raise_flag(patient=patient, **form.cleaned_data, by=request.actor)
            return back(request, patient.pk, "Stands under Know first")
        except ValueError as refused:
            form.add_error("words", str(refused))
    record_read(by=request.actor, patients=[patient.pk], screen="flags")
    name = patient.shown_name(private=request.user.privacy_mode)
    context = {"patient": patient, "name": name, "form": form}
    return render(request, "patients/flag.html", context, status=422 if form.errors else 200)


@require_POST
@requires("patient.change")
def flag_down(request: DeskRequest, flag_id: uuid.UUID) -> HttpResponse:
    """Takes a flag down before its time."""
    flag = get_object_or_404(PatientFlag.objects.all(), pk=flag_id)
    flags.take_down(flag=flag, by=request.actor)
    return back(request, flag.patient_id, "Taken down")
