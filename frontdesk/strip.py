"""The call strip: what rings, speaks, waits or is being written up, over all practices of a person.

A ringing call shows at everybody who may answer it; a call that somebody took shows at that person only.
What others have just taken is told in words, so that a chip never goes without a reason.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404
from django.utils import timezone

from messaging.identity import state_of
from messaging.models import Call, Draft
from patients.contacts import show_phone
from patients.models import ContactPoint, Patient
from practices.access import Admission, admit, practices_where
from practices.audit import record_read
from practices.card import current_card
from practices.models import Practice, User
from scheduling.models import Appointment
from scheduling.words import inside_words, short_when

MOST_RINGING = 2  # more are counted in the box, and stand on the page of all calls
MOST_NAMES = 3
SWITCHED_BY_KEYS = 4
TAKEN_IS_NEWS = dt.timedelta(seconds=20)
NOBODY_RINGS_LONGER = dt.timedelta(hours=1)
Status, Direction = Call.Status, Call.Direction
KINDS: dict[str, str] = {
    Status.QUEUED: "dial",
    Status.RINGING: "dial",
    Status.LIVE: "live",
    Status.HELD: "hold",
    Status.WRAP_UP: "wrap",
}


@dataclass(slots=True)
class Chip:
    """One call as the strip shows it; `kind` is ring, dial, live, hold or wrap."""

    call: Call
    practice: Practice
    kind: str
    name: str
    line: str
    since: dt.datetime
    has_phone: bool = True
    more: list[str] = field(default_factory=list)  # who shares the number, beyond the name
    greeting: str = ""
    know_first: bool = False
    key: int = 0  # Alt and this digit
    patients: list[uuid.UUID] = field(default_factory=list)

    @property
    def seconds(self) -> int:
        return max(int((timezone.now() - self.since).total_seconds()), 0)

    @property
    def clock(self) -> str:
        """How long, as 2:14."""
        return f"{self.seconds // 60}:{self.seconds % 60:02d}"

    @property
    def is_late(self) -> bool:
        """Held longer than anybody likes to wait."""
        return self.kind == "hold" and self.seconds >= 120

    @property
    def can_steer(self) -> bool:
        """Whether the telephone follows: a call logged by hand is only written down."""
        return not self.call.by_hand

    @property
    def spoken(self) -> str:
        """What a screen reader hears when it begins to ring."""
        return f"Call for {self.practice.public_name}: {self.name}. Press A to answer."


@dataclass(slots=True)
class Strip:
    """The chips of a person, the callers who wait, and what others have taken."""

    chips: list[Chip] = field(default_factory=list)
    waiting: int = 0
    longest: Chip | None = None
    taken: list[tuple[uuid.UUID, str]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.chips and not self.waiting

    @property
    def ringing(self) -> list[Chip]:
        return [chip for chip in self.chips if chip.kind == "ring"]

    @property
    def shown(self) -> list[Chip]:
        """The person's own calls in the order they began, then those that ring longest."""
        own = [chip for chip in self.chips if chip.kind != "ring"]
        return [*own, *self.ringing[:MOST_RINGING]]


@dataclass(slots=True)
class Part:
    """What one practice adds to a strip."""

    chips: list[Chip]
    taken: list[tuple[uuid.UUID, str]]
    others: list[Call] = field(default_factory=list)  # with colleagues


def strip_of(parts: Iterable[Part]) -> Strip:
    """One strip of what each practice gave."""
    strip = Strip()
    for part in parts:
        strip.chips += part.chips
        strip.taken += part.taken
    strip.chips.sort(key=lambda chip: (chip.call.started_at, chip.call.pk))
    ringing = strip.ringing
    strip.waiting, strip.longest = len(ringing), ringing[0] if ringing else None
    for place, chip in enumerate([c for c in strip.chips if c.kind != "ring"][:SWITCHED_BY_KEYS]):
        chip.key = place + 1
    return strip


def strip_for(user: User, *, door: str = "page") -> list[tuple[Admission, Part]]:
    """What each practice of a person gives to her strip; the patients it shows are written down as seen."""
    found = []
    for practice in practices_where(user, "call.view"):
        with suppress(Http404, PermissionDenied), admit(user, practice.slug, "call.view", door=door) as at:
            part = part_of(at, private=user.privacy_mode)
            seen = [patient for chip in part.chips for patient in chip.patients]
            record_read(by=at.actor, patients=seen, screen="calls")
            found.append((at, part))
    return found


def part_of(admission: Admission, *, private: bool) -> Part:
    """The calls of the practice whose scope is open, as this person sees them.

    One query where nothing happens; the others do not grow with the calls that ring.
    """
    user, practice, now = admission.membership.user, admission.practice, timezone.now()
    # By the time they began: of that there is an index, and nobody rings for an hour.
    news = Q(started_at__gte=now - NOBODY_RINGS_LONGER, answered_at__gte=now - TAKEN_IS_NEWS)
    calls = list(
        Call.objects.filter(Q(status__in=Call.PRESENT) | news)
        .select_related("patient", "handler")
        .order_by("started_at", "id")
    )
    own = [c for c in calls if c.handler_id == user.pk and is_here(c, now)]
    ringing = [c for c in calls if c.handler_id is None and rings(c)]
    others = [c for c in calls if c.handler_id not in {None, user.pk} and is_here(c, now)]
    has_phone = bool(admission.membership.desk_phone)
    chips = [*own_chips(own, practice, private=private), *ring_chips(ringing, practice, private=private)]
    for chip in chips:
        chip.has_phone = has_phone
    taken = [(c.pk, taken_words(c, practice)) for c in calls if is_news(c, user.pk, now)]
    return Part(chips, taken, others)


def is_here(call: Call, now: dt.datetime) -> bool:
    """Whether the call still stands in a strip: writing up ends by the clock, before any sweep."""
    if call.status == Status.WRAP_UP:
        return call.wrap_up_until is None or call.wrap_up_until > now
    return call.is_present


def rings(call: Call) -> bool:
    return call.status == Status.RINGING and call.direction == Direction.IN


def is_news(call: Call, viewer: int, now: dt.datetime) -> bool:
    answered = call.answered_at is not None and call.answered_at >= now - TAKEN_IS_NEWS
    return answered and call.direction == Direction.IN and call.handler_id not in {None, viewer}


def taken_words(call: Call, practice: Practice) -> str:
    who = call.handler.short_name if call.handler else "Somebody"
    return f"{who} has taken the call for {practice.public_name}."


def own_chips(calls: Sequence[Call], practice: Practice, *, private: bool) -> Iterator[Chip]:
    """The calls the person handles: who, what is known of the caller, what is half done."""
    if not calls:
        return
    keys = {f"call:{call.pk}:booking": call.pk for call in calls}
    drafts = Draft.objects.filter(user=calls[0].handler, key__in=keys).values_list("key", flat=True)
    half_booked = {keys[key] for key in drafts}
    for call in calls:
        kind = KINDS[call.status]
        since = {"hold": call.held_since, "live": call.answered_at}.get(kind) or call.started_at
        name = person_or_number(call, private=private)
        line = own_line(call, kind, half_booked=call.pk in half_booked)
        patients = [call.patient_id] if call.patient_id else []
        yield Chip(call, practice, kind, name, line, since, patients=patients)


def own_line(call: Call, kind: str, *, half_booked: bool) -> str:
    if call.problem:
        return call.problem
    if kind == "dial":
        return "Your telephone rings first"
    if kind == "wrap":
        return "Finish the note"
    left = "Booking half done" if half_booked else "Note kept" if call.note else ""
    if kind == "hold":
        about = call.get_matter_display() if call.matter else ""
        return ", ".join(filter(None, [about, left.lower() if about else left])) or "Waits for you"
    if call.patient is None:
        return "Logged by hand" if call.by_hand else "Choose the patient"
    identity = state_of(call, call.patient)
    facts = f" by {identity.facts_words}" if identity.facts else ""
    return f"{identity.words}{facts}"


def ring_chips(calls: Sequence[Call], practice: Practice, *, private: bool) -> Iterator[Chip]:
    """The callers who wait: who shares the number, the next visit, what to say first."""
    if not calls:
        return
    sharing = who_share({call.address_index for call in calls if call.address_index})
    visits = next_visits({patient.pk for found in sharing.values() for patient in found}, practice)
    greeting = current_card().greeting or f"Thank you for calling {practice.public_name}"
    for call in calls:
        known = sharing.get(call.address_index, [])
        names = [patient.shown_name(private=private) for patient in known]
        chip = Chip(call, practice, "ring", "", "", call.started_at, greeting=greeting)
        chip.name = ", ".join(names[:MOST_NAMES]) or number_of(call)
        chip.more = names[MOST_NAMES:]
        chip.line = ring_line(call, practice, known, visits)
        chip.know_first = any(patient.know_first for patient in known)
        chip.patients = [patient.pk for patient in known]
        yield chip


def ring_line(call: Call, practice: Practice, known: Sequence[Patient], visits: dict[uuid.UUID, str]) -> str:
    coming = [visits[patient.pk] for patient in known if patient.pk in visits]
    if coming:
        return f"{practice.public_name}, visit {coming[0]}"
    if known:
        return f"{practice.public_name}, {number_of(call)}"
    return f"{practice.public_name}, {'new number' if call.address else 'number withheld'}"


def who_share(indexes: set[str]) -> dict[str, list[Patient]]:
    """The patients of each number, in one query."""
    found: dict[str, list[Patient]] = {}
    if not indexes:
        return found
    points = ContactPoint.objects.phones().filter(value_index__in=indexes, patient__active=True)
    for point in points.select_related("patient").order_by("patient__sort_name", "patient_id"):
        if not point.patient.deceased:
            found.setdefault(point.value_index, []).append(point.patient)
    return found


def next_visits(patients: set[uuid.UUID], practice: Practice) -> dict[uuid.UUID, str]:
    """Each patient's next visit as “today 3:00 PM”, in one query."""
    if not patients:
        return {}
    coming = Appointment.objects.active().filter(patient__in=patients, ends_at__gt=timezone.now())
    found: dict[uuid.UUID, str] = {}
    for patient_id, starts_at in coming.order_by("starts_at").values_list("patient_id", "starts_at"):
        found.setdefault(patient_id, inside_words(short_when(starts_at, practice)))
    return found


def person_or_number(call: Call, *, private: bool) -> str:
    """The patient, else who speaks, else the number."""
    if call.patient is not None:
        return str(call.patient.shown_name(private=private))
    if call.caller_name and not private:
        return str(call.caller_name)
    return number_of(call)


def number_of(call: Call) -> str:
    return show_phone(call.address) if call.address else "Number withheld"
