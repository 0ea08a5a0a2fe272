"""Names as people type them: folded for search and comparison."""

import re
import unicodedata

LETTERS = re.compile(r"[^\W_]+")
# Letters that NFKD leaves whole.
PLAIN = str.maketrans(
    {"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"}
)
APOSTROPHES = re.compile(r"[’'`´ʼ]")
# The two joiners shape letters of real names; every other invisible sign only hides or turns text.
JOINERS = "\u200c\u200d"


def tidy(text: str, *, lines: bool = False) -> str:
    """Composed, without control and invisible signs, spaces single; `lines` keeps line breaks."""
    kept = "".join(
        char
        for char in unicodedata.normalize("NFC", text)
        if char in JOINERS
        or char in "\n\t"
        or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    )
    if lines:
        return "\n".join(" ".join(line.split()) for line in kept.splitlines()).strip()
    return " ".join(kept.split())


def fold(text: str) -> str:
    """Lower case without accents, apostrophes closed up, words one space apart."""
    if text.isascii():  # most names: nothing to take off, and folding is the inner loop of a search
        return " ".join(LETTERS.findall(APOSTROPHES.sub("", text.lower())))
    bare = "".join(
        char
        for char in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        if not unicodedata.combining(char) and unicodedata.category(char) != "Cf"
    )
    return " ".join(LETTERS.findall(APOSTROPHES.sub("", bare.translate(PLAIN))))


def words(*names: str) -> list[str]:
    """The distinct folded words of names, each at most 60 letters."""
    return list(dict.fromkeys(word[:60] for name in names for word in fold(name).split()))


def searchable_words(*names: str) -> list[str]:
    """The words by which a name is found: as written, apostrophes opened, and the parts closed up.

    O'Brien answers to “obrien” and to “o brien”, Smith-Jones also to “smithjones”.
    """
    plain = words(*names)
    if len(plain) == sum(map(bool, names)) and not any(map(APOSTROPHES.search, names)):
        return plain  # one word to a name: there is nothing to open or to close up
    opened = [APOSTROPHES.sub(" ", name) for name in names]
    closed = [fold(name).replace(" ", "") for name in names]
    return words(*names, *opened, *closed)


def misspellings(word: str) -> set[str]:
    """The word and the word with any one letter left out; two that share one are a typo apart."""
    if len(word) < 4:
        return {word}
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}


def split_name(text: str) -> tuple[str, str]:
    """Given and family names of "Delia Marsh" or "Marsh, Delia"."""
    family, comma, given = (part.strip() for part in text.partition(","))
    if comma:
        return given, family
    words = text.split()
    return " ".join(words[:-1]), words[-1] if words else ""
