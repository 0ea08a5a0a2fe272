"""The forms of clinicians, their hours and time off, and of the types of visit."""

import datetime as dt
from typing import Any

from django import forms

from practices.formfields import ClockField, DayField
from practices.models import Membership, Practice, Role, Room, User
from scheduling.administration import Period
from scheduling.models import AppointmentType, Practitioner
from scheduling.wallclock import ClockChange, resolve


class PractitionerForm(forms.ModelForm):  # type: ignore[type-arg]
    """A clinician as staff and patients know her."""

    class Meta:
        model = Practitioner
        fields = (
            "name",
            "short_name",
            "initials",
            "gender",
            "languages",
            "room",
            "user",
            "position",
            "active",
        )
        labels = {
            "name": "Name for patients",
            "short_name": "Name at the desk",
            "user": "Signs in as",
            "position": "Place on the board",
            "active": "Sees patients",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["room"].queryset = Room.objects.all()  # type: ignore[attr-defined]
        clinicians = Membership.objects.active().with_role(Role.CLINICIAN).values("user")
        self.fields["user"].queryset = User.objects.filter(pk__in=clinicians)  # type: ignore[attr-defined]


class PeriodForm(forms.Form):
    """For how long hours hold."""

    first = DayField(label="From", required=False, help_text="Empty: already now.")
    last = DayField(label="Until, included", required=False, help_text="Empty: without end.")
    end_earlier = forms.BooleanField(required=False, label="Let the hours that hold then end the day before")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("first") and data.get("last") and data["last"] < data["first"]:
            self.add_error("last", "The last day comes before the first.")
        return data

    @property
    def period(self) -> Period:
        return Period(self.cleaned_data["first"], self.cleaned_data["last"])


class TimeOffForm(forms.Form):
    """Whole days, or hours of a day."""

    first_day = DayField(label="From")
    first_time = ClockField(label="Begins at", required=False, help_text="Empty: the whole day.")
    last_day = DayField(label="Until", required=False, help_text="Empty: the same day.")
    last_time = ClockField(label="Ends at", required=False)
    label = forms.CharField(
        max_length=60, initial="Out", label="Shown as", help_text="Everybody on the board reads this."
    )

    def __init__(self, *args: Any, practice: Practice, **kwargs: Any) -> None:
        self.practice = practice
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        first, last = data.get("first_day"), data.get("last_day") or data.get("first_day")
        if not first or not last or self.errors:
            return data
        self._instant("starts_at", "first_time", first, data.get("first_time"), 0)
        self._instant("ends_at", "last_time", last, data.get("last_time"), 1)
        if not self.errors and data["ends_at"] <= data["starts_at"]:
            self.add_error(
                "last_time" if first == last else "last_day", "The time off ends before it begins."
            )
        return data

    def _instant(self, name: str, field: str, day: Any, time: Any, days_after: int) -> None:
        """The moment of one end; without a time it is the midnight before, or after, the day."""
        whole = time is None
        try:
            moment = resolve(
                day + dt.timedelta(days=days_after if whole else 0),
                dt.time() if whole else time,
                self.practice.zone,
                fold=0 if whole else None,
            )
        except ClockChange as refusal:
            self.add_error(field, str(refusal))
        else:
            self.cleaned_data[name] = moment


class TypeForm(forms.ModelForm):  # type: ignore[type-arg]
    """A type of visit and who offers it."""

    offered_by = forms.ModelMultipleChoiceField(
        queryset=Practitioner.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Offered by",
    )

    class Meta:
        model = AppointmentType
        fields = ("name", "minutes", "for_new_patients", "video", "position", "active")
        labels = {
            "minutes": "Minutes",
            "for_new_patients": "For new patients",
            "video": "By video",
            "position": "Place in the list",
            "active": "Can be booked",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["offered_by"].queryset = Practitioner.objects.in_use()  # type: ignore[attr-defined]

    def clean_minutes(self) -> int:
        minutes: int = self.cleaned_data["minutes"]
        if not 5 <= minutes <= 480 or minutes % 5:
            raise forms.ValidationError("Between 5 and 480 minutes, in steps of five.")
        return minutes
