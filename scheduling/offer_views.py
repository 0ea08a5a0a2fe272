"""The page of an offered time, behind its private link: looking changes nothing, a button does.

Before the birth date it says whose practice it is, that an appointment is free and, where the practice
allows, when. A yes to a free time needs no more: whoever holds the link could answer the text as well. A yes
that gives up another visit, with whom and where, come after the birth date (SECURITY.md C3).
"""

import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from practices.access import public_door
from practices.audit import record_read
from practices.models import Practice
from scheduling.accepting import (
    HeldJustNow,
    OfferAnswered,
    OfferGone,
    accept_offer,
    decline_offer,
    stop_asking,
)
from scheduling.clocks import local_start, offered_start
from scheduling.links import PATIENT, UnknownLink
from scheduling.models import Appointment, Offer, WaitlistEntry
from scheduling.offer_links import check_birth_date, open_offer
from scheduling.offer_words import offer_words
from scheduling.patient_page import (
    chosen_language,
    frame,
    friendly_end,
    give_proof,
    months,
    proves,
    read_date,
)
from scheduling.visit_words import say_at, say_day, words_in

PROOF = "offer"
State = Offer.State


@dataclass(slots=True)
class OfferDoor:
    """An opened offer: the language, and whether the birth date was given."""

    request: HttpRequest
    token: str
    offer: Offer
    language: str
    proved: bool

    @property
    def practice(self) -> Practice:
        return self.offer.practice

    @property
    def before(self) -> Appointment | None:
        """The visit that a yes gives up."""
        visit: Appointment | None = self.offer.entry.visit_given_up
        return visit

    @property
    def visit(self) -> Appointment | None:
        """What is hers by this offer."""
        visit: Appointment | None = self.offer.visit_to_come
        return visit

    @property
    def starts(self) -> dt.datetime:
        """When it is, on the clock of the place: of the visit as it is now, else of what is offered."""
        return local_start(self.visit) if self.visit is not None else offered_start(self.offer)

    @property
    def is_free(self) -> bool:
        """Whether a yes can still be said."""
        standing = self.offer.stands or self.offer.state == State.DECLINED
        ahead = timezone.now() < self.offer.expires_at
        return standing and ahead and self.offer.opening.is_open and self.offer.entry.is_waiting

    def url(self, name: str) -> str:
        return f"{reverse(name, args=[self.token])}?lang={self.language}"

    def when(self, local: dt.datetime) -> dict[str, str]:
        return {"day": say_day(local.date(), self.language), "clock": say_at(local, self.language)}

    def page(self, name: str, *, status: int = 200, **more: Any) -> HttpResponse:
        context = frame(self.practice, self.language, words_in(self.language))
        context |= {"o": offer_words(self.language), "door": self, "back_url": self.url("offer")}
        context["visit_url"] = context["home_url"] = context["back_url"]
        shown = self.proved or self.practice.link_shows_time
        context |= self.when(self.starts) if shown else {"day": "", "clock": ""}
        context |= {name: self.url(f"offer-{name.removesuffix('_url')}") for name in DOORS}
        context |= known(self) if self.proved else {}
        return render(self.request, f"scheduling/{name}.html", context | more, status=status)


DOORS = ("yes_url", "no_url", "stop_url", "details_url")
Page = Callable[[OfferDoor], HttpResponse]


def known(door: OfferDoor) -> dict[str, Any]:
    """What only the patient may read: with whom, where, and which visit would be given up."""
    who, words = (door.visit or door.offer.opening).practitioner, words_in(door.language)
    meant = door.visit or door.offer
    minutes = round((meant.ends_at - meant.starts_at).total_seconds() / 60)
    place = who.room.location if who.room else who.location
    found = {
        "who": words["minutes"].format(who=who.name, minutes=minutes),
        "where": (place.address if place else "") or door.practice.address,
    }
    if door.before is not None:
        found["gives_up"] = offer_words(door.language)["gives_up"].format(
            **door.when(local_start(door.before))
        )
    return found


def behind_offer(page: Page) -> Callable[..., HttpResponse]:
    """Opens the offer for a page; an unknown link answers the same 404 to everybody."""

    @functools.wraps(page)
    def view(request: HttpRequest, token: str) -> HttpResponse:
        try:
            with open_offer(token) as offer:
                response = page(
                    OfferDoor(request, token, offer, language_of(request, offer), has_proof(request, offer))
                )
        except UnknownLink:
            language = chosen_language(request)
            response = friendly_end(request, None, "unknown", language, words_in(language), 404)
        response["Referrer-Policy"] = "no-referrer"
        return response

    return csrf_exempt(public_door("a private link of 128 random bits; SECURITY.md C")(view))


def language_of(request: HttpRequest, offer: Offer) -> str:
    return chosen_language(request, str(offer.entry.patient.language))


def has_proof(request: HttpRequest, offer: Offer) -> bool:
    """Whether this browser gave the birth date for this offer within the last quarter of an hour."""
    salt = f"offer-link:{offer.pk}"
    return offer.locked_at is None and proves(request, PROOF, salt, offer.pk)


def standing(door: OfferDoor, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page as the offer is now: free, yours, noted, off the list, or gone."""
    offer, words = door.offer, offer_words(door.language)
    if door.visit is not None:
        return door.page("offer/yours", status=status)
    if offer.entry.state == WaitlistEntry.State.REMOVED:
        return door.page("offer/noted", status=status, said=words["stopped"])
    if door.is_free:
        said = words["declined"] if offer.state == State.DECLINED else ""
        return door.page("offer/offer", status=status, said=said, **more)
    return closed(door, status=409 if status == 409 else 410)


def closed(door: OfferDoor, *, status: int) -> HttpResponse:
    """Somebody was faster; or it was hers, and the visit was cancelled or moved since, or has been."""
    words = offer_words(door.language)
    came = "ended" if door.offer.state == State.ACCEPTED else "gone"
    return door.page("offer/closed", status=status, title=words[f"{came}_title"], why=words[f"{came}_why"])


@require_safe
@behind_offer
def offer(door: OfferDoor) -> HttpResponse:
    """Do you want this time?"""
    return standing(door)


@require_POST
@behind_offer
def yes(door: OfferDoor) -> HttpResponse:
    """Takes the time; where a visit is given up for it, only once the birth date was given."""
    if door.offer.locked_at is not None:
        return call_us(door)
    if door.before is not None and not door.proved and door.offer.state != State.ACCEPTED:
        return redirect(door.url("offer-details"))
    try:
        accept_offer(offer=door.offer, how="link", by=PATIENT)
    except HeldJustNow:
        words = offer_words(door.language)
        return door.page("offer/held", status=409, title=words["held_title"], why=words["held_why"])
    except OfferGone:
        door.offer.refresh_from_db()
        return closed(door, status=409)
    return redirect(door.url("offer"))


@require_POST
@behind_offer
def no(door: OfferDoor) -> HttpResponse:
    """Not this one: needs no birth date, and twice is the same as once."""
    if door.offer.locked_at is not None:
        return call_us(door)
    try:
        decline_offer(offer=door.offer, how="link", by=PATIENT)
    except OfferAnswered:
        return call_us(door)
    return redirect(door.url("offer"))


@require_POST
@behind_offer
def stop(door: OfferDoor) -> HttpResponse:
    """No more of these: as easy as it can be, and the desk can put the patient on the list again."""
    if door.offer.locked_at is not None or door.visit is not None:
        return call_us(door)
    stop_asking(offer=door.offer, how="link", by=PATIENT)
    return redirect(door.url("offer"))


@require_http_methods(["GET", "HEAD", "POST"])
@behind_offer
def details(door: OfferDoor) -> HttpResponse:
    """The birth date, then with whom, where and what is given up."""
    if door.proved:
        return standing(door)
    given = door.request.POST
    if "birth_year" not in given:
        return door.page("visit/birth_date", months=months(door.language), given={})
    date = read_date(given)
    if date is not None and check_birth_date(offer=door.offer, birth_date=date):
        record_read(by=PATIENT, patients=[door.offer.entry.patient_id], screen="offer-link")
        return let_in(door)
    wrong, status = ("incomplete", 422) if date is None else ("wrong", 403)
    return door.page(
        "visit/birth_date", status=status, months=months(door.language), wrong=wrong, given=given.dict()
    )


def let_in(door: OfferDoor) -> HttpResponse:
    response = redirect(door.url("offer-details"))
    path = reverse("offer", args=[door.token])
    return give_proof(response, PROOF, f"offer-link:{door.offer.pk}", door.offer.pk, path)


def call_us(door: OfferDoor) -> HttpResponse:
    """What was asked for cannot be done here: the link was locked, or the visit is a visit already."""
    words = words_in(door.language)
    return door.page("visit/closed", status=409, title=words["call_title"], why=words["call_why"])
