"""Patients as pages find and list them, with the trace that they were seen."""

import uuid
from typing import Any

from django.http import Http404

from patients import records
from patients.models import Patient
from patients.search import Match
from practices.access import DeskRequest
from practices.audit import record_read


def patient_or_404(patient_id: uuid.UUID) -> Patient:
    patient = Patient.objects.filter(pk=patient_id).prefetch_related("contact_points").first()
    if patient is None:
        raise Http404
    return patient


def hits(request: DeskRequest, matches: list[Match], screen: str) -> list[dict[str, Any]]:
    """The matches as rows of a list, written down as seen."""
    record_read(by=request.actor, patients=[match.patient.pk for match in matches], screen=screen)
    private = request.user.privacy_mode
    return [records.hit(match, request.practice, private=private) for match in matches]
