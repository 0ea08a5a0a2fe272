"""Names as people type them: folded for search and comparison."""

import re
import unicodedata

LETTERS = re.compile(r"[^\W_]+")
# Letters that NFKD leaves whole.
PLAIN = str.maketrans(
    {"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"}
)


def fold(text: str) -> str:
    """Lower case without accents, apostrophes closed up, words one space apart."""
    bare = "".join(
        char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char)
    )
    return " ".join(LETTERS.findall(re.sub(r"[’'`´]", "", bare.translate(PLAIN))))


def words(*names: str) -> list[str]:
    """The distinct folded words of names, each at most 60 letters."""
    return list(dict.fromkeys(word[:60] for name in names for word in fold(name).split()))


def misspellings(word: str) -> set[str]:
    """The word and the word with any one letter left out; two that share one are a typo apart."""
    if len(word) < 4:
        return {word}
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}
