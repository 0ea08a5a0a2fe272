"""The workspace of a call, and calls that are made or written down here."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from frontdesk import elsewhere
from frontdesk.dialling import callee_of
from frontdesk.practice_card import shown_card
from frontdesk.strip import who_share
from frontdesk.views.call_controls import REFUSED, call_or_404, refused, to_workspace, workspace_url
from frontdesk.workspace import Workspace, keep_note, workspace_of
from messaging import calls
from messaging.models import Call
from messaging.outbox import address_index
from patients.contacts import parse_phone, show_phone
from patients.models import Channel, Patient
from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.drafts import as_uuid
from scheduling.words import clock

LONGEST_NOTE = 10_000
PARTS = {"facts": "frontdesk/calls/facts.html", "note": "frontdesk/calls/note.html"}
SAID_BY_A_PERSON = ("answered", "no-answer", "busy", "left-message")


def describing(request: DeskRequest, call: Call, *, text: str = "") -> Workspace:
    """The workspace, written down as seen."""
    page = workspace_of(call, request.practice, request.user, text=text)
    record_read(by=request.actor, patients=page.seen, screen="call")
    return page


@requires("call.view")
@require_GET
def call(request: DeskRequest, call_id: uuid.UUID) -> HttpResponse:
    """The page of a call; `fragment` gives the part that changes by itself."""
    page = describing(request, call_or_404(call_id))
    part = PARTS.get(request.GET.get("fragment", ""))
    if part:
        return render(request, part, {"page": page, "call": page.call})
    return show(request, page)


def show(request: DeskRequest, page: Workspace, *, status: int = 200) -> HttpResponse:
    context = {
        "page": page,
        "call": page.call,
        "shown": shown_card(request.practice),
        "matters": Call.Matter.choices,
        "outcomes": outcomes_of(page.call),
    }
    return render(request, "frontdesk/calls/call.html", context, status=status)


def outcomes_of(call: Call) -> list[tuple[str, str]]:
    """How a person may say a call ended: the telephone does not know a voicemail from a voice."""
    if not call.by_hand and call.direction == Call.Direction.IN:
        return []
    return [(outcome, Call.Outcome(outcome).label) for outcome in SAID_BY_A_PERSON]


@requires("call.handle")
@require_POST
def note(request: DeskRequest, call_id: uuid.UUID) -> HttpResponse:
    """Keeps the note as it is typed; `was` is what the page had before."""
    call = call_or_404(call_id)
    typed = request.POST.get("note", "").replace("\x00", "")[:LONGEST_NOTE]
    kept, theirs = keep_note(call=call, note=typed, was=request.POST.get("was", ""), by=request.actor)
    if "X-Autosave" not in request.headers:
        return redirect(workspace_url(request, call))
    return JsonResponse({"note": kept, "theirs": theirs, "saved": clock(request.practice.now())[:-3]})


@requires("call.handle")
@require_POST
def describe(request: DeskRequest, call_id: uuid.UUID) -> HttpResponse:
    """Who speaks, about what, and how a call we made or logged ended; a field that is not sent stays."""
    call = call_or_404(call_id)
    said: dict[str, Any] = {
        name: request.POST[name].replace("\x00", "")
        for name in ("caller_name", "relation", "matter", "outcome")
        if name in request.POST
    }
    if said.get("outcome", "") not in {"", *dict(outcomes_of(call))}:
        return HttpResponse("There is no such outcome.", status=422, content_type="text/plain")
    try:
        calls.describe(call=call, **said, by=request.actor)
    except ValueError as refusal:
        return HttpResponse(str(refusal), status=422, content_type="text/plain")
    if "X-Autosave" not in request.headers:
        return redirect(workspace_url(request, call))
    return JsonResponse({"saved": clock(request.practice.now())[:-3]})


@requires("call.handle")
@require_POST
def patient(request: DeskRequest, call_id: uuid.UUID) -> HttpResponse:
    """Says about whom the call is; empty: about nobody yet."""
    call = call_or_404(call_id)
    wanted = as_uuid(request.POST.get("patient"))
    chosen = get_object_or_404(Patient.objects.living(), pk=wanted) if wanted else None
    calls.choose_patient(call=call, patient=chosen, by=request.actor)
    if not request.htmx:
        return redirect(workspace_url(request, call))
    page = describing(request, call_or_404(call_id))
    return render(request, PARTS["facts"], {"page": page, "call": page.call})


@requires("call.handle")
@require_POST
def search(request: DeskRequest, call_id: uuid.UUID) -> HttpResponse:
    """Looks for another patient than those who share the number; by POST: no name is in an address."""
    page = describing(request, call_or_404(call_id), text=request.POST.get("q", ""))
    if request.htmx:
        return render(request, "frontdesk/calls/found.html", {"page": page, "call": page.call})
    return show(request, page)


class LogForm(forms.Form):
    """A call on another telephone."""

    direction = forms.ChoiceField(choices=Call.Direction.choices, initial=Call.Direction.IN)
    number = forms.CharField(required=False, max_length=40)

    def clean_number(self) -> str:
        text = self.cleaned_data["number"].strip()
        try:
            return parse_phone(text) if text else ""
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from None


@requires("call.handle")
@require_http_methods(["GET", "POST"])
def log(request: DeskRequest) -> HttpResponse:
    """Writes down a call by hand: it has the same chip and the same workspace."""
    source = request.POST if request.method == "POST" else request.GET
    wanted = as_uuid(source.get("patient"))
    chosen = Patient.objects.living().filter(pk=wanted).first() if wanted else None
    form = LogForm(request.POST if request.method == "POST" else None, initial=log_initial(request))
    if request.method == "POST" and form.is_valid():
        call = calls.log_call(**form.cleaned_data, patient=chosen or only_one(form), by=request.actor)
        elsewhere.hold_calls(request.user, but=request.practice)
        return to_workspace(request, call)
    if chosen is not None:
        record_read(by=request.actor, patients=[chosen.pk], screen="call")
    name = chosen.shown_name(private=request.user.privacy_mode) if chosen else ""
    context = {"form": form, "patient": chosen, "name": name}
    return render(request, "frontdesk/calls/log.html", context, status=422 if form.errors else 200)


def log_initial(request: DeskRequest) -> dict[str, str]:
    """What is known before: the number of a call that rings and is taken on another telephone."""
    ringing = as_uuid(request.GET.get("call"))
    call = Call.objects.filter(pk=ringing).first() if ringing else None
    out = request.GET.get("direction") == Call.Direction.OUT
    return {
        "direction": Call.Direction.OUT if out else Call.Direction.IN,
        "number": show_phone(call.address) if call and call.address else "",
    }


def only_one(form: LogForm) -> Patient | None:
    """The patient of the number, where it is one."""
    found = who_share({address_index(Channel.CALL, form.cleaned_data["number"])} - {""})
    people = [patient for sharing in found.values() for patient in sharing]
    return people[0] if len(people) == 1 else None


@requires("call.handle")
@require_POST
def dial(request: DeskRequest, conversation_id: uuid.UUID | None = None) -> HttpResponse:
    """Calls whom the ids name; without a desk phone the call is logged by hand instead."""
    callee = callee_of(request.POST, conversation_id)
    try:
        call = calls.dial(patient=callee.patient, number=callee.number, by=request.actor)
    except calls.NoTelephone as missing:
        call = calls.log_call(
            direction=Call.Direction.OUT, number=callee.number, patient=callee.patient, by=request.actor
        )
        messages.info(request, f"{missing} Dial on your own telephone; the note is open here.")
    except REFUSED as refusal:
        return refused(request, Call(), str(refusal))
    elsewhere.hold_calls(request.user, but=request.practice)
    return to_workspace(request, call)
