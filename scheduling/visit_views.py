"""The pages of a visit's private link: the answer, the details, another time, the calendar (SECURITY.md C).

Saying yes needs no birth date; everything else asks for it first.
"""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from patients.models import Need
from scheduling.booking import BookingRefused, confirm_appointment
from scheduling.choose_page import choose_or_wish, unless_over, wish_instead
from scheduling.choosing import cancel_instead
from scheduling.links import PATIENT
from scheduling.meetings import is_by_video, meeting_of
from scheduling.models import Appointment, Confirmation
from scheduling.patient_doors import Door, behind, behind_link, call_us, with_birth_date
from scheduling.visit_calendar import calendar_file
from scheduling.visit_words import words_in


def known(door: Door) -> dict[str, Any]:
    """What only the patient may read: first name, clinician, place, directions, interpreter."""
    if not door.proved:
        return {}
    patient = door.visit.patient
    who = words_in(door.language)["minutes"].format(
        who=door.visit.practitioner.name, minutes=door.visit.minutes
    )
    return {
        "greeting": words_in(door.language)["ask_name"].format(name=patient.preferred or patient.given),
        "who": who,
        "where": where(door),
        "directions": door.practice.directions,
        "interpreter": Need.INTERPRETER in door.visit.all_needs,
    } | by_video(door)


def by_video(door: Door) -> dict[str, Any]:
    """Of a visit by video: that it is one, and where to join; the address stands on this page alone."""
    if not is_by_video(door.visit):
        return {}
    return {"where": "", "directions": "", "video": True, "meeting": meeting_of(door.visit)}


def where(door: Door) -> str:
    """The address and the room."""
    room = door.visit.room
    place = room.location if room else door.visit.practitioner.location
    street = (place.address if place else "") or door.practice.address
    return ", ".join(filter(None, [street, room.name if room else ""]))


def answered(appointment: Appointment) -> str:
    """Which answer the visit already carries."""
    return {
        Confirmation.CONFIRMED: "confirmed",
        Confirmation.CHANGE_REQUESTED: "asked",
    }.get(Confirmation(appointment.confirmation), "")


@require_safe
@behind_link
def visit(door: Door) -> HttpResponse:
    """Can you make it?"""
    return door.page("visit", answered=answered(door.visit), **known(door))


@require_POST
@behind_link
def confirm(door: Door) -> HttpResponse:
    """Yes: needs no birth date, and twice is the same as once."""
    if door.link.locked_at is not None:
        return call_us(door)
    try:
        confirm_appointment(appointment=door.visit, how="link", by=PATIENT)
    except BookingRefused:
        return call_us(door)
    return redirect(door.url("visit"))


@require_http_methods(["GET", "HEAD", "POST"])
@behind_link
@with_birth_date
def details(door: Door) -> HttpResponse:
    """The whole page, once the birth date was given."""
    return door.page("visit", answered=answered(door.visit), **known(door))


@require_http_methods(["GET", "HEAD", "POST"])
@behind(also_closed=True)
@unless_over
@with_birth_date
def new_time(door: Door) -> HttpResponse:
    """Another time: chosen at once where the practice opens times to patients, else wished for."""
    return choose_or_wish(door)


@require_http_methods(["GET", "HEAD", "POST"])
@behind_link
@with_birth_date
def none_suits(door: Door) -> HttpResponse:
    """None of the times suits: a person then calls."""
    return wish_instead(door)


@require_http_methods(["GET", "HEAD", "POST"])
@behind_link
@with_birth_date
def cancel(door: Door) -> HttpResponse:
    """Asks once more, because the time goes to somebody else."""
    if door.request.method != "POST":
        return door.page("cancel")
    try:
        cancel_instead(visit=door.visit, by=PATIENT)
    except BookingRefused:
        return call_us(door)
    return door.page("cancelled")


@require_safe
@behind_link
def calendar(door: Door) -> HttpResponse:
    """The visit for the patient's own calendar, once the birth date was given."""
    if not door.proved:
        return redirect(door.url("visit-details"))
    content = calendar_file(door.visit, door.practice, where(door), door.language)
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="appointment.ics"'
    return response
