"""What to know of a patient beside a conversation: first things first, and who may speak."""

import uuid

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from messaging.models import Conversation
from patients.records import around
from practices.access import DeskRequest, requires
from practices.audit import record_read


@requires("inbox.view")
@require_GET
def thread_context(request: DeskRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """The head of the record in small; empty where the number is nobody's."""
    thread = get_object_or_404(Conversation.objects.select_related("patient"), pk=conversation_id)
    patient = thread.patient
    if patient is None:
        return HttpResponse("")
    record_read(by=request.actor, patients=[patient.pk], screen="messages")
    private = request.user.privacy_mode
    born = patient.birth_date if not private else None
    context = {
        "patient": patient,
        "private": private,
        "born": born,
        "age": patient.age_on(request.practice.today()) if born else None,
        **around(patient),
    }
    return render(request, "messaging/thread_head.html", context)
