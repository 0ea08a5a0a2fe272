"""Who is reminded of what, when and how: one plan, which the sweep carries out and the forecast shows.

Nothing is written here. Visits close together that one number or mailbox hears of make one message.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from messaging.models import DeskRules, Suppression
from patients.contacts import Reach, reachability
from patients.models import Channel, ContactPoint, Patient
from patients.zones import after_quiet
from practices.models import Practice
from practices.tenancy import current_practice
from scheduling.models import (
    Appointment,
    AppointmentQuerySet,
    Confirmation,
    Notice,
    ReminderRule,
    Status,
    TimeRequest,
)
from scheduling.rules import due_at, order_of_channels, rules_for, visits_reached

# The patient has not said anything yet.
AWAITING = [
    Confirmation.UNSENT,
    Confirmation.SENT,
    Confirmation.DELIVERED,
    Confirmation.LEFT_MESSAGE,
    Confirmation.UNDELIVERABLE,
]
MOST_JOINED = 4  # visits of one message: more would not be read
Tried = frozenset[tuple[uuid.UUID, uuid.UUID, str]]  # visit, rule, channel


@dataclass(frozen=True, slots=True)
class Ask:
    """One rule that wants one visit to be reminded of."""

    visit: Appointment
    rule: ReminderRule
    due: dt.datetime
    channel: str = ""
    point: ContactPoint | None = None
    why_not: str = ""  # set where no channel is left


@dataclass(frozen=True, slots=True)
class Planned:
    """One message: what it speaks of, to whom, by what, when. Without a channel nothing goes."""

    asks: tuple[Ask, ...]
    at: dt.datetime

    @property
    def lead(self) -> Ask:
        return self.asks[0]

    @property
    def patient(self) -> Patient:
        patient: Patient = self.lead.visit.patient
        return patient


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known for a plan: the rules, who can be reached by what, who asked for silence."""

    practice: Practice
    rules: Sequence[ReminderRule]
    join_within: dt.timedelta
    reach: dict[uuid.UUID, Reach]
    silent: frozenset[tuple[str, str]]  # channel, index of the address

    def ways(self, patient: Patient, rule: ReminderRule) -> list[str]:
        """The rule's channels that are open to the patient, in the order in which they are tried."""
        reach = self.reach[patient.pk]
        return [
            channel
            for channel in order_of_channels(patient, rule.channels)
            if reach.may_go_by(channel) and not self._silenced(channel, reach.point_for(channel))
        ]

    def _silenced(self, channel: str, point: ContactPoint | None) -> bool:
        return point is not None and (channel, point.value_index) in self.silent

    def why_not(self, patient: Patient, rule: ReminderRule) -> str:
        """Why no channel of a rule is open to a patient, as `messaging.outcomes.REASONS` words it."""
        reach = self.reach[patient.pk]
        if patient.deceased:
            return "deceased"
        wanted = order_of_channels(patient, rule.channels)
        if not wanted:
            return "wants_calls"
        points = [(channel, reach.point_for(channel)) for channel in wanted]
        if any(self._silenced(channel, point) for channel, point in points):
            return "opted_out"
        return "no_consent" if any(point for _, point in points) else "no_address"


def outlook(
    rules: Sequence[ReminderRule], visits: Iterable[Appointment], join_within: dt.timedelta = dt.timedelta()
) -> Outlook:
    """Reads what a plan for these visits needs: three queries however many they are."""
    practice = current_practice()
    reach = reachability({visit.patient for visit in visits})
    points = [point for one in reach.values() for point in (one.text_to, one.email_to, one.call_to) if point]
    silent = Suppression.objects.filter(
        address_index__in={point.value_index for point in points}, lifted_at=None
    )
    indexes = frozenset(silent.values_list("channel", "address_index"))
    return Outlook(practice, rules, join_within, reach, indexes)


def plan(
    rules: Sequence[ReminderRule], *, since: dt.datetime, until: dt.datetime, now: dt.datetime
) -> list[Planned]:
    """The reminders that come due after `since` and not after `until`, in the order in which they leave."""
    due = list(open_visits(now).filter(visits_reached(rules, since, until)))
    if not due:
        return []
    join_within = dt.timedelta(hours=DeskRules.of_practice().join_visits_within_hours)
    near = neighbours(due, now, join_within) if join_within else []
    seen = outlook(rules, [*due, *near], join_within)
    told = already_told([*due, *near])
    asks = [ask for visit in due for ask in asks_of(visit, seen, told) if since < ask.due <= until]
    # A neighbour's own moment has not come: it goes along with somebody's whose has.
    later = [ask for visit in near for ask in asks_of(visit, seen, told) if ask.due > until]
    return gather(asks, later, seen)


def open_visits(now: dt.datetime) -> AppointmentQuerySet:
    """Visits ahead that somebody may still be reminded of."""
    return (
        Appointment.objects.filter(
            status=Status.BOOKED, starts_at__gt=now, confirmation__in=[*AWAITING, Confirmation.CONFIRMED]
        )
        # Nobody is reminded of a visit that has to move because the clinician is out.
        .exclude(pk__in=TimeRequest.objects.live().filter(case__isnull=False).values("appointment"))
        .select_related("patient", "practitioner", "appointment_type")
        .order_by("starts_at", "pk")
    )


def neighbours(visits: Sequence[Appointment], now: dt.datetime, within: dt.timedelta) -> list[Appointment]:
    """Other visits, soon before or after, of the same patients or of people with the same number."""
    patients = {visit.patient_id for visit in visits}
    shared = ContactPoint.objects.filter(patient__in=patients).values("value_index")
    same = Q(patient__in=patients) | Q(
        patient__in=ContactPoint.objects.filter(value_index__in=shared).values("patient")
    )
    starts = [visit.starts_at for visit in visits]
    span = (min(starts) - within, max(starts) + within)
    return list(
        open_visits(now).filter(same, starts_at__range=span).exclude(pk__in=[visit.pk for visit in visits])
    )


def already_told(visits: Iterable[Appointment]) -> frozenset[tuple[uuid.UUID, uuid.UUID]]:
    """Which rules have spoken of which of these visits; what was withdrawn does not count."""
    notices = Notice.objects.filter(appointment__in=[visit.pk for visit in visits], rule__isnull=False)
    told = notices.exclude(message__status="cancelled").values_list("appointment_id", "rule_id")
    return frozenset((visit, rule) for visit, rule in told if rule is not None)


def asks_of(
    visit: Appointment, seen: Outlook, told: Collection[tuple[uuid.UUID, uuid.UUID]] = ()
) -> list[Ask]:
    """What the rules want of one visit; the first channel that is open, or why there is none.

    A visit booked after the moment of a rule is not reminded by it: its confirmation has only just gone out.
    """
    asks = []
    for rule in rules_for(seen.rules, visit.appointment_type_id):
        if (visit.pk, rule.pk) in told or (rule.asks and visit.confirmation not in AWAITING):
            continue
        ask = by_first_way(visit, rule, seen)
        if visit.created_at < ask.due:
            asks.append(ask)
    return asks


def by_first_way(visit: Appointment, rule: ReminderRule, seen: Outlook, tried: Tried = frozenset()) -> Ask:
    """The ask by the first channel that was not tried yet."""
    ways = [way for way in seen.ways(visit.patient, rule) if (visit.pk, rule.pk, way) not in tried]
    point = seen.reach[visit.patient_id].point_for(ways[0]) if ways else None
    number = str(point.value) if point is not None and ways[0] != Channel.EMAIL else ""
    due = due_at(rule, visit, seen.practice, number)
    if point is None:
        return Ask(visit, rule, due, why_not=seen.why_not(visit.patient, rule))
    return Ask(visit, rule, due, ways[0], point)


def gather(asks: Sequence[Ask], later: Sequence[Ask], seen: Outlook) -> list[Planned]:
    """Joins what one recipient hears of visits close together; in the order in which it leaves."""
    waiting = sorted(asks, key=lambda ask: (ask.due, ask.visit.starts_at, str(ask.visit.pk)))
    others = sorted(later, key=lambda ask: (ask.visit.starts_at, str(ask.visit.pk)))
    planned: list[Planned] = []
    taken: set[tuple[uuid.UUID, uuid.UUID]] = set()
    for ask in waiting:
        if (ask.visit.pk, ask.rule.pk) in taken:
            continue
        group = [ask, *(other for other in (*waiting, *others) if joins(ask, other, seen, taken))][
            :MOST_JOINED
        ]
        taken.update((one.visit.pk, one.rule.pk) for one in group)
        group.sort(key=lambda one: one.visit.starts_at)
        planned.append(Planned(tuple(group), leaves_at(ask, seen.practice)))
    return sorted(planned, key=lambda one: one.at)


def joins(ask: Ask, other: Ask, seen: Outlook, taken: Collection[tuple[uuid.UUID, uuid.UUID]]) -> bool:
    """Whether two asks make one message: same recipient, same kind of rule, visits close together."""
    if ask is other or ask.point is None or other.point is None:
        return False
    if (other.visit.pk, other.rule.pk) in taken or other.visit.pk == ask.visit.pk:
        return False
    return (
        heard_by(ask) == heard_by(other)
        and abs(other.visit.starts_at - ask.visit.starts_at) <= seen.join_within
        and bool(seen.join_within)
    )


def heard_by(ask: Ask) -> tuple[object, ...]:
    """What two visits share when one message can speak of both.

    Who asked for confidential communication is never named beside somebody else.
    """
    patient, rule = ask.visit.patient, ask.rule
    alone = patient.pk if patient.neutral_name or patient.no_voicemail else None
    address = ask.point.value_index if ask.point else ""
    return (ask.channel, address, patient.language, alone, rule.asks, rule.days_before, rule.hours_before)


def leaves_at(ask: Ask, practice: Practice) -> dt.datetime:
    """When the message leaves: at its moment, or when practice and patient are awake again."""
    number = str(ask.point.value) if ask.point is not None and ask.channel != Channel.EMAIL else ""
    return after_quiet(practice, number, ask.due)
