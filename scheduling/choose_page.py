"""What the two ways to another time share: the times as a list, the step, “none of these”, and the wishes.

A time is carried as a signed word: only what this page showed can be chosen, for an hour. Whether it is still
free is judged when it is taken.
"""

import datetime as dt
import functools
import uuid
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect

from scheduling.availability import suggest_times
from scheduling.booking import BookingRefused, NotOpen
from scheduling.choosing import Time, choose_time, live_request, none_suits, times_for
from scheduling.clocks import zone_at
from scheduling.links import PATIENT, is_closed
from scheduling.models import Appointment, Confirmation, Status, TimeRequest
from scheduling.patient_doors import Door, Page, call_us, over_now
from scheduling.visit_words import WORDS, say_clock, say_day, words_in
from scheduling.wallclock import within_reach
from scheduling.wishes import ask_for_another_time
from scheduling.words import short_when

SHOWN_FOR = 60 * 60
MOST_WISHES = 3
OFFERED = 6
WISH = "%Y%m%dT%H%MZ"
HOURS = ("mornings", "afternoons", "later", "please_call")  # wishes that are no time of the list


@dataclass(frozen=True, slots=True)
class Choice:
    """One time on the page."""

    value: str
    words: str
    who: str  # said where it is not the clinician of the visit
    chosen: bool = False


def unless_over(page: Page) -> Page:
    """Says what was chosen where the visit moved by this link, and that the link is over where it did not."""

    @functools.wraps(page)
    def looked(door: Door) -> HttpResponse:
        if not is_closed(door.link) or door.link.locked_at is not None:
            return page(door)
        if chosen_before(door) is None:
            return over_now(door.request, door.practice)
        return page(door)

    return looked


def chosen_before(door: Door) -> Appointment | None:
    """The visit that the patient chose instead of this one, while it stands."""
    request = (
        TimeRequest.objects.filter(
            appointment=door.visit, state=TimeRequest.State.CHOSEN, chosen__status=Status.BOOKED
        )
        .select_related("chosen__practitioner", "chosen__patient")
        .first()
    )
    return request.chosen if request is not None else None


def choose_or_wish(door: Door) -> HttpResponse:
    """The times that are open to patients; where none is, the page on which a wish is written."""
    if chosen_before(door) is not None:
        return choose_time_page(door)
    request = live_request(door.visit)
    is_wish = "wish" in door.request.POST and "time" not in door.request.POST
    times = [] if is_wish else times_for(door.visit, request)
    return choose_time_page(door, times, request) if times else wish_for_time(door)


def choose_time_page(
    door: Door, times: list[Time] | None = None, request: TimeRequest | None = None
) -> HttpResponse:
    """GET: the list, or what was chosen before. POST `time`: the visit moves at once."""
    moved = chosen_before(door)
    if moved is not None and door.request.method == "POST":
        return redirect(f"{door.request.path}?lang={door.language}")  # the same button again
    if moved is not None:
        return done_page(door, moved)
    if door.request.method == "POST" and "birth_year" not in door.request.POST:
        return take(door)
    if times is None:
        request = live_request(door.visit)
        times = times_for(door.visit, request)
    return list_page(door, times)


def take(door: Door) -> HttpResponse:
    text = door.request.POST.get("text", "").strip()[:500]
    wanted = read_time(door, door.request.POST.get("time", ""))
    if wanted is None:
        return list_page(door, None, status=422, text=text, wrong="choose_none")
    practitioner_id, starts_at = wanted
    try:
        choose_time(
            visit=door.visit, practitioner_id=practitioner_id, starts_at=starts_at, text=text, by=PATIENT
        )
    except NotOpen:
        return call_us(door)
    except BookingRefused:
        # Taken, closed or out since the page was drawn: the next times, and what was typed.
        return list_page(door, None, status=409, text=text, wrong="choose_gone")
    return redirect(f"{door.request.path}?lang={door.language}")


def list_page(door: Door, times: list[Time] | None, *, status: int = 200, **more: Any) -> HttpResponse:
    if times is None:
        times = times_for(door.visit, live_request(door.visit))
    asked = door.visit.confirmation == Confirmation.CHANGE_REQUESTED
    context = {"choices": [choice_of(time, door) for time in times], "asked": asked, "text": ""} | more
    return door.page("choose", status=status, **context)


def choice_of(time: Time, door: Door) -> Choice:
    local = time.starts_at.astimezone(zone_at(time.starts_at, time.practitioner))
    words = f"{say_day(local.date(), door.language)}, {say_clock(local, door.language)}"
    other = time.practitioner.pk != door.visit.practitioner_id
    return Choice(write_time(door, time), words, time.practitioner.name if other else "")


def write_time(door: Door, time: Time) -> str:
    moment = time.starts_at.astimezone(dt.UTC).strftime(WISH)
    return signing.dumps([str(time.practitioner.pk), moment], salt=salt_of(door), compress=True)


def read_time(door: Door, value: str) -> tuple[uuid.UUID, dt.datetime] | None:
    """A time that this page showed within the hour; None for anything else."""
    try:
        person, moment = signing.loads(value[:400], salt=salt_of(door), max_age=SHOWN_FOR)
    except signing.BadSignature:
        return None
    return uuid.UUID(person), dt.datetime.strptime(moment, WISH).replace(tzinfo=dt.UTC)


def salt_of(door: Door) -> str:
    return f"time-of-link:{door.link.pk}"


def done_page(door: Door, moved: Appointment) -> HttpResponse:
    """Your appointment is now …: with the clinician, once the birth date was given."""
    who = words_in(door.language)["minutes"].format(who=moved.practitioner.name, minutes=moved.minutes)
    when: dict[str, Any] = {**door.when(moved)}
    return door.page("chosen", who=who, **when)


def wish_instead(door: Door) -> HttpResponse:
    """“None of these suits me”: when it would, in a few ticks or words; a person then calls."""
    given = door.request.POST
    if door.request.method != "POST":
        return door.page("none", hours=hours_of(door, []), text="")
    ticked = [name for name in HOURS if name in given.getlist("hours")]
    text = given.get("text", "").strip()[:500]
    if not ticked and not text:
        return door.page("none", status=422, hours=hours_of(door, ticked), text=text, wrong="wish_none")
    try:
        # Staff read English.
        none_suits(visit=door.visit, wishes=[WORDS[name][0] for name in ticked], text=text, by=PATIENT)
    except BookingRefused:
        return call_us(door)
    return door.page("noted")


def hours_of(door: Door, ticked: list[str]) -> list[tuple[str, str, bool]]:
    words = words_in(door.language)
    return [(name, words[name], name in ticked) for name in HOURS]


def wish_for_time(door: Door) -> HttpResponse:
    """Up to three wishes; a person then finds the time."""
    if door.request.method != "POST":
        return door.page("new_time", offered=offered_times(door, []), text="")
    chosen = door.request.POST.getlist("wish")
    text = door.request.POST.get("text", "").strip()[:500]
    wishes = list(filter(None, (read_wish(value) for value in chosen[: MOST_WISHES + 1])))
    wrong = "wish_many" if len(wishes) > MOST_WISHES else "" if wishes or text else "wish_none"
    if wrong:
        return door.page("new_time", status=422, offered=offered_times(door, chosen), text=text, wrong=wrong)
    said = [short_when(wish, door.practice) for wish in wishes]
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
    """A handful of the same clinician's times that fit the visit's needs: value, words, whether chosen."""
    found = suggest_times(
        appointment_type=door.visit.appointment_type,
        practitioner=door.visit.practitioner,
        patient=door.visit.patient,
        needs=door.visit.all_needs,
        count=OFFERED,
    )
    rows = []
    for one in found:
        local = one.free.starts_at.astimezone(zone_at(one.free.starts_at, door.visit.practitioner))
        words = f"{say_day(local.date(), door.language)}, {say_clock(local, door.language)}"
        value = f"{one.free.starts_at:{WISH}}"
        rows.append((value, words, value in chosen))
    return rows
