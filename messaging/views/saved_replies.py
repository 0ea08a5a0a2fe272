"""The manager's pages of the saved replies."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from messaging.forms import SavedReplyForm, VersionForm
from messaging.models import SavedReply
from messaging.saved_replies import (
    NameTaken,
    ReplyChanged,
    filled,
    remove_reply,
    save_reply,
    values_for,
)
from practices.access import DeskRequest, requires


@requires("practice.change")
@require_http_methods(["GET", "POST"])
def replies(request: DeskRequest) -> HttpResponse:
    """The list, and a form for one more."""
    form = SavedReplyForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and kept(request, None, form):
        return redirect("saved-replies", request.practice.slug)
    return show(request, form)


@requires("practice.change")
@require_http_methods(["GET", "POST"])
def reply(request: DeskRequest, reply_id: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(SavedReply.objects.all(), pk=reply_id)
    start = {name: getattr(row, name) for name in ("name", "body_en", "body_es", "active", "version")}
    form = SavedReplyForm(request.POST or None, initial=start)
    try:
        if request.method == "POST" and form.is_valid() and kept(request, row, form):
            return redirect("saved-replies", request.practice.slug)
    except ReplyChanged as clash:
        return show(request, form, row, 409, clash=clash.now)
    return show(request, form, row)


def kept(request: DeskRequest, row: SavedReply | None, form: SavedReplyForm) -> bool:
    """Keeps the reply; a name that is taken is said at the name."""
    try:
        save_reply(reply=row, **form.cleaned_data, by=request.actor)
    except NameTaken as refusal:
        form.add_error("name", str(refusal))
        return False
    messages.success(request, "Saved. It is offered in the composer.")
    return True


def show(
    request: DeskRequest,
    form: SavedReplyForm,
    row: SavedReply | None = None,
    status: int = 0,
    **more: Any,
) -> HttpResponse:
    values = values_for(request.practice, None) | {"name": "Marisol"}
    rows = [(each, filled(each.body_en, values)) for each in SavedReply.objects.all()] if row is None else []
    version = more["clash"].version if more.get("clash") else row.version if row else None
    context = {"tab": "replies", "form": form, "row": row, "rows": rows, "version": version, **more}
    status = status or (422 if form.errors else 200)
    return render(request, "messaging/saved_replies.html", context, status=status)


@requires("practice.change")
@require_POST
def remove(request: DeskRequest, reply_id: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(SavedReply.objects.all(), pk=reply_id)
    form = VersionForm(request.POST)
    try:
        remove_reply(
            reply=row, version=form.cleaned_data["version"] if form.is_valid() else 0, by=request.actor
        )
    except ReplyChanged as clash:
        return show(request, SavedReplyForm(initial=start_of(clash.now)), clash.now, 409, clash=clash.now)
    messages.success(request, "Removed.")
    return redirect("saved-replies", request.practice.slug)


def start_of(row: SavedReply | None) -> dict[str, Any]:
    names = ("name", "body_en", "body_es", "active", "version")
    return {name: getattr(row, name) for name in names} if row else {}
