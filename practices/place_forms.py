"""The forms of locations, rooms and public holidays."""

from typing import Any

from django import forms

from practices.models import Location, Room
from practices.public_holidays import countries, parts_of


class LocationForm(forms.ModelForm):  # type: ignore[type-arg]
    """A place where patients are seen, and its clock where it is not the practice's."""

    class Meta:
        model = Location
        fields = ("name", "street", "city", "state", "time_zone", "step_free")
        labels = {"time_zone": "Time zone", "step_free": "Can be reached without steps"}
        help_texts = {"time_zone": "Empty: the practice’s. Hours at this place are on its own clock."}


class RoomForm(forms.ModelForm):  # type: ignore[type-arg]
    """A room of a location."""

    class Meta:
        model = Room
        fields = ("name", "step_free")
        labels = {"step_free": "Step-free, for wheelchairs too"}


class RegionForm(forms.Form):
    """Whose holidays are looked at."""

    country = forms.ChoiceField(label="Country")
    part = forms.ChoiceField(label="State or region", required=False)

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = countries()  # type: ignore[attr-defined]
        parts = [(code, code) for code in parts_of(country)]
        self.fields["part"].choices = [("", "All of it"), *parts]  # type: ignore[attr-defined]
