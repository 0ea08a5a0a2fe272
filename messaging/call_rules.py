"""Settings of the telephone: how long it rings, what follows a missed call, what is recorded and promised."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from messaging.models import DeskRules
from messaging.staff_rules import CALLS, save_rules
from practices.access import DeskRequest, requires


class CallRulesForm(forms.Form):
    """What the practice wants of its calls, its promises and its complaints."""

    ring_seconds = forms.IntegerField(
        min_value=15,
        max_value=600,
        label="Voicemail after, seconds",
        help_text="A caller whom nobody answered so long may leave a message.",
    )
    missed_call_text = forms.BooleanField(
        required=False, label="Text the caller after a missed call, at most once a day"
    )
    record_calls = forms.BooleanField(required=False, label="Record calls. Callers are told")
    promise_warn_minutes = forms.IntegerField(
        min_value=0,
        max_value=480,
        label="A promise rises before it is due, minutes",
        help_text="Then it stands at the top of “Needs you”.",
    )
    complaint_target_hours = forms.IntegerField(
        min_value=1, max_value=24 * 30, label="A complaint is answered within, hours"
    )


@requires("practice.change")
@require_http_methods(["GET", "HEAD", "POST"])
def calls(request: DeskRequest) -> HttpResponse:
    """Shows the rules of calls and stores them."""
    rules = DeskRules.of_practice()
    form = CallRulesForm(request.POST or None, initial={name: getattr(rules, name) for name in CALLS})
    if request.method == "POST" and form.is_valid():
        save_rules(values=form.cleaned_data, by=request.actor)
        messages.success(request, "Saved.")
        return redirect("settings-calls", request.practice.slug)
    context = {"tab": "calls", "form": form}
    return render(request, "messaging/call_rules.html", context, status=422 if form.errors else 200)
