"""The day's board: the page and the fragments that keep it fresh."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from frontdesk.cards import LEGEND
from frontdesk.dayplan import DAY, Span, clock, minute_of
from frontdesk.queue import first_rows
from frontdesk.today import NIL, STEP, Board, day_board, stages_of
from patients.dates import parse_day
from practices.access import DeskRequest, requires
from practices.audit import record_read
from practices.models import Practice
from scheduling.change_bar import change_rows

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
            day = nearby(parse_day(text, day))
        except ValueError as refused:
            problem = str(refused)
    return Shown(day, request.GET.get("view") == "list", status if status in LEGEND else "", problem)


def nearby(day: dt.date) -> dt.date:
    """The same date, if a practice can have visits then."""
    if not 1970 <= day.year <= 2200:
        raise ValueError(f"The year {day.year} is too far away.")
    return day


def words_of(day: dt.date, today: dt.date) -> str:
    """Tue, June 9; the year only where it is another one."""
    year = "" if day.year == today.year else f", {day.year}"
    return f"{day:%a}, {day:%B} {day.day}{year}"


def page_context(request: DeskRequest, shown: Shown, board: Board) -> dict[str, Any]:
    """What the templates need besides the board: addresses that keep the view, and the time."""
    practice = request.practice
    as_list = {"view": "list"} if shown.as_list else {}
    status = {"status": shown.status} if shown.status else {}
    now = practice.now()
    return {
        "board": board,
        "shown": shown,
        "day_words": words_of(shown.day, now.date()),
        "before": shown.day - dt.timedelta(days=1),
        "after": shown.day + dt.timedelta(days=1),
        "keep_view": f"&{urlencode(as_list)}" if as_list else "",
        "keep": f"&{urlencode(as_list | status)}" if as_list or status else "",
        "book_url": reverse("book", args=[practice.slug]),
        "move_url": reverse("appointment-move", args=[practice.slug, NIL]),
        "now_step": max(0, (minute_of(now.time()) - board.window.start) // STEP),
        "now_words": clock(minute_of(now.time())),
    }


@require_GET
@requires("board.view")
def today(request: DeskRequest) -> HttpResponse:
    """A day's board, or its list.

    `fragment=board` gives only the part that changes, `fragment=column&who=…` only these clinicians' columns.
    """
    shown = asked(request, request.practice)
    part = request.GET.get("fragment", "")
    if part == "column" and (answer := some_columns(request, shown)):
        return answer
    board = day_board(request.practice, shown.day, private=request.user.privacy_mode)
    record_read(by=request.actor, patients=board.patient_ids, screen="list" if shown.as_list else "board")
    context = page_context(request, shown, board)
    if part:
        return render(request, "frontdesk/today_board.html", context | {"fragment": True})
    context["rows"], context["waiting"] = first_rows(
        request.practice,
        viewer=request.user,
        limit=IN_PANEL,
        complaints=request.admission.may("complaint.view"),
    )
    request.waiting = context["waiting"]
    context["changes"] = change_rows(request.practice, request.user)
    beside = [row.patient_id for row in context["rows"] if row.patient_id]
    beside += [row.change.appointment.patient_id for row in context["changes"]]
    record_read(by=request.actor, patients=beside, screen="queue")
    return render(request, "frontdesk/today.html", context)


def some_columns(request: DeskRequest, shown: Shown) -> HttpResponse | None:
    """The columns of `who` as they stand in a board drawn `from` minute `to` minute, and the legend.

    None where the board has to be drawn anew: a visit lies outside its hours, or a column goes.
    """
    try:
        who = {uuid.UUID(text) for text in request.GET.getlist("who")}
        window = Span(int(request.GET.get("from", "")), int(request.GET.get("to", "")))
        if not who or not 0 <= window.start < window.end <= DAY:
            return None
        private = request.user.privacy_mode
        board = day_board(request.practice, shown.day, private=private, who=who, window=window)
    except (ValueError, LookupError):
        return None
    record_read(by=request.actor, patients=board.patient_ids, screen="board")
    board.counts = stages_of(shown.day)
    response = render(request, "frontdesk/today_columns.html", {"board": board, "shown": shown})
    response["X-Live-Parts"] = "1"
    return response
