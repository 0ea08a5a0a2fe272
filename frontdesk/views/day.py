"""The clinician's day, made for a phone in one hand."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from frontdesk.brief import day_words
from frontdesk.clinician_day import clinician_day
from frontdesk.views.answers import done_with
from practices.access import DeskRequest, requires
from practices.audit import record_read
from practices.models import Role
from scheduling.changed import count_unseen
from scheduling.drafts import as_uuid, as_version
from scheduling.flow import Stage, set_stage
from scheduling.late_page import may_change
from scheduling.meetings import is_by_video, meeting_of
from scheduling.models import Appointment, Practitioner
from scheduling.refusals import BookingRefused


def may_choose(request: DeskRequest) -> bool:
    """Who works at the desk may look at anybody's day; a clinician at her own."""
    membership = request.admission.membership
    return membership.has(Role.RECEPTIONIST) or membership.has(Role.MANAGER)


def whose(request: DeskRequest) -> Practitioner | None:
    people = Practitioner.objects.in_use().select_related("room")
    wanted = as_uuid(request.GET.get("who"))
    if wanted and may_choose(request):
        return get_object_or_404(people, pk=wanted)
    return people.filter(user=request.user).first()


@requires("day.view")
@require_GET
def day(request: DeskRequest) -> HttpResponse:
    practitioner = whose(request)
    if practitioner is None:
        people = Practitioner.objects.in_use() if may_choose(request) else Practitioner.objects.none()
        return render(request, "frontdesk/day_whose.html", {"people": people})
    context = day_context(request, practitioner)
    live = request.htmx.target == "day-body"
    return render(request, "frontdesk/day_body.html" if live else "frontdesk/day.html", context)


def day_context(request: DeskRequest, practitioner: Practitioner) -> dict[str, Any]:
    practice = request.practice
    today = clinician_day(practice, practitioner, practice.today(), timezone.now(), request.user)
    record_read(by=request.actor, patients=[row.visit.patient_id for row in today.rows], screen="day")
    chosen = as_uuid(request.GET.get("v"))
    row = today.row(chosen)
    meeting = meeting_of(row.visit) if row else ""
    return {
        "day": today,
        "unseen": count_unseen(practice, request.user, practitioner.pk),
        "row": row,
        "meeting": meeting,
        "no_meeting": bool(row and is_by_video(row.visit) and not meeting),
        "chosen": chosen if row and row.visit.pk == chosen else None,
        "day_words": day_words(practice.today()),
        "own": practitioner.user_id == request.user.pk,
        "who": "" if practitioner.user_id == request.user.pk else str(practitioner.pk),
        "may_choose": may_choose(request),
        "may_say": may_change(request.admission, practitioner),
    }


@requires("appointment.flow")
@require_POST
def stage(request: DeskRequest, appointment_id: uuid.UUID) -> HttpResponse:
    """The next step of a visit, straight from the day."""
    visit = get_object_or_404(Appointment.objects.with_people(), pk=appointment_id)
    wanted = request.POST.get("stage", "")
    if wanted not in Stage.values:
        raise Http404
    try:
        version = as_version(request.POST.get("version"))
        set_stage(appointment=visit, stage=wanted, version=version, by=request.actor)
    except BookingRefused as refusal:
        return refused_on_day(request, str(refusal))
    return done_with(request, f"{Stage(wanted).label}.", to="day", regions="appointments queue changes")


def refused_on_day(request: DeskRequest, words: str) -> HttpResponse:
    messages.error(request, words)
    return HttpResponseClientRefresh() if request.htmx else redirect("day", request.practice.slug)
