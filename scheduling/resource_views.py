"""Settings of the diary: interpreters and devices with their hours and time off, and kept time."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from practices.access import DeskRequest, requires
from practices.administration import Hours, NotAllowed
from practices.forms import WeekForm
from practices.models import Practice
from scheduling import resources as verbs
from scheduling.models import ReservedBlock, Resource, ResourceHours, ResourceTimeOff
from scheduling.off_words import off_words
from scheduling.resource_forms import BlockForm, ResourceForm
from scheduling.settings_forms import TimeOffForm
from scheduling.settings_page import page

either = require_http_methods(["GET", "POST"])


@requires("practice.change")
@either
def resources(request: DeskRequest) -> HttpResponse:
    """All of them, with the form of a new one."""
    form = ResourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (saved := saved_resource(request, None, form)):
        messages.success(request, f"{saved.name} is added. Give the hours, or leave them open.")
        return redirect("settings-resource", request.practice.slug, saved.pk)
    rows = Resource.objects.select_related("location")
    return page(request, "resources", "resources", form=form, resources=rows)


def saved_resource(
    request: DeskRequest, row: Resource | None, form: ResourceForm, week: list[Hours] | None = None
) -> Resource | None:
    try:
        return verbs.save_resource(resource=row, values=form.cleaned_data, week=week, by=request.actor)
    except NotAllowed as refusal:
        form.add_error(None, str(refusal))
        return None


@requires("practice.change")
@either
def resource(request: DeskRequest, resource_id: uuid.UUID) -> HttpResponse:
    """One of them: what it is, its hours, its time off."""
    row = get_object_or_404(Resource.objects.all(), pk=resource_id)
    form = ResourceForm(request.POST or None, instance=row)
    week = WeekForm(request.POST or None, week=week_of(row))
    valid = request.method == "POST" and form.is_valid() and week.is_valid()
    unchanged = Resource.objects.get(pk=row.pk)
    if valid and saved_resource(request, unchanged, form, week.week):
        messages.success(request, "Saved.")
        return redirect("settings-resource", request.practice.slug, row.pk)
    return resource_page(request, unchanged, form=form, week=week)


def week_of(row: Resource) -> list[Hours]:
    return [Hours(one.weekday, one.starts, one.ends) for one in ResourceHours.objects.filter(resource=row)]


def resource_page(request: DeskRequest, row: Resource, **forms: Any) -> HttpResponse:
    off = ResourceTimeOff.objects.filter(resource=row, ends_at__gt=timezone.now()).order_by("starts_at")
    practice: Practice = request.practice
    usual: dict[str, Any] = {"time_off": TimeOffForm(prefix="off", practice=practice)}
    if "form" not in forms:
        usual |= {"form": ResourceForm(instance=row), "week": WeekForm(week=week_of(row))}
    rows = [(item, off_words(item, practice)) for item in off]
    return page(request, "resource", "resources", **usual | {"resource": row, "off": rows} | forms)


@requires("practice.change")
@require_POST
def resource_time_off(request: DeskRequest, resource_id: uuid.UUID) -> HttpResponse:
    """Adds a span in which it cannot be had."""
    row = get_object_or_404(Resource.objects.all(), pk=resource_id)
    form = TimeOffForm(request.POST, prefix="off", practice=request.practice)
    if form.is_valid():
        said = {name: form.cleaned_data[name] for name in ("starts_at", "ends_at", "label")}
        try:
            verbs.add_resource_time_off(resource=row, **said, by=request.actor)
        except NotAllowed as refusal:
            form.add_error("last_day", str(refusal))
        else:
            messages.success(request, f"{row.name} cannot be had then.")
            return redirect("settings-resource", request.practice.slug, row.pk)
    return resource_page(request, row, time_off=form)


@requires("practice.change")
@require_POST
def resource_time_off_remove(request: DeskRequest, resource_off_id: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(ResourceTimeOff.objects.all(), pk=resource_off_id)
    resource_id = row.resource_id
    verbs.remove_resource_time_off(time_off=row, by=request.actor)
    messages.success(request, "The time is open again.")
    return redirect("settings-resource", request.practice.slug, resource_id)


@requires("practice.change")
@either
def blocks(request: DeskRequest, block_id: uuid.UUID | None = None) -> HttpResponse:
    """The kept times, with the form of a chosen one, or of a new one."""
    row = get_object_or_404(ReservedBlock.objects.all(), pk=block_id) if block_id else None
    kept = list(row.kept_for.values_list("appointment_type_id", flat=True)) if row else []
    form = BlockForm(request.POST or None, instance=row, initial={"types": kept})
    if request.method == "POST" and form.is_valid() and saved_block(request, row, form):
        return redirect("settings-blocks", request.practice.slug)
    rows = ReservedBlock.objects.select_related("practitioner").prefetch_related("kept_for__appointment_type")
    return page(request, "blocks", "blocks", form=form, blocks=rows, chosen=row)


def saved_block(request: DeskRequest, row: ReservedBlock | None, form: BlockForm) -> bool:
    values = dict(form.cleaned_data)
    types = [kind.pk for kind in values.pop("types")]
    unchanged = ReservedBlock.objects.get(pk=row.pk) if row else None
    try:
        saved = verbs.save_block(block=unchanged, values=values, types=types, by=request.actor)
    except NotAllowed as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, f"{saved.name} is saved.")
    return True


@requires("practice.change")
@require_POST
def block_remove(request: DeskRequest, block_id: uuid.UUID) -> HttpResponse:
    verbs.remove_block(block=get_object_or_404(ReservedBlock.objects.all(), pk=block_id), by=request.actor)
    messages.success(request, "The time is everybody’s again.")
    return redirect("settings-blocks", request.practice.slug)
