"""The words patients read, by kind and language.

Only allow-listed variables may appear, and none of them says why somebody is seen (SECURITY.md D12). No
wording asks for a word of the carrier's opt-out list (D9, D10). Spanish avoids á í ó ú, which are not in
the GSM-7 alphabet and would more than halve what fits into one text; é, ñ, ü, ¿ and ¡ are.
"""

import logging
import string
from collections.abc import Mapping
from dataclasses import dataclass

from django_scopes import get_scope

from messaging.spoken import CALLS
from messaging.usual_mails import MAILS
from messaging.usual_texts import TEXTS
from practices.models import Practice

logger = logging.getLogger(__name__)

ALLOWED = frozenset({"practice", "name", "clinician", "date", "time", "visits", "phone", "link", "count"})

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_TWICE = frozenset("^{}\\[~]|€\f")
# Typographic letters that people paste, and what says the same within GSM-7.
# Days and hours in a text go without the accents that GSM-7 lacks; a practice's name keeps its own.
BARE = str.maketrans("áíóúÁÍÓÚ", "aiouAIOU")
PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "})


@dataclass(frozen=True, slots=True)
class Wording:
    """What goes out: the body, and for an e-mail its subject."""

    body: str
    subject: str = ""


class UnknownWording(LookupError):
    """No wording of this kind and channel, or a variable that no wording may hold."""


def render(kind: str, language: str, variables: Mapping[str, object], *, channel: str = "sms") -> Wording:
    """The words of a message, the practice's own where it has some; English where a language has none.

    Raises UnknownWording for an unknown kind, a variable outside ALLOWED, or one that is missing.
    """
    if kind not in _table(channel) or not ALLOWED.issuperset(variables):
        raise UnknownWording(f"{kind}: {sorted(set(variables) - ALLOWED)}")
    words = usual(kind, channel, language)
    practice = get_scope().get("practice")
    own = own_wording(practice, kind, channel, language) if practice is not None else None
    if own is not None:
        try:
            return fill(own, variables, channel=channel)
        except (KeyError, ValueError):
            # A hole in a practice's words must not keep a reminder from leaving.
            logger.warning("the own wording %s %s %s cannot be filled", kind, channel, language)
    try:
        return fill(words, variables, channel=channel)
    except KeyError as error:
        raise UnknownWording(f"{kind} needs {error}") from error


def _table(channel: str) -> Mapping[str, Mapping[str, str | tuple[str, str]]]:
    if channel == "email":
        return MAILS
    return CALLS if channel == "call" else TEXTS


def usual(kind: str, channel: str, language: str) -> Wording:
    """The words everybody has; English where the language has none of its own."""
    found = _table(channel)[kind].get(language) or _table(channel)[kind]["en"]
    return Wording(found[1], found[0]) if isinstance(found, tuple) else Wording(found)


def own_wording(practice: Practice, kind: str, channel: str, language: str) -> Wording | None:
    """The practice's own words, read with its row: no query."""
    found = practice.own_words.get(kind, {}).get(channel, {}).get(language)
    return Wording(found["body"], found.get("subject", "")) if found else None


def fill(words: Wording, variables: Mapping[str, object], *, channel: str, strict: bool = True) -> Wording:
    """The words with their variables; raises KeyError for one that is missing, unless not `strict`."""
    values = {name: " ".join(str(value).split()) for name, value in variables.items()}
    if channel != "email":
        values |= {key: values[key].translate(BARE) for key in ("date", "time", "visits") if key in values}

    def put(text: str) -> str:
        template = string.Template(text)
        return template.substitute(values) if strict else template.safe_substitute(values)

    body = put(words.body).replace("..", ".")  # “10:30 a. m.” at the end of a sentence
    return Wording(body if channel == "email" else body.translate(PLAIN), put(words.subject)[:120])


def segments(text: str) -> int:
    """How many texts the carrier counts: 160 letters of GSM-7 fit into one, else 70 of UCS-2."""
    if all(letter in GSM_BASIC or letter in GSM_TWICE for letter in text):
        length, single, part = sum(2 if letter in GSM_TWICE else 1 for letter in text), 160, 153
    else:
        length, single, part = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if length <= single else -(-length // part)
