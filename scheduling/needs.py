"""What a patient's visits have to fit: the needs of the record, with the details that were noted of them."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from patients.models import Need, Patient, PatientWish, WishKind
from practices.models import Language
from scheduling.models import Practitioner
from scheduling.stretches import Stretch, merge
from scheduling.wallclock import boundary, say_time

ROOM_NEEDS = {Need.STEP_FREE, Need.WHEELCHAIR}
GENDERS = {"female": "a woman", "male": "a man"}
# A wish of these kinds counts while the need it belongs to is ticked.
OF_NEED = {
    WishKind.INTERPRETER: Need.INTERPRETER,
    WishKind.LONGER: Need.LONGER,
    WishKind.CARER: Need.CARER,
    WishKind.TRANSPORT: Need.TRANSPORT,
}


@dataclass(frozen=True, slots=True)
class Window:
    """Hours in which a visit may lie, on the wall clock, on some weekdays (none: every day)."""

    starts: dt.time
    ends: dt.time | None  # None is the end of the day
    weekdays: frozenset[int] = frozenset()

    def on(self, day: dt.date) -> bool:
        return not self.weekdays or day.isoweekday() in self.weekdays


@dataclass(frozen=True, slots=True)
class Only:
    """A visit has to lie in one of the windows; `fits` and `breaks` say so of one that does or does not."""

    windows: tuple[Window, ...]
    fits: str
    breaks: str

    def stretches(self, first: dt.date, last: dt.date, zone: zoneinfo.ZoneInfo) -> list[Stretch]:
        """The windows as stretches of time on a clock."""
        found: list[Stretch] = []
        for offset in range(-1, (last - first).days + 2):
            day = first + dt.timedelta(days=offset)
            for window in self.windows:
                if window.on(day):
                    found.append(
                        (
                            int(boundary(day, window.starts, zone).timestamp()),
                            int(self._end(day, window, zone).timestamp()),
                        )
                    )
        return merge(stretch for stretch in found if stretch[0] < stretch[1])

    @staticmethod
    def _end(day: dt.date, window: Window, zone: zoneinfo.ZoneInfo) -> dt.datetime:
        if window.ends is None:
            return boundary(day + dt.timedelta(days=1), dt.time(0), zone)
        return boundary(day, window.ends, zone, closing=True)


@dataclass(frozen=True, slots=True)
class Wants:
    """The needs of one visit as constraints; what cannot be checked is a note for whoever books."""

    step_free: bool = False
    language: str | None = None  # an interpreter is needed; empty: for a language nobody noted
    extra_minutes: int = 0
    gender: str = ""
    only: tuple[Only, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def bind(self) -> bool:
        """Whether any of it can be missed by a time."""
        return bool(
            self.step_free or self.language is not None or self.gender or self.only or self.extra_minutes
        )

    def may_see(self, person: Practitioner) -> bool:
        """Whether the wish for a woman or a man is met, however the clinician's record spells it."""
        return not self.gender or person.gender.strip().casefold() == self.gender.strip().casefold()


NOTHING = Wants()


def wants_of(patient: Patient | None, needs: Sequence[str] | None = None) -> Wants:
    """What is wanted for a visit of a patient; `needs` stands in for those of the record. One query."""
    if needs is None:
        needs = patient.needs if patient is not None else ()
    wishes = PatientWish.objects.filter(patient=patient) if patient is not None else ()
    return wants_from(patient, needs, wishes)


def wants_from(patient: Patient | None, needs: Sequence[str], wishes: Iterable[PatientWish]) -> Wants:
    """The same of wishes that were read already; those whose need is not ticked do not count."""
    ticked = set(needs)
    counting = [
        (wish.kind, wish.details)
        for wish in wishes
        if wish.kind not in OF_NEED or OF_NEED[WishKind(wish.kind)] in ticked
    ]
    kinds = {kind for kind, _ in counting}
    notes = []
    if Need.LONGER in ticked and WishKind.LONGER not in kinds:
        notes.append("Asked for a longer visit")
    if Need.CARER in ticked and WishKind.CARER not in kinds:
        notes.append("Carer comes along")
    if Need.TRANSPORT in ticked:
        notes.append("Transport to be arranged")
    return Wants(
        step_free=bool(ROOM_NEEDS & ticked),
        language=language_of(patient, counting) if Need.INTERPRETER in ticked else None,
        extra_minutes=max(
            (details["minutes"] for kind, details in counting if kind == WishKind.LONGER), default=0
        ),
        gender=next((details["gender"] for kind, details in counting if kind == WishKind.GENDER), ""),
        only=tuple(hours_from(counting)),
        notes=tuple(notes),
    )


def language_of(patient: Patient | None, counting: Iterable[tuple[str, dict[str, str]]]) -> str:
    """The language to interpret: as noted, else the patient's own where it is not English."""
    noted = next((details["language"] for kind, details in counting if kind == WishKind.INTERPRETER), "")
    if noted or patient is None or patient.language == Language.ENGLISH:
        return noted
    return str(Language(patient.language).label)


def hours_from(counting: Sequence[tuple[str, dict[str, object]]]) -> Iterable[Only]:
    """The wishes about hours: each bound by itself, the windows of a carer or of transport together."""
    for kind, details in counting:
        if kind == WishKind.NOT_BEFORE:
            window = window_from(details)
            words = say_time(window.starts)
            yield Only(around(window, Window(window.starts, None)), f"Not before {words}", f"Before {words}")
        elif kind == WishKind.NOT_AFTER:
            window = window_from(details)
            words = say_time(window.ends or dt.time.max)
            yield Only(
                around(window, Window(dt.time.min, window.ends)), f"Over by {words}", f"Not over by {words}"
            )
    for kind, fits, breaks in (
        (WishKind.CARER, "Carer can come", "The carer cannot come then"),
        (WishKind.TRANSPORT, "Transport runs", "No transport then"),
    ):
        windows = tuple(window_from(details) for other, details in counting if other == kind)
        if windows:
            yield Only(windows, fits, breaks)


def around(wished: Window, bound: Window) -> tuple[Window, ...]:
    """A bound for the wished weekdays, and the whole of all other days."""
    if not wished.weekdays:
        return (bound,)
    others = frozenset(range(1, 8)) - wished.weekdays
    bound = Window(bound.starts, bound.ends, wished.weekdays)
    return (bound, Window(dt.time.min, None, others)) if others else (bound,)


def window_from(details: dict[str, object]) -> Window:
    starts, ends = details.get("starts"), details.get("ends")
    return Window(
        dt.time.fromisoformat(str(starts)) if starts else dt.time.min,
        dt.time.fromisoformat(str(ends)) if ends else None,
        frozenset(details.get("weekdays") or ()),  # type: ignore[call-overload]
    )


def extra_time(patient: Patient) -> dt.timedelta:
    """How much longer than usual a patient's visits are; no query for those who need no longer one."""
    if Need.LONGER not in patient.needs:
        return dt.timedelta()
    return dt.timedelta(minutes=wants_of(patient).extra_minutes)
