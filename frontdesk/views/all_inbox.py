"""The inbox of all practices of one person."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from messaging.listing import TABS, Wish, as_one_list, list_threads
from practices import audit
from practices.access import DeskRequest, admissions, everywhere
from practices.models import Practice, Role


@everywhere("inbox.view")
@require_GET
def all_inbox(request: DeskRequest) -> HttpResponse:
    """The latest threads of each practice in one list; a row opens in its own practice."""
    wish = Wish.read(request.GET)
    rows, counts, practices = gathered(request, wish)
    context = {
        "rows": rows,
        "wish": wish,
        "query": wish.query(),
        "practice_wish": request.GET.get("practice", ""),
        "choose_practice": practices,
        "tabs": [(name, label, counts.get(name), with_practice(request, wish, name)) for name, label in TABS],
        "roles": [(role.value, f"{role.label}s") for role in Role],
        "here": with_practice(request, wish, wish.tab),
    }
    part = request.htmx and request.htmx.target == "all-inbox-list"
    return render(request, "frontdesk/all_inbox_list.html" if part else "frontdesk/all_inbox.html", context)


def gathered(request: DeskRequest, wish: Wish) -> tuple[list[Any], dict[str, int], list[Practice]]:
    """Rows, counts and practices, each practice read inside its own scope."""
    rows, practices = [], []
    counts = {"todo": 0, "mine": 0, "waiting": 0}
    only = request.GET.get("practice", "")
    for admission in admissions(request):
        practices.append(admission.practice)
        if only and admission.practice.slug != only:
            continue
        listed = list_threads(admission.practice, request.user, wish)
        audit.record_read(by=admission.actor, patients=listed.patients, screen="inbox")
        rows += listed.rows
        counts = {name: counts[name] + listed.counts[name] for name in counts}
    return as_one_list(rows, closed=wish.tab == "closed"), counts, practices


def with_practice(request: DeskRequest, wish: Wish, tab: str) -> str:
    """The address of a tab with the chosen practice."""
    only = request.GET.get("practice", "")
    known = only if only.replace("-", "").isalnum() and only.isascii() else ""
    return wish.query(tab=tab, start=0) + (f"&practice={known}" if known else "")
