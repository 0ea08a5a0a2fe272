"""The practice card: what a receptionist says for a practice, kept in versions that are only added."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from practices import audit, changes
from practices.audit import Actor
from practices.models import PracticeCard
from practices.tenancy import current_practice

# Longest text of each field, and the most rows of each list: a card is read at a glance.
TEXTS = {"greeting": 200, "greeting_es": 200, "emergency": 2000, "notes": 2000}
LISTS = {"never_say": (30, 200), "plans": (120, 80)}
ANSWER = {"topic": 40, "question": 200, "answer": 1200, "answer_es": 1200}
MOST_ANSWERS = 60
LABELS = {
    "greeting": "Greeting",
    "greeting_es": "Greeting in Spanish",
    "emergency": "Emergency script",
    "never_say": "Never say",
    "plans": "Plans accepted",
    "answers": "Approved answers",
    "notes": "Notes",
}
KEPT_VERSIONS_SHOWN = 30
YOUR_NAME = "{your name}"  # in a greeting: the name of whoever says it


class InvalidCard(ValueError):
    """What stands in a field cannot be kept; `errors` holds the words for each field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


class StaleCard(Exception):
    """Somebody saved another version meanwhile; `current` is it."""

    def __init__(self, current: "Card") -> None:
        super().__init__("The card was changed meanwhile.")
        self.current = current


@dataclass(frozen=True, slots=True)
class Answer:
    """An approved answer to a common question."""

    topic: str
    question: str
    answer: str
    answer_es: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One version of the card; number 0 is the empty one before anything was written."""

    number: int = 0
    greeting: str = ""
    greeting_es: str = ""
    emergency: str = ""
    never_say: list[str] = field(default_factory=list)
    plans: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    notes: str = ""
    made_at: dt.datetime | None = None
    made_by: str = ""

    @property
    def is_empty(self) -> bool:
        return not any(self.content.values())

    @property
    def content(self) -> dict[str, Any]:
        """The fields as they are stored."""
        return {
            **{name: getattr(self, name) for name in (*TEXTS, *LISTS)},
            "answers": [{name: getattr(one, name) for name in ANSWER} for one in self.answers],
        }

    def greeting_by_machine(self, language: str) -> str:
        """The greeting as the telephone system may say it; empty where it names the person who speaks."""
        words = self.greeting_es if language == "es" else self.greeting
        return "" if YOUR_NAME in words else words

    @property
    def topics(self) -> list[str]:
        """The topics in the order in which the answers stand."""
        return list(dict.fromkeys(one.topic for one in self.answers if one.topic))


def current_card() -> Card:
    """The version that counts, in one query; the empty card where nothing was written yet."""
    row = PracticeCard.objects.select_related("made_by").order_by("-number").first()
    return read(row) if row is not None else Card()


def card_of(number: int) -> Card:
    """One version; raises PracticeCard.DoesNotExist."""
    return read(PracticeCard.objects.select_related("made_by").get(number=number))


def read(row: PracticeCard) -> Card:
    content = row.content
    fields: dict[str, Any] = {name: str(content.get(name, "")) for name in TEXTS}
    fields |= {name: [str(one) for one in content.get(name, [])] for name in LISTS}
    return Card(
        number=row.number,
        **fields,
        answers=[Answer(**{name: str(one.get(name, "")) for name in ANSWER}) for one in rows_of(content)],
        made_at=row.made_at,
        made_by=row.made_by.full_name or row.made_by.short_name if row.made_by else "Front Desk",
    )


def rows_of(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in content.get("answers", []) if isinstance(one, Mapping)]


@transaction.atomic
def save_card(*, content: Mapping[str, Any], base: int, by: Actor) -> Card:
    """Adds a version made from version `base`; raises InvalidCard, or StaleCard when there is a newer one.

    What is the same as before makes no version.
    """
    wanted = cleaned(content)
    before = current_card()
    if before.number != base:
        raise StaleCard(before)
    changed = [name for name in LABELS if before.content[name] != wanted[name]]
    if not changed:
        return before
    practice = current_practice()
    row = PracticeCard(practice=practice, number=base + 1, content=wanted, made_by=by.user)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise StaleCard(current_card()) from None
    told = {name: [before.content[name], wanted[name]] for name in changed}
    audit.record("card.changed", row, by=by, changes=told)
    changes.announce(practice, "card", "calls")
    return read(row)


def restore(*, number: int, base: int, by: Actor) -> Card:
    """Adds an earlier version's words as the newest version; nothing is taken away."""
    return save_card(content=card_of(number).content, base=base, by=by)


def cleaned(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content as it is stored: tidy, within bounds; raises InvalidCard with words for each field."""
    errors: dict[str, str] = {}
    kept: dict[str, Any] = {}
    for name, longest in TEXTS.items():
        kept[name] = str(content.get(name, "")).replace("\r\n", "\n").replace("\x00", "").strip()
        if len(kept[name]) > longest:
            errors[name] = f"Shorten it to {longest} letters; it has {len(kept[name])}."
    for name, (most, longest) in LISTS.items():
        kept[name] = tidy(content.get(name, []))
        if len(kept[name]) > most:
            errors[name] = f"Keep it to {most} lines; there are {len(kept[name])}."
        elif too_long := next((one for one in kept[name] if len(one) > longest), ""):
            errors[name] = f"Shorten “{too_long[:30]}…” to {longest} letters."
    kept["answers"], wrong = clean_answers(content.get("answers", []))
    if wrong:
        errors["answers"] = wrong
    if errors:
        raise InvalidCard(errors)
    return kept


def tidy(lines: Iterable[Any]) -> list[str]:
    """Lines without blanks and repetitions, in their order."""
    words = (" ".join(str(line).replace("\x00", "").split()) for line in lines)
    return list(dict.fromkeys(filter(None, words)))


def clean_answers(rows: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, str]], str]:
    """The answers that say something, and what is wrong with the first bad one, in words."""
    kept: list[dict[str, str]] = []
    for row in rows:
        one = {
            name: str(row.get(name, "")).replace("\r\n", "\n").replace("\x00", "").strip() for name in ANSWER
        }
        if not any(one.values()):
            continue
        if not one["question"] or not one["answer"]:
            return [], "Each answer needs the question and the answer."
        long = next((name for name, longest in ANSWER.items() if len(one[name]) > longest), "")
        if long:
            return [], f"“{one['question'][:40]}”: shorten it to {ANSWER[long]} letters."
        kept.append(one)
    if len(kept) > MOST_ANSWERS:
        return [], f"Keep it to {MOST_ANSWERS} answers."
    return kept, ""


def find_answers(card: Card, text: str, topic: str = "") -> list[Answer]:
    """The answers in which every word occurs, those whose question has it first; all for no words."""
    words = text.casefold().split()[:12]
    among = [one for one in card.answers if not topic or one.topic == topic]

    def rank(one: Answer) -> int | None:
        question = f"{one.topic} {one.question}".casefold()
        whole = f"{question} {one.answer} {one.answer_es}".casefold()
        if not all(word in whole for word in words):
            return None
        return -sum(word in question for word in words)

    found = [(place, one) for one in among if (place := rank(one)) is not None]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def differences(before: Card, after: Card) -> list[str]:
    """What changed between two versions, in words: “Greeting”, “Plans accepted: 2 added”."""
    found = []
    for name, label in LABELS.items():
        old, new = before.content[name], after.content[name]
        if old == new:
            continue
        if isinstance(new, list):
            added = len([one for one in new if one not in old])
            gone = len([one for one in old if one not in new])
            counts = [f"{added} added" if added else "", f"{gone} taken out" if gone else ""]
            label += ": " + (", ".join(filter(None, counts)) or "put in another order")
        found.append(label)
    return found


def versions() -> list[tuple[Card, list[str]]]:
    """The latest versions, newest first, each with what it changed."""
    rows = PracticeCard.objects.select_related("made_by").order_by("-number")[: KEPT_VERSIONS_SHOWN + 1]
    cards = [read(row) for row in rows]
    older = [*cards[1:], Card()]
    return list(zip(cards, [differences(b, a) for a, b in zip(cards, older, strict=True)], strict=True))[
        :KEPT_VERSIONS_SHOWN
    ]
