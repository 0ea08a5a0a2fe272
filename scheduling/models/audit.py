"""What a person said of a finding of the schedule audit, so that it does not come up again."""

from typing import ClassVar

from django.db import models
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from practices.models import User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped
from scheduling.models.appointment import Appointment


class SettledFinding(PracticeOwned):
    """A finding that somebody looked at and lets be, with her word for it.

    It counts while the finding says what it said then (`detail`): a visit of 60 minutes that was right as it
    is comes up again when it takes 90.
    """

    once_key = models.CharField(max_length=120)
    check_name = models.CharField(max_length=30)
    detail = models.CharField(max_length=120)
    appointment = PracticeForeignKey(Appointment, models.CASCADE, related_name="+", db_index=False)
    word = models.CharField(max_length=40)
    settled_at = models.DateTimeField(default=timezone.now)
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects: ClassVar["models.QuerySet[SettledFinding]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "once_key"], name="finding_settled_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "appointment"], name="settled_findings_of_visit"),
        ]

    def __str__(self) -> str:
        return f"{self.check_name} {self.pk}"
