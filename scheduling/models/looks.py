"""How a person looks at the diary: her columns of the board, her last look at what changed, and its rules."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from patients.models import Channel
from practices.models import Location, User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped


def by_email() -> list[str]:
    return [Channel.EMAIL]


class BoardChoice(PracticeOwned):
    """Which columns a person sees on this practice's board, and in which order.

    `order` holds keys of practitioners, rooms and other resources, `hidden` the practitioners she left out.
    A clinician who is in neither came later and stands behind the others: no visit vanishes unasked.
    Rooms and other resources show only when they are in `order`.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    order = ArrayField(models.UUIDField(), default=list)
    hidden = ArrayField(models.UUIDField(), default=list)
    location = PracticeForeignKey(Location, models.CASCADE, null=True, related_name="+")
    by_location = models.BooleanField(default=False)

    objects: ClassVar["models.QuerySet[BoardChoice]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "user"], name="board_choice_once"),
        ]

    def __str__(self) -> str:
        return f"Board of {self.user_id}"


class LastLook(PracticeOwned):
    """Up to when a person has seen what changed; moves forward only, by her own press."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    seen_until = models.DateTimeField(default=timezone.now)

    objects: ClassVar["models.QuerySet[LastLook]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "user"], name="last_look_once"),
        ]

    def __str__(self) -> str:
        return f"Look of {self.user_id}"


class NewsRule(PracticeOwned):
    """Which late changes a practice tells its clinicians, and by what; without a row the defaults hold."""

    MOST_DAYS = 14

    horizon_days = models.PositiveSmallIntegerField(default=2)  # today and so many days after it
    tells = models.BooleanField(default=True)
    channels = ArrayField(models.CharField(max_length=5, choices=Channel.choices), default=by_email)
    new_visits = models.BooleanField(default=False)

    objects: ClassVar["models.QuerySet[NewsRule]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice"], name="one_news_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.horizon_days} days"


class ClinicianNews(PracticeOwned):
    """That a late change was told to a clinician, by which message; once per change and person."""

    change = PracticeForeignKey("scheduling.Change", models.CASCADE, related_name="news", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    told_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar["models.QuerySet[ClinicianNews]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "change", "user"], name="news_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "user", "-told_at"], name="news_of_person"),
        ]

    def __str__(self) -> str:
        return f"News of {self.change_id}"
