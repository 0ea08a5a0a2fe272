"""What a check is, and what it finds."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Raw:
    """A row that a check's statement gave: plain values of one practice, nothing that is sealed."""

    check: str
    practice_id: int
    visit: uuid.UUID
    other: uuid.UUID | None
    patient_id: uuid.UUID
    facts: Facts = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that is wrong, in words; `key` names it for ever."""

    check: str
    key: str
    detail: str
    visit: uuid.UUID
    other: uuid.UUID | None
    patient_id: uuid.UUID
    facts: Facts = field(default_factory=dict, hash=False)


# Rows of one check, in the scope of their practice, where something sealed has to be read to judge them.
Judge = Callable[[Sequence[Raw]], Sequence[Raw]]


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, what the page says of it, the statement that finds, the words, the ways out.

    `sql` selects practice_id, visit, other, patient_id and facts (jsonb) from the tables that `statement.py`
    prepares. `repairs` are names of `repairs.REPAIRS`, the best first.
    """

    name: str
    title: str
    why: str
    symbol: str
    tone: str
    sql: str
    words: Callable[[Facts], str]
    repairs: tuple[str, ...]
    judge: Judge | None = None

    def found(self, raw: Raw) -> Found:
        # One pair is one finding, whichever of the two the diary names first.
        both = sorted(str(one) for one in (raw.visit, raw.other) if one is not None)
        key = ":".join([self.name, *both])
        return Found(
            self.name, key, self.words(raw.facts)[:120], raw.visit, raw.other, raw.patient_id, raw.facts
        )
