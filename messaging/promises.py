"""What was promised to a patient: who keeps it, by when, and that it rises before it breaks."""

import datetime as dt
import uuid

from django.db import transaction
from django.utils import timezone

from messaging.models import Call, DeskRules, Task
from messaging.staff_tasks import NotAColleague, open_task
from patients.flags import raise_flag
from patients.models import Patient, PatientFlag
from practices import audit, changes
from practices.audit import SYSTEM, Actor
from practices.models import Membership, Practice, User
from practices.tenancy import current_practice, inside

PROMISED = [Task.Kind.PROMISE, Task.Kind.CALL_BACK]
LONGEST = 1_000
MOST_AHEAD = dt.timedelta(days=60)


class PromiseRefused(ValueError):
    """A promise nobody could keep, in words; `field` is where to say it."""

    def __init__(self, words: str, field: str) -> None:
        super().__init__(words)
        self.field = field


@transaction.atomic
def promise(
    *,
    patient: Patient | None,
    words: str,
    owner: User,
    by_when: dt.datetime,
    call: Call | None = None,
    key: uuid.UUID,
    by: Actor,
) -> Task:
    """Writes a promise down as a timed task, and under “Know first” of the patient; once per `key`.

    Raises PromiseRefused for no words or a time nobody can keep, NotAColleague for a stranger.
    """
    said = _sayable(words, by_when)
    if not Membership.objects.active().filter(user=owner).exists():
        raise NotAColleague("This person does not work here.")
    once_key = f"promise:{key}"
    kept = Task.objects.filter(once_key=once_key).order_by("created_at").first()
    if kept is not None:  # also a promise that was kept meanwhile is the same one
        return kept
    task = open_task(
        kind=Task.Kind.PROMISE,
        due_at=by_when,
        once_key=once_key,
        patient=patient,
        subject_id=call.pk if call else None,
        note=said,
        owner=owner,
        by=by,
    )
    if patient is not None:
        line = f"{owner.short_name} promised by {local_words(by_when)}: {said}"[:500]
        raise_flag(patient=patient, kind=PatientFlag.Kind.PROMISE, words=line, by=by)
    return task


def _sayable(words: str, by_when: dt.datetime) -> str:
    """The words as they are stored; raises PromiseRefused."""
    said = words.replace("\r\n", "\n").replace("\x00", "").strip()
    now = timezone.now()
    if not said:
        raise PromiseRefused("Write what you promise.", "words")
    if len(said) > LONGEST:
        raise PromiseRefused(f"This is longer than {LONGEST:,} letters. Say it shorter.", "words")
    if not now < by_when <= now + MOST_AHEAD:
        raise PromiseRefused("Promise a time that is still to come, within two months.", "by_when")
    return said


def local_words(moment: dt.datetime) -> str:
    """Day and time on the practice's clock, as “Know first” says them."""
    local = moment.astimezone(current_practice().zone)
    return f"{local:%a}, {local:%b} {local.day}, {local.hour % 12 or 12}:{local:%M %p}"


def warn(practice: Practice) -> int:
    """Lets promises rise that are about to break, also those put off; returns how many."""
    with inside(practice):
        soon = timezone.now() + dt.timedelta(minutes=DeskRules.of_practice().promise_warn_minutes)
        due = Task.objects.open().filter(kind__in=PROMISED, due_at__lte=soon, urgency=Task.Urgency.ROUTINE)
        found = list(due.select_for_update(skip_locked=True, of=("self",))[:200])
        for task in found:
            task.urgency, task.snoozed_until = Task.Urgency.SOON, None
            task.save(update_fields=["urgency", "snoozed_until"])
            audit.record("promise.warned", task, by=SYSTEM, patient_id=task.patient_id)
        if found:
            changes.announce(practice, "queue", "phones")
        return len(found)
