"""What is typed for a broadcast: who shall get it, and the words in each language."""

from collections.abc import Mapping
from typing import Any

from django import forms

from messaging.broadcasts import VARIABLES, Audience
from messaging.wording_rules import complaints
from practices.tenancy import current_practice


def words_against(text: str) -> list[str]:
    """What must not be in a text to many patients, by the rules of every wording."""
    practice = current_practice()
    return complaints(
        text, channel="sms", allowed=VARIABLES, names=(practice.name, practice.public_name), filled=text
    )


class BroadcastForm(forms.Form):
    """Whom and what; the words are checked as every text to a patient is."""

    audience = forms.ChoiceField(label="Who gets it", widget=forms.RadioSelect)
    body_en = forms.CharField(
        label="Words",
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write what you want to say."},
    )
    body_es = forms.CharField(
        label="In Spanish", max_length=1_000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, audiences: Mapping[str, Audience], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.audiences = audiences
        field = self.fields["audience"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(key, audience.label) for key, audience in audiences.items()]
        for key, audience in audiences.items():
            if options := audience.options():
                self.fields[f"option_{key}"] = forms.ChoiceField(
                    choices=options, required=False, label=audience.asks
                )

    def options(self) -> list[tuple[Any, Any]]:
        """For the page: each audience as a radio with its list, where it has one."""
        return [
            (radio, self[f"option_{key}"] if f"option_{key}" in self.fields else None)
            for radio, key in zip(self["audience"], self.audiences, strict=True)
        ]

    def args(self) -> dict[str, str]:
        """What was chosen beside the audience."""
        chosen = self.cleaned_data.get(f"option_{self.cleaned_data['audience']}", "")
        return {"option": chosen} if chosen else {}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in ("body_en", "body_es"):
            typed = str(data.get(name) or "")
            for words in words_against(typed) if typed else []:
                self.add_error(name, words)
        key = data.get("audience")
        if key and f"option_{key}" in self.fields and not data.get(f"option_{key}"):
            self.add_error(f"option_{key}", "Choose one.")
        return data
