"""The patient's page to choose a time for what is due: the birth date first, then the times, then booked."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from practices.access import public_door
from practices.audit import record_read
from practices.models import Practice
from scheduling.booking import BookingRefused, SlotTaken
from scheduling.clocks import local_start, zone_at
from scheduling.due_links import check_due_birth_date, open_due_link, some_of, times_open_to
from scheduling.due_words import due_words
from scheduling.fitting import Fit
from scheduling.followups import FollowUpRefused, book_follow_up, is_booked
from scheduling.links import PATIENT, LinkClosed, UnknownLink
from scheduling.models import Appointment, FollowUp, FollowUpLink
from scheduling.patient_page import (
    chosen_language,
    frame,
    friendly_end,
    give_proof,
    months,
    proves,
    read_date,
)
from scheduling.visit_words import EN, say_at, say_day

PROOF = "due"


@dataclass(slots=True)
class DueDoor:
    """An opened link: what is due, the language, and whether the birth date was given."""

    request: HttpRequest
    token: str
    link: FollowUpLink
    language: str

    @property
    def row(self) -> FollowUp:
        follow_up: FollowUp = self.link.follow_up
        return follow_up

    @property
    def practice(self) -> Practice:
        return self.row.practice

    @property
    def url(self) -> str:
        return f"{reverse('due', args=[self.token])}?lang={self.language}"

    def page(self, name: str, *, status: int = 200, **more: Any) -> HttpResponse:
        context = (
            frame(self.practice, self.language, due_words(self.language))
            | {"visit_url": self.url, "url": self.url}
            | more
        )
        return render(self.request, f"scheduling/visit/{name}.html", context, status=status)


def language_of(request: HttpRequest, link: FollowUpLink | None = None) -> str:
    return chosen_language(request, link.follow_up.patient.language if link else EN)


# The address is the secret: whoever could forge a form here would have to know it, so it carries no token.
@csrf_exempt
@public_door("a private link of 128 random bits; SECURITY.md C")
@require_http_methods(["GET", "HEAD", "POST"])
def due(request: HttpRequest, token: str) -> HttpResponse:
    """The times to choose from, once the birth date was given."""
    try:
        with open_due_link(token) as link:
            response = behind(DueDoor(request, token, link, language_of(request, link)))
    except UnknownLink:
        response = closed(request, None, "unknown", 404)
    except LinkClosed as over:
        response = closed(request, over.practice, "closed", 409 if request.method == "POST" else 410)
    response["Referrer-Policy"] = "no-referrer"
    return response


def closed(request: HttpRequest, practice: Practice | None, what: str, status: int) -> HttpResponse:
    language = language_of(request)
    return friendly_end(request, practice, what, language, due_words(language), status)


def behind(door: DueDoor) -> HttpResponse:
    if not has_proof(door):
        given = door.request.POST if door.request.method == "POST" else QueryDict()
        return judge(door, given) if "birth_year" in given else ask_birth_date(door)
    if is_booked(door.row):
        return show_booked(door)
    if door.request.method == "POST":
        return take(door)
    return show_times(door)


def has_proof(door: DueDoor) -> bool:
    """Whether this browser gave the birth date for this link within the last quarter of an hour."""
    salt = f"due-link:{door.link.pk}"
    return door.link.locked_at is None and proves(door.request, PROOF, salt, door.link.pk)


def ask_birth_date(door: DueDoor, *, status: int = 200, **more: Any) -> HttpResponse:
    return door.page("birth_date", status=status, months=months(door.language), **({"given": {}} | more))


def judge(door: DueDoor, given: QueryDict) -> HttpResponse:
    """Lets in, or says the same for a wrong date and for a locked link; an unfinished date is no guess."""
    date = read_date(given)
    if date is None:
        return ask_birth_date(door, status=422, wrong="incomplete", given=given.dict())
    if not check_due_birth_date(link=door.link, birth_date=date):
        return ask_birth_date(door, status=403, wrong="wrong", given=given.dict())
    record_read(by=PATIENT, patients=[door.row.patient_id], screen="due-link")
    path = reverse("due", args=[door.token])
    return give_proof(redirect(door.url), PROOF, f"due-link:{door.link.pk}", door.link.pk, path)


def value_of(fit: Fit) -> str:
    return f"{fit.practitioner.pk}|{fit.starts_at:%Y%m%dT%H%MZ}"


def show_times(door: DueDoor, *, status: int = 200, wrong: str = "") -> HttpResponse:
    offered = []
    for fit in some_of(times_open_to(door.row)):
        local = fit.starts_at.astimezone(zone_at(fit.starts_at, fit.practitioner))
        words = f"{say_day(local.date(), door.language)}, {say_at(local, door.language)}"
        offered.append((value_of(fit), words, fit.practitioner.name))
    wrong = due_words(door.language)[wrong] if wrong else ""
    return door.page("due", status=status, offered=offered, wrong=wrong)


def take(door: DueDoor) -> HttpResponse:
    """Books the chosen time, if the practice's rules open it still; else the times that are left."""
    wanted = door.request.POST.get("time", "")
    fit = next((one for one in times_open_to(door.row) if value_of(one) == wanted), None)
    if fit is None:
        known = bool(wanted)
        return show_times(door, status=409 if known else 422, wrong="due_gone" if known else "due_choose")
    try:
        book_follow_up(
            follow_up=door.row,
            version=door.row.version,
            practitioner=fit.practitioner,
            starts_at=fit.starts_at,
            by=PATIENT,
        )
    except SlotTaken:
        return show_times(door, status=409, wrong="due_gone")
    except (BookingRefused, FollowUpRefused):
        if is_booked(door.row):
            return redirect(door.url)
        return closed(door.request, door.practice, "call", 409)
    return redirect(door.url)


def show_booked(door: DueDoor) -> HttpResponse:
    """What was booked: day, time and with whom."""
    row = door.row
    visits = Appointment.objects.active().filter(patient=row.patient, appointment_type=row.appointment_type)
    coming = visits.filter(local_date__gte=door.practice.today()).select_related("practitioner")
    visit = coming.filter(follow_up=row).first() or coming.order_by("starts_at").first()
    more: dict[str, Any] = {"day": "", "clock": "", "who": ""}
    if visit is not None:
        local = local_start(visit)
        more = {
            "day": say_day(local.date(), door.language),
            "clock": say_at(local, door.language),
            "who": visit.practitioner.name,
        }
    return door.page("due_booked", **more)
