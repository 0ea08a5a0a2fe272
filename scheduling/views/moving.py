"""Moving a visit: the dialog with suggested times, and the drop on the board."""

import json
import uuid
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.batches import reschedule_visits
from scheduling.belonging import TOGETHER, choices_for, come_along, fellows_of, not_along
from scheduling.booking import (
    BookingRefused,
    MayNotOverbook,
    OutsideHours,
    SlotTaken,
    reschedule_appointment,
)
from scheduling.booking_page import booking_page, choice_of, next_choices
from scheduling.drafts import Diary, Draft, Slot, as_instant, as_version, read_draft
from scheduling.forms import WhenForm
from scheduling.linked import along, next_along
from scheduling.models import Appointment
from scheduling.objections import newly_unmet
from scheduling.refusals import DatesRefused
from scheduling.regions import columns_of
from scheduling.views.booking import CONFLICT, UNFINISHED, done
from scheduling.views.changes import bar
from scheduling.views.visits import visit_or_404
from scheduling.walk_ins import present_quarter
from scheduling.wallclock import ClockChange
from scheduling.words import short_when


@require_http_methods(["GET", "POST"])
@requires("appointment.change")
def move(request: DeskRequest, appointment_id: uuid.UUID) -> HttpResponse:
    """GET: the dialog. POST `start`: the drop of a card; POST `look`: the dialog again; POST: moves."""
    visit = visit_or_404(appointment_id)
    if request.method == "POST" and "start" in request.POST:
        return drop(request, visit)
    data = request.POST if request.method == "POST" else request.GET
    draft = draft_of(request, visit)
    if request.method == "GET" or "look" in request.GET:
        return show_move(request, visit, draft, WhenForm(draft, initial=data.dict()))
    if request.POST.get("scope") in {"later", "all"}:
        return to_the_dates(request, visit)
    form = WhenForm(draft, data=request.POST)
    if not form.is_valid():
        return show_move(request, visit, draft, form, status=UNFINISHED)
    return move_to(request, visit, draft, form)


def to_the_dates(request: DeskRequest, visit: Appointment) -> HttpResponse:
    """Several of a series show their dates first: the same form goes there, unchanged."""
    url = reverse("appointment-move-series", args=[request.practice.slug, visit.pk])
    return HttpResponse(status=307, headers={"Location": url})


def move_to(request: DeskRequest, visit: Appointment, draft: Draft, form: WhenForm) -> HttpResponse:
    slot: Slot = form.cleaned_data["slot"]
    draft.slot = slot
    if request.POST.get("scope") == TOGETHER:
        return move_along(request, visit, draft, form, slot)
    try:
        moved = reschedule_appointment(
            appointment=visit,
            version=as_version(request.POST.get("version")),
            starts_at=slot.starts_at,
            practitioner=slot.practitioner,
            overbook_reason=form.cleaned_data["overbook_reason"],
            tell_patient="tell_patient" in request.POST,
            despite=form.cleaned_data.get("despite", ()),
            by=request.actor,
        )
    except BookingRefused as refusal:
        return refused(request, visit, draft, form, refusal)
    return done(request, moved, f"Moved to {short_when(moved.starts_at, request.practice)}.", visit)


def move_along(
    request: DeskRequest, visit: Appointment, draft: Draft, form: WhenForm, slot: Slot
) -> HttpResponse:
    """Moves the visit and those it is linked to, all or none; else the next times at which all fit."""
    others = come_along(visit, request.POST)
    try:
        moves = along(visit, others, as_version(request.POST.get("version")), slot)
        moved = reschedule_visits(moves=moves, tell_patient="tell_patient" in request.POST, by=request.actor)
    except (BookingRefused, ClockChange) as refusal:
        now = visit_or_404(visit.pk)
        words = not_along(moves, refusal) if isinstance(refusal, DatesRefused) else str(refusal)
        next_slots = next_along(now, [one for one, _ in others], slot)
        times = [choice_of(each, request.practice) for each in next_slots]
        return show_move(request, now, draft, form, status=CONFLICT, refused=words, next_times=times)
    words = f"{len(moved)} visits moved."
    return done(request, moved[0], words, *moved[1:], *(move.visit for move in moves))


def refused(
    request: DeskRequest, visit: Appointment, draft: Draft, form: WhenForm, refusal: BookingRefused
) -> HttpResponse:
    """The dialog with what was chosen, the reason, and the next times where one was taken."""
    times = next_choices(refusal.next_times, draft) if isinstance(refusal, SlotTaken) else []
    if times:
        draft.picked = draft.slot = None  # it is gone: offering it again would only be refused again
    if isinstance(refusal, MayNotOverbook):
        form.add_error("overbook_reason", str(refusal))
    elif isinstance(refusal, OutsideHours) and request.admission.may("appointment.overbook"):
        form.add_error("overbook_reason", "Say why to move it there all the same.")
    now = visit_or_404(visit.pk)
    return show_move(request, now, draft, form, status=CONFLICT, refused=str(refusal), next_times=times)


def draft_of(request: DeskRequest, visit: Appointment) -> Draft:
    """What was chosen; kind, patient and needs are those of the visit."""
    data = request.POST if request.method == "POST" else request.GET
    draft = read_draft(data, Diary(request.practice))
    return of_visit(draft, visit)


def of_visit(draft: Draft, visit: Appointment) -> Draft:
    draft.kind, draft.patient, draft.needs = visit.appointment_type, visit.patient, visit.all_needs
    draft.leaves = visit.pk
    return draft


def show_move(
    request: DeskRequest,
    visit: Appointment,
    draft: Draft,
    form: WhenForm,
    *,
    status: int = 200,
    **more: object,
) -> HttpResponse:
    """The dialog as a part for htmx, else as a page."""
    if draft.other and not form.is_bound:
        tried = WhenForm(draft, data=request.POST)
        tried.is_valid()
        draft.slot = tried.cleaned_data.get("slot")
    page = booking_page(draft, form, request.POST, private=request.user.privacy_mode)
    for name, value in more.items():
        setattr(page, name, value)
    record_read(by=request.actor, patients=[visit.patient_id], screen="move")
    context = {
        "page": page,
        "form": form,
        "draft": draft,
        "visit": visit,
        "when": short_when(visit.starts_at, request.practice),
        "when_url": f"{reverse('appointment-move', args=[request.practice.slug, visit.pk])}?look",
        "tell": request.method == "GET" or "tell_patient" in request.POST,
        "scopes": choices_for(visit, request.POST),
        "fellows": fellows_of(visit),
        "scope": request.POST.get("scope", "one"),
    }
    template = "scheduling/move_dialog.html" if request.htmx else "scheduling/move.html"
    return render(request, template, context, status=status)


def plainly(words: str, status: int) -> HttpResponse:
    return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")


def drop(request: DeskRequest, visit: Appointment) -> HttpResponse:
    """A card dropped on the board: 200 with the change bar, or 409 with a reason or a question in words."""
    diary = Diary(request.practice)
    starts_at = as_instant(request.POST["start"], request.practice)
    if starts_at is None:
        return plainly("That place on the board has no time.", UNFINISHED)
    slot = Slot(diary.practitioner_of(request.POST.get("practitioner")) or visit.practitioner, starts_at)
    version = as_version(request.POST.get("version"))
    if asked := question_about(visit, version, diary, slot):
        return ask_first(request, visit, slot, asked)
    try:
        moved = reschedule_appointment(
            appointment=visit,
            version=version,
            starts_at=slot.starts_at,
            practitioner=slot.practitioner,
            by=request.actor,
        )
    except BookingRefused as refusal:
        return plainly(str(refusal), CONFLICT)
    return dropped(request, visit, moved)


def question_about(visit: Appointment, version: int, diary: Diary, slot: Slot) -> str:
    """What somebody has to say before a visit may go there, in words; empty where nothing has to be asked."""
    if not visit.is_open or visit.version != version or slot.starts_at < present_quarter(timezone.now()):
        return ""  # the verb refuses it: nobody has to be asked
    before = Slot(visit.practitioner, visit.starts_at)
    if unmet := newly_unmet(of_visit(Draft(diary), visit), slot, before):
        return f"{' '.join(unmet)} Ask the patient, and tick that it was agreed."
    return "It belongs to other visits: choose which of them move." if choices_for(visit, {}) else ""


def ask_first(request: DeskRequest, visit: Appointment, slot: Slot, words: str) -> HttpResponse:
    """The question in words, and the address of the dialog that asks it with the dropped place chosen."""
    url = reverse("appointment-move", args=[request.practice.slug, visit.pk])
    url = f"{url}?{urlencode({'picked': slot.value})}"
    if wants_a_page(request):
        return redirect(url)
    response = plainly(f"Not moved yet. {words}", CONFLICT)
    response["X-Dialog"] = url
    return response


def dropped(request: DeskRequest, visit: Appointment, moved: Appointment) -> HttpResponse:
    if wants_a_page(request):
        return redirect(reverse("appointment", args=[request.practice.slug, moved.pk]))
    response = bar(request)
    response["X-Appointment"] = str(moved.pk)
    response["HX-Trigger"] = json.dumps(
        {"refresh": " ".join([*columns_of(moved, visit), "queue", "changes"])}
    )
    return response


def wants_a_page(request: DeskRequest) -> bool:
    """Whether a browser without scripts asks."""
    return "text/html" in request.headers.get("Accept", "") and not request.htmx
