"""Carries out what people ordered of the telephone, each order once and those of a call in their order.

1. Claim orders nobody holds, the first of each call only, with a lease and a token.
2. Ask the supplier, outside any transaction.
3. Store what came of it, if the claim is still ours: done, again in a moment, or not carried out, in words.

Redirecting, holding and ringing off may be asked twice; before a telephone is rung again after an unknown
outcome, the supplier's list is looked at.
"""

import datetime as dt
import logging
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django.db.models import F, Q
from django.utils import timezone

from messaging import call_endings, call_events, sms, voice
from messaging.call_commands import Verb
from messaging.models import Call, CallCommand
from messaging.outcomes import Answer, Then
from practices import changes
from practices.models import Membership, Practice
from practices.tenancy import inside

logger = logging.getLogger(__name__)

Status = CallCommand.Status
AT_ONCE = 8
MOST_ATTEMPTS = 3
PAUSE = dt.timedelta(seconds=1)
LEASE = dt.timedelta(seconds=45)
DESK_RINGS = 25  # seconds
PATIENT_RINGS = 40
CLOCKS_APART = dt.timedelta(seconds=30)
TAKEN = Answer("accepted", supplier_id=voice.NONE)
PROBLEMS = {
    Verb.ANSWER: "You were not connected",
    Verb.HOLD: "The caller was not put on hold",
    Verb.RESUME: "The caller is still on hold",
    Verb.TRANSFER: "The call was not handed over",
    Verb.END: "The line is still open: put the receiver down",
    Verb.DIAL: "The call was not placed",
    Verb.CALL_BACK: "The caller was not told of the call back",
    Verb.REQUEUE: "The caller could not be sent back to the line",
}
WHY = {
    Then.RETRY: "the telephone service cannot be reached",
    Then.RECONCILE: "the telephone service does not answer",
    Then.BAD_NUMBER: "there is no such number",
    Then.BREAK: "the telephone service refuses the practice’s account",
}


@dataclass(frozen=True, slots=True)
class Job:
    """What it takes to carry out one order without touching the database."""

    id: uuid.UUID
    call_id: uuid.UUID
    verb: str
    claim: uuid.UUID
    tried_before: bool
    since: dt.datetime
    line: str  # the patient's
    to: str  # the number to ring
    leg: str  # a desk phone's line that is open already, to be moved or ended
    rung: str  # what an earlier try rang
    needs_leg: bool  # whether a desk phone has to come into the call
    leaving: bool  # the colleague is there: whoever handed over leaves
    known: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """What the supplier said, and the line that rings now."""

    answer: Answer
    rang: str = ""
    caller_gone: bool = False


def carry_out_all(practice: Practice, rounds: int = 20) -> None:
    """Works through what is ordered, waiting a moment for what has to be tried again; bounded."""
    for _ in range(rounds):
        if not carry_out_due(practice) and not wait_for_retry(practice):
            return


def carry_out_due(practice: Practice, limit: int = 20) -> int:
    """Carries out up to `limit` orders, at most one of each call; returns how many it took."""
    with inside(practice):
        account = sms.account_of(practice)
        jobs = claim(limit)
    if not jobs:
        return 0
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(jobs))) as pool:
        results = list(pool.map(lambda job: carry_out(practice, account, job), jobs))
    for job, result in zip(jobs, results, strict=True):
        with inside(practice):
            store(job, result)
    return len(jobs)


def wait_for_retry(practice: Practice) -> bool:
    """Whether something is to be tried again within two seconds; waits for it."""
    with inside(practice):
        soon = timezone.now() + 2 * PAUSE
        again = CallCommand.objects.filter(status=Status.SENDING, claimed_until__lte=soon)
        if not again.exists():
            return False
    time.sleep(PAUSE.total_seconds())
    return True


def due() -> Q:
    return Q(status=Status.DUE) | Q(status=Status.SENDING, claimed_until__lte=timezone.now())


def claim(limit: int) -> list[Job]:
    """Takes the first open order of each call, unless somebody works on it; what nobody needs is done."""
    token, until = uuid.uuid4(), timezone.now() + LEASE
    while True:
        prepared = [(row, prepare(row, token)) for row in first_of_each_call()[:limit]]
        jobs = [job for _, job in prepared if job is not None]
        CallCommand.objects.filter(pk__in=[job.id for job in jobs]).update(
            status=Status.SENDING, claim=token, claimed_until=until, attempts=F("attempts") + 1
        )
        needless = [row.pk for row, job in prepared if job is None]
        CallCommand.objects.filter(pk__in=needless).update(status=Status.DONE, claim=None, claimed_until=None)
        if jobs or not needless:
            return jobs


def first_of_each_call() -> list[CallCommand]:
    """Due orders nobody holds, locked; one that has an unfinished order of its call before it waits."""
    due_now = CallCommand.objects.filter(due()).select_for_update(skip_locked=True)
    rows = list(due_now.order_by("created_at", "id")[:100])
    unfinished = CallCommand.objects.filter(
        status__in=[Status.DUE, Status.SENDING], call_id__in={row.call_id for row in rows}
    )
    first: dict[uuid.UUID, uuid.UUID] = {}
    for call_id, pk in unfinished.values_list("call_id", "pk"):
        first.setdefault(call_id, pk)
    return [row for row in rows if first.get(row.call_id) == row.pk]


def prepare(command: CallCommand, token: uuid.UUID) -> Job | None:
    """What an order needs; None when the call has moved on and nothing is left to do."""
    call = Call.objects.select_related("practice").get(pk=command.call_id)
    leaving = command.verb == Verb.TRANSFER and command.to_user_id is None
    if call.status in call_events.OVER and not leaving and command.verb not in {Verb.END, Verb.CALL_BACK}:
        return None
    to_patient = command.verb == Verb.DIAL and command.to_user_id is None
    person = command.to_user_id if command.verb == Verb.TRANSFER else command.created_by_id
    desk = Membership.objects.filter(user_id=person).first() if person else None
    return Job(
        id=command.pk,
        call_id=call.pk,
        verb=command.verb,
        claim=token,
        tried_before=command.attempts > 0,
        since=command.created_at - CLOCKS_APART,
        line=call.supplier_id,
        to=call.address if to_patient else str(desk.desk_phone) if desk else "",
        leg=leg_of(command, call),
        rung=call.supplier_id if to_patient else command.leg_id,
        needs_leg=not to_patient and not (command.verb == Verb.RESUME and call.staff_leg_id),
        leaving=leaving,
        known=known_lines(call),
    )


def leg_of(command: CallCommand, call: Call) -> str:
    """The open line that an order moves or ends: the person's own from another call, or the call's last."""
    if command.verb == Verb.TRANSFER:
        return "" if command.to_user_id else command.leg_id
    if command.verb == Verb.END:
        last = call_events.legs_of(call.pk).exclude(leg_id="").exclude(error_code=call_events.RANG_OFF).last()
        used = last and Call.objects.present().filter(staff_leg_id=last.leg_id).exclude(pk=call.pk).exists()
        return last.leg_id if last and not used else ""
    speaking = Call.objects.filter(
        handler_id=command.created_by_id, status__in=[Call.Status.LIVE, Call.Status.HELD]
    )
    other = speaking.exclude(pk=call.pk).exclude(staff_leg_id="").first()
    return other.staff_leg_id if other else ""


def known_lines(call: Call) -> frozenset[str]:
    """Lines we know already: what a list shows beside them is the one we are not sure of."""
    since = timezone.now() - dt.timedelta(hours=1)
    legs = (
        CallCommand.objects.filter(created_at__gte=since).exclude(leg_id="").values_list("leg_id", flat=True)
    )
    calls = Call.objects.filter(started_at__gte=since).exclude(supplier_id="")
    return frozenset(legs) | frozenset(calls.values_list("supplier_id", flat=True))


# Asking the supplier. No transaction is open here.


def carry_out(practice: Practice, account: sms.Account, job: Job) -> Result:
    """Asks the supplier for what was ordered; never raises."""
    try:
        return STEPS[Verb(job.verb)](practice, account, job)
    except Exception:
        logger.exception("order %s could not be carried out", job.id)
        return Result(Answer("uncertain"))


def answer(practice: Practice, account: sms.Account, job: Job) -> Result:
    """The desk phone rings, and the caller is taken from the queue to where they meet."""
    leg = bring_leg(practice, account, job)
    if leg.answer.outcome != "accepted":
        return leg
    moved = voice.redirect(account, job.line, voice.hook(practice, "joins", job.call_id))
    if voice.is_gone(moved):
        voice.hang_up(account, leg.rang)
        return Result(TAKEN, leg.rang, caller_gone=True)
    return Result(moved, leg.rang)


def hold(practice: Practice, account: sms.Account, job: Job) -> Result:
    return Result(voice.set_hold(account, voice.conference_name(job.call_id), job.line, True))


def resume(practice: Practice, account: sms.Account, job: Job) -> Result:
    """The desk phone comes back into the call, and the caller from hold."""
    leg = bring_leg(practice, account, job) if job.needs_leg else Result(TAKEN)
    if leg.answer.outcome != "accepted":
        return leg
    heard = voice.set_hold(account, voice.conference_name(job.call_id), job.line, False)
    return Result(heard, leg.rang)


def transfer(practice: Practice, account: sms.Account, job: Job) -> Result:
    """A colleague is rung into the call; or, once she is there, whoever handed over leaves."""
    if job.leaving:
        return Result(voice.hang_up(account, job.leg))
    voice.set_hold(account, voice.conference_name(job.call_id), job.line, False)
    return bring_leg(practice, account, job)


def end(practice: Practice, account: sms.Account, job: Job) -> Result:
    """Both lines ring off; a line that has gone already has rung off."""
    answers = [voice.hang_up(account, line) for line in (job.line, job.leg) if line]
    return Result(next((one for one in answers if one.outcome != "accepted"), TAKEN))


def dial(practice: Practice, account: sms.Account, job: Job) -> Result:
    """First the desk phone; when it was picked up, the patient's."""
    if job.needs_leg:
        return bring_leg(practice, account, job)
    return ring(
        practice, account, job, PATIENT_RINGS,
        voice.hook(practice, "joins", job.call_id), voice.hook(practice, "status", job.call_id),
    )  # fmt: skip


def call_back(practice: Practice, account: sms.Account, job: Job) -> Result:
    return Result(voice.redirect(account, job.line, voice.hook(practice, "call-back", job.call_id)))


def requeue(practice: Practice, account: sms.Account, job: Job) -> Result:
    return Result(voice.redirect(account, job.line, voice.hook(practice, "again", job.call_id)))


def bring_leg(practice: Practice, account: sms.Account, job: Job) -> Result:
    """Moves the person's open line into the call, or rings the desk phone."""
    url = voice.hook(practice, "leg", job.id)
    if job.leg and not job.rung:
        moved = voice.redirect(account, job.leg, url)
        if not voice.is_gone(moved):
            return Result(moved, job.leg)
    return ring(practice, account, job, DESK_RINGS, url, voice.hook(practice, "leg-status", job.id))


def ring(practice: Practice, account: sms.Account, job: Job, seconds: int, url: str, callback: str) -> Result:
    """Rings a telephone; one that may be ringing since an earlier try is found in the supplier's list."""
    line = str(practice.line_number)
    if job.rung:
        return Result(TAKEN, job.rung)
    if job.tried_before:
        found = voice.look_up(account, from_=line, to=job.to, since=job.since, known=job.known)
        if found.supplier_id != voice.NONE:  # found, or the supplier cannot be asked
            return Result(found, found.supplier_id)
    rung = voice.ring(account, from_=line, to=job.to, url=url, callback=callback, timeout=seconds)
    return Result(rung, rung.supplier_id)


STEPS: dict[str, Callable[[Practice, sms.Account, Job], Result]] = {
    Verb.ANSWER: answer, Verb.HOLD: hold, Verb.RESUME: resume, Verb.TRANSFER: transfer,
    Verb.END: end, Verb.DIAL: dial, Verb.CALL_BACK: call_back, Verb.REQUEUE: requeue,
}  # fmt: skip


# Storing what came of it.


def store(job: Job, result: Result) -> None:
    """Writes down what came of an order; a claim that was lost meanwhile keeps its hands off."""
    call = call_events.find(job.call_id)
    ours = CallCommand.objects.filter(pk=job.id, claim=job.claim, status=Status.SENDING)
    if call is None or not ours.exists():
        return
    if result.rang:
        keep_line(call, job, result.rang)
    if result.caller_gone:
        call_endings.caller_was_gone(call)
    if result.answer.outcome == "accepted" or (
        voice.is_gone(result.answer) and call.status in call_events.OVER
    ):
        ours.update(status=Status.DONE, claim=None, claimed_until=None)
    elif may_try_again(result.answer) and CallCommand.objects.get(pk=job.id).attempts < MOST_ATTEMPTS:
        ours.update(claim=None, claimed_until=timezone.now() + PAUSE)
    else:
        give_up(call, job, result.answer)
    changes.announce(call.practice, "calls")


def keep_line(call: Call, job: Job, rang: str) -> None:
    """Remembers the line that rings: the patient's, or a desk phone's."""
    if job.verb != Verb.DIAL or job.needs_leg:
        CallCommand.objects.filter(pk=job.id).update(leg_id=rang)
    elif not call.supplier_id:
        Call.objects.filter(pk=call.pk).update(supplier_id=rang)


def may_try_again(answer: Answer) -> bool:
    """Whether the supplier did not take it, or perhaps did; a line not there yet may be there in a moment."""
    if answer.outcome == "uncertain" or voice.is_gone(answer):
        return True
    return answer.verdict is not None and answer.verdict.then in {Then.RETRY, Then.RECONCILE}


def give_up(call: Call, job: Job, answer: Answer) -> None:
    """Says in words that the telephone did not follow, and takes back what is not true."""
    CallCommand.objects.filter(pk=job.id).update(
        status=Status.FAILED, claim=None, claimed_until=None, error_code=answer.code[:10]
    )
    why = WHY.get(answer.verdict.then) if answer.verdict else WHY[Then.RECONCILE]
    if voice.is_gone(answer):
        why = "the line is no longer there"
    words = f"{PROBLEMS[Verb(job.verb)]}: {why or 'the telephone service refused it'}."
    call_events.undo(call, CallCommand.objects.get(pk=job.id), words)


def carry_out_everywhere(practices: Iterable[Practice]) -> None:
    """What a lost wake-up left, and the calls whose last seconds are over, in every practice."""
    for practice in practices:
        carry_out_all(practice)
        with inside(practice):
            call_endings.sweep()
