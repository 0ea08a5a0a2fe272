"""Who on the waitlist fits what opened, in which order and why; and who does not, and why not.

Reads only, the same few queries for one entry and for hundreds. Rooms, interpreters and the clinician's own
diary are judged once more when somebody is asked (`offering`).
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models import Q
from django.utils import timezone

from patients.contacts import Reach, reachability
from patients.models import Patient, PatientWish
from practices.models import Practice
from practices.tenancy import current_practice
from scheduling.models import (
    Appointment,
    AppointmentType,
    AppointmentTypeOffer,
    Offer,
    Opening,
    Status,
    WaitlistEntry,
    WaitlistRule,
)
from scheduling.needs import GENDERS, Wants, wants_from
from scheduling.notices import channel_for
from scheduling.waitlist_rules import rule_of
from scheduling.words import clock, short_day

MOST = 500  # entries looked at, of those whom kind of visit and clinician concern
STEP = dt.timedelta(minutes=15)
REMEMBERED = dt.timedelta(days=90)  # so long a no to a time counts
OUTLIVED = "The visit that was to be earlier does not stand any more"
NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)
DAYS = ("", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(slots=True)
class Match:
    """Somebody who fits: for which kind of visit, from when to when, and why."""

    entry: WaitlistEntry
    kind: AppointmentType
    starts_at: dt.datetime
    ends_at: dt.datetime
    reasons: list[str]
    channel: str | None  # None: only a person can reach her
    reach: Reach


@dataclass(frozen=True, slots=True)
class Passed:
    """Somebody who might have fitted, and why she is not asked."""

    entry: WaitlistEntry
    why: str


@dataclass(slots=True)
class Ranking:
    """Who comes first for an opening, and who is passed over."""

    matches: list[Match] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)

    @property
    def to_ask(self) -> list[Match]:
        """Those who can be asked in writing."""
        return [match for match in self.matches if match.channel is not None]


class Facts:
    """What bears on who fits: read once, in a fixed number of queries, for any number of openings."""

    def __init__(self, openings: Sequence[Opening], now: dt.datetime | None = None) -> None:
        self.practice: Practice = current_practice()
        self.now = now or timezone.now()
        self.openings = openings
        self.rule: WaitlistRule = rule_of()
        self.kinds: dict[uuid.UUID, dict[uuid.UUID, AppointmentType]] = defaultdict(dict)
        self.entries: list[WaitlistEntry] = []
        self.reach: dict[uuid.UUID, Reach] = {}
        self.wishes: dict[uuid.UUID, list[PatientWish]] = defaultdict(list)
        self.visits: dict[uuid.UUID, list[Appointment]] = defaultdict(list)
        self.asked: dict[uuid.UUID, list[Offer]] = defaultdict(list)
        if openings:
            self._read_entries()
        if self.entries:
            self._read()

    def _read_entries(self) -> None:
        """Who may be meant, cut off only after whoever waits for something else is left out."""
        offered = AppointmentTypeOffer.objects.filter(
            practitioner__in={one.practitioner_id for one in self.openings}, appointment_type__active=True
        )
        for row in offered.select_related("appointment_type"):
            self.kinds[row.practitioner_id][row.appointment_type_id] = row.appointment_type
        rows = WaitlistEntry.objects.waiting().with_people().filter(patient__in=Patient.objects.living())
        meant = rows.filter(self._concern()).order_by("urgency", "created_at", "pk")
        self.entries = list(meant[:MOST])

    def _concern(self) -> Q:
        """Whom kind of visit, clinician and wished time of one of the openings concern."""
        # Forty openings are of a few clinicians: each is asked about once.
        meant = {(one.practitioner_id, frozenset(self.kinds_of(one))) for one in self.openings}
        concerned = Q(pk__in=[])
        for who, kinds in meant:
            concerned |= Q(waits_for(kinds), Q(practitioners=[]) | Q(practitioners__contains=[who]))
        first, last = self._span
        return concerned & (Q(wished_at=None) | Q(wished_at__gte=first, wished_at__lt=last))

    @property
    def _span(self) -> tuple[dt.datetime, dt.datetime]:
        return min(one.starts_at for one in self.openings), max(one.ends_at for one in self.openings)

    def kinds_of(self, opening: Opening) -> dict[uuid.UUID, AppointmentType]:
        """Which kinds of visit an opening can become: those of the clinician, a seat only its group's."""
        offered = self.kinds[opening.practitioner_id]
        if opening.session is None:
            return offered
        only = opening.freed_by.appointment_type_id if opening.freed_by else None
        return {key: kind for key, kind in offered.items() if key == only}

    def _read(self) -> None:
        people = {entry.patient_id: entry.patient for entry in self.entries}
        self.reach = reachability(people.values())
        for wish in PatientWish.objects.filter(patient__in=people):
            self.wishes[wish.patient_id].append(wish)
        for visit in Appointment.objects.active().filter(patient__in=people).overlapping(*self._span):
            self.visits[visit.patient_id].append(visit)
        known = Offer.objects.filter(
            entry__in=[entry.pk for entry in self.entries], created_at__gt=self.now - REMEMBERED
        )
        for offer in known.select_related("opening"):
            self.asked[offer.entry_id].append(offer)

    def wants(self, entry: WaitlistEntry) -> Wants:
        return wants_from(entry.patient, entry.patient.needs, self.wishes[entry.patient_id])

    def rank(self, opening: Opening) -> Ranking:
        """Everybody who may be meant by an opening, the first to be asked first."""
        found = Ranking()
        for entry in sorted(self.entries, key=lambda entry: order(entry, opening)):
            look = Look(self, entry, opening)
            if not look.concerned:
                continue
            result = look.judged()
            if isinstance(result, Match):
                found.matches.append(result)
            else:
                found.passed.append(Passed(entry, result))
        return found


def waits_for(kinds: Collection[uuid.UUID]) -> Q:
    """Entries for one of these kinds of visit: that of the visit to be given up, else those on the entry."""
    gives_up = Q(appointment__status=Status.BOOKED)  # as `WaitlistEntry.visit_given_up` says of one
    gives_none = Q(appointment=None) | ~gives_up
    return Q(gives_up, appointment__appointment_type__in=kinds) | Q(gives_none, types__overlap=list(kinds))


def order(entry: WaitlistEntry, opening: Opening) -> tuple[object, ...]:
    """Urgent first, then who waits for just this time, who was asked longest ago, who waits longest."""
    return (
        entry.urgency,
        not wishes_just_this(entry, opening),
        entry.last_asked_at or NEVER,
        entry.created_at,
        entry.pk,
    )


def wishes_just_this(entry: WaitlistEntry, opening: Opening) -> bool:
    return entry.wished_at is not None and opening.starts_at <= entry.wished_at < opening.ends_at


class Look:
    """One entry beside one opening."""

    def __init__(self, facts: Facts, entry: WaitlistEntry, opening: Opening) -> None:
        self.facts, self.entry, self.opening = facts, entry, opening
        self.visit = entry.visit_given_up
        possible = facts.kinds_of(opening)
        wished = [self.visit.appointment_type_id] if self.visit else entry.types
        self.kinds = [possible[key] for key in wished if key in possible]
        self.wants = facts.wants(entry)

    @property
    def concerned(self) -> bool:
        """Whether the opening can be meant at all: kind of visit, clinician, and not asked about it yet."""
        who = self.entry.practitioners
        if not self.kinds or (who and self.opening.practitioner_id not in who):
            return False
        if self.entry.wished_at is not None and not wishes_just_this(self.entry, self.opening):
            return False
        return all(offer.opening_id != self.opening.pk for offer in self.facts.asked[self.entry.pk])

    def judged(self) -> Match | str:
        """The match, or why there is none."""
        if why := self._why_not_asked():
            return why
        first_why = ""
        for kind in self.kinds:
            length = self._length(kind)
            if self.opening.starts_at + length > self.opening.ends_at:
                first_why = first_why or f"Needs {minutes(length)} min, {self.opening.minutes} are free"
                continue
            for starts_at in self._starts(length):
                why = next(self._against(kind, starts_at, starts_at + length), "")
                if not why:
                    return self._match(kind, starts_at, length)
                first_why = first_why or why
        return first_why or "Does not fit"

    def _length(self, kind: AppointmentType) -> dt.timedelta:
        if self.visit is not None:
            return self.visit.ends_at - self.visit.starts_at
        return kind.length + dt.timedelta(minutes=self.wants.extra_minutes)

    def _starts(self, length: dt.timedelta) -> Iterator[dt.datetime]:
        """The moments of the opening at which it could begin: the wished one, or each quarter of an hour."""
        if self.entry.wished_at is not None:
            yield self.entry.wished_at
            return
        at = self.opening.starts_at
        while at + length <= self.opening.ends_at:
            yield at
            if self.opening.session is not None:
                return
            at += STEP

    def _why_not_asked(self) -> str:
        """What speaks against asking this person now, whatever the time."""
        offers, now = self.facts.asked[self.entry.pk], self.facts.now
        if self.entry.is_outlived:
            return OUTLIVED
        if any(offer.stands for offer in offers):
            return "Is being asked about another time"
        for offer in offers:
            same = offer.opening.practitioner_id == self.opening.practitioner_id
            if offer.state == Offer.State.DECLINED and same and offer.starts_at == self.opening.starts_at:
                return "Said no to this time"
        if self.wants.step_free and not is_step_free(self.opening):
            return "Needs a step-free room"
        if not self.wants.may_see(self.opening.practitioner):
            return f"Asked for {GENDERS.get(self.wants.gender, self.wants.gender)}"
        rest = dt.timedelta(hours=self.facts.rule.rest_hours)
        last = self.entry.last_asked_at
        if last is not None and last > now - rest and not wishes_just_this(self.entry, self.opening):
            return f"Was asked {ago(now - last)} ago"
        return ""

    def _against(self, kind: AppointmentType, starts_at: dt.datetime, ends_at: dt.datetime) -> Iterator[str]:
        """What speaks against one time, the plainest first."""
        entry, zone = self.entry, self.facts.practice.zone
        begins, ends = starts_at.astimezone(zone), ends_at.astimezone(zone)
        if ends_at > self.opening.ends_at:
            yield "The wished time is too short"
        if self.visit is not None and self.visit.starts_at <= starts_at:
            yield "Has an earlier visit already"
        if (entry.first_day and begins.date() < entry.first_day) or (
            entry.last_day and begins.date() > entry.last_day
        ):
            yield "Not in the days that were asked for"
        if entry.weekdays and begins.isoweekday() not in entry.weekdays:
            yield f"Comes on {', '.join(DAYS[day] for day in sorted(entry.weekdays))} only"
        if entry.not_before and begins.time() < entry.not_before:
            yield f"Not before {clock(entry.not_before)}"
        if entry.not_after and (ends.time() > entry.not_after or ends.date() != begins.date()):
            yield f"Not after {clock(entry.not_after)}"
        for only in self.wants.only:
            low, high = int(starts_at.timestamp()), int(ends_at.timestamp())
            spans = only.stretches(begins.date(), begins.date(), zone)
            if not any(opens <= low and high <= closes for opens, closes in spans):
                yield only.breaks
        notice = dt.timedelta(hours=entry.notice_hours)
        if starts_at < self.facts.now + notice:
            yield f"Needs {ago(notice)} notice"
        if starts_at < self.facts.now + dt.timedelta(minutes=kind.minimum_notice):
            yield f"{kind.name} needs more notice"
        others = (visit for visit in self.facts.visits[entry.patient_id] if visit != self.visit)
        if any(visit.starts_at < ends_at and visit.ends_at > starts_at for visit in others):
            yield "Has another visit then"

    def _match(self, kind: AppointmentType, starts_at: dt.datetime, length: dt.timedelta) -> Match:
        reach = self.facts.reach[self.entry.patient_id]
        return Match(
            self.entry,
            kind,
            starts_at,
            starts_at + length,
            list(self._reasons(kind, starts_at, length)),
            channel_for(self.entry.patient, reach),
            reach,
        )

    def _reasons(self, kind: AppointmentType, starts_at: dt.datetime, length: dt.timedelta) -> Iterator[str]:
        entry, now, practice = self.entry, self.facts.now, self.facts.practice
        local = starts_at.astimezone(practice.zone)
        if entry.urgency == WaitlistEntry.Urgency.URGENT:
            yield "Urgent"
        elif entry.urgency == WaitlistEntry.Urgency.SOON:
            yield "Soon"
        if entry.wished_at is not None:
            yield f"Asked for {clock(local)}"
        exact = starts_at == self.opening.starts_at and starts_at + length == self.opening.ends_at
        yield f"{kind.name}, {'fills it' if exact else f'{minutes(length)} min'}"
        if entry.practitioners:
            yield f"Wants {self.opening.practitioner.short_name}"
        if self.visit is not None:
            days = (self.visit.local_date - local.date()).days
            sooner = f", {days} day{'s' * (days != 1)} later" if days else ", later that day"
            yield f"Has {short_day(self.visit.local_date, practice.today())}{sooner}"
        yield f"Waits {ago(now - entry.created_at)}"
        yield f"Asked {ago(now - entry.last_asked_at)} ago" if entry.last_asked_at else "Not asked yet"
        if self.wants.language is not None:
            yield "Interpreter needed"
        if entry.patient_id in self.facts.reach and channel_for(entry.patient, self._reach()) is None:
            yield "Call: no text or e-mail may go"

    def _reach(self) -> Reach:
        return self.facts.reach[self.entry.patient_id]


def is_step_free(opening: Opening) -> bool:
    """Whether the clinician's room can be reached; a room nobody described is not held against her."""
    place = opening.practitioner.room or opening.practitioner.location
    return place is None or bool(place.step_free)


def minutes(length: dt.timedelta) -> int:
    return round(length.total_seconds() / 60)


def ago(length: dt.timedelta) -> str:
    """3 hours; 2 days; less than an hour."""
    hours = int(length.total_seconds() // 3600)
    if hours < 1:
        return "less than an hour"
    size, name = (hours // 24, "day") if hours >= 48 else (hours, "hour")
    return f"{size} {name}{'s' * (size != 1)}"


def matches_for(opening: Opening, *, now: dt.datetime | None = None) -> Ranking:
    """Who fits one opening, ranked."""
    return Facts([opening], now).rank(opening)
