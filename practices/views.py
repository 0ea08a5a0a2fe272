"""Settings of a practice; each page shows its form again with what was typed and what is wrong with it."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from practices import administration
from practices.access import DeskRequest, requires
from practices.administration import Hours, NotAllowed
from practices.forms import ClosureForm, InviteForm, MemberForm, PracticeForm, WeekForm
from practices.invitations import send_invitation
from practices.models import Closure, Membership, OfficeHours, Practice

either = require_http_methods(["GET", "POST"])


def page(request: DeskRequest, name: str, **context: Any) -> HttpResponse:
    """A settings page; one with errors answers 422."""
    wrong = any(getattr(value, "errors", None) for value in context.values())
    return render(request, f"practices/{name}.html", {"tab": name, **context}, status=422 if wrong else 200)


@requires("practice.change")
@either
def details(request: DeskRequest) -> HttpResponse:
    # A form writes what was typed into its instance: the shell shall not show it before it is saved.
    form = PracticeForm(request.POST or None, instance=Practice.objects.get(pk=request.practice.pk))
    if request.method == "POST" and form.is_valid() and changed(request, form):
        messages.success(request, "Saved.")
        return redirect("practice-settings", request.practice.slug)
    return page(request, "details", form=form)


def changed(request: DeskRequest, form: PracticeForm) -> bool:
    """Writes the practice's facts; a clock that cannot be changed is said at its field."""
    values = dict(form.cleaned_data)
    keep = values.pop("visits_keep") or "moment"
    try:
        administration.change_practice(values=values, visits_keep=keep, by=request.actor)
    except NotAllowed as refusal:
        form.add_error("visits_keep", str(refusal))
        return False
    return True


@requires("practice.change")
@either
def hours(request: DeskRequest) -> HttpResponse:
    week = [Hours(row.weekday, row.opens, row.closes) for row in OfficeHours.objects.all()]
    form = WeekForm(request.POST or None, week=week)
    if request.method == "POST" and form.is_valid():
        administration.set_office_hours(week=form.week, by=request.actor)
        messages.success(request, "Office hours saved.")
        return redirect("practice-hours", request.practice.slug)
    return page(request, "hours", form=form, **closures_of(request))


def closures_of(request: DeskRequest) -> dict[str, Any]:
    ahead = Closure.objects.filter(last_day__gte=request.practice.today())
    return {"closures": ahead, "closure": ClosureForm(prefix="closure")}


@requires("practice.change")
@require_POST
def closure_add(request: DeskRequest) -> HttpResponse:
    form = ClosureForm(request.POST, prefix="closure")
    if not form.is_valid():
        week = [Hours(row.weekday, row.opens, row.closes) for row in OfficeHours.objects.all()]
        return page(request, "hours", form=WeekForm(week=week), **closures_of(request) | {"closure": form})
    try:
        administration.add_closure(**form.cleaned_data, by=request.actor)
    except NotAllowed as refusal:
        form.add_error("first_day", str(refusal))
        week = [Hours(row.weekday, row.opens, row.closes) for row in OfficeHours.objects.all()]
        return page(request, "hours", form=WeekForm(week=week), **closures_of(request) | {"closure": form})
    messages.success(
        request, "Closed. Visits on those days stay until you move them; the morning review names them."
    )
    return redirect("practice-hours", request.practice.slug)


@requires("practice.change")
@require_POST
def closure_remove(request: DeskRequest, closure_id: uuid.UUID) -> HttpResponse:
    administration.remove_closure(
        closure=get_object_or_404(Closure.objects.all(), pk=closure_id), by=request.actor
    )
    messages.success(request, "Open again.")
    return redirect("practice-hours", request.practice.slug)


@requires("practice.change")
@either
def people(request: DeskRequest) -> HttpResponse:
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and invited(request, form):
        return redirect("practice-people", request.practice.slug)
    everybody = Membership.objects.select_related("user").order_by(
        "-active", "user__family_name", "user__email"
    )
    return page(request, "people", form=form, people=everybody)


def invited(request: DeskRequest, form: InviteForm) -> bool:
    """Adds the person; what is wrong with her stands at the address."""
    try:
        membership, new = administration.add_member(**form.cleaned_data, by=request.actor)
    except NotAllowed as refusal:
        form.add_error("email", str(refusal))
        return False
    if new or not membership.user.has_usable_password():
        send_invitation(request, membership.user)
        messages.success(request, f"{membership.user.email} gets an e-mail with a link to choose a password.")
    else:
        messages.success(request, f"{membership.user} signs in as before and can switch to this practice.")
    return True


@requires("practice.change")
@either
def person(request: DeskRequest, membership_id: uuid.UUID) -> HttpResponse:
    membership = get_object_or_404(Membership.objects.select_related("user"), pk=membership_id)
    start = {name: getattr(membership, name) for name in ("roles", "active", "may_overbook")}
    form = MemberForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        try:
            administration.change_member(membership=membership, **form.cleaned_data, by=request.actor)
        except NotAllowed as refusal:
            form.add_error("roles", str(refusal))
        else:
            messages.success(request, f"{membership.user} is changed.")
            return redirect("practice-people", request.practice.slug)
    return page(request, "person", form=form, person=membership)
