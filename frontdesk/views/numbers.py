"""A person's own numbers at a practice: where calls ring, where urgent texts go."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from patients.contacts import parse_phone, show_phone
from practices.access import DeskRequest, requires
from practices.own_numbers import set_numbers

FIELDS = {
    "desk_phone": ("Desk phone", "Calls you answer ring here."),
    "mobile": ("Mobile", "Urgent messages reach you here by text, also when you are not at the desk."),
}


@requires("desk.view")
@require_http_methods(["GET", "POST"])
def own_numbers(request: DeskRequest) -> HttpResponse:
    """Two fields; what is no number is said at its field."""
    member = request.admission.membership
    typed = {name: show_phone(str(getattr(member, name))) if getattr(member, name) else "" for name in FIELDS}
    errors: dict[str, str] = {}
    if request.method == "POST":
        typed = {name: request.POST.get(name, "").strip() for name in FIELDS}
        numbers = {name: number_in(name, typed[name], errors) for name in FIELDS}
        if not errors:
            set_numbers(membership=member, **numbers, by=request.actor)
            messages.success(request, "Your numbers are saved.")
            return redirect("own-numbers", request.practice.slug)
    rows = [(name, *FIELDS[name], typed[name], errors.get(name, "")) for name in FIELDS]
    return render(request, "frontdesk/calls/numbers.html", {"rows": rows}, status=422 if errors else 200)


def number_in(name: str, text: str, errors: dict[str, str]) -> str:
    try:
        return parse_phone(text) if text else ""
    except ValueError as wrong:
        errors[name] = str(wrong)
        return ""
