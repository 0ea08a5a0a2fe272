"""Finding a patient: part of a name, a phone, a birth date, or a mixture, typos forgiven.

Row security lets an index be used by leakproof operators only, so the tables are asked for ranges and
equality alone: word prefixes, shared misspellings, blind indexes. Each question fetches a bounded set of
candidates; how well each fits is decided here.
"""

import datetime as dt
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from django.db.models import Exists, OuterRef, Q, prefetch_related_objects
from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import ratio

from patients.contacts import parse_email, parse_phone
from patients.dates import EARLIEST_YEAR, parse_birth_date
from patients.models import ContactPoint, MisspelledWord, Patient, PatientWord
from patients.names import fold, misspellings, searchable_words
from practices.tenancy import current_practice

Why = Literal["name", "phone", "birth date", "e-mail"]

LONGEST_TEXT = 200
MOST_WORDS = 6
MOST_CANDIDATES = 200
LONGEST_DATE = 5  # "22 of april in 1991"
TYPO_AT_MOST = 2
AFTER_EVERY_WORD = "\U0010ffff"
PHONE_SIGNS = re.compile(r"\+?[\d()./\-]+")


@dataclass(frozen=True, slots=True)
class Match:
    """A patient that fits, why, and how well (100 is exact)."""

    patient: Patient
    why: Why
    score: float


@dataclass(slots=True)
class Question:
    """What a typed text asks for."""

    words: list[str] = field(default_factory=list)
    birth_date: dt.date | None = None
    digits: str = ""
    email: str = ""

    @property
    def year(self) -> int | None:
        """Four digits beside a name may be a year of birth as well as the end of a phone."""
        if len(self.digits) == 4 and EARLIEST_YEAR <= int(self.digits) <= current_practice().today().year:
            return int(self.digits)
        return None

    @property
    def facts(self) -> int:
        """How many different things are asked for."""
        return bool(self.words) + bool(self.birth_date) + bool(self.digits) + bool(self.email)


def find_patients(text: str, *, limit: int = 20) -> list[Match]:
    """The patients that fit the text, best first; those who fit all of it hide those who fit a part."""
    question = read(text)
    if not question.facts:
        return []
    patients = _patients(
        set(_by_words(question.words)) if question.words else set(),
        _by_strong_facts(question.birth_date, question.digits, question.email),
        with_contacts=bool(question.digits or question.email),
    )
    matches = [match for patient in patients if (match := _judge(patient, question))]
    best = max((facts for facts, _ in matches), default=0)
    fitting = [match for facts, match in matches if facts == best]
    found = sorted(fitting, key=_order)[:limit]
    # Only those that are shown: one related manager per candidate was half of a search's work.
    prefetch_related_objects([match.patient for match in found], "contact_points")
    return found


def likely_duplicates(
    *, given: str, family: str, birth_date: dt.date | None = None, phone: str = "", limit: int = 5
) -> list[Match]:
    """Patients who may be the person that is being registered, best first."""
    names = searchable_words(given[:LONGEST_TEXT], family[:LONGEST_TEXT])[:MOST_WORDS]
    written = fold(f"{given} {family}")
    try:
        digits = parse_phone(phone) if phone else ""
    except ValueError:
        digits = ""
    patients = _patients(
        set(_by_words(names)) if given.strip() and family.strip() else set(),
        _by_strong_facts(birth_date, digits),
        with_contacts=True,
    )
    matches = []
    for patient in patients:
        likeness = max(
            ratio(written, fold(f"{name} {patient.family}")) for name in (patient.given, patient.preferred)
        )
        same_birth = birth_date is not None and patient.birth_date == birth_date
        same_phone = bool(digits) and any(p.value == digits for p in patient.contact_points.all())
        needed = 60 if same_birth or same_phone else 85
        if birth_date and patient.birth_date and not same_birth and not same_phone:
            needed = 93  # the same name with another birth date is mostly another person
        if likeness >= needed or (same_birth and same_phone):
            why: Why = "birth date" if same_birth else "phone" if same_phone else "name"
            matches.append(Match(patient, why, min(100.0, likeness + 20 * same_birth + 10 * same_phone)))
    return sorted(matches, key=_order)[:limit]


def read(text: str) -> Question:
    """Takes a typed text apart: e-mail, birth date, phone digits, words of a name."""
    question = Question()
    tokens = [token.strip(",;") for token in text[:LONGEST_TEXT].split()]
    tokens = [token for token in tokens if token]
    for token in tokens:
        if "@" in token:
            try:
                question.email = parse_email(token)
                tokens.remove(token)
            except ValueError:
                pass
            break
    tokens, question.birth_date = _take_date(tokens)
    tokens, question.digits = _take_digits(tokens)
    question.words = list(dict.fromkeys(word[:60] for token in tokens for word in fold(token).split()))
    question.words = question.words[:MOST_WORDS]
    return question


def _take_date(tokens: list[str]) -> tuple[list[str], dt.date | None]:
    today = current_practice().today()
    for length in range(min(LONGEST_DATE, len(tokens)), 0, -1):
        for start in range(len(tokens) - length + 1):
            part = " ".join(tokens[start : start + length])
            if not any(char.isdigit() for char in part) or "(" in part:
                continue
            try:
                found = parse_birth_date(part, today)
            except ValueError:
                continue
            return tokens[:start] + tokens[start + length :], found
    return tokens, None


def _take_digits(tokens: list[str]) -> tuple[list[str], str]:
    """The rest, and the digits of the tokens that look like a phone; fewer than four find nothing."""
    rest = [token for token in tokens if not PHONE_SIGNS.fullmatch(token)]
    digits = "".join(re.sub(r"\D", "", token) for token in tokens if PHONE_SIGNS.fullmatch(token))
    return (rest, digits[:20]) if len(digits) >= 4 and digits.isascii() else (rest, "")


def _prefix(word: str) -> Q:
    return Q(word__gte=word, word__lt=word + AFTER_EVERY_WORD)


def _by_words(names: list[str]) -> Iterable[uuid.UUID]:
    """Bearers of words that begin with each name or are a typo away; the longest name leads the way."""
    alike = _vocabulary_near(names)
    lead, *others = sorted(names, key=len, reverse=True)
    bearers = PatientWord.objects.all()
    for other in others:
        same_patient = PatientWord.objects.filter(patient_id=OuterRef("patient_id"))
        bearers = bearers.filter(Exists(same_patient.filter(_prefix(other) | Q(word__in=alike[other]))))
    # The index yields words in order, so an exact word comes before its longer ones and the limit is safe.
    exact = bearers.filter(_prefix(lead)).order_by("word").values_list("patient_id", flat=True)
    near = bearers.filter(word__in=alike[lead]).order_by("word").values_list("patient_id", flat=True)
    return exact[:MOST_CANDIDATES].union(near[:MOST_CANDIDATES], all=True)


def _vocabulary_near(names: list[str]) -> dict[str, list[str]]:
    """For each name the words of this practice that are a typo away."""
    keys = {key for name in names if len(name) >= 3 for key in misspellings(name)}
    stored = set(MisspelledWord.objects.filter(key__in=sorted(keys)).values_list("word", flat=True)[:2000])
    return {
        name: sorted(
            word
            for word in stored
            if len(name) >= 3 and OSA.distance(name, word, score_cutoff=TYPO_AT_MOST) <= TYPO_AT_MOST
        )[:100]
        for name in names
    }


def _by_strong_facts(birth_date: dt.date | None, digits: str, email: str = "") -> tuple[Q | None, Q | None]:
    """Conditions on patients and on contact points for what is known by a blind index."""
    practice_id = current_practice().pk
    born = Q(birth_index=Patient.birth_index_for(practice_id, birth_date)) if birth_date else None
    if email:
        return born, Q(value_index=ContactPoint.index_for(practice_id, "email", email))
    if not digits:
        return born, None
    try:
        return born, Q(value_index=ContactPoint.index_for(practice_id, "phone", parse_phone(digits)))
    except ValueError:
        return born, Q(last_four_index=ContactPoint.last_four_index_for(practice_id, digits[-4:]))


def _patients(
    ids: set[uuid.UUID], strong: tuple[Q | None, Q | None], *, with_contacts: bool
) -> list[Patient]:
    """The candidates, with their contact points where these decide."""
    by_patient, by_contact = strong
    if by_contact is not None:
        points = ContactPoint.objects.filter(by_contact).order_by("pk")
        ids |= set(points.values_list("patient_id", flat=True)[:MOST_CANDIDATES])
    if by_patient is not None:
        born = Patient.objects.filter(by_patient).order_by("sort_name")
        ids |= set(born.values_list("pk", flat=True)[:MOST_CANDIDATES])
    found = Patient.objects.filter(pk__in=ids)
    return list(found.prefetch_related("contact_points") if with_contacts else found)


def _judge(patient: Patient, question: Question) -> tuple[int, Match] | None:
    """How many of the asked facts the patient fits, and the match; none at all is no match."""
    fits: list[tuple[Why, float]] = []
    if question.words and (score := _name_score(patient, question.words)):
        fits.append(("name", score))
    if question.birth_date and patient.birth_date == question.birth_date:
        fits.append(("birth date", 100))
    points = patient.contact_points.all() if question.email or question.digits else ()
    if question.email and any(point.value == question.email for point in points):
        fits.append(("e-mail", 100))
    if question.digits and any(_ends_with(point, question.digits) for point in points):
        fits.append(("phone", 100))
    elif question.words and patient.birth_date and patient.birth_date.year == question.year:
        fits.append(("birth date", 95))
    if not fits:
        return None
    # What tells most about the person is named: a strong fact before a name.
    why: Why = next((why for why, _ in fits if why != "name"), "name")
    score = sum(score for _, score in fits) / len(fits)
    seldom_meant = patient.deceased or not patient.active
    return len(fits), Match(patient, why, score - 20 * seldom_meant)


def _ends_with(point: ContactPoint, digits: str) -> bool:
    if point.system != ContactPoint.System.PHONE:
        return False
    # A number of ten digits or more may be written with the 0 of its own country before it.
    return bool(point.value.endswith((digits, digits.lstrip("0") if len(digits) >= 10 else digits)))


def _name_score(patient: Patient, asked: list[str]) -> float:
    """100 when every asked word is a word of the name, less for beginnings and typos, 0 if one is missing."""
    borne = searchable_words(patient.given, patient.family, patient.preferred)
    total = 0.0
    for word in asked:
        best = max((_word_score(word, name) for name in borne), default=0.0)
        if not best:
            return 0.0
        total += best
    return total / len(asked)


def _word_score(asked: str, borne: str) -> float:
    if borne == asked:
        return 100.0
    if borne.startswith(asked):
        return 80.0 + 15.0 * len(asked) / len(borne)
    if len(asked) >= 3 and misspellings(asked) & misspellings(borne):
        return 40.0 + 0.4 * ratio(asked, borne)
    return 0.0


def _order(match: Match) -> tuple[float, str, uuid.UUID]:
    return -match.score, match.patient.sort_name, match.patient.pk
