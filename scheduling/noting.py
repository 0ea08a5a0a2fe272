"""The note on a visit, kept apart from its version: a note takes no link and no undo away."""

import hashlib

from django.db import transaction

from practices import audit, changes
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.models import Appointment
from scheduling.regions import columns_of
from scheduling.slots import lock_visit


class NoteChanged(ValueError):
    """Somebody else wrote into the note meanwhile; `current` is the visit with that note."""

    def __init__(self, current: Appointment) -> None:
        self.current = current
        super().__init__(
            "Somebody else changed this note meanwhile. Both are shown: keep what counts, and save."
        )


def fingerprint(text: str) -> str:
    """Tells two versions of a note apart without sending one back."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@transaction.atomic
def save_note(*, appointment: Appointment, before: str, note: str, by: Actor) -> Appointment:
    """Keeps the note if the stored one still has the fingerprint `before`; raises NoteChanged otherwise."""
    visit = lock_visit(appointment)
    if fingerprint(visit.note) != before and visit.note != note:
        raise NoteChanged(visit)
    if visit.note == note:
        return visit
    changed = {"note": [visit.note, note]}
    visit.note = note
    visit.save(update_fields=["note", "updated_at"])
    audit.record("appointment.noted", visit, by=by, patient_id=visit.patient_id, changes=changed)
    changes.announce(current_practice(), *columns_of(visit))
    return visit
