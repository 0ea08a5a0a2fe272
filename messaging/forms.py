"""What staff type: a text to a patient, who takes a task, until when it waits."""

import datetime as dt
import uuid
from typing import Any

from django import forms
from django.utils import timezone

from messaging.saved_replies import VARIABLES
from messaging.templates import PLAIN, segments
from messaging.wording_rules import complaints
from practices.models import Language, Membership, Practice, User

MOST_SEGMENTS = 4
FURTHEST = dt.timedelta(days=366)


class VersionForm(forms.Form):
    """The version a page was drawn from; without one, nobody asks whether it is stale."""

    version = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1)


class WriteForm(VersionForm):
    """What stands in the composer of a conversation: words, and the way they shall go."""

    body = forms.CharField(
        label="Message",
        max_length=4_000,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        error_messages={
            "required": "Write what you want to say.",
            "max_length": "This is too long. Say it shorter or call.",
        },
    )
    channel = forms.CharField(max_length=5, required=False)
    language = forms.ChoiceField(choices=Language.choices, required=False)
    # Made with the form: a second click, or the page sent again, is the same message and not another one.
    once = forms.UUIDField(required=False, initial=uuid.uuid4, widget=forms.HiddenInput)

    def key(self, kind: str) -> str:
        """The idempotency key of what this form sends."""
        return f"{kind}:{self.cleaned_data.get('once') or uuid.uuid4()}"

    def clean_body(self) -> str:
        return str(self.cleaned_data["body"]).replace("\r\n", "\n").replace("\x00", "")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        body = values.get("body", "")
        count = segments(body.translate(PLAIN))
        if values.get("channel") == "sms" and count > MOST_SEGMENTS:
            self.add_error(
                "body",
                f"This is as long as {count} texts; {MOST_SEGMENTS} are the most. Say it shorter or call.",
            )
        return values


class OwnerChoice(VersionForm):
    """Who takes a conversation: a colleague, a role, or nobody."""

    to = forms.CharField(max_length=40, error_messages={"required": "Choose a colleague or a role."})

    def chosen(self, me: User) -> tuple[User | None, str]:
        """The colleague or the role; raises ValidationError for what is neither."""
        to = str(self.cleaned_data["to"])
        if to == "me":
            return me, ""
        if to == "nobody":
            return None, ""
        if to.startswith("role:"):
            return None, to.removeprefix("role:")
        found = Membership.objects.active().filter(user_id=int(to)) if to.isascii() and to.isdigit() else None
        membership = found.select_related("user").first() if found is not None and len(to) < 10 else None
        if membership is None:
            raise forms.ValidationError("Choose a colleague or a role.")
        return membership.user, ""


class LaterForm(VersionForm):
    """When a conversation comes back: one of the offered instants, or a day and time of one's own."""

    until = forms.DateTimeField(
        required=False, input_formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
    )

    def clean_until(self) -> dt.datetime:
        until: dt.datetime | None = self.cleaned_data["until"]
        if until is None:
            raise forms.ValidationError("Say when it shall come back.")
        if until <= timezone.now():
            raise forms.ValidationError("This time has passed. Choose a later one.")
        if until > timezone.now() + FURTHEST:
            raise forms.ValidationError("This is more than a year away. Choose an earlier time.")
        return until


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


class WordingForm(forms.Form):
    """The words of a message, as a manager types them; the rules are asked by the verb."""

    subject = forms.CharField(max_length=200, required=False, widget=forms.TextInput(attrs={"class": "in"}))
    body = forms.CharField(
        label="Words", max_length=6_000, required=False, strip=False, widget=forms.Textarea(attrs={"rows": 6})
    )
    was = forms.CharField(max_length=32, required=False, widget=forms.HiddenInput)


class SavedReplyForm(VersionForm):
    """A saved reply in both languages."""

    name = forms.CharField(max_length=60, error_messages={"required": "Give it a short name to find it by."})
    body_en = forms.CharField(
        label="In English", max_length=1_000, widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Write the words in English."},
    )  # fmt: skip
    body_es = forms.CharField(
        label="In Spanish", max_length=1_000, required=False,
        widget=forms.Textarea(attrs={"rows": 4, "lang": "es"}),
    )  # fmt: skip
    active = forms.BooleanField(label="Offered in the composer", required=False, initial=True)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        for name in ("body_en", "body_es"):
            words = values.get(name, "")
            wrong = complaints(words, channel="sms", allowed=VARIABLES) if words else []
            for each in wrong:
                self.add_error(name, each)
        return values
