"""The dates of a series as the preview shows them and as its form says: keep, another time, or leave out."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from patients.dates import parse_day
from patients.models import Patient
from practices.models import Practice
from scheduling.collisions import Verdict
from scheduling.drafts import Diary, Slot
from scheduling.models import AppointmentType
from scheduling.nearby import Sought, times_near
from scheduling.series import Dated
from scheduling.wallclock import ClockChange, TimeIsAmbiguous, parse_clock, resolve, within_reach
from scheduling.words import clock, short_day, short_when

AS_IS, SKIP, OTHER = "asis", "skip", "other"
DECIDE = "Choose another time, or leave this date out."


@dataclass(slots=True)
class Option:
    """One line of a date's menu."""

    value: str
    label: str
    selected: bool = False


@dataclass(slots=True)
class DateRow:
    """One date: what is in its way, what can be done about it, and what was chosen."""

    dated: Dated
    when: str
    was: str = ""  # where the visit is now, when the series moves
    options: list[Option] = field(default_factory=list)
    chosen: str = ""
    day: str = ""  # typed
    time: str = ""
    error: str = ""
    slot: Slot | None = None

    @property
    def number(self) -> int:
        return self.dated.position

    @property
    def who(self) -> str:
        return self.dated.practitioner.short_name

    @property
    def fits(self) -> bool:
        return self.dated.fits

    @property
    def left_out(self) -> bool:
        return self.chosen == SKIP

    @property
    def typed(self) -> bool:
        return self.chosen == OTHER

    @property
    def words(self) -> str:
        """What is in the way, or worth knowing."""
        return self.error or self.dated.verdict.words or self.dated.verdict.note or "Free"


class DateRows:
    """All dates of a preview, read from what was posted."""

    def __init__(
        self,
        dates: Sequence[Dated],
        data: Mapping[str, str],
        *,
        kind: AppointmentType,
        patient: Patient | None,
        diary: Diary,
    ) -> None:
        self.kind, self.patient, self.diary = kind, patient, diary
        self.rows = [self._row(dated, data) for dated in dates]
        if data.get("leave_out"):
            for row in self.rows:
                if not row.fits and not row.chosen:
                    row.chosen = SKIP

    @property
    def practice(self) -> Practice:
        return self.diary.practice

    def _row(self, dated: Dated, data: Mapping[str, str]) -> DateRow:
        n = dated.position
        row = DateRow(dated, self._when(dated))
        if dated.visit is not None:
            row.was = short_when(dated.visit.starts_at, self.practice)
        row.day, row.time = data.get(f"day{n}", "").strip()[:40], data.get(f"time{n}", "").strip()[:20]
        row.chosen = data.get(f"to{n}", "")[:80]
        if (row.day or row.time) and row.chosen in {"", AS_IS}:
            row.chosen = OTHER
        if not row.chosen and dated.fits:
            row.chosen = AS_IS
        return row

    def _when(self, dated: Dated) -> str:
        if dated.starts_at is not None:
            return short_when(dated.starts_at, self.practice)
        day = short_day(dated.day, self.practice.today())
        named = "" if dated.zone == self.practice.zone else f" {meant(dated):%Z}"
        return f"{day}{',' if ',' in day else ''} {clock(dated.time)}{named}"

    def read(self) -> bool:
        """Finds the slot of each row; False, with words at the row, where one is not decided."""
        for row in self.rows:
            row.error = ""
            row.slot = None if row.left_out else self._slot_of(row)
        return not any(row.error for row in self.rows)

    def _slot_of(self, row: DateRow) -> Slot | None:
        if row.chosen == OTHER:
            return self._typed(row)
        slot = Slot.read(row.chosen, self.diary)
        if row.chosen == AS_IS and row.dated.starts_at is not None:
            slot = Slot(row.dated.practitioner, row.dated.starts_at)
        if slot is None:
            row.error = f"{row.dated.verdict.words} {DECIDE}".strip()
        return slot

    def _typed(self, row: DateRow) -> Slot | None:
        # What is typed is on the practice's clock, a time that is kept on that of the series.
        zone = self.practice.zone if row.time else row.dated.zone
        try:
            if not row.day and not row.time:
                raise ValueError("Write the day or the time.")
            day = within_reach(parse_day(row.day, self.practice.today())) if row.day else row.dated.day
            time = parse_clock(row.time) if row.time else row.dated.time
            return Slot(row.dated.practitioner, resolve(day, time, zone))
        except TimeIsAmbiguous as twice:
            row.dated = replace(
                row.dated,
                day=twice.day,
                time=twice.time,
                starts_at=None,
                zone=zone,
                twice=(twice.first, twice.second),
            )
            row.error, row.chosen = str(twice), ""
        except (ClockChange, ValueError) as wrong:
            row.error = str(wrong)
        return None

    def going(self) -> list[DateRow]:
        """The rows that shall take place, in order of time; after `read`."""
        rows = [row for row in self.rows if row.slot is not None]
        return sorted(rows, key=lambda row: row.slot.starts_at if row.slot else dt.datetime.max)

    def refuse(self, going: Sequence[DateRow], verdicts: Sequence[Verdict]) -> None:
        """What came back from saving: a refused row stands at the time that was wanted, with the reason."""
        for row, verdict in zip(going, verdicts, strict=True):
            if verdict.fits or row.slot is None:
                continue
            local = row.slot.starts_at.astimezone(row.dated.zone)
            row.dated = replace(
                row.dated,
                day=local.date(),
                time=local.time().replace(fold=0),
                practitioner=row.slot.practitioner,
                starts_at=row.slot.starts_at,
                verdict=verdict,
            )
            row.when, row.chosen, row.day, row.time = self._when(row.dated), "", "", ""

    def finish(self) -> "DateRows":
        """Fills each row's menu; times near those that cannot be had are looked for once."""
        bad = [row for row in self.rows if not row.fits or row.error]
        sought = [self._sought(row.dated) for row in bad]
        near = dict(zip(map(id, bad), times_near(sought, self.kind, self.patient), strict=True))
        for row in self.rows:
            row.options = self._options(row, near.get(id(row), []))
        return self

    def _sought(self, dated: Dated) -> Sought:
        local = (dated.starts_at or meant(dated)).astimezone(self.practice.zone)
        return local.date(), local.time(), dated.practitioner

    def _options(self, row: DateRow, near: Sequence[Slot]) -> list[Option]:
        options = [] if not row.fits else [Option(AS_IS, "Keep")]
        if not row.fits:
            options.append(Option("", "Choose"))
        for name, moment in zip(("first", "second"), row.dated.twice, strict=False):
            value = Slot(row.dated.practitioner, moment).value
            words = f"The {name} {clock(row.dated.time)} ({moment.astimezone(row.dated.zone):%Z})"
            options.append(Option(value, words))
        options += [Option(slot.value, self._label(slot, row)) for slot in near]
        chosen = Slot.read(row.chosen, self.diary)
        if chosen is not None and all(option.value != row.chosen for option in options):
            options.append(Option(row.chosen, self._label(chosen, row)))
        leave = "Leave it where it is" if row.dated.visit is not None else "Leave out"
        options += [Option(SKIP, leave), Option(OTHER, "Another day or time, written beside")]
        for option in options:
            option.selected = option.value == row.chosen
        return options

    def _label(self, slot: Slot, row: DateRow) -> str:
        when = short_when(slot.starts_at, self.practice)
        same = slot.practitioner.pk == row.dated.practitioner.pk
        return when if same else f"{when}, {slot.practitioner.short_name}"

    @property
    def bad(self) -> int:
        """How many do not work and are not settled yet."""
        return sum(1 for row in self.rows if (not row.fits and not row.chosen) or row.error)

    @property
    def count(self) -> int:
        """How many would take place."""
        return sum(1 for row in self.rows if not row.left_out)

    @property
    def keeps(self) -> bool:
        return any(row.left_out for row in self.rows)


def meant(dated: Dated) -> dt.datetime:
    """The time that is meant, also one that the clocks jump over, on the clock of the series."""
    return dt.datetime.combine(dated.day, dated.time, tzinfo=dated.zone)
