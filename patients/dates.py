"""Dates as people say them: birth dates, and days near today. Refusals are words for the field."""

import calendar
import datetime as dt
import re

from django.utils import timezone

EARLIEST_YEAR = 1900
ORDER = "Use month, day, year."
MONTHS: tuple[tuple[str, ...], ...] = (
    ("january", "enero"),
    ("february", "febrero"),
    ("march", "marzo"),
    ("april", "abril"),
    ("may", "mayo"),
    ("june", "junio"),
    ("july", "julio"),
    ("august", "agosto"),
    ("september", "septiembre"),
    ("october", "octubre"),
    ("november", "noviembre"),
    ("december", "diciembre"),
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NUMBER_WORDS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
FILLERS = {"of", "de", "del", "the"}

ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
PARTED = re.compile(r"(\d{1,2})\s*([-/.\s])\s*(\d{1,2})\s*[-/.\s]\s*(\d{4}|\d{2})")
SHORT = re.compile(r"(\d{1,2})[-/](\d{1,2})")
SPAN = re.compile(r"in (\w+) (day|week|month)s?")
PIECES = re.compile(r"[^\W\d_]+|\d+")


def parse_birth_date(text: str, today: dt.date | None = None) -> dt.date:
    """The birth date that `text` names, never in the future; ValueError says in words what is wrong.

    Slashes and dashes are month first, as the desk writes them; dots are read day first where only that
    is possible and refused where both are. A two-digit year is the last such year that has come.
    """
    today = today or timezone.localdate()
    clean = _tidy(text)
    year, month, day = _spelled(clean) or _numeric(clean) or _unreadable()
    if len(year) == 2:
        century = today.year - today.year % 100
        full_year = century + int(year)
        if (full_year, month, day) > (today.year, today.month, today.day):
            full_year -= 100
    else:
        full_year = int(year)
    born = _real_date(full_year, month, day)
    if born > today:
        raise ValueError("This date is still to come. A birth date is in the past.")
    if born.year < EARLIEST_YEAR:
        raise ValueError(f"The year {born.year} is too long ago. Write the year with four digits.")
    return born


def parse_day(text: str, today: dt.date) -> dt.date:
    """The day that `text` names beside `today`: “tomorrow”, “in 3 weeks”, “tuesday”, “4/22”, a full date.

    A day without a year is the next one to come. ValueError says in words what is wrong.
    """
    clean = _tidy(text)
    near = {"today": 0, "tomorrow": 1, "yesterday": -1}.get(clean)
    if near is not None:
        return today + dt.timedelta(days=near)
    if span := SPAN.fullmatch(clean):
        return _after(today, span[1], span[2])
    name = clean.removeprefix("next ").removeprefix("on ")
    if len(name) >= 3 and (found := [at for at, full in enumerate(WEEKDAYS) if full.startswith(name)]):
        return today + dt.timedelta(days=(found[0] - today.weekday() - 1) % 7 + 1)
    if short := SHORT.fullmatch(clean):
        return _next_such_day(int(short[1]), int(short[2]), today)
    if named := _month_and_day(PIECES.findall(clean)):
        return _next_such_day(*named, today)
    year, month, day = _spelled(clean) or _numeric(clean) or _unreadable()
    return _real_date(int(year) if len(year) == 4 else today.year - today.year % 100 + int(year), month, day)


def parse_past_day(text: str, today: dt.date) -> dt.date:
    """The day that `text` names as `parse_day` reads it, but the last one that came: “tuesday”, “4/22”.

    ValueError says in words what is wrong.
    """
    clean = _tidy(text).removeprefix("last ")
    day = parse_day(clean, today)
    if day <= today:
        return day
    if any(name.startswith(clean.removeprefix("on ")) for name in WEEKDAYS):
        return day - dt.timedelta(days=7)
    named = SHORT.fullmatch(clean) or _month_and_day(PIECES.findall(clean))
    if not named:
        raise ValueError("This day is still to come.")
    try:
        return day.replace(year=today.year - (day.replace(year=today.year) > today))
    except ValueError:  # February 29
        return _last_leap_day(today)


def _last_leap_day(today: dt.date) -> dt.date:
    for year in range(today.year, today.year - 9, -1):
        if calendar.isleap(year) and dt.date(year, 2, 29) <= today:
            return dt.date(year, 2, 29)
    raise ValueError("There is no such February 29.")


def _tidy(text: str) -> str:
    clean = " ".join(text.replace(",", " ").lower().split()).strip(". ")
    if not clean or len(clean) > 60:
        _unreadable()
    return clean


def _unreadable() -> tuple[str, int, int]:
    raise ValueError(f"This is not a date. {ORDER[:-1]}, like 4/22/1991.")


def _numeric(text: str) -> tuple[str, int, int] | None:
    # A number that int() knows but nobody writes here (²², Arabic digits) is not a date of the desk.
    if not text.isascii():
        return None
    if text.isdigit() and len(text) == 8 and text[:2] in {"19", "20"}:
        return text[:4], int(text[4:6]), int(text[6:])
    if text.isdigit() and len(text) in {6, 8}:
        return text[4:], int(text[:2]), int(text[2:4])
    if match := ISO.fullmatch(text):
        return match[1], int(match[2]), int(match[3])
    if match := PARTED.fullmatch(text):
        first, second, year = int(match[1]), int(match[3]), match[4]
        if match[2] != "." or second > 12:
            return year, first, second
        if first > 12 or first == second:
            return year, second, first
        raise ValueError(
            f"Is {text} in {_month_name(first)} or in {_month_name(second)}? Write it with slashes."
        )
    return None


def _spelled(text: str) -> tuple[str, int, int] | None:
    """Year, month and day where the month is a word."""
    pieces = PIECES.findall(text)
    if not text.isascii() or not any(piece.isdigit() and len(piece) in {2, 4} for piece in pieces):
        return None
    for at in range(len(pieces) - 1, -1, -1):
        year = pieces[at]
        if year.isdigit() and len(year) in {2, 4}:
            rest = _month_and_day(pieces[:at] + pieces[at + 1 :])
            if rest:
                return year, *rest
    return None


def _month_and_day(pieces: list[str]) -> tuple[int, int] | None:
    """Month and day of “april 22”, “22nd of april”."""
    kept = [piece for piece in pieces if piece not in FILLERS | {"st", "nd", "rd", "th"}]
    numbers = [piece for piece in kept if piece.isdigit()]
    names = [piece for piece in kept if not piece.isdigit()]
    if len(numbers) != 1 or len(names) != 1 or len(numbers[0]) > 2:
        return None
    month = _month_number(names[0])
    return (month, int(numbers[0])) if month else None


def _month_number(word: str) -> int | None:
    if len(word) < 3:
        return None
    for number, names in enumerate(MONTHS, start=1):
        if any(name.startswith(word) for name in names) or (word == "sept" and number == 9):
            return number
    return None


def _month_name(number: int) -> str:
    return calendar.month_name[number] if 1 <= number <= 12 else str(number)


def _real_date(year: int, month: int, day: int) -> dt.date:
    if not 1 <= month <= 12:
        raise ValueError(f"There is no month {month}. {ORDER}")
    try:
        return dt.date(year, month, day)
    except ValueError:
        if not 1 <= year <= 9999:
            raise ValueError(f"There is no year {year}. {ORDER}") from None
        raise ValueError(f"There is no {_month_name(month)} {day} in {year}. {ORDER}") from None


def _next_such_day(month: int, day: int, today: dt.date) -> dt.date:
    """The next day of that name; looks eight years ahead, for February 29 over a century's end."""
    if not 1 <= month <= 12:
        raise ValueError(f"There is no month {month}. {ORDER}")
    for year in range(today.year, today.year + 9):
        try:
            found = dt.date(year, month, day)
        except ValueError:
            continue
        if found >= today:
            return found
    raise ValueError(f"There is no {_month_name(month)} {day}. {ORDER}")


def _after(today: dt.date, count: str, unit: str) -> dt.date:
    number = NUMBER_WORDS.get(count) or (int(count) if count.isascii() and count.isdigit() else 0)
    if not 0 < number <= 400:
        raise ValueError("How many? Write it like “in 3 weeks”.")
    if unit != "month":
        return today + dt.timedelta(days=number * (7 if unit == "week" else 1))
    months = today.month - 1 + number
    year, month = today.year + months // 12, months % 12 + 1
    return dt.date(year, month, min(today.day, calendar.monthrange(year, month)[1]))
