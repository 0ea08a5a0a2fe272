"""What the patient's pages behind a private link share (SECURITY.md C): the door, the birth date, the words.

Before the birth date a page says only whose practice it is, that there is an appointment, and, where the
practice allows, when. Looking changes nothing.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from practices.access import public_door
from practices.audit import record_read
from practices.models import Practice
from scheduling.clocks import local_start, zone_of
from scheduling.delays import expected_of
from scheduling.links import PATIENT, LinkClosed, UnknownLink, check_birth_date, open_link
from scheduling.models import Appointment, VisitLink
from scheduling.patient_page import (
    chosen_language,
    frame,
    friendly_end,
    give_proof,
    months,
    proves,
    read_date,
)
from scheduling.visit_words import EN, say_at, say_day, words_in

PROOF = "visit"
HOME: dict[str, str] = {VisitLink.Purpose.VISIT: "visit", VisitLink.Purpose.CHOOSE: "choose"}


@dataclass(slots=True)
class Door:
    """An opened link: the visit behind it, the language, and whether the birth date was given."""

    request: HttpRequest
    token: str
    link: VisitLink
    language: str
    proved: bool

    @property
    def visit(self) -> Appointment:
        appointment: Appointment = self.link.appointment
        return appointment

    @property
    def practice(self) -> Practice:
        return self.visit.practice

    def url(self, name: str) -> str:
        return address(name, self.token, self.language)

    @property
    def home(self) -> str:
        """Where the pages of this link begin."""
        return self.url(HOME[self.link.purpose])

    def when(self, visit: Appointment) -> dict[str, str]:
        """Day and time of a visit in the patient's words."""
        local = local_start(visit)
        return {"day": say_day(local.date(), self.language), "clock": say_at(local, self.language)}

    def page(self, name: str, *, status: int = 200, **more: Any) -> HttpResponse:
        """One of the pages in the patient's language, with what may be shown at this point."""
        context = frame(self.practice, self.language, words_in(self.language))
        shown = self.proved or self.practice.link_shows_time
        context |= self.when(self.visit) if shown else {"day": "", "clock": ""}
        context["late"] = self.expected() if shown else ""
        context |= {"door": self, "visit": self.visit, "home_url": self.home} | self.addresses() | more
        return render(self.request, f"scheduling/visit/{name}.html", context, status=status)

    def expected(self) -> str:
        """When a visit of today will really begin, if its clinician is late: at 11:48 AM."""
        moment = expected_of([self.visit]).get(self.visit.pk)
        if moment is None or moment <= timezone.now() or not self.visit.is_open:
            return ""
        return say_at(moment.astimezone(zone_of(self.visit)), self.language)

    def addresses(self) -> dict[str, str]:
        """The pages of this link, by what the templates call them."""
        if self.link.purpose == VisitLink.Purpose.CHOOSE:
            return {
                "none_url": self.url("choose-none"),
                "cancel_url": self.url("choose-cancel"),
                "back_url": self.home,
            }
        return {
            "visit_url": self.url("visit"),
            "confirm_url": self.url("visit-confirm"),
            "details_url": self.url("visit-details"),
            "new_time_url": self.url("visit-new-time"),
            "none_url": self.url("visit-none"),
            "back_url": self.url("visit-new-time"),
            "cancel_url": self.url("visit-cancel"),
            "calendar_url": self.url("visit-calendar"),
        }


def address(name: str, token: str, language: str) -> str:
    return f"{reverse(name, args=[token])}?lang={language}"


def language_of(request: HttpRequest, link: VisitLink | None = None) -> str:
    """The language that was chosen on the page, else the patient's own."""
    return chosen_language(request, link.appointment.patient.language if link else EN)


Page = Callable[[Door], HttpResponse]


def behind(
    purpose: str = VisitLink.Purpose.VISIT, *, also_closed: bool = False
) -> Callable[[Page], Callable[..., HttpResponse]]:
    """Opens the link for a page; an unknown one answers the same 404 to everybody.

    The address is the secret, so it stays out of the Referer header; and whoever could forge a form here
    would have to know it, which is why the forms carry no token (no-referrer also blanks their Origin).
    `also_closed` lets a link in that is over, so that the page can say what came of it.
    """

    def decorate(page: Page) -> Callable[..., HttpResponse]:
        @functools.wraps(page)
        def view(request: HttpRequest, token: str) -> HttpResponse:
            response = answer(page, request, token, purpose, also_closed)
            response["Referrer-Policy"] = "no-referrer"
            return response

        return csrf_exempt(public_door("a private link of 128 random bits; SECURITY.md C")(view))

    return decorate


behind_link = behind()


def answer(page: Page, request: HttpRequest, token: str, purpose: str, also_closed: bool) -> HttpResponse:
    try:
        with open_link(token, purpose, also_closed=also_closed) as link:
            return page(Door(request, token, link, language_of(request, link), has_proof(request, link)))
    except UnknownLink:
        return closed(request, None, "unknown", status=404)
    except LinkClosed as over:
        return over_now(request, over.practice)


def over_now(request: HttpRequest, practice: Practice) -> HttpResponse:
    """A real link of a visit that is over, cancelled or moved."""
    return closed(request, practice, "closed", status=409 if request.method == "POST" else 410)


def closed(request: HttpRequest, practice: Practice | None, what: str, *, status: int) -> HttpResponse:
    """A friendly end: a link that is over, one that nobody knows, or a step for the phone."""
    language = language_of(request)
    return friendly_end(request, practice, what, language, words_in(language), status)


def has_proof(request: HttpRequest, link: VisitLink) -> bool:
    """Whether this browser gave the birth date for this link within the last quarter of an hour."""
    salt = f"visit-link:{link.pk}"
    return link.locked_at is None and proves(request, PROOF, salt, link.pk)


def with_birth_date(page: Page) -> Page:
    """Asks for the birth date first, on the address of the page itself."""

    @functools.wraps(page)
    def asked(door: Door) -> HttpResponse:
        if door.proved:
            return page(door)
        if door.request.method == "POST" and "birth_year" in door.request.POST:
            return judge_birth_date(door)
        return door.page("birth_date", months=months(door.language), given={})

    return asked


def judge_birth_date(door: Door) -> HttpResponse:
    """Lets in, or says the same for a wrong date and for a locked link; an unfinished date is no guess."""
    given = door.request.POST
    date = read_date(given)
    if date is None:
        wrong, status = "incomplete", 422
    elif check_birth_date(link=door.link, birth_date=date):
        record_read(by=PATIENT, patients=[door.visit.patient_id], screen="visit-link")
        return let_in(door)
    else:
        wrong, status = "wrong", 403
    return door.page(
        "birth_date", status=status, months=months(door.language), wrong=wrong, given=given.dict()
    )


def let_in(door: Door) -> HttpResponse:
    response = redirect(f"{door.request.path}?lang={door.language}")
    path = reverse(HOME[door.link.purpose], args=[door.token])
    return give_proof(response, PROOF, f"visit-link:{door.link.pk}", door.link.pk, path)


def call_us(door: Door) -> HttpResponse:
    """What was asked for cannot be done here: a visit that began, or a link that was locked."""
    words = words_in(door.language)
    return door.page("closed", status=409, title=words["call_title"], why=words["call_why"])
