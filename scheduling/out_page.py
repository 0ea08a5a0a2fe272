"""What the pages of a case show: before the press what is planned, after it who has answered what."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError

from messaging.models import Task
from messaging.outcomes import REASONS
from patients.contacts import Reach, reachability, show_phone
from patients.models import Channel, Need
from patients.records import NEED_ICONS
from practices.models import Practice
from scheduling.models import (
    Appointment,
    CancellationReason,
    Confirmation,
    OutCase,
    Practitioner,
    Status,
    TimeRequest,
)
from scheduling.notices import channel_for
from scheduling.out_calls import OUTCOMES, open_tasks
from scheduling.out_visits import visits_in
from scheduling.replacing import replacements
from scheduling.time_requests import DID_NOT_ARRIVE, State, part_words
from scheduling.words import clock, short_day, short_when

Plan = TimeRequest.Plan
MORE_TIMES = 9
WAYS = {Channel.SMS: ("Text", "msg"), Channel.EMAIL: ("E-mail", "mail")}
# State of the board → tone, icon, heading; in the order in which the groups stand: what needs somebody first.
GROUPS = {
    "call": ("bad", "phone", "To call"),
    "wishes": ("book", "cal-move", "Wants another time"),
    "untold": ("bad", "phone-x", "Could not be told"),
    "waiting": ("book", "clock", "No answer yet"),
    "chosen": ("conf", "check-circle", "Chose a time"),
    "moved": ("conf", "cal-move", "Moved by the desk"),
    "cannot": ("off", "st-cancel", "Cannot come"),
    "kept": ("conf", "check", "Kept as it is"),
    "cancelled": ("off", "st-cancel", "Cancelled"),
}
SETTLED = {"chosen", "moved", "cannot", "kept", "cancelled"}


@dataclass(frozen=True, slots=True)
class OfferWords:
    """A time that is offered, as a button or a tick."""

    value: str
    when: str
    who: str
    chosen: bool = True

    @property
    def words(self) -> str:
        return f"{self.when}, {self.who}"


@dataclass(slots=True)
class OutRow:
    """One visit of a case."""

    request: TimeRequest
    name: str
    when: str
    kind: str
    needs: list[tuple[str, str]]
    offers: list[OfferWords]
    way: str = ""  # how the patient hears of it
    way_icon: str = ""
    says: str = ""  # how it stands
    group: str = ""
    number: str = ""
    dial: str = ""
    task: Task | None = None
    task_words: str = ""

    @property
    def id(self) -> uuid.UUID:
        return self.request.pk


@dataclass(slots=True)
class Group:
    """Visits that stand alike."""

    name: str
    rows: list[OutRow] = field(default_factory=list)

    @property
    def tone(self) -> str:
        return GROUPS[self.name][0]

    @property
    def symbol(self) -> str:
        return GROUPS[self.name][1]

    @property
    def title(self) -> str:
        return GROUPS[self.name][2]

    @property
    def calls(self) -> bool:
        return self.name in {"call", "wishes", "untold"}


@dataclass(slots=True)
class OutPage:
    """A case with its visits."""

    case: OutCase
    span: str
    rows: list[OutRow]
    groups: list[Group]
    missing: int
    outcomes: list[tuple[str, str]]

    @property
    def settled(self) -> int:
        return sum(row.group in SETTLED for row in self.rows)

    @property
    def to_tell(self) -> int:
        return sum(row.request.plan == Plan.ASK for row in self.rows)

    @property
    def press(self) -> str:
        """What the one button does, in words."""
        counts = {plan: sum(row.request.plan == plan for row in self.rows) for plan in Plan}
        parts = []
        if counts[Plan.ASK]:
            parts.append(f"Send to {counts[Plan.ASK]} patient{'' if counts[Plan.ASK] == 1 else 's'}")
        if counts[Plan.CALL]:
            parts.append(f"{counts[Plan.CALL]} to call")
        if counts[Plan.CANCEL]:
            parts.append(f"cancel {counts[Plan.CANCEL]}")
        if counts[Plan.KEEP]:
            parts.append(f"keep {counts[Plan.KEEP]}")
        words = ", ".join(parts) or "Finish"
        return words[0].upper() + words[1:]

    @property
    def may_be_taken_back(self) -> bool:
        return self.case.is_open and not any(row.group in {"chosen", "moved", "wishes"} for row in self.rows)


def out_page(case: OutCase, practice: Practice, *, private: bool) -> OutPage:
    """Everything a case's page shows, in a fixed number of queries."""
    rows = TimeRequest.objects.with_people().filter(case=case)
    requests = list(rows.order_by("appointment__starts_at", "pk"))
    names = {row.pk: row.short_name for row in Practitioner.objects.all()}
    reach = reachability({request.appointment.patient for request in requests})
    tasks = open_tasks(requests)
    shown = [
        row_of(request, reach[request.appointment.patient_id], names, practice, private=private)
        for request in requests
    ]
    for row in shown:
        row.group = group_of(row.request)
        row.says = says(row, practice)
        row.task = tasks.get(row.id)
        row.task_words = task_words(row.task, practice)
    groups = [Group(name, [row for row in shown if row.group == name]) for name in GROUPS]
    known = {request.appointment_id for request in requests}
    missing = sum(visit.pk not in known for visit in visits_in(case)) if case.is_open else 0
    return OutPage(
        case=case,
        span=span_words(case, practice),
        rows=shown,
        groups=[group for group in groups if group.rows],
        missing=missing,
        outcomes=list(OUTCOMES.items()),
    )


def row_of(
    request: TimeRequest, reach: Reach, names: dict[uuid.UUID, str], practice: Practice, *, private: bool
) -> OutRow:
    visit = request.appointment
    channel = channel_for(visit.patient, reach)
    way, icon = WAYS.get(Channel(channel), ("", "")) if channel else ("", "")
    phone, kind = reach.phone, visit.appointment_type.name
    return OutRow(
        request=request,
        name=visit.patient.shown_name(private=private),
        when=short_when(visit.starts_at, practice),
        kind=f"{kind}, {part_words(request)}" if request.takes_part else kind,
        needs=[(NEED_ICONS.get(need, "heart"), Need(need).label) for need in visit.all_needs],
        offers=[offer_words(person, moment, names, practice) for person, moment in request.offered],
        way=way or (reach.why_not or "Asked to be called").capitalize(),
        way_icon=icon or "phone",
        number=show_phone(str(phone.value)) if phone is not None and not private else "",
        dial=str(phone.value) if phone is not None else "",
    )


def offer_words(
    person: uuid.UUID, moment: str, names: dict[uuid.UUID, str], practice: Practice
) -> OfferWords:
    starts_at = dt.datetime.fromisoformat(moment)
    return OfferWords(
        value=f"{person}|{moment}", when=short_when(starts_at, practice), who=names.get(person, "")
    )


def group_of(request: TimeRequest) -> str:
    """Where a visit stands by what is true now, whatever was filed yet."""
    visit, state = request.appointment, request.state
    if state == State.CHOSEN:
        return "chosen"
    if state == State.KEPT:
        return "kept"
    if visit.status != Status.BOOKED:
        if request.chosen_id is not None or state == State.MOVED or visit.cancellation_reason == "other":
            return "moved"
        return "cannot" if visit.cancellation_reason.startswith("pat") else "cancelled"
    if state == State.WISHES or visit.confirmation in {Confirmation.CHANGE_REQUESTED, Confirmation.DECLINED}:
        return "wishes"
    if state == State.TO_CALL:
        return "call"
    message = request.message
    if message is not None and message.status in DID_NOT_ARRIVE:
        return "untold"
    return "waiting"


def says(row: OutRow, practice: Practice) -> str:
    """How a visit stands, in a few words."""
    request = row.request
    visit, message = request.appointment, request.message
    if row.group in {"chosen", "moved"} and request.chosen is not None:
        when = short_when(request.chosen.starts_at, practice)
        return f"Now {when}, {request.chosen.practitioner.short_name}"
    if row.group == "wishes":
        if visit.confirmation == Confirmation.DECLINED:
            return "Says that the new day does not suit, or cannot come"
        return request.wishes.replace("\n", "; ") or "Wrote that another time is wanted"
    if row.group == "kept":
        return request.keep_reason
    if row.group in {"cannot", "cancelled"} and visit.cancellation_reason:
        return CancellationReason(visit.cancellation_reason).label
    if row.group == "untold" and message is not None:
        return (REASONS.get(message.reason, message.reason) or "The message did not arrive").capitalize()
    if row.group == "call":
        return (request.why_call or "to be called").capitalize()
    if message is not None:
        until = f", a call from {short_when(request.due_at, practice)}" if request.due_at else ""
        return f"{row.way}: {message.get_status_display().lower()}{until}"
    return ""


def task_words(task: Task | None, practice: Practice) -> str:
    """Who has the call, and by when."""
    if task is None:
        return ""
    who = task.owner.short_name if task.owner else "Nobody yet"
    if task.snoozed_until is not None and task.snoozed_until > practice.now():
        return f"{who}, again {short_when(task.snoozed_until, practice).removeprefix('Today ')}"
    return f"{who}, by {short_when(task.due_at, practice).removeprefix('Today ')}"


def span_words(case: OutCase, practice: Practice) -> str:
    """Today from 9:12 AM; Wed, Nov 25; Wed, Nov 25 to Fri, Nov 27."""
    zone, today = practice.zone, practice.today()
    starts, ends = case.starts_at.astimezone(zone), case.ends_at.astimezone(zone)
    last = (ends - dt.timedelta(seconds=1)).date()
    first = short_day(starts.date(), today)
    if starts.time() != dt.time(0):
        first = f"{first} from {clock(starts)}"
    if ends.time() != dt.time(0):
        last_words = f"{short_day(last, today)} {clock(ends)}"
        return f"{first} to {last_words}"
    return first if last == starts.date() else f"{first} to {short_day(last, today)}"


def times_to_offer(request: TimeRequest, practice: Practice) -> list[OfferWords]:
    """The times of a visit's dialog: those that are offered, ticked, and others that fit."""
    names = {row.pk: row.short_name for row in Practitioner.objects.all()}
    kept = [offer_words(person, moment, names, practice) for person, moment in request.offered]
    values = {offer.value for offer in kept}
    found = replacements([request.appointment], count=MORE_TIMES)[request.appointment_id]
    more = [offer_words(offer.practitioner.pk, offer.key[1], names, practice) for offer in found]
    others = [
        OfferWords(offer.value, offer.when, offer.who, chosen=False)
        for offer in more
        if offer.value not in values
    ]
    return sorted([*kept, *others], key=lambda offer: offer.value.partition("|")[2])


def read_offers(values: Sequence[str], visit: Appointment) -> list[list[str]]:
    """Ticked times; raises ValidationError with words for too many, none, or what is no time of the list."""
    if not values:
        raise ValidationError("Tick at least one time, or choose to call instead.")
    if len(values) > MORE_TIMES:
        raise ValidationError("Nine times at most: more are no help to a patient.")
    offering = {str(pk) for pk in visit.appointment_type.offers.values_list("practitioner_id", flat=True)}
    read = []
    for value in values:
        person, _, moment = value.partition("|")
        try:
            starts_at = dt.datetime.fromisoformat(moment)
        except ValueError:
            raise ValidationError("One of the times cannot be read. Tick them again.") from None
        if person not in offering or starts_at.tzinfo is None or not 2000 < starts_at.year < 2100:
            raise ValidationError("One of the times cannot be offered. Tick them again.")
        read.append([person, starts_at.isoformat()])
    return read
