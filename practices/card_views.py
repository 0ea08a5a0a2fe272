"""The manager's pages of the practice card: write it, look at earlier versions, go back to one."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from practices.access import DeskRequest, requires
from practices.card import (
    ANSWER,
    LABELS,
    LISTS,
    MOST_ANSWERS,
    TEXTS,
    Card,
    InvalidCard,
    StaleCard,
    card_of,
    cleaned,
    current_card,
    differences,
    restore,
    save_card,
    versions,
)
from practices.models import PracticeCard

SPARE_ROWS = 2
STALE, WRONG = 409, 422


@requires("practice.change")
@require_http_methods(["GET", "POST"])
def edit(request: DeskRequest) -> HttpResponse:
    """The card as a form; what somebody else saved meanwhile is shown beside what was typed."""
    if request.method == "GET":
        card = current_card()
        return show(request, card.content, base=card.number)
    typed = typed_card(request.POST)
    try:
        save_card(content=typed, base=version_in(request.POST.get("base")), by=request.actor)
    except InvalidCard as refused:
        return show(
            request, typed, base=version_in(request.POST.get("base")), errors=refused.errors, status=WRONG
        )
    except StaleCard as stale:
        return show_both(request, typed, stale.current)
    messages.success(request, "The card is saved.")
    return redirect("card-edit", request.practice.slug)


def typed_card(data: QueryDict) -> dict[str, Any]:
    """What was typed; a field whose other version was picked is taken from the current card."""
    rows = zip(*(data.getlist(f"one_{name}") for name in ANSWER), strict=False)
    typed: dict[str, Any] = {
        **{name: data.get(name, "") for name in TEXTS},
        **{name: data.get(name, "").splitlines() for name in LISTS},
        "answers": [dict(zip(ANSWER, row, strict=True)) for row in rows],
    }
    if taken := [name for name in data.getlist("theirs") if name in LABELS]:
        stored = current_card().content
        typed |= {name: stored[name] for name in taken}
    return typed


def version_in(text: str | None) -> int:
    """The number of a version; anything else is that of none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else -1


def show(
    request: DeskRequest,
    content: dict[str, Any],
    *,
    base: int,
    errors: dict[str, str] | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    rows = [row for row in content["answers"] if any(row.values())]
    spare = [dict.fromkeys(ANSWER, "") for _ in range(SPARE_ROWS if len(rows) < MOST_ANSWERS else 0)]
    context = {
        "tab": "card",
        "content": content | {name: "\n".join(content[name]) for name in LISTS},
        "answers": [*rows, *spare],
        "spare_from": len(rows),
        "base": base,
        "errors": errors or {},
        "limits": TEXTS,
    }
    return render(request, "practices/card_edit.html", context | more, status=status)


def show_both(request: DeskRequest, typed: dict[str, Any], current: Card) -> HttpResponse:
    """The form as it was typed, and what stands in the other version of each field that differs."""
    mine, stored = cleaned(typed), current.content
    fields = [
        (name, label, in_words(stored[name])) for name, label in LABELS.items() if mine[name] != stored[name]
    ]
    return show(request, typed, base=current.number, status=STALE, other=current, differing=fields)


def in_words(value: Any) -> str:
    if isinstance(value, str):
        return value or "Empty"
    lines = [one if isinstance(one, str) else f"{one['question']} {one['answer']}" for one in value]
    return "\n".join(lines) or "Empty"


@requires("practice.change")
@require_GET
def earlier(request: DeskRequest) -> HttpResponse:
    """The versions, newest first: who, when, what changed."""
    return render(request, "practices/card_versions.html", {"tab": "card", "versions": versions()})


@requires("practice.change")
@require_GET
def version(request: DeskRequest, card_version: int) -> HttpResponse:
    """One version as it was, beside what going back to it would change."""
    card, current = found(card_version), current_card()
    context = {"tab": "card", "card": card, "current": current, "changes": differences(current, card)}
    return render(request, "practices/card_version.html", context)


@requires("practice.change")
@require_POST
def go_back(request: DeskRequest, card_version: int) -> HttpResponse:
    """Makes an earlier version the newest one."""
    found(card_version)
    try:
        restore(number=card_version, base=version_in(request.POST.get("base")), by=request.actor)
    except StaleCard:
        messages.warning(request, "Somebody saved another version meanwhile. Look at it before you go back.")
        return redirect("card-versions", request.practice.slug)
    messages.success(request, f"The card is as it was in version {card_version}.")
    return redirect("card-edit", request.practice.slug)


def found(wanted: int) -> Card:
    try:
        return card_of(wanted)
    except (PracticeCard.DoesNotExist, OverflowError):
        raise Http404 from None
