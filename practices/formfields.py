"""Fields of forms for times of day and dates, with the bounds that every page keeps."""

from typing import Any

from django import forms


class ClockField(forms.TimeField):
    """A time of day, typed or picked."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
        super().__init__(**({"widget": widget} | kwargs))


class DayField(forms.DateField):
    """A calendar date, typed or picked, of a year in which a practice may plan."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**({"widget": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")} | kwargs))

    def clean(self, value: Any) -> Any:
        day = super().clean(value)
        if day is not None and not 1970 <= day.year <= 2200:
            raise forms.ValidationError("Use a year between 1970 and 2200.")
        return day
