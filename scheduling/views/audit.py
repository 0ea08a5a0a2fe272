"""The schedule audit: what is wrong between two days, the ways out, and a word where it is right as it is."""

import datetime as dt
import json
import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.audit.check import Check
from scheduling.audit.checks import BY_NAME, CHECKS
from scheduling.audit.looking import AHEAD, BadRange
from scheduling.audit.page import audit_page
from scheduling.audit.repairs import NoLonger, find_again, repair
from scheduling.audit.settling import LONGEST_WORD, NoWord, open_again, settle_finding
from scheduling.booking import BookingRefused
from scheduling.drafts import as_version
from scheduling.models import Appointment, SettledFinding
from scheduling.regions import columns_of

UNFINISHED = 422


@require_GET
@requires("audit-schedule.view")
def audit(request: DeskRequest) -> HttpResponse:
    """What is wrong from `from` to `until`, else in two weeks from today; `fragment` gives the list alone."""
    today = request.practice.today()
    context: dict[str, Any] = {"page": None, "problem": "", "field": "", "checks": CHECKS}
    context |= {"sent": sent_range(request.GET, today), "longest_word": LONGEST_WORD}
    try:
        first, last = read_range(request.GET, today)
        page = context["page"] = audit_page(request.practice, request.user, first, last)
        record_read(by=request.actor, patients=page.patients, screen="audit")
    except BadRange as bad:
        context |= {"problem": str(bad), "field": bad.field}
    part = "audit_list" if request.GET.get("fragment") else "audit"
    status = UNFINISHED if context["problem"] else 200
    return render(request, f"scheduling/{part}.html", context, status=status)


def sent_range(data: QueryDict, today: dt.date) -> dict[str, str]:
    """What the two fields show: what was typed, else the days that are looked at."""
    first, last = today.isoformat(), (today + dt.timedelta(days=AHEAD)).isoformat()
    return {"first": data.get("from", first), "last": data.get("until", last)}


def read_range(data: QueryDict, today: dt.date) -> tuple[dt.date, dt.date]:
    """The two days; raises BadRange for what is no day."""
    days = []
    for name, usual in (("from", 0), ("until", AHEAD)):
        try:
            text = data.get(name, "").strip()
            days.append(dt.date.fromisoformat(text) if text else today + dt.timedelta(days=usual))
        except ValueError:
            raise BadRange("Write the day as 2026-11-25.", name) from None
    if not data.get("until", "").strip() and data.get("from", "").strip():
        days[1] = days[0]
    return days[0], days[1]


def named(request: DeskRequest) -> tuple[Check, Appointment]:
    """Which finding a form is about: its check and its visit."""
    check = BY_NAME.get(request.POST.get("check", ""))
    try:
        key = uuid.UUID(request.POST.get("appointment", ""))
    except ValueError:
        raise Http404 from None
    if check is None:
        raise Http404
    return check, get_object_or_404(Appointment.objects.with_people(), pk=key)


def answered(request: DeskRequest, words: str, *regions: str, problem: bool = False) -> HttpResponse:
    """The list is read anew and the words are spoken; without a script, the page again."""
    days = {name: request.POST[name] for name in ("from", "until") if request.POST.get(name)}
    query = QueryDict(mutable=True)
    query.update(days)
    where = f"{reverse('audit', args=[request.practice.slug])}?{query.urlencode()}"
    if not request.htmx:
        (messages.error if problem else messages.success)(request, words)
        return redirect(where)
    if problem:
        messages.error(request, words)
        response = HttpResponse(status=204)
        response["HX-Redirect"] = where
        return response
    response = HttpResponse(status=204)
    refresh = " ".join([*(regions or ["audit"]), "changes"])
    response["HX-Trigger"] = json.dumps({"refresh": refresh, "announce": words})
    return response


@require_POST
@requires("appointment.change")
def mend(request: DeskRequest) -> HttpResponse:
    """Carries one way out of a finding; the bar below the page takes it back."""
    check, visit = named(request)
    name, version = request.POST.get("repair", ""), as_version(request.POST.get("version"))
    try:
        words, stands = repair(check=check, visit=visit, name=name, version=version, by=request.actor)
    except BookingRefused as refusal:
        return answered(request, str(refusal), problem=True)
    return answered(request, words, "audit", *columns_of(stands, visit), "queue")


@require_POST
@requires("audit-schedule.change")
def settle(request: DeskRequest) -> HttpResponse:
    """Somebody says in a word why a finding is right as it is."""
    check, visit = named(request)
    try:
        found = find_again(check, visit)
        settle_finding(found=found, word=request.POST.get("word", ""), by=request.actor)
    except (NoLonger, NoWord) as refusal:
        return answered(request, str(refusal), problem=True)
    return answered(request, "Settled. It can be opened again below.", "audit", "reviews")


@require_POST
@requires("audit-schedule.change")
def again(request: DeskRequest, settled_id: uuid.UUID) -> HttpResponse:
    """Takes a word back."""
    settled = get_object_or_404(SettledFinding.objects.select_related("appointment"), pk=settled_id)
    open_again(settled=settled, by=request.actor)
    return answered(request, "Open again.", "audit", "reviews")
