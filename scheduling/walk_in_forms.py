"""What is typed when somebody stands at the desk; words at the field, nothing lost."""

from typing import Any

from django import forms

from patients.contacts import parse_phone
from patients.dates import parse_birth_date
from patients.names import split_name
from scheduling.drafts import Draft


class WalkInForm(forms.Form):
    """Who, what for, where to; the person is known, or new and named here."""

    name = forms.CharField(required=False, max_length=200, label="Name")
    birth_date = forms.CharField(required=False, max_length=40, label="Birth date")
    mobile = forms.CharField(required=False, max_length=40, label="Mobile")
    reason = forms.CharField(required=False, max_length=500, label="Reason, in their own words")
    overbook_reason = forms.CharField(
        required=False, max_length=80, label="Why beside others", help_text="Kept with the visit and shown."
    )

    def __init__(self, draft: Draft, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.draft = draft
        for name, example in (("name", "First and last name"), ("birth_date", "4/22/91")):
            self.fields[name].widget.attrs |= {"placeholder": example, "spellcheck": "false"}
        self.fields["mobile"].widget.attrs |= {"placeholder": "(503) 555-0142", "inputmode": "tel"}
        for field in self.fields.values():
            field.widget.attrs["autocomplete"] = "off"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.draft.kind is None:
            self.add_error(None, "Choose the kind of visit.")
        elif self.draft.slot is None:
            self.add_error(None, "Choose where to go.")
        if self.draft.patient is None:
            self.clean_person(cleaned)
        if cleaned.get("mobile"):
            cleaned["mobile"] = self.read("mobile", parse_phone, cleaned)
        return cleaned

    def clean_person(self, cleaned: dict[str, Any]) -> None:
        given, family = split_name(cleaned.get("name") or "")
        if not given or not family:
            self.add_error("name", "Choose somebody from the list, or write the first and the last name.")
        if not (cleaned.get("birth_date") or "").strip():
            self.add_error("birth_date", "Ask for the birth date.")
        else:
            cleaned["birth_date"] = self.read("birth_date", parse_birth_date, cleaned)
        cleaned |= {"given": given, "family": family}

    def read(self, name: str, parse: Any, cleaned: dict[str, Any]) -> Any:
        try:
            return parse((cleaned.get(name) or "").strip())
        except ValueError as error:
            self.add_error(name, str(error))
            return None
