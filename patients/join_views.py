"""The page on which a manager joins two records of one person: who it may be, what moves, and the step."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from patients import records
from patients.joining import STAY, CannotBeJoined, join_records, pointing_at
from patients.models import Patient
from patients.search import Match, likely_duplicates
from patients.shown import hits, patient_or_404
from practices.access import DeskRequest, requires


@require_http_methods(["GET", "HEAD", "POST"])
@requires("practice.change")
def join(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Shows records that may be the same person's, then what would move; POST joins. There is no way back."""
    keep = patient_or_404(patient_id)
    if request.method == "POST":
        return joined(request, keep, other_of(request.POST.get("other", "")))
    other = other_of(request.GET["with"]) if "with" in request.GET else None
    return show(request, keep, other)


def other_of(text: str) -> Patient:
    try:
        return patient_or_404(uuid.UUID(text))
    except ValueError:
        raise Http404 from None


def joined(request: DeskRequest, keep: Patient, other: Patient) -> HttpResponse:
    """Joins, or says why not."""
    try:
        join_records(keep=keep, other=other, by=request.actor)
    except CannotBeJoined as refusal:
        return show(request, keep, None, problem=str(refusal))
    messages.success(request, "The records are one now.")
    return redirect("patient", request.practice.slug, keep.pk)


def show(request: DeskRequest, keep: Patient, other: Patient | None, problem: str = "") -> HttpResponse:
    found = [Match(other, "name", 100.0)] if other else twins(keep)
    context = records.head(keep, request.admission, "overview") | {
        "hits": hits(request, [Match(keep, "name", 100.0), *found], "likely duplicates")[1:],
        "other": other,
        "moves": what_moves(other) if other else [],
        "problem": problem,
    }
    return render(request, "patients/join.html", context, status=422 if problem else 200)


def twins(keep: Patient) -> list[Match]:
    """Records in use that may be the same person's."""
    phones = [point.value for point in keep.contact_points.all() if "@" not in point.value]
    found = likely_duplicates(
        given=keep.given,
        family=keep.family,
        birth_date=keep.birth_date,
        phone=phones[0] if phones else "",
        limit=10,
    )
    return [match for match in found if match.patient.pk != keep.pk and match.patient.active]


def what_moves(other: Patient) -> list[tuple[str, int]]:
    """How many rows of each kind would come along, the most first; one count a kind of row."""
    counts: dict[str, int] = {}
    for rows, name in pointing_at(Patient):
        if rows not in STAY:
            kind = str(rows._meta.verbose_name_plural)
            counts[kind] = counts.get(kind, 0) + rows._default_manager.filter(**{name: other}).count()
    return sorted(((kind, count) for kind, count in counts.items() if count), key=lambda pair: -pair[1])
