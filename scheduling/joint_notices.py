"""One message about several visits of a patient: a series is told in one text, not in twelve.

A visit of a series or of linked visits is told with the others as long as that message waits: whatever
changes before it leaves, the message is written anew. Visits that stand alone are told by `notices`.
"""

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from typing import Any

from django.utils import timezone

from messaging.models import Message
from messaging.outbox import queue_message
from messaging.templates import Wording, render, segments
from patients.contacts import Reach, practice_name_for, reachability, show_phone
from patients.models import Channel
from practices.audit import Actor
from practices.models import Language
from practices.tenancy import current_practice
from scheduling import notices
from scheduling.chains import in_calendars
from scheduling.clocks import local_start
from scheduling.links import address_of, create_link, reopen_links, revoke_links
from scheduling.models import Appointment, CancellationReason, Notice
from scheduling.notices import ASKING, channel_for, say_short
from scheduling.wallclock import say_time

MOST_TEXTS = 2  # a list that needs more is told as its first, its last and how many
LONG_AHEAD = dt.timedelta(days=330)


def tell_many(visits: Sequence[Appointment], kind: str, *, by: Actor) -> list[Message]:
    """Queues one message per patient about these visits: confirmation, moved or cancelled.

    One mail brings one entry to a calendar: a date that stands in the patient's already is told by itself.
    """
    by_patient: dict[object, list[Appointment]] = defaultdict(list)
    for visit in sorted(visits, key=lambda one: (one.starts_at, one.pk)):
        by_patient[visit.patient_id].append(visit)
    told = [message for theirs in by_patient.values() for message in _tell(theirs, kind, by)]
    return [message for message in told if message is not None]


def _tell(visits: Sequence[Appointment], kind: str, by: Actor) -> list[Message | None]:
    if len(visits) == 1:
        return [notices.tell(visits[0], kind, by=by)]
    patient = visits[0].patient
    reach = reachability([patient])[patient.pk]
    mailed = channel_for(patient, reach) == Channel.EMAIL
    alone = in_calendars([visit.pk for visit in visits], notices.LEFT) if mailed else set()
    rest = [visit for visit in visits if visit.pk not in alone]
    singly = [visit for visit in visits if visit.pk in alone or len(rest) == 1]
    told = [notices.tell(visit, kind, reach=reach, by=by) for visit in singly]
    return told if len(rest) < 2 else [*told, _tell_together(rest, kind, reach, by)]


def _tell_together(visits: Sequence[Appointment], kind: str, reach: Reach, by: Actor) -> Message | None:
    practice, patient = current_practice(), visits[0].patient
    channel = channel_for(patient, reach)
    send_after = timezone.now() + practice.undo_window
    if channel is None or notices.leaves_too_late(visits[-1], channel, reach, send_after):
        return None
    language = patient.language
    words = _words(visits, kind, language, channel)
    message = queue_message(
        patient=patient,
        channel=channel,
        reach=reach,
        kind=kind,
        language=language,
        send_after=send_after,
        useful_until=visits[-1].starts_at,
        idempotency_key=f"{kind}:{_fingerprint(visits)}:{channel}",
        body=words.body,
        subject=words.subject,
        by=by,
    )
    Notice.objects.bulk_create(
        [
            Notice(practice=practice, message=message, appointment=visit, kind=kind, version=visit.version)
            for visit in visits
        ],
        ignore_conflicts=True,
    )
    return message


def _fingerprint(visits: Sequence[Appointment]) -> str:
    """Stands for these versions of these visits: the same message is never stored twice."""
    names = "+".join(f"{visit.pk}.{visit.version}" for visit in visits)
    return hashlib.blake2s(names.encode(), digest_size=12).hexdigest()


def _words(visits: Sequence[Appointment], kind: str, language: str, channel: str) -> Wording:
    """Body and subject; a text whose list would be too long says the first, the last and how many."""
    patient = visits[0].patient
    variables = {
        "practice": practice_name_for(patient),
        "name": patient.preferred or patient.given,
        "phone": show_phone(str(current_practice().line_number)),
        "link": "" if kind == "cancelled" else address_of(create_link(visits[0])[1]),
    }

    def with_list(words: str) -> Wording:
        return render(f"{kind}-many", language, variables | {"visits": words}, channel=channel)

    whole = with_list(list_words(visits, language))
    if channel == Channel.EMAIL or segments(whole.body) <= MOST_TEXTS:
        return whole
    return with_list(short_words(visits, language))


def list_words(visits: Sequence[Appointment], language: str) -> str:
    """Dec 1, Dec 8 and Dec 15 at 9:00 AM; each with its own time where they differ."""
    times = {_clock(visit) for visit in visits}
    if len(times) == 1:
        days = _join([_day(visit, visits, language) for visit in visits], language)
        return f"{days} {'a las' if language == Language.SPANISH else 'at'} {times.pop()}"
    return _join([f"{_day(visit, visits, language)} {_clock(visit)}" for visit in visits], language)


def short_words(visits: Sequence[Appointment], language: str) -> str:
    """30 in all, first Dec 1 9:00 AM, last Jul 6 9:00 AM."""
    first, last = (f"{_day(visit, visits, language)} {_clock(visit)}" for visit in (visits[0], visits[-1]))
    if language == Language.SPANISH:
        return f"{len(visits)} en total, la primera {first}, la última {last}"
    return f"{len(visits)} in all, first {first}, last {last}"


def _join(parts: Sequence[str], language: str) -> str:
    last = " y " if language == Language.SPANISH else " and "
    return last.join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _day(visit: Appointment, visits: Sequence[Appointment], language: str) -> str:
    """Dec 1, with the year where a series is so long that the day alone would be in doubt."""
    local = local_start(visit)
    day, year = say_short(local.date(), language), local.year
    return f"{day} {year}" if visits[-1].starts_at - visits[0].starts_at > LONG_AHEAD else day


def _clock(visit: Appointment) -> str:
    return say_time(local_start(visit).time())


def tell_moved(old: Appointment, new: Appointment, *, by: Actor, aloud: bool = True) -> None:
    """As `notices.tell_moved`; while the message about all of them waits, it is written anew instead."""
    if tell_anew(old, new, by=by):
        _close_links(old)
    else:
        notices.tell_moved(old, new, by=by, aloud=aloud)


def tell_cancelled(visit: Appointment, *, by: Actor, aloud: bool = True) -> None:
    """As `notices.tell_cancelled`; of a visit that was never heard of, nothing need be said."""
    if tell_anew(visit, by=by):
        _close_links(visit)
    else:
        notices.tell_cancelled(visit, by=by, aloud=aloud)


def take_back(visit: Appointment, *, by: Actor, aloud: bool = True) -> bool:
    """As `notices.take_back`; the others stay told."""
    tell_anew(visit, by=by)
    return notices.take_back(visit, by=by, aloud=aloud)


def tell_again(
    visit: Appointment, closed_at: dt.datetime | None, *, by: Actor, corrects: bool = False
) -> None:
    """As `notices.tell_again`; where the message about the others waits, the visit is in it again."""
    others = _waiting_with(visit)
    if others and not corrects and not notices.heard(visit):
        notices.withdraw(visit, reason="taken back", by=by)
        _say_anew(others, visit, by)
        if closed_at is not None:
            reopen_links(visit, closed_at=closed_at)
    else:
        notices.tell_again(visit, closed_at, by=by, corrects=corrects)


def take_all_back(visits: Sequence[Appointment], *, by: Actor, aloud: bool = True) -> list[Appointment]:
    """Bookings that never were: withdraws their texts and links; returns those of which one had left."""
    told = [visit for visit in visits if notices.take_back(visit, by=by, aloud=False)]
    if told and aloud:
        tell_many(told, "cancelled", by=by)
    return told


def cancel_all(visits: Sequence[Appointment], *, by: Actor, aloud: bool = True) -> None:
    """As `notices.tell_cancelled`, in one message: only what was heard of, or is not the patient's wish."""
    own_wish = all(visit.cancellation_reason.startswith("pat") for visit in visits)
    said = [visit for visit in visits if not own_wish or notices.heard_of_chain(visit)]
    for visit in visits:
        notices.tell_cancelled(visit, by=by, aloud=False)
    if aloud and said and visits[0].cancellation_reason != CancellationReason.ERROR:
        tell_many(said, "cancelled", by=by)


def move_all(moved: Sequence[tuple[Appointment, Appointment]], *, by: Actor, aloud: bool = True) -> None:
    """As `notices.tell_moved`, in one message for all of a patient's visits."""
    heard = any(notices.heard_of_chain(old) for old, _ in moved)
    for old, new in moved:
        notices.tell_moved(old, new, by=by, aloud=False)
    if aloud:
        tell_many([new for _, new in moved], "moved" if heard else "confirmation", by=by)


def tell_all_again(
    visits: Sequence[Appointment],
    closed_at: Mapping[Any, dt.datetime | None],
    *,
    corrects: Container[Any] = (),
    by: Actor,
) -> None:
    """As `notices.tell_again`, in one message; `corrects` are those told another time since."""
    again = []
    for visit in visits:
        notices.withdraw(visit, reason="taken back", by=by)
        if closed := closed_at.get(visit.pk):
            reopen_links(visit, closed_at=closed)
        withdrawn = Notice.objects.filter(
            appointment=visit, kind__in=ASKING, message__status=Message.Status.CANCELLED
        )
        lost = withdrawn.exists() and not notices.heard(visit, *ASKING)
        if visit.pk in corrects or notices.heard(visit, "cancelled") or lost:
            again.append(visit)
    if again:
        wrong = any(visit.pk in corrects for visit in again)
        tell_many(again, "moved" if wrong else "confirmation", by=by)


def tell_anew(gone: Appointment, new: Appointment | None = None, *, by: Actor) -> bool:
    """Writes the waiting message about a visit and others anew, without it; False where there is none."""
    if not (gone.series_id or gone.linked_id):
        return False
    rows = Notice.objects.filter(appointment=gone, kind__in=ASKING, message__status=Message.Status.QUEUED)
    notice = rows.select_related("message").first()
    if notice is None or notice.message.notices.count() < 2:
        return False
    said = Notice.objects.filter(message=notice.message).select_related("appointment__patient")
    others = [row.appointment for row in said if row.appointment_id != gone.pk and row.appointment.is_open]
    notices.withdraw(gone, reason="changed", by=by)
    tell_many([*others, *([new] if new is not None else [])], notice.kind, by=by)
    return True


def _waiting_with(visit: Appointment) -> list[Notice]:
    """What waits about the other visits that this one belongs to, of the same patient."""
    if not (visit.series_id or visit.linked_id):
        return []
    together = {"series": visit.series_id} if visit.series_id else {"linked": visit.linked_id}
    visits = Appointment.objects.filter(patient=visit.patient_id, **together).exclude(pk=visit.pk)
    rows = Notice.objects.filter(
        appointment__in=visits, kind__in=ASKING, message__status=Message.Status.QUEUED
    )
    return list(rows.select_related("appointment__patient"))


def _say_anew(waiting: Sequence[Notice], also: Appointment, by: Actor) -> None:
    others = {row.appointment_id: row.appointment for row in waiting if row.appointment.is_open}
    for row in waiting:
        notices.withdraw(row.appointment, reason="changed", by=by)
    tell_many([*others.values(), also], waiting[0].kind, by=by)


def _close_links(visit: Appointment) -> None:
    if visit.cancelled_at is not None:
        revoke_links(visit, at=visit.cancelled_at)
