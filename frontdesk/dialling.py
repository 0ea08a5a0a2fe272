"""Whom a press on “Call” means: ids of a row lead to a person and a number; no address holds one."""

import uuid
from dataclasses import dataclass
from typing import TypeVar

from django.http import Http404, QueryDict

from messaging.models import Call, Conversation, StaffMessage
from patients.models import ContactPoint, Patient
from practices.tenancy import PracticeOwned
from scheduling.drafts import as_uuid

Owned = TypeVar("Owned", bound=PracticeOwned)


@dataclass(frozen=True, slots=True)
class Callee:
    """A patient, at one number or at the one that is tried first; or a number that is nobody's."""

    patient: Patient | None
    number: str = ""


def callee_of(data: QueryDict, conversation_id: uuid.UUID | None = None) -> Callee:
    """Whom the posted ids name: `patient` (and `contact`), `thread`, `staff_message` or `call`.

    Raises Http404 for a row that is not of the practice whose scope is open, or has nobody to call.
    """
    thread = conversation_id or as_uuid(data.get("thread"))
    if thread is not None:
        return of_thread(row_of(Conversation, thread))
    if message := as_uuid(data.get("staff_message")):
        row = row_of(StaffMessage, message)
        return some(Callee(row.patient, str(row.callback_number)))
    if call := as_uuid(data.get("call")):
        before = row_of(Call, call)
        return some(Callee(before.patient, str(before.address)))
    patient = row_of(Patient, as_uuid(data.get("patient")))
    contact = as_uuid(data.get("contact"))
    if contact is None:
        return Callee(patient)
    point = ContactPoint.objects.phones().filter(pk=contact, patient=patient).first()
    if point is None:
        raise Http404
    return Callee(patient, str(point.value))


def of_thread(thread: Conversation) -> Callee:
    """A stranger is called back at the number that wrote; a patient at the first number of the record."""
    if thread.patient is not None:
        return Callee(thread.patient)
    return some(Callee(None, "" if "@" in thread.address else str(thread.address)))


def row_of(model: type[Owned], key: uuid.UUID | None) -> Owned:
    row: Owned | None = model.objects.filter(pk=key).first() if key else None
    if row is None:
        raise Http404
    return row


def some(callee: Callee) -> Callee:
    if callee.patient is None and not callee.number:
        raise Http404
    return callee
