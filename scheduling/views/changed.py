"""What changed since a person last looked, and the press that ends the look."""

import datetime as dt
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from patients.dates import parse_day
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.api_shapes import read_moment
from scheduling.changed import KINDS, Wish, last_look, mark_seen, patients_of, what_changed
from scheduling.drafts import as_uuid
from scheduling.models import Practitioner
from scheduling.words import clock, short_when

SPANS = (("", "Since I looked", None), ("1", "1 day", 1), ("3", "3 days", 3), ("14", "2 weeks", 14))


@require_GET
@requires("appointment.view")
def changed(request: DeskRequest) -> HttpResponse:
    """The list; drawing it ends nothing, so that a second page shows the same."""
    now = timezone.now()
    looked = last_look(request.user)
    wish, problem = wish_of(request, looked, now)
    entries, more = what_changed(request.practice, request.user, wish)
    record_read(by=request.actor, patients=patients_of(entries), screen="changed")
    private, slug = request.user.privacy_mode, request.practice.slug
    rows = [(each, each.visit.patient.shown_name(private=private), each.url(slug)) for each in entries]
    context = {
        **{"rows": rows, "more": more, "wish": wish, "problem": problem, "until": now.isoformat()},
        "looked": short_when(looked, request.practice),
        "until_words": clock(now.astimezone(request.practice.zone)),
        "people": Practitioner.objects.in_use(),
        "kinds": KINDS,
        "spans": [(value, words) for value, words, _ in SPANS],
        "sent": request.GET,
    }
    part = request.GET.get("fragment")
    return render(request, "scheduling/changed_list.html" if part else "scheduling/changed.html", context)


def wish_of(request: DeskRequest, looked: dt.datetime, now: dt.datetime) -> tuple[Wish, str]:
    """What the filter asks for; a day that cannot be read is said and left out."""
    sent: QueryDict = request.GET
    days = next((days for value, _, days in SPANS if days and value == sent.get("span")), None)
    day, problem = None, ""
    if text := sent.get("day", "").strip():
        try:
            day = parse_day(text, request.practice.today())
        except ValueError as refused:
            problem = str(refused)
    since = now - dt.timedelta(days=days) if days else looked
    kind = sent.get("kind", "")
    who = as_uuid(sent.get("who"))
    return Wish(since, who, day, kind if kind in KINDS else "", sent.get("mine") == "1"), problem


@require_POST
@requires("appointment.view")
def seen(request: DeskRequest) -> HttpResponse:
    """Ends the look at the moment the list was drawn; what came after it stays new."""
    until: Any = read_moment(request.POST.get("until", ""))
    if until is not None and until.tzinfo is not None:
        mark_seen(until=until, by=request.actor)
    return redirect("changed", request.practice.slug)
