"""From when until when a clinician is out, as a receptionist says it: the rest of today, a day, some days."""

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone

from practices.formfields import DayField
from practices.models import Practice
from scheduling.models import Practitioner, TimeOff
from scheduling.wallclock import boundary

SPANS = (("rest", "The rest of today"), ("day", "One day"), ("days", "Several days"))


class OutForm(forms.Form):
    """Who is out, and when; a day that is over or an end before the start is refused at the field."""

    time_off = forms.ModelChoiceField(
        TimeOff.objects.none(), required=False, widget=forms.HiddenInput
    )  # written before, in the settings say: the very same time
    practitioner = forms.ModelChoiceField(
        Practitioner.objects.none(), required=False, label="Who is out?", empty_label=None
    )
    span = forms.ChoiceField(
        choices=SPANS, required=False, initial="rest", widget=forms.RadioSelect, label="For how long?"
    )
    first_day = DayField(required=False, label="From")
    last_day = DayField(required=False, label="Until, that day included")
    label = forms.CharField(
        max_length=60,
        initial="Out",
        label="Shown on the board as",
        help_text="Everybody on the board reads this: no private reason.",
    )

    def __init__(self, *args: Any, practice: Practice, **kwargs: Any) -> None:
        self.practice = practice
        super().__init__(*args, **kwargs)
        self.fields["practitioner"].queryset = Practitioner.objects.in_use()  # type: ignore[attr-defined]
        self.fields["time_off"].queryset = TimeOff.objects.all()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        span, today = data.get("span") or "rest", self.practice.today()
        first, last = data.get("first_day"), data.get("last_day")
        if self.errors:
            return data
        off = data.get("time_off")
        if off is not None:
            data |= {"practitioner": off.practitioner, "starts_at": off.starts_at, "ends_at": off.ends_at}
            return data
        if data.get("practitioner") is None:
            self.add_error("practitioner", "Choose who is out.")
            return data
        if span == "rest":
            first = last = today
        elif span == "day":
            last = first
        if first is None:
            self.add_error("first_day", "Write the first day.")
        elif last is None:
            self.add_error("last_day", "Write the last day.")
        elif last < first:
            self.add_error("last_day", "The last day is before the first.")
        elif last < today:
            self.add_error("first_day", "That day is over.")
        else:
            self._instants(span == "rest", first, last)
        return data

    def _instants(self, rest_of_today: bool, first: dt.date, last: dt.date) -> None:
        zone = self.practice.zone
        starts = boundary(first, dt.time(0), zone)
        if rest_of_today:  # to the minute: two who press within it say the same
            starts = timezone.now().replace(second=0, microsecond=0)
        self.cleaned_data["starts_at"] = starts
        self.cleaned_data["ends_at"] = boundary(last + dt.timedelta(days=1), dt.time(0), zone)
