"""How a button of a page answers: quietly to a script, with a page to everybody else."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import trigger_client_event

from practices.access import DeskRequest
from scheduling.words import clock


def done_with(
    request: DeskRequest, words: str, *, to: str, regions: str, saved: bool = False
) -> HttpResponse:
    """The thing is done: regions refresh and the words are spoken; without a script, back to `to`."""
    if not request.htmx:
        if words:
            messages.success(request, words)
        return redirect(to, request.practice.slug)
    response = HttpResponse(status=204)
    trigger_client_event(response, "dialogClose", {})
    if regions:
        trigger_client_event(response, "refresh", {"value": regions})
    if words:
        trigger_client_event(response, "announce", {"value": words})
    if saved:
        trigger_client_event(response, "saved", {"value": clock(request.practice.now()).rpartition(" ")[0]})
    return response


def refused(request: DeskRequest, words: str, *, to: str) -> HttpResponse:
    """The thing could not be done: the words are spoken at once and shown, nothing else changes."""
    messages.error(request, words)
    if not request.htmx:
        return redirect(to, request.practice.slug)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = reverse(to, args=[request.practice.slug])
    return response
