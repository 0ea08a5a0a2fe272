"""Pages of the patients: search, a new patient, the record, its details and who looked at it."""

import datetime as dt
import uuid
from typing import Any, cast

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from patients import merging, records
from patients.forms import (
    HOW_CHOICES,
    ConsentForm,
    DuplicatesForm,
    EditPatientForm,
    NewPatientForm,
    SearchForm,
    initial_from,
)
from patients.models import Patient
from patients.privacy import disclosures
from patients.registry import (
    InvalidPatient,
    StalePatient,
    record_consent,
    register_patient,
    update_patient,
)
from patients.search import LONGEST_TEXT, Match, find_patients, likely_duplicates
from patients.shown import hits, patient_or_404
from patients.wishes import wishes_of
from practices.access import DeskRequest, requires
from practices.audit import record, record_read

PAGE_LIMIT = 50
PALETTE_LIMIT = 8
LATELY = dt.timedelta(days=3)


def to_record(request: DeskRequest, patient: Patient) -> HttpResponse:
    address = reverse("patient", args=[request.practice.slug, patient.pk])
    return HttpResponseRedirect(address, status=303)


@require_http_methods(["GET", "POST"])
@requires("patient.search")
def patients(request: DeskRequest) -> HttpResponse:
    """Search as a page. The text comes by POST: an address would end up in logs and histories."""
    return search_page(request)


@require_http_methods(["GET", "POST"])
@requires("patient.search")
def search(request: DeskRequest) -> HttpResponse:
    """The palette under the search box; without scripts the same page as `patients`."""
    if not request.htmx or request.method == "GET":
        return search_page(request)
    form = SearchForm(request.POST)
    text = form.cleaned_data["q"] if form.is_valid() else ""
    matches = find_patients(text, limit=PALETTE_LIMIT + 1)
    context = {
        "hits": hits(request, matches[:PALETTE_LIMIT], "search"),
        "more": "Some" if len(matches) > PALETTE_LIMIT else "",
        "text": text or request.POST.get("q", "").strip()[:LONGEST_TEXT],
        "add_url": reverse("patient-new", args=[request.practice.slug]) if may_add(request) else "",
    }
    return render(request, "components/search_results.html", context)


def may_add(request: DeskRequest) -> bool:
    return request.admission.may("patient.change")


def search_page(request: DeskRequest) -> HttpResponse:
    form = SearchForm(request.POST if request.method == "POST" else None)
    text = form.cleaned_data["q"].strip() if form.is_bound and form.is_valid() else ""
    matches = find_patients(text, limit=PAGE_LIMIT) if text else []
    if not form.is_bound:
        since = request.practice.now() - LATELY
        matches = [Match(patient, "name", 1.0) for patient in records.opened_lately(request.user, since)]
    context = {
        "form": form,
        "text": text,
        "typed": request.POST.get("q", "")[:1000],
        "may_change": may_add(request),
        "hits": hits(request, matches, "search"),
    }
    return render(request, "patients/search.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@requires("patient.change")
def new(request: DeskRequest) -> HttpResponse:
    """Registers a patient. A POST without names comes from a search and only fills the form."""
    if "given" not in request.POST:
        form = NewPatientForm(initial=initial_from(request.POST.get("q", "")[:LONGEST_TEXT]))
        return render(request, "patients/new.html", {"form": form})
    form = NewPatientForm(request.POST)
    if form.is_valid():
        try:
            patient = register_patient(
                **form.person(),
                phones=form.contacts("phone"),
                emails=form.contacts("email"),
                consents=form.consents(),
                by=request.actor,
            )
            return to_record(request, patient)
        except InvalidPatient as refused:
            form.refuse(refused.errors)
    return render(request, "patients/new.html", {"form": form}, status=422)


@require_POST
@requires("patient.search")
def duplicates(request: DeskRequest) -> HttpResponse:
    """Patients who may be the one that is being written down, shown beside the name."""
    matches = likely_duplicates(**DuplicatesForm(request.POST).asked())
    context = {"hits": hits(request, matches, "duplicates")}
    return render(request, "patients/duplicates.html", context)


@require_GET
@requires("patient.view")
def record_page(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The record: what must be known first, how to reach the patient, and the panels of other apps."""
    return show_record(request, patient_or_404(patient_id))


def show_record(request: DeskRequest, patient: Patient, status: int = 200) -> HttpResponse:
    record_read(by=request.actor, patients=[patient.pk], screen="record")
    context = records.head(patient, request.admission, "overview") | {
        "consents": records.consents(patient),
        "needs": records.needs(patient),
        "wishes": wishes_of(patient),
        **records.around(patient),
        "how_choices": HOW_CHOICES,
        "may_join": patient.active and request.admission.may("practice.change"),
        "panels": panels(request, patient),
    }
    return render(request, "patients/record.html", context, status=status)


def panels(request: DeskRequest, patient: Patient) -> list[str]:
    """Addresses of the panels that other apps put on a record."""
    found = []
    for name in settings.PATIENT_PANELS:
        try:
            found.append(reverse(name, args=[request.practice.slug, patient.pk]))
        except NoReverseMatch:
            continue  # that app has no panel in this installation
    return found


@require_http_methods(["GET", "POST"])
@requires("patient.change")
def edit(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Changes the details; what somebody else changed meanwhile is shown beside what was typed."""
    patient = patient_or_404(patient_id)
    if request.method == "GET":
        return show_edit(request, patient, EditPatientForm(patient=patient))
    form = EditPatientForm(merging.settled(request.POST, patient))
    if form.is_valid():
        try:
            update_patient(
                patient=patient,
                version=form.cleaned_data["version"],
                changes=form.person(),
                phones=form.contacts("phone"),
                emails=form.contacts("email"),
                by=request.actor,
            )
            return to_record(request, patient)
        except InvalidPatient as refused:
            form.refuse(refused.errors)
        except StalePatient as stale:
            return show_conflict(request, patient, form, stale.current)
    return show_edit(request, patient, form, status=422)


def show_conflict(
    request: DeskRequest, patient: Patient, form: EditPatientForm, current: Patient
) -> HttpResponse:
    """What was typed beside what is stored now, to pick field by field."""
    own, sent = {"version", "csrfmiddlewaretoken"}, cast(QueryDict, form.data)
    context = {
        "choices": merging.choices(form, current),
        "typed": [(name, value) for name, values in sent.lists() if name not in own for value in values],
        "version": current.version,
        "last_change": merging.last_change(current),
    }
    return show_edit(request, patient, form, status=409, **context)


def show_edit(
    request: DeskRequest, patient: Patient, form: EditPatientForm, status: int = 200, **extra: Any
) -> HttpResponse:
    record_read(by=request.actor, patients=[patient.pk], screen="details")
    context = records.head(patient, request.admission, "details") | {"form": form} | extra
    template = "patients/conflict.html" if "choices" in extra else "patients/edit.html"
    return render(request, template, context, status=status)


@require_POST
@requires("patient.change")
def consent(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Records a yes or no to texts or e-mail."""
    patient = patient_or_404(patient_id)
    form = ConsentForm(request.POST)
    if not form.is_valid():
        return show_record(request, patient, status=422)
    given = form.cleaned_data
    record_consent(
        patient=patient,
        channel=given["channel"],
        granted=given["granted"] == "yes",
        how=given["how"],
        by=request.actor,
    )
    return redirect(reverse("patient", args=[request.practice.slug, patient.pk]))


@require_GET
@requires("audit.view")
def access_log(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Who saw and who changed the record; looking is written down too."""
    patient = patient_or_404(patient_id)
    record("access_log.viewed", patient, by=request.actor, patient_id=patient.pk)
    record_read(by=request.actor, patients=[patient.pk], screen="access log")
    events = records.access_log(patient, request.practice)
    told = disclosures(patient.pk)
    context = records.head(patient, request.admission, "access") | {"events": events, "disclosures": told}
    return render(request, "patients/access_log.html", context)
