"""What is typed for a broadcast: who shall get it, and the words in each language."""

import re
from collections.abc import Mapping
from string import Template
from typing import Any

from django import forms

from messaging.broadcasts import VARIABLES, Audience
from messaging.templates import segments

MOST_SEGMENTS = 4
# A word of the carrier's opt-out list asked for, as in “Reply STOP” (SECURITY.md D9, D10).
OPT_OUT = re.compile(
    r"\b(reply|text|answer|send|type|responda|envie|conteste|escriba)\s+[\"“']?"
    r"(stop|stopall|unsubscribe|cancel|end|quit|revoke|optout|arret|alto|cancelar|parar|no)\b",
    re.IGNORECASE,
)
# What must not be read on a locked screen: why somebody is seen.
CLINICAL = re.compile(
    r"\b(diagnos\w*|test results?|lab results?|biops\w*|cancer|hiv|std|pregnan\w*|abortion\w*|psychiatr\w*|"
    r"depress\w*|therap(y|ist)|medication|prescription|vaccin\w*|resultados|diagnostic\w*|embaraz\w*|vih|"
    r"psiquiatr\w*|medicamentos?|receta)\b",
    re.IGNORECASE,
)
LINK = re.compile(r"https?://|www\.", re.IGNORECASE)


def words_against(text: str) -> list[str]:
    """What must not be in a text to many patients, in words."""
    found = []
    if OPT_OUT.search(text):
        found.append("Do not ask for an opt-out word: the answer would stop all texts to the patient.")
    if match := CLINICAL.search(text):
        found.append(f"“{match[0]}” says why somebody is seen. Leave it out: others may read the screen.")
    if LINK.search(text):
        found.append("Leave the address of a page out: carriers hold such texts back.")
    unknown = sorted(set(named(text)) - set(VARIABLES))
    if unknown:
        found.append(f"${unknown[0]} stands for nothing. Use {', '.join('$' + name for name in VARIABLES)}.")
    if (count := segments(text)) > MOST_SEGMENTS:
        found.append(f"This is as long as {count} texts; {MOST_SEGMENTS} are the most. Say it shorter.")
    return found


def named(text: str) -> list[str]:
    """The variables that a text names."""
    found = [match["named"] or match["braced"] for match in Template.pattern.finditer(text)]
    return [name for name in found if name]


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
            for words in words_against(str(data.get(name) or "")):
                self.add_error(name, words)
        key = data.get("audience")
        if key and f"option_{key}" in self.fields and not data.get(f"option_{key}"):
            self.add_error(f"option_{key}", "Choose one.")
        return data
