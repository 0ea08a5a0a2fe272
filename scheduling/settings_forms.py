"""The forms of clinicians, their hours and time off, and of the types of visit."""

import datetime as dt
from typing import Any

from django import forms

from patients.models import Sex
from practices.formfields import ClockField, DayField
from practices.models import Location, Membership, Practice, Role, Room, User
from scheduling.administration import Period
from scheduling.models import AppointmentType, Practitioner
from scheduling.wallclock import ClockChange, resolve

MOST_BUFFER, MOST_NOTICE, MOST_HORIZON = 240, 2160, 1095


class PractitionerForm(forms.ModelForm):  # type: ignore[type-arg]
    """A clinician as staff and patients know her."""

    class Meta:
        model = Practitioner
        fields = (
            "name",
            "short_name",
            "initials",
            "gender",
            "languages",
            "location",
            "room",
            "user",
            "position",
            "active",
        )
        labels = {
            "name": "Name for patients",
            "short_name": "Name at the desk",
            "user": "Signs in as",
            "position": "Place on the board",
            "active": "Sees patients",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["location"].queryset = Location.objects.order_by("name")  # type: ignore[attr-defined]
        self.fields["room"].queryset = Room.objects.all()  # type: ignore[attr-defined]
        genders = [("", "Not said"), *((sex.value, sex.label) for sex in Sex if sex != Sex.UNKNOWN)]
        written = str(getattr(self.instance, "gender", "") or "")
        if written not in dict(genders):
            genders.append((written, written))
        self.fields["gender"] = forms.ChoiceField(choices=genders, required=False)
        clinicians = Membership.objects.active().with_role(Role.CLINICIAN).values("user")
        self.fields["user"].queryset = User.objects.filter(pk__in=clinicians)  # type: ignore[attr-defined]


class PeriodForm(forms.Form):
    """For how long hours hold, and where they are worked."""

    first = DayField(label="From", required=False, help_text="Empty: already now.")
    last = DayField(label="Until, included", required=False, help_text="Empty: without end.")
    location = forms.ModelChoiceField(
        queryset=Location._default_manager.none(), required=False, empty_label="The usual place", label="At"
    )
    room = forms.ModelChoiceField(
        queryset=Room._default_manager.none(), required=False, empty_label="The usual room", label="Room"
    )
    end_earlier = forms.BooleanField(required=False, label="Let the hours that hold then end the day before")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["location"].queryset = Location.objects.order_by("name")  # type: ignore[attr-defined]
        rooms = Room.objects.select_related("location").order_by("location__name", "name")
        self.fields["room"].queryset = rooms  # type: ignore[attr-defined]
        self.fields["room"].label_from_instance = lambda room: f"{room.name}, {room.location.name}"  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("first") and data.get("last") and data["last"] < data["first"]:
            self.add_error("last", "The last day comes before the first.")
        place, room = data.get("location"), data.get("room")
        if room and place and room.location_id != place.pk:
            self.add_error("room", f"{room.name} is not a room of {place.name}.")
        elif room and not place:
            data["location"] = room.location
        return data

    @property
    def period(self) -> Period:
        place, room = self.cleaned_data["location"], self.cleaned_data["room"]
        return Period(
            self.cleaned_data["first"],
            self.cleaned_data["last"],
            place.pk if place else None,
            room.pk if room else None,
        )


class TimeOffForm(forms.Form):
    """Whole days, or hours of a day."""

    first_day = DayField(label="From")
    first_time = ClockField(label="Begins at", required=False, help_text="Empty: the whole day.")
    last_day = DayField(label="Until", required=False, help_text="Empty: the same day.")
    last_time = ClockField(label="Ends at", required=False)
    label = forms.CharField(
        max_length=60, initial="Out", label="Shown as", help_text="Everybody on the board reads this."
    )

    def __init__(self, *args: Any, practice: Practice, **kwargs: Any) -> None:
        self.practice = practice
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        first, last = data.get("first_day"), data.get("last_day") or data.get("first_day")
        if not first or not last or self.errors:
            return data
        self._instant("starts_at", "first_time", first, data.get("first_time"), 0)
        self._instant("ends_at", "last_time", last, data.get("last_time"), 1)
        if not self.errors and data["ends_at"] <= data["starts_at"]:
            self.add_error(
                "last_time" if first == last else "last_day", "The time off ends before it begins."
            )
        return data

    def _instant(self, name: str, field: str, day: Any, time: Any, days_after: int) -> None:
        """The moment of one end; without a time it is the midnight before, or after, the day."""
        whole = time is None
        try:
            moment = resolve(
                day + dt.timedelta(days=days_after if whole else 0),
                dt.time() if whole else time,
                self.practice.zone,
                fold=0 if whole else None,
            )
        except ClockChange as refusal:
            self.add_error(field, str(refusal))
        else:
            self.cleaned_data[name] = moment


class TypeForm(forms.ModelForm):  # type: ignore[type-arg]
    """A type of visit: how long, when, what it takes, and who offers it."""

    offered_by = forms.ModelMultipleChoiceField(
        queryset=Practitioner.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Offered by",
    )
    notice_hours = forms.IntegerField(
        required=False, min_value=0, max_value=MOST_NOTICE, label="Notice, in hours", help_text="Empty: none."
    )

    class Meta:
        model = AppointmentType
        fields = (
            "name", "minutes", "buffer_before", "buffer_after", "slot_interval", "capacity",
            "maximum_horizon", "needs_room", "needs_resource", "clinicians",
            "patients_may_choose", "for_new_patients", "video", "position", "active",
        )  # fmt: skip
        labels = {
            "minutes": "Minutes",
            "buffer_before": "Kept free before",
            "buffer_after": "Kept free after",
            "slot_interval": "Begins every",
            "capacity": "Places",
            "maximum_horizon": "Days ahead, at most",
            "needs_room": "Takes a room",
            "needs_resource": "Takes",
            "clinicians": "Clinicians",
            "patients_may_choose": "Patients may choose its time",
            "for_new_patients": "For new patients",
            "video": "By video",
            "position": "Place in the list",
            "active": "Can be booked",
        }
        help_texts = {
            "buffer_before": "Minutes.",
            "buffer_after": "Minutes.",
            "slot_interval": "Minutes; empty: 15.",
            "capacity": "More than one: a group.",
            "maximum_horizon": "Empty: as far as you like.",
            "clinicians": "Two see the patient together.",
        }
        widgets = {"clinicians": forms.Select(choices=[(1, "One"), (2, "Two together")])}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["offered_by"].queryset = Practitioner.objects.in_use()  # type: ignore[attr-defined]
        if self.instance.minimum_notice:
            self.initial["notice_hours"] = -(-self.instance.minimum_notice // 60)
        for name in ("buffer_before", "buffer_after", "capacity", "clinicians"):
            self.fields[name].required = False  # empty is the usual

    def clean_minutes(self) -> int:
        minutes: int = self.cleaned_data["minutes"]
        if not 5 <= minutes <= 480 or minutes % 5:
            raise forms.ValidationError("Between 5 and 480 minutes, in steps of five.")
        return minutes

    def clean_buffer_before(self) -> int:
        return self._buffer("buffer_before")

    def clean_buffer_after(self) -> int:
        return self._buffer("buffer_after")

    def _buffer(self, name: str) -> int:
        minutes: int = self.cleaned_data[name] or 0
        if minutes > MOST_BUFFER:
            raise forms.ValidationError(f"At most {MOST_BUFFER} minutes: what takes longer is a visit.")
        return minutes

    def clean_slot_interval(self) -> int | None:
        minutes: int | None = self.cleaned_data["slot_interval"]
        if minutes is not None and (not 5 <= minutes <= 480 or minutes % 5):
            raise forms.ValidationError("Between 5 and 480 minutes, in steps of five; or empty.")
        return minutes

    def clean_capacity(self) -> int:
        places: int = 1 if self.cleaned_data["capacity"] is None else self.cleaned_data["capacity"]
        if not 1 <= places <= 100:
            raise forms.ValidationError("Between 1 and 100 places.")
        return places

    def clean_clinicians(self) -> int:
        number: int = self.cleaned_data["clinicians"] or 1
        if number not in {1, 2}:
            raise forms.ValidationError("One or two.")
        return number

    def clean_maximum_horizon(self) -> int | None:
        days: int | None = self.cleaned_data["maximum_horizon"]
        if days is not None and not 1 <= days <= MOST_HORIZON:
            raise forms.ValidationError(f"Between 1 and {MOST_HORIZON} days; or empty.")
        return days

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        hours, days = data.pop("notice_hours", None), data.get("maximum_horizon")
        data["minimum_notice"] = (hours or 0) * 60
        if hours and days and hours > days * 24:
            self.add_error("maximum_horizon", "The notice is longer than this: nothing could be booked.")
        if data.get("clinicians") == 2 and len(data.get("offered_by") or ()) == 1:
            self.add_error("offered_by", "Two see the patient together: tick at least two.")
        return data
