"""The person: name, birth, how to speak to her, and what must be known first."""

import datetime as dt
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from patients.names import fold
from practices.encryption import (
    EncryptedDateField,
    EncryptedJSONField,
    EncryptedTextField,
    blind_index,
)
from practices.models import Language
from practices.tenancy import PracticeOwned, scoped


class Sex(models.TextChoices):
    """FHIR R4 administrative-gender."""

    FEMALE = "female", "Female"
    MALE = "male", "Male"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Not said"


class Channel(models.TextChoices):
    """How a patient likes to hear from the practice."""

    SMS = "sms", "Text"
    EMAIL = "email", "E-mail"
    CALL = "call", "Phone call"


class Need(models.TextChoices):
    """What a visit has to provide."""

    INTERPRETER = "interpreter", "Interpreter"
    STEP_FREE = "step-free", "Step-free room"
    WHEELCHAIR = "wheelchair", "Wheelchair"
    HEARING = "hearing", "Hard of hearing"
    SIGHT = "sight", "Low vision"
    CARER = "carer", "Carer comes along"
    LONGER = "longer", "Longer visit"
    TRANSPORT = "transport", "Arranged transport"


class PatientQuerySet(models.QuerySet["Patient"]):
    def living(self) -> "PatientQuerySet":
        return self.filter(deceased=False)

    def in_use(self) -> "PatientQuerySet":
        return self.filter(active=True)


class Patient(PracticeOwned):
    """A person in the care of one practice (FHIR R4 Patient).

    Names stay readable for search (docs/data-protection.md); birth date, address and notes are sealed.
    """

    given = models.CharField(max_length=200)
    family = models.CharField(max_length=200)
    preferred = models.CharField(max_length=200, blank=True)
    sort_name = models.CharField(max_length=410, editable=False)
    birth_date = EncryptedDateField(null=True, blank=True)
    birth_index = models.CharField(max_length=32, blank=True, editable=False)
    sex = models.CharField(max_length=10, choices=Sex.choices, default=Sex.UNKNOWN)
    pronouns = models.CharField(max_length=30, blank=True)
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.ENGLISH)
    preferred_channel = models.CharField(max_length=5, choices=Channel.choices, default=Channel.SMS)
    needs = ArrayField(models.CharField(max_length=20, choices=Need.choices), default=list, blank=True)
    need_note = EncryptedTextField(blank=True, default="")
    know_first = EncryptedTextField(blank=True, default="")
    # Confidential communication as the patient asked for it (45 CFR 164.522(b)).
    no_voicemail = models.BooleanField(default=False)
    neutral_name = models.BooleanField(
        default=False, help_text="Messages name the practice in a way that does not tell what it treats."
    )
    privacy_note = EncryptedTextField(null=True, blank=True)
    address = EncryptedJSONField(null=True, blank=True)  # line, city, state, postal_code, country
    deceased = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar[PatientQuerySet] = scoped(PatientQuerySet)

    class Meta:
        ordering = ("sort_name",)
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "sort_name"], name="patient_by_name"),
            models.Index(fields=["practice", "birth_index"], name="patient_by_birth_date"),
        ]

    def __str__(self) -> str:
        return f"Patient {self.pk}"  # no name: this string reaches logs

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.index()
        super().save(*args, **kwargs)

    def index(self) -> None:
        """Sets what is found by: `save` does it, a bulk insert must."""
        self.sort_name = fold(f"{self.family} {self.given}")[:410]
        self.birth_index = self.birth_index_for(self.practice_id, self.birth_date)

    @staticmethod
    def birth_index_for(practice_id: int, birth_date: dt.date | None) -> str:
        return blind_index(practice_id, "birth_date", birth_date.isoformat() if birth_date else "")

    @property
    def full_name(self) -> str:
        """What staff see and say."""
        return shown_name(self.given, self.family, self.preferred, private=False)

    @property
    def initials(self) -> str:
        return initials_of(self.given, self.family, self.preferred)

    def shown_name(self, *, private: bool) -> str:
        """The full name, or initials while the person's screen hides names."""
        return shown_name(self.given, self.family, self.preferred, private=private)

    def age_on(self, day: dt.date) -> int | None:
        if self.birth_date is None:
            return None
        born: dt.date = self.birth_date
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def shown_name(given: str, family: str, preferred: str, *, private: bool) -> str:
    """`Patient.shown_name` of a row that was read as plain values."""
    if private:
        return " ".join(f"{letter}." for letter in initials_of(given, family, preferred))
    return f"{preferred or given} {family}".strip()


def initials_of(given: str, family: str, preferred: str) -> str:
    return f"{(preferred or given)[:1]}{family[:1]}".upper()
