"""The address of a clinician's own calendar: made, renewed and stopped by her or by a manager."""

import uuid

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from practices.access import DeskRequest, requires
from practices.models import Role
from scheduling.feeds import DAYS_AHEAD, DAYS_BACK, address_of, end_feed, feed_of, open_feed
from scheduling.models import Practitioner


@requires("calendar.change")
@require_http_methods(["GET", "POST"])
def calendar(request: DeskRequest, practitioner_id: uuid.UUID) -> HttpResponse:
    """Whether there is an address; a new one is shown this once."""
    found = get_object_or_404(Practitioner.objects.in_use(), pk=practitioner_id)
    own = found.user_id == request.user.pk
    if not own and not request.admission.membership.has(Role.MANAGER):
        raise PermissionDenied
    address = done = ""
    if request.method == "POST" and request.POST.get("step") == "new":
        address = address_of(open_feed(practitioner=found, by=request.actor)[1])
    elif request.method == "POST" and end_feed(practitioner=found, by=request.actor):
        done = "The address does not work any more."
    context = {
        "clinician": found,
        "own": own,
        "feed": feed_of(found),
        "address": address,
        "done": done,
        "days": (DAYS_BACK, DAYS_AHEAD),
    }
    return render(request, "scheduling/feed.html", context)
