"""Complaints as tickets: a target, an owner, watchers, entries, a resolution, and when one goes higher.

A ground makes a complaint the manager's at once; so does its target when it passes, by rows that are due.
"""

import datetime as dt
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from messaging.models import Call, Complaint, ComplaintEntry, DeskRules, Message, Task
from messaging.outbox import queue_message
from messaging.staff_tasks import NotAColleague, close_task, open_task
from patients.models import Channel, Patient
from practices import audit, changes
from practices.audit import SYSTEM, Actor
from practices.models import Language, Membership, Practice, Role, User
from practices.tenancy import current_practice, inside

Ground = Complaint.Ground
REPEAT_WITHIN = dt.timedelta(days=90)
LONGEST = 4_000
GIVEN_GROUNDS = [Ground.LEGAL, Ground.THREAT, Ground.CLINICAL, Ground.PUBLIC]  # the others find themselves
NEWS = {
    "opened": "A complaint was opened",
    "escalated": "A complaint needs the manager",
    "noted": "A complaint has a new entry",
    "resolved": "A complaint was resolved",
}


class ComplaintRefused(ValueError):
    """What cannot be done so, in words; `field` is where to say it."""

    def __init__(self, words: str, field: str = "") -> None:
        super().__init__(words)
        self.field = field


class ComplaintChanged(Exception):
    """Somebody changed the complaint meanwhile; `now` is how it stands."""

    def __init__(self, now: Complaint) -> None:
        super().__init__("Somebody changed this complaint meanwhile. Look at it again.")
        self.now = now


@transaction.atomic
def open_complaint(
    *,
    what_happened: str,
    wanted: str = "",
    patient: Patient | None = None,
    call: Call | None = None,
    grounds: Iterable[str] = (),
    watchers: Iterable[User] = (),
    once_key: str,
    by: Actor,
) -> Complaint:
    """Opens a ticket once per `once_key`, with a task until its target; with a ground it goes higher at once.

    A second complaint of the same patient within 90 days is a ground by itself. Raises ComplaintRefused.
    """
    if (earlier := Complaint.objects.filter(once_key=once_key[:120]).first()) is not None:
        return earlier
    now = timezone.now()
    complaint = Complaint(
        practice=current_practice(),
        patient=patient,
        call=call,
        what_happened=_text(what_happened, "what_happened", "Write what happened."),
        wanted=_text(wanted, "wanted"),
        target_at=now + dt.timedelta(hours=DeskRules.of_practice().complaint_target_hours),
        watchers=sorted({user.pk for user in watchers}),
        grounds=ordered([*_known(grounds), *([Ground.REPEAT] if complained_lately(patient, now) else [])]),
        created_by=by.user,
        once_key=once_key[:120],
    )
    _must_work_here(complaint.watchers)
    Complaint.objects.bulk_create([complaint], ignore_conflicts=True)
    stored: Complaint = Complaint.objects.get(once_key=complaint.once_key)
    if stored.pk != complaint.pk:
        return stored
    return _follow(complaint, by)


def _follow(complaint: Complaint, by: Actor) -> Complaint:
    """What a new complaint leaves: its task until the target, and who hears of it."""
    audit.record("complaint.opened", complaint, by=by, patient_id=complaint.patient_id)
    open_task(
        kind=Task.Kind.COMPLAINT,
        due_at=complaint.target_at,
        once_key=task_key(complaint),
        patient=complaint.patient,
        subject_id=complaint.pk,
        by=by,
    )
    changes.announce(complaint.practice, "complaints", "queue")
    if complaint.grounds:
        return _go_higher(complaint, complaint.grounds, by)
    tell(complaint, "opened", complaint.watchers, by)
    return complaint


@transaction.atomic
def note(*, complaint: Complaint, words: str, by: Actor) -> ComplaintEntry:
    """Adds what was done; those who watch hear that there is something new."""
    entry = _enter(complaint, _text(words, "words", "Write what was done."), by)
    audit.record("complaint.noted", entry, by=by, patient_id=complaint.patient_id)
    tell(complaint, "noted", complaint.watchers, by, stamp=str(entry.pk))
    changes.announce(complaint.practice, "complaints")
    return entry


@transaction.atomic
def watch(*, complaint: Complaint, user: User, on: bool = True, by: Actor) -> Complaint:
    """Puts a colleague among those who watch, or takes her out; raises NotAColleague."""
    complaint = locked(complaint, None)
    wanted = set(complaint.watchers) - {user.pk}
    if on:
        _must_work_here([user.pk])
        wanted.add(user.pk)
    return _store(complaint, "watched", by, watchers=sorted(wanted))


@transaction.atomic
def take(*, complaint: Complaint, owner: User, version: int | None = None, by: Actor) -> Complaint:
    """Gives the complaint to a colleague, usually oneself, with its task. Raises NotAColleague."""
    _must_work_here([owner.pk])
    complaint = _open(locked(complaint, version))
    Task.objects.open().filter(once_key=task_key(complaint)).update(owner=owner)
    changes.announce(complaint.practice, "queue")
    return _store(complaint, "taken", by, owner=owner)


@transaction.atomic
def escalate(
    *, complaint: Complaint, grounds: Iterable[str], version: int | None = None, by: Actor
) -> Complaint:
    """Brings the complaint before the managers, for at least one ground."""
    complaint = _open(locked(complaint, version))
    given = _known(grounds)
    if not given:
        raise ComplaintRefused("Choose why the manager shall see it.", "grounds")
    return _go_higher(complaint, given, by)


@transaction.atomic
def resolve(*, complaint: Complaint, resolution: str, version: int | None = None, by: Actor) -> Complaint:
    """Closes the ticket with what was done for the patient; its task is done with it."""
    complaint = _open(locked(complaint, version))
    words = _text(resolution, "resolution", "Write how it was resolved.")
    for task in Task.objects.open().filter(once_key=task_key(complaint)):
        close_task(task=task, outcome="resolved", by=by)
    stored = _store(
        complaint, "resolved", by, resolution=words, resolved_at=timezone.now(), resolved_by=by.user
    )
    tell(stored, "resolved", stored.watchers, by)
    return stored


def escalate_overdue(practice: Practice) -> int:
    """Brings before the managers what has passed its target unresolved, each once; returns how many."""
    with inside(practice):
        late = Complaint.objects.filter(resolved_at=None, target_at__lte=timezone.now())
        late = late.exclude(grounds__contains=[Ground.OVERDUE])
        found = list(late.select_for_update(skip_locked=True, of=("self",)).order_by("target_at")[:100])
        for complaint in found:
            _go_higher(complaint, [Ground.OVERDUE], SYSTEM)
        return len(found)


def complained_lately(patient: Patient | None, now: dt.datetime) -> bool:
    """Whether there is a complaint of the last 90 days already."""
    if patient is None:
        return False
    return Complaint.objects.filter(patient=patient, created_at__gte=now - REPEAT_WITHIN).exists()


def open_ones() -> "QuerySet[Complaint]":
    """What is not resolved, the escalated and the soonest due first, with its people."""
    rows = Complaint.objects.filter(resolved_at=None).select_related("patient", "owner")
    return rows.order_by("escalated_at", "target_at", "pk")


def task_key(complaint: Complaint) -> str:
    return f"complaint:{complaint.pk}"


def locked(complaint: Complaint, version: int | None) -> Complaint:
    """The complaint as it stands, locked; raises ComplaintChanged for a stale version."""
    rows = Complaint.objects.select_for_update(of=("self",)).select_related("patient", "owner")
    now: Complaint = rows.get(pk=complaint.pk)
    if version is not None and now.version != version:
        raise ComplaintChanged(now)
    return now


def tell(complaint: Complaint, news: str, people: Iterable[int], by: Actor, stamp: str = "") -> None:
    """An e-mail to each colleague but the one who acts: that there is something, and no word of a patient."""
    practice, skip = complaint.practice, by.user.pk if by.user else None
    link = f"{settings.PUBLIC_URL.rstrip('/')}/p/{practice.slug}/complaints/{complaint.pk}/"
    for user in User.objects.filter(pk__in=set(people) - {skip}, is_active=True).order_by("pk"):
        queue_message(
            patient=None,
            channel=Channel.EMAIL,
            kind=Message.Kind.BRIEF,
            subject=f"{NEWS[news]} at {practice.public_name}"[:120],
            body=f"{NEWS[news]} at {practice.public_name}.\n\nSign in to read it: {link}\n",
            language=Language.ENGLISH,
            send_after=timezone.now(),
            idempotency_key=f"complaint:{complaint.pk}:{news}:{stamp}:{user.pk}"[:120],
            ignores_quiet_hours=True,
            staff=user,
            by=by,
        )


def _go_higher(complaint: Complaint, grounds: Iterable[str], by: Actor) -> Complaint:
    """Adds the grounds; the managers watch from now on, and the task can no longer wait."""
    new = [ground for ground in grounds if ground not in complaint.grounds or complaint.escalated_at is None]
    if not new:
        return complaint
    managers = Membership.objects.active().with_role(Role.MANAGER).values_list("user_id", flat=True)
    watchers = sorted({*complaint.watchers, *managers})
    labels = ", ".join(Ground(ground).label.lower() for ground in ordered(new))
    _enter(complaint, f"Went to the manager: {labels}.", by)
    open_task(
        kind=Task.Kind.COMPLAINT,
        due_at=complaint.target_at,
        once_key=task_key(complaint),
        urgency=Task.Urgency.SOON,
        patient=complaint.patient,
        subject_id=complaint.pk,
        by=by,
    )
    stored = _store(
        complaint,
        "escalated",
        by,
        grounds=ordered([*complaint.grounds, *new]),
        escalated_at=complaint.escalated_at or timezone.now(),
        watchers=watchers,
    )
    tell(stored, "escalated", watchers, by, stamp="-".join(ordered(new)))
    return stored


def _store(complaint: Complaint, verb: str, by: Actor, **values: object) -> Complaint:
    changed = {name: [getattr(complaint, name), value] for name, value in values.items()}
    for name, value in values.items():
        setattr(complaint, name, value)
    complaint.version += 1
    complaint.save()
    told = {name: [_plain(one) for one in pair] for name, pair in changed.items()}
    audit.record(f"complaint.{verb}", complaint, by=by, patient_id=complaint.patient_id, changes=told)
    changes.announce(complaint.practice, "complaints", "queue")
    return complaint


def _plain(value: object) -> object:
    return value.pk if isinstance(value, User) else value


def _enter(complaint: Complaint, words: str, by: Actor) -> ComplaintEntry:
    entry = ComplaintEntry(practice=complaint.practice, complaint=complaint, words=words, by=by.user)
    entry.save(force_insert=True)
    return entry


def _open(complaint: Complaint) -> Complaint:
    if complaint.resolved_at is not None:
        raise ComplaintRefused("This complaint was resolved meanwhile.")
    return complaint


def _known(grounds: Iterable[str]) -> list[str]:
    given = ordered(grounds)
    if any(ground not in GIVEN_GROUNDS for ground in given):
        raise ComplaintRefused("Choose from the list.", "grounds")
    return given


def ordered(grounds: Iterable[str]) -> list[str]:
    """Grounds once each, in the order of the list; unknown ones last."""
    wanted = {str(ground) for ground in grounds}
    return [g for g in Ground.values if g in wanted] + sorted(wanted - set(Ground.values))


def _text(text: str, field: str, needed: str = "") -> str:
    words = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if needed and not words:
        raise ComplaintRefused(needed, field)
    if len(words) > LONGEST:
        raise ComplaintRefused(f"This is longer than {LONGEST:,} letters. Say it shorter.", field)
    return words


def _must_work_here(users: Iterable[int]) -> None:
    wanted = set(users)
    here = Membership.objects.active().filter(user__in=wanted).values_list("user_id", flat=True)
    if wanted - set(here):
        raise NotAColleague("This person does not work here.")
