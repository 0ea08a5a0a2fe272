"""A FHIR R4 Patient as the import takes it: names, birth date, contacts, addresses, numbers.

Only the elements that are stored are read. Numbers that identify a person outside health care (social
security, driving licence, passport, tax) are never taken over.
"""

import json
import math
import re
from typing import Any

from fhir.resources.R4B.patient import Patient as FHIRPatient
from pydantic import ValidationError

from patients.importfiles import SSN, PatientGiven, RowRefused, birth_date, sex, shortened
from patients.registry import ContactGiven, IdentifierGiven

DEEPEST = 60
NEVER_STORED = {"SS", "DL", "PPN", "TAX", "NI", "SB", "CZ"}
SSN_SYSTEMS = ("us-ssn", "2.16.840.1.113883.4.1")
KEPT: dict[str, set[str]] = {
    "identifier": {"use", "type", "system", "value"},
    "name": {"use", "text", "family", "given"},
    "telecom": {"system", "value", "use", "rank"},
    "address": {"use", "line", "city", "state", "postalCode", "country"},
    "communication": {"language", "preferred"},
}
PLAIN = {"resourceType", "id", "active", "gender", "deceasedBoolean", "deceasedDateTime"}


def read_patient(line: int, text: str) -> PatientGiven:
    """One line of NDJSON; raises RowRefused with a reason that holds nothing of the patient."""
    resource = checked(load(text))
    official = name_of(resource)
    row = PatientGiven(line, {})
    row.person = {
        "given": shortened(" ".join(official.get("given") or []), "given"),
        "family": shortened(official.get("family") or "", "family"),
        "birth_date": born(resource, row),
        "sex": sex(resource.get("gender") or "", row),
        "deceased": bool(resource.get("deceasedBoolean") or resource.get("deceasedDateTime")),
        "active": resource.get("active", True),
        "address": address_of(resource),
    }
    if not (row.person["given"] or row.person["family"]) and official.get("text"):
        row.person["given"], _, row.person["family"] = official["text"].rpartition(" ")
    row.person |= language_of(resource, row)
    row.identifiers = identifiers_of(resource)
    if not row.identifiers:
        raise RowRefused("there is no number by which the patient could be known again")
    for contact in resource.get("telecom") or []:
        add_contact(row, contact)
    return row


def load(text: str) -> dict[str, Any]:
    """The JSON object of a line; duplicate keys, NaN and endless nesting are refused."""
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise RowRefused("the JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise RowRefused(f"the line is not JSON (at character {error.pos + 1})") from None
    if not isinstance(value, dict) or value.get("resourceType") != "Patient":
        raise RowRefused("the line is not a FHIR Patient")
    if _depth(value) > DEEPEST:
        raise RowRefused("the JSON is nested too deeply")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise RowRefused("a key appears twice in the JSON")
    return value


def _no_number(text: str) -> Any:
    raise RowRefused("the JSON holds a number that is none")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise RowRefused("the JSON holds a number that is none")
    return number


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        below: list[Any] = []
        for item in level:
            below += item.values() if isinstance(item, dict) else item if isinstance(item, list) else []
        level = [item for item in below if isinstance(item, (dict, list))]
    return deepest


def checked(resource: dict[str, Any]) -> dict[str, Any]:
    """The elements that are used, valid FHIR; what else a resource holds does not matter."""
    used = {name: resource[name] for name in PLAIN & resource.keys()}
    for name, keys in KEPT.items():
        rows = resource.get(name)
        if rows is not None:
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise RowRefused(f"{name} is not a list of objects")
            used[name] = [{key: row[key] for key in keys & row.keys()} for row in rows]
    try:
        FHIRPatient.model_validate(used)
    except ValidationError as error:
        place = ".".join(str(step) for step in error.errors()[0]["loc"])
        raise RowRefused(f"not valid FHIR at {place[:60]}") from None
    used["birthDate"] = resource.get("birthDate")
    return used


def born(resource: dict[str, Any], row: PatientGiven) -> Any:
    written = resource["birthDate"]
    if written is None:
        return None
    if not isinstance(written, str):
        raise RowRefused("the birth date is not a date between 1900 and today")
    if re.fullmatch(r"\d{4}(-\d{2})?", written):
        row.notes.append("the birth date was left out: only its year or month is known")
        return None
    return birth_date(written)


def name_of(resource: dict[str, Any]) -> dict[str, Any]:
    """The name in use: the official one, else the first that is neither old nor a maiden name."""
    order = {"official": 0, "usual": 1, None: 2, "nickname": 4, "old": 9, "maiden": 9}
    names = sorted(resource.get("name") or [], key=lambda name: order.get(name.get("use"), 3))
    return names[0] if names else {}


def address_of(resource: dict[str, Any]) -> dict[str, str] | None:
    for address in resource.get("address") or []:
        if address.get("use") != "old":
            return {
                "line": ", ".join(address.get("line") or [])[:120],
                "city": (address.get("city") or "")[:120],
                "state": (address.get("state") or "")[:120],
                "postal_code": (address.get("postalCode") or "")[:120],
                "country": (address.get("country") or "")[:120],
            }
    return None


def language_of(resource: dict[str, Any], row: PatientGiven) -> dict[str, str]:
    """The language for messages; one we do not write in becomes a note about the patient's needs."""
    spoken = sorted(resource.get("communication") or [], key=lambda one: not one.get("preferred"))
    concept: dict[str, Any] = (spoken[0].get("language") if spoken else None) or {}
    coding: dict[str, Any] = next(iter(concept.get("coding") or []), {})
    code = str(coding.get("code") or "en").lower()[:2]
    if code in {"en", "es"}:
        return {"language": code}
    row.notes.append("messages will be in English: the patient's language is noted as a need")
    return {"language": "en", "need_note": f"Speaks {coding.get('display') or code}"[:200]}


def identifiers_of(resource: dict[str, Any]) -> list[IdentifierGiven]:
    """The numbers that may be stored; the server's own id where there is no other."""
    found: dict[tuple[str, str], IdentifierGiven] = {}
    for number in resource.get("identifier") or []:
        codes = {coding.get("code") for coding in (number.get("type") or {}).get("coding") or []}
        system, value = str(number.get("system") or ""), str(number.get("value") or "").strip()
        forbidden = codes & NEVER_STORED or any(part in system for part in SSN_SYSTEMS)
        if system and value and not forbidden and not SSN.fullmatch(value):
            found[system[:200], value] = IdentifierGiven(system[:200], value)
    if not found and resource.get("id"):
        return [IdentifierGiven("fhir:id", str(resource["id"]))]
    return list(found.values())


def add_contact(row: PatientGiven, contact: dict[str, Any]) -> None:
    """A phone or address of use; a phone is texted only if the file calls it a mobile."""
    kind, value, use = contact.get("system"), contact.get("value"), contact.get("use")
    if use == "old" or not value:
        return
    if kind in {"phone", "sms"}:
        textable = kind == "sms" or use == "mobile"
        as_use = "mobile" if textable else "work" if use == "work" else "home"
        row.phones.append(ContactGiven(value, as_use, len(row.phones) + 1))
    elif kind == "email":
        row.emails.append(ContactGiven(value, "home", len(row.emails) + 1))
