"""Asking back which visit an answer meant, by number, when one phone serves several.

The question is an ordinary outgoing message; its `spoke_of` holds what each number stands for. It names
first names and times only, and names only where the practice's own texts name patients (SECURITY.md D12).
"""

import datetime as dt
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from messaging.acting import remember
from messaging.models import Message
from messaging.outbox import queue_message
from messaging.templates import BARE, PLAIN, segments
from patients.contacts import practice_name_at
from patients.models import Channel
from patients.names import fold
from practices.audit import Actor
from practices.models import Practice
from practices.tenancy import current_practice

EXPIRES = dt.timedelta(hours=24)
MOST = 4  # visits a text can ask about
MOST_SEGMENTS = 2
S = Message.Status
HEARD = [S.QUEUED, S.SENDING, S.UNCERTAIN, S.SENT, S.DELIVERED]
DAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "es": ("lun", "mar", "mie", "jue", "vie", "sab", "dom"),
}
WORDS = {
    "en": ("{practice}: which one do you mean? Reply {options}.", "{n} for {what}", "both", "all"),
    "es": ("{practice}: ¿cual de ellas? Responda {options}.", "{n} para {what}", "las dos", "todas"),
}
NUMBERS = {
    **dict.fromkeys(["1", "one", "uno", "una", "first", "1st", "primero", "primera", "1ro", "1ra"], 1),
    **dict.fromkeys(["2", "two", "dos", "second", "2nd", "segundo", "segunda", "2do", "2da"], 2),
    **dict.fromkeys(["3", "three", "tres", "third", "3rd", "tercero", "tercera"], 3),
    **dict.fromkeys(["4", "four", "cuatro"], 4),
    **dict.fromkeys(["5", "five", "cinco"], 5),
}
ALL = re.compile(r"\b(?:l[oa]s dos|both(?: of them)?|ambos|ambas|todos|todas|all(?: of them)?|l[oa]s tres)\b")
FILLERS = frozenset(
    fold("and y e for para the number numero option opcion please por favor gracias thanks to a").split()
)
AGREEING = frozenset(["yes", "si", "yeah", "yep", "ok"])


@dataclass(frozen=True, slots=True)
class Option:
    """One visit the answer may mean."""

    id: uuid.UUID
    name: str  # first name; empty where texts name nobody
    at: dt.datetime
    zone: dt.tzinfo | None = None  # the clock of its place; None where it is the practice's


@dataclass(frozen=True, slots=True)
class Choice:
    """What a numbered answer chose: the original reading, for these visits."""

    question: Message
    reading: str
    chosen: tuple[uuid.UUID, ...]


def may_name(practice: Practice) -> bool:
    """Whether the practice's own texts name the patient: then a question may, else it tells times only."""
    kinds = practice.own_words.values() if isinstance(practice.own_words, dict) else ()
    return any("$name" in str(words.get("sms", "")) for words in kinds if isinstance(words, dict))


def ask_which(
    message: Message, options: Sequence[Option], *, about: object, reading: str, language: str, by: Actor
) -> bool:
    """Asks once which of the visits a text meant; False when it cannot be asked, or was asked already.

    `about` is the message of ours that the text answered: about one message there is one question.
    """
    body = question(
        options, language, name=practice_name_at(message.address_index, message.patient, language)
    )
    if message.channel != Channel.SMS or body is None:
        return False
    now = timezone.now()
    asked = queue_message(
        patient=message.patient,
        channel=message.channel,
        kind=Message.Kind.REPLY,
        body=body,
        language=language,
        send_after=now,
        useful_until=min(now + dt.timedelta(hours=2), *(option.at for option in options)),
        idempotency_key=f"which:{about}:{message.address_index}",
        ignores_quiet_hours=True,
        in_reply_to=message,
        by=by,
    )
    if asked.in_reply_to_id != message.pk or asked.reason:
        return False
    which = {"reading": reading, "options": [str(option.id) for option in options], "answered": ""}
    remember(asked, which=which)
    return True


def question(options: Sequence[Option], language: str, *, name: str = "") -> str | None:
    """The words of the question; None when the visits cannot be told apart in two texts."""
    if not 2 <= len(options) <= MOST:
        return None
    practice = current_practice()
    names = [told(option, options, language, practice) for option in options]
    if len(set(names)) != len(names):
        return None
    frame, line, both, every = WORDS.get(language, WORDS["en"])
    lines = [line.format(n=n, what=what) for n, what in enumerate(names, start=1)]
    lines.append(line.format(n=len(names) + 1, what=both if len(names) == 2 else every))
    body = frame.format(practice=name or practice.public_name, options=", ".join(lines)).translate(PLAIN)
    return body if segments(body) <= MOST_SEGMENTS else None


def told(option: Option, options: Sequence[Option], language: str, practice: Practice) -> str:
    """“Ana Tue 9:00 AM”; with the date where a week does not tell the days apart."""
    local = option.at.astimezone(option.zone or practice.zone)
    days = DAYS.get(language, DAYS["en"])
    far = max(one.at for one in options) - timezone.now() > dt.timedelta(days=6)
    day = f"{days[local.weekday()]} {local.month}/{local.day}" if far else days[local.weekday()]
    if far and language == "es":
        day = f"{days[local.weekday()]} {local.day}/{local.month}"
    clock = f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"
    return " ".join(filter(None, [option.name.translate(BARE)[:20], day, clock]))


def open_question(index: str) -> Message | None:
    """The last thing we said to this number, if it was such a question and still stands."""
    said = Message.objects.filter(
        address_index=index, direction=Message.Direction.OUT, channel=Channel.SMS, status__in=HEARD
    )
    last = said.order_by("-created_at", "-pk").first()
    if last is None or last.created_at < timezone.now() - EXPIRES:
        return None
    which = (last.spoke_of or {}).get("which")
    return last if which and not which["answered"] else None


def read_choice(text: str, count: int, reading: str) -> frozenset[int] | None:
    """Which numbers of a question with `count` visits a text chooses; None when it does not plainly say."""
    if "?" in text or len(text) > 60:
        return None
    words, everything = ALL.subn(" ", fold(text))
    chosen: set[int] = set()
    for word in words.split():
        if word in NUMBERS:
            chosen.add(NUMBERS[word])
        elif word not in FILLERS and not (word in AGREEING and reading == Message.Reading.YES):
            return None
    if everything and not chosen - {count + 1}:
        return frozenset(range(1, count + 1))
    if not chosen or everything or max(chosen) > count + 1:
        return None
    if count + 1 in chosen:
        return frozenset(range(1, count + 1)) if len(chosen) == 1 else None
    return frozenset(chosen)


def answers_question(body: str, index: str) -> Message | None:
    """The open question that a text plainly answers by number."""
    asked = open_question(index)
    if asked is None:
        return None
    which = asked.spoke_of["which"]
    return asked if read_choice(body, len(which["options"]), which["reading"]) else None


def chosen(message: Message) -> Choice | None:
    """What a numbered answer chose, once: the question counts as answered from then on."""
    asked = message.in_reply_to
    asked = Message.objects.select_for_update(of=("self",)).filter(pk=asked.pk).first() if asked else None
    which = (asked.spoke_of or {}).get("which") if asked else None
    if asked is None or not which or which["answered"]:
        return None
    numbers = read_choice(message.body, len(which["options"]), which["reading"])
    if not numbers:
        return None
    remember(asked, which={**which, "answered": str(message.pk)})
    ids = tuple(uuid.UUID(which["options"][number - 1]) for number in sorted(numbers))
    return Choice(asked, which["reading"], ids)
