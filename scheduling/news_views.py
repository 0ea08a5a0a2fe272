"""What clinicians are told of late changes: the practice's rule, for managers."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from practices.access import DeskRequest, requires
from scheduling.models import NewsRule
from scheduling.news import RuleRefused, rule_now, save_news_rule
from scheduling.settings_page import page


class NewsForm(forms.Form):
    """The horizon, the ways, and whether new visits count."""

    tells = forms.BooleanField(label="Tell clinicians of late changes", required=False)
    horizon_days = forms.IntegerField(
        label="Days ahead", min_value=0, max_value=NewsRule.MOST_DAYS, help_text="0 is today only."
    )
    channels = forms.MultipleChoiceField(
        label="By",
        required=False,
        choices=[("email", "E-mail"), ("sms", "Text, where the mobile is known")],
        widget=forms.CheckboxSelectMultiple,
    )
    new_visits = forms.BooleanField(label="New visits too", required=False)


@requires("practice.change")
@require_http_methods(["GET", "POST"])
def news(request: DeskRequest) -> HttpResponse:
    """The rule and its form."""
    rule = rule_now()
    names = ("tells", "horizon_days", "channels", "new_visits")
    if request.method != "POST":
        form = NewsForm(initial={name: getattr(rule, name) for name in names})
        return page(request, "news", "news", form=form)
    form = NewsForm(request.POST)
    if form.is_valid():
        try:
            save_news_rule(values=form.cleaned_data, by=request.actor)
        except RuleRefused as refusal:
            form.add_error("channels", str(refusal))
        else:
            messages.success(request, "Saved.")
            return redirect("settings-news", request.practice.slug)
    return page(request, "news", "news", form=form)
