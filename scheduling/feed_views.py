"""The door through which calendar programs read a clinician's visits."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

from practices.access import public_door
from scheduling.feeds import UnknownFeed, count_reading, feed_calendar, note_names_read, reading

WAIT = "Too often. Wait a minute."
TYPE = "text/calendar; charset=utf-8"


@public_door("a clinician’s private address of 192 random bits, hashed, revocable; docs/data-protection.md")
@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """The visits as iCalendar; 304 while nothing has changed, 429 beyond thirty times a minute."""
    now = timezone.now()
    try:
        with reading(token) as found:
            if not count_reading(found, now):
                return dressed(
                    HttpResponse("Too often. Wait a minute.", status=429, headers={"Retry-After": "60"})
                )
            content = feed_calendar(found, now)
            etag = quote_etag(hashlib.sha256(content).hexdigest())
            unchanged = get_conditional_response(request, etag=etag)
            if unchanged is not None:
                return dressed(unchanged)
            note_names_read(found, now)
    except UnknownFeed:
        return dressed(HttpResponse("There is no such calendar.", status=404, content_type="text/plain"))
    return dressed(HttpResponse(content, content_type=TYPE, headers={"ETag": etag}))


def dressed(response: HttpResponse) -> HttpResponse:
    """Kept by nobody but the program that asks, which asks again each time."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
