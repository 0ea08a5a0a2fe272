"""The diary of a week and of a month."""

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from frontdesk.board_bar import Shown, asked, bar_context
from frontdesk.month import month_of
from frontdesk.today import NIL
from frontdesk.views.board import beside
from frontdesk.week import days_of_week, week_board, week_table
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.models import Practitioner


@require_GET
@requires("board.view")
def week(request: DeskRequest) -> HttpResponse:
    """The week around a day: of one clinician as columns, of everybody as a table of counts."""
    shown = asked(request, "week")
    days = days_of_week(shown.day)
    context = bar_context(
        request, shown, step=7, words=week_words(days, request.practice.today())
    ) | week_people(request, shown)
    if shown.who:
        private = request.user.privacy_mode
        context["board"] = board = week_board(
            request.practice, days, shown.who, shown.choice, private=private
        )
        record_read(by=request.actor, patients=board.patient_ids if board else [], screen="week")
        context["move_url"] = reverse("appointment-move", args=[request.practice.slug, NIL])
    if not context.get("board"):
        context |= {"days": days, "rows_of_week": week_table(request.practice, days, shown.choice)}
    context |= {"is_now": request.practice.today() in days, "today": request.practice.today()}
    if request.GET.get("fragment"):
        return render(request, "frontdesk/week_body.html", context | {"fragment": True})
    return render(request, "frontdesk/week.html", context | beside(request))


def week_words(days: list[dt.date], today: dt.date) -> str:
    """June 8 – 14, or June 29 – July 5; the year only where it is another one."""
    first, last = days[0], days[-1]
    year = f", {last.year}" if last.year != today.year else ""
    end = f"{last.day}" if first.month == last.month else f"{last:%B} {last.day}"
    return f"{first:%B} {first.day} – {end}{year}"


def week_people(request: DeskRequest, shown: Shown) -> dict[str, Any]:
    """The links to everybody's weeks, in the person's order of columns."""
    people = Practitioner.objects.in_use().order_by().values_list("pk", "short_name", "position")
    mine = [one for one in people if one[0] not in shown.choice.hidden]
    mine.sort(key=lambda one: (shown.choice.place_of(one[0]), one[2], one[1]))
    everybody = {"label": "Everybody", "url": f"?{shown.query(who='')}", "current": not shown.who}
    links = [
        {"label": name, "url": f"?{shown.query(who=key)}", "current": key == shown.who}
        for key, name, _ in mine
    ]
    return {"people": [everybody, *links]}


@require_GET
@requires("board.view")
def month(request: DeskRequest) -> HttpResponse:
    """A month in numbers: no patient is named, so nobody's reading is written down."""
    shown = asked(request, "month")
    found = month_of(request.practice, shown.day, shown.choice)
    context = bar_context(request, shown, words=found.words)
    context |= {
        "month": found,
        "before": found.before,
        "after": found.after,
        "today": request.practice.today(),
    }
    context["is_now"] = found.first == request.practice.today().replace(day=1)
    context["location"] = f"&at={at}" if (at := shown.choice.at) else ""
    part = request.GET.get("fragment")
    return render(request, "frontdesk/month_body.html" if part else "frontdesk/month.html", context)
