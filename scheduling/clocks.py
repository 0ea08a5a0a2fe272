"""On which clock a visit takes place: what its patient is told, by whatever way.

A place may keep another clock than its practice. Boards, columns and what staff type stay on the practice's;
so do `local_date` and `local_time` of a visit, by which the board finds its day.
"""

import datetime as dt
import uuid
import zoneinfo
from collections import defaultdict
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from practices.models import Location, Practice, Room
from practices.prepared import Prepared
from practices.tenancy import current_practice
from scheduling.models import Appointment, Offer, Practitioner, WeeklyHours


class Worked(NamedTuple):
    """Hours of a clinician at a place that was named for them, on that place's clock."""

    zone: zoneinfo.ZoneInfo
    weekday: int
    starts: dt.time
    ends: dt.time
    valid_from: dt.date | None
    valid_until: dt.date | None

    def hold(self, moment: dt.datetime) -> bool:
        local = moment.astimezone(self.zone)
        begun = self.valid_from is None or self.valid_from <= local.date()
        over = self.valid_until is not None and self.valid_until < local.date()
        here = self.weekday == local.isoweekday() and self.starts <= local.time() < self.ends
        return here and begun and not over


@dataclass(frozen=True, slots=True)
class Clocks:
    """What of a practice is on another clock than its own; empty for most."""

    own: zoneinfo.ZoneInfo
    rooms: dict[uuid.UUID, zoneinfo.ZoneInfo] = field(default_factory=dict)
    people: dict[uuid.UUID, zoneinfo.ZoneInfo] = field(default_factory=dict)
    hours: dict[uuid.UUID, list[Worked]] = field(default_factory=dict)

    def at(
        self, moment: dt.datetime, practitioner_id: uuid.UUID, room_id: uuid.UUID | None
    ) -> zoneinfo.ZoneInfo:
        """The room's; without a room that of the clinician's hours just then, else of her usual place."""
        if room_id is not None:
            return self.rooms.get(room_id, self.own)
        there = (one.zone for one in self.hours.get(practitioner_id, ()) if one.hold(moment))
        return next(there, self.people.get(practitioner_id, self.own))


# One reading serves all that is said in a request or a sweep of a practice: each loads its practice anew.
_known: ContextVar[tuple[Practice, Clocks] | None] = ContextVar("clocks", default=None)


def clocks() -> Clocks:
    """The clocks of the open practice: one query, three more where a place keeps another; once a request."""
    practice, known = current_practice(), _known.get()
    if known is not None and known[0] is practice and known[1].own == practice.zone:
        return known[1]
    found = _read(practice)
    _known.set((practice, found))
    return found


PLACES = Prepared(lambda: Location.objects.filter(time_zone__isnull=False))


def _read(practice: Practice) -> Clocks:
    own = practice.zone
    places: dict[uuid.UUID | None, zoneinfo.ZoneInfo] = {one.pk: one.zone or own for one in PLACES.ask()}
    if all(zone == own for zone in places.values()):
        return Clocks(own)
    rooms: Any = Room.objects.filter(location__in=places).order_by().values_list("pk", "location_id")
    place_of: dict[uuid.UUID | None, uuid.UUID] = dict(rooms)
    people: Any = Practitioner.objects.order_by().values_list("pk", "location_id", "room_id")
    hours: dict[uuid.UUID, list[Worked]] = defaultdict(list)
    for row in WeeklyHours.objects.filter(location__isnull=False).order_by():
        zone = places.get(row.location_id, own)
        hours[row.practitioner_id].append(
            Worked(zone, row.weekday, row.starts, row.ends, row.valid_from, row.valid_until)
        )
    return Clocks(
        own,
        rooms={room: places[place] for room, place in rooms},
        people={who: places.get(place or place_of.get(room), own) for who, place, room in people},
        hours=dict(hours),
    )


def zone_at(
    moment: dt.datetime, practitioner: Practitioner, room_id: uuid.UUID | None = None
) -> zoneinfo.ZoneInfo:
    """The clock on the wall where a clinician sees somebody at this moment."""
    return clocks().at(moment, practitioner.pk, room_id)


def zone_of(visit: Appointment) -> zoneinfo.ZoneInfo:
    """The clock on the wall where a visit takes place."""
    return clocks().at(visit.starts_at, visit.practitioner_id, visit.room_id)


def local_start(visit: Appointment) -> dt.datetime:
    """When a visit begins, as the clock at its place shows it."""
    return visit.starts_at.astimezone(zone_of(visit))


def zone_offered(offer: Offer) -> zoneinfo.ZoneInfo:
    """The clock on the wall where an offered time would be."""
    return zone_at(offer.starts_at, offer.opening.practitioner)


def offered_start(offer: Offer) -> dt.datetime:
    """When an offered time begins, as the clock at its place shows it."""
    return offer.starts_at.astimezone(zone_offered(offer))
