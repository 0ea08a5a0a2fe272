"""What staff type: a text to a patient, who takes a task, until when it waits."""

import datetime as dt
import uuid
from typing import Any

from django import forms
from django.utils import timezone

from messaging.templates import segments
from practices.models import Membership, Practice, User

MOST_SEGMENTS = 4
FURTHEST = dt.timedelta(days=366)


class TextForm(forms.Form):
    """A text in the words of staff; refused when it is too long to be read as one."""

    body = forms.CharField(
        label="Text",
        max_length=1_000,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        error_messages={"required": "Write what you want to say."},
    )
    # Made with the form: a second click, or the page sent again, is the same text and not another one.
    once = forms.UUIDField(required=False, initial=uuid.uuid4, widget=forms.HiddenInput)

    def key(self, kind: str) -> str:
        """The idempotency key of what this form sends."""
        return f"{kind}:{self.cleaned_data.get('once') or uuid.uuid4()}"

    def clean_body(self) -> str:
        body = str(self.cleaned_data["body"]).replace("\r\n", "\n").replace("\x00", "")
        count = segments(body)
        if count > MOST_SEGMENTS:
            raise forms.ValidationError(
                f"This is as long as {count} texts; {MOST_SEGMENTS} are the most. Say it shorter or call."
            )
        return body


class OutcomeForm(forms.Form):
    """What came of a task."""

    outcome = forms.CharField(max_length=40, required=False, initial="done")

    def clean_outcome(self) -> str:
        return str(self.cleaned_data["outcome"]) or "done"


class OwnerForm(forms.Form):
    """A colleague and a time."""

    owner = forms.ModelChoiceField(
        queryset=User.objects.none(),
        empty_label="Choose a colleague",
        error_messages={"required": "Choose who takes this.", "invalid_choice": "Choose who takes this."},
    )
    due_at = forms.DateTimeField(
        label="By",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        error_messages={"required": "Say until when.", "invalid": "Write a day and a time."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        here = Membership.objects.active().values("user")
        field = self.fields["owner"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = User.objects.filter(pk__in=here).order_by("given_name", "family_name")

    def clean_due_at(self) -> dt.datetime:
        due_at: dt.datetime = self.cleaned_data["due_at"]
        if due_at < timezone.now() - dt.timedelta(minutes=1):
            raise forms.ValidationError("This time has passed. Choose a later one.")
        if due_at > timezone.now() + FURTHEST:
            raise forms.ValidationError("This is more than a year away. Choose an earlier time.")
        return due_at


class SnoozeForm(forms.Form):
    """For how long a task goes out of sight."""

    minutes = forms.IntegerField(min_value=5, max_value=7 * 24 * 60, initial=60)


def tomorrow_morning(practice: Practice) -> dt.datetime:
    """Where a hand-over usually points: tomorrow at nine."""
    day = practice.today() + dt.timedelta(days=1)
    return dt.datetime.combine(day, dt.time(9), tzinfo=practice.zone)
