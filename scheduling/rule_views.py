"""The practice's reminder rules, for managers."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from messaging.models import DeskRules
from practices import audit
from practices.access import DeskRequest, requires
from scheduling.forecast import WORDS, rule_words
from scheduling.models import ReminderRule
from scheduling.rule_forms import CapsForm, RuleForm
from scheduling.rules import RuleRefused, active_rules, save_rule, take_down
from scheduling.settings_page import page

NEW = {
    **{"unit": "days", "number": 1, "at": "16:00", "asks": True},
    **{"first": "sms", "second": "email", "third": "call"},
}
either = require_http_methods(["GET", "POST"])


def rows() -> list[dict[str, Any]]:
    """The rules in words, the general ones first."""
    ordered = sorted(
        active_rules(store=True),
        key=lambda rule: rule.appointment_type.name if rule.appointment_type else "",
    )
    general = "All other types" if any(rule.appointment_type_id for rule in ordered) else "All types"
    return [
        {
            "rule": rule,
            "words": rule_words(rule),
            "whose": rule.appointment_type.name if rule.appointment_type else general,
            "ways": ", then ".join(WORDS[way].lower() for way in rule.channels).capitalize(),
        }
        for rule in ordered
    ]


def rules_page(request: DeskRequest, **forms: Any) -> HttpResponse:
    """All rules, with one form of the chosen or a new one, and the limits."""
    usual: dict[str, Any] = {"form": RuleForm(initial=NEW)}
    usual |= {"caps": CapsForm(instance=DeskRules.of_practice(), prefix="caps")}
    return page(request, "reminders", "reminders", **(usual | {"rules": rows(), "chosen": None} | forms))


@requires("practice.change")
@either
def rules(request: DeskRequest, rule_id: uuid.UUID | None = None) -> HttpResponse:
    """The rules, with the form of a chosen one, or of a new one."""
    active = ReminderRule.objects.filter(active=True)
    rule = get_object_or_404(active, pk=rule_id) if rule_id else None
    if request.method != "POST":
        return rules_page(request, **({"form": RuleForm(rule=rule), "chosen": rule} if rule else {}))
    form = RuleForm(request.POST)
    if form.is_valid():
        try:
            save_rule(rule=rule, values=form.values, by=request.actor)
        except RuleRefused as refusal:
            form.add_error("number", str(refusal))
        else:
            messages.success(request, "Saved. What it will send stands under Reminders.")
            return redirect("settings-reminders", request.practice.slug)
    return rules_page(request, form=form, chosen=rule)


@requires("practice.change")
@require_POST
def rule_remove(request: DeskRequest, rule_id: uuid.UUID) -> HttpResponse:
    """Ends a rule; what it has queued already still goes."""
    rule = get_object_or_404(ReminderRule.objects.filter(active=True), pk=rule_id)
    take_down(rule=rule, by=request.actor)
    messages.success(request, "The rule is gone. Add it again to have it back.")
    return redirect("settings-reminders", request.practice.slug)


@requires("practice.change")
@require_POST
def caps(request: DeskRequest) -> HttpResponse:
    """How much one patient hears, and what goes into one message."""
    rules = DeskRules.of_practice()
    form = CapsForm(request.POST, instance=rules, prefix="caps")
    if not form.is_valid():
        return rules_page(request, caps=form)
    changed = {name: [form.initial.get(name), form.cleaned_data[name]] for name in form.changed_data}
    saved = form.save()
    audit.record("desk_rules.changed", saved, by=request.actor, changes=changed)
    messages.success(request, "Saved.")
    return redirect("settings-reminders", request.practice.slug)
