"""Days, hours and minutes that a text speaks of, in English and Spanish.

They are found in the folded text (patients.names.fold) and taken out of it: what is left, with `@` for a
time and `#` for minutes, is what `messaging.replies` compares with the texts it knows. Nothing here decides
anything: what is found is offered to a person with its availability.
"""

import datetime as dt
import re
from dataclasses import dataclass, field

from patients.names import fold

LONGEST = 2_000  # letters looked at: nobody names a time after these
MOST_DAYS = 3
MORNING, AFTERNOON, EVENING = (dt.time(0), dt.time(12)), (dt.time(12), dt.time(17)), (dt.time(17), None)

WEEKDAYS = {
    **dict.fromkeys(["monday", "mondays", "mon", "lunes"], 1),
    **dict.fromkeys(["tuesday", "tuesdays", "tues", "tue", "martes"], 2),
    **dict.fromkeys(["wednesday", "wednesdays", "wensday", "weds", "wed", "miercoles"], 3),
    **dict.fromkeys(["thursday", "thursdays", "thrusday", "thurs", "thur", "thu", "jueves"], 4),
    **dict.fromkeys(["friday", "fridays", "fri", "viernes"], 5),
    **dict.fromkeys(["saturday", "saturdays", "sat", "sabado", "sabados"], 6),
    **dict.fromkeys(["sunday", "sundays", "sun", "domingo", "domingos"], 7),
}
MONTHS = {
    **dict.fromkeys(["january", "jan", "enero"], 1),
    **dict.fromkeys(["february", "feb", "febrero"], 2),
    **dict.fromkeys(["march", "mar", "marzo"], 3),
    **dict.fromkeys(["april", "apr", "abril"], 4),
    **dict.fromkeys(["may", "mayo"], 5),
    **dict.fromkeys(["june", "jun", "junio"], 6),
    **dict.fromkeys(["july", "jul", "julio"], 7),
    **dict.fromkeys(["august", "aug", "agosto"], 8),
    **dict.fromkeys(["september", "sept", "sep", "septiembre"], 9),
    **dict.fromkeys(["october", "oct", "octubre"], 10),
    **dict.fromkeys(["november", "nov", "noviembre"], 11),
    **dict.fromkeys(["december", "dec", "diciembre"], 12),
}


def _any(words: dict[str, int]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_HALF = (
    r"(?P<h>\d{1,2})(?: (?P<m>[0-5]\d))?(?: ?(?P<half>am|pm|a m|p m|de la manana|de la tarde|de la noche))?"
)
_CLOCK = rf"(?:{_HALF}(?: ?(?:o ?clock))?(?P<media> y media)?|(?P<noon>noon|mediodia))"
_SURE_CLOCK = r"(?P<h>\d{1,2})(?: (?P<m>[0-5]\d))? ?(?P<half>am|pm|a m|p m|de la manana|de la tarde)"
_AGO = r"(?:about |around |like |approx |maybe |unos |como |aprox )?"
# The order counts: minutes before hours, hours before parts of the day, these before days.
MINUTES = [
    (
        re.compile(rf"\b{_AGO}(?:\d{{1,2}} (?:to |or |a |o )?)?(\d{{1,3}}) ?(?:minutes?|mins?|minutos?|m)\b"),
        None,
    ),
    (re.compile(rf"\b{_AGO}(?:half an? hour|half hour|media hora)\b"), 30),
    (re.compile(rf"\b{_AGO}(?:a quarter of an hour|un cuarto de hora)\b"), 15),
    (re.compile(rf"\b{_AGO}(?:an hour|one hour|1 ?hour|1 ?hr|una hora|1 hora)\b"), 60),
]
AFTER = re.compile(
    r"\b(?:after|past|later than|from|despues de|a partir de|desde)(?: las?)? " + _CLOCK + r"(?: on)?\b"
)
BEFORE = re.compile(r"\b(?:before|by|earlier than|antes de)(?: las?)? " + _CLOCK + r"\b")
AT = re.compile(r"\b(?:at|around|about|a las?|como a las?|sobre las?) " + _CLOCK + r"\b")
CLOCK = re.compile(rf"\b(?:(?:las?|the) )?(?:{_SURE_CLOCK}|(?P<noon>noon|mediodia)(?P<media> y media)?)\b")
PARTS = [  # “good morning” is a greeting
    (
        re.compile(
            r"\b(?:in the |this |the )?(?<!good )mornings?\b"
            r"|\b(?:por|en|de) las? mananas?\b|\blas mananas\b"
        ),
        MORNING,
    ),
    (
        re.compile(
            r"\b(?:in the |this |the )?(?<!good )afternoons?\b"
            r"|\b(?:por|en|de|a) las? tardes?\b|\blas tardes\b"
        ),
        AFTERNOON,
    ),
    (re.compile(r"\b(?:in the |this |the )?(?<!good )evenings?\b|\b(?:por|en|de) las? noches?\b"), EVENING),
]
_ON = r"(?:(?:on|for|the|this|coming|el|este|para|la) )*"
NEXT_WEEK = re.compile(
    rf"\b{_ON}(?:next week|proxima semana|semana proxima|semana que viene|semana que entra)\b"
)
DAY_AFTER = re.compile(rf"\b{_ON}(?:day after tomorrow|pasado manana)\b")
TOMORROW = re.compile(rf"\b{_ON}(?:tomorrow|tomorow|tommorow|tommorrow|tmrw|tmr|manana)\b")
TODAY = re.compile(rf"\b{_ON}(?:today|hoy|tonight)\b")
DATE = re.compile(
    rf"\b{_ON}(?:(?P<m1>{_any(MONTHS)}) (?P<d1>\d{{1,2}})(?:st|nd|rd|th)?"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)? (?:of |de )(?P<m2>{_any(MONTHS)}))\b"
)
WEEKDAY = re.compile(
    rf"\b{_ON}(?P<next>next |proximo |proxima )?(?P<day>{_any(WEEKDAYS)})"
    rf"(?P<que> que viene| proximo)?(?: (?:the )?(?P<n>\d{{1,2}})(?:st|nd|rd|th))?\b"
)
DAY_OF_MONTH = re.compile(
    r"\b(?:on |for )?(?:the )?(?P<n>\d{1,2})(?:st|nd|rd|th)\b|\bel (?:dia )?(?P<n2>\d{1,2})\b"
)
SLASHED = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})(?:/(?:20)?\d\d)?(?![\d/])")


@dataclass(slots=True)
class Mentions:
    """What a text names: days as dates of the practice, hours of the wall clock, minutes late."""

    days: list[dt.date] = field(default_factory=list)
    last_day: dt.date | None = None  # of a week that was named
    time: dt.time | None = None
    after: dt.time | None = None
    before: dt.time | None = None
    minutes: int | None = None
    rest: str = ""  # the folded text with @ for a time and # for minutes

    @property
    def of_time(self) -> bool:
        return bool(self.days or self.time or self.after or self.before)

    def kept(self) -> dict[str, object]:
        """As Message.spoke_of keeps it: plain values, only what was named."""
        values: dict[str, object] = {
            "day": self.days[0].isoformat() if self.days else None,
            "days": [day.isoformat() for day in self.days] if len(self.days) > 1 else None,
            "last_day": self.last_day.isoformat() if self.last_day else None,
            "time": f"{self.time:%H:%M}" if self.time else None,
            "after": f"{self.after:%H:%M}" if self.after else None,
            "before": f"{self.before:%H:%M}" if self.before else None,
            "minutes": self.minutes,
        }
        return {name: value for name, value in values.items() if value is not None}


def mentions(text: str, today: dt.date) -> Mentions:
    """The times a text speaks of, read on the practice's wall clock; never raises."""
    found = Mentions()
    text = text[:LONGEST]
    for month, day in SLASHED.findall(text):
        _add(found, _date(int(month), int(day), today))
    rest = fold(SLASHED.sub(" @ ", text).replace("@", " xatx ")).replace("xatx", "@")
    rest = _minutes(rest, found)
    rest = _hours(rest, found)
    rest = _days(rest, found, today)
    rest = re.sub(r"@(?: (?:(?:or|and|o|y|on|at|a|el|then) )?@)+", "@", " ".join(rest.split()))
    found.rest = rest
    return found


def _minutes(text: str, found: Mentions) -> str:
    for pattern, value in MINUTES:
        match = pattern.search(text)
        if match:
            minutes = value if value is not None else int(match[1])
            if 0 < minutes <= 240:
                found.minutes = found.minutes or minutes
                text = text[: match.start()] + " # " + text[match.end() :]
    return " ".join(text.split())


def _hours(text: str, found: Mentions) -> str:
    for pattern, name in ((AFTER, "after"), (BEFORE, "before"), (AT, "time"), (CLOCK, "time")):
        match = pattern.search(text)
        while match:
            hour = _time(match)
            if hour is None:
                break
            if getattr(found, name) is None:
                setattr(found, name, hour)
            text = text[: match.start()] + " @ " + text[match.end() :]
            match = pattern.search(text)
    for pattern, (low, high) in PARTS:
        if pattern.search(text):
            found.after = found.after or (low if low != dt.time(0) else None)
            found.before = found.before or high
            text = pattern.sub(" @ ", text)
    return " ".join(text.split())


def _time(match: re.Match[str]) -> dt.time | None:
    parts = match.groupdict()
    if parts.get("noon"):
        return dt.time(12)
    hour, minute, half = int(parts["h"]), int(parts.get("m") or 0), parts.get("half")
    if parts.get("media"):
        minute = 30
    if half in {"pm", "p m", "de la tarde", "de la noche"}:
        hour = hour % 12 + 12
    elif half is not None:
        hour %= 12
    elif 1 <= hour <= 6:
        hour += 12  # “after 2” at a practice is two in the afternoon
    return dt.time(hour, minute) if hour < 24 else None


def _days(text: str, found: Mentions, today: dt.date) -> str:
    def named(pattern: re.Pattern[str], day: dt.date) -> None:
        nonlocal text
        if pattern.search(text):
            _add(found, day)
            text = pattern.sub(" @ ", text)

    monday = today + dt.timedelta(days=8 - today.isoweekday())
    if NEXT_WEEK.search(text):
        text = NEXT_WEEK.sub(" @ ", text)
        _add(found, monday)
        found.last_day = monday + dt.timedelta(days=6)
    text = DATE.sub(lambda match: _put(found, _named_date(match, today)), text)
    named(DAY_AFTER, today + dt.timedelta(days=2))
    text = WEEKDAY.sub(lambda match: _put(found, _weekday(match, today, found.last_day)), text)
    if found.last_day is not None and len(found.days) > 1:
        found.days, found.last_day = found.days[1:], None  # “next week Tuesday”
    named(TOMORROW, today + dt.timedelta(days=1))
    named(TODAY, today)
    return DAY_OF_MONTH.sub(
        lambda match: _put(found, _of_month(int(match["n"] or match["n2"]), today)) or match[0], text
    )


def _put(found: Mentions, day: dt.date | None) -> str:
    """Notes the day and gives what stands for it; nothing when there is no such day."""
    _add(found, day)
    return " @ " if day else ""


def _add(found: Mentions, day: dt.date | None) -> None:
    if day is not None and day not in found.days and len(found.days) < MOST_DAYS:
        found.days.append(day)


def _weekday(match: re.Match[str], today: dt.date, in_week_until: dt.date | None) -> dt.date:
    """The coming day of that name; “next Thursday” is that of the next week."""
    if match["n"]:
        dated = _of_month(int(match["n"]), today)
        if dated is not None:
            return dated
    number = WEEKDAYS[match["day"]]
    if in_week_until is not None:
        return in_week_until - dt.timedelta(days=7 - number)
    ahead = (number - today.isoweekday()) % 7 or 7
    if match["next"] and ahead + today.isoweekday() <= 7:
        ahead += 7
    return today + dt.timedelta(days=ahead)


def _named_date(match: re.Match[str], today: dt.date) -> dt.date | None:
    return _date(MONTHS[match["m1"] or match["m2"]], int(match["d1"] or match["d2"]), today)


def _date(month: int, day: int, today: dt.date) -> dt.date | None:
    """That day of this year, or of the next when it is long over."""
    for year in (today.year, today.year + 1):
        try:
            date = dt.date(year, month, day)
        except ValueError:
            continue
        if date >= today:
            return date
    return None


def _of_month(number: int, today: dt.date) -> dt.date | None:
    for ahead in range(3):
        month = (today.month - 1 + ahead) % 12 + 1
        year = today.year + (today.month - 1 + ahead) // 12
        try:
            date = dt.date(year, month, number)
        except ValueError:
            continue
        if date >= today:
            return date
    return None
