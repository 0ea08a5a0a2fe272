"""The wordings a practice may make its own: which there are, how they look filled, and keeping them.

A practice's own words live on its row (`Practice.own_words`), so that sending asks for nothing more.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import Any

from django.conf import settings
from django.db import transaction

from messaging.spoken import CALLS
from messaging.templates import Wording, fill, own_wording, segments, usual
from messaging.usual_mails import MAILS
from messaging.usual_texts import TEXTS
from messaging.wording_rules import complaints
from patients.contacts import show_phone
from practices import audit
from practices.audit import Actor
from practices.models import Practice
from practices.tenancy import current_practice

CHANNELS = {"sms": "Text", "email": "E-mail", "call": "Automatic call"}
LANGUAGES = {"en": "English", "es": "Spanish"}
NAMES = {
    "confirmation": "A visit was booked",
    "reminder": "Reminder, asks for an answer",
    "reminder-many": "Reminder of several visits, asks for an answer",
    "expected": "Reminder of a confirmed visit",
    "expected-many": "Reminder of several confirmed visits",
    "moved": "A visit has a new time",
    "cancelled": "A visit was cancelled",
    "choose": "A visit needs another time: link to choose one",
    "chosen": "The patient chose a time",
    "stays": "A visit stays as it was after all",
    "confirmation-many": "Several visits were booked",
    "moved-many": "Several visits have new times",
    "cancelled-many": "Several visits were cancelled",
    "delay": "A clinician is late",
    "delay-over": "A clinician is on time again",
    "thanks": "Thanks for a yes",
    "noted": "Thanks for a no",
    "offer": "A time opened, for somebody on the waitlist",
    "offer-earlier": "An earlier time opened, in place of a visit",
    "offer-won": "The offered time is the patient’s",
    "offer-won-earlier": "The offered time is the patient’s, the visit before is given up",
    "offer-gone": "The offered time is gone",
    "offer-no": "Thanks for a no to an offered time",
    "help": "Answer to HELP",
    "missed-call": "After a missed call",
    "recall": "Time for a visit, with a link to choose it",
    "stopped": "Texts were stopped",
    "note": "E-mail written by staff",
}
# What the callers of each wording know; a variable outside these would leave a hole in the message.
VISIT = frozenset({"practice", "name", "date", "time", "phone", "link"})
MANY = frozenset({"practice", "name", "visits", "phone", "link"})
KNOWN: Mapping[str, frozenset[str]] = {
    "reminder-many": VISIT | {"visits"},
    "expected-many": VISIT | {"visits"},
    "cancelled": VISIT - {"link"},
    "confirmation-many": MANY,
    "moved-many": MANY,
    "cancelled-many": MANY - {"link"},
    "delay-over": VISIT - {"link"},
    "thanks": VISIT - {"link"},
    "noted": VISIT - {"link"},
    "offer-earlier": VISIT | {"visits"},
    "offer-won-earlier": VISIT | {"visits"},
    "offer-gone": VISIT - {"link"},
    "offer-no": VISIT - {"link"},
    "help": frozenset({"practice", "phone"}),
    "missed-call": frozenset({"practice", "phone"}),
    "recall": frozenset({"practice", "name", "phone", "link"}),
    "stopped": frozenset({"practice", "phone"}),
    "note": frozenset({"practice"}),
}
IN_SUBJECT = frozenset({"practice", "date"})  # a subject is read on locked screens
ONE_TEXT = frozenset({"confirmation", "reminder", "reminder-many", "expected", "expected-many"})
ONE_TEXT |= {"moved", "choose", "chosen", "delay", "recall"}
KEPT_WORDS = {"stopped": {"en": ("START",), "es": ("START",)}}
LONGEST_SUBJECT = 120


class NoSuchWording(LookupError):
    """There is no wording of this kind, channel and language."""


class BadWording(ValueError):
    """The wording is not kept; `complaints` says why, sentence by sentence."""

    def __init__(self, found: list[str]) -> None:
        super().__init__(" ".join(found))
        self.complaints = found


class WordingChanged(Exception):
    """A colleague has changed the same wording meanwhile; `now` is how it stands."""

    def __init__(self, now: Wording) -> None:
        super().__init__("the wording has changed")
        self.now = now


@dataclass(frozen=True, slots=True)
class Slot:
    """One wording: what it is for, by which channel and in which language."""

    kind: str
    channel: str
    language: str

    @property
    def title(self) -> str:
        return f"{NAMES[self.kind]}: {CHANNELS[self.channel]}, {LANGUAGES[self.language]}"

    @property
    def subject_only(self) -> bool:
        """Whether staff write the body each time."""
        return self.kind == "note"

    @property
    def usual(self) -> Wording:
        return usual(self.kind, self.channel, self.language)

    @property
    def known(self) -> frozenset[str]:
        return KNOWN.get(self.kind, VISIT)

    def now(self, practice: Practice) -> Wording:
        """The words that go out at present."""
        return own_wording(practice, self.kind, self.channel, self.language) or self.usual

    def is_own(self, practice: Practice) -> bool:
        return own_wording(practice, self.kind, self.channel, self.language) is not None


def slots() -> list[Slot]:
    """Every wording that a practice may make its own."""
    tables: dict[str, Mapping[str, Mapping[str, Any]]] = {"sms": TEXTS, "email": MAILS, "call": CALLS}
    return [
        Slot(kind, channel, language)
        for kind in NAMES
        for channel, table in tables.items()
        for language in LANGUAGES
        if language in table.get(kind, {})
    ]


def slot(kind: str, channel: str, language: str) -> Slot:
    """The wording of that name; raises NoSuchWording."""
    found = Slot(kind, channel, language)
    if found not in slots():
        raise NoSuchWording(f"{kind} {channel} {language}")
    return found


def sample(practice: Practice, language: str) -> dict[str, str]:
    """Values as long as they usually get, so that what fits here fits for most."""
    spanish = language == "es"
    return {
        "practice": practice.public_name,
        "name": "Marisol",
        "date": "mié 30 sept" if spanish else "Wed, Sep 30",
        "time": "10:30 AM",
        "visits": "30 sept 10:30 AM y 11:30 AM" if spanish else "Sep 30 10:30 AM and 11:30 AM",
        "phone": show_phone(str(practice.line_number)),
        "link": f"{settings.PUBLIC_URL}/v/{practice.link_code}{'x' * 22}/",
    }


def preview(which: Slot, words: Wording, practice: Practice) -> Wording:
    """The wording with sample values in it; what cannot be filled stays as it stands."""
    return fill(words, sample(practice, which.language), channel=which.channel, strict=False)


def texts_of(which: Slot, words: Wording, practice: Practice) -> int:
    """How many texts the carrier would count; 0 for what is no text."""
    return segments(preview(which, words, practice).body) if which.channel == "sms" else 0


def lint(which: Slot, words: Wording, practice: Practice) -> list[str]:
    """Everything wrong with these words in this place."""
    found = []
    if not which.subject_only:
        found = complaints(
            words.body,
            channel=which.channel,
            allowed=which.known,
            needed=needed(which),
            literal=KEPT_WORDS.get(which.kind, {}).get(which.language, ()),
            names=(practice.name, practice.public_name),
            filled=preview(which, words, practice).body,
            one_text=which.channel == "sms" and which.kind in ONE_TEXT,
        )
    if which.channel == "email":
        about = complaints(words.subject, channel="email", allowed=which.known & IN_SUBJECT)
        found += [f"Subject: {each}" for each in about]
        if len(words.subject) > LONGEST_SUBJECT or "\n" in words.subject:
            found.append(f"Subject: one line of at most {LONGEST_SUBJECT} letters.")
    return found


def needed(which: Slot) -> list[str]:
    """The variables the usual wording has and no other may lack; a greeting by name is free."""
    used = Template(which.usual.body).get_identifiers()
    return [name for name in used if name != "name"]


def fingerprint(words: Wording) -> str:
    """Stands for the words a page was drawn from."""
    return hashlib.sha256(json.dumps([words.subject, words.body]).encode()).hexdigest()[:16]


@transaction.atomic
def change_wording(*, which: Slot, words: Wording, was: str = "", by: Actor) -> Wording:
    """Keeps the practice's own words; raises BadWording, and WordingChanged when `was` is stale."""
    practice = Practice.objects.select_for_update().get(pk=current_practice().pk)
    words = Wording(body=tidy(words.body), subject=" ".join(words.subject.split()))
    _not_stale(which, practice, was)
    if found := lint(which, words, practice):
        raise BadWording(found)
    _keep(which, practice, {"subject": words.subject, "body": words.body}, by)
    return words


@transaction.atomic
def reset_wording(*, which: Slot, was: str = "", by: Actor) -> None:
    """Goes back to the usual words; raises WordingChanged."""
    practice = Practice.objects.select_for_update().get(pk=current_practice().pk)
    _not_stale(which, practice, was)
    _keep(which, practice, None, by)


def tidy(words: str) -> str:
    return words.replace("\r\n", "\n").replace("\x00", "").strip()


def _not_stale(which: Slot, practice: Practice, was: str) -> None:
    now = which.now(practice)
    if was and was != fingerprint(now):
        raise WordingChanged(now)


def _keep(which: Slot, practice: Practice, words: dict[str, str] | None, by: Actor) -> None:
    before = which.now(practice)
    own = json.loads(json.dumps(practice.own_words or {}))
    place = own.setdefault(which.kind, {}).setdefault(which.channel, {})
    if words is None or Wording(words["body"], words["subject"]) == which.usual:
        place.pop(which.language, None)
    else:
        place[which.language] = words
    practice.own_words = own
    practice.save(update_fields=["own_words"])
    current_practice().own_words = own
    after = which.now(practice)
    if after != before:
        audit.record(
            "wording.changed" if words else "wording.reset",
            practice,
            by=by,
            changes={f"{which.kind}.{which.channel}.{which.language}": [before.body, after.body]},
        )
