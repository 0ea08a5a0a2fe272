"""What a patient's record may hold: tidied values, and a message per field for the rest."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from patients.contacts import parse_email, parse_phone
from patients.dates import EARLIEST_YEAR
from patients.models import Channel, Consent, ContactPoint, Need, Sex
from patients.names import tidy
from practices.models import Language

LIMITS = {"given": 200, "family": 200, "preferred": 200, "pronouns": 30, "need_note": 500, "know_first": 1000}
LIMITS |= {"privacy_note": 500}
MANY_LINES = {"need_note", "know_first", "privacy_note"}
CHOICES: dict[str, tuple[str, ...]] = {
    "sex": tuple(Sex.values),
    "language": tuple(Language.values),
    "preferred_channel": tuple(Channel.values),
}
ADDRESS_PARTS = ("line", "city", "state", "postal_code", "country")
MOST_CONTACTS = 10


class InvalidPatient(ValueError):
    """A record that cannot be stored; `errors` maps field names to words for the person who typed."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {words}" for name, words in errors.items()))
        self.errors = dict(errors)


class Contact(Protocol):
    """What `registry.ContactGiven` holds."""

    @property
    def value(self) -> str: ...
    @property
    def use(self) -> str: ...
    @property
    def rank(self) -> int: ...


class Agreement(Protocol):
    """What `registry.ConsentGiven` holds."""

    @property
    def channel(self) -> str: ...
    @property
    def how(self) -> str: ...


def clean_person(values: Mapping[str, Any], *, today: dt.date) -> tuple[dict[str, Any], dict[str, str]]:
    """The given fields of a patient tidied, and what is wrong with any of them."""
    cleaned: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, value in values.items():
        try:
            cleaned[name] = _clean_field(name, value, today)
        except ValueError as error:
            errors[name] = str(error)
    return cleaned, errors


def _clean_field(name: str, value: Any, today: dt.date) -> Any:
    if name == "privacy_note":  # absent when empty
        return _clean_text(str(value or ""), LIMITS[name], lines=True) or None
    if name in LIMITS:
        return _clean_text(str(value or ""), LIMITS[name], lines=name in MANY_LINES)
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise ValueError("Choose one of the list.")
        return str(value)
    if name == "birth_date":
        return _clean_birth_date(value, today)
    if name == "needs":
        return _clean_needs(value)
    if name == "address":
        return _clean_address(value)
    if name in {"deceased", "active", "no_voicemail", "neutral_name"}:
        return bool(value)
    raise KeyError(name)


def _clean_text(text: str, limit: int, *, lines: bool = False) -> str:
    clean = tidy(text, lines=lines)
    if len(clean) > limit:
        raise ValueError(f"At most {limit} letters; this has {len(clean)}.")
    return clean


def _clean_birth_date(value: Any, today: dt.date) -> dt.date | None:
    if value is None:
        return None
    if not isinstance(value, dt.date):
        raise ValueError("This is not a date.")
    if value > today:
        raise ValueError("This date is still to come. A birth date is in the past.")
    if value.year < EARLIEST_YEAR:
        raise ValueError(f"The year {value.year} is too long ago.")
    return value


def _clean_needs(value: Iterable[str]) -> list[str]:
    needs = list(dict.fromkeys(value))
    if unknown := [need for need in needs if need not in Need.values]:
        raise ValueError(f"“{str(unknown[0])[:30]}” is not a known need.")
    return [need for need in Need.values if need in needs]


def _clean_address(value: Mapping[str, Any] | None) -> dict[str, str] | None:
    parts = {name: _clean_text(str((value or {}).get(name) or ""), 120) for name in ADDRESS_PARTS}
    return {name: part for name, part in parts.items() if part} or None


def clean_contacts(
    phones: Iterable[Contact], emails: Iterable[Contact]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Contact points with normalised values; of two equal ones the first counts."""
    cleaned: dict[tuple[str, str], dict[str, Any]] = {}
    errors: dict[str, str] = {}
    for name, system, given, parse in (
        ("phones", ContactPoint.System.PHONE, list(phones), parse_phone),
        ("emails", ContactPoint.System.EMAIL, list(emails), parse_email),
    ):
        if len(given) > MOST_CONTACTS:
            errors[name] = f"At most {MOST_CONTACTS} of them."
        for position, contact in enumerate(given[:MOST_CONTACTS]):
            try:
                if contact.use not in ContactPoint.Use.values or not 1 <= contact.rank <= 100:
                    raise ValueError("Choose one of the list.")
                value = parse(contact.value)
            except ValueError as error:
                errors[f"{name}.{position}"] = str(error)
                continue
            row = {"system": system.value, "use": contact.use, "rank": contact.rank, "value": value}
            cleaned.setdefault((system.value, value), row)
    return list(cleaned.values()), errors


def clean_consents(consents: Iterable[Agreement]) -> dict[str, str]:
    """What is wrong with consents; only texts and e-mail ask for one."""
    for consent in consents:
        if consent.channel not in {Channel.SMS, Channel.EMAIL}:
            return {"consents": "Consent is for texts or for e-mail."}
        if consent.how not in Consent.How.values:
            return {"consents": "Say how it was given: on the phone, in person, on paper."}
    return {}
