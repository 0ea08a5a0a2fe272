"""The people a practice looks after: records, contacts, consent, and what must be known first."""

from patients.models.found import (
    Identifier,
    MisspelledWord,
    PatientWord,
)
from patients.models.known import (
    PatientFlag,
    PatientWish,
    RelatedPerson,
    WishKind,
)
from patients.models.patient import (
    Channel,
    Need,
    Patient,
    PatientQuerySet,
    Sex,
    initials_of,
    shown_name,
)
from patients.models.reached import (
    Consent,
    ConsentQuerySet,
    ContactPoint,
    ContactPointQuerySet,
)

__all__ = [
    "Channel",
    "Consent",
    "ConsentQuerySet",
    "ContactPoint",
    "ContactPointQuerySet",
    "Identifier",
    "MisspelledWord",
    "Need",
    "Patient",
    "PatientFlag",
    "PatientQuerySet",
    "PatientWish",
    "PatientWord",
    "RelatedPerson",
    "Sex",
    "WishKind",
    "initials_of",
    "shown_name",
]
