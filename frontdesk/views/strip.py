"""The calls of all practices of a person: the strip of every page, and the same as a page."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from frontdesk.strip import Part, part_of, strip_of
from practices.access import DeskRequest, admissions, everywhere
from practices.audit import record_read
from practices.models import Practice

COOKIE = "calls"  # says only that a strip is there: the next page keeps its place free


@require_GET
@everywhere("call.view")
def all_calls(request: DeskRequest) -> HttpResponse:
    """Every call that rings, is spoken on or waits; `fragment` gives the chips alone."""
    found: list[tuple[Practice, Part]] = []
    for admission in admissions(request):
        part = part_of(admission, private=request.user.privacy_mode)
        seen = [patient for chip in part.chips for patient in chip.patients]
        record_read(by=admission.actor, patients=seen, screen="calls")
        found.append((admission.practice, part))
    strip = strip_of(part for _, part in found)
    wanted = request.GET.get("fragment")
    template = "frontdesk/calls/strip.html" if wanted in {"strip", "list"} else "frontdesk/calls/all.html"
    context = {
        "strip": strip,
        "chips": strip.shown if wanted == "strip" else strip.chips,
        "others": [(practice, call) for practice, part in found for call in part.others],
        "places": [practice for practice, _ in found],
    }
    return remember_place(request, render(request, template, context), there=not strip.is_empty)


def remember_place(request: DeskRequest, answer: HttpResponse, *, there: bool) -> HttpResponse:
    """Lets the next page keep the strip's place free, so that nothing jumps under the pointer."""
    if there and request.COOKIES.get(COOKIE) != "1":
        answer.set_cookie(
            COOKIE, "1", httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE, max_age=3600
        )
    elif not there and COOKIE in request.COOKIES:
        answer.delete_cookie(COOKIE, samesite="Lax")
    return answer
