"""Who did what, and who saw whom: two append-only tables, one function each.

An `AuditEntry` is written by every verb in its own transaction. An `AccessEvent` is written by every
door that shows a patient's data. If either cannot be written, the action fails with it.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from practices.models import AccessEvent, AuditEntry, Membership, Practice, User
from practices.tenancy import PracticeOwned, current_practice

ActorKind = Literal["staff", "api", "patient", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and through which door (`page`, `api`, `link`, `text`, `timetable`, `import`, …)."""

    kind: ActorKind
    door: str
    user: User | None = None
    membership: Membership | None = None
    request_id: str = ""

    @property
    def name(self) -> str:
        if self.user is not None:
            return self.user.short_name
        return {"patient": "the patient", "system": "Front Desk"}.get(self.kind, self.kind)


SYSTEM = Actor(kind="system", door="timetable")


def record(
    verb: str,
    subject: PracticeOwned | Practice,
    *,
    by: Actor,
    patient_id: uuid.UUID | None = None,
    changes: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Writes that `by` did `verb` (`appointment.booked`) to `subject`.

    `changes` maps field names to [before, after]; it is stored encrypted.
    """
    entry = _entry(verb, subject, by, patient_id, changes)
    entry.save(force_insert=True)
    return entry


def record_each(
    happened: Iterable[tuple[str, PracticeOwned, uuid.UUID | None, Mapping[str, Any] | None]], *, by: Actor
) -> None:
    """Writes many entries in one statement: verb, subject, patient and changes of each."""
    AuditEntry.objects.bulk_create(
        _entry(verb, subject, by, patient_id, changes) for verb, subject, patient_id, changes in happened
    )


def _entry(
    verb: str,
    subject: PracticeOwned | Practice,
    by: Actor,
    patient_id: uuid.UUID | None,
    changes: Mapping[str, Any] | None,
) -> AuditEntry:
    return AuditEntry(
        practice=current_practice(),
        verb=verb,
        actor_kind=by.kind,
        actor=by.user,
        door=by.door,
        request_id=by.request_id,
        subject_type=subject._meta.label_lower,
        # A practice is no row of a practice: its number stands in the place of a key.
        subject_id=uuid.UUID(int=subject.pk) if isinstance(subject, Practice) else subject.pk,
        patient_id=patient_id,
        field_names=sorted(changes or {}),
        changes=_plain(changes) if changes else None,
    )


def record_many(verb: str, subjects: Sequence[PracticeOwned], *, by: Actor) -> None:
    """Writes that `by` did `verb` to each of many patients, in one statement; for imports."""
    AuditEntry.objects.bulk_create(
        AuditEntry(
            practice=current_practice(),
            verb=verb,
            actor_kind=by.kind,
            actor=by.user,
            door=by.door,
            request_id=by.request_id,
            subject_type=subject._meta.label_lower,
            subject_id=subject.pk,
            patient_id=subject.pk,
        )
        for subject in subjects
    )


def record_read(*, by: Actor, patients: Iterable[uuid.UUID], screen: str) -> None:
    """Writes that `by` was shown these patients on `screen` (`board`, `search`, `record`, …)."""
    shown = sorted(set(patients))
    if not shown:
        return
    AccessEvent(
        practice=current_practice(),
        actor_kind=by.kind,
        actor=by.user,
        door=by.door,
        screen=screen,
        request_id=by.request_id,
        patient_ids=shown,
    ).save(force_insert=True)


def _plain(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [str(item) if isinstance(item, (dt.date, dt.time, uuid.UUID)) else item for item in pair]
        if isinstance(pair, (list, tuple))
        else pair
        for name, pair in changes.items()
    }
