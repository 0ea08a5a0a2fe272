"""The forms of recall rules and of where visits by video take place."""

from typing import Any

from django import forms

from patients.models import Channel
from scheduling.meetings import MeetingRefused, read_address
from scheduling.models import AppointmentType, Practitioner, RecallRule

WAYS = [
    (Channel.SMS, "Text, else e-mail"),
    (Channel.EMAIL, "E-mail, else text"),
    (Channel.CALL, "A person calls: nothing is sent"),
]


class RecallForm(forms.Form):
    """Visit type X, so many months after the last one, told some weeks before, by what."""

    appointment_type = forms.ModelChoiceField(
        queryset=AppointmentType._default_manager.none(), empty_label="Choose", label="Visit type"
    )
    months = forms.IntegerField(
        label="Months after the last one", widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )
    weeks_before = forms.IntegerField(
        label="Tell so many weeks before", widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )
    channel = forms.ChoiceField(choices=WAYS, label="By")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = AppointmentType.objects.filter(active=True).order_by("position", "name")
        self.fields["appointment_type"].queryset = types  # type: ignore[attr-defined]


def values_of(rule: RecallRule) -> dict[str, Any]:
    """What the form shows of a rule."""
    names = ("months", "weeks_before", "channel")
    return {"appointment_type": rule.appointment_type_id} | {name: getattr(rule, name) for name in names}


class VideoForm(forms.Form):
    """The practice's meeting address, and one for each clinician who has a room of her own."""

    practice = forms.CharField(
        required=False, max_length=500, label="The practice’s", help_text="For whoever has none of her own."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(one.pk): one for one in Practitioner.objects.in_use()}
        for key, one in self.people.items():
            self.fields[key] = forms.CharField(required=False, max_length=500, label=one.short_name)
        for field in self.fields.values():
            field.widget.attrs |= {"placeholder": "https://", "inputmode": "url", "autocomplete": "off"}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in self.fields:
            try:
                data[name] = read_address(data.get(name) or "")
            except MeetingRefused as refusal:
                self.add_error(name, str(refusal))
        return data

    @property
    def addresses(self) -> dict[Practitioner | None, str]:
        """Whose is which; None is the practice."""
        data = self.cleaned_data
        return {None: data["practice"]} | {one: data[key] for key, one in self.people.items()}
