"""How far behind a clinician is on a day, what was done about it, and who was told of it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from messaging.models import Message, Task
from practices.models import User
from practices.tenancy import PracticeForeignKey, PracticeOwned, current_practice, scoped
from scheduling.models.appointment import Appointment
from scheduling.models.roster import Practitioner

MOST_MINUTES = 240


class DelayQuerySet(models.QuerySet["Delay"]):
    def today(self) -> "DelayQuerySet":
        """Those of the practice's own date: a delay ends with its day, no job is needed."""
        return self.filter(local_date=current_practice().today())

    def behind(self) -> "DelayQuerySet":
        return self.filter(minutes__gt=0)


class Delay(PracticeOwned):
    """That a clinician is so many minutes behind, from a visit of her day on; one row a clinician and day.

    `since` is the planned start of the visit at which she said so: what is expected of later ones follows
    from their lengths and the gaps between them. `version` grows with each change.
    """

    practitioner = PracticeForeignKey(Practitioner, models.CASCADE, related_name="delays")
    local_date = models.DateField()
    minutes = models.PositiveSmallIntegerField(default=0)
    since = models.DateTimeField(null=True)
    said_at = models.DateTimeField(default=timezone.now)
    said_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    version = models.PositiveIntegerField(default=0)

    objects: ClassVar[DelayQuerySet] = scoped(DelayQuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["practice", "local_date", "practitioner"], name="one_delay_of_a_day"
            ),
            models.CheckConstraint(condition=Q(minutes__lte=MOST_MINUTES), name="delay_is_sane"),
        ]

    def __str__(self) -> str:
        return f"{self.minutes} min on {self.local_date}"


class DelayStep(PracticeOwned):
    """One thing that was done about a delay, and can be taken back until `undo_until`."""

    class Kind(models.TextChoices):
        SAID = "said", "Said how late"
        TOLD = "told", "Told patients"

    delay = PracticeForeignKey(Delay, models.CASCADE, related_name="steps", db_index=False)
    kind = models.CharField(max_length=4, choices=Kind.choices)
    minutes_before = models.PositiveSmallIntegerField(default=0)
    since_before = models.DateTimeField(null=True)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    undo_until = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    objects: ClassVar["models.QuerySet[DelayStep]"] = scoped(models.QuerySet)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "delay", "-made_at"], name="steps_of_delay"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class DelayNotice(PracticeOwned):
    """That the patient of a visit is told it begins so many minutes late, by a message or a person's call.

    `number` counts the words about one visit: the constraint lets two people who press at once tell once.
    `minutes` of 0 is that all is on time again. `withdrawn_at`: it was taken back before it was heard.
    """

    delay = PracticeForeignKey(Delay, models.CASCADE, related_name="notices", db_index=False)
    step = PracticeForeignKey(DelayStep, models.CASCADE, related_name="notices")
    appointment = PracticeForeignKey(
        Appointment, models.CASCADE, related_name="delay_notices", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    minutes = models.PositiveSmallIntegerField()
    message = PracticeForeignKey(Message, models.SET_NULL, null=True, related_name="+")
    task = PracticeForeignKey(Task, models.SET_NULL, null=True, related_name="+")
    told_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True)

    objects: ClassVar["models.QuerySet[DelayNotice]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["practice", "appointment", "number"], name="delay_told_once_a_number"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "delay"], name="notices_of_delay"),
        ]

    def __str__(self) -> str:
        return f"Notice {self.number} of {self.appointment_id}"
