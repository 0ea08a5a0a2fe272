"""The form of a patient's record; the rules are those of the registry, the words stand at the fields."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from django import forms

from patients.cleaning import ADDRESS_PARTS, LIMITS, MOST_CONTACTS, clean_contacts
from patients.contacts import show_phone
from patients.dates import parse_birth_date
from patients.models import Channel, Consent, ContactPoint, Need, Patient, Sex
from patients.registry import ConsentGiven, ContactGiven
from patients.search import LONGEST_TEXT, read
from practices.models import Language
from practices.tenancy import current_practice

PERSON = (
    "given",
    "family",
    "preferred",
    "birth_date",
    "sex",
    "pronouns",
    "language",
    "preferred_channel",
    "needs",
    "need_note",
    "know_first",
)
# How a stored patient wants to be reached in confidence; not asked of a new one.
CONFIDENCE = ("no_voicemail", "neutral_name", "privacy_note")
ROW = re.compile(r"(phone|email)_(\d{1,2})$")
HOW_CHOICES = [(how.value, how.label) for how in Consent.How if how not in {"text", "import"}]


def text(label: str, limit: int, **attrs: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", **attrs})
    return forms.CharField(label=label, required=False, max_length=limit, strip=True, widget=widget)


def lines(label: str, limit: int, help_text: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=limit,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class PatientForm(forms.Form):
    """A new or a stored patient; `rows` of phones and e-mails follow what is stored or was sent."""

    given = text("Given names", LIMITS["given"], spellcheck="false")
    family = text("Family name", LIMITS["family"], spellcheck="false")
    preferred = text("Goes by", LIMITS["preferred"], spellcheck="false")
    birth_date = text("Birth date", 60, placeholder="4/22/91", inputmode="text")
    sex = forms.ChoiceField(choices=Sex.choices, initial=Sex.UNKNOWN.value)
    pronouns = text("Pronouns", LIMITS["pronouns"], placeholder="she, her")
    language = forms.ChoiceField(choices=Language.choices, initial=Language.ENGLISH.value)
    preferred_channel = forms.ChoiceField(
        label="Likes to hear by", choices=Channel.choices, initial=Channel.SMS.value
    )
    needs = forms.MultipleChoiceField(
        choices=Need.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    need_note = lines("About these needs", LIMITS["need_note"], "Which language, what helps.")
    know_first = lines("Know first", LIMITS["know_first"], "Stands on top of the record, never in a message.")
    address_line = text("Street", 120)
    address_city = text("City", 120)
    address_state = text("State", 120)
    address_postal_code = text("ZIP code", 120)
    address_country = text("Country", 120)

    def __init__(self, data: Mapping[str, Any] | None = None, *, patient: Patient | None = None, **kw: Any):
        initial = (initial_of(patient) if patient else {}) | kw.pop("initial", {})
        super().__init__(data, initial=initial, **kw)
        sent = [match for name in data or initial if (match := ROW.fullmatch(name))]
        for kind, name in (("phone", "Phone"), ("email", "E-mail")):
            filled = [int(match[2]) for match in sent if match[1] == kind]
            for position in range(1, min(max([0, *filled]) + (data is None), MOST_CONTACTS) + 1):
                self._add_row(kind, name, position)
            if f"{kind}_1" not in self.fields:
                self._add_row(kind, name, 1)

    def _add_row(self, kind: str, name: str, position: int) -> None:
        label = name if position == 1 else f"{name} {position}"
        extra = {"inputmode": "tel"} if kind == "phone" else {"inputmode": "email"}
        self.fields[f"{kind}_{position}"] = text(label, 254, **extra)
        choice = forms.ChoiceField(
            label=f"{label} is", choices=ContactPoint.Use.choices, required=False, initial="mobile"
        )
        self.fields[f"{kind}_{position}_use"] = choice

    def clean_birth_date(self) -> dt.date | None:
        written = self.cleaned_data["birth_date"]
        try:
            return parse_birth_date(written, current_practice().today()) if written else None
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        """Reads the contacts too, so that all that is wrong is said at once."""
        self.refuse(clean_contacts(self.contacts("phone"), self.contacts("email"))[1])
        return self.cleaned_data

    @property
    def rows(self) -> dict[str, list[tuple[Any, Any]]]:
        """The bound fields of phones and e-mails with their uses, for the template."""
        return {
            f"{kind}s": [(self[name], self[f"{name}_use"]) for name in self._names(kind)]
            for kind in ("phone", "email")
        }

    def person(self) -> dict[str, Any]:
        """The fields of the patient's own row."""
        address = {part: self.cleaned_data[f"address_{part}"] for part in ADDRESS_PARTS}
        names = [name for name in (*PERSON, *CONFIDENCE) if name in self.fields]
        return {name: self.cleaned_data[name] for name in names} | {"address": address}

    def contacts(self, kind: str) -> list[ContactGiven]:
        """The written phones or e-mails in their order."""
        written = self.cleaned_data
        return [
            ContactGiven(written[name], written.get(f"{name}_use") or "mobile", rank)
            for rank, name in enumerate(self._written(kind), start=1)
        ]

    def _written(self, kind: str) -> list[str]:
        return [name for name in self._names(kind) if self.cleaned_data.get(name)]

    def _names(self, kind: str) -> list[str]:
        return [name for name in self.fields if (row := ROW.fullmatch(name)) and row[1] == kind]

    def refuse(self, errors: Mapping[str, str]) -> None:
        """Puts the registry's words at the fields they speak of."""
        written = {kind: self._written(kind) for kind in ("phone", "email")}
        for name, words in errors.items():
            kind, _, position = name.partition("s.")
            if kind in written and position.isdigit():
                name = written[kind][int(position)]
            elif name == "address":
                name = "address_line"
            self.add_error(name if name in self.fields else None, words)


class NewPatientForm(PatientForm):
    """A new patient, with what the patient says about texts and e-mail."""

    text_consent = forms.BooleanField(label="Texts about visits are welcome", required=False)
    email_consent = forms.BooleanField(label="E-mail about visits is welcome", required=False)
    consent_how = forms.ChoiceField(label="How it was said", choices=HOW_CHOICES, required=False)

    def consents(self) -> list[ConsentGiven]:
        """A yes for each ticked channel; an empty box is silence, not a no."""
        how = self.cleaned_data["consent_how"] or Consent.How.PHONE.value
        ticked = {Channel.SMS: "text_consent", Channel.EMAIL: "email_consent"}
        return [ConsentGiven(c.value, True, how) for c, name in ticked.items() if self.cleaned_data[name]]


class EditPatientForm(PatientForm):
    """A stored patient with its wishes for confidence; `version` is what the person saw."""

    no_voicemail = forms.BooleanField(label="Leave no voicemail", required=False)
    neutral_name = forms.BooleanField(
        label="Do not name the practice",
        required=False,
        help_text="Messages and calls say “your care team”.",
    )
    privacy_note = lines(
        "In confidence", LIMITS["privacy_note"], "What else the patient asked for, such as never at work."
    )

    version = forms.IntegerField(min_value=1, max_value=2_147_483_647, widget=forms.HiddenInput)


class ConsentForm(forms.Form):
    """A yes or no to texts or e-mail."""

    channel = forms.ChoiceField(choices=[("sms", "Text"), ("email", "E-mail")])
    granted = forms.ChoiceField(choices=[("yes", "Yes"), ("no", "No")])
    how = forms.ChoiceField(choices=HOW_CHOICES)


class SearchForm(forms.Form):
    """What is looked for."""

    q = forms.CharField(max_length=LONGEST_TEXT, required=False)


class DuplicatesForm(forms.Form):
    """The half-written form that is compared with the stored patients."""

    given = forms.CharField(max_length=LIMITS["given"], required=False)
    family = forms.CharField(max_length=LIMITS["family"], required=False)
    birth_date = forms.CharField(max_length=60, required=False)
    phone_1 = forms.CharField(max_length=40, required=False)

    def asked(self) -> dict[str, Any]:
        """Arguments of `search.likely_duplicates`; a birth date that is half written is none yet."""
        self.full_clean()
        written = self.cleaned_data
        try:
            born = parse_birth_date(written.get("birth_date", ""), current_practice().today())
        except ValueError:
            born = None
        names = {name: written.get(name, "") for name in ("given", "family")}
        return names | {"birth_date": born, "phone": written.get("phone_1", "")}


def initial_of(patient: Patient) -> dict[str, Any]:
    """What the form of a stored patient shows first."""
    initial = {name: getattr(patient, name) for name in (*PERSON, *CONFIDENCE)}
    initial["version"] = patient.version
    if patient.birth_date:
        initial["birth_date"] = f"{patient.birth_date:%m/%d/%Y}"
    initial |= {f"address_{part}": value for part, value in (patient.address or {}).items()}
    counts = {"phone": 0, "email": 0}
    for point in sorted(patient.contact_points.all(), key=lambda p: (p.rank, p.pk)):
        counts[point.system] += 1
        name = f"{point.system}_{counts[point.system]}"
        initial[name] = show_phone(point.value) if point.system == "phone" else point.value
        initial[f"{name}_use"] = point.use
    return initial


def initial_from(typed: str) -> dict[str, Any]:
    """What a searched text says about a new patient: “Vega, Marisol 3/14/86” fills three fields."""
    question = read(typed)
    family_first = re.match(r"\s*[^\W\d]+\s*,", typed)
    letters = [word.strip(",") for word in typed[:LONGEST_TEXT].split() if not re.search(r"[\d@]", word)]
    names = [word.title() if word.islower() else word for word in letters if word]
    names = names[: max(len(question.words), 1)] if question.birth_date else names
    if family_first:
        initial = {"family": names[0], "given": " ".join(names[1:])} if names else {}
    else:
        initial = {"given": names[0], "family": " ".join(names[1:])} if names else {}
    if question.birth_date:
        initial["birth_date"] = f"{question.birth_date:%m/%d/%Y}"
    if len(question.digits) >= 7:
        initial["phone_1"] = question.digits
    if question.email:
        initial["email_1"] = question.email
    return initial
