"""What the page of a conversation shows, and the list beside it."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from messaging import conversations, drafts, inbox
from messaging.listing import name_of, owner_words
from messaging.models import Conversation, Message
from messaging.saved_replies import offered
from messaging.thread import LATEST, MOST, Read, clock, read_thread
from messaging.writing import Way, ways
from patients.contacts import reachability, show_phone
from patients.models import Channel
from practices import audit
from practices.access import DeskRequest
from practices.models import Membership, Practice, Role, User

MODES = (("sms", "Text", "msg"), ("email", "E-mail", "mail"), ("note", "Team note", "note"))
MORNING, AFTERNOON = dt.time(8), dt.time(13)


@dataclass(frozen=True, slots=True)
class Clash:
    """Two people at once: what stands there now, and what this person wanted."""

    now: str
    wanted: str


@dataclass(slots=True)
class ThreadPage:
    """One conversation as it is drawn for one person."""

    thread: Conversation
    name: str
    read: Read
    ways: dict[str, Way]
    form: Any
    mode: str
    language: str
    people: list[tuple[Any, str]]  # patients who share a stranger's number
    number: str
    number_raw: str
    replies: list[Any]
    colleagues: list[Membership]
    owner: str
    later: list[tuple[str, str]]
    paused: Message | None
    panels: list[str]
    offers: list[str]
    most: int
    place: str  # inbox, or record
    clash: Clash | None = None
    restored: bool = False
    modes: Any = MODES
    roles: Any = field(default_factory=lambda: [(role.value, f"{role.label}s") for role in Role])

    @property
    def seen(self) -> list[Any]:
        """The patients this page shows."""
        return [self.thread.patient_id] if self.thread.patient_id else [key for key, _ in self.people]

    @property
    def draft_key(self) -> str:
        return draft_key(self.thread)

    @property
    def new_text(self) -> str:
        """What the form of a new patient begins with: the stranger's number or address."""
        return name_of(self.thread, private=False) if self.thread.address else ""


def draft_key(thread: Conversation) -> str:
    return f"thread:{thread.pk}"


def page_of(
    request: DeskRequest, thread: Conversation, new_form: Any, *, form: Any = None, place: str = "inbox",
    clash: Clash | None = None,
) -> ThreadPage:  # fmt: skip
    """Reads a conversation for the person who asks; `new_form` makes a composer from initial values."""
    practice, user = request.practice, request.user
    patient = thread.patient
    reach = reachability([patient])[patient.pk] if patient else None
    found = ways(thread, reach)
    kept = kept_draft(user, thread) if form is None else None
    form = form if form is not None else new_form(kept or {})
    typed = form.data if form.is_bound else form.initial
    read = read_thread(thread, practice, most=asked_for(request))
    number = str(reach.phone.value) if reach and reach.phone else ""
    colleagues = Membership.objects.active().select_related("user").order_by("user__given_name", "user__pk")
    page = ThreadPage(
        thread=thread,
        name=name_of(thread, private=user.privacy_mode),
        read=read,
        ways=found,
        form=form,
        mode=mode_of(typed.get("channel"), thread, found),
        language=typed.get("language") or (patient.language if patient else "en"),
        people=candidates(request, thread),
        number=show_phone(number) if number else "",
        number_raw=number or ("" if "@" in str(thread.address) else str(thread.address)),
        replies=offered(practice, patient),
        colleagues=list(colleagues),
        owner=owner_words(thread, user),
        later=later_choices(practice),
        paused=next((e.row for e in reversed(read.entries) if e.can_handle and inbox.is_paused(e.row)), None),
        panels=panels_of(thread, practice, settings.THREAD_PANELS, settings.PATIENT_PANELS),
        offers=panels_of(thread, practice, settings.THREAD_OFFERS),
        most=asked_for(request),
        place=place,
        clash=clash,
        restored=bool(kept),
    )
    audit.record_read(by=request.actor, patients=page.seen, screen="messages")
    return page


def kept_draft(user: User, thread: Conversation) -> dict[str, Any] | None:
    """What the person typed here and did not send; gone when it arrived after its text had left."""
    kept = drafts.kept(user, draft_key(thread))
    if kept and Message.objects.filter(idempotency_key=f"write:{kept.get('once', '')}").exists():
        drafts.let_go(user, draft_key(thread))
        return None
    return kept


def mode_of(typed: object, thread: Conversation, found: dict[str, Way]) -> str:
    """What the composer begins with: what was typed as, else the way they wrote, else what may go."""
    known = {name for name, _, _ in MODES}
    if typed in known:
        return str(typed)
    usual = [thread.channel, Channel.SMS.value, Channel.EMAIL.value]
    return next((name for name in usual if name in found and found[name].open), "note")


def asked_for(request: DeskRequest) -> int:
    text = request.GET.get("show", "")
    return min(int(text), MOST) if text.isascii() and text.isdigit() and len(text) < 5 else LATEST


def candidates(request: DeskRequest, thread: Conversation) -> list[tuple[Any, str]]:
    """Who may be the stranger: the patients with this number."""
    if thread.patient_id is not None:
        return []
    private = request.user.privacy_mode
    people = conversations.same_number(thread.address_index)
    return [(person.pk, person.shown_name(private=private)) for person in people]


def panels_of(
    thread: Conversation, practice: Practice, names: list[str], of_patient: Iterable[str] = ()
) -> list[str]:
    """The addresses of what higher apps show beside a thread; a name that is not mounted is left out."""
    wanted = [(name, thread.pk) for name in names]
    if thread.patient_id is not None:
        wanted += [(name, thread.patient_id) for name in of_patient if name != "patient-messages"]
    found = []
    for name, pk in wanted:
        try:
            found.append(reverse(name, args=[practice.slug, pk]))
        except NoReverseMatch:
            continue
    return found


def later_choices(practice: Practice) -> list[tuple[str, str]]:
    """When a thread may come back: in an hour, this afternoon, tomorrow, on Monday."""
    now = practice.now()
    tomorrow = now.date() + dt.timedelta(days=1)
    monday = now.date() + dt.timedelta(days=8 - now.isoweekday())

    def at(day: dt.date, time: dt.time) -> dt.datetime:
        return dt.datetime.combine(day, time, tzinfo=practice.zone)

    choices = [("In an hour", now + dt.timedelta(hours=1))]
    if now.time() < dt.time(12):
        choices.append(("This afternoon", at(now.date(), AFTERNOON)))
    choices.append(("Tomorrow morning", at(tomorrow, MORNING)))
    if monday != tomorrow:
        choices.append(("On Monday", at(monday, MORNING)))
    return [
        (moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), f"{words}, {clock(moment, practice)}")
        for words, moment in choices
    ]


def standing(thread: Conversation, practice: Practice) -> str:
    """How a thread stands, in words, for somebody who was too late."""
    who = "They wrote" if thread.last_from_them else "Last was"
    owner = f" {thread.owner.short_name} has it." if thread.owner else ""
    last = f" {who} at {clock(thread.last_at, practice)}: “{thread.last_line}”" if thread.last_line else ""
    return f"It is now “{thread.get_state_display()}”.{owner}{last}"
