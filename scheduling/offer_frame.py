"""What the page of an offer has of all patient pages: the frame, a friendly end, the birth date."""

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from patients.contacts import show_phone
from practices.models import Practice
from scheduling.visit_words import EN, ES, MONTHS, words_in


def frame(practice: Practice | None, language: str) -> dict[str, Any]:
    """What every page has: the words, the practice's name and number, the way to the other language."""
    other = EN if language == ES else ES
    return {
        "w": words_in(language),
        "language": language,
        "other": {"code": other, "name": "English" if other == EN else "Español", "url": f"?lang={other}"},
        "practice_name": practice.public_name if practice else "",
        "mark": practice,
        "phone": show_phone(str(practice.line_number)) if practice else "",
        "phone_link": str(practice.line_number) if practice else "",
    }


def unknown(request: HttpRequest) -> HttpResponse:
    """A link that nobody knows: the same answer to everybody."""
    asked = request.GET.get("lang", "")
    language = asked if asked in {EN, ES} else EN
    words = words_in(language)
    context = frame(None, language) | {"title": words["unknown_title"], "why": words["unknown_why"]}
    return render(request, "scheduling/visit/closed.html", context, status=404)


def read_date(given: QueryDict) -> dt.date | None:
    try:
        year, month, day = (int(given.get(f"birth_{part}", "")) for part in ("year", "month", "day"))
        return dt.date(year, month, day)
    except (ValueError, OverflowError):
        return None


def months(language: str) -> list[tuple[str, str]]:
    return [(str(number), name) for number, name in enumerate(MONTHS[language], start=1)]
