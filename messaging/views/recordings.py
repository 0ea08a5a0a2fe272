"""The door to the sound of a voicemail or a recorded call: heard here, kept nowhere else."""

import uuid

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET

from messaging.models import Recording
from practices import audit
from practices.access import DeskRequest, requires

# The browser may neither guess what it is, nor run anything in it, nor keep it.
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store, private",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Disposition": 'inline; filename="recording.mp3"',
    "Accept-Ranges": "none",
}


@require_GET
@requires("recording.hear")
def audio(request: DeskRequest, recording_id: uuid.UUID) -> HttpResponse:
    """The sound of one recording; who listened stands in the access log."""
    stored = Recording.objects.select_related("call").filter(state=Recording.State.STORED)
    recording = stored.filter(pk=recording_id).first()
    if recording is None or recording.audio is None:
        raise Http404
    patient_id = recording.call.patient_id
    if patient_id is not None:
        audit.record_read(by=request.actor, patients=[patient_id], screen="recording")
    audit.record("recording.heard", recording, by=request.actor, patient_id=patient_id)
    response = HttpResponse(recording.audio, content_type=recording.content_type)
    for header, value in SAFE.items():
        response[header] = value
    return response
