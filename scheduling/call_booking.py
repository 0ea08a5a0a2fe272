"""A booking that is made in a call: half done it is kept with the call, until it is booked."""

from dataclasses import dataclass

from django.http import QueryDict

from messaging import calls, drafts
from messaging.identity import state_of
from messaging.models import Call
from patients.contacts import show_phone
from patients.models import Patient
from practices.audit import Actor
from practices.models import User
from scheduling.drafts import as_uuid


@dataclass(frozen=True, slots=True)
class Opened:
    """What the dialog starts with: as the address asks, or as it was left in this call."""

    fields: QueryDict
    is_kept: bool = False


def call_of(data: QueryDict) -> Call | None:
    """The call the booking is made in, if it is one of the practice whose scope is open."""
    wanted = as_uuid(data.get("call"))
    return Call.objects.select_related("patient").filter(pk=wanted).first() if wanted else None


def key_of(call: Call) -> str:
    return f"call:{call.pk}:booking"


def opened(asked: QueryDict, user: User) -> Opened:
    """The fields to start with. What was typed in this call comes back as it was left.

    A patient who was chosen for the call since then takes the place of the one before; the number of the
    call is filled in for a new patient.
    """
    call = call_of(asked)
    if call is None:
        return Opened(asked)
    kept = drafts.kept(user, key_of(call))
    fields = asked.copy()
    chosen = str(call.patient_id or "")
    if kept is not None:
        for name, value in kept.items():
            fields.setlist(name, [value] if isinstance(value, str) else value)
        # The chosen time stays on offer, whatever would be suggested now.
        if (slot := fields.get("slot", "")) and slot != "other":
            fields["picked"] = slot
        if kept.get("asked_for", "") != chosen:
            fields["patient"] = chosen
    elif chosen and "patient" not in asked:
        fields["patient"] = chosen
    if not fields.get("mobile") and not fields.get("patient") and call.address:
        fields["mobile"] = show_phone(call.address)
    fields["call"], fields["asked_for"] = str(call.pk), chosen
    return Opened(fields, kept is not None)


def hides_details(data: QueryDict, patient: Patient | None) -> bool:
    """Whether the dialog shows no more than name and next visit time: it is not known yet who speaks."""
    call = call_of(data) if patient is not None else None
    return call is not None and patient is not None and not state_of(call, patient).is_open


def booked(data: QueryDict, patient: Patient, *, by: Actor) -> None:
    """Lets the half-done booking go, and says about whom the call was where nobody had been chosen."""
    call = call_of(data)
    if call is None or by.user is None:
        return
    drafts.let_go(by.user, key_of(call))
    if call.patient_id is None:
        calls.choose_patient(call=call, patient=patient, by=by)
