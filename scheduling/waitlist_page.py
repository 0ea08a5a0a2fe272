"""What the waitlist's pages show: openings with who fits, who waits for what, and what was asked."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Q
from django.utils import timezone

from practices.models import Practice
from scheduling.matching import DAYS, Facts, Match, Ranking, ago
from scheduling.models import AppointmentType, Offer, Opening, Practitioner, WaitlistEntry
from scheduling.waitlist_rules import ask_until, rule_of
from scheduling.words import clock, inside_words, short_day, short_when

SHOWN_MATCHES = 5
SHOWN_ENTRIES = 200
LOG_DAYS = dt.timedelta(days=14)
LOOKS = {
    Offer.State.QUEUED: ("book", "clock"),
    Offer.State.SENT: ("arr", "send"),
    Offer.State.ACCEPTED: ("conf", "check-circle"),
    Offer.State.DECLINED: ("off", "x"),
    Offer.State.EXPIRED: ("off", "clock"),
    Offer.State.LOST: ("off", "users"),
    Offer.State.WITHDRAWN: ("off", "undo"),
}


@dataclass(frozen=True, slots=True)
class MatchRow:
    """Somebody who fits, as a row with a box to tick."""

    entry_id: uuid.UUID
    patient_id: uuid.UUID
    name: str
    when: str
    why: str
    can_write: bool
    first: bool  # of the group that the rule would ask


@dataclass(frozen=True, slots=True)
class OfferRow:
    """Somebody who was asked: in which place, why, and what came of it."""

    id: uuid.UUID
    patient_id: uuid.UUID
    place: int
    name: str
    why: str
    tone: str
    icon: str
    words: str
    stands: bool


@dataclass(slots=True)
class OpeningRow:
    """An opening in words, with who fits, who was asked and who was passed over."""

    opening: Opening
    when: str
    what: str
    state: str
    matches: list[MatchRow]
    found: int
    offers: list[OfferRow] = field(default_factory=list)
    passed: list[tuple[str, str, uuid.UUID]] = field(default_factory=list)
    late: bool = False  # too late to ask in writing

    @property
    def more(self) -> int:
        return self.found - len(self.matches)

    @property
    def asked(self) -> int:
        return sum(row.stands for row in self.offers)

    @property
    def patient_ids(self) -> list[uuid.UUID]:
        people = [row.patient_id for row in self.matches] + [row.patient_id for row in self.offers]
        return people + [patient for _, _, patient in self.passed]


def opening_rows(practice: Practice, *, private: bool, shown: int = SHOWN_MATCHES) -> list[OpeningRow]:
    """What is open, soonest first; the same few queries whatever there is."""
    found = list(Opening.objects.coming().with_people().order_by("starts_at")[:40])
    return rows_of(found, practice, private=private, shown=shown)


def rows_of(
    openings: Sequence[Opening], practice: Practice, *, private: bool, shown: int = SHOWN_MATCHES
) -> list[OpeningRow]:
    facts = Facts([one for one in openings if one.is_open])
    asked: dict[uuid.UUID, list[Offer]] = {}
    for offer in Offer.objects.filter(opening__in=openings).select_related("entry__patient"):
        asked.setdefault(offer.opening_id, []).append(offer)
    rule, now = rule_of(), timezone.now()
    rows = []
    for opening in openings:
        ranking = facts.rank(opening) if opening.is_open else Ranking()
        rows.append(
            OpeningRow(
                opening=opening,
                when=short_when(opening.starts_at, practice),
                what=f"{opening.minutes} min with {opening.practitioner.short_name}",
                state=state_words(opening, practice, now),
                matches=match_rows(ranking.matches[:shown], rule.group_size, practice, private),
                found=len(ranking.matches),
                offers=[offer_row(one, practice, private) for one in asked.get(opening.pk, [])],
                passed=[(one.entry.patient.shown_name(private=private), one.why, one.entry.patient_id)
                        for one in ranking.passed],
                late=now > ask_until(rule, opening.starts_at),
            )
        )  # fmt: skip
    return rows


def match_rows(matches: Sequence[Match], group: int, practice: Practice, private: bool) -> list[MatchRow]:
    writable = [match.entry.pk for match in matches if match.channel is not None][:group]
    return [
        MatchRow(
            match.entry.pk,
            match.entry.patient_id,
            match.entry.patient.shown_name(private=private),
            clock(match.starts_at.astimezone(practice.zone)),
            ", ".join(match.reasons),
            match.channel is not None,
            match.entry.pk in writable,
        )
        for match in matches
    ]


def offer_row(offer: Offer, practice: Practice, private: bool) -> OfferRow:
    tone, icon = LOOKS[Offer.State(offer.state)]
    words = offer.get_state_display()
    moment = offer.answered_at or offer.created_at
    how = f" by {offer.answered_by}" if offer.answered_by else ""
    if offer.answered_by == "unreached":
        words, how = "Could not be reached", ""
    return OfferRow(
        offer.pk,
        offer.entry.patient_id,
        offer.place,
        offer.entry.patient.shown_name(private=private),
        ", ".join(offer.reasons),
        tone,
        icon,
        f"{words}{how}, {inside_words(short_when(moment, practice))}",
        offer.stands,
    )


def state_words(opening: Opening, practice: Practice, now: dt.datetime) -> str:
    """Why it opened, and what happens next, or how it ended."""
    if opening.state == Opening.State.FILLED:
        return f"Filled {inside_words(short_when(opening.closed_at or now, practice))}"
    if opening.state == Opening.State.CLOSED:
        return opening.closed_why or "Closed"
    # Whose time opened and who still comes was not moved: her visit is shorter than it was.
    shorter = opening.freed_by is not None and opening.freed_by.is_active
    cause = "A visit was shortened" if shorter else opening.get_cause_display()
    words = f"{cause} {ago(now - opening.opened_at)} ago"
    if opening.due_at is not None and opening.due_at > now:
        words += f"; next step {inside_words(short_when(opening.due_at, practice))}"
    return words


def log_rows(practice: Practice, *, private: bool) -> list[OpeningRow]:
    """What opened of late and has ended, the newest first, with who was asked and who was passed over."""
    ended = Opening.objects.exclude(state=Opening.State.OPEN).filter(opened_at__gt=timezone.now() - LOG_DAYS)
    found = list(
        ended.with_people().prefetch_related("passed_over__entry__patient").order_by("-opened_at")[:60]
    )
    rows = rows_of(found, practice, private=private)
    for row in rows:
        row.passed = kept_passed(row.opening, private)
    return rows


def kept_passed(opening: Opening, private: bool) -> list[tuple[str, str, uuid.UUID]]:
    """Who was passed over when somebody was last asked, as it was written down then."""
    return [
        (one.entry.patient.shown_name(private=private), one.why, one.entry.patient_id)
        for one in opening.passed_over.all()
    ]


@dataclass(frozen=True, slots=True)
class EntryRow:
    """Somebody who waits, as a row."""

    entry: WaitlistEntry
    name: str
    what: str
    wishes: str
    since: str
    state: str
    tone: str


class Names:
    """The practice's kinds of visit and clinicians, for the words of many entries; two queries."""

    def __init__(self) -> None:
        self.kinds = dict(AppointmentType.objects.values_list("pk", "name"))
        self.people = dict(Practitioner.objects.values_list("pk", "short_name"))

    def row(self, entry: WaitlistEntry, practice: Practice, *, private: bool) -> EntryRow:
        asked = getattr(entry, "standing", 0)
        kinds = ", ".join(self.kinds.get(key, "") for key in entry.types)
        words = {0: ("Urgent", "bad"), 1: ("Soon", "book")}.get(entry.urgency, ("Waiting", "off"))
        if not entry.is_waiting:
            words = (entry.get_state_display(), "conf" if entry.state == "booked" else "off")
        elif asked:
            words = ("Asked", "arr")
        return EntryRow(
            entry,
            entry.patient.shown_name(private=private),
            kinds,
            self.wishes(entry, practice),
            ago(timezone.now() - entry.created_at),
            *words,
        )

    def wishes(self, entry: WaitlistEntry, practice: Practice) -> str:
        """What somebody waits for, in words."""
        parts = [f"at {inside_words(short_when(entry.wished_at, practice))}"] if entry.wished_at else []
        parts += [" or ".join(filter(None, (self.people.get(key) for key in entry.practitioners)))]
        parts += [", ".join(DAYS[day] for day in sorted(entry.weekdays))]
        parts += [f"from {clock(entry.not_before)}"] if entry.not_before else []
        parts += [f"over by {clock(entry.not_after)}"] if entry.not_after else []
        parts += [f"from {short_day(entry.first_day, practice.today())}"] if entry.first_day else []
        parts += [f"until {short_day(entry.last_day, practice.today())}"] if entry.last_day else []
        if entry.visit_given_up is not None:
            parts.append(f"has {inside_words(short_when(entry.visit_given_up.starts_at, practice))}")
        return "; ".join(filter(None, parts)) or "Any time, anybody"


def with_standing(rows: object) -> object:
    """Counts the offers that stand beside each entry."""
    stands = Count("offers", filter=Q(offers__state__in=Offer.STANDING))
    return rows.annotate(standing=stands)  # type: ignore[attr-defined]


def entry_rows(practice: Practice, *, private: bool) -> list[EntryRow]:
    """Everybody who waits, in the order in which they would be asked."""
    rows = with_standing(WaitlistEntry.objects.waiting().with_people())
    found = list(rows.order_by("urgency", "created_at", "pk")[:SHOWN_ENTRIES])  # type: ignore[attr-defined]
    names = Names()
    return [names.row(entry, practice, private=private) for entry in found]


def patient_rows(patient_id: uuid.UUID, practice: Practice, *, private: bool) -> list[EntryRow]:
    """What one patient waits for."""
    rows = with_standing(WaitlistEntry.objects.waiting().with_people().filter(patient=patient_id))
    names = Names()
    return [names.row(one, practice, private=private) for one in rows.order_by("created_at")]  # type: ignore[attr-defined]
