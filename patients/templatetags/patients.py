"""What must be known first about a patient, wherever staff see one."""

from typing import Any

from django import template

from patients.contacts import show_phone
from patients.flags import in_force
from patients.models import Patient
from patients.privacy import wishes

register = template.Library()


@register.filter
def phone(number: str) -> str:
    """A number as the desk reads it out."""
    return show_phone(number) if number else ""


@register.inclusion_tag("patients/know_first.html")
def know_first(
    patient: Patient, private: bool = False, wrap: str = "", practice: Any = None, may_change: bool = False
) -> dict[str, Any]:
    """The note “Know first”: the record's words, flags that are up, confidential wishes; empty without any.

    `private` says only that there is something. With `practice` and `may_change` flags can be taken down.
    """
    flags = in_force([patient.pk])
    said = wishes(patient)
    return {
        "patient": patient,
        "flags": flags,
        "wishes": said,
        "anything": bool(flags or said or patient.know_first),
        "tone": "bad" if any(flag.kind in {"upset", "safety"} for flag in flags) else "book",
        "private": private,
        "wrap": wrap,
        "slug": practice.slug if practice and may_change else "",
    }
