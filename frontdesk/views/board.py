"""The day's board and what keeps it fresh: the page, its fragment, the stream of changes."""

import datetime as dt
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from frontdesk import live as stream
from frontdesk.queue import needs_you
from frontdesk.today import LEGEND, day_board
from patients.dates import parse_day
from practices.access import DeskRequest, requires, requires_stream
from practices.audit import record_read
from practices.models import Practice
from scheduling.words import short_day

IN_PANEL = 6


@dataclass(frozen=True)
class Shown:
    """Which day is looked at, and how."""

    day: dt.date
    as_list: bool
    status: str
    problem: str = ""


def asked(request: HttpRequest, practice: Practice) -> Shown:
    """Reads `d` in words or digits; what cannot be read shows today and says so."""
    text = request.GET.get("d", "").strip()
    status = request.GET.get("status", "")
    day, problem = practice.today(), ""
    if text:
        try:
            day = parse_day(text, day)
        except ValueError as refused:
            problem = str(refused)
    return Shown(day, request.GET.get("view") == "list", status if status in LEGEND else "", problem)


@require_GET
@requires("board.view")
def today(request: DeskRequest) -> HttpResponse:
    """A day's board, or its list; `fragment=board` gives only the part that changes."""
    shown = asked(request, request.practice)
    board = day_board(request.practice, shown.day, private=request.user.privacy_mode)
    record_read(by=request.actor, patients=board.patient_ids, screen="list" if shown.as_list else "board")
    context = {
        "board": board,
        "shown": shown,
        "day_words": short_day(shown.day, shown.day - dt.timedelta(days=30)),
        "near": short_day(shown.day, request.practice.today()),
        "before": shown.day - dt.timedelta(days=1),
        "after": shown.day + dt.timedelta(days=1),
    }
    if request.GET.get("fragment") == "board":
        return render(request, "frontdesk/today_board.html", context | {"fragment": True})
    rows = needs_you(request.practice, viewer=request.user)
    return render(request, "frontdesk/today.html", context | {"rows": rows[:IN_PANEL], "waiting": len(rows)})


@require_GET
@requires_stream("desk.view")
async def live(request: DeskRequest) -> HttpResponseBase:
    """The stream of changes: names of regions, never what changed (ARCHITECTURE rule 11)."""
    return await stream.answer(request)
