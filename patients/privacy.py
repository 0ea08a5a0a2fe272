"""What was told to whom, and how a patient wants to be reached in confidence."""

import datetime as dt
import uuid
from dataclasses import dataclass

from patients.joining import also_known_as
from patients.models import Patient
from practices import audit
from practices.audit import Actor
from practices.models import AuditEntry
from practices.tenancy import PracticeOwned

DISCLOSED = "disclosure.made"
LISTED = 200


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One line of the accounting of 45 CFR 164.528: when, to whom, what, why, and who told it."""

    at: dt.datetime
    recipient: str
    what: str
    why: str
    by: str


def disclose(
    *, patient: Patient, subject: PracticeOwned, recipient: str, what: str, why: str, by: Actor
) -> None:
    """Writes down that details of a patient were opened to be told to somebody."""
    audit.record(
        DISCLOSED,
        subject,
        by=by,
        patient_id=patient.pk,
        changes={"recipient": ["", recipient], "what": ["", what], "why": ["", why]},
    )


def disclosures(patient_id: uuid.UUID) -> list[Disclosure]:
    """What was told about a patient, the latest first; also of records that were joined into this one."""
    entries = AuditEntry.objects.filter(
        patient_id__in=also_known_as(patient_id), verb=DISCLOSED
    ).select_related("actor")
    return [_line(entry) for entry in entries.order_by("-at")[:LISTED]]


def _line(entry: AuditEntry) -> Disclosure:
    said = {name: pair[1] for name, pair in (entry.changes or {}).items()}
    who = entry.actor.short_name if entry.actor else "Front Desk"
    return Disclosure(entry.at, said.get("recipient", ""), said.get("what", ""), said.get("why", ""), who)


def wishes(patient: Patient) -> list[str]:
    """How the patient wants to be reached in confidence, as sentences for the desk (45 CFR 164.522(b))."""
    found = []
    if patient.no_voicemail:
        found.append("Leave no voicemail and no message with anybody.")
    if patient.neutral_name:
        found.append("Do not name the practice: say “your care team”.")
    if patient.privacy_note:
        found.append(str(patient.privacy_note))
    return found
