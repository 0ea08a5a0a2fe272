"""Settings of the team's messages: who is on call, where kinds go, the digest, the pace of urgent ones."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from messaging import on_call, routing, staff_rules
from messaging.models import DeskRules, OnCallShift, StaffMessage
from messaging.on_call import ShiftRefused
from messaging.routing import House, Route
from messaging.staff_forms import PaceForm, RouteForm, ShiftForm, ToWhom
from practices.access import DeskRequest, requires
from practices.models import Practice

either = require_http_methods(["GET", "HEAD", "POST"])
WEEK = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the roster's week."""

    words: str
    today: bool
    shifts: list[tuple[OnCallShift, str, str]]  # row, when, what the clock change does


def monday(request: DeskRequest) -> dt.date:
    """The Monday of the wished week, of this one where the wish is none."""
    try:
        wished = dt.date.fromisoformat(request.GET.get("week", ""))
    except ValueError:
        wished = request.practice.today()
    wished = wished if 2000 <= wished.year <= 2100 else request.practice.today()
    return wished - dt.timedelta(days=wished.weekday())


def midnight(day: dt.date, practice: Practice) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=practice.zone).astimezone(dt.UTC)


def days_of(first: dt.date, shifts: list[OnCallShift], practice: Practice) -> list[Day]:
    """Seven days with the shifts that begin in them; on the first also those that go on from before."""
    days = []
    for number in range(7):
        day = first + dt.timedelta(days=number)
        begin, end = midnight(day, practice), midnight(day + dt.timedelta(days=1), practice)
        of_day = [
            shift
            for shift in shifts
            if begin <= shift.starts_at < end or (number == 0 and shift.starts_at < begin)
        ]
        lines = [
            (
                shift,
                on_call.say_span(shift.starts_at, shift.ends_at, practice.zone),
                on_call.clock_change(shift.starts_at, shift.ends_at, practice.zone),
            )
            for shift in of_day
        ]
        days.append(Day(on_call.say_day(day), day == practice.today(), lines))
    return days


def roster_page(request: DeskRequest, form: ShiftForm, shift: OnCallShift | None = None) -> HttpResponse:
    """The week as a list, what is missing in it, and the form."""
    practice, first = request.practice, monday(request)
    start, end = midnight(first, practice), midnight(first + WEEK, practice)
    shifts = on_call.shifts_between(start, end)
    house = form.house
    context = {
        "tab": "on-call",
        "form": form,
        "shift": shift,
        "days": days_of(first, shifts, practice),
        "remarks": on_call.remarks(shifts, start, end, practice.zone),
        "now": [person.short_name for people in house.on_call for person in people],
        "week": first,
        "earlier": first - WEEK,
        "later": first + WEEK,
        "zone": str(practice.time_zone),
    }
    return render(request, "messaging/on_call.html", context, status=422 if form.errors else 200)


@requires("practice.change")
@either
def roster(request: DeskRequest) -> HttpResponse:
    form = ShiftForm(request.POST or None, house=House.now(), initial=next_shift(request.practice))
    if request.method == "POST" and form.is_valid() and saved(request, form, None):
        return redirect("settings-on-call", request.practice.slug)
    return roster_page(request, form)


def next_shift(practice: Practice) -> dict[str, Any]:
    """Where a new shift usually begins: tonight at five, until eight in the morning."""
    today = practice.today()
    tomorrow = today + dt.timedelta(days=1)
    return {
        "rank": 1, "first_day": today, "starts": dt.time(17), "last_day": tomorrow, "ends": dt.time(8),
    }  # fmt: skip


def saved(request: DeskRequest, form: ShiftForm, shift: OnCallShift | None) -> bool:
    """Stores what the form says, or says at its field what contradicts what."""
    data, zone = form.cleaned_data, request.practice.zone
    try:
        starts = on_call.instant(data["first_day"], data["starts"], zone, "starts")
        ends = on_call.instant(data["last_day"], data["ends"], zone, "ends")
        on_call.save_shift(
            shift=shift,
            user=data["user"],
            rank=data["rank"],
            starts_at=starts,
            ends_at=ends,
            by=request.actor,
        )
    except ShiftRefused as refused:
        form.add_error(refused.field, str(refused))
        return False
    change = on_call.clock_change(starts, ends, zone)
    messages.success(request, f"Saved. {change}".strip())
    return True


@requires("practice.change")
@either
def shift(request: DeskRequest, shift_id: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(OnCallShift.objects.all(), pk=shift_id)
    zone = request.practice.zone
    first, last = row.starts_at.astimezone(zone), row.ends_at.astimezone(zone)
    start = {"user": str(row.user_id), "rank": row.rank, "first_day": first.date(), "starts": first.time()}
    start |= {"last_day": last.date(), "ends": last.time()}
    form = ShiftForm(request.POST or None, house=House.now(), initial=start)
    if request.method == "POST" and form.is_valid() and saved(request, form, row):
        return redirect("settings-on-call", request.practice.slug)
    return roster_page(request, form, row)


@requires("practice.change")
@require_POST
def shift_remove(request: DeskRequest, shift_id: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(OnCallShift.objects.all(), pk=shift_id)
    on_call.remove_shift(shift=row, by=request.actor)
    messages.success(request, "Taken off the roster.")
    return redirect("settings-on-call", request.practice.slug)


def route_forms(request: DeskRequest, house: House) -> list[RouteForm]:
    """One small form a kind, filled with what is set."""
    forms = []
    for kind, route in routing.routes().items():
        start = {"to_whom": choice_of(route), "urgency": route.urgency}
        start["answer_within_minutes"] = route.answer_within_minutes
        form = RouteForm(request.POST or None, prefix=kind, house=house, initial=start)
        form.label = StaffMessage.Kind(kind).label
        forms.append(form)
    return forms


def choice_of(route: Route) -> str:
    """The route as a choice of the list of recipients."""
    if route.to_user is not None:
        return f"person:{route.to_user.pk}"
    return f"role:{route.to_role}" if route.to_role else "on-call"


@requires("practice.change")
@either
def rules(request: DeskRequest) -> HttpResponse:
    """Where kinds go, the hours of the digest, the pace of urgent messages."""
    house, desk = House.now(), DeskRules.of_practice()
    pace = PaceForm(request.POST or None, initial={name: getattr(desk, name) for name in staff_rules.PACE})
    forms = route_forms(request, house)
    if request.method == "POST" and all([pace.is_valid(), *[form.is_valid() for form in forms]]):
        save_rules(request, pace, forms)
        messages.success(request, "Saved.")
        return redirect("settings-team-messages", request.practice.slug)
    wrong = pace.errors or any(form.errors for form in forms)
    context = {"tab": "team-messages", "pace": pace, "forms": forms, "wrong": wrong}
    return render(request, "messaging/staff_rules.html", context, status=422 if wrong else 200)


def save_rules(request: DeskRequest, pace: PaceForm, forms: list[RouteForm]) -> None:
    staff_rules.save_rules(values=pace.cleaned_data, by=request.actor)
    for form in forms:
        data = form.cleaned_data
        to: ToWhom = data["to_whom"]
        route = Route(to.recipient, to.to_user, to.to_role, data["urgency"], data["answer_within_minutes"])
        routing.save_route(kind=str(form.prefix), route=route, by=request.actor)
