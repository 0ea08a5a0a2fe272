"""The practice's rule of the waitlist, for managers."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from practices.access import DeskRequest, requires
from scheduling.models import WaitlistRule
from scheduling.settings_page import page
from scheduling.waitlist_forms import WaitlistRuleForm
from scheduling.waitlist_rules import rule_in_words, rule_of, save_rule


@requires("practice.change")
@require_http_methods(["GET", "POST"])
def rule(request: DeskRequest) -> HttpResponse:
    """The rule with its preview in words; `look` shows the words of what was typed and saves nothing."""
    if request.method != "POST":
        kept = rule_of()
        return page(
            request, "waitlist", "waitlist", form=WaitlistRuleForm(instance=kept), preview=rule_in_words(kept)
        )
    form = WaitlistRuleForm(request.POST, instance=WaitlistRule(practice=request.practice))
    if not form.is_valid():
        return page(request, "waitlist", "waitlist", form=form, preview=[])
    if "look" in request.POST:
        return page(request, "waitlist", "waitlist", form=form, preview=rule_in_words(form.instance))
    save_rule(values=form.cleaned_data, by=request.actor)
    messages.success(request, "Saved.")
    return redirect("settings-waitlist", request.practice.slug)
