"""Today in all practices of one person."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from frontdesk.all_today import house_of
from practices.access import DeskRequest, admissions, everywhere


@everywhere("board.view")
@require_GET
def all_today(request: DeskRequest) -> HttpResponse:
    """A row a practice, in counts; no patient is shown, so nobody's reading is written down."""
    houses = [house_of(admission) for admission in admissions(request)]
    part = request.htmx and request.htmx.target == "all-today"
    template = "frontdesk/all_today_rows.html" if part else "frontdesk/all_today.html"
    return render(request, template, {"houses": houses})
