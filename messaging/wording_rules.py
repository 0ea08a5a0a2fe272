"""What must not be in the words of a message, and what must: asked before a manager's wording is kept.

The rules are those of SECURITY.md D9, D10 and D12: no wording asks for a word of the carrier's opt-out list,
none tells why somebody is seen, none leads anywhere but to the practice's own link.
"""

import re
import string
from collections.abc import Iterable, Iterator

from messaging.phrases import CARRIER_STOP, STOP
from messaging.templates import GSM_BASIC, GSM_TWICE, PLAIN, segments
from patients.names import fold

ONE_TEXT = 160
MOST_TEXTS = 4
LONGEST = {"sms": 600, "email": 4_000, "call": 700}  # letters; a call of 700 is spoken in a minute

ASKS_FOR_REPLY = re.compile(
    r"\b(reply|replying|respond|text|send|answer|type|write|press"
    r"|responda|responder|conteste|contestar|envie|enviar|mande|escriba|escribir|marque)\b([^.!?\n]*)"
)
# Whole words after folding, with their endings; the practice's own name is a variable and not among them.
WHY_SEEN = re.compile(
    r"\b(diagnos\w*|results?|resultados?|biops\w*|cancer\w*|tumou?r\w*|oncolog\w*|chemo\w*|quimio\w*"
    r"|hiv|vih|aids|sida|std|sti|pregnan\w*|embaraz\w*|abort\w*|fertil\w*|prenatal"
    r"|mental|psych\w*|psiq\w*|psicol\w*|therap\w*|terapi\w*|depress\w*|depresi\w*|anxiety|ansiedad"
    r"|addict\w*|adicci\w*|substance|overdose|sobredosis|rehab\w*"
    r"|surger\w*|surgical|cirug\w*|operacion|procedure|procedimiento|anesthe\w*|aneste\w*"
    r"|x ?rays?|radiograf\w*|mri|resonancia|ct scan|scan|ultrasound|ultrasonido|mammogra\w*|mamogra\w*"
    r"|colonosc\w*|endosc\w*|pap smear|papanicolau|screening|blood (test|work|draw)|lab (test|work|result)s?"
    r"|analisis|examen de|vaccin\w*|vacuna\w*|diabet\w*|cardiolog\w*|dermatolog\w*|gynecolog\w*|ginecolog\w*"
    r"|urolog\w*|dialys\w*|dialisis|prescri\w*|receta\w*|medication|medicamento\w*|treatment|tratamiento"
    r"|reason for (your|the) visit|motivo de (su|la) (visita|cita))\b"
)
ADDRESS = re.compile(
    r"(?:https?:|//|www\.)\S*|\b[a-z0-9][a-z0-9-]*\.(?:com|org|net|io|co|us|info|biz|gov|edu|health|app|ly|me"
    r"|link|site|xyz|es|mx)\b\S*",
    re.IGNORECASE,
)
MARKUP = re.compile(r"<\s*[a-z!/]|&#?\w+;", re.IGNORECASE)


def complaints(
    words: str,
    *,
    channel: str,
    allowed: Iterable[str],
    needed: Iterable[str] = (),
    literal: Iterable[str] = (),
    names: Iterable[str] = (),
    filled: str = "",
    one_text: bool = False,
) -> list[str]:
    """Everything wrong with a wording, each in a sentence that says how to put it right.

    `needed` are variables and `literal` words that must stay; `names` are the practice's own, for which a
    variable stands; `filled` is the wording with the longest usual values, which `one_text` measures.
    """
    found = [*_variables(words, set(allowed), list(needed)), *_plainness(words, channel)]
    found += _opt_out(words)
    found += _telling(words)
    found += [
        f"Keep the word {word}: without it the patient does not know what to reply."
        for word in literal
        if word not in words
    ]
    if any(name and fold(name) in fold(words) for name in names):
        found.append("Write $practice for the practice’s name: some patients asked for a neutral name.")
    if channel == "sms":
        found += _length(words, filled or words, one_text=one_text)
    return list(dict.fromkeys(found))


def _variables(words: str, allowed: set[str], needed: list[str]) -> Iterator[str]:
    template = string.Template(words)
    if not template.is_valid():
        yield "A dollar sign begins a variable. Leave it out, or write the amount in words."
    used = set(template.get_identifiers())
    for name in sorted(used - allowed):
        yield f"${name} is not known here. You can use {', '.join(f'${each}' for each in sorted(allowed))}."
    for name in needed:
        if name not in used:
            yield f"Keep ${name}: {WHY.get(name, 'the patient needs it')}."


WHY = {
    "practice": "a message says first who sends it",
    "link": "by it the patient confirms or asks for another time",
    "phone": "the patient must be able to reach you",
    "date": "the patient must know the day",
    "time": "the patient must know the time",
    "visits": "the patient must know the times",
}


def _plainness(words: str, channel: str) -> Iterator[str]:
    if not words.strip():
        yield "Write the words of the message, or go back to the usual ones."
    if MARKUP.search(words):
        yield "Write plain words: marks like <b> would be read as they stand."
    if ADDRESS.search(words):
        yield "Leave addresses of websites out; $link is the only one patients are shown."
    if len(words) > LONGEST[channel]:
        yield f"This is too long: {LONGEST[channel]} letters are the most."


def _opt_out(words: str) -> Iterator[str]:
    """Opt-out words end all texts: nobody may be asked to send one, also not for something else."""
    shouted = {word for word in re.findall(r"\b[A-ZÁÉÍÓÚÑ]{3,}\b", words) if fold(word) in STOP}
    asked = {
        word
        for match in ASKS_FOR_REPLY.finditer(fold_keeping_stops(words))
        for word in re.findall(r"[a-z]+", match[2])
        if word in STOP | CARRIER_STOP
    }
    for word in sorted({fold(each) for each in shouted} | asked):
        yield f"Do not ask for {word.upper()}: carriers take that word as “no more texts at all”."


def fold_keeping_stops(words: str) -> str:
    """Without case and accents, but with the ends of sentences."""
    return "".join(f"{fold(part)}{end}" for part, end in re.findall(r"([^.!?\n]*)([.!?\n]?)", words))


def _telling(words: str) -> Iterator[str]:
    for match in WHY_SEEN.finditer(fold(words)):
        yield f"“{match[0]}” may tell others why somebody is seen. Leave it out."


def _length(words: str, filled: str, *, one_text: bool) -> Iterator[str]:
    plain = filled.translate(PLAIN)
    # Asked of the wording alone: a practice whose own name has an accent cannot help that.
    foreign = sorted(set(words.translate(PLAIN)) - GSM_BASIC - GSM_TWICE)
    if one_text and foreign:
        yield (
            f"{' '.join(foreign[:5])} more than halves what fits into a text. "
            "Use plain letters, such as a for á."
        )
    length = sum(2 if letter in GSM_TWICE else 1 for letter in plain)
    if one_text and length > ONE_TEXT:
        yield f"With names and times filled in this has {length} letters; {ONE_TEXT} fit into one text."
    elif segments(plain) > MOST_TEXTS:
        yield f"This is as long as {segments(plain)} texts; {MOST_TEXTS} are the most."
