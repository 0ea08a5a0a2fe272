"""How much a patient hears unasked: so many automatic messages a day and a week (SECURITY.md D11).

Asked for at the last look before a message leaves, so that every sender keeps to it and what was withdrawn
does not count. News of a visit (moved, cancelled, running late) and the confirmation of one within a day
always go.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable

from messaging.models import DeskRules, Message
from messaging.refusals import AGAIN

Kind, Status = Message.Kind, Message.Status
HELD = {Kind.REMINDER, Kind.CONFIRMATION, Kind.BROADCAST, Kind.RECALL}  # no answer to a missed call
COUNTED = [*HELD, Kind.MOVED, Kind.CANCELLED, Kind.CHOOSE, Kind.CHOSEN, Kind.STAYS, Kind.DELAY]
WEEK = dt.timedelta(days=7)
URGENT = dt.timedelta(days=1)  # what comes so soon is told today
GONE = [Status.SENDING, Status.UNCERTAIN, Status.SENT, Status.DELIVERED]


def occasion(key: str) -> str:
    """What a message is about, whatever channel or try it is: each counts once."""
    root = key.partition(AGAIN)[0]
    return ":".join(root.split(":")[:3]) if root.startswith("rule:") else root


class Heard:
    """What some patients heard in the last seven days, and what they hear while this is asked."""

    def __init__(self, messages: Iterable[Message], now: dt.datetime) -> None:
        patients = {message.patient_id for message in messages if message.kind in HELD and message.patient_id}
        self.now = now
        self.told: dict[uuid.UUID, dict[str, dt.datetime]] = defaultdict(dict)
        self.rules = DeskRules.of_practice() if patients else DeskRules()
        if patients:
            self._read(patients)

    def _read(self, patients: set[uuid.UUID]) -> None:
        rows = Message.objects.filter(
            patient__in=patients,
            direction=Message.Direction.OUT,
            kind__in=COUNTED,
            status__in=GONE,
            created_at__gt=self.now - 2 * WEEK,
        ).values_list("patient_id", "idempotency_key", "sent_at", "send_after")
        for patient, key, sent_at, send_after in rows:
            at = sent_at or send_after
            if at is not None and at > self.now - WEEK:
                self.note(patient, key, at)

    def note(self, patient: uuid.UUID, key: str, at: dt.datetime) -> None:
        known = self.told[patient].setdefault(occasion(key), at)
        self.told[patient][occasion(key)] = min(known, at)

    def over(self, message: Message, at: dt.datetime) -> bool:
        """Whether this message would be one too many at that time; what goes is remembered."""
        if message.kind not in HELD or message.patient_id is None:
            return False
        before = self.told[message.patient_id]
        if occasion(message.idempotency_key) in before or self.is_urgent(message, at):
            self.note(message.patient_id, message.idempotency_key, at)
            return False
        day = at.astimezone(message.practice.zone).date()
        today = [one for one in before.values() if one.astimezone(message.practice.zone).date() == day]
        week = [one for one in before.values() if at - WEEK < one <= at]
        if len(today) >= self.rules.most_a_day or len(week) >= self.rules.most_a_week:
            return True
        self.note(message.patient_id, message.idempotency_key, at)
        return False

    @staticmethod
    def is_urgent(message: Message, at: dt.datetime) -> bool:
        """A booking of today or tomorrow is confirmed whatever was said before."""
        soon = message.useful_until is not None and message.useful_until - at < URGENT
        return soon and message.kind == Kind.CONFIRMATION


def put_off(message: Message, at: dt.datetime) -> dt.datetime | None:
    """The same time of the next day; None when the message is worth nothing then."""
    local = at.astimezone(message.practice.zone)
    later = (local + dt.timedelta(days=1)).astimezone(dt.UTC)
    if message.useful_until is not None and later >= message.useful_until - dt.timedelta(hours=1):
        return None
    return later
