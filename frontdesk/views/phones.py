"""The page of the phones."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from frontdesk.phones import phones_of
from practices.access import DeskRequest, requires
from practices.audit import record_read


@requires("call.view")
@require_GET
def phones(request: DeskRequest) -> HttpResponse:
    """Who waits, the day by the hour, repeats, promises, the calls; `fragment` is the part that changes."""
    page = phones_of(request.practice, request.user)
    record_read(by=request.actor, patients=page.seen, screen="phones")
    name = "frontdesk/phones_body.html" if "fragment" in request.GET else "frontdesk/phones.html"
    return render(request, name, {"page": page})
