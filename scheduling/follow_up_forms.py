"""What is typed when a follow-up is ordered, put off or ended; words at the field, nothing lost."""

import datetime as dt
from typing import Any

from django import forms

from patients.dates import parse_day
from practices.models import Practice
from scheduling.drafts import as_uuid
from scheduling.followups import TOLERANCES
from scheduling.models import Appointment, AppointmentType, FollowUp, Practitioner

SPANS = {
    "2 weeks": "2 weeks",
    "6 weeks": "6 weeks",
    "3 months": "3 months",
    "6 months": "6 months",
    "12 months": "A year",
}
DEFAULT_SPAN = "6 weeks"


def read_when(text: str, today: dt.date) -> dt.date:
    """“6 weeks”, “in six weeks”, “1/7”, “March 3”; ValueError in words."""
    clean = " ".join(text.lower().split())
    spoken = clean.split(" ")
    if len(spoken) == 2 and spoken[1].rstrip("s") in {"day", "week", "month"}:
        clean = f"in {clean}"
    day = parse_day(clean, today)
    if day <= today:
        raise ValueError("Choose a day to come.")
    return day


class OrderForm(forms.Form):
    """When again, for what, with whom."""

    span = forms.ChoiceField(
        choices=list(SPANS.items()), required=False, widget=forms.RadioSelect, label="In"
    )
    when = forms.CharField(
        required=False,
        max_length=40,
        label="Or around",
        help_text="10 weeks, March 3, 1/7; counts before the above.",
    )
    visit_type = forms.ChoiceField(label="Visit")
    clinician = forms.ChoiceField(required=False, label="With")
    tolerance = forms.TypedChoiceField(coerce=int, label="Earlier or later by")
    note = forms.CharField(
        required=False,
        max_length=500,
        label="Note",
        help_text="For the desk and the visit; patients never read it.",
    )

    def __init__(self, visit: Appointment, practice: Practice, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", first_values(visit))
        super().__init__(*args, **kwargs)
        self.practice = practice
        self.kinds = list(AppointmentType.objects.filter(active=True))
        self.people = list(Practitioner.objects.in_use())
        self.choose("visit_type", [(str(kind.pk), kind.name) for kind in self.kinds])
        self.choose("clinician", [("", "Any clinician"), *((str(p.pk), p.short_name) for p in self.people)])
        self.choose("tolerance", [(days, words.capitalize()) for days, words in TOLERANCES.items()])
        self.fields["when"].widget.attrs |= {"autocomplete": "off", "placeholder": "10 weeks"}
        self.fields["note"].widget.attrs["autocomplete"] = "off"

    def choose(self, name: str, choices: list[Any]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        text = (data.get("when") or "").strip() or data.get("span") or ""
        try:
            data["due_on"] = read_when(text, self.practice.today()) if text else None
        except ValueError as error:
            self.add_error("when", str(error))
        else:
            if not text and "when" not in self.errors:
                self.add_error("when", "Say when the patient is to come again.")
        kind, who = as_uuid(data.get("visit_type")), as_uuid(data.get("clinician"))
        data["kind"] = next((one for one in self.kinds if one.pk == kind), None)
        data["with_whom"] = next((one for one in self.people if one.pk == who), None)
        return data


def first_values(visit: Appointment) -> dict[str, Any]:
    """The same visit again, with the same clinician, in six weeks."""
    return {
        "span": DEFAULT_SPAN,
        "visit_type": str(visit.appointment_type_id),
        "clinician": str(visit.practitioner_id),
        "tolerance": 7,
    }


class LaterForm(forms.Form):
    """Until when a row rests."""

    until = forms.CharField(max_length=40, label="Look again", help_text="tomorrow, in 2 weeks, 1/7")

    def __init__(self, practice: Practice, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.practice = practice

    def clean_until(self) -> dt.date:
        try:
            return read_when(self.cleaned_data["until"], self.practice.today())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


REASONS = [(code.value, code.label) for code in FollowUp.BY_HAND]
