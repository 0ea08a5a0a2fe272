"""The manager's pages of the wordings: all of them, and one with its preview."""

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from messaging import wordings
from messaging.forms import WordingForm
from messaging.templates import Wording
from messaging.wordings import BadWording, NoSuchWording, Slot, WordingChanged
from practices.access import DeskRequest, requires


@requires("practice.change")
@require_GET
def all_wordings(request: DeskRequest) -> HttpResponse:
    practice = request.practice
    rows = [(slot, slot.is_own(practice), wordings.preview(slot, slot.now(practice), practice).body)
            for slot in wordings.slots()]  # fmt: skip
    groups = [(wordings.NAMES[kind], list(each)) for kind, each in groupby(rows, lambda row: row[0].kind)]
    return render(request, "messaging/wordings.html", {"tab": "wordings", "groups": groups})


def found(wording: str, way: str, language: str) -> Slot:
    try:
        return wordings.slot(wording, way, language)
    except NoSuchWording:
        raise Http404 from None


@requires("practice.change")
@require_http_methods(["GET", "POST"])
def wording(request: DeskRequest, wording: str, way: str, language: str) -> HttpResponse:
    """One wording as a form; what is wrong with it stands above, sentence by sentence."""
    slot = found(wording, way, language)
    form = WordingForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return show(request, slot, slot.now(request.practice), 200 if request.method == "GET" else 422)
    words = typed(form)
    try:
        wordings.change_wording(which=slot, words=words, was=form.cleaned_data["was"], by=request.actor)
    except BadWording as refusal:
        return show(request, slot, words, 422, was=form.cleaned_data["was"], wrong=refusal.complaints)
    except WordingChanged as clash:
        return show(request, slot, words, 409, clash=clash.now)
    messages.success(request, "Saved. The next message goes out in these words.")
    return redirect("wordings", request.practice.slug)


def typed(form: WordingForm) -> Wording:
    return Wording(body=form.cleaned_data["body"], subject=form.cleaned_data["subject"])


def show(request: DeskRequest, slot: Slot, words: Wording, status: int = 200, **more: Any) -> HttpResponse:
    """The form of one wording with its preview."""
    now = slot.now(request.practice)
    context = {
        "tab": "wordings",
        "slot": slot,
        "words": words,
        "was": wordings.fingerprint(now),
        "own": slot.is_own(request.practice),
        "known": sorted(slot.known),
        **previewed(request, slot, words),
        **more,
    }
    return render(request, "messaging/wording.html", context, status=status)


def previewed(request: DeskRequest, slot: Slot, words: Wording) -> dict[str, Any]:
    return {
        "preview": wordings.preview(slot, words, request.practice),
        "texts": wordings.texts_of(slot, words, request.practice),
        "slot": slot,
    }


@requires("practice.change")
@require_POST
def preview_wording(request: DeskRequest, wording: str, way: str, language: str) -> HttpResponse:
    """How the words look with names and times in them, while they are typed."""
    slot, form = found(wording, way, language), WordingForm(request.POST)
    words = typed(form) if form.is_valid() else slot.now(request.practice)
    context = previewed(request, slot, words) | {"wrong": wordings.lint(slot, words, request.practice)}
    return render(request, "messaging/wording_preview.html", context)


@requires("practice.change")
@require_POST
def usual_wording(request: DeskRequest, wording: str, way: str, language: str) -> HttpResponse:
    """Goes back to the words everybody has."""
    slot, form = found(wording, way, language), WordingForm(request.POST)
    try:
        wordings.reset_wording(
            which=slot, was=form.cleaned_data["was"] if form.is_valid() else "stale", by=request.actor
        )
    except WordingChanged as clash:
        return show(request, slot, clash.now, 409, clash=clash.now)
    messages.success(request, "The usual words are back.")
    return redirect("wordings", request.practice.slug)
