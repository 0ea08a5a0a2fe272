"""The one-click ways out of a finding; what changes something is a verb of the diary, with undo."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.urls import reverse

from practices.audit import Actor
from practices.models import Practice
from scheduling.audit.check import Check, Found
from scheduling.audit.checks import BY_NAME
from scheduling.audit.looking import look_at
from scheduling.booking import cancel_appointment, reschedule_appointment
from scheduling.editing import edit_appointment
from scheduling.mending import change_room
from scheduling.models import Appointment
from scheduling.refusals import NotOpen
from scheduling.words import short_when

Do = Callable[[Found, Appointment, int, Actor], Appointment]
Link = Callable[[Practice, Appointment], str]


@dataclass(frozen=True, slots=True)
class Repair:
    """One way out: a verb (`do`) with the words for when it is done, or a page that helps (`link`)."""

    name: str
    label: str
    symbol: str
    do: Do | None = None
    done: str = ""
    link: Link | None = None
    dialog: bool = True
    fits: Callable[[Mapping[str, object]], bool] = lambda facts: True


class NoLonger(NotOpen):
    """What was to be repaired is not so any more."""


def shift(found: Found, visit: Appointment, version: int, by: Actor) -> Appointment:
    meant = dt.datetime.fromisoformat(str(found.facts["at"]))
    return reschedule_appointment(appointment=visit, version=version, starts_at=meant, by=by)


def length(found: Found, visit: Appointment, version: int, by: Actor) -> Appointment:
    minutes = {"minutes": visit.appointment_type.minutes}
    return edit_appointment(appointment=visit, version=version, values=minutes, by=by)


def another_room(found: Found, visit: Appointment, version: int, by: Actor) -> Appointment:
    return change_room(appointment=visit, version=version, by=by)


def duplicate(found: Found, visit: Appointment, version: int, by: Actor) -> Appointment:
    return cancel_appointment(appointment=visit, version=version, reason="oth-err", by=by)


def close_for_dead(found: Found, visit: Appointment, version: int, by: Actor) -> Appointment:
    return cancel_appointment(appointment=visit, version=version, reason="pat-dec", tell_patient=False, by=by)


def to(name: str) -> Link:
    return lambda practice, visit: reverse(name, args=[practice.slug, visit.pk])


def out_wizard(practice: Practice, visit: Appointment) -> str:
    return f"{reverse('out', args=[practice.slug])}?visit={visit.pk}"


REPAIRS = {
    repair.name: repair
    for repair in (
        Repair("move", "Move", "cal-move", link=to("appointment-move")),
        Repair(
            "shift", "Move 12 hours", "cal-move", shift, "Moved by twelve hours.",
            fits=lambda facts: bool(facts["free"]),
        ),
        Repair("length", "Set the length", "clock", length, "The length is set."),
        Repair(
            "room", "Give it a free room", "home", another_room, "It has another room.",
            fits=lambda facts: "room" in facts,
        ),
        Repair("duplicate", "Cancel this one", "cal-x", duplicate, "Cancelled."),
        Repair("cancel", "Cancel", "cal-x", link=to("appointment-cancel")),
        Repair(
            "deceased", "Cancel quietly", "cal-x", close_for_dead, "Cancelled, and nobody is written to.",
            fits=lambda facts: bool(facts["deceased"]),
        ),
        Repair("visit", "Open visit", "calendar", link=to("appointment")),
        Repair("out", "Rebook that day", "user", link=out_wizard, dialog=False),
        Repair(
            "contact", "Ask for a number", "phone",
            link=lambda practice, visit: reverse("patient-edit", args=[practice.slug, visit.patient_id]),
        ),
        Repair(
            "call", "Messages", "msg", dialog=False,
            link=lambda practice, visit: reverse("patient-messages", args=[practice.slug, visit.patient_id]),
        ),
    )
}  # fmt: skip


def ways_out(found: Found) -> list[Repair]:
    """What may be done about a finding, the best first."""
    repairs = [REPAIRS[name] for name in BY_NAME[found.check].repairs]
    return [repair for repair in repairs if repair.fits(found.facts)]


def find_again(check: Check, visit: Appointment) -> Found:
    """The finding as it stands now; raises NoLonger."""
    found = next((one for one in look_at(visit.local_date, [check]) if one.visit == visit.pk), None)
    if found is None:
        raise NoLonger("This is not so any more: somebody has seen to it.")
    return found


def repair(
    *, check: Check, visit: Appointment, name: str, version: int, by: Actor
) -> tuple[str, Appointment]:
    """Carries one way out; gives the words for it and the visit that stands now.

    Raises NoLonger, and what the verb raises.
    """
    found = find_again(check, visit)
    way = next((one for one in ways_out(found) if one.name == name and one.do), None)
    if way is None or way.do is None:
        raise NoLonger("That cannot be done about this any more. The list is fresh now.")
    stands = way.do(found, visit, version, by)
    words = f"Moved to {short_when(stands.starts_at, stands.practice)}." if name == "shift" else way.done
    return words, stands
