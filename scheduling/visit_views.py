"""The patient's pages behind a private link (SECURITY.md C): looking changes nothing, a button does.

Before the birth date they say only whose practice it is, that there is an appointment, and, where the
practice allows, when. Saying yes needs no more; everything else asks for the birth date first.
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
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from patients.contacts import show_phone
from patients.models import Need
from practices.access import public_door
from practices.audit import record_read
from practices.models import Practice
from scheduling.availability import suggest_times
from scheduling.booking import BookingRefused, cancel_appointment, confirm_appointment
from scheduling.delays import expected_of
from scheduling.links import PATIENT, LinkClosed, UnknownLink, check_birth_date, open_link
from scheduling.meetings import is_by_video, meeting_of
from scheduling.models import Appointment, CancellationReason, Confirmation, VisitLink
from scheduling.visit_calendar import calendar_file
from scheduling.visit_words import EN, ES, MONTHS, say_at, say_clock, say_day, words_in
from scheduling.wallclock import within_reach
from scheduling.wishes import ask_for_another_time
from scheduling.words import short_when

PROOF = "visit"
PROOF_SECONDS = 15 * 60
MOST_WISHES = 3
OFFERED = 6
WISH = "%Y%m%dT%H%MZ"


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

    def page(self, name: str, *, status: int = 200, **more: Any) -> HttpResponse:
        """One of the pages in the patient's language, with what may be shown at this point."""
        context = frame(self.practice, self.language) | more
        shown = self.proved or self.practice.link_shows_time
        local = self.visit.starts_at.astimezone(self.practice.zone)
        context |= {
            "door": self,
            "visit": self.visit,
            "day": say_day(local.date(), self.language) if shown else "",
            "clock": say_at(local, self.language) if shown else "",
            "late": self.expected() if shown else "",
            "visit_url": self.url("visit"),
            "confirm_url": self.url("visit-confirm"),
            "details_url": self.url("visit-details"),
            "new_time_url": self.url("visit-new-time"),
            "cancel_url": self.url("visit-cancel"),
            "calendar_url": self.url("visit-calendar"),
        }
        return render(self.request, f"scheduling/visit/{name}.html", context, status=status)

    def expected(self) -> str:
        """When a visit of today will really begin, if its clinician is late: at 11:48 AM."""
        moment = expected_of([self.visit]).get(self.visit.pk)
        if moment is None or moment <= timezone.now() or not self.visit.is_open:
            return ""
        return say_at(moment.astimezone(self.practice.zone), self.language)


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


def behind_link(page: Page) -> Callable[..., HttpResponse]:
    """Opens the link for a page; an unknown one answers the same 404 to everybody.

    The address is the secret, so it stays out of the Referer header; and whoever could forge a form here
    would have to know it, which is why the forms carry no token (no-referrer also blanks their Origin).
    """

    @functools.wraps(page)
    def view(request: HttpRequest, token: str) -> HttpResponse:
        response = answer(page, request, token)
        response["Referrer-Policy"] = "no-referrer"
        return response

    return csrf_exempt(public_door("a private link of 128 random bits; SECURITY.md C")(view))


def answer(page: Page, request: HttpRequest, token: str) -> HttpResponse:
    try:
        with open_link(token) as link:
            return page(Door(request, token, link, language_of(request, link), has_proof(request, link)))
    except UnknownLink:
        return closed(request, None, "unknown", status=404)
    except LinkClosed as over:
        status = 409 if request.method == "POST" else 410
        return closed(request, over.practice, "closed", status=status)


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
        path=reverse("visit", args=[door.token]),
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
        "interpreter": Need.INTERPRETER in {*patient.needs, *door.visit.needs},
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


def call_us(door: Door) -> HttpResponse:
    """What was asked for cannot be done here: a visit that began, or a link that was locked."""
    words = words_in(door.language)
    return door.page("closed", status=409, title=words["call_title"], why=words["call_why"])


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
@behind_link
@with_birth_date
def new_time(door: Door) -> HttpResponse:
    """Up to three wishes; a person then finds the time."""
    if door.request.method != "POST":
        return door.page("new_time", offered=offered_times(door, []), text="")
    chosen = door.request.POST.getlist("wish")
    text = door.request.POST.get("text", "").strip()[:500]
    wishes = list(filter(None, (read_wish(value) for value in chosen[: MOST_WISHES + 1])))
    wrong = "wish_many" if len(wishes) > MOST_WISHES else "" if wishes or text else "wish_none"
    if wrong:
        return door.page("new_time", status=422, offered=offered_times(door, chosen), text=text, wrong=wrong)
    said = [short_when(wish, door.practice) for wish in wishes]  # staff read English
    try:
        ask_for_another_time(appointment=door.visit, wishes=said, text=text, by=PATIENT)
    except BookingRefused:
        return call_us(door)
    return redirect(door.url("visit"))


def read_wish(value: str) -> dt.datetime | None:
    """A wished instant as the page offered it; it books nothing, so it need not be free any more."""
    try:
        return within_reach(dt.datetime.strptime(value, WISH)).replace(tzinfo=dt.UTC)
    except ValueError:
        return None


def offered_times(door: Door, chosen: list[str]) -> list[tuple[str, str, bool]]:
    """A handful of free times of the same clinician, as value, words and whether chosen."""
    found = suggest_times(
        appointment_type=door.visit.appointment_type, practitioner=door.visit.practitioner, count=OFFERED
    )
    rows = []
    for one in found:
        local = one.free.starts_at.astimezone(door.practice.zone)
        words = f"{say_day(local.date(), door.language)}, {say_clock(local, door.language)}"
        value = f"{one.free.starts_at:{WISH}}"
        rows.append((value, words, value in chosen))
    return rows


@require_http_methods(["GET", "HEAD", "POST"])
@behind_link
@with_birth_date
def cancel(door: Door) -> HttpResponse:
    """Asks once more, because the time goes to somebody else."""
    if door.request.method != "POST":
        return door.page("cancel")
    try:
        cancel_appointment(
            appointment=door.visit,
            version=door.visit.version,
            reason=CancellationReason.PATIENT_LINK,
            by=PATIENT,
        )
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
