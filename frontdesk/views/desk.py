"""Coming in, choosing a practice, preferences, and the state of the house."""

from typing import cast

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from frontdesk import health
from practices.access import DeskRequest, practices_of, public_door, requires
from practices.models import Role, User
from practices.signin import LOCKED

PREFERENCES = {
    "theme": {"light", "dark", "auto"},
    "density": {"compact", "cozy", "roomy"},
    "privacy_mode": {"on", "off"},
    "single_keys": {"on", "off"},
}


@public_door("says only which part of the house is up")
@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    parts = health.state()
    return JsonResponse(parts, status=200 if set(parts.values()) == {"up"} else 503)


@public_door("needs a signed-in person, and shows her own practices only")
@login_required
def home(request: HttpRequest) -> HttpResponse:
    practices = practices_of(cast(User, request.user))
    if len(practices) == 1:
        return redirect("practice-home", practices[0].slug)
    return render(request, "frontdesk/practices.html", {"choices": practices})


@requires("desk.view")
def practice_home(request: DeskRequest) -> HttpResponse:
    """A clinician who is nothing else lands on her own day, everybody else on the board."""
    only_clinician = request.admission.membership.roles == [Role.CLINICIAN]
    return redirect("day" if only_clinician else "today", request.practice.slug)


def local_page(request: HttpRequest) -> str:
    """The address in `next` if it is one of ours, else home."""
    page = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return page if ours else reverse("home")


@public_door("changes only how the signed-in person sees her pages")
@require_POST
@login_required
def preferences(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    chosen = [name for name in PREFERENCES if request.POST.get(name) in PREFERENCES[name]]
    for name in chosen:
        value = request.POST[name]
        setattr(user, name, value == "on" if value in {"on", "off"} else value)
    user.save(update_fields=chosen)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    return redirect(local_page(request))


@public_door("says nothing; being asked is what keeps the session")
@require_GET
def still_here(request: HttpRequest) -> HttpResponse:
    """A person at the desk touched her page; the idle clock of the session begins anew."""
    return HttpResponse(status=204 if request.user.is_authenticated else 401)


@public_door("signs the person out")
@require_POST
def lock(request: HttpRequest) -> HttpResponse:
    """Covers the screen: nothing of a patient stays in the page, and signing in leads back to it."""
    page = local_page(request)
    email = getattr(request.user, "email", "")
    logout(request)
    request.session[LOCKED] = email
    response = redirect_to_login(page)
    response["Clear-Site-Data"] = '"cache"'
    return response
