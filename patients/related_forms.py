"""Forms of the people around a patient, and of a flag; the rules are those of the verbs."""

from collections.abc import Mapping
from typing import Any

from django import forms

from patients.contacts import show_phone
from patients.flags import LONGEST, MOST_DAYS, USUAL_DAYS
from patients.models import PatientFlag, RelatedPerson


class RelatedForm(forms.Form):
    """Somebody who may speak for the patient."""

    name = forms.CharField(
        max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    relationship = forms.ChoiceField(choices=RelatedPerson.Relationship.choices)
    phone = forms.CharField(
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
    )
    may = forms.MultipleChoiceField(
        label="May be told, or do",
        choices=RelatedPerson.May.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    note = forms.CharField(
        label="Note", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    @staticmethod
    def initial_of(person: RelatedPerson) -> dict[str, Any]:
        shown = {"phone": show_phone(person.phone) if person.phone else ""}
        return {name: getattr(person, name) for name in ("name", "relationship", "may", "note")} | shown

    def refuse(self, errors: Mapping[str, str]) -> None:
        """Puts the verb's words at the fields they speak of."""
        for name, words in errors.items():
            self.add_error(name if name in self.fields else None, words)


class FlagForm(forms.Form):
    """What to know first for a time."""

    kind = forms.ChoiceField(choices=PatientFlag.Kind.choices, initial=PatientFlag.Kind.UPSET.value)
    words = forms.CharField(
        label="What to know",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write what to know."},
    )
    days = forms.IntegerField(label="For how many days", min_value=1, max_value=MOST_DAYS, initial=USUAL_DAYS)
