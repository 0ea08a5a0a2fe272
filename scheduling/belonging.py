"""The series or the linked visits that a visit belongs to, as panel and dialogs say it; who comes along."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from practices.models import Practice
from scheduling.batches import Move
from scheduling.drafts import as_version
from scheduling.linked import open_others, others_of
from scheduling.models import Appointment, LinkedVisits, Series
from scheduling.recurrence import BadRule, say_rule
from scheduling.refusals import BookingRefused, DatesRefused
from scheduling.series import SCOPES, in_scope, visits_of
from scheduling.words import short_when, stage_symbol, stage_words

TOGETHER = "together"
SHAPES = {
    LinkedVisits.Shape.IN_TURN: "one after the other",
    LinkedVisits.Shape.SIDE_BY_SIDE: "at the same time",
}


@dataclass(frozen=True, slots=True)
class Fellow:
    """Another visit of the same series, or of the same links."""

    visit: Appointment
    when: str
    words: str
    symbol: str
    here: bool = False


@dataclass(slots=True)
class Belonging:
    """What the panel says: "3 of 8, weekly" with the list, and "together with …"."""

    series: str = ""
    dates: list[Fellow] = field(default_factory=list)
    together: str = ""
    others: list[Fellow] = field(default_factory=list)

    @property
    def patients(self) -> list[uuid.UUID]:
        """Whose names are shown beside the visit's own patient."""
        return [fellow.visit.patient_id for fellow in self.others]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which visits a change is about."""

    value: str
    label: str
    count: int
    checked: bool


def belonging_of(visit: Appointment, practice: Practice, *, private: bool = False) -> Belonging:
    """The lines of a visit; two queries where it is in a series, one where it is linked, none otherwise."""
    found = Belonging()
    if visit.series_id is not None:
        series = Series.objects.get(pk=visit.series_id)
        found.series = f"{visit.series_position} of {series.total}, {often(series)}"
        found.dates = [
            _fellow(one, practice, stage_words(one), here=one.pk == visit.pk) for one in visits_of(series.pk)
        ]
    others = others_of(visit)
    if others:
        names = list(dict.fromkeys(_name(one, visit, private) for one in others if one.is_active))
        found.together = ", ".join(names) or "visits that were cancelled"
        found.others = [
            _fellow(one, practice, f"{_name(one, visit, private)}, {stage_words(one).lower()}")
            for one in others
        ]
    return found


def often(series: Series) -> str:
    """Weekly; a rule that can be read no more says nothing of it."""
    try:
        return say_rule(series.rule)
    except BadRule:
        return "repeated"


def _fellow(visit: Appointment, practice: Practice, words: str, *, here: bool = False) -> Fellow:
    return Fellow(visit, short_when(visit.starts_at, practice), words, stage_symbol(visit), here)


def _name(other: Appointment, visit: Appointment, private: bool) -> str:
    """Whom the other visit is with or for: the clinician for the same patient, else the other patient."""
    if other.patient_id == visit.patient_id:
        return f"{other.appointment_type.name} with {other.practitioner.short_name}"
    return f"{other.patient.shown_name(private=private)}"


def choices_for(visit: Appointment, data: Mapping[str, str]) -> list[Choice]:
    """What a dialog that moves or cancels asks in passing; empty for a visit that stands alone."""
    counts: dict[str, tuple[str, int]] = {}
    if visit.series_id is not None and visit.is_open:
        for scope in ("later", "all"):
            counts[scope] = (SCOPES[scope], len(in_scope_quietly(visit, scope)))
    if visit.linked_id is not None:
        counts[TOGETHER] = ("Together with the others", 1 + len(open_others(visit)))
    counts = {value: (label, count) for value, (label, count) in counts.items() if count > 1}
    if not counts:
        return []
    chosen = data.get("scope", "one")
    only = Choice("one", SCOPES["one"] if visit.series_id else "Only this visit", 1, chosen not in counts)
    return [only, *(Choice(value, label, n, chosen == value) for value, (label, n) in counts.items())]


def in_scope_quietly(visit: Appointment, scope: str) -> list[Appointment]:
    try:
        return in_scope(visit, scope)
    except ValueError:
        return []


def fellows_of(visit: Appointment) -> list[Appointment]:
    """All that a dialog may take along, so that it sends the versions it saw."""
    if not visit.is_open:
        return []
    rest = in_scope_quietly(visit, "all") if visit.series_id is not None else []
    return [one for one in [*rest, *open_others(visit)] if one.pk != visit.pk]


def come_along(visit: Appointment, data: Mapping[str, str]) -> list[tuple[Appointment, int]]:
    """The other visits that a change is about, each with the version that its page saw."""
    scope = data.get("scope", "one")
    if scope not in {*SCOPES, TOGETHER}:
        raise BookingRefused("Choose which visits it is about.")
    if scope in {"later", "all"}:
        others = [one for one in in_scope(visit, scope) if one.pk != visit.pk]
    else:
        others = open_others(visit) if scope == TOGETHER else []
    return [(one, as_version(data.get(f"v-{one.pk}")) or one.version) for one in others]


def not_along(moves: Sequence[Move], refusal: DatesRefused) -> str:
    """Why visits that belong together cannot move together: whose time is in the way."""
    bad = [(move, verdict) for move, verdict in zip(moves, refusal.verdicts, strict=True) if not verdict.fits]
    words = [
        f"{move.visit.appointment_type.name} with {move.practitioner.short_name}: {verdict.words}"
        for move, verdict in bad
    ]
    return f"{' '.join(words)} Nothing was changed."
