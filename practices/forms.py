"""The forms of a practice's settings; what is contradictory is said at its field."""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

from django import forms

from practices.administration import Hours
from practices.formfields import ClockField, DayField
from practices.models import Closure, Language, Practice, Role, Weekday

LONGEST_CLOSURE = dt.timedelta(days=366)
SPANS_A_DAY = 2  # before and after lunch; more where a day has more


class PracticeForm(forms.ModelForm):  # type: ignore[type-arg]
    """The practice's own facts."""

    languages = forms.MultipleChoiceField(choices=Language.choices, widget=forms.CheckboxSelectMultiple)
    visits_keep = forms.ChoiceField(
        required=False,
        label="With another zone, visits ahead keep",
        choices=[("moment", "The moment that was agreed"), ("clock", "The time on the clock")],
    )
    quiet_from = ClockField(label="Quiet from")
    quiet_until = ClockField(label="Quiet until")
    morning_review_at = ClockField(label="Morning review at")
    evening_review_at = ClockField(label="Wrap-up at")

    class Meta:
        model = Practice
        fields = (
            "name", "display_name", "street", "city", "state", "postal_code", "directions", "line_number",
            "email_sender", "time_zone", "languages", "undo_minutes", "quiet_from", "quiet_until",
            "morning_review_at", "evening_review_at", "link_shows_time", "late_tell_from", "late_tell_hours",
            "calendar_names",
        )  # fmt: skip
        labels = {
            "display_name": "Name in texts",
            "line_number": "Line number",
            "email_sender": "E-mail sender",
            "undo_minutes": "Minutes to take a change back",
            "late_tell_from": "Tell patients from, minutes late",
            "late_tell_hours": "Tell those who come within, hours",
            "calendar_names": "Clinicians’ own calendars show patients’ names",
            "link_shows_time": "A patient’s link shows date and time before the birth date is given",
        }
        help_texts = {
            "display_name": "Leave empty to use the name.",
            "time_zone": "Hours and time off follow the clock.",
            "undo_minutes": "Texts wait this long, so a change that is taken back is never heard of.",
            "link_shows_time": "",
            "late_tell_from": "Of a clinician who is late.",
            "late_tell_hours": "Later visits may yet begin on time.",
            "calendar_names": "They are outside Front Desk. Without names: times and kinds of visits.",
        }
        widgets = {"directions": forms.Textarea(attrs={"rows": 3}), "line_number": forms.TextInput}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        morning, evening = data.get("morning_review_at"), data.get("evening_review_at")
        if morning and evening and evening <= morning:
            self.add_error("evening_review_at", "The wrap-up comes after the morning review.")
        if data.get("quiet_from") and data.get("quiet_from") == data.get("quiet_until"):
            self.add_error("quiet_until", "Quiet hours that begin and end at the same time say nothing.")
        return data


class WeekForm(forms.Form):
    """Stretches of hours on each weekday; an empty one is closed."""

    def __init__(self, *args: Any, week: Iterable[Hours] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given: dict[int, list[Hours]] = {}
        for known in week:
            given.setdefault(known.weekday, []).append(known)
        self.spans = max([SPANS_A_DAY, *map(len, given.values())])
        for weekday in Weekday:
            of_day = given.get(weekday, [])
            for number in range(self.spans):
                span = of_day[number] if number < len(of_day) else None
                words = f"{weekday.label}, {'second hours' if number else 'hours'}"
                for end in ("starts", "ends"):
                    field = ClockField(
                        required=False, label=f"{words}, {'from' if end == 'starts' else 'until'}"
                    )
                    field.initial = getattr(span, end, None)
                    self.fields[self.key(weekday, number, end)] = field

    @staticmethod
    def key(weekday: int, number: int, end: str) -> str:
        return f"{end}_{weekday}_{number}"

    def days(self) -> Iterator[tuple[str, list[tuple[Any, Any]]]]:
        """For the page: each weekday with its pairs of fields."""
        for weekday in Weekday:
            pairs = [
                (self[self.key(weekday, n, "starts")], self[self.key(weekday, n, "ends")])
                for n in range(self.spans)
            ]
            yield weekday.label, pairs

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self.week: list[Hours] = []
        for weekday in Weekday:
            last: dt.time | None = None
            for number in range(self.spans):
                last = self._span(data, weekday, number, last) or last
        return data

    def _span(
        self, data: dict[str, Any], weekday: Weekday, number: int, last: dt.time | None
    ) -> dt.time | None:
        """Takes one stretch over, or says what contradicts what; returns its end."""
        first_key, last_key = self.key(weekday, number, "starts"), self.key(weekday, number, "ends")
        starts, ends = data.get(first_key), data.get(last_key)
        if first_key in self.errors or last_key in self.errors or (starts is None and ends is None):
            return None
        if starts is None or ends is None:
            self.add_error(
                last_key if ends is None else first_key, f"{weekday.label} needs both times, or none."
            )
        elif ends <= starts:
            self.add_error(last_key, f"{weekday.label} ends before it begins.")
        elif last is not None and starts < last:
            self.add_error(first_key, f"The second hours of {weekday.label} begin before the first end.")
        else:
            self.week.append(Hours(int(weekday), starts, ends))
            return ends  # type: ignore[no-any-return]
        return None


class ClosureForm(forms.Form):
    """Days on which the practice sees nobody."""

    first_day = DayField(label="First day")
    last_day = DayField(label="Last day", required=False, help_text="Empty: one day.")
    reason = forms.CharField(max_length=Closure._meta.get_field("reason").max_length or 80)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["last_day"] = data.get("last_day") or data.get("first_day")
        if data.get("first_day") and data["last_day"] < data["first_day"]:
            self.add_error("last_day", "The last day comes before the first.")
        elif data.get("first_day") and data["last_day"] - data["first_day"] > LONGEST_CLOSURE:
            self.add_error("last_day", "At most a year at once.")
        return data


class RolesField(forms.MultipleChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            choices=Role.choices,
            widget=forms.CheckboxSelectMultiple,
            error_messages={"required": "Choose at least one role."},
            **kwargs,
        )


class InviteForm(forms.Form):
    """A person who shall work here."""

    email = forms.EmailField(label="E-mail", error_messages={"invalid": "This is not an e-mail address."})
    given_name = forms.CharField(max_length=80, label="First name")
    family_name = forms.CharField(max_length=80, label="Last name")
    roles = RolesField()


class MemberForm(forms.Form):
    """What a person may do here."""

    roles = RolesField()
    active = forms.BooleanField(required=False, label="Works here")
    may_overbook = forms.BooleanField(
        required=False,
        label="May squeeze visits in",
        help_text="Beside others or outside hours, with a reason. Clinicians and managers always may.",
    )
