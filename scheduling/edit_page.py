"""The edit dialog of a visit: its form, and where two people wrote, both values of each field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from patients.models import Need
from practices.models import Room
from scheduling.editing import FIELDS, LONGEST, values_of
from scheduling.meetings import is_by_video
from scheduling.models import Appointment, AppointmentType

WAS, PICK, THEIRS, MINE = "was_", "pick_", "theirs", "mine"
NOTHING = "Nothing"


class EditForm(forms.Form):
    """What a visit is."""

    appointment_type = forms.ChoiceField(label="Visit")
    minutes = forms.IntegerField(label="Minutes", widget=forms.TextInput(attrs={"inputmode": "numeric"}))
    room = forms.ChoiceField(required=False, label="Room")
    reason = forms.CharField(required=False, max_length=LONGEST["reason"], label="Reason")
    note = forms.CharField(
        required=False, max_length=LONGEST["note"], widget=forms.Textarea(attrs={"rows": 3}), label="Note"
    )
    needs = forms.MultipleChoiceField(
        required=False,
        choices=Need.choices,
        widget=forms.CheckboxSelectMultiple,
        label="Needs of this visit",
        help_text="Beside those on the record.",
    )
    meeting_address = forms.CharField(
        required=False,
        max_length=500,
        label="Meeting address of this visit",
        help_text="Instead of the clinician’s or the practice’s. Begins with https://",
    )

    def __init__(self, visit: Appointment, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", values_of(visit))
        super().__init__(*args, **kwargs)
        offered = AppointmentType.objects.filter(active=True, offers__practitioner=visit.practitioner_id)
        kinds = {str(kind.pk): f"{kind.name}, {kind.minutes} min" for kind in offered}
        own = visit.appointment_type
        kinds.setdefault(str(own.pk), f"{own.name}, {own.minutes} min")
        self.lengths = {str(kind.pk): kind.minutes for kind in (*offered, own)}
        rooms = Room.objects.select_related("location").order_by("location__name", "name")
        self.fields["appointment_type"].choices = list(kinds.items())  # type: ignore[attr-defined]
        choices = [("", "No room"), *((str(room.pk), room.name) for room in rooms)]
        self.fields["room"].choices = choices  # type: ignore[attr-defined]
        self.by_video = is_by_video(visit)
        for name in ("reason", "meeting_address", "minutes"):
            self.fields[name].widget.attrs["autocomplete"] = "off"

    @property
    def values(self) -> dict[str, Any]:
        """What `editing.edit_appointment` takes; a new type brings its own length unless one was typed."""
        data = {name: self.cleaned_data[name] for name in FIELDS}
        data["needs"] = sorted(data["needs"])
        data["note"] = data["note"].replace("\r\n", "\n").strip()
        seen = seen_in(self.data)
        if data["appointment_type"] != seen.get("appointment_type") and data["minutes"] == seen.get(
            "minutes"
        ):
            data["minutes"] = self.lengths[data["appointment_type"]]
        return data

    def say(self, name: str, value: Any) -> str:
        """A value as a person reads it."""
        if name == "needs":
            labels = dict(Need.choices)
            return ", ".join(str(labels.get(one, one)) for one in value) or NOTHING
        if name in {"appointment_type", "room"}:
            return str(dict(self.fields[name].choices).get(value) or value or "No room")  # type: ignore[attr-defined]
        return str(value) or NOTHING


@dataclass(frozen=True, slots=True)
class Both:
    """A field in which two people's values differ; `picked` is what stands where nobody needs to choose."""

    name: str
    label: str
    mine: str
    theirs: str
    picked: str
    wrong: bool = False


def seen_in(data: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the page showed when it was opened, as it sent them back."""
    seen: dict[str, Any] = {}
    for name in FIELDS:
        raw = data.get(WAS + name)
        if raw is None:
            continue
        text = str(raw).replace("\r\n", "\n")
        if name == "needs":
            seen[name] = sorted(filter(None, text.split(",")))
        elif name == "minutes":
            seen[name] = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else -1
        else:
            seen[name] = text
    return seen


def hidden_of(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The same the other way: what the page sends back as seen."""
    return [
        (WAS + name, ",".join(value) if isinstance(value, list) else str(value))
        for name, value in values.items()
    ]


def differences(
    form: EditForm, mine: Mapping[str, Any], seen: Mapping[str, Any], current: Appointment, *, asked: bool
) -> list[Both]:
    """Where what was typed differs from what stands; nothing is picked where both changed it."""
    theirs = values_of(current)
    found = []
    for name in FIELDS:
        if mine[name] == theirs[name]:
            continue
        before = seen.get(name, theirs[name])
        usual = MINE if theirs[name] == before else THEIRS if mine[name] == before else ""
        chosen = str(form.data.get(PICK + name, ""))
        # Asked once, only the person's own pick counts: what was seen is by now what stands.
        picked = chosen if asked else chosen or usual
        label = str(form.fields[name].label)
        wrong = asked and not picked
        found.append(
            Both(name, label, form.say(name, mine[name]), form.say(name, theirs[name]), picked, wrong)
        )
    return found


def settled(data: QueryDict) -> QueryDict:
    """The sent form with their values in the fields for which those were picked."""
    merged = data.copy()
    seen = seen_in(data)
    for name in FIELDS:
        if data.get(PICK + name) == THEIRS and name in seen:
            value = seen[name]
            merged.setlist(name, value if isinstance(value, list) else [str(value)])
    return merged


def unpicked(data: QueryDict) -> list[str]:
    """Fields of a conflict for which nothing was picked."""
    asked = [name for name in data.get("both", "").split(",") if name in FIELDS]
    return [name for name in asked if data.get(PICK + name) not in {MINE, THEIRS}]
