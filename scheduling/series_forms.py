"""How often, how many times, until when: the part of the booking dialog that makes a series of a visit."""

import datetime as dt
from typing import Any

from django import forms

from patients.dates import parse_day
from scheduling.models import Series
from scheduling.recurrence import REPEATS, BadRule, rule_for
from scheduling.wallclock import within_reach

OWN = "rule"
FIELDS = {"repeat": "repeat", "count": "repeat_count", "until": "repeat_until", "rule": "repeat_rule"}


class RepeatForm(forms.Form):
    """Nothing chosen means a single visit."""

    repeat = forms.ChoiceField(
        required=False,
        label="Repeats",
        choices=[("", "Does not repeat"), *REPEATS.items(), (OWN, "By its own rule")],
    )
    repeat_count = forms.CharField(required=False, max_length=6, label="How many times")
    repeat_until = forms.CharField(required=False, max_length=40, label="Or until")
    repeat_rule = forms.CharField(
        required=False, max_length=200, label="Rule", help_text="RRULE, like FREQ=WEEKLY;BYDAY=TU,TH;COUNT=12"
    )

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        for name, example in (("repeat_count", "8"), ("repeat_until", "3/31, in 3 months")):
            self.fields[name].widget.attrs |= {"placeholder": example, "autocomplete": "off"}
        self.fields["repeat_count"].widget.attrs["inputmode"] = "numeric"
        self.fields["repeat_rule"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    @property
    def chosen(self) -> bool:
        return bool(self["repeat"].value())

    def rule_from(self, first: dt.date) -> str:
        """The rule that begins on a day; empty, with words at the field, where it makes no series."""
        if not self.is_valid():
            return ""
        said = self.cleaned_data
        try:
            if said["repeat"] == OWN:
                return str(said["repeat_rule"])
            return rule_for(said["repeat"], first, count=self._count(), until=self._until())
        except BadRule as wrong:
            self.refuse(wrong)
            return ""

    def refuse(self, wrong: BadRule) -> None:
        """Puts what is wrong with the rule at its field."""
        own = self.cleaned_data.get("repeat") == OWN
        self.add_error("repeat_rule" if own else FIELDS[wrong.field], str(wrong))

    def _count(self) -> int | None:
        text = self.cleaned_data["repeat_count"].strip()
        if text and not (text.isascii() and text.isdigit()):
            raise BadRule(f"Write a number from 2 to {Series.MOST_DATES}.", "count")
        return int(text) if text else None

    def _until(self) -> dt.date | None:
        text = self.cleaned_data["repeat_until"].strip()
        try:
            return within_reach(parse_day(text, self.today)) if text else None
        except ValueError as unreadable:
            raise BadRule(str(unreadable), "until") from None
