"""The door to a file that came with a message: checked ones only, to keep and never to run."""

import uuid

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET

from messaging.filetypes import ENDINGS
from messaging.models import Attachment
from practices import audit
from practices.access import DeskRequest, requires

# The browser may neither guess what it is, nor run anything in it, nor keep it.
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store, private",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@require_GET
@requires("message.view")
def attachment(request: DeskRequest, attachment_id: uuid.UUID) -> HttpResponse:
    """A checked file, as a download under a name of ours; what is not checked is not there."""
    row = (
        Attachment.objects.select_related("message")
        .filter(pk=attachment_id, state=Attachment.State.CLEAN)
        .first()
    )
    if row is None or row.content is None or row.found_type not in ENDINGS:
        raise Http404
    if row.message.patient_id is not None:
        audit.record_read(by=request.actor, patients=[row.message.patient_id], screen="attachment")
    audit.record("attachment.opened", row, by=request.actor, patient_id=row.message.patient_id)
    response = HttpResponse(row.content, content_type=row.found_type)
    name = f"attachment-{row.position + 1}.{ENDINGS[row.found_type]}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    for header, value in SAFE.items():
        response[header] = value
    return response
