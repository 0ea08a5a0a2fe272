"""What patients are told about a visit, and what is taken back before it leaves.

Texts wait in the outbox until the undo window is over, so a change that is taken back is never heard of.
A `Notice` ties each message to the visit it speaks of.
"""

import datetime as dt

from django.utils import timezone

from messaging.models import Message
from messaging.outbox import queue_message, withdraw_messages
from messaging.templates import render
from patients.contacts import Reach, practice_name_for, reachability, show_phone
from patients.models import Channel, Patient
from patients.zones import after_quiet
from practices.audit import Actor
from practices.models import Language
from practices.tenancy import current_practice
from scheduling.clocks import local_start
from scheduling.links import address_of, create_link, reopen_links, revoke_links
from scheduling.models import Appointment, CancellationReason, Notice
from scheduling.visit_calendar import invitation
from scheduling.wallclock import say_time

S = Message.Status
LEFT = [S.SENDING, S.UNCERTAIN, S.SENT, S.DELIVERED]  # the patient knows, or may know
ASKING = ("confirmation", "moved")

# An e-mail or text in Spanish must not depend on the server's locales; no accents that leave GSM-7.
SPANISH_DAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sabado", "domingo")
SPANISH_MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
    "noviembre", "diciembre",
)  # fmt: skip


def say_date(day: dt.date, language: str) -> str:
    """Tue, Nov 24 or, in Spanish, martes 24 de noviembre."""
    if language == Language.SPANISH:
        return f"{SPANISH_DAYS[day.weekday()]} {day.day} de {SPANISH_MONTHS[day.month - 1]}"
    return f"{day:%a, %b} {day.day}"


def say_short(day: dt.date, language: str) -> str:
    """Nov 24 or, in Spanish, 24 nov."""
    if language == Language.SPANISH:
        return f"{day.day} {SPANISH_MONTHS[day.month - 1][:3]}"
    return f"{day:%b} {day.day}"


def channel_for(patient: Patient, reach: Reach | None = None) -> str | None:
    """How a patient may be written to: the preferred way if it is open, else the other; None for nobody.

    Somebody who asked to be called is not written to.
    """
    if patient.deceased or patient.preferred_channel == Channel.CALL:
        return None
    reach = reach or reachability([patient])[patient.pk]
    ways = [
        channel
        for channel, open_ in ((Channel.SMS, reach.can_text), (Channel.EMAIL, reach.can_email))
        if open_
    ]
    if patient.preferred_channel in ways:
        return patient.preferred_channel
    return ways[0] if ways else None


def tell(
    visit: Appointment,
    kind: str,
    *,
    rule: str = "",
    send_after: dt.datetime | None = None,
    reach: Reach | None = None,
    by: Actor,
) -> Message | None:
    """Queues one message about a visit; None when nobody may be written to or it would come too late.

    `rule` tells two reminders of a visit apart (`reminder-2`); a visit's version hears of a rule once.
    """
    practice = current_practice()
    send_after = send_after or timezone.now() + practice.undo_window
    reach = reach or reachability([visit.patient])[visit.patient_id]
    channel = channel_for(visit.patient, reach)
    if channel is None or leaves_too_late(visit, channel, reach, send_after):
        return None
    language = visit.patient.language
    words = render(kind, language, _variables(visit, kind, language), channel=channel)
    message = queue_message(
        patient=visit.patient,
        channel=channel,
        reach=reach,
        kind=kind,
        body=words.body,
        subject=words.subject,
        calendar=calendar_for(visit, kind, channel, reach),
        language=language,
        send_after=send_after,
        useful_until=visit.starts_at,
        idempotency_key=f"{rule or kind}:{visit.pk}:{visit.version}:{channel}",
        by=by,
    )
    # A message that was there already has its notice: the constraint knows, nobody has to look.
    notice = Notice(
        practice=practice, message=message, appointment=visit, kind=rule or kind, version=visit.version
    )
    Notice.objects.bulk_create([notice], ignore_conflicts=True)
    return message


def calendar_for(visit: Appointment, kind: str, channel: str, reach: Reach) -> str | None:
    """What goes along with an e-mail about a booking, a move or a cancellation; nothing with a text."""
    point = reach.point_for(channel)
    if channel != Channel.EMAIL or point is None:
        return None
    return invitation(visit, kind, to=str(point.value), language=visit.patient.language)


def leaves_too_late(visit: Appointment, channel: str, reach: Reach, send_after: dt.datetime) -> bool:
    """Whether the quiet hours would keep it until the visit has begun."""
    point = reach.point_for(channel)
    number = str(point.value) if point is not None and channel != Channel.EMAIL else ""
    return after_quiet(current_practice(), number, send_after) >= visit.starts_at


def _variables(visit: Appointment, kind: str, language: str) -> dict[str, str]:
    practice = current_practice()
    local = local_start(visit)
    link = "" if kind in {"cancelled", "thanks", "noted"} else address_of(create_link(visit)[1])
    return {
        "practice": practice_name_for(visit.patient),
        "name": visit.patient.preferred or visit.patient.given,
        "date": say_date(local.date(), language),
        "time": say_time(local.time()),
        "phone": show_phone(str(practice.line_number)),
        "link": link,
    }


def answer(visit: Appointment, kind: str, *, to: Message, by: Actor) -> Message:
    """Answers a text at once, also in quiet hours: the patient has just written."""
    language = visit.patient.language
    return queue_message(
        patient=visit.patient,
        channel=to.channel,
        kind=Message.Kind.REPLY,
        body=render(kind, language, _variables(visit, kind, language)).body,
        language=language,
        contact_point=to.contact_point,
        send_after=timezone.now(),
        useful_until=timezone.now() + dt.timedelta(hours=2),
        idempotency_key=f"{kind}:{to.pk}",
        ignores_quiet_hours=True,
        in_reply_to=to,
        by=by,
    )


def withdraw(visit: Appointment, *, reason: str, by: Actor, kinds: str = "") -> int:
    """Takes back what is still waiting about a visit; `kinds` narrows it to those that begin so."""
    waiting = Message.objects.waiting().filter(notices__appointment=visit, notices__kind__startswith=kinds)
    return withdraw_messages(messages=waiting, reason=reason, by=by)


def heard(visit: Appointment, *kinds: str) -> bool:
    """Whether anything about this row of the chain has left, or anything of these kinds."""
    notices = Notice.objects.filter(appointment=visit, message__status__in=LEFT)
    return notices.filter(kind__in=kinds).exists() if kinds else notices.exists()


def heard_of_chain(visit: Appointment | None) -> bool:
    """Whether the patient was told of this visit or of one that it replaced."""
    while visit is not None:
        if heard(visit):
            return True
        visit = visit.rescheduled_from
    return False


def tell_booked(visit: Appointment, *, by: Actor) -> None:
    """Queues the confirmation of a new visit."""
    tell(visit, "confirmation", by=by)


def tell_moved(old: Appointment, new: Appointment, *, by: Actor, aloud: bool = True) -> None:
    """Withdraws what waits about the old time and says the new one, as news if the old was never heard."""
    withdraw(old, reason="moved", by=by)
    if old.cancelled_at is not None:
        revoke_links(old, at=old.cancelled_at)
    if aloud:
        tell(new, "moved" if heard_of_chain(old) else "confirmation", by=by)


def tell_cancelled(visit: Appointment, *, by: Actor, aloud: bool = True) -> None:
    """Withdraws what waits, closes the links, and says so, unless only the patient ever knew of the visit."""
    withdraw(visit, reason="cancelled", by=by)
    if visit.cancelled_at is not None:
        revoke_links(visit, at=visit.cancelled_at)
    own_wish = visit.cancellation_reason.startswith("pat") or visit.cancellation_reason == (
        CancellationReason.ERROR
    )
    if aloud and (heard_of_chain(visit) or not own_wish):
        tell(visit, "cancelled", by=by)


def take_back(visit: Appointment, *, by: Actor, aloud: bool = True) -> bool:
    """A booking that never was: withdraws its texts and links; returns whether one had left already."""
    withdraw(visit, reason="taken back", by=by)
    revoke_links(visit, at=timezone.now())
    told = heard(visit)
    if told and aloud:
        tell(visit, "cancelled", by=by)
    return told


def tell_again(
    visit: Appointment, closed_at: dt.datetime | None, *, by: Actor, corrects: bool = False
) -> None:
    """A visit stands again: its links work, and what was withdrawn with it, or said wrongly, is said anew.

    `corrects` says that the patient was told another time meanwhile.
    """
    withdraw(visit, reason="taken back", by=by)
    if closed_at is not None:
        reopen_links(visit, closed_at=closed_at)
    withdrawn = Notice.objects.filter(appointment=visit, kind__in=ASKING, message__status=S.CANCELLED)
    if corrects:
        tell(visit, "moved", by=by)
    elif heard(visit, "cancelled") or (withdrawn.exists() and not heard(visit, *ASKING)):
        tell(visit, "confirmation", by=by)


def stop_reminding(visit: Appointment, *, reason: str, by: Actor, comes: bool = False) -> None:
    """The patient has answered: nothing asks any more. Who comes still hears what asks nothing."""
    waiting = Message.objects.waiting().filter(
        notices__appointment=visit, notices__kind__startswith="reminder"
    )
    if comes:
        waiting = waiting.exclude(notices__rule__asks=False)
    withdraw_messages(messages=waiting, reason=reason, by=by)


def fall_silent(visit: Appointment, *, reason: str, by: Actor) -> None:
    """The patient is here, or did not come: nothing that waits about this visit makes sense any more."""
    withdraw(visit, reason=reason, by=by)
