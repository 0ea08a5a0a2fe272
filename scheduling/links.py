"""A patient's private link to one visit: made for each message, stored hashed, closed with the visit.

Opening one changes nothing: scanners open links too. SECURITY.md C1–C4.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from messaging.models import Task
from messaging.staff_tasks import in_office_time, open_task
from practices import audit
from practices.audit import Actor
from practices.models import Practice
from practices.tenancy import current_practice, inside
from scheduling.models import Appointment, VisitLink

PATIENT = Actor(kind="patient", door="link")
RANDOM_PART = 22  # letters of 128 random bits; what stands before them is the practice's code
MINUTES_TO_CALL = 60
DOORS: dict[str, str] = {VisitLink.Purpose.VISIT: "v", VisitLink.Purpose.CHOOSE: "n"}


class UnknownLink(LookupError):
    """No practice has such a link: the door answers 404 and nothing else."""


class LinkClosed(Exception):
    """The link was real, and the visit is over, cancelled or moved: “ask us”, with the practice's phone."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        super().__init__("This link is not in use any more. Please call us.")


def create_link(appointment: Appointment) -> tuple[VisitLink, str]:
    """A new link to a visit, good until the visit ends; returns the row and the token, which is not kept."""
    link, token = new_link(appointment)
    link.save(force_insert=True)
    return link, token


def new_link(appointment: Appointment, purpose: str = VisitLink.Purpose.VISIT) -> tuple[VisitLink, str]:
    """The same, not stored yet: for many at once. A link is good for its purpose and for no other."""
    token = VisitLink.new_token(current_practice().link_code)
    link = VisitLink(
        practice=current_practice(),
        appointment=appointment,
        purpose=purpose,
        version=appointment.version,
        token_hash=VisitLink.hash_of(token),
        expires_at=appointment.ends_at,
    )
    return link, token


def address_of(token: str, purpose: str = VisitLink.Purpose.VISIT) -> str:
    """The full address of a link, for a message."""
    return f"{settings.PUBLIC_URL}/{DOORS[purpose]}/{token}/"


@contextmanager
def open_link(
    token: str, purpose: str = VisitLink.Purpose.VISIT, *, also_closed: bool = False
) -> Iterator[VisitLink]:
    """Opens the practice of a token, in a transaction, and gives the link with visit, patient and clinician.

    Writes nothing. Raises UnknownLink, also for a link of another purpose, or LinkClosed once it expired or
    was revoked; `also_closed` gives such a one all the same, to say what came of it.
    """
    code = token[:-RANDOM_PART]
    sane = len(code) <= 8 and code.isalnum()
    practice = Practice.objects.filter(link_code=code).first() if sane else None
    if practice is None:
        raise UnknownLink
    with inside(practice):
        links = VisitLink.objects.select_related(
            "appointment__patient", "appointment__practitioner__location", "appointment__room__location"
        )
        link = links.filter(token_hash=VisitLink.hash_of(token), purpose=purpose).first()
        if link is None:
            raise UnknownLink
        if not also_closed and is_closed(link):
            raise LinkClosed(practice)
        yield link


def is_closed(link: VisitLink) -> bool:
    return link.revoked_at is not None or link.expires_at <= timezone.now()


@transaction.atomic
def check_birth_date(*, link: VisitLink, birth_date: dt.date | None, by: Actor = PATIENT) -> bool:
    """Whether this is the patient's birth date; the fifth wrong one locks the link and calls a person.

    A locked link answers False to everything: the page says the same for a wrong date and a locked link.
    The caller must let the transaction commit, or the guess does not count.
    """
    row = (
        VisitLink.objects.select_for_update(of=("self",))
        .select_related("appointment__patient")
        .get(pk=link.pk)
    )
    if row.locked_at is not None:
        return False
    patient = row.appointment.patient
    if birth_date is not None and patient.birth_date == birth_date:
        if row.opened_at is None or row.wrong_dates:
            row.opened_at, row.wrong_dates = row.opened_at or timezone.now(), 0
            row.save(update_fields=["opened_at", "wrong_dates"])
        return True
    row.wrong_dates += 1
    if row.wrong_dates >= VisitLink.WRONG_DATES_ALLOWED:
        _lock(row, by)
    row.save(update_fields=["wrong_dates", "locked_at"])
    return False


def _lock(link: VisitLink, by: Actor) -> None:
    link.locked_at = timezone.now()
    visit = link.appointment
    audit.record("visit_link.locked", link, by=by, patient_id=visit.patient_id)
    open_task(
        kind=Task.Kind.LINK_LOCKED,
        due_at=in_office_time(current_practice(), MINUTES_TO_CALL),
        once_key=f"link-locked:{visit.pk}",
        patient=visit.patient,
        appointment_id=visit.pk,
        note="Five wrong birth dates were given on the visit’s page. Call the patient.",
        by=by,
    )


def revoke_links(appointment: Appointment, *, at: dt.datetime) -> int:
    """Closes all links of a visit; `at` is what `reopen_links` finds them by."""
    return VisitLink.objects.filter(appointment=appointment, revoked_at=None).update(revoked_at=at)


def reopen_links(appointment: Appointment, *, closed_at: dt.datetime) -> int:
    """Opens those links again that were closed with the visit, when that is taken back."""
    return VisitLink.objects.filter(appointment=appointment, revoked_at=closed_at).update(revoked_at=None)
