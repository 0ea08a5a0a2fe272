"""The pages behind a link to choose another time: choose, say that none suits, or cancel (SECURITY.md C)."""

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from scheduling.booking import BookingRefused
from scheduling.choose_page import choose_time_page, unless_over, wish_instead
from scheduling.choosing import cancel_instead
from scheduling.links import PATIENT
from scheduling.models import VisitLink
from scheduling.patient_doors import Door, behind, call_us, with_birth_date

behind_choice = behind(VisitLink.Purpose.CHOOSE, also_closed=True)


@require_http_methods(["GET", "HEAD", "POST"])
@behind_choice
@unless_over
@with_birth_date
def choose(door: Door) -> HttpResponse:
    """The times, or what was chosen before."""
    return choose_time_page(door)


@require_http_methods(["GET", "HEAD", "POST"])
@behind_choice
@unless_over
@with_birth_date
def none_suits(door: Door) -> HttpResponse:
    """None of the times suits: a person then calls."""
    return wish_instead(door)


@require_http_methods(["GET", "HEAD", "POST"])
@behind_choice
@unless_over
@with_birth_date
def cancel(door: Door) -> HttpResponse:
    """No other time at all: asks once more, because the time is given away."""
    if door.request.method != "POST":
        return door.page("cancel", new_time_url="")
    try:
        cancel_instead(visit=door.visit, by=PATIENT)
    except BookingRefused:
        return call_us(door)
    return door.page("cancelled")
