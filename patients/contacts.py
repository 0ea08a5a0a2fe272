"""Phones, e-mail addresses, and how a patient may be reached."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from patients.models import Channel, Consent, ContactPoint, Patient
from practices.prepared import Prepared
from practices.tenancy import current_practice

EXTENSION = re.compile(r"(?:ext|x|#)\W*\d+\s*$", re.IGNORECASE)
NOT_A_PHONE = "This is not a phone number. Write it with its area code, like (503) 555-0142."
_email_rule = EmailValidator(message="This is not an e-mail address. It needs a name, an @ and a domain.")


def parse_phone(text: str, region: str = "US") -> str:
    """The number as E.164; ValueError says in words what is wrong.

    Asks for a possible length only: new area codes exist long before any library knows them.
    """
    if EXTENSION.search(text[-30:]):
        raise ValueError("Leave the extension out and write it into the notes.")
    if len(text) > 40 or re.search(r"[^\W\d_]", text):
        raise ValueError(NOT_A_PHONE)
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        raise ValueError(NOT_A_PHONE) from None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason in {ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY}:
        raise ValueError("This phone number is too short. Write it with its area code.")
    if reason == ValidationResult.TOO_LONG:
        raise ValueError("This phone number has too many digits.")
    if reason != ValidationResult.IS_POSSIBLE:
        raise ValueError(NOT_A_PHONE)
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def show_phone(e164: str, region: str = "US") -> str:
    """The number as the desk reads it out: “(503) 555-0142”, abroad with its country code."""
    try:
        number = phonenumbers.parse(e164, None)
    except NumberParseException:
        return e164
    at_home = number.country_code == phonenumbers.country_code_for_region(region)
    shape = PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    return str(phonenumbers.format_number(number, shape))


def parse_email(text: str) -> str:
    """The address in lower case; ValueError says in words what is wrong."""
    address = text.strip().lower()
    try:
        if len(address) > 254:
            raise ValidationError(_email_rule.message)
        _email_rule(address)
    except ValidationError as error:
        raise ValueError(error.messages[0]) from None
    return address


def textable_contact(patient: Patient) -> ContactPoint | None:
    """The mobile number that is tried first."""
    points = ContactPoint.objects.phones().filter(patient=patient).order_by("rank", "id")
    return next((point for point in points if point.textable), None)


def email_contact(patient: Patient) -> ContactPoint | None:
    """The usable e-mail address that is tried first."""
    return ContactPoint.objects.emails().filter(patient=patient, unusable="").order_by("rank", "id").first()


def practice_name_for(patient: Patient | None, language: str = "") -> str:
    """How a message to this patient names the open practice, as she asked for it."""
    practice = current_practice()
    if patient is None:
        return practice.public_name
    return practice.name_in(language or patient.language, neutral=patient.neutral_name)


def practice_name_at(index: str, patient: Patient | None, language: str) -> str:
    """How a message to a number names the practice: neutrally, where one of several who share it asked so."""
    if patient is not None or not index:
        return practice_name_for(patient, language)
    sharing = ContactPoint.objects.filter(value_index=index, patient__neutral_name=True)
    return current_practice().name_in(language, neutral=sharing.exists())


def consent_state(patient: Patient, channel: str) -> bool:
    """Whether the patient's last word on the channel was yes; silence is no."""
    last = Consent.objects.in_force().filter(patient=patient, channel=channel).first()
    return last is not None and last.granted


@dataclass(frozen=True, slots=True)
class Reach:
    """How one patient may be reached now; `why_not` says in words why neither text nor e-mail may go."""

    has_phone: bool
    can_text: bool
    can_email: bool
    why_not: str = ""
    text_to: ContactPoint | None = field(default=None, compare=False)
    email_to: ContactPoint | None = field(default=None, compare=False)
    phone: ContactPoint | None = field(default=None, compare=False)  # the first to call
    call_to: ContactPoint | None = field(default=None, compare=False)  # where a machine may call

    def may_go_by(self, channel: str) -> bool:
        if channel == Channel.CALL:
            return self.call_to is not None
        return self.can_email if channel == Channel.EMAIL else self.can_text

    def point_for(self, channel: str) -> ContactPoint | None:
        """The number or address that is tried first; None where there is none."""
        if channel == Channel.CALL:
            return self.call_to
        return self.email_to if channel == Channel.EMAIL else self.text_to


POINTS = Prepared(lambda ids: ContactPoint.objects.filter(patient__among=ids).order_by("rank", "id"))
LAST_WORDS = Prepared(
    lambda ids: (
        Consent.objects.in_force().filter(patient__among=ids).values_list("patient_id", "channel", "granted")
    )
)


def reachability(patients: Iterable[Patient]) -> dict[uuid.UUID, Reach]:
    """How each of the patients may be reached, in two queries however many they are."""
    everyone = list(patients)
    ids = {patient.pk for patient in everyone}
    points: dict[uuid.UUID, list[ContactPoint]] = {}
    if not ids:
        return {}
    for point in POINTS.ask(ids=list(ids)):
        points.setdefault(point.patient_id, []).append(point)
    said = {(patient_id, channel): granted for patient_id, channel, granted in LAST_WORDS.ask(ids=list(ids))}
    return {patient.pk: _reach(patient, points.get(patient.pk, []), said) for patient in everyone}


def _reach(patient: Patient, points: list[ContactPoint], said: dict[tuple[uuid.UUID, str], bool]) -> Reach:
    phones = [point for point in points if point.system == ContactPoint.System.PHONE]
    emails = [point for point in points if point.system == ContactPoint.System.EMAIL]
    phone = next((point for point in phones if point.rings), next(iter(phones), None))
    text_to = next((point for point in phones if point.textable), None)
    email_to = next((point for point in emails if not point.unusable), None)
    if patient.deceased:
        return Reach(has_phone=bool(phones), can_text=False, can_email=False, why_not="died", phone=phone)
    can_text = text_to is not None and said.get((patient.pk, Channel.SMS.value), False)
    can_email = email_to is not None and said.get((patient.pk, Channel.EMAIL.value), False)
    # A reminder by voice needs a number and no word against it.
    may_call = said.get((patient.pk, Channel.CALL.value), True)
    call_to = next((point for point in phones if point.rings), None) if may_call else None
    why_not = ""
    if not (can_text or can_email):
        if text_to or email_to:
            why_not = "no consent to texts or e-mail"
        else:
            why_not = "no mobile number or e-mail" if phones else "no phone or e-mail"
    return Reach(bool(phones), can_text, can_email, why_not, text_to, email_to, phone, call_to)
