"""The forms of interpreters, devices and kept time; contradictions are said at their field."""

from typing import Any

from django import forms

from practices.formfields import ClockField, DayField
from practices.models import Location
from scheduling.models import AppointmentType, Practitioner, ReservedBlock, Resource, ResourceKind

MOST_LANGUAGES = 12


class ResourceForm(forms.ModelForm):  # type: ignore[type-arg]
    """Something of which a visit takes one at a time."""

    languages = forms.CharField(
        required=False, max_length=300, label="Languages", help_text="Of an interpreter: Spanish, Vietnamese."
    )

    class Meta:
        model = Resource
        fields = ("kind", "name", "languages", "location", "active")
        labels = {"location": "Only at", "active": "In use"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["location"].queryset = Location.objects.order_by("name")  # type: ignore[attr-defined]
        self.fields["location"].empty_label = "Everywhere"  # type: ignore[attr-defined]
        if self.instance.languages:
            self.initial["languages"] = ", ".join(self.instance.languages)

    def clean_languages(self) -> list[str]:
        words = [" ".join(word.split()) for word in self.cleaned_data["languages"].split(",")]
        words = list(dict.fromkeys(word for word in words if word))
        if len(words) > MOST_LANGUAGES or any(len(word) > 30 for word in words):
            raise forms.ValidationError(f"At most {MOST_LANGUAGES} languages, of 30 letters each.")
        return words

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("kind") == ResourceKind.INTERPRETER and data.get("languages") == []:
            self.add_error("languages", "Say which languages the interpreter has.")
        if data.get("kind") in {ResourceKind.DEVICE, ResourceKind.OTHER} and data.get("languages"):
            self.add_error("languages", "Only an interpreter has languages.")
        return data


class BlockForm(forms.ModelForm):  # type: ignore[type-arg]
    """Weekly time that is kept: when, for which visits, and when what is left opens to all."""

    starts = ClockField(label="From")
    ends = ClockField(label="Until")
    opens_at = ClockField(label="Opens to all at", required=False)
    valid_from = DayField(label="Holds from", required=False, help_text="Empty: already now.")
    valid_until = DayField(label="Until, included", required=False, help_text="Empty: without end.")
    opens_days_before = forms.TypedChoiceField(
        label="On",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "Never"), (0, "The same day"), (1, "The day before")]
        + [(days, f"{days} days before") for days in (2, 3, 7, 14, 30)],
    )
    types = forms.ModelMultipleChoiceField(
        queryset=AppointmentType._default_manager.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Kept for",
    )

    class Meta:
        model = ReservedBlock
        fields = (
            "name", "practitioner", "weekday", "starts", "ends", "new_patients_only", "opens_days_before",
            "opens_at", "valid_from", "valid_until",
        )  # fmt: skip
        labels = {"practitioner": "Whose time", "weekday": "Every", "new_patients_only": "New patients only"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = self.fields["practitioner"]
        people.queryset, people.empty_label = Practitioner.objects.in_use(), "Everybody’s"  # type: ignore[attr-defined]
        self.fields["types"].queryset = AppointmentType.objects.filter(active=True)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("starts") and data.get("ends") and data["ends"] <= data["starts"]:
            self.add_error("ends", "It ends before it begins.")
        first, last = data.get("valid_from"), data.get("valid_until")
        if first and last and last < first:
            self.add_error("valid_until", "The last day comes before the first.")
        days, time = data.get("opens_days_before"), data.get("opens_at")
        if days is not None and time is None and "opens_at" not in self.errors:
            self.add_error("opens_at", "Say at what time it opens.")
        if time is not None and days is None and "opens_days_before" not in self.errors:
            self.add_error("opens_days_before", "Say on which day it opens.")
        if days is None and not data.get("types") and not data.get("new_patients_only"):
            self.add_error(
                None, "Kept for nobody and never opened: choose types, new patients, or when it opens to all."
            )
        return data
