"""The calls of all practices of a person: the strip of every page, and the same as a page."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from frontdesk.strip import strip_for, strip_of
from practices.access import DeskRequest, everywhere

COOKIE = "calls"  # says only that there is a strip: the next page is drawn with it


@require_GET
@everywhere("call.view")
def all_calls(request: DeskRequest) -> HttpResponse:
    """Every call that rings, is spoken on or waits; `fragment` gives the chips alone."""
    found = strip_for(request.user)
    if not found:
        raise Http404
    strip = strip_of(part for _, part in found)
    wanted = request.GET.get("fragment")
    template = "frontdesk/calls/strip.html" if wanted in {"strip", "list"} else "frontdesk/calls/all.html"
    context = {
        "strip": strip,
        "chips": strip.shown if wanted == "strip" else strip.chips,
        "others": [(at.practice, call) for at, part in found for call in part.others],
        "places": [at.practice for at, _ in found],
    }
    return remember_place(request, render(request, template, context), there=not strip.is_empty)


def remember_place(request: DeskRequest, answer: HttpResponse, *, there: bool) -> HttpResponse:
    """Lets the next page have its strip from the start, so that nothing jumps under the pointer."""
    if there and request.COOKIES.get(COOKIE) != "1":
        answer.set_cookie(
            COOKIE, "1", httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE, max_age=3600
        )
    elif not there and COOKIE in request.COOKIES:
        answer.delete_cookie(COOKIE, samesite="Lax")
    return answer
