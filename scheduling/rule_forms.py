"""The forms of reminder rules and of how much a patient hears; contradictions are said at their field."""

from typing import Any

from django import forms

from messaging.models import DeskRules
from patients.models import Channel
from practices.formfields import ClockField
from scheduling.models import AppointmentType, ReminderRule
from scheduling.rules import MOST_DAYS, MOST_HOURS

DAYS, HOURS = "days", "hours"
FIRST = [("", "Nothing more")]


class RuleForm(forms.Form):
    """One rule: days before at a time, or hours before; by what, in which order; and whether it asks."""

    appointment_type = forms.ModelChoiceField(
        queryset=AppointmentType._default_manager.none(),
        required=False,
        empty_label="All types without rules of their own",
        label="For",
    )
    unit = forms.ChoiceField(choices=[(DAYS, "Days before"), (HOURS, "Hours before")], label="When")
    number = forms.IntegerField(label="How many", widget=forms.TextInput(attrs={"inputmode": "numeric"}))
    at = ClockField(required=False, label="At", help_text="For days before.")
    first = forms.ChoiceField(choices=Channel.choices, label="First by")
    second = forms.ChoiceField(choices=[*FIRST, *Channel.choices], required=False, label="Then by")
    third = forms.ChoiceField(choices=[*FIRST, *Channel.choices], required=False, label="At last by")
    asks = forms.BooleanField(required=False, label="Asks for an answer, and stops once there is one")

    def __init__(self, *args: Any, rule: ReminderRule | None = None, **kwargs: Any) -> None:
        if rule is not None:
            kwargs["initial"] = values_of(rule)
        super().__init__(*args, **kwargs)
        types = AppointmentType.objects.filter(active=True).order_by("position", "name")
        self.fields["appointment_type"].queryset = types  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        number, days = data.get("number"), data.get("unit") == DAYS
        if number is not None and days and not 0 <= number <= MOST_DAYS:
            self.add_error("number", f"Between 0 and {MOST_DAYS} days.")
        if number is not None and not days and not 1 <= number <= MOST_HOURS:
            self.add_error("number", f"Between 1 and {MOST_HOURS} hours; more are days.")
        if days and not data.get("at") and "at" not in self.errors:
            self.add_error("at", "Say at what time of the day it goes out.")
        if not days and data.get("at"):
            self.add_error("at", "Hours before have no time of the day: leave this empty.")
        if data.get("third") and not data.get("second"):
            self.add_error("second", "There is a last way but none before it.")
        chosen = self.channels(data)
        for name, channel in (("second", data.get("second")), ("third", data.get("third"))):
            if channel and chosen.count(channel) > 1:
                self.add_error(name, f"“{Channel(channel).label}” is there twice: it is tried once.")
                break
        return data

    @staticmethod
    def channels(data: dict[str, Any]) -> list[str]:
        return [data[name] for name in ("first", "second", "third") if data.get(name)]

    @property
    def values(self) -> dict[str, Any]:
        """What `rules.save_rule` takes."""
        data = self.cleaned_data
        days = data["unit"] == DAYS
        return {
            "appointment_type": data["appointment_type"],
            "days_before": data["number"] if days else None,
            "hours_before": None if days else data["number"],
            "at": data["at"] if days else None,
            "channels": self.channels(data),
            "asks": data["asks"],
        }


def values_of(rule: ReminderRule) -> dict[str, Any]:
    """What the form shows of a rule."""
    days = rule.days_before is not None
    ways = dict(zip(("first", "second", "third"), rule.channels, strict=False))
    return {
        "appointment_type": rule.appointment_type_id,
        "unit": DAYS if days else HOURS,
        "number": rule.days_before if days else rule.hours_before,
        "at": rule.at,
        "asks": rule.asks,
        **ways,
    }


class CapsForm(forms.ModelForm):  # type: ignore[type-arg]
    """How much one patient hears unasked, and what goes into one message."""

    class Meta:
        model = DeskRules
        fields = ("most_a_day", "most_a_week", "join_visits_within_hours")
        labels = {
            "most_a_day": "Messages a day",
            "most_a_week": "Messages a week",
            "join_visits_within_hours": "Visits in one message, within hours",
        }
        help_texts = {
            "most_a_day": "To one patient. Answers, and news of a visit, always go.",
            "join_visits_within_hours": "0: each visit its own message.",
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        day, week = data.get("most_a_day"), data.get("most_a_week")
        if day == 0 or week == 0:
            self.add_error("most_a_day" if day == 0 else "most_a_week", "With none a patient hears nothing.")
        elif day and week and week < day:
            self.add_error("most_a_week", "A week cannot hold less than one of its days.")
        return data
