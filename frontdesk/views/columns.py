"""The dialog in which a person chooses and orders her columns."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from frontdesk.column_form import Line, lines_of, moved, read_lines
from frontdesk.columns import choice_of
from practices.access import DeskRequest, requires
from practices.models import Location
from scheduling.board_choice import ChoiceRefused, choose_columns, forget_columns
from scheduling.drafts import as_uuid

VIEWS = ("today", "week", "month", "list")


@require_http_methods(["GET", "POST"])
@requires("board.view")
def columns(request: DeskRequest) -> HttpResponse:
    """Which columns show and in which order; without a script the arrows send the whole form."""
    if request.method != "POST":
        choice = choice_of(request.user)
        place, grouped = str(choice.location or ""), choice.by_location
        return page(request, lines_of(choice), place, grouped)
    if "forget" in request.POST:
        forget_columns(by=request.actor)
        return back(request, "All clinicians, in the practice’s order.")
    lines, place = read_lines(request.POST), request.POST.get("location", "")
    grouped = request.POST.get("by_location") == "on"
    if step := request.POST.get("move"):
        return page(request, moved(lines, step), place, grouped)
    try:
        keep(request, lines, as_uuid(place), grouped)
    except ChoiceRefused as refusal:
        return page(request, lines, place, grouped, problem=str(refusal))
    return back(request, "Your columns are kept.")


def keep(request: DeskRequest, lines: list[Line], place: uuid.UUID | None, grouped: bool) -> None:
    choose_columns(
        order=[line.key for line in lines],
        shown=[line.key for line in lines if line.shown],
        location=place,
        by_location=grouped,
        by=request.actor,
    )


def page(
    request: DeskRequest, lines: list[Line], place: str, grouped: bool, *, problem: str = ""
) -> HttpResponse:
    context: dict[str, Any] = {"lines": lines, "place": place, "grouped": grouped, "problem": problem}
    context |= {"locations": Location.objects.order_by("name"), "back": came_from(request)}
    return render(request, "frontdesk/columns.html", context, status=422 if problem else 200)


def came_from(request: DeskRequest) -> str:
    """The view and day that the person came from, as she sent it; today where she sent nonsense."""
    asked = request.POST if request.method == "POST" else request.GET
    view, day = asked.get("view", ""), asked.get("d", "")
    url = reverse(view if view in VIEWS else "today", args=[request.practice.slug])
    return f"{url}?d={day}" if day.replace("-", "").isdigit() and day.isascii() else url


def back(request: DeskRequest, words: str) -> HttpResponse:
    messages.success(request, words)
    if request.htmx:
        response = HttpResponse(status=204)
        response["HX-Redirect"] = came_from(request)
        return response
    return redirect(came_from(request))
