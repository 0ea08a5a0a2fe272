"""What the page of the audit shows: what each check found, as rows, and the words that were said."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from practices.models import Practice, User
from scheduling.audit.check import Check, Found
from scheduling.audit.checks import CHECKS
from scheduling.audit.looking import look
from scheduling.audit.repairs import Repair, ways_out
from scheduling.audit.settling import settled_of
from scheduling.models import Appointment, SettledFinding
from scheduling.words import clock, short_day, short_when

SHOWN = 60  # rows of one check; the rest is counted


@dataclass(frozen=True, slots=True)
class Way:
    """A button of a row."""

    repair: Repair
    url: str

    @property
    def main(self) -> str:
        return "soft" if self.repair.do else ""


@dataclass(frozen=True, slots=True)
class Row:
    """A finding as one line."""

    found: Found
    visit: Appointment
    when: str
    name: str
    ways: list[Way]
    settled: SettledFinding | None = None
    said: str = ""


@dataclass(slots=True)
class Group:
    """A check with what it found."""

    check: Check
    count: int
    rows: list[Row]


@dataclass(slots=True)
class AuditPage:
    """One look: what is open, check by check, and what was settled."""

    first: dt.date
    last: dt.date
    groups: list[Group] = field(default_factory=list)
    settled: list[Row] = field(default_factory=list)
    visits: int = 0
    span: str = ""
    checks: Sequence[Check] = CHECKS

    @property
    def total(self) -> int:
        return sum(group.count for group in self.groups)

    @property
    def patients(self) -> set[uuid.UUID]:
        shown = [row for group in self.groups for row in group.rows] + self.settled
        return {row.visit.patient_id for row in shown}


def audit_page(practice: Practice, user: User, first: dt.date, last: dt.date) -> AuditPage:
    """Looks, and makes rows of what is found; a fixed number of queries. Raises BadRange."""
    found = look(first, last)
    words = settled_of(found)
    page = AuditPage(first, last, span=span_words(first, last, practice))
    page.visits = Appointment.objects.active().filter(local_date__range=(first, last)).count()
    shown: list[tuple[Check, list[Found], int]] = []
    begins = dict(
        Appointment.objects.filter(pk__in={one.visit for one in found})
        .order_by()
        .values_list("pk", "starts_at")
    )
    found.sort(key=lambda one: begins[one.visit])
    for check in CHECKS:
        mine = [one for one in found if one.check == check.name and one.key not in words]
        if mine:
            shown.append((check, mine[:SHOWN], len(mine)))
    settled = [one for one in found if one.key in words][:SHOWN]
    # Only what is shown is read whole: a practice without hours has a finding for every visit.
    wanted = {one.visit for _, rows, _ in shown for one in rows} | {one.visit for one in settled}
    visits = Appointment.objects.with_people().in_bulk(wanted)
    private = user.privacy_mode
    page.groups = [
        Group(check, count, [row_of(one, visits[one.visit], practice, private) for one in rows])
        for check, rows, count in shown
    ]
    page.settled = [row_of(one, visits[one.visit], practice, private, words[one.key]) for one in settled]
    return page


def row_of(
    found: Found, visit: Appointment, practice: Practice, private: bool, settled: SettledFinding | None = None
) -> Row:
    local = visit.starts_at.astimezone(practice.zone)
    day = short_day(local.date(), practice.today())
    name = visit.patient.shown_name(private=private)
    ways = [Way(one, one.link(practice, visit) if one.link else "") for one in ways_out(found)]
    said = ""
    if settled is not None:
        who = settled.settled_by.short_name if settled.settled_by else "Somebody"
        said = f"{settled.word}. {who}, {short_when(settled.settled_at, practice)}"
    return Row(found, visit, f"{day}, {clock(local)}", name, ways, settled, said)


def span_words(first: dt.date, last: dt.date, practice: Practice) -> str:
    """Today; Mon, Jun 8 to Fri, Jun 12."""
    today = practice.today()
    if first == last:
        return short_day(first, today)
    return f"{short_day(first, today)} to {short_day(last, today)}"
