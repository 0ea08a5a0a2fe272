"""The breaker of each practice's lines: a line that does not work rests, says so, and is tried again softly.

Closed: everything leaves. Open: nothing is claimed until `resting_until`. Half open: then one message goes
as a probe; its success closes the breaker, its failure makes the pause longer.
"""

import datetime as dt
import logging
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from messaging.models import LineState, Task
from messaging.outcomes import Answer, Then
from messaging.staff_tasks import close_task, open_task
from patients.models import Channel
from practices import changes
from practices.audit import SYSTEM
from practices.models import Practice
from practices.tenancy import current_practice

logger = logging.getLogger(__name__)

FAILURES = 5  # in a row without one success between, until a line counts as down
FIRST_PAUSE, LONGEST_PAUSE = dt.timedelta(minutes=1), dt.timedelta(minutes=15)
FULL_QUEUE_PAUSE = dt.timedelta(seconds=30)
WORDS = {Channel.SMS: "Texts do", Channel.EMAIL: "E-mails do", Channel.CALL: "Automatic calls do"}


def words_of(practice: Practice) -> str:
    """What a page says at its top: “Texts do not go out since 10:42 AM.”; nothing while all lines work."""
    said = []
    for channel, since in sorted(practice.lines_out.items()):
        at = dt.datetime.fromisoformat(since).astimezone(practice.zone)
        day = "" if at.date() == practice.today() else f"{at:%a}, {at:%b} {at.day}, "
        clock = f"{at.hour % 12 or 12}:{at:%M} {'AM' if at.hour < 12 else 'PM'}"
        said.append(f"{WORDS[Channel(channel)]} not go out since {day}{clock}.")
    return " ".join(said)


def resting(now: dt.datetime) -> Exists:
    """Whether the line of an outgoing message rests; part of the look for what is due."""
    return Exists(LineState.objects.filter(channel=OuterRef("channel"), resting_until__gt=now))


def out() -> Exists:
    """Whether the line of an outgoing message is known as not working."""
    return Exists(LineState.objects.filter(channel=OuterRef("channel")).exclude(reason=""))


def take_probes(channels: Iterable[str], now: dt.datetime) -> set[str]:
    """Of lines whose rest is over, those that this worker may try; nobody else tries them meanwhile."""
    states = list(
        LineState.objects.select_for_update(skip_locked=True)
        .filter(channel__in=set(channels), resting_until__lte=now)
        .exclude(reason="")
    )
    lease = now + dt.timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)
    LineState.objects.filter(pk__in=[state.pk for state in states]).update(resting_until=lease)
    return {state.channel for state in states}


def heard(practice: Practice, channel: str, answers: Sequence[Answer], *, was_out: bool) -> None:
    """Draws from what came of some sends how the line is; writes nothing while all is well."""
    refused = next((answer for answer in answers if then(answer) is Then.BREAK), None)
    if refused is not None and refused.verdict is not None:
        break_line(practice, channel, refused.verdict.words)
        return
    if any(works(answer) for answer in answers):
        if was_out or any(not works(answer) for answer in answers):
            close_line(practice, channel)
        return
    if answers and answers[0].verdict is not None and answers[0].verdict.reason == "queue_full":
        pause(channel, FULL_QUEUE_PAUSE)
        return
    failed = [answer for answer in answers if failure(answer)]
    if failed:
        note_failures(practice, channel, len(failed))


def then(answer: Answer) -> Then | None:
    return answer.verdict.then if answer.verdict is not None else None


def works(answer: Answer) -> bool:
    """Whether the supplier dealt with a message, be it by refusing this one."""
    return answer.outcome == "accepted" or then(answer) in {Then.BAD_NUMBER, Then.OPTED_OUT, Then.STOP}


def failure(answer: Answer) -> bool:
    """No connection, no answer in time, or a fault of the supplier's own."""
    no_connection = answer.verdict is not None and answer.verdict.reason == "not_connected"
    return answer.outcome == "uncertain" or no_connection


def state_of(channel: str) -> LineState:
    """The row of a line, locked; made when there is none yet."""
    row = LineState(practice=current_practice(), channel=channel)
    LineState.objects.bulk_create([row], ignore_conflicts=True)
    found: LineState = LineState.objects.select_for_update().get(channel=channel)
    return found


def break_line(practice: Practice, channel: str, words: str) -> None:
    """The account or number is refused: the line rests at once, and the people who run this are told."""
    state = state_of(channel)
    if not state.reason:
        # Whoever watches the log is paged by this line: nothing but a person can mend it.
        logger.error("practice %s: the supplier refuses its %s line: %s", practice.pk, channel, words)
    _open(practice, state, words, LONGEST_PAUSE)


def note_failures(practice: Practice, channel: str, count: int) -> None:
    """Counts failures in a row; from the fifth on the line rests, longer each time it was tried in vain."""
    state = state_of(channel)
    if state.reason:
        state.failures += 1  # a probe
    else:
        state.failures = min(state.failures + count, FAILURES)
    if state.failures < FAILURES:
        state.save(update_fields=["failures"])
        return
    times = min(state.failures - FAILURES, 8)
    rest = min(FIRST_PAUSE * 2**times, LONGEST_PAUSE)
    _open(practice, state, state.reason or "the service cannot be reached", rest)


def _open(practice: Practice, state: LineState, words: str, rest: dt.timedelta) -> None:
    now = timezone.now()
    newly = not state.reason
    state.reason, state.resting_until, state.since = words[:40], now + rest, state.since or now
    state.save()
    if not newly:
        return
    _tell(practice, state.channel, now)
    open_task(
        kind=Task.Kind.LINE,
        due_at=now + dt.timedelta(minutes=15),
        once_key=f"line:{state.channel}",
        urgency=Task.Urgency.SOON,
        note=f"{WORDS[Channel(state.channel)]} not go out: {words}. They wait and go by themselves later.",
        by=SYSTEM,
    )


def close_line(practice: Practice, channel: str) -> None:
    """The line works: nothing rests any more, the banner goes, its task is closed."""
    state = LineState.objects.select_for_update().filter(channel=channel).first()
    if state is None or not (state.failures or state.reason or state.resting_until):
        return
    was_out = bool(state.reason)
    state.reason, state.failures, state.since, state.resting_until = "", 0, None, None
    state.last_good_at = timezone.now()
    state.save()
    if was_out:
        _tell(practice, channel, None)
        for task in Task.objects.open().filter(once_key=f"line:{channel}"):
            close_task(task=task, outcome="works again", by=SYSTEM)


def pause(channel: str, rest: dt.timedelta) -> None:
    """The supplier's queue is full: go slower, without alarm."""
    state = state_of(channel)
    state.resting_until = max(state.resting_until or timezone.now(), timezone.now() + rest)
    state.save(update_fields=["resting_until"])


def _tell(practice: Practice, channel: str, since: dt.datetime | None) -> None:
    """Keeps beside the practice what every page says at its top."""
    row = Practice.objects.select_for_update().get(pk=practice.pk)
    row.lines_out = {key: at for key, at in row.lines_out.items() if key != channel}
    if since is not None:
        row.lines_out[channel] = since.isoformat()
    row.save(update_fields=["lines_out"])
    changes.announce(practice, "queue", "lines", "messages")
