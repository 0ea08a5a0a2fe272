"""The diary: who sees patients when, and the visits themselves."""

from scheduling.models.appointment import (
    ACTIVE,
    LONGEST_VISIT,
    Appointment,
    AppointmentQuerySet,
    AppointmentSource,
    CancellationReason,
    Confirmation,
    Span,
    Status,
    board_stage,
)
from scheduling.models.audit import SettledFinding
from scheduling.models.busy import BusySlot, Hold, HoldQuerySet, Participant, session_of
from scheduling.models.delays import (
    MOST_MINUTES,
    Delay,
    DelayNotice,
    DelayQuerySet,
    DelayStep,
)
from scheduling.models.feeds import CalendarFeed
from scheduling.models.followups import (
    FollowUp,
    FollowUpLink,
    FollowUpQuerySet,
    MeetingAddress,
    RecallRule,
)
from scheduling.models.looks import BoardChoice, ClinicianNews, LastLook, NewsRule
from scheduling.models.out import OutCase, OutCaseQuerySet, TimeRequest, TimeRequestQuerySet
from scheduling.models.resources import (
    ReservedBlock,
    ReservedBlockType,
    Resource,
    ResourceHours,
    ResourceQuerySet,
    ResourceTimeOff,
)
from scheduling.models.roster import (
    AppointmentType,
    AppointmentTypeOffer,
    Practitioner,
    PractitionerQuerySet,
    ResourceKind,
    TimeOff,
    WeeklyHours,
)
from scheduling.models.series import LinkedVisits, Series
from scheduling.models.traces import Change, Notice, ReminderRule, VisitLink, VisitLinkQuerySet
from scheduling.models.waitlist import (
    Offer,
    Opening,
    PassedOver,
    WaitlistEntry,
    WaitlistEntryQuerySet,
    WaitlistRule,
)

__all__ = [
    "ACTIVE",
    "LONGEST_VISIT",
    "MOST_MINUTES",
    "Appointment",
    "AppointmentQuerySet",
    "AppointmentSource",
    "AppointmentType",
    "AppointmentTypeOffer",
    "BoardChoice",
    "BusySlot",
    "CalendarFeed",
    "CancellationReason",
    "Change",
    "ClinicianNews",
    "Confirmation",
    "Delay",
    "DelayNotice",
    "DelayQuerySet",
    "DelayStep",
    "FollowUp",
    "FollowUpLink",
    "FollowUpQuerySet",
    "Hold",
    "HoldQuerySet",
    "LastLook",
    "LinkedVisits",
    "MeetingAddress",
    "NewsRule",
    "Notice",
    "Offer",
    "Opening",
    "OutCase",
    "OutCaseQuerySet",
    "Participant",
    "PassedOver",
    "Practitioner",
    "PractitionerQuerySet",
    "RecallRule",
    "ReminderRule",
    "ReservedBlock",
    "ReservedBlockType",
    "Resource",
    "ResourceHours",
    "ResourceKind",
    "ResourceQuerySet",
    "ResourceTimeOff",
    "Series",
    "SettledFinding",
    "Span",
    "Status",
    "TimeOff",
    "TimeRequest",
    "TimeRequestQuerySet",
    "VisitLink",
    "VisitLinkQuerySet",
    "WaitlistEntry",
    "WaitlistEntryQuerySet",
    "WaitlistRule",
    "WeeklyHours",
    "board_stage",
    "session_of",
]
