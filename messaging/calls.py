"""What people do with calls: answer, hold, hand on, end, write down.

A verb sets the state at once and orders the telephone to follow (`call_commands`); what the telephone
says comes back through `call_events`. Of two people who press Answer the row lock lets one win.
"""

import datetime as dt
import re

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from messaging import call_endings
from messaging.call_commands import Verb, order, take_turn
from messaging.call_endings import CallIsOver, remember, shown
from messaging.conversations import same_number
from messaging.models import Call, Message, Task
from messaging.outbox import address_index
from messaging.staff_tasks import NotAColleague, open_task
from patients.models import Channel, Patient
from patients.related import speaking_from
from practices import audit
from practices.access import practices_of
from practices.audit import Actor
from practices.models import Membership, User
from practices.tenancy import current_practice, inside

Status, Direction, Outcome = Call.Status, Call.Direction, Call.Outcome
A_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
# What carriers send in the place of a withheld number (letters of “anonymous”, “restricted”, … as digits).
WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})


class AlreadyTaken(Exception):
    """Somebody was faster (`by_whom`), or the caller has gone (None)."""

    def __init__(self, by_whom: User | None) -> None:
        super().__init__(f"{by_whom} has taken this call." if by_whom else "The caller is no longer there.")
        self.by_whom = by_whom


class NoTelephone(ValueError):
    """The person has no desk telephone that could ring."""


class StaleCall(Exception):
    """The call changed since it was read."""


class NotYours(ValueError):
    """Only the person who speaks with the caller can do that."""


@transaction.atomic
def call_came(*, supplier_id: str, from_: str, message: Message | None = None, by: Actor) -> Call:
    """An incoming call rings; the same call reported again is the same row.

    `message` is the automatic call in which the patient asked for a person.
    """
    number = shown_number(from_)
    index = address_index(Channel.CALL, number)
    sharing = list(same_number(index)) if index else []
    call = Call(
        practice=current_practice(),
        direction=Direction.IN,
        status=Status.RINGING,
        address=number,
        address_index=index,
        patient=message.patient if message else sharing[0] if len(sharing) == 1 else None,
        message=message,
        supplier_id=supplier_id[:64],
    )
    Call.objects.bulk_create([call], ignore_conflicts=True)
    stored: Call = Call.objects.select_related("patient").get(supplier_id=call.supplier_id)
    if stored.pk == call.pk:
        audit.record("call.came", stored, by=by, patient_id=stored.patient_id)
        shown(stored)
    return stored


def shown_number(from_: str) -> str:
    """The caller's number as E.164, or nothing where it is withheld."""
    number = from_.strip()
    return number if A_NUMBER.fullmatch(number) and number not in WITHHELD else ""


def candidates(call: Call) -> list[Patient]:
    """The living, active patients who have the caller's number, and those the caller may speak for."""
    if not call.address_index:
        return []
    own = [patient for patient in same_number(call.address_index) if patient.active]
    spoken_for = [person.patient for person in speaking_from(call.address_index)]
    return list({patient.pk: patient for patient in [*own, *spoken_for]}.values())


@transaction.atomic
def answer_call(*, call: Call, by: Actor) -> Call:
    """The person takes a ringing call; the one she speaks on goes on hold.

    Raises AlreadyTaken for whoever comes second, NoTelephone for a person without one.
    """
    user = person(by)
    take_turn(user.pk)
    call = locked(call)
    if call.handler_id == user.pk and call.status == Status.LIVE:
        return call  # pressed twice
    if call.status != Status.RINGING or call.direction != Direction.IN or call.handler_id:
        raise AlreadyTaken(call.handler)
    desk_phone_of(user)
    hold_others(user, by)
    call.status, call.handler, call.answered_at, call.problem = Status.LIVE, user, timezone.now(), ""
    order(call, Verb.ANSWER, by=by)
    return remember(call, "answered", by, status=[Status.RINGING, call.status])


@transaction.atomic
def hold_call(*, call: Call, by: Actor) -> Call:
    """The caller waits; raises NotYours, CallIsOver."""
    call = own(call, by)
    if call.status == Status.HELD:
        return call
    must_be(call, Status.LIVE)
    put_on_hold(call, by)
    return call


@transaction.atomic
def resume_call(*, call: Call, by: Actor) -> Call:
    """Speaks with a held caller again; her other call goes on hold. Raises NotYours, CallIsOver."""
    call = own(call, by)
    if call.status == Status.LIVE:
        return call
    must_be(call, Status.HELD)
    hold_others(person(by), by, but=call)
    count_hold(call)
    call.status, call.problem = Status.LIVE, ""
    order(call, Verb.RESUME, by=by)
    return remember(call, "resumed", by, status=[Status.HELD, call.status])


@transaction.atomic
def transfer_call(*, call: Call, to: User, summary: str, by: Actor) -> Call:
    """Hands the caller to a colleague with a summary, which becomes part of the note.

    Raises NotAColleague, NoTelephone (of the colleague), NotYours, CallIsOver.
    """
    if not Membership.objects.active().filter(user=to).exists():
        raise NotAColleague("This person does not work here.")
    call = own(call, by)
    must_be(call, Status.LIVE, Status.HELD)
    if not call.by_hand:
        desk_phone_of(to, f"{to.short_name} has no desk phone to transfer to.")
    giver = person(by)
    if to.pk == giver.pk:
        raise NotAColleague("The call is already with this person.")
    if words := " ".join(summary.split()):
        call.note = "\n".join(filter(None, [call.note, f"{giver.short_name} → {to.short_name}: {words}"]))
    count_hold(call)
    before, call.status, call.handler, call.problem = call.status, Status.LIVE, to, ""
    order(call, Verb.TRANSFER, by=by, to_user=to)
    return remember(call, "transferred", by, handler=[giver.pk, to.pk], status=[before, call.status])


@transaction.atomic
def end_call(*, call: Call, by: Actor) -> Call:
    """Rings off, or ends a call logged by hand; ten seconds stay to finish the note. Raises NotYours."""
    call = own(call, by)
    if call.status in {Status.WRAP_UP, Status.ENDED}:
        return call
    order(call, Verb.END, by=by)
    outcome = Outcome.ANSWERED if call.answered_at else Outcome.NO_ANSWER
    return call_endings.conversation_over(call, outcome, by)


@transaction.atomic
def dial(*, patient: Patient | None = None, number: str = "", by: Actor) -> Call:
    """Calls a patient, at `number` or the number tried first; or just a number. The desk phone rings first.

    Raises NoTelephone without a desk phone, ValueError without a number to call.
    """
    user = person(by)
    desk_phone_of(user)
    number = number or call_endings.first_number(patient)
    if not A_NUMBER.fullmatch(number):
        raise ValueError("There is no number to call.")
    take_turn(user.pk)
    hold_others(user, by)
    call = new_call(Direction.OUT, Status.QUEUED, number, patient, user)
    call.save(force_insert=True)
    order(call, Verb.DIAL, by=by, to_user=user)
    audit.record("call.dialled", call, by=by, patient_id=call.patient_id)
    return shown(call)


@transaction.atomic
def keep_place(*, call: Call, at: dt.datetime, by: Actor) -> Task:
    """Promises a call back at a time: the caller is told and rings off, the promise is a task.

    Raises ValueError for a withheld number or a time that has passed, CallIsOver, NotYours.
    """
    call = locked(call)
    if call.handler_id:
        own_only(call, by)
    must_be(call, Status.RINGING, Status.LIVE, Status.HELD)
    if not (call.address or call.patient_id):
        raise ValueError("The number is withheld: ask for one before you promise a call back.")
    if at <= timezone.now():
        raise ValueError("Choose a time that is still to come.")
    task = open_task(
        kind=Task.Kind.CALL_BACK,
        due_at=at,
        once_key=f"call-back:{call.pk}",
        patient=call.patient,
        subject_id=call.pk,
        note="Promised to call back.",
        owner=call.handler,
        by=by,
    )
    order(call, Verb.CALL_BACK, by=by)
    call_endings.promised_call_back(call, by)
    return task


@transaction.atomic
def log_call(*, direction: str, number: str = "", patient: Patient | None = None, by: Actor) -> Call:
    """A call on another telephone, written down here: speaking at once, ended with `end_call`."""
    if direction not in Direction.values:
        raise ValueError("A call comes in or goes out.")
    user = person(by)
    take_turn(user.pk)
    hold_others(user, by)
    call = new_call(direction, Status.LIVE, shown_number(number), patient, user)
    call.by_hand, call.answered_at = True, call.started_at
    call.save(force_insert=True)
    audit.record("call.logged", call, by=by, patient_id=call.patient_id)
    return shown(call)


@transaction.atomic
def finish(*, call: Call, by: Actor) -> Call:
    """Ends the seconds of writing up early."""
    call = locked(call)
    return call_endings.finish(call, by) if call.status == Status.WRAP_UP else call


@transaction.atomic
def write_note(*, call: Call, note: str, version: int | None = None, by: Actor) -> Call:
    """Keeps the note of a call, also after its end; raises StaleCall when it changed since `version`."""
    call = locked(call)
    if version is not None and call.version != version:
        raise StaleCall
    if call.note == note:
        return call
    call.note = note[:10_000]
    return remember(call, "noted", by, note=["", ""])


@transaction.atomic
def choose_patient(*, call: Call, patient: Patient | None, by: Actor) -> Call:
    """Says about whom the call is; what it left open goes along to that patient."""
    call = locked(call)
    if call.patient_id == (patient.pk if patient else None):
        return call
    before = call.patient_id
    call_endings.carry_along(call, patient, by)
    call.patient = patient
    return remember(call, "patient-chosen", by, patient=[before, call.patient_id])


@transaction.atomic
def describe(
    *,
    call: Call,
    caller_name: str | None = None,
    relation: str | None = None,
    matter: str | None = None,
    outcome: str | None = None,
    by: Actor,
) -> Call:
    """Who speaks, about what, and how it ended; what is None stays. Raises ValueError for unknown words."""
    if matter and matter not in Call.Matter.values:
        raise ValueError("There is no such matter.")
    if outcome and outcome not in Outcome.values:
        raise ValueError("There is no such outcome.")
    call = locked(call)
    given = {"caller_name": caller_name, "caller_relation": relation, "matter": matter, "outcome": outcome}
    wanted = {name: " ".join(value.split())[:200] for name, value in given.items() if value is not None}
    wanted["caller_relation"] = wanted.get("caller_relation", call.caller_relation)[:40]
    changed = {name: value for name, value in wanted.items() if getattr(call, name) != value}
    if not changed:
        return call
    before = {name: [getattr(call, name), value] for name, value in changed.items()}
    for name, value in changed.items():
        setattr(call, name, value)
    return remember(call, "described", by, **before)


# What the verbs stand on.


def person(by: Actor) -> User:
    """Who acts; raises ValueError for a program of nobody."""
    if by.user is None:
        raise ValueError("A person handles a call.")
    return by.user


def desk_phone_of(user: User, words: str = "You have no desk phone in your profile here.") -> str:
    """The number where calls she answers ring; raises NoTelephone."""
    membership = Membership.objects.active().filter(user=user).first()
    if membership is None or not membership.desk_phone:
        raise NoTelephone(words)
    return str(membership.desk_phone)


def new_call(direction: str, status: str, number: str, patient: Patient | None, handler: User) -> Call:
    return Call(
        practice=current_practice(),
        direction=direction,
        status=status,
        address=number,
        address_index=address_index(Channel.CALL, number),
        patient=patient,
        handler=handler,
    )


def locked(call: Call) -> Call:
    """The call as it stands, locked. Without joins: a row joined before the wait would be the old one."""
    rows = Call.objects.all() if "answer-lock" in settings.SWITCHED_OFF else Call.objects.select_for_update()
    now: Call = rows.get(pk=call.pk)
    return now


def hold_others(user: User, by: Actor, but: Call | None = None) -> None:
    """Puts on hold whatever the person speaks on, here and in her other practices."""
    here = current_practice()
    for practice in [here, *(other for other in practices_of(user) if other != here)]:
        with inside(practice):
            speaking = Call.objects.select_for_update().filter(handler=user, status=Status.LIVE)
            for call in speaking.order_by("pk"):
                if but is None or call.pk != but.pk:
                    put_on_hold(call, by)


def own(call: Call, by: Actor) -> Call:
    """The person's own call, locked; raises NotYours."""
    take_turn(person(by).pk)
    call = locked(call)
    own_only(call, by)
    return call


def own_only(call: Call, by: Actor) -> None:
    if by.user is None or call.handler_id != by.user.pk:
        who = call.handler.short_name if call.handler else "nobody yet"
        raise NotYours(f"This call is with {who}. Only the person who speaks with the caller can do that.")


def must_be(call: Call, *states: str) -> None:
    if call.status not in states:
        raise CallIsOver("The call does not stand so any more: look at it again.")


def put_on_hold(call: Call, by: Actor) -> None:
    call.status, call.held_since, call.problem = Status.HELD, timezone.now(), ""
    order(call, Verb.HOLD, by=by)
    remember(call, "held", by, status=[Status.LIVE, call.status])


def count_hold(call: Call) -> None:
    """Adds what the caller waited on hold."""
    if call.held_since is not None:
        call.held_seconds += max(int((timezone.now() - call.held_since).total_seconds()), 0)
        call.held_since = None
