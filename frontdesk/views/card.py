"""The practice card as everybody reads it."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from frontdesk.practice_card import shown_card
from practices.access import DeskRequest, requires


@requires("card.view")
@require_http_methods(["GET", "POST"])
def card(request: DeskRequest) -> HttpResponse:
    """The whole card. What is looked for comes by POST: callers' words stay out of addresses."""
    found = shown_card(request.practice, request.POST.get("q", ""), request.POST.get("topic", ""))
    part = request.htmx and request.htmx.target == "card-answers"
    template = "practices/card_answers.html" if part else "practices/card.html"
    return render(request, template, {"shown": found})
