"""What somebody waits for, and a practice's rule, checked field by field in words."""

import datetime as dt
import uuid
from typing import Any

from django import forms

from practices.formfields import ClockField, DayField
from scheduling.models import AppointmentType, Practitioner, WaitlistEntry, WaitlistRule
from scheduling.waitlist import BadWish, Wishes
from scheduling.waitlist_rules import FIELDS

WEEKDAYS = [(1, "Mon"), (2, "Tue"), (3, "Wed"), (4, "Thu"), (5, "Fri"), (6, "Sat"), (7, "Sun")]


class EntryForm(forms.Form):
    """The wishes of one entry; nothing chosen means any."""

    types = forms.MultipleChoiceField(
        label="Visit",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose a kind of visit."},
    )
    practitioners = forms.MultipleChoiceField(
        label="Clinician", required=False, widget=forms.CheckboxSelectMultiple
    )
    weekdays = forms.TypedMultipleChoiceField(
        label="Days", required=False, coerce=int, choices=WEEKDAYS, widget=forms.CheckboxSelectMultiple
    )
    not_before = ClockField(label="Not before", required=False)
    not_after = ClockField(label="Over by", required=False)
    notice_hours = forms.IntegerField(
        label="Notice needed, hours",
        min_value=0,
        max_value=336,
        initial=2,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages=dict.fromkeys(("min_value", "max_value"), "Between 0 hours and 14 days (336)."),
    )
    first_day = DayField(label="From", required=False)
    last_day = DayField(label="Until", required=False)
    urgency = forms.TypedChoiceField(
        label="How urgent", choices=WaitlistEntry.Urgency.choices, coerce=int, initial=2
    )
    note = forms.CharField(label="Note", required=False, max_length=500)

    def __init__(self, *args: Any, fixed_types: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = AppointmentType.objects.filter(active=True)
        self.fields["types"].choices = [(str(one.pk), one.name) for one in kinds]  # type: ignore[attr-defined]
        people = Practitioner.objects.in_use()
        self.fields["practitioners"].choices = [(str(one.pk), one.short_name) for one in people]  # type: ignore[attr-defined]
        if fixed_types:
            self.fields["types"].required = False

    def refuse(self, wrong: BadWish) -> None:
        """Says what is wrong at its field, or above them all: the wished time has none."""
        self.add_error(wrong.field if wrong.field in self.fields else None, str(wrong))

    @property
    def wishes(self) -> Wishes:
        """What `waitlist.add_entry` takes."""
        data = dict(self.cleaned_data)
        for name in ("types", "practitioners"):
            data[name] = [uuid.UUID(key) for key in data[name]]
        return data  # type: ignore[return-value]


def values_of(entry: WaitlistEntry) -> dict[str, Any]:
    """What the form shows of an entry."""
    values = {name: getattr(entry, name) for name in EntryForm.base_fields}
    for name in ("types", "practitioners"):
        values[name] = [str(key) for key in values[name]]
    return values


class WaitlistRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """How a practice offers what opened; contradictions are said at their field."""

    class Meta:
        model = WaitlistRule
        fields = FIELDS
        labels = {
            "mode": "Who asks",
            "group_size": "Asked at once",
            "pause_minutes": "Pause between groups, minutes",
            "first_delay_minutes": "Wait before the first, minutes",
            "send_from": "Ask from",
            "send_to": "Ask until",
            "stop_before_minutes": "Stop asking before the visit, minutes",
            "cutoff_minutes": "Accept until before the visit, minutes",
            "rest_hours": "Leave alone after asking, hours",
        }
        help_texts = {
            "group_size": "The first yes of them wins.",
            "first_delay_minutes": "After the time to take the change back.",
            "rest_hours": "So that it is not the same people every time. 0: nobody is left alone.",
        }
        field_classes = {"send_from": ClockField, "send_to": ClockField}
        widgets = {
            **{name: forms.TextInput(attrs={"inputmode": "numeric"}) for name in FIELDS[1:4] + FIELDS[6:]},
            "mode": forms.RadioSelect,
        }

    BOUNDS = {
        "group_size": (1, 20),
        "pause_minutes": (1, 1440),
        "first_delay_minutes": (0, 1440),
        "stop_before_minutes": (0, 10_080),
        "cutoff_minutes": (0, 10_080),
        "rest_hours": (0, 720),
    }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name, (low, high) in self.BOUNDS.items():
            if (value := data.get(name)) is not None and not low <= value <= high:
                self.add_error(name, f"Between {low} and {high}.")
        begins: dt.time | None = data.get("send_from")
        ends: dt.time | None = data.get("send_to")
        if begins and ends and begins >= ends:
            self.add_error("send_to", "The hours end before they begin.")
        stop, cutoff = data.get("stop_before_minutes"), data.get("cutoff_minutes")
        if stop is not None and cutoff is not None and cutoff > stop:
            self.add_error("cutoff_minutes", "People would still be asked when nobody can say yes any more.")
        return data
