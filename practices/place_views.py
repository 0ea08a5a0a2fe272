"""Settings of where a practice is and when it is closed by law: locations, rooms, public holidays."""

import datetime as dt
import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from practices import places as verbs
from practices.access import DeskRequest, requires
from practices.administration import NotAllowed
from practices.models import Location, Room
from practices.place_forms import LocationForm, RegionForm, RoomForm
from practices.public_holidays import close_on, coming_holidays, part_of, parts_of

either = require_http_methods(["GET", "POST"])


def page(request: DeskRequest, name: str, tab: str, **context: Any) -> HttpResponse:
    wrong = any(getattr(value, "errors", None) for value in context.values())
    status = 422 if wrong else 200
    return render(request, f"practices/{name}.html", {"tab": tab, **context}, status=status)


def places_page(request: DeskRequest, **context: Any) -> HttpResponse:
    """All places with their rooms; a form that was refused takes the place of its empty one."""
    usual: dict[str, Any] = {"form": LocationForm(), "room_form": RoomForm(prefix="room"), "chosen": None}
    everything = Location.objects.prefetch_related("rooms").order_by("name")
    return page(request, "places", "places", **usual | {"room": None, "locations": everything} | context)


@requires("practice.change")
@either
def places(request: DeskRequest, location_id: uuid.UUID | None = None) -> HttpResponse:
    """The locations, with the form of a chosen one, or of a new one."""
    row = get_object_or_404(Location.objects.all(), pk=location_id) if location_id else None
    form = LocationForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        unchanged = Location.objects.get(pk=row.pk) if row else None
        try:
            saved = verbs.save_location(location=unchanged, values=form.cleaned_data, by=request.actor)
        except NotAllowed as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"{saved.name} is saved.")
            return redirect("settings-place", request.practice.slug, saved.pk)
    return places_page(request, form=form, chosen=row)


@requires("practice.change")
@either
def rooms(request: DeskRequest, location_id: uuid.UUID, room_id: uuid.UUID | None = None) -> HttpResponse:
    """A room of a location: POST saves it, or a new one."""
    place = get_object_or_404(Location.objects.all(), pk=location_id)
    row = get_object_or_404(Room.objects.filter(location=place), pk=room_id) if room_id else None
    form = RoomForm(request.POST or None, instance=row, prefix="room")
    if request.method == "POST" and form.is_valid():
        unchanged = Room.objects.get(pk=row.pk) if row else None
        try:
            verbs.save_room(room=unchanged, location=place, values=form.cleaned_data, by=request.actor)
        except NotAllowed as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"The room is saved with {place.name}.")
            return redirect("settings-place", request.practice.slug, place.pk)
    return places_page(request, form=LocationForm(instance=place), chosen=place, room_form=form, room=row)


@requires("practice.change")
@either
def holidays(request: DeskRequest) -> HttpResponse:
    """The public holidays of the coming year; those that are ticked become closures."""
    practice, asked = request.practice, request.POST if request.method == "POST" else request.GET
    country = asked.get("country", practice.country)
    part = asked.get("part", part_of(country, practice.state))
    part = part if part in parts_of(country) else ""
    form = RegionForm({"country": country, "part": part}, country=country)
    if not form.is_valid():
        return page(request, "holidays", "hours", form=form, holidays=[])
    region = form.cleaned_data
    if request.method == "POST" and closed_on(request, form, region):
        return redirect("practice-hours", practice.slug)
    return page(request, "holidays", "hours", form=form, holidays=coming_holidays(practice, **region))


def closed_on(request: DeskRequest, form: RegionForm, region: dict[str, str]) -> bool:
    """Closes the practice on the ticked days, or says why not."""
    try:
        count = close_on(days=days_in(request.POST.getlist("days")), **region, by=request.actor)
    except NotAllowed as refusal:
        form.add_error(None, str(refusal))
        return False
    words = f"{count} day{'' if count == 1 else 's'} closed."
    messages.success(request, f"{words} Visits stay until you move them.")
    return True


def days_in(texts: list[str]) -> list[dt.date]:
    """The dates a page sent; what is none is passed over, and more than a year has days is cut."""
    found = []
    for text in texts[:400]:
        try:
            found.append(dt.date.fromisoformat(text))
        except ValueError:
            continue
    return found
