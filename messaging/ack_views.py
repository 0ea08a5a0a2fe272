"""The page behind the link of an urgent message: looking changes nothing, the button takes the message.

It says whose practice it is and since when the message waits, and nothing of patient or matter.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from messaging.ack_links import Opened, UnknownLink, open_link
from messaging.staff_messages import acknowledge
from messaging.staff_page import short
from practices.access import public_door
from practices.audit import Actor


@csrf_exempt  # whoever could forge the form would have to know the address, which is the secret
@public_door("a private link of 128 random bits to one colleague; SECURITY.md C")
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    try:
        with open_link(token) as link:
            response = answer(request, link)
    except UnknownLink:
        response = page(request, "unknown", status=404)
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response


def answer(request: HttpRequest, link: Opened) -> HttpResponse:
    """Takes the message on POST; says whose it is where somebody has it already."""
    message = link.message
    if message.acknowledged_at is None and message.done_at is None:
        if link.expired:
            return page(request, "expired", link, status=410)
        if request.method != "POST":
            return page(request, "waiting", link)
        by = Actor(kind="staff", door="link", user=link.user, membership=link.membership)
        message = acknowledge(message=message, how="link", by=by)
    holder = message.acknowledged_by or message.done_by
    hers = holder is not None and holder.pk == link.user.pk
    return page(request, "hers" if hers else "taken", link, holder=holder, message_id=message.pk)


def page(
    request: HttpRequest, state: str, link: Opened | None = None, *, status: int = 200, **more: Any
) -> HttpResponse:
    practice = link.practice if link else None
    context = {
        "state": state,
        "mark": practice,
        "since": short(link.message.created_at, link.practice) if link else "",
        **more,
    }
    return render(request, "messaging/accept.html", context, status=status)
