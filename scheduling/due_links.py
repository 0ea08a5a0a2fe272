"""A patient's private link to choose a time for what is due: opened, proved by the birth date, used once.

As with the links to visits (SECURITY.md C): opening one changes nothing, since scanners open links too.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction
from django.utils import timezone

from messaging.models import Task
from messaging.staff_tasks import in_office_time, open_task
from practices import audit
from practices.audit import Actor
from practices.models import Practice
from practices.tenancy import current_practice, inside
from scheduling.clocks import zone_at
from scheduling.fitting import Fit, find_times
from scheduling.links import MINUTES_TO_CALL, PATIENT, RANDOM_PART, LinkClosed, UnknownLink
from scheduling.models import FollowUp, FollowUpLink
from scheduling.together import own_visits

LOOKS_AHEAD = dt.timedelta(weeks=10)
OFFERED = 8


@contextmanager
def open_due_link(token: str) -> Iterator[FollowUpLink]:
    """Opens the practice of a token, in a transaction, and gives the link with what is due and for whom.

    Writes nothing. Raises UnknownLink, or LinkClosed once it expired or what was due is ended.
    """
    code = token[:-RANDOM_PART]
    sane = len(code) <= 8 and code.isalnum()
    practice = Practice.objects.filter(link_code=code).first() if sane else None
    if practice is None:
        raise UnknownLink
    with inside(practice):
        links = FollowUpLink.objects.select_related(
            "follow_up__patient", "follow_up__appointment_type", "follow_up__practitioner"
        )
        link = links.filter(token_hash=FollowUpLink.hash_of(token)).first()
        if link is None:
            raise UnknownLink
        row = link.follow_up
        over = row.closed_at is not None or row.patient.deceased or not row.patient.active
        if over or link.expires_at <= timezone.now():
            raise LinkClosed(practice)
        yield link


@transaction.atomic
def check_due_birth_date(*, link: FollowUpLink, birth_date: dt.date | None, by: Actor = PATIENT) -> bool:
    """Whether this is the patient's birth date; the fifth wrong one locks the link and calls a person."""
    rows = FollowUpLink.objects.select_for_update(of=("self",)).select_related("follow_up__patient")
    row = rows.get(pk=link.pk)
    if row.locked_at is not None:
        return False
    if birth_date is not None and row.follow_up.patient.birth_date == birth_date:
        if row.opened_at is None or row.wrong_dates:
            row.opened_at, row.wrong_dates = row.opened_at or timezone.now(), 0
            row.save(update_fields=["opened_at", "wrong_dates"])
        return True
    row.wrong_dates += 1
    if row.wrong_dates >= FollowUpLink.WRONG_DATES_ALLOWED:
        _lock(row, by)
    row.save(update_fields=["wrong_dates", "locked_at"])
    return False


def _lock(link: FollowUpLink, by: Actor) -> None:
    link.locked_at = timezone.now()
    patient = link.follow_up.patient
    audit.record("follow_up_link.locked", link, by=by, patient_id=patient.pk)
    open_task(
        kind=Task.Kind.LINK_LOCKED,
        due_at=in_office_time(current_practice(), MINUTES_TO_CALL),
        once_key=f"due-link-locked:{link.follow_up_id}",
        patient=patient,
        note="Five wrong birth dates were given on the page to choose a time. Call the patient.",
        by=by,
    )


def times_open_to(row: FollowUp) -> list[Fit]:
    """The times the practice's rules open to patients, in the days of what is due and beside her visits."""
    practice = current_practice()
    now = timezone.now()
    first = dt.datetime.combine(max(row.counts_from, practice.today()), dt.time(), tzinfo=practice.zone)
    times = find_times(
        appointment_type=row.appointment_type,
        patient=row.patient,
        practitioners=[row.practitioner] if row.practitioner else None,
        from_=max(now, first),
        until=max(now, first) + LOOKS_AHEAD,
        audience="patient",
    )
    here = [stretch for _, stretch in own_visits([row.patient_id], now)[row.patient_id]]
    return [fit for fit in times if not any(fit.lies_over(stretch) for stretch in here)]


def some_of(times: Sequence[Fit]) -> list[Fit]:
    """A handful spread over mornings and afternoons of different days, soonest first."""
    seen: set[tuple[dt.date, bool]] = set()
    few: list[Fit] = []
    for fit in times:
        local = fit.starts_at.astimezone(zone_at(fit.starts_at, fit.practitioner))
        half = (local.date(), local.hour >= 12)
        if half not in seen:
            seen.add(half)
            few.append(fit)
        if len(few) == OFFERED:
            break
    return few
