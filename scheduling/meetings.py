"""Where a visit by video takes place: its own address, else the clinician's, else the practice's.

The address opens the room, so it is kept sealed, shown to staff and, after the birth date, to the patient,
and never written into a message.
"""

import uuid
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from django.db import transaction

from practices import audit, changes
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.models import Appointment, MeetingAddress, Practitioner

LONGEST = 500


class MeetingRefused(ValueError):
    """This is no address to send a patient to; the text says what is wrong."""


def read_address(text: str) -> str:
    """The https address in `text`, empty for nothing; raises MeetingRefused."""
    address = text.strip()
    if not address:
        return ""
    if len(address) > LONGEST or not address.isprintable() or " " in address:
        raise MeetingRefused("This is not one address. Copy it from the browser.")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise MeetingRefused("This is not an address. Copy it from the browser.") from None
    if parts.scheme.lower() != "https":
        raise MeetingRefused("Only an address that begins with https:// is safe for patients.")
    if "." not in host or host.startswith(".") or parts.username is not None:
        raise MeetingRefused("This address names no place in the internet. Copy it from the browser.")
    return address


def addresses() -> dict[uuid.UUID | None, str]:
    """All addresses that are set, by clinician; None is the practice's. One query."""
    return {row.practitioner_id: str(row.address) for row in MeetingAddress.objects.all()}


@transaction.atomic
def save_addresses(*, addresses: Mapping[Practitioner | None, str], by: Actor) -> None:
    """Writes the practice's and the clinicians' addresses; an empty one takes it away."""
    practice = current_practice()
    there = {row.practitioner_id: row for row in MeetingAddress.objects.select_for_update(of=("self",))}
    for person, text in addresses.items():
        address = read_address(text)
        row = there.get(person.pk if person else None)
        before = str(row.address) if row else ""
        if before == address:
            continue
        if row is None:
            row = MeetingAddress(practice=practice, practitioner=person)
        row.address = address
        audit.record("meeting_address.saved", row, by=by, changes={"address": [before, address]})
        if address:
            row.save()
        else:
            row.delete()
    changes.announce(practice, "appointments")


def meeting_of(visit: Appointment) -> str:
    """The address of one visit by video; empty where none is set, and for a visit in person. One query."""
    return meetings_of([visit]).get(visit.pk, "")


def meetings_of(visits: Iterable[Appointment]) -> dict[uuid.UUID, str]:
    """The addresses of those among the visits that are by video; one query, none without any."""
    rows = [visit for visit in visits if is_by_video(visit)]
    own = {visit.pk: str(visit.meeting_address) for visit in rows if visit.meeting_address}
    if len(own) == len(rows):
        return own
    known = addresses()
    found = {visit.pk: known.get(visit.practitioner_id) or known.get(None, "") for visit in rows}
    return {key: address for key, address in (found | own).items() if address}


def is_by_video(visit: Appointment) -> bool:
    return bool(visit.appointment_type.video or visit.meeting_address)
