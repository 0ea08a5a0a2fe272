"""The stream of changes of all practices of a person."""

from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from frontdesk import live
from practices.access import DeskRequest, everywhere_stream


@require_GET
@everywhere_stream("desk.view")
async def stream(request: DeskRequest) -> HttpResponseBase:
    """Names of regions, never what changed (ARCHITECTURE rule 11)."""
    return await live.answer(request)
