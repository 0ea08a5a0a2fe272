"""Times to offer instead of visits that cannot be as booked: two or three for each, no two the same.

Computed for the whole list from one reading; a scarce morning is shared out, not given to the first alone.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from practices.tenancy import current_practice
from scheduling.models import Appointment, Practitioner, TimeRequest
from scheduling.search import Search, Start
from scheduling.stretches import Stretch
from scheduling.together import Known, read_together

AHEAD = dt.timedelta(weeks=4)
LEAD = dt.timedelta(hours=2)  # who is asked by a text needs a moment to answer
EACH = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """A time that fits a visit's patient, and why it is among the few."""

    starts_at: dt.datetime
    practitioner: Practitioner
    why: str = ""

    @property
    def key(self) -> list[str]:
        """As `TimeRequest.offers` keeps it."""
        return [str(self.practitioner.pk), self.starts_at.isoformat()]


@dataclass
class Wanted:
    """A visit that needs another time, and where it could be."""

    visit: Appointment
    known: Search
    starts: list[Start]
    offers: list[Offer] = field(default_factory=list)

    @property
    def span(self) -> tuple[int, int]:
        return self.known.span.before, self.known.span.length + self.known.span.after

    def person(self, start: Start) -> Practitioner:
        return self.known.people[start.place]

    def distance(self, start: Start) -> tuple[int, int, int]:
        """How far from what was agreed: days first, then the time of day; the soonest of two alike."""
        zone = self.known.diary.zone
        local = dt.datetime.fromtimestamp(start.at, zone)
        was = self.visit.starts_at.astimezone(zone)
        minutes = abs((local.hour - was.hour) * 60 + local.minute - was.minute)
        return abs((local.date() - was.date()).days), minutes, start.at

    def half_day(self, start: Start) -> tuple[dt.date, bool]:
        local = dt.datetime.fromtimestamp(start.at, self.known.diary.zone)
        return local.date(), local.hour >= 12


@dataclass
class Given:
    """What is offered to somebody already: a time of a clinician goes to one patient only."""

    taken: dict[uuid.UUID, list[Stretch]] = field(default_factory=lambda: defaultdict(list))

    def is_free(self, practitioner_id: uuid.UUID, low: int, high: int) -> bool:
        return all(high <= a or b <= low for a, b in self.taken[practitioner_id])

    def give(self, practitioner_id: uuid.UUID, low: int, high: int) -> None:
        self.taken[practitioner_id].append((low, high))


def replacements(
    visits: Sequence[Appointment], *, now: dt.datetime | None = None, count: int = EACH
) -> dict[uuid.UUID, list[Offer]]:
    """Up to `count` times for each visit (with its people); eleven queries however many they are.

    The same clinician on another day first, then a colleague who offers the type, then what is a real choice
    beside these. What others are being offered is left to them.
    """
    if not visits:
        return {}
    now = now or timezone.now()
    zone = current_practice().zone
    first = now.astimezone(zone).date()
    last = max((now + AHEAD).astimezone(zone).date(), max(visit.local_date for visit in visits) + AHEAD)
    known = read_together(visits, first, last, now)
    given = offered_to_others(visits)
    wanted = [wanted_of(visit, known) for visit in sorted(visits, key=lambda one: (one.starts_at, one.pk))]
    for taste in [same_clinician, a_colleague, another_choice, *[anything] * count]:
        for one in wanted:
            if len(one.offers) < count:
                pick(one, taste, given)
    return {one.visit.pk: sorted(one.offers, key=lambda offer: offer.starts_at) for one in wanted}


def wanted_of(visit: Appointment, known: Known) -> Wanted:
    search, starts = known.starts_for(visit, LEAD)
    here = int(visit.starts_at.timestamp())
    others = [s for s in starts if s.at != here or search.people[s.place].pk != visit.practitioner_id]
    found = Wanted(visit, search, others)
    found.starts.sort(key=found.distance)
    return found


def offered_to_others(visits: Sequence[Appointment]) -> Given:
    """The times that live requests of other visits hold out to their patients; one query."""
    given = Given()
    rows = TimeRequest.objects.live().exclude(appointment__in=[visit.pk for visit in visits])
    for request in rows.select_related("appointment"):
        visit = request.appointment
        before, after = visit.buffer_before * 60, (visit.minutes + visit.buffer_after) * 60
        for practitioner_id, moment in request.offered:
            at = int(dt.datetime.fromisoformat(moment).timestamp())
            given.give(practitioner_id, at - before, at + after)
    return given


Taste = Callable[[Wanted, Start], str]  # why a start is wanted; empty where it is not


def pick(one: Wanted, taste: Taste, given: Given) -> None:
    """Takes the nearest start that suits a taste and that nobody else is offered."""
    before, after = one.span
    for start in one.starts:
        why = taste(one, start)
        if not why or not apart(one, start):
            continue
        person = one.person(start)
        if given.is_free(person.pk, start.at - before, start.at + after):
            given.give(person.pk, start.at - before, start.at + after)
            one.offers.append(Offer(dt.datetime.fromtimestamp(start.at, dt.UTC), person, why))
            return


def apart(one: Wanted, start: Start) -> bool:
    """Whether it is another time than those picked: nobody chooses between two clinicians at one o'clock."""
    length = one.known.span.length
    return all(abs(offer.starts_at.timestamp() - start.at) >= length for offer in one.offers)


def same_clinician(one: Wanted, start: Start) -> str:
    return "Same clinician" if one.person(start).pk == one.visit.practitioner_id else ""


def a_colleague(one: Wanted, start: Start) -> str:
    if one.person(start).pk == one.visit.practitioner_id:
        return ""
    return "Same day" if one.distance(start)[0] == 0 else "Another clinician"


def another_choice(one: Wanted, start: Start) -> str:
    """Another day and another half of the day than what was picked already."""
    picked = [offer.starts_at.astimezone(one.known.diary.zone) for offer in one.offers]
    day, afternoon = one.half_day(start)
    if any(moment.date() == day or (moment.hour >= 12) == afternoon for moment in picked):
        return ""
    return "Afternoon" if afternoon else "Morning"


def anything(one: Wanted, start: Start) -> str:
    return "Also free"
