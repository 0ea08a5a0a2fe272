"""Recall rules and meeting addresses, for managers."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from practices.access import DeskRequest, requires
from scheduling import meetings
from scheduling.drafts import as_uuid
from scheduling.models import FollowUp, RecallRule
from scheduling.recall_forms import WAYS, RecallForm, VideoForm, values_of
from scheduling.recalls import REACHES_BACK, RecallRefused, save_rule, take_down
from scheduling.settings_page import page

either = require_http_methods(["GET", "POST"])
NEW = {"months": 12, "weeks_before": 4, "channel": "sms"}


def rules() -> list[dict[str, Any]]:
    """The rules in words, with how many wait by each."""
    active = RecallRule.objects.filter(active=True).select_related("appointment_type")
    ordered = sorted(active, key=lambda rule: (rule.appointment_type.position, rule.appointment_type.name))
    waiting = FollowUp.objects.unbooked().filter(rule__isnull=False).values_list("rule_id", flat=True)
    counts: dict[uuid.UUID | None, int] = {}
    for key in waiting:
        counts[key] = counts.get(key, 0) + 1
    ways = {str(key): words for key, words in WAYS}
    return [
        {
            "rule": rule,
            "words": f"{rule.months} months after the last {rule.appointment_type.name}",
            "told": f"Told {rule.weeks_before} weeks before. {ways[rule.channel]}.",
            "count": counts.get(rule.pk, 0),
        }
        for rule in ordered
    ]


def recalls_page(request: DeskRequest, form: RecallForm, chosen: RecallRule | None = None) -> HttpResponse:
    more = {"rules": rules(), "chosen": chosen, "reaches_back": REACHES_BACK}
    return page(request, "recalls", "recalls", form=form, **more)


@requires("practice.change")
@either
def recalls(request: DeskRequest) -> HttpResponse:
    """The rules, with one form: of the chosen one (`rule`), or of a new one."""
    if request.method != "POST":
        wanted = as_uuid(request.GET.get("rule"))
        chosen = RecallRule.objects.filter(pk=wanted, active=True).first() if wanted else None
        return recalls_page(request, RecallForm(initial=values_of(chosen) if chosen else NEW), chosen)
    form = RecallForm(request.POST)
    if form.is_valid():
        try:
            save_rule(**form.cleaned_data, by=request.actor)
        except RecallRefused as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            messages.success(request, "Saved. Whose turn it is appears under Follow-ups within a minute.")
            return redirect("settings-recalls", request.practice.slug)
    return recalls_page(request, form)


@requires("practice.change")
@require_POST
def recall_remove(request: DeskRequest, recall_rule_id: uuid.UUID) -> HttpResponse:
    """Ends a rule; whom it found already stays on the list."""
    rule = get_object_or_404(RecallRule.objects.filter(active=True), pk=recall_rule_id)
    take_down(rule=rule, by=request.actor)
    messages.success(request, "The rule is gone. Add it again to have it back.")
    return redirect("settings-recalls", request.practice.slug)


@requires("practice.change")
@either
def video(request: DeskRequest) -> HttpResponse:
    """Where visits by video take place."""
    known = {str(key or "practice"): address for key, address in meetings.addresses().items()}
    form = VideoForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        meetings.save_addresses(addresses=form.addresses, by=request.actor)
        messages.success(request, "Saved. Patients find it on their page, after the birth date.")
        return redirect("settings-video", request.practice.slug)
    people = [form[key] for key in form.people]
    return page(request, "video", "video", form=form, people=people)
