"""The steady card: one text, and three ways on: a promise, a colleague, a complaint."""

import datetime as dt
import json
import uuid
from collections.abc import Callable

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from frontdesk import steady
from frontdesk.steady import Steady
from frontdesk.steady_forms import SteadyForm
from messaging import calls, drafts
from messaging.call_endings import CallIsOver
from messaging.complaints import ComplaintRefused, open_complaint
from messaging.models import Call, Task
from messaging.promises import PromiseRefused, promise
from messaging.staff_tasks import NotAColleague, open_task
from patients.flags import raise_flag
from patients.models import Patient, PatientFlag
from practices.access import DeskRequest, requires
from practices.audit import record_read
from practices.models import User

HAND_OVER_WITHIN = dt.timedelta(minutes=15)
LONGEST_FLAG = 480
Refusals = dict[str, str]


def subject_of(request: DeskRequest, call_id: uuid.UUID | None = None) -> Steady:
    """The card of ?call= and ?patient=; Http404 for what is not of this practice."""
    asked = request.POST if request.method == "POST" else request.GET
    call_key = call_id or key_in(asked.get("call", ""))
    patient_key = key_in(asked.get("patient", ""))
    call = get_object_or_404(Call.objects.select_related("patient"), pk=call_key) if call_key else None
    patient = get_object_or_404(Patient.objects.all(), pk=patient_key) if patient_key else None
    return steady.steady_of(call, patient)


def key_in(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        raise Http404 from None


@requires("call.handle")
@require_GET
def steady_card(request: DeskRequest) -> HttpResponse:
    return first_look(request, subject_of(request))


@requires("call.handle")
@require_GET
def steady_of_call(request: DeskRequest, call_id: uuid.UUID) -> HttpResponse:
    return first_look(request, subject_of(request, call_id))


def first_look(request: DeskRequest, card: Steady) -> HttpResponse:
    """The card as it opens, with what was half-written before."""
    kept = drafts.kept(request.user, card.key) or {}
    form = SteadyForm()
    names = {name: value for name, value in kept.items() if name in form.fields and name != "once"}
    first = {"owner": request.user.pk, "by_when": steady.first_time(request.practice)}
    return show(request, card, SteadyForm(initial=first | names))


def show(
    request: DeskRequest, card: Steady, form: SteadyForm, errors: Refusals | None = None
) -> HttpResponse:
    if card.patient is not None:
        record_read(by=request.actor, patients=[card.patient.pk], screen="steady card")
    for name, words in (errors or {}).items():
        form.add_error(name if name in form.fields else None, words)
    text = form["what_happened"].value() or ""
    private = request.user.privacy_mode
    context = {
        "steady": card,
        "form": form,
        "reading": steady.read(text, grounds_in(request), request.POST.getlist("offered")),
        "script": card.card.emergency,
        "name": card.patient.shown_name(private=private) if card.patient else "",
        "may_complain": request.admission.may("complaint.change"),
    }
    return render(request, "frontdesk/steady.html", context, status=422 if form.errors else 200)


def grounds_in(request: DeskRequest) -> list[str]:
    return request.POST.getlist("grounds")


@requires("call.handle")
@require_POST
def steady_reading(request: DeskRequest) -> HttpResponse:
    """What the words call for, while they are written."""
    card = subject_of(request)
    text = f"{request.POST.get('what_happened', '')}\n{request.POST.get('wanted', '')}"
    reading = steady.read(text, grounds_in(request), request.POST.getlist("offered"))
    context = {"reading": reading, "script": card.card.emergency}
    context["may_complain"] = request.admission.may("complaint.change")
    return render(request, "frontdesk/steady_reading.html", context)


@requires("call.handle")
@require_POST
def steady_promise(request: DeskRequest) -> HttpResponse:
    """Promises something by a time: a timed task, and the flag."""

    def act(card: Steady, form: SteadyForm) -> str:
        owner = form.cleaned_data["owner"] or request.user
        try:
            promise(
                patient=card.patient,
                words="\n".join(filter(None, [form.cleaned_data["promise"].strip(), form.what])),
                owner=owner,
                by_when=form.due(),
                call=card.call,
                key=form.key,
                by=request.actor,
            )
        except PromiseRefused as refused:
            raise Refused({"promise" if refused.field == "words" else refused.field: str(refused)}) from None
        except NotAColleague as refused:
            raise Refused({"owner": str(refused)}) from None
        return f"Promised. {owner.short_name} has it in Needs you."

    return carried_out(request, act)


@requires("call.handle")
@require_POST
def steady_transfer(request: DeskRequest) -> HttpResponse:
    """Puts the caller through with a summary; without a caller the colleague gets it as a task."""

    def act(card: Steady, form: SteadyForm) -> str:
        to = form.cleaned_data["to"]
        if to is None:
            raise Refused({"to": "Choose a colleague."})
        summary = form.cleaned_data["summary"].strip() or form.what
        if not summary:
            raise Refused({"what_happened": "Write what the colleague has to know."})
        if card.call is not None and card.can_transfer:
            try:
                calls.transfer_call(call=card.call, to=to, summary=summary[:1000], by=request.actor)
            except (calls.NoTelephone, calls.NotYours, CallIsOver, NotAColleague) as refused:
                raise Refused({"to": str(refused)}) from None
            return f"{to.short_name} has the call, with your summary."
        return left_to(to, summary, card, form, request)

    return carried_out(request, act)


def left_to(to: User, summary: str, card: Steady, form: SteadyForm, request: DeskRequest) -> str:
    """Without a caller to put through, the colleague gets a task."""
    open_task(
        kind=Task.Kind.FOLLOW_UP,
        due_at=timezone.now() + HAND_OVER_WITHIN,
        once_key=f"steady:{form.key}",
        urgency=Task.Urgency.SOON,
        patient=card.patient,
        subject_id=card.call.pk if card.call else None,
        note=summary,
        owner=to,
        by=request.actor,
    )
    return f"{to.short_name} has it in Needs you."


@requires("complaint.change")
@require_POST
def steady_complaint(request: DeskRequest) -> HttpResponse:
    """Opens a complaint; grounds in its words bring it before the managers."""

    def act(card: Steady, form: SteadyForm) -> str:
        text = f"{form.what}\n{form.cleaned_data['wanted']}"
        grounds = steady.grounds_for(text, grounds_in(request), request.POST.getlist("offered"))
        try:
            complaint = open_complaint(
                what_happened=form.what,
                wanted=form.cleaned_data["wanted"],
                patient=card.patient,
                call=card.call,
                grounds=grounds,
                watchers=[request.user],
                once_key=f"steady:{form.key}",
                by=request.actor,
            )
        except ComplaintRefused as refused:
            raise Refused({refused.field: str(refused)}) from None
        if card.call is not None and not card.call.matter:
            calls.describe(call=card.call, matter=Call.Matter.COMPLAINT, by=request.actor)
        return "Complaint opened. The managers hear of it." if complaint.grounds else "Complaint opened."

    return carried_out(request, act)


class Refused(Exception):
    """What is wrong with the card, by field."""

    def __init__(self, errors: Refusals) -> None:
        super().__init__()
        self.errors = errors


def carried_out(request: DeskRequest, act: Callable[[Steady, SteadyForm], str]) -> HttpResponse:
    """One way on: the card again with what is wrong, or done, with the flag and without the draft."""
    card, form = subject_of(request), SteadyForm(request.POST)
    if not form.is_valid():
        return show(request, card, form)
    try:
        words = act(card, form)
    except Refused as refused:
        return show(request, card, form, refused.errors)
    if card.patient is not None and form.cleaned_data["flag"] and form.what:
        upset = " ".join(form.what.split())[:LONGEST_FLAG]
        raise_flag(patient=card.patient, kind=PatientFlag.Kind.UPSET, words=upset, by=request.actor)
    drafts.let_go(request.user, card.key)
    return finished(request, card, words)


def finished(request: DeskRequest, card: Steady, words: str) -> HttpResponse:
    if request.htmx:
        heard = {"dialogClose": True, "refresh": "calls queue patients complaints", "announce": words}
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(heard)})
    slug = request.practice.slug
    if card.call is not None:
        return redirect("call", practice=slug, call_id=card.call.pk)
    if card.patient is not None:
        return redirect("patient", practice=slug, patient_id=card.patient.pk)
    return redirect("queue", practice=slug)
