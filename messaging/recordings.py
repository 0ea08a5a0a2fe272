"""Recordings: fetched from the supplier, sealed here, deleted there; and what a transcript says."""

import datetime as dt
import logging
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from messaging import call_endings, opt_outs, replies, sms, voice
from messaging.call_endings import shown
from messaging.call_events import REPORTED
from messaging.conversations import Line
from messaging.models import Call, Recording, Task
from patients.models import Channel
from practices import audit
from practices.audit import SYSTEM
from practices.models import Practice
from practices.tenancy import current_practice, inside

logger = logging.getLogger(__name__)

State = Recording.State
LEASE = dt.timedelta(minutes=2)
# A recording is not always there when it is announced; the supplier may be away for a night.
PAUSES = [dt.timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 1800, 7200, 21600, 43200)]
LONGEST_TRANSCRIPT = 10_000
POSSIBLE_EMERGENCY = "Possible emergency: listen to this first."


@dataclass(frozen=True, slots=True)
class Due:
    """A recording one worker took upon itself."""

    id: uuid.UUID
    supplier_id: str
    stored: bool  # it is here, and has to be deleted at the supplier


@transaction.atomic
def announced(call: Call, supplier_id: str, seconds: int | None) -> Recording | None:
    """A recording of the call exists at the supplier; told by several reports, in any order, stored once."""
    if not voice.RECORDING.fullmatch(supplier_id) or seconds == 0:
        return None
    call = Call.objects.select_for_update().get(pk=call.pk)
    row = Recording(practice=current_practice(), call=call, supplier_id=supplier_id, seconds=seconds or 0)
    Recording.objects.bulk_create([row], ignore_conflicts=True)
    stored: Recording = Recording.objects.select_for_update().get(supplier_id=supplier_id)
    if stored.call_id != call.pk:
        logger.error("recording %s is reported for a second call", stored.pk)
        return None
    if seconds and stored.seconds < seconds:
        stored.seconds = seconds
        stored.save(update_fields=["seconds"])
    if call.direction == Call.Direction.IN:
        call_endings.voicemail_left(call, REPORTED)
    shown(call)
    return stored


@transaction.atomic
def transcribed(call: Call, supplier_id: str, text: str) -> Recording | None:
    """Keeps what was understood of a voicemail; emergency words lift task and thread, a person decides."""
    stored = announced(call, supplier_id, None)
    if stored is None or stored.transcript or not text.strip():
        return stored
    stored.transcript = text[:LONGEST_TRANSCRIPT]
    stored.save(update_fields=["transcript"])
    call = Call.objects.get(pk=call.pk)
    if call.outcome != Call.Outcome.VOICEMAIL:
        return stored
    if call.address:
        opt_outs.heard(
            text=text, channel=Channel.CALL, address=call.address, patient=call.patient, by=REPORTED
        )
    urgency, note = Task.Urgency.ROUTINE, ""
    if replies.may_be_emergency(text):
        urgency, note = Task.Urgency.EMERGENCY, POSSIBLE_EMERGENCY
        call_endings.ask_to_listen(call, urgency, note, REPORTED)
    call_endings.tell_thread(
        call,
        Line.VOICEMAIL,
        f"Voicemail: {stored.transcript}",
        needs_person=True,
        urgency=urgency,
        by=REPORTED,
    )
    return stored


def fetch_due(practice: Practice, limit: int = 10) -> int:
    """Fetches recordings whose time has come, then deletes them there; returns how many it looked at."""
    with inside(practice):
        account, rows = sms.account_of(practice), claim(limit)
    for row in rows:
        if not row.stored:
            try:
                content, kind = voice.fetch_recording(account, row.supplier_id)
            except sms.NotFetched as error:
                with inside(practice):
                    try_later(row, error)
                continue
            with inside(practice):
                seal(row, content, kind)
        # Only what is safely here is deleted there; a failure comes back with the row's next try.
        if voice.delete_recording(account, row.supplier_id):
            with inside(practice):
                Recording.objects.filter(pk=row.id).update(next_try_at=None)
    return len(rows)


def claim(limit: int) -> list[Due]:
    """Takes due rows nobody holds, by moving their next try: what fails or dies comes back by itself."""
    now = timezone.now()
    due = Recording.objects.select_for_update(skip_locked=True).filter(next_try_at__lte=now)
    rows = [
        Due(row.pk, row.supplier_id, row.state == State.STORED)
        for row in due.defer("audio", "transcript").order_by("next_try_at")[:limit]
    ]
    Recording.objects.filter(pk__in=[row.id for row in rows]).update(next_try_at=now + LEASE)
    return rows


def seal(row: Due, content: bytes, kind: str) -> None:
    """Keeps the sound, encrypted for its row."""
    recording = Recording.objects.select_for_update().get(pk=row.id)
    recording.audio, recording.content_type, recording.state = content, kind, State.STORED
    recording.save(update_fields=["audio", "content_type", "state"])
    audit.record("recording.stored", recording, by=SYSTEM)
    shown(Call.objects.get(pk=recording.call_id))


def try_later(row: Due, error: sms.NotFetched) -> None:
    """Tries again later each time; what cannot be had is left to a person, who calls back."""
    logger.warning("recording %s was not fetched: %s", row.id, error)
    recording = Recording.objects.select_for_update().get(pk=row.id)
    if recording.state != State.ANNOUNCED:
        return
    recording.attempts += 1
    if recording.attempts < len(PAUSES) and not (error.gone and recording.attempts >= 3):
        recording.next_try_at = timezone.now() + PAUSES[recording.attempts - 1]
        recording.save(update_fields=["attempts", "next_try_at"])
        return
    recording.state, recording.next_try_at = State.FAILED, None
    recording.save(update_fields=["attempts", "state", "next_try_at"])
    audit.record("recording.lost", recording, by=SYSTEM)
    call = Call.objects.get(pk=recording.call_id)
    if call.outcome == Call.Outcome.VOICEMAIL:
        words = "The recording could not be fetched. Call back to ask."
        call_endings.ask_to_listen(call, Task.Urgency.SOON, words, SYSTEM)
    shown(call)
