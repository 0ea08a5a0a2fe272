"""What a receptionist types when booking or moving, checked field by field in words."""

import datetime as dt
from typing import Any

from django import forms

from patients.contacts import parse_phone
from patients.dates import parse_birth_date, parse_day
from patients.models import Need
from patients.names import split_name
from scheduling.drafts import Draft, Slot
from scheduling.models import CancellationReason, Practitioner
from scheduling.objections import unmet_needs
from scheduling.wallclock import ClockChange, TimeIsAmbiguous, parse_clock, resolve, within_reach


class WhenForm(forms.Form):
    """The time of a visit: an offered one, or a day and a time somebody typed."""

    day = forms.CharField(required=False, max_length=40, label="Day")
    time = forms.CharField(required=False, max_length=20, label="Time")
    with_whom = forms.ChoiceField(required=False, label="Clinician")
    fold = forms.ChoiceField(
        required=False, choices=[("0", "The first"), ("1", "The second")], widget=forms.RadioSelect
    )
    overbook_reason = forms.CharField(
        required=False,
        max_length=80,
        label="Squeeze in on purpose",
        help_text="Only when the time is taken or outside hours: say why, and it is booked beside the rest.",
    )

    twice: TimeIsAmbiguous | None = None

    def __init__(self, draft: Draft, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.draft = draft
        people = [(str(one.pk), one.short_name) for one in draft.diary.practitioners]
        self.fields["with_whom"].choices = [("", "Choose"), *people]  # type: ignore[attr-defined]
        for name, example in (("day", "tomorrow, 6/12, in 3 weeks"), ("time", "3:30 PM")):
            self.fields[name].widget.attrs["placeholder"] = example
            self.fields[name].widget.attrs["autocomplete"] = "off"
        self.fields["overbook_reason"].widget.attrs["autocomplete"] = "off"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.draft.other:
            cleaned["slot"] = self.typed_slot(cleaned)
        elif self.draft.slot is None:
            self.add_error(None, "Choose a time.")
        else:
            cleaned["slot"] = self.draft.slot
        if cleaned.get("slot") is not None:
            self.check_needs(cleaned)
        return cleaned

    def check_needs(self, cleaned: dict[str, Any]) -> None:
        """A time that misses what the patient needs is booked once somebody said that she agrees."""
        slot: Slot = cleaned["slot"]
        unmet = unmet_needs(self.draft, slot)
        cleaned["despite"] = unmet
        if unmet and self.data.get("agreed") != slot.value and not cleaned.get("overbook_reason"):
            self.add_error(None, f"{' '.join(unmet)} Ask the patient, and tick below that it was agreed.")

    def typed_slot(self, cleaned: dict[str, Any]) -> Slot | None:
        """The slot in day, time and clinician; messages at the fields where it is none."""
        diary = self.draft.diary
        day = self.read("day", lambda text: within_reach(parse_day(text, diary.practice.today())), cleaned)
        time = self.read("time", parse_clock, cleaned)
        who = diary.practitioner_of(cleaned.get("with_whom")) or self.draft.clinician
        if who is None:
            self.add_error("with_whom", "Say with whom.")
        if day is None or time is None or who is None:
            return None
        return self.at(day, time, who, cleaned)

    def at(self, day: dt.date, time: dt.time, who: Practitioner, cleaned: dict[str, Any]) -> Slot | None:
        """The instant of a wall-clock time; on clock-change nights it may not exist, or be asked for."""
        fold = int(cleaned["fold"]) if cleaned.get("fold") else None
        try:
            return Slot(who, resolve(day, time, self.draft.diary.practice.zone, fold=fold))
        except TimeIsAmbiguous as twice:
            self.twice = twice
            self.add_error("time", str(twice))
        except ClockChange as gap:
            self.add_error("time", str(gap))
        return None

    def read(self, name: str, parse: Any, cleaned: dict[str, Any]) -> Any:
        """A field's text through a parser whose ValueError is the message; None when empty or wrong."""
        text = (cleaned.get(name) or "").strip()
        if name in self.errors:
            return None
        try:
            if not text:
                raise ValueError("Write the day." if name == "day" else "Write the time.")
            return parse(text)
        except ValueError as error:
            self.add_error(name, str(error))
            return None


class BookingForm(WhenForm):
    """Who, what, when and what was agreed; the person is known, or new and named here."""

    name = forms.CharField(required=False, max_length=200, label="Name")
    birth_date = forms.CharField(required=False, max_length=40, label="Birth date")
    mobile = forms.CharField(required=False, max_length=40, label="Mobile")
    reason = forms.CharField(required=False, max_length=500, label="Reason, in the caller’s words")
    needs = forms.MultipleChoiceField(required=False, choices=Need.choices)
    text_ok = forms.BooleanField(required=False)

    def __init__(self, draft: Draft, *args: Any, **kwargs: Any) -> None:
        super().__init__(draft, *args, **kwargs)
        for name, example in (("name", "First and last name"), ("birth_date", "4/22/91")):
            self.fields[name].widget.attrs |= {"placeholder": example, "spellcheck": "false"}
        self.fields["mobile"].widget.attrs |= {"placeholder": "(503) 555-0142", "inputmode": "tel"}
        self.fields["reason"].widget.attrs["placeholder"] = "Reason, in the caller’s words"
        for name in ("name", "birth_date", "mobile", "reason"):
            self.fields[name].widget.attrs["autocomplete"] = "off"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.draft.kind is None:
            self.add_error(None, "Choose the kind of visit.")
        if self.draft.patient is None:
            self.clean_person(cleaned)
        if cleaned.get("mobile"):
            cleaned["mobile"] = self.read("mobile", parse_phone, cleaned)
        elif cleaned.get("text_ok") and (self.draft.patient is None or "mobile" in self.data):
            # A known caller is asked for a number only where none can be texted.
            self.add_error("mobile", "To text, write the mobile number; or untick the text.")
        return cleaned

    def clean_person(self, cleaned: dict[str, Any]) -> None:
        """A new patient needs a whole name and a birth date: they tell people of one name apart."""
        given, family = split_name(cleaned.get("name") or "")
        if not given or not family:
            self.add_error("name", "Choose somebody from the list, or write the first and the last name.")
        if not (cleaned.get("birth_date") or "").strip():
            self.add_error("birth_date", "Ask for the birth date.")
        else:
            cleaned["birth_date"] = self.read("birth_date", parse_birth_date, cleaned)
        cleaned |= {"given": given, "family": family}


class CancelForm(forms.Form):
    """Why a visit does not take place."""

    reason = forms.ChoiceField(choices=CancellationReason.choices)
    tell_patient = forms.BooleanField(required=False)
    version = forms.IntegerField()
