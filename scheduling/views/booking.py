"""The booking dialog, and the doors that change a visit."""

import json
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from patients.registry import InvalidPatient, StalePatient
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling import call_booking
from scheduling.booking import BookingRefused, MayNotOverbook, OutsideHours, SlotTaken
from scheduling.booking_page import (
    BookingPage,
    booking_page,
    first_values,
    next_choices,
    people_like,
    said_apart,
    said_stop,
    same_person,
    unseen,
)
from scheduling.calling import NewCaller, book_for_caller
from scheduling.drafts import Diary, Draft, Slot, read_draft
from scheduling.forms import BookingForm
from scheduling.held_choice import hold_choice, hold_key
from scheduling.holding import release_hold
from scheduling.models import Appointment
from scheduling.regions import columns_of
from scheduling.series_forms import RepeatForm

CONFLICT, UNFINISHED = 409, 422


def today_url(request: DeskRequest, appointment: Appointment) -> str:
    """The board of the visit's day."""
    day = appointment.local_date.isoformat()
    return f"{reverse('today', args=[request.practice.slug])}?d={day}"


def done(request: DeskRequest, appointment: Appointment, words: str, *also: Appointment) -> HttpResponse:
    """The answer to a dialog that did its work: it closes and the board is read anew; or the board's page."""
    if not request.htmx:
        return redirect(today_url(request, appointment))
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps(
        {
            "dialogClose": True,
            "refresh": " ".join([*columns_of(appointment, *also), "queue", "changes"]),
            "desk:changed": {"appointment": str(appointment.pk)},
            "announce": words,
        }
    )
    return response


@requires("appointment.book")
@require_http_methods(["GET", "POST"])
def book(request: DeskRequest) -> HttpResponse:
    """The dialog, empty or filled from the address (`patient`, `practitioner`, `start`); POST books."""
    if request.method == "POST":
        return book_now(request) if not request.POST.get("repeat") else to_the_dates(request)
    known = call_booking.opened(request.GET, request.user)
    draft = read_draft(known.fields, Diary(request.practice))
    if draft.patient is not None and not known.is_kept:
        draft.needs = list(draft.patient.needs)
    form = BookingForm(draft, initial=first_values(draft, known.fields))
    return show_booking(request, draft, form, data=known.fields)


def to_the_dates(request: DeskRequest) -> HttpResponse:
    """A visit that repeats shows its dates first: the same form goes there, unchanged."""
    url = reverse("book-series", args=[request.practice.slug])
    return HttpResponse(status=307, headers={"Location": url})


@requires("appointment.book")
@require_POST
def book_times(request: DeskRequest) -> HttpResponse:
    """The dialog again with what was chosen, so that people, times and read-back follow; books nothing.

    The chosen time is held for five minutes.
    """
    draft = read_draft(request.POST, Diary(request.practice))
    if draft.patient is not None and request.POST.get("for") != str(draft.patient.pk):
        draft.needs = sorted({*draft.needs, *draft.patient.needs})
    draft.hold_key = hold_key(request.POST, request.actor)
    held = hold_choice(draft, request.POST, by=request.actor)
    draft.holds = bool(held and held.until) and not draft.other
    form = BookingForm(draft, initial=first_values(draft, request.POST))
    return show_booking(request, draft, form, held=held)


@requires("appointment.book")
@require_POST
def let_go(request: DeskRequest) -> HttpResponse:
    """The dialog was left: its time is free again."""
    release_hold(key=hold_key(request.POST, request.actor), by=request.actor)
    return HttpResponse(status=204)


def show_booking(
    request: DeskRequest,
    draft: Draft,
    form: BookingForm,
    *,
    data: QueryDict | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """The dialog as a part for htmx, else as a page; `data` is what was typed, as it was posted or kept."""
    data = request.POST if data is None else data
    if draft.other and not form.is_bound:
        draft.slot = typed_so_far(draft, data)
    page = booking_page(draft, form, data, private=request.user.privacy_mode)
    page.hides = call_booking.hides_details(data, draft.patient)
    page.repeats = RepeatForm(initial=data.dict(), today=request.practice.today())
    for name, value in more.items():
        setattr(page, name, value)
    if page.caller and data.get("for") != str(page.caller.patient.pk) and not form.is_bound:
        form.initial["text_ok"] = page.agreed_before
    note_who_was_shown(request, page)
    template = "scheduling/book_dialog.html" if request.htmx else "scheduling/book.html"
    return render(request, template, {"page": page, "form": form, "draft": draft}, status=status)


def typed_so_far(draft: Draft, data: QueryDict) -> Slot | None:
    """The typed day and time, for the read-back, once they make sense."""
    tried = BookingForm(draft, data=data)
    tried.is_valid()
    slot: Slot | None = tried.cleaned_data.get("slot")
    return slot


def note_who_was_shown(request: DeskRequest, page: BookingPage) -> None:
    shown = [match.patient.pk for match in page.matches]
    if page.caller is not None:
        shown.append(page.caller.patient.pk)
    record_read(by=request.actor, patients=shown, screen="booking")


def book_now(request: DeskRequest) -> HttpResponse:
    """Books, or answers with the dialog: 422 for what is missing, 409 for a time that is gone."""
    draft = read_draft(request.POST, Diary(request.practice))
    draft.hold_key = hold_key(request.POST, request.actor)
    form = BookingForm(draft, data=request.POST)
    if not form.is_valid():
        return show_booking(request, draft, form, status=UNFINISHED)
    draft.slot = form.cleaned_data["slot"]
    if draft.patient is None and (doubt := doubt_about(request)):
        form.add_error("name", doubt)
        return show_booking(request, draft, form, status=UNFINISHED)
    try:
        appointment = carry_out(request, draft, form)
    except (InvalidPatient, StalePatient, BookingRefused) as refusal:
        return refused(request, draft, form, refusal)
    call_done(request, appointment)
    when = form.cleaned_data["slot"]
    return done(request, appointment, f"Booked with {when.practitioner.short_name}.")


def call_done(request: DeskRequest, appointment: Appointment) -> None:
    """Tells the call that it was booked in."""
    call_booking.booked(request.POST, appointment.patient, by=request.actor)


def doubt_about(request: DeskRequest) -> str:
    """Why not to make a new patient yet, in words; nothing where nobody is like the caller or it was said."""
    matches, _ = people_like(request.POST)
    same = same_person(matches, request.POST)
    if same and not said_apart(same, request.POST):
        name = same[0].patient.shown_name(private=request.user.privacy_mode)
        return f"{name} is here already. Use the record, or say that it is somebody else."
    if unseen([match for match in matches if match not in same], request.POST):
        return "Is it one of these? If not, book again and a new patient is added."
    return ""


def carry_out(request: DeskRequest, draft: Draft, form: BookingForm) -> Appointment:
    said = form.cleaned_data
    mobile = said.get("mobile") or ""
    caller = draft.patient or NewCaller(said["given"], said["family"], said["birth_date"], mobile)
    if draft.kind is None:
        raise BookingRefused("Choose the kind of visit.")
    return book_for_caller(
        caller=caller,
        kind=draft.kind,
        slot=said["slot"],
        needs=said["needs"],
        reason=said["reason"],
        # Who said STOP can only be texted again after START: a tick from before the number was typed is none.
        agreed_to_texts=said["text_ok"] and not said_stop(mobile),
        mobile=mobile,
        overbook_reason=said["overbook_reason"],
        hold_key=draft.hold_key,
        despite=said.get("despite", ()),
        by=request.actor,
    )


def refused(
    request: DeskRequest, draft: Draft, form: BookingForm, refusal: ValueError | StalePatient
) -> HttpResponse:
    """The dialog with everything typed kept, the reason in words, and the next times where one was taken."""
    if isinstance(refusal, InvalidPatient):
        for name, words in refusal.errors.items():
            form.add_error({"birth_date": "birth_date", "phones": "mobile"}.get(name, "name"), words)
        return show_booking(request, draft, form, status=UNFINISHED)
    times = next_choices(refusal.next_times, draft) if isinstance(refusal, SlotTaken) else []
    wanted = draft.slot if isinstance(refusal, SlotTaken) else None
    if times:
        draft.picked = draft.slot = None  # it is gone: offering it again would only be refused again
    status = CONFLICT if isinstance(refusal, SlotTaken | StalePatient) else UNFINISHED
    if isinstance(refusal, MayNotOverbook):
        form.add_error("overbook_reason", str(refusal))
    elif isinstance(refusal, OutsideHours) and request.admission.may("appointment.overbook"):
        form.add_error("overbook_reason", "Say why to book it all the same.")
    told: dict[str, Any] = {"refused": str(refusal), "next_times": times, "refused_slot": wanted}
    return show_booking(request, draft, form, status=status, **told)
