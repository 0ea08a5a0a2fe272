"""What all pages behind a patient's private link have: the frame, the language, the birth date and its proof.

The proof is a signed cookie of one link and its own address: another link's proves nothing here.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from patients.contacts import show_phone
from practices.models import Practice
from scheduling.visit_words import EN, ES, MONTHS

PROOF_SECONDS = 15 * 60


def frame(practice: Practice | None, language: str, words: Mapping[str, str]) -> dict[str, Any]:
    """What every page has: the words, the practice's name and number, the way to the other language."""
    other = EN if language == ES else ES
    return {
        "w": words,
        "language": language,
        "other": {"code": other, "name": "English" if other == EN else "Español", "url": f"?lang={other}"},
        "practice_name": practice.public_name if practice else "",
        "mark": practice,
        "phone": show_phone(str(practice.line_number)) if practice else "",
        "phone_link": str(practice.line_number) if practice else "",
    }


def chosen_language(request: HttpRequest, own: str = EN) -> str:
    """The language that was chosen on the page, else the patient's own."""
    asked = request.GET.get("lang", "")
    return asked if asked in {EN, ES} else own


def friendly_end(
    request: HttpRequest,
    practice: Practice | None,
    what: str,
    language: str,
    words: Mapping[str, str],
    status: int,
) -> HttpResponse:
    """A link that is over, one that nobody knows, or a step for the phone, in the words of `what`."""
    context = frame(practice, language, words) | {
        "title": words[f"{what}_title"],
        "why": words[f"{what}_why"],
    }
    return render(request, "scheduling/visit/closed.html", context, status=status)


def months(language: str) -> list[tuple[str, str]]:
    return [(str(number), name) for number, name in enumerate(MONTHS[language], start=1)]


def read_date(given: QueryDict) -> dt.date | None:
    """The birth date from its three fields, or nothing that could be a date."""
    try:
        year, month, day = (int(given.get(f"birth_{part}", "")) for part in ("year", "month", "day"))
        return dt.date(year, month, day)
    except (ValueError, OverflowError):
        return None


def proves(request: HttpRequest, name: str, salt: str, key: object) -> bool:
    """Whether this browser gave the birth date for this link within the last quarter of an hour."""
    try:
        proof = request.get_signed_cookie(name, default="", salt=salt, max_age=PROOF_SECONDS)
    except signing.BadSignature:
        return False
    return proof == str(key)


def give_proof(response: HttpResponse, name: str, salt: str, key: object, path: str) -> HttpResponse:
    """Remembers on the link's own address that the birth date was given."""
    response.set_signed_cookie(
        name,
        str(key),
        salt=salt,
        max_age=PROOF_SECONDS,
        path=path,
        httponly=True,
        secure=settings.PRODUCTION,
        samesite="Lax",
    )
    return response
