"""The times a page offers: suggestions with the day at a glance, and the openings of the next two weeks."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from practices.models import Practice
from practices.tenancy import current_practice
from scheduling.availability import look_ahead, openings_by_half_day, suggest_times
from scheduling.drafts import Draft, HalfDay, Slot
from scheduling.fits import fit_of
from scheduling.fitting import Fit, find_times
from scheduling.models import Appointment, WeeklyHours
from scheduling.search import Search, ceil
from scheduling.words import short_when

STRIP_WIDTH = 100.0
MOST = 9  # as many as there are digits
COLUMNS = 10
FEW = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of the strip, in hundredths of the day's length."""

    x: str
    width: str
    me: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """One row of the suggested times."""

    slot: Slot
    when: str
    tags: tuple[str, ...]  # why it is worth offering
    strip: list[Bar]
    checked: bool


@dataclass(frozen=True, slots=True)
class Axis:
    """The hours the strips span."""

    first: int
    last: int

    def at(self, moment: dt.datetime | dt.time) -> float:
        hours = moment.hour + moment.minute / 60
        return min(max((hours - self.first) / (self.last - self.first), 0), 1) * STRIP_WIDTH

    @property
    def labels(self) -> tuple[str, str, str]:
        return f"{self.first % 12 or 12}", "noon", f"{self.last % 12 or 12}"


@dataclass(frozen=True, slots=True)
class HeatCell:
    """How many visits of this length fit into a half-day."""

    half: HalfDay
    count: int
    words: str
    chosen: bool

    @property
    def shade(self) -> str:
        return "c0" if not self.count else "c1" if self.count < FEW else "c2"


@dataclass(frozen=True, slots=True)
class Offers:
    """All that the "When" side of a dialog shows."""

    rows: list[Offer]
    axis: Axis
    days: list[dt.date]
    mornings: list[HeatCell]
    afternoons: list[HeatCell]
    known: Search | None = None  # the next four weeks, as they were read for all this


def offers_for(draft: Draft, *, leave_out: Appointment | None = None) -> Offers:
    """The rows and the heat for a draft; empty rows while no kind of visit is chosen."""
    practice = draft.diary.practice
    ahead = ahead_of(draft)
    found = suggested(draft, ahead)
    slots = [slot for slot, _ in found]
    axis = axis_of(slots)
    busy = busy_spans(slots, leave_out=leave_out)
    rows = [
        Offer(
            slot=slot,
            when=short_when(slot.starts_at, practice),
            tags=tags,
            strip=strip_of(slot, draft, busy[slot.practitioner.pk, local(slot, practice).date()], axis),
            checked=draft.slot is not None and draft.slot.value == slot.value and not draft.other,
        )
        for slot, tags in found
    ]
    return Offers(rows, axis, *heat_of(draft, ahead), ahead)


def local(slot: Slot, practice: Practice) -> dt.datetime:
    return slot.starts_at.astimezone(practice.zone)


Found = tuple[Slot, tuple[str, ...]]


def ahead_of(draft: Draft) -> Search | None:
    """The next four weeks for what was chosen so far; nothing while no kind of visit is."""
    if draft.kind is None:
        return None
    known = look_ahead(
        appointment_type=draft.kind,
        practitioner=draft.clinician,
        patient=draft.patient,
        needs=draft.needs,
        own_hold=draft.hold_key,
    )
    if draft.location is not None:
        for person, shifts in known.diary.shifts.items():
            there = [shift for shift in shifts if shift.location_id == draft.location.pk]
            known.diary.shifts[person] = there
    return known


def suggested(draft: Draft, ahead: Search | None) -> list[Found]:
    """The slot that was picked elsewhere first, then what suits the wishes, with the reasons as tags."""
    found: list[Found] = []
    if draft.kind is not None and ahead is not None and draft.half is not None:
        fits = within_half(draft, draft.half, ahead)
        found = [(slot_of(fit, draft), fit.reasons[1:]) for fit in fits]
    elif draft.kind is not None:
        offered = suggest_times(
            appointment_type=draft.kind, patient=draft.patient, part_of_day=draft.part, known=ahead
        )
        found = [(slot_of(one.fit, draft), (one.why, *one.notes)) for one in offered]
    picked = draft.picked
    if picked is not None and all(slot.value != picked.value for slot, _ in found):
        found.insert(0, (picked, ("The time you picked",)))
    chosen = draft.slot
    if draft.holds and chosen is not None and all(slot.value != chosen.value for slot, _ in found):
        # It stays where it was chosen, whatever is suggested now.
        held: Found = (chosen, ("Held for you",))
        found = sorted([*found[: MOST - 1], held], key=lambda row: row[0].starts_at)
    return found[:MOST]


def within_half(draft: Draft, half: HalfDay, ahead: Search) -> list[Fit]:
    """The first times of a half-day; one that is further ahead is looked up by itself."""
    begins, ends = half.span(draft.diary.practice)
    if ahead.first <= half.day <= ahead.last:
        starts = ahead.starts(ceil(begins), ceil(ends))
        # Of a whole day some of each hour, else nine times would end before ten.
        every = -(-len(starts) // MOST) or 1 if half.half == "day" else 1
        return [fit_of(ahead, start) for start in starts[::every][:MOST]]
    return find_times(
        appointment_type=ahead.kind,
        practitioners=ahead.people,
        patient=draft.patient,
        needs=draft.needs,
        from_=begins,
        until=ends,
        limit=MOST,
    )


def slot_of(fit: Fit, draft: Draft) -> Slot:
    return known(Slot(fit.practitioner, fit.starts_at), draft)


def known(slot: Slot, draft: Draft) -> Slot:
    """The slot with the diary's own clinician, whose room and location are already read."""
    practitioner = draft.diary.practitioner_of(str(slot.practitioner.pk))
    return Slot(practitioner or slot.practitioner, slot.starts_at)


def axis_of(slots: Iterable[Slot]) -> Axis:
    """From the earliest to the latest hour the offered clinicians work, 8 to 5 at least."""
    people = {slot.practitioner.pk for slot in slots}
    hours = list(WeeklyHours.objects.filter(practitioner__in=people).values_list("starts", "ends"))
    first = min((starts.hour for starts, _ in hours), default=8)
    last = max((ends.hour + (ends.minute > 0) for _, ends in hours), default=17)
    return Axis(min(first, 8), max(last, 17))


Spans = dict[tuple[object, dt.date], list[tuple[dt.time, dt.time]]]


def busy_spans(slots: Sequence[Slot], *, leave_out: Appointment | None = None) -> Spans:
    """Wall-clock spans that are taken, per clinician and day of the slots; one query."""
    spans: Spans = defaultdict(list)
    if not slots:
        return spans
    practice = current_practice()
    visits = Appointment.objects.active().filter(
        practitioner__in={slot.practitioner.pk for slot in slots},
        local_date__in={local(slot, practice).date() for slot in slots},
    )
    if leave_out is not None:
        visits = visits.exclude(pk=leave_out.pk)
    for who, day, begins, ends in visits.values_list("practitioner_id", "local_date", "starts_at", "ends_at"):
        ends_local = ends.astimezone(practice.zone)
        until = ends_local.time() if ends_local.date() == day else dt.time.max
        spans[who, day].append((begins.astimezone(practice.zone).time(), until))
    return spans


def strip_of(slot: Slot, draft: Draft, busy: list[tuple[dt.time, dt.time]], axis: Axis) -> list[Bar]:
    """The day at a glance: what is taken, and where this slot would lie."""
    bars = [bar(axis.at(begins), axis.at(ends)) for begins, ends in busy]
    starts = axis.at(local(slot, draft.diary.practice))
    ends = starts
    if draft.kind is not None:
        ends = axis.at(local(slot, draft.diary.practice) + draft.kind.length)
    return [*bars, bar(starts, max(ends, starts + 2), me=True)]


def bar(begins: float, ends: float, *, me: bool = False) -> Bar:
    return Bar(f"{begins:.1f}", f"{max(ends - begins, 0):.1f}", me)


def heat_of(draft: Draft, ahead: Search | None) -> tuple[list[dt.date], list[HeatCell], list[HeatCell]]:
    """Openings per half-day of the next two weeks; nothing while no kind of visit is chosen."""
    if draft.kind is None or ahead is None:
        return [], [], []
    days = openings_by_half_day(appointment_type=draft.kind, known=ahead)
    # A weekend on which nobody works would only push the working days out of sight.
    shown = [row for row in days if row.day.isoweekday() < 6 or row.morning or row.afternoon][:COLUMNS]

    def cell(day: dt.date, half: Literal["am", "pm"], count: int) -> HeatCell:
        words = f"{day:%A} {day:%B} {day.day}, {'morning' if half == 'am' else 'afternoon'}: {count} free"
        this = HalfDay(day, half)
        return HeatCell(this, count, words, chosen=this == draft.half)

    return (
        [row.day for row in shown],
        [cell(row.day, "am", row.morning) for row in shown],
        [cell(row.day, "pm", row.afternoon) for row in shown],
    )
