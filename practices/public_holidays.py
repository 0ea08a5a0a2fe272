"""The public holidays of a country and its part in the coming year, of which managers make closures."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import holidays
from django.db import transaction
from holidays.registry import COUNTRIES

from practices import administration
from practices.audit import Actor
from practices.models import Closure, Practice
from practices.tenancy import current_practice

A_YEAR = dt.timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day, what it is called, and whether the practice is closed on it already."""

    day: dt.date
    name: str
    closed: bool


@cache
def countries() -> list[tuple[str, str]]:
    """Code and name of every country whose holidays are known, by name."""
    named = {code: key.replace("_", " ").title() for key, (_, code, *_) in COUNTRIES.items()}
    return sorted(named.items(), key=lambda pair: pair[1])


@cache
def parts_of(country: str) -> tuple[str, ...]:
    """The codes of the states or regions of a country that have holidays of their own."""
    return tuple(holidays.list_supported_countries().get(country, ()))


def part_of(country: str, state: str) -> str:
    """The part of a country that a practice's state names, by code or by name; empty for none."""
    wanted = state.strip()
    if wanted in parts_of(country):
        return wanted
    if not wanted or country not in dict(countries()):
        return ""
    known = getattr(holidays.country_holidays(country), "subdivisions_aliases", {})
    return next((code for name, code in known.items() if name.casefold() == wanted.casefold()), "")


def coming_holidays(practice: Practice, country: str, part: str) -> list[Holiday]:
    """The holidays of the year from the practice's today on; none for a country nobody knows."""
    if country not in dict(countries()):
        return []
    today = practice.today()
    last = today + A_YEAR
    language = "en_US" if country == "US" else None
    days = holidays.country_holidays(
        country, subdiv=part or None, years=[today.year, last.year], language=language
    )
    closed = list(Closure.objects.filter(first_day__lte=last, last_day__gte=today))
    return [
        Holiday(day, name[:80], any(one.first_day <= day <= one.last_day for one in closed))
        for day, name in sorted(days.items())
        if today <= day < last
    ]


@transaction.atomic
def close_on(*, days: Iterable[dt.date], country: str, part: str, by: Actor) -> int:
    """Closes the practice on those of the coming holidays; how many were not closed yet."""
    practice = current_practice()
    wanted = set(days)
    chosen = [one for one in coming_holidays(practice, country, part) if one.day in wanted and not one.closed]
    for one in chosen:
        administration.add_closure(first_day=one.day, last_day=one.day, reason=one.name, by=by)
    if country != practice.country:
        administration.change_practice(values={"country": country}, by=by)
    return len(chosen)
