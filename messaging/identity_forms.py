"""What the receptionist types while she makes sure who speaks."""

import uuid
from collections.abc import Iterable

from django import forms

from messaging.models import IdentityCheck
from patients.models import RelatedPerson

PATIENT, OTHER = "patient", "other"
PLACEHOLDERS = {
    IdentityCheck.Fact.BIRTH_DATE: "4/22/91",
    IdentityCheck.Fact.PHONE: "Not the number of this call",
    IdentityCheck.Fact.POSTAL_CODE: "04101",
    IdentityCheck.Fact.EMAIL: "",
    IdentityCheck.Fact.LAST_VISIT: "5/12",
}


class IdentityForm(forms.Form):
    """Who speaks, and the facts that the record can confirm."""

    speaker = forms.CharField(required=False)
    speaker_name = forms.CharField(
        label="Who it is",
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Metro Pharmacy"}),
    )
    reason = forms.CharField(
        label="Why it may be told without two facts",
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
    )

    def __init__(self, data: object, *, people: Iterable[RelatedPerson], facts: Iterable[str]) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.people = {person.pk: person for person in people}
        self.fact_names = {self.field_of(fact): fact for fact in facts}
        for name, fact in self.fact_names.items():
            words = IdentityCheck.Fact(fact)
            widget = forms.TextInput(attrs={"autocomplete": "off", "placeholder": PLACEHOLDERS[words]})
            self.fields[name] = forms.CharField(
                label=words.label, required=False, max_length=254, widget=widget
            )

    @staticmethod
    def field_of(fact: str) -> str:
        return f"fact_{fact.replace('-', '_')}"

    @property
    def fact_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fact_names]

    def clean_speaker(self) -> str:
        chosen = str(self.cleaned_data["speaker"]) or PATIENT
        if chosen not in {PATIENT, OTHER} and self._person(chosen) is None:
            raise forms.ValidationError("Choose who speaks.")
        return chosen

    def _person(self, chosen: str) -> RelatedPerson | None:
        try:
            return self.people.get(uuid.UUID(chosen))
        except ValueError:
            return None

    @property
    def person(self) -> RelatedPerson | None:
        """The related person who was chosen; None for the patient and for a stranger."""
        return self._person(self.cleaned_data.get("speaker", PATIENT))

    @property
    def stranger(self) -> str:
        """Who speaks when it is neither the patient nor one of her people, never empty then."""
        if self.cleaned_data.get("speaker") != OTHER:
            return ""
        return str(self.cleaned_data.get("speaker_name") or "") or "Somebody else"

    @property
    def facts(self) -> dict[str, str]:
        return {fact: self.cleaned_data.get(name) or "" for name, fact in self.fact_names.items()}

    def refuse(self, words: str, errors: dict[str, str]) -> None:
        """Puts a refusal where it belongs: beside the field it is about, or above the form."""
        for name, text in errors.items():
            field = self.field_of(name)
            self.add_error(field if field in self.fields else name if name in self.fields else None, text)
        if not errors:
            self.add_error(None, words)
