"""Where a half-filled form is kept while it is typed."""

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from messaging import drafts
from practices.access import DeskRequest, requires

NOT_TYPED = {"key", "csrfmiddlewaretoken"}


@requires("inbox.change")
@require_POST
def keep_draft(request: DeskRequest) -> HttpResponse:
    """Keeps the fields under `key`; without any field that says something the draft goes."""
    typed = {
        name: values[0] if len(values) == 1 else values
        for name, values in request.POST.lists()
        if name not in NOT_TYPED
    }
    try:
        drafts.keep(request.user, request.POST.get("key", ""), typed)
    except drafts.NotADraft as refusal:
        return HttpResponse(str(refusal), status=422, content_type="text/plain")
    saved = timezone.now().astimezone(request.practice.zone)
    return HttpResponse(status=204, headers={"X-Saved-At": f"{saved:%H:%M}".lstrip("0")})
