"""The pages of complaints: the list, and one ticket with what can be done about it."""

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from messaging import complaints as verbs
from messaging.complaints import ComplaintChanged, ComplaintRefused
from messaging.models import Complaint
from messaging.staff_tasks import NotAColleague
from practices.access import DeskRequest, requires
from practices.audit import record_read
from practices.models import Membership, User

CLOSED_SHOWN = 50
REFUSED = (ComplaintRefused, ComplaintChanged, NotAColleague)


class VersionForm(forms.Form):
    """The version of the ticket that the person saw."""

    version = forms.IntegerField(required=False, min_value=1, max_value=2_147_483_647)


class ChoiceOfColleague(VersionForm):
    """A colleague."""

    person = forms.IntegerField(required=False, min_value=1, max_value=2_147_483_647)


@requires("complaint.view")
@require_GET
def complaints(request: DeskRequest) -> HttpResponse:
    """What is open, the escalated first; `?closed` shows what was resolved lately."""
    closed = "closed" in request.GET
    rows = verbs.open_ones()
    if closed:
        rows = Complaint.objects.exclude(resolved_at=None).select_related("patient", "owner")
        rows = rows.order_by("-resolved_at")[:CLOSED_SHOWN]
    found = list(rows)
    seen = [row.patient_id for row in found if row.patient_id]
    record_read(by=request.actor, patients=seen, screen="complaints")
    lines = [line_of(row, request) for row in found]
    return render(request, "messaging/complaints.html", {"lines": lines, "closed": closed})


def line_of(row: Complaint, request: DeskRequest) -> dict[str, Any]:
    private = request.user.privacy_mode
    words = " ".join(str(row.what_happened).split())
    return {
        "row": row,
        "name": row.patient.shown_name(private=private) if row.patient else "Nobody known",
        "words": "Hidden while privacy is on" if private else words[:160],
        "grounds": [Complaint.Ground(ground).label for ground in row.grounds],
        "overdue": row.resolved_at is None and row.target_at <= timezone.now(),
    }


@requires("complaint.view")
@require_GET
def complaint(request: DeskRequest, complaint_id: uuid.UUID) -> HttpResponse:
    return show(request, complaint_or_404(complaint_id))


def complaint_or_404(complaint_id: uuid.UUID) -> Complaint:
    rows = Complaint.objects.select_related("patient", "owner", "created_by", "resolved_by")
    return get_object_or_404(rows, pk=complaint_id)


def show(request: DeskRequest, row: Complaint, problem: str = "", status: int = 200) -> HttpResponse:
    """The ticket; after a refusal with what was typed and why it was not done."""
    record_read(by=request.actor, patients=filter(None, [row.patient_id]), screen="complaint")
    here = Membership.objects.active().select_related("user").order_by("user__given_name", "pk")
    people = [membership.user for membership in here]
    context = {
        **line_of(row, request),
        "complaint": row,
        "private": request.user.privacy_mode,
        "entries": row.entries.select_related("by"),
        "people": people,
        "watching": [user for user in people if user.pk in row.watchers],
        "not_watching": [user for user in people if user.pk not in row.watchers],
        "choices": [(g.value, g.label) for g in verbs.GIVEN_GROUNDS if g not in row.grounds],
        "problem": problem,
        "typed": request.POST,
        "may_change": request.admission.may("complaint.change"),
    }
    return render(request, "messaging/complaint.html", context, status=status)


def done(
    request: DeskRequest, complaint_id: uuid.UUID, verb: Callable[[Complaint], object], words: str
) -> HttpResponse:
    """Does one verb and goes back to the ticket, or shows it with what is wrong."""
    row = complaint_or_404(complaint_id)
    try:
        verb(row)
    except REFUSED as refusal:
        return show(request, complaint_or_404(complaint_id), str(refusal), 422)
    messages.success(request, words)
    return redirect("complaint", practice=request.practice.slug, complaint_id=complaint_id)


def version_in(request: DeskRequest) -> int | None:
    form = VersionForm(request.POST)
    return form.cleaned_data["version"] if form.is_valid() else None


def colleague(request: DeskRequest) -> User:
    """The chosen person, or the one who asks; raises NotAColleague."""
    form = ChoiceOfColleague(request.POST)
    key = form.cleaned_data.get("person") if form.is_valid() else None
    if not request.POST.get("person"):
        return request.user
    user = User.objects.filter(pk=key).first() if key else None
    if user is None:
        raise NotAColleague("This person does not work here.")
    return user


@requires("complaint.change")
@require_POST
def note(request: DeskRequest, complaint_id: uuid.UUID) -> HttpResponse:
    words = request.POST.get("words", "")
    return done(
        request,
        complaint_id,
        lambda row: verbs.note(complaint=row, words=words, by=request.actor),
        "Written down.",
    )


@requires("complaint.change")
@require_POST
def take(request: DeskRequest, complaint_id: uuid.UUID) -> HttpResponse:
    return done(
        request,
        complaint_id,
        lambda row: verbs.take(
            complaint=row, owner=colleague(request), version=version_in(request), by=request.actor
        ),
        "The complaint has an owner.",
    )


@requires("complaint.change")
@require_POST
def watch(request: DeskRequest, complaint_id: uuid.UUID) -> HttpResponse:
    on = request.POST.get("on") != "no"
    return done(
        request,
        complaint_id,
        lambda row: verbs.watch(complaint=row, user=colleague(request), on=on, by=request.actor),
        "Watches from now on." if on else "Watches no longer.",
    )


@requires("complaint.change")
@require_POST
def escalate(request: DeskRequest, complaint_id: uuid.UUID) -> HttpResponse:
    grounds = request.POST.getlist("grounds")
    return done(
        request,
        complaint_id,
        lambda row: verbs.escalate(
            complaint=row, grounds=grounds, version=version_in(request), by=request.actor
        ),
        "The managers hear of it.",
    )


@requires("complaint.change")
@require_POST
def resolve(request: DeskRequest, complaint_id: uuid.UUID) -> HttpResponse:
    resolution = request.POST.get("resolution", "")
    return done(
        request,
        complaint_id,
        lambda row: verbs.resolve(
            complaint=row, resolution=resolution, version=version_in(request), by=request.actor
        ),
        "Resolved.",
    )
