"""What to know first for a time: raised, seen by staff everywhere, taken down; never shown to patients."""

import datetime as dt
import uuid
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from patients.models import Patient, PatientFlag
from patients.names import tidy
from practices import audit, changes
from practices.audit import Actor
from practices.prepared import Prepared

USUAL_DAYS = 30
MOST_DAYS = 365
LONGEST = 500


@transaction.atomic
def raise_flag(*, patient: Patient, kind: str, words: str, days: int = USUAL_DAYS, by: Actor) -> PatientFlag:
    """Puts a flag under “Know first”; the same words of the same kind are the same flag, for longer.

    Raises ValueError in words for no text, too much of it, or more than a year.
    """
    words = tidy(words, lines=True)
    if not words:
        raise ValueError("Write what to know.")
    if len(words) > LONGEST:
        raise ValueError(f"At most {LONGEST} letters; this has {len(words)}.")
    if not 1 <= days <= MOST_DAYS:
        raise ValueError("From one day to a year.")
    until = timezone.now() + dt.timedelta(days=days)
    Patient.objects.select_for_update(of=("self",)).get(pk=patient.pk)  # two at once are one
    same = (flag for flag in in_force([patient.pk]) if (flag.kind, flag.words) == (kind, words))
    if (flag := next(same, None)) is not None:
        flag.until = max(flag.until, until)
        flag.save(update_fields=["until"])
        return flag
    flag = PatientFlag(
        practice=patient.practice, patient=patient, kind=kind, words=words, until=until, made_by=by.user
    )
    flag.save(force_insert=True)
    audit.record(
        "flag.raised",
        flag,
        by=by,
        patient_id=patient.pk,
        changes={"kind": ["", kind], "words": ["", words], "until": [None, str(until)]},
    )
    changes.announce(patient.practice, "patients")
    return flag


@transaction.atomic
def take_down(*, flag: PatientFlag, by: Actor) -> PatientFlag:
    """Takes a flag down before its time; one that is down stays as it is."""
    now: PatientFlag = PatientFlag.objects.select_for_update(of=("self",)).get(pk=flag.pk)
    if now.taken_down_at is None:
        now.taken_down_at = timezone.now()
        now.save(update_fields=["taken_down_at"])
        audit.record("flag.taken_down", now, by=by, patient_id=now.patient_id)
        changes.announce(now.practice, "patients")
    return now


def in_force(patients: Iterable[uuid.UUID]) -> list[PatientFlag]:
    """The flags of these patients that are up now, the latest first, in one query."""
    return IN_FORCE.ask(patients=list(set(patients)), now=timezone.now())


IN_FORCE = Prepared(
    lambda patients, now: (
        PatientFlag.objects.filter(patient__among=patients, taken_down_at=None, until__gt=now)
        .select_related("made_by")
        .order_by("-made_at")
    )
)
