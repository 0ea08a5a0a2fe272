"""What the patient's pages behind a private link share (SECURITY.md C): the door, the birth date, the words.

Before the birth date a page says only whose practice it is, that there is an appointment, and, where the
practice allows, when. Looking changes nothing.
"""

import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from patients.contacts import show_phone
from practices.access import public_door
from practices.audit import record_read
from practices.models import Practice
from scheduling.delays import expected_of
from scheduling.links import PATIENT, LinkClosed, UnknownLink, check_birth_date, open_link
from scheduling.models import Appointment, VisitLink
from scheduling.visit_words import EN, ES, MONTHS, say_at, say_day, words_in

PROOF = "visit"
PROOF_SECONDS = 15 * 60
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
        local = visit.starts_at.astimezone(self.practice.zone)
        return {"day": say_day(local.date(), self.language), "clock": say_at(local, self.language)}

    def page(self, name: str, *, status: int = 200, **more: Any) -> HttpResponse:
        """One of the pages in the patient's language, with what may be shown at this point."""
        context = frame(self.practice, self.language)
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
        return say_at(moment.astimezone(self.practice.zone), self.language)

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


def frame(practice: Practice | None, language: str) -> dict[str, Any]:
    """What every page has: the words, the practice's name and number, the way to the other language."""
    other = EN if language == ES else ES
    return {
        "w": words_in(language),
        "language": language,
        "other": {"code": other, "name": "English" if other == EN else "Español", "url": f"?lang={other}"},
        "practice_name": practice.public_name if practice else "",
        "mark": practice,
        "phone": show_phone(str(practice.line_number)) if practice else "",
        "phone_link": str(practice.line_number) if practice else "",
    }


def language_of(request: HttpRequest, link: VisitLink | None = None) -> str:
    """The language that was chosen on the page, else the patient's own."""
    asked = request.GET.get("lang", "")
    own = link.appointment.patient.language if link else EN
    return asked if asked in {EN, ES} else own


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
    words = words_in(language)
    context = frame(practice, language) | {"title": words[f"{what}_title"], "why": words[f"{what}_why"]}
    return render(request, "scheduling/visit/closed.html", context, status=status)


def has_proof(request: HttpRequest, link: VisitLink) -> bool:
    """Whether this browser gave the birth date for this link within the last quarter of an hour."""
    if link.locked_at is not None:
        return False
    try:
        proof = request.get_signed_cookie(
            PROOF, default="", salt=f"visit-link:{link.pk}", max_age=PROOF_SECONDS
        )
    except signing.BadSignature:
        return False
    return proof == str(link.pk)


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
    response.set_signed_cookie(
        PROOF,
        str(door.link.pk),
        salt=f"visit-link:{door.link.pk}",
        max_age=PROOF_SECONDS,
        path=reverse(HOME[door.link.purpose], args=[door.token]),
        httponly=True,
        secure=settings.PRODUCTION,
        samesite="Lax",
    )
    return response


def read_date(given: QueryDict) -> dt.date | None:
    try:
        year, month, day = (int(given.get(f"birth_{part}", "")) for part in ("year", "month", "day"))
        return dt.date(year, month, day)
    except (ValueError, OverflowError):
        return None


def months(language: str) -> list[tuple[str, str]]:
    return [(str(number), name) for number, name in enumerate(MONTHS[language], start=1)]


def call_us(door: Door) -> HttpResponse:
    """What was asked for cannot be done here: a visit that began, or a link that was locked."""
    words = words_in(door.language)
    return door.page("closed", status=409, title=words["call_title"], why=words["call_why"])
