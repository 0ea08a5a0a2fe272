"""Where a patient is reached, and what she agreed to."""

from typing import Any, ClassVar

from django.db import models
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from patients.models.patient import Channel, Patient
from practices.encryption import (
    EncryptedTextField,
    blind_index,
)
from practices.models import User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped


class ContactPointQuerySet(models.QuerySet["ContactPoint"]):
    def phones(self) -> "ContactPointQuerySet":
        return self.filter(system=ContactPoint.System.PHONE)

    def emails(self) -> "ContactPointQuerySet":
        return self.filter(system=ContactPoint.System.EMAIL)


class ContactPoint(PracticeOwned):
    """A phone number (E.164) or e-mail address of a patient (FHIR R4 ContactPoint)."""

    class System(models.TextChoices):
        PHONE = "phone", "Phone"
        EMAIL = "email", "E-mail"

    class Use(models.TextChoices):
        MOBILE = "mobile", "Mobile"
        HOME = "home", "Home"
        WORK = "work", "Work"

    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="contact_points", db_index=False)
    system = models.CharField(max_length=5, choices=System.choices)
    use = models.CharField(max_length=6, choices=Use.choices, default=Use.MOBILE)
    rank = models.PositiveSmallIntegerField(default=1, help_text="1 is tried first.")
    value = EncryptedTextField()
    value_index = models.CharField(max_length=32, editable=False)
    last_four_index = models.CharField(max_length=32, blank=True, editable=False)
    unusable = models.CharField(
        max_length=60, blank=True, help_text="Why it cannot be used, as the supplier said."
    )

    objects: ClassVar[ContactPointQuerySet] = scoped(ContactPointQuerySet)

    class Meta:
        ordering = ("system", "rank")
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "patient", "value_index"], name="contact_point_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "value_index"], name="contact_point_by_value"),
            models.Index(fields=["practice", "last_four_index"], name="contact_point_by_last_four"),
        ]

    def __str__(self) -> str:
        return f"{self.system} of {self.patient_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.index()
        super().save(*args, **kwargs)

    def index(self) -> None:
        """Sets what is found by: `save` does it, a bulk insert must."""
        self.value_index = self.index_for(self.practice_id, self.system, self.value)
        self.last_four_index = (
            self.last_four_index_for(self.practice_id, self.value[-4:])
            if self.system == self.System.PHONE
            else ""
        )

    @staticmethod
    def index_for(practice_id: int, system: str, value: str) -> str:
        """The blind index of a normalised value: E.164, or an e-mail address in lower case."""
        return blind_index(practice_id, system, value.strip().lower())

    @staticmethod
    def last_four_index_for(practice_id: int, digits: str) -> str:
        return blind_index(practice_id, "phone_last_four", digits)

    @property
    def rings(self) -> bool:
        """A landline takes no texts, but it rings."""
        return self.system == self.System.PHONE and self.unusable in {"", "landline"}

    def takes(self, channel: str) -> bool:
        """Whether nothing is known against this number or address on a channel."""
        return self.rings if channel == Channel.CALL else not self.unusable

    @property
    def textable(self) -> bool:
        return self.system == self.System.PHONE and self.use == self.Use.MOBILE and not self.unusable


class ConsentQuerySet(models.QuerySet["Consent"]):
    def in_force(self) -> "ConsentQuerySet":
        """The row that counts: the last one per patient and channel."""
        return self.order_by("patient_id", "channel", "-given_at", "-id").distinct("patient_id", "channel")


class Consent(PracticeOwned):
    """That a patient agreed to texts or e-mail, or took it back: when and how. Rows are only added."""

    class How(models.TextChoices):
        PHONE = "phone", "On the phone"
        IN_PERSON = "in-person", "In person"
        PAPER = "paper", "On paper"
        TEXT = "text", "By text"
        IMPORT = "import", "From the earlier system"

    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="consents", db_index=False)
    channel = models.CharField(max_length=5, choices=Channel.choices)
    granted = models.BooleanField()
    given_at = models.DateTimeField(default=timezone.now)
    how = models.CharField(max_length=10, choices=How.choices)
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects: ClassVar[ConsentQuerySet] = scoped(ConsentQuerySet)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient", "channel", "-given_at"], name="consent_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {'yes' if self.granted else 'no'} of {self.patient_id}"
