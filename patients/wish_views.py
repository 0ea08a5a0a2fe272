"""Pages of what a patient's visits have to fit."""

import uuid

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from patients.dialogs import back
from patients.models import Patient, PatientWish
from patients.wish_forms import WishForm
from patients.wishes import InvalidWish, add_wish, end_wish, words_of
from practices.access import DeskRequest, requires
from practices.audit import record_read


@require_http_methods(["GET", "POST"])
@requires("patient.change")
def wish_new(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Notes something that the patient's visits have to fit."""
    patient = get_object_or_404(Patient.objects.all(), pk=patient_id)
    form = WishForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            wish = add_wish(patient=patient, **form.wish(), by=request.actor)
            return back(request, patient.pk, f"Noted: {words_of(wish)}")
        except InvalidWish as refused:
            form.refuse(refused.errors)
    record_read(by=request.actor, patients=[patient.pk], screen="wishes")
    name = patient.shown_name(private=request.user.privacy_mode)
    context = {"patient": patient, "name": name, "form": form}
    return render(request, "patients/wish.html", context, status=422 if form.errors else 200)


@require_POST
@requires("patient.change")
def wish_end(request: DeskRequest, wish_id: uuid.UUID) -> HttpResponse:
    wish = get_object_or_404(PatientWish.objects.all(), pk=wish_id)
    patient_id = wish.patient_id
    end_wish(wish=wish, by=request.actor)
    return back(request, patient_id, "Removed")
