"""What staff type about messages for colleagues: the message, who takes it over, what came of it."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils import timezone

from messaging.models import Call, Recipient, StaffMessage
from messaging.routing import ROLES, House
from messaging.staff_messages import LONGEST, MessageRefused, number_of, say_when
from patients.models import Patient
from practices.formfields import ClockField, DayField
from practices.models import Practice, User

PROMISES = {"30": "In 30 minutes", "60": "In an hour", "120": "In two hours", "240": "In four hours"}
END_OF_DAY, MORNING = dt.time(17), dt.time(10)


@dataclass(frozen=True, slots=True)
class ToWhom:
    """A choice of the list of recipients, taken apart."""

    recipient: str = ""
    to_user: User | None = None
    to_role: str = ""


def recipients(house: House, *, routed: bool) -> list[tuple[str, Any]]:
    """The list of recipients: the practice's route, who is on call, roles, people."""
    usual: list[tuple[str, Any]] = [("", "Whoever the practice has set")] if routed else [("", "Choose …")]
    people = [(f"person:{member.user_id}", str(member.user)) for member in house.members]
    roles = [(f"role:{role.value}", words.capitalize()) for role, words in ROLES.items()]
    return [*usual, ("on-call", "Whoever is on call"), ("Roles", roles), ("People", people)]


def to_whom(text: str, house: House) -> ToWhom:
    """The chosen recipient; ValidationError for one that is not in the list."""
    kind, _, who = text.partition(":")
    if not text:
        return ToWhom()
    if kind == "on-call":
        return ToWhom(Recipient.ON_CALL)
    if kind == "role" and who in {role.value for role in ROLES}:
        return ToWhom(Recipient.ROLE, None, who)
    person = next((m.user for m in house.members if kind == "person" and str(m.user_id) == who), None)
    if person is None:
        raise forms.ValidationError("Choose a colleague who works here.")
    return ToWhom(Recipient.PERSON, person)


class RecipientField(forms.ChoiceField):
    """For whom; its choices are those of the house."""

    def __init__(self, house: House, *, routed: bool, **kwargs: Any) -> None:
        super().__init__(
            choices=recipients(house, routed=routed),
            required=not routed,
            error_messages={
                "required": "Choose for whom it is.",
                "invalid_choice": "Choose a colleague who works here.",
            },
            **kwargs,
        )


class StaffMessageForm(forms.Form):
    """A message as it is taken: saved only when what must be read back was read back, in these very words."""

    kind = forms.ChoiceField(
        choices=StaffMessage.Kind.choices,
        label="What about",
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose what it is about.",
            "invalid_choice": "Choose what it is about.",
        },
    )
    body = forms.CharField(
        label="Message",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}),
        error_messages={"required": "Write the message."},
    )
    callback_number = forms.CharField(
        label="Call back at",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    urgency = forms.TypedChoiceField(
        choices=[("", "As usual"), (0, "Urgent"), (1, "Today"), (2, "Routine")],
        coerce=int,
        empty_value=None,
        required=False,
        label="How urgent",
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose how urgent it is."},
    )
    promise = forms.ChoiceField(required=False, label="The caller hears from us")
    promised_at = forms.DateTimeField(
        required=False,
        label="At the latest",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        error_messages={"invalid": "Write a day and a time."},
    )
    patient = forms.UUIDField(required=False, error_messages={"invalid": "Choose a patient of the list."})
    call = forms.UUIDField(required=False, widget=forms.HiddenInput)
    once = forms.UUIDField(initial=uuid.uuid4, widget=forms.HiddenInput)
    find = forms.CharField(label="About", required=False, max_length=200, strip=True)

    def __init__(self, *args: Any, practice: Practice, house: House, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.practice, self.house = practice, house
        self.fields["to_whom"] = RecipientField(house, routed=True, label="For")
        field = self.fields["promise"]
        if isinstance(field, forms.ChoiceField):
            field.choices = promises(practice)

    def clean_callback_number(self) -> str:
        try:
            return number_of(str(self.cleaned_data["callback_number"]))
        except MessageRefused as wrong:
            raise forms.ValidationError(str(wrong)) from None

    def clean_to_whom(self) -> ToWhom:
        return to_whom(str(self.cleaned_data["to_whom"]), self.house)

    def clean_patient(self) -> Patient | None:
        pk = self.cleaned_data["patient"]
        found: Patient | None = Patient.objects.filter(pk=pk).first() if pk else None
        if pk and found is None:
            raise forms.ValidationError("This patient is not in the list any more. Search again.")
        return found

    def clean_call(self) -> Call | None:
        pk = self.cleaned_data["call"]
        return Call.objects.filter(pk=pk).first() if pk else None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["promised_by"] = promised_by(data.get("promise", ""), data.get("promised_at"), self.practice)
        if data.get("promise") == "at" and not data.get("promised_at") and "promised_at" not in self.errors:
            self.add_error("promised_at", "Write the day and the time you promised.")
        return data


def promises(practice: Practice) -> list[tuple[str, str]]:
    """What can be promised, with the clock time it means; nothing that has passed."""
    now = timezone.now()
    soon = [
        (minutes, f"{words}, by {say_when(now + dt.timedelta(minutes=int(minutes)), practice)}")
        for minutes, words in PROMISES.items()
    ]
    evening = at(practice, 0, END_OF_DAY)
    day = [("day", "By the end of the day, 5:00 PM")] if evening > now else []
    return [
        ("", "Nothing was promised"),
        *soon,
        *day,
        ("morning", "Tomorrow by 10:00 AM"),
        ("at", "At another time"),
    ]


def at(practice: Practice, days: int, clock: dt.time) -> dt.datetime:
    day = practice.today() + dt.timedelta(days=days)
    return dt.datetime.combine(day, clock, tzinfo=practice.zone).astimezone(dt.UTC)


def promised_by(choice: str, at_time: dt.datetime | None, practice: Practice) -> dt.datetime | None:
    """The instant that was promised; minutes count to the full one."""
    if choice == "at":
        return at_time
    if choice in PROMISES:
        moment = timezone.now() + dt.timedelta(minutes=int(choice))
        return moment.replace(second=0, microsecond=0)
    return {"day": at(practice, 0, END_OF_DAY), "morning": at(practice, 1, MORNING)}.get(choice)


class GoesToForm(forms.Form):
    """Only what decides where a message goes: read while the form is filled in."""

    kind = forms.ChoiceField(choices=StaffMessage.Kind.choices, required=False)

    def __init__(self, *args: Any, house: House, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.house = house
        self.fields["to_whom"] = RecipientField(house, routed=True)

    def clean_to_whom(self) -> ToWhom:
        return to_whom(str(self.cleaned_data["to_whom"]), self.house)


class PassOnForm(forms.Form):
    """Who takes a message over."""

    def __init__(self, *args: Any, house: House, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.house = house
        self.fields["to_whom"] = RecipientField(house, routed=False, label="For")

    def clean_to_whom(self) -> ToWhom:
        return to_whom(str(self.cleaned_data["to_whom"]), self.house)


class AnsweredForm(forms.Form):
    """What came of a message."""

    outcome = forms.CharField(
        label="What came of it",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write what came of it, so that the next caller can be told."},
    )


class RouteForm(forms.Form):
    """Where messages of one kind go; one form a kind, by its prefix."""

    urgency = forms.TypedChoiceField(
        choices=[(0, "Urgent"), (1, "Today"), (2, "Routine")], coerce=int, label="How urgent"
    )
    answer_within_minutes = forms.IntegerField(
        min_value=5,
        max_value=14 * 24 * 60,
        label="Answered within, minutes of office time",
        error_messages={
            "min_value": "Five minutes is the least.",
            "max_value": "Two weeks is the most.",
            "invalid": "Write a number of minutes.",
        },
    )

    def __init__(self, *args: Any, house: House, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.house, self.label = house, ""
        self.fields["to_whom"] = RecipientField(house, routed=False, label="Goes to")

    def shown(self) -> list[forms.BoundField]:
        """The fields in the order of the page."""
        return [self["to_whom"], self["urgency"], self["answer_within_minutes"]]

    def clean_to_whom(self) -> ToWhom:
        return to_whom(str(self.cleaned_data["to_whom"]), self.house)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        urgency, within = data.get("urgency"), data.get("answer_within_minutes")
        if urgency == StaffMessage.Urgency.URGENT and within is not None and within > 240:
            self.add_error(
                "answer_within_minutes", "An urgent message cannot wait for more than 240 minutes."
            )
        return data


class ClockTimes(forms.CharField):
    """“12:00, 16:30”: the hours of the digest."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(f"{time:%H:%M}" for time in value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        parts = str(super().clean(value)).replace(",", " ").replace(";", " ").split()
        clock = ClockField()
        try:
            times = {clock.clean(part) for part in parts}
        except forms.ValidationError:
            raise forms.ValidationError("Write hours like 12:00, 16:30, with commas between them.") from None
        if len(times) > 6:
            raise forms.ValidationError("Six hours a day are the most: more is no digest any more.")
        return sorted(times)


class PaceForm(forms.Form):
    """When the digest goes out, and how fast an urgent message goes from one to the next."""

    digest_at = ClockTimes(
        required=False, label="Hours of the digest", help_text="Like 12:00, 16:30. Empty: no digest."
    )
    escalate_every_minutes = forms.IntegerField(min_value=1, max_value=60, label="Ask again after, minutes")
    escalate_times = forms.IntegerField(min_value=1, max_value=20, label="Ask each person, times")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        minutes = (data.get("escalate_every_minutes") or 0) * (data.get("escalate_times") or 0)
        if minutes > 240:
            words = f"That is {minutes} minutes with one person who does not answer. 240 are the most."
            self.add_error("escalate_times", words)
        return data


class ShiftForm(forms.Form):
    """A stretch of being on call, on the practice's wall clock."""

    user = forms.ChoiceField(label="Who", error_messages={"required": "Choose who is on call."})
    rank = forms.TypedChoiceField(
        choices=[(1, "First"), (2, "Second"), (3, "Third"), (4, "Fourth")], coerce=int, label="Asked"
    )
    first_day = DayField(label="From")
    starts = ClockField(label="at")
    last_day = DayField(label="Until")
    ends = ClockField(label="at")

    def __init__(self, *args: Any, house: House, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.house = house
        self.people = {str(member.user_id): member.user for member in house.members}
        field = self.fields["user"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "Choose …"), *((pk, str(user)) for pk, user in self.people.items())]

    def clean_user(self) -> User:
        return self.people[str(self.cleaned_data["user"])]
