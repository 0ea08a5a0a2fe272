"""What is written on the steady card."""

import datetime as dt
import uuid
from typing import Any

from django import forms
from django.utils import timezone

from practices.models import Membership, User

PROMISE = "Call back with an answer."


def lines(label: str, rows: int, **more: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows, "autocomplete": "off"})
    return forms.CharField(label=label, max_length=4_000, required=False, widget=widget, **more)


class SteadyForm(forms.Form):
    """One text, and the fields of the three ways on."""

    what_happened = lines("What happened, in the caller's words", 5)
    flag = forms.BooleanField(label="Show under “Know first” for 30 days", required=False, initial=True)
    promise = forms.CharField(label="I promise", max_length=1_000, required=False, initial=PROMISE)
    owner = forms.ModelChoiceField(label="Who does it", queryset=User.objects.none(), required=False)
    by_when = forms.DateTimeField(
        label="By when",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        error_messages={"invalid": "Write a day and a time."},
    )
    to = forms.ModelChoiceField(
        label="To whom", queryset=User.objects.none(), required=False, empty_label="Choose a colleague"
    )
    summary = lines("Summary for the colleague", 2, help_text="Empty: what happened, as written.")
    wanted = lines("What the caller asks for", 2)
    # Made with the form: a second click, or the page sent again, is the same promise or complaint.
    once = forms.UUIDField(required=False, initial=uuid.uuid4, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        here = Membership.objects.active().values("user")
        for name in ("owner", "to"):
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = User.objects.filter(pk__in=here).order_by("given_name", "family_name")

    @property
    def key(self) -> uuid.UUID:
        return self.cleaned_data.get("once") or uuid.uuid4()

    @property
    def what(self) -> str:
        return str(self.cleaned_data.get("what_happened") or "").strip()

    def due(self) -> dt.datetime:
        """When the promise is due; what was left empty has passed and is refused by the verb."""
        return self.cleaned_data.get("by_when") or timezone.now()
