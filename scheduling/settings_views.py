"""Settings of the diary: clinicians, their hours and time off, the types of visit."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from practices.access import DeskRequest, requires
from practices.administration import Hours, NotAllowed
from practices.forms import WeekForm
from practices.models import Location, Practice, Room, Weekday
from scheduling import administration
from scheduling.administration import Period, periods_of
from scheduling.models import AppointmentType, Practitioner, TimeOff, WeeklyHours
from scheduling.off_words import off_words
from scheduling.settings_forms import PeriodForm, PractitionerForm, TimeOffForm, TypeForm
from scheduling.settings_page import page
from scheduling.words import clock

either = require_http_methods(["GET", "POST"])


@dataclass(frozen=True, slots=True)
class OffRow:
    """Time off in words, with the days on which visits lie in it."""

    off: TimeOff
    words: str
    hit: dict[dt.date, int]


def off_row(off: TimeOff, practice: Practice) -> OffRow:
    return OffRow(off, off_words(off, practice), administration.visits_hit(off))


def place_words(period: Period, places: dict[uuid.UUID, Location], rooms: dict[uuid.UUID, Room]) -> str:
    """Hill (America/Chicago), Room 2; empty for the usual place."""
    place = places.get(period.location_id) if period.location_id else None
    room = rooms.get(period.room_id) if period.room_id else None
    clock_there = f" ({place.time_zone})" if place and place.time_zone else ""
    words: list[str | None] = [f"{place.name}{clock_there}" if place else "", room.name if room else ""]
    return ", ".join(filter(None, words))


def period_rows(row: Practitioner) -> list[tuple[int, Period, list[str], str]]:
    """A clinician's hours by period and place, in words."""
    places, rooms = Location.objects.in_bulk(), Room.objects.in_bulk()
    periods = periods_of(WeeklyHours.objects.filter(practitioner=row))
    return [
        (number, period, week_words(week), place_words(period, places, rooms))
        for number, (period, week) in enumerate(periods.items())
    ]


def week_words(week: list[Hours]) -> list[str]:
    """Mon 8:00 AM to 12:00 PM, 1:00 PM to 5:00 PM."""
    days: dict[int, list[str]] = {}
    for span in sorted(week, key=lambda span: (span.weekday, span.starts)):
        days.setdefault(span.weekday, []).append(f"{clock(span.starts)} to {clock(span.ends)}")
    return [f"{Weekday(day).label[:3]} {', '.join(spans)}" for day, spans in days.items()]


@requires("practice.change")
@either
def clinicians(request: DeskRequest) -> HttpResponse:
    form = PractitionerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row = administration.save_practitioner(practitioner=None, values=form.cleaned_data, by=request.actor)
        messages.success(request, f"{row.short_name} is added. Give the hours next.")
        return redirect("settings-clinician", request.practice.slug, row.pk)
    return page(request, "clinicians", "clinicians", form=form, clinicians=Practitioner.objects.all())


@requires("practice.change")
@either
def clinician(request: DeskRequest, practitioner_id: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(Practitioner.objects.all(), pk=practitioner_id)
    form = PractitionerForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        unchanged = Practitioner.objects.get(pk=row.pk)
        administration.save_practitioner(practitioner=unchanged, values=form.cleaned_data, by=request.actor)
        messages.success(request, "Saved.")
        return redirect("settings-clinician", request.practice.slug, row.pk)
    return clinician_page(request, row.pk, form=form)


def clinician_page(request: DeskRequest, practitioner_id: uuid.UUID, **forms: Any) -> HttpResponse:
    """Everything of a clinician; a form that was refused takes the place of its empty one."""
    row = get_object_or_404(Practitioner.objects.all(), pk=practitioner_id)
    off = TimeOff.objects.filter(practitioner=row, ends_at__gt=timezone.now()).order_by("starts_at")
    context = {
        "form": PractitionerForm(instance=row),
        "time_off": TimeOffForm(prefix="off", practice=request.practice),
        "clinician": row,
        "periods": period_rows(row),
        "off": [off_row(item, request.practice) for item in off],
    }
    return page(request, "clinician", "clinicians", **context | forms)


@requires("practice.change")
@either
def hours(request: DeskRequest, practitioner_id: uuid.UUID, number: int | None = None) -> HttpResponse:
    """New hours, or (`number`) those of one period."""
    row = get_object_or_404(Practitioner.objects.all(), pk=practitioner_id)
    periods = list(periods_of(WeeklyHours.objects.filter(practitioner=row)).items())
    old, week = chosen(periods, number)
    start = {name: getattr(old, name) for name in ("first", "last")} if old else {}
    start |= {"location": old.location_id, "room": old.room_id} if old else {}
    form, when = WeekForm(request.POST or None, week=week), PeriodForm(request.POST or None, initial=start)
    valid = request.method == "POST" and form.is_valid() and when.is_valid()
    if valid and saved_hours(request, row, form, when, old):
        return redirect("settings-clinician", request.practice.slug, row.pk)
    return page(request, "hours", "clinicians", form=form, when=when, clinician=row, old=old)


def chosen(periods: list[tuple[Period, Any]], number: int | None) -> tuple[Period | None, Any]:
    """The period of an address; without a number a new one that starts from the last week."""
    if number is None:
        return None, periods[-1][1] if periods else []
    return periods[number] if number < len(periods) else (None, [])


def saved_hours(
    request: DeskRequest, row: Practitioner, form: WeekForm, when: PeriodForm, old: Period | None
) -> bool:
    try:
        administration.set_hours(
            practitioner=row,
            period=when.period,
            week=form.week,
            instead_of=old,
            end_earlier=when.cleaned_data["end_earlier"],
            by=request.actor,
        )
    except NotAllowed as refusal:
        when.add_error(None, str(refusal))
        return False
    messages.success(request, f"The hours of {row.short_name} are saved.")
    return True


@requires("practice.change")
@require_POST
def time_off_add(request: DeskRequest, practitioner_id: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(Practitioner.objects.all(), pk=practitioner_id)
    form = TimeOffForm(request.POST, prefix="off", practice=request.practice)
    if not form.is_valid():
        return clinician_page(request, row.pk, time_off=form)
    said = {name: form.cleaned_data[name] for name in ("starts_at", "ends_at", "label")}
    try:
        off = administration.add_time_off(practitioner=row, **said, by=request.actor)
    except NotAllowed as refusal:
        form.add_error("last_day", str(refusal))
        return clinician_page(request, row.pk, time_off=form)
    hit = sum(administration.visits_hit(off).values())
    words = f"{hit} booked visit{' lies' if hit == 1 else 's lie'} in it: move them from the days below."
    (messages.warning if hit else messages.success)(
        request, f"Saved. {words if hit else 'No visit lies in it.'}"
    )
    return redirect("settings-clinician", request.practice.slug, row.pk)


@requires("practice.change")
@require_POST
def time_off_remove(request: DeskRequest, time_off_id: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(TimeOff.objects.all(), pk=time_off_id)
    practitioner_id = row.practitioner_id
    administration.remove_time_off(time_off=row, by=request.actor)
    messages.success(request, "The time is open again.")
    return redirect("settings-clinician", request.practice.slug, practitioner_id)


@requires("practice.change")
@either
def types(request: DeskRequest, type_id: uuid.UUID | None = None) -> HttpResponse:
    """The types of visit, with one form: of the chosen one, or of a new one."""
    row = get_object_or_404(AppointmentType.objects.all(), pk=type_id) if type_id else None
    offering = list(row.offers.values_list("practitioner_id", flat=True)) if row else []
    form = TypeForm(request.POST or None, instance=row, initial={"offered_by": offering})
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        offered_by = [person.pk for person in values.pop("offered_by")]
        unchanged = AppointmentType.objects.get(pk=row.pk) if row else None
        saved = administration.save_type(
            kind=unchanged, values=values, offered_by=offered_by, by=request.actor
        )
        messages.success(request, f"{saved.name} is saved.")
        return redirect("settings-types", request.practice.slug)
    everything = AppointmentType.objects.prefetch_related("offers__practitioner")
    return page(request, "types", "types", form=form, types=everything, chosen=row)
