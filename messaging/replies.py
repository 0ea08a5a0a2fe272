"""What a patient's text says, when it says one plain thing in English or Spanish; else it is for a person.

A wrong reading costs more than none: only whole texts that are known (messaging.phrases) are read, and
everything with a condition or a second thought goes to a person.
"""

import datetime as dt
import re
from collections.abc import Iterable

from messaging import phrases
from messaging.mentions import mentions
from messaging.models import Message
from messaging.phrases import CARRIER_START, CARRIER_STOP, HELP, START, STOP
from patients.names import fold

Reading = Message.Reading

COURTESY = frozenset(fold(phrases.COURTESY).split())
SKIN_AND_SHAPE = re.compile("[\U0001f3fb-\U0001f3ff\ufe0e\ufe0f\u200d♀♂]")
SORRY = re.compile(r"\b(?:lo siento|i am so|im so|im|i am)(?= sorry\b)|\blo siento\b")
GREETING = re.compile(r"\bgood (?:morning|afternoon|evening)\b|\bbuen[oa]s (?:d[ií]as|tardes|noches)\b", re.I)
BARE_MINUTES = re.compile(r"\b\d{1,3}(?: \d{1,3})?\b")
ANY_DAY = dt.date(2000, 1, 3)  # which day is meant does not change what a text says


def _squeeze(phrase: str) -> str:
    """“yesss” and “sii” as “yes” and “si”: a letter that repeats counts once."""
    return re.sub(r"(.)\1+", r"\1", phrase)


def _without_courtesy(text: str) -> str:
    return " ".join(word for word in SORRY.sub("", fold(text)).split() if word not in COURTESY)


def _whole(texts: Iterable[str]) -> frozenset[str]:
    """Known texts in the form in which a text is compared: places kept, courtesy and repeats gone."""
    kept = (" ".join(word for word in text.split() if word not in COURTESY) for text in texts)
    return frozenset(_squeeze(text) for text in kept) - {""}


_YES, _NO = _whole(phrases.listed(phrases.YES)), _whole(phrases.listed(phrases.NO))
_CANCEL, _HERE, _LATE = _whole(phrases.CANCEL), _whole(phrases.HERE), _whole(phrases.LATE)
_NEW_TIME, _PERSON = _whole(phrases.NEW_TIME), _whole(phrases.PERSON)
# These may be put as a question; “yes?” may not be taken for a yes.
_WISHES = ((Reading.CANCEL, _CANCEL), (Reading.NEW_TIME, _NEW_TIME), (Reading.PERSON, _PERSON))
_STATEMENTS = ((Reading.YES, _YES), (Reading.NO, _NO), (Reading.HERE, _HERE))


def keyword(text: str) -> str:
    """The text as one word without case, spaces, punctuation, accents or emoji: “Opt out!” is `optout`."""
    return fold(text).replace(" ", "")


def read_reply(text: str) -> Message.Reading:
    """The one plain thing a text says, or UNCLEAR; never raises, whatever the letters.

    Opt-out words are those of SECURITY.md D9; they win over everything, and politeness does not hide them.
    """
    bare = _without_courtesy(text)
    for word in {keyword(text), bare.replace(" ", "")}:
        for reading, known in ((Reading.STOP, STOP), (Reading.START, START), (Reading.HELP, HELP)):
            if word in known or _squeeze(word) in {"stop", "alto", "help"} & known:
                return reading
    if len(text) > 400:
        return Reading.UNCLEAR
    asks = "?" in text or "¿" in text
    by_words = _by_words(text, bare, asks)
    if asks:
        return by_words or Reading.UNCLEAR
    said = {reading for reading in (by_words, *_by_signs(text)) if reading}
    return said.pop() if len(said) == 1 else Reading.UNCLEAR


def _by_words(text: str, bare: str, asks: bool) -> Message.Reading | None:
    phrase = _squeeze(bare)
    if not phrase:
        return None
    for reading, known in () if asks else _STATEMENTS:
        if phrase in known:
            return reading
    found = mentions(GREETING.sub(" ", text), ANY_DAY)
    rest = _squeeze(_polite(found.rest))
    for reading, known in _WISHES:
        if rest in known or phrase in known:
            return reading
    if not asks and (rest in _LATE or _squeeze(_polite(BARE_MINUTES.sub("#", found.rest))) in _LATE):
        return Reading.LATE
    return Reading.UNCLEAR


def _polite(rest: str) -> str:
    return " ".join(word for word in SORRY.sub("", rest).split() if word not in COURTESY)


def _by_signs(text: str) -> list[Message.Reading]:
    signs = SKIN_AND_SHAPE.sub("", text)
    yes, no = (
        any(sign in signs for sign in phrases.YES_SIGNS),
        any(sign in signs for sign in phrases.NO_SIGNS),
    )
    return [Reading.YES] * yes + [Reading.NO] * no


def minutes_late(text: str) -> int | None:
    """How many minutes late a text says, where it says so: the larger of “10-15”."""
    found = mentions(text, ANY_DAY)
    if found.minutes is not None:
        return found.minutes
    bare = BARE_MINUTES.search(found.rest)
    minutes = int(bare[0].split()[-1]) if bare else 0
    return minutes if 0 < minutes <= 240 else None


def may_opt_out(text: str) -> bool:
    """Whether free text may ask for silence (“please stop texting me”): a person decides, texts wait."""
    return bool(phrases.POSSIBLE_OPT_OUT.search(fold(text)))


def may_be_emergency(text: str) -> bool:
    """Whether a text speaks of something that cannot wait; errs on the side of a person's look."""
    return bool(phrases.POSSIBLE_EMERGENCY.search(fold(text)))


def may_cancel(text: str) -> bool:
    """Whether a text may ask to cancel the visit."""
    return bool(phrases.WANTS_TO_CANCEL.search(fold(text)))


def carrier_answers(text: str) -> bool:
    """Whether the carrier itself confirms this opt-out or opt-in word, so that we must not."""
    return keyword(text) in CARRIER_STOP | CARRIER_START
