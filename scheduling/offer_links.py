"""The private link of an offer: opened without a trace, locked by wrong birth dates (SECURITY.md C1–C4)."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils import timezone

from messaging.models import Task
from messaging.staff_tasks import in_office_time, open_task
from practices import audit
from practices.audit import Actor
from practices.models import Practice
from practices.tenancy import current_practice, inside
from scheduling.links import MINUTES_TO_CALL, PATIENT, RANDOM_PART, UnknownLink
from scheduling.models import Offer


@contextmanager
def open_offer(token: str) -> Iterator[Offer]:
    """Opens the practice of a token, in a transaction, and gives the offer; raises UnknownLink.

    Writes nothing. What has ended opens too: the page says kindly what came of it.
    """
    code = token[:-RANDOM_PART]
    sane = len(code) <= 8 and code.isalnum()
    practice = Practice.objects.filter(link_code=code).first() if sane else None
    if practice is None:
        raise UnknownLink
    with inside(practice):
        offer = Offer.objects.with_all().filter(token_hash=Offer.hash_of(token)).first()
        if offer is None:
            raise UnknownLink
        yield offer


@transaction.atomic
def check_birth_date(*, offer: Offer, birth_date: dt.date, by: Actor = PATIENT) -> bool:
    """Whether this is the patient's birth date; the fifth wrong one locks the link and calls a person.

    A locked link answers False to everything. The caller must let the transaction commit, or the guess does
    not count.
    """
    row = Offer.objects.select_for_update(of=("self",)).select_related("entry__patient").get(pk=offer.pk)
    if row.locked_at is not None:
        return False
    if row.entry.patient.birth_date == birth_date:
        if row.wrong_dates:
            row.wrong_dates = 0
            row.save(update_fields=["wrong_dates"])
        return True
    row.wrong_dates += 1
    if row.wrong_dates >= Offer.WRONG_DATES_ALLOWED:
        _lock(row, by)
    row.save(update_fields=["wrong_dates", "locked_at"])
    return False


def _lock(offer: Offer, by: Actor) -> None:
    offer.locked_at = timezone.now()
    patient = offer.entry.patient
    audit.record("offer.locked", offer, by=by, patient_id=patient.pk)
    open_task(
        kind=Task.Kind.LINK_LOCKED,
        due_at=in_office_time(current_practice(), MINUTES_TO_CALL),
        once_key=f"offer-locked:{offer.pk}",
        patient=patient,
        note="Five wrong birth dates were given on the page of an offered time. Call the patient.",
        by=by,
    )
