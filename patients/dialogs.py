"""The answer of the small dialogs of a record."""

import json
import uuid

from django.http import HttpResponse
from django.urls import reverse

from practices.access import DeskRequest


def back(request: DeskRequest, patient_id: uuid.UUID, words: str) -> HttpResponse:
    """After a change: the dialog closes and the record is drawn anew; a plain form goes to the record."""
    address = reverse("patient", args=[request.practice.slug, patient_id])
    if request.htmx:
        # The record has no fragment for each of its cards: it is drawn anew as a whole.
        heard = {"dialogClose": True, "announce": words}
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(heard), "HX-Refresh": "true"})
    return HttpResponse(status=303, headers={"Location": address})
