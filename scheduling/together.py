"""Searches for many visits at once: everything is read once for all of them, in a fixed number of queries."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils import timezone

from patients.models import PatientWish
from practices.models import Room
from practices.tenancy import current_practice
from scheduling.availability import FreeTime, free_in
from scheduling.diary import Diary, read_diary
from scheduling.models import (
    Appointment,
    AppointmentTypeOffer,
    Practitioner,
    ReservedBlock,
    Resource,
    ResourceKind,
)
from scheduling.needs import Wants, wants_from
from scheduling.pools import Means, Span, means_of
from scheduling.search import Search, Session, Start, blocks_of, ceil, pools_of, sessions_of
from scheduling.stretches import Stretch


@dataclass
class Known:
    """What is known of the practice's time between two days, for visits of any type and patient."""

    first: dt.date
    last: dt.date
    now: dt.datetime
    people: dict[uuid.UUID, list[Practitioner]]  # by type, in the order of the columns
    wishes: dict[uuid.UUID, list[PatientWish]]  # by patient
    own: dict[uuid.UUID, list[tuple[uuid.UUID, Stretch]]]  # the patients' visits, by patient
    rooms: list[Room]
    resources: list[Resource]
    diary: Diary
    means: Means
    blocks: list[ReservedBlock]
    sessions: dict[uuid.UUID, dict[tuple[uuid.UUID, int], Session]]
    _starts: dict[tuple[uuid.UUID, Wants, int], tuple[Search, list[Start]]]

    def starts_for(self, visit: Appointment, lead: dt.timedelta) -> tuple[Search, list[Start]]:
        """Where a visit could be instead: what fits the patient and lies beside her other visits."""
        wants = wants_from(visit.patient, visit.all_needs, self.wishes[visit.patient_id])
        key = (visit.appointment_type_id, wants, visit.minutes)
        if key not in self._starts:
            known = self._search(visit, wants, lead)
            self._starts[key] = known, known.starts()
        known, starts = self._starts[key]
        beside = [stretch for pk, stretch in self.own[visit.patient_id] if pk != visit.pk]
        length = visit.minutes * 60
        free = [s for s in starts if not any(a < s.at + length and s.at < b for a, b in beside)]
        return known, free

    def _search(self, visit: Appointment, wants: Wants, lead: dt.timedelta) -> Search:
        kind = visit.appointment_type
        # A visit keeps the length it has when it is moved.
        span = Span(visit.minutes * 60, visit.buffer_before * 60, visit.buffer_after * 60)
        wanted = {kind.needs_resource} - {""} | (
            {ResourceKind.INTERPRETER.value} if wants.language is not None else set()
        )
        members = [
            one
            for one in self.resources
            if one.kind in wanted
            and (one.kind != ResourceKind.INTERPRETER or one.speaks(wants.language or ""))
        ]
        clear = self.means.clear(members, span, self.diary.visits)
        pools, missing = pools_of(kind, wants, members, clear)
        people = self.people[kind.pk]
        return Search(
            kind=kind, people=people, offering=people, first=self.first, last=self.last, now=self.now,
            patient=None, wants=wants, span=span, step=kind.step * 60, diary=self.diary,
            known_rooms=self.rooms if kind.needs_room or wants.step_free else None, pools=pools,
            missing=missing, blocks=self.blocks, sessions=self.sessions.get(kind.pk, {}), lead=lead,
        )  # fmt: skip


def read_together(visits: Sequence[Appointment], first: dt.date, last: dt.date, now: dt.datetime) -> Known:
    """Reads what bears on these visits (with their people) between two days; twelve queries at most.

    One more for each type that is a group's.
    """
    kinds = {visit.appointment_type_id: visit.appointment_type for visit in visits}
    people = who_offer(kinds)
    everybody = list({one.pk: one for rows in people.values() for one in rows}.values())
    patients = {visit.patient_id for visit in visits}
    wishes: dict[uuid.UUID, list[PatientWish]] = defaultdict(list)
    for wish in PatientWish.objects.filter(patient__in=patients):
        wishes[wish.patient_id].append(wish)
    rooms = list(Room.objects.select_related("location"))
    resources = list(Resource.objects.in_use())
    also = {one.pk for one in (*rooms, *resources)}
    diary = read_diary(everybody, first, last, also=also, with_rooms=True)
    return Known(
        first=first,
        last=last,
        now=now,
        people=people,
        wishes=wishes,
        own=own_visits(patients, now),
        rooms=rooms,
        resources=resources,
        diary=diary,
        means=means_of(resources, first, last, diary.closures, current_practice().zone),
        blocks=blocks_of(everybody, first, last),
        sessions={pk: sessions_of(kind, people[pk], first, last, "") for pk, kind in kinds.items()},
        _starts={},
    )


def times_instead(
    visit: Appointment, from_: dt.datetime, until: dt.datetime, *, lead: dt.timedelta = dt.timedelta()
) -> list[FreeTime]:
    """Where one visit (with its people) could be instead, from `from_` to before `until`, soonest first.

    At its own length, for its own needs, and beside the patient's other visits; instants, none in the past.
    """
    now, zone = timezone.now(), current_practice().zone
    from_ = max(from_, now)
    if from_ >= until:
        return []
    known = read_together([visit], from_.astimezone(zone).date(), until.astimezone(zone).date(), now)
    search, starts = known.starts_for(visit, lead)
    return free_in(search, [start for start in starts if ceil(from_) <= start.at < ceil(until)])


def who_offer(kinds: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Practitioner]]:
    """Who offers each of the types, in the order of the columns; one query."""
    found: dict[uuid.UUID, list[Practitioner]] = defaultdict(list)
    offers = (
        AppointmentTypeOffer.objects.filter(appointment_type__in=list(kinds), practitioner__active=True)
        .select_related("practitioner__room__location", "practitioner__location")
        .order_by("practitioner__position", "practitioner__name")
    )
    for offer in offers:
        found[offer.appointment_type_id].append(offer.practitioner)
    return found


def own_visits(
    patients: Iterable[uuid.UUID], since: dt.datetime
) -> dict[uuid.UUID, list[tuple[uuid.UUID, Stretch]]]:
    """When these patients are here anyway; one query."""
    found: dict[uuid.UUID, list[tuple[uuid.UUID, Stretch]]] = defaultdict(list)
    rows = Appointment.objects.active().filter(patient__in=list(patients), ends_at__gt=since)
    for pk, patient, starts, ends in rows.order_by().values_list("pk", "patient_id", "starts_at", "ends_at"):
        found[patient].append((pk, (int(starts.timestamp()), int(ends.timestamp()))))
    return found
