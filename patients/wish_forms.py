"""The form of what a patient's visits have to fit; which fields count follows from the kind."""

from collections.abc import Mapping
from typing import Any

from django import forms

from patients.models import WishKind
from patients.wishes import GENDERS, MOST_MINUTES
from practices.formfields import ClockField
from practices.models import Weekday


class WishForm(forms.Form):
    """One wish; the verb says what is missing."""

    kind = forms.ChoiceField(choices=WishKind.choices, label="What")
    starts = ClockField(required=False, label="From", help_text="Not before, carer, transport.")
    ends = ClockField(required=False, label="Until", help_text="Over by, carer, transport.")
    weekdays = forms.TypedMultipleChoiceField(
        required=False,
        coerce=int,
        choices=Weekday.choices,
        widget=forms.CheckboxSelectMultiple,
        label="Only on these days",
    )
    language = forms.CharField(
        required=False, max_length=30, label="Language", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    minutes = forms.IntegerField(
        required=False,
        min_value=5,
        max_value=MOST_MINUTES,
        label="Minutes longer",
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    gender = forms.ChoiceField(
        required=False, choices=[("", "Not asked for"), *GENDERS.items()], label="Clinician"
    )

    def refuse(self, errors: Mapping[str, str]) -> None:
        for name, words in errors.items():
            self.add_error(name if name in self.fields else None, words)

    def wish(self) -> dict[str, Any]:
        """What `wishes.add_wish` takes."""
        return self.cleaned_data
