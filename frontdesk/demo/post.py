"""What was said between the demo's practices and their patients before anybody looked.

Nothing of it leaves: the same transaction that queues a text also writes down what became of it, so the
outbox never sees one that waits. From then on the real outbox does the talking.
"""

import datetime as dt
import secrets
from collections.abc import Iterator, Sequence

from django.utils import timezone

from frontdesk.demo import names
from frontdesk.demo.clock import at
from frontdesk.demo.filling import Desk
from messaging import inbox, refusals
from messaging.models import Message
from messaging.outcomes import OUTCOMES
from patients.contacts import consent_state, textable_contact
from patients.models import Channel, Patient
from scheduling import reminders
from scheduling.booking import confirm_appointment
from scheduling.models import Appointment, Notice, Status
from scheduling.rules import active_rules

MINUTE = dt.timedelta(minutes=1)
ANSWERED, SAID_NO = 0.7, 0.03
DAYS_REMINDED = 2  # so many days back reminders are told; earlier ones nobody looks at
SEND_TROUBLE = ("30005", "30006")  # a number given up, a landline


def remind(desk: Desk) -> int:
    """Runs the reminders of these days at their hour and answers most of them; returns how many went."""
    went = 0
    rules = [rule for rule in active_rules() if rule.at is not None]
    hour = rules[0].at if rules else None
    farthest = max((rule.days_before or 0 for rule in rules), default=0)
    for days_ago in range(min(farthest, DAYS_REMINDED), -1, -1):
        if hour is None:
            break
        day = desk.today - dt.timedelta(days=days_ago)
        moment = desk.instant(day, hour.hour, hour.minute)
        if moment <= desk.now:
            with at(moment):
                went += reminders.queue_reminders(desk.practice)
            settle(desk, moment, undelivered=1)
            answer_for_patients(desk, moment)
    with at(desk.now):
        reminders.follow_deliveries(desk.now)
    return went


def settle(desk: Desk, moment: dt.datetime, *, undelivered: int = 0) -> None:
    """Writes down for all that waits that the supplier delivered it, or for a few that it could not."""
    waiting = list(
        Message.objects.waiting().filter(send_after__lte=desk.now).select_related("contact_point", "patient")
    )
    texts = [message for message in waiting if message.channel == Channel.SMS]
    # Keys differ from run to run, names and words do not (a link ends them): the same texts get lost.
    texts.sort(key=lambda one: (one.patient.sort_name if one.patient else "", one.kind, one.body))
    lost = desk.rng.sample(texts, min(undelivered, len(texts) // 4))
    for message in waiting:
        message.attempts, message.supplier_id = 1, f"SM{secrets.token_hex(16)}"
        message.sent_at = message.send_after
        message.status = Message.Status.UNDELIVERED if message in lost else Message.Status.DELIVERED
        if message in lost:
            message.error_code = desk.rng.choice(SEND_TROUBLE)
            message.reason = OUTCOMES[message.error_code].reason
        message.save(update_fields=["attempts", "supplier_id", "sent_at", "status", "error_code", "reason"])
    with at(moment + 5 * MINUTE):
        for message in lost:
            refusals.follow(message, OUTCOMES[message.error_code])


def answer_for_patients(desk: Desk, asked_at: dt.datetime) -> None:
    """Most of those asked say yes within hours, a few say no, some say nothing."""
    asked = Notice.objects.filter(
        kind__startswith="reminder",
        message__send_after=asked_at,
        message__status=Message.Status.DELIVERED,
        appointment__status=Status.BOOKED,
    ).select_related("message", "appointment__patient", "appointment__practitioner")
    order = ("starts_at", "practitioner__position", "patient__sort_name")
    for notice in asked.order_by(*(f"appointment__{name}" for name in order)):
        if notice.appointment.patient_id in desk.silent:
            continue
        luck = desk.rng.random()
        written_at = min(asked_at + desk.rng.randint(2, 300) * MINUTE, desk.now - 6 * MINUTE)
        if luck > ANSWERED or written_at <= asked_at:
            continue
        with at(written_at):
            if notice.message.channel == Channel.SMS and luck < ANSWERED * 0.75:
                _reply(desk, notice, luck < SAID_NO)
            else:
                confirm_appointment(appointment=notice.appointment, how="link", by=desk.by)
    settle(desk, asked_at)


def _reply(desk: Desk, notice: Notice, refuses: bool) -> None:
    spanish = notice.message.language == "es"
    words = "No" if refuses else desk.rng.choice(names.YES_IN_SPANISH if spanish else names.YES_IN_ENGLISH)
    receive(desk, str(notice.message.address), words)


def receive(desk: Desk, number: str, words: str) -> None:
    """A text comes in, as through the supplier's webhook."""
    inbox.receive(from_=number, body=words, supplier_id=f"SM{secrets.token_hex(16)}")


def questions(desk: Desk, visits: Sequence[Appointment], texts: Sequence[str]) -> None:
    """Texts that a person has to answer, from people with a visit still ahead, the last one minutes ago."""
    people = _who_write(desk, visits)
    minutes = 3
    for words in reversed(texts):
        patient = next(people, None)
        if patient is None:
            return
        with at(desk.now - minutes * MINUTE):
            receive(desk, patient, words)
        settle(desk, desk.now - minutes * MINUTE)
        minutes += desk.rng.randint(6, 24)


def _who_write(desk: Desk, visits: Sequence[Appointment]) -> Iterator[str]:
    """Mobile numbers of people with a visit that is open, later ones first."""
    for visit in sorted(visits, key=lambda one: one.starts_at, reverse=True):
        number = mobile(visit.patient)
        if visit.starts_at > desk.now and number and desk.rng.random() < 0.6:
            yield number


def mobile(patient: Patient) -> str:
    """The number that may be texted, empty if there is none."""
    point = textable_contact(patient)
    return str(point.value) if point and consent_state(patient, Channel.SMS) else ""


def confirm_some_by_phone(desk: Desk, visits: Sequence[Appointment]) -> None:
    """Some of those who cannot be texted were called."""
    for visit in visits:
        if visit.is_open and visit.can_confirm and desk.rng.random() < 0.25:
            with at(min(desk.now, timezone.now()) - desk.rng.randint(30, 300) * MINUTE):
                confirm_appointment(appointment=visit, how="phone", by=desk.by)
