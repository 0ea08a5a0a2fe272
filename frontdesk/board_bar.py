"""What stands above every view of the diary: the day, the switch between views, the locations."""

import datetime as dt
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from frontdesk.cards import LEGEND
from frontdesk.columns import EVERYWHERE, Choice, choice_of
from patients.dates import parse_day
from practices.access import DeskRequest
from practices.models import Practice
from scheduling.drafts import as_uuid

VIEWS = (("today", "Day"), ("week", "Week"), ("month", "Month"), ("list", "List"))


@dataclass(frozen=True)
class Shown:
    """Which day is looked at, and how."""

    day: dt.date
    view: str = "today"
    status: str = ""
    problem: str = ""
    choice: Choice = field(default_factory=Choice)
    who: uuid.UUID | None = None  # the clinician of a week

    @property
    def as_list(self) -> bool:
        return self.view == "list"

    def query(self, **other: Any) -> str:
        """The address of this view, with other values; what is empty is left out."""
        said = {
            "d": f"{self.day:%Y-%m-%d}",
            "at": self.choice.at,
            "status": self.status,
            "who": self.who or "",
        }
        return urlencode({name: value for name, value in (said | other).items() if value})

    @property
    def here(self) -> str:
        return self.query()

    @property
    def keep(self) -> str:
        """What goes along to another day."""
        return f"&{rest}" if (rest := self.query(d="")) else ""

    @property
    def keep_view(self) -> str:
        return f"&{rest}" if (rest := self.query(d="", status="")) else ""


def asked(request: DeskRequest, view: str, *, plain: bool = False) -> Shown:
    """Reads `d` in words or digits; what cannot be read shows today and says so. `plain`: no choice."""
    practice: Practice = request.practice
    text = request.GET.get("d", "").strip()
    status = request.GET.get("status", "")
    day, problem = practice.today(), ""
    if text:
        try:
            day = nearby(parse_day(text, day))
        except ValueError as refused:
            problem = str(refused)
    choice = Choice() if plain else choice_of(request.user, request.GET.get("at", ""))
    who = as_uuid(request.GET.get("who"))
    return Shown(day, view, status if status in LEGEND else "", problem, choice, who)


def nearby(day: dt.date) -> dt.date:
    """The same date, if a practice can have visits then."""
    if not 1970 <= day.year <= 2200:
        raise ValueError(f"The year {day.year} is too far away.")
    return day


def words_of(day: dt.date, today: dt.date) -> str:
    """Tue, June 9; the year only where it is another one."""
    year = "" if day.year == today.year else f", {day.year}"
    return f"{day:%a}, {day:%B} {day.day}{year}"


def bar_context(request: DeskRequest, shown: Shown, *, step: int = 1, words: str = "") -> dict[str, Any]:
    """The bar of a view whose arrows go `step` days."""
    slug = request.practice.slug
    return {
        "shown": shown,
        "day_words": words or words_of(shown.day, request.practice.today()),
        "is_now": shown.day == request.practice.today(),
        "before": shown.day - dt.timedelta(days=step),
        "after": shown.day + dt.timedelta(days=step),
        "views": views_of(shown, slug),
        "places": places_of(shown),
        "book_url": reverse("book", args=[slug]),
    }


def views_of(shown: Shown, slug: str) -> list[dict[str, Any]]:
    """Day, week, month, list: each keeps the day and the location; the columns are kept by the server."""
    query = shown.query(status="", who="" if shown.view == "month" else None)
    return [
        {"label": label, "url": f"{reverse(name, args=[slug])}?{query}", "current": name == shown.view}
        for name, label in VIEWS
    ]


def places_of(shown: Shown) -> list[dict[str, Any]]:
    """All locations or one of them; nothing where there is only one."""
    choice = shown.choice
    if not choice.several:
        return []
    everywhere = {
        "label": "All locations",
        "url": f"?{shown.query(at=EVERYWHERE)}",
        "current": not choice.location,
    }
    return [everywhere] + [
        {"label": place.name, "url": f"?{shown.query(at=place.id)}", "current": place.id == choice.location}
        for place in choice.locations
    ]
