"""The practice, its people, who may do what, and what was done."""

from practices.models.people import Membership, MembershipQuerySet, Role, User, UserManager
from practices.models.practice import (
    Closure,
    Language,
    Location,
    OfficeHours,
    Practice,
    PracticeCard,
    Room,
    TextingAccount,
    Weekday,
    practice_code,
)
from practices.models.records import AccessEvent, ApiKey, AuditEntry, IdempotencyKey

__all__ = [
    "AccessEvent",
    "ApiKey",
    "AuditEntry",
    "Closure",
    "IdempotencyKey",
    "Language",
    "Location",
    "Membership",
    "MembershipQuerySet",
    "OfficeHours",
    "Practice",
    "PracticeCard",
    "Role",
    "Room",
    "TextingAccount",
    "User",
    "UserManager",
    "Weekday",
    "practice_code",
]
