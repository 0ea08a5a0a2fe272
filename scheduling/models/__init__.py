"""The diary: who sees patients when, and the visits themselves."""

from scheduling.models.appointment import (
    ACTIVE,
    Appointment,
    AppointmentQuerySet,
    AppointmentSource,
    CancellationReason,
    Confirmation,
    Span,
    Status,
    board_stage,
)
from scheduling.models.roster import (
    AppointmentType,
    AppointmentTypeOffer,
    Practitioner,
    PractitionerQuerySet,
    TimeOff,
    WeeklyHours,
)
from scheduling.models.traces import Change, Notice, ReminderRule, VisitLink, VisitLinkQuerySet

__all__ = [
    "ACTIVE",
    "Appointment",
    "AppointmentQuerySet",
    "AppointmentSource",
    "AppointmentType",
    "AppointmentTypeOffer",
    "CancellationReason",
    "Change",
    "Confirmation",
    "Notice",
    "Practitioner",
    "PractitionerQuerySet",
    "ReminderRule",
    "Span",
    "Status",
    "TimeOff",
    "VisitLink",
    "VisitLinkQuerySet",
    "WeeklyHours",
    "board_stage",
]
