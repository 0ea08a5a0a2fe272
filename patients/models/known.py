"""What is known of a patient besides the record: wishes about times, flags, who may speak for her."""

from collections.abc import Collection
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from patients.models.patient import Patient
from practices.encryption import (
    EncryptedJSONField,
    EncryptedTextField,
    blind_index,
)
from practices.models import User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped


class WishKind(models.TextChoices):
    """What a patient's visits have to fit, where a word alone does not say it."""

    NOT_BEFORE = "not-before", "Not before"
    NOT_AFTER = "not-after", "Over by"
    INTERPRETER = "interpreter", "Interpreter for"
    LONGER = "longer", "Longer by"
    GENDER = "gender", "Clinician"
    CARER = "carer", "Carer can come"
    TRANSPORT = "transport", "Transport runs"


class PatientWish(PracticeOwned):
    """One thing with details that a patient's visits have to fit (`wishes.py` reads and writes them).

    `details` is sealed, as it says something of health: `weekdays` [1…7] (none: every day), `starts` and
    `ends` (HH:MM on the practice's clock), `minutes`, `language`, `gender`.
    """

    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="wishes", db_index=False)
    kind = models.CharField(max_length=12, choices=WishKind.choices)
    details = EncryptedJSONField()
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects: ClassVar["models.QuerySet[PatientWish]"] = scoped(models.QuerySet)

    class Meta:
        verbose_name_plural = "patient wishes"
        ordering = ("made_at",)
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient"], name="wishes_of_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.patient_id}"


class PatientFlag(PracticeOwned):
    """Something to know first for a time, such as that a person is upset; never visible to the patient."""

    class Kind(models.TextChoices):
        UPSET = "upset", "Upset"
        PROMISE = "promise", "Was promised something"
        SAFETY = "safety", "Safety"
        OTHER = "other", "To know"

    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="flags", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    words = EncryptedTextField()
    until = models.DateTimeField()
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    taken_down_at = models.DateTimeField(null=True)

    objects: ClassVar["models.QuerySet[PatientFlag]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("-made_at",)
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient", "until"], name="flags_of_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.patient_id}"


class RelatedPerson(PracticeOwned):
    """Somebody who may speak for a patient, and what she may be told (FHIR R4 RelatedPerson)."""

    class Relationship(models.TextChoices):
        PARENT = "parent", "Parent"
        GUARDIAN = "guardian", "Guardian"
        SPOUSE = "spouse", "Spouse or partner"
        CHILD = "child", "Adult child"
        CARER = "carer", "Carer"
        ATTORNEY = "attorney", "Power of attorney"
        OTHER = "other", "Somebody else"

    class May(models.TextChoices):
        """What she may be told or do."""

        APPOINTMENTS = "appointments", "Times of visits"
        BOOK = "book", "Book and cancel"
        BILLING = "billing", "Billing"
        RESULTS = "results", "Results"
        CLINICAL = "clinical", "Everything clinical"
        MESSAGES = "messages", "Take messages"

    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="related_people", db_index=False)
    name = EncryptedTextField()
    relationship = models.CharField(max_length=8, choices=Relationship.choices)
    phone = EncryptedTextField(blank=True, default="")  # E.164
    phone_index = models.CharField(max_length=32, blank=True, editable=False)
    may = ArrayField(models.CharField(max_length=12, choices=May.choices), default=list, blank=True)
    note = EncryptedTextField(blank=True, default="")
    since = models.DateTimeField(default=timezone.now)
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)  # permission was taken back

    objects: ClassVar["models.QuerySet[RelatedPerson]"] = scoped(models.QuerySet)

    class Meta:
        verbose_name_plural = "related people"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient"], name="related_people_of_patient"),
            models.Index(fields=["practice", "phone_index"], name="related_people_by_phone"),
        ]

    def __str__(self) -> str:
        return f"{self.relationship} of {self.patient_id}"

    @classmethod
    def words_of(cls, may: Collection[str]) -> str:
        """Permissions as words in a sentence: “times of visits and billing”."""
        words = [cls.May(one).label.lower() for one in cls.May.values if one in may]
        return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))

    @property
    def told(self) -> str:
        """What she may be told, in words."""
        return self.words_of(self.may)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.phone_index = blind_index(self.practice_id, "phone", self.phone)
        super().save(*args, **kwargs)
