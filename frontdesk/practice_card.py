"""The practice card as it is read during a call: the manager's words, and who and what is there right now."""

import datetime as dt
from dataclasses import dataclass

from frontdesk.dayplan import Span, minute_of, overlap, span_of, subtract
from frontdesk.dayplan import clock as minute_words
from messaging.on_call import on_call_at
from practices.card import Answer, Card, current_card, find_answers
from practices.models import Practice, User
from practices.office import Office, office_of
from scheduling.models import Practitioner, TimeOff, WeeklyHours

LONGEST_QUESTION = 100


@dataclass(frozen=True, slots=True)
class Today:
    """A clinician and where she is today, in words."""

    name: str
    initials: str
    words: str
    is_in: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything the card's template reads."""

    card: Card
    office: Office
    today: list[Today]
    on_call: list[User]
    answers: list[Answer]
    text: str = ""
    topic: str = ""


def shown_card(practice: Practice, text: str = "", topic: str = "") -> Shown:
    """The card with the answers that fit `text` and `topic`, in eight queries."""
    card = current_card()
    text = " ".join(text[:LONGEST_QUESTION].split())
    topic = topic if topic in card.topics else ""
    found = find_answers(card, text, topic)
    office = office_of(practice)
    closed = office.now_words.startswith("Closed today")
    return Shown(card, office, who_is_in(practice, closed=closed), on_call_at(), found, text, topic)


def who_is_in(practice: Practice, *, closed: bool = False) -> list[Today]:
    """Each clinician with her hours of today, less what she is away."""
    now = practice.now()
    day, minute = now.date(), minute_of(now.time())
    hours = hours_of(day)
    away = away_on(practice, day)
    rows = []
    for person in Practitioner.objects.in_use().order_by("position", "name"):
        left = [] if closed else subtract(hours.get(person.pk, []), [s for s, _ in away.get(person.pk, [])])
        is_in = any(span.start <= minute < span.end for span in left)
        words = words_of(left, hours.get(person.pk, []), away.get(person.pk, []), closed=closed)
        rows.append(Today(person.short_name, person.initials, words, is_in))
    return rows


def hours_of(day: dt.date) -> dict[object, list[Span]]:
    found: dict[object, list[Span]] = {}
    for row in WeeklyHours.objects.filter(weekday=day.isoweekday()).order_by("starts"):
        if row.valid_on(day):
            found.setdefault(row.practitioner_id, []).append(Span(minute_of(row.starts), minute_of(row.ends)))
    return found


def away_on(practice: Practice, day: dt.date) -> dict[object, list[tuple[Span, str]]]:
    midnight = dt.datetime.combine(day, dt.time(), tzinfo=practice.zone)
    tomorrow = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=practice.zone)
    found: dict[object, list[tuple[Span, str]]] = {}
    for off in TimeOff.objects.filter(starts_at__lt=tomorrow, ends_at__gt=midnight).order_by("starts_at"):
        span = span_of(off.starts_at.astimezone(practice.zone), off.ends_at.astimezone(practice.zone), day)
        if span is not None:
            found.setdefault(off.practitioner_id, []).append((span, off.label))
    return found


def words_of(left: list[Span], hours: list[Span], away: list[tuple[Span, str]], *, closed: bool) -> str:
    """8:00 AM to 12:00 PM, 1:00 PM to 5:00 PM; or why not."""
    if closed:
        return "Closed today"
    if not hours:
        return "Not in today"
    missed = [label for span, label in away if overlap(hours, span)]
    spans = ", ".join(
        f"{minute_words(span.start, half=True)} to {minute_words(span.end, half=True)}" for span in left
    )
    return ". ".join(filter(None, [spans or "Not in today", *dict.fromkeys(missed)]))
