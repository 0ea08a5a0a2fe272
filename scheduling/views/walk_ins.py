"""The dialog for a person who stands at the desk."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from patients.registry import InvalidPatient, StalePatient
from practices.access import DeskRequest, requires
from scheduling import walk_ins
from scheduling.booking import BookingRefused, MayNotOverbook, OutsideHours, SlotTaken
from scheduling.booking_page import booking_page
from scheduling.calling import NewCaller
from scheduling.drafts import Diary, Draft, read_draft
from scheduling.models import Appointment
from scheduling.overbooking import may_overbook
from scheduling.views.booking import CONFLICT, UNFINISHED, done, doubt_about, note_who_was_shown
from scheduling.walk_in_forms import WalkInForm
from scheduling.words import clock


@requires("appointment.book")
@require_http_methods(["GET", "POST"])
def walk_in(request: DeskRequest) -> HttpResponse:
    """GET: the dialog. POST: books into the chosen place, arrived at once."""
    if request.method == "POST":
        return let_in(request)
    draft = read_draft(request.GET, Diary(request.practice))
    return show(request, draft, WalkInForm(draft, initial=request.GET.dict()))


@requires("appointment.book")
@require_POST
def walk_in_look(request: DeskRequest) -> HttpResponse:
    """The dialog again with what was chosen, so that people and places follow; books nothing."""
    draft = read_draft(request.POST, Diary(request.practice))
    return show(request, draft, WalkInForm(draft, initial=request.POST.dict()))


def show(
    request: DeskRequest, draft: Draft, form: WalkInForm, *, status: int = 200, refused: str = ""
) -> HttpResponse:
    data = request.POST if request.method == "POST" else request.GET
    page = booking_page(draft, form, data, private=request.user.privacy_mode)
    page.refused = refused
    note_who_was_shown(request, page)
    context = {
        "page": page,
        "form": form,
        "draft": draft,
        "places": place_rows(draft, request) if draft.kind else [],
        "who_url": reverse("walk-in-look", args=[request.practice.slug]),
    }
    template = "scheduling/walk_in_dialog.html" if request.htmx else "scheduling/walk_in.html"
    return render(request, template, context, status=status)


def place_rows(draft: Draft, request: DeskRequest) -> list[dict[str, Any]]:
    """Where she can go: the next free time of each clinician, and now beside others for who may."""
    assert draft.kind is not None  # noqa: S101 - asked before
    now, zone = timezone.now(), request.practice.zone
    found = walk_ins.places(draft.kind, request.practice, now, draft.patient)
    allowed = may_overbook(request.actor)
    chosen = draft.slot.value if draft.slot else ""
    return [
        {
            "value": place.slot.value,
            "who": place.slot.practitioner.short_name,
            "when": "Now" if place.minutes == 0 else clock(place.slot.starts_at.astimezone(zone)),
            "words": "beside others" if place.beside else wait_words(place.minutes),
            "beside": place.beside,
            "unmet": " ".join(place.unmet),
            "checked": place.slot.value == chosen,
        }
        for place in found
        if allowed or not place.beside
    ]


def wait_words(minutes: int) -> str:
    if minutes == 0:
        return "free"
    hours, rest = divmod(minutes, 60)
    return f"free in {hours} h {rest} min" if hours else f"free in {rest} min"


def let_in(request: DeskRequest) -> HttpResponse:
    """Books and lets her wait, or answers with the dialog and everything typed."""
    draft = read_draft(request.POST, Diary(request.practice))
    form = WalkInForm(draft, data=request.POST)
    if not form.is_valid():
        return show(request, draft, form, status=UNFINISHED)
    if draft.patient is None and (doubt := doubt_about(request)):
        form.add_error("name", doubt)
        return show(request, draft, form, status=UNFINISHED)
    try:
        visit = carry_out(request, draft, form)
    except InvalidPatient as wrong:
        for name, words in wrong.errors.items():
            form.add_error({"birth_date": "birth_date", "phones": "mobile"}.get(name, "name"), words)
        return show(request, draft, form, status=UNFINISHED)
    except (BookingRefused, StalePatient) as refusal:
        return not_there(request, draft, form, refusal)
    return done(request, visit, f"Here, with {visit.practitioner.short_name}.")


def not_there(
    request: DeskRequest, draft: Draft, form: WalkInForm, refusal: BookingRefused | StalePatient
) -> HttpResponse:
    words = str(refusal)
    if isinstance(refusal, MayNotOverbook):
        form.add_error("overbook_reason", words)
    elif isinstance(refusal, SlotTaken | OutsideHours) and may_overbook(request.actor):
        form.add_error("overbook_reason", "Say why beside others, or choose a free time.")
    status = CONFLICT if isinstance(refusal, SlotTaken | StalePatient) else UNFINISHED
    return show(request, draft, form, status=status, refused=words)


def carry_out(request: DeskRequest, draft: Draft, form: WalkInForm) -> Appointment:
    said = form.cleaned_data
    assert draft.kind is not None and draft.slot is not None  # noqa: S101, PT018 - the form asked for both
    mobile = said.get("mobile") or ""
    person = draft.patient or NewCaller(said["given"], said["family"], said["birth_date"], mobile)
    return walk_ins.walk_in(
        person=person,
        kind=draft.kind,
        practitioner=draft.slot.practitioner,
        starts_at=draft.slot.starts_at,
        reason=said["reason"],
        overbook_reason=said["overbook_reason"],
        mobile=mobile,
        by=request.actor,
    )
