"""The day's board and its list: the page and the fragments that keep it fresh."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from frontdesk.board_bar import Shown, asked, bar_context
from frontdesk.dayplan import DAY, Span, clock, minute_of
from frontdesk.queue import first_rows
from frontdesk.today import NIL, STEP, Board, day_board, stages_of
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.change_bar import change_rows
from scheduling.changed import count_unseen

IN_PANEL = 6


def page_context(request: DeskRequest, shown: Shown, board: Board) -> dict[str, Any]:
    """What the templates need besides the board: addresses that keep the view, and the time."""
    practice = request.practice
    now = practice.now()
    places = {place.id: place.name for place in shown.choice.locations}
    return bar_context(request, shown) | {
        "board": board,
        "groups": [(places.get(key, "Elsewhere"), many) for key, many in board.groups]
        if shown.choice.by_location
        else [],
        "move_url": reverse("appointment-move", args=[practice.slug, NIL]),
        "now_step": max(0, (minute_of(now.time()) - board.window.start) // STEP),
        "now_words": clock(minute_of(now.time())),
    }


@require_GET
@requires("board.view")
def today(request: DeskRequest) -> HttpResponse:
    """A day's board.

    `fragment=board` gives only the part that changes, `fragment=column&who=…` only these clinicians' columns.
    """
    if request.GET.get("view") == "list":  # an address from before the list had one of its own
        return redirect(f"{reverse('list', args=[request.practice.slug])}?{asked(request, 'list').here}")
    if request.GET.get("fragment") == "column" and (answer := some_columns(request)):
        return answer
    return day_page(request, asked(request, "today"))


@require_GET
@requires("board.view")
def day_list(request: DeskRequest) -> HttpResponse:
    """The same day as a table, with what was cancelled."""
    return day_page(request, asked(request, "list"))


def day_page(request: DeskRequest, shown: Shown) -> HttpResponse:
    """The page, or with `fragment` the part that changes."""
    board = day_board(request.practice, shown.day, private=request.user.privacy_mode, choice=shown.choice)
    record_read(by=request.actor, patients=board.patient_ids, screen="list" if shown.as_list else "board")
    context = page_context(request, shown, board)
    if request.GET.get("fragment"):
        return render(request, "frontdesk/today_board.html", context | {"fragment": True})
    return render(request, "frontdesk/today.html", context | beside(request))


def beside(request: DeskRequest) -> dict[str, Any]:
    """The panel of what needs somebody, the bar of the last changes, and how many others made."""
    rows, request.waiting = first_rows(
        request.practice,
        viewer=request.user,
        limit=IN_PANEL,
        complaints=request.admission.may("complaint.view"),
    )
    changes = change_rows(request.practice, request.user)
    patients = [row.patient_id for row in rows if row.patient_id]
    patients += [row.change.appointment.patient_id for row in changes]
    record_read(by=request.actor, patients=patients, screen="queue")
    unseen = count_unseen(request.practice, request.user)
    return {"rows": rows, "waiting": request.waiting, "changes": changes, "unseen": unseen}


def some_columns(request: DeskRequest) -> HttpResponse | None:
    """The columns of `who` as they stand in a board drawn `from` minute `to` minute, and the legend.

    None where the board has to be drawn anew: a visit lies outside its hours, or a column goes.
    """
    shown = asked(request, "today", plain=True)
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
