"""What a patient is found by: the words of her names, numbers in other systems."""

from typing import ClassVar

from django.db import models
from django.db.models.constraints import BaseConstraint

from patients.models.patient import Patient
from practices.encryption import (
    EncryptedTextField,
    blind_index,
)
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped


class PatientWord(PracticeOwned):
    """A word of a patient's names, folded: found by equality and by range, which row security lets index."""

    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="words", db_index=False)
    word = models.CharField(max_length=60, db_collation="C")

    objects: ClassVar["models.QuerySet[PatientWord]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "word", "patient"], name="patient_word_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient"], name="words_of_patient"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class MisspelledWord(PracticeOwned):
    """A word of the practice's names with one letter left out: two words that share one are a typo apart."""

    key = models.CharField(max_length=60, db_collation="C")
    word = models.CharField(max_length=60, db_collation="C")

    objects: ClassVar["models.QuerySet[MisspelledWord]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "key", "word"], name="misspelled_word_once"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Identifier(PracticeOwned):
    """A patient's number in another system, for imports that run twice. Never a social security number."""

    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="identifiers", db_index=False)
    system = models.CharField(max_length=200)
    value = EncryptedTextField()
    value_index = models.CharField(max_length=32)

    objects: ClassVar["models.QuerySet[Identifier]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "system", "value_index"], name="identifier_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient"], name="identifiers_of_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.system} of {self.patient_id}"

    @staticmethod
    def index_for(practice_id: int, system: str, value: str) -> str:
        return blind_index(practice_id, f"identifier|{system}", value.strip())
