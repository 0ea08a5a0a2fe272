"""A patient chooses a time: which ones the link shows, and the step that moves the visit at once.

What staff offered is shown as long as it is free; beside it, or where it is gone, what the practice’s rules
open to patients. Looking writes nothing.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from messaging.models import Task
from messaging.staff_tasks import close_task
from practices.audit import Actor
from practices.models import Room
from practices.tenancy import current_practice
from scheduling import notices
from scheduling.booking import cancel_appointment, confirm_appointment, reschedule_appointment
from scheduling.fitting import PATIENTS_LEAD
from scheduling.means import hold_move
from scheduling.models import Appointment, CancellationReason, Practitioner, TimeRequest, WeeklyHours
from scheduling.noting import fingerprint, save_note
from scheduling.out_cases import close_if_done
from scheduling.refusals import NotOpen
from scheduling.replacing import replacements
from scheduling.slots import lock_visit
from scheduling.time_requests import State, advance, lock_request
from scheduling.together import read_together, times_instead
from scheduling.wishes import ask_for_another_time

AHEAD = dt.timedelta(weeks=4)
SHOWN = 12
FEW = 3
SAID = "Wrote when choosing the time:"


@dataclass(frozen=True, slots=True)
class Time:
    """A time on the page: when, with whom, and whether the practice offered it to this patient."""

    starts_at: dt.datetime
    practitioner: Practitioner
    offered: bool = False


def times_for(visit: Appointment, request: TimeRequest | None = None) -> list[Time]:
    """The times a patient may choose from, soonest first; none where the practice opens none to patients.

    Somebody who was asked for another time always gets some, if there are any: the next ones where those
    that were offered are gone.
    """
    shown = still_free(visit, request) if request is not None else []
    known = {(time.starts_at, time.practitioner.pk) for time in shown}
    shown += [time for time in opened(visit) if (time.starts_at, time.practitioner.pk) not in known]
    if request is not None and not shown:
        offers = replacements([visit], count=FEW)[visit.pk]
        shown = [Time(offer.starts_at, offer.practitioner, True) for offer in offers]
    return sorted(shown, key=lambda time: (time.starts_at, time.practitioner.position))[:SHOWN]


def still_free(visit: Appointment, request: TimeRequest) -> list[Time]:
    """Those of the offered times that can still be had, by what is known now."""
    moments = {(person, dt.datetime.fromisoformat(moment)) for person, moment in request.offered}
    ahead = {(person, moment) for person, moment in moments if moment > timezone.now()}
    if not ahead:
        return []
    zone = current_practice().zone
    days = [moment.astimezone(zone).date() for _, moment in ahead]
    known = read_together([visit], min(days), max(days), timezone.now())
    search, starts = known.starts_for(visit, dt.timedelta())
    return [
        Time(moment, search.people[start.place], True)
        for start in starts
        if (search.people[start.place].pk, moment := dt.datetime.fromtimestamp(start.at, dt.UTC)) in ahead
    ]


def opened(visit: Appointment) -> list[Time]:
    """What the rules open to patients: of the clinician first, one in each half of a day, then of others."""
    if not visit.appointment_type.patients_may_choose:
        return []
    now, zone = timezone.now(), current_practice().zone
    times = times_instead(visit, now, now + AHEAD, lead=PATIENTS_LEAD)
    mine = [time for time in times if time.practitioner.pk == visit.practitioner_id]
    others = [time for time in times if time.practitioner.pk != visit.practitioner_id]
    found: list[Time] = []
    seen: set[tuple[dt.date, bool]] = set()
    for time in [*mine, *others]:
        local = time.starts_at.astimezone(zone)
        half = (local.date(), local.hour >= 12)
        if half in seen or time.starts_at == visit.starts_at or len(found) == SHOWN:
            continue
        seen.add(half)
        found.append(Time(time.starts_at, time.practitioner))
    return found


def live_request(visit: Appointment) -> TimeRequest | None:
    """The request that waits for an answer about a visit, if there is one."""
    found: TimeRequest | None = (
        TimeRequest.objects.live()
        .with_people()
        .filter(appointment=visit)
        .exclude(state=State.PLANNED)
        .first()
    )
    return found


@transaction.atomic
def choose_time(
    *, visit: Appointment, practitioner_id: uuid.UUID, starts_at: dt.datetime, text: str = "", by: Actor
) -> Appointment:
    """Moves the visit to a time that its patient was shown, and says so; the same again is the same.

    The old visit is closed only when the new one is booked. Raises SlotTaken when the time is gone meanwhile,
    and what else booking raises.
    """
    request = live_request(visit)
    if request is not None:
        request = lock_request(request)
    to = Practitioner.objects.select_related("room").get(pk=practitioner_id)
    # All at once: two patients who swap clinicians would each hold one diary and wait for the other's.
    hold_move(visit, to, *rooms_of(to))
    now = lock_visit(visit)
    if not now.is_open:
        chosen = chosen_before(now, practitioner_id, starts_at)
        if chosen is not None:
            return chosen
        raise NotOpen("This visit cannot be moved any more.")
    # Of the visit as it was held: an edit that came in between asks for no other lock.
    new = reschedule_appointment(
        appointment=visit,
        version=now.version,
        starts_at=starts_at,
        practitioner=to,
        tell_patient=False,
        by=by,
    )
    new = confirm_appointment(appointment=new, how="link", by=by)
    if text:
        lines = filter(None, [new.note, f"{SAID} {text}"])
        new = save_note(appointment=new, before=fingerprint(new.note), note="\n".join(lines), by=by)
    notices.tell(new, "chosen", by=by)
    settle(request, visit, new, by)
    return new


def rooms_of(practitioner: Practitioner) -> list[Room]:
    """The rooms that somebody's hours name: a visit there takes one without anybody choosing it."""
    hours = WeeklyHours.objects.filter(practitioner=practitioner, room__isnull=False)
    return list(Room.objects.filter(pk__in=hours.values("room")))


def settle(request: TimeRequest | None, visit: Appointment, new: Appointment, by: Actor) -> None:
    """The request is answered, and what was open about the old time is done."""
    if request is not None and request.is_live:
        advance(request, State.CHOSEN, by=by, chosen=new)
        close_if_done(request.case, by=by)
        return
    answered = TimeRequest(
        practice=current_practice(),
        appointment=visit,
        state=State.CHOSEN,
        chosen=new,
        settled_at=timezone.now(),
    )
    answered.save(force_insert=True)
    for key in (f"new-time:{visit.pk}", f"cancel:{visit.pk}"):
        for task in Task.objects.open().filter(once_key=key):
            close_task(task=task, outcome="chose a time", by=by)


def chosen_before(
    visit: Appointment, practitioner_id: uuid.UUID, starts_at: dt.datetime
) -> Appointment | None:
    """The visit that an earlier press of the same button has booked already."""
    rows = Appointment.objects.active().filter(
        rescheduled_from=visit, practitioner=practitioner_id, starts_at=starts_at
    )
    found: Appointment | None = rows.select_related("practitioner", "patient").first()
    return found


@transaction.atomic
def none_suits(*, visit: Appointment, wishes: Sequence[str], text: str, by: Actor) -> Appointment:
    """“None of these suits me”: the wish goes to a person, who calls. Raises NotOpen."""
    request = live_request(visit)
    if request is not None:
        request = lock_request(request)
    visit = ask_for_another_time(appointment=visit, wishes=list(wishes), text=text, by=by)
    if request is not None and request.may_become(State.WISHES):
        advance(request, State.WISHES, by=by, wishes="\n".join(filter(None, [*wishes, text])))
    return visit


@transaction.atomic
def cancel_instead(*, visit: Appointment, by: Actor) -> Appointment:
    """No other time at all: the visit is cancelled, and nobody has to call. Raises NotOpen."""
    request = live_request(visit)
    if request is not None:
        request = lock_request(request)
    now = lock_visit(visit)
    cancelled = cancel_appointment(
        appointment=now, version=now.version, reason=CancellationReason.PATIENT_LINK, by=by
    )
    if request is not None and request.is_live:
        advance(request, State.CANCELLED, by=by)
        close_if_done(request.case, by=by)
    return cancelled
