"""The buttons of a call: answer, hold, resume, end, hand on, promise a call back."""

import datetime as dt
import json
import uuid
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from frontdesk import elsewhere
from messaging import calls
from messaging.call_endings import CallIsOver
from messaging.models import Call
from messaging.staff_tasks import NotAColleague, in_office_time
from practices.access import DeskRequest, requires
from practices.models import Membership, Practice
from scheduling.words import clock, short_when

REFUSED = (calls.AlreadyTaken, calls.NoTelephone, calls.NotYours, CallIsOver, NotAColleague, ValueError)
SAID = {
    "answer": "You are on the line.",
    "hold": "On hold.",
    "resume": "You are on the line.",
    "end": "The call is over. Ten seconds are left for the note.",
    "finish": "Closed.",
}
VERBS: dict[str, Callable[..., object]] = {
    "answer": calls.answer_call,
    "hold": calls.hold_call,
    "resume": calls.resume_call,
    "end": calls.end_call,
    "finish": calls.finish,
}
SPEAKS = {"answer", "resume"}
FIRST_MINUTES, MINUTES = 10, (10, 20, 30, 60, 120)


def call_or_404(call_id: uuid.UUID) -> Call:
    return get_object_or_404(Call.objects.select_related("patient", "handler"), pk=call_id)


@requires("call.handle")
@require_POST
def steer(request: DeskRequest, call_id: uuid.UUID, verb: str) -> HttpResponse:
    """Does one verb to a call; whoever comes second is told who was faster."""
    call = call_or_404(call_id)
    try:
        VERBS[verb](call=call, by=request.actor)
    except REFUSED as refusal:
        return refused(request, call, str(refusal))
    if verb in SPEAKS:
        elsewhere.hold_calls(request.user, but=request.practice)
    if verb in SPEAKS and "stay" not in request.POST:
        return to_workspace(request, call)
    return told(request, call, SAID[verb])


def workspace_url(request: DeskRequest, call: Call) -> str:
    return reverse("call", args=[request.practice.slug, call.pk])


def to_workspace(request: DeskRequest, call: Call) -> HttpResponse:
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": workspace_url(request, call)})
    return redirect(workspace_url(request, call), permanent=False)


def told(request: DeskRequest, call: Call, words: str, *, close: bool = False) -> HttpResponse:
    """The answer that leaves the page where it is: the strip is read anew, the words are said."""
    if not request.htmx:
        return redirect(workspace_url(request, call))
    triggers: dict[str, object] = {"refresh": "calls", "announce": words}
    if close:
        triggers["dialogClose"] = True
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(triggers)})


def refused(request: DeskRequest, call: Call, words: str) -> HttpResponse:
    """What did not work, in words; the strip shows what is true now."""
    if not request.htmx:
        messages.warning(request, words)
        return redirect("all-calls")
    triggers = {"refresh": "calls", "callRefused": words}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(triggers)})


@requires("call.handle")
@require_http_methods(["GET", "POST"])
def transfer(request: DeskRequest, call_id: uuid.UUID) -> HttpResponse:
    """To whom, and the summary that goes along."""
    call = call_or_404(call_id)
    people = Membership.objects.active().exclude(user=request.user).select_related("user")
    typed = {"to": request.POST.get("to", ""), "summary": request.POST.get("summary", "")}
    problem = ""
    if request.method == "POST":
        to = next((one.user for one in people if str(one.user_id) == typed["to"]), None)
        try:
            if to is None:
                raise NotAColleague("Choose a colleague.")
            calls.transfer_call(call=call, to=to, summary=typed["summary"][:1000], by=request.actor)
            return told(request, call, f"{to.short_name} has the call.", close=True)
        except REFUSED as refusal:
            problem = str(refusal)
    rows = sorted(people, key=lambda one: (not one.desk_phone and not call.by_hand, str(one.user)))
    context = {"call": call, "people": rows, "typed": typed, "problem": problem}
    return dialog(request, "transfer", context, wrong=bool(problem))


@requires("call.handle")
@require_http_methods(["GET", "POST"])
def keep_place(request: DeskRequest, call_id: uuid.UUID) -> HttpResponse:
    """When the caller is called back; the promise becomes a row of “Needs you”."""
    call = call_or_404(call_id)
    practice = request.practice
    now = practice.now()
    at_times = {minutes: in_office_time(practice, minutes, now) for minutes in MINUTES}
    # In office time: nobody is promised a call of a closed office. Then the day is said instead of the wait.
    times = [(m, when(at, practice), at - now == dt.timedelta(minutes=m)) for m, at in at_times.items()]
    problem, minutes = "", minutes_in(request.POST.get("minutes", str(FIRST_MINUTES)))
    if request.method == "POST":
        try:
            at = at_times[minutes]
            calls.keep_place(call=call, at=at, by=request.actor)
            words = f"Promised for {when(at, practice)}. The row waits in Needs you."
            return told(request, call, words, close=True)
        except REFUSED as refusal:
            problem = str(refusal)
    context = {"call": call, "times": times, "chosen": minutes, "problem": problem}
    return dialog(request, "keep_place", context, wrong=bool(problem))


def when(at: dt.datetime, practice: Practice) -> str:
    """The time of a call back, with its day where that is not today."""
    local = at.astimezone(practice.zone)
    return clock(local) if local.date() == practice.today() else short_when(at, practice)


def minutes_in(text: str) -> int:
    """One of the offered times; anything else is the first."""
    return int(text) if text in {str(minutes) for minutes in MINUTES} else FIRST_MINUTES


def dialog(request: DeskRequest, name: str, context: dict[str, object], *, wrong: bool) -> HttpResponse:
    """A dialog of a call, which without a script is a page."""
    return render(request, f"frontdesk/calls/{name}.html", context, status=422 if wrong else 200)
